//! Event queues: what happens on I/O threads waits here for a thread of the application.
//!
//! Records and the bytes of small messages are appended to one batch under a short lock; the
//! consumer takes the whole batch and walks it without a lock. The queue knows three ways to say
//! that it is not empty: a condition for `dispatch` and `next`, a descriptor, and a hook.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::base::lock::lock;
use crate::client::inbox::{OwnedMessage, cost};

use super::batch::{Batch, Happening};
use super::callback;
use super::delivery::{ClosedRecord, Delivery};
use super::entry::Handler;
use super::message;
use super::types::*;
use super::validation;
use super::wait_handle::WaitHandle;

pub struct EventQueue {
    pub handle: usize,
    filling: Mutex<Filling>,
    /// What the consumer has taken and not finished. Only the consumer touches it.
    draining: Mutex<Batch>,
    waiters: AtomicUsize,
    changed: Condvar,
    /// The thread that consumes, 0 for none.
    consumer: AtomicU64,
    wait_handle: WaitHandle,
    wake: Mutex<Handler<ws_wake_fn>>,
    /// Threads that have read the hook and may be inside it.
    waking: AtomicUsize,
    is_closed: AtomicBool,
}

/// What has happened since the consumer looked last.
#[derive(Default)]
struct Filling {
    batch: Batch,
    /// The consumer has taken more than it has finished.
    is_draining: bool,
}

impl Filling {
    fn is_quiet(&self) -> bool {
        self.batch.is_empty() && !self.is_draining
    }
}

/// Ends the role of consumer.
struct Consuming<'q>(&'q EventQueue);

impl Drop for Consuming<'_> {
    fn drop(&mut self) {
        self.0.consumer.store(0, Ordering::Release);
    }
}

/// Why nothing was taken from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another thread, or an outer call on this one, is taking events.
    Busy,
    /// None came in time.
    TimedOut,
    /// The queue was freed meanwhile.
    Closed,
}

impl EventQueue {
    pub fn new(handle: usize) -> EventQueue {
        EventQueue {
            handle,
            filling: Mutex::default(),
            draining: Mutex::default(),
            waiters: AtomicUsize::new(0),
            changed: Condvar::new(),
            consumer: AtomicU64::new(0),
            wait_handle: WaitHandle::default(),
            wake: Mutex::default(),
            waking: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
        }
    }

    pub fn is_open(&self) -> bool {
        !self.is_closed.load(Ordering::Acquire)
    }

    /// Replaces the hook. Outside callbacks nobody is inside the old one any more afterwards.
    pub fn set_wake(&self, wake: Handler<ws_wake_fn>) {
        *lock(&self.wake) = wake;
        if !callback::inside() {
            while self.waking.load(Ordering::SeqCst) > 0 {
                std::thread::yield_now();
            }
        }
    }

    pub fn wait_handle(&self) -> std::io::Result<isize> {
        self.wait_handle.open(|| self.is_non_empty())
    }

    /// Whether this thread is inside `dispatch` of this queue.
    pub fn is_consumed_here(&self) -> bool {
        self.consumer.load(Ordering::Acquire) == thread_number()
    }

    /// Takes what an event loop has gathered; `staged` is empty afterwards.
    pub fn post_batch(&self, staged: &mut Batch) {
        if staged.is_empty() {
            return;
        }
        let mut filling = lock(&self.filling);
        if !self.is_open() {
            drop(filling);
            staged.clear();
            return;
        }
        let was_quiet = filling.is_quiet();
        filling.batch.append(staged);
        drop(filling);
        if was_quiet {
            self.has_become_non_empty();
        }
    }

    pub fn post(&self, delivery: &Arc<Delivery>, happening: Happening) {
        let mut filling = lock(&self.filling);
        if !self.is_open() {
            drop(filling);
            // Nobody will ask any more; the last word is said all the same.
            if let Happening::Released = happening {
                delivery.call_released();
            }
            return;
        }
        let was_quiet = filling.is_quiet();
        filling.batch.push(delivery, happening);
        drop(filling);
        if was_quiet {
            self.has_become_non_empty();
        }
    }

    fn is_non_empty(&self) -> bool {
        !lock(&self.filling).is_quiet()
    }

