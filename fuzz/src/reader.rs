//! Drives a receiver as a session does, piece by piece and turn by turn, and holds it to what must
//! be true of every step: events in a legal order, memory within bounds, work in proportion, the
//! caller's buffer left as it was. What is told comes out joined to whole messages.

use anyws::protocol::receiver::{Event, Input, Limits, Mode, Payload, Receiver};
use anyws::protocol::{Fault, MessageKind, Part};

use crate::model::{End, Told};
use crate::{Counted, Cuts};

const CANARY: u8 = 0xa5;
/// What a receiver may hold whatever has arrived: a state of zlib's, and small things.
const HELD_ANYWAY: isize = 112 * 1024;
/// How far the buffer of a message may run ahead of it.
const AHEAD: isize = (1 << 20) + 1;
/// Frames that a receiver takes in a turn.
const BUDGET: usize = 16 * 1024;

pub struct Reader {
    pub receiver: Receiver,
    pub told: Vec<Told>,
    pub end: End,
    /// What has been told of a message that has not ended.
    pub portion: Option<(MessageKind, Vec<u8>)>,
    /// Payload may be read straight into the message's buffer.
    pub reads_directly: bool,
    /// Messages that follow one another are taken at once.
    pub takes_bursts: bool,
    /// After so many events messages are no longer wanted.
    pub discards_after: Option<usize>,
    pub is_discarding: bool,
    mode: Mode,
    max_message_size: u64,
    inflated: Vec<u8>,
    events: usize,
    fed: usize,
    turns: usize,
    /// Bytes that the receiver has allocated and not given away.
    held: isize,
}

impl Reader {
    /// `room`: of the buffer that compressed messages are inflated into, at least 1.
    pub fn new(receiver: Receiver, mode: Mode, limits: Limits, room: usize) -> Reader {
        Reader {
            receiver,
            told: Vec::new(),
            end: End::Open,
            portion: None,
            reads_directly: false,
            takes_bursts: false,
            discards_after: None,
            is_discarding: false,
            mode,
            max_message_size: limits.max_message_size,
            inflated: vec![0; room + 1],
            events: 0,
            fed: 0,
            turns: 0,
            held: 0,
        }
    }

    /// All of `wire`, in pieces. `false`: it inflates to more than `enough`, and was left there.
    pub fn read(&mut self, wire: &[u8], mut cuts: Cuts, enough: u64) -> bool {
        let mut rest = wire;
        while !rest.is_empty() {
            let count = cuts.next(rest.len());
            let taken = match self.read_directly(&rest[..count]) {
                0 => {
                    self.feed(&rest[..count]);
                    count
                }
                taken => taken,
            };
            rest = &rest[taken..];
            if self.receiver.traffic.inflated_bytes > enough {
                return false;
            }
        }
        let traffic = self.receiver.traffic;
        let told =
            |wanted: fn(&Told) -> bool| self.told.iter().filter(|one| wanted(one)).count() as u64;
        assert_eq!(traffic.pings, told(|one| matches!(one, Told::Ping(_))));
        assert_eq!(traffic.pongs, told(|one| matches!(one, Told::Pong(_))));
        assert_eq!(traffic.messages, told(|one| matches!(one, Told::Message(..))));
        assert!(traffic.frames <= self.fed as u64 / 2 + 1);
        true
    }

    /// After a fault, or the peer's close frame, nothing that still arrives is told.
    pub fn is_deaf(&mut self) {
        assert!(self.receiver.has_ended() && !self.receiver.is_inside_message());
        assert!(!self.receiver.has_more() && self.receiver.direct_target().is_none());
        let before = self.events;
        self.feed(b"\x81\x01a\x89\x00\xc1\x00\x88\x02\x03\xe8\x83");
        assert_eq!(self.events, before);
        assert!(self.held <= HELD_ANYWAY, "{} bytes are kept", self.held);
    }

    fn read_directly(&mut self, piece: &[u8]) -> usize {
        if !self.reads_directly || self.receiver.has_more() {
            return 0;
        }
        let before = Counted::bytes_in_use();
        let Some((target, count)) = self.receiver.direct_target() else { return 0 };
        let count = count.min(piece.len());
        let capacity = target.capacity();
        assert!(capacity - target.len() > count, "no room for the closing zero");
        target.extend_from_slice(&piece[..count]);
        assert_eq!(target.capacity(), capacity);
        self.fed += count;
        let event = self.receiver.direct_received(count);
        self.held += Counted::bytes_in_use() - before;
        if let Some(event) = event {
            self.take(event);
        }
        self.check_held();
        count
    }

    /// One read of the session's, over as many turns as it needs.
    fn feed(&mut self, piece: &[u8]) {
        self.fed += piece.len();
        let mut bytes = piece.to_vec();
        bytes.push(CANARY);
        let mut at = 0;
        loop {
            self.receiver.refill_budget();
            at = self.turn(&mut bytes, at);
            assert!(bytes[..piece.len()] == *piece && bytes[piece.len()] == CANARY);
            if at == piece.len() && !self.receiver.has_more() {
                return;
            }
            self.turns += 1;
            // A turn ends early only when it has done its share.
            let done = self.fed + self.receiver.traffic.inflated_bytes as usize;
            assert!(self.turns <= 2 * done / BUDGET + 1, "{} turns for {done} bytes", self.turns);
        }
    }

