//! The address a socket connects to. What is connected to, named in `Host`, asked for in SNI and
//! compared as origin all come from this one parse.
//!
//! The `url` crate does IDNA and the normal form of path and query. It forgives what a browser must
//! forgive (`\` for `/`, dropped tabs, `0x7f.1` for an address); whatever it would silently change
//! in the authority is refused here first. Refuses to know DNS, sockets and redirects.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

/// The longest address that is accepted, in bytes.
pub const MAX_URI_BYTES: usize = 8192;

/// RFC 1035 §2.3.4, without the root's empty label.
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;
/// Scheme, host and port of most addresses.
const MAX_USUAL_AUTHORITY_BYTES: usize = 48;

/// An absolute `ws` or `wss` address in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    secure: bool,
    host: Host,
    port: u16,
    /// The whole address; `text[target_start..]` is the target and begins with `/`.
    text: String,
    target_start: usize,
}

impl Uri {
    /// Reads an address as a caller or a server wrote it.
    pub fn parse(text: &str) -> Result<Self, UriFault> {
        if text.is_empty() {
            return Err(UriFault::Empty);
        }
        if text.len() > MAX_URI_BYTES {
            return Err(UriFault::TooLong);
        }
        if text.chars().any(is_forbidden) {
            return Err(UriFault::ForbiddenCharacter);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriFault::NotAbsolute)?;
        let secure = read_scheme(scheme)?;
        // RFC 6455 §3: fragment identifiers MUST NOT be used.
        if rest.contains('#') {
            return Err(UriFault::Fragment);
        }
        // The url crate reads `ws:host` and `ws:///host` as `ws://host`.
        let rest = rest.strip_prefix("//").ok_or(UriFault::NotAbsolute)?;
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UriFault::UserInfo);
        }
        let (host_text, port_text) = split_authority(authority)?;
        let port = read_port(port_text)?.unwrap_or(default_port(secure));
        if let Some(host) = plain_host(host_text).filter(|_| is_plain_tail(tail)) {
            return Ok(Self::assemble(secure, host, port, tail));
        }
        let (host, url) = read_host(host_text, tail)?;
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        Ok(Self::assemble(secure, host, port, &format!("{}{query}", url.path())))
    }

    /// Whether the connection is encrypted: `wss`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whom to connect to.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also when it was left out.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` header: no default port, no zone.
    pub fn authority(&self) -> Cow<'_, str> {
        match &self.host {
            // RFC 6874 §4: a zone has meaning on this machine only and is never sent.
            // RFC 6455 §4.1: the port is named if it is not the default one.
            Host::V6 { address, zone: Some(_) } if self.port == default_port(self.secure) => {
                format!("[{address}]").into()
            }
            Host::V6 { address, zone: Some(_) } => format!("[{address}]:{}", self.port).into(),
            _ => {
                let authority = self.text.get(scheme(self.secure).len()..self.target_start);
                authority.unwrap_or_default().into()
            }
        }
    }

    /// Host and port as CONNECT names them: the port is always there, a zone never.
    pub fn connect_target(&self) -> String {
        match &self.host {
            Host::V6 { address, .. } => format!("[{address}]:{}", self.port),
            other => format!("{other}:{}", self.port),
        }
    }

    /// Path and query as the request line has them; begins with `/`.
    pub fn target(&self) -> &str {
        self.text.get(self.target_start..).unwrap_or("/")
    }

    /// The whole address in normal form; parses to an equal `Uri`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Same scheme, host and port: what was meant for one may be told to the other.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure && self.host == other.host && self.port == other.port
    }

    /// `target` in normal form, except that an empty path may be left out.
    fn assemble(secure: bool, host: Host, port: u16, target: &str) -> Self {
        let mut text = String::with_capacity(MAX_USUAL_AUTHORITY_BYTES + target.len());
        text.push_str(scheme(secure));
        // Writing to a string cannot fail.
        let _ = match &host {
            Host::V6 { address, zone: Some(zone) } => write!(text, "[{address}%25{zone}]"),
            Host::V6 { address, zone: None } => write!(text, "[{address}]"),
            Host::Name(name) => text.write_str(name),
            other => write!(text, "{other}"),
        };
        if port != default_port(secure) {
            let _ = write!(text, ":{port}");
        }
        let target_start = text.len();
        // RFC 6455 §3: an empty path is sent as "/".
        if !target.starts_with('/') {
            text.push('/');
        }
        text.push_str(target);
        Self { secure, host, port, text, target_start }
    }
}

