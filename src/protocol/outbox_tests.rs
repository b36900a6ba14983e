//! The outbox against a reader of frames: whatever the system accepts, in whatever pieces, the
//! wire holds whole frames in the right order.

use super::*;
use crate::base::chunk::CHUNK_BYTES;
use crate::protocol::frame::FRAME_BYTES;

type Box = Outbox<u64>;

pub fn outbox() -> Box {
    Outbox::new(Arc::default(), MaskKeys::Seeded(42))
}

/// Writes at most `limit` bytes to `wire`; returns the operations that have left.
pub fn write(outbox: &mut Box, wire: &mut Vec<u8>, limit: usize) -> Vec<u64> {
    let Some(mut chunks) = outbox.begin_writing() else { return Vec::new() };
    let mut left = limit;
    while left > 0 {
        let Some(front) = chunks.front_mut() else { break };
        let count = front.len().min(left);
        wire.extend_from_slice(&front.waiting()[..count]);
        front.consume(count);
        left -= count;
        if front.is_empty() {
            chunks.pop_front();
        }
    }
    let mut gone = Vec::new();
    outbox.finish_writing(chunks, (limit - left) as u64, |sent| gone.push(sent.completion));
    gone
}

/// Unmasked frames of the wire: first byte and payload.
pub fn frames(mut wire: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !wire.is_empty() {
        assert_ne!(wire[1] & 0x80, 0, "masked");
        let (len, at) = match wire[1] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([wire[2], wire[3]])), 4),
            127 => (u64::from_be_bytes(wire[2..10].try_into().unwrap()) as usize, 10),
            short => (usize::from(short), 2),
        };
        let key: [u8; 4] = wire[at..at + 4].try_into().unwrap();
        let payload = wire[at + 4..at + 4 + len].iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k);
        frames.push((wire[0], payload.collect()));
        wire = &wire[at + 4 + len..];
    }
    frames
}

type Frames = Vec<(u8, Vec<u8>)>;

