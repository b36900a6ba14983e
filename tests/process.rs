//! What the library does to its process: forks, signals, exit, shutdown. Each scenario has a
//! process of its own, which is this test's program again; its servers stay in the first one.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "misuse/functions.rs"]
#[allow(dead_code)]
mod functions;
#[path = "misuse/sheet.rs"]
#[allow(dead_code)]
mod sheet;
#[path = "misuse/subjects.rs"]
#[allow(dead_code)]
mod subjects;

use std::ffi::{CStr, CString, c_void};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyws::ffi::controls::*;
use anyws::ffi::data_reader::{ws_data_reader_free, ws_data_reader_new};
use anyws::ffi::data_writer::{ws_data_writer_free, ws_data_writer_new};
use anyws::ffi::events::*;
use anyws::ffi::library::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;
use sheet::Answer;
use subjects::socket_of;
use support::DEADLINE;
use support::client::last_error_message;
use support::server::{BOTH, Server, Tls, eventually, eventually_within, pki};

const ALONE: &str = "ANYWS_TEST_ALONE";
const URIS: &str = "ANYWS_TEST_URIS";
const AUTHORITY: &str = "ANYWS_TEST_AUTHORITY";

/// Whether this is the process that the test `name` has started for itself.
fn is_alone(name: &str) -> bool {
    std::env::var(ALONE).is_ok_and(|alone| alone == name)
}

/// Runs the test `name` of this program in a process of its own.
fn alone(name: &str, servers: &[&Server]) -> Output {
    let uris: Vec<String> = servers.iter().map(|server| server.uri()).collect();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .env(URIS, uris.join(" "))
        .env(AUTHORITY, &pki().ca_pem)
        .output()
        .unwrap()
}

fn assert_success(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}\n{text}", output.status);
    // Otherwise the name was wrong and nothing ran.
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

/// Of the servers in the first process, in their order.
fn uris() -> Vec<CString> {
    let uris = std::env::var(URIS).unwrap();
    uris.split(' ').map(|uri| CString::new(uri).unwrap()).collect()
}

fn new_socket() -> *mut ws_socket {
    let socket = ws_message_socket_new();
    assert!(!socket.is_null(), "{}", last_error_message());
    let pem = std::env::var(AUTHORITY).unwrap();
    let control = WS_CONTROL_TRUSTED_CERTIFICATES;
    assert_eq!(ws_set_control_bytes(socket, control, pem.as_ptr().cast(), pem.len()), WS_OK);
    assert_eq!(ws_set_control(socket, WS_CONTROL_TRUST_SYSTEM_STORE, 0), WS_OK);
    socket
}

fn connect(socket: *mut ws_socket, uri: &CStr) {
    let result = ws_connect_wait(socket, uri.as_ptr(), 30_000);
    assert_eq!(result, WS_OK, "{}", last_error_message());
}

fn connected(uri: &CStr) -> *mut ws_socket {
    let socket = new_socket();
    connect(socket, uri);
    socket
}

/// There and back, for a socket that is pulled from.
fn assert_echoes(socket: *mut ws_socket) {
    let mut message = null_mut();
    assert_eq!(ws_send_text(socket, c"hello".as_ptr(), 5), WS_OK);
    assert_eq!(ws_receive(socket, &raw mut message, 30_000), WS_OK);
    assert_eq!(unsafe { (*message).len }, 5);
    ws_message_release(message);
}

/// Waits for a child of a fork; how it ended.
fn reap(child: libc::pid_t, limit: Duration) -> libc::c_int {
    let mut status = 0;
    let reaped = eventually_within(limit, || unsafe {
        libc::waitpid(child, &raw mut status, libc::WNOHANG) == child
    });
    if !reaped {
        unsafe { libc::kill(child, libc::SIGKILL) };
        panic!("the child hangs");
    }
    status
}

/// In the child: does `body`, says whether it went well, and nothing else of the program.
fn fork(body: impl FnOnce() -> u8) -> libc::pid_t {
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        unsafe { libc::_exit(outcome.unwrap_or(255).into()) };
    }
    child
}

