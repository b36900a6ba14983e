//! What can be wrong with a server's certificate, one thing or several at once.
//!
//! Owns the names of the faults, which of several is the gravest, and the bits of the original's
//! ChainValidationResult. Refuses to know how a fault is found (`verify`).

use std::fmt;

use rustls::CertificateError;

/// What is wrong with a server's certificate. The graver, the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum CertificateFault {
    Revoked,
    /// A signature that does not verify, or one made with an algorithm nobody accepts any more.
    BadSignature,
    BadEncoding,
    /// The chain ends where an issuer is missing.
    UnknownIssuer,
    /// The chain ends with a certificate that has signed itself, and that nobody trusts.
    UntrustedRoot,
    /// An authority's certificate used by a server, or the other way round, or a chain too deep.
    BasicConstraints,
    UnhandledCriticalExtension,
    /// Not made to identify a server.
    WrongUsage,
    /// What the platform's verifier or webpki does not name.
    Other,
    /// Made for another name or address, or for one its issuer may not speak for.
    WrongName,
    Expired,
    NotYetValid,
    /// A revocation list that is expired or not signed by whom it names.
    RevocationFailure,
    /// Revocation lists were given and say nothing about this certificate.
    RevocationUnknown,
}

const ALL: [CertificateFault; 14] = [
    CertificateFault::Revoked,
    CertificateFault::BadSignature,
    CertificateFault::BadEncoding,
    CertificateFault::UnknownIssuer,
    CertificateFault::UntrustedRoot,
    CertificateFault::BasicConstraints,
    CertificateFault::UnhandledCriticalExtension,
    CertificateFault::WrongUsage,
    CertificateFault::Other,
    CertificateFault::WrongName,
    CertificateFault::Expired,
    CertificateFault::NotYetValid,
    CertificateFault::RevocationFailure,
    CertificateFault::RevocationUnknown,
];

impl CertificateFault {
    /// What can never be overlooked: Revoked and InvalidSignature.
    pub const FATAL_MASK: u32 = 1 << 2 | 1 << 5;
    /// Every value of ChainValidationResult.
    pub const FULL_MASK: u32 = 0x3fff;

    /// Bit n stands for the value n of ChainValidationResult.
    pub fn validation_mask(self) -> u32 {
        match self {
            Self::UntrustedRoot => 1 << 1,
            Self::UnknownIssuer => 1 << 1 | 1 << 4,
            Self::Revoked => 1 << 2,
            Self::Expired | Self::NotYetValid => 1 << 3,
            Self::BadSignature => 1 << 5,
            Self::WrongUsage => 1 << 6,
            Self::WrongName => 1 << 7,
            Self::BasicConstraints => 1 << 9,
            Self::UnhandledCriticalExtension => 1 << 10,
            Self::RevocationUnknown => 1 << 11,
            Self::RevocationFailure => 1 << 12,
            // Nobody can check a signature with what cannot be read, so this is never overlooked.
            Self::BadEncoding => 1 << 5 | 1 << 13,
            Self::Other => 1 << 13,
        }
    }

