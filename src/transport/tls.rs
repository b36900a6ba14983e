//! One TLS connection without its socket: ciphertext in, plaintext out, and the way back.
//!
//! Owns the rustls connection, which decrypts in the caller's buffer, and the little that must be
//! kept from one call to the next; nothing, while the connection is idle. TLS 1.2 and 1.3, SNI for
//! names, no ALPN. Every call does what it can at once and returns: nothing here waits, reads or
//! writes a socket, or tells the time (rustls reads the wall clock to judge certificates). Refuses
//! to know whom to trust (`trust`, `verify`).

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::AlertDescription;
use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::EncryptError;
use rustls_pki_types::{CertificateDer, ServerName};

pub use certificate_fault::{CertificateFault, CertificateFaults};
pub use fault::{HandshakeFault, Refusal, SetupFault, TlsFault};
pub(super) use in_place::decrypting_in_place;
pub(super) use note::{CertificateRequest, note_certificate_request, note_verdict};
pub use room::Room;
pub(super) use sealed::forget_spares;

use drive::{Stop, close};
use note::Notes;
use sealed::Sealed;

use super::trust::Configuration;
use super::verify::RouteVerification;

mod agreed;
mod certificate_fault;
mod drive;
mod fault;
mod in_place;
mod note;
mod room;
mod sealed;

/// More than this is never held: the longest handshake message, and what its records take.
const HELD_LIMIT: usize = 96 * 1024;
/// RFC 8446 §5.1, §6: an alert record in plaintext, of any minor version and level.
const BARE_CLOSE_NOTIFY: [Option<u8>; 7] =
    [Some(21), Some(3), None, Some(0), Some(2), None, Some(0)];

/// The client's end of a TLS connection.
pub struct TlsSession {
    connection: UnbufferedClientConnection,
    verification: Arc<RouteVerification>,
    name: ServerName<'static>,
    /// The front of a record, or of a handshake message, that has not arrived whole.
    held: Vec<u8>,
    /// `plain[plain_at..]` was decrypted, and the reader had no room for it.
    plain: Vec<u8>,
    plain_at: usize,
    sealed: Sealed,
    /// The first fault; it stays.
    fault: Option<TlsFault>,
    /// What is wrong with the server's certificate, also what is overlooked.
    certificate_faults: CertificateFaults,
    /// The chain that the fault is about.
    refused: Arc<[CertificateDer<'static>]>,
    /// The server asked for a certificate of ours.
    request: Option<CertificateRequest>,
    /// The handshake was finished, and a session that it resumed was judged.
    has_opened: bool,
    /// Something was decrypted: the server had no objections to whom it talks to.
    has_answered: bool,
    /// How much of a bare close_notify came as the very first bytes; None once something else did.
    bare_close_notify: Option<usize>,
    close_notify_received: bool,
    close_notify_sent: bool,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing until more ciphertext is received.
    Empty,
    /// The peer's close_notify was seen and everything before it was read. During the handshake it
    /// means that the peer left in the middle of it.
    Closed,
}

impl TlsSession {
    /// Begins the handshake: the session wants to write at once.
    pub fn new(
        configuration: &Configuration,
        name: ServerName<'static>,
    ) -> Result<TlsSession, TlsFault> {
        let client = Arc::clone(&configuration.client);
        let mut session = TlsSession {
            connection: UnbufferedClientConnection::new(client, name.clone())?,
            verification: Arc::clone(&configuration.verification),
            name,
            held: Vec::new(),
            plain: Vec::new(),
            plain_at: 0,
            sealed: Sealed::default(),
            fault: None,
            certificate_faults: CertificateFaults::default(),
            refused: Arc::default(),
            request: None,
            has_opened: false,
            has_answered: false,
            bare_close_notify: Some(0),
            close_notify_received: false,
            close_notify_sent: false,
        };
        // The ClientHello.
        session.encode_waiting();
        Ok(session)
    }

    /// What has made the session useless. Plaintext from before it may still wait.
    pub fn fault(&self) -> Option<&TlsFault> {
        self.fault.as_ref()
    }

