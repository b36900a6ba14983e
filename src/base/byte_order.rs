//! The order in which the bytes of a number stand.
//!
//! Numbers come and go as bytes in the big-endian order; this turns them where the other one is
//! wanted. It knows no number's type.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteOrder {
    LittleEndian,
    /// The network's, and the original's default.
    #[default]
    BigEndian,
}

impl ByteOrder {
    /// From big-endian to this order, or back: it is the same.
    #[inline]
    pub fn arrange<const N: usize>(self, mut number: [u8; N]) -> [u8; N] {
        if self == ByteOrder::LittleEndian {
            number.reverse();
        }
        number
    }
}
