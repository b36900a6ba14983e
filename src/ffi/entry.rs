//! What stands behind a socket's handle, and how exports find it.

use std::cell::Cell;
use std::ffi::c_void;
use std::ops::Deref;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use crate::base::lock::lock;
use crate::client::link::{Link, Linked};
use crate::client::{Misuse, Socket};

use super::event_queue::EventQueue;
use super::gate::Gate;
use super::guard::{Failure, plain};
use super::result::*;
use super::ticket::{Reference, Table};
use super::types::*;

pub static SOCKETS: Table<Arc<Entry>> = Table::new(1);
pub static QUEUES: Table<Arc<EventQueue>> = Table::new(2);

pub struct Entry {
    pub handle: usize,
    pub socket: Socket,
    pub gate: Gate,
    pub user_data: AtomicPtr<c_void>,
    /// Set before connect, read without a lock by the delivery that connect makes, which shares
    /// them. Sockets without any share those.
    pub handlers: Mutex<Arc<Handlers>>,
}

/// A function of the application and what it wants to be called with.
#[derive(Clone, Copy, Debug)]
pub struct Handler<F> {
    pub function: F,
    pub user_data: *mut c_void,
}

impl<F: Default> Default for Handler<F> {
    fn default() -> Handler<F> {
        Handler { function: F::default(), user_data: std::ptr::null_mut() }
    }
}

// SAFETY: the pointer belongs to the application and is only handed back to it.
unsafe impl<F: Send> Send for Handler<F> {}
// SAFETY: as above.
unsafe impl<F: Sync> Sync for Handler<F> {}

#[derive(Clone, Default)]
pub struct Handlers {
    pub message: Handler<ws_message_received_fn>,
    pub closed: Handler<ws_closed_fn>,
    pub validation: Handler<ws_validation_fn>,
    pub send_ready: Handler<ws_send_ready_fn>,
    pub pong: Handler<ws_pong_fn>,
    pub released: Handler<ws_released_fn>,
    pub queue: Option<Arc<EventQueue>>,
}

impl Handlers {
    /// Neither a message callback nor a queue: messages are pulled.
    pub fn is_pull(&self) -> bool {
        self.message.function.is_none() && self.queue.is_none()
    }
}

static NO_HANDLERS: LazyLock<Arc<Handlers>> = LazyLock::new(Arc::default);

thread_local! {
    /// The socket whose callback runs on this thread.
    static CURRENT: Cell<(usize, *const Entry)> = const { Cell::new((0, std::ptr::null())) };
}

/// Marks `entry` as the one whose callback runs here. The caller keeps it alive and puts the
/// previous one back.
pub fn set_current(current: (usize, *const Entry)) -> (usize, *const Entry) {
    CURRENT.replace(current)
}

/// A socket that stays alive during a call.
pub enum SocketRef {
    Counted(Reference<Arc<Entry>>),
    /// Inside a callback of that very socket, which keeps it alive.
    Current(*const Entry),
}

impl Deref for SocketRef {
    type Target = Entry;

    #[inline]
    fn deref(&self) -> &Entry {
        match self {
            SocketRef::Counted(reference) => reference,
            // SAFETY: whoever called `set_current` keeps the entry alive until it takes the mark
            // back, which happens after the callback that we are inside of.
            SocketRef::Current(entry) => unsafe { &**entry },
        }
    }
}

pub const NOT_A_SOCKET: Failure =
    Failure::Plain(WS_E_HANDLE, c"socket is not the handle of a live socket");

pub fn find_socket(socket: *mut ws_socket) -> Result<SocketRef, Failure> {
    if current(socket).is_some() {
        return Ok(SocketRef::Current(CURRENT.get().1));
    }
    SOCKETS.find(socket.addr()).map(SocketRef::Counted).ok_or(NOT_A_SOCKET)
}

/// The socket whose callback runs here, if that is the one. Good until that callback returns.
#[inline(always)]
pub fn current<'a>(socket: *mut ws_socket) -> Option<&'a Entry> {
    let (current, entry) = CURRENT.get();
    if current != socket.addr() {
        return None;
    }
    // SAFETY: whoever called `set_current` keeps the entry alive until it takes the mark back, which
    // happens after the callback that we are inside of. There is none where none is current.
    let entry = unsafe { entry.as_ref() };
    // Freed meanwhile: its handle is good no more, and its gate is closed.
    entry.filter(|entry| !entry.gate.is_closed())
}

pub fn find_queue(queue: *mut ws_event_queue) -> Result<Arc<EventQueue>, Failure> {
    match QUEUES.find(queue.addr()) {
        Some(queue) => Ok(Arc::clone(&queue)),
        None => plain(WS_E_HANDLE, c"queue is not the handle of a live event queue"),
    }
}

impl Linked for Entry {
    fn link(&self) -> &Link {
        &self.socket.link
    }
}

impl Entry {
    pub fn new(handle: usize, socket: Socket) -> Entry {
        Entry {
            handle,
            socket,
            gate: Gate::default(),
            user_data: AtomicPtr::default(),
            handlers: Mutex::new(Arc::clone(&NO_HANDLERS)),
        }
    }

    pub fn as_pointer(&self) -> *mut ws_socket {
        std::ptr::without_provenance_mut(self.handle)
    }

    pub fn user_data(&self) -> *mut c_void {
        self.user_data.load(Ordering::Acquire)
    }

    /// Changes a handler, as long as that is allowed.
    pub fn configure(&self, change: impl FnOnce(&mut Handlers)) -> Result<(), Failure> {
        let mut handlers = lock(&self.handlers);
        if !self.socket.may_be_configured() {
            return Err(Misuse::IllegalState(
                "handlers and the queue are set before ws_connect, or after it has failed",
            )
            .into());
        }
        change(Arc::make_mut(&mut handlers));
        Ok(())
    }
}
