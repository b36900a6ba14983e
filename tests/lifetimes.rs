//! When things end: free inside callbacks and from other threads, callbacks that free each other's
//! sockets, what is retained, and that nothing is left behind after ten thousand rounds.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::ffi::{CString, c_void};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use anyws::ffi::events::*;
use anyws::ffi::library::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, MODES, Mode, Told};
use support::server::{self, BOTH, Server, Tls, eventually};
use support::told::bytes_of;
use tungstenite::Message;

/// What a test wants done in its callbacks, and what they saw.
struct Stage {
    on_message: Box<dyn Fn(*mut ws_socket, *const ws_message) + Send + Sync>,
    told: Mutex<Sender<&'static str>>,
}

impl Stage {
    fn tell(&self, what: &'static str) {
        let _ = self.told.lock().unwrap().send(what);
    }
}

unsafe fn stage<'a>(user_data: *mut c_void) -> &'a Stage {
    unsafe { &*user_data.cast::<Stage>() }
}

unsafe extern "C-unwind" fn on_message(
    socket: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut c_void,
) {
    let stage = unsafe { stage(user_data) };
    (stage.on_message)(socket, message);
    stage.tell("message");
}

unsafe extern "C-unwind" fn on_closed(
    _: *mut ws_socket,
    _: *const ws_closed,
    user_data: *mut c_void,
) {
    unsafe { stage(user_data) }.tell("closed");
}

unsafe extern "C-unwind" fn on_released(_: *mut ws_socket, user_data: *mut c_void) {
    unsafe { stage(user_data) }.tell("released");
}

/// A connected socket whose callbacks run on the I/O thread.
fn staged(
    uri: &str,
    on_message_do: impl Fn(*mut ws_socket, *const ws_message) + Send + Sync + 'static,
) -> (*mut ws_socket, Receiver<&'static str>) {
    let (told, seen) = channel();
    let stage = Box::new(Stage { on_message: Box::new(on_message_do), told: Mutex::new(told) });
    // Lives as long as the process: a callback too many must be seen, not crash.
    let user_data = Box::into_raw(stage).cast();
    let socket = ws_message_socket_new();
    assert_eq!(ws_on_message_received(socket, Some(on_message), user_data), WS_OK);
    assert_eq!(ws_on_closed(socket, Some(on_closed), user_data), WS_OK);
    assert_eq!(ws_on_released(socket, Some(on_released), user_data), WS_OK);
    let uri = CString::new(uri).unwrap();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 10_000), WS_OK);
    (socket, seen)
}

fn text(socket: *mut ws_socket, text: &str) -> ws_result {
    ws_send_text(socket, text.as_ptr().cast(), text.len())
}

#[test]
fn a_socket_may_free_itself_inside_its_callback() {
    let server = Server::echo(Tls::No);
    for _ in 0..200 {
        let (socket, seen) = staged(&server.uri(), |socket, message| {
            assert_eq!(ws_socket_free(socket), WS_OK);
            assert_eq!(ws_socket_free(socket), WS_E_HANDLE);
            assert_eq!(ws_get_state(socket), WS_STATE_NONE);
            assert_eq!(text(socket, "late"), WS_E_HANDLE);
            // The message is still good until the callback returns.
            assert_eq!(unsafe { bytes_of(message) }, b"one");
        });
        assert_eq!(text(socket, "one"), WS_OK);
        // They may all be in one segment: only the first is delivered.
        let _ = text(socket, "two");
        let _ = text(socket, "three");
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("message"));
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("released"));
        assert_eq!(ws_socket_free(socket), WS_E_HANDLE);
        assert_eq!(seen.try_recv().ok(), None);
    }
}

#[test]
fn two_callbacks_free_each_others_sockets() {
    let server = Server::echo(Tls::No);
    for _ in 0..200 {
        let other: [Arc<AtomicPtr<ws_socket>>; 2] = Default::default();
        let pair: Vec<_> = other
            .iter()
            .map(|other| {
                let other = Arc::clone(other);
                staged(&server.uri(), move |_, _| {
                    let result = ws_socket_free(other.load(SeqCst));
                    assert!(result == WS_OK || result == WS_E_HANDLE);
                })
            })
            .collect();
        other[0].store(pair[1].0, SeqCst);
        other[1].store(pair[0].0, SeqCst);
        assert_eq!(text(pair[0].0, "x"), WS_OK);
        let _ = text(pair[1].0, "x");
        // Whoever came first freed the other; the survivor is freed here.
        let last = |seen: &Receiver<&'static str>| -> &'static str {
            seen.recv_timeout(DEADLINE).expect("something in time")
        };
        let mut first = (last(&pair[0].1), ws_socket_free(pair[0].0));
        if first.0 == "message" {
            first.0 = last(&pair[0].1);
        }
        assert_eq!(first.0, "released");
        let mut second = (last(&pair[1].1), ws_socket_free(pair[1].0));
        if second.0 == "message" {
            second.0 = last(&pair[1].1);
        }
        assert_eq!(second.0, "released");
        assert!(pair[0].1.try_recv().is_err() && pair[1].1.try_recv().is_err());
    }
}

