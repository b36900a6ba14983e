//! What the callbacks of a socket were told, and what the header promises of it: one at a time, in
//! order, each accepted operation once, one *closed*, one *released*, nothing after the socket was
//! freed, nothing inside a call. Knows nothing of what is called, and when.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use anyws::ffi::result::*;
use anyws::ffi::socket::ws_socket_free;
use anyws::ffi::stream::WS_OPERATION_READ;
use anyws::ffi::types::*;

/// A socket, as long as the input lasts.
#[derive(Default)]
pub struct Ledger {
    handle: AtomicPtr<ws_socket>,
    pub is_stream: bool,
    /// Has a handler for its end.
    pub hears_closed: bool,
    /// Where its events go.
    pub queue: Option<usize>,
    /// What its callbacks do, one byte each time, from the end.
    pub script: Mutex<Vec<u8>>,
    /// A callback.
    is_running: AtomicBool,
    /// A connect has told WS_OK.
    pub is_opened: AtomicBool,
    pub closed: AtomicU32,
    pub released: AtomicU32,
    /// So many have begun to free it, if not more.
    going: AtomicU32,
    /// The handle is stale for certain.
    is_gone: AtomicBool,
    /// And no callback may begin any more.
    is_silent: AtomicBool,
    /// The last one that was accepted.
    pub operation: AtomicU64,
}

/// Something that completes.
pub struct Operation {
    pub ledger: Arc<Ledger>,
    pub is_accepted: AtomicBool,
    pub completed: AtomicU32,
    /// What a read fills, or a write borrows.
    pub buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Completed(ws_operation, ws_result),
    Message,
    Pong,
    SendReady,
    Closed,
    Released,
}

thread_local! {
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static DISPATCHING: Cell<*mut ws_event_queue> = const { Cell::new(std::ptr::null_mut()) };
}

/// Makes a call that calls nothing back.
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    let before = IS_CALLING.replace(true);
    let result = body();
    IS_CALLING.set(before);
    result
}

/// Makes a call in which callbacks run: those of `queue`.
pub fn dispatch<R>(queue: *mut ws_event_queue, body: impl FnOnce() -> R) -> R {
    let before = DISPATCHING.replace(queue);
    let result = body();
    DISPATCHING.set(before);
    result
}

/// The queue whose callbacks run on this thread.
pub fn dispatching() -> *mut ws_event_queue {
    DISPATCHING.get()
}

/// Whether this thread runs a callback.
pub fn is_inside() -> bool {
    DEPTH.get() > 0
}

impl Ledger {
    pub fn new(script: Vec<u8>, handle: *mut ws_socket) -> Ledger {
        let (script, handle) = (Mutex::new(script), AtomicPtr::new(handle));
        Ledger { handle, script, ..Ledger::default() }
    }

    pub fn handle(&self) -> *mut ws_socket {
        self.handle.load(SeqCst)
    }

    pub fn user_data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    pub fn is_gone(&self) -> bool {
        self.is_gone.load(SeqCst)
    }

    /// Nobody has freed it, nor begun to.
    pub fn is_there(&self) -> bool {
        self.going.load(SeqCst) == 0
    }

    /// It is over, and the callback that told so has returned.
    pub fn is_over(&self) -> bool {
        self.released.load(SeqCst) == 1 && !self.is_running.load(SeqCst)
    }

    /// Calls a function that takes its handle.
    pub fn on(&self, body: impl FnOnce(*mut ws_socket) -> ws_result) -> ws_result {
        let was_gone = self.is_gone();
        let result = call(|| body(self.handle()));
        if was_gone {
            assert_eq!(result, WS_E_HANDLE, "the handle is stale");
        }
        if self.is_there() {
            assert_ne!(result, WS_E_HANDLE, "the handle is live");
        }
        assert_ne!(result, WS_E_UNEXPECTED);
        result
    }

