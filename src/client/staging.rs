//! Messages that do not go to the outbox at once and whole: those that are deflated on the way, when
//! permessage-deflate was agreed (RFC 7692), and those whose bytes stay with the application until
//! they leave, the writes of a stream socket.
//!
//! The order in which they were accepted is the order in which they leave. One thread deflates at a
//! time, a step at a time, and holds no lock meanwhile: what others send waits here. So does what
//! the outbox has no room for: a message that was deflated cannot be taken back any more, because
//! what follows may refer to it, and a lent one would be kept twice.

use std::collections::VecDeque;
use std::fmt;
use std::sync::MutexGuard;

use crate::base::chunk::CHUNK_BYTES;
use crate::base::lock::lock;
use crate::protocol::deflate::{Deflater, OutOfMemory};
use crate::protocol::frame::{Opcode, Shape, framed_len};
use crate::protocol::outbox::Sent;

use super::controls::Control;
use super::inbox::MESSAGE_OVERHEAD;
use super::link::Link;
use super::sink::Completion;
use super::writer::{FLUSH_BYTES, Outgoing};

/// So much is deflated at once. What a callback sends beyond it is left to later turns.
const STEP_BYTES: usize = 64 * 1024;
/// Of what is lent, and has to be copied before: less.
const LENT_STEP_BYTES: usize = 16 * 1024;
/// And so much of what waits in one turn of the session, before the others have theirs.
const TURN_BYTES: usize = 128 * 1024;
/// A frame of lent bytes: with its header it fills a chunk.
const LENT_FRAME_BYTES: usize = CHUNK_BYTES - 8;

/// Bytes of the application that it leaves alone until they are given up.
pub trait Lent: Send {
    fn bytes(&self) -> &[u8];
}

#[derive(Debug, Default)]
pub struct Staging {
    codec: Codec,
    waiting: VecDeque<Waiting>,
    waiting_bytes: u64,
    /// A thread deflates a step of what stands in front; it may be given up meanwhile.
    works_on_front: bool,
}

#[derive(Debug, Default)]
enum Codec {
    #[default]
    None,
    Idle(Box<Deflater>),
    /// A thread deflates.
    Busy,
}

#[derive(Debug)]
enum Waiting {
    Data(Item, Source),
    Close(Vec<u8>),
}

enum Source {
    Kept(Vec<u8>),
    Lent(Box<dyn Lent>),
}

/// A message, or a frame of one, that is to be queued, and how far that has come.
#[derive(Debug)]
pub struct Item {
    /// Of the next frame.
    shape: Shape,
    /// Whether its payload goes through the deflater.
    deflates: bool,
    done: usize,
    operation: Option<(u64, Completion)>,
    /// The operation that has begun to be queued.
    open_operation: Option<u64>,
}

impl Item {
    /// A whole message, or a frame of one that is sent frame by frame.
    pub fn new(
        opcode: Opcode,
        is_final: bool,
        deflates: bool,
        operation: Option<(u64, Completion)>,
    ) -> Item {
        let is_compressed = deflates && matches!(opcode, Opcode::Message(_));
        let shape = Shape { opcode, is_final, is_compressed };
        Item { shape, deflates, done: 0, operation, open_operation: None }
    }
}

impl Staging {
    pub fn new(deflater: Option<Deflater>) -> Staging {
        let codec = deflater.map_or(Codec::None, |deflater| Codec::Idle(Box::new(deflater)));
        Staging { codec, ..Staging::default() }
    }

    pub fn can_deflate(&self) -> bool {
        !matches!(self.codec, Codec::None)
    }

    /// Framed bytes that wait here, counted before they are deflated.
    pub fn waiting(&self) -> u64 {
        self.waiting_bytes
    }

    fn is_busy(&self) -> bool {
        matches!(self.codec, Codec::Busy)
    }

