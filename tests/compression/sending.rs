//! Large compressed messages to a server that reads slowly: what waits, what can still be taken
//! back, and how they end.

use std::sync::mpsc::{Receiver, channel};

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::peer::{Arrived, BINARY, CLOSE, PING, Peer, TEXT, noise, prose, serve};
use crate::support::DEADLINE;
use crate::support::client::{Client, Mode, Told};
use crate::support::gate::Gate;
use crate::support::server::{BOTH, Server, Tls, eventually, read_frame};
use crate::{clean, connected, everywhere};

const AGREED: &str = "permessage-deflate";
const LITTLE: [(ws_control, u64); 2] =
    [(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024), (WS_CONTROL_SEND_QUEUE_LIMIT, 256 << 20)];

/// A server whose sockets hold little; once the gate is open it tells all messages and the close.
fn slow(tls: Tls, gate: &Gate) -> (Server, Receiver<Arrived>) {
    let (teller, told) = channel();
    let gate = gate.clone();
    let server = serve(tls, AGREED, move |peer| {
        hold_little(peer);
        gate.pass();
        while let Some(arrived) = peer.next() {
            if teller.send(arrived).is_err() {
                break;
            }
        }
    });
    (server, told)
}

fn hold_little(peer: &Peer) {
    let socket = socket2::SockRef::from(peer.stream.tcp());
    socket.set_recv_buffer_size(64 * 1024).unwrap();
}

fn next(told: &Receiver<Arrived>) -> Arrived {
    told.recv_timeout(DEADLINE).expect("a message in time")
}

fn expect_message(told: &Receiver<Arrived>, opcode: u8, payload: &[u8], place: &str) {
    let arrived = next(told);
    assert_eq!((arrived.opcode, arrived.is_compressed), (opcode, true), "{place}");
    assert!(arrived.payload == payload, "{place}: {} bytes", arrived.payload.len());
}

fn buffered(client: &Client) -> u64 {
    ws_buffered_amount(client.socket)
}

#[test]
fn sixteen_mebibytes_of_text_leave_in_frames_and_what_waits_is_counted() {
    for tls in BOTH {
        let gate = Gate::default();
        let (server, told) = slow(tls, &gate);
        let client = connected(Mode::Callback, &server, &LITTLE);
        const LEN: usize = 16 << 20;
        let text = prose(LEN, 1);
        assert_eq!(client.send_text(&text), WS_OK);
        let waiting = buffered(&client);
        assert!(waiting > LEN as u64 / 2 && waiting < (LEN + LEN / 50) as u64, "{waiting}");
        let sent = client.statistics().compressed_bytes_sent;
        assert!(sent < LEN as u64 / 4, "no more is compressed than can leave: {sent}");
        assert_eq!(ws_ping(client.socket, b"?".as_ptr().cast(), 1), WS_OK);
        gate.open();
        let arrived = next(&told);
        assert!(arrived.frames > 16 && arrived.is_compressed && arrived.opcode == TEXT);
        assert_eq!(arrived.pings, 1, "it passes what waits");
        assert!(arrived.wire_len < LEN / 2 && arrived.payload == text.as_bytes(), "{tls:?}");
        assert!(eventually(|| buffered(&client) == 0));
    }
}

#[test]
fn what_has_not_begun_to_leave_can_be_taken_back() {
    everywhere(|mode, tls| {
        let gate = Gate::default();
        let (server, told) = slow(tls, &gate);
        let client = connected(mode, &server, &LITTLE);
        // Nothing makes it smaller: it fills the sockets.
        let first = noise(4 << 20, 1);
        assert_eq!(client.send_binary(&first), WS_OK);
        let texts: Vec<_> = (0..6).map(|seed| prose(200_000, seed / 2)).collect();
        let operations: Vec<_> = texts
            .iter()
            .map(|text| client.send_async(WS_MESSAGE_TYPE_UTF8, text.as_bytes()).unwrap())
            .collect();
        let before = buffered(&client);
        for number in [2, 4] {
            assert_eq!(ws_cancel(client.socket, operations[number]), WS_OK);
            let (operation, result) = (operations[number], WS_E_ABORT);
            assert_eq!(client.next(), Told::Completed { operation, result, bytes: 0 });
            assert_eq!(ws_cancel(client.socket, operation), WS_OK, "nothing is left to cancel");
        }
        let freed = before - buffered(&client);
        assert!(freed >= 400_000, "{freed}: they are counted no more");
        gate.open();
        expect_message(&told, BINARY, &first, "the first");
        for number in [0, 1, 3, 5] {
            let place = format!("{number}, {mode:?}, {tls:?}");
            expect_message(&told, TEXT, texts[number].as_bytes(), &place);
            let (operation, bytes) = (operations[number], 200_000);
            assert_eq!(client.next(), Told::Completed { operation, result: WS_OK, bytes });
        }
    });
}

