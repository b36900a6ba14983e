//! Lookups that do not return: no call waits for them, deadlines hold, and what they say when
//! nobody asks any more changes nothing.

use std::ffi::CString;
use std::time::{Duration, Instant};

use anyws::ffi::send::ws_cancel;
use anyws::ffi::socket::*;

use super::*;
use crate::resolver::{Answer, Name};
use crate::support::client::{MODES, Mode};
use crate::support::server::Tls;

const TIMEOUT: Duration = Duration::from_millis(300);
/// Far beyond what it takes on a machine that is free, and far below what hangs.
const AT_ONCE: Duration = Duration::from_secs(5);

fn dead() -> Name {
    Name::hanging(Answer::Code(libc::EAI_AGAIN))
}

fn hang(client: &mut Client, name: &Name) {
    let since = Instant::now();
    client.connect(&name.uri(80));
    assert!(since.elapsed() < AT_ONCE);
    name.until_waiting(1);
    assert_eq!(ws_get_state(client.socket), WS_STATE_CONNECTING);
}

#[test]
fn cancel_abort_close_and_free_do_not_wait_for_it() {
    type Leave = fn(&Client) -> ws_result;
    let ways: [Leave; 3] = [
        |client| ws_cancel(client.socket, WS_OPERATION_CONNECT),
        |client| ws_abort(client.socket),
        |client| client.close(1000, ""),
    ];
    for mode in MODES {
        for leave in ways {
            let name = dead();
            let mut client = Client::trusting(mode);
            hang(&mut client, &name);
            let since = Instant::now();
            assert_eq!(leave(&client), WS_OK);
            assert_eq!(client.connect_result(), WS_E_ABORT);
            assert_eq!(client.free(), []);
            assert!(since.elapsed() < AT_ONCE);
            assert_eq!(name.waiting(), 1, "it hangs still");
            name.let_go();
        }
        let name = dead();
        let mut client = Client::trusting(mode);
        hang(&mut client, &name);
        let since = Instant::now();
        assert_eq!(client.free(), []);
        assert!(since.elapsed() < AT_ONCE);
        name.let_go();
    }
}

#[test]
fn connect_wait_answers_at_its_timeout() {
    let name = dead();
    let client = Client::trusting(Mode::Pull);
    let uri = CString::new(name.uri(80)).unwrap();
    for timeout_ms in [0, 1, 200] {
        let since = Instant::now();
        assert_eq!(ws_connect_wait(client.socket, uri.as_ptr(), timeout_ms), WS_E_TIMEOUT);
        let took = since.elapsed();
        assert!(took >= Duration::from_millis(timeout_ms.into()) && took < AT_ONCE, "{took:?}");
    }
    name.let_go();
}

#[test]
fn both_deadlines_hold_for_the_name_of_the_server_and_of_its_proxy() {
    for mode in MODES {
        for control in [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS] {
            for proxy in ["direct:", "http:", "https:", "socks5:", "socks5h:"] {
                let name = dead();
                let mut client = Client::trusting(mode);
                client.set(control, TIMEOUT.as_millis() as u64);
                let mut uri = name.uri(80);
                let mut phase = WS_ERROR_PHASE_NAME;
                if proxy != "direct:" {
                    client.set_text(WS_CONTROL_PROXY, &format!("{proxy}//{}:1080", name.text()));
                    uri = "ws://192.0.2.1/".to_owned();
                    phase = WS_ERROR_PHASE_PROXY;
                }
                let since = Instant::now();
                client.connect(&uri);
                assert_fails(&client, WS_E_TIMEOUT, phase);
                let took = since.elapsed();
                assert!(took >= TIMEOUT && took < AT_ONCE, "{took:?}");
                assert_eq!(client.error().system_error, 0);
                name.let_go();
            }
        }
    }
    assert_eq!(web_error_status(WS_E_TIMEOUT), 7, "TIMEOUT");
}

#[test]
fn the_lookup_has_the_whole_timeout_and_leaves_the_whole_to_the_address() {
    // 60 % for the name and 60 % for the answer: neither is too long.
    let (_silence, clock) = std::sync::mpsc::channel::<()>();
    let clock = std::sync::Mutex::new(clock);
    let server = Server::raw(Tls::No, move |mut stream| {
        let request = support::server::read_request(&mut stream);
        let _ = clock.lock().unwrap().recv_timeout(Duration::from_millis(1800));
        support::server::answer_upgrade(&mut stream, &request, "", b"");
        support::server::read_out(&mut stream);
    });
    let name = Name::hanging(Answer::Addresses(vec![server.address.ip()]));
    let mut client = Client::trusting(Mode::Callback);
    client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 3000);
    let since = Instant::now();
    hang_at(&mut client, &name, port_of(&server));
    let (_silence, clock) = std::sync::mpsc::channel::<()>();
    let _ = clock.recv_timeout(Duration::from_millis(1800).saturating_sub(since.elapsed()));
    name.let_go();
    assert_connects(&client);
}

fn hang_at(client: &mut Client, name: &Name, port: u16) {
    client.connect(&name.uri(port));
    name.until_waiting(1);
}

#[test]
fn a_late_answer_is_none_of_the_next_connect() {
    let server = Server::echo(Tls::No);
    let port = port_of(&server);
    for mode in MODES {
        let mut client = Client::trusting(mode);
        // Three answers come too late: a good one, a bad one, a failure.
        let late = [
            Answer::Addresses(vec![server.address.ip()]),
            Answer::Addresses(vec![support::hole::loopback(99)]),
            Answer::Code(libc::EAI_NONAME),
        ]
        .map(Name::hanging);
        for name in &late {
            hang_at(&mut client, name, port);
            assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
            assert_eq!(client.connect_result(), WS_E_ABORT);
        }
        // While the next lookup is under way.
        let next = Name::hanging(Answer::Addresses(vec![server.address.ip()]));
        hang_at(&mut client, &next, port);
        for name in &late {
            name.let_go();
            assert!(support::server::eventually(|| name.waiting() == 0));
        }
        assert_eq!(client.try_next(), None);
        assert_eq!(ws_get_state(client.socket), WS_STATE_CONNECTING);
        next.let_go();
        assert_connects(&client);
        client.begin_pulling();
        assert_eq!(client.send_text("still here"), WS_OK);
        assert_eq!(client.next_text(), "still here");
    }
}
