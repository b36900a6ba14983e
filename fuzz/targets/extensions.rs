//! `Sec-WebSocket-Extensions`: of any answer to any offer the same is made as by a slow reading of
//! the grammar; what a server grants of our own offer is agreed.
#![no_main]

use std::sync::LazyLock;

use anyws::handshake::{Conversation, DeflateOffer, Fault, Offer, Step};
use anyws::http::Uri;
use anyws::protocol::deflate::Parameters;
use anyws_fuzz::{Choices, is_token, trimmed};
use libfuzzer_sys::fuzz_target;

/// RFC 6455 §1.3.
const NONCE: [u8; 16] = *b"the sample nonce";
const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let (bits, flags) = (choices.byte(), choices.byte());
    let offer = DeflateOffer {
        client_max_window_bits: 8 + bits % 8,
        server_max_window_bits: 8 + bits / 8 % 8,
        client_no_context_takeover: flags & 1 != 0,
        server_no_context_takeover: flags & 2 != 0,
    };
    let grants = choices.byte();
    let lines: Vec<&[u8]> = choices.rest().split(|byte| *byte == b'\n').collect();
    let is_header = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
    if lines.iter().all(|line| line.iter().all(is_header)) {
        for offer in [Some(offer), None] {
            let ours = answered(offer, &lines).map_err(|_| ());
            assert_eq!(ours, read(offer, &lines), "{offer:?}");
        }
    }
    is_granted(offer, grants);
});

