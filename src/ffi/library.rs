//! The library: version, threads, log, shutdown, names of results.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use crate::base::trace::{self, Level};
use crate::client::{Misuse, runtime};

use super::callback;
use super::data_reader::READERS;
use super::data_writer::WRITERS;
use super::entry::{Handler, QUEUES, SOCKETS};
use super::guard::{self, checked, guard, plain};
use super::mapping;
use super::result::*;
use super::status::*;
use super::types::*;

const ABI_VERSION: u32 = 0;

/// Answers the version of the library that is loaded: 0xMMmmpp.
///
/// WS_VERSION is that of the header; they differ when a program meets another library at run time.
///
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks and in the child of a fork. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// Answers the version of the library that is loaded as text, such as "0.1.0".
///
/// @ownership  The text belongs to the library and lives as long as it is loaded.
/// @threads  Any thread, also inside callbacks and in the child of a fork. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_version_string() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Answers the number that changes when programs must be compiled again.
///
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks and in the child of a fork. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_abi_version() -> u32 {
    ABI_VERSION
}

/// Sets how many I/O threads the first socket or queue will start.
///
/// Sockets are spread over them; the callbacks of one socket always come from the same one. The
/// default is 1, and is in force again after ws_shutdown.
///
/// @param[in] count  from 1 to 64.
/// @return WS_OK  the next start uses that many.
/// @return WS_E_INVALIDARG  count is out of range.
/// @return WS_E_ILLEGAL_METHOD_CALL  the threads have been started already, or are just ending.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_io_threads(count: u32) -> ws_result {
    checked(|| Ok(runtime::set_io_threads(count)?))
}

/// Registers the function that receives the lines of the log, in place of an earlier one.
///
/// A line that the function itself causes is dropped. Called outside callbacks, this waits for
/// calls of an earlier function that are just running, so that what its user_data points at may be
/// freed afterwards.
///
/// @param[in] on_log  kept; NULL turns the log off.
/// @param[in] user_data  kept and handed to on_log; may be NULL.
/// @param[in] level  the most talkative level that is wanted, one of WS_LOG_…; WS_LOG_OFF for
///     none.
/// @return WS_OK  lines go to on_log from now on.
/// @return WS_E_INVALIDARG  level is none of WS_LOG_….
/// @ownership  The caller keeps what user_data points at until the function was replaced.
/// @threads  Any thread, also inside callbacks. Waits for nothing but a running call of the earlier
///     function.
/// @since 0.1
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
        let old = trace::set_sink(sink, level);
        // Its user data may be freed once this returns, so nobody may be inside any more; inside a
        // callback that cannot be waited for.
        if let Some(old) = old
            && !callback::inside()
        {
            while Arc::strong_count(&old) > 1 {
                std::thread::yield_now();
            }
        }
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

/// Ends all sockets as ws_socket_free does, then all queues, and joins every thread of the
/// library.
///
/// Nothing new can be made while it is under way, also not after it has timed out; calling it
/// again goes on waiting. After WS_OK every handle is stale, every released callback has run
/// (those of queues on this thread), and the library may be unloaded or used afresh. Without
/// anything to end it is WS_OK at once. Threads of yours inside ws_event_queue_dispatch are not
/// waited for.
///
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @return WS_OK  no thread of the library is left.
/// @return WS_E_REENTRANT  called inside a callback.
/// @return WS_E_TIMEOUT  a callback or the system's name lookup has not returned; do not unload.
/// @ownership  Sockets, queues, data writers and data readers are gone after WS_OK; retained
///     messages and events stay yours.
/// @threads  Any thread, not inside callbacks. Blocks for timeout_ms at most.
/// @since 0.1
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
        // Those of now: once it has ended, another thread may make new ones at any moment.
        let queues = QUEUES.handles();
        let (writers, readers) = (WRITERS.handles(), READERS.handles());
        if !runtime::end_shutdown(deadline) {
            return Err(Misuse::TimedOut.into());
        }
        // No thread is left that could post: what waits in queues are last words.
        for handle in queues {
            if let Some(queue) = QUEUES.remove(handle) {
                for delivery in queue.close() {
                    delivery.call_released();
                }
            }
        }
        writers.into_iter().for_each(|handle| drop(WRITERS.remove(handle)));
        readers.into_iter().for_each(|handle| drop(READERS.remove(handle)));
        Ok(())
    })
}

/// Answers a sentence in English about the last call on this thread that failed.
///
/// It says what was wrong with which argument, or how the network failed. Calls that succeed leave
/// it as it is; it is empty before the first failure. Programs decide by codes: the words may
/// change.
///
/// @ownership  The text belongs to the library and lives until the next failing call on this
///     thread.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_last_error_message() -> *const c_char {
    guard::last_sentence()
}

/// Answers the WebErrorStatus of a result: the original's WebSocketError.GetStatus.
///
/// Every number has one; WS_OK, and what is no result of ours, is WS_WEB_ERROR_STATUS_UNKNOWN.
///
/// @param[in] result  any number.
/// @ownership  Nothing is handed over.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_get_web_error_status(result: ws_result) -> ws_web_error_status {
    guard(WS_WEB_ERROR_STATUS_UNKNOWN, || mapping::web_error_status(result))
}

/// Answers the name of a result, such as "WS_E_TIMEOUT".
///
/// An HTTP status without a constant is "WS_E_HTTP_STATUS_(other)", any other number without one
/// "WS_E_(unknown)".
///
/// @param[in] result  any number.
/// @ownership  The text belongs to the library and lives as long as it is loaded.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_result_name(result: ws_result) -> *const c_char {
    mapping::result_name(result).as_ptr()
}

/// Answers the name of a WebErrorStatus, such as "WS_WEB_ERROR_STATUS_TIMEOUT".
///
/// A number without a name is "WS_WEB_ERROR_STATUS_(unknown)".
///
/// @param[in] status  any number.
/// @ownership  The text belongs to the library and lives as long as it is loaded.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_web_error_status_name(status: ws_web_error_status) -> *const c_char {
    web_error_status_name(status).as_ptr()
}

/// Answers the name of a phase, such as "WS_ERROR_PHASE_TLS".
///
/// A number without a name is "WS_ERROR_PHASE_(unknown)".
///
/// @param[in] phase  any number.
/// @ownership  The text belongs to the library and lives as long as it is loaded.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
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
