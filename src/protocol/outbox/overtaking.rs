//! Pings and pongs: they wait apart from what is queued, and overtake it between two frames. Refuses
//! to know when somebody writes.

use crate::base::chunk::Chunk;
use crate::protocol::frame::{self, MAX_CONTROL_BYTES, Opcode, Shape, write_frame};

use super::{OPEN_END, Outbox};

/// Pings of the application that may wait at once.
const MAX_WAITING_PINGS: usize = 16;
/// Answers to the server's pings that may wait for the end of a turn.
const MAX_WAITING_PONGS: usize = 16;

impl<T> Outbox<T> {
    /// Queues a ping; `false` when too many wait already.
    pub fn ping(&mut self, payload: &[u8]) -> bool {
        if self.is_empty() {
            self.traffic.pings += 1;
            self.frame(Opcode::Ping, payload);
            (self.pings_overtaking, self.pongs_overtaking) = (1, 0);
            self.overtaken_until = self.queued; // no later one overtakes it
            return true;
        }
        let leaving = if self.is_overtaking() { self.pings_overtaking } else { 0 };
        if self.pings.len() + leaving >= MAX_WAITING_PINGS {
            return false;
        }
        self.pings.push_back(payload.to_vec());
        true
    }

    /// Queues a pong. RFC 6455 §5.5.3: only the most recent ping needs an answer, so while the system
    /// takes nothing (`is_stalled`) one that waits is replaced; otherwise a few wait for the end of
    /// the turn.
    pub fn pong(&mut self, payload: &[u8], is_stalled: bool) {
        if self.is_empty() && !self.ended {
            self.traffic.pongs += 1;
            self.frame(Opcode::Pong, payload);
            (self.pings_overtaking, self.pongs_overtaking) = (0, 1);
            self.overtaken_until = self.queued; // no later one overtakes it
        } else if !self.ended {
            self.pongs.truncate(if is_stalled { 0 } else { MAX_WAITING_PONGS - 1 });
            self.pongs.push_back(payload.to_vec());
        }
    }

    /// Queues an empty pong that answers nothing, unless another pong has yet to leave.
    /// RFC 6455 §5.5.3.
    pub fn unsolicited_pong(&mut self) {
        let is_leaving = self.is_overtaking() && self.pongs_overtaking > 0;
        if self.pongs.is_empty() && !is_leaving {
            self.pong(&[], false);
        }
    }

    /// Whether a ping has yet to leave.
    pub fn holds_ping(&self) -> bool {
        !self.pings.is_empty() || (self.is_overtaking() && self.pings_overtaking > 0)
    }

    pub(super) fn is_overtaking(&self) -> bool {
        self.sent < self.overtaken_until
    }

    pub(super) fn wants_overtaking(&self) -> bool {
        let waits = !self.pongs.is_empty() || !self.pings.is_empty();
        waits && !self.is_overtaking()
    }

    /// Puts waiting pongs and pings in front of everything that has not begun to leave.
    pub(super) fn insert_control_frames(&mut self) {
        let (at, offset, skipped) = self.next_boundary();
        let chunk = self.take_control_frames(self.sent + skipped);
        match self.queue.get_mut(at) {
            Some(front) if offset > front.sent() => {
                let tail = front.split_off(offset);
                self.queue.insert(at + 1, chunk);
                if !tail.is_empty() {
                    self.queue.insert(at + 2, tail);
                }
            }
            _ => self.queue.insert(at.min(self.queue.len()), chunk),
        }
    }

    /// The waiting pongs and pings as frames that will stand at `position`.
    pub(super) fn take_control_frames(&mut self, position: u64) -> Chunk {
        let count = self.pongs.len() + self.pings.len();
        let mut chunk = Chunk::with_capacity(count * (MAX_CONTROL_BYTES + 6));
        (self.pings_overtaking, self.pongs_overtaking) = (self.pings.len(), self.pongs.len());
        self.traffic.pings += self.pings.len() as u64;
        self.traffic.pongs += self.pongs.len() as u64;
        let pongs = self.pongs.drain(..).map(|payload| (Opcode::Pong, payload));
        let pings = self.pings.drain(..).map(|payload| (Opcode::Ping, payload));
        for (opcode, payload) in pongs.chain(pings) {
            let key = self.keys.next_key();
            let (header, len) = frame::encode(Shape::whole(opcode), payload.len() as u64, key);
            write_frame(&mut chunk, header.get(..len).unwrap_or_default(), &payload, key);
            self.traffic.frames += 1;
        }
        let len = chunk.len() as u64;
        self.overtaken_until = position + len;
        self.queued += len;
        // They may stand between two frames of a message.
        for operation in &mut self.operations {
            operation.start += if operation.start >= position { len } else { 0 };
            let is_behind = operation.end > position && operation.end != OPEN_END;
            operation.end += if is_behind { len } else { 0 };
        }
        chunk
    }

    /// The first place where a frame begins that has not begun to leave: chunk, offset in it, and
    /// the number of waiting bytes before it.
    fn next_boundary(&self) -> (usize, usize, u64) {
        let mut skipped = 0;
        for (at, chunk) in self.queue.iter().enumerate() {
            let mut offset = chunk.first_frame;
            while offset < chunk.sent() {
                let frame = chunk.written().get(offset..).unwrap_or_default();
                // Headers are never cut by the end of a chunk.
                offset += frame::own_frame_len(frame).unwrap_or(usize::MAX / 2);
            }
            if offset < chunk.end() {
                return (at, offset, skipped + (offset - chunk.sent()) as u64);
            }
            skipped += chunk.len() as u64;
        }
        (self.queue.len(), 0, skipped)
    }
}
