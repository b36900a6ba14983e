//! Read values: numbers, times, bytes and text, taken out of a data reader.
//!
//! Each is read whole or not at all, and what is read is consumed. How they stand in the bytes is
//! known in `base`.

use std::ffi::{CStr, c_char, c_void};

use crate::base::byte_reader::{PastEnd, ReadFault};
use crate::base::lock::lock;
use crate::base::unicode::TextFault;

use super::data_reader::{find_reader, insert};
use super::data_types::*;
use super::data_writer::NO_MEMORY;
use super::guard::{Failure, checked, plain};
use super::pointer;
use super::result::*;

const PAST_END: Failure = Failure::Plain(WS_E_BOUNDS, c"the reader has fewer bytes left than that");

const NO_VALUE: &CStr = c"value is NULL";

impl From<PastEnd> for Failure {
    fn from(_: PastEnd) -> Failure {
        PAST_END
    }
}

impl From<ReadFault> for Failure {
    fn from(fault: ReadFault) -> Failure {
        match fault {
            ReadFault::PastEnd => PAST_END,
            ReadFault::Text(TextFault::Malformed) => Failure::Plain(
                WS_E_NO_UNICODE_TRANSLATION,
                c"what the reader holds is no text in its encoding",
            ),
            ReadFault::Text(TextFault::OutOfMemory) => NO_MEMORY,
        }
    }
}

#[inline]
fn read<T, const N: usize>(
    reader: *mut ws_data_reader,
    value: *mut T,
    null: &'static CStr,
    from_big_endian: fn([u8; N]) -> T,
) -> Result<(), Failure> {
    let reader = find_reader(reader)?;
    if value.is_null() {
        return plain(WS_E_POINTER, null);
    }
    let number = lock(&reader).number()?;
    pointer::write(value, from_big_endian(number), null)
}

/// Reads an unsigned number of 8 bits: 1 byte.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_u8(reader: *mut ws_data_reader, value: *mut u8) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, u8::from_be_bytes))
}

/// Reads an unsigned number of 16 bits: 2 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_u16(
    reader: *mut ws_data_reader,
    value: *mut u16,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, u16::from_be_bytes))
}

/// Reads an unsigned number of 32 bits: 4 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_u32(
    reader: *mut ws_data_reader,
    value: *mut u32,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, u32::from_be_bytes))
}

/// Reads an unsigned number of 64 bits: 8 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_u64(
    reader: *mut ws_data_reader,
    value: *mut u64,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, u64::from_be_bytes))
}

/// Reads a signed number of 8 bits: 1 byte.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_i8(reader: *mut ws_data_reader, value: *mut i8) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, i8::from_be_bytes))
}

/// Reads a signed number of 16 bits: 2 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_i16(
    reader: *mut ws_data_reader,
    value: *mut i16,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, i16::from_be_bytes))
}

/// Reads a signed number of 32 bits: 4 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_i32(
    reader: *mut ws_data_reader,
    value: *mut i32,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, i32::from_be_bytes))
}

/// Reads a signed number of 64 bits: 8 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_i64(
    reader: *mut ws_data_reader,
    value: *mut i64,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, i64::from_be_bytes))
}

/// Reads a number of IEEE 754 in 32 bits: 4 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_f32(
    reader: *mut ws_data_reader,
    value: *mut f32,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, f32::from_be_bytes))
}

/// Reads a number of IEEE 754 in 64 bits: 8 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  the number; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_f64(
    reader: *mut ws_data_reader,
    value: *mut f64,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, f64::from_be_bytes))
}

/// Reads a truth value: 1 byte, of which every value but 0 is true.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] value  0 or 1; untouched on failure.
/// @return WS_OK  value is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  value is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns value.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_boolean(
    reader: *mut ws_data_reader,
    value: *mut u8,
) -> ws_result {
    checked(|| read(reader, value, NO_VALUE, |[byte]| u8::from(byte != 0)))
}

/// Reads a GUID: 16 bytes, of which the first 4, the next 2 and the next 2 stand in the reader's
/// byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] guid  untouched on failure.
/// @return WS_OK  guid is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  guid is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns guid.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_guid(
    reader: *mut ws_data_reader,
    guid: *mut ws_guid,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        if guid.is_null() {
            return plain(WS_E_POINTER, c"guid is NULL");
        }
        let (data1, [data2, data3], data4) = lock(&reader).guid()?;
        pointer::write(guid, ws_guid { data1, data2, data3, data4 }, c"guid is NULL")
    })
}

