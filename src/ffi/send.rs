//! Sending: messages, pings, and taking back what has not left.

use std::ffi::{c_char, c_void};

use crate::client::Completion;
use crate::client::controls::Control;
use crate::client::link::SocketKind;
use crate::client::sending::is_good;
use crate::protocol::MessageKind;

use super::delivery::cookie;
use super::entry::{Entry, NOT_A_SOCKET, SOCKETS, SocketRef, current, find_socket};
use super::guard::{Failure, answer, checked, guard, plain};
use super::pointer;
use super::result::*;
use super::types::*;

fn find_message_socket(socket: *mut ws_socket) -> Result<SocketRef, Failure> {
    let entry = find_socket(socket)?;
    entry.socket.check_kind(SocketKind::Message)?;
    Ok(entry)
}

/// Sends a message, straight if it is not large and only has to be put behind others.
#[inline(always)]
fn send(
    socket: *mut ws_socket,
    kind: impl Fn(&Entry) -> MessageKind,
    data: *const c_void,
    len: usize,
    otherwise: fn(*mut ws_socket, *const c_void, usize) -> ws_result,
) -> ws_result {
    let is_sent = match pointer::bytes(data, len) {
        Ok(bytes) => match current(socket) {
            Some(entry) => entry.socket.send_straight(kind(entry), bytes),
            None => send_from_elsewhere(socket, kind, bytes),
        },
        Err(_) => false,
    };
    // Nothing has happened unless it is sent: the other way does it, or says why not.
    if is_sent { WS_OK } else { otherwise(socket, data, len) }
}

/// The straight path of whoever is not inside a callback of the socket.
#[inline(never)]
fn send_from_elsewhere(
    socket: *mut ws_socket,
    kind: impl Fn(&Entry) -> MessageKind,
    bytes: &[u8],
) -> bool {
    let Some(entry) = SOCKETS.find(socket.addr()) else { return false };
    entry.socket.send_straight(kind(&entry), bytes)
}

#[inline]
fn kind_of_control(entry: &Entry) -> MessageKind {
    match entry.socket.link.controls.integer(Control::MessageType) {
        0 => MessageKind::Binary,
        _ => MessageKind::Text,
    }
}

fn kind(message_type: ws_message_type) -> Result<MessageKind, Failure> {
    match message_type {
        WS_MESSAGE_TYPE_BINARY => Ok(MessageKind::Binary),
        WS_MESSAGE_TYPE_UTF8 => Ok(MessageKind::Text),
        _ => Err(Failure::Plain(WS_E_INVALIDARG, c"type is none of WS_MESSAGE_TYPE_...")),
    }
}

/// Queues one whole message of the type that the control MESSAGE_TYPE names.
///
/// The bytes are copied, or have left, before this returns. Messages leave in the order in which
/// they were accepted; there is no completion, and a later failure arrives as closed.
///
/// A lone message leaves at once, those of a burst together: of a callback when it returns, of
/// another thread within microseconds. In a flood from such a thread the last ones may wait for a
/// millisecond. Many that are there at once cost less with ws_send_batch.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty message.
/// @return WS_OK  the message was accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
///     that was begun with ws_send_nonfinal_frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text and data is not UTF-8; nothing was queued.
/// @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
///     tell.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send(socket: *mut ws_socket, data: *const c_void, len: usize) -> ws_result {
    #[cold]
    fn otherwise(socket: *mut ws_socket, data: *const c_void, len: usize) -> ws_result {
        let send = || {
            let entry = find_message_socket(socket)?;
            let data = pointer::bytes(data, len)?;
            Ok(entry.socket.send(kind_of_control(&entry), data)?)
        };
        answer(send())
    }
    guard(WS_E_UNEXPECTED, move || send(socket, kind_of_control, data, len, otherwise))
}

