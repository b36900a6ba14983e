//! permessage-deflate in hostile hands: what does not inflate, what grows without end, and bits that
//! stand where they may not. Streams that no compressor writes are put together bit by bit.

use anyws::ffi::types::*;
use zlib_rs::{Deflate, DeflateFlush};

use crate::accounts::turn;
use crate::attack::{
    Attack, FORMAT, LITTLE, NOT_UTF8, OPERATION, TOO_BIG, Verdict, binary, long_header, row, text,
};
use crate::stage::all_end;
use crate::support::server::frame;

const NOT_INFLATABLE: Verdict = Verdict { wire: Some(1007), ..FORMAT };
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
/// RFC 7692 §7.2.3.1: "Hello", and §7.2.3.2: the same again, which is nothing but a reference.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];
/// A frame that breaks the rules: nothing else ends a row in which all is well.
const MASKED: [u8; 2] = [0x81, 0x80];

fn agreed(row: Attack) -> Attack {
    agreed_on("permessage-deflate", row)
}

fn agreed_on(answer: &str, row: Attack) -> Attack {
    row.set(WS_CONTROL_COMPRESSION, 1).answers_with(EXTENSIONS, answer)
}

fn all_agreed(rows: Vec<Attack>) -> Vec<Attack> {
    rows.into_iter().map(agreed).collect()
}

/// One compressor for several messages; gives a message without the end that is not sent.
struct Compressor(Deflate);

impl Compressor {
    fn new() -> Compressor {
        Compressor(Deflate::new(9, false, 15))
    }

    fn message(&mut self, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; data.len() + 1024];
        let (read, written) = (self.0.total_in(), self.0.total_out());
        self.0.compress(data, &mut bytes, DeflateFlush::SyncFlush).unwrap();
        assert_eq!(self.0.total_in() - read, data.len() as u64);
        bytes.truncate((self.0.total_out() - written) as usize);
        assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
        bytes.truncate(bytes.len() - 4);
        bytes
    }
}

fn compressed(data: &[u8]) -> Vec<u8> {
    Compressor::new().message(data)
}

/// RFC 1951 §3.1.1: from the lowest bit of each byte upwards; codes with their highest bit first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn number(mut self, value: u32, bits: usize) -> Bits {
        for bit in 0..bits {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }

    fn code(self, code: u32, bits: usize) -> Bits {
        (0..bits).rev().fold(self, |all, bit| all.number(code >> bit & 1, 1))
    }

    /// A block of the fixed codes, §3.2.6: begun, a letter, a match of three, ended.
    fn fixed(self, is_final: u32) -> Bits {
        self.number(is_final, 1).number(1, 2)
    }

    fn letter(self, letter: u8) -> Bits {
        self.code(0x30 + u32::from(letter), 8)
    }

    fn three_from(self, distance_code: u32) -> Bits {
        self.code(1, 7).code(distance_code, 5)
    }

    fn end(self) -> Vec<u8> {
        self.code(0, 7).bytes
    }
}

