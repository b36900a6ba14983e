//! Redirects: what is followed and what is not, how often, and what travels along.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::*;
use crate::site::{Reply, all, challenge, header, path, redirect, site};
use crate::support::DEADLINE;
use crate::support::client::{MODES, Mode};
use crate::support::route::{ROUTES, Route, Way, ways_to};
use crate::support::server::{BOTH, Nobody, Server, Tls};

const STRAIGHT: Way = Way { mode: Mode::Callback, tls: Tls::No, route: Route::Direct };
const STATUSES: [u32; 5] = [301, 302, 303, 307, 308];

fn client_that_follows(redirects: u64, way: Way) -> Client {
    let client = way.client();
    client.set(WS_CONTROL_MAX_REDIRECTS, redirects);
    client
}

// Bad servers, row 12.
#[test]
fn a_redirect_is_its_status_unless_it_may_be_followed() {
    for tls in BOTH {
        let (server, told) =
            site(tls, |request| redirect(path(request)[1..].parse().unwrap(), "/elsewhere"));
        for way in ways_to(tls) {
            for (status, allowed) in
                STATUSES.map(|status| (status, 0)).into_iter().chain([(300, 5), (304, 5), (305, 5)])
            {
                let mut client = client_that_follows(allowed, way);
                client.connect(&server.uri_of(&format!("/{status}")));
                assert_fails(&client, http_status(status), WS_ERROR_PHASE_HTTP);
                assert_eq!(client.error().http_status, status);
                assert_eq!(client.response_header("location", 0).unwrap(), "/elsewhere");
                assert_eq!(all(&told).len(), 1, "{status}");
                assert_eq!(client.free(), []);
            }
        }
    }
}

// Bad servers, rows 21 and 22.
#[test]
fn every_kind_of_location_is_followed() {
    for tls in BOTH {
        let (other, _) = site(tls, |_| Reply::Echo);
        let elsewhere = other.address.port();
        let (web, socket) = if tls == Tls::No { ("http", "ws") } else { ("https", "wss") };
        for (location, expected) in [
            ("/there", "here/there"),
            ("there", "here/a/there"),
            ("?q=1", "here/a/b?q=1"),
            ("//127.0.0.1:{here}/there", "here/there"),
            ("//127.0.0.1:{there}/x", "there/x"),
            ("{web}://127.0.0.1:{here}/there", "here/there"),
            ("{socket}://127.0.0.1:{there}/y?z", "there/y?z"),
            ("{WEB}://127.0.0.1:{there}", "there/"),
        ] {
            let mode = MODES[location.len() % 4];
            let ways = ROUTES.map(|route| Way { mode, tls, route });
            for (status, way) in
                STATUSES.into_iter().flat_map(|status| ways.map(|way| (status, way)))
            {
                let pattern = location.to_owned();
                let (server, told) = site(tls, move |request| {
                    if path(request) != "/a/b?x=1" {
                        return Reply::Echo;
                    }
                    let (_, here) = header(request, "Host").unwrap().rsplit_once(':').unwrap();
                    let location = pattern
                        .replace("{here}", here)
                        .replace("{there}", &elsewhere.to_string())
                        .replace("{web}", web)
                        .replace("{WEB}", &web.to_uppercase())
                        .replace("{socket}", socket);
                    redirect(status, &location)
                });
                let mut client = client_that_follows(1, way);
                client.connect(&server.uri_of("/a/b?x=1"));
                assert_eq!(client.connect_result(), WS_OK, "{location}, {way:?}");
                let here = format!("{socket}://127.0.0.1:{}", server.address.port());
                let there = format!("{socket}://127.0.0.1:{elsewhere}");
                let uri = match expected.strip_prefix("here") {
                    Some(rest) => here + rest,
                    None => there + expected.strip_prefix("there").unwrap(),
                };
                assert_eq!(client.text(WS_INFORMATION_REQUEST_URI), uri);
                assert_eq!(client.information(WS_INFORMATION_HTTP_STATUS), 101);
                assert_eq!(path(&told.recv_timeout(DEADLINE).unwrap()), "/a/b?x=1");
                client.begin_pulling();
                assert_eq!(client.send_text("arrived"), WS_OK);
                assert_eq!(client.next_text(), "arrived");
            }
        }
    }
}