/// What our side makes of these lines in a good 101.
fn answered(
    compression: Option<DeflateOffer>,
    lines: &[&[u8]],
) -> Result<Option<Parameters>, Fault> {
    let mut conversation = conversation(compression);
    let mut answer = ANSWER.as_bytes().to_vec();
    for line in lines {
        answer.extend_from_slice(b"sec-websocket-extensions:");
        answer.extend_from_slice(line);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    let consumed = answer.len();
    conversation.receive(&answer).map(|step| {
        assert_eq!(step, Step::Upgraded { consumed });
        conversation.compression()
    })
}

fn conversation(compression: Option<DeflateOffer>) -> Conversation {
    static URI: LazyLock<Uri> =
        LazyLock::new(|| Uri::parse("ws://server.example.com/chat").expect("an address"));
    let uri = URI.clone();
    Conversation::new(
        &Offer { uri, protocols: vec![], headers: vec![], compression, follows_redirects: false },
        NONCE,
    )
}

/// RFC 6455 §9.1 and RFC 7692 §7.1. Values are tokens, so every comma and semicolon separates.
fn read(offer: Option<DeflateOffer>, lines: &[&[u8]]) -> Result<Option<Parameters>, ()> {
    let mut agreed = None;
    for line in lines {
        let mut elements: Vec<&[u8]> = line.split(|byte| *byte == b',').map(trimmed).collect();
        elements.retain(|element| !element.is_empty());
        if elements.is_empty() && !trimmed(line).is_empty() {
            return Err(());
        }
        for element in elements {
            let parts: Vec<&[u8]> = element.split(|byte| *byte == b';').map(trimmed).collect();
            let offer = offer.filter(|_| parts[0] == b"permessage-deflate" && agreed.is_none());
            agreed = Some(agree(offer.ok_or(())?, &parts[1..])?);
        }
    }
    Ok(agreed)
}

fn agree(offer: DeflateOffer, parts: &[&[u8]]) -> Result<Parameters, ()> {
    let (mut client_bits, mut server_bits) = (None, None);
    let (mut client_fresh, mut server_fresh) = (false, false);
    for part in parts {
        let mut sides = part.splitn(2, |byte| *byte == b'=').map(trimmed);
        let name = sides.next().unwrap_or_default();
        let value = sides.next().map(unquoted).transpose()?;
        let is_repeated = match (name, &value) {
            (b"client_max_window_bits", Some(value)) => client_bits.replace(bits(value)?).is_some(),
            (b"server_max_window_bits", Some(value)) => server_bits.replace(bits(value)?).is_some(),
            (b"client_no_context_takeover", None) => std::mem::replace(&mut client_fresh, true),
            (b"server_no_context_takeover", None) => std::mem::replace(&mut server_fresh, true),
            _ => return Err(()),
        };
        if is_repeated {
            return Err(());
        }
    }
    let is_within = client_bits.unwrap_or(8) <= offer.client_max_window_bits
        && server_bits.unwrap_or(15) <= offer.server_max_window_bits
        && client_fresh >= offer.client_no_context_takeover
        && server_fresh >= offer.server_no_context_takeover;
    is_within.then_some(()).ok_or(())?;
    Ok(Parameters {
        client_max_window_bits: client_bits.unwrap_or(offer.client_max_window_bits),
        server_max_window_bits: server_bits.unwrap_or(15),
        client_no_context_takeover: client_fresh,
        server_no_context_takeover: server_fresh,
    })
}

fn unquoted(value: &[u8]) -> Result<Vec<u8>, ()> {
    let Some(inside) = value.strip_prefix(b"\"") else {
        return is_token(value).then(|| value.to_vec()).ok_or(());
    };
    let (mut text, mut bytes) = (Vec::new(), inside.iter());
    loop {
        match bytes.next().ok_or(())? {
            b'"' => break,
            b'\\' => text.push(*bytes.next().ok_or(())?),
            byte => text.push(*byte),
        }
    }
    (bytes.as_slice().is_empty() && is_token(&text)).then_some(text).ok_or(())
}

fn bits(value: &[u8]) -> Result<u8, ()> {
    (8..=15).find(|bits: &u8| bits.to_string().as_bytes() == value).ok_or(())
}

/// A server that has understood the request answers with all that was asked, or more.
fn is_granted(offer: DeflateOffer, grants: u8) {
    let conversation = conversation(Some(offer));
    let request = String::from_utf8(conversation.request().to_vec()).expect("text");
    let mut lines = request.split("\r\n");
    let asked = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let asked = asked.expect("the offer is sent");
    let parts: Vec<&str> = asked.split("; ").collect();
    assert_eq!(parts[0], "permessage-deflate");
    let value = |name: &str| {
        parts.iter().find_map(|part| part.strip_prefix(name)).map(|rest| {
            rest.strip_prefix('=').map_or(15, |bits| bits.parse::<u8>().expect("a number"))
        })
    };
    let (client_bits, server_bits) =
        (value("client_max_window_bits"), value("server_max_window_bits"));
    assert_eq!(client_bits, Some(offer.client_max_window_bits), "{asked}");
    assert_eq!(server_bits.unwrap_or(15), offer.server_max_window_bits, "{asked}");
    // Fewer bits than asked for are the server's right, and so is a fresh window.
    let fewer = |bits: u8, less: u8| 8 + (bits - 8).saturating_sub(less % 8);
    let expected = Parameters {
        client_max_window_bits: fewer(offer.client_max_window_bits, grants),
        server_max_window_bits: fewer(offer.server_max_window_bits, grants / 8),
        client_no_context_takeover: parts.contains(&"client_no_context_takeover")
            || grants & 64 != 0,
        server_no_context_takeover: parts.contains(&"server_no_context_takeover")
            || grants & 128 != 0,
    };
    let mut answer = format!(
        "permessage-deflate;client_max_window_bits={}; server_max_window_bits=\"{}\"",
        expected.client_max_window_bits, expected.server_max_window_bits
    );
    for (is_there, name) in [
        (expected.server_no_context_takeover, " ;server_no_context_takeover"),
        (expected.client_no_context_takeover, ";\tclient_no_context_takeover "),
    ] {
        answer += if is_there { name } else { "" };
    }
    assert_eq!(answered(Some(offer), &[answer.as_bytes()]), Ok(Some(expected)), "{answer}");
}
