//! Servers for stream sockets: one that a test holds in its hand, and one that sends every frame
//! back while it still arrives, as it is. Compressed frames come back compressed: what the client's
//! deflater made its inflater understands.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, channel};

use super::server::{Server, Stream, Tls, answer_upgrade, read_request};

const AGREED: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
/// A piece of payload on its way back.
const PIECE_BYTES: usize = 64 * 1024;

/// Answers 101, and agrees to compress if that is offered.
pub fn upgrade_as_offered(stream: &mut Stream) {
    let request = read_request(stream);
    let lines = if request.contains("permessage-deflate") { AGREED } else { "" };
    answer_upgrade(stream, &request, lines, b"");
}

/// Every connection is handed to the test after its upgrade.
pub fn puppet(tls: Tls) -> (Server, Receiver<Stream>) {
    let (giver, streams) = channel();
    let server = Server::raw(tls, move |mut stream| {
        upgrade_as_offered(&mut stream);
        let _ = giver.send(stream);
    });
    (server, streams)
}

/// Sends frames back, the close frame too.
pub fn frame_echo(tls: Tls) -> Server {
    Server::raw(tls, |mut stream| {
        upgrade_as_offered(&mut stream);
        frame_echo_of(&mut stream);
    })
}

/// The same over a connection that has been upgraded.
pub fn frame_echo_of(stream: &mut Stream) {
    while let Ok(is_last) = return_frame(stream) {
        if is_last {
            let _ = stream.flush();
            let _ = stream.tcp().shutdown(std::net::Shutdown::Write);
            break;
        }
    }
}

/// Sends one frame back; `true` for the close frame.
pub fn return_frame(stream: &mut Stream) -> io::Result<bool> {
    let Header { first, len, key } = read_header(stream)?;
    stream.write_all(&server_header(first, len))?;
    let (mut buffer, mut done) = (vec![0; PIECE_BYTES], 0);
    while done < len {
        let wanted = usize::try_from(len - done).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let count = stream.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        unmask(&mut buffer[..count], key, done);
        stream.write_all(&buffer[..count])?;
        done += count as u64;
    }
    stream.flush()?;
    Ok(first & 0x0f == 8)
}

pub struct Header {
    pub first: u8,
    pub len: u64,
    pub key: [u8; 4],
}

/// The header of the client's next frame.
pub fn read_header(stream: &mut impl Read) -> io::Result<Header> {
    let mut start = [0; 2];
    stream.read_exact(&mut start)?;
    let mut len = u64::from(start[1] & 0x7f);
    if len == 126 {
        let mut bytes = [0; 2];
        stream.read_exact(&mut bytes)?;
        len = u16::from_be_bytes(bytes).into();
    } else if len == 127 {
        let mut bytes = [0; 8];
        stream.read_exact(&mut bytes)?;
        len = u64::from_be_bytes(bytes);
    }
    let mut key = [0; 4];
    stream.read_exact(&mut key)?;
    Ok(Header { first: start[0], len, key })
}

pub fn server_header(first: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..=125 => bytes.push(len as u8),
        126..=0xffff => {
            bytes.push(126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
    }
    bytes
}

pub fn unmask(bytes: &mut [u8], key: [u8; 4], offset: u64) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[(offset as usize + at) & 3];
    }
}
