//! Floor 0: what every other floor may lean on, and which leans on nothing.

pub mod byte_order;
pub mod byte_reader;
pub mod byte_writer;
pub mod chunk;
pub mod lock;
pub mod random;
pub mod rare;
pub mod trace;
pub mod unicode;
