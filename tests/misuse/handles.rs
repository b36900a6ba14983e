//! Handles that are none: NULL, stale, of another kind, invented.

use std::sync::Barrier;

use anyws::ffi::data_reader::*;
use anyws::ffi::data_writer::*;
use anyws::ffi::events::*;
use anyws::ffi::queue::*;
use anyws::ffi::result::*;
use anyws::ffi::socket::*;
use anyws::ffi::types::*;

use crate::functions::{bad_arguments, functions};
use crate::places::{KINDS, Place};
use crate::sheet::{Answer, Sheet};
use crate::subjects::{assert_alive, secure_uri, socket_of, subject};
use crate::support::DEADLINE;
use crate::support::client::{Client, Mode};

/// A live one of every kind.
pub struct Zoo {
    socket: usize,
    queue: *mut ws_event_queue,
    validation: usize,
    message: *mut ws_message,
    pub writer: usize,
    pub reader: usize,
    asked: *mut ws_socket,
}

unsafe extern "C-unwind" fn keep_question(
    _: *mut ws_socket,
    validation: *mut ws_validation,
    teller: *mut std::ffi::c_void,
) {
    assert_eq!(ws_validation_get_deferral(validation), WS_OK);
    let teller = unsafe { &*teller.cast::<std::sync::mpsc::Sender<usize>>() };
    teller.send(validation.addr()).unwrap();
}

impl Zoo {
    pub fn new() -> Zoo {
        let client = Client::trusting(Mode::Callback);
        let asked = client.socket;
        // It is given up, not freed: the question lives as long as the connect.
        std::mem::forget(client);
        let (teller, told) = std::sync::mpsc::channel::<usize>();
        let user_data = Box::into_raw(Box::new(teller)).cast();
        let set = ws_on_server_custom_validation_requested(asked, Some(keep_question), user_data);
        assert_eq!(set, WS_OK);
        let begun = ws_connect(asked, secure_uri().as_ptr(), None, std::ptr::null_mut());
        assert_eq!(begun, WS_OK);
        let validation = told.recv_timeout(DEADLINE).unwrap();
        Zoo {
            socket: subject(WS_STATE_CREATED),
            queue: ws_event_queue_new(),
            validation,
            message: a_message(),
            writer: ws_data_writer_new(std::ptr::null_mut()).addr(),
            reader: ws_data_reader_new(b"0123456789".as_ptr().cast(), 10).addr(),
            asked,
        }
    }

    /// All values that are no handle of the kind whose own is `own`.
    pub fn strangers(&self, own: usize) -> Vec<(String, usize)> {
        let here = 0u64;
        let freed = subject(WS_STATE_CREATED);
        assert_eq!(ws_socket_free(socket_of(freed)), WS_OK);
        let freed_queue = ws_event_queue_new();
        assert_eq!(ws_event_queue_free(freed_queue), WS_OK);
        let freed_writer = ws_data_writer_new(std::ptr::null_mut());
        assert_eq!(ws_data_writer_free(freed_writer), WS_OK);
        let freed_reader = ws_data_reader_new(std::ptr::null(), 0);
        assert_eq!(ws_data_reader_free(freed_reader), WS_OK);
        let unmapped = unsafe {
            let page = libc::mmap(
                std::ptr::null_mut(),
                4096,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANON,
                -1,
                0,
            );
            libc::munmap(page, 4096);
            page.addr()
        };
        let mut all: Vec<(String, usize)> =
            [1, 2, 3, 7, 8, usize::MAX, usize::MAX - 1, 0xdead_beef]
                .into_iter()
                .map(|number| (format!("{number:#x}"), number))
                .collect();
        all.push(("a stack address".to_owned(), (&raw const here).addr()));
        all.push(("an odd address".to_owned(), (&raw const here).addr() + 1));
        all.push(("an unmapped page".to_owned(), unmapped));
        all.push(("a freed socket".to_owned(), freed));
        all.push(("a freed queue".to_owned(), freed_queue.addr()));
        all.push(("a freed writer".to_owned(), freed_writer.addr()));
        all.push(("a freed reader".to_owned(), freed_reader.addr()));
        for (name, live) in [
            ("a socket", self.socket),
            ("a queue", self.queue.addr()),
            ("a validation", self.validation),
            ("a message", self.message.addr()),
            ("a writer", self.writer),
            ("a reader", self.reader),
        ] {
            if live != own {
                all.push((name.to_owned(), live));
            }
        }
        for bit in 0..usize::BITS {
            // Bits of the slot's number could name another live one.
            if !(8..32).contains(&bit) {
                all.push((format!("a handle with bit {bit} turned"), own ^ (1 << bit)));
            }
        }
        all
    }
}

