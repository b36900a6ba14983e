//! Conversations with scripted HTTP proxies. Each answer is fed whole, byte by byte, and split at
//! every position; all must end alike.

use super::*;

const CNONCE: [u8; 16] = *b"0123456789abcdef";
const BASIC: &str = "Proxy-Authenticate: Basic realm=\"r\"\r\n";
const DIGEST: &str = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";

fn proxy(credential: bool) -> HttpProxy {
    let credential = credential.then(|| Credential::new("user", "hunter2").unwrap());
    HttpProxy::new("example.com:443", &[], credential, CNONCE)
}

fn text(proxy: &HttpProxy) -> String {
    String::from_utf8(proxy.request().to_vec()).unwrap()
}

/// What came of `answer`; then, for the same bytes in other pieces, that it is the same.
fn told(credential: bool, answer: &str) -> (Result<ProxyStep, ProxyFault>, String, Vec<u8>) {
    let feed = |pieces: Vec<&[u8]>| {
        let mut proxy = proxy(credential);
        let mut last = Ok(ProxyStep::More);
        for piece in pieces {
            last = proxy.receive(piece);
            if last != Ok(ProxyStep::More) {
                break;
            }
        }
        if !matches!(last, Ok(ProxyStep::More | ProxyStep::Authenticate { .. })) {
            assert_eq!(proxy.receive(b""), last, "it repeats how it ended");
            assert_eq!(proxy.receive_eof(), last);
        }
        (last, text(&proxy), proxy.body().to_vec())
    };
    let answer = answer.as_bytes();
    let whole = feed(vec![answer]);
    if whole.0 == Err(ProxyFault::EarlyBytes) {
        // In other pieces they come after the end, where the driver no longer asks us.
        return whole;
    }
    assert_eq!(feed(answer.chunks(1).collect()), whole, "byte by byte");
    for at in 0..answer.len() {
        let (left, right) = answer.split_at(at);
        assert_eq!(feed(vec![left, right]), whole, "split at {at}");
    }
    whole
}

fn step(answer: &str) -> Result<ProxyStep, ProxyFault> {
    told(false, answer).0
}

#[test]
fn the_request_names_host_and_port_and_nothing_of_the_server() {
    let plain = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
    assert_eq!(text(&proxy(false)), plain);
    assert_eq!(text(&proxy(true)), plain, "a credential waits to be asked for");
    let with = HttpProxy::new("[::1]:80", &[("User-Agent", "a"), ("X", "")], None, CNONCE);
    assert_eq!(
        text(&with),
        "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nUser-Agent: a\r\nX: \r\n\r\n"
    );
}

#[test]
fn any_2xx_is_the_tunnel_whatever_its_headers_say_of_a_body() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
        "HTTP/1.1 200\r\nContent-Length: 5000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 299 X\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert_eq!(step(answer), Ok(ProxyStep::Connected), "{answer:?}");
    }
}

#[test]
fn the_server_does_not_speak_before_us() {
    for rest in ["\x16\x03\x01", "x", "\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{rest}");
        assert_eq!(step(&answer), Err(ProxyFault::EarlyBytes), "{rest:?}");
    }
}

#[test]
fn refusals_have_a_status_and_a_body() {
    for status in [101 + 199, 301, 400, 401, 403, 404, 407, 500, 502, 503, 599, 999] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 5\r\n\r\nsorry");
        for credential in [false, true] {
            let (step, _, body) = told(credential, &answer);
            assert_eq!(step, Ok(ProxyStep::Refused { status }));
            assert_eq!(body, b"sorry");
        }
    }
    let chunked = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
    assert_eq!(told(false, chunked).2, b"no");
    let mut until_end = proxy(false);
    let answer = b"HTTP/1.0 502 Bad Gateway\r\n\r\ngone";
    assert_eq!(until_end.receive(answer), Ok(ProxyStep::More));
    assert_eq!(until_end.receive_eof(), Ok(ProxyStep::Refused { status: 502 }));
    assert_eq!(until_end.body(), b"gone");
    assert_eq!(until_end.response().unwrap().status, 502);
}

