//! Redirects: where a Location leads is where the url crate says, never from wss to ws; and over any
//! chain of answers no header, credential or certificate that the caller set leaves its origin.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use anyws::client::request::{Request, Rounds};
use anyws::client::{Cause, Error};
use anyws::handshake::redirect::{follow, is_redirect};
use anyws::handshake::{Conversation, Offer, RedirectFault};
use anyws::http::uri::MAX_URI_BYTES;
use anyws::http::{Credential, Headers, Host, Response, Uri, Version};
use anyws::transport::identity::ClientCertificate;
use anyws::transport::tcp::TcpOptions;
use anyws::transport::trust::TrustSettings;
use anyws_fuzz::{Choices, trimmed};
use libfuzzer_sys::fuzz_target;
use url::Url;

const NONCE: [u8; 16] = *b"the sample nonce";
const STATUSES: [u16; 16] =
    [302, 301, 303, 307, 308, 302, 302, 302, 401, 401, 401, 300, 304, 305, 200, 503];
const CHALLENGES: [&str; 4] = [
    "Basic realm=\"r\"",
    "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256",
    "Negotiate",
    "Digest realm=\"r\", nonce=\"n\", Basic realm=\"r\"",
];
/// What the request says by itself. Another origin is told no more.
const OURS: [&str; 5] =
    ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"];

static IDENTITY: LazyLock<ClientCertificate> = LazyLock::new(|| {
    ClientCertificate::parse(include_bytes!("../src/identity.pem")).expect("a certificate")
});

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let (max_redirects, flags) = (choices.below(21), choices.byte());
    let mut lines = choices.rest().split(|byte| *byte == b'\n');
    let start = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let start = start.and_then(|text| Uri::parse(text).ok());
    let start = start.unwrap_or_else(|| Uri::parse("wss://h.example:8443/a/b?c").expect("good"));
    let mut chain = Chain::new(request(start, max_redirects, flags));
    for line in lines {
        let mut choices = Choices::new(line);
        let kind = choices.byte();
        let location = choices.rest();
        if !chain.answer(&response(kind, location), location) {
            break;
        }
    }
});

fn request(uri: Uri, max_redirects: usize, flags: u8) -> Request {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![header("Cookie", "canary"), header("X-Api-Key", "canary")];
    // Set by the caller, unasked.
    if flags & 1 != 0 {
        headers.push(header("authorization", "Bearer canary"));
    }
    if flags & 2 != 0 {
        headers.push(header("Host", "canary.example"));
    }
    let credential = Credential::new("canary", "canary").expect("good");
    let (proxy_credential, credential) =
        (credential.clone(), (flags & 4 == 0).then_some(credential));
    let trust = TrustSettings { client_certificate: Some(IDENTITY.clone()), ..Default::default() };
    Request {
        offer: Offer {
            uri,
            protocols: Vec::new(),
            headers,
            compression: None,
            follows_redirects: max_redirects > 0,
        },
        options: TcpOptions { no_delay: true, send_buffer_bytes: 0 },
        connect_timeout: Duration::from_secs(1),
        max_addresses: 1,
        total_timeout: None,
        validates: false,
        trust,
        credential,
        proxy_credential: Some(proxy_credential),
        max_redirects,
        proxy: Default::default(),
        environment: Vec::new(),
        progress: Rounds::default(),
    }
}

fn response(kind: u8, location: &[u8]) -> Response {
    let mut headers = Headers::default();
    headers.append("location", trimmed(location));
    if kind & 0x40 != 0 {
        headers.append("Location", trimmed(location));
    }
    headers.append("WWW-Authenticate", CHALLENGES[usize::from(kind >> 4 & 3)]);
    let status = STATUSES[usize::from(kind) % 16];
    Response { version: Version::Http11, status, reason: String::new(), headers }
}

/// A request on its way from answer to answer, and what is known of it besides.
struct Chain {
    request: Request,
    /// What the caller set.
    headers: Vec<(String, String)>,
    has_credential: bool,
    visited: Vec<String>,
    has_left: bool,
    /// A challenge, since the last redirection.
    has_answered: bool,
}

impl Chain {
    fn new(request: Request) -> Chain {
        Chain {
            headers: request.offer.headers.clone(),
            has_credential: request.credential.is_some(),
            visited: vec![request.offer.uri.as_str().to_owned()],
            has_left: false,
            has_answered: false,
            request,
        }
    }

