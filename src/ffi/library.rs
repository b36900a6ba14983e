//! The library: version, threads, log, shutdown, names of results.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use crate::base::trace::{self, Level};
use crate::client::{Misuse, runtime};

use super::callback;
use super::entry::{Handler, QUEUES, SOCKETS};
use super::guard::{self, checked, guard, plain};
use super::mapping;
use super::result::*;
use super::status::*;
use super::types::*;

const ABI_VERSION: u32 = 0;

/// Answers the version of the library that is loaded: 0xMMmmpp.
#[unsafe(no_mangle)]
pub extern "C" fn ws_version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// Answers the version as text, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn ws_version_string() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Answers the number that changes when programs must be compiled again.
#[unsafe(no_mangle)]
pub extern "C" fn ws_abi_version() -> u32 {
    ABI_VERSION
}

/// Sets how many I/O threads the first socket will start.
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_io_threads(count: u32) -> ws_result {
    checked(|| Ok(runtime::set_io_threads(count)?))
}

/// Registers a function that receives the lines of the log, or none.
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_log_callback(
    on_log: ws_log_fn,
    user_data: *mut c_void,
    level: ws_log_level,
) -> ws_result {
    checked(|| {
        if level > WS_LOG_DEBUG {
            return plain(WS_E_INVALIDARG, c"level is none of WS_LOG_...");
        }
        let handler = Handler { function: on_log, user_data };
        let sink = on_log.map(|_| {
            Arc::new(move |level, text: &str| log_line(handler, level, text)) as trace::Sink
        });
        trace::set_sink(sink, level);
        Ok(())
    })
}

fn log_line(handler: Handler<ws_log_fn>, level: Level, text: &str) {
    thread_local! {
        static BUSY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    let Some(function) = handler.function else { return };
    // A line that the callback itself causes is dropped instead of recursing.
    if BUSY.replace(true) {
        return;
    }
    let line = CString::new(text.replace('\0', " ")).unwrap_or_default();
    // SAFETY: the application registered a function of this type.
    callback::call(|| unsafe { function(level as ws_log_level, line.as_ptr(), handler.user_data) });
    BUSY.set(false);
}

/// Ends all sockets and queues, and joins every thread of the library.
#[unsafe(no_mangle)]
pub extern "C" fn ws_shutdown(timeout_ms: u32) -> ws_result {
    checked(|| {
        if callback::inside() || crate::reactor::mailbox::on_event_loop() {
            return plain(WS_E_REENTRANT, c"ws_shutdown cannot be called from a callback");
        }
        let deadline = super::deadline(timeout_ms);
        runtime::begin_shutdown();
        for handle in SOCKETS.handles() {
            if let Some(entry) = SOCKETS.remove(handle) {
                super::socket::end(&entry);
            }
        }
        if !runtime::end_shutdown(deadline) {
            return Err(Misuse::TimedOut.into());
        }
        // No thread is left that could post: what waits in queues are last words.
        for handle in QUEUES.handles() {
            if let Some(queue) = QUEUES.remove(handle) {
                for delivery in queue.close() {
                    delivery.call_released();
                }
            }
        }
        Ok(())
    })
}

/// Answers a sentence for the last failing call on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn ws_last_error_message() -> *const c_char {
    guard::last_sentence()
}

/// Answers the WebErrorStatus of a result: the original's WebSocketError.GetStatus.
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_web_error_status(result: ws_result) -> ws_web_error_status {
    guard(WS_WEB_ERROR_STATUS_UNKNOWN, || mapping::web_error_status(result))
}

/// Answers the name of a result, such as "WS_E_TIMEOUT".
#[unsafe(no_mangle)]
pub extern "C" fn ws_result_name(result: ws_result) -> *const c_char {
    mapping::result_name(result).as_ptr()
}

/// Answers the name of a WebErrorStatus, such as "WS_WEB_ERROR_STATUS_TIMEOUT".
#[unsafe(no_mangle)]
pub extern "C" fn ws_web_error_status_name(status: ws_web_error_status) -> *const c_char {
    web_error_status_name(status).as_ptr()
}

/// Answers the name of a phase, such as "WS_ERROR_PHASE_TLS".
#[unsafe(no_mangle)]
pub extern "C" fn ws_error_phase_name(phase: ws_error_phase) -> *const c_char {
    let name = match phase {
        WS_ERROR_PHASE_NONE => c"WS_ERROR_PHASE_NONE",
        WS_ERROR_PHASE_NAME => c"WS_ERROR_PHASE_NAME",
        WS_ERROR_PHASE_TCP => c"WS_ERROR_PHASE_TCP",
        WS_ERROR_PHASE_PROXY => c"WS_ERROR_PHASE_PROXY",
        WS_ERROR_PHASE_TLS => c"WS_ERROR_PHASE_TLS",
        WS_ERROR_PHASE_HTTP => c"WS_ERROR_PHASE_HTTP",
        WS_ERROR_PHASE_WEBSOCKET => c"WS_ERROR_PHASE_WEBSOCKET",
        WS_ERROR_PHASE_CLOSING => c"WS_ERROR_PHASE_CLOSING",
        _ => c"WS_ERROR_PHASE_(unknown)",
    };
    name.as_ptr()
}
