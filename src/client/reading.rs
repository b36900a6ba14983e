//! What arrives on an open connection: bytes become events, and those go to the application or are
//! answered. A message socket's go to its sink, a stream socket's to whoever reads.

use std::ops::Range;

use crate::base::lock::lock;
use crate::protocol::frame::MAX_HEADER_BYTES;
use crate::protocol::receiver::{Event, Input, Payload};
use crate::reactor::Turn;
use crate::reactor::spare::Spare;
use crate::transport::stream::Read;

use super::connecting::stream_error;
use super::error::Phase;
use super::inbox::End;
use super::incoming::Reading;
use super::link::Link;
use super::open::{Open, Outcome};
use super::sink::{Sink, Wish};
use super::state::State;

/// epoll makes a new edge for every arrival; elsewhere one reads until the system would block.
const SHORT_READS_TELL: bool = cfg!(any(target_os = "linux", target_os = "android"));
/// A stream in large frames is read up to little more than the next header, so that the payload
/// goes straight to the application.
pub(super) const LARGE_FRAME_BYTES: u64 = 64 * 1024;
pub(super) const HEADER_READ_BYTES: usize = 1024;
/// And of what may be compressed.
const COMPRESSED_READ_BYTES: usize = 16 * 1024;
/// Fragments are copied behind each other: both should stay in the cache meanwhile.
const FRAGMENTS_READ_BYTES: usize = 64 * 1024;
/// Reads that end in one turn, and whose ends begin others.
const ENDS_PER_TURN: usize = 64;

impl Open {
    pub(super) fn read_once(
        &mut self,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
    ) -> Option<Outcome> {
        let trusts = self.trusts_short_reads;
        if let Some((target, count)) = self.receiver.direct_target() {
            let ciphertext = &mut turn.scratch.ciphertext;
            let read = self.stream.read_into(target, count, ciphertext, trusts);
            return match read {
                Ok(Read::Bytes(got)) => {
                    self.may_read = got == count || !trusts || !self.stream.is_drained();
                    self.heard_at = turn.now;
                    self.bytes_received += got as u64;
                    let event = self.receiver.direct_received(got)?;
                    self.deliver_one(event, turn, link, sink)
                }
                Ok(Read::Blocked) => self.blocked(),
                Ok(Read::End) => self.ended(turn, link),
                Err(fault) => self.failed(stream_error(Phase::WebSocket, fault)),
            };
        }
        if self.is_stream
            && let Some(left) = self.receiver.direct_left()
            && let Some(reading) = link.incoming().borrow()
        {
            if self.can_lend(&reading, left, turn.now, link) {
                link.incoming().give_back(reading);
                self.lend_later();
                return None;
            }
            return self.read_into_application(reading, left, turn, link);
        }
        let room = self.room_for_reading(turn.scratch.input.len() - 1, link);
        let buffer = turn.scratch.input.get_mut(..room).unwrap_or_default();
        match self.stream.read(buffer, &mut turn.scratch.ciphertext, trusts) {
            Ok(Read::Bytes(end)) => {
                // A short read of a plain socket has emptied it: the next byte makes a new edge.
                self.may_read = end == room || !trusts || !self.stream.is_drained();
                self.heard_at = turn.now;
                self.bytes_received += end as u64;
                let mut bytes = std::mem::take(&mut turn.scratch.input);
                let (outcome, at) = self.deliver(&mut bytes, 0..end, turn, link, sink);
                let was_small = room == HEADER_READ_BYTES && !self.receiver.is_inside_message();
                if was_small && !self.is_stream {
                    self.receiver.forget_frame_len(); // it was another kind of message
                }
                if at < end {
                    // The spare byte, which is whatever it is, comes along.
                    self.unread = bytes.get(at..=end).unwrap_or_default().to_vec();
                    self.unread_at = 0;
                }
                turn.scratch.input = bytes;
                outcome
            }
            Ok(Read::Blocked) => self.blocked(),
            Ok(Read::End) => self.ended(turn, link),
            Err(fault) => self.failed(stream_error(Phase::WebSocket, fault)),
        }
    }

