//! Much of what is legal one by one, from servers that do not stop to read: memory stays bounded,
//! and another socket of the same I/O thread is served meanwhile.

use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::types::*;

use crate::accounts::{Account, leave_out_this_thread, turn};
use crate::attack::{LITTLE, TOO_BIG, Verdict, lost, text};
use crate::bystander::Bystander;
use crate::support::DEADLINE;
use crate::support::client::{Client, MODES, Mode};
use crate::support::server::{
    BOTH, Server, Stream, Tls, client_frames, eventually, finish_after_close, frame, read_frame,
    read_out, upgrade,
};

/// How often what is small is repeated.
const MANY: usize = 1_000_000;

/// A read may bring more frames than a turn takes; the rest is kept for the next one.
const ONE_READ: usize = 256 * 1024;

/// What a server sends before it reads anything.
struct Flood {
    name: &'static str,
    begins: Vec<u8>,
    again: Vec<u8>,
    times: usize,
    /// What it comes to: a failure and the close frame of the client, or the end of the flood.
    fails: Option<Verdict>,
    /// How many empty messages are delivered.
    messages: usize,
}

fn floods() -> Vec<Flood> {
    let flood = |name, begins: &[u8], again: Vec<u8>, times| Flood {
        name,
        begins: begins.to_vec(),
        again,
        times,
        fails: None,
        messages: 0,
    };
    let too_big = |flood| Flood { fails: Some(TOO_BIG), ..flood };
    let fragment = frame(0x02, b"");
    vec![
        flood("pings", b"", frame(0x89, b""), MANY),
        flood("large pings", b"", frame(0x89, &[b'p'; 125]), MANY / 10),
        flood("pings in a message", &frame(0x01, b"begun"), frame(0x89, b"ping"), MANY / 10),
        flood("pongs", b"", frame(0x8a, b""), MANY),
        flood("large pongs", b"", frame(0x8a, &[b'p'; 125]), MANY / 10),
        too_big(flood("empty fragments", &fragment, frame(0x00, b""), MANY)),
        too_big(flood("fragments of a byte", &fragment, frame(0x00, b"x"), MANY)),
        Flood { messages: MANY / 10, ..flood("empty messages", b"", frame(0x81, b""), MANY / 10) },
    ]
}

/// A server that begins with the client's first frame, or at once. What could go on for ever goes on
/// until `bystander` has made some round trips meanwhile.
fn flooding(
    tls: Tls,
    flood: &Flood,
    awaits_word: bool,
    bystander: &Bystander,
) -> (Server, Receiver<Vec<u8>>) {
    const AT_ONCE: usize = 4096;
    const ROUNDS: usize = 10;
    let (teller, told) = channel();
    let (begins, times) = (flood.begins.clone(), flood.times);
    let (fails, is_endless) = (flood.fails.is_some(), flood.messages == 0);
    let ends = if begins.is_empty() { frame(0x81, b"end") } else { frame(0x80, b" and ended") };
    let (again, size) = (flood.again.repeat(AT_ONCE), flood.again.len());
    let rounds = bystander.rounds();
    let server = Server::accepting(tls, move |tcp| {
        leave_out_this_thread();
        let mut stream = Stream::new(tcp, tls);
        upgrade(&mut stream);
        if awaits_word {
            assert!(read_frame(&mut stream).is_some());
        }
        let enough = rounds.load(Ordering::SeqCst) + ROUNDS;
        let mut sent = stream.write_all(&begins);
        let mut left = times;
        // A client that has failed ends it.
        while sent.is_ok() && (left > 0 || is_endless && rounds.load(Ordering::SeqCst) < enough) {
            let count = if left > 0 { left.min(AT_ONCE) } else { AT_ONCE };
            sent = stream.write_all(&again[..count * size]);
            left -= count.min(left);
        }
        if !fails {
            stream.write_all(&ends).unwrap();
            stream.write_all(&frame(0x88, &1000u16.to_be_bytes())).unwrap();
            finish_after_close(&mut stream);
        }
        let _ = teller.send(read_last(&mut stream));
    });
    (server, told)
}

