//! Many messages in one segment: what a callback does in the middle of them, and how many of them a
//! call takes out of a queue.

use std::ffi::{CString, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use anyws::ffi::events::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode, Told};
use crate::support::server::{BOTH, Server, Tls, eventually, frame, read_to_end, upgrade_then};
use crate::support::told::bytes_of;

const COUNT: usize = 500;

/// Sends all of it in the segment of its answer to the upgrade.
fn server_of(tls: Tls, bytes: Vec<u8>) -> Server {
    Server::raw(tls, move |mut stream| {
        upgrade_then(&mut stream, &bytes);
        read_to_end(&mut stream);
    })
}

fn numbered() -> Vec<u8> {
    (0..COUNT).flat_map(|number| frame(0x81, text(number).as_bytes())).collect()
}

fn text(number: usize) -> String {
    format!("{number}{}", "ä".repeat(number % 90))
}

#[test]
fn what_lies_between_messages_does_not_disturb_them() {
    let sizes = [0, 1, 7, 8, 125, 126, 300, 16_384, 16_385, 65_535, 65_536, 200_000];
    let payloads = sizes.map(|size| (0..size).map(|n| b'!' + (n % 90) as u8).collect::<Vec<u8>>());
    let mut bytes = Vec::new();
    for payload in &payloads {
        for first in [0x81, 0x82] {
            for (first, payload) in [
                (first, &payload[..]),
                (0x89, b"ping"),
                (first, b"a"),
                (first & 15, b"b"),
                (0x8a, b""),
                (0x80, b"c"),
            ] {
                bytes.extend(frame(first, payload));
            }
        }
    }
    for tls in BOTH {
        let server = server_of(tls, bytes.clone());
        for mode in MODES {
            let client = Client::connected(mode, &server.uri());
            for payload in &payloads {
                for kind in [WS_MESSAGE_TYPE_UTF8, WS_MESSAGE_TYPE_BINARY] {
                    for expected in [payload, &b"a"[..], b"bc"] {
                        let (seen, bytes) = client.next_message();
                        assert!(
                            seen == kind && bytes == expected,
                            "{mode:?}, {tls:?}, {}",
                            payload.len()
                        );
                    }
                }
            }
            let messages = 6 * payloads.len() as u64;
            assert!(eventually(|| client.statistics().messages_received == messages));
            let payload_bytes: usize = payloads.iter().map(|payload| 2 * (payload.len() + 3)).sum();
            assert_eq!(client.statistics().payload_bytes_received, payload_bytes as u64);
            assert_eq!(client.statistics().frames_received, 2 * messages);
        }
    }
}

/// A socket of its own, which does something in a callback and tells of each.
struct Scene {
    act: fn(*mut ws_socket),
    at: usize,
    seen: usize,
    told: Sender<&'static str>,
}

unsafe extern "C-unwind" fn on_message(
    socket: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut c_void,
) {
    let scene = unsafe { &mut *user_data.cast::<Scene>() };
    assert_eq!(unsafe { bytes_of(message) }, text(scene.seen).as_bytes());
    if scene.seen == scene.at {
        (scene.act)(socket);
        assert_eq!(unsafe { bytes_of(message) }, text(scene.seen).as_bytes(), "still good");
    }
    scene.seen += 1;
    let _ = scene.told.send("message");
}

unsafe extern "C-unwind" fn on_closed(
    _: *mut ws_socket,
    _: *const ws_closed,
    user_data: *mut c_void,
) {
    let _ = unsafe { &*user_data.cast::<Scene>() }.told.send("closed");
}

unsafe extern "C-unwind" fn on_released(_: *mut ws_socket, user_data: *mut c_void) {
    let _ = unsafe { &*user_data.cast::<Scene>() }.told.send("released");
}

