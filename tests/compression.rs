//! permessage-deflate against a server that deflates with another implementation: what is agreed
//! in `agreement`, which messages are compressed in `messages`, many with one call in `batches`,
//! large ones to a slow server in `sending`, many at once in `sharing`, and what has to be watched
//! while inflating in `receiving`.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "compression/agreement.rs"]
mod agreement;
#[path = "compression/batches.rs"]
mod batches;
#[path = "compression/messages.rs"]
mod messages;
#[path = "compression/peer.rs"]
mod peer;
#[path = "compression/receiving.rs"]
mod receiving;
#[path = "compression/sending.rs"]
mod sending;
#[path = "compression/sharing.rs"]
mod sharing;
mod support;

use anyws::ffi::result::*;
use anyws::ffi::types::*;
use support::client::{Client, Closed, MODES, Mode};
use support::server::{BOTH, Server, Tls};

const ON: (ws_control, u64) = (WS_CONTROL_COMPRESSION, 1);

fn everywhere(test: impl Fn(Mode, Tls)) {
    for mode in MODES {
        for tls in BOTH {
            test(mode, tls);
        }
    }
}

/// About to connect, with compression and these controls.
fn offering(mode: Mode, controls: &[(ws_control, u64)]) -> Client {
    let client = Client::trusting(mode);
    for (control, value) in [&[ON], controls].concat() {
        client.set(control, value);
    }
    client
}

fn connected(mode: Mode, server: &Server, controls: &[(ws_control, u64)]) -> Client {
    let mut client = offering(mode, controls);
    client.connect(&server.uri());
    assert_eq!(client.connect_result(), WS_OK);
    client.begin_pulling();
    client
}

fn lost(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

fn clean(code: u16) -> Closed {
    Closed { result: WS_OK, code, reason: Vec::new(), was_clean: true, by_peer: false }
}
