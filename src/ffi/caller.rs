//! The message handler of one socket, called again and again: what has to be around a callback is
//! done once for all of them. Knows neither where messages come from nor whether they are wanted.

use std::ffi::c_void;
use std::sync::Arc;

use crate::protocol::Part;

use super::callback::Inside;
use super::delivery::Delivery;
use super::entry::{Entry, set_current};
use super::message::Record;
use super::types::*;

/// While it lives, its thread is inside callbacks of the socket.
pub struct Caller<'d> {
    function: ws_message_received_fn,
    user_data: *mut c_void,
    socket: *mut ws_socket,
    /// The same one for every message: it is borrowed for the time of a callback only.
    record: Record,
    outer: (usize, *const Entry),
    inside: Inside,
    /// Keeps alive what `set_current` was told.
    _delivery: &'d Delivery,
}

impl<'d> Caller<'d> {
    /// For whoever has entered the socket's gate.
    #[inline]
    pub fn new(delivery: &'d Delivery) -> Caller<'d> {
        Caller {
            function: delivery.handlers.message.function,
            user_data: delivery.handlers.message.user_data,
            socket: delivery.entry.as_pointer(),
            record: Record::empty(),
            outer: set_current((delivery.entry.handle, Arc::as_ptr(&delivery.entry))),
            inside: Inside::enter(),
            _delivery: delivery,
        }
    }

    /// The last byte of `piece` is not the message's, whosever it is: it is a zero meanwhile.
    #[inline]
    pub fn call(&mut self, part: Part, piece: &mut [u8]) {
        let behind = piece.last_mut().map(std::mem::take);
        self.call_ended(part, piece);
        if let (Some(place), Some(behind)) = (piece.last_mut(), behind) {
            *place = behind;
        }
    }

    /// The same where mostly a zero is there already: memory that is not written to need not come
    /// back from this processor.
    #[inline]
    pub fn call_packed(&mut self, part: Part, piece: &mut [u8]) {
        match piece.last() {
            Some(0) => self.call_ended(part, piece),
            _ => self.call(part, piece),
        }
    }

    /// For bytes that end with a zero.
    #[inline(always)]
    fn call_ended(&mut self, part: Part, piece: &[u8]) {
        let Some(function) = self.function else { return };
        self.record.lend(part, piece);
        let (socket, message, user_data) = (self.socket, self.record.as_message(), self.user_data);
        // SAFETY: the application registered a function of this type.
        self.inside.call(|| unsafe { function(socket, message, user_data) });
    }

    /// For bytes of the message's own, which end with a zero. They are given back unless they were
    /// retained.
    pub fn call_shared(&mut self, part: Part, bytes: &mut Vec<u8>) {
        let Some(function) = self.function else { return };
        let record = Record::shared(part, std::mem::take(bytes));
        let (socket, user_data) = (self.socket, self.user_data);
        // SAFETY: the application registered a function of this type.
        self.inside.call(|| unsafe { function(socket, record.as_message(), user_data) });
        *bytes = record.into_bytes();
    }
}

impl Drop for Caller<'_> {
    #[inline]
    fn drop(&mut self) {
        set_current(self.outer);
    }
}
