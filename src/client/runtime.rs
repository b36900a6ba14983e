//! The threads behind all sockets: started with the first, ended by shutdown, and then to be
//! started again.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use crate::base::chunk::ChunkPool;
use crate::base::lock::lock;
use crate::base::trace::{self, Level};
use crate::protocol::deflate::Spares;
use crate::reactor::Reactor;
use crate::transport::trust;

use super::error::Misuse;

#[derive(Default)]
pub struct Runtime {
    pub reactor: Reactor,
    pub pool: Arc<ChunkPool>,
    pub spares: Arc<Spares>,
}

/// Of all connections, so that none has to remember where its are. Emptied with the last thread.
static CHUNKS: LazyLock<Arc<ChunkPool>> = LazyLock::new(Arc::default);

pub fn chunks() -> &'static Arc<ChunkPool> {
    &CHUNKS
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

enum Life {
    /// No thread of the library exists.
    Idle {
        io_threads: usize,
    },
    Running(Arc<Runtime>),
    /// Sockets and threads are ending; nothing new is admitted.
    Stopping(Arc<Runtime>),
}

static LIFE: Mutex<Life> = Mutex::new(Life::Idle { io_threads: 1 });

const MAX_IO_THREADS: u32 = 64;
const SHUTTING_DOWN: Misuse = Misuse::IllegalState("the library is shutting down");

/// The runtime, started if need be.
pub fn acquire() -> Result<Arc<Runtime>, Misuse> {
    let failure = {
        let mut life = lock(&LIFE);
        match &*life {
            Life::Running(runtime) => return Ok(Arc::clone(runtime)),
            Life::Stopping(_) => return Err(SHUTTING_DOWN),
            Life::Idle { io_threads } => match Reactor::start(*io_threads) {
                Ok(reactor) => {
                    let pool = Arc::clone(chunks());
                    let runtime = Arc::new(Runtime { reactor, pool, spares: Arc::default() });
                    *life = Life::Running(Arc::clone(&runtime));
                    return Ok(runtime);
                }
                Err(error) => error,
            },
        }
    };
    // Without the lock: the log is the application's code.
    trace::line(Level::Error, format_args!("no I/O thread could be started: {failure}"));
    Err(Misuse::NoResources)
}

pub fn set_io_threads(count: u32) -> Result<(), Misuse> {
    if count == 0 || count > MAX_IO_THREADS {
        return Err(Misuse::Invalid("count is not between 1 and 64"));
    }
    match &mut *lock(&LIFE) {
        Life::Idle { io_threads } => {
            *io_threads = count as usize;
            Ok(())
        }
        _ => Err(Misuse::IllegalState("the I/O threads have been started already")),
    }
}

/// Whether sockets of this runtime may still be made.
pub fn is_current(runtime: &Arc<Runtime>) -> bool {
    matches!(&*lock(&LIFE), Life::Running(current) if Arc::ptr_eq(current, runtime))
}

/// Refuses everything new. The caller ends what exists, then calls `end`.
pub fn begin_shutdown() {
    let mut life = lock(&LIFE);
    if let Life::Running(runtime) = &*life {
        *life = Life::Stopping(Arc::clone(runtime));
    }
}

/// Waits for the threads; `false` when some have not ended by the deadline. May be called again.
pub fn end_shutdown(deadline: Option<Instant>) -> bool {
    let stopping = match &*lock(&LIFE) {
        Life::Stopping(runtime) => Arc::clone(runtime),
        Life::Running(_) => return false,
        Life::Idle { .. } => return true,
    };
    if !stopping.reactor.stop().join(deadline) {
        return false;
    }
    trust::forget_configurations();
    chunks().clear();
    let mut life = lock(&LIFE);
    if matches!(&*life, Life::Stopping(_)) {
        *life = Life::Idle { io_threads: 1 };
    }
    true
}
