//! What is meant for the origin alone stays there: neither another origin that it leads to nor a
//! proxy in between sees a client certificate, and what is ignored or judged is the origin's.

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};

use anyws::ffi::controls::ws_set_credential;
use rcgen::date_time_ymd;

use super::*;
use crate::pins::pin;
use crate::site::{Site, VERSIONS, Version, asking, config};
use crate::support::DEADLINE;
use crate::support::client::{Judgement, Told};
use crate::support::route::{ROUTES, connect_secure};
use crate::support::server::{Server, Stream, Tls, answer_upgrade, finish, read_out, read_request};
use crate::workshop::{Identity, dns};

type Chain = Vec<Vec<u8>>;

fn chain_of(identity: &Identity) -> Chain {
    identity.chain.iter().map(|certificate| certificate.to_vec()).collect()
}

/// What a visitor of either place shows, and where the first leads.
struct Journey {
    home: Site,
    requests: Receiver<String>,
}

/// Answers "/" with a redirect to `there`, everything else with the upgrade, and tells requests.
fn leading(
    config: rustls::ServerConfig,
    there: impl Fn() -> String + Send + Sync + 'static,
) -> Journey {
    let (teller, requests) = channel();
    let home = Site::acting(config, move |mut stream: Stream| {
        let request = read_request(&mut stream);
        let _ = teller.send(request.clone());
        if !request.starts_with("GET / ") {
            answer_upgrade(&mut stream, &request, "", b"");
        } else {
            let there = there();
            let answer =
                format!("HTTP/1.1 307 There\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
            finish(&mut stream);
        }
        read_out(&mut stream);
    });
    Journey { home, requests }
}

const HEADERS: [(&str, &str); 3] =
    [("Authorization", "Bearer canary"), ("Cookie", "c=canary"), ("X-Caller", "canary")];

/// Has a certificate, a credential and headers, and goes where it is led.
fn burdened(route: Route, root: &Authority, own: &Identity) -> Client {
    let client = client_by(route, Mode::Callback, root);
    client.set(WS_CONTROL_MAX_REDIRECTS, 5);
    set_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, own.pem().as_bytes());
    for (name, value) in HEADERS {
        client.set_header(name, value);
    }
    let (user, password) = (c"canary", c"canary");
    let which = WS_CREDENTIAL_SERVER;
    assert_eq!(ws_set_credential(client.socket, which, user.as_ptr(), password.as_ptr()), WS_OK);
    client
}

fn chain_seen(site: &Site) -> Chain {
    site.clients.recv_timeout(DEADLINE).unwrap()
}

// Bad servers, row 21.
#[test]
fn a_client_certificate_is_not_shown_to_another_origin() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let own = clients.issue(|_| {});
    for version in VERSIONS {
        let new = || asking(&root.issue(|_| {}), version, &clients);
        let other = leading(new(), || unreachable!());
        let there = other.home.uri("localhost") + "there";
        let home = leading(new(), move || there.clone());
        for route in ROUTES {
            let what = format!("{:?}, {route:?}", version.version);
            let mut client = burdened(route, &root, &own);
            assert_eq!(connect(&mut client, &home.home.uri("localhost")), WS_OK, "{what}");
            assert_eq!(chain_seen(&home.home), chain_of(&own), "{what}");
            assert!(home.requests.recv().unwrap().contains("canary"), "{what}");
            assert_eq!(chain_seen(&other.home), Chain::new(), "{what}");
            let request = other.requests.recv().unwrap();
            assert!(!request.contains("canary"), "{request}, {what}");
        }
        // One that lets nobody in without a certificate lets nobody in.
        let strict = Site::demanding(&root.issue(|_| {}), version, &clients);
        let there = strict.uri("localhost");
        let home = leading(new(), move || there.clone());
        for route in ROUTES {
            let mut client = burdened(route, &root, &own);
            let result = connect(&mut client, &home.home.uri("localhost"));
            assert_eq!(result, WS_E_CLIENT_AUTH_CERT_NEEDED, "{:?}, {route:?}", version.version);
            assert_eq!(client.error().phase, WS_ERROR_PHASE_TLS);
        }
    }
}