/// The messages of a wire, with the first byte as an unfragmented one has it, and apart from them
/// its control frames.
fn messages(wire: &[u8]) -> (Frames, Frames) {
    let (mut messages, mut control, mut open) = (Vec::new(), Vec::new(), None);
    for (first, payload) in frames(wire) {
        if first & 8 != 0 {
            control.push((first, payload));
            continue;
        }
        let (kind, mut whole) = open.take().unwrap_or((first & 0x4f, Vec::new()));
        assert_eq!(first & 0x0f == 0, !whole.is_empty() || first & 0x0f == 0);
        whole.extend(payload);
        match first & 0x80 {
            0 => open = Some((kind, whole)),
            _ => messages.push((0x80 | kind, whole)),
        }
    }
    assert!(open.is_none(), "the last message ends");
    (messages, control)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn messages_of_every_size_are_framed() {
    for len in [0, 1, 125, 126, 65_535, 65_536, CHUNK_BYTES - 8, CHUNK_BYTES, 3 * CHUNK_BYTES + 1] {
        let mut outbox = outbox();
        let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
        outbox.message(MessageKind::Binary, &payload);
        assert_eq!(outbox.waiting(), frame::framed_len(len));
        let mut wire = Vec::new();
        write(&mut outbox, &mut wire, usize::MAX);
        assert_eq!(frames(&wire), [(0x82, payload)]);
        assert_eq!(outbox.waiting(), 0);
        assert!(outbox.begin_writing().is_none());
    }
}

#[test]
fn every_frame_has_its_own_key() {
    let mut outbox = outbox();
    for _ in 0..100 {
        outbox.message(MessageKind::Text, b"");
    }
    let mut wire = Vec::new();
    write(&mut outbox, &mut wire, usize::MAX);
    let keys: std::collections::HashSet<_> =
        wire.chunks(6).map(|frame| frame[2..6].to_vec()).collect();
    assert_eq!(keys.len(), 100);
}

#[test]
fn control_frames_overtake_between_frames_and_a_close_frame_does_not() {
    let mut outbox = outbox();
    outbox.message(MessageKind::Binary, &[1; 100]);
    outbox.message(MessageKind::Binary, &[2; 100]);
    let mut wire = Vec::new();
    write(&mut outbox, &mut wire, 50);
    assert!(outbox.ping(b"ping"));
    outbox.pong(b"old", false);
    outbox.pong(b"new", false);
    outbox.message(MessageKind::Binary, &[3; 100]);
    write(&mut outbox, &mut wire, 1);
    outbox.close(&[3, 232]);
    write(&mut outbox, &mut wire, usize::MAX);
    let seen: Vec<_> =
        frames(&wire).into_iter().map(|(first, payload)| (first, payload.len())).collect();
    let control = [(0x8a, 3), (0x8a, 3), (0x89, 4)];
    assert_eq!(seen[..4], [&[(0x82, 100)], &control[..]].concat());
    assert_eq!(seen[4..], [(0x82, 100), (0x82, 100), (0x88, 2)]);
    assert_eq!(frames(&wire)[1..3], [(0x8a, b"old".to_vec()), (0x8a, b"new".to_vec())]);
}

#[test]
fn a_control_frame_does_not_pass_one_of_its_kind_that_waits() {
    let mut outbox = outbox();
    outbox.message(MessageKind::Binary, b"x");
    let chunks = outbox.begin_writing().unwrap();
    outbox.pong(b"first", false);
    assert!(outbox.ping(b"one"));
    let written = chunks.iter().map(|chunk| chunk.len() as u64).sum();
    outbox.finish_writing(VecDeque::new(), written, |_| {});
    // All bytes have left, and these have not become bytes yet.
    outbox.pong(b"second", false);
    assert!(outbox.ping(b"two"));
    let mut wire = Vec::new();
    while !outbox.is_empty() {
        write(&mut outbox, &mut wire, usize::MAX);
    }
    let payloads: Vec<_> = frames(&wire).into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(payloads, [&b"first"[..], b"second", b"one", b"two"]);
}

#[test]
fn at_most_sixteen_pings_wait() {
    let mut outbox = outbox();
    outbox.message(MessageKind::Binary, b"x");
    assert!((0..16).all(|_| outbox.ping(b"")));
    assert!(!outbox.ping(b""));
    let mut wire = Vec::new();
    write(&mut outbox, &mut wire, usize::MAX);
    assert_eq!(frames(&wire).len(), 17);
}

#[test]
fn control_frames_do_not_pile_up_while_nothing_leaves() {
    let mut outbox = outbox();
    let mut wire = Vec::new();
    outbox.message(MessageKind::Binary, &[1; 100]);
    outbox.ping(b"0");
    write(&mut outbox, &mut wire, 0);
    let waiting = outbox.waiting();
    for number in 1..=100u8 {
        assert_eq!(outbox.ping(&[number]), number < 16, "the one that overtakes counts");
        outbox.pong(&[number], true);
        write(&mut outbox, &mut wire, 0);
    }
    assert_eq!(outbox.waiting(), waiting);
    while !outbox.is_empty() {
        write(&mut outbox, &mut wire, 50);
    }
    let frames = frames(&wire);
    let pongs: Vec<_> = frames.iter().filter(|frame| frame.0 == 0x8a).collect();
    assert_eq!(pongs, [&(0x8a, vec![100])]);
    assert_eq!(frames.iter().filter(|frame| frame.0 == 0x89).count(), 16);
}

#[test]
fn pongs_keep_the_order_of_their_pings_and_no_more_than_sixteen_wait() {
    let mut outbox = outbox();
    for number in 0..100u8 {
        outbox.pong(&[number], false);
    }
    let mut wire = Vec::new();
    while !outbox.is_empty() {
        write(&mut outbox, &mut wire, usize::MAX);
    }
    let seen: Vec<u8> = frames(&wire).iter().map(|(_, payload)| payload[0]).collect();
    assert_eq!(seen, (0..16).chain([99]).collect::<Vec<_>>());
}

#[test]
fn nothing_is_queued_behind_a_close_frame() {
    let mut outbox = outbox();
    outbox.close(b"");
    outbox.pong(b"late", false);
    assert!(outbox.has_ended());
    let mut wire = Vec::new();
    write(&mut outbox, &mut wire, usize::MAX);
    assert_eq!(frames(&wire), [(0x88, vec![])]);
}

#[test]
fn an_operation_is_cancelled_only_before_it_begins_to_leave() {
    let mut outbox = outbox();
    for number in 0..4u64 {
        outbox.operation(number, MessageKind::Binary, &[number as u8; 50], number);
    }
    let mut wire = Vec::new();
    assert_eq!(write(&mut outbox, &mut wire, 60), [0]);
    assert!(outbox.cancel(0).is_none(), "gone");
    assert!(outbox.cancel(1).is_none(), "begun");
    assert_eq!(outbox.cancel(2).map(|sent| sent.completion), Some(2));
    assert!(outbox.cancel(2).is_none(), "once");
    assert_eq!(write(&mut outbox, &mut wire, usize::MAX), [1, 3]);
    let seen: Vec<_> = frames(&wire).into_iter().map(|(_, payload)| payload[0]).collect();
    assert_eq!(seen, [0, 1, 3]);
    assert_eq!((outbox.traffic().messages, outbox.traffic().frames), (3, 3));
    assert_eq!(outbox.traffic().payload_bytes, 150);
}

#[test]
fn what_a_writer_holds_cannot_be_cancelled_and_new_messages_wait_behind_it() {
    let mut outbox = outbox();
    outbox.operation(1, MessageKind::Binary, b"first", 1);
    let mut taken = outbox.begin_writing().unwrap();
    outbox.operation(2, MessageKind::Binary, b"second", 2);
    assert!(outbox.cancel(1).is_none());
    assert!(outbox.begin_writing().is_none(), "one writer");
    taken.front_mut().unwrap().consume(3);
    let mut wire = vec![0; 0];
    outbox.finish_writing(taken, 3, |_| panic!("nothing has left"));
    assert_eq!(outbox.cancel(2).map(|sent| sent.completion), Some(2));
    assert_eq!(write(&mut outbox, &mut wire, usize::MAX), [1]);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn a_streamed_message_equals_a_queued_one() {
    for len in [70_000, 3 * CHUNK_BYTES + 7] {
        let payload: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
        let mut outbox = outbox();
        let mut streaming = outbox.begin_streaming(MessageKind::Text, payload.len()).unwrap();
        outbox.message(MessageKind::Binary, b"behind");
        let (mut rest, mut wire) = (VecDeque::new(), Vec::new());
        while !streaming.has_ended() {
            if streaming.is_between_frames() {
                assert!(outbox.next_streaming_frame(&mut streaming, 0).is_none());
            }
            let mut chunk = Chunk::with_capacity(CHUNK_BYTES);
            streaming.fill(&payload, &mut chunk);
            // The system takes the first chunk only.
            if wire.is_empty() {
                wire.extend_from_slice(chunk.waiting());
            } else {
                rest.push_back(chunk);
            }
        }
        let written = wire.len() as u64;
        outbox.finish_writing(rest, written, |_| {});
        assert!(outbox.ping(b"overtakes"));
        write(&mut outbox, &mut wire, usize::MAX);
        let expected = [(0x81, payload), (0x89, b"overtakes".to_vec()), (0x82, b"behind".to_vec())];
        assert!(frames(&wire) == expected);
    }
}

#[test]
fn abandoning_returns_what_was_pending() {
    let mut outbox = outbox();
    outbox.operation(1, MessageKind::Binary, b"a", 1);
    let taken = outbox.begin_writing().unwrap();
    outbox.operation(2, MessageKind::Binary, b"b", 2);
    let pending: Vec<_> = outbox.abandon().into_iter().map(|sent| sent.completion).collect();
    assert_eq!(pending, [1, 2]);
    outbox.finish_writing(taken, 0, |_| panic!("they have been returned"));
    assert!(outbox.is_empty() && !outbox.has_writer());
}

#[test]
fn random_use_keeps_frames_whole_and_messages_in_order() {
    for seed in 1..60 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(seed));
        let mut outbox = outbox();
        let (mut wire, mut expected, mut pings) = (Vec::new(), Vec::new(), 0);
        let mut left = Vec::new();
        for number in 0..400u64 {
            let len = match random.below(20) {
                0 => 2 * CHUNK_BYTES as u64 + random.below(1000),
                6 => 2 * FRAME_BYTES as u64 + random.below(200_000),
                1..=5 => random.below(CHUNK_BYTES as u64),
                _ => random.below(300),
            };
            let mut payload = vec![number as u8; len as usize];
            payload.extend_from_slice(&number.to_be_bytes());
            outbox.operation(number, MessageKind::Binary, &payload, number);
            expected.push((number, payload));
            if random.below(3) == 0 && outbox.ping(b"ping") {
                pings += 1;
            }
            if random.below(4) == 0 {
                let number = number.saturating_sub(random.below(5));
                if outbox.cancel(number).is_some() {
                    expected.retain(|(other, _)| *other != number);
                }
            }
            if random.below(3) == 0 {
                let limit = random.below(3 * CHUNK_BYTES as u64) as usize;
                left.extend(write(&mut outbox, &mut wire, limit));
            }
        }
        while !outbox.is_empty() {
            left.extend(write(&mut outbox, &mut wire, 1 + random.below(100_000) as usize));
        }
        let (data, control) = messages(&wire);
        assert_eq!(control.len(), pings);
        let data: Vec<_> = data.into_iter().map(|(_, payload)| payload).collect();
        assert!(data == expected.iter().map(|(_, payload)| payload.clone()).collect::<Vec<_>>());
        assert_eq!(left, expected.iter().map(|(number, _)| *number).collect::<Vec<_>>());
    }
}

