//! What RFC 6455 and RFC 7692 say of the bytes a server has sent, worked out slowly with all of them
//! at hand: no pieces, no budget, no buffers. Knows the limits, and nothing of how the library reads.

use anyws::protocol::close::CloseStatus;
use anyws::protocol::frame::{Header, Opcode};
use anyws::protocol::receiver::Limits;
use anyws::protocol::{Fault, MessageKind};

use crate::oracle;

/// How the connection is read.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// permessage-deflate was agreed.
    pub inflates: bool,
    pub keeps_context: bool,
    /// Text is checked.
    pub checks_text: bool,
    /// `None`: the limits do not bind.
    pub limits: Option<Limits>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Message(MessageKind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The bytes end, and nothing is wrong with them so far.
    Open,
    Closed(CloseStatus),
    Fault(Fault),
    /// A compressed message is wrong; as what depends on where one looks first.
    Rotten,
}

/// What the whole of it comes to.
#[derive(Debug)]
pub struct Account {
    pub told: Vec<Told>,
    pub end: End,
    /// Payload of an unfinished message that is not compressed.
    pub unfinished: Option<(MessageKind, Vec<u8>)>,
    /// The end came, or the bytes ended, within a compressed message. Whoever inflates as it comes
    /// may have found fault with it before.
    pub is_inside_compressed: bool,
}

struct Message {
    kind: MessageKind,
    is_compressed: bool,
    payload: Vec<u8>,
    fragments: u32,
}

