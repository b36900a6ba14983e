//! What waits to be sent, and who writes it: the event loop at the end of a turn, or an
//! application's thread at once when nothing is in its way. There is one writer at a time, and it
//! holds no lock while it writes.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use crate::base::chunk::ChunkPool;
use crate::base::lock::lock;
use crate::base::random::MaskKeys;
use crate::protocol::MessageKind;
use crate::protocol::heartbeat::Heartbeat;
use crate::protocol::outbox::{Outbox, Sent};
use crate::transport::tcp::{self, Written};

use super::controls::Control;
use super::link::Link;
use super::sink::{Completion, Cookie};

/// Numbers below are those with a name of their own: connect, read, write.
const FIRST_OPERATION: u64 = 16;
/// A thread that sent this recently sends a burst: let it gather.
const BURST: Duration = Duration::from_micros(30);
/// How long a session leaves a flood to the thread that makes it, and the end of it unwritten.
pub const GATHERING: Duration = Duration::from_millis(1);
/// This much waiting is written without waiting for the end of a burst.
pub const FLUSH_BYTES: u64 = 64 * 1024;

#[derive(Debug)]
pub struct Outgoing {
    pub outbox: Outbox<Completion>,
    pub heartbeat: Heartbeat,
    /// Operations that have left and whose events are due.
    pub finished: Vec<(u64, Cookie, u64)>,
    /// Operations that were taken out again, likewise.
    pub cancelled: Vec<(u64, Cookie)>,
    /// `ws_send` was refused, and *send ready* is owed.
    pub owes_send_ready: bool,
    pub send_ready_due: bool,
    /// Threads that wait for room.
    pub waiters: usize,
    pub error: Option<io::Error>,
    /// Since when bytes wait and none has left.
    pub stalled_since: Option<Instant>,
    /// The session leaves a flood from another thread to that thread, and looks in again soon.
    pub is_gathering: bool,
    /// That thread has written since.
    pub has_gathered: bool,
    last_write: Option<Instant>,
    next_operation: u64,
    /// Asked of the writer: the system may take more than it just said.
    try_again: bool,
    /// The socket of an open connection without TLS: any thread may write to it.
    pub socket: Option<Arc<TcpStream>>,
}

impl Outgoing {
    pub fn new(pool: Arc<ChunkPool>) -> Outgoing {
        Outgoing {
            outbox: Outbox::new(pool, MaskKeys::system()),
            heartbeat: Heartbeat::default(),
            finished: Vec::new(),
            cancelled: Vec::new(),
            owes_send_ready: false,
            send_ready_due: false,
            waiters: 0,
            error: None,
            stalled_since: None,
            is_gathering: false,
            has_gathered: false,
            last_write: None,
            next_operation: FIRST_OPERATION,
            try_again: false,
            socket: None,
        }
    }

    pub fn take_operation_number(&mut self) -> u64 {
        let number = self.next_operation;
        self.next_operation += 1;
        number
    }

    /// Whether bytes wait that nobody writes and the system might take.
    pub fn wants_writer(&self) -> bool {
        !self.outbox.is_empty() && self.stalled_since.is_none() && !self.outbox.has_writer()
    }

    /// At the end of a turn: decides whether a flood is left to the thread that makes it. `true`:
    /// it is not, and there is more to write.
    pub fn must_write_on(&mut self) -> bool {
        let has_gathered = std::mem::take(&mut self.has_gathered);
        let goes_on = has_gathered || !self.outbox.is_empty();
        self.is_gathering = goes_on
            && self.socket.is_some()
            && self.stalled_since.is_none()
            && self.outbox.waiting() < FLUSH_BYTES;
        self.wants_writer() && !self.is_gathering
    }

    /// Whether the session has events to raise.
    pub fn has_events(&self) -> bool {
        !self.finished.is_empty() || !self.cancelled.is_empty() || self.send_ready_due
    }

    /// Whether the session has events to raise, or a timer to set.
    fn needs_session(&self) -> bool {
        !self.outbox.is_empty() || self.has_events() || self.error.is_some()
    }
}

impl Link {
    /// Sees to it that what has just been queued leaves. `was_empty`: nothing waited before it.
    #[inline]
    pub fn after_queueing(&self, outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        if self.is_in_turn() {
            // The end of the turn writes; only a lot is not worth gathering further.
            if outgoing.outbox.waiting() >= FLUSH_BYTES
                && !outgoing.outbox.has_writer()
                && outgoing.stalled_since.is_none()
                && let Some(socket) = outgoing.socket.clone()
            {
                drop(self.write_plain(outgoing, &socket, 1));
            }
            return;
        }
        self.leave_from_elsewhere(outgoing, was_empty);
    }

