//! The application's side of sending: whole messages, frames of one, pings. Each is judged, finds room
//! in the send queue or not, and is queued or written at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::protocol::frame::{
    MAX_CONTROL_BYTES, MAX_SHORT_BYTES, Opcode, SHORT_HEADER_BYTES, framed_len,
};
use crate::protocol::outbox::MAX_MEDIUM_BYTES;
use crate::protocol::{MessageKind, utf8};
use crate::reactor::mailbox::on_event_loop;

use super::controls::Control;
use super::error::{Error, Misuse};
use super::inbox::MESSAGE_OVERHEAD;
use super::sink::{Completion, Waiter};
use super::socket::{Socket, refuse_on_event_loop};
use super::staging::Item;
use super::state::State;
use super::writer::{Fragmented, Outgoing};

const LONG: Duration = Duration::from_secs(3600);

/// Whether a message of this kind may hold that.
#[inline(always)]
pub fn is_good(kind: MessageKind, payload: &[u8]) -> bool {
    kind == MessageKind::Binary || utf8::is_valid(payload)
}

impl Socket {
    /// The straight path of `send`, for a message that is not large and queued behind others on an
    /// open connection without compression. `false`: nothing has happened, and `send` decides.
    #[inline(always)]
    pub fn send_straight(&self, kind: MessageKind, payload: &[u8]) -> bool {
        if payload.len() > MAX_SHORT_BYTES {
            return self.send_medium(kind, payload);
        }
        let link = &self.link;
        if link.state.load() != State::Open {
            return false;
        }
        let mut outgoing = lock(&link.outgoing);
        outgoing.busy().is_some_and(|busy| busy.outbox.straight_short(kind, payload))
    }

    #[inline(never)]
    fn send_medium(&self, kind: MessageKind, payload: &[u8]) -> bool {
        let may_be_medium = payload.len() <= MAX_MEDIUM_BYTES && self.state() == State::Open;
        if !may_be_medium || !is_good(kind, payload) {
            return false;
        }
        let mut outgoing = lock(&self.link.outgoing);
        outgoing.busy().is_some_and(|busy| busy.outbox.straight_medium(kind, payload))
    }

    /// One whole message.
    pub fn send(&self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        self.check_message(kind, payload)?;
        self.link.make_way(payload.len());
        let mut outgoing = lock(&self.link.outgoing);
        self.check_room_for_message(&mut outgoing, payload.len(), true)?;
        self.link.queue_message(outgoing, kind, payload, None);
        Ok(())
    }

    /// Whole messages of one kind, as many from the front as there is room for, and nobody else's in
    /// between. Returns how many those were. `are_good`: what has to be text is.
    pub fn send_batch<'a>(
        &self,
        kind: MessageKind,
        are_good: bool,
        messages: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> Result<usize, Misuse> {
        self.check_open()?;
        if !are_good {
            return Err(Misuse::TextNotUtf8);
        }
        let count = messages.len();
        let mut outgoing = lock(&self.link.outgoing);
        check_between_messages(&outgoing)?;
        let was_empty = outgoing.outbox.is_empty();
        let (waiting, limit) = (outgoing.waiting(), self.queue_limit());
        // What is kept as it is costs more than its frame.
        let extra = if outgoing.staging.is_some() { MESSAGE_OVERHEAD } else { 0 };
        let cost = |payload: &[u8]| match payload.len() {
            len @ 0..=MAX_SHORT_BYTES => (SHORT_HEADER_BYTES + len) as u64 + extra,
            len => framed_len(len) + extra,
        };
        let mut room = match waiting {
            0 => limit.max(messages.clone().next().map_or(0, cost)),
            _ => limit.saturating_sub(waiting),
        };
        let mut messages = messages.take_while(|payload| {
            let left = room.checked_sub(cost(payload));
            room = left.unwrap_or_default();
            left.is_some()
        });
        let mut accepted = 0;
        if count == 1 {
            // Nothing of the same batch has to follow at once: it may leave as it likes.
            if let Some(payload) = messages.next() {
                self.link.queue_message(outgoing, kind, payload, None);
                return Ok(1);
            }
        } else if let Some(staging) = &mut outgoing.staging {
            for payload in messages {
                let deflates = staging.can_deflate() && self.link.deflates(payload.len());
                staging.keep(Item::new(Opcode::Message(kind), true, deflates, None), payload);
                accepted += 1;
            }
        } else {
            let outbox = &mut outgoing.outbox;
            for payload in messages {
                outbox.message(kind, payload);
                accepted += 1;
            }
            self.link.decide_straight(&mut outgoing);
        }
        outgoing.owes_send_ready |= accepted < count;
        if outgoing.staging.is_some() {
            drop(outgoing);
            // Whoever sends deflates, a first part at least; the session does the rest, and writes.
            if !on_event_loop() {
                self.link.stage_waiting();
            }
            self.link.look_again();
        } else {
            self.link.after_queueing(outgoing, was_empty);
        }
        Ok(accepted)
    }

    /// One whole message whose leaving is reported. Returns its number.
    pub fn send_async(
        &self,
        kind: MessageKind,
        payload: &[u8],
        completion: Completion,
        mut number_known: impl FnMut(u64),
    ) -> Result<(), Misuse> {
        self.check_message(kind, payload)?;
        self.link.make_way(payload.len());
        let mut outgoing = lock(&self.link.outgoing);
        self.check_room_for_message(&mut outgoing, payload.len(), true)?;
        let number = outgoing.take_operation_number();
        // Told before anything can be reported about it.
        number_known(number);
        self.link.queue_message(outgoing, kind, payload, Some((number, completion)));
        Ok(())
    }

