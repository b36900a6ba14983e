//! anyws: a WebSocket client for C and for every language that can call C.
//!
//! The public surface is the C header `include/anyws.h`, generated from `src/ffi/`. The modules are
//! visible to Rust for this crate's own tests and benchmarks; they are not a stable Rust API.
//! The floors, and who may see whom, are described in `ARCHITECTURE.md` and kept by
//! `tests/architecture.rs`.

#[doc(hidden)]
pub mod base;
#[doc(hidden)]
pub mod client;
#[doc(hidden)]
#[allow(unsafe_code)]
pub mod ffi;
#[doc(hidden)]
pub mod handshake;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod protocol;
#[doc(hidden)]
pub mod reactor;
#[doc(hidden)]
pub mod transport;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("one of the features `ring` and `aws-lc-rs` must be on: TLS needs cryptography");