#[test]
fn a_large_message_leaves_in_frames_and_control_frames_come_between_them() {
    let payload: Vec<u8> = (0..3 * FRAME_BYTES + 5).map(|n| (n * 3) as u8).collect();
    let mut outbox = outbox();
    outbox.operation(7, MessageKind::Text, &payload, 7);
    assert_eq!(outbox.waiting(), frame::framed_len(payload.len()));
    let mut wire = Vec::new();
    assert_eq!(write(&mut outbox, &mut wire, 10), []);
    assert!(outbox.ping(b"between"));
    assert_eq!(write(&mut outbox, &mut wire, usize::MAX), [7]);
    let seen: Vec<_> = frames(&wire).iter().map(|(first, _)| *first).collect();
    assert_eq!(seen, [0x01, 0x89, 0x00, 0x80]);
    assert!(messages(&wire).0 == [(0x81, payload)]);
}

#[test]
fn control_frames_come_between_the_frames_of_a_streamed_message() {
    let payload: Vec<u8> = (0..4 * FRAME_BYTES).map(|n| (n * 5) as u8).collect();
    let mut outbox = outbox();
    let mut streaming = outbox.begin_streaming(MessageKind::Binary, payload.len()).unwrap();
    outbox.streaming_operation(1, payload.len(), 1);
    let (mut wire, mut fresh, mut frames_begun) = (Vec::new(), 0, 0);
    while !streaming.has_ended() {
        if streaming.is_between_frames() {
            if frames_begun == 2 {
                outbox.operation(2, MessageKind::Binary, b"behind", 2);
                outbox.pong(b"!", false);
                assert!(outbox.ping(b"?"));
            }
            if let Some(chunk) = outbox.next_streaming_frame(&mut streaming, fresh) {
                assert_eq!(frames_begun, 2);
                wire.extend_from_slice(chunk.waiting());
                fresh = chunk.len() as u64;
            } else {
                fresh = 0;
            }
            frames_begun += 1;
        }
        let mut chunk = Chunk::with_capacity(CHUNK_BYTES);
        streaming.fill(&payload, &mut chunk);
        wire.extend_from_slice(chunk.waiting());
        fresh += chunk.len() as u64;
    }
    let mut gone = Vec::new();
    outbox.finish_writing(VecDeque::new(), fresh, |sent| gone.push(sent.completion));
    assert_eq!(gone, [1]);
    assert_eq!(write(&mut outbox, &mut wire, usize::MAX), [2]);
    let seen: Vec<_> = frames(&wire).iter().map(|(first, _)| *first).collect();
    assert_eq!(seen, [0x02, 0x00, 0x8a, 0x89, 0x00, 0x80, 0x82]);
    assert!(messages(&wire).0 == [(0x82, payload), (0x82, b"behind".to_vec())]);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn an_operation_in_several_pieces_ends_with_its_last() {
    let mut outbox = outbox();
    let mut wire = Vec::new();
    let shape = Shape { is_final: false, ..Shape::whole(Opcode::Message(MessageKind::Binary)) };
    outbox.begin_operation(3, 10, 3, true);
    outbox.fragment(Shape { is_compressed: true, ..shape }, b"01234");
    assert_eq!(write(&mut outbox, &mut wire, usize::MAX), []);
    assert!(outbox.cancel(3).is_none());
    assert!(outbox.ping(b"") && outbox.waiting() > 0);
    outbox.fragment(Shape { is_final: true, ..shape.continued() }, b"56789");
    outbox.end_operation(3);
    assert_eq!(write(&mut outbox, &mut wire, usize::MAX), [3]);
    let seen: Vec<_> = frames(&wire).iter().map(|(first, _)| *first).collect();
    assert_eq!(seen, [0x42, 0x89, 0x80]);
}

#[test]
fn a_ping_is_held_until_its_last_byte_has_left() {
    for behind in [0, 1000] {
        let mut outbox = outbox();
        assert!(!outbox.holds_ping());
        outbox.message(MessageKind::Binary, &vec![0; behind]);
        let mut wire = Vec::new();
        // It has begun, so that the ping comes behind it, or has left.
        write(&mut outbox, &mut wire, if behind == 0 { usize::MAX } else { 1 });
        assert!(outbox.ping(b"ping"));
        let all = frame::framed_len(behind) as usize + 10;
        for _ in wire.len()..all {
            assert!(outbox.holds_ping(), "{} of {all}", wire.len());
            write(&mut outbox, &mut wire, 1);
        }
        assert!(!outbox.holds_ping());
        outbox.message(MessageKind::Binary, b"x");
        assert!(!outbox.holds_ping());
    }
}

#[test]
fn unsolicited_pongs_neither_pile_up_nor_replace_an_answer() {
    let mut outbox = outbox();
    let mut wire = Vec::new();
    for _ in 0..10 {
        outbox.unsolicited_pong();
    }
    write(&mut outbox, &mut wire, 3);
    for _ in 0..10 {
        outbox.unsolicited_pong();
    }
    outbox.pong(b"answer", true);
    for _ in 0..10 {
        outbox.unsolicited_pong();
        write(&mut outbox, &mut wire, 1);
    }
    while !outbox.is_empty() {
        write(&mut outbox, &mut wire, usize::MAX);
    }
    assert_eq!(frames(&wire), [(0x8a, Vec::new()), (0x8a, b"answer".to_vec())]);
    outbox.end();
    outbox.unsolicited_pong();
    assert!(outbox.is_empty(), "nothing follows the end");
}

#[test]
fn chunks_are_filled_whatever_the_sizes_of_messages() {
    let mut outbox = outbox();
    for _ in 0..64 {
        outbox.message(MessageKind::Binary, &vec![1; CHUNK_BYTES / 2 + 100]);
    }
    let chunks = outbox.queue.len() as u64;
    assert!(chunks * CHUNK_BYTES as u64 <= outbox.waiting() + CHUNK_BYTES as u64);
    let mut wire = Vec::new();
    write(&mut outbox, &mut wire, usize::MAX);
    assert_eq!(messages(&wire).0.len(), 64);
}