#[test]
fn what_does_not_inflate_fails_as_soon_as_it_is_seen() {
    let turn = turn();
    let oversubscribed = (0..19)
        .fold(Bits::default().number(0, 1).number(2, 2).number(0, 10).number(15, 4), |bits, _| {
            bits.number(1, 3)
        });
    let truncated = compressed(b"what is cut, is cut, is cut, is cut");
    let final_block = Bits::default().fixed(1).letter(b'a').end();
    let whole = |bytes: &[u8]| frame(0xc1, bytes);
    let mut rows = vec![
        row("codes that are too many", whole(&oversubscribed.bytes)),
        row("a distance before the start", whole(&Bits::default().fixed(0).three_from(0).end())),
        row(
            "a distance before the first byte",
            whole(&Bits::default().fixed(0).letter(b'a').three_from(1).end()),
        ),
        row(
            "a distance code of none",
            whole(&Bits::default().fixed(0).letter(b'a').three_from(30).end()),
        ),
        row("stored lengths that disagree", whole(&[0, 5, 0, 5, 0, 1, 2, 3, 4, 5])),
        row("more stored than there is", whole(&[0, 5, 0, 0xfa, 0xff, b'a'])),
        row("bytes behind", whole(&[&HELLO[..], &[0xff]].concat())),
        row("bytes behind a final block", whole(&[&final_block[..], &[0xff; 4]].concat())),
        row("text that is not compressed", whole(b"not compressed at all")),
        row(
            "a bad block in the second fragment",
            [frame(0x41, &HELLO[..3]), frame(0x80, &[0xff; 9])].concat(),
        ),
        row("a bad second message", [whole(&HELLO), whole(&[0x07])].concat())
            .delivers(text("Hello")),
    ];
    for (name, bytes) in [
        ("whole", whole(&[0x07])),
        ("in a fragment", frame(0x41, &[0x07])),
        ("stalled", [long_header(0xc1, 1 << 20), vec![0x07]].concat()),
    ] {
        rows.push(row(format!("a block of no type, {name}"), bytes));
    }
    for end in [1, 3, truncated.len() - 1] {
        rows.push(row(format!("cut after {end} bytes"), whole(&truncated[..end])));
    }
    all_end(&turn, NOT_INFLATABLE, all_agreed(rows));
}

#[test]
fn compressed_text_is_utf8_as_far_as_it_goes() {
    let turn = turn();
    let broken = compressed(b"broken \xff here");
    let rows = vec![
        row("whole", frame(0xc1, &broken)),
        row("in a fragment", frame(0x41, &broken)),
        row("cut at the end", frame(0xc1, &compressed(&[0xce]))),
    ];
    all_end(&turn, NOT_UTF8, all_agreed(rows));
}

#[test]
fn what_grows_beyond_the_limit_ends_there() {
    let turn = turn();
    const MAX: usize = 1 << 20;
    let zeros = vec![0; MAX];
    let ten: Vec<u8> = {
        let mut compressor = Compressor::new();
        (0..10)
            .flat_map(|_| [compressor.message(&zeros), vec![0, 0, 0xff, 0xff]].concat())
            .collect()
    };
    assert!(ten.len() < 12_000, "{}", ten.len());
    // Behind the first of them the window is the same for each: the same bytes again and again.
    let thousand = {
        let mut compressor = Compressor::new();
        let first = compressor.message(&zeros);
        let again = [vec![0, 0, 0xff, 0xff], compressor.message(&zeros)].concat();
        [first, again.repeat(1023)].concat()
    };
    let fragments = |bytes: &[u8]| {
        let mut frames = frame(0x42, b"");
        bytes.chunks(100).for_each(|piece| frames.extend(frame(0x00, piece)));
        frames
    };
    let with_window = {
        let mut compressor = Compressor::new();
        let first = frame(0xc2, &compressor.message(&zeros[..1000]));
        [first, frame(0xc2, &compressor.message(&vec![0; 10 * MAX]))].concat()
    };
    let exactly = frame(0xc2, &compressed(&zeros));
    let more = frame(0xc2, &compressed(&vec![0; MAX + 1]));
    let most = MAX + 64 * 1024 + LITTLE;
    let rows = vec![
        row("10 KiB for 10 MiB", frame(0xc2, &ten)).holds(most),
        row("1 MiB for 1 GiB", frame(0xc2, &thousand)).holds(most),
        row("10 KiB for 10 MiB in fragments", fragments(&ten)).holds(most),
        row("10 KiB for 10 MiB, stalled", [long_header(0xc2, 1 << 40), ten].concat()).holds(most),
        row("a window full of it", with_window).delivers(binary(&zeros[..1000])).holds(most),
        row("one byte more", more.clone()).holds(most),
        // The program keeps a copy of the first.
        row("exactly so much, and one byte more", [exactly, more].concat())
            .delivers(binary(zeros))
            .holds(2 * MAX + most),
    ];
    let limited = |row: Attack| row.set(WS_CONTROL_MAX_MESSAGE_SIZE, MAX as u64);
    all_end(&turn, TOO_BIG, all_agreed(rows.into_iter().map(limited).collect()));
}

