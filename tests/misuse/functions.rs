//! The table that the cells come from: every function that takes a handle, called with good
//! arguments, and what it answers in each state; then the same functions with a bad argument.

use std::ptr::{null, null_mut};

use anyws::ffi::controls::*;
use anyws::ffi::events::*;
use anyws::ffi::information::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::statistics::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use crate::sheet::Answer;
use crate::subjects::{silent_uri, socket_of};

/// What is answered in CREATED, CONNECTING, OPEN, CLOSING and CLOSED.
pub type Answers = [ws_result; 5];

pub struct Function {
    pub name: &'static str,
    pub call: fn(*mut ws_socket) -> Answer,
    /// Elsewhere, and on the I/O thread. `None`: a value, which depends on the state.
    pub answers: Option<(Answers, Answers)>,
    /// What the explanation of a failure names.
    pub word: &'static str,
}

const ILLEGAL: ws_result = WS_E_ILLEGAL_METHOD_CALL;
const ALWAYS: Answers = [WS_OK; 5];
const BEFORE_CONNECT: Answers = [WS_OK, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL];
const AFTER_CONNECT: Answers = [ILLEGAL, WS_OK, WS_OK, WS_OK, WS_OK];
const WHILE_OPEN: Answers = [ILLEGAL, ILLEGAL, WS_OK, WS_E_CLOSED, WS_E_CLOSED];
/// A message socket reads and writes no bytes.
const NO_STREAM: Answers = [ILLEGAL; 5];
const REENTRANT: Answers = [WS_E_REENTRANT; 5];

fn result(name: &'static str, answers: Answers, call: fn(*mut ws_socket) -> Answer) -> Function {
    Function { name, call, answers: Some((answers, answers)), word: "" }
}

fn value(name: &'static str, call: fn(*mut ws_socket) -> Answer) -> Function {
    Function { name, call, answers: None, word: "" }
}

/// One that may wait, and on the I/O thread must not.
fn waits(
    name: &'static str,
    (answers, on_io): (Answers, Answers),
    call: fn(*mut ws_socket) -> Answer,
) -> Function {
    Function { name, call, answers: Some((answers, on_io)), word: "" }
}

/// A bad argument: `first` in every state, unless the state's own refusal comes before it.
fn bad(
    name: &'static str,
    answers: Answers,
    word: &'static str,
    call: fn(*mut ws_socket) -> Answer,
) -> Function {
    Function { name, call, answers: Some((answers, answers)), word }
}

use Answer::{Result as R, Value as V};