/// Queues one whole text message, whatever the control MESSAGE_TYPE says.
///
/// The bytes are copied, or have left, before this returns. Messages leave in the order in which
/// they were accepted; there is no completion, and a later failure arrives as closed.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] text  UTF-8, need not end in NUL; borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of text in bytes; 0 sends an empty message.
/// @return WS_OK  the message was accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  text is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
///     that was begun with ws_send_nonfinal_frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  text is not UTF-8; nothing was queued.
/// @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
///     tell.
/// @ownership  The caller keeps text.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_text(
    socket: *mut ws_socket,
    text: *const c_char,
    len: usize,
) -> ws_result {
    #[cold]
    fn otherwise(socket: *mut ws_socket, text: *const c_void, len: usize) -> ws_result {
        let send = || {
            let entry = find_message_socket(socket)?;
            let text = pointer::text_bytes(text.cast(), len)?;
            Ok(entry.socket.send(MessageKind::Text, text)?)
        };
        answer(send())
    }
    let kind = |_: &Entry| MessageKind::Text;
    guard(WS_E_UNEXPECTED, move || send(socket, kind, text.cast(), len, otherwise))
}

/// Queues one whole binary message, whatever the control MESSAGE_TYPE says.
///
/// The bytes are copied, or have left, before this returns. Messages leave in the order in which
/// they were accepted; there is no completion, and a later failure arrives as closed.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty message.
/// @return WS_OK  the message was accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
///     that was begun with ws_send_nonfinal_frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
///     tell.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_binary(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
) -> ws_result {
    #[cold]
    fn otherwise(socket: *mut ws_socket, data: *const c_void, len: usize) -> ws_result {
        let send = || {
            let entry = find_message_socket(socket)?;
            let data = pointer::bytes(data, len)?;
            Ok(entry.socket.send(MessageKind::Binary, data)?)
        };
        answer(send())
    }
    let kind = |_: &Entry| MessageKind::Binary;
    guard(WS_E_UNEXPECTED, move || send(socket, kind, data, len, otherwise))
}

