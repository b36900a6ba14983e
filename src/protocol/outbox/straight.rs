//! The straight path: a whole message that fits behind what is there and changes nothing else, in
//! as few steps as can be. Refuses to know why messages may go this way, or no longer; whoever
//! shares the outbox says how far they may.

use crate::protocol::frame::{self, MAX_SHORT_BYTES, MessageKind, SHORT_HEADER_BYTES};
use crate::protocol::mask::{copy_masked, copy_masked_short};
use crate::protocol::utf8;

use super::Outbox;

/// The longest payload whose length fits into two further bytes of a header.
pub const MAX_MEDIUM_BYTES: usize = 0xffff;
/// What such a header takes.
const MEDIUM_HEADER_BYTES: usize = 8;

impl<T> Outbox<T> {
    /// From now on whole messages may go straight until so much waits, they included; 0: none may.
    /// Bytes that leave make room for more only when this is said again.
    pub fn set_straight(&mut self, most_waiting: u64) {
        self.straight_until = match self.ended {
            true => 0,
            false => self.sent.saturating_add(most_waiting),
        };
    }

    /// Queues a message of at most `MAX_SHORT_BYTES` if it may go straight and fits. `false`: nothing
    /// has changed. A text is checked on the way.
    #[inline(always)]
    pub fn straight_short(&mut self, kind: MessageKind, payload: &[u8]) -> bool {
        let framed = (SHORT_HEADER_BYTES + payload.len()) as u64;
        if self.queued + framed > self.straight_until {
            return false;
        }
        let Some(seen) = self.put_short(kind, payload) else { return false };
        let is_ascii = seen & utf8::NOT_ASCII as u32 == 0;
        kind == MessageKind::Binary || is_ascii || self.keep_if_text(payload)
    }

    /// The same for one that is longer, of at most `MAX_MEDIUM_BYTES`. A text has been checked.
    pub fn straight_medium(&mut self, kind: MessageKind, payload: &[u8]) -> bool {
        let framed = (MEDIUM_HEADER_BYTES + payload.len()) as u64;
        self.queued + framed <= self.straight_until && self.put_medium(kind, payload)
    }

    /// Queues a message that is neither short nor large, if it fits behind what is there.
    pub(super) fn put_medium(&mut self, kind: MessageKind, payload: &[u8]) -> bool {
        let len = payload.len();
        let framed = MEDIUM_HEADER_BYTES + len;
        if len <= MAX_SHORT_BYTES || len > MAX_MEDIUM_BYTES {
            return false;
        }
        let Some(tail) = self.tail.as_mut().filter(|tail| tail.room() >= framed) else {
            return false;
        };
        let key = tail.keys.next_key(&mut self.keys);
        let Some(room) = tail.extend_by(framed) else { return false };
        let Some((header, room)) = room.split_first_chunk_mut() else { return false };
        *header = medium_header(kind, len as u16, key);
        copy_masked(room, payload, key, 0);
        self.count_straight(framed, len);
        true
    }

    /// Queues one that is short, if it fits behind what is there; returns the bits that are set in
    /// any byte of its payload.
    #[inline(always)]
    pub(super) fn put_short(&mut self, kind: MessageKind, payload: &[u8]) -> Option<u32> {
        let len = payload.len();
        if len > MAX_SHORT_BYTES {
            return None;
        }
        let tail = self.tail.as_mut()?;
        let key = tail.keys.next_key(&mut self.keys);
        let framed = SHORT_HEADER_BYTES + len;
        let (header, room) = tail.extend_by(framed)?.split_first_chunk_mut()?;
        *header = frame::short_header(kind, len, key);
        let seen = copy_masked_short(room, payload, key);
        self.count_straight(framed, len);
        Some(seen)
    }

    #[inline(always)]
    fn count_straight(&mut self, framed: usize, payload_len: usize) {
        self.queued += framed as u64;
        self.straights += 1;
        self.straight_bytes += payload_len as u64;
    }

    /// Of a short message that has just been queued and is not ASCII: it is taken back unless it
    /// is text all the same.
    #[cold]
    #[inline(never)]
    fn keep_if_text(&mut self, payload: &[u8]) -> bool {
        let is_text = utf8::is_valid(payload);
        if !is_text && let Some(tail) = &mut self.tail {
            let framed = SHORT_HEADER_BYTES + payload.len();
            tail.retract(framed);
            self.queued -= framed as u64;
            self.straights -= 1;
            self.straight_bytes -= payload.len() as u64;
        }
        is_text
    }
}

