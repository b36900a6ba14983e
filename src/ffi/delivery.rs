//! The events of one connect on their way to the application: called on the I/O thread, put into
//! an event queue, or kept for `ws_receive`. What can race was fixed when connect was called.

use std::ffi::c_void;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::client::inbox::OwnedMessage;
use crate::client::sink::{CONNECT, Cookie, Stretch, Wish};
use crate::client::state::State;
use crate::client::{Closed, Error, Sink, Verdict};
use crate::protocol::Part;
use crate::protocol::burst::Burst;
use crate::protocol::receiver::Payload;

use super::batch::{Batch, Happening};
use super::callback;
use super::caller::Caller;
use super::entry::{Entry, Handlers, set_current};
use super::event_queue::EventQueue;
use super::outcome;
use super::result::*;
use super::types::*;
use super::validation;

pub struct Delivery {
    pub entry: Arc<Entry>,
    pub handlers: Arc<Handlers>,
    /// The question whose answer the connect waits for.
    validation: AtomicUsize,
}

impl Delivery {
    pub fn new(entry: Arc<Entry>, handlers: Arc<Handlers>) -> Arc<Delivery> {
        Arc::new(Delivery { entry, handlers, validation: AtomicUsize::new(0) })
    }

    fn queue(&self) -> Option<&Arc<EventQueue>> {
        self.handlers.queue.as_ref()
    }

    /// Runs a callback of this socket, unless the socket has been freed.
    pub fn run(&self, code: impl FnOnce(*mut ws_socket)) {
        if self.enter() {
            let outer = set_current((self.entry.handle, Arc::as_ptr(&self.entry)));
            callback::call(|| code(self.entry.as_pointer()));
            set_current(outer);
            self.leave();
        }
    }

    /// Into the gate, to call several handlers; `leave` must follow unless it answers `false`.
    #[inline]
    pub fn enter(&self) -> bool {
        self.entry.gate.enter()
    }

    #[inline]
    pub fn leave(&self) {
        self.entry.gate.leave();
    }

    /// Hands a message over that has bytes of its own.
    pub fn call_message(&self, part: Part, bytes: Vec<u8>) {
        if self.enter() {
            Caller::new(self).call_shared(part, bytes);
            self.leave();
        }
    }

    /// Calls the message handler for each, for whoever has entered, until the socket is freed or
    /// begins to close. `false`: it has been freed.
    fn call_burst(&self, mut burst: Burst<'_>) -> bool {
        let (gate, state) = (&self.entry.gate, &self.entry.socket.link.state);
        let mut caller = Caller::new(self);
        while !gate.is_closed() {
            match burst.next_message() {
                Some((part, piece)) => caller.call(part, piece),
                None => return true,
            }
            if state.load() != State::Open {
                return true;
            }
        }
        false
    }

    pub fn call_completed(&self, done: &Completed) {
        let Some(function) = done.function() else { return };
        let (result, bytes) = (done.result, done.bytes);
        // SAFETY: the cookie was made from a function of this type.
        self.run(|socket| unsafe {
            function(socket, done.operation, result, bytes, done.user_data())
        });
    }

    pub fn call_closed(&self, closed: &ClosedRecord) {
        if let Some(function) = self.handlers.closed.function {
            let user_data = self.handlers.closed.user_data;
            // SAFETY: the application registered a function of this type.
            self.run(|socket| unsafe { function(socket, &raw const closed.public, user_data) });
        }
    }

    pub fn call_pong(&self, round_trip_us: u64) {
        if let Some(function) = self.handlers.pong.function {
            let user_data = self.handlers.pong.user_data;
            // SAFETY: the application registered a function of this type.
            self.run(|socket| unsafe { function(socket, round_trip_us, user_data) });
        }
    }

    pub fn call_send_ready(&self) {
        if let Some(function) = self.handlers.send_ready.function {
            let user_data = self.handlers.send_ready.user_data;
            // SAFETY: the application registered a function of this type.
            self.run(|socket| unsafe { function(socket, user_data) });
        }
    }

    /// Asks the application; `None`: it took a deferral.
    pub fn call_validation(&self, ticket: usize) -> Option<bool> {
        let function = self.handlers.validation.function?;
        let user_data = self.handlers.validation.user_data;
        let validation = std::ptr::without_provenance_mut(ticket);
        // SAFETY: the application registered a function of this type.
        self.run(|socket| unsafe { function(socket, validation, user_data) });
        validation::callback_returned(ticket)
    }

