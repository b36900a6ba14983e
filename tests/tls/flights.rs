//! Servers that break off, or say what was not asked for, in each flight of the TLS handshake.

use crate::site::{Site, VERSIONS, Version};
use crate::support::route::Route;
use crate::workshop::Authority;

use super::*;

/// The descriptions of RFC 8446 §6, those that only older versions have among them.
const ALERTS: [u8; 34] = [
    10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90,
    100, 109, 110, 111, 112, 113, 114, 115, 116, 120, 255,
];

// Bad servers, row 33.
#[test]
fn every_fatal_alert_fails_the_channel_and_is_told() {
    for alert in ALERTS {
        let (uri, _server) = raw(move |stream| {
            stream.write_all(&[21, 3, 3, 0, 2, 2, alert]).unwrap();
        });
        all_fail(&uri, |_| {}, &channel_error(u32::from(alert)));
    }
}

/// A ServerHello of TLS 1.2 or below that takes up no session.
fn server_hello(version: [u8; 2], end: &[u8; 8], suite: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([0x5a; 24]);
    body.extend(end);
    body.push(0);
    body.extend(suite);
    body.push(0);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut record = vec![22, 3, 3];
    record.extend((body.len() as u16 + 4).to_be_bytes());
    record.extend([2, 0, 0, body.len() as u8]);
    record.extend(body);
    record
}

// Bad servers, row 33.
#[test]
fn a_server_that_chooses_what_was_not_offered_fails_the_channel() {
    let (offered, random) = ([0xc0, 0x2f], &[0x5a; 8]);
    let alpn = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
    for hello in [
        server_hello([3, 2], random, [0xc0, 0x13], &[]),
        server_hello([3, 1], random, [0xc0, 0x13], &[]),
        server_hello([3, 0], random, [0, 0x0a], &[]),
        // No suite in common: CBC and no forward secrecy.
        server_hello([3, 3], random, [0, 0x2f], &[]),
        server_hello([3, 3], random, offered, &alpn),
        // An extension that nobody knows.
        server_hello([3, 3], random, offered, &[0xfa, 0xfa, 0, 0]),
        // RFC 8446 §4.1.3: what a server of TLS 1.3 says when somebody has talked it into less.
        server_hello([3, 3], b"DOWNGRD\x01", offered, &[]),
    ] {
        let (uri, _server) = raw(move |stream| stream.write_all(&hello).unwrap());
        all_fail(&uri, |_| {}, &channel_error(0));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Finish,
    Reset,
    CloseNotify,
    Garbage,
    Stall,
}

/// A server whose records pass through somebody who ends it in place of record `number`.
fn cut(site: &Site, number: usize, end: End) -> (String, Server) {
    let address = site.address;
    raw(move |client| {
        let mut upstream = TcpStream::connect(address).unwrap();
        let mut from_client = client.tcp().try_clone().unwrap();
        let mut to_server = upstream.try_clone().unwrap();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(std::net::Shutdown::Both);
        });
        for count in 0.. {
            let mut record = vec![0; 5];
            if upstream.read_exact(&mut record).is_err() {
                return;
            }
            let len = usize::from(u16::from_be_bytes([record[3], record[4]]));
            record.resize(5 + len, 0x5a);
            if count == number {
                match end {
                    End::Finish => finish(client),
                    End::Reset => {
                        // Lets go of the other one's half of it, so that it is the last.
                        client.tcp().shutdown(std::net::Shutdown::Read).unwrap();
                        reset(client);
                    }
                    End::CloseNotify => {
                        let _ = client.write_all(&[21, 3, 3, 0, 2, 1, 0]);
                        finish(client);
                    }
                    End::Garbage => client.write_all(&record).unwrap(),
                    End::Stall => client.write_all(&record[..3]).unwrap(),
                }
                return;
            }
            upstream.read_exact(&mut record[5..]).unwrap();
            if client.write_all(&record).is_err() {
                return;
            }
        }
    })
}

fn connect(way: Way, root: &Authority, uri: &str, timeout_ms: u64) -> ws_error {
    let mut client = way.client();
    let roots = support::server::pki().ca_pem.clone() + &root.pem;
    let control = WS_CONTROL_TRUSTED_CERTIFICATES;
    let set = anyws::ffi::controls::ws_set_control_bytes(
        client.socket,
        control,
        roots.as_ptr().cast(),
        roots.len(),
    );
    assert_eq!(set, WS_OK);
    client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, timeout_ms);
    client.connect(uri);
    assert_eq!(client.connect_result(), client.error().result, "{way:?}");
    let error = client.error();
    assert_eq!(client.free(), []);
    error
}

/// How many records of the server the client needs before it says that TLS is up.
fn records_of_handshake(version: Version, root: &Authority, site: &Site) -> usize {
    let way = Way { mode: Mode::Callback, tls: Tls::Good, route: Route::Direct };
    let is_up = |count: &usize| {
        let (uri, _cut) = cut(site, *count, End::Finish);
        connect(way, root, &uri, 20_000).phase != WS_ERROR_PHASE_TLS
    };
    let count = (0..20).find(is_up).unwrap();
    assert!(count >= 3, "{count} records of {:?}", version.version);
    count
}

// Bad servers, row 34.
#[test]
fn a_server_that_breaks_off_in_place_of_any_record_is_told_by_how() {
    let root = Authority::new("the root");
    for version in VERSIONS {
        let site = Site::with_version(&root.issue(|_| {}), version);
        for number in 0..records_of_handshake(version, &root, &site) {
            for (end, results) in [
                (End::Finish, &[WS_E_CONNECTION_ABORTED][..]),
                (End::Reset, &[WS_E_CONNECTION_RESET]),
                // Once keys are in use nobody has to believe it.
                (End::CloseNotify, &[WS_E_CONNECTION_ABORTED, WS_E_SECURITY_CHANNEL_ERROR]),
                (End::Garbage, &[WS_E_SECURITY_CHANNEL_ERROR]),
            ] {
                let (uri, _cut) = cut(&site, number, end);
                for way in secure_ways() {
                    let error = connect(way, &root, &uri, 20_000);
                    let what = format!("{end:?}, {number} of {:?}, {way:?}", version.version);
                    assert!(results.contains(&error.result), "{:#x}, {what}", error.result);
                    assert_eq!(error.phase, WS_ERROR_PHASE_TLS, "{what}");
                }
            }
            let (uri, _cut) = cut(&site, number, End::Stall);
            securely_at_once(|way| {
                let error = connect(way, &root, &uri, 300);
                let what = format!("{number} of {:?}, {way:?}", version.version);
                assert_eq!(
                    (error.result, error.phase),
                    (WS_E_TIMEOUT, WS_ERROR_PHASE_TLS),
                    "{what}"
                );
            });
        }
    }
}
