//! The application ends a connection with reads and writes under way. Buffers lie in pages that
//! nobody can touch any more as soon as they are the application's again: whoever does is found out.

use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::support::client::{MODES, Mode, Told};
use crate::support::server::{BOTH, eventually, finish, frame, read_frame, read_out};
use crate::support::stream_server::server_header;
use crate::support::told;
use crate::{StreamClient, pair, pair_with, send, socket_of};

/// More than two systems hold for a connection.
const PAGES_BYTES: usize = 24 << 20;
const EVENTS: [Mode; 3] = [Mode::Callback, Mode::Dispatch, Mode::Next];

/// Memory that can be taken away.
pub struct Pages(pub *mut std::ffi::c_void);

impl Pages {
    pub const BYTES: usize = PAGES_BYTES;

    pub fn new() -> Pages {
        let (access, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
        let null = std::ptr::null_mut();
        let pages = unsafe { libc::mmap(null, PAGES_BYTES, access, flags, -1, 0) };
        assert_ne!(pages, libc::MAP_FAILED);
        Pages(pages)
    }

    /// From now on a touch ends the process.
    pub fn lock(&self) {
        assert_eq!(unsafe { libc::mprotect(self.0, PAGES_BYTES, libc::PROT_NONE) }, 0);
    }

    fn begin_read(&self, client: &StreamClient, options: ws_read_options) -> ws_result {
        let told = client.client.teller();
        let completed = Some(told::completed as _);
        ws_read(client.socket(), self.0, PAGES_BYTES, options, completed, told)
    }

    fn begin_write(&self, client: &StreamClient) -> ws_result {
        let told = client.client.teller();
        ws_write(client.socket(), self.0, PAGES_BYTES, Some(told::completed), told)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        unsafe { libc::munmap(self.0, PAGES_BYTES) };
    }
}

/// A connection over which both directions are at work, and neither comes to its end.
fn busy(
    mode: Mode,
    tls: crate::Tls,
    compression: u64,
) -> (StreamClient, crate::Stream, [Pages; 2]) {
    let (client, mut stream) = pair_with(mode, tls, |client| {
        client.set(WS_CONTROL_COMPRESSION, compression);
        client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 20_000);
    });
    let pages = [Pages::new(), Pages::new()];
    let random = crate::support::random::Random::new(2).bytes(PAGES_BYTES);
    let target = pages[1].0.cast::<u8>();
    unsafe { target.copy_from_nonoverlapping(random.as_ptr(), PAGES_BYTES) };
    assert_eq!(pages[0].begin_read(&client, WS_READ_NONE), WS_OK);
    assert_eq!(pages[1].begin_write(&client), WS_OK);
    send(&mut stream, &server_header(0x82, 1 << 40));
    send(&mut stream, &[7; 100_000]);
    let statistics = || client.client.statistics();
    assert!(eventually(|| statistics().bytes_received > 100_000 && statistics().bytes_sent > 0));
    (client, stream, pages)
}

/// Goes on meanwhile: a buffer that is not left alone would be filled.
fn send_more(mut stream: crate::Stream) -> crate::Stream {
    for _ in 0..20 {
        if std::io::Write::write_all(&mut stream, &[8; 50_000]).is_err() {
            break;
        }
    }
    stream
}

#[test]
fn after_free_nobody_touches_a_buffer() {
    for mode in EVENTS {
        for tls in BOTH {
            for compression in [0, 1] {
                let (client, stream, pages) = busy(mode, tls, compression);
                let sender = std::thread::spawn(move || send_more(stream));
                let client = client.client;
                assert_eq!(ws_socket_free(client.socket), WS_OK);
                pages.iter().for_each(Pages::lock);
                let told = client.told_until_released();
                assert_eq!(told, [], "operations end without a completion");
                sender.join().unwrap();
            }
        }
    }
}

#[test]
fn an_abort_ends_both_operations_and_then_nobody_touches_a_buffer() {
    for mode in EVENTS {
        for tls in BOTH {
            for compression in [0, 1] {
                let (client, stream, pages) = busy(mode, tls, compression);
                let sender = std::thread::spawn(move || send_more(stream));
                assert_eq!(ws_abort(client.socket()), WS_OK);
                for _ in 0..2 {
                    match client.client.next() {
                        Told::Completed { operation: WS_OPERATION_READ, result, bytes } => {
                            pages[0].lock();
                            assert_eq!(result, WS_E_ABORT);
                            assert!(bytes >= 100_000);
                        }
                        Told::Completed { operation: WS_OPERATION_WRITE, result, bytes } => {
                            pages[1].lock();
                            assert_eq!((result, bytes), (WS_E_ABORT, 0));
                        }
                        other => panic!("{other:?}"),
                    }
                }
                let closed = client.client.next_closed();
                assert_eq!((closed.result, closed.code), (WS_E_ABORT, 1006));
                assert_eq!(client.begin_write(b"x"), WS_E_CLOSED);
                assert_eq!(client.read(10, WS_READ_PARTIAL), (WS_E_ABORT, vec![]));
                client.client.free();
                sender.join().unwrap();
            }
        }
    }
}

