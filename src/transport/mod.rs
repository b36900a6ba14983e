//! Floor 3: bytes to and from a server, whatever lies between: names, TCP, proxies, TLS. Knows
//! nothing of WebSockets.

pub mod http_proxy;
pub mod identity;
mod layers;
pub mod no_proxy;
pub mod pem;
pub mod proxy;
pub mod race;
pub mod resolve;
pub mod socks5;
pub mod stream;
pub mod system;
pub mod tcp;
pub mod tls;
pub mod trust;
pub mod verify;
