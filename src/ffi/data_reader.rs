//! Data readers: values out of bytes, those of a message or others.
//!
//! The original's DataReader: its life, and what it reads from. How bytes are read is known in
//! `base`; what may be read is the next chapter.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};

use crate::base::byte_reader::ByteReader;
use crate::base::lock::lock;

use super::data_types::*;
use super::data_writer::NO_MEMORY;
use super::guard::{Failure, checked, guard, plain, watch_forks};
use super::message;
use super::pointer;
use super::result::*;
use super::ticket::{Reference, Table};
use super::types::*;

pub static READERS: Table<Mutex<ByteReader>> = Table::new(4);

pub fn find_reader(reader: *mut ws_data_reader) -> Result<Reference<Mutex<ByteReader>>, Failure> {
    READERS.find(reader.addr()).ok_or(NOT_A_READER)
}

const NOT_A_READER: Failure =
    Failure::Plain(WS_E_HANDLE, c"reader is not the handle of a live data reader");

pub fn insert(reader: ByteReader) -> Result<*mut ws_data_reader, Failure> {
    match READERS.insert(|_| Mutex::new(reader)) {
        Some(handle) => Ok(std::ptr::without_provenance_mut(handle)),
        None => plain(WS_E_OUTOFMEMORY, c"no handle is left"),
    }
}

/// Makes a data reader over a copy of bytes.
///
/// NULL means failure, about which ws_last_error_message tells: data is NULL and len is not 0, len
/// is larger than PTRDIFF_MAX, or no memory or handle is left.
///
/// @param[in] data  copied; may be NULL if len is 0.
/// @param[in] len  size of data in bytes.
/// @ownership  The reader is yours until ws_data_reader_free or ws_shutdown. The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_new(data: *const c_void, len: usize) -> *mut ws_data_reader {
    let mut made: *mut ws_data_reader = std::ptr::null_mut();
    let _ = checked(|| {
        watch_forks();
        let data = pointer::bytes(data, len)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(data.len()).map_err(|_| NO_MEMORY)?;
        bytes.extend_from_slice(data);
        made = insert(ByteReader::new(Arc::new(bytes), len))?;
        Ok(())
    });
    made
}

/// Makes a data reader over a message: the original's GetDataReader.
///
/// The reader keeps the bytes, without copying them where ws_message_retain copies nothing, and so
/// outlives message, socket and queue. Several readers of one message know nothing of each other.
/// NULL means failure, about which ws_last_error_message tells: message is NULL, or no handle is
/// left.
///
/// @param[in] message  one that is borrowed or retained at this moment.
/// @ownership  The reader is yours until ws_data_reader_free or ws_shutdown. What you hold of the
///     message stays yours.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_from_message(message: *const ws_message) -> *mut ws_data_reader {
    let mut made: *mut ws_data_reader = std::ptr::null_mut();
    let _ = checked(|| {
        watch_forks();
        let Some((bytes, len)) = message::shared_bytes(message) else {
            return plain(WS_E_POINTER, c"message is NULL");
        };
        made = insert(ByteReader::new(bytes, len))?;
        Ok(())
    });
    made
}

/// Ends a data reader.
///
/// @param[in] reader  the handle is stale as soon as the call begins. NULL is WS_OK and does
///     nothing.
/// @return WS_OK  it is freed.
/// @return WS_E_HANDLE  reader is not a live data reader: invented, or freed before.
/// @ownership  What it kept of a message is let go. Readers that came out of it stay.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_free(reader: *mut ws_data_reader) -> ws_result {
    checked(|| {
        if !reader.is_null() {
            READERS.remove(reader.addr()).ok_or(NOT_A_READER)?;
        }
        Ok(())
    })
}

/// Sets the order in which the bytes of numbers stand in what is read from now on.
///
/// Without it the order is WS_BYTE_ORDER_BIG_ENDIAN.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[in] order  WS_BYTE_ORDER_LITTLE_ENDIAN or WS_BYTE_ORDER_BIG_ENDIAN.
/// @return WS_OK  it is set.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_INVALIDARG  order is none of WS_BYTE_ORDER_….
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_set_byte_order(
    reader: *mut ws_data_reader,
    order: ws_byte_order,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        lock(&reader).order = order_of(order)?;
        Ok(())
    })
}

/// Answers the order in which the bytes of numbers are read; 0 for what is no live data reader.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_get_byte_order(reader: *mut ws_data_reader) -> ws_byte_order {
    guard(0, || find_reader(reader).map_or(0, |reader| order_number(lock(&reader).order)))
}

/// Sets the encoding of the text that is read from now on.
///
/// Without it the encoding is WS_UNICODE_ENCODING_UTF8.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[in] encoding  one of WS_UNICODE_ENCODING_….
/// @return WS_OK  it is set.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_INVALIDARG  encoding is none of WS_UNICODE_ENCODING_….
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_set_unicode_encoding(
    reader: *mut ws_data_reader,
    encoding: ws_unicode_encoding,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        lock(&reader).encoding = encoding_of(encoding)?;
        Ok(())
    })
}

/// Answers the encoding in which text is read; 0 for what is no live data reader.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_get_unicode_encoding(
    reader: *mut ws_data_reader,
) -> ws_unicode_encoding {
    guard(0, || find_reader(reader).map_or(0, |reader| encoding_number(lock(&reader).encoding)))
}

/// Answers how many bytes are left to be read; 0 for what is no live data reader.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_unconsumed_length(reader: *mut ws_data_reader) -> usize {
    guard(0, || find_reader(reader).map_or(0, |reader| lock(&reader).left()))
}

/// Takes the bytes that were not read out of the reader, by copying them to you.
///
/// Nothing is left to be read afterwards. Asking for the length, and failing, takes nothing out.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @param[out] buf  gets the bytes; NULL with a capacity of 0 to ask for the length alone.
/// @param[in] capacity  the size of buf in bytes.
/// @param[out] length  how many bytes there are, also when capacity is too small; may be NULL when
///     buf is not.
/// @return WS_OK  buf is filled and nothing is left; or, without buf, length is.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is less than length; buf is untouched.
/// @ownership  The caller owns buf and length. What the reader kept of a message is let go.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_detach_buffer(
    reader: *mut ws_data_reader,
    buf: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        let mut reader = lock(&reader);
        pointer::write_bytes(buf, capacity, length, reader.rest())?;
        if !buf.is_null() {
            reader.clear();
        }
        Ok(())
    })
}

/// Lets go of what the reader reads from, such as a message, before the reader is freed.
///
/// Nothing is left to be read afterwards. Readers that came out of it stay as they are.
///
/// @param[in] reader  from ws_data_reader_new or ws_data_reader_from_message.
/// @return WS_OK  the reader keeps nothing any more.
/// @return WS_E_HANDLE  reader is not a live data reader.
/// @ownership  What you hold of the message stays yours.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_reader_detach_stream(reader: *mut ws_data_reader) -> ws_result {
    checked(|| {
        let reader = find_reader(reader)?;
        lock(&reader).clear();
        Ok(())
    })
}
