//! RECEIVE_MODE partial: messages come in portions as they arrive, and only the last says that it
//! is complete.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use super::*;
use crate::support::server::{
    Ending, Stream, client_frames, eventually_within, finish_after_close, reset,
};

const PARTIAL: (ws_control, u64) =
    (WS_CONTROL_RECEIVE_MODE, WS_RECEIVE_MODE_PARTIAL_MESSAGE as u64);
const TEXT_KIND: ws_message_type = WS_MESSAGE_TYPE_UTF8;
const BINARY_KIND: ws_message_type = WS_MESSAGE_TYPE_BINARY;

/// Sends what it is asked for by the client, a piece for each message of it.
fn on_request(tls: Tls, pieces: Vec<Vec<u8>>) -> (Server, Receiver<(Vec<u8>, Ending)>) {
    Server::scripted(tls, move |stream, _| {
        for piece in &pieces {
            if read_frame(stream).is_none() {
                return;
            }
            stream.write_all(piece).unwrap();
            stream.flush().unwrap();
        }
    })
}

fn ask(client: &Client) {
    assert_eq!(client.send_text("more"), WS_OK);
}

/// The portions up to the end of a message: how many, its type, its bytes.
fn whole(client: &Client) -> (usize, ws_message_type, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut count = 1;
    loop {
        match client.next() {
            Told::Portion(_, portion) => bytes.extend(portion),
            Told::Message(kind, last) => {
                bytes.extend(last);
                return (count, kind, bytes);
            }
            other => panic!("{other:?}"),
        }
        count += 1;
    }
}

#[test]
fn portions_come_while_the_rest_of_the_frame_is_missing() {
    everywhere(|mode, tls| {
        // A text of eleven bytes, cut inside its frame and inside a character.
        let pieces = [&b"\x81\x0bhello"[..], b", \xc3", b"\xa9", b"!!"].map(<[u8]>::to_vec);
        let (server, _wire) = on_request(tls, pieces.to_vec());
        let client = connected(mode, &server, &[PARTIAL]);
        for portion in [&b"hello"[..], b", \xc3", b"\xa9"] {
            ask(&client);
            assert_eq!(client.next(), Told::Portion(TEXT_KIND, portion.to_vec()));
        }
        ask(&client);
        assert_eq!(client.next(), Told::Message(TEXT_KIND, b"!!".to_vec()));
    });
}

#[test]
fn every_frame_is_a_portion_and_what_lies_whole_is_one() {
    everywhere(|mode, tls| {
        let wire = [
            frame(0x82, b"whole"),
            frame(BINARY, b"a"),
            frame(CONTINUATION, b""),
            frame(CONTINUATION, b"bc"),
            frame(FINAL, b"d"),
            frame(0x81, b""),
            frame(TEXT, b"empty"),
            frame(FINAL, b""),
            frame(TEXT, b""),
            frame(FINAL, b""),
            frame(0x82, b"behind"),
        ];
        let (server, _wire) = on_request(tls, vec![wire.concat()]);
        let client = connected(mode, &server, &[PARTIAL]);
        ask(&client);
        let expected = [
            Told::Message(BINARY_KIND, b"whole".to_vec()),
            Told::Portion(BINARY_KIND, b"a".to_vec()),
            Told::Portion(BINARY_KIND, b"bc".to_vec()),
            Told::Message(BINARY_KIND, b"d".to_vec()),
            Told::Message(TEXT_KIND, Vec::new()),
            Told::Portion(TEXT_KIND, b"empty".to_vec()),
            Told::Message(TEXT_KIND, Vec::new()),
            Told::Message(TEXT_KIND, Vec::new()),
            Told::Message(BINARY_KIND, b"behind".to_vec()),
        ];
        for told in expected {
            assert_eq!(client.next(), told, "{mode:?} {tls:?}");
        }
        assert!(support::server::eventually(|| client.statistics().messages_received == 6));
    });
}

#[test]
fn the_limits_of_whole_messages_do_not_bind() {
    everywhere(|mode, tls| {
        let bytes = pattern(5 << 20);
        let mut wire = Vec::new();
        for (number, piece) in bytes.chunks(50_000).enumerate() {
            wire.extend(frame(if number == 0 { BINARY } else { CONTINUATION }, piece));
        }
        wire.extend(frame(FINAL, b""));
        let (server, _wire) = on_request(tls, vec![wire]);
        let limits = [PARTIAL, (WS_CONTROL_MAX_MESSAGE_SIZE, 1_000), (WS_CONTROL_MAX_FRAGMENTS, 2)];
        let client = connected(mode, &server, &limits);
        ask(&client);
        let (count, kind, arrived) = whole(&client);
        assert!(count > 100 && kind == BINARY_KIND && arrived == bytes, "{mode:?} {tls:?}");
    });
}

