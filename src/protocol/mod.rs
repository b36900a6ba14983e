//! Floor 1: RFC 6455 and RFC 7692 without input or output. Bytes, commands and the time go in;
//! bytes, events and a deadline come out. Knows no socket, no thread, no clock and no callback.

pub mod burst;
pub mod close;
pub mod deflate;
pub mod frame;
pub mod gathering;
pub mod heartbeat;
pub mod mask;
pub mod outbox;
pub mod payload;
pub mod receiver;
pub mod streaming;
pub mod traffic;
pub mod utf8;

pub use frame::{Fault, MessageKind, Part};
