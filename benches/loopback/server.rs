//! The server: hand-written, one thread for each connection, quick enough never to be what a
//! client waits for. What a connection does, its path says:
//!
//! - `/echo` sends every message back;
//! - `/flood/COUNT/BYTES/text` (or `binary`) sends that many as soon as a message has come,
//!   with `/FRAGMENT` behind it each in frames of that many bytes;
//! - `/file/COUNT/BYTES` likewise sends one message, in one frame, of so many times so many bytes;
//! - `/json/COUNT` likewise sends compressed JSON;
//! - `/sink/COUNT` swallows that many and then sends one.
//!
//! With `/deflate` behind it, permessage-deflate is agreed to; with `/deflate-anew` its contexts
//! are not taken over. `messages.json` has what JSON there is, for those who send some.
//!
//! It trusts its clients: what they must never send is not looked for.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::handshake::derive_accept_key;

use crate::Failure;
use crate::compressed::{self, Context};

const BUFFER_BYTES: usize = 256 * 1024;
const STACK_BYTES: usize = 256 * 1024;

/// Prints the ports of ws and wss, writes `authority.pem` and `messages.json`, and serves until
/// standard input ends.
pub fn serve(directory: &Path) -> Result<(), Failure> {
    std::fs::write(directory.join("messages.json"), compressed::messages())?;
    let tls = identity(directory)?;
    let plain = TcpListener::bind("127.0.0.1:0")?;
    let secure = TcpListener::bind("127.0.0.1:0")?;
    println!("{} {}", plain.local_addr()?.port(), secure.local_addr()?.port());
    accept_all(plain, converse);
    accept_all(secure, move |stream| {
        let connection = ServerConnection::new(Arc::clone(&tls)).map_err(io::Error::other)?;
        converse(StreamOwned::new(connection, stream))
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn identity(directory: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "anyws benchmark authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    std::fs::write(directory.join("authority.pem"), authority.pem())?;
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, "anyws benchmark server");
    let leaf = leaf.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    Ok(Arc::new(config))
}

#[cfg(feature = "ring")]
pub fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(not(feature = "ring"))]
pub fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn accept_all(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) {
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            // That a client goes away without a word is how it ends here.
            let spawned = thread.spawn(move || {
                let _ = stream.set_nodelay(true);
                let _ = serve(stream);
            });
            if let Err(error) = spawned {
                eprintln!("loopback: no thread for a connection: {error}");
            }
        }
    });
}

/// A connection and what was read of it and not used.
struct Conversation<S> {
    stream: S,
    buffer: Vec<u8>,
    end: usize,
}

fn converse<S: Read + Write>(stream: S) -> io::Result<()> {
    let mut conversation = Conversation { stream, buffer: vec![0; BUFFER_BYTES], end: 0 };
    let path = conversation.shake_hands()?;
    let mut parts = path.split('/').skip(1);
    let what = parts.next().unwrap_or_default();
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok()).unwrap_or(0);
    let (count, bytes) = (number(), number());
    match what {
        "flood" => {
            let is_text = path.contains("/text");
            number(); // text or binary
            let message = match number() {
                0 => frame(is_text, bytes),
                fragment => fragments(is_text, bytes, fragment),
            };
            conversation.swallow(1)?;
            conversation.flood(count, &message)?;
            conversation.swallow(usize::MAX)
        }
        "file" => {
            conversation.swallow(1)?;
            conversation.send_file(count, bytes)?;
            conversation.swallow(usize::MAX)
        }
        "json" => {
            let context = Context::of(&path).unwrap_or(Context::Fresh);
            conversation.swallow(1)?;
            conversation.send_json(count, compressed::frames(context))?;
            conversation.swallow(usize::MAX)
        }
        "sink" => {
            conversation.swallow(count)?;
            conversation.stream.write_all(&frame(true, 4))?;
            conversation.stream.flush()?;
            conversation.swallow(usize::MAX)
        }
        _ => conversation.echo(),
    }
}

