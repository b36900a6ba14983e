//! Connections that end without a closing handshake: lost while closing, aborted, freed. Those that
//! are lost in the midst of what the server sends stand with the hostile servers.

use super::*;

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
