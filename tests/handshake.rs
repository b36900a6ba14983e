//! What a server may answer to the upgrade request, and what it may not: each ends in the named
//! result, status and phase, and the socket can connect again.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "handshake/leaving.rs"]
mod leaving;
#[path = "handshake/refusals.rs"]
mod refusals;
#[path = "handshake/request.rs"]
mod request;
mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, MODES, Mode};
use support::route::{Route, Way, everywhere, everywhere_at_once, ways_to};
use support::server::{
    BOTH, Ending, Server, Stream, Tls, finish, frame, read_out, read_request, reset,
};

/// A good answer; `{accept}` stands for the value that fits the request.
const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";

/// The good answer with one line replaced; an empty one is left out.
fn with_line(name: &str, line: &str) -> String {
    let lines = GOOD.trim_end().lines().filter(|good| !good.starts_with(name));
    let line = (!line.is_empty()).then_some(line);
    lines.chain(line).fold(String::new(), |all, line| all + line + "\r\n") + "\r\n"
}

/// The good answer with lines more.
fn and_line(line: &str) -> String {
    with_line("nothing is left out", line)
}

fn accept_for(request: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    tungstenite::handshake::derive_accept_key(key.as_bytes())
}

fn fill(answer: &str, request: &str) -> Vec<u8> {
    let accept = accept_for(request);
    answer.replace("{accept}", &accept).replace("{lower}", &accept.to_lowercase()).into_bytes()
}

/// What a server answers, and what the connect comes to.
type Row = (&'static str, Vec<u8>, ws_result);

fn row(name: &'static str, answer: impl Into<Vec<u8>>, result: ws_result) -> Row {
    (name, answer.into(), result)
}

/// Connects to every row in every way; `set` is called before.
fn all_end_with(rows: Vec<Row>, set: impl Fn(&Client)) {
    let rows = Arc::new(rows);
    for tls in BOTH {
        let script = Arc::clone(&rows);
        let (teller, told) = std::sync::mpsc::channel();
        let server = Server::raw(tls, move |mut stream| {
            let request = read_request(&mut stream);
            let path = request.split(' ').nth(1).unwrap();
            let (_, answer, _) = &script[path[1..].parse::<usize>().unwrap()];
            let answer = match std::str::from_utf8(answer) {
                Ok(answer) => fill(answer, &request),
                Err(_) => answer.clone(),
            };
            // The client may end it before all of it is written.
            let _ = stream.write_all(&answer).and_then(|()| stream.flush());
            let _ = teller.send(read_out(&mut stream));
        });
        for (number, (name, _, result)) in rows.iter().enumerate() {
            for way in ways_to(tls) {
                let what = format!("{name}, {way:?}");
                let mut client = way.client();
                client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
                set(&client);
                client.connect(&server.uri_of(&format!("/{number}")));
                assert_eq!(client.connect_result(), *result, "{what}");
                let error = client.error();
                assert_eq!(error.result, *result, "{what}");
                if *result == WS_OK {
                    assert_eq!(ws_get_state(client.socket), WS_STATE_OPEN, "{what}");
                    assert_eq!(client.information(WS_INFORMATION_HTTP_STATUS), 101, "{what}");
                    assert_eq!(error.phase, WS_ERROR_PHASE_NONE, "{what}");
                } else {
                    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED, "{what}");
                    let status = WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE;
                    assert_eq!(error.web_error_status, status, "{what}");
                    assert_eq!(error.phase, WS_ERROR_PHASE_HTTP, "{what}");
                    assert_ne!(error.text[0], 0, "{what}");
                }
                assert_eq!(client.free(), [], "{what}");
                let (_, ending) = told.recv_timeout(DEADLINE).unwrap();
                assert_ne!(ending, Ending::Never, "{what}");
            }
        }
    }
}

const INVALID: ws_result = WS_E_INVALID_SERVER_RESPONSE;

