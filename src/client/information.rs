//! What became known of a connection. Readable at any time, also after a failure.
//!
//! Every idle connection keeps it, and hardly anybody asks: the facts lie behind one another in one
//! piece of memory, each a number, a length and its bytes, and what most servers say is a number in
//! a table. Refuses to know where they come from.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use rustls_pki_types::CertificateDer;

use crate::handshake::Conversation;
use crate::http::Response;
use crate::transport::tls::TlsSession;

/// A stage of connecting whose time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timed {
    Name,
    Tcp,
    Proxy,
    Tls,
    Http,
}

#[derive(Default)]
pub struct Information {
    facts: Facts,
    certificates: Option<Box<Certificates>>,
}

/// In DER, the server's own first; shared by connections that were shown the same.
type Certificates = Arc<[CertificateDer<'static>]>;

enum Facts {
    /// With room for more.
    #[allow(clippy::box_collection)] // it makes all of it smaller
    Growing(Box<Vec<u8>>),
    Settled(Box<[u8]>),
}

/// A number below 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fact {
    /// Without the scheme.
    PlainUri,
    SecureUri,
    /// Its IP address is left out where it is the remote one.
    Local,
    Remote,
    Protocol,
    HttpStatus,
    /// Of the response: a place in the table of usual names, or 0, a name and a colon; its value.
    Header,
    /// The same as a place in the table of usual headers.
    UsualHeader,
    /// The same of the header that proves the handshake: what its base64 stands for.
    Accept,
    Body,
    TlsVersion,
    TlsCipherSuite,
    TlsResumed,
    CertificateErrors,
    /// And those behind it: microseconds of each stage.
    Stages,
}

/// The names that most answers have. Who asks for one writes it as he likes, and is told no name.
const USUAL_NAMES: [&str; 12] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
    "Date",
    "Server",
    "Content-Length",
    "Content-Type",
    "Set-Cookie",
    "Via",
    "Access-Control-Allow-Origin",
];

const SCHEMES: [(Fact, &str); 2] = [(Fact::PlainUri, "ws://"), (Fact::SecureUri, "wss://")];

/// What most servers say.
const USUAL_HEADERS: [(&str, &[u8]); 4] = [
    ("Upgrade", b"websocket"),
    ("Connection", b"Upgrade"),
    ("Connection", b"upgrade"),
    ("Content-Length", b"0"),
];
const ACCEPT: &str = "Sec-WebSocket-Accept";

/// The place of a name in the table, counted from 1.
fn usual(name: &[u8]) -> Option<u8> {
    let mut names = USUAL_NAMES.iter();
    let place = names.position(|usual| usual.as_bytes().eq_ignore_ascii_case(name))?;
    Some(place as u8 + 1)
}

/// What is enough for a short address and an answer without more than it needs.
const USUAL_BYTES: usize = 72;
/// What an allocator cannot make use of.
const SPARE_BYTES: usize = 16;

impl Information {
    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin(&mut self, request_uri: &str) {
        let facts = Facts::Growing(Box::new(Vec::with_capacity(USUAL_BYTES)));
        *self = Information { facts, certificates: None };
        self.set_request_uri(request_uri);
    }

    /// Also when a redirect was followed.
    pub fn set_request_uri(&mut self, uri: &str) {
        self.forget(SCHEMES.map(|(fact, _)| fact));
        for (fact, scheme) in SCHEMES {
            if let Some(rest) = uri.strip_prefix(scheme) {
                self.add(fact as u8, &[rest.as_bytes()]);
            }
        }
    }

    /// Empty before a connect.
    pub fn request_uri(&self) -> String {
        let mut uris = SCHEMES.into_iter().filter_map(|(fact, scheme)| {
            self.one(fact as u8)?;
            Some(format!("{scheme}{}", self.text(fact)))
        });
        uris.next().unwrap_or_default()
    }

