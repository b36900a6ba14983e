//! Messages that wait for the application, and what they cost.
//!
//! `Backlog` counts the bytes that wait anywhere, so that the event loop stops reading a socket
//! whose application is slow, and goes on when it has caught up. `Inbox` holds the messages of a
//! socket in pull mode.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, PoisonError};
use std::time::Instant;

use crate::base::lock::lock;
use crate::protocol::Part;
use crate::protocol::receiver::Payload;

use super::error::Error;
use super::link::Link;

/// Of this much memory nobody asks whether a message needs it all.
const ROOMY_BYTES: usize = 2048;
/// What a waiting message costs besides its bytes.
pub const MESSAGE_OVERHEAD: u64 = 128;

/// The bytes that wait, and whether reading has stopped because of them.
#[derive(Debug, Default)]
pub struct Backlog(AtomicU64);

const PAUSED: u64 = 1 << 63;

/// What a message of this length counts.
pub fn cost(len: usize) -> u64 {
    len as u64 + MESSAGE_OVERHEAD
}

impl Backlog {
    /// A message waits. Only the event loop calls this.
    pub fn add(&self, len: usize) {
        self.add_many(1, len);
    }

    /// Messages of these bytes all in all wait, or will in a moment: before they may be taken. Only
    /// the event loop calls this.
    pub fn add_many(&self, messages: usize, bytes: usize) {
        let cost = bytes as u64 + messages as u64 * MESSAGE_OVERHEAD;
        self.0.fetch_add(cost, Ordering::SeqCst);
    }

    fn waiting(&self) -> u64 {
        self.0.load(Ordering::SeqCst) & !PAUSED
    }

    /// Whether it was paused.
    fn go_on(&self) -> bool {
        self.0.fetch_and(!PAUSED, Ordering::SeqCst) & PAUSED != 0
    }

    /// Messages of this cost have been taken; `true`: whoever paused must be woken.
    #[must_use]
    pub fn remove(&self, cost: u64, limit: u64) -> bool {
        let left = self.0.fetch_sub(cost, Ordering::SeqCst) - cost;
        left & PAUSED != 0 && left & !PAUSED <= limit / 2 && self.go_on()
    }

    /// Whether reading should stop. Says so at most once before `remove` asks to go on.
    pub fn must_pause(&self, limit: u64) -> bool {
        if self.waiting() < limit {
            return false;
        }
        let waiting = self.0.fetch_or(PAUSED, Ordering::SeqCst) & !PAUSED;
        // The application may have taken the last message in between.
        waiting > limit / 2 || !self.go_on()
    }
}

/// Whether a message has taken over so much memory that to keep it costs more than to copy it.
pub fn is_roomy(bytes: &Vec<u8>) -> bool {
    bytes.capacity() / 2 > bytes.len().max(ROOMY_BYTES)
}

/// A message of its own: `bytes` end with a zero that does not belong to it.
#[derive(Debug)]
pub struct OwnedMessage {
    pub part: Part,
    pub bytes: Vec<u8>,
}

impl OwnedMessage {
    /// Takes the payload over, with one copy when it lies in somebody else's buffer, or in one that
    /// is much too large for it.
    pub fn new(part: Part, payload: &mut Payload<'_>) -> OwnedMessage {
        let bytes = match payload {
            Payload::Gathered(bytes) if is_roomy(bytes) => bytes.clone(),
            Payload::Gathered(bytes) => std::mem::take(bytes),
            Payload::InPlace(piece) => {
                let mut bytes = piece.to_vec();
                if let Some(behind) = bytes.last_mut() {
                    *behind = 0;
                }
                bytes
            }
        };
        OwnedMessage { part, bytes }
    }

