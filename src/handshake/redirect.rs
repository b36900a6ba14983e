//! Where a redirecting answer leads: its Location, resolved against the address that was asked.
//!
//! Only ws and wss addresses come out, and never ws after wss. What may travel there is decided by
//! whoever follows, with `Uri::same_origin`. Refuses to know how many were followed already.

use std::fmt;

use crate::http::Response;
use crate::http::uri::{MAX_URI_BYTES, Uri, UriFault};

/// Whether a response with this status leads elsewhere.
pub fn is_redirect(status: u16) -> bool {
    // RFC 9110 §15.4: 300 leaves the choice to a person, 304 and 305 lead nowhere.
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The address that `response`, the answer of `current`, leads to.
pub fn follow(current: &Uri, response: &Response) -> Result<Uri, RedirectFault> {
    // RFC 9110 §10.2.2: one Location.
    let mut locations = response.headers.values("Location");
    let location = locations.next().filter(|value| !value.is_empty());
    let location = location.ok_or(RedirectFault::NoLocation)?;
    if locations.next().is_some() {
        return Err(RedirectFault::RepeatedLocation);
    }
    if location.len() > MAX_URI_BYTES {
        return Err(RedirectFault::TooLong);
    }
    let bad = RedirectFault::BadLocation;
    let location = std::str::from_utf8(location).map_err(|_| bad)?;
    let next = resolve(current, location)?;
    if current.is_secure() && !next.is_secure() {
        return Err(RedirectFault::Downgrade);
    }
    Ok(next)
}

/// RFC 3986 §5.2. The text is put together and read by the parser of every other address, so that
/// nothing of it can turn into a host unseen.
fn resolve(current: &Uri, location: &str) -> Result<Uri, RedirectFault> {
    if let Some((scheme, rest)) = split_scheme(location) {
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            // RFC 6455 §4.1 asks over HTTP, and HTTP servers answer with their own schemes.
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            _ => return Err(RedirectFault::UnsupportedScheme),
        };
        return parse(&format!("{scheme}:{rest}"));
    }
    let whole = current.as_str();
    let (authority, _) = whole.split_at(whole.len() - current.target().len());
    let (path, _) = current.target().split_once('?').unwrap_or((current.target(), ""));
    if location.starts_with("//") {
        let scheme = if current.is_secure() { "wss" } else { "ws" };
        return parse(&format!("{scheme}:{location}"));
    }
    if location.starts_with('/') {
        return parse(&format!("{authority}{location}"));
    }
    if location.starts_with('?') {
        return parse(&format!("{authority}{path}{location}"));
    }
    // RFC 3986 §5.2.3: beside the last segment.
    let (folder, _) = path.rsplit_once('/').unwrap_or_default();
    parse(&format!("{authority}{folder}/{location}"))
}

/// RFC 3986 §3.1, and what follows the colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.bytes();
    let is_scheme = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then_some((scheme, rest))
}

fn parse(text: &str) -> Result<Uri, RedirectFault> {
    Uri::parse(text).map_err(|fault| match fault {
        UriFault::TooLong => RedirectFault::TooLong,
        UriFault::Fragment => RedirectFault::Fragment,
        UriFault::UserInfo => RedirectFault::UserInfo,
        UriFault::UnsupportedScheme => RedirectFault::UnsupportedScheme,
        UriFault::Empty
        | UriFault::NotAbsolute
        | UriFault::NoHost
        | UriFault::BadHost
        | UriFault::BadPort
        | UriFault::ForbiddenCharacter => RedirectFault::BadLocation,
    })
}

/// Why a redirection cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectFault {
    NoLocation,
    RepeatedLocation,
    BadLocation,
    TooLong,
    /// Neither ws, wss, http nor https.
    UnsupportedScheme,
    /// User or password.
    UserInfo,
    Fragment,
    /// From wss to ws.
    Downgrade,
    /// More in a row than allowed.
    TooMany,
}

impl fmt::Display for RedirectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLocation => "The server redirects without saying where to.",
            Self::RepeatedLocation => "The server redirects to more than one address.",
            Self::BadLocation => "The server redirects to what is not an address.",
            Self::TooLong => "The server redirects to an address longer than 8192 bytes.",
            Self::UnsupportedScheme => "The server redirects to what is no WebSocket address.",
            Self::UserInfo => "The server redirects to an address with a user or password.",
            Self::Fragment => "The server redirects to an address with a fragment.",
            Self::Downgrade => "The server redirects from an encrypted to a plain connection.",
            Self::TooMany => "The server redirects more often than MAX_REDIRECTS allows.",
        })
    }
}

impl std::error::Error for RedirectFault {}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
