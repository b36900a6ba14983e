//! The request as the server sees it, and what the program can read of the connection.

use std::ffi::CString;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::support::server::{Nobody, eventually, upgrade};

/// A server that tells the request, and the client's address.
fn telling(tls: Tls) -> (Server, Receiver<(String, SocketAddr)>) {
    let (teller, told) = channel();
    let server = Server::raw(tls, move |mut stream| {
        let request = upgrade(&mut stream);
        teller.send((request, stream.tcp().peer_addr().unwrap())).unwrap();
        read_out(&mut stream);
    });
    (server, told)
}

#[test]
fn the_request_is_what_the_rfc_asks_for_and_what_was_set() {
    for tls in BOTH {
        let (server, told) = telling(tls);
        let mut client = Client::trusting(Mode::Callback);
        client.connect(&server.uri_of("/chat?room=%C3%A4&x"));
        assert_eq!(client.connect_result(), WS_OK);
        let (request, _) = told.recv_timeout(DEADLINE).unwrap();
        let lines: Vec<_> = request.trim_end().split("\r\n").collect();
        assert_eq!(lines[0], "GET /chat?room=%C3%A4&x HTTP/1.1");
        let host = format!("Host: 127.0.0.1:{}", server.address.port());
        for line in [
            host.as_str(),
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
        ] {
            assert_eq!(lines.iter().filter(|found| **found == line).count(), 1, "{line}");
        }
        let (_, key) =
            lines.iter().find_map(|line| line.split_once("Sec-WebSocket-Key: ")).unwrap();
        assert_eq!(data_encoding::BASE64.decode(key.as_bytes()).unwrap().len(), 16);
        assert!(!request.contains("Sec-WebSocket-Protocol"));
        assert!(!request.contains("Sec-WebSocket-Extensions"));

        let mut client = Client::trusting(Mode::Callback);
        client.set_header("Host", "virtual.test");
        client.set_header("Origin", "https://app.test");
        client.set_header("User-Agent", "a game/1.0");
        client.set_header("X-Twice", "first");
        client.set_header("x-twice", "second");
        client.set_header("Authorization", "Bearer token");
        client.set_header("Cookie", "a=b; c=d");
        client.set_text(WS_CONTROL_SUPPORTED_PROTOCOLS, "chat,superchat");
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        let (second, _) = told.recv_timeout(DEADLINE).unwrap();
        let lines: Vec<_> = second.trim_end().split("\r\n").collect();
        for line in [
            "Host: virtual.test",
            "Origin: https://app.test",
            "User-Agent: a game/1.0",
            "Authorization: Bearer token",
            "Cookie: a=b; c=d",
            "Sec-WebSocket-Protocol: chat, superchat",
        ] {
            assert_eq!(lines.iter().filter(|found| **found == line).count(), 1, "{line}");
        }
        let twice: Vec<_> =
            lines.iter().filter(|line| line.to_lowercase().starts_with("x-twice:")).collect();
        assert_eq!(twice.len(), 1, "{twice:?}");
        assert!(twice[0].ends_with(": second"));
        assert_eq!(second.matches("ost: ").count(), 1);
        assert!(!second.contains(key), "a key is made for each connection");
    }
}

#[test]
fn addresses_ports_and_the_uri_can_be_read() {
    everywhere(|way| {
        let (server, told) = telling(way.tls);
        let mut client = way.client();
        assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), "");
        assert_eq!(client.information(WS_INFORMATION_REMOTE_PORT), 0);
        client.connect(&server.uri_of("/a/../b?c"));
        assert_eq!(client.connect_result(), WS_OK);
        let (_, address) = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!(client.text(WS_INFORMATION_LOCAL_ADDRESS), "127.0.0.1");
        assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), "127.0.0.1");
        let local = client.information(WS_INFORMATION_LOCAL_PORT);
        let remote = client.information(WS_INFORMATION_REMOTE_PORT);
        // Behind a proxy the server sees the proxy's port, and the client's leads to the proxy.
        let is_direct = way.route == Route::Direct;
        assert_eq!(local == u64::from(address.port()), is_direct, "{way:?}");
        assert_eq!(remote == u64::from(server.address.port()), is_direct, "{way:?}");
        let proxy = way.route.proxy();
        assert!(is_direct || proxy.ends_with(&format!(":{remote}")), "{remote} of {proxy}");
        assert_eq!(client.text(WS_INFORMATION_REQUEST_URI), server.uri_of("/b?c"));
        assert_eq!(client.text(WS_INFORMATION_PROTOCOL), "");
        assert_eq!(client.text(WS_INFORMATION_EXTENSIONS), "");
        assert_eq!(client.response_header("Upgrade", 0).unwrap(), "websocket");
    });
}

