//! The way to a server: names with several addresses, proxies of every kind, redirects, answers to
//! challenges, and an application that changes its mind on the way.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "reach/addresses.rs"]
mod addresses;
#[path = "reach/challenges.rs"]
mod challenges;
#[path = "reach/digest.rs"]
mod digest;
#[path = "reach/environment.rs"]
mod environment;
#[path = "reach/http_proxies.rs"]
mod http_proxies;
#[path = "reach/installed.rs"]
mod installed;
#[path = "reach/leaving.rs"]
mod leaving;
#[path = "reach/proxy.rs"]
mod proxy;
#[path = "reach/redirects.rs"]
mod redirects;
#[path = "reach/secrets.rs"]
mod secrets;
#[path = "reach/site.rs"]
mod site;
#[path = "reach/socks.rs"]
mod socks;
mod support;

use std::ffi::CString;

use anyws::ffi::controls::ws_set_credential;
use anyws::ffi::result::*;
use anyws::ffi::socket::ws_get_state;
use anyws::ffi::types::*;
use support::client::Client;

/// The result of an answer with this HTTP status.
fn http_status(status: u32) -> ws_result {
    (0x8019_0000 + status).cast_signed()
}

fn set_credential(client: &Client, which: ws_credential, user: &str, password: &str) {
    let (user, password) = (CString::new(user).unwrap(), CString::new(password).unwrap());
    let set = ws_set_credential(client.socket, which, user.as_ptr(), password.as_ptr());
    assert_eq!(set, WS_OK);
}

/// The connect completes with the failure, and what can be asked about it agrees.
#[track_caller]
fn assert_fails(client: &Client, result: ws_result, phase: ws_error_phase) {
    let completed = client.connect_result();
    assert_eq!(completed, result, "{completed:#x} instead of {result:#x}");
    let error = client.error();
    assert_eq!((error.result, error.phase), (result, phase));
    assert_eq!(error.web_error_status, anyws::ffi::mapping::web_error_status(result));
    assert_ne!(error.text[0], 0);
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
}

/// The connect succeeds, messages of several sizes come back, and it ends cleanly.
#[track_caller]
fn assert_echoes(client: Client) {
    assert_echoes_all(client, &[0, 125, 70_000, 1 << 20]);
}

/// The same with little: for those who only want to know whether it works.
#[track_caller]
fn assert_talks(client: Client) {
    assert_echoes_all(client, &[125]);
}

#[track_caller]
fn assert_echoes_all(mut client: Client, sizes: &[usize]) {
    let result = client.connect_result();
    assert_eq!(result, WS_OK, "{result:#x}: {}", text_of(&client.error()));
    client.begin_pulling();
    assert_eq!(client.send_text("first"), WS_OK);
    assert_eq!(client.next_text(), "first");
    for size in sizes {
        let message: Vec<u8> = (0..*size).map(|at| (at % 251) as u8).collect();
        assert_eq!(client.send_binary(&message), WS_OK);
        assert!(client.next_message() == (WS_MESSAGE_TYPE_BINARY, message), "{size} bytes");
    }
    assert_eq!(client.close(1000, "done"), WS_OK);
    let (before, closed) = client.until_closed();
    assert_eq!((before, closed.result, closed.code), (vec![], WS_OK, 1000));
    assert_eq!(client.free(), []);
}

fn text_of(error: &ws_error) -> String {
    let text = unsafe { std::ffi::CStr::from_ptr(error.text.as_ptr()) };
    text.to_str().unwrap().to_owned()
}
