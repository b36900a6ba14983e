//! One TLS connection without its socket: ciphertext in, plaintext out, and the way back.
//!
//! Owns the rustls connection and its bounded buffers. TLS 1.2 and 1.3, SNI for names, no ALPN. Every call does what it can at once and returns: nothing here
//! waits, reads or writes a socket, or tells the time (rustls reads the wall clock to judge
//! certificates). Refuses to know whom to trust (`trust`, `verify`).

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{AlertDescription, CipherSuite, ClientConnection, HandshakeKind, ProtocolVersion};
use rustls_pki_types::ServerName;

pub use certificate_fault::{CertificateFault, CertificateFaults};
pub use fault::{HandshakeFault, Refusal, SetupFault, TlsFault};
pub(super) use note::{CertificateRequest, note_certificate_request, note_verdict};

use note::Notes;

use super::trust::Configuration;
use super::verify::RouteVerification;

mod certificate_fault;
mod fault;
mod note;

/// Plaintext accepted beyond what was taken as ciphertext, in bytes.
const WRITE_BUFFER_LIMIT: usize = 64 * 1024;

/// RFC 8446 §5.1, §6: an alert record in plaintext, of any minor version and level.
const BARE_CLOSE_NOTIFY: [Option<u8>; 7] =
    [Some(21), Some(3), None, Some(0), Some(2), None, Some(0)];

/// The client's end of a TLS connection.
pub struct TlsSession {
    connection: ClientConnection,
    verification: Arc<RouteVerification>,
    name: ServerName<'static>,
    /// The first fault; it stays.
    fault: Option<TlsFault>,
    /// What is wrong with the server's certificate, also what is overlooked.
    certificate_faults: CertificateFaults,
    /// The chain that the fault is about.
    refused: Vec<Vec<u8>>,
    /// The server asked for a certificate of ours.
    request: Option<CertificateRequest>,
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
        let mut connection = ClientConnection::new(client, name.clone())?;
        connection.set_buffer_limit(Some(WRITE_BUFFER_LIMIT));
        Ok(TlsSession {
            connection,
            verification: Arc::clone(&configuration.verification),
            name,
            fault: None,
            certificate_faults: CertificateFaults::default(),
            refused: Vec::new(),
            request: None,
            has_answered: false,
            bare_close_notify: Some(0),
            close_notify_received: false,
            close_notify_sent: false,
        })
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

