//! PEM (RFC 7468): sections with a label, base64 between two lines.
//!
//! Owns the reading of certificates, revocation lists, and a client's certificate with its key.
//! What is decoded is overwritten when it is dropped, for it may be a key. Refuses to know what
//! the contents are used for.

use std::fmt;

use data_encoding::BASE64;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::verify::RevocationLists;

/// Why bytes given as PEM were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemFault {
    /// No PEM section at all: nothing, other text, or DER.
    NotPem,
    /// A section that does not end, or whose content is not base64.
    BrokenSection,
    /// Sections, but none of them a certificate: keys, for example.
    NoCertificate,
    /// A section called a certificate whose content is none.
    UnusableCertificate,
    /// Sections, but none of them a revocation list.
    NoRevocationList,
    /// A section called a revocation list whose content is none, or one of an unusual kind.
    UnusableRevocationList,
    NoKey,
    EncryptedKey,
    SeveralKeys,
    /// A section called a key whose content is none, or one of an unknown kind.
    UnusableKey,
    /// The key is not that of the first certificate.
    KeyOfAnother,
}

impl PemFault {
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotPem => "data has no PEM section; DER is not accepted",
            Self::BrokenSection => "data has a PEM section that is cut short or not base64",
            Self::NoCertificate => "data has no PEM section with a certificate",
            Self::UnusableCertificate => "data has a certificate that cannot be read",
            Self::NoRevocationList => "data has no PEM section with a revocation list (X509 CRL)",
            Self::UnusableRevocationList => {
                "data has a revocation list that cannot be read, or is a delta or indirect one"
            }
            Self::NoKey => "data has certificates, but no private key",
            Self::EncryptedKey => "data has a private key that is encrypted",
            Self::SeveralKeys => "data has more than one private key",
            Self::UnusableKey => "data has a private key that cannot be read or used",
            Self::KeyOfAnother => "the private key in data is not that of the first certificate",
        }
    }
}

impl fmt::Display for PemFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.sentence())
    }
}

impl std::error::Error for PemFault {}

/// What a section holds, as its label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    RevocationList,
    /// PKCS#8, of any algorithm.
    Key,
    /// PKCS#1.
    RsaKey,
    /// SEC1.
    EllipticKey,
    EncryptedKey,
    Other,
}

#[derive(Debug)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// Reads every certificate of `pem`; other sections and text between them are passed over.
///
/// There is at least one certificate in what is returned, and each can serve as a root. Nothing at
/// all is `NotPem`: a caller for whom empty input means "none" asks before.
pub fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let certificates = certificates(sections(pem)?)?;
    let mut readable = RootCertStore::empty();
    for certificate in &certificates {
        readable.add(certificate.clone()).map_err(|_| PemFault::UnusableCertificate)?;
    }
    Ok(certificates)
}

/// Reads every revocation list of `pem`; other sections and text between them are passed over.
pub fn parse_revocation_lists(pem: &[u8]) -> Result<RevocationLists, PemFault> {
    let lists = sections(pem)?.into_iter().filter(|section| section.kind == Kind::RevocationList);
    let lists: Vec<Vec<u8>> = lists.map(|section| section.content.to_vec()).collect();
    if lists.is_empty() {
        return Err(PemFault::NoRevocationList);
    }
    RevocationLists::parse(lists).ok_or(PemFault::UnusableRevocationList)
}

