//! Judges a server's certificate: which roots it may lead to, what is wrong when it does not, and
//! which of that the application overlooks.
//!
//! Owns the rules of one set of TLS controls. The given roots, and on Linux and the BSDs the
//! system's, are judged by webpki, which never touches the network; Windows, macOS and Android ask
//! the platform, which may fetch missing certificates or revocations while the handshake waits.
//! The name, an IP address also, is always checked. Refuses to know PEM, sockets and sessions.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::{
    CertificateDer, ServerName, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime,
};
use webpki::RawPublicKeyEntity;

use super::tls::{CertificateFault, CertificateFaults, Refusal, SetupFault, TlsFault};
use certificate::Certificate;
use judgement::Judgement;

pub use pins::PinnedKeys;
pub use revocation::RevocationLists;
pub(super) use roots::SystemRoots;
pub(super) use route::RouteVerification;

mod certificate;
mod der;
mod judgement;
mod path;
mod pins;
mod revocation;
mod roots;
mod route;

/// What an application asks of a chain besides a root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Bit n stands for the value n of ChainValidationResult.
    pub ignorable_errors: u32,
    pub revocation_lists: Arc<RevocationLists>,
    pub pins: PinnedKeys,
}

/// Verifies with the given roots and with the system's.
///
/// Either suffices. With neither, every certificate is of an unknown issuer. A given certificate
/// is a root whatever it says of itself: what its key signs is trusted too. A certificate that is
/// itself among the given ones, byte for byte, needs no issuer and may call itself an authority, as
/// what `openssl req -x509` makes does; time and name are still checked. Refused nevertheless, as
/// webpki reads them not: version 1 certificates, and names that stand in the subject alone
/// (RFC 6125 §6.4.4 allowed that, RFC 9525 no longer).
#[derive(Debug)]
pub(super) struct ServerVerification {
    trusted: Arc<[CertificateDer<'static>]>,
    given: RootCertStore,
    system: Option<SystemRoots>,
    rules: Rules,
    algorithms: WebPkiSupportedAlgorithms,
}

/// How a chain was judged.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// All that is wrong, also what is overlooked.
    pub(super) faults: CertificateFaults,
    /// Why it is refused nevertheless.
    pub(super) refusal: Option<TlsFault>,
    /// Until then it stays the same; seconds since 1970.
    pub(super) holds_until: u64,
}

impl ServerVerification {
    pub(super) fn new(
        trusted: Arc<[CertificateDer<'static>]>,
        system: Option<SystemRoots>,
        rules: Rules,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsFault> {
        let mut given = RootCertStore::empty();
        for certificate in trusted.iter() {
            given
                .add(certificate.clone())
                .map_err(|_| TlsFault::Setup(SetupFault::TrustedCertificate))?;
        }
        let algorithms = provider.signature_verification_algorithms;
        Ok(Self { trusted, given, system, rules, algorithms })
    }

    pub(super) fn system(&self) -> Option<&SystemRoots> {
        self.system.as_ref()
    }

    /// Whether the platform judges what leads to no given root: it may learn of revocations.
    fn asks_platform(&self) -> bool {
        matches!(self.system, Some(SystemRoots::Platform(_)))
    }

    pub(super) fn verdict(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Verdict {
        let Judgement { faults, is_pinned, holds_until } =
            self.judge(end_entity, intermediates, name, ocsp_response, now);
        let refusal = match faults.gravest_but(self.rules.ignorable_errors) {
            Some(gravest) => Some(TlsFault::Certificate(Refusal { gravest, all: faults })),
            None if !is_pinned => Some(TlsFault::NotPinned),
            None => None,
        };
        Verdict { faults, refusal, holds_until }
    }

    fn anchors(&self) -> impl Iterator<Item = &[TrustAnchor<'static>]> {
        let system = match &self.system {
            Some(SystemRoots::Anchors(roots)) => Some(roots.roots.as_slice()),
            _ => None,
        };
        std::iter::once(self.given.roots.as_slice()).chain(system)
    }

    fn trusts_itself(&self, leaf: &[u8]) -> bool {
        self.trusted.iter().any(|trusted| trusted.as_ref() == leaf)
    }

    fn ask_platform(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Option<Result<(), CertificateFault>> {
        let Some(SystemRoots::Platform(platform)) = &self.system else { return None };
        let asked =
            platform.verify_server_cert(end_entity, intermediates, name, ocsp_response, now);
        Some(match asked {
            Ok(_) => Ok(()),
            Err(rustls::Error::InvalidCertificate(error)) => Err((&error).into()),
            Err(_) => Err(CertificateFault::Other),
        })
    }

    pub(super) fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = verify_tls12_signature(message, certificate, signed, &self.algorithms);
        match verified {
            Err(ref error) if is_overlooked(error) => {}
            verified => return verified,
        }
        let key = key_of(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let mapping = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let mut fitting = mapping.map(|(_, fitting)| *fitting).unwrap_or_default().iter().copied();
        let is_good =
            fitting.any(|one| key.verify_signature(one, message, signed.signature()).is_ok());
        if !is_good {
            return Err(CertificateError::BadSignature.into());
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    pub(super) fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = verify_tls13_signature(message, certificate, signed, &self.algorithms);
        match verified {
            Err(ref error) if is_overlooked(error) => {}
            verified => return verified,
        }
        let key = key_of(certificate)?;
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    pub(super) fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// webpki does not read a certificate with an unknown critical extension. Who comes to sign with it
/// has overlooked that; its key is as good as any.
fn is_overlooked(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(error) = error else { return false };
    CertificateFault::from(error) == CertificateFault::UnhandledCriticalExtension
}

fn key_of(
    certificate: &CertificateDer<'_>,
) -> Result<SubjectPublicKeyInfoDer<'static>, rustls::Error> {
    let certificate = Certificate::parse(certificate).ok_or(CertificateError::BadEncoding)?;
    Ok(certificate::key_info(certificate.key))
}

#[cfg(test)]
pub(super) mod fixture;

#[cfg(test)]
mod tests;
