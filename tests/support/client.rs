//! anyws as a program in C sees it: its functions, and what its callbacks were told, in order.

use std::ffi::{CStr, CString, c_char};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyws::ffi::controls::*;
use anyws::ffi::data_types::ws_data_writer;
use anyws::ffi::events::*;
use anyws::ffi::information::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::statistics::*;
use anyws::ffi::storing::ws_data_writer_store_async;
use anyws::ffi::stream::ws_stream_socket_new;
use anyws::ffi::types::*;

use super::DEADLINE;
use super::server::{eventually, pki};
use super::told::*;

/// How the events of a socket reach the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Callback,
    Dispatch,
    Next,
    Pull,
}

pub const MODES: [Mode; 4] = [Mode::Callback, Mode::Dispatch, Mode::Next, Mode::Pull];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Completed {
        operation: u64,
        result: ws_result,
        bytes: u64,
    },
    /// A whole message, or the last portion of one.
    Message(ws_message_type, Vec<u8>),
    /// Of a message that goes on.
    Portion(ws_message_type, Vec<u8>),
    Closed(Closed),
    Pong(u64),
    SendReady,
    /// The certificate is to be judged; the number is the question's handle.
    Validation(usize),
    Released,
}

/// What the handler of the custom validation does, besides telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Accept,
    Reject,
    Defer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub result: ws_result,
    pub code: u16,
    pub reason: Vec<u8>,
    pub was_clean: bool,
    pub by_peer: bool,
}

pub struct Client {
    pub socket: *mut ws_socket,
    pub mode: Mode,
    is_stream: bool,
    told: Receiver<Told>,
    /// What callbacks write to; belongs to the library until *released*.
    teller: *mut Sender<Told>,
    queue: *mut ws_event_queue,
    pump: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    /// While set nobody takes events from the queue.
    hold: Arc<Hold>,
}

impl Client {
    pub fn new(mode: Mode) -> Client {
        Client::of(ws_message_socket_new(), mode, Some(message_received))
    }

    /// A stream socket. In pull mode nothing but what waits is used.
    pub fn stream(mode: Mode) -> Client {
        Client::of(ws_stream_socket_new(), mode, None)
    }

    fn of(socket: *mut ws_socket, mode: Mode, on_message: ws_message_received_fn) -> Client {
        assert!(!socket.is_null());
        let (teller, told) = channel();
        let teller = Box::into_raw(Box::new(teller));
        let user_data = teller.cast();
        let mut client = Client {
            socket,
            mode,
            is_stream: on_message.is_none(),
            told,
            teller,
            queue: std::ptr::null_mut(),
            pump: None,
            hold: Arc::default(),
        };
        assert_eq!(ws_set_user_data(socket, user_data), WS_OK);
        assert_eq!(ws_on_closed(socket, Some(closed), user_data), WS_OK);
        assert_eq!(ws_on_pong(socket, Some(pong), user_data), WS_OK);
        assert_eq!(ws_on_send_ready(socket, Some(send_ready), user_data), WS_OK);
        assert_eq!(ws_on_released(socket, Some(released), user_data), WS_OK);
        if on_message.is_some() && matches!(mode, Mode::Callback | Mode::Dispatch) {
            assert_eq!(ws_on_message_received(socket, on_message, user_data), WS_OK);
        }
        match mode {
            Mode::Pull | Mode::Callback => {}
            Mode::Dispatch | Mode::Next => {
                client.queue = ws_event_queue_new();
                assert_eq!(ws_set_event_queue(socket, client.queue), WS_OK);
                client.pump = Some(pump(client.queue, mode, Arc::clone(&client.hold)));
            }
        }
        client
    }

    /// Trusts the test authority, and nobody else.
    pub fn trusting(mode: Mode) -> Client {
        Client::new(mode).that_trusts()
    }

    pub fn that_trusts(self) -> Client {
        let client = self;
        let pem = pki().ca_pem.as_bytes();
        let control = WS_CONTROL_TRUSTED_CERTIFICATES;
        let set = ws_set_control_bytes(client.socket, control, pem.as_ptr().cast(), pem.len());
        assert_eq!(set, WS_OK);
        client.set(WS_CONTROL_TRUST_SYSTEM_STORE, 0);
        client
    }

    /// Connected, and its completion taken.
    pub fn connected(mode: Mode, uri: &str) -> Client {
        let mut client = Client::trusting(mode);
        client.connect(uri);
        assert_eq!(client.connect_result(), WS_OK, "{uri}");
        client.begin_pulling();
        client
    }

    pub fn set(&self, control: ws_control, value: u64) {
        assert_eq!(ws_set_control(self.socket, control, value), WS_OK);
    }

    pub fn set_text(&self, control: ws_control, value: &str) {
        let value = CString::new(value).unwrap();
        assert_eq!(ws_set_control_string(self.socket, control, value.as_ptr()), WS_OK);
    }

