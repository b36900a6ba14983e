//! How an open connection ends: close frames, faults of the peer, and the order in which the last
//! bytes leave. What is told of it, and to whom, is the session's; the clock is looked at in
//! `watch`.

use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::protocol::close::{self, CloseStatus};
use crate::protocol::frame::Fault;
use crate::reactor::Turn;

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
        since: Instant,
    },
    /// Both have been sent; the peer should end the connection now. RFC 6455 §7.1.1.
    Done {
        status: CloseStatus,
        by_peer: bool,
        since: Instant,
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
            lock(&link.outgoing).close(&close::payload(status.code, &[]));
        }
        self.closing = Closing::Done { status, by_peer, since: now };
    }

    /// The peer broke the protocol. RFC 6455 §7.1.7.
    pub(super) fn violated(&mut self, fault: Fault, now: Instant, link: &Link) -> Outcome {
        let error = Error::new(Phase::WebSocket, Cause::Protocol(fault));
        // In answer to our own close frame nothing more is sent: the outbox has ended.
        // What has not been deflated yet will not be: it is given up with this connection.
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
}