    /// The same in the words of rustls, which choose the alert.
    pub(in crate::transport) fn to_rustls(self) -> CertificateError {
        match self {
            Self::Revoked => CertificateError::Revoked,
            Self::BadSignature => CertificateError::BadSignature,
            Self::BadEncoding => CertificateError::BadEncoding,
            Self::UnknownIssuer | Self::UntrustedRoot => CertificateError::UnknownIssuer,
            Self::UnhandledCriticalExtension => CertificateError::UnhandledCriticalExtension,
            Self::WrongUsage | Self::BasicConstraints => CertificateError::InvalidPurpose,
            Self::Other => CertificateError::ApplicationVerificationFailure,
            Self::WrongName => CertificateError::NotValidForName,
            Self::Expired => CertificateError::Expired,
            Self::NotYetValid => CertificateError::NotValidYet,
            Self::RevocationFailure => CertificateError::ExpiredRevocationList,
            Self::RevocationUnknown => CertificateError::UnknownRevocationStatus,
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Expired => "the server's certificate has expired",
            Self::NotYetValid => "the server's certificate is not valid yet",
            Self::WrongName => "the server's certificate is for another name",
            Self::UnknownIssuer => "the server's certificate leads to no trusted root",
            Self::UntrustedRoot => "the server's certificate leads to a root that is not trusted",
            Self::Revoked => "the server's certificate was revoked",
            Self::BadSignature => "a signature of the server's certificate is not valid",
            Self::WrongUsage => "the server's certificate is not for servers",
            Self::BadEncoding => "the server's certificate cannot be read",
            Self::UnhandledCriticalExtension => {
                "the server's certificate has a critical extension that is not understood"
            }
            Self::BasicConstraints => "the server's chain uses a certificate in the wrong place",
            Self::RevocationUnknown => "no revocation list covers the server's certificate",
            Self::RevocationFailure => "a certificate revocation list is expired or broken",
            Self::Other => "the server's certificate was refused by the system",
        })
    }
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> Self {
        use CertificateError as Verdict;
        #[allow(deprecated)] // a platform's verifier may still give the older ones
        match error {
            Verdict::BadEncoding => Self::BadEncoding,
            Verdict::Expired | Verdict::ExpiredContext { .. } => Self::Expired,
            Verdict::NotValidYet | Verdict::NotValidYetContext { .. } => Self::NotYetValid,
            Verdict::Revoked => Self::Revoked,
            Verdict::UnhandledCriticalExtension => Self::UnhandledCriticalExtension,
            Verdict::UnknownIssuer => Self::UnknownIssuer,
            Verdict::UnknownRevocationStatus => Self::RevocationUnknown,
            Verdict::ExpiredRevocationList
            | Verdict::ExpiredRevocationListContext { .. }
            | Verdict::InvalidOcspResponse => Self::RevocationFailure,
            Verdict::BadSignature
            | Verdict::UnsupportedSignatureAlgorithm
            | Verdict::UnsupportedSignatureAlgorithmContext { .. }
            | Verdict::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Self::BadSignature
            }
            Verdict::NotValidForName | Verdict::NotValidForNameContext { .. } => Self::WrongName,
            Verdict::InvalidPurpose | Verdict::InvalidPurposeContext { .. } => Self::WrongUsage,
            Verdict::ApplicationVerificationFailure => Self::Other,
            Verdict::Other(other) => {
                let inner: Option<&webpki::Error> = other.0.downcast_ref();
                inner.map_or(Self::Other, Self::from)
            }
            _ => Self::Other, // the enum is open
        }
    }
}

impl From<&webpki::Error> for CertificateFault {
    fn from(error: &webpki::Error) -> Self {
        use webpki::Error as Verdict;
        match error {
            Verdict::CaUsedAsEndEntity
            | Verdict::EndEntityUsedAsCa
            | Verdict::PathLenConstraintViolated => Self::BasicConstraints,
            Verdict::CertExpired { .. } => Self::Expired,
            Verdict::CertNotValidYet { .. } => Self::NotYetValid,
            Verdict::CertRevoked => Self::Revoked,
            Verdict::CertNotValidForName(_) | Verdict::NameConstraintViolation => Self::WrongName,
            Verdict::UnknownIssuer => Self::UnknownIssuer,
            Verdict::UnsupportedCriticalExtension => Self::UnhandledCriticalExtension,
            Verdict::EmptyEkuExtension | Verdict::RequiredEkuNotFoundContext(_) => Self::WrongUsage,
            Verdict::InvalidSignatureForPublicKey
            | Verdict::UnsupportedSignatureAlgorithmContext(_)
            | Verdict::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::BadSignature,
            Verdict::BadDer
            | Verdict::BadDerTime
            | Verdict::ExtensionValueInvalid
            | Verdict::InvalidCertValidity
            | Verdict::InvalidNetworkMaskConstraint
            | Verdict::InvalidSerialNumber
            | Verdict::MalformedDnsIdentifier
            | Verdict::MalformedExtensions
            | Verdict::MalformedNameConstraint
            | Verdict::SignatureAlgorithmMismatch
            | Verdict::TrailingData(_)
            | Verdict::UnsupportedCertVersion => Self::BadEncoding,
            _ => Self::Other,
        }
    }
}

/// Everything that is wrong with one certificate.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CertificateFaults(u16);

impl CertificateFaults {
    pub fn insert(&mut self, fault: CertificateFault) {
        self.0 |= 1 << fault as u16;
    }

