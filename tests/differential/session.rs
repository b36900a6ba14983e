//! What a random session is made of: messages, their pieces, close frames, and an agreement on
//! compression with an offer that leads to it. The same seed gives the same session.

use anyws::ffi::types::*;

use super::support::client::Client;

const TEXTS: [&str; 7] = ["plain ", "κόσμε ", "übermäßig ", "你好", "🎮", "\0", "{'tick': 1024}, "];

#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        // Far apart for seeds that are close.
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 24) as usize % limit
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }

    /// Of a ping or a pong.
    pub fn control_payload(&mut self) -> Vec<u8> {
        let len = [0, 1, 8, 125][self.below(4)];
        self.bytes(len)
    }

    /// Whether it is text, and its bytes: some repeat themselves and some do not.
    pub fn message(&mut self) -> (bool, Vec<u8>) {
        let size = [0, 1, 5, 60, 130, 4_000, 70_000][self.below(7)];
        if self.below(2) == 0 {
            let mut text = String::new();
            while text.len() < size {
                text += TEXTS[self.below(TEXTS.len())];
            }
            return (true, text.into_bytes());
        }
        let kinds = if self.below(2) == 0 { 256 } else { 3 };
        (false, (0..size).map(|_| self.below(kinds) as u8).collect())
    }

    /// One to six pieces, also empty ones, cut anywhere.
    pub fn pieces<'b>(&mut self, bytes: &'b [u8]) -> Vec<&'b [u8]> {
        let count = [0, 0, 1, 2, 5][self.below(5)];
        let mut cuts: Vec<usize> = (0..count).map(|_| self.below(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let ends = cuts.iter().copied().chain([bytes.len()]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect()
    }

    pub fn close(&mut self) -> (u16, &'static str) {
        let endings =
            [(1000, ""), (1001, "fort"), (3000, "später, κόσμε"), (4999, "zu Ende"), (0, "")];
        endings[self.below(endings.len())]
    }
}

/// What the server says of compression.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The header, without its name; empty for none.
    pub answer: String,
    client_bits: usize,
    server_bits: usize,
    client_fresh: bool,
    server_fresh: bool,
}

impl Agreement {
    pub fn none() -> Agreement {
        let answer = String::new();
        let (client_fresh, server_fresh) = (false, false);
        Agreement { answer, client_bits: 15, server_bits: 15, client_fresh, server_fresh }
    }

    /// One of eight has no compression.
    pub fn random(random: &mut Random) -> Agreement {
        if random.below(8) == 0 {
            return Agreement::none();
        }
        let mut agreement = Agreement {
            answer: String::from("permessage-deflate"),
            client_bits: 9 + random.below(7),
            server_bits: 9 + random.below(7),
            client_fresh: random.below(3) == 0,
            server_fresh: random.below(3) == 0,
        };
        let bits = format!(
            "; server_max_window_bits={}; client_max_window_bits={}",
            agreement.server_bits, agreement.client_bits
        );
        agreement.answer += &bits;
        for (is_agreed, name) in [
            (agreement.client_fresh, "; client_no_context_takeover"),
            (agreement.server_fresh, "; server_no_context_takeover"),
        ] {
            agreement.answer += if is_agreed { name } else { "" };
        }
        agreement
    }

    pub fn compresses(&self) -> bool {
        !self.answer.is_empty()
    }

    /// Sets the controls to something that the answer grants.
    pub fn offer(&self, client: &Client, random: &mut Random) {
        let mut up_to_15 = |bits: usize| (bits + random.below(16 - bits)) as u64;
        client.set(WS_CONTROL_COMPRESSION, 1);
        client.set(WS_CONTROL_COMPRESSION_CLIENT_MAX_WINDOW_BITS, up_to_15(self.client_bits));
        client.set(WS_CONTROL_COMPRESSION_SERVER_MAX_WINDOW_BITS, up_to_15(self.server_bits));
        // A server may also say so without being asked.
        let asks = random.below(2) as u64;
        let client_fresh = u64::from(self.client_fresh) * asks;
        client.set(WS_CONTROL_COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER, client_fresh);
        let server_fresh = u64::from(self.server_fresh) * asks;
        client.set(WS_CONTROL_COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER, server_fresh);
    }
}