    /// Waits for room, and until the message has been handed to the system.
    pub fn send_wait(
        &self,
        kind: MessageKind,
        payload: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Result<(), Error>, Misuse> {
        refuse_on_event_loop()?;
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        self.check_message(kind, payload)?;
        let waiter = Arc::new(Waiter::default());
        let mut outgoing = lock(&self.link.outgoing);
        let mut has_waited = false;
        let number = loop {
            match self.check_room_for_message(&mut outgoing, payload.len(), false) {
                Ok(()) => break outgoing.take_operation_number(),
                Err(Misuse::WouldBlock) => has_waited = true,
                // It ended while this call waited: say how, as for a message that was queued.
                Err(Misuse::Closed) if has_waited => {
                    drop(outgoing);
                    return self.link.ended_by().map(Err).ok_or(Misuse::Closed);
                }
                Err(misuse) => return Err(misuse),
            }
            outgoing.waiters += 1;
            let left = deadline.map_or(LONG, |deadline: Instant| {
                deadline.saturating_duration_since(crate::reactor::now())
            });
            let is_late = left.is_zero();
            if !is_late {
                outgoing = self
                    .link
                    .room
                    .wait_timeout(outgoing, left)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0;
            }
            outgoing.waiters -= 1;
            if is_late {
                return Err(Misuse::TimedOut);
            }
        };
        let completion = Completion::Waiter(Arc::clone(&waiter));
        self.link.queue_message(outgoing, kind, payload, Some((number, completion)));
        match waiter.wait(deadline) {
            Some(outcome) => Ok(outcome.map(drop)),
            None => {
                // Not begun: it never leaves. Begun: it goes on, and the caller knows no more.
                let cancelled = lock(&self.link.outgoing).cancel(number);
                if cancelled.is_none()
                    && let Some(outcome) = waiter.wait(Some(crate::reactor::now()))
                {
                    return Ok(outcome.map(drop));
                }
                Err(Misuse::TimedOut)
            }
        }
    }

    /// A frame of a message that is sent frame by frame; the first decides its kind.
    pub fn send_frame(
        &self,
        kind: MessageKind,
        payload: &[u8],
        is_final: bool,
    ) -> Result<(), Misuse> {
        self.check_open()?;
        let mut outgoing = lock(&self.link.outgoing);
        self.check_room(&mut outgoing, payload.len(), true)?;
        let mut fragmented = outgoing.fragmented.clone().unwrap_or_else(|| Fragmented {
            kind,
            text: utf8::Validator::default(),
            deflates: outgoing.staging.as_ref().is_some_and(|staging| staging.can_deflate())
                && self.link.deflates(payload.len()),
        });
        if fragmented.kind == MessageKind::Text
            && !(fragmented.text.check(payload) && (!is_final || fragmented.text.is_complete()))
        {
            return Err(Misuse::TextNotUtf8);
        }
        self.link.queue_fragment(outgoing, fragmented, is_final, payload);
        Ok(())
    }

    pub fn ping(&self, payload: &[u8]) -> Result<(), Misuse> {
        if payload.len() > MAX_CONTROL_BYTES {
            return Err(Misuse::Invalid("len is larger than 125, the most that a ping carries"));
        }
        self.check_open()?;
        let now = crate::reactor::now();
        let mut outgoing = lock(&self.link.outgoing);
        if outgoing.outbox.has_ended() {
            return Err(Misuse::Closed);
        }
        if !outgoing.outbox.ping(payload) {
            return Err(Misuse::WouldBlock);
        }
        outgoing.heartbeat_mut().sent(payload, now);
        drop(outgoing);
        // The session also has to watch for the answer.
        self.link.kick();
        Ok(())
    }

    pub fn buffered_amount(&self) -> u64 {
        lock(&self.link.outgoing).waiting()
    }

    fn check_message(&self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        self.check_open()?;
        if is_good(kind, payload) { Ok(()) } else { Err(Misuse::TextNotUtf8) }
    }

    fn check_room_for_message(
        &self,
        outgoing: &mut Outgoing,
        len: usize,
        owe: bool,
    ) -> Result<(), Misuse> {
        check_between_messages(outgoing)?;
        self.check_room(outgoing, len, owe)
    }

    /// An empty queue takes one message of any size.
    fn check_room(&self, outgoing: &mut Outgoing, len: usize, owe: bool) -> Result<(), Misuse> {
        if outgoing.has_ended() {
            return Err(Misuse::Closed);
        }
        let waiting = outgoing.waiting();
        if waiting > 0 && waiting.saturating_add(framed_len(len)) > self.queue_limit() {
            outgoing.owes_send_ready |= owe;
            return Err(Misuse::WouldBlock);
        }
        Ok(())
    }

    #[inline]
    fn queue_limit(&self) -> u64 {
        self.link.controls.integer(Control::SendQueueLimit)
    }
}

/// A whole message must not come between the frames of another. RFC 6455 §5.4.
fn check_between_messages(outgoing: &Outgoing) -> Result<(), Misuse> {
    if outgoing.has_ended() {
        return Err(Misuse::Closed);
    }
    match outgoing.fragmented {
        None => Ok(()),
        Some(_) => Err(Misuse::IllegalState(
            "a message that was begun with ws_send_nonfinal_frame has not ended",
        )),
    }
}
