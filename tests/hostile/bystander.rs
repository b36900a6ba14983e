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
    thread: Option<JoinHandle<Vec<Duration>>>,
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
            leave_out_this_thread();
            let Sendable(client) = { client };
            let mut times = Vec::new();
            while !leaving.load(Ordering::SeqCst) || times.len() < ENOUGH {
                let since = Instant::now();
                assert_eq!(client.send_text("meanwhile"), WS_OK);
                assert_eq!(client.next_text(), "meanwhile");
                times.push(since.elapsed());
                counter.store(times.len(), Ordering::SeqCst);
            }
            assert_eq!(client.free(), []);
            times
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
        let mut times = self.thread.take().unwrap().join().unwrap();
        times.sort_unstable();
        let slow = times[(times.len() - 1) * 99 / 100];
        assert!(slow < PATIENCE, "{slow:?} for a round trip, of {}, {what}", times.len());
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
