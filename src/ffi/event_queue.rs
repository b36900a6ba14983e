//! Event queues: what happens on I/O threads waits here for a thread of the application.
//!
//! Records and the bytes of small messages are appended to one batch under a short lock; the
//! consumer takes the whole batch and walks it without a lock. The queue knows three ways to say
//! that it is not empty: a condition for `dispatch` and `next`, a descriptor, and a hook.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::base::lock::lock;
use crate::client::inbox::OwnedMessage;
use crate::protocol::MessageKind;
use crate::protocol::receiver::Payload;

use super::callback;
use super::delivery::{ClosedRecord, Completed, Delivery};
use super::entry::Handler;
use super::message;
use super::types::*;
use super::validation;
use super::wait_handle::WaitHandle;

/// Messages up to this size are copied into the batch, larger ones keep their own buffer.
const SHARED_BYTES: usize = 16 * 1024;
/// An emptied batch keeps its memory up to this size.
const KEPT_BYTES: usize = 256 * 1024;

pub struct Record {
    pub delivery: Arc<Delivery>,
    pub happening: Happening,
}

pub enum Happening {
    Message(MessageKind, Body),
    Completed(Completed),
    Closed(Box<ClosedRecord>),
    Validation(usize),
    Pong(u64),
    SendReady,
    Released,
}

/// Where a message's bytes are; a zero follows them.
pub enum Body {
    /// In the batch: start and length.
    Shared(usize, usize),
    Own(Vec<u8>),
}

#[derive(Default)]
struct Batch {
    records: VecDeque<Record>,
    bytes: Vec<u8>,
}

