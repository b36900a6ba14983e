//! `CONNECT_TIMEOUT_MS` is one deadline over everything between an address and the open
//! connection, `TOTAL_CONNECT_TIMEOUT_MS` over all rounds: what each step takes adds up, and bytes
//! that trickle in extend nothing.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::socket::ws_get_state;

use super::*;
use crate::steps::{Step, steps};
use crate::support::client::{Client, MODES, Mode};
use crate::support::server::{Server, Stream, Tls, answer_upgrade, finish, read_out, read_request};

const TIMEOUT: Duration = Duration::from_millis(1000);
/// A share of it for each of several steps.
const LONG: Duration = Duration::from_millis(400);
const SHORT: Duration = Duration::from_millis(100);
/// What a measured time may be off by, on a machine that is free.
const GRACE: Duration = Duration::from_millis(250);

/// In this phase, or before it where the machine took the time for itself.
#[track_caller]
fn assert_times_out(client: &Client, phase: ws_error_phase) {
    let result = client.connect_result();
    let text = text_of(client);
    assert_eq!(result, WS_E_TIMEOUT, "{result:#x}: {text}");
    let error = client.error();
    assert_eq!(error.web_error_status, 7, "TIMEOUT");
    assert!(error.phase <= phase, "{text}");
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
}

#[test]
fn every_step_ends_at_the_timeout_with_its_phase() {
    let _company = in_company();
    // Enough to get to any step; all wait at the same time.
    const TIMEOUT: Duration = Duration::from_secs(3);
    let steps = steps();
    let controls = [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS];
    for (number, control) in controls.into_iter().enumerate() {
        let begin = |(at, step): (usize, &Step)| {
            let mut client = step.client(MODES[(at + number) % MODES.len()]);
            client.set(control, TIMEOUT.as_millis() as u64);
            let since = Instant::now();
            step.reach(&mut client);
            (client, since)
        };
        let clients: Vec<_> = steps.iter().enumerate().map(begin).collect();
        for (step, (client, since)) in steps.iter().zip(clients) {
            let result = client.connect_result();
            let (took, error, text) = (since.elapsed(), client.error(), text_of(&client));
            // A refusal whose body hangs is a refusal; the rest is over.
            match step.name.contains("refusal") {
                true => assert_eq!(error.http_status, result.cast_unsigned() & 0xffff, "{text}"),
                false => assert_eq!(result, WS_E_TIMEOUT, "{}: {result:#x}, {text}", step.name),
            }
            assert_eq!(error.phase, step.phase, "{}: {text}", step.name);
            assert!(took >= TIMEOUT, "{}: {took:?}", step.name);
            assert_eq!(client.free(), []);
        }
    }
}

/// An HTTP proxy, TLS through it and the server's answer, each of which takes so long.
fn three_steps(each: Duration) -> (Server, Server) {
    let origin = Server::accepting(Tls::Good, move |tcp| {
        // The first flight of TLS waits, then the answer.
        pass(each);
        let mut stream = Stream::new(tcp, Tls::Good);
        let request = read_request(&mut stream);
        if request.is_empty() {
            return;
        }
        pass(each);
        answer_upgrade(&mut stream, &request, "", b"");
        read_out(&mut stream);
    });
    let to = origin.address;
    let proxy = Server::raw(Tls::No, move |mut stream| {
        read_request(&mut stream);
        pass(each);
        if stream.write_all(b"HTTP/1.1 200 Open\r\n\r\n").is_ok() {
            join(&stream, to);
        }
    });
    (proxy, origin)
}

fn join(client: &Stream, to: SocketAddr) {
    let client = client.tcp().try_clone().unwrap();
    let server = std::net::TcpStream::connect(to).unwrap();
    let (mut from, mut onwards) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut onwards);
        let _ = onwards.shutdown(std::net::Shutdown::Both);
    });
    let (mut from, mut onwards) = (server, client);
    let _ = std::io::copy(&mut from, &mut onwards);
    let _ = onwards.shutdown(std::net::Shutdown::Both);
}

