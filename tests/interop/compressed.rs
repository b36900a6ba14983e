//! permessage-deflate with servers that others wrote, in all the ways in which they do it.

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::peer::{Way, peers};
use crate::support::client::{MODES, Mode};
use crate::support::server::eventually;
use crate::{clean, connected, pattern};

const WAYS: [Way; 4] = [Way::Default, Way::Small, Way::Fresh, Way::Always];
const COUNT: usize = 1_000;

/// Some are large, most are small; every third is like its neighbours, the others less so.
fn message(number: usize) -> (ws_message_type, Vec<u8>) {
    let most = if number.is_multiple_of(10) { 200 * 1024 } else { 1_500 };
    let size = number * 7_919 % (most + 1);
    if number.is_multiple_of(3) {
        return (WS_MESSAGE_TYPE_BINARY, pattern(number, size));
    }
    let mut text = String::new();
    while text.len() < size {
        text += &format!("{{\"größe\": {}, \"number\": {number}}}, ", text.len() * number % 997);
    }
    (WS_MESSAGE_TYPE_UTF8, text.into_bytes())
}

fn thousand_messages(mode: Mode, uri: &str, controls: &[(ws_control, u64)], place: &str) {
    let client = connected(mode, uri, |client| {
        client.set(WS_CONTROL_COMPRESSION, 1);
        for (control, value) in controls {
            client.set(*control, *value);
        }
    });
    let agreed = client.text(WS_INFORMATION_EXTENSIONS);
    assert!(agreed.starts_with("permessage-deflate"), "{agreed:?}, {place}");
    let place = format!("{place}, {agreed}");
    let mut largest = 0;
    for number in 0..COUNT {
        let (kind, bytes) = message(number);
        largest = largest.max(bytes.len());
        let sent = match kind {
            WS_MESSAGE_TYPE_BINARY => client.send_binary(&bytes),
            _ => client.send_text(std::str::from_utf8(&bytes).unwrap()),
        };
        assert_eq!(sent, WS_OK, "{place}");
    }
    assert!(largest > 190 * 1024);
    for number in 0..COUNT {
        assert!(client.next_message() == message(number), "{number}, {place}");
    }
    assert!(eventually(|| client.statistics().messages_received == COUNT as u64));
    let statistics = client.statistics();
    let (wire, payload) = (statistics.compressed_bytes_sent, statistics.payload_bytes_sent);
    assert!(wire > 0 && wire < payload / 2, "{wire} of {payload}, {place}");
    assert!(statistics.compressed_bytes_received > 0, "{place}");
    assert_eq!(client.close(1000, ""), WS_OK);
    assert_eq!(client.next_closed(), clean(1000, "", false), "{place}");
}

#[test]
fn a_thousand_compressed_messages_go_there_and_back_in_every_way() {
    for peer in peers() {
        for (way, mode) in WAYS.into_iter().zip(MODES) {
            let [plain, _] = peer.compressing_uris(way, "/echo");
            thousand_messages(mode, &plain, &[], &format!("{}, {way:?}", peer.name));
        }
        let [_, secure] = peer.compressing_uris(Way::Default, "/echo");
        thousand_messages(Mode::Callback, &secure, &[], peer.name);
    }
}

#[test]
fn the_servers_grant_what_is_asked_for() {
    for (name, controls) in [
        ("small windows", [(WS_CONTROL_COMPRESSION_CLIENT_MAX_WINDOW_BITS, 9), SERVER_BITS]),
        (
            "nothing kept",
            [
                (WS_CONTROL_COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER, 1),
                (WS_CONTROL_COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER, 1),
            ],
        ),
        ("everything small", [(WS_CONTROL_COMPRESSION_THRESHOLD, 0), SERVER_BITS]),
    ] {
        for peer in peers() {
            let [plain, _] = peer.compressing_uris(Way::Always, "/echo");
            let place = format!("{}, {name}", peer.name);
            thousand_messages(Mode::Callback, &plain, &controls, &place);
        }
    }
}

const SERVER_BITS: (ws_control, u64) = (WS_CONTROL_COMPRESSION_SERVER_MAX_WINDOW_BITS, 10);

#[test]
fn a_server_that_never_compresses_is_spoken_to_plainly() {
    for peer in peers() {
        let client = connected(Mode::Callback, &peer.uris("/echo")[0], |client| {
            client.set(WS_CONTROL_COMPRESSION, 1);
        });
        assert_eq!(client.text(WS_INFORMATION_EXTENSIONS), "", "{}", peer.name);
        let text = "a".repeat(10_000);
        assert_eq!(client.send_text(&text), WS_OK);
        assert!(client.next_text() == text, "{}", peer.name);
        assert_eq!(client.statistics().compressed_bytes_sent, 0);
    }
}
