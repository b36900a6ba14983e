//! What the clock says to an open connection: what is due to be sent, how long a silence or a stall
//! may last, and when closing has taken too long. Controls are looked up every time, so that a live
//! one takes effect with the next turn.

use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::protocol::heartbeat::{Beat, Schedule};
use crate::transport::tcp;

use super::controls::{Control, Controls};
use super::ending::Closing;
use super::error::{Cause, Error, Phase};
use super::link::Link;
use super::open::{Open, Outcome};
use super::writer::Outgoing;

/// A peer is not late before everything that it had sent in time has been read: of a flood so many
/// bytes, which is more than a system holds for one socket.
const GRACE_BYTES: u64 = 8 << 20;
/// And so long, all in all, for what comes between its pieces.
const GRACE_TIME: Duration = Duration::from_millis(250);

/// A deadline of the peer has passed.
#[derive(Debug)]
pub(super) struct Late {
    /// How many bytes had been read by then.
    from: u64,
    /// How long nothing more was there to be read.
    waited: Duration,
    /// The same for what is going on: since when, and after how many bytes.
    waits: Option<(Instant, u64)>,
}

/// The earliest of several deadlines.
struct Alarm {
    now: Instant,
    next: Option<Instant>,
}

impl Alarm {
    /// Whether this one has passed.
    fn rings(&mut self, deadline: Option<Instant>) -> bool {
        // One that has passed is dealt with now, and wakes nobody again.
        let coming = deadline.filter(|deadline| *deadline > self.now);
        self.next = match (self.next, coming) {
            (Some(next), Some(coming)) => Some(next.min(coming)),
            (next, coming) => next.or(coming),
        };
        deadline.is_some() && coming.is_none()
    }

    /// The same for a span of time; one too long for the clock never ends.
    fn rings_after(&mut self, since: Instant, span: Duration) -> bool {
        self.rings(since.checked_add(span))
    }
}

impl Open {
    /// Looks at the clock, and says when to look again.
    pub(super) fn watch(&mut self, now: Instant, link: &Link) -> Outcome {
        let mut alarm = Alarm { now, next: None };
        match self.closing {
            Closing::Lingering { deadline } => {
                let unsent = !lock(&link.outgoing).outbox.is_empty() || !self.stream.is_flushed();
                if !unsent {
                    self.stream.end();
                }
                if alarm.rings(Some(deadline)) {
                    return Outcome::Finished;
                }
            }
            Closing::Done { since, .. } => {
                if alarm.rings_after(since, link.controls.duration(Control::CloseTimeoutMs)) {
                    tcp::reset_on_drop(self.stream.tcp());
                    return self.closed_cleanly().unwrap_or(Outcome::Finished);
                }
            }
            Closing::Sent { since } => {
                let is_late =
                    alarm.rings_after(since, link.controls.duration(Control::CloseTimeoutMs));
                let stalled_since = lock(&link.outgoing).stalled_since;
                if is_late || rings_for_stall(stalled_since, &mut alarm, link) {
                    let phase = if is_late { Phase::Closing } else { Phase::WebSocket };
                    return self.timed_out(phase);
                }
            }
            Closing::No => return self.watch_open(alarm, link),
        }
        Outcome::Wait(alarm.next)
    }

    fn watch_open(&mut self, mut alarm: Alarm, link: &Link) -> Outcome {
        let schedule = schedule(&link.controls);
        let mut wants_turn = false;
        let mut outgoing = lock(&link.outgoing);
        let beats = !schedule.is_empty() || outgoing.heartbeat().is_some();
        if beats {
            outgoing.heartbeat_mut().hear(!self.is_paused, alarm.now);
        }
        if beats && queue_beats(&mut outgoing, &schedule, alarm.now) {
            drop(outgoing);
            if let Some(error) = self.write_out(link)
                && let Some(outcome) = self.failed(Error::from_system(self.phase(), &error))
            {
                return outcome;
            }
            outgoing = lock(&link.outgoing);
            wants_turn = outgoing.wants_writer();
        }
        let stalled_since = outgoing.stalled_since;
        let expected = Expected::of(&outgoing, &schedule);
        drop(outgoing);
        if rings_for_stall(stalled_since, &mut alarm, link) {
            return self.timed_out(Phase::WebSocket);
        }
        if !self.is_silent(&mut alarm, &expected, link) {
            self.late = None;
        } else if !self.looks_again(&mut alarm) {
            return self.timed_out(Phase::WebSocket);
        } else {
            wants_turn |= self.has_input();
        }
        if wants_turn { Outcome::Again } else { Outcome::Wait(alarm.next) }
    }

