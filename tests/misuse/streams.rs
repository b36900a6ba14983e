//! The functions of stream sockets, with good and with bad arguments, in every state and from every
//! place; and what is for messages, asked of them.

use std::ptr::{null, null_mut};

use anyws::ffi::controls::*;
use anyws::ffi::events::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::functions::Answers;
use crate::places::{KINDS, Place};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{STATES, assert_alive, socket_of, stream_subject};

type Call = fn(*mut ws_socket) -> ws_result;

struct Row {
    name: &'static str,
    answers: Answers,
    /// On the I/O thread it must not wait.
    waits: bool,
    /// What the explanation names, where the state is not what is wrong.
    word: &'static str,
    call: Call,
}

fn row(name: &'static str, answers: Answers, call: Call) -> Row {
    Row { name, answers, waits: false, word: "", call }
}

fn waiting(name: &'static str, answers: Answers, call: Call) -> Row {
    Row { name, answers, waits: true, word: "", call }
}

fn bad(name: &'static str, answer: ws_result, word: &'static str, call: Call) -> Row {
    Row { name, answers: [answer; 5], waits: false, word, call }
}

const ILLEGAL: ws_result = WS_E_ILLEGAL_METHOD_CALL;
const WHILE_OPEN: Answers = [ILLEGAL, ILLEGAL, WS_OK, WS_E_CLOSED, WS_E_CLOSED];
/// Reading tells the end of the stream, too: after a close of our own it is WS_E_ABORT.
const BEGUN: Answers = [ILLEGAL, ILLEGAL, WS_OK, WS_OK, WS_OK];
const READ: Answers = [ILLEGAL, ILLEGAL, WS_E_TIMEOUT, WS_E_ABORT, WS_E_ABORT];
const NOT_FOR_STREAMS: Answers = [ILLEGAL; 5];

/// Borrowed until its read has ended, whenever that is.
fn room() -> *mut std::ffi::c_void {
    Box::leak(Box::new([0u8; 4])).as_mut_ptr().cast()
}

fn good() -> Vec<Row> {
    vec![
        row("ws_read", BEGUN, |s| ws_read(s, room(), 4, WS_READ_NONE, None, null_mut())),
        row("ws_read of nothing", BEGUN, |s| ws_read(s, null_mut(), 0, 1, None, null_mut())),
        waiting("ws_read_wait that polls", READ, |s| {
            ws_read_wait(s, room(), 4, WS_READ_PARTIAL, 0, null_mut())
        }),
        waiting("ws_read_wait", READ, |s| ws_read_wait(s, room(), 4, 0, 1, null_mut())),
        waiting("ws_read_wait of nothing", BEGUN, |s| {
            ws_read_wait(s, null_mut(), 0, WS_READ_NONE, WS_INFINITE, null_mut())
        }),
        row("ws_write", WHILE_OPEN, |s| ws_write(s, c"abc".as_ptr().cast(), 3, None, null_mut())),
        row("ws_write of nothing", WHILE_OPEN, |s| ws_write(s, null(), 0, None, null_mut())),
        waiting("ws_write_wait", WHILE_OPEN, |s| {
            ws_write_wait(s, c"abc".as_ptr().cast(), 3, 30_000, null_mut())
        }),
        row("ws_cancel of the read", [WS_OK; 5], |s| ws_cancel(s, WS_OPERATION_READ)),
        row("ws_cancel of the write", [WS_OK; 5], |s| ws_cancel(s, WS_OPERATION_WRITE)),
        row("ws_send", NOT_FOR_STREAMS, |s| ws_send(s, null(), 0)),
        row("ws_send_text", NOT_FOR_STREAMS, |s| ws_send_text(s, null(), 0)),
        row("ws_send_binary", NOT_FOR_STREAMS, |s| ws_send_binary(s, null(), 0)),
        row("ws_send_async", NOT_FOR_STREAMS, |s| {
            ws_send_async(s, 0, null(), 0, None, null_mut(), null_mut())
        }),
        row("ws_send_batch", NOT_FOR_STREAMS, |s| ws_send_batch(s, 0, null(), 0, null_mut())),
        row("ws_send_nonfinal_frame", NOT_FOR_STREAMS, |s| ws_send_nonfinal_frame(s, null(), 0)),
        row("ws_send_final_frame", NOT_FOR_STREAMS, |s| ws_send_final_frame(s, null(), 0)),
        row("ws_receive that polls", NOT_FOR_STREAMS, |s| {
            let mut message = null_mut();
            ws_receive(s, &raw mut message, 0)
        }),
        row("ws_on_message_received", NOT_FOR_STREAMS, |s| {
            ws_on_message_received(s, None, null_mut())
        }),
        row("ws_ping", WHILE_OPEN, |s| ws_ping(s, null(), 0)),
        row("a control for messages", [WS_E_INVALIDARG; 5], |s| {
            ws_set_control(s, WS_CONTROL_MESSAGE_TYPE, 1)
        }),
    ]
}

