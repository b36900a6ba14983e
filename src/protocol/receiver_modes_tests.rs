//! Partial mode and compressed messages: whatever the split, the same bytes.

use std::sync::Arc;

use super::*;
use crate::protocol::deflate::{Deflater, Parameters, Spares};

const AGREED: Parameters = Parameters {
    client_max_window_bits: 15,
    server_max_window_bits: 15,
    client_no_context_takeover: false,
    server_no_context_takeover: false,
};

fn receiver(mode: Mode, limits: Limits) -> Receiver {
    let inflater = Inflater::new(&AGREED, Arc::new(Spares::default()));
    Receiver::new(mode, limits, Some(inflater))
}

fn partial() -> Receiver {
    receiver(Mode::PartialMessage, LIMITS)
}

/// Portions of one message become one, and never an empty one that is not the last.
fn joined(seen: &[Seen]) -> Vec<Seen> {
    let mut joined = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for one in seen {
        match one {
            Seen::Portion(_, bytes) => {
                assert!(!bytes.is_empty(), "an empty portion tells nothing");
                open.get_or_insert_default().extend(bytes);
            }
            Seen::Message(kind, bytes) => {
                let mut whole = open.take().unwrap_or_default();
                whole.extend(bytes);
                joined.push(Seen::Message(*kind, whole));
            }
            other => joined.push(other.clone()),
        }
    }
    joined
}

/// The same events, portions joined, in every mode and for every way of cutting the bytes.
fn expect_in_all_modes(bytes: &[u8], expected: &[Seen]) {
    for mode in [Mode::FullMessage, Mode::PartialMessage, Mode::Stream] {
        let check = |pieces: &[&[u8]], direct: bool| {
            let seen = feed(&mut receiver(mode, LIMITS), pieces, direct);
            assert_eq!(joined(&seen), expected, "{mode:?} in {} pieces", pieces.len());
        };
        check(&[bytes], false);
        check(&bytes.chunks(1).collect::<Vec<_>>(), false);
        for cut in (0..bytes.len()).step_by((bytes.len() / 200).max(1)) {
            check(&[&bytes[..cut], &bytes[cut..]], cut % 2 == 0);
        }
    }
}

/// Frames of one message, deflated.
fn compressed(deflater: &mut Deflater, kind: u8, fragments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, fragment) in fragments.iter().enumerate() {
        let is_last = at + 1 == fragments.len();
        let mut payload = Vec::new();
        deflater.deflate(6, fragment, is_last, &mut payload).unwrap();
        let first = if at == 0 { 0x40 | kind } else { 0 };
        bytes.extend(frame(first | if is_last { 0x80 } else { 0 }, &payload));
    }
    bytes
}

fn deflater() -> Deflater {
    Deflater::new(&AGREED, Arc::new(Spares::default()))
}

fn binary(bytes: &[u8]) -> Seen {
    Seen::Message(MessageKind::Binary, bytes.to_vec())
}

#[test]
fn fragments_and_control_frames_give_the_same_message_in_every_mode() {
    let bytes = [
        frame(0x01, "Привет, ".as_bytes()),
        frame(0x89, b"now"),
        frame(0x00, b""),
        frame(0x00, "мир 🎮".as_bytes()),
        frame(0x80, b""),
        frame(0x82, b""),
        frame(0x02, &[9; 700]),
        frame(0x80, &[8; 300]),
    ]
    .concat();
    let long = [vec![9; 700], vec![8; 300]].concat();
    let ping = Seen::Ping(b"now".to_vec());
    // The ping stands before the end of the message that it interrupts.
    expect_in_all_modes(&bytes, &[ping, text("Привет, мир 🎮"), binary(b""), binary(&long)]);
}

