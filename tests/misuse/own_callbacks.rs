//! Calls from inside a socket's own callbacks: each is answered as anywhere on the I/O thread, and
//! ending the socket there ends it.

use anyws::ffi::controls::*;
use anyws::ffi::events::*;
use anyws::ffi::library::ws_shutdown;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::expected;
use crate::functions::{bad_arguments, functions};
use crate::places::{Desk, on_closed, on_completed, on_message, on_released, on_validation};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{assert_alive, mute_uri, secure_uri, silent_uri, socket_of};
use crate::support::server::pki;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Completed,
    FailedCompleted,
    Message,
    Closed,
    Validation,
    Released,
}

impl Own {
    /// The number of the state that a socket is in there; `None`: its handle is stale.
    fn state(self) -> Option<usize> {
        match self {
            Own::FailedCompleted => Some(0),
            Own::Validation => Some(1),
            Own::Completed | Own::Message => Some(2),
            Own::Closed => Some(4),
            Own::Released => None,
        }
    }

    /// Makes a socket; what follows leads to the callback.
    fn socket(self, desk: &'static Desk) -> *mut ws_socket {
        let socket = ws_message_socket_new();
        let user_data = desk.user_data();
        let registered = match self {
            Own::Message => ws_on_message_received(socket, Some(on_message), user_data),
            Own::Closed => ws_on_closed(socket, Some(on_closed), user_data),
            Own::Released => ws_on_released(socket, Some(on_released), user_data),
            Own::Validation => {
                let pem = pki().ca_pem.as_bytes();
                let control = WS_CONTROL_TRUSTED_CERTIFICATES;
                let set = ws_set_control_bytes(socket, control, pem.as_ptr().cast(), pem.len());
                assert_eq!(set, WS_OK);
                ws_on_server_custom_validation_requested(socket, Some(on_validation), user_data)
            }
            Own::Completed | Own::FailedCompleted => WS_OK,
        };
        assert_eq!(registered, WS_OK);
        socket
    }

    fn lead(self, socket: *mut ws_socket, desk: &'static Desk) {
        let nobody = std::ptr::null_mut();
        let connect = |uri: &std::ffi::CStr, completed: ws_completed_fn, user_data| {
            assert_eq!(ws_connect(socket, uri.as_ptr(), completed, user_data), WS_OK);
        };
        match self {
            Own::Completed => connect(mute_uri(), Some(on_completed), desk.user_data()),
            Own::FailedCompleted => {
                connect(silent_uri(), Some(on_completed), desk.user_data());
                assert_eq!(ws_abort(socket), WS_OK);
            }
            Own::Message => connect(mute_uri(), None, nobody),
            Own::Validation => connect(secure_uri(), None, nobody),
            Own::Closed => {
                assert_eq!(ws_connect_wait(socket, mute_uri().as_ptr(), 30_000), WS_OK);
                assert_eq!(ws_abort(socket), WS_OK);
            }
            Own::Released => assert_eq!(ws_socket_free(socket), WS_OK),
        }
    }
}

const ALL: [Own; 6] = [
    Own::Completed,
    Own::FailedCompleted,
    Own::Message,
    Own::Closed,
    Own::Validation,
    Own::Released,
];

#[test]
fn every_function_answers_inside_the_sockets_own_callbacks() {
    let mut sheet = Sheet::default();
    for own in ALL {
        let desk = Desk::new();
        for function in functions().into_iter().chain(bad_arguments()) {
            let receives = function.name.starts_with("ws_receive");
            if receives && !matches!(own, Own::Message | Own::Released) {
                // Messages are pulled there, and what came is there already, or not yet.
                continue;
            }
            let socket = own.socket(desk);
            let handle = socket.addr();
            let job = move || {
                let mut sheet = Sheet::default();
                let expected = match own.state() {
                    Some(_) if function.name == "ws_receive: NULL" => Answer::Result(WS_E_POINTER),
                    // Messages go to the handler that this is.
                    Some(_) if receives => Answer::Result(WS_E_ILLEGAL_METHOD_CALL),
                    Some(state) => expected(&function, state, true),
                    None if function.answers.is_none() => Answer::Value(0),
                    None => Answer::Result(WS_E_HANDLE),
                };
                let what = format_args!("{} in own {own:?}", function.name);
                sheet.cell(&what, expected, "", &mut || (function.call)(socket_of(handle)));
                sheet
            };
            sheet.add(desk.run(job, || own.lead(socket, desk)));
            ws_socket_free(socket);
        }
        assert_alive();
    }
    sheet.pass(500);
}

#[test]
fn shutdown_is_refused_inside_every_callback() {
    let mut sheet = Sheet::default();
    let refused = Answer::Result(WS_E_REENTRANT);
    for timeout_ms in [0, 1, WS_INFINITE] {
        for own in ALL {
            let desk = Desk::new();
            let socket = own.socket(desk);
            let job = move || {
                let mut sheet = Sheet::default();
                let what = format_args!("shutdown in own {own:?}");
                sheet.cell(&what, refused, "", &mut || Answer::Result(ws_shutdown(timeout_ms)));
                sheet
            };
            sheet.add(desk.run(job, || own.lead(socket, desk)));
            ws_socket_free(socket);
        }
        for kind in crate::places::KINDS {
            let place = crate::places::Place::new(kind);
            if place.is_in_callback() {
                sheet.add(place.run(move || {
                    let mut sheet = Sheet::default();
                    let what = format_args!("shutdown in {kind:?}");
                    sheet.cell(&what, refused, "", &mut || Answer::Result(ws_shutdown(timeout_ms)));
                    sheet
                }));
            }
        }
    }
    assert_alive();
    sheet.pass(3 * (6 + 4));
}
