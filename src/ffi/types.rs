//! The types, constants and callback shapes of the header.
#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_void};

use super::result::ws_result;
pub use super::settings::*;
use super::status::ws_web_error_status;

/// A WebSocket. A value that looks like a pointer and is never dereferenced.
pub struct ws_socket {
    _private: [u8; 0],
}

/// A queue that carries events to a thread of yours.
pub struct ws_event_queue {
    _private: [u8; 0],
}

/// A question whether a server's certificate is accepted.
pub struct ws_validation {
    _private: [u8; 0],
}

/// Where a socket stands in its life: one of WS_STATE_….
pub type ws_state = u32;
/// What ws_get_state answers for a handle that is not a live socket.
pub const WS_STATE_NONE: ws_state = 0;
/// Not connected yet, or the last connect failed: controls and handlers may be set.
pub const WS_STATE_CREATED: ws_state = 1;
/// A connect is under way.
pub const WS_STATE_CONNECTING: ws_state = 2;
/// Messages may be sent and are received.
pub const WS_STATE_OPEN: ws_state = 3;
/// A close frame has been sent or received.
pub const WS_STATE_CLOSING: ws_state = 4;
/// The connection has ended for good.
pub const WS_STATE_CLOSED: ws_state = 5;

/// Names an operation of a socket: ws_cancel takes it, completions carry it.
pub type ws_operation = u64;
/// The connect of a socket.
pub const WS_OPERATION_CONNECT: ws_operation = 1;

/// What a message holds: one of WS_MESSAGE_TYPE_….
pub type ws_message_type = u32;
/// Bytes.
pub const WS_MESSAGE_TYPE_BINARY: ws_message_type = 0;
/// Text in UTF-8; received text has been checked.
pub const WS_MESSAGE_TYPE_UTF8: ws_message_type = 1;

/// How messages are handed over: one of WS_RECEIVE_MODE_….
pub type ws_receive_mode = u32;
/// Whole.
pub const WS_RECEIVE_MODE_FULL_MESSAGE: ws_receive_mode = 0;
/// In portions, as they arrive. A portion of text may end inside a code point.
pub const WS_RECEIVE_MODE_PARTIAL_MESSAGE: ws_receive_mode = 1;

/// A timeout in milliseconds that never ends. 0 polls.
pub const WS_INFINITE: u32 = 0xFFFF_FFFF;

/// How far a failed connection had come: one of WS_ERROR_PHASE_….
pub type ws_error_phase = u32;
/// Nothing has failed.
pub const WS_ERROR_PHASE_NONE: ws_error_phase = 0;
/// Looking up the host name.
pub const WS_ERROR_PHASE_NAME: ws_error_phase = 1;
/// Connecting to an address.
pub const WS_ERROR_PHASE_TCP: ws_error_phase = 2;
/// Finding a proxy, reaching it, and asking it for a connection.
pub const WS_ERROR_PHASE_PROXY: ws_error_phase = 3;
/// The TLS handshake and the certificate.
pub const WS_ERROR_PHASE_TLS: ws_error_phase = 4;
/// The upgrade request and its answer.
pub const WS_ERROR_PHASE_HTTP: ws_error_phase = 5;
/// The open connection.
pub const WS_ERROR_PHASE_WEBSOCKET: ws_error_phase = 6;
/// The closing handshake.
pub const WS_ERROR_PHASE_CLOSING: ws_error_phase = 7;

/// A message, or in partial mode a portion of one. Made by the library.
#[repr(C)]
#[derive(Debug)]
pub struct ws_message {
    /// The bytes; never NULL, and one zero byte follows them.
    pub data: *const u8,
    /// How many; the zero byte is not counted.
    pub len: usize,
    /// WS_MESSAGE_TYPE_UTF8 or WS_MESSAGE_TYPE_BINARY, as the server sent it.
    pub r#type: ws_message_type,
    /// 1 for a whole message or its last portion, else 0.
    pub is_complete: u8,
}

