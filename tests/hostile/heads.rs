//! Answers to the upgrade that never end: the connect does, at once, with little memory and little
//! of the I/O thread's time.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyws::ffi::result::*;

use crate::accounts::{Account, io_thread_time, leave_out_this_thread, turn};
use crate::attack::LITTLE;
use crate::stage::AT_ONCE;
use crate::support::client::MODES;
use crate::support::route::{Route, Way};
use crate::support::server::{BOTH, Server, Stream, read_request};

/// Processor time.
const LITTLE_TIME: Duration = Duration::from_millis(50);

/// How an answer begins, and what comes again and again behind it.
type Row = (&'static str, &'static str, &'static str, ws_result);

// Bad servers, rows 10 and 13.
#[test]
fn an_answer_without_end_costs_little() {
    const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\n";
    const PLAIN: &str = "HTTP/1.1 403 No\r\n\r\n";
    const CHUNKED: &str = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n";
    const EXTENDED: &str = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    const TRAILED: &str = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    const INVALID: ws_result = WS_E_INVALID_SERVER_RESPONSE;
    let rows: [Row; 11] = [
        ("a version", "HTTP/1.1", "1", INVALID),
        ("a reason", "HTTP/1.1 101 ", "reason", INVALID),
        ("a header's name", "HTTP/1.1 101 OK\r\n", "name", INVALID),
        ("a header's value", "HTTP/1.1 101 OK\r\nX: ", "value", INVALID),
        ("a header's spaces", "HTTP/1.1 101 OK\r\nX:", " ", INVALID),
        ("headers", SWITCHING, "X: v\r\n", INVALID),
        ("interim answers", "", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", INVALID),
        ("a body", PLAIN, "body", WS_E_HTTP_STATUS_FORBIDDEN),
        ("chunks of a byte", CHUNKED, "1\r\nx\r\n", WS_E_HTTP_STATUS_FORBIDDEN),
        ("a chunk's extension", EXTENDED, "x", WS_E_HTTP_STATUS_FORBIDDEN),
        ("trailers", TRAILED, "X: v\r\n", WS_E_HTTP_STATUS_FORBIDDEN),
    ];
    let rows = Arc::new(rows);
    let _turn = turn();
    for tls in BOTH {
        let scripts = Arc::clone(&rows);
        let server = Server::accepting(tls, move |tcp| {
            leave_out_this_thread();
            let mut stream = Stream::new(tcp, tls);
            let request = read_request(&mut stream);
            let path = request.split(' ').nth(1).unwrap();
            let Some(row) = path[1..].parse().ok().and_then(|row: usize| scripts.get(row)) else {
                return;
            };
            let (_, begins, again, _) = row;
            let again = again.repeat(16 * 1024 / again.len());
            let mut sent = stream.write_all(begins.as_bytes());
            while sent.is_ok() {
                sent = stream.write_all(again.as_bytes());
            }
        });
        let routes = [Route::Direct, Route::Http];
        let ways = MODES.into_iter().flat_map(|mode| routes.map(|route| Way { mode, tls, route }));
        for way in ways.clone() {
            let mut client = way.client();
            client.connect(&server.uri_of("/first"));
            assert_ne!(client.connect_result(), WS_OK);
        }
        for (number, (name, _, _, result)) in rows.iter().enumerate() {
            for way in ways.clone() {
                let what = format!("{name} without end, {way:?}");
                let account = Account::open();
                let worked = io_thread_time();
                let mut client = way.client();
                let since = Instant::now();
                client.connect(&server.uri_of(&format!("/{number}")));
                assert_eq!(client.connect_result(), *result, "{what}");
                assert!(since.elapsed() < AT_ONCE, "{:?}, {what}", since.elapsed());
                assert_eq!(client.error().result, *result, "{what}");
                assert_ne!(client.error().text[0], 0, "{what}");
                assert_eq!(client.free(), [], "{what}");
                if let (Some(before), Some(after)) = (worked, io_thread_time()) {
                    let took = after.saturating_sub(before);
                    assert!(took < LITTLE_TIME, "{took:?}, {what}");
                }
                // Of a refusal the first 64 KiB are kept, in a buffer that grew to hold them.
                let body = if *result == INVALID { 0 } else { 128 * 1024 };
                account.settle(LITTLE + body, &what);
            }
        }
    }
}
