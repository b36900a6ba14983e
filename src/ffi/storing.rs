//! Storing: what a data writer holds becomes a message, or is handed out.
//!
//! The bytes leave the writer before they are sent, so that nobody waits for its lock meanwhile.
//! What a store is to a socket is known in `client`.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};

use crate::base::lock::lock;
use crate::client::Misuse;

use super::data_types::ws_data_writer;
use super::data_writer::{NO_OUTPUT, Writer, find_output, find_writer};
use super::delivery::cookie;
use super::entry::SocketRef;
use super::guard::{Failure, checked, plain};
use super::pointer;
use super::result::*;
use super::ticket::Reference;
use super::types::*;

/// A store from its beginning to its end: the bytes are out of the writer meanwhile, which nobody
/// has to wait for, and go back unless they were accepted.
struct Storing {
    writer: Reference<Mutex<Writer>>,
    output: SocketRef,
    taken: Vec<u8>,
    is_accepted: bool,
    under_way: Option<Arc<()>>,
}

impl Storing {
    fn begin(writer: *mut ws_data_writer) -> Result<Storing, Failure> {
        let reference = find_writer(writer)?;
        let mut writer = lock(&reference);
        let output = find_output(writer.output.ok_or(NO_OUTPUT)?)?;
        output.socket.check_output()?;
        if writer.under_way.strong_count() > 0 {
            return plain(WS_E_INVALID_OPERATION, c"a store of the writer is under way");
        }
        let under_way = Arc::new(());
        writer.under_way = Arc::downgrade(&under_way);
        let taken = writer.bytes.take();
        drop(writer);
        let under_way = Some(under_way);
        Ok(Storing { writer: reference, output, taken, is_accepted: false, under_way })
    }

    /// Answers how many bytes were stored.
    fn accepted(mut self) -> usize {
        self.is_accepted = true;
        self.taken.len()
    }
}

impl Drop for Storing {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        let mut writer = lock(&self.writer);
        if self.is_accepted {
            writer.bytes.recycle(taken);
        } else {
            // Where there is no memory for both, what was not accepted is lost.
            let _ = writer.bytes.put_back(taken);
        }
    }
}

/// Queues what was written as one message: the original's StoreAsync for those who need not know
/// when it has left.
///
/// The message has the type that the control MESSAGE_TYPE names at this moment, and leaves as one
/// of ws_send does. The writer is empty afterwards, and can be written to again at once. Without
/// anything written an empty message is sent. After a failure the bytes are still in the writer:
/// after WS_E_WOULD_BLOCK, store again when on_send_ready tells.
///
/// @param[in] writer  from ws_data_writer_new, over a socket.
/// @param[out] bytes  how many were stored; may be NULL. Untouched on failure.
/// @return WS_OK  the message was accepted.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_INVALID_OPERATION  writer has no socket or was detached from it, or another store
///     of this writer is under way.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a message that was begun frame
///     by frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text, and what was written is not UTF-8.
/// @return WS_E_WOULD_BLOCK  the send queue is full; on_send_ready will tell.
/// @ownership  The caller owns bytes.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_store(
    writer: *mut ws_data_writer,
    bytes: *mut usize,
) -> ws_result {
    checked(|| {
        let storing = Storing::begin(writer)?;
        storing.output.socket.store(&storing.taken)?;
        pointer::write_if_wanted(bytes, storing.accepted());
        Ok(())
    })
}

/// Queues what was written as one message, and tells when the system has taken it.
///
/// It is to ws_data_writer_store what ws_send_async is to ws_send: the operation belongs to the
/// socket, ws_cancel takes it back, and the bytes that then have not left are gone. Until the
/// message has left, other stores of this writer are refused; inside on_completed they are not.
///
/// @param[in] writer  from ws_data_writer_new, over a socket.
/// @param[in] on_completed  kept until the operation has ended; NULL when nobody wants to know.
/// @param[in] user_data  kept and handed to on_completed; may be NULL.
/// @param[out] operation  its number, stored before on_completed can be called; may be NULL.
/// @return WS_OK  the message was accepted; on_completed will be called once.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_INVALID_OPERATION  writer has no socket or was detached from it, or another store
///     of this writer is under way.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a message that was begun frame
///     by frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text, and what was written is not UTF-8.
/// @return WS_E_WOULD_BLOCK  the send queue is full; on_send_ready will tell.
/// @ownership  user_data must live until on_completed has returned. The writer may be freed before.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_store_async(
    writer: *mut ws_data_writer,
    on_completed: ws_completed_fn,
    user_data: *mut c_void,
    operation: *mut ws_operation,
) -> ws_result {
    checked(|| {
        let mut storing = Storing::begin(writer)?;
        // From here on the operation alone keeps it alive: it may be over before this returns.
        let under_way = storing.under_way.take().unwrap_or_default();
        let cookie = cookie(on_completed, user_data);
        storing.output.socket.store_async(&storing.taken, cookie, under_way, |number| {
            pointer::write_if_wanted(operation, number);
        })?;
        storing.accepted();
        Ok(())
    })
}

