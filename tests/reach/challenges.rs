//! The server asks who is there: a credential is sent when it is asked for, once, and no further.

use super::*;
use crate::digest::{Hash, is_right};
use crate::site::{Reply, all, challenge, header, path, redirect, site};
use crate::support::route::{Way, ways_to};
use crate::support::server::BOTH;

const BASIC: &str = "Basic realm=\"a realm, with a comma\", charset=\"UTF-8\"";
const MD5: &str = "Digest realm=\"r\", nonce=\"n-md5\", qop=\"auth\"";
const SHA256: &str =
    "Digest realm=\"r\", nonce=\"n-sha\", qop=\"auth\", algorithm=SHA-256, opaque=\"o\"";

fn knowing(way: Way, password: &str) -> Client {
    let client = way.client();
    set_credential(&client, WS_CREDENTIAL_SERVER, "us\u{e9}r", password);
    client
}

/// Which challenge a request answers with the password `pass`.
fn answered(request: &str) -> Option<&'static str> {
    let name = "Authorization";
    let (user, password) = ("us\u{e9}r", "pass");
    let basic = format!("Basic {}", data_encoding::BASE64.encode("us\u{e9}r:pass".as_bytes()));
    if header(request, name) == Some(&basic) {
        return Some(BASIC);
    }
    if is_right(request, name, Hash::Md5, (user, password, "n-md5")) {
        return Some(MD5);
    }
    is_right(request, name, Hash::Sha256, (user, password, "n-sha")).then_some(SHA256)
}

// Bad servers, row 24.
#[test]
fn each_kind_of_challenge_is_answered_and_the_strongest_alone() {
    let offers: [(&[&str], &str); 6] = [
        (&[BASIC], BASIC),
        (&[MD5], MD5),
        (&[SHA256], SHA256),
        (&[BASIC, MD5, SHA256], SHA256),
        (&["Negotiate", MD5, BASIC], MD5),
        (&["Bearer realm=\"x\", error=\"y\", Basic realm=\"z\""], BASIC),
    ];
    for tls in BOTH {
        for (offer, expected) in offers {
            let (server, told) = site(tls, move |request| match answered(request) {
                Some(answer) if answer == expected => Reply::Echo,
                _ => challenge(offer),
            });
            for way in ways_to(tls) {
                let mut client = knowing(way, "pass");
                client.connect(&server.uri_of("/room?who=me"));
                assert_talks(client);
                let requests = all(&told);
                assert_eq!(requests.len(), 2, "{offer:?}");
                assert_eq!(header(&requests[0], "Authorization"), None);
                assert_eq!(path(&requests[1]), "/room?who=me");
            }
        }
    }
}

// Bad servers, row 24.
#[test]
fn a_wrong_password_is_tried_once() {
    for tls in BOTH {
        for offer in [&[BASIC][..], &[MD5], &[SHA256], &[BASIC, MD5, SHA256]] {
            let (server, told) = site(tls, move |request| match answered(request) {
                Some(_) => Reply::Echo,
                None => challenge(offer),
            });
            for way in ways_to(tls) {
                let mut client = knowing(way, "wrong");
                client.connect(&server.uri());
                assert_fails(&client, http_status(401), WS_ERROR_PHASE_HTTP);
                assert_eq!(client.error().http_status, 401);
                let requests = all(&told);
                assert_eq!(requests.len(), 2);
                assert!(header(&requests[1], "Authorization").is_some());
                // The password itself is nowhere to be read.
                assert!(!text_of(&client.error()).contains("wrong"));
            }
        }
    }
}

#[test]
fn without_a_credential_a_challenge_is_its_status() {
    for tls in BOTH {
        let (server, told) = site(tls, |_| challenge(&[BASIC, SHA256]));
        for way in ways_to(tls) {
            let mut client = way.client();
            set_credential(&client, WS_CREDENTIAL_PROXY, "user", "canary");
            client.connect(&server.uri());
            assert_fails(&client, http_status(401), WS_ERROR_PHASE_HTTP);
            assert_eq!(client.response_header("WWW-Authenticate", 0).unwrap(), BASIC);
            assert_eq!(client.response_header("WWW-Authenticate", 1).unwrap(), SHA256);
            assert_eq!(all(&told).len(), 1);
        }
    }
}

