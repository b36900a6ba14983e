//! Messages become masked frames that wait to be written.
//!
//! Framing and masking happen as a message is accepted, in one pass into the last chunk; a large
//! message becomes several frames. A writer takes the chunks out, writes them without any lock, and
//! hands back what the system did not accept. Pings and pongs overtake what waits, between two frames; nothing else ever overtakes,
//! also not a close frame. An operation that has not begun to leave can be taken out again.
//! Knows no socket and no lock: whoever shares it brings the lock.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::chunk::{Chunk, ChunkPool};
use crate::base::random::MaskKeys;

use super::frame::{self, MAX_CONTROL_BYTES, MessageKind, Opcode, Shape, write_frame};
use super::mask::copy_masked;
use super::streaming::Streaming;
use super::traffic::Traffic;

/// Pings of the application that may wait at once.
pub const MAX_WAITING_PINGS: usize = 16;
/// Answers to the server's pings that may wait for the end of a turn.
const MAX_WAITING_PONGS: usize = 16;

/// A message that the application wants to hear about. Offsets count all bytes ever queued.
#[derive(Debug)]
struct Operation<T> {
    number: u64,
    start: u64,
    /// `OPEN_END` while more of the message is to be queued.
    end: u64,
    /// What follows relies on it: it cannot be taken out again.
    is_fixed: bool,
    payload_len: usize,
    completion: T,
}

const OPEN_END: u64 = u64::MAX;

/// An operation whose last byte has been handed to the system.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent<T> {
    pub number: u64,
    pub payload_len: usize,
    pub completion: T,
}

#[derive(Debug)]
pub struct Outbox<T> {
    pool: Arc<ChunkPool>,
    keys: MaskKeys,
    queue: VecDeque<Chunk>,
    operations: VecDeque<Operation<T>>,
    pings: VecDeque<Vec<u8>>,
    pongs: VecDeque<Vec<u8>>,
    /// Where the control frames end that overtook last, and how many of each are among them. Until
    /// they have left no others follow: a peer that reads nothing cannot make them pile up.
    overtaken_until: u64,
    pings_overtaking: usize,
    pongs_overtaking: usize,
    /// All bytes ever queued, and those of them that have been handed to the system.
    queued: u64,
    sent: u64,
    /// While a writer has the front: where what it took ends.
    taken_until: Option<u64>,
    ended: bool,
    pub traffic: Traffic,
}

impl<T> Outbox<T> {
    pub fn new(pool: Arc<ChunkPool>, keys: MaskKeys) -> Outbox<T> {
        Outbox {
            pool,
            keys,
            queue: VecDeque::new(),
            operations: VecDeque::new(),
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
            overtaken_until: 0,
            pings_overtaking: 0,
            pongs_overtaking: 0,
            queued: 0,
            sent: 0,
            taken_until: None,
            ended: false,
            traffic: Traffic::default(),
        }
    }

    /// Framed bytes that the system has not been given yet.
    #[inline]
    pub fn waiting(&self) -> u64 {
        self.queued - self.sent
    }

    #[inline]
    pub fn has_writer(&self) -> bool {
        self.taken_until.is_some()
    }

