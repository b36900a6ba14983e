//! Slow peers and slow applications: timeouts of sending, the limits of both queues, and what may
//! be taken back or overtakes while data waits.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, Closed, MODES, Mode, Told};
use support::server::{
    BOTH, Ending, Server, Stream, Tls, eventually, eventually_within, finish, frame, read_frame,
};

fn everywhere(test: impl Fn(Mode, Tls)) {
    for mode in MODES {
        for tls in BOTH {
            test(mode, tls);
        }
    }
}

fn lost(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

/// First byte and payload of each.
type Frames = Vec<(u8, Vec<u8>)>;

/// A server that reads nothing before the barrier was passed; then every frame up to the close
/// frame, which it answers and tells them all.
fn stalled_server(tls: Tls) -> (Server, Arc<Barrier>, Receiver<Frames>) {
    let barrier = Arc::new(Barrier::new(2));
    let (teller, told) = channel();
    let script = Arc::clone(&barrier);
    let (server, _) = Server::scripted(tls, move |stream, _| {
        script.wait();
        let mut frames: Frames = Vec::new();
        while let Some(frame) = read_frame(stream) {
            if frame.0 == 0x88 {
                stream.write_all(&self::frame(0x88, &frame.1)).unwrap();
                finish(stream);
                break;
            }
            match frames.last_mut() {
                // A large message comes in several frames.
                Some((first, payload)) if frame.0 & 0x7f == 0 => {
                    *first |= frame.0;
                    payload.extend(frame.1);
                }
                _ => frames.push(frame),
            }
        }
        let _ = teller.send(frames);
    });
    (server, barrier, told)
}

/// Fills the system's buffers and then some, so that what follows waits on our side.
fn stall(client: &Client) -> usize {
    let mut count = 0;
    while ws_buffered_amount(client.socket) < 1 << 20 {
        assert_eq!(client.send_binary(&[9; 300_000]), WS_OK);
        count += 1;
    }
    // What the system still takes it takes now.
    let mut last = (0, Instant::now());
    assert!(eventually(|| {
        let amount = ws_buffered_amount(client.socket);
        if amount != last.0 {
            last = (amount, Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(100)
    }));
    if ws_buffered_amount(client.socket) < 300_000 { count + stall(client) } else { count }
}

fn limited(mode: Mode, uri: &str, set: impl Fn(&Client)) -> Client {
    let mut client = Client::trusting(mode);
    client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024);
    set(&client);
    client.connect(uri);
    assert_eq!(client.connect_result(), WS_OK);
    client.begin_pulling();
    client
}

#[test]
fn a_server_that_never_reads_ends_in_a_send_timeout() {
    everywhere(|mode, tls| {
        let barrier = Arc::new(Barrier::new(2));
        let script = Arc::clone(&barrier);
        let (server, wire) = Server::scripted(tls, move |_, _| {
            script.wait();
        });
        let set = |client: &Client| client.set(WS_CONTROL_SEND_TIMEOUT_MS, 300);
        let mut client = limited(mode, &server.uri(), set);
        let since = Instant::now();
        while client.send_binary(&[9; 1 << 20]) == WS_OK {}
        assert!(ws_buffered_amount(client.socket) > 0);
        let (before, closed) = client.until_closed();
        let took = since.elapsed();
        assert!(took > Duration::from_millis(300) && took < Duration::from_secs(15), "{took:?}");
        assert_eq!(closed, lost(WS_E_TIMEOUT));
        assert_eq!(before, []);
        let error = client.error();
        assert_eq!(error.web_error_status, WS_WEB_ERROR_STATUS_TIMEOUT);
        assert_eq!(error.phase, WS_ERROR_PHASE_WEBSOCKET);
        assert_eq!(ws_buffered_amount(client.socket), 0);
        assert_eq!(client.free(), []);
        barrier.wait();
        assert_eq!(wire.recv_timeout(DEADLINE).unwrap().1, Ending::Reset);
    });
}

#[test]
fn a_slow_reader_keeps_the_connection_alive() {
    for tls in BOTH {
        let (teller, told) = channel();
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            // A system that holds megabytes for a reader lets the other side send again only when
            // a good part of them has been read, which takes this one longer than the timeout.
            let held = socket2::SockRef::from(stream.tcp()).set_recv_buffer_size(256 * 1024);
            held.unwrap();
            // Another connection's silence is this one's clock: nobody ever sends here.
            let (_silence, clock) = channel::<()>();
            let mut total = 0;
            let mut buffer = vec![0; 128 * 1024];
            while total < 8 << 20 && std::io::Read::read_exact(stream, &mut buffer).is_ok() {
                total += buffer.len();
                if total < 4 << 20 {
                    let _ = clock.recv_timeout(Duration::from_millis(20));
                }
            }
            let _ = teller.send(total);
        });
        let set = |client: &Client| client.set(WS_CONTROL_SEND_TIMEOUT_MS, 1000);
        let client = limited(Mode::Callback, &server.uri(), set);
        let operation = client.send_async(WS_MESSAGE_TYPE_BINARY, &vec![9; 8 << 20]).unwrap();
        let completed = Told::Completed { operation, result: WS_OK, bytes: 8 << 20 };
        assert_eq!(client.next(), completed);
        assert!(told.recv_timeout(DEADLINE).unwrap() >= 8 << 20);
    }
}

