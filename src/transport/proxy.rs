//! Which proxy stands before a target: the socket's own, or one from the environment.
//!
//! A proxy is named as curl names it: `http://user:password@host:port`, `https:`, `socks5:`,
//! `socks5h:`, or `direct:` for none. Refuses to know how one is talked to, and where the
//! environment's values come from.

use std::fmt;

use zeroize::Zeroizing;

use crate::http::auth::Credential;
use crate::http::uri::{self, Host, MAX_URI_BYTES, Uri, UriFault};

use super::no_proxy;

/// A proxy and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    Http(Endpoint),
    /// The same inside TLS.
    Https(Endpoint),
    Socks5 {
        endpoint: Endpoint,
        /// The proxy looks names up (`socks5h:`); else we do.
        remote_names: bool,
    },
}

/// Where a proxy listens, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub host: Host,
    pub port: u16,
    pub credential: Option<Credential>,
}

impl Proxy {
    /// Reads the name of a proxy; empty and `direct:` name none.
    pub fn parse(text: &str) -> Result<Option<Self>, ProxyUriFault> {
        if text.len() > MAX_URI_BYTES {
            return Err(ProxyUriFault::TooLong);
        }
        if text.is_empty() || is_direct(text) {
            return Ok(None);
        }
        // Without `//` it is `host:port`, whatever it looks like.
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = Scheme::read(scheme).ok_or(ProxyUriFault::UnsupportedScheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // A password may hold an `@` that was not escaped.
        let (login, authority) = match rest.rsplit_once('@') {
            Some((login, authority)) => (Some(login), authority),
            None => (None, rest),
        };
        let (host, port) = uri::parse_authority(authority).map_err(ProxyUriFault::Place)?;
        let credential = login.map(read_login).transpose()?;
        let port = port.unwrap_or(scheme.default_port());
        Ok(Some(scheme.at(Endpoint { host, port, credential })))
    }

    pub fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Http(endpoint) | Self::Https(endpoint) | Self::Socks5 { endpoint, .. } => {
                endpoint
            }
        }
    }

    pub fn host(&self) -> &Host {
        &self.endpoint().host
    }

    pub fn port(&self) -> u16 {
        self.endpoint().port
    }

    /// What stood before the `@`.
    pub fn credential(&self) -> Option<&Credential> {
        self.endpoint().credential.as_ref()
    }

    /// Whether we speak TLS with the proxy itself.
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Https(_))
    }
}

impl fmt::Display for Proxy {
    /// Without the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self {
            Self::Http(_) => "http",
            Self::Https(_) => "https",
            Self::Socks5 { remote_names: false, .. } => "socks5",
            Self::Socks5 { remote_names: true, .. } => "socks5h",
        };
        match self.host() {
            host @ Host::V6 { .. } => write!(f, "{scheme}://[{host}]:{}", self.port()),
            host => write!(f, "{scheme}://{host}:{}", self.port()),
        }
    }
}

/// The proxy for `target`: what `control` names, or if that is empty what the environment does.
/// `environment` gives the value of a variable.
pub fn for_target(
    control: &str,
    target: &Uri,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ChoiceFault> {
    if !control.is_empty() {
        let named = Proxy::parse(control);
        return named.map_err(|fault| ChoiceFault { variable: "PROXY", fault });
    }
    if no_proxy::is_loopback(target.host()) {
        return Ok(None);
    }
    let Some((variable, value)) = named_by(target, &environment) else { return Ok(None) };
    let exceptions = first_of(["no_proxy", "NO_PROXY"], &environment);
    if exceptions.is_some_and(|(_, list)| no_proxy::covers(&list, target)) {
        return Ok(None);
    }
    let proxy = Proxy::parse(value.trim());
    proxy.map_err(|fault| ChoiceFault { variable, fault })
}

/// Whether `environment` is asked at all for this target.
pub fn asks_environment(control: &str, target: &Uri) -> bool {
    control.is_empty() && !no_proxy::is_loopback(target.host())
}

/// The variable that speaks of `target`. One that is set but empty says that there is no proxy.
fn named_by(
    target: &Uri,
    environment: &impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    let own = if target.is_secure() {
        first_of(["https_proxy", "HTTPS_PROXY"], environment)
    } else if environment("REQUEST_METHOD").is_some() {
        // In a CGI program HTTP_PROXY is the request's `Proxy` header: whoever calls chooses it.
        first_of(["http_proxy"], environment)
    } else {
        first_of(["http_proxy", "HTTP_PROXY"], environment)
    };
    own.or_else(|| first_of(["all_proxy", "ALL_PROXY"], environment))
}

fn first_of<const N: usize>(
    names: [&'static str; N],
    environment: &impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, environment(name)?)))
}

/// What names a proxy cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoiceFault {
    /// Of the environment, or `PROXY`, the control.
    pub variable: &'static str,
    pub fault: ProxyUriFault,
}

impl fmt::Display for ChoiceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names no proxy: {}", self.variable, self.fault)
    }
}

impl std::error::Error for ChoiceFault {}

/// Why a text does not name a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyUriFault {
    TooLong,
    UnsupportedScheme,
    /// Host or port.
    Place(UriFault),
    /// User or password: a broken escape, not UTF-8, too long, a control character.
    Login,
}

impl fmt::Display for ProxyUriFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 8192 bytes",
            Self::UnsupportedScheme => "its scheme is none of http, https, socks5 and socks5h",
            Self::Place(UriFault::NoHost | UriFault::Empty) => "it has no host",
            Self::Place(UriFault::BadPort) => "its port is not a number from 1 to 65535",
            Self::Place(UriFault::ForbiddenCharacter) => {
                "it holds a space, a control character or a backslash"
            }
            Self::Place(_) => "its host is not a valid name or address",
            Self::Login => "its user or password is not percent-encoded UTF-8 of at most 8 KiB",
        })
    }
}

impl std::error::Error for ProxyUriFault {}

fn is_direct(text: &str) -> bool {
    ["direct:", "direct://"].iter().any(|direct| text.eq_ignore_ascii_case(direct))
}

#[derive(Clone, Copy)]
enum Scheme {
    Http,
    Https,
    Socks5 { remote_names: bool },
}

impl Scheme {
    fn read(text: &str) -> Option<Self> {
        // RFC 3986 §3.1: schemes are case-insensitive.
        match text.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            "socks5" => Some(Self::Socks5 { remote_names: false }),
            "socks5h" => Some(Self::Socks5 { remote_names: true }),
            _ => None,
        }
    }

    /// As curl has them: its users write these texts, and its manual says so.
    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http | Self::Socks5 { .. } => 1080,
        }
    }

    fn at(self, endpoint: Endpoint) -> Proxy {
        match self {
            Self::Http => Proxy::Http(endpoint),
            Self::Https => Proxy::Https(endpoint),
            Self::Socks5 { remote_names } => Proxy::Socks5 { endpoint, remote_names },
        }
    }
}

/// `user:password` or `user`, both percent-encoded.
fn read_login(text: &str) -> Result<Credential, ProxyUriFault> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let decoded = |text| percent_decoded(text).ok_or(ProxyUriFault::Login);
    Credential::new(&decoded(user)?, &decoded(password)?).map_err(|_| ProxyUriFault::Login)
}

/// RFC 3986 §2.1.
fn percent_decoded(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
