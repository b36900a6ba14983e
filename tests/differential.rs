//! What anyws sends, read by others; what others send, read by anyws; some hundreds of random
//! sessions of each kind. The others are tungstenite's server role and Python's `wsproto`, which
//! speaks permessage-deflate. A raw server stands between: it only records and plays bytes.
//! Each session has a seed of its own, which a failure prints.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "differential/others.rs"]
mod others;
#[path = "differential/session.rs"]
mod session;
mod support;

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyws::ffi::result::*;
use anyws::ffi::send::*;
use anyws::ffi::types::*;
use others::{Said, Wsproto, tungstenite_reads, tungstenite_writes};
use session::{Agreement, Random};
use support::client::{Client, MODES, Mode, Told};
use support::server::{self, Server, Stream, Tls};

/// Sessions of each kind.
const SESSIONS: u64 = 250;

#[test]
fn what_we_send_is_read_alike_by_tungstenite() {
    let player = Player::start();
    for seed in 0..SESSIONS {
        let (wire, said) = a_session_of_ours(&player, seed, &Agreement::none());
        is_what_was_said(tungstenite_reads(&wire), said, &format!("seed {seed}"));
    }
}

#[test]
fn what_we_send_is_read_alike_by_wsproto() {
    let Some(mut wsproto) = Wsproto::start() else { return };
    let player = Player::start();
    for seed in 0..SESSIONS {
        let agreement = Agreement::random(&mut Random::new(seed));
        let (wire, said) = a_session_of_ours(&player, seed, &agreement);
        let read = wsproto.read(&agreement.answer, &wire);
        is_what_was_said(read, said, &format!("seed {seed}, {agreement:?}"));
    }
}

#[test]
fn what_tungstenite_sends_is_read_as_it_was_meant() {
    let player = Player::start();
    for seed in 0..SESSIONS {
        let (wire, said) = tungstenite_writes(&mut Random::new(seed));
        we_read(&player, seed, &Agreement::none(), wire, &said);
    }
}

#[test]
fn what_wsproto_sends_is_read_as_it_was_meant() {
    let Some(mut wsproto) = Wsproto::start() else { return };
    let player = Player::start();
    for seed in 0..SESSIONS {
        let agreement = Agreement::random(&mut Random::new(seed));
        let (wire, said) = wsproto.write(&agreement.answer, seed);
        we_read(&player, seed, &agreement, wire, &said);
    }
}

/// Random calls of the C functions; the bytes that left, and what should be in them.
fn a_session_of_ours(player: &Player, seed: u64, agreement: &Agreement) -> (Vec<u8>, Vec<Said>) {
    let random = &mut Random::new(seed ^ 0xa5a5);
    player.play(&agreement.answer, Vec::new());
    let mut client = connect(Mode::Callback, player, agreement, random);
    let mut said = Vec::new();
    for _ in 0..random.below(12) {
        if random.below(3) == 0 {
            ping(&client, random, &mut said);
        }
        let (is_text, payload) = random.message();
        if random.below(2) == 0 {
            let sent = match is_text {
                true => client.send_text(std::str::from_utf8(&payload).unwrap()),
                false => client.send_binary(&payload),
            };
            assert_eq!(sent, WS_OK, "seed {seed}");
        } else {
            client.set(WS_CONTROL_MESSAGE_TYPE, u64::from(is_text));
            let pieces = random.pieces(&payload);
            for (number, piece) in pieces.iter().enumerate() {
                let (data, len) = (piece.as_ptr().cast(), piece.len());
                let is_last = number + 1 == pieces.len();
                let send = if is_last { ws_send_final_frame } else { ws_send_nonfinal_frame };
                assert_eq!(send(client.socket, data, len), WS_OK, "seed {seed}");
                if !is_last && random.below(4) == 0 {
                    ping(&client, random, &mut said);
                }
            }
        }
        said.push(if is_text { Said::Text(payload) } else { Said::Binary(payload) });
    }
    let (code, reason) = random.close();
    assert_eq!(client.close(code, reason), WS_OK);
    said.push(Said::Close(if code == 0 { 1005 } else { code }, reason.into()));
    let wire = player.recorded();
    let (_, closed) = client.until_closed();
    assert_eq!(closed.result, WS_OK, "seed {seed}");
    client.free();
    (wire, said)
}

/// Messages and the close frame are what was said, in its order. A ping overtakes messages that wait,
/// and one that still waits when the close frame comes does not leave.
fn is_what_was_said(read: Vec<Said>, said: Vec<Said>, place: &str) {
    let is_ping = |one: &Said| matches!(one, Said::Ping(_));
    let (pings, read): (Vec<_>, Vec<_>) = read.into_iter().partition(is_ping);
    let (asked, said): (Vec<_>, Vec<_>) = said.into_iter().partition(is_ping);
    assert!(read == said, "{place}: {read:?}, not {said:?}");
    let mut asked = asked.into_iter();
    assert!(pings.iter().all(|ping| asked.any(|one| one == *ping)), "{place}: {pings:?}");
}

fn ping(client: &Client, random: &mut Random, said: &mut Vec<Said>) {
    let payload = random.control_payload();
    if ws_ping(client.socket, payload.as_ptr().cast(), payload.len()) == WS_OK {
        said.push(Said::Ping(payload));
    }
}