    /// The last word; not held up by the gate, which is closed by now.
    pub fn call_released(&self) {
        if let Some(function) = self.handlers.released.function {
            let user_data = self.handlers.released.user_data;
            let socket = self.entry.as_pointer();
            // SAFETY: the application registered a function of this type.
            callback::call(|| unsafe { function(socket, user_data) });
        }
    }
}

/// The sink of a session: what it is told goes where the application wanted it.
pub struct Deliverer {
    delivery: Arc<Delivery>,
    /// Messages for the queue, handed over together.
    staged: Option<Box<Batch>>,
}

/// The sooner a message of this length is taken, the sooner its memory is there for another.
const LARGE_MESSAGE_BYTES: usize = 128 * 1024;
/// From so many bytes on a burst goes to the queue with the buffer that it lies in.
const LARGE_BURST_BYTES: usize = 32 * 1024;

impl Deliverer {
    pub fn new(delivery: Arc<Delivery>) -> Deliverer {
        Deliverer { delivery, staged: None }
    }
}

impl Sink for Deliverer {
    #[inline]
    fn begin_messages(&mut self) -> bool {
        match self.delivery.queue() {
            Some(queue) => queue.is_open() && !self.delivery.entry.gate.is_closed(),
            None if self.delivery.handlers.is_pull() => !self.delivery.entry.gate.is_closed(),
            None => self.delivery.enter(),
        }
    }

    #[inline]
    fn message(&mut self, part: Part, payload: Payload<'_>) -> bool {
        let delivery = &self.delivery;
        let link = &delivery.entry.socket.link;
        if let Some(queue) = delivery.queue() {
            let staged = self.staged.get_or_insert_default();
            let len = staged.push_message(delivery, part, payload);
            link.backlog.add(len);
            if staged.is_full() || len >= LARGE_MESSAGE_BYTES {
                queue.post_batch(staged);
                queue.wake();
            }
            return true;
        }
        if delivery.entry.gate.is_closed() {
            return false;
        }
        if delivery.handlers.message.function.is_none() {
            let message = OwnedMessage::new(part, payload);
            link.backlog.add(message.len());
            link.inbox.push(message);
            return true;
        }
        let mut caller = Caller::new(delivery);
        match payload {
            Payload::InPlace(piece) => caller.call(part, piece),
            Payload::Gathered(bytes) => caller.call_shared(part, bytes),
        }
        true
    }

    fn burst(&mut self, mut burst: Burst<'_>) -> Wish {
        let delivery = &self.delivery;
        if let Some(queue) = delivery.queue() {
            if let Some(mut staged) = self.staged.take() {
                queue.post_batch(&mut staged);
            }
            let whole = burst.take_all();
            if whole.messages == 0 {
                return Wish::More;
            }
            let backlog = &delivery.entry.socket.link.backlog;
            backlog.add_many(whole.messages, whole.payload_bytes);
            if whole.bytes.len() >= LARGE_BURST_BYTES {
                let end = whole.start + whole.bytes.len() - 1;
                let (start, messages) = (whole.start, whole.messages);
                return Wish::Buffer(Stretch { start, end, messages });
            }
            queue.post_messages(delivery, whole.bytes, whole.messages);
            return Wish::More;
        }
        let goes_on = if delivery.handlers.message.function.is_some() {
            delivery.call_burst(burst)
        } else {
            loop {
                let Some((part, piece)) = burst.next_message() else { break true };
                if !self.message(part, Payload::InPlace(piece)) {
                    break false;
                }
            }
        };
        if goes_on { Wish::More } else { Wish::Nothing }
    }

    fn exchange(
        &mut self,
        buffer: &mut Box<[u8]>,
        stretch: Stretch,
        unread: RangeInclusive<usize>,
    ) {
        let Some(queue) = self.delivery.queue() else { return };
        let Some(mut fresh) = queue.spare_block(buffer.len()) else {
            let packed = buffer.get(stretch.start..=stretch.end).unwrap_or_default();
            return queue.post_messages(&self.delivery, packed, stretch.messages);
        };
        if let (Some(to), Some(from)) = (fresh.get_mut(unread.clone()), buffer.get(unread)) {
            to.copy_from_slice(from);
        }
        let block = std::mem::replace(buffer, fresh);
        queue.post_block(&self.delivery, block, stretch);
    }

