//! A gate between a test and its server: what lies behind it begins when the test says so.

use std::sync::{Arc, Condvar, Mutex};

use super::DEADLINE;

#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    pub fn pass(&self) {
        let is_open = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(is_open, DEADLINE, |is_open| !*is_open).unwrap();
        assert!(!waited.1.timed_out(), "nobody opened the gate");
    }
}
