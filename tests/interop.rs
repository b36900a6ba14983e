//! anyws against servers that others wrote: Python's `websockets` and npm's `ws`, over ws and wss, in
//! every way that events can be delivered. scripts/require-peers.sh installs them; against one that
//! is not there nothing is tested, and a line says so.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "interop/compressed.rs"]
mod compressed;
#[path = "interop/peer.rs"]
mod peer;
mod support;

use std::ffi::CString;

use anyws::ffi::controls::*;
use anyws::ffi::information::*;
use anyws::ffi::result::*;
use anyws::ffi::types::*;
use peer::{authority_pem, peers};
use support::client::{Client, Closed, MODES, Mode, Told, read_text};

/// Connects to `path` of every server, with and without TLS, in every mode.
fn everywhere(path: &str, test: impl Fn(Client, &str)) {
    everywhere_with(path, |_| {}, test);
}

fn everywhere_with(path: &str, prepare: impl Fn(&Client), test: impl Fn(Client, &str)) {
    for peer in peers() {
        for uri in peer.uris(path) {
            for mode in MODES {
                let place = format!("{}, {uri}, {mode:?}", peer.name);
                test(connected(mode, &uri, &prepare), &place);
            }
        }
    }
}

fn connected(mode: Mode, uri: &str, prepare: impl Fn(&Client)) -> Client {
    let mut client = Client::new(mode);
    let (control, pem) = (WS_CONTROL_TRUSTED_CERTIFICATES, authority_pem());
    let set = ws_set_control_bytes(client.socket, control, pem.as_ptr().cast(), pem.len());
    assert_eq!(set, WS_OK);
    client.set(WS_CONTROL_TRUST_SYSTEM_STORE, 0);
    prepare(&client);
    client.connect(uri);
    assert_eq!(client.connect_result(), WS_OK, "{uri}");
    client.begin_pulling();
    client
}

fn clean(code: u16, reason: &str, by_peer: bool) -> Closed {
    Closed { result: WS_OK, code, reason: reason.into(), was_clean: true, by_peer }
}

fn pattern(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|place| ((number + place) % 256) as u8).collect()
}

#[test]
fn messages_of_every_size_come_back_with_their_type() {
    everywhere("/echo", |client, place| {
        for size in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000, 1 << 20] {
            let binary = pattern(size, size);
            assert_eq!(client.send_binary(&binary), WS_OK);
            assert!(client.next_message() == (WS_MESSAGE_TYPE_BINARY, binary), "{size}, {place}");
            let text = "ü".repeat(size / 2) + &"z".repeat(size % 2);
            assert_eq!(client.send_text(&text), WS_OK);
            assert!(client.next_text() == text, "{size}, {place}");
        }
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.next_closed(), clean(1000, "", false), "{place}");
    });
}

#[test]
fn a_thousand_messages_go_there_and_back_in_order() {
    everywhere("/echo", |client, place| {
        for number in 0..1_000 {
            let sent = if number % 2 == 0 {
                client.send_binary(&pattern(number, number * 3))
            } else {
                client.send_text(&format!("number {number} "))
            };
            assert_eq!(sent, WS_OK, "{place}");
        }
        for number in 0..1_000 {
            let expected = if number % 2 == 0 {
                (WS_MESSAGE_TYPE_BINARY, pattern(number, number * 3))
            } else {
                (WS_MESSAGE_TYPE_UTF8, format!("number {number} ").into_bytes())
            };
            assert!(client.next_message() == expected, "{number}, {place}");
        }
    });
}

#[test]
fn a_thousand_messages_of_the_server_arrive_before_its_close() {
    everywhere("/push/1000", |mut client, place| {
        let (messages, closed) = client.until_closed();
        assert_eq!(closed, clean(1000, "all of them", true), "{place}");
        assert_eq!(messages.len(), 1_000, "{place}");
        for (number, message) in messages.into_iter().enumerate() {
            let expected = Told::Message(WS_MESSAGE_TYPE_BINARY, pattern(number, number));
            assert!(message == expected, "{number}, {place}");
        }
    });
}

#[test]
fn the_servers_code_and_reason_arrive() {
    for (code, reason, path) in [
        (1000, "", "/close/1000/"),
        (1001, "going away", "/close/1001/going%20away"),
        (4999, "zu spät", "/close/4999/zu%20sp%C3%A4t"),
    ] {
        everywhere(path, |client, place| {
            assert_eq!(client.next_closed(), clean(code, reason, true), "{place}");
        });
    }
}

#[test]
fn our_code_and_reason_arrive_at_the_server() {
    for (number, (code, reason, seen)) in [
        (3000, "wir gehen — tschüß", "3000 wir gehen — tschüß"),
        (1001, "", "1001 "),
        (0, "", "1005 "),
    ]
    .into_iter()
    .enumerate()
    {
        for peer in peers() {
            for (tls, mode) in [0, 1].into_iter().flat_map(|tls| MODES.map(|mode| (tls, mode))) {
                let name = format!("{number}-{tls}-{mode:?}");
                let leaving = connected(mode, &peer.uris(&format!("/leave/{name}"))[tls], |_| {});
                assert_eq!(leaving.close(code, reason), WS_OK);
                let code = if code == 0 { 1005 } else { code };
                assert_eq!(leaving.next_closed(), clean(code, reason, false), "{}", peer.name);
                let witness = connected(mode, &peer.uris(&format!("/left/{name}"))[tls], |_| {});
                assert_eq!(witness.next_text(), seen, "{}, {mode:?}", peer.name);
            }
        }
    }
}

#[test]
fn the_first_protocol_that_both_know_is_chosen() {
    let offer = |client: &Client| {
        let (control, value) = (WS_CONTROL_SUPPORTED_PROTOCOLS, c"elsewhere, chat.v1");
        assert_eq!(ws_set_control_string(client.socket, control, value.as_ptr()), WS_OK);
    };
    everywhere_with("/echo", offer, |client, place| {
        let chosen = read_text(|buffer, capacity, length| {
            let which = WS_INFORMATION_PROTOCOL;
            ws_get_information_string(client.socket, which, buffer, capacity, length)
        });
        assert_eq!(chosen.as_deref(), Ok("chat.v1"), "{place}");
    });
}

#[test]
fn pings_are_answered_both_ways() {
    everywhere("/ping", |client, place| {
        assert_eq!(client.next_text(), "it was there", "{place}");
        let payload = CString::new("and you").unwrap();
        assert_eq!(anyws::ffi::send::ws_ping(client.socket, payload.as_ptr().cast(), 7), WS_OK);
        match client.next() {
            Told::Pong(round_trip_us) => assert!(round_trip_us < 30_000_000, "{place}"),
            other => panic!("{other:?}, {place}"),
        }
    });
}
