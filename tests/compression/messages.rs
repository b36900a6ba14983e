//! Messages both ways: which are compressed, how well, and with what they refer to.

use std::io::Write;
use std::sync::mpsc::channel;

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::peer::{BINARY, CLOSE, FINAL, PING, TEXT, noise, prose, serve};
use crate::support::DEADLINE;
use crate::support::client::{MODES, Mode};
use crate::support::server::{BOTH, Tls, eventually, frame};
use crate::{connected, everywhere};

const BOTH_KEEP: &str = "permessage-deflate";
const NEITHER_KEEPS: &str =
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

#[test]
fn messages_of_every_size_come_back_compressed_and_not() {
    everywhere(|mode, tls| {
        let server = serve(tls, BOTH_KEEP, |peer| {
            for number in 0.. {
                let Some(arrived) = peer.next() else { break };
                match (arrived.opcode, number % 3) {
                    (CLOSE.., _) => break,
                    (opcode, 0) => peer.send_plain(opcode, &arrived.payload),
                    (opcode, frames) => peer.send(opcode, &arrived.payload, frames),
                }
            }
        });
        let client = connected(mode, &server, &[]);
        for size in [0, 1, 63, 64, 125, 126, 5_000, 65_535, 65_536, 300_000, 1 << 20] {
            for seed in 1..4 {
                let text = prose(size, seed);
                assert_eq!(client.send_text(&text), WS_OK);
                assert!(client.next_text() == text, "{size}, {mode:?}, {tls:?}");
                let bytes = noise(size, seed);
                assert_eq!(client.send_binary(&bytes), WS_OK);
                let expected = (WS_MESSAGE_TYPE_BINARY, bytes);
                assert!(client.next_message() == expected, "{size}, {mode:?}, {tls:?}");
            }
        }
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.next_closed(), crate::clean(1000));
    });
}

#[test]
fn the_threshold_is_the_smallest_that_is_compressed_and_may_change_at_any_time() {
    for tls in BOTH {
        let (teller, told) = channel();
        let server = serve(tls, BOTH_KEEP, move |peer| {
            while let Some(arrived) = peer.next() {
                teller.send((arrived.is_compressed, arrived.payload)).unwrap();
            }
        });
        let client = connected(Mode::Callback, &server, &[]);
        let sends = |len: usize| {
            let text = prose(len, 7);
            assert_eq!(client.send_text(&text), WS_OK);
            let (is_compressed, payload) = told.recv_timeout(DEADLINE).unwrap();
            assert_eq!(payload, text.as_bytes());
            is_compressed
        };
        assert!(!sends(63) && sends(64), "the default");
        for threshold in [1, 1_000, 200_000, 2] {
            client.set(WS_CONTROL_COMPRESSION_THRESHOLD, threshold as u64);
            assert!(!sends(threshold - 1) && sends(threshold), "{threshold}");
        }
        client.set(WS_CONTROL_COMPRESSION_THRESHOLD, 0);
        assert!(sends(0) && sends(1), "also an empty one");
        assert_eq!(client.send_frame(b"", false), WS_OK);
        assert_eq!(client.send_frame(b"", true), WS_OK);
        assert_eq!(told.recv_timeout(DEADLINE), Ok((true, Vec::new())), "and in frames");
    }
}

#[test]
fn the_level_may_change_at_any_time_and_every_one_inflates() {
    for answer in [BOTH_KEEP, NEITHER_KEEPS] {
        let (teller, told) = channel();
        let server = serve(Tls::No, answer, move |peer| {
            while let Some(arrived) = peer.next() {
                assert!(arrived.is_compressed || arrived.opcode == CLOSE);
                teller.send((arrived.wire_len, arrived.payload)).unwrap();
            }
        });
        let client = connected(Mode::Callback, &server, &[]);
        let mut lengths = Vec::new();
        for level in (0..=9).chain([0, 9, 1]) {
            client.set(WS_CONTROL_COMPRESSION_LEVEL, level);
            let text = prose(100_000, level + 1);
            assert_eq!(client.send_text(&text), WS_OK);
            let (wire_len, payload) = told.recv_timeout(DEADLINE).unwrap();
            assert!(payload == text.as_bytes(), "level {level}");
            lengths.push(wire_len);
        }
        assert!(lengths[0] > 100_000, "nothing is compressed at level 0: {lengths:?}");
        assert!(lengths[1..10].iter().all(|len| *len < 60_000), "{lengths:?}");
        assert!(lengths[9] <= lengths[1] && lengths[10] > 100_000, "{lengths:?}");
    }
}