/// A link that takes this many bytes at a time from the client, and holds few of them.
fn narrow(server: &Server, bytes: usize, every: Duration) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, tls, to) = (listener.local_addr().unwrap(), server.tls, server.address);
    let socket = socket2::SockRef::from(&listener);
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    // A segment is much less than there is room for, otherwise TCP waits for more room.
    socket.set_tcp_mss(1000).unwrap();
    std::thread::spawn(move || {
        let (_silence, clock) = channel::<()>();
        let mut client = listener.accept().unwrap().0;
        let mut server = TcpStream::connect(to).unwrap();
        let (mut from, mut onwards) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut onwards));
        let mut buffer = vec![0; bytes];
        while let Ok(count @ 1..) = std::io::Read::read(&mut client, &mut buffer) {
            if server.write_all(&buffer[..count]).is_err() {
                break;
            }
            let _ = clock.recv_timeout(every);
        }
        let _ = server.shutdown(std::net::Shutdown::Both);
    });
    Server { address, tls }
}

#[test]
fn a_line_so_slow_that_a_frame_takes_longer_than_the_timeout_is_no_stall() {
    const LEN: usize = 140 << 10;
    let send = |tls| {
        let origin = Server::echo(tls);
        // 64 KiB, which TLS has encrypted before they leave, take two and a half seconds.
        let link = narrow(&origin, 2500, Duration::from_millis(100));
        let set = |client: &Client| {
            client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 4096);
            client.set(WS_CONTROL_SEND_TIMEOUT_MS, 2000);
        };
        let client = limited(Mode::Callback, &link.uri(), set);
        let since = Instant::now();
        let operation = client.send_async(WS_MESSAGE_TYPE_BINARY, &[9; LEN]).unwrap();
        let completed = Told::Completed { operation, result: WS_OK, bytes: LEN as u64 };
        if client.next() != completed {
            return false;
        }
        assert!(since.elapsed() > Duration::from_secs(2), "it was slow");
        assert_eq!(client.next_message().1.len(), LEN);
        true
    };
    // A machine that is busy elsewhere may stall the line once; a clock of ours would each time.
    let try_often = |tls| assert!((0..3).any(|_| send(tls)), "{tls:?}");
    std::thread::scope(|scope| BOTH.iter().for_each(|tls| drop(scope.spawn(|| try_often(*tls)))));
}

