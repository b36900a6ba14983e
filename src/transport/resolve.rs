//! Host names become addresses. The system's call blocks and cannot be cancelled, so it is given
//! to a worker; literal addresses never get there.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use crate::http::uri::Host;

/// The address that a literal host already is; a name is none.
pub fn literal(host: &Host, port: u16) -> io::Result<SocketAddr> {
    match host {
        Host::Name(_) => Err(io::Error::new(io::ErrorKind::NotFound, "a name is not an address")),
        Host::V4(address) => Ok(SocketAddr::new(IpAddr::V4(*address), port)),
        Host::V6 { address, zone } => match zone.as_deref().map_or(Some(0), zone_index) {
            Some(scope) => Ok(SocketAddrV6::new(*address, port, 0, scope).into()),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such network interface")),
        },
    }
}

/// Numeric zone ids, and names through the system's own parser of scoped literals.
fn zone_index(zone: &str) -> Option<u32> {
    if let Ok(index) = zone.parse() {
        return Some(index);
    }
    let scoped = (format!("fe80::1%{zone}"), 0).to_socket_addrs().ok()?.next()?;
    match scoped {
        SocketAddr::V6(address) if address.scope_id() != 0 => Some(address.scope_id()),
        _ => None,
    }
}

/// Asks the system; may take as long as it likes.
pub fn blocking(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((name, port).to_socket_addrs()?.collect())
}
