//! Judges a server's certificate: which roots it may lead to, and what is wrong when it does not.
//!
//! Owns the order in which the given roots and the system's are asked, and which of two verdicts
//! is told. The given roots are judged by webpki on every platform, the system's by the platform's
//! own verifier: on Linux and the BSDs webpki over the files the system names, which never touches
//! the network; Windows, macOS and Android may fetch missing certificates or revocations while the
//! handshake waits. The name, an IP address also, is always checked. Refuses to know PEM, sockets
//! and which faults a user chose to overlook.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::tls::{CertificateFault, SetupFault, TlsFault, note_refused};

/// The system's own judgement of certificates.
///
/// Where a system has no certificates at all (a container without `ca-certificates`) the roots
/// bundled with the library stand in for them. Expensive: on Linux it reads and parses the whole
/// store, so one is shared by all.
pub(super) fn system_verifier(
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsFault> {
    match rustls_platform_verifier::Verifier::new(provider.clone()) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(_) => Ok(bundled_verifier(provider)?),
    }
}

fn bundled_verifier(provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, TlsFault> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    webpki_verifier(roots, provider)
}

fn webpki_verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsFault> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| TlsFault::Setup(SetupFault::Roots))
}

/// Verifies with the given roots first, then with the system's.
///
/// Either suffices. With neither, every certificate is of an unknown issuer. The platform's
/// verifier is not handed the given roots: it would then count a system without certificates as a
/// full one, and on Android it takes none.
///
/// A given certificate is a root whatever it says of itself: what its key signs is trusted too.
/// A certificate that is itself among the given ones, byte for byte, needs no issuer and may call
/// itself an authority, as what `openssl req -x509` makes does; time and name are still checked.
/// Refused nevertheless, as webpki reads them not: version 1 certificates, and names that stand in
/// the subject alone (RFC 6125 §6.4.4 allowed that, RFC 9525 no longer).
#[derive(Debug)]
pub(super) struct ServerVerification {
    trusted: Arc<[CertificateDer<'static>]>,
    given: Option<Arc<WebPkiServerVerifier>>,
    system: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerVerification {
    pub(super) fn new(
        trusted: Arc<[CertificateDer<'static>]>,
        system: Option<Arc<dyn ServerCertVerifier>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsFault> {
        let mut roots = RootCertStore::empty();
        for certificate in trusted.iter() {
            roots
                .add(certificate.clone())
                .map_err(|_| TlsFault::Setup(SetupFault::TrustedCertificate))?;
        }
        let given = if roots.is_empty() { None } else { Some(webpki_verifier(roots, provider)?) };
        let algorithms = provider.signature_verification_algorithms;
        Ok(Self { trusted, given, system, provider: provider.clone(), algorithms })
    }

    /// Whether a verdict of webpki over the given roots lacks only what trust in the very
    /// certificate supplies. webpki looks at time first, then at these two.
    fn is_trusted_itself(&self, end_entity: &CertificateDer<'_>, verdict: &rustls::Error) -> bool {
        let lacks_issuer = match verdict {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
            rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
                matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
            }
            _ => false,
        };
        lacks_issuer && self.trusted.iter().any(|trusted| trusted.as_ref() == end_entity.as_ref())
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let ask = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };

        let mut verdict = CertificateError::UnknownIssuer.into();
        if let Some(given) = &self.given {
            verdict = match ask(given.as_ref()) {
                Ok(verified) => return Ok(verified),
                Err(error) => error,
            };
            if self.is_trusted_itself(end_entity, &verdict) {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                return Ok(ServerCertVerified::assertion());
            }
        }
        if let Some(system) = &self.system {
            verdict = match ask(system.as_ref()) {
                Ok(verified) => return Ok(verified),
                Err(error) => clearer(error, verdict),
            };
            // The platforms' verifiers have words for a few faults only; webpki finds what is
            // wrong with the certificate itself before it looks for a root.
            if clarity(&verdict) == Clarity::Unnamed
                && let Ok(bundled) = bundled_verifier(&self.provider)
                && let Err(error) = ask(bundled.as_ref())
                && clarity(&error) == Clarity::Exact
            {
                verdict = error;
            }
        }
        Err(verdict)
    }
}

impl ServerCertVerifier for ServerVerification {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(end_entity, intermediates, server_name, ocsp_response, now)
            .inspect_err(|_| note_refused(end_entity, intermediates))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// How much a verdict tells: the more, the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Clarity {
    UnknownIssuer,
    Unnamed,
    Exact,
}

fn clarity(verdict: &rustls::Error) -> Clarity {
    match verdict {
        rustls::Error::InvalidCertificate(error) => match CertificateFault::from(error) {
            CertificateFault::UnknownIssuer => Clarity::UnknownIssuer,
            CertificateFault::Other => Clarity::Unnamed,
            _ => Clarity::Exact,
        },
        _ => Clarity::Unnamed,
    }
}

/// Of two verdicts on one certificate the one that says more; the first where they say as much.
fn clearer(first: rustls::Error, second: rustls::Error) -> rustls::Error {
    if clarity(&second) > clarity(&first) { second } else { first }
}

#[cfg(test)]
pub(super) mod fixture;

#[cfg(test)]
mod tests;