/// The header of a whole message whose length takes two bytes, masked. The same as `frame::encode`.
#[inline]
fn medium_header(kind: MessageKind, len: u16, key: [u8; 4]) -> [u8; MEDIUM_HEADER_BYTES] {
    let [first, second, a, b, c, d] = frame::short_header(kind, 126, key);
    let [high, low] = len.to_be_bytes();
    [first, second, high, low, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{frames, outbox, write};
    use super::*;
    use crate::protocol::frame::{Opcode, Shape, encode};

    /// Around each length at which something changes.
    const LENGTHS: [usize; 22] = [
        0, 1, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 65, 124, 125, 126, 127, 1_000, 20_000, 65_534,
        65_535, 65_536,
    ];

    #[test]
    fn the_straight_path_ends_where_the_other_does() {
        let (mut straight, mut other) = (outbox(), outbox());
        let payload: Vec<u8> = (0..70_000).map(|n| n as u8).collect();
        let mut refused = 0;
        for step in 0..3_000 {
            let kind = if step % 2 == 0 { MessageKind::Text } else { MessageKind::Binary };
            let len = LENGTHS[step % 7 * step % LENGTHS.len()];
            let payload = &payload[..if step % 50 == 0 { len } else { len % 126 }];
            let before = (straight.waiting(), straight.traffic());
            let header = if payload.len() <= 125 { 6 } else { 8 };
            let has_room =
                straight.tail.as_ref().is_some_and(|tail| tail.room() >= header + payload.len());
            let is_queued = match payload.len() {
                0..=125 => straight.put_short(kind, payload).is_some(),
                _ => straight.put_medium(kind, payload),
            };
            assert_eq!(is_queued, has_room && payload.len() <= 65_535);
            if !is_queued {
                refused += 1;
                assert_eq!((straight.waiting(), straight.traffic()), before, "nothing changed");
                straight.long_message(kind, payload);
            }
            other.long_message(kind, payload);
            let others = (other.waiting(), other.traffic());
            assert_eq!((straight.waiting(), straight.traffic()), others);
        }
        assert!((5..100).contains(&refused), "{refused}");
        let (mut one, mut two) = (Vec::new(), Vec::new());
        write(&mut straight, &mut one, usize::MAX);
        write(&mut other, &mut two, usize::MAX);
        assert!(frames(&one) == frames(&two) && frames(&one).len() == 3_000);
    }

    #[test]
    fn nothing_goes_straight_beyond_what_was_said_or_once_it_has_ended() {
        let mut outbox = outbox();
        outbox.set_straight(100);
        assert!(!outbox.straight_short(MessageKind::Binary, b"x"), "behind nothing");
        outbox.message(MessageKind::Binary, b"x");
        assert!(outbox.straight_short(MessageKind::Binary, &[0; 87]));
        assert_eq!(outbox.waiting(), 100);
        assert!(!outbox.straight_short(MessageKind::Binary, b""));
        outbox.set_straight(1_000);
        assert!(outbox.straight_medium(MessageKind::Binary, &[0; 500]));
        assert!(!outbox.straight_medium(MessageKind::Binary, &[0; 385]));
        assert!(outbox.straight_medium(MessageKind::Binary, &[0; 384]));
        assert_eq!(outbox.waiting(), 1_000);
        outbox.set_straight(u64::MAX);
        outbox.close(&[]);
        assert!(!outbox.straight_short(MessageKind::Binary, b""));
        outbox.set_straight(u64::MAX);
        assert!(!outbox.straight_short(MessageKind::Binary, b""));
    }

    #[test]
    fn a_short_text_is_queued_if_it_is_text() {
        for len in 0..=125 {
            let mut outbox = outbox();
            outbox.set_straight(u64::MAX);
            outbox.message(MessageKind::Text, b"first");
            for at in 0..len {
                let before = (outbox.waiting(), outbox.traffic());
                let mut text = vec![b'a'; len];
                text[at] = 0xc3;
                assert!(!outbox.straight_short(MessageKind::Text, &text), "{at} of {len}");
                assert_eq!((outbox.waiting(), outbox.traffic()), before, "nothing changed");
                assert!(outbox.straight_short(MessageKind::Binary, &text));
                if let Some(second) = text.get_mut(at + 1) {
                    *second = 0xa4;
                    assert!(outbox.straight_short(MessageKind::Text, &text));
                }
            }
            let mut wire = Vec::new();
            write(&mut outbox, &mut wire, usize::MAX);
            assert_eq!(frames(&wire).len(), 1 + (2 * len).saturating_sub(1));
            let texts = frames(&wire).into_iter().filter(|(first, _)| *first == 0x81);
            assert!(texts.clone().all(|(_, text)| std::str::from_utf8(&text).is_ok()));
            assert_eq!(texts.count(), 1 + len.saturating_sub(1));
        }
    }

    #[test]
    fn a_medium_header_is_the_one_that_encode_writes() {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            for len in MAX_SHORT_BYTES + 1..=MAX_MEDIUM_BYTES {
                let shape = Shape::whole(Opcode::Message(kind));
                let (bytes, header_len) = encode(shape, len as u64, [1, 2, 3, 4]);
                assert_eq!(bytes[..header_len], medium_header(kind, len as u16, [1, 2, 3, 4]));
            }
        }
    }
}
