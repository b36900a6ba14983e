//! More messages than one read brings, in every way of delivery: what is handed on with the buffer
//! that it was read into, what is copied because too much waits, and what lies between the two.

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::everywhere;
use crate::support::client::{Client, Mode};
use crate::support::server::{Server, Tls, eventually, frame, read_frame, read_to_end, upgrade};

const COUNT: usize = 60_000;

/// Text and binary of many lengths, some in two pieces with a ping in between, some large.
fn message(number: usize) -> (ws_message_type, Vec<u8>) {
    let len = match number {
        number if number % 9_000 == 8_999 => 400_000,
        number if number % 700 == 699 => 5_000,
        number => number % 131,
    };
    let kind = match number / 40 % 3 {
        0 => WS_MESSAGE_TYPE_BINARY,
        _ => WS_MESSAGE_TYPE_UTF8,
    };
    let mut bytes = number.to_string().into_bytes();
    bytes.resize(bytes.len() + len, b' ' + (number % 90) as u8);
    (kind, bytes)
}

fn wire() -> Vec<u8> {
    let mut wire = Vec::new();
    for number in 0..COUNT {
        let (kind, bytes) = message(number);
        let opcode = if kind == WS_MESSAGE_TYPE_UTF8 { 1 } else { 2 };
        if number % 5_000 == 4_999 {
            wire.extend(frame(opcode, &bytes[..3]));
            wire.extend(frame(0x89, b"ping"));
            wire.extend(frame(0x80, &bytes[3..]));
        } else {
            wire.extend(frame(0x80 | opcode, &bytes));
        }
    }
    wire
}

/// Sends it all when it is told to.
fn flood(tls: Tls) -> (Server, u64) {
    let wire = wire();
    let total = wire.len() as u64;
    let server = Server::raw(tls, move |mut stream| {
        upgrade(&mut stream);
        assert!(read_frame(&mut stream).is_some());
        std::io::Write::write_all(&mut stream, &wire).unwrap();
        std::io::Write::flush(&mut stream).unwrap();
        read_to_end(&mut stream);
    });
    (server, total)
}

fn check(client: &Client) {
    for number in 0..COUNT {
        let (kind, bytes) = client.next_message();
        assert!((kind, bytes) == message(number), "message {number}");
    }
}

#[test]
fn a_flood_arrives_whole_and_in_order() {
    everywhere(|mode, tls| {
        let (server, _) = flood(tls);
        let client = Client::connected(mode, &server.uri());
        assert_eq!(client.send_text("go"), WS_OK);
        check(&client);
        assert!(eventually(|| client.statistics().messages_received == COUNT as u64));
    });
}

#[test]
fn who_looks_into_a_queue_late_misses_nothing_of_a_flood() {
    for mode in [Mode::Dispatch, Mode::Next] {
        for limit in [300_000, u64::MAX] {
            let (server, total) = flood(Tls::No);
            let mut client = Client::new(mode);
            client.set(WS_CONTROL_RECEIVE_QUEUE_LIMIT, limit);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.hold(true);
            assert_eq!(client.send_text("go"), WS_OK);
            // Small messages count more than their bytes.
            let least = total.min(limit / 4);
            assert!(eventually(|| client.statistics().bytes_received >= least));
            client.hold(false);
            check(&client);
        }
    }
}