    /// Whether what comes next may be queued at once.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.is_busy()
    }

    fn take_deflater(&mut self) -> Option<Box<Deflater>> {
        match std::mem::replace(&mut self.codec, Codec::Busy) {
            Codec::Idle(deflater) => Some(deflater),
            other => {
                self.codec = other;
                None
            }
        }
    }

    /// Puts the close frame behind what waits; `false`: nothing does.
    pub fn close(&mut self, payload: &[u8]) -> bool {
        if self.is_idle() {
            return false;
        }
        self.waiting.push_back(Waiting::Close(payload.to_vec()));
        true
    }

    /// Takes out an operation that has not begun to be queued.
    pub fn cancel(&mut self, number: u64) -> Option<Sent<Completion>> {
        let at = self.waiting.iter().position(|waiting| {
            let Waiting::Data(Item { operation: Some((of, _)), .. }, _) = waiting else {
                return false;
            };
            *of == number
        })?;
        let Some(Waiting::Data(mut item, source)) = self.waiting.remove(at) else { return None };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(cost(source.bytes().len()));
        sent(item.operation.take(), source.bytes().len())
    }

    /// Everything that waits is given up; the operations among it are returned.
    pub fn abandon(&mut self) -> Vec<Sent<Completion>> {
        self.works_on_front = false;
        self.waiting_bytes = 0;
        let given_up = self.waiting.drain(..).filter_map(|waiting| match waiting {
            Waiting::Data(item, source) => sent(item.operation, source.bytes().len()),
            Waiting::Close(_) => None,
        });
        given_up.collect()
    }

    /// Takes out what is lent; its operations are returned.
    pub fn withdraw_lent(&mut self) -> Vec<Sent<Completion>> {
        let mut withdrawn = Vec::new();
        let is_front = matches!(self.waiting.front(), Some(Waiting::Data(_, Source::Lent(_))));
        self.works_on_front &= !is_front;
        self.waiting.retain_mut(|waiting| {
            let Waiting::Data(item, source @ Source::Lent(_)) = waiting else { return true };
            withdrawn.extend(sent(item.operation.take(), source.bytes().len()));
            false
        });
        self.waiting_bytes = self.waiting.iter().map(Waiting::cost).sum();
        withdrawn
    }

    /// Puts a copy of what is to be queued behind what waits.
    pub fn keep(&mut self, item: Item, payload: &[u8]) {
        self.push_back(item, Source::Kept(payload.to_vec()));
    }

    fn push_back(&mut self, item: Item, source: Source) {
        self.waiting_bytes += cost(source.bytes().len());
        self.waiting.push_back(Waiting::Data(item, source));
    }

    fn push_front(&mut self, item: Item, source: Source) {
        self.waiting_bytes += cost(source.bytes().len().saturating_sub(item.done));
        self.waiting.push_front(Waiting::Data(item, source));
    }

    fn pop_front(&mut self) -> Option<Waiting> {
        let front = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(front.cost());
        Some(front)
    }
}

impl Waiting {
    fn cost(&self) -> u64 {
        match self {
            Waiting::Data(item, source) => cost(source.bytes().len().saturating_sub(item.done)),
            Waiting::Close(_) => 0,
        }
    }
}

impl Source {
    fn bytes(&self) -> &[u8] {
        match self {
            Source::Kept(bytes) => bytes,
            Source::Lent(lent) => lent.bytes(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes().len())
    }
}

fn cost(len: usize) -> u64 {
    framed_len(len) + MESSAGE_OVERHEAD
}

fn sent(operation: Option<(u64, Completion)>, payload_len: usize) -> Option<Sent<Completion>> {
    operation.map(|(number, completion)| Sent { number, payload_len, completion })
}

impl Outgoing {
    /// Whether the next thing that waits here may be queued.
    pub fn can_stage(&self) -> bool {
        let Some(staging) = &self.staging else { return false };
        // What is lent need not be kept twice: a chunk of it at a time.
        let limit = match staging.waiting.front() {
            None => return false,
            Some(Waiting::Data(_, Source::Lent(_))) => 1,
            Some(_) => FLUSH_BYTES,
        };
        self.outbox.waiting() < limit && !self.outbox.has_ended() && !staging.is_busy()
    }
}

impl Link {
    /// Queues a message, or a frame of one, on a connection with compression.
    pub fn stage(&self, mut outgoing: MutexGuard<'_, Outgoing>, item: Item, payload: &[u8]) {
        let is_long_for_turn = self.is_in_turn() && item.deflates && payload.len() > STEP_BYTES;
        let has_room = outgoing.outbox.waiting() < FLUSH_BYTES || !item.deflates;
        let Some(staging) = &mut outgoing.staging else { return };
        if !staging.is_idle() || is_long_for_turn || !has_room {
            staging.keep(item, payload);
            drop(outgoing);
            return self.look_again();
        }
        if !item.deflates {
            let was_empty = outgoing.outbox.is_empty();
            put_plain(&mut outgoing, item, payload);
            return self.after_queueing(outgoing, was_empty);
        }
        let Some(deflater) = staging.take_deflater() else { return };
        drop(outgoing);
        self.deflate_now(deflater, item, payload);
    }

