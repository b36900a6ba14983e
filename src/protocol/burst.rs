//! A burst: whole messages that lie one behind the other in the caller's buffer, which is what a
//! flood of small ones looks like. They are judged and lent out in place, without an event for each.
//! Whatever is of another kind, or breaks a rule, ends the burst before it: the receiver sees it
//! again, and says what it is. Knows nothing of control frames and of messages in pieces.
//!
//! `Packed` reads such bytes back once they have been judged, wherever they have been kept since.

use super::frame::{self, MessageKind, Part};
use super::receiver::{Input, Mode, Place, Receiver};
use super::utf8;

/// What a packed message may be long.
pub const MAX_PACKED_BYTES: usize = 0xffff;

/// Messages that are taken one after the other, as long as somebody wants them.
#[derive(Debug)]
pub struct Burst<'b> {
    /// Up to the byte behind the input, and with it.
    bytes: &'b mut [u8],
    at: usize,
    largest: usize,
    checks_text: bool,
    /// So many more may be taken in this turn.
    left: u32,
    payload_bytes: usize,
    receiver: &'b mut Receiver,
    place: &'b mut usize,
}

/// A burst that was taken all at once.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'b> {
    /// Packed, and the byte behind them.
    pub bytes: &'b [u8],
    /// Where in the caller's buffer they lie.
    pub start: usize,
    pub messages: usize,
    pub payload_bytes: usize,
}

impl Receiver {
    /// The messages at the cursor; `None`: something else is there. Those that were not taken when
    /// the burst is dropped are still there.
    #[inline]
    pub fn burst<'b>(&'b mut self, input: &'b mut Input<'_>) -> Option<Burst<'b>> {
        let is_between_messages = matches!(self.place, Place::Header)
            && self.held.is_empty()
            && self.gathering.is_none()
            && !self.discarding;
        let at = input.at;
        let bytes = input.bytes.get_mut(..=input.end)?;
        let next = frame::decode_short(bytes.get(at..)?)?;
        let is_there = next.header_len as u64 + next.payload_len < (bytes.len() - at) as u64;
        if !is_between_messages || !is_there {
            return None;
        }
        Some(Burst {
            bytes,
            at,
            largest: usize::try_from(self.limits.max_message_size).unwrap_or(usize::MAX),
            checks_text: self.mode != Mode::Stream,
            left: self.budget,
            payload_bytes: 0,
            receiver: self,
            place: &mut input.at,
        })
    }
}

impl Burst<'_> {
    /// The next message, and the byte behind it, which the caller may overwrite and puts back
    /// before it goes on.
    #[inline(always)]
    pub fn next_message(&mut self) -> Option<(Part, &mut [u8])> {
        let unread = self.bytes.get_mut(self.at..)?;
        let header = frame::decode_short(unread)?;
        let len = header.payload_len as usize; // two bytes at most
        let taken = header.header_len + len;
        if len > self.largest || self.left == 0 {
            return None;
        }
        // With the byte behind: who reads beyond the input finds that one missing.
        let piece = unread.get_mut(header.header_len..taken + 1)?;
        let kind = header.kind()?;
        if kind == MessageKind::Text && self.checks_text {
            let (_, text) = piece.split_last()?;
            if !utf8::is_valid(text) {
                return None;
            }
        }
        self.at += taken;
        self.left -= 1;
        self.payload_bytes += len;
        Some((Part { kind, is_complete: true }, piece))
    }

    /// Takes all of them, and makes what they are packed as of their headers.
    pub fn take_all(&mut self) -> Whole<'_> {
        let (from, left, before) = (self.at, self.left, self.payload_bytes);
        loop {
            let at = self.at;
            let Some((part, _)) = self.next_message() else { break };
            if let Some([first, second, ..]) = self.bytes.get_mut(at..) {
                *first = WHOLE;
                if part.kind == MessageKind::Binary {
                    *second |= IS_BINARY;
                }
            }
        }
        Whole {
            bytes: self.bytes.get(from..=self.at).unwrap_or_default(),
            start: from,
            messages: (left - self.left) as usize,
            payload_bytes: self.payload_bytes - before,
        }
    }
}

impl Drop for Burst<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.place = self.at;
        let taken = u64::from(self.receiver.budget - self.left);
        self.receiver.budget = self.left;
        let traffic = &mut self.receiver.traffic;
        traffic.frames += taken;
        traffic.messages += taken;
        traffic.payload_bytes += self.payload_bytes as u64;
    }
}

/// The first byte of a packed message: zero for a whole one, so that most messages have a zero behind
/// them and whoever reads them need not write.
const WHOLE: u8 = 0;
const PORTION: u8 = 1;
/// In the second, beside the length as it is on the wire.
const IS_BINARY: u8 = 0x80;

/// Messages, or portions of some, that were judged before and kept one behind the other, each with
/// a short header; one byte is behind the last.
#[derive(Debug)]
pub struct Packed<'b> {
    bytes: &'b mut [u8],
    at: usize,
}

impl<'b> Packed<'b> {
    pub fn new(bytes: &'b mut [u8]) -> Packed<'b> {
        Packed { bytes, at: 0 }
    }

    /// The next one, and the byte behind it, which the caller may overwrite and puts back before it
    /// goes on; mostly it is a zero.
    #[inline(always)]
    pub fn next_message(&mut self) -> Option<(Part, &mut [u8])> {
        let unread = self.bytes.get_mut(self.at..)?;
        let [first, second, ..] = *unread else { return None };
        let (header_len, len) = match second & !IS_BINARY {
            126 => {
                let [_, _, high, low, ..] = *unread else { return None };
                (4, usize::from(u16::from_be_bytes([high, low])))
            }
            short => (2, usize::from(short)),
        };
        let taken = header_len + len;
        let piece = unread.get_mut(header_len..taken + 1)?;
        self.at += taken;
        let is_text = second & IS_BINARY == 0;
        let kind = if is_text { MessageKind::Text } else { MessageKind::Binary };
        Some((Part { kind, is_complete: first == WHOLE }, piece))
    }

    /// How many bytes have been taken.
    pub fn taken(&self) -> usize {
        self.at
    }
}

/// Packs one more behind `bytes`; it must not be longer than `MAX_PACKED_BYTES`. The byte behind is
/// the caller's business.
pub fn pack(bytes: &mut Vec<u8>, part: Part, payload: &[u8]) {
    debug_assert!(payload.len() <= MAX_PACKED_BYTES);
    let first = if part.is_complete { WHOLE } else { PORTION };
    let kind = match part.kind {
        MessageKind::Text => 0,
        MessageKind::Binary => IS_BINARY,
    };
    bytes.reserve(4 + payload.len() + 1);
    match payload.len() {
        short @ 0..=125 => bytes.extend_from_slice(&[first, short as u8 | kind]),
        long => {
            let [high, low] = (long as u16).to_be_bytes();
            bytes.extend_from_slice(&[first, 126 | kind, high, low]);
        }
    }
    bytes.extend_from_slice(payload);
}
