//! Masking of client frames. RFC 6455 §5.3.
//!
//! One pass copies and masks at once, in a shape that compilers turn into vector instructions at
//! every baseline. A plain loop stands beside it for the tests.

/// Copies `source` into `target` (of the same length), masked with `key`, of which byte
/// `offset % 4` applies to the first byte: a payload may be masked in several pieces.
#[inline]
pub fn copy_masked(target: &mut [u8], source: &[u8], key: [u8; 4], offset: usize) {
    // As a number whose lowest byte is the first, so that turning the key is one instruction.
    let turned = u32::from_le_bytes(key).rotate_right(8 * (offset % 4) as u32);
    let wide = u64::from(turned) << 32 | u64::from(turned);
    let (targets, target_rest) = target.as_chunks_mut::<8>();
    let (sources, source_rest) = source.as_chunks::<8>();
    for (to, from) in targets.iter_mut().zip(sources) {
        *to = (u64::from_le_bytes(*from) ^ wide).to_le_bytes();
    }
    for ((to, from), key) in target_rest.iter_mut().zip(source_rest).zip(wide.to_le_bytes()) {
        *to = from ^ key;
    }
}

/// The same of a payload from its beginning, for those of at most `MOST_AT_ONCE` bytes: no loop over
/// single bytes. Returns the bits that are set in any of them, as if they were the bytes of words.
#[inline(always)]
pub fn copy_masked_short(target: &mut [u8], source: &[u8], key: [u8; 4]) -> u32 {
    debug_assert!(source.len() <= MOST_AT_ONCE);
    let key = u32::from_le_bytes(key);
    // The last block overlaps the one before: its first byte is somewhere in the key.
    let turned = key.rotate_right(8 * source.len() as u32);
    match source.len() {
        65.. => mask_ends::<LONGEST_BLOCK>(target, source, [key, turned]),
        32.. => mask_ends::<32>(target, source, [key, turned]),
        16.. => mask_ends::<16>(target, source, [key, turned]),
        8.. => mask_ends::<8>(target, source, [key, turned]),
        4.. => mask_ends::<4>(target, source, [key, turned]),
        _ => {
            let mut seen = 0;
            for ((to, from), key) in target.iter_mut().zip(source).zip(key.to_le_bytes()) {
                *to = from ^ key;
                seen |= u32::from(*from);
            }
            seen
        }
    }
}

const LONGEST_BLOCK: usize = 64;
/// Two of the longest blocks.
const MOST_AT_ONCE: usize = 2 * LONGEST_BLOCK;

/// Of `N` bytes to twice as many: the first ones and the last ones.
#[inline(always)]
fn mask_ends<const N: usize>(target: &mut [u8], source: &[u8], keys: [u32; 2]) -> u32 {
    let [key, turned] = keys;
    let (Some(first), Some(last)) = (source.first_chunk::<N>(), source.last_chunk::<N>()) else {
        return 0;
    };
    // Before anything is written, so that nothing is read twice.
    let seen = all_bits(first) | all_bits(last);
    if let Some(to) = target.first_chunk_mut() {
        mask_block(to, first, key);
    }
    if let Some(to) = target.last_chunk_mut() {
        mask_block(to, last, turned);
    }
    seen
}

/// A fixed length, all of it read before any of it is written: so it becomes a few vector
/// instructions.
#[inline(always)]
fn mask_block<const N: usize>(target: &mut [u8; N], source: &[u8; N], key: u32) {
    let mut block = [0; LONGEST_BLOCK / 4];
    for (word, from) in block.iter_mut().zip(source.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*from) ^ key;
    }
    for (to, word) in target.as_chunks_mut::<4>().0.iter_mut().zip(block) {
        *to = word.to_le_bytes();
    }
}

#[inline(always)]
fn all_bits<const N: usize>(bytes: &[u8; N]) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().fold(0, |seen, word| seen | u32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ascii(seen: u32) -> bool {
        seen & crate::protocol::utf8::NOT_ASCII as u32 == 0
    }

    fn plain(source: &[u8], key: [u8; 4], offset: usize) -> Vec<u8> {
        source.iter().enumerate().map(|(at, byte)| byte ^ key[(at + offset) % 4]).collect()
    }

    #[test]
    fn every_length_and_offset_equals_the_plain_loop() {
        let source: Vec<u8> = (0..300u32).map(|n| (n * 31 + 7) as u8).collect();
        let key = [0x11, 0x82, 0xf3, 0x04];
        for len in 0..source.len() {
            for offset in 0..8 {
                for start in [0, 1, 3, 7].into_iter().filter(|start| start + len <= source.len()) {
                    let source = &source[start..start + len];
                    let mut target = vec![0xaa; len];
                    copy_masked(&mut target, source, key, offset);
                    assert_eq!(target, plain(source, key, offset), "{len} {offset} {start}");
                }
            }
        }
    }

    #[test]
    fn the_short_way_equals_the_plain_loop() {
        let source: Vec<u8> = (0..300u32).map(|n| (n * 31 + 7) as u8).collect();
        let key = [0x11, 0x82, 0xf3, 0x04];
        for len in 0..=MOST_AT_ONCE {
            let mut target = vec![0xaa; len];
            let seen = copy_masked_short(&mut target, &source[..len], key);
            assert_eq!(target, plain(&source[..len], key, 0), "{len}");
            assert_eq!(is_ascii(seen), source[..len].is_ascii());
            for at in 0..len {
                let mut text = vec![0x7f; len];
                text[at] = 0x80;
                assert!(!is_ascii(copy_masked_short(&mut target, &text, key)), "{at} of {len}");
            }
        }
    }

    #[test]
    fn masking_in_pieces_equals_masking_at_once() {
        let source: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
        let key = [9, 8, 7, 6];
        for cut in 0..source.len() {
            let mut target = vec![0; source.len()];
            let (first, second) = target.split_at_mut(cut);
            copy_masked(first, &source[..cut], key, 0);
            copy_masked(second, &source[cut..], key, cut);
            assert_eq!(target, plain(&source, key, 0));
        }
    }

    #[test]
    fn the_example_of_the_standard_holds() {
        // RFC 6455 §5.7: a masked "Hello".
        let mut target = [0; 5];
        copy_masked(&mut target, b"Hello", [0x37, 0xfa, 0x21, 0x3d], 0);
        assert_eq!(target, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
