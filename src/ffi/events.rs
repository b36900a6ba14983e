//! Events: handlers, messages, the judgement of certificates, and pulling instead.

use std::ffi::c_void;

use crate::base::lock::lock;
use crate::client::Misuse;
use crate::client::inbox::End;
use crate::client::link::SocketKind;

use super::entry::{Handler, find_socket};
use super::guard::{Failure, checked, guard, plain};
use super::message;
use super::pointer;
use super::result::*;
use super::types::*;
use super::validation;

/// Registers what is called with each message, in place of an earlier function.
///
/// With neither this nor a queue messages wait for ws_receive. With a queue and without this
/// function ws_event_queue_dispatch drops them.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] on_message_received  kept; NULL for none.
/// @param[in] user_data  kept and handed to the function; may be NULL.
/// @return WS_OK  the next connect uses it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected, or a stream socket.
/// @ownership  What user_data points at must live until released, or until ws_socket_free has
///     returned outside a callback.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_message_received(
    socket: *mut ws_socket,
    on_message_received: ws_message_received_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_message_received, user_data };
        let entry = find_socket(socket)?;
        entry.socket.check_kind(SocketKind::Message)?;
        entry.configure(|handlers| handlers.message = handler)
    })
}

/// Registers what is called when the connection has ended, in place of an earlier function.
///
/// It is called once for each connect that succeeded; nothing but released follows it.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] on_closed  kept; NULL for none.
/// @param[in] user_data  kept and handed to the function; may be NULL.
/// @return WS_OK  the next connect uses it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  What user_data points at must live until released, or until ws_socket_free has
///     returned outside a callback.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_closed(
    socket: *mut ws_socket,
    on_closed: ws_closed_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_closed, user_data };
        find_socket(socket)?.configure(|handlers| handlers.closed = handler)
    })
}

/// Registers what is asked whether the server's certificate is accepted, in place of an earlier
/// one.
///
/// It is asked for wss, after the library's own check has passed and before the upgrade request
/// leaves. With a queue, ws_event_queue_next gives the question as an event, but only when a
/// function is registered here too; there it is a deferral already.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] on_validation  kept; NULL for none: the library's own check decides.
/// @param[in] user_data  kept and handed to the function; may be NULL.
/// @return WS_OK  the next connect uses it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  What user_data points at must live until released, or until ws_socket_free has
///     returned outside a callback.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_server_custom_validation_requested(
    socket: *mut ws_socket,
    on_validation: ws_validation_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_validation, user_data };
        find_socket(socket)?.configure(|handlers| handlers.validation = handler)
    })
}

/// Registers what is called when the send queue has room again, in place of an earlier function.
///
/// It is called once after WS_E_WOULD_BLOCK, when less than half of the limit is left in the
/// queue.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] on_send_ready  kept; NULL for none.
/// @param[in] user_data  kept and handed to the function; may be NULL.
/// @return WS_OK  the next connect uses it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  What user_data points at must live until released, or until ws_socket_free has
///     returned outside a callback.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_send_ready(
    socket: *mut ws_socket,
    on_send_ready: ws_send_ready_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_send_ready, user_data };
        find_socket(socket)?.configure(|handlers| handlers.send_ready = handler)
    })
}

/// Registers what is called when a ping is answered, in place of an earlier function: one of
/// ws_ping, or one of the heartbeat (PING_INTERVAL_MS).
///
/// One answer may stand for several pings, of which it then tells the last.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] on_pong  kept; NULL for none.
/// @param[in] user_data  kept and handed to the function; may be NULL.
/// @return WS_OK  the next connect uses it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  What user_data points at must live until released, or until ws_socket_free has
///     returned outside a callback.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_pong(
    socket: *mut ws_socket,
    on_pong: ws_pong_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_pong, user_data };
        find_socket(socket)?.configure(|handlers| handlers.pong = handler)
    })
}

/// Registers what is called last of all, in place of an earlier function.
///
/// It comes after ws_socket_free or ws_shutdown, once, also when the socket was never connected:
/// every user_data of the socket may be freed there.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] on_released  kept; NULL for none.
/// @param[in] user_data  kept and handed to the function; may be NULL.
/// @return WS_OK  the next connect uses it.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  What user_data points at must live until released, or until ws_socket_free has
///     returned outside a callback.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_released(
    socket: *mut ws_socket,
    on_released: ws_released_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_released, user_data };
        find_socket(socket)?.configure(|handlers| handlers.released = handler)
    })
}