/// One message of a batch.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ws_buffer {
    /// The bytes; may be NULL if len is 0.
    pub data: *const c_void,
    /// How many.
    pub len: usize,
}

/// How a connection ended. Made by the library, borrowed during the callback.
#[repr(C)]
#[derive(Debug)]
pub struct ws_closed {
    /// WS_OK after a closing handshake, else why the connection ended.
    pub result: ws_result,
    /// The code that the server sent; 1005 for an empty close frame, 1006 for none.
    pub code: u16,
    /// The reason that the server sent: UTF-8, never NULL, ended by a NUL; it may hold others.
    pub reason: *const c_char,
    /// 1 after a closing handshake, else 0.
    pub was_clean: u8,
    /// 1 when the server's close frame came before ws_close was called, else 0.
    pub by_peer: u8,
    /// The length of reason in bytes, without the NUL at its end.
    pub reason_length: usize,
}

/// Why the last connect failed, or why the connection ended. Filled by ws_get_error.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ws_error {
    /// Set by you to sizeof(ws_error) before the call.
    pub struct_size: u32,
    /// The failure; WS_OK when there was none.
    pub result: ws_result,
    /// The same as ws_get_web_error_status(result).
    pub web_error_status: ws_web_error_status,
    /// How far the connection had come, also when you ended it.
    pub phase: ws_error_phase,
    /// The status of the server's answer to the upgrade request; 0 when there was none.
    pub http_status: u32,
    /// errno, WSAGetLastError(), or the code of getaddrinfo (EAI_…) for a name without an address;
    /// 0 when the system had no part in it.
    pub system_error: i32,
    /// The fatal TLS alert that the server sent (RFC 8446 §6); 0 for none.
    pub tls_alert: u32,
    /// What is wrong with the server's certificate, also what was ignored: bits of
    /// WS_CERTIFICATE_ERROR_…; 0 when that was not the failure.
    pub certificate_errors: u32,
    /// A sentence in English, ended by a NUL. Holds no secret. May change between versions.
    pub text: [c_char; 256],
}

/// Told when an operation has ended.
///
/// @param socket  The handle that the operation was begun with.
/// @param operation  WS_OPERATION_CONNECT, or the number that ws_send_async gave.
/// @param result  WS_OK, or why it failed; WS_E_ABORT when it was cancelled.
/// @param bytes  What a send took of the message, in bytes; 0 for a connect.
/// @param user_data  What the operation was begun with.
/// @ownership  user_data is yours again; the socket stays.
/// @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
///     not longjmp.
/// @since 0.1
pub type ws_completed_fn = Option<
    unsafe extern "C-unwind" fn(
        socket: *mut ws_socket,
        operation: ws_operation,
        result: ws_result,
        bytes: u64,
        user_data: *mut c_void,
    ),
>;

/// Told of each message.
///
/// @param socket  The socket it came from.
/// @param message  Borrowed until the callback returns; ws_message_retain keeps it longer.
/// @param user_data  What the handler was registered with.
/// @ownership  message is borrowed until the callback returns.
/// @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
///     not longjmp.
/// @since 0.1
pub type ws_message_received_fn = Option<
    unsafe extern "C-unwind" fn(
        socket: *mut ws_socket,
        message: *const ws_message,
        user_data: *mut c_void,
    ),
>;

/// Told once for each connect that succeeded: the connection has ended.
///
/// @param socket  The socket.
/// @param closed  How it ended; borrowed until the callback returns.
/// @param user_data  What the handler was registered with.
/// @ownership  closed is borrowed until the callback returns; the socket stays yours.
/// @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
///     not longjmp.
/// @since 0.1
pub type ws_closed_fn = Option<
    unsafe extern "C-unwind" fn(
        socket: *mut ws_socket,
        closed: *const ws_closed,
        user_data: *mut c_void,
    ),
>;

