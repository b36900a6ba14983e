//! The events of one connect on their way to the application: called on the I/O thread, put into
//! an event queue, or kept for `ws_receive`. What can race was fixed when connect was called.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::client::inbox::OwnedMessage;
use crate::client::sink::{CONNECT, Cookie};
use crate::client::{Closed, Error, Sink, Verdict};
use crate::protocol::MessageKind;
use crate::protocol::receiver::Payload;

use super::callback;
use super::entry::{Entry, Handlers, set_current};
use super::event_queue::{EventQueue, Happening, Record};
use super::message;
use super::outcome;
use super::result::*;
use super::types::*;
use super::validation;

pub struct Delivery {
    pub entry: Arc<Entry>,
    pub handlers: Handlers,
    /// The question whose answer the connect waits for.
    validation: AtomicUsize,
}

impl Delivery {
    pub fn new(entry: Arc<Entry>, handlers: Handlers) -> Arc<Delivery> {
        Arc::new(Delivery { entry, handlers, validation: AtomicUsize::new(0) })
    }

    fn queue(&self) -> Option<&Arc<EventQueue>> {
        self.handlers.queue.as_ref()
    }

    /// Runs a callback of this socket, unless the socket has been freed.
    pub fn run(&self, code: impl FnOnce(*mut ws_socket)) {
        if self.entry.gate.enter() {
            self.run_inside(code);
            self.entry.gate.leave();
        }
    }

    /// The same for whoever is inside the gate already.
    #[inline]
    fn run_inside(&self, code: impl FnOnce(*mut ws_socket)) {
        let outer = set_current((self.entry.handle, Arc::as_ptr(&self.entry)));
        callback::call(|| code(self.entry.as_pointer()));
        set_current(outer);
    }

    fn post(self: &Arc<Delivery>, queue: &EventQueue, happening: Happening) {
        queue.post(Record { delivery: Arc::clone(self), happening });
    }

    pub fn call_message(&self, record: &message::Record) {
        if let Some(function) = self.handlers.message.function {
            let user_data = self.handlers.message.user_data;
            // SAFETY: the application registered a function of this type.
            self.run(|socket| unsafe { function(socket, record.as_message(), user_data) });
        }
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

/// The sink of a session; a name of its own so that events can hold on to the delivery.
pub struct Deliverer(pub Arc<Delivery>);

impl Sink for Deliverer {
    #[inline]
    fn begin_messages(&self) -> bool {
        self.0.queue().is_some() || self.0.handlers.is_pull() || self.0.entry.gate.enter()
    }

    #[inline]
    fn message(&self, kind: MessageKind, payload: Payload<'_>) -> bool {
        let delivery = &self.0;
        let Some(function) =
            delivery.handlers.message.function.filter(|_| delivery.queue().is_none())
        else {
            return self.keep(kind, payload);
        };
        if delivery.entry.gate.is_closed() {
            return false;
        }
        let user_data = delivery.handlers.message.user_data;
        let call = |record: &message::Record| {
            // SAFETY: the application registered a function of this type.
            delivery
                .run_inside(|socket| unsafe { function(socket, record.as_message(), user_data) });
        };
        match payload {
            Payload::InPlace(piece) => {
                // The byte behind belongs to the next frame: it is a zero only meanwhile.
                let behind = piece.last_mut().map(std::mem::take);
                call(&message::Record::borrowed(kind, piece));
                if let (Some(place), Some(behind)) = (piece.last_mut(), behind) {
                    *place = behind;
                }
            }
            Payload::Gathered(bytes) => call(&message::Record::shared(kind, bytes)),
        }
        true
    }

    #[inline]
    fn end_messages(&self, has_begun: bool) {
        if has_begun && self.0.queue().is_none() && !self.0.handlers.is_pull() {
            self.0.entry.gate.leave();
        }
    }

    fn completed(&self, operation: u64, cookie: Cookie, outcome: Result<u64, &Error>) {
        if operation == CONNECT {
            validation::forget(self.0.validation.swap(0, Ordering::AcqRel));
        }
        let (result, bytes) = match outcome {
            Ok(bytes) => (WS_OK, bytes),
            Err(error) => (outcome::of_error(error), 0),
        };
        let done = Completed { operation, cookie, result, bytes };
        match self.0.queue() {
            Some(queue) => self.0.post(queue, Happening::Completed(done)),
            None => self.0.call_completed(&done),
        }
    }

    fn closed(&self, closed: &Closed) {
        let record = ClosedRecord::new(closed);
        match self.0.queue() {
            Some(queue) => self.0.post(queue, Happening::Closed(record)),
            None => self.0.call_closed(&record),
        }
    }

    fn validate(&self) -> Verdict {
        let Some(ticket) = validation::ask(&self.0.entry) else { return Verdict::Reject };
        validation::forget(self.0.validation.swap(ticket, Ordering::AcqRel));
        if let Some(queue) = self.0.queue() {
            self.0.post(queue, Happening::Validation(ticket));
            return Verdict::Later;
        }
        match self.0.call_validation(ticket) {
            Some(true) => Verdict::Accept,
            Some(false) => Verdict::Reject,
            None => Verdict::Later,
        }
    }

    fn pong(&self, round_trip: Duration) {
        let round_trip_us = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        match self.0.queue() {
            Some(queue) => self.0.post(queue, Happening::Pong(round_trip_us)),
            None => self.0.call_pong(round_trip_us),
        }
    }

    fn send_ready(&self) {
        match self.0.queue() {
            Some(queue) => self.0.post(queue, Happening::SendReady),
            None => self.0.call_send_ready(),
        }
    }

    fn released(&self) {
        validation::forget(self.0.validation.swap(0, Ordering::AcqRel));
        match self.0.queue() {
            Some(queue) if queue.is_open() => self.0.post(queue, Happening::Released),
            _ => self.0.call_released(),
        }
    }
}

impl Deliverer {
    /// A message that waits for the application.
    fn keep(&self, kind: MessageKind, payload: Payload<'_>) -> bool {
        let delivery = &self.0;
        if delivery.entry.gate.is_closed() {
            return false;
        }
        let link = &delivery.entry.socket.link;
        match delivery.queue() {
            Some(queue) => {
                let (delivery, backlog) = (Arc::clone(delivery), &link.backlog);
                queue.post_message(delivery, kind, payload, |len| backlog.add(len))
            }
            None => {
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
                let message = OwnedMessage { kind, bytes };
                link.backlog.add(message.len());
                link.inbox.push(message);
                true
            }
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