/// Reads a point in time: 8 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] universal_time_100ns  in units of 100 nanoseconds since 1601-01-01 00:00 UTC, as in
///     the original's DateTime and in FILETIME; untouched on failure.
/// @return WS_OK  universal_time_100ns is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  universal_time_100ns is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns universal_time_100ns.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_date_time(
    reader: *mut ws_data_reader,
    universal_time_100ns: *mut i64,
) -> ws_result {
    checked(|| {
        read(reader, universal_time_100ns, c"universal_time_100ns is NULL", i64::from_be_bytes)
    })
}

/// Reads a span of time: 8 bytes in the reader's byte order.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] duration_100ns  in units of 100 nanoseconds; untouched on failure.
/// @return WS_OK  duration_100ns is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  duration_100ns is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns duration_100ns.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_time_span(
    reader: *mut ws_data_reader,
    duration_100ns: *mut i64,
) -> ws_result {
    checked(|| read(reader, duration_100ns, c"duration_100ns is NULL", i64::from_be_bytes))
}

/// Reads bytes as they are.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] data  gets len bytes; may be NULL if len is 0. Untouched on failure.
/// @param[in] len  how many bytes to read.
/// @return WS_OK  data is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @ownership  The caller owns data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_bytes(
    reader: *mut ws_data_reader,
    data: *mut c_void,
    len: usize,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        if len > isize::MAX as usize {
            return plain(WS_E_INVALIDARG, c"len is larger than PTRDIFF_MAX");
        }
        if data.is_null() && len > 0 {
            return plain(WS_E_POINTER, c"data is NULL and len is not 0");
        }
        let mut reader = lock(&reader);
        let bytes = reader.peek(len)?;
        if len > 0 {
            pointer::write_bytes(data, len, std::ptr::null_mut(), bytes)?;
        }
        reader.consume(len);
        Ok(())
    })
}

/// Reads bytes into a data reader of their own, without copying them.
///
/// It begins with the byte order and the encoding of the one that it came out of, and needs it no
/// more.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[in] len  how many bytes to read.
/// @param[out] buffer  the new reader; untouched on failure.
/// @return WS_OK  buffer is filled.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  buffer is NULL.
/// @return WS_E_BOUNDS  fewer bytes are left; nothing was consumed.
/// @return WS_E_OUTOFMEMORY  no handle is left; nothing was consumed.
/// @ownership  buffer is yours until ws_data_reader_free or ws_shutdown.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_buffer(
    reader: *mut ws_data_reader,
    len: usize,
    buffer: *mut *mut ws_data_reader,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        if buffer.is_null() {
            return plain(WS_E_POINTER, c"buffer is NULL");
        }
        let mut reader = lock(&reader);
        let part = insert(reader.part(len)?)?;
        reader.consume(len);
        pointer::write(buffer, part, c"buffer is NULL")
    })
}

/// Reads text in the reader's encoding, and gives it as UTF-8 that ends in NUL.
///
/// Nothing is replaced or left out: a byte order mark is a character like any other, and so is
/// NUL. Asking for the length, and failing, consumes nothing.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[in] code_units  how many code units to read: bytes in UTF-8, pairs of bytes in UTF-16.
/// @param[out] buf  gets the text and its NUL; NULL with a capacity of 0 to ask for the length
///     alone.
/// @param[in] capacity  the size of buf in bytes.
/// @param[out] length  the length of the text in bytes of UTF-8 without its NUL, also when capacity
///     is too small; may be NULL when buf is not.
/// @return WS_OK  buf is filled and the text consumed; or, without buf, length is.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_BOUNDS  fewer code units are left; nothing was consumed.
/// @return WS_E_NO_UNICODE_TRANSLATION  it is not UTF-8, or has a surrogate without its other half;
///     nothing was consumed.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is not larger than length; buf is untouched.
/// @return WS_E_OUTOFMEMORY  memory ran out.
/// @ownership  The caller owns buf and length.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_read_string(
    reader: *mut ws_data_reader,
    code_units: usize,
    buf: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        let mut reader = lock(&reader);
        let (text, size) = reader.peek_text(code_units)?;
        pointer::write_text(buf, capacity, length, text.as_bytes())?;
        drop(text);
        if !buf.is_null() {
            reader.consume(size);
        }
        Ok(())
    })
}
