//! Sockets: made, connected, closed, freed.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::lock::lock;
use crate::client::link::SocketKind;
use crate::client::{Completion, Misuse, Socket, State, runtime};

use super::callback;
use super::delivery::{Deliverer, cookie};
use super::entry::{Entry, NOT_A_SOCKET, SOCKETS, find_socket};
use super::guard::{Failure, checked, guard, plain, watch_forks};
use super::pointer;
use super::result::*;
use super::types::*;

/// Makes a socket for messages.
///
/// The first socket or queue starts the library's I/O threads. NULL means failure, about which
/// ws_last_error_message tells: no thread or handle could be had, or ws_shutdown is under way.
///
/// @ownership  The socket is yours until ws_socket_free or ws_shutdown.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_message_socket_new() -> *mut ws_socket {
    guard(std::ptr::null_mut(), || new_socket(SocketKind::Message))
}

/// A socket of either kind; NULL, and a sentence about it, when there can be none.
pub(super) fn new_socket(kind: SocketKind) -> *mut ws_socket {
    let mut made: *mut ws_socket = std::ptr::null_mut();
    let _ = checked(|| {
        watch_forks();
        let runtime = runtime::acquire()?;
        let entry_of =
            |handle| Arc::new(Entry::new(handle, Socket::new(kind, Arc::clone(&runtime))));
        match SOCKETS.insert(entry_of) {
            Some(handle) => made = std::ptr::without_provenance_mut(handle),
            None => return plain(WS_E_OUTOFMEMORY, c"no handle is left"),
        }
        // A shutdown that began meanwhile may not have seen it.
        if !runtime::is_current(&runtime) {
            drop(SOCKETS.remove(made.addr()));
            made = std::ptr::null_mut();
            return Err(Misuse::IllegalState("the library is shutting down").into());
        }
        Ok(())
    });
    made
}

/// Ends the connection at once if it is open, then releases the socket.
///
/// An open connection is told with an empty close frame if the system takes it without waiting;
/// what still waits to be sent is lost. Pending operations end without a completion, a thread in a
/// _wait call of this socket gets WS_E_ABORT. When this returns no callback of the socket begins
/// any more, except released, which is the last event and comes even if the socket was never
/// connected.
///
/// @param[in] socket  the handle is stale as soon as the call begins. NULL is WS_OK and does
///     nothing.
/// @return WS_OK  it is freed.
/// @return WS_E_HANDLE  socket is not a live socket: invented, or freed before.
/// @ownership  user_data may be freed in released, or after this returned outside a callback.
/// @threads  Any thread, also inside callbacks, where it never waits. Elsewhere it blocks while a
///     callback of this socket runs on another thread, and for nothing else.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_socket_free(socket: *mut ws_socket) -> ws_result {
    checked(|| {
        if socket.is_null() {
            return Ok(());
        }
        let entry = SOCKETS.remove(socket.addr()).ok_or(NOT_A_SOCKET)?;
        end(&entry);
        if !callback::inside() {
            entry.gate.wait_until_empty();
        }
        Ok(())
    })
}

/// What a removed socket goes through: no callback begins any more but the last.
pub(super) fn end(entry: &Arc<Entry>) {
    entry.gate.close();
    let handlers = lock(&entry.handlers).clone();
    entry.socket.free(Box::new(Deliverer::new(Arc::clone(entry), handlers)));
}

fn find_shared(socket: *mut ws_socket) -> Result<Arc<Entry>, Failure> {
    SOCKETS.find(socket.addr()).map(|entry| Arc::clone(&entry)).ok_or(NOT_A_SOCKET)
}

fn uri_of<'a>(uri: *const c_char) -> Result<&'a str, Failure> {
    pointer::text(uri, c"uri is NULL", c"uri is not UTF-8")
}

