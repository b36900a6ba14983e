//! Floor 0: what every other floor may lean on, and which leans on nothing.

pub mod chunk;
pub mod lock;
pub mod random;
pub mod trace;
