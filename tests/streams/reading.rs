//! What a read is given, and when: inside a frame, across frames, nothing, everything, in time.

use anyws::ffi::result::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::support::client::{MODES, Mode};
use crate::support::server::{BOTH, eventually, finish, frame};
use crate::support::stream_client::Buffer;
use crate::support::stream_server::server_header;
use crate::{pair, send};

#[test]
fn bytes_of_a_frame_are_read_before_its_end_has_come() {
    for mode in MODES {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let huge = 1 << 40;
            send(&mut stream, &[&server_header(0x82, huge)[..], b"the first of many"].concat());
            assert_eq!(client.read_all(9), b"the first");
            let (result, rest) = client.read(100, WS_READ_PARTIAL);
            assert_eq!((result, rest.as_slice()), (WS_OK, &b" of many"[..]));
            for word in ["a", "little", "more"] {
                let mut buffer = Buffer::new(100);
                if mode != Mode::Pull {
                    assert_eq!(client.begin_read(&mut buffer, 100, WS_READ_PARTIAL), WS_OK);
                }
                send(&mut stream, word.as_bytes());
                if mode != Mode::Pull {
                    assert_eq!(client.ended(WS_OPERATION_READ), (WS_OK, word.len()));
                    assert_eq!(buffer.filled(word.len()), word.as_bytes());
                } else {
                    let (result, got) = client.read(100, WS_READ_PARTIAL);
                    assert_eq!((result, got.as_slice()), (WS_OK, word.as_bytes()));
                }
            }
        }
    }
}

#[test]
fn a_read_that_fills_goes_on_across_frames_and_messages_of_every_kind() {
    for mode in MODES {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let not_text = b"\xff\xfe\0";
            for (first, payload) in [
                (0x82, &b"one "[..]),
                (0x01, b"two "),
                (0x89, b"a ping"),
                (0x00, b""),
                (0x80, not_text),
                (0x81, b" three"),
            ] {
                send(&mut stream, &frame(first, payload));
            }
            assert_eq!(client.read_all(17), b"one two \xff\xfe\0 three");
        }
    }
}

#[test]
fn a_partial_read_gets_what_is_there_and_never_nothing() {
    for mode in MODES {
        let (client, mut stream) = pair(mode, crate::Tls::No);
        let mut bytes = Vec::new();
        for _ in 0..20 {
            bytes.extend(frame(0x82, b""));
        }
        bytes.extend(frame(0x82, b"abc"));
        send(&mut stream, &bytes);
        assert_eq!(client.read(10, WS_READ_PARTIAL), (WS_OK, b"abc".to_vec()));
        send(&mut stream, &frame(0x82, b"defg"));
        assert_eq!(client.read(2, WS_READ_PARTIAL), (WS_OK, b"de".to_vec()));
        assert_eq!(client.read(2, WS_READ_PARTIAL), (WS_OK, b"fg".to_vec()));
    }
}

#[test]
fn a_read_of_nothing_ends_at_once_and_takes_nothing() {
    for mode in MODES {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            for options in [WS_READ_NONE, WS_READ_PARTIAL] {
                assert_eq!(client.read(0, options), (WS_OK, vec![]), "nothing has come");
            }
            send(&mut stream, &frame(0x82, b"abc"));
            assert_eq!(client.read(1, WS_READ_NONE), (WS_OK, b"a".to_vec()));
            for options in [WS_READ_NONE, WS_READ_PARTIAL] {
                assert_eq!(client.read(0, options), (WS_OK, vec![]), "something has");
            }
            assert_eq!(client.read(2, WS_READ_NONE), (WS_OK, b"bc".to_vec()));
        }
        let (client, _stream) = pair(mode, crate::Tls::No);
        let null = std::ptr::null_mut();
        assert_eq!(ws_read_wait(client.socket(), null, 0, WS_READ_NONE, 0, null.cast()), WS_OK);
    }
}

/// Nobody touches memory that a read has no use for: a capacity may be larger than what there is.
#[test]
fn a_huge_capacity_costs_nothing() {
    for mode in MODES {
        let (client, mut stream) = pair(mode, crate::Tls::No);
        let huge = 1usize << 40;
        let pages = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(std::ptr::null_mut(), huge, access, flags, -1, 0)
        };
        assert_ne!(pages, libc::MAP_FAILED);
        send(&mut stream, &frame(0x82, b"a little"));
        if mode == Mode::Pull {
            let mut count = 0;
            let result =
                ws_read_wait(client.socket(), pages, huge, WS_READ_PARTIAL, 30_000, &raw mut count);
            assert_eq!((result, count), (WS_OK, 8));
        } else {
            let told = client.client.teller();
            let completed = Some(crate::support::told::completed as _);
            let options = WS_READ_PARTIAL;
            assert_eq!(ws_read(client.socket(), pages, huge, options, completed, told), WS_OK);
            assert_eq!(client.ended(WS_OPERATION_READ), (WS_OK, 8));
        }
        let got = unsafe { std::slice::from_raw_parts(pages.cast::<u8>(), 8) };
        assert_eq!(got, b"a little");
        client.client.free();
        assert_eq!(unsafe { libc::munmap(pages, huge) }, 0);
    }
}

