//! Where the two sides of a socket meet: commands down, state and facts up, and in between what
//! waits to be sent. Each part has its own short lock; none is held while anybody else's code or a
//! system call runs.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::base::lock::lock;
use crate::base::rare::Rare;
use crate::reactor::Remote;
use crate::transport::system::{self, PathEstimate};

use super::controls::{Control, Controls};
use super::error::{Cause, Error, Phase};
use super::inbox::{Backlog, Inbox};
use super::incoming::Incoming;
use super::information::Information;
use super::lookup::Lookup;
use super::runtime::Runtime;
use super::sink::Waiter;
use super::state::{State, StateCell};
use super::statistics::Statistics;
use super::writer::Outgoing;

#[derive(Debug)]
pub struct Link {
    pub kind: SocketKind,
    pub state: StateCell,
    pub controls: Controls,
    pub outgoing: Mutex<Outgoing>,
    /// Threads in `ws_send_wait` wait here for the queue to have room.
    pub room: Condvar,
    pub runtime: Arc<Runtime>,
    pub backlog: Backlog,
    /// Of a socket in pull mode.
    pub inbox: Rare<Inbox>,
    /// Of a stream socket.
    pub incoming: Rare<Incoming>,
    pub information: Mutex<Information>,
    pub statistics: Statistics,
    pub aside: Rare<Aside>,
    desk: Mutex<Desk>,
    kicked: AtomicBool,
}

/// What a connection that has not failed gets along without.
#[derive(Debug, Default)]
pub struct Aside {
    /// The last failure.
    pub error: Mutex<Option<Error>>,
    pub close_waiters: Mutex<Vec<Arc<Waiter>>>,
}

/// What lies ready for the session, and how to wake it.
#[derive(Debug, Default)]
struct Desk {
    commands: Commands,
    /// From the session's first turn on.
    remote: Option<Remote>,
}

/// What an application makes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    Message,
    Stream,
}

/// What the application wants of the session.
#[derive(Debug, Default)]
pub struct Commands {
    /// A session exists and will look at these.
    pub has_session: bool,
    pub abort: bool,
    pub cancel_connect: bool,
    pub free: bool,
    pub verdict: Option<bool>,
    pub lookup: Option<Box<Result<Lookup, Error>>>,
    /// Counts connects, so that a late answer of an earlier one is recognised.
    attempt: u64,
}

thread_local! {
    /// The link whose session has its turn on this thread.
    static IN_TURN: Cell<*const Link> = const { Cell::new(std::ptr::null()) };
}

impl Link {
    pub fn new(kind: SocketKind, runtime: Arc<Runtime>) -> Link {
        Link {
            kind,
            state: StateCell::default(),
            controls: Controls::default(),
            outgoing: Mutex::new(Outgoing::new(Arc::clone(&runtime.pool))),
            room: Condvar::new(),
            runtime,
            backlog: Backlog::default(),
            inbox: Rare::new(),
            incoming: Rare::new(),
            information: Mutex::default(),
            statistics: Statistics::default(),
            aside: Rare::new(),
            desk: Mutex::default(),
            kicked: AtomicBool::new(false),
        }
    }

    /// Writes a command and wakes the session. `false`: there is none.
    pub fn command(&self, write: impl FnOnce(&mut Commands)) -> bool {
        let mut desk = lock(&self.desk);
        if !desk.commands.has_session {
            return false;
        }
        write(&mut desk.commands);
        drop(desk);
        self.kick();
        true
    }

    /// A session is on its way to an event loop. Returns the number of this attempt; `None` when
    /// the socket has been freed.
    pub fn begin_session(&self) -> Option<u64> {
        let mut desk = lock(&self.desk);
        desk.remote = None;
        if desk.commands.free {
            return None;
        }
        let attempt = desk.commands.attempt + 1;
        desk.commands = Commands { has_session: true, attempt, ..Commands::default() };
        Some(attempt)
    }

    /// The session connects anew, somewhere else perhaps: answers to earlier questions are too late.
    pub fn begin_round(&self) -> u64 {
        let commands = &mut lock(&self.desk).commands;
        commands.attempt += 1;
        commands.lookup = None;
        commands.attempt
    }

