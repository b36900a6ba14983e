//! What a run costs the process: descriptors that stay open, the most memory that was held at once,
//! and the time of the I/O thread. One test of this crate runs at a time, so that what is counted
//! is its own; what servers allocate on their threads is left out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::server::eventually;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static HELD: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

thread_local! {
    static LEFT_OUT: Cell<bool> = const { Cell::new(false) };
}

fn count(bytes: i64) {
    if LEFT_OUT.try_with(Cell::get) != Ok(true) {
        let held = HELD.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(held, Relaxed);
    }
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// From now on nothing counts that this thread allocates or frees.
pub fn leave_out_this_thread() {
    LEFT_OUT.set(true);
}

/// While it is held no other test of this crate runs, nor prepares what it will run.
pub struct Turn(#[expect(dead_code, reason = "held, not used")] MutexGuard<'static, ()>);

pub fn turn() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What there was when it was opened.
pub struct Account {
    descriptors: usize,
    held: i64,
}

impl Account {
    pub fn open() -> Account {
        let held = HELD.load(Relaxed);
        PEAK.store(held, Relaxed);
        Account { descriptors: descriptors(), held }
    }

    /// The most that was held at once since then, besides what was held then.
    pub fn peak(&self) -> usize {
        usize::try_from(PEAK.load(Relaxed) - self.held).unwrap_or(0)
    }

    /// Everything was freed: no descriptor is left, and never was more memory held than `allowed`.
    pub fn settle(self, allowed: usize, what: &str) {
        let peak = self.peak();
        assert!(peak <= allowed, "{peak} bytes were held, {what}");
        let settled = eventually(|| descriptors() <= self.descriptors);
        assert!(settled, "{} of {} descriptors, {what}", descriptors(), self.descriptors);
    }
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    // Where the system does not say, they are not judged.
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// The processor time that the I/O thread has had, where the system says so.
pub fn io_thread_time() -> Option<Duration> {
    let mut tasks = std::fs::read_dir("/proc/self/task").ok()?.flatten();
    let task = tasks.find(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name == "anyws-io\n")
    })?;
    let times = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
    Some(Duration::from_nanos(times.split(' ').next()?.parse().ok()?))
}