    /// Whoever finds that something waits already need not wake anybody: either the session has
    /// been kicked, or somebody writes and looks again afterwards, or the system takes no more and
    /// readiness will tell.
    ///
    /// In a flood the session stands back: it would write a few messages at a time, in competition
    /// with the thread that sends them. That thread writes whenever much has gathered.
    fn leave_from_elsewhere(&self, mut outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        let is_much = outgoing.is_gathering && outgoing.outbox.waiting() >= FLUSH_BYTES;
        if !was_empty && !is_much {
            return;
        }
        if !outgoing.outbox.has_writer()
            && outgoing.stalled_since.is_none()
            && !crate::reactor::mailbox::on_event_loop()
            && let Some(socket) = outgoing.socket.clone()
        {
            let now = crate::reactor::now();
            let is_burst = outgoing.last_write.is_some_and(|last| now - last < BURST);
            outgoing.last_write = Some(now);
            outgoing.has_gathered |= is_much;
            if is_much || !is_burst {
                let outgoing = self.write_plain(outgoing, &socket, 1);
                let needs_session = outgoing.needs_session();
                drop(outgoing);
                if needs_session {
                    self.kick();
                }
                return;
            }
        }
        // The session will look in by itself.
        let is_gathering = outgoing.is_gathering;
        drop(outgoing);
        if !is_gathering {
            self.kick();
        }
    }

    /// Writes what waits to a plain socket, `rounds` times at most while more comes.
    pub fn write_plain<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        socket: &TcpStream,
        rounds: usize,
    ) -> MutexGuard<'a, Outgoing> {
        for _ in 0..rounds {
            if outgoing.outbox.has_writer() {
                outgoing.try_again = true;
                return outgoing;
            }
            let Some(mut chunks) = outgoing.outbox.begin_writing() else { return outgoing };
            loop {
                outgoing.try_again = false;
                drop(outgoing);
                let written = tcp::write_chunks(socket, &mut chunks, &self.pool);
                outgoing = lock(&self.outgoing);
                let retry = written.blocked && outgoing.try_again;
                if !retry {
                    let blocked = written.blocked || written.error.is_some();
                    self.finish_writing(&mut outgoing, chunks, written);
                    if blocked {
                        return outgoing;
                    }
                    break;
                }
                // The socket became writable while this thread was told that it is not.
                self.finish_writing(&mut outgoing, chunks, written);
                match outgoing.outbox.begin_writing() {
                    Some(rest) => chunks = rest,
                    None => return outgoing,
                }
            }
        }
        outgoing
    }

    /// Writes one message piece by piece, without a copy of the whole, as far as the system takes
    /// it; only the rest is kept. The caller is the writer: `begin_streaming` gave `streaming`.
    pub fn write_streaming<'a>(
        &'a self,
        outgoing: MutexGuard<'a, Outgoing>,
        socket: &TcpStream,
        mut streaming: crate::protocol::outbox::Streaming,
        payload: &[u8],
    ) -> MutexGuard<'a, Outgoing> {
        drop(outgoing);
        let mut rest = VecDeque::new();
        let mut total = Written::default();
        let mut is_first = true;
        loop {
            let mut chunk = self.pool.take();
            if !streaming.fill(payload, &mut chunk, is_first) {
                self.pool.give_back(chunk);
                break;
            }
            is_first = false;
            rest.push_back(chunk);
            if !total.blocked && total.error.is_none() {
                let written = tcp::write_chunks(socket, &mut rest, &self.pool);
                total.bytes += written.bytes;
                total.blocked = written.blocked;
                total.error = written.error;
            }
        }
        let mut outgoing = lock(&self.outgoing);
        self.finish_writing(&mut outgoing, rest, total);
        outgoing
    }

    /// Hands back what a writer took, and notes what became of it.
    pub fn finish_writing(
        &self,
        outgoing: &mut Outgoing,
        rest: VecDeque<crate::base::chunk::Chunk>,
        written: Written,
    ) {
        let Outgoing { outbox, finished, .. } = outgoing;
        outbox.finish_writing(rest, written.bytes, |sent| report(finished, sent));
        // Only a system that takes no more will tell when it does again.
        if !written.blocked || outbox.is_empty() {
            outgoing.stalled_since = None;
        } else if written.bytes > 0 || outgoing.stalled_since.is_none() {
            outgoing.stalled_since = Some(crate::reactor::now());
        }
        if written.error.is_some() {
            outgoing.error = written.error;
        }
        if outgoing.owes_send_ready {
            let limit = self.controls.integer(Control::SendQueueLimit);
            if outgoing.outbox.waiting() < (limit / 2).max(1) {
                outgoing.owes_send_ready = false;
                outgoing.send_ready_due = true;
            }
        }
        if outgoing.waiters > 0 {
            self.room.notify_all();
        }
    }

    /// Queues a message, or writes it at once where that saves keeping it.
    #[inline]
    pub fn queue_message<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        kind: MessageKind,
        payload: &[u8],
        operation: Option<(u64, Completion)>,
    ) {
        let was_empty = outgoing.outbox.is_empty();
        if payload.len() as u64 >= FLUSH_BYTES
            && let Some(socket) = outgoing.socket.clone()
            && let Some(streaming) = outgoing.outbox.begin_streaming(kind, payload.len())
        {
            if let Some((number, completion)) = operation {
                outgoing.outbox.streaming_operation(number, payload.len(), completion);
            }
            let outgoing = self.write_streaming(outgoing, &socket, streaming, payload);
            let needs_session = outgoing.needs_session();
            drop(outgoing);
            // A turn ends with looking at all of this anyway.
            if needs_session && !self.is_in_turn() {
                self.kick();
            }
            return;
        }
        match operation {
            None => outgoing.outbox.message(kind, payload),
            Some((number, completion)) => {
                outgoing.outbox.operation(number, kind, payload, completion);
            }
        }
        self.after_queueing(outgoing, was_empty);
    }
}

