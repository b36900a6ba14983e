//! Names: lookups that fail in every way, that hang, and that answer with many addresses, good and
//! bad. The system's function is played by `resolver`; the addresses are this machine's.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "lookups/addresses.rs"]
mod addresses;
#[path = "lookups/crowds.rs"]
mod crowds;
#[path = "lookups/failures.rs"]
mod failures;
#[path = "lookups/hanging.rs"]
mod hanging;
#[path = "support/resolver.rs"]
#[allow(dead_code)]
mod resolver;
#[path = "lookups/shutdown.rs"]
mod shutdown;
#[path = "lookups/socks.rs"]
mod socks;
mod support;

use std::process::Command;

use anyws::ffi::mapping::web_error_status;
use anyws::ffi::result::*;
use anyws::ffi::socket::ws_get_state;
use anyws::ffi::types::*;
use support::client::Client;
use support::server::Server;

const ALONE: &str = "ANYWS_TEST_ALONE";

/// Whether this is a process of its own for the test `name`; otherwise it has been run in one.
fn is_alone(name: &str) -> bool {
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{text}", output.status);
    // Otherwise the name was wrong and nothing ran.
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    false
}

/// The connect completes with the failure, and what can be asked about it agrees; the sentence.
#[track_caller]
fn assert_fails(client: &Client, result: ws_result, phase: ws_error_phase) -> String {
    let completed = client.connect_result();
    let error = client.error();
    let text = text_of(&error);
    assert_eq!(completed, result, "{completed:#x} instead of {result:#x}: {text}");
    assert_eq!((error.result, error.phase), (result, phase), "{text}");
    assert_eq!(error.web_error_status, web_error_status(result));
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
    text
}

fn text_of(error: &ws_error) -> String {
    let text = unsafe { std::ffi::CStr::from_ptr(error.text.as_ptr()) };
    text.to_str().unwrap().to_owned()
}

#[track_caller]
fn assert_connects(client: &Client) {
    let result = client.connect_result();
    assert_eq!(result, WS_OK, "{result:#x}: {}", text_of(&client.error()));
}

fn port_of(server: &Server) -> u16 {
    server.address.port()
}
