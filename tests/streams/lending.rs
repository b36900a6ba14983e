//! A thread that waits for large frames reads them itself, while the I/O thread looks the other way:
//! whatever happens meanwhile, it must be as if nobody did. The servers here flood.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyws::ffi::result::*;
use anyws::ffi::send::ws_cancel;
use anyws::ffi::socket::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::ending::Pages;
use crate::support::client::Mode;
use crate::support::random::Random;
use crate::support::server::{Stream, Tls, eventually, finish, frame, read_frame, reset};
use crate::support::stream_client::Buffer;
use crate::support::stream_server::server_header;
use crate::{StreamClient, pair, pair_with, send, socket_of};

const TOTAL: usize = 10 << 20;
/// More than any test reads.
const ENDLESS: u64 = 1 << 40;

fn bytes() -> Arc<Vec<u8>> {
    Arc::new(Random::new(11).bytes(TOTAL))
}

/// Frames of many sizes, in messages of one and of several, now and then with a ping before one;
/// and how many pings.
fn send_frames(stream: &mut Stream, bytes: &[u8]) -> usize {
    let sizes = [300_000, 70_000, 1, 0, 1 << 20, 200_000, 65_536, 65_535, 1_000, 700_000];
    let firsts = [0x82, 0x02, 0x00, 0x00, 0x80, 0x81, 0x01, 0x80];
    let (mut at, mut pings) = (0, 0);
    for number in 0.. {
        let first = firsts[number % firsts.len()];
        if at == bytes.len() && number % firsts.len() == 0 {
            break;
        }
        if number % 3 == 0 {
            send(stream, &frame(0x89, &[number as u8]));
            pings += 1;
        }
        let size = sizes[number % sizes.len()].min(bytes.len() - at);
        send(stream, &frame(first, &bytes[at..at + size]));
        at += size;
    }
    pings
}

/// Begins a frame that does not end, and goes on until nobody takes it or `limit` bytes have gone.
fn send_payload(mut stream: Stream, limit: usize) -> JoinHandle<Stream> {
    std::thread::spawn(move || {
        send(&mut stream, &server_header(0x82, ENDLESS));
        let piece = vec![7; 256 * 1024];
        let mut left = limit;
        while left > 0 {
            let count = left.min(piece.len());
            if stream.write_all(&piece[..count]).is_err() {
                break;
            }
            left -= count;
        }
        stream
    })
}

#[test]
fn frames_of_every_size_arrive_and_pings_between_them_are_answered() {
    let bytes = bytes();
    let (client, mut stream) = pair(Mode::Pull, Tls::No);
    let sent = Arc::clone(&bytes);
    let answers = stream.tcp().try_clone().unwrap();
    let sender = std::thread::spawn(move || send_frames(&mut stream, &sent));
    let listener = std::thread::spawn(move || {
        let (mut answers, mut pongs) = (Stream::Plain(answers), 0);
        while let Some((first, _)) = read_frame(&mut answers).filter(|(first, _)| *first != 0x88) {
            assert_eq!(first, 0x8a);
            pongs += 1;
        }
        pongs
    });
    let (mut at, mut random) = (0, Random::new(5));
    while at < TOTAL {
        let capacity = (1 + random.below(1_500_000)).min(TOTAL - at);
        let options = if random.below(3) == 0 { WS_READ_PARTIAL } else { WS_READ_NONE };
        let (result, got) = client.read_wait(capacity, options, WS_INFINITE);
        assert!(result == WS_OK && !got.is_empty());
        assert!(options == WS_READ_PARTIAL || got.len() == capacity);
        assert!(bytes[at..at + got.len()] == got, "at {at}");
        at += got.len();
    }
    let pings = sender.join().unwrap();
    assert!(eventually(|| client.client.statistics().payload_bytes_received == TOTAL as u64));
    assert!(eventually(|| client.client.statistics().pings_received == pings as u64));
    assert_eq!(client.client.close(1000, ""), WS_OK);
    assert_eq!(listener.join().unwrap(), pings);
}