    /// What it means that the connection ends here, if it means more than that: a server that
    /// leaves without a word once it has asked for a certificate was not content with the answer.
    /// Many send no alert then, or lose it.
    pub fn ended(&self) -> Option<TlsFault> {
        match self.request? {
            _ if self.has_answered => None,
            CertificateRequest::InVain => Some(TlsFault::NoClientCertificate(0)),
            CertificateRequest::Answered => Some(TlsFault::ClientCertificateRefused),
        }
    }

    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// How many bytes the front of the buffer given to `receive` must have room for.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Takes ciphertext as it arrived, cut anywhere: `buffer` has `held_bytes` of room and then
    /// what is new. It is decrypted where it is, and overwritten.
    ///
    /// Plaintext goes into `room`, and what does not fit waits for `read`. After close_notify
    /// everything is ignored (RFC 8446 §6.1). A fault is final and comes back on every later call;
    /// the alert that tells the peer waits in `ciphertext`, and plaintext decrypted before it is
    /// good.
    pub fn receive(&mut self, buffer: &mut [u8], room: &mut Room<'_>) -> Result<(), TlsFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let held = self.held.len();
        if let Some(front) = buffer.get_mut(..held) {
            front.copy_from_slice(&self.held);
        }
        self.look_for_bare_close_notify(buffer.get(held..).unwrap_or_default());
        let was_handshaking = self.connection.is_handshaking();
        if was_handshaking {
            drop(Notes::take()); // a stranger's
        }
        let ran = match self.close_notify_received {
            true => Ok(None),
            false => self.run(buffer, room, |_, _| ()).map(Some),
        };
        let refusal = if was_handshaking { self.take_notes() } else { None };
        let taken = match ran {
            Ok(Some((taken, _))) if !self.close_notify_received => taken,
            Ok(_) => buffer.len(),
            // An authentic close_notify in the middle of a TLS 1.3 handshake.
            Err(Stop::Engine(rustls::Error::AlertReceived(AlertDescription::CloseNotify))) => {
                self.close_notify_received = true;
                buffer.len()
            }
            Err(Stop::Engine(error)) => {
                self.encode_waiting(); // the alert
                let fault = refusal.unwrap_or_else(|| self.fault_of(error));
                return Err(self.fail(fault));
            }
            Err(Stop::Resumed(fault)) => return Err(self.fail(fault)),
        };
        self.hold(buffer.get(taken..).unwrap_or_default())
    }

    /// Moves into `room` what waits.
    pub fn read(&mut self, room: &mut Room<'_>) -> Plain {
        if room.left() == 0 {
            return Plain::Empty;
        }
        let waiting = self.plain.get(self.plain_at..).unwrap_or_default();
        if !waiting.is_empty() {
            let count = room.put(waiting);
            self.plain_at += count;
            if self.plain_at == self.plain.len() {
                self.plain = Vec::new();
                self.plain_at = 0;
            }
            return Plain::Bytes(count);
        }
        if self.close_notify_received { Plain::Closed } else { Plain::Empty }
    }

    /// Whether everything that was received has been read, also an end or a fault.
    pub fn is_drained(&self) -> bool {
        self.plain.is_empty() && self.fault.is_none() && !self.close_notify_received
    }

