//! Puts values behind each other as bytes.
//!
//! A value is written whole or not at all. It knows nothing of sockets, handles, or where the
//! bytes will go.

use std::collections::TryReserveError;

use super::byte_order::ByteOrder;
use super::unicode::Encoding;

/// A buffer up to this size is kept for what is written next.
const KEPT_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
pub struct ByteWriter {
    bytes: Vec<u8>,
    pub order: ByteOrder,
    pub encoding: Encoding,
}

impl ByteWriter {
    pub fn written(&self) -> &[u8] {
        &self.bytes
    }

    /// A number, handed over in the big-endian order.
    #[inline]
    pub fn number<const N: usize>(&mut self, number: [u8; N]) -> Result<(), TryReserveError> {
        let number = self.order.arrange(number);
        self.bytes(&number)
    }

    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), TryReserveError> {
        self.bytes.try_reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub fn text(&mut self, text: &str) -> Result<(), TryReserveError> {
        self.encoding.encode(text, &mut self.bytes)
    }

    /// A GUID: three numbers, and eight bytes that have no order.
    pub fn guid(&mut self, one: u32, two: [u16; 2], rest: [u8; 8]) -> Result<(), TryReserveError> {
        self.bytes.try_reserve(16)?;
        self.number(one.to_be_bytes())?;
        for two in two {
            self.number(two.to_be_bytes())?;
        }
        self.bytes(&rest)
    }

    /// Hands over everything that was written; what is written from now on begins anew.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Puts what was taken back in front of what was written since.
    pub fn put_back(&mut self, mut taken: Vec<u8>) -> Result<(), TryReserveError> {
        taken.try_reserve(self.bytes.len())?;
        taken.extend_from_slice(&self.bytes);
        self.bytes = taken;
        Ok(())
    }

    /// What was taken has served its purpose: its memory may be used again.
    pub fn recycle(&mut self, mut taken: Vec<u8>) {
        if self.bytes.capacity() == 0 && taken.capacity() <= KEPT_BYTES {
            taken.clear();
            self.bytes = taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_goes_back_in_front_of_what_came_since() {
        let mut writer = ByteWriter::default();
        writer.bytes(b"one").unwrap();
        let taken = writer.take();
        assert_eq!(writer.written(), b"");
        writer.bytes(b"two").unwrap();
        writer.put_back(taken).unwrap();
        assert_eq!(writer.written(), b"onetwo");
    }

    #[test]
    fn memory_is_used_again_unless_it_is_much_or_something_was_written_since() {
        let mut writer = ByteWriter::default();
        writer.bytes(&[0; 1000]).unwrap();
        let taken = writer.take();
        let place = taken.as_ptr();
        writer.recycle(taken);
        writer.bytes(b"x").unwrap();
        assert_eq!(writer.written(), b"x");
        assert_eq!(writer.written().as_ptr(), place);

        writer.recycle(b"an older buffer".to_vec());
        assert_eq!(writer.written(), b"x");

        let mut writer = ByteWriter::default();
        writer.recycle(vec![0; KEPT_BYTES + 1]);
        assert_eq!(writer.take().capacity(), 0);
    }

    #[test]
    fn numbers_stand_in_the_order_that_is_set_when_they_are_written() {
        let mut writer = ByteWriter::default();
        writer.number([1, 2, 3, 4]).unwrap();
        writer.order = ByteOrder::LittleEndian;
        writer.number([1, 2, 3, 4]).unwrap();
        writer.guid(0x0102_0304, [0x0506, 0x0708], [9, 10, 11, 12, 13, 14, 15, 16]).unwrap();
        let guid = [4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(writer.written(), [&[1, 2, 3, 4, 4, 3, 2, 1][..], &guid].concat());
    }
}
