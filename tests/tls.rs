//! TLS: certificates that are refused and why, servers that break the handshake, what can be read
//! of a session, and the application's own judgement of a certificate.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "tls/flights.rs"]
mod flights;
#[path = "certificates/site.rs"]
#[allow(dead_code)]
mod site;
mod support;
#[path = "tls/validation.rs"]
mod validation;
#[path = "certificates/workshop.rs"]
#[allow(dead_code)]
mod workshop;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::information::ws_get_information_bytes;
use anyws::ffi::result::*;
use anyws::ffi::send::ws_send_text;
use anyws::ffi::socket::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;
use support::DEADLINE;
use support::client::{Client, MODES, Mode, Told};
use support::route::{Way, everywhere_at_once, ways_to};
use support::server::{
    Ending, Server, Stream, Tls, finish, frame, read_out, read_request, reset, upgrade,
};

/// The server's end of a connection without TLS, whatever its scheme, once a ClientHello is there:
/// what comes before it is no answer, and through a proxy it is none of the origin's.
fn raw(act: impl Fn(&mut Stream) + Send + Sync + 'static) -> (String, Server) {
    let server = Server::raw(Tls::No, move |mut stream| {
        assert!(stream.tcp().peek(&mut [0]).is_ok_and(|count| count > 0));
        act(&mut stream);
        read_out(&mut stream);
    });
    (server.uri().replace("ws:", "wss:"), server)
}

struct Expected {
    result: ws_result,
    status: ws_web_error_status,
    alert: u32,
    mask: u32,
}

/// Those that lead to a server of TLS.
fn secure_ways() -> Vec<Way> {
    ways_to(Tls::Good)
}

/// The same at the same time: for what takes its time.
fn securely_at_once(test: impl Fn(Way) + Sync) {
    everywhere_at_once(|way| {
        if way.tls == Tls::Good {
            test(way);
        }
    });
}

/// Connects in every way and expects the failure.
fn all_fail(uri: &str, set: impl Fn(&Client), expected: &Expected) {
    for way in secure_ways() {
        let mut client = way.client();
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
        set(&client);
        client.connect(uri);
        let result = client.connect_result();
        assert_eq!(result, expected.result, "{result:#x}, {way:?}");
        let error = client.error();
        assert_eq!((error.result, error.web_error_status), (result, expected.status), "{way:?}");
        assert_eq!(error.phase, WS_ERROR_PHASE_TLS, "{way:?}");
        assert_eq!(error.certificate_errors, expected.mask, "{way:?}");
        assert_eq!(error.tls_alert, expected.alert, "{way:?}");
        assert_eq!(error.http_status, 0);
        assert_eq!(certificate(&client).is_empty(), expected.mask == 0, "it can be looked at");
        assert_ne!(error.text[0], 0);
        assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
        assert_eq!(client.free(), []);
    }
}

fn certificate(client: &Client) -> Vec<u8> {
    let mut der = vec![0; 1 << 16];
    let mut length = 0;
    let which = WS_INFORMATION_SERVER_CERTIFICATE;
    let buffer = der.as_mut_ptr().cast();
    let read =
        ws_get_information_bytes(client.socket, which, 0, buffer, der.len(), &raw mut length);
    assert_eq!(read, WS_OK);
    der.truncate(length);
    der
}

// Bad servers, rows 28 to 30.
#[test]
fn a_certificate_that_is_not_good_is_refused_and_says_why() {
    for (tls, result, status, mask) in [
        (Tls::Expired, WS_E_SEC_CERT_DATE_INVALID, 2, 1 << 3),
        (Tls::NotYetValid, WS_E_SEC_CERT_DATE_INVALID, 2, 1 << 3),
        (Tls::WrongName, WS_E_SEC_CERT_CN_INVALID, 1, 1 << 7),
        (Tls::Untrusted, WS_E_CERT_UNTRUSTEDROOT, 5, 1 << 1 | 1 << 4),
    ] {
        let (teller, told) = channel();
        let server = Server::raw(tls, move |mut stream| {
            let mut bytes = Vec::new();
            let ended = stream.read_to_end(&mut bytes);
            teller.send((bytes, ended.is_err())).unwrap();
        });
        all_fail(&server.uri(), |_| {}, &Expected { result, status, alert: 0, mask });
        for _ in secure_ways() {
            let (bytes, alerted) = told.recv_timeout(DEADLINE).unwrap();
            assert_eq!(bytes, [], "no request reached the server");
            assert!(alerted, "the server got an alert");
        }
    }
}

