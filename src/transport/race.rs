//! In which order, and when, the addresses of a name are tried: RFC 8305. A schedule alone: time
//! comes in with every call, and whoever asks opens the sockets and closes those that lost.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// RFC 8305 §8: the delay before the next address is tried while the ones before have not failed.
pub const STAGGER: Duration = Duration::from_millis(250);

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Begin with this address, and ask again.
    Try(SocketAddr),
    /// Nothing until then, or until an attempt ends.
    WaitUntil(Instant),
    /// Nothing until an attempt ends; when none is under way all have failed.
    Wait,
}

#[derive(Debug)]
pub struct Race {
    left: VecDeque<SocketAddr>,
    /// When the next address is due, if the ones before have not failed until then.
    next_at: Option<Instant>,
}

impl Race {
    /// `addresses` in the order of the system's preference; `limit` of them take part.
    pub fn new(addresses: Vec<SocketAddr>, limit: usize) -> Race {
        Race { left: ordered(addresses, limit), next_at: None }
    }

    pub fn next(&mut self, now: Instant) -> Move {
        match self.next_at {
            Some(next_at) if now < next_at && !self.left.is_empty() => Move::WaitUntil(next_at),
            _ => match self.left.pop_front() {
                Some(address) => {
                    self.next_at = Some(now + STAGGER);
                    Move::Try(address)
                }
                None => Move::Wait,
            },
        }
    }

    /// An attempt has failed: the next one need not wait. RFC 8305 §5.
    pub fn failed(&mut self) {
        self.next_at = None;
    }

    /// Whether there is nothing left to begin with.
    pub fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

/// Those that take part, in their order.
pub fn ordered(addresses: Vec<SocketAddr>, limit: usize) -> VecDeque<SocketAddr> {
    let mut all = interleaved(addresses);
    all.truncate(limit);
    all
}

/// RFC 8305 §4: the families take turns, beginning with the one that the system prefers; within a
/// family its order stays. Doubles are dropped.
fn interleaved(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    if addresses.len() < 2 {
        return addresses.into();
    }
    let prefers_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let mut seen = Vec::new();
    let (mut first, mut second) = (VecDeque::new(), VecDeque::new());
    for address in addresses {
        if seen.contains(&address) {
            continue;
        }
        seen.push(address);
        match address.is_ipv6() == prefers_v6 {
            true => first.push_back(address),
            false => second.push_back(address),
        }
    }
    let mut all = VecDeque::with_capacity(first.len() + second.len());
    while !first.is_empty() || !second.is_empty() {
        all.extend(first.pop_front());
        all.extend(second.pop_front());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Every move up to a wait.
    fn tries(race: &mut Race, now: Instant) -> (Vec<String>, Move) {
        let mut tried = Vec::new();
        loop {
            match race.next(now) {
                Move::Try(address) => tried.push(address.to_string()),
                other => return (tried, other),
            }
        }
    }

    #[test]
    fn families_take_turns_and_the_preferred_one_begins() {
        let all =
            addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]);
        let order: Vec<_> = interleaved(all).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        let order = interleaved(addresses(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]));
        assert_eq!(order, addresses(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]));
    }

    #[test]
    fn the_next_address_is_due_a_quarter_of_a_second_later() {
        let start = Instant::now();
        let mut race = Race::new(addresses(&["[::1]:1", "1.1.1.1:1"]), 5);
        assert_eq!(
            tries(&mut race, start),
            (vec!["[::1]:1".into()], Move::WaitUntil(start + STAGGER))
        );
        let early = start + STAGGER - Duration::from_nanos(1);
        assert_eq!(tries(&mut race, early), (vec![], Move::WaitUntil(start + STAGGER)));
        let due = start + STAGGER;
        assert_eq!(tries(&mut race, due), (vec!["1.1.1.1:1".into()], Move::Wait));
        assert!(race.is_over());
    }

    #[test]
    fn a_failure_brings_the_next_address_at_once_and_starts_the_clock_anew() {
        let start = Instant::now();
        let mut race = Race::new(addresses(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"]), 5);
        let _ = tries(&mut race, start);
        let now = start + Duration::from_millis(10);
        race.failed();
        let (tried, then) = tries(&mut race, now);
        assert_eq!((tried, then), (vec!["2.2.2.2:1".into()], Move::WaitUntil(now + STAGGER)));
    }

    #[test]
    fn no_more_than_the_limit_take_part() {
        let now = Instant::now();
        let mut race = Race::new(addresses(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]), 2);
        let mut count = 0;
        while let Move::Try(_) = race.next(now) {
            race.failed();
            count += 1;
        }
        assert_eq!(count, 2);
        assert_eq!(Race::new(Vec::new(), 2).next(now), Move::Wait);
    }
}