#[test]
fn a_full_queue_refuses_and_send_ready_comes_once_when_it_has_drained() {
    everywhere(|mode, tls| {
        for size in [1000, 65_000, 300_000] {
            let (server, barrier, frames) = stalled_server(tls);
            let set = |client: &Client| client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 1 << 20);
            let mut client = limited(mode, &server.uri(), set);
            let mut accepted = 0;
            let mut refused_since = None;
            // Until it is refused for so long that the system takes nothing more either.
            assert!(eventually(|| {
                match client.send_binary(&vec![9; size]) {
                    WS_OK => {
                        accepted += 1;
                        refused_since = None;
                    }
                    WS_E_WOULD_BLOCK => {
                        refused_since.get_or_insert_with(Instant::now);
                    }
                    other => panic!("{other:#x}"),
                }
                refused_since.is_some_and(|since| since.elapsed() > Duration::from_millis(100))
            }));
            let amount = ws_buffered_amount(client.socket);
            assert!(amount <= 1 << 20 && amount + size as u64 + 14 > 1 << 20, "{amount}");
            // What drained before the stall may have told so already.
            while client.try_next().is_some() {}
            assert_eq!(client.send_binary(&vec![9; size]), WS_E_WOULD_BLOCK);
            barrier.wait();
            assert_eq!(client.next(), Told::SendReady, "{mode:?} {tls:?} {size}");
            assert!(ws_buffered_amount(client.socket) < 1 << 19);
            assert_eq!(client.close(1000, ""), WS_OK);
            let (before, closed) = client.until_closed();
            assert_eq!((before, closed.result), (vec![], WS_OK), "{mode:?} {tls:?} {size}");
            let frames = frames.recv_timeout(DEADLINE).unwrap();
            assert_eq!(frames.len(), accepted);
            assert!(frames.iter().all(|frame| frame.1.len() == size));
        }
    });
}

#[test]
fn an_empty_queue_takes_one_message_of_any_size() {
    for tls in BOTH {
        let server = Server::echo(tls);
        let set = |client: &Client| client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 1);
        let client = limited(Mode::Callback, &server.uri(), set);
        for _ in 0..3 {
            assert_eq!(client.send_binary(&vec![3; 3 << 20]), WS_OK);
            assert!(client.next_message().1 == vec![3; 3 << 20]);
            assert!(eventually(|| ws_buffered_amount(client.socket) == 0));
        }
    }
}

#[test]
fn send_wait_waits_for_room_and_for_the_system() {
    everywhere(|mode, tls| {
        let (server, barrier, frames) = stalled_server(tls);
        let set = |client: &Client| client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 2 << 20);
        let mut client = limited(mode, &server.uri(), set);
        let sent = stall(&client);
        let wait = |text: &str, timeout_ms| {
            let kind = WS_MESSAGE_TYPE_UTF8;
            ws_send_wait(client.socket, kind, text.as_ptr().cast(), text.len(), timeout_ms)
        };
        // There is room in the queue, but the message does not leave: it is taken back.
        let amount = ws_buffered_amount(client.socket);
        let since = Instant::now();
        assert_eq!(wait("taken back", 200), WS_E_TIMEOUT);
        assert!(since.elapsed() >= Duration::from_millis(200));
        assert_eq!(wait("taken back at once", 0), WS_E_TIMEOUT);
        assert!(ws_buffered_amount(client.socket) <= amount);
        // There is no room.
        let large = "x".repeat(2 << 20);
        assert_eq!(wait(&large, 100), WS_E_TIMEOUT);
        let socket = client.socket.addr();
        let waiter = std::thread::spawn(move || {
            let socket = std::ptr::without_provenance_mut(socket);
            let kind = WS_MESSAGE_TYPE_UTF8;
            ws_send_wait(socket, kind, large.as_ptr().cast(), large.len(), WS_INFINITE)
        });
        barrier.wait();
        assert_eq!(waiter.join().unwrap(), WS_OK);
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.until_closed().1.result, WS_OK);
        let frames = frames.recv_timeout(DEADLINE).unwrap();
        assert_eq!(frames.len(), sent + 1);
        assert_eq!(frames[sent].1.len(), 2 << 20);
    });
}