// Bad servers, row 24.
#[test]
fn what_cannot_be_answered_is_not_asked_again() {
    for tls in BOTH {
        for offer in [
            &[][..],
            &["Negotiate"],
            &["Bearer realm=\"x\""],
            &["Digest realm=\"r\", nonce=\"n\", algorithm=SHA3-512, qop=\"auth\""],
            &["Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""],
            &["=,=,\"\""],
        ] {
            let (server, told) = site(tls, move |_| challenge(offer));
            for way in ways_to(tls) {
                let mut client = knowing(way, "pass");
                client.connect(&server.uri());
                assert_fails(&client, http_status(401), WS_ERROR_PHASE_HTTP);
                assert_eq!(all(&told).len(), 1, "{offer:?}");
            }
        }
    }
}

// Bad servers, row 24.
#[test]
fn floods_of_challenges_cost_one_more_request_at_most() {
    let long = format!("Basic realm=\"{}\"", "x".repeat(60 * 1024));
    let offers = [vec![BASIC.to_owned(); 60], vec![BASIC.to_owned(); 1000], vec![long]];
    for tls in BOTH {
        for offer in offers.clone() {
            let count = offer.len();
            let (server, told) = site(tls, move |_| {
                challenge(&offer.iter().map(String::as_str).collect::<Vec<_>>())
            });
            for way in ways_to(tls) {
                let mut client = knowing(way, "pass");
                client.connect(&server.uri());
                let result = client.connect_result();
                let is_expected =
                    result == http_status(401) || result == WS_E_INVALID_SERVER_RESPONSE;
                assert!(is_expected, "{result:#x} for {count}");
                assert!(matches!(all(&told).len(), 1 | 2));
            }
        }
    }
}

#[test]
fn a_credential_is_not_sent_unasked() {
    for tls in BOTH {
        let (server, told) = site(tls, |_| Reply::Echo);
        for way in ways_to(tls) {
            let mut client = knowing(way, "canary");
            set_credential(&client, WS_CREDENTIAL_PROXY, "canary", "canary");
            client.connect(&server.uri());
            assert_talks(client);
            let requests = all(&told);
            assert!(requests.len() == 1 && !requests[0].contains("uthorization"));
        }
    }
}

#[test]
fn an_authorization_of_the_applications_own_is_sent_at_once_and_replaced_by_an_answer() {
    for tls in BOTH {
        let (server, told) = site(tls, |request| {
            match (path(request), header(request, "Authorization"), answered(request)) {
                ("/token", Some("Bearer by-hand"), _) => Reply::Echo,
                ("/basic", _, Some(_)) => Reply::Echo,
                _ => challenge(&[BASIC]),
            }
        });
        for (path, requests) in [("/token", 1), ("/basic", 2)] {
            for way in ways_to(tls) {
                let mut client = knowing(way, "pass");
                client.set_header("Authorization", "Bearer by-hand");
                client.connect(&server.uri_of(path));
                assert_talks(client);
                let told = all(&told);
                assert_eq!(told.len(), requests, "{path}");
                assert_eq!(header(&told[0], "Authorization"), Some("Bearer by-hand"));
                let lines = told.last().unwrap().lines();
                assert_eq!(lines.filter(|line| line.starts_with("Authorization: ")).count(), 1);
            }
        }
    }
}

#[test]
fn after_a_redirect_on_the_same_origin_a_challenge_is_answered_again() {
    for tls in BOTH {
        let (server, told) = site(tls, |request| match (path(request), answered(request)) {
            ("/new", Some(SHA256)) => Reply::Echo,
            ("/old", Some(BASIC)) => redirect(302, "/new"),
            ("/old", _) => challenge(&[BASIC]),
            _ => challenge(&[SHA256]),
        });
        for way in ways_to(tls) {
            let mut client = knowing(way, "pass");
            client.set(WS_CONTROL_MAX_REDIRECTS, 3);
            client.connect(&server.uri_of("/old"));
            assert_talks(client);
            assert_eq!(all(&told).len(), 4);
        }
    }
}

#[test]
fn a_socket_whose_password_was_wrong_can_be_given_the_right_one() {
    for tls in BOTH {
        let (server, _) = site(tls, |request| match answered(request) {
            Some(_) => Reply::Echo,
            None => challenge(&[MD5]),
        });
        for way in ways_to(tls) {
            let mut client = knowing(way, "wrong");
            client.connect(&server.uri());
            assert_fails(&client, http_status(401), WS_ERROR_PHASE_HTTP);
            set_credential(&client, WS_CREDENTIAL_SERVER, "us\u{e9}r", "pass");
            client.connect(&server.uri());
            assert_talks(client);
        }
    }
}
