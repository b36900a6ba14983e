//! How connections end: the closing handshake in all its forms here, connections without one in
//! `lost`.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "closing/lost.rs"]
mod lost;
mod support;

use std::ffi::CString;
use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, Closed, MODES, Mode, Told};
use support::server::{
    BOTH, Ending, Server, Stream, Tls, client_frames, eventually, finish, finish_after_close,
    frame, read_frame, reset,
};

/// One of each class of codes that may be sent.
const CODES: [u16; 17] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4321,
    4999,
];

fn everywhere(test: impl Fn(Mode, Tls)) {
    for mode in MODES {
        for tls in BOTH {
            test(mode, tls);
        }
    }
}

fn clean(code: u16, reason: &[u8], by_peer: bool) -> Closed {
    Closed { result: WS_OK, code, reason: reason.to_vec(), was_clean: true, by_peer }
}

fn ended(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &close_payload(code, reason))
}

type Frames = Vec<(u8, Vec<u8>)>;

/// A server that closes as `bytes` say and ends TCP after the client's answer, which is told.
fn closing_server(tls: Tls, bytes: Vec<u8>) -> (Server, Receiver<Frames>) {
    let (teller, told) = channel();
    let server = Server::scripted(tls, move |stream, _| {
        stream.write_all(&bytes).unwrap();
        stream.flush().unwrap();
        let _ = teller.send(finish_after_close(stream));
    });
    (server.0, told)
}

/// A server that answers the client's close frame with `answer`.
fn answering_server(
    tls: Tls,
    answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> (Server, Receiver<(Vec<u8>, Ending)>) {
    Server::scripted(tls, move |stream, _| {
        let Some((0x88, payload)) = read_frame(stream) else { return };
        stream.write_all(&answer(&payload)).unwrap();
        finish(stream);
    })
}

#[test]
fn what_the_application_closes_with_goes_out_and_comes_back() {
    for tls in BOTH {
        let (server, wire) = answering_server(tls, |payload| frame(0x88, payload));
        let longest = "ä".repeat(61) + "z";
        assert_eq!(longest.len(), 123);
        for (index, code) in CODES.into_iter().enumerate() {
            let mode = MODES[index % 4];
            for reason in ["", "auf Wiedersehen", &longest] {
                let mut client = Client::connected(mode, &server.uri());
                assert_eq!(client.close(code, reason), WS_OK);
                assert_eq!(client.close(4000, "again"), WS_OK, "it changes nothing");
                assert_eq!(client.send_text("late"), WS_E_CLOSED);
                let told = client.until_closed();
                assert_eq!(told, (vec![], clean(code, reason.as_bytes(), false)), "{mode:?}");
                assert_eq!(client.error().result, WS_OK);
                assert_eq!(client.close(code, reason), WS_OK, "also after the end");
                assert_eq!(client.free(), []);
                let (rest, ending) = wire.recv_timeout(DEADLINE).unwrap();
                assert_eq!(rest, []);
                assert_eq!(ending, Ending::Orderly);
            }
        }
    }
}

#[test]
fn an_empty_close_is_empty_on_the_wire_and_reads_as_1005() {
    everywhere(|mode, tls| {
        let (teller, payloads) = channel();
        let (server, _wire) = answering_server(tls, move |payload| {
            teller.send(payload.to_vec()).unwrap();
            frame(0x88, payload)
        });
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(ws_close(client.socket, 0, std::ptr::null()), WS_OK);
        assert_eq!(client.until_closed(), (vec![], clean(1005, b"", false)));
        assert_eq!(payloads.recv_timeout(DEADLINE).unwrap(), []);
    });
}

#[test]
fn what_may_not_be_sent_is_refused_and_the_connection_lives_on() {
    let server = Server::echo(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    for code in [1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        assert_eq!(client.close(code, ""), WS_E_INVALIDARG, "{code}");
    }
    assert_eq!(client.close(1000, &"x".repeat(124)), WS_E_INVALIDARG);
    assert_eq!(client.close(0, "a reason needs a code"), WS_E_INVALIDARG);
    let reason = CString::new([0xff]).unwrap();
    assert_eq!(ws_close(client.socket, 1000, reason.as_ptr()), WS_E_INVALIDARG);
    assert_eq!(client.send_text("alive"), WS_OK);
    assert_eq!(client.next_text(), "alive");
}

#[test]
fn the_server_s_code_and_reason_arrive_and_its_code_is_echoed() {
    for tls in BOTH {
        for (index, code) in CODES.into_iter().enumerate() {
            let mode = MODES[index % 4];
            for reason in [&b""[..], b"fin", b"with\0NUL\0", &[b'r'; 123]] {
                let (server, answer) = closing_server(tls, close_frame(code, reason));
                let mut client = Client::connected(mode, &server.uri());
                assert_eq!(client.until_closed(), (vec![], clean(code, reason, true)));
                assert_eq!(client.send_text("late"), WS_E_CLOSED);
                let answer = answer.recv_timeout(DEADLINE).unwrap();
                assert_eq!(answer, [(0x88, code.to_be_bytes().to_vec())]);
            }
        }
    }
}

#[test]
fn an_empty_close_of_the_server_is_answered_by_an_empty_one() {
    everywhere(|mode, tls| {
        let (server, answer) = closing_server(tls, frame(0x88, b""));
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.until_closed(), (vec![], clean(1005, b"", true)));
        assert_eq!(answer.recv_timeout(DEADLINE).unwrap(), [(0x88, vec![])]);
        assert_eq!(client.free(), []);
    });
}

#[test]
fn when_both_close_at_once_each_sends_one_frame_and_the_server_s_is_told() {
    everywhere(|mode, tls| {
        // An answer that is none: the server had its own reasons.
        let (server, wire) = answering_server(tls, |_| close_frame(4001, b"me too"));
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.close(4000, "me first"), WS_OK);
        assert_eq!(client.until_closed(), (vec![], clean(4001, b"me too", false)));
        let (rest, ending) = wire.recv_timeout(DEADLINE).unwrap();
        assert_eq!((rest, ending), (vec![], Ending::Orderly));
    });
}

