//! A connection through a SOCKS5 proxy: greeting, login, CONNECT (RFC 1928, RFC 1929).
//!
//! The driver sends `request`, feeds `receive`, and owns connection and deadline. Each answer has a
//! length that is known from its beginning: a byte too many is a fault, for the server does not
//! speak first.

use std::fmt;

use zeroize::Zeroizing;

use crate::http::auth::Credential;
use crate::http::uri::Host;

const VERSION: u8 = 5;
/// RFC 1928 §3.
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;
/// RFC 1929 §2.
const LOGIN_VERSION: u8 = 1;
/// RFC 1928 §4.
const CONNECT: u8 = 1;
/// RFC 1928 §5.
const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_V6: u8 = 4;

/// A reply with a name of 255 bytes.
const MAX_REPLY_BYTES: usize = 4 + 1 + 255 + 2;

/// What has come of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksStep {
    /// The answer is not whole yet.
    More,
    /// `request` has changed and is to be sent from its beginning.
    Send,
    /// The next byte is the server's.
    Connected,
}

/// One conversation with the proxy.
pub struct Socks5 {
    /// The last message: CONNECT.
    connect: Vec<u8>,
    credential: Option<Credential>,
    request: Zeroizing<Vec<u8>>,
    /// What has arrived of an answer; `received.len() <= MAX_REPLY_BYTES`.
    received: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Method,
    Login,
    Reply,
    Connected,
    Failed(SocksFault),
}

impl Socks5 {
    /// To `host`, which the proxy looks up if it is a name.
    pub fn new(host: &Host, port: u16, credential: Option<Credential>) -> Result<Self, SocksFault> {
        // RFC 1929 §2: lengths are one byte. An empty user names nobody.
        let credential = credential.filter(|credential| !credential.user().is_empty());
        let too_long = |text: &str| text.len() > usize::from(u8::MAX);
        if credential.as_ref().is_some_and(|c| too_long(c.user()) || too_long(c.password())) {
            return Err(SocksFault::CredentialTooLong);
        }
        let greeting = match credential {
            Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
            None => vec![VERSION, 1, NO_AUTHENTICATION],
        };
        Ok(Self {
            connect: connect(host, port)?,
            credential,
            request: Zeroizing::new(greeting),
            received: Vec::new(),
            state: State::Method,
        })
    }

    /// The same proxy, to be asked for another place over a new connection.
    pub fn anew(&self, host: &Host, port: u16) -> Result<Self, SocksFault> {
        Self::new(host, port, self.credential.clone())
    }

    /// Whether it was asked for the connection and has not answered.
    pub fn is_asked(&self) -> bool {
        matches!(self.state, State::Reply)
    }

