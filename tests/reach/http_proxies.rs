//! HTTP proxies, plain and inside TLS: the way through them, their challenges, their refusals, and
//! answers that are none.

use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::*;
use crate::digest::{Hash, is_right};
use crate::proxy::{OPEN, Proxy, behind, tunnel, uri_of};
use crate::site::{Reply, challenge, header, path, redirect, site};
use crate::support::client::{MODES, Mode};
use crate::support::server::{BOTH, Nobody, Server, Tls, read_out, read_request};

#[test]
fn messages_pass_through_every_kind_of_proxy() {
    for origin_tls in BOTH {
        let origin = Server::echo(origin_tls);
        for proxy_tls in BOTH {
            let proxy = Proxy::open(proxy_tls, origin.address);
            for mode in MODES {
                let mut client = behind(&proxy.uri(), mode);
                client.connect(&uri_of(&origin, origin_tls));
                assert_echoes(client);
                assert_eq!(proxy.requests().len(), 1, "CONNECT for ws too");
            }
        }
    }
}

// Bad servers, row 27.
#[test]
fn the_proxy_sees_nothing_that_is_the_origins_and_the_origin_nothing_of_the_proxys() {
    for tls in BOTH {
        let (origin, told) = site(tls, |_| Reply::Echo);
        let proxy = Proxy::answering(
            Tls::No,
            |request| match header(request, "Proxy-Authorization") {
                Some(_) => OPEN.to_owned(),
                None => challenged("Basic realm=\"proxy\"", "Connection: close\r\n"),
            },
            origin.address,
        );
        let mut client = behind(&proxy.uri(), Mode::Callback);
        set_credential(&client, WS_CREDENTIAL_PROXY, "proxy-user", "proxy-password");
        set_credential(&client, WS_CREDENTIAL_SERVER, "canary", "canary");
        for (name, value) in
            [("Authorization", "Bearer canary"), ("Cookie", "canary=1"), ("X-Own", "canary")]
        {
            client.set_header(name, value);
        }
        let uri = uri_of(&origin, tls);
        client.connect(&format!("{uri}canary?canary"));
        assert_echoes(client);
        let place = uri.split('/').nth(2).unwrap();
        let requests = proxy.requests();
        assert_eq!(requests.len(), 2);
        for request in &requests {
            assert!(request.starts_with(&format!("CONNECT {place} HTTP/1.1\r\n")), "{request}");
            assert_eq!(header(request, "Host"), Some(place));
            assert!(!request.contains("canary") && !request.contains("Sec-"), "{request}");
            assert!(!request.contains("\r\nAuthorization"));
        }
        let login = data_encoding::BASE64.encode(b"proxy-user:proxy-password");
        let expected = format!("Basic {login}");
        assert_eq!(header(&requests[0], "Proxy-Authorization"), None, "not before it is asked");
        assert_eq!(header(&requests[1], "Proxy-Authorization"), Some(expected.as_str()));
        let request = told.recv().unwrap();
        assert!(!request.contains("Proxy-") && !request.contains(&login), "{request}");
        assert_eq!(header(&request, "Host"), Some(place));
        assert_eq!(header(&request, "Authorization"), Some("Bearer canary"));
    }
}

