//! The race for a TCP connection: several addresses of one name under way at the same time, each
//! with a deadline of its own; the first that answers wins, the others are closed. RFC 8305.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use crate::reactor::Turn;
use crate::transport::race::{Move, Race};
use crate::transport::tcp::{self, TcpOptions};

use super::error::{Cause, Error, Phase};

#[derive(Debug)]
pub(super) struct Attempts {
    race: Race,
    under_way: Vec<Attempt>,
    options: TcpOptions,
    timeout: Duration,
    tried: Vec<SocketAddr>,
    failure: Option<Error>,
}

/// Here a socket that becomes writable is connected, unless it also hangs up. Whose readiness it is
/// nobody says, where several are under way.
const READINESS_TELLS: bool = cfg!(any(target_os = "linux", target_os = "android"));

#[derive(Debug)]
struct Attempt {
    socket: TcpStream,
    address: SocketAddr,
    deadline: Instant,
}

/// What a look at them came to.
#[derive(Debug)]
pub(super) enum Raced {
    /// The deadline is the address's, for all that follows.
    Connected {
        socket: TcpStream,
        address: SocketAddr,
        deadline: Instant,
    },
    /// To be looked at again on readiness, or then.
    Pending(Instant),
    Failed(Error),
}

impl Attempts {
    pub fn new(
        addresses: Vec<SocketAddr>,
        limit: usize,
        options: TcpOptions,
        timeout: Duration,
    ) -> Attempts {
        Attempts {
            race: Race::new(addresses, limit),
            under_way: Vec::new(),
            options,
            timeout,
            tried: Vec::new(),
            failure: None,
        }
    }

    pub fn advance(&mut self, turn: &mut Turn<'_>) -> Raced {
        if let Some(winner) = self.judge(turn) {
            let Attempt { socket, address, deadline } = winner;
            return Raced::Connected { socket, address, deadline };
        }
        let next_at = loop {
            match self.race.next(turn.now) {
                Move::Try(address) => self.begin(address, turn),
                Move::WaitUntil(next_at) => break Some(next_at),
                Move::Wait => break None,
            }
        };
        let deadlines = self.under_way.iter().map(|attempt| attempt.deadline);
        match deadlines.chain(next_at).min() {
            Some(next) => Raced::Pending(next),
            None => Raced::Failed(self.failed()),
        }
    }

    /// All have failed, or there is no more time.
    pub fn failed(&mut self) -> Error {
        let none = || Error::new(Phase::Name, Cause::NameNotResolved);
        let error = self.failure.take().unwrap_or_else(none);
        let mut tried = String::new();
        for address in &self.tried {
            let _ = write!(tried, "{}{address}", if tried.is_empty() { "" } else { ", " });
        }
        error.with_detail(tried)
    }

    /// Takes out the attempt that has succeeded, and drops those that have failed.
    fn judge(&mut self, turn: &Turn<'_>) -> Option<Attempt> {
        if READINESS_TELLS && turn.writable && !turn.hung_up && self.under_way.len() == 1 {
            return self.under_way.pop();
        }
        let mut at = 0;
        while let Some(attempt) = self.under_way.get(at) {
            let failure = match attempt.outcome() {
                Some(Ok(())) => return Some(self.under_way.swap_remove(at)),
                Some(Err(error)) => Some(error),
                None if turn.now >= attempt.deadline => {
                    Some(Error::new(Phase::Tcp, Cause::Timeout))
                }
                None => None,
            };
            match failure {
                Some(error) => {
                    drop(self.under_way.swap_remove(at));
                    self.note(error);
                }
                None => at += 1,
            }
        }
        None
    }

    fn begin(&mut self, address: SocketAddr, turn: &mut Turn<'_>) {
        self.tried.push(address);
        let begun = tcp::connect(address, self.options).and_then(|mut socket| {
            turn.register(&mut socket)?;
            Ok(socket)
        });
        match begun {
            Ok(socket) => {
                let deadline = turn.now + self.timeout;
                self.under_way.push(Attempt { socket, address, deadline });
            }
            Err(error) => self.note(Error::from_system(Phase::Tcp, &error)),
        }
    }

    /// The last failure is told; that there is no way to one family says less than any other.
    fn note(&mut self, error: Error) {
        if self.failure.is_none() || error.cause != Cause::Unreachable {
            self.failure = Some(error);
        }
        self.race.failed();
    }
}

impl Attempt {
    /// `None`: it is under way.
    fn outcome(&self) -> Option<Result<(), Error>> {
        // Who has a peer is connected; what hinders anybody else, if anything does, is asked then.
        let Err(unconnected) = self.socket.peer_addr() else { return Some(Ok(())) };
        let failure = match self.socket.take_error() {
            Ok(Some(error)) | Err(error) => error,
            Ok(None) if unconnected.kind() == std::io::ErrorKind::NotConnected => return None,
            Ok(None) => unconnected,
        };
        Some(Err(Error::from_system(Phase::Tcp, &failure)))
    }
}
