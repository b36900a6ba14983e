//! What is unusual but legal goes on: control frames anywhere and many of them, lulls, many messages
//! at once.

use std::io::Write;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;

use crate::accounts::turn;
use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode, Told};
use crate::support::server::{BOTH, Server, Stream, finish_after_close, frame, read_frame};

#[test]
fn control_frames_between_fragments_are_answered_and_the_message_arrives_whole() {
    let _turn = turn();
    for tls in BOTH {
        for mode in MODES {
            let (teller, answers) = channel();
            let (server, _wire) = Server::scripted(tls, move |stream, _| {
                let text = "κόσμε".as_bytes();
                let mut bytes = frame(0x01, &text[..3]);
                bytes.extend(frame(0x89, b"one"));
                bytes.extend(frame(0x00, &text[3..4]));
                bytes.extend(frame(0x8a, b"not asked for"));
                stream.write_all(&bytes).unwrap();
                assert_eq!(read_frame(stream), Some((0x8a, b"one".to_vec())));
                let mut bytes = frame(0x89, b"");
                bytes.extend(frame(0x80, &text[4..]));
                bytes.extend(frame(0x88, &[]));
                stream.write_all(&bytes).unwrap();
                teller.send(finish_after_close(stream)).unwrap();
            });
            let mut client = Client::connected(mode, &server.uri());
            let (before, closed) = client.until_closed();
            assert_eq!(before, [Told::Message(WS_MESSAGE_TYPE_UTF8, "κόσμε".into())]);
            assert_eq!((closed.result, closed.code), (WS_OK, 1005));
            let answers = answers.recv_timeout(DEADLINE).unwrap();
            assert_eq!(answers, [(0x8a, vec![]), (0x88, vec![])]);
        }
    }
}

#[test]
fn an_idle_connection_never_times_out_and_any_byte_ends_the_silence() {
    let _turn = turn();
    for tls in BOTH {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            let lull = |stream: &mut Stream, ms| {
                stream.tcp().set_read_timeout(Some(Duration::from_millis(ms))).unwrap();
                assert_eq!(read_frame(stream), None);
            };
            lull(stream, 900);
            // A message that takes longer than the timeout, but is never silent for so long.
            stream.write_all(&[0x81, 10]).unwrap();
            for byte in *b"never late" {
                lull(stream, 50);
                stream.write_all(&[byte]).unwrap();
            }
        });
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_RECEIVE_TIMEOUT_MS, 400);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        assert_eq!(client.next_text(), "never late");
    }
}

#[test]
fn of_a_hundred_thousand_pings_the_last_is_answered() {
    let _turn = turn();
    for tls in BOTH {
        let (server, wire) = Server::scripted(tls, |stream, _| {
            let mut bytes = Vec::new();
            for number in 0..100_000u32 {
                bytes.extend(frame(0x89, &number.to_be_bytes()));
            }
            bytes.extend(frame(0x81, b"end"));
            stream.write_all(&bytes).unwrap();
            let last = (0x8a, 99_999u32.to_be_bytes().to_vec());
            while let Some(answer) = read_frame(stream) {
                if answer == last {
                    stream.write_all(&frame(0x88, &1000u16.to_be_bytes())).unwrap();
                    finish_after_close(stream);
                    return;
                }
            }
        });
        let mut client = Client::connected(Mode::Callback, &server.uri());
        assert_eq!(client.next_text(), "end");
        let (before, closed) = client.until_closed();
        assert_eq!(before, []);
        assert_eq!((closed.result, closed.code), (WS_OK, 1000));
        wire.recv_timeout(DEADLINE).unwrap();
    }
}

#[test]
fn pongs_that_answer_nothing_are_ignored() {
    let _turn = turn();
    for tls in BOTH {
        for mode in MODES {
            let (server, _wire) = Server::scripted(tls, |stream, _| {
                let mut bytes = frame(0x8a, b"unasked").repeat(10_000);
                bytes.extend(frame(0x81, b"ping me"));
                stream.write_all(&bytes).unwrap();
                assert_eq!(read_frame(stream), Some((0x89, b"question".to_vec())));
                let mut bytes = frame(0x8a, b"wrong");
                bytes.extend(frame(0x81, b"wrong"));
                bytes.extend(frame(0x8a, b"question"));
                stream.write_all(&bytes).unwrap();
            });
            let client = Client::connected(mode, &server.uri());
            assert_eq!(client.next_text(), "ping me");
            assert_eq!(ws_ping(client.socket, b"question".as_ptr().cast(), 8), WS_OK);
            let mut told = [client.next(), client.next()];
            if mode == Mode::Pull {
                // Messages and pongs come by different ways.
                told.sort_by_key(|told| matches!(told, Told::Pong(_)));
            }
            assert_eq!(told[0], Told::Message(WS_MESSAGE_TYPE_UTF8, b"wrong".to_vec()));
            assert!(matches!(told[1], Told::Pong(_)), "{told:?}");
        }
    }
}

#[test]
fn ten_thousand_messages_in_one_segment_arrive_in_order() {
    let _turn = turn();
    for tls in BOTH {
        for mode in MODES {
            let (server, _wire) = Server::scripted(tls, |stream, _| {
                let mut bytes = Vec::new();
                for number in 0..5_000u16 {
                    bytes.extend(frame(0x82, &number.to_be_bytes()));
                    bytes.extend(frame(0x81, b""));
                }
                stream.write_all(&bytes).unwrap();
            });
            let client = Client::connected(mode, &server.uri());
            for number in 0..5_000u16 {
                let bytes = number.to_be_bytes().to_vec();
                assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, bytes));
                assert_eq!(client.next_text(), "");
            }
        }
    }
}