// Bad servers, row 27.
#[test]
fn each_credential_answers_its_own_side_alone() {
    let login = |who: &str| {
        format!("Basic {}", data_encoding::BASE64.encode(format!("{who}:{who}").as_bytes()))
    };
    let (ours, proxys) = (login("origin"), login("proxy"));
    let armed = |proxy: &Proxy| {
        let client = behind(&proxy.uri(), Mode::Callback);
        set_credential(&client, WS_CREDENTIAL_SERVER, "origin", "origin");
        set_credential(&client, WS_CREDENTIAL_PROXY, "proxy", "proxy");
        client
    };
    for (tls, proxy_tls) in BOTH.into_iter().flat_map(|tls| BOTH.map(|proxy| (tls, proxy))) {
        let expected = ours.clone();
        let (origin, told) = site(tls, move |request| {
            match (path(request), header(request, "Authorization")) {
                // What a proxy says is not for an origin to say.
                ("/impostor", _) => Reply::Text(challenged("Basic realm=\"p\"", "")),
                (_, Some(answer)) if answer == expected => Reply::Echo,
                _ => challenge(&["Basic realm=\"o\""]),
            }
        });
        let expected = proxys.clone();
        let answer = move |request: &str| match header(request, "Proxy-Authorization") {
            Some(answer) if answer == expected => OPEN.to_owned(),
            _ => challenged("Basic realm=\"p\"", "Connection: close\r\n"),
        };
        let proxy = Proxy::answering(proxy_tls, answer, origin.address);
        let uri = uri_of(&origin, tls);
        let mut client = armed(&proxy);
        client.connect(&uri);
        assert_talks(client);
        let mut client = armed(&proxy);
        client.connect(&format!("{uri}impostor"));
        assert_fails(&client, WS_E_HTTP_STATUS_PROXY_AUTH_REQ, WS_ERROR_PHASE_HTTP);

        // And the other way round.
        let answer = |_: &str| {
            let Reply::Text(answer) = challenge(&["Basic realm=\"o\""]) else { unreachable!() };
            answer
        };
        let impostor = Proxy::answering(proxy_tls, answer, origin.address);
        let mut client = armed(&impostor);
        client.connect(&uri);
        assert_fails(&client, http_status(401), WS_ERROR_PHASE_PROXY);

        let at_origin: Vec<String> = told.try_iter().collect();
        assert_eq!(at_origin.len(), 3, "asked, answered, and the impostor once");
        assert!(at_origin.iter().all(|request| !request.contains("Proxy-")));
        assert!(at_origin.iter().all(|request| !request.contains(&proxys)));
        let at_proxies = [proxy.requests(), impostor.requests()].concat();
        assert!(at_proxies.iter().all(|request| !request.contains("\r\nAuthorization:")));
        assert!(at_proxies.iter().all(|request| !request.contains(&ours)));
        assert_eq!(at_proxies.last().and_then(|last| header(last, "Proxy-Authorization")), None);
    }
}

/// For proxies that lead nowhere.
const URIS: [&str; 2] = ["ws://origin.test/", "wss://localhost:4433/"];

/// 407 with a body of five bytes.
fn challenged(challenge: &str, lines: &str) -> String {
    format!(
        "HTTP/1.1 407 Who Asks\r\nProxy-Authenticate: {challenge}\r\n{lines}\
         Content-Length: 5\r\n\r\nlogin"
    )
}

const CHALLENGES: [&str; 3] = [
    "Basic realm=\"p\"",
    "Digest realm=\"p\", nonce=\"n\", qop=\"auth\"",
    "Digest realm=\"p\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256",
];

fn knows(request: &str, challenge: &str) -> bool {
    let (name, user, password) = ("Proxy-Authorization", "user", "p@ss:word");
    let login = data_encoding::BASE64.encode(b"user:p@ss:word");
    match challenge {
        basic if basic == CHALLENGES[0] => {
            header(request, name) == Some(format!("Basic {login}").as_str())
        }
        md5 if md5 == CHALLENGES[1] => is_right(request, name, Hash::Md5, (user, password, "n")),
        _ => is_right(request, name, Hash::Sha256, (user, password, "n")),
    }
}

// Bad servers, row 25.
#[test]
fn a_proxys_challenge_is_answered_on_the_same_connection_or_on_a_new_one() {
    for tls in BOTH {
        let origin = Server::echo(Tls::Good);
        for challenge in CHALLENGES {
            for lines in ["Connection: keep-alive\r\n", "Connection: close\r\n"] {
                let answer = move |request: &str| match knows(request, challenge) {
                    true => OPEN.to_owned(),
                    false => challenged(challenge, lines),
                };
                let proxy = Proxy::answering(tls, answer, origin.address);
                for mode in MODES {
                    let mut client = behind(&proxy.uri(), mode);
                    set_credential(&client, WS_CREDENTIAL_PROXY, "user", "p@ss:word");
                    client.connect(&uri_of(&origin, Tls::Good));
                    assert_talks(client);
                    assert_eq!(proxy.requests().len(), 2);
                }
                // The credential in the proxy's name serves where the application set none.
                for (login, set) in
                    [("user:p%40ss%3Aword@", None), ("some:body@", Some(("user", "p@ss:word")))]
                {
                    let uri = proxy.uri().replace("//", &format!("//{login}"));
                    let mut client = behind(&uri, Mode::Callback);
                    if let Some((user, password)) = set {
                        set_credential(&client, WS_CREDENTIAL_PROXY, user, password);
                    }
                    client.connect(&uri_of(&origin, Tls::Good));
                    assert_talks(client);
                }
            }
        }
    }
}

