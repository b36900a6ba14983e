//! Every failure of the floors below as an HRESULT. The matches are exhaustive, so that a new
//! failure does not compile without a code.

use crate::client::{Cause, Error, Misuse, Phase};
use crate::handshake::{self, RedirectFault};
use crate::http::HeadFault;
use crate::protocol::Fault;
use crate::transport::http_proxy::ProxyFault;
use crate::transport::socks5::SocksFault;
use crate::transport::tls::{CertificateFault, TlsFault};

use super::result::*;
use super::types::*;

pub fn of_misuse(misuse: Misuse) -> (ws_result, &'static str) {
    match misuse {
        Misuse::Invalid(sentence) => (WS_E_INVALIDARG, sentence),
        Misuse::IllegalState(sentence) => (WS_E_ILLEGAL_METHOD_CALL, sentence),
        Misuse::Closed => (WS_E_CLOSED, "the socket is closed or closing, or its output is closed"),
        Misuse::Busy(sentence) => (WS_E_INVALID_OPERATION, sentence),
        Misuse::WouldBlock => (WS_E_WOULD_BLOCK, "the send queue is full; nothing was queued"),
        Misuse::TextNotUtf8 => (WS_E_NO_UNICODE_TRANSLATION, "text is not valid UTF-8"),
        Misuse::Reentrant => {
            (WS_E_REENTRANT, "this call would wait for the callback that it is called from")
        }
        Misuse::NoResources => {
            (WS_E_OUTOFMEMORY, "the system gave no thread or descriptor to the library")
        }
        Misuse::TimedOut => (WS_E_TIMEOUT, "timeout_ms have passed"),
    }
}

pub fn of_error(error: &Error) -> ws_result {
    match &error.cause {
        Cause::Aborted => WS_E_ABORT,
        Cause::Timeout => WS_E_TIMEOUT,
        // Who cannot be reached is the proxy, whatever keeps us from it.
        Cause::NameNotResolved | Cause::Refused | Cause::Unreachable
            if error.phase == Phase::Proxy =>
        {
            WS_E_PROXY_SERVER_UNREACHABLE
        }
        Cause::NameNotResolved => WS_E_NAME_NOT_RESOLVED,
        Cause::Refused => WS_E_CANNOT_CONNECT,
        Cause::Unreachable => WS_E_SERVER_UNREACHABLE,
        Cause::ConnectionAborted => WS_E_CONNECTION_ABORTED,
        Cause::ConnectionReset => WS_E_CONNECTION_RESET,
        Cause::Tls(fault) => of_tls(fault),
        Cause::CertificateRejected => WS_E_SECURITY_PROBLEM,
        Cause::Handshake(fault) => of_handshake(fault),
        Cause::HttpStatus(status) => http_status(*status),
        Cause::ProxyChoice(_) => WS_E_PROXY_SERVER_UNREACHABLE,
        Cause::Proxy(fault) => of_proxy(*fault),
        Cause::Socks(fault) => of_socks(*fault),
        Cause::Redirect(fault) => of_redirect(*fault),
        Cause::Protocol(fault) => of_protocol(*fault),
        Cause::Closed => WS_E_CLOSED,
        Cause::OutOfMemory | Cause::NoResources => WS_E_OUTOFMEMORY,
        Cause::Unexpected => WS_E_UNEXPECTED,
    }
}

/// `HTTP_E_STATUS_…`: facility 0x19, the status as the code.
fn http_status(status: u16) -> ws_result {
    (0x8019_0000_u32 | u32::from(status)) as ws_result
}

