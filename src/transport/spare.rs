//! Reading into memory that has never been written.
//!
//! The one place outside the boundary that needs `unsafe`: the operating system fills the spare
//! room of a vector, and nobody but this function can tell the vector how much of it. Clearing the
//! memory first would cost as much as the read itself on large messages.
#![allow(unsafe_code)]

use std::io;

use mio::net::TcpStream;
use socket2::SockRef;

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
