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

use super::frame::{self, MessageKind, Opcode, Shape, write_frame};
use super::mask::copy_masked;
use super::streaming::Streaming;
use super::traffic::Traffic;

pub use straight::MAX_MEDIUM_BYTES;

mod overtaking;
mod straight;

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
    /// What stands behind the queue and is still being filled.
    tail: Option<Chunk>,
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
    /// Messages that end by there, counted as `queued` is, may go straight.
    straight_until: u64,
    /// Messages of one frame that `traffic` has yet to count, and their payload.
    straights: u64,
    traffic: Traffic,
    straight_bytes: u64,
}

impl<T> Outbox<T> {
    pub fn new(pool: Arc<ChunkPool>, keys: MaskKeys) -> Outbox<T> {
        Outbox {
            pool,
            keys,
            queue: VecDeque::new(),
            tail: None,
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
            straight_until: 0,
            straights: 0,
            traffic: Traffic::default(),
            straight_bytes: 0,
        }
    }

    /// What has been queued, counted.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            messages: self.traffic.messages + self.straights,
            frames: self.traffic.frames + self.straights,
            payload_bytes: self.traffic.payload_bytes + self.straight_bytes,
            ..self.traffic
        }
    }

    /// The same, for whoever counts besides.
    pub fn traffic_mut(&mut self) -> &mut Traffic {
        self.traffic = self.traffic();
        (self.straights, self.straight_bytes) = (0, 0);
        &mut self.traffic
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

    /// Whether a new one would do as well, apart from what it has counted.
    pub fn is_at_rest(&self) -> bool {
        let is_written = self.is_empty() && !self.has_writer() && !self.is_overtaking();
        is_written && self.operations.is_empty() && !self.ended
    }

    /// Queues one whole message.
    #[inline]
    pub fn message(&mut self, kind: MessageKind, payload: &[u8]) {
        if self.put_short(kind, payload).is_none() && !self.put_medium(kind, payload) {
            self.long_message(kind, payload);
        }
    }

    #[inline(never)]
    fn long_message(&mut self, kind: MessageKind, payload: &[u8]) {
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
        self.straight_until = 0;
        self.pongs.clear();
        self.pings.clear();
    }

    /// Everything that waits is given up; the operations among it are returned.
    pub fn abandon(&mut self) -> Vec<Sent<T>> {
        self.end();
        for chunk in self.queue.drain(..).chain(self.tail.take()) {
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
        for chunk in self.queue.iter_mut().chain(&mut self.tail) {
            let (from, until) = (offset, offset + chunk.len() as u64);
            offset = until;
            let (cut_from, cut_until) = (start.max(from), end.min(until));
            if cut_from < cut_until {
                let base = chunk.sent();
                chunk.remove(base + (cut_from - from) as usize, base + (cut_until - from) as usize);
            }
        }
        self.queue.retain(|chunk| !chunk.is_empty());
        if let Some(empty) = self.tail.take_if(|tail| tail.is_empty()) {
            self.pool.give_back(empty);
        }
        let len = end - start;
        self.queued -= len;
        for later in self.operations.iter_mut().skip(at + 1) {
            later.start -= len;
            later.end -= if later.end == OPEN_END { 0 } else { len };
        }
        let cancelled = self.operations.remove(at).map(Operation::into_sent)?;
        self.traffic_mut().take_back(cancelled.payload_len);
        Some(cancelled)
    }

    /// Takes what waits, to be written without the lock. `None`: nothing waits, or there is a
    /// writer already. Must be followed by `finish_writing`.
    pub fn begin_writing(&mut self) -> Option<VecDeque<Chunk>> {
        if self.taken_until.is_some() {
            return None;
        }
        if let Some(tail) = self.tail.take() {
            self.queue.push_back(tail);
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
            if self.tail.is_none() {
                self.tail = self.queue.pop_back();
            }
        } else if self.queue.is_empty() {
            self.queue = rest; // its memory serves the next writer
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

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        if frame::next_frame_len(payload.len()) < payload.len() {
            return self.fragment(Shape::whole(opcode), payload);
        }
        let key = self.keys.next_key();
        self.frame_any(Shape::whole(opcode), payload, key);
    }

    fn frame_any(&mut self, shape: Shape, payload: &[u8], key: [u8; 4]) {
        let (header, header_len) = frame::encode(shape, payload.len() as u64, key);
        let header = header.get(..header_len).unwrap_or_default();
        self.queued += (header_len + payload.len()) as u64;
        self.traffic.frames += 1;
        let rest;
        // What fits goes behind what is there, so that chunks are full; a header is never cut.
        if let Some(tail) = &mut self.tail
            && (tail.room() > header_len || tail.room() >= header_len + payload.len())
        {
            let (front, behind) = payload.split_at(payload.len().min(tail.room() - header_len));
            write_frame(tail, header, front, key);
            rest = behind;
        } else {
            let mut chunk = self.pool.take();
            let (front, behind) = payload.split_at(payload.len().min(chunk.room() - header_len));
            write_frame(&mut chunk, header, front, key);
            self.put_behind(chunk);
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
            self.put_behind(chunk);
            done += front.len();
            rest = back;
        }
    }

    fn put_behind(&mut self, chunk: Chunk) {
        self.queue.extend(self.tail.replace(chunk));
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
