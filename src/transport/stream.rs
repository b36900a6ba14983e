//! A connected byte stream: TCP, or TLS over it. What a session reads from, and what it and every
//! other thread write to, one at a time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

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
                lock(&tls.layers).write(&self.tcp, chunks, pool, goes_on)
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
        Stream { output: Output { tcp, tls: None } }
    }

    /// Puts TLS over what there is so far.
    pub fn secure(&mut self, session: TlsSession) {
        self.output.tls.get_or_insert_default().lock().push(session);
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
        let has_ended = matches!(read, Ok(Read::End) | Err(StreamFault::System(_)));
        if has_ended { layers.explained().map_or(read, Err) } else { read }
    }

    /// Takes the topmost TLS handshake as far as it goes now. `Some(true)`: it is done. `None`: the
    /// peer left.
    pub fn handshake(&mut self, ciphertext: &mut [u8]) -> Result<Option<bool>, StreamFault> {
        let Some(tls) = &self.output.tls else { return Ok(Some(true)) };
        let mut layers = tls.lock();
        let outcome = layers.shake_hands(&self.output.tcp, ciphertext);
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

    /// Hands the system what TLS still holds. `true`: it has everything.
    pub fn flush(&mut self) -> io::Result<bool> {
        match &self.output.tls {
            None => Ok(true),
            Some(tls) => tls.lock().flush(&self.output.tcp),
        }
    }

    pub fn is_flushed(&self) -> bool {
        self.output.tls.as_ref().is_none_or(|tls| tls.lock().is_flushed())
    }

    /// Ends our side: close_notify as far as the system takes it, then FIN.
    pub fn end(&mut self) {
        if let Some(tls) = &self.output.tls {
            tls.lock().end(&self.output.tcp);
        }
        let _ = self.output.tcp.shutdown(std::net::Shutdown::Write);
    }
}

pub(super) fn as_read(result: io::Result<usize>) -> Result<Read, StreamFault> {
    match result {
        Ok(0) => Ok(Read::End),
        Ok(count) => Ok(Read::Bytes(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read::Blocked),
        Err(error) => Err(StreamFault::System(error)),
    }
}