fn of_tls(fault: &TlsFault) -> ws_result {
    match fault {
        TlsFault::Certificate(refusal) => match refusal.gravest {
            CertificateFault::Expired | CertificateFault::NotYetValid => WS_E_SEC_CERT_DATE_INVALID,
            CertificateFault::WrongName => WS_E_SEC_CERT_CN_INVALID,
            CertificateFault::UnknownIssuer | CertificateFault::UntrustedRoot => {
                WS_E_CERT_UNTRUSTEDROOT
            }
            CertificateFault::Revoked => WS_E_SEC_CERT_REVOKED,
            CertificateFault::BadSignature => WS_E_TRUST_CERT_SIGNATURE,
            CertificateFault::WrongUsage => WS_E_CERT_WRONG_USAGE,
            CertificateFault::BadEncoding => WS_E_SEC_INVALID_CERT,
            CertificateFault::RevocationUnknown => WS_E_CRYPT_NO_REVOCATION_CHECK,
            CertificateFault::RevocationFailure => WS_E_SEC_CERT_REV_FAILED,
            CertificateFault::UnhandledCriticalExtension
            | CertificateFault::BasicConstraints
            | CertificateFault::Other => WS_E_SEC_CERT_ERRORS,
        },
        TlsFault::NotPinned => WS_E_SECURITY_PROBLEM,
        TlsFault::NoClientCertificate(_) => WS_E_CLIENT_AUTH_CERT_NEEDED,
        TlsFault::ClientCertificateRefused
        | TlsFault::Alert(_)
        | TlsFault::NotTls
        | TlsFault::BadRecord
        | TlsFault::Handshake(_)
        | TlsFault::Setup(_)
        | TlsFault::Internal => WS_E_SECURITY_CHANNEL_ERROR,
    }
}

fn of_handshake(fault: &handshake::Fault) -> ws_result {
    match fault {
        handshake::Fault::Head(HeadFault::BadHeader | HeadFault::Folding) => WS_E_INVALID_HEADER,
        handshake::Fault::Eof => WS_E_CONNECTION_ABORTED,
        handshake::Fault::ProtocolNotOffered | handshake::Fault::ProtocolMalformed => {
            WS_E_SUBPROTOCOL_NOT_SUPPORTED
        }
        handshake::Fault::ExtensionNotOffered
        | handshake::Fault::ExtensionMalformed
        | handshake::Fault::ExtensionRepeated
        | handshake::Fault::ExtensionParameter(_) => WS_E_PROTOCOL_EXTENSIONS_NOT_SUPPORTED,
        handshake::Fault::Head(_)
        | handshake::Fault::TooManyInterim
        | handshake::Fault::NotUpgrade
        | handshake::Fault::NotConnectionUpgrade
        | handshake::Fault::MissingAccept
        | handshake::Fault::WrongAccept
        | handshake::Fault::RepeatedHeader(_)
        | handshake::Fault::BodyOn101 => WS_E_INVALID_SERVER_RESPONSE,
    }
}

fn of_proxy(fault: ProxyFault) -> ws_result {
    match fault {
        ProxyFault::Eof => WS_E_CONNECTION_ABORTED,
        ProxyFault::Head(HeadFault::BadHeader | HeadFault::Folding) => WS_E_INVALID_HEADER,
        ProxyFault::Head(_)
        | ProxyFault::Truncated
        | ProxyFault::TooManyInterim
        | ProxyFault::SwitchedProtocols
        | ProxyFault::EarlyBytes => WS_E_INVALID_SERVER_RESPONSE,
    }
}

fn of_socks(fault: SocksFault) -> ws_result {
    match fault {
        SocksFault::LoginRequired
        | SocksFault::NoAcceptableMethod
        | SocksFault::LoginRefused
        | SocksFault::CredentialTooLong => WS_E_HTTP_STATUS_PROXY_AUTH_REQ,
        SocksFault::Refused(_) | SocksFault::NameTooLong => WS_E_CANNOT_CONNECT,
        SocksFault::BadVersion
        | SocksFault::MethodNotOffered
        | SocksFault::BadAddressType
        | SocksFault::EarlyBytes
        | SocksFault::Eof => WS_E_PROXY_SERVER_UNREACHABLE,
    }
}

fn of_redirect(fault: RedirectFault) -> ws_result {
    match fault {
        RedirectFault::Downgrade => WS_E_HTTPS_TO_HTTP_ON_REDIR,
        RedirectFault::NoLocation
        | RedirectFault::RepeatedLocation
        | RedirectFault::BadLocation
        | RedirectFault::TooLong
        | RedirectFault::UnsupportedScheme
        | RedirectFault::UserInfo
        | RedirectFault::Fragment
        | RedirectFault::TooMany => WS_E_REDIRECT_FAILED,
    }
}

