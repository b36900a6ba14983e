//! Messages that come in pieces: sent frame by frame here, large ones that leave in several frames
//! in `large`, and those that are received in portions in `portions`.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "fragments/large.rs"]
mod large;
#[path = "fragments/portions.rs"]
mod portions;
#[path = "fragments/slow.rs"]
mod slow;
mod support;

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, Closed, MODES, Mode, Told};
use support::gate::Gate;
use support::server::{BOTH, Server, Tls, finish, frame, read_frame};

const CONTINUATION: u8 = 0x00;
const TEXT: u8 = 0x01;
const BINARY: u8 = 0x02;
const FINAL: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

const TEXT_TYPE: (ws_control, u64) = (WS_CONTROL_MESSAGE_TYPE, WS_MESSAGE_TYPE_UTF8 as u64);

fn everywhere(test: impl Fn(Mode, Tls)) {
    for mode in MODES {
        for tls in BOTH {
            test(mode, tls);
        }
    }
}

/// Connected, with these controls.
fn connected(mode: Mode, server: &Server, controls: &[(ws_control, u64)]) -> Client {
    let mut client = Client::trusting(mode);
    for (control, value) in controls {
        client.set(*control, *value);
    }
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    client.begin_pulling();
    client
}

/// First bytes and payloads.
type Frames = Vec<(u8, Vec<u8>)>;

/// A server that tells every frame, and answers pings and the close frame. It begins to read when
/// the gate is open.
fn telling_behind(gate: &Gate, tls: Tls) -> (Server, Receiver<(u8, Vec<u8>)>) {
    let (teller, told) = channel();
    let gate = gate.clone();
    let (server, _) = Server::scripted(tls, move |stream, _| {
        gate.pass();
        while let Some((first, payload)) = read_frame(stream) {
            let answer = match first {
                PING => frame(PONG, &payload),
                CLOSE => frame(CLOSE, &payload),
                _ => Vec::new(),
            };
            if !answer.is_empty() && stream.write_all(&answer).is_err() {
                break;
            }
            let _ = teller.send((first, payload));
            if first == CLOSE {
                finish(stream);
                break;
            }
        }
    });
    (server, told)
}

fn telling(tls: Tls) -> (Server, Receiver<(u8, Vec<u8>)>) {
    let gate = Gate::default();
    gate.open();
    telling_behind(&gate, tls)
}

fn next(frames: &Receiver<(u8, Vec<u8>)>) -> (u8, Vec<u8>) {
    frames.recv_timeout(DEADLINE).expect("a frame in time")
}

/// The next frames are these and no others.
fn expect(frames: &Receiver<(u8, Vec<u8>)>, expected: &[(u8, &[u8])]) {
    for (first, payload) in expected {
        assert_eq!(next(frames), (*first, payload.to_vec()));
    }
}

/// Bytes of which no two neighbouring stretches are alike.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|place| (place * 7 + place / 251) as u8).collect()
}

/// Closes, and expects a clean end.
fn close(client: &mut Client) -> Vec<Told> {
    assert_eq!(client.close(1000, ""), WS_OK);
    let (before, closed) = client.until_closed();
    assert_eq!(closed.result, WS_OK);
    before
}

