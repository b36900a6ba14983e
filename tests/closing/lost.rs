//! Connections that end without a closing handshake: lost in the network, aborted, freed.

use super::*;

/// What a server has sent when it ends the connection without a close frame.
fn cuts() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("half a header", vec![0x81]),
        ("half a length", vec![0x82, 126, 1]),
        ("half a payload", vec![0x81, 10, b'h', b'a', b'l', b'f']),
        (
            "half of a large payload",
            [vec![0x82, 127, 0, 0, 0, 0, 0, 16, 0, 0], vec![1; 99]].concat(),
        ),
        ("a fragment", frame(0x01, b"half")),
        ("half a close frame", vec![0x88, 5, 3]),
    ]
}

fn losses(
    end: impl Fn(&mut Stream) + Send + Sync + Copy + 'static,
    result: ws_result,
    status: i32,
) {
    for (name, bytes) in cuts() {
        everywhere(|mode, tls| {
            let what = format!("{name}, {mode:?}, {tls:?}");
            let sent = bytes.clone();
            let (server, wire) = Server::scripted(tls, move |stream, _| {
                stream.write_all(&frame(0x81, b"whole")).unwrap();
                stream.write_all(&sent).unwrap();
                stream.flush().unwrap();
                // The client must have read it: a reset may overtake what it has not.
                while !matches!(read_frame(stream), None | Some((0x81, _))) {}
                end(stream);
            });
            let mut client = Client::connected(mode, &server.uri());
            assert_eq!(client.next_text(), "whole", "{what}");
            assert_eq!(client.send_text("seen"), WS_OK, "{what}");
            assert_eq!(client.until_closed(), (vec![], ended(result)), "{what}");
            let error = client.error();
            assert_eq!((error.result, error.web_error_status), (result, status), "{what}");
            assert_eq!(error.phase, WS_ERROR_PHASE_WEBSOCKET, "{what}");
            assert_eq!(client.free(), [], "{what}");
            wire.recv_timeout(DEADLINE).unwrap();
        });
    }
}

#[test]
fn the_end_of_tcp_without_a_close_frame_is_an_aborted_connection() {
    assert_eq!(WS_E_CONNECTION_ABORTED.cast_unsigned(), 0x8007_2EFE);
    losses(finish, WS_E_CONNECTION_ABORTED, WS_WEB_ERROR_STATUS_CONNECTION_ABORTED);
}

#[test]
fn close_notify_without_a_close_frame_is_an_aborted_connection() {
    let (server, _wire) = Server::scripted(Tls::Good, |stream, _| {
        if let Stream::Secure(stream) = stream {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    let mut client = Client::connected(Mode::Callback, &server.uri());
    assert_eq!(client.until_closed(), (vec![], ended(WS_E_CONNECTION_ABORTED)));
}

#[test]
fn a_reset_without_a_close_frame_is_a_reset_connection() {
    assert_eq!(WS_E_CONNECTION_RESET.cast_unsigned(), 0x8007_2EFF);
    losses(reset, WS_E_CONNECTION_RESET, WS_WEB_ERROR_STATUS_CONNECTION_RESET);
}

#[test]
fn the_connection_ends_while_our_close_waits_for_its_answer() {
    everywhere(|mode, tls| {
        let (server, _wire) = Server::scripted(tls, |stream, _| {
            while !matches!(read_frame(stream), None | Some((0x88, _))) {}
            finish(stream);
        });
        let mut client = Client::connected(mode, &server.uri());
        assert_eq!(client.close(1000, ""), WS_OK);
        assert_eq!(client.until_closed(), (vec![], ended(WS_E_CONNECTION_ABORTED)));
        assert_eq!(client.error().phase, WS_ERROR_PHASE_CLOSING);
    });
}

#[test]
fn abort_resets_the_connection_and_completes_what_is_pending() {
    everywhere(|mode, tls| {
        let barrier = Arc::new(Barrier::new(2));
        let script = Arc::clone(&barrier);
        let (server, wire) = Server::scripted(tls, move |_, _| {
            script.wait();
        });
        let mut client = Client::connected(mode, &server.uri());
        let mut pending = Vec::new();
        while ws_buffered_amount(client.socket) < 4 << 20 {
            match client.send_async(WS_MESSAGE_TYPE_BINARY, &[1; 1 << 20]) {
                Ok(operation) => pending.push(operation),
                Err(result) => panic!("{result:#x}"),
            }
        }
        assert_eq!(ws_abort(client.socket), WS_OK);
        let (before, closed) = client.until_closed();
        assert_eq!(closed, ended(WS_E_ABORT));
        let completed = before.iter().map(|told| match told {
            Told::Completed { operation, result: WS_OK | WS_E_ABORT, .. } => *operation,
            other => panic!("{other:?}"),
        });
        assert_eq!(completed.collect::<Vec<_>>(), pending);
        let last = before.last().unwrap();
        assert!(matches!(last, Told::Completed { result: WS_E_ABORT, bytes: 0, .. }), "{last:?}");
        assert_eq!(client.error().web_error_status, WS_WEB_ERROR_STATUS_OPERATION_CANCELED);
        assert_eq!(ws_abort(client.socket), WS_OK, "after the end it does nothing");
        barrier.wait();
        assert_eq!(wire.recv_timeout(DEADLINE).unwrap().1, Ending::Reset);
        assert_eq!(client.free(), []);
    });
}

#[test]
fn freeing_an_open_socket_sends_an_empty_close_frame_and_tells_nothing() {
    everywhere(|mode, tls| {
        let (server, wire) = Server::scripted(tls, |_, _| {});
        let client = Client::connected(mode, &server.uri());
        assert_eq!(client.send_text("last words"), WS_OK);
        assert!(eventually(|| ws_buffered_amount(client.socket) == 0));
        let socket = client.socket;
        assert_eq!(client.free(), []);
        assert_eq!(ws_get_state(socket), WS_STATE_NONE);
        let (bytes, ending) = wire.recv_timeout(DEADLINE).unwrap();
        assert_eq!(client_frames(&bytes), [(0x81, b"last words".to_vec()), (0x88, vec![])]);
        assert_eq!(ending, Ending::Orderly);
    });
}

#[test]
fn pending_sends_complete_with_an_error_before_closed() {
    everywhere(|mode, tls| {
        let barrier = Arc::new(Barrier::new(2));
        let script = Arc::clone(&barrier);
        let (server, _wire) = Server::scripted(tls, move |stream, _| {
            script.wait();
            reset(stream);
        });
        let mut client = Client::connected(mode, &server.uri());
        let mut pending = Vec::new();
        while ws_buffered_amount(client.socket) < 4 << 20 {
            pending.push(client.send_async(WS_MESSAGE_TYPE_BINARY, &[1; 1 << 20]).unwrap());
        }
        barrier.wait();
        let (before, closed) = client.until_closed();
        assert_eq!(closed, ended(WS_E_CONNECTION_RESET), "{mode:?}, {tls:?}");
        let ended: Vec<_> = before
            .iter()
            .map(|told| match told {
                Told::Completed { operation, .. } => *operation,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ended, pending);
        let error = Told::Completed {
            operation: *pending.last().unwrap(),
            result: WS_E_CONNECTION_RESET,
            bytes: 0,
        };
        assert_eq!(before.last(), Some(&error));
        assert_eq!(client.free(), []);
    });
}
