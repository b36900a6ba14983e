//! What is unusual but legal goes on: control frames anywhere, floods of them, many messages at
//! once; and silence where a message should go on does not.

use super::*;

#[test]
fn control_frames_between_fragments_are_answered_and_the_message_arrives_whole() {
    for tls in BOTH {
        for mode in MODES {
            let (teller, answers) = channel();
            let (server, _wire) = Server::scripted(tls, move |stream, _| {
                let text = "κόσμε".as_bytes();
                let mut bytes = frame(0x01, &text[..3]);
                bytes.extend(frame(0x89, b"one"));
                bytes.extend(frame(0x00, &text[3..4]));
                bytes.extend(frame(0x8a, b"not asked for"));
                stream.write_all(&bytes).unwrap();
                assert_eq!(read_frame(stream), Some((0x8a, b"one".to_vec())));
                let mut bytes = frame(0x89, b"");
                bytes.extend(frame(0x80, &text[4..]));
                bytes.extend(frame(0x88, &[]));
                stream.write_all(&bytes).unwrap();
                teller.send(finish_after_close(stream)).unwrap();
            });
            let mut client = Client::connected(mode, &server.uri());
            let (before, closed) = client.until_closed();
            assert_eq!(before, [Told::Message(WS_MESSAGE_TYPE_UTF8, "κόσμε".into())]);
            assert_eq!((closed.result, closed.code), (WS_OK, 1005));
            let answers = answers.recv_timeout(DEADLINE).unwrap();
            assert_eq!(answers, [(0x8a, vec![]), (0x88, vec![])]);
        }
    }
}

#[test]
fn silence_in_the_middle_of_a_message_ends_the_connection() {
    let stalls = [
        row("a message declared as 1 GiB", [long_header(0x82, 1 << 30), vec![1; 10]].concat()),
        row("half a header", [0x82]),
        row("half a length", [0x82, 126, 1]),
        row("half a ping", [0x89, 5, 1]),
        row("between fragments", [frame(0x01, b"begun"), frame(0x89, b"")].concat()),
    ];
    for tls in BOTH {
        for stall in &stalls {
            for mode in MODES {
                let what = format!("{}, {mode:?}, {tls:?}", stall.name);
                let bytes = stall.bytes.clone();
                let (server, wire) = Server::scripted(tls, move |stream, _| {
                    stream.write_all(&bytes).unwrap();
                });
                let mut client = Client::trusting(mode);
                client.set(WS_CONTROL_RECEIVE_TIMEOUT_MS, 300);
                client.set(WS_CONTROL_MAX_MESSAGE_SIZE, 0xffff_ffff);
                client.connect(&server.uri());
                assert_eq!(client.connect_result(), WS_OK);
                let since = Instant::now();
                client.begin_pulling();
                let (before, closed) = client.until_closed();
                let took = since.elapsed();
                assert!(took > Duration::from_millis(150), "{what}: {took:?}");
                assert!(took < Duration::from_secs(10), "{what}: {took:?}");
                assert_eq!(before, [], "{what}");
                assert_eq!(closed, lost(WS_E_TIMEOUT), "{what}");
                let error = client.error();
                let status = (error.web_error_status, error.phase);
                let expected = (WS_WEB_ERROR_STATUS_TIMEOUT, WS_ERROR_PHASE_WEBSOCKET);
                assert_eq!(status, expected, "{what}");
                assert_ne!(wire.recv_timeout(DEADLINE).unwrap().1, Ending::Never, "{what}");
            }
        }
    }
}

#[test]
fn an_idle_connection_never_times_out_and_any_byte_ends_the_silence() {
    for tls in BOTH {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            let lull = |stream: &mut server::Stream, ms| {
                stream.tcp().set_read_timeout(Some(Duration::from_millis(ms))).unwrap();
                assert_eq!(read_frame(stream), None);
            };
            lull(stream, 900);
            // A message that takes longer than the timeout, but is never silent for so long.
            stream.write_all(&[0x81, 10]).unwrap();
            for byte in *b"never late" {
                lull(stream, 50);
                stream.write_all(&[byte]).unwrap();
            }
        });
        let mut client = Client::trusting(Mode::Callback);
        client.set(WS_CONTROL_RECEIVE_TIMEOUT_MS, 400);
        client.connect(&server.uri());
        assert_eq!(client.connect_result(), WS_OK);
        assert_eq!(client.next_text(), "never late");
    }
}

