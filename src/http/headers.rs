//! The header fields of a response, in the order and spelling they were sent, and the small grammar
//! all fields share: tokens, comma lists, names whose values are secret.
//!
//! Refuses to know what any field means.

use std::fmt;

/// Header fields in the order they arrived.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// All names behind one another, all values, and where each of them ends.
    names: String,
    values: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// Adds a field after the others.
    pub fn append(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        self.names.push_str(name.as_ref());
        self.values.extend_from_slice(value.as_ref());
        self.ends.push((self.names.len(), self.values.len()));
    }

    /// Makes room for a head of so many fields and bytes.
    pub fn reserve(&mut self, fields: usize, bytes: usize) {
        self.names.reserve(bytes / 2);
        self.values.reserve(bytes / 2);
        self.ends.reserve(fields);
    }

    /// The value of the `index`th field of that name, counted from 0, without the space around it.
    pub fn get(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.values(name).nth(index)
    }

    /// How many fields have that name.
    pub fn count(&self, name: &str) -> usize {
        self.values(name).count()
    }

    /// The values of all fields of that name, in order.
    pub fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        // RFC 9110 §5.1: field names are case-insensitive.
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The elements of all fields of that name, as if they had been sent as one list.
    pub fn elements<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        // RFC 9110 §5.3: several lines of a list are one list.
        self.values(name).flat_map(elements)
    }

    /// All fields, names as sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let (mut name_at, mut value_at) = (0, 0);
        self.ends.iter().map(move |&(name_end, value_end)| {
            let name = self.names.get(name_at..name_end).unwrap_or_default();
            let value = self.values.get(value_at..value_end).unwrap_or_default();
            (name_at, value_at) = (name_end, value_end);
            (name, value)
        })
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl fmt::Debug for Headers {
    /// Values of secret fields are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| (name, shown_value(name, value)));
        f.debug_map().entries(shown).finish()
    }
}

/// A value as a log may show it: secrets left out.
pub fn shown_value(name: &str, value: &[u8]) -> String {
    if is_secret(name) { "…".to_owned() } else { String::from_utf8_lossy(value).into_owned() }
}

/// Whether the values of that field must never be seen in a log.
pub fn is_secret(name: &str) -> bool {
    ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"]
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
}

/// RFC 9110 §5.6.2: what names, protocols and list elements are made of. Never empty.
pub fn is_token(text: &[u8]) -> bool {
    ::http::HeaderName::from_bytes(text).is_ok()
}

/// The elements of a comma list without the space around them; empty ones are handed out too.
pub fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&b| b == b',').map(trim)
}

/// Without optional whitespace (RFC 9110 §5.6.3: SP and HTAB alone) at both ends.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> Headers {
        let mut headers = Headers::default();
        headers.append("Connection", "keep-alive, Upgrade");
        headers.append("Set-Cookie", "session=hidden");
        headers.append("CONNECTION", " close ,");
        headers
    }

    #[test]
    fn names_are_found_in_any_case_and_counted() {
        let headers = headers();
        assert_eq!(headers.count("connection"), 2);
        assert_eq!(headers.get("connection", 1), Some(&b" close ,"[..]));
        assert_eq!(headers.get("connection", 2), None);
        assert_eq!((headers.len(), headers.is_empty(), headers.count("x")), (3, false, 0));
    }

    #[test]
    fn lines_of_a_list_are_one_list() {
        let headers = headers();
        let elements: Vec<_> = headers.elements("Connection").collect();
        assert_eq!(elements, [&b"keep-alive"[..], b"Upgrade", b"close", b""]);
    }

    #[test]
    fn secrets_do_not_show() {
        let shown = format!("{:?}", headers());
        assert!(shown.contains("Set-Cookie") && shown.contains("keep-alive"), "{shown}");
        assert!(!shown.contains("hidden"), "{shown}");
        for name in ["authorization", "PROXY-AUTHORIZATION", "cookie", "set-cookie"] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn tokens_are_those_of_the_grammar() {
        for byte in 0..=255u8 {
            let expected = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(&[byte]), expected, "{byte:#x}");
            assert_eq!(is_token(&[b'a', byte, b'b']), expected, "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn only_space_and_tab_are_trimmed() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b"\x0ba\r"), b"\x0ba\r");
        assert_eq!(trim(b" \t"), b"");
    }
}
