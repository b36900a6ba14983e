//! The states of a socket and every legal move between them. Nothing else changes a state.

use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Not connected yet, or the last attempt failed.
    Created = 1,
    Connecting = 2,
    Open = 3,
    /// A close frame has been sent or received.
    Closing = 4,
    Closed = 5,
}

/// The current state, moved by the application's threads and the event loop.
#[derive(Debug)]
pub struct StateCell(AtomicU8);

impl Default for StateCell {
    fn default() -> StateCell {
        StateCell(AtomicU8::new(State::Created as u8))
    }
}

impl StateCell {
    #[inline]
    pub fn load(&self) -> State {
        match self.0.load(Ordering::Acquire) {
            1 => State::Created,
            2 => State::Connecting,
            3 => State::Open,
            4 => State::Closing,
            _ => State::Closed,
        }
    }

    /// Moves from `from` to `to`; `false` when the socket is not in `from`.
    pub fn advance(&self, from: State, to: State) -> bool {
        debug_assert!(is_legal(from, to), "{from:?} to {to:?}");
        let moved =
            self.0.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire);
        moved.is_ok()
    }
}

fn is_legal(from: State, to: State) -> bool {
    use State::{Closed, Closing, Connecting, Created, Open};
    matches!(
        (from, to),
        (Created, Connecting)
            | (Connecting, Open | Created)
            | (Open, Closing | Closed)
            | (Closing, Closed)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_happens_once_and_only_from_where_it_starts() {
        let state = StateCell::default();
        assert_eq!(state.load(), State::Created);
        assert!(state.advance(State::Created, State::Connecting));
        assert!(!state.advance(State::Created, State::Connecting));
        assert!(state.advance(State::Connecting, State::Open));
        assert!(state.advance(State::Open, State::Closing));
        assert!(!state.advance(State::Open, State::Closing));
        assert!(state.advance(State::Closing, State::Closed));
        assert_eq!(state.load(), State::Closed);
    }
}
