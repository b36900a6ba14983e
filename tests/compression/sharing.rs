//! Many senders on one compressed socket, and many sockets on one thread.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc::{Sender, channel};

use anyws::ffi::events::ws_on_message_received;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;

use crate::peer::{TEXT, prose, serve};
use crate::support::DEADLINE;
use crate::support::client::{Client, Mode};
use crate::support::server::{BOTH, Server};
use crate::{connected, offering};

const AGREED: &str = "permessage-deflate";
const THREADS: usize = 4;
const MESSAGES: usize = 60;

/// Most are small, some take several steps to deflate, some are not deflated at all.
fn message_of(thread: usize, number: usize) -> String {
    let sizes = [100, 40, 3_000, 300_000, 64, 20, 70_000, 9_000];
    let size = sizes[(number * 3 + thread) % sizes.len()];
    format!("{thread} {number} {}", prose(size, (number % 5) as u64))
}

#[test]
fn each_of_many_threads_keeps_its_order_and_everything_inflates() {
    for mode in [Mode::Callback, Mode::Next] {
        for tls in BOTH {
            let (teller, told) = channel();
            let server = serve(tls, AGREED, move |peer| {
                while let Some(arrived) = peer.next() {
                    let _ = teller.send((arrived.opcode, arrived.payload));
                }
            });
            let client = connected(mode, &server, &[(WS_CONTROL_SEND_QUEUE_LIMIT, 1 << 20)]);
            let senders: Vec<_> = (0..THREADS).map(|thread| sender(&client, thread)).collect();
            let mut numbers = [0; THREADS];
            for _ in 0..THREADS * MESSAGES {
                let (opcode, payload) = told.recv_timeout(DEADLINE).expect("a message in time");
                let thread = usize::from(payload[0] - b'0');
                let expected = message_of(thread, numbers[thread]);
                assert!(opcode == TEXT && payload == expected.as_bytes(), "{mode:?}, {tls:?}");
                numbers[thread] += 1;
            }
            assert_eq!(numbers, [MESSAGES; THREADS]);
            for sender in senders {
                sender.join().unwrap();
            }
        }
    }
}

fn sender(client: &Client, thread: usize) -> std::thread::JoinHandle<()> {
    let socket = AtomicPtr::new(client.socket);
    std::thread::spawn(move || {
        let socket = socket.load(Ordering::Relaxed);
        for number in 0..MESSAGES {
            let text = message_of(thread, number);
            let result = match ws_send_text(socket, text.as_ptr().cast(), text.len()) {
                WS_E_WOULD_BLOCK => ws_send_wait(
                    socket,
                    WS_MESSAGE_TYPE_UTF8,
                    text.as_ptr().cast(),
                    text.len(),
                    WS_INFINITE,
                ),
                result => result,
            };
            assert_eq!(result, WS_OK);
        }
    })
}

const ANSWERS: usize = 32;
const ANSWER: usize = 1 << 20;

unsafe extern "C-unwind" fn answer_at_length(
    socket: *mut ws_socket,
    _: *const ws_message,
    user_data: *mut c_void,
) {
    let text = prose(ANSWER, 1);
    for _ in 0..ANSWERS {
        assert_eq!(ws_send_text(socket, text.as_ptr().cast(), text.len()), WS_OK);
    }
    unsafe { &*user_data.cast::<Sender<()>>() }.send(()).unwrap();
}

/// Deflating what one callback sends takes many times as long as a round trip.
#[test]
fn a_callback_that_sends_much_leaves_the_thread_to_other_sockets() {
    for tls in BOTH {
        let (teller, told) = channel();
        let server = serve(tls, AGREED, move |peer| {
            peer.send_plain(TEXT, b"begin");
            for _ in 0..ANSWERS {
                let _ = teller.send(peer.message().payload.len());
            }
        });
        let echo = Server::echo(tls);
        let other = connected(Mode::Callback, &echo, &[]);
        let (answering, answered) = channel::<()>();
        let answering = Box::new(answering);
        let mut busy = offering(Mode::Callback, &[(WS_CONTROL_SEND_QUEUE_LIMIT, 64 << 20)]);
        let user_data = (&raw const *answering).cast_mut().cast();
        let set = ws_on_message_received(busy.socket, Some(answer_at_length), user_data);
        assert_eq!(set, WS_OK);
        busy.connect(&server.uri());
        assert_eq!(busy.connect_result(), WS_OK);
        answered.recv_timeout(DEADLINE).unwrap();
        for number in 0..5 {
            let text = format!("round trip {number}");
            assert_eq!(other.send_text(&text), WS_OK);
            assert_eq!(other.next_text(), text);
        }
        let deflated = busy.statistics().uncompressed_bytes_sent;
        assert!(deflated < (ANSWERS * ANSWER) as u64, "{tls:?}: all of it went first");
        for _ in 0..ANSWERS {
            assert_eq!(told.recv_timeout(DEADLINE), Ok(ANSWER));
        }
        assert_eq!(busy.free(), []);
    }
}
