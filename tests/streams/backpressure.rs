//! One side is slow: the other waits, and what is held between them does not grow.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyws::ffi::result::*;
use anyws::ffi::stream::*;

use crate::support::client::{MODES, Mode};
use crate::support::random::Random;
use crate::support::server::{BOTH, eventually, frame};
use crate::support::stream_server::server_header;
use crate::{pair, send};

const TOTAL: usize = 200 << 20;
/// What two systems hold for a connection, and more than that.
const HELD: usize = 24 << 20;
/// Of these no more is read ahead.
const AHEAD: u64 = 256 * 1024;

#[test]
fn a_server_waits_for_a_reader_that_sleeps() {
    for tls in BOTH {
        let (client, mut stream) = pair(Mode::Callback, tls);
        static SENT: AtomicUsize = AtomicUsize::new(0);
        SENT.store(0, Ordering::SeqCst);
        let sender = std::thread::spawn(move || {
            send(&mut stream, &server_header(0x82, TOTAL as u64));
            let piece = vec![7; 1 << 16];
            while SENT.load(Ordering::SeqCst) < TOTAL && stream.write_all(&piece).is_ok() {
                SENT.fetch_add(piece.len(), Ordering::SeqCst);
            }
            let _ = stream.flush();
            stream
        });
        // It stands still when nothing has changed for a good while.
        let stands_still = || {
            let before = SENT.load(Ordering::SeqCst);
            let mut rounds = 0;
            while rounds < 200 && SENT.load(Ordering::SeqCst) == before {
                std::thread::park_timeout(std::time::Duration::from_millis(1));
                rounds += 1;
            }
            rounds == 200
        };
        assert!(eventually(stands_still));
        assert!(SENT.load(Ordering::SeqCst) < HELD, "{SENT:?}");
        let received = || client.client.statistics().bytes_received;
        assert!(received() <= AHEAD, "{}", received());
        // It wakes up, takes a little, and sleeps again.
        assert!(client.read_all(1000).iter().all(|byte| *byte == 7));
        assert!(eventually(stands_still));
        assert!(received() <= AHEAD + 1000, "{}", received());
        assert!(client.read_all(10 << 20).iter().all(|byte| *byte == 7));
        assert!(eventually(stands_still));
        assert!(SENT.load(Ordering::SeqCst) < HELD + (10 << 20), "{SENT:?}");
        client.client.free();
        drop(sender.join().unwrap());
    }
}

/// It always leaves something unread: what it has taken must not be kept.
#[test]
fn a_reader_of_small_pieces_gets_everything() {
    for mode in MODES {
        for size in [100, 60_000, 2_000_000] {
            let (client, mut stream) = pair(mode, crate::Tls::No);
            let bytes = Random::new(1).bytes(2_000_000);
            let sent = bytes.clone();
            let sender = std::thread::spawn(move || {
                for piece in sent.chunks(size) {
                    send(&mut stream, &frame(0x82, piece));
                }
                stream
            });
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (result, got) = client.read(997.min(rest.len()), WS_READ_NONE);
                assert_eq!(result, WS_OK);
                assert!(rest.starts_with(&got), "{} bytes before the end", rest.len());
                rest = &rest[got.len()..];
            }
            sender.join().unwrap();
        }
    }
}

#[test]
fn a_writer_waits_for_a_server_that_does_not_read_and_goes_on_when_it_does() {
    for tls in BOTH {
        for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
            let (client, mut stream) = pair(mode, tls);
            let bytes = vec![7u8; 64 << 20];
            assert_eq!(client.begin_write(&bytes), WS_OK);
            let sent = || client.client.statistics().bytes_sent;
            let stands_still = || {
                let before = sent();
                std::thread::park_timeout(std::time::Duration::from_millis(100));
                before > 0 && sent() == before
            };
            assert!(eventually(stands_still));
            assert!(sent() < HELD as u64);
            let waiting = anyws::ffi::send::ws_buffered_amount(client.socket());
            assert!(waiting > bytes.len() as u64 - HELD as u64, "{waiting}");
            let reader = std::thread::spawn(move || {
                let (mut buffer, mut left) = (vec![0; 1 << 16], 64usize << 20);
                while left > 0 {
                    left = left.saturating_sub(stream.read(&mut buffer).unwrap());
                }
                stream
            });
            assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, bytes.len()));
            client.client.free();
            reader.join().unwrap();
        }
    }
}