    pub fn remove(&mut self, fault: CertificateFault) {
        self.0 &= !(1 << fault as u16);
    }

    pub fn contains(self, fault: CertificateFault) -> bool {
        self.0 & 1 << fault as u16 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Gravest first.
    pub fn iter(self) -> impl Iterator<Item = CertificateFault> {
        ALL.into_iter().filter(move |fault| self.contains(*fault))
    }

    /// Bit n stands for the value n of ChainValidationResult.
    pub fn validation_mask(self) -> u32 {
        self.iter().fold(0, |mask, fault| mask | fault.validation_mask())
    }

    /// The gravest that `ignorable`, bits of ChainValidationResult, does not cover.
    pub fn gravest_but(self, ignorable: u32) -> Option<CertificateFault> {
        let ignorable = ignorable & !CertificateFault::FATAL_MASK;
        self.iter().find(|fault| fault.validation_mask() & !ignorable != 0)
    }
}

impl From<CertificateFault> for CertificateFaults {
    fn from(fault: CertificateFault) -> Self {
        let mut faults = Self::default();
        faults.insert(fault);
        faults
    }
}

impl Extend<CertificateFault> for CertificateFaults {
    fn extend<T: IntoIterator<Item = CertificateFault>>(&mut self, faults: T) {
        faults.into_iter().for_each(|fault| self.insert(fault));
    }
}

impl fmt::Debug for CertificateFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_bits_are_the_numbers_of_chain_validation_result() {
        for (fault, mask) in [
            (CertificateFault::UnknownIssuer, 0b10010),
            (CertificateFault::UntrustedRoot, 0b10),
            (CertificateFault::Revoked, 0x4),
            (CertificateFault::Expired, 0x8),
            (CertificateFault::NotYetValid, 0x8),
            (CertificateFault::BadSignature, 0x20),
            (CertificateFault::WrongUsage, 0x40),
            (CertificateFault::WrongName, 0x80),
            (CertificateFault::BasicConstraints, 0x200),
            (CertificateFault::UnhandledCriticalExtension, 0x400),
            (CertificateFault::RevocationUnknown, 0x800),
            (CertificateFault::RevocationFailure, 0x1000),
            (CertificateFault::BadEncoding, 0x2020),
            (CertificateFault::Other, 0x2000),
        ] {
            assert_eq!(fault.validation_mask(), mask, "{fault:?}");
        }
    }

    #[test]
    fn the_gravest_is_told_unless_it_is_overlooked() {
        let mut faults = CertificateFaults::default();
        faults.extend(ALL);
        assert_eq!(faults.iter().collect::<Vec<_>>(), ALL);
        assert!(ALL.is_sorted());
        assert_eq!(faults.gravest_but(u32::MAX), Some(CertificateFault::Revoked));
        faults.remove(CertificateFault::Revoked);
        assert_eq!(faults.gravest_but(u32::MAX), Some(CertificateFault::BadSignature));
        faults.remove(CertificateFault::BadSignature);
        assert_eq!(faults.gravest_but(u32::MAX), Some(CertificateFault::BadEncoding));
        faults.remove(CertificateFault::BadEncoding);
        assert_eq!(faults.gravest_but(u32::MAX), None);
        assert_eq!(faults.gravest_but(0x2000), Some(CertificateFault::UnknownIssuer));
        assert_eq!(faults.gravest_but(0x2012), Some(CertificateFault::BasicConstraints));
        // Each bit of a fault has to be there.
        assert_eq!(faults.gravest_but(0x3fdb & !0x10), Some(CertificateFault::UnknownIssuer));
    }

    #[test]
    fn verdicts_of_a_platform_keep_their_meaning() {
        for (verdict, fault) in [
            (CertificateError::Revoked, CertificateFault::Revoked),
            (CertificateError::UnknownRevocationStatus, CertificateFault::RevocationUnknown),
            (CertificateError::ExpiredRevocationList, CertificateFault::RevocationFailure),
            (CertificateError::NotValidForName, CertificateFault::WrongName),
            (CertificateError::InvalidPurpose, CertificateFault::WrongUsage),
            (CertificateError::ApplicationVerificationFailure, CertificateFault::Other),
        ] {
            assert_eq!(CertificateFault::from(&verdict), fault);
        }
    }
}