#[test]
fn another_name_of_the_same_server_is_another_origin_and_the_way_back_is_too_late() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let own = clients.issue(|_| {});
    for version in VERSIONS {
        let (teller, addresses) = channel::<String>();
        let addresses = std::sync::Mutex::new(addresses);
        let journey = leading(asking(&root.issue(|_| {}), version, &clients), move || {
            addresses.lock().unwrap().recv().unwrap()
        });
        for route in ROUTES {
            for (stations, shown) in [
                // From localhost to itself, to its address, and back.
                (&["localhost|there"][..], &[true, true][..]),
                (&["127.0.0.1|there"], &[true, false]),
                (&["127.0.0.1|", "localhost|back"], &[true, false, false]),
            ] {
                for station in stations {
                    let (host, path) = station.split_once('|').unwrap();
                    teller.send(journey.home.uri(host) + path).unwrap();
                }
                let mut client = burdened(route, &root, &own);
                assert_eq!(connect(&mut client, &journey.home.uri("localhost")), WS_OK);
                for is_shown in shown {
                    let expected = if *is_shown { chain_of(&own) } else { Chain::new() };
                    let what = format!("{stations:?}, {:?}, {route:?}", version.version);
                    assert_eq!(chain_seen(&journey.home), expected, "{what}");
                    let request = journey.requests.recv().unwrap();
                    assert_eq!(request.contains("canary"), *is_shown, "{what}");
                }
            }
        }
    }
}

/// A proxy inside TLS that shows `identity`.
fn proxy_with(config: rustls::ServerConfig) -> (Site, String) {
    let proxy = Site::acting(config, connect_secure);
    let uri = format!("https://localhost:{}", proxy.address.port());
    (proxy, uri)
}

fn behind(proxy: &str, root: &Authority) -> Client {
    let client = client_of(Mode::Callback, root);
    client.set_text(WS_CONTROL_PROXY, proxy);
    client
}

/// What both kinds of server are called; certificates of the second are bad.
fn origins(bad: &Identity) -> (Server, Site, [String; 2]) {
    let plain = Server::echo(Tls::No);
    let secure = Site::of(bad);
    let uris = [plain.uri(), secure.uri("localhost")];
    (plain, secure, uris)
}

#[test]
fn what_may_be_ignored_is_the_origins_and_not_the_proxys() {
    let root = Authority::new("the root");
    let expire =
        |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2021, 1, 1);
    let (_plain, _secure, uris) = origins(&root.issue(expire));
    for (bad, result) in [
        (root.issue(expire), WS_E_SEC_CERT_DATE_INVALID),
        (
            root.issue(|params| params.subject_alt_names = vec![dns("elsewhere.test")]),
            WS_E_SEC_CERT_CN_INVALID,
        ),
        (Identity::self_signed(|_| {}), WS_E_CERT_UNTRUSTEDROOT),
        (Authority::new("a stranger").issue(|_| {}), WS_E_CERT_UNTRUSTEDROOT),
    ] {
        for version in VERSIONS {
            let (proxy, at_proxy) = proxy_with(config(&bad, &[version], None));
            for uri in &uris {
                for mask in [0, ALL_IGNORABLE] {
                    let mut client = behind(&at_proxy, &root);
                    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
                    client.judge(Judgement::Accept);
                    assert_eq!(connect(&mut client, uri), result, "{uri}");
                    let error = client.error();
                    assert_eq!((error.result, error.phase), (result, WS_ERROR_PHASE_PROXY));
                }
            }
            assert!(proxy.clients.try_iter().next().is_none(), "nobody spoke to it");
        }
    }
    // Of the origin behind a good proxy it is ignored, and told.
    let (_proxy, at_proxy) = proxy_with(config(&root.issue(|_| {}), &VERSIONS, None));
    let mut client = behind(&at_proxy, &root);
    assert_eq!(connect(&mut client, &uris[1]), WS_E_SEC_CERT_DATE_INVALID);
    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, 1 << 3);
    assert_eq!(connect(&mut client, &uris[1]), WS_OK);
    assert_eq!(errors_of(&client), 1 << 3);
    converse(&client);
}

