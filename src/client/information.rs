//! What became known of a connection. Readable at any time, also after a failure.

use std::net::SocketAddr;

use crate::http::Response;

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
    /// DER, the server's own first.
    pub certificates: Vec<Vec<u8>>,
    /// What is wrong with them, also what is overlooked: bit n is ChainValidationResult n.
    pub certificate_errors: u32,
}