    fn blocked(&mut self) -> Option<Outcome> {
        self.may_read = false;
        self.trusts_short_reads = SHORT_READS_TELL && !self.has_hung_up;
        None
    }

    /// Goes on with what has been read, but not taken.
    pub(super) fn replay(
        &mut self,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
    ) -> Option<Outcome> {
        let mut bytes = std::mem::take(&mut self.unread).into_boxed_slice();
        let range = std::mem::take(&mut self.unread_at)..bytes.len().saturating_sub(1);
        let end = range.end;
        if bytes.is_empty() {
            bytes = Box::new([0]);
        }
        let (outcome, at) = self.deliver(&mut bytes, range, turn, link, sink);
        if at < end {
            self.unread = bytes.into_vec();
            self.unread_at = at;
        }
        outcome
    }

    /// Everything that `bytes[range]` hold, or as much as a turn may do; also says how far it came.
    fn deliver(
        &mut self,
        bytes: &mut Box<[u8]>,
        range: Range<usize>,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
    ) -> (Option<Outcome>, usize) {
        let mut inflated = std::mem::take(&mut turn.scratch.inflated);
        self.receiver.lent = turn.scratch.spare.take();
        let mut was_used = false;
        let end = range.end;
        let mut input = Input { bytes, at: range.start, end, inflated: &mut inflated };
        let is_stream = self.is_stream;
        let mut wanted = is_stream || sink.begin_messages();
        let outcome = loop {
            if wanted && !is_stream {
                let burst = self.receiver.burst(&mut input);
                let wish = burst.map_or(Wish::More, |burst| sink.burst(burst));
                if let Wish::Buffer(stretch) = wish {
                    let at = input.at;
                    sink.exchange(bytes, stretch, at..=end);
                    input = Input { bytes, at, end, inflated: &mut inflated };
                }
                if wish == Wish::Nothing {
                    self.receiver.end();
                } else if link.state.load() != State::Open {
                    self.notice_local_close(link, turn.now);
                }
            }
            let Some(event) = self.receiver.receive(&mut input) else { break None };
            match event {
                Event::Message(_, payload) if is_stream => {
                    link.incoming().arrived(payload.bytes());
                    if link.incoming().wanted_bytes() == 0 {
                        self.receiver.spend_budget(); // the rest waits where it is
                    }
                }
                Event::Message(part, mut payload) => {
                    if !wanted || !sink.message(part, &mut payload) {
                        self.receiver.end();
                    } else if link.state.load() != State::Open {
                        self.notice_local_close(link, turn.now);
                    }
                    if let Payload::Gathered(bytes) = payload
                        && Spare::is_worth_it(&bytes)
                    {
                        self.receiver.lent = bytes;
                        was_used = true;
                    }
                }
                other => {
                    // It may have a callback of its own.
                    sink.end_messages(wanted && !is_stream);
                    let outcome = self.control(other, turn, link, sink);
                    wanted = is_stream || sink.begin_messages();
                    if outcome.is_some() {
                        break outcome;
                    }
                }
            }
        };
        let at = input.at;
        sink.end_messages(wanted && !is_stream);
        turn.scratch.inflated = inflated;
        let lent = std::mem::take(&mut self.receiver.lent);
        match was_used {
            true => turn.scratch.spare.keep(lent, turn.now),
            false => turn.scratch.spare.give_back(lent),
        }
        (outcome, at)
    }

    fn deliver_one(
        &mut self,
        event: Event<'_>,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
    ) -> Option<Outcome> {
        match event {
            Event::Message(part, mut payload) => {
                let wanted = sink.begin_messages();
                if !wanted || !sink.message(part, &mut payload) {
                    self.receiver.end();
                }
                sink.end_messages(wanted);
                if let Payload::Gathered(bytes) = payload {
                    turn.scratch.spare.keep(bytes, turn.now);
                }
                self.notice_local_close(link, turn.now);
                None
            }
            other => self.control(other, turn, link, sink),
        }
    }

