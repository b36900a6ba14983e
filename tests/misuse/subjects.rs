//! Sockets in every state, and the servers that keep them there.

use std::ffi::{CStr, CString};
use std::net::TcpListener;
use std::sync::OnceLock;

use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::stream::ws_stream_socket_new;
use anyws::ffi::types::*;

use crate::support::client::{Client, Mode, last_error_message};
use crate::support::server::{Server, Tls, frame, read_to_end, upgrade_then};

pub const STATES: [ws_state; 5] =
    [WS_STATE_CREATED, WS_STATE_CONNECTING, WS_STATE_OPEN, WS_STATE_CLOSING, WS_STATE_CLOSED];

pub fn socket_of(handle: usize) -> *mut ws_socket {
    std::ptr::without_provenance_mut(handle)
}

/// Accepted by the system and never answered: whoever connects here stays connecting.
pub fn silent_uri() -> &'static CStr {
    static SILENT: OnceLock<CString> = OnceLock::new();
    SILENT.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("ws://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for tcp in listener.incoming().flatten() {
                held.push(tcp);
                // Only so many are ever at work at the same time.
                if held.len() > 64 {
                    held.remove(0);
                }
            }
        });
        CString::new(uri).unwrap()
    })
}

fn uri_of(place: &'static OnceLock<(Server, CString)>, make: fn() -> Server) -> &'static CStr {
    let (_, uri) = place.get_or_init(|| {
        let server = make();
        let uri = CString::new(server.uri()).unwrap();
        (server, uri)
    });
    uri
}

/// Upgrades, says one thing, and then nothing any more, not even in answer to a close frame.
fn mute(tls: Tls) -> Server {
    Server::raw(tls, |mut stream| {
        upgrade_then(&mut stream, &frame(0x81, b"go"));
        read_to_end(&mut stream);
    })
}

pub fn mute_uri() -> &'static CStr {
    static PLACE: OnceLock<(Server, CString)> = OnceLock::new();
    uri_of(&PLACE, || mute(Tls::No))
}

pub fn secure_uri() -> &'static CStr {
    static PLACE: OnceLock<(Server, CString)> = OnceLock::new();
    uri_of(&PLACE, || mute(Tls::Good))
}

/// Upgrades and says nothing before it is asked.
fn quiet_uri() -> &'static CStr {
    static PLACE: OnceLock<(Server, CString)> = OnceLock::new();
    uri_of(&PLACE, || {
        Server::raw(Tls::No, |mut stream| {
            upgrade_then(&mut stream, b"");
            read_to_end(&mut stream);
        })
    })
}

pub fn echo_uri() -> &'static CStr {
    static PLACE: OnceLock<(Server, CString)> = OnceLock::new();
    uri_of(&PLACE, || Server::echo(Tls::No))
}

/// A new socket that was brought into `state`.
pub fn subject(state: ws_state) -> usize {
    brought(ws_message_socket_new(), state)
}

/// The same of a stream socket.
pub fn stream_subject(state: ws_state) -> usize {
    brought(ws_stream_socket_new(), state)
}

fn brought(socket: *mut ws_socket, state: ws_state) -> usize {
    assert!(!socket.is_null(), "{}", last_error_message());
    let open = |uri: &CStr| {
        let result = ws_connect_wait(socket, uri.as_ptr(), 30_000);
        assert_eq!(result, WS_OK, "{}", last_error_message());
    };
    match state {
        WS_STATE_CREATED => {}
        WS_STATE_CONNECTING => {
            let begun = ws_connect(socket, silent_uri().as_ptr(), None, std::ptr::null_mut());
            assert_eq!(begun, WS_OK);
        }
        WS_STATE_OPEN => open(quiet_uri()),
        WS_STATE_CLOSING => {
            open(quiet_uri());
            assert_eq!(ws_close(socket, 1000, std::ptr::null()), WS_OK);
        }
        _ => {
            open(echo_uri());
            assert_eq!(ws_close_wait(socket, 1000, std::ptr::null(), 30_000), WS_OK);
        }
    }
    assert_eq!(ws_get_state(socket), state);
    socket.addr()
}

/// The rest of the library is as well as ever.
pub fn assert_alive() {
    let client = Client::connected(Mode::Callback, echo_uri().to_str().unwrap());
    assert_eq!(client.send_text("still there?"), WS_OK);
    assert_eq!(client.next_text(), "still there?");
    assert_eq!(client.free(), []);
}
