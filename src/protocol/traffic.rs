//! What has passed in one direction, counted where it passes. Plain numbers with one writer; who
//! publishes them, and when, is not known here.

use super::frame;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames of every kind.
    pub frames: u64,
    /// Messages that have ended.
    pub messages: u64,
    /// Payload of messages as the application sees it.
    pub payload_bytes: u64,
    /// Payload of compressed messages, on the wire and as the application sees it.
    pub compressed_bytes: u64,
    pub inflated_bytes: u64,
    pub pings: u64,
    pub pongs: u64,
}

impl Traffic {
    /// A message that was counted whole does not leave after all.
    pub fn take_back(&mut self, payload_len: usize) {
        self.messages -= 1;
        self.payload_bytes -= payload_len as u64;
        self.frames -= frame::frame_count(payload_len);
    }
}
