//! What can go wrong with a TLS connection, named.
//!
//! Owns the small enums of this floor and the translation of every rustls and webpki error into
//! them. No text of a library gets through: what a program must tell apart is a variant, the rest
//! is a sentence of ours. Refuses to know results and statuses of the public interface, but for
//! the bits of ChainValidationResult.

use std::fmt;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// Why a TLS connection cannot go on, or could not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    Certificate(CertificateFault),
    /// The server sent this fatal alert.
    Alert(u8),
    /// The first bytes of the server are no TLS record.
    NotTls,
    /// A record that does not decrypt, or is none.
    BadRecord,
    Handshake(HandshakeFault),
    Setup(SetupFault),
    /// The cryptography, the clock or the system's randomness failed.
    Internal,
}

/// How a server broke the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// A message that cannot be read, or is too large.
    Malformed,
    /// A message that does not belong here.
    UnexpectedMessage,
    /// No version, cipher suite or key exchange that both sides have.
    Incompatible,
    /// A message that breaks a rule of the protocol.
    Misbehaved,
    /// The server showed no certificate.
    NoCertificate,
}

/// What stands in the way before a byte is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupFault {
    /// A certificate given as trusted that cannot be one.
    TrustedCertificate,
    /// Neither the system's roots nor the bundled ones can be used.
    Roots,
    /// The cryptography has no usable TLS version.
    Cryptography,
    /// A name that no certificate can be checked against.
    Name,
}

impl TlsFault {
    /// The fatal alert the server sent, if that ended the connection.
    pub fn alert(&self) -> Option<u8> {
        match self {
            Self::Alert(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Certificate(fault) => return fault.fmt(out),
            Self::Alert(number) => {
                let name = AlertDescription::from(*number);
                return write!(out, "the server sent the TLS alert {number} ({name:?})");
            }
            Self::NotTls => "the server does not speak TLS",
            Self::BadRecord => "a TLS record is not valid",
            Self::Handshake(HandshakeFault::Malformed) => "a TLS message cannot be read",
            Self::Handshake(HandshakeFault::UnexpectedMessage) => "a TLS message came unexpectedly",
            Self::Handshake(HandshakeFault::Incompatible) => {
                "the server has no TLS version or cipher suite in common"
            }
            Self::Handshake(HandshakeFault::Misbehaved) => "the server broke the TLS protocol",
            Self::Handshake(HandshakeFault::NoCertificate) => "the server showed no certificate",
            Self::Setup(SetupFault::TrustedCertificate) => {
                "a certificate given as trusted cannot be used"
            }
            Self::Setup(SetupFault::Roots) => "no root certificates can be used",
            Self::Setup(SetupFault::Cryptography) => "no TLS version can be used",
            Self::Setup(SetupFault::Name) => "the server's name cannot be verified",
            Self::Internal => "the cryptography failed",
        })
    }
}

impl std::error::Error for TlsFault {}

impl From<HandshakeFault> for TlsFault {
    fn from(fault: HandshakeFault) -> Self {
        Self::Handshake(fault)
    }
}

impl From<rustls::Error> for TlsFault {
    fn from(error: rustls::Error) -> Self {
        use rustls::Error;
        match error {
            Error::InvalidCertificate(error) => Self::Certificate((&error).into()),
            Error::InvalidCertRevocationList(_) => {
                Self::Certificate(CertificateFault::RevocationFailure)
            }
            Error::AlertReceived(alert) => Self::Alert(alert.into()),
            Error::DecryptError
            | Error::PeerSentOversizedRecord
            | Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::MessageTooShort
                | InvalidMessage::UnknownProtocolVersion,
            ) => Self::BadRecord,
            Error::InvalidMessage(_) => HandshakeFault::Malformed.into(),
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                HandshakeFault::UnexpectedMessage.into()
            }
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
                HandshakeFault::Incompatible.into()
            }
            Error::PeerMisbehaved(_) => HandshakeFault::Misbehaved.into(),
            Error::NoCertificatesPresented => HandshakeFault::NoCertificate.into(),
            Error::UnsupportedNameType => Self::Setup(SetupFault::Name),
            _ => Self::Internal,
        }
    }
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    Expired,
    NotYetValid,
    /// Made for another name or address, or for one its issuer may not speak for.
    WrongName,
    /// The chain reaches no trusted certificate.
    UnknownIssuer,
    Revoked,
    /// A signature that does not verify, or one made with an algorithm nobody accepts any more.
    BadSignature,
    /// Not made to identify a server.
    WrongUsage,
    BadEncoding,
    UnhandledCriticalExtension,
    /// An authority's certificate used by a server, or the other way round, or a chain too deep.
    BasicConstraints,
    /// Revocation lists were given and say nothing about this certificate.
    RevocationUnknown,
    /// A revocation list that is expired or broken.
    RevocationFailure,
    /// What the platform's verifier or webpki does not name.
    Other,
}

impl CertificateFault {
    /// Bit n stands for the value n of ChainValidationResult.
    pub fn validation_mask(self) -> u32 {
        match self {
            // Untrusted and IncompleteChain: whether a root is missing or an intermediate cannot
            // be told apart from here.
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
            Self::BadEncoding | Self::Other => 1 << 13,
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
            Verdict::Other(other) => other.0.downcast_ref().map_or(Self::Other, Self::from_unnamed),
            _ => Self::Other, // the enum is open
        }
    }
}

impl CertificateFault {
    /// What webpki tells apart and rustls has no name for.
    fn from_unnamed(error: &webpki::Error) -> Self {
        use webpki::Error as Verdict;
        match error {
            Verdict::CaUsedAsEndEntity
            | Verdict::EndEntityUsedAsCa
            | Verdict::PathLenConstraintViolated => Self::BasicConstraints,
            Verdict::NameConstraintViolation => Self::WrongName,
            Verdict::UnsupportedCriticalExtension => Self::UnhandledCriticalExtension,
            Verdict::EmptyEkuExtension => Self::WrongUsage,
            Verdict::ExtensionValueInvalid
            | Verdict::InvalidNetworkMaskConstraint
            | Verdict::InvalidSerialNumber
            | Verdict::MalformedDnsIdentifier
            | Verdict::MalformedExtensions
            | Verdict::MalformedNameConstraint
            | Verdict::SignatureAlgorithmMismatch
            | Verdict::UnsupportedCertVersion => Self::BadEncoding,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_bits_are_the_numbers_of_chain_validation_result() {
        for (fault, mask) in [
            (CertificateFault::UnknownIssuer, 0b10010),
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
            (CertificateFault::BadEncoding, 0x2000),
            (CertificateFault::Other, 0x2000),
        ] {
            assert_eq!(fault.validation_mask(), mask, "{fault:?}");
        }
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

    #[test]
    fn an_alert_is_told_with_its_number_and_name() {
        let text = TlsFault::Alert(40).to_string();
        assert_eq!(text, "the server sent the TLS alert 40 (HandshakeFailure)");
    }
}