// Bad servers, row 25.
#[test]
fn a_proxy_that_is_never_content_is_asked_twice_and_a_stranger_asks_once() {
    for challenge in CHALLENGES {
        for lines in ["Connection: keep-alive\r\n", "Connection: close\r\n"] {
            for tls in BOTH {
                let origin = Server::echo(tls);
                let answer = move |_: &str| challenged(challenge, lines);
                let proxy = Proxy::answering(tls, answer, origin.address);
                for (password, requests) in [(Some("wrong"), 2), (None, 1)] {
                    let mut client = behind(&proxy.uri(), Mode::Callback);
                    set_credential(&client, WS_CREDENTIAL_SERVER, "not", "for the proxy");
                    if let Some(password) = password {
                        set_credential(&client, WS_CREDENTIAL_PROXY, "user", password);
                    }
                    client.connect(&uri_of(&origin, tls));
                    assert_fails(&client, WS_E_HTTP_STATUS_PROXY_AUTH_REQ, WS_ERROR_PHASE_PROXY);
                    assert_eq!(client.error().http_status, 407);
                    assert_eq!(client.response_header("Proxy-Authenticate", 0).unwrap(), challenge);
                    assert_eq!(proxy.requests().len(), requests, "{challenge} {lines}");
                }
            }
        }
    }
}

// Bad servers, row 25.
#[test]
fn a_refusal_of_the_proxy_is_its_status() {
    for status in [302, 400, 401, 403, 404, 500, 502, 503, 504] {
        for mode in MODES {
            // A redirect of a proxy is followed by nobody.
            let answer = format!(
                "HTTP/1.1 {status} No\r\nX-Why: policy\r\nLocation: ws://127.0.0.1/\r\n\
                 Content-Length: 6\r\n\r\ndenied"
            );
            let proxy = Proxy::saying(answer, true);
            for uri in URIS {
                let mut client = behind(&proxy.uri(), mode);
                client.set(WS_CONTROL_MAX_REDIRECTS, 5);
                client.connect(uri);
                assert_fails(&client, http_status(status), WS_ERROR_PHASE_PROXY);
                assert_eq!(client.error().http_status, status);
                assert_eq!(u64::from(status), client.information(WS_INFORMATION_HTTP_STATUS));
                assert_eq!(client.response_header("x-why", 0).unwrap(), "policy");
                assert_eq!(proxy.requests().len(), 1);
            }
        }
    }
}

#[test]
fn a_refusal_whose_body_hangs_is_a_refusal() {
    let proxy = Proxy::saying("HTTP/1.1 403 No\r\nContent-Length: 600\r\n\r\nbegun", false);
    for uri in URIS {
        let mut client = behind(&proxy.uri(), Mode::Callback);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 300);
        client.connect(uri);
        assert_fails(&client, http_status(403), WS_ERROR_PHASE_PROXY);
    }
}

// Bad servers, row 25.
#[test]
fn headers_of_a_body_mean_nothing_in_an_answer_that_opens_the_way() {
    for tls in BOTH {
        let origin = Server::echo(tls);
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 204 Fine\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n",
            "HTTP/1.0 200 OK\r\nProxy-Agent: old\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ] {
            let address = origin.address;
            let proxy = Proxy::scripted(Tls::No, move |stream, _| {
                read_request(stream);
                stream.write_all(answer.as_bytes()).unwrap();
                tunnel(stream, address);
            });
            for mode in MODES {
                let mut client = behind(&proxy.uri(), mode);
                client.connect(&uri_of(&origin, tls));
                assert_talks(client);
            }
        }
    }
}

