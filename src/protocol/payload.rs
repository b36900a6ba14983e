//! What happens to the payload of a message that did not lie whole in the buffer, or is compressed:
//! it is gathered, handed on as it comes, inflated a step at a time, or dropped. Knows no headers and
//! no control frames: those are the receiver's.

use std::ops::Range;

use super::frame::{Fault, Header, Opcode, Part};
use super::gathering::Gathering;
use super::receiver::{INFLATED_BYTES_PER_UNIT, Input, Mode, Place, Receiver};

/// What a step into the payload of a message came to.
pub(super) enum Taken {
    Nothing,
    /// A piece of the input.
    Piece(Part, Range<usize>),
    /// The front of the inflated bytes.
    Inflated(Part, usize),
    Gathered(Part, Vec<u8>),
}

impl Receiver {
    /// Payload of a data frame that did not lie whole in the buffer, or is compressed.
    pub(super) fn data(&mut self, input: &mut Input<'_>, left: u64) -> Result<Taken, Fault> {
        let Some(gathering) = &mut self.gathering else { return Ok(Taken::Nothing) };
        if gathering.is_compressed && !self.discarding {
            return self.inflate(input, left);
        }
        let there = ((input.end - input.at) as u64).min(left) as usize;
        let range = input.at..input.at + there;
        input.at += there;
        let left = left - there as u64;
        self.place = Place::Data(left);
        if !self.discarding {
            let piece = input.bytes.get(range.clone()).unwrap_or_default();
            gathering.check(piece, self.mode)?;
            if self.mode != Mode::FullMessage {
                let is_complete = left == 0 && gathering.frame_is_final;
                let part = gathering.part(is_complete);
                if left == 0 {
                    self.end_of_frame()?;
                }
                let is_nothing = there == 0 && !is_complete;
                return Ok(if is_nothing { Taken::Nothing } else { Taken::Piece(part, range) });
            }
            gathering.keep(piece, left, u64::MAX)?;
        }
        if left > 0 { Ok(Taken::Nothing) } else { self.end_of_frame() }
    }

    /// One step of inflating: as much as the second buffer takes.
    fn inflate(&mut self, input: &mut Input<'_>, left: u64) -> Result<Taken, Fault> {
        let (Some(gathering), Some(inflater)) = (&mut self.gathering, &mut self.inflater) else {
            return Err(Fault::ReservedBits); // unreachable: such a header is refused
        };
        let there = ((input.end - input.at) as u64).min(left) as usize;
        if self.budget == 0 || (there == 0 && left > 0 && !gathering.has_more) {
            return Ok(Taken::Nothing);
        }
        let piece = input.bytes.get(input.at..input.at + there).unwrap_or_default();
        let room = input.inflated.len().saturating_sub(1);
        let output = input.inflated.get_mut(..room).unwrap_or_default();
        let step = inflater.inflate(piece, output)?;
        if there > 0 && step.consumed == 0 && step.produced == 0 {
            return Err(Fault::NotInflatable); // it would go on like this for ever
        }
        input.at += step.consumed;
        let left = left - step.consumed as u64;
        self.place = Place::Data(left);
        let mut produced = step.produced;
        let mut is_complete = false;
        // A full buffer means that there may be more without further input.
        if left == 0 && produced < room {
            if gathering.frame_is_final {
                let behind = output.get_mut(produced..).unwrap_or_default();
                let (more, ends) = inflater.finish(behind)?;
                produced += more;
                is_complete = ends;
            } else {
                self.place = Place::Header;
            }
        }
        let is_unfinished = left == 0 && gathering.frame_is_final && !is_complete;
        gathering.has_more = produced == room || is_unfinished;
        let cost = 1 + produced / INFLATED_BYTES_PER_UNIT;
        self.budget = self.budget.saturating_sub(u32::try_from(cost).unwrap_or(u32::MAX));
        self.traffic.inflated_bytes += produced as u64;
        let piece = input.inflated.get(..produced).unwrap_or_default();
        gathering.check(piece, self.mode)?;
        if self.mode == Mode::FullMessage {
            if gathering.size() > self.limits.max_message_size {
                return Err(Fault::MessageTooBig);
            }
            if !is_complete || !gathering.bytes.is_empty() {
                gathering.keep(piece, 0, self.limits.max_message_size)?;
                return if is_complete { self.end_of_frame() } else { Ok(Taken::Nothing) };
            }
        }
        let part = gathering.part(is_complete);
        if is_complete {
            // Its bytes are in the second buffer: it is complete without having been gathered.
            self.end_of_message()?;
        }
        let is_nothing = produced == 0 && !is_complete;
        Ok(if is_nothing { Taken::Nothing } else { Taken::Inflated(part, produced) })
    }

