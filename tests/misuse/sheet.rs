//! A sheet of cells: one call each, with what it must answer, how long it may take, and what it
//! must say about a failure. Knows no function of the library but the one that explains.

use std::time::{Duration, Instant};

use anyws::ffi::library::{ws_set_io_threads, ws_set_log_callback};
use anyws::ffi::result::*;

use crate::support::client::last_error_message;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Result(ws_result),
    /// Of a function that answers a value instead of a result; those explain nothing.
    Value(u64),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Result(result) => f.write_str(&name(*result)),
            Answer::Value(value) => write!(f, "{value:#x}"),
        }
    }
}

pub fn name(result: ws_result) -> String {
    let name = anyws::ffi::library::ws_result_name(result);
    unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// No call of a misuse waits for anything: this is for a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(5);
const PROMPT: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct Sheet {
    pub cells: usize,
    slow: usize,
    faults: Vec<String>,
}

impl Sheet {
    /// Makes `call` and compares. `word` is to be found in the explanation of a failure.
    pub fn cell(
        &mut self,
        what: &dyn std::fmt::Display,
        expected: Answer,
        word: &str,
        call: &mut dyn FnMut() -> Answer,
    ) {
        // Something else to find there, so that an old explanation is not taken for a new one.
        let primed = match word {
            "count" => ws_set_log_callback(None, std::ptr::null_mut(), 99),
            _ => ws_set_io_threads(0),
        };
        assert_eq!(primed, WS_E_INVALIDARG);
        let before = last_error_message();
        let begun = Instant::now();
        let answer = call();
        let taken = begun.elapsed();
        self.cells += 1;
        self.slow += usize::from(taken > PROMPT);
        if answer != expected {
            self.fault(format!("{what}: {answer:?} instead of {expected:?}"));
        }
        if taken > LIMIT {
            self.fault(format!("{what}: took {taken:?}"));
        }
        let Answer::Result(result) = answer else { return };
        let after = last_error_message();
        if result >= 0 {
            if after != before {
                self.fault(format!("{what}: a success left an explanation: {after:?}"));
            }
        } else if after.is_empty() || after == before {
            self.fault(format!("{what}: {answer:?} is not explained"));
        } else if !after.to_lowercase().contains(word) {
            self.fault(format!("{what}: {after:?} does not name {word}"));
        }
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < 40 {
            self.faults.push(fault);
        }
    }

    pub fn add(&mut self, other: Sheet) {
        self.cells += other.cells;
        self.slow += other.slow;
        other.faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// Fails the test unless every one of at least `minimum` cells was as it must be.
    pub fn pass(self, minimum: usize) {
        println!("{} cells, {} slower than {PROMPT:?}", self.cells, self.slow);
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n"));
        assert!(self.cells >= minimum, "{} cells are fewer than {minimum}", self.cells);
    }
}