#[test]
fn of_a_hundred_thousand_pings_the_last_is_answered() {
    for tls in BOTH {
        let (server, wire) = Server::scripted(tls, |stream, _| {
            let mut bytes = Vec::new();
            for number in 0..100_000u32 {
                bytes.extend(frame(0x89, &number.to_be_bytes()));
            }
            bytes.extend(frame(0x81, b"end"));
            stream.write_all(&bytes).unwrap();
            let last = (0x8a, 99_999u32.to_be_bytes().to_vec());
            while let Some(answer) = read_frame(stream) {
                if answer == last {
                    stream.write_all(&frame(0x88, &1000u16.to_be_bytes())).unwrap();
                    finish_after_close(stream);
                    return;
                }
            }
        });
        let mut client = Client::connected(Mode::Callback, &server.uri());
        assert_eq!(client.next_text(), "end");
        let (before, closed) = client.until_closed();
        assert_eq!(before, []);
        assert_eq!((closed.result, closed.code), (WS_OK, 1000));
        wire.recv_timeout(DEADLINE).unwrap();
    }
}

/// Resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    1024 * line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn endless_pings_from_a_server_that_reads_nothing_do_not_grow_memory() {
    for tls in BOTH {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            let flood = frame(0x89, &[b'p'; 125]).repeat(2_000);
            for _ in 0..500 {
                stream.write_all(&flood).unwrap();
            }
            stream.write_all(&frame(0x81, b"end")).unwrap();
        });
        let echo = Server::echo(tls);
        let other = Client::connected(Mode::Callback, &echo.uri());
        let before = resident();
        let client = Client::connected(Mode::Callback, &server.uri());
        let mut rounds = 0;
        let end = loop {
            // Another connection of the same I/O thread is not starved by the flood.
            assert_eq!(other.send_text("meanwhile"), WS_OK);
            assert_eq!(other.next_text(), "meanwhile");
            rounds += 1;
            if let Some(told) = client.try_next() {
                break told;
            }
        };
        assert_eq!(end, Told::Message(WS_MESSAGE_TYPE_UTF8, b"end".to_vec()));
        assert!(rounds > 10, "{rounds}");
        assert!(ws_buffered_amount(client.socket) < 1 << 20);
        let grown = resident().saturating_sub(before);
        assert!(grown < 64 << 20, "{grown} bytes for 127 MB of pings, {tls:?}");
    }
}

#[test]
fn pongs_that_answer_nothing_are_ignored() {
    for tls in BOTH {
        for mode in MODES {
            let (server, _wire) = Server::scripted(tls, |stream, _| {
                let mut bytes = frame(0x8a, b"unasked").repeat(10_000);
                bytes.extend(frame(0x81, b"ping me"));
                stream.write_all(&bytes).unwrap();
                assert_eq!(read_frame(stream), Some((0x89, b"question".to_vec())));
                let mut bytes = frame(0x8a, b"wrong");
                bytes.extend(frame(0x81, b"wrong"));
                bytes.extend(frame(0x8a, b"question"));
                stream.write_all(&bytes).unwrap();
            });
            let client = Client::connected(mode, &server.uri());
            assert_eq!(client.next_text(), "ping me");
            assert_eq!(ws_ping(client.socket, b"question".as_ptr().cast(), 8), WS_OK);
            let mut told = [client.next(), client.next()];
            if mode == Mode::Pull {
                // Messages and pongs come by different ways.
                told.sort_by_key(|told| matches!(told, Told::Pong(_)));
            }
            assert_eq!(told[0], Told::Message(WS_MESSAGE_TYPE_UTF8, b"wrong".to_vec()));
            assert!(matches!(told[1], Told::Pong(_)), "{told:?}");
        }
    }
}

#[test]
fn ten_thousand_messages_in_one_segment_arrive_in_order() {
    for tls in BOTH {
        for mode in MODES {
            let (server, _wire) = Server::scripted(tls, |stream, _| {
                let mut bytes = Vec::new();
                for number in 0..5_000u16 {
                    bytes.extend(frame(0x82, &number.to_be_bytes()));
                    bytes.extend(frame(0x81, b""));
                }
                stream.write_all(&bytes).unwrap();
            });
            let client = Client::connected(mode, &server.uri());
            for number in 0..5_000u16 {
                let bytes = number.to_be_bytes().to_vec();
                assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, bytes));
                assert_eq!(client.next_text(), "");
            }
        }
    }
}
