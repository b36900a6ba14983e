//! Every byte arrives, once and in order: over links that split, slow down and stall, in reads and
//! writes of every size, compressed and not.

use anyws::ffi::result::*;
use anyws::ffi::stream::*;

use crate::support::client::{MODES, Mode};
use crate::support::random::Random;
use crate::support::relay::Relay;
use crate::support::server::{BOTH, Tls, eventually, finish, frame};
use crate::support::stream_client::StreamClient;
use crate::support::stream_server::frame_echo;
use crate::{pair, send};

/// Half of it compresses, half does not.
fn content(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = random.words(len / 2);
    bytes.extend(random.bytes(len - bytes.len()));
    bytes
}

#[test]
fn bytes_come_back_over_links_that_split_and_stall() {
    let mut seed = 1;
    for tls in BOTH {
        let server = frame_echo(tls);
        for compression in [0, 1] {
            for mode in MODES {
                for (largest, stalls) in [(40, 200), (20_000, 30), (200_000, usize::MAX)] {
                    seed += 1;
                    let relay = Relay::new(&server, seed, largest, stalls);
                    let client = StreamClient::compressing(mode, &relay.uri(), compression);
                    client.exchange(&content(seed, largest * 20 + 20_000), seed, largest * 4);
                    client.close();
                }
            }
        }
    }
}

#[test]
fn large_amounts_come_back() {
    for (tls, compression, mode, megabytes) in [
        (Tls::No, 0, Mode::Pull, 64),
        (Tls::No, 0, Mode::Callback, 64),
        (Tls::No, 1, Mode::Next, 8),
        (Tls::Good, 0, Mode::Dispatch, 32),
        (Tls::Good, 1, Mode::Pull, 8),
    ] {
        let server = frame_echo(tls);
        let client = StreamClient::compressing(mode, &server.uri(), compression);
        let bytes = content(megabytes, (megabytes as usize) << 20);
        client.exchange(&bytes, megabytes, 8 << 20);
        client.close();
    }
}

#[test]
fn one_write_and_one_read_of_everything_are_as_good_as_many() {
    for mode in MODES {
        for tls in BOTH {
            let server = frame_echo(tls);
            let client = StreamClient::connected(mode, &server.uri());
            let bytes = content(7, 3 << 20);
            client.exchange(&bytes, 1, usize::MAX >> 1);
            for len in [0, 1, 125, 126, 65_527, 65_528, 65_529, 65_535, 65_536, 200_000] {
                assert_eq!(client.write(&bytes[..len]), (WS_OK, len), "{mode:?} {tls:?}");
                assert!(client.read_all(len) == bytes[..len]);
            }
            client.close();
        }
    }
}

/// What a server may send: each frame's bytes on the wire, and how many of the last are payload.
fn conversation() -> (Vec<(Vec<u8>, usize)>, Vec<u8>) {
    let mut random = Random::new(5);
    let mut frames = Vec::new();
    let mut all = Vec::new();
    let mut add = |first: u8, len: usize, is_data: bool| {
        let payload = random.bytes(len);
        frames.push((frame(first, &payload), if is_data { len } else { 0 }));
        if is_data {
            all.extend(payload);
        }
    };
    for (first, len) in [(0x82, 0), (0x82, 1), (0x81, 125), (0x82, 126), (0x01, 0), (0x00, 7)] {
        add(first, len, true);
    }
    add(0x89, 5, false);
    add(0x80, 300, true);
    add(0x8a, 0, false);
    for (first, len) in [(0x02, 200), (0x80, 0), (0x82, 10), (0x82, 10)] {
        add(first, len, true);
    }
    (frames, all)
}

/// How many bytes of payload can be read of the first `sent` bytes on the wire.
fn payload_in(frames: &[(Vec<u8>, usize)], sent: usize) -> usize {
    let (mut at, mut payload) = (0, 0);
    for (wire, len) in frames {
        let begin = at + wire.len() - len;
        payload += sent.saturating_sub(begin).min(*len);
        at += wire.len();
    }
    payload
}

#[test]
fn however_the_wire_is_cut_what_has_arrived_can_be_read() {
    let (frames, expected) = conversation();
    let wire: Vec<u8> = frames.iter().flat_map(|(wire, _)| wire.clone()).collect();
    for tls in BOTH {
        for size in 1..=300 {
            let (client, mut stream) = pair(Mode::Pull, tls);
            let (mut sent, mut got) = (0, Vec::new());
            for piece in wire.chunks(size) {
                send(&mut stream, piece);
                sent += piece.len();
                // Each piece is taken by the library before the next is sent.
                let arrived = || client.client.statistics().bytes_received >= sent as u64;
                assert!(eventually(arrived), "{sent} bytes in pieces of {size}");
                let there = payload_in(&frames, sent);
                while got.len() < there {
                    let (result, more) = client.read_wait(7 * size, WS_READ_PARTIAL, 0);
                    assert_eq!(result, WS_OK, "{} of {there}, pieces of {size}", got.len());
                    got.extend(more);
                }
                assert_eq!(got.len(), there, "and no more than that");
            }
            assert_eq!(client.read_wait(1, WS_READ_PARTIAL, 0), (WS_E_TIMEOUT, vec![]));
            assert!(got == expected, "pieces of {size}, {tls:?}");
            send(&mut stream, &frame(0x88, b"\x03\xe8"));
            finish(&mut stream);
            assert_eq!(client.read_wait(1, WS_READ_PARTIAL, 30_000), (WS_OK, vec![]));
        }
    }
}

#[test]
fn a_waiting_read_is_filled_however_the_wire_is_cut() {
    let (frames, expected) = conversation();
    let wire: Vec<u8> = frames.iter().flat_map(|(wire, _)| wire.clone()).collect();
    for tls in BOTH {
        for size in (1..=300).step_by(7) {
            let (client, mut stream) = pair(Mode::Callback, tls);
            let mut buffer = crate::support::stream_client::Buffer::new(expected.len());
            let began = client.begin_read(&mut buffer, expected.len(), WS_READ_NONE);
            assert_eq!(began, WS_OK);
            let mut sent = 0;
            for piece in wire.chunks(size) {
                send(&mut stream, piece);
                sent += piece.len();
                let arrived = || client.client.statistics().bytes_received >= sent as u64;
                assert!(eventually(arrived), "{sent} bytes in pieces of {size}");
            }
            assert_eq!(client.ended(WS_OPERATION_READ), (WS_OK, expected.len()));
            assert!(buffer.filled(expected.len()) == expected, "pieces of {size}, {tls:?}");
        }
    }
}
