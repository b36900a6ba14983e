//! One fault at a time: what is told of it, and that its own bits, all of them, let it pass.

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

use super::*;
use rustls::version::TLS12;

use crate::site::{Site, VERSIONS, Version};
use crate::support::client::MODES;
use crate::support::route::{ROUTES, Route};
use crate::workshop::{Identity, dns, here, pem as pem_of};

struct Row {
    name: &'static str,
    identity: Identity,
    /// In PEM.
    revoked: String,
    host: &'static str,
    result: ws_result,
    status: ws_web_error_status,
    /// Bits of ChainValidationResult.
    errors: u64,
}

/// What a certificate is like under one host name or address: the result, what the original calls
/// its status, and the bits.
struct Fault(ws_result, ws_web_error_status, u64);

const GOOD: Fault = Fault(WS_OK, 0, 0);
const DATE: Fault = Fault(WS_E_SEC_CERT_DATE_INVALID, 2, 1 << 3);
const NAME: Fault = Fault(WS_E_SEC_CERT_CN_INVALID, 1, 1 << 7);
const USAGE: Fault = Fault(WS_E_CERT_WRONG_USAGE, 3, 1 << 6);
const SELF_SIGNED: Fault = Fault(WS_E_CERT_UNTRUSTEDROOT, 5, 1 << 1);
const NO_ISSUER: Fault = Fault(WS_E_CERT_UNTRUSTEDROOT, 5, 1 << 1 | 1 << 4);
const SIGNATURE: Fault = Fault(WS_E_TRUST_CERT_SIGNATURE, 3, 1 << 5);
const REVOKED: Fault = Fault(WS_E_SEC_CERT_REVOKED, 4, 1 << 2);
const CONSTRAINTS: Fault = Fault(WS_E_SEC_CERT_ERRORS, 3, 1 << 9);
const UNREADABLE: Fault = Fault(WS_E_SEC_INVALID_CERT, 5, 1 << 5 | 1 << 13);
const EXTENSION: Fault = Fault(WS_E_SEC_CERT_ERRORS, 3, 1 << 10);