#[test]
fn one_that_has_begun_to_leave_finishes() {
    for tls in BOTH {
        let gate = Gate::default();
        let (server, told) = slow(tls, &gate);
        let client = connected(Mode::Callback, &server, &LITTLE);
        let bytes = noise(4 << 20, 1);
        let operation = client.send_async(WS_MESSAGE_TYPE_BINARY, &bytes).unwrap();
        assert!(eventually(|| client.statistics().bytes_sent > 0));
        assert_eq!(ws_cancel(client.socket, operation), WS_OK);
        let waited = ws_send_wait(
            client.socket,
            WS_MESSAGE_TYPE_BINARY,
            bytes.as_ptr().cast(),
            bytes.len(),
            20,
        );
        assert_eq!(waited, WS_E_TIMEOUT, "and one that never began to is taken back");
        gate.open();
        expect_message(&told, BINARY, &bytes, "the first");
        let bytes = bytes.len() as u64;
        assert_eq!(client.next(), Told::Completed { operation, result: WS_OK, bytes });
        assert_eq!(client.send_text(&"last ".repeat(20)), WS_OK);
        expect_message(&told, TEXT, "last ".repeat(20).as_bytes(), "the last");
    }
}

#[test]
fn close_right_behind_large_messages_comes_last_and_everything_arrives() {
    everywhere(|mode, tls| {
        let gate = Gate::default();
        let (server, told) = slow(tls, &gate);
        let client = connected(mode, &server, &LITTLE);
        let texts: Vec<_> = (0..4).map(|seed| prose(2 << 20, seed)).collect();
        for text in &texts {
            assert_eq!(client.send_text(text), WS_OK);
        }
        assert_eq!(client.send_binary(b"small"), WS_OK);
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.send_binary(b"late"), WS_E_CLOSED);
        gate.open();
        for (number, text) in texts.iter().enumerate() {
            expect_message(&told, TEXT, text.as_bytes(), &format!("{number}, {mode:?}, {tls:?}"));
        }
        assert_eq!(next(&told).payload, b"small");
        assert_eq!(next(&told).opcode, CLOSE);
        assert_eq!(client.next_closed(), clean(1000));
    });
}

#[test]
fn abort_in_the_middle_ends_every_operation() {
    everywhere(|mode, tls| {
        let gate = Gate::default();
        let (server, _told) = slow(tls, &gate);
        let mut client = connected(mode, &server, &LITTLE);
        let first = client.send_async(WS_MESSAGE_TYPE_BINARY, &noise(4 << 20, 1)).unwrap();
        let second = client.send_async(WS_MESSAGE_TYPE_UTF8, prose(1 << 20, 1).as_bytes()).unwrap();
        assert_eq!(ws_abort(client.socket), WS_OK);
        let (before, closed) = client.until_closed();
        let expected = [first, second].map(|operation| Told::Completed {
            operation,
            result: WS_E_ABORT,
            bytes: 0,
        });
        assert_eq!(before, expected, "{mode:?}, {tls:?}");
        assert_eq!(closed, crate::lost(WS_E_ABORT));
        assert_eq!(buffered(&client), 0);
        gate.open();
    });
}

#[test]
fn free_in_the_middle_waits_for_nothing() {
    everywhere(|mode, tls| {
        let gate = Gate::default();
        let (server, _told) = slow(tls, &gate);
        let client = connected(mode, &server, &LITTLE);
        for seed in 0..3 {
            client.send_async(WS_MESSAGE_TYPE_BINARY, &noise(2 << 20, seed)).unwrap();
        }
        let begun = std::time::Instant::now();
        assert_eq!(client.free(), [], "no completion follows free");
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        gate.open();
    });
}

#[test]
fn frames_are_compressed_if_the_first_is_large_and_arrive_before_the_last_is_sent() {
    everywhere(|mode, tls| {
        let (teller, told) = channel();
        let server = serve(tls, AGREED, move |peer| {
            let mut is_compressed = false;
            while let Some((first, payload)) = read_frame(&mut peer.stream) {
                is_compressed = if first & 0x0f == 0 { is_compressed } else { first & 0x40 != 0 };
                let data = if is_compressed { peer.inflate_piece(&payload) } else { payload };
                if is_compressed && first & 0x80 != 0 {
                    assert_eq!(peer.inflate_piece(&[0, 0, 0xff, 0xff]), b"");
                }
                teller.send((first, data)).unwrap();
            }
        });
        let client = connected(mode, &server, &[(WS_CONTROL_MESSAGE_TYPE, 1)]);
        let arrives = |sent: &str, is_final: bool, first: u8| {
            assert_eq!(client.send_frame(sent.as_bytes(), is_final), WS_OK);
            let arrived = told.recv_timeout(DEADLINE).expect("a frame in time");
            assert_eq!(arrived, (first, sent.as_bytes().to_vec()), "{mode:?}, {tls:?}");
        };
        for _ in 0..3 {
            arrives(&prose(64, 3), false, 0x41);
            arrives("a short one", false, 0x00);
            arrives(&prose(5_000, 3), false, 0x00);
            arrives("", false, 0x00);
            arrives("end", true, 0x80);
            // The first decides, also against it.
            arrives(&prose(63, 3), false, 0x01);
            arrives(&prose(5_000, 4), false, 0x00);
            arrives("", true, 0x80);
            arrives(&prose(5_000, 5), false, 0x41);
            arrives("", true, 0x80);
        }
        assert_eq!(ws_ping(client.socket, b"?".as_ptr().cast(), 1), WS_OK);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap().0, 0x80 | PING);
    });
}
