//! Whole messages that leave in several frames: pings pass between them, messages never.

use std::ffi::c_void;
use std::io::Read;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc::{Receiver, channel};

use anyws::ffi::events::ws_on_message_received;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;

use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode};
use crate::support::gate::Gate;
use crate::support::server::{BOTH, Server, Stream, Tls, client_frames, frame, read_frame};
use crate::{BINARY, CONTINUATION, FINAL, Frames, PING, connected, pattern};

const LARGE: usize = 8 << 20;

/// A server whose sockets hold little, and that takes little at a time once the gate is open; it
/// tells all frames up to a message's last.
fn slow(tls: Tls, gate: &Gate) -> (Server, Receiver<Frames>) {
    let (teller, told) = channel();
    let gate = gate.clone();
    let (server, _) = Server::scripted(tls, move |stream, _| {
        let socket = socket2::SockRef::from(stream.tcp());
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        std::io::Write::write_all(stream, &frame(0x81, b"begin")).unwrap();
        gate.pass();
        let _ = teller.send(until_the_last(stream));
    });
    (server, told)
}

fn until_the_last(stream: &mut Stream) -> Frames {
    stream.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
    let mut wire = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => wire.extend_from_slice(&buffer[..count]),
            _ => return client_frames(&wire),
        }
        if wire.len() < LARGE {
            continue; // taking it apart again and again takes time
        }
        let frames = client_frames(&wire);
        if frames.iter().any(|(first, _)| matches!(first & 0x8f, 0x80..=0x82)) {
            return frames;
        }
    }
}

/// The frames are one large message, with a ping before its last.
fn expect_ping_inside(frames: &[(u8, Vec<u8>)], place: &str) {
    let ping = frames.iter().position(|frame| frame.0 == PING).expect(place);
    assert_eq!(frames[ping].1, b"passing", "{place}");
    assert!(ping < frames.len() - 1, "{place}: frame {ping} of {}", frames.len());
    let data: Vec<_> = frames.iter().filter(|frame| frame.0 != PING).collect();
    assert!(data.len() > 1 && data.len() + 1 == frames.len(), "{place}");
    for (number, (first, _)) in data.iter().enumerate() {
        let opcode = if number == 0 { BINARY } else { CONTINUATION };
        let last = if number == data.len() - 1 { FINAL } else { 0 };
        assert_eq!(*first, opcode | last, "{place}, frame {number} of {}", data.len());
    }
    let whole: Vec<u8> = data.into_iter().flat_map(|frame| frame.1.iter().copied()).collect();
    assert!(whole == pattern(LARGE), "{place}");
}

#[test]
fn a_ping_arrives_before_the_end_of_a_large_message_that_is_leaving() {
    for mode in MODES {
        for tls in BOTH {
            let gate = Gate::default();
            let (server, told) = slow(tls, &gate);
            let client = connected(mode, &server, &[(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024)]);
            assert_eq!(client.next_text(), "begin");
            assert_eq!(client.send_binary(&pattern(LARGE)), WS_OK);
            assert_eq!(ws_ping(client.socket, b"passing".as_ptr().cast(), 7), WS_OK);
            gate.open();
            let frames = told.recv_timeout(DEADLINE).expect("a message in time");
            expect_ping_inside(&frames, &format!("{mode:?} {tls:?}"));
        }
    }
}

unsafe extern "C-unwind" fn answer_at_length(
    socket: *mut ws_socket,
    _: *const ws_message,
    user_data: *mut c_void,
) {
    let bytes = pattern(LARGE);
    assert_eq!(ws_send_binary(socket, bytes.as_ptr().cast(), bytes.len()), WS_OK);
    assert_eq!(ws_ping(socket, b"passing".as_ptr().cast(), 7), WS_OK);
    unsafe { &*user_data.cast::<Gate>() }.open();
}

#[test]
fn the_same_from_inside_a_callback() {
    for tls in BOTH {
        let gate = Gate::default();
        let (server, told) = slow(tls, &gate);
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024);
        let user_data = (&raw const gate).cast_mut().cast();
        let set = ws_on_message_received(client.socket, Some(answer_at_length), user_data);
        assert_eq!(set, WS_OK);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        let frames = told.recv_timeout(DEADLINE).expect("a message in time");
        expect_ping_inside(&frames, &format!("{tls:?}"));
        assert_eq!(client.free(), []);
    }
}

const THREADS: u8 = 4;
const MESSAGES: u8 = 40;
const SIZES: [usize; 10] = [1, 2 << 20, 125, 126, 65_536, 300_000, 4_000, 65_535, 1 << 20, 17];

/// All its bytes are the same, and say whose and the how-manieth it is.
fn message_of(thread: u8, number: u8) -> Vec<u8> {
    let size = SIZES[(usize::from(number) * 3 + usize::from(thread)) % SIZES.len()];
    vec![thread << 6 | number; size]
}

#[test]
fn messages_of_many_threads_are_never_interleaved_and_each_keeps_its_order() {
    for mode in [Mode::Callback, Mode::Pull] {
        for tls in BOTH {
            let (teller, told) = channel();
            let (server, _) = Server::scripted(tls, move |stream, _| {
                let mut open: Option<Vec<u8>> = None;
                while let Some((first, mut payload)) = read_frame(stream) {
                    match (first & 0x7f, &mut open) {
                        (BINARY, None) => open = Some(payload),
                        (CONTINUATION, Some(begun)) => begun.append(&mut payload),
                        other => panic!("{other:x?}"),
                    }
                    if first & FINAL != 0 {
                        let _ = teller.send(open.take().unwrap());
                    }
                }
            });
            let client = connected(mode, &server, &[]);
            let senders: Vec<_> = (0..THREADS).map(|thread| sender(&client, thread)).collect();
            let mut numbers = [0; THREADS as usize];
            for _ in 0..THREADS * MESSAGES {
                let message = told.recv_timeout(DEADLINE).expect("a message in time");
                let thread = message[0] >> 6;
                let number = &mut numbers[usize::from(thread)];
                assert!(message == message_of(thread, *number), "{thread}, {number}, {tls:?}");
                *number += 1;
            }
            assert_eq!(numbers, [MESSAGES; THREADS as usize]);
            for sender in senders {
                sender.join().unwrap();
            }
        }
    }
}

fn sender(client: &Client, thread: u8) -> std::thread::JoinHandle<()> {
    let socket = AtomicPtr::new(client.socket);
    std::thread::spawn(move || {
        let socket = socket.load(Ordering::Relaxed);
        for number in 0..MESSAGES {
            let message = message_of(thread, number);
            let (data, len) = (message.as_ptr().cast(), message.len());
            let result = match ws_send_binary(socket, data, len) {
                WS_E_WOULD_BLOCK => {
                    ws_send_wait(socket, WS_MESSAGE_TYPE_BINARY, data, len, WS_INFINITE)
                }
                result => result,
            };
            assert_eq!(result, WS_OK);
        }
    })
}
