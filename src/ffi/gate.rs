//! Each socket's gate: one callback at a time goes through it, none after it was closed, and
//! whoever closed it can wait for the one that is inside.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::base::lock::lock;
use crate::base::trace::{self, Level};

const RUNNING: u32 = 1;
const CLOSED: u32 = 2;
const AWAITED: u32 = 4;

#[derive(Debug, Default)]
pub struct Gate {
    state: AtomicU32,
}

/// Where threads wait for some gate to be empty; that is seldom, and one place does for all.
static WAITING: Mutex<()> = Mutex::new(());
static EMPTY: Condvar = Condvar::new();

impl Gate {
    /// `false`: it is closed. Otherwise `leave` must follow.
    #[inline]
    pub fn enter(&self) -> bool {
        let before = self.state.fetch_or(RUNNING, Ordering::AcqRel);
        debug_assert!(before & RUNNING == 0, "callbacks of one socket never overlap");
        if before & CLOSED != 0 {
            self.leave();
            return false;
        }
        true
    }

    #[inline]
    pub fn leave(&self) {
        let before = self.state.fetch_and(!(RUNNING | AWAITED), Ordering::AcqRel);
        if before & AWAITED != 0 {
            drop(lock(&WAITING));
            EMPTY.notify_all();
        }
    }

    #[inline]
    pub fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) & CLOSED != 0
    }

    pub fn close(&self) {
        self.state.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Waits for the callback that is inside, if any.
    pub fn wait_until_empty(&self) {
        let mut waiting = lock(&WAITING);
        let mut patience = Some(Duration::from_secs(5));
        while self.state.fetch_or(AWAITED, Ordering::AcqRel) & RUNNING != 0 {
            waiting = match patience {
                Some(limit) => {
                    let (guard, waited) =
                        EMPTY.wait_timeout(waiting, limit).unwrap_or_else(PoisonError::into_inner);
                    if waited.timed_out() {
                        patience = None;
                        // Without the lock: the log is the application's code.
                        drop(guard);
                        trace::line(
                            Level::Warning,
                            format_args!(
                                "ws_socket_free has waited 5 s for a callback of the socket; \
                                 does it wait for a lock that the caller holds?"
                            ),
                        );
                        lock(&WAITING)
                    } else {
                        guard
                    }
                }
                None => EMPTY.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        self.state.fetch_and(!AWAITED, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn nobody_enters_a_closed_gate() {
        let gate = Gate::default();
        assert!(gate.enter());
        gate.leave();
        gate.close();
        assert!(!gate.enter());
        gate.wait_until_empty();
    }

    #[test]
    fn closing_waits_for_the_one_inside_and_nothing_begins_after_it() {
        for _ in 0..2_000 {
            let gate = Arc::new(Gate::default());
            let freed = Arc::new(AtomicBool::new(false));
            let deliverer = {
                let (gate, freed) = (Arc::clone(&gate), Arc::clone(&freed));
                std::thread::spawn(move || {
                    while gate.enter() {
                        assert!(!freed.load(Ordering::SeqCst), "a callback after the return");
                        std::hint::spin_loop();
                        assert!(!freed.load(Ordering::SeqCst), "a callback across the return");
                        gate.leave();
                    }
                })
            };
            gate.close();
            gate.wait_until_empty();
            freed.store(true, Ordering::SeqCst);
            deliverer.join().unwrap();
        }
    }
}
