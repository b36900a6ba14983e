//! Written values: numbers, times, bytes and text, put into a data writer.
//!
//! Each is written whole or not at all, behind what was written before it. How they stand in the
//! bytes is known in `base`.

use std::collections::TryReserveError;
use std::ffi::{c_char, c_void};

use crate::base::byte_writer::ByteWriter;
use crate::base::lock::lock;
use crate::client::Misuse;

use super::data_types::*;
use super::data_writer::{NO_MEMORY, find_writer};
use super::guard::{Failure, checked, plain};
use super::pointer;
use super::result::*;

#[inline]
fn write(
    writer: *mut ws_data_writer,
    value: impl FnOnce(&mut ByteWriter) -> Result<(), TryReserveError>,
) -> Result<(), Failure> {
    let writer = find_writer(writer)?;
    value(&mut lock(&writer).bytes).map_err(|_| NO_MEMORY)
}

/// A text of the caller that must be UTF-8.
fn utf8<'a>(text: *const c_char, len: usize) -> Result<&'a str, Failure> {
    let bytes = pointer::text_bytes(text, len)?;
    std::str::from_utf8(bytes).map_err(|_| Misuse::TextNotUtf8.into())
}

/// Writes an unsigned number of 8 bits: 1 byte.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_u8(writer: *mut ws_data_writer, value: u8) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes an unsigned number of 16 bits: 2 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_u16(writer: *mut ws_data_writer, value: u16) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes an unsigned number of 32 bits: 4 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_u32(writer: *mut ws_data_writer, value: u32) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes an unsigned number of 64 bits: 8 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_u64(writer: *mut ws_data_writer, value: u64) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a signed number of 8 bits: 1 byte.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_i8(writer: *mut ws_data_writer, value: i8) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a signed number of 16 bits: 2 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_i16(writer: *mut ws_data_writer, value: i16) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a signed number of 32 bits: 4 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_i32(writer: *mut ws_data_writer, value: i32) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a signed number of 64 bits: 8 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_i64(writer: *mut ws_data_writer, value: i64) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a number of IEEE 754 in 32 bits: 4 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_f32(writer: *mut ws_data_writer, value: f32) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a number of IEEE 754 in 64 bits: 8 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  the number.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_f64(writer: *mut ws_data_writer, value: f64) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(value.to_be_bytes())))
}

/// Writes a truth value: 1 byte, which is 0 or 1.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] value  0 for false, anything else for true.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_boolean(
    writer: *mut ws_data_writer,
    value: u8,
) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number([u8::from(value != 0)])))
}

/// Writes a GUID: 16 bytes, of which the first 4, the next 2 and the next 2 stand in the
/// writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] guid  borrowed for the call.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_POINTER  guid is NULL.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  The caller keeps guid.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_guid(
    writer: *mut ws_data_writer,
    guid: *const ws_guid,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        let guid = pointer::read(guid, c"guid is NULL")?;
        let bytes = &mut lock(&writer).bytes;
        bytes.guid(guid.data1, [guid.data2, guid.data3], guid.data4).map_err(|_| NO_MEMORY)
    })
}

/// Writes a point in time: 8 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] universal_time_100ns  in units of 100 nanoseconds since 1601-01-01 00:00 UTC, as in
///     the original's DateTime and in FILETIME; before that it is negative.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_date_time(
    writer: *mut ws_data_writer,
    universal_time_100ns: i64,
) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(universal_time_100ns.to_be_bytes())))
}

/// Writes a span of time: 8 bytes in the writer's byte order.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] duration_100ns  in units of 100 nanoseconds; may be negative.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_time_span(
    writer: *mut ws_data_writer,
    duration_100ns: i64,
) -> ws_result {
    checked(|| write(writer, |bytes| bytes.number(duration_100ns.to_be_bytes())))
}

/// Writes bytes as they are. Their number is not written.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_bytes(
    writer: *mut ws_data_writer,
    data: *const c_void,
    len: usize,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        let data = pointer::bytes(data, len)?;
        lock(&writer).bytes.bytes(data).map_err(|_| NO_MEMORY)
    })
}

/// Writes text in the writer's encoding.
///
/// Neither its length, nor a NUL, nor a byte order mark is written: a reader must know where it
/// ends. ws_data_writer_measure_string tells the length beforehand.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] text  UTF-8, borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of text in bytes; it may hold NULs.
/// @return WS_OK  it is written.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_POINTER  text is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_NO_UNICODE_TRANSLATION  text is not UTF-8; nothing was written.
/// @return WS_E_OUTOFMEMORY  memory ran out; nothing was written.
/// @ownership  The caller keeps text.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_write_string(
    writer: *mut ws_data_writer,
    text: *const c_char,
    len: usize,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        let text = utf8(text, len)?;
        lock(&writer).bytes.text(text).map_err(|_| NO_MEMORY)
    })
}

/// Tells how many bytes a text becomes in the writer's encoding.
///
/// Divided by the size of a code unit, 1 for UTF-8 and 2 for UTF-16, it is what
/// ws_data_reader_read_string wants to know.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] text  UTF-8, borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of text in bytes.
/// @param[out] length  the size in bytes; untouched on failure.
/// @return WS_OK  length is filled.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_POINTER  text is NULL and len is not 0, or length is NULL.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_NO_UNICODE_TRANSLATION  text is not UTF-8.
/// @ownership  The caller keeps text and owns length.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_measure_string(
    writer: *mut ws_data_writer,
    text: *const c_char,
    len: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        if length.is_null() {
            return plain(WS_E_POINTER, c"length is NULL");
        }
        let text = utf8(text, len)?;
        let encoding = lock(&writer).bytes.encoding;
        pointer::write(length, encoding.encoded_len(text), c"length is NULL")
    })
}