#[test]
fn only_the_first_close_counts_and_nothing_behind_it() {
    everywhere(|mode, tls| {
        let mut bytes = frame(0x81, b"first");
        bytes.extend(close_frame(4001, b"one"));
        bytes.extend(frame(0x89, b"not answered"));
        bytes.extend(frame(0x81, b"ignored"));
        bytes.extend(close_frame(4002, b"two"));
        bytes.extend([0xff; 20]);
        let (server, answer) = closing_server(tls, bytes);
        let mut client = Client::connected(mode, &server.uri());
        let (before, closed) = client.until_closed();
        assert_eq!(before, [Told::Message(WS_MESSAGE_TYPE_UTF8, b"first".to_vec())]);
        assert_eq!(closed, clean(4001, b"one", true));
        let answer = answer.recv_timeout(DEADLINE).unwrap();
        assert_eq!(answer, [(0x88, 4001u16.to_be_bytes().to_vec())]);
    });
}

#[test]
fn a_close_inside_a_fragmented_message_is_clean_and_delivers_nothing_of_it() {
    everywhere(|mode, tls| {
        let bytes = [frame(0x01, b"half"), close_frame(1001, b"")].concat();
        let (server, _answer) = closing_server(tls, bytes);
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.until_closed(), (vec![], clean(1001, b"", true)));
    });
}

#[test]
fn after_the_server_s_close_a_reset_is_clean_as_well() {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            stream.write_all(&close_frame(1000, b"")).unwrap();
            stream.flush().unwrap();
            while !matches!(read_frame(stream), None | Some((0x88, _))) {}
            reset(stream);
        });
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.until_closed(), (vec![], clean(1000, b"", true)));
    });
}

#[test]
fn an_answer_that_does_not_come_is_a_timeout() {
    everywhere(|mode, tls| {
        let (server, wire) = Server::scripted(tls, |_, _| {});
        let mut client = Client::trusting(mode);
        client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 300);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        client.begin_pulling();
        let since = Instant::now();
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.until_closed(), (vec![], ended(WS_E_TIMEOUT)));
        let took = since.elapsed();
        assert!(took > Duration::from_millis(290) && took < Duration::from_secs(10), "{took:?}");
        let error = client.error();
        assert_eq!(error.phase, WS_ERROR_PHASE_CLOSING);
        assert_eq!(error.web_error_status, WS_WEB_ERROR_STATUS_TIMEOUT);
        let (bytes, ending) = wire.recv_timeout(DEADLINE).unwrap();
        assert_eq!(client_frames(&bytes), [(0x88, close_payload(1000, b""))]);
        assert_eq!(ending, Ending::Reset);
    });
}

