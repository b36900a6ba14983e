//! Messages from any thread to an event loop. A burst costs one wake, and none while the loop is
//! awake anyway.

use std::cell::Cell;
use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mio::{Poll, Token, Waker};

use crate::base::lock::lock;

use super::task::Task;

pub(super) const WAKER: Token = Token(usize::MAX);

thread_local! {
    /// Whether this thread is an event loop.
    static ON_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller runs on an event loop's thread, where nothing may wait.
pub fn on_event_loop() -> bool {
    ON_LOOP.get()
}

pub(super) fn mark_event_loop() {
    ON_LOOP.set(true);
}

pub type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(super) struct Posts {
    pub tasks: Vec<Box<dyn Task>>,
    pub jobs: Vec<Job>,
    pub kicks: Vec<Token>,
    pub stop: bool,
}

pub(super) struct Mailbox {
    posts: Mutex<Posts>,
    /// There are some: most turns of a loop find none, and then leave the lock alone.
    has_posts: AtomicBool,
    /// The loop will look at the posts before it sleeps.
    awake: AtomicBool,
    waker: Waker,
}

impl Mailbox {
    pub fn new(poll: &Poll) -> io::Result<Mailbox> {
        Ok(Mailbox {
            posts: Mutex::default(),
            has_posts: AtomicBool::new(false),
            awake: AtomicBool::new(false),
            waker: Waker::new(poll.registry(), WAKER)?,
        })
    }

    pub fn post(&self, write: impl FnOnce(&mut Posts)) {
        {
            let mut posts = lock(&self.posts);
            write(&mut posts);
            self.has_posts.store(true, Ordering::SeqCst);
        }
        // SeqCst pairs with `may_sleep`: either the loop sees the post, or we see it asleep.
        if !self.awake.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            crate::base::trace::line(
                crate::base::trace::Level::Error,
                format_args!("an event loop could not be woken: {error}"),
            );
        }
    }

    /// Asked before sleeping: `false` when something has been posted.
    pub fn may_sleep(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        let has_posts = self.has_posts.load(Ordering::SeqCst);
        if has_posts {
            self.has_woken();
        }
        !has_posts
    }

    /// Who does not see it yet wakes the loop once more.
    pub fn has_woken(&self) {
        self.awake.store(true, Ordering::Relaxed);
    }

    /// Takes everything; `posts` is handed in empty, so that its memory is used again.
    pub fn take(&self, posts: &mut Posts) {
        if self.has_posts.load(Ordering::Acquire) {
            let mut waiting = lock(&self.posts);
            self.has_posts.store(false, Ordering::Relaxed);
            std::mem::swap(&mut *waiting, posts);
        }
    }
}

/// Reaches an event loop from any thread.
#[derive(Clone)]
pub struct Remote {
    mailbox: Arc<Mailbox>,
    /// The number of the loop's thread.
    thread: u8,
}

/// Names a task of one of the event loops, for the reactor that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(NonZeroU64);

/// What a token has at most.
pub(super) const TOKEN_BITS: u32 = if usize::BITS < 56 { usize::BITS } else { 56 };

impl Address {
    fn new(thread: u8, token: Token) -> Address {
        let number = u64::from(thread) << TOKEN_BITS | token.0 as u64;
        Address(NonZeroU64::MIN.saturating_add(number))
    }

    pub(super) fn thread(self) -> usize {
        (self.number() >> TOKEN_BITS) as usize
    }

    fn token(self) -> Token {
        Token((self.number() & ((1 << TOKEN_BITS) - 1)) as usize)
    }

    fn number(self) -> u64 {
        self.0.get() - 1
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl Remote {
    pub(super) fn new(mailbox: Arc<Mailbox>, thread: u8) -> Remote {
        Remote { mailbox, thread }
    }

    pub(super) fn address(&self, token: Token) -> Address {
        Address::new(self.thread, token)
    }

    /// Gives a task of the loop a turn.
    pub(super) fn kick(&self, task: Address) {
        self.mailbox.post(|posts| posts.kicks.push(task.token()));
    }

    /// Hands a new task to the loop.
    pub fn spawn(&self, task: Box<dyn Task>) {
        self.mailbox.post(|posts| posts.tasks.push(task));
    }

    /// Runs something small on the loop's thread.
    pub fn run(&self, job: Job) {
        self.mailbox.post(|posts| posts.jobs.push(job));
    }

    /// Ends the loop once its tasks have finished.
    pub fn stop(&self) {
        self.mailbox.post(|posts| posts.stop = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_its_thread_and_its_token() {
        for thread in [0, 1, u8::MAX] {
            for token in [0, 1, (1 << (TOKEN_BITS - 1)) + 1] {
                let address = Address::new(thread, Token(token));
                assert_eq!((address.thread(), address.token()), (thread.into(), Token(token)));
            }
        }
        assert_eq!(size_of::<Option<Address>>(), 8);
    }
}