    pub fn len(&self) -> usize {
        self.bytes.len().saturating_sub(1)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes no more than a pointer while there is nothing in it and nobody waits. What is done with it
/// is done by the link, under the lock of what is known.
#[derive(Debug, Default)]
pub struct Inbox(Option<Box<Content>>);

#[derive(Debug, Default)]
struct Content {
    messages: VecDeque<OwnedMessage>,
    end: Option<End>,
    /// So many threads sleep: only then waking is worth a system call.
    waiting: usize,
    /// Where they do.
    changed: Option<Arc<Condvar>>,
}

/// Why no further message will come.
#[derive(Clone, Debug)]
pub enum End {
    /// A closing handshake.
    Clean,
    Lost(Error),
    /// The socket was freed.
    Freed,
}

impl Link {
    pub fn push_message(&self, message: OwnedMessage) {
        let mut known = lock(&self.information);
        let content = known.inbox.0.get_or_insert_default();
        content.messages.push_back(message);
        let awaited = content.awaited();
        drop(known);
        if let Some(changed) = awaited {
            changed.notify_one();
        }
    }

    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin_inbox(&self) {
        let inbox = &mut lock(&self.information).inbox;
        if let Some(content) = &mut inbox.0 {
            content.end = None;
        }
        inbox.tidy();
    }

    pub fn end_inbox(&self, end: End) {
        let mut known = lock(&self.information);
        let content = known.inbox.0.get_or_insert_default();
        if matches!(end, End::Freed) {
            content.messages = VecDeque::new();
            content.end = Some(end);
        } else if content.end.is_none() {
            content.end = Some(end);
        }
        let awaited = content.awaited();
        drop(known);
        if let Some(changed) = awaited {
            changed.notify_all();
        }
    }

    /// The next message; `Ok(None)`: none came by the deadline.
    pub fn take_message(&self, deadline: Option<Instant>) -> Result<Option<OwnedMessage>, End> {
        let mut known = lock(&self.information);
        loop {
            if let Some(content) = &mut known.inbox.0 {
                if let Some(message) = content.messages.pop_front() {
                    known.inbox.tidy();
                    return Ok(Some(message));
                }
                if let Some(end) = &content.end {
                    return Err(End::clone(end));
                }
            }
            let left = deadline.map(|it| it.saturating_duration_since(crate::reactor::now()));
            if left.is_some_and(|left| left.is_zero()) {
                known.inbox.tidy();
                return Ok(None);
            }
            let content = known.inbox.0.get_or_insert_default();
            content.waiting += 1;
            let changed = Arc::clone(content.changed.get_or_insert_default());
            known = match left {
                None => changed.wait(known).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = changed.wait_timeout(known, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            if let Some(content) = &mut known.inbox.0 {
                content.waiting -= 1;
            }
        }
    }
}

impl Inbox {
    /// Gives up what holds nothing.
    fn tidy(&mut self) {
        if let Some(content) = &mut self.0
            && content.messages.is_empty()
        {
            if content.end.is_none() && content.waiting == 0 {
                self.0 = None;
            } else {
                content.messages = VecDeque::new();
            }
        }
    }
}

impl Content {
    fn awaited(&self) -> Option<Arc<Condvar>> {
        self.changed.clone().filter(|_| self.waiting > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::link::SocketKind;

    #[test]
    fn reading_pauses_at_the_limit_and_goes_on_at_half() {
        let backlog = Backlog::default();
        let limit = 4 * (100 + MESSAGE_OVERHEAD);
        for _ in 0..4 {
            assert!(!backlog.must_pause(limit));
            backlog.add(100);
        }
        assert!(backlog.must_pause(limit));
        assert!(!backlog.remove(cost(100), limit));
        assert!(backlog.remove(cost(100), limit), "half is left: go on");
        assert!(!backlog.remove(cost(100), limit), "said once");
        assert!(!backlog.must_pause(limit));
    }

    #[test]
    fn many_at_once_count_as_many_do() {
        let backlog = Backlog::default();
        let limit = 3 * MESSAGE_OVERHEAD + 300;
        backlog.add_many(3, 299);
        assert!(!backlog.must_pause(limit));
        backlog.add_many(0, 1);
        assert!(backlog.must_pause(limit));
        assert!(backlog.remove(cost(100) + cost(100) + cost(100), limit));
    }

    #[test]
    fn a_thread_that_waits_is_woken_by_the_message() {
        let link = Link::new(SocketKind::Message, Arc::default());
        let part = Part { kind: crate::protocol::MessageKind::Text, is_complete: true };
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| link.take_message(None).unwrap().unwrap().len());
            while lock(&link.information).inbox.0.is_none() {
                std::thread::yield_now();
            }
            link.push_message(OwnedMessage { part, bytes: b"xy\0".to_vec() });
            assert_eq!(taken.join().unwrap(), 2);
        });
        assert!(lock(&link.information).inbox.0.is_none(), "it keeps nothing");
    }

    #[test]
    fn a_message_over_the_limit_pauses_until_it_is_taken() {
        let backlog = Backlog::default();
        backlog.add(1000);
        assert!(backlog.must_pause(10));
        assert!(backlog.remove(cost(1000), 10));
    }

    #[test]
    fn messages_that_arrived_are_handed_over_before_the_end() {
        let link = Link::new(SocketKind::Message, Arc::default());
        let part = Part { kind: crate::protocol::MessageKind::Text, is_complete: true };
        link.push_message(OwnedMessage { part, bytes: b"x\0".to_vec() });
        link.end_inbox(End::Clean);
        let now = Some(crate::reactor::now());
        assert_eq!(link.take_message(now).unwrap().unwrap().len(), 1);
        assert!(matches!(link.take_message(now), Err(End::Clean)));
        assert!(matches!(link.take_message(None), Err(End::Clean)), "again and again");
        link.end_inbox(End::Freed);
        assert!(matches!(link.take_message(None), Err(End::Freed)));
    }
}