fn of_protocol(fault: Fault) -> ws_result {
    match fault {
        Fault::MaskedFrame
        | Fault::ReservedBits
        | Fault::ReservedOpcode(_)
        | Fault::FragmentedControl
        | Fault::LongControl
        | Fault::LengthNotShortest
        | Fault::LengthTooLarge
        | Fault::CloseOneByte
        | Fault::CloseCode(_)
        | Fault::NotInflatable => WS_E_INVALID_PROTOCOL_FORMAT,
        Fault::StrayContinuation | Fault::MessageInsideMessage => WS_E_INVALID_PROTOCOL_OPERATION,
        Fault::MessageTooBig | Fault::TooManyFragments => WS_E_MESSAGE_TOO_BIG,
        Fault::TextNotUtf8 | Fault::CloseReasonNotUtf8 => WS_E_NO_UNICODE_TRANSLATION,
        Fault::OutOfMemory => WS_E_OUTOFMEMORY,
    }
}

/// What the original says of these bits of ChainValidationResult.
pub fn severity(certificate_errors: u32) -> ws_ssl_error_severity {
    match certificate_errors {
        0 => WS_SSL_ERROR_SEVERITY_NONE,
        errors if errors & CertificateFault::FATAL_MASK == 0 => WS_SSL_ERROR_SEVERITY_IGNORABLE,
        _ => WS_SSL_ERROR_SEVERITY_FATAL,
    }
}

pub fn phase(phase: Phase) -> ws_error_phase {
    match phase {
        Phase::Name => WS_ERROR_PHASE_NAME,
        Phase::Tcp => WS_ERROR_PHASE_TCP,
        Phase::Proxy => WS_ERROR_PHASE_PROXY,
        Phase::Tls => WS_ERROR_PHASE_TLS,
        Phase::Http => WS_ERROR_PHASE_HTTP,
        Phase::WebSocket => WS_ERROR_PHASE_WEBSOCKET,
        Phase::Closing => WS_ERROR_PHASE_CLOSING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_keeps_us_from_a_proxy_is_the_proxys() {
        for cause in [Cause::Refused, Cause::Unreachable, Cause::NameNotResolved] {
            let error = Error::new(Phase::Proxy, cause);
            assert_eq!(of_error(&error), WS_E_PROXY_SERVER_UNREACHABLE, "{error:?}");
            assert!(error.to_string().contains("proxy"), "{error}");
        }
        let refused = Error::new(Phase::Tcp, Cause::Refused);
        assert_eq!(of_error(&refused), WS_E_CANNOT_CONNECT);
        assert!(!refused.to_string().contains("proxy"));
        assert_eq!(phase(Phase::Proxy), WS_ERROR_PHASE_PROXY);
    }

    #[test]
    fn what_a_proxy_says_has_its_own_result() {
        let of = |cause| of_error(&Error::new(Phase::Proxy, cause));
        for (cause, result) in [
            (Cause::HttpStatus(407), WS_E_HTTP_STATUS_PROXY_AUTH_REQ),
            (Cause::HttpStatus(503), WS_E_HTTP_STATUS_SERVICE_UNAVAIL),
            (Cause::Timeout, WS_E_TIMEOUT),
            (Cause::Proxy(ProxyFault::Eof), WS_E_CONNECTION_ABORTED),
            (Cause::Proxy(ProxyFault::Truncated), WS_E_INVALID_SERVER_RESPONSE),
            (Cause::Proxy(ProxyFault::EarlyBytes), WS_E_INVALID_SERVER_RESPONSE),
            (Cause::Proxy(ProxyFault::Head(HeadFault::Folding)), WS_E_INVALID_HEADER),
            (Cause::Socks(SocksFault::LoginRefused), WS_E_HTTP_STATUS_PROXY_AUTH_REQ),
            (Cause::Socks(SocksFault::LoginRequired), WS_E_HTTP_STATUS_PROXY_AUTH_REQ),
            (Cause::Socks(SocksFault::BadVersion), WS_E_PROXY_SERVER_UNREACHABLE),
            (Cause::Socks(SocksFault::Eof), WS_E_PROXY_SERVER_UNREACHABLE),
            (Cause::Redirect(RedirectFault::TooMany), WS_E_REDIRECT_FAILED),
            (Cause::Redirect(RedirectFault::Downgrade), WS_E_HTTPS_TO_HTTP_ON_REDIR),
        ] {
            assert_eq!(of(cause.clone()), result, "{cause:?}");
        }
        for reply in 1..=255u8 {
            let cause = Cause::Socks(SocksFault::Refused(reply.into()));
            assert_eq!(of(cause), WS_E_CANNOT_CONNECT, "{reply}");
        }
    }
}