const TOO_LONG: usize = isize::MAX as usize + 1;

fn all_bad() -> Vec<Row> {
    vec![
        bad("ws_read: NULL, 5", WS_E_POINTER, "buf", |s| {
            ws_read(s, null_mut(), 5, WS_READ_NONE, None, null_mut())
        }),
        bad("ws_read: too long", WS_E_INVALIDARG, "capacity", |s| {
            ws_read(s, room(), TOO_LONG, WS_READ_NONE, None, null_mut())
        }),
        bad("ws_read: NULL, SIZE_MAX", WS_E_INVALIDARG, "capacity", |s| {
            ws_read(s, null_mut(), usize::MAX, WS_READ_NONE, None, null_mut())
        }),
        bad("ws_read: both options", WS_E_INVALIDARG, "options", |s| {
            ws_read(s, room(), 4, 3, None, null_mut())
        }),
        bad("ws_read: bad options and NULL, 5", WS_E_INVALIDARG, "options", |s| {
            ws_read(s, null_mut(), 5, u32::MAX, None, null_mut())
        }),
        bad("ws_read_wait: NULL, 5", WS_E_POINTER, "buf", |s| {
            ws_read_wait(s, null_mut(), 5, WS_READ_NONE, WS_INFINITE, null_mut())
        }),
        bad("ws_read_wait: too long", WS_E_INVALIDARG, "capacity", |s| {
            ws_read_wait(s, room(), TOO_LONG, WS_READ_NONE, WS_INFINITE, null_mut())
        }),
        bad("ws_read_wait: no such option", WS_E_INVALIDARG, "options", |s| {
            ws_read_wait(s, room(), 4, 2, WS_INFINITE, null_mut())
        }),
        bad("ws_write: NULL, 5", WS_E_POINTER, "data", |s| {
            ws_write(s, null(), 5, None, null_mut())
        }),
        bad("ws_write: too long", WS_E_INVALIDARG, "len", |s| {
            ws_write(s, room(), TOO_LONG, None, null_mut())
        }),
        bad("ws_write_wait: NULL, 5", WS_E_POINTER, "data", |s| {
            ws_write_wait(s, null(), 5, WS_INFINITE, null_mut())
        }),
        bad("ws_write_wait: too long", WS_E_INVALIDARG, "len", |s| {
            ws_write_wait(s, room(), usize::MAX, WS_INFINITE, null_mut())
        }),
    ]
}

#[test]
fn every_function_of_a_stream_socket_answers_for_its_state_and_place() {
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        let is_on_io_thread = place.is_on_io_thread();
        for (number, state) in STATES.into_iter().enumerate() {
            for row in good().into_iter().chain(all_bad()) {
                let handle = stream_subject(state);
                sheet.add(place.run(move || {
                    let mut sheet = Sheet::default();
                    let what = format_args!("{} in state {state}, {kind:?}", row.name);
                    let answer = match row.waits && is_on_io_thread {
                        true => WS_E_REENTRANT,
                        false => row.answers[number],
                    };
                    let call = &mut || Answer::Result((row.call)(socket_of(handle)));
                    sheet.cell(&what, Answer::Result(answer), row.word, call);
                    sheet
                }));
                assert_eq!(ws_socket_free(socket_of(handle)), WS_OK);
            }
        }
        assert_alive();
    }
    sheet.pass(6 * 5 * 32);
}

#[test]
fn a_stream_socket_can_be_made_everywhere_and_failures_leave_what_they_were_given() {
    for kind in KINDS {
        let handle = Place::new(kind).run(|| ws_stream_socket_new().addr());
        assert_ne!(handle, 0, "{kind:?}");
        assert_eq!(ws_get_state(socket_of(handle)), WS_STATE_CREATED);
        let (mut read, mut written) = (77, 77);
        let (buf, socket) = (room(), socket_of(handle));
        assert_eq!(ws_read_wait(socket, buf, 4, 2, 0, &raw mut read), WS_E_INVALIDARG);
        assert_eq!(ws_write_wait(socket, null(), 4, 0, &raw mut written), WS_E_POINTER);
        assert_eq!((read, written), (77, 77), "judged before anything is written");
        assert_eq!(ws_read_wait(socket, buf, 4, 0, 0, &raw mut read), ILLEGAL);
        assert_eq!(ws_write_wait(socket, buf, 4, 0, &raw mut written), ILLEGAL);
        assert_eq!((read, written), (0, 0), "nothing has been moved");
        assert_eq!(ws_socket_free(socket), WS_OK);
        assert_eq!(ws_read_wait(socket, buf, 4, 0, 0, &raw mut read), WS_E_HANDLE);
    }
}