    /// Whether it goes on.
    fn answer(&mut self, response: &Response, location: &[u8]) -> bool {
        let here = self.request.offer.uri.clone();
        let next = follow(&here, response);
        leads_where_it_should(&here, trimmed(location), response, &next);
        let goes_on = self.request.goes_on_after(response);
        let is_followed = is_redirect(response.status) && self.request.max_redirects > 0;
        match (&goes_on, next) {
            (Ok(true), Ok(next)) if is_followed => self.has_moved(&here, &next),
            (Err(Error { cause: Cause::Redirect(fault), .. }), next) if is_followed => match next {
                Err(expected) => assert_eq!(*fault, expected),
                Ok(next) => {
                    let is_loop = self.visited.iter().any(|visited| visited == next.as_str());
                    assert_eq!(*fault, RedirectFault::TooMany);
                    assert!(is_loop || self.visited.len() > self.request.max_redirects);
                }
            },
            (Ok(true), _) if response.status == 401 => {
                assert!(self.has_credential && !self.has_left && !self.has_answered);
                assert_eq!(self.request.offer.uri, here);
                self.has_answered = true;
            }
            (Ok(false), _) if !is_followed => assert_eq!(self.request.offer.uri, here),
            (goes_on, next) => panic!("{}: {goes_on:?} {next:?}", response.status),
        }
        if self.has_left {
            self.takes_nothing()
        } else {
            self.takes_all()
        }
        matches!(goes_on, Ok(true))
    }

    fn has_moved(&mut self, here: &Uri, next: &Uri) {
        let uri = &self.request.offer.uri;
        assert_eq!(uri, next);
        assert!(!self.visited.iter().any(|visited| visited == uri.as_str()), "{}", uri.as_str());
        assert!(self.visited.len() <= self.request.max_redirects);
        assert!(!here.is_secure() || uri.is_secure(), "{} to {}", here.as_str(), uri.as_str());
        let is_same = origin(here.as_str()) == origin(uri.as_str());
        assert_eq!(here.same_origin(uri), is_same, "{} {}", here.as_str(), uri.as_str());
        self.visited.push(uri.as_str().to_owned());
        // Who comes back is a stranger still.
        self.has_left |= !is_same;
        self.has_answered = false;
    }

    /// To the origin the caller named goes what the caller set, and an answer to each challenge.
    fn takes_all(&self) {
        let is_answer = |name: &str| name.eq_ignore_ascii_case("authorization");
        let others = |headers: &[(String, String)]| {
            headers.iter().filter(|(name, _)| !is_answer(name)).cloned().collect::<Vec<_>>()
        };
        let sent = &self.request.offer.headers;
        assert_eq!(others(sent), others(&self.headers));
        let mut answers = sent.iter().filter(|(name, _)| is_answer(name));
        let (answer, more) = (answers.next(), answers.next());
        assert_eq!(more, None);
        match answer {
            Some((name, value)) if self.has_answered => {
                assert_eq!(name, "Authorization");
                let target = format!("uri=\"{}\"", self.request.offer.uri.target());
                assert!(value.starts_with("Basic ") || value.contains(&target), "{value}");
            }
            // Nobody has asked here.
            answer => assert!(answer.is_none_or(|answer| self.headers.contains(answer))),
        }
        assert_eq!(self.request.credential.is_some(), self.has_credential);
        assert!(self.request.trust.client_certificate.is_some());
    }

    fn takes_nothing(&self) {
        assert!(self.request.credential.is_none() && self.request.offer.headers.is_empty());
        assert!(self.request.trust.client_certificate.is_none());
        let conversation = Conversation::new(&self.request.offer, NONCE);
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut read = httparse::Request::new(&mut fields);
        assert!(read.parse(conversation.request()).is_ok_and(|status| status.is_complete()));
        let names: Vec<&str> = read.headers.iter().map(|field| field.name).collect();
        assert_eq!(names, OURS);
        let (host, _) = origin(self.request.offer.uri.as_str()).authority();
        assert_eq!(read.headers[0].value, host.as_bytes());
    }
}

/// Scheme, host and port as the url crate has them, and the zone, which it does not know.
#[derive(Debug, PartialEq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
    zone: Option<String>,
}

