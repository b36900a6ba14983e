//! An open connection on which nothing is under way: what has to be kept of it, which is little. The
//! rest is made anew from the link when something happens, and given up when that is over, so that
//! thousands of idle connections cost what their sockets cost.

use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::reactor::Moment;
use crate::transport::stream::Stream;

use super::ending::Closing;
use super::link::Link;
use super::open::Open;

/// Who is woken this soon after it was last heard of, so often in a row, talks: giving up and making
/// anew would cost more than it saves,
const SOON: Duration = Duration::from_millis(1);
const OFTEN: u8 = 4;
/// until it has been silent for this long.
const SILENCE: Duration = Duration::from_millis(20);

pub struct Resting {
    heard_at: Moment,
    trusts_short_reads: bool,
    woken_soon: u8,
}

impl Open {
    /// Whether it stands where a connection stands that has just opened: all that has been read is
    /// taken, no message has begun, and nobody is late or closing.
    pub(super) fn may_rest(&self) -> bool {
        self.receiver.is_at_rest()
            && self.unread.is_empty()
            && self.late.is_none()
            && matches!(self.closing, Closing::No)
            && self.lender.is_idle()
            && self.low_water == 0
            && !(self.may_read || self.has_hung_up || self.is_paused || self.inflates)
    }

    /// Until when it stays as it is, though it might rest.
    pub(super) fn stays_until(&mut self, now: Instant) -> Option<Instant> {
        let until = self.stays_until?;
        if now >= until {
            self.stays_until = self.heard_at.checked_add(SILENCE).filter(|until| now < *until);
        }
        self.stays_until
    }

    /// The statistics of the link have been brought up to date, and it keeps the way out.
    pub(super) fn rest(self) -> Resting {
        Resting {
            heard_at: self.heard_at.into(),
            trusts_short_reads: self.trusts_short_reads,
            woken_soon: self.woken_soon,
        }
    }
}

impl Resting {
    /// `None`: there is no connection any more.
    pub fn wake(&self, link: &Link, now: Instant) -> Option<Open> {
        let stream = Stream::of(lock(&link.outgoing).socket.clone()?);
        let heard_at = Instant::from(self.heard_at);
        let mut open = Open::over(stream, None, link, heard_at);
        if now.saturating_duration_since(heard_at) < SOON {
            open.woken_soon = self.woken_soon.saturating_add(1);
        }
        if open.woken_soon >= OFTEN {
            open.stays_until = now.checked_add(SILENCE);
        }
        let received = link.received();
        open.receiver.traffic = received.traffic;
        open.bytes_received = received.bytes;
        open.trusts_short_reads = self.trusts_short_reads;
        Some(open)
    }
}