#[test]
fn the_child_of_a_fork_is_refused_and_the_parent_goes_on() {
    const NAME: &str = "the_child_of_a_fork_is_refused_and_the_parent_goes_on";
    if !is_alone(NAME) {
        return assert_success(&alone(NAME, &[&Server::echo(Tls::No), &Server::echo(Tls::Good)]));
    }
    let sockets: Vec<_> = uris().iter().map(|uri| connected(uri)).collect();
    let queue = ws_event_queue_new();
    let mut message = null_mut();
    assert_eq!(ws_send_text(sockets[0], c"kept".as_ptr(), 4), WS_OK);
    assert_eq!(ws_receive(sockets[0], &raw mut message, 30_000), WS_OK);
    // What a call needs is made before: the child should do no more than ask.
    subjects::silent_uri();
    let table: Vec<_> =
        functions::functions().into_iter().chain(functions::bad_arguments()).collect();
    for _ in 0..10 {
        // Busy I/O threads hold locks at the moment of the fork, sooner or later.
        for &socket in &sockets {
            for _ in 0..200 {
                assert_eq!(ws_send_text(socket, c"noise".as_ptr(), 5), WS_OK);
            }
        }
        let child = fork(|| {
            let refused = WS_E_UNEXPECTED;
            for &socket in sockets.iter().chain([&null_mut(), &socket_of(3)]) {
                for function in &table {
                    let expected = match function.answers {
                        Some(_) => Answer::Result(refused),
                        None => Answer::Value(0),
                    };
                    assert_eq!((function.call)(socket), expected, "{}", function.name);
                    assert!(last_error_message().contains("fork"));
                }
            }
            assert!(ws_message_socket_new().is_null());
            assert!(ws_event_queue_new().is_null());
            assert_eq!(ws_event_queue_free(queue), refused);
            assert_eq!(ws_event_queue_dispatch(queue, 0, WS_INFINITE, null_mut()), refused);
            assert_eq!(ws_event_queue_set_wake(queue, None, null_mut()), refused);
            assert_eq!(ws_validation_reject(null_mut()), refused);
            assert_eq!(ws_set_io_threads(1), refused);
            assert_eq!(ws_set_log_callback(None, null_mut(), 0), refused);
            assert_eq!(ws_get_control_info(WS_CONTROL_NO_DELAY, null_mut()), refused);
            assert_eq!(ws_shutdown(WS_INFINITE), refused);
            assert!(ws_message_retain(message).is_null());
            ws_message_release(message);
            assert_ne!(ws_version(), 0);
            0
        });
        assert_eq!(reap(child, Duration::from_secs(10)), 0);
        for &socket in &sockets {
            let mut echo = null_mut();
            for _ in 0..200 {
                assert_eq!(ws_receive(socket, &raw mut echo, 30_000), WS_OK);
                ws_message_release(echo);
            }
            assert_echoes(socket);
        }
    }
    assert_eq!(unsafe { (*message).len }, 4);
    ws_message_release(message);
    assert_eq!(ws_shutdown(30_000), WS_OK);
}

#[test]
fn a_process_that_forks_before_the_first_use_may_use_the_library_in_the_child() {
    const NAME: &str = "a_process_that_forks_before_the_first_use_may_use_the_library_in_the_child";
    if !is_alone(NAME) {
        return assert_success(&alone(NAME, &[&Server::echo(Tls::No), &Server::echo(Tls::Good)]));
    }
    // These use nothing that a fork could break.
    assert_eq!(ws_set_io_threads(2), WS_OK);
    assert_eq!(ws_socket_free(null_mut()), WS_OK);
    assert_eq!(ws_get_state(socket_of(3)), WS_STATE_NONE);
    assert_eq!(ws_shutdown(0), WS_OK);
    let use_it = || {
        for uri in uris() {
            assert_echoes(connected(&uri));
        }
        assert_eq!(ws_shutdown(30_000), WS_OK);
        0
    };
    let child = fork(use_it);
    use_it();
    assert_eq!(reap(child, DEADLINE), 0);
}

/// Upgrades, then resets the connection.
fn resetting(tls: Tls) -> Server {
    Server::start(tls, |peer| {
        let linger = socket2::SockRef::from(peer.get_ref().tcp()).set_linger(Some(Duration::ZERO));
        linger.unwrap();
    })
}

#[test]
fn sending_to_a_peer_that_is_gone_raises_no_signal() {
    const NAME: &str = "sending_to_a_peer_that_is_gone_raises_no_signal";
    if !is_alone(NAME) {
        return assert_success(&alone(NAME, &[&resetting(Tls::No), &resetting(Tls::Good)]));
    }
    static SIGNALS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn count(_: libc::c_int) {
        SIGNALS.fetch_add(1, Ordering::SeqCst);
    }
    for uri in uris() {
        for round in 0..20 {
            // Counted in every other round, deadly in the others, as programs in C have it.
            let handler = if round % 2 == 0 { count as *const () as usize } else { libc::SIG_DFL };
            unsafe { libc::signal(libc::SIGPIPE, handler) };
            let socket = new_socket();
            let open = ws_connect_wait(socket, uri.as_ptr(), 30_000);
            if open != WS_OK {
                // The reset overtook the end of the handshake.
                assert_eq!(open, WS_E_CONNECTION_RESET, "{}", last_error_message());
                assert_eq!(ws_socket_free(socket), WS_OK);
                continue;
            }
            let many = [7u8; 3000];
            for _ in 0..1_000 {
                let sent = ws_send_binary(socket, many.as_ptr().cast(), many.len());
                assert!(matches!(sent, WS_OK | WS_E_CLOSED | WS_E_WOULD_BLOCK), "{sent:#x}");
                let waited = ws_send_wait(socket, 0, many.as_ptr().cast(), many.len(), 1_000);
                assert_ne!(waited, WS_E_TIMEOUT);
            }
            assert!(eventually(|| ws_get_state(socket) == WS_STATE_CLOSED));
            assert_eq!(ws_socket_free(socket), WS_OK);
        }
    }
    assert_eq!(SIGNALS.load(Ordering::SeqCst), 0);
}

