//! Bytes of a stream socket on their way to the application: the read that waits for them, or a
//! little that is read ahead of it. What nobody reads stays with the system, and TCP pushes back.
//!
//! Knows no frames and no system calls: the session brings the bytes, and may borrow the waiting
//! read in order to let the system write straight into its buffer.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::base::lock::lock;

use super::error::{Cause, Error, Misuse, Phase};
use super::inbox::End;
use super::lending::Loan;
use super::sink::Completion;

/// With this much ahead the socket is not read until somebody wants it.
const AHEAD_BYTES: usize = 32 * 1024;
/// What is read in one go beyond what a waiting read takes.
const STEP_BYTES: usize = 32 * 1024;

/// Room of the application that it leaves alone until its read has ended.
pub trait Target: Send {
    fn bytes(&mut self) -> &mut [u8];
}

/// A read that waits.
pub struct Reading {
    target: Box<dyn Target>,
    filled: usize,
    /// One byte is enough.
    is_partial: bool,
    completion: Completion,
}

/// How a read has ended.
#[derive(Debug)]
pub struct Finished {
    pub completion: Completion,
    pub error: Option<Error>,
    pub bytes: u64,
}

#[derive(Debug, Default)]
pub struct Incoming {
    content: Mutex<Content>,
    /// The session has given back what it borrowed.
    returned: Condvar,
    /// Looked at in every turn, without the lock.
    has_finished: AtomicBool,
}

#[derive(Debug, Default)]
struct Content {
    /// `ahead[ahead_at..]` has been read and nobody wanted it yet.
    ahead: Vec<u8>,
    ahead_at: usize,
    /// From the beginning of a read until its end is about to be told.
    is_reading: bool,
    reading: Option<Reading>,
    /// The session has borrowed the read; meanwhile it may have been cancelled.
    is_borrowed: bool,
    is_cancelled: bool,
    /// Somebody sleeps until it is given back: only then waking is worth a system call.
    is_awaited: bool,
    finished: Vec<Finished>,
    end: Option<End>,
    /// The session waits for somebody who reads.
    is_paused: bool,
    lending: Lending,
}

/// Where the receiving half of the connection is.
#[derive(Debug, Default)]
enum Lending {
    #[default]
    WithSession,
    /// Here, for the thread that waits for a read.
    Lent(Box<Loan>),
    /// That thread reads. The session may be waiting for it.
    InUse { is_recalled: bool },
}

/// What became of a read that was gone on with on a loan.
#[derive(Clone, Copy, Debug)]
pub struct Returned {
    /// The read has not ended.
    pub is_waiting: bool,
    pub needs_session: bool,
}

impl Lending {
    fn give_up(&mut self) -> bool {
        match self {
            Lending::Lent(loan) => {
                loan.give_up();
                true
            }
            Lending::WithSession | Lending::InUse { .. } => false,
        }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes so far", self.filled)
    }
}

impl Reading {
    pub fn new(target: Box<dyn Target>, is_partial: bool, completion: Completion) -> Reading {
        Reading { target, filled: 0, is_partial, completion }
    }

    /// What is to be filled yet.
    pub fn room(&mut self) -> &mut [u8] {
        self.target.bytes().get_mut(self.filled..).unwrap_or_default()
    }

    /// So many bytes have been put into the room.
    pub fn advance(&mut self, count: usize) {
        self.filled += count;
    }

    /// Whether a thread sleeps until it has ended.
    pub fn is_waited_for(&self) -> bool {
        matches!(self.completion, Completion::Waiter(_))
    }

    /// Whether it does not end with the first bytes.
    pub fn must_be_filled(&self) -> bool {
        !self.is_partial
    }

    /// As many of these as there is room for.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let room = self.room();
        let count = room.len().min(bytes.len());
        if let (Some(place), Some(piece)) = (room.get_mut(..count), bytes.get(..count)) {
            place.copy_from_slice(piece);
        }
        self.filled += count;
        count
    }

    fn is_satisfied(&mut self) -> bool {
        (self.is_partial && self.filled > 0) || self.room().is_empty()
    }

    fn into_finished(self, error: Option<Error>) -> Finished {
        Finished { completion: self.completion, error, bytes: self.filled as u64 }
    }
}

impl Content {
    fn ahead(&self) -> &[u8] {
        self.ahead.get(self.ahead_at..).unwrap_or_default()
    }

