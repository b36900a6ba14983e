//! Whether a 101 is the answer to our request: RFC 6455 §4.1, the list after "Once the client's
//! opening handshake has been sent".
//!
//! Refuses to know other statuses and how the head was read.

use crate::http::headers::is_token;
use crate::http::{HeadFault, Headers, Response, Version};
use crate::protocol::deflate::Parameters;

use super::extensions::{self, DeflateOffer};
use super::fault::Fault;

/// What the server chose of the offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) protocol: Option<String>,
    pub(super) compression: Option<Parameters>,
}

/// Judges a 101.
pub(super) fn check(
    response: &Response,
    accept: &str,
    protocols: &[String],
    compression: Option<&DeflateOffer>,
) -> Result<Choice, Fault> {
    let headers = &response.headers;
    // RFC 9110 §15.2: there are no 1xx responses in HTTP/1.0.
    if response.version != Version::Http11 {
        return Err(Fault::Head(HeadFault::UnsupportedVersion));
    }
    check_upgrade(headers)?;
    check_no_body(headers)?;
    check_accept(headers, accept)?;
    // RFC 6455 §4.1, item 5.
    let compression = extensions::agreed(headers, compression)?;
    Ok(Choice { protocol: chosen_protocol(headers, protocols)?, compression })
}

/// RFC 6455 §4.1, items 2 and 3.
fn check_upgrade(headers: &Headers) -> Result<(), Fault> {
    let upgrade = only(headers, "Upgrade")?.ok_or(Fault::NotUpgrade)?;
    if !upgrade.eq_ignore_ascii_case(b"websocket") {
        return Err(Fault::NotUpgrade);
    }
    if !headers.elements("Connection").any(|token| token.eq_ignore_ascii_case(b"Upgrade")) {
        return Err(Fault::NotConnectionUpgrade);
    }
    Ok(())
}

/// RFC 9110 §6.4.1, §8.6: a 1xx has no body and announces none; a length of 0 does no harm.
fn check_no_body(headers: &Headers) -> Result<(), Fault> {
    let is_zero = |value: &[u8]| !value.is_empty() && value.iter().all(|&b| b == b'0');
    if headers.count("Transfer-Encoding") > 0 || !headers.values("Content-Length").all(is_zero) {
        return Err(Fault::BodyOn101);
    }
    Ok(())
}

/// RFC 6455 §4.1, item 4.
fn check_accept(headers: &Headers, accept: &str) -> Result<(), Fault> {
    match only(headers, "Sec-WebSocket-Accept")? {
        None => Err(Fault::MissingAccept),
        Some(value) if value == accept.as_bytes() => Ok(()),
        Some(_) => Err(Fault::WrongAccept),
    }
}

/// RFC 6455 §4.1, item 6, and §11.3.4: at most one header, one token, one of ours.
fn chosen_protocol(headers: &Headers, offered: &[String]) -> Result<Option<String>, Fault> {
    let mut values = headers.values("Sec-WebSocket-Protocol");
    let Some(chosen) = values.next() else { return Ok(None) };
    if values.next().is_some() || !is_token(chosen) {
        return Err(Fault::ProtocolMalformed);
    }
    match offered.iter().find(|protocol| protocol.as_bytes() == chosen) {
        Some(protocol) => Ok(Some(protocol.clone())),
        None => Err(Fault::ProtocolNotOffered),
    }
}

