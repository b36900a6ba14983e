//! An open connection on which nothing is under way: what has to be kept of it, which is little. The
//! rest is made anew from the link when something happens, and given up when that is over, so that
//! thousands of idle connections cost what their sockets cost.

use crate::reactor::Moment;
use crate::transport::stream::Stream;

use super::ending::Closing;
use super::link::Link;
use super::open::Open;

pub struct Resting {
    stream: Stream,
    heard_at: Moment,
    trusts_short_reads: bool,
}

impl Open {
    /// Whether it stands where a connection stands that has just opened: all that has been read is
    /// taken, no message has begun, and nobody is late or closing.
    pub(super) fn may_rest(&self) -> bool {
        self.receiver.is_at_rest()
            && self.unread.is_empty()
            && self.late.is_none()
            && matches!(self.closing, Closing::No)
            && !(self.may_read || self.has_hung_up || self.is_paused || self.inflates)
    }

    /// The statistics of the link have been brought up to date.
    pub(super) fn rest(self) -> Resting {
        let heard_at = self.heard_at.into();
        Resting { stream: self.stream, heard_at, trusts_short_reads: self.trusts_short_reads }
    }
}

impl Resting {
    pub fn wake(self, link: &Link) -> Open {
        let mut open = Open::over(self.stream, None, link, self.heard_at.into());
        let received = link.statistics.received();
        open.receiver.traffic = received.traffic;
        open.bytes_received = received.bytes;
        open.trusts_short_reads = self.trusts_short_reads;
        open
    }
}
