//! The answer to the upgrade: the same verdict for every split, within the limits; a head of the
//! strict grammar is always read, and as httparse reads it; who is upgraded was answered rightly.
#![no_main]

use std::sync::LazyLock;

use anyws::handshake::redirect::is_redirect;
use anyws::handshake::{Conversation, DeflateOffer, Fault, Offer, Step};
use anyws::http::body::MAX_BODY_BYTES;
use anyws::http::head::{MAX_HEAD_BYTES, MAX_HEADERS, MAX_LINE_BYTES};
use anyws::http::{HeadReader, Headers, Response, Uri, Version};
use anyws::protocol::deflate::Parameters;
use anyws_fuzz::{Choices, Cuts, is_token, trimmed};
use libfuzzer_sys::fuzz_target;

/// RFC 6455 §1.3.
const NONCE: [u8; 16] = *b"the sample nonce";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[derive(Debug, PartialEq)]
struct Outcome {
    end: Result<Step, Fault>,
    /// Of an answer that upgrades.
    consumed: usize,
    protocol: Option<String>,
    compression: Option<Parameters>,
    response: Option<Response>,
    body: Vec<u8>,
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let set = choices.byte();
    let (compresses, follows_redirects) = (set & 1 != 0, set & 2 != 0);
    let cuts = Cuts::new(&mut choices);
    let bytes = choices.rest();
    let offer = offer(compresses, follows_redirects);
    let whole = converse(std::iter::once(bytes), &offer);
    let mut pieces = converse(cuts.pieces(bytes), &offer);
    if pieces.body != whole.body {
        // A length that is not to be believed: what comes along with the head is taken.
        let response = whole.response.as_ref().expect("a body has a head");
        assert!(response.headers.count("Content-Length") > 0);
        assert!(whole.body.starts_with(&pieces.body));
        pieces.body.clone_from(&whole.body);
    }
    assert_eq!(pieces, whole);
    if let Some(response) = &whole.response {
        keeps_limits(response, &whole);
        // Nobody awaits the body of what leads elsewhere.
        assert!(!(follows_redirects && is_redirect(response.status)) || whole.body.is_empty());
        if let Ok(Step::Upgraded { .. }) = whole.end {
            was_answered_rightly(response, &whole, compresses);
        }
    }
    strict_heads_are_read(bytes);
});

fn offer(compresses: bool, follows_redirects: bool) -> Offer {
    static URI: LazyLock<Uri> =
        LazyLock::new(|| Uri::parse("ws://server.example.com/chat").expect("an address"));
    let compression = DeflateOffer {
        client_max_window_bits: 15,
        server_max_window_bits: 15,
        client_no_context_takeover: false,
        server_no_context_takeover: false,
    };
    Offer {
        uri: URI.clone(),
        protocols: vec!["chat".to_owned(), "superchat".to_owned()],
        headers: Vec::new(),
        compression: compresses.then_some(compression),
        follows_redirects,
    }
}

fn converse<'b>(pieces: impl Iterator<Item = &'b [u8]>, offer: &Offer) -> Outcome {
    let mut conversation = Conversation::new(offer, NONCE);
    let mut consumed = 0;
    let mut end = Ok(Step::More);
    for piece in pieces {
        end = conversation.receive(piece);
        consumed += match end {
            Ok(Step::Upgraded { consumed }) => consumed,
            _ => piece.len(),
        };
        if end != Ok(Step::More) {
            break;
        }
    }
    let is_upgraded = matches!(end, Ok(Step::Upgraded { .. }));
    if end == Ok(Step::More) {
        end = conversation.receive_eof();
        assert_ne!(end, Ok(Step::More));
    }
    if is_upgraded {
        end = Ok(Step::Upgraded { consumed: 0 });
    } else {
        consumed = 0;
    }
    // It has ended, and repeats itself.
    assert_eq!(conversation.receive(b"HTTP/1.1 101 \r\n\r\n"), end);
    Outcome {
        end,
        consumed,
        protocol: conversation.protocol().map(str::to_owned),
        compression: conversation.compression(),
        response: conversation.response().cloned(),
        body: conversation.body().to_vec(),
    }
}

fn keeps_limits(response: &Response, whole: &Outcome) {
    let fields = || response.headers.iter();
    assert!(response.headers.len() <= MAX_HEADERS && whole.body.len() <= MAX_BODY_BYTES);
    assert!(response.reason.len() <= MAX_LINE_BYTES);
    assert!(fields().all(|(name, value)| name.len() + value.len() < MAX_LINE_BYTES));
    assert!(fields().map(|(name, value)| name.len() + value.len()).sum::<usize>() < MAX_HEAD_BYTES);
    assert!((200..=999).contains(&response.status) || response.status == 101);
    for (name, value) in fields() {
        assert!(is_token(name.as_bytes()) && trimmed(value) == value);
        assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)));
    }
}

