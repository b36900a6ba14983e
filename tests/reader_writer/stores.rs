//! What a store sends, when it is refused, and the end of a socket's output.

use std::ffi::{CStr, c_void};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use anyws::ffi::events::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use tungstenite::Message;

use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode, Told};
use crate::support::server::{BOTH, Server, Tls, eventually, next_message};
use crate::*;

/// Reads nothing before it is told to go; then everything, and tells it.
fn waiting_server(tls: Tls) -> (Server, Sender<()>, Receiver<Message>) {
    let (go, gone) = channel::<()>();
    let (teller, told) = channel();
    let gone = Mutex::new(gone);
    let server = Server::start(tls, move |peer| {
        let _ = gone.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(DEADLINE);
        while let Some(message) = next_message(peer) {
            let _ = teller.send(message);
        }
    });
    (server, go, told)
}

/// More than the systems on both sides take while nobody reads.
fn fill(writer: &Writer) -> usize {
    const LEN: usize = 32 << 20;
    writer.bytes(&vec![9; LEN]);
    LEN
}

#[test]
fn a_store_is_one_message_of_the_type_that_the_control_names() {
    for mode in MODES {
        for tls in BOTH {
            let server = Server::echo(tls);
            let client = Client::connected(mode, &server.uri());
            let writer = Writer::over(client.socket);
            assert_eq!(ws_data_writer_write_u32(writer.0, 0x0102_0304), WS_OK);
            writer.bytes(b"!");
            assert_eq!(writer.store(), Ok(5));
            assert_eq!(writer.unstored(), 0);
            assert_eq!(client.next_message(), (WS_MESSAGE_TYPE_BINARY, vec![1, 2, 3, 4, b'!']));

            client.set(WS_CONTROL_MESSAGE_TYPE, WS_MESSAGE_TYPE_UTF8.into());
            assert_eq!(writer.text("κόσμε".as_bytes()), WS_OK);
            assert_eq!(writer.store(), Ok(10));
            assert_eq!(client.next_text(), "κόσμε");
            assert_eq!(writer.store(), Ok(0), "nothing written is an empty message");
            assert_eq!(client.next_text(), "");
            let large = vec![b'x'; 300_000];
            writer.bytes(&large);
            assert_eq!(ws_data_writer_store(writer.0, null_mut()), WS_OK);
            assert!(client.next_text().into_bytes() == large);
        }
    }
}

#[test]
fn a_writer_over_memory_or_detached_stores_nothing() {
    let server = Server::echo(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    let detached = Writer::over(client.socket);
    for _ in 0..2 {
        assert_eq!(ws_data_writer_detach_stream(detached.0), WS_OK);
    }
    for writer in [Writer::new(), detached] {
        writer.bytes(b"abc");
        assert_eq!(writer.store(), Err(WS_E_INVALID_OPERATION));
        assert_eq!(client.store_async(writer.0), Err(WS_E_INVALID_OPERATION));
        let waited = ws_data_writer_store_wait(writer.0, 0, null_mut());
        assert_eq!(waited, WS_E_INVALID_OPERATION);
        assert_eq!(ws_data_writer_flush(writer.0), WS_E_INVALID_OPERATION);
        assert_eq!(writer.detach(), b"abc");
    }
    assert_eq!(client.send_text("its output is open"), WS_OK);
    assert_eq!(client.next_text(), "its output is open");
}

/// Every way to store, and flush, are refused with `result`; the bytes stay.
fn is_refused(client: &Client, writer: &Writer, result: ws_result) {
    let before = writer.unstored();
    assert_eq!(writer.store(), Err(result));
    assert_eq!(client.store_async(writer.0), Err(result));
    let mut bytes = 7;
    assert_eq!(ws_data_writer_store_wait(writer.0, 0, &raw mut bytes), result);
    assert_eq!((writer.unstored(), bytes), (before, 7));
    assert_eq!(ws_data_writer_flush(writer.0), result);
}

#[test]
fn a_store_is_accepted_while_the_socket_is_open_and_refused_before_and_after() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let connecting_uri = format!("ws://{}/", silent.local_addr().unwrap());
    let mut client = Client::new(Mode::Callback);
    let writer = Writer::over(client.socket);
    writer.bytes(b"abc");
    is_refused(&client, &writer, WS_E_ILLEGAL_METHOD_CALL);
    client.connect(&connecting_uri);
    is_refused(&client, &writer, WS_E_ILLEGAL_METHOD_CALL);
    assert_eq!(ws_cancel(client.socket, WS_OPERATION_CONNECT), WS_OK);
    assert_eq!(client.connect_result(), WS_E_ABORT);

    let server = Server::echo(Tls::No);
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    assert_eq!(ws_data_writer_flush(writer.0), WS_OK);
    assert_eq!(writer.store(), Ok(3));
    assert_eq!(client.next_message().1, b"abc");

    writer.bytes(b"late");
    assert_eq!(client.close(1000, ""), WS_OK);
    is_refused(&client, &writer, WS_E_CLOSED);
    client.next_closed();
    is_refused(&client, &writer, WS_E_CLOSED);
    let handle = client.socket;
    assert_eq!(client.free(), []);
    assert_eq!(ws_get_state(handle), WS_STATE_NONE);
    let stranger = Client::new(Mode::Callback);
    is_refused(&stranger, &writer, WS_E_CLOSED);
    assert_eq!(writer.detach(), b"late");
}

