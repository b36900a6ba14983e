//! SOCKS5 proxies: names looked up here or there, logins, refusals, and answers that are none.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::proxy::{Proxy, behind, tunnel, uri_of};
use crate::support::client::{MODES, Mode};
use crate::support::server::{BOTH, Server, Stream, Tls, finish, read_out};

/// What a proxy says after each message; an empty method means none is acceptable.
#[derive(Clone)]
struct Script {
    method: Vec<u8>,
    login: Vec<u8>,
    reply: Vec<u8>,
    /// Whether it ends its side after a refusal, or hangs.
    ends: bool,
}

const GRANTED: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 0, 80];

fn granting() -> Script {
    Script { method: vec![5, 0], login: vec![1, 0], reply: GRANTED.to_vec(), ends: true }
}

fn take(stream: &mut Stream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let _ = stream.read_exact(&mut bytes);
    bytes
}

/// Tells the greeting, the login as `user:password` and the place that was asked for.
fn socks(script: Script, origin: SocketAddr) -> Proxy {
    Proxy::scripted(Tls::No, move |stream, teller| {
        let head = take(stream, 2);
        let methods = take(stream, usize::from(head[1]));
        let _ = teller.send(format!("{} {methods:?}", head[0]));
        let _ = stream.write_all(&script.method);
        if script.method == [5, 2] {
            let head = take(stream, 2);
            let user = take(stream, usize::from(head[1]));
            let len = take(stream, 1)[0];
            let password = take(stream, usize::from(len));
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let _ = teller.send(format!("{} {}:{}", head[0], text(user), text(password)));
            let _ = stream.write_all(&script.login);
        }
        let is_through = [&[5, 0][..], &[5, 2]].contains(&script.method.as_slice())
            && (script.method[1] == 0 || script.login == [1, 0]);
        if is_through {
            let head = take(stream, 4);
            let place = match head[3] {
                1 => format!("{:?}", <[u8; 4]>::try_from(take(stream, 4)).unwrap()),
                4 => format!("{:?}", <[u8; 16]>::try_from(take(stream, 16)).unwrap()),
                _ => {
                    let len = take(stream, 1)[0];
                    String::from_utf8(take(stream, usize::from(len))).unwrap()
                }
            };
            let port = take(stream, 2);
            let _ = teller.send(format!("{place} {}", u16::from_be_bytes([port[0], port[1]])));
            let _ = stream.write_all(&script.reply);
            if script.reply.starts_with(&[5, 0, 0]) && script.ends {
                return tunnel(stream, origin);
            }
        }
        if script.ends {
            finish(stream);
        }
        read_out(stream);
    })
}

#[test]
fn messages_pass_through_and_names_are_looked_up_where_the_scheme_says() {
    for tls in BOTH {
        let origin = Server::echo(tls);
        let port = origin.address.port();
        for mode in MODES {
            for (scheme, host, place) in [
                ("socks5h", "localhost", "localhost".to_owned()),
                ("socks5h", "127.0.0.1", "[127, 0, 0, 1]".to_owned()),
                ("socks5", "127.0.0.1", "[127, 0, 0, 1]".to_owned()),
                ("socks5h", "[::1]", format!("{:?}", std::net::Ipv6Addr::LOCALHOST.octets())),
                ("socks5", "localhost", format!("{:?}", std::net::Ipv6Addr::LOCALHOST.octets())),
            ] {
                let proxy = socks(granting(), origin.address);
                let mut client = behind(&proxy.uri_as(scheme), mode);
                let begin = if tls == Tls::No { "ws" } else { "wss" };
                client.connect(&format!("{begin}://{host}:{port}/"));
                assert_echoes(client);
                let told = proxy.requests();
                assert_eq!(told, ["5 [0]".to_owned(), format!("{place} {port}")], "{scheme}");
            }
        }
    }
    // A name that only the proxy knows.
    let origin = Server::echo(Tls::No);
    let proxy = socks(granting(), origin.address);
    let mut client = behind(&proxy.uri_as("socks5h"), Mode::Callback);
    client.connect(&uri_of(&origin, Tls::No));
    assert_echoes(client);
    assert!(proxy.requests()[1].starts_with("origin.test "));
}