#[test]
fn the_compressed_bit_stands_on_the_first_frame_of_a_message_alone() {
    let turn = turn();
    let mut rows = vec![
        row("on a continuation", [frame(0x41, &HELLO[..3]), vec![0xc0]].concat()),
        row(
            "on a continuation of what is not compressed",
            [frame(0x01, b"a"), vec![0x40]].concat(),
        ),
    ];
    for first in [0xc8, 0xc9, 0xca, 0xa1, 0x91, 0xe1, 0xd2, 0xf1] {
        rows.push(row(format!("{first:#x}"), [first]));
    }
    all_end(&turn, FORMAT, all_agreed(rows));
    let stray = [frame(0xc1, &HELLO), vec![0x80, 0]].concat();
    let inside = [frame(0x41, &HELLO[..3]), vec![0xc1, 1]].concat();
    let rows = vec![
        row("a continuation behind a message", stray).delivers(text("Hello")),
        row("a message inside one", inside),
    ];
    all_end(&turn, OPERATION, all_agreed(rows));
}

#[test]
fn a_window_that_was_not_to_be_kept_is_not_there() {
    let turn = turn();
    let rows = vec![
        row("a reference", [frame(0xc1, &HELLO), frame(0xc1, &AGAIN)].concat())
            .delivers(text("Hello")),
    ];
    let fresh = |row| agreed_on("permessage-deflate; server_no_context_takeover", row);
    all_end(&turn, NOT_INFLATABLE, rows.into_iter().map(fresh).collect());
}

#[test]
fn what_is_unusual_but_legal_inflates() {
    let turn = turn();
    let final_block = Bits::default().fixed(1).letter(b'a').end();
    let then = |bytes: &[u8]| [bytes, &MASKED].concat();
    let said = |bytes: &[u8], message: &str| {
        row(format!("{message:?}"), then(bytes)).delivers(text(message))
    };
    let mut bytes_alone = frame(0x41, &HELLO[..1]);
    HELLO[1..6].iter().for_each(|byte| bytes_alone.extend(frame(0x00, &[*byte])));
    bytes_alone.extend(frame(0x80, &HELLO[6..]));
    let rows = vec![
        row("the window is kept", then(&[frame(0xc1, &HELLO), frame(0xc1, &AGAIN)].concat()))
            .delivers(text("Hello"))
            .delivers(text("Hello")),
        said(&frame(0x81, b"not compressed"), "not compressed"),
        row(
            "both in turn",
            then(&[frame(0xc1, &HELLO), frame(0x81, b"plain"), frame(0xc1, &AGAIN)].concat()),
        )
        .delivers(text("Hello"))
        .delivers(text("plain"))
        .delivers(text("Hello")),
        row("byte by byte", then(&bytes_alone)).delivers(text("Hello")),
        row("empty", then(&frame(0xc1, &[0]))).delivers(text("")),
        row("without a byte", then(&frame(0xc1, &[]))).delivers(text("")),
        row("empty in empty fragments", then(&[frame(0x41, &[]), frame(0x80, &[0])].concat()))
            .delivers(text("")),
        row("a final block", then(&frame(0xc1, &final_block))).delivers(text("a")),
        row("two final blocks", then(&frame(0xc1, &final_block.repeat(2)))).delivers(text("aa")),
        row("stored", then(&frame(0xc1, &[0, 2, 0, 0xfd, 0xff, b'o', b'k', 0])))
            .delivers(text("ok")),
    ];
    all_end(&turn, FORMAT, all_agreed(rows));
}
