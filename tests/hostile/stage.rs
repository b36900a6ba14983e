//! Runs tables of attacks in every way of delivery, plain and under TLS, and holds each run to the
//! same promises: the result named, in time, told once, with phase and text; the close frame named
//! on the wire and nothing behind it; nothing delivered that was not named; no descriptor left; and
//! no more memory held than the row allows.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyws::ffi::library::ws_get_web_error_status;
use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::accounts::{Account, Turn, leave_out_this_thread};
use crate::attack::{Attack, Verdict, lost, text};
use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode};
use crate::support::server::{
    BOTH, Ending, Server, Stream, Tls, answer_upgrade, client_frames, read_out, read_request,
};

/// A failure is told within 250 ms; a machine that does other things besides may take longer.
pub const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs every row by itself; a row that ends with a close frame also with a good message behind it.
pub fn all_end(_: &Turn, verdict: Verdict, attacks: Vec<Attack>) {
    let attacks = Arc::new(attacks);
    for tls in BOTH {
        let stage = Stage::new(tls, &attacks);
        for (number, attack) in attacks.iter().enumerate() {
            for mode in MODES {
                for is_late in [false, true] {
                    if is_late && verdict.wire.is_none() {
                        continue;
                    }
                    let account = Account::open();
                    let run = stage.begin(number, mode, is_late);
                    let what = run.what.clone();
                    stage.end(run, verdict);
                    account.settle(attack.memory, &what);
                }
            }
        }
    }
}

/// Runs all rows at the same time: for those that take theirs.
pub fn all_end_together(_: &Turn, verdict: Verdict, attacks: Vec<Attack>) {
    let attacks = Arc::new(attacks);
    let allowed: usize = attacks.iter().map(|attack| attack.memory * MODES.len()).sum();
    for tls in BOTH {
        let stage = Stage::new(tls, &attacks);
        let account = Account::open();
        let runs: Vec<_> = (0..attacks.len())
            .flat_map(|number| MODES.map(|mode| (number, mode)))
            .map(|(number, mode)| stage.begin(number, mode, false))
            .collect();
        for run in runs {
            stage.end(run, verdict);
        }
        account.settle(allowed, &format!("all rows, {tls:?}"));
    }
}

/// A client under attack.
struct Run {
    path: String,
    number: usize,
    client: Client,
    what: String,
}

/// What the server saw of a run.
struct Outcome {
    path: String,
    decided: Instant,
    bytes: Vec<u8>,
    ending: Ending,
    ended: Instant,
}

/// A server with all scripts of a table.
struct Stage {
    attacks: Arc<Vec<Attack>>,
    tls: Tls,
    server: Server,
    told: Receiver<Outcome>,
    /// What other runs than its own have received.
    early: RefCell<Vec<Outcome>>,
    runs: Cell<usize>,
}

impl Stage {
    fn new(tls: Tls, attacks: &Arc<Vec<Attack>>) -> Stage {
        let (teller, told) = channel();
        let scripts = Arc::clone(attacks);
        let server = Server::accepting(tls, move |tcp| {
            leave_out_this_thread();
            let mut stream = Stream::new(tcp, tls);
            let request = read_request(&mut stream);
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let number = path.rsplit('-').next().unwrap().parse::<usize>();
            let Some(attack) = number.ok().and_then(|number| scripts.get(number)) else {
                return answer_upgrade(&mut stream, &request, "", b"");
            };
            answer_upgrade(&mut stream, &request, &attack.lines, b"");
            let decided = attack.perform(&mut stream, path.contains("late"));
            let (bytes, ending) = read_out(&mut stream);
            let _ = teller.send(Outcome { path, decided, bytes, ending, ended: Instant::now() });
        });
        // What the library makes once and keeps is no attack's.
        for mode in MODES {
            let mut client = Client::connected(mode, &server.uri_of("/first"));
            client.until_closed();
            assert_eq!(client.free(), []);
        }
        let (attacks, early) = (Arc::clone(attacks), RefCell::default());
        Stage { attacks, tls, server, told, early, runs: Cell::new(0) }
    }

    /// Connects, and takes what comes before the attack.
    fn begin(&self, number: usize, mode: Mode, is_late: bool) -> Run {
        let attack = &self.attacks[number];
        let late = if is_late { "late" } else { "alone" };
        let what = format!("{}, {late}, {mode:?}, {:?}", attack.name, self.tls);
        self.runs.set(self.runs.get() + 1);
        let path = format!("/{late}-{}-{number}", self.runs.get());
        let mut client = Client::trusting(mode);
        for (control, value) in &attack.controls {
            client.set(*control, *value);
        }
        client.connect(&self.server.uri_of(&path));
        assert_eq!(client.connect_result(), WS_OK, "{what}");
        client.begin_pulling();
        if attack.awaits_word() {
            assert_eq!(client.next_text(), "before", "{what}");
            assert_eq!(client.send_text("it came"), WS_OK, "{what}");
        }
        Run { path, number, client, what }
    }

    fn end(&self, run: Run, verdict: Verdict) {
        let Run { path, number, mut client, what } = run;
        let attack = &self.attacks[number];
        let (delivered, closed) = client.until_closed();
        let told = Instant::now();

        let mut expected = attack.delivered.clone();
        if !attack.awaits_word() {
            expected.insert(0, text("before"));
        }
        assert!(delivered == expected, "{} delivered, {what}", delivered.len());
        assert_eq!(closed, lost(verdict.result), "{what}");
        let error = client.error();
        assert_eq!((error.result, error.web_error_status), (verdict.result, verdict.status));
        assert_eq!(ws_get_web_error_status(verdict.result), verdict.status, "{what}");
        assert_eq!(error.phase, WS_ERROR_PHASE_WEBSOCKET, "{what}");
        assert_ne!(error.text[0], 0, "{what}");
        assert_eq!(client.send_text("x"), WS_E_CLOSED, "{what}");

        let outcome = self.outcome(&path);
        let took = told.saturating_duration_since(outcome.decided);
        assert!(took < attack.after + AT_ONCE, "told {took:?} after, {what}");
        assert!(took + Duration::from_millis(20) > attack.after, "told {took:?} after, {what}");
        // The descriptor does not wait until the socket is freed.
        assert_ne!(outcome.ending, Ending::Never, "{what}");
        let lingered = outcome.ended.saturating_duration_since(told);
        assert!(lingered < AT_ONCE, "the connection ended {lingered:?} after, {what}");
        let frames: Vec<_> =
            verdict.wire.map(|code| (0x88, code.to_be_bytes().to_vec())).into_iter().collect();
        assert_eq!(client_frames(&outcome.bytes), frames, "{what}");
        assert_eq!(client.free(), [], "{what}");
    }

    fn outcome(&self, path: &str) -> Outcome {
        let mut early = self.early.borrow_mut();
        loop {
            if let Some(place) = early.iter().position(|outcome| outcome.path == path) {
                return early.swap_remove(place);
            }
            early.push(self.told.recv_timeout(DEADLINE).expect("the server has seen the end"));
        }
    }
}
