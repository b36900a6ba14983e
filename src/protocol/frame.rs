//! Frame headers. RFC 6455 §5.2.
//!
//! The codec is tungstenite's; the judgement of what it reads is ours, and is passed on the header
//! alone, before any payload has arrived. The header of an unfragmented message that is not large,
//! the one that counts, is read in place; a test holds the two ways against each other.

use std::fmt;
use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::base::chunk::{CHUNK_BYTES, Chunk};

use super::mask::copy_masked;

/// A client's header is at most this long: 2 bytes, 8 of length, 4 of mask.
pub const MAX_HEADER_BYTES: usize = 14;
/// RFC 6455 §5.5: a control frame carries at most this much.
pub const MAX_CONTROL_BYTES: usize = 125;
/// Messages much larger than this leave as several frames, so that a ping need not wait for the
/// end of one. With its header such a frame fills four chunks.
pub const FRAME_BYTES: usize = 4 * CHUNK_BYTES - MAX_HEADER_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Binary,
    Text,
}

/// What a delivered piece is: a whole message, or in partial mode a portion of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub kind: MessageKind,
    /// The message ends with it.
    pub is_complete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    Continuation,
    Message(MessageKind),
    Close,
    Ping,
    Pong,
}

/// The header of a frame from the server, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub opcode: Opcode,
    pub is_final: bool,
    /// RFC 7692 §6: RSV1 of a message's first frame.
    pub is_compressed: bool,
    /// Payload that follows.
    pub payload_len: u64,
    /// Bytes the header itself took.
    pub header_len: usize,
}

/// The header of a frame of ours, but for its length and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub opcode: Opcode,
    pub is_final: bool,
    /// RFC 7692 §6: RSV1 of a message's first frame.
    pub is_compressed: bool,
}

impl Shape {
    /// A frame that is all there is.
    pub const fn whole(opcode: Opcode) -> Shape {
        Shape { opcode, is_final: true, is_compressed: false }
    }

    /// What follows a frame of this shape when its payload is cut in two.
    pub fn continued(self) -> Shape {
        Shape { opcode: Opcode::Continuation, is_compressed: false, ..self }
    }
}

/// What the peer did wrong after the handshake. Each ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    MaskedFrame,
    ReservedBits,
    ReservedOpcode(u8),
    FragmentedControl,
    LongControl,
    LengthNotShortest,
    LengthTooLarge,
    StrayContinuation,
    MessageInsideMessage,
    MessageTooBig,
    TooManyFragments,
    TextNotUtf8,
    CloseOneByte,
    CloseCode(u16),
    CloseReasonNotUtf8,
    /// A compressed message, RFC 7692.
    NotInflatable,
    OutOfMemory,
}

impl Fault {
    /// The code that our close frame carries. RFC 6455 §7.4.1.
    pub fn close_code(self) -> u16 {
        match self {
            Fault::TextNotUtf8 | Fault::CloseReasonNotUtf8 | Fault::NotInflatable => 1007,
            Fault::MessageTooBig | Fault::TooManyFragments | Fault::OutOfMemory => 1009,
            _ => 1002,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Fault::MaskedFrame => "the server sent a masked frame",
            Fault::ReservedBits => "the server set a reserved bit that no extension defines",
            Fault::ReservedOpcode(code) => {
                return write!(f, "the server sent a frame with the reserved opcode {code}");
            }
            Fault::FragmentedControl => "the server sent a fragmented control frame",
            Fault::LongControl => "the server sent a control frame of more than 125 bytes",
            Fault::LengthNotShortest => "the server sent a length that is not in its shortest form",
            Fault::LengthTooLarge => "the server sent a length with its highest bit set",
            Fault::StrayContinuation => "the server continued a message that it had not begun",
            Fault::MessageInsideMessage => {
                "the server began a message before it had ended the one before"
            }
            Fault::MessageTooBig => "the server sent a message larger than MAX_MESSAGE_SIZE",
            Fault::TooManyFragments => "the server sent a message in more fragments than allowed",
            Fault::TextNotUtf8 => "the server sent a text message that is not UTF-8",
            Fault::CloseOneByte => "the server sent a close frame of one byte",
            Fault::CloseCode(code) => {
                return write!(f, "the server sent the close code {code}, which may not be sent");
            }
            Fault::CloseReasonNotUtf8 => "the server sent a close reason that is not UTF-8",
            Fault::NotInflatable => "the server sent a compressed message that does not inflate",
            Fault::OutOfMemory => "there was no memory for the message",
        };
        f.write_str(text)
    }
}

