//! Servers that do not answer pings, in every way of not answering.

use std::ffi::c_void;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::events::ws_on_message_received;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::status::WS_WEB_ERROR_STATUS_TIMEOUT;
use anyws::ffi::types::*;

use crate::support::DEADLINE;
use crate::support::client::{Client, Mode, Told};
use crate::support::server::{
    BOTH, Ending, Server, Stream, Tls, eventually, eventually_within, finish_after_close, frame,
    read_frame,
};
use crate::{HOUR, PING, PONG, alone, connected, everywhere, lost, quiet};

const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(300);
const TOLERANCE: Duration = Duration::from_millis(500);
const CONTROLS: [(ws_control, u64); 2] =
    [(WS_CONTROL_PING_INTERVAL_MS, 200), (WS_CONTROL_PONG_TIMEOUT_MS, 300)];

/// The connection to a server that behaves like this ends in time and as it should.
fn ends_in_time(mode: Mode, tls: Tls, act: impl Fn(&mut Stream) + Send + Sync + 'static) {
    let (server, wire) = Server::scripted(tls, move |stream, _| act(stream));
    let begun = Instant::now();
    let mut client = connected(mode, &server, &CONTROLS);
    let opened = Instant::now();
    let (before, closed) = client.until_closed();
    let (least, most) = (begun.elapsed(), opened.elapsed());
    assert!(least >= INTERVAL + TIMEOUT, "{mode:?} {tls:?}: after {least:?}");
    assert!(most <= INTERVAL + TIMEOUT + TOLERANCE, "{mode:?} {tls:?}: after {most:?}");
    assert_eq!(closed, lost(WS_E_TIMEOUT));
    assert!(before.iter().all(|told| matches!(told, Told::Message(..))), "{before:?}");
    let error = client.error();
    assert_eq!(error.result, WS_E_TIMEOUT);
    assert_eq!(error.web_error_status, WS_WEB_ERROR_STATUS_TIMEOUT);
    assert_eq!(error.phase, WS_ERROR_PHASE_WEBSOCKET);
    assert_eq!(client.statistics().round_trip_us, 0);
    assert_eq!(client.free(), []);
    assert_ne!(wire.recv_timeout(DEADLINE).unwrap().1, Ending::Never);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    everywhere(|mode, tls| ends_in_time(mode, tls, |_| {}));
}

#[test]
fn pongs_that_repeat_no_ping_are_no_answers() {
    let _quiet = quiet();
    for tls in BOTH {
        ends_in_time(Mode::Callback, tls, |stream| {
            while let Some((first, mut payload)) = read_frame(stream) {
                assert_eq!(first, PING);
                let mut wrong = frame(PONG, b"");
                wrong.extend(frame(PONG, &[&payload[..], b"x"].concat()));
                payload[0] ^= 0x80;
                wrong.extend(frame(PONG, &payload));
                wrong.extend(frame(PING, b"a ping of its own"));
                if stream.write_all(&wrong).is_err() || read_frame(stream).is_none() {
                    break;
                }
            }
        });
    }
}

#[test]
fn messages_are_no_answers() {
    everywhere(|mode, tls| {
        ends_in_time(mode, tls, |stream| {
            let (_silence, clock) = channel::<()>();
            while stream.write_all(&frame(0x81, b"still here")).is_ok() {
                let _ = clock.recv_timeout(Duration::from_millis(2));
            }
        });
    });
}

unsafe extern "C-unwind" fn ignore(_: *mut ws_socket, _: *const ws_message, _: *mut c_void) {}

#[test]
fn a_flood_of_messages_is_no_answer() {
    let _alone = alone();
    for tls in BOTH {
        for len in [20, 100_000] {
            let (server, _wire) = Server::scripted(tls, move |stream, _| {
                let flood = frame(0x82, &vec![7; len]).repeat(1 + 100_000 / (len + 1));
                while stream.write_all(&flood).is_ok() {}
            });
            let mut client = Client::trusting(Mode::Callback);
            for (control, value) in CONTROLS {
                client.set(control, value);
            }
            let null = std::ptr::null_mut();
            assert_eq!(ws_on_message_received(client.socket, Some(ignore), null), WS_OK);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            let opened = Instant::now();
            assert_eq!(client.next_closed(), lost(WS_E_TIMEOUT));
            let took = opened.elapsed();
            assert!(took <= INTERVAL + TIMEOUT + TOLERANCE, "{len}, {tls:?}: after {took:?}");
        }
    }
}

#[test]
fn an_answer_behind_a_flood_is_found() {
    let _alone = alone();
    for tls in BOTH {
        // Each ping is answered behind more than the sockets hold, all within the timeout.
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            let flood = frame(0x82, &vec![7; 100_000]).repeat(50);
            while let Some((first, payload)) = read_frame(stream) {
                let is_over = stream.write_all(&flood).is_err()
                    || first == PING && stream.write_all(&frame(PONG, &payload)).is_err();
                if is_over {
                    break;
                }
            }
        });
        let controls = [(WS_CONTROL_PING_INTERVAL_MS, 100), (WS_CONTROL_PONG_TIMEOUT_MS, 5000)];
        let client = connected(Mode::Callback, &server, &controls);
        let mut pongs = 0;
        while pongs < 10 {
            match client.next() {
                Told::Pong(_) => pongs += 1,
                Told::Message(_, bytes) => assert_eq!(bytes.len(), 100_000),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ws_abort(client.socket), WS_OK);
    }
}