unsafe extern "C-unwind" fn unwind(_: *mut ws_socket, _: *const ws_message, _: *mut c_void) {
    panic!("planted in a callback");
}

#[test]
fn a_callback_that_unwinds_ends_the_process_with_a_message() {
    const NAME: &str = "a_callback_that_unwinds_ends_the_process_with_a_message";
    if !is_alone(NAME) {
        let output = alone(NAME, &[&Server::echo(Tls::No)]);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{:?}", output.status);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("anyws: a callback unwound"), "{text}");
        return;
    }
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core) };
    let socket = new_socket();
    assert_eq!(ws_on_message_received(socket, Some(unwind), null_mut()), WS_OK);
    connect(socket, &uris()[0]);
    assert_eq!(ws_send_text(socket, c"x".as_ptr(), 1), WS_OK);
    assert!(!eventually(|| ws_get_state(socket) == WS_STATE_NONE), "it lives on");
}

#[test]
fn exit_without_shutdown_keeps_its_code() {
    const NAME: &str = "exit_without_shutdown_keeps_its_code";
    if !is_alone(NAME) {
        let (plain, secure) = (Server::echo(Tls::No), Server::echo(Tls::Good));
        for _ in 0..50 {
            let output = alone(NAME, &[&plain, &secure]);
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(42), "{:?}\n{text}", output.status);
        }
        return;
    }
    let sockets: Vec<_> = uris().iter().map(|uri| connected(uri)).collect();
    for socket in sockets {
        // Much is under way at this moment.
        for _ in 0..100 {
            ws_send_binary(socket, [0u8; 1000].as_ptr().cast(), 1000);
        }
    }
    let connecting = new_socket();
    assert_eq!(ws_connect(connecting, uris()[0].as_ptr(), None, null_mut()), WS_OK);
    std::process::exit(42);
}

fn entries(directory: &str) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[test]
fn after_shutdown_every_handle_is_stale_nothing_is_left_and_it_starts_again() {
    const NAME: &str = "after_shutdown_every_handle_is_stale_nothing_is_left_and_it_starts_again";
    if !is_alone(NAME) {
        return assert_success(&alone(NAME, &BOTH.map(Server::echo).each_ref()));
    }
    // The function table's own server is there from the beginning.
    subjects::silent_uri();
    let (threads, descriptors) = (entries("/proc/self/task"), entries("/proc/self/fd"));
    let uris = uris();
    for round in 0..20 {
        assert_eq!(ws_set_io_threads(1 + round % 3), WS_OK);
        let queue = ws_event_queue_new();
        let mut wait_handle = 0;
        assert_eq!(ws_event_queue_get_wait_handle(queue, &raw mut wait_handle), WS_OK);
        let mut sockets = vec![new_socket()];
        for uri in &uris {
            let socket = connected(uri);
            assert_echoes(socket);
            sockets.push(socket);
            let queued = new_socket();
            assert_eq!(ws_set_event_queue(queued, queue), WS_OK);
            connect(queued, uri);
            assert_eq!(ws_send_text(queued, c"waits in the queue".as_ptr(), 18), WS_OK);
            sockets.push(queued);
        }
        let writers = [ws_data_writer_new(sockets[0]), ws_data_writer_new(null_mut())];
        let reader = ws_data_reader_new(null(), 0);
        assert!(entries("/proc/self/task") > threads);
        assert_eq!(ws_shutdown(30_000), WS_OK);
        for writer in writers {
            assert_eq!(ws_data_writer_free(writer), WS_E_HANDLE);
        }
        assert_eq!(ws_data_reader_free(reader), WS_E_HANDLE);
        for socket in sockets {
            for function in functions::functions() {
                let expected = match function.answers {
                    Some(_) => Answer::Result(WS_E_HANDLE),
                    None => Answer::Value(0),
                };
                assert_eq!((function.call)(socket), expected, "{}", function.name);
            }
        }
        assert_eq!(ws_event_queue_dispatch(queue, 0, 0, null_mut()), WS_E_HANDLE);
        assert_eq!(ws_event_queue_free(queue), WS_E_HANDLE);
        assert_eq!(ws_shutdown(0), WS_OK, "again, with nothing to end");
        // The system takes a thread off the list a moment after it can be joined.
        assert!(eventually(|| entries("/proc/self/task") == threads), "round {round}");
        assert_eq!(entries("/proc/self/fd"), descriptors, "round {round}");
    }
}

