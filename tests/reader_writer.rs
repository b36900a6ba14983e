//! Data writers and data readers as a program in C uses them: every type against bytes written by
//! hand, the ends of the data, texts, and who owns what.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

#[path = "reader_writer/ownership.rs"]
mod ownership;
#[path = "reader_writer/stores.rs"]
mod stores;
#[path = "reader_writer/texts.rs"]
mod texts;
#[path = "reader_writer/values.rs"]
mod values;

use std::ptr::null_mut;

use anyws::ffi::data_reader::*;
use anyws::ffi::data_types::*;
use anyws::ffi::data_writer::*;
use anyws::ffi::read_values::*;
use anyws::ffi::result::*;
use anyws::ffi::storing::*;
use anyws::ffi::types::*;
use anyws::ffi::written_values::*;
use support::client::last_error_message;

const ORDERS: [ws_byte_order; 2] = [WS_BYTE_ORDER_LITTLE_ENDIAN, WS_BYTE_ORDER_BIG_ENDIAN];

/// A writer that is freed at the end.
struct Writer(*mut ws_data_writer);

impl Writer {
    fn new() -> Writer {
        Writer::over(null_mut())
    }

    fn over(socket: *mut ws_socket) -> Writer {
        let writer = ws_data_writer_new(socket);
        assert!(!writer.is_null(), "{}", last_error_message());
        Writer(writer)
    }

    fn in_order(order: ws_byte_order) -> Writer {
        let writer = Writer::new();
        assert_eq!(ws_data_writer_set_byte_order(writer.0, order), WS_OK);
        assert_eq!(ws_data_writer_get_byte_order(writer.0), order);
        writer
    }

    fn bytes(&self, bytes: &[u8]) {
        let result = ws_data_writer_write_bytes(self.0, bytes.as_ptr().cast(), bytes.len());
        assert_eq!(result, WS_OK);
    }

    fn text(&self, text: &[u8]) -> ws_result {
        ws_data_writer_write_string(self.0, text.as_ptr().cast(), text.len())
    }

    fn unstored(&self) -> usize {
        ws_data_writer_unstored_buffer_length(self.0)
    }

    /// Asks for the length, fails once, and takes the bytes out.
    fn detach(&self) -> Vec<u8> {
        taken(self.unstored(), |buf, capacity, length| {
            ws_data_writer_detach_buffer(self.0, buf.cast(), capacity, length)
        })
    }

    fn store(&self) -> Result<usize, ws_result> {
        let mut bytes = usize::MAX;
        match ws_data_writer_store(self.0, &raw mut bytes) {
            WS_OK => Ok(bytes),
            result => {
                assert_eq!(bytes, usize::MAX, "untouched on failure");
                Err(result)
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(ws_data_writer_free(self.0), WS_OK);
        }
    }
}

/// A reader that is freed at the end.
struct Reader(*mut ws_data_reader);

impl Reader {
    fn new(bytes: &[u8]) -> Reader {
        let reader = ws_data_reader_new(bytes.as_ptr().cast(), bytes.len());
        assert!(!reader.is_null(), "{}", last_error_message());
        assert_eq!(ws_data_reader_unconsumed_length(reader), bytes.len());
        Reader(reader)
    }

    fn in_order(bytes: &[u8], order: ws_byte_order) -> Reader {
        let reader = Reader::new(bytes);
        assert_eq!(ws_data_reader_set_byte_order(reader.0, order), WS_OK);
        assert_eq!(ws_data_reader_get_byte_order(reader.0), order);
        reader
    }

    fn left(&self) -> usize {
        ws_data_reader_unconsumed_length(self.0)
    }

    fn u8(&self) -> u8 {
        let mut value = 0;
        assert_eq!(ws_data_reader_read_u8(self.0, &raw mut value), WS_OK);
        value
    }

    fn bytes(&self, len: usize) -> Result<Vec<u8>, ws_result> {
        let mut bytes = vec![0x55; len];
        match ws_data_reader_read_bytes(self.0, bytes.as_mut_ptr().cast(), len) {
            WS_OK => Ok(bytes),
            result => {
                assert!(bytes.iter().all(|byte| *byte == 0x55));
                Err(result)
            }
        }
    }

    fn part(&self, len: usize) -> Reader {
        let mut part = null_mut();
        assert_eq!(ws_data_reader_read_buffer(self.0, len, &raw mut part), WS_OK);
        Reader(part)
    }

    fn detach(&self) -> Vec<u8> {
        let bytes = taken(self.left(), |buf, capacity, length| {
            ws_data_reader_detach_buffer(self.0, buf.cast(), capacity, length)
        });
        assert_eq!(self.left(), 0);
        bytes
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(ws_data_reader_free(self.0), WS_OK);
        }
    }
}

/// What `take` copies out, of which there are `count` bytes.
fn taken(count: usize, take: impl Fn(*mut u8, usize, *mut usize) -> ws_result) -> Vec<u8> {
    let mut length = usize::MAX;
    assert_eq!(take(null_mut(), 0, &raw mut length), WS_OK);
    assert_eq!(length, count, "asking takes nothing out");
    let mut bytes = vec![0x55; count + 1];
    if count > 0 {
        let too_small = take(bytes.as_mut_ptr(), count - 1, &raw mut length);
        assert_eq!((too_small, length), (WS_E_INSUFFICIENT_BUFFER, count));
        assert!(bytes.iter().all(|byte| *byte == 0x55), "the buffer is untouched");
    }
    assert_eq!(take(bytes.as_mut_ptr(), count, &raw mut length), WS_OK);
    assert_eq!((length, bytes.pop()), (count, Some(0x55)));
    assert_eq!(take(null_mut(), 0, &raw mut length), WS_OK);
    assert_eq!(length, 0, "nothing is left");
    bytes
}
