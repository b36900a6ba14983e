//! Servers on the loopback, one per path, for targets that need a whole connection: each knows one
//! way to behave. A thread for each connection; none of them outlives its client for long.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use socket2::SockRef;
use tungstenite::handshake::derive_accept_key;

use crate::Frame;

/// What may stand behind the address of the site.
pub const PATHS: [&str; 12] = [
    "echo", "echo", "echo", "flood", "close", "drop", "garbage", "refuse", "hang", "cut", "silent",
    "pings",
];

static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

/// `ws://…/`, without a path.
pub fn address() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                CONNECTIONS.fetch_add(1, SeqCst);
                std::thread::spawn(move || {
                    drop(serve(stream));
                    CONNECTIONS.fetch_sub(1, SeqCst);
                });
            }
        });
        format!("ws://127.0.0.1:{port}/")
    });
    &ADDRESS
}

/// How many connections are served just now.
pub fn connections() -> usize {
    CONNECTIONS.load(SeqCst)
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    // A reset at the end, so that no port is left to wait.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    let mut received = Vec::new();
    while !received.windows(4).any(|four| four == b"\r\n\r\n") {
        if !receive(&mut stream, &mut received)? {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&received).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.unwrap_or_default().as_bytes())
    );
    let mut wire = answer.clone().into_bytes();
    match path {
        "refuse" => {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry")?;
            return linger(stream);
        }
        "hang" => return linger(stream),
        "cut" => {
            wire.truncate(wire.len() / 2);
            stream.write_all(&wire)?;
            return Ok(());
        }
        "drop" => {
            stream.write_all(&wire)?;
            return Ok(());
        }
        "close" => Frame::write(0x88, &[0x03, 0xe8, b'b', b'y', b'e'], &mut wire),
        "garbage" => wire.extend_from_slice(&[0xff; 8]),
        "flood" => {
            for n in 0..20u8 {
                Frame::write(0x01, b"a text, ", &mut wire);
                Frame::write(0x89, &[n], &mut wire);
                Frame::write(0x80, b"in two", &mut wire);
                Frame::write(0x82, &[n; 2000], &mut wire);
            }
        }
        "pings" => {
            for n in 0..40u8 {
                Frame::write(0x89, &[n; 100], &mut wire);
            }
        }
        _ => {}
    }
    stream.write_all(&wire)?;
    if path == "silent" { linger(stream) } else { echo(stream) }
}

/// Reads what comes; `false` at the end.
fn receive(stream: &mut TcpStream, received: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer)?;
    received.extend_from_slice(&buffer[..count]);
    Ok(count > 0)
}

fn linger(mut stream: TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut received = Vec::new();
    while receive(&mut stream, &mut received)? {
        let (mut rest, mut answer, mut is_over) = (received.as_slice(), Vec::new(), false);
        while let Some(frame) = Frame::read(&mut rest) {
            match frame.first {
                0x89 => Frame::write(0x8a, &frame.payload, &mut answer),
                0x8a => {}
                first => Frame::write(first, &frame.payload, &mut answer),
            }
            is_over |= frame.first == 0x88;
        }
        received = rest.to_vec();
        stream.write_all(&answer)?;
        if is_over {
            return linger(stream);
        }
    }
    Ok(())
}