    pub fn set_addresses(&mut self, local: Option<SocketAddr>, remote: SocketAddr) {
        self.forget([Fact::Local, Fact::Remote]);
        match local {
            // On this machine, that is.
            Some(SocketAddr::V4(local)) if IpAddr::V4(*local.ip()) == remote.ip() => {
                self.add(Fact::Local as u8, &[&local.port().to_be_bytes()]);
            }
            Some(local) => self.add_address(Fact::Local, local),
            None => {}
        }
        self.add_address(Fact::Remote, remote);
    }

    pub fn local(&self) -> Option<SocketAddr> {
        match self.one(Fact::Local as u8)? {
            &[high, low] => {
                Some(SocketAddr::new(self.remote()?.ip(), u16::from_be_bytes([high, low])))
            }
            _ => self.address(Fact::Local),
        }
    }

    pub fn remote(&self) -> Option<SocketAddr> {
        self.address(Fact::Remote)
    }

    /// The server's answer, whatever it was.
    pub fn note_response(&mut self, conversation: &Conversation) {
        self.replace(Fact::Protocol, conversation.protocol().unwrap_or_default().as_bytes());
        self.set_response(conversation.response(), conversation.body());
    }

    /// The final answer of a server, or of a proxy, and the front of its body if it is a refusal.
    pub fn set_response(&mut self, response: Option<&Response>, body: &[u8]) {
        let headers = [Fact::Header, Fact::UsualHeader, Fact::Accept];
        self.forget(headers.into_iter().chain([Fact::HttpStatus, Fact::Body]));
        let Some(response) = response else { return };
        self.add_number(Fact::HttpStatus as u8, response.status.into());
        for (name, value) in response.headers.iter() {
            self.add_header(name, value);
        }
        if !body.is_empty() {
            self.add(Fact::Body as u8, &[body]);
        }
    }

    fn add_header(&mut self, name: &str, value: &[u8]) {
        let mut usual_headers = USUAL_HEADERS.iter();
        let place = usual_headers.position(|(usual_name, usual_value)| {
            *usual_value == value && usual_name.eq_ignore_ascii_case(name)
        });
        if let Some(place) = place {
            return self.add(Fact::UsualHeader as u8, &[&[place as u8]]);
        }
        if name.eq_ignore_ascii_case(ACCEPT)
            && let Ok(bytes) = BASE64.decode(value)
        {
            return self.add(Fact::Accept as u8, &[&bytes]);
        }
        match usual(name.as_bytes()) {
            Some(place) => self.add(Fact::Header as u8, &[&[place], value]),
            None => self.add(Fact::Header as u8, &[&[0], name.as_bytes(), b":", value]),
        }
    }

    /// 0 before there is an answer.
    pub fn http_status(&self) -> u16 {
        self.number(Fact::HttpStatus as u8) as u16
    }

