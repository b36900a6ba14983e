//! The client's own certificate: what the setter takes, who is shown it, and what is said when it
//! is missing or refused.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};

use super::*;
use crate::site::{Site, VERSIONS};
use crate::support::DEADLINE;
use crate::support::client::MODES;
use crate::workshop::Identity;

fn client_of_ours(authority: &Authority) -> Identity {
    authority.issue(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names.clear();
    })
}

fn shown(mode: Mode, root: &Authority, certificate: Option<&Identity>) -> Client {
    let client = client_of(mode, root);
    if let Some(certificate) = certificate {
        set_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, certificate.pem().as_bytes());
    }
    client
}

fn fails_at_tls(client: &Client, result: ws_result) -> u32 {
    let error = client.error();
    assert_eq!((error.result, error.phase), (result, WS_ERROR_PHASE_TLS));
    assert_eq!(error.certificate_errors, 0);
    error.tls_alert
}

#[test]
fn a_server_that_wants_a_certificate_gets_it_with_its_chain() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let between = clients.authority("between", |_| {});
    let certificate = client_of_ours(&between).below(&[&between]);
    for version in VERSIONS {
        for mode in MODES {
            let site = Site::demanding(&root.issue(|_| {}), version, &clients);
            let mut client = shown(mode, &root, Some(&certificate));
            assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
            client.begin_pulling();
            converse(&client);
            let seen = site.clients.recv_timeout(DEADLINE).unwrap();
            assert_eq!(seen.len(), 2);
            assert_eq!(seen[0], certificate.chain[0].to_vec());
        }
    }
}

#[test]
fn a_server_that_does_not_ask_sees_no_certificate() {
    let root = Authority::new("the root");
    let site = Site::of(&root.issue(|_| {}));
    let mut client = shown(Mode::Callback, &root, Some(&client_of_ours(&root)));
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
    assert!(site.clients.recv_timeout(DEADLINE).unwrap().is_empty());
}

#[test]
fn a_server_that_wants_one_and_gets_none_says_so() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    for version in VERSIONS {
        for mode in MODES {
            let site = Site::demanding(&root.issue(|_| {}), version, &clients);
            let mut client = shown(mode, &root, None);
            let result = connect(&mut client, &site.uri("localhost"));
            assert_eq!(result, WS_E_CLIENT_AUTH_CERT_NEEDED, "{result:#x} {:?}", version.version);
            assert_eq!(result.cast_unsigned(), 0x8007_2F0C);
            let alert = fails_at_tls(&client, result);
            assert!([40, 116].contains(&alert), "{alert}");
            assert_eq!(client.error().web_error_status, 3);
            // The certificate comes, and the same socket connects.
            let certificate = client_of_ours(&clients);
            set_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, certificate.pem().as_bytes());
            assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
        }
    }
}

#[test]
fn a_certificate_that_the_server_refuses_fails_the_channel_with_its_alert() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let unknown = client_of_ours(&Authority::new("nobody"));
    let expired = clients.issue(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    for version in VERSIONS {
        for (certificate, expected) in [(&unknown, 48), (&expired, 45)] {
            for mode in MODES {
                let site = Site::demanding(&root.issue(|_| {}), version, &clients);
                let mut client = shown(mode, &root, Some(certificate));
                let result = connect(&mut client, &site.uri("localhost"));
                assert_eq!(result, WS_E_SECURITY_CHANNEL_ERROR, "{:?}", version.version);
                assert_eq!(fails_at_tls(&client, result), expected);
                assert_eq!(client.error().web_error_status, 5);
            }
        }
    }
}

#[test]
fn two_certificates_never_share_a_session() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let (one, other) = (client_of_ours(&clients), client_of_ours(&clients));
    for version in VERSIONS {
        let site = Site::demanding(&root.issue(|_| {}), version, &clients);
        for certificate in [&one, &other, &one, &other] {
            let mut client = shown(Mode::Callback, &root, Some(certificate));
            assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
            converse(&client);
            let seen = site.clients.recv_timeout(DEADLINE).unwrap();
            assert_eq!(seen[0], certificate.chain[0].to_vec());
        }
    }
}