pub fn functions() -> Vec<Function> {
    let pulled = [ILLEGAL, WS_E_TIMEOUT, WS_E_TIMEOUT, WS_E_TIMEOUT, WS_E_CLOSED];
    let must_not_wait = [ILLEGAL, WS_E_REENTRANT, WS_E_REENTRANT, WS_E_REENTRANT, WS_E_REENTRANT];
    let connect_wait = [WS_E_TIMEOUT, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL];
    let close_wait = [ILLEGAL, WS_OK, WS_E_TIMEOUT, WS_E_TIMEOUT, WS_OK];
    let answered = [WS_E_BOUNDS, WS_E_BOUNDS, WS_OK, WS_OK, WS_OK];
    vec![
        result("ws_connect", BEFORE_CONNECT, |s| {
            R(ws_connect(s, silent_uri().as_ptr(), None, null_mut()))
        }),
        waits("ws_connect_wait", (connect_wait, REENTRANT), |s| {
            R(ws_connect_wait(s, silent_uri().as_ptr(), 0))
        }),
        result("ws_close", AFTER_CONNECT, |s| R(ws_close(s, 1000, c"bye".as_ptr()))),
        waits("ws_close_wait", (close_wait, REENTRANT), |s| R(ws_close_wait(s, 1000, null(), 0))),
        result("ws_abort", AFTER_CONNECT, |s| R(ws_abort(s))),
        result("ws_socket_free", ALWAYS, |s| R(ws_socket_free(s))),
        value("ws_get_state", |s| V(ws_get_state(s).into())),
        result("ws_set_user_data", ALWAYS, |s| R(ws_set_user_data(s, null_mut()))),
        value("ws_get_user_data", |s| V(ws_get_user_data(s).addr() as u64)),
        value("ws_buffered_amount", |s| V(ws_buffered_amount(s))),
        result("ws_send", WHILE_OPEN, |s| R(ws_send(s, b"abc".as_ptr().cast(), 3))),
        result("ws_send of nothing", WHILE_OPEN, |s| R(ws_send(s, null(), 0))),
        result("ws_send_text", WHILE_OPEN, |s| R(ws_send_text(s, c"abc".as_ptr(), 3))),
        result("ws_send_binary", WHILE_OPEN, |s| R(ws_send_binary(s, b"abc".as_ptr().cast(), 3))),
        result("ws_send_async", WHILE_OPEN, |s| {
            let mut operation = 0;
            R(ws_send_async(s, 1, b"abc".as_ptr().cast(), 3, None, null_mut(), &raw mut operation))
        }),
        waits("ws_send_wait", (WHILE_OPEN, REENTRANT), |s| {
            R(ws_send_wait(s, 1, b"abc".as_ptr().cast(), 3, 30_000))
        }),
        result("ws_send_batch", WHILE_OPEN, |s| {
            let (message, mut accepted) = (ws_buffer { data: b"abc".as_ptr().cast(), len: 3 }, 0);
            let messages = [message; 3];
            R(ws_send_batch(s, 1, messages.as_ptr(), 3, &raw mut accepted))
        }),
        result("ws_send_batch of nothing", WHILE_OPEN, |s| {
            R(ws_send_batch(s, 0, null(), 0, null_mut()))
        }),
        result("ws_read of messages", NO_STREAM, |s| {
            R(ws_read(s, null_mut(), 0, WS_READ_NONE, None, null_mut()))
        }),
        waits("ws_read_wait of messages", (NO_STREAM, REENTRANT), |s| {
            R(ws_read_wait(s, null_mut(), 0, WS_READ_PARTIAL, 0, null_mut()))
        }),
        result("ws_write to messages", NO_STREAM, |s| R(ws_write(s, null(), 0, None, null_mut()))),
        waits("ws_write_wait to messages", (NO_STREAM, REENTRANT), |s| {
            R(ws_write_wait(s, null(), 0, 0, null_mut()))
        }),
        result("ws_ping", WHILE_OPEN, |s| R(ws_ping(s, b"abc".as_ptr().cast(), 3))),
        result("ws_cancel of the connect", ALWAYS, |s| R(ws_cancel(s, WS_OPERATION_CONNECT))),
        result("ws_cancel of 0", ALWAYS, |s| R(ws_cancel(s, 0))),
        result("ws_cancel of what never was", ALWAYS, |s| R(ws_cancel(s, u64::MAX))),
        result("ws_receive that polls", pulled, |s| R(receive(s, 0))),
        waits("ws_receive", (pulled, must_not_wait), |s| R(receive(s, 1))),
        result("ws_set_control", BEFORE_CONNECT, |s| R(ws_set_control(s, WS_CONTROL_NO_DELAY, 0))),
        result("ws_set_control of a live one", ALWAYS, |s| {
            R(ws_set_control(s, WS_CONTROL_SEND_TIMEOUT_MS, 20_000))
        }),
        result("ws_set_control_string", BEFORE_CONNECT, |s| {
            R(ws_set_control_string(s, WS_CONTROL_SUPPORTED_PROTOCOLS, c"a, b".as_ptr()))
        }),
        result("ws_set_control_bytes", BEFORE_CONNECT, |s| {
            R(ws_set_control_bytes(s, WS_CONTROL_TRUSTED_CERTIFICATES, null(), 0))
        }),
        result("ws_get_control", ALWAYS, |s| {
            let mut value = 0;
            R(ws_get_control(s, WS_CONTROL_NO_DELAY, &raw mut value))
        }),
        result("ws_get_control_string", ALWAYS, |s| {
            let (mut text, mut length) = ([0; 8], 0);
            let control = WS_CONTROL_SUPPORTED_PROTOCOLS;
            R(ws_get_control_string(s, control, text.as_mut_ptr(), 8, &raw mut length))
        }),
        result("ws_set_request_header", BEFORE_CONNECT, |s| {
            R(ws_set_request_header(s, c"X-One".as_ptr(), c"1".as_ptr()))
        }),
        result("ws_set_credential", BEFORE_CONNECT, |s| {
            R(ws_set_credential(s, WS_CREDENTIAL_SERVER, c"user".as_ptr(), c"".as_ptr()))
        }),
        result("ws_set_credential of nobody", BEFORE_CONNECT, |s| {
            R(ws_set_credential(s, WS_CREDENTIAL_PROXY, null(), null()))
        }),
        result("ws_set_event_queue", BEFORE_CONNECT, |s| R(ws_set_event_queue(s, null_mut()))),
        result("ws_on_message_received", BEFORE_CONNECT, |s| {
            R(ws_on_message_received(s, None, null_mut()))
        }),
        result("ws_on_closed", BEFORE_CONNECT, |s| R(ws_on_closed(s, None, null_mut()))),
        result("ws_on_server_custom_validation_requested", BEFORE_CONNECT, |s| {
            R(ws_on_server_custom_validation_requested(s, None, null_mut()))
        }),
        result("ws_on_send_ready", BEFORE_CONNECT, |s| R(ws_on_send_ready(s, None, null_mut()))),
        result("ws_on_pong", BEFORE_CONNECT, |s| R(ws_on_pong(s, None, null_mut()))),
        result("ws_on_released", BEFORE_CONNECT, |s| R(ws_on_released(s, None, null_mut()))),
        result("ws_get_information", ALWAYS, |s| {
            let mut value = 0;
            R(ws_get_information(s, WS_INFORMATION_REMOTE_PORT, &raw mut value))
        }),
        result("ws_get_information_string", ALWAYS, |s| {
            let (mut text, mut length) = ([0; 8], 0);
            let tls = WS_INFORMATION_TLS_VERSION;
            R(ws_get_information_string(s, tls, text.as_mut_ptr(), 8, &raw mut length))
        }),
        result("ws_get_information_bytes", ALWAYS, |s| {
            let (mut bytes, mut length) = ([0u8; 8], 0);
            let body = WS_INFORMATION_RESPONSE_BODY;
            let place = bytes.as_mut_ptr().cast();
            R(ws_get_information_bytes(s, body, 0, place, 8, &raw mut length))
        }),
        bad("ws_get_response_header", answered, "name", |s| {
            let (mut text, mut length) = ([0; 32], 0);
            let name = c"upgrade".as_ptr();
            R(ws_get_response_header(s, name, 0, text.as_mut_ptr(), 32, &raw mut length))
        }),
        result("ws_get_error", ALWAYS, |s| {
            let mut error: ws_error = unsafe { std::mem::zeroed() };
            error.struct_size = size_of::<ws_error>() as u32;
            R(ws_get_error(s, &raw mut error))
        }),
        result("ws_get_statistics", ALWAYS, |s| {
            let mut statistics: ws_statistics = unsafe { std::mem::zeroed() };
            statistics.struct_size = size_of::<ws_statistics>() as u32;
            R(ws_get_statistics(s, &raw mut statistics))
        }),
    ]
}