#[test]
fn a_close_ends_the_read_and_waits_for_the_write() {
    for mode in EVENTS {
        for tls in BOTH {
            for compression in [0, 1] {
                let (client, mut stream, pages) = busy(mode, tls, compression);
                assert_eq!(client.client.close(1000, ""), WS_OK);
                let (result, bytes) = client.ended(WS_OPERATION_READ);
                pages[0].lock();
                assert!(result == WS_E_ABORT && bytes >= 100_000, "{result:#x} {bytes}");
                assert_eq!(client.begin_write(b"x"), WS_E_CLOSED);
                assert_eq!(client.read_wait(10, WS_READ_PARTIAL, 0), (WS_E_ABORT, vec![]));
                let reader = std::thread::spawn(move || {
                    let mut payload = 0;
                    loop {
                        match read_frame(&mut stream) {
                            Some((0x88, _)) => break,
                            Some((_, bytes)) => payload += bytes.len(),
                            None => break,
                        }
                    }
                    (payload, stream)
                });
                assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, PAGES_BYTES));
                pages[1].lock();
                let (payload, _stream) = reader.join().unwrap();
                client.client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 1);
                assert!(payload >= PAGES_BYTES, "{payload}");
                // The server is in the middle of a frame and does not come to its close frame.
                assert_eq!(client.client.next_closed().result, WS_E_TIMEOUT);
                client.client.free();
            }
        }
    }
}

#[test]
fn threads_that_wait_are_freed_by_abort_close_and_free() {
    type End = (&'static str, fn(*mut ws_socket) -> ws_result);
    let ends: [End; 3] = [
        ("abort", |socket| ws_abort(socket)),
        ("close", |socket| ws_close(socket, 1000, std::ptr::null())),
        ("free", |socket| ws_socket_free(socket)),
    ];
    for (what, end) in ends {
        for tls in BOTH {
            let (client, stream) = pair_with(Mode::Pull, tls, |client| {
                client.set(WS_CONTROL_CLOSE_TIMEOUT_MS, 100);
            });
            let handle = client.socket().addr();
            let pages = [Pages::new(), Pages::new()];
            let places = pages.each_ref().map(|pages| pages.0.addr());
            let reader = std::thread::spawn(move || {
                let buf = std::ptr::with_exposed_provenance_mut(places[0]);
                let (capacity, mut count) = (PAGES_BYTES, 9);
                let options = WS_READ_NONE;
                let forever = WS_INFINITE;
                let place = &raw mut count;
                (ws_read_wait(socket_of(handle), buf, capacity, options, forever, place), count)
            });
            let writer = std::thread::spawn(move || {
                let data = std::ptr::with_exposed_provenance_mut(places[1]);
                let mut count = 9;
                let place = &raw mut count;
                loop {
                    let result =
                        ws_write_wait(socket_of(handle), data, PAGES_BYTES, WS_INFINITE, place);
                    if result != WS_OK {
                        return (result, count);
                    }
                }
            });
            pages.iter().for_each(|pages| _ = pages.0.expose_provenance());
            assert!(eventually(|| client.client.statistics().bytes_sent > 100_000));
            let busy = eventually(|| {
                let mut byte = 0u8;
                let (buf, null) = ((&raw mut byte).cast(), std::ptr::null_mut());
                ws_read_wait(client.socket(), buf, 1, WS_READ_NONE, 0, null)
                    == WS_E_INVALID_OPERATION
            });
            assert!(busy);
            let client = client.client;
            assert_eq!(end(client.socket), WS_OK);
            assert_eq!(reader.join().unwrap(), (WS_E_ABORT, 0), "{what}");
            pages[0].lock();
            let (result, count) = writer.join().unwrap();
            pages[1].lock();
            // A close waits for its write, but only so long.
            let expected = if what == "close" { WS_E_TIMEOUT } else { WS_E_ABORT };
            assert_eq!((result, count), (expected, 0), "{what}, {tls:?}");
            drop(stream);
            if what == "free" {
                assert_eq!(client.told_until_released(), []);
            }
        }
    }
}

#[test]
fn after_a_close_nothing_is_read_any_more() {
    for mode in MODES {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            send(&mut stream, &frame(0x82, b"never read"));
            assert!(eventually(|| client.client.statistics().payload_bytes_received == 10));
            assert_eq!(client.client.close(1000, ""), WS_OK);
            send(&mut stream, &frame(0x82, b"too late"));
            assert_eq!(client.read(3, WS_READ_PARTIAL), (WS_E_ABORT, vec![]));
            send(&mut stream, &frame(0x82, b"even later"));
            send(&mut stream, &frame(0x88, b"\x03\xe8"));
            finish(&mut stream);
            assert_eq!(client.client.next_closed().result, WS_OK);
            assert_eq!(client.read(3, WS_READ_PARTIAL), (WS_E_ABORT, vec![]));
        }
    }
}

#[test]
fn a_freed_socket_says_goodbye_if_nothing_is_in_the_way() {
    for tls in BOTH {
        let (client, mut stream) = pair(Mode::Callback, tls);
        let pages = Pages::new();
        assert_eq!(pages.begin_read(&client, WS_READ_PARTIAL), WS_OK);
        assert_eq!(client.client.free(), []);
        pages.lock();
        let (bytes, _) = read_out(&mut stream);
        assert_eq!(crate::support::server::client_frames(&bytes), [(0x88, vec![])]);
    }
    let (client, _stream) = pair(Mode::Callback, crate::Tls::No);
    let socket = client.socket();
    assert_eq!(client.client.free(), []);
    assert_eq!(ws_write(socket, std::ptr::null(), 0, None, std::ptr::null_mut()), WS_E_HANDLE);
}
