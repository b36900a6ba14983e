//! Compressed payload of the server in, data out, into room that the caller bounds.
//!
//! Owns the rules that zlib leaves open: what may end a message, and what follows a final block.
//! Refuses to know frames, limits of size, and texts.

use std::fmt;
use std::sync::Arc;

use zlib_rs::{Inflate, InflateFlush, Status};

use crate::protocol::Fault;

use super::spares::Spares;
use super::{Parameters, TAIL};

/// Inflates the messages of one connection, one after the other.
///
/// A connection whose context is taken over keeps, from its first compressed message on, a state of
/// 47 552 bytes (x86-64), whatever the window: zlib-rs reserves 32 KiB for it always. One without
/// keeps nothing between messages.
pub struct Inflater {
    keeps_context: bool,
    spares: Arc<Spares>,
    state: Option<Inflate>,
    /// Bytes have been taken since the message began, or since the last final block ended.
    is_open: bool,
    is_dead: bool,
}

/// What one call has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that need not be given again.
    pub consumed: usize,
    /// Bytes at the front of the output that are data.
    pub produced: usize,
}

impl Inflater {
    pub fn new(parameters: &Parameters, spares: Arc<Spares>) -> Inflater {
        Inflater {
            keeps_context: !parameters.server_no_context_takeover,
            spares,
            state: None,
            is_open: false,
            is_dead: false,
        }
    }

    /// Takes payload of the current message. Ends when all of it is taken or `output` is full; what
    /// is behind `produced` in `output` may have been written to. A full output may have left data
    /// behind in the state: the next call, or `finish`, has it.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        if self.is_dead {
            return Err(Fault::NotInflatable);
        }
        if input.is_empty() && !self.is_open {
            return Ok(Step::default());
        }
        self.run(input, output).inspect_err(|_| self.die())
    }

    /// All payload of the message has been given to `inflate` and taken. Gives how much data has
    /// come to the front of `output`, and whether the message has ended; if it has not, this is to
    /// be called again. `output` must not be empty.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<(usize, bool), Fault> {
        let Step { produced, .. } = self.inflate(&[], output)?;
        if self.is_open && produced == output.len() {
            return Ok((produced, false));
        }
        // A message that ends with a final block is whole as it is. So is one without a single byte:
        // RFC 7692 §7.2.3.6 has the sender write 00 for it, but zlib's users take none for an empty
        // message as well, and there is nothing in it to be wrong. It leaves the state untouched.
        if self.is_open && !self.is_ended_by_tail() {
            self.die();
            return Err(Fault::NotInflatable);
        }
        self.is_open = false;
        if !self.keeps_context
            && let Some(state) = self.state.take()
        {
            self.spares.give_inflate(state);
        }
        Ok((produced, true))
    }

    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Fault> {
        if self.state.is_none() {
            self.state = Some(self.spares.take_inflate().ok_or(Fault::OutOfMemory)?);
        }
        let mut step = Step::default();
        while let Some(state) = &mut self.state {
            let rest = input.get(step.consumed..).unwrap_or_default();
            let room = output.get_mut(step.produced..).unwrap_or_default();
            let (status, done) = advance(state, rest, room, InflateFlush::NoFlush)?;
            step.consumed += done.consumed;
            step.produced += done.produced;
            if status == Status::StreamEnd {
                // RFC 7692 §7.2.3.4: a block with BFINAL set ends at a byte's end, and others may
                // follow it. RFC 1951 §3.2.3: it ends its data set, so what follows refers to
                // nothing before it; a sender's zlib forgets its window there as well. Keeping what
                // happens to be in `output` would let the verdict depend on how the payload
                // arrived, and the rest of the window cannot be read out of the state.
                state.reset(false);
                self.is_open = false;
            } else if done.consumed > 0 {
                self.is_open = true;
            }
            let is_stuck = status != Status::StreamEnd && done == Step::default();
            if step.consumed == input.len() && (!self.is_open || step.produced < output.len())
                || step.produced == output.len()
                || is_stuck
            {
                break;
            }
        }
        Ok(step)
    }

    /// RFC 7692 §7.2.2: inflates what the sender removed, 00 00 FF FF. All else has been taken and
    /// inflated; the message is whole if these bytes are the lengths of an empty stored block whose
    /// header its payload ends with.
    ///
    /// Told to stop at a block's end, with a byte behind the four that is not to be touched, zlib
    /// takes exactly four bytes and gives nothing. Anywhere else in a stream it does otherwise:
    /// - within stored data, or within a stored block's lengths, the bytes come out as data, or
    ///   lengths and their complement disagree;
    /// - within compressed data they stand for data, or the zeros are an end code: then a block
    ///   ends after one or two of them;
    /// - between blocks, or behind one or two bits of a header, the first zeros are the header of a
    ///   stored block, which lacks the last of its lengths and takes the fifth byte, or, behind a
    ///   1, of a fixed block, which ends with the first byte.
    ///
    /// The lengths of codes before a compressed block are left: they can be cut so that these bytes
    /// end them and the block. Such a message is what the RFC calls whole.
    fn is_ended_by_tail(&mut self) -> bool {
        let [a, b, c, d] = TAIL;
        let mut nothing = [0; 8];
        let Some(state) = &mut self.state else { return false };
        let step = advance(state, &[a, b, c, d, 0x55], &mut nothing, InflateFlush::Block);
        step == Ok((Status::Ok, Step { consumed: TAIL.len(), produced: 0 }))
    }

    /// What comes after a fault cannot be understood.
    fn die(&mut self) {
        self.is_dead = true;
        self.state = None;
    }
}

impl fmt::Debug for Inflater {
    /// What it has seen is left out: it is the caller's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("keeps_context", &self.keeps_context)
            .field("has_state", &self.state.is_some())
            .field("is_open", &self.is_open)
            .field("is_dead", &self.is_dead)
            .finish_non_exhaustive()
    }
}

/// One call of zlib's. It can neither want a dictionary (a raw stream names none) nor fail to
/// allocate (`new` did): each of its errors means that the stream is not one.
fn advance(
    state: &mut Inflate,
    input: &[u8],
    output: &mut [u8],
    flush: InflateFlush,
) -> Result<(Status, Step), Fault> {
    let before = (state.total_in(), state.total_out());
    let status = state.decompress(input, output, flush).map_err(|_| Fault::NotInflatable)?;
    let step = Step {
        consumed: (state.total_in() - before.0) as usize,
        produced: (state.total_out() - before.1) as usize,
    };
    Ok((status, step))
}