    /// The peer owes something, and it has not come for too long.
    fn is_silent(&self, alarm: &mut Alarm, expected: &Expected, link: &Link) -> bool {
        alarm.rings(expected.next_beat);
        let mut is_silent = alarm.rings(expected.deadline);
        // While we do not read, the peer's silence is our own doing.
        let listens = !self.has_input();
        let silent_since = match expected.ping_sent {
            Some(sent) => Some(sent.max(self.heard_at)),
            None if self.receiver.is_inside_message() => Some(self.heard_at),
            None => None,
        };
        if let Some(since) = silent_since
            && listens
        {
            is_silent |=
                alarm.rings_after(since, link.controls.duration(Control::ReceiveTimeoutMs));
        }
        is_silent
    }

    /// What the peer sent in time may not have been read yet, because this thread was busy or
    /// there is so much of it; and what it could not send, because we did not read, comes a moment
    /// after we do. `false`: all of that has been read.
    fn looks_again(&mut self, alarm: &mut Alarm) -> bool {
        let (now, received) = (alarm.now, self.bytes_received);
        let Some(late) = &mut self.late else {
            self.late = Some(Late { from: received, waited: Duration::ZERO, waits: None });
            self.may_read = true;
            self.stream.notice_edge();
            return true;
        };
        if received - late.from >= GRACE_BYTES {
            return false;
        }
        let has_come = late.waits.is_some_and(|(_, seen)| seen != received);
        if has_come && let Some((since, _)) = late.waits.take() {
            late.waited += self.heard_at.saturating_duration_since(since);
        }
        if self.may_read || !self.unread.is_empty() || self.receiver.has_more() {
            return true;
        }
        // Who has not sent anything of late is not on its way.
        if received == late.from && now.saturating_duration_since(self.heard_at) > GRACE_TIME {
            return false;
        }
        let (since, _) = *late.waits.get_or_insert((now, received));
        let waited = late.waited + now.saturating_duration_since(since);
        waited < GRACE_TIME && !alarm.rings(now.checked_add(GRACE_TIME - waited))
    }

    fn timed_out(&mut self, phase: Phase) -> Outcome {
        tcp::reset_on_drop(self.stream.tcp());
        self.lost(Error::new(phase, Cause::Timeout))
    }
}

/// What is to come of pings and pongs.
#[derive(Default)]
struct Expected {
    deadline: Option<Instant>,
    next_beat: Option<Instant>,
    ping_sent: Option<Instant>,
}

impl Expected {
    fn of(outgoing: &Outgoing, schedule: &Schedule) -> Expected {
        outgoing.heartbeat().map_or(Expected::default(), |heartbeat| Expected {
            deadline: heartbeat.deadline(schedule),
            next_beat: heartbeat.next_beat(schedule),
            ping_sent: heartbeat.waiting_since(),
        })
    }
}

/// Bytes wait, and none has left for too long.
fn rings_for_stall(since: Option<Instant>, alarm: &mut Alarm, link: &Link) -> bool {
    since.is_some_and(|since| {
        alarm.rings_after(since, link.controls.duration(Control::SendTimeoutMs))
    })
}

fn schedule(controls: &Controls) -> Schedule {
    Schedule {
        ping_interval: controls.duration(Control::PingIntervalMs),
        pong_timeout: controls.duration(Control::PongTimeoutMs),
        unsolicited_pong_interval: controls.duration(Control::DesiredUnsolicitedPongIntervalMs),
    }
}

/// Queues the pings and pongs that are due; `true` if there were any.
fn queue_beats(outgoing: &mut Outgoing, schedule: &Schedule, now: Instant) -> bool {
    let mut has_beaten = false;
    loop {
        let may_ping = !outgoing.outbox.holds_ping();
        if outgoing.outbox.has_ended() {
            break;
        }
        let Some(beat) = outgoing.heartbeat_mut().beat(schedule, may_ping, now) else { break };
        has_beaten = true;
        match beat {
            // None waits, so there is room for one.
            Beat::Ping(payload) => _ = outgoing.outbox.ping(&payload),
            Beat::UnsolicitedPong => outgoing.outbox.unsolicited_pong(),
        }
    }
    has_beaten
}
