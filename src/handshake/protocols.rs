//! The list of subprotocols a caller offers, in order of preference.
//!
//! Refuses to know which one was chosen: `response` does.

use std::collections::BTreeSet;
use std::fmt;

use crate::http::headers::{elements, is_token};

/// The longest list that is accepted, in bytes.
pub const MAX_LIST_BYTES: usize = 8 * 1024;

/// Reads `"a, b"`. The empty text is the empty list.
pub fn parse_list(text: &str) -> Result<Vec<String>, ListFault> {
    if text.len() > MAX_LIST_BYTES {
        return Err(ListFault::TooLong);
    }
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = BTreeSet::new();
    let mut protocols = Vec::new();
    for element in elements(text.as_bytes()) {
        if element.is_empty() {
            return Err(ListFault::EmptyElement);
        }
        // RFC 6455 §4.1: the elements must be tokens, and all different.
        let protocol = match std::str::from_utf8(element) {
            Ok(protocol) if is_token(element) => protocol,
            _ => return Err(ListFault::NotToken),
        };
        if !seen.insert(element) {
            return Err(ListFault::Duplicate);
        }
        protocols.push(protocol.to_owned());
    }
    Ok(protocols)
}

/// Why a text is not a list of subprotocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFault {
    TooLong,
    EmptyElement,
    NotToken,
    Duplicate,
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "The list of subprotocols is longer than 8192 bytes.",
            Self::EmptyElement => "The list of subprotocols has an empty element.",
            Self::NotToken => "A subprotocol holds a character that is not allowed in its name.",
            Self::Duplicate => "The list of subprotocols names one of them twice.",
        })
    }
}

impl std::error::Error for ListFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order() {
        assert_eq!(parse_list("b,a ,\tc.v1+json").unwrap(), ["b", "a", "c.v1+json"]);
        assert_eq!(parse_list(" one ").unwrap(), ["one"]);
    }

    #[test]
    fn the_empty_text_is_the_empty_list() {
        assert_eq!(parse_list(""), Ok(vec![]));
    }

    #[test]
    fn case_twins_are_two_protocols() {
        assert_eq!(parse_list("Chat, chat").unwrap(), ["Chat", "chat"]);
    }

    #[test]
    fn malformed_lists_are_refused_by_name() {
        use ListFault::*;
        for (text, fault) in [
            (" ", EmptyElement),
            (",", EmptyElement),
            ("a,", EmptyElement),
            (",a", EmptyElement),
            ("a,,b", EmptyElement),
            ("a, ,b", EmptyElement),
            ("a a", NotToken),
            ("a;b", NotToken),
            ("\"a\"", NotToken),
            ("a/b", NotToken),
            ("ä", NotToken),
            ("a\r\nHost: evil", NotToken),
            ("a\0", NotToken),
            ("a, b, a", Duplicate),
            ("a,a", Duplicate),
        ] {
            assert_eq!(parse_list(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn the_length_limit_is_exact() {
        let longest = "a".repeat(MAX_LIST_BYTES);
        assert_eq!(parse_list(&longest).unwrap(), [&longest[..]]);
        assert_eq!(parse_list(&format!("{longest}a")), Err(ListFault::TooLong));
    }
}
