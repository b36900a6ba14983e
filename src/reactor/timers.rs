//! The clock, and who wants to be woken when.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mio::Token;

/// The one place that reads the clock. Monotonic.
pub fn now() -> Instant {
    Instant::now()
}

/// A point in time as it is kept where there are many: in half the room of an `Instant`. What lies
/// before the first of them, or centuries behind it, is moved there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(NonZeroU64);

static FIRST: LazyLock<Instant> = LazyLock::new(now);

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Moment {
        let since = instant.saturating_duration_since(*FIRST).as_nanos();
        let nanos = u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1);
        Moment(NonZeroU64::new(nanos).unwrap_or(NonZeroU64::MAX))
    }
}

impl From<Moment> for Instant {
    fn from(moment: Moment) -> Instant {
        let since = Duration::from_nanos(moment.0.get() - 1);
        FIRST.checked_add(since).unwrap_or(*FIRST)
    }
}

/// A point in time of which only matters whether it is near: in half the room again, and an hour
/// later one looks like another. By default it is far away, for the first hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent(u32);

impl Recent {
    pub fn now() -> Recent {
        let nanos = now().saturating_duration_since(*FIRST).as_nanos() as u64;
        Recent((nanos >> NANOS_PER_TICK_BITS) as u32)
    }

    /// Whether `before` was less than `span` ago.
    pub fn is_within(self, span: Duration, before: Recent) -> bool {
        let ticks = self.0.wrapping_sub(before.0);
        u64::from(ticks) << NANOS_PER_TICK_BITS < span.as_nanos() as u64
    }
}

const NANOS_PER_TICK_BITS: u32 = 10;

/// Deadlines in order of time; at most one per token, which the caller keeps track of.
#[derive(Debug, Default)]
pub struct Timers {
    deadlines: BTreeSet<(Moment, Token)>,
}

impl Timers {
    /// Moves the deadline of a token from `old` to `new`.
    pub fn replace(&mut self, token: Token, old: Option<Moment>, new: Option<Moment>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.deadlines.remove(&(old, token));
        }
        if let Some(new) = new {
            self.deadlines.insert((new, token));
        }
    }

    /// Takes out one deadline that has come.
    pub fn pop_due(&mut self, now: Moment) -> Option<Token> {
        let &(deadline, token) = self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        self.deadlines.pop_first();
        Some(token)
    }

    /// How long until the next one.
    pub fn until_next(&self, now: Moment) -> Option<Duration> {
        let (deadline, _) = self.deadlines.first()?;
        Some(Duration::from_nanos(deadline.0.get().saturating_sub(now.0.get())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_time_it_was_made_of() {
        let first = *FIRST;
        for after in [0, 1, 999_999_999, 1 << 62].map(Duration::from_nanos) {
            assert_eq!(Instant::from(Moment::from(first + after)), first + after);
        }
        let before = first.checked_sub(Duration::from_nanos(1));
        assert!(before.is_none_or(|before| Instant::from(Moment::from(before)) == first));
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }

    #[test]
    fn what_is_near_is_told_from_what_is_far() {
        let span = Duration::from_nanos(25 << NANOS_PER_TICK_BITS);
        for start in [0, 1, u32::MAX - 10, u32::MAX] {
            let is_near = |ticks| Recent(start.wrapping_add(ticks)).is_within(span, Recent(start));
            assert!(is_near(0) && is_near(24) && !is_near(25) && !is_near(u32::MAX));
        }
        let before = Recent::now();
        assert!(Recent::now().is_within(Duration::from_secs(60), before));
    }

    #[test]
    fn deadlines_come_in_order_of_time() {
        let start = now();
        let at = |ms| Some(Moment::from(start + Duration::from_millis(ms)));
        let mut timers = Timers::default();
        timers.replace(Token(1), None, at(30));
        timers.replace(Token(2), None, at(10));
        timers.replace(Token(3), None, at(20));
        timers.replace(Token(1), at(30), at(5));
        timers.replace(Token(3), at(20), None);
        assert_eq!(timers.until_next(start.into()), Some(Duration::from_millis(5)));
        let due = Moment::from(start + Duration::from_millis(15));
        assert_eq!(timers.pop_due(due), Some(Token(1)));
        assert_eq!(timers.pop_due(due), Some(Token(2)));
        assert_eq!(timers.pop_due(due), None);
        assert_eq!(timers.until_next(due), None);
    }
}
