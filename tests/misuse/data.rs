//! Data writers and data readers: handles that are none, bad arguments, and stores in every state
//! of the socket, from every place.

use std::ptr::{null, null_mut};

use anyws::ffi::data_reader::*;
use anyws::ffi::data_types::*;
use anyws::ffi::data_writer::*;
use anyws::ffi::read_values::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::ws_socket_free;
use anyws::ffi::storing::*;
use anyws::ffi::written_values::*;

use crate::functions::Answers;
use crate::handles::Zoo;
use crate::places::{KINDS, Place};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{STATES, assert_alive, socket_of, subject};

use Answer::{Result as R, Value as V};

type Writer = *mut ws_data_writer;
type Reader = *mut ws_data_reader;
type Call<H> = (&'static str, fn(H) -> Answer);
/// What is wrong, the answer, what the explanation names.
type BadCall<H> = (&'static str, ws_result, &'static str, fn(H) -> Answer);

fn pointer<T>(handle: usize) -> *mut T {
    std::ptr::without_provenance_mut(handle)
}

/// Not NULL, and nothing that may be read.
fn dangling<T>() -> *const T {
    std::ptr::without_provenance(1)
}

/// Calls a function that puts a value somewhere, and sees to it that a failure leaves that alone.
fn put<T: Copy + PartialEq>(untouched: T, call: impl FnOnce(*mut T) -> ws_result) -> Answer {
    let mut value = untouched;
    let result = call(&raw mut value);
    assert!(result == WS_OK || value == untouched, "untouched on failure");
    R(result)
}

fn writer_calls() -> Vec<Call<Writer>> {
    vec![
        ("ws_data_writer_free", |w| R(ws_data_writer_free(w))),
        ("ws_data_writer_set_byte_order", |w| R(ws_data_writer_set_byte_order(w, 1))),
        ("ws_data_writer_get_byte_order", |w| V(ws_data_writer_get_byte_order(w).into())),
        ("ws_data_writer_set_unicode_encoding", |w| R(ws_data_writer_set_unicode_encoding(w, 0))),
        ("ws_data_writer_get_unicode_encoding", |w| {
            V(ws_data_writer_get_unicode_encoding(w).into())
        }),
        ("ws_data_writer_unstored_buffer_length", |w| {
            V(ws_data_writer_unstored_buffer_length(w) as u64)
        }),
        ("ws_data_writer_write_u8", |w| R(ws_data_writer_write_u8(w, 1))),
        ("ws_data_writer_write_u16", |w| R(ws_data_writer_write_u16(w, 1))),
        ("ws_data_writer_write_u32", |w| R(ws_data_writer_write_u32(w, 1))),
        ("ws_data_writer_write_u64", |w| R(ws_data_writer_write_u64(w, 1))),
        ("ws_data_writer_write_i8", |w| R(ws_data_writer_write_i8(w, 1))),
        ("ws_data_writer_write_i16", |w| R(ws_data_writer_write_i16(w, 1))),
        ("ws_data_writer_write_i32", |w| R(ws_data_writer_write_i32(w, 1))),
        ("ws_data_writer_write_i64", |w| R(ws_data_writer_write_i64(w, 1))),
        ("ws_data_writer_write_f32", |w| R(ws_data_writer_write_f32(w, 1.0))),
        ("ws_data_writer_write_f64", |w| R(ws_data_writer_write_f64(w, 1.0))),
        ("ws_data_writer_write_boolean", |w| R(ws_data_writer_write_boolean(w, 1))),
        ("ws_data_writer_write_guid", |w| {
            let guid = ws_guid::default();
            R(ws_data_writer_write_guid(w, &raw const guid))
        }),
        ("ws_data_writer_write_guid: NULL", |w| R(ws_data_writer_write_guid(w, null()))),
        ("ws_data_writer_write_date_time", |w| R(ws_data_writer_write_date_time(w, 1))),
        ("ws_data_writer_write_time_span", |w| R(ws_data_writer_write_time_span(w, 1))),
        ("ws_data_writer_write_bytes", |w| R(ws_data_writer_write_bytes(w, null(), 0))),
        ("ws_data_writer_write_bytes: NULL, 5", |w| R(ws_data_writer_write_bytes(w, null(), 5))),
        ("ws_data_writer_write_string", |w| R(ws_data_writer_write_string(w, null(), 0))),
        ("ws_data_writer_write_string: too long", |w| {
            R(ws_data_writer_write_string(w, dangling(), usize::MAX))
        }),
        ("ws_data_writer_measure_string", |w| {
            put(7, |size| ws_data_writer_measure_string(w, null(), 0, size))
        }),
        ("ws_data_writer_store", |w| put(7, |bytes| ws_data_writer_store(w, bytes))),
        ("ws_data_writer_store_async", |w| {
            put(7, |number| ws_data_writer_store_async(w, None, null_mut(), number))
        }),
        ("ws_data_writer_store_wait", |w| {
            put(7, |bytes| ws_data_writer_store_wait(w, u32::MAX, bytes))
        }),
        ("ws_data_writer_flush", |w| R(ws_data_writer_flush(w))),
        ("ws_data_writer_detach_stream", |w| R(ws_data_writer_detach_stream(w))),
        ("ws_data_writer_detach_buffer", |w| {
            put(7, |length| ws_data_writer_detach_buffer(w, null_mut(), 0, length))
        }),
    ]
}

fn reader_calls() -> Vec<Call<Reader>> {
    vec![
        ("ws_data_reader_free", |r| R(ws_data_reader_free(r))),
        ("ws_data_reader_set_byte_order", |r| R(ws_data_reader_set_byte_order(r, 1))),
        ("ws_data_reader_get_byte_order", |r| V(ws_data_reader_get_byte_order(r).into())),
        ("ws_data_reader_set_unicode_encoding", |r| R(ws_data_reader_set_unicode_encoding(r, 0))),
        ("ws_data_reader_get_unicode_encoding", |r| {
            V(ws_data_reader_get_unicode_encoding(r).into())
        }),
        ("ws_data_reader_unconsumed_length", |r| V(ws_data_reader_unconsumed_length(r) as u64)),
        ("ws_data_reader_read_u8", |r| put(7, |v| ws_data_reader_read_u8(r, v))),
        ("ws_data_reader_read_u8: NULL", |r| R(ws_data_reader_read_u8(r, null_mut()))),
        ("ws_data_reader_read_u16", |r| put(7, |v| ws_data_reader_read_u16(r, v))),
        ("ws_data_reader_read_u32", |r| put(7, |v| ws_data_reader_read_u32(r, v))),
        ("ws_data_reader_read_u64", |r| put(7, |v| ws_data_reader_read_u64(r, v))),
        ("ws_data_reader_read_i8", |r| put(7, |v| ws_data_reader_read_i8(r, v))),
        ("ws_data_reader_read_i16", |r| put(7, |v| ws_data_reader_read_i16(r, v))),
        ("ws_data_reader_read_i32", |r| put(7, |v| ws_data_reader_read_i32(r, v))),
        ("ws_data_reader_read_i64", |r| put(7, |v| ws_data_reader_read_i64(r, v))),
        ("ws_data_reader_read_f32", |r| put(7.0, |v| ws_data_reader_read_f32(r, v))),
        ("ws_data_reader_read_f64", |r| put(7.0, |v| ws_data_reader_read_f64(r, v))),
        ("ws_data_reader_read_boolean", |r| put(7, |v| ws_data_reader_read_boolean(r, v))),
        ("ws_data_reader_read_guid", |r| {
            put(ws_guid::default(), |v| ws_data_reader_read_guid(r, v))
        }),
        ("ws_data_reader_read_date_time", |r| put(7, |v| ws_data_reader_read_date_time(r, v))),
        ("ws_data_reader_read_time_span", |r| put(7, |v| ws_data_reader_read_time_span(r, v))),
        ("ws_data_reader_read_bytes", |r| R(ws_data_reader_read_bytes(r, null_mut(), 0))),
        ("ws_data_reader_read_bytes: NULL, 5", |r| R(ws_data_reader_read_bytes(r, null_mut(), 5))),
        ("ws_data_reader_read_buffer", |r| {
            put(null_mut(), |part| ws_data_reader_read_buffer(r, 1, part))
        }),
        ("ws_data_reader_read_string", |r| {
            put(7, |length| ws_data_reader_read_string(r, 1, null_mut(), 0, length))
        }),
        ("ws_data_reader_detach_buffer", |r| {
            put(7, |length| ws_data_reader_detach_buffer(r, null_mut(), 0, length))
        }),
        ("ws_data_reader_detach_stream", |r| R(ws_data_reader_detach_stream(r))),
    ]
}

const TOO_LONG: usize = isize::MAX as usize + 1;

fn bad_writer_calls() -> Vec<BadCall<Writer>> {
    let (null_, invalid, small) = (WS_E_POINTER, WS_E_INVALIDARG, WS_E_INSUFFICIENT_BUFFER);
    let (no_text, no_stream) = (WS_E_NO_UNICODE_TRANSLATION, WS_E_INVALID_OPERATION);
    vec![
        ("order 2", invalid, "order", |w| R(ws_data_writer_set_byte_order(w, 2))),
        ("order 2^32-1", invalid, "order", |w| R(ws_data_writer_set_byte_order(w, u32::MAX))),
        ("encoding 3", invalid, "encoding", |w| R(ws_data_writer_set_unicode_encoding(w, 3))),
        ("encoding 2^32-1", invalid, "encoding", |w| {
            R(ws_data_writer_set_unicode_encoding(w, u32::MAX))
        }),
        ("guid: NULL", null_, "guid", |w| R(ws_data_writer_write_guid(w, null()))),
        ("bytes: NULL, 5", null_, "data", |w| R(ws_data_writer_write_bytes(w, null(), 5))),
        ("bytes: too long", invalid, "len", |w| {
            R(ws_data_writer_write_bytes(w, dangling(), TOO_LONG))
        }),
        ("bytes: NULL, SIZE_MAX", invalid, "len", |w| {
            R(ws_data_writer_write_bytes(w, null(), usize::MAX))
        }),
        ("string: NULL, 5", null_, "text", |w| R(ws_data_writer_write_string(w, null(), 5))),
        ("string: too long", invalid, "len", |w| {
            R(ws_data_writer_write_string(w, dangling(), TOO_LONG))
        }),
        ("string: not UTF-8", no_text, "text", |w| {
            R(ws_data_writer_write_string(w, b"\xed\xa0\x80".as_ptr().cast(), 3))
        }),
        ("measure: NULL, 5", null_, "text", |w| {
            put(7, |size| ws_data_writer_measure_string(w, null(), 5, size))
        }),
        ("measure: too long", invalid, "len", |w| {
            put(7, |size| ws_data_writer_measure_string(w, dangling(), usize::MAX, size))
        }),
        ("measure: not UTF-8", no_text, "text", |w| {
            put(7, |size| ws_data_writer_measure_string(w, b"\xff".as_ptr().cast(), 1, size))
        }),
        ("measure: length NULL", null_, "length", |w| {
            R(ws_data_writer_measure_string(w, null(), 0, null_mut()))
        }),
        ("store", no_stream, "socket", |w| put(7, |bytes| ws_data_writer_store(w, bytes))),
        ("store_async", no_stream, "socket", |w| {
            put(7, |number| ws_data_writer_store_async(w, None, null_mut(), number))
        }),
        ("flush", no_stream, "socket", |w| R(ws_data_writer_flush(w))),
        ("detach_buffer: NULL, 0, NULL", null_, "buf", |w| {
            R(ws_data_writer_detach_buffer(w, null_mut(), 0, null_mut()))
        }),
        ("detach_buffer: NULL, 8", null_, "buf", |w| {
            let mut length = 7;
            R(ws_data_writer_detach_buffer(w, null_mut(), 8, &raw mut length))
        }),
        ("detach_buffer: capacity 2", small, "capacity", |w| {
            let mut bytes = [7u8; 2];
            let result = ws_data_writer_detach_buffer(w, bytes.as_mut_ptr().cast(), 2, null_mut());
            assert_eq!(bytes, [7; 2]);
            R(result)
        }),
    ]
}

fn bad_reader_calls() -> Vec<BadCall<Reader>> {
    let (null_, invalid, small) = (WS_E_POINTER, WS_E_INVALIDARG, WS_E_INSUFFICIENT_BUFFER);
    let end = WS_E_BOUNDS;
    vec![
        ("order 2", invalid, "order", |r| R(ws_data_reader_set_byte_order(r, 2))),
        ("encoding 3", invalid, "encoding", |r| R(ws_data_reader_set_unicode_encoding(r, 3))),
        ("u8: NULL", null_, "value", |r| R(ws_data_reader_read_u8(r, null_mut()))),
        ("u16: NULL", null_, "value", |r| R(ws_data_reader_read_u16(r, null_mut()))),
        ("u32: NULL", null_, "value", |r| R(ws_data_reader_read_u32(r, null_mut()))),
        ("u64: NULL", null_, "value", |r| R(ws_data_reader_read_u64(r, null_mut()))),
        ("i8: NULL", null_, "value", |r| R(ws_data_reader_read_i8(r, null_mut()))),
        ("i16: NULL", null_, "value", |r| R(ws_data_reader_read_i16(r, null_mut()))),
        ("i32: NULL", null_, "value", |r| R(ws_data_reader_read_i32(r, null_mut()))),
        ("i64: NULL", null_, "value", |r| R(ws_data_reader_read_i64(r, null_mut()))),
        ("f32: NULL", null_, "value", |r| R(ws_data_reader_read_f32(r, null_mut()))),
        ("f64: NULL", null_, "value", |r| R(ws_data_reader_read_f64(r, null_mut()))),
        ("boolean: NULL", null_, "value", |r| R(ws_data_reader_read_boolean(r, null_mut()))),
        ("guid: NULL", null_, "guid", |r| R(ws_data_reader_read_guid(r, null_mut()))),
        ("guid", end, "bytes", |r| put(ws_guid::default(), |v| ws_data_reader_read_guid(r, v))),
        ("date_time: NULL", null_, "universal_time_100ns", |r| {
            R(ws_data_reader_read_date_time(r, null_mut()))
        }),
        ("time_span: NULL", null_, "duration_100ns", |r| {
            R(ws_data_reader_read_time_span(r, null_mut()))
        }),
        ("bytes: NULL, 5", null_, "data", |r| R(ws_data_reader_read_bytes(r, null_mut(), 5))),
        ("bytes: too long", invalid, "len", |r| {
            R(ws_data_reader_read_bytes(r, dangling::<u8>().cast_mut().cast(), TOO_LONG))
        }),
        ("bytes: PTRDIFF_MAX", end, "bytes", |r| {
            R(ws_data_reader_read_bytes(r, dangling::<u8>().cast_mut().cast(), TOO_LONG - 1))
        }),
        ("bytes: 11", end, "bytes", |r| {
            let mut bytes = [7u8; 11];
            let result = ws_data_reader_read_bytes(r, bytes.as_mut_ptr().cast(), 11);
            assert_eq!(bytes, [7; 11]);
            R(result)
        }),
        ("buffer: NULL", null_, "buffer", |r| R(ws_data_reader_read_buffer(r, 1, null_mut()))),
        ("buffer: SIZE_MAX", end, "bytes", |r| {
            put(null_mut(), |part| ws_data_reader_read_buffer(r, usize::MAX, part))
        }),
        ("string: NULL, 0, NULL", null_, "buf", |r| {
            R(ws_data_reader_read_string(r, 1, null_mut(), 0, null_mut()))
        }),
        ("string: capacity 3", small, "capacity", |r| {
            let mut text = [7; 3];
            let place = text.as_mut_ptr();
            let result = ws_data_reader_read_string(r, 3, place.cast(), 3, null_mut());
            assert_eq!(text, [7u8; 3]);
            R(result)
        }),
        ("string: SIZE_MAX", end, "bytes", |r| {
            put(7, |length| ws_data_reader_read_string(r, usize::MAX, null_mut(), 0, length))
        }),
        ("detach_buffer: NULL, 0, NULL", null_, "buf", |r| {
            R(ws_data_reader_detach_buffer(r, null_mut(), 0, null_mut()))
        }),
        ("detach_buffer: capacity 9", small, "capacity", |r| {
            let mut bytes = [7u8; 9];
            let result = ws_data_reader_detach_buffer(r, bytes.as_mut_ptr().cast(), 9, null_mut());
            assert_eq!(bytes, [7; 9]);
            R(result)
        }),
    ]
}

/// What a call answers for a value that is no handle of its kind.
fn expected(name: &str, handle: usize, answer: Answer) -> Answer {
    match answer {
        V(_) => V(0),
        R(_) if handle == 0 && name.ends_with("_free") => R(WS_OK),
        R(_) => R(WS_E_HANDLE),
    }
}

#[test]
fn a_value_that_is_no_writer_or_no_reader_is_refused_from_every_place() {
    let zoo = Zoo::new();
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let (mut no_writers, mut no_readers) =
            (zoo.strangers(zoo.writer), zoo.strangers(zoo.reader));
        no_writers.push(("NULL".to_owned(), 0));
        no_readers.push(("NULL".to_owned(), 0));
        sheet.add(Place::new(kind).run(move || {
            let mut sheet = Sheet::default();
            for (name, call) in writer_calls() {
                for (value, handle) in &no_writers {
                    let what = format_args!("{name}: {value}, {kind:?}");
                    let expected = expected(name, *handle, call(null_mut()));
                    sheet.cell(&what, expected, "writer", &mut || call(pointer(*handle)));
                }
            }
            for (name, call) in reader_calls() {
                for (value, handle) in &no_readers {
                    let what = format_args!("{name}: {value}, {kind:?}");
                    let expected = expected(name, *handle, call(null_mut()));
                    sheet.cell(&what, expected, "reader", &mut || call(pointer(*handle)));
                }
            }
            sheet
        }));
    }
    assert_alive();
    sheet.pass(15_000);
    assert_eq!(ws_data_reader_unconsumed_length(pointer(zoo.reader)), 10);
}

