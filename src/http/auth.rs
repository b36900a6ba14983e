//! Answers to the challenges of a server or a proxy: Basic (RFC 7617) and Digest (RFC 7616).
//!
//! Nothing is sent that was not asked for, and the strongest challenge is answered alone. Refuses to
//! know which header the answer goes into, how often one is given, and where a credential came from.

use std::cmp::Reverse;
use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use http_auth::digest::{Algorithm, Qop};
use http_auth::parser::ChallengeParser;
use http_auth::{ChallengeRef, DigestClient, ParamValue, PasswordParams};
use zeroize::Zeroizing;

/// The longest user name, and the longest password, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;

/// A user and a password. Overwritten in memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    user: Zeroizing<String>,
    password: Zeroizing<String>,
}

impl Credential {
    pub fn new(user: &str, password: &str) -> Result<Self, CredentialFault> {
        for text in [user, password] {
            if text.len() > MAX_CREDENTIAL_BYTES {
                return Err(CredentialFault::TooLong);
            }
            // RFC 7617 §2: no control characters, CR and LF among them.
            if text.bytes().any(|b| b.is_ascii_control()) {
                return Err(CredentialFault::ControlCharacter);
            }
        }
        Ok(Self {
            user: Zeroizing::new(user.to_owned()),
            password: Zeroizing::new(password.to_owned()),
        })
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credential {
    /// Both are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// Why two texts are no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFault {
    TooLong,
    ControlCharacter,
}

impl fmt::Display for CredentialFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "A user name or password is longer than 8192 bytes.",
            Self::ControlCharacter => "A user name or password holds a control character.",
        })
    }
}

impl std::error::Error for CredentialFault {}

/// The value of `Authorization` or `Proxy-Authorization` that answers the strongest of `challenges`:
/// the values of `WWW-Authenticate` or `Proxy-Authenticate`. `None`: there is none we can answer.
///
/// `uri` is the request's target as it is sent. `cnonce` must be unpredictable, and new for each
/// connection.
pub fn answer<'v>(
    challenges: impl Iterator<Item = &'v [u8]>,
    credential: &Credential,
    method: &str,
    uri: &str,
    cnonce: [u8; 16],
) -> Option<String> {
    let request = PasswordParams {
        username: credential.user(),
        password: credential.password(),
        uri,
        method,
        body: None,
    };
    let mut offered = Offered::read(challenges);
    let digest = offered.digest(&request, &HEXLOWER.encode(&cnonce));
    digest.or_else(|| if offered.has_basic { basic(credential) } else { None })
}

/// Whether a challenge says that only the nonce of the last answer was too old (RFC 7616 §3.3): the
/// same credential may be accepted with the new one.
pub fn is_stale<'v>(challenges: impl Iterator<Item = &'v [u8]>) -> bool {
    Offered::read(challenges).digests.iter().any(DigestClient::stale)
}

/// What can be answered of the challenges.
#[derive(Default)]
struct Offered {
    digests: Vec<DigestClient>,
    has_basic: bool,
}

impl Offered {
    fn read<'v>(values: impl Iterator<Item = &'v [u8]>) -> Self {
        let mut offered = Self::default();
        for value in values {
            // A realm may be Latin-1 or UTF-8. Basic does not look at it; a digest would differ.
            let is_exact = value.is_ascii();
            let text: String =
                value.iter().map(|&b| if b.is_ascii() { char::from(b) } else { '?' }).collect();
            // What comes behind a syntax error in one line cannot be told apart.
            for challenge in ChallengeParser::new(&text).map_while(Result::ok) {
                offered.add(challenge, is_exact);
            }
        }
        offered
    }

    fn digest(&mut self, request: &PasswordParams<'_>, cnonce: &str) -> Option<String> {
        // RFC 7616 §3.7: the first that is supported, unless local policy says otherwise. Ours is
        // that a stronger one comes first; the sort keeps the order among equals.
        self.digests.sort_by_key(|digest| Reverse(strength(digest)));
        let mut digests = self.digests.iter_mut();
        // The name tells http-auth's own wish; the nonce is as random as its own would be.
        digests.find_map(|digest| digest.respond_with_testing_cnonce(request, cnonce).ok())
    }

    fn add(&mut self, mut challenge: ChallengeRef<'_>, is_exact: bool) {
        // RFC 7617 §2 demands a realm; nothing depends on it.
        self.has_basic |= challenge.scheme.eq_ignore_ascii_case("Basic");
        if !is_exact || !challenge.scheme.eq_ignore_ascii_case("Digest") {
            return;
        }
        spell_algorithm(&mut challenge);
        if let Ok(digest) = DigestClient::try_from(&challenge)
            && is_answerable(&digest)
        {
            self.digests.push(digest);
        }
    }
}

/// The names as http-auth knows them.
const ALGORITHMS: [&str; 6] =
    ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"];

/// Some servers write `md5`.
fn spell_algorithm(challenge: &mut ChallengeRef<'_>) {
    for (name, value) in &mut challenge.params {
        if !name.eq_ignore_ascii_case("algorithm") {
            continue;
        }
        let sent = value.to_unescaped();
        let known = ALGORITHMS.into_iter().find(|known| known.eq_ignore_ascii_case(&sent));
        if let Some(Ok(spelled)) = known.map(ParamValue::try_from_escaped) {
            *value = spelled;
        }
    }
}

/// Without `qop` there is only the answer of RFC 2069, which knows MD5 and no session.
fn is_answerable(digest: &DigestClient) -> bool {
    let is_of_rfc_2069 = digest.algorithm() == Algorithm::Md5 && !digest.session();
    digest.qop() & Qop::Auth && (!digest.rfc2069_compat() || is_of_rfc_2069)
}

fn strength(digest: &DigestClient) -> u8 {
    match digest.algorithm() {
        Algorithm::Sha512Trunc256 => 3,
        Algorithm::Sha256 => 2,
        _ if !digest.rfc2069_compat() => 1,
        _ => 0,
    }
}

/// RFC 7617 §2, in UTF-8 whether or not the server asks for it.
fn basic(credential: &Credential) -> Option<String> {
    // RFC 7617 §2: a user with a colon cannot be told from the beginning of the password.
    if credential.user().contains(':') {
        return None;
    }
    let (user, password) = (credential.user(), credential.password());
    let mut joined = Zeroizing::new(String::with_capacity(user.len() + 1 + password.len()));
    for part in [user, ":", password] {
        joined.push_str(part);
    }
    let mut value = String::with_capacity("Basic ".len() + BASE64.encode_len(joined.len()));
    value.push_str("Basic ");
    BASE64.encode_append(joined.as_bytes(), &mut value);
    Some(value)
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
