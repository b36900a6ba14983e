//! Floor 3: bytes to and from a server, whatever lies between: names, TCP, TLS. Knows nothing of
//! WebSockets.

pub mod race;
pub mod resolve;
pub mod stream;
pub mod system;
pub mod tcp;
pub mod tls;
pub mod trust;
pub mod verify;
