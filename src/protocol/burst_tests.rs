//! The straight way against the ordinary one: the same bytes in any split, the same events and
//! counts, wherever a burst is left in the middle.

use super::*;
use crate::protocol::burst::{self, Packed};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Everything that `bytes` hold, by bursts of at most `most` messages and what comes between them.
pub(super) fn take(receiver: &mut Receiver, bytes: &[u8], most: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut copy = [bytes, &[0xee]].concat();
    let end = bytes.len();
    let mut inflated = [0; 8];
    let mut input = Input { bytes: &mut copy, at: 0, end, inflated: &mut inflated };
    loop {
        let (spent, at) = (receiver.budget, input.at);
        if let Some(mut burst) = receiver.burst(&mut input) {
            for _ in 0..most {
                let Some((part, piece)) = burst.next_message() else { break };
                assert!(part.is_complete);
                let last = piece.len() - 1;
                seen.push(Seen::Message(part.kind, piece[..last].to_vec()));
                let behind = std::mem::take(&mut piece[last]);
                piece[last] = behind;
            }
        }
        let messages = spent - receiver.budget;
        assert!(input.at >= at + 2 * messages as usize, "no message without a header");
        match receiver.receive(&mut input).map(own) {
            Some(event) => seen.push(event),
            None if input.at == end => break,
            None => receiver.refill_budget(),
        }
    }
    assert_eq!(copy, [bytes, &[0xee]].concat(), "nothing is left overwritten");
    seen
}

/// Frames of every kind, now and then one that nobody may send.
fn wire(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..dice.below(40) {
        let len = match dice.below(10) {
            0 => 0,
            1 => 120 + dice.below(12),
            2 => dice.below(3000),
            _ => dice.below(100),
        };
        let mut payload: Vec<u8> = (0..len).map(|_| b' ' + dice.below(90) as u8).collect();
        if dice.below(4) == 0 {
            payload.extend("ä🎮".repeat(dice.below(9)).bytes());
        }
        let short = &payload[..payload.len().min(20)];
        match dice.below(40) {
            0 => bytes.extend(frame(0x89, short)),
            1 => bytes.extend(frame(0x8a, short)),
            2 => bytes.extend([frame(0x01, b"one "), frame(0x80, b"message")].concat()),
            3 => bytes.extend([frame(0x02, short), frame(0x89, b""), frame(0x80, short)].concat()),
            4 if dice.below(4) == 0 => bytes.extend(frame(0x81, b"\xc3(")),
            5 if dice.below(4) == 0 => bytes.extend([0x82, 126, 0, 99]),
            6 if dice.below(4) == 0 => bytes.extend(frame(0xc2, short)),
            7 if dice.below(4) == 0 => bytes.extend(frame(0x88, b"\x03\xe8bye")),
            _ => bytes.extend(frame(0x81 + dice.below(2) as u8, &payload)),
        }
    }
    bytes
}

#[test]
fn bursts_and_single_events_say_the_same() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..3_000 {
        let bytes = wire(&mut dice);
        let mode = [Mode::FullMessage, Mode::PartialMessage, Mode::Stream][round % 3];
        let limits = Limits { max_message_size: [64, 2_000, u64::MAX][dice.below(3)], ..LIMITS };
        let new = || Receiver::new(mode, limits, None);
        let (mut plain, mut straight) = (new(), new());
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + dice.below(rest.len().min(700)));
            expected.extend(feed(&mut plain, &[piece], false));
            seen.extend(take(&mut straight, piece, [1, 3, usize::MAX][dice.below(3)]));
            rest = behind;
        }
        assert_eq!(seen, expected, "round {round}");
        assert_eq!(straight.traffic, plain.traffic, "round {round}");
        assert_eq!(straight.is_inside_message(), plain.is_inside_message());
    }
}

#[test]
fn every_cut_of_a_burst_gives_the_same_messages() {
    let bytes = [
        frame(0x81, b"text"),
        frame(0x82, &[7; 125]),
        frame(0x81, &[b'x'; 126]),
        frame(0x82, b""),
        frame(0x81, "κόσμε".as_bytes()),
        frame(0x82, &[0xff; 300]),
    ]
    .concat();
    let expected = feed(&mut full(LIMITS), &[&bytes], false);
    assert_eq!(expected.len(), 6);
    for cut in 0..=bytes.len() {
        let mut receiver = full(LIMITS);
        let mut seen = take(&mut receiver, &bytes[..cut], usize::MAX);
        seen.extend(take(&mut receiver, &bytes[cut..], usize::MAX));
        assert_eq!(seen, expected, "cut at {cut}");
    }
}

