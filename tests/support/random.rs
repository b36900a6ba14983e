//! Numbers that look random and are the same in every run: xorshift from a seed.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() >> 11) as usize % limit.max(1)
    }

    /// Between 1 and `limit`; small ones as often as large ones.
    pub fn size(&mut self, limit: usize) -> usize {
        let bits = usize::BITS - limit.leading_zeros();
        let bound = 1usize << (1 + self.below(bits as usize));
        1 + self.below(bound.min(limit))
    }

    /// Neither short periods nor anything that compresses well.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.number().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }

    /// Like text: compresses to a fraction.
    pub fn words(&mut self, len: usize) -> Vec<u8> {
        const WORDS: [&[u8]; 8] = [
            b"stream ",
            b"socket ",
            b"of bytes ",
            b"in order ",
            b"frame ",
            b"after ",
            b"the ",
            b"-",
        ];
        let mut bytes = Vec::with_capacity(len + 16);
        while bytes.len() < len {
            bytes.extend_from_slice(WORDS[self.below(WORDS.len())]);
        }
        bytes.truncate(len);
        bytes
    }
}