// Bad servers, row 25.
#[test]
fn answers_that_are_none_fail_in_the_phase_of_the_proxy() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X-More: of the same\r\n".repeat(100_000));
    let rows: [(&[u8], bool, ws_result); 11] = [
        (b"", true, WS_E_CONNECTION_ABORTED),
        (b"HTTP/1.1 20", true, WS_E_INVALID_SERVER_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", true, WS_E_INVALID_SERVER_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", false, WS_E_INVALID_HEADER),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", false, WS_E_INVALID_SERVER_RESPONSE),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", false, WS_E_INVALID_SERVER_RESPONSE),
        (&[5, 0], true, WS_E_INVALID_SERVER_RESPONSE),
        (&[21, 3, 3, 0, 2, 2, 40], true, WS_E_INVALID_SERVER_RESPONSE),
        (b"HTTP/1.1 200 OK\r\n\r\nearly", false, WS_E_INVALID_SERVER_RESPONSE),
        (endless.as_bytes(), false, WS_E_INVALID_SERVER_RESPONSE),
        (&[b'a'; 100_000], false, WS_E_INVALID_SERVER_RESPONSE),
    ];
    for (answer, ends, result) in rows {
        for uri in URIS {
            for mode in MODES {
                let proxy = Proxy::saying(answer, ends);
                let mut client = behind(&proxy.uri(), mode);
                client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
                client.connect(uri);
                let begin = String::from_utf8_lossy(&answer[..answer.len().min(30)]).into_owned();
                let completed = client.connect_result();
                assert_eq!(completed, result, "{completed:#x} for {begin:?}");
                assert_eq!(client.error().phase, WS_ERROR_PHASE_PROXY, "{begin:?}");
                assert_eq!(client.free(), []);
            }
        }
    }
}

// Bad servers, row 25.
#[test]
fn a_proxy_that_hangs_or_drips_is_a_timeout() {
    for drips in [false, true] {
        for tls in BOTH {
            let (silence, clock) = channel::<()>();
            let clock = Mutex::new(clock);
            let proxy = Proxy::scripted(tls, move |stream, _| {
                read_request(stream);
                for byte in OPEN.bytes().take(if drips { 20 } else { 0 }).cycle().take(10_000) {
                    let _ = clock.lock().unwrap().recv_timeout(Duration::from_millis(40));
                    if stream.write_all(&[byte]).and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                }
                read_out(stream);
            });
            for (control, uri) in
                [WS_CONTROL_CONNECT_TIMEOUT_MS, WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS]
                    .into_iter()
                    .zip(URIS)
            {
                let mut client = behind(&proxy.uri(), Mode::Callback);
                client.set(control, 400);
                let since = Instant::now();
                client.connect(uri);
                assert_fails(&client, WS_E_TIMEOUT, WS_ERROR_PHASE_PROXY);
                let took = since.elapsed();
                assert!(took >= Duration::from_millis(400), "{took:?}");
                assert!(took < Duration::from_secs(10), "{took:?}");
            }
            drop(silence);
        }
    }
}

#[test]
fn a_proxy_whose_tls_breaks_or_hangs_fails_in_its_own_phase() {
    let broken = Proxy::scripted(Tls::Good, |stream, _| {
        read_request(stream);
        let mut record = vec![23, 3, 3, 0, 40];
        record.extend([0x5a; 40]);
        stream.tcp().write_all(&record).unwrap();
        let _ = read_out(stream);
    });
    let plain = Proxy::scripted(Tls::No, |stream, _| {
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").unwrap();
        read_out(stream);
    });
    let silent = Proxy::scripted(Tls::No, |stream, _| {
        read_out(stream);
    });
    for (proxy, result) in [
        (broken.uri(), WS_E_SECURITY_CHANNEL_ERROR),
        (plain.uri_as("https"), WS_E_SECURITY_CHANNEL_ERROR),
        (silent.uri_as("https"), WS_E_TIMEOUT),
    ] {
        for uri in URIS {
            let mut client = behind(&proxy, Mode::Callback);
            let limit = if result == WS_E_TIMEOUT { 300 } else { 20_000 };
            client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, limit);
            client.connect(uri);
            assert_fails(&client, result, WS_ERROR_PHASE_PROXY);
        }
    }
}

