//! What an open connection holds on which nothing happens, before and after messages, and that it
//! costs no more to make one, to set its timers and to free it when many others are open. Counted by
//! the allocator of this program, in which nothing else happens; what the servers allocate counts
//! not.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "stream_memory/counting.rs"]
mod counting;

use std::ffi::{CString, c_void};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};

use anyws::client::runtime;
use anyws::ffi::controls::*;
use anyws::ffi::events::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::settings::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use counting::{Counting, leave_out_this_thread};
use support::server::{Stream, Tls, eventually, frame, pki, read_frame, upgrade};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONNECTIONS: usize = 500;
/// Some may still be at the end of their last connection when the next one comes.
const SERVERS: usize = CONNECTIONS + 20;
/// Bytes of heap for each connection, before and after messages, a tenth above what it is; 120 of
/// them are its handlers.
const PLAIN: usize = 562;
const SECURE: usize = 5600;
/// What tables that all share may have grown by.
const FREED: usize = 40;

static RECEIVED: AtomicUsize = AtomicUsize::new(0);
static RELEASED: AtomicUsize = AtomicUsize::new(0);

/// One test at a time: they share the allocator. Two descriptors for each connection, and more.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    #[cfg(unix)]
    unsafe {
        let mut limit = std::mem::zeroed::<libc::rlimit>();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max.min(4096);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
    turn
}

/// Returns every message. Its threads are not counted, and have begun when it returns: what a thread
/// allocates before it can say so would count.
fn echo_server(tls: Tls) -> CString {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scheme = if tls == Tls::No { "ws" } else { "wss" };
    let uri = format!("{scheme}://{}/", listener.local_addr().unwrap());
    let (listener, begun) = (Arc::new(listener), Arc::new(Barrier::new(SERVERS + 1)));
    for _ in 0..SERVERS {
        let (listener, begun) = (Arc::clone(&listener), Arc::clone(&begun));
        let serve = move || {
            leave_out_this_thread();
            begun.wait();
            while let Ok((tcp, _)) = listener.accept() {
                let mut stream = Stream::new(tcp, tls);
                upgrade(&mut stream);
                while let Some((first, payload)) = read_frame(&mut stream) {
                    if std::io::Write::write_all(&mut stream, &frame(first, &payload)).is_err() {
                        break;
                    }
                }
            }
        };
        std::thread::Builder::new().stack_size(256 * 1024).spawn(serve).unwrap();
    }
    begun.wait();
    CString::new(uri).unwrap()
}

/// Without what is kept for whoever sends next, which is no connection's.
fn allocated() -> usize {
    runtime::chunks().clear();
    counting::begin()
}

unsafe extern "C-unwind" fn received(_: *mut ws_socket, _: *const ws_message, _: *mut c_void) {
    RECEIVED.fetch_add(1, SeqCst);
}

unsafe extern "C-unwind" fn released(_: *mut ws_socket, _: *mut c_void) {
    RELEASED.fetch_add(1, SeqCst);
}

fn new_socket(tls: Tls) -> *mut ws_socket {
    let socket = ws_message_socket_new();
    if tls != Tls::No {
        let pem = pki().ca_pem.as_bytes();
        assert_eq!(ws_set_control(socket, WS_CONTROL_TRUST_SYSTEM_STORE, 0), WS_OK);
        let control = WS_CONTROL_TRUSTED_CERTIFICATES;
        assert_eq!(ws_set_control_bytes(socket, control, pem.as_ptr().cast(), pem.len()), WS_OK);
    }
    socket
}

fn set_handlers(socket: *mut ws_socket) {
    let null = std::ptr::null_mut();
    assert_eq!(ws_on_message_received(socket, Some(received), null), WS_OK);
    set_released(socket);
}

fn set_released(socket: *mut ws_socket) {
    assert_eq!(ws_on_released(socket, Some(released), std::ptr::null_mut()), WS_OK);
}

fn free_all(sockets: Vec<*mut ws_socket>) {
    let goal = RELEASED.load(SeqCst) + sockets.len();
    sockets.into_iter().for_each(|socket| assert_eq!(ws_socket_free(socket), WS_OK));
    assert!(eventually(|| RELEASED.load(SeqCst) == goal));
}

fn send(socket: *mut ws_socket) {
    assert_eq!(ws_send_text(socket, c"hello".as_ptr(), 5), WS_OK);
}

/// A message each way.
fn use_once(socket: *mut ws_socket) {
    send(socket);
    let mut message = std::ptr::null_mut();
    assert_eq!(ws_receive(socket, &raw mut message, 60_000), WS_OK);
    ws_message_release(message);
}

/// What has been allocated since, for each connection. A turn may not be quite over.
fn check(what: &str, before: usize, limit: usize) {
    let each = || allocated().saturating_sub(before) / CONNECTIONS;
    let is_low = eventually(|| each() <= limit);
    println!("{what}: {} bytes, at most {limit}", each());
    assert!(is_low, "{what}: {} bytes", each());
}

