//! One TLS connection without its socket: ciphertext in, plaintext out, and the way back.
//!
//! Owns the rustls connection and its bounded buffers. TLS 1.2 and 1.3, SNI for names, no ALPN. Every call does what it can at once and returns: nothing here
//! waits, reads or writes a socket, or tells the time (rustls reads the wall clock to judge
//! certificates). Refuses to know whom to trust (`trust`, `verify`).

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{
    AlertDescription, CipherSuite, ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName};

pub use fault::{CertificateFault, HandshakeFault, SetupFault, TlsFault};

mod fault;

thread_local! {
    /// The chain that the verifier refused last on this thread, for rustls forgets it.
    static REFUSED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The verifier, which runs inside `receive`, refuses this chain.
pub(super) fn note_refused(end_entity: &[u8], intermediates: &[CertificateDer<'_>]) {
    let others = intermediates.iter().map(|certificate| certificate.to_vec());
    REFUSED.set(std::iter::once(end_entity.to_vec()).chain(others).collect());
}

/// Plaintext accepted beyond what was taken as ciphertext, in bytes.
const WRITE_BUFFER_LIMIT: usize = 64 * 1024;

/// RFC 8446 §5.1, §6: an alert record in plaintext, of any minor version and level.
const BARE_CLOSE_NOTIFY: [Option<u8>; 7] =
    [Some(21), Some(3), None, Some(0), Some(2), None, Some(0)];

/// The client's end of a TLS connection.
pub struct TlsSession {
    connection: ClientConnection,
    /// The first fault; it stays.
    fault: Option<TlsFault>,
    /// The chain that the fault is about.
    refused: Vec<Vec<u8>>,
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
        config: &Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<TlsSession, TlsFault> {
        let mut connection = ClientConnection::new(config.clone(), name)?;
        connection.set_buffer_limit(Some(WRITE_BUFFER_LIMIT));
        Ok(TlsSession {
            connection,
            fault: None,
            refused: Vec::new(),
            bare_close_notify: Some(0),
            close_notify_received: false,
            close_notify_sent: false,
        })
    }

    /// What has made the session useless. Plaintext from before it may still wait.
    pub fn fault(&self) -> Option<&TlsFault> {
        self.fault.as_ref()
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
            Ok(count) => Plain::Bytes(count),
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

    fn process(&mut self) -> Result<(), TlsFault> {
        match self.connection.process_new_packets() {
            Ok(state) => {
                self.close_notify_received = state.peer_has_closed();
                Ok(())
            }
            // An authentic close_notify in the middle of a TLS 1.3 handshake.
            Err(rustls::Error::AlertReceived(AlertDescription::CloseNotify)) => {
                self.close_notify_received = true;
                Ok(())
            }
            Err(error) => {
                let fault = match TlsFault::from(error) {
                    // Not one message was understood: a server that speaks something else.
                    TlsFault::BadRecord if self.connection.protocol_version().is_none() => {
                        TlsFault::NotTls
                    }
                    fault => fault,
                };
                if matches!(fault, TlsFault::Certificate(_)) {
                    self.refused = REFUSED.take();
                }
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
        self.fault = Some(fault.clone());
        fault
    }
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
