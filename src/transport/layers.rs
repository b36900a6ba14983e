//! TLS over a socket: one layer, or one to a proxy and one to the server inside it.
//!
//! Owns the order in which bytes pass through the layers. Refuses to know who reads and who writes.

use std::collections::VecDeque;
use std::io;

use mio::net::TcpStream;

use crate::base::chunk::{Chunk, ChunkPool};

use super::stream::{Read, StreamFault, as_read};
use super::tcp::{self, Written};
use super::tls::{Plain, Room, TlsSession};

/// Ciphertext beyond what there is room for: what it decrypts to is held until somebody wants it,
/// so not much more than the rest of a record.
const RECORD_BYTES: usize = 17 * 1024;

#[derive(Default)]
pub(super) struct Layers {
    /// The lowest first.
    stack: Vec<Layer>,
    /// The system has taken something since `write` last told.
    has_moved: bool,
}

struct Layer {
    session: TlsSession,
    /// The last read was short: the system has no more until there is a new edge.
    is_exhausted: bool,
}

/// What is under a layer: the layers below it and the socket.
struct Lower<'a> {
    tcp: &'a TcpStream,
    layers: &'a mut [Layer],
    has_moved: &'a mut bool,
}

impl Layers {
    /// Puts TLS over what there is so far. `is_silent`: there is nothing to be read yet.
    pub(super) fn push(&mut self, session: TlsSession, is_silent: bool) {
        self.stack.reserve_exact(1); // there is hardly ever another
        self.stack.push(Layer { session, is_exhausted: is_silent });
    }

    pub(super) fn top(&self) -> Option<&TlsSession> {
        self.stack.last().map(|layer| &layer.session)
    }

    /// Why the peer has left, when TLS knows more of it.
    pub(super) fn explained(&self) -> Option<StreamFault> {
        self.top()?.ended().map(StreamFault::Tls)
    }

    /// Whether there is nothing to be read before there is a new edge.
    pub(super) fn is_drained(&self) -> bool {
        let [layer] = self.stack.as_slice() else { return self.stack.is_empty() };
        layer.is_exhausted && layer.session.is_drained()
    }

    pub(super) fn notice_edge(&mut self) {
        for layer in &mut self.stack {
            layer.is_exhausted = false;
        }
    }

    pub(super) fn is_flushed(&self) -> bool {
        !self.stack.iter().any(|layer| layer.session.wants_write())
    }