#[test]
fn the_test_authority_is_trusted_only_where_it_was_given() {
    let server = Server::echo(Tls::Good);
    for mode in MODES {
        let mut client = Client::new(mode);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_E_CERT_UNTRUSTEDROOT, "{mode:?}");
        assert!(!certificate(&client).is_empty(), "it can be looked at");
    }
}

#[test]
fn a_certificate_is_judged_by_the_name_in_the_uri() {
    let server = Server::echo(Tls::Good);
    for host in ["localhost", "LOCALHOST", "127.0.0.1"] {
        for way in secure_ways() {
            let client = way.connected(&server.uri().replace("127.0.0.1", host));
            assert_eq!(client.send_text(host), WS_OK);
            assert_eq!(client.next_text(), host);
        }
    }
    let elsewhere = Server::echo(Tls::WrongName);
    let uri = elsewhere.uri().replace("127.0.0.1", "localhost");
    let (result, status) = (WS_E_SEC_CERT_CN_INVALID, 1);
    // The Host header has no part in it.
    let set = |client: &Client| client.set_header("Host", "elsewhere.test");
    all_fail(&uri, set, &Expected { result, status, alert: 0, mask: 1 << 7 });
}

/// TLS itself has failed; the alert is the server's.
fn channel_error(alert: u32) -> Expected {
    let status = WS_WEB_ERROR_STATUS_CERTIFICATE_IS_INVALID;
    Expected { result: WS_E_SECURITY_CHANNEL_ERROR, status, alert, mask: 0 }
}

// Bad servers, rows 33 and 34.
#[test]
fn what_is_not_tls_fails_the_channel() {
    assert_eq!(WS_E_SECURITY_CHANNEL_ERROR.cast_unsigned(), 0x8007_2F7D);
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        &[0xff; 200],
        &[0; 64],
    ];
    for answer in answers {
        let (uri, _server) = raw(move |stream| {
            stream.write_all(answer).unwrap();
        });
        all_fail(&uri, |_| {}, &channel_error(0));
    }
    // A record of the handshake that holds nonsense.
    let (uri, _server) = raw(|stream| {
        let mut record = vec![22, 3, 3, 0, 200];
        record.extend([0xaa; 200]);
        stream.write_all(&record).unwrap();
    });
    all_fail(&uri, |_| {}, &channel_error(0));
}

// Bad servers, row 34.
#[test]
fn connections_that_end_in_the_tls_handshake() {
    type End = fn(&mut Stream);
    let ends: [(End, ws_result, ws_web_error_status); 2] = [
        (finish, WS_E_CONNECTION_ABORTED, WS_WEB_ERROR_STATUS_CONNECTION_ABORTED),
        (reset, WS_E_CONNECTION_RESET, WS_WEB_ERROR_STATUS_CONNECTION_RESET),
    ];
    for (end, result, status) in ends {
        for begun in [&b""[..], &[22, 3, 3], &[22, 3, 3, 0, 100, 2, 0, 0]] {
            let (uri, _server) = raw(move |stream| {
                // The ClientHello, so that a reset has nothing to overtake.
                assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
                stream.write_all(begun).unwrap();
                end(stream);
            });
            all_fail(&uri, |_| {}, &Expected { result, status, alert: 0, mask: 0 });
        }
    }
    // close_notify in place of an answer.
    let (uri, _server) = raw(|stream| {
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(&[21, 3, 3, 0, 2, 1, 0]).unwrap();
        finish(stream);
    });
    let (result, status) = (WS_E_CONNECTION_ABORTED, WS_WEB_ERROR_STATUS_CONNECTION_ABORTED);
    all_fail(&uri, |_| {}, &Expected { result, status, alert: 0, mask: 0 });
}

