//! Events on their way through a queue: records in order, and the bytes of small messages behind
//! one another, so that a message costs one copy and no allocation.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::inbox::OwnedMessage;
use crate::protocol::Part;
use crate::protocol::receiver::Payload;

use super::delivery::{ClosedRecord, Completed, Delivery};

/// Messages up to this size are copied into the batch, larger ones keep their own buffer.
const SHARED_BYTES: usize = 16 * 1024;
/// An emptied batch keeps its memory up to this size.
const KEPT_BYTES: usize = 4 << 20;

/// What happened to one socket.
pub enum Happening {
    /// A message in the batch's bytes: start and length; a zero follows it.
    Message(Part, u32, u32),
    LargeMessage(Box<OwnedMessage>),
    Completed(Box<Completed>),
    Closed(Box<ClosedRecord>),
    Validation(usize),
    Pong(u64),
    SendReady,
    Released,
}

pub struct Record {
    /// Whose it is: a place in the batch's deliveries.
    delivery: u32,
    pub happening: Happening,
}

#[derive(Default)]
pub struct Batch {
    records: VecDeque<Record>,
    deliveries: Vec<Arc<Delivery>>,
    bytes: Vec<u8>,
}

impl Batch {
    #[inline]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Full enough to be handed on.
    pub fn is_full(&self) -> bool {
        self.bytes.len() > (u32::MAX / 4) as usize || self.deliveries.len() > (1 << 20)
    }

    #[inline]
    pub fn push(&mut self, delivery: &Arc<Delivery>, happening: Happening) {
        let is_new = self.deliveries.last().is_none_or(|last| !Arc::ptr_eq(last, delivery));
        if is_new {
            self.deliveries.push(Arc::clone(delivery));
        }
        let delivery = (self.deliveries.len() - 1) as u32;
        self.records.push_back(Record { delivery, happening });
    }

    /// Returns the message's length.
    #[inline]
    pub fn push_message(
        &mut self,
        delivery: &Arc<Delivery>,
        part: Part,
        payload: Payload<'_>,
    ) -> usize {
        let piece = match payload {
            Payload::InPlace(piece) if piece.len() <= SHARED_BYTES => piece,
            payload => {
                let message = Box::new(OwnedMessage::new(part, payload));
                let len = message.len();
                self.push(delivery, Happening::LargeMessage(message));
                return len;
            }
        };
        let start = self.bytes.len();
        let text = piece.split_last().map_or(&[][..], |(_, text)| text);
        self.bytes.reserve(text.len() + 1);
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        // Both fit: a batch is handed on long before (`is_full`).
        self.push(delivery, Happening::Message(part, start as u32, text.len() as u32));
        text.len()
    }

    /// Moves everything of `other` behind what is here.
    pub fn append(&mut self, other: &mut Batch) {
        if self.is_empty() {
            self.clear();
            std::mem::swap(self, other);
            return;
        }
        let (bytes, deliveries) = (self.bytes.len() as u32, self.deliveries.len() as u32);
        self.bytes.extend_from_slice(&other.bytes);
        self.deliveries.append(&mut other.deliveries);
        self.records.extend(other.records.drain(..).map(|record| Record {
            delivery: record.delivery + deliveries,
            happening: match record.happening {
                Happening::Message(part, start, len) => {
                    Happening::Message(part, start + bytes, len)
                }
                other => other,
            },
        }));
        other.clear();
    }

    /// Takes the first record, with whose it is.
    #[inline]
    pub fn pop(&mut self) -> Option<(Arc<Delivery>, Happening)> {
        let record = self.records.pop_front()?;
        let delivery = self.deliveries.get(record.delivery as usize)?;
        Some((Arc::clone(delivery), record.happening))
    }

    /// Takes the first record if it is a small message of `delivery`: what it is and its bytes with
    /// the zero behind them.
    #[inline]
    pub fn pop_message_of(&mut self, delivery: &Arc<Delivery>) -> Option<(Part, &[u8])> {
        let record = self.records.front()?;
        let Happening::Message(part, start, len) = record.happening else { return None };
        let whose = self.deliveries.get(record.delivery as usize)?;
        if !Arc::ptr_eq(whose, delivery) {
            return None;
        }
        self.records.pop_front();
        Some((part, self.piece(start, len)))
    }

    /// The bytes of a small message that was popped, with the zero behind them.
    #[inline]
    pub fn piece(&self, start: u32, len: u32) -> &[u8] {
        let start = start as usize;
        self.bytes.get(start..=start + len as usize).unwrap_or(&[0])
    }

    /// Forgets what was popped, and keeps the memory for the next round.
    pub fn clear(&mut self) {
        self.records.clear();
        self.deliveries.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
            self.records = VecDeque::new();
        }
    }

    pub fn into_records(self) -> impl Iterator<Item = (Arc<Delivery>, Happening)> {
        let Batch { records, deliveries, .. } = self;
        records.into_iter().filter_map(move |record| {
            let delivery = deliveries.get(record.delivery as usize)?;
            Some((Arc::clone(delivery), record.happening))
        })
    }
}