/// Starts to connect.
///
/// What the network does arrives in on_completed; after its WS_OK the socket is open, and a closed
/// event will follow. After a failure the socket is in WS_STATE_CREATED again: controls and
/// handlers may be changed and connect called once more. ws_cancel with WS_OPERATION_CONNECT,
/// ws_close and ws_abort cancel it, and on_completed gets WS_E_ABORT.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] uri  absolute, ws or wss, at most 8192 bytes, without fragment and user-info. Copied.
/// @param[in] on_completed  kept until the connect has ended; NULL when nobody wants to know.
/// @param[in] user_data  kept and handed to on_completed; may be NULL.
/// @return WS_OK  the connect is under way.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  uri is NULL.
/// @return WS_E_INVALIDARG  uri is not such a URI; ws_last_error_message says why.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting, or has been connected before.
/// @return WS_E_CLOSED  another thread frees the socket at this moment.
/// @ownership  The caller keeps uri. user_data must live until on_completed has returned.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_connect(
    socket: *mut ws_socket,
    uri: *const c_char,
    on_completed: ws_completed_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let entry = find_shared(socket)?;
        let uri = uri_of(uri)?;
        let handlers = lock(&entry.handlers);
        let validates = handlers.validation.function.is_some();
        let sink = Deliverer::new(Arc::clone(&entry), handlers.clone());
        let completion = Completion::Event(cookie(on_completed, user_data));
        // Under the lock: no handler changes between the copy and the change of state.
        entry.socket.connect(uri, sink, validates, Some(completion))?;
        Ok(())
    })
}

/// Connects, and waits until the connection is open or has failed.
///
/// The same as ws_connect, without a completion: the network's answer is the result.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] uri  as for ws_connect.
/// @param[in] timeout_ms  then the connect is cancelled, in milliseconds; 0 cancels it at once,
///     WS_INFINITE leaves it to the socket's own timeouts.
/// @return WS_OK  the connection is open.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  uri is NULL.
/// @return WS_E_INVALIDARG  uri is not such a URI; ws_last_error_message says why.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting, or has been connected before.
/// @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
/// @return WS_E_TIMEOUT  timeout_ms, or a timeout of the socket's controls, have passed.
/// @return WS_E_ABORT  another thread cancelled the connect or freed the socket.
/// @return WS_E_CLOSED  another thread freed the socket just before the connect began.
/// @return WS_E_NAME_NOT_RESOLVED  the host name has no address.
/// @return WS_E_CANNOT_CONNECT  nobody listens at the server's port.
/// @return WS_E_SERVER_UNREACHABLE  there is no way to the server.
/// @return WS_E_CONNECTION_RESET  the server reset the connection.
/// @return WS_E_CONNECTION_ABORTED  the server ended the connection before it was open.
/// @return WS_E_SECURITY_CHANNEL_ERROR  TLS failed.
/// @return WS_E_SEC_…, WS_E_CERT_…, WS_E_CRYPT_…, WS_E_TRUST_…  something is wrong with the
///     server's certificate.
/// @return WS_E_SECURITY_PROBLEM  the custom validation rejected the certificate.
/// @return WS_E_HTTP_STATUS_…  the server refused the upgrade with this status.
/// @return WS_E_INVALID_SERVER_RESPONSE, WS_E_INVALID_HEADER  the answer is not a WebSocket
///     upgrade.
/// @return WS_E_SUBPROTOCOL_NOT_SUPPORTED, WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED  the server chose
///     what was not offered.
/// @return WS_E_OUTOFMEMORY  no memory, thread or descriptor could be had.
/// @ownership  The caller keeps uri.
/// @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms, and at most 50 ms
///     more for cancelling.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_connect_wait(
    socket: *mut ws_socket,
    uri: *const c_char,
    timeout_ms: u32,
) -> ws_result {
    checked(|| {
        let entry = find_shared(socket)?;
        let uri = uri_of(uri)?;
        let handlers = lock(&entry.handlers).clone();
        let validates = handlers.validation.function.is_some();
        let sink = Deliverer::new(Arc::clone(&entry), handlers);
        let timeout = super::timeout(timeout_ms);
        entry.socket.connect_wait(uri, sink, validates, timeout)??;
        Ok(())
    })
}