/// Sends what was written as one message: waits for room in the send queue, and until the system
/// has taken it.
///
/// It is to ws_data_writer_store what ws_send_wait is to ws_send. After WS_E_TIMEOUT, and when the
/// connection ended while the call waited, the bytes are gone from the writer: as after
/// ws_send_wait some of them may have left. After every other failure they are still there.
///
/// @param[in] writer  from ws_data_writer_new, over a socket.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @param[out] bytes  how many were stored; may be NULL. Untouched on failure.
/// @return WS_OK  the system has taken the message.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
/// @return WS_E_INVALID_OPERATION  writer has no socket or was detached from it, or another store
///     of this writer is under way.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a message that was begun frame
///     by frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed; or
///     that happened while the call waited.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text, and what was written is not UTF-8.
/// @return WS_E_TIMEOUT  timeout_ms have passed.
/// @return WS_E_ABORT, WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED, WS_E_(other)  the connection
///     ended while the call waited, with what ws_send_wait answers then.
/// @ownership  The caller owns bytes.
/// @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most; others
///     may use the writer meanwhile, but not store.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_store_wait(
    writer: *mut ws_data_writer,
    timeout_ms: u32,
    bytes: *mut usize,
) -> ws_result {
    checked(|| {
        drop(find_writer(writer)?);
        if crate::reactor::mailbox::on_event_loop() {
            return Err(Misuse::Reentrant.into());
        }
        let storing = Storing::begin(writer)?;
        let sent = storing.output.socket.store_wait(&storing.taken, super::timeout(timeout_ms));
        let count = match &sent {
            Ok(_) | Err(Misuse::TimedOut) => storing.accepted(),
            Err(_) => 0,
        };
        sent??;
        pointer::write_if_wanted(bytes, count);
        Ok(())
    })
}

/// Asks whether the output of the writer's socket takes what will be stored.
///
/// Nothing has to be flushed: what was stored leaves by itself. What was only written is not
/// stored by this, as in the original's FlushAsync.
///
/// @param[in] writer  from ws_data_writer_new, over a socket.
/// @return WS_OK  the output is open.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_INVALID_OPERATION  writer has no socket, or was detached from it.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet.
/// @return WS_E_CLOSED  the socket is closing or closed or was freed, or its output is closed.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_flush(writer: *mut ws_data_writer) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        let output = lock(&writer).output.ok_or(NO_OUTPUT)?;
        find_output(output)?.socket.check_output()?;
        Ok(())
    })
}

/// Takes the socket's output from the writer, so that ws_data_writer_free leaves it open.
///
/// What was stored leaves; what was only written stays in the writer, which goes on as one over
/// memory. A store that is under way goes on.
///
/// @param[in] writer  from ws_data_writer_new.
/// @return WS_OK  the writer owns no output, or never did.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @ownership  The output belongs to the socket alone.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_detach_stream(writer: *mut ws_data_writer) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        lock(&writer).output = None;
        Ok(())
    })
}

/// Takes the bytes that were written and not stored out of the writer, by copying them to you.
///
/// The writer is empty afterwards. Asking for the length, and failing, takes nothing out.
///
/// @param[in] writer  from ws_data_writer_new.
/// @param[out] buf  gets the bytes; NULL with a capacity of 0 to ask for the length alone.
/// @param[in] capacity  the size of buf in bytes.
/// @param[out] length  how many bytes there are, also when capacity is too small; may be NULL when
///     buf is not.
/// @return WS_OK  buf is filled and the writer empty; or, without buf, length is.
/// @return WS_E_HANDLE  writer is not a live data writer.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0, or length is NULL as well.
/// @return WS_E_INSUFFICIENT_BUFFER  capacity is less than length; buf is untouched.
/// @ownership  The caller owns buf and length.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_data_writer_detach_buffer(
    writer: *mut ws_data_writer,
    buf: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> ws_result {
    checked(|| {
        let writer = find_writer(writer)?;
        let mut writer = lock(&writer);
        pointer::write_bytes(buf, capacity, length, writer.bytes.written())?;
        if !buf.is_null() {
            let taken = writer.bytes.take();
            writer.bytes.recycle(taken);
        }
        Ok(())
    })
}
