//! What waits to be sent, and who writes it: the event loop at the end of a turn, or an
//! application's thread at once when nothing is in its way. There is one writer at a time, and it
//! holds no lock while it writes.

use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::time::Duration;

use crate::base::lock::lock;
use crate::protocol::frame::{Opcode, Shape};
use crate::protocol::outbox::Sent;
use crate::protocol::streaming::Streaming;
use crate::protocol::{MessageKind, utf8};
use crate::transport::stream::Output;
use crate::transport::tcp::Written;

use super::controls::Control;
use super::link::Link;
use super::sink::{Completion, Cookie, WRITE};
use super::staging::Item;

use super::outgoing::Busy;
pub use super::outgoing::Outgoing;

/// Numbers below are those with a name of their own: connect, read, write.
const FIRST_OPERATION: u64 = 16;
/// How long a session leaves a flood to the thread that makes it, and the end of it unwritten.
pub const GATHERING: Duration = Duration::from_millis(1);
/// This much waiting is written without waiting for the end of a burst, and tried again when so much
/// more waits than the system took.
pub const FLUSH_BYTES: u64 = 64 * 1024;
/// Of a message that is written piece by piece: when the system took no more, it is asked again with
/// so many more.
const RETRY_CHUNKS: usize = 2;
/// So much of a large message does not get a write of its own.
const LITTLE_BYTES: usize = 16 * 1024;

/// A message that the application sends frame by frame.
#[derive(Clone, Debug)]
pub struct Fragmented {
    pub kind: MessageKind,
    pub text: utf8::Validator,
    /// Decided by its first frame.
    pub deflates: bool,
}

impl Outgoing {
    pub fn take_operation_number(&mut self) -> u64 {
        let number = self.next_operation;
        // Billions later nobody remembers it.
        self.next_operation = number.wrapping_add(1);
        FIRST_OPERATION + u64::from(number)
    }

    /// Framed bytes that the system has not been given yet.
    #[inline]
    pub fn waiting(&self) -> u64 {
        self.outbox.waiting() + self.staging.as_ref().map_or(0, |one| one.waiting())
    }

    /// Queues the close frame, behind everything that waits.
    pub fn close(&mut self, payload: &[u8]) {
        let waits = self.staging.as_mut().is_some_and(|one| one.close(payload));
        if !waits {
            self.outbox.close(payload);
        }
    }

    /// Takes out an operation that has not begun to leave.
    pub fn cancel(&mut self, number: u64) -> Option<Sent<Completion>> {
        let waited = self.staging.as_mut().and_then(|one| one.cancel(number));
        waited.or_else(|| self.outbox.cancel(number))
    }

    /// Everything that waits is given up, or only nobody will hear of it if it `lingers`; the
    /// operations among it are returned.
    pub fn give_up(&mut self, lingers: bool) -> Vec<Sent<Completion>> {
        let mut given_up =
            if lingers { self.outbox.forget_operations() } else { self.outbox.abandon() };
        if let Some(staging) = &mut self.staging {
            given_up.extend(staging.abandon());
        }
        given_up
    }

    /// What is lent goes back to the application; operations that had not begun are returned.
    pub fn withdraw_lent(&mut self) -> Vec<Sent<Completion>> {
        self.staging.as_mut().map(|staging| staging.withdraw_lent()).unwrap_or_default()
    }

    /// Whether no message is accepted any more.
    #[inline]
    pub fn has_ended(&self) -> bool {
        self.outbox.has_ended() || self.is_output_closed
    }

    /// Whether bytes wait that nobody writes and the system might take.
    pub fn wants_writer(&self) -> bool {
        !self.outbox.is_empty() && self.stalled_since.is_none() && !self.outbox.has_writer()
    }

