//! A stream socket in the hands of a program: reads and writes in whatever way it hears of their
//! end, into buffers that notice when somebody writes where nothing belongs.

use std::sync::atomic::{AtomicPtr, Ordering};

use anyws::ffi::result::*;
use anyws::ffi::stream::*;
use anyws::ffi::types::*;

use super::client::{Client, Mode, Told};
use super::random::Random;
use super::told;

const TIMEOUT_MS: u32 = 30_000;
const CANARY: u8 = 0xa5;
const MARGIN: usize = 64;

/// Room for a read, between margins.
pub struct Buffer {
    bytes: Vec<u8>,
    capacity: usize,
}

impl Buffer {
    pub fn new(capacity: usize) -> Buffer {
        Buffer { bytes: vec![CANARY; capacity + 2 * MARGIN], capacity }
    }

    pub fn start(&mut self) -> *mut std::ffi::c_void {
        self.bytes[MARGIN..].as_mut_ptr().cast()
    }

    /// The first `count` bytes, after a look at the rest.
    pub fn filled(&self, count: usize) -> &[u8] {
        let untouched = |bytes: &[u8]| bytes.iter().all(|byte| *byte == CANARY);
        assert!(count <= self.capacity, "{count} bytes into {}", self.capacity);
        assert!(untouched(&self.bytes[..MARGIN]) && untouched(&self.bytes[MARGIN + count..]));
        &self.bytes[MARGIN..MARGIN + count]
    }
}

pub struct StreamClient {
    pub client: Client,
}

impl StreamClient {
    pub fn connected(mode: Mode, uri: &str) -> StreamClient {
        StreamClient::connected_with(mode, uri, |_| {})
    }

    pub fn compressing(mode: Mode, uri: &str, compression: u64) -> StreamClient {
        StreamClient::connected_with(mode, uri, |client| {
            client.set(WS_CONTROL_COMPRESSION, compression);
        })
    }

    pub fn connected_with(mode: Mode, uri: &str, set: impl Fn(&Client)) -> StreamClient {
        let mut client = Client::stream(mode).that_trusts();
        set(&client);
        client.connect(uri);
        assert_eq!(client.connect_result(), WS_OK, "{uri}");
        StreamClient { client }
    }

    pub fn socket(&self) -> *mut ws_socket {
        self.client.socket
    }

    fn waits(&self) -> bool {
        self.client.mode == Mode::Pull
    }

    pub fn begin_read(
        &self,
        buffer: &mut Buffer,
        capacity: usize,
        options: ws_read_options,
    ) -> ws_result {
        let told = self.client.teller();
        ws_read(self.socket(), buffer.start(), capacity, options, Some(told::completed), told)
    }

    /// `bytes` must stay where they are until the end is told.
    pub fn begin_write(&self, bytes: &[u8]) -> ws_result {
        let (told, data) = (self.client.teller(), bytes.as_ptr().cast());
        ws_write(self.socket(), data, bytes.len(), Some(told::completed), told)
    }

    /// The end of the operation that is under way: its result and how many bytes.
    pub fn ended(&self, operation: ws_operation) -> (ws_result, usize) {
        match self.client.next() {
            Told::Completed { operation: of, result, bytes } if of == operation => {
                (result, bytes as usize)
            }
            other => panic!("not the end of {operation}: {other:?}"),
        }
    }

    pub fn read_wait(
        &self,
        capacity: usize,
        options: ws_read_options,
        timeout_ms: u32,
    ) -> (ws_result, Vec<u8>) {
        let (mut buffer, mut count) = (Buffer::new(capacity), usize::MAX);
        let start = buffer.start();
        let result =
            ws_read_wait(self.socket(), start, capacity, options, timeout_ms, &raw mut count);
        (result, buffer.filled(count).to_vec())
    }

    pub fn write_wait(&self, bytes: &[u8], timeout_ms: u32) -> (ws_result, usize) {
        let (data, mut count) = (bytes.as_ptr().cast(), usize::MAX);
        let result = ws_write_wait(self.socket(), data, bytes.len(), timeout_ms, &raw mut count);
        (result, count)
    }

    pub fn read(&self, capacity: usize, options: ws_read_options) -> (ws_result, Vec<u8>) {
        if self.waits() {
            return self.read_wait(capacity, options, TIMEOUT_MS);
        }
        let mut buffer = Buffer::new(capacity);
        assert_eq!(self.begin_read(&mut buffer, capacity, options), WS_OK);
        let (result, count) = self.ended(WS_OPERATION_READ);
        (result, buffer.filled(count).to_vec())
    }

