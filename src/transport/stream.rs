//! A connected byte stream: TCP, or TLS over it. What a session reads from and writes to.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::sync::Arc;

use mio::net::TcpStream;

use crate::base::chunk::{Chunk, ChunkPool};

use super::system::read_into_spare;
use super::tcp::{self, Written};
use super::tls::{Plain, TlsFault, TlsSession};

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
    tcp: Arc<TcpStream>,
    /// The lowest first: TLS to a proxy, and TLS to the server inside it.
    layers: Vec<Tls>,
    /// Ciphertext that the system has taken.
    taken: u64,
}

struct Tls {
    session: TlsSession,
    /// Ciphertext that the engine had no room for.
    held: Vec<u8>,
    /// The last read was short: the system has no more until there is a new edge.
    is_exhausted: bool,
}

/// What is under a layer: the layers below it and the socket.
struct Lower<'a> {
    tcp: &'a TcpStream,
    layers: &'a mut [Tls],
    taken: &'a mut u64,
}

/// Room for the ciphertext of a layer that has another one under it.
const INNER_CIPHERTEXT_BYTES: usize = 16 * 1024;

impl Stream {
    pub fn plain(tcp: TcpStream) -> Stream {
        Stream { tcp: Arc::new(tcp), layers: Vec::new(), taken: 0 }
    }

    /// Puts TLS over what there is so far.
    pub fn secure(&mut self, session: TlsSession) {
        self.layers.push(Tls { session, held: Vec::new(), is_exhausted: false });
    }

    pub fn tcp(&self) -> &Arc<TcpStream> {
        &self.tcp
    }

    /// The topmost layer.
    pub fn tls(&self) -> Option<&TlsSession> {
        self.layers.last().map(|tls| &tls.session)
    }

    /// Whether bytes pass through TLS, be it only on the way to a proxy.
    pub fn is_secure(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Readiness has come: whatever the last read told, the system may hold more again.
    pub fn notice_edge(&mut self) {
        for tls in &mut self.layers {
            tls.is_exhausted = false;
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
        let read = self.lower().read(buffer, ciphertext, trusts_short_reads);
        let has_ended = matches!(read, Ok(Read::End) | Err(StreamFault::System(_)));
        if has_ended { self.explained().map_or(read, Err) } else { read }
    }

    /// Why the peer has left, when TLS knows more of it.
    fn explained(&self) -> Option<StreamFault> {
        self.tls()?.ended().map(StreamFault::Tls)
    }

    /// Reads at most `count` bytes straight into the spare room of `target`. Plain streams only.
    pub fn read_into(&mut self, target: &mut Vec<u8>, count: usize) -> Result<Read, StreamFault> {
        as_read(tcp::retrying(|| read_into_spare(&self.tcp, target, count)))
    }

    /// Takes the topmost TLS handshake as far as it goes now. `Some(true)`: it is done. `None`: the
    /// peer left.
    pub fn handshake(&mut self, ciphertext: &mut [u8]) -> Result<Option<bool>, StreamFault> {
        let outcome = self.shake_hands(ciphertext);
        let has_ended = matches!(outcome, Ok(None) | Err(StreamFault::System(_)));
        if has_ended { self.explained().map_or(outcome, Err) } else { outcome }
    }

    fn shake_hands(&mut self, ciphertext: &mut [u8]) -> Result<Option<bool>, StreamFault> {
        let Some((tls, layers)) = self.layers.split_last_mut() else { return Ok(Some(true)) };
        let mut lower = Lower { tcp: &self.tcp, layers, taken: &mut self.taken };
        loop {
            if let Err(error) = tls.flush(&mut lower) {
                // The server's last words may lie there: an alert is worth more than a broken pipe.
                return Err(match tls.advance(&mut lower, ciphertext) {
                    Err(StreamFault::Tls(fault)) => StreamFault::Tls(fault),
                    _ => StreamFault::System(error),
                });
            }
            if !tls.session.is_handshaking() {
                return Ok(Some(true));
            }
            match tls.advance(&mut lower, ciphertext)? {
                Read::Bytes(_) => {}
                Read::Blocked => return Ok(Some(false)),
                Read::End => return Ok(None),
            }
        }
    }

    /// Writes chunks from the front until they are gone or the system blocks. With TLS, bytes count
    /// as written once they are encrypted; `is_flushed` tells whether the system has them all.
    pub fn write(&mut self, chunks: &mut VecDeque<Chunk>, pool: &ChunkPool) -> Written {
        if self.layers.is_empty() {
            return tcp::write_chunks(&self.tcp, chunks, pool);
        }
        let taken = self.taken;
        let mut written = self.encrypt(chunks, pool);
        written.has_moved = self.taken != taken;
        written
    }

    fn encrypt(&mut self, chunks: &mut VecDeque<Chunk>, pool: &ChunkPool) -> Written {
        let mut written = Written::default();
        let Some((tls, layers)) = self.layers.split_last_mut() else { return written };
        let mut lower = Lower { tcp: &self.tcp, layers, taken: &mut self.taken };
        loop {
            match tls.flush(&mut lower) {
                Ok(true) => {}
                Ok(false) => {
                    written.blocked = true;
                    return written;
                }
                Err(error) => {
                    written.error = Some(error);
                    return written;
                }
            }
            let Some(front) = chunks.front() else { return written };
            let count = tls.session.write(front.waiting());
            written.bytes += count as u64;
            tcp::consume(chunks, count, pool);
        }
    }

    /// Writes plain bytes from the front of `bytes`; for the few of the opening handshake.
    pub fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lower().write_some(bytes)
    }

    /// Hands the system what TLS still holds. `true`: it has everything.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.lower().flush()
    }

