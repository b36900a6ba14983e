//! Names with several addresses: refused ones, black holes, good ones, and how many are tried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use super::*;
use crate::resolver::Name;
use crate::support::client::{MODES, Mode};
use crate::support::hole::{BlackHole, Taken, has_v6, loopback};
use crate::support::server::{Stream, Tls, accept, echo};

const STAGGER: Duration = Duration::from_millis(250);
/// What a measured time may be off by, on a machine that is free.
const GRACE: Duration = Duration::from_millis(250);
const TRIES: usize = 5;

/// The shortest of several: what the machine does besides takes time, a clock of ours would each time.
fn shortest(mut measure: impl FnMut() -> Duration, enough: Duration) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        best = best.min(measure());
        if best < enough {
            break;
        }
    }
    best
}

fn serve_echo_at(address: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            std::thread::spawn(move || {
                if let Some(mut peer) = accept(Stream::new(tcp, Tls::No)) {
                    echo(&mut peer);
                }
            });
        }
    });
    address
}

/// A port with a server at one address of this machine and nobody at those others.
fn lonely(good: IpAddr, refusing: &[IpAddr]) -> (u16, Vec<Taken>) {
    loop {
        let port = serve_echo_at((good, 0).into()).port();
        let taken: Result<Vec<_>, _> =
            refusing.iter().map(|ip| Taken::at((*ip, port).into())).collect();
        if let Ok(taken) = taken {
            return (port, taken);
        }
    }
}

#[test]
fn five_bad_addresses_and_a_good_one_need_a_limit_of_six() {
    let bad: Vec<IpAddr> = (11..=15).map(loopback).collect();
    let good = loopback(16);
    let (port, _taken) = lonely(good, &bad);
    let all: Vec<IpAddr> = bad.iter().copied().chain([good]).collect();
    for mode in MODES {
        let mut client = Client::trusting(mode);
        client.connect(&Name::of(&all).uri(port));
        let text = assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_TCP);
        assert_eq!(client.error().system_error, libc::ECONNREFUSED);
        for address in &bad {
            assert!(text.contains(&format!("{address}:{port}")), "{address} in: {text}");
        }
        assert!(!text.contains("127.0.0.16"), "{text}");

        client.set(WS_CONTROL_MAX_CONNECT_ADDRESSES, 6);
        let since = Instant::now();
        client.connect(&Name::of(&all).uri(port));
        assert_connects(&client);
        assert!(since.elapsed() < Duration::from_secs(10), "a refusal brings the next at once");
        assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), good.to_string());
    }
}

#[test]
fn of_a_hundred_addresses_as_many_are_tried_as_allowed_and_each_once() {
    let all: Vec<IpAddr> = (101..=200).map(loopback).collect();
    let (port, _taken) = lonely(loopback(200), &all[..99]);
    let twice: Vec<IpAddr> = all.iter().chain(&all).copied().collect();
    for (limit, is_found) in [(1, false), (3, false), (99, false), (100, true)] {
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_MAX_CONNECT_ADDRESSES, limit);
        client.connect(&Name::of(&twice).uri(port));
        if is_found {
            assert_connects(&client);
            continue;
        }
        let text = assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_TCP);
        if limit <= 3 {
            assert_eq!(text.matches("127.0.0.").count(), limit as usize, "{text}");
        }
    }
}

#[test]
fn a_limit_counts_both_families_in_turns() {
    if !has_v6() {
        return;
    }
    // The names's six IPv6 addresses come first; the second to be tried is IPv4 all the same.
    let server = Server::echo(Tls::No);
    let mut all: Vec<IpAddr> =
        (1..=6).map(|last| Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, last).into()).collect();
    all.push(server.address.ip());
    let mut client = Client::trusting(Mode::Callback);
    client.set(WS_CONTROL_MAX_CONNECT_ADDRESSES, 2);
    client.connect(&Name::of(&all).uri(port_of(&server)));
    assert_connects(&client);
}

#[test]
fn a_black_hole_of_either_family_costs_the_stagger_and_no_more() {
    let (v4, v6): (IpAddr, IpAddr) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let mut pairs = vec![(loopback(21), loopback(22))];
    if has_v6() {
        pairs.extend([(v6, v4), (v4, v6)]);
    }
    for (bad, good) in pairs {
        let (port, _hole) = loop {
            let port = serve_echo_at((good, 0).into()).port();
            if let Ok(hole) = BlackHole::at((bad, port).into()) {
                break (port, hole);
            }
        };
        for mode in MODES {
            let took = shortest(
                || {
                    let mut client = Client::trusting(mode);
                    let since = Instant::now();
                    client.connect(&Name::of(&[bad, good]).uri(port));
                    assert_connects(&client);
                    let took = since.elapsed();
                    assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), good.to_string());
                    assert!(took >= STAGGER, "{took:?}");
                    took
                },
                STAGGER + GRACE,
            );
            assert!(took < STAGGER + GRACE, "{took:?} with {bad} before {good}");
        }
    }
}

#[test]
fn five_bad_addresses_of_both_kinds_are_named_and_each_has_its_own_clock() {
    const TIMEOUT: Duration = Duration::from_millis(600);
    let holes = [loopback(31), loopback(33)];
    let refusing = [loopback(32), loopback(34), loopback(35)];
    let (port, _kept) = loop {
        let hole = BlackHole::at((holes[0], 0).into()).unwrap();
        let port = hole.address.port();
        let other = BlackHole::at((holes[1], port).into());
        let taken: Result<Vec<_>, _> =
            refusing.iter().map(|ip| Taken::at((*ip, port).into())).collect();
        if let (Ok(other), Ok(taken)) = (other, taken) {
            break (port, (hole, other, taken));
        }
    };
    let all: Vec<IpAddr> = (31..=35).map(loopback).collect();
    for mode in MODES {
        for scheme in ["ws", "wss"] {
            let measure = || {
                let mut client = Client::trusting(mode);
                client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, TIMEOUT.as_millis() as u64);
                let since = Instant::now();
                client.connect(&Name::of(&all).uri(port).replace("ws:", &format!("{scheme}:")));
                // The last to fail is the second hole, begun after the stagger.
                let text = assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_TCP);
                let took = since.elapsed();
                for address in &all {
                    assert!(text.contains(&format!("{address}:{port}")), "{address} in: {text}");
                }
                assert!(took >= TIMEOUT + STAGGER, "{took:?}");
                took
            };
            let took = shortest(measure, TIMEOUT + STAGGER + GRACE);
            assert!(took < TIMEOUT + STAGGER + GRACE, "{took:?}");
        }
    }
}

#[test]
fn the_total_time_ends_all_addresses_and_names_them() {
    let hole = BlackHole::at((loopback(41), 0).into()).unwrap();
    let port = hole.address.port();
    let _other = BlackHole::at((loopback(42), port).into()).unwrap();
    let total = Duration::from_millis(500);
    for mode in MODES {
        let measure = || {
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS, total.as_millis() as u64);
            let since = Instant::now();
            client.connect(&Name::of(&[loopback(41), loopback(42)]).uri(port));
            let text = assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_TCP);
            assert!(text.contains("127.0.0.41") && text.contains("127.0.0.42"), "{text}");
            let took = since.elapsed();
            assert!(took >= total, "{took:?}");
            took
        };
        let took = shortest(measure, total + GRACE);
        assert!(took < total + GRACE, "{took:?}");
    }
}