    /// The bytes to send.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes bytes from the proxy. Once it has ended it takes no more and repeats how.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<SocksStep, SocksFault> {
        match self.state {
            State::Connected => return Ok(SocksStep::Connected),
            State::Failed(fault) => return Err(fault),
            State::Method | State::Login | State::Reply => {}
        }
        // One more than the longest answer is enough to see that there are too many.
        let room = (MAX_REPLY_BYTES + 1).saturating_sub(self.received.len());
        self.received.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        let outcome = self.advance();
        if let Err(fault) = outcome {
            self.state = State::Failed(fault);
        }
        outcome
    }

    /// No more bytes will come.
    pub fn receive_eof(&mut self) -> Result<SocksStep, SocksFault> {
        match self.state {
            State::Method | State::Login | State::Reply => {
                self.state = State::Failed(SocksFault::Eof);
            }
            State::Connected | State::Failed(_) => {}
        }
        self.receive(&[])
    }

    fn advance(&mut self) -> Result<SocksStep, SocksFault> {
        let version = match self.state {
            State::Login => LOGIN_VERSION,
            _ => VERSION,
        };
        match *self.received.as_slice() {
            [first, ..] if first != version => return Err(SocksFault::BadVersion),
            [] | [_] => return Ok(SocksStep::More),
            [..] => {}
        }
        match self.state {
            State::Method => self.method_chosen(),
            State::Login => self.logged_in(),
            State::Reply => self.replied(),
            State::Connected => Ok(SocksStep::Connected),
            State::Failed(fault) => Err(fault),
        }
    }

    /// RFC 1928 §3.
    fn method_chosen(&mut self) -> Result<SocksStep, SocksFault> {
        let &[_, method] = self.received.as_slice() else { return Err(SocksFault::EarlyBytes) };
        match (method, &self.credential) {
            (NO_AUTHENTICATION, _) => self.ask_to_connect(),
            (USER_AND_PASSWORD, Some(credential)) => {
                let login = login(credential);
                Ok(self.say(login, State::Login))
            }
            (NO_ACCEPTABLE_METHOD, None) => Err(SocksFault::LoginRequired),
            (NO_ACCEPTABLE_METHOD, Some(_)) => Err(SocksFault::NoAcceptableMethod),
            _ => Err(SocksFault::MethodNotOffered),
        }
    }

    /// RFC 1929 §2: any status but 0 is a refusal.
    fn logged_in(&mut self) -> Result<SocksStep, SocksFault> {
        match *self.received.as_slice() {
            [_, 0] => self.ask_to_connect(),
            [_, 0, ..] => Err(SocksFault::EarlyBytes),
            _ => Err(SocksFault::LoginRefused),
        }
    }

    /// RFC 1928 §6. A refusal is known from its second byte; some proxies send no more.
    fn replied(&mut self) -> Result<SocksStep, SocksFault> {
        if let [_, reply, ..] = *self.received.as_slice()
            && reply != 0
        {
            return Err(SocksFault::Refused(Refusal::from(reply)));
        }
        let address = match *self.received.as_slice() {
            [_, _, _, ADDRESS_V4, ..] => 4,
            [_, _, _, ADDRESS_V6, ..] => 16,
            [_, _, _, ADDRESS_NAME, len, ..] => 1 + usize::from(len),
            [_, _, _] | [_, _] | [_, _, _, ADDRESS_NAME] => return Ok(SocksStep::More),
            _ => return Err(SocksFault::BadAddressType),
        };
        // Version, reply, reserved, type; address; port. What they say serves nobody.
        match self.received.len().cmp(&(4 + address + 2)) {
            std::cmp::Ordering::Less => Ok(SocksStep::More),
            std::cmp::Ordering::Greater => Err(SocksFault::EarlyBytes),
            std::cmp::Ordering::Equal => {
                self.state = State::Connected;
                Ok(SocksStep::Connected)
            }
        }
    }

    fn ask_to_connect(&mut self) -> Result<SocksStep, SocksFault> {
        let connect = std::mem::take(&mut self.connect);
        Ok(self.say(Zeroizing::new(connect), State::Reply))
    }

    fn say(&mut self, request: Zeroizing<Vec<u8>>, next: State) -> SocksStep {
        self.request = request;
        self.received.clear();
        self.state = next;
        SocksStep::Send
    }
}

impl fmt::Debug for Socks5 {
    /// The request is left out: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socks5").field("state", &self.state).finish_non_exhaustive()
    }
}

