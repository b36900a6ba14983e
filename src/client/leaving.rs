//! How what has just been queued gets away: who writes it, and when. Refuses to know how that is done.

use std::sync::MutexGuard;
use std::time::Duration;

use crate::reactor::Recent;

use crate::base::lock::lock;
use crate::reactor::mailbox::on_event_loop;
use crate::transport::stream::Output;

use super::controls::Control;
use super::link::Link;
use super::writer::{FLUSH_BYTES, Outgoing};

/// A thread that has just sent sends a burst when the next one follows this soon: let it gather.
const BURST: Duration = Duration::from_micros(25);
/// What the callbacks of one turn send is written so often while they run. Whoever sends as long as
/// it is accepted then comes to the end of the queue, and other connections have their turns.
const MOST_EARLY_WRITES: u32 = 2048;

impl Outgoing {
    /// Whether a whole message goes straight behind what waits: it need not be deflated, nothing is
    /// to be kept in order with it, and it will be accepted if there is room.
    fn may_be_straight(&self) -> bool {
        !self.has_ended() && self.fragmented.is_none() && self.staging.is_none()
    }

    /// Whether what was queued behind something else is nobody's concern: it is not worth a write of
    /// its own, or cannot be written now, or only by the session.
    #[inline]
    pub fn rests(&self) -> bool {
        self.outbox.waiting() < self.flush_at || self.outbox.has_writer() || self.socket.is_none()
    }

    /// In the session's turn: the way out, unless it has been used often enough before the turn ends.
    fn early_way_out(&mut self) -> Option<Output> {
        if self.early_writes == MOST_EARLY_WRITES {
            return None;
        }
        self.early_writes += 1;
        self.socket.clone()
    }

    /// Whether a thread that sends now does so in a burst.
    fn is_burst(&mut self) -> bool {
        let now = Recent::now();
        let last = std::mem::replace(&mut self.last_write, now);
        now.is_within(BURST, last)
    }
}

impl Link {
    /// Decides how far whole messages may go straight: as long as there is room for them, and nobody
    /// has to see to it that they leave. Called when a message has been queued, and when something
    /// of this has changed.
    pub fn decide_straight(&self, outgoing: &mut Outgoing) {
        let limit = self.controls.integer(Control::SendQueueLimit);
        let most_waiting = match outgoing.may_be_straight() {
            false => 0,
            true if outgoing.outbox.has_writer() || outgoing.socket.is_none() => limit,
            true => limit.min(outgoing.flush_at - 1),
        };
        outgoing.outbox.set_straight(most_waiting);
    }

    /// Sees to it that what has just been queued leaves. `was_empty`: nothing waited before it.
    #[inline]
    pub fn after_queueing(&self, outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        if was_empty || !outgoing.rests() {
            self.leave(outgoing, was_empty);
        }
    }

    /// The same of what does not rest.
    #[inline(never)]
    pub fn leave(&self, mut outgoing: MutexGuard<'_, Outgoing>, was_empty: bool) {
        if self.is_in_turn() {
            // The end of the turn writes; only a lot is not worth gathering further.
            if !outgoing.rests() {
                match outgoing.early_way_out() {
                    Some(socket) => drop(self.write_waiting(outgoing, &socket, 1)),
                    None => self.leave_it_at_that(&mut outgoing),
                }
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
            && !on_event_loop()
            && let Some(socket) = outgoing.socket.clone()
        {
            outgoing.has_gathered |= is_much && !was_empty;
            if is_much || !outgoing.is_burst() {
                let mut outgoing = self.write_waiting(outgoing, &socket, 1);
                // However long that took, what follows at once is a burst.
                outgoing.last_write = Recent::now();
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
        if is_much {
            self.leave_it_at_that(&mut outgoing);
            if outgoing.stalled_since.is_some() {
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

    /// Who is to write knows of it: nothing is worth a look until it has written.
    fn leave_it_at_that(&self, outgoing: &mut Outgoing) {
        outgoing.flush_at = u64::MAX;
        self.decide_straight(outgoing);
    }

    /// What waits leaves, as far as the system takes it now, before a large message is sent: of one
    /// that nothing waits before no copy of the whole is made.
    pub fn make_way(&self, payload_len: usize) {
        if (payload_len as u64) < FLUSH_BYTES {
            return;
        }
        let mut outgoing = lock(&self.outgoing);
        if outgoing.is_idle() || outgoing.waiting() == 0 || outgoing.outbox.has_writer() {
            return;
        }
        let is_in_turn = self.is_in_turn();
        let socket = match is_in_turn {
            true => outgoing.early_way_out(),
            false if on_event_loop() => None,
            false => outgoing.socket.clone(),
        };
        let Some(socket) = socket else { return };
        let outgoing = self.write_waiting(outgoing, &socket, 1);
        let needs_session = outgoing.has_events() || outgoing.error.is_some();
        drop(outgoing);
        if needs_session && !is_in_turn {
            self.kick();
        }
    }
}
