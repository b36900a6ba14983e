//! Certificates of both sides: what is wrong with a server's and what of it may be ignored,
//! revocation lists, pins, the client's own, sessions that are taken up again, and the cost of
//! chains that were made to cost.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "certificates/borders.rs"]
mod borders;
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
use anyws::ffi::information::ws_get_information_bytes;
use anyws::ffi::result::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;
use support::client::{Client, Mode};
use support::route::Route;
use support::server::pki;
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

/// The same on another way; proxies inside TLS are trusted as well.
fn client_by(route: Route, mode: Mode, authority: &Authority) -> Client {
    let client = match route {
        Route::Https => trusting(mode, &(pki().ca_pem.clone() + &authority.pem)),
        _ => client_of(mode, authority),
    };
    client.set_text(WS_CONTROL_PROXY, &route.proxy());
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

/// What can be read as bytes.
fn bytes_of(client: &Client, which: ws_information, index: u32) -> Result<Vec<u8>, ws_result> {
    let mut length = 0;
    let mut read = |buffer: *mut std::ffi::c_void, capacity| {
        ws_get_information_bytes(client.socket, which, index, buffer, capacity, &raw mut length)
    };
    match read(std::ptr::null_mut(), 0) {
        WS_OK => {}
        result => return Err(result),
    }
    let mut bytes = vec![0; 1 << 17];
    assert_eq!(read(bytes.as_mut_ptr().cast(), bytes.len()), WS_OK);
    bytes.truncate(length);
    Ok(bytes)
}

fn severity_of(client: &Client) -> u64 {
    client.information(WS_INFORMATION_SERVER_CERTIFICATE_ERROR_SEVERITY)
}

/// A message there and back, so that it is known to work.
fn converse(client: &Client) {
    assert_eq!(client.send_text("good morning"), WS_OK);
    assert_eq!(client.next_text(), "good morning");
}
