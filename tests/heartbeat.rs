//! Pings and pongs that the library sends by itself: when they come, what ends a connection whose
//! server does not answer, and what does not.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "heartbeat/answers.rs"]
mod answers;
#[path = "heartbeat/changes.rs"]
mod changes;
#[path = "heartbeat/statistics.rs"]
mod statistics;

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use anyws::ffi::controls::ws_get_control;
use anyws::ffi::result::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, Closed, MODES, Mode, Told};
use support::server::{BOTH, Server, Stream, Tls, eventually, finish, frame, read_frame};

const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const CLOSE: u8 = 0x88;
const HOUR: u64 = 3_600_000;

/// All sockets of the process share a thread: who measures its times wants no flood beside it.
static HOUSE: RwLock<()> = RwLock::new(());

fn quiet() -> RwLockReadGuard<'static, ()> {
    HOUSE.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    HOUSE.write().unwrap_or_else(PoisonError::into_inner)
}

fn everywhere(test: impl Fn(Mode, Tls)) {
    let _quiet = quiet();
    for mode in MODES {
        for tls in BOTH {
            test(mode, tls);
        }
    }
}

fn lost(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

/// Connected, with these controls.
fn connected(mode: Mode, server: &Server, controls: &[(ws_control, u64)]) -> Client {
    let mut client = Client::trusting(mode);
    for (control, value) in controls {
        client.set(*control, *value);
    }
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    client.begin_pulling();
    client
}

/// A frame as it came, and when.
struct Arrived {
    at: Duration,
    first: u8,
    payload: Vec<u8>,
}

/// A server that tells every frame with the time since the upgrade, and hands it to `react`;
/// `false` from that ends its side of the connection. So does the close frame, once answered.
fn telling_server(
    tls: Tls,
    react: impl Fn(&mut Stream, u8, &[u8]) + Send + Sync + 'static,
) -> (Server, Receiver<Arrived>) {
    let (teller, told) = channel();
    let (server, _) = Server::scripted(tls, move |stream, _| {
        let since = Instant::now();
        while let Some((first, payload)) = read_frame(stream) {
            if first == CLOSE {
                let _ = stream.write_all(&frame(CLOSE, &payload));
                finish(stream);
                break;
            }
            react(stream, first, &payload);
            let _ = teller.send(Arrived { at: since.elapsed(), first, payload });
        }
    });
    (server, told)
}

/// Answers pings as it should.
fn answer(stream: &mut Stream, first: u8, payload: &[u8]) {
    if first == PING {
        let _ = stream.write_all(&frame(PONG, payload));
    }
}

fn next(arrivals: &Receiver<Arrived>) -> Arrived {
    arrivals.recv_timeout(DEADLINE).expect("a frame in time")
}

fn close(client: &mut Client) -> Vec<Told> {
    assert_eq!(client.close(1000, ""), WS_OK);
    let (before, closed) = client.until_closed();
    assert_eq!(closed.result, WS_OK, "in phase {}", client.error().phase);
    before
}

/// The opening is as old as the turn in which it was noticed.
const OPENING: Duration = Duration::from_millis(10);

#[test]
fn pings_come_at_their_interval_and_each_answer_is_told() {
    everywhere(|mode, tls| {
        let (server, arrivals) = telling_server(tls, answer);
        let mut client = connected(mode, &server, &[(WS_CONTROL_PING_INTERVAL_MS, 50)]);
        let mut payloads = Vec::new();
        for number in 1..=6 {
            let ping = next(&arrivals);
            assert_eq!(ping.first, PING);
            let due = Duration::from_millis(50) * number;
            assert!(ping.at + OPENING >= due, "{number} after {:?}", ping.at);
            assert!(ping.at < due + Duration::from_secs(3), "{number} after {:?}", ping.at);
            payloads.push(ping.payload);
        }
        payloads.dedup();
        assert_eq!(payloads.len(), 6, "each can be told from the others");
        assert!(payloads.iter().all(|payload| payload.len() <= 8));
        for _ in 0..5 {
            assert!(matches!(client.next(), Told::Pong(us) if us < 10_000_000));
        }
        let more = close(&mut client);
        assert!(more.iter().all(|told| matches!(told, Told::Pong(_))), "{more:?}");
    });
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    for tls in BOTH {
        let (server, arrivals) = telling_server(tls, answer);
        let mut client = connected(Mode::Callback, &server, &[]);
        assert!(arrivals.recv_timeout(Duration::from_millis(300)).is_err());
        assert_eq!(close(&mut client), []);
    }
}

#[test]
fn a_server_that_answers_is_kept_for_many_times_the_timeout() {
    everywhere(|mode, tls| {
        let (server, arrivals) = telling_server(tls, answer);
        let controls = [(WS_CONTROL_PING_INTERVAL_MS, 10), (WS_CONTROL_PONG_TIMEOUT_MS, 500)];
        let mut client = connected(mode, &server, &controls);
        let until = Instant::now() + Duration::from_millis(1300);
        let mut count = 0;
        while Instant::now() < until {
            assert_eq!(next(&arrivals).first, PING);
            count += 1;
        }
        assert!(count > 20, "{count}");
        let before = close(&mut client);
        assert!(before.len() > 20 && before.iter().all(|told| matches!(told, Told::Pong(_))));
    });
}

#[test]
fn unsolicited_pongs_are_empty_and_come_at_their_interval() {
    everywhere(|mode, tls| {
        let (server, arrivals) = telling_server(tls, answer);
        let desired = WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS;
        let mut client = connected(mode, &server, &[(desired, 60)]);
        for number in 1..=4 {
            let pong = next(&arrivals);
            assert_eq!((pong.first, pong.payload), (PONG, Vec::new()));
            let due = Duration::from_millis(60) * number;
            assert!(pong.at + OPENING >= due, "{number} after {:?}", pong.at);
            assert!(pong.at < due + Duration::from_secs(3), "{number} after {:?}", pong.at);
        }
        let mut actual = 0;
        let control = WS_CONTROL_ACTUAL_UNSOLICITED_PONG_INTERVAL_MS;
        assert_eq!(ws_get_control(client.socket, control, &raw mut actual), WS_OK);
        assert_eq!(actual, 60);
        assert_eq!(close(&mut client), []);
    });
}

#[test]
fn both_may_go_on_side_by_side() {
    for tls in BOTH {
        let (server, arrivals) = telling_server(tls, answer);
        let controls = [
            (WS_CONTROL_PING_INTERVAL_MS, 30),
            (WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS, 20),
        ];
        let mut client = connected(Mode::Callback, &server, &controls);
        let (mut pings, mut pongs) = (0, 0);
        while pings < 10 || pongs < 10 {
            match next(&arrivals).first {
                PING => pings += 1,
                PONG => pongs += 1,
                other => panic!("{other:#x}"),
            }
        }
        assert!(pongs >= pings, "{pings} pings, {pongs} pongs");
        close(&mut client);
    }
}

#[test]
fn it_goes_on_while_nobody_dispatches_the_queue() {
    for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
        for tls in BOTH {
            let (server, arrivals) = telling_server(tls, answer);
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_PING_INTERVAL_MS, 20);
            client.set(WS_CONTROL_PONG_TIMEOUT_MS, 500);
            client.set(WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS, 20);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.hold(true);
            let until = Instant::now() + Duration::from_millis(1200);
            let (mut pings, mut pongs) = (0, 0);
            while Instant::now() < until {
                match next(&arrivals).first {
                    PING => pings += 1,
                    _ => pongs += 1,
                }
            }
            assert!(pings > 10 && pongs > 10, "{pings} pings, {pongs} pongs");
            client.hold(false);
            client.begin_pulling();
            close(&mut client);
        }
    }
}