#[test]
fn data_instead_of_an_answer_is_dropped_and_ends_with_a_timeout() {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            while !matches!(read_frame(stream), None | Some((0x88, _))) {}
            let flood = frame(0x82, &[1; 10_000]);
            while stream.write_all(&flood).is_ok() {}
        });
        let mut client = Client::trusting(mode);
        client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 300);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        client.begin_pulling();
        assert_eq!(client.close(1000, ""), WS_OK);
        let since = Instant::now();
        assert_eq!(client.until_closed(), (vec![], ended(WS_E_TIMEOUT)));
        assert!(since.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn data_before_the_answer_is_dropped_and_the_end_is_clean() {
    everywhere(|mode, tls| {
        let (server, _wire) = answering_server(tls, |payload| {
            let mut bytes = frame(0x82, &[1; 1000]).repeat(1000);
            bytes.extend(frame(0x01, b"begun"));
            bytes.extend(frame(0x88, payload));
            bytes
        });
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.until_closed(), (vec![], clean(1000, b"", false)));
    });
}

#[test]
fn a_server_that_keeps_tcp_after_both_close_frames_ends_clean_after_the_timeout() {
    everywhere(|mode, tls| {
        for closes_first in [false, true] {
            let (server, wire) = Server::scripted(tls, move |stream, _| {
                if closes_first {
                    stream.write_all(&close_frame(1000, b"")).unwrap();
                    stream.flush().unwrap();
                }
                while !matches!(read_frame(stream), None | Some((0x88, _))) {}
                if !closes_first {
                    stream.write_all(&close_frame(1000, b"")).unwrap();
                    stream.flush().unwrap();
                }
            });
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 300);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.begin_pulling();
            let since = Instant::now();
            if !closes_first {
                assert_eq!(client.close(1000, ""), WS_OK);
            }
            let told = client.until_closed();
            assert_eq!(told, (vec![], clean(1000, b"", closes_first)), "{mode:?} {tls:?}");
            let took = since.elapsed();
            assert!(took > Duration::from_millis(150), "{took:?}");
            assert!(took < Duration::from_secs(10), "{took:?}");
            assert_ne!(wire.recv_timeout(DEADLINE).unwrap().1, Ending::Never);
        }
    });
}

#[test]
fn a_broken_answer_to_our_close_is_a_failure_and_nothing_more_is_sent() {
    for (name, answer, result) in [
        ("illegal code", close_frame(1005, b""), WS_E_INVALID_PROTOCOL_FORMAT),
        ("one byte", frame(0x88, &[3]), WS_E_INVALID_PROTOCOL_FORMAT),
        ("masked", vec![0x88, 0x80, 1, 2, 3, 4], WS_E_INVALID_PROTOCOL_FORMAT),
        ("reserved bits", vec![0xc8, 0], WS_E_INVALID_PROTOCOL_FORMAT),
        ("not UTF-8", close_frame(1000, &[0xff]), WS_E_NO_UNICODE_TRANSLATION),
    ] {
        everywhere(|mode, tls| {
            let answer = answer.clone();
            let (server, wire) = Server::scripted(tls, move |stream, _| {
                while !matches!(read_frame(stream), None | Some((0x88, _))) {}
                stream.write_all(&answer).unwrap();
                stream.flush().unwrap();
            });
            let mut client = Client::connected(mode, &server.uri());
            assert_eq!(client.close(1000, ""), WS_OK);
            assert_eq!(client.until_closed(), (vec![], ended(result)), "{name}");
            let (rest, ending) = wire.recv_timeout(DEADLINE).unwrap();
            assert_eq!(rest, [], "{name}");
            assert_ne!(ending, Ending::Never, "{name}");
        });
    }
}

