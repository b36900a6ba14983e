//! All that a sequence of calls has made, for the calls that follow and for callbacks; and the calls
//! whose answer depends on nothing else: those of writers, readers, events and messages.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyws::ffi::data_reader::*;
use anyws::ffi::data_types::*;
use anyws::ffi::data_writer::*;
use anyws::ffi::events::ws_message_release;
use anyws::ffi::queue::ws_event_release;
use anyws::ffi::read_values::*;
use anyws::ffi::result::*;
use anyws::ffi::storing::*;
use anyws::ffi::types::*;
use anyws::ffi::written_values::*;

use crate::Choices;
use crate::ledger::{Event, Ledger, Operation, call, is_inside, read_through};

/// Never locked while the library is called.
static WORLD: Mutex<World> = Mutex::new(World::EMPTY);

pub struct World {
    pub ledgers: Vec<Arc<Ledger>>,
    pub operations: Vec<Arc<Operation>>,
    pub queues: Vec<Handle>,
    pub writers: Vec<Handle>,
    pub readers: Vec<Handle>,
    /// Kept, and to be released.
    pub messages: Vec<usize>,
    pub events: Vec<usize>,
}

impl World {
    const EMPTY: World = World {
        ledgers: Vec::new(),
        operations: Vec::new(),
        queues: Vec::new(),
        writers: Vec::new(),
        readers: Vec::new(),
        messages: Vec::new(),
        events: Vec::new(),
    };
}

/// Of a queue, a writer or a reader.
#[derive(Clone, Copy, PartialEq)]
pub struct Handle {
    pub value: usize,
    pub is_live: bool,
}

pub fn world() -> MutexGuard<'static, World> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn ledger(choice: u8) -> Option<Arc<Ledger>> {
    let world = world();
    world.ledgers.get(usize::from(choice) % world.ledgers.len().max(1)).cloned()
}

pub fn pick(handles: fn(&World) -> &Vec<Handle>, choice: u8) -> Option<Handle> {
    let world = world();
    let handles = handles(&world);
    handles.get(usize::from(choice) % handles.len().max(1)).copied()
}

/// The ledger that a handler was registered with.
pub fn shared(user_data: *mut c_void) -> Arc<Ledger> {
    let found = world().ledgers.iter().find(|ledger| ledger.user_data() == user_data).cloned();
    found.expect("a ledger that is still there")
}

/// What a completion was begun with.
pub fn operation(user_data: *mut c_void) -> Arc<Operation> {
    let found = world().operations.iter().find(|one| one.user_data() == user_data).cloned();
    found.expect("an operation that is still there")
}

/// Ends a handle; stale ones answer so. Not for callbacks: others would not know of it in time.
pub fn free_handle(
    handles: fn(&mut World) -> &mut Vec<Handle>,
    handle: Handle,
    free: impl FnOnce(usize) -> ws_result,
) {
    expect(handle, call(|| free(handle.value)), &[WS_OK]);
    let mut world = world();
    let freed = handles(&mut world).iter_mut().filter(|other| other.value == handle.value);
    freed.for_each(|other| other.is_live = false);
}

/// What a call with a live handle may answer; one with a stale handle has one answer.
pub fn expect(handle: Handle, result: ws_result, may_be: &[ws_result]) {
    // The program may free it while a callback uses it.
    if is_inside() && [WS_E_HANDLE, WS_E_ABORT].contains(&result) {
        return;
    }
    match handle.is_live {
        true => assert!(may_be.contains(&result), "{result:#x}"),
        false => assert_eq!(result, WS_E_HANDLE),
    }
}

fn keep_reader(reader: *mut ws_data_reader) {
    assert!(!reader.is_null());
    let mut world = world();
    world.readers.push(Handle { value: reader as usize, is_live: true });
}

fn make_writer(socket: *mut ws_socket, is_live: bool) {
    let writer = call(|| ws_data_writer_new(socket));
    assert!(!writer.is_null() || !is_live);
    if !writer.is_null() {
        world().writers.push(Handle { value: writer as usize, is_live: true });
    }
}

