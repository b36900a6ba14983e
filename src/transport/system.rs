//! Where the operating system writes into memory that Rust cannot check.
//!
//! The one place outside the boundary that needs `unsafe`. A read fills the spare room of a vector,
//! and nobody but this function can tell the vector how much of it: clearing the memory first would
//! cost as much as the read itself on large messages. The system's estimates of a TCP path come by
//! a call that no library of ours wraps, and of why a name has no address the standard library
//! keeps the sentence and drops the code. Nor does one set the mark below which it keeps silent.
#![allow(unsafe_code)]

#[cfg(unix)]
use std::ffi::{CStr, CString};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::SockRef;

use super::resolve::ResolveFault;

/// Appends at most `count` bytes from `socket` to `target`, within the capacity that it has.
pub fn read_into_spare(
    socket: &TcpStream,
    target: &mut Vec<u8>,
    count: usize,
) -> io::Result<usize> {
    let spare = target.spare_capacity_mut();
    let count = count.min(spare.len());
    let spare = spare.get_mut(..count).unwrap_or_default();
    let read = socket.try_io(|| SockRef::from(socket).recv(spare))?.min(count);
    let len = target.len() + read;
    // SAFETY: `recv` promises that the first `read` bytes of `spare`, which begins at the vector's
    // length and lies within its capacity, have been written.
    unsafe { target.set_len(len) };
    Ok(read)
}

/// A socket that may be waited for while it belongs to somebody else. It does not keep it open: if it
/// goes meanwhile the waiting ends sooner or later, and tells nothing that is relied on.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    descriptor: libc::c_int,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Readiness {
    /// Whether this system can.
    pub const IS_KNOWN: bool = true;

    pub fn of(socket: &TcpStream) -> Readiness {
        Readiness { descriptor: std::os::fd::AsRawFd::as_raw_fd(socket) }
    }

    /// Whether there is something to be read, an end perhaps, before `patience` is over.
    pub fn comes_within(self, patience: Duration) -> bool {
        let mut entry = libc::pollfd {
            fd: self.descriptor,
            events: libc::POLLIN | libc::POLLRDHUP,
            revents: 0,
        };
        let milliseconds = patience.as_nanos().div_ceil(1_000_000);
        let timeout = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        // SAFETY: one entry, which outlives the call; of a number that is no descriptor any more the
        // system says so.
        unsafe { libc::poll(&raw mut entry, 1, timeout) > 0 }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Readiness {
    /// Whether this system can.
    pub const IS_KNOWN: bool = false;

    pub fn of(_: &TcpStream) -> Readiness {
        Readiness {}
    }

    pub fn comes_within(self, _: Duration) -> bool {
        false
    }
}

/// From now on the system tells of what has arrived when it is so many bytes, or when it has no room
/// for more, or when the peer has ended; and at once if there are as many already. `false`: it does
/// not, and goes on as before.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn set_low_water(socket: &TcpStream, bytes: usize) -> bool {
    use std::os::fd::AsRawFd;

    let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    // SAFETY: the system reads an integer from where there is one, of the size that it is told.
    let answer = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    answer == 0
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn set_low_water(_: &TcpStream, _: usize) -> bool {
    false
}

/// All addresses of a name, in the order of the system's preference. Takes as long as it likes.
#[cfg(unix)]
pub fn addresses(name: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveFault> {
    let name = CString::new(name).map_err(|_| ResolveFault::WrongKind)?;
    // SAFETY: all zeros are a value of this plain structure: no flags, any family, no pointers.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = std::ptr::null_mut();
    // SAFETY: the name ends in a NUL, and all of them outlive the call.
    let code = unsafe {
        libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &raw const hints, &raw mut list)
    };
    if code != 0 {
        return Err(unresolved(code));
    }
    let mut found = Vec::new();
    let mut next = list;
    // SAFETY: what the call answered with is a list of such entries, valid until it is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        found.extend(address_of(entry, port));
        next = entry.ai_next;
    }
    if !list.is_null() {
        // SAFETY: it came from `getaddrinfo`, and nothing points into it any more.
        unsafe { libc::freeaddrinfo(list) };
    }
    Ok(found)
}

#[cfg(unix)]
fn unresolved(code: i32) -> ResolveFault {
    if code == libc::EAI_SYSTEM {
        return ResolveFault::System(io::Error::last_os_error());
    }
    // SAFETY: the answer is a text that lives as long as the process, for any code.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    let text = text.to_string_lossy().into_owned();
    match code {
        libc::EAI_MEMORY => ResolveFault::OutOfMemory { code, text },
        _ => ResolveFault::Unresolved { code, text },
    }
}

/// `None` for a family that is not of the Internet.
#[cfg(unix)]
fn address_of(entry: &libc::addrinfo, port: u16) -> Option<SocketAddr> {
    let len = entry.ai_addrlen as usize;
    if entry.ai_addr.is_null() || len > size_of::<socket2::SockAddrStorage>() {
        return None;
    }
    // SAFETY: `ai_addr` points to `ai_addrlen` bytes, which fit, and are the whole address.
    let address = unsafe {
        socket2::SockAddr::try_init(|storage, storage_len| {
            std::ptr::copy_nonoverlapping(entry.ai_addr.cast::<u8>(), storage.cast(), len);
            *storage_len = entry.ai_addrlen;
            Ok(())
        })
    };
    let mut address = address.ok()?.1.as_socket()?;
    address.set_port(port);
    Some(address)
}

