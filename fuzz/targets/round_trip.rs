//! What our side sends: messages, fragments, pings, pongs and a close frame in any order, compressed
//! or not, written as the system takes them, with operations taken out again. The bytes are read by
//! tungstenite's server role, by a slow reader, and by our own receiver, and are what was sent.
#![no_main]

use std::collections::VecDeque;
use std::io::{self, Cursor, Read, Write};
use std::sync::Arc;

use anyws::base::chunk::{Chunk, ChunkPool};
use anyws::base::random::MaskKeys;
use anyws::protocol::MessageKind;
use anyws::protocol::close;
use anyws::protocol::deflate::{Deflater, Inflater, Parameters, Spares};
use anyws::protocol::frame::{Opcode, Shape};
use anyws::protocol::outbox::Outbox;
use anyws::protocol::receiver::{Limits, Mode, Receiver};
use anyws_fuzz::model::{self, End, Terms, Told};
use anyws_fuzz::reader::Reader;
use anyws_fuzz::{Choices, Counted, Cuts, Frame};
use libfuzzer_sys::fuzz_target;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

#[global_allocator]
static COUNTED: Counted = Counted;

const NO_LIMITS: Limits = Limits { max_message_size: u64::MAX, max_fragments: u32::MAX };
/// Messages are large enough to be streamed, and still this ends.
const ENOUGH: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let set = choices.byte();
    let keeps_context = set & 1 != 0;
    let window_bits = 9 + set / 2 % 7;
    let cuts = Cuts::new(&mut choices);
    let agreed = Parameters {
        client_max_window_bits: window_bits,
        server_max_window_bits: window_bits,
        client_no_context_takeover: !keeps_context,
        server_no_context_takeover: !keeps_context,
    };
    let mut sender = Sender::new(&agreed);
    while !choices.is_empty() && sender.outbox.traffic().payload_bytes < ENOUGH {
        sender.act(&mut choices);
    }
    let is_closed = sender.finish(set & 0x80 != 0);
    sender.judge(keeps_context, &agreed, cuts, is_closed);
});

/// The application's side, and the system's, which takes what it likes.
struct Sender {
    outbox: Outbox<u64>,
    pool: Arc<ChunkPool>,
    deflater: Deflater,
    /// Chunks that a writer has, and how much of them has left.
    writing: Option<(VecDeque<Chunk>, u64)>,
    wire: Vec<u8>,
    /// A message that is sent in fragments.
    open: Option<(MessageKind, bool, Vec<u8>)>,
    /// In order, with the number of the operation.
    messages: Vec<(MessageKind, Vec<u8>, u64)>,
    pings: Vec<Vec<u8>>,
    pongs: Vec<Vec<u8>>,
    /// The last ping's answer, which must leave.
    last_pong: Option<Vec<u8>>,
    numbers: u64,
    /// Operations that were accepted, and those that have left.
    begun: Vec<u64>,
    left: Vec<u64>,
    has_compressed: bool,
    has_cancelled: bool,
}

impl Sender {
    fn new(agreed: &Parameters) -> Sender {
        let pool = Arc::new(ChunkPool::default());
        Sender {
            outbox: Outbox::new(Arc::clone(&pool), MaskKeys::Seeded(0x2545_f491)),
            pool,
            deflater: Deflater::new(agreed, Arc::new(Spares::default())),
            writing: None,
            wire: Vec::new(),
            open: None,
            messages: Vec::new(),
            pings: Vec::new(),
            pongs: Vec::new(),
            last_pong: None,
            numbers: 0,
            begun: Vec::new(),
            left: Vec::new(),
            has_compressed: false,
            has_cancelled: false,
        }
    }

