//! Pings, pongs and what they tell: when the next ping or unsolicited pong is due, when the peer
//! has been silent too long, and how long a round trip takes. RFC 6455 §5.5.2, §5.5.3.
//!
//! Time and schedule come in with every call, so that both may change; nothing here has a clock or
//! sends anything.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pings of the application in flight that are remembered: of more, the first and the last.
const REMEMBERED_PINGS: usize = 64;
/// The same of our own.
const REMEMBERED_BEATS: usize = 16;

/// What is wanted at this moment. An interval of zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub ping_interval: Duration,
    /// How long a ping of ours may stay unanswered.
    pub pong_timeout: Duration,
    pub unsolicited_pong_interval: Duration,
}

impl Schedule {
    /// Whether nothing is to be sent.
    pub fn is_empty(&self) -> bool {
        self.ping_interval.is_zero() && self.unsolicited_pong_interval.is_zero()
    }
}

/// Something to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// A ping of ours with this payload.
    Ping([u8; 8]),
    /// An empty pong that answers nothing.
    UnsolicitedPong,
}

#[derive(Debug, Default)]
pub struct Heartbeat {
    /// In the order in which they were accepted, which is that of their answers.
    in_flight: VecDeque<Ping>,
    /// The last of our own, or the opening.
    last_ping: Option<Instant>,
    /// The last unsolicited one, or the opening.
    last_pong: Option<Instant>,
    /// Of our next ping.
    number: u64,
    /// Nobody reads, so nobody can hear an answer.
    is_deaf: bool,
    /// The end of the last such time.
    hears_since: Option<Instant>,
}

#[derive(Debug)]
struct Ping {
    origin: Origin,
    sent: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Application(Box<[u8]>),
    /// Its number is its payload.
    Own(u64),
}

impl Heartbeat {
    /// The connection is open: intervals count from here.
    pub fn begin(&mut self, now: Instant) {
        self.last_ping = Some(now);
        self.last_pong = Some(now);
    }

    /// A ping of the application was accepted for sending.
    pub fn sent(&mut self, payload: &[u8], now: Instant) {
        self.remember(Origin::Application(payload.into()), now, REMEMBERED_PINGS);
    }

    /// A pong arrived. Its round-trip time, when it answers a ping that is remembered; an
    /// unsolicited one has none. RFC 6455 §5.5.3: an answer may cover all pings before the one it
    /// repeats.
    pub fn received(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        if let Some(at) = self.in_flight.iter().rposition(|ping| ping.has_payload(payload)) {
            let answered = self.in_flight.drain(..=at).next_back()?;
            return Some(now.saturating_duration_since(answered.sent));
        }
        // One of ours may have been forgotten, but those before it are answered all the same.
        let number = u64::from_be_bytes(payload.try_into().ok()?);
        if number < self.number
            && let Some(at) = self.in_flight.iter().rposition(|ping| ping.is_own_before(number))
        {
            self.in_flight.drain(..=at);
        }
        None
    }

    /// Since when an answer to a ping of the application is missing.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.in_flight.iter().find(|ping| !ping.is_own()).map(|ping| ping.sent)
    }

    /// Whether answers can be heard at present. While they cannot, the deadline stands still, and
    /// afterwards it is as far away as it can be.
    pub fn hear(&mut self, hears: bool, now: Instant) {
        if self.is_deaf && hears {
            self.hears_since = Some(now);
        }
        self.is_deaf = !hears;
    }

    /// What is to be sent now; to be asked until there is nothing more. With `may_ping` false an
    /// earlier ping has not left: one that is due is left out.
    pub fn beat(&mut self, schedule: &Schedule, may_ping: bool, now: Instant) -> Option<Beat> {
        if schedule.ping_interval.is_zero() {
            self.in_flight.retain(|ping| !ping.is_own());
        } else if self.next_ping(schedule).is_some_and(|due| due <= now) {
            self.last_ping = Some(now);
            if may_ping {
                let number = self.number;
                self.number = number.wrapping_add(1);
                self.remember(Origin::Own(number), now, REMEMBERED_BEATS);
                return Some(Beat::Ping(number.to_be_bytes()));
            }
        }
        if self.next_pong(schedule).is_some_and(|due| due <= now) {
            self.last_pong = Some(now);
            return Some(Beat::UnsolicitedPong);
        }
        None
    }

    /// When there will be something to send.
    pub fn next_beat(&self, schedule: &Schedule) -> Option<Instant> {
        self.next_ping(schedule).into_iter().chain(self.next_pong(schedule)).min()
    }

    /// When the peer has been silent too long: counted from the first of our pings that it has not
    /// answered. Whatever else it sends is no answer.
    pub fn deadline(&self, schedule: &Schedule) -> Option<Instant> {
        if schedule.ping_interval.is_zero() || self.is_deaf {
            return None;
        }
        let unanswered = self.in_flight.iter().find(|ping| ping.is_own())?.sent;
        let since = self.hears_since.map_or(unanswered, |since| since.max(unanswered));
        since.checked_add(schedule.pong_timeout)
    }

    fn next_ping(&self, schedule: &Schedule) -> Option<Instant> {
        after(self.last_ping, schedule.ping_interval)
    }

    fn next_pong(&self, schedule: &Schedule) -> Option<Instant> {
        after(self.last_pong, schedule.unsolicited_pong_interval)
    }

    /// Keeps at most `limit` of its kind: the first, from which deadlines count, and the last,
    /// whose answer covers all the others.
    fn remember(&mut self, origin: Origin, now: Instant, limit: usize) {
        let is_own = matches!(origin, Origin::Own(_));
        let kind = |ping: &Ping| ping.is_own() == is_own;
        if self.in_flight.iter().filter(|ping| kind(ping)).count() >= limit
            && let Some(last) = self.in_flight.iter().rposition(kind)
        {
            self.in_flight.remove(last);
        }
        self.in_flight.push_back(Ping { origin, sent: now });
    }
}

/// An interval too long for the clock never ends.
fn after(last: Option<Instant>, interval: Duration) -> Option<Instant> {
    last.filter(|_| !interval.is_zero())?.checked_add(interval)
}

impl Ping {
    fn is_own(&self) -> bool {
        matches!(self.origin, Origin::Own(_))
    }

    fn is_own_before(&self, other: u64) -> bool {
        matches!(self.origin, Origin::Own(number) if number < other)
    }

    fn has_payload(&self, payload: &[u8]) -> bool {
        match &self.origin {
            Origin::Application(own) => **own == *payload,
            Origin::Own(number) => number.to_be_bytes() == *payload,
        }
    }
}

#[cfg(test)]
#[path = "heartbeat_tests.rs"]
mod tests;