fn lost(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

#[test]
fn frames_of_one_message_arrive_as_one() {
    everywhere(|mode, tls| {
        let server = Server::echo(tls);
        let client = connected(mode, &server, &[]);
        let bytes = pattern(300_000);
        for piece in bytes.chunks(70_001) {
            assert_eq!(client.send_frame(piece, false), WS_OK);
        }
        assert_eq!(client.send_frame(b"end", true), WS_OK);
        let expected = [&bytes[..], b"end"].concat();
        assert!(client.next_message() == (WS_MESSAGE_TYPE_BINARY, expected));
        // Cut inside every character, and nowhere else.
        let (control, value) = TEXT_TYPE;
        client.set(control, value);
        let text = "äöü€🎮".repeat(50);
        let bytes = text.as_bytes();
        for byte in &bytes[..bytes.len() - 1] {
            assert_eq!(client.send_frame(&[*byte], false), WS_OK);
        }
        assert_eq!(client.send_frame(&bytes[bytes.len() - 1..], true), WS_OK);
        assert_eq!(client.next_text(), text);
    });
}

#[test]
fn frames_leave_as_they_were_sent_and_empty_ones_too() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let mut client = connected(mode, &server, &[TEXT_TYPE]);
        for (bytes, is_final) in
            [(&b"h\xc3"[..], false), (b"\xa9", false), (b"", false), (b"!", false), (b"", true)]
        {
            assert_eq!(client.send_frame(bytes, is_final), WS_OK);
        }
        assert_eq!(client.send_frame(b"", false), WS_OK);
        assert_eq!(client.send_frame(b"", true), WS_OK);
        let sent: [(u8, &[u8]); 7] = [
            (TEXT, b"h\xc3"),
            (CONTINUATION, b"\xa9"),
            (CONTINUATION, b""),
            (CONTINUATION, b"!"),
            (FINAL, b""),
            (TEXT, b""),
            (FINAL, b""),
        ];
        expect(&frames, &sent);
        let statistics = client.statistics();
        assert_eq!((statistics.messages_sent, statistics.frames_sent), (2, 7));
        assert_eq!(statistics.payload_bytes_sent, 4);
        assert_eq!(close(&mut client), []);
    });
}

#[test]
fn a_final_frame_without_a_beginning_is_a_whole_message() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let client = connected(mode, &server, &[]);
        assert_eq!(client.send_frame(b"\xff", true), WS_OK);
        assert_eq!(client.send_frame(b"", true), WS_OK);
        client.set(TEXT_TYPE.0, TEXT_TYPE.1);
        assert_eq!(client.send_frame(b"text", true), WS_OK);
        assert_eq!(client.send_text("between"), WS_OK, "nothing is open");
        assert_eq!(client.send_frame(b"\xff", true), WS_E_NO_UNICODE_TRANSLATION);
        assert_eq!(client.send_frame(b"cut \xc3", true), WS_E_NO_UNICODE_TRANSLATION);
        assert_eq!(client.send_text("behind"), WS_OK, "nothing was begun");
        let sent: [(u8, &[u8]); 5] = [
            (FINAL | BINARY, b"\xff"),
            (FINAL | BINARY, b""),
            (FINAL | TEXT, b"text"),
            (FINAL | TEXT, b"between"),
            (FINAL | TEXT, b"behind"),
        ];
        expect(&frames, &sent);
    });
}

#[test]
fn the_type_is_that_of_the_first_frame() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let client = connected(mode, &server, &[TEXT_TYPE]);
        assert_eq!(client.send_frame(b"text", false), WS_OK);
        client.set(WS_CONTROL_MESSAGE_TYPE, u64::from(WS_MESSAGE_TYPE_BINARY));
        assert_eq!(client.send_frame(b"\xff", false), WS_E_NO_UNICODE_TRANSLATION);
        assert_eq!(client.send_frame(b" goes on", true), WS_OK);
        assert_eq!(client.send_frame(b"\xff", false), WS_OK, "and the next is binary");
        client.set(TEXT_TYPE.0, TEXT_TYPE.1);
        assert_eq!(client.send_frame(b"\xfe", true), WS_OK);
        let sent: [(u8, &[u8]); 4] =
            [(TEXT, b"text"), (FINAL, b" goes on"), (BINARY, b"\xff"), (FINAL, b"\xfe")];
        expect(&frames, &sent);
    });
}

