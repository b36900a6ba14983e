//! A part of something that most of its kind never need: it is made when it is first used, and until
//! then takes no more than a pointer. Reading it costs a load and no lock.

use std::fmt;
use std::ops::Deref;

use once_cell::race::OnceBox;

pub struct Rare<T>(OnceBox<T>);

impl<T> Rare<T> {
    pub const fn new() -> Rare<T> {
        Rare(OnceBox::new())
    }

    /// What has been made of it so far.
    #[inline]
    pub fn made(&self) -> Option<&T> {
        self.0.get()
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Rare<T> {
        Rare::new()
    }
}

impl<T: Default> Deref for Rare<T> {
    type Target = T;

    /// Makes it if need be.
    fn deref(&self) -> &T {
        self.0.get_or_init(Box::default)
    }
}

impl<T: fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rare").field(&self.made()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use crate::base::lock::lock;

    #[test]
    fn it_is_made_once_and_only_when_it_is_used() {
        let rare: Rare<Mutex<Vec<u8>>> = Rare::new();
        assert!(rare.made().is_none());
        assert_eq!(size_of_val(&rare), size_of::<usize>());
        lock(&rare).push(1);
        assert_eq!(lock(&rare).len(), 1);
        assert!(rare.made().is_some());
    }
}
