//! Counts the library's threads, so that their end can be awaited with a deadline. Knows nothing of
//! what they do.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::base::lock::lock;

use super::timers;

#[derive(Clone, Default)]
pub struct Gauge(Arc<(Mutex<Threads>, Condvar)>);

#[derive(Default)]
struct Threads {
    running: usize,
    handles: Vec<JoinHandle<()>>,
}

impl Gauge {
    /// Starts a named thread that is counted until it has ended.
    pub fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        struct Leave(Gauge);
        impl Drop for Leave {
            fn drop(&mut self) {
                let (threads, changed) = &*self.0.0;
                lock(threads).running -= 1;
                changed.notify_all();
            }
        }
        {
            let mut threads = lock(&self.0.0);
            // The caller counts too, until the handle is where `join` looks for it.
            threads.running += 2;
            threads.handles.retain(|handle| !handle.is_finished());
        }
        let (leave, _caller) = (Leave(self.clone()), Leave(self.clone()));
        let builder = std::thread::Builder::new().name(name.to_owned()).stack_size(1 << 20);
        let handle = builder.spawn(move || {
            let _leave = leave;
            body();
        })?;
        lock(&self.0.0).handles.push(handle);
        Ok(())
    }

    /// Waits until all have ended; `false` when they have not by then.
    pub fn join(&self, deadline: Option<Instant>) -> bool {
        let (threads, changed) = &*self.0;
        let mut threads = lock(threads);
        while threads.running > 0 {
            let Some(deadline) = deadline else {
                threads = changed.wait(threads).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(timers::now());
            if left.is_zero() {
                return false;
            }
            threads = changed.wait_timeout(threads, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // They have done all but return: joining them is what makes unloading the library safe.
        let handles = std::mem::take(&mut threads.handles);
        drop(threads);
        handles.into_iter().for_each(|handle| drop(handle.join()));
        true
    }
}
