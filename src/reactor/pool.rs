//! The threads of the library: event loops, chosen in turn for new tasks, and lookup workers.
//! Starting and joining them is all it does.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::lock::lock;

use super::event_loop::EventLoop;
use super::gauge::Gauge;
use super::mailbox::{Address, Job, Remote};
use super::workers::Workers;

/// By default one without threads, which runs nothing.
#[derive(Default)]
pub struct Reactor {
    loops: Vec<Remote>,
    next: AtomicUsize,
    /// `None` once it has been stopped.
    workers: Mutex<Option<Workers>>,
    gauge: Gauge,
}

impl Reactor {
    /// Starts `count` event loops, at least one.
    pub fn start(count: usize) -> io::Result<Reactor> {
        let gauge = Gauge::default();
        let mut loops = Vec::new();
        for thread in 0..=u8::try_from(count.saturating_sub(1)).unwrap_or(u8::MAX) {
            let started = EventLoop::new(thread).and_then(|event_loop| {
                let remote = event_loop.remote();
                gauge.spawn("anyws-io", move || event_loop.run()).map(|()| remote)
            });
            match started {
                Ok(remote) => loops.push(remote),
                Err(error) => {
                    loops.iter().for_each(Remote::stop);
                    return Err(error);
                }
            }
        }
        let workers = Mutex::new(Some(Workers::new(gauge.clone())));
        Ok(Reactor { loops, next: AtomicUsize::new(0), workers, gauge })
    }

    /// The loop that the next task should live on.
    pub fn place(&self) -> Option<&Remote> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.loops.get(turn % self.loops.len().max(1))
    }

    /// The loop on which the task lives.
    pub fn remote(&self, task: Address) -> Option<&Remote> {
        self.loops.get(task.thread())
    }

    /// Gives the task a turn.
    pub fn kick(&self, task: Address) {
        if let Some(remote) = self.remote(task) {
            remote.kick(task);
        }
    }

    /// Runs a blocking call on a worker. What it may hang because of are its subjects.
    pub fn run_blocking(&self, subjects: Vec<String>, job: Job) -> io::Result<()> {
        match &*lock(&self.workers) {
            Some(workers) => workers.run(subjects, job),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Asks every loop to end when its tasks have, and lets the workers go. The gauge tells when
    /// the last thread has ended.
    pub fn stop(&self) -> Gauge {
        self.loops.iter().for_each(Remote::stop);
        drop(lock(&self.workers).take());
        self.gauge.clone()
    }
}
