//! What an event loop runs: tasks, a turn at a time.

use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::time::Instant;

use mio::event::Source;
#[cfg(any(target_os = "linux", target_os = "android"))]
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use super::mailbox::{Address, Remote};
use super::spare::Spare;

/// A small state machine that owns at most one registered source. Lives on one thread.
pub trait Task: Send {
    /// Something may have happened: the first turn, readiness, a kick, a deadline. Spurious turns
    /// happen and must do no harm. Never blocks.
    fn turn(&mut self, turn: &mut Turn<'_>) -> Next;

    /// The task panicked and will be dropped after this call.
    fn panicked(&mut self, turn: &mut Turn<'_>);
}

/// What a task wants after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To sleep until readiness, a kick, or the given time.
    Wait(Option<Instant>),
    /// Another turn soon, after everybody else had theirs.
    Again,
    /// To be dropped.
    Finished,
}

/// One turn of a task.
pub struct Turn<'a> {
    /// The time, taken once for all tasks that run together.
    pub now: Instant,
    /// Readiness is edge-triggered: who does not read until the system would block must remember
    /// that there is more.
    pub readable: bool,
    pub writable: bool,
    /// The peer ended its side, or the socket failed: reading will tell.
    pub hung_up: bool,
    /// Buffers that belong to the thread; their content does not outlive the turn.
    pub scratch: &'a mut Scratch,
    pub(super) registry: &'a Registry,
    pub(super) token: Token,
    pub(super) remote: &'a Remote,
}

impl Turn<'_> {
    /// Registers a source for both directions. It deregisters when it is dropped.
    pub fn register(&self, source: &mut impl Source) -> io::Result<()> {
        self.registry.register(source, self.token, Interest::READABLE | Interest::WRITABLE)
    }

    /// From now on nothing is told of what arrives at a registered source, because another thread
    /// reads it, or is told again, beginning with what is there.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn listen(&self, source: &impl AsRawFd, hears_input: bool) -> io::Result<()> {
        let interest = match hears_input {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::PRIORITY, // which nobody sends; something it must be
        };
        self.registry.reregister(&mut SourceFd(&source.as_raw_fd()), self.token, interest)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn listen<T>(&self, _: &T, _: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Where this task can be found.
    pub fn address(&self) -> Address {
        self.remote.address(self.token)
    }
}

/// Large buffers, one set per thread instead of one per connection.
#[derive(Debug)]
pub struct Scratch {
    /// What a socket is read into: `INPUT_BYTES` and one byte behind.
    pub input: Box<[u8]>,
    /// What a TLS socket is read into.
    pub ciphertext: Box<[u8]>,
    /// What compressed payload is inflated into: nothing, until `with_inflated` makes it
    /// `INFLATED_BYTES` and one byte behind.
    pub inflated: Box<[u8]>,
    /// For the next large message, what the last one lay in.
    pub spare: Spare,
}

pub const INPUT_BYTES: usize = 256 * 1024;
/// Four of the largest records, and what belongs to them.
pub const CIPHERTEXT_BYTES: usize = 4 * (16 * 1024 + 64);
pub const INFLATED_BYTES: usize = 64 * 1024;

impl Scratch {
    /// From the first compressed connection on the thread has room to inflate into.
    pub fn with_inflated(&mut self) {
        if self.inflated.is_empty() {
            self.inflated = vec![0; INFLATED_BYTES + 1].into_boxed_slice();
        }
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch {
            input: vec![0; INPUT_BYTES + 1].into_boxed_slice(),
            ciphertext: vec![0; CIPHERTEXT_BYTES].into_boxed_slice(),
            inflated: Box::default(),
            spare: Spare::default(),
        }
    }
}
