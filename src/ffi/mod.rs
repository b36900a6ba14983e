//! Floor 5: the C boundary. Shapes, tickets, guards, callbacks and queues; no rule of WebSockets.
//!
//! The modules below `chapters` are the chapters of the header, in its order; the others serve
//! them.
#![allow(non_camel_case_types)]

mod batch;
mod callback;
mod caller;
mod delivery;
mod entry;
mod event_queue;
mod gate;
mod guard;
mod message;
mod outcome;
mod pointer;
mod taken;
mod ticket;
mod validation;
mod wait_handle;

pub mod mapping;
pub mod result;
pub mod status;
pub mod types;

pub mod settings;

// The chapters of the header. The blank lines keep them in this order.

pub mod library;

pub mod socket;

pub mod controls;

pub mod events;

pub mod send;

pub mod stream;

pub mod data_types;

pub mod data_writer;

pub mod written_values;

pub mod storing;

pub mod data_reader;

pub mod read_values;

pub mod information;

pub mod statistics;

pub mod queue;

use std::time::{Duration, Instant};

/// Milliseconds of the caller: `None` waits for ever.
fn timeout(timeout_ms: u32) -> Option<Duration> {
    (timeout_ms != types::WS_INFINITE).then(|| Duration::from_millis(u64::from(timeout_ms)))
}

fn deadline(timeout_ms: u32) -> Option<Instant> {
    timeout(timeout_ms).and_then(|timeout| crate::reactor::now().checked_add(timeout))
}
