//! The local server's HTTP proxy: CONNECT alone, and only for `user` with `password`. Whatever name
//! it is asked for, it leads to this machine's loopback address, and nowhere else.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread;

/// Basic, RFC 7617: `user:password`.
const KNOWN: &str = "Basic dXNlcjpwYXNzd29yZA==";
const WHO: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                   Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n";
const UNKNOWN_METHOD: &str = "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
const UNREACHABLE: &str = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Answers one request after the other, until one of them opens the way or the client leaves.
pub fn serve(mut client: TcpStream) {
    while let Ok(request) = read_head(&mut client) {
        let answer = match port_of(&request) {
            None => UNKNOWN_METHOD,
            Some(_) if !is_known(&request) => WHO,
            Some(port) => match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(server) => {
                    let _ = tunnel(client, server);
                    return;
                }
                Err(_) => UNREACHABLE,
            },
        };
        if client.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Byte by byte, so that none of what follows is taken.
fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        client.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Of `CONNECT host:port HTTP/1.1`.
fn port_of(request: &str) -> Option<u16> {
    let (place, _) = request.strip_prefix("CONNECT ")?.split_once(' ')?;
    let (_, port) = place.rsplit_once(':')?;
    port.parse().ok()
}

fn is_known(request: &str) -> bool {
    let mut headers = request.lines().filter_map(|line| line.split_once(": "));
    headers.any(|(name, value)| name.eq_ignore_ascii_case("Proxy-Authorization") && value == KNOWN)
}

/// Hands everything on, both ways, until both sides have ended.
fn tunnel(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
    server.set_nodelay(true)?;
    client.write_all(OPEN.as_bytes())?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}
