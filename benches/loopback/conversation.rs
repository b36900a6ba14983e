//! One connection of the server, whose path says what it does:
//!
//! - `/echo` sends every message back;
//! - `/flood/COUNT/BYTES/text` (or `binary`) sends that many as soon as a message has come,
//!   with `/FRAGMENT` behind it each in frames of that many bytes;
//! - `/file/COUNT/BYTES` likewise sends one message, in one frame, of so many times so many bytes;
//! - `/json/COUNT` likewise sends compressed JSON;
//! - `/sink/COUNT` swallows that many and then sends one.
//!
//! With `/deflate` behind it, permessage-deflate is agreed to; with `/deflate-anew` its contexts
//! are not taken over. It trusts its clients: what they must never send is not looked for.

use std::io::{self, Read, Write};

use tungstenite::handshake::derive_accept_key;

use crate::compressed::{self, Context};
use crate::frames::{self, masked_header};

const BUFFER_BYTES: usize = 256 * 1024;

/// A connection and what was read of it and not used.
struct Conversation<S> {
    stream: S,
    buffer: Vec<u8>,
    end: usize,
}

/// Until the client goes away.
pub fn converse<S: Read + Write>(stream: S) -> io::Result<()> {
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
                0 => frames::whole(is_text, bytes),
                fragment => frames::fragments(is_text, bytes, fragment),
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
            conversation.stream.write_all(&frames::whole(true, 4))?;
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
        frames::push_length(&mut header, count * bytes);
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
                if header + len > self.end - at {
                    self.make_room_for(header + len);
                    break;
                }
                // Final, and the opcode: no compressed one is inflated here.
                answer.push(self.buffer[at]);
                frames::push_length(&mut answer, len);
                let (key, payload) = self.buffer[at + header - 4..at + header + len].split_at(4);
                let key = [key[0], key[1], key[2], key[3]];
                let from = answer.len();
                answer.extend_from_slice(payload);
                for four in answer[from..].chunks_mut(4) {
                    four.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
                }
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

    fn make_room_for(&mut self, frame: usize) {
        if frame > self.buffer.len() {
            self.buffer.resize(frame, 0);
        }
    }
}