#[test]
fn a_thread_in_send_wait_learns_of_the_end() {
    for (end, result) in [("abort", WS_E_ABORT), ("free", WS_E_ABORT), ("close", WS_E_CLOSED)] {
        for tls in BOTH {
            let (server, _barrier, _frames) = stalled_server(tls);
            let set = |client: &Client| client.set(WS_CONTROL_SEND_QUEUE_LIMIT, 2 << 20);
            let client = limited(Mode::Callback, &server.uri(), set);
            stall(&client);
            let socket = client.socket.addr();
            let (teller, told) = channel();
            let waiter = std::thread::spawn(move || {
                let socket = std::ptr::without_provenance_mut(socket);
                let data = vec![9; 3 << 20];
                teller.send(()).unwrap();
                let kind = WS_MESSAGE_TYPE_BINARY;
                ws_send_wait(socket, kind, data.as_ptr().cast(), data.len(), WS_INFINITE)
            });
            told.recv_timeout(DEADLINE).unwrap();
            // It says so before it waits; give it the time to get there.
            eventually_within(Duration::from_millis(30), || waiter.is_finished());
            match end {
                "abort" => assert_eq!(ws_abort(client.socket), WS_OK),
                "free" => drop(client.free()),
                _ => assert_eq!(client.close(1000, ""), WS_OK),
            }
            let ended = waiter.join().unwrap();
            // A thread that had not begun to wait finds the socket closed, or gone.
            let late = [WS_E_CLOSED, WS_E_HANDLE];
            assert!(ended == result || late.contains(&ended), "{end}: {ended:#x}");
        }
    }
}

#[test]
fn a_cancelled_message_never_arrives_and_the_connection_lives_on() {
    everywhere(|mode, tls| {
        let (server, barrier, frames) = stalled_server(tls);
        let mut client = limited(mode, &server.uri(), |_| {});
        let sent = stall(&client);
        let send = |text: &str| client.send_async(WS_MESSAGE_TYPE_UTF8, text.as_bytes()).unwrap();
        let (one, two, three) = (send("one"), send("two, which is cancelled"), send("three"));
        let amount = ws_buffered_amount(client.socket);
        assert_eq!(ws_cancel(client.socket, two), WS_OK);
        assert_eq!(client.next(), Told::Completed { operation: two, result: WS_E_ABORT, bytes: 0 });
        assert!(ws_buffered_amount(client.socket) < amount);
        assert_eq!(ws_cancel(client.socket, two), WS_OK, "it is left alone");
        assert_eq!(ws_cancel(client.socket, 999_999), WS_OK);
        assert_eq!(client.send_text("four"), WS_OK);
        barrier.wait();
        assert_eq!(client.next(), Told::Completed { operation: one, result: WS_OK, bytes: 3 });
        assert_eq!(client.next(), Told::Completed { operation: three, result: WS_OK, bytes: 5 });
        assert_eq!(ws_cancel(client.socket, one), WS_OK);
        assert_eq!(client.close(1000, ""), WS_OK);
        let (before, closed) = client.until_closed();
        assert_eq!((before, closed.result), (vec![], WS_OK));
        let frames = frames.recv_timeout(DEADLINE).unwrap();
        let texts: Vec<_> = frames[sent..].iter().map(|frame| frame.1.as_slice()).collect();
        assert_eq!(texts, [b"one".as_slice(), b"three", b"four"]);
    });
}

#[test]
fn pings_overtake_what_waits_and_sixteen_of_them_may_wait() {
    everywhere(|mode, tls| {
        let (server, barrier, frames) = stalled_server(tls);
        let mut client = limited(mode, &server.uri(), |_| {});
        let sent = stall(&client);
        let tail = 100;
        for _ in 0..tail {
            assert_eq!(client.send_text("behind"), WS_OK);
        }
        for number in 0..16u8 {
            assert_eq!(ws_ping(client.socket, (&raw const number).cast(), 1), WS_OK);
        }
        assert_eq!(ws_ping(client.socket, std::ptr::null(), 0), WS_E_WOULD_BLOCK);
        barrier.wait();
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.until_closed().1.result, WS_OK);
        let frames = frames.recv_timeout(DEADLINE).unwrap();
        // Closing drops pings that still wait; those that left kept their order and overtook.
        let pings: Vec<_> = frames.iter().filter(|frame| frame.0 == 0x89).collect();
        assert!(pings.iter().enumerate().all(|(number, ping)| ping.1 == [number as u8]));
        if let Some(last) = frames.iter().rposition(|frame| frame.0 == 0x89) {
            assert!(last < sent + tail, "{last} of {}", frames.len());
        }
        assert_eq!(frames.iter().filter(|frame| frame.0 != 0x89).count(), sent + tail);
    });
}

