//! Text in and out of bytes, in every encoding; what is no text, and what is merely odd.

use std::ffi::c_char;

use crate::*;

const ENCODINGS: [ws_unicode_encoding; 3] =
    [WS_UNICODE_ENCODING_UTF8, WS_UNICODE_ENCODING_UTF16LE, WS_UNICODE_ENCODING_UTF16BE];

fn unit_bytes(encoding: ws_unicode_encoding) -> usize {
    if encoding == WS_UNICODE_ENCODING_UTF8 { 1 } else { 2 }
}

fn writer_in(encoding: ws_unicode_encoding) -> Writer {
    let writer = Writer::new();
    assert_eq!(ws_data_writer_set_unicode_encoding(writer.0, encoding), WS_OK);
    assert_eq!(ws_data_writer_get_unicode_encoding(writer.0), encoding);
    writer
}

fn reader_in(encoding: ws_unicode_encoding, bytes: &[u8]) -> Reader {
    let reader = Reader::new(bytes);
    assert_eq!(ws_data_reader_set_unicode_encoding(reader.0, encoding), WS_OK);
    assert_eq!(ws_data_reader_get_unicode_encoding(reader.0), encoding);
    reader
}

/// Asks for the length, fails with one byte too little, then reads.
fn read_string(reader: &Reader, code_units: usize) -> Result<String, ws_result> {
    let left = reader.left();
    let text = support::client::read_text(|buf, capacity, length| {
        let result = ws_data_reader_read_string(reader.0, code_units, buf, capacity, length);
        if buf.is_null() || result != WS_OK {
            assert_eq!(reader.left(), left, "nothing is consumed");
        }
        result
    });
    let unit = unit_bytes(ws_data_reader_get_unicode_encoding(reader.0));
    let consumed = if text.is_ok() { code_units * unit } else { 0 };
    assert_eq!(reader.left(), left - consumed);
    text
}

#[test]
fn text_stands_as_written_by_hand() {
    let text = "aé€🎮";
    let cases: [(ws_unicode_encoding, &[u8]); 3] = [
        (WS_UNICODE_ENCODING_UTF8, b"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xae"),
        (WS_UNICODE_ENCODING_UTF16LE, b"a\0\xe9\0\xac\x20\x3c\xd8\xae\xdf"),
        (WS_UNICODE_ENCODING_UTF16BE, b"\0a\0\xe9\x20\xac\xd8\x3c\xdf\xae"),
    ];
    for (encoding, bytes) in cases {
        // The order of numbers has no say in it.
        for order in ORDERS {
            let writer = writer_in(encoding);
            assert_eq!(ws_data_writer_set_byte_order(writer.0, order), WS_OK);
            assert_eq!(writer.text(text.as_bytes()), WS_OK);
            assert_eq!(writer.detach(), bytes);
            let reader = reader_in(encoding, bytes);
            assert_eq!(ws_data_reader_set_byte_order(reader.0, order), WS_OK);
            assert_eq!(read_string(&reader, bytes.len() / unit_bytes(encoding)).unwrap(), text);
        }
    }
}

#[test]
fn text_that_is_merely_odd_comes_back_as_it_was() {
    for text in [
        "",
        "\0",
        "a\0b\0",
        "\u{feff}x",
        "x\u{feff}",
        "\u{fffe}\u{ffff}",
        "\u{d7ff}\u{e000}",
        "\u{10000}\u{10ffff}",
        "\u{7f}\u{80}\u{7ff}\u{800}",
    ] {
        for encoding in ENCODINGS {
            let writer = writer_in(encoding);
            let mut size = usize::MAX;
            let place = text.as_ptr().cast();
            let measured =
                ws_data_writer_measure_string(writer.0, place, text.len(), &raw mut size);
            assert_eq!(measured, WS_OK);
            assert_eq!(writer.unstored(), 0, "measuring writes nothing");
            assert_eq!(writer.text(text.as_bytes()), WS_OK);
            assert_eq!(writer.unstored(), size);
            writer.bytes(b"behind it");
            let reader = reader_in(encoding, &writer.detach());
            assert_eq!(read_string(&reader, size / unit_bytes(encoding)).unwrap(), text);
            assert_eq!(reader.detach(), b"behind it");
        }
    }
}