    fn turn(&mut self, bytes: &mut [u8], at: usize) -> usize {
        let end = bytes.len() - 1;
        let mut inflated = std::mem::take(&mut self.inflated);
        let mut input = Input { bytes, at, end, inflated: &mut inflated };
        loop {
            self.burst(&mut input);
            let before = (Counted::bytes_in_use(), input.at);
            let event = self.receiver.receive(&mut input);
            self.held += Counted::bytes_in_use() - before.0;
            let Some(event) = event else { break };
            self.take(event);
            assert!(input.at >= before.1 && input.at <= end);
            self.check_held();
        }
        self.check_held();
        let at = input.at;
        self.inflated = inflated;
        at
    }

    fn burst(&mut self, input: &mut Input<'_>) {
        let wanted = match self.discards_after {
            Some(after) if !self.is_discarding => after.saturating_sub(self.events).max(1),
            _ => usize::MAX,
        };
        let (mut messages, at, end) = (Vec::new(), input.at, input.end);
        if let Some(mut burst) = self.receiver.burst(input).filter(|_| self.takes_bursts) {
            while messages.len() < wanted
                && let Some((part, piece)) = burst.next_message()
            {
                let last = piece.len() - 1;
                let behind = std::mem::replace(&mut piece[last], 0);
                messages.push((part, piece.to_vec()));
                piece[last] = behind;
            }
        }
        assert!(input.at >= at + 2 * messages.len() && input.at <= end);
        for (part, mut piece) in messages {
            self.take(Event::Message(part, Payload::InPlace(&mut piece)));
        }
    }

    fn take(&mut self, event: Event<'_>) {
        assert_eq!(self.end, End::Open, "{event:?} after the end");
        self.events += 1;
        match event {
            Event::Message(part, Payload::InPlace(piece)) => {
                let (behind, payload) = piece.split_last_mut().expect("a byte behind the payload");
                let kept = std::mem::replace(behind, 0);
                self.message(part, payload);
                *behind = kept;
            }
            Event::Message(part, Payload::Gathered(bytes)) => {
                self.held -= bytes.capacity() as isize;
                let (zero, payload) = bytes.split_last().expect("a zero behind the payload");
                assert_eq!((*zero, self.mode), (0, Mode::FullMessage));
                self.message(part, payload);
            }
            Event::Ping(payload) | Event::Pong(payload) if payload.len() > 125 => {
                panic!("{} bytes of control payload", payload.len())
            }
            Event::Ping(payload) => self.control(Told::Ping(payload.to_vec()), payload),
            Event::Pong(payload) => self.control(Told::Pong(payload.to_vec()), payload),
            Event::Close(status) => {
                self.held -= status.reason.capacity() as isize;
                self.end = End::Closed(status);
            }
            Event::Fault(fault) => self.end = End::Fault(fault),
        }
        let is_enough = self.discards_after.is_some_and(|after| self.events >= after);
        if is_enough && !self.is_discarding && self.end == End::Open {
            self.is_discarding = true;
            let before = Counted::bytes_in_use();
            self.receiver.discard_messages();
            self.held += Counted::bytes_in_use() - before;
        }
    }

    fn control(&mut self, told: Told, payload: std::borrow::Cow<'_, [u8]>) {
        if let std::borrow::Cow::Owned(bytes) = &payload {
            self.held -= bytes.capacity() as isize;
        }
        self.told.push(told);
    }

    fn message(&mut self, part: Part, payload: &[u8]) {
        assert!(!self.is_discarding, "a message that nobody wants");
        let (kind, whole) = self.portion.get_or_insert((part.kind, Vec::new()));
        assert_eq!(*kind, part.kind, "a message changes its kind");
        assert!(part.is_complete || !payload.is_empty(), "a portion of nothing");
        assert!(part.is_complete || self.mode != Mode::FullMessage, "not all of a message");
        assert!(self.mode != Mode::FullMessage || payload.len() as u64 <= self.max_message_size);
        whole.extend_from_slice(payload);
        if part.is_complete
            && let Some((kind, whole)) = self.portion.take()
        {
            self.told.push(Told::Message(kind, whole));
        }
    }

    fn check_held(&self) {
        // What is inflated is never kept beyond the limit, what has arrived is there anyway.
        let inflated = self.receiver.traffic.inflated_bytes.min(self.max_message_size);
        let limit = match self.mode {
            Mode::FullMessage => HELD_ANYWAY + AHEAD + 2 * (self.fed as isize + inflated as isize),
            _ => HELD_ANYWAY,
        };
        assert!(self.held <= limit, "{} bytes are held, {limit} at most", self.held);
    }
}

/// Faults of a compressed message: which one depends on where one looks first.
pub fn is_rot(end: &End) -> bool {
    let faults = [Fault::NotInflatable, Fault::TextNotUtf8, Fault::MessageTooBig];
    *end == End::Rotten || faults.iter().any(|fault| *end == End::Fault(*fault))
}