// Bad servers, row 22.
#[test]
fn from_ws_to_wss_is_followed_and_back_is_refused() {
    let (plain, _) = site(Tls::No, |_| Reply::Echo);
    let (secure, _) = site(Tls::Good, |_| Reply::Echo);
    for (from, to, result) in [
        (Tls::No, secure.uri(), WS_OK),
        (Tls::No, secure.uri().replace("wss:", "https:"), WS_OK),
        (Tls::Good, plain.uri(), WS_E_HTTPS_TO_HTTP_ON_REDIR),
        (Tls::Good, plain.uri().replace("ws:", "http:"), WS_E_HTTPS_TO_HTTP_ON_REDIR),
    ] {
        let (server, _) = site(from, move |_| redirect(301, &to));
        for way in ways_to(from) {
            let mut client = client_that_follows(5, way);
            client.connect(&server.uri());
            if result == WS_OK {
                assert_talks(client);
                continue;
            }
            assert_eq!(result.cast_unsigned(), 0x8007_2F08);
            assert_fails(&client, result, WS_ERROR_PHASE_HTTP);
            assert_eq!(client.error().web_error_status, 13, "HTTPS_TO_HTTP_ON_REDIRECTION");
            assert!(client.response_header("Location", 0).is_ok());
        }
    }
}

// Bad servers, row 23.
#[test]
fn as_many_hops_as_allowed_and_none_more() {
    for tls in BOTH {
        let (server, told) = site(tls, |request| match path(request)[1..].parse().unwrap() {
            0 => Reply::Echo,
            left => redirect(302, &format!("/{}", left - 1)),
        });
        for way in ways_to(tls) {
            for allowed in [1, 3] {
                let mut client = client_that_follows(allowed, way);
                client.connect(&server.uri_of(&format!("/{allowed}")));
                assert_talks(client);
                assert_eq!(all(&told).len() as u64, allowed + 1);

                let mut client = client_that_follows(allowed, way);
                client.connect(&server.uri_of(&format!("/{}", allowed + 1)));
                assert_fails(&client, WS_E_REDIRECT_FAILED, WS_ERROR_PHASE_HTTP);
                assert_eq!(client.error().web_error_status, 17, "REDIRECT_FAILED");
                assert_eq!(all(&told).len() as u64, allowed + 1);
            }
        }
    }
}

// Bad servers, row 23.
#[test]
fn a_loop_is_noticed_when_it_closes() {
    for tls in BOTH {
        let (server, told) = site(tls, |request| match path(request) {
            "/self" => redirect(302, "/self"),
            "/one" => redirect(307, "/two"),
            _ => redirect(308, "/one"),
        });
        for (start, requests) in [("/self", 1), ("/one", 2)] {
            for way in ways_to(tls) {
                let mut client = client_that_follows(20, way);
                client.connect(&server.uri_of(start));
                assert_fails(&client, WS_E_REDIRECT_FAILED, WS_ERROR_PHASE_HTTP);
                assert_eq!(all(&told).len(), requests, "{start}");
            }
        }
    }
}

// Bad servers, row 23.
#[test]
fn a_location_that_leads_nowhere_fails() {
    assert_eq!(WS_E_REDIRECT_FAILED.cast_unsigned(), 0x8007_2F7C);
    let head = |lines: &str| format!("HTTP/1.1 302 Found\r\n{lines}Content-Length: 0\r\n\r\n");
    let mut answers = vec![
        head(""),
        head("Location:\r\n"),
        head("Location: /a\r\nLocation: /b\r\n"),
        head(&format!("Location: /{}\r\n", "a".repeat(8175))),
    ];
    for location in [
        "ws://",
        "http://:80/",
        "ws://user:password@127.0.0.1/",
        "ws://127.0.0.1/#fragment",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://127.0.0.1/",
        "ws://127.0.0.1:99999/",
        "ws://a b/",
        "//",
    ] {
        answers.push(head(&format!("Location: {location}\r\n")));
    }
    let answers = Arc::new(answers);
    for tls in BOTH {
        let script = Arc::clone(&answers);
        let (server, told) = site(tls, move |request| {
            Reply::Text(script[path(request)[1..].parse::<usize>().unwrap()].clone())
        });
        for ((number, answer), way) in answers
            .iter()
            .enumerate()
            .flat_map(|row| ways_to(tls).into_iter().map(move |way| (row, way)))
        {
            let mut client = client_that_follows(5, way);
            client.connect(&server.uri_of(&format!("/{number}")));
            let result = client.connect_result();
            assert_eq!(
                result,
                WS_E_REDIRECT_FAILED,
                "{result:#x}: {}",
                &answer[..60.min(answer.len())]
            );
            assert_eq!(client.error().phase, WS_ERROR_PHASE_HTTP);
            assert_eq!(all(&told).len(), 1);
        }
    }
}