#[test]
fn control_frames_between_portions_are_answered() {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            stream.write_all(&frame(TEXT, b"a")).unwrap();
            stream.write_all(&frame(PING, b"still there?")).unwrap();
            assert_eq!(read_frame(stream), Some((PONG, b"still there?".to_vec())));
            stream.write_all(&frame(CONTINUATION, b"b")).unwrap();
            let ping = read_frame(stream).unwrap();
            assert_eq!(ping, (PING, b"?".to_vec()));
            stream.write_all(&frame(PONG, &ping.1)).unwrap();
            stream.write_all(&frame(FINAL, b"c")).unwrap();
        });
        let client = connected(mode, &server, &[PARTIAL]);
        assert_eq!(client.next(), Told::Portion(TEXT_KIND, b"a".to_vec()));
        assert_eq!(client.next(), Told::Portion(TEXT_KIND, b"b".to_vec()));
        assert_eq!(ws_ping(client.socket, b"?".as_ptr().cast(), 1), WS_OK);
        // In pull mode the two come by different threads.
        let told = [client.next(), client.next()];
        let last = Told::Message(TEXT_KIND, b"c".to_vec());
        assert!(told.iter().any(|told| matches!(told, Told::Pong(_))), "{told:?}");
        assert!(told.contains(&last), "{told:?}");
    });
}

/// Ends in the middle of a message, as `end` does it.
fn ends_inside(
    end: impl Fn(&mut Stream) + Send + Sync + Copy + 'static,
    expected: impl Fn(Closed, &str),
) {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            stream.write_all(&frame(BINARY, b"a")).unwrap();
            stream.write_all(b"\x00\x64b").unwrap();
            stream.flush().unwrap();
            // What has not been read may be overtaken.
            read_frame(stream);
            end(stream);
        });
        let mut client = connected(mode, &server, &[PARTIAL]);
        assert_eq!(client.next(), Told::Portion(BINARY_KIND, b"a".to_vec()));
        assert_eq!(client.next(), Told::Portion(BINARY_KIND, b"b".to_vec()));
        ask(&client);
        let (before, closed) = client.until_closed();
        assert_eq!(before, [], "nothing pretends to complete it");
        expected(closed, &format!("{mode:?} {tls:?}"));
    });
}

#[test]
fn a_loss_in_the_middle_completes_nothing() {
    ends_inside(finish, |closed, place| {
        assert_eq!(closed, lost(WS_E_CONNECTION_ABORTED), "{place}");
    });
    ends_inside(reset, |closed, place| {
        assert_eq!(closed, lost(WS_E_CONNECTION_RESET), "{place}");
    });
}

#[test]
fn a_close_frame_in_the_middle_completes_nothing() {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            let wire = [frame(TEXT, b"half"), frame(CLOSE, b"\x03\xe9bye")];
            stream.write_all(&wire.concat()).unwrap();
            finish_after_close(stream);
        });
        let mut client = connected(mode, &server, &[PARTIAL]);
        let (before, closed) = client.until_closed();
        assert_eq!(before, [Told::Portion(TEXT_KIND, b"half".to_vec())]);
        assert_eq!((closed.result, closed.code, closed.by_peer), (WS_OK, 1001, true));
    });
}

#[test]
fn text_that_turns_out_not_to_be_utf8_ends_the_connection_at_that_portion() {
    for (name, last) in [
        ("a later portion", frame(CONTINUATION, b"\xa9 then \xff and more")),
        ("inside the cut character", frame(CONTINUATION, b"x")),
        ("the end inside a character", frame(FINAL, b"")),
    ] {
        everywhere(|mode, tls| {
            let wire = vec![frame(TEXT, b"good caf\xc3"), last.clone()];
            let (server, wire) = on_request(tls, wire);
            let mut client = connected(mode, &server, &[PARTIAL]);
            ask(&client);
            let good = Told::Portion(TEXT_KIND, b"good caf\xc3".to_vec());
            assert_eq!(client.next(), good, "{name}");
            ask(&client);
            let end = (vec![], lost(WS_E_NO_UNICODE_TRANSLATION));
            assert_eq!(client.until_closed(), end, "{name}, {mode:?}, {tls:?}");
            let (rest, _) = wire.recv_timeout(DEADLINE).unwrap();
            assert_eq!(client_frames(&rest), [(CLOSE, vec![3, 239])], "{name}: 1007");
        });
    }
}

