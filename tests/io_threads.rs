//! Four I/O threads: everything that holds with one holds with several, and sockets of different
//! threads may free each other.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::ffi::{CString, c_void};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

use anyws::ffi::events::*;
use anyws::ffi::library::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;
use support::client::{Client, MODES};
use support::server::{Server, Tls, eventually};

static OTHER: [AtomicPtr<ws_socket>; 2] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 2];
static RELEASED: AtomicUsize = AtomicUsize::new(0);

/// Frees the socket of the other thread, whose callback may be doing the same.
unsafe extern "C-unwind" fn free_other(
    _: *mut ws_socket,
    _: *const ws_message,
    number: *mut c_void,
) {
    let result = ws_socket_free(OTHER[number.addr()].load(SeqCst));
    assert!(result == WS_OK || result == WS_E_HANDLE);
}

unsafe extern "C-unwind" fn released(_: *mut ws_socket, _: *mut c_void) {
    RELEASED.fetch_add(1, SeqCst);
}

fn io_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "anyws-io").count()
}

#[test]
fn sockets_live_on_four_threads_and_free_each_other() {
    assert_eq!(ws_set_io_threads(4), WS_OK);
    let server = Server::echo(Tls::No);
    let secure = Server::echo(Tls::Good);

    std::thread::scope(|scope| {
        for number in 0..24 {
            let uri = if number % 2 == 0 { server.uri() } else { secure.uri() };
            scope.spawn(move || {
                let client = Client::connected(MODES[number / 2 % 4], &uri);
                for round in 0..200 {
                    let text = format!("{number}: {round}");
                    assert_eq!(client.send_text(&text), WS_OK);
                    assert_eq!(client.next_text(), text);
                }
                assert_eq!(client.close(1000, ""), WS_OK);
                assert!(client.next_closed().was_clean);
                assert_eq!(client.free(), []);
            });
        }
    });
    assert_eq!(io_threads(), 4);
    assert_eq!(ws_set_io_threads(2), WS_E_ILLEGAL_METHOD_CALL);

    let uri = CString::new(server.uri()).unwrap();
    for round in 1..=300 {
        let sockets: Vec<_> = (0..2usize)
            .map(|number| {
                let socket = ws_message_socket_new();
                let user_data = std::ptr::without_provenance_mut(1 - number);
                assert_eq!(ws_on_message_received(socket, Some(free_other), user_data), WS_OK);
                assert_eq!(ws_on_released(socket, Some(released), user_data), WS_OK);
                OTHER[number].store(socket, SeqCst);
                assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 10_000), WS_OK);
                socket
            })
            .collect();
        for socket in &sockets {
            let _ = ws_send_text(*socket, c"x".as_ptr(), 1);
        }
        // Both callbacks may run and free; or one comes first, and its socket is left.
        assert!(eventually(|| RELEASED.load(SeqCst) > 2 * (round - 1)));
        for socket in &sockets {
            let result = ws_socket_free(*socket);
            assert!(result == WS_OK || result == WS_E_HANDLE);
        }
        assert!(eventually(|| RELEASED.load(SeqCst) == 2 * round));
    }
    assert_eq!(ws_shutdown(10_000), WS_OK);
    assert_eq!(io_threads(), 0);
}
