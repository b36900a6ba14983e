//! How an open connection ends: close frames, faults of the peer, silence, and the order in which
//! the last bytes leave. What is told of it, and to whom, is the session's.

use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::protocol::close::{self, CloseStatus};
use crate::protocol::frame::Fault;
use crate::reactor::Turn;
use crate::transport::tcp;

use super::controls::Control;
use super::error::{Cause, Error, Phase};
use super::link::Link;
use super::open::{Open, Outcome};
use super::sink::Closed;
use super::state::State;

/// How long a failed connection stays to let its close frame arrive.
const LINGER: Duration = Duration::from_millis(200);

pub(super) enum Closing {
    No,
    /// We sent a close frame and wait for the peer's.
    Sent {
        deadline: Instant,
    },
    /// Both have been sent; the peer should end the connection now. RFC 6455 §7.1.1.
    Done {
        status: CloseStatus,
        by_peer: bool,
        deadline: Instant,
    },
    /// *closed* has been told; only our last bytes still have to leave.
    Lingering {
        deadline: Instant,
    },
}

impl Open {
    /// RFC 6455 §5.5.1: a close frame is answered by one, unless it is the answer.
    pub(super) fn peer_closed(&mut self, status: CloseStatus, link: &Link, now: Instant) {
        self.notice_local_close(link, now);
        let by_peer = matches!(self.closing, Closing::No);
        if by_peer {
            link.state.advance(State::Open, State::Closing);
            lock(&link.outgoing).outbox.close(&close::payload(status.code, &[]));
        }
        let deadline = now + link.controls.duration(Control::CloseTimeoutMs);
        self.closing = Closing::Done { status, by_peer, deadline };
    }

    /// The peer broke the protocol. RFC 6455 §7.1.7.
    pub(super) fn violated(&mut self, fault: Fault, now: Instant, link: &Link) -> Outcome {
        let error = Error::new(Phase::WebSocket, Cause::Protocol(fault));
        // In answer to our own close frame nothing more is sent: the outbox has ended.
        lock(&link.outgoing).outbox.close(&close::payload(fault.close_code(), &[]));
        let _ = self.write_out(link);
        self.closing = Closing::Lingering { deadline: now + LINGER };
        Outcome::Closed { closed: Closed::lost(error), lingers: true }
    }

    /// The peer ended its side of the connection.
    pub(super) fn ended(&mut self, turn: &mut Turn<'_>, link: &Link) -> Option<Outcome> {
        self.may_read = false;
        match &mut self.closing {
            Closing::Lingering { .. } => Some(Outcome::Finished),
            Closing::Done { .. } => {
                let _ = self.write_out(link);
                self.leave(turn);
                self.closed_cleanly()
            }
            _ => Some(self.lost(Error::new(self.phase(), Cause::ConnectionAborted))),
        }
    }

    /// The system reported a failure. After the peer's close frame that is as good as an end.
    pub(super) fn failed(&mut self, error: Error) -> Option<Outcome> {
        match &self.closing {
            Closing::Lingering { .. } => Some(Outcome::Finished),
            Closing::Done { .. } => self.closed_cleanly(),
            _ => Some(self.lost(error)),
        }
    }

    pub(super) fn closed_cleanly(&mut self) -> Option<Outcome> {
        let Closing::Done { status, by_peer, .. } = &mut self.closing else { return None };
        let closed = Closed {
            error: None,
            code: status.code,
            reason: std::mem::take(&mut status.reason),
            by_peer: *by_peer,
        };
        Some(Outcome::Closed { closed, lingers: false })
    }

    pub(super) fn lost(&mut self, error: Error) -> Outcome {
        Outcome::Closed { closed: Closed::lost(error), lingers: false }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.closing {
            Closing::No => Phase::WebSocket,
            _ => Phase::Closing,
        }
    }

    /// Looks at the clock, and says when to look again.
    pub(super) fn watch(&mut self, now: Instant, link: &Link) -> Outcome {
        let mut next: Option<Instant> = None;
        let mut at = |deadline: Instant| {
            next = Some(next.map_or(deadline, |next| next.min(deadline)));
            deadline <= now
        };
        match &self.closing {
            Closing::Lingering { deadline } => {
                let unsent = !lock(&link.outgoing).outbox.is_empty() || !self.stream.is_flushed();
                if !unsent {
                    self.stream.end();
                }
                if at(*deadline) {
                    return Outcome::Finished;
                }
                return Outcome::Wait(next);
            }
            Closing::Done { deadline, .. } => {
                if at(*deadline) {
                    tcp::reset_on_drop(self.stream.tcp());
                    return self.closed_cleanly().unwrap_or(Outcome::Finished);
                }
                return Outcome::Wait(next);
            }
            Closing::Sent { deadline } => {
                if at(*deadline) {
                    tcp::reset_on_drop(self.stream.tcp());
                    return self.lost(Error::new(Phase::Closing, Cause::Timeout));
                }
            }
            Closing::No => {}
        }
        let (stalled_since, ping_sent) = {
            let outgoing = lock(&link.outgoing);
            (outgoing.stalled_since, outgoing.heartbeat.waiting_since())
        };
        let mut expired = false;
        if let Some(since) = stalled_since {
            expired |= at(since + link.controls.duration(Control::SendTimeoutMs));
        }
        // While we do not read, the peer's silence is our own doing.
        let listens = !self.may_read;
        let silent_since = match ping_sent {
            Some(sent) => Some(sent.max(self.heard_at)),
            None if self.receiver.is_inside_message() => Some(self.heard_at),
            None => None,
        };
        if let Some(since) = silent_since
            && listens
            && matches!(self.closing, Closing::No)
        {
            expired |= at(since + link.controls.duration(Control::ReceiveTimeoutMs));
        }
        if expired {
            tcp::reset_on_drop(self.stream.tcp());
            return self.lost(Error::new(Phase::WebSocket, Cause::Timeout));
        }
        Outcome::Wait(next)
    }
}