/// Opens them, uses them, frees them; the first time makes the tables and buffers that all share.
fn check_connections(tls: Tls, each: usize) {
    let uri = echo_server(tls);
    let connected = || {
        let socket = new_socket(tls);
        set_released(socket);
        assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 60_000), WS_OK);
        socket
    };
    for is_first in [true, false] {
        let limit = |limit| if is_first { usize::MAX } else { limit };
        let before = allocated();
        let sockets: Vec<_> = (0..CONNECTIONS).map(|_| connected()).collect();
        check(&format!("{tls:?}, idle"), before, limit(each));
        sockets.iter().for_each(|socket| use_once(*socket));
        check(&format!("{tls:?}, after a message each way"), before, limit(each));
        // Whoever talks stays ready for a moment, and what it sends with is given up with the rest.
        sockets.iter().for_each(|socket| (0..20).for_each(|_| use_once(*socket)));
        check(&format!("{tls:?}, after a talk"), before, limit(each));
        free_all(sockets);
        check(&format!("{tls:?}, freed"), before, limit(FREED));
    }
}

#[test]
fn an_idle_connection_holds_little_more_than_what_is_known_of_it() {
    let _turn = turn();
    check_connections(Tls::No, PLAIN);
}

#[test]
fn an_idle_connection_with_tls_holds_what_its_session_needs() {
    let _turn = turn();
    check_connections(Tls::Good, SECURE);
}

#[test]
fn handlers_are_held_once_and_traffic_leaves_nothing_behind() {
    let _turn = turn();
    let uri = echo_server(Tls::No);
    let connected = || {
        let socket = new_socket(Tls::No);
        set_handlers(socket);
        assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 60_000), WS_OK);
        socket
    };
    for is_first in [true, false] {
        let limit = if is_first { usize::MAX } else { PLAIN };
        let before = allocated();
        let sockets: Vec<_> = (0..CONNECTIONS).map(|_| connected()).collect();
        check("with handlers", before, limit);
        for socket in &sockets {
            RECEIVED.store(0, SeqCst);
            (0..10).for_each(|_| send(*socket));
            let (data, null) = (c"x".as_ptr().cast(), std::ptr::null_mut());
            let (kind, number) = (WS_MESSAGE_TYPE_UTF8, std::ptr::null_mut());
            assert_eq!(ws_send_async(*socket, kind, data, 1, None, null, number), WS_OK);
            assert!(eventually(|| RECEIVED.load(SeqCst) == 11));
        }
        check("with handlers, after messages", before, limit);
        free_all(sockets);
    }
}

/// What a large message lay in is kept for a moment, in case that another one comes.
#[test]
fn a_large_message_leaves_nothing_behind() {
    const LARGE: usize = 6 << 20;
    let _turn = turn();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = CString::new(format!("ws://{}/", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        leave_out_this_thread();
        let mut stream = Stream::new(listener.accept().unwrap().0, Tls::No);
        upgrade(&mut stream);
        while read_frame(&mut stream).is_some() {
            std::io::Write::write_all(&mut stream, &frame(0x82, &vec![7; LARGE])).unwrap();
        }
    });
    let socket = new_socket(Tls::No);
    set_handlers(socket);
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 60_000), WS_OK);
    let before = counting::begin();
    for _ in 0..3 {
        RECEIVED.store(0, SeqCst);
        send(socket);
        assert!(eventually(|| RECEIVED.load(SeqCst) == 1));
        let is_low = eventually(|| counting::begin() < before + 128 * 1024);
        assert!(is_low, "{} bytes", counting::begin() - before);
    }
    free_all(vec![socket]);
}

/// Blocks and bytes that are allocated to connect, to be reminded of a ping, and to be freed.
fn cost_of_one(uri: &CString) -> [usize; 2] {
    let before = counting::allocated();
    let socket = new_socket(Tls::No);
    set_handlers(socket);
    assert_eq!(ws_set_control(socket, WS_CONTROL_PING_INTERVAL_MS, 600_000), WS_OK);
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 60_000), WS_OK);
    let has_been = RELEASED.load(SeqCst);
    assert_eq!(ws_socket_free(socket), WS_OK);
    assert!(eventually(|| RELEASED.load(SeqCst) > has_been));
    let after = counting::allocated();
    [after[0] - before[0], after[1] - before[1]]
}

/// The least of many: a turn more costs a little more.
fn least_cost(uri: &CString) -> [usize; 2] {
    let costs: Vec<_> = (0..50).map(|_| cost_of_one(uri)).collect();
    [0, 1].map(|what| costs.iter().map(|cost| cost[what]).min().unwrap())
}

#[test]
fn a_connection_among_many_costs_what_it_costs_alone() {
    let _turn = turn();
    let uri = echo_server(Tls::No);
    let alone = least_cost(&uri);
    let others: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let socket = new_socket(Tls::No);
            set_released(socket);
            assert_eq!(ws_set_control(socket, WS_CONTROL_PING_INTERVAL_MS, 600_000), WS_OK);
            assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 60_000), WS_OK);
            socket
        })
        .collect();
    let among_many = least_cost(&uri);
    println!("blocks and bytes: alone {alone:?}, among many {among_many:?}");
    for (alone, among_many) in alone.into_iter().zip(among_many) {
        assert!(among_many <= alone + alone / 10, "alone {alone}, among many {among_many}");
    }
    free_all(others);
}
