//! Data writers: values become bytes, and the bytes a message.
//!
//! The original's DataWriter: its life, and who owns which output. How bytes are written is known
//! in `base`; what may be written, and what becomes of it, are the next chapters.

use std::sync::{Mutex, Weak};

use crate::base::byte_writer::ByteWriter;
use crate::base::lock::lock;

use super::data_types::*;
use super::entry::{SocketRef, find_socket};
use super::guard::{Failure, checked, guard, plain, watch_forks};
use super::result::*;
use super::ticket::{Reference, Table};
use super::types::*;

pub static WRITERS: Table<Mutex<Writer>> = Table::new(5);

/// What stands behind a writer's handle.
#[derive(Default)]
pub struct Writer {
    pub bytes: ByteWriter,
    /// The handle of the socket whose output it owns; that may have been freed since.
    pub output: Option<usize>,
    /// Alive while a store is under way.
    pub under_way: Weak<()>,
}

pub fn find_writer(writer: *mut ws_data_writer) -> Result<Reference<Mutex<Writer>>, Failure> {
    let found = WRITERS.find(writer.addr());
    found.ok_or(NOT_A_WRITER)
}

const NOT_A_WRITER: Failure =
    Failure::Plain(WS_E_HANDLE, c"writer is not the handle of a live data writer");
pub const NO_OUTPUT: Failure =
    Failure::Plain(WS_E_INVALID_OPERATION, c"writer has no socket, or was detached from it");
const OUTPUT_FREED: Failure = Failure::Plain(WS_E_CLOSED, c"the socket of the writer was freed");
pub const NO_MEMORY: Failure = Failure::Plain(WS_E_OUTOFMEMORY, c"memory ran out");

pub fn find_output(handle: usize) -> Result<SocketRef, Failure> {
    find_socket(std::ptr::without_provenance_mut(handle)).map_err(|_| OUTPUT_FREED)
}

/// Makes a data writer, over memory or over the output of a socket.
///
/// NULL means failure, about which ws_last_error_message tells: socket is neither NULL nor a live
/// socket, or no memory or handle is left. A writer over a socket owns its output: see
/// ws_data_writer_free. One writer per socket is the rule, though more are not refused.
///
/// @param[in] socket  from ws_message_socket_new, in any state; NULL for memory alone, to be taken
///     out with ws_data_writer_detach_buffer.
/// @ownership  The writer is yours until ws_data_writer_free or ws_shutdown. The socket stays
///     yours, and may be freed before the writer.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_new(socket: *mut ws_socket) -> *mut ws_data_writer {
    let mut made: *mut ws_data_writer = std::ptr::null_mut();
    let _ = checked(|| {
        watch_forks();
        let output = if socket.is_null() {
            None
        } else {
            find_socket(socket)?;
            Some(socket.addr())
        };
        let writer = Mutex::new(Writer { output, ..Writer::default() });
        match WRITERS.insert(|_| writer) {
            Some(handle) => made = std::ptr::without_provenance_mut(handle),
            None => return plain(WS_E_OUTOFMEMORY, c"no handle is left"),
        }
        Ok(())
    });
    made
}

/// Ends a data writer, and with it the output of the socket that it was not detached from.
///
/// As in the original: unless ws_data_writer_detach_stream was called before, the socket's output
/// is closed for good. What was stored still leaves, receiving goes on, and ws_close and ws_ping
/// work as before; but everything else that sends on the socket, also through other writers,
/// answers WS_E_CLOSED. Bytes that were not stored are dropped.
///
/// @param[in] writer  the handle is stale as soon as the call begins. NULL is WS_OK and does
///     nothing.
/// @return WS_OK  it is freed.
/// @return WS_E_HANDLE  writer is not a live data writer: invented, or freed before.
/// @ownership  The socket stays yours.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_free(writer: *mut ws_data_writer) -> ws_result {
    checked(|| {
        if writer.is_null() {
            return Ok(());
        }
        let writer = WRITERS.remove(writer.addr()).ok_or(NOT_A_WRITER)?;
        let output = lock(&writer).output.take();
        if let Some(Ok(output)) = output.map(find_output) {
            output.socket.close_output();
        }
        Ok(())
    })
}

/// Sets the order in which the bytes of numbers are written from now on.
///
/// Without it the order is WS_BYTE_ORDER_BIG_ENDIAN.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] order  WS_BYTE_ORDER_LITTLE_ENDIAN or WS_BYTE_ORDER_BIG_ENDIAN.
/// @return WS_OK  it is set.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_INVALIDARG  order is none of WS_BYTE_ORDER_….
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_set_byte_order(
    writer: *mut ws_data_writer,
    order: ws_byte_order,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        lock(&writer).bytes.order = order_of(order)?;
        Ok(())
    })
}

/// Answers the order in which the bytes of numbers are written; 0 for what is no live data writer.
///
/// @param[in] writer  from ws_data_writer_new.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_get_byte_order(writer: *mut ws_data_writer) -> ws_byte_order {
    guard(0, || find_writer(writer).map_or(0, |writer| order_number(lock(&writer).bytes.order)))
}

/// Sets the encoding in which text is written from now on.
///
/// Without it the encoding is WS_UNICODE_ENCODING_UTF8. A message of text must be UTF-8 as a whole:
/// the others are for binary messages.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[in] encoding  one of WS_UNICODE_ENCODING_….
/// @return WS_OK  it is set.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_INVALIDARG  encoding is none of WS_UNICODE_ENCODING_….
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_set_unicode_encoding(
    writer: *mut ws_data_writer,
    encoding: ws_unicode_encoding,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        lock(&writer).bytes.encoding = encoding_of(encoding)?;
        Ok(())
    })
}

/// Answers the encoding in which text is written; 0 for what is no live data writer.
///
/// @param[in] writer  from ws_data_writer_new.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_get_unicode_encoding(
    writer: *mut ws_data_writer,
) -> ws_unicode_encoding {
    guard(0, || {
        find_writer(writer).map_or(0, |writer| encoding_number(lock(&writer).bytes.encoding))
    })
}

/// Answers how many bytes were written and not yet stored or detached; 0 for what is no live data
/// writer.
///
/// @param[in] writer  from ws_data_writer_new.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_unstored_buffer_length(writer: *mut ws_data_writer) -> usize {
    guard(0, || find_writer(writer).map_or(0, |writer| lock(&writer).bytes.written().len()))
}