#[test]
fn a_name_that_we_cannot_look_up_is_not_asked_for() {
    let proxy = socks(granting(), ([127, 0, 0, 1], 9).into());
    let mut client = behind(&proxy.uri_as("socks5"), Mode::Callback);
    client.connect("ws://nowhere.invalid/");
    assert_fails(&client, WS_E_NAME_NOT_RESOLVED, WS_ERROR_PHASE_NAME);
    assert_eq!(proxy.requests().len(), 0);
}

// Bad servers, row 26.
#[test]
fn a_reply_with_any_kind_of_address_opens_the_way() {
    for tls in BOTH {
        let origin = Server::echo(tls);
        let mut name = vec![5, 0, 0, 3, 255];
        name.extend([b'a'; 255]);
        name.extend([0, 80]);
        let mut six = vec![5, 0, 0, 4];
        six.extend([0; 18]);
        for reply in [GRANTED.to_vec(), name, six, vec![5, 0, 0, 3, 0, 0, 0]] {
            let proxy = socks(Script { reply, ..granting() }, origin.address);
            let mut client = behind(&proxy.uri_as("socks5h"), Mode::Callback);
            client.connect(&uri_of(&origin, tls));
            assert_echoes(client);
        }
    }
}

#[test]
fn a_login_is_offered_where_there_is_one_and_sent_where_it_is_wanted() {
    let origin = Server::echo(Tls::Good);
    let wanting = Script { method: vec![5, 2], ..granting() };
    for mode in MODES {
        for (script, expected) in
            [(granting(), &["5 [0, 2]"][..]), (wanting.clone(), &["5 [0, 2]", "1 us\u{e9}r:p@ss"])]
        {
            let proxy = socks(script.clone(), origin.address);
            let mut client = behind(&proxy.uri_as("socks5h"), mode);
            set_credential(&client, WS_CREDENTIAL_PROXY, "us\u{e9}r", "p@ss");
            client.connect(&uri_of(&origin, Tls::Good));
            assert_echoes(client);
            assert_eq!(proxy.requests()[..expected.len()], *expected);

            let uri = proxy.uri_as("socks5h").replace("//", "//us%C3%A9r:p%40ss@");
            let mut client = behind(&uri, mode);
            client.connect(&uri_of(&origin, Tls::Good));
            assert_echoes(client);
            assert_eq!(proxy.requests()[..expected.len()], *expected);
        }
    }
}

// Bad servers, row 26.
#[test]
fn refused_logins_are_those_of_a_proxy() {
    assert_eq!(WS_E_HTTP_STATUS_PROXY_AUTH_REQ.cast_unsigned(), 0x8019_0197);
    let script = |method: [u8; 2], login: [u8; 2]| Script {
        method: method.to_vec(),
        login: login.to_vec(),
        ..granting()
    };
    for (script, password) in [
        (script([5, 2], [1, 1]), Some("wrong")),
        (script([5, 2], [1, 255]), Some("wrong")),
        (script([5, 255], [1, 0]), None),
        (script([5, 255], [1, 0]), Some("of no use")),
    ] {
        for mode in MODES {
            let proxy = socks(script.clone(), ([127, 0, 0, 1], 9).into());
            let mut client = behind(&proxy.uri_as("socks5h"), mode);
            set_credential(&client, WS_CREDENTIAL_SERVER, "for", "the server");
            if let Some(password) = password {
                set_credential(&client, WS_CREDENTIAL_PROXY, "user", password);
            }
            client.connect(if mode == Mode::Next {
                "wss://origin.test/"
            } else {
                "ws://origin.test/"
            });
            assert_fails(&client, WS_E_HTTP_STATUS_PROXY_AUTH_REQ, WS_ERROR_PHASE_PROXY);
            assert!(!proxy.requests().iter().any(|told| told.contains("server")));
        }
    }
}