/// Keeps a message past its callback or its event.
///
/// A message that still lies in the read buffer is copied, a larger one is shared. What is kept
/// outlives socket, queue and ws_shutdown. NULL means that message was NULL, or a fork.
///
/// @param[in] message  borrowed in a callback or an event, or kept already; may be NULL.
/// @ownership  What it answers is yours until ws_message_release; each retain needs its release.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_message_retain(message: *const ws_message) -> *mut ws_message {
    guard(std::ptr::null_mut(), || message::retain(message))
}

/// Gives a kept or received message back.
///
/// A borrowed message is left alone. Releasing more often than retaining is undefined.
///
/// @param[in] message  from ws_message_retain or ws_receive; NULL does nothing.
/// @ownership  The message is not yours any more, and its data must not be read.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_message_release(message: *mut ws_message) {
    message::release(message);
}

/// Takes the next message of a socket that has neither a message handler nor a queue.
///
/// Messages that arrived are handed over before the end is told, and the end is told again and
/// again. Several threads may take messages of one socket; each goes to one of them.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[out] message  the message; untouched on failure.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @return WS_OK  message is filled.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  message is NULL.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket has a message handler or a queue, is in
///     WS_STATE_CREATED, or is a stream socket.
/// @return WS_E_REENTRANT  called on the I/O thread, and timeout_ms is not 0.
/// @return WS_E_TIMEOUT  no message came in time; or, in WS_STATE_CLOSED, the connection timed out.
/// @return WS_E_CLOSED  the connection ended with a closing handshake.
/// @return WS_E_ABORT  the connection was aborted, or the socket has been freed meanwhile.
/// @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost.
/// @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION,
///     WS_E_NO_UNICODE_TRANSLATION, WS_E_MESSAGE_TOO_BIG  the server broke the protocol or a limit.
/// @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed.
/// @return WS_E_OUTOFMEMORY  there was no memory for a message.
/// @ownership  The message is yours until ws_message_release.
/// @threads  Any thread, also inside callbacks; on the I/O thread with timeout_ms 0 only. Blocks
///     for timeout_ms at most.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_receive(
    socket: *mut ws_socket,
    message: *mut *mut ws_message,
    timeout_ms: u32,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        if message.is_null() {
            return plain(WS_E_POINTER, c"message is NULL");
        }
        entry.socket.check_kind(SocketKind::Message)?;
        if !lock(&entry.handlers).is_pull() {
            return Err(Misuse::IllegalState(
                "messages of this socket go to its handler or to its queue",
            )
            .into());
        }
        match entry.socket.receive(super::timeout(timeout_ms))? {
            Ok(Some(taken)) => {
                pointer::write(message, message::into_owned(taken), c"message is NULL")
            }
            Ok(None) => Err(Misuse::TimedOut.into()),
            Err(End::Clean) => Err(Misuse::Closed.into()),
            Err(End::Lost(error)) => Err(Failure::Network(error)),
            Err(End::Freed) => plain(WS_E_ABORT, c"the socket has been freed"),
        }
    })
}

/// Lets the answer to a validation come later, also after the callback has returned.
///
/// The connect waits for it within its own timeouts. Taking a deferral again changes nothing.
///
/// @param[in] validation  what the callback or the event was given.
/// @return WS_OK  ws_validation_complete will be awaited.
/// @return WS_E_HANDLE  validation is not a live question: the connect it belongs to has ended.
/// @return WS_E_ILLEGAL_METHOD_CALL  it has been answered already.
/// @ownership  Nothing to be freed: the question goes with its connect.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_validation_get_deferral(validation: *mut ws_validation) -> ws_result {
    checked(|| validation::take_deferral(validation))
}

/// Answers a validation.
///
/// Inside the callback the answer takes effect when the callback returns, afterwards at once. A
/// rejected connect completes with WS_E_SECURITY_PROBLEM.
///
/// @param[in] validation  what the callback or the event was given.
/// @param[in] accept  0 rejects the server's certificate, anything else accepts it.
/// @return WS_OK  the answer counts.
/// @return WS_E_HANDLE  validation is not a live question: the connect it belongs to has ended.
/// @return WS_E_ILLEGAL_METHOD_CALL  it has been answered already.
/// @ownership  Nothing to be freed: the question goes with its connect.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_validation_complete(validation: *mut ws_validation, accept: u8) -> ws_result {
    checked(|| validation::answer(validation, accept != 0))
}

/// Rejects the server's certificate: ws_validation_complete with 0.
///
/// @param[in] validation  what the callback or the event was given.
/// @return WS_OK  the answer counts.
/// @return WS_E_HANDLE  validation is not a live question: the connect it belongs to has ended.
/// @return WS_E_ILLEGAL_METHOD_CALL  it has been answered already.
/// @ownership  Nothing to be freed: the question goes with its connect.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_validation_reject(validation: *mut ws_validation) -> ws_result {
    checked(|| validation::answer(validation, false))
}
