//! The server's side of permessage-deflate, written for these tests with another deflate than the
//! library's. It sees every frame, and judges framing and reserved bits as it goes.

use std::io::Write;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::support::server::{
    Server, Stream, Tls, answer_upgrade, finish, frame, read_frame, read_out, read_request,
};

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const FINAL: u8 = 0x80;
pub const COMPRESSED: u8 = 0x40;

/// What a sender leaves out at the end of a message. RFC 7692 §7.2.1.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

pub struct Peer {
    pub stream: Stream,
    compress: Compress,
    decompress: Decompress,
    /// What was agreed: each side keeps its window from message to message.
    keeps_ours: bool,
    keeps_theirs: bool,
}

/// A message, or a control frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrived {
    pub opcode: u8,
    pub is_compressed: bool,
    pub frames: usize,
    /// Pings that came between them.
    pub pings: usize,
    /// Its payload on the wire, and inflated.
    pub wire_len: usize,
    pub payload: Vec<u8>,
}

/// A server that agrees to `answer`, follows the script, and reads until the client has gone.
pub fn serve(
    tls: Tls,
    answer: &'static str,
    act: impl Fn(&mut Peer) + Send + Sync + 'static,
) -> Server {
    Server::raw(tls, move |mut stream| {
        let request = read_request(&mut stream);
        let lines = format!("Sec-WebSocket-Extensions: {answer}\r\n");
        answer_upgrade(&mut stream, &request, if answer.is_empty() { "" } else { &lines }, b"");
        let mut peer = Peer {
            stream,
            compress: Compress::new(Compression::new(6), false),
            decompress: Decompress::new(false),
            keeps_ours: !answer.contains("server_no_context_takeover"),
            keeps_theirs: !answer.contains("client_no_context_takeover"),
        };
        act(&mut peer);
        read_out(&mut peer.stream);
    })
}

impl Peer {
    /// The next message, inflated, or control frame; a close frame is answered. `None` when the
    /// client has gone.
    pub fn next(&mut self) -> Option<Arrived> {
        let (first, mut wire) = read_frame(&mut self.stream)?;
        let opcode = first & 0x0f;
        assert_eq!(first & 0x30, 0, "RSV2 and RSV3 mean nothing");
        if opcode >= CLOSE {
            assert_eq!(first & 0xf0, FINAL, "a control frame is whole, and never compressed");
            if opcode == CLOSE {
                let _ = self.stream.write_all(&frame(FINAL | CLOSE, &wire));
                finish(&mut self.stream);
            }
            let wire_len = wire.len();
            return Some(Arrived {
                opcode,
                is_compressed: false,
                frames: 1,
                pings: 0,
                wire_len,
                payload: wire,
            });
        }
        assert_ne!(opcode, CONTINUATION, "nothing to continue");
        let is_compressed = first & COMPRESSED != 0;
        let (mut is_final, mut frames, mut pings) = (first & FINAL != 0, 1, 0);
        while !is_final {
            let (first, more) = read_frame(&mut self.stream)?;
            if first == FINAL | PING {
                pings += 1;
                continue;
            }
            // RFC 7692 §6.1: the bit is that of the first frame alone.
            assert_eq!(first & !FINAL, CONTINUATION, "no other message comes between");
            wire.extend(more);
            is_final = first & FINAL != 0;
            frames += 1;
        }
        let wire_len = wire.len();
        let payload = if is_compressed { self.inflate(&wire) } else { wire };
        Some(Arrived { opcode, is_compressed, frames, pings, wire_len, payload })
    }

    /// The next message, which must be one.
    pub fn message(&mut self) -> Arrived {
        let arrived = self.next().expect("a message before the end");
        assert!(arrived.opcode < CLOSE, "{arrived:?}");
        arrived
    }

    /// Sends one message, compressed in so many frames.
    pub fn send(&mut self, opcode: u8, payload: &[u8], frames: usize) {
        let wire = self.deflate(payload);
        let bytes = cut(opcode | COMPRESSED, &wire, frames);
        self.stream.write_all(&bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// Sends one as it is.
    pub fn send_plain(&mut self, opcode: u8, payload: &[u8]) {
        self.stream.write_all(&frame(FINAL | opcode, payload)).unwrap();
        self.stream.flush().unwrap();
    }

    /// The payload of one compressed message.
    pub fn deflate(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.keeps_ours {
            self.compress.reset();
        }
        let start = self.compress.total_in();
        let mut wire = Vec::with_capacity(payload.len() / 2 + 64);
        loop {
            let rest = &payload[(self.compress.total_in() - start) as usize..];
            let status = self.compress.compress_vec(rest, &mut wire, FlushCompress::Sync).unwrap();
            let is_taken = self.compress.total_in() - start == payload.len() as u64;
            if is_taken && (wire.len() < wire.capacity() || status == Status::BufError) {
                break;
            }
            wire.reserve(64 * 1024);
        }
        if wire.ends_with(&TAIL) {
            wire.truncate(wire.len() - TAIL.len());
        }
        if wire.is_empty() {
            wire.push(0); // RFC 7692 §7.2.3.6
        }
        wire
    }

    fn inflate(&mut self, wire: &[u8]) -> Vec<u8> {
        if !self.keeps_theirs {
            self.decompress.reset(false);
        }
        let mut payload = self.inflate_piece(wire);
        payload.extend(self.inflate_piece(&TAIL));
        payload
    }

    /// Everything that can be known from this piece of a message.
    pub fn inflate_piece(&mut self, wire: &[u8]) -> Vec<u8> {
        let start = self.decompress.total_in();
        let mut payload = Vec::with_capacity(wire.len() * 4 + 64);
        loop {
            let rest = &wire[(self.decompress.total_in() - start) as usize..];
            let flush = FlushDecompress::Sync;
            let status = self.decompress.decompress_vec(rest, &mut payload, flush);
            assert_ne!(status.expect("legal deflate"), Status::StreamEnd);
            let is_taken = self.decompress.total_in() - start == wire.len() as u64;
            if is_taken && payload.len() < payload.capacity() {
                return payload;
            }
            payload.reserve(256 * 1024);
        }
    }
}

/// One message in so many frames, as equal as they can be; some of them empty if there are more
/// than bytes.
pub fn cut(first: u8, wire: &[u8], frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..frames {
        let range = wire.len() * number / frames..wire.len() * (number + 1) / frames;
        let opcode = if number == 0 { first } else { CONTINUATION };
        let last = if number + 1 == frames { FINAL } else { 0 };
        bytes.extend(frame(opcode | last, &wire[range]));
    }
    bytes
}

/// Bytes that no deflate makes smaller, the same for the same seed.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Text that becomes about a third, the same for the same seed.
pub fn prose(len: usize, seed: u64) -> String {
    const WORDS: [&str; 16] = [
        "bytes",
        "wander",
        "über",
        "the",
        "wire",
        "and",
        "come",
        "home",
        "größer",
        "than",
        "they",
        "went",
        "0x2a",
        "πάντα",
        "ῥεῖ",
        "again",
    ];
    let mut text = String::with_capacity(len + 16);
    for byte in noise(len / 3 + 1, seed) {
        text.push_str(WORDS[usize::from(byte & 15)]);
        text.push(char::from(b' ' + (byte >> 4)));
    }
    let mut end = len;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text + &"x".repeat(len - end)
}
