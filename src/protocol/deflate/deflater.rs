//! Data of the client in, compressed payload out.
//!
//! Owns when a state is made, kept and given away, and what is cut off a message's end. Refuses to
//! know which messages are worth it, frames and masks.

use std::fmt;
use std::sync::Arc;

use zlib_rs::{Deflate, DeflateFlush};

use super::spares::{DeflateKind, Spares};
use super::{Parameters, TAIL};

/// What is written at a time. Zeroed beforehand, so no more than is soon used.
const STEP: usize = 16 * 1024;
/// A flush needs more than 6 bytes of room, or it writes its block twice.
const SLACK: usize = 64;

/// Deflates the messages of one connection, one after the other.
///
/// A connection whose context is taken over keeps, from its first compressed message on, a state of
/// 294 016 bytes (x86-64) with a window of 15 bits, 179 328 with 12, 164 992 with 9; 128 KiB of each
/// are zlib-rs's hash table. One without keeps nothing between messages.
pub struct Deflater {
    window_bits: u8,
    keeps_context: bool,
    spares: Arc<Spares>,
    state: Option<(DeflateKind, Deflate)>,
    is_inside: bool,
}

/// There was no memory for the state or for what it writes. Nothing was written, and the deflater
/// can be used on: its next state knows no window, which is always legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl Deflater {
    /// Whether messages can be compressed at all under these parameters. With a window of 8 bits
    /// zlib writes no raw streams; messages then go uncompressed. RFC 7692 §6: that is the sender's
    /// choice for each message.
    pub fn can_deflate(parameters: &Parameters) -> bool {
        parameters.client_max_window_bits >= 9
    }

    pub fn new(parameters: &Parameters, spares: Arc<Spares>) -> Deflater {
        Deflater {
            window_bits: parameters.client_max_window_bits,
            keeps_context: !parameters.client_no_context_takeover,
            spares,
            state: None,
            is_inside: false,
        }
    }

    /// Appends the payload for one piece of a message; `is_last` ends the message. All of a piece
    /// can be inflated as soon as it arrives. `level` is 0 to 9, and is that of the message: a
    /// change within one counts for the next.
    pub fn deflate(
        &mut self,
        level: u32,
        input: &[u8],
        is_last: bool,
        output: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        let start = output.len();
        if !self.is_inside && is_last && input.is_empty() {
            return end_empty(output);
        }
        let (kind, mut state) = self.take_state(level).ok_or(OutOfMemory)?;
        if write(&mut state, input, output).is_none() {
            output.truncate(start);
            return Err(OutOfMemory);
        }
        if !is_last {
            self.is_inside = true;
            self.state = Some((kind, state));
            return Ok(());
        }
        self.is_inside = false;
        if self.keeps_context {
            self.state = Some((kind, state));
        } else {
            self.spares.give_deflate(kind, state);
        }
        // RFC 7692 §7.2.1: the flush ended with an empty stored block, whose lengths are not sent.
        // They are of this call: the one before ended with a flush of its own.
        let written = output.get(start..).unwrap_or_default();
        match written.strip_suffix(&TAIL) {
            Some(kept) => {
                let kept = kept.len();
                output.truncate(start + kept);
                Ok(())
            }
            // Nothing since the last flush, so nothing was flushed.
            None => end_empty(output),
        }
    }

    /// The state of the current message, or one for a new message.
    fn take_state(&mut self, level: u32) -> Option<(DeflateKind, Deflate)> {
        let level = u8::try_from(level).unwrap_or(9).min(9);
        let kind = DeflateKind { window_bits: self.window_bits, level };
        match self.state.take() {
            Some(state) if self.is_inside || state.0 == kind => return Some(state),
            // Another level: a new state, which refers to nothing that was sent before. The server
            // keeps its window and is not asked for what is in it: no peer can tell.
            Some((other, state)) => self.spares.give_deflate(other, state),
            None => {}
        }
        Some((kind, self.spares.take_deflate(kind)?))
    }
}

impl fmt::Debug for Deflater {
    /// What it has seen is left out: it is the caller's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("window_bits", &self.window_bits)
            .field("keeps_context", &self.keeps_context)
            .field("kind", &self.state.as_ref().map(|(kind, _)| kind))
            .field("is_inside", &self.is_inside)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there was no memory to compress a message")
    }
}

impl std::error::Error for OutOfMemory {}

/// RFC 7692 §7.2.3.6: the header of an empty stored block.
fn end_empty(output: &mut Vec<u8>) -> Result<(), OutOfMemory> {
    output.try_reserve(1).map_err(|_| OutOfMemory)?;
    output.push(0x00);
    Ok(())
}

/// Writes and flushes all of `input`; `None`: there is no memory, or zlib refuses to go on, which it
/// does not.
fn write(state: &mut Deflate, input: &[u8], output: &mut Vec<u8>) -> Option<()> {
    let mut rest = input;
    loop {
        let start = output.len();
        let room = rest.len().saturating_add(SLACK).min(STEP);
        output.try_reserve(room).ok()?;
        output.resize(start + room, 0);
        let before = (state.total_in(), state.total_out());
        // The flush leaves nothing behind in the state: a fragment's data is on its way, even if
        // the next fragment waits for an answer to it.
        let done = state.compress(rest, output.get_mut(start..)?, DeflateFlush::SyncFlush);
        let produced = (state.total_out() - before.1) as usize;
        output.truncate(start + produced);
        done.ok()?;
        let consumed = (state.total_in() - before.0) as usize;
        rest = rest.get(consumed..)?;
        // zlib is done when it leaves room.
        if rest.is_empty() && produced < room {
            return Some(());
        }
        if consumed == 0 && produced == 0 {
            return None;
        }
    }
}
