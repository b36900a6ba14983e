//! What a link knows of sending. Of a connection that sends nothing at the moment that is little: the
//! rest, `Busy`, is made when something is to be sent and given up when all of it has left, so that
//! thousands of idle connections do without. What is done with it is the writer's.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use crate::base::random::MaskKeys;
use crate::protocol::heartbeat::Heartbeat;
use crate::protocol::outbox::Outbox;
use crate::reactor::Recent;
use crate::transport::stream::Output;

use super::runtime;
use super::sink::{Completion, Cookie};
use super::staging::Staging;
use super::statistics::{Account, Direction};
use super::writer::{FLUSH_BYTES, Fragmented};

#[derive(Debug, Default)]
pub struct Outgoing {
    busy: Option<Box<Busy>>,
    /// Everything that had been sent when it was given up.
    account: Account,
    unusual: Option<Box<Unusual>>,
    /// Where not everything goes to the outbox at once.
    pub staging: Option<Box<Staging>>,
    pub next_operation: u32,
    /// When a thread other than the session's last wrote.
    pub last_write: Recent,
    /// The way out of an open connection: any thread may write to it.
    pub socket: Option<Output>,
}

/// What only some connections have.
#[derive(Debug, Default)]
struct Unusual {
    /// Pings, once there are any.
    heartbeat: Option<Heartbeat>,
    /// What the account has no room for.
    sent: Option<Direction>,
}

/// What only a connection has that sends.
#[derive(Debug)]
pub struct Busy {
    pub outbox: Outbox<Completion>,
    /// All bytes that the system, or TLS, has taken.
    pub bytes_sent: u64,
    /// A write of a stream socket is under way.
    pub is_writing: bool,
    /// A data writer that owned the output was freed: only control frames are accepted.
    pub is_output_closed: bool,
    pub fragmented: Option<Fragmented>,
    /// Operations that have left and whose events are due.
    pub finished: Vec<(u64, Cookie, u64)>,
    /// Operations that were taken out again, likewise.
    pub cancelled: Vec<(u64, Cookie)>,
    /// `ws_send` was refused, and *send ready* is owed.
    pub owes_send_ready: bool,
    pub send_ready_due: bool,
    /// Threads that wait for room.
    pub waiters: usize,
    pub error: Option<io::Error>,
    /// Since when bytes wait and none has left.
    pub stalled_since: Option<Instant>,
    /// So much waiting is written without waiting for the end of a burst.
    pub flush_at: u64,
    /// How often something was, in the session's turn.
    pub early_writes: u32,
    /// The session leaves a flood from another thread to that thread, and looks in again soon.
    pub is_gathering: bool,
    /// That thread has written since.
    pub has_gathered: bool,
    /// Asked of the writer: the system may take more than it just said. Once it is done it means
    /// nothing.
    pub try_again: bool,
    /// The session rests, and somebody was still at work here.
    is_left_over: bool,
}

/// What to see where there is none: nothing waits, nobody writes.
static IDLE: LazyLock<Busy> = LazyLock::new(|| Busy::new(Direction::default()));

impl Outgoing {
    /// Whether there is nothing to write and nothing to tell.
    pub fn is_idle(&self) -> bool {
        self.busy.is_none()
    }

    /// Whether a turn can leave it alone.
    pub fn has_nothing_to_do(&self) -> bool {
        self.is_idle() && self.staging.is_none()
    }

    /// Gives up what an idle connection does without, if it is one.
    pub fn rest(&mut self) {
        let Some(busy) = &mut self.busy else { return };
        if busy.is_at_rest() {
            let sent = busy.sent();
            match Account::of(sent) {
                Some(account) => self.account = account,
                None => self.unusual.get_or_insert_default().sent = Some(sent),
            }
            self.busy = None;
        } else {
            busy.is_left_over = true;
        }
    }

    /// A writer is done. What the session had to leave with it, the writer gives up.
    pub fn rest_behind_writer(&mut self) {
        if self.is_left_over && !self.outbox.has_writer() {
            self.rest();
        }
    }

    /// The rest, where it has been made.
    #[inline]
    pub fn busy(&mut self) -> Option<&mut Busy> {
        self.busy.as_deref_mut()
    }

    pub fn take_error(&mut self) -> Option<io::Error> {
        self.busy.as_mut()?.error.take()
    }

    /// Everything that has been sent: bytes that the system has taken, messages that were queued.
    pub fn sent(&self) -> Direction {
        match &self.busy {
            Some(busy) => busy.sent(),
            None => sent_before(&self.account, &self.unusual),
        }
    }

    /// The heartbeat, if there is anything to know of it.
    pub fn heartbeat(&self) -> Option<&Heartbeat> {
        self.unusual.as_ref()?.heartbeat.as_ref()
    }

    /// The same where there will be: its intervals count from the first time on.
    pub fn heartbeat_mut(&mut self) -> &mut Heartbeat {
        self.unusual.get_or_insert_default().heartbeat.get_or_insert_with(|| {
            let mut heartbeat = Heartbeat::default();
            heartbeat.begin(crate::reactor::now());
            heartbeat
        })
    }
}

fn sent_before(account: &Account, unusual: &Option<Box<Unusual>>) -> Direction {
    let unusual = unusual.as_ref().and_then(|unusual| unusual.sent);
    unusual.unwrap_or_else(|| account.sent())
}

