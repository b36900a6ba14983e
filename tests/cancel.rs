//! A connect that does not come to its end: at each of its steps it is cancelled, or its time is
//! over.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "cancel/deadlines.rs"]
mod deadlines;
#[path = "cancel/leaving.rs"]
mod leaving;
#[path = "support/resolver.rs"]
#[allow(dead_code)]
mod resolver;
#[path = "cancel/stalled.rs"]
mod stalled;
#[path = "cancel/steps.rs"]
mod steps;
mod support;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use anyws::ffi::types::*;
use support::client::Client;

/// Of the process at this moment.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

static COMPANY: RwLock<()> = RwLock::new(());

/// The process is this test's alone, for its descriptors are counted.
fn alone() -> RwLockWriteGuard<'static, ()> {
    COMPANY.write().unwrap_or_else(PoisonError::into_inner)
}

/// With others at the same time.
fn in_company() -> RwLockReadGuard<'static, ()> {
    COMPANY.read().unwrap_or_else(PoisonError::into_inner)
}

const TRIES: usize = 5;

/// The shortest of several: what else the machine does takes time now and then, a clock of the
/// library's would each time.
fn shortest(enough: Duration, mut measure: impl FnMut() -> Duration) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        best = best.min(measure());
        if best < enough {
            break;
        }
    }
    best
}

/// Nothing happens for this long: a channel where nobody ever sends is the clock.
fn pass(time: Duration) {
    let (_silence, clock) = std::sync::mpsc::channel::<()>();
    let _ = clock.recv_timeout(time);
}

fn text_of(client: &Client) -> String {
    let error: ws_error = client.error();
    let text = unsafe { std::ffi::CStr::from_ptr(error.text.as_ptr()) };
    text.to_str().unwrap().to_owned()
}
