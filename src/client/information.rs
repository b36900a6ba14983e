//! What became known of a connection. Readable at any time, also after a failure.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::handshake::Conversation;
use crate::http::Response;
use crate::transport::tls::TlsSession;

#[derive(Debug, Default)]
pub struct Information {
    pub local: Option<SocketAddr>,
    pub remote: Option<SocketAddr>,
    pub request_uri: String,
    pub protocol: String,
    pub response: Option<Response>,
    /// The first 64 KiB of the body of a refusal.
    pub response_body: Vec<u8>,
    pub tls_version: Option<&'static str>,
    pub tls_cipher_suite: Option<&'static str>,
    pub tls_resumed: bool,
    /// DER, the server's own first; shared by connections that were shown the same.
    pub certificates: Arc<[CertificateDer<'static>]>,
    /// What is wrong with them, also what is overlooked: bit n is ChainValidationResult n.
    pub certificate_errors: u32,
}

impl Information {
    /// As far as TLS has come, also when it has failed.
    pub fn note_tls(&mut self, tls: &TlsSession) {
        self.tls_version = tls.version();
        self.tls_cipher_suite = tls.cipher_suite();
        self.tls_resumed = tls.is_resumed();
        self.certificates = tls.peer_certificates();
        self.certificate_errors = tls.certificate_faults().validation_mask();
    }

    /// The server's answer, whatever it was.
    pub fn note_response(&mut self, conversation: &Conversation) {
        self.protocol = conversation.protocol().unwrap_or_default().to_owned();
        self.response_body = conversation.body().to_vec();
        self.response = conversation.response().cloned();
    }
}