    /// So many bytes, all of them.
    pub fn read_all(&self, count: usize) -> Vec<u8> {
        let (result, bytes) = self.read(count, WS_READ_NONE);
        assert_eq!((result, bytes.len()), (WS_OK, count));
        bytes
    }

    pub fn write(&self, bytes: &[u8]) -> (ws_result, usize) {
        if self.waits() {
            return self.write_wait(bytes, TIMEOUT_MS);
        }
        assert_eq!(self.begin_write(bytes), WS_OK);
        self.ended(WS_OPERATION_WRITE)
    }

    /// Writes all of `bytes` in writes of up to `largest` and reads as many, in reads of up to
    /// `largest` of either kind, at the same time; they must be the same.
    pub fn exchange(&self, bytes: &[u8], seed: u64, largest: usize) {
        let (mut writes, mut reads) = (Random::new(seed), Random::new(seed + 1));
        if !self.waits() {
            return self.exchange_by_events(bytes, &mut writes, &mut reads, largest);
        }
        let socket = AtomicPtr::new(self.socket());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let (piece, behind) = rest.split_at(writes.size(largest).min(rest.len()));
                    let (data, mut count) = (piece.as_ptr().cast(), 0);
                    let socket = socket.load(Ordering::SeqCst);
                    let result =
                        ws_write_wait(socket, data, piece.len(), TIMEOUT_MS, &raw mut count);
                    assert_eq!((result, count), (WS_OK, piece.len()));
                    rest = behind;
                }
            });
            let mut rest = bytes;
            while !rest.is_empty() {
                let (capacity, options) = next_read(&mut reads, largest, rest.len());
                let (result, got) = self.read_wait(capacity, options, TIMEOUT_MS);
                assert_eq!(result, WS_OK);
                rest = compare(rest, &got, capacity, options);
            }
        });
    }

    fn exchange_by_events(
        &self,
        bytes: &[u8],
        writes: &mut Random,
        reads: &mut Random,
        largest: usize,
    ) {
        let (mut unread, mut unwritten) = (bytes, bytes);
        let mut write = || {
            let (piece, behind) = unwritten.split_at(writes.size(largest).min(unwritten.len()));
            unwritten = behind;
            if !piece.is_empty() {
                assert_eq!(self.begin_write(piece), WS_OK);
            }
        };
        let mut read = |left: usize| {
            let (capacity, options) = next_read(reads, largest, left);
            let mut buffer = Buffer::new(capacity);
            assert_eq!(self.begin_read(&mut buffer, capacity, options), WS_OK);
            (buffer, capacity, options)
        };
        write();
        let mut reading = read(unread.len());
        loop {
            let Told::Completed { operation, result, bytes } = self.client.next() else {
                panic!("the connection has ended")
            };
            assert_eq!(result, WS_OK);
            if operation == WS_OPERATION_WRITE {
                write();
                continue;
            }
            let (buffer, capacity, options) = reading;
            unread = compare(unread, buffer.filled(bytes as usize), capacity, options);
            if unread.is_empty() {
                return;
            }
            reading = read(unread.len());
        }
    }

    /// The closing handshake, and what was told before it.
    pub fn close(mut self) {
        assert_eq!(self.client.close(1000, "done"), WS_OK);
        let (before, closed) = self.client.until_closed();
        let only_writes = before.iter().all(|told| {
            matches!(told, Told::Completed { operation: WS_OPERATION_WRITE, result: WS_OK, .. })
        });
        assert!(only_writes, "{before:?}");
        assert_eq!((closed.result, closed.code), (WS_OK, 1000));
        self.client.free();
    }
}

fn next_read(random: &mut Random, largest: usize, left: usize) -> (usize, ws_read_options) {
    let capacity = random.size(largest);
    match random.below(2) {
        0 => (capacity.min(left), WS_READ_NONE),
        _ => (capacity, WS_READ_PARTIAL),
    }
}

/// What is to come after `got`.
fn compare<'a>(
    expected: &'a [u8],
    got: &[u8],
    capacity: usize,
    options: ws_read_options,
) -> &'a [u8] {
    let least = if options == WS_READ_NONE { capacity } else { 1 };
    assert!((least..=capacity).contains(&got.len()), "{} of {capacity}, {options}", got.len());
    let (front, rest) = expected.split_at(got.len());
    assert!(front == got, "{} bytes before the end", expected.len());
    rest
}
