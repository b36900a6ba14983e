//! Both directions against the examples of RFC 7692, against each other, and against a second
//! inflater that shares nothing with the first.

use std::sync::Arc;

use super::*;
use crate::protocol::Fault;

const FULL: Parameters = Parameters {
    client_max_window_bits: 15,
    server_max_window_bits: 15,
    client_no_context_takeover: false,
    server_no_context_takeover: false,
};
const FRESH: Parameters =
    Parameters { client_no_context_takeover: true, server_no_context_takeover: true, ..FULL };

fn inflater(parameters: &Parameters) -> Inflater {
    Inflater::new(parameters, Arc::default())
}

fn deflater(parameters: &Parameters) -> Deflater {
    Deflater::new(parameters, Arc::default())
}

/// Gives one message in pieces of `input` bytes, with room for `output` bytes at a time.
fn inflate_by(
    inflater: &mut Inflater,
    payload: &[u8],
    input: usize,
    output: usize,
) -> Result<Vec<u8>, Fault> {
    let mut message = Vec::new();
    let mut room = vec![0xa5; output];
    for piece in payload.chunks(input.max(1)) {
        let mut rest = piece;
        while !rest.is_empty() {
            let step = inflater.inflate(rest, &mut room)?;
            assert!(step.consumed > 0 || step.produced > 0, "no progress");
            assert!(step.consumed == rest.len() || step.produced == output, "ended early");
            rest = &rest[step.consumed..];
            message.extend_from_slice(&room[..step.produced]);
        }
    }
    loop {
        let (produced, is_done) = inflater.finish(&mut room)?;
        message.extend_from_slice(&room[..produced]);
        if is_done {
            return Ok(message);
        }
        assert_eq!(produced, output, "no end, and room left");
    }
}

fn inflate(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, Fault> {
    inflate_by(inflater, payload, payload.len(), 64 * 1024)
}

/// What one message alone inflates to.
fn alone(payload: &[u8]) -> Result<Vec<u8>, Fault> {
    inflate(&mut inflater(&FULL), payload)
}

fn deflate(deflater: &mut Deflater, level: u32, message: &[u8]) -> Vec<u8> {
    let mut payload = b"before".to_vec();
    deflater.deflate(level, message, true, &mut payload).unwrap();
    payload.split_off(6)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn message_below(&mut self, limit: usize) -> Vec<u8> {
        let len = self.below(limit);
        self.message(len)
    }

    /// Words, runs and noise: what makes every kind of block and distance.
    fn message(&mut self, len: usize) -> Vec<u8> {
        let mut message = Vec::new();
        while message.len() < len {
            match self.below(4) {
                0 => message.extend((0..self.below(40)).map(|_| self.0 as u8 ^ 0x5a)),
                1 => message.extend(vec![self.below(256) as u8; self.below(300)]),
                2 => (0..self.below(40)).for_each(|_| message.push(self.below(256) as u8)),
                _ => {
                    let from = self.below(message.len() + 1);
                    let copied: Vec<u8> =
                        message[from..].iter().copied().take(self.below(300)).collect();
                    message.extend(copied);
                }
            }
        }
        message.truncate(len);
        message
    }
}

#[test]
fn the_examples_of_the_rfc_inflate() {
    let hello = Ok(b"Hello".to_vec());
    // §7.2.3.1, one block; also cut in two fragments.
    let one = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(alone(&one), hello);
    assert_eq!(inflate_by(&mut inflater(&FULL), &one, 3, 64), hello);
    // §7.2.3.2, context taken over.
    let mut taken_over = inflater(&FULL);
    assert_eq!(inflate(&mut taken_over, &one), hello);
    assert_eq!(inflate(&mut taken_over, &[0xf2, 0x00, 0x11, 0x00, 0x00]), hello);
    // §7.2.3.3, a block without compression.
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    assert_eq!(alone(&stored), hello);
    // §7.2.3.4, BFINAL.
    assert_eq!(alone(&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]), hello);
    // §7.2.3.5, two blocks.
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(alone(&two), hello);
    // §7.2.3.6, empty.
    assert_eq!(alone(&[0x00]), Ok(Vec::new()));
}

#[test]
fn the_examples_of_the_rfc_are_what_is_written() {
    let mut taken_over = deflater(&FULL);
    let one = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(deflate(&mut taken_over, 6, b"Hello"), one);
    assert_eq!(deflate(&mut taken_over, 6, b"Hello"), [0xf2, 0x00, 0x11, 0x00, 0x00]);
    let mut fresh = deflater(&FRESH);
    assert_eq!(deflate(&mut fresh, 6, b"Hello"), one);
    assert_eq!(deflate(&mut fresh, 6, b"Hello"), one);
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    assert_eq!(deflate(&mut fresh, 0, b"Hello"), stored);
}

