//! An open connection: reads, delivers, answers, writes, watches the clock, and closes.

use std::sync::Arc;
use std::time::Instant;

use crate::base::lock::lock;
use crate::protocol::deflate::{Deflater, Inflater};
use crate::protocol::receiver::{Limits, Mode, Receiver};
use crate::reactor::Turn;
use crate::reactor::task::Scratch;
use crate::transport::stream::Stream;
use crate::transport::tcp;

use super::connecting::Connected;
use super::controls::{Control, NO_LIMIT};
use super::ending::Closing;
use super::error::{Cause, Error, Phase};
use super::lending::Lender;
use super::link::{Commands, Link, SocketKind, Stop};
use super::sink::{Closed, Sink};
use super::staging::Staging;
use super::state::State;
use super::watch::Late;
use super::writer::GATHERING;

/// A connection reads this often before the others have their turn.
const READS_PER_TURN: usize = 4;
/// The end of the event loop's turn writes this often while more comes.
const WRITES_PER_TURN: usize = 16;
/// And so often it looks at what waits to be deflated or is lent by the application.
const STAGES_PER_TURN: usize = 8;

/// What a turn came to.
#[derive(Debug)]
pub enum Outcome {
    Wait(Option<Instant>),
    Again,
    /// To be told; `lingers`: the connection needs further turns to leave in good order.
    Closed {
        closed: Closed,
        lingers: bool,
    },
    Finished,
}

pub struct Open {
    pub(super) stream: Stream,
    pub(super) receiver: Receiver,
    /// Bytes that have been read, but not taken: they came behind the 101, or a turn had done enough
    /// before them. There is one byte behind them.
    pub(super) unread: Vec<u8>,
    pub(super) unread_at: usize,
    pub(super) inflates: bool,
    /// Its bytes go to whoever reads, not to the sink.
    pub(super) is_stream: bool,
    /// The socket may hold more: there was no `Blocked` since the last edge.
    pub(super) may_read: bool,
    /// A short read means that the system has no more.
    pub(super) trusts_short_reads: bool,
    pub(super) has_hung_up: bool,
    /// There is more, but the application has to take what it has first.
    pub(super) is_paused: bool,
    /// So much must arrive before the system tells; 0: any byte does.
    pub(super) low_water: usize,
    /// How often in a row it was woken from a short rest, and until when it does not rest again.
    pub(super) woken_soon: u8,
    pub(super) stays_until: Option<Instant>,
    /// All bytes that have been read.
    pub(super) bytes_received: u64,
    /// What is known of a peer that is late.
    pub(super) late: Option<Late>,
    /// When the last bytes came, while that matters.
    pub(super) heard_at: Instant,
    pub(super) closing: Closing,
    pub(super) lender: Lender,
}

impl Open {
    pub fn new(connected: Connected, link: &Link, now: Instant) -> Open {
        let Connected { stream, leftover: mut unread, compression, is_drained } = connected;
        if !unread.is_empty() {
            unread.push(0);
        }
        lock(&link.information).settle();
        {
            let mut outgoing = lock(&link.outgoing);
            let deflater = compression
                .filter(Deflater::can_deflate)
                .map(|agreed| Deflater::new(&agreed, Arc::clone(&link.runtime.spares)));
            if link.kind == SocketKind::Stream || deflater.is_some() {
                outgoing.staging = Some(Box::new(Staging::new(deflater)));
            }
            outgoing.socket = Some(stream.output().clone());
        }
        let inflater =
            compression.map(|agreed| Inflater::new(&agreed, Arc::clone(&link.runtime.spares)));
        let bytes_received = unread.len().saturating_sub(1) as u64;
        let fresh = Open::over(stream, inflater, link, now);
        Open { bytes_received, unread, trusts_short_reads: is_drained, ..fresh }
    }