    #[inline]
    fn end_messages(&mut self, has_begun: bool) {
        match self.delivery.queue() {
            Some(queue) => {
                // An idle connection holds none.
                if let Some(mut staged) = self.staged.take() {
                    queue.post_batch(&mut staged);
                }
            }
            None if has_begun && !self.delivery.handlers.is_pull() => self.delivery.leave(),
            None => {}
        }
    }

    #[inline]
    fn end_reading(&mut self) {
        if let Some(queue) = self.delivery.queue() {
            queue.wake();
        }
    }

    fn completed(&mut self, operation: u64, cookie: Cookie, error: Option<&Error>, bytes: u64) {
        if operation == CONNECT {
            validation::forget(self.delivery.validation.swap(0, Ordering::AcqRel));
        }
        let result = error.map_or(WS_OK, outcome::of_error);
        let done = Completed { operation, cookie, result, bytes };
        match self.delivery.queue() {
            Some(queue) => queue.post(&self.delivery, Happening::Completed(Box::new(done))),
            None => self.delivery.call_completed(&done),
        }
    }

    fn closed(&mut self, closed: &Closed) {
        let record = ClosedRecord::new(closed);
        match self.delivery.queue() {
            Some(queue) => queue.post(&self.delivery, Happening::Closed(record)),
            None => self.delivery.call_closed(&record),
        }
    }

    fn validate(&mut self) -> Verdict {
        let Some(ticket) = validation::ask(&self.delivery.entry) else { return Verdict::Reject };
        validation::forget(self.delivery.validation.swap(ticket, Ordering::AcqRel));
        if let Some(queue) = self.delivery.queue() {
            queue.post(&self.delivery, Happening::Validation(ticket));
            return Verdict::Later;
        }
        match self.delivery.call_validation(ticket) {
            Some(true) => Verdict::Accept,
            Some(false) => Verdict::Reject,
            None => Verdict::Later,
        }
    }

    fn pong(&mut self, round_trip: Duration) {
        let round_trip_us = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        match self.delivery.queue() {
            Some(queue) => queue.post(&self.delivery, Happening::Pong(round_trip_us)),
            None => self.delivery.call_pong(round_trip_us),
        }
    }

    fn send_ready(&mut self) {
        match self.delivery.queue() {
            Some(queue) => queue.post(&self.delivery, Happening::SendReady),
            None => self.delivery.call_send_ready(),
        }
    }

    fn released(&mut self) {
        validation::forget(self.delivery.validation.swap(0, Ordering::AcqRel));
        match self.delivery.queue() {
            Some(queue) => queue.post(&self.delivery, Happening::Released),
            None => self.delivery.call_released(),
        }
    }
}

/// An operation that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Completed {
    pub operation: u64,
    cookie: Cookie,
    pub result: ws_result,
    pub bytes: u64,
}

/// Puts a completion function and its argument into two words.
pub fn cookie(function: ws_completed_fn, user_data: *mut c_void) -> Cookie {
    [function.map_or(0, |function| function as usize), user_data.expose_provenance()]
}

impl Completed {
    fn function(&self) -> ws_completed_fn {
        let word = self.cookie[0];
        // SAFETY: `cookie` made the word from exactly such an option, whose None is 0.
        unsafe { std::mem::transmute::<usize, ws_completed_fn>(word) }
    }

    pub fn user_data(&self) -> *mut c_void {
        std::ptr::with_exposed_provenance_mut(self.cookie[1])
    }
}

/// What `ws_closed` points at, for as long as it is needed.
#[derive(Debug)]
pub struct ClosedRecord {
    pub public: ws_closed,
    _reason: Vec<u8>,
}

// SAFETY: the pointer inside is read-only and points at what `_reason` owns.
unsafe impl Send for ClosedRecord {}

impl ClosedRecord {
    fn new(closed: &Closed) -> Box<ClosedRecord> {
        // A reason may hold NUL, so this is bytes with a NUL behind them, not a C string.
        let mut reason = closed.reason.clone();
        reason.push(0);
        let public = ws_closed {
            result: closed.error.as_ref().map_or(WS_OK, outcome::of_error),
            code: closed.code,
            reason: reason.as_ptr().cast(),
            was_clean: u8::from(closed.error.is_none()),
            by_peer: u8::from(closed.by_peer),
            reason_length: closed.reason.len(),
        };
        Box::new(ClosedRecord { public, _reason: reason })
    }
}
