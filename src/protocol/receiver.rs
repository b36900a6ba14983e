//! Frames from the server become events. RFC 6455 §5.4–5.6, §7.1.5; RFC 7692 §7.2.2.
//!
//! A message that lies whole in the caller's buffer is handed out as a piece of that buffer; any
//! other is gathered, or in partial mode handed out as it comes. Compressed payload is inflated a
//! step at a time into a second buffer of the caller's. Control frames are taken between fragments.
//! After the first fault, or a close frame, nothing more comes out, whatever bytes follow. Knows
//! nothing of replies: those are the session's.

use std::borrow::Cow;

use super::close::{self, CloseFault, CloseStatus};
use super::deflate::Inflater;
use super::frame::{
    self, Fault, Header, MAX_CONTROL_BYTES, MAX_HEADER_BYTES, MessageKind, Opcode, Part,
};
use super::gathering::Gathering;
use super::payload::Taken;
use super::traffic::Traffic;
use super::utf8;

/// From this much missing payload on it is worth reading straight into the message's buffer.
const DIRECT_THRESHOLD: u64 = 32 * 1024;
/// What may be done before the others have their turn: a unit for a frame, so that even empty ones
/// come to an end, and as many for what a step inflates as that takes time.
const BUDGET: u32 = 16 * 1024;
pub(super) const INFLATED_BYTES_PER_UNIT: usize = 64;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message; `u64::MAX` for none.
    pub max_message_size: u64,
    /// Frames of one message, empty ones included.
    pub max_fragments: u32,
}

/// In what pieces messages come out. The limits bind whole messages only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    FullMessage,
    /// As they arrive, also inside a frame.
    PartialMessage,
    /// Likewise, and text is bytes like any other.
    Stream,
}

/// A message's bytes.
#[derive(Debug)]
pub enum Payload<'b> {
    /// A piece of the caller's buffer and one byte behind it, which the caller may overwrite and
    /// puts back before it goes on.
    InPlace(&'b mut [u8]),
    /// Its own buffer, ended by one zero byte that does not belong to the message.
    Gathered(Vec<u8>),
}

impl Payload<'_> {
    /// Without the byte behind.
    pub fn bytes(&self) -> &[u8] {
        let with_more: &[u8] = match self {
            Payload::InPlace(piece) => piece,
            Payload::Gathered(bytes) => bytes,
        };
        with_more.split_last().map_or(&[], |(_, bytes)| bytes)
    }
}