/// As long as the timeout and little longer, at best.
fn assert_ends_on_time(connect: impl Fn() -> Client, phase: ws_error_phase) {
    let took = shortest(TIMEOUT + GRACE, || {
        let since = Instant::now();
        let client = connect();
        assert_times_out(&client, phase);
        let took = since.elapsed();
        assert!(took >= TIMEOUT, "{took:?}");
        took
    });
    assert!(took < TIMEOUT + GRACE, "{took:?}");
}

/// At least one of several connects, for the machine may take a step's time for itself.
fn assert_connects_at_best(connect: impl Fn() -> Client) {
    let connected = (0..TRIES).any(|_| connect().connect_result() == WS_OK);
    assert!(connected, "each step alone is quick enough");
}

#[test]
fn what_proxy_tls_and_answer_take_adds_up() {
    let _company = in_company();
    let connect = |each, mode, control| {
        let (proxy, origin) = three_steps(each);
        let mut client = Client::trusting(mode);
        client.set_text(WS_CONTROL_PROXY, &format!("http://{}", proxy.address));
        client.set(control, TIMEOUT.as_millis() as u64);
        client.connect(&origin.uri());
        client
    };
    let controls = [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS];
    for (mode, control) in MODES.into_iter().zip(controls.into_iter().cycle()) {
        assert_ends_on_time(|| connect(LONG, mode, control), WS_ERROR_PHASE_HTTP);
        assert_connects_at_best(|| connect(SHORT, mode, control));
    }
}

/// Greeting, login and reply of a SOCKS proxy, and of an HTTP proxy that wants to be asked again
/// over a new connection.
#[test]
fn what_the_steps_of_a_proxy_take_adds_up() {
    let _company = in_company();
    let socks = |each| {
        Server::raw(Tls::No, move |mut stream| {
            for (request, answer) in
                [(4, &[5, 2][..]), (15, &[1, 0]), (10, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])]
            {
                pass(each);
                if stream.read_exact(&mut vec![0; request]).is_err()
                    || stream.write_all(answer).is_err()
                {
                    return;
                }
            }
            let request = read_request(&mut stream);
            if !request.is_empty() {
                answer_upgrade(&mut stream, &request, "", b"");
                read_out(&mut stream);
            }
        })
    };
    let challenging = |each| {
        Server::raw(Tls::No, move |mut stream| {
            let request = read_request(&mut stream);
            pass(each);
            if !request.contains("Proxy-Authorization") {
                let challenge = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
                                 Connection: close\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(challenge.as_bytes());
                finish(&mut stream);
                return;
            }
            pass(each);
            let _ = stream.write_all(b"HTTP/1.1 200 Open\r\n\r\n");
            let request = read_request(&mut stream);
            if !request.is_empty() {
                answer_upgrade(&mut stream, &request, "", b"");
                read_out(&mut stream);
            }
        })
    };
    let connect = |proxy: Server, scheme: &str| {
        let mut client = Client::trusting(Mode::Callback);
        let proxy = format!("{scheme}://user:password@{}", proxy.address);
        client.set_text(WS_CONTROL_PROXY, &proxy);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, TIMEOUT.as_millis() as u64);
        client.connect("ws://192.0.2.1/");
        client
    };
    assert_ends_on_time(|| connect(socks(LONG), "socks5h"), WS_ERROR_PHASE_PROXY);
    assert_connects_at_best(|| connect(socks(SHORT), "socks5h"));
    assert_ends_on_time(|| connect(challenging(LONG), "http"), WS_ERROR_PHASE_PROXY);
    assert_connects_at_best(|| connect(challenging(SHORT), "http"));
}

/// Sends one byte after the other, a fifth of the timeout apart, for ever.
fn trickle(stream: &mut Stream, begin: &str) {
    let _ = stream.write_all(begin.as_bytes());
    while stream.write_all(b"a").and_then(|()| stream.flush()).is_ok() {
        pass(TIMEOUT / 5);
    }
}

