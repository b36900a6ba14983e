//! A connected byte stream: TCP, or TLS over it. What a session reads from, and what it and every
//! other thread write to, one at a time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use mio::net::TcpStream;

use crate::base::chunk::{Chunk, ChunkPool};
use crate::base::lock::lock;

use super::layers::Layers;
use super::system::read_into_spare;
use super::tcp::{self, Written};
use super::tls::{Room, TlsFault, TlsSession};

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Bytes(usize),
    /// Nothing more for now: readiness will tell.
    Blocked,
    /// The peer ended its side.
    End,
}

#[derive(Debug)]
pub enum StreamFault {
    System(io::Error),
    Tls(TlsFault),
}

pub struct Stream {
    output: Output,
    /// The last read has left nothing behind in TLS, and the socket was empty then.
    is_drained: bool,
}

/// The way out of an open stream, for whoever has something to send.
#[derive(Clone)]
pub struct Output {
    tcp: Arc<TcpStream>,
    tls: Option<Arc<Shared>>,
}

/// What the session and those who send take turns at. It is held while bytes are encrypted and
/// offered to the system, never while anybody else's code runs.
#[derive(Default)]
struct Shared {
    layers: Mutex<Layers>,
    /// The session, and with it every other connection of its thread, waits for its turn.
    is_awaited: AtomicBool,
    /// Whoever has it sees to what waits, for the session did not.
    owes_flush: AtomicBool,
}

