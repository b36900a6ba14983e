//! Sessions that are taken up again, by whom, and by whom not.

use std::sync::Arc;

use super::*;
use crate::site::{Site, VERSIONS, config};
use crate::support::client::MODES;
use crate::support::route::ROUTES;
use crate::workshop::Identity;

/// Connects, converses, and tells whether the session was an earlier one's.
fn visit(client: &mut Client, uri: &str) -> bool {
    assert_eq!(connect(client, uri), WS_OK);
    client.begin_pulling();
    // The tickets have come before the answer.
    converse(client);
    client.information(WS_INFORMATION_TLS_RESUMED) == 1
}

#[test]
fn sockets_alike_share_sessions_unless_it_is_switched_off() {
    let root = Authority::new("the root");
    for version in VERSIONS {
        for mode in MODES {
            let site = Site::with_version(&root.issue(|_| {}), version);
            let uri = site.uri("localhost");
            let visits = [1, 1, 0, 1].map(|resumes| {
                let mut client = client_of(mode, &root);
                client.set(WS_CONTROL_TLS_SESSION_RESUMPTION, resumes);
                visit(&mut client, &uri)
            });
            assert_eq!(visits, [false, true, false, true], "{:?}", version.version);
        }
    }
}

#[test]
fn whoever_differs_in_host_port_or_a_control_begins_anew() {
    let root = Authority::new("the root");
    let more = Authority::new("one more");
    let leaf = root.issue(|_| {});
    let shared: Arc<dyn rustls::server::StoresServerSessions> =
        rustls::server::ServerSessionMemoryCache::new(256);
    let ticketer: Arc<dyn rustls::server::ProducesTickets> =
        rustls::crypto::ring::Ticketer::new().unwrap();
    // Two ports of one server: it would take up any session.
    let sites = [(); 2].map(|()| {
        let mut config = config(&leaf, rustls::ALL_VERSIONS, None);
        config.session_storage = Arc::clone(&shared);
        config.ticketer = Arc::clone(&ticketer);
        Site::serving(config)
    });
    let uri = sites[0].uri("localhost");
    let plain = || client_of(Mode::Callback, &root);
    assert!(!visit(&mut plain(), &uri));
    assert!(visit(&mut plain(), &uri));
    assert!(!visit(&mut plain(), &sites[0].uri("127.0.0.1")), "another host");
    assert!(!visit(&mut plain(), &sites[1].uri("localhost")), "another port");
    type Change<'a> = &'a dyn Fn(&Client);
    let pem = root.pem.clone() + &more.pem;
    let list = root.revoke(&[], (2020, 2090));
    let certificate = root.issue(|_| {}).pem();
    let changes: [Change<'_>; 5] = [
        &|client| set_bytes(client, WS_CONTROL_TRUSTED_CERTIFICATES, pem.as_bytes()),
        &|client| client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, 1 << 3),
        &|client| set_bytes(client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, list.as_bytes()),
        &|client| set_bytes(client, WS_CONTROL_CLIENT_CERTIFICATE, certificate.as_bytes()),
        &|client| client.set(WS_CONTROL_TRUST_SYSTEM_STORE, 1),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        for resumed in [false, true] {
            let mut client = plain();
            change(&client);
            assert_eq!(visit(&mut client, &uri), resumed, "change {at}");
        }
    }
    assert!(visit(&mut plain(), &uri));
}

// Bad servers, row 64.
#[test]
fn an_authority_taken_away_between_two_connects_is_missed() {
    let (root, other) = (Authority::new("the root"), Authority::new("another"));
    for version in VERSIONS {
        for route in ROUTES {
            let site = Site::with_version(&root.issue(|_| {}), version);
            let uri = site.uri("localhost");
            let mut client = client_by(route, Mode::Callback, &root);
            visit(&mut client, &uri);
            let mut client = client_by(route, Mode::Callback, &root);
            assert!(visit(&mut client, &uri));
            let mut client = client_by(route, Mode::Callback, &other);
            assert_eq!(connect(&mut client, &uri), WS_E_CERT_UNTRUSTEDROOT);
        }
    }
}

// Bad servers, row 64.
#[test]
fn a_certificate_that_was_replaced_between_two_connects_is_judged_anew() {
    let (root, stranger) = (Authority::new("the root"), Authority::new("a stranger"));
    let expired = root.issue(|params| params.not_after = rcgen::date_time_ymd(2021, 1, 1));
    let stations = [
        (root.issue(|_| {}), WS_OK),
        (expired, WS_E_SEC_CERT_DATE_INVALID),
        (root.issue(|_| {}), WS_OK),
        (stranger.issue(|_| {}), WS_E_CERT_UNTRUSTEDROOT),
        (root.issue(|_| {}), WS_OK),
    ];
    for version in VERSIONS {
        for route in ROUTES {
            let new = |identity: &Identity| Arc::new(config(identity, &[version], None));
            let shown = Arc::new(std::sync::Mutex::new(new(&stations[0].0)));
            let site = Site::changing(Arc::clone(&shown));
            for (identity, result) in &stations {
                *shown.lock().unwrap() = new(identity);
                let mut client = client_by(route, Mode::Callback, &root);
                let what = format!("{:?}, {route:?}", version.version);
                assert_eq!(connect(&mut client, &site.uri("localhost")), *result, "{what}");
                if *result == WS_OK {
                    // Its tickets are kept for the next, who cannot use them.
                    converse(&client);
                    assert_eq!(client.information(WS_INFORMATION_TLS_RESUMED), 0, "{what}");
                }
                let certificate = bytes_of(&client, WS_INFORMATION_SERVER_CERTIFICATE, 0);
                assert_eq!(certificate, Ok(identity.chain[0].to_vec()), "{what}");
            }
        }
    }
}

#[test]
fn what_was_ignored_is_told_of_a_resumed_session_too() {
    let site = Site::of(&Identity::self_signed(|_| {}));
    let root = Authority::new("the root");
    for resumed in [false, true, true] {
        let mut client = client_of(Mode::Callback, &root);
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, 1 << 1);
        assert_eq!(visit(&mut client, &site.uri("localhost")), resumed);
        assert_eq!((errors_of(&client), severity_of(&client)), (1 << 1, 1));
    }
}

#[test]
fn a_certificate_that_expires_while_its_session_lives_is_judged_by_the_clock() {
    let root = Authority::new("the root");
    let ends = std::time::SystemTime::now() + std::time::Duration::from_secs(3);
    let leaf = root.issue(|params| params.not_after = ends.into());
    let site = Site::of(&leaf);
    let uri = site.uri("localhost");
    let mut client = client_of(Mode::Callback, &root);
    visit(&mut client, &uri);
    let mut last = WS_OK;
    let expired = support::server::eventually(|| {
        let mut client = client_of(Mode::Callback, &root);
        last = connect(&mut client, &uri);
        last != WS_OK
    });
    assert!(expired);
    assert_eq!(last, WS_E_SEC_CERT_DATE_INVALID);
}
