//! Messages that do not lie whole in a read: among small ones, in pieces, and kept by the application
//! while the memory of others is used again.

use std::ffi::{CString, c_void};
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use anyws::ffi::events::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode};
use crate::support::server::{
    BOTH, Server, Tls, eventually, finish, frame, read_frame, read_to_end, upgrade, upgrade_then,
};
use crate::support::told::bytes_of;

/// Of a message, and how long its frames are.
const SHAPES: [(usize, usize); 20] = [
    (1 << 20, usize::MAX),
    (5, usize::MAX),
    (600_000, usize::MAX),
    (300_000, usize::MAX),
    (40, 7),
    (3 << 20, usize::MAX),
    (1 << 20, 16_384),
    (200, usize::MAX),
    (70_000, usize::MAX),
    (0, usize::MAX),
    (400_000, 300_000),
    (400_000, 100_000),
    (262_144, usize::MAX),
    (262_145, usize::MAX),
    (16_000, usize::MAX),
    (9 << 20, usize::MAX),
    (1, usize::MAX),
    (9 << 20, usize::MAX),
    (2 << 20, 1 << 20),
    (5, 2),
];

fn payload(number: usize) -> Vec<u8> {
    (0..SHAPES[number].0).map(|at| (at * 31 + at / 509 + number * 17) as u8).collect()
}

fn stream() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, (_, frame_len)) in SHAPES.into_iter().enumerate() {
        let payload = payload(number);
        let mut pieces: Vec<_> = payload.chunks(frame_len.min(payload.len().max(1))).collect();
        let last = pieces.pop().unwrap_or_default();
        for (at, piece) in pieces.iter().enumerate() {
            bytes.extend(frame(if at == 0 { 0x02 } else { 0x00 }, piece));
            bytes.extend(frame(0x8a, b"between"));
        }
        bytes.extend(frame(if pieces.is_empty() { 0x82 } else { 0x80 }, last));
    }
    bytes
}

fn server_of(tls: Tls) -> Server {
    let bytes = stream();
    Server::raw(tls, move |mut stream| {
        upgrade_then(&mut stream, &bytes);
        read_to_end(&mut stream);
    })
}

#[test]
fn large_ones_and_small_ones_come_as_they_were_sent() {
    for tls in BOTH {
        let server = server_of(tls);
        for mode in MODES {
            let client = Client::connected(mode, &server.uri());
            for number in 0..SHAPES.len() {
                let (kind, bytes) = client.next_message();
                assert_eq!(kind, WS_MESSAGE_TYPE_BINARY);
                assert!(bytes == payload(number), "{number}, {mode:?}, {tls:?}");
            }
        }
    }
}

/// The system need not wake anybody before much of it is there; but what comes behind it is as quick
/// as ever.
#[test]
fn one_that_stops_short_of_its_end_is_taken_so_far_and_ends_with_its_last_byte() {
    const SHORT: usize = 10;
    let sizes = [5, 400_000, 100, 3 << 20, 700_000, 20];
    for tls in BOTH {
        let server = Server::raw(tls, move |mut stream| {
            upgrade(&mut stream);
            read_frame(&mut stream);
            for size in sizes {
                let bytes = frame(0x82, &vec![7; size]);
                let (most, last) =
                    bytes.split_at(bytes.len() - if size > 1000 { SHORT } else { 0 });
                stream.write_all(most).unwrap();
                stream.flush().unwrap();
                if read_frame(&mut stream).is_none() {
                    return;
                }
                stream.write_all(last).unwrap();
                stream.flush().unwrap();
            }
            stream.write_all(&frame(0x82, &vec![7; 1 << 20])[..900_000]).unwrap();
            stream.flush().unwrap();
            finish(&mut stream);
        });
        for mode in [Mode::Callback, Mode::Dispatch] {
            let client = Client::connected(mode, &server.uri());
            let before = client.statistics().bytes_received;
            assert_eq!(client.send_text("begin"), WS_OK);
            let mut sent = 0;
            for size in sizes {
                sent += frame(0x82, &vec![7; size]).len() as u64;
                let short = if size > 1000 { SHORT as u64 } else { 0 };
                let all_there = || client.statistics().bytes_received - before == sent - short;
                assert!(eventually(all_there), "{size}, {mode:?}, {tls:?}");
                assert_eq!(client.send_text("go on"), WS_OK);
                assert!(client.next_message() == (WS_MESSAGE_TYPE_BINARY, vec![7; size]));
            }
            let closed = client.next_closed();
            assert!(!closed.was_clean, "{closed:?}");
        }
    }
}

struct Keeper {
    kept: Mutex<Vec<(usize, usize)>>,
    done: Sender<()>,
    /// Every so many are kept.
    step: usize,
}

unsafe extern "C-unwind" fn keep(
    _: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut c_void,
) {
    let keeper = unsafe { &*user_data.cast::<Keeper>() };
    let mut kept = keeper.kept.lock().unwrap();
    let number = kept.len();
    assert!(unsafe { bytes_of(message) } == payload(number), "{number}");
    let is_kept = number.is_multiple_of(keeper.step);
    kept.push((number, if is_kept { ws_message_retain(message).expose_provenance() } else { 0 }));
    if kept.len() == SHAPES.len() {
        keeper.done.send(()).unwrap();
    }
}

#[test]
fn what_is_retained_stays_as_it_was_while_others_come() {
    let server = server_of(Tls::No);
    for step in 1..=4 {
        let (done, is_done) = channel();
        let keeper = Keeper { kept: Mutex::default(), done, step };
        let socket = ws_message_socket_new();
        let user_data = (&raw const keeper).cast_mut().cast();
        assert_eq!(ws_on_message_received(socket, Some(keep), user_data), WS_OK);
        let uri = CString::new(server.uri()).unwrap();
        assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 10_000), WS_OK);
        is_done.recv_timeout(DEADLINE).unwrap();
        assert_eq!(ws_socket_free(socket), WS_OK);
        for (number, kept) in keeper.kept.lock().unwrap().drain(..).filter(|(_, kept)| *kept != 0) {
            let message = std::ptr::with_exposed_provenance_mut::<ws_message>(kept);
            assert!(unsafe { bytes_of(message) } == payload(number), "{number}");
            let behind = unsafe { *(*message).data.add((*message).len) };
            assert_eq!(behind, 0);
            ws_message_release(message);
        }
    }
}