impl Header {
    /// Of the first frame of a message.
    #[inline]
    pub fn kind(self) -> Option<MessageKind> {
        match self.opcode {
            Opcode::Message(kind) => Some(kind),
            _ => None,
        }
    }
}

/// The header of a whole message of less than 64 KiB; `None`: it is of another kind, not all there,
/// or wrong, and `decode` judges it.
#[inline]
pub fn decode_short(bytes: &[u8]) -> Option<Header> {
    let [first @ (0x81 | 0x82), second, ..] = *bytes else { return None };
    let kind = if first == 0x81 { MessageKind::Text } else { MessageKind::Binary };
    let (payload_len, header_len) = match second {
        0..=125 => (u64::from(second), 2),
        126 => {
            let [_, _, high, low, ..] = *bytes else { return None };
            match u16::from_be_bytes([high, low]) {
                0..=125 => return None, // not the shortest form
                length => (u64::from(length), 4),
            }
        }
        _ => return None,
    };
    Some(Header {
        opcode: Opcode::Message(kind),
        is_final: true,
        is_compressed: false,
        payload_len,
        header_len,
    })
}

/// Reads a header from the front of `bytes`. `None`: more bytes are needed, and those that are
/// there are not wrong yet. `inflates`: permessage-deflate was agreed.
pub fn decode(bytes: &[u8], inflates: bool) -> Result<Option<Header>, Fault> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let opcode = judge_first(first, inflates)?;
    let is_final = first & 0x80 != 0;
    let is_compressed = first & 0x40 != 0;
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    let short_len = second & 0x7f;
    // RFC 6455 §5.1: a server must not mask any frame that it sends.
    if second & 0x80 != 0 {
        return Err(Fault::MaskedFrame);
    }
    // RFC 6455 §5.5: control frames are short and whole.
    if matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong) {
        if !is_final {
            return Err(Fault::FragmentedControl);
        }
        if short_len > 125 {
            return Err(Fault::LongControl);
        }
    }
    let mut cursor = Cursor::new(bytes);
    let Ok(Some((_, payload_len))) = FrameHeader::parse(&mut cursor) else { return Ok(None) };
    // RFC 6455 §5.2: the minimal number of bytes must be used, the highest bit must be 0.
    match short_len {
        126 if payload_len < 126 => return Err(Fault::LengthNotShortest),
        127 if payload_len <= 0xffff => return Err(Fault::LengthNotShortest),
        127 if payload_len >> 63 != 0 => return Err(Fault::LengthTooLarge),
        _ => {}
    }
    let header_len = cursor.position() as usize;
    Ok(Some(Header { opcode, is_final, is_compressed, payload_len, header_len }))
}

/// The first byte alone tells reserved bits and opcode.
fn judge_first(first: u8, inflates: bool) -> Result<Opcode, Fault> {
    // RFC 6455 §5.2: non-zero without an extension that defines it fails the connection.
    // RFC 7692 §6.1: the extension defines RSV1, and of the first frame of a message alone.
    let may_be_compressed = inflates && matches!(first & 0x0f, 1 | 2);
    if first & 0x30 != 0 || (first & 0x40 != 0 && !may_be_compressed) {
        return Err(Fault::ReservedBits);
    }
    match OpCode::from(first & 0x0f) {
        OpCode::Data(Data::Continue) => Ok(Opcode::Continuation),
        OpCode::Data(Data::Text) => Ok(Opcode::Message(MessageKind::Text)),
        OpCode::Data(Data::Binary) => Ok(Opcode::Message(MessageKind::Binary)),
        OpCode::Control(Control::Close) => Ok(Opcode::Close),
        OpCode::Control(Control::Ping) => Ok(Opcode::Ping),
        OpCode::Control(Control::Pong) => Ok(Opcode::Pong),
        OpCode::Data(Data::Reserved(code)) | OpCode::Control(Control::Reserved(code)) => {
            Err(Fault::ReservedOpcode(code))
        }
    }
}

/// The longest payload whose length fits into the second byte of a header.
pub const MAX_SHORT_BYTES: usize = 125;
/// What such a header takes.
pub const SHORT_HEADER_BYTES: usize = 6;

/// The header of a whole message of at most `MAX_SHORT_BYTES`, masked. The same as `encode`.
#[inline]
pub fn short_header(kind: MessageKind, len: usize, key: [u8; 4]) -> [u8; SHORT_HEADER_BYTES] {
    let first: u16 = match kind {
        MessageKind::Text => 0x81,
        MessageKind::Binary => 0x82,
    };
    // RFC 6455 §5.1: a client masks every frame.
    let [first, second] = (first | 0x8000 | (len as u16) << 8).to_le_bytes();
    let [a, b, c, d] = key;
    [first, second, a, b, c, d]
}

