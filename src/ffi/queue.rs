//! Event queues: events on a thread of yours, with callbacks or without.

use std::ffi::c_void;
use std::sync::Arc;

use crate::client::{Misuse, runtime};

use super::entry::{Handler, QUEUES, find_queue, find_socket};
use super::event_queue::{EventQueue, Refusal, say};
use super::guard::{Failure, checked, plain, watch_forks};
use super::pointer;
use super::result::*;
use super::taken::Taken;
use super::types::*;

/// Makes an event queue.
///
/// The first socket or queue starts the library's I/O threads. NULL means failure, about which
/// ws_last_error_message tells: no thread or handle could be had, or ws_shutdown is under way.
///
/// @ownership  The queue is yours until ws_event_queue_free or ws_shutdown.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_queue_new() -> *mut ws_event_queue {
    let mut made: *mut ws_event_queue = std::ptr::null_mut();
    let _ = checked(|| {
        watch_forks();
        let runtime = runtime::acquire()?;
        match QUEUES.insert(|handle| Arc::new(EventQueue::new(handle))) {
            Some(handle) => made = std::ptr::without_provenance_mut(handle),
            None => return plain(WS_E_OUTOFMEMORY, c"no handle is left"),
        }
        if !runtime::is_current(&runtime) {
            drop(QUEUES.remove(made.addr()));
            made = std::ptr::null_mut();
            return Err(Misuse::IllegalState("the library is shutting down").into());
        }
        Ok(())
    });
    made
}

/// Ends an event queue.
///
/// Events that wait in it are dropped, and so are later ones of its sockets, which need not be
/// freed before it; only released is still called, on the I/O thread. A thread that waits in
/// ws_event_queue_dispatch or ws_event_queue_next gets WS_E_ABORT.
///
/// @param[in] queue  the handle is stale as soon as the call begins. NULL is WS_OK and does
///     nothing.
/// @return WS_OK  it is freed.
/// @return WS_E_HANDLE  queue is not a live queue.
/// @return WS_E_REENTRANT  called inside a callback that this queue is just dispatching.
/// @ownership  The descriptor of ws_event_queue_get_wait_handle goes with the queue. Events that
///     were taken stay valid until ws_event_release.
/// @threads  Any thread, also inside callbacks other than this queue's. Outside callbacks it waits
///     for a wake hook that is running, and for nothing else: a callback that another thread
///     dispatches may still be running when this returns.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_queue_free(queue: *mut ws_event_queue) -> ws_result {
    checked(|| {
        if queue.is_null() {
            return Ok(());
        }
        if find_queue(queue)?.is_consumed_here() {
            return plain(WS_E_REENTRANT, c"queue is being dispatched by this thread");
        }
        let Some(queue) = QUEUES.remove(queue.addr()) else {
            return plain(WS_E_HANDLE, c"queue is not the handle of a live event queue");
        };
        say(queue.close());
        Ok(())
    })
}

/// Sends the events of a socket to a queue.
///
/// Without a queue callbacks run on the I/O thread. Several sockets may share one queue.
///
/// @param[in] socket  from ws_message_socket_new or ws_stream_socket_new.
/// @param[in] queue  from ws_event_queue_new; NULL for none.
/// @return WS_OK  the next connect uses the queue.
/// @return WS_E_HANDLE  socket is not a live socket, or queue is not a live queue.
/// @return WS_E_ILLEGAL_METHOD_CALL  the socket is connecting or connected.
/// @ownership  The queue stays yours and may be freed before the socket.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_set_event_queue(
    socket: *mut ws_socket,
    queue: *mut ws_event_queue,
) -> ws_result {
    checked(|| {
        let entry = find_socket(socket)?;
        let queue = if queue.is_null() { None } else { Some(find_queue(queue)?) };
        entry.configure(|handlers| handlers.queue = queue)
    })
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Busy => Failure::Plain(
            WS_E_INVALID_OPERATION,
            c"queue is in use: one call at a time takes events",
        ),
        Refusal::TimedOut => Misuse::TimedOut.into(),
        Refusal::Closed => Failure::Plain(WS_E_ABORT, c"queue was freed meanwhile"),
    }
}

/// Calls the handlers of the events that wait, on this thread.
///
/// It waits for the first event only, and drops events that have no handler. One thread at a time
/// takes events out of a queue.
///
/// @param[in] queue  from ws_event_queue_new.
/// @param[in] max_events  at most this many; 0 for all that were there when the first was found.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @param[out] dispatched  how many events were taken, dropped ones included; may be NULL.
///     Untouched on failure.
/// @return WS_OK  that many events were taken; 0 when none came in time.
/// @return WS_E_HANDLE  queue is not a live queue.
/// @return WS_E_REENTRANT  called on the I/O thread, and timeout_ms is not 0.
/// @return WS_E_INVALID_OPERATION  another thread takes events of this queue, or the call was made
///     inside a callback that this queue is just dispatching.
/// @return WS_E_ABORT  the queue was freed while the call waited.
/// @ownership  The caller owns dispatched.
/// @threads  Any thread, also inside callbacks of other queues; on the I/O thread with timeout_ms 0
///     only. Blocks for timeout_ms at most, and as long as your handlers run.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_queue_dispatch(
    queue: *mut ws_event_queue,
    max_events: usize,
    timeout_ms: u32,
    dispatched: *mut usize,
) -> ws_result {
    checked(|| {
        let queue = find_queue(queue)?;
        refuse_waiting_on_event_loop(timeout_ms)?;
        let count = queue.dispatch(max_events, super::deadline(timeout_ms)).map_err(refused)?;
        pointer::write_if_wanted(dispatched, count);
        Ok(())
    })
}

