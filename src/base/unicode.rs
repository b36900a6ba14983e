//! Text in the encodings of the Unicode standard, there and back, without a byte order mark.
//!
//! Nothing is ever replaced: what is no text is a fault. A byte order mark in the data is a
//! character like any other, and so is NUL.

use std::borrow::Cow;
use std::collections::TryReserveError;

use super::byte_order::ByteOrder;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    #[default]
    Utf8,
    Utf16(ByteOrder),
}

/// Why bytes could not be read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// Not UTF-8, or a surrogate without its other half.
    Malformed,
    OutOfMemory,
}

impl From<TryReserveError> for TextFault {
    fn from(_: TryReserveError) -> TextFault {
        TextFault::OutOfMemory
    }
}

impl Encoding {
    /// The bytes of a code unit.
    #[inline]
    pub fn unit_bytes(self) -> usize {
        match self {
            Encoding::Utf8 => 1,
            Encoding::Utf16(_) => 2,
        }
    }

    /// How many bytes `text` becomes.
    pub fn encoded_len(self, text: &str) -> usize {
        match self {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16(_) => text.encode_utf16().count() * 2,
        }
    }

    /// Appends `text`. On failure `bytes` stay as they were.
    pub fn encode(self, text: &str, bytes: &mut Vec<u8>) -> Result<(), TryReserveError> {
        bytes.try_reserve(self.encoded_len(text))?;
        match self {
            Encoding::Utf8 => bytes.extend_from_slice(text.as_bytes()),
            Encoding::Utf16(order) => {
                for unit in text.encode_utf16() {
                    bytes.extend_from_slice(&order.arrange(unit.to_be_bytes()));
                }
            }
        }
        Ok(())
    }

    /// Reads whole code units; a byte that is left over is not looked at.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, TextFault> {
        let order = match self {
            Encoding::Utf8 => {
                let text = std::str::from_utf8(bytes).map_err(|_| TextFault::Malformed)?;
                return Ok(Cow::Borrowed(text));
            }
            Encoding::Utf16(order) => order,
        };
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| u16::from_be_bytes(order.arrange(*pair)));
        let mut text = String::new();
        // No unit of UTF-16 needs more than three bytes of UTF-8.
        text.try_reserve(pairs.len().saturating_mul(3))?;
        for character in char::decode_utf16(units) {
            text.push(character.map_err(|_| TextFault::Malformed)?);
        }
        Ok(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Encoding = Encoding::Utf16(ByteOrder::LittleEndian);
    const BIG: Encoding = Encoding::Utf16(ByteOrder::BigEndian);

    #[test]
    fn every_character_survives_every_encoding() {
        let all: String = ('\0'..=char::MAX).collect();
        for encoding in [Encoding::Utf8, LITTLE, BIG] {
            let mut bytes = vec![7];
            encoding.encode(&all, &mut bytes).unwrap();
            assert_eq!(bytes.len(), 1 + encoding.encoded_len(&all));
            assert!(encoding.decode(&bytes[1..]).unwrap() == all);
        }
    }

    #[test]
    fn a_surrogate_is_nothing_without_its_other_half() {
        let high = 0xd83c_u16.to_be_bytes();
        let low = 0xdfae_u16.to_be_bytes();
        let letter = [0, b'a'];
        assert_eq!(BIG.decode(&[high, low].concat()).unwrap(), "🎮");
        for units in [&[high][..], &[low], &[high, letter], &[letter, low], &[low, high]] {
            assert_eq!(BIG.decode(&units.concat()), Err(TextFault::Malformed));
        }
    }
}
