//! The request that asks for the upgrade, and what a caller may add to it.
//!
//! Refuses to know how a header came into the offer: set by the application, a stored credential,
//! or copied over on a redirect.

use std::fmt;

use data_encoding::BASE64;

use crate::http::Uri;
use crate::http::headers::{is_token, shown_value};

use super::extensions::{self, DeflateOffer};

/// Name and value of one header together, in bytes.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// What is asked of the server.
#[derive(Clone)]
pub struct Offer {
    pub uri: Uri,
    /// Subprotocols in order of preference, as `protocols::parse_list` gives them.
    pub protocols: Vec<String>,
    /// Headers besides those of the upgrade, each of which passes [`check_header`]. A `Host` among
    /// them replaces ours.
    pub headers: Vec<(String, String)>,
    pub compression: Option<DeflateOffer>,
    /// Nobody reads the body of a redirect.
    pub follows_redirects: bool,
}

impl fmt::Debug for Offer {
    /// Values of secret headers are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |(name, value): &(String, String)| (name.clone(), shown_value(name, value.as_bytes()));
        f.debug_struct("Offer")
            .field("uri", &self.uri)
            .field("protocols", &self.protocols)
            .field("headers", &self.headers.iter().map(shown).collect::<Vec<_>>())
            .field("compression", &self.compression)
            .finish()
    }
}

/// Whether a caller may set this header. Space around the value is the caller's to trim.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderFault> {
    if name.len().saturating_add(value.len()) > MAX_HEADER_BYTES {
        return Err(HeaderFault::TooLong);
    }
    if !is_token(name.as_bytes()) {
        return Err(HeaderFault::BadName);
    }
    if is_reserved(name) {
        return Err(HeaderFault::Reserved);
    }
    // RFC 9110 §5.5: a value with CR, LF or NUL is an attack; other controls but HTAB are invalid.
    if ::http::HeaderValue::from_bytes(value.as_bytes()).is_err() {
        return Err(HeaderFault::BadValue);
    }
    Ok(())
}

/// Why a header may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    TooLong,
    BadName,
    /// Part of the upgrade or of the framing: ours alone.
    Reserved,
    BadValue,
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "The header's name and value are together longer than 8192 bytes.",
            Self::BadName => "The header's name is empty or holds a character not allowed in it.",
            Self::Reserved => "The header belongs to the WebSocket handshake and cannot be set.",
            Self::BadValue => "The header's value holds a line end or another control character.",
        })
    }
}

impl std::error::Error for HeaderFault {}

/// RFC 6455 §4.1: the key is the nonce in base64.
pub(super) fn key(nonce: [u8; 16]) -> String {
    BASE64.encode(&nonce)
}

/// The bytes of the request.
pub(super) fn write(offer: &Offer, key: &str) -> Vec<u8> {
    let mut request = Vec::with_capacity(512);
    let mut line = |parts: [&str; 3]| {
        for part in parts {
            request.extend_from_slice(part.as_bytes());
        }
        request.extend_from_slice(b"\r\n");
    };
    // A header that did not pass the check could end the request and begin another: it stays behind.
    let callers = || offer.headers.iter().filter(|(n, v)| check_header(n, v).is_ok());
    let is_host = |name: &str| name.eq_ignore_ascii_case("Host");

    line(["GET ", offer.uri.target(), " HTTP/1.1"]);
    // RFC 9110 §7.2: one Host, and better the first of all headers.
    match callers().find(|(name, _)| is_host(name)) {
        Some((name, value)) => line([name, ": ", value]),
        None => line(["Host", ": ", &offer.uri.authority()]),
    }
    // RFC 6455 §4.1, items 5, 6, 7 and 9.
    line(["Upgrade", ": ", "websocket"]);
    line(["Connection", ": ", "Upgrade"]);
    line(["Sec-WebSocket-Key", ": ", key]);
    line(["Sec-WebSocket-Version", ": ", "13"]);
    // RFC 6455 §4.1, item 10.
    if !offer.protocols.is_empty() {
        line(["Sec-WebSocket-Protocol", ": ", &offer.protocols.join(", ")]);
    }
    // RFC 6455 §4.1, item 11.
    if let Some(compression) = &offer.compression {
        line([extensions::HEADER, ": ", &compression.value()]);
    }
    for (name, value) in callers().filter(|(name, _)| !is_host(name)) {
        line([name, ": ", value]);
    }
    line(["", "", ""]);
    request
}

