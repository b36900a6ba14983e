//! Certificates of both sides: what is wrong with a server's and what of it may be ignored,
//! revocation lists, pins, the client's own, sessions that are taken up again, and the cost of
//! chains that were made to cost.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "certificates/client_certificates.rs"]
mod client_certificates;
#[path = "certificates/combinations.rs"]
mod combinations;
#[path = "certificates/costs.rs"]
mod costs;
#[path = "certificates/key_log.rs"]
mod key_log;
#[path = "certificates/matrix.rs"]
mod matrix;
#[path = "certificates/peers.rs"]
mod peers;
#[path = "certificates/pins.rs"]
mod pins;
#[path = "certificates/revocation.rs"]
mod revocation;
#[path = "certificates/sessions.rs"]
mod sessions;
#[path = "certificates/site.rs"]
mod site;
mod support;
#[path = "certificates/system_store.rs"]
#[cfg(target_os = "linux")]
mod system_store;
#[path = "certificates/workshop.rs"]
mod workshop;

use anyws::ffi::controls::*;
use anyws::ffi::result::*;
use anyws::ffi::types::*;
use support::client::{Client, Mode};
use workshop::Authority;

/// Every bit that may be ignored.
const ALL_IGNORABLE: u64 = 0x3fff & !(1 << 2 | 1 << 5);

/// A client that trusts `authority` alone.
fn client_of(mode: Mode, authority: &Authority) -> Client {
    trusting(mode, &authority.pem)
}

fn trusting(mode: Mode, pem: &str) -> Client {
    let client = Client::new(mode);
    client.set(WS_CONTROL_TRUST_SYSTEM_STORE, 0);
    set_bytes(&client, WS_CONTROL_TRUSTED_CERTIFICATES, pem.as_bytes());
    client
}

fn set_bytes(client: &Client, control: ws_control, bytes: &[u8]) {
    assert_eq!(try_bytes(client, control, bytes), WS_OK);
}

fn try_bytes(client: &Client, control: ws_control, bytes: &[u8]) -> ws_result {
    ws_set_control_bytes(client.socket, control, bytes.as_ptr().cast(), bytes.len())
}

/// Connects and tells the result.
fn connect(client: &mut Client, uri: &str) -> ws_result {
    client.connect(uri);
    client.connect_result()
}

fn errors_of(client: &Client) -> u64 {
    client.information(WS_INFORMATION_SERVER_CERTIFICATE_ERRORS)
}

fn severity_of(client: &Client) -> u64 {
    client.information(WS_INFORMATION_SERVER_CERTIFICATE_ERROR_SEVERITY)
}

/// A message there and back, so that it is known to work.
fn converse(client: &Client) {
    assert_eq!(client.send_text("good morning"), WS_OK);
    assert_eq!(client.next_text(), "good morning");
}
