//! Floor 1: RFC 6455 without input or output. Bytes, commands and the time go in; bytes, events
//! and a deadline come out. Knows no socket, no thread, no clock and no callback.

pub mod close;
pub mod frame;
pub mod heartbeat;
pub mod mask;
pub mod outbox;
pub mod receiver;
pub mod utf8;

pub use frame::{Fault, MessageKind};
