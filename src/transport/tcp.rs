//! TCP: opening a socket with its options, and writes that never raise SIGPIPE.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::base::chunk::{Chunk, ChunkPool};

#[derive(Clone, Copy, Debug)]
pub struct TcpOptions {
    pub no_delay: bool,
    /// `SO_SNDBUF`; 0 leaves it to the system.
    pub send_buffer_bytes: usize,
}

/// Begins to connect. Writable readiness, then `take_error`, tells how it went.
pub fn connect(address: SocketAddr, options: TcpOptions) -> io::Result<TcpStream> {
    // socket2 opens it close-on-exec, and with SO_NOSIGPIPE where that exists.
    let socket = new_socket(Domain::for_address(address))?;
    if options.send_buffer_bytes > 0 {
        socket.set_send_buffer_size(options.send_buffer_bytes)?;
    }
    socket.set_tcp_nodelay(options.no_delay)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_under_way(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// One that does not block from the beginning, in one call where the system has such a call.
fn new_socket(domain: Domain) -> io::Result<Socket> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    return Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP));
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}

/// std's, mio's and socket2's plain vectored writes raise SIGPIPE in a C host; this flag does not.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const NO_SIGNAL: i32 = 0;

/// One write, never waiting, never a signal.
pub fn send(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    retrying(|| socket.try_io(|| SockRef::from(socket).send_with_flags(bytes, NO_SIGNAL)))
}

/// The same from several pieces.
pub fn send_vectored(socket: &TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    retrying(|| socket.try_io(|| SockRef::from(socket).send_vectored_with_flags(pieces, NO_SIGNAL)))
}

/// One read. 0 is the end.
pub fn receive(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut socket = socket;
    retrying(|| io::Read::read(&mut socket, buffer))
}

/// An interrupted call never surfaces.
pub fn retrying<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// What is sent from now on leaves together with the end of the connection, which must follow.
pub fn hold_for_the_end(socket: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(socket).set_tcp_cork(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket;
}

/// The socket will send RST instead of FIN when it is dropped.
pub fn reset_on_drop(socket: &TcpStream) {
    let _ = SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO));
}

/// What came of writing out chunks.
#[derive(Debug, Default)]
pub struct Written {
    pub bytes: u64,
    /// The system has taken something, be it of what was written before.
    pub has_moved: bool,
    /// The system takes no more for now.
    pub blocked: bool,
    pub error: Option<io::Error>,
}

const PIECES: usize = 16;

/// Writes chunks from the front until they are gone, the system blocks, or an error. Emptied ones
/// go back to the pool.
pub fn write_chunks(socket: &TcpStream, chunks: &mut VecDeque<Chunk>, pool: &ChunkPool) -> Written {
    let mut written = Written::default();
    while !chunks.is_empty() {
        let result = match (chunks.len(), chunks.front()) {
            (1, Some(only)) => send(socket, only.waiting()),
            _ => {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                for (piece, chunk) in pieces.iter_mut().zip(chunks.iter()) {
                    *piece = IoSlice::new(chunk.waiting());
                }
                send_vectored(socket, pieces.get(..chunks.len().min(PIECES)).unwrap_or_default())
            }
        };
        match result {
            Ok(count) => {
                written.bytes += count as u64;
                written.has_moved = true;
                consume(chunks, count, pool);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                written.blocked = true;
                return written;
            }
            Err(error) => {
                written.error = Some(error);
                return written;
            }
        }
    }
    written
}

/// Forgets the first `count` bytes of the chunks.
pub fn consume(chunks: &mut VecDeque<Chunk>, mut count: usize, pool: &ChunkPool) {
    while let Some(front) = chunks.front_mut() {
        let len = front.len();
        if len > count {
            front.consume(count);
            return;
        }
        count -= len;
        if let Some(empty) = chunks.pop_front() {
            pool.give_back(empty);
        }
    }
}
