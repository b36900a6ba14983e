//! The certificate that a client shows when a server asks for one, and the key it signs with.
//!
//! Owns the reading of both out of PEM: PKCS#8, PKCS#1 and SEC1, unencrypted. The bytes of the key
//! are overwritten as soon as the cryptography has made its own form of it, which lives until the
//! last socket and configuration that use it are gone, and is never printed. Refuses to choose:
//! whoever asks over TLS on behalf of the origin is shown it, whatever authorities he names.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::pem::{Kind, PemFault, Section, certificates, sections};
use super::tls::{CertificateRequest, note_certificate_request};
use super::trust::signing_key;

/// A chain, the client's own certificate first, and the key of that.
#[derive(Clone)]
pub struct ClientCertificate(Arc<CertifiedKey>);

impl ClientCertificate {
    /// Certificates in their order, and exactly one key among them.
    pub fn parse(pem: &[u8]) -> Result<Self, PemFault> {
        let (keys, others): (Vec<Section>, Vec<Section>) = sections(pem)?
            .into_iter()
            .partition(|section| !matches!(section.kind, Kind::Certificate | Kind::RevocationList));
        let chain = certificates(others)?;
        let key = match keys.as_slice() {
            [] => return Err(PemFault::NoKey),
            [key] => key,
            _ => return Err(PemFault::SeveralKeys),
        };
        let content = key.content.as_slice();
        // These borrow, so that there is no further copy.
        let key: PrivateKeyDer<'_> = match key.kind {
            Kind::RsaKey => PrivatePkcs1KeyDer::from(content).into(),
            Kind::EllipticKey => PrivateSec1KeyDer::from(content).into(),
            Kind::EncryptedKey => return Err(PemFault::EncryptedKey),
            _ => PrivatePkcs8KeyDer::from(content).into(),
        };
        let key = signing_key(&key).ok_or(PemFault::UnusableKey)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(PemFault::KeyOfAnother),
            Err(_) => Err(PemFault::UnusableCertificate),
        }
    }
}

// The key belongs to the first certificate: where the chains are equal, so are the keys.
impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

impl Eq for ClientCertificate {}

impl Hash for ClientCertificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.cert.hash(state);
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ClientCertificate({} certificates)", self.0.cert.len())
    }
}

/// What a connection answers when it is asked for a certificate.
#[derive(Debug)]
pub(super) struct Answer(pub(super) Option<ClientCertificate>);

impl ResolvesClientCert for Answer {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified = self.0.as_ref().map(|certificate| &certificate.0);
        let usable = certified.filter(|certified| certified.key.choose_scheme(schemes).is_some());
        note_certificate_request(match usable {
            Some(_) => CertificateRequest::Answered,
            None => CertificateRequest::InVain,
        });
        usable.cloned()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::*;

    struct Made {
        certificate: String,
        key: KeyPair,
    }

    fn made() -> Made {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap().pem();
        Made { certificate, key }
    }

    fn section(label: &str, content: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(content))
    }

    fn parse(parts: &[&str]) -> Result<(), PemFault> {
        ClientCertificate::parse(parts.concat().as_bytes()).map(drop)
    }

    #[test]
    fn a_chain_with_its_key_is_accepted_in_any_order() {
        let (one, other) = (made(), made());
        let key = one.key.serialize_pem();
        assert_eq!(parse(&[&one.certificate, &key]), Ok(()));
        assert_eq!(parse(&[&key, &one.certificate]), Ok(()));
        assert_eq!(parse(&["text\n", &one.certificate, &other.certificate, &key]), Ok(()));
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let (one, other) = (made(), made());
        let key = one.key.serialize_pem();
        for (parts, fault) in [
            (vec![""], PemFault::NotPem),
            (vec!["garbage"], PemFault::NotPem),
            (vec![key.as_str()], PemFault::NoCertificate),
            (vec![one.certificate.as_str()], PemFault::NoKey),
            (vec![&other.certificate, &key], PemFault::KeyOfAnother),
            (vec![&other.certificate, &one.certificate, &key], PemFault::KeyOfAnother),
            (vec![&one.certificate, &key, &key], PemFault::SeveralKeys),
            (vec![&one.certificate, &section("PRIVATE KEY", b"no key")], PemFault::UnusableKey),
            (vec![&one.certificate, &section("EC PRIVATE KEY", b"none")], PemFault::UnusableKey),
            (vec![&one.certificate, &section("RSA PRIVATE KEY", b"no")], PemFault::UnusableKey),
            (
                vec![&one.certificate, &section("ENCRYPTED PRIVATE KEY", b"secret")],
                PemFault::EncryptedKey,
            ),
            (
                vec![
                    &one.certificate,
                    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
                     -----END RSA PRIVATE KEY-----\n",
                ],
                PemFault::EncryptedKey,
            ),
            (vec![&section("CERTIFICATE", b"none"), &key], PemFault::UnusableCertificate),
        ] {
            assert_eq!(parse(&parts), Err(fault), "{parts:?}");
        }
    }

    #[test]
    fn nothing_prints_the_key() {
        let one = made();
        let pem = [one.certificate.clone(), one.key.serialize_pem()].concat();
        let parsed = ClientCertificate::parse(pem.as_bytes()).unwrap();
        let printed = format!("{parsed:?} {:?}", Answer(Some(parsed.clone())));
        assert_eq!(printed.matches("ClientCertificate(1 certificates)").count(), 2);
        assert!(printed.len() < 100, "{printed}");
        assert!(!one.key.der_bytes().is_empty());
    }

    #[test]
    fn equal_chains_are_one_identity() {
        let (one, other) = (made(), made());
        let read = |made: &Made| {
            let pem = [made.certificate.clone(), made.key.serialize_pem()].concat();
            ClientCertificate::parse(pem.as_bytes()).unwrap()
        };
        assert_eq!(read(&one), read(&one));
        assert_ne!(read(&one), read(&other));
    }
}
