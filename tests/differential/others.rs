//! The other implementations: tungstenite's server role over bytes in memory, and Python's `wsproto`
//! in a process that answers line by line (wsproto_peer.py says how). Where wsproto is not installed
//! one loud line says so.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::session::Random;
use super::support::server::Stream;

/// What one side says to the other, whatever the frames.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, Vec<u8>),
    Wrong(String),
}

impl fmt::Debug for Said {
    /// A failure prints whole sessions: the length and the front of each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = |name: &str, bytes: &[u8]| {
            write!(
                f,
                "{name}({}: {:?})",
                bytes.len(),
                String::from_utf8_lossy(&bytes[..bytes.len().min(12)])
            )
        };
        match self {
            Said::Text(bytes) => shown("Text", bytes),
            Said::Binary(bytes) => shown("Binary", bytes),
            Said::Ping(bytes) => shown("Ping", bytes),
            Said::Pong(bytes) => shown("Pong", bytes),
            Said::Close(code, reason) => shown(&format!("Close {code}"), reason),
            Said::Wrong(what) => write!(f, "Wrong({what})"),
        }
    }
}

/// The next frame of a client as it stands; `None` once there is no more.
pub fn take_frame(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut frame = vec![0; 2];
    stream.read_exact(&mut frame).ok()?;
    let width = match frame[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    // The length, and the key that unmasks.
    frame.resize(2 + width + 4, 0);
    stream.read_exact(&mut frame[2..]).ok()?;
    let length = match width {
        0 => u64::from(frame[1] & 0x7f),
        width => {
            frame[2..2 + width].iter().fold(0, |length, digit| length << 8 | u64::from(*digit))
        }
    };
    let at = frame.len();
    frame.resize(at + length as usize, 0);
    stream.read_exact(&mut frame[at..]).ok()?;
    Some(frame)
}

/// Bytes to read, and a place to write to.
struct Memory {
    input: Cursor<Vec<u8>>,
    output: Vec<u8>,
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tungstenite_server(input: &[u8]) -> WebSocket<Memory> {
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let memory = Memory { input: Cursor::new(input.to_vec()), output: Vec::new() };
    WebSocket::from_raw_socket(memory, Role::Server, Some(config))
}

pub fn tungstenite_reads(wire: &[u8]) -> Vec<Said> {
    let mut server = tungstenite_server(wire);
    let mut said = Vec::new();
    loop {
        said.push(match server.read() {
            Ok(Message::Text(text)) => Said::Text(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Said::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Said::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Said::Pong(payload.to_vec()),
            Ok(Message::Close(None)) => Said::Close(1005, Vec::new()),
            Ok(Message::Close(Some(frame))) => {
                Said::Close(frame.code.into(), frame.reason.as_bytes().to_vec())
            }
            Ok(Message::Frame(frame)) => Said::Wrong(format!("{frame:?}")),
            Err(tungstenite::Error::ConnectionClosed) => return said,
            Err(error) => Said::Wrong(error.to_string()),
        });
        if matches!(said.last(), Some(Said::Wrong(_))) {
            return said;
        }
    }
}

/// A session of a server's, and what is in it: fragments cut anywhere, control frames between them.
pub fn tungstenite_writes(random: &mut Random) -> (Vec<u8>, Vec<Said>) {
    let mut server = tungstenite_server(b"");
    let mut said = Vec::new();
    for _ in 0..random.below(12) {
        let (is_text, payload) = random.message();
        let pieces = random.pieces(&payload);
        for (number, piece) in pieces.iter().enumerate() {
            let data = match (number, is_text) {
                (0, true) => Data::Text,
                (0, false) => Data::Binary,
                _ => Data::Continue,
            };
            let is_final = number + 1 == pieces.len();
            let frame = Frame::message(piece.to_vec(), OpCode::Data(data), is_final);
            server.write(Message::Frame(frame)).unwrap();
            while random.below(4) == 0 {
                let payload = random.control_payload();
                let is_ping = random.below(2) == 0;
                said.push(if is_ping {
                    Said::Ping(payload.clone())
                } else {
                    Said::Pong(payload.clone())
                });
                let message = if is_ping { Message::Ping } else { Message::Pong };
                server.write(message(payload.into())).unwrap();
            }
        }
        said.push(if is_text { Said::Text(payload) } else { Said::Binary(payload) });
    }
    let (code, reason) = random.close();
    let frame = tungstenite::protocol::CloseFrame { code: code.into(), reason: reason.into() };
    server.close((code != 0).then_some(frame)).unwrap();
    said.push(Said::Close(if code == 0 { 1005 } else { code }, reason.into()));
    let _ = server.flush();
    (server.get_ref().output.clone(), said)
}

/// Ends with its standard input, and so with the test.
pub struct Wsproto {
    _process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Wsproto {
    pub fn start() -> Option<Wsproto> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("build/peers/venv/bin/python");
        let usable = Command::new(&python).args(["-c", "import wsproto"]).output();
        if !usable.is_ok_and(|output| output.status.success()) {
            let line = "\nNOT TESTED against Python wsproto: it does not run from build/peers/venv; \
                        scripts/require-peers.sh installs it\n";
            io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        }
        let script = root.join("tests/differential/wsproto_peer.py");
        let pipes =
            Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = pipes.unwrap();
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Wsproto { _process: process, requests, answers })
    }

    /// What a client sent.
    pub fn read(&mut self, extensions: &str, wire: &[u8]) -> Vec<Said> {
        let answer = self.ask(&format!("read {} {}", to_hex(extensions.as_bytes()), to_hex(wire)));
        answer.split_whitespace().map(said).collect()
    }

    /// A session of a server's, and what is in it.
    pub fn write(&mut self, extensions: &str, seed: u64) -> (Vec<u8>, Vec<Said>) {
        let answer = self.ask(&format!("write {} {seed}", to_hex(extensions.as_bytes())));
        let (wire, told) = answer.split_once(' ').expect("a wire, and a close frame at least");
        (from_hex(wire), told.split_whitespace().map(said).collect())
    }

    fn ask(&mut self, request: &str) -> String {
        writeln!(self.requests, "{request}").unwrap();
        let mut answer = String::new();
        let count = self.answers.read_line(&mut answer).unwrap();
        assert!(count > 0, "wsproto_peer.py has ended; its standard error says why");
        answer
    }
}

fn said(word: &str) -> Said {
    let (what, rest) = word.split_once(':').expect("a word of wsproto_peer.py");
    match what {
        "t" => Said::Text(from_hex(rest)),
        "b" => Said::Binary(from_hex(rest)),
        "i" => Said::Ping(from_hex(rest)),
        "o" => Said::Pong(from_hex(rest)),
        "c" => {
            let (code, reason) = rest.split_once(':').expect("a code and a reason");
            Said::Close(code.parse().expect("a code"), from_hex(reason))
        }
        _ => Said::Wrong(String::from_utf8_lossy(&from_hex(rest)).into_owned()),
    }
}

fn to_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn from_hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hexadecimal")
}
