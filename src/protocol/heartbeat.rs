//! Pings, pongs and what they tell: when the next ping or unsolicited pong is due, when the peer
//! has been silent too long, and how long a round trip takes. RFC 6455 §5.5.2, §5.5.3.
//!
//! Time comes in with every call; nothing here has a clock or sends anything.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pings in flight that are remembered for their round-trip time.
const REMEMBERED_PINGS: usize = 64;

#[derive(Debug, Default)]
pub struct Heartbeat {
    in_flight: VecDeque<(Box<[u8]>, Instant)>,
}

impl Heartbeat {
    /// A ping with this payload was accepted for sending.
    pub fn sent(&mut self, payload: &[u8], now: Instant) {
        if self.in_flight.len() == REMEMBERED_PINGS {
            self.in_flight.pop_front();
        }
        self.in_flight.push_back((payload.into(), now));
    }

    /// A pong arrived. Its round-trip time, when it answers a ping of ours; an unsolicited one has
    /// none. RFC 6455 §5.5.3: an answer may cover all pings before the one it repeats.
    pub fn received(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let at = self.in_flight.iter().rposition(|(sent, _)| **sent == *payload)?;
        let (_, sent) = self.in_flight.drain(..=at).next_back()?;
        Some(now.saturating_duration_since(sent))
    }

    /// Since when an answer is missing.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.in_flight.front().map(|(_, sent)| *sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_with_the_payload_of_a_ping_tells_the_round_trip() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::default();
        heartbeat.sent(b"a", start);
        assert_eq!(heartbeat.waiting_since(), Some(start));
        assert_eq!(heartbeat.received(b"x", start), None, "unsolicited");
        let later = start + Duration::from_millis(7);
        assert_eq!(heartbeat.received(b"a", later), Some(Duration::from_millis(7)));
        assert_eq!(heartbeat.received(b"a", later), None, "answered once");
        assert_eq!(heartbeat.waiting_since(), None);
    }

    #[test]
    fn a_pong_covers_the_pings_before_it() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::default();
        for (payload, after) in [(b"1", 0), (b"2", 10), (b"3", 20)] {
            heartbeat.sent(payload, start + Duration::from_millis(after));
        }
        let now = start + Duration::from_millis(50);
        assert_eq!(heartbeat.received(b"2", now), Some(Duration::from_millis(40)));
        assert_eq!(heartbeat.waiting_since(), Some(start + Duration::from_millis(20)));
        assert_eq!(heartbeat.received(b"1", now), None, "it was covered");
    }

    #[test]
    fn endless_pings_are_forgotten_from_the_front() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::default();
        for number in 0..1000u32 {
            heartbeat.sent(&number.to_be_bytes(), start);
        }
        assert_eq!(heartbeat.in_flight.len(), REMEMBERED_PINGS);
    }
}
