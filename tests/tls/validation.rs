//! The custom validation: asked once TLS is up and the certificate has passed, answered inside the
//! callback or later; before the answer nothing of the request leaves.

use std::sync::mpsc::Receiver;

use anyws::ffi::events::{
    ws_validation_complete, ws_validation_get_deferral, ws_validation_reject,
};
use anyws::ffi::send::ws_cancel;

use super::*;
use crate::support::client::Judgement;

/// A server that tells each byte sequence that reaches it inside TLS, and the end.
fn watching() -> (Server, Receiver<Option<String>>) {
    let (teller, told) = channel();
    let server = Server::raw(Tls::Good, move |mut stream| {
        let request = read_request(&mut stream);
        if request.is_empty() {
            let _ = teller.send(None);
            return;
        }
        let key =
            request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let _ = teller.send(Some(request.clone()));
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).unwrap();
        assert_ne!(read_out(&mut stream).1, Ending::Never);
    });
    (server, told)
}

fn asked(way: Way, uri: &str, how: Judgement) -> Client {
    let mut client = way.client();
    client.judge(how);
    client.connect(uri);
    client
}

fn question(client: &Client) -> *mut ws_validation {
    match client.next() {
        Told::Validation(ticket) => std::ptr::without_provenance_mut(ticket),
        other => panic!("{other:?}"),
    }
}

/// The number of a question that can be handed to another thread.
fn answer_elsewhere(validation: *mut ws_validation, accept: u8) -> ws_result {
    let ticket = validation.addr();
    let thread = std::thread::spawn(move || {
        ws_validation_complete(std::ptr::without_provenance_mut(ticket), accept)
    });
    thread.join().unwrap()
}

/// Waits long enough for a request to arrive, if one had left.
fn nothing_arrives(told: &Receiver<Option<String>>) {
    assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
}

/// The ways in which a callback is asked; from `next` every question is a deferral.
fn asking_ways() -> impl Iterator<Item = Way> {
    secure_ways().into_iter().filter(|way| way.mode != Mode::Next)
}

fn rejected(client: Client, told: &Receiver<Option<String>>) {
    assert_eq!(client.connect_result(), WS_E_SECURITY_PROBLEM);
    assert_eq!(WS_E_SECURITY_PROBLEM.cast_unsigned(), 0x800C_000E);
    let error = client.error();
    assert_eq!((error.result, error.phase), (WS_E_SECURITY_PROBLEM, WS_ERROR_PHASE_TLS));
    assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
    assert_eq!(client.free(), []);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), None, "not a byte of the request");
}

#[test]
fn a_callback_that_returns_has_accepted() {
    for way in asking_ways() {
        let (server, told) = watching();
        let client = asked(way, &server.uri(), Judgement::Accept);
        let validation = question(&client);
        assert_eq!(client.connect_result(), WS_OK, "{way:?}");
        assert!(told.recv_timeout(DEADLINE).unwrap().is_some());
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE, "{way:?}");
        assert_eq!(client.free(), []);
    }
}

// Bad servers, row 32.
#[test]
fn a_rejection_inside_the_callback_ends_the_connect() {
    for way in asking_ways() {
        let (server, told) = watching();
        let client = asked(way, &server.uri(), Judgement::Reject);
        let validation = question(&client);
        let answered = ws_validation_reject(validation);
        assert!([WS_E_HANDLE, WS_E_ILLEGAL_METHOD_CALL].contains(&answered));
        rejected(client, &told);
    }
}

#[test]
fn a_deferral_is_answered_from_another_thread_both_ways() {
    securely_at_once(|way| {
        let (server, told) = watching();
        let client = asked(way, &server.uri(), Judgement::Defer);
        let validation = question(&client);
        assert!(!certificate(&client).is_empty(), "what it asks about can be read");
        assert_eq!(client.text(WS_INFORMATION_TLS_VERSION), "TLS 1.3");
        assert_eq!(ws_get_state(client.socket), WS_STATE_CONNECTING);
        nothing_arrives(&told);
        assert_eq!(answer_elsewhere(validation, 1), WS_OK, "{way:?}");
        let again = ws_validation_complete(validation, 0);
        assert!([WS_E_ILLEGAL_METHOD_CALL, WS_E_HANDLE].contains(&again), "{again:#x}");
        assert_eq!(client.connect_result(), WS_OK, "{way:?}");
        assert!(told.recv_timeout(DEADLINE).unwrap().is_some());
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE);
        assert_eq!(ws_validation_get_deferral(validation), WS_E_HANDLE);
        assert_eq!(client.free(), []);

        let (server, told) = watching();
        let client = asked(way, &server.uri(), Judgement::Defer);
        let validation = question(&client);
        nothing_arrives(&told);
        assert_eq!(answer_elsewhere(validation, 0), WS_OK, "{way:?}");
        rejected(client, &told);
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE);
    });
}