/// Starts the closing handshake.
///
/// The close frame leaves behind everything that was sent before; from now on no message is
/// delivered and none can be sent. The end arrives as closed, at the latest after the control
/// CLOSE_TIMEOUT_MS. While connecting it cancels the connect. Closing again, or after the end,
/// changes nothing.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] code  1000 to 1003, 1007 to 1014, 3000 to 4999; 0 sends an empty close frame.
/// @param[in] reason  NUL-terminated UTF-8 of at most 123 bytes, copied; NULL for none.
/// @return WS_OK  the closing handshake is under way, or was already.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_INVALIDARG  code is another one, reason is too long or not UTF-8, or stands with
///     code 0.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket was never connected.
/// @ownership  The caller keeps reason.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_close(socket: *mut ws_socket, code: u16, reason: *const c_char) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        entry.socket.close(code, pointer::optional_bytes(reason))?;
        Ok(())
    })
}

/// Closes, and waits until the connection has ended.
///
/// The same as ws_close. While connecting it cancels the connect and does not wait for that.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] code  as for ws_close.
/// @param[in] reason  as for ws_close.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
///     The closing handshake goes on after it.
/// @return WS_OK  the connection ended with a closing handshake, or had ended before.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_INVALIDARG  as for ws_close.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket was never connected.
/// @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
/// @return WS_E_TIMEOUT  timeout_ms have passed; or, in WS_STATE_CLOSED, CLOSE_TIMEOUT_MS have.
/// @return WS_E_ABORT  another thread aborted the connection or freed the socket.
/// @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  it was lost before the server's close
///     frame.
/// @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION,
///     WS_E_NO_UNICODE_TRANSLATION, WS_E_MESSAGE_TOO_BIG  the server broke the protocol meanwhile.
/// @return WS_E_SECURITY_CHANNEL_ERROR  TLS failed meanwhile.
/// @return WS_E_OUTOFMEMORY  memory ran out meanwhile.
/// @ownership  The caller keeps reason.
/// @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_close_wait(
    socket: *mut ws_socket,
    code: u16,
    reason: *const c_char,
    timeout_ms: u32,
) -> ws_result {
    checked(|| {
        let entry = find_shared(socket)?;
        let reason = pointer::optional_bytes(reason);
        entry.socket.close_wait(code, reason, super::timeout(timeout_ms))??;
        Ok(())
    })
}

/// Drops the connection now.
///
/// The server sees a reset. Pending operations complete with WS_E_ABORT, then closed comes with
/// WS_E_ABORT and code 1006. While connecting it cancels the connect; after the end it does
/// nothing.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @return WS_OK  the connection is being dropped, or has ended before.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is in WS_STATE_CREATED.
/// @ownership  Nothing is handed over; the socket stays yours.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_abort(socket: *mut ws_socket) -> ws_result {
    checked(|| {
        find_socket(socket)?.socket.abort()?;
        Ok(())
    })
}

/// Answers where the socket stands: one of WS_STATE_….
///
/// Other threads and the network may move it at any time. It is WS_STATE_NONE when socket is not a
/// live socket.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_state(socket: *mut ws_socket) -> ws_state {
    guard(WS_STATE_NONE, || match find_socket(socket) {
        Err(_) => WS_STATE_NONE,
        Ok(entry) => match entry.socket.state() {
            State::Created => WS_STATE_CREATED,
            State::Connecting => WS_STATE_CONNECTING,
            State::Open => WS_STATE_OPEN,
            State::Closing => WS_STATE_CLOSING,
            State::Closed => WS_STATE_CLOSED,
        },
    })
}

/// Keeps a pointer of yours with the socket.
///
/// Events of ws_event_queue_next carry it, except COMPLETED. Handlers get the one they were
/// registered with instead.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] user_data  kept, never followed; may be NULL.
/// @return WS_OK  it is kept in place of the earlier one.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @ownership  The caller keeps what user_data points at.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_user_data(socket: *mut ws_socket, user_data: *mut c_void) -> ws_result {
    checked(|| {
        find_socket(socket)?.user_data.store(user_data, Ordering::Release);
        Ok(())
    })
}

/// Answers the pointer of ws_set_user_data.
///
/// It is NULL when none was set and when socket is not a live socket.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_user_data(socket: *mut ws_socket) -> *mut c_void {
    guard(std::ptr::null_mut(), || {
        find_socket(socket).map_or(std::ptr::null_mut(), |entry| entry.user_data())
    })
}
