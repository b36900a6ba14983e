//! What became known of a connection. Readable at any time, also after a failure.
//!
//! Every idle connection keeps it, and hardly anybody asks: the facts lie behind one another in one
//! piece of memory, each a number, a length and its bytes. Refuses to know where they come from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

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

#[derive(Clone, Default)]
pub struct Information {
    facts: Vec<u8>,
    /// In DER, the server's own first; shared by connections that were shown the same.
    certificates: Option<Arc<[CertificateDer<'static>]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fact {
    RequestUri,
    Local,
    Remote,
    Protocol,
    HttpStatus,
    /// Of the response: a place in the table of usual names, or 0, a name and a colon; its value.
    Header,
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

/// The place of a name in the table, counted from 1.
fn usual(name: &[u8]) -> Option<u8> {
    let mut names = USUAL_NAMES.iter();
    let place = names.position(|usual| usual.as_bytes().eq_ignore_ascii_case(name))?;
    Some(place as u8 + 1)
}

/// What is enough for most connections, while it grows.
const USUAL_BYTES: usize = 256;

impl Information {
    /// A new attempt to connect: what an earlier one came to is forgotten.
    pub fn begin(&mut self, request_uri: &str) {
        *self = Information { facts: Vec::with_capacity(USUAL_BYTES), certificates: None };
        self.add(Fact::RequestUri as u8, &[request_uri.as_bytes()]);
    }

    /// A redirect was followed.
    pub fn set_request_uri(&mut self, uri: &str) {
        self.replace(Fact::RequestUri, uri.as_bytes());
    }

    pub fn request_uri(&self) -> &str {
        self.text(Fact::RequestUri)
    }

    pub fn set_addresses(&mut self, local: Option<SocketAddr>, remote: SocketAddr) {
        self.forget(Fact::Local);
        if let Some(local) = local {
            self.add_address(Fact::Local, local);
        }
        self.forget(Fact::Remote);
        self.add_address(Fact::Remote, remote);
    }

    pub fn local(&self) -> Option<SocketAddr> {
        self.address(Fact::Local)
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
        for fact in [Fact::HttpStatus, Fact::Header, Fact::Body] {
            self.forget(fact);
        }
        let Some(response) = response else { return };
        self.add(Fact::HttpStatus as u8, &[&response.status.to_be_bytes()]);
        for (name, value) in response.headers.iter() {
            match usual(name.as_bytes()) {
                Some(place) => self.add(Fact::Header as u8, &[&[place], value]),
                None => self.add(Fact::Header as u8, &[&[0], name.as_bytes(), b":", value]),
            }
        }
        if !body.is_empty() {
            self.add(Fact::Body as u8, &[body]);
        }
    }

    /// 0 before there is an answer.
    pub fn http_status(&self) -> u16 {
        self.number(Fact::HttpStatus as u8) as u16
    }

    /// The value of the `index`th header of that name.
    pub fn header(&self, name: &str, index: usize) -> Option<&[u8]> {
        let wanted = usual(name.as_bytes());
        let values = self.all(Fact::Header as u8).filter_map(|line| {
            let (&place, rest) = line.split_first()?;
            if place > 0 {
                return (Some(place) == wanted).then_some(rest);
            }
            let colon = rest.iter().position(|&byte| byte == b':')?;
            let (field, value) = rest.split_at(colon);
            // RFC 9110 §5.1: field names are case-insensitive.
            field.eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
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
    fn set_certificates(&mut self, certificates: Arc<[CertificateDer<'static>]>, errors: u32) {
        self.certificates = (!certificates.is_empty()).then_some(certificates);
        self.forget(Fact::CertificateErrors);
        if errors != 0 {
            self.add(Fact::CertificateErrors as u8, &[&errors.to_be_bytes()]);
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
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).to_be_bytes();
        let zeros = micros.iter().take_while(|&&byte| byte == 0).count();
        self.forget_number(number);
        self.add(number, &[micros.get(zeros..).unwrap_or_default()]);
    }

    /// How long a stage took, in microseconds; zero while it has not ended.
    pub fn stage_us(&self, stage: Timed) -> u64 {
        self.number(Fact::Stages as u8 + stage as u8)
    }

    /// For the time being nothing more will become known: gives back what memory is left over.
    pub fn settle(&mut self) {
        self.facts.shrink_to_fit();
    }

    fn add(&mut self, number: u8, pieces: &[&[u8]]) {
        self.facts.push(number);
        let mut len: usize = pieces.iter().map(|piece| piece.len()).sum();
        // Seven bits at a time, the lowest first; the last has no eighth.
        while len >= 0x80 {
            self.facts.push(len as u8 | 0x80);
            len >>= 7;
        }
        self.facts.push(len as u8);
        for piece in pieces {
            self.facts.extend_from_slice(piece);
        }
    }

    fn replace(&mut self, fact: Fact, bytes: &[u8]) {
        self.forget(fact);
        if !bytes.is_empty() {
            self.add(fact as u8, &[bytes]);
        }
    }

    fn forget(&mut self, fact: Fact) {
        self.forget_number(fact as u8);
    }

    fn forget_number(&mut self, number: u8) {
        let mut at = 0;
        while let Some((found, from, to)) = place(&self.facts, at) {
            if found == number {
                self.facts.drain(at..to);
            } else {
                debug_assert!(from <= to);
                at = to;
            }
        }
    }

    fn all(&self, number: u8) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (found, from, to) = place(&self.facts, at)?;
            at = to;
            Some((found, self.facts.get(from..to).unwrap_or_default()))
        })
        .filter(move |(found, _)| *found == number)
        .map(|(_, bytes)| bytes)
    }

    fn one(&self, number: u8) -> Option<&[u8]> {
        self.all(number).next()
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
        f.debug_struct("Information").field("bytes", &self.facts.len()).finish_non_exhaustive()
    }
}

/// The fact that begins at `at`: its number, and where its bytes begin and end.
fn place(facts: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let (&number, rest) = facts.get(at..)?.split_first()?;
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
