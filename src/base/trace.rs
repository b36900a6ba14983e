//! One sink for diagnostic lines: level, target, text.
//!
//! Nothing here knows who listens. No line may hold payload or the value of a header that carries
//! a secret; callers build their text from facts only. Off by default, and then a line costs one
//! relaxed load and no formatting.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error = 1,
    Warning = 2,
    Information = 3,
    Debug = 4,
}

/// Receives lines; may be called from any thread.
pub type Sink = Arc<dyn Fn(Level, &str) + Send + Sync>;

static LEVEL: AtomicU32 = AtomicU32::new(0);
static SINK: RwLock<Option<Sink>> = RwLock::new(None);

/// Replaces the sink; `None`, or level 0, turns tracing off. Returns the old one, which other
/// threads may still be inside of: they hold references to it.
pub fn set_sink(sink: Option<Sink>, level: u32) -> Option<Sink> {
    LEVEL.store(if sink.is_some() { level } else { 0 }, Ordering::Release);
    let mut place = SINK.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::mem::replace(&mut *place, sink)
}

#[inline]
pub fn enabled(level: Level) -> bool {
    level as u32 <= LEVEL.load(Ordering::Relaxed)
}

/// Hands one line to the sink. The sink runs with no lock of ours held.
pub fn line(level: Level, text: fmt::Arguments<'_>) {
    if !enabled(level) {
        return;
    }
    let sink = SINK.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    if let Some(sink) = sink {
        match text.as_str() {
            Some(text) => sink(level, text),
            None => sink(level, &text.to_string()),
        }
    }
}