fn receive(socket: *mut ws_socket, timeout_ms: u32) -> ws_result {
    let mut message = null_mut();
    let result = ws_receive(socket, &raw mut message, timeout_ms);
    ws_message_release(message);
    result
}

/// One that is refused: nothing of it is accepted. In the child of a fork nothing is touched.
fn batch(socket: *mut ws_socket, kind: ws_message_type, messages: [ws_buffer; 2]) -> ws_result {
    let mut accepted = 7;
    let result = ws_send_batch(socket, kind, messages.as_ptr(), 2, &raw mut accepted);
    assert_eq!(accepted, if result == WS_E_UNEXPECTED { 7 } else { 0 });
    result
}

/// Not NULL, and nothing that may be read.
fn dangling<T>() -> *const T {
    std::ptr::without_provenance(1)
}

const NULL: Answers = [WS_E_POINTER; 5];
const INVALID: Answers = [WS_E_INVALIDARG; 5];
/// The state's refusal comes first.
const SET_INVALID: Answers = [WS_E_INVALIDARG, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL];
const TOO_LONG: usize = isize::MAX as usize + 1;
const NO_TEXT: Answers = [ILLEGAL, ILLEGAL, WS_E_NO_UNICODE_TRANSLATION, WS_E_CLOSED, WS_E_CLOSED];