pub struct EventQueue {
    pub handle: usize,
    filling: Mutex<Batch>,
    /// What the consumer has taken and not finished. Only the consumer touches it.
    draining: Mutex<Batch>,
    pending: AtomicUsize,
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
            pending: AtomicUsize::new(0),
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
        self.wait_handle.open(|| self.pending.load(Ordering::SeqCst) > 0)
    }

    /// Whether this thread is inside `dispatch` of this queue.
    pub fn is_consumed_here(&self) -> bool {
        self.consumer.load(Ordering::Acquire) == thread_number()
    }

    /// Appends a message; one copy, no allocation of its own when it is small.
    pub fn post_message(
        &self,
        delivery: Arc<Delivery>,
        kind: MessageKind,
        payload: Payload<'_>,
        count: impl FnOnce(usize),
    ) -> bool {
        let mut batch = lock(&self.filling);
        if !self.is_open() {
            return false;
        }
        let body = match payload {
            Payload::Gathered(bytes) => {
                count(bytes.len().saturating_sub(1));
                Body::Own(bytes)
            }
            Payload::InPlace(piece) => {
                let len = piece.len().saturating_sub(1);
                count(len);
                let text = piece.get(..len).unwrap_or_default();
                if len <= SHARED_BYTES {
                    let start = batch.bytes.len();
                    batch.bytes.extend_from_slice(text);
                    batch.bytes.push(0);
                    Body::Shared(start, len)
                } else {
                    let mut bytes = Vec::with_capacity(len + 1);
                    bytes.extend_from_slice(text);
                    bytes.push(0);
                    Body::Own(bytes)
                }
            }
        };
        batch.records.push_back(Record { delivery, happening: Happening::Message(kind, body) });
        self.announce(batch);
        true
    }

    pub fn post(&self, record: Record) {
        let mut batch = lock(&self.filling);
        if !self.is_open() {
            drop(batch);
            // Nobody will ask any more; the last word is said all the same.
            if let Happening::Released = record.happening {
                record.delivery.call_released();
            }
            return;
        }
        batch.records.push_back(record);
        self.announce(batch);
    }

    #[inline]
    fn announce(&self, batch: std::sync::MutexGuard<'_, Batch>) {
        // Under the lock: the count is never behind what the consumer can see.
        let was_empty = self.pending.fetch_add(1, Ordering::SeqCst) == 0;
        drop(batch);
        if was_empty {
            self.has_become_non_empty();
        }
    }

    #[cold]
    fn has_become_non_empty(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            drop(lock(&self.filling));
            self.changed.notify_all();
        }
        self.wait_handle.update(|| self.pending.load(Ordering::SeqCst) > 0);
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
        let there = match self.wait(deadline) {
            Ok(there) => there,
            Err(Refusal::TimedOut) => return Ok(0),
            Err(refusal) => return Err(refusal),
        };
        let limit = if max_events == 0 { there } else { max_events };
        let mut dispatched = 0;
        while dispatched < limit && self.is_open() {
            let mut batch = self.take_batch();
            while dispatched < limit && self.is_open() {
                let Some(record) = batch.records.pop_front() else { break };
                dispatched += 1;
                self.pending.fetch_sub(1, Ordering::SeqCst);
                dispatch_one(record, &batch.bytes);
            }
            if self.put_back(batch) {
                break;
            }
        }
        self.wait_handle.update(|| self.pending.load(Ordering::SeqCst) > 0);
        Ok(dispatched)
    }

    /// Takes one event out.
    pub fn next(&self, deadline: Option<Instant>) -> Result<Taken, Refusal> {
        let _consuming = self.begin_consuming()?;
        loop {
            self.wait(deadline)?;
            let mut batch = self.take_batch();
            let record = batch.records.pop_front();
            let taken = record.and_then(|record| {
                self.pending.fetch_sub(1, Ordering::SeqCst);
                take_one(record, &batch.bytes)
            });
            self.put_back(batch);
            self.wait_handle.update(|| self.pending.load(Ordering::SeqCst) > 0);
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
            std::mem::take(&mut *filling)
        };
        self.changed.notify_all();
        self.set_wake(Handler::default());
        let draining = std::mem::take(&mut *lock(&self.draining));
        let records = draining.records.into_iter().chain(filling.records);
        let released = records.filter_map(|record| {
            let is_last = matches!(record.happening, Happening::Released);
            if let Happening::Message(_, body) = &record.happening {
                record.delivery.entry.socket.link.message_taken(body.len());
            }
            is_last.then_some(record.delivery)
        });
        released.collect()
    }

    fn begin_consuming(&self) -> Result<Consuming<'_>, Refusal> {
        let taken =
            self.consumer.compare_exchange(0, thread_number(), Ordering::AcqRel, Ordering::Acquire);
        taken.map(|_| Consuming(self)).map_err(|_| Refusal::Busy)
    }

    /// Waits for events; answers how many there are.
    fn wait(&self, deadline: Option<Instant>) -> Result<usize, Refusal> {
        let there = self.pending.load(Ordering::SeqCst);
        if there > 0 && self.is_open() {
            return Ok(there);
        }
        let mut batch = lock(&self.filling);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let outcome = loop {
            if !self.is_open() {
                break Err(Refusal::Closed);
            }
            let there = self.pending.load(Ordering::SeqCst);
            if there > 0 {
                break Ok(there);
            }
            batch = match deadline {
                None => self.changed.wait(batch).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(crate::reactor::now());
                    if left.is_zero() {
                        break Err(Refusal::TimedOut);
                    }
                    self.changed.wait_timeout(batch, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        };
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        outcome
    }

    /// What is being drained, or what has been filled meanwhile.
    fn take_batch(&self) -> Batch {
        let mut batch = std::mem::take(&mut *lock(&self.draining));
        if batch.records.is_empty() {
            batch.bytes.clear();
            std::mem::swap(&mut batch, &mut *lock(&self.filling));
        }
        batch
    }

    /// Keeps what is left of a batch, or its memory. `true`: there is nothing else.
    fn put_back(&self, mut batch: Batch) -> bool {
        if batch.records.is_empty() && batch.bytes.capacity() > KEPT_BYTES {
            batch = Batch::default();
        }
        if self.is_open() {
            *lock(&self.draining) = batch;
        }
        self.pending.load(Ordering::SeqCst) == 0
    }
}

impl Body {
    fn len(&self) -> usize {
        match self {
            Body::Shared(_, len) => *len,
            Body::Own(bytes) => bytes.len().saturating_sub(1),
        }
    }
}

fn dispatch_one(record: Record, bytes: &[u8]) {
    let Record { delivery, happening } = record;
    match happening {
        Happening::Message(kind, body) => {
            let len = body.len();
            match body {
                Body::Shared(start, len) => {
                    let piece = bytes.get(start..=start + len).unwrap_or(&[0]);
                    delivery.call_message(&message::Record::borrowed(kind, piece));
                }
                Body::Own(bytes) => delivery.call_message(&message::Record::shared(kind, bytes)),
            }
            delivery.entry.socket.link.message_taken(len);
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
fn take_one(record: Record, bytes: &[u8]) -> Option<Taken> {
    let Record { delivery, happening } = record;
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
    event.r#type = match happening {
        Happening::Message(kind, body) => {
            delivery.entry.socket.link.message_taken(body.len());
            let own = match body {
                Body::Own(bytes) => bytes,
                Body::Shared(start, len) => bytes.get(start..=start + len).unwrap_or(&[0]).to_vec(),
            };
            let message = OwnedMessage { kind, bytes: own };
            let record = Box::new(message::Record::shared(message.kind, message.bytes));
            event.message = record.as_message();
            kept_message = Some(record);
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
