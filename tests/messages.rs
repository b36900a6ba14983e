//! Messages there and back, against tungstenite's server role, over ws and wss, in every way that
//! events can be delivered.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "messages/bursts.rs"]
mod bursts;
#[path = "messages/floods.rs"]
mod floods;
#[path = "messages/large.rs"]
mod large;
#[path = "messages/outpours.rs"]
mod outpours;
mod support;

use anyws::ffi::result::*;
use anyws::ffi::types::*;
use support::client::{Client, Closed, MODES, Mode, Told};
use support::server::{self, BOTH, Server};
use tungstenite::Message;

/// Every combination of delivery and transport.
fn everywhere(test: impl Fn(Mode, server::Tls)) {
    for mode in MODES {
        for tls in BOTH {
            test(mode, tls);
        }
    }
}

#[test]
fn text_and_binary_come_back_as_they_went() {
    everywhere(|mode, tls| {
        let server = Server::echo(tls);
        let client = Client::connected(mode, &server.uri());
        assert_eq!(client.send_text("hello, κόσμε"), WS_OK);
        assert_eq!(client.next_text(), "hello, κόσμε");
        assert_eq!(client.send_binary(&[0, 1, 2, 255]), WS_OK);
        assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, vec![0, 1, 2, 255]));
        assert_eq!(client.send_text(""), WS_OK);
        assert_eq!(client.next_text(), "");
        assert_eq!(client.send_binary(&[]), WS_OK);
        assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, vec![]));
        assert_eq!(client.close(1000, "done"), WS_OK);
        let closed = Closed {
            result: WS_OK,
            code: 1000,
            reason: b"done".to_vec(),
            was_clean: true,
            by_peer: false,
        };
        assert_eq!(client.next_closed(), closed);
        assert_eq!(client.free(), []);
    });
}

#[test]
fn messages_of_every_size_come_back() {
    everywhere(|mode, tls| {
        let server = Server::echo(tls);
        let client = Client::connected(mode, &server.uri());
        for size in [1, 125, 126, 127, 65_535, 65_536, 70_000, 300_000, 1 << 20, (5 << 20) + 3] {
            let bytes: Vec<u8> = (0..size).map(|n| (n * 7 + n / 251) as u8).collect();
            assert_eq!(client.send_binary(&bytes), WS_OK);
            let (kind, back) = client.next_message();
            assert_eq!(kind, WS_MESSAGE_TYPE_BINARY);
            assert!(back == bytes, "{size} bytes, {mode:?}, {tls:?}");
        }
        let text = "ä🎮x".repeat(100_000);
        assert_eq!(client.send_text(&text), WS_OK);
        assert!(client.next_text() == text);
    });
}

#[test]
fn thousands_of_messages_keep_their_order() {
    everywhere(|mode, tls| {
        let server = Server::echo(tls);
        let client = Client::connected(mode, &server.uri());
        const COUNT: u32 = 5_000;
        for number in 0..COUNT {
            let mut bytes = number.to_be_bytes().to_vec();
            bytes.resize(4 + number as usize % 300, 9);
            while client.send_binary(&bytes) == WS_E_WOULD_BLOCK {
                std::thread::yield_now();
            }
        }
        for number in 0..COUNT {
            let (_, bytes) = client.next_message();
            assert_eq!(bytes[..4], number.to_be_bytes());
            assert_eq!(bytes.len(), 4 + number as usize % 300);
        }
    });
}

#[test]
fn what_the_server_sends_first_arrives_after_the_connect_completed() {
    everywhere(|mode, tls| {
        let server = Server::start(tls, |peer| {
            for number in 0..10 {
                peer.send(Message::text(format!("greeting {number}"))).unwrap();
            }
            server::echo(peer);
        });
        let client = Client::connected(mode, &server.uri());
        for number in 0..10 {
            assert_eq!(client.next_text(), format!("greeting {number}"));
        }
    });
}

