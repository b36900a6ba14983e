//! The schedule of a heartbeat under a clock that the test moves.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// A heartbeat, its schedule, and the time.
struct Clock {
    heartbeat: Heartbeat,
    schedule: Schedule,
    start: Instant,
    now: Instant,
    may_ping: bool,
}

impl Clock {
    fn new(ping_ms: u32, pong_ms: u32) -> Clock {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::default();
        heartbeat.begin(start);
        let schedule = Schedule {
            ping_interval: ping_ms * MS,
            pong_timeout: 100 * MS,
            unsolicited_pong_interval: pong_ms * MS,
        };
        Clock { heartbeat, schedule, start, now: start, may_ping: true }
    }

    fn at(&self, ms: u32) -> Instant {
        self.start + ms * MS
    }

    fn beat(&mut self) -> Option<Beat> {
        self.heartbeat.beat(&self.schedule, self.may_ping, self.now)
    }

    /// Moves the time to `ms` as a session does, from deadline to deadline; what was sent, when.
    fn until(&mut self, ms: u32) -> Vec<(u32, Beat)> {
        let end = self.at(ms);
        let mut sent = Vec::new();
        loop {
            while let Some(beat) = self.beat() {
                sent.push(((self.now - self.start).as_millis() as u32, beat));
            }
            match self.heartbeat.next_beat(&self.schedule) {
                Some(next) if next <= end => {
                    assert!(next > self.now, "what is due has been sent");
                    self.now = next;
                }
                _ => break,
            }
        }
        self.now = end;
        sent
    }

    fn answer(&mut self, payload: &[u8]) -> Option<Duration> {
        self.heartbeat.received(payload, self.now)
    }

    fn deadline(&self) -> Option<u32> {
        let deadline = self.heartbeat.deadline(&self.schedule)?;
        Some((deadline - self.start).as_millis() as u32)
    }
}

fn ping(number: u64) -> Beat {
    Beat::Ping(number.to_be_bytes())
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let mut clock = Clock::new(0, 0);
    assert_eq!(clock.until(3_600_000), []);
    assert_eq!(clock.heartbeat.next_beat(&clock.schedule), None);
    assert_eq!(clock.deadline(), None);
}

#[test]
fn nothing_is_due_before_the_connection_is_open() {
    let mut clock = Clock::new(10, 10);
    clock.heartbeat = Heartbeat::default();
    assert_eq!(clock.until(1000), []);
}

#[test]
fn pings_come_at_their_interval_from_the_opening_on() {
    let mut clock = Clock::new(50, 0);
    assert_eq!(clock.until(49), []);
    assert_eq!(clock.until(160), [(50, ping(0)), (100, ping(1)), (150, ping(2))]);
}

#[test]
fn a_late_turn_sends_one_ping_and_counts_from_there() {
    let mut clock = Clock::new(50, 0);
    clock.now = clock.at(1000);
    assert_eq!(clock.beat(), Some(ping(0)));
    assert_eq!(clock.beat(), None);
    assert_eq!(clock.until(1100), [(1050, ping(1)), (1100, ping(2))]);
}

#[test]
fn unsolicited_pongs_come_at_an_interval_of_their_own() {
    let mut clock = Clock::new(50, 40);
    let pong = Beat::UnsolicitedPong;
    let expected = [(40, pong), (50, ping(0)), (80, pong), (100, ping(1))];
    assert_eq!(clock.until(110), expected);
    let mut both = Clock::new(50, 50);
    assert_eq!(both.until(50), [(50, ping(0)), (50, pong)]);
}

#[test]
fn a_ping_that_has_not_left_keeps_the_next_from_being_sent() {
    let mut clock = Clock::new(50, 0);
    assert_eq!(clock.until(50), [(50, ping(0))]);
    clock.may_ping = false;
    assert_eq!(clock.until(149), []);
    assert_eq!(clock.deadline(), Some(150), "the first one's");
    clock.may_ping = true;
    assert_eq!(clock.until(150), [(150, ping(1))]);
}

#[test]
fn the_deadline_runs_from_the_first_unanswered_ping() {
    let mut clock = Clock::new(40, 0);
    assert_eq!(clock.deadline(), None, "nothing was asked");
    clock.until(125);
    assert_eq!(clock.deadline(), Some(140));
    assert_eq!(clock.answer(&0u64.to_be_bytes()), Some(85 * MS));
    assert_eq!(clock.deadline(), Some(180));
    assert_eq!(clock.answer(&2u64.to_be_bytes()), Some(5 * MS), "and the one before");
    assert_eq!(clock.deadline(), None);
    assert_eq!(clock.answer(&1u64.to_be_bytes()), None, "it was covered");
    clock.until(160);
    assert_eq!(clock.deadline(), Some(260));
}

#[test]
fn a_pong_that_repeats_no_ping_is_no_answer() {
    let mut clock = Clock::new(40, 0);
    clock.until(40);
    for wrong in [&b""[..], b"x", &[0; 7], &[0; 9], &[0xff; 8], &1u64.to_be_bytes()] {
        assert_eq!(clock.answer(wrong), None, "{wrong:?}");
        assert_eq!(clock.deadline(), Some(140));
    }
    assert_eq!(clock.answer(&[0; 8]), Some(Duration::ZERO));
    assert_eq!(clock.deadline(), None);
}

