//! What can go wrong with a TLS connection, named.
//!
//! Owns the small enums of this floor and the translation of every rustls and webpki error into
//! them. No text of a library gets through: what a program must tell apart is a variant, the rest
//! is a sentence of ours. Refuses to know results and statuses of the public interface.

use std::fmt;

use rustls::{AlertDescription, InvalidMessage};

use super::certificate_fault::{CertificateFault, CertificateFaults};

/// Why a TLS connection cannot go on, or could not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    Certificate(Refusal),
    /// None of the chain's keys is a pinned one.
    NotPinned,
    /// The server wanted a certificate of the client, got none, and sent this fatal alert, or
    /// left without one: 0.
    NoClientCertificate(u8),
    /// The server got a certificate of the client and left without a word.
    ClientCertificateRefused,
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

/// Why a server's certificate is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of those that are not overlooked.
    pub gravest: CertificateFault,
    /// All that is wrong, also what is overlooked.
    pub all: CertificateFaults,
}

impl From<CertificateFault> for Refusal {
    fn from(fault: CertificateFault) -> Self {
        Self { gravest: fault, all: fault.into() }
    }
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
    /// The system's roots cannot be used.
    SystemStore,
    /// The cryptography has no usable TLS version.
    Cryptography,
    /// A name that no certificate can be checked against.
    Name,
}

impl TlsFault {
    /// The fatal alert the server sent, if that ended the connection.
    pub fn alert(&self) -> Option<u8> {
        match self {
            Self::Alert(number) | Self::NoClientCertificate(number @ 1..) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Certificate(refusal) => return refusal.gravest.fmt(out),
            Self::NotPinned => "the server's certificate has none of the pinned public keys",
            Self::NoClientCertificate(_) => "the server wants a certificate of the client",
            Self::ClientCertificateRefused => "the server left when it had seen our certificate",
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
            Self::Setup(SetupFault::SystemStore) => {
                "the trust store, as named by SSL_CERT_FILE or SSL_CERT_DIR, has no certificate"
            }
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
            Error::InvalidCertificate(error) => {
                Self::Certificate(CertificateFault::from(&error).into())
            }
            Error::InvalidCertRevocationList(_) => {
                Self::Certificate(CertificateFault::RevocationFailure.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_with_its_number_and_name() {
        let text = TlsFault::Alert(40).to_string();
        assert_eq!(text, "the server sent the TLS alert 40 (HandshakeFailure)");
    }

    #[test]
    fn a_refusal_names_the_gravest_fault() {
        let mut all = CertificateFaults::from(CertificateFault::Expired);
        all.insert(CertificateFault::WrongName);
        let refusal = Refusal { gravest: CertificateFault::Expired, all };
        let text = TlsFault::Certificate(refusal).to_string();
        assert_eq!(text, "the server's certificate has expired");
    }
}
