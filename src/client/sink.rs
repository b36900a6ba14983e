//! Where the events of a socket go, and what an operation leaves behind to be completed.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::protocol::Part;
use crate::protocol::burst::Burst;
use crate::protocol::receiver::Payload;

use super::error::Error;
use super::link::Home;

/// How a connection that had opened ended. One of these per successful connect.
#[derive(Clone, Debug)]
pub struct Closed {
    /// `None` after a closing handshake.
    pub error: Option<Error>,
    pub code: u16,
    pub reason: Vec<u8>,
    pub by_peer: bool,
}

/// Receives the events of one socket, on the event loop's thread, one at a time.
pub trait Sink: Send {
    /// Where the socket's link lives.
    fn home(&self) -> Home;
    /// Several messages may follow; `false` when the socket has been freed and nothing is wanted.
    fn begin_messages(&mut self) -> bool;
    /// One message, or a portion of one; `false` when no more are wanted. Who keeps the bytes of a
    /// message that has its own takes them out; else they are still there afterwards.
    fn message(&mut self, part: Part, payload: &mut Payload<'_>) -> bool;
    /// Whole messages one behind the other. Those that are not taken are offered again, unless the
    /// socket is being closed.
    fn burst(&mut self, burst: Burst<'_>) -> Wish;
    /// Takes over the buffer that `stretch` is in, or copies, and leaves one of the same length. What
    /// has not been read, `unread` with the byte behind it, lies there in the same place.
    fn exchange(&mut self, buffer: &mut Box<[u8]>, stretch: Stretch, unread: RangeInclusive<usize>);
    fn end_messages(&mut self, has_begun: bool);
    /// What has arrived so far has been handed over, and nothing more is read for now.
    fn end_reading(&mut self);
    /// An operation has ended. `cookie` is what it was begun with, `bytes` how much was done, also
    /// when it failed.
    fn completed(&mut self, operation: u64, cookie: Cookie, error: Option<&Error>, bytes: u64);
    /// The certificate is to be judged by the application. What comes with the verdict is dropped
    /// when the connect has ended.
    fn validate(&mut self) -> (Verdict, Option<Box<dyn Send>>);
    fn closed(&mut self, closed: &Closed);
    fn pong(&mut self, round_trip: Duration);
    fn send_ready(&mut self);
    /// The last event ever.
    fn released(&mut self);
}

/// What comes of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    More,
    /// No more.
    Nothing,
    /// More, after an `exchange` of the buffer with this in it.
    Buffer(Stretch),
}

/// Where in a buffer packed messages lie, up to the byte behind them, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub start: usize,
    pub end: usize,
    pub messages: usize,
}

/// The operation numbers with names.
pub const CONNECT: u64 = 1;
pub const READ: u64 = 2;
pub const WRITE: u64 = 3;

/// Two words that the boundary puts in and gets back: a function and its argument.
pub type Cookie = [usize; 2];

/// Who hears of the end of an operation.
#[derive(Clone, Debug)]
pub enum Completion {
    /// The sink.
    Event(Cookie),
    /// The sink, and whoever keeps a weak reference: it ends before the sink is told.
    Store(Cookie, Arc<()>),
    /// A thread that waits in a call.
    Waiter(Arc<Waiter>),
}

/// A thread's place to wait for the end of an operation.
#[derive(Debug, Default)]
pub struct Waiter {
    place: Mutex<Place>,
    /// What a failed operation had done.
    done: AtomicU64,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Place {
    outcome: Option<Result<u64, Error>>,
    /// Somebody sleeps here: only then waking is worth a system call.
    is_awaited: bool,
    /// Whoever waits is asked to go on with it.
    is_called: bool,
}

/// Why a thread stopped waiting.
#[derive(Clone, Debug)]
pub enum Woken {
    Ended(Result<u64, Error>),
    Called,
    TimedOut,
}

impl Waiter {
    /// The same, and how much had been done before it failed.
    pub fn finish_with(&self, error: Option<Error>, bytes: u64) {
        self.done.store(bytes, Ordering::Release);
        self.finish(error.map_or(Ok(bytes), Err));
    }

    /// How much an operation that failed had done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    pub fn finish(&self, outcome: Result<u64, Error>) {
        let mut place = lock(&self.place);
        if place.outcome.is_some() {
            return;
        }
        place.outcome = Some(outcome);
        let is_awaited = place.is_awaited;
        drop(place);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Asks whoever waits in `wait_for_call` to go on with the operation, now or when it comes to
    /// wait.
    pub fn call(&self) {
        let mut place = lock(&self.place);
        place.is_called = true;
        let is_awaited = place.is_awaited;
        drop(place);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// `None` when it has not ended by the deadline.
    pub fn wait(&self, deadline: Option<Instant>) -> Option<Result<u64, Error>> {
        loop {
            match self.wait_for_call(deadline) {
                Woken::Ended(outcome) => return Some(outcome),
                Woken::Called => {}
                Woken::TimedOut => return None,
            }
        }
    }

    pub fn wait_for_call(&self, deadline: Option<Instant>) -> Woken {
        let mut place = lock(&self.place);
        loop {
            if let Some(outcome) = &place.outcome {
                return Woken::Ended(outcome.clone());
            }
            if std::mem::take(&mut place.is_called) {
                place.is_awaited = false;
                return Woken::Called;
            }
            place.is_awaited = true;
            let Some(deadline) = deadline else {
                place = self.changed.wait(place).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(crate::reactor::now());
            if left.is_zero() {
                return Woken::TimedOut;
            }
            place =
                self.changed.wait_timeout(place, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What the application says of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Reject,
    /// It will tell: `Socket::validated`.
    Later,
}
