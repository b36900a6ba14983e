//! Events: handlers, messages, the judgement of certificates, and pulling instead.

use std::ffi::c_void;

use crate::base::lock::lock;
use crate::client::Misuse;
use crate::client::inbox::End;

use super::entry::{Handler, find_socket};
use super::guard::{Failure, checked, guard, plain};
use super::message;
use super::pointer;
use super::result::*;
use super::types::*;
use super::validation;

/// Registers what is called with each message.
#[unsafe(no_mangle)]
pub extern "C" fn ws_on_message_received(
    socket: *mut ws_socket,
    on_message_received: ws_message_received_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        let handler = Handler { function: on_message_received, user_data };
        find_socket(socket)?.configure(|handlers| handlers.message = handler)
    })
}

/// Registers what is called when the connection has ended.
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

/// Registers what is asked whether the server's certificate is accepted.
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

/// Registers what is called when the send queue has room again.
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

/// Registers what is called when a ping is answered.
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

/// Registers what is called last of all.
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

/// Keeps a message past its callback.
#[unsafe(no_mangle)]
pub extern "C" fn ws_message_retain(message: *const ws_message) -> *mut ws_message {
    guard(std::ptr::null_mut(), || message::retain(message))
}

/// Gives a kept message back.
#[unsafe(no_mangle)]
pub extern "C" fn ws_message_release(message: *mut ws_message) {
    message::release(message);
}

/// Takes the next message of a socket that has neither a message handler nor a queue.
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

/// Lets the answer to a validation come later.
#[unsafe(no_mangle)]
pub extern "C" fn ws_validation_get_deferral(validation: *mut ws_validation) -> ws_result {
    checked(|| validation::take_deferral(validation))
}

/// Answers a validation.
#[unsafe(no_mangle)]
pub extern "C" fn ws_validation_complete(validation: *mut ws_validation, accept: u8) -> ws_result {
    checked(|| validation::answer(validation, accept != 0))
}

/// Rejects the server's certificate.
#[unsafe(no_mangle)]
pub extern "C" fn ws_validation_reject(validation: *mut ws_validation) -> ws_result {
    checked(|| validation::answer(validation, false))
}