// Bad servers, row 26.
#[test]
fn every_refusal_is_a_connection_that_cannot_be_made() {
    for reply in (1..=9).chain([255]) {
        let mut texts = Vec::new();
        for (whole, uri) in [
            (vec![5, reply, 0, 1, 0, 0, 0, 0, 0, 0], "ws://origin.test/"),
            (vec![5, reply], "wss://localhost:4433/"),
        ] {
            let script = Script { reply: whole, ..granting() };
            let proxy = socks(script, ([127, 0, 0, 1], 9).into());
            let mut client = behind(&proxy.uri_as("socks5h"), MODES[usize::from(reply) % 4]);
            client.connect(uri);
            assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_PROXY);
            assert_eq!(client.error().http_status, 0);
            texts.push(text_of(&client.error()));
        }
        assert_eq!(texts[0], texts[1], "which refusal it was can be read");
    }
}

// Bad servers, row 26.
#[test]
fn answers_that_are_none_are_a_proxy_that_cannot_be_reached() {
    let method = |bytes: &[u8]| Script { method: bytes.to_vec(), ..granting() };
    let mut early = GRANTED.to_vec();
    early.push(b'H');
    let reply = |bytes: &[u8]| Script { reply: bytes.to_vec(), ends: true, ..granting() };
    let login = |bytes: &[u8]| Script {
        method: vec![5, 2],
        login: bytes.to_vec(),
        reply: Vec::new(),
        ends: true,
    };
    for script in [
        method(b""),
        method(&[5]),
        method(&[4, 0]),
        method(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        method(&[5, 1]),
        method(&[5, 0, 0]),
        login(b""),
        login(&[5, 0]),
        login(&[1]),
        reply(b""),
        reply(&[4, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        reply(&[5, 0]),
        reply(&[5, 0, 1, 9, 0, 0, 0, 0, 0, 0]),
    ] {
        let what = (script.method.clone(), script.login.clone(), script.reply.clone());
        let proxy = socks(script, ([127, 0, 0, 1], 9).into());
        let mut client = behind(&proxy.uri_as("socks5h"), Mode::Callback);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
        set_credential(&client, WS_CREDENTIAL_PROXY, "user", "password");
        client.connect("ws://origin.test/");
        let result = client.connect_result();
        assert_eq!(result, WS_E_PROXY_SERVER_UNREACHABLE, "{result:#x} for {what:?}");
        assert_eq!(client.error().phase, WS_ERROR_PHASE_PROXY, "{what:?}");
    }
    // A reply that is cut, and one with a byte too many, on a connection that stays.
    for (bytes, ends) in [(&GRANTED[..7], true), (&early[..], false)] {
        let bytes = bytes.to_vec();
        let proxy = Proxy::scripted(Tls::No, move |stream, _| {
            take(stream, 3);
            stream.write_all(&[5, 0]).unwrap();
            take(stream, 4 + 1 + "origin.test".len() + 2);
            stream.write_all(&bytes).unwrap();
            if ends {
                finish(stream);
            }
            read_out(stream);
        });
        let mut client = behind(&proxy.uri_as("socks5h"), Mode::Callback);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
        client.connect("ws://origin.test/");
        assert_fails(&client, WS_E_PROXY_SERVER_UNREACHABLE, WS_ERROR_PHASE_PROXY);
    }
}

// Bad servers, row 26.
#[test]
fn a_socks_proxy_that_hangs_at_any_step_is_a_timeout() {
    for script in [
        Script { method: Vec::new(), ends: false, ..granting() },
        Script { method: vec![5], ends: false, ..granting() },
        Script { method: vec![5, 2], login: Vec::new(), ends: false, ..granting() },
        Script { reply: Vec::new(), ends: false, ..granting() },
        Script { reply: vec![5, 0, 0, 1, 127], ends: false, ..granting() },
    ] {
        let proxy = socks(script, ([127, 0, 0, 1], 9).into());
        let mut client = behind(&proxy.uri_as("socks5h"), Mode::Callback);
        set_credential(&client, WS_CREDENTIAL_PROXY, "user", "password");
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 300);
        let since = Instant::now();
        client.connect("ws://origin.test/");
        assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_PROXY);
        let took = since.elapsed();
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
    }
}
