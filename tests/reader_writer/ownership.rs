//! Who owns what: messages that readers keep, handles that are none any more, and calls from many
//! threads on one of them.

use std::ffi::c_void;
use std::sync::mpsc::{Sender, channel};

use anyws::ffi::events::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;

use crate::support::DEADLINE;
use crate::support::client::{Client, Mode};
use crate::support::server::{Server, Tls};
use crate::*;

/// A message that was pulled, as it comes back from an echo.
fn pulled(bytes: &[u8]) -> *mut ws_message {
    let server = Server::echo(Tls::No);
    let socket = ws_message_socket_new();
    let uri = std::ffi::CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 30_000), WS_OK);
    assert_eq!(ws_send(socket, bytes.as_ptr().cast(), bytes.len()), WS_OK);
    let mut message = null_mut();
    assert_eq!(ws_receive(socket, &raw mut message, 30_000), WS_OK);
    assert_eq!(ws_socket_free(socket), WS_OK);
    message
}

#[test]
fn a_reader_over_a_message_outlives_socket_and_message_and_sees_no_more_than_its_bytes() {
    for len in [0, 1, 125, 70_000, 1 << 20] {
        let bytes: Vec<u8> = (0..len).map(|n| (n * 7 + n / 251) as u8).collect();
        let message = pulled(&bytes);
        let reader = Reader(ws_data_reader_from_message(message));
        let other = Reader(ws_data_reader_from_message(message));
        ws_message_release(message);
        assert_eq!(reader.left(), len, "the zero behind the message is not of it");
        assert!(reader.detach() == bytes);
        assert!(other.bytes(len).unwrap() == bytes, "each reader goes its own way");
        assert_eq!(other.bytes(1), Err(WS_E_BOUNDS));
    }
}

unsafe extern "C-unwind" fn read_later(
    _: *mut ws_socket,
    message: *const ws_message,
    teller: *mut c_void,
) {
    let teller = unsafe { &*teller.cast::<Sender<usize>>() };
    let _ = teller.send(ws_data_reader_from_message(message).addr());
}

#[test]
fn a_reader_made_in_a_callback_reads_after_it_and_after_the_socket() {
    let server = Server::echo(Tls::No);
    let (teller, told) = channel::<usize>();
    let teller = Box::into_raw(Box::new(teller));
    let socket = ws_message_socket_new();
    assert_eq!(ws_on_message_received(socket, Some(read_later), teller.cast()), WS_OK);
    let uri = std::ffi::CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 30_000), WS_OK);
    let mut readers = Vec::new();
    let sizes = [0, 1, 200, 100_000, 3];
    for (number, size) in sizes.into_iter().enumerate() {
        let bytes = vec![number as u8 + 1; size];
        assert_eq!(ws_send(socket, bytes.as_ptr().cast(), size), WS_OK);
        let reader = told.recv_timeout(DEADLINE).unwrap();
        readers.push(Reader(std::ptr::without_provenance_mut(reader)));
    }
    assert_eq!(ws_socket_free(socket), WS_OK);
    drop(unsafe { Box::from_raw(teller) });
    for (number, reader) in readers.iter().enumerate() {
        assert_eq!(reader.detach(), vec![number as u8 + 1; sizes[number]]);
    }
}

#[test]
fn a_reader_copies_the_bytes_that_it_is_made_over() {
    let mut bytes = *b"before";
    let reader = Reader::new(&bytes);
    bytes.copy_from_slice(b"after.");
    assert_eq!(reader.detach(), b"before");
}

#[test]
fn a_part_goes_its_own_way_and_needs_the_whole_no_more() {
    let whole = Reader::in_order(b"\x01\x02\x03\x04\x05", WS_BYTE_ORDER_LITTLE_ENDIAN);
    let encoding = WS_UNICODE_ENCODING_UTF16BE;
    assert_eq!(ws_data_reader_set_unicode_encoding(whole.0, encoding), WS_OK);
    let (first, empty) = (whole.part(3), whole.part(0));
    assert_eq!((whole.left(), first.left(), empty.left()), (2, 3, 0));
    assert_eq!(ws_data_reader_get_byte_order(first.0), WS_BYTE_ORDER_LITTLE_ENDIAN);
    assert_eq!(ws_data_reader_get_unicode_encoding(first.0), encoding);
    drop(whole);
    let mut value = 0;
    assert_eq!(ws_data_reader_read_u16(first.0, &raw mut value), WS_OK);
    assert_eq!((value, first.u8()), (0x0201, 3));
    assert_eq!(first.bytes(1), Err(WS_E_BOUNDS));
}