/// Stands between the client and `server`: hands the server's bytes on in pieces, and after so many
/// of them ends the connection. Returns the address to connect to.
fn relay(server: &Server, piece: usize, cut: Option<usize>) -> (String, Server) {
    let address = server.address;
    raw(move |client| {
        let upstream = TcpStream::connect(address).unwrap();
        let mut from_client = client.tcp().try_clone().unwrap();
        let mut to_server = upstream.try_clone().unwrap();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(std::net::Shutdown::Both);
        });
        let mut buffer = [0; 16 * 1024];
        let mut total = 0;
        while let Ok(count @ 1..) = (&upstream).read(&mut buffer) {
            let allowed = cut.map_or(count, |limit| count.min(limit - total));
            for piece in buffer[..allowed].chunks(piece) {
                if client.write_all(piece).is_err() {
                    return;
                }
            }
            total += allowed;
            if cut == Some(total) {
                finish(client);
                let _ = upstream.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    })
}

// Bad servers, row 34.
#[test]
fn a_tls_handshake_in_single_bytes_succeeds() {
    let server = Server::echo(Tls::Good);
    let (uri, _relay) = relay(&server, 1, None);
    for way in secure_ways() {
        let client = way.connected(&uri);
        assert_eq!(client.send_text("byte by byte"), WS_OK);
        assert_eq!(client.next_text(), "byte by byte");
    }
}

// Bad servers, row 34.
#[test]
fn a_tls_handshake_cut_off_anywhere_is_an_aborted_connection() {
    let server = Server::echo(Tls::Good);
    // Less than the flight of a resumed session, which a neighbour's connection may have left.
    for limit in [1, 5, 50, 127, 128, 200] {
        let (uri, _relay) = relay(&server, 1000, Some(limit));
        let (result, status) = (WS_E_CONNECTION_ABORTED, WS_WEB_ERROR_STATUS_CONNECTION_ABORTED);
        all_fail(&uri, |_| {}, &Expected { result, status, alert: 0, mask: 0 });
    }
}

// Bad servers, row 34.
#[test]
fn a_tls_handshake_that_stalls_is_a_timeout() {
    for begun in [&b""[..], &[22, 3, 3], &[22, 3, 3, 0, 100, 2, 0, 0]] {
        let (uri, _server) = raw(move |stream| stream.write_all(begun).unwrap());
        securely_at_once(|way| {
            let mut client = way.client();
            client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 300);
            let since = Instant::now();
            client.connect(&uri);
            assert_eq!(client.connect_result(), WS_E_TIMEOUT, "{way:?}");
            assert!(since.elapsed() >= Duration::from_millis(300));
            assert!(since.elapsed() < Duration::from_secs(10));
            assert_eq!(client.error().phase, WS_ERROR_PHASE_TLS, "{way:?}");
        });
    }
}

#[test]
fn a_record_that_does_not_decrypt_ends_the_connection() {
    let server = Server::raw(Tls::Good, |mut stream| {
        upgrade(&mut stream);
        if let Stream::Secure(tls) = &mut stream {
            // Both in one segment.
            tls.conn.writer().write_all(&frame(0x81, b"good")).unwrap();
            let mut wire = Vec::new();
            tls.conn.write_tls(&mut wire).unwrap();
            wire.extend([23, 3, 3, 0, 40]);
            wire.extend([0x5a; 40]);
            tls.sock.write_all(&wire).unwrap();
        }
        read_out(&mut stream);
    });
    for way in secure_ways() {
        let mut client = way.connected(&server.uri());
        let (before, closed) = client.until_closed();
        let good = Told::Message(WS_MESSAGE_TYPE_UTF8, b"good".to_vec());
        assert_eq!(before, [good], "what came before it counts: {way:?}");
        assert_eq!((closed.result, closed.code), (WS_E_SECURITY_CHANNEL_ERROR, 1006));
        assert_eq!(client.free(), []);
    }
}

