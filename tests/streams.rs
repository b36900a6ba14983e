//! Stream sockets through the C functions: bytes in and out, over ws and wss, compressed or not, in
//! every way in which a program can wait for them.
#![cfg(unix)]
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "streams/backpressure.rs"]
mod backpressure;
#[path = "streams/callbacks.rs"]
mod callbacks;
#[path = "streams/cancelling.rs"]
mod cancelling;
#[path = "streams/ending.rs"]
mod ending;
#[path = "streams/exactness.rs"]
mod exactness;
#[path = "streams/kinds.rs"]
mod kinds;
#[path = "streams/lending.rs"]
mod lending;
#[path = "streams/losses.rs"]
mod losses;
#[path = "streams/reading.rs"]
mod reading;
#[path = "streams/writing.rs"]
mod writing;

use std::io::Write;

use anyws::ffi::types::ws_socket;
use support::client::{Client, Mode};
use support::server::{Stream, Tls};
use support::stream_client::StreamClient;
use support::stream_server::puppet;

/// A client and the server's end of its connection.
fn pair(mode: Mode, tls: Tls) -> (StreamClient, Stream) {
    pair_with(mode, tls, |_| {})
}

fn pair_with(mode: Mode, tls: Tls, set: impl Fn(&Client)) -> (StreamClient, Stream) {
    let (server, streams) = puppet(tls);
    let client = StreamClient::connected_with(mode, &server.uri(), set);
    let stream = streams.recv_timeout(support::DEADLINE).expect("the server's end");
    (client, stream)
}

fn send(stream: &mut Stream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    stream.flush().unwrap();
}

/// Of a socket that another thread may use.
fn socket_of(handle: usize) -> *mut ws_socket {
    std::ptr::without_provenance_mut(handle)
}
