//! The application's judgement of a server's certificate: a ticket that is answered once, inside
//! the callback or later from any thread.

use std::sync::{Arc, Mutex};

use crate::base::lock::lock;
use crate::client::Misuse;

use super::entry::Entry;
use super::guard::{Failure, plain};
use super::result::*;
use super::ticket::Table;
use super::types::*;

static VALIDATIONS: Table<Validation> = Table::new(3);

struct Validation {
    entry: Arc<Entry>,
    stage: Mutex<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The callback runs; returning accepts.
    Asking,
    /// The callback runs and has taken a deferral.
    Deferring,
    /// The callback runs and has answered, or an answer came meanwhile.
    Answered(bool),
    /// The callback has returned; the connect waits for an answer.
    Deferred,
    Over,
}

/// Lasts as long as the connect that waits for the answer.
pub struct Question(usize);

impl Question {
    /// A new one about the connection of `entry`. `None`: no handle is left.
    pub fn ask(entry: &Arc<Entry>) -> Option<Question> {
        let validation =
            || Validation { entry: Arc::clone(entry), stage: Mutex::new(Stage::Asking) };
        VALIDATIONS.insert(|_| validation()).map(Question)
    }

    pub fn ticket(&self) -> usize {
        self.0
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        drop(VALIDATIONS.remove(self.0));
    }
}

/// The callback is over. `None`: the answer comes later.
pub fn callback_returned(ticket: usize) -> Option<bool> {
    let Some(validation) = VALIDATIONS.find(ticket) else { return Some(false) };
    let mut stage = lock(&validation.stage);
    let (next, answer) = match *stage {
        Stage::Asking => (Stage::Over, Some(true)),
        Stage::Answered(accept) => (Stage::Over, Some(accept)),
        Stage::Deferring | Stage::Deferred => (Stage::Deferred, None),
        Stage::Over => (Stage::Over, None),
    };
    *stage = next;
    answer
}

/// Taken from a queue without a callback, it is a deferral from the beginning.
pub fn defer(ticket: usize) {
    if let Some(validation) = VALIDATIONS.find(ticket) {
        *lock(&validation.stage) = Stage::Deferred;
    }
}

const NOT_A_VALIDATION: &std::ffi::CStr =
    c"validation is not a live question: the connect it belongs to has ended";

pub fn take_deferral(validation: *mut ws_validation) -> Result<(), Failure> {
    let Some(validation) = VALIDATIONS.find(validation.addr()) else {
        return plain(WS_E_HANDLE, NOT_A_VALIDATION);
    };
    let mut stage = lock(&validation.stage);
    match *stage {
        Stage::Asking | Stage::Deferring => *stage = Stage::Deferring,
        Stage::Deferred => {}
        Stage::Answered(_) | Stage::Over => return Err(ANSWERED.into()),
    }
    Ok(())
}

pub fn answer(validation: *mut ws_validation, accept: bool) -> Result<(), Failure> {
    let Some(validation) = VALIDATIONS.find(validation.addr()) else {
        return plain(WS_E_HANDLE, NOT_A_VALIDATION);
    };
    let mut stage = lock(&validation.stage);
    match *stage {
        Stage::Asking | Stage::Deferring => *stage = Stage::Answered(accept),
        Stage::Deferred => {
            *stage = Stage::Over;
            drop(stage);
            if !validation.entry.socket.validated(accept) {
                return plain(WS_E_HANDLE, NOT_A_VALIDATION);
            }
        }
        Stage::Answered(_) | Stage::Over => return Err(ANSWERED.into()),
    }
    Ok(())
}

const ANSWERED: Misuse = Misuse::IllegalState("validation has been answered already");