unsafe extern "C-unwind" fn dawdle(_: *mut ws_socket, _: *const ws_message, _: *mut c_void) {
    let (_silence, clock) = channel::<()>();
    let _ = clock.recv_timeout(Duration::from_millis(40));
}

#[test]
fn an_answer_that_a_slow_callback_has_not_come_to_is_an_answer() {
    let _alone = alone();
    for tls in BOTH {
        // The answer to the first ping comes at once, but there are 20 messages before it.
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            let mut before = frame(0x82, &[7; 100_000]).repeat(20);
            while let Some((first, payload)) = read_frame(stream) {
                before.extend(frame(first + 1, &payload));
                if stream.write_all(&std::mem::take(&mut before)).is_err() {
                    break;
                }
            }
        });
        let mut client = Client::trusting(Mode::Callback);
        for (control, value) in CONTROLS {
            client.set(control, value);
        }
        let null = std::ptr::null_mut();
        assert_eq!(ws_on_message_received(client.socket, Some(dawdle), null), WS_OK);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        let Told::Pong(time) = client.next() else { panic!("it was given up") };
        assert!(time > 300_000, "{time}: it was not behind anything");
        assert_eq!(ws_abort(client.socket), WS_OK);
    }
}

/// What a slow application does not take is no fault of the server.
#[test]
fn the_clock_stands_still_while_the_receive_queue_is_full() {
    let _alone = alone();
    for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
        for tls in BOTH {
            let kinds: &[bool] = if mode == Mode::Dispatch { &[true, false] } else { &[true] };
            for &answers in kinds {
                let written = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&written);
                let (server, _wire) = Server::scripted(tls, move |stream, _| {
                    let message = frame(0x82, &[7; 64 * 1024]);
                    for _ in 0..300 {
                        if stream.write_all(&message).is_err() {
                            return;
                        }
                        counter.fetch_add(1, Ordering::SeqCst);
                    }
                    while let Some((first, payload)) = read_frame(stream) {
                        if answers && stream.write_all(&frame(first + 1, &payload)).is_err() {
                            return;
                        }
                    }
                });
                let mut client = Client::trusting(mode);
                client.set(WS_CONTROL_RECEIVE_QUEUE_LIMIT, 1 << 20);
                client.set(WS_CONTROL_PING_INTERVAL_MS, 100);
                client.set(WS_CONTROL_PONG_TIMEOUT_MS, 700);
                client.connect(&server.uri());
                assert_eq!(client.connect_result(), WS_OK);
                client.hold(true);
                let is_over = || ws_get_state(client.socket) != WS_STATE_OPEN;
                assert!(!eventually_within(Duration::from_millis(1200), is_over));
                assert!(written.load(Ordering::SeqCst) < 300, "it was never held up");
                let resumed = Instant::now();
                client.hold(false);
                client.begin_pulling();
                let mut messages = 0;
                let mut pongs = 0;
                let end = loop {
                    match client.next() {
                        Told::Message(..) => messages += 1,
                        Told::Pong(_) => pongs += 1,
                        other => break other,
                    }
                    if pongs >= 5 && messages == 300 {
                        assert!(answers);
                        assert_eq!(ws_abort(client.socket), WS_OK);
                        break Told::Closed(lost(WS_E_TIMEOUT));
                    }
                };
                assert_eq!(end, Told::Closed(lost(WS_E_TIMEOUT)), "{mode:?} {tls:?}");
                assert!(pongs >= 5 || !answers, "{mode:?} {tls:?}");
                assert!(answers || resumed.elapsed() >= Duration::from_millis(700));
            }
        }
    }
}

#[test]
fn a_socket_that_is_stuck_does_not_collect_pings() {
    for tls in BOTH {
        let (release, released) = channel();
        let released = std::sync::Mutex::new(released);
        let (teller, told) = channel();
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            let _ = released.lock().unwrap().recv_timeout(DEADLINE);
            let _ = teller.send(finish_after_close(stream));
        });
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_OUTBOUND_BUFFER_SIZE, 64 * 1024);
        client.set(WS_CONTROL_PING_INTERVAL_MS, 10);
        client.set(WS_CONTROL_PONG_TIMEOUT_MS, HOUR);
        client.set(WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS, 10);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        // Enough for whatever the system holds; then until it takes nothing more.
        assert_eq!(client.send_binary(&vec![9; 15 << 20]), WS_OK);
        let mut last = (0, Instant::now());
        assert!(eventually(|| {
            let now = client.statistics().bytes_sent;
            if now != last.0 {
                last = (now, Instant::now());
            }
            last.1.elapsed() > Duration::from_millis(200)
        }));
        let amount = ws_buffered_amount(client.socket);
        let more = || ws_buffered_amount(client.socket) > amount + 40;
        assert!(!eventually_within(Duration::from_millis(500), more));
        // The application's own still have their places, but for one.
        for number in 0..15u8 {
            assert_eq!(ws_ping(client.socket, (&raw const number).cast(), 1), WS_OK);
        }
        release.send(()).unwrap();
        assert!(eventually(|| ws_buffered_amount(client.socket) == 0));
        assert_eq!(client.close(1000, ""), WS_OK);
        let frames = told.recv_timeout(DEADLINE).unwrap();
        let is_own = |frame: &(u8, Vec<u8>)| frame.0 == PING && frame.1.len() == 1;
        assert_eq!(frames.iter().filter(|frame| is_own(frame)).count(), 15);
        // What had been collected by then would stand before them.
        let first = frames.iter().position(is_own).unwrap();
        let controls = frames[..first].iter().filter(|frame| frame.0 == PING || frame.0 == PONG);
        let count = controls.count();
        assert!(count < 25, "{count}");
    }
}