    /// Not to be asked of a whole message: how much payload of the current frame comes as it is, and
    /// may be read past this receiver; `direct_taken` must follow.
    pub fn direct_left(&self) -> Option<u64> {
        let Place::Data(left) = self.place else { return None };
        let gathering = self.gathering.as_ref()?;
        (left > 0 && !gathering.is_compressed && !self.discarding).then_some(left)
    }

    /// So much payload has been read past this receiver, which is not checked: `Mode::Stream`.
    pub fn direct_taken(&mut self, count: usize) {
        let (Place::Data(left), Some(gathering)) = (&mut self.place, &mut self.gathering) else {
            return;
        };
        gathering.count(count);
        *left = left.saturating_sub(count as u64);
        if *left == 0 {
            let _ = self.end_of_frame(); // bytes have no rule that they could break
        }
    }

    /// Whether somebody else may go on with it, by `direct_left` and `expects`.
    pub fn may_be_lent(&self) -> bool {
        let is_between_frames = matches!(self.place, Place::Header) && self.held.is_empty();
        !self.discarding && (is_between_frames || self.direct_left().is_some())
    }

    /// Whether this may come next, and is part of a message that comes as it is.
    pub fn expects(&self, header: &Header) -> bool {
        let continues = match header.opcode {
            Opcode::Message(_) => false,
            Opcode::Continuation => true,
            Opcode::Close | Opcode::Ping | Opcode::Pong => return false,
        };
        let is_inside = self.gathering.as_ref().is_some_and(|gathering| !gathering.is_compressed);
        continues == is_inside
            && self.gathering.is_some() == is_inside
            && !header.is_compressed
            && self.may_be_lent()
    }

    /// Nothing more comes out in this turn.
    pub fn spend_budget(&mut self) {
        self.budget = 0;
    }

    pub fn is_at_header(&self) -> bool {
        matches!(self.place, Place::Header)
    }

    /// Payload of the last frame of a message that did not lie whole in the buffer.
    pub fn last_frame_len(&self) -> u64 {
        self.last_frame_len
    }

    /// Whether a message goes on behind the frame that was the last to begin.
    pub fn has_fragments_to_come(&self) -> bool {
        self.gathering.as_ref().is_some_and(|gathering| !gathering.frame_is_final)
    }

    /// What is known of the size of frames does not hold any more.
    pub fn forget_frame_len(&mut self) {
        self.last_frame_len = 0;
    }

    /// Whether messages come out whole, and as they came.
    pub fn gathers(&self) -> bool {
        self.mode == Mode::FullMessage && self.inflater.is_none()
    }

    /// Whether there is more to come of compressed payload that has been taken already.
    pub fn has_more(&self) -> bool {
        let more = self.gathering.as_ref().is_some_and(|gathering| gathering.has_more);
        more && !self.discarding
    }

    /// Whether the payload needs further input, or a further turn.
    pub(super) fn is_held_up(&self, input: &Input<'_>) -> bool {
        matches!(self.place, Place::Data(_))
            && (self.budget == 0 || (input.at == input.end && !self.has_more()))
    }

    /// The payload of a data frame has been taken.
    pub(super) fn end_of_frame(&mut self) -> Result<Taken, Fault> {
        self.place = Place::Header;
        if !self.gathering.as_ref().is_some_and(|gathering| gathering.frame_is_final) {
            return Ok(Taken::Nothing);
        }
        match self.end_of_message()? {
            Some(gathering) if self.mode == Mode::FullMessage => {
                let part = gathering.part(true);
                Ok(Taken::Gathered(part, gathering.into_bytes()?))
            }
            _ => Ok(Taken::Nothing),
        }
    }

    /// The message has come to its end; `None` when nobody wants it.
    fn end_of_message(&mut self) -> Result<Option<Gathering>, Fault> {
        self.place = Place::Header;
        let Some(gathering) = self.gathering.take() else { return Ok(None) };
        if self.discarding {
            return Ok(None);
        }
        gathering.check_end(self.mode)?;
        self.traffic.messages += 1;
        self.traffic.payload_bytes += gathering.size();
        Ok(Some(*gathering))
    }
}
