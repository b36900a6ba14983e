//! Servers that answer with another status: what the program learns of it, whatever the body does.

use std::ffi::c_void;
use std::io::Write;

use anyws::ffi::information::ws_get_information_bytes;

use super::*;

/// A server that refuses with `answer`, and with `more` again and again behind it.
fn refusing(tls: Tls, answer: impl Into<Vec<u8>>, more: &'static [u8]) -> Server {
    let answer = answer.into();
    Server::raw(tls, move |mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(&answer).and_then(|()| stream.flush());
        let more = more.repeat(200);
        while !more.is_empty() && stream.write_all(&more).is_ok() {}
        if more.is_empty() {
            read_out(&mut stream);
        }
    })
}

fn refused(way: Way, server: &Server, status: u32) -> Client {
    refused_within(20_000, way, server, status)
}

fn refused_within(timeout_ms: u64, way: Way, server: &Server, status: u32) -> Client {
    let mut client = way.client();
    client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, timeout_ms);
    client.connect(&server.uri());
    let result = (0x8019_0000 | status).cast_signed();
    assert_eq!(client.connect_result(), result, "{status}");
    let error = client.error();
    assert_eq!((error.result, error.http_status), (result, status));
    assert_eq!(error.phase, WS_ERROR_PHASE_HTTP);
    assert_eq!(client.information(WS_INFORMATION_HTTP_STATUS), u64::from(status));
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
    client
}

fn body(client: &Client) -> Vec<u8> {
    let which = WS_INFORMATION_RESPONSE_BODY;
    let mut length = 0;
    let mut read = |buffer: *mut c_void, capacity| {
        ws_get_information_bytes(client.socket, which, 0, buffer, capacity, &raw mut length)
    };
    assert_eq!(read(std::ptr::null_mut(), 0), WS_OK);
    let mut body = vec![0; 1 << 20];
    assert_eq!(read(body.as_mut_ptr().cast(), body.len()), WS_OK);
    body.truncate(length);
    body
}

// Bad servers, row 12.
#[test]
fn a_refusal_is_told_with_status_headers_and_body() {
    for (status, web_error_status) in [
        (200, 18),
        (204, 18),
        (301, 301),
        (302, 302),
        (308, 19),
        (400, 400),
        (401, 401),
        (403, 403),
        (404, 404),
        (407, 407),
        (426, 20),
        (429, 20),
        (500, 500),
        (503, 503),
        (599, 21),
        (999, 18),
    ] {
        let text = if status == 204 { "" } else { "geht nicht\0jetzt" };
        let answer = format!(
            "HTTP/1.1 {status} Nein\r\nRetry-After: 7\r\nX-Way: one\r\nx-way: two\r\n\
             Content-Length: {}\r\n\r\n{text}",
            text.len()
        );
        everywhere(|way| {
            let server = refusing(way.tls, answer.clone(), b"");
            let client = refused(way, &server, status);
            assert_eq!(client.error().web_error_status, web_error_status, "{status}");
            assert_eq!(client.response_header("retry-after", 0).unwrap(), "7");
            assert_eq!(client.response_header("X-Way", 0).unwrap(), "one");
            assert_eq!(client.response_header("X-Way", 1).unwrap(), "two");
            assert_eq!(client.response_header("X-Way", 2), Err(WS_E_BOUNDS));
            assert_eq!(client.response_header("X-None", 0), Err(WS_E_BOUNDS));
            assert_eq!(body(&client), text.as_bytes());
            assert_eq!(client.free(), []);
        });
    }
}

