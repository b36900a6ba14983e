//! What stands in front of every export: no panic gets out, no call works in the child of a fork,
//! and every failure leaves a sentence for its thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::client::{Error, Misuse};

use super::outcome;
use super::result::*;

static FORKED: AtomicBool = AtomicBool::new(false);

/// Runs the body of an export. `otherwise` is the answer to a panic and in the child of a fork.
#[inline]
pub fn guard<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    if FORKED.load(Ordering::Relaxed) {
        remember(c"this process is the child of a fork: only exec makes the library usable");
        return otherwise;
    }
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(_) => {
            remember(c"an internal fault; please report it");
            otherwise
        }
    }
}

/// The same for exports that answer with a result.
#[inline]
pub fn checked(body: impl FnOnce() -> Result<(), Failure>) -> ws_result {
    guard(WS_E_UNEXPECTED, || answer(body()))
}

/// From now on a fork makes this library unusable in the child.
pub fn watch_forks() {
    static ONCE: Once = Once::new();
    #[cfg(unix)]
    ONCE.call_once(|| {
        extern "C" fn in_child() {
            FORKED.store(true, Ordering::Relaxed);
        }
        // SAFETY: the handler only stores into a static, which is all that is allowed there.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    #[cfg(not(unix))]
    ONCE.call_once(|| {});
}

#[inline]
pub fn answer(outcome: Result<(), Failure>) -> ws_result {
    match outcome {
        Ok(()) => WS_OK,
        Err(failure) => failure.answer(),
    }
}

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    /// The code and a sentence.
    Plain(ws_result, &'static CStr),
    Misuse(Misuse),
    /// What the network did, from a call that waited for it.
    Network(Error),
}

impl Failure {
    #[cold]
    fn answer(self) -> ws_result {
        match self {
            Failure::Plain(result, sentence) => {
                remember(sentence);
                result
            }
            Failure::Misuse(misuse) => {
                let (result, sentence) = outcome::of_misuse(misuse);
                remember_text(sentence);
                result
            }
            Failure::Network(error) => {
                remember_text(&error.to_string());
                outcome::of_error(&error)
            }
        }
    }
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Failure {
        Failure::Misuse(misuse)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Network(error)
    }
}

pub const fn plain<T>(result: ws_result, sentence: &'static CStr) -> Result<T, Failure> {
    Err(Failure::Plain(result, sentence))
}

enum Sentence {
    Static(&'static CStr),
    Owned(CString),
}

thread_local! {
    static LAST: RefCell<Sentence> = const { RefCell::new(Sentence::Static(c"")) };
}

fn remember(sentence: &'static CStr) {
    let _ = LAST.try_with(|last| last.replace(Sentence::Static(sentence)));
}

fn remember_text(sentence: &str) {
    let owned = CString::new(sentence.replace('\0', " ")).unwrap_or_default();
    let _ = LAST.try_with(|last| last.replace(Sentence::Owned(owned)));
}

/// The sentence of this thread's last failing call. Valid until its next one.
pub fn last_sentence() -> *const c_char {
    let pointer = LAST.try_with(|last| match &*last.borrow() {
        Sentence::Static(sentence) => sentence.as_ptr(),
        Sentence::Owned(sentence) => sentence.as_ptr(),
    });
    pointer.unwrap_or(c"".as_ptr())
}