/// Plays `wire` to a client of ours and compares what it tells with what was meant.
fn we_read(player: &Player, seed: u64, agreement: &Agreement, wire: Vec<u8>, said: &[Said]) {
    let random = &mut Random::new(seed ^ 0x5a5a);
    // A part of it often comes along with the answer.
    let (with_answer, rest) = wire.split_at(random.below(wire.len() + 1) / 3);
    let pieces = [with_answer].into_iter().chain(random.pieces(rest));
    player.play(&agreement.answer, pieces.map(<[u8]>::to_vec).collect());
    let mode = MODES[random.below(MODES.len())];
    let mut client = connect(mode, player, agreement, random);
    let (messages, closed) = client.until_closed();
    let place = format!("seed {seed}, {mode:?}, {agreement:?}");
    let mut heard: Vec<Said> = messages.into_iter().map(|told| heard(told, &place)).collect();
    assert_eq!((closed.result, closed.by_peer), (WS_OK, true), "{place}: {closed:?}");
    heard.push(Said::Close(closed.code, closed.reason));
    let is_control = |one: &&Said| matches!(one, Said::Ping(_) | Said::Pong(_));
    let meant: Vec<Said> = said.iter().filter(|one| !is_control(one)).cloned().collect();
    assert!(heard == meant, "{place}: {heard:?}, not {meant:?}");
    // Our answers: each to a ping, in order. Those to the last ones may have been overtaken by the
    // close frame.
    let mut pings = said.iter().filter_map(|one| match one {
        Said::Ping(payload) => Some(payload),
        _ => None,
    });
    for answer in tungstenite_reads(&player.recorded()) {
        match answer {
            Said::Pong(payload) => {
                assert!(pings.any(|asked| *asked == payload), "{place}: an answer to nothing");
            }
            Said::Close(code, _) => assert_eq!(code, closed.code, "{place}"),
            other => panic!("{place}: {other:?}"),
        }
    }
    client.free();
}

fn connect(mode: Mode, player: &Player, agreement: &Agreement, random: &mut Random) -> Client {
    let mut client = Client::new(mode);
    if agreement.compresses() {
        agreement.offer(&client, random);
        client.set(WS_CONTROL_COMPRESSION_LEVEL, random.below(10) as u64);
        client.set(WS_CONTROL_COMPRESSION_THRESHOLD, [0, 64, 1000][random.below(3)]);
    }
    client.connect(&player.server.uri());
    assert_eq!(client.connect_result(), WS_OK, "{agreement:?}");
    client.begin_pulling();
    client
}

fn heard(told: Told, place: &str) -> Said {
    match told {
        Told::Message(WS_MESSAGE_TYPE_UTF8, bytes) => Said::Text(bytes),
        Told::Message(_, bytes) => Said::Binary(bytes),
        other => panic!("{place}: {other:?}"),
    }
}

/// A server that plays what it is told to and records what the client says.
struct Player {
    server: Server,
    scripts: Sender<Script>,
    recordings: Receiver<Vec<u8>>,
}

/// What one connection gets: the extensions that the 101 names, and bytes, the first of them along
/// with it. Without any a close frame answers the client's.
struct Script {
    extensions: String,
    pieces: Vec<Vec<u8>>,
}

impl Player {
    fn start() -> Player {
        let (scripts, next) = channel();
        let (recorder, recordings) = channel();
        let next = Mutex::new(next);
        let server = Server::raw(Tls::No, move |mut stream| {
            let script: Script = next.lock().unwrap().recv().unwrap();
            let _ = recorder.send(script.run(&mut stream));
        });
        Player { server, scripts, recordings }
    }

    /// For the connection that comes next.
    fn play(&self, extensions: &str, pieces: Vec<Vec<u8>>) {
        self.scripts.send(Script { extensions: extensions.to_owned(), pieces }).unwrap();
    }

    fn recorded(&self) -> Vec<u8> {
        self.recordings.recv_timeout(support::DEADLINE).expect("a close frame in time")
    }
}

impl Script {
    fn run(self, stream: &mut Stream) -> Vec<u8> {
        let request = server::read_request(stream);
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = tungstenite::handshake::derive_accept_key(key.expect("a key").as_bytes());
        let extensions = match self.extensions.as_str() {
            "" => String::new(),
            some => format!("Sec-WebSocket-Extensions: {some}\r\n"),
        };
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
        );
        let mut answer = answer.into_bytes();
        let mut pieces = self.pieces.iter();
        answer.extend(pieces.next().into_iter().flatten());
        stream.write_all(&answer).unwrap();
        for piece in pieces {
            stream.write_all(piece).unwrap();
        }
        // The client's bytes up to its close frame.
        let mut wire = Vec::new();
        while let Some(frame) = others::take_frame(stream) {
            wire.extend_from_slice(&frame);
            if frame[0] == 0x88 {
                break;
            }
        }
        if self.pieces.is_empty() {
            stream.write_all(&server::frame(0x88, b"\x03\xe8")).unwrap();
        }
        server::finish(stream);
        wire
    }
}