#[test]
fn an_endless_refusal_ends_at_64_kib() {
    let mut proxy = proxy(false);
    assert_eq!(proxy.receive(b"HTTP/1.1 403 No\r\n\r\n"), Ok(ProxyStep::More));
    let mut fed = 0;
    while proxy.receive(&[b'x'; 4096]) == Ok(ProxyStep::More) {
        fed += 4096;
        assert!(fed <= MAX_BODY_BYTES);
    }
    assert_eq!(proxy.receive(b"x"), Ok(ProxyStep::Refused { status: 403 }));
    assert_eq!(proxy.body().len(), MAX_BODY_BYTES);
}

#[test]
fn a_challenge_is_answered_on_the_same_connection_if_that_stays() {
    for (headers, body) in [
        ("HTTP/1.1 407 Who\r\nContent-Length: 5\r\n", "who?\n"),
        ("HTTP/1.1 407 Who\r\nContent-Length: 0\r\nConnection: keep-alive\r\n", ""),
        ("HTTP/1.0 407 Who\r\nContent-Length: 1\r\nProxy-Connection: Keep-Alive\r\n", "x"),
        ("HTTP/1.0 407 Who\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n", "x"),
    ] {
        let (step, request, _) = told(true, &format!("{headers}{BASIC}\r\n{body}"));
        assert_eq!(step, Ok(ProxyStep::Authenticate { reconnect: false }), "{headers}");
        assert_eq!(
            request,
            "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\
             Proxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n\r\n"
        );
    }
}

#[test]
fn a_challenge_is_answered_on_a_new_connection_if_the_old_one_goes() {
    for headers in [
        "HTTP/1.1 407 Who\r\n",
        "HTTP/1.0 407 Who\r\nContent-Length: 5\r\n",
        "HTTP/1.1 407 Who\r\nContent-Length: 5\r\nConnection: close\r\n",
        "HTTP/1.1 407 Who\r\nContent-Length: 5\r\nProxy-Connection: x, Close\r\n",
        "HTTP/1.1 407 Who\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "HTTP/1.1 407 Who\r\nContent-Length: x\r\n",
        "HTTP/1.1 407 Who\r\nContent-Length: 65537\r\n",
        "HTTP/1.1 407 Who\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let (step, request, _) = told(true, &format!("{headers}{BASIC}\r\n"));
        assert_eq!(step, Ok(ProxyStep::Authenticate { reconnect: true }), "{headers}");
        assert!(request.contains("Proxy-Authorization: Basic"));
    }
}