// Bad servers, row 23.
#[test]
fn a_location_longer_than_a_header_may_be_is_no_answer() {
    for tls in BOTH {
        for len in [8200, 60 * 1024, 100 * 1024] {
            let (server, told) = site(tls, move |_| redirect(302, &"/a".repeat(len / 2)));
            for way in ways_to(tls) {
                let mut client = client_that_follows(5, way);
                client.connect(&server.uri());
                assert_fails(&client, WS_E_INVALID_SERVER_RESPONSE, WS_ERROR_PHASE_HTTP);
                assert_eq!(all(&told).len(), 1);
            }
        }
    }
}

/// What must not be seen by another than it was meant for.
const CANARIES: [(&str, &str); 5] = [
    ("Authorization", "Bearer canary-authorization"),
    ("Cookie", "session=canary-cookie"),
    ("X-Caller", "canary-header"),
    ("User-Agent", "canary-agent"),
    ("Origin", "https://canary-origin.test"),
];

fn burdened(way: Way) -> Client {
    let client = client_that_follows(5, way);
    for (name, value) in CANARIES {
        client.set_header(name, value);
    }
    set_credential(&client, WS_CREDENTIAL_SERVER, "canary-user", "canary-password");
    client
}

// Bad servers, row 21.
#[test]
fn nothing_of_the_caller_travels_to_another_origin() {
    for tls in BOTH {
        // Asks for a credential in vain.
        let (other, heard) = site(tls, |_| challenge(&["Basic realm=\"give it to me\""]));
        let there = other.uri();
        let (server, told) = site(tls, move |_| redirect(302, &there));
        for way in ways_to(tls) {
            let mut client = burdened(way);
            client.set_header("Host", "canary-host.test");
            client.connect(&server.uri());
            assert_fails(&client, http_status(401), WS_ERROR_PHASE_HTTP);
            let first = told.recv_timeout(DEADLINE).unwrap();
            assert!(CANARIES.iter().all(|(_, value)| first.contains(value)), "{first}");
            let requests = all(&heard);
            assert_eq!(requests.len(), 1);
            assert!(!requests[0].contains("canary"), "{}", requests[0]);
            let user = data_encoding::BASE64.encode(b"canary-user:canary-password");
            assert!(!requests[0].contains(&user));
            assert_eq!(
                header(&requests[0], "Host").unwrap(),
                format!("127.0.0.1:{}", other.address.port())
            );
        }
    }
}

#[test]
fn what_was_left_behind_does_not_come_back() {
    for tls in BOTH {
        // From here to there and back again.
        let (home_address, home_uri) = channel::<String>();
        let home_uri = std::sync::Mutex::new(home_uri);
        let (other, _) =
            site(tls, move |_| redirect(302, &(home_uri.lock().unwrap().recv().unwrap() + "back")));
        let there = other.uri();
        let (home, told) = site(tls, move |request| match path(request) {
            "/back" => Reply::Echo,
            _ => redirect(302, &there),
        });
        for way in ways_to(tls) {
            home_address.send(home.uri()).unwrap();
            let mut client = burdened(way);
            client.connect(&home.uri());
            assert_talks(client);
            let requests = all(&told);
            assert_eq!(requests.len(), 2);
            assert!(requests[0].contains("canary") && !requests[1].contains("canary"));
        }
    }
}

