//! ws_cancel of reads and writes, at every point of their lives.

use anyws::ffi::result::*;
use anyws::ffi::send::ws_cancel;
use anyws::ffi::socket::ws_get_state;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::support::client::{MODES, Mode};
use crate::support::random::Random;
use crate::support::server::{BOTH, eventually, frame, read_frame};
use crate::support::stream_client::Buffer;
use crate::{pair, pair_with, send, socket_of};

const EVENTS: [Mode; 3] = [Mode::Callback, Mode::Dispatch, Mode::Next];

#[test]
fn a_read_is_cancelled_before_its_data_and_half_filled() {
    for mode in EVENTS {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let mut buffer = Buffer::new(10);
            assert_eq!(client.begin_read(&mut buffer, 10, WS_READ_PARTIAL), WS_OK);
            assert_eq!(ws_cancel(client.socket(), WS_OPERATION_READ), WS_OK);
            assert_eq!(client.ended(WS_OPERATION_READ), (WS_E_ABORT, 0));

            assert_eq!(client.begin_read(&mut buffer, 10, WS_READ_NONE), WS_OK);
            send(&mut stream, &frame(0x82, b"half"));
            assert!(eventually(|| client.client.statistics().bytes_received == 6));
            assert_eq!(ws_cancel(client.socket(), WS_OPERATION_READ), WS_OK);
            assert_eq!(client.ended(WS_OPERATION_READ), (WS_E_ABORT, 4));
            assert_eq!(buffer.filled(4), b"half");

            // The connection lives on, and nothing of the stream is lost.
            send(&mut stream, &frame(0x82, b"the rest"));
            assert_eq!(client.read_all(8), b"the rest");
            assert_eq!(ws_get_state(client.socket()), WS_STATE_OPEN);
            client.client.free();
        }
    }
}

#[test]
fn cancelling_what_is_not_under_way_changes_nothing() {
    for mode in MODES {
        let (client, mut stream) = pair(mode, crate::Tls::No);
        for operation in [WS_OPERATION_READ, WS_OPERATION_WRITE] {
            assert_eq!(ws_cancel(client.socket(), operation), WS_OK);
        }
        send(&mut stream, &frame(0x82, b"abc"));
        assert_eq!(client.read_all(3), b"abc");
        assert_eq!(client.write(b"abc"), (WS_OK, 3));
        for operation in [WS_OPERATION_READ, WS_OPERATION_WRITE] {
            assert_eq!(ws_cancel(client.socket(), operation), WS_OK);
        }
        assert_eq!(read_frame(&mut stream), Some((0x82, b"abc".to_vec())));
        client.client.free();
    }
}

#[test]
fn a_waiting_thread_is_freed_by_a_cancel() {
    let (client, _stream) = pair(Mode::Pull, crate::Tls::No);
    let handle = client.socket().addr();
    std::thread::scope(|scope| {
        let (told, waits) = std::sync::mpsc::channel();
        let reader = scope.spawn(move || {
            let (mut buffer, mut count) = ([0u8; 8], 9usize);
            let start = buffer.as_mut_ptr().cast();
            told.send(()).unwrap();
            let options = WS_READ_NONE;
            let count_place = &raw mut count;
            let result = ws_read_wait(socket_of(handle), start, 8, options, 30_000, count_place);
            (result, count)
        });
        waits.recv().unwrap();
        let freed = eventually(|| {
            assert_eq!(ws_cancel(socket_of(handle), WS_OPERATION_READ), WS_OK);
            reader.is_finished()
        });
        assert!(freed);
        assert_eq!(reader.join().unwrap(), (WS_E_ABORT, 0));
    });
}

/// A cancel that comes while the I/O thread fills: whatever was counted was put into the buffer,
/// and the next read goes on with the very next byte.
#[test]
fn a_read_is_cancelled_while_it_is_filled() {
    for tls in BOTH {
        for compression in [0, 1] {
            let (server, streams) = crate::puppet(tls);
            let client =
                crate::StreamClient::compressing(Mode::Callback, &server.uri(), compression);
            let mut stream = streams.recv().unwrap();
            let bytes = Random::new(4).bytes(20 << 20);
            let sent = bytes.clone();
            let sender = std::thread::spawn(move || {
                for piece in sent.chunks(700_000) {
                    send(&mut stream, &frame(0x82, piece));
                }
                stream
            });
            let (mut at, mut cancelled, mut random) = (0, 0, Random::new(6));
            while at < bytes.len() {
                let mut buffer = Buffer::new(1 << 20);
                let capacity = (1 << 20).min(bytes.len() - at);
                assert_eq!(client.begin_read(&mut buffer, capacity, WS_READ_NONE), WS_OK);
                for _ in 0..random.below(2000) {
                    std::hint::spin_loop();
                }
                assert_eq!(ws_cancel(client.socket(), WS_OPERATION_READ), WS_OK);
                let (result, count) = client.ended(WS_OPERATION_READ);
                match result {
                    WS_OK => assert_eq!(count, capacity),
                    _ => assert_eq!(result, WS_E_ABORT),
                }
                cancelled += usize::from(result == WS_E_ABORT && count > 0);
                assert!(buffer.filled(count) == &bytes[at..at + count], "at {at}");
                at += count;
            }
            println!("{cancelled} were half filled");
            sender.join().unwrap();
            client.client.free();
        }
    }
}

#[test]
fn a_write_that_has_not_begun_is_taken_out_and_one_that_has_goes_on() {
    for mode in EVENTS {
        for tls in BOTH {
            for compression in [0, 1] {
                let (client, mut stream) = pair_with(mode, tls, |client| {
                    client.set(WS_CONTROL_COMPRESSION, compression);
                });
                let bytes = Random::new(8).bytes(16 << 20);
                assert_eq!(client.begin_write(&bytes), WS_OK);
                assert!(eventually(|| client.client.statistics().bytes_sent > 0));
                assert_eq!(ws_cancel(client.socket(), WS_OPERATION_WRITE), WS_OK);
                assert_eq!(client.begin_write(b"x"), WS_E_INVALID_OPERATION, "it goes on");
                let reader = std::thread::spawn(move || {
                    let mut count = 0;
                    loop {
                        let (first, payload) = read_frame(&mut stream).expect("a frame");
                        count += payload.len();
                        if first & 0x80 != 0 {
                            return (stream, count);
                        }
                    }
                });
                assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, bytes.len()));
                let (mut stream, count) = reader.join().unwrap();
                assert!(count >= bytes.len());
                // Again and again: sent or cancelled, and the wire agrees.
                let mut expected = Vec::new();
                for number in 0..100u8 {
                    let small = [number; 50];
                    assert_eq!(client.begin_write(&small), WS_OK);
                    assert_eq!(ws_cancel(client.socket(), WS_OPERATION_WRITE), WS_OK);
                    match client.ended(WS_OPERATION_WRITE) {
                        (WS_OK, 50) => expected.push(number),
                        other => assert_eq!(other, (WS_E_ABORT, 0)),
                    }
                }
                for number in expected {
                    assert_eq!(read_frame(&mut stream), Some((0x82, vec![number; 50])));
                }
                client.client.free();
            }
        }
    }
}