#[test]
fn a_store_of_what_is_no_text_is_refused_and_the_bytes_stay() {
    let server = Server::echo(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    client.set(WS_CONTROL_MESSAGE_TYPE, WS_MESSAGE_TYPE_UTF8.into());
    let writer = Writer::over(client.socket);
    writer.bytes(b"\xff");
    assert_eq!(writer.store(), Err(WS_E_NO_UNICODE_TRANSLATION));
    assert_eq!(client.store_async(writer.0), Err(WS_E_NO_UNICODE_TRANSLATION));
    let waited = ws_data_writer_store_wait(writer.0, 0, null_mut());
    assert_eq!(waited, WS_E_NO_UNICODE_TRANSLATION);
    assert_eq!(writer.detach(), b"\xff");
    assert_eq!(writer.store(), Ok(0));
    assert_eq!(client.next_text(), "");
}

#[test]
fn a_full_queue_refuses_a_store_and_the_bytes_stay() {
    for tls in BOTH {
        let (server, go, told) = waiting_server(tls);
        let client = Client::connected(Mode::Callback, &server.uri());
        let writer = Writer::over(client.socket);
        let len = fill(&writer);
        assert_eq!(writer.store(), Ok(len), "an empty queue takes one of any size");
        writer.bytes(b"later");
        assert_eq!(writer.store(), Err(WS_E_WOULD_BLOCK));
        assert_eq!(client.store_async(writer.0), Err(WS_E_WOULD_BLOCK));
        writer.bytes(b" on");
        assert_eq!(writer.unstored(), 8);
        go.send(()).unwrap();
        assert_eq!(client.next(), Told::SendReady);
        assert_eq!(writer.store(), Ok(8));
        assert_eq!(told.recv_timeout(DEADLINE).unwrap().len(), len);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Message::binary(b"later on".to_vec()));
    }
}

#[test]
fn a_second_store_is_refused_until_the_first_has_left() {
    for mode in MODES {
        for tls in BOTH {
            let (server, go, told) = waiting_server(tls);
            let client = Client::connected(mode, &server.uri());
            client.set(WS_CONTROL_SEND_QUEUE_LIMIT, u64::from(u32::MAX));
            let writer = Writer::over(client.socket);
            let other = Writer::over(client.socket);
            let len = fill(&writer);
            let operation = client.store_async(writer.0).unwrap();
            writer.bytes(b"second");
            is_refused_as_second(&client, &writer);
            other.bytes(b"another writer's");
            assert_eq!(other.store(), Ok(16), "each writer has its own");
            assert_eq!(client.try_next(), None);

            go.send(()).unwrap();
            let completed = Told::Completed { operation, result: WS_OK, bytes: len as u64 };
            assert_eq!(client.next(), completed);
            assert_eq!(writer.store(), Ok(6));
            assert_eq!(told.recv_timeout(DEADLINE).unwrap().len(), len);
            for text in ["another writer's", "second"] {
                let message = told.recv_timeout(DEADLINE).unwrap();
                assert_eq!(message, Message::binary(text.as_bytes().to_vec()));
            }
            assert_eq!(ws_data_writer_detach_stream(other.0), WS_OK);
        }
    }
}