impl Drop for Zoo {
    fn drop(&mut self) {
        ws_message_release(self.message);
        assert_eq!(ws_data_writer_free(std::ptr::without_provenance_mut(self.writer)), WS_OK);
        assert_eq!(ws_data_reader_free(std::ptr::without_provenance_mut(self.reader)), WS_OK);
        assert_eq!(ws_socket_free(socket_of(self.socket)), WS_OK);
        assert_eq!(ws_socket_free(self.asked), WS_OK);
        assert_eq!(ws_event_queue_free(self.queue), WS_OK);
    }
}

fn a_message() -> *mut ws_message {
    let socket = ws_message_socket_new();
    let uri = crate::subjects::mute_uri();
    assert_eq!(ws_connect_wait(socket, uri.as_ptr(), 30_000), WS_OK);
    let mut message = std::ptr::null_mut();
    assert_eq!(ws_receive(socket, &raw mut message, 30_000), WS_OK);
    assert_eq!(ws_socket_free(socket), WS_OK);
    message
}

const STALE: Answer = Answer::Result(WS_E_HANDLE);

#[test]
fn a_value_that_is_no_socket_is_refused_by_every_function_from_every_place() {
    let zoo = Zoo::new();
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        let mut strangers = zoo.strangers(zoo.socket);
        strangers.push(("NULL".to_owned(), 0));
        sheet.add(place.run(move || {
            let mut sheet = Sheet::default();
            for function in functions().into_iter().chain(bad_arguments()) {
                for (name, handle) in &strangers {
                    let expected = match (function.name, *handle, &function.answers) {
                        ("ws_socket_free", 0, _) => Answer::Result(WS_OK),
                        (_, _, None) => Answer::Value(0),
                        _ => STALE,
                    };
                    // It is told so before anything is said about the other arguments.
                    let is_about_queue = function.name.starts_with("ws_event_queue");
                    let word = if is_about_queue { "queue" } else { "socket" };
                    let is_really_a_queue = is_about_queue && name == "a queue";
                    if is_really_a_queue {
                        continue;
                    }
                    let what = format_args!("{}: {name}, {kind:?}", function.name);
                    sheet.cell(&what, expected, word, &mut || (function.call)(socket_of(*handle)));
                }
            }
            sheet
        }));
        assert_alive();
    }
    sheet.pass(30_000);
    assert_eq!(ws_get_state(socket_of(zoo.socket)), WS_STATE_CREATED);
}