/// A thread that waits is told at once, the sink when the session has its turn.
fn report(finished: &mut Vec<(u64, Cookie, u64)>, sent: Sent<Completion>) {
    let bytes = sent.payload_len as u64;
    match sent.completion {
        Completion::Waiter(waiter) => waiter.finish(Ok(bytes)),
        Completion::Event(cookie) => finished.push((sent.number, cookie, bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What became of it was a burst that stopped in the middle for ever: no edge comes for bytes
    /// that the system was not offered.
    #[test]
    fn what_was_queued_behind_a_stall_that_is_over_wants_a_writer() {
        let link = Link::new(Arc::default());
        let mut outgoing = lock(&link.outgoing);
        outgoing.outbox.message(MessageKind::Binary, b"first");
        let refused = outgoing.outbox.begin_writing().unwrap();
        let blocked = Written { blocked: true, ..Written::default() };
        link.finish_writing(&mut outgoing, refused, blocked);
        assert!(outgoing.stalled_since.is_some() && !outgoing.wants_writer());

        let taken = outgoing.outbox.begin_writing().unwrap();
        outgoing.outbox.message(MessageKind::Binary, b"second");
        assert!(!outgoing.wants_writer(), "there is one");
        let bytes = taken.iter().map(|chunk| chunk.len() as u64).sum();
        let accepted = Written { bytes, ..Written::default() };
        link.finish_writing(&mut outgoing, VecDeque::new(), accepted);
        assert!(outgoing.stalled_since.is_none() && outgoing.wants_writer());
    }

    #[test]
    fn a_flood_is_left_to_its_thread_until_it_ends_and_never_when_the_system_blocks() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let link = Link::new(Arc::default());
        let mut outgoing = lock(&link.outgoing);
        outgoing.outbox.message(MessageKind::Binary, b"x");
        assert!(outgoing.must_write_on(), "TLS is written by the session alone");

        outgoing.socket = Some(Arc::new(socket));
        assert!(!outgoing.must_write_on() && outgoing.is_gathering);
        outgoing.stalled_since = Some(crate::reactor::now());
        assert!(!outgoing.must_write_on() && !outgoing.is_gathering, "readiness will tell");
        outgoing.stalled_since = None;
        outgoing.outbox.message(MessageKind::Binary, &[0; 2 * FLUSH_BYTES as usize]);
        assert!(outgoing.must_write_on() && !outgoing.is_gathering, "too much to leave");

        let _ = outgoing.outbox.abandon();
        outgoing.has_gathered = true;
        assert!(!outgoing.must_write_on() && outgoing.is_gathering, "it may go on");
        assert!(!outgoing.must_write_on() && !outgoing.is_gathering, "it did not");
    }
}
