//! Event queues: what happens on I/O threads waits here for a thread of the application.
//!
//! Records and the bytes of messages that are not large are appended to one batch under a short
//! lock; the consumer takes the whole batch and walks it without a lock. The queue knows three ways
//! to say that it is not empty: a condition for `dispatch` and `next`, a descriptor, and a hook.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::base::lock::lock;
use crate::client::inbox::cost;
use crate::client::runtime;
use crate::client::sink::Stretch;
use crate::protocol::burst::Packed;

use super::batch::{Batch, First, Happening};
use super::callback;
use super::caller::Caller;
use super::delivery::Delivery;
use super::entry::Handler;
use super::taken::Taken;
use super::types::*;
use super::wait_handle::WaitHandle;

pub struct EventQueue {
    pub handle: usize,
    filling: Mutex<Filling>,
    /// What the consumer has taken and not finished. Only the consumer touches it.
    draining: Mutex<Batch>,
    blocks: Mutex<Blocks>,
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
    /// It has become non-empty, and nobody has been told.
    owes_wake: bool,
}

/// Buffers of the I/O threads that have come with what was read into them.
#[derive(Default)]
struct Blocks {
    spare: Vec<Box<[u8]>>,
    /// So many wait with their messages.
    filled: usize,
}

/// Who is further behind than this gets copies, which take no more room than they need.
const MOST_BLOCKS: usize = 16;
const MOST_SPARE_BLOCKS: usize = MOST_BLOCKS;

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
            blocks: Mutex::default(),
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

    /// Takes what an event loop has gathered; `staged` is empty afterwards. `wake` must follow.
    pub fn post_batch(&self, staged: &mut Batch) {
        if staged.is_empty() {
            return;
        }
        if self.fill(|batch| batch.append(staged)).is_none() {
            staged.clear();
        }
    }

    /// The same for messages that are packed one behind the other, and a byte behind them.
    pub fn post_messages(&self, delivery: &Arc<Delivery>, packed: &[u8], messages: usize) {
        self.fill(|batch| batch.push_packed(delivery, packed, messages));
    }

    /// The same without a copy. It took a spare block to come here.
    pub fn post_block(&self, delivery: &Arc<Delivery>, block: Box<[u8]>, stretch: Stretch) {
        self.fill(|batch| batch.push_block(delivery, block, stretch));
    }

    /// A buffer in exchange for one that is to be posted; `None`: too many wait already.
    pub fn spare_block(&self, len: usize) -> Option<Box<[u8]>> {
        let mut blocks = lock(&self.blocks);
        if blocks.filled == MOST_BLOCKS {
            return None;
        }
        blocks.filled += 1;
        let spare = blocks.spare.pop().filter(|spare| spare.len() == len);
        drop(blocks);
        Some(spare.unwrap_or_else(|| vec![0; len].into_boxed_slice()))
    }

    fn give_back(&self, block: Box<[u8]>) {
        let mut blocks = lock(&self.blocks);
        blocks.filled = blocks.filled.saturating_sub(1);
        if blocks.spare.len() < MOST_SPARE_BLOCKS {
            blocks.spare.push(block);
        }
    }

    pub fn post(&self, delivery: &Arc<Delivery>, happening: Happening) {
        let is_last = matches!(happening, Happening::Released);
        match self.fill(|batch| batch.push(delivery, happening)) {
            Some(true) => self.wake(),
            Some(false) => {}
            // Nobody will ask any more; the last word is said all the same.
            None if is_last => delivery.call_released(),
            None => {}
        }
    }

    /// `Some(true)`: somebody may have to be woken. `None`: the queue has been freed.
    fn fill(&self, fill: impl FnOnce(&mut Batch)) -> Option<bool> {
        let mut filling = lock(&self.filling);
        if !self.is_open() {
            return None;
        }
        filling.owes_wake |= filling.is_quiet();
        fill(&mut filling.batch);
        Some(filling.owes_wake)
    }

    /// Tells that the queue has become non-empty, once, if it has.
    pub fn wake(&self) {
        if std::mem::take(&mut lock(&self.filling).owes_wake) {
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
            if batch.is_empty() && !self.refill(&mut batch) {
                break;
            }
            match batch.first() {
                Some(First::Messages(delivery, mut packed)) => {
                    let more = limit - dispatched;
                    let messages = self.dispatch_messages(delivery, &mut packed, more);
                    let bytes = packed.taken();
                    if let Some(block) = batch.took(messages, bytes) {
                        self.give_back(block);
                    }
                    dispatched += messages;
                }
                Some(First::Other(delivery, happening)) => {
                    dispatched += 1;
                    dispatch_one(&delivery, happening);
                }
                None => {}
            }
        }
        self.put_back(batch);
        Ok(dispatched)
    }

    /// Calls the handler for some messages of a socket, at most `limit` of them, unless it has been
    /// freed. Returns how many they were.
    fn dispatch_messages(
        &self,
        delivery: &Delivery,
        packed: &mut Packed<'_>,
        limit: usize,
    ) -> usize {
        let gate = &delivery.entry.gate;
        let is_inside = delivery.enter();
        let (mut messages, mut taken) = (0, 0);
        {
            let mut caller = is_inside.then(|| Caller::new(delivery));
            while messages < limit && taken < TAKEN_AT_ONCE && self.is_open() {
                let Some((part, piece)) = packed.next_message() else { break };
                messages += 1;
                taken += cost(piece.len() - 1);
                if gate.is_closed() {
                    caller = None;
                } else if let Some(caller) = &mut caller {
                    caller.call_packed(part, piece);
                }
            }
        }
        if is_inside {
            delivery.leave();
        }
        delivery.entry.socket.link.messages_taken(taken);
        messages
    }

    /// Takes one event out.
    pub fn next(&self, deadline: Option<Instant>) -> Result<Box<Taken>, Refusal> {
        let _consuming = self.begin_consuming()?;
        loop {
            if let Some(taken) = self.next_taken() {
                return Ok(taken);
            }
            let batch = self.take_batch(deadline)?;
            self.keep(batch);
        }
    }

    /// Takes one event out of what is being drained, where it lies.
    fn next_taken(&self) -> Option<Box<Taken>> {
        let mut batch = lock(&self.draining);
        let mut taken = None;
        while taken.is_none() && !batch.is_empty() {
            taken = match batch.first() {
                Some(First::Messages(delivery, mut packed)) => {
                    let next = packed.next_message();
                    let taken = next.and_then(|(part, piece)| Taken::packed(delivery, part, piece));
                    let bytes = packed.taken();
                    if let Some(block) = batch.took(1, bytes) {
                        self.give_back(block);
                    }
                    taken
                }
                Some(First::Other(delivery, happening)) => Taken::other(&delivery, happening),
                None => None,
            };
            if batch.is_empty() {
                batch.clear();
                drop(batch);
                self.has_drained();
                return taken;
            }
        }
        taken
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
        draining.into_last_words().chain(filling.into_last_words()).collect()
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
        let has_drained = batch.is_empty();
        if has_drained {
            batch.clear();
        }
        self.keep(batch);
        if has_drained {
            self.has_drained();
        }
    }

    fn keep(&self, batch: Batch) {
        let mut draining = lock(&self.draining);
        if self.is_open() {
            *draining = batch;
            return;
        }
        drop(draining);
        // `close` has not seen these.
        say(batch.into_last_words().collect());
    }

    fn has_drained(&self) {
        lock(&self.filling).is_draining = false;
        self.wait_handle.update(|| self.is_non_empty());
    }
}

/// Last words, for which there is no queue any more: the I/O thread says them, if there is one.
pub fn say(last_words: Vec<Arc<Delivery>>) {
    if last_words.is_empty() {
        return;
    }
    let say = move || last_words.iter().for_each(|delivery| delivery.call_released());
    match runtime::acquire().ok().and_then(|runtime| runtime.reactor.place().cloned()) {
        Some(remote) => remote.run(Box::new(say)),
        None => say(),
    }
}

/// Reading is allowed to go on at the latest when this much has been taken.
const TAKEN_AT_ONCE: u64 = 256 * 1024;

fn dispatch_one(delivery: &Delivery, happening: Happening) {
    match happening {
        Happening::Messages(_) => {} // come by another way
        Happening::LargeMessage(message) => {
            let taken = cost(message.len());
            delivery.call_message(message.part, message.bytes);
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

/// A number of the calling thread, never 0.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