#[test]
fn portions_come_as_they_arrive_and_the_last_says_so() {
    let mut receiver = partial();
    let portion = |text: &str| Seen::Portion(MessageKind::Text, text.into());
    let message = [frame(0x01, b"abcdef"), frame(0x80, b"ghi")].concat();
    assert_eq!(feed(&mut receiver, &[&message[..4]], false), [portion("ab")]);
    assert_eq!(feed(&mut receiver, &[&message[4..8]], false), [portion("cdef")]);
    assert_eq!(feed(&mut receiver, &[&message[8..10]], false), []);
    assert!(receiver.is_inside_message());
    assert_eq!(feed(&mut receiver, &[&message[10..]], false), [text("ghi")]);
    let empty_end = [frame(0x01, b"x"), frame(0x80, b"")].concat();
    assert_eq!(feed(&mut receiver, &[&empty_end], false), [portion("x"), text("")]);
    assert!(!receiver.is_inside_message());
}

#[test]
fn a_character_may_be_cut_by_a_portion_and_must_be_whole_at_the_end() {
    let bytes = [frame(0x01, b"\xf0\x9f"), frame(0x80, b"\x8e\xae")].concat();
    let seen = feed(&mut partial(), &[&bytes], false);
    assert_eq!(joined(&seen), [text("🎮")]);
    let cut = [frame(0x01, b"\xf0\x9f"), frame(0x80, b"\x8e")].concat();
    let seen = feed(&mut partial(), &[&cut], false);
    assert_eq!(seen.last(), Some(&Seen::Fault(Fault::TextNotUtf8)));
    let broken = [frame(0x01, b"ok"), frame(0x00, b"\xff")].concat();
    let seen = feed(&mut partial(), &[&broken], false);
    let portion = Seen::Portion(MessageKind::Text, b"ok".to_vec());
    assert_eq!(seen, [portion, Seen::Fault(Fault::TextNotUtf8)]);
    let mut stream = receiver(Mode::Stream, LIMITS);
    let seen = feed(&mut stream, &[&broken], false);
    assert!(!seen.iter().any(|one| matches!(one, Seen::Fault(_))), "a stream is only bytes");
}

#[test]
fn the_limits_do_not_bind_portions() {
    let unlimited = Limits { max_message_size: u64::MAX, max_fragments: u32::MAX };
    let mut receiver = receiver(Mode::PartialMessage, unlimited);
    let mut bytes = frame(0x02, &vec![1; 3 << 20]);
    bytes.extend(frame(0x00, b"").repeat(70_000));
    bytes.extend(frame(0x80, b"!"));
    let seen = feed(&mut receiver, &[&bytes], false);
    assert!(matches!(&seen[..], [Seen::Portion(_, portion), Seen::Message(..)]
        if portion.len() == 3 << 20));
}

#[test]
fn compressed_messages_are_inflated_in_every_mode_and_split() {
    let mut deflater = deflater();
    let long: Vec<u8> = (0..5000u32).map(|n| (n % 17) as u8).collect();
    let bytes = [
        compressed(&mut deflater, 1, &["Привет, мир".as_bytes()]),
        frame(0x81, b"not compressed"),
        compressed(&mut deflater, 2, &[b"one ", b"", b"two ", &long]),
        compressed(&mut deflater, 1, &["Привет, мир".as_bytes()]),
        compressed(&mut deflater, 2, &[b""]),
        frame(0xc2, &[0]),
    ]
    .concat();
    let fragments = [b"one two ", &long[..]].concat();
    expect_in_all_modes(
        &bytes,
        &[
            text("Привет, мир"),
            text("not compressed"),
            binary(&fragments),
            text("Привет, мир"),
            binary(b""),
            binary(b""),
        ],
    );
}

#[test]
fn reserved_bits_hold_where_compression_was_agreed_as_well() {
    let start = frame(0x42, &[0]);
    for broken in [
        frame(0xc9, b""),
        frame(0xc8, b""),
        frame(0xa2, b""),
        frame(0x92, b""),
        [start, frame(0xc0, b"")].concat(),
    ] {
        let seen = feed(&mut receiver(Mode::FullMessage, LIMITS), &[&broken], false);
        assert_eq!(seen.last(), Some(&Seen::Fault(Fault::ReservedBits)), "{broken:x?}");
    }
}

