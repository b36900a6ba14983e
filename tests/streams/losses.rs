//! Connections that are lost: what had arrived is read first, then every read says why.

use anyws::ffi::result::*;
use anyws::ffi::socket::ws_get_state;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::support::client::{MODES, Mode, Told};
use crate::support::server::{BOTH, Stream, Tls, eventually, finish, frame, reset};
use crate::support::stream_client::Buffer;
use crate::{pair, pair_with, send};

type Loss = (&'static str, fn(&mut Stream), ws_result);

const LOSSES: [Loss; 3] = [
    ("FIN without a close frame", |stream| finish(stream), WS_E_CONNECTION_ABORTED),
    ("RST", reset, WS_E_CONNECTION_RESET),
    ("a broken frame", |stream| send(stream, &[0x83, 0]), WS_E_INVALID_PROTOCOL_FORMAT),
];

#[test]
fn what_had_arrived_is_read_before_the_loss_is_told() {
    for mode in MODES {
        for tls in BOTH {
            for (what, lose, expected) in LOSSES {
                let (client, mut stream) = pair(mode, tls);
                send(&mut stream, &frame(0x82, b"arrived in time"));
                let arrived = || client.client.statistics().payload_bytes_received == 15;
                assert!(eventually(arrived));
                lose(&mut stream);
                assert_eq!(client.client.next_closed().result, expected, "{what}");
                assert_eq!(client.read(7, WS_READ_NONE), (WS_OK, b"arrived".to_vec()), "{what}");
                assert_eq!(client.read(3, WS_READ_PARTIAL), (WS_OK, b" in".to_vec()));
                // A read that is cut short says so, and what it got.
                assert_eq!(client.read(100, WS_READ_NONE), (expected, b" time".to_vec()));
                for options in [WS_READ_NONE, WS_READ_PARTIAL] {
                    assert_eq!(client.read(10, options), (expected, vec![]), "again and again");
                }
                assert_eq!(client.read(0, WS_READ_NONE), (WS_OK, vec![]));
            }
        }
    }
}

#[test]
fn a_read_that_waits_ends_with_the_connection() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        for tls in BOTH {
            for (what, lose, expected) in LOSSES {
                let (client, mut stream) = pair(mode, tls);
                let mut buffer = Buffer::new(10);
                assert_eq!(client.begin_read(&mut buffer, 10, WS_READ_NONE), WS_OK);
                send(&mut stream, &frame(0x02, b"half"));
                let arrived = || client.client.statistics().bytes_received == 6;
                assert!(eventually(arrived));
                lose(&mut stream);
                assert_eq!(client.ended(WS_OPERATION_READ), (expected, 4), "{what}");
                assert_eq!(buffer.filled(4), b"half");
                assert_eq!(client.client.next_closed().result, expected);
                assert_eq!(client.client.free(), []);
            }
        }
    }
}

#[test]
fn a_write_that_waits_ends_with_the_connection() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let bytes = vec![7u8; 64 << 20];
            assert_eq!(client.begin_write(&bytes), WS_OK);
            assert!(eventually(|| client.client.statistics().bytes_sent > 100_000));
            reset(&mut stream);
            let (result, count) = client.ended(WS_OPERATION_WRITE);
            assert!(lost(result), "{result:#x}, {tls:?}");
            assert_eq!(count, 0);
            assert_eq!(client.client.next_closed().result, result);
            assert_eq!(client.begin_write(b"x"), WS_E_CLOSED);
        }
    }
}

/// The system says one or the other, by whether it was writing or reading.
fn lost(result: ws_result) -> bool {
    [WS_E_CONNECTION_RESET, WS_E_CONNECTION_ABORTED].contains(&result)
}

#[test]
fn a_waiting_thread_learns_of_the_loss() {
    for tls in BOTH {
        let (client, mut stream) = pair(Mode::Pull, tls);
        let loser = std::thread::spawn(move || {
            let mut byte = [0];
            std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
            reset(&mut stream);
        });
        let bytes = vec![7u8; 64 << 20];
        let (result, count) = client.write_wait(&bytes, 30_000);
        assert!(lost(result) && count == 0, "{result:#x}");
        let (result, got) = client.read_wait(1, WS_READ_NONE, 30_000);
        assert!(lost(result) && got.is_empty(), "{result:#x}");
        loser.join().unwrap();
    }
}

#[test]
fn a_peer_that_takes_nothing_ends_a_write_after_the_send_timeout() {
    for mode in MODES {
        for tls in BOTH {
            let (client, _stream) =
                pair_with(mode, tls, |client| client.set(WS_CONTROL_SEND_TIMEOUT_MS, 100));
            let bytes = vec![7u8; 64 << 20];
            assert_eq!(client.write(&bytes), (WS_E_TIMEOUT, 0));
            assert_eq!(client.client.next_closed().result, WS_E_TIMEOUT);
            assert_eq!(client.read(1, WS_READ_NONE), (WS_E_TIMEOUT, vec![]));
        }
    }
}

#[test]
fn half_a_write_that_runs_out_of_time_drops_the_connection() {
    for tls in BOTH {
        for compression in [0, 1] {
            let (client, _stream) = pair_with(Mode::Pull, tls, |client| {
                client.set(WS_CONTROL_COMPRESSION, compression);
            });
            let bytes = crate::support::random::Random::new(3).bytes(32 << 20);
            assert_eq!(client.write_wait(&bytes, 300), (WS_E_TIMEOUT, 0));
            drop(bytes); // it is not looked at any more
            let closed = client.client.next_closed();
            assert_eq!((closed.result, closed.code), (WS_E_TIMEOUT, 1006), "{tls:?}");
            assert_eq!(ws_get_state(client.socket()), WS_STATE_CLOSED);
            assert_eq!(client.write_wait(b"x", 300), (WS_E_CLOSED, 0));
        }
    }
}

#[test]
fn data_that_was_never_read_does_not_keep_a_lost_connection_open() {
    for tls in BOTH {
        let (client, mut stream) = pair(Mode::Callback, tls);
        send(&mut stream, &frame(0x82, &[7; 1000]));
        finish(&mut stream);
        assert_eq!(client.client.next_closed().result, WS_E_CONNECTION_ABORTED);
        assert_eq!(client.client.free(), Vec::<Told>::new());
    }
    let (client, _stream) = pair(Mode::Callback, Tls::No);
    assert_eq!(client.client.free(), Vec::<Told>::new());
}