#[test]
fn a_detached_reader_is_empty_and_alive() {
    let reader = Reader::new(b"abc");
    let part = reader.part(1);
    assert_eq!(ws_data_reader_detach_stream(reader.0), WS_OK);
    assert_eq!(reader.left(), 0);
    assert_eq!(reader.bytes(1), Err(WS_E_BOUNDS));
    assert_eq!(ws_data_reader_detach_stream(reader.0), WS_OK);
    assert_eq!(part.detach(), b"a");
}

#[test]
fn a_writer_can_be_used_again_after_its_bytes_were_detached() {
    let writer = Writer::new();
    for round in 0..3 {
        writer.bytes(&[round; 5]);
        assert_eq!(writer.detach(), [round; 5]);
    }
    assert_eq!(ws_data_writer_detach_stream(writer.0), WS_OK, "it never had one");
}

#[test]
fn what_was_freed_is_stale_and_nothing_is_no_fault() {
    let (writer, reader) = (ws_data_writer_new(null_mut()), ws_data_reader_new(null_mut(), 0));
    assert_eq!((ws_data_writer_free(writer), ws_data_reader_free(reader)), (WS_OK, WS_OK));
    assert_eq!(ws_data_writer_free(writer), WS_E_HANDLE);
    assert_eq!(ws_data_reader_free(reader), WS_E_HANDLE);
    assert_eq!(ws_data_writer_write_u8(writer, 1), WS_E_HANDLE);
    let mut value = 7;
    assert_eq!(ws_data_reader_read_u8(reader, &raw mut value), WS_E_HANDLE);
    assert_eq!(value, 7);
    assert_eq!(ws_data_writer_free(null_mut()), WS_OK);
    assert_eq!(ws_data_reader_free(null_mut()), WS_OK);
}

#[test]
fn what_cannot_be_made_is_null_and_explained() {
    let client = Client::new(Mode::Pull);
    let freed = ws_message_socket_new();
    assert_eq!(ws_socket_free(freed), WS_OK);
    assert!(ws_data_writer_new(freed).is_null());
    assert!(last_error_message().contains("socket"), "{}", last_error_message());
    assert!(ws_data_reader_from_message(null_mut()).is_null());
    assert!(last_error_message().contains("message"), "{}", last_error_message());
    assert!(ws_data_reader_new(null_mut(), 1).is_null());
    assert!(last_error_message().contains("data"), "{}", last_error_message());
    let somewhere = std::ptr::without_provenance(1);
    assert!(ws_data_reader_new(somewhere, isize::MAX as usize + 1).is_null());
    assert!(last_error_message().contains("len"), "{}", last_error_message());
    assert!(!Writer::over(client.socket).0.is_null());
}

#[test]
fn threads_share_a_reader_without_losing_or_doubling_a_byte() {
    const COUNT: usize = 40_000;
    let bytes: Vec<u8> = (0..COUNT as u32).flat_map(u32::to_be_bytes).collect();
    let reader = Reader::new(&bytes);
    let handle = reader.0.addr();
    let mut all: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    let (mut taken, mut value) = (Vec::new(), 0);
                    let reader = std::ptr::without_provenance_mut(handle);
                    while ws_data_reader_read_u32(reader, &raw mut value) == WS_OK {
                        taken.push(value);
                    }
                    assert!(taken.is_sorted());
                    taken
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_unstable();
    assert!(all == (0..COUNT as u32).collect::<Vec<_>>());
}

#[test]
fn threads_share_a_writer_and_every_value_stays_whole() {
    let writer = Writer::new();
    let handle = writer.0.addr();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            scope.spawn(move || {
                let writer = std::ptr::without_provenance_mut(handle);
                for _ in 0..10_000 {
                    let value = u64::from_be_bytes([thread; 8]);
                    assert_eq!(ws_data_writer_write_u64(writer, value), WS_OK);
                }
            });
        }
    });
    let bytes = writer.detach();
    let mut counts = [0; 4];
    for value in bytes.chunks(8) {
        assert_eq!(value, [value[0]; 8]);
        counts[usize::from(value[0])] += 1;
    }
    assert_eq!(counts, [10_000; 4]);
}