/// Connects, and acts in the callback of the message of number `at`.
fn scene(
    queue: *mut ws_event_queue,
    uri: &str,
    at: usize,
    act: fn(*mut ws_socket),
) -> (*mut ws_socket, Receiver<&'static str>) {
    let (told, seen) = channel();
    // Lives as long as the process: a callback too many must be seen, not crash.
    let user_data = Box::into_raw(Box::new(Scene { act, at, seen: 0, told })).cast();
    let socket = ws_message_socket_new();
    assert_eq!(ws_set_event_queue(socket, queue), WS_OK);
    assert_eq!(ws_on_message_received(socket, Some(on_message), user_data), WS_OK);
    assert_eq!(ws_on_closed(socket, Some(on_closed), user_data), WS_OK);
    assert_eq!(ws_on_released(socket, Some(on_released), user_data), WS_OK);
    let uri = CString::new(uri).unwrap();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 10_000), WS_OK);
    (socket, seen)
}

fn free(socket: *mut ws_socket) {
    assert_eq!(ws_socket_free(socket), WS_OK);
}

fn close(socket: *mut ws_socket) {
    assert_eq!(ws_close(socket, 1000, null_mut()), WS_OK);
}

fn nothing(_: *mut ws_socket) {}

#[test]
fn a_callback_that_frees_or_closes_its_socket_is_the_last_of_its_burst() {
    let server = server_of(Tls::No, numbered());
    for at in [0, 1, 17, COUNT - 1] {
        let (_, seen) = scene(null_mut(), &server.uri(), at, free);
        for _ in 0..=at {
            assert_eq!(seen.recv_timeout(DEADLINE), Ok("message"));
        }
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("released"));
        // The server does not answer: the end is the server's, when the socket goes.
        let (socket, seen) = scene(null_mut(), &server.uri(), at, close);
        for _ in 0..=at {
            assert_eq!(seen.recv_timeout(DEADLINE), Ok("message"));
        }
        assert_eq!(ws_abort(socket), WS_OK);
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("closed"));
        free(socket);
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("released"));
    }
}

#[test]
fn a_callback_from_a_queue_that_frees_its_socket_is_the_last() {
    let server = server_of(Tls::No, numbered());
    for at in [0, 1, 17, COUNT - 1] {
        let queue = ws_event_queue_new();
        let (_, seen) = scene(queue, &server.uri(), at, free);
        let mut told = Vec::new();
        while told.last() != Some(&"released") {
            assert_eq!(ws_event_queue_dispatch(queue, 0, 1_000, null_mut()), WS_OK);
            told.extend(seen.try_iter());
        }
        assert_eq!(told.len(), at + 2);
        assert_eq!(ws_event_queue_free(queue), WS_OK);
        assert_eq!(seen.try_recv().ok(), None);
    }
}

#[test]
fn a_queue_gives_no_more_of_a_burst_than_it_was_asked_for() {
    let server = server_of(Tls::No, numbered());
    let queue = ws_event_queue_new();
    let (socket, seen) = scene(queue, &server.uri(), COUNT, nothing);
    let mut taken = 0;
    for limit in 1.. {
        let mut count = 0;
        assert_eq!(ws_event_queue_dispatch(queue, limit, 1_000, &raw mut count), WS_OK);
        assert!(count <= limit);
        assert_eq!(seen.try_iter().count(), count);
        taken += count;
        if taken == COUNT {
            break;
        }
    }
    let mut count = 1;
    assert_eq!(ws_event_queue_dispatch(queue, 0, 0, &raw mut count), WS_OK);
    assert_eq!(count, 0, "nothing is left");
    free(socket);
    assert_eq!(ws_event_queue_free(queue), WS_OK);
}