#[test]
fn a_proxy_that_asks_for_a_client_certificate_gets_none() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let own = clients.issue(|_| {});
    let with_own = |proxy: &str| {
        let client = behind(proxy, &root);
        set_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, own.pem().as_bytes());
        client
    };
    let plain = Server::echo(Tls::No);
    let demanding = |version: Version| config(&root.issue(|_| {}), &[version], Some(&clients));
    for version in VERSIONS {
        let secure = Site::demanding(&root.issue(|_| {}), version, &clients);
        let (proxy, at_proxy) = proxy_with(asking(&root.issue(|_| {}), version, &clients));
        for uri in [plain.uri(), secure.uri("localhost")] {
            let mut client = with_own(&at_proxy);
            assert_eq!(connect(&mut client, &uri), WS_OK, "{uri}, {:?}", version.version);
            converse(&client);
            assert_eq!(chain_seen(&proxy), Chain::new(), "{uri}, {:?}", version.version);
        }
        assert_eq!(chain_seen(&secure), chain_of(&own), "the origin behind it gets it");
        let (_proxy, at_proxy) = proxy_with(demanding(version));
        for uri in [plain.uri(), secure.uri("localhost")] {
            let mut client = with_own(&at_proxy);
            assert_eq!(connect(&mut client, &uri), WS_E_CLIENT_AUTH_CERT_NEEDED);
            assert_eq!(client.error().phase, WS_ERROR_PHASE_PROXY);
        }
    }
}

#[test]
fn the_application_is_asked_about_the_origin_and_never_about_the_proxy() {
    let root = Authority::new("the root");
    let (plain, leaf) = (Server::echo(Tls::No), root.issue(|_| {}));
    let secure = Site::of(&leaf);
    let (_proxy, at_proxy) = proxy_with(config(&root.issue(|_| {}), &VERSIONS, None));
    let mut client = behind(&at_proxy, &root);
    client.judge(Judgement::Reject);
    assert_eq!(connect(&mut client, &plain.uri()), WS_OK, "there is nobody to be asked about");
    converse(&client);
    for (how, result) in [(Judgement::Accept, WS_OK), (Judgement::Reject, WS_E_SECURITY_PROBLEM)] {
        let mut client = behind(&at_proxy, &root);
        client.judge(how);
        client.connect(&secure.uri("localhost"));
        assert!(matches!(client.next(), Told::Validation(_)));
        let shown = bytes_of(&client, WS_INFORMATION_SERVER_CERTIFICATE, 0);
        assert_eq!(shown, Ok(leaf.chain[0].to_vec()));
        assert_eq!(client.connect_result(), result);
        let phase = if result == WS_OK { WS_ERROR_PHASE_NONE } else { WS_ERROR_PHASE_TLS };
        assert_eq!(client.error().phase, phase);
        assert_eq!(client.free(), [], "asked once");
    }
}

#[test]
fn pins_are_the_origins_and_revocation_lists_are_for_both() {
    let (root, other) = (Authority::new("the root"), Authority::new("of the proxy"));
    let (leaf, of_proxy) = (root.issue(|_| {}), other.issue(|_| {}));
    let secure = Site::of(&leaf);
    let plain = Server::echo(Tls::No);
    let (_proxy, at_proxy) = proxy_with(config(&of_proxy, &VERSIONS, None));
    let client = |pins: &str, lists: &str| {
        let client = trusting(Mode::Callback, &(root.pem.clone() + &other.pem));
        client.set_text(WS_CONTROL_PROXY, &at_proxy);
        client.set_text(WS_CONTROL_PINNED_PUBLIC_KEYS, pins);
        set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, lists.as_bytes());
        client
    };
    let (uri, plain) = (secure.uri("localhost"), plain.uri());
    let [ours, proxys] = [&leaf, &of_proxy].map(|identity| pin(identity.key()));
    assert_eq!(connect(&mut client(&ours, ""), &uri), WS_OK);
    assert_eq!(connect(&mut client(&ours, ""), &plain), WS_OK);
    let mut pinned = client(&proxys, "");
    assert_eq!(connect(&mut pinned, &uri), WS_E_SECURITY_PROBLEM);
    assert_eq!(pinned.error().phase, WS_ERROR_PHASE_TLS);

    // A list of the origin's authority has nothing to say of the proxy.
    let nothing = root.revoke(&[], (2020, 2090));
    assert_eq!(connect(&mut client("", &nothing), &uri), WS_OK);
    let list = nothing + &other.revoke(&[&of_proxy.serial], (2020, 2090));
    for uri in [&uri, &plain] {
        let mut revoked = client("", &list);
        revoked.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, ALL_IGNORABLE);
        assert_eq!(connect(&mut revoked, uri), WS_E_SEC_CERT_REVOKED);
        assert_eq!(revoked.error().phase, WS_ERROR_PHASE_PROXY);
    }
}