#[test]
fn free_from_another_thread_waits_for_the_callback_and_for_nothing_else() {
    let server = Server::echo(Tls::No);
    for _ in 0..50 {
        let inside = Arc::new(AtomicBool::new(false));
        let let_go = Arc::new(AtomicBool::new(false));
        let left = Arc::new(AtomicBool::new(false));
        let (in_callback, going, gone) =
            (Arc::clone(&inside), Arc::clone(&let_go), Arc::clone(&left));
        let (socket, seen) = staged(&server.uri(), move |_, _| {
            in_callback.store(true, SeqCst);
            assert!(eventually(|| going.load(SeqCst)));
            gone.store(true, SeqCst);
        });
        assert_eq!(text(socket, "x"), WS_OK);
        assert!(eventually(|| inside.load(SeqCst)));
        let releaser = std::thread::spawn({
            let let_go = Arc::clone(&let_go);
            move || {
                // The handle ends at once, while free still waits.
                assert!(eventually(|| true));
                let_go.store(true, SeqCst);
            }
        });
        assert_eq!(ws_socket_free(socket), WS_OK);
        assert!(left.load(SeqCst), "free returned while the callback was running");
        releaser.join().unwrap();
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("message"));
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("released"));
    }
}

#[test]
fn no_callback_begins_after_free_returned_under_load() {
    let server = Server::start(Tls::No, |peer| {
        for number in 0..100_000u32 {
            if peer.write(Message::binary(number.to_be_bytes().to_vec())).is_err() {
                return;
            }
        }
        let _ = peer.flush();
        while peer.read().is_ok() {}
    });
    for round in 0..60 {
        let freed = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let (was_freed, counted) = (Arc::clone(&freed), Arc::clone(&count));
        let (socket, seen) = staged(&server.uri(), move |_, _| {
            assert!(!was_freed.load(SeqCst), "a callback began after free had returned");
            counted.fetch_add(1, SeqCst);
        });
        assert!(eventually(|| count.load(SeqCst) > round * 50));
        assert_eq!(ws_socket_free(socket), WS_OK);
        freed.store(true, SeqCst);
        loop {
            match seen.recv_timeout(DEADLINE).expect("released in time") {
                "released" => break,
                told => assert_eq!(told, "message"),
            }
        }
    }
}

#[test]
fn free_wakes_the_threads_that_wait_in_the_library() {
    // The server neither answers the close frame nor reads.
    let server = Server::raw(Tls::No, |mut stream| {
        server::upgrade(&mut stream);
        stream.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = stream.tcp().peek(&mut [0]);
        std::thread::park_timeout(DEADLINE);
    });
    let client = Client::trusting(Mode::Pull);
    let uri = CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect_wait(client.socket, uri.as_ptr(), 10_000), WS_OK);
    let socket = client.socket.addr();
    let as_socket = move || std::ptr::without_provenance_mut::<ws_socket>(socket);
    let (entered, entering) = channel();
    let receiver = std::thread::spawn({
        let entered = entered.clone();
        move || {
            entered.send(Some(unsafe { libc::gettid() })).unwrap();
            let mut message = std::ptr::null_mut();
            ws_receive(as_socket(), &raw mut message, WS_INFINITE)
        }
    });
    let sender = std::thread::spawn(move || {
        entered.send(None).unwrap();
        let big = vec![0u8; 60 << 20];
        ws_send_wait(
            as_socket(),
            WS_MESSAGE_TYPE_BINARY,
            big.as_ptr().cast(),
            big.len(),
            WS_INFINITE,
        )
    });
    let mut threads = [(); 2].map(|()| entering.recv_timeout(DEADLINE).unwrap()).into_iter();
    let receiving = threads.find_map(|thread| thread).unwrap();
    // Inside the call it sleeps, and before it does not.
    let stat = format!("/proc/self/task/{receiving}/stat");
    assert!(eventually(|| std::fs::read_to_string(&stat).unwrap().contains(") S ")));
    assert!(eventually(|| ws_buffered_amount(client.socket) > 0));
    assert_eq!(client.free(), []);
    assert_eq!(receiver.join().unwrap(), WS_E_ABORT);
    assert_eq!(sender.join().unwrap(), WS_E_ABORT);
}