#[test]
fn however_a_flood_ends_it_is_read_to_its_end() {
    type End = (&'static str, u64, fn(&mut Stream), ws_result);
    let exact = TOTAL as u64;
    let ends: [End; 6] = [
        ("close", exact, |stream| send(stream, &frame(0x88, b"\x03\xe8")), WS_OK),
        ("FIN between frames", exact, |stream| finish(stream), WS_E_CONNECTION_ABORTED),
        ("FIN in a frame", ENDLESS, |stream| finish(stream), WS_E_CONNECTION_ABORTED),
        ("RST", ENDLESS, reset, WS_E_CONNECTION_RESET),
        ("opcode", exact, |stream| send(stream, &[0x83, 0]), WS_E_INVALID_PROTOCOL_FORMAT),
        ("order", exact, |stream| send(stream, &[0x80, 1, 7]), WS_E_INVALID_PROTOCOL_OPERATION),
    ];
    let bytes = bytes();
    for (what, len, end, expected) in ends {
        let (client, mut stream) = pair(Mode::Pull, Tls::No);
        let sent = Arc::clone(&bytes);
        let sender = std::thread::spawn(move || {
            send(&mut stream, &server_header(0x82, len));
            send(&mut stream, &sent);
            end(&mut stream);
            stream
        });
        let mut at = 0;
        let result = loop {
            let (result, got) = client.read_wait(900_000, WS_READ_NONE, WS_INFINITE);
            assert!(bytes[at..].starts_with(&got), "{what}, at {at}");
            at += got.len();
            if result != WS_OK || got.len() < 900_000 {
                break result;
            }
        };
        assert_eq!(result, expected, "{what}");
        assert!(at == TOTAL || what == "RST", "{what}: {at}");
        assert_eq!(client.client.next_closed().result, expected, "{what}");
        sender.join().unwrap();
    }
}

/// What a read has got when it is cancelled or out of time is its own; the next goes on behind it.
#[test]
fn cancels_and_deadlines_lose_nothing_of_a_flood() {
    let bytes = bytes();
    let (client, mut stream) = pair(Mode::Pull, Tls::No);
    let sent = Arc::clone(&bytes);
    let sender = std::thread::spawn(move || {
        let mut pieces = sent.chunks(900_000).cycle();
        while stream.write_all(&frame(0x82, pieces.next().unwrap())).is_ok() {}
    });
    let handle = client.socket().addr();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(ws_cancel(socket_of(handle), WS_OPERATION_READ), WS_OK);
                for _ in 0..100 {
                    std::thread::yield_now();
                }
            }
        });
        let (mut at, mut random, mut cut_short) = (0, Random::new(8), 0);
        // Until there was enough of everything.
        while at < TOTAL || cut_short < 5 {
            let place = at % TOTAL;
            let capacity = (1 + random.below(2_000_000)).min(TOTAL - place);
            let timeout_ms = random.below(4) as u32;
            let (result, got) = client.read_wait(capacity, WS_READ_NONE, timeout_ms);
            assert!([WS_OK, WS_E_TIMEOUT, WS_E_ABORT].contains(&result), "{result:#x}");
            assert!(result != WS_OK || got.len() == capacity);
            assert!(bytes[place..place + got.len()] == got, "at {at}");
            at += got.len();
            cut_short += usize::from(result != WS_OK && !got.is_empty());
        }
        stop.store(true, Ordering::SeqCst);
    });
    client.client.free();
    sender.join().unwrap();
}

#[test]
fn reads_that_wait_and_reads_that_do_not_take_turns_in_a_flood() {
    let bytes = bytes();
    let (client, mut stream) = pair(Mode::Callback, Tls::No);
    let sent = Arc::clone(&bytes);
    let sender = std::thread::spawn(move || {
        sent.chunks(1_500_000).for_each(|piece| send(&mut stream, &frame(0x82, piece)));
        stream
    });
    let (mut at, mut random) = (0, Random::new(9));
    while at < TOTAL {
        let capacity = (1 + random.below(500_000)).min(TOTAL - at);
        let got = if random.below(3) == 0 {
            client.read_all(capacity)
        } else {
            let (result, got) = client.read_wait(capacity, WS_READ_NONE, WS_INFINITE);
            assert_eq!(result, WS_OK);
            got
        };
        assert!(got.len() == capacity && bytes[at..at + capacity] == got, "at {at}");
        at += capacity;
    }
    sender.join().unwrap();
    client.client.free();
}

/// Each pause gives the receiving half back to the I/O thread, and each piece is worth lending it.
#[test]
fn a_flood_goes_on_after_every_pause() {
    let (client, mut stream) = pair(Mode::Pull, Tls::No);
    let server = std::thread::spawn(move || {
        send(&mut stream, &server_header(0x82, ENDLESS));
        for number in 0..300 {
            send(&mut stream, &vec![number as u8; 200_000 + number]);
            assert_eq!(read_frame(&mut stream), Some((0x82, vec![number as u8])));
        }
        stream
    });
    for number in 0..300 {
        let expected = vec![number as u8; 200_000 + number];
        assert!(client.read_all(200_000 + number) == expected);
        // Sometimes nobody reads for a while, and sometimes somebody waits already.
        if number % 10 == 0 {
            assert_eq!(client.read_wait(1, WS_READ_PARTIAL, 3), (WS_E_TIMEOUT, vec![]));
        }
        assert_eq!(client.write(&[number as u8]), (WS_OK, 1));
    }
    server.join().unwrap();
}

