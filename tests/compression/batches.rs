//! Batches on a connection with compression: they stay together while they are deflated, and what
//! waits for that counts.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::mpsc::channel;

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;

use crate::peer::{prose, serve};
use crate::support::DEADLINE;
use crate::support::client::Told;
use crate::{connected, everywhere};

fn send(socket: *mut ws_socket, messages: &[String]) -> (ws_result, usize) {
    let buffer = |text: &String| ws_buffer { data: text.as_ptr().cast(), len: text.len() };
    let buffers: Vec<_> = messages.iter().map(buffer).collect();
    let (count, mut accepted) = (buffers.len(), 0);
    let result =
        ws_send_batch(socket, WS_MESSAGE_TYPE_UTF8, buffers.as_ptr(), count, &raw mut accepted);
    (result, accepted)
}

#[test]
fn batches_of_several_threads_stay_together_and_come_compressed() {
    const BATCHES: usize = 30;
    everywhere(|mode, tls| {
        let (teller, told) = channel();
        let server = serve(tls, "permessage-deflate", move |peer| {
            while let Some(arrived) = peer.next() {
                if teller.send(arrived).is_err() {
                    break;
                }
            }
        });
        let client = connected(mode, &server, &[]);
        // Some of them below the threshold.
        let lens = [1_000, 10, 20_000, 0, 300, 90_000, 64];
        let batch = |thread: usize| -> Vec<String> {
            let text = |len: usize| format!("{thread}{}", prose(len, (thread + len) as u64));
            lens.iter().map(|len| text(*len)).collect()
        };
        let socket = AtomicPtr::new(client.socket);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (socket, messages) = (&socket, batch(thread));
                scope.spawn(move || {
                    for _ in 0..BATCHES {
                        let socket = socket.load(Ordering::Relaxed);
                        assert_eq!(send(socket, &messages), (WS_OK, messages.len()));
                    }
                });
            }
        });
        let batches = [0, 1, 2].map(batch);
        for _ in 0..3 * BATCHES {
            let mut whose = None;
            for (at, len) in lens.iter().enumerate() {
                let arrived = told.recv_timeout(DEADLINE).expect("a message in time");
                let thread = usize::from(arrived.payload[0] - b'0');
                assert_eq!(*whose.get_or_insert(thread), thread, "{mode:?}, {tls:?}");
                assert!(arrived.payload == batches[thread][at].as_bytes());
                assert_eq!(arrived.is_compressed, len + 1 >= 64);
            }
        }
    });
}

#[test]
fn what_waits_to_be_deflated_counts_and_a_batch_goes_on_when_it_has_left() {
    everywhere(|mode, tls| {
        let (teller, told) = channel();
        let server = serve(tls, "permessage-deflate", move |peer| {
            while let Some(arrived) = peer.next() {
                if teller.send(arrived.payload).is_err() {
                    break;
                }
            }
        });
        let client = connected(mode, &server, &[(WS_CONTROL_SEND_QUEUE_LIMIT, 50_000)]);
        let messages: Vec<_> = (0..400).map(|n| prose(n * 7, n as u64)).collect();
        let (mut rest, mut refusals) = (&messages[..], 0);
        while !rest.is_empty() {
            let (result, accepted) = send(client.socket, rest);
            rest = &rest[accepted..];
            if result == WS_E_WOULD_BLOCK {
                refusals += 1;
                assert!(ws_buffered_amount(client.socket) <= 50_000);
                assert_eq!(client.next(), Told::SendReady);
            } else {
                assert_eq!((result, rest.len()), (WS_OK, 0));
            }
        }
        assert!(refusals > 0);
        for message in messages {
            assert!(told.recv_timeout(DEADLINE).expect("in time") == message.as_bytes());
        }
    });
}
