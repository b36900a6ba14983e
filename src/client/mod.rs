//! Floor 4: a WebSocket as the application and the event loop see it. `Socket` is the
//! application's side, `Session` the event loop's; they meet in `Link`. Knows nothing of C.

pub mod attempts;
pub mod connecting;
pub mod control_table;
pub mod controls;
pub mod ending;
pub mod error;
pub mod inbox;
pub mod incoming;
pub mod information;
pub mod leaving;
pub mod lending;
pub mod link;
pub mod lookup;
mod low_water;
pub mod open;
pub mod outgoing;
pub mod output;
pub mod reading;
pub mod request;
pub mod resting;
pub mod runtime;
pub mod sending;
pub mod session;
pub mod sink;
pub mod socket;
pub mod staging;
pub mod state;
pub mod statistics;
pub mod stream_socket;
pub mod tunnel;
pub mod watch;
pub mod writer;

pub use error::{Cause, Error, Misuse, Phase};
pub use sink::{Closed, Completion, Sink, Verdict, Waiter};
pub use socket::Socket;
pub use state::State;