#[test]
fn bytes_that_trickle_in_extend_nothing() {
    let _company = in_company();
    for control in [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS] {
        for tls in support::server::BOTH {
            let server = Server::raw(tls, |mut stream| {
                read_request(&mut stream);
                trickle(&mut stream, "HTTP/1.1 101 Switching Protocols\r\nX: ");
            });
            let proxy = Server::raw(tls, |mut stream| {
                read_request(&mut stream);
                trickle(&mut stream, "HTTP/1.1 200 Open\r\nX: ");
            });
            let client = |proxy: &str, uri: &str| {
                let mut client = Client::trusting(Mode::Callback);
                client.set(control, TIMEOUT.as_millis() as u64);
                client.set_text(WS_CONTROL_PROXY, proxy);
                client.connect(uri);
                client
            };
            let answer = || client("direct:", &server.uri());
            assert_ends_on_time(answer, WS_ERROR_PHASE_HTTP);
            let tunnel = || client(&proxy.uri().replacen("ws", "http", 1), "wss://192.0.2.1/");
            assert_ends_on_time(tunnel, WS_ERROR_PHASE_PROXY);
        }
        // A record of TLS that never becomes whole.
        let server = Server::raw(Tls::No, |mut stream| {
            let _ = stream.write_all(&[22, 3, 3, 0x3f, 0xff, 2]);
            trickle(&mut stream, "");
        });
        let connect = || {
            let mut client = Client::trusting(Mode::Callback);
            client.set(control, TIMEOUT.as_millis() as u64);
            client.connect(&server.uri().replace("ws:", "wss:"));
            client
        };
        let took = shortest(TIMEOUT + GRACE, || {
            let since = Instant::now();
            let client = connect();
            // Whether what it sends could become a flight at all is TLS's to judge.
            let result = client.connect_result();
            assert!(client.error().phase == WS_ERROR_PHASE_TLS, "{}", text_of(&client));
            assert!(since.elapsed() >= TIMEOUT || result != WS_E_TIMEOUT);
            since.elapsed()
        });
        assert!(took < TIMEOUT + GRACE, "{took:?}");
    }
}

#[test]
fn redirects_share_the_total_time_and_each_has_its_own_address_time() {
    let _company = in_company();
    let chain = |each: Duration| {
        let last = Server::raw(Tls::No, move |mut stream| {
            let request = read_request(&mut stream);
            pass(each);
            answer_upgrade(&mut stream, &request, "", b"");
            read_out(&mut stream);
        });
        let mut servers = vec![last];
        for _ in 0..2 {
            let to = servers[servers.len() - 1].uri();
            servers.push(Server::raw(Tls::No, move |mut stream| {
                read_request(&mut stream);
                pass(each);
                let _ = write!(
                    stream,
                    "HTTP/1.1 307 There\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
                );
                finish(&mut stream);
                read_out(&mut stream);
            }));
        }
        servers
    };
    let connect = |each, control, timeout: Duration, mode| {
        let servers = chain(each);
        let mut client = Client::trusting(mode);
        client.set(control, timeout.as_millis() as u64);
        client.set(WS_CONTROL_MAX_REDIRECTS, 5);
        client.connect(&servers[2].uri());
        client
    };
    let (total, of_address) = (WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS, WS_CONTROL_CONNECT_TIMEOUT_MS);
    for mode in [Mode::Callback, Mode::Pull] {
        assert_ends_on_time(|| connect(LONG, total, TIMEOUT, mode), WS_ERROR_PHASE_HTTP);
        assert_connects_at_best(|| connect(SHORT, total, TIMEOUT, mode));
        // Three times 40 % are no more than 100 % each.
        assert_connects_at_best(|| connect(LONG, of_address, TIMEOUT, mode));
    }
}
