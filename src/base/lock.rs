//! A mutex that a panic cannot spoil. What a panicking holder leaves behind is consistent at every
//! place where one can occur here, and a poisoned lock would only spread the harm.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[inline]
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