#[test]
fn empty_messages_and_pieces_are_one_byte_or_legal_ends() {
    for parameters in [FULL, FRESH] {
        let (mut deflater, mut inflater) = (deflater(&parameters), inflater(&parameters));
        for level in [0, 6] {
            assert_eq!(deflate(&mut deflater, level, b""), [0x00]);
            assert_eq!(inflate(&mut inflater, &[0x00]), Ok(Vec::new()));
            let payload = deflate(&mut deflater, level, b"between");
            assert_eq!(inflate(&mut inflater, &payload), Ok(b"between".to_vec()));
            let mut payload = Vec::new();
            for (piece, is_last) in [("", false), ("a", false), ("", false), ("", true)] {
                deflater.deflate(level, piece.as_bytes(), is_last, &mut payload).unwrap();
            }
            assert_eq!(inflate(&mut inflater, &payload), Ok(b"a".to_vec()));
        }
    }
}

#[test]
fn a_message_without_a_byte_is_empty_and_harms_nothing() {
    let mut inflater = inflater(&FULL);
    assert_eq!(inflate(&mut inflater, &[]), Ok(Vec::new()));
    let one = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(inflate(&mut inflater, &one), Ok(b"Hello".to_vec()));
    assert_eq!(inflate(&mut inflater, &[]), Ok(Vec::new()));
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(inflate(&mut inflater, &again), Ok(b"Hello".to_vec()));
}

#[test]
fn final_blocks_may_stand_anywhere() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let one = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let stored_last = [0x01, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    for (parts, count) in [
        (&[&last[..]][..], 1),
        (&[&last, &one], 2),
        (&[&last, &last, &stored_last, &one], 4),
        (&[&stored_last, &last, &[0x00]], 2),
        // An empty final block, its lengths not sent.
        (&[&last, &[0x01]], 1),
    ] {
        let payload = parts.concat();
        let expected = b"Hello".repeat(count);
        assert_eq!(oracle::inflate(&payload, &mut Vec::new()), Some(expected.clone()));
        for (input, output) in [(1, 1), (2, 3), (100, 1), (1, 100), (100, 100), (7, 5)] {
            let mut inflater = inflater(&FULL);
            for _ in 0..3 {
                let message = inflate_by(&mut inflater, &payload, input, output);
                assert_eq!(message, Ok(expected.clone()), "{input} {output}");
            }
        }
    }
    // What it ended is out of reach.
    let reference = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(alone(&[&last[..], &reference].concat()), Err(Fault::NotInflatable));
}

#[test]
fn every_cut_of_input_and_output_is_the_same() {
    let mut random = Random(1);
    let parts = [b"{\"a\":1}".repeat(9), random.message(200), vec![7; 900]];
    let mut deflater = deflater(&FULL);
    let payloads: Vec<Vec<u8>> = [6, 0, 9]
        .iter()
        .zip(&parts)
        .map(|(&level, part)| deflate(&mut deflater, level, part))
        .collect();
    let longest = payloads.iter().map(Vec::len).max().unwrap();
    for input in 1..=longest {
        for output in (1..=20).chain([31, 32, 33, 257, 258, 259, 899, 900, 901]) {
            let mut inflater = inflater(&FULL);
            for (payload, part) in payloads.iter().zip(&parts) {
                let message = inflate_by(&mut inflater, payload, input, output);
                assert_eq!(message.as_ref(), Ok(part), "{input} {output}");
            }
        }
    }
}

#[test]
fn all_windows_levels_and_takeovers_go_round() {
    let mut random = Random(2);
    for window_bits in 8..=15 {
        for takes_over in [true, false] {
            let parameters = Parameters {
                client_max_window_bits: window_bits,
                server_max_window_bits: window_bits,
                client_no_context_takeover: !takes_over,
                server_no_context_takeover: !takes_over,
            };
            assert_eq!(Deflater::can_deflate(&parameters), window_bits > 8);
            let (mut deflater, mut inflater) = (deflater(&parameters), inflater(&parameters));
            let mut history = Vec::new();
            for round in 0..30 {
                let len = [5, 60, 900, 20_000, 70_000][round % 5];
                let message = random.message_below(len);
                let payload = deflate(&mut deflater, round as u32 / 3, &message);
                let (input, output) = (1 + random.below(40_000), 1 + random.below(40_000));
                let seen = inflate_by(&mut inflater, &payload, input, output);
                assert_eq!(seen.as_ref(), Ok(&message), "window {window_bits}, {round}");
                // The oracle reaches no further than the window.
                if !takes_over {
                    history.clear();
                }
                let reach = history.len().saturating_sub(1 << window_bits);
                history.drain(..reach);
                assert_eq!(oracle::inflate(&payload, &mut history), Some(message));
            }
        }
    }
}