/// A server that sends numbered messages as fast as they are taken, and counts them.
fn flooding_server(tls: Tls, total: usize) -> (Server, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let (server, _) = Server::scripted(tls, move |stream: &mut Stream, _| {
        assert!(read_frame(stream).is_some());
        for number in 0..total {
            let mut payload = vec![0; 64 * 1024];
            payload[..8].copy_from_slice(&number.to_be_bytes());
            if stream.write_all(&frame(0x82, &payload)).is_err() {
                return;
            }
            counter.store(number + 1, Ordering::SeqCst);
        }
        let _ = stream.write_all(&frame(0x81, b"end"));
    });
    (server, count)
}

#[test]
fn messages_that_nobody_takes_push_back_and_arrive_in_order_once_taken() {
    const TOTAL: usize = 600;
    for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
        for tls in BOTH {
            let (server, count) = flooding_server(tls, TOTAL);
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_RECEIVE_QUEUE_LIMIT, 1 << 20);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.hold(true);
            assert_eq!(client.send_text("go"), WS_OK);
            let mut last = (0, Instant::now());
            assert!(eventually(|| {
                let now = count.load(Ordering::SeqCst);
                if now != last.0 {
                    last = (now, Instant::now());
                }
                now > 0 && last.1.elapsed() > Duration::from_millis(300)
            }));
            assert!(last.0 < TOTAL, "the server could write all of it: {mode:?}, {tls:?}");
            client.hold(false);
            client.begin_pulling();
            for number in 0..TOTAL {
                let (_, bytes) = client.next_message();
                assert_eq!(bytes.len(), 64 * 1024);
                assert_eq!(bytes[..8], number.to_be_bytes(), "{mode:?}, {tls:?}");
            }
            assert_eq!(client.next_text(), "end");
        }
    }
}

#[test]
fn one_message_larger_than_the_receive_queue_is_still_delivered() {
    for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
        for tls in BOTH {
            let (server, _wire) = Server::scripted(tls, |stream, _| {
                for _ in 0..5 {
                    stream.write_all(&frame(0x82, &vec![4; 300_000])).unwrap();
                }
            });
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_RECEIVE_QUEUE_LIMIT, 1);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.begin_pulling();
            for _ in 0..5 {
                assert_eq!(client.next_message().1.len(), 300_000);
            }
        }
    }
}

#[test]
fn a_pulling_program_that_takes_nothing_still_gets_what_arrived_before_the_end() {
    for tls in BOTH {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            stream.write_all(&frame(0x81, b"one")).unwrap();
            stream.write_all(&frame(0x81, b"two")).unwrap();
            finish(stream);
        });
        let mut client = Client::trusting(Mode::Pull);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        assert!(eventually(|| ws_get_state(client.socket) == WS_STATE_CLOSED));
        assert_eq!(client.next_closed(), lost(WS_E_CONNECTION_ABORTED));
        client.begin_pulling();
        assert_eq!(client.next_text(), "one");
        assert_eq!(client.next_text(), "two");
    }
}

#[test]
fn an_accepted_message_counts_until_the_system_has_taken_it() {
    everywhere(|mode, tls| {
        let server = Server::echo(tls);
        let client = Client::connected(mode, &server.uri());
        assert_eq!(ws_buffered_amount(client.socket), 0);
        for _ in 0..100 {
            assert_eq!(client.send_text("tick"), WS_OK);
            assert_eq!(client.next_text(), "tick");
        }
        assert!(eventually(|| ws_buffered_amount(client.socket) == 0));
    });
}
