//! What is watched while messages are inflated: their size, their end, their text, and who takes
//! them.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::peer::{BINARY, CLOSE, COMPRESSED, FINAL, Peer, TEXT, cut, noise, prose, serve};
use crate::support::DEADLINE;
use crate::support::client::{Client, Mode, Told};
use crate::support::server::{Server, Tls, eventually_within, frame};
use crate::{connected, everywhere, lost, offering};

const AGREED: &str = "permessage-deflate";
const PARTIAL: (ws_control, u64) =
    (WS_CONTROL_RECEIVE_MODE, WS_RECEIVE_MODE_PARTIAL_MESSAGE as u64);

/// A server that acts, and then tells the client's close code.
fn telling(
    tls: Tls,
    act: impl Fn(&mut Peer) + Send + Sync + 'static,
) -> (Server, Receiver<Option<u16>>) {
    let (teller, told) = channel();
    let server = serve(tls, AGREED, move |peer| {
        act(peer);
        let code = peer.next().filter(|arrived| arrived.opcode == CLOSE).map(|arrived| {
            arrived.payload.get(..2).map_or(1005, |code| u16::from_be_bytes([code[0], code[1]]))
        });
        let _ = teller.send(code);
    });
    (server, told)
}

#[test]
fn a_message_may_be_as_large_as_the_limit_and_one_more_ends_the_connection() {
    const LIMIT: usize = 100_000;
    for frames in [1, 3] {
        everywhere(move |mode, tls| {
            let (server, code) = telling(tls, move |peer| {
                peer.send(TEXT, &[b'a'; LIMIT], frames);
                peer.send(BINARY, &noise(LIMIT, 1), frames);
                let wire = peer.deflate(&[b'a'; LIMIT + 1]);
                let _ = peer.stream.write_all(&cut(TEXT | COMPRESSED, &wire, frames));
            });
            let limit = (WS_CONTROL_MAX_MESSAGE_SIZE, LIMIT as u64);
            let mut client = connected(mode, &server, &[limit]);
            let (before, closed) = client.until_closed();
            let good = [
                Told::Message(WS_MESSAGE_TYPE_UTF8, vec![b'a'; LIMIT]),
                Told::Message(WS_MESSAGE_TYPE_BINARY, noise(LIMIT, 1)),
            ];
            assert!(before == good, "{frames}, {mode:?}, {tls:?}: {} came", before.len());
            assert_eq!(closed, lost(WS_E_MESSAGE_TOO_BIG));
            assert_eq!(code.recv_timeout(DEADLINE), Ok(Some(1009)));
        });
    }
}

#[test]
fn what_does_not_inflate_or_does_not_end_ends_the_connection() {
    for name in ["no block", "cut", "not text", "half a character"] {
        everywhere(move |mode, tls| {
            let (server, code) = telling(tls, move |peer| {
                peer.send(TEXT, b"good", 1);
                let whole = peer.deflate(prose(1_000, 1).as_bytes());
                let wire = match name {
                    "no block" => vec![0xff; 20],
                    "cut" => whole[..whole.len() - 20].to_vec(),
                    "not text" => peer.deflate(b"\xff\xff"),
                    _ => peer.deflate(b"caf\xc3"),
                };
                peer.stream.write_all(&frame(FINAL | COMPRESSED | TEXT, &wire)).unwrap();
            });
            let mut client = connected(mode, &server, &[]);
            let (before, closed) = client.until_closed();
            assert_eq!(before, [Told::Message(WS_MESSAGE_TYPE_UTF8, b"good".to_vec())]);
            let result = match name {
                "no block" | "cut" => WS_E_INVALID_PROTOCOL_FORMAT,
                _ => WS_E_NO_UNICODE_TRANSLATION,
            };
            assert_eq!(closed, lost(result), "{name}, {mode:?}, {tls:?}");
            assert_eq!(code.recv_timeout(DEADLINE), Ok(Some(1007)), "{name}");
        });
    }
}

/// The portions up to the end of a message: how many, and its bytes.
fn whole(client: &Client) -> (usize, Vec<u8>) {
    let (mut count, mut bytes) = (1, Vec::new());
    loop {
        match client.next() {
            Told::Portion(WS_MESSAGE_TYPE_UTF8, portion) => bytes.extend(portion),
            Told::Message(WS_MESSAGE_TYPE_UTF8, last) => {
                bytes.extend(last);
                return (count, bytes);
            }
            other => panic!("{other:?}"),
        }
        count += 1;
    }
}

#[test]
fn portions_are_inflated_as_they_come_and_no_limit_binds_them() {
    everywhere(|mode, tls| {
        let (server, _code) = telling(tls, |peer| {
            let text = prose(600_000, 1);
            // The first half is there before the second is sent.
            let wire = peer.deflate(&text.as_bytes()[..300_000]);
            peer.stream.write_all(&frame(TEXT | COMPRESSED, &wire)).unwrap();
            peer.stream.write_all(&frame(0, &[0, 0, 0xff, 0xff])).unwrap();
            assert_eq!(peer.message().payload, b"more");
            let wire = peer.deflate(&text.as_bytes()[300_000..]);
            peer.stream.write_all(&cut(0, &wire, 3)).unwrap();
            for frames in [1, 10] {
                peer.send(TEXT, text.as_bytes(), frames);
                peer.send(TEXT, b"", frames);
            }
        });
        let limit = (WS_CONTROL_MAX_MESSAGE_SIZE, 1_000);
        let client = connected(mode, &server, &[PARTIAL, limit]);
        let text = prose(600_000, 1);
        let mut half = Vec::new();
        while half.len() < 300_000 {
            match client.next() {
                Told::Portion(WS_MESSAGE_TYPE_UTF8, portion) => half.extend(portion),
                other => panic!("{other:?}"),
            }
        }
        assert!(half == text.as_bytes()[..300_000]);
        assert_eq!(client.send_text("more"), WS_OK);
        assert!(whole(&client).1 == text.as_bytes()[300_000..], "{mode:?}, {tls:?}");
        for frames in [1, 10] {
            let (count, bytes) = whole(&client);
            assert!(count > 1 && bytes == text.as_bytes(), "{frames}, {mode:?}, {tls:?}");
            assert_eq!(whole(&client), (1, Vec::new()));
        }
    });
}

/// A thousandth of it fits into the sockets: what holds it up is the queue's limit alone.
#[test]
fn a_slow_consumer_holds_up_what_inflates_to_much() {
    const LEN: usize = 64 << 20;
    for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
        for tls in [Tls::No, Tls::Good] {
            let sent = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&sent);
            let (server, _code) = telling(tls, move |peer| {
                let wire = peer.deflate(&vec![b'a'; LEN]);
                peer.stream.write_all(&frame(FINAL | COMPRESSED | TEXT, &wire)).unwrap();
                counter.store(wire.len(), Ordering::SeqCst);
            });
            let limit = (WS_CONTROL_RECEIVE_QUEUE_LIMIT, 1 << 20);
            let mut client = offering(mode, &[PARTIAL, limit]);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.hold(true);
            let inflated = || client.statistics().uncompressed_bytes_received;
            assert!(eventually_within(DEADLINE, || sent.load(Ordering::SeqCst) > 0));
            assert!(eventually_within(DEADLINE, || inflated() > 0));
            assert!(!eventually_within(Duration::from_millis(300), || inflated() > 4 << 20));
            client.hold(false);
            client.begin_pulling();
            let (count, bytes) = whole(&client);
            assert!(count > 16 && bytes.len() == LEN, "{mode:?}, {tls:?}");
            assert!(bytes.iter().all(|byte| *byte == b'a'));
        }
    }
}