    /// Keeps bytes that nobody wanted yet. What has been taken of those before makes room for them:
    /// somebody who always leaves a little may not make it grow for ever.
    fn keep(&mut self, bytes: &[u8]) {
        if self.end.is_some() || bytes.is_empty() {
            return; // behind an end of our own they are nobody's
        }
        let unread = self.ahead.len() - self.ahead_at;
        if self.ahead.capacity() - self.ahead.len() < bytes.len() {
            if self.ahead_at >= unread || self.ahead.capacity() >= AHEAD_BYTES + STEP_BYTES {
                self.ahead.drain(..self.ahead_at);
                self.ahead_at = 0;
            }
            let needed = self.ahead.len() + bytes.len();
            let amortized = (2 * needed).min(AHEAD_BYTES + STEP_BYTES).max(needed);
            self.ahead.reserve_exact(amortized - self.ahead.len());
        }
        self.ahead.extend_from_slice(bytes);
    }

    /// Gives the read what is there; it ends, or waits.
    fn serve(&mut self, mut reading: Reading) {
        let bytes = self.ahead.get(self.ahead_at..).unwrap_or_default();
        self.ahead_at += reading.take(bytes);
        if self.ahead_at == self.ahead.len() {
            self.ahead = Vec::new();
            self.ahead_at = 0;
        }
        let error = match &self.end {
            _ if reading.is_satisfied() => None,
            None if self.is_cancelled => Some(Error::new(Phase::WebSocket, Cause::Aborted)),
            // A clean end cuts a read short.
            Some(End::Clean) => None,
            Some(End::Lost(error)) => Some(error.clone()),
            Some(End::Freed) => Some(Error::new(Phase::Closing, Cause::Aborted)),
            None => {
                self.reading = Some(reading);
                return;
            }
        };
        self.is_cancelled = false;
        self.finished.push(reading.into_finished(error));
    }
}

impl Incoming {
    /// Begins a read. `true`: the session must have a turn, to tell its end or to go on reading.
    pub fn begin(&self, reading: Reading) -> Result<bool, Misuse> {
        let mut content = lock(&self.content);
        if content.is_reading {
            return Err(Misuse::Busy("a read of this socket is under way"));
        }
        content.is_reading = true;
        content.serve(reading);
        let has_paused = std::mem::take(&mut content.is_paused);
        // Who waits goes on by itself with what is lent, others need the session.
        let needs_it = content.reading.as_ref().is_some_and(|reading| !reading.is_waited_for());
        let has_given_up = needs_it && content.lending.give_up();
        Ok(self.publish(&mut content) | has_paused | has_given_up)
    }

    /// Cancels the read that waits. `true`: the session must have a turn to tell its end.
    pub fn cancel(&self) -> bool {
        let mut content = lock(&self.content);
        if content.is_borrowed {
            content.is_cancelled = true;
            return false;
        }
        let Some(reading) = content.reading.take() else { return false };
        let aborted = Error::new(Phase::WebSocket, Cause::Aborted);
        content.finished.push(reading.into_finished(Some(aborted)));
        self.publish(&mut content)
    }

    /// Takes back a read that a thread waits for: how much it got. `None`: it has ended.
    pub fn take_back(&self) -> Option<u64> {
        let mut content = lock(&self.content);
        while content.is_borrowed {
            content = self.wait(content);
        }
        let reading = content.reading.take()?;
        content.is_reading = false;
        Some(reading.filled as u64)
    }

    /// No more bytes will come. Those that are ahead can still be read, unless the end is our own.
    /// Afterwards no buffer of the application is touched any more.
    pub fn end(&self, end: End) -> bool {
        let mut content = lock(&self.content);
        while content.is_borrowed && matches!(end, End::Freed) {
            content = self.wait(content);
        }
        let is_ours = match &end {
            End::Freed => true,
            End::Lost(error) => matches!(error.cause, Cause::Aborted),
            End::Clean => false,
        };
        if content.end.is_none() || matches!(end, End::Freed) {
            content.end = Some(end);
            if is_ours {
                content.ahead = Vec::new();
                content.ahead_at = 0;
            }
        }
        if let Some(reading) = content.reading.take() {
            content.serve(reading);
        }
        self.publish(&mut content)
    }

    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn reset(&self) {
        *lock(&self.content) = Content::default();
        self.has_finished.store(false, Ordering::Relaxed);
    }

    /// Bytes have arrived.
    pub fn arrived(&self, bytes: &[u8]) {
        let mut content = lock(&self.content);
        let Some(mut reading) = content.reading.take() else {
            return content.keep(bytes);
        };
        let count = reading.take(bytes);
        content.keep(bytes.get(count..).unwrap_or_default());
        content.serve(reading);
        self.publish(&mut content);
    }

    /// Borrows the read that waits, until `give_back`.
    pub fn borrow(&self) -> Option<Reading> {
        let mut content = lock(&self.content);
        let reading = content.reading.take()?;
        content.is_borrowed = true;
        Some(reading)
    }

