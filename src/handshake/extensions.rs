//! Extensions: the offer of permessage-deflate, and what the server may answer to it.
//!
//! Owns the grammar of `Sec-WebSocket-Extensions` (RFC 6455 §9.1) and the rules of RFC 7692 §7.1.
//! Refuses to know how anything is compressed.

use std::fmt;

use crate::http::Headers;
use crate::http::headers::{is_token, trim};
use crate::protocol::deflate::Parameters;

use super::fault::Fault;

pub const HEADER: &str = "Sec-WebSocket-Extensions";

const NAME: &str = "permessage-deflate";
const CLIENT_BITS: &str = "client_max_window_bits";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_FRESH: &str = "client_no_context_takeover";
const SERVER_FRESH: &str = "server_no_context_takeover";

/// permessage-deflate as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateOffer {
    /// 8 to 15. The server may ask for fewer.
    pub client_max_window_bits: u8,
    /// 8 to 15. Below 15 the server must grant it.
    pub server_max_window_bits: u8,
    pub client_no_context_takeover: bool,
    pub server_no_context_takeover: bool,
}

/// What is wrong with a parameter of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterFault {
    Unknown,
    Repeated(&'static str),
    /// A number of bits that is none, or a value where none belongs.
    Value(&'static str),
    /// More than was offered.
    AboveOffer(&'static str),
    /// Asked for, and not there.
    NotGranted(&'static str),
}

impl DeflateOffer {
    /// The value of the header.
    pub(super) fn value(&self) -> String {
        let mut value = String::from(NAME);
        // RFC 7692 §7.1.2.2: bare, it tells the server that it may ask for fewer; with a value,
        // also that no more will be used.
        value += "; ";
        value += CLIENT_BITS;
        if self.client_max_window_bits < 15 {
            value += &format!("={}", self.client_max_window_bits);
        }
        // RFC 7692 §7.1.2.1: some servers decline an offer with this parameter.
        if self.server_max_window_bits < 15 {
            value += &format!("; {SERVER_BITS}={}", self.server_max_window_bits);
        }
        for (is_asked, name) in [
            (self.client_no_context_takeover, CLIENT_FRESH),
            (self.server_no_context_takeover, SERVER_FRESH),
        ] {
            if is_asked {
                value += "; ";
                value += name;
            }
        }
        value
    }

    /// What is agreed when the server answers with these parameters.
    fn agree(&self, answer: &Answer) -> Result<Parameters, ParameterFault> {
        // RFC 7692 §7.1.2.1: what the server grants is not above the offer; it may limit itself
        // without being asked.
        let server_max_window_bits = match answer.server_bits {
            Some(bits) if bits > self.server_max_window_bits => {
                return Err(ParameterFault::AboveOffer(SERVER_BITS));
            }
            Some(bits) => bits,
            None if self.server_max_window_bits < 15 => {
                return Err(ParameterFault::NotGranted(SERVER_BITS));
            }
            None => 15,
        };
        let client_max_window_bits = match answer.client_bits {
            Some(bits) if bits > self.client_max_window_bits => {
                return Err(ParameterFault::AboveOffer(CLIENT_BITS));
            }
            // Not a demand on the server: without its word we stay within what we have announced.
            bits => bits.unwrap_or(self.client_max_window_bits),
        };
        // RFC 7692 §7.1.1.1: the server may do so without being asked, and grants by saying so.
        if self.server_no_context_takeover && !answer.server_fresh {
            return Err(ParameterFault::NotGranted(SERVER_FRESH));
        }
        // RFC 7692 §7.1.1.2 calls it a hint that the client can keep to alone. Whoever sets it
        // wants the server to be rid of its window, though, and that takes the server's word.
        if self.client_no_context_takeover && !answer.client_fresh {
            return Err(ParameterFault::NotGranted(CLIENT_FRESH));
        }
        Ok(Parameters {
            client_max_window_bits,
            server_max_window_bits,
            client_no_context_takeover: self.client_no_context_takeover || answer.client_fresh,
            server_no_context_takeover: answer.server_fresh,
        })
    }
}

impl fmt::Display for ParameterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("The server added an unknown parameter to "),
            Self::Repeated(name) => write!(f, "The server gave {name} more than once for "),
            Self::Value(name) => write!(f, "The server gave {name} a value that is not legal in "),
            Self::AboveOffer(name) => {
                write!(f, "The server chose more than the offered {name} for ")
            }
            Self::NotGranted(name) => write!(f, "The server did not grant {name} for "),
        }?;
        f.write_str("permessage-deflate.")
    }
}