#[test]
fn answering_twice_is_an_illegal_call() {
    let (server, _told) = watching();
    let client = asked(secure_ways()[0], &server.uri(), Judgement::Reject);
    // Inside the callback the connect cannot end: the handler answers twice there, and checks.
    question(&client);
    assert_eq!(client.connect_result(), WS_E_SECURITY_PROBLEM);
}

// Bad servers, row 32.
#[test]
fn a_question_that_nobody_answers_is_a_timeout() {
    securely_at_once(|way| {
        let (server, told) = watching();
        let mut client = way.client();
        client.judge(Judgement::Defer);
        client.set(WS_CONTROL_CONNECT_TIMEOUT_MS, 400);
        let since = Instant::now();
        client.connect(&server.uri());
        let validation = question(&client);
        assert_eq!(client.connect_result(), WS_E_TIMEOUT, "{way:?}");
        assert!(since.elapsed() >= Duration::from_millis(400));
        assert!(since.elapsed() < Duration::from_secs(10));
        assert_eq!(client.error().phase, WS_ERROR_PHASE_TLS);
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE, "{way:?}");
        assert_eq!(ws_validation_reject(validation), WS_E_HANDLE);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), None);
        assert_eq!(client.free(), []);
    });
}

// Bad servers, row 32.
#[test]
fn a_connect_that_is_cancelled_or_freed_takes_its_question_along() {
    for way in secure_ways() {
        let (server, told) = watching();
        let client = asked(way, &server.uri(), Judgement::Defer);
        let validation = question(&client);
        assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
        assert_eq!(client.connect_result(), WS_E_ABORT, "{way:?}");
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE, "{way:?}");
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), None);
        assert_eq!(client.free(), []);

        let client = asked(way, &server.uri(), Judgement::Defer);
        let validation = question(&client);
        assert_eq!(client.free(), [], "{way:?}");
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE, "{way:?}");
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), None);
    }
}

#[test]
fn each_connect_asks_anew_and_an_old_question_does_not_answer_it() {
    securely_at_once(|way| {
        let (server, told) = watching();
        let mut client = asked(way, &server.uri(), Judgement::Defer);
        let first = question(&client);
        assert_eq!(ws_validation_reject(first), WS_OK);
        assert_eq!(client.connect_result(), WS_E_SECURITY_PROBLEM);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), None);
        client.connect(&server.uri());
        let second = question(&client);
        assert_ne!(first, second);
        assert_eq!(ws_validation_complete(first, 1), WS_E_HANDLE, "{way:?}");
        nothing_arrives(&told);
        assert_eq!(ws_validation_complete(second, 1), WS_OK);
        assert_eq!(client.connect_result(), WS_OK);
        assert!(told.recv_timeout(DEADLINE).unwrap().is_some());
    });
}

#[test]
fn nothing_is_asked_without_tls_or_about_a_certificate_that_failed() {
    let plain = Server::echo(Tls::No);
    let expired = Server::echo(Tls::Expired);
    for way in secure_ways() {
        let client = asked(way, &plain.uri(), Judgement::Reject);
        assert_eq!(client.connect_result(), WS_OK, "{way:?}");
        let client = asked(way, &expired.uri(), Judgement::Accept);
        assert_eq!(client.connect_result(), WS_E_SEC_CERT_DATE_INVALID, "{way:?}");
        assert_eq!(client.free(), []);
    }
}

#[test]
fn what_is_no_question_is_a_handle_error() {
    for validation in [0, 1, 3, 8, usize::MAX, 0xdead_beef] {
        let validation = std::ptr::without_provenance_mut(validation);
        assert_eq!(ws_validation_complete(validation, 1), WS_E_HANDLE);
        assert_eq!(ws_validation_reject(validation), WS_E_HANDLE);
        assert_eq!(ws_validation_get_deferral(validation), WS_E_HANDLE);
    }
}
