//! A message whose frames are still coming: what has arrived of it, and the rules that hold for it
//! as a whole. Its buffer grows with what arrives, never far ahead of it. Knows nothing of frames
//! except that the last one is marked.

use super::frame::{Fault, Header, MessageKind, Part};
use super::receiver::{Limits, Mode};
use super::utf8;

/// How far a message's buffer may run ahead of what has arrived.
pub(super) const GROWTH_STEP: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Gathering {
    pub kind: MessageKind,
    pub is_compressed: bool,
    /// The frame that is being read is the message's last.
    pub frame_is_final: bool,
    /// Of compressed payload: the inflater has not said all it knows.
    pub has_more: bool,
    /// In full mode: what has arrived.
    pub bytes: Vec<u8>,
    /// All payload so far, inflated.
    size: u64,
    text: utf8::Validator,
    fragments: u32,
}

impl Gathering {
    pub fn new(kind: MessageKind, is_compressed: bool) -> Gathering {
        Gathering {
            kind,
            is_compressed,
            frame_is_final: false,
            has_more: false,
            bytes: Vec::new(),
            size: 0,
            text: utf8::Validator::default(),
            fragments: 0,
        }
    }

    /// A frame of it begins. In full mode the limits decide on the header alone.
    pub fn begin_frame(&mut self, header: Header, mode: Mode, limits: Limits) -> Result<(), Fault> {
        self.frame_is_final = header.is_final;
        if mode != Mode::FullMessage {
            return Ok(());
        }
        // An empty one that only ends a message of some bytes does no harm, and some senders end
        // every message like that.
        let is_bare_end = header.is_final && header.payload_len == 0 && self.size > 0;
        self.fragments += u32::from(!is_bare_end);
        if self.fragments > limits.max_fragments {
            return Err(Fault::TooManyFragments);
        }
        // What a compressed frame holds is counted as it is inflated.
        let coming = if self.is_compressed { 0 } else { header.payload_len };
        let total = self.size.saturating_add(coming);
        if total > limits.max_message_size || total >= isize::MAX as u64 {
            return Err(Fault::MessageTooBig);
        }
        Ok(())
    }

    /// At its beginning it may take memory that was used before: what it may be ahead by anyway, or
    /// what is as long as its first frame.
    pub fn borrow(&mut self, lent: &mut Vec<u8>, first_frame_len: u64) {
        let needed = usize::try_from(first_frame_len).unwrap_or(usize::MAX).max(GROWTH_STEP);
        if self.size == 0 && self.bytes.capacity() == 0 && lent.capacity() / 2 <= needed {
            self.bytes = std::mem::take(lent);
            self.bytes.clear();
        }
    }

    /// Takes note of payload that is nobody's text.
    pub fn count(&mut self, count: usize) {
        self.size = self.size.saturating_add(count as u64);
    }

    /// Takes note of the next payload: text must be UTF-8 as far as it goes.
    pub fn check(&mut self, piece: &[u8], mode: Mode) -> Result<(), Fault> {
        self.size = self.size.saturating_add(piece.len() as u64);
        if self.kind == MessageKind::Text && mode != Mode::Stream && !self.text.check(piece) {
            return Err(Fault::TextNotUtf8);
        }
        Ok(())
    }

    /// The same for the last `count` bytes that were put into `bytes`.
    pub fn check_last(&mut self, count: usize, mode: Mode) -> Result<(), Fault> {
        let bytes = std::mem::take(&mut self.bytes);
        let fresh = bytes.get(bytes.len().saturating_sub(count)..).unwrap_or_default();
        let checked = self.check(fresh, mode);
        self.bytes = bytes;
        checked
    }

    /// Keeps payload; `left` more is known to come, and there will never be more than `ceiling`.
    pub fn keep(&mut self, piece: &[u8], left: u64, ceiling: u64) -> Result<(), Fault> {
        self.reserve(left.saturating_add(piece.len() as u64), ceiling)?;
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it may end here.
    pub fn check_end(&self, mode: Mode) -> Result<(), Fault> {
        if self.kind == MessageKind::Text && mode != Mode::Stream && !self.text.is_complete() {
            return Err(Fault::TextNotUtf8);
        }
        Ok(())
    }

    pub fn part(&self, is_complete: bool) -> Part {
        Part { kind: self.kind, is_complete }
    }

    /// Its bytes with the closing zero.
    pub fn into_bytes(mut self) -> Result<Vec<u8>, Fault> {
        self.bytes.try_reserve(1).map_err(|_| Fault::OutOfMemory)?;
        self.bytes.push(0);
        Ok(self.bytes)
    }

    /// Room for `left` more bytes and the closing zero, but never further ahead of what is there
    /// than a step or as much again, and never for more than `ceiling`.
    pub fn reserve(&mut self, left: u64, ceiling: u64) -> Result<(), Fault> {
        let bytes = &mut self.bytes;
        let len = bytes.len() as u64;
        // One more than the step, for the zero: a message of just that size is not moved for it.
        let ahead = (len.max(GROWTH_STEP as u64) + 1).min(left.saturating_add(1));
        if (bytes.capacity() - bytes.len()) as u64 > ahead.min(GROWTH_STEP as u64 / 16) {
            return Ok(());
        }
        // As much again, so that a message in many small pieces is not moved for each of them.
        let may_go_on = self.is_compressed || !self.frame_is_final;
        let wanted = if may_go_on { ahead.max(len) } else { ahead };
        let grown = wanted.min(ceiling.saturating_sub(len).saturating_add(1)).max(2);
        bytes.try_reserve_exact(grown as usize).map_err(|_| Fault::OutOfMemory)
    }
}
