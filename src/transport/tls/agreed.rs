//! What both sides of a TLS connection have agreed on, and what the server has shown.
//!
//! Owns the spelling of versions and cipher suites. Refuses to know how it came to that.

use std::sync::Arc;

use rustls::{CipherSuite, HandshakeKind, ProtocolVersion};
use rustls_pki_types::CertificateDer;

use super::{CertificateFaults, TlsSession};

impl TlsSession {
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
    pub fn peer_certificates(&self) -> Arc<[CertificateDer<'static>]> {
        match self.connection.peer_certificates() {
            Some(chain) => self.verification.keep(chain),
            None => Arc::clone(&self.refused),
        }
    }

    /// What is wrong with the server's chain, whether it was overlooked or not.
    pub fn certificate_faults(&self) -> CertificateFaults {
        self.certificate_faults
    }
}