fn is_refused_as_second(client: &Client, writer: &Writer) {
    let before = writer.unstored();
    assert_eq!(writer.store(), Err(WS_E_INVALID_OPERATION));
    assert_eq!(client.store_async(writer.0), Err(WS_E_INVALID_OPERATION));
    let waited = ws_data_writer_store_wait(writer.0, WS_INFINITE, null_mut());
    assert_eq!(waited, WS_E_INVALID_OPERATION);
    assert_eq!(writer.unstored(), before);
    assert_eq!(ws_data_writer_flush(writer.0), WS_OK);
}

#[test]
fn a_cancelled_store_makes_room_for_the_next() {
    let (server, go, told) = waiting_server(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    client.set(WS_CONTROL_SEND_QUEUE_LIMIT, u64::from(u32::MAX));
    let blocking = Writer::over(client.socket);
    let len = fill(&blocking);
    assert_eq!(blocking.store(), Ok(len));
    let writer = Writer::over(client.socket);
    writer.bytes(b"never");
    let operation = client.store_async(writer.0).unwrap();
    assert_eq!(writer.store(), Err(WS_E_INVALID_OPERATION));
    assert_eq!(ws_cancel(client.socket, operation), WS_OK);
    writer.bytes(b"instead");
    assert_eq!(writer.store(), Ok(7));
    assert_eq!(client.next(), Told::Completed { operation, result: WS_E_ABORT, bytes: 0 });
    go.send(()).unwrap();
    assert_eq!(told.recv_timeout(DEADLINE).unwrap().len(), len);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Message::binary(b"instead".to_vec()));
}

#[test]
fn a_store_that_waits_leaves_the_writer_to_others_but_not_to_stores() {
    let (server, go, told) = waiting_server(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    let writer = Writer::over(client.socket);
    let len = fill(&writer);
    let handle = writer.0.addr();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let mut bytes = 0;
            let writer = std::ptr::without_provenance_mut(handle);
            let result = ws_data_writer_store_wait(writer, WS_INFINITE, &raw mut bytes);
            (result, bytes)
        });
        assert!(eventually(|| writer.unstored() == 0), "the bytes are on their way");
        writer.bytes(b"meanwhile");
        assert_eq!(writer.store(), Err(WS_E_INVALID_OPERATION));
        go.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), (WS_OK, len));
    });
    assert_eq!(writer.store(), Ok(9));
    assert_eq!(told.recv_timeout(DEADLINE).unwrap().len(), len);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Message::binary(b"meanwhile".to_vec()));
}