#[test]
fn close_wait_answers_how_the_connection_ended() {
    everywhere(|mode, tls| {
        let (server, _wire) = answering_server(tls, |payload| frame(0x88, payload));
        let mut client = Client::connected(mode, &server.uri());
        let wait = |client: &Client, timeout_ms| {
            ws_close_wait(client.socket, 1000, c"bye".as_ptr(), timeout_ms)
        };
        assert_eq!(wait(&client, WS_INFINITE), WS_OK);
        assert_eq!(ws_get_state(client.socket), WS_STATE_CLOSED);
        assert_eq!(client.until_closed(), (vec![], clean(1000, b"bye", false)));
        assert_eq!(wait(&client, 0), WS_OK, "after the end");

        let (server, _wire) = Server::scripted(tls, |_, _| {});
        let mut client = Client::trusting(mode);
        client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 600);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        client.begin_pulling();
        assert_eq!(wait(&client, 0), WS_E_TIMEOUT);
        assert_eq!(wait(&client, 50), WS_E_TIMEOUT);
        assert_eq!(ws_get_state(client.socket), WS_STATE_CLOSING, "it goes on");
        assert_eq!(wait(&client, WS_INFINITE), WS_E_TIMEOUT);
        assert_eq!(ws_get_state(client.socket), WS_STATE_CLOSED);
        assert_eq!(client.until_closed(), (vec![], ended(WS_E_TIMEOUT)));
    });
}

#[test]
fn a_thread_in_close_wait_learns_of_abort_and_free() {
    for frees in [false, true] {
        let (server, _wire) = Server::scripted(Tls::No, |_, _| {});
        let client = Client::connected(Mode::Callback, &server.uri());
        let socket = client.socket.addr();
        let waiter = std::thread::spawn(move || {
            let socket = std::ptr::without_provenance_mut(socket);
            ws_close_wait(socket, 1000, std::ptr::null(), WS_INFINITE)
        });
        assert!(eventually(|| ws_get_state(client.socket) == WS_STATE_CLOSING));
        if frees {
            assert_eq!(client.free(), []);
        } else {
            assert_eq!(ws_abort(client.socket), WS_OK);
        }
        assert_eq!(waiter.join().unwrap(), WS_E_ABORT);
    }
}

#[test]
fn what_was_sent_before_close_arrives_before_the_close_frame() {
    everywhere(|mode, tls| {
        let (teller, told) = channel();
        let barrier = Arc::new(Barrier::new(2));
        let script = Arc::clone(&barrier);
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            // Much of it must wait on the client's side.
            script.wait();
            let mut sizes = Vec::new();
            while let Some((first, payload)) = read_frame(stream) {
                if first == 0x88 {
                    stream.write_all(&frame(0x88, &payload)).unwrap();
                    finish(stream);
                    let _ = teller.send((sizes, payload));
                    return;
                }
                sizes.push(payload.len());
            }
        });
        let mut client = Client::connected(mode, &server.uri());
        let sizes: Vec<usize> = (0..400).map(|number| number * 97 % 50_000).collect();
        for size in &sizes {
            assert_eq!(client.send_binary(&vec![5; *size]), WS_OK);
        }
        assert_eq!(client.close(1000, "all said"), WS_OK);
        barrier.wait();
        assert_eq!(client.until_closed(), (vec![], clean(1000, b"all said", false)));
        let (arrived, payload) = told.recv_timeout(DEADLINE).unwrap();
        assert!(arrived == sizes, "{} of {}", arrived.len(), sizes.len());
        assert_eq!(payload, close_payload(1000, b"all said"));
    });
}

#[test]
fn messages_before_the_server_s_close_arrive_before_closed() {
    everywhere(|mode, tls| {
        let mut bytes = Vec::new();
        for number in 0..1000u16 {
            bytes.extend(frame(0x82, &number.to_be_bytes()));
        }
        bytes.extend(close_frame(1001, b"restart"));
        let (server, _answer) = closing_server(tls, bytes);
        let mut client = Client::connected(mode, &server.uri());
        let (before, closed) = client.until_closed();
        let expected = (0..1000u16)
            .map(|number| Told::Message(WS_MESSAGE_TYPE_BINARY, number.to_be_bytes().to_vec()));
        assert!(before.into_iter().eq(expected));
        assert_eq!(closed, clean(1001, b"restart", true));
    });
}

#[test]
fn under_tls_the_end_of_tcp_behind_the_close_frame_needs_no_close_notify() {
    let (server, _wire) = Server::scripted(Tls::Good, |stream, _| {
        stream.write_all(&close_frame(1000, b"")).unwrap();
        finish(stream);
    });
    for mode in MODES {
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.until_closed(), (vec![], clean(1000, b"", true)));
    }
}
