//! The upgrade conversation of RFC 6455 §4: one request out, responses in, a verdict.
//!
//! No clock, no socket, no randomness: the nonce is an argument, and whoever drives a conversation
//! owns its deadline. Refuses to know frames; the bytes after the 101 are handed back untouched.

pub mod conversation;
pub mod extensions;
pub mod fault;
pub mod protocols;
pub mod redirect;
pub mod request;
pub mod response;

pub use conversation::{Conversation, Step};
pub use extensions::DeflateOffer;
pub use fault::Fault;
pub use protocols::ListFault;
pub use redirect::RedirectFault;
pub use request::{HeaderFault, Offer};
