//! Ciphertext on its way out.
//!
//! Owns the few buffers that records are encrypted into, which belong to a connection only while
//! the system has not taken everything. Refuses to know what is in them.

use std::sync::Mutex;

use crate::base::lock::lock;

/// RFC 8446 §5.1: a record holds this much plaintext.
pub(super) const RECORD_BYTES: usize = 16 * 1024;
/// Header, nonce, content type and tag of a record take less.
const OVERHEAD_BYTES: usize = 64;
/// Four full records, so that 64 KiB leave with one system call, and something besides.
const SHARED_BYTES: usize = 4 * (RECORD_BYTES + OVERHEAD_BYTES) + 512;
/// What is left over of less than this does not keep a shared buffer.
const SMALL_BYTES: usize = RECORD_BYTES;

/// Hardly ever more threads than this encrypt at the same time.
const SPARES: usize = 4;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// For the library's shutdown.
pub(in crate::transport) fn forget_spares() {
    *lock(&SPARE) = Vec::new();
}

/// `bytes[start..end]` wait; the rest is room. `start <= end <= bytes.len()`.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Sealed {
    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How much plaintext of `wanted` bytes may be encrypted now: full records, or all of it.
    pub(super) fn budget(&self, wanted: usize) -> usize {
        let free = SHARED_BYTES.saturating_sub(self.end);
        let records = free / (RECORD_BYTES + OVERHEAD_BYTES);
        let overhead = OVERHEAD_BYTES * wanted.div_ceil(RECORD_BYTES);
        if wanted.saturating_add(overhead) <= free { wanted } else { records * RECORD_BYTES }
    }

    /// Room behind what waits, at least this much of it.
    pub(super) fn room(&mut self, at_least: usize) -> &mut [u8] {
        let needed = self.end + at_least;
        if needed > self.bytes.len() {
            self.bytes.resize(needed, 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// The same for data, as much as `budget` allows.
    pub(super) fn shared_room(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = lock(&SPARE).pop().unwrap_or_default();
        }
        let missing = SHARED_BYTES.saturating_sub(self.end);
        self.room(missing)
    }

    /// So much of the room has been written.
    pub(super) fn fill(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
    }

    /// So much of what waits has left.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            self.give_back();
        }
    }

    /// What is left must wait: a little of it does not keep the buffer that others could use.
    pub(super) fn settle(&mut self) {
        if self.bytes.len() >= SHARED_BYTES && self.end - self.start <= SMALL_BYTES {
            let rest = self.waiting().to_vec();
            self.give_back();
            self.end = rest.len();
            self.bytes = rest;
        }
    }

    fn give_back(&mut self) {
        let bytes = std::mem::take(self).bytes;
        if bytes.len() == SHARED_BYTES {
            let mut spare = lock(&SPARE);
            if spare.len() < SPARES {
                spare.push(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(count: usize) -> Sealed {
        let mut sealed = Sealed::default();
        sealed.shared_room().fill(7);
        sealed.fill(count);
        sealed
    }

    #[test]
    fn what_has_left_keeps_nothing() {
        let mut sealed = sealed(100);
        sealed.consume(60);
        assert_eq!(sealed.waiting(), [7; 40]);
        sealed.consume(40);
        assert!(sealed.is_empty() && sealed.bytes.capacity() == 0);
    }

    #[test]
    fn a_little_that_must_wait_gives_the_buffer_back() {
        let mut sealed = sealed(1000);
        sealed.consume(1);
        sealed.settle();
        assert_eq!(sealed.waiting(), [7; 999]);
        assert!(sealed.bytes.capacity() < 2000);
        sealed.room(50).fill(8);
        sealed.fill(50);
        assert_eq!(sealed.waiting().len(), 1049);
    }

    #[test]
    fn full_records_are_sealed_until_the_buffer_is_full() {
        let mut sealed = Sealed::default();
        assert_eq!(sealed.budget(usize::MAX / 2), 4 * RECORD_BYTES);
        assert_eq!(sealed.budget(4 * RECORD_BYTES), 4 * RECORD_BYTES);
        assert_eq!(sealed.budget(100), 100);
        let _ = sealed.shared_room();
        sealed.fill(3 * (RECORD_BYTES + 22));
        assert_eq!(sealed.budget(usize::MAX / 2), RECORD_BYTES);
        sealed.fill(RECORD_BYTES);
        assert_eq!((sealed.budget(RECORD_BYTES), sealed.budget(100)), (0, 100));
    }
}
