//! The ways to a server: straight, or through a proxy of our own, which leads to this machine
//! whatever name it is asked for, and hands on how each side ended. Knows nothing of what is said
//! inside; proxies that misbehave are `reach`'s.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyws::ffi::types::WS_CONTROL_PROXY;
use socket2::SockRef;

use super::DEADLINE;
use super::client::{Client, MODES, Mode};
use super::server::{BOTH, Server, Stream, Tls, read_request, reset};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Direct,
    /// By CONNECT.
    Http,
    /// The same inside TLS with the proxy.
    Https,
    Socks,
}

pub const ROUTES: [Route; 4] = [Route::Direct, Route::Http, Route::Https, Route::Socks];

impl Route {
    /// The value of PROXY.
    pub fn proxy(self) -> String {
        static PROXIES: [OnceLock<Server>; 3] = [const { OnceLock::new() }; 3];
        let of = |proxy: &OnceLock<Server>, scheme, tls, serve: fn(Stream)| {
            let server = proxy.get_or_init(|| Server::raw(tls, serve));
            format!("{scheme}://{}", server.address)
        };
        match self {
            Route::Direct => "direct:".to_owned(),
            Route::Http => of(&PROXIES[0], "http", Tls::No, connect_plain),
            Route::Https => of(&PROXIES[1], "https", Tls::Good, connect_secure),
            Route::Socks => of(&PROXIES[2], "socks5h", Tls::No, socks),
        }
    }
}

/// How events reach the application, what the server speaks, and what lies between.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub mode: Mode,
    pub tls: Tls,
    pub route: Route,
}

/// Every mode, ws and wss, straight and through an HTTP proxy; the other proxies with one mode each.
pub fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for (mode, others) in
        MODES.into_iter().zip([Some(Route::Https), None, Some(Route::Socks), None])
    {
        for tls in BOTH {
            let routes = [Route::Direct, Route::Http].into_iter().chain(others);
            ways.extend(routes.map(|route| Way { mode, tls, route }));
        }
    }
    ways
}

/// Those that lead to a server of this kind.
pub fn ways_to(tls: Tls) -> Vec<Way> {
    ways().into_iter().filter(|way| way.tls == tls).collect()
}

/// In every way, one after the other.
pub fn everywhere(test: impl Fn(Way)) {
    ways().into_iter().for_each(test);
}

/// In every way at the same time: for what takes its time.
pub fn everywhere_at_once(test: impl Fn(Way) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        for way in ways() {
            scope.spawn(move || test(way));
        }
    });
}

impl Way {
    /// Trusts the test authority, and nobody else.
    pub fn client(self) -> Client {
        let client = Client::trusting(self.mode);
        client.set_text(WS_CONTROL_PROXY, &self.route.proxy());
        client
    }

    /// Connected, and its completion taken.
    pub fn connected(self, uri: &str) -> Client {
        let mut client = self.client();
        client.connect(uri);
        assert_eq!(client.connect_result(), 0, "{uri}, {self:?}");
        client.begin_pulling();
        client
    }
}

const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Takes a CONNECT and answers it.
fn connect(stream: &mut Stream) -> Option<TcpStream> {
    let request = read_request(stream);
    let place = request.strip_prefix("CONNECT ")?.split(' ').next()?;
    let port = place.rsplit(':').next()?.parse().ok()?;
    let upstream = upstream(port);
    let answer = match upstream {
        Some(_) => OPEN,
        None => b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    };
    stream.write_all(answer).and_then(|()| stream.flush()).ok()?;
    upstream
}

fn upstream(port: u16) -> Option<TcpStream> {
    let upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    upstream.set_nodelay(true).unwrap();
    Some(upstream)
}

/// A whole connection of a proxy that is asked by CONNECT.
pub fn connect_plain(mut stream: Stream) {
    if let Some(upstream) = connect(&mut stream) {
        tunnel(stream, upstream);
    }
}

/// RFC 1928, for those who have no login.
fn socks(mut stream: Stream) {
    if let Some(upstream) = granted(&mut stream) {
        tunnel(stream, upstream);
    }
}

fn granted(stream: &mut Stream) -> Option<TcpStream> {
    let count = take(stream, 2)?[1];
    assert!(take(stream, usize::from(count))?.contains(&0));
    stream.write_all(&[5, 0]).ok()?;
    let head = take(stream, 5)?;
    let rest = match head[3] {
        1 => 3,
        4 => 15,
        _ => usize::from(head[4]),
    };
    let place = take(stream, rest + 2)?;
    let upstream = upstream(u16::from_be_bytes([place[rest], place[rest + 1]]));
    // Connection refused.
    let reply = if upstream.is_some() { 0 } else { 5 };
    stream.write_all(&[5, reply, 0, 1, 127, 0, 0, 1, 0, 80]).ok()?;
    upstream
}

fn take(stream: &mut Stream, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).ok().map(|()| bytes)
}

fn tunnel(client: Stream, upstream: TcpStream) {
    let Stream::Plain(client) = client else { return };
    let ends = [Arc::new(client), Arc::new(upstream)];
    let [back, forth] = ends.clone();
    let other = std::thread::spawn(move || pass(&forth, &back));
    let [client, upstream] = ends;
    pass(&client, &upstream);
    let _ = other.join();
}

/// Hands on what comes until one side ends, and how it did.
fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            // After a reset nobody is at the other end; the error may have gone to a write.
            Ok(0) if from.peer_addr().is_ok() => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(0) | Err(_) => {
                // It goes as a reset when the other direction has ended too, which this ends.
                let _ = SockRef::from(to).set_linger(Some(Duration::ZERO));
                let _ = to.shutdown(Shutdown::Read);
                return;
            }
            // What is wrong with the other end is for the other direction to see.
            Ok(count) if to.write_all(&buffer[..count]).is_err() => return,
            Ok(_) => {}
        }
    }
}

/// A whole connection of the proxy inside TLS. A stream of TLS has one owner: it looks in both
/// directions, again and again.
pub fn connect_secure(mut stream: Stream) {
    let Some(mut upstream) = connect(&mut stream) else { return };
    for tcp in [stream.tcp(), &upstream] {
        tcp.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    }
    let mut buffer = [0; 16 * 1024];
    loop {
        match upstream.read(&mut buffer) {
            Ok(0) if upstream.peer_addr().is_ok() => {
                break stream.tcp().shutdown(Shutdown::Write).unwrap_or(());
            }
            Ok(count) if count > 0 => {
                let sent = stream.write_all(&buffer[..count]).and_then(|()| stream.flush());
                if sent.is_err() {
                    return;
                }
            }
            Err(error) if is_pause(error.kind()) => {}
            Ok(_) | Err(_) => return reset(&mut stream),
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => {
                // What is wrong with the upstream shows when it is read.
                let _ = upstream.write_all(&buffer[..count]);
            }
            Err(error) if is_pause(error.kind()) => {}
            Ok(_) | Err(_) => return,
        }
    }
    // The client still has something to say, perhaps.
    stream.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
    while let Ok(count) = stream.read(&mut buffer) {
        if count == 0 || upstream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
