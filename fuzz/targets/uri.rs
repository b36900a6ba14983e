//! Addresses, subprotocols and headers as the API takes them: the request that is made of them is
//! read back to the same parts, and nothing in them begins a line of its own.
#![no_main]

use anyws::handshake::request::check_header;
use anyws::handshake::{Conversation, Offer, protocols};
use anyws::http::{Host, Uri};
use anyws_fuzz::{is_token, trimmed};
use libfuzzer_sys::fuzz_target;

const NONCE: [u8; 16] = *b"the sample nonce";
const OURS: [&str; 7] = [
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "content-length",
    "transfer-encoding",
];

fuzz_target!(|data: &[u8]| {
    // As C has it: text that ends with a zero. 0x01 separates, for a value may hold line ends.
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.split('\u{1}');
    let address = parts.next().unwrap_or_default();
    let list = parts.next().unwrap_or_default();
    let headers: Vec<(String, String)> =
        parts.filter_map(|part| part.split_once('=')).map(|(n, v)| (n.into(), v.into())).collect();
    let protocols = protocols::parse_list(list).unwrap_or_default();
    assert!(protocols.iter().all(|protocol| is_token(protocol.as_bytes())));
    let uri = Uri::parse(address).ok();
    if let Some(uri) = &uri {
        is_normal(uri);
        is_what_was_written(uri, address);
    }
    let uri = uri.unwrap_or_else(|| Uri::parse("ws://server.example.com/").expect("an address"));
    is_read_back(&Offer { uri, protocols, headers, compression: None, follows_redirects: true });
});

/// One parse tells whom to connect to, what to name in Host, and what to ask for.
fn is_normal(uri: &Uri) {
    let again = Uri::parse(uri.as_str());
    assert_eq!(again.as_ref(), Ok(uri), "{}", uri.as_str());
    assert!(again.is_ok_and(|again| again.same_origin(uri)));
    assert!(uri.target().starts_with('/') && uri.as_str().ends_with(uri.target()));
    assert!(uri.as_str().bytes().all(|byte| matches!(byte, b'!'..=b'~')), "{}", uri.as_str());
    assert!(!uri.as_str().contains(['#', '@']) || uri.target().contains('@'));
    assert_ne!(uri.port(), 0);
    let default = if uri.is_secure() { 443 } else { 80 };
    let host = match uri.host() {
        Host::V6 { address, .. } => format!("[{address}]"),
        other => other.to_string(),
    };
    let authority = uri.authority();
    let port = authority.strip_prefix(&host).expect("the host comes first");
    // RFC 6455 §4.1: the port is named if it is not the default one.
    let expected = if uri.port() == default { String::new() } else { format!(":{}", uri.port()) };
    assert_eq!(port, expected, "{authority}");
    match uri.host() {
        Host::Name(name) => assert_eq!(uri.host().server_name(), name.trim_end_matches('.')),
        Host::V4(_) | Host::V6 { .. } => assert_eq!(uri.host().server_name(), ""),
    }
}

/// The url crate, which forgives more, makes the same of what is accepted.
fn is_what_was_written(uri: &Uri, address: &str) {
    if matches!(uri.host(), Host::V6 { zone: Some(_), .. }) {
        return; // which it does not know
    }
    let theirs = url::Url::parse(address).expect("an address");
    assert_eq!(theirs.scheme() == "wss", uri.is_secure());
    assert_eq!(theirs.port_or_known_default(), Some(uri.port()));
    let target = match theirs.query() {
        Some(query) => format!("{}?{query}", theirs.path()),
        None => theirs.path().to_owned(),
    };
    assert_eq!((target.as_str(), theirs.fragment()), (uri.target(), None));
    assert!(theirs.username().is_empty() && theirs.password().is_none());
    match (theirs.host().expect("a host"), uri.host()) {
        (url::Host::Domain(theirs), Host::Name(ours)) => assert_eq!(theirs, ours),
        (url::Host::Ipv4(theirs), Host::V4(ours)) => assert_eq!(theirs, *ours),
        (url::Host::Ipv6(theirs), Host::V6 { address, .. }) => assert_eq!(theirs, *address),
        (theirs, ours) => panic!("{theirs:?} is not {ours:?}"),
    }
}

fn is_read_back(offer: &Offer) {
    let conversation = Conversation::new(offer, NONCE);
    let request = conversation.request();
    let mut fields = vec![httparse::EMPTY_HEADER; 16 + offer.headers.len()];
    let mut read = httparse::Request::new(&mut fields);
    assert_eq!(read.parse(request), Ok(httparse::Status::Complete(request.len())));
    let line = (read.method, read.path, read.version);
    assert_eq!(line, (Some("GET"), Some(offer.uri.target()), Some(1)));
    let mut read = read.headers.iter().map(|field| (field.name, trimmed(field.value)));

    let accepted: Vec<_> =
        offer.headers.iter().filter(|(n, v)| check_header(n, v).is_ok()).collect();
    for (name, value) in &accepted {
        let is_ours = OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name));
        assert!(!is_ours && !name.to_lowercase().starts_with("sec-websocket-"), "{name}");
        assert!(is_token(name.as_bytes()) && !value.contains(['\r', '\n', '\0']));
    }
    let is_host = |name: &str| name.eq_ignore_ascii_case("host");
    let authority = offer.uri.authority();
    let of_caller = accepted.iter().find(|(name, _)| is_host(name));
    let host = of_caller.map_or(authority.as_bytes(), |(_, value)| trimmed(value.as_bytes()));
    let (name, value) = read.next().expect("Host comes first");
    assert!(is_host(name) && value == host);
    let joined = offer.protocols.join(", ");
    let mut expected: Vec<(&str, &[u8])> = vec![
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", b"13"),
    ];
    if !offer.protocols.is_empty() {
        expected.push(("Sec-WebSocket-Protocol", joined.as_bytes()));
    }
    let others = accepted.iter().filter(|(name, _)| !is_host(name));
    expected.extend(others.map(|(name, value)| (name.as_str(), trimmed(value.as_bytes()))));
    assert_eq!(read.collect::<Vec<_>>(), expected);
}