/// Asked whether the server's certificate is accepted. Returning without ws_validation_reject and
/// without a deferral accepts it.
///
/// @param socket  The socket; its information tells about the certificate.
/// @param validation  The question; valid until the connect has ended.
/// @param user_data  What the handler was registered with.
/// @ownership  The question goes with its connect.
/// @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
///     not longjmp.
/// @since 0.1
pub type ws_validation_fn = Option<
    unsafe extern "C-unwind" fn(
        socket: *mut ws_socket,
        validation: *mut ws_validation,
        user_data: *mut c_void,
    ),
>;

/// Told that the send queue fell below half its limit after WS_E_WOULD_BLOCK.
///
/// @param socket  The socket.
/// @param user_data  What the handler was registered with.
/// @ownership  Nothing is handed over.
/// @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
///     not longjmp.
/// @since 0.1
pub type ws_send_ready_fn =
    Option<unsafe extern "C-unwind" fn(socket: *mut ws_socket, user_data: *mut c_void)>;

/// Told that the server answered a ping: of ws_ping, or of the heartbeat (PING_INTERVAL_MS).
///
/// @param socket  The socket.
/// @param round_trip_us  From the ping to the answer, in microseconds; 0 for less than one.
/// @param user_data  What the handler was registered with.
/// @ownership  Nothing is handed over.
/// @threads  The I/O thread, or the one that dispatches the socket's queue. Must not throw and must
///     not longjmp.
/// @since 0.1
pub type ws_pong_fn = Option<
    unsafe extern "C-unwind" fn(socket: *mut ws_socket, round_trip_us: u64, user_data: *mut c_void),
>;

/// The last callback of a socket ever: every user_data may be freed.
///
/// @param socket  The old handle, for comparison only.
/// @param user_data  What the handler was registered with.
/// @ownership  Every user_data of the socket is yours again.
/// @threads  As the others, or the thread that calls ws_shutdown. Must not throw and must not
///     longjmp.
/// @since 0.1
pub type ws_released_fn =
    Option<unsafe extern "C-unwind" fn(socket: *mut ws_socket, user_data: *mut c_void)>;

/// Told when an event queue turns non-empty.
///
/// @param queue  The queue.
/// @param user_data  What the hook was registered with.
/// @ownership  Nothing is handed over.
/// @threads  The I/O thread. Must not throw and must not longjmp.
/// @since 0.1
pub type ws_wake_fn =
    Option<unsafe extern "C-unwind" fn(queue: *mut ws_event_queue, user_data: *mut c_void)>;

/// Receives a line of the log.
///
/// @param level  One of WS_LOG_….
/// @param text  The line: UTF-8, without a line end; borrowed until the callback returns. It never
///     holds payload, or the value of a header that carries a secret.
/// @param user_data  What the callback was registered with.
/// @ownership  text is borrowed until the callback returns.
/// @threads  Any thread, also inside a call of yours. Must not throw and must not longjmp.
/// @since 0.1
pub type ws_log_fn = Option<
    unsafe extern "C-unwind" fn(level: ws_log_level, text: *const c_char, user_data: *mut c_void),
>;

/// How much the log tells: one of WS_LOG_….
pub type ws_log_level = u32;
/// Nothing.
pub const WS_LOG_OFF: ws_log_level = 0;
/// What must not happen.
pub const WS_LOG_ERROR: ws_log_level = 1;
/// What is probably a mistake.
pub const WS_LOG_WARNING: ws_log_level = 2;
/// Connections that open, fail and close.
pub const WS_LOG_INFORMATION: ws_log_level = 3;
/// Everything.
pub const WS_LOG_DEBUG: ws_log_level = 4;

/// What an event tells: one of WS_EVENT_….
pub type ws_event_type = u32;
/// An operation has ended: operation, result, bytes.
pub const WS_EVENT_COMPLETED: ws_event_type = 1;
/// A message: message.
pub const WS_EVENT_MESSAGE_RECEIVED: ws_event_type = 2;
/// The connection has ended: closed.
pub const WS_EVENT_CLOSED: ws_event_type = 3;
/// The server's certificate is to be judged: validation, which is a deferral already.
pub const WS_EVENT_SERVER_CUSTOM_VALIDATION_REQUESTED: ws_event_type = 4;
/// The send queue has room again.
pub const WS_EVENT_SEND_READY: ws_event_type = 5;
/// A ping was answered: round_trip_us.
pub const WS_EVENT_PONG: ws_event_type = 6;
/// The last event of the socket.
pub const WS_EVENT_RELEASED: ws_event_type = 7;

