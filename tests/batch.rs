//! Many messages with one call: what arrives, in which order, how many fit, and what is refused
//! whole. With compression see `compression/batches`.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc::{Receiver, channel};

use anyws::ffi::events::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::stream::ws_stream_socket_new;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, MODES, Mode, Told, last_error_message};
use support::gate::Gate;
use support::server::{BOTH, Server, Tls, eventually, frame, read_frame, upgrade, upgrade_then};

const TEXT: ws_message_type = WS_MESSAGE_TYPE_UTF8;
const BINARY: ws_message_type = WS_MESSAGE_TYPE_BINARY;

fn buffers<T: AsRef<[u8]>>(messages: &[T]) -> Vec<ws_buffer> {
    let buffer = |bytes: &[u8]| ws_buffer { data: bytes.as_ptr().cast(), len: bytes.len() };
    messages.iter().map(|message| buffer(message.as_ref())).collect()
}

/// The answer, and how many were accepted.
fn send<T: AsRef<[u8]>>(
    socket: *mut ws_socket,
    kind: ws_message_type,
    messages: &[T],
) -> (ws_result, usize) {
    let buffers = buffers(messages);
    let mut accepted = 12_345;
    let result = ws_send_batch(socket, kind, buffers.as_ptr(), buffers.len(), &raw mut accepted);
    (result, accepted)
}

/// A server that tells every frame of its only client: the first byte and the payload. Once the gate
/// is open it reads; its sockets hold little.
fn telling(tls: Tls, gate: &Gate) -> (Server, Receiver<(u8, Vec<u8>)>) {
    let (teller, told) = channel();
    let gate = gate.clone();
    let server = Server::raw(tls, move |mut stream| {
        let socket = socket2::SockRef::from(stream.tcp());
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        upgrade(&mut stream);
        gate.pass();
        while let Some(frame) = read_frame(&mut stream) {
            if teller.send(frame).is_err() {
                break;
            }
        }
    });
    (server, told)
}

fn open_gate() -> Gate {
    let gate = Gate::default();
    gate.open();
    gate
}

fn next(told: &Receiver<(u8, Vec<u8>)>) -> (u8, Vec<u8>) {
    told.recv_timeout(DEADLINE).expect("a frame in time")
}

fn numbered(number: u32, len: usize) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(len.max(4), number as u8);
    bytes
}

#[test]
fn each_buffer_arrives_as_one_message_byte_for_byte() {
    for tls in BOTH {
        let (server, told) = telling(tls, &open_gate());
        let client = Client::connected(Mode::Callback, &server.uri());
        for kind in [TEXT, BINARY] {
            let lens = (0..200).chain([1_000, 65_535, 65_536, 70_000, 0, 1]);
            let messages: Vec<_> = lens
                .map(|len| (0..len).map(|n| ((n * 7 + len) % 128) as u8).collect::<Vec<_>>())
                .collect();
            assert_eq!(send(client.socket, kind, &messages), (WS_OK, messages.len()));
            for message in &messages {
                let first = if kind == TEXT { 0x81 } else { 0x82 };
                assert!(next(&told) == (first, message.clone()), "{} bytes", message.len());
            }
        }
        let texts = ["κόσμε", "", "🎮", "plain"];
        assert_eq!(send(client.socket, TEXT, &texts), (WS_OK, 4));
        for text in texts {
            assert_eq!(next(&told), (0x81, text.into()));
        }
    }
}

/// A large one leaves in several frames, and so does a batch of one.
#[test]
fn large_messages_keep_their_place_in_a_batch() {
    for tls in BOTH {
        let server = Server::echo(tls);
        let client = Client::connected(Mode::Callback, &server.uri());
        let messages: Vec<_> = [5, 1 << 20, 7, (3 << 20) + 1, 0, 64 << 10]
            .map(|len| (0..len).map(|n| (n * 31 + n / 251) as u8).collect::<Vec<_>>())
            .into();
        for part in [&messages[..], &messages[1..2], &messages[3..4], &messages[4..5]] {
            assert_eq!(send(client.socket, BINARY, part), (WS_OK, part.len()));
            for message in part {
                assert!(client.next_message() == (BINARY, message.clone()));
            }
        }
    }
}

#[test]
fn a_batch_comes_back_in_its_order_however_events_are_delivered() {
    for mode in MODES {
        for tls in BOTH {
            let server = Server::echo(tls);
            let client = Client::connected(mode, &server.uri());
            let messages: Vec<_> = (0..500).map(|n| numbered(n, n as usize % 300)).collect();
            assert_eq!(client.send_binary(b"before"), WS_OK);
            assert_eq!(send(client.socket, BINARY, &messages), (WS_OK, 500));
            assert_eq!(client.send_binary(b"behind"), WS_OK);
            assert_eq!(client.next_message().1, b"before");
            for message in messages {
                assert!(client.next_message() == (BINARY, message), "{mode:?}, {tls:?}");
            }
            assert_eq!(client.next_message().1, b"behind");
            let statistics = client.statistics();
            assert_eq!((statistics.messages_sent, statistics.frames_sent), (502, 502));
        }
    }
}