/// Queues one whole message, and tells when the system has taken it.
///
/// ws_cancel takes it back as long as none of it has left: it then completes with WS_E_ABORT. When
/// the connection ends first it completes with the reason, after a closing handshake with
/// WS_E_CLOSED.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] type  WS_MESSAGE_TYPE_BINARY or WS_MESSAGE_TYPE_UTF8.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty message.
/// @param[in] on_completed  kept until the operation has ended; NULL when nobody wants to know.
/// @param[in] user_data  kept and handed to on_completed; may be NULL.
/// @param[out] operation  its number, stored before on_completed can be called; may be NULL.
/// @return WS_OK  the message was accepted; on_completed will be called once.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  type is none of WS_MESSAGE_TYPE_…, or len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
///     that was begun with ws_send_nonfinal_frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text and data is not UTF-8; nothing was queued.
/// @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
///     tell.
/// @ownership  The caller keeps data; user_data must live until on_completed has returned.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_async(
    socket: *mut ws_socket,
    r#type: ws_message_type,
    data: *const c_void,
    len: usize,
    on_completed: ws_completed_fn,
    user_data: *mut c_void,
    operation: *mut ws_operation,
) -> ws_result {
    checked(|| {
        let entry = find_message_socket(socket)?;
        let kind = kind(r#type)?;
        let data = pointer::bytes(data, len)?;
        let completion = Completion::Event(cookie(on_completed, user_data));
        entry.socket.send_async(kind, data, completion, |number| {
            pointer::write_if_wanted(operation, number);
        })?;
        Ok(())
    })
}

/// Sends one whole message: waits for room in the send queue, and until the system has taken it.
///
/// After WS_E_TIMEOUT the message has been taken back, or, if some of it had left, goes on
/// leaving.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] type  WS_MESSAGE_TYPE_BINARY or WS_MESSAGE_TYPE_UTF8.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty message.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @return WS_OK  the system has taken the message.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  type is none of WS_MESSAGE_TYPE_…, or len is larger than PTRDIFF_MAX.
/// @return WS_E_REENTRANT  called on the I/O thread, where nothing may wait.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
///     that was begun with ws_send_nonfinal_frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed, its output is closed, or it closed while
///     the call waited.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text and data is not UTF-8; nothing was queued.
///     Or the server sent such text, and the connection ended.
/// @return WS_E_TIMEOUT  timeout_ms have passed; or, in WS_STATE_CLOSED, the connection timed out.
/// @return WS_E_ABORT  the connection was aborted or the socket freed while the call waited.
/// @return WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED  the connection was lost meanwhile.
/// @return WS_E_INVALID_PROTOCOL_FORMAT, WS_E_INVALID_PROTOCOL_OPERATION, WS_E_MESSAGE_TOO_BIG  the
///     server broke the protocol or a limit meanwhile.
/// @return WS_E_SERVER_UNREACHABLE, WS_E_SECURITY_CHANNEL_ERROR  the network or TLS failed
///     meanwhile.
/// @return WS_E_OUTOFMEMORY  memory ran out meanwhile.
/// @ownership  The caller keeps data.
/// @threads  Any thread; on the I/O thread WS_E_REENTRANT. Blocks for timeout_ms at most.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_wait(
    socket: *mut ws_socket,
    r#type: ws_message_type,
    data: *const c_void,
    len: usize,
    timeout_ms: u32,
) -> ws_result {
    checked(|| {
        let entry = SOCKETS.find(socket.addr()).ok_or(NOT_A_SOCKET)?;
        entry.socket.check_kind(SocketKind::Message)?;
        let kind = kind(r#type)?;
        let data = pointer::bytes(data, len)?;
        entry.socket.send_wait(kind, data, super::timeout(timeout_ms))??;
        Ok(())
    })
}

/// Queues whole messages of one type, one after the other, as many as there is room for.
///
/// It does what as many calls of ws_send_text or ws_send_binary would do, for less: the messages
/// leave together, and no other thread's message comes in between. The bytes are copied, or have
/// left, before this returns; there is no completion.
///
/// When they do not all fit into the send queue, the first ones are accepted, WS_E_WOULD_BLOCK is
/// answered, and on_send_ready will tell when to go on with messages + *accepted. A batch with a
/// mistake in any message is refused whole.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] type  WS_MESSAGE_TYPE_BINARY or WS_MESSAGE_TYPE_UTF8, of all of them.
/// @param[in] messages  count buffers, borrowed for the call as is what they point at; each is one
///     message, one of len 0 an empty one; may be NULL if count is 0.
/// @param[in] count  how many there are; 0 sends nothing.
/// @param[out] accepted  how many of them, from the first, were accepted; stored in every case, 0
///     when it is none; may be NULL.
/// @return WS_OK  all messages were accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  messages is NULL and count is not 0, or data of a message is NULL and its
///     len is not 0.
/// @return WS_E_INVALIDARG  type is none of WS_MESSAGE_TYPE_…, len of a message is larger than
///     PTRDIFF_MAX, or count is larger than any array of ws_buffer.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet or a stream socket, or a message
///     that was begun with ws_send_nonfinal_frame has not ended.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the type is text and a message is not UTF-8; nothing was
///     queued.
/// @return WS_E_WOULD_BLOCK  the send queue is full and took only the first *accepted messages,
///     perhaps none; on_send_ready will tell.
/// @ownership  The caller keeps messages and what they point at.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_batch(
    socket: *mut ws_socket,
    r#type: ws_message_type,
    messages: *const ws_buffer,
    count: usize,
    accepted: *mut usize,
) -> ws_result {
    checked(|| {
        pointer::write_if_wanted(accepted, 0);
        let entry = find_message_socket(socket)?;
        let kind = kind(r#type)?;
        let mut are_good = true;
        let look = |message: &[u8]| are_good &= is_good(kind, message);
        let messages = pointer::buffers(messages, count, look)?;
        let taken = entry.socket.send_batch(kind, are_good, messages)?;
        pointer::write_if_wanted(accepted, taken);
        if taken < count {
            return plain(
                WS_E_WOULD_BLOCK,
                c"the send queue is full; *accepted messages were queued",
            );
        }
        Ok(())
    })
}

/// Queues a frame of a message that goes on: the original's SendNonfinalFrameAsync.
///
/// The first frame begins a message of the type that the control MESSAGE_TYPE names, the following
/// ones continue it, and ws_send_final_frame ends it. Until then no whole message can be sent;
/// pings and a close frame can. A text may be cut anywhere, also inside a character. The receiver
/// sees one message; a frame may be cut further on its way. With compression the message is
/// compressed if its first frame is as large as COMPRESSION_THRESHOLD.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty frame.
/// @return WS_OK  the frame was accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a stream socket.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the message is text and data makes it invalid UTF-8;
///     nothing was queued, and the message can go on with other data.
/// @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
///     tell.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks; the frames of one message are best sent by one
///     thread. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_nonfinal_frame(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
) -> ws_result {
    checked(|| send_frame(socket, data, len, false))
}

