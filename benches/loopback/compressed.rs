//! What the server says on connections with permessage-deflate: JSON that resembles what programs
//! send each other, deflated once, when the first connection asks for it. Knows no connections.

use std::sync::LazyLock;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use crate::frames::push_length;

/// Different messages, which go round. All of them are twice what a window holds.
pub const MESSAGES: usize = 64;
pub const MESSAGE_BYTES: usize = 1024;

/// RFC 7692 §7.1.1: whether a message may refer to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    TakenOver,
    /// Each message begins anew, in both directions.
    Fresh,
}

impl Context {
    /// What is agreed to be used on the connections of a path.
    pub fn of(path: &str) -> Option<Context> {
        match path.rsplit('/').next() {
            Some("deflate") => Some(Context::TakenOver),
            Some("deflate-anew") => Some(Context::Fresh),
            _ => None,
        }
    }

    /// The server's answer to an offer.
    pub fn answer(self) -> &'static str {
        match self {
            Context::TakenOver => "permessage-deflate",
            Context::Fresh => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            }
        }
    }
}

/// Frames of all the messages.
#[derive(Debug)]
pub struct Frames {
    /// For the beginning of a connection.
    pub first: Vec<Vec<u8>>,
    /// For every time after: what they refer to is then in the window, and always the same.
    pub again: Vec<Vec<u8>>,
}

pub fn frames(context: Context) -> &'static Frames {
    static TAKEN_OVER: LazyLock<Frames> = LazyLock::new(|| deflated(Context::TakenOver));
    static FRESH: LazyLock<Frames> = LazyLock::new(|| deflated(Context::Fresh));
    match context {
        Context::TakenOver => &TAKEN_OVER,
        Context::Fresh => &FRESH,
    }
}

/// All the messages, each of the same length and followed by a newline.
pub fn messages() -> Vec<u8> {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut messages = Vec::new();
    for tick in 0..MESSAGES {
        messages.extend(message(1000 + tick, &mut numbers));
        messages.push(b'\n');
    }
    messages
}

/// A state of a game: names that repeat, numbers that do not.
fn message(tick: usize, numbers: &mut Numbers) -> Vec<u8> {
    const STATES: [&str; 4] = ["idle", "running", "jumping", "falling"];
    const END: &str = r#"],"note":""#;
    let mut text = format!(r#"{{"type":"state","tick":{tick},"players":["#);
    loop {
        let player = format!(
            r#"{{"id":{},"name":"player-{}","x":{}.{:02},"y":-{}.{:02},"health":{},"state":"{}"}},"#,
            numbers.below(100_000),
            numbers.below(40),
            numbers.below(4_000),
            numbers.below(100),
            numbers.below(500),
            numbers.below(100),
            numbers.below(101),
            STATES[numbers.below(4)],
        );
        if text.len() + player.len() + END.len() + 2 > MESSAGE_BYTES {
            break;
        }
        text.push_str(&player);
    }
    text.pop();
    text.push_str(END);
    while text.len() + 2 < MESSAGE_BYTES {
        text.push(char::from(b'a' + numbers.below(26) as u8));
    }
    text.push_str("\"}");
    text.into_bytes()
}

fn deflated(context: Context) -> Frames {
    // Below 0: raw. RFC 7692 §7.2: no header, no checksum.
    let config = DeflateConfig { window_bits: -15, ..DeflateConfig::new(6) };
    let mut state = Deflate::new_with_config(config);
    let messages = messages();
    let mut round = || {
        let frames = messages.chunks(MESSAGE_BYTES + 1).map(|line| {
            if context == Context::Fresh {
                state.reset();
            }
            frame(&mut state, &line[..MESSAGE_BYTES])
        });
        frames.collect::<Vec<_>>()
    };
    Frames { first: round(), again: round() }
}

fn frame(state: &mut Deflate, message: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 2 * MESSAGE_BYTES];
    let before = state.total_out();
    // Cannot fail: there is room for more than a message grows by.
    let _ = state.compress(message, &mut payload, DeflateFlush::SyncFlush);
    // RFC 7692 §7.2.1: the last four bytes, 00 00 FF FF, are not sent.
    payload.truncate((state.total_out() - before) as usize - 4);
    // Final, RSV1, text.
    let mut frame = vec![0xC1];
    push_length(&mut frame, payload.len());
    frame.extend(payload);
    frame
}

/// xorshift: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }
}