/// The certificates among `sections`, at least one.
pub(super) fn certificates(
    sections: Vec<Section>,
) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    let certificates = sections.into_iter().filter(|section| section.kind == Kind::Certificate);
    let certificates: Vec<_> =
        certificates.map(|section| CertificateDer::from(section.content.to_vec())).collect();
    if certificates.is_empty() { Err(PemFault::NoCertificate) } else { Ok(certificates) }
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// All sections of known kinds, at least one of any kind.
pub(super) fn sections(pem: &[u8]) -> Result<Vec<Section>, PemFault> {
    let mut sections = Vec::new();
    let mut is_pem = false;
    let mut open: Option<(&[u8], Zeroizing<Vec<u8>>)> = None;
    // Never reallocated: a copy left behind could not be overwritten.
    let room = || Zeroizing::new(Vec::with_capacity(pem.len()));
    for line in pem.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = line.trim_ascii();
        if let Some(label) = label(line, BEGIN) {
            // A begin inside a section begins anew; the room is kept.
            let mut text = open.take().map_or_else(room, |(_, text)| text);
            text.clear();
            open = Some((label, text));
        } else if let Some((begun, text)) = &mut open {
            if label(line, END) == Some(*begun) {
                is_pem = true;
                let kind = kind_of(begun);
                if kind != Kind::Other {
                    sections.push(Section { kind, content: decode(text)? });
                }
                open = None;
            } else {
                text.extend_from_slice(line);
            }
        }
    }
    match open {
        Some(_) => Err(PemFault::BrokenSection),
        None if is_pem => Ok(sections),
        None => Err(PemFault::NotPem),
    }
}

fn label<'l>(line: &'l [u8], edge: &[u8]) -> Option<&'l [u8]> {
    line.strip_prefix(edge)?.strip_suffix(DASHES)
}

fn kind_of(label: &[u8]) -> Kind {
    match label {
        b"CERTIFICATE" => Kind::Certificate,
        b"X509 CRL" => Kind::RevocationList,
        b"PRIVATE KEY" => Kind::Key,
        b"RSA PRIVATE KEY" => Kind::RsaKey,
        b"EC PRIVATE KEY" => Kind::EllipticKey,
        b"ENCRYPTED PRIVATE KEY" => Kind::EncryptedKey,
        _ => Kind::Other,
    }
}

fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, PemFault> {
    // RFC 1421 §4.6.1.1: old keys say in their first lines that they are encrypted.
    if text.starts_with(b"Proc-Type:") {
        return Err(PemFault::EncryptedKey);
    }
    let len = BASE64.decode_len(text.len()).map_err(|_| PemFault::BrokenSection)?;
    let mut content = Zeroizing::new(vec![0; len]);
    let written = BASE64.decode_mut(text, &mut content).map_err(|_| PemFault::BrokenSection)?;
    content.truncate(written);
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::super::verify::fixture::Authority;
    use super::*;

    #[test]
    fn certificates_are_read_in_order_among_text_and_keys() {
        let (first, second) = (Authority::new("first"), Authority::new("second"));
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let pem = format!("# roots\r\n{}\n{key}\ntext\n{}", first.pem(), second.pem());
        assert_eq!(
            parse_certificates(pem.as_bytes()),
            Ok(vec![first.certificate.clone(), second.certificate.clone()])
        );
    }

    #[test]
    fn what_is_not_pem_is_named_so() {
        let der = Authority::new("root").certificate;
        for bytes in [b"".as_slice(), b"garbage", b"\0\xFF\n-----", &der] {
            assert_eq!(parse_certificates(bytes), Err(PemFault::NotPem));
        }
    }

    #[test]
    fn keys_alone_hold_no_certificate() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(parse_certificates(key.as_bytes()), Err(PemFault::NoCertificate));
        assert_eq!(parse_revocation_lists(key.as_bytes()).unwrap_err(), PemFault::NoRevocationList);
    }

    #[test]
    fn broken_sections_are_refused_even_behind_a_good_certificate() {
        let good = Authority::new("root").pem();
        let cut = format!("{good}\n-----BEGIN CERTIFICATE-----\nMIIB");
        assert_eq!(parse_certificates(cut.as_bytes()), Err(PemFault::BrokenSection));
        let text = format!("{good}\n-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----");
        assert_eq!(parse_certificates(text.as_bytes()), Err(PemFault::BrokenSection));
    }

    #[test]
    fn a_section_without_what_its_label_says_is_refused() {
        let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(parse_certificates(pem), Err(PemFault::UnusableCertificate));
        let pem = b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        assert_eq!(parse_revocation_lists(pem).unwrap_err(), PemFault::UnusableRevocationList);
    }
}