#[test]
fn a_retained_message_outlives_its_callback_its_socket_and_its_neighbours() {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let server = Server::echo(Tls::No);
    let (socket, seen) = staged(&server.uri(), |_, message| {
        let kept = ws_message_retain(message);
        assert!(!kept.is_null());
        let again = ws_message_retain(kept);
        assert_eq!(again, kept, "a retained message is shared, not copied");
        ws_message_release(again);
        KEPT.lock().unwrap().push(kept.expose_provenance());
    });
    let sizes = [0usize, 1, 500, 70_000, 2 << 20];
    for (number, size) in sizes.iter().enumerate() {
        let bytes = vec![number as u8 + 1; *size];
        assert_eq!(ws_send_binary(socket, bytes.as_ptr().cast(), bytes.len()), WS_OK);
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("message"));
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    assert_eq!(seen.recv_timeout(DEADLINE), Ok("released"));
    let kept = std::mem::take(&mut *KEPT.lock().unwrap());
    assert_eq!(kept.len(), sizes.len());
    for (number, (kept, size)) in kept.into_iter().zip(sizes).enumerate() {
        let message: *mut ws_message = std::ptr::with_exposed_provenance_mut(kept);
        let bytes = unsafe { bytes_of(message) };
        assert!(bytes.len() == size && bytes.iter().all(|byte| usize::from(*byte) == number + 1));
        ws_message_release(message);
    }
}

#[test]
fn an_event_outlives_its_socket() {
    let server = Server::start(Tls::No, |peer| {
        peer.send(Message::text("kept")).unwrap();
        while peer.read().is_ok() {}
    });
    let queue = ws_event_queue_new();
    let socket = ws_message_socket_new();
    assert_eq!(ws_set_event_queue(socket, queue), WS_OK);
    let uri = CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect(socket, uri.as_ptr(), None, std::ptr::null_mut()), WS_OK);
    let next = || {
        let mut event = std::ptr::null_mut();
        assert_eq!(ws_event_queue_next(queue, &raw mut event, 10_000), WS_OK);
        event
    };
    let connected = next();
    assert_eq!(unsafe { (*connected).r#type }, WS_EVENT_COMPLETED);
    let message = next();
    assert_eq!(ws_socket_free(socket), WS_OK);
    let released = next();
    assert_eq!(unsafe { (*released).r#type }, WS_EVENT_RELEASED);
    assert_eq!(ws_event_queue_free(queue), WS_OK);
    assert_eq!(unsafe { (*message).socket }, socket);
    assert_eq!(unsafe { bytes_of((*message).message) }, b"kept");
    for event in [connected, message, released] {
        ws_event_release(event);
    }
}

#[test]
fn a_queue_tells_that_it_is_not_empty_and_that_it_is() {
    static WAKES: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C-unwind" fn wake(_: *mut ws_event_queue, _: *mut c_void) {
        WAKES.fetch_add(1, SeqCst);
    }
    let server = Server::echo(Tls::No);
    let queue = ws_event_queue_new();
    assert_eq!(ws_event_queue_set_wake(queue, Some(wake), std::ptr::null_mut()), WS_OK);
    let mut handle = -1;
    assert_eq!(ws_event_queue_get_wait_handle(queue, &raw mut handle), WS_OK);
    let is_readable = |timeout_ms| {
        let mut poll = libc::pollfd { fd: handle as i32, events: libc::POLLIN, revents: 0 };
        unsafe { libc::poll(&raw mut poll, 1, timeout_ms) == 1 }
    };
    let dispatch = |max_events, timeout_ms| {
        let mut count = usize::MAX;
        assert_eq!(ws_event_queue_dispatch(queue, max_events, timeout_ms, &raw mut count), WS_OK);
        count
    };
    assert!(!is_readable(0));
    assert_eq!(dispatch(0, 0), 0);
    let socket = ws_message_socket_new();
    assert_eq!(ws_set_event_queue(socket, queue), WS_OK);
    let uri = CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect(socket, uri.as_ptr(), None, std::ptr::null_mut()), WS_OK);
    assert!(is_readable(10_000));
    assert!(eventually(|| WAKES.load(SeqCst) == 1));
    assert_eq!(dispatch(0, 10_000), 1);
    assert!(!is_readable(0));
    for number in 1..=3 {
        for _ in 0..10 {
            assert_eq!(text(socket, "x"), WS_OK);
        }
        let mut there = 0;
        while there < 10 {
            assert!(is_readable(10_000));
            there += dispatch(4, 10_000);
        }
        assert_eq!(there, 10);
        assert!(!is_readable(0), "round {number}");
    }
    assert!(eventually(|| WAKES.load(SeqCst) >= 4));
    assert_eq!(ws_socket_free(socket), WS_OK);
    assert!(is_readable(10_000));
    assert_eq!(dispatch(1, 10_000), 1);
    assert_eq!(ws_event_queue_free(queue), WS_OK);
    assert_eq!(ws_event_queue_free(queue), WS_E_HANDLE);
}

#[test]
fn one_thread_at_a_time_takes_from_a_queue() {
    let queue = ws_event_queue_new().addr();
    let as_queue = move || std::ptr::without_provenance_mut::<ws_event_queue>(queue);
    let stop = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (stop, refused) = (Arc::clone(&stop), Arc::clone(&refused));
            std::thread::spawn(move || {
                while !stop.load(SeqCst) {
                    match ws_event_queue_dispatch(as_queue(), 0, 1, std::ptr::null_mut()) {
                        WS_OK => {}
                        WS_E_INVALID_OPERATION => drop(refused.fetch_add(1, SeqCst)),
                        other => panic!("{other:x}"),
                    }
                }
            })
        })
        .collect();
    assert!(eventually(|| refused.load(SeqCst) > 10));
    stop.store(true, SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(ws_event_queue_free(as_queue()), WS_OK);
}

