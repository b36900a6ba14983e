//! Sequences of calls over the whole C API, from the program and from inside callbacks, on live and
//! stale handles, against servers of every behaviour on the loopback. What comes of them depends on
//! the network and its timing, but not what the header promises: see `ledger`.
#![no_main]

use std::ffi::{CString, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyws::ffi::controls::*;
use anyws::ffi::data_reader::*;
use anyws::ffi::events::*;
use anyws::ffi::information::*;
use anyws::ffi::library::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::statistics::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;
use anyws_fuzz::ledger::{
    Event, Ledger, Operation, call, dispatch, dispatching, is_inside, read_through,
};
use anyws_fuzz::world::{
    self, Handle, World, expect, free_handle, ledger, note_event, operation, pick, release_event,
    shared, world,
};
use anyws_fuzz::{Choices, Counted, site};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static COUNTED: Counted = Counted;

/// What threads that are just ending may still hold, and tables that grow with the first use.
const MUCH: isize = 32 * 1024;
/// After this something is stuck.
const PATIENCE: Duration = Duration::from_secs(20);
const TIMEOUTS: [u32; 4] = [0, 0, 1, 5];
const MAX_SOCKETS: usize = 6;
const MAX_CALLS: usize = 60;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let ending = choices.byte();
    for _ in 0..MAX_CALLS {
        if choices.is_empty() {
            break;
        }
        step(&mut choices);
    }
    end(ending);
});

fn step(choices: &mut Choices) {
    let (what, which) = (choices.byte(), choices.byte());
    match what % 32 {
        0..=2 => make_socket(which, choices),
        3 => make_queue(),
        4 => free_queue(which),
        5..=7 => take_events(which, choices),
        8 => {
            let event = world().events.pop();
            release_event(event);
        }
        9 => handle_queue(which, choices.byte()),
        10..=12 => world::writer(which, choices),
        13 | 14 => world::reader(which, choices),
        15 if which == 0xff => shut_down(),
        _ => {
            let Some(ledger) = ledger(which) else { return make_socket(which, choices) };
            match what % 32 {
                15 | 16 => ledger.free(),
                17..=20 => connect(&ledger, choices.byte(), choices.byte()),
                21 => settle(&ledger),
                22 => finish(&ledger),
                _ => drop(use_socket(&ledger, choices.byte(), choices)),
            }
        }
    }
}

fn make_socket(set: u8, choices: &mut Choices) {
    if world().ledgers.len() >= MAX_SOCKETS {
        return;
    }
    let is_stream = set & 1 != 0;
    let handle = call(|| if is_stream { ws_stream_socket_new() } else { ws_message_socket_new() });
    assert!(!handle.is_null());
    let len = choices.below(8);
    let queue = pick(|world| &world.queues, set >> 5).filter(|_| set & 8 != 0);
    let mut ledger = Ledger::new(choices.take(len).to_vec(), handle);
    ledger.is_stream = is_stream;
    ledger.hears_closed = set & 2 == 0;
    ledger.queue = queue.filter(|queue| queue.is_live).map(|queue| queue.value);
    let ledger = Arc::new(ledger);
    let user_data = ledger.user_data();
    let ok = |result| assert_eq!(result, WS_OK);
    ok(ledger.on(|s| ws_set_user_data(s, user_data)));
    ok(ledger.on(|s| ws_on_released(s, Some(released), user_data)));
    if set & 2 == 0 {
        ok(ledger.on(|s| ws_on_closed(s, Some(closed), user_data)));
        ok(ledger.on(|s| ws_on_pong(s, Some(pong), user_data)));
        ok(ledger.on(|s| ws_on_send_ready(s, Some(send_ready), user_data)));
    }
    if set & 4 == 0 && !is_stream {
        ok(ledger.on(|s| ws_on_message_received(s, Some(message_received), user_data)));
    }
    if let Some(queue) = queue {
        expect(queue, call(|| ws_set_event_queue(handle, queue.value as _)), &[WS_OK]);
    }
    // A small queue, so that there is an end to it.
    if set & 16 != 0 {
        ok(ledger.on(|s| ws_set_control(s, WS_CONTROL_SEND_QUEUE_LIMIT, 4096)));
    }
    world().ledgers.push(ledger);
}

