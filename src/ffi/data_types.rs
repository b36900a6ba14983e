//! The types of data writers and data readers.
//!
//! The numbers of byte orders and encodings are the original's.
#![allow(non_camel_case_types)]

use crate::base::byte_order::ByteOrder;
use crate::base::unicode::Encoding;

use super::guard::{Failure, plain};
use super::result::*;

/// Puts values together as bytes. A value that looks like a pointer and is never dereferenced.
pub struct ws_data_writer {
    _private: [u8; 0],
}

/// Takes values out of bytes. A value that looks like a pointer and is never dereferenced.
pub struct ws_data_reader {
    _private: [u8; 0],
}

/// In which order the bytes of a number stand: one of WS_BYTE_ORDER_….
pub type ws_byte_order = u32;
/// The least significant byte first.
pub const WS_BYTE_ORDER_LITTLE_ENDIAN: ws_byte_order = 0;
/// The most significant byte first, as networks do; the default of writers and readers.
pub const WS_BYTE_ORDER_BIG_ENDIAN: ws_byte_order = 1;

/// In which encoding text stands in the bytes: one of WS_UNICODE_ENCODING_….
pub type ws_unicode_encoding = u32;
/// UTF-8, a code unit is one byte; the default of writers and readers.
pub const WS_UNICODE_ENCODING_UTF8: ws_unicode_encoding = 0;
/// UTF-16, a code unit is two bytes, the least significant first.
pub const WS_UNICODE_ENCODING_UTF16LE: ws_unicode_encoding = 1;
/// UTF-16, a code unit is two bytes, the most significant first.
pub const WS_UNICODE_ENCODING_UTF16BE: ws_unicode_encoding = 2;

/// A GUID, as the systems that have them lay it out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ws_guid {
    /// The first 8 hexadecimal digits.
    pub data1: u32,
    /// The next 4.
    pub data2: u16,
    /// The next 4.
    pub data3: u16,
    /// The last 16, two each.
    pub data4: [u8; 8],
}

pub fn order_of(value: ws_byte_order) -> Result<ByteOrder, Failure> {
    match value {
        WS_BYTE_ORDER_LITTLE_ENDIAN => Ok(ByteOrder::LittleEndian),
        WS_BYTE_ORDER_BIG_ENDIAN => Ok(ByteOrder::BigEndian),
        _ => plain(WS_E_INVALIDARG, c"order is none of WS_BYTE_ORDER_..."),
    }
}

pub fn order_number(order: ByteOrder) -> ws_byte_order {
    match order {
        ByteOrder::LittleEndian => WS_BYTE_ORDER_LITTLE_ENDIAN,
        ByteOrder::BigEndian => WS_BYTE_ORDER_BIG_ENDIAN,
    }
}

pub fn encoding_of(value: ws_unicode_encoding) -> Result<Encoding, Failure> {
    match value {
        WS_UNICODE_ENCODING_UTF8 => Ok(Encoding::Utf8),
        WS_UNICODE_ENCODING_UTF16LE => Ok(Encoding::Utf16(ByteOrder::LittleEndian)),
        WS_UNICODE_ENCODING_UTF16BE => Ok(Encoding::Utf16(ByteOrder::BigEndian)),
        _ => plain(WS_E_INVALIDARG, c"encoding is none of WS_UNICODE_ENCODING_..."),
    }
}

pub fn encoding_number(encoding: Encoding) -> ws_unicode_encoding {
    match encoding {
        Encoding::Utf8 => WS_UNICODE_ENCODING_UTF8,
        Encoding::Utf16(ByteOrder::LittleEndian) => WS_UNICODE_ENCODING_UTF16LE,
        Encoding::Utf16(ByteOrder::BigEndian) => WS_UNICODE_ENCODING_UTF16BE,
    }
}