    fn control(
        &mut self,
        event: Event<'_>,
        turn: &mut Turn<'_>,
        link: &Link,
        sink: &mut dyn Sink,
    ) -> Option<Outcome> {
        match event {
            Event::Message(..) => None,
            Event::Ping(payload) => {
                let mut outgoing = lock(&link.outgoing);
                let is_stalled = outgoing.stalled_since.is_some();
                outgoing.outbox.pong(&payload, is_stalled);
                None
            }
            Event::Pong(payload) => {
                let round_trip = {
                    let mut outgoing = lock(&link.outgoing);
                    let expects = outgoing.heartbeat().is_some();
                    expects.then(|| outgoing.heartbeat_mut().received(&payload, turn.now))
                };
                if let Some(round_trip) = round_trip.flatten() {
                    link.answered(round_trip);
                    sink.pong(round_trip);
                }
                None
            }
            Event::Close(status) => {
                self.peer_closed(status, link, turn.now);
                if self.is_stream {
                    link.incoming().end(End::Clean);
                }
                None
            }
            Event::Fault(fault) => Some(self.violated(fault, turn.now, link)),
        }
    }

    /// A read of a stream socket waits, and payload comes: the system writes where it belongs.
    fn read_into_application(
        &mut self,
        mut reading: Reading,
        left: u64,
        turn: &mut Turn<'_>,
        link: &Link,
    ) -> Option<Outcome> {
        let room = reading.room();
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(room.len());
        let target = room.get_mut(..count).unwrap_or_default();
        let ciphertext = &mut turn.scratch.ciphertext;
        let read = self.stream.read(target, ciphertext, self.trusts_short_reads);
        if let Ok(Read::Bytes(got)) = read {
            reading.advance(got);
            self.may_read = got == count || !self.trusts_short_reads || !self.stream.is_drained();
            self.heard_at = turn.now;
            self.bytes_received += got as u64;
            self.receiver.direct_taken(got);
        }
        link.incoming().give_back(reading);
        match read {
            Ok(Read::Bytes(_)) => None,
            Ok(Read::Blocked) => self.blocked(),
            Ok(Read::End) => self.ended(turn, link),
            Err(fault) => self.failed(stream_error(Phase::WebSocket, fault)),
        }
    }

    /// How much to read at once.
    fn room_for_reading(&self, room: usize, link: &Link) -> usize {
        if !self.is_stream {
            // The rest of a message that does not lie whole in the buffer goes straight to its own.
            let is_large = self.receiver.last_frame_len() > room as u64;
            let goes_directly = self.receiver.gathers() && !self.stream.is_secure();
            return if is_large && goes_directly && self.receiver.is_at_header() {
                HEADER_READ_BYTES
            } else if self.receiver.has_fragments_to_come() {
                room.min(FRAGMENTS_READ_BYTES)
            } else {
                room
            };
        }
        let mut wanted = link.incoming().wanted_bytes();
        if self.inflates {
            // A turn inflates only so much, and what is left over must be kept.
            wanted = wanted.min(COMPRESSED_READ_BYTES);
        }
        let is_large = self.receiver.last_frame_len() >= LARGE_FRAME_BYTES;
        match is_large && wanted as u64 > LARGE_FRAME_BYTES && self.receiver.is_at_header() {
            true => HEADER_READ_BYTES,
            false => room.min(wanted).max(MAX_HEADER_BYTES),
        }
    }

    /// Tells of reads that have ended. `true`: there are more.
    pub(super) fn tell_reads(&self, link: &Link, sink: &mut dyn Sink) -> bool {
        for _ in 0..ENDS_PER_TURN {
            if !link.incoming().has_finished() {
                return false;
            }
            link.tell_reads(sink);
        }
        true
    }
}

// A header that is cut by the end of a read is kept aside, so a read must be able to hold one.
const _: () = assert!(crate::reactor::task::INPUT_BYTES > MAX_HEADER_BYTES);