#[test]
fn every_bad_argument_of_a_writer_or_a_reader_is_refused_and_changes_nothing() {
    let mut sheet = Sheet::default();
    for kind in KINDS {
        sheet.add(Place::new(kind).run(move || {
            let mut sheet = Sheet::default();
            let writer = ws_data_writer_new(null_mut());
            assert_eq!(ws_data_writer_write_bytes(writer, b"abc".as_ptr().cast(), 3), WS_OK);
            for (name, answer, word, call) in bad_writer_calls() {
                let what = format_args!("{name}, {kind:?}");
                sheet.cell(&what, R(answer), word, &mut || call(writer));
                assert_eq!(ws_data_writer_unstored_buffer_length(writer), 3, "{name}");
            }
            let reader = ws_data_reader_new(b"0123456789".as_ptr().cast(), 10);
            for (name, answer, word, call) in bad_reader_calls() {
                let what = format_args!("{name}, {kind:?}");
                sheet.cell(&what, R(answer), word, &mut || call(reader));
                assert_eq!(ws_data_reader_unconsumed_length(reader), 10, "{name}");
            }
            assert_eq!(ws_data_writer_get_byte_order(writer), WS_BYTE_ORDER_BIG_ENDIAN);
            assert_eq!(ws_data_reader_get_unicode_encoding(reader), WS_UNICODE_ENCODING_UTF8);
            assert_eq!((ws_data_writer_free(writer), ws_data_reader_free(reader)), (WS_OK, WS_OK));
            sheet
        }));
    }
    assert_alive();
    sheet.pass(250);
}

