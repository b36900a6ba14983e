//! Live controls of an open connection: what is set takes effect at once.

use std::io::Write;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::controls::ws_set_control;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;

use crate::support::DEADLINE;
use crate::support::client::{Mode, Told};
use crate::support::server::{BOTH, Server, frame, read_frame};
use crate::{HOUR, PING, PONG, answer, close, connected, everywhere, lost, next, telling_server};

/// "At once", on a busy machine.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn an_interval_set_later_takes_effect_at_once() {
    everywhere(|mode, tls| {
        for before in [0, HOUR, u64::from(u32::MAX)] {
            let (server, arrivals) = telling_server(tls, answer);
            let mut client = connected(mode, &server, &[(WS_CONTROL_PING_INTERVAL_MS, before)]);
            assert!(arrivals.recv_timeout(Duration::from_millis(50)).is_err());
            client.set(WS_CONTROL_PING_INTERVAL_MS, 20);
            let since = Instant::now();
            for _ in 0..5 {
                assert_eq!(next(&arrivals).first, PING);
            }
            assert!(since.elapsed() < SOON);
            client.set(WS_CONTROL_PING_INTERVAL_MS, before);
            // One may be on its way.
            while arrivals.recv_timeout(Duration::from_millis(150)).is_ok() {
                assert!(since.elapsed() < 2 * SOON, "it goes on");
            }
            close(&mut client);
        }
    });
}

#[test]
fn a_heartbeat_that_is_turned_off_ends_nothing() {
    for tls in BOTH {
        let (server, arrivals) = telling_server(tls, |_, _, _| {});
        let controls = [(WS_CONTROL_PING_INTERVAL_MS, 50), (WS_CONTROL_PONG_TIMEOUT_MS, HOUR)];
        let mut client = connected(Mode::Callback, &server, &controls);
        assert_eq!(next(&arrivals).first, PING);
        client.set(WS_CONTROL_PING_INTERVAL_MS, 0);
        client.set(WS_CONTROL_PONG_TIMEOUT_MS, 1);
        while arrivals.recv_timeout(Duration::from_millis(200)).is_ok() {}
        assert_eq!(close(&mut client), []);
    }
}

#[test]
fn timeouts_set_later_take_effect_at_once() {
    for tls in BOTH {
        for control in [
            WS_CONTROL_PONG_TIMEOUT_MS,
            WS_CONTROL_RECEIVE_TIMEOUT_MS,
            WS_CONTROL_SEND_TIMEOUT_MS,
            WS_CONTROL_CLOSE_TIMEOUT_MS,
        ] {
            let (teller, told) = channel();
            let (_keep, silence) = channel::<()>();
            let silence = std::sync::Mutex::new(silence);
            let (server, _wire) = Server::scripted(tls, move |stream, _| {
                if control == WS_CONTROL_SEND_TIMEOUT_MS {
                    let _ = silence.lock().unwrap().recv_timeout(DEADLINE);
                }
                while let Some(frame) = read_frame(stream) {
                    let _ = teller.send(frame.0);
                }
            });
            let mut controls = vec![(control, HOUR)];
            if control == WS_CONTROL_PONG_TIMEOUT_MS {
                controls.push((WS_CONTROL_PING_INTERVAL_MS, 20));
            }
            let mut client = connected(Mode::Callback, &server, &controls);
            match control {
                WS_CONTROL_PONG_TIMEOUT_MS => assert_eq!(told.recv_timeout(DEADLINE), Ok(PING)),
                WS_CONTROL_RECEIVE_TIMEOUT_MS => {
                    assert_eq!(ws_ping(client.socket, std::ptr::null(), 0), WS_OK);
                    assert_eq!(told.recv_timeout(DEADLINE), Ok(PING));
                }
                WS_CONTROL_SEND_TIMEOUT_MS => while client.send_binary(&[9; 1 << 20]) == WS_OK {},
                _ => {
                    assert_eq!(client.close(1000, ""), WS_OK);
                    assert_eq!(told.recv_timeout(DEADLINE), Ok(crate::CLOSE));
                }
            }
            let since = Instant::now();
            client.set(control, 100);
            let (before, closed) = client.until_closed();
            assert_eq!((before, closed), (vec![], lost(WS_E_TIMEOUT)), "{control} {tls:?}");
            assert!(since.elapsed() < SOON);
        }
    }
}

#[test]
fn the_interval_of_unsolicited_pongs_is_set_before_connect() {
    let (server, _arrivals) = telling_server(BOTH[0], answer);
    let mut client = connected(Mode::Callback, &server, &[]);
    let desired = WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS;
    assert_eq!(ws_set_control(client.socket, desired, 10), WS_E_ILLEGAL_METHOD_CALL);
    let actual = WS_CONTROL_ACTUAL_UNSOLICITED_PONG_INTERVAL_MS;
    assert_eq!(ws_set_control(client.socket, actual, 10), WS_E_INVALIDARG);
    close(&mut client);
}

#[test]
fn a_ping_of_the_application_is_told_apart_from_ours() {
    for tls in BOTH {
        // Only the application's is answered, and late: ours before it counts as answered, too.
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            while let Some((first, payload)) = read_frame(stream) {
                if payload == b"ours"
                    && (first != PING || stream.write_all(&frame(PONG, &payload)).is_err())
                {
                    break;
                }
            }
        });
        let controls = [(WS_CONTROL_PING_INTERVAL_MS, 50), (WS_CONTROL_PONG_TIMEOUT_MS, 1000)];
        let mut client = connected(Mode::Callback, &server, &controls);
        let until = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < until {
            assert_eq!(ws_ping(client.socket, b"ours".as_ptr().cast(), 4), WS_OK);
            assert!(matches!(client.next(), Told::Pong(_)));
        }
        let since = Instant::now();
        let (before, closed) = client.until_closed();
        assert_eq!((before, closed), (vec![], lost(WS_E_TIMEOUT)));
        let took = since.elapsed();
        assert!(took > Duration::from_millis(900) && took < SOON, "{took:?}");
    }
}
