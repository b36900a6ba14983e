//! An allocator that counts what is allocated and remembers the most there ever was. Threads that
//! play servers are not counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

pub struct Counting;

static CURRENT: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static IS_LEFT_OUT: Cell<bool> = const { Cell::new(false) };
}

/// What this thread allocates from now on does not count, nor what it frees.
pub fn leave_out_this_thread() {
    IS_LEFT_OUT.set(true);
}

/// Begins to look for the peak; returns what is allocated now.
pub fn begin() -> usize {
    let now = CURRENT.load(Ordering::SeqCst);
    PEAK.store(now, Ordering::SeqCst);
    now as usize
}

/// How much has been allocated so far, whatever has been freed since: blocks and bytes.
#[allow(dead_code)] // not asked by everybody who counts
pub fn allocated() -> [usize; 2] {
    [BLOCKS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst)]
}

#[allow(dead_code)] // likewise
pub fn peak_above(before: usize) -> usize {
    let peak = PEAK.load(Ordering::SeqCst);
    (peak - before as isize).max(0) as usize
}

fn count(bytes: isize) {
    if IS_LEFT_OUT.get() {
        return;
    }
    if bytes > 0 {
        BLOCKS.fetch_add(1, Ordering::SeqCst);
        BYTES.fetch_add(bytes as usize, Ordering::SeqCst);
    }
    let now = CURRENT.fetch_add(bytes, Ordering::SeqCst) + bytes;
    PEAK.fetch_max(now, Ordering::SeqCst);
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(place, layout) }
    }

    /// Counted as if both lived for a moment, which they may.
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as isize);
        count(-(layout.size() as isize));
        unsafe { System.realloc(place, layout, new_size) }
    }
}
