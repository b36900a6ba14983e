//! Takes values off the front of bytes.
//!
//! A read past the end consumes nothing. The bytes are shared, not copied, with whoever else holds
//! them; where they came from is not known here.

use std::borrow::Cow;
use std::sync::Arc;

use super::byte_order::ByteOrder;
use super::unicode::{Encoding, TextFault};

/// Bytes `position..end` are to be read. `position <= end <= bytes.len()`.
#[derive(Clone, Debug, Default)]
pub struct ByteReader {
    bytes: Arc<Vec<u8>>,
    position: usize,
    end: usize,
    pub order: ByteOrder,
    pub encoding: Encoding,
}

/// The value does not lie within what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEnd;

/// Why a text could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    PastEnd,
    Text(TextFault),
}

impl ByteReader {
    /// Over the first `end` of `bytes`.
    pub fn new(bytes: Arc<Vec<u8>>, end: usize) -> ByteReader {
        let end = end.min(bytes.len());
        ByteReader { bytes, end, ..ByteReader::default() }
    }

    #[inline]
    pub fn left(&self) -> usize {
        self.end - self.position
    }

    /// What is left.
    #[inline]
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.position..self.end).unwrap_or_default()
    }

    /// The next `count` bytes, which are not consumed by this.
    #[inline]
    pub fn peek(&self, count: usize) -> Result<&[u8], PastEnd> {
        self.rest().get(..count).ok_or(PastEnd)
    }

    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.position += count.min(self.left());
    }

    /// A number in the big-endian order, however it stands in the bytes.
    #[inline]
    pub fn number<const N: usize>(&mut self) -> Result<[u8; N], PastEnd> {
        let number = *self.rest().first_chunk().ok_or(PastEnd)?;
        self.position += N;
        Ok(self.order.arrange(number))
    }

    /// A GUID: three numbers, and eight bytes that have no order.
    pub fn guid(&mut self) -> Result<(u32, [u16; 2], [u8; 8]), PastEnd> {
        self.peek(16)?;
        let one = u32::from_be_bytes(self.number()?);
        let two = [u16::from_be_bytes(self.number()?), u16::from_be_bytes(self.number()?)];
        let rest = *self.rest().first_chunk().ok_or(PastEnd)?;
        self.position += 8;
        Ok((one, two, rest))
    }

    /// The next `units` code units as text, and their size in bytes. They are not consumed.
    pub fn peek_text(&self, units: usize) -> Result<(Cow<'_, str>, usize), ReadFault> {
        let size = units.checked_mul(self.encoding.unit_bytes()).ok_or(ReadFault::PastEnd)?;
        let bytes = self.peek(size).map_err(|PastEnd| ReadFault::PastEnd)?;
        Ok((self.encoding.decode(bytes).map_err(ReadFault::Text)?, size))
    }

    /// A reader of its own over the next `count` bytes, which are not consumed by this.
    pub fn part(&self, count: usize) -> Result<ByteReader, PastEnd> {
        self.peek(count)?;
        Ok(ByteReader { end: self.position + count, ..self.clone() })
    }

    /// Lets go of the bytes: nothing is left.
    pub fn clear(&mut self) {
        *self = ByteReader { order: self.order, encoding: self.encoding, ..ByteReader::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> ByteReader {
        ByteReader::new(Arc::new(bytes.to_vec()), bytes.len())
    }

    #[test]
    fn a_number_is_read_whole_or_not_at_all() {
        for left in 0..16 {
            let mut short = reader(&vec![1; left]);
            assert_eq!(short.number::<16>(), Err(PastEnd));
            assert_eq!(short.guid(), Err(PastEnd));
            assert_eq!(short.left(), left);
        }
        assert_eq!(reader(&[1; 16]).number::<16>(), Ok([1; 16]));
    }

    #[test]
    fn bytes_behind_the_end_are_not_seen() {
        let mut reader = ByteReader::new(Arc::new(vec![1, 2, 3, 0]), 3);
        assert_eq!(reader.peek(4), Err(PastEnd));
        assert_eq!(reader.rest(), [1, 2, 3]);
        reader.consume(100);
        assert_eq!(reader.left(), 0);
        assert_eq!(ByteReader::new(Arc::default(), 5).left(), 0);
    }

    #[test]
    fn a_part_shares_the_bytes_and_goes_its_own_way() {
        let mut whole = reader(b"abcdef");
        whole.order = ByteOrder::LittleEndian;
        whole.consume(1);
        let mut part = whole.part(3).unwrap();
        assert_eq!(part.rest().as_ptr(), whole.rest().as_ptr());
        assert_eq!(part.number(), Ok([b'c', b'b']));
        assert_eq!((part.rest(), whole.rest()), (&b"d"[..], &b"bcdef"[..]));
        assert!(whole.part(6).is_err());
        whole.clear();
        assert_eq!((part.rest(), whole.left(), whole.order), (&b"d"[..], 0, part.order));
    }

    #[test]
    fn a_count_of_units_that_no_memory_holds_is_past_the_end() {
        let mut reader = reader(b"ab");
        reader.encoding = Encoding::Utf16(ByteOrder::BigEndian);
        for units in [2, usize::MAX, usize::MAX / 2 + 1, usize::MAX / 2 + 2] {
            assert_eq!(reader.peek_text(units), Err(ReadFault::PastEnd), "{units}");
        }
        assert_eq!(reader.peek_text(1), Ok(("慢".into(), 2)));
    }
}
