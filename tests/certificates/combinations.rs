//! Several faults at once: all are told, the result is that of the gravest that is not ignored, and
//! none is ignored on behalf of another.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::*;
use crate::site::Site;
use crate::support::client::Judgement;
use crate::workshop::{Identity, dns};

const UNTRUSTED: u64 = 1 << 1;
const EXPIRED: u64 = 1 << 3;
const INCOMPLETE: u64 = 1 << 4;
const USAGE: u64 = 1 << 6;
const NAME: u64 = 1 << 7;

/// Faults by their bits, the gravest first, with what each comes to.
const FAULTS: [(u64, ws_result); 4] = [
    (UNTRUSTED | INCOMPLETE, WS_E_CERT_UNTRUSTEDROOT),
    (USAGE, WS_E_CERT_WRONG_USAGE),
    (NAME, WS_E_SEC_CERT_CN_INVALID),
    (EXPIRED, WS_E_SEC_CERT_DATE_INVALID),
];

fn with_faults(errors: u64, root: &Authority, stranger: &Authority) -> Identity {
    let issuer = if errors & UNTRUSTED == 0 { root } else { stranger };
    issuer.issue(|params| {
        if errors & EXPIRED != 0 {
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        if errors & USAGE != 0 {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        if errors & NAME != 0 {
            params.subject_alt_names = vec![dns("elsewhere.test")];
        }
    })
}

/// Connects with every subset of what is wrong ignored.
#[test]
fn every_combination_passes_only_when_all_of_it_is_ignored() {
    let (root, stranger) = (Authority::new("the root"), Authority::new("a stranger"));
    for present in 0..1 << FAULTS.len() {
        let of = |which: u32| FAULTS.iter().enumerate().filter(move |(at, _)| which >> at & 1 == 1);
        let errors = of(present).fold(0, |errors, (_, (bits, _))| errors | bits);
        let site = Site::of(&with_faults(errors, &root, &stranger));
        for ignored in 0..1 << FAULTS.len() {
            let mask = of(ignored).fold(0, |mask, (_, (bits, _))| mask | bits);
            let left = of(present & !ignored).next();
            let expected = left.map_or(WS_OK, |(_, (_, result))| *result);
            let mut client = client_of(Mode::Callback, &root);
            client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
            let result = connect(&mut client, &site.uri("localhost"));
            assert_eq!(result, expected, "{errors:#x} but {mask:#x}: {result:#x}");
            assert_eq!(errors_of(&client), errors, "{errors:#x} but {mask:#x}");
            assert_eq!(severity_of(&client), u64::from(errors != 0));
        }
    }
}

#[test]
fn what_is_fatal_is_found_behind_what_is_ignored() {
    let (root, stranger) = (Authority::new("the root"), Authority::new("a stranger"));
    let bad = |params: &mut rcgen::CertificateParams| {
        params.not_after = date_time_ymd(2021, 1, 1);
        params.subject_alt_names = vec![dns("elsewhere.test")];
    };
    let forged = root.issue(bad).forged();
    let revoked = stranger.issue(bad);
    let list = stranger.revoke(&[&revoked.serial], (2020, 2090));
    let forged_and_self_signed = Identity::self_signed(bad).forged();
    for (identity, list, result, errors) in [
        (&forged, "", WS_E_TRUST_CERT_SIGNATURE, 1 << 5 | EXPIRED | NAME),
        (&forged_and_self_signed, "", WS_E_TRUST_CERT_SIGNATURE, 1 << 5 | EXPIRED | NAME),
        (
            &revoked,
            list.as_str(),
            WS_E_SEC_CERT_REVOKED,
            1 << 2 | UNTRUSTED | INCOMPLETE | EXPIRED | NAME,
        ),
    ] {
        let site = Site::of(identity);
        let mut client = client_of(Mode::Callback, &root);
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, ALL_IGNORABLE);
        set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, list.as_bytes());
        assert_eq!(connect(&mut client, &site.uri("localhost")), result);
        assert_eq!((errors_of(&client), severity_of(&client)), (errors, 2));
    }
}

#[test]
fn faults_of_authorities_count_as_well() {
    let root = Authority::new("the root");
    let old = root.authority("old", |params| params.not_after = date_time_ymd(2021, 1, 1));
    // Their times have nothing in common.
    let early = old.issue(|params| params.not_before = date_time_ymd(2080, 1, 1));
    let for_mail = root.authority("mail", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    });
    let constrained = root.authority("constrained", |params| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("elsewhere.test".to_owned())],
            excluded_subtrees: vec![],
        });
    });
    let last = root.authority("last", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    let below_last = last.authority("below the last", |_| {});
    for (identity, errors) in [
        (old.issue(|_| {}).below(&[&old]), EXPIRED),
        (early.below(&[&old]), EXPIRED),
        (for_mail.issue(|_| {}).below(&[&for_mail]), USAGE),
        (constrained.issue(|_| {}).below(&[&constrained]), NAME),
        (below_last.issue(|_| {}).below(&[&below_last, &last]), 1 << 9),
    ] {
        let site = Site::of(&identity);
        for (mask, passes) in [(0, false), (ALL_IGNORABLE & !errors, false), (errors, true)] {
            let mut client = client_of(Mode::Callback, &root);
            client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
            assert_eq!(connect(&mut client, &site.uri("localhost")) == WS_OK, passes, "{mask:#x}");
            assert_eq!(errors_of(&client), errors);
        }
    }
}

#[test]
fn the_application_is_asked_after_faults_were_ignored_and_can_refuse() {
    let site = Site::of(&Identity::self_signed(|_| {}));
    for (mask, how, result) in [
        (UNTRUSTED, Judgement::Accept, WS_OK),
        (UNTRUSTED, Judgement::Reject, WS_E_SECURITY_PROBLEM),
    ] {
        let mut client = client_of(Mode::Callback, &Authority::new("the root"));
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
        client.judge(how);
        client.connect(&site.uri("localhost"));
        assert!(matches!(client.next(), support::client::Told::Validation(_)));
        assert_eq!(client.connect_result(), result);
        assert_eq!(errors_of(&client), UNTRUSTED);
    }
    // What is not ignored is never asked about.
    let mut client = client_of(Mode::Callback, &Authority::new("the root"));
    client.judge(Judgement::Accept);
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_E_CERT_UNTRUSTEDROOT);
}
