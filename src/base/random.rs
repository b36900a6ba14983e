//! Unpredictable bytes: mask keys and handshake nonces.
//!
//! Both come from a generator of each thread (ChaCha12), seeded by the operating system and every so
//! often anew, and keys are drawn by the handful: none costs a system call or a lock. The boundary
//! refuses the child of a `fork`, so that no generator ever goes on in two processes. Tests seed a
//! fixed sequence.

use std::cell::RefCell;

use chacha20::rand_core::SeedableRng;
use chacha20::rand_core::block::Generator;
use chacha20::{ChaChaCore, R12, variants};

/// Where mask keys come from.
#[derive(Clone, Debug)]
pub enum MaskKeys {
    /// 32 fresh bits of this thread's generator per frame. RFC 6455 §10.3: unpredictable.
    System,
    /// A repeatable sequence, for tests.
    Seeded(u64),
}

impl MaskKeys {
    pub fn next_key(&mut self) -> [u8; 4] {
        let mut key = [[0; 4]];
        self.draw(&mut key);
        let [key] = key;
        key
    }

    fn draw<const N: usize>(&mut self, keys: &mut [[u8; 4]; N]) {
        match self {
            MaskKeys::System => SOURCE.with_borrow_mut(|source| source.draw(keys)),
            MaskKeys::Seeded(state) => {
                for key in keys {
                    *state ^= *state << 13;
                    *state ^= *state >> 7;
                    *state ^= *state << 17;
                    *key = ((*state >> 16) as u32).to_ne_bytes();
                }
            }
        }
    }
}

/// A few keys, drawn together by whoever will need one after the other.
#[derive(Default)]
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

impl Handful {
    /// The next key; when there is none left, others are drawn from `source`.
    #[inline(always)]
    pub fn next_key(&mut self, source: &mut MaskKeys) -> [u8; 4] {
        let at = self.left.wrapping_sub(1);
        match self.keys.get(at) {
            Some(key) => {
                self.left = at;
                *key
            }
            None => self.refill(source),
        }
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self, source: &mut MaskKeys) -> [u8; 4] {
        source.draw(&mut self.keys);
        self.left = HANDFUL - 1;
        self.keys.last().copied().unwrap_or_default()
    }
}

/// What a thread draws from. `left <= BLOCK`.
struct Source {
    generator: Option<ChaChaCore<R12, variants::Legacy>>,
    block: [u32; BLOCK],
    /// Words of the block that have not been drawn.
    left: usize,
    /// Blocks that will come from the same seed.
    blocks_left: usize,
}

const BLOCK: usize = 64;
/// A megabyte of them.
const BLOCKS_PER_SEED: usize = 4096;

thread_local! {
    static SOURCE: RefCell<Source> = const {
        RefCell::new(Source { generator: None, block: [0; BLOCK], left: 0, blocks_left: 0 })
    };
}

impl Source {
    fn draw<const N: usize>(&mut self, keys: &mut [[u8; 4]; N]) {
        const { assert!(N <= BLOCK) };
        if self.left < N {
            self.refill();
        }
        self.left -= N;
        let drawn = self.block.get(self.left..).unwrap_or_default();
        if let Some(drawn) = drawn.first_chunk::<N>() {
            *keys = drawn.map(u32::to_ne_bytes);
        }
    }

    #[inline(never)]
    fn refill(&mut self) {
        if self.blocks_left == 0 {
            self.generator = None;
        }
        let generator = self.generator.get_or_insert_with(|| {
            let mut seed = [0; 32];
            fill(&mut seed);
            self.blocks_left = BLOCKS_PER_SEED;
            ChaChaCore::from_seed(seed)
        });
        generator.generate(&mut self.block);
        self.blocks_left -= 1;
        self.left = BLOCK;
    }
}

/// Sixteen fresh bytes for `Sec-WebSocket-Key`, never reused. RFC 6455 §4.1.
pub fn nonce() -> [u8; 16] {
    let mut words = [[0; 4]; 4];
    SOURCE.with_borrow_mut(|source| source.draw(&mut words));
    let mut bytes = [0; 16];
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word;
    }
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
        let (mut keys, mut handful) = (MaskKeys::System, Handful::default());
        let mut drawn: Vec<_> = (0..5_000).map(|_| keys.next_key()).collect();
        drawn.extend((0..5_000).map(|_| handful.next_key(&mut keys)));
        assert!(drawn.windows(3).all(|three| !(three[0] == three[1] && three[1] == three[2])));
        let distinct: std::collections::HashSet<_> = drawn.iter().collect();
        assert!(distinct.len() > 9_990);
    }

    #[test]
    fn bytes_of_system_keys_are_evenly_spread() {
        let mut keys = MaskKeys::System;
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
        let here = MaskKeys::System.next_key();
        let there =
            std::thread::spawn(|| (0..8).map(|_| MaskKeys::System.next_key()).collect::<Vec<_>>())
                .join()
                .unwrap();
        assert!(there.iter().any(|key| *key != here));
    }

    #[test]
    fn a_generator_is_seeded_anew_when_it_has_given_enough() {
        let known = || ChaChaCore::from_seed([1; 32]);
        let mut expected = [0; BLOCK];
        known().generate(&mut expected);
        for blocks_left in [1, 0] {
            let generator = Some(known());
            let mut source = Source { generator, block: [0; BLOCK], left: 15, blocks_left };
            let mut keys = [[0; 4]; 16];
            source.draw(&mut keys);
            assert_eq!(
                keys == expected[48..].as_chunks::<16>().0[0].map(u32::to_ne_bytes),
                blocks_left == 1
            );
            assert_eq!(
                (source.left, source.blocks_left),
                (48, [BLOCKS_PER_SEED - 1, 0][blocks_left])
            );
        }
    }

    #[test]
    fn a_source_gives_every_word_once() {
        let mut source = Source { generator: None, block: [0; BLOCK], left: 0, blocks_left: 0 };
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let mut keys = [[0; 4]; 16];
            source.draw(&mut keys);
            seen.extend(keys);
        }
        assert!(seen.len() > 15_990, "{}", seen.len());
    }

    #[test]
    fn a_handful_gives_the_keys_of_its_source_each_once() {
        let (mut source, mut same) = (MaskKeys::Seeded(7), MaskKeys::Seeded(7));
        let mut handful = Handful::default();
        for _ in 0..5 {
            let mut given: Vec<_> = (0..HANDFUL).map(|_| handful.next_key(&mut source)).collect();
            let mut expected: Vec<_> = (0..HANDFUL).map(|_| same.next_key()).collect();
            given.sort_unstable();
            expected.sort_unstable();
            assert_eq!(given, expected);
        }
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
