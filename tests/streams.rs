//! Stream sockets through the C functions: bytes in and out, over ws and wss.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::ffi::CString;

use anyws::ffi::controls::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;
use support::server::{self, BOTH, Server, frame, pki};

fn connected(uri: &str, set: impl Fn(*mut ws_socket)) -> *mut ws_socket {
    let socket = ws_stream_socket_new();
    let ca = &pki().ca_pem;
    let control = WS_CONTROL_TRUSTED_CERTIFICATES;
    assert_eq!(ws_set_control_bytes(socket, control, ca.as_ptr().cast(), ca.len()), WS_OK);
    set(socket);
    let uri = CString::new(uri).unwrap();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 10_000), WS_OK);
    socket
}

fn write(socket: *mut ws_socket, bytes: &[u8]) -> (ws_result, usize) {
    let mut count = usize::MAX;
    let result = ws_write_wait(socket, bytes.as_ptr().cast(), bytes.len(), 20_000, &raw mut count);
    (result, count)
}

fn read(
    socket: *mut ws_socket,
    capacity: usize,
    options: ws_read_options,
    timeout_ms: u32,
) -> (ws_result, Vec<u8>) {
    let mut buf = vec![0u8; capacity];
    let mut count = usize::MAX;
    let start = buf.as_mut_ptr().cast();
    let result = ws_read_wait(socket, start, capacity, options, timeout_ms, &raw mut count);
    buf.truncate(count);
    (result, buf)
}

#[test]
fn bytes_come_back_whatever_the_sizes_of_reads_and_writes() {
    for tls in BOTH {
        for compression in [0, 1] {
            let server = Server::echo(tls);
            let socket = connected(&server.uri(), |socket| {
                assert_eq!(ws_set_control(socket, WS_CONTROL_COMPRESSION, compression), WS_OK);
            });
            let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n * 7 + n / 251) as u8).collect();
            let mut at = 0;
            for size in [0, 1, 125, 126, 65_528, 65_529, 200_000, 1 << 20] {
                assert_eq!(write(socket, &bytes[at..at + size]), (WS_OK, size));
                let (result, back) = read(socket, size, WS_READ_NONE, 20_000);
                assert_eq!(result, WS_OK);
                assert!(back == bytes[at..at + size], "{size} bytes, {tls:?}");
                at += size;
            }
            assert_eq!(ws_close_wait(socket, 1000, c"".as_ptr(), 10_000), WS_OK);
            assert_eq!(read(socket, 10, WS_READ_NONE, 1000), (WS_E_ABORT, vec![]));
            assert_eq!(ws_socket_free(socket), WS_OK);
        }
    }
}

#[test]
fn a_clean_close_cuts_a_read_short_and_then_reads_nothing() {
    for tls in BOTH {
        let (server, _) = Server::scripted(tls, |stream, _| {
            use std::io::Write;
            let mut bytes = frame(0x82, b"one ");
            bytes.extend(frame(0x01, b"two "));
            bytes.extend(frame(0x80, b"three"));
            let _ = stream.write_all(&bytes);
            let _ = stream.write_all(&frame(0x88, b"\x03\xe8"));
            server::finish(stream);
        });
        let socket = connected(&server.uri(), |_| {});
        let (result, first) = read(socket, 4, WS_READ_PARTIAL, 10_000);
        assert_eq!(result, WS_OK);
        let (result, rest) = read(socket, 100, WS_READ_NONE, 10_000);
        assert_eq!(result, WS_OK);
        assert_eq!([first, rest].concat(), b"one two three");
        for options in [WS_READ_NONE, WS_READ_PARTIAL] {
            assert_eq!(read(socket, 10, options, 10_000), (WS_OK, vec![]), "again and again");
        }
        assert_eq!(ws_socket_free(socket), WS_OK);
    }
}
