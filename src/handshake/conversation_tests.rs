//! Conversations with scripted servers, good and bad. Each answer is fed whole, byte by byte, split
//! at every position, and in random pieces; all must end alike.

use super::*;
use crate::http::body::MAX_BODY_BYTES;
use crate::http::{HeadFault, Uri};

const NONCE: [u8; 16] = *b"the sample nonce";
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn conversation(protocols: &[&str]) -> Conversation {
    let offer = Offer {
        uri: Uri::parse("ws://server.example.com/chat").unwrap(),
        protocols: protocols.iter().map(|&p| p.to_owned()).collect(),
        headers: vec![("Authorization".into(), "Basic hunter2".into())],
        compression: None,
        follows_redirects: false,
    };
    Conversation::new(&offer, NONCE)
}

/// How a conversation ended; `consumed` counts from the first byte of the answer.
#[derive(Clone, Debug, PartialEq)]
struct Ending {
    outcome: Result<Step, Fault>,
    status: Option<u16>,
    protocol: Option<String>,
    body: Vec<u8>,
}

fn feed<'a>(protocols: &[&str], pieces: impl Iterator<Item = &'a [u8]>, eof: bool) -> Ending {
    let mut conversation = conversation(protocols);
    let mut before = 0;
    let mut outcome = Ok(Step::More);
    for piece in pieces {
        outcome = conversation.receive(piece);
        if outcome != Ok(Step::More) {
            break;
        }
        before += piece.len();
    }
    if eof && outcome == Ok(Step::More) {
        outcome = conversation.receive_eof();
    }
    assert_repeats_its_ending(&mut conversation, outcome);
    if let Ok(Step::Upgraded { consumed }) = &mut outcome {
        *consumed += before;
    }
    let protocol = conversation.protocol().map(str::to_owned);
    let status = conversation.response().map(|response| response.status);
    let body = conversation.body().to_vec();
    let parts = conversation.into_response();
    assert_eq!(parts.as_ref().map(|(response, _)| response.status), status);
    assert_eq!(parts.map_or(vec![], |(_, body)| body), body);
    Ending { outcome, status, protocol, body }
}

fn assert_repeats_its_ending(conversation: &mut Conversation, outcome: Result<Step, Fault>) {
    let again = match outcome {
        Ok(Step::More) => return,
        Ok(Step::Upgraded { .. }) => Ok(Step::Upgraded { consumed: 0 }),
        ended => ended,
    };
    assert_eq!(conversation.receive(GOOD.as_bytes()), again);
    assert_eq!(conversation.receive_eof(), again);
}

