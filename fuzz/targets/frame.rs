//! Headers: the verdict on the front of any bytes against a slow model, and against tungstenite's
//! codec on what is accepted; headers of ours read back.
#![no_main]

use std::io::Cursor;

use anyws::protocol::MessageKind;
use anyws::protocol::frame::{self, Header, MAX_HEADER_BYTES, Opcode, Shape};
use anyws_fuzz::{Choices, Frame, model};
use libfuzzer_sys::fuzz_target;
use tungstenite::protocol::frame::FrameHeader;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let inflates = choices.bit();
    let bytes = choices.rest();
    let verdict = frame::decode(bytes, inflates);
    assert_eq!(verdict, model::header(bytes, inflates));
    // Fewer bytes never say otherwise, they only may not say anything yet.
    for end in 0..bytes.len().min(MAX_HEADER_BYTES + 1) {
        let earlier = frame::decode(&bytes[..end], inflates);
        assert_eq!(earlier, model::header(&bytes[..end], inflates));
        assert!(earlier == Ok(None) || earlier == verdict, "{earlier:?} at {end}");
        if let Ok(Some(header)) = verdict {
            assert_eq!(earlier.unwrap().is_some(), end >= header.header_len);
        }
    }
    if let Some(short) = frame::decode_short(bytes) {
        assert_eq!(verdict, Ok(Some(short)));
    }
    if let Ok(Some(header)) = verdict {
        agrees_with_tungstenite(bytes, header);
        is_written_and_read(header, bytes);
    }
    lengths_add_up(bytes);
});

fn agrees_with_tungstenite(bytes: &[u8], header: Header) {
    let mut cursor = Cursor::new(bytes);
    let (theirs, len) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
    assert_eq!((len, cursor.position() as usize), (header.payload_len, header.header_len));
    assert_eq!((theirs.is_final, theirs.rsv1), (header.is_final, header.is_compressed));
    assert!(!theirs.rsv2 && !theirs.rsv3 && theirs.mask.is_none());
    assert_eq!(u8::from(theirs.opcode), code(header.opcode));
}

/// A frame of ours with the same shape and length.
fn is_written_and_read(header: Header, bytes: &[u8]) {
    let key = [bytes[0], bytes[1], 0x5a, bytes.len() as u8];
    let Header { opcode, is_final, is_compressed, payload_len, .. } = header;
    let (written, len) = frame::encode(Shape { opcode, is_final, is_compressed }, payload_len, key);
    let mut cursor = Cursor::new(&written[..len]);
    let (theirs, theirs_len) = FrameHeader::parse(&mut cursor).unwrap().unwrap();
    assert_eq!((theirs_len, cursor.position() as usize), (payload_len, len));
    assert_eq!((theirs.is_final, theirs.rsv1), (is_final, is_compressed));
    assert_eq!((u8::from(theirs.opcode), theirs.mask), (code(opcode), Some(key)));
    let Ok(room) = usize::try_from(payload_len) else { return };
    if room < usize::MAX / 2 {
        assert_eq!(frame::frame_len(room), (len + room) as u64);
        assert_eq!(frame::own_frame_len(&written[..len]), Some(len + room));
        if let Opcode::Message(kind) = opcode
            && is_final
            && !is_compressed
            && room <= frame::MAX_SHORT_BYTES
        {
            assert_eq!(frame::short_header(kind, room, key), written[..len]);
        }
    }
    if room <= bytes.len() {
        let whole = [&written[..len], &bytes[..room]].concat();
        let mut rest = &whole[..];
        let read = Frame::read(&mut rest).unwrap();
        assert_eq!((rest.len(), read.key, read.payload.len()), (0, Some(key), room));
    }
}

/// The sum of the frames that a message is cut into is what it was said to take.
fn lengths_add_up(bytes: &[u8]) {
    let Some((len, _)) = bytes.split_first_chunk::<3>() else { return };
    let len = usize::from(len[0]) << 16 | usize::from(len[1]) << 8 | usize::from(len[2]);
    let (mut rest, mut total) = (len, 0);
    loop {
        let next = frame::next_frame_len(rest);
        assert!(next <= rest && (next > 0 || rest == 0));
        total += frame::frame_len(next);
        rest -= next;
        if rest == 0 {
            break;
        }
    }
    assert_eq!(total, frame::framed_len(len));
}

fn code(opcode: Opcode) -> u8 {
    match opcode {
        Opcode::Continuation => 0,
        Opcode::Message(MessageKind::Text) => 1,
        Opcode::Message(MessageKind::Binary) => 2,
        Opcode::Close => 8,
        Opcode::Ping => 9,
        Opcode::Pong => 10,
    }
}
