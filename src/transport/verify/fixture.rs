//! Certificates and a TLS server for tests, made in memory.

use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::super::tls::{Plain, Room, TlsFault, TlsSession};
use super::super::trust::{Configuration, Route, TrustSettings, configuration, provider};

/// An authority that signs what it is asked to.
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let (params, key) = authority_params(name);
        let certificate = params.self_signed(&key).unwrap();
        Self::from_parts(certificate, params, key)
    }

    fn from_parts(certificate: Certificate, params: CertificateParams, key: KeyPair) -> Self {
        let pem = certificate.pem();
        Self { certificate: certificate.into(), pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A certificate for `localhost`, 127.0.0.1 and ::1, after `change`.
    pub(crate) fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = server_params();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::new(vec![certificate.into()], &key)
    }

    pub(crate) fn issue_authority(&self, name: &str) -> Self {
        let (params, key) = authority_params(name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self::from_parts(certificate, params, key)
    }
}

/// What a server shows and signs with.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        Self { chain, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
    }

    pub(crate) fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = server_params();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self::new(vec![params.self_signed(&key).unwrap().into()], &key)
    }

    pub(crate) fn serve(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        let provider = provider();
        let key = provider.key_provider.load_private_key(self.key.clone_key()).unwrap();
        let shown = SingleCertAndKey::from(CertifiedKey::new(self.chain.clone(), key));
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(shown))
    }
}

fn authority_params(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params, KeyPair::generate().unwrap())
}

fn server_params() -> CertificateParams {
    CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(String::from)).unwrap()
}

pub(crate) fn trusting(trusted: &[&CertificateDer<'static>]) -> Arc<Configuration> {
    let trusted = trusted.iter().map(|certificate| (*certificate).clone()).collect();
    let settings = TrustSettings { trusted, trust_system_store: false, ..Default::default() };
    configuration(&settings, &Route::default()).unwrap()
}

/// A session and the server it talks to, with nothing between them but these functions.
pub(crate) struct Pair {
    pub(crate) client: TlsSession,
    pub(crate) server: ServerConnection,
    /// How the server's side ended, if it did.
    pub(crate) server_error: Option<rustls::Error>,
}

impl Pair {
    pub(crate) fn new(client: &Arc<Configuration>, name: &str, server: ServerConfig) -> Self {
        Self::with_server(client, name, &Arc::new(server))
    }

    pub(crate) fn with_server(
        client: &Arc<Configuration>,
        name: &str,
        server: &Arc<ServerConfig>,
    ) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Self {
            client: TlsSession::new(client, name).unwrap(),
            server: ServerConnection::new(server.clone()).unwrap(),
            server_error: None,
        }
    }

    /// Carries bytes both ways, at most `step` at a time towards the client, until both are quiet.
    pub(crate) fn exchange_by(&mut self, step: usize) -> Result<(), TlsFault> {
        loop {
            let to_server = self.deliver_to_server();
            let to_client = self.take_for_client();
            if !to_server && to_client.is_empty() {
                return Ok(());
            }
            for piece in to_client.chunks(step) {
                feed(&mut self.client, piece)?;
            }
        }
    }

    pub(crate) fn exchange(&mut self) -> Result<(), TlsFault> {
        self.exchange_by(usize::MAX)
    }

    /// Whether the client had anything to say.
    pub(crate) fn deliver_to_server(&mut self) -> bool {
        let ciphertext = take_ciphertext(&mut self.client);
        let mut rest = ciphertext.as_slice();
        while !rest.is_empty() && self.server_error.is_none() {
            if self.server.read_tls(&mut rest).unwrap() == 0 {
                break;
            }
            self.server_error = self.server.process_new_packets().err();
        }
        !ciphertext.is_empty()
    }

    pub(crate) fn take_for_client(&mut self) -> Vec<u8> {
        let mut ciphertext = Vec::new();
        while self.server.wants_write() {
            self.server.write_tls(&mut ciphertext).unwrap();
        }
        ciphertext
    }
}

/// Ciphertext arrives; what it decrypts to waits.
pub(crate) fn feed(session: &mut TlsSession, ciphertext: &[u8]) -> Result<(), TlsFault> {
    let mut buffer = vec![0; session.held_bytes()];
    buffer.extend_from_slice(ciphertext);
    session.receive(&mut buffer, &mut Room::slice(&mut []))
}

pub(crate) fn take_ciphertext(session: &mut TlsSession) -> Vec<u8> {
    let ciphertext = session.ciphertext().to_vec();
    session.ciphertext_taken(ciphertext.len());
    assert!(!session.wants_write());
    ciphertext
}

pub(crate) fn read(session: &mut TlsSession, plain: &mut [u8]) -> Plain {
    session.read(&mut Room::slice(plain))
}
