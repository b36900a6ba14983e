//! A few threads for calls of the system that block and cannot be cancelled: name lookups.
//!
//! Threads come with the work, at most four, and go after ten idle seconds. A job holds nothing
//! alive that anybody waits for: whoever gave it up simply does not look at its result.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::base::lock::lock;

use super::mailbox::Job;
use super::timers;

const MAX_WORKERS: usize = 4;
const IDLE: Duration = Duration::from_secs(10);

/// Counts threads, so that their end can be awaited with a deadline.
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
        let mut threads = lock(&self.0.0);
        threads.running += 1;
        threads.handles.retain(|handle| !handle.is_finished());
        drop(threads);
        let leave = Leave(self.clone());
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

/// Dropping it lets idle threads go at once.
pub struct Workers {
    gauge: Gauge,
    /// Threads alive, and how many of them are at work.
    count: Arc<Mutex<(usize, usize)>>,
    jobs: Sender<Job>,
    queue: Receiver<Job>,
}

impl Workers {
    pub fn new(gauge: Gauge) -> Workers {
        let (jobs, queue) = unbounded();
        Workers { gauge, count: Arc::default(), jobs, queue }
    }

    /// Has `job` run on some thread, soon if one is free or may be started.
    pub fn run(&self, job: Job) -> io::Result<()> {
        let mut count = lock(&self.count);
        // The channel cannot be closed: this value holds both of its ends.
        let _ = self.jobs.send(job);
        let (alive, busy) = *count;
        if busy + self.queue.len() <= alive || alive >= MAX_WORKERS {
            return Ok(());
        }
        let (queue, shared) = (self.queue.clone(), Arc::clone(&self.count));
        match self.gauge.spawn("anyws-lookup", move || work(&queue, &shared)) {
            Ok(()) => count.0 += 1,
            Err(error) if alive == 0 => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }
}

fn work(queue: &Receiver<Job>, count: &Mutex<(usize, usize)>) {
    loop {
        // Fails early when the channel has lost its sender: the library shuts down.
        let job = queue.recv_timeout(IDLE).ok();
        let mut counts = lock(count);
        // A job may have come between the timeout and the lock.
        let Some(job) = job.or_else(|| queue.try_recv().ok()) else {
            counts.0 -= 1;
            return;
        };
        counts.1 += 1;
        drop(counts);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        lock(count).1 -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hung_jobs_do_not_hold_up_the_others_and_are_reported_at_the_end() {
        let gauge = Gauge::default();
        let workers = Workers::new(gauge.clone());
        let (let_go, hang) = unbounded::<()>();
        for _ in 0..MAX_WORKERS - 1 {
            let hang = hang.clone();
            workers.run(Box::new(move || assert!(hang.recv().is_err()))).unwrap();
        }
        let (done, result) = unbounded();
        for number in 0..20 {
            let done = done.clone();
            workers.run(Box::new(move || done.send(number).unwrap())).unwrap();
        }
        let deadline = Duration::from_secs(10);
        let seen: Vec<i32> = (0..20).map(|_| result.recv_timeout(deadline).unwrap()).collect();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        drop(workers);
        assert!(!gauge.join(Some(timers::now() + Duration::from_millis(20))), "some hang");
        drop(let_go);
        assert!(gauge.join(Some(timers::now() + deadline)));
    }

    #[test]
    fn a_panicking_job_does_not_end_its_worker() {
        let gauge = Gauge::default();
        let workers = Workers::new(gauge.clone());
        for _ in 0..2 * MAX_WORKERS {
            workers.run(Box::new(|| panic!("planted"))).unwrap();
        }
        let (done, result) = unbounded();
        workers.run(Box::new(move || done.send(()).unwrap())).unwrap();
        result.recv_timeout(Duration::from_secs(10)).unwrap();
        drop(workers);
        assert!(gauge.join(None));
    }
}