    pub fn set_header(&self, name: &str, value: &str) {
        let (name, value) = (CString::new(name).unwrap(), CString::new(value).unwrap());
        assert_eq!(ws_set_request_header(self.socket, name.as_ptr(), value.as_ptr()), WS_OK);
    }

    /// Asks for the custom validation.
    pub fn judge(&self, how: Judgement) {
        let handler: ws_validation_fn = match how {
            Judgement::Accept => Some(accept),
            Judgement::Reject => Some(reject),
            Judgement::Defer => Some(defer),
        };
        let user_data = self.teller.cast();
        let set = ws_on_server_custom_validation_requested(self.socket, handler, user_data);
        assert_eq!(set, WS_OK);
    }

    /// From now on nobody takes events from the queue, or somebody does again.
    pub fn hold(&self, is_wanted: bool) {
        self.hold.is_wanted.store(is_wanted, Ordering::SeqCst);
        if is_wanted && matches!(self.mode, Mode::Dispatch | Mode::Next) {
            assert!(eventually(|| self.hold.is_waiting.load(Ordering::SeqCst)));
        }
    }

    pub fn connect(&mut self, uri: &str) {
        let uri = CString::new(uri).unwrap();
        let begun = ws_connect(self.socket, uri.as_ptr(), Some(completed), self.teller.cast());
        assert_eq!(begun, WS_OK, "{uri:?}: {}", last_error_message());
    }

    /// In pull mode a thread takes the messages, so that all modes tell the same story.
    pub fn begin_pulling(&mut self) {
        if self.mode != Mode::Pull {
            return;
        }
        let socket = AtomicPtr::new(self.socket);
        let teller = unsafe { (*self.teller).clone() };
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn(move || {
            let socket = socket.into_inner();
            let mut message = std::ptr::null_mut();
            while ws_receive(socket, &raw mut message, WS_INFINITE) == WS_OK {
                let _ = teller.send(unsafe { told_of(message) });
                ws_message_release(message);
            }
        });
        self.pump = Some((stop, thread));
    }

    /// What an operation tells to be told as the rest.
    pub fn teller(&self) -> *mut std::ffi::c_void {
        self.teller.cast()
    }

    pub fn connect_result(&self) -> ws_result {
        match self.next() {
            Told::Completed { operation: WS_OPERATION_CONNECT, result, bytes: 0 } => result,
            other => panic!("not the end of a connect: {other:?}"),
        }
    }

    /// The next thing that was told; fails the test when nothing is.
    pub fn next(&self) -> Told {
        self.told.recv_timeout(DEADLINE).expect("an event in time")
    }

    pub fn try_next(&self) -> Option<Told> {
        self.told.try_recv().ok()
    }

    pub fn next_message(&self) -> (ws_message_type, Vec<u8>) {
        match self.next() {
            Told::Message(kind, bytes) => (kind, bytes),
            other => panic!("not a message: {other:?}"),
        }
    }

    pub fn next_text(&self) -> String {
        let (kind, bytes) = self.next_message();
        assert_eq!(kind, WS_MESSAGE_TYPE_UTF8);
        String::from_utf8(bytes).unwrap()
    }

    pub fn next_closed(&self) -> Closed {
        match self.next() {
            Told::Closed(closed) => closed,
            other => panic!("not closed: {other:?}"),
        }
    }

    /// What was told before *closed*, and *closed*. In pull mode the thread that pulls may tell the
    /// last messages after it; then it learns why there are no more.
    pub fn until_closed(&mut self) -> (Vec<Told>, Closed) {
        let mut before = Vec::new();
        let closed = loop {
            match self.next() {
                Told::Closed(closed) => break closed,
                told => before.push(told),
            }
        };
        if self.mode == Mode::Pull && !self.is_stream {
            if let Some((_, thread)) = self.pump.take() {
                thread.join().unwrap();
            }
            before.extend(self.told.try_iter());
            let end = if closed.result == WS_OK { WS_E_CLOSED } else { closed.result };
            for timeout_ms in [0, WS_INFINITE] {
                let mut message = std::ptr::null_mut();
                assert_eq!(ws_receive(self.socket, &raw mut message, timeout_ms), end);
            }
        }
        assert_eq!(ws_get_state(self.socket), WS_STATE_CLOSED);
        (before, closed)
    }

    pub fn send_text(&self, text: &str) -> ws_result {
        ws_send_text(self.socket, text.as_ptr().cast(), text.len())
    }

    pub fn send_binary(&self, bytes: &[u8]) -> ws_result {
        ws_send_binary(self.socket, bytes.as_ptr().cast(), bytes.len())
    }

    /// A frame of a message that is sent frame by frame.
    pub fn send_frame(&self, bytes: &[u8], is_final: bool) -> ws_result {
        let send = if is_final { ws_send_final_frame } else { ws_send_nonfinal_frame };
        send(self.socket, bytes.as_ptr().cast(), bytes.len())
    }