#[test]
fn a_read_that_runs_out_of_time_hands_over_what_it_has() {
    for tls in BOTH {
        let (client, mut stream) = pair(Mode::Pull, tls);
        for timeout_ms in [0, 1, 20] {
            for options in [WS_READ_NONE, WS_READ_PARTIAL] {
                assert_eq!(client.read_wait(10, options, timeout_ms), (WS_E_TIMEOUT, vec![]));
            }
        }
        send(&mut stream, &frame(0x82, b"half"));
        assert!(eventually(|| client.client.statistics().payload_bytes_received == 4));
        assert_eq!(client.read_wait(10, WS_READ_NONE, 1), (WS_E_TIMEOUT, b"half".to_vec()));
        assert_eq!(client.read_wait(10, WS_READ_NONE, 0), (WS_E_TIMEOUT, vec![]), "handed over");
        assert_eq!(ws_get_state_of(&client), WS_STATE_OPEN);
        send(&mut stream, &frame(0x82, b"and the rest"));
        assert_eq!(client.read_all(12), b"and the rest");
    }
}

fn ws_get_state_of(client: &crate::StreamClient) -> ws_state {
    anyws::ffi::socket::ws_get_state(client.socket())
}

#[test]
fn a_second_read_is_refused_until_the_first_has_ended() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        let (client, mut stream) = pair(mode, crate::Tls::No);
        let (mut first, mut second) = (Buffer::new(4), Buffer::new(4));
        assert_eq!(client.begin_read(&mut first, 4, WS_READ_NONE), WS_OK);
        for capacity in [0, 4] {
            let refused = client.begin_read(&mut second, capacity, WS_READ_PARTIAL);
            assert_eq!(refused, WS_E_INVALID_OPERATION);
            let (result, got) = client.read_wait(capacity, WS_READ_PARTIAL, 0);
            assert_eq!((result, got.len()), (WS_E_INVALID_OPERATION, 0));
        }
        send(&mut stream, &frame(0x82, b"12345"));
        assert_eq!(client.ended(WS_OPERATION_READ), (WS_OK, 4));
        assert_eq!(first.filled(4), b"1234");
        assert_eq!(client.begin_read(&mut second, 1, WS_READ_NONE), WS_OK);
        assert_eq!(client.ended(WS_OPERATION_READ), (WS_OK, 1));
        assert_eq!(second.filled(1), b"5");
    }
}

#[test]
fn a_clean_close_cuts_a_read_short_and_then_reads_nothing() {
    for mode in MODES {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let mut bytes = frame(0x82, b"one ");
            bytes.extend(frame(0x01, b"two "));
            bytes.extend(frame(0x80, b"three"));
            bytes.extend(frame(0x88, b"\x03\xe8"));
            send(&mut stream, &bytes);
            if mode == Mode::Pull {
                assert_eq!(client.read(4, WS_READ_NONE), (WS_OK, b"one ".to_vec()));
                assert_eq!(client.read(100, WS_READ_NONE), (WS_OK, b"two three".to_vec()));
                finish(&mut stream);
            } else {
                // It is closed before anything is read.
                finish(&mut stream);
                let closed = client.client.next_closed();
                assert_eq!((closed.result, closed.code, closed.by_peer), (WS_OK, 1000, true));
                assert_eq!(client.read(4, WS_READ_NONE), (WS_OK, b"one ".to_vec()));
                assert_eq!(client.read(0, WS_READ_NONE), (WS_OK, vec![]));
                assert_eq!(client.read(100, WS_READ_NONE), (WS_OK, b"two three".to_vec()));
            }
            for options in [WS_READ_NONE, WS_READ_PARTIAL, WS_READ_PARTIAL] {
                assert_eq!(client.read(10, options), (WS_OK, vec![]), "again and again");
            }
        }
    }
}

#[test]
fn a_read_that_waits_ends_when_the_server_closes() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        for options in [WS_READ_NONE, WS_READ_PARTIAL] {
            let (client, mut stream) = pair(mode, crate::Tls::No);
            let mut buffer = Buffer::new(10);
            let expected = if options == WS_READ_NONE { &b"ab"[..] } else { b"" };
            assert_eq!(client.begin_read(&mut buffer, 10, options), WS_OK);
            send(&mut stream, &frame(0x82, expected));
            send(&mut stream, &frame(0x88, b""));
            assert_eq!(client.ended(WS_OPERATION_READ), (WS_OK, expected.len()));
            assert_eq!(buffer.filled(expected.len()), expected);
            finish(&mut stream);
            assert_eq!(client.client.next_closed().code, 1005);
        }
    }
}