    fn act(&mut self, choices: &mut Choices) {
        match choices.byte() % 16 {
            0 | 1 if self.open.is_none() => {
                let (kind, payload) = message(choices);
                self.outbox.message(kind, &payload);
                self.messages.push((kind, payload, 0));
            }
            2 if self.open.is_none() => {
                let (kind, payload) = message(choices);
                self.numbers += 1;
                self.outbox.operation(self.numbers, kind, &payload, self.numbers);
                self.begun.push(self.numbers);
                self.messages.push((kind, payload, self.numbers));
            }
            3 if self.open.is_none() => {
                // Compressed and whole, in as many pieces as are asked for; cannot be taken out.
                let (kind, payload) = message(choices);
                let pieces = 1 + choices.below(4);
                self.numbers += 1;
                self.outbox.begin_operation(self.numbers, payload.len(), self.numbers, true);
                self.begun.push(self.numbers);
                let size = payload.len().div_ceil(pieces).max(1);
                self.fragments(kind, &payload, size, true, choices.byte());
                self.outbox.end_operation(self.numbers);
                self.messages.push((kind, payload, self.numbers));
            }
            4 if self.open.is_none() => self.stream(choices),
            0..=5 => self.fragment(choices),
            6 | 7 => {
                let payload = short(choices);
                if self.outbox.ping(&payload) {
                    self.pings.push(payload);
                }
            }
            8 | 9 => {
                let payload = short(choices);
                self.outbox.pong(&payload, choices.bit());
                self.last_pong = Some(payload.clone());
                self.pongs.push(payload);
            }
            10 => {
                self.outbox.unsolicited_pong();
                self.pongs.push(Vec::new());
            }
            11 => self.cancel(choices),
            12 => self.begin_writing(),
            13 => {
                let count = u64::from(choices.word()) * 5;
                self.write(count);
            }
            14 => self.finish_writing(),
            _ => {
                self.begin_writing();
                self.write(u64::MAX);
                self.finish_writing();
            }
        }
        let in_hand = self.writing.as_ref().map_or(0, |(_, written)| *written);
        assert!(self.outbox.waiting() >= in_hand);
    }

    /// Pieces of a message that is all there.
    fn fragments(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        size: usize,
        compress: bool,
        level: u8,
    ) {
        let mut shape =
            Shape { opcode: Opcode::Message(kind), is_final: false, is_compressed: compress };
        let count = payload.len().div_ceil(size).max(1);
        let mut pieces = payload.chunks(size);
        for number in 1..=count {
            let piece = pieces.next().unwrap_or_default();
            let mut deflated = Vec::new();
            let is_final = number == count;
            if compress {
                let done =
                    self.deflater.deflate(u32::from(level % 10), piece, is_final, &mut deflated);
                done.expect("memory");
                self.has_compressed = true;
            }
            let bytes = if compress { &deflated } else { piece };
            self.outbox.fragment(Shape { is_final, ..shape }, bytes);
            shape = shape.continued();
        }
    }

    /// The next frame of a message that the application sends frame by frame.
    fn fragment(&mut self, choices: &mut Choices) {
        let how = choices.byte();
        let (kind, piece) = message(choices);
        let is_new = self.open.is_none();
        let compresses = how & 2 != 0;
        let (kind, compresses, whole) = self.open.get_or_insert((kind, compresses, Vec::new()));
        let (kind, compresses) = (*kind, *compresses);
        // A text may be cut anywhere, but here each piece is one: it must be one as a whole.
        let piece = if kind == MessageKind::Text { text(&piece) } else { piece };
        whole.extend_from_slice(&piece);
        let is_final = how & 1 != 0;
        let opcode = if is_new { Opcode::Message(kind) } else { Opcode::Continuation };
        let shape = Shape { opcode, is_final, is_compressed: compresses && is_new };
        if compresses {
            let mut deflated = Vec::new();
            self.deflater
                .deflate(u32::from(how / 4 % 10), &piece, is_final, &mut deflated)
                .expect("memory");
            self.has_compressed = true;
            self.outbox.fragment(shape, &deflated);
        } else {
            self.outbox.fragment(shape, &piece);
        }
        if is_final && let Some((kind, _, whole)) = self.open.take() {
            self.messages.push((kind, whole, 0));
        }
    }

