//! Sending: messages, pings, and taking back what has not left.

use std::ffi::{c_char, c_void};

use crate::client::Completion;
use crate::client::controls::Control;
use crate::protocol::MessageKind;

use super::delivery::cookie;
use super::entry::{NOT_A_SOCKET, SOCKETS, find_socket};
use super::guard::{Failure, checked, guard};
use super::pointer;
use super::result::*;
use super::types::*;

fn kind(message_type: u64) -> Result<MessageKind, Failure> {
    match u32::try_from(message_type) {
        Ok(WS_MESSAGE_TYPE_BINARY) => Ok(MessageKind::Binary),
        Ok(WS_MESSAGE_TYPE_UTF8) => Ok(MessageKind::Text),
        _ => Err(Failure::Plain(WS_E_INVALIDARG, c"type is none of WS_MESSAGE_TYPE_...")),
    }
}

/// Queues one message of the type that WS_CONTROL_MESSAGE_TYPE names.
#[unsafe(no_mangle)]
pub extern "C" fn ws_send(socket: *mut ws_socket, data: *const c_void, len: usize) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let data = pointer::bytes(data, len)?;
        let kind = kind(entry.socket.link.controls.integer(Control::MessageType))?;
        entry.socket.send(kind, data)?;
        Ok(())
    })
}

/// Queues one text message.
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_text(
    socket: *mut ws_socket,
    text: *const c_char,
    len: usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let text = pointer::bytes(text.cast(), len)?;
        entry.socket.send(MessageKind::Text, text)?;
        Ok(())
    })
}

/// Queues one binary message.
#[unsafe(no_mangle)]
pub extern "C" fn ws_send_binary(
    socket: *mut ws_socket,
    data: *const c_void,
    len: usize,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let data = pointer::bytes(data, len)?;
        entry.socket.send(MessageKind::Binary, data)?;
        Ok(())
    })
}

/// Queues one message and tells when it has left.
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
        let entry = find_socket(socket)?;
        let kind = kind(u64::from(r#type))?;
        let data = pointer::bytes(data, len)?;
        let completion = Completion::Event(cookie(on_completed, user_data));
        entry.socket.send_async(kind, data, completion, |number| {
            pointer::write_if_wanted(operation, number);
        })?;
        Ok(())
    })
}

/// Queues one message, waits for room if need be, and until it has left.
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
        let kind = kind(u64::from(r#type))?;
        let data = pointer::bytes(data, len)?;
        entry.socket.send_wait(kind, data, super::timeout(timeout_ms))??;
        Ok(())
    })
}

/// Sends a ping.
#[unsafe(no_mangle)]
pub extern "C" fn ws_ping(socket: *mut ws_socket, data: *const c_void, len: usize) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let data = pointer::bytes(data, len)?;
        entry.socket.ping(data)?;
        Ok(())
    })
}

/// Cancels a connect, or a message that has not begun to leave.
#[unsafe(no_mangle)]
pub extern "C" fn ws_cancel(socket: *mut ws_socket, operation: ws_operation) -> ws_result {
    checked(|| {
        find_socket(socket)?.socket.cancel(operation)?;
        Ok(())
    })
}

/// Answers how many bytes wait to leave.
#[unsafe(no_mangle)]
pub extern "C" fn ws_buffered_amount(socket: *mut ws_socket) -> u64 {
    guard(0, || find_socket(socket).map_or(0, |entry| entry.socket.buffered_amount()))
}
