//! How what has just been queued gets away: who writes it, and when. Refuses to know how that is done.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::link::Link;
use super::outgoing::Busy;
use super::writer::{FLUSH_BYTES, Outgoing};

/// A thread that has just sent sends a burst when the next one follows this soon: let it gather.
const BURST: Duration = Duration::from_micros(25);

impl Outgoing {
    /// Decides whether a whole message goes straight behind what waits: it need not be deflated,
    /// nothing is to be kept in order with it, and it will be accepted if there is room. Called when a
    /// message has been queued, and when something of this has changed.
    pub fn decide_straight(&mut self) {
        let is_straight = self.may_be_straight();
        self.outbox.set_straight(is_straight);
    }

    pub fn may_be_straight(&self) -> bool {
        !self.has_ended() && self.fragmented.is_none() && self.staging.is_none()
    }

    /// Whether what was queued behind something else is nobody's concern: it is not worth a write of
    /// its own, or cannot be written now, or only by the session.
    #[inline]
    pub fn rests(&self) -> bool {
        Busy::rests(self) || self.socket.is_none()
    }

    /// Whether a thread that sends now does so in a burst.
    fn is_burst(&mut self) -> bool {
        let now = crate::reactor::now();
        let last = self.last_write.replace(now.into());
        last.is_some_and(|last| now - Instant::from(last) < BURST)
    }
}

impl Busy {
    /// The same, as far as it can be told from here.
    #[inline]
    pub fn rests(&self) -> bool {
        self.outbox.waiting() < FLUSH_BYTES
            || self.stalled_since.is_some()
            || self.outbox.has_writer()
    }
}

impl Link {
    /// Sees to it that what has just been queued leaves. `was_empty`: nothing waited before it.
    #[inline]
    pub fn after_queueing(&self, outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        if was_empty || !outgoing.rests() {
            self.leave(outgoing, was_empty);
        }
    }

    /// The same of what does not rest.
    #[inline(never)]
    pub fn leave(&self, outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        if self.is_in_turn() {
            // The end of the turn writes; only a lot is not worth gathering further.
            if !outgoing.rests()
                && let Some(socket) = outgoing.socket.clone()
            {
                drop(self.write_waiting(outgoing, &socket, 1));
            }
            return;
        }
        self.leave_from_elsewhere(outgoing, was_empty);
    }

    /// Whoever finds that something waits already need not wake anybody: either the session has
    /// been kicked, or somebody writes and looks again afterwards, or the system takes no more and
    /// readiness will tell. Only when much has gathered this thread writes it, whoever was to.
    ///
    /// In a flood the session stands back: it would write a few messages at a time, in competition
    /// with the thread that sends them.
    fn leave_from_elsewhere(&self, mut outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        let is_much = !outgoing.rests();
        if !was_empty && !is_much {
            return;
        }
        if !outgoing.outbox.has_writer()
            && outgoing.stalled_since.is_none()
            && !crate::reactor::mailbox::on_event_loop()
            && let Some(socket) = outgoing.socket.clone()
        {
            outgoing.has_gathered |= is_much && !was_empty;
            if is_much || !outgoing.is_burst() {
                let mut outgoing = self.write_waiting(outgoing, &socket, 1);
                // However long that took, what follows at once is a burst.
                outgoing.last_write = Some(crate::reactor::now().into());
                let needs_session = outgoing.needs_session();
                if !needs_session {
                    outgoing.rest_behind_writer();
                }
                drop(outgoing);
                if needs_session {
                    self.kick();
                }
                return;
            }
        }
        // The session will look in by itself.
        let is_gathering = outgoing.is_gathering;
        drop(outgoing);
        if !is_gathering {
            self.kick();
        }
    }
}