#[test]
fn to_the_same_origin_everything_travels() {
    for tls in BOTH {
        let (server, told) = site(tls, |request| match path(request) {
            "/end" => Reply::Echo,
            _ => redirect(303, "/end"),
        });
        for way in ways_to(tls) {
            let mut client = burdened(way);
            client.set_text(WS_CONTROL_SUPPORTED_PROTOCOLS, "chat");
            client.connect(&server.uri());
            // The site chooses none of the subprotocols, which is its right.
            assert_eq!(client.connect_result(), WS_OK);
            let requests = all(&told);
            assert_eq!(requests.len(), 2);
            for (name, value) in CANARIES {
                assert_eq!(header(&requests[1], name), Some(value));
            }
            assert_eq!(header(&requests[1], "Sec-WebSocket-Protocol"), Some("chat"));
            let keys: Vec<_> =
                requests.iter().map(|request| header(request, "Sec-WebSocket-Key")).collect();
            assert_ne!(keys[0], keys[1], "every request has a key of its own");
        }
    }
}

#[test]
fn the_total_timeout_spans_all_redirects() {
    for tls in BOTH {
        let (silence, clock) = channel::<()>();
        let clock = std::sync::Mutex::new(clock);
        let (server, told) = site(tls, move |request| {
            let _ = clock.lock().unwrap().recv_timeout(Duration::from_millis(60));
            let number: u32 = path(request)[1..].parse().unwrap();
            redirect(302, &format!("/{}", number + 1))
        });
        for route in ROUTES {
            let mut client = client_that_follows(20, Way { mode: Mode::Callback, tls, route });
            client.set(WS_CONTROL_TOTAL_CONNECT_TIMEOUT_MS, 500);
            client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 20_000);
            let since = Instant::now();
            client.connect(&server.uri_of("/0"));
            assert_eq!(client.connect_result(), WS_E_TIMEOUT);
            let took = since.elapsed();
            assert!(
                took >= Duration::from_millis(500) && took < Duration::from_secs(10),
                "{took:?}"
            );
            assert!(all(&told).len() > 1, "it was on its way");
        }
        drop(silence);
    }
}

#[test]
fn a_redirect_without_a_length_is_followed_at_once() {
    for tls in BOTH {
        let (server, told) = site(tls, |request| match path(request) {
            "/" => Reply::Open("HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\nthere".to_owned()),
            _ => Reply::Echo,
        });
        for way in ways_to(tls) {
            let mut client = client_that_follows(1, way);
            client.connect(&server.uri_of("/"));
            assert_talks(client);
            assert_eq!(all(&told).len(), 2);
        }
    }
}

#[test]
fn a_redirect_to_where_nobody_listens_fails_there() {
    let nobody = Nobody::new();
    let there = nobody.uri();
    let (server, _) = site(Tls::No, move |_| redirect(302, &there));
    let mut client = client_that_follows(1, STRAIGHT);
    client.connect(&server.uri());
    assert_fails(&client, WS_E_CANNOT_CONNECT, WS_ERROR_PHASE_TCP);
    assert_eq!(client.text(WS_INFORMATION_REQUEST_URI), nobody.uri());
    // A failed connect may be followed by another, with the headers that were set.
    let echo = Server::echo(Tls::No);
    client.connect(&echo.uri());
    assert_talks(client);
}

#[test]
fn after_a_failed_redirect_a_new_connect_has_all_that_was_set() {
    let (other, _) = site(Tls::No, |_| Reply::Text("HTTP/1.1 404 No\r\n\r\n".to_owned()));
    let there = other.uri();
    let (server, told) = site(Tls::No, move |request| match path(request) {
        "/good" => Reply::Echo,
        _ => redirect(302, &there),
    });
    for way in ways_to(Tls::No) {
        let mut client = burdened(way);
        client.connect(&server.uri());
        assert_fails(&client, http_status(404), WS_ERROR_PHASE_HTTP);
        let _ = all(&told);
        client.connect(&server.uri_of("/good"));
        assert_eq!(client.connect_result(), WS_OK);
        let request = told.recv_timeout(DEADLINE).unwrap();
        assert!(CANARIES.iter().all(|(name, value)| header(&request, name) == Some(value)));
    }
}
