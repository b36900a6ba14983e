//! Calling code of the application: how deep this thread is in it, and what happens when something
//! unwinds out of it.

use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether the caller was called by the library.
pub fn inside() -> bool {
    DEPTH.get() > 0
}

/// While it lives, its thread counts as being inside code of the application.
#[derive(Debug)]
pub struct Inside(());

impl Inside {
    #[inline]
    pub fn enter() -> Inside {
        DEPTH.set(DEPTH.get() + 1);
        Inside(())
    }

    /// Calls application code. Nothing that unwinds out of it gets further: it finds this guard on
    /// its way, which costs nothing as long as nobody comes.
    #[inline]
    pub fn call(&self, code: impl FnOnce()) {
        struct NobodyPasses;
        impl Drop for NobodyPasses {
            fn drop(&mut self) {
                has_unwound();
            }
        }
        let guard = NobodyPasses;
        code();
        std::mem::forget(guard);
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// One call of application code.
#[inline]
pub fn call(code: impl FnOnce()) {
    Inside::enter().call(code);
}

/// A foreign exception, or a panic of a Rust host.
#[cold]
fn has_unwound() -> ! {
    eprintln!("anyws: a callback unwound into the library; that cannot be survived");
    std::process::abort();
}