    pub fn send_async(&self, kind: ws_message_type, bytes: &[u8]) -> Result<u64, ws_result> {
        let mut operation = 0;
        let result = ws_send_async(
            self.socket,
            kind,
            bytes.as_ptr().cast(),
            bytes.len(),
            Some(completed),
            self.teller.cast(),
            &raw mut operation,
        );
        if result == WS_OK { Ok(operation) } else { Err(result) }
    }

    pub fn store_async(&self, writer: *mut ws_data_writer) -> Result<u64, ws_result> {
        let (mut operation, teller) = (0, self.teller.cast());
        match ws_data_writer_store_async(writer, Some(completed), teller, &raw mut operation) {
            WS_OK => Ok(operation),
            result => Err(result),
        }
    }

    pub fn close(&self, code: u16, reason: &str) -> ws_result {
        let reason = CString::new(reason).unwrap();
        ws_close(self.socket, code, reason.as_ptr())
    }

    pub fn information(&self, which: ws_information) -> u64 {
        let mut value = 0;
        assert_eq!(ws_get_information(self.socket, which, &raw mut value), WS_OK);
        value
    }

    pub fn text(&self, which: ws_information) -> String {
        read_text(|buffer, capacity, length| {
            ws_get_information_string(self.socket, which, buffer, capacity, length)
        })
        .unwrap()
    }

    pub fn response_header(&self, name: &str, index: u32) -> Result<String, ws_result> {
        let name = CString::new(name).unwrap();
        read_text(|buffer, capacity, length| {
            ws_get_response_header(self.socket, name.as_ptr(), index, buffer, capacity, length)
        })
    }

    pub fn error(&self) -> ws_error {
        let mut error: ws_error = unsafe { std::mem::zeroed() };
        error.struct_size = size_of::<ws_error>() as u32;
        assert_eq!(ws_get_error(self.socket, &raw mut error), WS_OK);
        error
    }

    pub fn statistics(&self) -> ws_statistics {
        let mut statistics: ws_statistics = unsafe { std::mem::zeroed() };
        statistics.struct_size = size_of::<ws_statistics>() as u32;
        assert_eq!(ws_get_statistics(self.socket, &raw mut statistics), WS_OK);
        statistics
    }

    /// Frees the socket, waits for *released* and returns what was told before it.
    pub fn free(self) -> Vec<Told> {
        self.hold(false);
        assert_eq!(ws_socket_free(self.socket), WS_OK);
        self.told_until_released()
    }

    /// The same of a socket that has been freed.
    pub fn told_until_released(mut self) -> Vec<Told> {
        self.socket = std::ptr::null_mut();
        let mut before = Vec::new();
        loop {
            match self.next() {
                Told::Released => break,
                told => before.push(told),
            }
        }
        self.end();
        assert_eq!(self.told.try_iter().next(), None, "nothing follows released");
        before
    }

    fn end(&mut self) {
        self.hold(false);
        if let Some((stop, thread)) = self.pump.take() {
            stop.store(true, Ordering::SeqCst);
            let _ = thread.join();
        }
        if !self.queue.is_null() {
            assert_eq!(ws_event_queue_free(self.queue), WS_OK);
            self.queue = std::ptr::null_mut();
        }
        if !self.teller.is_null() {
            drop(unsafe { Box::from_raw(self.teller) });
            self.teller = std::ptr::null_mut();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if !self.socket.is_null() {
            self.hold(false);
            ws_socket_free(self.socket);
            if !std::thread::panicking() {
                while self.told.recv_timeout(DEADLINE).expect("released in time") != Told::Released
                {
                }
                self.end();
            }
        }
    }
}

/// Asks for the length, then for the text.
pub fn read_text(
    mut read: impl FnMut(*mut c_char, usize, *mut usize) -> ws_result,
) -> Result<String, ws_result> {
    let mut length = 0;
    match read(std::ptr::null_mut(), 0, &raw mut length) {
        WS_OK => {}
        result => return Err(result),
    }
    let mut buffer = vec![0x55u8; length + 1];
    if length > 0 {
        let too_small = read(buffer.as_mut_ptr().cast(), length, &raw mut length);
        assert_eq!(too_small, WS_E_INSUFFICIENT_BUFFER);
        assert!(buffer.iter().all(|byte| *byte == 0x55), "the buffer is untouched");
    }
    assert_eq!(read(buffer.as_mut_ptr().cast(), length + 1, &raw mut length), WS_OK);
    assert_eq!(buffer.pop(), Some(0));
    Ok(String::from_utf8(buffer).unwrap())
}

pub fn last_error_message() -> String {
    let message = anyws::ffi::library::ws_last_error_message();
    unsafe { CStr::from_ptr(message) }.to_str().unwrap().to_owned()
}