    #[inline]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether a writer would find something to write.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.pongs.is_empty() && self.pings.is_empty()
    }

    /// Queues one whole message.
    #[inline]
    pub fn message(&mut self, kind: MessageKind, payload: &[u8]) {
        self.traffic.messages += 1;
        self.traffic.payload_bytes += payload.len() as u64;
        self.frame(Opcode::Message(kind), payload);
    }

    /// Queues a frame of a message, or all of it; several frames when it is large.
    pub fn fragment(&mut self, shape: Shape, payload: &[u8]) {
        let mut shape = shape;
        let mut rest = payload;
        loop {
            let (piece, behind) = rest.split_at(frame::next_frame_len(rest.len()).min(rest.len()));
            let is_final = shape.is_final && behind.is_empty();
            let key = self.keys.next_key();
            self.frame_any(Shape { is_final, ..shape }, piece, key);
            if behind.is_empty() {
                return;
            }
            rest = behind;
            shape = shape.continued();
        }
    }

    /// Queues one whole message and remembers to report when it has left.
    pub fn operation(&mut self, number: u64, kind: MessageKind, payload: &[u8], completion: T) {
        let start = self.queued;
        self.message(kind, payload);
        let (end, payload_len) = (self.queued, payload.len());
        let operation = Operation { number, start, end, is_fixed: false, payload_len, completion };
        self.operations.push_back(operation);
    }

    /// The message that is queued from now on, frame by frame, is an operation.
    /// `is_fixed`: what follows will rely on it, it cannot be taken out again.
    pub fn begin_operation(
        &mut self,
        number: u64,
        payload_len: usize,
        completion: T,
        is_fixed: bool,
    ) {
        let (start, end) = (self.queued, OPEN_END);
        let operation = Operation { number, start, end, is_fixed, payload_len, completion };
        self.operations.push_back(operation);
    }

    /// All of it has been queued.
    pub fn end_operation(&mut self, number: u64) {
        let found = self.operations.iter_mut().find(|operation| operation.number == number);
        if let Some(operation) = found {
            operation.end = self.queued;
        }
    }

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

    /// Queues the close frame, behind everything that waits; nothing can be queued after it.
    /// RFC 6455 §5.5.1.
    pub fn close(&mut self, payload: &[u8]) {
        if !self.ended {
            self.frame(Opcode::Close, payload);
            self.end();
        }
    }

    /// Nothing may be queued any more. What waits may still leave.
    pub fn end(&mut self) {
        self.ended = true;
        self.pongs.clear();
        self.pings.clear();
    }

    /// Everything that waits is given up; the operations among it are returned.
    pub fn abandon(&mut self) -> Vec<Sent<T>> {
        self.end();
        for chunk in self.queue.drain(..) {
            self.pool.give_back(chunk);
        }
        self.sent = self.queued;
        self.operations.drain(..).map(Operation::into_sent).collect()
    }

    /// The operations that wait; their bytes may still leave, but nobody will hear of it.
    pub fn forget_operations(&mut self) -> Vec<Sent<T>> {
        self.operations.drain(..).map(Operation::into_sent).collect()
    }

    /// Takes out an operation that has not begun to leave.
    pub fn cancel(&mut self, number: u64) -> Option<Sent<T>> {
        let at = self.operations.iter().position(|operation| operation.number == number)?;
        let (start, end) = self.operations.get(at).map(|found| (found.start, found.end))?;
        let is_fixed = self.operations.get(at).is_some_and(|found| found.is_fixed);
        if is_fixed || end == OPEN_END || start < self.taken_until.unwrap_or(self.sent) {
            return None;
        }
        let mut offset = self.taken_until.unwrap_or(self.sent);
        for chunk in &mut self.queue {
            let (from, until) = (offset, offset + chunk.len() as u64);
            offset = until;
            let (cut_from, cut_until) = (start.max(from), end.min(until));
            if cut_from < cut_until {
                let base = chunk.sent();
                chunk.remove(base + (cut_from - from) as usize, base + (cut_until - from) as usize);
            }
        }
        self.queue.retain(|chunk| !chunk.is_empty());
        let len = end - start;
        self.queued -= len;
        for later in self.operations.iter_mut().skip(at + 1) {
            later.start -= len;
            later.end -= if later.end == OPEN_END { 0 } else { len };
        }
        let cancelled = self.operations.remove(at).map(Operation::into_sent)?;
        self.traffic.take_back(cancelled.payload_len);
        Some(cancelled)
    }

    /// Takes what waits, to be written without the lock. `None`: nothing waits, or there is a
    /// writer already. Must be followed by `finish_writing`.
    pub fn begin_writing(&mut self) -> Option<VecDeque<Chunk>> {
        if self.taken_until.is_some() {
            return None;
        }
        if self.wants_overtaking() {
            self.insert_control_frames();
        }
        if self.queue.is_empty() {
            return None;
        }
        self.taken_until = Some(self.queued);
        Some(std::mem::take(&mut self.queue))
    }

    /// The writer is done: `rest` is what the system did not take, `written` how much it took.
    /// Returns the operations that have left with it.
    pub fn finish_writing(
        &mut self,
        rest: VecDeque<Chunk>,
        written: u64,
        mut has_left: impl FnMut(Sent<T>),
    ) {
        self.taken_until = None;
        if self.sent == self.queued {
            return; // abandoned meanwhile
        }
        self.sent += written;
        if !rest.is_empty() {
            let behind = std::mem::replace(&mut self.queue, rest);
            self.queue.extend(behind);
        }
        while self.operations.front().is_some_and(|operation| operation.end <= self.sent) {
            if let Some(operation) = self.operations.pop_front() {
                has_left(operation.into_sent());
            }
        }
    }

    /// Begins a message that its sender writes piece by piece instead of queueing it: the caller
    /// is the writer from now on. Only when nothing waits and nobody writes.
    pub fn begin_streaming(&mut self, kind: MessageKind, payload_len: usize) -> Option<Streaming> {
        if self.waiting() > 0 || self.taken_until.is_some() || !self.is_empty() {
            return None;
        }
        self.traffic.messages += 1;
        self.traffic.payload_bytes += payload_len as u64;
        self.queued += frame::framed_len(payload_len);
        self.taken_until = Some(self.queued);
        Some(Streaming::new(kind, payload_len))
    }

    /// The operation that `begin_streaming` has begun.
    pub fn streaming_operation(&mut self, number: u64, payload_len: usize, completion: T) {
        let end = self.queued;
        let start = end - frame::framed_len(payload_len);
        let operation = Operation { number, start, end, is_fixed: true, payload_len, completion };
        self.operations.push_back(operation);
    }

    /// The streaming message's next frame begins, and `written` bytes of it have left since this
    /// was last called. What is returned goes before the frame: pings and pongs that waited.
    pub fn next_streaming_frame(
        &mut self,
        streaming: &mut Streaming,
        written: u64,
    ) -> Option<Chunk> {
        self.sent = (self.sent + written).min(self.queued);
        let rest = streaming.begin_frame(self.keys.next_key());
        self.traffic.frames += 1;
        if !self.wants_overtaking() {
            return None;
        }
        let position = self.taken_until.unwrap_or(self.queued) - frame::framed_len(rest);
        let chunk = self.take_control_frames(position);
        self.taken_until = self.taken_until.map(|until| until + chunk.len() as u64);
        Some(chunk)
    }

    #[inline]
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let key = self.keys.next_key();
        // The straight path: a short frame that fits behind what is there.
        if let Some(header) = frame::short_header(opcode, payload.len(), key)
            && let Some(tail) = self.queue.back_mut()
            && tail.room() >= header.len() + payload.len()
            && let Some((front, back)) =
                tail.extend(header.len() + payload.len()).split_first_chunk_mut()
        {
            *front = header;
            copy_masked(back, payload, key, 0);
            self.queued += (header.len() + payload.len()) as u64;
            self.traffic.frames += 1;
            return;
        }
        if frame::next_frame_len(payload.len()) < payload.len() {
            return self.fragment(Shape::whole(opcode), payload);
        }
        self.frame_any(Shape::whole(opcode), payload, key);
    }

    fn frame_any(&mut self, shape: Shape, payload: &[u8], key: [u8; 4]) {
        let (header, header_len) = frame::encode(shape, payload.len() as u64, key);
        let header = header.get(..header_len).unwrap_or_default();
        self.queued += (header_len + payload.len()) as u64;
        self.traffic.frames += 1;
        let rest;
        // What fits goes behind what is there, so that chunks are full; a header is never cut.
        if let Some(tail) = self.queue.back_mut()
            && (tail.room() > header_len || tail.room() >= header_len + payload.len())
        {
            let (front, behind) = payload.split_at(payload.len().min(tail.room() - header_len));
            write_frame(tail, header, front, key);
            rest = behind;
        } else {
            let mut chunk = self.pool.take();
            let (front, behind) = payload.split_at(payload.len().min(chunk.room() - header_len));
            write_frame(&mut chunk, header, front, key);
            self.queue.push_back(chunk);
            rest = behind;
        }
        self.continue_in_fresh_chunks(rest, payload.len() - rest.len(), key);
    }

    #[inline(never)]
    fn continue_in_fresh_chunks(&mut self, payload: &[u8], done: usize, key: [u8; 4]) {
        let (mut rest, mut done) = (payload, done);
        while !rest.is_empty() {
            let mut chunk = self.pool.take();
            let (front, back) = rest.split_at(rest.len().min(chunk.room()));
            copy_masked(chunk.extend(front.len()), front, key, done);
            // The next frame begins right behind this payload, or not in this chunk at all.
            chunk.first_frame = front.len();
            self.queue.push_back(chunk);
            done += front.len();
            rest = back;
        }
    }

    fn is_overtaking(&self) -> bool {
        self.sent < self.overtaken_until
    }

    fn wants_overtaking(&self) -> bool {
        let waits = !self.pongs.is_empty() || !self.pings.is_empty();
        waits && !self.is_overtaking()
    }

    /// Puts waiting pongs and pings in front of everything that has not begun to leave.
    fn insert_control_frames(&mut self) {
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
    fn take_control_frames(&mut self, position: u64) -> Chunk {
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

impl<T> Operation<T> {
    fn into_sent(self) -> Sent<T> {
        Sent { number: self.number, payload_len: self.payload_len, completion: self.completion }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