#[test]
fn what_is_no_utf8_is_neither_written_nor_measured_nor_read() {
    let wrong: [&[u8]; 12] = [
        b"\xff",
        b"\x80",
        b"\xc0\x80",         // longer than need be
        b"\xe0\x80\x80",     // likewise
        b"\xf0\x80\x80\x80", // likewise
        b"\xed\xa0\x80",     // a lone surrogate
        b"\xed\xbf\xbf",
        b"\xf4\x90\x80\x80", // beyond U+10FFFF
        b"\xc3",             // cut off
        b"\xe2\x82",
        b"\xf0\x9f\x8e",
        b"a\xc3(",
    ];
    for text in wrong {
        for encoding in ENCODINGS {
            let writer = writer_in(encoding);
            writer.bytes(b"before");
            assert_eq!(writer.text(text), WS_E_NO_UNICODE_TRANSLATION);
            let mut size = 7;
            let place = text.as_ptr().cast();
            let measured =
                ws_data_writer_measure_string(writer.0, place, text.len(), &raw mut size);
            assert_eq!((measured, size), (WS_E_NO_UNICODE_TRANSLATION, 7));
            assert_eq!(writer.detach(), b"before");
        }
        let bytes = [text, b"\x80\x80\x80\x80"].concat();
        let reader = Reader::new(&bytes);
        assert_eq!(read_string(&reader, text.len()), Err(WS_E_NO_UNICODE_TRANSLATION));
        assert_eq!(reader.detach(), bytes);
    }
}

#[test]
fn a_surrogate_without_its_other_half_is_not_read() {
    let (high, low, letter) = ([0xd8, 0x3c], [0xdf, 0xae], [0, b'a']);
    let wrong =
        [&[high][..], &[low], &[high, letter], &[letter, low], &[low, high], &[high, high, low]];
    for units in wrong {
        let big: Vec<u8> = units.concat();
        let little: Vec<u8> = units.iter().flat_map(|[one, two]| [*two, *one]).collect();
        for (encoding, bytes) in
            [(WS_UNICODE_ENCODING_UTF16BE, big), (WS_UNICODE_ENCODING_UTF16LE, little)]
        {
            let reader = reader_in(encoding, &bytes);
            assert_eq!(read_string(&reader, units.len()), Err(WS_E_NO_UNICODE_TRANSLATION));
            assert_eq!(reader.detach(), bytes);
        }
    }
    // Cut in the middle of a pair.
    let reader = reader_in(WS_UNICODE_ENCODING_UTF16BE, &[high, low].concat());
    assert_eq!(read_string(&reader, 1), Err(WS_E_NO_UNICODE_TRANSLATION));
    assert_eq!(read_string(&reader, 2).unwrap(), "🎮");
}

#[test]
fn text_is_read_whole_or_not_at_all() {
    for encoding in ENCODINGS {
        let unit = unit_bytes(encoding);
        for left in 0..=16 {
            for units in 0..=17 {
                let reader = reader_in(encoding, &vec![b'a'; left]);
                match read_string(&reader, units) {
                    Ok(text) => {
                        assert!(units * unit <= left);
                        assert_eq!(text.chars().count(), units);
                    }
                    Err(result) => {
                        assert!(result == WS_E_BOUNDS && units * unit > left, "{units} of {left}");
                    }
                }
            }
            for absurd in [usize::MAX, usize::MAX / 2 + 1, usize::MAX / 2 + 2, 1 << 40] {
                let reader = reader_in(encoding, &vec![b'a'; left]);
                assert_eq!(read_string(&reader, absurd), Err(WS_E_BOUNDS));
            }
        }
    }
}

#[test]
fn a_character_is_not_cut_by_a_count_of_units() {
    let reader = Reader::new("€".as_bytes());
    for units in 1..3 {
        assert_eq!(read_string(&reader, units), Err(WS_E_NO_UNICODE_TRANSLATION));
    }
    assert_eq!(read_string(&reader, 3).unwrap(), "€");
}

#[test]
fn a_text_of_a_megabyte_comes_back() {
    let text = "aé€🎮".repeat(100_000);
    for encoding in ENCODINGS {
        let writer = writer_in(encoding);
        assert_eq!(writer.text(text.as_bytes()), WS_OK);
        let bytes = writer.detach();
        let reader = reader_in(encoding, &bytes);
        assert!(read_string(&reader, bytes.len() / unit_bytes(encoding)).unwrap() == text);
    }
}

#[test]
fn the_length_alone_may_be_left_out() {
    let reader = Reader::new(b"abc");
    let mut text = [0x55 as c_char; 4];
    let place = text.as_mut_ptr();
    assert_eq!(
        ws_data_reader_read_string(reader.0, 3, place, 3, null_mut()),
        WS_E_INSUFFICIENT_BUFFER
    );
    assert_eq!(ws_data_reader_read_string(reader.0, 3, place, 4, null_mut()), WS_OK);
    assert_eq!(text, [b'a', b'b', b'c', 0].map(|byte| byte as c_char));
}