/// RFC 6455 §4.1, item 5: every extension must have been offered. Judges all lines of the header.
pub(super) fn agreed(
    headers: &Headers,
    offer: Option<&DeflateOffer>,
) -> Result<Option<Parameters>, Fault> {
    let mut agreed = None;
    // RFC 9110 §5.3: several lines of a list are one list.
    for line in headers.values(HEADER) {
        let mut cursor = Cursor { rest: trim(line) };
        // No list at all, which some servers send for none.
        if cursor.rest.is_empty() {
            continue;
        }
        let mut is_list_of_none = true;
        loop {
            // RFC 9110 §5.6.1.2: a recipient ignores empty elements.
            while cursor.skip(b',') {}
            if cursor.rest.is_empty() {
                break;
            }
            is_list_of_none = false;
            let name = cursor.token().ok_or(Fault::ExtensionMalformed)?;
            let mut answer = Answer::default();
            let mut fault = None;
            while cursor.skip(b';') {
                let (name, value) = cursor.parameter().ok_or(Fault::ExtensionMalformed)?;
                if let Err(found) = answer.take(name, value.as_deref()) {
                    fault.get_or_insert(found);
                }
            }
            if !cursor.rest.is_empty() && !cursor.rest.starts_with(b",") {
                return Err(Fault::ExtensionMalformed);
            }
            // RFC 6455 §9.1: names of extensions and parameters are tokens, which nothing there
            // makes equal in another case; browsers and servers compare them as they are.
            let offer = offer.filter(|_| name == NAME.as_bytes());
            let offer = offer.ok_or(Fault::ExtensionNotOffered)?;
            if agreed.is_some() {
                return Err(Fault::ExtensionRepeated);
            }
            let outcome = fault.map_or_else(|| offer.agree(&answer), Err);
            agreed = Some(outcome.map_err(Fault::ExtensionParameter)?);
        }
        // RFC 9110 §5.6.1: a list of at least one needs one element that is not empty.
        if is_list_of_none {
            return Err(Fault::ExtensionMalformed);
        }
    }
    Ok(agreed)
}

/// The parameters of one answer, as they stand there.
#[derive(Default)]
struct Answer {
    client_bits: Option<u8>,
    server_bits: Option<u8>,
    client_fresh: bool,
    server_fresh: bool,
}

impl Answer {
    fn take(&mut self, name: &[u8], value: Option<&[u8]>) -> Result<(), ParameterFault> {
        let (bits, name) = match name {
            b"client_max_window_bits" => (&mut self.client_bits, CLIENT_BITS),
            b"server_max_window_bits" => (&mut self.server_bits, SERVER_BITS),
            b"client_no_context_takeover" => {
                return set(&mut self.client_fresh, CLIENT_FRESH, value);
            }
            b"server_no_context_takeover" => {
                return set(&mut self.server_fresh, SERVER_FRESH, value);
            }
            _ => return Err(ParameterFault::Unknown),
        };
        // RFC 7692 §7.1.2: a decimal without leading zeros, 8 to 15; an answer has it always.
        let number = match value {
            Some([digit @ b'8'..=b'9']) => digit - b'0',
            Some([b'1', digit @ b'0'..=b'5']) => 10 + digit - b'0',
            _ => return Err(ParameterFault::Value(name)),
        };
        match bits.replace(number) {
            None => Ok(()),
            // RFC 7692 §7: no parameter twice.
            Some(_) => Err(ParameterFault::Repeated(name)),
        }
    }
}

/// RFC 7692 §7.1.1: these two have no value.
fn set(flag: &mut bool, name: &'static str, value: Option<&[u8]>) -> Result<(), ParameterFault> {
    if value.is_some() {
        return Err(ParameterFault::Value(name));
    }
    if std::mem::replace(flag, true) { Err(ParameterFault::Repeated(name)) } else { Ok(()) }
}

/// What is left of a line. Space is skipped around every part: RFC 6455 §9.1 takes its grammar from
/// RFC 2616, which allows it there.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Whether `separator` came next, and is behind us.
    fn skip(&mut self, separator: u8) -> bool {
        let Some((_, rest)) = self.rest.split_first().filter(|(first, _)| **first == separator)
        else {
            return false;
        };
        self.rest = trim(rest);
        true
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let is_end = |byte: &u8| !is_token(&[*byte]);
        let len = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (token, rest) =
            self.rest.split_at_checked(len).filter(|(token, _)| !token.is_empty())?;
        self.rest = trim(rest);
        Some(token)
    }

    /// A name and, behind `=`, a token or a quoted string.
    fn parameter(&mut self) -> Option<(&'a [u8], Option<Vec<u8>>)> {
        let name = self.token()?;
        if !self.skip(b'=') {
            return Some((name, None));
        }
        let value =
            if self.rest.starts_with(b"\"") { self.quoted()? } else { self.token()?.to_vec() };
        Some((name, Some(value)))
    }

    /// A quoted string without its quotes and escapes.
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.rest.iter();
        let mut value = Vec::new();
        bytes.next();
        loop {
            match *bytes.next()? {
                b'"' => break,
                b'\\' => value.push(*bytes.next()?),
                byte => value.push(byte),
            }
        }
        self.rest = trim(bytes.as_slice());
        // RFC 6455 §9.1: unescaped, it must be a token as well.
        is_token(&value).then_some(value)
    }
}

#[cfg(test)]
#[path = "extensions_tests.rs"]
mod tests;