fn connect(ledger: &Arc<Ledger>, path: u8, how: u8) {
    let path = site::PATHS[usize::from(path) % site::PATHS.len()];
    let uri = CString::new(format!("{}{path}", site::address())).expect("an address");
    if how & 3 == 3 {
        let timeout_ms = TIMEOUTS[usize::from(how >> 2 & 3)];
        if ledger.on(|s| ws_connect_wait(s, uri.as_ptr(), timeout_ms)) == WS_OK {
            ledger.is_opened.store(true, SeqCst);
        }
        return;
    }
    begin(ledger, Vec::new(), |s, operation| {
        ws_connect(s, uri.as_ptr(), Some(completed), operation.user_data())
    });
}

/// Begins something that completes.
fn begin(
    ledger: &Arc<Ledger>,
    buffer: Vec<u8>,
    body: impl FnOnce(*mut ws_socket, &Operation) -> ws_result,
) -> ws_result {
    let operation = Operation::new(ledger, buffer);
    world().operations.push(Arc::clone(&operation));
    // It may have completed before the call returns.
    let result = ledger.on(|s| body(s, &operation));
    operation.is_accepted.store(result == WS_OK, SeqCst);
    operation.is_accounted_for();
    result
}

/// What can be done with a socket at any time, from anywhere.
fn use_socket(ledger: &Arc<Ledger>, what: u8, choices: &mut Choices) -> ws_result {
    let argument = choices.byte();
    let timeout_ms = TIMEOUTS[usize::from(argument % 4)];
    let text = choices.take(usize::from(argument / 4) % 16);
    let (data, len) = (text.as_ptr().cast::<c_void>(), text.len());
    let mut buffer = vec![0u8; 1 + usize::from(argument) * 16];
    let (room, capacity) = (buffer.as_mut_ptr().cast::<c_void>(), buffer.len());
    let (mut count, kind) = (0usize, u32::from(argument >> 2 & 1));
    match what % 30 {
        0 | 1 => ledger.on(|s| ws_send_text(s, data.cast(), len)),
        2 => ledger.on(|s| ws_send_binary(s, room, capacity)),
        3 => ledger.on(|s| ws_send(s, data, len)),
        4 | 5 => begin(ledger, Vec::new(), |s, operation| {
            let mut number = 0;
            let user_data = operation.user_data();
            let result = ws_send_async(s, kind, data, len, Some(completed), user_data, &mut number);
            ledger.operation.store(number, SeqCst);
            result
        }),
        6 => ledger.on(|s| ws_send_wait(s, kind, data, len, timeout_ms)),
        7 => ledger.on(|s| ws_send_nonfinal_frame(s, data, len)),
        8 => ledger.on(|s| ws_send_final_frame(s, data, len)),
        9 => ledger.on(|s| ws_ping(s, data, len)),
        10 => ledger.on(|s| ws_cancel(s, ledger.operation.load(SeqCst))),
        11 => ledger.on(|s| ws_cancel(s, argument.into())),
        12 => ledger.on(|s| ws_close(s, 1000 + u16::from(argument % 16), c"bye".as_ptr())),
        13 => ledger.on(|s| ws_close(s, 0, null())),
        14 => ledger.on(|s| ws_close_wait(s, 1000, null(), timeout_ms)),
        15 => ledger.on(|s| ws_abort(s)),
        16 | 17 => {
            let mut message = null_mut();
            let result = ledger.on(|s| ws_receive(s, &mut message, timeout_ms));
            if result == WS_OK {
                read_through(message);
                world().messages.push(message as usize);
            }
            result
        }
        18 | 19 if ledger.is_stream => begin(ledger, buffer, |s, operation| {
            let (room, options) =
                (operation.buffer.as_ptr().cast_mut().cast(), u32::from(argument & 1));
            let user_data = operation.user_data();
            ws_read(s, room, operation.buffer.len(), options, Some(completed), user_data)
        }),
        20 => ledger.on(|s| ws_read_wait(s, room, capacity, 1, timeout_ms, &mut count)),
        21 if ledger.is_stream => begin(ledger, buffer, |s, operation| {
            let data = operation.buffer.as_ptr().cast();
            ws_write(s, data, operation.buffer.len(), Some(completed), operation.user_data())
        }),
        22 => ledger.on(|s| ws_write_wait(s, data, len, timeout_ms, &mut count)),
        23 => ledger.on(|s| ws_set_control(s, argument.into(), u64::from(what / 30) * 100)),
        24 => ledger.on(|s| ws_set_request_header(s, c"X-A".as_ptr(), c"b".as_ptr())),
        25 => ledger.on(|s| ws_set_control_string(s, argument.into(), c"a, b".as_ptr())),
        26 => ledger.on(|s| {
            let information = u32::from(argument % 18);
            let _ = ws_get_information_bytes(s, information, 0, room, capacity, &mut count);
            ws_get_information_string(s, information, room.cast(), capacity, &mut count)
        }),
        27 => ledger.on(|s| {
            // SAFETY: numbers and arrays of numbers.
            let mut statistics: ws_statistics = unsafe { std::mem::zeroed() };
            statistics.struct_size = size_of::<ws_statistics>() as u32;
            ws_get_statistics(s, &mut statistics)
        }),
        28 => ledger.on(|s| {
            // SAFETY: likewise.
            let mut error: ws_error = unsafe { std::mem::zeroed() };
            error.struct_size = size_of::<ws_error>() as u32;
            ws_get_error(s, &mut error)
        }),
        _ => ledger.on(|s| {
            let state = ws_get_state(s);
            assert!(state <= WS_STATE_CLOSED && ws_buffered_amount(s) < 1 << 30);
            ws_set_credential(s, u32::from(argument & 3), c"user".as_ptr(), c"pass".as_ptr())
        }),
    }
}

