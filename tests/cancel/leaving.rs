//! The application changes its mind: whatever the step, the connect completes once, at once, and
//! leaves no descriptor.

use std::ffi::CString;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::events::ws_validation_complete;
use anyws::ffi::result::*;
use anyws::ffi::send::ws_cancel;
use anyws::ffi::socket::*;

use super::*;
use crate::resolver::{Answer, Name};
use crate::steps::{Step, steps};
use crate::support::DEADLINE;
use crate::support::client::{MODES, Mode, Told};
use crate::support::hole::BlackHole;
use crate::support::server::{Server, Tls, eventually, read_request};

/// From the call to the completion, on a machine that is free.
const AT_ONCE: Duration = Duration::from_millis(50);

type Leave = fn(&Client) -> ws_result;

const WAYS: [(&str, Leave); 3] = [
    ("cancel", |client| ws_cancel(client.socket, WS_OPERATION_CONNECT)),
    ("abort", |client| ws_abort(client.socket)),
    ("close", |client| client.close(1000, "never mind")),
];

/// Leaves the connect, and how long the answer took.
fn leave(step: &Step, mode: Mode, way: &str, leave: Leave) -> Duration {
    let what = format!("{way} at {}, {mode:?}", step.name);
    let mut client = step.client(mode);
    step.reach(&mut client);
    assert_eq!(client.try_next(), None, "{what}: it hangs");
    let since = Instant::now();
    assert_eq!(leave(&client), WS_OK, "{what}");
    assert_eq!(client.connect_result(), WS_E_ABORT, "{what}");
    let took = since.elapsed();
    let error = client.error();
    assert_eq!((error.result, error.phase), (WS_E_ABORT, step.phase), "{what}");
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED, "{what}");
    assert_eq!(client.free(), [], "{what}: it completes once");
    took
}

fn free(step: &Step, mode: Mode) -> Duration {
    let mut client = step.client(mode);
    step.reach(&mut client);
    let since = Instant::now();
    assert_eq!(client.free(), Vec::<Told>::new(), "{}, {mode:?}", step.name);
    since.elapsed()
}

/// The event loop and the servers' threads have what they need.
fn warm_up(steps: &[Step]) {
    for step in steps {
        leave(step, Mode::Callback, "first", WAYS[0].1);
    }
}

#[test]
fn a_connect_ends_at_once_at_every_step_and_leaves_no_descriptor() {
    let _alone = alone();
    let steps = steps();
    warm_up(&steps);
    for step in &steps {
        let before = settled();
        for (way, how) in WAYS {
            let took = shortest(AT_ONCE, || leave(step, Mode::Callback, way, how));
            assert!(took < AT_ONCE, "{way} at {}: {took:?}", step.name);
            for mode in [Mode::Next, Mode::Pull] {
                leave(step, mode, way, how);
            }
        }
        let took = shortest(AT_ONCE, || free(step, Mode::Callback));
        assert!(took < AT_ONCE, "free at {}: {took:?}", step.name);
        for mode in MODES {
            free(step, mode);
        }
        let left = || descriptors().saturating_sub(before);
        assert!(eventually(|| left() == 0), "{}: {} descriptors are left", step.name, left());
    }
}

/// The descriptors once the last connections have gone at their servers' side too.
fn settled() -> usize {
    let mut last = (descriptors(), Instant::now());
    eventually(|| {
        let now = descriptors();
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(20)
    });
    last.0
}

#[test]
fn the_socket_connects_after_it_was_cancelled_at_any_step() {
    let _company = in_company();
    let origin = Server::echo(Tls::Good);
    for step in steps() {
        let mut client = step.client(Mode::Callback);
        step.reach(&mut client);
        assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
        assert_eq!(client.connect_result(), WS_E_ABORT, "{}", step.name);
        client.set_text(WS_CONTROL_PROXY, "direct:");
        let client_again = client.that_trusts();
        let mut client = client_again;
        client.connect(&origin.uri());
        loop {
            match client.next() {
                Told::Validation(asked) => {
                    let asked = std::ptr::without_provenance_mut(asked);
                    assert_eq!(ws_validation_complete(asked, 1), WS_OK);
                }
                Told::Completed { result, .. } => break assert_eq!(result, WS_OK, "{}", step.name),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(client.send_text("at last"), WS_OK);
        assert_eq!(client.next_text(), "at last");
    }
}

#[test]
fn a_validation_is_over_when_its_connect_was_cancelled() {
    let _company = in_company();
    let origin = Server::echo(Tls::Good);
    for (way, how) in WAYS {
        let mut client = Client::trusting(Mode::Callback);
        client.judge(support::client::Judgement::Defer);
        client.connect(&origin.uri());
        let Told::Validation(asked) = client.next() else { panic!("not asked") };
        assert_eq!(how(&client), WS_OK);
        assert_eq!(client.connect_result(), WS_E_ABORT);
        let asked = std::ptr::without_provenance_mut(asked);
        assert_eq!(ws_validation_complete(asked, 1), WS_E_HANDLE, "{way}");
        assert_eq!(client.free(), []);
    }
}

#[test]
fn a_thread_in_connect_wait_is_let_go_at_once() {
    let _company = in_company();
    let name = Name::hanging(Answer::Code(libc::EAI_AGAIN));
    let hole = BlackHole::new();
    let (server, _reached) = stalled::silent_after(Tls::Good, |stream| {
        read_request(stream);
    });
    let ways: [(&str, Leave); 4] =
        [WAYS[0], WAYS[1], WAYS[2], ("free", |client| ws_socket_free(client.socket))];
    for uri in [name.uri(80), format!("ws://{}/", hole.address), server.uri()] {
        for (way, how) in ways {
            let took = shortest(AT_ONCE, || {
                let client = Client::trusting(Mode::Callback);
                let (socket, uri) = (client.socket.addr(), CString::new(uri.as_str()).unwrap());
                let (teller, told) = channel();
                let waiter = std::thread::spawn(move || {
                    let socket = std::ptr::without_provenance_mut(socket);
                    let result = ws_connect_wait(socket, uri.as_ptr(), WS_INFINITE);
                    teller.send((result, Instant::now())).unwrap();
                });
                let connecting = || ws_get_state(client.socket) == WS_STATE_CONNECTING;
                assert!(eventually(connecting));
                // Into the wait, and some way along.
                pass(Duration::from_millis(10));
                let since = Instant::now();
                assert_eq!(how(&client), WS_OK);
                let (result, at) = told.recv_timeout(DEADLINE).unwrap();
                assert_eq!(result, WS_E_ABORT, "{way}: {result:#x}");
                waiter.join().unwrap();
                if way == "free" {
                    assert_eq!(client.told_until_released(), []);
                }
                at - since
            });
            assert!(took < AT_ONCE, "{way} at {uri}: {took:?}");
        }
    }
    name.let_go();
}