fn is_reserved(name: &str) -> bool {
    let prefix = "Sec-WebSocket-";
    let of_the_handshake =
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    of_the_handshake
        || ["Upgrade", "Connection", "Content-Length", "Transfer-Encoding"]
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(protocols: &[&str], headers: &[(&str, &str)]) -> Offer {
        Offer {
            uri: Uri::parse("ws://server.example.com:81/chat?a=b").unwrap(),
            protocols: protocols.iter().map(|&p| p.to_owned()).collect(),
            headers: headers.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect(),
            compression: None,
            follows_redirects: false,
        }
    }

    fn written(offer: &Offer) -> String {
        String::from_utf8(write(offer, &key(*b"the sample nonce"))).unwrap()
    }

    #[test]
    fn a_bare_request_holds_what_the_rfc_asks_for_and_no_more() {
        assert_eq!(
            written(&offer(&[], &[])),
            "GET /chat?a=b HTTP/1.1\r\n\
             Host: server.example.com:81\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n\
             \r\n"
        );
    }

    #[test]
    fn protocols_and_headers_follow_in_order() {
        let offer = offer(&["b", "A"], &[("Origin", "null"), ("X-Empty", ""), ("Cookie", "a=ä")]);
        assert!(written(&offer).ends_with(
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: b, A\r\n\
             Origin: null\r\nX-Empty: \r\nCookie: a=ä\r\n\r\n"
        ));
    }

    #[test]
    fn a_caller_s_host_takes_the_place_of_ours() {
        let request = written(&offer(&[], &[("X", "1"), ("host", "other"), ("HOST", "third")]));
        assert!(request.starts_with("GET /chat?a=b HTTP/1.1\r\nhost: other\r\nUpgrade"));
        assert_eq!(request.to_lowercase().matches("host:").count(), 1);
        assert!(request.ends_with("13\r\nX: 1\r\n\r\n"));
    }

    #[test]
    fn a_header_that_came_round_the_check_is_not_written() {
        let sly = offer(&[], &[("A", "b\r\nC: d"), ("E\r\n", "f"), ("connection", "close")]);
        assert_eq!(written(&sly), written(&offer(&[], &[])));
    }

    #[test]
    fn header_names_are_tokens() {
        for byte in 0..128u8 {
            let token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let name = format!("X{}", char::from(byte));
            let expected = if token { Ok(()) } else { Err(HeaderFault::BadName) };
            assert_eq!(check_header(&name, "v"), expected, "{name:?}");
        }
        for name in ["", "ä", "Héader", "Sec-WebSocketé"] {
            assert_eq!(check_header(name, "v"), Err(HeaderFault::BadName));
        }
    }

    #[test]
    fn reserved_names_are_refused_in_any_case() {
        for name in [
            "Upgrade",
            "CONNECTION",
            "content-length",
            "Transfer-encoding",
            "Sec-WebSocket-Key",
            "sec-websocket-",
            "SEC-WEBSOCKET-EXTENSIONS",
            "sec-WebSocket-anything",
        ] {
            assert_eq!(check_header(name, "v"), Err(HeaderFault::Reserved), "{name}");
        }
        for name in [
            "Host",
            "Origin",
            "Authorization",
            "Cookie",
            "User-Agent",
            "Sec-WebSocket",
            "Upgrades",
            "X-Connection",
        ] {
            assert_eq!(check_header(name, "v"), Ok(()), "{name}");
        }
    }

    #[test]
    fn header_values_hold_no_controls_but_tab() {
        for c in (0..=0x2ff).filter_map(char::from_u32) {
            let legal = c == '\t' || !c.is_ascii_control();
            let expected = if legal { Ok(()) } else { Err(HeaderFault::BadValue) };
            assert_eq!(check_header("X", &format!("a{c}b")), expected, "{c:?}");
        }
        assert_eq!(check_header("X", ""), Ok(()));
    }

    #[test]
    fn the_length_limit_is_exact() {
        let longest = "v".repeat(MAX_HEADER_BYTES - 1);
        assert_eq!(check_header("X", &longest), Ok(()));
        assert_eq!(check_header("XY", &longest), Err(HeaderFault::TooLong));
        assert_eq!(check_header(&"X".repeat(1 << 16), ""), Err(HeaderFault::TooLong));
    }

    #[test]
    fn secrets_do_not_show() {
        let names = ["authorization", "Cookie", "PROXY-Authorization"];
        let offer = offer(&["p"], &names.map(|name| (name, "hunter2")));
        let shown = format!("{offer:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(names.iter().all(|name| shown.contains(name)), "{shown}");
    }
}