pub fn bad_arguments() -> Vec<Function> {
    let mut all = bad_buffers();
    all.extend(bad_texts());
    all.extend(bad_outputs());
    all
}

fn bad_buffers() -> Vec<Function> {
    vec![
        bad("ws_send: NULL, 5", NULL, "data", |s| R(ws_send(s, null(), 5))),
        bad("ws_send_text: NULL, 5", NULL, "text", |s| R(ws_send_text(s, null(), 5))),
        bad("ws_send_binary: NULL, 5", NULL, "data", |s| R(ws_send_binary(s, null(), 5))),
        bad("ws_send_async: NULL, 5", NULL, "data", |s| {
            R(ws_send_async(s, 0, null(), 5, None, null_mut(), null_mut()))
        }),
        bad("ws_ping: NULL, 5", NULL, "data", |s| R(ws_ping(s, null(), 5))),
        bad("ws_send_batch: NULL, 5", NULL, "messages", |s| {
            R(ws_send_batch(s, 0, null(), 5, null_mut()))
        }),
        bad("ws_send_batch: a message of NULL, 5", NULL, "data", |s| {
            R(batch(s, 0, [ws_buffer { data: null(), len: 0 }, ws_buffer { data: null(), len: 5 }]))
        }),
        bad("ws_send_wait: NULL, 5", NULL, "data", |s| R(ws_send_wait(s, 0, null(), 5, 0))),
        bad("ws_read: NULL, 5", NULL, "buf", |s| {
            R(ws_read(s, null_mut(), 5, WS_READ_NONE, None, null_mut()))
        }),
        bad("ws_read_wait: NULL, 5", NULL, "buf", |s| {
            R(ws_read_wait(s, null_mut(), 5, WS_READ_NONE, 0, null_mut()))
        }),
        bad("ws_write: NULL, 5", NULL, "data", |s| R(ws_write(s, null(), 5, None, null_mut()))),
        bad("ws_write_wait: NULL, 5", NULL, "data", |s| {
            R(ws_write_wait(s, null(), 5, 0, null_mut()))
        }),
        bad("ws_read: too long", INVALID, "capacity", |s| {
            R(ws_read(s, dangling::<u8>().cast_mut().cast(), TOO_LONG, 0, None, null_mut()))
        }),
        bad("ws_read_wait: NULL, SIZE_MAX", INVALID, "capacity", |s| {
            R(ws_read_wait(s, null_mut(), usize::MAX, 0, 0, null_mut()))
        }),
        bad("ws_write: too long", INVALID, "len", |s| {
            R(ws_write(s, dangling(), TOO_LONG, None, null_mut()))
        }),
        bad("ws_write_wait: SIZE_MAX", INVALID, "len", |s| {
            R(ws_write_wait(s, dangling(), usize::MAX, 0, null_mut()))
        }),
        bad("ws_read: no such option", INVALID, "options", |s| {
            R(ws_read(s, null_mut(), 0, 2, None, null_mut()))
        }),
        bad("ws_read_wait: no such option", INVALID, "options", |s| {
            R(ws_read_wait(s, null_mut(), 0, u32::MAX, 0, null_mut()))
        }),
        bad("ws_set_control_bytes: NULL, 5", NULL, "data", |s| {
            R(ws_set_control_bytes(s, WS_CONTROL_TRUSTED_CERTIFICATES, null(), 5))
        }),
        bad("ws_send: too long", INVALID, "len", |s| R(ws_send(s, dangling(), TOO_LONG))),
        bad("ws_send: SIZE_MAX", INVALID, "len", |s| R(ws_send(s, dangling(), usize::MAX))),
        bad("ws_send: SIZE_MAX - 13", INVALID, "len", |s| {
            R(ws_send(s, dangling(), usize::MAX - 13))
        }),
        bad("ws_send: NULL, SIZE_MAX", INVALID, "len", |s| R(ws_send(s, null(), usize::MAX))),
        bad("ws_send_text: too long", INVALID, "len", |s| R(ws_send_text(s, dangling(), TOO_LONG))),
        bad("ws_send_binary: too long", INVALID, "len", |s| {
            R(ws_send_binary(s, dangling(), TOO_LONG))
        }),
        bad("ws_send_async: too long", INVALID, "len", |s| {
            R(ws_send_async(s, 0, dangling(), TOO_LONG, None, null_mut(), null_mut()))
        }),
        bad("ws_send_batch: a message too long", INVALID, "len", |s| {
            let long = ws_buffer { data: dangling(), len: TOO_LONG };
            R(batch(s, 0, [ws_buffer { data: null(), len: 0 }, long]))
        }),
        bad("ws_send_batch: SIZE_MAX", INVALID, "count", |s| {
            R(ws_send_batch(s, 0, dangling(), usize::MAX, null_mut()))
        }),
        bad("ws_send_wait: too long", INVALID, "len", |s| {
            R(ws_send_wait(s, 0, dangling(), TOO_LONG, 0))
        }),
        bad("ws_ping: too long", INVALID, "len", |s| R(ws_ping(s, dangling(), TOO_LONG))),
        bad("ws_ping: 126", INVALID, "len", |s| R(ws_ping(s, [0u8; 126].as_ptr().cast(), 126))),
        bad("ws_set_control_bytes: too long", INVALID, "len", |s| {
            let control = WS_CONTROL_TRUSTED_CERTIFICATES;
            R(ws_set_control_bytes(s, control, dangling(), TOO_LONG))
        }),
        bad("ws_send_async: type 2", INVALID, "type", |s| {
            R(ws_send_async(s, 2, null(), 0, None, null_mut(), null_mut()))
        }),
        bad("ws_send_batch: type 2", INVALID, "type", |s| {
            R(ws_send_batch(s, 2, null(), 0, null_mut()))
        }),
        bad("ws_send_wait: type 2^32-1", INVALID, "type", |s| {
            R(ws_send_wait(s, u32::MAX, null(), 0, 0))
        }),
        bad("ws_send_text: not UTF-8", NO_TEXT, "", |s| {
            R(ws_send_text(s, b"\xff".as_ptr().cast(), 1))
        }),
        bad("ws_send_batch: not UTF-8", NO_TEXT, "", |s| {
            let (good, bad) = (b"good".as_ptr().cast(), b"\xc3".as_ptr().cast());
            let good = ws_buffer { data: good, len: 4 };
            R(batch(s, 1, [good, ws_buffer { data: bad, len: 1 }]))
        }),
        bad("ws_send_async: not UTF-8", NO_TEXT, "", |s| {
            let text = b"\xed\xa0\x80".as_ptr().cast();
            R(ws_send_async(s, 1, text, 3, None, null_mut(), null_mut()))
        }),
        bad("ws_close: code 1005", INVALID, "code", |s| R(ws_close(s, 1005, null()))),
        bad("ws_close: reason without code", INVALID, "reason", |s| {
            R(ws_close(s, 0, c"x".as_ptr()))
        }),
        bad("ws_close: reason not UTF-8", INVALID, "reason", |s| {
            R(ws_close(s, 1000, c"\xff".as_ptr()))
        }),
    ]
}