    /// A large message that its sender writes, while others queue.
    fn stream(&mut self, choices: &mut Choices) {
        let (kind, payload) = message(choices);
        let Some(mut streaming) = self.outbox.begin_streaming(kind, payload.len()) else { return };
        self.numbers += 1;
        self.outbox.streaming_operation(self.numbers, payload.len(), self.numbers);
        self.begun.push(self.numbers);
        let taken_per_chunk = if choices.bit() { u64::MAX } else { u64::from(choices.word()) };
        self.messages.push((kind, payload.clone(), self.numbers));
        let mut rest = VecDeque::new();
        let mut written = 0;
        let mut is_first = true;
        while is_first || !streaming.has_ended() {
            if is_first || streaming.is_between_frames() {
                is_first = false;
                if choices.bit() {
                    let payload = short(choices);
                    if self.outbox.ping(&payload) {
                        self.pings.push(payload);
                    }
                }
                if choices.bit() {
                    let payload = short(choices);
                    self.outbox.pong(&payload, false);
                    self.last_pong = Some(payload.clone());
                    self.pongs.push(payload);
                }
                rest.extend(
                    self.outbox.next_streaming_frame(&mut streaming, std::mem::take(&mut written)),
                );
            }
            let mut chunk = self.pool.take();
            streaming.fill(&payload, &mut chunk);
            rest.push_back(chunk);
            written += self.take(&mut rest, taken_per_chunk);
        }
        self.leave(rest, written);
    }

    fn cancel(&mut self, choices: &mut Choices) {
        let number = 1 + u64::from(choices.byte()) % self.numbers.max(1);
        if let Some(sent) = self.outbox.cancel(number) {
            assert_eq!((sent.number, sent.completion), (number, number));
            let at = self.messages.iter().position(|(_, _, other)| *other == number);
            let (_, payload, _) = self.messages.remove(at.expect("it was queued"));
            assert_eq!(payload.len(), sent.payload_len);
            self.begun.retain(|other| *other != number);
            self.has_cancelled = true;
        }
    }

    fn begin_writing(&mut self) {
        if self.writing.is_some() {
            assert!(self.outbox.has_writer() && self.outbox.begin_writing().is_none());
        } else {
            self.writing = self.outbox.begin_writing().map(|chunks| (chunks, 0));
        }
    }

    fn write(&mut self, count: u64) {
        if let Some((mut chunks, written)) = self.writing.take() {
            let more = self.take(&mut chunks, count);
            self.writing = Some((chunks, written + more));
        }
    }

    fn finish_writing(&mut self) {
        if let Some((chunks, written)) = self.writing.take() {
            self.leave(chunks, written);
        }
    }

    /// The system takes up to `count` bytes.
    fn take(&mut self, chunks: &mut VecDeque<Chunk>, count: u64) -> u64 {
        let mut left = usize::try_from(count).unwrap_or(usize::MAX);
        let mut taken = 0;
        while left > 0
            && let Some(chunk) = chunks.front_mut()
        {
            let now = left.min(chunk.len());
            self.wire.extend_from_slice(&chunk.waiting()[..now]);
            chunk.consume(now);
            (left, taken) = (left - now, taken + now);
            if chunk.is_empty()
                && let Some(chunk) = chunks.pop_front()
            {
                self.pool.give_back(chunk);
            }
        }
        taken as u64
    }

    fn leave(&mut self, chunks: VecDeque<Chunk>, written: u64) {
        let left = &mut self.left;
        self.outbox.finish_writing(chunks, written, |sent| {
            assert_eq!(sent.number, sent.completion);
            left.push(sent.number);
        });
        assert!(!self.outbox.has_writer());
    }

    /// Ends what is open and lets everything leave.
    fn finish(&mut self, closes: bool) -> bool {
        if self.open.is_some() {
            self.fragment(&mut Choices::new(b"\x01"));
        }
        for round in 0.. {
            self.begin_writing();
            self.write(u64::MAX);
            self.finish_writing();
            if self.outbox.is_empty() {
                break;
            }
            // Control frames leave once for what has overtaken before; nothing keeps them longer.
            assert!(round < 4, "it does not come to an end");
        }
        if closes {
            self.outbox.close(&close::payload(1000, b"enough"));
            self.outbox.pong(b"late", false);
            self.outbox.unsolicited_pong();
            self.begin_writing();
            self.write(u64::MAX);
            self.finish_writing();
        }
        assert_eq!((self.outbox.waiting(), self.left.len()), (0, self.begun.len()));
        assert_eq!(self.left, self.begun);
        closes
    }