#[test]
fn an_end_within_a_challenge_asks_for_a_new_connection() {
    let mut proxy = proxy(true);
    let head = format!("HTTP/1.1 407 Who\r\nContent-Length: 100\r\n{BASIC}\r\npart");
    assert_eq!(proxy.receive(head.as_bytes()), Ok(ProxyStep::More));
    assert_eq!(proxy.receive_eof(), Ok(ProxyStep::Authenticate { reconnect: true }));
    assert_eq!(proxy.receive(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(ProxyStep::Connected));
}

#[test]
fn bytes_behind_a_challenge_are_a_fault() {
    let head = format!("HTTP/1.1 407 Who\r\nContent-Length: 4\r\n{BASIC}\r\n12345");
    assert_eq!(proxy(true).receive(head.as_bytes()), Err(ProxyFault::EarlyBytes));
}

#[test]
fn a_refused_credential_is_not_tried_again() {
    for challenge in [BASIC, DIGEST] {
        let answer = format!("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n{challenge}\r\n");
        let mut proxy = proxy(true);
        let again = Ok(ProxyStep::Authenticate { reconnect: false });
        assert_eq!(proxy.receive(answer.as_bytes()), again);
        let refused = Ok(ProxyStep::Refused { status: 407 });
        assert_eq!(proxy.receive(answer.as_bytes()), refused);
    }
}

#[test]
fn a_stale_nonce_is_answered_once_more() {
    let stale = |nonce: &str| {
        format!(
            "HTTP/1.1 407 Who\r\nContent-Length: 0\r\nProxy-Authenticate: Digest realm=\"r\", \
             nonce=\"{nonce}\", qop=\"auth\", stale=true\r\n\r\n"
        )
    };
    let mut proxy = proxy(true);
    let again = Ok(ProxyStep::Authenticate { reconnect: false });
    for nonce in ["one", "two"] {
        assert_eq!(proxy.receive(stale(nonce).as_bytes()), again);
        assert!(text(&proxy).contains(&format!("nonce=\"{nonce}\"")));
    }
    let refused = Ok(ProxyStep::Refused { status: 407 });
    assert_eq!(proxy.receive(stale("three").as_bytes()), refused);
}

#[test]
fn a_digest_is_over_connect_and_its_target() {
    let answer = format!("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n{DIGEST}{BASIC}\r\n");
    let (_, request, _) = told(true, &answer);
    assert!(request.contains("\r\nProxy-Authorization: Digest username=\"user\", realm=\"r\", "));
    assert!(request.contains("uri=\"example.com:443\""));
    let value = b"Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    let user = Credential::new("user", "hunter2").unwrap();
    let values = [&value[..]].into_iter();
    let expected = auth::answer(values, &user, "CONNECT", "example.com:443", CNONCE).unwrap();
    assert!(request.contains(&expected));
}

#[test]
fn what_cannot_be_answered_is_a_refusal() {
    for (credential, challenge) in [
        (false, BASIC),
        (true, ""),
        (true, "Proxy-Authenticate: Negotiate\r\n"),
        (true, "WWW-Authenticate: Basic realm=\"r\"\r\n"),
    ] {
        let answer = format!("HTTP/1.1 407 Who\r\nContent-Length: 2\r\n{challenge}\r\nno");
        let (step, request, body) = told(credential, &answer);
        assert_eq!(step, Ok(ProxyStep::Refused { status: 407 }));
        assert!(!request.contains("Authorization"));
        assert_eq!(body, b"no");
    }
    // Only a 407 asks.
    let (step, request, _) =
        told(true, &format!("HTTP/1.1 401 Who\r\n{BASIC}Content-Length: 0\r\n\r\n"));
    assert_eq!(step, Ok(ProxyStep::Refused { status: 401 }));
    assert!(!request.contains("Authorization"));
}

#[test]
fn what_is_no_answer_is_a_fault() {
    for (answer, fault) in [
        ("SSH-2.0-x\r\n", ProxyFault::Head(HeadFault::NotHttp)),
        ("\x05\x00", ProxyFault::Head(HeadFault::NotHttp)),
        ("HTTP/2.0 200 OK\r\n\r\n", ProxyFault::Head(HeadFault::UnsupportedVersion)),
        ("HTTP/1.1 20 OK\r\n\r\n", ProxyFault::Head(HeadFault::BadStatusLine)),
        ("HTTP/1.1 200 OK\r\nA b\r\n\r\n", ProxyFault::Head(HeadFault::BadHeader)),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", ProxyFault::Head(HeadFault::Folding)),
        ("HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n", ProxyFault::SwitchedProtocols),
    ] {
        assert_eq!(step(answer), Err(fault), "{answer:?}");
    }
    assert_eq!(step(&"HTTP/1.1 100 Go on\r\n\r\n".repeat(9)), Err(ProxyFault::TooManyInterim));
    let eight = "HTTP/1.1 100 Go on\r\n\r\n".repeat(8) + "HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(step(&eight), Ok(ProxyStep::Connected));
}

#[test]
fn endless_headers_end() {
    let mut proxy = proxy(false);
    assert_eq!(proxy.receive(b"HTTP/1.1 200 OK\r\n"), Ok(ProxyStep::More));
    let ended = (0..1000).find_map(|_| proxy.receive(b"A: b\r\n").err());
    assert_eq!(ended, Some(ProxyFault::Head(HeadFault::TooManyHeaders)));
}

#[test]
fn an_end_before_the_answer_is_a_fault() {
    assert_eq!(proxy(false).receive_eof(), Err(ProxyFault::Eof));
    for answer in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r"] {
        let mut proxy = proxy(false);
        assert_eq!(proxy.receive(answer.as_bytes()), Ok(ProxyStep::More));
        assert_eq!(proxy.receive_eof(), Err(ProxyFault::Truncated));
        assert_eq!(proxy.receive(b"\nHTTP/1.1 200 OK\r\n\r\n"), Err(ProxyFault::Truncated));
    }
}

#[test]
fn nothing_secret_shows() {
    let mut proxy = proxy(true);
    let answer = format!("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n{BASIC}\r\n");
    proxy.receive(answer.as_bytes()).unwrap();
    let shown = format!("{proxy:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("dXNl"), "{shown}");
}
