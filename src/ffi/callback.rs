//! Calling code of the application: how deep this thread is in it, and for which socket.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether the caller was called by the library.
pub fn inside() -> bool {
    DEPTH.get() > 0
}

/// Calls application code. Nothing that unwinds out of it gets further: a foreign exception ends
/// the process here by the rules of the language's runtime, and a panic of a Rust host likewise.
#[inline]
pub fn call(code: impl FnOnce()) {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _leave = Leave;
    if catch_unwind(AssertUnwindSafe(code)).is_err() {
        eprintln!("anyws: a callback unwound into the library; that cannot be survived");
        std::process::abort();
    }
}
