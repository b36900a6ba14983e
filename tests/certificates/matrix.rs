//! One fault at a time: what is told of it, and that its own bits, all of them, let it pass.

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

use super::*;
use crate::site::{Site, VERSIONS};
use crate::support::client::MODES;
use crate::workshop::{Identity, dns, here};

struct Row {
    name: &'static str,
    identity: Identity,
    /// In PEM.
    revoked: String,
    host: &'static str,
    result: ws_result,
    /// Bits of ChainValidationResult.
    errors: u64,
}

/// What a certificate is like under one host name or address.
struct Fault(ws_result, u64);

const GOOD: Fault = Fault(WS_OK, 0);
const DATE: Fault = Fault(WS_E_SEC_CERT_DATE_INVALID, 1 << 3);
const NAME: Fault = Fault(WS_E_SEC_CERT_CN_INVALID, 1 << 7);
const USAGE: Fault = Fault(WS_E_CERT_WRONG_USAGE, 1 << 6);
const SELF_SIGNED: Fault = Fault(WS_E_CERT_UNTRUSTEDROOT, 1 << 1);
const NO_ISSUER: Fault = Fault(WS_E_CERT_UNTRUSTEDROOT, 1 << 1 | 1 << 4);
const SIGNATURE: Fault = Fault(WS_E_TRUST_CERT_SIGNATURE, 1 << 5);
const REVOKED: Fault = Fault(WS_E_SEC_CERT_REVOKED, 1 << 2);
const CONSTRAINTS: Fault = Fault(WS_E_SEC_CERT_ERRORS, 1 << 9);
const EXTENSION: Fault = Fault(WS_E_SEC_CERT_ERRORS, 1 << 10);

fn rows(root: &Authority) -> Vec<Row> {
    let stranger = Authority::new("a stranger");
    let between = root.authority("between", |_| {});
    let mut rows = Vec::new();
    let mut add = |name, make: &dyn Fn() -> Identity, hosts: &[(&'static str, Fault)]| {
        for (host, Fault(result, errors)) in hosts {
            let identity = make();
            let revoked = match *result {
                WS_E_SEC_CERT_REVOKED => root.revoke(&[&identity.serial], (2020, 2090)),
                _ => String::new(),
            };
            rows.push(Row { name, identity, revoked, host, result: *result, errors: *errors });
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
    add("revoked", &|| root.issue(|_| {}), &both(|| REVOKED));
    rows
}

fn judged(row: &Row, root: &Authority, uri: &str, mask: u64) -> (ws_result, u64, u64) {
    let mut client = client_of(Mode::Callback, root);
    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
    set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, row.revoked.as_bytes());
    let result = connect(&mut client, uri);
    if result == WS_OK {
        converse(&client);
    } else {
        let error = client.error();
        assert_eq!((error.result, error.phase), (result, WS_ERROR_PHASE_TLS));
        assert_eq!(u64::from(error.certificate_errors), errors_of(&client));
    }
    (result, errors_of(&client), severity_of(&client))
}

#[test]
fn each_fault_is_told_and_passes_only_with_its_own_bits() {
    let root = Authority::new("the root");
    for version in VERSIONS {
        for row in rows(&root) {
            let site = Site::with_version(&row.identity, version);
            let uri = site.uri(row.host);
            let place = format!("{}, {}, {:?}", row.name, row.host, version.version);
            let is_fatal = row.errors & !ALL_IGNORABLE != 0;
            let severity = match row.errors {
                0 => 0,
                _ if is_fatal => 2,
                _ => 1,
            };
            let refused = (row.result, row.errors, severity);
            let accepted = (WS_OK, row.errors, severity);
            assert_eq!(judged(&row, &root, &uri, 0), refused, "{place}, nothing ignored");
            let passes = |passes| if passes { accepted } else { refused };
            let exact = row.errors & ALL_IGNORABLE;
            assert_eq!(judged(&row, &root, &uri, exact), passes(!is_fatal), "{place}, exact");
            let all = judged(&row, &root, &uri, ALL_IGNORABLE);
            assert_eq!(all, passes(!is_fatal), "{place}, all ignored");
            let others = judged(&row, &root, &uri, ALL_IGNORABLE & !row.errors);
            assert_eq!(others, passes(row.errors == 0), "{place}, all others ignored");
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