    pub(super) fn decrypt(
        &mut self,
        tcp: &TcpStream,
        room: &mut Room<'_>,
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Read, StreamFault> {
        self.lower(tcp).decrypt(room, ciphertext, trusts_short_reads)
    }

    /// Takes the topmost handshake as far as it goes now. `Some(true)`: it is done. `None`: the
    /// peer left.
    pub(super) fn shake_hands(
        &mut self,
        tcp: &TcpStream,
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Option<bool>, StreamFault> {
        let Some((layer, layers)) = self.stack.split_last_mut() else { return Ok(Some(true)) };
        let mut lower = Lower { tcp, layers, has_moved: &mut self.has_moved };
        loop {
            if !layer.session.is_handshaking() {
                return Ok(Some(true));
            }
            if let Err(error) = layer.flush(&mut lower) {
                // The server's last words may lie there: an alert is worth more than a broken pipe.
                return Err(
                    match layer.advance(&mut lower, ciphertext, &mut Room::slice(&mut [])) {
                        Err(StreamFault::Tls(fault)) => StreamFault::Tls(fault),
                        _ => StreamFault::System(error),
                    },
                );
            }
            if std::mem::take(&mut layer.is_exhausted) && trusts_short_reads {
                return Ok(Some(false));
            }
            match layer.advance(&mut lower, ciphertext, &mut Room::slice(&mut []))? {
                Read::Bytes(_) => {}
                Read::Blocked => return Ok(Some(false)),
                Read::End => return Ok(None),
            }
        }
    }

    /// Until the system blocks, and after each piece that leaves at once only while it `goes_on`.
    pub(super) fn write(
        &mut self,
        tcp: &TcpStream,
        chunks: &mut VecDeque<Chunk>,
        pool: &ChunkPool,
        goes_on: impl Fn() -> bool,
    ) -> Written {
        let mut written = self.encrypt(tcp, chunks, pool, goes_on);
        written.has_moved = std::mem::take(&mut self.has_moved);
        written
    }

    fn encrypt(
        &mut self,
        tcp: &TcpStream,
        chunks: &mut VecDeque<Chunk>,
        pool: &ChunkPool,
        goes_on: impl Fn() -> bool,
    ) -> Written {
        let mut written = Written::default();
        let Some((layer, layers)) = self.stack.split_last_mut() else { return written };
        let mut lower = Lower { tcp, layers, has_moved: &mut self.has_moved };
        loop {
            match layer.flush(&mut lower) {
                Ok(true) if chunks.is_empty() || (written.bytes > 0 && !goes_on()) => {
                    return written;
                }
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
            // As much as leaves at once.
            while let Some(front) = chunks.front() {
                match layer.session.write(front.waiting()) {
                    Ok(0) if !front.is_empty() => break,
                    Ok(count) => {
                        written.bytes += count as u64;
                        tcp::consume(chunks, count, pool);
                    }
                    Err(error) => {
                        written.error = Some(error);
                        return written;
                    }
                }
            }
        }
    }

    pub(super) fn write_some(&mut self, tcp: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.lower(tcp).write_some(bytes)
    }

    /// Hands the system what waits. `true`: it has everything.
    pub(super) fn flush(&mut self, tcp: &TcpStream) -> io::Result<bool> {
        self.lower(tcp).flush()
    }

    /// close_notify on every layer, as far as the system takes it.
    pub(super) fn end(&mut self, tcp: &TcpStream) {
        for at in (0..self.stack.len()).rev() {
            let above = self.stack.get_mut(..=at).and_then(<[Layer]>::split_last_mut);
            let Some((layer, layers)) = above else { break };
            layer.session.send_close_notify();
            let _ = layer.flush(&mut Lower { tcp, layers, has_moved: &mut self.has_moved });
        }
    }

    fn lower<'a>(&'a mut self, tcp: &'a TcpStream) -> Lower<'a> {
        Lower { tcp, layers: &mut self.stack, has_moved: &mut self.has_moved }
    }
}

impl Lower<'_> {
    fn decrypt(
        &mut self,
        room: &mut Room<'_>,
        ciphertext: &mut [u8],
        trusts_short_reads: bool,
    ) -> Result<Read, StreamFault> {
        let Some((layer, layers)) = self.layers.split_last_mut() else { return Ok(Read::Blocked) };
        let mut lower = Lower { tcp: self.tcp, layers, has_moved: self.has_moved };
        loop {
            match layer.session.read(room) {
                Plain::Bytes(count) => return Ok(Read::Bytes(count)),
                Plain::Closed => return Ok(Read::End),
                Plain::Empty => {}
            }
            if let Some(fault) = layer.session.fault() {
                return Err(StreamFault::Tls(fault.clone()));
            }
            if std::mem::take(&mut layer.is_exhausted) && trusts_short_reads {
                return Ok(Read::Blocked);
            }
            let advanced = layer.advance(&mut lower, ciphertext, room);
            // What was decrypted before a fault is good: it is read first.
            if room.filled() > 0 {
                return Ok(Read::Bytes(room.filled()));
            }
            match advanced {
                Ok(Read::Bytes(_)) | Err(StreamFault::Tls(_)) => {}
                other => return other,
            }
        }
    }

    /// Reads what the layer above is to decrypt.
    fn read(&mut self, buffer: &mut [u8], ciphertext: &mut [u8]) -> Result<Read, StreamFault> {
        if self.layers.is_empty() {
            return as_read(tcp::receive(self.tcp, buffer));
        }
        self.decrypt(&mut Room::slice(buffer), ciphertext, false)
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((layer, layers)) = self.layers.split_last_mut() else {
            let count = tcp::send(self.tcp, bytes)?;
            *self.has_moved |= count > 0;
            return Ok(count);
        };
        let count = layer.session.write(bytes)?;
        layer.flush(&mut Lower { tcp: self.tcp, layers, has_moved: self.has_moved })?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<bool> {
        match self.layers.split_last_mut() {
            Some((layer, layers)) => {
                layer.flush(&mut Lower { tcp: self.tcp, layers, has_moved: self.has_moved })
            }
            None => Ok(true),
        }
    }
}

impl Layer {
    /// Feeds the engine with one read of what is under it.
    fn advance(
        &mut self,
        lower: &mut Lower<'_>,
        ciphertext: &mut [u8],
        room: &mut Room<'_>,
    ) -> Result<Read, StreamFault> {
        // What is held goes before what is read.
        let held = self.session.held_bytes();
        let wanted = held.saturating_add(room.left()).saturating_add(RECORD_BYTES);
        let mut own = Vec::new();
        let (read, buffer) = if !lower.layers.is_empty() {
            own.resize(held + RECORD_BYTES, 0);
            let fresh = own.get_mut(held..).unwrap_or_default();
            (lower.read(fresh, ciphertext)?, own.as_mut_slice())
        } else {
            let buffer = if ciphertext.len() < held + RECORD_BYTES {
                own.resize(held + RECORD_BYTES, 0);
                own.as_mut_slice()
            } else {
                ciphertext.get_mut(..wanted.min(ciphertext.len())).unwrap_or_default()
            };
            let fresh = buffer.get_mut(held..).unwrap_or_default();
            let read = lower.read(fresh, &mut [])?;
            self.is_exhausted = matches!(read, Read::Bytes(count) if count < fresh.len());
            (read, buffer)
        };
        let Read::Bytes(count) = read else { return Ok(read) };
        let received = buffer.get_mut(..held + count).unwrap_or_default();
        let was_handshaking = self.session.is_handshaking();
        let fed = self.session.receive(received, room);
        if was_handshaking && fed.is_ok() && !self.session.is_handshaking() {
            return Ok(read); // whoever writes next has something to say as well
        }
        // Answers of the engine: handshake, key updates, and the alert after a failure.
        let flushed = self.flush(lower);
        fed.map_err(StreamFault::Tls)?;
        flushed.map_err(StreamFault::System)?;
        Ok(read)
    }

    /// Hands on the ciphertext that waits. `true`: all of it has been taken.
    fn flush(&mut self, lower: &mut Lower<'_>) -> io::Result<bool> {
        loop {
            // What a layer holds goes first; then it takes whatever it is given, up to its limit.
            if !lower.flush()? {
                return Ok(false);
            }
            if !self.session.wants_write() {
                return Ok(true);
            }
            match lower.write_some(self.session.ciphertext()) {
                Ok(0) => return Ok(false),
                Ok(count) => self.session.ciphertext_taken(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.session.settle();
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
