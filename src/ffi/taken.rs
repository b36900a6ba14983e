//! An event that has left its queue by `ws_event_queue_next`, with everything that it points at.

use crate::client::inbox::{OwnedMessage, cost};
use crate::protocol::Part;

use super::batch::Happening;
use super::delivery::{ClosedRecord, Delivery};
use super::message::Record;
use super::types::*;
use super::validation;

#[repr(C)]
pub struct Taken {
    pub event: ws_event,
    message: Option<Record>,
    /// Of a small message: it is copied when it is retained.
    bytes: Vec<u8>,
    closed: Option<Box<ClosedRecord>>,
}

impl Taken {
    fn new(delivery: &Delivery, r#type: ws_event_type) -> Box<Taken> {
        let event = ws_event {
            r#type,
            socket: delivery.entry.as_pointer(),
            user_data: delivery.entry.user_data(),
            operation: 0,
            result: 0,
            bytes: 0,
            message: std::ptr::null(),
            closed: std::ptr::null(),
            validation: std::ptr::null_mut(),
            round_trip_us: 0,
        };
        Box::new(Taken { event, message: None, bytes: Vec::new(), closed: None })
    }

    /// A message and the byte behind it. `None`: the socket has been freed, and nothing but its last
    /// event comes any more.
    pub fn packed(delivery: &Delivery, part: Part, piece: &[u8]) -> Option<Box<Taken>> {
        let (_, payload) = piece.split_last()?;
        let mut taken = Taken::of_length(delivery, payload.len())?;
        taken.bytes.reserve_exact(piece.len());
        taken.bytes.extend_from_slice(payload);
        taken.bytes.push(0);
        let record = taken.message.insert(Record::empty());
        record.lend(part, &taken.bytes);
        taken.event.message = record.as_message();
        Some(taken)
    }

    fn message(delivery: &Delivery, message: OwnedMessage) -> Option<Box<Taken>> {
        let mut taken = Taken::of_length(delivery, message.len())?;
        let record = taken.message.insert(Record::shared(message.part, message.bytes));
        taken.event.message = record.as_message();
        Some(taken)
    }

    fn of_length(delivery: &Delivery, len: usize) -> Option<Box<Taken>> {
        delivery.entry.socket.link.messages_taken(cost(len));
        Taken::new(delivery, WS_EVENT_MESSAGE_RECEIVED).unless_freed(delivery)
    }

    /// The same for what is no small message.
    pub fn other(delivery: &Delivery, happening: Happening) -> Option<Box<Taken>> {
        let taken = match happening {
            Happening::Messages(_) => return None, // come by another way
            Happening::LargeMessage(message) => return Taken::message(delivery, *message),
            Happening::Completed(done) => {
                let mut taken = Taken::new(delivery, WS_EVENT_COMPLETED);
                taken.event.user_data = done.user_data();
                taken.event.operation = done.operation;
                taken.event.result = done.result;
                taken.event.bytes = done.bytes;
                taken
            }
            Happening::Closed(closed) => {
                let mut taken = Taken::new(delivery, WS_EVENT_CLOSED);
                taken.event.closed = &raw const closed.public;
                taken.closed = Some(closed);
                taken
            }
            Happening::Validation(ticket) => {
                validation::defer(ticket);
                let kind = WS_EVENT_SERVER_CUSTOM_VALIDATION_REQUESTED;
                let mut taken = Taken::new(delivery, kind);
                taken.event.validation = std::ptr::without_provenance_mut(ticket);
                taken
            }
            Happening::Pong(round_trip_us) => {
                let mut taken = Taken::new(delivery, WS_EVENT_PONG);
                taken.event.round_trip_us = round_trip_us;
                taken
            }
            Happening::SendReady => Taken::new(delivery, WS_EVENT_SEND_READY),
            Happening::Released => return Some(Taken::new(delivery, WS_EVENT_RELEASED)),
        };
        taken.unless_freed(delivery)
    }

    fn unless_freed(self: Box<Taken>, delivery: &Delivery) -> Option<Box<Taken>> {
        (!delivery.entry.gate.is_closed()).then_some(self)
    }
}