/// An event taken with ws_event_queue_next. Made by the library, valid until ws_event_release,
/// also after its socket was freed. What does not belong to the type is 0 or NULL.
#[repr(C)]
#[derive(Debug)]
pub struct ws_event {
    /// One of WS_EVENT_….
    pub r#type: ws_event_type,
    /// The socket it came from; stale once that was freed.
    pub socket: *mut ws_socket,
    /// Of COMPLETED the operation's, elsewhere that of ws_set_user_data.
    pub user_data: *mut c_void,
    /// COMPLETED: which operation.
    pub operation: ws_operation,
    /// COMPLETED: WS_OK, or why it failed.
    pub result: ws_result,
    /// COMPLETED: bytes of the message.
    pub bytes: u64,
    /// MESSAGE_RECEIVED: the message, as long as the event; ws_message_retain keeps it longer.
    pub message: *const ws_message,
    /// CLOSED: how the connection ended, as long as the event.
    pub closed: *const ws_closed,
    /// SERVER_CUSTOM_VALIDATION_REQUESTED: to be answered with ws_validation_complete.
    pub validation: *mut ws_validation,
    /// PONG: from the ping to the answer, in microseconds.
    pub round_trip_us: u64,
}

/// Names a piece of information: one of WS_INFORMATION_….
pub type ws_information = u32;
/// Text: our address on the connection.
pub const WS_INFORMATION_LOCAL_ADDRESS: ws_information = 1;
/// Integer: our port.
pub const WS_INFORMATION_LOCAL_PORT: ws_information = 2;
/// Text: the server's address.
pub const WS_INFORMATION_REMOTE_ADDRESS: ws_information = 3;
/// Integer: the server's port.
pub const WS_INFORMATION_REMOTE_PORT: ws_information = 4;
/// Text: the subprotocol that the server chose; empty for none.
pub const WS_INFORMATION_PROTOCOL: ws_information = 5;
/// Text: the server's Sec-WebSocket-Extensions; empty for none.
pub const WS_INFORMATION_EXTENSIONS: ws_information = 6;
/// Integer: the status of the answer to the upgrade request, also of a refusal; 0 before it.
pub const WS_INFORMATION_HTTP_STATUS: ws_information = 7;
/// Bytes: the first 64 KiB of the body of a refusal.
pub const WS_INFORMATION_RESPONSE_BODY: ws_information = 8;
/// Bytes: the server's certificate in DER; of length 0 without TLS.
pub const WS_INFORMATION_SERVER_CERTIFICATE: ws_information = 9;
/// Bytes, by index from 0: the certificates that the server sent besides its own, in DER.
pub const WS_INFORMATION_SERVER_INTERMEDIATE_CERTIFICATES: ws_information = 10;
/// Integer: what is wrong with the server's certificate, bits of WS_CERTIFICATE_ERROR_…, also what
/// was ignored; 0 without TLS.
pub const WS_INFORMATION_SERVER_CERTIFICATE_ERRORS: ws_information = 11;
/// Integer, WS_SSL_ERROR_SEVERITY_…: how grave these are.
pub const WS_INFORMATION_SERVER_CERTIFICATE_ERROR_SEVERITY: ws_information = 12;
/// Text: "TLS 1.3" or "TLS 1.2"; empty without TLS.
pub const WS_INFORMATION_TLS_VERSION: ws_information = 13;
/// Text: the cipher suite's name at the IANA; empty without TLS.
pub const WS_INFORMATION_TLS_CIPHER_SUITE: ws_information = 14;
/// Text: the URI that was connected to, normalised.
pub const WS_INFORMATION_REQUEST_URI: ws_information = 15;
/// Integer: 1 when the TLS session was resumed, else 0.
pub const WS_INFORMATION_TLS_RESUMED: ws_information = 16;