#[test]
fn nobody_elses_messages_come_in_between() {
    const BATCHES: u32 = 100;
    const SIZE: u32 = 40;
    const THREADS: u32 = 4;
    for tls in BOTH {
        let (server, told) = telling(tls, &open_gate());
        let client = Client::connected(Mode::Callback, &server.uri());
        let socket = AtomicPtr::new(client.socket);
        let accept_all = |send: &dyn Fn() -> ws_result| {
            while send() == WS_E_WOULD_BLOCK {
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let socket = &socket;
                scope.spawn(move || {
                    for batch in 0..BATCHES {
                        let number = |at| (thread << 24) + batch * SIZE + at;
                        let messages: Vec<_> =
                            (0..SIZE).map(|at| numbered(number(at), 4 + at as usize * 5)).collect();
                        let socket = socket.load(Ordering::Relaxed);
                        // They fit: the limit is never reached here.
                        assert_eq!(send(socket, BINARY, &messages), (WS_OK, SIZE as usize));
                    }
                });
            }
            for _ in 0..2_000 {
                accept_all(&|| client.send_text("single"));
            }
        });
        let mut expected = HashMap::new();
        let (mut open, mut singles) = (None, 0);
        for _ in 0..BATCHES * SIZE * THREADS + 2_000 {
            let (first, payload) = next(&told);
            if first == 0x81 {
                assert_eq!((payload, open), (b"single".to_vec(), None), "inside a batch");
                singles += 1;
                continue;
            }
            let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
            let (thread, at) = (number >> 24, (number & 0xff_ffff) % SIZE);
            assert_eq!(open.unwrap_or(thread), thread, "batches are not interleaved");
            let wanted = expected.entry(thread).or_insert(0);
            assert_eq!(number & 0xff_ffff, *wanted, "a thread's batches keep their order");
            *wanted += 1;
            open = (at + 1 < SIZE).then_some(thread);
        }
        assert_eq!(singles, 2_000);
    }
}

#[test]
fn what_does_not_fit_is_told_and_goes_on_after_one_send_ready() {
    const LIMIT: u64 = 20_000;
    for tls in BOTH {
        let gate = Gate::default();
        let (server, told) = telling(tls, &gate);
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_SEND_QUEUE_LIMIT, LIMIT);
        client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 16 * 1024);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        let messages: Vec<_> = (0..8_000).map(|n| numbered(n, 4 + n as usize % 400)).collect();
        let (mut rest, mut refusals) = (&messages[..], 0);
        while !rest.is_empty() {
            let (result, accepted) = send(client.socket, BINARY, rest);
            rest = &rest[accepted..];
            match result {
                WS_OK => assert!(rest.is_empty()),
                WS_E_WOULD_BLOCK => {
                    refusals += 1;
                    assert!(!rest.is_empty());
                    assert!(last_error_message().contains("full"), "{}", last_error_message());
                    assert!(ws_buffered_amount(client.socket) <= LIMIT);
                    gate.open();
                    assert_eq!(client.next(), Told::SendReady);
                    assert_eq!(client.try_next(), None, "once");
                }
                other => panic!("{other:x}"),
            }
        }
        assert!(refusals > 1, "{refusals}");
        for message in messages {
            assert!(next(&told) == (0x82, message), "{tls:?}");
        }
    }
}

/// As a single message does.
#[test]
fn an_empty_queue_takes_the_first_message_whatever_its_size() {
    let gate = Gate::default();
    let (server, told) = telling(Tls::No, &gate);
    let mut client = Client::trusting(Mode::Callback);
    client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 1_000);
    client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 16 * 1024);
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    // Much more than the sockets hold.
    let large = vec![9; 8 << 20];
    assert_eq!(send(client.socket, BINARY, &[&large[..], b"no room"]), (WS_E_WOULD_BLOCK, 1));
    assert_eq!(send(client.socket, BINARY, &[b"nor here", b"or here."]), (WS_E_WOULD_BLOCK, 0));
    gate.open();
    assert_eq!(client.next(), Told::SendReady);
    assert!(eventually(|| ws_buffered_amount(client.socket) == 0));
    assert_eq!(send(client.socket, BINARY, &[b"then"]), (WS_OK, 1));
    let mut payload = Vec::new();
    while payload.len() < large.len() {
        payload.extend(next(&told).1);
    }
    assert!(payload == large);
    assert_eq!(next(&told), (0x82, b"then".to_vec()));
    assert_eq!(client.free(), []);
}