#[test]
fn a_frame_that_makes_the_text_invalid_is_refused_and_the_message_goes_on() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let client = connected(mode, &server, &[TEXT_TYPE]);
        assert_eq!(client.send_frame(b"\xff", false), WS_E_NO_UNICODE_TRANSLATION);
        assert_eq!(client.send_text("nothing was begun"), WS_OK);
        assert_eq!(client.send_frame(b"caf\xc3", false), WS_OK);
        for refused in [&b"x"[..], b"\xa9\xff", b"\xc3\xa9", b"\xa9 good until here \xed\xa0"] {
            assert_eq!(client.send_frame(refused, false), WS_E_NO_UNICODE_TRANSLATION);
            assert_eq!(client.send_frame(refused, true), WS_E_NO_UNICODE_TRANSLATION);
        }
        assert_eq!(client.send_frame(b"", true), WS_E_NO_UNICODE_TRANSLATION, "a half character");
        assert_eq!(client.send_frame(b"\xa9 \xe2\x82", false), WS_OK);
        assert_eq!(client.send_frame(b"\xac", true), WS_OK);
        let sent: [(u8, &[u8]); 4] = [
            (FINAL | TEXT, b"nothing was begun"),
            (TEXT, b"caf\xc3"),
            (CONTINUATION, b"\xa9 \xe2\x82"),
            (FINAL, b"\xac"),
        ];
        expect(&frames, &sent);
    });
}

#[test]
fn no_whole_message_comes_between_the_frames_of_another() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let client = connected(mode, &server, &[]);
        assert_eq!(client.send_frame(b"a", false), WS_OK);
        let (data, len) = (b"whole".as_ptr().cast(), 5);
        let refused = [
            ws_send(client.socket, data, len),
            ws_send_text(client.socket, data.cast(), len),
            ws_send_binary(client.socket, data, len),
            ws_send_wait(client.socket, WS_MESSAGE_TYPE_BINARY, data, len, WS_INFINITE),
            client.send_async(WS_MESSAGE_TYPE_BINARY, b"whole").unwrap_err(),
        ];
        assert_eq!(refused, [WS_E_ILLEGAL_METHOD_CALL; 5]);
        assert_eq!(client.send_frame(b"b", true), WS_OK);
        assert_eq!(client.send_binary(b"whole"), WS_OK);
        let sent: [(u8, &[u8]); 3] = [(BINARY, b"a"), (FINAL, b"b"), (FINAL | BINARY, b"whole")];
        expect(&frames, &sent);
    });
}

#[test]
fn pings_pass_between_the_frames_of_a_message() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let mut client = connected(mode, &server, &[]);
        assert_eq!(client.send_frame(b"a", false), WS_OK);
        assert_eq!(next(&frames), (BINARY, b"a".to_vec()));
        assert_eq!(ws_ping(client.socket, b"?".as_ptr().cast(), 1), WS_OK);
        assert!(matches!(client.next(), Told::Pong(_)));
        assert_eq!(next(&frames), (PING, b"?".to_vec()));
        assert_eq!(client.send_frame(b"b", true), WS_OK);
        assert_eq!(next(&frames), (FINAL, b"b".to_vec()));
        assert_eq!(close(&mut client), []);
    });
}

#[test]
fn close_may_leave_a_message_unfinished() {
    everywhere(|mode, tls| {
        let (server, frames) = telling(tls);
        let mut client = connected(mode, &server, &[]);
        assert_eq!(client.send_frame(b"never", false), WS_OK);
        assert_eq!(client.send_frame(b"ended", false), WS_OK);
        assert_eq!(client.close(1001, "away"), WS_OK);
        for is_final in [false, true] {
            assert_eq!(client.send_frame(b"late", is_final), WS_E_CLOSED);
        }
        assert_eq!(client.send_binary(b"late"), WS_E_CLOSED);
        let (before, closed) = client.until_closed();
        assert_eq!((before, closed.result, closed.code), (vec![], WS_OK, 1001));
        let sent: [(u8, &[u8]); 3] =
            [(BINARY, b"never"), (CONTINUATION, b"ended"), (CLOSE, b"\x03\xe9away")];
        expect(&frames, &sent);
        assert_eq!(client.send_frame(b"late", true), WS_E_CLOSED);
    });
}