    /// The value of the `index`th header of that name.
    pub fn header(&self, name: &str, index: usize) -> Option<Cow<'_, [u8]>> {
        let wanted = usual(name.as_bytes());
        let values = self.all().filter_map(|(number, bytes)| {
            if number == Fact::Accept as u8 {
                let encoded = || Cow::Owned(BASE64.encode(bytes).into_bytes());
                return name.eq_ignore_ascii_case(ACCEPT).then(encoded);
            }
            if number == Fact::UsualHeader as u8 {
                let (usual_name, value) = USUAL_HEADERS.get(usize::from(*bytes.first()?))?;
                return usual_name.eq_ignore_ascii_case(name).then_some(Cow::Borrowed(*value));
            }
            if number != Fact::Header as u8 {
                return None;
            }
            let (&place, rest) = bytes.split_first()?;
            if place > 0 {
                return (Some(place) == wanted).then_some(Cow::Borrowed(rest));
            }
            let colon = rest.iter().position(|&byte| byte == b':')?;
            let (field, value) = rest.split_at(colon);
            // RFC 9110 §5.1: field names are case-insensitive.
            let value = || Cow::Borrowed(value.get(1..).unwrap_or_default());
            field.eq_ignore_ascii_case(name.as_bytes()).then(value)
        });
        values.into_iter().nth(index)
    }

    /// The first 64 KiB of the body of a refusal.
    pub fn response_body(&self) -> &[u8] {
        self.one(Fact::Body as u8).unwrap_or_default()
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> &str {
        self.text(Fact::Protocol)
    }

    /// As far as TLS has come, also when it has failed.
    pub fn note_tls(&mut self, tls: &TlsSession) {
        self.set_tls(tls.version(), tls.cipher_suite(), tls.is_resumed());
        let errors = tls.certificate_faults().validation_mask();
        self.set_certificates(tls.peer_certificates(), errors);
    }

    fn set_tls(&mut self, version: Option<&str>, cipher_suite: Option<&str>, is_resumed: bool) {
        self.replace(Fact::TlsVersion, version.unwrap_or_default().as_bytes());
        self.replace(Fact::TlsCipherSuite, cipher_suite.unwrap_or_default().as_bytes());
        self.replace(Fact::TlsResumed, if is_resumed { &[1] } else { &[] });
    }

    pub fn tls_version(&self) -> &str {
        self.text(Fact::TlsVersion)
    }

    pub fn tls_cipher_suite(&self) -> &str {
        self.text(Fact::TlsCipherSuite)
    }

    pub fn tls_resumed(&self) -> bool {
        self.number(Fact::TlsResumed as u8) != 0
    }

    /// And what is wrong with them, also what is overlooked: bit n is ChainValidationResult n.
    fn set_certificates(&mut self, certificates: Certificates, errors: u32) {
        self.certificates = (!certificates.is_empty()).then(|| Box::new(certificates));
        self.forget([Fact::CertificateErrors]);
        if errors != 0 {
            self.add_number(Fact::CertificateErrors as u8, errors.into());
        }
    }

    pub fn certificate(&self, index: usize) -> Option<&[u8]> {
        self.certificates.as_ref()?.get(index).map(AsRef::as_ref)
    }

    pub fn certificate_errors(&self) -> u32 {
        self.number(Fact::CertificateErrors as u8) as u32
    }

    pub fn stage_ended(&mut self, stage: Timed, took: Duration) {
        let number = Fact::Stages as u8 + stage as u8;
        self.forget_numbers(1 << number);
        self.add_number(number, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// How long a stage took, in microseconds; zero while it has not ended.
    pub fn stage_us(&self, stage: Timed) -> u64 {
        self.number(Fact::Stages as u8 + stage as u8)
    }

    /// For the time being nothing more will become known: gives back what memory is left over.
    pub fn settle(&mut self) {
        if let Facts::Growing(bytes) = &mut self.facts {
            let spare = bytes.capacity() - bytes.len();
            let settled = match std::mem::take(&mut **bytes) {
                bytes if spare < SPARE_BYTES => bytes.into_boxed_slice(),
                // A copy: what a large piece leaves when it shrinks is of no use to others.
                bytes => bytes.as_slice().into(),
            };
            self.facts = Facts::Settled(settled);
        }
    }

    fn add(&mut self, number: u8, pieces: &[&[u8]]) {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.facts.grow(|facts| {
            facts.push(number << LEN_BITS | len.min(LONG) as u8);
            if len >= LONG {
                // Seven bits at a time, the lowest first; the last has no eighth.
                let mut rest = len;
                while rest >= 0x80 {
                    facts.push(rest as u8 | 0x80);
                    rest >>= 7;
                }
                facts.push(rest as u8);
            }
            for piece in pieces {
                facts.extend_from_slice(piece);
            }
        });
    }

    fn add_number(&mut self, number: u8, value: u64) {
        let bytes = value.to_be_bytes();
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        self.add(number, &[bytes.get(zeros..).unwrap_or_default()]);
    }

    fn replace(&mut self, fact: Fact, bytes: &[u8]) {
        self.forget([fact]);
        if !bytes.is_empty() {
            self.add(fact as u8, &[bytes]);
        }
    }

    fn forget(&mut self, facts: impl IntoIterator<Item = Fact>) {
        self.forget_numbers(facts.into_iter().fold(0, |numbers, fact| numbers | 1 << fact as u8));
    }

    /// A bit for each.
    fn forget_numbers(&mut self, numbers: u32) {
        let mut at = 0;
        while let Some((found, from, to)) = place(self.facts.bytes(), at) {
            if numbers >> found & 1 == 1 {
                self.facts.grow(|facts| drop(facts.drain(at..to)));
            } else {
                debug_assert!(from <= to);
                at = to;
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let facts = self.facts.bytes();
        let mut at = 0;
        std::iter::from_fn(move || {
            let (found, from, to) = place(facts, at)?;
            at = to;
            Some((found, facts.get(from..to).unwrap_or_default()))
        })
    }

    fn one(&self, number: u8) -> Option<&[u8]> {
        self.all().find(|(found, _)| *found == number).map(|(_, bytes)| bytes)
    }

    fn text(&self, fact: Fact) -> &str {
        std::str::from_utf8(self.one(fact as u8).unwrap_or_default()).unwrap_or_default()
    }

    fn number(&self, number: u8) -> u64 {
        let bytes = self.one(number).unwrap_or_default();
        bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    fn add_address(&mut self, fact: Fact, address: SocketAddr) {
        let port = address.port().to_be_bytes();
        match address {
            SocketAddr::V4(v4) => self.add(fact as u8, &[&v4.ip().octets(), &port]),
            SocketAddr::V6(v6) => {
                let (flow, scope) = (v6.flowinfo().to_be_bytes(), v6.scope_id().to_be_bytes());
                self.add(fact as u8, &[&v6.ip().octets(), &port, &flow, &scope]);
            }
        }
    }

    fn address(&self, fact: Fact) -> Option<SocketAddr> {
        let bytes = self.one(fact as u8)?;
        if let Some((ip, rest)) = bytes.split_first_chunk::<16>() {
            let (port, rest) = rest.split_first_chunk()?;
            let (flow, rest) = rest.split_first_chunk()?;
            let (scope, _) = rest.split_first_chunk()?;
            let (port, ip) = (u16::from_be_bytes(*port), Ipv6Addr::from(*ip));
            let (flow, scope) = (u32::from_be_bytes(*flow), u32::from_be_bytes(*scope));
            return Some(SocketAddrV6::new(ip, port, flow, scope).into());
        }
        let (ip, rest) = bytes.split_first_chunk::<4>()?;
        let (port, _) = rest.split_first_chunk()?;
        Some(SocketAddr::new(IpAddr::from(*ip), u16::from_be_bytes(*port)))
    }
}

impl std::fmt::Debug for Information {
    /// Headers may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Information")
            .field("bytes", &self.facts.bytes().len())
            .finish_non_exhaustive()
    }
}

impl Default for Facts {
    fn default() -> Facts {
        Facts::Settled(Box::default())
    }
}

impl Facts {
    fn bytes(&self) -> &[u8] {
        match self {
            Facts::Growing(bytes) => bytes,
            Facts::Settled(bytes) => bytes,
        }
    }

    fn grow(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = match std::mem::take(self) {
            Facts::Growing(bytes) => bytes,
            Facts::Settled(bytes) => Box::new(bytes.into_vec()),
        };
        write(&mut bytes);
        *self = Facts::Growing(bytes);
    }
}

/// The low bits of a fact's first byte are its length, up to this one, which means that the length
/// follows.
const LONG: usize = (1 << LEN_BITS) - 1;
const LEN_BITS: u32 = 3;

/// The fact that begins at `at`: its number, and where its bytes begin and end.
#[inline]
fn place(facts: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let (&first, rest) = facts.get(at..)?.split_first()?;
    let (number, short) = (first >> LEN_BITS, usize::from(first) & LONG);
    if short < LONG {
        return Some((number, at + 1, at + 1 + short));
    }
    let mut len = 0;
    for (index, &byte) in rest.iter().enumerate() {
        len |= usize::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            let from = at + 2 + index;
            return Some((number, from, from + len));
        }
    }
    None
}

#[cfg(test)]
#[path = "information_tests.rs"]
mod tests;
