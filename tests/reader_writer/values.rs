//! Numbers, times, GUIDs and bytes: their extremes against bytes written by hand, and what happens
//! at the end of the data.

use std::fmt::Debug;

use crate::*;

/// What a value is in the big-endian order. The other order is the same from behind.
type Cases<'a, T> = &'a [(T, &'a [u8])];

fn stands_as<T: Copy + Debug + PartialEq>(
    write: extern "C" fn(*mut ws_data_writer, T) -> ws_result,
    read: extern "C" fn(*mut ws_data_reader, *mut T) -> ws_result,
    cases: Cases<'_, T>,
) {
    for order in ORDERS {
        let all = Writer::in_order(order);
        for (value, big_endian) in cases {
            let mut bytes = big_endian.to_vec();
            if order == WS_BYTE_ORDER_LITTLE_ENDIAN {
                bytes.reverse();
            }
            let writer = Writer::in_order(order);
            assert_eq!(write(writer.0, *value), WS_OK);
            assert_eq!(writer.detach(), bytes, "{value:?}");
            assert_eq!(write(all.0, *value), WS_OK);

            let reader = Reader::in_order(&bytes, order);
            let mut back = cases[0].0;
            assert_eq!(read(reader.0, &raw mut back), WS_OK);
            assert_eq!((back, reader.left()), (*value, 0));
        }
        // Behind each other.
        let reader = Reader::in_order(&all.detach(), order);
        for (value, _) in cases {
            let mut back = cases[0].0;
            assert_eq!(read(reader.0, &raw mut back), WS_OK);
            assert_eq!(back, *value);
        }
        ends_at(&reader, cases[0].1.len(), read, cases[0].0);
    }
}

/// With every number of bytes left it is read whole or not at all.
fn ends_at<T: Copy + Debug + PartialEq>(
    empty: &Reader,
    size: usize,
    read: extern "C" fn(*mut ws_data_reader, *mut T) -> ws_result,
    untouched: T,
) {
    let mut value = untouched;
    assert_eq!(read(empty.0, &raw mut value), WS_E_BOUNDS);
    assert!(!last_error_message().is_empty());
    for left in 0..=16 {
        let reader = Reader::new(&vec![0x33; left + 3]);
        assert_eq!(reader.bytes(3).unwrap(), [0x33; 3]);
        let mut value = untouched;
        let result = read(reader.0, &raw mut value);
        if left < size {
            assert_eq!(result, WS_E_BOUNDS, "{left} of {size} bytes");
            assert_eq!((value, reader.left()), (untouched, left), "nothing is consumed");
        } else {
            assert_eq!((result, reader.left()), (WS_OK, left - size));
        }
    }
}

#[test]
fn unsigned_numbers_stand_as_written_by_hand() {
    stands_as(
        ws_data_writer_write_u8,
        ws_data_reader_read_u8,
        &[(0, &[0]), (1, &[1]), (0x80, &[0x80]), (u8::MAX, &[0xff])],
    );
    stands_as(
        ws_data_writer_write_u16,
        ws_data_reader_read_u16,
        &[(0, &[0, 0]), (0x0102, &[1, 2]), (0x8000, &[0x80, 0]), (u16::MAX, &[0xff, 0xff])],
    );
    stands_as(
        ws_data_writer_write_u32,
        ws_data_reader_read_u32,
        &[
            (0, &[0; 4]),
            (0x0102_0304, &[1, 2, 3, 4]),
            (1 << 31, &[0x80, 0, 0, 0]),
            (u32::MAX, &[0xff; 4]),
        ],
    );
    stands_as(
        ws_data_writer_write_u64,
        ws_data_reader_read_u64,
        &[
            (0, &[0; 8]),
            (0x0102_0304_0506_0708, &[1, 2, 3, 4, 5, 6, 7, 8]),
            (1 << 63, &[0x80, 0, 0, 0, 0, 0, 0, 0]),
            (u64::MAX, &[0xff; 8]),
        ],
    );
}

#[test]
fn signed_numbers_stand_as_written_by_hand() {
    stands_as(
        ws_data_writer_write_i8,
        ws_data_reader_read_i8,
        &[(0, &[0]), (-1, &[0xff]), (i8::MIN, &[0x80]), (i8::MAX, &[0x7f])],
    );
    stands_as(
        ws_data_writer_write_i16,
        ws_data_reader_read_i16,
        &[(0, &[0, 0]), (-2, &[0xff, 0xfe]), (i16::MIN, &[0x80, 0]), (i16::MAX, &[0x7f, 0xff])],
    );
    stands_as(
        ws_data_writer_write_i32,
        ws_data_reader_read_i32,
        &[
            (0, &[0; 4]),
            (-2, &[0xff, 0xff, 0xff, 0xfe]),
            (i32::MIN, &[0x80, 0, 0, 0]),
            (i32::MAX, &[0x7f, 0xff, 0xff, 0xff]),
        ],
    );
    let numbers: Cases<'_, i64> = &[
        (0, &[0; 8]),
        (-2, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
        (i64::MIN, &[0x80, 0, 0, 0, 0, 0, 0, 0]),
        (i64::MAX, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ];
    stands_as(ws_data_writer_write_i64, ws_data_reader_read_i64, numbers);
    stands_as(ws_data_writer_write_time_span, ws_data_reader_read_time_span, numbers);
    stands_as(ws_data_writer_write_date_time, ws_data_reader_read_date_time, numbers);
}

#[test]
fn a_date_counts_from_1601_as_in_the_original() {
    // 1970-01-01 00:00 UTC: 134 774 days later, each of 864 000 000 000 units.
    let unix_epoch = 134_774 * 864_000_000_000;
    stands_as(
        ws_data_writer_write_date_time,
        ws_data_reader_read_date_time,
        &[(unix_epoch, &[0x01, 0x9d, 0xb1, 0xde, 0xd5, 0x3e, 0x80, 0x00])],
    );
}

#[test]
fn fractions_stand_as_written_by_hand() {
    stands_as(
        ws_data_writer_write_f32,
        ws_data_reader_read_f32,
        &[
            (0.0, &[0; 4]),
            (-0.0, &[0x80, 0, 0, 0]),
            (1.0, &[0x3f, 0x80, 0, 0]),
            (-2.5, &[0xc0, 0x20, 0, 0]),
            (f32::MAX, &[0x7f, 0x7f, 0xff, 0xff]),
            (f32::from_bits(1), &[0, 0, 0, 1]),
            (f32::INFINITY, &[0x7f, 0x80, 0, 0]),
            (f32::NEG_INFINITY, &[0xff, 0x80, 0, 0]),
        ],
    );
    stands_as(
        ws_data_writer_write_f64,
        ws_data_reader_read_f64,
        &[
            (0.0, &[0; 8]),
            (-0.0, &[0x80, 0, 0, 0, 0, 0, 0, 0]),
            (1.0, &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
            (-2.5, &[0xc0, 0x04, 0, 0, 0, 0, 0, 0]),
            (f64::MAX, &[0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (f64::from_bits(1), &[0, 0, 0, 0, 0, 0, 0, 1]),
            (f64::INFINITY, &[0x7f, 0xf0, 0, 0, 0, 0, 0, 0]),
            (f64::NEG_INFINITY, &[0xff, 0xf0, 0, 0, 0, 0, 0, 0]),
        ],
    );
}

#[test]
fn what_is_no_number_keeps_its_bits() {
    let quiet: [u8; 8] = [0x7f, 0xf8, 0, 0, 0xde, 0xad, 0xbe, 0xef];
    let reader = Reader::new(&quiet);
    let mut value = 0.0f64;
    assert_eq!(ws_data_reader_read_f64(reader.0, &raw mut value), WS_OK);
    assert!(value.is_nan());
    let writer = Writer::new();
    assert_eq!(ws_data_writer_write_f64(writer.0, value), WS_OK);
    assert_eq!(writer.detach(), quiet);
}

#[test]
fn truth_is_a_byte_and_everything_but_zero_is_true() {
    for byte in 0..=u8::MAX {
        let writer = Writer::new();
        assert_eq!(ws_data_writer_write_boolean(writer.0, byte), WS_OK);
        assert_eq!(writer.detach(), [u8::from(byte != 0)]);
        let reader = Reader::new(&[byte]);
        let mut value = 7;
        assert_eq!(ws_data_reader_read_boolean(reader.0, &raw mut value), WS_OK);
        assert_eq!(value, u8::from(byte != 0));
    }
    ends_at(&Reader::new(&[]), 1, ws_data_reader_read_boolean, 7);
}

#[test]
fn a_guid_has_three_numbers_and_eight_bytes_without_an_order() {
    let guid = ws_guid {
        data1: 0x0011_2233,
        data2: 0x4455,
        data3: 0x6677,
        data4: [0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff],
    };
    let tail = [0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    for (order, head) in [
        (WS_BYTE_ORDER_BIG_ENDIAN, [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]),
        (WS_BYTE_ORDER_LITTLE_ENDIAN, [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66]),
    ] {
        let writer = Writer::in_order(order);
        assert_eq!(ws_data_writer_write_guid(writer.0, &raw const guid), WS_OK);
        let bytes = writer.detach();
        assert_eq!(bytes, [head, tail].concat());
        let reader = Reader::in_order(&bytes, order);
        let mut back = ws_guid::default();
        assert_eq!(ws_data_reader_read_guid(reader.0, &raw mut back), WS_OK);
        assert_eq!(back, guid);
        ends_at(&reader, 16, ws_data_reader_read_guid, guid);
    }
}

#[test]
fn bytes_go_through_as_they_are_and_never_past_the_end() {
    let all: Vec<u8> = (0..=255).collect();
    let writer = Writer::in_order(WS_BYTE_ORDER_LITTLE_ENDIAN);
    writer.bytes(&[]);
    assert_eq!(ws_data_writer_write_bytes(writer.0, std::ptr::null(), 0), WS_OK);
    writer.bytes(&all);
    assert_eq!(writer.unstored(), 256);
    let bytes = writer.detach();
    assert_eq!(bytes, all);
    for left in 0..=16 {
        for len in 0..=18 {
            let reader = Reader::new(&all[..left]);
            if len <= left {
                assert_eq!(reader.bytes(len).unwrap(), all[..len]);
                assert_eq!(reader.left(), left - len);
                assert_eq!(reader.detach(), all[len..left]);
            } else {
                assert_eq!(reader.bytes(len), Err(WS_E_BOUNDS));
                let mut part = null_mut();
                let result = ws_data_reader_read_buffer(reader.0, len, &raw mut part);
                assert_eq!((result, part.is_null()), (WS_E_BOUNDS, true));
                assert_eq!(reader.left(), left);
            }
        }
    }
    assert_eq!(ws_data_reader_read_bytes(Reader::new(b"x").0, null_mut(), 0), WS_OK);
}

#[test]
fn the_network_s_order_and_utf8_are_there_from_the_beginning() {
    let writer = Writer::new();
    assert_eq!(ws_data_writer_get_byte_order(writer.0), WS_BYTE_ORDER_BIG_ENDIAN);
    assert_eq!(ws_data_writer_get_unicode_encoding(writer.0), WS_UNICODE_ENCODING_UTF8);
    let reader = Reader::new(&[1, 2]);
    assert_eq!(ws_data_reader_get_byte_order(reader.0), WS_BYTE_ORDER_BIG_ENDIAN);
    assert_eq!(ws_data_reader_get_unicode_encoding(reader.0), WS_UNICODE_ENCODING_UTF8);
    let mut value = 0;
    assert_eq!(ws_data_reader_read_u16(reader.0, &raw mut value), WS_OK);
    assert_eq!(value, 0x0102);
}

#[test]
fn the_order_may_change_between_two_values() {
    let writer = Writer::new();
    for order in [WS_BYTE_ORDER_BIG_ENDIAN, WS_BYTE_ORDER_LITTLE_ENDIAN, WS_BYTE_ORDER_BIG_ENDIAN] {
        assert_eq!(ws_data_writer_set_byte_order(writer.0, order), WS_OK);
        assert_eq!(ws_data_writer_write_u16(writer.0, 0x0102), WS_OK);
    }
    assert_eq!(writer.detach(), [1, 2, 2, 1, 1, 2]);
}