/// Pieces of 1 to 16 bytes, the same ones on every run for the same seed.
fn random_pieces(mut bytes: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (piece, rest) = bytes.split_at(bytes.len().min(1 + (random >> 60) as usize));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn converse(protocols: &[&str], answer: &[u8], eof: bool) -> Ending {
    let whole = feed(protocols, [answer].into_iter(), eof);
    assert_eq!(feed(protocols, answer.chunks(1), eof), whole, "byte by byte");
    for at in (0..=answer.len()).step_by(1 + answer.len() / 512) {
        let (left, right) = answer.split_at(at);
        assert_eq!(feed(protocols, [left, right].into_iter(), eof), whole, "split at {at}");
    }
    for seed in 0..20 {
        let pieces = random_pieces(answer, seed);
        assert_eq!(feed(protocols, pieces.into_iter(), eof), whole, "seed {seed}");
    }
    whole
}

/// The fault or step of an answer after which the server stays silent.
fn outcome(answer: impl AsRef<[u8]>) -> Result<Step, Fault> {
    converse(&["chat", "v2"], answer.as_ref(), false).outcome
}

/// A 101 with these lines instead of the good ones.
fn with(lines: &str) -> String {
    format!("HTTP/1.1 101 X\r\n{lines}\r\n")
}

/// The good 101 with these lines besides.
fn besides(lines: &str) -> String {
    with(&format!("Upgrade: websocket\r\nConnection: Upgrade\r\n{ACCEPT}{lines}"))
}

fn upgraded(answer: &str) -> Result<Step, Fault> {
    Ok(Step::Upgraded { consumed: answer.len() })
}

#[test]
fn the_request_asks_for_the_uri_and_carries_the_key() {
    let conversation = conversation(&["chat"]);
    let request = std::str::from_utf8(conversation.request()).unwrap();
    assert!(request.starts_with("GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"));
    assert!(request.contains("\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    assert!(request.ends_with("\r\n\r\n"));
}

#[test]
fn a_good_answer_upgrades_and_leaves_the_first_frames() {
    assert_eq!(outcome(GOOD), upgraded(GOOD));
    let with_frame = [GOOD.as_bytes(), b"\x81\x02hi\x88\x00"].concat();
    assert_eq!(outcome(with_frame), upgraded(GOOD));
}

#[test]
fn an_answer_cut_anywhere_is_awaited_and_then_lost() {
    for end in 0..GOOD.len() {
        let part = &GOOD.as_bytes()[..end];
        assert_eq!(feed(&[], [part].into_iter(), false).outcome, Ok(Step::More));
        assert_eq!(feed(&[], [part].into_iter(), true).outcome, Err(Fault::Eof));
    }
}

#[test]
fn what_is_not_http_is_refused() {
    for answer in [
        &b"\xde\xad\xbe\xef"[..],
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"http/1.1 101 X\r\n",
    ] {
        assert_eq!(outcome(answer), Err(Fault::Head(HeadFault::NotHttp)), "{answer:?}");
    }
}

#[test]
fn status_lines_are_judged() {
    use HeadFault::*;
    for (line, fault) in [
        ("HTTP/1.0 101 X", UnsupportedVersion),
        ("HTTP/1.2 101 X", UnsupportedVersion),
        ("HTTP/1.1 99 X", BadStatusLine),
        ("HTTP/1.1 1010 X", BadStatusLine),
        ("HTTP/1.1 10 1", BadStatusLine),
    ] {
        let answer = GOOD.replace("HTTP/1.1 101 Switching Protocols", line);
        assert_eq!(outcome(answer), Err(Fault::Head(fault)), "{line}");
    }
    for line in ["HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 \u{e9}"] {
        let answer = GOOD.replace("HTTP/1.1 101 Switching Protocols", line);
        assert_eq!(outcome(&answer), upgraded(&answer), "{line}");
    }
}

#[test]
fn bare_line_feeds_are_accepted() {
    let answer = GOOD.replace("\r\n", "\n");
    assert_eq!(outcome(&answer), upgraded(&answer));
}

#[test]
fn malformed_headers_and_limits_are_refused() {
    use HeadFault::*;
    let many = "A: b\r\n".repeat(126);
    let big = format!("A: {}\r\n", "x".repeat(8000)).repeat(9);
    let long = format!("A: {}\r\n", "x".repeat(8190));
    for (lines, fault) in [
        (" folded: yes\r\n", Folding),
        ("A: b\r\n folded\r\n", Folding),
        ("A : b\r\n", BadHeader),
        ("A: \0\r\n", BadHeader),
        ("A: b\rc\r\n", BadHeader),
        (": b\r\n", BadHeader),
        (&many, TooManyHeaders),
        (&big, HeadTooLarge),
        (&long, LineTooLong),
    ] {
        assert_eq!(outcome(besides(lines)), Err(Fault::Head(fault)), "{:.20}", lines);
    }
}

#[test]
fn interim_responses_are_skipped_up_to_eight() {
    for interim in
        ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"]
    {
        let answer = format!("{interim}{GOOD}");
        assert_eq!(outcome(&answer), upgraded(&answer));
    }
    let eight = format!("{}{GOOD}", "HTTP/1.1 199\r\n\r\n".repeat(MAX_INTERIM));
    assert_eq!(outcome(&eight), upgraded(&eight));
    let nine = "HTTP/1.1 102 X\r\n\r\n".repeat(MAX_INTERIM + 1);
    assert_eq!(outcome(nine), Err(Fault::TooManyInterim));
    let refused = "HTTP/1.1 100\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(outcome(refused), Ok(Step::Refused { status: 403 }));
    let ending = converse(&[], b"HTTP/1.1 100\r\n\r\n", true);
    assert_eq!((ending.outcome, ending.status), (Err(Fault::Eof), None));
}

#[test]
fn every_other_status_is_a_refusal_with_its_body() {
    for version in ["1.0", "1.1"] {
        for status in [200, 301, 400, 401, 403, 404, 407, 426, 429, 500, 503, 999] {
            let answer = format!("HTTP/{version} {status} No\r\nContent-Length: 3\r\n\r\nnot");
            let ending = converse(&[], answer.as_bytes(), false);
            assert_eq!(ending.outcome, Ok(Step::Refused { status }));
            assert_eq!((ending.status, &ending.body[..]), (Some(status), &b"not"[..]));
        }
    }
    assert_eq!(outcome("HTTP/1.1 204 No\r\n\r\n"), Ok(Step::Refused { status: 204 }));
}

#[test]
fn a_refusal_keeps_its_status_whatever_its_body() {
    let refused = Ok(Step::Refused { status: 404 });
    let head = |lines: &str| format!("HTTP/1.1 404 X\r\n{lines}\r\n").into_bytes();
    let body = |lines: &str, body: &[u8], eof| {
        let ending = converse(&[], &[&head(lines), body].concat(), eof);
        (ending.outcome, ending.body)
    };
    assert_eq!(body("", b"to the end", true), (refused, b"to the end".to_vec()));
    assert_eq!(body("Content-Length: 9\r\n", b"less", true), (refused, b"less".to_vec()));
    assert_eq!(body("Content-Length: 4\r\n", b"more of it", false), (refused, b"more".to_vec()));
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_eq!(body(chunked, b"2\r\nok\r\n0\r\n\r\n", false), (refused, b"ok".to_vec()));
    assert_eq!(body(chunked, b"2\r\nok\r\nzz\r\n", false), (refused, b"ok".to_vec()));
    assert_eq!(body(chunked, b"5\r\nok", true), (refused, b"ok".to_vec()));
    let gzip = "Content-Encoding: gzip\r\nContent-Length: 2\r\n";
    assert_eq!(body(gzip, b"\x1f\x8b", false), (refused, b"\x1f\x8b".to_vec()));
    let endless = vec![b'x'; 3 * MAX_BODY_BYTES];
    assert_eq!(body("", &endless, false), (refused, endless[..MAX_BODY_BYTES].to_vec()));
}

#[test]
fn a_refusal_with_a_malformed_length_is_not_awaited() {
    let answer = b"HTTP/1.1 404 X\r\nContent-Length: x\r\n\r\nbody";
    for end in answer.len() - 4..=answer.len() {
        let mut conversation = conversation(&[]);
        let refused = Ok(Step::Refused { status: 404 });
        assert_eq!(conversation.receive(&answer[..end]), refused);
        assert_eq!(conversation.body(), &answer[answer.len() - 4..end]);
    }
}

#[test]
fn a_body_can_be_read_while_it_arrives() {
    let mut conversation = conversation(&[]);
    let answer = b"HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nhalf";
    assert_eq!(conversation.receive(answer), Ok(Step::More));
    assert_eq!((conversation.body(), conversation.response().unwrap().status), (&b"half"[..], 500));
}

#[test]
fn the_upgrade_must_be_to_websocket() {
    let connection = "Connection: Upgrade\r\n";
    for lines in ["", "Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n"] {
        let answer = with(&format!("{connection}{ACCEPT}{lines}"));
        assert_eq!(outcome(answer), Err(Fault::NotUpgrade), "{lines:?}");
    }
    let twice = Err(Fault::RepeatedHeader("Upgrade"));
    assert_eq!(outcome(besides("Upgrade: websocket\r\n")), twice);
}

#[test]
fn connection_must_hold_upgrade() {
    let upgrade = "Upgrade: websocket\r\n";
    let answer = with(&format!("{upgrade}{ACCEPT}"));
    assert_eq!(outcome(answer), Err(Fault::NotConnectionUpgrade));
    for lines in
        ["Connection: keep-alive, Upgrade\r\n", "Connection: keep-alive\r\nconnection: upgrade\r\n"]
    {
        let answer = with(&format!("{upgrade}{ACCEPT}{lines}"));
        assert_eq!(outcome(&answer), upgraded(&answer), "{lines:?}");
    }
}

#[test]
fn accept_must_fit_the_key() {
    let base = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let name = "Sec-WebSocket-Accept";
    let outcome_of = |lines: &str| outcome(with(&format!("{base}{lines}")));
    assert_eq!(outcome_of(""), Err(Fault::MissingAccept));
    assert_eq!(outcome_of(&format!("{name}: x\r\n")), Err(Fault::WrongAccept));
    assert_eq!(outcome_of(&ACCEPT.replace("s3p", "S3P")), Err(Fault::WrongAccept));
    assert_eq!(outcome_of(&ACCEPT.repeat(2)), Err(Fault::RepeatedHeader(name)));
    assert_eq!(outcome_of(&format!("{ACCEPT}{name}: x\r\n")), Err(Fault::RepeatedHeader(name)));
    let spaced = with(&format!("{base}{name}:\t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t\r\n"));
    assert_eq!(outcome(&spaced), upgraded(&spaced));
}

#[test]
fn the_chosen_subprotocol_is_reported() {
    let answer = besides("Sec-WebSocket-Protocol: v2\r\n");
    let ending = converse(&["chat", "v2"], answer.as_bytes(), false);
    assert_eq!((ending.outcome, ending.protocol.as_deref()), (upgraded(&answer), Some("v2")));
    let ending = converse(&["chat", "v2"], GOOD.as_bytes(), false);
    assert_eq!((ending.outcome, ending.protocol), (upgraded(GOOD), None));
}

#[test]
fn a_subprotocol_that_is_not_ours_is_refused() {
    use Fault::*;
    for (lines, fault) in [
        ("Sec-WebSocket-Protocol: other\r\n", ProtocolNotOffered),
        ("Sec-WebSocket-Protocol: Chat\r\n", ProtocolNotOffered),
        ("Sec-WebSocket-Protocol:\r\n", ProtocolMalformed),
        ("Sec-WebSocket-Protocol: chat,\r\n", ProtocolMalformed),
        ("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: v2\r\n", ProtocolMalformed),
    ] {
        assert_eq!(outcome(besides(lines)), Err(fault), "{lines:?}");
    }
    let unasked = besides("Sec-WebSocket-Protocol: chat\r\n");
    assert_eq!(converse(&[], unasked.as_bytes(), false).outcome, Err(ProtocolNotOffered));
}

#[test]
fn unasked_extensions_are_refused() {
    for value in ["permessage-deflate", "permessage-deflate; server_max_window_bits=8", "x-unknown"]
    {
        let answer = besides(&format!("Sec-WebSocket-Extensions: {value}\r\n"));
        assert_eq!(outcome(answer), Err(Fault::ExtensionNotOffered), "{value}");
    }
}

#[test]
fn an_upgrade_that_announces_a_body_is_refused() {
    for lines in ["Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n"] {
        assert_eq!(outcome(besides(lines)), Err(Fault::BodyOn101), "{lines:?}");
    }
    let answer = besides("Content-Length: 0\r\n");
    assert_eq!(outcome(&answer), upgraded(&answer));
}

#[test]
fn a_wanting_101_can_still_be_read() {
    let ending = converse(&[], with("").as_bytes(), false);
    assert_eq!((ending.outcome, ending.status), (Err(Fault::NotUpgrade), Some(101)));
}

#[test]
fn any_damaged_byte_ends_or_waits_and_every_split_agrees() {
    let mut answer = besides("Sec-WebSocket-Protocol: chat\r\nContent-Length: 0\r\n").into_bytes();
    for at in 0..answer.len() {
        let good = answer[at];
        for bad in [0, b'\r', b'\n', b' ', b':', b',', b'A', 0xff, good ^ 0x20, good ^ 1] {
            answer[at] = bad;
            let whole = feed(&["chat"], [&answer[..]].into_iter(), true);
            assert_ne!(whole.outcome, Ok(Step::More), "{bad:#x} at {at}");
            assert_eq!(feed(&["chat"], answer.chunks(1), true), whole, "{bad:#x} at {at}");
        }
        answer[at] = good;
    }
}

#[test]
fn secrets_do_not_show() {
    let mut conversation = conversation(&[]);
    let answer = "HTTP/1.1 403 X\r\nSet-Cookie: id=hunter2\r\nContent-Length: 7\r\n\r\nhunter2";
    assert!(!format!("{conversation:?}").contains("hunter2"));
    conversation.receive(answer.as_bytes()).unwrap();
    let shown = format!("{conversation:?}");
    assert!(shown.contains("403") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn every_fault_has_a_sentence_of_its_own() {
    use Fault::*;
    let faults = [
        Head(HeadFault::NotHttp),
        Eof,
        TooManyInterim,
        NotUpgrade,
        NotConnectionUpgrade,
        MissingAccept,
        WrongAccept,
        RepeatedHeader("Upgrade"),
        BodyOn101,
        ProtocolNotOffered,
        ProtocolMalformed,
        ExtensionNotOffered,
    ];
    let sentences: std::collections::BTreeSet<_> = faults.iter().map(Fault::to_string).collect();
    assert_eq!(sentences.len(), faults.len());
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
}

#[test]
fn compression_is_agreed_when_it_was_offered_and_chosen() {
    let deflate = DeflateOffer {
        client_max_window_bits: 15,
        server_max_window_bits: 15,
        client_no_context_takeover: false,
        server_no_context_takeover: false,
    };
    let line = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n";
    let converse = |compression, answer: &str| {
        let offer = Offer {
            uri: Uri::parse("ws://server.example.com/chat").unwrap(),
            protocols: Vec::new(),
            headers: Vec::new(),
            compression,
            follows_redirects: false,
        };
        let mut conversation = Conversation::new(&offer, NONCE);
        let request = String::from_utf8(conversation.request().to_vec()).unwrap();
        let header = "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        assert_eq!(request.contains(header), compression.is_some());
        assert_eq!(conversation.compression(), None);
        let outcome = conversation.receive(answer.as_bytes());
        outcome.map(|_| conversation.compression())
    };
    assert_eq!(converse(Some(deflate), GOOD), Ok(None));
    assert_eq!(converse(None, GOOD), Ok(None));
    assert_eq!(converse(None, &besides(line)), Err(Fault::ExtensionNotOffered));
    let agreed = converse(Some(deflate), &besides(line)).unwrap().unwrap();
    assert_eq!((agreed.client_max_window_bits, agreed.server_max_window_bits), (12, 15));
}
