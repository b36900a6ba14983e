//! Sockets: made, connected, closed, freed.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::lock::lock;
use crate::client::{Completion, Misuse, Socket, State, runtime};

use super::callback;
use super::delivery::{Deliverer, Delivery, cookie};
use super::entry::{Entry, NOT_A_SOCKET, SOCKETS, find_socket};
use super::guard::{Failure, checked, guard, plain, watch_forks};
use super::pointer;
use super::result::*;
use super::types::*;

/// Makes a socket for messages.
#[unsafe(no_mangle)]
pub extern "C" fn ws_message_socket_new() -> *mut ws_socket {
    let mut made: *mut ws_socket = std::ptr::null_mut();
    let _ = checked(|| {
        watch_forks();
        let runtime = runtime::acquire()?;
        let insert =
            || SOCKETS.insert(|handle| Arc::new(Entry::new(handle, Socket::new(runtime.clone()))));
        match insert() {
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
    let delivery = Delivery::new(Arc::clone(entry), handlers);
    entry.socket.free(Arc::new(Deliverer(delivery)));
}

fn find_shared(socket: *mut ws_socket) -> Result<Arc<Entry>, Failure> {
    SOCKETS.find(socket.addr()).map(|entry| Arc::clone(&entry)).ok_or(NOT_A_SOCKET)
}

fn uri_of<'a>(uri: *const c_char) -> Result<&'a str, Failure> {
    pointer::text(uri, c"uri is NULL", c"uri is not UTF-8")
}

/// Starts to connect.
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
        let delivery = Delivery::new(Arc::clone(&entry), handlers.clone());
        let completion = Completion::Event(cookie(on_completed, user_data));
        // Under the lock: no handler changes between the copy and the change of state.
        entry.socket.connect(uri, Arc::new(Deliverer(delivery)), validates, Some(completion))?;
        Ok(())
    })
}

/// Connects, and waits for it.
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
        let delivery = Delivery::new(Arc::clone(&entry), handlers);
        let sink = Arc::new(Deliverer(delivery));
        let timeout = super::timeout(timeout_ms);
        entry.socket.connect_wait(uri, sink, validates, timeout)??;
        Ok(())
    })
}

/// Starts the closing handshake.
#[unsafe(no_mangle)]
pub extern "C" fn ws_close(socket: *mut ws_socket, code: u16, reason: *const c_char) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        entry.socket.close(code, pointer::optional_bytes(reason))?;
        Ok(())
    })
}

/// Closes, and waits until the connection has ended.
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
#[unsafe(no_mangle)]
pub extern "C" fn ws_abort(socket: *mut ws_socket) -> ws_result {
    checked(|| {
        find_socket(socket)?.socket.abort()?;
        Ok(())
    })
}

/// Answers where the socket stands.
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
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_user_data(socket: *mut ws_socket, user_data: *mut c_void) -> ws_result {
    checked(|| {
        find_socket(socket)?.user_data.store(user_data, Ordering::Release);
        Ok(())
    })
}

/// Answers the pointer of ws_set_user_data.
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_user_data(socket: *mut ws_socket) -> *mut c_void {
    guard(std::ptr::null_mut(), || {
        find_socket(socket).map_or(std::ptr::null_mut(), |entry| entry.user_data())
    })
}
