//! A large message that its sender writes piece by piece, without a copy of the whole. Knows the
//! frames that it is made of; keys and what may go between them are the outbox's.

use crate::base::chunk::Chunk;

use super::frame::{self, MessageKind, Opcode, Shape};
use super::mask::copy_masked;

/// A message on its way that is framed and masked piece by piece, each written while it is hot.
#[derive(Debug)]
pub struct Streaming {
    /// Of the frame that is being written, or of the next.
    shape: Shape,
    payload_len: usize,
    done: usize,
    frame: Option<Frame>,
}

#[derive(Debug)]
struct Frame {
    key: [u8; 4],
    len: usize,
    done: usize,
}

impl Streaming {
    pub(super) fn new(kind: MessageKind, payload_len: usize) -> Streaming {
        let shape = Shape::whole(Opcode::Message(kind));
        Streaming { shape, payload_len, done: 0, frame: None }
    }

    /// Returns how much of the message was left before this frame.
    pub(super) fn begin_frame(&mut self, key: [u8; 4]) -> usize {
        let rest = self.left();
        self.frame = Some(Frame { key, len: frame::next_frame_len(rest), done: 0 });
        rest
    }

    /// Whether `Outbox::next_streaming_frame` comes next.
    pub fn is_between_frames(&self) -> bool {
        self.frame.is_none() && !self.has_ended()
    }

    pub fn has_ended(&self) -> bool {
        self.done == self.payload_len
    }

    /// Payload that is not in any chunk yet.
    pub fn left(&self) -> usize {
        self.payload_len - self.done
    }

    /// Fills an empty chunk with the frame's next bytes on the wire.
    pub fn fill(&mut self, payload: &[u8], chunk: &mut Chunk) {
        let Some(frame) = &mut self.frame else { return };
        let is_first = frame.done == 0;
        if is_first {
            let is_final = self.done + frame.len == self.payload_len;
            let shape = Shape { is_final, ..self.shape };
            let (header, len) = frame::encode(shape, frame.len as u64, frame.key);
            chunk.extend(len).copy_from_slice(header.get(..len).unwrap_or_default());
        }
        let rest = payload.get(self.done..).unwrap_or_default();
        let count = (frame.len - frame.done).min(chunk.room()).min(rest.len());
        let piece = rest.get(..count).unwrap_or_default();
        copy_masked(chunk.extend(count), piece, frame.key, frame.done);
        frame.done += count;
        self.done += count;
        if !is_first {
            // The next frame begins right behind this payload, or not in this chunk at all.
            chunk.first_frame = count;
        }
        if frame.done == frame.len {
            self.frame = None;
            self.shape = self.shape.continued();
        }
    }
}
