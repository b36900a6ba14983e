//! UTF-8 of text messages, checked as the bytes arrive. RFC 6455 §8.1.
//!
//! `Validator` resumes inside a character, and fails at the first byte that no continuation can
//! mend, not at the end of the message.

/// From this length on the vectorised check is faster than the standard library's.
const LONG: usize = 128;
/// The bits of a word's bytes that no ASCII character has.
pub const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Whether `bytes` are UTF-8 from end to end.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    // Most short texts are ASCII, and to see that takes a few instructions.
    (bytes.len() < LONG && is_short_ascii(bytes)) || is_valid_of_any_kind(bytes)
}

#[inline(never)]
fn is_valid_of_any_kind(bytes: &[u8]) -> bool {
    match bytes.len() {
        0..LONG => std::str::from_utf8(bytes).is_ok(),
        _ => simdutf8::basic::from_utf8(bytes).is_ok(),
    }
}

/// Of at most `LONG` bytes: the first half and the last, which overlap, by words and without a loop.
#[inline(always)]
fn is_short_ascii(bytes: &[u8]) -> bool {
    debug_assert!(bytes.len() <= LONG);
    let seen = if let Some(seen) = both_ends::<64>(bytes) {
        seen
    } else if let Some(seen) = both_ends::<32>(bytes) {
        seen
    } else if let Some(seen) = both_ends::<16>(bytes) {
        seen
    } else if let Some(seen) = both_ends::<8>(bytes) {
        seen
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last))
    } else {
        bytes.iter().fold(0, |seen, byte| seen | u64::from(*byte))
    };
    seen & NOT_ASCII == 0
}

/// The bits that are set anywhere in the first or the last `N` bytes.
#[inline(always)]
fn both_ends<const N: usize>(bytes: &[u8]) -> Option<u64> {
    Some(all_bits(bytes.first_chunk::<N>()?) | all_bits(bytes.last_chunk::<N>()?))
}

/// With a length that is known this becomes a few instructions.
#[inline(always)]
fn all_bits<const N: usize>(bytes: &[u8; N]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().fold(0, |seen, word| seen | u64::from_ne_bytes(*word))
}

/// Between two calls it holds the zero to three bytes of an unfinished character.
#[derive(Clone, Debug, Default)]
pub struct Validator {
    held: [u8; 4],
    held_len: u8,
}

impl Validator {
    /// Takes the next bytes. `false`: no text can begin like this.
    pub fn check(&mut self, mut bytes: &[u8]) -> bool {
        while self.held_len > 0 {
            let Some((first, rest)) = bytes.split_first() else { return true };
            if let Some(place) = self.held.get_mut(usize::from(self.held_len)) {
                *place = *first;
            }
            self.held_len += 1;
            bytes = rest;
            let held = self.held.get(..usize::from(self.held_len)).unwrap_or_default();
            match std::str::from_utf8(held) {
                Ok(_) => self.held_len = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return false,
            }
        }
        let (valid_up_to, unfinished) = if bytes.len() < LONG {
            match std::str::from_utf8(bytes) {
                Ok(_) => return true,
                Err(error) => (error.valid_up_to(), error.error_len().is_none()),
            }
        } else {
            match simdutf8::compat::from_utf8(bytes) {
                Ok(_) => return true,
                Err(error) => (error.valid_up_to(), error.error_len().is_none()),
            }
        };
        if !unfinished {
            return false;
        }
        let tail = bytes.get(valid_up_to..).unwrap_or_default();
        for (place, byte) in self.held.iter_mut().zip(tail) {
            *place = *byte;
        }
        self.held_len = tail.len() as u8; // at most 3: an unfinished character
        true
    }

    /// Whether the text may end here.
    pub fn is_complete(&self) -> bool {
        self.held_len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_at_every_place() {
        for len in 0..LONG {
            let mut bytes = vec![0x7f; len];
            assert!(is_short_ascii(&bytes));
            for at in 0..len {
                bytes[at] = 0x80;
                assert!(!is_short_ascii(&bytes) && !is_valid(&bytes), "{at} of {len}");
                bytes[at] = 0x7f;
            }
        }
    }

    /// Feeds pieces; `None` when all were taken and the text is complete, else the number of bytes
    /// taken before the piece that failed (or the length, when it only is incomplete).
    fn fails_in(bytes: &[u8], piece: usize) -> Option<usize> {
        let mut validator = Validator::default();
        let mut taken = 0;
        for part in bytes.chunks(piece) {
            if !validator.check(part) {
                return Some(taken);
            }
            taken += part.len();
        }
        (!validator.is_complete()).then_some(taken)
    }

    fn texts() -> Vec<Vec<u8>> {
        let mut texts: Vec<Vec<u8>> = vec![
            b"plain".to_vec(),
            "κόσμε, Привет, 你好, 🎮".into(),
            "\u{0}\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}".into(),
            "\u{feff}\u{fffe}".into(),
        ];
        for broken in [
            &b"\x80"[..],
            b"\xc0\x80",
            b"\xc1\xbf",
            b"\xe0\x80\x80",
            b"\xed\xa0\x80",
            b"\xf0\x80\x80\x80",
            b"\xf4\x90\x80\x80",
            b"\xf5\x80\x80\x80",
            b"\xff",
            b"\xfe",
            b"\xc3",
            b"\xe2\x82",
            b"\xf0\x9f\x8e",
            b"\xc3(",
            b"\xe2\x82(",
            b"\xf0\x9f\x8e(",
        ] {
            for prefix in [0, 1, 63, 64, 127, 128, 200] {
                let mut text = vec![b'a'; prefix];
                text.extend_from_slice(broken);
                texts.push(text.clone());
                text.extend_from_slice(&[b'z'; 150]);
                texts.push(text);
            }
        }
        texts
    }

    #[test]
    fn every_split_agrees_with_the_standard_library() {
        for text in texts() {
            let expected = std::str::from_utf8(&text);
            assert_eq!(is_valid(&text), expected.is_ok());
            for piece in 1..=text.len() {
                assert_eq!(
                    fails_in(&text, piece).is_none(),
                    expected.is_ok(),
                    "{text:x?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn failure_comes_with_the_very_byte_that_causes_it() {
        for text in texts() {
            let Err(error) = std::str::from_utf8(&text) else { continue };
            let Some(length) = error.error_len() else { continue };
            // The first byte that cannot be continued: the last of the maximal valid part, plus one.
            let culprit = error.valid_up_to()
                + if length == 1 && !is_start(text[error.valid_up_to()]) { 0 } else { length };
            let at = fails_in(&text, 1).unwrap();
            assert!(at == culprit || at == error.valid_up_to(), "{text:x?}: {at} {culprit}");
        }
    }

    fn is_start(byte: u8) -> bool {
        matches!(byte, 0xc2..=0xf4)
    }
}
