//! permessage-deflate (RFC 7692): payloads of messages in, payloads of messages out.
//!
//! Owns what both sides agreed on and the rules of a compressed message; the format itself is
//! zlib-rs's. Refuses to know frames, how the agreement came about, and how large a message may
//! get: the caller hands out the room for each step and counts.

mod deflater;
mod inflater;
mod spares;

pub use deflater::{Deflater, OutOfMemory};
pub use inflater::{Inflater, Step};
pub use spares::Spares;

/// What both sides agreed on. RFC 7692 §7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The client writes no distance beyond two to this power: 8 to 15.
    pub client_max_window_bits: u8,
    /// The same for the server.
    pub server_max_window_bits: u8,
    /// The client begins each message with an empty window.
    pub client_no_context_takeover: bool,
    /// The same for the server.
    pub server_no_context_takeover: bool,
}

/// RFC 7692 §7.2.1: what ends a flushed message, and is not sent.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
