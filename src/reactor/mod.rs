//! Floor 2: threads that wait for sockets, time and messages, and run tasks when something is
//! there. Knows nothing of WebSockets, addresses or callbacks.

pub mod event_loop;
pub mod gauge;
pub mod mailbox;
pub mod pool;
pub mod spare;
pub mod task;
pub mod timers;
pub mod workers;

pub use gauge::Gauge;
pub use mailbox::{Address, Remote};
pub use pool::Reactor;
pub use task::{Next, Task, Turn};
pub use timers::{Moment, Recent, now};
