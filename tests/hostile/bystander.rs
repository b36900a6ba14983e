//! A socket that has done nothing wrong and shares its I/O thread with one that suffers: it sends
//! and gets back, again and again, and knows how often, and how long that took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyws::ffi::result::WS_OK;

use crate::accounts::leave_out_this_thread;
use crate::support::client::{Client, Mode};
use crate::support::server::{Server, Stream, Tls, accept, echo};

/// Round trips take well below a millisecond; a machine that does other things may take far longer.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many round trips at least, to know what is usual.
const ENOUGH: usize = 100;

pub struct Bystander {
    rounds: Arc<AtomicUsize>,
    leaves: Arc<AtomicBool>,
    thread: Option<JoinHandle<Served>>,
}

/// How many round trips there were, how many of them were slow, and the slowest.
#[derive(Default)]
struct Served {
    rounds: usize,
    slow: usize,
    slowest: Duration,
}

impl Bystander {
    pub fn beside(tls: Tls) -> Bystander {
        let server = Server::accepting(tls, move |tcp| {
            leave_out_this_thread();
            echo(&mut accept(Stream::new(tcp, tls)).unwrap());
        });
        let client = Client::connected(Mode::Callback, &server.uri());
        let client = Sendable(client);
        let leaves = Arc::new(AtomicBool::new(false));
        let leaving = Arc::clone(&leaves);
        let rounds = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&rounds);
        let thread = std::thread::spawn(move || {
            // Counted like the I/O thread: what one of them allocates, the other frees.
            let Sendable(client) = { client };
            let mut served = Served::default();
            while !leaving.load(Ordering::SeqCst) || served.rounds < ENOUGH {
                let since = Instant::now();
                assert_eq!(client.send_text("meanwhile"), WS_OK);
                assert_eq!(client.next_text(), "meanwhile");
                let took = since.elapsed();
                served.rounds += 1;
                served.slow += usize::from(took >= PATIENCE);
                served.slowest = served.slowest.max(took);
                counter.store(served.rounds, Ordering::SeqCst);
            }
            assert_eq!(client.free(), []);
            served
        });
        Bystander { rounds, leaves, thread: Some(thread) }
    }

    /// How many round trips it has made so far.
    pub fn rounds(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.rounds)
    }

    /// It was never kept waiting for long, but for one time in a hundred.
    pub fn was_served(mut self, what: &str) {
        self.leaves.store(true, Ordering::SeqCst);
        let Served { rounds, slow, slowest } = self.thread.take().unwrap().join().unwrap();
        assert!(slow * 100 <= rounds, "{slow} of {rounds} were slow, up to {slowest:?}, {what}");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.leaves.store(true, Ordering::SeqCst);
    }
}

/// Handles may be used on any thread.
struct Sendable(Client);

unsafe impl Send for Sendable {}
