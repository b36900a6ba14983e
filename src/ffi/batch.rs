//! Events on their way through a queue: records in order, and the bytes of messages that are not
//! large behind one another as they came, so that a burst costs one copy and no allocation.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::inbox::OwnedMessage;
use crate::client::sink::Stretch;
use crate::protocol::Part;
use crate::protocol::burst::{self, Packed};
use crate::protocol::receiver::Payload;

use super::delivery::{ClosedRecord, Completed, Delivery};

/// Messages that come alone are copied into the batch up to this size, larger ones keep their own
/// buffer.
const SHARED_BYTES: usize = 16 * 1024;
/// An emptied batch keeps its memory up to this size.
const KEPT_BYTES: usize = 1 << 20;
/// With more than this it is handed on.
const FULL_BYTES: usize = 1 << 30;

const _: () = assert!(SHARED_BYTES <= burst::MAX_PACKED_BYTES);

/// What happened to one socket.
pub enum Happening {
    Messages(Run),
    LargeMessage(Box<OwnedMessage>),
    Completed(Box<Completed>),
    Closed(Box<ClosedRecord>),
    Validation(usize),
    Pong(u64),
    SendReady,
    Released,
}

/// Messages that follow one another: packed in a buffer from `start` on; a byte that is nobody's is
/// behind them, at `end`.
pub struct Run {
    /// The buffer; `None`: the bytes of the batch.
    block: Option<Box<[u8]>>,
    start: usize,
    end: usize,
    pub messages: usize,
}

struct Record {
    /// Whose it is: a place in the batch's deliveries.
    delivery: usize,
    happening: Happening,
}

#[derive(Default)]
pub struct Batch {
    records: VecDeque<Record>,
    deliveries: Vec<Arc<Delivery>>,
    bytes: Vec<u8>,
    /// Of all records.
    events: usize,
}

/// What is first in a batch.
pub enum First<'b> {
    /// Some messages of a socket; `Batch::took` must follow.
    Messages(&'b Delivery, Packed<'b>),
    /// Anything else.
    Other(Arc<Delivery>, Happening),
}

impl Batch {
    /// How many events there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.events
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Full enough to be handed on.
    pub fn is_full(&self) -> bool {
        self.bytes.len() > FULL_BYTES
    }

    pub fn push(&mut self, delivery: &Arc<Delivery>, happening: Happening) {
        let is_new = self.deliveries.last().is_none_or(|last| !Arc::ptr_eq(last, delivery));
        if is_new {
            self.deliveries.push(Arc::clone(delivery));
        }
        let delivery = self.deliveries.len() - 1;
        self.events += happening.events();
        self.records.push_back(Record { delivery, happening });
    }

    /// So many messages, packed as `Packed` reads them, and one byte behind them.
    pub fn push_packed(&mut self, delivery: &Arc<Delivery>, packed: &[u8], messages: usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packed);
        let end = self.bytes.len().saturating_sub(1);
        self.push(delivery, Happening::Messages(Run { block: None, start, end, messages }));
    }

    /// The same where they lie.
    pub fn push_block(&mut self, delivery: &Arc<Delivery>, block: Box<[u8]>, stretch: Stretch) {
        let Stretch { start, end, messages } = stretch;
        self.push(delivery, Happening::Messages(Run { block: Some(block), start, end, messages }));
    }

    /// Returns the message's length.
    pub fn push_message(
        &mut self,
        delivery: &Arc<Delivery>,
        part: Part,
        payload: &mut Payload<'_>,
    ) -> usize {
        let len = payload.bytes().len();
        if len > SHARED_BYTES {
            let message = Box::new(OwnedMessage::new(part, payload));
            self.push(delivery, Happening::LargeMessage(message));
            return len;
        }
        let start = self.bytes.len();
        burst::pack(&mut self.bytes, part, payload.bytes());
        let end = self.bytes.len();
        self.bytes.push(0);
        self.push(delivery, Happening::Messages(Run { block: None, start, end, messages: 1 }));
        len
    }

    /// Moves everything of `other` behind what is here.
    pub fn append(&mut self, other: &mut Batch) {
        if self.is_empty() {
            self.clear();
            // Its memory is worth more than a copy, once there is enough of it.
            if self.bytes.capacity() < other.bytes.len() {
                std::mem::swap(self, other);
                return;
            }
        }
        let (bytes, deliveries) = (self.bytes.len(), self.deliveries.len());
        self.bytes.extend_from_slice(&other.bytes);
        self.deliveries.append(&mut other.deliveries);
        self.events += other.events;
        self.records.extend(other.records.drain(..).map(|record| Record {
            delivery: record.delivery + deliveries,
            happening: match record.happening {
                Happening::Messages(run) if run.block.is_none() => Happening::Messages(Run {
                    start: run.start + bytes,
                    end: run.end + bytes,
                    ..run
                }),
                other => other,
            },
        }));
        other.clear();
    }

    /// What comes first. Messages are taken by way of `took`, all others with this call.
    pub fn first(&mut self) -> Option<First<'_>> {
        if !matches!(self.records.front()?.happening, Happening::Messages(_)) {
            let record = self.records.pop_front()?;
            self.events = self.events.saturating_sub(1);
            let delivery = self.deliveries.get(record.delivery)?;
            return Some(First::Other(Arc::clone(delivery), record.happening));
        }
        let record = self.records.front_mut()?;
        let delivery = self.deliveries.get(record.delivery)?;
        let Happening::Messages(run) = &mut record.happening else { return None };
        let bytes = run.block.as_deref_mut().unwrap_or(&mut self.bytes);
        let packed = bytes.get_mut(run.start..=run.end).unwrap_or_default();
        Some(First::Messages(delivery, Packed::new(packed)))
    }

    /// So many of the first messages, and the bytes that they took, have been taken. Returns a
    /// buffer that has been emptied.
    pub fn took(&mut self, messages: usize, bytes: usize) -> Option<Box<[u8]>> {
        let Happening::Messages(run) = &mut self.records.front_mut()?.happening else {
            return None;
        };
        // Out of which nothing can be read, that would stay for ever; but there is no such run.
        let taken = if messages == 0 { run.messages } else { messages.min(run.messages) };
        run.start += bytes;
        run.messages -= taken;
        self.events = self.events.saturating_sub(taken);
        if run.messages > 0 {
            return None;
        }
        let block = run.block.take();
        self.records.pop_front();
        block
    }

    /// Forgets what was popped, and keeps the memory for the next round.
    pub fn clear(&mut self) {
        self.records.clear();
        self.deliveries.clear();
        self.bytes.clear();
        self.events = 0;
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
            self.records = VecDeque::new();
        }
    }

    /// Whose last events are here.
    pub fn into_last_words(self) -> impl Iterator<Item = Arc<Delivery>> {
        let Batch { records, deliveries, .. } = self;
        records.into_iter().filter_map(move |record| {
            let is_last = matches!(record.happening, Happening::Released);
            is_last.then(|| deliveries.get(record.delivery).map(Arc::clone)).flatten()
        })
    }
}

impl Happening {
    fn events(&self) -> usize {
        match self {
            Happening::Messages(run) => run.messages,
            _ => 1,
        }
    }
}