/// What a callback does. Whatever it is, it may.
fn act(ledger: &Arc<Ledger>, message: *const ws_message) {
    let byte = ledger.script.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let Some(byte) = byte else { return };
    assert!(is_inside());
    match byte % 64 {
        0..=3 => ledger.free(),
        4 | 5 => {
            if let Some(other) = world::ledger(byte / 4) {
                other.free();
            }
        }
        6 => connect(ledger, byte / 8, byte / 64),
        7..=10 if !message.is_null() => {
            let kept = call(|| ws_message_retain(message));
            assert!(!kept.is_null());
            world().messages.push(kept as usize);
        }
        11 if !message.is_null() => {
            let reader = call(|| ws_data_reader_from_message(message));
            let freed = call(|| ws_data_reader_free(reader));
            // The library is shut down just now, perhaps.
            assert!(freed == WS_OK || freed == WS_E_HANDLE && !ledger.is_there());
        }
        12 => assert_eq!(call(|| ws_shutdown(0)), WS_E_REENTRANT),
        13 | 14 if !dispatching().is_null() => {
            let queue = dispatching();
            let freed = call(|| ws_event_queue_free(queue));
            assert!(freed == WS_E_REENTRANT || freed == WS_E_HANDLE, "{freed:#x}");
            let taken = call(|| ws_event_queue_dispatch(queue, 0, 0, null_mut()));
            assert!(taken == WS_E_INVALID_OPERATION || taken == WS_E_HANDLE, "{taken:#x}");
        }
        15 => {
            let socket = call(|| ws_message_socket_new());
            let freed = call(|| ws_socket_free(socket));
            assert!(freed == WS_OK || freed == WS_E_HANDLE && !ledger.is_there());
            assert!(socket.is_null() || call(|| ws_socket_free(socket)) == WS_E_HANDLE);
        }
        16 => take_events(byte, &mut Choices::new(&[0])),
        17 | 18 => {
            if let Some(writer) = pick(|world| &world.writers, byte) {
                world::use_writer(writer, &mut Choices::new(&[byte / 8, 3, 1, 2, 3]));
            }
        }
        _ => drop(use_socket(ledger, byte, &mut Choices::new(b"\x17hello"))),
    }
}