// Bad servers, row 63.
#[test]
fn nobody_at_the_proxys_port_is_a_proxy_that_cannot_be_reached() {
    let nobody = Nobody::new();
    for scheme in ["http:", "https:", "socks5:", "socks5h:"] {
        for mode in MODES {
            for uri in ["ws://127.0.0.1:9/", "wss://localhost:9/"] {
                let mut client = behind(&nobody.uri().replace("ws:", scheme), mode);
                client.connect(uri);
                assert_fails(&client, WS_E_PROXY_SERVER_UNREACHABLE, WS_ERROR_PHASE_PROXY);
            }
        }
    }
    assert_eq!(WS_E_PROXY_SERVER_UNREACHABLE.cast_unsigned(), 0x8007_2F85);
    // A name that nobody knows, and an address that no connection leads to, whatever the network.
    for place in ["nowhere.invalid:3128", "255.255.255.255:9"] {
        for scheme in ["http:", "https:", "socks5:", "socks5h:"] {
            for uri in URIS {
                let mut client = behind(&format!("{scheme}//{place}"), Mode::Callback);
                client.connect(&uri.replace("origin.test", "127.0.0.1"));
                assert_fails(&client, WS_E_PROXY_SERVER_UNREACHABLE, WS_ERROR_PHASE_PROXY);
            }
        }
    }
}

// Bad servers, rows 28 to 30.
#[test]
fn a_proxys_certificate_is_checked_before_anything_is_said() {
    let origin = Server::echo(Tls::Good);
    for (tls, result) in [
        (Tls::WrongName, WS_E_SEC_CERT_CN_INVALID),
        (Tls::NotYetValid, WS_E_SEC_CERT_DATE_INVALID),
        (Tls::Expired, WS_E_SEC_CERT_DATE_INVALID),
        (Tls::Untrusted, WS_E_CERT_UNTRUSTEDROOT),
    ] {
        let proxy = Proxy::open(tls, origin.address);
        for origin_tls in BOTH {
            let mut client = behind(&proxy.uri(), Mode::Callback);
            client.connect(&uri_of(&origin, origin_tls));
            assert_fails(&client, result, WS_ERROR_PHASE_PROXY);
            assert_eq!(proxy.requests().len(), 0, "nothing was said to it");
        }
    }
}

#[test]
fn the_origins_certificate_is_checked_through_a_proxy() {
    for proxy_tls in BOTH {
        for (tls, result) in [
            (Tls::WrongName, WS_E_SEC_CERT_CN_INVALID),
            (Tls::NotYetValid, WS_E_SEC_CERT_DATE_INVALID),
            (Tls::Expired, WS_E_SEC_CERT_DATE_INVALID),
            (Tls::Untrusted, WS_E_CERT_UNTRUSTEDROOT),
        ] {
            let origin = Server::echo(tls);
            let proxy = Proxy::open(proxy_tls, origin.address);
            let mut client = behind(&proxy.uri(), Mode::Callback);
            client.connect(&uri_of(&origin, tls));
            assert_fails(&client, result, WS_ERROR_PHASE_TLS);
            assert_ne!(client.error().certificate_errors, 0);
        }
    }
}

#[test]
fn behind_a_proxy_redirects_and_challenges_of_the_server_ask_for_new_tunnels() {
    let login = format!("Basic {}", data_encoding::BASE64.encode(b"user:pass"));
    let (origin, told) =
        site(Tls::No, move |request| match (path(request), header(request, "Authorization")) {
            ("/old", _) => redirect(302, "http://origin.test/new"),
            ("/new", Some(answer)) if answer == login => Reply::Echo,
            _ => challenge(&["Basic realm=\"r\""]),
        });
    let proxy = Proxy::open(Tls::No, origin.address);
    let mut client = behind(&proxy.uri(), Mode::Callback);
    client.set(WS_CONTROL_MAX_REDIRECTS, 1);
    set_credential(&client, WS_CREDENTIAL_SERVER, "user", "pass");
    client.connect("ws://origin.test/old");
    assert_echoes(client);
    assert_eq!(told.try_iter().count(), 3);
    let requests = proxy.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.starts_with("CONNECT origin.test:80 ")));
}
