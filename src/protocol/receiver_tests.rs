//! Bytes in every split against the events they must give.

use super::*;
use crate::protocol::gathering::GROWTH_STEP;

const LIMITS: Limits = Limits { max_message_size: 1 << 20, max_fragments: 65_536 };

/// An event without borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message(MessageKind, Vec<u8>),
    /// Not the last of its message.
    Portion(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, Vec<u8>),
    Fault(Fault),
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(len as u8),
        len @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

fn full(limits: Limits) -> Receiver {
    Receiver::new(Mode::FullMessage, limits, None)
}

fn feed(receiver: &mut Receiver, pieces: &[&[u8]], direct: bool) -> Vec<Seen> {
    let mut seen = Vec::new();
    for piece in pieces {
        let mut piece = *piece;
        if direct && let Some((target, count)) = receiver.direct_target() {
            let count = count.min(piece.len());
            target.extend_from_slice(&piece[..count]);
            piece = &piece[count..];
            if let Some(event) = receiver.direct_received(count) {
                seen.push(own(event));
            }
        }
        let mut bytes = piece.to_vec();
        bytes.push(0xee);
        let end = piece.len();
        let mut inflated = [0; 8];
        let mut input = Input { bytes: &mut bytes, at: 0, end, inflated: &mut inflated };
        loop {
            while let Some(event) = receiver.receive(&mut input) {
                seen.push(own(event));
            }
            if input.at == end && !receiver.has_more() {
                break;
            }
            receiver.refill_budget();
        }
    }
    seen
}

fn own(event: Event<'_>) -> Seen {
    match event {
        Event::Message(part, Payload::InPlace(piece)) => {
            let bytes = piece[..piece.len() - 1].to_vec();
            match part.is_complete {
                true => Seen::Message(part.kind, bytes),
                false => Seen::Portion(part.kind, bytes),
            }
        }
        Event::Message(part, Payload::Gathered(mut bytes)) => {
            assert_eq!(bytes.pop(), Some(0), "one zero byte behind");
            assert!(part.is_complete);
            Seen::Message(part.kind, bytes)
        }
        Event::Ping(payload) => Seen::Ping(payload.into_owned()),
        Event::Pong(payload) => Seen::Pong(payload.into_owned()),
        Event::Close(status) => Seen::Close(status.code, status.reason),
        Event::Fault(fault) => Seen::Fault(fault),
    }
}

/// Whole, in every two pieces, byte by byte: the same events.
fn expect(bytes: &[u8], expected: &[Seen]) {
    let new = || full(LIMITS);
    assert_eq!(feed(&mut new(), &[bytes], false), expected);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(feed(&mut new(), &single, false), expected);
    let step = (bytes.len() / 400).max(1);
    for cut in (0..bytes.len()).step_by(step) {
        let pieces = [&bytes[..cut], &bytes[cut..]];
        assert_eq!(feed(&mut new(), &pieces, false), expected, "cut at {cut}");
        assert_eq!(feed(&mut new(), &pieces, true), expected, "direct, cut at {cut}");
        let mut straight = new();
        let seen = pieces.map(|piece| bursts::take(&mut straight, piece, usize::MAX));
        assert_eq!(seen.concat(), expected, "by bursts, cut at {cut}");
    }
}

fn binary(bytes: &[u8]) -> Seen {
    Seen::Message(MessageKind::Binary, bytes.to_vec())
}

fn text(text: &str) -> Seen {
    Seen::Message(MessageKind::Text, text.as_bytes().to_vec())
}

#[test]
fn messages_arrive_whole_in_order_and_with_their_kind() {
    let mut bytes = frame(0x81, b"first");
    bytes.extend(frame(0x82, b""));
    bytes.extend(frame(0x82, &[7; 300]));
    bytes.extend(frame(0x81, "κόσμε".as_bytes()));
    expect(
        &bytes,
        &[
            text("first"),
            Seen::Message(MessageKind::Binary, vec![]),
            Seen::Message(MessageKind::Binary, vec![7; 300]),
            text("κόσμε"),
        ],
    );
}

#[test]
fn control_frames_are_taken_between_fragments() {
    let mut bytes = frame(0x01, b"one ");
    bytes.extend(frame(0x89, b"are you there"));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(0x8a, b""));
    bytes.extend(frame(0x80, b"message"));
    expect(
        &bytes,
        &[Seen::Ping(b"are you there".to_vec()), Seen::Pong(vec![]), text("one message")],
    );
}

