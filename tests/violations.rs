//! Servers that break RFC 6455 after the handshake, or flood: each ends as named, with the close
//! code on the wire, and nothing is delivered after it.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "violations/floods.rs"]
mod floods;
mod support;

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::library::ws_get_web_error_status;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, Closed, MODES, Mode, Told};
use support::server::{
    self, BOTH, Ending, Server, client_frames, finish_after_close, frame, read_frame, read_out,
    upgrade,
};

const FORMAT: (ws_result, ws_web_error_status, u16) =
    (WS_E_INVALID_PROTOCOL_FORMAT, WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE, 1002);
const OPERATION: (ws_result, ws_web_error_status, u16) =
    (WS_E_INVALID_PROTOCOL_OPERATION, WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE, 1002);
const TOO_BIG: (ws_result, ws_web_error_status, u16) =
    (WS_E_MESSAGE_TOO_BIG, WS_WEB_ERROR_STATUS_UNKNOWN, 1009);
const NOT_UTF8: (ws_result, ws_web_error_status, u16) =
    (WS_E_NO_UNICODE_TRANSLATION, WS_WEB_ERROR_STATUS_UNKNOWN, 1007);

/// What a server sends, to the very byte that breaks the rule.
struct Row {
    name: String,
    bytes: Vec<u8>,
}

