//! Names with more than one address, ports where nobody listens, names without an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::*;
use crate::support::client::{MODES, Mode};
use crate::support::hole::BlackHole;
use crate::support::route::connect_plain;
use crate::support::server::{BOTH, Nobody, Server, Stream, Tls, accept, echo};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A port of one address on which the other is free; `None` where there is no IPv6.
fn port_of_one(address: IpAddr) -> Option<TcpListener> {
    let other = if address == V4 { V6 } else { V4 };
    loop {
        let listener = match TcpListener::bind((address, 0)) {
            Ok(listener) => listener,
            Err(_) => {
                eprintln!("NOT TESTED: this machine has no {address}");
                return None;
            }
        };
        let port = listener.local_addr().unwrap().port();
        match TcpListener::bind((other, port)) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            _ => return Some(listener),
        }
    }
}

fn serve_echo(listener: TcpListener, tls: Tls) -> u16 {
    serve(listener, move |tcp| {
        if let Some(mut peer) = accept(Stream::new(tcp, tls)) {
            echo(&mut peer);
        }
    })
}

fn serve(listener: TcpListener, act: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let act = act.clone();
            std::thread::spawn(move || act(tcp));
        }
    });
    port
}

/// At a name that has both addresses where there is IPv6.
fn uri_at(port: u16, tls: Tls) -> String {
    let scheme = if tls == Tls::No { "ws" } else { "wss" };
    format!("{scheme}://localhost:{port}/")
}

// Bad servers, row 62; more addresses than two take a resolver of the test's own.
#[test]
fn a_server_on_one_address_of_a_name_is_found() {
    for (address, tls) in [V4, V6].into_iter().flat_map(|address| BOTH.map(|tls| (address, tls))) {
        let Some(listener) = port_of_one(address) else { continue };
        let port = serve_echo(listener, tls);
        for mode in MODES {
            let mut client = Client::trusting(mode);
            client.connect(&uri_at(port, tls));
            assert_eq!(client.connect_result(), WS_OK, "{address}, {tls:?}");
            assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), address.to_string());
            assert_eq!(client.information(WS_INFORMATION_REMOTE_PORT), u64::from(port));
            client.begin_pulling();
            assert_eq!(client.send_text("found"), WS_OK);
            assert_eq!(client.next_text(), "found");
        }
    }
}

/// A port of both addresses of which the one of IPv6 never answers.
fn half_dead() -> Option<(TcpListener, BlackHole)> {
    let listener = port_of_one(V4)?;
    let port = listener.local_addr().unwrap().port();
    let Ok(hole) = BlackHole::at((V6, port).into()) else {
        eprintln!("NOT TESTED: this machine has no {V6}");
        return None;
    };
    Some((listener, hole))
}

/// RFC 8305 §8.
fn took_a_moment(since: Instant) {
    let took = since.elapsed();
    assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn an_address_that_does_not_answer_delays_the_next_by_little() {
    for tls in BOTH {
        let Some((listener, _hole)) = half_dead() else { return };
        let port = serve_echo(listener, tls);
        for mode in MODES {
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
            let since = Instant::now();
            client.connect(&uri_at(port, tls));
            assert_eq!(client.connect_result(), WS_OK);
            took_a_moment(since);
            assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), "127.0.0.1");
        }
    }
}

#[test]
fn a_proxy_is_found_on_one_address_of_its_name_as_a_server_is() {
    for tls in BOTH {
        let origin = Server::echo(tls);
        let proxy = |listener| serve(listener, |tcp| connect_plain(Stream::new(tcp, Tls::No)));
        let through = |port: u16, mode| {
            let client = Client::trusting(mode);
            client.set_text(WS_CONTROL_PROXY, &format!("http://localhost:{port}"));
            client
        };
        for address in [V4, V6] {
            let Some(listener) = port_of_one(address) else { continue };
            let port = proxy(listener);
            for mode in MODES {
                let mut client = through(port, mode);
                client.connect(&origin.uri());
                assert_talks(client);
            }
        }
        let Some((listener, _hole)) = half_dead() else { continue };
        let port = proxy(listener);
        let mut client = through(port, Mode::Callback);
        let since = Instant::now();
        client.connect(&origin.uri());
        assert_talks(client);
        took_a_moment(since);
    }
}

#[test]
fn no_more_addresses_are_tried_than_allowed() {
    let Some(listener) = port_of_one(V4) else { return };
    if TcpListener::bind((V6, 0)).is_err() {
        eprintln!("NOT TESTED: this machine has no {V6}");
        return;
    }
    let port = serve_echo(listener, Tls::No);
    for (limit, result) in [(1, WS_E_CANNOT_CONNECT), (2, WS_OK)] {
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_MAX_CONNECT_ADDRESSES, limit);
        client.connect(&format!("ws://localhost:{port}/"));
        assert_eq!(client.connect_result(), result, "{limit}");
    }
}

#[test]
fn when_no_address_answers_the_connect_times_out() {
    let hole = BlackHole::new();
    let second = BlackHole::at((V6, hole.address.port()).into());
    for mode in MODES {
        for control in [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS] {
            let mut client = Client::trusting(mode);
            client.set(control, 400);
            let since = Instant::now();
            client.connect(&format!("wss://localhost:{}/", hole.address.port()));
            assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_TCP);
            let took = since.elapsed();
            assert!(took >= Duration::from_millis(400), "{took:?}");
            assert!(took < Duration::from_secs(10), "{took:?}");
            let text = text_of(&client.error());
            assert!(text.contains("127.0.0.1") || second.is_err(), "what was tried: {text}");
        }
    }
}

// Bad servers, row 63.
#[test]
fn a_port_where_nobody_listens_cannot_be_connected_to() {
    let nobody = Nobody::new();
    for mode in MODES {
        for uri in [nobody.uri(), nobody.uri().replace("ws:", "wss:")] {
            let mut client = Client::trusting(mode);
            client.connect(&uri);
            assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_TCP);
            assert_eq!(client.error().web_error_status, 14, "CANNOT_CONNECT");
            assert_ne!(client.error().system_error, 0);
        }
    }
}

// Bad servers, row 63.
#[test]
fn a_name_without_an_address_is_not_resolved() {
    for mode in MODES {
        for uri in ["ws://nowhere.invalid/", "wss://nowhere.invalid:8443/"] {
            let mut client = Client::trusting(mode);
            client.connect(uri);
            assert_fails(&client, WS_E_NAME_NOT_RESOLVED, WS_ERROR_PHASE_NAME);
            assert_eq!(client.error().web_error_status, 15, "HOST_NAME_NOT_RESOLVED");
        }
    }
}

// Bad servers, row 63.
#[test]
fn an_address_without_a_way_to_it_is_unreachable() {
    // No connection leads to a broadcast address, whatever the network.
    for mode in MODES {
        for uri in ["ws://255.255.255.255:9/", "wss://255.255.255.255:9/"] {
            let mut client = Client::trusting(mode);
            client.connect(uri);
            assert_fails(&client, WS_E_SERVER_UNREACHABLE, WS_ERROR_PHASE_TCP);
            assert_eq!(client.error().web_error_status, 6, "SERVER_UNREACHABLE");
            assert_ne!(client.error().system_error, 0);
        }
    }
}