    /// Nothing has been read, or everything that has been is taken.
    pub(super) fn over(
        stream: Stream,
        inflater: Option<Inflater>,
        link: &Link,
        heard_at: Instant,
    ) -> Open {
        let is_stream = link.kind == SocketKind::Stream;
        let mode = match link.controls.integer(Control::ReceiveMode) {
            _ if is_stream => Mode::Stream,
            0 => Mode::FullMessage,
            _ => Mode::PartialMessage,
        };
        let limits = match (mode, link.controls.integer(Control::MaxMessageSize)) {
            (Mode::FullMessage, limit) => Limits {
                max_message_size: if limit == NO_LIMIT { u64::MAX } else { limit },
                max_fragments: link.controls.integer(Control::MaxFragments) as u32,
            },
            _ => Limits { max_message_size: u64::MAX, max_fragments: u32::MAX },
        };
        Open {
            stream,
            inflates: inflater.is_some(),
            is_stream,
            receiver: Receiver::new(mode, limits, inflater),
            bytes_received: 0,
            unread: Vec::new(),
            unread_at: 0,
            low_water: 0,
            woken_soon: 0,
            stays_until: None,
            is_paused: false,
            late: None,
            may_read: false,
            trusts_short_reads: false,
            has_hung_up: false,
            heard_at,
            closing: Closing::No,
            lender: Lender::default(),
        }
    }

    pub fn turn(
        &mut self,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
        commands: &Commands,
    ) -> Outcome {
        if commands.stop == Stop::Connection && !self.is_lingering() {
            tcp::reset_on_drop(self.stream.tcp());
            return self.lost(Error::new(Phase::WebSocket, Cause::Aborted));
        }
        self.notice_local_close(link, turn.now);
        if turn.readable {
            self.may_read = true;
            self.stream.notice_edge();
        } else {
            self.look_in();
        }
        if turn.hung_up {
            // Behind the last bytes there is an end to be read, and no further edge for it.
            self.has_hung_up = true;
            self.trusts_short_reads = false;
        }
        if turn.scratch.input.is_empty() {
            *turn.scratch = Scratch::default(); // a panic has lost it
        }
        if self.inflates {
            turn.scratch.with_inflated();
        }
        if let Some(outcome) = self.end_of_loan(turn, link) {
            return outcome;
        }
        let mut wants_turn = false;
        self.receiver.refill_budget();
        self.is_paused = self.has_unread() && self.must_pause(link);
        if self.has_unread()
            && !self.is_paused
            && let Some(outcome) = self.replay(turn, link, sink)
        {
            return outcome;
        }
        for round in 0..=READS_PER_TURN {
            if self.is_stream {
                wants_turn |= self.tell_reads(link, sink);
            }
            if self.is_paused || !self.has_input() {
                break;
            }
            if self.must_pause(link) {
                self.is_paused = true;
                break;
            }
            // What is there already is enough for this turn.
            if round == READS_PER_TURN || self.has_unread() {
                wants_turn = true;
                break;
            }
            if let Some(outcome) = self.read_once(turn, link, sink) {
                return outcome;
            }
        }
        sink.end_reading();
        self.notice_local_close(link, turn.now);
        let looks_in_at = if self.has_input() { None } else { self.set_low_water(turn.now) };
        if let Some(outcome) = self.transmit(turn, link, sink) {
            return outcome;
        }
        // What callbacks queued may have left already, and a read that one of them began may have
        // ended, or want bytes that wait: then nothing else brings another turn.
        if self.is_stream {
            let is_wanted = self.is_paused && link.incoming().wanted_bytes() > 0;
            wants_turn |= link.incoming().has_finished() || is_wanted;
        }
        let gathers_until = {
            let mut outgoing = lock(&link.outgoing);
            if !outgoing.is_idle() {
                wants_turn |= outgoing.has_events() || outgoing.must_write_on();
            }
            wants_turn |= outgoing.can_stage();
            outgoing.is_gathering.then(|| turn.now + GATHERING)
        };
        // Also who is flooded looks at the clock.
        match self.watch(turn.now, link) {
            Outcome::Wait(_) if wants_turn => Outcome::Again,
            Outcome::Wait(next) => {
                let next = next.into_iter().chain(gathers_until).chain(looks_in_at).min();
                Outcome::Wait(next)
            }
            outcome => outcome,
        }
    }

    /// The socket has been freed: an empty close frame if the system takes it without waiting.
    pub fn dispose(&mut self, turn: &mut Turn<'_>, link: &Link) {
        if self.is_lingering() {
            return;
        }
        lock(&link.outgoing).outbox.close(&[]);
        tcp::hold_for_the_end(self.stream.tcp());
        let _ = self.write_out(link);
        self.leave(turn);
    }