impl Shared {
    /// For the session.
    fn lock(&self) -> MutexGuard<'_, Layers> {
        if let Ok(layers) = self.layers.try_lock() {
            return layers;
        }
        self.is_awaited.store(true, Ordering::Relaxed);
        let layers = lock(&self.layers);
        self.is_awaited.store(false, Ordering::Relaxed);
        layers
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Layers>> {
        match self.layers.try_lock() {
            Ok(layers) => Some(layers),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// For the session, when all it would do is to offer the system what waits: whoever is at it
    /// does that. `None`: somebody is, and looks again afterwards.
    fn lock_unless_written(&self) -> Option<MutexGuard<'_, Layers>> {
        self.try_lock().or_else(|| {
            self.owes_flush.store(true, Ordering::Relaxed);
            // Either we find it free, or whoever had it finds our note: see `takes_over`.
            fence(Ordering::SeqCst);
            self.try_lock()
        })
    }

    /// Asked by a writer that no longer has it.
    fn takes_over(&self) -> bool {
        fence(Ordering::SeqCst);
        self.owes_flush.load(Ordering::Relaxed) && self.owes_flush.swap(false, Ordering::Relaxed)
    }
}

impl Output {
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Writes chunks from the front until they are gone or the system blocks. With TLS, bytes count
    /// as written once they are encrypted; `is_flushed` tells whether the system has them all. And
    /// it leaves the rest when the session waits.
    pub fn write(&self, chunks: &mut VecDeque<Chunk>, pool: &ChunkPool) -> Written {
        match &self.tls {
            None => tcp::write_chunks(&self.tcp, chunks, pool),
            Some(tls) => {
                let goes_on = || !tls.is_awaited.load(Ordering::Relaxed);
                let mut written = lock(&tls.layers).write(&self.tcp, chunks, pool, goes_on);
                // The system may take more than it just said.
                while tls.takes_over() && written.blocked {
                    let more = lock(&tls.layers).write(&self.tcp, chunks, pool, goes_on);
                    written.bytes += more.bytes;
                    written.has_moved |= more.has_moved;
                    (written.blocked, written.error) = (more.blocked, more.error);
                }
                written
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Output").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

impl Stream {
    pub fn plain(tcp: Arc<TcpStream>) -> Stream {
        Stream { output: Output { tcp, tls: None }, is_drained: false }
    }

    /// Whose way out this is.
    pub fn of(output: Output) -> Stream {
        Stream { output, is_drained: false }
    }

    /// Puts TLS over what there is so far. `is_silent`: nothing has arrived, and readiness will tell
    /// when something does.
    pub fn secure(&mut self, session: TlsSession, is_silent: bool) {
        self.output.tls.get_or_insert_default().lock().push(session, is_silent);
    }

    pub fn tcp(&self) -> &Arc<TcpStream> {
        &self.output.tcp
    }

    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Looks at the topmost layer of TLS.
    pub fn look_at_tls<T>(&self, look: impl FnOnce(&TlsSession) -> T) -> Option<T> {
        self.output.tls.as_ref()?.lock().top().map(look)
    }

    /// Whether bytes pass through TLS, be it only on the way to a proxy.
    pub fn is_secure(&self) -> bool {
        self.output.tls.is_some()
    }

    /// Whether a short read was the last until readiness comes, as it is of a plain socket.
    pub fn is_drained(&self) -> bool {
        self.output.tls.is_none() || self.is_drained
    }

    /// Readiness has come: whatever the last read told, the system may hold more again.
    pub fn notice_edge(&mut self) {
        if let Some(tls) = &self.output.tls {
            tls.lock().notice_edge();
        }
    }

    /// Reads once into `buffer`; `ciphertext` is room for what TLS has to read first. With
    /// `trusts_short_reads` a short read of the socket counts as the last until readiness comes.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Read, StreamFault> {
        match &self.output.tls {
            None => as_read(tcp::receive(&self.output.tcp, buffer)),
            Some(_) => self.decrypt(&mut Room::slice(buffer), ciphertext, trusts_short_reads),
        }
    }

    /// The same for at most `count` bytes behind what is in `target`, within its capacity.
    pub fn read_into(
        &mut self,
        target: &mut Vec<u8>,
        count: usize,
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Read, StreamFault> {
        match &self.output.tls {
            None => as_read(tcp::retrying(|| read_into_spare(&self.output.tcp, target, count))),
            Some(_) => {
                self.decrypt(&mut Room::spare(target, count), ciphertext, trusts_short_reads)
            }
        }
    }

    fn decrypt(
        &mut self,
        room: &mut Room<'_>,
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Read, StreamFault> {
        let Some(tls) = &self.output.tls else { return Ok(Read::Blocked) };
        let mut layers = tls.lock();
        let read = layers.decrypt(&self.output.tcp, room, ciphertext, trusts_short_reads);
        self.is_drained = layers.is_drained();
        let has_ended = matches!(read, Ok(Read::End) | Err(StreamFault::System(_)));
        if has_ended { layers.explained().map_or(read, Err) } else { read }
    }

    /// Takes the topmost TLS handshake as far as it goes now. `Some(true)`: it is done, and its last
    /// word leaves with what is written next, or with `flush`. `None`: the peer left.
    pub fn handshake(
        &mut self,
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Option<bool>, StreamFault> {
        let Some(tls) = &self.output.tls else { return Ok(Some(true)) };
        let mut layers = tls.lock();
        let outcome = layers.shake_hands(&self.output.tcp, ciphertext, trusts_short_reads);
        let has_ended = matches!(outcome, Ok(None) | Err(StreamFault::System(_)));
        if has_ended { layers.explained().map_or(outcome, Err) } else { outcome }
    }

    /// Writes plain bytes from the front of `bytes`; for the few of the opening handshake.
    pub fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.output.tls {
            None => tcp::send(&self.output.tcp, bytes),
            Some(tls) => tls.lock().write_some(&self.output.tcp, bytes),
        }
    }

    /// Hands the system what TLS still holds, or leaves that to whoever is at it. `true`: it has
    /// everything.
    pub fn flush(&mut self) -> io::Result<bool> {
        let Some(tls) = &self.output.tls else { return Ok(true) };
        match tls.lock_unless_written() {
            Some(mut layers) => layers.flush(&self.output.tcp),
            None => Ok(false),
        }
    }

    pub fn is_flushed(&self) -> bool {
        self.output.tls.as_ref().is_none_or(|tls| tls.lock().is_flushed())
    }

    /// close_notify, as far as the system takes it.
    pub fn take_leave(&mut self) {
        if let Some(tls) = &self.output.tls {
            tls.lock().end(&self.output.tcp);
        }
    }

    /// Ends our side: the same, then FIN.
    pub fn end(&mut self) {
        self.take_leave();
        let _ = self.output.tcp.shutdown(std::net::Shutdown::Write);
    }
}

pub fn as_read(result: io::Result<usize>) -> Result<Read, StreamFault> {
    match result {
        Ok(0) => Ok(Read::End),
        Ok(count) => Ok(Read::Bytes(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read::Blocked),
        Err(error) => Err(StreamFault::System(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_session_leaves_to_a_writer_is_taken_over_once() {
        let shared = Shared::default();
        assert!(shared.lock_unless_written().is_some() && !shared.takes_over());
        let written = lock(&shared.layers);
        assert!(shared.lock_unless_written().is_none());
        drop(written);
        assert!(shared.takes_over() && !shared.takes_over());
        assert!(shared.lock_unless_written().is_some());
    }
}
