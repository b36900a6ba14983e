//! What a write puts on the wire, when it ends, and what may come between.

use anyws::ffi::result::*;
use anyws::ffi::send::ws_ping;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::support::client::{MODES, Mode, Told};
use crate::support::server::{BOTH, Stream, eventually, frame, read_frame};
use crate::support::stream_server::{read_header, unmask};
use crate::{pair, pair_with, send};

/// The frames of one message: their first bytes and lengths, and the payload of all; control frames
/// that stand between them are frames like any other, with their payload.
fn read_message(stream: &mut Stream) -> (Vec<(u8, usize)>, Vec<u8>) {
    let (mut frames, mut payload) = (Vec::new(), Vec::new());
    loop {
        let (first, bytes) = read_frame(stream).expect("a frame");
        frames.push((first, bytes.len()));
        if first & 0x0f < 8 {
            payload.extend(bytes);
            if first & 0x80 != 0 {
                return (frames, payload);
            }
        }
    }
}

#[test]
fn each_write_is_one_binary_message() {
    for mode in MODES {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let bytes: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
            for len in [0, 1, 126, 65_000, 65_528, 65_529, 300_000, 0] {
                let reader = std::thread::spawn(move || {
                    let message = read_message(&mut stream);
                    (stream, message)
                });
                assert_eq!(client.write(&bytes[..len]), (WS_OK, len));
                let (again, (frames, payload)) = reader.join().unwrap();
                stream = again;
                assert!(payload == bytes[..len]);
                let last = frames.len() - 1;
                for (at, (first, _)) in frames.iter().enumerate() {
                    let opcode = if at == 0 { 2 } else { 0 };
                    assert_eq!(*first, opcode | if at == last { 0x80 } else { 0 });
                }
            }
        }
    }
}

#[test]
fn nothing_can_be_written_at_an_address_of_nothing() {
    let (client, mut stream) = pair(Mode::Pull, crate::Tls::No);
    let null = std::ptr::null_mut();
    let mut count = 7;
    assert_eq!(ws_write_wait(client.socket(), null, 0, 30_000, &raw mut count), WS_OK);
    assert_eq!((count, read_frame(&mut stream)), (0, Some((0x82, vec![]))));
    assert_eq!(ws_write(client.socket(), null, 0, None, null), WS_OK);
    assert_eq!(read_frame(&mut stream), Some((0x82, vec![])));
}

#[test]
fn a_second_write_is_refused_until_the_first_has_ended() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        for tls in BOTH {
            let (client, mut stream) = pair(mode, tls);
            let bytes = vec![7u8; 16 << 20];
            assert_eq!(client.begin_write(&bytes), WS_OK);
            assert_eq!(client.begin_write(b"x"), WS_E_INVALID_OPERATION);
            assert_eq!(client.begin_write(b""), WS_E_INVALID_OPERATION);
            assert_eq!(client.write_wait(b"x", 0), (WS_E_INVALID_OPERATION, 0));
            let reader = std::thread::spawn(move || {
                let message = read_message(&mut stream);
                (stream, message)
            });
            assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, bytes.len()));
            assert_eq!(client.begin_write(b"x"), WS_OK);
            assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, 1));
            let (mut stream, (_, payload)) = reader.join().unwrap();
            assert!(payload == bytes);
            assert_eq!(read_frame(&mut stream), Some((0x82, b"x".to_vec())));
        }
    }
}

#[test]
fn a_read_does_not_wait_for_a_write_nor_a_write_for_a_read() {
    for mode in [Mode::Callback, Mode::Dispatch, Mode::Next] {
        let (client, mut stream) = pair(mode, crate::Tls::No);
        let bytes = vec![7u8; 16 << 20];
        assert_eq!(client.begin_write(&bytes), WS_OK);
        send(&mut stream, &frame(0x82, b"meanwhile"));
        assert_eq!(client.read_all(9), b"meanwhile");
        let reader = std::thread::spawn(move || read_message(&mut stream).1.len());
        assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, bytes.len()));
        assert_eq!(reader.join().unwrap(), bytes.len());
    }
}

