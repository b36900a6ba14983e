//! Chunks: fixed pieces of initialised memory that bytes wait in on their way out.
//!
//! A chunk is zeroed once in its life and then goes round between connections and a small pool, so
//! that writing into it needs no further clearing and an idle connection owns none. It knows
//! nothing of frames except a number and mask keys that its user may keep with it.

use std::sync::Mutex;

use super::lock::lock;
use super::random::Handful;

/// The size of a pooled chunk. One `send` takes about this much at its cheapest.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes `start..end` are waiting. `start <= end <= bytes.len()`.
#[derive(Debug)]
pub struct Chunk {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    /// Offset of the first frame that begins in this chunk, or its end when none does.
    pub first_frame: usize,
    /// For the frames that will begin in it.
    pub keys: Handful,
}

impl Chunk {
    pub fn with_capacity(capacity: usize) -> Chunk {
        Chunk::of(vec![0; capacity].into_boxed_slice(), 0)
    }

    pub fn copy_of(bytes: &[u8]) -> Chunk {
        Chunk::of(bytes.into(), bytes.len())
    }

    fn of(bytes: Box<[u8]>, end: usize) -> Chunk {
        Chunk { bytes, start: 0, end, first_frame: 0, keys: Handful::default() }
    }

    #[inline]
    pub fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Everything written since the chunk was last emptied, also what has been sent already.
    pub fn written(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    pub fn room(&self) -> usize {
        self.bytes.len() - self.end
    }

    pub fn sent(&self) -> usize {
        self.start
    }

    pub fn end(&self) -> usize {
        self.end
    }

    /// The next `count` bytes of room, to be written by the caller. Fewer when there is less room.
    #[inline]
    pub fn extend(&mut self, count: usize) -> &mut [u8] {
        let from = self.end;
        let to = from.saturating_add(count).min(self.bytes.len());
        self.end = to;
        self.bytes.get_mut(from..to).unwrap_or_default()
    }

    /// The next `count` bytes of room, to be written by the caller, if there are so many.
    #[inline]
    pub fn extend_by(&mut self, count: usize) -> Option<&mut [u8]> {
        let to = self.end + count;
        let room = self.bytes.get_mut(self.end..to)?;
        self.end = to;
        Some(room)
    }

    /// Forgets the last `count` waiting bytes: they should not leave.
    pub fn retract(&mut self, count: usize) {
        self.end = self.end.saturating_sub(count).max(self.start);
    }

    /// Forgets the first `count` waiting bytes: they have left.
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// Takes bytes `from..to` (offsets into `written`) out of the chunk.
    pub fn remove(&mut self, from: usize, to: usize) {
        let to = to.min(self.end);
        let from = from.clamp(self.start, to);
        self.bytes.copy_within(to..self.end, from);
        self.end -= to - from;
        if self.first_frame >= to {
            self.first_frame -= to - from;
        } else {
            self.first_frame = self.first_frame.min(from);
        }
    }

    /// Cuts the chunk at `at` (an offset into `written`) and returns what was behind it.
    pub fn split_off(&mut self, at: usize) -> Chunk {
        let at = at.clamp(self.start, self.end);
        let tail = Chunk::copy_of(self.bytes.get(at..self.end).unwrap_or_default());
        self.end = at;
        tail
    }

    fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.first_frame = 0;
    }
}

/// Keeps a few empty chunks, so that a connection which has nothing to send owns none.
#[derive(Debug, Default)]
pub struct ChunkPool {
    chunks: Mutex<Vec<Chunk>>,
}

/// What a send queue holds by its default limit: floods are served from memory that has been touched
/// before.
const POOLED_CHUNKS: usize = 256;

impl ChunkPool {
    pub fn take(&self) -> Chunk {
        let pooled = lock(&self.chunks).pop();
        pooled.unwrap_or_else(|| Chunk::with_capacity(CHUNK_BYTES))
    }

    pub fn give_back(&self, mut chunk: Chunk) {
        if chunk.bytes.len() != CHUNK_BYTES {
            return;
        }
        chunk.clear();
        let mut chunks = lock(&self.chunks);
        if chunks.len() < POOLED_CHUNKS {
            chunks.push(chunk);
        }
    }

    /// Gives up what it keeps.
    pub fn clear(&self) {
        let kept = std::mem::take(&mut *lock(&self.chunks));
        drop(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &[u8]) -> Chunk {
        let mut chunk = Chunk::with_capacity(16);
        chunk.extend(text.len()).copy_from_slice(text);
        chunk
    }

    #[test]
    fn bytes_wait_until_they_are_consumed() {
        let mut chunk = chunk(b"abcdef");
        chunk.consume(2);
        assert_eq!(chunk.waiting(), b"cdef");
        assert_eq!(chunk.room(), 10);
        chunk.consume(100);
        assert!(chunk.is_empty());
    }

    #[test]
    fn extend_gives_no_more_than_there_is() {
        let mut chunk = chunk(b"abcdef");
        assert_eq!(chunk.extend(100).len(), 10);
        assert_eq!(chunk.extend(1).len(), 0);
    }

    #[test]
    fn extend_by_gives_all_or_nothing_and_retract_takes_it_back() {
        let mut chunk = chunk(b"abcdef");
        assert!(chunk.extend_by(11).is_none());
        assert_eq!((chunk.waiting(), chunk.room()), (&b"abcdef"[..], 10));
        chunk.extend_by(10).unwrap().copy_from_slice(b"ghijklmnop");
        assert_eq!((chunk.waiting(), chunk.room()), (&b"abcdefghijklmnop"[..], 0));
        chunk.consume(1);
        chunk.retract(8);
        assert_eq!((chunk.waiting(), chunk.room()), (&b"bcdefgh"[..], 8));
        chunk.retract(100);
        assert!(chunk.is_empty());
    }

    #[test]
    fn remove_closes_the_gap() {
        let mut chunk = chunk(b"abcdef");
        chunk.remove(2, 4);
        assert_eq!(chunk.waiting(), b"abef");
    }

    #[test]
    fn split_off_keeps_both_halves() {
        let mut chunk = chunk(b"abcdef");
        chunk.consume(1);
        let tail = chunk.split_off(3);
        assert_eq!((chunk.waiting(), tail.waiting()), (&b"bc"[..], &b"def"[..]));
    }

    #[test]
    fn pool_returns_an_emptied_chunk() {
        let pool = ChunkPool::default();
        let mut first = pool.take();
        first.extend(5).fill(9);
        first.first_frame = 3;
        pool.give_back(first);
        let again = pool.take();
        assert!(again.is_empty() && again.first_frame == 0 && again.room() == CHUNK_BYTES);
    }
}