const ALWAYS: &[ws_result] = &[WS_OK];
const TEXT: &[ws_result] = &[WS_OK, WS_E_NO_UNICODE_TRANSLATION];
const ROOM: &[ws_result] = &[WS_OK, WS_E_INSUFFICIENT_BUFFER];
/// Whatever a writer's socket may answer.
const OF_STORING: &[ws_result] = &[
    WS_OK,
    WS_E_INVALID_OPERATION,
    WS_E_ILLEGAL_METHOD_CALL,
    WS_E_CLOSED,
    WS_E_NO_UNICODE_TRANSLATION,
    WS_E_WOULD_BLOCK,
    WS_E_TIMEOUT,
    WS_E_ABORT,
    WS_E_CONNECTION_RESET,
    WS_E_CONNECTION_ABORTED,
];

pub fn use_writer(handle: Handle, choices: &mut Choices) {
    let writer = handle.value as *mut ws_data_writer;
    let (what, value) = (choices.byte(), choices.byte());
    let text = choices.take(usize::from(value % 16));
    let (data, len) = (text.as_ptr(), text.len());
    let mut buffer = [0u8; 64];
    let mut length = 0;
    let before = call(|| ws_data_writer_unstored_buffer_length(writer));
    let (result, may_be): (ws_result, &[ws_result]) = call(|| match what % 12 {
        0 => (ws_data_writer_write_u8(writer, value), ALWAYS),
        1 => (ws_data_writer_write_u32(writer, value.into()), ALWAYS),
        2 => (ws_data_writer_write_f64(writer, value.into()), ALWAYS),
        3 => (ws_data_writer_write_bytes(writer, data.cast(), len), ALWAYS),
        4 => {
            let result = ws_data_writer_write_string(writer, data.cast(), len);
            (result, TEXT)
        }
        5 => (ws_data_writer_set_byte_order(writer, u32::from(value & 1)), ALWAYS),
        6 => (ws_data_writer_set_unicode_encoding(writer, u32::from(value % 3)), ALWAYS),
        7 => (ws_data_writer_store(writer, &mut length), OF_STORING),
        8 => (ws_data_writer_store_wait(writer, 0, &mut length), OF_STORING),
        9 => (ws_data_writer_flush(writer), OF_STORING),
        10 => (ws_data_writer_detach_stream(writer), ALWAYS),
        _ => {
            let room = buffer.as_mut_ptr().cast();
            let result = ws_data_writer_detach_buffer(writer, room, buffer.len(), &mut length);
            assert!(length <= buffer.len() || result == WS_E_INSUFFICIENT_BUFFER);
            (result, ROOM)
        }
    });
    // On the I/O thread nothing may wait.
    if !(is_inside() && result == WS_E_REENTRANT) {
        expect(handle, result, may_be);
    }
    assert!(handle.is_live || before == 0);
}

fn use_reader(handle: Handle, choices: &mut Choices) {
    let reader = handle.value as *mut ws_data_reader;
    let (what, count) = (choices.byte(), usize::from(choices.byte()));
    let before = call(|| ws_data_reader_unconsumed_length(reader));
    let mut buffer = [0u8; 256];
    let room = buffer.as_mut_ptr();
    let mut length = 0;
    let mut inner = null_mut();
    let (mut short, mut long) = (0u16, 0f64);
    let result = call(|| match what % 8 {
        0 => ws_data_reader_read_u8(reader, room),
        1 => ws_data_reader_read_u16(reader, &mut short),
        2 => ws_data_reader_read_f64(reader, &mut long),
        3 => ws_data_reader_read_bytes(reader, room.cast(), count),
        4 => ws_data_reader_read_string(reader, count, room.cast(), 256, &mut length),
        5 => ws_data_reader_read_buffer(reader, count, &mut inner),
        6 => ws_data_reader_set_byte_order(reader, u32::from(what >> 3 & 1)),
        _ => ws_data_reader_set_unicode_encoding(reader, u32::from(what >> 3) % 3),
    });
    let of_text = [WS_E_NO_UNICODE_TRANSLATION, WS_E_INSUFFICIENT_BUFFER];
    expect(handle, result, &[&[WS_OK, WS_E_BOUNDS][..], &of_text].concat());
    let after = call(|| ws_data_reader_unconsumed_length(reader));
    // Inside a callback and outside, the same reader may be read at the same time.
    assert!(after <= before && (handle.is_live || before == 0));
    if !inner.is_null() {
        keep_reader(inner);
    }
}

