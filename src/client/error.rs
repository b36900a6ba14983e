//! Why something failed: the phase it failed in, the fact, and what the system said.

use std::fmt;

use crate::handshake::{self, RedirectFault};
use crate::protocol;
use crate::transport::http_proxy::ProxyFault;
use crate::transport::proxy::ChoiceFault;
use crate::transport::socks5::SocksFault;
use crate::transport::tls::TlsFault;

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Name,
    Tcp,
    /// Finding one, reaching it, and asking it for a connection.
    Proxy,
    Tls,
    Http,
    WebSocket,
    Closing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The application ended it: cancel, abort, free.
    Aborted,
    Timeout,
    NameNotResolved,
    /// The server's address answers, but not on this port.
    Refused,
    Unreachable,
    /// The connection ended without a closing handshake.
    ConnectionAborted,
    ConnectionReset,
    Tls(TlsFault),
    /// The custom validation of the certificate said no.
    CertificateRejected,
    Handshake(handshake::Fault),
    /// The server refused the upgrade with this status, or the proxy the connection.
    HttpStatus(u16),
    /// What should name a proxy does not.
    ProxyChoice(ChoiceFault),
    /// Of an HTTP proxy.
    Proxy(ProxyFault),
    Socks(SocksFault),
    Redirect(RedirectFault),
    Protocol(protocol::Fault),
    /// The socket has been closed already.
    Closed,
    OutOfMemory,
    /// A limit of the process: descriptors, threads.
    NoResources,
    /// A fault of ours.
    Unexpected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub phase: Phase,
    pub cause: Cause,
    /// `errno`, `WSAGetLastError` or the code of `getaddrinfo`, 0 when the system had no part in it.
    pub system_error: i32,
    /// What was tried: an address, a name. Never holds a secret.
    pub detail: String,
}

impl Error {
    pub fn new(phase: Phase, cause: Cause) -> Error {
        Error { phase, cause, system_error: 0, detail: String::new() }
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Error {
        self.detail = detail.into();
        self
    }

    /// A failure of a system call on a connection in `phase`.
    pub fn from_system(phase: Phase, error: &std::io::Error) -> Error {
        use std::io::ErrorKind;
        let cause = match error.kind() {
            ErrorKind::ConnectionRefused => Cause::Refused,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Cause::ConnectionReset,
            ErrorKind::ConnectionAborted => Cause::ConnectionAborted,
            ErrorKind::TimedOut => Cause::Timeout,
            ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Cause::Unreachable,
            ErrorKind::OutOfMemory => Cause::OutOfMemory,
            _ if matches!(phase, Phase::Tcp | Phase::Proxy) => Cause::Unreachable,
            _ => Cause::ConnectionAborted,
        };
        let cause = if is_exhaustion(error) { Cause::NoResources } else { cause };
        Error { system_error: error.raw_os_error().unwrap_or(0), ..Error::new(phase, cause) }
    }
}

fn is_exhaustion(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS));
    #[cfg(not(unix))]
    return error.raw_os_error() == Some(10024); // WSAEMFILE
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Aborted => f.write_str("the application ended the operation")?,
            Cause::Timeout => f.write_str(match self.phase {
                Phase::Name => "the name lookup did not end in time",
                Phase::Tcp => "no address answered in time",
                Phase::Proxy => "the proxy did not answer in time",
                Phase::Tls => "the TLS handshake did not end in time",
                Phase::Http => "the server did not answer the upgrade in time",
                Phase::WebSocket => "the server was silent, or took no data, for too long",
                Phase::Closing => "the server did not answer the close frame in time",
            })?,
            Cause::NameNotResolved if self.phase == Phase::Proxy => {
                f.write_str("the proxy's name has no address")?;
            }
            Cause::NameNotResolved => f.write_str("the host name has no address")?,
            Cause::Refused if self.phase == Phase::Proxy => {
                f.write_str("nobody listens at the proxy's port")?;
            }
            Cause::Refused => f.write_str("nobody listens at the server's port")?,
            Cause::Unreachable if self.phase == Phase::Proxy => {
                f.write_str("the proxy's network or host cannot be reached")?;
            }
            Cause::Unreachable => f.write_str("the server's network or host cannot be reached")?,
            Cause::ConnectionAborted => {
                f.write_str("the connection ended without a closing handshake")?;
            }
            Cause::ConnectionReset => f.write_str("the connection was reset")?,
            Cause::Tls(fault) => fault.fmt(f)?,
            Cause::CertificateRejected => {
                f.write_str("the application rejected the server's certificate")?;
            }
            Cause::Handshake(fault) => fault.fmt(f)?,
            Cause::HttpStatus(status) if self.phase == Phase::Proxy => {
                write!(f, "the proxy refused the connection with HTTP status {status}")?;
            }
            Cause::ProxyChoice(fault) => fault.fmt(f)?,
            Cause::Proxy(fault) => fault.fmt(f)?,
            Cause::Socks(fault) => fault.fmt(f)?,
            Cause::Redirect(fault) => fault.fmt(f)?,
            Cause::HttpStatus(status) => {
                write!(f, "the server refused the upgrade with HTTP status {status}")?;
            }
            Cause::Protocol(fault) => fault.fmt(f)?,
            Cause::Closed => f.write_str("the socket is closed")?,
            Cause::OutOfMemory => f.write_str("there was not enough memory")?,
            Cause::NoResources => f.write_str("the process has no descriptor or thread left")?,
            Cause::Unexpected => f.write_str("an internal fault; please report it")?,
        }
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

/// What is wrong with a call itself. Answered at once, with nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// A value or text out of range.
    Invalid(&'static str),
    /// Not in this state of the socket.
    IllegalState(&'static str),
    /// The socket has been closed, or is closing.
    Closed,
    /// Another operation of this kind is under way.
    Busy(&'static str),
    /// The send queue is full.
    WouldBlock,
    TextNotUtf8,
    /// The call would wait for the thread it runs on.
    Reentrant,
    /// The system gave no thread or descriptor.
    NoResources,
    TimedOut,
}