#[test]
fn keys_of_every_spelling_and_kind_are_taken() {
    let client = client_of(Mode::Callback, &Authority::new("the root"));
    for pem in OPENSSL_MADE {
        assert_eq!(try_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, pem.as_bytes()), WS_OK);
    }
    for algorithm in
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
    {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let pem = certificate.pem() + &key.serialize_pem();
        assert_eq!(try_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, pem.as_bytes()), WS_OK);
    }
}

/// SEC1, PKCS#1 and PKCS#8 with RSA.
const OPENSSL_MADE: [&str; 3] = [
    include_str!("key-sec1.pem"),
    include_str!("key-pkcs1.pem"),
    include_str!("key-pkcs8-rsa.pem"),
];

#[test]
fn a_setter_that_refuses_keeps_what_was_set() {
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let site = Site::demanding(&root.issue(|_| {}), VERSIONS[1], &clients);
    let certificate = client_of_ours(&clients);
    let mut client = shown(Mode::Callback, &root, Some(&certificate));
    for broken in ["garbage".to_owned(), certificate.chain_pem(), certificate.key().serialize_pem()]
    {
        let refused = try_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, broken.as_bytes());
        assert_eq!(refused, WS_E_INVALIDARG);
    }
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);

    // Nothing at all takes it away.
    let mut client = shown(Mode::Callback, &root, Some(&certificate));
    set_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, b"");
    assert_eq!(connect(&mut client, &site.uri("localhost")), WS_E_CLIENT_AUTH_CERT_NEEDED);
}

#[test]
fn no_sentence_holds_a_part_of_the_key() {
    let certificate = client_of_ours(&Authority::new("clients"));
    let key = certificate.key().serialize_pem();
    let client = client_of(Mode::Callback, &Authority::new("the root"));
    let other = client_of_ours(&Authority::new("clients")).chain_pem();
    let cut = &key[..key.len() / 2];
    for pem in [key.clone(), other + &key, certificate.chain_pem() + cut] {
        let refused = try_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, pem.as_bytes());
        assert_eq!(refused, WS_E_INVALIDARG);
        let sentence = support::client::last_error_message();
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!sentence.contains(&line[..16.min(line.len())]), "{sentence}");
        }
    }
}

/// What the library logged.
static LOGGED: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());

unsafe extern "C-unwind" fn log(
    _: ws_log_level,
    text: *const std::ffi::c_char,
    _: *mut std::ffi::c_void,
) {
    let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy();
    LOGGED.lock().unwrap().push_str(&text);
}

#[test]
fn no_log_line_holds_a_part_of_the_key() {
    use anyws::ffi::library::ws_set_log_callback;
    assert_eq!(ws_set_log_callback(Some(log), std::ptr::null_mut(), WS_LOG_DEBUG), WS_OK);
    let (root, clients) = (Authority::new("the root"), Authority::new("clients"));
    let good = client_of_ours(&clients);
    let bad = client_of_ours(&Authority::new("nobody"));
    for certificate in [&good, &bad] {
        let site = Site::demanding(&root.issue(|_| {}), VERSIONS[1], &clients);
        let mut client = shown(Mode::Callback, &root, Some(certificate));
        connect(&mut client, &site.uri("localhost"));
        client.free();
    }
    assert_eq!(ws_set_log_callback(None, std::ptr::null_mut(), WS_LOG_OFF), WS_OK);
    let logged = LOGGED.lock().unwrap();
    assert!(!logged.is_empty());
    for certificate in [&good, &bad] {
        let pem = certificate.key().serialize_pem();
        let mut lines = pem.lines().filter(|line| !line.starts_with('-'));
        assert!(lines.all(|line| !logged.contains(&line[..16])));
        let der = certificate.key().serialize_der();
        let hex: String = der[der.len() - 16..].iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!logged.to_lowercase().contains(&hex));
    }
}