#[derive(Debug)]
pub enum Event<'b> {
    Message(Part, Payload<'b>),
    /// To be answered with a pong of the same bytes. RFC 6455 §5.5.2.
    Ping(Cow<'b, [u8]>),
    Pong(Cow<'b, [u8]>),
    Close(CloseStatus),
    /// The connection must be failed; nothing comes after this. RFC 6455 §7.1.7.
    Fault(Fault),
}

/// What the bytes at the cursor belong to.
#[derive(Debug)]
pub(super) enum Place {
    Header,
    /// Payload of a data frame, this much still to come. Of a compressed message there may be more
    /// to inflate when nothing is.
    Data(u64),
    /// Payload of a control frame.
    Control(Opcode, u8),
    /// A close frame or a fault ended it.
    Ended,
}

#[derive(Debug)]
pub struct Receiver {
    pub(super) mode: Mode,
    pub(super) limits: Limits,
    pub(super) place: Place,
    pub(super) gathering: Option<Box<Gathering>>,
    /// The front of a header, or of a control payload, that was cut by the end of the buffer.
    pub(super) held: Vec<u8>,
    pub(super) discarding: bool,
    pub(super) inflater: Option<Box<Inflater>>,
    pub(super) budget: u32,
    pub(super) last_frame_len: u64,
    pub traffic: Traffic,
    /// Memory for the next message that is gathered: the caller's, who may take it away again.
    pub lent: Vec<u8>,
}

/// The caller's buffers: `bytes[at..end]` are unread, `bytes.len() > end`, so that there is always
/// a byte behind the last message. `inflated` is for what comes out of compressed messages, and
/// also has a byte more than is used.
#[derive(Debug)]
pub struct Input<'b> {
    pub bytes: &'b mut [u8],
    pub at: usize,
    pub end: usize,
    pub inflated: &'b mut [u8],
}

impl Receiver {
    /// With an inflater when permessage-deflate was agreed.
    pub fn new(mode: Mode, limits: Limits, inflater: Option<Inflater>) -> Receiver {
        Receiver {
            mode,
            limits,
            place: Place::Header,
            gathering: None,
            held: Vec::new(),
            discarding: false,
            inflater: inflater.map(Box::new),
            budget: BUDGET,
            last_frame_len: 0,
            traffic: Traffic::default(),
            lent: Vec::new(),
        }
    }

    /// A new turn: `receive` may do some work again before it stops in the middle of the input.
    pub fn refill_budget(&mut self) {
        self.budget = BUDGET;
    }

    /// From now on messages are read and dropped; control frames, or a fault, still come out.
    pub fn discard_messages(&mut self) {
        self.discarding = true;
        self.inflater = None;
        if let Some(gathering) = &mut self.gathering {
            gathering.bytes = Vec::new();
        }
    }

    /// Whether a message, or the header of a frame, has begun and not ended.
    pub fn is_inside_message(&self) -> bool {
        self.gathering.is_some()
            || !self.held.is_empty()
            || matches!(self.place, Place::Control(..))
    }

    /// Whether it stands where a new one does, apart from what it has counted.
    pub fn is_at_rest(&self) -> bool {
        let is_between_messages = matches!(self.place, Place::Header) && self.gathering.is_none();
        is_between_messages && self.held.is_empty() && !self.discarding && self.inflater.is_none()
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    /// Ends it from outside: whatever arrives from now on is dropped.
    pub fn end(&mut self) {
        self.place = Place::Ended;
        self.gathering = None;
        self.held = Vec::new();
        self.inflater = None;
    }

    /// Takes bytes from `input` up to the next event. `None`: they are all taken, or the budget is
    /// spent and the rest must be given again.
    #[inline]
    pub fn receive<'b>(&mut self, input: &'b mut Input<'_>) -> Option<Event<'b>> {
        loop {
            match self.place {
                Place::Header => {
                    if self.budget == 0 {
                        return None;
                    }
                    let header = match self.next_header(input) {
                        Ok(Some(header)) => header,
                        Ok(None) => return None,
                        Err(fault) => return Some(self.fail(fault)),
                    };
                    self.budget -= 1;
                    self.traffic.frames += 1;
                    // The straight path: a whole message that lies whole in the buffer.
                    if let (Opcode::Message(kind), true, false, None, false) = (
                        header.opcode,
                        header.is_final,
                        header.is_compressed,
                        &self.gathering,
                        self.discarding,
                    ) {
                        let there = (input.end - input.at) as u64;
                        if header.payload_len > self.limits.max_message_size {
                            return Some(self.fail(Fault::MessageTooBig));
                        }
                        if header.payload_len <= there {
                            let from = input.at;
                            let to = from + header.payload_len as usize;
                            input.at = to;
                            let Some(piece) = input.bytes.get_mut(from..to + 1) else {
                                return None; // unreachable: bytes.len() > end >= to
                            };
                            let text = piece.split_last().map_or(&[][..], |(_, text)| text);
                            if kind == MessageKind::Text
                                && self.mode != Mode::Stream
                                && !utf8::is_valid(text)
                            {
                                return Some(self.fail(Fault::TextNotUtf8));
                            }
                            self.traffic.messages += 1;
                            self.traffic.payload_bytes += header.payload_len;
                            let part = Part { kind, is_complete: true };
                            return Some(Event::Message(part, Payload::InPlace(piece)));
                        }
                    }
                    if let Err(fault) = self.begin_frame(header) {
                        return Some(self.fail(fault));
                    }
                }
                Place::Data(left) => match self.data(input, left) {
                    Ok(Taken::Nothing) if self.is_held_up(input) => return None,
                    Ok(Taken::Nothing) => {}
                    Ok(Taken::Piece(part, range)) => {
                        let piece = input.bytes.get_mut(range.start..range.end + 1);
                        return piece.map(|piece| Event::Message(part, Payload::InPlace(piece)));
                    }
                    Ok(Taken::Inflated(part, len)) => {
                        let piece = input.inflated.get_mut(..len + 1);
                        return piece.map(|piece| Event::Message(part, Payload::InPlace(piece)));
                    }
                    Ok(Taken::Gathered(part, bytes)) => {
                        return Some(Event::Message(part, Payload::Gathered(bytes)));
                    }
                    Err(fault) => return Some(self.fail(fault)),
                },
                Place::Control(opcode, len) => {
                    let missing = usize::from(len) - self.held.len();
                    let there = (input.end - input.at).min(missing);
                    if there < missing {
                        let piece = input.bytes.get(input.at..input.end).unwrap_or_default();
                        self.held.extend_from_slice(piece);
                        input.at = input.end;
                        return None;
                    }
                    return Some(self.control(input, opcode, there));
                }
                Place::Ended => {
                    input.at = input.end;
                    return None;
                }
            }
        }
    }

    /// Where the coming bytes may be read to without passing through the shared buffer, and how
    /// many: `None` unless much of a message is missing.
    pub fn direct_target(&mut self) -> Option<(&mut Vec<u8>, usize)> {
        let Place::Data(left) = self.place else { return None };
        if left < DIRECT_THRESHOLD || self.discarding || self.mode != Mode::FullMessage {
            return None;
        }
        let gathering = self.gathering.as_mut().filter(|gathering| !gathering.is_compressed)?;
        if gathering.reserve(left, u64::MAX).is_err() {
            return None; // the ordinary way meets the same want of memory, and reports it
        }
        let room = gathering.bytes.capacity() - gathering.bytes.len() - 1;
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(room);
        Some((&mut gathering.bytes, count))
    }

    /// How much is missing of a frame of which nothing comes out before it is whole.
    pub fn missing(&self) -> usize {
        match self.place {
            Place::Data(left) if self.gathers() && !self.discarding => {
                usize::try_from(left).unwrap_or(usize::MAX)
            }
            _ => 0,
        }
    }

    /// `count` bytes have been appended to the vector that `direct_target` gave.
    pub fn direct_received(&mut self, count: usize) -> Option<Event<'static>> {
        let (Place::Data(left), Some(gathering)) = (&mut self.place, &mut self.gathering) else {
            return None;
        };
        if let Err(fault) = gathering.check_last(count, self.mode) {
            return Some(self.fail(fault));
        }
        *left = left.saturating_sub(count as u64);
        if *left > 0 {
            return None;
        }
        match self.end_of_frame() {
            Ok(Taken::Gathered(part, bytes)) => {
                Some(Event::Message(part, Payload::Gathered(bytes)))
            }
            Ok(_) => None,
            Err(fault) => Some(self.fail(fault)),
        }
    }

    #[inline]
    fn next_header(&mut self, input: &mut Input<'_>) -> Result<Option<Header>, Fault> {
        // The straight path: a message that is not large, and its header lies whole in the buffer.
        let unread = input.bytes.get(input.at..input.end).unwrap_or_default();
        if self.held.is_empty()
            && let Some(header) = frame::decode_short(unread)
        {
            input.at += header.header_len;
            return Ok(Some(header));
        }
        if unread.is_empty() {
            return Ok(None);
        }
        self.next_header_of_any_kind(input)
    }

    fn next_header_of_any_kind(&mut self, input: &mut Input<'_>) -> Result<Option<Header>, Fault> {
        let unread = input.bytes.get(input.at..input.end).unwrap_or_default();
        // Who discards has no inflater any more, and does not care.
        let inflates = self.inflater.is_some() || self.discarding;
        if self.held.is_empty() {
            let header = frame::decode(unread, inflates)?;
            match header {
                Some(header) => input.at += header.header_len,
                None => {
                    self.held.extend_from_slice(unread);
                    input.at = input.end;
                }
            }
            return Ok(header);
        }
        let before = self.held.len();
        let wanted = (MAX_HEADER_BYTES - before).min(unread.len());
        self.held.extend_from_slice(unread.get(..wanted).unwrap_or_default());
        match frame::decode(&self.held, inflates)? {
            Some(header) => {
                input.at += header.header_len - before;
                self.held = Vec::new();
                Ok(Some(header))
            }
            None => {
                input.at = input.end;
                Ok(None)
            }
        }
    }

    /// Judges a frame by its header and what came before it.
    fn begin_frame(&mut self, header: Header) -> Result<(), Fault> {
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                debug_assert!(header.payload_len <= MAX_CONTROL_BYTES as u64);
                self.place = Place::Control(header.opcode, header.payload_len as u8);
                return Ok(());
            }
            Opcode::Message(kind) => {
                // RFC 6455 §5.4: fragments of one message must not be interleaved with another.
                if self.gathering.is_some() {
                    return Err(Fault::MessageInsideMessage);
                }
                self.gathering = Some(Box::new(Gathering::new(kind, header.is_compressed)));
            }
            Opcode::Continuation if self.gathering.is_none() => {
                return Err(Fault::StrayContinuation);
            }
            Opcode::Continuation => {}
        }
        let Some(gathering) = &mut self.gathering else { return Ok(()) };
        if self.discarding {
            gathering.frame_is_final = header.is_final;
        } else {
            gathering.begin_frame(header, self.mode, self.limits)?;
            if self.mode == Mode::FullMessage {
                gathering.borrow(&mut self.lent, header.payload_len);
            }
        }
        if gathering.is_compressed {
            self.traffic.compressed_bytes += header.payload_len;
        }
        self.last_frame_len = header.payload_len;
        self.place = Place::Data(header.payload_len);
        Ok(())
    }

    /// A control frame whose payload is all there: `there` bytes of it in the buffer, what came
    /// before in `held`.
    fn control<'b>(&mut self, input: &'b mut Input<'_>, opcode: Opcode, there: usize) -> Event<'b> {
        let from = input.at;
        input.at += there;
        self.place = Place::Header;
        let piece = input.bytes.get(from..from + there).unwrap_or_default();
        let payload = if self.held.is_empty() {
            Cow::Borrowed(piece)
        } else {
            self.held.extend_from_slice(piece);
            Cow::Owned(std::mem::take(&mut self.held))
        };
        match opcode {
            Opcode::Ping => {
                self.traffic.pings += 1;
                Event::Ping(payload)
            }
            Opcode::Pong => {
                self.traffic.pongs += 1;
                Event::Pong(payload)
            }
            _ => match close::parse(&payload) {
                Ok(status) => {
                    self.end();
                    Event::Close(status)
                }
                Err(fault) => self.fail(match fault {
                    CloseFault::OneByte => Fault::CloseOneByte,
                    CloseFault::Code(code) => Fault::CloseCode(code),
                    CloseFault::ReasonNotUtf8 => Fault::CloseReasonNotUtf8,
                }),
            },
        }
    }

    fn fail(&mut self, fault: Fault) -> Event<'static> {
        self.end();
        Event::Fault(fault)
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