/// Writes the header of a masked frame; returns it and its length.
pub fn encode(shape: Shape, payload_len: u64, key: [u8; 4]) -> ([u8; MAX_HEADER_BYTES], usize) {
    let header = FrameHeader {
        is_final: shape.is_final,
        rsv1: shape.is_compressed,
        opcode: match shape.opcode {
            Opcode::Continuation => OpCode::Data(Data::Continue),
            Opcode::Message(MessageKind::Text) => OpCode::Data(Data::Text),
            Opcode::Message(MessageKind::Binary) => OpCode::Data(Data::Binary),
            Opcode::Close => OpCode::Control(Control::Close),
            Opcode::Ping => OpCode::Control(Control::Ping),
            Opcode::Pong => OpCode::Control(Control::Pong),
        },
        // RFC 6455 §5.1: a client masks every frame.
        mask: Some(key),
        ..FrameHeader::default()
    };
    let mut bytes = [0; MAX_HEADER_BYTES];
    let header_len = header.len(payload_len);
    // The room is the largest header: formatting cannot run out of it.
    let _ = header.format(payload_len, &mut bytes.as_mut_slice());
    (bytes, header_len)
}

/// Puts a frame behind what the chunk holds, masked; there must be room for it.
#[inline]
pub fn write_frame(chunk: &mut Chunk, header: &[u8], payload: &[u8], key: [u8; 4]) {
    let target = chunk.extend(header.len() + payload.len());
    let (front, back) = target.split_at_mut(header.len().min(target.len()));
    front.copy_from_slice(header.get(..front.len()).unwrap_or_default());
    copy_masked(back, payload, key, 0);
}

/// The whole length of one of our own frames, read from the front of it; `None` when its header is
/// not all there.
pub fn own_frame_len(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    let (_, payload_len) = FrameHeader::parse(&mut cursor).ok().flatten()?;
    usize::try_from(cursor.position() + payload_len).ok()
}

/// How much of `rest` the next frame of a message takes.
#[inline]
pub fn next_frame_len(rest: usize) -> usize {
    // A last frame may be a little larger, better than one of a few bytes behind it.
    if rest <= FRAME_BYTES + CHUNK_BYTES { rest } else { FRAME_BYTES }
}

/// Bytes that a message of `payload_len` takes on the wire.
#[inline]
pub fn framed_len(payload_len: usize) -> u64 {
    if payload_len <= FRAME_BYTES {
        return frame_len(payload_len);
    }
    let frames = payload_len.saturating_sub(CHUNK_BYTES + 1) / FRAME_BYTES;
    frames as u64 * frame_len(FRAME_BYTES) + frame_len(payload_len - frames * FRAME_BYTES)
}

/// In how many frames a message leaves.
pub fn frame_count(payload_len: usize) -> u64 {
    match payload_len {
        0..=FRAME_BYTES => 1,
        _ => 1 + (payload_len.saturating_sub(CHUNK_BYTES + 1) / FRAME_BYTES) as u64,
    }
}