    pub fn free(&self) {
        self.going.fetch_add(1, SeqCst);
        let was_gone = self.is_gone();
        let result = call(|| ws_socket_free(self.handle()));
        let is_first = self.going.load(SeqCst) == 1;
        assert!(result == WS_OK || result == WS_E_HANDLE && !is_first, "{result:#x}");
        assert!(!was_gone || result == WS_E_HANDLE, "freed twice");
        if result == WS_OK {
            self.is_gone.store(true, SeqCst);
            // Inside a callback it does not wait for another that is just beginning.
            self.is_silent.fetch_or(!is_inside(), SeqCst);
        }
    }

    /// The library is about to be shut down.
    pub fn begin_end(&self) {
        self.going.fetch_add(1, SeqCst);
    }

    /// It has been.
    pub fn end(&self) {
        assert_eq!(self.released.load(SeqCst), 1, "released");
        for ended in [&self.is_gone, &self.is_silent] {
            ended.store(true, SeqCst);
        }
    }

    /// Notes an event, and checks that it may come now.
    pub fn note(&self, event: Event) {
        assert_eq!(self.released.load(SeqCst), 0, "{event:?} after released");
        let is_silent = self.is_silent.load(SeqCst);
        assert!(!is_silent || event == Event::Released, "{event:?} after the socket was freed");
        // What had arrived can be read after closed was told.
        let is_late_read = matches!(event, Event::Completed(WS_OPERATION_READ, _));
        if !is_late_read && event != Event::Released {
            assert_eq!(self.closed.load(SeqCst), 0, "{event:?} after closed");
        }
        match event {
            Event::Completed(WS_OPERATION_CONNECT, WS_OK) => {
                assert!(!self.is_opened.swap(true, SeqCst), "opened twice");
            }
            Event::Closed => drop(self.closed.fetch_add(1, SeqCst)),
            Event::Released => drop(self.released.fetch_add(1, SeqCst)),
            _ => {}
        }
    }

    /// A callback of it: no other runs, and none runs inside a call.
    pub fn called(&self, event: Event, body: impl FnOnce()) {
        assert!(!IS_CALLING.get(), "{event:?} inside a call");
        assert!(!self.is_running.swap(true, SeqCst), "{event:?} inside another callback");
        self.note(event);
        DEPTH.set(DEPTH.get() + 1);
        body();
        DEPTH.set(DEPTH.get() - 1);
        // The last that is done with the ledger: then it may go.
        self.is_running.store(false, SeqCst);
    }
}

impl Operation {
    pub fn new(ledger: &Arc<Ledger>, buffer: Vec<u8>) -> Arc<Operation> {
        Arc::new(Operation {
            ledger: Arc::clone(ledger),
            is_accepted: AtomicBool::new(false),
            completed: AtomicU32::new(0),
            buffer,
        })
    }

    pub fn user_data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    pub fn complete(&self) {
        assert_eq!(self.completed.fetch_add(1, SeqCst), 0, "completed twice");
    }

    /// After the last of its socket.
    pub fn is_accounted_for(&self) {
        let completed = self.completed.load(SeqCst);
        assert!(completed <= u32::from(self.is_accepted.load(SeqCst)), "refused, and completed");
    }
}

/// What is readable through a message.
pub fn read_through(message: *const ws_message) {
    // SAFETY: borrowed or kept by whoever calls.
    let message = unsafe { message.as_ref() }.expect("a message");
    // SAFETY: as the header says, with one zero behind.
    let bytes = unsafe { std::slice::from_raw_parts(message.data, message.len + 1) };
    let (zero, payload) = bytes.split_last().expect("a zero");
    assert_eq!(*zero, 0, "behind the payload");
    assert!(payload.iter().fold(0u64, |sum, byte| sum + u64::from(*byte)) < u64::MAX);
    assert!(message.r#type <= WS_MESSAGE_TYPE_UTF8 && message.is_complete <= 1);
}