/// RFC 6455 §4.1, the second list.
fn was_answered_rightly(response: &Response, whole: &Outcome, compresses: bool) {
    let headers = &response.headers;
    assert_eq!((response.status, response.version), (101, Version::Http11));
    assert_eq!(only(headers, "Upgrade").to_ascii_lowercase(), b"websocket");
    let mut connection = headers.values("Connection").flat_map(|line| line.split(|b| *b == b','));
    assert!(connection.any(|one| trimmed(one).eq_ignore_ascii_case(b"upgrade")));
    assert_eq!(only(headers, "Sec-WebSocket-Accept"), ACCEPT);
    match &whole.protocol {
        Some(chosen) => {
            assert_eq!(only(headers, "Sec-WebSocket-Protocol"), chosen.as_bytes());
            assert!(["chat", "superchat"].contains(&chosen.as_str()));
        }
        None => assert_eq!(headers.count("Sec-WebSocket-Protocol"), 0),
    }
    assert!(whole.compression.is_none() || compresses);
    assert!(headers.count("Transfer-Encoding") == 0 && whole.body.is_empty());
}

fn only<'h>(headers: &'h Headers, name: &str) -> &'h [u8] {
    assert_eq!(headers.count(name), 1, "{name}");
    headers.get(name, 0).unwrap_or_default()
}

/// The head of a response as RFC 9112 has it, with nothing that a recipient may forgive.
struct Strict<'b> {
    version: Version,
    status: u16,
    reason: &'b str,
    fields: Vec<(&'b str, &'b [u8])>,
    len: usize,
}

fn strict(bytes: &[u8]) -> Option<Strict<'_>> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = bytes[..end].split(|byte| *byte == b'\n');
    let mut line = || {
        let line = lines.next()?;
        // The last line ends where the head does.
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    };
    let status_line = std::str::from_utf8(line()?).ok()?;
    let version = match status_line.get(..9)? {
        "HTTP/1.0 " => Version::Http10,
        "HTTP/1.1 " => Version::Http11,
        _ => return None,
    };
    let (digits, reason) = status_line[9..].split_once(' ')?;
    let is_number = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let status: u16 = digits.parse().ok().filter(|status| is_number && *status >= 100)?;
    let is_shown = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    if !reason.as_bytes().iter().all(is_shown) || status_line.len() > MAX_LINE_BYTES {
        return None;
    }
    let (mut fields, mut text) = (Vec::new(), status_line.len());
    while let Some(line) = line() {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let is_value = value.iter().all(|byte| is_shown(byte) || *byte >= 0x80);
        if !is_token(name) || !is_value || line.len() > MAX_LINE_BYTES {
            return None;
        }
        text += line.len();
        fields.push((std::str::from_utf8(name).ok()?, trimmed(value)));
    }
    // Not `lines().all(CRLF)`: a bare LF within the head would have been cut at as well.
    let breaks = bytes[..end].iter().filter(|byte| **byte == b'\n').count();
    let pairs = bytes[..end].windows(2).filter(|two| two == b"\r\n").count();
    let returns = bytes[..end].iter().filter(|byte| **byte == b'\r').count();
    let is_small = fields.len() <= MAX_HEADERS && text <= MAX_HEAD_BYTES;
    let is_strict = breaks == pairs && returns == pairs && is_small;
    is_strict.then_some(Strict { version, status, reason, fields, len: end + 4 })
}

fn strict_heads_are_read(bytes: &[u8]) {
    let ours = HeadReader::new().receive(bytes);
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut theirs = httparse::Response::new(&mut fields);
    let theirs_end = theirs.parse(bytes);
    if let Some(strict) = strict(bytes) {
        let (response, consumed) = ours.clone().expect("no fault").expect("all of it");
        let read = response.headers.iter().collect::<Vec<_>>();
        assert_eq!((response.version, response.status), (strict.version, strict.status));
        assert_eq!((response.reason.as_str(), read), (strict.reason, strict.fields));
        assert_eq!(consumed, strict.len);
    }
    if let Ok(Some((response, consumed))) = ours {
        assert_eq!(theirs_end, Ok(httparse::Status::Complete(consumed)));
        assert_eq!(theirs.code, Some(response.status));
        assert_eq!(theirs.headers.len(), response.headers.len());
        for (theirs, (name, value)) in theirs.headers.iter().zip(response.headers.iter()) {
            assert_eq!((theirs.name, trimmed(theirs.value)), (name, value));
        }
    }
}