#[test]
fn the_deadline_stands_still_while_nobody_reads() {
    let mut clock = Clock::new(40, 0);
    clock.until(50);
    clock.heartbeat.hear(false, clock.now);
    assert_eq!(clock.deadline(), None);
    assert!(!clock.until(5000).is_empty(), "it goes on all the same");
    clock.heartbeat.hear(false, clock.now);
    assert_eq!(clock.deadline(), None);
    clock.heartbeat.hear(true, clock.now);
    assert_eq!(clock.deadline(), Some(5100), "the whole time, again");
    clock.until(5060);
    clock.heartbeat.hear(true, clock.now);
    assert_eq!(clock.deadline(), Some(5100));
    clock.answer(&124u64.to_be_bytes());
    assert_eq!(clock.deadline(), Some(5140));
}

#[test]
fn changes_of_the_schedule_take_effect_at_once() {
    let mut clock = Clock::new(1000, 1000);
    clock.until(300);
    clock.schedule.ping_interval = 100 * MS;
    assert_eq!(clock.until(300), [(300, ping(0))]);
    clock.schedule.pong_timeout = 10 * MS;
    assert_eq!(clock.deadline(), Some(310));
    clock.schedule.ping_interval = Duration::ZERO;
    assert_eq!(clock.deadline(), None);
    assert_eq!(clock.until(999), []);
    clock.schedule.unsolicited_pong_interval = Duration::ZERO;
    assert_eq!(clock.until(5000), []);
    clock.schedule.ping_interval = 100 * MS;
    assert_eq!(clock.deadline(), None, "what was asked before is forgotten");
    assert_eq!(clock.until(5000), [(5000, ping(1))]);
    assert_eq!(clock.deadline(), Some(5010));
}

#[test]
fn the_longest_times_do_not_overflow() {
    let mut clock = Clock::new(0, 0);
    for longest in [u32::MAX * MS, Duration::MAX] {
        clock.schedule = Schedule {
            ping_interval: longest,
            pong_timeout: longest,
            unsolicited_pong_interval: longest,
        };
        assert_eq!(clock.beat(), None);
        assert!(clock.heartbeat.next_beat(&clock.schedule).is_none_or(|next| next > clock.now));
    }
    clock.schedule.ping_interval = MS;
    clock.now = clock.at(1);
    assert_eq!(clock.beat(), Some(ping(0)));
    assert_eq!(clock.heartbeat.deadline(&clock.schedule), None);
}

#[test]
fn a_pong_with_the_payload_of_a_ping_tells_the_round_trip() {
    let mut clock = Clock::new(0, 0);
    clock.heartbeat.sent(b"a", clock.start);
    assert_eq!(clock.heartbeat.waiting_since(), Some(clock.start));
    assert_eq!(clock.answer(b"x"), None, "unsolicited");
    clock.until(7);
    assert_eq!(clock.answer(b"a"), Some(7 * MS));
    assert_eq!(clock.answer(b"a"), None, "answered once");
    assert_eq!(clock.heartbeat.waiting_since(), None);
}

#[test]
fn a_pong_covers_the_pings_before_it() {
    let mut clock = Clock::new(0, 0);
    for (payload, after) in [(b"1", 0), (b"2", 10), (b"3", 20)] {
        clock.heartbeat.sent(payload, clock.at(after));
    }
    clock.until(50);
    assert_eq!(clock.answer(b"2"), Some(40 * MS));
    assert_eq!(clock.heartbeat.waiting_since(), Some(clock.at(20)));
    assert_eq!(clock.answer(b"1"), None, "it was covered");
}

#[test]
fn pings_of_both_kinds_cover_each_other_and_keep_clocks_of_their_own() {
    let mut clock = Clock::new(40, 0);
    clock.heartbeat.sent(b"before", clock.now);
    clock.until(40);
    assert_eq!(clock.heartbeat.waiting_since(), Some(clock.start));
    assert_eq!(clock.deadline(), Some(140));
    assert_eq!(clock.answer(&0u64.to_be_bytes()), Some(Duration::ZERO));
    assert_eq!((clock.heartbeat.waiting_since(), clock.deadline()), (None, None));
    clock.until(80);
    clock.heartbeat.sent(b"behind", clock.now);
    assert_eq!(clock.answer(b"behind"), Some(Duration::ZERO));
    assert_eq!((clock.heartbeat.waiting_since(), clock.deadline()), (None, None));
}

#[test]
fn of_endless_pings_the_first_and_the_last_are_remembered() {
    let mut clock = Clock::new(1, 0);
    clock.until(1000);
    for number in 0..1000u32 {
        clock.heartbeat.sent(&number.to_be_bytes(), clock.at(1000 + number));
    }
    assert_eq!(clock.heartbeat.in_flight.len(), REMEMBERED_PINGS + REMEMBERED_BEATS);
    assert_eq!(clock.deadline(), Some(101));
    assert_eq!(clock.heartbeat.waiting_since(), Some(clock.at(1000)));
    // The answer to one that was forgotten counts for those before it.
    assert_eq!(clock.answer(&500u64.to_be_bytes()), None);
    assert_eq!(clock.deadline(), Some(1100));
    assert_eq!(clock.answer(&999u64.to_be_bytes()), Some(Duration::ZERO));
    assert_eq!(clock.deadline(), None);
    clock.now = clock.at(2000);
    assert_eq!(clock.answer(&0u32.to_be_bytes()), Some(1000 * MS));
    assert_eq!(clock.answer(&500u32.to_be_bytes()), None);
    assert_eq!(clock.answer(&999u32.to_be_bytes()), Some(MS));
    assert_eq!(clock.heartbeat.waiting_since(), None);
}
