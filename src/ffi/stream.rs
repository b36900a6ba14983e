//! Stream sockets: bytes in and out, in place of messages.

use std::ffi::c_void;
use std::sync::Arc;

use crate::base::lock::lock;
use crate::client::Completion;
use crate::client::incoming::Target;
use crate::client::link::SocketKind;
use crate::client::staging::Lent;

use super::delivery::{Deliverer, cookie};
use super::entry::{NOT_A_SOCKET, SOCKETS, find_socket};
use super::guard::{Failure, checked, guard};
use super::pointer;
use super::result::*;
use super::socket::new_socket;
use super::types::*;

/// How a read ends: one of `WS_READ_…`.
pub type ws_read_options = u32;
/// When the buffer is full, or the stream has ended.
pub const WS_READ_NONE: ws_read_options = 0;
/// As soon as there is at least one byte.
pub const WS_READ_PARTIAL: ws_read_options = 1;

/// The number of the read that is under way, for ws_cancel.
pub const WS_OPERATION_READ: ws_operation = 2;
/// The number of the write that is under way, for ws_cancel.
pub const WS_OPERATION_WRITE: ws_operation = 3;

/// Makes a socket for a stream of bytes over binary messages.
///
/// What the server sends can be read as it arrives, inside a frame as well as across frames and
/// messages; each write is one binary message. It connects and closes like any socket; the calls
/// that send, receive or hear of messages answer WS_E_ILLEGAL_METHOD_CALL, and controls that are
/// for messages WS_E_INVALIDARG. However much passes through, and however slow either side is, it
/// holds less than 256 KiB more than while it is idle; with compression the two contexts of the
/// connection, about 350 KiB, come on top with the first compressed message.
///
/// The first socket or queue starts the library's I/O threads. NULL means failure, about which
/// ws_last_error_message tells: no thread or handle could be had, or ws_shutdown is under way.
///
/// @ownership  The socket is yours until ws_socket_free or ws_shutdown.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_stream_socket_new() -> *mut ws_socket {
    guard(std::ptr::null_mut(), || new_socket(SocketKind::Stream))
}

/// Begins a read.
///
/// The bytes go into buf as they arrive, from the system without resting elsewhere where that is
/// possible. After a clean close a read completes with WS_OK and fewer bytes than asked for, in the
/// end 0; after a lost connection with its result, when what arrived before has been read; after
/// ws_close or ws_abort with WS_E_ABORT. What nobody reads stays with the system but for at most
/// 256 KiB, and the server is slowed down. Text messages are read as their bytes, unchecked.
///
/// What had arrived can be read after closed was told, too; such a read completes after it.
///
/// @param[in] socket  from ws_stream_socket_new.
/// @param[out] buf  filled until the read has ended; may be NULL if capacity is 0.
/// @param[in] capacity  size of buf in bytes; with 0 the read completes at once.
/// @param[in] options  WS_READ_NONE or WS_READ_PARTIAL.
/// @param[in] on_completed  called with WS_OPERATION_READ and the bytes read, also if it failed;
///     NULL when nobody wants to know.
/// @param[in] user_data  kept and handed to on_completed; may be NULL.
/// @return WS_OK  the read is under way; on_completed will be called once.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0.
/// @return WS_E_INVALIDARG  options is none of WS_READ_…, or capacity is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
/// @return WS_E_INVALID_OPERATION  another read is under way.
/// @ownership  buf is borrowed until the read has completed, or ws_socket_free has returned.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_read(
    socket: *mut ws_socket,
    buf: *mut c_void,
    capacity: usize,
    options: ws_read_options,
    on_completed: ws_completed_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let is_partial = is_partial(options)?;
        let room = pointer::room(buf, capacity)?;
        let completion = Completion::Event(cookie(on_completed, user_data));
        if entry.socket.read(Box::new(room), is_partial, completion)? {
            // Freed meanwhile: then nobody is told.
            let Some(entry) = SOCKETS.find(socket.addr()) else { return Ok(()) };
            let handlers = lock(&entry.handlers).clone();
            entry.socket.tell_reads(Box::new(Deliverer::new(Arc::clone(&entry), handlers)));
        }
        Ok(())
    })
}