/// What the client has sent. Under TLS nothing of ours is written before, as reading usually does:
/// the client may be gone.
fn read_last(stream: &mut Stream) -> Vec<u8> {
    let Stream::Secure(secure) = stream else { return read_out(stream).0 };
    let mut bytes = Vec::new();
    while secure.conn.read_tls(&mut secure.sock).is_ok_and(|count| count > 0) {
        if secure.conn.process_new_packets().is_err() {
            break;
        }
        // It says that there is no more, or that it was the end.
        let _ = secure.conn.reader().read_to_end(&mut bytes);
    }
    bytes
}

#[test]
fn floods_cost_little_and_nobody_else_waits() {
    let _turn = turn();
    for tls in BOTH {
        for flood in floods() {
            for mode in MODES {
                let what = format!("{}, {mode:?}, {tls:?}", flood.name);
                let bystander = Bystander::beside(tls);
                let (server, wire) = flooding(tls, &flood, false, &bystander);
                let account = Account::open();
                let mut client = Client::connected(mode, &server.uri());
                let (mut before, closed) = client.until_closed();
                let peak = account.peak();
                bystander.was_served(&what);
                // Messages are the application's, and this one keeps them all.
                let allowed = LITTLE + ONE_READ;
                assert!(peak <= allowed || flood.messages > 0, "{peak} bytes were held, {what}");
                match flood.fails {
                    Some(Verdict { result, wire: code, .. }) => {
                        assert_eq!((before, closed), (vec![], lost(result)), "{what}");
                        let bytes = wire.recv_timeout(DEADLINE).unwrap();
                        let close = (0x88, code.unwrap().to_be_bytes().to_vec());
                        assert_eq!(client_frames(&bytes), [close], "{what}");
                    }
                    None => {
                        let end = if flood.begins.is_empty() { "end" } else { "begun and ended" };
                        assert_eq!(before.pop(), Some(text(end)), "{what}");
                        assert_eq!(before.len(), flood.messages, "{what}");
                        assert!(before.iter().all(|told| *told == text("")), "{what}");
                        assert_eq!((closed.result, closed.code), (WS_OK, 1000), "{what}");
                        wire.recv_timeout(DEADLINE).unwrap();
                    }
                }
                assert_eq!(client.free(), [], "{what}");
            }
        }
    }
}

#[test]
fn a_flood_of_empty_messages_that_nobody_takes_is_bounded() {
    const LIMIT: usize = 1 << 20;
    const COUNT: usize = 500_000;
    // What one turn takes out of a read, in queues that grew for it, and what is left of the read.
    const ONE_TURN: usize = 16 * 1024 * 192 + ONE_READ;
    let _turn = turn();
    for tls in BOTH {
        for mode in [Mode::Dispatch, Mode::Next, Mode::Pull] {
            let what = format!("{mode:?}, {tls:?}");
            let bystander = Bystander::beside(tls);
            let empty = |name| Flood {
                name,
                begins: Vec::new(),
                again: frame(0x81, b""),
                times: COUNT,
                fails: None,
                messages: COUNT,
            };
            let (server, wire) = flooding(tls, &empty("nobody's messages"), true, &bystander);
            let account = Account::open();
            let mut client = Client::trusting(mode);
            client.set(WS_CONTROL_RECEIVE_QUEUE_LIMIT, LIMIT as u64);
            client.connect(&server.uri());
            assert_eq!(client.connect_result(), WS_OK);
            client.hold(true);
            assert_eq!(client.send_text("go"), WS_OK);
            // Each counts for more than its bytes: few may wait beyond what one turn takes.
            let mut last = (0, Instant::now());
            assert!(eventually(|| {
                let peak = account.peak();
                // The bystander's comings and goings may coincide ever better.
                if peak > last.0 + 16 * 1024 {
                    last = (peak, Instant::now());
                }
                last.1.elapsed() > Duration::from_millis(100)
            }));
            let held = account.peak();
            assert!(held < LIMIT + ONE_TURN + LITTLE, "{held} bytes were held, {what}");
            bystander.was_served(&what);
            client.hold(false);
            client.begin_pulling();
            let (before, closed) = client.until_closed();
            assert_eq!((before.len(), closed.result), (COUNT + 1, WS_OK), "{what}");
            assert_eq!(client.free(), []);
            wire.recv_timeout(DEADLINE).unwrap();
        }
    }
}