// Bad servers, row 13.
#[test]
fn whatever_the_body_does_the_status_is_told() {
    const HEAD: &str = "HTTP/1.1 403 Forbidden\r\n";
    let head = |rest: &str| format!("{HEAD}{rest}");
    /// Name, answer, what follows again and again, and the body if it is not endless.
    type Row = (&'static str, String, &'static [u8], Option<&'static [u8]>);
    let rows: Vec<Row> = vec![
        ("endless", head("\r\n"), &[b'x'; 1000], None),
        (
            "chunked",
            head("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"),
            b"",
            Some(b"abcde"),
        ),
        (
            "bad chunks",
            head("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"),
            b"",
            Some(b"abc"),
        ),
        ("endless chunks", head("Transfer-Encoding: chunked\r\n\r\n"), b"1\r\nx\r\n", None),
        (
            "a length that is too large",
            head("Content-Length: 100\r\n\r\nshort"),
            b"",
            Some(b"short"),
        ),
        ("a length that is too small", head("Content-Length: 2\r\n\r\nlonger"), b"", Some(b"lo")),
        (
            "a huge length",
            head("Content-Length: 99999999999999999999999\r\n\r\nbody"),
            b"",
            Some(b"body"),
        ),
        ("a negative length", head("Content-Length: -1\r\n\r\nbody"), b"", Some(b"body")),
        (
            "gzip",
            head("Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x0b\x08"),
            b"",
            Some(b"\x1f\x0b\x08"),
        ),
        ("no body and no length", head("\r\n"), b"", Some(b"")),
    ];
    for (name, answer, more, expected) in rows {
        everywhere_at_once(|way| {
            let server = refusing(way.tls, answer.clone(), more);
            let since = Instant::now();
            // A body that hangs is waited for until the deadline.
            let timeout_ms = if expected.is_some() { 400 } else { 20_000 };
            let client = refused_within(timeout_ms, way, &server, 403);
            assert!(since.elapsed() < Duration::from_secs(15), "{name}");
            match expected {
                Some(expected) => assert_eq!(body(&client), expected, "{name}, {way:?}"),
                None => assert!(body(&client) == [b'x'; 64 * 1024], "{name}"),
            }
        });
    }
}

// Bad servers, row 13.
#[test]
fn a_body_that_is_cut_off_is_what_was_had() {
    everywhere(|way| {
        let server = Server::raw(way.tls, |mut stream| {
            read_request(&mut stream);
            stream.write_all(b"HTTP/1.1 503 Busy\r\n\r\nuntil the end").unwrap();
            finish(&mut stream);
            read_out(&mut stream);
        });
        let since = Instant::now();
        let client = refused(way, &server, 503);
        assert_eq!(body(&client), b"until the end");
        assert!(since.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn after_a_refusal_the_socket_connects_with_other_controls() {
    everywhere(|way| {
        let busy = refusing(way.tls, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", b"");
        let server = Server::echo(way.tls);
        let mut client = refused(way, &busy, 503);
        for _ in 0..2 {
            client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 30_000);
            client.connect(&busy.uri());
            assert_eq!(client.connect_result(), WS_E_HTTP_STATUS_SERVICE_UNAVAIL);
        }
        client.set_text(WS_CONTROL_SUPPORTED_PROTOCOLS, "chat");
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        assert_eq!(client.error().result, WS_OK);
        assert_eq!(client.information(WS_INFORMATION_HTTP_STATUS), 101);
        assert_eq!(client.text(WS_INFORMATION_PROTOCOL), "chat");
        assert_eq!(body(&client), b"", "it belongs to the connect before");
        client.begin_pulling();
        assert_eq!(client.send_text("now"), WS_OK);
        assert_eq!(client.next_text(), "now");
    });
}

// Bad servers, row 12.
#[test]
fn every_status_with_a_name_is_that_code() {
    for named in [
        WS_E_HTTP_STATUS_AMBIGUOUS,
        WS_E_HTTP_STATUS_MOVED,
        WS_E_HTTP_STATUS_REDIRECT,
        WS_E_HTTP_STATUS_REDIRECT_METHOD,
        WS_E_HTTP_STATUS_NOT_MODIFIED,
        WS_E_HTTP_STATUS_USE_PROXY,
        WS_E_HTTP_STATUS_REDIRECT_KEEP_VERB,
        WS_E_HTTP_STATUS_BAD_REQUEST,
        WS_E_HTTP_STATUS_DENIED,
        WS_E_HTTP_STATUS_PAYMENT_REQ,
        WS_E_HTTP_STATUS_FORBIDDEN,
        WS_E_HTTP_STATUS_NOT_FOUND,
        WS_E_HTTP_STATUS_BAD_METHOD,
        WS_E_HTTP_STATUS_NONE_ACCEPTABLE,
        WS_E_HTTP_STATUS_PROXY_AUTH_REQ,
        WS_E_HTTP_STATUS_REQUEST_TIMEOUT,
        WS_E_HTTP_STATUS_CONFLICT,
        WS_E_HTTP_STATUS_GONE,
        WS_E_HTTP_STATUS_LENGTH_REQUIRED,
        WS_E_HTTP_STATUS_PRECOND_FAILED,
        WS_E_HTTP_STATUS_REQUEST_TOO_LARGE,
        WS_E_HTTP_STATUS_URI_TOO_LONG,
        WS_E_HTTP_STATUS_UNSUPPORTED_MEDIA,
        WS_E_HTTP_STATUS_RANGE_NOT_SATISFIABLE,
        WS_E_HTTP_STATUS_EXPECTATION_FAILED,
        WS_E_HTTP_STATUS_SERVER_ERROR,
        WS_E_HTTP_STATUS_NOT_SUPPORTED,
        WS_E_HTTP_STATUS_BAD_GATEWAY,
        WS_E_HTTP_STATUS_SERVICE_UNAVAIL,
        WS_E_HTTP_STATUS_GATEWAY_TIMEOUT,
        WS_E_HTTP_STATUS_VERSION_NOT_SUP,
    ] {
        let status = named.cast_unsigned() & 0xffff;
        let answer = format!("HTTP/1.1 {status} Named\r\nContent-Length: 0\r\n\r\n");
        let server = refusing(Tls::No, answer, b"");
        let mut client = Client::trusting(Mode::Callback);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), named, "{status}");
        assert_eq!(client.free(), []);
    }
}