/// Reads, and waits for the bytes.
///
/// @param[in] socket  from ws_stream_socket_new.
/// @param[out] buf  filled with what arrives; may be NULL if capacity is 0.
/// @param[in] capacity  size of buf in bytes.
/// @param[in] options  WS_READ_NONE or WS_READ_PARTIAL.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @param[out] bytes  how many were read, also on failure, except that a refused argument leaves it
///     as it is; may be NULL.
/// @return WS_OK  as many as asked for were read; fewer, or 0, after a clean close.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  buf is NULL and capacity is not 0.
/// @return WS_E_INVALIDARG  options is none of WS_READ_…, or capacity is larger than PTRDIFF_MAX.
/// @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
/// @return WS_E_INVALID_OPERATION  another read is under way.
/// @return WS_E_TIMEOUT  timeout_ms have passed, and bytes says what had come by then; or the
///     connection timed out, in WS_STATE_CLOSED.
/// @return WS_E_ABORT  the connection was closed or aborted here, the read cancelled, or the socket
///     freed.
/// @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost.
/// @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION  the server broke the
///     protocol.
/// @return WS_E_NO_UNICODE_TRANSLATION  the server sent a close reason that is not UTF-8.
/// @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed.
/// @return WS_E_OUTOFMEMORY  memory ran out.
/// @ownership  The caller keeps buf.
/// @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_read_wait(
    socket: *mut ws_socket,
    buf: *mut c_void,
    capacity: usize,
    options: ws_read_options,
    timeout_ms: u32,
    bytes: *mut usize,
) -> ws_result {
    checked(|| {
        let entry = SOCKETS.find(socket.addr()).ok_or(NOT_A_SOCKET)?;
        let is_partial = is_partial(options)?;
        let room = pointer::room(buf, capacity)?;
        let target: Box<dyn Target> = Box::new(room);
        match entry.socket.read_wait(target, is_partial, super::timeout(timeout_ms)) {
            Ok((outcome, count)) => {
                pointer::write_if_wanted(bytes, count as usize);
                Ok(outcome?)
            }
            Err((misuse, count)) => {
                pointer::write_if_wanted(bytes, count as usize);
                Err(misuse.into())
            }
        }
    })
}

/// Begins to write bytes, as one binary message.
///
/// They are masked and sent piece by piece as the system takes them, without a copy of the whole;
/// over ws without compression and when nothing is in the way, the first of them inside this call.
/// ws_close lets a write that is under way come to its end first, for as long as the controls allow;
/// pings and pongs do not wait for it.
///
/// @param[in] socket  from ws_stream_socket_new.
/// @param[in] data  may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty message.
/// @param[in] on_completed  called with WS_OPERATION_WRITE and len when the system has taken
///     everything, or with 0 and why when it never will; NULL when nobody wants to know.
/// @param[in] user_data  kept and handed to on_completed; may be NULL.
/// @return WS_OK  the write is under way; on_completed will be called once.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_INVALID_OPERATION  another write is under way.
/// @ownership  data is borrowed until the write has completed, or ws_socket_free has returned.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_write(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
    on_completed: ws_completed_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let lent: Box<dyn Lent> = Box::new(pointer::lent(data, len)?);
        entry.socket.write(lent, Completion::Event(cookie(on_completed, user_data)))?;
        Ok(())
    })
}

/// Writes bytes as one binary message, and waits until the system has taken them.
///
/// A write that times out before anything of it has left is taken back; afterwards half a message
/// is on its way, and the connection is dropped: closed tells WS_E_TIMEOUT.
///
/// @param[in] socket  from ws_stream_socket_new.
/// @param[in] data  may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty message.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @param[out] bytes  len if it was written, 0 if not, except that a refused argument leaves it as
///     it is; may be NULL.
/// @return WS_OK  the system has taken everything.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is a message socket, or not open yet.
/// @return WS_E_CLOSED  the socket is closing or closed, its output is closed, or it closed while
///     the call waited.
/// @return WS_E_INVALID_OPERATION  another write is under way.
/// @return WS_E_TIMEOUT  timeout_ms have passed; or the connection timed out.
/// @return WS_E_ABORT  the connection was aborted, the write cancelled, or the socket freed.
/// @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost meanwhile.
/// @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION  the server broke the
///     protocol meanwhile.
/// @return WS_E_NO_UNICODE_TRANSLATION  the server sent a close reason that is not UTF-8.
/// @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed
///     meanwhile.
/// @return WS_E_OUTOFMEMORY  memory ran out meanwhile.
/// @ownership  The caller keeps data.
/// @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_write_wait(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
    timeout_ms: u32,
    bytes: *mut usize,
) -> ws_result {
    checked(|| {
        let entry = SOCKETS.find(socket.addr()).ok_or(NOT_A_SOCKET)?;
        let lent: Box<dyn Lent> = Box::new(pointer::lent(data, len)?);
        pointer::write_if_wanted(bytes, 0);
        let (outcome, _) = entry.socket.write_wait(lent, super::timeout(timeout_ms))?;
        outcome?;
        pointer::write_if_wanted(bytes, len);
        Ok(())
    })
}

fn is_partial(options: ws_read_options) -> Result<bool, Failure> {
    match options {
        WS_READ_NONE => Ok(false),
        WS_READ_PARTIAL => Ok(true),
        _ => Err(Failure::Plain(WS_E_INVALIDARG, c"options is none of WS_READ_...")),
    }
}