    pub fn is_flushed(&self) -> bool {
        !self.layers.iter().any(|tls| tls.session.wants_write())
    }

    /// Ends our side: close_notify as far as the system takes it, then FIN.
    pub fn end(&mut self) {
        for at in (0..self.layers.len()).rev() {
            let Some((tls, layers)) = self.layers.get_mut(..=at).and_then(<[Tls]>::split_last_mut)
            else {
                break;
            };
            tls.session.send_close_notify();
            let _ = tls.flush(&mut Lower { tcp: &self.tcp, layers, taken: &mut self.taken });
        }
        let _ = self.tcp.shutdown(std::net::Shutdown::Write);
    }

    fn lower(&mut self) -> Lower<'_> {
        Lower { tcp: &self.tcp, layers: &mut self.layers, taken: &mut self.taken }
    }
}

impl Lower<'_> {
    fn read(
        &mut self,
        buffer: &mut [u8],
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Read, StreamFault> {
        let Some((tls, layers)) = self.layers.split_last_mut() else {
            return as_read(tcp::receive(self.tcp, buffer));
        };
        let mut lower = Lower { tcp: self.tcp, layers, taken: self.taken };
        loop {
            match tls.session.read(buffer) {
                Plain::Bytes(count) => return Ok(Read::Bytes(count)),
                Plain::Closed => return Ok(Read::End),
                Plain::Empty => {}
            }
            if let Some(fault) = tls.session.fault() {
                return Err(StreamFault::Tls(fault.clone()));
            }
            if tls.held.is_empty() && std::mem::take(&mut tls.is_exhausted) && trusts_short_reads {
                return Ok(Read::Blocked);
            }
            match tls.advance(&mut lower, ciphertext) {
                // What was decrypted before a fault is good: it is read first.
                Ok(Read::Bytes(_)) | Err(StreamFault::Tls(_)) => {}
                other => return other,
            }
        }
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((tls, layers)) = self.layers.split_last_mut() else {
            return tcp::send(self.tcp, bytes);
        };
        let count = tls.session.write(bytes);
        tls.flush(&mut Lower { tcp: self.tcp, layers, taken: self.taken })?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<bool> {
        match self.layers.split_last_mut() {
            Some((tls, layers)) => {
                tls.flush(&mut Lower { tcp: self.tcp, layers, taken: self.taken })
            }
            None => Ok(true),
        }
    }
}

impl Tls {
    /// Feeds the engine with what is held, or with one read of what is under it.
    fn advance(
        &mut self,
        lower: &mut Lower<'_>,
        ciphertext: &mut [u8],
    ) -> Result<Read, StreamFault> {
        let (fed, read) = if self.held.is_empty() {
            if lower.layers.is_empty() {
                let read = as_read(tcp::receive(lower.tcp, ciphertext))?;
                let Read::Bytes(count) = read else { return Ok(read) };
                self.is_exhausted = count < ciphertext.len();
                (self.feed(ciphertext.get(..count).unwrap_or_default()), read)
            } else {
                let mut inner = vec![0; INNER_CIPHERTEXT_BYTES];
                let read = lower.read(&mut inner, ciphertext, false)?;
                let Read::Bytes(count) = read else { return Ok(read) };
                (self.feed(inner.get(..count).unwrap_or_default()), read)
            }
        } else {
            let fed = self.session.receive(&self.held);
            if let Ok(taken) = &fed {
                self.held.drain(..(*taken).min(self.held.len()));
                if self.held.is_empty() {
                    self.held = Vec::new();
                }
            }
            (fed.map(drop), Read::Bytes(1))
        };
        // Answers of the engine: handshake, key updates, and the alert after a failure.
        let flushed = self.flush(lower);
        fed.map_err(StreamFault::Tls)?;
        flushed.map_err(StreamFault::System)?;
        Ok(read)
    }

    fn feed(&mut self, fresh: &[u8]) -> Result<(), TlsFault> {
        let taken = self.session.receive(fresh)?;
        self.held.extend_from_slice(fresh.get(taken..).unwrap_or_default());
        Ok(())
    }

    fn flush(&mut self, lower: &mut Lower<'_>) -> io::Result<bool> {
        if lower.layers.is_empty() {
            return self.flush_into(&mut Socket(lower.tcp), lower.taken);
        }
        // A layer takes whatever it is given, up to its limit; what it holds goes first.
        loop {
            if !lower.flush()? {
                return Ok(false);
            }
            if !self.session.wants_write() {
                return Ok(true);
            }
            match self.session.write_ciphertext(&mut Below(lower)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn flush_into(&mut self, socket: &mut Socket<'_>, taken: &mut u64) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_ciphertext(socket) {
                Ok(count) => *taken += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

fn as_read(result: io::Result<usize>) -> Result<Read, StreamFault> {
    match result {
        Ok(0) => Ok(Read::End),
        Ok(count) => Ok(Read::Bytes(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read::Blocked),
        Err(error) => Err(StreamFault::System(error)),
    }
}

/// A lower layer as rustls wants it.
struct Below<'a, 'b>(&'a mut Lower<'b>);

impl Write for Below<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write_some(bytes)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The socket as rustls wants it; never raises SIGPIPE.
struct Socket<'a>(&'a TcpStream);

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tcp::send(self.0, bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        tcp::send_vectored(self.0, pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
