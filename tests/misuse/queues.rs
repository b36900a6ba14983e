//! Event queues at the wrong moment: while they are dispatched, from a second thread, and on the
//! I/O thread.

use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::places::{KINDS, Kind, Place};
use crate::sheet::{Answer, Sheet};
use crate::subjects::assert_alive;

fn pointer_of(queue: usize) -> *mut ws_event_queue {
    std::ptr::without_provenance_mut(queue)
}

fn dispatch(queue: usize, timeout_ms: u32) -> Answer {
    let mut count = 77;
    let answer = ws_event_queue_dispatch(pointer_of(queue), 0, timeout_ms, &raw mut count);
    assert_eq!(count, if answer == WS_OK { 0 } else { 77 }, "untouched on failure");
    Answer::Result(answer)
}

fn next(queue: usize, timeout_ms: u32) -> Answer {
    let mut event = std::ptr::dangling_mut();
    let answer = ws_event_queue_next(pointer_of(queue), &raw mut event, timeout_ms);
    assert_eq!(event, std::ptr::dangling_mut(), "untouched on failure");
    Answer::Result(answer)
}

/// Every call on a queue without events, as it is answered there.
fn calls_on_empty(queue: usize, is_on_io_thread: bool, what: &dyn std::fmt::Display) -> Sheet {
    let mut sheet = Sheet::default();
    let or_reentrant =
        |answer| Answer::Result(if is_on_io_thread { WS_E_REENTRANT } else { answer });
    let ok = Answer::Result(WS_OK);
    let pointer = Answer::Result(WS_E_POINTER);
    let q = pointer_of(queue);
    sheet.cell(what, ok, "", &mut || dispatch(queue, 0));
    sheet.cell(what, or_reentrant(WS_OK), "", &mut || dispatch(queue, 1));
    sheet.cell(what, Answer::Result(WS_E_TIMEOUT), "timeout_ms", &mut || next(queue, 0));
    sheet.cell(what, or_reentrant(WS_E_TIMEOUT), "", &mut || next(queue, 1));
    sheet.cell(what, pointer, "event", &mut || {
        Answer::Result(ws_event_queue_next(q, std::ptr::null_mut(), 0))
    });
    sheet.cell(what, pointer, "handle", &mut || {
        Answer::Result(ws_event_queue_get_wait_handle(q, std::ptr::null_mut()))
    });
    let mut first = 0;
    sheet.cell(what, ok, "", &mut || {
        Answer::Result(ws_event_queue_get_wait_handle(q, &raw mut first))
    });
    sheet.cell(what, ok, "", &mut || {
        let mut again = 0;
        let answer = ws_event_queue_get_wait_handle(q, &raw mut again);
        assert_eq!(again, first, "the same one each time");
        Answer::Result(answer)
    });
    sheet.cell(what, ok, "", &mut || {
        Answer::Result(ws_event_queue_set_wake(q, None, std::ptr::null_mut()))
    });
    sheet.cell(what, ok, "", &mut || Answer::Result(ws_event_queue_free(q)));
    sheet.cell(what, Answer::Result(WS_E_HANDLE), "queue", &mut || {
        Answer::Result(ws_event_queue_free(q))
    });
    sheet
}

#[test]
fn a_queue_without_events_answers_from_every_place() {
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        let is_on_io_thread = place.is_on_io_thread();
        let queue = ws_event_queue_new().addr();
        sheet.add(place.run(move || {
            calls_on_empty(queue, is_on_io_thread, &format_args!("empty queue, {kind:?}"))
        }));
        assert_alive();
    }
    sheet.pass(KINDS.len() * 11);
}

#[test]
fn a_queue_that_is_being_dispatched_refuses_to_be_entered_or_freed_inside() {
    let place = Place::new(Kind::Dispatcher);
    let queue = place.queue.addr();
    let mut sheet = place.run(move || {
        let mut sheet = Sheet::default();
        let busy = Answer::Result(WS_E_INVALID_OPERATION);
        for timeout_ms in [0, 1, WS_INFINITE] {
            let what = format_args!("inside its own dispatch, {timeout_ms}");
            sheet.cell(&what, busy, "queue", &mut || dispatch(queue, timeout_ms));
            sheet.cell(&what, busy, "queue", &mut || next(queue, timeout_ms));
        }
        sheet.cell(&"free inside", Answer::Result(WS_E_REENTRANT), "queue", &mut || {
            Answer::Result(ws_event_queue_free(pointer_of(queue)))
        });
        // Another thread may not enter either.
        let other = std::thread::spawn(move || {
            let mut sheet = Sheet::default();
            sheet.cell(&"a second thread", busy, "queue", &mut || dispatch(queue, WS_INFINITE));
            sheet.cell(&"a second thread", busy, "queue", &mut || next(queue, WS_INFINITE));
            sheet
        });
        sheet.add(other.join().unwrap());
        sheet
    });
    // Outside it is a queue like any other.
    sheet.cell(&"afterwards", Answer::Result(WS_OK), "", &mut || dispatch(queue, 0));
    sheet.pass(10);
}

#[test]
fn another_thread_may_free_a_queue_that_is_being_dispatched() {
    let place = Place::new(Kind::Dispatcher);
    let queue = place.queue.addr();
    let freed = place.run(move || {
        std::thread::spawn(move || ws_event_queue_free(pointer_of(queue))).join().unwrap()
    });
    assert_eq!(freed, WS_OK);
    assert_eq!(ws_event_queue_free(pointer_of(queue)), WS_E_HANDLE);
    assert_alive();
}

#[test]
fn freeing_a_queue_wakes_the_thread_that_waits_in_it() {
    for takes in [dispatch as fn(usize, u32) -> Answer, next] {
        let queue = ws_event_queue_new().addr();
        let busy = Answer::Result(WS_E_INVALID_OPERATION);
        let waiting = std::thread::spawn(move || {
            // The other thread, which looks whether this one is inside, may be there first.
            loop {
                match takes(queue, WS_INFINITE) {
                    answer if answer == busy => {}
                    answer => return answer,
                }
            }
        });
        assert!(crate::support::server::eventually(|| dispatch(queue, 0) == busy));
        assert_eq!(ws_event_queue_free(pointer_of(queue)), WS_OK);
        let answer = waiting.join().unwrap();
        assert_eq!(answer, Answer::Result(WS_E_ABORT));
    }
}
