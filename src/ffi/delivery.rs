//! The events of one connect on their way to the application: called on the I/O thread, put into
//! an event queue, or kept for `ws_receive`. What can race was fixed when connect was called.

use std::ffi::c_void;
use std::ops::{Deref, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use crate::client::inbox::OwnedMessage;
use crate::client::link::{Home, Linked};
use crate::client::sink::{Cookie, Stretch, Wish};
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
use super::validation::{self, Question};

pub struct Delivery {
    pub entry: Arc<Entry>,
    pub handlers: Arc<Handlers>,
}

impl Delivery {
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
    pub fn call_message(&self, part: Part, mut bytes: Vec<u8>) {
        if self.enter() {
            Caller::new(self).call_shared(part, &mut bytes);
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
    way: Way,
    /// Messages for the queue, handed over together.
    staged: Option<Box<Batch>>,
}

/// The sooner a message of this length is taken, the sooner its memory is there for another.
const LARGE_MESSAGE_BYTES: usize = 128 * 1024;
/// From so many bytes on a burst goes to the queue with the buffer that it lies in.
const LARGE_BURST_BYTES: usize = 32 * 1024;

/// Where events go.
enum Way {
    /// To the handlers, or to whoever pulls.
    Direct(Delivery),
    /// Into the queue, with every record.
    Queue(Arc<Delivery>),
}

impl Deref for Way {
    type Target = Delivery;

    #[inline]
    fn deref(&self) -> &Delivery {
        match self {
            Way::Direct(delivery) => delivery,
            Way::Queue(delivery) => delivery,
        }
    }
}

impl Way {
    /// The queue, and what its records share.
    #[inline]
    fn queue(&self) -> Option<(&EventQueue, &Arc<Delivery>)> {
        match self {
            Way::Direct(_) => None,
            Way::Queue(delivery) => delivery.queue().map(|queue| (&**queue, delivery)),
        }
    }
}

impl Deliverer {
    pub fn new(entry: Arc<Entry>, handlers: Arc<Handlers>) -> Deliverer {
        let is_queued = handlers.queue.is_some();
        let delivery = Delivery { entry, handlers };
        let way = if is_queued { Way::Queue(Arc::new(delivery)) } else { Way::Direct(delivery) };
        Deliverer { way, staged: None }
    }

    /// For `ws_receive`.
    #[inline(never)]
    fn keep_burst(&mut self, mut burst: Burst<'_>) -> bool {
        while let Some((part, piece)) = burst.next_message() {
            if !self.message(part, &mut Payload::InPlace(piece)) {
                return false;
            }
        }
        true
    }
}

impl Sink for Deliverer {
    fn home(&self) -> Home {
        Home(Arc::clone(&self.way.entry) as Arc<dyn Linked>)
    }

    #[inline]
    fn begin_messages(&mut self) -> bool {
        match self.way.queue() {
            Some((queue, delivery)) => queue.is_open() && !delivery.entry.gate.is_closed(),
            None if self.way.handlers.is_pull() => !self.way.entry.gate.is_closed(),
            None => self.way.enter(),
        }
    }

    #[inline]
    fn message(&mut self, part: Part, payload: &mut Payload<'_>) -> bool {
        if let Some((queue, delivery)) = self.way.queue() {
            let staged = self.staged.get_or_insert_default();
            let len = staged.push_message(delivery, part, payload);
            delivery.entry.socket.link.backlog.add(len);
            if staged.is_full() || len >= LARGE_MESSAGE_BYTES {
                queue.post_batch(staged);
                queue.wake();
            }
            return true;
        }
        let delivery = &*self.way;
        let link = &delivery.entry.socket.link;
        if delivery.entry.gate.is_closed() {
            return false;
        }
        if delivery.handlers.message.function.is_none() {
            let message = OwnedMessage::new(part, payload);
            link.backlog.add(message.len());
            link.push_message(message);
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
        if let Some((queue, delivery)) = self.way.queue() {
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
        let goes_on = match self.way.handlers.message.function.is_some() {
            true => self.way.call_burst(burst),
            false => self.keep_burst(burst),
        };
        if goes_on { Wish::More } else { Wish::Nothing }
    }

    fn exchange(
        &mut self,
        buffer: &mut Box<[u8]>,
        stretch: Stretch,
        unread: RangeInclusive<usize>,
    ) {
        let Some((queue, delivery)) = self.way.queue() else { return };
        let Some(mut fresh) = queue.spare_block(buffer.len()) else {
            let packed = buffer.get(stretch.start..=stretch.end).unwrap_or_default();
            return queue.post_messages(delivery, packed, stretch.messages);
        };
        if let (Some(to), Some(from)) = (fresh.get_mut(unread.clone()), buffer.get(unread)) {
            to.copy_from_slice(from);
        }
        let block = std::mem::replace(buffer, fresh);
        queue.post_block(delivery, block, stretch);
    }

    #[inline]
    fn end_messages(&mut self, has_begun: bool) {
        match self.way.queue() {
            Some((queue, _)) => {
                // An idle connection holds none.
                if let Some(mut staged) = self.staged.take() {
                    queue.post_batch(&mut staged);
                }
            }
            None if has_begun && !self.way.handlers.is_pull() => self.way.leave(),
            None => {}
        }
    }

    #[inline]
    fn end_reading(&mut self) {
        if let Some((queue, _)) = self.way.queue() {
            queue.wake();
        }
    }

    fn completed(&mut self, operation: u64, cookie: Cookie, error: Option<&Error>, bytes: u64) {
        let result = error.map_or(WS_OK, outcome::of_error);
        let done = Completed { operation, cookie, result, bytes };
        match self.way.queue() {
            Some((queue, delivery)) => queue.post(delivery, Happening::Completed(Box::new(done))),
            None => self.way.call_completed(&done),
        }
    }

    fn closed(&mut self, closed: &Closed) {
        let record = ClosedRecord::new(closed);
        match self.way.queue() {
            Some((queue, delivery)) => queue.post(delivery, Happening::Closed(record)),
            None => self.way.call_closed(&record),
        }
    }

    fn validate(&mut self) -> (Verdict, Option<Box<dyn Send>>) {
        let Some(question) = Question::ask(&self.way.entry) else { return (Verdict::Reject, None) };
        let verdict = match self.way.queue() {
            Some((queue, delivery)) => {
                queue.post(delivery, Happening::Validation(question.ticket()));
                Verdict::Later
            }
            None => match self.way.call_validation(question.ticket()) {
                Some(true) => Verdict::Accept,
                Some(false) => Verdict::Reject,
                None => Verdict::Later,
            },
        };
        (verdict, Some(Box::new(question)))
    }

    fn pong(&mut self, round_trip: Duration) {
        let round_trip_us = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        match self.way.queue() {
            Some((queue, delivery)) => queue.post(delivery, Happening::Pong(round_trip_us)),
            None => self.way.call_pong(round_trip_us),
        }
    }

    fn send_ready(&mut self) {
        match self.way.queue() {
            Some((queue, delivery)) => queue.post(delivery, Happening::SendReady),
            None => self.way.call_send_ready(),
        }
    }

    fn released(&mut self) {
        match self.way.queue() {
            Some((queue, delivery)) => queue.post(delivery, Happening::Released),
            None => self.way.call_released(),
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