extern "C-unwind" fn completed(
    _: *mut ws_socket,
    number: ws_operation,
    result: ws_result,
    _: u64,
    user_data: *mut c_void,
) {
    let operation = operation(user_data);
    let ledger = &operation.ledger;
    ledger.called(Event::Completed(number, result), || {
        operation.complete();
        act(ledger, null());
    });
}

extern "C-unwind" fn message_received(
    _: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut c_void,
) {
    let ledger = shared(user_data);
    ledger.called(Event::Message, || {
        read_through(message);
        act(&ledger, message);
        // It stays readable until this returns, whatever was done.
        read_through(message);
    });
}

extern "C-unwind" fn closed(_: *mut ws_socket, _: *const ws_closed, user_data: *mut c_void) {
    let ledger = shared(user_data);
    ledger.called(Event::Closed, || act(&ledger, null()));
}

extern "C-unwind" fn pong(_: *mut ws_socket, _: u64, user_data: *mut c_void) {
    let ledger = shared(user_data);
    ledger.called(Event::Pong, || act(&ledger, null()));
}

extern "C-unwind" fn send_ready(_: *mut ws_socket, user_data: *mut c_void) {
    let ledger = shared(user_data);
    ledger.called(Event::SendReady, || act(&ledger, null()));
}

extern "C-unwind" fn released(_: *mut ws_socket, user_data: *mut c_void) {
    let ledger = shared(user_data);
    ledger.called(Event::Released, || {});
}

extern "C-unwind" fn wake(_: *mut ws_event_queue, _: *mut c_void) {}

fn make_queue() {
    if world().queues.len() < 3 {
        let queue = call(|| ws_event_queue_new());
        assert!(!queue.is_null());
        world().queues.push(Handle { value: queue as usize, is_live: true });
    }
}

fn free_queue(which: u8) {
    if let Some(queue) = pick(|world| &world.queues, which) {
        free_handle(|world| &mut world.queues, queue, |queue| ws_event_queue_free(queue as _));
    }
}

fn take_events(which: u8, choices: &mut Choices) {
    let Some(handle) = pick(|world| &world.queues, which) else { return };
    let (queue, how) = (handle.value as *mut ws_event_queue, choices.byte());
    // On the I/O thread nothing may wait; elsewhere these are few.
    let timeout_ms = if is_inside() { 0 } else { TIMEOUTS[usize::from(how >> 1 & 3)] };
    if how & 1 == 0 {
        let max_events = usize::from(how >> 3);
        let result =
            dispatch(queue, || ws_event_queue_dispatch(queue, max_events, timeout_ms, null_mut()));
        return expect(handle, result, &[WS_OK, WS_E_INVALID_OPERATION]);
    }
    let mut event = null_mut();
    let result = call(|| ws_event_queue_next(queue, &mut event, timeout_ms));
    if result != WS_OK {
        return expect(handle, result, &[WS_E_TIMEOUT, WS_E_INVALID_OPERATION]);
    }
    assert!(handle.is_live);
    note_event(event);
    match how & 0x80 {
        0 => release_event(Some(event as usize)),
        _ => world().events.push(event as usize),
    }
}

fn handle_queue(which: u8, how: u8) {
    let Some(handle) = pick(|world| &world.queues, which) else { return };
    let queue = handle.value as *mut ws_event_queue;
    let mut waitable = 0;
    let result = call(|| match how & 1 {
        0 => {
            ws_event_queue_set_wake(queue, if how & 2 == 0 { Some(wake) } else { None }, null_mut())
        }
        _ => ws_event_queue_get_wait_handle(queue, &mut waitable),
    });
    expect(handle, result, &[WS_OK]);
}