fn bad_texts() -> Vec<Function> {
    vec![
        bad("ws_connect: NULL", NULL, "uri", |s| R(ws_connect(s, null(), None, null_mut()))),
        bad("ws_connect: empty", INVALID, "uri", |s| {
            R(ws_connect(s, c"".as_ptr(), None, null_mut()))
        }),
        bad("ws_connect: http", INVALID, "uri", |s| {
            R(ws_connect(s, c"http://127.0.0.1/".as_ptr(), None, null_mut()))
        }),
        bad("ws_connect: not UTF-8", INVALID, "uri", |s| {
            R(ws_connect(s, c"ws://127.0.0.1/\xff".as_ptr(), None, null_mut()))
        }),
        bad("ws_set_control: unknown", INVALID, "control", |s| R(ws_set_control(s, 0, 1))),
        bad("ws_set_control: another type", SET_INVALID, "control", |s| {
            R(ws_set_control(s, WS_CONTROL_SUPPORTED_PROTOCOLS, 1))
        }),
        bad("ws_set_control: out of range", SET_INVALID, "value", |s| {
            R(ws_set_control(s, WS_CONTROL_NO_DELAY, 2))
        }),
        bad("ws_set_control: out of a live one's range", INVALID, "value", |s| {
            R(ws_set_control(s, WS_CONTROL_MESSAGE_TYPE, 2))
        }),
        bad("ws_set_control: read-only", INVALID, "control", |s| {
            R(ws_set_control(s, WS_CONTROL_ACTUAL_UNSOLICITED_PONG_INTERVAL_MS, 0))
        }),
        bad("ws_set_control_string: NULL", NULL, "value", |s| {
            R(ws_set_control_string(s, WS_CONTROL_SUPPORTED_PROTOCOLS, null()))
        }),
        bad("ws_set_control_string: not a list", SET_INVALID, "value", |s| {
            R(ws_set_control_string(s, WS_CONTROL_SUPPORTED_PROTOCOLS, c"a,,b".as_ptr()))
        }),
        bad("ws_set_control_string: no proxy", SET_INVALID, "value", |s| {
            R(ws_set_control_string(s, WS_CONTROL_PROXY, c"socks4://p".as_ptr()))
        }),
        bad("ws_set_control_string: another type", SET_INVALID, "control", |s| {
            R(ws_set_control_string(s, WS_CONTROL_NO_DELAY, c"1".as_ptr()))
        }),
        bad("ws_set_control_bytes: not PEM", SET_INVALID, "data", |s| {
            let control = WS_CONTROL_TRUSTED_CERTIFICATES;
            R(ws_set_control_bytes(s, control, b"abc".as_ptr().cast(), 3))
        }),
        bad("ws_set_control_bytes: unknown", INVALID, "control", |s| {
            R(ws_set_control_bytes(s, u32::MAX, null(), 0))
        }),
        bad("ws_set_request_header: NULL name", NULL, "name", |s| {
            R(ws_set_request_header(s, null(), c"1".as_ptr()))
        }),
        bad("ws_set_request_header: NULL value", NULL, "value", |s| {
            R(ws_set_request_header(s, c"X".as_ptr(), null()))
        }),
        bad("ws_set_request_header: reserved", SET_INVALID, "name", |s| {
            R(ws_set_request_header(s, c"uPGRADE".as_ptr(), c"x".as_ptr()))
        }),
        bad("ws_set_credential: neither", INVALID, "which", |s| {
            R(ws_set_credential(s, 0, c"user".as_ptr(), c"".as_ptr()))
        }),
        bad("ws_set_credential: NULL password", NULL, "password", |s| {
            R(ws_set_credential(s, WS_CREDENTIAL_SERVER, c"user".as_ptr(), null()))
        }),
        bad("ws_set_credential: not UTF-8", INVALID, "user", |s| {
            R(ws_set_credential(s, WS_CREDENTIAL_SERVER, c"\xff".as_ptr(), c"".as_ptr()))
        }),
        bad("ws_set_credential: a line end", SET_INVALID, "", |s| {
            R(ws_set_credential(s, WS_CREDENTIAL_PROXY, c"user".as_ptr(), c"\n".as_ptr()))
        }),
        bad("ws_set_event_queue: a socket", [WS_E_HANDLE; 5], "queue", |s| {
            R(ws_set_event_queue(s, s.cast()))
        }),
        bad("ws_get_response_header: NULL name", NULL, "name", |s| {
            let mut length = 0;
            R(ws_get_response_header(s, null(), 0, null_mut(), 0, &raw mut length))
        }),
        bad("ws_get_response_header: no such", [WS_E_BOUNDS; 5], "name", |s| {
            let mut length = 0;
            R(ws_get_response_header(s, c"x".as_ptr(), u32::MAX, null_mut(), 0, &raw mut length))
        }),
        bad("ws_event_queue_next: a socket", [WS_E_HANDLE; 5], "queue", |s| {
            let mut event = null_mut();
            R(ws_event_queue_next(socket_of(s.addr()).cast(), &raw mut event, 0))
        }),
    ]
}