#[test]
fn a_thread_that_reads_a_flood_is_freed_by_abort_close_and_free() {
    type End = (&'static str, fn(*mut ws_socket) -> ws_result);
    let ends: [End; 3] = [
        ("abort", |socket| ws_abort(socket)),
        ("close", |socket| ws_close(socket, 1000, std::ptr::null())),
        ("free", |socket| ws_socket_free(socket)),
    ];
    for round in 0..5 {
        for (what, end) in ends {
            let (client, stream) = pair_with(Mode::Pull, Tls::No, |client| {
                client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 100);
            });
            let sender = send_payload(stream, usize::MAX);
            let handle = client.socket().addr();
            let pages = Pages::new();
            let place = pages.0.expose_provenance();
            let reader = std::thread::spawn(move || {
                let buf = std::ptr::with_exposed_provenance_mut(place);
                let capacity = [Pages::BYTES, 300_000][round % 2];
                loop {
                    let mut count = 0;
                    let (socket, count_place) = (socket_of(handle), &raw mut count);
                    let options = WS_READ_NONE;
                    let result =
                        ws_read_wait(socket, buf, capacity, options, WS_INFINITE, count_place);
                    if result != WS_OK {
                        return result;
                    }
                }
            });
            let client = client.client;
            assert!(eventually(|| client.statistics().bytes_received > 8 << 20));
            assert_eq!(end(client.socket), WS_OK);
            if what == "free" {
                pages.lock();
            }
            let result = reader.join().unwrap();
            let is_stale = what == "free" && result == WS_E_HANDLE;
            assert!(result == WS_E_ABORT || is_stale, "{what}: {result:#x}");
            pages.lock();
            if what == "free" {
                assert_eq!(client.told_until_released(), []);
            } else {
                let expected = if what == "close" { WS_E_TIMEOUT } else { WS_E_ABORT };
                assert_eq!(client.next_closed().result, expected, "{what}");
                client.free();
            }
            sender.join().unwrap();
        }
    }
}

#[test]
fn a_flood_that_falls_silent_ends_with_the_receive_timeout() {
    let (client, stream) =
        pair_with(Mode::Pull, Tls::No, |client| client.set(WS_CONTROL_RECEIVE_TIMEOUT_MS, 200));
    let sender = send_payload(stream, TOTAL);
    let (result, got) = client.read_wait(TOTAL + 1, WS_READ_NONE, WS_INFINITE);
    assert_eq!((result, got.len()), (WS_E_TIMEOUT, TOTAL));
    assert_eq!(client.client.next_closed().result, WS_E_TIMEOUT);
    sender.join().unwrap();
}

#[test]
fn a_flood_is_no_answer_to_a_ping() {
    let (client, stream) = pair_with(Mode::Pull, Tls::No, |client| {
        client.set(WS_CONTROL_PING_INTERVAL_MS, 20);
        client.set(WS_CONTROL_PONG_TIMEOUT_MS, 50);
    });
    let sender = send_payload(stream, usize::MAX);
    let result = read_until_end(&client);
    assert_eq!(result, WS_E_TIMEOUT);
    assert_eq!(client.client.next_closed().result, WS_E_TIMEOUT);
    sender.join().unwrap();
}

fn read_until_end(client: &StreamClient) -> ws_result {
    let mut buffer = Buffer::new(1 << 20);
    let start = buffer.start();
    loop {
        let mut count = 0;
        let (options, place) = (WS_READ_NONE, &raw mut count);
        let result = ws_read_wait(client.socket(), start, 1 << 20, options, WS_INFINITE, place);
        if result != WS_OK || count == 0 {
            return result;
        }
    }
}

#[test]
fn writes_of_other_threads_go_on_beside_a_flood() {
    let bytes = bytes();
    let (client, mut stream) = pair(Mode::Pull, Tls::No);
    let (sent, mut back) = (Arc::clone(&bytes), stream.tcp().try_clone().unwrap());
    let handle = client.socket().addr();
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            sent.chunks(800_000).for_each(|piece| send(&mut stream, &frame(0x82, piece)));
            stream
        });
        let drain = scope.spawn(move || {
            let (mut total, mut room) = (0, vec![0; 64 * 1024]);
            while total < TOTAL {
                total += back.read(&mut room).unwrap();
            }
        });
        let written = &bytes;
        let writer = scope.spawn(move || {
            for piece in written.chunks(333_333) {
                let (data, mut count) = (piece.as_ptr().cast(), 0);
                let (socket, place) = (socket_of(handle), &raw mut count);
                assert_eq!(ws_write_wait(socket, data, piece.len(), WS_INFINITE, place), WS_OK);
            }
        });
        for piece in bytes.chunks(1 << 20) {
            assert!(client.read_all(piece.len()) == piece);
        }
        sender.join().unwrap();
        writer.join().unwrap();
        drain.join().unwrap();
    });
}
