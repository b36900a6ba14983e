//! Reads and writes begun inside the completions of others, and from several threads at once.

use std::ffi::c_void;
use std::sync::mpsc::{Sender, channel};

use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::support::DEADLINE;
use crate::support::client::Mode;
use crate::support::random::Random;
use crate::support::server::{BOTH, finish, frame};
use crate::support::stream_server::frame_echo;
use crate::{StreamClient, pair, send, socket_of};

/// What an application keeps for a transfer; its callbacks run on one thread.
struct Transfer {
    outgoing: Vec<u8>,
    written: usize,
    incoming: Vec<u8>,
    room: Vec<u8>,
    largest: usize,
    is_on_io_thread: bool,
    random: Random,
    done: Sender<&'static str>,
}

impl Transfer {
    fn write(&mut self, socket: *mut ws_socket) {
        let left = self.outgoing.len() - self.written;
        if left == 0 {
            self.done.send("written").unwrap();
            return;
        }
        let len = self.random.size(self.largest).min(left);
        let data = self.outgoing[self.written..].as_ptr().cast();
        self.written += len;
        let this = (&raw mut *self).cast();
        assert_eq!(ws_write(socket, data, len, Some(has_written), this), WS_OK);
    }

    fn read(&mut self, socket: *mut ws_socket) {
        let capacity = self.random.size(self.largest).min(self.room.len());
        let (buf, this) = (self.room.as_mut_ptr().cast(), (&raw mut *self).cast());
        let began = ws_read(socket, buf, capacity, WS_READ_PARTIAL, Some(has_read), this);
        assert_eq!(began, WS_OK);
        // On the I/O thread it cannot end before this callback has.
        if self.is_on_io_thread {
            let again = ws_read(socket, buf, capacity, WS_READ_PARTIAL, Some(has_read), this);
            assert_eq!(again, WS_E_INVALID_OPERATION);
        }
    }
}

unsafe extern "C-unwind" fn has_written(
    socket: *mut ws_socket,
    operation: ws_operation,
    result: ws_result,
    _: u64,
    transfer: *mut c_void,
) {
    let transfer = unsafe { &mut *transfer.cast::<Transfer>() };
    assert_eq!((operation, result), (WS_OPERATION_WRITE, WS_OK));
    transfer.write(socket);
}

unsafe extern "C-unwind" fn has_read(
    socket: *mut ws_socket,
    operation: ws_operation,
    result: ws_result,
    bytes: u64,
    transfer: *mut c_void,
) {
    let transfer = unsafe { &mut *transfer.cast::<Transfer>() };
    assert_eq!(operation, WS_OPERATION_READ);
    if transfer.incoming.len() == transfer.outgoing.len() {
        assert_eq!((result, bytes), (WS_E_ABORT, 0), "the last one is cut off");
        return;
    }
    assert!(result == WS_OK && bytes > 0, "{result:#x}");
    transfer.incoming.extend_from_slice(&transfer.room[..bytes as usize]);
    if transfer.incoming.len() == transfer.outgoing.len() {
        transfer.done.send("read").unwrap();
    }
    transfer.read(socket);
}

#[test]
fn a_transfer_runs_on_its_completions_alone() {
    for mode in [Mode::Callback, Mode::Dispatch] {
        for tls in BOTH {
            for (compression, largest, len) in
                [(0, 300_000, 8 << 20), (1, 300_000, 4 << 20), (0, 200, 300_000)]
            {
                let server = frame_echo(tls);
                let client = StreamClient::compressing(mode, &server.uri(), compression);
                let (done, finished) = channel();
                let random = Random::new(len as u64);
                let mut transfer = Box::new(Transfer {
                    outgoing: Random::new(1).bytes(len),
                    written: 0,
                    incoming: Vec::new(),
                    room: vec![0; 1 << 20],
                    largest,
                    is_on_io_thread: mode == Mode::Callback,
                    random,
                    done,
                });
                // The callbacks' from here on.
                let this = &raw mut *transfer;
                let null = std::ptr::null_mut();
                let begin = Some(begins as _);
                assert_eq!(ws_read(client.socket(), null, 0, 0, begin, this.cast()), WS_OK);
                for _ in 0..2 {
                    let what = finished.recv_timeout(DEADLINE).expect("an end in time");
                    assert!(["written", "read"].contains(&what));
                }
                client.close();
                assert!(transfer.incoming == transfer.outgoing);
            }
        }
    }
}

/// Both directions begin inside a callback, that of a read of nothing.
unsafe extern "C-unwind" fn begins(
    socket: *mut ws_socket,
    _: ws_operation,
    _: ws_result,
    _: u64,
    transfer: *mut c_void,
) {
    let transfer = unsafe { &mut *transfer.cast::<Transfer>() };
    transfer.write(socket);
    transfer.read(socket);
}

#[test]
fn two_threads_read_and_write_at_the_same_time() {
    for tls in BOTH {
        let server = frame_echo(tls);
        let client = StreamClient::connected(Mode::Pull, &server.uri());
        let bytes = Random::new(12).bytes(16 << 20);
        let handle = client.socket().addr();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for piece in bytes.chunks(1_234_567) {
                    let mut count = 0;
                    let data = piece.as_ptr().cast();
                    let socket = socket_of(handle);
                    let result = ws_write_wait(socket, data, piece.len(), 30_000, &raw mut count);
                    assert_eq!((result, count), (WS_OK, piece.len()));
                }
            });
            for piece in bytes.chunks(765_432) {
                assert!(client.read_all(piece.len()) == piece);
            }
        });
        client.close();
    }
}

struct Reader {
    room: [u8; 4],
    got: Vec<(ws_result, Vec<u8>)>,
    done: Sender<Vec<(ws_result, Vec<u8>)>>,
    reads: usize,
}