    /// Encrypts plaintext and returns how much: at most what makes about 64 KiB of ciphertext. The
    /// rest goes in after that was taken.
    ///
    /// An error: nothing will ever be accepted any more; after a fault, after `send_close_notify`,
    /// or when the peer left during the handshake. Before its end nothing is accepted yet.
    pub fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        let is_shut = self.fault.is_some() || self.close_notify_sent;
        if is_shut || (self.close_notify_received && self.is_handshaking()) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = self.sealed.budget(plain.len());
        if count == 0 || self.is_handshaking() {
            return Ok(0);
        }
        let plain = plain.get(..count).unwrap_or_default();
        let written = self.run_held(|mut traffic, sealed| {
            let written = traffic.encrypt(plain, sealed.shared_room());
            let written = match written {
                // Something else goes before it, a key update perhaps.
                Err(EncryptError::InsufficientSize(size)) => {
                    traffic.encrypt(plain, sealed.room(size.required_size))
                }
                written => written,
            };
            sealed.fill(*written.as_ref().unwrap_or(&0));
            written.is_ok()
        });
        match written {
            Some(true) => Ok(count),
            // RFC 8446 §5.5: these keys have protected as much as they may.
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Whether ciphertext waits: handshake, data or an alert.
    pub fn wants_write(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// The ciphertext that waits.
    pub fn ciphertext(&self) -> &[u8] {
        self.sealed.waiting()
    }

    /// So many bytes of the ciphertext were taken.
    pub fn ciphertext_taken(&mut self, count: usize) {
        self.sealed.consume(count);
    }

    /// Nobody takes more of the ciphertext for now.
    pub fn settle(&mut self) {
        self.sealed.settle();
    }

    /// Queues close_notify behind what was written. Again, after a fault or before the end of the
    /// handshake: nothing.
    pub fn send_close_notify(&mut self) {
        if self.close_notify_sent || self.fault.is_some() || self.is_handshaking() {
            return;
        }
        self.close_notify_sent = true;
        self.run_held(close);
    }

    /// Keeps what is not whole until there is more of it.
    fn hold(&mut self, rest: &[u8]) -> Result<(), TlsFault> {
        if rest.is_empty() {
            self.held = Vec::new();
            return Ok(());
        }
        if rest.len() > HELD_LIMIT {
            return Err(self.fail(HandshakeFault::Malformed.into()));
        }
        self.held.clear();
        self.held.extend_from_slice(rest);
        Ok(())
    }

    /// What verifier and key had to say meanwhile: why the certificate is refused, perhaps.
    fn take_notes(&mut self) -> Option<TlsFault> {
        let notes = Notes::take();
        self.request = self.request.or(notes.request);
        let judged = notes.judged?;
        self.certificate_faults = judged.faults;
        self.refused = judged.refused;
        judged.refusal
    }

    fn fault_of(&self, error: rustls::Error) -> TlsFault {
        match TlsFault::from(error) {
            // Not one message was understood: a server that speaks something else.
            TlsFault::BadRecord if self.connection.protocol_version().is_none() => TlsFault::NotTls,
            // TLS 1.3 has an alert of its own for it, TLS 1.2 has not: RFC 5246 §7.4.6.
            TlsFault::Alert(number)
                if self.request == Some(CertificateRequest::InVain)
                    && tells_of_a_missing_certificate(number) =>
            {
                TlsFault::NoClientCertificate(number)
            }
            fault => fault,
        }
    }

    /// A session that was resumed has shown no certificate, and the rules may have changed since.
    fn judge_resumed(&mut self) -> Result<(), TlsFault> {
        if self.is_resumed() {
            let chain = self.connection.peer_certificates().unwrap_or_default();
            self.certificate_faults = self.verification.judge_resumed(chain, &self.name)?;
        }
        Ok(())
    }

    /// rustls passes over a close_notify that comes instead of the ServerHello, as nothing
    /// authenticates it, and would wait for ever. Who can forge it can as well cut the connection.
    fn look_for_bare_close_notify(&mut self, ciphertext: &[u8]) {
        let Some(seen) = self.bare_close_notify else { return };
        let expected = BARE_CLOSE_NOTIFY.iter().skip(seen);
        let fits = expected.zip(ciphertext).all(|(byte, got)| byte.is_none_or(|byte| byte == *got));
        let seen = seen.saturating_add(ciphertext.len());
        self.close_notify_received = fits && seen >= BARE_CLOSE_NOTIFY.len();
        self.bare_close_notify = (fits && !self.close_notify_received).then_some(seen);
    }

    fn fail(&mut self, fault: TlsFault) -> TlsFault {
        if let TlsFault::Certificate(refusal) = &fault {
            self.certificate_faults.extend(refusal.all.iter());
        }
        self.held = Vec::new();
        self.fault = Some(fault.clone());
        fault
    }
}

/// handshake_failure, bad_certificate, certificate_unknown, access_denied, certificate_required.
fn tells_of_a_missing_certificate(alert: u8) -> bool {
    matches!(alert, 40 | 42 | 46 | 49 | 116)
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TlsSession")
            .field("handshaking", &self.is_handshaking())
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