/// More than one turn may read, in records that fall into many pieces.
#[test]
fn a_flood_of_small_messages_arrives_to_the_last() {
    const COUNT: usize = 20_000;
    everywhere(|mode, tls| {
        let server = Server::start(tls, |peer| {
            for number in 0..COUNT {
                peer.send(Message::binary(vec![number as u8; number % 1_000])).unwrap();
            }
            server::echo(peer);
        });
        let client = Client::connected(mode, &server.uri());
        for number in 0..COUNT {
            let expected = vec![number as u8; number % 1_000];
            assert!(
                client.next_message() == (WS_MESSAGE_TYPE_BINARY, expected),
                "{mode:?}, {tls:?}"
            );
        }
    });
}

#[test]
fn the_server_closes_and_its_code_and_reason_arrive() {
    everywhere(|mode, tls| {
        let server = Server::start(tls, |peer| {
            let code = tungstenite::protocol::frame::coding::CloseCode::from(4321);
            let reason = "genug für heute".into();
            peer.close(Some(tungstenite::protocol::CloseFrame { code, reason })).unwrap();
            while peer.read().is_ok() {}
        });
        let client = Client::connected(mode, &server.uri());
        let closed = Closed {
            result: WS_OK,
            code: 4321,
            reason: "genug für heute".into(),
            was_clean: true,
            by_peer: true,
        };
        assert_eq!(client.next_closed(), closed);
        assert_eq!(client.send_text("late"), WS_E_CLOSED);
        assert_eq!(client.free(), []);
    });
}

#[test]
fn pings_are_answered_and_ours_tell_the_round_trip() {
    everywhere(|mode, tls| {
        let server = Server::start(tls, |peer| {
            peer.send(Message::Ping("are you there".into())).unwrap();
            loop {
                match peer.read() {
                    Ok(Message::Pong(payload)) => {
                        peer.send(Message::text(String::from_utf8(payload.to_vec()).unwrap()))
                            .unwrap();
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        let client = Client::connected(mode, &server.uri());
        assert_eq!(client.next_text(), "are you there");
        let ping = anyws::ffi::send::ws_ping(client.socket, b"!".as_ptr().cast(), 1);
        assert_eq!(ping, WS_OK);
        match client.next() {
            Told::Pong(round_trip_us) => assert!(round_trip_us < 30_000_000),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn send_async_completes_in_order_with_its_length() {
    everywhere(|mode, tls| {
        let server = Server::start(tls, |peer| while peer.read().is_ok() {});
        let client = Client::connected(mode, &server.uri());
        let mut expected = Vec::new();
        for len in [0usize, 5, 100_000, 3] {
            let operation = client.send_async(WS_MESSAGE_TYPE_BINARY, &vec![1; len]).unwrap();
            expected.push(Told::Completed { operation, result: WS_OK, bytes: len as u64 });
        }
        let told: Vec<_> = expected.iter().map(|_| client.next()).collect();
        assert_eq!(told, expected);
    });
}

/// The queue is small, so that the system blocks, the sender is refused and everybody sleeps and
/// is woken thousands of times.
#[test]
fn a_long_burst_from_an_application_thread_leaves_to_the_last() {
    const COUNT: u64 = 400_000;
    for tls in BOTH {
        let server = Server::start(tls, |peer| {
            let mut bytes = 0;
            for _ in 0..COUNT {
                bytes += server::next_message(peer).expect("a message").len() as u64;
            }
            peer.send(Message::text(bytes.to_string())).unwrap();
            while peer.read().is_ok() {}
        });
        for mode in [Mode::Callback, Mode::Dispatch] {
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 300_000);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            for _ in 0..COUNT {
                loop {
                    match client.send_binary(&[7; 64]) {
                        WS_OK => break,
                        WS_E_WOULD_BLOCK => assert_eq!(client.next(), Told::SendReady),
                        other => panic!("{other:x}"),
                    }
                }
            }
            let text = loop {
                match client.next() {
                    Told::SendReady => {}
                    Told::Message(_, text) => break text,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(text, (COUNT * 64).to_string().as_bytes());
        }
    }
}