/// The value of a header that may be there once only.
fn only<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a [u8]>, Fault> {
    let mut values = headers.values(name);
    let first = values.next();
    if values.next().is_some() { Err(Fault::RepeatedHeader(name)) } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    /// A good 101 with one name's headers replaced by `values`.
    fn verdict(name: &str, values: &[&str]) -> Result<Option<String>, Fault> {
        let mut headers = Headers::default();
        for (good, value) in
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)]
        {
            if good != name {
                headers.append(good, value);
            }
        }
        for &value in values {
            headers.append(name.to_lowercase(), value);
        }
        let response =
            Response { version: Version::Http11, status: 101, reason: String::new(), headers };
        let protocols = ["chat".to_owned(), "Chat".to_owned(), "v2".to_owned()];
        check(&response, ACCEPT, &protocols, None).map(|choice| choice.protocol)
    }

    #[test]
    fn upgrade_is_websocket_and_nothing_else() {
        assert_eq!(verdict("Upgrade", &["WebSocket"]), Ok(None));
        for value in ["", "websocket, h2c", "websocket,", "websocket/13", "h2c", "web socket"] {
            assert_eq!(verdict("Upgrade", &[value]), Err(Fault::NotUpgrade), "{value:?}");
        }
        assert_eq!(verdict("Upgrade", &[]), Err(Fault::NotUpgrade));
        let twice = Err(Fault::RepeatedHeader("Upgrade"));
        assert_eq!(verdict("Upgrade", &["websocket", "websocket"]), twice);
    }

    #[test]
    fn connection_is_a_list_over_any_number_of_lines() {
        for values in [
            &["upgrade"][..],
            &["keep-alive, Upgrade"],
            &["keep-alive", "UPGRADE"],
            &[" , ,Upgrade\t,"],
            &["", "Upgrade"],
        ] {
            assert_eq!(verdict("Connection", values), Ok(None), "{values:?}");
        }
        for values in
            [&[][..], &[""], &["close"], &["Upgrades"], &["Upgrade;q=1"], &["\"Upgrade\""]]
        {
            let expected = Err(Fault::NotConnectionUpgrade);
            assert_eq!(verdict("Connection", values), expected, "{values:?}");
        }
    }

    #[test]
    fn accept_is_there_once_and_exact() {
        let name = "Sec-WebSocket-Accept";
        assert_eq!(verdict(name, &[]), Err(Fault::MissingAccept));
        let cased = ACCEPT.to_lowercase();
        let twice_in_one = format!("{ACCEPT}, {ACCEPT}");
        for value in ["", "x", &cased, &ACCEPT[..27], &twice_in_one] {
            assert_eq!(verdict(name, &[value]), Err(Fault::WrongAccept), "{value:?}");
        }
        for other in [ACCEPT, "other"] {
            assert_eq!(verdict(name, &[ACCEPT, other]), Err(Fault::RepeatedHeader(name)));
        }
    }

    #[test]
    fn an_upgrade_has_no_body() {
        assert_eq!(verdict("Content-Length", &["0"]), Ok(None));
        assert_eq!(verdict("Content-Length", &["0", "00"]), Ok(None));
        for values in [&["1"][..], &["0", "5"], &[""], &["x"], &["0, 0"], &["-0"]] {
            assert_eq!(verdict("Content-Length", values), Err(Fault::BodyOn101), "{values:?}");
        }
        for value in ["chunked", "identity", ""] {
            assert_eq!(verdict("Transfer-Encoding", &[value]), Err(Fault::BodyOn101));
        }
    }

    #[test]
    fn the_subprotocol_is_one_of_ours_or_none() {
        let name = "Sec-WebSocket-Protocol";
        assert_eq!(verdict(name, &[]), Ok(None));
        for ours in ["chat", "Chat", "v2"] {
            assert_eq!(verdict(name, &[ours]), Ok(Some(ours.to_owned())));
        }
        for other in ["CHAT", "V2", "chat2", "cha"] {
            assert_eq!(verdict(name, &[other]), Err(Fault::ProtocolNotOffered), "{other:?}");
        }
        for values in [
            &[""][..],
            &["chat,"],
            &[",chat"],
            &["chat, v2"],
            &["chat,,v2"],
            &["chat chat"],
            &["\"chat\""],
            &["chat", "chat"],
            &["chat", "v2"],
            &["", "chat"],
            &["chat", ""],
        ] {
            assert_eq!(verdict(name, values), Err(Fault::ProtocolMalformed), "{values:?}");
        }
    }

    #[test]
    fn extensions_are_refused_since_none_is_offered() {
        let name = "Sec-WebSocket-Extensions";
        assert_eq!(verdict(name, &[""]), Ok(None));
        for values in [&["permessage-deflate"][..], &["x"], &["", "x; y=1"]] {
            assert_eq!(verdict(name, values), Err(Fault::ExtensionNotOffered), "{values:?}");
        }
    }
}
