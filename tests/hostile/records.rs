//! Records of TLS in numbers that nobody needs, and handshakes that stand still: whatever comes of
//! it, it takes little memory and little of the I/O thread's time.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use anyws::ffi::controls::ws_set_control_bytes;
use anyws::ffi::result::*;
use anyws::ffi::types::*;
use rustls::crypto::cipher::OutboundPlainMessage;
use rustls::version::TLS13;
use rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion};

use crate::accounts::{Account, io_thread_time, leave_out_this_thread, turn};
use crate::attack::{LITTLE, text};
use crate::site::{Site, config};
use crate::support::client::{Client, MODES, Mode, Told};
use crate::support::route::{Route, Way};
use crate::support::server::{Server, Stream, Tls, frame, pki, read_out, upgrade};
use crate::workshop::Authority;

const MANY: usize = 10_000;
/// Processor time.
const ENOUGH: Duration = Duration::from_secs(1);
const NEXT_TO_NOTHING: Duration = Duration::from_millis(20);

const ROUTES: [Route; 2] = [Route::Direct, Route::Http];

fn client_by(route: Route, mode: Mode, root: &Authority) -> Client {
    let client = Way { mode, tls: Tls::Good, route }.client();
    let roots = pki().ca_pem.clone() + &root.pem;
    let control = WS_CONTROL_TRUSTED_CERTIFICATES;
    let set = ws_set_control_bytes(client.socket, control, roots.as_ptr().cast(), roots.len());
    assert_eq!(set, WS_OK);
    client
}

/// What the library makes once and keeps is nobody's fault.
fn warm_up() {
    let server = Server::echo(Tls::Good);
    for (mode, route) in MODES.into_iter().zip(ROUTES.into_iter().cycle()) {
        drop(Way { mode, tls: Tls::Good, route }.connected(&server.uri()));
    }
}

/// What the I/O thread has had since `before`; nothing where the system does not say so.
fn taken(before: Option<Duration>) -> Duration {
    let now = io_thread_time();
    now.zip(before).map_or(Duration::ZERO, |(now, before)| now.saturating_sub(before))
}

/// A way to write records, once TLS is up and the upgrade answered; the last says "after".
type Flood = fn(Stream);

fn key_updates(mut stream: Stream) {
    let Stream::Secure(tls) = &mut stream else { return };
    for _ in 0..MANY {
        let mut wire = Vec::new();
        if tls.conn.refresh_traffic_keys().is_err() {
            return;
        }
        while tls.conn.wants_write() {
            tls.conn.write_tls(&mut wire).unwrap();
        }
        if tls.sock.write_all(&wire).is_err() {
            return;
        }
    }
    let _ = tls.write_all(&frame(0x81, b"after")).and_then(|()| tls.flush());
    read_out(&mut stream);
}