fn bad_outputs() -> Vec<Function> {
    vec![
        bad("ws_receive: NULL", NULL, "message", |s| R(ws_receive(s, null_mut(), 0))),
        bad("ws_get_control: NULL", NULL, "value", |s| {
            R(ws_get_control(s, WS_CONTROL_NO_DELAY, null_mut()))
        }),
        bad("ws_get_control: another type", INVALID, "control", |s| {
            R(ws_get_control(s, WS_CONTROL_TRUSTED_CERTIFICATES, null_mut()))
        }),
        bad("ws_get_control_string: NULL, 0, NULL", NULL, "buf", |s| {
            R(ws_get_control_string(s, WS_CONTROL_SUPPORTED_PROTOCOLS, null_mut(), 0, null_mut()))
        }),
        bad("ws_get_control_string: NULL, 8", NULL, "buf", |s| {
            let mut length = 0;
            let control = WS_CONTROL_SUPPORTED_PROTOCOLS;
            R(ws_get_control_string(s, control, null_mut(), 8, &raw mut length))
        }),
        bad("ws_get_control_string: capacity 0", [WS_E_INSUFFICIENT_BUFFER; 5], "capacity", |s| {
            let mut text = [7];
            let control = WS_CONTROL_SUPPORTED_PROTOCOLS;
            let result = ws_get_control_string(s, control, text.as_mut_ptr(), 0, null_mut());
            assert_eq!(text, [7]);
            R(result)
        }),
        bad("ws_get_control_string: another type", INVALID, "control", |s| {
            R(ws_get_control_string(s, WS_CONTROL_NO_DELAY, null_mut(), 0, null_mut()))
        }),
        bad("ws_get_information: NULL", NULL, "value", |s| {
            R(ws_get_information(s, WS_INFORMATION_HTTP_STATUS, null_mut()))
        }),
        bad("ws_get_information: unknown", INVALID, "information", |s| {
            let mut value = 0;
            R(ws_get_information(s, 0, &raw mut value))
        }),
        bad("ws_get_information: another type", INVALID, "information", |s| {
            let mut value = 0;
            R(ws_get_information(s, WS_INFORMATION_PROTOCOL, &raw mut value))
        }),
        bad("ws_get_information_string: NULL", NULL, "buf", |s| {
            R(ws_get_information_string(s, WS_INFORMATION_REQUEST_URI, null_mut(), 0, null_mut()))
        }),
        bad("ws_get_information_string: unknown", INVALID, "information", |s| {
            let mut length = 0;
            R(ws_get_information_string(s, u32::MAX, null_mut(), 0, &raw mut length))
        }),
        bad("ws_get_information_bytes: NULL", NULL, "buf", |s| {
            let body = WS_INFORMATION_RESPONSE_BODY;
            R(ws_get_information_bytes(s, body, 0, null_mut(), 0, null_mut()))
        }),
        bad("ws_get_information_bytes: index 1", [WS_E_BOUNDS; 5], "index", |s| {
            let body = WS_INFORMATION_RESPONSE_BODY;
            let mut length = 7;
            let result = ws_get_information_bytes(s, body, 1, null_mut(), 0, &raw mut length);
            assert_eq!(length, 7);
            R(result)
        }),
        bad("ws_get_information_bytes: index 2^32-1", [WS_E_BOUNDS; 5], "index", |s| {
            let which = WS_INFORMATION_SERVER_INTERMEDIATE_CERTIFICATES;
            let mut length = 7;
            R(ws_get_information_bytes(s, which, u32::MAX, null_mut(), 0, &raw mut length))
        }),
        bad("ws_get_information_bytes: another type", INVALID, "information", |s| {
            let mut length = 7;
            let which = WS_INFORMATION_LOCAL_PORT;
            R(ws_get_information_bytes(s, which, 0, null_mut(), 0, &raw mut length))
        }),
        bad("ws_get_error: NULL", NULL, "error", |s| R(ws_get_error(s, null_mut()))),
        bad("ws_get_error: struct_size 0", INVALID, "struct_size", |s| {
            let mut error: ws_error = unsafe { std::mem::zeroed() };
            R(ws_get_error(s, &raw mut error))
        }),
        bad("ws_get_statistics: NULL", NULL, "statistics", |s| R(ws_get_statistics(s, null_mut()))),
        bad("ws_get_statistics: struct_size 0", INVALID, "struct_size", |s| {
            let mut statistics: ws_statistics = unsafe { std::mem::zeroed() };
            R(ws_get_statistics(s, &raw mut statistics))
        }),
    ]
}
