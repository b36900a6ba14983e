//! Messages that wait for the application, and what they cost.
//!
//! `Backlog` counts the bytes that wait anywhere, so that the event loop stops reading a socket
//! whose application is slow, and goes on when it has caught up. `Inbox` holds the messages of a
//! socket in pull mode.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::base::lock::lock;
use crate::protocol::Part;
use crate::protocol::receiver::Payload;

use super::error::Error;

/// What a waiting message costs besides its bytes.
pub const MESSAGE_OVERHEAD: u64 = 128;

#[derive(Debug, Default)]
pub struct Backlog {
    /// All that ever waited; written by the event loop alone.
    added: AtomicU64,
    /// All that has been taken of it.
    taken: AtomicU64,
    paused: AtomicBool,
}

/// What a message of this length counts.
pub fn cost(len: usize) -> u64 {
    len as u64 + MESSAGE_OVERHEAD
}

impl Backlog {
    /// A message waits. Only the event loop calls this.
    #[inline]
    pub fn add(&self, len: usize) {
        let added = self.added.load(Ordering::Relaxed).wrapping_add(cost(len));
        self.added.store(added, Ordering::Release);
    }

    fn waiting(&self) -> u64 {
        let taken = self.taken.load(Ordering::SeqCst);
        self.added.load(Ordering::SeqCst).wrapping_sub(taken)
    }

    /// Messages of this cost have been taken; `true`: whoever paused must be woken.
    #[must_use]
    pub fn remove(&self, cost: u64, limit: u64) -> bool {
        self.taken.fetch_add(cost, Ordering::SeqCst);
        self.paused.load(Ordering::SeqCst)
            && self.waiting() <= limit / 2
            && self.paused.swap(false, Ordering::SeqCst)
    }

    /// Whether reading should stop. Says so at most once before `remove` asks to go on.
    pub fn must_pause(&self, limit: u64) -> bool {
        if self.waiting() < limit {
            return false;
        }
        self.paused.store(true, Ordering::SeqCst);
        // The application may have taken the last message in between.
        if self.waiting() <= limit / 2 {
            return !self.paused.swap(false, Ordering::SeqCst);
        }
        true
    }
}

/// A message of its own: `bytes` end with a zero that does not belong to it.
#[derive(Debug)]
pub struct OwnedMessage {
    pub part: Part,
    pub bytes: Vec<u8>,
}

impl OwnedMessage {
    /// Takes the payload over, with one copy when it lies in somebody else's buffer.
    pub fn new(part: Part, payload: Payload<'_>) -> OwnedMessage {
        let bytes = match payload {
            Payload::Gathered(bytes) => bytes,
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

#[derive(Debug, Default)]
pub struct Inbox {
    content: Mutex<Content>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    messages: VecDeque<OwnedMessage>,
    end: Option<End>,
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

impl Inbox {
    pub fn push(&self, message: OwnedMessage) {
        lock(&self.content).messages.push_back(message);
        self.changed.notify_one();
    }

    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin(&self) {
        lock(&self.content).end = None;
    }

    pub fn end(&self, end: End) {
        let mut content = lock(&self.content);
        if matches!(end, End::Freed) {
            content.messages.clear();
            content.end = Some(end);
        } else if content.end.is_none() {
            content.end = Some(end);
        }
        drop(content);
        self.changed.notify_all();
    }

    /// The next message; `Ok(None)`: none came by the deadline.
    pub fn take(&self, deadline: Option<Instant>) -> Result<Option<OwnedMessage>, End> {
        let mut content = lock(&self.content);
        loop {
            if let Some(message) = content.messages.pop_front() {
                return Ok(Some(message));
            }
            if let Some(end) = &content.end {
                return Err(end.clone());
            }
            let Some(deadline) = deadline else {
                content = self.changed.wait(content).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(crate::reactor::now());
            if left.is_zero() {
                return Ok(None);
            }
            content =
                self.changed.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_message_over_the_limit_pauses_until_it_is_taken() {
        let backlog = Backlog::default();
        backlog.add(1000);
        assert!(backlog.must_pause(10));
        assert!(backlog.remove(cost(1000), 10));
    }

    #[test]
    fn messages_that_arrived_are_handed_over_before_the_end() {
        let inbox = Inbox::default();
        let part = Part { kind: crate::protocol::MessageKind::Text, is_complete: true };
        inbox.push(OwnedMessage { part, bytes: b"x\0".to_vec() });
        inbox.end(End::Clean);
        let now = Some(crate::reactor::now());
        assert_eq!(inbox.take(now).unwrap().unwrap().len(), 1);
        assert!(matches!(inbox.take(now), Err(End::Clean)));
        assert!(matches!(inbox.take(None), Err(End::Clean)), "again and again");
        inbox.end(End::Freed);
        assert!(matches!(inbox.take(None), Err(End::Freed)));
    }
}