/// Bytes that one frame of ours takes on the wire.
#[inline]
pub fn frame_len(payload_len: usize) -> u64 {
    let header = if payload_len < 126 {
        6
    } else if payload_len <= 0xffff {
        8
    } else {
        14
    };
    header + payload_len as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pairs_of_first_two_bytes_are_judged_as_the_standard_says() {
        for first in 0..=255u8 {
            for second in 0..=255u8 {
                let mut bytes = [0u8; 16];
                bytes[0] = first;
                bytes[1] = second;
                bytes[2] = 1; // a legal long length of either size
                let length = second & 0x7f;
                let control = first & 8 != 0;
                let expected = if first & 0x70 != 0 {
                    Err(Fault::ReservedBits)
                } else if matches!(first & 15, 3..=7 | 11..=15) {
                    Err(Fault::ReservedOpcode(first & 15))
                } else if second & 0x80 != 0 {
                    Err(Fault::MaskedFrame)
                } else if control && first & 0x80 == 0 {
                    Err(Fault::FragmentedControl)
                } else if control && length > 125 {
                    Err(Fault::LongControl)
                } else {
                    Ok(match length {
                        126 => (256, 4),
                        127 => (1 << 56, 10),
                        short => (u64::from(short), 2),
                    })
                };
                let seen = decode(&bytes, false).map(|header| {
                    let header = header.unwrap();
                    assert_eq!(header.is_final, first & 0x80 != 0);
                    (header.payload_len, header.header_len)
                });
                assert_eq!(seen, expected, "{first:02x} {second:02x}");
                if let Some(short) = decode_short(&bytes) {
                    assert_eq!(decode(&bytes, false), Ok(Some(short)), "the two ways agree");
                    assert_eq!(decode(&bytes, true), Ok(Some(short)), "with compression, too");
                }
            }
        }
    }

    #[test]
    fn a_message_is_compressed_by_its_first_frame_alone() {
        for first in 0..=255u8 {
            let judged = decode(&[first, 0], true);
            let may = matches!(first & 15, 1 | 2);
            if first & 0x30 != 0 || (first & 0x40 != 0 && !may) {
                assert_eq!(judged, Err(Fault::ReservedBits), "{first:02x}");
            } else if let Ok(header) = judged {
                assert_eq!(header.unwrap().is_compressed, first & 0x40 != 0);
            }
            assert!(first & 0x40 == 0 || decode(&[first, 0], false) == Err(Fault::ReservedBits));
        }
    }

    #[test]
    fn the_frames_of_a_message_add_up() {
        for payload_len in [
            0,
            1,
            125,
            126,
            65_536,
            FRAME_BYTES,
            FRAME_BYTES + 1,
            FRAME_BYTES + CHUNK_BYTES,
            FRAME_BYTES + CHUNK_BYTES + 1,
            2 * FRAME_BYTES + CHUNK_BYTES,
            2 * FRAME_BYTES + CHUNK_BYTES + 1,
            1 << 20,
            (1 << 26) + 7,
        ] {
            let (mut rest, mut sum, mut frames) = (payload_len, 0, 0);
            loop {
                let next = next_frame_len(rest);
                sum += frame_len(next);
                frames += 1;
                rest -= next;
                if rest == 0 {
                    break;
                }
            }
            assert_eq!(sum, framed_len(payload_len), "{payload_len}");
            assert_eq!(frames, frame_count(payload_len) as usize, "{payload_len}");
            assert!(frames <= payload_len / FRAME_BYTES + 1);
        }
    }

    #[test]
    fn a_header_that_is_not_all_there_is_neither_read_nor_refused() {
        let header = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        for length in 0..header.len() {
            assert_eq!(decode(&header[..length], false), Ok(None));
        }
        assert!(decode(&header, false).unwrap().is_some());
    }

    #[test]
    fn the_first_byte_alone_is_enough_to_refuse() {
        assert_eq!(decode(&[0xc1], false), Err(Fault::ReservedBits));
        assert_eq!(decode(&[0x83], false), Err(Fault::ReservedOpcode(3)));
    }

    #[test]
    fn lengths_must_be_in_their_shortest_form() {
        assert_eq!(decode(&[0x82, 126, 0, 125], false), Err(Fault::LengthNotShortest));
        assert_eq!(decode(&[0x82, 126, 0, 126], false).unwrap().unwrap().payload_len, 126);
        assert_eq!(
            decode(&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], false),
            Err(Fault::LengthNotShortest)
        );
        assert_eq!(
            decode(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], false).unwrap().unwrap().payload_len,
            65536
        );
        assert_eq!(
            decode(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], false),
            Err(Fault::LengthTooLarge)
        );
        assert_eq!(
            decode(&[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 5], false).unwrap().unwrap().payload_len,
            (1 << 32) + 5
        );
    }

    #[test]
    fn a_short_header_is_the_one_that_encode_writes() {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            for len in 0..=MAX_SHORT_BYTES {
                let (bytes, header_len) =
                    encode(Shape::whole(Opcode::Message(kind)), len as u64, [1, 2, 3, 4]);
                assert_eq!(bytes[..header_len], short_header(kind, len, [1, 2, 3, 4]));
            }
        }
    }

    #[test]
    fn our_own_headers_are_as_long_as_they_say() {
        for len in [0usize, 1, 125, 126, 65535, 65536, 1 << 20] {
            let (bytes, header_len) = encode(
                Shape::whole(Opcode::Message(MessageKind::Binary)),
                len as u64,
                [1, 2, 3, 4],
            );
            assert_eq!(header_len as u64 + len as u64, frame_len(len));
            assert_eq!(own_frame_len(&bytes[..header_len]), Some(header_len + len));
            assert_eq!(bytes[header_len - 4..header_len], [1, 2, 3, 4]);
        }
    }
}
