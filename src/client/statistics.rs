//! What is counted of a connection. The session is the only writer, so plain loads and stores do;
//! readers on other threads see each number whole, but not all of one moment.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::lock::lock;
use crate::protocol::traffic::Traffic;

use super::link::Link;

#[derive(Debug, Default)]
pub struct Statistics {
    /// As long as they are small, and nothing else is to be counted.
    bytes: AtomicU32,
    frames: AtomicU32,
    messages: AtomicU32,
    payload_bytes: AtomicU32,
}

/// What many connections never see.
#[derive(Debug, Default)]
pub struct SpecialCells {
    /// From here on everything that is received is counted here.
    counts_all: AtomicBool,
    bytes: AtomicU64,
    frames: AtomicU64,
    messages: AtomicU64,
    payload_bytes: AtomicU64,
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

impl Link {
    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin_statistics(&self) {
        self.store_received(&Traffic::default(), 0);
        if let Some(aside) = self.aside.made() {
            let special = &aside.special;
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
        let Traffic { frames, messages, payload_bytes, .. } = *traffic;
        let is_small = wire_bytes | frames | messages | payload_bytes <= u64::from(u32::MAX);
        let is_ordinary = traffic.pings | traffic.pongs | traffic.compressed_bytes == 0;
        if is_small && is_ordinary && self.all_cells().is_none() {
            let small = &self.statistics;
            small.bytes.store(wire_bytes as u32, Ordering::Relaxed);
            small.frames.store(frames as u32, Ordering::Relaxed);
            small.messages.store(messages as u32, Ordering::Relaxed);
            small.payload_bytes.store(payload_bytes as u32, Ordering::Relaxed);
            return;
        }
        let special = &self.aside.special;
        store(&special.bytes, wire_bytes);
        store(&special.frames, frames);
        store(&special.messages, messages);
        store(&special.payload_bytes, payload_bytes);
        store(&special.compressed_bytes, traffic.compressed_bytes);
        store(&special.inflated_bytes, traffic.inflated_bytes);
        store(&special.pings, traffic.pings);
        store(&special.pongs, traffic.pongs);
        special.counts_all.store(true, Ordering::Release);
    }

    fn all_cells(&self) -> Option<&SpecialCells> {
        let special = &self.aside.made()?.special;
        special.counts_all.load(Ordering::Acquire).then_some(special)
    }

    /// A ping was answered.
    pub fn answered(&self, round_trip: Duration) {
        // Zero stands for none.
        let last = micros(round_trip).max(1);
        let SpecialCells { round_trip_us, smoothed_round_trip_us, min_round_trip_us, .. } =
            &self.aside.special;
        let (smoothed, min) = (load(smoothed_round_trip_us), load(min_round_trip_us));
        store(round_trip_us, last);
        store(smoothed_round_trip_us, smooth(smoothed, last));
        store(min_round_trip_us, if min == 0 { last } else { min.min(last) });
    }

    pub fn round_trip(&self) -> RoundTrip {
        self.aside.made().map_or(RoundTrip::default(), |aside| RoundTrip {
            last_us: load(&aside.special.round_trip_us),
            smoothed_us: load(&aside.special.smoothed_round_trip_us),
            min_us: load(&aside.special.min_round_trip_us),
        })
    }

    pub fn received(&self) -> Direction {
        if let Some(cells) = self.all_cells() {
            let traffic = Traffic {
                frames: load(&cells.frames),
                messages: load(&cells.messages),
                payload_bytes: load(&cells.payload_bytes),
                compressed_bytes: load(&cells.compressed_bytes),
                inflated_bytes: load(&cells.inflated_bytes),
                pings: load(&cells.pings),
                pongs: load(&cells.pongs),
            };
            return Direction { bytes: load(&cells.bytes), traffic };
        }
        let load = |cell: &AtomicU32| u64::from(cell.load(Ordering::Relaxed));
        let traffic = Traffic {
            frames: load(&self.statistics.frames),
            messages: load(&self.statistics.messages),
            payload_bytes: load(&self.statistics.payload_bytes),
            ..Traffic::default()
        };
        Direction { bytes: load(&self.statistics.bytes), traffic }
    }

    /// What has been sent: any thread sends, so it is counted under their lock.
    pub fn sent(&self) -> Direction {
        lock(&self.outgoing).sent()
    }
}

/// What has been sent by a connection that sends nothing at the moment, as long as it is little.
#[derive(Debug, Default)]
pub(super) struct Account {
    bytes: u32,
    frames: u32,
    messages: u32,
    payload_bytes: u32,
}

impl Account {
    /// `None`: it has no room for all of that.
    pub fn of(sent: Direction) -> Option<Account> {
        let Direction { bytes, traffic: Traffic { frames, messages, payload_bytes, .. } } = sent;
        let account = Account {
            bytes: bytes as u32,
            frames: frames as u32,
            messages: messages as u32,
            payload_bytes: payload_bytes as u32,
        };
        (account.sent() == sent).then_some(account)
    }

    pub fn sent(&self) -> Direction {
        let traffic = Traffic {
            frames: self.frames.into(),
            messages: self.messages.into(),
            payload_bytes: self.payload_bytes.into(),
            ..Traffic::default()
        };
        Direction { bytes: self.bytes.into(), traffic }
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
    use std::sync::Arc;

    use super::*;
    use crate::client::link::SocketKind;

    #[test]
    fn round_trips_are_smoothed_and_the_shortest_is_kept() {
        let statistics = Link::new(SocketKind::Message, Arc::default());
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
        statistics.begin_statistics();
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
        let statistics = Link::new(SocketKind::Message, Arc::default());
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
        statistics.answered(Duration::from_micros(1));
        assert_eq!(statistics.received(), Direction { bytes: 8, traffic });
        let ordinary = Traffic { frames: 9, messages: 10, payload_bytes: 11, ..Traffic::default() };
        statistics.store_received(&ordinary, 12);
        assert_eq!(statistics.received(), Direction { bytes: 12, traffic: ordinary });
        statistics.begin_statistics();
        assert_eq!(statistics.received(), Direction::default());
    }

    #[test]
    fn what_is_large_is_counted_like_what_is_small() {
        let statistics = Link::new(SocketKind::Message, Arc::default());
        for bytes in [1, u64::from(u32::MAX), 1 << 32, u64::MAX, 2] {
            statistics.answered(Duration::from_micros(1));
            let traffic = Traffic { frames: 1, payload_bytes: bytes, ..Traffic::default() };
            for direction in [Direction { bytes, traffic }, Direction { bytes: 7, traffic }] {
                statistics.store_received(&direction.traffic, direction.bytes);
                assert_eq!(statistics.received(), direction);
                let is_small = direction.bytes.max(bytes) <= u64::from(u32::MAX);
                assert_eq!(
                    Account::of(direction).map(|it| it.sent()),
                    is_small.then_some(direction)
                );
            }
        }
    }
}