#[test]
fn the_protocol_that_the_server_chose_can_be_read() {
    everywhere(|way| {
        let server = Server::echo(way.tls);
        let mut client = way.client();
        client.set_text(WS_CONTROL_SUPPORTED_PROTOCOLS, "v2.chat, v1.chat");
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        assert_eq!(client.text(WS_INFORMATION_PROTOCOL), "v2.chat");
        assert_eq!(client.response_header("sec-websocket-protocol", 0).unwrap(), "v2.chat");
    });
}

/// Connects and expects a failure.
fn fails(mode: Mode, uri: &str, result: ws_result, status: i32, phase: ws_error_phase) {
    let mut client = Client::trusting(mode);
    client.connect(uri);
    assert_eq!(client.connect_result(), result, "{uri}");
    let error = client.error();
    assert_eq!((error.web_error_status, error.phase), (status, phase), "{uri}");
    assert_eq!(client.information(WS_INFORMATION_HTTP_STATUS), 0);
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
    // Once more, on the same socket.
    client.connect(uri);
    assert_eq!(client.connect_result(), result, "{uri}");
    assert_eq!(client.free(), []);
}

#[test]
fn a_closed_port_cannot_be_connected_to() {
    let nobody = Nobody::new();
    for mode in MODES {
        for uri in [nobody.uri(), nobody.uri().replace("ws:", "wss:")] {
            let status = WS_WEB_ERROR_STATUS_CANNOT_CONNECT;
            fails(mode, &uri, WS_E_CANNOT_CONNECT, status, WS_ERROR_PHASE_TCP);
        }
    }
    assert_eq!(WS_WEB_ERROR_STATUS_CANNOT_CONNECT, 14);
}

#[test]
fn an_unknown_name_is_not_resolved() {
    for mode in MODES {
        for uri in ["ws://does-not-exist.invalid/", "wss://does-not-exist.invalid:9/"] {
            let status = WS_WEB_ERROR_STATUS_HOST_NAME_NOT_RESOLVED;
            fails(mode, uri, WS_E_NAME_NOT_RESOLVED, status, WS_ERROR_PHASE_NAME);
        }
    }
}

#[test]
fn a_name_is_tried_until_an_address_answers() {
    // Where localhost has ::1 too, nobody listens there.
    for tls in BOTH {
        let server = Server::echo(tls);
        assert_eq!(server.address.ip(), Ipv4Addr::LOCALHOST);
        for mode in MODES {
            let uri = server.uri().replace("127.0.0.1", "localhost");
            let client = Client::connected(mode, &uri);
            assert_eq!(client.send_text("here"), WS_OK);
            assert_eq!(client.next_text(), "here");
            assert_eq!(client.text(WS_INFORMATION_REMOTE_ADDRESS), "127.0.0.1");
        }
    }
}

#[test]
fn connect_wait_gives_the_network_s_answer() {
    let nobody = CString::new(Nobody::new().uri()).unwrap();
    for tls in BOTH {
        let silent = Server::raw(tls, |mut stream| {
            read_out(&mut stream);
        });
        let silent = CString::new(silent.uri()).unwrap();
        let server = Server::echo(tls);
        let server = CString::new(server.uri()).unwrap();
        let client = Client::trusting(Mode::Callback);
        let wait =
            |uri: &CString, timeout_ms| ws_connect_wait(client.socket, uri.as_ptr(), timeout_ms);
        let refused = wait(&nobody, WS_INFINITE);
        assert!([WS_E_CANNOT_CONNECT, WS_E_CONNECTION_RESET].contains(&refused), "{refused:#x}");
        let since = Instant::now();
        assert_eq!(wait(&silent, 200), WS_E_TIMEOUT);
        assert!(since.elapsed() >= Duration::from_millis(200));
        assert!(since.elapsed() < Duration::from_secs(10));
        assert_eq!(wait(&silent, 0), WS_E_TIMEOUT);
        // The cancelled one may need a moment to go.
        assert!(eventually(|| { ws_get_state(client.socket) == WS_STATE_CREATED }));
        assert_eq!(wait(&server, 20_000), WS_OK);
        assert_eq!(wait(&server, 20_000), WS_E_ILLEGAL_METHOD_CALL);
        assert_eq!(client.free(), []);
    }
}