/// What is the same in every message costs nothing from the second one on, if the window is kept.
#[test]
fn what_was_sent_before_is_referred_to_if_it_may_be() {
    const LEN: usize = 2_000;
    for (answer, is_kept) in [(BOTH_KEEP, true), (NEITHER_KEEPS, false)] {
        everywhere(|mode, tls| {
            let server = serve(tls, answer, move |peer| {
                for number in 0..100 {
                    let arrived = peer.message();
                    assert!(arrived.is_compressed && arrived.payload == noise(LEN, 5));
                    let is_short = arrived.wire_len < LEN / 10;
                    assert_eq!(is_short, is_kept && number > 0, "message {number}");
                    peer.send(BINARY, &arrived.payload, 1);
                }
            });
            let client = connected(mode, &server, &[]);
            for number in 0..100 {
                assert_eq!(client.send_binary(&noise(LEN, 5)), WS_OK);
                assert!(client.next_message().1 == noise(LEN, 5), "{number}, {mode:?}, {tls:?}");
            }
            assert!(eventually(|| client.statistics().messages_received == 100));
            let statistics = client.statistics();
            assert_eq!(statistics.uncompressed_bytes_sent, 100 * LEN as u64);
            assert_eq!(statistics.uncompressed_bytes_received, 100 * LEN as u64);
            let compressed =
                [statistics.compressed_bytes_sent, statistics.compressed_bytes_received];
            for bytes in compressed {
                assert_eq!(bytes < 10 * LEN as u64, is_kept, "{compressed:?}");
            }
        });
    }
}

#[test]
fn a_compressed_message_may_come_in_any_number_of_frames() {
    everywhere(|mode, tls| {
        let server = serve(tls, BOTH_KEEP, |peer| {
            let text = prose(3_000, 9);
            for frames in [1, 2, 3, 100, 5_000] {
                peer.send(TEXT, text.as_bytes(), frames);
                // Pings between the frames of a message, each of which is answered.
                let wire = peer.deflate(text.as_bytes());
                let (front, back) = wire.split_at(wire.len() / 2);
                let bytes = [
                    frame(TEXT | crate::peer::COMPRESSED, front),
                    frame(FINAL | PING, b"?"),
                    frame(FINAL, back),
                ];
                peer.stream.write_all(&bytes.concat()).unwrap();
                assert_eq!(peer.next().unwrap().payload, b"?");
            }
        });
        let client = connected(mode, &server, &[]);
        for number in 0..10 {
            assert_eq!(client.next_text(), prose(3_000, 9), "{number}, {mode:?}, {tls:?}");
        }
    });
}

#[test]
fn statistics_tell_both_sides_of_what_was_compressed_and_nothing_of_the_rest() {
    for tls in BOTH {
        let (teller, told) = channel();
        let server = serve(tls, BOTH_KEEP, move |peer| {
            for _ in 0..3 {
                let arrived = peer.message();
                let _ = teller.send((arrived.is_compressed, arrived.wire_len as u64));
            }
            let (text, mut wire_len) = (prose(40_000, 2), 0);
            for frames in [1, 7] {
                let wire = peer.deflate(text.as_bytes());
                wire_len += wire.len() as u64;
                let bytes = crate::peer::cut(TEXT | crate::peer::COMPRESSED, &wire, frames);
                peer.stream.write_all(&bytes).unwrap();
            }
            peer.send_plain(TEXT, b"as it is");
            let _ = teller.send((true, wire_len));
        });
        let client = connected(Mode::Callback, &server, &[]);
        let text = prose(50_000, 3);
        assert_eq!(client.send_text(&text), WS_OK);
        assert_eq!(client.send_text("small"), WS_OK);
        assert_eq!(client.send_frame(text.as_bytes(), false), WS_OK);
        assert_eq!(client.send_frame(b"and", false), WS_OK);
        assert_eq!(client.send_frame(b"more", true), WS_OK);
        for _ in 0..3 {
            client.next_text();
        }
        assert!(eventually(|| client.statistics().messages_received == 3));
        let (statistics, told) = (client.statistics(), told.iter().take(4).collect::<Vec<_>>());
        let compressed = told[..3].iter().filter(|told| told.0).map(|told| told.1).sum::<u64>();
        assert_eq!(statistics.compressed_bytes_sent, compressed);
        assert_eq!(statistics.uncompressed_bytes_sent, 100_007);
        assert_eq!(statistics.payload_bytes_sent, 100_012);
        assert_eq!(statistics.messages_sent, 3);
        assert_eq!(statistics.compressed_bytes_received, told[3].1);
        assert_eq!(statistics.uncompressed_bytes_received, 80_000);
        assert_eq!(statistics.payload_bytes_received, 80_008);
        let (wire, payload) = (statistics.bytes_sent, statistics.payload_bytes_sent);
        assert!(wire > compressed && wire < payload, "{wire} of {payload}");
    }
}

#[test]
fn every_window_that_a_client_may_ask_for_works() {
    for bits in 9..=15 {
        let mode = MODES[bits as usize % MODES.len()];
        let server = serve(Tls::No, BOTH_KEEP, |peer| {
            for _ in 0..3 {
                let arrived = peer.message();
                peer.send(arrived.opcode, &arrived.payload, 2);
            }
        });
        let control = WS_CONTROL_COMPRESSION_CLIENT_MAX_WINDOW_BITS;
        let client = connected(mode, &server, &[(control, bits)]);
        for seed in 1..4 {
            let text = prose(200_000, seed);
            assert_eq!(client.send_text(&text), WS_OK);
            assert!(client.next_text() == text, "{bits} bits");
        }
    }
}
