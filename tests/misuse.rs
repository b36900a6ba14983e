//! Misuse: every function with bad handles and bad arguments, in every state, from every place.
//! Each cell answers exactly what the header says, at once, and explains itself; afterwards the
//! library works as before.
#![cfg(unix)]
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "misuse/arguments.rs"]
mod arguments;
#[path = "misuse/certificates.rs"]
mod certificates;
#[path = "misuse/credentials.rs"]
mod credentials;
#[path = "misuse/data.rs"]
mod data;
#[path = "misuse/functions.rs"]
mod functions;
#[path = "misuse/handles.rs"]
mod handles;
#[path = "misuse/own_callbacks.rs"]
mod own_callbacks;
#[path = "misuse/places.rs"]
mod places;
#[path = "misuse/queues.rs"]
mod queues;
#[path = "misuse/settings.rs"]
mod settings;
#[path = "misuse/sheet.rs"]
mod sheet;
#[path = "misuse/streams.rs"]
mod streams;
#[path = "misuse/subjects.rs"]
mod subjects;

use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use functions::{Function, bad_arguments, functions};
use places::{KINDS, Place};
use sheet::{Answer, Sheet};
use subjects::{STATES, assert_alive, socket_of, subject};

/// What `function` answers for a socket in the state of that number.
fn expected(function: &Function, state: usize, is_on_io_thread: bool) -> Answer {
    match &function.answers {
        Some((_, on_io)) if is_on_io_thread => Answer::Result(on_io[state]),
        Some((elsewhere, _)) => Answer::Result(elsewhere[state]),
        None if function.name == "ws_get_state" => Answer::Value(u64::from(STATES[state])),
        None => Answer::Value(0),
    }
}

#[test]
fn every_function_answers_for_the_state_and_the_place_it_is_called_from() {
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        let is_on_io_thread = place.is_on_io_thread();
        for (number, state) in STATES.into_iter().enumerate() {
            for function in functions() {
                // What waits in CLOSING is the close frame, perhaps.
                if function.name == "ws_buffered_amount" && number == 3 {
                    continue;
                }
                let handle = subject(state);
                sheet.add(place.run(move || {
                    let mut sheet = Sheet::default();
                    let what = format_args!("{} in state {state}, {kind:?}", function.name);
                    let answer = expected(&function, number, is_on_io_thread);
                    let call = &mut || (function.call)(socket_of(handle));
                    sheet.cell(&what, answer, function.word, call);
                    sheet
                }));
                ws_socket_free(socket_of(handle));
            }
        }
        assert_alive();
    }
    sheet.pass(1_200);
}

#[test]
fn every_bad_argument_is_refused_in_every_state_and_place() {
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        for (number, state) in STATES.into_iter().enumerate() {
            let handle = subject(state);
            sheet.add(place.run(move || {
                let mut sheet = Sheet::default();
                for function in bad_arguments() {
                    // What waits refuses to be called here before it looks at the state.
                    let what = format_args!("{} in state {state}, {kind:?}", function.name);
                    let answer = expected(&function, number, false);
                    let is_refused_by_state = answer == Answer::Result(WS_E_ILLEGAL_METHOD_CALL)
                        || answer == Answer::Result(WS_E_CLOSED);
                    let word = if is_refused_by_state { "" } else { function.word };
                    sheet.cell(&what, answer, word, &mut || (function.call)(socket_of(handle)));
                }
                sheet
            }));
            assert_eq!(ws_get_state(socket_of(handle)), state, "nothing has changed");
            assert_eq!(ws_socket_free(socket_of(handle)), WS_OK);
        }
        assert_alive();
    }
    sheet.pass(1_500);
}
