//! The controls of certificates: what a setter takes, over everything that could be handed to it.

use std::ffi::CString;

use anyws::ffi::controls::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;
use data_encoding::BASE64;

use crate::arguments::{INVALID, ok_if};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{socket_of, subject};
use crate::support::server::pki;

fn as_pem(label: &str, content: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(content))
}

/// A certificate and its key, in PEM.
fn identity() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn judge(
    sheet: &mut Sheet,
    socket: *mut ws_socket,
    control: ws_control,
    cases: &[(&str, String, bool)],
) {
    for (name, pem, is_good) in cases {
        sheet.cell(name, ok_if(*is_good), "data", &mut || {
            Answer::Result(ws_set_control_bytes(socket, control, pem.as_ptr().cast(), pem.len()))
        });
    }
}

#[test]
fn a_clients_certificate_is_a_chain_and_its_one_key() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let (own, key) = identity();
    let (other, other_key) = identity();
    let lines = "-----BEGIN PRIVATE KEY-----\n".repeat(370_000);
    let cases = [
        ("nothing", String::new(), true),
        ("both", own.clone() + &key, true),
        ("key first", key.clone() + &own, true),
        ("a chain", own.clone() + &other + &key, true),
        ("a wrong order", other.clone() + &own + &key, false),
        ("garbage", "no certificate at all".to_owned(), false),
        ("key alone", key.clone(), false),
        ("chain alone", own.clone(), false),
        ("key of another", own.clone() + &other_key, false),
        ("two keys", own.clone() + &key + &other_key, false),
        ("the key twice", own.clone() + &key + &key, false),
        ("an encrypted key", own.clone() + &as_pem("ENCRYPTED PRIVATE KEY", b"secret"), false),
        ("a key cut off", own.clone() + &key[..key.len() / 2], false),
        ("no key inside", own.clone() + &as_pem("PRIVATE KEY", b"nonsense"), false),
        ("no certificate inside", as_pem("CERTIFICATE", b"nonsense") + &key, false),
        ("an unknown kind of key", own.clone() + &as_pem("DSA PRIVATE KEY", b"nonsense"), false),
        ("10 MiB of garbage", "A".repeat(10 << 20), false),
        ("10 MiB of begin lines", own + &lines, false),
    ];
    let mut sheet = Sheet::default();
    judge(&mut sheet, socket, WS_CONTROL_CLIENT_CERTIFICATE, &cases);
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(18);
}

#[test]
fn revocation_lists_are_lists() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let cases = [
        ("nothing", String::new(), true),
        ("garbage", "no list at all".to_owned(), false),
        ("a certificate", pki().ca_pem.clone(), false),
        ("no list inside", as_pem("X509 CRL", b"nonsense"), false),
        ("an empty one", as_pem("X509 CRL", b""), false),
        ("cut off", as_pem("X509 CRL", b"nonsense")[..30].to_owned(), false),
        ("10 MiB of begin lines", "-----BEGIN X509 CRL-----\n".repeat(420_000), false),
    ];
    let mut sheet = Sheet::default();
    judge(&mut sheet, socket, WS_CONTROL_CERTIFICATE_REVOCATION_LISTS, &cases);
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(7);
}

#[test]
fn ignorable_errors_are_bits_but_two() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let control = WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS;
    let mut sheet = Sheet::default();
    for mask in (0..1 << 14).chain((14..64).map(|bit| 1 << bit)).chain([u64::MAX]) {
        let is_good = mask < 1 << 14 && mask & (1 << 2 | 1 << 5) == 0;
        sheet.cell(&format_args!("{mask:#x}"), ok_if(is_good), "value", &mut || {
            Answer::Result(ws_set_control(socket, control, mask))
        });
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(16_384 + 51);
}

#[test]
fn pins_are_hashes() {
    let socket = socket_of(subject(WS_STATE_CREATED));
    let pin = |bytes: usize| format!("sha256/{}", BASE64.encode(&vec![7; bytes]));
    let good = pin(32);
    let mut sheet = Sheet::default();
    for (text, is_good) in [
        (String::new(), true),
        (good.clone(), true),
        (format!("{good} {good}"), true),
        (format!("{good},{good}, {good}"), true),
        (format!("{good} ").repeat(20_000), true),
        (" ".to_owned(), false),
        (pin(31), false),
        (pin(33), false),
        (pin(0), false),
        (good.replace("256", "1"), false),
        (good.replace("sha", "SHA"), false),
        (good[7..].to_owned(), false),
        (good.trim_end_matches('=').to_owned(), false),
        (format!("{good};{good}"), false),
        (format!("{good}\n{good}"), false),
        ("A".repeat(1 << 20), false),
    ] {
        let value = CString::new(text.clone()).unwrap();
        let expected = if is_good { ok_if(true) } else { INVALID };
        sheet.cell(&text.chars().take(30).collect::<String>(), expected, "value", &mut || {
            let control = WS_CONTROL_PINNED_PUBLIC_KEYS;
            Answer::Result(ws_set_control_string(socket, control, value.as_ptr()))
        });
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    sheet.pass(16);
}