impl Origin {
    /// As `Host` has it, and whether the port is named.
    fn authority(&self) -> (String, bool) {
        let default = if self.scheme == "wss" { 443 } else { 80 };
        match self.port {
            Some(port) if port != default => (format!("{}:{port}", self.host), true),
            _ => (self.host.clone(), false),
        }
    }
}

fn origin(text: &str) -> Origin {
    let (text, zone) = without_zone(text);
    let url = Url::parse(&text).expect("an address");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    Origin {
        scheme: url.scheme().to_owned(),
        host: url.host_str().expect("a host").to_owned(),
        port: url.port_or_known_default(),
        zone,
    }
}

/// Takes the zone out of `//[fe80::1%25eth0]`.
fn without_zone(text: &str) -> (String, Option<String>) {
    let split = || {
        let (before, rest) = text.split_once("//[")?;
        let (inside, after) = rest.split_once(']')?;
        let (address, zone) = inside.split_once("%25")?;
        // Not of a path.
        let is_front = before.is_empty() || before.ends_with(':') && !before.contains('/');
        is_front.then(|| (format!("{before}//[{address}]{after}"), Some(zone.to_owned())))
    };
    split().unwrap_or_else(|| (text.to_owned(), None))
}

fn leads_where_it_should(
    here: &Uri,
    location: &[u8],
    response: &Response,
    next: &Result<Uri, RedirectFault>,
) {
    let is_once = response.headers.count("Location") == 1;
    let Ok(location) = std::str::from_utf8(location) else { return assert!(next.is_err()) };
    let theirs = theirs(here, location);
    if let Ok(next) = next {
        let (url, zone) = theirs.expect("what is followed is an address");
        assert!(is_once && !location.is_empty() && next.as_str().len() <= 3 * MAX_URI_BYTES);
        assert!(url.username().is_empty() && url.password().is_none());
        let (whole, our_zone) = without_zone(next.as_str());
        assert_eq!((whole.as_str(), our_zone), (url.as_str(), zone), "{location}");
        assert!(!matches!(next.host(), Host::Name(name) if name.is_empty()));
        assert!(!here.is_secure() || next.is_secure(), "{location}");
    } else if let Some((url, _)) = theirs
        && is_once
        && is_plain(location)
        && here.as_str().len() + location.len() < MAX_URI_BYTES
    {
        let is_downgrade = here.is_secure() && url.scheme() == "ws";
        assert!(is_downgrade, "{location} after {}: {next:?}", here.as_str());
        assert_eq!(*next, Err(RedirectFault::Downgrade));
    }
}

/// RFC 3986 §3.1.
fn scheme(location: &str) -> Option<&str> {
    let (scheme, _) = location.split_once(':')?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_scheme && scheme.bytes().all(is_letter)).then_some(scheme)
}

/// Where the url crate is led, and the zone of the host there.
fn theirs(here: &Uri, location: &str) -> Option<(Url, Option<String>)> {
    let (base, zone) = without_zone(here.as_str());
    let base = Url::parse(&base).expect("an address");
    let Some(scheme) = scheme(location) else {
        if location.starts_with("//") {
            let (location, zone) = without_zone(location);
            return Some((base.join(&location).ok()?, zone));
        }
        return Some((base.join(location).ok()?, zone));
    };
    let (_, rest) = location.split_once(':')?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return None,
    };
    let (location, zone) = without_zone(&format!("{scheme}:{rest}"));
    Some((Url::parse(&location).ok()?, zone))
}

/// Nothing in it is anybody's to forgive, so it must be followed.
fn is_plain(location: &str) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:/?".contains(&byte);
    if location.is_empty() || !location.bytes().all(is_letter) {
        return false;
    }
    let place = match scheme(location) {
        Some(scheme) => &location[scheme.len() + 1..],
        None => location,
    };
    let Some(place) = place.strip_prefix("//") else { return scheme(location).is_none() };
    let authority = place.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(is_letter)
    };
    // A last label of digits makes it an address, or nothing.
    let is_name = host.rsplit('.').next().is_some_and(|last| last.starts_with(char::is_alphabetic));
    let is_port = port.len() < 8 && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = port.is_empty() || port.parse::<u16>().is_ok_and(|port| port > 0);
    is_name && host.len() < 254 && host.split('.').all(is_label) && is_port && is_number
}