/// Takes one event out, without calling anything.
///
/// For languages that cannot be called from C. Every event of the queue's sockets comes, also
/// those without a handler, except validations, which need
/// ws_on_server_custom_validation_requested.
///
/// @param[in] queue  from ws_event_queue_new.
/// @param[out] event  the event; untouched on failure.
/// @param[in] timeout_ms  how long to wait, in milliseconds; 0 polls, WS_INFINITE waits for ever.
/// @return WS_OK  event is filled.
/// @return WS_E_HANDLE  queue is not a live queue.
/// @return WS_E_POINTER  event is NULL.
/// @return WS_E_REENTRANT  called on the I/O thread, and timeout_ms is not 0.
/// @return WS_E_INVALID_OPERATION  another thread takes events of this queue, or the call was made
///     inside a callback that this queue is just dispatching.
/// @return WS_E_TIMEOUT  no event came in time.
/// @return WS_E_ABORT  the queue was freed while the call waited.
/// @ownership  The event is yours until ws_event_release, also after its socket or queue was freed.
/// @threads  Any thread, also inside callbacks of other queues; on the I/O thread with timeout_ms 0
///     only. Blocks for timeout_ms at most.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_queue_next(
    queue: *mut ws_event_queue,
    event: *mut *mut ws_event,
    timeout_ms: u32,
) -> ws_result {
    checked(|| {
        let queue = find_queue(queue)?;
        if event.is_null() {
            return plain(WS_E_POINTER, c"event is NULL");
        }
        refuse_waiting_on_event_loop(timeout_ms)?;
        let taken = queue.next(super::deadline(timeout_ms)).map_err(refused)?;
        pointer::write(event, Box::into_raw(taken).cast(), c"event is NULL")
    })
}

fn refuse_waiting_on_event_loop(timeout_ms: u32) -> Result<(), Failure> {
    if timeout_ms != 0 && crate::reactor::mailbox::on_event_loop() {
        return Err(Misuse::Reentrant.into());
    }
    Ok(())
}

/// Gives an event back, and what it points at.
///
/// @param[in] event  from ws_event_queue_next; NULL does nothing.
/// @ownership  The event is not yours any more. A message that was retained stays.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_release(event: *mut ws_event) {
    if !event.is_null() {
        // SAFETY: the caller promises an event of ws_event_queue_next that it has not released;
        // such an event is the beginning of what `next` took.
        drop(unsafe { Box::from_raw(event.cast::<Taken>()) });
    }
}

/// Gives something that a loop of yours can wait for: it is readable while events wait.
///
/// A file descriptor for select, poll, epoll and their kin; on Windows the HANDLE of an event
/// object. Wait for it, never read, write or close it. The same one is given each time.
///
/// @param[in] queue  from ws_event_queue_new.
/// @param[out] handle  the descriptor or HANDLE; untouched on failure.
/// @return WS_OK  handle is filled.
/// @return WS_E_HANDLE  queue is not a live queue.
/// @return WS_E_POINTER  handle is NULL.
/// @return WS_E_OUTOFMEMORY  the system gave no descriptor.
/// @ownership  It belongs to the queue and goes with it.
/// @threads  Any thread, also inside callbacks. Never blocks.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_queue_get_wait_handle(
    queue: *mut ws_event_queue,
    handle: *mut isize,
) -> ws_result {
    checked(|| {
        let queue = find_queue(queue)?;
        if handle.is_null() {
            return plain(WS_E_POINTER, c"handle is NULL");
        }
        let Ok(found) = queue.wait_handle() else { return Err(Misuse::NoResources.into()) };
        pointer::write(handle, found, c"handle is NULL")
    })
}

/// Registers a hook that is called when the queue turns non-empty, in place of an earlier one.
///
/// It should do no more than wake your loop. It is not called for events that wait already. Called
/// outside callbacks, this waits for an earlier hook that is just running, so that what its
/// user_data points at may be freed afterwards.
///
/// @param[in] queue  from ws_event_queue_new.
/// @param[in] on_wake  kept; NULL for none.
/// @param[in] user_data  kept and handed to on_wake; may be NULL.
/// @return WS_OK  it is registered.
/// @return WS_E_HANDLE  queue is not a live queue.
/// @ownership  The caller keeps what user_data points at until the hook was replaced or the queue
///     freed.
/// @threads  Any thread, also inside callbacks. Waits for nothing but a running hook.
/// @since 0.1
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_queue_set_wake(
    queue: *mut ws_event_queue,
    on_wake: ws_wake_fn,
    user_data: *mut c_void,
) -> ws_result {
    checked(|| {
        find_queue(queue)?.set_wake(Handler { function: on_wake, user_data });
        Ok(())
    })
}
