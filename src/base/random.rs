//! Unpredictable bytes: mask keys and handshake nonces.
//!
//! Bytes come from the operating system in blocks, one block per thread, so that a mask key costs
//! a copy and not a system call, and no state exists that a `fork` could duplicate into a process
//! that may still use this library (the boundary refuses the child). Tests seed a fixed sequence.

use std::cell::RefCell;

const BLOCK: usize = 1024;

struct Block {
    bytes: [u8; BLOCK],
    used: usize,
}

thread_local! {
    static BLOCKS: RefCell<Block> = const { RefCell::new(Block { bytes: [0; BLOCK], used: BLOCK }) };
}

/// Where mask keys come from.
#[derive(Clone, Debug)]
pub enum MaskKeys {
    /// 32 fresh bits of the operating system per frame. RFC 6455 §10.3: unpredictable.
    System(Handful),
    /// A repeatable sequence, for tests.
    Seeded(u64),
}

/// A few keys, drawn from the thread's block together.
#[derive(Clone)]
pub struct Handful {
    keys: [[u8; 4]; HANDFUL],
    left: usize,
}

const HANDFUL: usize = 16;

/// Keys are nobody's business.
impl std::fmt::Debug for Handful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handful").field("left", &self.left).finish_non_exhaustive()
    }
}

impl MaskKeys {
    pub fn system() -> MaskKeys {
        MaskKeys::System(Handful { keys: [[0; 4]; HANDFUL], left: 0 })
    }

    #[inline]
    pub fn next_key(&mut self) -> [u8; 4] {
        match self {
            MaskKeys::System(handful) => handful.next_key(),
            MaskKeys::Seeded(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                ((*state >> 16) as u32).to_ne_bytes()
            }
        }
    }
}

impl Handful {
    #[inline]
    fn next_key(&mut self) -> [u8; 4] {
        if self.left == 0 {
            self.draw();
        }
        self.left -= 1;
        self.keys.get(self.left).copied().unwrap_or_default()
    }

    #[cold]
    fn draw(&mut self) {
        BLOCKS.with_borrow_mut(|block| {
            if block.used + size_of_val(&self.keys) > BLOCK {
                fill(&mut block.bytes);
                block.used = 0;
            }
            let drawn = block.bytes.get(block.used..).unwrap_or_default();
            for (key, drawn) in self.keys.iter_mut().zip(drawn.as_chunks::<4>().0) {
                *key = *drawn;
            }
            block.used += size_of_val(&self.keys);
        });
        self.left = HANDFUL;
    }
}

/// Sixteen fresh bytes for `Sec-WebSocket-Key`, never reused. RFC 6455 §4.1.
pub fn nonce() -> [u8; 16] {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    bytes
}

/// The system's generator does not fail on any supported platform once the machine is up; where it
/// does, going on with guessable bytes would be worse than ending the call, and the guard at the
/// boundary (or around the task) turns this into a clean failure.
#[allow(clippy::panic)]
fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the operating system gave no random bytes: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_keys_do_not_repeat_in_a_row() {
        let mut keys = MaskKeys::system();
        let drawn: Vec<_> = (0..10_000).map(|_| keys.next_key()).collect();
        assert!(drawn.windows(3).all(|three| !(three[0] == three[1] && three[1] == three[2])));
        let distinct: std::collections::HashSet<_> = drawn.iter().collect();
        assert!(distinct.len() > 9_990);
    }

    #[test]
    fn bytes_of_system_keys_are_evenly_spread() {
        let mut keys = MaskKeys::system();
        let mut counts = [0f64; 256];
        for _ in 0..256 * 100 {
            for byte in keys.next_key() {
                counts[usize::from(byte)] += 1.0;
            }
        }
        let expected = 400.0;
        let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: 347 is exceeded once in ten thousand runs, 450 practically never.
        assert!(chi < 450.0, "{chi}");
    }

    #[test]
    fn threads_draw_different_keys() {
        let here = MaskKeys::system().next_key();
        let there = std::thread::spawn(|| {
            (0..8).map(|_| MaskKeys::system().next_key()).collect::<Vec<_>>()
        })
        .join()
        .unwrap();
        assert!(there.iter().any(|key| *key != here));
    }

    #[test]
    fn seeded_keys_repeat() {
        let draw = |seed| {
            let mut keys = MaskKeys::Seeded(seed);
            [keys.next_key(), keys.next_key()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(7)[0], draw(7)[1]);
    }

    #[test]
    fn nonces_are_unique() {
        let drawn: std::collections::HashSet<_> = (0..10_000).map(|_| nonce()).collect();
        assert_eq!(drawn.len(), 10_000);
    }
}
