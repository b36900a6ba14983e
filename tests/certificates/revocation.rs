//! Revocation lists that the application gives.

use super::*;
use crate::site::Site;
use crate::workshop::{Identity, pem};

const MISSING: u64 = 1 << 11;
const FAILURE: u64 = 1 << 12;
const REVOKED: u64 = 1 << 2;

fn with_lists(root: &Authority, lists: &str, mask: u64, site: &Site) -> (ws_result, u64) {
    let mut client = client_of(Mode::Callback, root);
    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, mask);
    set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, lists.as_bytes());
    let result = connect(&mut client, &site.uri("localhost"));
    (result, errors_of(&client))
}

// Bad servers, row 31.
#[test]
fn a_revoked_certificate_is_refused_whatever_is_ignored() {
    let root = Authority::new("the root");
    let (good, bad) = (root.issue(|_| {}), root.issue(|_| {}));
    let list = root.revoke(&[&bad.serial], (2020, 2090));
    let (at_good, at_bad) = (Site::of(&good), Site::of(&bad));
    for mask in [0, ALL_IGNORABLE] {
        let refused = (WS_E_SEC_CERT_REVOKED, REVOKED);
        assert_eq!(with_lists(&root, &list, mask, &at_bad), refused);
        assert_eq!(with_lists(&root, &list, mask, &at_good), (WS_OK, 0));
    }
    let mut client = client_of(Mode::Callback, &root);
    set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, list.as_bytes());
    assert_eq!(connect(&mut client, &at_bad.uri("localhost")), WS_E_SEC_CERT_REVOKED);
    let error = client.error();
    assert_eq!((error.web_error_status, error.phase), (4, WS_ERROR_PHASE_TLS));
}

#[test]
fn lists_that_do_not_cover_or_do_not_hold_are_told_apart() {
    let (root, other) = (Authority::new("the root"), Authority::new("another"));
    let impostor = Authority::new("the root");
    let leaf = root.issue(|_| {});
    let site = Site::of(&leaf);
    let revoke = |issuer: &Authority, years| issuer.revoke(&[], years);
    let good = revoke(&root, (2020, 2090));
    let expired = revoke(&root, (2020, 2021));
    let early = revoke(&root, (2080, 2090));
    let foreign = revoke(&other, (2020, 2090));
    let forged = impostor.revoke(&[&leaf.serial], (2020, 2090));
    for (lists, result, errors) in [
        (good.clone(), WS_OK, 0),
        (foreign.clone(), WS_E_CRYPT_NO_REVOCATION_CHECK, MISSING),
        (expired.clone(), WS_E_SEC_CERT_REV_FAILED, FAILURE),
        (early.clone(), WS_E_SEC_CERT_REV_FAILED, FAILURE),
        (forged.clone(), WS_E_SEC_CERT_REV_FAILED, FAILURE),
        // One good list is enough.
        (expired.clone() + &good, WS_OK, 0),
        (good.clone() + &forged + &early, WS_OK, 0),
        (foreign + &good, WS_OK, 0),
    ] {
        assert_eq!(with_lists(&root, &lists, 0, &site), (result, errors));
        assert_eq!(with_lists(&root, &lists, errors, &site), (WS_OK, errors));
    }
    // What an expired list revokes stays revoked.
    let old = root.revoke(&[&leaf.serial], (2020, 2021));
    let both = old.clone() + &good;
    for lists in [old, both] {
        let refused = (WS_E_SEC_CERT_REVOKED, REVOKED);
        assert_eq!(with_lists(&root, &lists, ALL_IGNORABLE, &site), refused);
    }
}

#[test]
fn authorities_in_between_can_be_revoked_but_need_no_list() {
    let root = Authority::new("the root");
    let serial = rcgen::SerialNumber::from(77);
    let number = serial.clone();
    let between = root.authority("between", |params| params.serial_number = Some(number));
    let site = Site::of(&between.issue(|_| {}).below(&[&between]));
    let of_leaf = between.revoke(&[], (2020, 2090));
    let of_between = root.revoke(&[&serial], (2020, 2090));
    assert_eq!(with_lists(&root, &of_leaf, 0, &site), (WS_OK, 0));
    let (result, errors) = with_lists(&root, &(of_leaf + &of_between), 0, &site);
    assert_eq!((result, errors), (WS_E_SEC_CERT_REVOKED, REVOKED));
}

#[test]
fn who_signed_himself_needs_no_list() {
    let root = Identity::self_signed(|_| {});
    let site = Site::of(&root);
    let mut client = trusting(Mode::Callback, &root.chain_pem());
    let list = Authority::new("another").revoke(&[], (2020, 2090));
    set_bytes(&client, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, list.as_bytes());
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
}

#[test]
fn the_setter_takes_lists_alone() {
    let root = Authority::new("the root");
    let list = root.revoke(&[], (2020, 2090));
    let client = client_of(Mode::Callback, &root);
    let control = WS_CONTROL_CERTIFICATE_REVOCATION_LISTS;
    for good in ["", &list, &(list.clone() + &list), &(root.pem.clone() + "\n" + &list)] {
        assert_eq!(try_bytes(&client, control, good.as_bytes()), WS_OK);
    }
    for bad in ["garbage", &root.pem, &pem("X509 CRL", b"nonsense"), &list[..list.len() / 2]] {
        assert_eq!(try_bytes(&client, control, bad.as_bytes()), WS_E_INVALIDARG, "{bad}");
    }
}
