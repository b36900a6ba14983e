//! Proxies that follow a script: what each connection does is decided by the test, every request is
//! told, and a tunnel leads to the test's own server, whatever name was asked for.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::support::client::{Client, Mode};
use crate::support::server::{Server, Stream, Tls, finish, read_out, read_request};
use anyws::ffi::types::*;

pub struct Proxy {
    server: Server,
    /// Requests in the order they arrived.
    pub heard: Receiver<String>,
}

pub const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

impl Proxy {
    pub fn scripted(
        tls: Tls,
        act: impl Fn(&mut Stream, &Sender<String>) + Send + Sync + 'static,
    ) -> Proxy {
        let (teller, heard) = channel();
        let server = Server::raw(tls, move |mut stream| act(&mut stream, &teller));
        Proxy { server, heard }
    }

    /// Lets everybody through to `origin`.
    pub fn open(tls: Tls, origin: SocketAddr) -> Proxy {
        Proxy::answering(tls, move |_| OPEN.to_owned(), origin)
    }

    /// Answers each request on a connection as `answer` says; after a 2xx leads to `origin`.
    pub fn answering(
        tls: Tls,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
        origin: SocketAddr,
    ) -> Proxy {
        Proxy::scripted(tls, move |stream, teller| {
            loop {
                let request = read_request(stream);
                if request.is_empty() {
                    return;
                }
                let _ = teller.send(request.clone());
                let answer = answer(&request);
                if stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).is_err() {
                    return;
                }
                if answer.starts_with("HTTP/1.1 2") {
                    return tunnel(stream, origin);
                }
                if !answer.contains("keep-alive") {
                    finish(stream);
                    read_out(stream);
                    return;
                }
            }
        })
    }

    /// Sends these bytes in answer to a request and ends its side, or stays.
    pub fn saying(answer: impl Into<Vec<u8>>, ends: bool) -> Proxy {
        let answer = answer.into();
        Proxy::scripted(Tls::No, move |stream, teller| {
            let _ = teller.send(read_request(stream));
            let _ = stream.write_all(&answer);
            if ends {
                finish(stream);
            }
            read_out(stream);
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// As an HTTP proxy is named.
    pub fn uri(&self) -> String {
        self.server.uri().replacen("ws", "http", 1)
    }

    pub fn uri_as(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address())
    }

    pub fn requests(&self) -> Vec<String> {
        self.heard.try_iter().collect()
    }
}

/// A client behind a proxy.
pub fn behind(proxy: &str, mode: Mode) -> Client {
    let client = Client::trusting(mode);
    client.set_text(WS_CONTROL_PROXY, proxy);
    client
}

/// The name that a proxy is asked for: it finds `origin` whatever it is, but certificates are for
/// this machine's.
pub fn uri_of(origin: &Server, tls: Tls) -> String {
    let port = origin.address.port();
    match tls {
        Tls::No => format!("ws://origin.test:{port}/"),
        _ => format!("wss://localhost:{port}/"),
    }
}

/// Hands everything on, both ways, until one side ends.
pub fn tunnel(stream: &mut Stream, origin: SocketAddr) {
    let Ok(mut upstream) = TcpStream::connect(origin) else { return };
    upstream.set_nodelay(true).unwrap();
    for tcp in [stream.tcp(), &upstream] {
        tcp.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    }
    let mut buffer = vec![0; 256 * 1024];
    while pass(stream, &mut upstream, &mut buffer) && pass(&mut upstream, stream, &mut buffer) {}
    let _ = upstream.shutdown(std::net::Shutdown::Write);
    let _ = stream.tcp().shutdown(std::net::Shutdown::Write);
    read_out(stream);
}

/// What has arrived; `false`: there will be no more.
fn pass(from: &mut impl Read, to: &mut impl Write, buffer: &mut [u8]) -> bool {
    match from.read(buffer) {
        Ok(0) => false,
        Ok(count) => to.write_all(&buffer[..count]).and_then(|()| to.flush()).is_ok(),
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}
