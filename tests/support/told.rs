//! What callbacks were told, on its way to the test: the callbacks themselves, and the thread that
//! does what a game does once per frame.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use anyws::ffi::events::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::types::*;

use super::client::{Closed, Mode, Told};

pub unsafe extern "C-unwind" fn completed(
    _: *mut ws_socket,
    operation: ws_operation,
    result: ws_result,
    bytes: u64,
    user_data: *mut c_void,
) {
    tell(user_data, Told::Completed { operation, result, bytes });
}

pub(super) unsafe extern "C-unwind" fn message_received(
    _: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut c_void,
) {
    tell(user_data, unsafe { told_of(message) });
}

pub unsafe fn told_of(message: *const ws_message) -> Told {
    let (kind, is_complete) = unsafe { ((*message).r#type, (*message).is_complete) };
    let bytes = unsafe { bytes_of(message) };
    match is_complete {
        0 => Told::Portion(kind, bytes),
        1 => Told::Message(kind, bytes),
        other => panic!("is_complete is {other}"),
    }
}

/// Also checks what every message promises.
pub unsafe fn bytes_of(message: *const ws_message) -> Vec<u8> {
    let message = unsafe { &*message };
    assert!(!message.data.is_null());
    assert_eq!(unsafe { *message.data.add(message.len) }, 0, "a zero stands behind the message");
    unsafe { std::slice::from_raw_parts(message.data, message.len) }.to_vec()
}

pub(super) unsafe extern "C-unwind" fn closed(
    _: *mut ws_socket,
    closed: *const ws_closed,
    user_data: *mut c_void,
) {
    tell(user_data, Told::Closed(unsafe { copy_closed(closed) }));
}

pub(super) unsafe fn copy_closed(closed: *const ws_closed) -> Closed {
    let closed = unsafe { &*closed };
    let reason = unsafe { std::slice::from_raw_parts(closed.reason.cast(), closed.reason_length) };
    assert_eq!(unsafe { *closed.reason.add(closed.reason_length) }, 0);
    Closed {
        result: closed.result,
        code: closed.code,
        reason: reason.to_vec(),
        was_clean: closed.was_clean == 1,
        by_peer: closed.by_peer == 1,
    }
}

pub(super) unsafe extern "C-unwind" fn pong(
    _: *mut ws_socket,
    round_trip_us: u64,
    user_data: *mut c_void,
) {
    tell(user_data, Told::Pong(round_trip_us));
}

pub(super) unsafe extern "C-unwind" fn send_ready(_: *mut ws_socket, user_data: *mut c_void) {
    tell(user_data, Told::SendReady);
}

pub(super) unsafe extern "C-unwind" fn released(_: *mut ws_socket, user_data: *mut c_void) {
    tell(user_data, Told::Released);
}

pub(super) unsafe extern "C-unwind" fn accept(
    _: *mut ws_socket,
    validation: *mut ws_validation,
    user_data: *mut c_void,
) {
    tell(user_data, Told::Validation(validation.addr()));
}

pub(super) unsafe extern "C-unwind" fn reject(
    _: *mut ws_socket,
    validation: *mut ws_validation,
    user_data: *mut c_void,
) {
    assert_eq!(ws_validation_reject(validation), WS_OK);
    assert_eq!(ws_validation_reject(validation), WS_E_ILLEGAL_METHOD_CALL);
    tell(user_data, Told::Validation(validation.addr()));
}

pub(super) unsafe extern "C-unwind" fn defer(
    _: *mut ws_socket,
    validation: *mut ws_validation,
    user_data: *mut c_void,
) {
    assert_eq!(ws_validation_get_deferral(validation), WS_OK);
    tell(user_data, Told::Validation(validation.addr()));
}

pub(super) fn tell(user_data: *mut c_void, told: Told) {
    // Its own: whoever hears of *released* may free the other before `send` has returned.
    let teller = unsafe { &*user_data.cast::<Sender<Told>>() }.clone();
    let _ = teller.send(told);
}

/// A thread that does what a game does once per frame.
/// Whether the thread that takes events is to wait, and whether it does.
#[derive(Default)]
pub(super) struct Hold {
    pub is_wanted: AtomicBool,
    pub is_waiting: AtomicBool,
}

pub(super) fn pump(
    queue: *mut ws_event_queue,
    mode: Mode,
    hold: Arc<Hold>,
) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let queue = AtomicPtr::new(queue);
    let thread = std::thread::spawn(move || {
        let queue = queue.into_inner();
        while !stopped.load(Ordering::SeqCst) {
            let waits = hold.is_wanted.load(Ordering::SeqCst);
            hold.is_waiting.store(waits, Ordering::SeqCst);
            if waits {
                std::thread::yield_now();
                continue;
            }
            match mode {
                Mode::Dispatch => {
                    let mut count = 0;
                    assert_eq!(ws_event_queue_dispatch(queue, 0, 1, &raw mut count), WS_OK);
                }
                _ => {
                    let mut event = std::ptr::null_mut();
                    match ws_event_queue_next(queue, &raw mut event, 1) {
                        WS_OK => {
                            retell(unsafe { &*event });
                            ws_event_release(event);
                        }
                        result => assert_eq!(result, WS_E_TIMEOUT),
                    }
                }
            }
        }
    });
    (stop, thread)
}

fn retell(event: &ws_event) {
    let told = match event.r#type {
        WS_EVENT_COMPLETED => {
            Told::Completed { operation: event.operation, result: event.result, bytes: event.bytes }
        }
        WS_EVENT_MESSAGE_RECEIVED => unsafe { told_of(event.message) },
        WS_EVENT_CLOSED => Told::Closed(unsafe { copy_closed(event.closed) }),
        WS_EVENT_PONG => Told::Pong(event.round_trip_us),
        WS_EVENT_SEND_READY => Told::SendReady,
        WS_EVENT_SERVER_CUSTOM_VALIDATION_REQUESTED => Told::Validation(event.validation.addr()),
        WS_EVENT_RELEASED => Told::Released,
        other => panic!("an unknown event: {other}"),
    };
    tell(event.user_data, told);
}
