//! Why an upgrade failed, apart from a server that simply refused it.
//!
//! One variant for each fact, so that each can have its code and its sentence. Refuses to know the
//! codes.

use std::fmt;

use crate::http::HeadFault;

use super::extensions::ParameterFault;

/// Why there is no connection and no refusal either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The head of a response could not be read.
    Head(HeadFault),
    /// The connection ended before a response was whole.
    Eof,
    TooManyInterim,
    /// 101 without exactly `Upgrade: websocket`.
    NotUpgrade,
    NotConnectionUpgrade,
    MissingAccept,
    WrongAccept,
    /// A header that may be there once only.
    RepeatedHeader(&'static str),
    /// 101 that announces a body.
    BodyOn101,
    ProtocolNotOffered,
    /// Not exactly one header with exactly one token.
    ProtocolMalformed,
    ExtensionNotOffered,
    /// Not the grammar of extensions.
    ExtensionMalformed,
    /// Offered once, and chosen twice.
    ExtensionRepeated,
    ExtensionParameter(ParameterFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head(fault) => return fault.fmt(f),
            Self::ExtensionParameter(fault) => return fault.fmt(f),
            Self::RepeatedHeader(name) => {
                return write!(f, "The server sent {name} more than once in its upgrade response.");
            }
            Self::Eof => {
                "The server ended the connection before it had answered the upgrade request."
            }
            Self::TooManyInterim => "The server sent more than 8 interim responses.",
            Self::NotUpgrade => "The server switched protocols, but not to websocket.",
            Self::NotConnectionUpgrade => "The upgrade response lacks Connection: Upgrade.",
            Self::MissingAccept => "The upgrade response lacks Sec-WebSocket-Accept.",
            Self::WrongAccept => {
                "Sec-WebSocket-Accept does not fit the request: another server or a cache answered."
            }
            Self::BodyOn101 => "The upgrade response announces a body, which it cannot have.",
            Self::ProtocolNotOffered => "The server chose a subprotocol that was not offered.",
            Self::ProtocolMalformed => "The server's choice of subprotocol is not a single name.",
            Self::ExtensionNotOffered => "The server chose an extension that was not offered.",
            Self::ExtensionMalformed => "The server's choice of extensions cannot be read.",
            Self::ExtensionRepeated => "The server chose an extension more than once.",
        })
    }
}

impl std::error::Error for Fault {}

impl From<HeadFault> for Fault {
    fn from(fault: HeadFault) -> Self {
        Self::Head(fault)
    }
}