#[test]
fn what_is_retained_of_a_burst_stays_as_it_is() {
    let server = server_of(Tls::No, numbered());
    let queue = ws_event_queue_new();
    let socket = ws_message_socket_new();
    assert_eq!(ws_set_event_queue(socket, queue), WS_OK);
    let uri = CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 10_000), WS_OK);
    let mut kept = Vec::new();
    while kept.len() < COUNT {
        let mut event = null_mut();
        assert_eq!(ws_event_queue_next(queue, &raw mut event, 10_000), WS_OK);
        let taken = unsafe { &*event };
        assert_eq!(taken.r#type, WS_EVENT_MESSAGE_RECEIVED);
        kept.push(ws_message_retain(taken.message));
        ws_event_release(event);
    }
    free(socket);
    assert_eq!(ws_event_queue_free(queue), WS_OK);
    for (number, message) in kept.into_iter().enumerate() {
        assert_eq!(unsafe { bytes_of(message) }, text(number).as_bytes());
        ws_message_release(message);
    }
}

/// Each of two sockets has a burst of its own; events of both keep their order.
#[test]
fn bursts_of_several_sockets_share_a_queue() {
    let server = server_of(Tls::No, numbered());
    let queue = ws_event_queue_new();
    let scenes = [(); 3].map(|()| scene(queue, &server.uri(), COUNT, nothing));
    let mut taken = 0;
    while taken < scenes.len() * COUNT {
        let mut count = 0;
        assert_eq!(ws_event_queue_dispatch(queue, 0, 1_000, &raw mut count), WS_OK);
        taken += count;
    }
    for (socket, seen) in scenes {
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["message"; COUNT]);
        free(socket);
    }
    assert_eq!(ws_event_queue_free(queue), WS_OK);
}

/// A pong of ours is between the messages, and everything comes in the order of the wire.
#[test]
fn a_pong_keeps_its_place_in_a_burst() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        let server = Server::raw(Tls::No, |mut stream| {
            use std::io::Write;
            upgrade_then(&mut stream, b"");
            let Some((0x89, payload)) = crate::support::server::read_frame(&mut stream) else {
                return;
            };
            let pong = frame(0x8a, &payload);
            let burst = [frame(0x81, b"one"), frame(0x82, b"two"), pong, frame(0x81, b"three")];
            stream.write_all(&burst.concat()).unwrap();
            stream.flush().unwrap();
            read_to_end(&mut stream);
        });
        let client = Client::connected(mode, &server.uri());
        assert_eq!(anyws::ffi::send::ws_ping(client.socket, b"!".as_ptr().cast(), 1), WS_OK);
        assert_eq!(client.next_text(), "one");
        assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, b"two".to_vec()));
        assert!(matches!(client.next(), Told::Pong(_)));
        assert_eq!(client.next_text(), "three");
    }
}

static FREED_ELSEWHERE: AtomicPtr<ws_event_queue> = AtomicPtr::new(null_mut());

fn free_queue_elsewhere(_: *mut ws_socket) {
    let free = || ws_event_queue_free(FREED_ELSEWHERE.load(Ordering::SeqCst));
    assert_eq!(std::thread::spawn(free).join().unwrap(), WS_OK);
}

#[test]
fn released_is_told_also_when_its_queue_is_freed_in_the_midst_of_a_dispatch() {
    let server = server_of(Tls::No, numbered());
    let queue = ws_event_queue_new();
    FREED_ELSEWHERE.store(queue, Ordering::SeqCst);
    let (first, first_seen) = scene(queue, &server.uri(), 0, free_queue_elsewhere);
    let (second, second_seen) = scene(queue, &server.uri(), 0, nothing);
    free(second);
    // What the I/O thread does for this comes behind what it did for that.
    let (third, _third_seen) = scene(queue, &server.uri(), 0, nothing);
    assert_eq!(ws_event_queue_dispatch(queue, 0, 1_000, null_mut()), WS_OK);
    assert_eq!(first_seen.recv_timeout(DEADLINE), Ok("message"));
    assert_eq!(second_seen.recv_timeout(DEADLINE), Ok("released"));
    for socket in [first, third] {
        free(socket);
    }
    assert_eq!(first_seen.recv_timeout(DEADLINE), Ok("released"));
}