#[test]
fn there_is_no_burst_inside_a_message_nor_for_who_discards() {
    let bytes = frame(0x81, b"whole");
    let is_burst = |receiver: &mut Receiver| {
        let mut copy = [&bytes[..], &[0]].concat();
        let end = bytes.len();
        let mut input = Input { bytes: &mut copy, at: 0, end, inflated: &mut [] };
        receiver.burst(&mut input).is_some()
    };
    assert!(is_burst(&mut full(LIMITS)));
    for before in [frame(0x01, b"part"), vec![0x81], vec![0x82, 5, 1], vec![0x89, 3]] {
        let mut receiver = full(LIMITS);
        assert_eq!(feed(&mut receiver, &[&before], false), []);
        assert!(!is_burst(&mut receiver), "{before:x?}");
    }
    let mut receiver = full(LIMITS);
    receiver.discard_messages();
    assert!(!is_burst(&mut receiver));
    receiver.end();
    assert!(!is_burst(&mut receiver));
}

#[test]
fn a_burst_ends_with_the_budget_and_goes_on_in_the_next_turn() {
    let mut receiver = full(LIMITS);
    let mut bytes = frame(0x82, b"").repeat(2 * BUDGET as usize + 5);
    bytes.push(0);
    let end = bytes.len() - 1;
    let mut input = Input { bytes: &mut bytes, at: 0, end, inflated: &mut [] };
    for expected in [BUDGET, BUDGET, 5] {
        receiver.refill_budget();
        let mut burst = receiver.burst(&mut input).unwrap();
        let whole = burst.take_all();
        assert_eq!((whole.messages, whole.payload_bytes), (expected as usize, 0));
        assert_eq!(whole.bytes.len(), 2 * expected as usize + 1);
        assert!(burst.next_message().is_none());
    }
    assert_eq!((input.at, receiver.traffic.messages), (end, u64::from(2 * BUDGET + 5)));
}

#[test]
fn what_was_taken_at_once_reads_back() {
    let mut dice = Dice(7);
    for _ in 0..300 {
        let bytes = wire(&mut dice);
        let mut copy = [&bytes[..], &[0xee]].concat();
        let end = bytes.len();
        let mut input = Input { bytes: &mut copy, at: 0, end, inflated: &mut [] };
        let mut receiver = full(LIMITS);
        let Some(mut burst) = receiver.burst(&mut input) else { continue };
        let whole = burst.take_all();
        let mut kept = whole.bytes.to_vec();
        let (messages, payload_bytes) = (whole.messages, whole.payload_bytes);
        drop(burst);
        let mut packed = Packed::new(&mut kept);
        let (mut seen, mut total) = (Vec::new(), 0);
        while let Some((part, piece)) = packed.next_message() {
            assert!(part.is_complete);
            total += piece.len() - 1;
            seen.push(Seen::Message(part.kind, piece[..piece.len() - 1].to_vec()));
        }
        assert_eq!((seen.len(), total), (messages, payload_bytes));
        assert_eq!(packed.taken(), input.at);
        assert_eq!(seen, feed(&mut full(LIMITS), &[&bytes[..input.at]], false));
    }
}

#[test]
fn messages_and_portions_are_packed_and_read_back() {
    for kind in [MessageKind::Text, MessageKind::Binary] {
        for is_complete in [false, true] {
            for len in (0..300).chain([16_384, 65_534, burst::MAX_PACKED_BYTES]) {
                let payload: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
                let part = Part { kind, is_complete };
                let mut bytes = Vec::new();
                burst::pack(&mut bytes, part, &payload);
                burst::pack(&mut bytes, part, b"behind");
                bytes.push(0xee);
                let mut packed = Packed::new(&mut bytes);
                let (seen, piece) = packed.next_message().unwrap();
                assert_eq!((seen, &piece[..len]), (part, &payload[..]));
                assert_eq!(piece.len(), len + 1);
                let (seen, piece) = packed.next_message().unwrap();
                assert_eq!((seen, &piece[..]), (part, &b"behind\xee"[..]));
                assert!(packed.next_message().is_none());
            }
        }
    }
}