impl<S: Read + Write> Conversation<S> {
    fn shake_hands(&mut self) -> io::Result<String> {
        let head_bytes = loop {
            let head = &self.buffer[..self.end];
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_bytes]).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let key = head.lines().filter_map(|line| line.split_once(": "));
        let key = key.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
        let key = key.map(|(_, value)| value.trim()).next().unwrap_or_default();
        self.forget(head_bytes);
        let extensions = Context::of(&path).map_or_else(String::new, |context| {
            format!("Sec-WebSocket-Extensions: {}\r\n", context.answer())
        });
        write!(
            self.stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             {extensions}Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        )?;
        self.stream.flush()?;
        Ok(path)
    }

    fn read_more(&mut self) -> io::Result<()> {
        let count = self.stream.read(&mut self.buffer[self.end..])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += count;
        Ok(())
    }

    fn forget(&mut self, count: usize) {
        self.buffer.copy_within(count..self.end, 0);
        self.end -= count;
    }

    /// Writes `count` times the same frame, many at once.
    fn flood(&mut self, count: usize, frame: &[u8]) -> io::Result<()> {
        let at_once = (BUFFER_BYTES / frame.len()).clamp(1, count.max(1));
        let block = frame.repeat(at_once);
        for _ in 0..count / at_once {
            self.stream.write_all(&block)?;
        }
        self.stream.write_all(&block[..count % at_once * frame.len()])?;
        self.stream.flush()
    }

    /// Writes one message of `count` times `bytes` bytes, which nobody holds whole.
    fn send_file(&mut self, count: usize, bytes: usize) -> io::Result<()> {
        let mut header = vec![0x82];
        push_length(&mut header, count * bytes);
        self.stream.write_all(&header)?;
        let block = vec![b'a'; bytes];
        for _ in 0..count {
            self.stream.write_all(&block)?;
        }
        self.stream.flush()
    }

    /// Writes `count` compressed messages, many at once.
    fn send_json(&mut self, count: usize, frames: &compressed::Frames) -> io::Result<()> {
        let now = frames.first.len().min(count);
        self.stream.write_all(&frames.first[..now].concat())?;
        let round = frames.again.concat();
        let left = count - now;
        for _ in 0..left / frames.again.len() {
            self.stream.write_all(&round)?;
        }
        self.stream.write_all(&frames.again[..left % frames.again.len()].concat())?;
        self.stream.flush()
    }

    /// Reads `count` messages and drops them.
    fn swallow(&mut self, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let mut at = 0;
            while let Some((header, len)) = masked_header(&self.buffer[at..self.end]) {
                let is_final = self.buffer[at] & 0x80 != 0;
                at += header;
                let there = len.min(self.end - at);
                at += there;
                let mut missing = len - there;
                while missing > 0 {
                    at = 0;
                    self.end = 0;
                    let most = missing.min(BUFFER_BYTES);
                    let read = self.stream.read(&mut self.buffer[..most])?;
                    if read == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    missing -= read;
                }
                count -= usize::from(is_final);
                if count == 0 {
                    self.forget(at);
                    return Ok(());
                }
            }
            self.forget(at);
            self.read_more()?;
        }
        Ok(())
    }

    fn echo(&mut self) -> io::Result<()> {
        let mut answer = Vec::new();
        loop {
            let mut at = 0;
            while let Some((header, len)) = masked_header(&self.buffer[at..self.end]) {
                if header + len > self.end - at || len > 65535 {
                    break;
                }
                answer.push(self.buffer[at]);
                push_length(&mut answer, len);
                let (key, payload) = self.buffer[at + header - 4..at + header + len].split_at(4);
                let key = [key[0], key[1], key[2], key[3]];
                let masked = payload.iter().zip(key.iter().cycle());
                answer.extend(masked.map(|(byte, key)| byte ^ key));
                at += header + len;
            }
            self.forget(at);
            if !answer.is_empty() {
                self.stream.write_all(&answer)?;
                self.stream.flush()?;
                answer.clear();
            }
            self.read_more()?;
        }
    }
}

/// The lengths of a client's header and payload. RFC 6455 §5.2.
fn masked_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let short = usize::from(*bytes.get(1)? & 0x7F);
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => return (bytes.len() >= 6).then_some((6, short)),
    };
    let header = 2 + extended + 4;
    let number = bytes.get(2..2 + extended)?;
    let len = number.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
    (bytes.len() >= header).then_some((header, len))
}

pub fn push_length(header: &mut Vec<u8>, len: usize) {
    match len {
        0..126 => header.push(len as u8),
        126..65536 => {
            header.push(126);
            header.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            header.push(127);
            header.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

fn frame(is_text: bool, len: usize) -> Vec<u8> {
    let mut frame = vec![if is_text { 0x81 } else { 0x82 }];
    push_length(&mut frame, len);
    frame.resize(frame.len() + len, b'a');
    frame
}

/// A message in several frames.
fn fragments(is_text: bool, len: usize, fragment: usize) -> Vec<u8> {
    let mut message = Vec::new();
    let mut left = len;
    while left > 0 || message.is_empty() {
        let piece = left.min(fragment);
        let opcode = match (message.is_empty(), is_text) {
            (false, _) => 0x00,
            (true, true) => 0x01,
            (true, false) => 0x02,
        };
        left -= piece;
        message.push(if left == 0 { 0x80 | opcode } else { opcode });
        push_length(&mut message, piece);
        message.resize(message.len() + piece, b'a');
    }
    message
}