/// Writes the same record again and again, each encrypted as it has to be.
fn repeat(stream: Stream, kind: ContentType, payload: &[u8]) {
    let Stream::Secure(tls) = stream else { return };
    let (connection, mut tcp) = (tls.conn, tls.sock);
    let suite = connection.negotiated_cipher_suite().unwrap().tls13().unwrap();
    let (sequence, keys) = connection.dangerous_extract_secrets().unwrap().tx;
    let (ConnectionTrafficSecrets::Aes256Gcm { key, iv }
    | ConnectionTrafficSecrets::Aes128Gcm { key, iv }
    | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = keys
    else {
        panic!("an unknown suite")
    };
    let mut encrypter = suite.aead_alg.encrypter(key, iv);
    let mut record = |typ, payload: &[u8], number: usize| {
        let version = ProtocolVersion::TLSv1_2;
        let message = OutboundPlainMessage { typ, version, payload: payload.into() };
        encrypter.encrypt(message, sequence + number as u64).unwrap().encode()
    };
    let mut wire: Vec<u8> = (0..MANY).flat_map(|number| record(kind, payload, number)).collect();
    wire.extend(record(ContentType::ApplicationData, &frame(0x81, b"after"), MANY));
    let _ = tcp.write_all(&wire);
    read_out(&mut Stream::new(tcp, Tls::No));
}

fn empty_records(stream: Stream) {
    repeat(stream, ContentType::ApplicationData, b"");
}

/// RFC 8446 §4.6.1: a day, no age to add, a nonce of one byte, a ticket of 200, no extensions.
fn tickets(stream: Stream) {
    let mut ticket = vec![4, 0, 0, 214, 0, 1, 81, 128, 0, 0, 0, 0, 1, 9, 0, 200];
    ticket.extend([0x5a; 200]);
    ticket.extend([0, 0]);
    repeat(stream, ContentType::Handshake, &ticket);
}

// Bad servers, row 35.
#[test]
fn records_by_the_thousand_end_the_connection_or_are_taken_at_little_cost() {
    let _turn = turn();
    warm_up();
    let root = Authority::new("the root");
    let floods: [(&str, Flood, ws_result); 3] = [
        ("key updates", key_updates, WS_E_SECURITY_CHANNEL_ERROR),
        ("empty records", empty_records, WS_E_SECURITY_CHANNEL_ERROR),
        ("tickets", tickets, WS_OK),
    ];
    for (name, flood, result) in floods {
        let mut config = config(&root.issue(|_| {}), &[&TLS13], None);
        config.enable_secret_extraction = true;
        let site = Site::acting(config, move |mut stream| {
            leave_out_this_thread();
            upgrade(&mut stream);
            flood(stream);
        });
        for route in ROUTES {
            for mode in MODES {
                let what = format!("{name}, {mode:?}, {route:?}");
                let worked = io_thread_time();
                let account = Account::open();
                let mut client = client_by(route, mode, &root);
                client.connect(&site.uri("localhost"));
                assert_eq!(client.connect_result(), WS_OK, "{what}");
                client.begin_pulling();
                match client.next() {
                    Told::Closed(closed) => assert_eq!(closed.result, result, "{what}"),
                    after => assert_eq!((after, WS_OK), (text("after"), result), "{what}"),
                }
                drop(client);
                assert!(taken(worked) < ENOUGH, "{:?}, {what}", taken(worked));
                // The server's handshake is in it.
                account.settle(4 * LITTLE, &what);
            }
        }
    }
}

fn repeated(record: &[u8], rest: &[u8]) -> Vec<u8> {
    [record.repeat(MANY), rest.to_vec()].concat()
}

// Bad servers, rows 34 and 35.
#[test]
fn records_by_the_thousand_in_place_of_a_handshake_fail_it_at_little_cost() {
    let _turn = turn();
    warm_up();
    let large = [22, 3, 3, 64, 0].into_iter().chain([11, 255, 255, 255]).chain([0; 16 * 1024 - 4]);
    let more = [22, 3, 3, 64, 0].into_iter().chain([0; 16 * 1024]).collect::<Vec<u8>>();
    for (name, bytes) in [
        ("changes of the cipher", repeated(&[20, 3, 3, 0, 1, 1], &[])),
        ("empty records of the handshake", repeated(&[22, 3, 3, 0, 0], &[])),
        ("empty alerts", repeated(&[21, 3, 3, 0, 0], &[])),
        ("warnings", repeated(&[21, 3, 3, 0, 2, 1, 112], &[])),
        ("requests to begin", repeated(&[22, 3, 3, 0, 4, 0, 0, 0, 0], &[])),
        ("a message of 16 MiB", large.chain(more.repeat(64)).collect()),
        ("a record longer than it may be", [&[22, 3, 3, 255, 255][..], &[0; 1 << 17]].concat()),
    ] {
        let server = Server::accepting(Tls::No, move |tcp| {
            leave_out_this_thread();
            assert!(tcp.peek(&mut [0]).is_ok_and(|count| count > 0));
            let mut stream = Stream::new(tcp, Tls::No);
            let _ = stream.write_all(&bytes);
            let _ = stream.tcp().shutdown(std::net::Shutdown::Write);
            read_out(&mut stream);
        });
        for route in ROUTES {
            for mode in MODES {
                let what = format!("{name}, {mode:?}, {route:?}");
                let worked = io_thread_time();
                let account = Account::open();
                let mut client = Way { mode, tls: Tls::Good, route }.client();
                client.connect(&server.uri().replace("ws:", "wss:"));
                let result = client.connect_result();
                assert_eq!(result, WS_E_SECURITY_CHANNEL_ERROR, "{result:#x}, {what}");
                assert_eq!(client.error().phase, WS_ERROR_PHASE_TLS, "{what}");
                assert_eq!(client.free(), [], "{what}");
                assert!(taken(worked) < ENOUGH, "{:?}, {what}", taken(worked));
                account.settle(LITTLE, &what);
            }
        }
    }
}

// Bad servers, row 34.
#[test]
fn a_handshake_that_stands_still_or_drips_takes_no_time_of_the_processor() {
    let _turn = turn();
    warm_up();
    // A record that will be long, and never is.
    const BEGUN: [u8; 9] = [22, 3, 3, 64, 0, 2, 0, 63, 252];
    for (name, begun, drips) in [
        ("nothing", &BEGUN[..0], false),
        ("half a header", &BEGUN[..3], false),
        ("half a message", &BEGUN[..], false),
        ("byte by byte", &BEGUN[..], true),
    ] {
        let server = Server::accepting(Tls::No, move |mut tcp| {
            leave_out_this_thread();
            assert!(tcp.peek(&mut [0]).is_ok_and(|count| count > 0));
            let _ = tcp.write_all(begun);
            let mut hello = [0; 4096];
            assert!(tcp.read(&mut hello).unwrap() > 0);
            if drips {
                // The client's end, or the time for the next byte.
                tcp.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                while !matches!(tcp.read(&mut hello), Ok(0)) && tcp.write_all(&[0]).is_ok() {}
            }
            read_out(&mut Stream::new(tcp, Tls::No));
        });
        for route in ROUTES {
            let what = format!("{name}, {route:?}");
            let worked = io_thread_time();
            let mut client = Way { mode: Mode::Callback, tls: Tls::Good, route }.client();
            client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 300);
            let since = Instant::now();
            client.connect(&server.uri().replace("ws:", "wss:"));
            assert_eq!(client.connect_result(), WS_E_TIMEOUT, "{what}");
            assert!(since.elapsed() >= Duration::from_millis(300), "{what}");
            assert_eq!(client.error().phase, WS_ERROR_PHASE_TLS, "{what}");
            assert_eq!(client.free(), [], "{what}");
            assert!(taken(worked) < NEXT_TO_NOTHING, "{:?}, {what}", taken(worked));
        }
    }
}