    /// Queues bytes that stay where they are until they leave: as many as the system takes now,
    /// on this thread where nothing is in the way.
    pub fn stage_lent<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        item: Item,
        lent: Box<dyn Lent>,
    ) {
        let deflates = item.deflates;
        let Some(staging) = &mut outgoing.staging else { return };
        staging.push_back(item, Source::Lent(lent));
        let may_write = !deflates
            && !self.is_in_turn()
            && !crate::reactor::mailbox::on_event_loop()
            && outgoing.stalled_since.is_none();
        if may_write && let Some(socket) = outgoing.socket.clone() {
            while outgoing.can_stage() && !outgoing.outbox.has_writer() {
                outgoing = self.stage_step(outgoing).0;
                outgoing = self.write_waiting(outgoing, &socket, 1);
            }
        }
        let needs_session = outgoing.needs_session();
        drop(outgoing);
        if needs_session {
            self.look_again();
        }
    }

    pub fn look_again(&self) {
        // A turn ends with looking at all of this anyway.
        if !self.is_in_turn() {
            self.kick();
        }
    }

    /// Deflates and queues one item of this thread's, step by step, while it is written.
    fn deflate_now(&self, mut deflater: Box<Deflater>, mut item: Item, payload: &[u8]) {
        let mut out = Vec::new();
        loop {
            let rest = payload.get(item.done..).unwrap_or_default();
            let step = self.deflate_step(&mut deflater, &item, rest, &mut out);
            let mut outgoing = lock(&self.outgoing);
            let was_empty = outgoing.outbox.is_empty();
            let goes_on = put_step(&mut outgoing, &mut item, payload.len(), step, &out);
            let is_stuck =
                outgoing.outbox.waiting() >= FLUSH_BYTES && outgoing.stalled_since.is_some();
            if goes_on && !is_stuck {
                self.after_queueing(outgoing, was_empty);
                continue;
            }
            let mut has_more = false;
            if let Some(staging) = &mut outgoing.staging {
                staging.codec = Codec::Idle(deflater);
                if goes_on {
                    staging.push_front(item, Source::Kept(payload.to_vec()));
                }
                has_more = !staging.waiting.is_empty();
            }
            has_more |= outgoing.error.is_some();
            self.after_queueing(outgoing, was_empty);
            if has_more {
                self.look_again();
            }
            return;
        }
    }