#[cfg(not(unix))]
pub fn addresses(name: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveFault> {
    use std::net::ToSocketAddrs;
    Ok((name, port).to_socket_addrs().map_err(ResolveFault::System)?.collect())
}

/// Of a network interface that the system knows by this name.
#[cfg(unix)]
pub fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name ends in a NUL.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

#[cfg(not(unix))]
pub fn interface_index(name: &str) -> Option<u32> {
    use std::net::ToSocketAddrs;
    match (format!("fe80::1%{name}"), 0).to_socket_addrs().ok()?.next()? {
        SocketAddr::V6(address) if address.scope_id() != 0 => Some(address.scope_id()),
        _ => None,
    }
}

/// What the system estimates of a connection's path; zero where it estimates nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathEstimate {
    pub outbound_bits_per_second: u64,
    pub inbound_bits_per_second: u64,
    pub outbound_instability: u64,
    pub inbound_instability: u64,
    /// The application sends as much as the path takes.
    pub outbound_peaked: bool,
}

/// Asks the system: Linux has `struct tcp_info`, of other systems nothing is known here.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn path_estimate(socket: &TcpStream) -> PathEstimate {
    use std::os::fd::AsRawFd;

    // `struct tcp_info` of linux/tcp.h: it grows at its end only, and says how much there is.
    let mut info = [0u8; 256];
    let mut len = info.len() as libc::socklen_t;
    // SAFETY: `info` is `len` bytes of plain data that the system may fill, and it writes back into
    // `len` how many it has.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if answer != 0 {
        return PathEstimate::default();
    }
    let known = info.get(..(len as usize).min(info.len())).unwrap_or_default();
    estimate(known)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn path_estimate(_: &TcpStream) -> PathEstimate {
    PathEstimate::default()
}

/// Reads a `struct tcp_info`, as much of it as the kernel has.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn estimate(info: &[u8]) -> PathEstimate {
    let small = |at: usize| info.get(at..).and_then(<[u8]>::first_chunk);
    let large = |at: usize| info.get(at..).and_then(<[u8]>::first_chunk);
    let number = |at| small(at).map_or(0, |bytes| u64::from(u32::from_ne_bytes(*bytes)));
    let rate = large(160).map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    let (round_trip_us, varies_us) = (number(68), number(72));
    let (receive_round_trip_us, window_bytes) = (number(92), number(96));
    let is_application_limited = info.get(7).is_some_and(|bits| bits & 1 != 0);
    let outbound = rate.saturating_mul(8);
    let inbound = per_second(window_bytes.saturating_mul(8), receive_round_trip_us);
    // A round trip that varies lets both estimates vary as much.
    let share = |rate: u64| match round_trip_us {
        0 => 0,
        round_trip => rate.saturating_mul(varies_us.min(round_trip)) / round_trip,
    };
    PathEstimate {
        outbound_bits_per_second: outbound,
        inbound_bits_per_second: inbound,
        outbound_instability: share(outbound),
        inbound_instability: share(inbound),
        outbound_peaked: outbound > 0 && !is_application_limited,
    }
}

#[cfg(any(target_os = "linux", target_os = "android", test))]
fn per_second(amount: u64, microseconds: u64) -> u64 {
    match microseconds {
        0 => 0,
        some => amount.saturating_mul(1_000_000) / some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_read_from_where_the_kernel_puts_it() {
        let mut info = [0u8; 192];
        info[68..72].copy_from_slice(&1000u32.to_ne_bytes());
        info[72..76].copy_from_slice(&250u32.to_ne_bytes());
        info[92..96].copy_from_slice(&2000u32.to_ne_bytes());
        info[96..100].copy_from_slice(&4000u32.to_ne_bytes());
        info[160..168].copy_from_slice(&1_000_000u64.to_ne_bytes());
        let expected = PathEstimate {
            outbound_bits_per_second: 8_000_000,
            inbound_bits_per_second: 16_000_000,
            outbound_instability: 2_000_000,
            inbound_instability: 4_000_000,
            outbound_peaked: true,
        };
        assert_eq!(estimate(&info), expected);
        info[7] = 1;
        assert_eq!(estimate(&info), PathEstimate { outbound_peaked: false, ..expected });
        for len in 0..info.len() {
            let _ = estimate(&info[..len]); // an older kernel tells less
        }
        assert_eq!(estimate(&[]), PathEstimate::default());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_estimates_a_path_that_was_used() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        for _ in 0..20 {
            ours.write_all(&[1; 10_000]).unwrap();
            theirs.read_exact(&mut [0; 10_000]).unwrap();
            theirs.write_all(&[2; 10_000]).unwrap();
            ours.read_exact(&mut [0; 10_000]).unwrap();
        }
        ours.set_nonblocking(true).unwrap();
        let estimate = path_estimate(&TcpStream::from_std(ours));
        assert!(estimate.outbound_bits_per_second > 0, "{estimate:?}");
    }
}