    /// At the end of a turn: decides whether a flood is left to the thread that makes it. `true`:
    /// it is not, and there is more to write.
    pub fn must_write_on(&mut self) -> bool {
        self.early_writes = 0;
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
    pub fn needs_session(&self) -> bool {
        !self.outbox.is_empty() || self.has_events() || self.error.is_some() || self.can_stage()
    }
}

impl Link {
    /// Writes what waits, `rounds` times at most while more comes.
    pub fn write_waiting<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        socket: &Output,
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
                let written = socket.write(&mut chunks, &self.runtime.pool);
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
        socket: &Output,
        mut streaming: Streaming,
        payload: &[u8],
    ) -> MutexGuard<'a, Outgoing> {
        drop(outgoing);
        let mut rest = VecDeque::new();
        let mut total = Written::default();
        let mut retry_at = 0;
        while !streaming.has_ended() && total.error.is_none() {
            if streaming.is_between_frames() {
                let mut outgoing = lock(&self.outgoing);
                let written = std::mem::take(&mut total.bytes);
                let overtaking = outgoing.outbox.next_streaming_frame(&mut streaming, written);
                rest.extend(overtaking);
            }
            let mut chunk = self.runtime.pool.take();
            streaming.fill(payload, &mut chunk);
            rest.push_back(chunk);
            // A little that is left leaves together with what is before it.
            let left = streaming.left();
            if rest.len() >= retry_at && (left == 0 || left > LITTLE_BYTES) {
                let written = socket.write(&mut rest, &self.runtime.pool);
                retry_at = if written.blocked { rest.len() + RETRY_CHUNKS } else { 0 };
                total.bytes += written.bytes;
                total.has_moved |= written.has_moved;
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
        outgoing.bytes_sent += written.bytes;
        let Busy { outbox, finished, is_writing, .. } = &mut **outgoing;
        outbox.finish_writing(rest, written.bytes, |sent| {
            *is_writing &= sent.number != WRITE;
            report(finished, sent);
        });
        // Only a system that takes no more will tell when it does again.
        if !written.blocked || outbox.is_empty() {
            outgoing.stalled_since = None;
        } else if written.has_moved || outgoing.stalled_since.is_none() {
            outgoing.stalled_since = Some(crate::reactor::now());
        }
        let held_back = if outgoing.stalled_since.is_some() { outgoing.waiting() } else { 0 };
        outgoing.flush_at = held_back + FLUSH_BYTES;
        self.decide_straight(outgoing);
        if written.error.is_some() {
            outgoing.error = written.error;
        }
        if outgoing.owes_send_ready {
            let limit = self.controls.integer(Control::SendQueueLimit);
            if outgoing.waiting() < (limit / 2).max(1) {
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
        if let Some(staging) = &outgoing.staging {
            let deflates = staging.can_deflate() && self.deflates(payload.len());
            let item = Item::new(Opcode::Message(kind), true, deflates, operation);
            return self.stage(outgoing, item, payload);
        }
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
        self.decide_straight(&mut outgoing);
        self.after_queueing(outgoing, was_empty);
    }
}

impl Link {
    /// Queues a frame of a message that the application sends frame by frame.
    pub fn queue_fragment(
        &self,
        mut outgoing: MutexGuard<'_, Outgoing>,
        fragmented: Fragmented,
        is_final: bool,
        payload: &[u8],
    ) {
        let opcode = match outgoing.fragmented {
            Some(_) => Opcode::Continuation,
            None => Opcode::Message(fragmented.kind),
        };
        let deflates = fragmented.deflates;
        outgoing.fragmented = (!is_final).then_some(fragmented);
        self.decide_straight(&mut outgoing);
        if outgoing.staging.is_some() {
            let item = Item::new(opcode, is_final, deflates, None);
            return self.stage(outgoing, item, payload);
        }
        let was_empty = outgoing.outbox.is_empty();
        outgoing.outbox.fragment(Shape { is_final, ..Shape::whole(opcode) }, payload);
        outgoing.outbox.traffic_mut().messages += u64::from(is_final);
        outgoing.outbox.traffic_mut().payload_bytes += payload.len() as u64;
        self.after_queueing(outgoing, was_empty);
    }

    /// Whether a message of this length is worth deflating, on a connection with compression.
    pub fn deflates(&self, len: usize) -> bool {
        len as u64 >= self.controls.integer(Control::CompressionThreshold)
    }
}

/// A thread that waits is told at once, the sink when the session has its turn.
fn report(finished: &mut Vec<(u64, Cookie, u64)>, sent: Sent<Completion>) {
    let bytes = sent.payload_len as u64;
    match sent.completion {
        Completion::Waiter(waiter) => waiter.finish(Ok(bytes)),
        Completion::Event(cookie) | Completion::Store(cookie, _) => {
            finished.push((sent.number, cookie, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::link::SocketKind;
    use crate::transport::stream::Stream;

    /// What became of it was a burst that stopped in the middle for ever: no edge comes for bytes
    /// that the system was not offered.
    #[test]
    fn what_was_queued_behind_a_stall_that_is_over_wants_a_writer() {
        let link = Link::new(SocketKind::Message, Arc::default());
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
        let address = listener.local_addr().unwrap();
        let socket = Arc::new(mio::net::TcpStream::connect(address).unwrap());
        let link = Link::new(SocketKind::Message, Arc::default());
        let mut outgoing = lock(&link.outgoing);
        outgoing.outbox.message(MessageKind::Binary, b"x");
        assert!(outgoing.must_write_on(), "no other thread has a way out");

        outgoing.socket = Some(Stream::plain(socket).output().clone());
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
