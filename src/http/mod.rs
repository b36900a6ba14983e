//! The little HTTP/1.1 a WebSocket client needs: one parser for addresses, a reader of response
//! heads, a reader of the bodies of refusals, answers to challenges. Bytes in, facts out.
//!
//! Refuses to know sockets, clocks, and what the response is for.

pub mod auth;
pub mod body;
pub mod head;
pub mod headers;
pub mod uri;

pub use auth::{Credential, CredentialFault};
pub use body::{BodyProgress, BodyReader};
pub use head::{HeadFault, HeadReader, Response, Version};
pub use headers::Headers;
pub use uri::{Host, Uri, UriFault};
