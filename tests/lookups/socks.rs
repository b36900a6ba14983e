//! SOCKS5 with names that are looked up here: the proxy is asked for one address after the other.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyws::ffi::send::ws_cancel;

use super::*;
use crate::resolver::Name;
use crate::support::client::{MODES, Mode};
use crate::support::hole::loopback;
use crate::support::server::{Stream, Tls, eventually, finish, read_out};

/// What the proxy does when it is asked for an address.
#[derive(Clone, Copy)]
enum Reply {
    /// Leads to the server.
    Through,
    Refuses(u8),
    Hangs,
    HangsUp,
}

/// Tells the addresses that it is asked for.
fn proxy(
    origin: SocketAddr,
    reply: impl Fn(SocketAddr) -> Reply + Send + Sync + 'static,
) -> (Server, Receiver<SocketAddr>) {
    let (teller, told) = channel();
    let teller = Mutex::new(teller);
    let server = Server::raw(Tls::No, move |mut stream| {
        let mut take = |count: usize| {
            let mut bytes = vec![0; count];
            stream.read_exact(&mut bytes).map(|()| bytes)
        };
        if take(3).is_err() || stream.write_all(&[5, 0]).is_err() {
            return;
        }
        let Some(address) = place(&mut stream) else { return };
        let _ = teller.lock().unwrap().send(address);
        match reply(address) {
            Reply::Through => {
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
                join(stream, TcpStream::connect(origin).unwrap());
            }
            Reply::Refuses(code) => {
                let _ = stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
                finish(&mut stream);
                read_out(&mut stream);
            }
            Reply::Hangs => drop(read_out(&mut stream)),
            Reply::HangsUp => {}
        }
    });
    (server, told)
}

fn place(stream: &mut Stream) -> Option<SocketAddr> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).ok()?;
    let ip: IpAddr = if head[3] == 1 {
        let mut address = [0; 4];
        stream.read_exact(&mut address).ok()?;
        address.into()
    } else {
        assert_eq!(head[3], 4, "never a name");
        let mut address = [0; 16];
        stream.read_exact(&mut address).ok()?;
        address.into()
    };
    let mut port = [0; 2];
    stream.read_exact(&mut port).ok()?;
    Some((ip, u16::from_be_bytes(port)).into())
}

fn join(client: Stream, server: TcpStream) {
    let client = client.tcp().try_clone().unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

fn behind(proxy: &Server, mode: Mode) -> Client {
    let client = Client::trusting(mode);
    client.set_text(WS_CONTROL_PROXY, &format!("socks5://{}", proxy.address));
    client
}

fn five() -> Vec<IpAddr> {
    (51..=55).map(loopback).collect()
}

#[test]
fn the_next_address_is_asked_for_when_one_cannot_be_reached() {
    let origin = Server::echo(Tls::No);
    for code in [1, 3, 4, 5, 6, 8] {
        let (proxy, told) = proxy(origin.address, move |address| {
            if address.ip() == loopback(55) { Reply::Through } else { Reply::Refuses(code) }
        });
        for mode in MODES {
            let mut client = behind(&proxy, mode);
            client.connect(&Name::of(&five()).uri(port_of(&origin)));
            assert_connects(&client);
            let asked: Vec<_> = told.try_iter().collect();
            let all: Vec<SocketAddr> =
                five().into_iter().map(|ip| (ip, port_of(&origin)).into()).collect();
            assert_eq!(asked, all, "in the system's order, each once");
            client.begin_pulling();
            assert_eq!(client.send_text("through"), WS_OK);
            assert_eq!(client.next_text(), "through");
        }
    }
}

#[test]
fn families_take_turns_and_the_limit_counts_both() {
    let origin = Server::echo(Tls::No);
    let (proxy, told) = proxy(origin.address, |_| Reply::Refuses(8));
    let six = |last| IpAddr::from(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, last));
    let all = [six(1), six(2), loopback(51), six(1), loopback(52)];
    let expected = [six(1), loopback(51), six(2), loopback(52)];
    for limit in [1, 2, 4, 100] {
        let mut client = behind(&proxy, Mode::Callback);
        client.set(WS_CONTROL_MAX_CONNECT_ADDRESSES, limit);
        client.connect(&Name::of(&all).uri(443));
        let text = assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_PROXY);
        let asked: Vec<IpAddr> = told.try_iter().map(|address| address.ip()).collect();
        assert_eq!(asked, expected[..expected.len().min(limit as usize)]);
        for address in asked {
            let named = SocketAddr::new(address, 443).to_string();
            assert!(text.contains(&named), "{named} in: {text}");
        }
    }
}