/// RFC 6455 §5.2, from the page: `None`, more bytes are needed to tell.
pub fn header(bytes: &[u8], inflates: bool) -> Result<Option<Header>, Fault> {
    let Some(first) = bytes.first() else { return Ok(None) };
    let (is_final, rsv1, others, code) =
        (first >> 7 == 1, first >> 6 & 1 == 1, first >> 4 & 3, first & 15);
    if others != 0 || (rsv1 && !(inflates && (code == 1 || code == 2))) {
        return Err(Fault::ReservedBits);
    }
    let opcode = match code {
        0 => Opcode::Continuation,
        1 => Opcode::Message(MessageKind::Text),
        2 => Opcode::Message(MessageKind::Binary),
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(Fault::ReservedOpcode(code)),
    };
    let Some(second) = bytes.get(1) else { return Ok(None) };
    if second >> 7 == 1 {
        return Err(Fault::MaskedFrame);
    }
    if code >= 8 && !is_final {
        return Err(Fault::FragmentedControl);
    }
    if code >= 8 && *second > 125 {
        return Err(Fault::LongControl);
    }
    let (width, least) = match second {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let Some(digits) = bytes.get(2..2 + width) else { return Ok(None) };
    let mut payload_len = if width == 0 { u64::from(*second) } else { 0 };
    for digit in digits {
        payload_len = payload_len << 8 | u64::from(*digit);
    }
    if payload_len < least {
        return Err(Fault::LengthNotShortest);
    }
    if payload_len >> 63 == 1 {
        return Err(Fault::LengthTooLarge);
    }
    let header_len = 2 + width;
    Ok(Some(Header { opcode, is_final, is_compressed: rsv1, payload_len, header_len }))
}

/// RFC 6455 §5.5.1, §7.4.
fn close(payload: &[u8]) -> Result<CloseStatus, Fault> {
    if payload.is_empty() {
        return Ok(CloseStatus { code: 1005, reason: Vec::new() });
    }
    if payload.len() == 1 {
        return Err(Fault::CloseOneByte);
    }
    let code = u16::from(payload[0]) * 256 + u16::from(payload[1]);
    if !(1000..5000).contains(&code)
        || (1015..3000).contains(&code)
        || [1004, 1005, 1006].contains(&code)
    {
        return Err(Fault::CloseCode(code));
    }
    match std::str::from_utf8(&payload[2..]) {
        Ok(_) => Ok(CloseStatus { code, reason: payload[2..].to_vec() }),
        Err(_) => Err(Fault::CloseReasonNotUtf8),
    }
}

/// Reads all of `wire`.
pub fn read(mut wire: &[u8], terms: Terms) -> Account {
    let mut told = Vec::new();
    let mut message: Option<Message> = None;
    let mut history = Vec::new();
    let end = loop {
        let header = match header(wire, terms.inflates) {
            Ok(Some(header)) => header,
            Ok(None) => break End::Open,
            Err(fault) => break End::Fault(fault),
        };
        wire = &wire[header.header_len..];
        let there = wire.len().min(usize::try_from(header.payload_len).unwrap_or(usize::MAX));
        let is_whole = there as u64 == header.payload_len;
        let (payload, rest) = wire.split_at(there);
        wire = rest;
        match header.opcode {
            Opcode::Ping | Opcode::Pong | Opcode::Close if !is_whole => break End::Open,
            Opcode::Ping => told.push(Told::Ping(payload.to_vec())),
            Opcode::Pong => told.push(Told::Pong(payload.to_vec())),
            Opcode::Close => break close(payload).map_or_else(End::Fault, End::Closed),
            Opcode::Continuation if message.is_none() => {
                break End::Fault(Fault::StrayContinuation);
            }
            Opcode::Message(_) if message.is_some() => {
                break End::Fault(Fault::MessageInsideMessage);
            }
            Opcode::Continuation | Opcode::Message(_) => {
                let kind = match header.opcode {
                    Opcode::Message(kind) => kind,
                    _ => MessageKind::Binary,
                };
                let current = message.get_or_insert(Message {
                    kind,
                    is_compressed: header.is_compressed,
                    payload: Vec::new(),
                    fragments: 0,
                });
                if let Err(fault) = current.bear(header, payload, terms) {
                    break End::Fault(fault);
                }
                if !is_whole {
                    break End::Open;
                }
                if header.is_final {
                    let Some(whole) = current.end(&mut history, terms) else {
                        break if current.is_compressed {
                            End::Rotten
                        } else {
                            End::Fault(Fault::TextNotUtf8)
                        };
                    };
                    told.push(Told::Message(current.kind, whole));
                    message = None;
                }
            }
        }
    };
    let is_inside_compressed = message.as_ref().is_some_and(|message| message.is_compressed);
    let unfinished = message.filter(|message| !message.is_compressed);
    let unfinished = unfinished.map(|message| (message.kind, message.payload));
    Account { told, end, unfinished, is_inside_compressed }
}

impl Message {
    /// A frame of it, as much as is there.
    fn bear(&mut self, header: Header, payload: &[u8], terms: Terms) -> Result<(), Fault> {
        if let Some(limits) = terms.limits {
            // The bare end of a message of some bytes is free. Of a compressed one that depends on
            // what has come out of it: the targets that count fragments do not compress.
            let is_bare_end =
                header.is_final && header.payload_len == 0 && !self.payload.is_empty();
            self.fragments += u32::from(!is_bare_end);
            if self.fragments > limits.max_fragments {
                return Err(Fault::TooManyFragments);
            }
            let total = self.payload.len() as u64 + header.payload_len;
            if !self.is_compressed
                && (total > limits.max_message_size || total >= isize::MAX as u64)
            {
                return Err(Fault::MessageTooBig);
            }
        }
        self.payload.extend_from_slice(payload);
        if !self.is_compressed && self.kind == MessageKind::Text && terms.checks_text {
            let checked = std::str::from_utf8(&self.payload);
            if checked.is_err_and(|error| error.error_len().is_some()) {
                return Err(Fault::TextNotUtf8);
            }
        }
        Ok(())
    }

    /// The whole message as it was meant; `None` if it cannot be.
    fn end(&self, history: &mut Vec<u8>, terms: Terms) -> Option<Vec<u8>> {
        let whole = if self.is_compressed {
            if !terms.keeps_context {
                history.clear();
            }
            oracle::inflate(&self.payload, history)?
        } else {
            self.payload.clone()
        };
        let is_text = self.kind == MessageKind::Text && terms.checks_text;
        let is_fine = !is_text || std::str::from_utf8(&whole).is_ok();
        let limit = terms.limits.map_or(u64::MAX, |limits| limits.max_message_size);
        (is_fine && whole.len() as u64 <= limit).then_some(whole)
    }
}