/// A pong is not behind what waits: a peer that asks is answered while a long write is under way.
#[test]
fn pings_and_pongs_overtake_between_the_frames_of_a_write() {
    for tls in BOTH {
        for compression in [0, 1] {
            let (client, mut stream) = pair_with(Mode::Callback, tls, |client| {
                client.set(WS_CONTROL_COMPRESSION, compression);
            });
            let bytes = crate::support::random::Random::new(9).bytes(8 << 20);
            assert_eq!(client.begin_write(&bytes), WS_OK);
            let sent = || client.client.statistics().bytes_sent;
            assert!(eventually(|| sent() > 0));
            send(&mut stream, &frame(0x89, b"are you there"));
            assert_eq!(ws_ping(client.socket(), b"and you".as_ptr().cast(), 7), WS_OK);
            assert!(eventually(|| client.client.statistics().pings_received == 1));
            let mut until_control = [0usize; 2];
            let mut payload = 0;
            loop {
                let header = read_header(&mut stream).unwrap();
                let mut body = vec![0; header.len as usize];
                std::io::Read::read_exact(&mut stream, &mut body).unwrap();
                unmask(&mut body, header.key, 0);
                match header.first {
                    0x8a => until_control[0] = payload,
                    0x89 => {
                        assert_eq!(body, b"and you");
                        until_control[1] = payload;
                    }
                    _ => payload += body.len(),
                }
                if header.first & 0x80 != 0 && header.first & 0x0f < 8 {
                    break;
                }
            }
            assert!(payload >= bytes.len());
            for until in until_control {
                assert!((1..payload - (1 << 20)).contains(&until), "{until} of {payload}");
            }
            assert_eq!(client.ended(WS_OPERATION_WRITE), (WS_OK, bytes.len()));
        }
    }
}

#[test]
fn the_heart_beats_during_a_long_write_and_while_nobody_reads() {
    let (client, mut stream) = pair_with(Mode::Callback, crate::Tls::No, |client| {
        client.set(WS_CONTROL_PING_INTERVAL_MS, 20);
        client.set(WS_CONTROL_PONG_TIMEOUT_MS, 20_000);
    });
    let bytes = vec![7u8; 4 << 20];
    assert_eq!(client.begin_write(&bytes), WS_OK);
    let mut pings = 0;
    let mut payload = 0;
    while pings < 3 || payload < bytes.len() {
        let (first, body) = read_frame(&mut stream).expect("a frame");
        if first == 0x89 {
            pings += 1;
            send(&mut stream, &frame(0x8a, &body));
        } else {
            payload += body.len();
        }
    }
    assert_eq!(payload, bytes.len());
    let mut has_ended = false;
    let mut pongs = 0;
    while !has_ended || pongs < 2 {
        match client.client.next() {
            Told::Pong(_) => pongs += 1,
            Told::Completed { operation: WS_OPERATION_WRITE, result: WS_OK, .. } => {
                has_ended = true;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_write_before_anything_has_left_is_taken_back_when_its_time_is_over() {
    let (client, mut stream) = pair(Mode::Pull, crate::Tls::No);
    // Either it has left at once or nothing of it ever does, and the connection lives on.
    let mut written = Vec::new();
    for number in 0..200u8 {
        match client.write_wait(&[number; 100], 0) {
            (WS_OK, 100) => written.push(number),
            (result, count) => assert_eq!((result, count), (WS_E_TIMEOUT, 0)),
        }
        if anyws::ffi::socket::ws_get_state(client.socket()) != WS_STATE_OPEN {
            panic!("the connection was dropped");
        }
    }
    for number in written {
        assert_eq!(read_frame(&mut stream), Some((0x82, vec![number; 100])));
    }
}