#[test]
fn a_large_message_is_read_straight_into_its_own_buffer() {
    let payload: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    let mut bytes = frame(0x82, &payload);
    bytes.extend(frame(0x81, b"behind"));
    expect(&bytes, &[Seen::Message(MessageKind::Binary, payload), text("behind")]);
}

#[test]
fn nothing_comes_after_a_fault() {
    for (broken, fault) in [
        (frame(0xc1, b"x"), Fault::ReservedBits),
        (frame(0x83, b"x"), Fault::ReservedOpcode(3)),
        (frame(0x80, b"x"), Fault::StrayContinuation),
        (frame(0x81, b"\xff"), Fault::TextNotUtf8),
        (frame(0x88, b"\x03"), Fault::CloseOneByte),
        (frame(0x88, b"\x03\xec"), Fault::CloseCode(1004)),
        (frame(0x88, b"\x03\xe8\xff"), Fault::CloseReasonNotUtf8),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), Fault::MessageInsideMessage),
        (frame(0x82, &[0; (1 << 20) + 1]), Fault::MessageTooBig),
        ([frame(0x02, &[0; 1 << 20]), frame(0x80, b"b")].concat(), Fault::MessageTooBig),
    ] {
        let bytes = [frame(0x82, b"before"), broken, frame(0x82, b"after")].concat();
        let before = Seen::Message(MessageKind::Binary, b"before".to_vec());
        expect(&bytes, &[before, Seen::Fault(fault)]);
    }
}

#[test]
fn nothing_comes_after_a_close_frame() {
    let bytes = [frame(0x01, b"part"), frame(0x88, b"\x0b\xb9bye"), frame(0x80, b"rest")].concat();
    expect(&bytes, &[Seen::Close(3001, b"bye".to_vec())]);
    expect(&frame(0x88, b""), &[Seen::Close(close::NO_STATUS, vec![])]);
}

#[test]
fn the_limit_is_inclusive_and_judged_at_the_header() {
    let mut receiver = full(LIMITS);
    let seen = feed(&mut receiver, &[&frame(0x82, &[1; 1 << 20])], false);
    assert!(matches!(&seen[..], [Seen::Message(_, bytes)] if bytes.len() == 1 << 20));
    let seen = feed(&mut receiver, &[&[0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1]], false);
    assert_eq!(seen, [Seen::Fault(Fault::MessageTooBig)]);
}

#[test]
fn empty_fragments_count() {
    let mut receiver = full(Limits { max_fragments: 3, ..LIMITS });
    let ended = [frame(0x01, b""), frame(0x00, b""), frame(0x00, b"x"), frame(0x80, b"")].concat();
    assert_eq!(feed(&mut receiver, &[&ended], false), [text("x")], "a bare end does not count");
    let four = [frame(0x01, b""), frame(0x00, b""), frame(0x00, b""), frame(0x00, b"")].concat();
    assert_eq!(feed(&mut receiver, &[&four], false), [Seen::Fault(Fault::TooManyFragments)]);
    let mut receiver = full(Limits { max_fragments: 3, ..LIMITS });
    let four = [frame(0x01, b""), frame(0x00, b""), frame(0x00, b""), frame(0x80, b"x")].concat();
    assert_eq!(feed(&mut receiver, &[&four], false), [Seen::Fault(Fault::TooManyFragments)]);
}

#[test]
fn invalid_text_fails_in_the_segment_that_breaks_it() {
    let mut receiver = full(LIMITS);
    let header = [0x81, 127, 0, 0, 0, 0, 0, 0x0f, 0, 0];
    assert_eq!(feed(&mut receiver, &[&header, b"good"], false), []);
    assert_eq!(feed(&mut receiver, &[b"\xff"], false), [Seen::Fault(Fault::TextNotUtf8)]);
}

#[test]
fn a_declared_length_costs_nothing_until_bytes_arrive() {
    let mut receiver = full(Limits { max_message_size: u64::MAX, ..LIMITS });
    let header = [0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0];
    assert_eq!(feed(&mut receiver, &[&header, &[1; 10]], false), []);
    let gathering = receiver.gathering.as_ref().unwrap();
    assert!(gathering.bytes.capacity() <= GROWTH_STEP + 64);
    assert!(receiver.is_inside_message());
}

