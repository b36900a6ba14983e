//! The ports of the local server: who listens where, and a thread for each connection. Knows TCP
//! and TLS; what is said over a connection belongs to `conversation`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

use crate::Failure;
use crate::conversation;
use crate::pki::Pki;
use crate::proxy;

/// How long a connection that we ended waits for the peer to end it too.
const LINGER: Duration = Duration::from_secs(5);

/// Every port, by the name it has in the `ports` file.
pub struct Listeners {
    ports: Vec<(&'static str, u16)>,
    /// Bound, so that nobody else takes the number, and never listening.
    _refused: Socket,
}

impl Listeners {
    pub fn open(pki: &Pki) -> Result<Self, Failure> {
        let (refused, refused_port) = bind_without_listening()?;
        let ports = vec![
            ("ws", listen(plain)?),
            ("wss", listen_tls(pki.good()?)?),
            ("expired", listen_tls(pki.expired()?)?),
            ("wrong_name", listen_tls(pki.wrong_name()?)?),
            ("untrusted", listen_tls(pki.untrusted()?)?),
            ("mutual", listen_tls(pki.mutual()?)?),
            ("silent", listen(|stream| discard(&stream))?),
            ("proxy", listen(proxy::serve)?),
            ("refused", refused_port),
        ];
        Ok(Self { ports, _refused: refused })
    }

    /// `name=PORT`, a line each.
    pub fn ports_file(&self) -> String {
        self.ports.iter().map(|(name, port)| format!("{name}={port}\n")).collect()
    }

    /// Replaces `{name}` by that port.
    pub fn fill_in(&self, argument: &str) -> String {
        self.ports.iter().fold(argument.to_owned(), |text, (name, port)| {
            text.replace(&format!("{{{name}}}"), &port.to_string())
        })
    }
}

/// A byte stream that can be ended in more than one way.
pub trait Wire: Read + Write {
    /// The socket below, for what TLS must not see.
    fn socket(&self) -> &TcpStream;
    /// Says that nothing more will be sent.
    fn finish(&mut self) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }

    fn finish(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.shutdown(Shutdown::Write)
    }
}

/// Reads and forgets until the peer ends the connection.
pub fn discard(mut stream: &TcpStream) {
    let mut sink = [0; 4096];
    while matches!(stream.read(&mut sink), Ok(count) if count > 0) {}
}

fn plain(stream: TcpStream) {
    converse(stream);
}

fn converse(mut wire: impl Wire) {
    conversation::hold(&mut wire);
    // Closing with bytes unread would send a reset, which may overtake what was just written.
    if wire.finish().is_ok() && wire.socket().set_read_timeout(Some(LINGER)).is_ok() {
        discard(wire.socket());
    }
}

fn listen_tls(config: Arc<ServerConfig>) -> io::Result<u16> {
    listen(move |stream| {
        if let Ok(connection) = ServerConnection::new(Arc::clone(&config)) {
            converse(StreamOwned::new(connection, stream));
        }
    })
}

/// Starts accepting on a free port and answers its number.
fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            // A connection for which there is no thread is dropped, the others live on.
            let _ = thread::Builder::new().stack_size(256 * 1024).spawn(move || {
                if stream.set_nodelay(true).is_ok() {
                    serve(stream);
                }
            });
        }
    });
    Ok(port)
}

fn bind_without_listening() -> Result<(Socket, u16), Failure> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let address = socket.local_addr()?.as_socket().ok_or("an IPv4 socket has an address")?;
    Ok((socket, address.port()))
}