#[test]
fn a_mistake_in_any_message_refuses_them_all() {
    let (server, told) = telling(Tls::No, &open_gate());
    let client = Client::connected(Mode::Callback, &server.uri());
    let good = "good".repeat(50);
    for bad in [&b"\xff"[..], b"\xed\xa0\x80", &[good.as_bytes(), b"\xc3"].concat()] {
        let messages = [good.as_bytes(), b"", bad, b"behind"];
        assert_eq!(send(client.socket, TEXT, &messages), (WS_E_NO_UNICODE_TRANSLATION, 0));
    }
    let call = |buffers: &[ws_buffer], count| {
        let mut accepted = 7;
        let place = &raw mut accepted;
        (ws_send_batch(client.socket, BINARY, buffers.as_ptr(), count, place), accepted)
    };
    let null = ws_buffer { data: std::ptr::null(), len: 1 };
    let endless = ws_buffer { data: good.as_ptr().cast(), len: usize::MAX };
    let empty = ws_buffer { data: std::ptr::null(), len: 0 };
    let whole = buffers(&[good.as_bytes()])[0];
    assert_eq!(call(&[whole, null], 2), (WS_E_POINTER, 0));
    assert!(last_error_message().contains("data"), "{}", last_error_message());
    assert_eq!(call(&[whole, endless], 2), (WS_E_INVALIDARG, 0));
    assert_eq!(call(&[whole], usize::MAX / 8), (WS_E_INVALIDARG, 0));
    assert_eq!(call(&[], 0), (WS_OK, 0));
    assert_eq!(ws_buffered_amount(client.socket), 0);
    // Nobody has to want to know, and NULL with 0 is an empty message.
    let ok = [whole, empty];
    let result = ws_send_batch(client.socket, BINARY, ok.as_ptr(), 2, std::ptr::null_mut());
    assert_eq!(result, WS_OK);
    assert_eq!(next(&told), (0x82, good.into_bytes()));
    assert_eq!(next(&told), (0x82, vec![]));
}

#[test]
fn a_batch_is_refused_by_the_same_states_as_a_message() {
    let server = Server::echo(Tls::No);
    let socket = ws_message_socket_new();
    assert_eq!(send(socket, TEXT, &["early"]), (WS_E_ILLEGAL_METHOD_CALL, 0));
    assert_eq!(ws_socket_free(socket), WS_OK);
    assert_eq!(send(socket, TEXT, &["stale"]), (WS_E_HANDLE, 0));
    let stream = ws_stream_socket_new();
    assert_eq!(send(stream, BINARY, &["bytes"]), (WS_E_ILLEGAL_METHOD_CALL, 0));
    assert!(last_error_message().contains("stream"), "{}", last_error_message());
    assert_eq!(ws_socket_free(stream), WS_OK);

    let client = Client::connected(Mode::Callback, &server.uri());
    client.set(WS_CONTROL_MESSAGE_TYPE, TEXT.into());
    assert_eq!(client.send_frame(b"one ", false), WS_OK);
    for messages in [&["two"][..], &["two", "three"], &[]] {
        assert_eq!(send(client.socket, TEXT, messages), (WS_E_ILLEGAL_METHOD_CALL, 0));
    }
    assert_eq!(client.send_frame(b"message", true), WS_OK);
    assert_eq!(send(client.socket, TEXT, &["two", "three"]), (WS_OK, 2));
    assert_eq!([(); 3].map(|()| client.next_text()), ["one message", "two", "three"]);
    assert_eq!(client.close(1000, ""), WS_OK);
    assert_eq!(send(client.socket, TEXT, &["late"]), (WS_E_CLOSED, 0));
    client.next_closed();
    assert_eq!(send(client.socket, TEXT, &["later", "still"]), (WS_E_CLOSED, 0));
}

/// Answers each message with a batch, and tells what became of it.
unsafe extern "C-unwind" fn answer(
    socket: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut c_void,
) {
    let rest = unsafe { &*user_data.cast::<std::sync::Mutex<Vec<Vec<u8>>>>() };
    if unsafe { (*message).len } > 0 {
        go_on(socket, &mut rest.lock().unwrap());
    }
}

unsafe extern "C-unwind" fn room(socket: *mut ws_socket, user_data: *mut c_void) {
    let rest = unsafe { &*user_data.cast::<std::sync::Mutex<Vec<Vec<u8>>>>() };
    go_on(socket, &mut rest.lock().unwrap());
}

fn go_on(socket: *mut ws_socket, rest: &mut Vec<Vec<u8>>) {
    let (result, accepted) = send(socket, BINARY, rest);
    assert!(result == WS_OK || result == WS_E_WOULD_BLOCK, "{result:x}");
    rest.drain(..accepted);
}

#[test]
fn a_callback_sends_batches_and_goes_on_when_there_is_room() {
    for tls in BOTH {
        let (teller, told) = channel();
        let server = Server::raw(tls, move |mut stream| {
            upgrade_then(&mut stream, &frame(0x82, b"go"));
            while let Some(frame) = read_frame(&mut stream) {
                if teller.send(frame).is_err() {
                    break;
                }
            }
        });
        let messages: Vec<_> = (0..10_000).map(|n| numbered(n, 64)).collect();
        let rest = Box::new(std::sync::Mutex::new(messages.clone()));
        let mut client = Client::trusting(Mode::Pull);
        let user_data = (&raw const *rest).cast_mut().cast();
        client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 100_000);
        assert_eq!(ws_on_message_received(client.socket, Some(answer), user_data), WS_OK);
        assert_eq!(ws_on_send_ready(client.socket, Some(room), user_data), WS_OK);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        for message in messages {
            assert!(next(&told) == (0x82, message), "{tls:?}");
        }
        assert_eq!(client.free(), []);
        assert!(rest.lock().unwrap().is_empty());
    }
}