#[test]
fn the_sentence_tells_what_says_most() {
    let origin = Server::echo(Tls::No);
    // The first is refused by its server, the others are not even tried by the proxy.
    let (proxy, _told) = proxy(origin.address, |address| {
        Reply::Refuses(if address.ip() == loopback(51) { 5 } else { 8 })
    });
    let mut client = behind(&proxy, Mode::Callback);
    client.connect(&Name::of(&five()).uri(443));
    let text = assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_PROXY);
    assert!(text.starts_with("The server refused the SOCKS proxy's connection"), "{text}");
    assert_eq!(text.matches("127.0.0.").count(), 5, "{text}");
}

#[test]
fn what_no_other_address_would_mend_ends_the_connect() {
    let origin = Server::echo(Tls::No);
    for (reply, result) in [
        (Reply::Refuses(2), WS_E_CANNOT_CONNECT),
        (Reply::Refuses(7), WS_E_CANNOT_CONNECT),
        (Reply::Refuses(99), WS_E_CANNOT_CONNECT),
        (Reply::HangsUp, WS_E_PROXY_SERVER_UNREACHABLE),
    ] {
        let (proxy, told) = proxy(origin.address, move |_| reply);
        let mut client = behind(&proxy, Mode::Callback);
        client.connect(&Name::of(&five()).uri(443));
        let text = assert_fails(&client, result, WS_ERROR_PHASE_PROXY);
        assert!(text.contains("127.0.0.51:443"), "{text}");
        assert_eq!(told.try_iter().count(), 1);
    }
}

#[test]
fn each_address_has_a_clock_of_its_own() {
    const TIMEOUT: Duration = Duration::from_millis(300);
    let origin = Server::echo(Tls::No);
    let (proxy, told) = proxy(origin.address, |address| {
        if address.ip() == loopback(53) { Reply::Through } else { Reply::Hangs }
    });
    for mode in MODES {
        let mut client = behind(&proxy, mode);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, TIMEOUT.as_millis() as u64);
        let since = Instant::now();
        client.connect(&Name::of(&five()).uri(port_of(&origin)));
        assert_connects(&client);
        assert!(since.elapsed() >= 2 * TIMEOUT, "two were waited for");
        assert_eq!(told.try_iter().count(), 3);

        let mut client = behind(&proxy, mode);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, TIMEOUT.as_millis() as u64);
        let since = Instant::now();
        client.connect(&Name::of(&five()[..2]).uri(443));
        let text = assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_PROXY);
        assert!(since.elapsed() >= 2 * TIMEOUT);
        assert!(text.contains("127.0.0.51:443, 127.0.0.52:443"), "{text}");

        // One deadline over all of it ends all of it.
        let mut client = behind(&proxy, mode);
        client.set(WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS, TIMEOUT.as_millis() as u64);
        client.connect(&Name::of(&five()).uri(443));
        let text = assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_PROXY);
        assert!(text.contains("127.0.0.51:443") && !text.contains("127.0.0.52"), "{text}");
        let _ = told.try_iter().count();
    }
}

#[test]
fn a_connect_can_be_left_at_any_of_the_addresses() {
    let origin = Server::echo(Tls::No);
    let (proxy, told) = proxy(origin.address, |address| {
        if address.ip() == loopback(53) { Reply::Hangs } else { Reply::Refuses(5) }
    });
    for mode in MODES {
        let mut client = behind(&proxy, mode);
        client.connect(&Name::of(&five()).uri(443));
        assert!(eventually(|| told.try_iter().any(|address| address.ip() == loopback(53))));
        assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
        assert_eq!(client.connect_result(), WS_E_ABORT);
        assert_eq!(client.free(), []);
    }
}
