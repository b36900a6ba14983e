//! Host names become addresses. The system's call blocks and cannot be cancelled, so it is given
//! to a worker; literal addresses never get there.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use crate::http::uri::Host;

use super::system;

/// Why a host has no address.
#[derive(Debug)]
pub enum ResolveFault {
    /// A call of the system failed.
    System(io::Error),
    /// `getaddrinfo` says so, with a code of its own.
    Unresolved {
        code: i32,
        text: String,
    },
    OutOfMemory {
        code: i32,
        text: String,
    },
    /// A literal with a zone id that names no network interface.
    NoSuchZone,
    /// No literal where one was wanted, or no name.
    WrongKind,
}

impl ResolveFault {
    /// errno, or what `getaddrinfo` returned; 0 when the system had no part in it.
    pub fn code(&self) -> i32 {
        match self {
            Self::System(error) => error.raw_os_error().unwrap_or(0),
            Self::Unresolved { code, .. } | Self::OutOfMemory { code, .. } => *code,
            Self::NoSuchZone | Self::WrongKind => 0,
        }
    }
}

impl fmt::Display for ResolveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::Unresolved { text, .. } | Self::OutOfMemory { text, .. } => f.write_str(text),
            Self::NoSuchZone => f.write_str("no such network interface"),
            Self::WrongKind => f.write_str("not what it was taken for"),
        }
    }
}

/// The address that a literal host already is; a name is none.
pub fn literal(host: &Host, port: u16) -> Result<SocketAddr, ResolveFault> {
    match host {
        Host::Name(_) => Err(ResolveFault::WrongKind),
        Host::V4(address) => Ok(SocketAddr::new(IpAddr::V4(*address), port)),
        Host::V6 { address, zone } => match zone.as_deref().map_or(Some(0), zone_index) {
            Some(scope) => Ok(SocketAddrV6::new(*address, port, 0, scope).into()),
            None => Err(ResolveFault::NoSuchZone),
        },
    }
}

/// Numeric zone ids, and names of interfaces.
fn zone_index(zone: &str) -> Option<u32> {
    zone.parse().ok().or_else(|| system::interface_index(zone))
}

/// Asks the system; may take as long as it likes.
pub fn blocking(name: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveFault> {
    system::addresses(name, port)
}