    fn judge(&self, keeps_context: bool, agreed: &Parameters, cuts: Cuts, is_closed: bool) {
        let mut rest = &self.wire[..];
        let mut theirs = Vec::new();
        let mut frames = 0;
        while let Some(frame) = Frame::read(&mut rest) {
            assert!(frame.key.is_some(), "a client masks every frame");
            Frame::write(frame.first, &frame.payload, &mut theirs);
            frames += 1;
        }
        assert!(rest.is_empty(), "{} bytes are no frame", rest.len());
        // What was taken out again counts.
        assert!(frames == self.outbox.traffic().frames || self.has_cancelled);

        let terms = Terms { inflates: true, keeps_context, checks_text: true, limits: None };
        let account = model::read(&theirs, terms);
        self.is_what_was_sent(&account.told);
        let status = close::CloseStatus { code: 1000, reason: b"enough".to_vec() };
        let end = if is_closed { End::Closed(status) } else { End::Open };
        assert_eq!(account.end, end);

        let inflater = Inflater::new(agreed, Arc::new(Spares::default()));
        let receiver = Receiver::new(Mode::FullMessage, NO_LIMITS, Some(inflater));
        let mut reader = Reader::new(receiver, Mode::FullMessage, NO_LIMITS, 65_536);
        assert!(reader.read(&theirs, cuts, u64::MAX));
        assert_eq!((reader.told, reader.end), (account.told.clone(), end));
        if !self.has_compressed {
            assert_eq!(read_by_tungstenite(&self.wire), account.told);
        }
    }

    fn is_what_was_sent(&self, told: &[Told]) {
        let mut messages = self.messages.iter().map(|(kind, payload, _)| (*kind, payload));
        let mut pings = self.pings.iter();
        let mut pongs = self.pongs.iter();
        for one in told {
            match one {
                Told::Message(kind, payload) => assert_eq!(messages.next(), Some((*kind, payload))),
                Told::Ping(payload) => assert_eq!(pings.next(), Some(payload)),
                // Some were replaced by later ones, none comes twice.
                Told::Pong(payload) => assert!(pongs.any(|asked| asked == payload)),
            }
        }
        assert!(messages.next().is_none() && pings.next().is_none());
        if let Some(last) = &self.last_pong {
            assert!(told.iter().any(|one| matches!(one, Told::Pong(payload) if payload == last)));
        }
    }
}

fn read_by_tungstenite(wire: &[u8]) -> Vec<Told> {
    struct Stream<'w>(Cursor<&'w [u8]>);
    impl Read for Stream<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Stream<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let mut socket =
        WebSocket::from_raw_socket(Stream(Cursor::new(wire)), Role::Server, Some(config));
    let mut told = Vec::new();
    loop {
        told.push(match socket.read() {
            Ok(Message::Text(text)) => Told::Message(MessageKind::Text, text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Told::Message(MessageKind::Binary, bytes.to_vec()),
            Ok(Message::Ping(payload)) => Told::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Told::Pong(payload.to_vec()),
            Ok(_) => continue,
            Err(tungstenite::Error::ConnectionClosed) => return told,
            Err(tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return told,
            Err(error) => panic!("{error:?}"),
        });
    }
}

/// Mostly short, sometimes long enough for many chunks and several frames.
fn message(choices: &mut Choices) -> (MessageKind, Vec<u8>) {
    let kind = if choices.bit() { MessageKind::Text } else { MessageKind::Binary };
    let payload = match choices.byte() {
        len @ 0..=200 => choices.take(usize::from(len)).to_vec(),
        some @ 201..=242 => b"0123456789 na\n".repeat(usize::from(some) - 200),
        many @ 243..=252 => b"0123456789 na\n".repeat(usize::from(many - 242) * 660),
        many => b"abcdefg hijkl\n".repeat(20_000 + usize::from(many - 252) * 5000),
    };
    let payload = if kind == MessageKind::Text { text(&payload) } else { payload };
    (kind, payload)
}

fn text(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).into_owned().into_bytes()
}

fn short(choices: &mut Choices) -> Vec<u8> {
    let len = choices.below(126);
    choices.take(len).to_vec()
}