fn row(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Row {
    Row { name: name.into(), bytes: bytes.into() }
}

fn lost(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

/// Every row fails as expected: in each way of delivery and transport, with nothing behind it and
/// with a good message behind it.
fn all_fail(expected: (ws_result, ws_web_error_status, u16), rows: Vec<Row>) {
    all_fail_with(|_| {}, expected, rows);
}

fn all_fail_with(
    set: impl Fn(&Client),
    (result, status, code): (ws_result, ws_web_error_status, u16),
    rows: Vec<Row>,
) {
    let rows = Arc::new(rows);
    for tls in BOTH {
        let (teller, wire) = channel();
        let script = Arc::clone(&rows);
        let server = Server::raw(tls, move |mut stream| {
            let request = upgrade(&mut stream);
            let path = request.split(' ').nth(1).unwrap();
            let (more, row) = path[1..].split_once('-').unwrap();
            let mut bytes = frame(0x81, b"before");
            bytes.extend_from_slice(&script[row.parse::<usize>().unwrap()].bytes);
            if more == "late" {
                bytes.extend(frame(0x81, b"late"));
                bytes.extend(frame(0x88, &[3, 232]));
            }
            // The client may have ended it already.
            let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
            let _ = teller.send(read_out(&mut stream));
        });
        for (number, row) in rows.iter().enumerate() {
            for mode in MODES {
                for more in ["alone", "late"] {
                    let what = format!("{}, {more}, {mode:?}, {tls:?}", row.name);
                    let mut client = Client::trusting(mode);
                    set(&client);
                    client.connect(&server.uri_of(&format!("/{more}-{number}")));
                    assert_eq!(client.connect_result(), WS_OK, "{what}");
                    client.begin_pulling();
                    let (before, closed) = client.until_closed();
                    let message = Told::Message(WS_MESSAGE_TYPE_UTF8, b"before".to_vec());
                    assert_eq!(before, [message], "{what}");
                    assert_eq!(closed, lost(result), "{what}");
                    let error = client.error();
                    assert_eq!((error.result, error.web_error_status), (result, status), "{what}");
                    assert_eq!(ws_get_web_error_status(result), status, "{what}");
                    assert_eq!(error.phase, WS_ERROR_PHASE_WEBSOCKET, "{what}");
                    assert_ne!(error.text[0], 0, "{what}");
                    assert_eq!(client.send_text("x"), WS_E_CLOSED, "{what}");
                    assert_eq!(client.free(), [], "{what}");
                    let (bytes, ending) = wire.recv_timeout(DEADLINE).unwrap();
                    let close = (0x88, code.to_be_bytes().to_vec());
                    assert_eq!(client_frames(&bytes), [close], "{what}");
                    assert_ne!(ending, Ending::Never, "{what}");
                }
            }
        }
    }
}

/// A header with a 64-bit length.
fn long_header(first: u8, len: u64) -> Vec<u8> {
    [vec![first, 127], len.to_be_bytes().to_vec()].concat()
}

#[test]
fn masked_frames_reserved_bits_and_reserved_opcodes_fail_at_the_header() {
    let mut rows = vec![
        row("masked text, header only", [0x81, 0x85]),
        row("masked text, whole", [0x81, 0x81, 1, 2, 3, 4, 0x60]),
        row("masked ping", [0x89, 0x80]),
        row("masked close", [0x88, 0x82]),
    ];
    for first in [0xc1, 0xa1, 0x91, 0xf2, 0xc9, 0xa8, 0x9a, 0x41, 0x11] {
        rows.push(row(format!("reserved bits {first:#x}"), [first]));
    }
    for opcode in (3..=7).chain(11..=15) {
        rows.push(row(format!("opcode {opcode}"), [0x80 | opcode]));
    }
    all_fail(FORMAT, rows);
}

#[test]
fn control_frames_are_whole_and_short() {
    let mut rows = Vec::new();
    for opcode in [8, 9, 10] {
        rows.push(row(format!("fragmented control {opcode}"), [opcode, 0]));
        rows.push(row(format!("control {opcode} of 126"), [0x80 | opcode, 126]));
        rows.push(row(format!("control {opcode} of 126 and length"), [0x80 | opcode, 126, 0, 126]));
        rows.push(row(format!("control {opcode} of 64 KiB"), long_header(0x80 | opcode, 65_536)));
        rows.push(row(format!("control {opcode} of 2^63"), long_header(0x80 | opcode, 1 << 63)));
    }
    let inside = [frame(0x01, b"begun"), vec![0x09, 0x00]].concat();
    rows.push(row("fragmented ping inside a message", inside));
    all_fail(FORMAT, rows);
}

#[test]
fn lengths_have_their_shortest_form_and_no_highest_bit() {
    all_fail(
        FORMAT,
        vec![
            row("16 bits for 5", [0x82, 126, 0, 5]),
            row("16 bits for 125", [0x82, 126, 0, 125]),
            row("64 bits for 5", long_header(0x82, 5)),
            row("64 bits for 65535", long_header(0x81, 65_535)),
            row("highest bit", long_header(0x82, 1 << 63)),
            row("all bits", long_header(0x82, u64::MAX)),
            row("64 bits for 5 in a fragment", long_header(0x02, 5)),
        ],
    );
}

#[test]
fn close_frames_hold_a_legal_code_or_nothing() {
    let mut rows = vec![row("close of one byte", frame(0x88, &[3]))];
    for code in [0u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        rows.push(row(format!("close {code}"), frame(0x88, &code.to_be_bytes())));
    }
    all_fail(FORMAT, rows);
}

#[test]
fn a_close_reason_is_utf8() {
    let reason = |bytes: &[u8]| frame(0x88, &[&1000u16.to_be_bytes(), bytes].concat());
    all_fail(
        NOT_UTF8,
        vec![
            row("reason of 0xff", reason(&[0xff])),
            row("reason cut inside a character", reason(b"gut \xc3")),
            row("reason with a surrogate", reason(&[0xed, 0xa0, 0x80])),
        ],
    );
}

#[test]
fn frames_of_messages_come_in_their_order() {
    let whole = [frame(0x01, b"a"), frame(0x80, b"b")].concat();
    all_fail(
        OPERATION,
        vec![
            row("continuation of nothing", [0x80, 0]),
            row("continuation of nothing, not final", [0x00, 1]),
            row("text in text", [frame(0x01, b"a"), vec![0x81, 0]].concat()),
            row("binary in text", [frame(0x01, b"a"), vec![0x82, 1]].concat()),
            row("fragment in fragment", [frame(0x02, b"a"), vec![0x02, 1]].concat()),
            row("text in an empty binary", [frame(0x02, b""), vec![0x01, 0]].concat()),
        ],
    );
    // A fragmented message that is whole is delivered, so it cannot stand in a row.
    for tls in BOTH {
        let bytes = [whole.clone(), vec![0x80, 0]].concat();
        let (server, wire) = Server::scripted(tls, move |stream, _| {
            stream.write_all(&bytes).unwrap();
        });
        let mut client = Client::connected(Mode::Callback, &server.uri());
        let (before, closed) = client.until_closed();
        assert_eq!(before, [Told::Message(WS_MESSAGE_TYPE_UTF8, b"ab".to_vec())]);
        assert_eq!(closed, lost(WS_E_INVALID_PROTOCOL_OPERATION));
        let (bytes, _) = wire.recv_timeout(DEADLINE).unwrap();
        assert_eq!(client_frames(&bytes), [(0x88, vec![3, 234])]);
    }
}

#[test]
fn text_fails_in_the_segment_that_breaks_it() {
    // The header of a message of 1 MiB that stalls behind the broken byte.
    let stalled = |bytes: &[u8]| [long_header(0x81, 1 << 20), bytes.to_vec()].concat();
    let joint = |first: &[u8], then: &[u8]| [frame(0x01, first), then.to_vec()].concat();
    let mut rows = Vec::new();
    for (name, bytes) in [
        ("lone continuation byte", &[0x80][..]),
        ("0xff", &[0xff]),
        ("overlong 2", &[0xc0, 0xaf]),
        ("overlong 3", &[0xe0, 0x80]),
        ("overlong 4", &[0xf0, 0x80]),
        ("surrogate", &[0xed, 0xa0]),
        ("above 10FFFF", &[0xf4, 0x90]),
        ("lead byte 0xf5", &[0xf5]),
        ("broken sequence", &[0xe2, 0x82, 0x41]),
    ] {
        rows.push(row(format!("{name}, whole"), frame(0x81, bytes)));
        rows.push(row(format!("{name}, behind text"), frame(0x81, &[b"gut ", bytes].concat())));
        rows.push(row(format!("{name}, stalled"), stalled(bytes)));
        rows.push(row(
            format!("{name}, stalled far in"),
            stalled(&[&[b'x'; 5000][..], bytes].concat()),
        ));
        rows.push(row(format!("{name}, in a fragment"), frame(0x01, bytes)));
    }
    rows.push(row("cut at the end", frame(0x81, &[0xce])));
    rows.push(row("cut at the last fragment", joint(&[0xce], &frame(0x80, b""))));
    rows.push(row("broken at a joint, the rest missing", joint(&[0xce], &[0x80, 5, b'a'])));
    rows.push(row("broken behind a joint", joint("κόσ".as_bytes(), &frame(0x00, &[0xce, 0xce]))));
    all_fail(NOT_UTF8, rows);
}

#[test]
fn messages_over_the_limit_fail_at_the_header() {
    let set = |client: &Client| client.set(WS_CONTROL_MAX_MESSAGE_SIZE, 1000);
    all_fail_with(
        set,
        TOO_BIG,
        vec![
            row("one too many", [0x82, 126, 0x03, 0xe9]),
            row("text", [0x81, 126, 0x03, 0xe9]),
            row("2^63-1", long_header(0x82, (1 << 63) - 1)),
            row("2^32+5", long_header(0x82, (1 << 32) + 5)),
            row("sum of two", [frame(0x02, &[1; 600]), vec![0x80, 126, 0x01, 0x91]].concat()),
            row(
                "sum of many",
                [frame(0x02, &[1; 500]), frame(0x00, &[1; 500]), vec![0x00, 1]].concat(),
            ),
            row("beyond 64 bits", [frame(0x02, b"x"), long_header(0x80, (1 << 63) - 1)].concat()),
        ],
    );
    all_fail(TOO_BIG, vec![row("the default limit", long_header(0x82, (64 << 20) + 1))]);
}

#[test]
fn a_message_of_exactly_the_limit_arrives() {
    for tls in BOTH {
        for mode in MODES {
            let server = Server::raw(tls, |mut stream| {
                upgrade(&mut stream);
                let mut bytes = frame(0x82, &[7; 1000]);
                bytes.extend(frame(0x02, &[7; 600]));
                bytes.extend(frame(0x00, &[]));
                bytes.extend(frame(0x80, &[7; 400]));
                bytes.extend(frame(0x88, &[]));
                stream.write_all(&bytes).unwrap();
                finish_after_close(&mut stream);
                read_out(&mut stream);
            });
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_MAX_MESSAGE_SIZE, 1000);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.begin_pulling();
            let (before, closed) = client.until_closed();
            let message = Told::Message(WS_MESSAGE_TYPE_BINARY, vec![7; 1000]);
            assert_eq!(before, [message.clone(), message], "{mode:?}, {tls:?}");
            assert_eq!((closed.result, closed.code), (WS_OK, 1005));
        }
    }
}

#[test]
fn fragments_are_counted_empty_ones_included() {
    let set = |client: &Client| client.set(WS_CONTROL_MAX_FRAGMENTS, 10);
    let fragments = |count: usize| [frame(0x02, b""), frame(0x00, b"").repeat(count - 1)].concat();
    all_fail_with(
        set,
        TOO_BIG,
        vec![
            row("eleven", fragments(11)),
            row("eleven, the last final", [fragments(10), vec![0x80, 0]].concat()),
        ],
    );
    all_fail(TOO_BIG, vec![row("one more than the default", fragments(65_537))]);
    let (server, _wire) = Server::scripted(server::Tls::No, move |stream, _| {
        let bytes = [fragments(9), frame(0x80, b"tenth")].concat();
        stream.write_all(&bytes).unwrap();
    });
    let mut client = Client::trusting(Mode::Callback);
    set(&client);
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, b"tenth".to_vec()));
}