// Bad servers, row 6.
#[test]
fn what_is_not_http_fails() {
    assert_eq!(INVALID.cast_unsigned(), 0x8007_2F78);
    let http2 = [0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0x64, 0xff, 0xfe];
    let rows = vec![
        row("binary", (0..=255u8).rev().collect::<Vec<_>>(), INVALID),
        row("a TLS alert", [0x15, 3, 3, 0, 2, 2, 40, 0xff], INVALID),
        row("frames of HTTP/2", http2, INVALID),
        row("a banner of SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", INVALID),
        row("a WebSocket frame", frame(0x81, b"hello"), INVALID),
        row("an empty line", "\r\n", INVALID),
        row("HTML", "<html>", INVALID),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, row 7.
#[test]
fn status_lines_are_judged() {
    let line = |line: &str| GOOD.replace("HTTP/1.1 101 Switching Protocols", line);
    let rows = vec![
        row("no reason", line("HTTP/1.1 101 "), WS_OK),
        row("no reason and no space", line("HTTP/1.1 101"), WS_OK),
        row("another reason", line("HTTP/1.1 101 Na dann los"), WS_OK),
        row("HTTP/1.0", line("HTTP/1.0 101 Switching Protocols"), INVALID),
        row("HTTP/1.2", line("HTTP/1.2 101 Switching Protocols"), INVALID),
        row("HTTP/2.0", line("HTTP/2.0 101 Switching Protocols"), INVALID),
        row("lower case", line("http/1.1 101 Switching Protocols"), INVALID),
        row("status 99", line("HTTP/1.1 99 Low"), INVALID),
        row("status 099", line("HTTP/1.1 099 Low"), INVALID),
        row("status 1010", line("HTTP/1.1 1010 High"), INVALID),
        row("status with a space", line("HTTP/1.1 10 1"), INVALID),
        row("two spaces", line("HTTP/1.1  101 OK"), INVALID),
        row("a leading space", line(" HTTP/1.1 101 OK"), INVALID),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, rows 8 and 9.
#[test]
fn header_lines_are_judged() {
    let bad = |line: &str| and_line(line).into_bytes();
    let rows = vec![
        row("bare LF", GOOD.replace("\r\n", "\n"), WS_OK),
        row("an unknown header", and_line("X-Any: thing"), WS_OK),
        row("an empty value", and_line("X-Any:"), WS_OK),
        row("folding", bad("X-Any: a\r\n b"), WS_E_INVALID_HEADER),
        row("folding with a tab", bad("X-Any: a\r\n\tb"), WS_E_INVALID_HEADER),
        row("space before the colon", bad("X-Any : a"), WS_E_INVALID_HEADER),
        row("an empty name", bad(": a"), WS_E_INVALID_HEADER),
        row("no colon", bad("X-Any"), WS_E_INVALID_HEADER),
        row("NUL in a value", bad("X-Any: a\0b"), WS_E_INVALID_HEADER),
        row("CR in a value", bad("X-Any: a\rb"), WS_E_INVALID_HEADER),
        row("NUL in a name", bad("X\0Any: a"), WS_E_INVALID_HEADER),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, row 10.
#[test]
fn the_limits_of_a_head_are_exact() {
    let named = |length: usize| and_line(&format!("X: {}", "v".repeat(length - 3)));
    let counted = |more: usize| and_line(&vec!["X: v"; more].join("\r\n"));
    let large =
        |lines: usize| and_line(&vec![format!("X: {}", "v".repeat(8000)); lines].join("\r\n"));
    let rows = vec![
        row("a line of 8192", named(8192), WS_OK),
        row("a line of 8193", named(8193), INVALID),
        row("128 headers", counted(125), WS_OK),
        row("129 headers", counted(126), INVALID),
        row("64 000 bytes", large(8), WS_OK),
        row("72 000 bytes", large(9), INVALID),
        row("an endless line", vec![b'H'; 1 << 20], INVALID),
        row("a line without end", and_line(&"X".repeat(1 << 20)), INVALID),
        row("headers without end", counted(100_000), INVALID),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, row 11.
#[test]
fn interim_answers_are_skipped_eight_at_most() {
    let interim = |count: usize| {
        let mut answer = String::new();
        for number in 0..count {
            answer +=
                ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"]
                    [number % 2];
        }
        answer + GOOD
    };
    let rows = vec![
        row("one", interim(1), WS_OK),
        row("eight", interim(8), WS_OK),
        row("nine", interim(9), INVALID),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, rows 14 to 16 and 20.
#[test]
fn an_upgrade_has_its_headers() {
    let upgrade = |line: &str| with_line("Upgrade", line).into_bytes();
    let connection = |line: &str| with_line("Connection", line).into_bytes();
    let accept = |line: &str| with_line("Sec-WebSocket-Accept", line).into_bytes();
    let twice = "Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Accept: {accept}";
    let two = "Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==";
    let rows = vec![
        row("another case", upgrade("UPGRADE: WebSocket"), WS_OK),
        row("no Upgrade", upgrade(""), INVALID),
        row("another Upgrade", upgrade("Upgrade: h2c"), INVALID),
        row("two of Upgrade", upgrade("Upgrade: websocket, h2c"), INVALID),
        row("two Upgrade lines", upgrade("Upgrade: websocket\r\nUpgrade: websocket"), INVALID),
        row("a list", connection("Connection: keep-alive, Upgrade"), WS_OK),
        row("two lines", connection("Connection: keep-alive\r\nconnection: upgrade"), WS_OK),
        row("no Connection", connection(""), INVALID),
        row("another Connection", connection("Connection: close"), INVALID),
        row("spaces", accept("Sec-WebSocket-Accept:  \t {accept} \t "), WS_OK),
        row("no accept", accept(""), INVALID),
        row("a wrong accept", accept("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="), INVALID),
        row("accept in lower case", accept("Sec-WebSocket-Accept: {lower}"), INVALID),
        row("an empty accept", accept("Sec-WebSocket-Accept:"), INVALID),
        row("accept twice", accept(twice), INVALID),
        row("two accepts", accept(two), INVALID),
        row("Content-Length 0", and_line("Content-Length: 0"), WS_OK),
        row("Content-Length 5", and_line("Content-Length: 5"), INVALID),
        row("Transfer-Encoding", and_line("Transfer-Encoding: chunked"), INVALID),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, row 19.
#[test]
fn extensions_that_were_not_offered_fail() {
    let refused = WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED;
    let extension =
        |value: &str| and_line(&format!("Sec-WebSocket-Extensions: {value}")).into_bytes();
    let rows = vec![
        row("deflate", extension("permessage-deflate"), refused),
        row(
            "deflate with a window",
            extension("permessage-deflate; server_max_window_bits=10"),
            refused,
        ),
        row("unknown", extension("x-unknown"), refused),
        row("a list of none", extension(","), refused),
    ];
    all_end_with(rows, |_| {});
}

// Bad servers, row 19.
#[test]
fn compression_is_agreed_on_within_the_offer() {
    let refused = WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED;
    let extension =
        |value: &str| and_line(&format!("Sec-WebSocket-Extensions: {value}")).into_bytes();
    let deflate = |parameters: &str| extension(&format!("permessage-deflate{parameters}"));
    let twice = "Sec-WebSocket-Extensions: permessage-deflate\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate";
    let mut rows = vec![
        row("declined", GOOD, WS_OK),
        row("as offered", deflate(""), WS_OK),
        row("without spaces", deflate(";server_max_window_bits=12"), WS_OK),
        row(
            "all parameters",
            deflate(
                "; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=10; client_max_window_bits=10",
            ),
            WS_OK,
        ),
        row("quoted", deflate("; server_max_window_bits=\"10\""), WS_OK),
        row("twice", extension("permessage-deflate, permessage-deflate"), refused),
        row("in two lines", and_line(twice), refused),
        row("another besides", extension("permessage-deflate, x-unknown"), refused),
        row("another", extension("x-webkit-deflate-frame"), refused),
        row("an empty list", extension(""), WS_OK),
        row("an unknown parameter", deflate("; x"), refused),
        row("an empty parameter", deflate(";"), refused),
        row("a flag with a value", deflate("; server_no_context_takeover=1"), refused),
        row(
            "a flag twice",
            deflate("; client_no_context_takeover; client_no_context_takeover"),
            refused,
        ),
    ];
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for value in ["=8", "=9", "=15"] {
            rows.push(row("a window", deflate(&format!("; {name}{value}")), WS_OK));
        }
        for value in ["", "=", "=0", "=7", "=16", "=77", "=08", "=-9", "=10.0", "=\"10", "=a"] {
            rows.push(row("a bad window", deflate(&format!("; {name}{value}")), refused));
        }
        let twice = format!("; {name}=10; {name}=10");
        rows.push(row("a window twice", deflate(&twice), refused));
    }
    all_end_with(rows, |client| client.set(WS_CONTROL_COMPRESSION, 1));
}

// Bad servers, rows 17 and 18.
#[test]
fn subprotocols_are_those_that_were_offered() {
    let refused = WS_E_SUBPROTOCOL_NOT_SUPPORTED;
    let protocol = |value: &str| and_line(&format!("Sec-WebSocket-Protocol: {value}")).into_bytes();
    all_end_with(
        vec![row("unasked", protocol("chat"), refused), row("empty", protocol(""), refused)],
        |_| {},
    );
    let two = and_line("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat");
    let rows = vec![
        row("the first", protocol("chat"), WS_OK),
        row("the second", protocol("superchat"), WS_OK),
        row("none chosen", GOOD, WS_OK),
        row("another", protocol("mqtt"), refused),
        row("another case", protocol("Chat"), refused),
        row("two", protocol("chat, superchat"), refused),
        row("two lines", two, refused),
        row("empty with an offer", protocol(""), refused),
    ];
    all_end_with(rows, |client| {
        client.set_text(WS_CONTROL_SUPPORTED_PROTOCOLS, "chat, superchat");
    });
}

// Bad servers, rows 3 and 4.
#[test]
fn an_answer_byte_by_byte_is_as_good_and_frames_behind_it_arrive() {
    everywhere(|way| {
        for pieces in ["one", "bytes"] {
            let server = Server::raw(way.tls, move |mut stream| {
                let request = read_request(&mut stream);
                let mut answer = fill(GOOD, &request);
                answer.extend(frame(0x81, b"behind"));
                answer.extend(frame(0x82, b"it"));
                let size = if pieces == "bytes" { 1 } else { answer.len() };
                for piece in answer.chunks(size) {
                    stream.write_all(piece).unwrap();
                    stream.flush().unwrap();
                }
                read_out(&mut stream);
            });
            let client = way.connected(&server.uri());
            assert_eq!(client.next_text(), "behind");
            assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, b"it".to_vec()));
        }
    });
}

/// Connects with a short timeout to a server that never comes to an end.
fn times_out(way: Way, server: &Server, phase: ws_error_phase) {
    let mut client = way.client();
    client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 300);
    let since = Instant::now();
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_E_TIMEOUT);
    let took = since.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
    let error = client.error();
    assert_eq!(error.web_error_status, WS_WEB_ERROR_STATUS_TIMEOUT);
    assert_eq!(error.phase, phase);
    assert_eq!(client.free(), []);
}

// Bad servers, row 1.
#[test]
fn a_silent_server_is_a_timeout() {
    everywhere_at_once(|way| {
        let server = Server::raw(way.tls, |mut stream| {
            read_out(&mut stream);
        });
        times_out(way, &server, WS_ERROR_PHASE_HTTP);
        if way.tls == Tls::No {
            return;
        }
        let server = Server::raw(Tls::Good, |stream| {
            // It takes the ClientHello and says nothing.
            read_out(&mut Stream::new(stream.tcp().try_clone().unwrap(), Tls::No));
        });
        times_out(way, &server, WS_ERROR_PHASE_TLS);
    });
}

// Bad servers, row 2.
#[test]
fn bytes_that_trickle_in_do_not_extend_the_deadline() {
    everywhere_at_once(|way| {
        for endless in [false, true] {
            let server = Server::raw(way.tls, move |mut stream| {
                let request = read_request(&mut stream);
                let answer = if endless { b"HTTP/1.1 101 ".to_vec() } else { fill(GOOD, &request) };
                for byte in answer.into_iter().chain(std::iter::repeat_n(b'x', 5000)) {
                    stream.tcp().set_read_timeout(Some(Duration::from_millis(15))).unwrap();
                    if stream.write_all(&[byte]).and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                    // The client's end, or the time for the next byte.
                    if let Ok(0) = std::io::Read::read(&mut stream, &mut [0]) {
                        return;
                    }
                }
            });
            times_out(way, &server, WS_ERROR_PHASE_HTTP);
        }
    });
}

// Bad servers, row 5.
#[test]
fn connections_that_end_before_the_answer_is_whole() {
    type End = fn(&mut Stream);
    let ends: [(End, ws_result, ws_web_error_status); 2] = [
        (finish, WS_E_CONNECTION_ABORTED, WS_WEB_ERROR_STATUS_CONNECTION_ABORTED),
        (reset, WS_E_CONNECTION_RESET, WS_WEB_ERROR_STATUS_CONNECTION_RESET),
    ];
    for (end, result, status) in ends {
        for part in [0, 5, 20, GOOD.len() - 1] {
            everywhere(|way| {
                let server = Server::raw(way.tls, move |mut stream| {
                    let request = read_request(&mut stream);
                    let answer = fill(GOOD, &request);
                    let part = part.min(answer.len() - 1);
                    stream.write_all(&answer[..part]).unwrap();
                    stream.flush().unwrap();
                    end(&mut stream);
                    read_out(&mut stream);
                });
                let what = format!("{part} bytes, {way:?}");
                let mut client = way.client();
                client.connect(&server.uri());
                assert_eq!(client.connect_result(), result, "{what}");
                let error = client.error();
                assert_eq!((error.web_error_status, error.phase), (status, WS_ERROR_PHASE_HTTP));
                assert_eq!(client.free(), [], "{what}");
            });
        }
    }
}