#[test]
fn distances_stay_within_the_agreed_window() {
    let mut noise = Random(3);
    let block: Vec<u8> = (0..1024).map(|_| noise.below(256) as u8).collect();
    let near = [&block[..400], &block[..400]].concat();
    let far = [&block[..], &block[..]].concat();
    let len = |bits, message: &[u8]| {
        let parameters = Parameters { client_max_window_bits: bits, ..FULL };
        deflate(&mut deflater(&parameters), 9, message).len()
    };
    // Repeated noise is shorter only where the window reaches the first of it.
    assert!(len(9, &far) > 2000 && len(10, &far) > 2000 && len(11, &far) < 1200);
    // A window of 8 bits is kept by writing no distances.
    assert!(len(8, &near) > 780 && len(9, &near) > 780 && len(10, &near) < 500);
}

#[test]
fn fragments_can_be_inflated_as_they_arrive() {
    let mut random = Random(4);
    for parameters in [FULL, FRESH] {
        let (mut deflater, mut inflater) = (deflater(&parameters), inflater(&parameters));
        for round in 0..40 {
            let pieces: Vec<Vec<u8>> =
                (0..1 + random.below(5)).map(|_| random.message_below(3000)).collect();
            for (index, piece) in pieces.iter().enumerate() {
                let mut payload = Vec::new();
                let is_last = index + 1 == pieces.len();
                // Another level within the message counts for the next.
                deflater
                    .deflate((round + index) as u32 % 10, piece, is_last, &mut payload)
                    .unwrap();
                let mut room = vec![0; 70_000];
                let step = inflater.inflate(&payload, &mut room).unwrap();
                assert_eq!(step, Step { consumed: payload.len(), produced: piece.len() });
                assert_eq!(&room[..step.produced], piece);
                if is_last {
                    assert_eq!(inflater.finish(&mut room), Ok((0, true)));
                }
            }
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_refused_unless_it_is_whole() {
    let mut random = Random(5);
    let mut legal = 0;
    for round in 0..60 {
        let message = random.message_below(600);
        let mut payload = deflate(&mut deflater(&FULL), round % 10, &message);
        if round % 3 == 0 {
            // Also with final blocks and with several.
            payload[0] |= 1;
            payload = [&payload[..], &TAIL, &deflate(&mut deflater(&FULL), 9, &message)].concat();
        }
        for end in 0..=payload.len() {
            let expected = oracle::inflate(&payload[..end], &mut Vec::new());
            legal += usize::from(expected.is_some());
            let seen = alone(&payload[..end]);
            assert_eq!(seen, expected.ok_or(Fault::NotInflatable), "{:02x?}", &payload[..end]);
        }
    }
    assert!((120..600).contains(&legal), "{legal}");
}

#[test]
fn corrupted_and_random_streams_mean_what_the_oracle_says() {
    let mut random = Random(6);
    let (mut legal, mut refused) = (0, 0);
    for round in 0..30_000 {
        let mut payload = if round % 3 == 0 {
            (0..random.below(60)).map(|_| random.below(256) as u8).collect()
        } else {
            let message = random.message_below(400);
            deflate(&mut deflater(&FULL), round % 10, &message)
        };
        for _ in 0..random.below(4) {
            if let len @ 1.. = payload.len() {
                payload[random.below(len)] ^= 1 << random.below(8);
            }
        }
        let expected = oracle::inflate(&payload, &mut Vec::new());
        if expected.is_some() {
            legal += 1
        } else {
            refused += 1
        }
        let expected = expected.ok_or(Fault::NotInflatable);
        let (input, output) = (1 + random.below(80), 1 + random.below(500));
        let seen = inflate_by(&mut inflater(&FULL), &payload, input, output);
        assert_eq!(seen, expected, "{payload:02x?} {input} {output}");
    }
    assert!(legal > 3_000 && refused > 10_000, "{legal} {refused}");
}

#[test]
fn after_a_fault_nothing_more_is_inflated() {
    let mut inflater = inflater(&FULL);
    assert_eq!(inflate(&mut inflater, &[0xff]), Err(Fault::NotInflatable));
    assert_eq!(inflate(&mut inflater, &[0x00]), Err(Fault::NotInflatable));
    assert_eq!(inflater.finish(&mut [0; 8]), Err(Fault::NotInflatable));
    // The same when it is the end that is wrong.
    let mut inflater = self::inflater(&FULL);
    assert_eq!(inflate(&mut inflater, &[0xf2, 0x48]), Err(Fault::NotInflatable));
    assert_eq!(inflate(&mut inflater, &[]), Err(Fault::NotInflatable));
    assert_eq!(Fault::NotInflatable.close_code(), 1007);
}

#[test]
fn a_bomb_goes_off_in_pieces_of_the_given_size() {
    const SIZE: usize = 10 << 20;
    let payload = deflate(&mut deflater(&FULL), 9, &vec![0; SIZE]);
    assert!(payload.len() < 11_000, "{}", payload.len());
    let mut inflater = inflater(&FULL);
    let mut room = vec![1; 64 * 1024];
    let (mut taken, mut total, mut calls) = (0, 0, 0);
    while taken < payload.len() {
        let step = inflater.inflate(&payload[taken..], &mut room).unwrap();
        assert!(room[..step.produced].iter().all(|&byte| byte == 0));
        taken += step.consumed;
        total += step.produced;
        calls += 1;
        // What comes out keeps pace with what goes in: nothing is hoarded.
        assert!(total + 64 * 1024 >= taken.saturating_sub(64) * 900, "{taken} {total}");
    }
    let (produced, is_done) = inflater.finish(&mut room).unwrap();
    assert!(is_done && total + produced == SIZE && calls <= 2 + SIZE / room.len(), "{calls}");
}

#[test]
fn spares_are_shared_and_few() {
    let spares = Arc::<Spares>::default();
    let mut deflaters: Vec<_> =
        (0..9).map(|_| Deflater::new(&FRESH, Arc::clone(&spares))).collect();
    let mut inflaters: Vec<_> =
        (0..9).map(|_| Inflater::new(&FRESH, Arc::clone(&spares))).collect();
    assert_eq!(spares.idle(), (0, 0));
    for (deflater, inflater) in deflaters.iter_mut().zip(&mut inflaters) {
        let payload = deflate(deflater, 6, b"one after the other");
        assert_eq!(inflate(inflater, &payload), Ok(b"one after the other".to_vec()));
    }
    assert_eq!(spares.idle(), (1, 1), "each used the state of the one before");
    let payload = deflate(&mut deflaters[0], 6, b"all at once");
    let mut output = Vec::new();
    let mut room = [0; 64];
    for (deflater, inflater) in deflaters.iter_mut().zip(&mut inflaters) {
        deflater.deflate(6, b"all ", false, &mut output).unwrap();
        inflater.inflate(&payload, &mut room).unwrap();
    }
    assert_eq!(spares.idle(), (0, 0));
    for (deflater, inflater) in deflaters.iter_mut().zip(&mut inflaters) {
        deflater.deflate(6, b"at once", true, &mut output).unwrap();
        assert_eq!(inflater.finish(&mut room), Ok((0, true)));
    }
    assert_eq!(spares.idle(), (4, 4));
    // States for other levels take the place of the oldest.
    for level in 0..9 {
        deflate(&mut deflaters[0], level, b"levels");
    }
    assert_eq!(spares.idle(), (4, 4));
    // A context that is taken over stays with its connection.
    let mut own = Deflater::new(&FULL, Arc::clone(&spares));
    deflate(&mut own, 8, b"mine");
    assert_eq!(spares.idle(), (4, 3));
    fn is_shared<T: Send + Sync>() {}
    fn is_sent<T: Send>() {}
    is_shared::<Spares>();
    is_sent::<(Inflater, Deflater)>();
}

#[test]
fn spares_carry_nothing_from_message_to_message() {
    let spares = Arc::<Spares>::default();
    let secret = b"a password that nobody else may see";
    let mut first = Deflater::new(&FRESH, Arc::clone(&spares));
    let once = deflate(&mut first, 6, secret);
    let mut second = Deflater::new(&FRESH, Arc::clone(&spares));
    assert_eq!(deflate(&mut second, 6, secret), once, "no trace of the first message");

    let reference = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let one = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut first = Inflater::new(&FRESH, Arc::clone(&spares));
    assert_eq!(inflate(&mut first, &one), Ok(b"Hello".to_vec()));
    let mut second = Inflater::new(&FRESH, Arc::clone(&spares));
    assert_eq!(inflate(&mut second, &reference), Err(Fault::NotInflatable));
    assert_eq!(inflate(&mut first, &reference), Err(Fault::NotInflatable));
}

#[test]
fn another_level_begins_with_the_next_message() {
    let mut deflater = deflater(&FULL);
    let mut inflater = inflater(&FULL);
    for level in [6, 6, 0, 1, 9, 42, 6] {
        let payload = deflate(&mut deflater, level, b"Hello");
        assert_eq!(payload.len() == 11, level == 0, "stored");
        assert_eq!(inflate(&mut inflater, &payload), Ok(b"Hello".to_vec()));
    }
    // The context lasts as long as the level does: 42 is 9.
    assert_eq!(deflate(&mut deflater, 6, b"Hello"), [0xf2, 0x00, 0x11, 0x00, 0x00]);
}
