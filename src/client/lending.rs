//! A thread that waits in a read of a stream socket reads for itself: of a plain connection, in the
//! middle of large frames, the session lends it the receiving half, and hears no more of what
//! arrives. The thread takes payload and the headers between it; whatever else comes, or does not
//! come for a moment, is the session's again. Each turn of the session takes back what is lent, so
//! that nobody else need know of it, and lends it again while it is used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use crate::base::lock::lock;
use crate::protocol::frame;
use crate::protocol::receiver::{Event, Input, Limits, Mode, Receiver};
use crate::reactor::Turn;
use crate::transport::stream::{Read, StreamFault, as_read};
use crate::transport::{system, tcp};

use super::connecting::stream_error;
use super::ending::Closing;
use super::error::Phase;
use super::incoming::Reading;
use super::link::Link;
use super::open::{Open, Outcome};
use super::reading::{HEADER_READ_BYTES, LARGE_FRAME_BYTES};
use super::state::State;

/// The thread waits so long for more before it leaves that to the session.
const PATIENCE: Duration = Duration::from_millis(1);
/// To lend costs some calls on both sides, and waiting some more: only a flood is worth it, which
/// brings so much in that time.
const FLOOD_BYTES: u64 = 128 * 1024;
/// The session looks so often whether what it lent is used: both sides stop for that.
const LOOK_IN: Duration = Duration::from_millis(10);
const LOOK_IN_BYTES: u64 = 10 * FLOOD_BYTES;
/// One call of the system: whoever wants it back need not wait longer than for this.
const MOST_BYTES: usize = 1 << 20;
/// So much of what is still wanted must have arrived before the thread is woken for it.
const LOW_WATER_BYTES: usize = 512 * 1024;

/// The right to receive, and what goes with it.
#[derive(Debug)]
pub struct Loan {
    tcp: Arc<TcpStream>,
    receiver: Receiver,
    bytes_received: u64,
    heard_at: Instant,
    /// The session must go on.
    is_over: bool,
    /// What has been read and is not payload.
    unread: Vec<u8>,
    /// How the connection has ended.
    end: Option<Result<(), StreamFault>>,
    /// What the system was told to wait for.
    low_water: usize,
}

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There may be more at once.
    Bytes,
    /// That was all for now.
    Last,
    /// There was nothing.
    Nothing,
}

impl Step {
    fn of(got: usize, wanted: usize) -> Step {
        match got {
            0 => Step::Nothing,
            _ if got < wanted => Step::Last,
            _ => Step::Bytes,
        }
    }
}

impl Loan {
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Nobody will use it for now.
    pub fn give_up(&mut self) {
        self.is_over = true;
    }

    /// Reads once; `surplus` gets what there is no room for.
    fn read(&mut self, reading: &mut Reading, surplus: &mut Vec<u8>) -> Step {
        let Some(left) = self.receiver.direct_left() else {
            return self.read_headers(reading, surplus);
        };
        let room = reading.room();
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(room.len()).min(MOST_BYTES);
        let got = self.receive(room.get_mut(..count).unwrap_or_default());
        reading.advance(got);
        self.receiver.direct_taken(got);
        Step::of(got, count)
    }

    /// Between frames: reads little more than the next header.
    fn read_headers(&mut self, reading: &mut Reading, surplus: &mut Vec<u8>) -> Step {
        let mut bytes = [0; HEADER_READ_BYTES + 1];
        let end = self.receive(bytes.get_mut(..HEADER_READ_BYTES).unwrap_or_default());
        let mut at = 0;
        while at < end {
            let unread = bytes.get(at..end).unwrap_or_default();
            let header = frame::decode(unread, false).ok().flatten();
            let Some(header) = header.filter(|header| self.receiver.expects(header)) else {
                self.unread = unread.to_vec();
                self.is_over = true;
                break;
            };
            // Frames that are not large come faster by many at once.
            self.is_over |= header.payload_len < LARGE_FRAME_BYTES;
            let len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
            let behind = at.saturating_add(header.header_len).saturating_add(len).min(end);
            self.receiver.refill_budget();
            let mut input = Input { bytes: &mut bytes, at, end: behind, inflated: &mut [] };
            while let Some(Event::Message(_, payload)) = self.receiver.receive(&mut input) {
                let taken = reading.take(payload.bytes());
                surplus.extend_from_slice(payload.bytes().get(taken..).unwrap_or_default());
            }
            at = behind;
        }
        Step::of(end, HEADER_READ_BYTES)
    }