#[test]
fn what_does_not_inflate_fails_and_nothing_comes_after() {
    for payload in [&b"\xff\xff"[..], b"\x07", b"\xca\x48\xcd", b"\x02\x60\x00"] {
        let bytes = [frame(0xc2, payload), frame(0x82, b"after")].concat();
        expect_in_all_modes(&bytes, &[Seen::Fault(Fault::NotInflatable)]);
    }
}

#[test]
fn a_bomb_fails_at_the_limit_with_no_more_than_a_step_beyond_it() {
    let mut deflater = deflater();
    let zeros = vec![0; 8 << 20];
    let bytes = compressed(&mut deflater, 2, &[&zeros]);
    assert!(bytes.len() < 20_000);
    let limits = Limits { max_message_size: 100_000, ..LIMITS };
    let mut receiver = receiver(Mode::FullMessage, limits);
    let (mut bytes, mut inflated) = ([bytes, vec![0]].concat(), vec![0; 4097]);
    let end = bytes.len() - 1;
    let mut input = Input { bytes: &mut bytes, at: 0, end, inflated: &mut inflated };
    let mut most = 0;
    let fault = loop {
        match receiver.receive(&mut input) {
            Some(Event::Fault(fault)) => break fault,
            Some(other) => panic!("{other:?}"),
            None => {
                let gathering = receiver.gathering.as_ref().unwrap();
                most = most.max(gathering.bytes.capacity());
                receiver.refill_budget();
            }
        }
    };
    assert_eq!(fault, Fault::MessageTooBig);
    assert!(most <= 100_001, "{most}");
    assert!(receiver.traffic.inflated_bytes <= 100_000 + 4096);
}

#[test]
fn exactly_the_limit_is_inflated() {
    for (size, fits) in [(100_000, true), (100_001, false)] {
        let bytes = compressed(&mut deflater(), 2, &[&vec![7; size]]);
        let limits = Limits { max_message_size: 100_000, ..LIMITS };
        let seen = feed(&mut receiver(Mode::FullMessage, limits), &[&bytes], false);
        match fits {
            true => assert_eq!(seen, [binary(&vec![7; size])]),
            false => assert_eq!(seen, [Seen::Fault(Fault::MessageTooBig)]),
        }
    }
}

#[test]
fn inflating_is_bounded_in_each_turn_and_goes_on_without_further_bytes() {
    let mut deflater = deflater();
    let bytes = compressed(&mut deflater, 2, &[&vec![0; 8 << 20]]);
    let unlimited = Limits { max_message_size: u64::MAX, max_fragments: u32::MAX };
    let mut receiver = receiver(Mode::PartialMessage, unlimited);
    let (mut bytes, mut inflated) = ([bytes, vec![0]].concat(), vec![0; 65_537]);
    let end = bytes.len() - 1;
    let mut input = Input { bytes: &mut bytes, at: 0, end, inflated: &mut inflated };
    let (mut total, mut turns) = (0, 0);
    while input.at < end || receiver.has_more() {
        receiver.refill_budget();
        let mut in_turn = 0;
        while let Some(Event::Message(_, Payload::InPlace(piece))) = receiver.receive(&mut input) {
            in_turn += piece.len() - 1;
        }
        assert!(in_turn <= BUDGET as usize * INFLATED_BYTES_PER_UNIT + 65_536);
        total += in_turn;
        turns += 1;
    }
    assert_eq!(total, 8 << 20);
    assert!(turns >= 8);
}

#[test]
fn discarding_skips_compressed_payload_without_inflating_it() {
    let mut deflater = deflater();
    let bytes = compressed(&mut deflater, 2, &[b"begun", &[5; 5000]]);
    let mut receiver = receiver(Mode::FullMessage, LIMITS);
    let cut = 9;
    assert_eq!(feed(&mut receiver, &[&bytes[..cut]], false), []);
    receiver.discard_messages();
    let rest = [&bytes[cut..], &frame(0xc2, b"\xff\xff"), &frame(0x88, b"\x03\xe8")].concat();
    let expected = [Seen::Close(1000, vec![])];
    assert_eq!(feed(&mut receiver, &[&rest], false), expected);
}