#[test]
fn eight_threads_send_on_one_socket_and_each_keeps_its_order() {
    for tls in BOTH {
        let server = Server::echo(tls);
        let client = Client::connected(Mode::Dispatch, &server.uri());
        let socket = client.socket.addr();
        const EACH: u32 = 2_000;
        std::thread::scope(|scope| {
            for thread in 0..8u32 {
                scope.spawn(move || {
                    let socket = std::ptr::without_provenance_mut::<ws_socket>(socket);
                    for number in 0..EACH {
                        let mut bytes = [thread.to_be_bytes(), number.to_be_bytes()].concat();
                        bytes.resize(8 + (number as usize * 37) % 700, thread as u8);
                        let sent = ws_send_wait(
                            socket,
                            WS_MESSAGE_TYPE_BINARY,
                            bytes.as_ptr().cast(),
                            bytes.len(),
                            20_000,
                        );
                        assert_eq!(sent, WS_OK);
                    }
                });
            }
        });
        let mut next = [0u32; 8];
        for _ in 0..8 * EACH {
            let (_, bytes) = client.next_message();
            let thread = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            let number = u32::from_be_bytes(bytes[4..8].try_into().unwrap());
            assert_eq!(number, next[thread]);
            assert_eq!(bytes.len(), 8 + (number as usize * 37) % 700);
            assert!(bytes[8..].iter().all(|byte| usize::from(*byte) == thread));
            next[thread] += 1;
        }
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Runs alone in a process of its own, for it counts what the whole process holds.
#[test]
fn ten_thousand_rounds_leave_nothing_behind() {
    if std::env::var_os("ANYWS_TEST_ALONE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["ten_thousand_rounds_leave_nothing_behind", "--exact", "--nocapture"])
            .env("ANYWS_TEST_ALONE", "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    // One thread serves all, so that only the library's own threads come and go.
    let server = Server::one_at_a_time(server::echo);
    let round = |number: usize| {
        let client = Client::connected(MODES[number % 2], &server.uri());
        assert_eq!(client.send_text("round"), WS_OK);
        assert_eq!(client.next_text(), "round");
        match number % 4 {
            0 => {
                assert_eq!(client.close(1000, ""), WS_OK);
                assert!(client.next_closed().was_clean);
            }
            1 => {
                assert_eq!(ws_abort(client.socket), WS_OK);
                assert_eq!(client.next_closed().result, WS_E_ABORT);
            }
            _ => {}
        }
        let rest = client.free();
        assert!(rest.iter().all(|told| matches!(told, Told::Closed(_))), "{rest:?}");
    };
    (0..1_000).for_each(round);
    let settled = |what: fn() -> usize, before: usize| {
        assert!(eventually(|| what() <= before), "{} > {before}", what());
    };
    let (fds, tasks, memory) = (descriptors(), threads(), resident_kib());
    (0..10_000).for_each(round);
    settled(descriptors, fds);
    settled(threads, tasks);
    let grown = resident_kib().saturating_sub(memory);
    assert!(grown <= 2048, "{grown} KiB more than before");
    assert_eq!(ws_shutdown(10_000), WS_OK);
    settled(threads, tasks - 1);
}