impl Deref for Outgoing {
    type Target = Busy;

    #[inline]
    fn deref(&self) -> &Busy {
        match &self.busy {
            Some(busy) => busy,
            None => &IDLE,
        }
    }
}

impl DerefMut for Outgoing {
    #[inline]
    fn deref_mut(&mut self) -> &mut Busy {
        let Outgoing { busy, account, unusual, .. } = self;
        busy.get_or_insert_with(|| Box::new(Busy::new(sent_before(account, unusual))))
    }
}

impl Busy {
    fn new(sent: Direction) -> Busy {
        let mut outbox = Outbox::new(Arc::clone(runtime::chunks()), MaskKeys::System);
        *outbox.traffic_mut() = sent.traffic;
        Busy {
            outbox,
            bytes_sent: sent.bytes,
            is_writing: false,
            is_output_closed: false,
            fragmented: None,
            finished: Vec::new(),
            cancelled: Vec::new(),
            owes_send_ready: false,
            send_ready_due: false,
            waiters: 0,
            error: None,
            stalled_since: None,
            flush_at: FLUSH_BYTES,
            early_writes: 0,
            is_gathering: false,
            has_gathered: false,
            try_again: false,
            is_left_over: false,
        }
    }

    fn sent(&self) -> Direction {
        Direction { bytes: self.bytes_sent, traffic: self.outbox.traffic() }
    }

    /// Whether a new one would do as well.
    fn is_at_rest(&self) -> bool {
        let has_events = !self.finished.is_empty() || !self.cancelled.is_empty();
        let is_in_the_midst = self.is_writing
            || self.is_output_closed
            || self.is_gathering
            || self.has_gathered
            || self.fragmented.is_some();
        let owes = self.owes_send_ready || self.send_ready_due || self.waiters > 0;
        let has_failed = self.error.is_some() || self.stalled_since.is_some();
        self.outbox.is_at_rest() && !(has_events || is_in_the_midst || owes || has_failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::MessageKind;
    use crate::protocol::traffic::Traffic;

    #[test]
    fn an_idle_connection_keeps_its_account_and_nothing_else() {
        let mut outgoing = Outgoing::default();
        assert!(outgoing.is_idle() && outgoing.outbox.is_empty() && !outgoing.has_ended());
        assert!(outgoing.is_idle(), "looking does not change it");
        outgoing.outbox.message(MessageKind::Binary, b"three");
        outgoing.rest();
        assert!(!outgoing.is_idle(), "something waits");
        let chunks = outgoing.outbox.begin_writing().unwrap();
        outgoing.rest();
        assert!(!outgoing.is_idle(), "somebody writes");
        let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        outgoing.rest_behind_writer();
        assert!(!outgoing.is_idle(), "somebody still writes");
        outgoing.try_again = true;
        outgoing.outbox.finish_writing(Default::default(), bytes, |_| {});
        outgoing.rest_behind_writer();
        assert!(outgoing.is_idle());
        let sent = Traffic { frames: 1, messages: 1, payload_bytes: 5, ..Traffic::default() };
        assert_eq!(outgoing.sent().traffic, sent);

        assert!(outgoing.outbox.ping(b""));
        let chunks = outgoing.outbox.begin_writing().unwrap();
        let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        outgoing.outbox.finish_writing(Default::default(), bytes, |_| {});
        outgoing.rest();
        assert!(outgoing.is_idle());
        assert_eq!(outgoing.sent().traffic, Traffic { frames: 2, pings: 1, ..sent });
        outgoing.outbox.message(MessageKind::Binary, b"x");
        assert_eq!(outgoing.sent().traffic.messages, 2, "it goes on where it was");
    }

    /// What became of it was a twentieth of all connections that kept what they had sent with: what is
    /// asked of a writer may come when the system has taken its last byte.
    #[test]
    fn what_a_writer_was_asked_is_over_with_it() {
        let mut outgoing = Outgoing::default();
        outgoing.outbox.message(MessageKind::Binary, b"last");
        let chunks = outgoing.outbox.begin_writing().unwrap();
        let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        outgoing.try_again = true;
        outgoing.outbox.finish_writing(Default::default(), bytes, |_| {});
        outgoing.rest_behind_writer();
        assert!(!outgoing.is_idle(), "the session does not rest yet");
        outgoing.rest();
        assert!(outgoing.is_idle());
    }

    #[test]
    fn nobody_forgets_an_end_or_a_promise() {
        let changes: [fn(&mut Busy); 9] = [
            |busy| busy.outbox.end(),
            |busy| busy.is_output_closed = true,
            |busy| busy.owes_send_ready = true,
            |busy| busy.send_ready_due = true,
            |busy| busy.waiters = 1,
            |busy| busy.error = Some(io::ErrorKind::TimedOut.into()),
            |busy| busy.stalled_since = Some(crate::reactor::now()),
            |busy| busy.finished.push((16, [0, 0], 1)),
            |busy| busy.cancelled.push((16, [0, 0])),
        ];
        for change in changes {
            let mut outgoing = Outgoing::default();
            change(&mut outgoing);
            outgoing.rest();
            assert!(!outgoing.is_idle());
        }
    }
}
