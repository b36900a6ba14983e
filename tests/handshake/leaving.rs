//! The application changes its mind at each stage of a connect: cancel, abort, close, free. The
//! connect completes once, with `WS_E_ABORT` and without delay; after free nothing but *released*
//! comes.

use std::sync::mpsc::{Receiver, channel};

use anyws::ffi::send::ws_cancel;

use super::*;
use crate::support::client::Told;
use crate::support::hole::BlackHole;
use crate::support::server::eventually;

/// A connect that hangs: where to, and what tells that it has come that far.
struct Stage {
    name: &'static str,
    uri: String,
    reached: Option<Receiver<()>>,
    ended: Option<Receiver<Ending>>,
    _hole: Option<BlackHole>,
}

fn silent_stage(name: &'static str, tls: Tls, talks_tls: bool) -> Stage {
    let (teller, reached) = channel();
    let (end_teller, ended) = channel();
    let server = Server::raw(tls, move |mut stream| {
        let mut raw = Stream::new(stream.tcp().try_clone().unwrap(), Tls::No);
        if talks_tls {
            read_request(&mut stream);
        }
        teller.send(()).unwrap();
        let end = read_out(if talks_tls { &mut stream } else { &mut raw }).1;
        let _ = end_teller.send(end);
    });
    let (reached, ended) = (Some(reached), Some(ended));
    Stage { name, uri: server.uri(), reached, ended, _hole: None }
}

fn stages() -> Vec<Stage> {
    let hole = || {
        let hole = BlackHole::new();
        (hole.address.port(), Some(hole))
    };
    let (port, first) = hole();
    let lookup = Stage {
        name: "lookup",
        uri: format!("ws://localhost:{port}/"),
        reached: None,
        ended: None,
        _hole: first,
    };
    let (port, second) = hole();
    let tcp = Stage {
        name: "tcp",
        uri: format!("wss://127.0.0.1:{port}/"),
        reached: None,
        ended: None,
        _hole: second,
    };
    vec![
        lookup,
        tcp,
        silent_stage("tls", Tls::Good, false),
        silent_stage("answer", Tls::No, true),
        silent_stage("answer under tls", Tls::Good, true),
    ]
}

fn reach(client: &mut Client, stage: &Stage) {
    client.connect(&stage.uri);
    match (&stage.reached, stage.name) {
        (Some(reached), _) => reached.recv_timeout(DEADLINE).unwrap(),
        // As early as can be: the lookup is on its way.
        (None, "lookup") => {}
        (None, _) => {
            let connecting = || ws_get_state(client.socket) == WS_STATE_CONNECTING;
            assert!(eventually(connecting), "{}", stage.name);
        }
    }
}

#[test]
fn cancel_abort_and_close_end_a_connect_at_every_stage() {
    type Leave = fn(&Client) -> ws_result;
    let ways: [(&str, Leave); 3] = [
        ("cancel", |client| ws_cancel(client.socket, WS_OPERATION_CONNECT)),
        ("abort", |client| ws_abort(client.socket)),
        ("close", |client| client.close(1000, "never mind")),
    ];
    for stage in stages() {
        for (way, leave) in ways {
            for mode in MODES {
                let what = format!("{way} at {}, {mode:?}", stage.name);
                let mut client = Client::trusting(mode);
                reach(&mut client, &stage);
                let since = Instant::now();
                assert_eq!(leave(&client), WS_OK, "{what}");
                assert_eq!(client.connect_result(), WS_E_ABORT, "{what}");
                assert!(since.elapsed() < Duration::from_secs(2), "{what}");
                let error = client.error();
                let status = WS_WEB_ERROR_STATUS_OPERATION_CANCELED;
                assert_eq!((error.result, error.web_error_status), (WS_E_ABORT, status), "{what}");
                assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED, "{what}");
                assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK, "{what}");
                assert_eq!(ws_abort(client.socket), WS_E_ILLEGAL_METHOD_CALL, "{what}");
                assert_eq!(client.free(), [], "{what}");
                if let Some(ended) = &stage.ended {
                    assert_ne!(ended.recv_timeout(DEADLINE).unwrap(), Ending::Never, "{what}");
                }
            }
        }
    }
}

#[test]
fn free_at_every_stage_is_followed_by_released_alone() {
    for stage in stages() {
        for mode in MODES {
            let what = format!("{}, {mode:?}", stage.name);
            let mut client = Client::trusting(mode);
            reach(&mut client, &stage);
            let since = Instant::now();
            assert_eq!(client.free(), Vec::<Told>::new(), "{what}");
            assert!(since.elapsed() < Duration::from_secs(2), "{what}");
            if let Some(ended) = &stage.ended {
                assert_ne!(ended.recv_timeout(DEADLINE).unwrap(), Ending::Never, "{what}");
            }
        }
    }
}

#[test]
fn a_connect_that_gets_no_answer_times_out() {
    let hole = BlackHole::new();
    for mode in MODES {
        for scheme in ["ws", "wss"] {
            for control in [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS] {
                let mut client = Client::trusting(mode);
                client.set(control, 300);
                let since = Instant::now();
                client.connect(&format!("{scheme}://{}/", hole.address));
                assert_eq!(client.connect_result(), WS_E_TIMEOUT);
                let took = since.elapsed();
                assert!(took >= Duration::from_millis(300), "{took:?}");
                assert!(took < Duration::from_secs(10), "{took:?}");
                assert_eq!(client.error().phase, WS_ERROR_PHASE_TCP);
            }
        }
    }
}

#[test]
fn after_a_cancelled_connect_the_socket_connects() {
    for mode in MODES {
        for stage in stages() {
            let server = Server::echo(Tls::Good);
            let mut client = Client::trusting(mode);
            for _ in 0..3 {
                reach(&mut client, &stage);
                assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
                assert_eq!(client.connect_result(), WS_E_ABORT, "{}", stage.name);
            }
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK, "{}", stage.name);
            client.begin_pulling();
            assert_eq!(client.send_text("at last"), WS_OK);
            assert_eq!(client.next_text(), "at last");
        }
    }
}