    /// The thread is about to wait: for what ends the read, or for much of it.
    fn set_low_water(&mut self, reading: &mut Reading) {
        let left = self.receiver.direct_left().and_then(|left| usize::try_from(left).ok());
        let left = left.filter(|_| reading.must_be_filled()).unwrap_or(1);
        let wanted = left.min(reading.room().len()).clamp(1, LOW_WATER_BYTES);
        if wanted != self.low_water && system::set_low_water(&self.tcp, wanted) {
            self.low_water = wanted;
        }
    }

    fn receive(&mut self, target: &mut [u8]) -> usize {
        match as_read(tcp::receive(&self.tcp, target)) {
            Ok(Read::Bytes(count)) => {
                self.bytes_received += count as u64;
                self.heard_at = crate::reactor::now();
                return count;
            }
            Ok(Read::Blocked) => {}
            Ok(Read::End) => self.end = Some(Ok(())),
            Err(fault) => self.end = Some(Err(fault)),
        }
        self.is_over |= self.end.is_some();
        0
    }
}

impl Link {
    /// Goes on with the read that this thread waits for, as long as it may and bytes come.
    pub(super) fn read_on_loan(&self, deadline: Option<Instant>) {
        let mut has_waited = false;
        while let Some((mut reading, mut loan)) = self.incoming().borrow_loan() {
            let mut surplus = Vec::new();
            let step = loan.read(&mut reading, &mut surplus);
            if step != Step::Bytes {
                loan.set_low_water(&mut reading);
            }
            self.store_received(&loan.receiver.traffic, loan.bytes_received);
            let is_over = loan.is_over;
            let socket = system::Readiness::of(&loan.tcp);
            let returned = self.incoming().return_loan(reading, loan, &surplus);
            if returned.needs_session {
                self.kick();
            }
            if is_over || !returned.is_waiting {
                return;
            }
            if step == Step::Bytes {
                has_waited = false;
                continue;
            }
            // Less than was waited for is not nothing.
            if step == Step::Nothing && has_waited {
                if self.incoming().give_up_loan() {
                    self.kick();
                }
                return;
            }
            let left = deadline.map(|it| it.saturating_duration_since(crate::reactor::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            has_waited = !socket.comes_within(left.map_or(PATIENCE, |left| left.min(PATIENCE)));
        }
    }
}

/// What a session knows of its lending.
#[derive(Debug, Default)]
pub(super) struct Lender {
    /// The receiving half is away.
    is_lent: bool,
    /// At the end of this turn it is to be lent, or lent again.
    is_wanted: bool,
    /// Nothing is heard of what arrives.
    is_deaf: bool,
    /// What happened while the turn had to wait.
    has_missed: Missed,
    end: Option<Result<(), StreamFault>>,
    /// When the flood was last judged, and how much had been received by then.
    judged: Option<(Instant, u64)>,
}

#[derive(Debug, Default)]
struct Missed {
    readable: bool,
    writable: bool,
    hung_up: bool,
}

impl Lender {
    pub(super) fn is_idle(&self) -> bool {
        !self.is_lent && !self.is_deaf
    }

    /// Whether it goes on, now that so much has been received; judged once in a while.
    fn flood_goes_on(&mut self, received: u64, now: Instant) -> bool {
        let (at, before) = *self.judged.get_or_insert((now, received));
        if now.saturating_duration_since(at) < LOOK_IN {
            return true;
        }
        self.judged = Some((now, received));
        received - before >= LOOK_IN_BYTES
    }

    /// Whether there is one: much has just come, and the socket is about to be read again.
    fn flood_has_begun(&mut self, received: u64, now: Instant) -> bool {
        match self.judged {
            Some((at, before)) if now.saturating_duration_since(at) < PATIENCE => {
                received - before >= FLOOD_BYTES
            }
            _ => {
                self.judged = Some((now, received));
                false
            }
        }
    }
}

impl Open {
    /// Whether a thread waits in `reading` that can take what comes.
    pub(super) fn can_lend(
        &mut self,
        reading: &Reading,
        left: u64,
        now: Instant,
        link: &Link,
    ) -> bool {
        system::Readiness::IS_KNOWN
            && reading.is_waited_for()
            && left >= LARGE_FRAME_BYTES
            && !self.stream.is_secure()
            && !self.inflates
            && self.lender.flood_has_begun(self.bytes_received, now)
            && self.is_undisturbed(link)
    }

    /// Whether nothing but payload is to be expected for now.
    fn is_undisturbed(&self, link: &Link) -> bool {
        matches!(self.closing, Closing::No)
            && link.state.load() == State::Open
            && self.late.is_none()
            && !self.has_hung_up
            && lock(&link.outgoing).stalled_since.is_none()
    }

    /// It is lent when the turn has come to its end.
    pub(super) fn lend_later(&mut self) {
        self.lender.is_wanted = true;
        self.may_read = false;
    }

    /// What is lent comes back before anything else. `false`: it is just used, and who uses it asks
    /// for another turn; this one must not go on.
    pub(super) fn take_back_loan(&mut self, turn: &mut Turn<'_>, link: &Link) -> bool {
        if !self.lender.is_lent {
            return true;
        }
        let missed = &mut self.lender.has_missed;
        missed.readable |= turn.readable;
        missed.writable |= turn.writable;
        missed.hung_up |= turn.hung_up;
        let Some(loan) = link.incoming().recall_loan() else { return false };
        let Missed { readable, writable, hung_up } = std::mem::take(missed);
        (turn.readable, turn.writable, turn.hung_up) = (readable, writable, hung_up);
        self.lender.is_lent = false;
        let Loan { tcp, receiver, bytes_received, heard_at, is_over, unread, end, low_water } =
            *loan;
        if low_water > 1 {
            system::set_low_water(&tcp, 1);
        }
        self.lender.is_wanted = !is_over && self.lender.flood_goes_on(bytes_received, turn.now);
        self.receiver = receiver;
        self.bytes_received = bytes_received;
        self.heard_at = heard_at;
        self.lender.end = end;
        if !unread.is_empty() {
            self.unread = unread;
            self.unread.push(0);
            self.unread_at = 0;
        }
        true
    }

    /// What the thread that read has met at the end of the connection.
    pub(super) fn end_of_loan(&mut self, turn: &mut Turn<'_>, link: &Link) -> Option<Outcome> {
        match self.lender.end.take()? {
            Ok(()) => self.ended(turn, link),
            Err(fault) => self.failed(stream_error(Phase::WebSocket, fault)),
        }
    }

    /// At the end of a turn: lends, if that is wanted, and says when to look again.
    pub(super) fn lend(&mut self, turn: &Turn<'_>, link: &Link) -> Option<Instant> {
        let is_wanted = std::mem::take(&mut self.lender.is_wanted);
        if !is_wanted && !self.lender.is_deaf {
            return None;
        }
        let is_lent = is_wanted
            && !self.has_input()
            && self.receiver.may_be_lent()
            && self.is_undisturbed(link);
        let was_deaf = self.lender.is_deaf;
        if was_deaf != is_lent && turn.listen(&**self.stream.tcp(), was_deaf).is_ok() {
            self.lender.is_deaf = is_lent;
        }
        if !is_lent || !self.lender.is_deaf {
            // There is an edge for who listens again, and none for who has not stopped.
            self.may_read |= !was_deaf || self.lender.is_deaf;
            return self.may_read.then_some(turn.now);
        }
        let limits = Limits { max_message_size: u64::MAX, max_fragments: u32::MAX };
        let nobody = Receiver::new(Mode::Stream, limits, None);
        self.lender.is_lent = true;
        link.incoming().lend(Box::new(Loan {
            tcp: Arc::clone(self.stream.tcp()),
            receiver: std::mem::replace(&mut self.receiver, nobody),
            bytes_received: self.bytes_received,
            heard_at: self.heard_at,
            is_over: false,
            unread: Vec::new(),
            end: None,
            low_water: 1,
        }));
        turn.now.checked_add(LOOK_IN)
    }
}