/// Whom an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Lower case, international names in their `xn--` form. A trailing dot is kept: it tells the
    /// name lookup not to try search domains.
    Name(String),
    V4(Ipv4Addr),
    /// `zone` is the interface of a link-local address, by name or number.
    V6 {
        address: Ipv6Addr,
        zone: Option<String>,
    },
}

impl Host {
    /// The name for SNI and for the certificate. Empty for an address, which has none.
    pub fn server_name(&self) -> &str {
        match self {
            // RFC 6066 §3: the host name is sent without a trailing dot.
            Self::Name(name) => name.strip_suffix('.').unwrap_or(name),
            Self::V4(_) | Self::V6 { .. } => "",
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6 { address, zone: None },
        }
    }
}

impl fmt::Display for Host {
    /// As the system writes it: no brackets, `%` before the zone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6 { address, zone: Some(zone) } => write!(f, "{address}%{zone}"),
            Self::V6 { address, zone: None } => write!(f, "{address}"),
        }
    }
}

/// Reads a host with or without a port, as an address has it between `//` and its path.
pub fn parse_authority(text: &str) -> Result<(Host, Option<u16>), UriFault> {
    if text.len() > MAX_URI_BYTES {
        return Err(UriFault::TooLong);
    }
    if text.chars().any(is_forbidden) {
        return Err(UriFault::ForbiddenCharacter);
    }
    if text.contains(['/', '?', '#']) {
        return Err(UriFault::BadHost);
    }
    if text.contains('@') {
        return Err(UriFault::UserInfo);
    }
    let (host, port) = split_authority(text)?;
    let port = read_port(port)?;
    Ok((read_host(host, "/")?.0, port))
}

/// Why a text is not an address to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriFault {
    Empty,
    TooLong,
    NotAbsolute,
    UnsupportedScheme,
    NoHost,
    BadHost,
    BadPort,
    Fragment,
    UserInfo,
    ForbiddenCharacter,
}

impl UriFault {
    /// A sentence for a person.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "The URI is empty.",
            Self::TooLong => "The URI is longer than 8192 bytes.",
            Self::NotAbsolute => "The URI is not absolute: it must begin with ws:// or wss://.",
            Self::UnsupportedScheme => "The URI's scheme is neither ws nor wss.",
            Self::NoHost => "The URI names no host.",
            Self::BadHost => "The URI's host is not a valid name or address.",
            Self::BadPort => "The URI's port is not a number from 1 to 65535.",
            Self::Fragment => {
                "The URI has a fragment (#), which WebSocket addresses must not have."
            }
            Self::UserInfo => {
                "The URI holds a user name or password before an @; set a credential."
            }
            Self::ForbiddenCharacter => {
                "The URI holds a space, a control character or a backslash; percent-encode it."
            }
        }
    }
}

impl fmt::Display for UriFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for UriFault {}

/// The url crate drops tabs and line ends, trims spaces and reads `\` as `/`.
fn is_forbidden(c: char) -> bool {
    c == ' ' || c == '\\' || c.is_control()
}

fn scheme(secure: bool) -> &'static str {
    if secure { "wss://" } else { "ws://" }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

fn read_scheme(scheme: &str) -> Result<bool, UriFault> {
    let mut letters = scheme.bytes();
    let well_formed = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    match scheme {
        // RFC 3986 §3.1: schemes are case-insensitive.
        _ if scheme.eq_ignore_ascii_case("ws") => Ok(false),
        _ if scheme.eq_ignore_ascii_case("wss") => Ok(true),
        _ if well_formed => Err(UriFault::UnsupportedScheme),
        // The colon belongs to a path or a port: `/a:b`.
        _ => Err(UriFault::NotAbsolute),
    }
}

