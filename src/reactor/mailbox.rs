//! Messages from any thread to an event loop. A burst costs one wake, and none while the loop is
//! awake anyway.

use std::cell::Cell;
use std::io;
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

/// Reaches an event loop, and one task of it, from any thread.
#[derive(Clone)]
pub struct Remote {
    mailbox: Arc<Mailbox>,
    token: Token,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Remote {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Remote {
        Remote { mailbox, token: WAKER }
    }

    pub(super) fn for_token(&self, token: Token) -> Remote {
        Remote { mailbox: Arc::clone(&self.mailbox), token }
    }

    /// Gives the task a turn.
    pub fn kick(&self) {
        self.mailbox.post(|posts| posts.kicks.push(self.token));
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