unsafe extern "C-unwind" fn keep(
    _: *mut ws_socket,
    message: *const ws_message,
    user_data: *mut std::ffi::c_void,
) {
    let kept = anyws::ffi::events::ws_message_retain(message);
    let keeper = unsafe { &*user_data.cast::<std::sync::mpsc::Sender<usize>>() };
    keeper.send(kept.expose_provenance()).unwrap();
}

#[test]
fn a_retained_portion_stays_what_it_was() {
    for mode in [Mode::Callback, Mode::Dispatch] {
        for tls in BOTH {
            let bytes = pattern(1 << 20);
            let pieces = [
                [frame(BINARY, b"first"), frame(CONTINUATION, &bytes)].concat(),
                [frame(FINAL, b""), frame(0x81, b"behind")].concat(),
            ];
            let (server, _wire) = on_request(tls, pieces.to_vec());
            let (keeper, kept) = channel();
            let keeper = Box::new(keeper);
            let mut client = Client::trusting(mode);
            client.set(PARTIAL.0, PARTIAL.1);
            let user_data = (&raw const *keeper).cast_mut().cast();
            let set = anyws::ffi::events::ws_on_message_received;
            assert_eq!(set(client.socket, Some(keep), user_data), WS_OK);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            ask(&client);
            ask(&client);
            let mut messages = Vec::new();
            let mut completed = 0;
            while completed < 2 {
                let message = kept.recv_timeout(DEADLINE).expect("a portion in time");
                let message = std::ptr::with_exposed_provenance_mut::<ws_message>(message);
                completed += usize::from(unsafe { (*message).is_complete });
                messages.push(message);
            }
            assert_eq!(client.free(), []);
            let told: Vec<_> = messages
                .iter()
                .map(|message| unsafe { support::told::told_of(*message) })
                .collect();
            assert_eq!(told[0], Told::Portion(BINARY_KIND, b"first".to_vec()));
            assert_eq!(told[told.len() - 2], Told::Message(BINARY_KIND, Vec::new()));
            assert_eq!(told[told.len() - 1], Told::Message(TEXT_KIND, b"behind".to_vec()));
            let middle = told[1..told.len() - 2].iter().flat_map(|told| match told {
                Told::Portion(_, bytes) => bytes.clone(),
                other => panic!("{other:?}"),
            });
            assert!(middle.eq(bytes), "{mode:?} {tls:?}");
            for message in messages {
                anyws::ffi::events::ws_message_release(message);
            }
        }
    }
}

/// Whoever takes nothing gets no more than the queue's limit and what the sockets hold, also of a
/// single message, and loses nothing.
#[test]
fn a_slow_consumer_holds_up_a_large_message_and_loses_nothing() {
    const SIZE: usize = 48 << 20;
    for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
        for tls in BOTH {
            let written = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&written);
            let (server, _wire) = Server::scripted(tls, move |stream, _| {
                read_frame(stream);
                let bytes = pattern(SIZE);
                stream.write_all(&[0x82, 127]).unwrap();
                stream.write_all(&(SIZE as u64).to_be_bytes()).unwrap();
                for piece in bytes.chunks(64 * 1024) {
                    if stream.write_all(piece).is_err() {
                        return;
                    }
                    counter.fetch_add(piece.len(), Ordering::SeqCst);
                }
            });
            let mut client = Client::trusting(mode);
            client.set(PARTIAL.0, PARTIAL.1);
            client.set(WS_CONTROL_RECEIVE_QUEUE_LIMIT, 256 * 1024);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.hold(true);
            ask(&client);
            let all = || written.load(Ordering::SeqCst) > SIZE / 2;
            assert!(!eventually_within(Duration::from_millis(400), all), "it was never held up");
            client.hold(false);
            client.begin_pulling();
            let (count, kind, arrived) = whole(&client);
            assert!(count > 1 && kind == BINARY_KIND);
            assert!(arrived == pattern(SIZE), "{mode:?} {tls:?}");
            assert_eq!(anyws::ffi::socket::ws_get_state(client.socket), WS_STATE_OPEN);
        }
    }
}