/// Until its connect has ended, if that takes no longer than a moment.
fn settle(ledger: &Ledger) {
    let begun = Instant::now();
    let is_connecting = || call(|| ws_get_state(ledger.handle())) == WS_STATE_CONNECTING;
    while is_connecting() && begun.elapsed() < Duration::from_millis(20) {
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// Every operation of a connection that is dropped completes, and then it is told that it is over.
fn finish(ledger: &Ledger) {
    let is_told = ledger.hears_closed
        && ledger
            .queue
            .is_none_or(|queue| world().queues.iter().any(|one| one.value == queue && one.is_live));
    if !is_told || !ledger.is_opened.load(SeqCst) {
        return;
    }
    let dropped = ledger.on(|s| ws_abort(s));
    wait(|| ledger.closed.load(SeqCst) == 1 || !ledger.is_there());
    if !ledger.is_there() {
        return;
    }
    assert_eq!((dropped, ledger.closed.load(SeqCst)), (WS_OK, 1));
    for operation in &world().operations {
        // What had arrived can be read after the end.
        if operation.buffer.is_empty() && operation.ledger.user_data() == ledger.user_data() {
            let is_accepted = operation.is_accepted.load(SeqCst);
            assert_eq!(operation.completed.load(SeqCst), u32::from(is_accepted), "completed");
        }
    }
}

/// Dispatches what there is, until it is so.
fn wait(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "nothing happens");
        let queues = world().queues.clone();
        for queue in queues.into_iter().filter(|queue| queue.is_live) {
            let queue = queue.value as *mut ws_event_queue;
            dispatch(queue, || ws_event_queue_dispatch(queue, 0, 0, null_mut()));
        }
        std::thread::sleep(Duration::from_micros(50));
    }
}

fn shut_down() {
    // Callbacks that still run find their handles stale before it returns.
    world().ledgers.iter().for_each(|ledger| ledger.begin_end());
    // What is released is told here.
    assert_eq!(dispatch(null_mut(), || ws_shutdown(PATIENCE.as_millis() as u32)), WS_OK);
    let mut world = world();
    world.ledgers.iter().for_each(|ledger| ledger.end());
    let World { queues, writers, readers, .. } = &mut *world;
    for handle in queues.iter_mut().chain(writers).chain(readers) {
        handle.is_live = false;
    }
}

fn end(how: u8) {
    if how & 0x0f == 0x0f {
        shut_down();
    }
    let free_queues = || (0..3).for_each(free_queue);
    if how & 0x10 != 0 {
        free_queues();
    }
    let mut ledgers = world().ledgers.clone();
    if how & 0x20 != 0 {
        ledgers.reverse();
    }
    ledgers.iter().for_each(|ledger| ledger.free());
    if how & 0x40 != 0 {
        free_queues();
    }
    wait(|| ledgers.iter().all(|ledger| ledger.is_over()));
    free_queues();
    world::clear();
    if how & 0x0f == 0x0f {
        nothing_is_left();
    }
}

/// After a shutdown no more is in use than after the first ones.
fn nothing_is_left() {
    static USED: Mutex<(u32, isize)> = Mutex::new((0, 0));
    wait(|| site::connections() == 0);
    let now = Counted::bytes_in_use();
    let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    used.0 += 1;
    if used.0 <= 20 {
        used.1 = used.1.max(now);
    }
    assert!(now <= used.1 + MUCH, "{now} bytes, after {} shutdowns; {} before", used.0, used.1);
}

/// LeakSanitizer looks while the threads run, and misses now and then what one of them holds.
#[unsafe(no_mangle)]
extern "C" fn __lsan_is_turned_off() -> c_int {
    1
}
