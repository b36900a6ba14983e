//! What the black-box tests share: servers written by others, and a client that speaks to anyws
//! through its C functions only. Comments as "Bad servers, row 12" count the list of what a server
//! may do to a client, from which those tests were made.
#![allow(dead_code)]

pub mod client;
pub mod gate;
pub mod hole;
pub mod random;
pub mod relay;
pub mod route;
pub mod server;
pub mod stream_client;
pub mod stream_server;
pub mod told;

use std::time::Duration;

/// Far beyond anything that should happen; a test that gets here has failed.
pub const DEADLINE: Duration = Duration::from_secs(30);
