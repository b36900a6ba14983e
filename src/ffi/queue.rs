//! Event queues: events on a thread of yours, with callbacks or without.

use std::ffi::c_void;
use std::sync::Arc;

use crate::client::{Misuse, runtime};

use super::entry::{Handler, QUEUES, find_queue, find_socket};
use super::event_queue::{EventQueue, Refusal, Taken};
use super::guard::{Failure, checked, plain, watch_forks};
use super::pointer;
use super::result::*;
use super::types::*;

/// Makes an event queue.
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
        let last_words = queue.close();
        if !last_words.is_empty()
            && let Ok(runtime) = runtime::acquire()
            && let Some(remote) = runtime.reactor.place()
        {
            remote.run(Box::new(move || {
                last_words.iter().for_each(|delivery| delivery.call_released());
            }));
        }
        Ok(())
    })
}

/// Sends the events of a socket to a queue.
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

/// Calls the handlers of the events that wait.
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

/// Takes one event.
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
        let taken = Box::into_raw(Box::new(taken));
        pointer::write(event, taken.cast(), c"event is NULL")
    })
}

fn refuse_waiting_on_event_loop(timeout_ms: u32) -> Result<(), Failure> {
    if timeout_ms != 0 && crate::reactor::mailbox::on_event_loop() {
        return Err(Misuse::Reentrant.into());
    }
    Ok(())
}

/// Gives an event back.
#[unsafe(no_mangle)]
pub extern "C" fn ws_event_release(event: *mut ws_event) {
    if !event.is_null() {
        // SAFETY: the caller promises an event of ws_event_queue_next that it has not released;
        // such an event is the beginning of what `next` took.
        drop(unsafe { Box::from_raw(event.cast::<Taken>()) });
    }
}

/// Gives a descriptor that is readable while events wait.
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

/// Registers a hook that is called when the queue turns non-empty.
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