    /// Takes ciphertext as it arrived, cut anywhere, and returns how many bytes were consumed.
    ///
    /// Fewer than given only when plaintext waits: `read` until `Empty`, then give the rest. After
    /// close_notify everything is consumed and ignored (RFC 8446 §6.1). A fault is final and comes
    /// back on every later call; the alert that tells the peer waits in `write_ciphertext`, and
    /// plaintext decrypted before it can still be read.
    pub fn receive(&mut self, ciphertext: &[u8]) -> Result<usize, TlsFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.look_for_bare_close_notify(ciphertext);
        let mut rest = ciphertext;
        while !rest.is_empty() && !self.close_notify_received {
            match self.connection.read_tls(&mut rest) {
                Ok(_) => self.process()?,
                // The buffer of received plaintext is full, about one record.
                Err(error) if error.kind() == io::ErrorKind::Other => {
                    return Ok(ciphertext.len() - rest.len());
                }
                // A handshake message greater than rustls ever buffers.
                Err(_) => return Err(self.fail(HandshakeFault::Malformed.into())),
            }
        }
        Ok(ciphertext.len())
    }

    /// Moves decrypted bytes into `plain`. Into an empty slice: `Empty`.
    pub fn read(&mut self, plain: &mut [u8]) -> Plain {
        if plain.is_empty() {
            return Plain::Empty;
        }
        match self.connection.reader().read(plain) {
            Ok(0) => Plain::Closed,
            Ok(count) => {
                self.has_answered = true;
                Plain::Bytes(count)
            }
            Err(_) if self.close_notify_received => Plain::Closed,
            Err(_) => Plain::Empty,
        }
    }

    /// Accepts plaintext and returns how much; the rest goes in after ciphertext was taken.
    ///
    /// During the handshake it is kept and follows it. After a fault or `send_close_notify`, or
    /// when the peer left during the handshake, nothing is accepted any more.
    pub fn write(&mut self, plain: &[u8]) -> usize {
        let never_opens = self.close_notify_received && self.is_handshaking();
        if never_opens || self.close_notify_sent || plain.is_empty() {
            return 0;
        }
        self.connection.writer().write(plain).unwrap_or(0)
    }

    /// Whether ciphertext waits: handshake, data or an alert.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Hands waiting ciphertext to one `write_vectored` of `out`; returns what that returned.
    pub fn write_ciphertext(&mut self, out: &mut dyn Write) -> io::Result<usize> {
        self.connection.write_tls(out)
    }

    /// Queues close_notify behind what was written. Again, or after a fault: nothing.
    pub fn send_close_notify(&mut self) {
        if !self.close_notify_sent {
            self.close_notify_sent = true;
            self.connection.send_close_notify();
        }
    }

    /// `TLS 1.3` or `TLS 1.2`, once agreed.
    pub fn version(&self) -> Option<&'static str> {
        match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
            ProtocolVersion::TLSv1_2 => Some("TLS 1.2"),
            _ => None,
        }
    }

    /// The IANA name of the cipher suite, once agreed.
    pub fn cipher_suite(&self) -> Option<&'static str> {
        match self.connection.negotiated_cipher_suite()?.suite() {
            // rustls spells these with its own prefix.
            CipherSuite::TLS13_AES_128_GCM_SHA256 => Some("TLS_AES_128_GCM_SHA256"),
            CipherSuite::TLS13_AES_256_GCM_SHA384 => Some("TLS_AES_256_GCM_SHA384"),
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => Some("TLS_CHACHA20_POLY1305_SHA256"),
            suite => suite.as_str(),
        }
    }

    /// Whether the handshake took up an earlier session instead of showing a certificate.
    pub fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The server's chain in DER, its own certificate first; that of the first handshake where the
    /// session was resumed. Empty until the chain was judged.
    pub fn peer_certificates(&self) -> Vec<Vec<u8>> {
        let chain = match self.connection.peer_certificates() {
            Some(chain) => chain,
            None => return self.refused.clone(),
        };
        chain.iter().map(|certificate| certificate.to_vec()).collect()
    }

    /// What is wrong with the server's chain, whether it was overlooked or not.
    pub fn certificate_faults(&self) -> CertificateFaults {
        self.certificate_faults
    }

    fn process(&mut self) -> Result<(), TlsFault> {
        let was_handshaking = self.connection.is_handshaking();
        if was_handshaking {
            drop(Notes::take()); // a stranger's
        }
        let processed = self.connection.process_new_packets();
        let refusal = if was_handshaking { self.take_notes() } else { None };
        match processed {
            Ok(state) => self.close_notify_received = state.peer_has_closed(),
            // An authentic close_notify in the middle of a TLS 1.3 handshake.
            Err(rustls::Error::AlertReceived(AlertDescription::CloseNotify)) => {
                self.close_notify_received = true;
            }
            Err(error) => {
                let fault = refusal.unwrap_or_else(|| self.fault_of(error));
                return Err(self.fail(fault));
            }
        }
        if was_handshaking && !self.connection.is_handshaking() && self.is_resumed() {
            self.judge_resumed()?;
        }
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
        let chain = self.connection.peer_certificates().unwrap_or_default();
        match self.verification.judge_resumed(chain, &self.name) {
            Ok(faults) => {
                self.certificate_faults = faults;
                Ok(())
            }
            Err(fault) => {
                self.connection.send_close_notify();
                Err(self.fail(fault))
            }
        }
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