/// Queues the last frame of a message: the original's SendFinalFrameAsync.
///
/// Without a ws_send_nonfinal_frame before it, it is a whole message of the type that the control
/// MESSAGE_TYPE names.
///
/// @param[in] socket  from ws_message_socket_new.
/// @param[in] data  borrowed for the call; may be NULL if len is 0.
/// @param[in] len  size of data in bytes; 0 sends an empty frame.
/// @return WS_OK  the frame was accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than PTRDIFF_MAX.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet, or a stream socket.
/// @return WS_E_CLOSED  the socket is closing or closed, or its output is closed.
/// @return WS_E_NO_UNICODE_TRANSLATION  the message is text and with data would end as invalid
///     UTF-8; nothing was queued, and the message can go on with other data.
/// @return WS_E_WOULD_BLOCK  the send queue is full and nothing was queued; on_send_ready will
///     tell.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_final_frame(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
) -> ws_result {
    checked(|| send_frame(socket, data, len, true))
}

fn send_frame(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
    is_final: bool,
) -> Result<(), Failure> {
    let entry = find_message_socket(socket)?;
    let data = pointer::bytes(data, len)?;
    let kind = kind_of_control(&entry);
    entry.socket.send_frame(kind, data, is_final)?;
    Ok(())
}

/// Sends a ping.
///
/// It overtakes messages that wait. The answer arrives as pong; while it is missing, the silence
/// that the control RECEIVE_TIMEOUT_MS allows ends the connection.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] data  what the server is to send back, borrowed for the call; may be NULL if len is
///     0.
/// @param[in] len  size of data in bytes, at most 125.
/// @return WS_OK  the ping was accepted.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @return WS_E_POINTER  data is NULL and len is not 0.
/// @return WS_E_INVALIDARG  len is larger than 125.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is not open yet.
/// @return WS_E_CLOSED  the socket is closing or closed.
/// @return WS_E_WOULD_BLOCK  16 pings wait to leave already.
/// @ownership  The caller keeps data.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_ping(socket: *mut ws_socket, data: *const c_void, len: usize) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let data = pointer::bytes(data, len)?;
        entry.socket.ping(data)?;
        Ok(())
    })
}

/// Cancels a connect, a read, or a message or write that has not begun to leave.
///
/// What is cancelled completes with WS_E_ABORT; after a message the connection lives on. An
/// operation that has begun to leave, has ended or never was is left alone.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] operation  WS_OPERATION_CONNECT, WS_OPERATION_READ, WS_OPERATION_WRITE, or the number
///     that ws_send_async gave.
/// @return WS_OK  it will complete with WS_E_ABORT if it still could be cancelled.
/// @return WS_E_HANDLE  socket is not a live socket.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_cancel(socket: *mut ws_socket, operation: ws_operation) -> ws_result {
    checked(|| {
        find_socket(socket)?.socket.cancel(operation)?;
        Ok(())
    })
}

/// Answers how many bytes wait to leave, frame headers included.
///
/// It is what the control SEND_QUEUE_LIMIT limits, and 0 when socket is not a live socket.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_buffered_amount(socket: *mut ws_socket) -> u64 {
    guard(0, || find_socket(socket).map_or(0, |entry| entry.socket.buffered_amount()))
}
