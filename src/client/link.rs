//! Where the two sides of a socket meet: commands down, state and facts up, and in between what
//! waits to be sent. Each part has its own short lock; none is held while anybody else's code or a
//! system call runs.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};

use crate::base::lock::lock;
use crate::base::rare::Rare;
use crate::reactor::{Address, Remote};
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
use super::statistics::{SpecialCells, Statistics};
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
    pub information: Mutex<Known>,
    pub(super) statistics: Statistics,
    pub aside: Rare<Aside>,
    kicked: AtomicBool,
}

/// Of what a link is a part: whoever is above keeps it in one piece with what is its own.
pub trait Linked: Send + Sync {
    fn link(&self) -> &Link;
}

/// Keeps a link alive.
#[derive(Clone)]
pub struct Home(pub Arc<dyn Linked>);

impl Home {
    pub fn downgrade(&self) -> Weak<dyn Linked> {
        Arc::downgrade(&self.0)
    }
}

impl Deref for Home {
    type Target = Link;

    fn deref(&self) -> &Link {
        self.0.link()
    }
}

/// What is known of the connection. Behind the same lock lie the desk and the inbox.
#[derive(Debug, Default)]
pub struct Known {
    information: Information,
    desk: Desk,
    /// Of a socket in pull mode.
    pub(super) inbox: Inbox,
}

impl Deref for Known {
    type Target = Information;

    fn deref(&self) -> &Information {
        &self.information
    }
}

impl DerefMut for Known {
    fn deref_mut(&mut self) -> &mut Information {
        &mut self.information
    }
}

/// What a connection of messages that has not failed, and never saw anything special, gets along
/// without.
#[derive(Debug, Default)]
pub struct Aside {
    /// Of a stream socket.
    pub incoming: Incoming,
    pub special: SpecialCells,
    /// The last failure.
    pub error: Mutex<Option<Error>>,
    pub close_waiters: Mutex<Vec<Arc<Waiter>>>,
}

/// What lies ready for the session, and how to wake it.
#[derive(Debug, Default)]
struct Desk {
    commands: Commands,
    /// Of the session, from its first turn on.
    address: Option<Address>,
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
    pub free: bool,
    pub stop: Stop,
    pub verdict: Option<bool>,
    /// Counts connects, so that a late answer of an earlier one is recognised.
    attempt: u32,
    pub lookup: Option<Box<Result<Lookup, Error>>>,
}

/// What is not to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    #[default]
    Nothing,
    Connect,
    /// The connect or the connection, whichever there is.
    Connection,
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
            outgoing: Mutex::default(),
            room: Condvar::new(),
            runtime,
            backlog: Backlog::default(),
            information: Mutex::default(),
            statistics: Statistics::default(),
            aside: Rare::new(),
            kicked: AtomicBool::new(false),
        }
    }

    /// Writes a command and wakes the session. `false`: there is none.
    pub fn command(&self, write: impl FnOnce(&mut Commands)) -> bool {
        let mut known = lock(&self.information);
        if !known.desk.commands.has_session {
            return false;
        }
        write(&mut known.desk.commands);
        drop(known);
        self.kick();
        true
    }

    /// Ends the connect, or everything.
    pub fn stop(&self, what: Stop) {
        self.command(|commands| commands.stop = commands.stop.max(what));
    }

    /// A session is on its way to an event loop. Returns the number of this attempt; `None` when
    /// the socket has been freed.
    pub fn begin_session(&self) -> Option<u32> {
        let desk = &mut lock(&self.information).desk;
        desk.address = None;
        if desk.commands.free {
            return None;
        }
        let attempt = desk.commands.attempt.wrapping_add(1);
        desk.commands = Commands { has_session: true, attempt, ..Commands::default() };
        Some(attempt)
    }

    /// The session connects anew, somewhere else perhaps: answers to earlier questions are too late.
    pub fn begin_round(&self) -> u32 {
        let commands = &mut lock(&self.information).desk.commands;
        commands.attempt = commands.attempt.wrapping_add(1);
        commands.lookup = None;
        commands.attempt
    }

    /// The application freed the socket. `true`: its session will see to the rest.
    pub fn free(&self) -> bool {
        let has_session = {
            let commands = &mut lock(&self.information).desk.commands;
            commands.free = true;
            commands.has_session
        };
        if has_session {
            self.kick();
        }
        has_session
    }

    /// Whether a session still waits for what `attempt` needs.
    pub fn awaits(&self, attempt: u32) -> bool {
        let commands = &lock(&self.information).desk.commands;
        commands.has_session && !commands.free && commands.attempt == attempt
    }

    /// A worker has found out what `attempt` needs.
    pub fn looked_up(&self, attempt: u32, lookup: Result<Lookup, Error>) {
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
    pub fn set_address(&self, address: Address) {
        lock(&self.information).desk.address = Some(address);
    }

    /// The loop on which the session lives.
    pub fn remote(&self) -> Option<&Remote> {
        let address = lock(&self.information).desk.address?;
        self.runtime.reactor.remote(address)
    }

    /// The bytes of a stream socket.
    pub fn incoming(&self) -> &Incoming {
        &self.aside.incoming
    }

    /// Why the connection ended, unless it was a closing handshake.
    pub fn ended_by(&self) -> Option<Error> {
        if lock(&self.information).desk.commands.free {
            return Some(Error::new(Phase::Closing, Cause::Aborted));
        }
        self.last_error()
    }

    pub fn last_error(&self) -> Option<Error> {
        lock(&self.aside.made()?.error).clone()
    }

    /// What has been asked since the last turn.
    pub fn take_commands(&self) -> Commands {
        let commands = &mut lock(&self.information).desk.commands;
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
        let commands = &mut lock(&self.information).desk.commands;
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
        let address = lock(&self.information).desk.address;
        if let Some(address) = address {
            self.runtime.reactor.kick(address);
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