#[test]
fn an_absurd_length_without_a_limit_is_too_big() {
    let mut receiver = full(Limits { max_message_size: u64::MAX, ..LIMITS });
    let header = [0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(feed(&mut receiver, &[&header], false), [Seen::Fault(Fault::MessageTooBig)]);
}

#[test]
fn discarding_drops_messages_and_keeps_nothing() {
    let mut receiver = full(LIMITS);
    assert_eq!(feed(&mut receiver, &[&frame(0x01, &[b'a'; 1000])], false), []);
    receiver.discard_messages();
    let bytes = [
        frame(0x80, &[0xff; 5000]),
        frame(0x82, &vec![0; (1 << 20) + 5]),
        frame(0x89, b"p"),
        frame(0x88, b"\x03\xe8"),
    ]
    .concat();
    let expected = [Seen::Ping(b"p".to_vec()), Seen::Close(1000, vec![])];
    assert_eq!(feed(&mut receiver, &[&bytes], false), expected);
}

#[test]
fn a_piece_in_place_can_be_ended_by_a_zero_and_put_back() {
    let mut receiver = full(LIMITS);
    let mut bytes = [frame(0x81, b"one"), frame(0x81, b"two"), vec![0]].concat();
    let end = bytes.len() - 1;
    let mut input = Input { bytes: &mut bytes, at: 0, end, inflated: &mut [] };
    let mut texts = Vec::new();
    while let Some(event) = receiver.receive(&mut input) {
        let Event::Message(_, Payload::InPlace(piece)) = event else { panic!("{event:?}") };
        let last = piece.len() - 1;
        let kept = std::mem::replace(&mut piece[last], 0);
        texts.push(std::ffi::CStr::from_bytes_until_nul(piece).unwrap().to_owned());
        piece[last] = kept;
    }
    assert_eq!(texts, [c"one".to_owned(), c"two".to_owned()]);
}

#[test]
fn a_message_of_the_growth_step_is_gathered_without_moving() {
    let mut receiver = full(LIMITS);
    let bytes = frame(0x82, &[5; GROWTH_STEP]);
    let first = 200_000;
    assert_eq!(feed(&mut receiver, &[&bytes[..first]], false), []);
    let place = receiver.gathering.as_ref().unwrap().bytes.as_ptr();
    for piece in bytes[first..].chunks(70_001) {
        if let Some(gathering) = &receiver.gathering {
            assert_eq!(gathering.bytes.as_ptr(), place);
            assert!(gathering.bytes.capacity() <= GROWTH_STEP + 64);
        }
        feed(&mut receiver, &[piece], true);
    }
    assert!(receiver.gathering.is_none());
}

#[test]
fn a_message_is_gathered_in_memory_that_is_lent_unless_it_is_far_too_much() {
    for (lent, len, is_taken) in [
        (GROWTH_STEP, 1000, true),
        (3 * GROWTH_STEP, 1000, false),
        (3 * GROWTH_STEP, 2 * GROWTH_STEP, true),
        (100, 2 * GROWTH_STEP, true),
    ] {
        let mut receiver = full(Limits { max_message_size: u64::MAX, ..LIMITS });
        receiver.lent = vec![9; lent];
        let place = receiver.lent.as_ptr();
        let bytes = frame(0x82, &vec![5; len]);
        let (front, back) = bytes.split_at(50);
        assert_eq!(feed(&mut receiver, &[front], false), []);
        assert_eq!(receiver.lent.capacity() == 0, is_taken, "{lent} for {len}");
        let is_there = receiver.gathering.as_ref().unwrap().bytes.as_ptr() == place;
        assert!(is_there == is_taken || lent == 100);
        assert_eq!(feed(&mut receiver, &[back], true), [binary(&vec![5; len])]);
        // What lies whole in the buffer needs none.
        assert_eq!(feed(&mut receiver, &[&frame(0x82, b"x")], false), [binary(b"x")]);
        assert_eq!(receiver.lent.capacity() == 0, is_taken);
    }
}

#[test]
fn a_turn_s_work_is_bounded_and_goes_on_where_it_stopped() {
    let mut receiver = full(LIMITS);
    let mut bytes = frame(0x82, b"").repeat(3 * BUDGET as usize);
    bytes.push(0);
    let end = bytes.len() - 1;
    let mut input = Input { bytes: &mut bytes, at: 0, end, inflated: &mut [] };
    for turn in 1..=3 {
        receiver.refill_budget();
        let mut messages = 0;
        while receiver.receive(&mut input).is_some() {
            messages += 1;
        }
        assert_eq!((messages, input.at), (BUDGET, turn * 2 * BUDGET as usize));
    }
}

#[cfg(test)]
#[path = "receiver_modes_tests.rs"]
mod modes;

#[cfg(test)]
#[path = "burst_tests.rs"]
mod bursts;
