//! Pinned public keys.

use std::ffi::CString;

use rcgen::PublicKeyData;

use super::*;
use crate::site::Site;
use crate::support::client::MODES;
use crate::workshop::Identity;

pub fn pin(key: &rcgen::KeyPair) -> String {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let hash = suite.common.hash_provider.hash(&key.subject_public_key_info());
    format!("sha256/{}", data_encoding::BASE64.encode(hash.as_ref()))
}

fn pinned(mode: Mode, root: &Authority, pins: &str) -> Client {
    let client = client_of(mode, root);
    client.set_text(WS_CONTROL_PINNED_PUBLIC_KEYS, pins);
    client
}

#[test]
fn a_chain_with_a_pinned_key_anywhere_is_accepted() {
    let root = Authority::new("the root");
    let between = root.authority("between", |_| {});
    let leaf = between.issue(|_| {});
    let pins = [pin(leaf.key()), pin(between.key()), pin(root.key())];
    let wrong = pin(&rcgen::KeyPair::generate().unwrap());
    let site = Site::of(&leaf.below(&[&between]));
    for mode in MODES {
        for pin in &pins {
            for text in [pin.clone(), format!("{wrong},{pin}"), format!("{wrong} , {pin} ")] {
                let mut client = pinned(mode, &root, &text);
                assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK, "{text}");
            }
        }
    }
}

#[test]
fn a_chain_without_one_is_refused_although_it_is_good() {
    let root = Authority::new("the root");
    let wrong = rcgen::KeyPair::generate().unwrap();
    let site = Site::of(&root.issue(|_| {}));
    for mode in MODES {
        let mut client = pinned(mode, &root, &pin(&wrong));
        assert_eq!(connect(&mut client, &site.uri("localhost")), WS_E_SECURITY_PROBLEM);
        let error = client.error();
        assert_eq!((error.phase, error.certificate_errors), (WS_ERROR_PHASE_TLS, 0));
        assert_eq!(errors_of(&client), 0);
        // The pin taken away, it connects.
        client.set_text(WS_CONTROL_PINNED_PUBLIC_KEYS, "");
        assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
        client.begin_pulling();
        converse(&client);
    }
}

#[test]
fn what_is_ignored_does_not_switch_pins_off() {
    let root = Authority::new("the root");
    let shown = Identity::self_signed(|_| {});
    let site = Site::of(&shown);
    let wrong = pin(&rcgen::KeyPair::generate().unwrap());
    for (pin, result) in [(pin(shown.key()), WS_OK), (wrong, WS_E_SECURITY_PROBLEM)] {
        let mut client = pinned(Mode::Callback, &root, &pin);
        client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, ALL_IGNORABLE);
        assert_eq!(connect(&mut client, &site.uri("localhost")), result);
        assert_eq!(errors_of(&client), 1 << 1);
    }
}

#[test]
fn a_certificate_that_only_lies_beside_the_chain_satisfies_no_pin() {
    let (root, precious) = (Authority::new("the root"), Authority::new("precious"));
    let site = Site::of(&root.issue(|_| {}).below(&[&precious]));
    let mut client = pinned(Mode::Callback, &root, &pin(precious.key()));
    client.set(WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, ALL_IGNORABLE);
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_E_SECURITY_PROBLEM);
}

#[test]
fn a_pinned_key_excuses_nothing_else() {
    let (root, stranger) = (Authority::new("the root"), Authority::new("a stranger"));
    let leaf = stranger.issue(|_| {});
    let site = Site::of(&leaf);
    let mut client = pinned(Mode::Callback, &root, &pin(leaf.key()));
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_E_CERT_UNTRUSTEDROOT);
}

#[test]
fn the_setter_knows_a_pin_when_it_sees_one() {
    let client = Client::new(Mode::Callback);
    let good = pin(&rcgen::KeyPair::generate().unwrap());
    let control = WS_CONTROL_PINNED_PUBLIC_KEYS;
    for text in
        ["nonsense", "sha256/", "sha1/AAAA", &good[..good.len() - 2], &good.replace('/', ":")]
    {
        let text = CString::new(text).unwrap();
        assert_eq!(ws_set_control_string(client.socket, control, text.as_ptr()), WS_E_INVALIDARG);
    }
    client.set_text(control, &good);
    let read = support::client::read_text(|buffer, capacity, length| {
        ws_get_control_string(client.socket, control, buffer, capacity, length)
    });
    assert_eq!(read, Ok(good));
}