    /// Deflates the front of `rest`, what is left of the item. Returns how much that was.
    fn deflate_step(
        &self,
        deflater: &mut Deflater,
        item: &Item,
        rest: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, OutOfMemory> {
        out.clear();
        let piece = rest.get(..rest.len().min(STEP_BYTES)).unwrap_or_default();
        let is_last = item.shape.is_final && piece.len() == rest.len();
        let level = self.controls.integer(Control::CompressionLevel) as u32;
        deflater.deflate(level, piece, is_last, out).map(|()| piece.len())
    }

    /// The session's part: queues what waits, as far as a turn goes. `true`: something was queued.
    pub fn stage_waiting(&self) -> bool {
        let mut budget = TURN_BYTES;
        let mut has_queued = false;
        let mut outgoing = lock(&self.outgoing);
        while budget > 0 && outgoing.can_stage() {
            let (again, count) = self.stage_step(outgoing);
            outgoing = again;
            budget = budget.saturating_sub(count.max(1));
            has_queued = true;
        }
        has_queued
    }

    /// Queues a step of what waits in front. Also says how many bytes of the application that was.
    fn stage_step<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
    ) -> (MutexGuard<'a, Outgoing>, usize) {
        let front = outgoing.staging.as_mut().and_then(|staging| staging.pop_front());
        let (mut item, source) = match front {
            Some(Waiting::Data(item, source)) => (item, source),
            Some(Waiting::Close(payload)) => {
                outgoing.outbox.close(&payload);
                return (outgoing, 0);
            }
            None => return (outgoing, 0),
        };
        let len = source.bytes().len();
        let before = item.done;
        let goes_on = match (item.deflates, &source) {
            (false, Source::Kept(bytes)) => {
                put_plain(&mut outgoing, item, bytes);
                return (outgoing, len);
            }
            (false, Source::Lent(lent)) => {
                let rest = lent.bytes().get(before..).unwrap_or_default();
                let count = rest.len().min(LENT_FRAME_BYTES);
                let piece = rest.get(..count).unwrap_or_default();
                put_step(&mut outgoing, &mut item, len, Ok(count), piece)
            }
            (true, _) => {
                let taken = outgoing.staging.as_mut().and_then(|staging| staging.take_deflater());
                let Some(mut deflater) = taken else { return (outgoing, 0) };
                // What is lent may be asked back while there is no lock.
                let rest = source.bytes().get(before..).unwrap_or_default();
                let count = rest.len().min(match source {
                    Source::Lent(_) => LENT_STEP_BYTES,
                    Source::Kept(_) => STEP_BYTES,
                });
                let has_end = rest.len() == count;
                let piece = rest.get(..count).unwrap_or_default().to_vec();
                let mut shape = item.shape;
                shape.is_final &= has_end;
                let part = Item { shape, ..Item::new(shape.opcode, false, true, None) };
                // From here on it cannot be cancelled, and stays in front.
                begin(&mut outgoing, &mut item, len);
                if let Some(staging) = &mut outgoing.staging {
                    staging.push_front(item, source);
                    staging.works_on_front = true;
                }
                drop(outgoing);
                let mut out = Vec::new();
                let step = self.deflate_step(&mut deflater, &part, &piece, &mut out);
                let mut outgoing = lock(&self.outgoing);
                let Some(staging) = &mut outgoing.staging else { return (outgoing, 0) };
                staging.codec = Codec::Idle(deflater);
                // Given up meanwhile, or still the first.
                if !std::mem::take(&mut staging.works_on_front) {
                    return (outgoing, piece.len());
                }
                let Some(Waiting::Data(mut item, source)) = staging.pop_front() else {
                    return (outgoing, piece.len());
                };
                if put_step(&mut outgoing, &mut item, len, step, &out)
                    && let Some(staging) = &mut outgoing.staging
                {
                    staging.push_front(item, source);
                }
                return (outgoing, piece.len());
            }
        };
        let count = item.done - before;
        if goes_on && let Some(staging) = &mut outgoing.staging {
            staging.push_front(item, source);
        }
        (outgoing, count)
    }
}

/// Queues an item that is not to be deflated.
fn put_plain(outgoing: &mut Outgoing, mut item: Item, payload: &[u8]) {
    begin(outgoing, &mut item, payload.len());
    let outbox = &mut outgoing.outbox;
    outbox.fragment(item.shape, payload);
    outbox.traffic_mut().messages += u64::from(item.shape.is_final);
    outbox.traffic_mut().payload_bytes += payload.len() as u64;
    if let Some(number) = item.open_operation {
        outbox.end_operation(number);
    }
}

/// The item's operation begins to be queued.
fn begin(outgoing: &mut Outgoing, item: &mut Item, item_len: usize) {
    if let Some((number, completion)) = item.operation.take() {
        outgoing.outbox.begin_operation(number, item_len, completion, item.deflates);
        item.open_operation = Some(number);
    }
}

/// Queues what a step came to: `count` bytes of the item as `payload`. `false`: there is no more.
fn put_step(
    outgoing: &mut Outgoing,
    item: &mut Item,
    item_len: usize,
    count: Result<usize, OutOfMemory>,
    payload: &[u8],
) -> bool {
    let Ok(count) = count else {
        outgoing.error = Some(std::io::ErrorKind::OutOfMemory.into());
        return false;
    };
    if outgoing.outbox.has_ended() {
        return false; // the connection has failed meanwhile
    }
    begin(outgoing, item, item_len);
    let outbox = &mut outgoing.outbox;
    item.done += count;
    let has_ended = item.done == item_len;
    let is_final = item.shape.is_final && has_ended;
    outbox.fragment(Shape { is_final, ..item.shape }, payload);
    item.shape = item.shape.continued();
    if item.deflates {
        outbox.traffic_mut().compressed_bytes += payload.len() as u64;
        outbox.traffic_mut().inflated_bytes += count as u64;
    }
    outbox.traffic_mut().payload_bytes += count as u64;
    if has_ended {
        outbox.traffic_mut().messages += u64::from(item.shape.is_final);
        if let Some(number) = item.open_operation {
            outbox.end_operation(number);
        }
    }
    !has_ended
}

#[cfg(test)]
#[path = "staging_tests.rs"]
mod tests;