    /// The application freed the socket. `true`: its session will see to the rest.
    pub fn free(&self) -> bool {
        let has_session = {
            let commands = &mut lock(&self.desk).commands;
            commands.free = true;
            commands.has_session
        };
        if has_session {
            self.kick();
        }
        has_session
    }

    /// Whether a session still waits for what `attempt` needs.
    pub fn awaits(&self, attempt: u64) -> bool {
        let commands = &lock(&self.desk).commands;
        commands.has_session && !commands.free && commands.attempt == attempt
    }

    /// A worker has found out what `attempt` needs.
    pub fn looked_up(&self, attempt: u64, lookup: Result<Lookup, Error>) {
        self.command(|commands| {
            if commands.attempt == attempt {
                commands.lookup = Some(Box::new(lookup));
            }
        });
    }

    /// What the system knows of the path; nothing unless the connection is open.
    pub fn path_estimate(&self) -> PathEstimate {
        let socket = lock(&self.outgoing).socket.clone();
        socket.map_or(PathEstimate::default(), |socket| system::path_estimate(socket.tcp()))
    }

    /// The session's first turn.
    pub fn set_remote(&self, remote: Remote) {
        lock(&self.desk).remote = Some(remote);
    }

    pub fn remote(&self) -> Option<Remote> {
        lock(&self.desk).remote.clone()
    }

    /// Why the connection ended, unless it was a closing handshake.
    pub fn ended_by(&self) -> Option<Error> {
        if lock(&self.desk).commands.free {
            return Some(Error::new(Phase::Closing, Cause::Aborted));
        }
        self.last_error()
    }

    pub fn last_error(&self) -> Option<Error> {
        lock(&self.aside.made()?.error).clone()
    }

    /// What has been asked since the last turn.
    pub fn take_commands(&self) -> Commands {
        let commands = &mut lock(&self.desk).commands;
        let fresh = Commands {
            has_session: commands.has_session,
            free: commands.free,
            attempt: commands.attempt,
            ..Commands::default()
        };
        std::mem::replace(commands, fresh)
    }

    /// The session is gone; `true`: the socket was freed meanwhile, and it is the session's duty to
    /// say *released*.
    pub fn retire_session(&self) -> bool {
        let commands = &mut lock(&self.desk).commands;
        commands.has_session = false;
        commands.free
    }

    /// A live control has been set: one that the clock or the queue is compared with takes effect at
    /// once.
    pub fn control_changed(&self, control: Control) {
        if control == Control::SendQueueLimit {
            let outgoing = &mut *lock(&self.outgoing);
            if !outgoing.is_idle() {
                self.decide_straight(outgoing);
            }
        }
        if control.is_timed() && matches!(self.state.load(), State::Open | State::Closing) {
            self.kick();
        }
    }

    /// Gives the session a turn, once however often it is asked before it comes.
    pub fn kick(&self) {
        if self.kicked.load(Ordering::SeqCst) || self.kicked.swap(true, Ordering::SeqCst) {
            return;
        }
        // Before the first turn there is no remote yet, and that turn looks at everything.
        if let Some(remote) = self.remote() {
            remote.kick();
        }
    }

    /// Threads that wait for room look again.
    pub fn wake_senders(&self) {
        if lock(&self.outgoing).waiters > 0 {
            self.room.notify_all();
        }
    }

    /// Marks this thread as the one that has the session's turn.
    pub fn enter_turn(&self) -> InTurn {
        InTurn {
            was_kicked: self.kicked.swap(false, Ordering::SeqCst),
            outer: IN_TURN.replace(self),
        }
    }

    #[inline]
    pub fn is_in_turn(&self) -> bool {
        std::ptr::eq(IN_TURN.get(), self)
    }

    /// Messages that waited have been taken by the application.
    pub fn messages_taken(&self, cost: u64) {
        if self.backlog.remove(cost, self.controls.integer(Control::ReceiveQueueLimit)) {
            self.kick();
        }
    }
}

/// While it lives, its thread has a session's turn.
#[derive(Debug)]
pub struct InTurn {
    /// Somebody asked for the turn. Without that there are no new commands.
    pub was_kicked: bool,
    outer: *const Link,
}

impl Drop for InTurn {
    fn drop(&mut self) {
        IN_TURN.set(self.outer);
    }
}
