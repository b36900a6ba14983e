//! The system's name lookup, played: a test program that has this module answers its own lookups.
//! Names have the answers that tests gave them, and no other name exists.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use socket2::SockAddr;

use crate::support::server::eventually;

#[derive(Clone)]
pub enum Answer {
    Addresses(Vec<IpAddr>),
    /// What the system's function returns.
    Code(i32),
    /// The same with `errno`.
    System(i32),
    /// An address of a family that is not of the Internet.
    Alien,
}

struct Entry {
    answer: Answer,
    /// Lookups wait until it is set free.
    hangs: bool,
    /// How many have been begun, and how many of them wait.
    asked: usize,
    waiting: usize,
}

static NAMES: Mutex<Option<HashMap<String, Entry>>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

fn with<T>(body: impl FnOnce(&mut HashMap<String, Entry>) -> T) -> T {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let result = body(names.get_or_insert_default());
    CHANGED.notify_all();
    result
}

/// A name of its own, with an answer that may change.
#[derive(Clone)]
pub struct Name(Arc<str>);

impl Name {
    pub fn new(answer: Answer) -> Name {
        Name::with(answer, false)
    }

    pub fn of(addresses: &[IpAddr]) -> Name {
        Name::new(Answer::Addresses(addresses.to_vec()))
    }

    /// Its lookups hang until `let_go`, and then tell this.
    pub fn hanging(answer: Answer) -> Name {
        Name::with(answer, true)
    }

    fn with(answer: Answer, hangs: bool) -> Name {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("name-{}.test", NUMBER.fetch_add(1, Ordering::SeqCst));
        let entry = Entry { answer, hangs, asked: 0, waiting: 0 };
        with(|names| names.insert(name.clone(), entry));
        Name(name.into())
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn uri(&self, port: u16) -> String {
        format!("ws://{}:{port}/", self.0)
    }

    fn entry<T>(&self, body: impl FnOnce(&mut Entry) -> T) -> T {
        with(|names| body(names.get_mut(&*self.0).unwrap()))
    }

    /// How many lookups have been begun.
    pub fn asked(&self) -> usize {
        self.entry(|entry| entry.asked)
    }

    /// How many hang now.
    pub fn waiting(&self) -> usize {
        self.entry(|entry| entry.waiting)
    }

    pub fn until_waiting(&self, count: usize) {
        assert!(eventually(|| self.waiting() >= count), "{} lookups hang", self.waiting());
    }

    /// Those that hang return, and no further one hangs.
    pub fn let_go(&self) {
        self.entry(|entry| entry.hangs = false);
    }
}

fn answer(name: &str) -> Answer {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut is_counted = false;
    loop {
        let Some(entry) = names.get_or_insert_default().get_mut(name) else {
            return Answer::Code(libc::EAI_NONAME);
        };
        if !is_counted {
            entry.asked += 1;
            entry.waiting += 1;
            is_counted = true;
        }
        if !entry.hangs {
            entry.waiting -= 1;
            return entry.answer.clone();
        }
        names = CHANGED.wait(names).unwrap_or_else(PoisonError::into_inner);
    }
}

/// What one lookup answered with: the entries, and what they point to.
struct List {
    entries: Vec<libc::addrinfo>,
    _addresses: Vec<SockAddr>,
}

static LISTS: Mutex<Vec<Held>> = Mutex::new(Vec::new());

/// The pointers in it lead to what is in it.
struct Held(List);
unsafe impl Send for Held {}

/// In place of the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    list: *mut *mut libc::addrinfo,
) -> i32 {
    assert!(!node.is_null() && service.is_null() && !hints.is_null());
    assert_eq!(unsafe { (*hints).ai_socktype }, libc::SOCK_STREAM, "each address once");
    let name = unsafe { CStr::from_ptr(node) }.to_str().unwrap();
    let addresses = match answer(name) {
        Answer::Addresses(addresses) => {
            addresses.into_iter().map(|ip| SockAddr::from(SocketAddr::new(ip, 0))).collect()
        }
        Answer::Alien => vec![SockAddr::unix("/nowhere").unwrap()],
        Answer::Code(code) => return code,
        Answer::System(error) => {
            unsafe { *libc::__errno_location() = error };
            return libc::EAI_SYSTEM;
        }
    };
    unsafe { *list = hold(addresses) };
    0
}

fn hold(addresses: Vec<SockAddr>) -> *mut libc::addrinfo {
    let mut entries: Vec<libc::addrinfo> = Vec::new();
    for address in &addresses {
        let mut entry: libc::addrinfo = unsafe { std::mem::zeroed() };
        entry.ai_family = address.family().into();
        entry.ai_socktype = libc::SOCK_STREAM;
        entry.ai_addr = address.as_ptr().cast_mut().cast();
        entry.ai_addrlen = address.len();
        entries.push(entry);
    }
    let first = entries.as_mut_ptr();
    for at in 1..entries.len() {
        entries[at - 1].ai_next = unsafe { first.add(at) };
    }
    if entries.is_empty() {
        return std::ptr::null_mut();
    }
    LISTS.lock().unwrap().push(Held(List { entries, _addresses: addresses }));
    first
}

/// Of such a list, once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn freeaddrinfo(list: *mut libc::addrinfo) {
    let mut lists = LISTS.lock().unwrap();
    let at = lists.iter().position(|held| held.0.entries.as_ptr() == list.cast_const());
    lists.swap_remove(at.expect("a list that was handed out"));
}

/// How many have not been freed.
pub fn lists() -> usize {
    LISTS.lock().unwrap().len()
}