/// Makes, uses or ends a writer.
pub fn writer(which: u8, choices: &mut Choices) {
    let what = choices.byte();
    match pick(|world| &world.writers, which) {
        Some(writer) if what % 8 == 0 => {
            free_handle(|world| &mut world.writers, writer, |one| ws_data_writer_free(one as _));
        }
        Some(writer) if what % 8 < 7 || world().writers.len() > 4 => {
            use_writer(writer, choices);
        }
        _ => match ledger(which).filter(|_| what & 8 == 0) {
            Some(ledger) => {
                let is_live = ledger.is_there() && !ledger.is_stream;
                let socket = ledger.handle();
                make_writer(socket, is_live && ledger.is_there());
            }
            None => make_writer(null_mut(), true),
        },
    }
}

/// Makes, uses or ends a reader.
pub fn reader(which: u8, choices: &mut Choices) {
    let what = choices.byte();
    match pick(|world| &world.readers, which) {
        Some(reader) if what % 8 == 0 => {
            free_handle(|world| &mut world.readers, reader, |one| ws_data_reader_free(one as _));
        }
        Some(reader) if what % 8 < 6 || world().readers.len() > 6 => {
            use_reader(reader, choices);
        }
        _ => {
            let message = world().messages.last().copied();
            let bytes = choices.take(usize::from(what));
            keep_reader(call(|| match message.filter(|_| what & 8 == 0) {
                Some(message) => ws_data_reader_from_message(message as *const ws_message),
                None => ws_data_reader_new(bytes.as_ptr().cast(), bytes.len()),
            }));
        }
    }
}

/// Lets go of everything; the sockets are over.
pub fn clear() {
    let writers = world().writers.clone();
    for writer in writers {
        free_handle(|world| &mut world.writers, writer, |one| ws_data_writer_free(one as _));
    }
    let readers = world().readers.clone();
    for reader in readers {
        free_handle(|world| &mut world.readers, reader, |one| ws_data_reader_free(one as _));
    }
    while let Some(event) = { world().events.pop() } {
        release_event(Some(event));
    }
    let messages = std::mem::take(&mut world().messages);
    for message in messages {
        read_through(message as *const ws_message);
        call(|| ws_message_release(message as *mut ws_message));
    }
    let mut world = world();
    world.operations.iter().for_each(|operation| operation.is_accounted_for());
    *world = World::EMPTY;
}

/// Takes an event that `ws_event_queue_next` gave into its ledger.
pub fn note_event(event: *const ws_event) {
    // SAFETY: it was just taken.
    let event = unsafe { event.as_ref() }.expect("an event");
    let (ledger, what) = match event.r#type {
        WS_EVENT_COMPLETED => {
            let operation = operation(event.user_data);
            operation.complete();
            let what = Event::Completed(event.operation, event.result);
            (Arc::clone(&operation.ledger), what)
        }
        WS_EVENT_MESSAGE_RECEIVED => (shared(event.user_data), Event::Message),
        WS_EVENT_CLOSED => (shared(event.user_data), Event::Closed),
        WS_EVENT_SEND_READY => (shared(event.user_data), Event::SendReady),
        WS_EVENT_PONG => (shared(event.user_data), Event::Pong),
        WS_EVENT_RELEASED => (shared(event.user_data), Event::Released),
        other => panic!("event {other}"),
    };
    ledger.note(what);
}

pub fn release_event(event: Option<usize>) {
    let Some(event) = event else { return };
    let event = event as *mut ws_event;
    // SAFETY: it is valid until it is released, whatever has become of its socket.
    let (message, closed) = unsafe { ((*event).message, (*event).closed.as_ref()) };
    if !message.is_null() {
        read_through(message);
    }
    assert!(closed.is_none_or(|closed| closed.reason_length <= 123));
    call(|| ws_event_release(event));
}