/// The host's text, with its brackets if it has them, and the port's text.
fn split_authority(authority: &str) -> Result<(&str, &str), UriFault> {
    let split = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').ok_or(UriFault::BadHost)? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(split);
    let port = match rest.strip_prefix(':') {
        // An address without brackets: `2001:db8::1`.
        Some(port) if port.contains(':') => return Err(UriFault::BadHost),
        Some(port) => port,
        None if rest.is_empty() => "",
        None => return Err(UriFault::BadHost),
    };
    if host.is_empty() {
        return Err(UriFault::NoHost);
    }
    Ok((host, port))
}

/// RFC 3986 §3.2.3: the port may be empty, which means the default.
fn read_port(text: &str) -> Result<Option<u16>, UriFault> {
    if text.is_empty() {
        return Ok(None);
    }
    // `u16::from_str` takes a sign.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UriFault::BadPort);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(UriFault::BadPort),
        Ok(port) => Ok(Some(port)),
    }
}

/// A host that is in normal form already, whoever looks at it: a name of small letters, digits and
/// hyphens whose last label no one takes for a number, or an address.
fn plain_host(text: &str) -> Option<Host> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if !text.bytes().all(is_plain) {
        return None;
    }
    if let Ok(address) = text.parse() {
        return Some(Host::V4(address));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let mut labels = name.rsplit('.');
    let is_name = labels.next().is_some_and(|last| last.starts_with(|c: char| c.is_alphabetic()))
        && is_lookup_name(text)
        && !name.split('.').any(|label| label.get(2..4) == Some("--"));
    is_name.then(|| Host::Name(text.to_owned()))
}

/// Path and query in which there is nothing to be escaped or left out.
fn is_plain_tail(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_~.?=&,".contains(&b);
    text.bytes().all(is_plain) && !text.contains("/.")
}

/// The host, and the address in the url crate's normal form for its path and query.
fn read_host(text: &str, tail: &str) -> Result<(Host, Url), UriFault> {
    let parse = |host: &str| Url::parse(&format!("ws://{host}{tail}"));
    if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // RFC 6874 §2: `%25` introduces the zone.
        let (address, zone) = match inside.split_once("%25") {
            Some((address, zone)) => (address, Some(read_zone(zone)?)),
            None => (inside, None),
        };
        let address: Ipv6Addr = address.parse().map_err(|_| UriFault::BadHost)?;
        let url = parse(&format!("[{address}]")).map_err(|_| UriFault::BadHost)?;
        return Ok((Host::V6 { address, zone }, url));
    }
    // The url crate would decode an escape, and the text would no longer show the host.
    if text.contains('%') {
        return Err(UriFault::BadHost);
    }
    let url = parse(text).map_err(|_| UriFault::BadHost)?;
    let host = match url.host() {
        Some(url::Host::Domain(name)) if is_lookup_name(name) => Host::Name(name.to_owned()),
        // `1.2.3` and `0x7f.1` are addresses to the url crate, and not the ones they look like.
        Some(url::Host::Ipv4(address)) if text.parse() == Ok(address) => Host::V4(address),
        _ => return Err(UriFault::BadHost),
    };
    Ok((host, url))
}

fn read_zone(text: &str) -> Result<String, UriFault> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if text.is_empty() || !text.bytes().all(unreserved) {
        return Err(UriFault::BadHost);
    }
    Ok(text.to_owned())
}

/// A name that can be looked up and sent: stricter than the url crate, which lets `a"b` and `a..b` by.
fn is_lookup_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= MAX_NAME_BYTES
        && name.split('.').all(|label| {
            (1..=MAX_LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

#[cfg(test)]
#[path = "uri_tests.rs"]
mod tests;