#[test]
fn threads_send_while_messages_arrive() {
    const EACH: usize = 300;
    let server = Server::echo(Tls::Good);
    let client = Client::connected(Mode::Callback, &server.uri());
    let text = |thread: usize, number: usize| {
        let len = [5, 300, 20_000][number % 3];
        format!("{thread} {number} {}", "x".repeat(len))
    };
    let socket = client.socket.expose_provenance();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || {
                let socket = std::ptr::with_exposed_provenance_mut(socket);
                for number in 0..EACH {
                    let text = text(thread, number);
                    assert_eq!(ws_send_text(socket, text.as_ptr().cast(), text.len()), WS_OK);
                }
            });
        }
        let mut next = [0; 3];
        for _ in 0..3 * EACH {
            let arrived = client.next_text();
            let thread: usize = arrived[..1].parse().unwrap();
            assert!(arrived == text(thread, next[thread]), "in order, and nothing is missing");
            next[thread] += 1;
        }
    });
}

#[test]
fn version_cipher_suite_and_certificate_can_be_read() {
    let server = Server::echo(Tls::Good);
    let plain = Server::echo(Tls::No);
    for way in secure_ways() {
        let client = way.connected(&server.uri());
        assert_eq!(client.text(WS_INFORMATION_TLS_VERSION), "TLS 1.3");
        let suite = client.text(WS_INFORMATION_TLS_CIPHER_SUITE);
        assert!(suite.starts_with("TLS_"), "{suite}");
        let der = certificate(&client);
        let len = usize::from(u16::from_be_bytes([der[2], der[3]]));
        assert_eq!((der[0], der[1], len + 4), (0x30, 0x82, der.len()), "one whole sequence");
        // TLS with the proxy is not the origin's.
        let client = way.connected(&plain.uri());
        assert_eq!(client.text(WS_INFORMATION_TLS_VERSION), "");
        assert_eq!(client.text(WS_INFORMATION_TLS_CIPHER_SUITE), "");
        assert_eq!(client.information(WS_INFORMATION_TLS_RESUMED), 0);
        assert_eq!(certificate(&client), []);
    }
}

#[test]
fn the_second_connection_resumes_the_session() {
    for way in secure_ways() {
        // Its own server for each: sessions are shared by name and port of the origin.
        let server = Server::echo(Tls::Good);
        let mut resumed = Vec::new();
        for _ in 0..3 {
            let client = way.connected(&server.uri());
            // A message there and back: the tickets have come before it.
            assert_eq!(client.send_text("ticket, please"), WS_OK);
            assert_eq!(client.next_text(), "ticket, please");
            resumed.push(client.information(WS_INFORMATION_TLS_RESUMED));
            assert!(!certificate(&client).is_empty());
        }
        assert_eq!(resumed[1..], [1, 1], "{way:?}: {resumed:?}");
    }
}

#[test]
fn a_session_is_not_resumed_by_those_who_trust_others() {
    let server = Server::echo(Tls::Good);
    drop({
        let client = Client::connected(Mode::Callback, &server.uri());
        assert_eq!(client.send_text("x"), WS_OK);
        client.next_text()
    });
    let mut stranger = Client::new(Mode::Callback);
    stranger.connect(&server.uri());
    assert_eq!(stranger.connect_result(), WS_E_CERT_UNTRUSTEDROOT);
}

#[test]
fn no_byte_of_the_request_leaves_before_tls_is_up() {
    let (teller, told) = channel();
    let (uri, _server) = raw(move |stream| {
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).unwrap();
        bytes.truncate(count);
        let _ = teller.send(bytes);
    });
    let mut client = Client::trusting(Mode::Callback);
    client.set_header("Authorization", "Bearer very-secret");
    client.connect(&uri);
    let bytes = told.recv_timeout(DEADLINE).unwrap();
    assert_eq!(bytes[..2], [22, 3], "a ClientHello");
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("secret") && !text.contains("GET"));
}