fn rows(root: &Authority) -> Vec<Row> {
    let stranger = Authority::new("a stranger");
    let between = root.authority("between", |_| {});
    let mut rows = Vec::new();
    let mut add = |name, make: &dyn Fn() -> Identity, hosts: &[(&'static str, Fault)]| {
        for (host, Fault(result, status, errors)) in hosts {
            let identity = make();
            let revoked = match *result {
                WS_E_SEC_CERT_REVOKED => root.revoke(&[&identity.serial], (2020, 2090)),
                _ => String::new(),
            };
            let (result, status, errors) = (*result, *status, *errors);
            rows.push(Row { name, identity, revoked, host, result, status, errors });
        }
    };
    let both = |fault: fn() -> Fault| [("localhost", fault()), ("127.0.0.1", fault())];
    add("valid", &|| root.issue(|_| {}), &both(|| GOOD));
    let below = || between.issue(|_| {}).below(&[&between]);
    add("below an intermediate", &below, &both(|| GOOD));
    let with_root = || between.issue(|_| {}).below(&[&between, root]);
    add("with its root", &with_root, &both(|| GOOD));
    let expired = || root.issue(|params| params.not_after = date_time_ymd(2021, 1, 1));
    add("expired", &expired, &both(|| DATE));
    let early = || root.issue(|params| params.not_before = date_time_ymd(2080, 1, 1));
    add("not yet valid", &early, &both(|| DATE));
    let elsewhere = || root.issue(|params| params.subject_alt_names = vec![dns("elsewhere.test")]);
    add("another name", &elsewhere, &both(|| NAME));
    let wild = || root.issue(|params| params.subject_alt_names = vec![dns("*.wild.localhost")]);
    add(
        "wildcard",
        &wild,
        &[
            ("one.wild.localhost", GOOD),
            ("ONE.WILD.localhost", GOOD),
            ("two.one.wild.localhost", NAME),
            ("wild.localhost", NAME),
            ("127.0.0.1", NAME),
        ],
    );
    let by_address = || root.issue(|params| params.subject_alt_names = vec![here()]);
    add("address alone", &by_address, &[("127.0.0.1", GOOD), ("localhost", NAME)]);
    let by_name =
        || root.issue(|params| params.subject_alt_names = vec![dns("localhost"), dns("127.0.0.1")]);
    add("an address as a name", &by_name, &[("127.0.0.1", NAME), ("localhost", GOOD)]);
    let nameless = || root.issue(|params| params.subject_alt_names.clear());
    add("common name only", &nameless, &both(|| NAME));
    add("self-signed", &|| Identity::self_signed(|_| {}), &both(|| SELF_SIGNED));
    let authority = || {
        Identity::self_signed(|params| {
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        })
    };
    add("self-signed authority", &authority, &both(|| SELF_SIGNED));
    add("unknown root", &|| stranger.issue(|_| {}), &both(|| NO_ISSUER));
    let with_stranger = || stranger.issue(|_| {}).below(&[&stranger]);
    add("unknown root, shown", &with_stranger, &both(|| SELF_SIGNED));
    add("missing intermediate", &|| between.issue(|_| {}), &both(|| NO_ISSUER));
    let for_clients = || {
        root.issue(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    };
    add("for clients", &for_clients, &both(|| USAGE));
    let is_authority =
        || root.issue(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    add("an authority", &is_authority, &both(|| CONSTRAINTS));
    let critical = || {
        root.issue(|params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
        })
    };
    add("a critical extension", &critical, &both(|| EXTENSION));
    add("forged", &|| root.issue(|_| {}).forged(), &both(|| SIGNATURE));
    let garbage = || {
        let mut identity = root.issue(|_| {});
        identity.chain[0] = b"no certificate at all".to_vec().into();
        identity
    };
    add("unreadable", &garbage, &both(|| UNREADABLE));
    add("revoked", &|| root.issue(|_| {}), &both(|| REVOKED));
    rows
}

struct Visit<'a> {
    row: &'a Row,
    root: &'a Authority,
    version: Version,
    uri: String,
    route: Route,
}

fn judged(visit: &Visit<'_>, mask: u64) -> (ws_result, u64, u64) {
    let Visit { row, root, version, uri, route } = visit;
    let mut client = client_by(*route, Mode::Callback, root);
    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
    set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, row.revoked.as_bytes());
    let result = connect(&mut client, uri);
    let error = client.error();
    if result == WS_OK {
        converse(&client);
    } else {
        assert_eq!((error.result, error.phase), (result, WS_ERROR_PHASE_TLS));
        assert_eq!(error.web_error_status, row.status, "{result:#x}, {}", row.name);
        assert_eq!(u64::from(error.certificate_errors), errors_of(&client));
        assert_ne!(error.text[0], 0);
    }
    // Who it was can be read, whatever came of it.
    let shown = &row.identity.chain;
    assert_eq!(bytes_of(&client, WS_INFORMATION_SERVER_CERTIFICATE, 0), Ok(shown[0].to_vec()));
    let which = WS_INFORMATION_SERVER_INTERMEDIATE_CERTIFICATES;
    for (index, certificate) in (0..).zip(&shown[1..]) {
        assert_eq!(bytes_of(&client, which, index), Ok(certificate.to_vec()));
    }
    assert_eq!(bytes_of(&client, which, shown.len() as u32 - 1), Err(WS_E_BOUNDS));
    let name = if version.version == TLS12.version { "TLS 1.2" } else { "TLS 1.3" };
    assert_eq!(client.text(WS_INFORMATION_TLS_VERSION), name);
    assert!(client.text(WS_INFORMATION_TLS_CIPHER_SUITE).starts_with("TLS_"));
    (result, errors_of(&client), severity_of(&client))
}

