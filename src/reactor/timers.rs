//! The clock, and who wants to be woken when.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mio::Token;

/// The one place that reads the clock. Monotonic.
pub fn now() -> Instant {
    Instant::now()
}

/// Deadlines in order of time; at most one per token, which the caller keeps track of.
#[derive(Debug, Default)]
pub struct Timers {
    deadlines: BTreeSet<(Instant, Token)>,
}

impl Timers {
    /// Moves the deadline of a token from `old` to `new`.
    pub fn replace(&mut self, token: Token, old: Option<Instant>, new: Option<Instant>) {
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
    pub fn pop_due(&mut self, now: Instant) -> Option<Token> {
        let &(deadline, token) = self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        self.deadlines.pop_first();
        Some(token)
    }

    /// How long until the next one.
    pub fn until_next(&self, now: Instant) -> Option<Duration> {
        self.deadlines.first().map(|(deadline, _)| deadline.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_of_time() {
        let start = now();
        let at = |ms| Some(start + Duration::from_millis(ms));
        let mut timers = Timers::default();
        timers.replace(Token(1), None, at(30));
        timers.replace(Token(2), None, at(10));
        timers.replace(Token(3), None, at(20));
        timers.replace(Token(1), at(30), at(5));
        timers.replace(Token(3), at(20), None);
        assert_eq!(timers.until_next(start), Some(Duration::from_millis(5)));
        let due = start + Duration::from_millis(15);
        assert_eq!(timers.pop_due(due), Some(Token(1)));
        assert_eq!(timers.pop_due(due), Some(Token(2)));
        assert_eq!(timers.pop_due(due), None);
        assert_eq!(timers.until_next(due), None);
    }
}