type QueueCall = (&'static str, fn(*mut ws_event_queue) -> ws_result);
type ValidationCall = (&'static str, fn(*mut ws_validation) -> ws_result);

const QUEUE_CALLS: [QueueCall; 9] = [
    ("ws_event_queue_free", |q| ws_event_queue_free(q)),
    ("ws_event_queue_dispatch", |q| ws_event_queue_dispatch(q, 0, 0, std::ptr::null_mut())),
    ("ws_event_queue_dispatch that waits", |q| {
        ws_event_queue_dispatch(q, 1, WS_INFINITE, std::ptr::null_mut())
    }),
    ("ws_event_queue_next", |q| {
        let mut event = std::ptr::null_mut();
        ws_event_queue_next(q, &raw mut event, 0)
    }),
    ("ws_event_queue_next: NULL", |q| ws_event_queue_next(q, std::ptr::null_mut(), WS_INFINITE)),
    ("ws_event_queue_get_wait_handle", |q| {
        let mut handle = 0;
        ws_event_queue_get_wait_handle(q, &raw mut handle)
    }),
    ("ws_event_queue_get_wait_handle: NULL", |q| {
        ws_event_queue_get_wait_handle(q, std::ptr::null_mut())
    }),
    ("ws_event_queue_set_wake", |q| ws_event_queue_set_wake(q, None, std::ptr::null_mut())),
    ("ws_set_event_queue", |q| {
        let socket = ws_message_socket_new();
        let result = ws_set_event_queue(socket, q);
        // A success would leave an explanation alone, and so does this.
        assert_eq!(ws_socket_free(socket), WS_OK);
        result
    }),
];

const VALIDATION_CALLS: [ValidationCall; 4] = [
    ("ws_validation_get_deferral", |v| ws_validation_get_deferral(v)),
    ("ws_validation_complete: 0", |v| ws_validation_complete(v, 0)),
    ("ws_validation_complete: 255", |v| ws_validation_complete(v, 255)),
    ("ws_validation_reject", |v| ws_validation_reject(v)),
];

#[test]
fn a_value_that_is_no_queue_or_no_question_is_refused_from_every_place() {
    let zoo = Zoo::new();
    let mut sheet = Sheet::default();
    for kind in KINDS {
        let place = Place::new(kind);
        let (mut no_queues, mut no_questions) =
            (zoo.strangers(zoo.queue.addr()), zoo.strangers(zoo.validation));
        no_queues.push(("NULL".to_owned(), 0));
        no_questions.push(("NULL".to_owned(), 0));
        sheet.add(place.run(move || {
            let mut sheet = Sheet::default();
            for (function, call) in QUEUE_CALLS {
                for (name, value) in &no_queues {
                    let is_nothing = *value == 0
                        && ["ws_event_queue_free", "ws_set_event_queue"].contains(&function);
                    let expected = if is_nothing { Answer::Result(WS_OK) } else { STALE };
                    let what = format_args!("{function}: {name}, {kind:?}");
                    sheet.cell(&what, expected, "queue", &mut || {
                        Answer::Result(call(std::ptr::without_provenance_mut(*value)))
                    });
                }
            }
            for (function, call) in VALIDATION_CALLS {
                for (name, value) in &no_questions {
                    let what = format_args!("{function}: {name}, {kind:?}");
                    sheet.cell(&what, STALE, "validation", &mut || {
                        Answer::Result(call(std::ptr::without_provenance_mut(*value)))
                    });
                }
            }
            sheet
        }));
        assert_alive();
    }
    sheet.pass(4_000);
}

#[test]
fn a_question_answered_once_is_answered_and_ends_with_its_connect() {
    let zoo = Zoo::new();
    let mut sheet = Sheet::default();
    let question: *mut ws_validation = std::ptr::without_provenance_mut(zoo.validation);
    let ok = Answer::Result(WS_OK);
    for again in 0..2 {
        sheet.cell(&format_args!("deferral {again}"), ok, "", &mut || {
            Answer::Result(ws_validation_get_deferral(question))
        });
    }
    assert_eq!(ws_abort(zoo.asked), WS_OK);
    let over = crate::support::server::eventually(|| ws_get_state(zoo.asked) == WS_STATE_CREATED);
    assert!(over);
    for (function, call) in VALIDATION_CALLS {
        let over = crate::support::server::eventually(|| call(question) == WS_E_HANDLE);
        assert!(over, "{function}");
        let what = format_args!("{function} after the connect");
        sheet.cell(&what, STALE, "validation", &mut || Answer::Result(call(question)));
    }
    sheet.pass(6);
}

#[test]
fn a_million_invented_handles_have_no_state() {
    let live: Vec<usize> = (0..100).map(|_| subject(WS_STATE_CREATED)).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for round in 0..1_000_000u64 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Every other one has the kind of a socket, and every fourth the right generation too.
        let handle = match round % 4 {
            0 | 1 => random as usize,
            2 => random as usize & !0xff | live[0] & 0xff,
            _ => live[0] & !0xffff_ff00 | random as usize & 0xffff_ff00,
        };
        let is_live = handle & 0xff == live[0] & 0xff && (handle >> 8 & 0xff_ffff) < 4096;
        if !is_live {
            assert_eq!(ws_get_state(socket_of(handle)), WS_STATE_NONE, "{handle:#x}");
        }
    }
    for handle in live {
        assert_eq!(ws_get_state(socket_of(handle)), WS_STATE_CREATED);
        assert_eq!(ws_socket_free(socket_of(handle)), WS_OK);
    }
    assert_alive();
}

#[test]
fn a_handle_stays_stale_however_often_its_slot_is_taken() {
    let mut stale: Vec<usize> = Vec::new();
    for _ in 0..20_000 {
        let handle = subject(WS_STATE_CREATED);
        if stale.len() < 100 {
            stale.push(handle);
        }
        assert_eq!(ws_socket_free(socket_of(handle)), WS_OK);
    }
    for handle in stale {
        assert_eq!(ws_get_state(socket_of(handle)), WS_STATE_NONE);
        assert_eq!(ws_socket_free(socket_of(handle)), WS_E_HANDLE);
    }
}

#[test]
fn of_two_threads_that_free_a_socket_or_a_queue_one_succeeds() {
    for _ in 0..500 {
        let socket = subject(WS_STATE_CREATED);
        let queue = ws_event_queue_new().addr();
        let barrier = Barrier::new(2);
        let free = || {
            barrier.wait();
            let freed = ws_socket_free(socket_of(socket));
            (freed, ws_event_queue_free(std::ptr::without_provenance_mut(queue)))
        };
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(free);
            (free(), other.join().unwrap())
        });
        for (one, other) in [(one.0, other.0), (one.1, other.1)] {
            assert!(
                matches!((one, other), (WS_OK, WS_E_HANDLE) | (WS_E_HANDLE, WS_OK)),
                "{one:#x} {other:#x}"
            );
        }
    }
    assert_alive();
}
