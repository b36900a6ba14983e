//! What is counted of a connection. The session is the only writer, so plain loads and stores do;
//! readers on other threads see each number whole, but not all of one moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::lock::lock;
use crate::base::rare::Rare;
use crate::protocol::traffic::Traffic;

use super::link::Link;

#[derive(Debug, Default)]
pub struct Statistics {
    bytes: AtomicU64,
    frames: AtomicU64,
    messages: AtomicU64,
    payload_bytes: AtomicU64,
    special: Rare<SpecialCells>,
}

/// What many connections never see.
#[derive(Debug, Default)]
struct SpecialCells {
    compressed_bytes: AtomicU64,
    inflated_bytes: AtomicU64,
    pings: AtomicU64,
    pongs: AtomicU64,
    round_trip_us: AtomicU64,
    smoothed_round_trip_us: AtomicU64,
    min_round_trip_us: AtomicU64,
}

/// One direction of the connection behind the opening handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// On the wire, inside TLS.
    pub bytes: u64,
    pub traffic: Traffic,
}

/// Of all pings that were answered; zero for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrip {
    pub last_us: u64,
    pub smoothed_us: u64,
    pub min_us: u64,
}

impl Statistics {
    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin(&self) {
        self.store_received(&Traffic::default(), 0);
        if let Some(special) = self.special.made() {
            let cells = [
                &special.round_trip_us,
                &special.smoothed_round_trip_us,
                &special.min_round_trip_us,
            ];
            cells.into_iter().for_each(|cell| store(cell, 0));
        }
    }

    /// Once per turn of the session: everything that has arrived so far.
    pub fn store_received(&self, traffic: &Traffic, wire_bytes: u64) {
        store(&self.bytes, wire_bytes);
        store(&self.frames, traffic.frames);
        store(&self.messages, traffic.messages);
        store(&self.payload_bytes, traffic.payload_bytes);
        let is_ordinary = traffic.pings | traffic.pongs | traffic.compressed_bytes == 0;
        if is_ordinary && self.special.made().is_none() {
            return;
        }
        store(&self.special.compressed_bytes, traffic.compressed_bytes);
        store(&self.special.inflated_bytes, traffic.inflated_bytes);
        store(&self.special.pings, traffic.pings);
        store(&self.special.pongs, traffic.pongs);
    }

    /// A ping was answered.
    pub fn answered(&self, round_trip: Duration) {
        // Zero stands for none.
        let last = micros(round_trip).max(1);
        let SpecialCells { round_trip_us, smoothed_round_trip_us, min_round_trip_us, .. } =
            &*self.special;
        let (smoothed, min) = (load(smoothed_round_trip_us), load(min_round_trip_us));
        store(round_trip_us, last);
        store(smoothed_round_trip_us, smooth(smoothed, last));
        store(min_round_trip_us, if min == 0 { last } else { min.min(last) });
    }

    pub fn round_trip(&self) -> RoundTrip {
        self.special.made().map_or(RoundTrip::default(), |special| RoundTrip {
            last_us: load(&special.round_trip_us),
            smoothed_us: load(&special.smoothed_round_trip_us),
            min_us: load(&special.min_round_trip_us),
        })
    }

    pub fn received(&self) -> Direction {
        let ordinary = Traffic {
            frames: load(&self.frames),
            messages: load(&self.messages),
            payload_bytes: load(&self.payload_bytes),
            ..Traffic::default()
        };
        let traffic = self.special.made().map_or(ordinary, |special| Traffic {
            compressed_bytes: load(&special.compressed_bytes),
            inflated_bytes: load(&special.inflated_bytes),
            pings: load(&special.pings),
            pongs: load(&special.pongs),
            ..ordinary
        });
        Direction { bytes: load(&self.bytes), traffic }
    }
}

impl Link {
    /// What has been sent: any thread sends, so it is counted under their lock.
    pub fn sent(&self) -> Direction {
        let outgoing = lock(&self.outgoing);
        Direction { bytes: outgoing.bytes_sent, traffic: outgoing.traffic() }
    }
}

/// RFC 6298 §2: SRTT <- (1 - 1/8) * SRTT + 1/8 * R, and the first R as it is.
fn smooth(smoothed: u64, last: u64) -> u64 {
    match smoothed {
        0 => last,
        _ => smoothed.saturating_mul(7).saturating_add(last).saturating_add(4) / 8,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn load(cell: &AtomicU64) -> u64 {
    cell.load(Ordering::Relaxed)
}

fn store(cell: &AtomicU64, value: u64) {
    cell.store(value, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_smoothed_and_the_shortest_is_kept() {
        let statistics = Statistics::default();
        assert_eq!(statistics.round_trip(), RoundTrip::default());
        statistics.answered(Duration::from_micros(800));
        let first = RoundTrip { last_us: 800, smoothed_us: 800, min_us: 800 };
        assert_eq!(statistics.round_trip(), first);
        statistics.answered(Duration::from_micros(1600));
        let second = RoundTrip { last_us: 1600, smoothed_us: 900, min_us: 800 };
        assert_eq!(statistics.round_trip(), second);
        statistics.answered(Duration::from_nanos(10));
        assert_eq!(statistics.round_trip().last_us, 1, "zero would be none");
        assert_eq!(statistics.round_trip().min_us, 1);
        statistics.begin();
        assert_eq!(statistics.round_trip(), RoundTrip::default());
    }

    #[test]
    fn a_constant_round_trip_is_its_own_mean() {
        for time in [1, 7, 8, 9, 1000, 123_456_789] {
            let mut smoothed = 0;
            for _ in 0..100 {
                smoothed = smooth(smoothed, time);
            }
            assert_eq!(smoothed, time);
        }
    }

    #[test]
    fn what_has_arrived_reads_back_as_it_was_stored() {
        let statistics = Statistics::default();
        let traffic = Traffic {
            frames: 1,
            messages: 2,
            payload_bytes: 3,
            compressed_bytes: 4,
            inflated_bytes: 5,
            pings: 6,
            pongs: 7,
        };
        statistics.store_received(&traffic, 8);
        assert_eq!(statistics.received(), Direction { bytes: 8, traffic });
        let ordinary = Traffic { frames: 9, messages: 10, payload_bytes: 11, ..Traffic::default() };
        statistics.store_received(&ordinary, 12);
        assert_eq!(statistics.received(), Direction { bytes: 12, traffic: ordinary });
        statistics.begin();
        assert_eq!(statistics.received(), Direction::default());
    }
}