/// RFC 1928 §4.
fn connect(host: &Host, port: u16) -> Result<Vec<u8>, SocksFault> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host {
        Host::V4(address) => {
            request.push(ADDRESS_V4);
            request.extend_from_slice(&address.octets());
        }
        Host::V6 { address, .. } => {
            request.push(ADDRESS_V6);
            request.extend_from_slice(&address.octets());
        }
        Host::Name(name) => {
            let len = u8::try_from(name.len()).map_err(|_| SocksFault::NameTooLong)?;
            request.extend_from_slice(&[ADDRESS_NAME, len]);
            request.extend_from_slice(name.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    Ok(request)
}

/// RFC 1929 §2. That both fit into a byte was seen to in the beginning.
fn login(credential: &Credential) -> Zeroizing<Vec<u8>> {
    let (user, password) = (credential.user(), credential.password());
    let mut request = Zeroizing::new(Vec::with_capacity(3 + user.len() + password.len()));
    request.push(LOGIN_VERSION);
    for text in [user, password] {
        request.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        request.extend_from_slice(text.as_bytes());
    }
    request
}

/// Why there is no connection through this proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksFault {
    /// What answers does not speak SOCKS5.
    BadVersion,
    /// The proxy chose a way to authenticate that was not offered.
    MethodNotOffered,
    /// The proxy wants a login, and there is no credential.
    LoginRequired,
    /// The proxy wants another way to authenticate than user and password.
    NoAcceptableMethod,
    /// Wrong user or password.
    LoginRefused,
    /// User or password is longer than 255 bytes.
    CredentialTooLong,
    /// The server's name is longer than 255 bytes.
    NameTooLong,
    Refused(Refusal),
    BadAddressType,
    /// Bytes behind an answer.
    EarlyBytes,
    /// The connection ended before the conversation had.
    Eof,
}

/// RFC 1928 §6: what the proxy says of the connection it could not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    GeneralFailure,
    NotAllowed,
    NetworkUnreachable,
    HostUnreachable,
    ConnectionRefused,
    TimeToLiveExpired,
    CommandNotSupported,
    AddressTypeNotSupported,
    Unassigned(u8),
}

impl Refusal {
    /// Another address of the server may fare better.
    pub fn is_of_the_address(self) -> bool {
        match self {
            // What proxies say who do not look closer.
            Self::GeneralFailure => true,
            Self::ConnectionRefused | Self::TimeToLiveExpired | Self::HostUnreachable => true,
            other => other.is_of_the_family(),
        }
    }

    /// Says less than that one address cannot be reached.
    pub fn is_of_the_family(self) -> bool {
        matches!(self, Self::NetworkUnreachable | Self::AddressTypeNotSupported)
    }
}

impl From<u8> for Refusal {
    fn from(reply: u8) -> Self {
        match reply {
            1 => Self::GeneralFailure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TimeToLiveExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressTypeNotSupported,
            other => Self::Unassigned(other),
        }
    }
}

impl fmt::Display for SocksFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadVersion => "What answers at the proxy's address does not speak SOCKS5.",
            Self::MethodNotOffered => {
                "The SOCKS proxy chose a way to authenticate that was not offered."
            }
            Self::LoginRequired => "The SOCKS proxy wants a user and a password.",
            Self::NoAcceptableMethod => {
                "The SOCKS proxy wants another way to authenticate than user and password."
            }
            Self::LoginRefused => "The SOCKS proxy refused user and password.",
            Self::CredentialTooLong => "SOCKS takes user names and passwords of up to 255 bytes.",
            Self::NameTooLong => "SOCKS takes host names of up to 255 bytes.",
            Self::Refused(refusal) => return refusal.fmt(f),
            Self::BadAddressType => "The SOCKS proxy answered with an unknown kind of address.",
            Self::EarlyBytes => "The SOCKS proxy sent bytes that nobody had asked for.",
            Self::Eof => "The SOCKS proxy ended the connection before it had answered.",
        })
    }
}

impl std::error::Error for SocksFault {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GeneralFailure => "The SOCKS proxy could not connect, and does not say why.",
            Self::NotAllowed => "The SOCKS proxy does not allow this connection.",
            Self::NetworkUnreachable => "The SOCKS proxy cannot reach the server's network.",
            Self::HostUnreachable => "The SOCKS proxy cannot reach the server.",
            Self::ConnectionRefused => "The server refused the SOCKS proxy's connection.",
            Self::TimeToLiveExpired => "The SOCKS proxy's way to the server is too long.",
            Self::CommandNotSupported => "The SOCKS proxy makes no connections.",
            Self::AddressTypeNotSupported => {
                "The SOCKS proxy does not know this kind of address: socks5h: or socks5: may help."
            }
            Self::Unassigned(reply) => {
                return write!(f, "The SOCKS proxy refused with the unknown reply {reply}.");
            }
        })
    }
}

#[cfg(test)]
#[path = "socks5_tests.rs"]
mod tests;