#[test]
fn nothing_follows_the_close_frame() {
    everywhere(|mode, tls| {
        for by_peer in [false, true] {
            let (server, wire) = Server::scripted(tls, move |stream, _| {
                while read_frame(stream).unwrap().0 != PING {}
                if by_peer {
                    stream.write_all(&frame(CLOSE, &[3, 232])).unwrap();
                }
                while read_frame(stream).is_some_and(|frame| frame.0 != CLOSE) {}
            });
            let controls = [
                (WS_CONTROL_PING_INTERVAL_MS, 10),
                (WS_CONTROL_DESIRED_UNSOLICITED_PONG_INTERVAL_MS, 10),
                (WS_CONTROL_PONG_TIMEOUT_MS, HOUR),
                (WS_CONTROL_CLOSE_TIMEOUT_MS, 300),
            ];
            let mut client = connected(mode, &server, &controls);
            if !by_peer {
                assert!(eventually(|| client.statistics().pings_sent > 0));
                assert_eq!(client.close(1000, ""), WS_OK);
            }
            let (_, closed) = client.until_closed();
            let result = if by_peer { WS_OK } else { WS_E_TIMEOUT };
            assert_eq!(closed.result, result);
            let (rest, _) = wire.recv_timeout(DEADLINE).unwrap();
            assert_eq!(rest, [], "{mode:?} {tls:?} {by_peer}");
        }
    });
}
