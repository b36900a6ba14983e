//! A large buffer that was needed and is not any more, kept for a moment: to get such memory from
//! the system anew, page by page, costs about as much as to fill it.
//!
//! There is one for each thread. Refuses to hold it for a thread that has no use for it: it is given
//! up when a while has passed.

use std::time::{Duration, Instant};

/// So long after it was used.
const KEPT_FOR: Duration = Duration::from_millis(20);
/// Less is soon made anew, more is too much to be held for nothing.
const LEAST_BYTES: usize = 64 * 1024;
const MOST_BYTES: usize = 65 << 20;

#[derive(Debug, Default)]
pub struct Spare {
    bytes: Vec<u8>,
    until: Option<Instant>,
}

impl Spare {
    /// Whatever is there, to be used, or to be given back.
    #[inline]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// What was taken, and not used.
    #[inline]
    pub fn give_back(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
    }

    /// Memory that has just been used.
    pub fn keep(&mut self, bytes: Vec<u8>, now: Instant) {
        if Spare::is_worth_it(&bytes) {
            self.bytes = bytes;
            self.until = now.checked_add(KEPT_FOR);
        }
    }

    /// Whether it would be kept.
    pub fn is_worth_it(bytes: &Vec<u8>) -> bool {
        (LEAST_BYTES..=MOST_BYTES).contains(&bytes.capacity())
    }

    /// How long it stays; `None`: there is nothing.
    #[inline]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        let until = self.until.filter(|_| self.bytes.capacity() > 0)?;
        Some(until.saturating_duration_since(now))
    }

    /// Gives it up when its time is over.
    #[inline]
    pub fn expire(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            *self = Spare::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_kept_for_a_moment() {
        let (mut spare, now) = (Spare::default(), crate::reactor::now());
        assert!(spare.time_left(now).is_none());
        spare.keep(Vec::with_capacity(1 << 20), now);
        assert_eq!(spare.time_left(now), Some(KEPT_FOR));
        spare.expire(now + KEPT_FOR / 2);
        let bytes = spare.take();
        assert!(bytes.capacity() >= 1 << 20 && spare.time_left(now).is_none());
        spare.give_back(bytes);
        assert_eq!(spare.time_left(now + KEPT_FOR / 2), Some(KEPT_FOR / 2));
        spare.expire(now + KEPT_FOR);
        assert_eq!(spare.take().capacity(), 0);
    }

    #[test]
    fn what_is_small_or_huge_is_not_kept() {
        let (mut spare, now) = (Spare::default(), crate::reactor::now());
        spare.keep(Vec::with_capacity(LEAST_BYTES), now);
        spare.keep(Vec::with_capacity(100), now);
        spare.keep(Vec::with_capacity(MOST_BYTES + 1), now);
        assert_eq!(spare.take().capacity(), LEAST_BYTES);
    }
}