static HOLD: AtomicBool = AtomicBool::new(false);
static HELD: AtomicBool = AtomicBool::new(false);

unsafe extern "C-unwind" fn block(_: *mut ws_socket, _: *const ws_message, _: *mut c_void) {
    HELD.store(true, Ordering::SeqCst);
    assert!(eventually(|| !HOLD.load(Ordering::SeqCst)));
}

#[test]
fn shutdown_reports_a_blocked_callback_in_time_and_may_be_called_again() {
    const NAME: &str = "shutdown_reports_a_blocked_callback_in_time_and_may_be_called_again";
    if !is_alone(NAME) {
        return assert_success(&alone(NAME, &[&Server::echo(Tls::No)]));
    }
    let socket = new_socket();
    assert_eq!(ws_on_message_received(socket, Some(block), null_mut()), WS_OK);
    connect(socket, &uris()[0]);
    HOLD.store(true, Ordering::SeqCst);
    assert_eq!(ws_send_text(socket, c"x".as_ptr(), 1), WS_OK);
    assert!(eventually(|| HELD.load(Ordering::SeqCst)));
    for timeout_ms in [0u32, 1, 100] {
        let begun = Instant::now();
        assert_eq!(ws_shutdown(timeout_ms), WS_E_TIMEOUT);
        assert!(last_error_message().contains("timeout_ms"));
        assert!(begun.elapsed() < Duration::from_secs(5), "{timeout_ms}: {:?}", begun.elapsed());
        // It goes on: nothing new, nothing old.
        assert!(ws_message_socket_new().is_null());
        assert!(last_error_message().contains("shutting down"));
        assert!(ws_event_queue_new().is_null());
        assert_eq!(ws_set_io_threads(1), WS_E_ILLEGAL_METHOD_CALL);
        assert_eq!(ws_send_text(socket, null(), 0), WS_E_HANDLE);
        assert_eq!(ws_socket_free(socket), WS_E_HANDLE);
    }
    HOLD.store(false, Ordering::SeqCst);
    assert_eq!(ws_shutdown(30_000), WS_OK);
    assert_echoes(connected(&uris()[0]));
    assert_eq!(ws_shutdown(30_000), WS_OK);
}

static RELEASED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C-unwind" fn released(_: *mut ws_socket, _: *mut c_void) {
    RELEASED.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn shutdown_releases_500_sockets_in_every_state() {
    const NAME: &str = "shutdown_releases_500_sockets_in_every_state";
    if !is_alone(NAME) {
        let silent = Server::raw(Tls::No, |stream| {
            let mut stream = stream;
            support::server::read_to_end(&mut stream);
        });
        let mute = Server::start(Tls::No, |peer| {
            support::server::read_to_end(peer.get_mut());
        });
        let servers = [&Server::echo(Tls::No), &silent, &mute, &Server::echo(Tls::Good)];
        return assert_success(&alone(NAME, &servers));
    }
    let (threads, descriptors) = (entries("/proc/self/task"), entries("/proc/self/fd"));
    let uris = uris();
    let queue = ws_event_queue_new();
    for number in 0..500 {
        let socket = new_socket();
        assert_eq!(ws_on_released(socket, Some(released), null_mut()), WS_OK);
        if number % 3 == 0 {
            assert_eq!(ws_set_event_queue(socket, queue), WS_OK);
        }
        match number % 6 {
            0 => {}
            1 => assert_eq!(ws_connect(socket, uris[1].as_ptr(), None, null_mut()), WS_OK),
            2 => connect(socket, &uris[0]),
            3 => {
                connect(socket, &uris[2]);
                assert_eq!(ws_close(socket, 1000, null()), WS_OK);
            }
            4 => {
                connect(socket, &uris[0]);
                assert_eq!(ws_close_wait(socket, 1000, null(), 30_000), WS_OK);
            }
            // A lookup is under way, or TLS.
            _ => assert_eq!(ws_connect(socket, uris[3].as_ptr(), None, null_mut()), WS_OK),
        }
    }
    assert_eq!(ws_shutdown(30_000), WS_OK);
    assert_eq!(RELEASED.load(Ordering::SeqCst), 500);
    assert!(eventually(|| entries("/proc/self/task") == threads));
    assert_eq!(entries("/proc/self/fd"), descriptors);
    assert_echoes(connected(&uris[0]));
    assert_eq!(ws_shutdown(30_000), WS_OK);
}