    #[cold]
    fn has_become_non_empty(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            drop(lock(&self.filling));
            self.changed.notify_all();
        }
        self.wait_handle.update(|| self.is_non_empty());
        self.waking.fetch_add(1, Ordering::SeqCst);
        let wake = *lock(&self.wake);
        if let Some(function) = wake.function {
            let queue = std::ptr::without_provenance_mut(self.handle);
            // SAFETY: the application registered a function of this type.
            callback::call(|| unsafe { function(queue, wake.user_data) });
        }
        self.waking.fetch_sub(1, Ordering::SeqCst);
    }

    /// Calls the handlers of at most `max_events` events (0: of all that are there); waits for the
    /// first until `deadline`. Events without a handler count too.
    pub fn dispatch(&self, max_events: usize, deadline: Option<Instant>) -> Result<usize, Refusal> {
        let _consuming = self.begin_consuming()?;
        let mut batch = match self.take_batch(deadline) {
            Ok(batch) => batch,
            Err(Refusal::TimedOut) => return Ok(0),
            Err(refusal) => return Err(refusal),
        };
        let limit = match max_events {
            0 => batch.len() + lock(&self.filling).batch.len(),
            limit => limit,
        };
        let mut dispatched = 0;
        while dispatched < limit && self.is_open() {
            match batch.pop() {
                Some((delivery, happening)) => {
                    dispatched += 1;
                    dispatched +=
                        self.dispatch_run(delivery, happening, &mut batch, limit - dispatched);
                }
                None if self.refill(&mut batch) => {}
                None => break,
            }
        }
        self.put_back(batch);
        Ok(dispatched)
    }

    /// Calls the handler of one event, and of the messages of the same socket that follow it, at
    /// most `more` of them. Returns how many followed.
    fn dispatch_run(
        &self,
        delivery: Arc<Delivery>,
        happening: Happening,
        batch: &mut Batch,
        more: usize,
    ) -> usize {
        let Happening::Message(part, start, len) = happening else {
            dispatch_one(&delivery, happening);
            return 0;
        };
        let mut taken = cost(len as usize);
        let is_inside = delivery.enter();
        if is_inside {
            delivery.call_message_inside(&message::Record::borrowed(part, batch.piece(start, len)));
        }
        let mut count = 0;
        while count < more && taken < TAKEN_AT_ONCE && self.is_open() {
            let Some((part, piece)) = batch.pop_message_of(&delivery) else { break };
            count += 1;
            taken += cost(piece.len().saturating_sub(1));
            if is_inside && !delivery.entry.gate.is_closed() {
                delivery.call_message_inside(&message::Record::borrowed(part, piece));
            }
        }
        if is_inside {
            delivery.leave();
        }
        delivery.entry.socket.link.messages_taken(taken);
        count
    }

    /// Takes one event out.
    pub fn next(&self, deadline: Option<Instant>) -> Result<Taken, Refusal> {
        let _consuming = self.begin_consuming()?;
        loop {
            let mut batch = self.take_batch(deadline)?;
            let taken = match batch.pop() {
                Some((delivery, happening)) => take_one(&delivery, happening, &batch),
                None => None,
            };
            self.put_back(batch);
            if let Some(taken) = taken {
                return Ok(taken);
            }
        }
    }

    /// Ends the queue; what waits in it is dropped, except for last words, which are returned.
    pub fn close(&self) -> Vec<Arc<Delivery>> {
        let filling = {
            let mut filling = lock(&self.filling);
            self.is_closed.store(true, Ordering::SeqCst);
            std::mem::take(&mut filling.batch)
        };
        self.changed.notify_all();
        self.set_wake(Handler::default());
        let draining = std::mem::take(&mut *lock(&self.draining));
        let records = draining.into_records().chain(filling.into_records());
        let last_words = records.filter_map(|(delivery, happening)| {
            matches!(happening, Happening::Released).then_some(delivery)
        });
        last_words.collect()
    }

    fn begin_consuming(&self) -> Result<Consuming<'_>, Refusal> {
        let taken =
            self.consumer.compare_exchange(0, thread_number(), Ordering::AcqRel, Ordering::Acquire);
        taken.map(|_| Consuming(self)).map_err(|_| Refusal::Busy)
    }

    /// What is being drained, or what has been filled meanwhile; waits until there is something.
    fn take_batch(&self, deadline: Option<Instant>) -> Result<Batch, Refusal> {
        let mut batch = std::mem::take(&mut *lock(&self.draining));
        if !batch.is_empty() || self.refill(&mut batch) {
            return Ok(batch);
        }
        let mut filling = lock(&self.filling);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let outcome = loop {
            if !self.is_open() {
                break Err(Refusal::Closed);
            }
            if !filling.batch.is_empty() {
                break Ok(());
            }
            filling = match deadline {
                None => self.changed.wait(filling).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(crate::reactor::now());
                    if left.is_zero() {
                        break Err(Refusal::TimedOut);
                    }
                    self.changed
                        .wait_timeout(filling, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        };
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        drop(filling);
        match outcome {
            Ok(()) if self.refill(&mut batch) => Ok(batch),
            Ok(()) => Err(Refusal::Closed),
            Err(refusal) => Err(refusal),
        }
    }

    /// Swaps an emptied batch for what has been filled meanwhile; `false` when that is nothing.
    fn refill(&self, batch: &mut Batch) -> bool {
        batch.clear();
        let mut filling = lock(&self.filling);
        std::mem::swap(&mut filling.batch, batch);
        filling.is_draining = !batch.is_empty();
        filling.is_draining
    }

    /// Keeps what is left of a batch, or its memory.
    fn put_back(&self, mut batch: Batch) {
        if batch.is_empty() {
            batch.clear();
            lock(&self.filling).is_draining = false;
        }
        if self.is_open() {
            *lock(&self.draining) = batch;
        }
        self.wait_handle.update(|| self.is_non_empty());
    }
}

/// Reading is allowed to go on at the latest when this much has been taken.
const TAKEN_AT_ONCE: u64 = 256 * 1024;

fn dispatch_one(delivery: &Delivery, happening: Happening) {
    match happening {
        Happening::Message(..) => {}
        Happening::LargeMessage(message) => {
            let taken = cost(message.len());
            delivery.call_message(&message::Record::shared(message.part, message.bytes));
            delivery.entry.socket.link.messages_taken(taken);
        }
        Happening::Completed(done) => delivery.call_completed(&done),
        Happening::Closed(closed) => delivery.call_closed(&closed),
        Happening::Validation(ticket) => {
            if let Some(accept) = delivery.call_validation(ticket) {
                delivery.entry.socket.validated(accept);
            }
        }
        Happening::Pong(round_trip_us) => delivery.call_pong(round_trip_us),
        Happening::SendReady => delivery.call_send_ready(),
        Happening::Released => delivery.call_released(),
    }
}

/// An event that has left the queue, with everything that it points at.
#[repr(C)]
pub struct Taken {
    pub event: ws_event,
    _message: Option<Box<message::Record>>,
    _closed: Option<Box<ClosedRecord>>,
}

/// `None`: the socket has been freed, and nothing but its last event comes any more.
fn take_one(delivery: &Delivery, happening: Happening, batch: &Batch) -> Option<Taken> {
    let is_last = matches!(happening, Happening::Released);
    let mut event = ws_event {
        r#type: 0,
        socket: delivery.entry.as_pointer(),
        user_data: delivery.entry.user_data(),
        operation: 0,
        result: 0,
        bytes: 0,
        message: std::ptr::null(),
        closed: std::ptr::null(),
        validation: std::ptr::null_mut(),
        round_trip_us: 0,
    };
    let (mut kept_message, mut kept_closed) = (None, None);
    let mut keep = |message: OwnedMessage| {
        delivery.entry.socket.link.messages_taken(cost(message.len()));
        let record = Box::new(message::Record::shared(message.part, message.bytes));
        let pointer = record.as_message();
        kept_message = Some(record);
        pointer
    };
    event.r#type = match happening {
        Happening::Message(part, start, len) => {
            let bytes = batch.piece(start, len).to_vec();
            event.message = keep(OwnedMessage { part, bytes });
            WS_EVENT_MESSAGE_RECEIVED
        }
        Happening::LargeMessage(message) => {
            event.message = keep(*message);
            WS_EVENT_MESSAGE_RECEIVED
        }
        Happening::Completed(done) => {
            event.user_data = done.user_data();
            event.operation = done.operation;
            event.result = done.result;
            event.bytes = done.bytes;
            WS_EVENT_COMPLETED
        }
        Happening::Closed(closed) => {
            event.closed = &raw const closed.public;
            kept_closed = Some(closed);
            WS_EVENT_CLOSED
        }
        Happening::Validation(ticket) => {
            validation::defer(ticket);
            event.validation = std::ptr::without_provenance_mut(ticket);
            WS_EVENT_SERVER_CUSTOM_VALIDATION_REQUESTED
        }
        Happening::Pong(round_trip_us) => {
            event.round_trip_us = round_trip_us;
            WS_EVENT_PONG
        }
        Happening::SendReady => WS_EVENT_SEND_READY,
        Happening::Released => WS_EVENT_RELEASED,
    };
    if delivery.entry.gate.is_closed() && !is_last {
        return None;
    }
    Some(Taken { event, _message: kept_message, _closed: kept_closed })
}

/// A number of the calling thread, never 0.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
