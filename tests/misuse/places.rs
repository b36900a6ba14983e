//! Where a call can be made from: threads of the application, and every kind of callback.

use std::ffi::{c_char, c_void};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyws::ffi::events::*;
use anyws::ffi::library::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::subjects::{echo_uri, socket_of};
use crate::support::DEADLINE;
use crate::support::server::Nobody;

type Job = Box<dyn FnOnce() + Send>;

/// A job lies here until a callback comes by and does it.
pub struct Desk {
    job: Mutex<Option<Job>>,
    done: Sender<()>,
    finished: Mutex<Receiver<()>>,
}

impl Desk {
    /// Lives as long as the program: callbacks may come as late as they like.
    pub fn new() -> &'static Desk {
        let (done, finished) = channel();
        Box::leak(Box::new(Desk { job: Mutex::new(None), done, finished: Mutex::new(finished) }))
    }

    pub fn user_data(&'static self) -> *mut c_void {
        (&raw const *self).cast_mut().cast()
    }

    /// Lays the job down, does `lure`, and waits until a callback has done the job.
    pub fn run<R: Send + 'static>(
        &'static self,
        job: impl FnOnce() -> R + Send + 'static,
        lure: impl FnOnce(),
    ) -> R {
        let (give, take) = channel();
        *self.job.lock().unwrap() = Some(Box::new(move || give.send(job()).unwrap()));
        lure();
        self.finished.lock().unwrap().recv_timeout(DEADLINE).expect("a callback comes by");
        take.try_recv().expect("the job's result")
    }

    /// Does the job that lies here, if any.
    pub fn work(&self) {
        let job = self.job.lock().unwrap().take();
        if let Some(job) = job {
            job();
            self.done.send(()).unwrap();
        }
    }
}

fn work(user_data: *mut c_void) {
    unsafe { &*user_data.cast::<Desk>() }.work();
}

pub unsafe extern "C-unwind" fn on_message(
    _: *mut ws_socket,
    _: *const ws_message,
    desk: *mut c_void,
) {
    work(desk);
}

pub unsafe extern "C-unwind" fn on_completed(
    _: *mut ws_socket,
    _: ws_operation,
    _: ws_result,
    _: u64,
    desk: *mut c_void,
) {
    work(desk);
}

pub unsafe extern "C-unwind" fn on_closed(
    _: *mut ws_socket,
    _: *const ws_closed,
    desk: *mut c_void,
) {
    work(desk);
}

pub unsafe extern "C-unwind" fn on_validation(
    _: *mut ws_socket,
    _: *mut ws_validation,
    desk: *mut c_void,
) {
    work(desk);
}

pub unsafe extern "C-unwind" fn on_released(_: *mut ws_socket, desk: *mut c_void) {
    work(desk);
}

unsafe extern "C-unwind" fn on_wake(_: *mut ws_event_queue, desk: *mut c_void) {
    work(desk);
}

unsafe extern "C-unwind" fn on_log(_: ws_log_level, _: *const c_char, desk: *mut c_void) {
    work(desk);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A thread of the application.
    Thread,
    /// One whose stack is no larger than threads of embedded systems have.
    SmallStack,
    /// The message callback of another socket.
    Callback,
    /// The same, called by `ws_event_queue_dispatch`.
    Dispatcher,
    Log,
    Wake,
}

pub const KINDS: [Kind; 6] =
    [Kind::Thread, Kind::SmallStack, Kind::Callback, Kind::Dispatcher, Kind::Log, Kind::Wake];

/// The test's own work on such a thread needs some of it too.
const SMALL_STACK: usize = 32 * 1024;

/// A place with what it needs to be there.
pub struct Place {
    pub kind: Kind,
    desk: &'static Desk,
    socket: usize,
    pub queue: *mut ws_event_queue,
    /// The process has one log callback: one test at a time.
    _log: Option<MutexGuard<'static, ()>>,
}

impl Place {
    pub fn new(kind: Kind) -> Place {
        static LOG: Mutex<()> = Mutex::new(());
        let log = (kind == Kind::Log).then(|| LOG.lock().unwrap_or_else(PoisonError::into_inner));
        let desk = Desk::new();
        let mut place = Place { kind, desk, socket: 0, queue: std::ptr::null_mut(), _log: log };
        if kind == Kind::Log {
            assert_eq!(ws_set_log_callback(Some(on_log), desk.user_data(), WS_LOG_DEBUG), WS_OK);
        }
        if !matches!(kind, Kind::Callback | Kind::Dispatcher | Kind::Wake) {
            return place;
        }
        let socket = ws_message_socket_new();
        place.socket = socket.addr();
        if kind != Kind::Callback {
            place.queue = ws_event_queue_new();
            assert_eq!(ws_set_event_queue(socket, place.queue), WS_OK);
        }
        if kind == Kind::Wake {
            assert_eq!(
                ws_event_queue_set_wake(place.queue, Some(on_wake), desk.user_data()),
                WS_OK
            );
        } else {
            assert_eq!(ws_on_message_received(socket, Some(on_message), desk.user_data()), WS_OK);
        }
        assert_eq!(ws_connect_wait(socket, echo_uri().as_ptr(), 30_000), WS_OK);
        place
    }

    /// Whether calls from here are on an I/O thread, where nothing may wait.
    pub fn is_on_io_thread(&self) -> bool {
        matches!(self.kind, Kind::Callback | Kind::Log | Kind::Wake)
    }

    pub fn is_in_callback(&self) -> bool {
        !matches!(self.kind, Kind::Thread | Kind::SmallStack)
    }

    /// Does `job` there.
    pub fn run<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> R {
        let say = || {
            assert_eq!(ws_send_text(socket_of(self.socket), c"go".as_ptr(), 2), WS_OK);
        };
        match self.kind {
            Kind::Thread => job(),
            Kind::SmallStack => {
                let builder = std::thread::Builder::new().stack_size(SMALL_STACK);
                builder.spawn(job).unwrap().join().unwrap()
            }
            Kind::Callback => self.desk.run(job, say),
            Kind::Dispatcher => self.desk.run(job, || {
                say();
                let mut count = 0;
                assert_eq!(ws_event_queue_dispatch(self.queue, 1, 30_000, &raw mut count), WS_OK);
                assert_eq!(count, 1);
            }),
            Kind::Wake => {
                let result = self.desk.run(job, say);
                let mut count = 0;
                assert_eq!(ws_event_queue_dispatch(self.queue, 0, 30_000, &raw mut count), WS_OK);
                assert_eq!(count, 1);
                result
            }
            Kind::Log => self.desk.run(job, || {
                // A connect that fails is worth a line.
                let uri = std::ffi::CString::new(Nobody::new().uri()).unwrap();
                let socket = ws_message_socket_new();
                assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 30_000), WS_E_CANNOT_CONNECT);
                assert_eq!(ws_socket_free(socket), WS_OK);
            }),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.kind == Kind::Log {
            ws_set_log_callback(None, std::ptr::null_mut(), WS_LOG_OFF);
        }
        ws_socket_free(socket_of(self.socket));
        ws_event_queue_free(self.queue);
    }
}