unsafe extern "C-unwind" fn reads_again(
    socket: *mut ws_socket,
    _: ws_operation,
    result: ws_result,
    bytes: u64,
    reader: *mut c_void,
) {
    let reader = unsafe { &mut *reader.cast::<Reader>() };
    let got = reader.room[..bytes as usize].to_vec();
    reader.got.push((result, got));
    if reader.got.len() == reader.reads {
        reader.done.send(std::mem::take(&mut reader.got)).unwrap();
        return;
    }
    let (buf, this) = (reader.room.as_mut_ptr().cast(), (&raw mut *reader).cast());
    assert_eq!(ws_read(socket, buf, 4, WS_READ_PARTIAL, Some(reads_again), this), WS_OK);
}

/// However often it asks, and whoever is asked: the connection's end, or what came before it.
#[test]
fn a_reader_that_never_stops_is_told_the_end_again_and_again() {
    for mode in [Mode::Callback, Mode::Dispatch] {
        for tls in BOTH {
            for is_clean in [true, false] {
                let (client, mut stream) = pair(mode, tls);
                let (done, finished) = channel();
                let reader = Box::new(Reader { room: [0; 4], got: Vec::new(), done, reads: 300 });
                let this = Box::into_raw(reader);
                let null = std::ptr::null_mut();
                let again = Some(reads_again as _);
                assert_eq!(ws_read(client.socket(), null, 0, 0, again, this.cast()), WS_OK);
                send(&mut stream, &frame(0x82, b"0123456789"));
                if is_clean {
                    send(&mut stream, &frame(0x88, b""));
                }
                finish(&mut stream);
                let got = finished.recv_timeout(DEADLINE).expect("every read ends");
                let bytes: Vec<u8> = got.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
                assert_eq!(bytes, b"0123456789");
                let end = if is_clean { WS_OK } else { WS_E_CONNECTION_ABORTED };
                assert!(got[10..].iter().all(|one| *one == (end, vec![])), "{:?}", &got[..20]);
                assert_eq!(client.client.next_closed().result, end);
                assert_eq!(ws_get_state(client.socket()), WS_STATE_CLOSED);
                client.client.free();
                drop(unsafe { Box::from_raw(this) });
            }
        }
    }
}

unsafe extern "C-unwind" fn waits_inside(
    socket: *mut ws_socket,
    _: ws_operation,
    _: ws_result,
    _: u64,
    answers: *mut c_void,
) {
    let answers = unsafe { &*answers.cast::<Sender<[ws_result; 2]>>() };
    let (mut byte, null) = (0u8, std::ptr::null_mut());
    let place = (&raw mut byte).cast();
    let read = ws_read_wait(socket, place, 1, WS_READ_NONE, 0, null);
    let write = ws_write_wait(socket, place, 1, 1000, null);
    answers.send([read, write]).unwrap();
}

#[test]
fn what_waits_may_not_on_the_io_thread_but_may_in_a_dispatched_callback() {
    for (mode, expected) in
        [(Mode::Callback, [WS_E_REENTRANT; 2]), (Mode::Dispatch, [WS_E_TIMEOUT, WS_OK])]
    {
        let (client, _stream) = pair(mode, crate::Tls::No);
        let (answers, answered) = channel();
        let answers = Box::into_raw(Box::new(answers));
        let null = std::ptr::null_mut();
        let inside = Some(waits_inside as _);
        assert_eq!(ws_read(client.socket(), null, 0, 0, inside, answers.cast()), WS_OK);
        assert_eq!(answered.recv_timeout(DEADLINE).unwrap(), expected);
        client.client.free();
        drop(unsafe { Box::<Sender<[ws_result; 2]>>::from_raw(answers) });
    }
}

/// What the completion of a write fills.
struct Answer {
    room: [u8; 9],
    told: Sender<(ws_result, u64)>,
}

unsafe extern "C-unwind" fn reads_the_answer(
    socket: *mut ws_socket,
    _: ws_operation,
    result: ws_result,
    _: u64,
    user_data: *mut c_void,
) {
    assert_eq!(result, WS_OK);
    let answer = unsafe { &mut *user_data.cast::<Answer>() };
    let (buf, capacity) = (answer.room.as_mut_ptr().cast(), answer.room.len());
    let began = ws_read(socket, buf, capacity, WS_READ_NONE, Some(has_the_answer), user_data);
    assert_eq!(began, WS_OK);
}

unsafe extern "C-unwind" fn has_the_answer(
    _: *mut ws_socket,
    _: ws_operation,
    result: ws_result,
    bytes: u64,
    user_data: *mut c_void,
) {
    let answer = unsafe { &*user_data.cast::<Answer>() };
    answer.told.send((result, bytes)).unwrap();
}

/// Nothing more arrives that would bring another turn.
#[test]
fn a_read_of_what_is_there_already_ends_inside_the_completion_of_a_write() {
    for tls in BOTH {
        let (client, mut peer) = pair(Mode::Callback, tls);
        send(&mut peer, &frame(0x82, b"1234567890"));
        assert_eq!(client.read(1, WS_READ_NONE), (WS_OK, b"1".to_vec()));
        let (told, telling) = channel();
        let mut answer = Answer { room: [0; 9], told };
        let this = (&raw mut answer).cast();
        let written =
            ws_write(client.socket(), b"x".as_ptr().cast(), 1, Some(reads_the_answer), this);
        assert_eq!(written, WS_OK);
        assert_eq!(telling.recv_timeout(DEADLINE).unwrap(), (WS_OK, 9), "{tls:?}");
        assert_eq!(&answer.room, b"234567890");
        drop(peer);
        assert_eq!(ws_abort(client.socket()), WS_OK);
    }
}
