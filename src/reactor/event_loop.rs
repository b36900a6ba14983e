//! One thread, one poll: gathers what has happened and gives each task concerned a turn.
//!
//! A task runs at most once per round, whatever happened to it, and those that want to go on wait
//! until everybody else had a turn. A panic ends the task that raised it and nothing else.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::base::trace::{self, Level};

use super::mailbox::{self, Mailbox, Posts, Remote, TOKEN_BITS, WAKER};
use super::task::{Next, Scratch, Task, Turn};
use super::timers::{self, Moment, Timers};

const EVENTS_PER_ROUND: usize = 256;
const INDEX_BITS: u32 = usize::BITS / 2;

#[derive(Default)]
struct Slot {
    /// Counts the tasks that have lived here, so that an event for one that is gone is recognised.
    generation: u32,
    task: Option<Box<dyn Task>>,
    deadline: Option<Moment>,
    readable: bool,
    writable: bool,
    hung_up: bool,
    is_due: bool,
}

pub(super) struct EventLoop {
    poll: Poll,
    remote: Remote,
    mailbox: Arc<Mailbox>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    timers: Timers,
    scratch: Scratch,
    /// Slots that get a turn in this round.
    due: Vec<usize>,
    /// Slots that asked for another turn.
    again: Vec<usize>,
    stopping: bool,
}

impl EventLoop {
    /// `thread`: its number in the pool.
    pub fn new(thread: u8) -> io::Result<EventLoop> {
        let poll = Poll::new()?;
        let mailbox = Arc::new(Mailbox::new(&poll)?);
        Ok(EventLoop {
            poll,
            remote: Remote::new(Arc::clone(&mailbox), thread),
            mailbox,
            slots: Vec::new(),
            free: Vec::new(),
            timers: Timers::default(),
            scratch: Scratch::default(),
            due: Vec::new(),
            again: Vec::new(),
            stopping: false,
        })
    }

    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Runs until it has been stopped and its last task has finished.
    pub fn run(mut self) {
        mailbox::mark_event_loop();
        let mut events = Events::with_capacity(EVENTS_PER_ROUND);
        let mut posts = Posts::default();
        let mut moment = Moment::from(timers::now());
        let mut has_polled = true;
        while !(self.stopping && self.free.len() == self.slots.len()) {
            let timeout = if !self.again.is_empty() {
                Some(Duration::ZERO)
            } else if self.mailbox.may_sleep() {
                let next = self.timers.until_next(moment);
                next.into_iter().chain(self.scratch.spare.time_left(moment.into())).min()
            } else if std::mem::take(&mut has_polled) {
                // What this round has posted need not wait for another look at the sockets.
                events.clear();
                moment = self.round(&events, &mut posts);
                continue;
            } else {
                Some(Duration::ZERO)
            };
            has_polled = true;
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                Err(error) => {
                    // Only a fault of ours or a host that closed our descriptor leads here.
                    trace::line(Level::Error, format_args!("waiting for events failed: {error}"));
                    return;
                }
            }
            self.mailbox.has_woken();
            moment = self.round(&events, &mut posts);
        }
    }

    /// Gives everybody concerned a turn. When that was.
    fn round(&mut self, events: &Events, posts: &mut Posts) -> Moment {
        let now = timers::now();
        let moment = Moment::from(now);
        self.scratch.spare.expire(now);
        self.gather(events, posts, moment);
        self.run_due(now);
        moment
    }

    /// Finds out who is to have a turn.
    fn gather(&mut self, events: &Events, posts: &mut Posts, now: Moment) {
        for index in std::mem::take(&mut self.again) {
            self.mark_due(index);
        }
        for event in events.iter().filter(|event| event.token() != WAKER) {
            if let Some(index) = self.living(event.token())
                && let Some(slot) = self.slots.get_mut(index)
            {
                let hung_up = event.is_read_closed() || event.is_error();
                slot.hung_up |= hung_up;
                slot.readable |= event.is_readable() || hung_up;
                slot.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
                self.mark_due(index);
            }
        }
        self.mailbox.take(posts);
        self.stopping |= std::mem::take(&mut posts.stop);
        for job in posts.jobs.drain(..) {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                trace::line(Level::Error, format_args!("a job on the event loop panicked"));
            }
        }
        for task in posts.tasks.drain(..) {
            let index = self.insert(task);
            self.mark_due(index);
        }
        for token in posts.kicks.drain(..) {
            if let Some(index) = self.living(token) {
                self.mark_due(index);
            }
        }
        while let Some(token) = self.timers.pop_due(now) {
            if let Some(index) = self.living(token) {
                if let Some(slot) = self.slots.get_mut(index) {
                    slot.deadline = None;
                }
                self.mark_due(index);
            }
        }
    }

    fn run_due(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        for index in due.drain(..) {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            slot.is_due = false;
            let token = token(index, slot.generation);
            let Some(task) = slot.task.as_mut() else { continue };
            let mut turn = Turn {
                now,
                readable: std::mem::take(&mut slot.readable),
                writable: std::mem::take(&mut slot.writable),
                hung_up: std::mem::take(&mut slot.hung_up),
                scratch: &mut self.scratch,
                registry: self.poll.registry(),
                token,
                remote: &self.remote,
            };
            let next = catch_unwind(AssertUnwindSafe(|| task.turn(&mut turn)));
            let next = next.unwrap_or_else(|_| {
                trace::line(Level::Error, format_args!("a connection's task panicked"));
                let _ = catch_unwind(AssertUnwindSafe(|| task.panicked(&mut turn)));
                Next::Finished
            });
            let deadline = match next {
                Next::Wait(deadline) => deadline.map(Moment::from),
                Next::Again => {
                    self.again.push(index);
                    slot.deadline
                }
                Next::Finished => None,
            };
            self.timers.replace(token, slot.deadline, deadline);
            slot.deadline = deadline;
            if next == Next::Finished {
                let task = slot.task.take();
                slot.generation = slot.generation.wrapping_add(1);
                self.free.push(index);
                let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
            }
        }
        self.due = due;
    }

    fn insert(&mut self, task: Box<dyn Task>) -> usize {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        if let Some(slot) = self.slots.get_mut(index) {
            slot.task = Some(task);
            slot.readable = false;
            slot.writable = false;
            slot.hung_up = false;
        }
        index
    }

    fn living(&self, token: Token) -> Option<usize> {
        let index = token.0 & ((1 << INDEX_BITS) - 1);
        let slot = self.slots.get(index)?;
        (slot.task.is_some() && self::token(index, slot.generation) == token).then_some(index)
    }

    fn mark_due(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index)
            && !std::mem::replace(&mut slot.is_due, true)
        {
            self.due.push(index);
        }
    }
}

fn token(index: usize, generation: u32) -> Token {
    let generation = generation as usize & ((1 << (TOKEN_BITS - INDEX_BITS)) - 1);
    Token(generation << INDEX_BITS | index)
}
