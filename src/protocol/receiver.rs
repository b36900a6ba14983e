//! Frames from the server become events. RFC 6455 §5.4–5.6, §7.1.5.
//!
//! A message that lies whole in the caller's buffer is handed out as a piece of that buffer; any
//! other is gathered in a buffer of its own that grows with what arrives. Control frames are taken
//! between fragments. After the first fault, or a close frame, nothing more comes out, whatever
//! bytes follow. Knows nothing of replies: those are the session's.

use std::borrow::Cow;

use super::close::{self, CloseFault, CloseStatus};
use super::frame::{self, Fault, Header, MAX_CONTROL_BYTES, MAX_HEADER_BYTES, MessageKind, Opcode};
use super::utf8;

/// How far a message's buffer may run ahead of what has arrived.
const GROWTH_STEP: usize = 1 << 20;
/// From this much missing payload on it is worth reading straight into the message's buffer.
const DIRECT_THRESHOLD: u64 = 32 * 1024;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message; `u64::MAX` for none.
    pub max_message_size: u64,
    /// Frames of one message, empty ones included.
    pub max_fragments: u32,
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

#[derive(Debug)]
pub enum Event<'b> {
    Message(MessageKind, Payload<'b>),
    /// To be answered with a pong of the same bytes. RFC 6455 §5.5.2.
    Ping(Cow<'b, [u8]>),
    Pong(Cow<'b, [u8]>),
    Close(CloseStatus),
    Fault(Fault),
}

/// What the bytes at the cursor belong to.
#[derive(Debug)]
enum Place {
    Header,
    /// Payload of a data frame, this much still to come.
    Data(u64),
    /// Payload of a control frame.
    Control(Opcode, u8),
    /// A close frame or a fault ended it.
    Ended,
}

/// The message being gathered.
#[derive(Debug)]
struct Gathering {
    kind: MessageKind,
    bytes: Vec<u8>,
    text: utf8::Validator,
    fragments: u32,
    frame_is_final: bool,
}

#[derive(Debug)]
pub struct Receiver {
    limits: Limits,
    place: Place,
    gathering: Option<Box<Gathering>>,
    /// The front of a header, or of a control payload, that was cut by the end of the buffer.
    held: Vec<u8>,
    discarding: bool,
}

/// The caller's buffer: `bytes[at..end]` are unread, `bytes.len() > end`, so that there is always
/// a byte behind the last message.
#[derive(Debug)]
pub struct Input<'b> {
    pub bytes: &'b mut [u8],
    pub at: usize,
    pub end: usize,
}

impl Receiver {
    pub fn new(limits: Limits) -> Receiver {
        Receiver {
            limits,
            place: Place::Header,
            gathering: None,
            held: Vec::new(),
            discarding: false,
        }
    }

    /// From now on data is read and dropped; only the close frame, or a fault, still comes out.
    pub fn discard_messages(&mut self) {
        self.discarding = true;
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

    pub fn has_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    /// Ends it from outside: whatever arrives from now on is dropped.
    pub fn end(&mut self) {
        self.place = Place::Ended;
        self.gathering = None;
        self.held = Vec::new();
    }

    /// Takes bytes from `input` up to the next event. `None`: they are all taken.
    #[inline]
    pub fn receive<'b>(&mut self, input: &'b mut Input<'_>) -> Option<Event<'b>> {
        loop {
            match self.place {
                Place::Header => {
                    let header = match self.next_header(input) {
                        Ok(Some(header)) => header,
                        Ok(None) => return None,
                        Err(fault) => return Some(self.fail(fault)),
                    };
                    // The straight path: a whole message that lies whole in the buffer.
                    if let (Opcode::Message(kind), true, None, false) =
                        (header.opcode, header.is_final, &self.gathering, self.discarding)
                    {
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
                            if kind == MessageKind::Text && !utf8::is_valid(text) {
                                return Some(self.fail(Fault::TextNotUtf8));
                            }
                            return Some(Event::Message(kind, Payload::InPlace(piece)));
                        }
                    }
                    if let Err(fault) = self.begin_frame(header) {
                        return Some(self.fail(fault));
                    }
                }
                Place::Data(left) => match self.data(input, left) {
                    Ok(Some((kind, bytes))) => {
                        return Some(Event::Message(kind, Payload::Gathered(bytes)));
                    }
                    Ok(None) if input.at == input.end => return None,
                    Ok(None) => {}
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
        if left < DIRECT_THRESHOLD || self.discarding {
            return None;
        }
        let gathering = self.gathering.as_mut()?;
        if reserve(&mut gathering.bytes, left).is_err() {
            return None; // the ordinary way meets the same want of memory, and reports it
        }
        let room = gathering.bytes.capacity() - gathering.bytes.len() - 1;
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(room);
        Some((&mut gathering.bytes, count))
    }

    /// `count` bytes have been appended to the vector that `direct_target` gave.
    pub fn direct_received(&mut self, count: usize) -> Option<Event<'static>> {
        let (Place::Data(left), Some(gathering)) = (&mut self.place, &mut self.gathering) else {
            return None;
        };
        let from = gathering.bytes.len().saturating_sub(count);
        let fresh = gathering.bytes.get(from..).unwrap_or_default();
        if gathering.kind == MessageKind::Text && !gathering.text.check(fresh) {
            return Some(self.fail(Fault::TextNotUtf8));
        }
        *left = left.saturating_sub(count as u64);
        if *left > 0 {
            return None;
        }
        match self.end_of_frame() {
            Ok(Some((kind, bytes))) => Some(Event::Message(kind, Payload::Gathered(bytes))),
            Ok(None) => None,
            Err(fault) => Some(self.fail(fault)),
        }
    }

    #[inline]
    fn next_header(&mut self, input: &mut Input<'_>) -> Result<Option<Header>, Fault> {
        // The straight path: a short message, and its header lies whole in the buffer.
        let unread = input.bytes.get(input.at..input.end).unwrap_or_default();
        if self.held.is_empty()
            && let Some(header) = frame::decode_short(unread)
        {
            input.at += header.header_len;
            return Ok(Some(header));
        }
        self.next_header_of_any_kind(input)
    }

    fn next_header_of_any_kind(&mut self, input: &mut Input<'_>) -> Result<Option<Header>, Fault> {
        let unread = input.bytes.get(input.at..input.end).unwrap_or_default();
        if self.held.is_empty() {
            let header = frame::decode(unread)?;
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
        match frame::decode(&self.held)? {
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
                self.gathering = Some(Box::new(Gathering {
                    kind,
                    bytes: Vec::new(),
                    text: utf8::Validator::default(),
                    fragments: 0,
                    frame_is_final: false,
                }));
            }
            Opcode::Continuation if self.gathering.is_none() => {
                return Err(Fault::StrayContinuation);
            }
            Opcode::Continuation => {}
        }
        let Some(gathering) = &mut self.gathering else { return Ok(()) };
        gathering.frame_is_final = header.is_final;
        if !self.discarding {
            gathering.fragments += 1;
            if gathering.fragments > self.limits.max_fragments {
                return Err(Fault::TooManyFragments);
            }
            let total = (gathering.bytes.len() as u64).saturating_add(header.payload_len);
            if total > self.limits.max_message_size || total >= isize::MAX as u64 {
                return Err(Fault::MessageTooBig);
            }
        }
        self.place = Place::Data(header.payload_len);
        Ok(())
    }

    /// Payload of a data frame that did not lie whole in the buffer.
    fn data(
        &mut self,
        input: &mut Input<'_>,
        left: u64,
    ) -> Result<Option<(MessageKind, Vec<u8>)>, Fault> {
        let there = ((input.end - input.at) as u64).min(left) as usize;
        let piece = input.bytes.get(input.at..input.at + there).unwrap_or_default();
        input.at += there;
        let left = left - there as u64;
        self.place = Place::Data(left);
        if !self.discarding {
            let Some(gathering) = &mut self.gathering else { return Ok(None) };
            if gathering.kind == MessageKind::Text && !gathering.text.check(piece) {
                return Err(Fault::TextNotUtf8);
            }
            reserve(&mut gathering.bytes, left + there as u64)?;
            gathering.bytes.extend_from_slice(piece);
        }
        if left > 0 { Ok(None) } else { self.end_of_frame() }
    }

    fn end_of_frame(&mut self) -> Result<Option<(MessageKind, Vec<u8>)>, Fault> {
        self.place = Place::Header;
        if !self.gathering.as_ref().is_some_and(|gathering| gathering.frame_is_final) {
            return Ok(None);
        }
        let Some(mut gathering) = self.gathering.take() else { return Ok(None) };
        if self.discarding {
            return Ok(None);
        }
        if gathering.kind == MessageKind::Text && !gathering.text.is_complete() {
            return Err(Fault::TextNotUtf8);
        }
        gathering.bytes.try_reserve(1).map_err(|_| Fault::OutOfMemory)?;
        gathering.bytes.push(0);
        Ok(Some((gathering.kind, gathering.bytes)))
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
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
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

/// Room for `left` more bytes and the closing zero, but never further ahead of what is there than a
/// step or as much again.
fn reserve(bytes: &mut Vec<u8>, left: u64) -> Result<(), Fault> {
    // One more than the step, for the zero: a message of just that size is not moved for it.
    let ahead = (bytes.len().max(GROWTH_STEP) as u64 + 1).min(left.saturating_add(1)) as usize;
    if bytes.capacity() - bytes.len() > ahead.min(GROWTH_STEP / 16) {
        return Ok(());
    }
    let grown = match bytes.is_empty() {
        true => bytes.try_reserve_exact(ahead.max(2)),
        false => bytes.try_reserve(ahead.max(2)),
    };
    grown.map_err(|_| Fault::OutOfMemory)
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