#[test]
fn a_store_that_times_out_has_taken_the_bytes() {
    let (server, go, _told) = waiting_server(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    let writer = Writer::over(client.socket);
    fill(&writer);
    let mut bytes = 7;
    assert_eq!(ws_data_writer_store_wait(writer.0, 20, &raw mut bytes), WS_E_TIMEOUT);
    assert_eq!((writer.unstored(), bytes), (0, 7));
    go.send(()).unwrap();
}

/// A writer whose completions store again, and how often they still do.
struct Relay {
    writer: usize,
    left: Mutex<u32>,
    done: Sender<Vec<ws_result>>,
    answers: Mutex<Vec<ws_result>>,
}

unsafe extern "C-unwind" fn store_again(
    _: *mut ws_socket,
    _: ws_operation,
    result: ws_result,
    _: u64,
    relay: *mut c_void,
) {
    let relay_pointer = relay;
    let relay = unsafe { &*relay.cast::<Relay>() };
    let writer = std::ptr::without_provenance_mut(relay.writer);
    let mut left = relay.left.lock().unwrap();
    let mut answers = relay.answers.lock().unwrap();
    // Nothing may wait here.
    answers.extend([result, ws_data_writer_store_wait(writer, 0, null_mut())]);
    *left -= 1;
    if *left == 0 {
        relay.done.send(std::mem::take(&mut answers)).unwrap();
        return;
    }
    drop((left, answers));
    assert_eq!(ws_data_writer_write_u32(writer, 7), WS_OK);
    let again = ws_data_writer_store_async(writer, Some(store_again), relay_pointer, null_mut());
    if again != WS_OK {
        relay.done.send(vec![again]).unwrap();
    }
}

#[test]
fn a_completion_stores_the_next() {
    const TIMES: usize = 1_000;
    let server = Server::start(Tls::No, |peer| while next_message(peer).is_some() {});
    let client = Client::connected(Mode::Callback, &server.uri());
    let writer = Writer::over(client.socket);
    let (done, told) = channel();
    let relay = Arc::new(Relay {
        writer: writer.0.addr(),
        left: Mutex::new(TIMES as u32),
        done,
        answers: Mutex::default(),
    });
    let user_data = Arc::as_ptr(&relay).cast_mut().cast();
    let begun = ws_data_writer_store_async(writer.0, Some(store_again), user_data, null_mut());
    assert_eq!(begun, WS_OK);
    let answers = told.recv_timeout(DEADLINE).unwrap();
    assert_eq!(answers, [WS_OK, WS_E_REENTRANT].repeat(TIMES));
    assert_eq!(client.free(), []);
}

/// All that sends, other than a ping, answers this.
fn sends(client: &Client, result: ws_result) {
    let (socket, data) = (client.socket, b"abc".as_ptr());
    assert_eq!(ws_send(socket, data.cast(), 3), result);
    assert_eq!(ws_send_text(socket, data.cast(), 3), result);
    assert_eq!(ws_send_binary(socket, data.cast(), 3), result);
    assert_eq!(client.send_async(0, b"abc").map(drop), Err(result));
    assert_eq!(ws_send_wait(socket, 0, data.cast(), 3, 0), result);
    assert_eq!(ws_send_nonfinal_frame(socket, data.cast(), 3), result);
    assert_eq!(ws_send_final_frame(socket, data.cast(), 3), result);
}

#[test]
fn a_store_waits_for_the_end_of_a_message_that_is_sent_frame_by_frame() {
    let server = Server::echo(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    let writer = Writer::over(client.socket);
    writer.bytes(b"behind");
    assert_eq!(ws_send_nonfinal_frame(client.socket, b"one ".as_ptr().cast(), 4), WS_OK);
    assert_eq!(writer.store(), Err(WS_E_ILLEGAL_METHOD_CALL));
    assert_eq!(client.store_async(writer.0), Err(WS_E_ILLEGAL_METHOD_CALL));
    assert_eq!(ws_send_final_frame(client.socket, b"two".as_ptr().cast(), 3), WS_OK);
    assert_eq!(writer.store(), Ok(6));
    assert_eq!(client.next_message().1, b"one two");
    assert_eq!(client.next_message().1, b"behind");

    // One that is open when the output ends stays so.
    assert_eq!(ws_send_nonfinal_frame(client.socket, b"one ".as_ptr().cast(), 4), WS_OK);
    drop(writer);
    sends(&client, WS_E_CLOSED);
    assert_eq!(client.close(1000, ""), WS_OK);
    assert_eq!(client.next_closed().result, WS_OK);
}

#[test]
fn a_writer_freed_undetached_closes_the_output_and_nothing_else() {
    for tls in BOTH {
        let server = Server::start(tls, |peer| {
            while let Some(message) = next_message(peer) {
                let _ = peer.send(message);
                let _ = peer.send(Message::text("and more"));
            }
        });
        let client = Client::connected(Mode::Callback, &server.uri());
        let (writer, other) = (Writer::over(client.socket), Writer::over(client.socket));
        writer.bytes(b"stored");
        assert_eq!(writer.store(), Ok(6));
        writer.bytes(b"only written");
        drop(writer);
        sends(&client, WS_E_CLOSED);
        is_refused(&client, &other, WS_E_CLOSED);
        assert_eq!(client.next_message().1, b"stored");
        assert_eq!(client.next_text(), "and more");
        assert_eq!(ws_get_state(client.socket), WS_STATE_OPEN);
        assert_eq!(ws_ping(client.socket, b"p".as_ptr().cast(), 1), WS_OK);
        assert!(matches!(client.next(), Told::Pong(_)));
        assert_eq!(client.close(1000, "enough"), WS_OK);
        let closed = client.next_closed();
        assert_eq!((closed.result, closed.code, closed.was_clean), (WS_OK, 1000, true));
        assert_eq!(client.free(), []);
    }
}

#[test]
fn a_writer_freed_before_the_connect_closes_the_output_for_good() {
    let server = Server::start(Tls::No, |peer| {
        let _ = peer.send(Message::text("hello"));
        while next_message(peer).is_some() {}
    });
    let mut client = Client::new(Mode::Callback);
    drop(Writer::over(client.socket));
    sends(&client, WS_E_ILLEGAL_METHOD_CALL);
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    sends(&client, WS_E_CLOSED);
    assert_eq!(client.next_text(), "hello");
}

#[test]
fn a_detached_writer_leaves_the_output_open() {
    let server = Server::echo(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    let writer = Writer::over(client.socket);
    writer.bytes(b"stored");
    assert_eq!(writer.store(), Ok(6));
    assert_eq!(ws_data_writer_detach_stream(writer.0), WS_OK);
    drop(writer);
    assert_eq!(client.send_text("sent"), WS_OK);
    assert_eq!(client.next_message().1, b"stored");
    assert_eq!(client.next_text(), "sent");
}

#[test]
fn a_thread_that_waits_for_room_hears_of_the_end_of_the_output() {
    let (server, _go, _told) = waiting_server(Tls::No);
    let client = Client::connected(Mode::Callback, &server.uri());
    let writer = Writer::over(client.socket);
    let len = fill(&writer);
    assert_eq!(writer.store(), Ok(len));
    let handle = client.socket.addr();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let socket = std::ptr::without_provenance_mut(handle);
            ws_send_wait(socket, 0, c"x".as_ptr().cast(), 1, WS_INFINITE)
        });
        drop(writer);
        assert_eq!(waiting.join().unwrap(), WS_E_CLOSED);
    });
}

