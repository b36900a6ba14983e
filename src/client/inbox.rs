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
    pub fn add(&self, len: usize) {
        self.add_many(1, len);
    }

    /// Messages of these bytes all in all wait, or will in a moment: before they may be taken. Only
    /// the event loop calls this.
    pub fn add_many(&self, messages: usize, bytes: usize) {
        let cost = bytes as u64 + messages as u64 * MESSAGE_OVERHEAD;
        let added = self.added.load(Ordering::Relaxed).wrapping_add(cost);
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
    /// Without memory of its own while it is empty.
    messages: VecDeque<OwnedMessage>,
    end: Option<Box<End>>,
    /// So many threads sleep: only then waking is worth a system call.
    waiting: usize,
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
        let mut content = lock(&self.content);
        content.messages.push_back(message);
        let is_awaited = content.waiting > 0;
        drop(content);
        if is_awaited {
            self.changed.notify_one();
        }
    }

    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin(&self) {
        lock(&self.content).end = None;
    }

    pub fn end(&self, end: End) {
        let mut content = lock(&self.content);
        if matches!(end, End::Freed) {
            content.messages.clear();
            content.end = Some(Box::new(end));
        } else if content.end.is_none() {
            content.end = Some(Box::new(end));
        }
        let is_awaited = content.waiting > 0;
        drop(content);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// The next message; `Ok(None)`: none came by the deadline.
    pub fn take(&self, deadline: Option<Instant>) -> Result<Option<OwnedMessage>, End> {
        let mut content = lock(&self.content);
        loop {
            if let Some(message) = content.messages.pop_front() {
                if content.messages.is_empty() {
                    content.messages = VecDeque::new();
                }
                return Ok(Some(message));
            }
            if let Some(end) = &content.end {
                return Err(End::clone(end));
            }
            let left = deadline.map(|it| it.saturating_duration_since(crate::reactor::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            content.waiting += 1;
            content = match left {
                None => self.changed.wait(content).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.changed.wait_timeout(content, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            content.waiting -= 1;
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
        let inbox = Inbox::default();
        let part = Part { kind: crate::protocol::MessageKind::Text, is_complete: true };
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| inbox.take(None).unwrap().unwrap().len());
            while lock(&inbox.content).waiting == 0 {
                std::thread::yield_now();
            }
            inbox.push(OwnedMessage { part, bytes: b"xy\0".to_vec() });
            assert_eq!(taken.join().unwrap(), 2);
        });
        assert_eq!(lock(&inbox.content).waiting, 0);
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