const ILLEGAL: ws_result = WS_E_ILLEGAL_METHOD_CALL;
const WHILE_OPEN: Answers = [ILLEGAL, ILLEGAL, WS_OK, WS_E_CLOSED, WS_E_CLOSED];
const REENTRANT: Answers = [WS_E_REENTRANT; 5];

/// What they answer elsewhere, and on the I/O thread.
fn stores() -> Vec<(Call<Writer>, [Answers; 2])> {
    vec![
        (("store", |w| put(7, |bytes| ws_data_writer_store(w, bytes))), [WHILE_OPEN; 2]),
        (("store: NULL", |w| R(ws_data_writer_store(w, null_mut()))), [WHILE_OPEN; 2]),
        (
            ("store_async: NULL", |w| {
                R(ws_data_writer_store_async(w, None, null_mut(), null_mut()))
            }),
            [WHILE_OPEN; 2],
        ),
        (
            ("store_wait", |w| put(7, |bytes| ws_data_writer_store_wait(w, 30_000, bytes))),
            [WHILE_OPEN, REENTRANT],
        ),
        (("flush", |w| R(ws_data_writer_flush(w))), [WHILE_OPEN; 2]),
        (("detach_stream", |w| R(ws_data_writer_detach_stream(w))), [[WS_OK; 5]; 2]),
        (("free", |w| R(ws_data_writer_free(w))), [[WS_OK; 5]; 2]),
    ]
}

#[test]
fn a_store_answers_for_the_state_of_its_socket_and_the_place_it_is_called_from() {
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        let on_io = usize::from(place.is_on_io_thread());
        for (number, state) in STATES.into_iter().enumerate() {
            for ((name, call), answers) in stores() {
                let socket = subject(state);
                sheet.add(place.run(move || {
                    let mut sheet = Sheet::default();
                    let writer = ws_data_writer_new(socket_of(socket));
                    assert_eq!(ws_data_writer_write_u32(writer, 1), WS_OK);
                    let what = format_args!("{name} in state {state}, {kind:?}");
                    sheet.cell(&what, R(answers[on_io][number]), "", &mut || call(writer));
                    ws_data_writer_free(writer);
                    sheet
                }));
                assert_eq!(ws_socket_free(socket_of(socket)), WS_OK);
            }
        }
    }
    assert_alive();
    sheet.pass(200);
}