unsafe extern "C-unwind" fn free_writer(
    _: *mut ws_socket,
    _: *const ws_message,
    teller: *mut c_void,
) {
    let (writer, teller) = unsafe { &*teller.cast::<(usize, Sender<[ws_result; 2]>)>() };
    let writer = std::ptr::without_provenance_mut(*writer);
    let _ = teller.send([ws_data_writer_free(writer), ws_data_writer_free(writer)]);
}

#[test]
fn a_writer_can_be_freed_inside_a_callback() {
    let server = Server::echo(Tls::No);
    let socket = ws_message_socket_new();
    let writer = ws_data_writer_new(socket);
    let (teller, told) = channel::<[ws_result; 2]>();
    let user_data = Box::into_raw(Box::new((writer.addr(), teller)));
    assert_eq!(ws_on_message_received(socket, Some(free_writer), user_data.cast()), WS_OK);
    let uri = std::ffi::CString::new(server.uri()).unwrap();
    assert_eq!(ws_connect_wait(socket, CStr::as_ptr(&uri), 30_000), WS_OK);
    assert_eq!(ws_data_writer_store(writer, null_mut()), WS_OK);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), [WS_OK, WS_E_HANDLE]);
    assert_eq!(ws_send(socket, null_mut(), 0), WS_E_CLOSED);
    assert_eq!(ws_socket_free(socket), WS_OK);
    drop(unsafe { Box::from_raw(user_data) });
}