// Bad servers, rows 28 to 31.
#[test]
fn each_fault_is_told_and_passes_only_with_its_own_bits() {
    let root = Authority::new("the root");
    for version in VERSIONS {
        for row in rows(&root) {
            let site = Site::with_version(&row.identity, version);
            let is_fatal = row.errors & !ALL_IGNORABLE != 0;
            let severity = match row.errors {
                0 => 0,
                _ if is_fatal => 2,
                _ => 1,
            };
            let refused = (row.result, row.errors, severity);
            let accepted = (WS_OK, row.errors, severity);
            let passes = |passes| if passes { accepted } else { refused };
            let exact = row.errors & ALL_IGNORABLE;
            for route in ROUTES {
                let place = format!("{}, {}, {:?}, {route:?}", row.name, row.host, version.version);
                let uri = site.uri(row.host);
                let visit = Visit { row: &row, root: &root, version, uri, route };
                assert_eq!(judged(&visit, 0), refused, "{place}, nothing ignored");
                assert_eq!(judged(&visit, exact), passes(!is_fatal), "{place}, exact");
                let all = judged(&visit, ALL_IGNORABLE);
                assert_eq!(all, passes(!is_fatal), "{place}, all ignored");
                let others = judged(&visit, ALL_IGNORABLE & !row.errors);
                assert_eq!(others, passes(row.errors == 0), "{place}, all others ignored");
            }
        }
    }
}

// Bad servers, row 30. `openssl ca` made them: an authority of RSA with 2048 bits that signs with
// SHA-1, and one with 1024 bits.
#[test]
fn signatures_that_nobody_accepts_any_more_are_refused_whatever_is_ignored() {
    for pem in [include_str!("chain-sha1.pem"), include_str!("chain-rsa1024.pem")] {
        let identity = Identity::read(pem);
        let authority = pem_of("CERTIFICATE", &identity.chain[1]);
        for version in VERSIONS {
            let site = Site::with_version(&identity, version);
            for route in ROUTES {
                for mask in [0, ALL_IGNORABLE] {
                    let mut client = trusting(Mode::Callback, &(pki().ca_pem.clone() + &authority));
                    client.set_text(WS_CONTROL_PROXY, &route.proxy());
                    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
                    let result = connect(&mut client, &site.uri("localhost"));
                    assert_eq!(result, WS_E_TRUST_CERT_SIGNATURE, "{result:#x}");
                    assert_eq!((errors_of(&client), severity_of(&client)), (1 << 5, 2));
                }
            }
        }
    }
}

#[test]
fn a_chain_without_an_issuer_needs_both_of_its_bits() {
    let (root, stranger) = (Authority::new("the root"), Authority::new("a stranger"));
    let site = Site::of(&stranger.issue(|_| {}));
    for mask in [1 << 1, 1 << 4] {
        let mut client = client_of(Mode::Callback, &root);
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
        assert_eq!(connect(&mut client, &site.uri("localhost")), WS_E_CERT_UNTRUSTEDROOT);
    }
}

#[test]
fn what_was_ignored_is_told_in_every_mode() {
    let site = Site::of(&Identity::self_signed(|_| {}));
    for mode in MODES {
        let mut client = client_of(mode, &Authority::new("the root"));
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, 1 << 1);
        assert_eq!(connect(&mut client, &site.uri("127.0.0.1")), WS_OK);
        client.begin_pulling();
        converse(&client);
        assert_eq!((errors_of(&client), severity_of(&client)), (1 << 1, 1));
        assert_eq!(client.error().certificate_errors, 0, "nothing has failed");
    }
}

#[test]
fn before_tls_and_without_it_there_is_nothing_wrong() {
    let client = client_of(Mode::Callback, &Authority::new("the root"));
    assert_eq!((errors_of(&client), severity_of(&client)), (0, 0));
    let plain = support::server::Server::echo(support::server::Tls::No);
    let client = Client::connected(Mode::Callback, &plain.uri());
    assert_eq!((errors_of(&client), severity_of(&client)), (0, 0));
}