    pub fn give_back(&self, reading: Reading) {
        let mut content = lock(&self.content);
        content.is_borrowed = false;
        content.serve(reading);
        self.publish(&mut content);
        let is_awaited = std::mem::take(&mut content.is_awaited);
        drop(content);
        if is_awaited {
            self.returned.notify_all();
        }
    }

    /// The receiving half is for the thread that waits, now or soon, until `recall_loan`.
    pub fn lend(&self, loan: Box<Loan>) {
        let mut content = lock(&self.content);
        content.lending = Lending::Lent(loan);
        if let Some(Reading { completion: Completion::Waiter(waiter), .. }) = &content.reading {
            waiter.call();
        }
    }

    /// Takes back what has been lent. `None`: it is just used, and comes back with `needs_session`.
    pub fn recall_loan(&self) -> Option<Box<Loan>> {
        let mut content = lock(&self.content);
        match std::mem::take(&mut content.lending) {
            Lending::Lent(loan) => Some(loan),
            Lending::InUse { .. } | Lending::WithSession => {
                content.lending = Lending::InUse { is_recalled: true };
                None
            }
        }
    }

    /// For the thread that waits: its read, and what to go on with, until `return_loan`.
    pub fn borrow_loan(&self) -> Option<(Reading, Box<Loan>)> {
        let mut content = lock(&self.content);
        let is_waited_for = content.reading.as_ref().is_some_and(Reading::is_waited_for);
        if !is_waited_for || !matches!(&content.lending, Lending::Lent(loan) if !loan.is_over()) {
            return None;
        }
        let reading = content.reading.take()?;
        match std::mem::take(&mut content.lending) {
            Lending::Lent(loan) => {
                content.is_borrowed = true;
                content.lending = Lending::InUse { is_recalled: false };
                Some((reading, loan))
            }
            other => {
                content.lending = other; // unreachable: it was looked at
                content.reading = Some(reading);
                None
            }
        }
    }

    /// `surplus` had no room in the read, which is full then.
    pub fn return_loan(&self, reading: Reading, loan: Box<Loan>, surplus: &[u8]) -> Returned {
        let mut content = lock(&self.content);
        let is_recalled = matches!(content.lending, Lending::InUse { is_recalled: true });
        let needs_session = is_recalled || loan.is_over();
        content.lending = Lending::Lent(loan);
        content.is_borrowed = false;
        content.keep(surplus);
        content.serve(reading);
        let has_finished = self.publish(&mut content);
        let is_waiting = content.reading.is_some() && !is_recalled;
        let is_awaited = std::mem::take(&mut content.is_awaited);
        drop(content);
        if is_awaited {
            self.returned.notify_all();
        }
        Returned { is_waiting, needs_session: needs_session | has_finished }
    }

    /// The thread leaves what it was lent to the session; `true`: which must have a turn.
    pub fn give_up_loan(&self) -> bool {
        lock(&self.content).lending.give_up()
    }

    /// How much the session may read now; 0 when nobody wants more. Then `begin` asks for a turn.
    pub fn wanted_bytes(&self) -> usize {
        let mut content = lock(&self.content);
        if let Some(reading) = &mut content.reading {
            // Of many frames at once a partial read takes the first alone.
            let room = if reading.is_partial { 0 } else { reading.room().len() };
            return room.saturating_add(STEP_BYTES);
        }
        if content.ahead().len() < AHEAD_BYTES {
            return STEP_BYTES;
        }
        content.is_paused = true;
        0
    }

    pub fn has_finished(&self) -> bool {
        self.has_finished.load(Ordering::Acquire)
    }

    /// The reads that have ended and whose end is to be told now.
    pub fn take_finished(&self) -> Vec<Finished> {
        if !self.has_finished() {
            return Vec::new();
        }
        let mut content = lock(&self.content);
        self.has_finished.store(false, Ordering::Release);
        let finished = std::mem::take(&mut content.finished);
        if !finished.is_empty() {
            content.is_reading = false;
        }
        finished
    }

    /// A thread that waits is told at once; `true`: the session has to tell somebody.
    fn publish(&self, content: &mut Content) -> bool {
        let Content { finished, is_reading, .. } = content;
        finished.retain_mut(|one| match &one.completion {
            Completion::Waiter(waiter) => {
                *is_reading = false;
                waiter.finish_with(one.error.take(), one.bytes);
                false
            }
            _ => true,
        });
        let has_finished = !content.finished.is_empty();
        self.has_finished.store(has_finished, Ordering::Release);
        has_finished
    }

    fn wait<'a>(&self, mut content: MutexGuard<'a, Content>) -> MutexGuard<'a, Content> {
        content.is_awaited = true;
        self.returned.wait(content).unwrap_or_else(PoisonError::into_inner)
    }
}