    /// Says the last word before the descriptor goes, which is now; unread bytes are taken out first,
    /// for the system would answer them with RST and the peer might lose our last frame.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) {
        self.stream.take_leave();
        let _ = tcp::receive(self.stream.tcp(), &mut turn.scratch.input);
    }

    /// Whether there are bytes to be taken, as far as is known.
    pub(super) fn has_input(&self) -> bool {
        self.may_read || self.has_unread()
    }

    fn has_unread(&self) -> bool {
        !self.unread.is_empty() || self.receiver.has_more()
    }

    fn is_lingering(&self) -> bool {
        matches!(self.closing, Closing::Lingering { .. })
    }

    fn must_pause(&self, link: &Link) -> bool {
        if self.is_stream {
            return matches!(self.closing, Closing::No) && link.incoming().wanted_bytes() == 0;
        }
        matches!(self.closing, Closing::No)
            && link.backlog.must_pause(link.controls.integer(Control::ReceiveQueueLimit))
    }

    /// The application called close: from now on messages are dropped.
    pub(super) fn notice_local_close(&mut self, link: &Link, now: Instant) {
        if matches!(self.closing, Closing::No) && link.state.load() == State::Closing {
            self.receiver.discard_messages();
            self.closing = Closing::Sent { since: now };
        }
    }

    /// Writes what waits, and raises what has come of it.
    fn transmit(
        &mut self,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
    ) -> Option<Outcome> {
        let (mut error, has_more) = self.write_and_look(link);
        if error.is_none() && !has_more {
            return None;
        }
        for _ in 0..STAGES_PER_TURN {
            if error.is_some() || !link.stage_waiting() {
                break;
            }
            error = self.write_out(link);
        }
        let (finished, cancelled, send_ready) = match &mut *lock(&link.outgoing) {
            idle if idle.is_idle() => Default::default(),
            outgoing => (
                std::mem::take(&mut outgoing.finished),
                std::mem::take(&mut outgoing.cancelled),
                std::mem::take(&mut outgoing.send_ready_due),
            ),
        };
        if !cancelled.is_empty() {
            let error = Error::new(Phase::WebSocket, Cause::Aborted);
            for (number, cookie) in cancelled {
                sink.completed(number, cookie, Some(&error), 0);
            }
        }
        for (number, cookie, bytes) in finished {
            sink.completed(number, cookie, None, bytes);
        }
        if send_ready && link.state.load() == State::Open {
            sink.send_ready();
        }
        if let Some(error) = error {
            // The peer's last words, a close frame perhaps, may be waiting to be read.
            if self.may_read {
                self.may_read = false;
                for _ in 0..READS_PER_TURN {
                    self.may_read = true;
                    if let Some(outcome) = self.read_once(turn, link, sink) {
                        return Some(outcome);
                    }
                    if !self.may_read {
                        break;
                    }
                }
            }
            return self.failed(Error::from_system(self.phase(), &error));
        }
        // Callbacks may have queued more after the write.
        if !lock(&link.outgoing).outbox.is_empty() { self.write_more(link) } else { None }
    }

    fn write_more(&mut self, link: &Link) -> Option<Outcome> {
        let error = self.write_out(link)?;
        self.failed(Error::from_system(self.phase(), &error))
    }

    pub(super) fn write_out(&mut self, link: &Link) -> Option<std::io::Error> {
        self.write_and_look(link).0
    }

    /// The same; also whether there is more to write, or something to tell.
    fn write_and_look(&mut self, link: &Link) -> (Option<std::io::Error>, bool) {
        // Nobody else sees to ciphertext that the system did not take.
        let flushed = self.stream.flush();
        let outgoing = lock(&link.outgoing);
        if outgoing.has_nothing_to_do() {
            return (flushed.err(), false);
        }
        // Another thread sees to a flood; otherwise what comes meanwhile is written, too.
        let rounds = if outgoing.has_gathered { 1 } else { WRITES_PER_TURN };
        let mut outgoing = link.write_waiting(outgoing, self.stream.output(), rounds);
        let error = outgoing.take_error().or(flushed.err());
        let has_more = outgoing.has_events() || outgoing.can_stage() || !outgoing.outbox.is_empty();
        (error, has_more)
    }
}
