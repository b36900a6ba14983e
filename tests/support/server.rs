//! Servers for tests: tungstenite's server role, plain or under TLS, and raw sockets that follow a
//! script.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::DEADLINE;

/// A test authority and certificates that it signed.
pub struct Pki {
    pub ca_pem: String,
    good: Arc<rustls::ServerConfig>,
    wrong_name: Arc<rustls::ServerConfig>,
    expired: Arc<rustls::ServerConfig>,
    not_yet_valid: Arc<rustls::ServerConfig>,
    untrusted: Arc<rustls::ServerConfig>,
}

pub fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(Pki::new)
}

fn issue(
    issuer: &rcgen::Issuer<'_, rcgen::KeyPair>,
    names: &[&str],
    years: (i32, i32),
) -> Arc<rustls::ServerConfig> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

impl Pki {
    fn new() -> Pki {
        let authority = |name: &str| {
            let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            let key = rcgen::KeyPair::generate().unwrap();
            let pem = params.self_signed(&key).unwrap().pem();
            (rcgen::Issuer::new(params, key), pem)
        };
        let (ca, ca_pem) = authority("anyws test authority");
        let (stranger, _) = authority("a stranger");
        let here = ["localhost", "127.0.0.1", "::1"];
        Pki {
            ca_pem,
            good: issue(&ca, &here, (2020, 2090)),
            wrong_name: issue(&ca, &["elsewhere.test"], (2020, 2090)),
            expired: issue(&ca, &here, (2000, 2001)),
            not_yet_valid: issue(&ca, &here, (2080, 2090)),
            untrusted: issue(&stranger, &here, (2020, 2090)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    No,
    Good,
    WrongName,
    Expired,
    NotYetValid,
    Untrusted,
}

/// Both kinds of a good server.
pub const BOTH: [Tls; 2] = [Tls::No, Tls::Good];

/// TCP or TLS over it.
pub enum Stream {
    Plain(TcpStream),
    Secure(Box<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>),
}

impl Stream {
    pub fn new(tcp: TcpStream, tls: Tls) -> Stream {
        tcp.set_nodelay(true).unwrap();
        let pki = pki();
        let config = match tls {
            Tls::No => return Stream::Plain(tcp),
            Tls::Good => &pki.good,
            Tls::WrongName => &pki.wrong_name,
            Tls::Expired => &pki.expired,
            Tls::NotYetValid => &pki.not_yet_valid,
            Tls::Untrusted => &pki.untrusted,
        };
        let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
        Stream::Secure(Box::new(rustls::StreamOwned::new(connection, tcp)))
    }

    pub fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Secure(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.read(buffer),
            Stream::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.write(bytes),
            Stream::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(tcp) => tcp.flush(),
            Stream::Secure(stream) => stream.flush(),
        }
    }
}

/// How the client's side of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With close_notify under TLS.
    Orderly,
    /// TLS was cut off by the end of TCP.
    Cut,
    Reset,
    /// Not in time.
    Never,
}

/// A listener whose connections are served each on a thread of its own.
pub struct Server {
    pub address: SocketAddr,
    pub tls: Tls,
}

pub type Peer = WebSocket<Stream>;

impl Server {
    /// Hands every accepted connection to `serve`, before any byte is read.
    pub fn raw(tls: Tls, serve: impl Fn(Stream) + Send + Sync + 'static) -> Server {
        Server::accepting(tls, move |tcp| serve(Stream::new(tcp, tls)))
    }

    /// The same before there is TLS.
    pub fn accepting(tls: Tls, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(tcp));
            }
        });
        Server { address, tls }
    }

    /// Answers the upgrade, follows the script, and reads until the client ends the connection.
    /// What it read then comes out of the receiver, and how the connection ended.
    pub fn scripted(
        tls: Tls,
        act: impl Fn(&mut Stream, &str) + Send + Sync + 'static,
    ) -> (Server, Receiver<(Vec<u8>, Ending)>) {
        let (teller, told) = channel();
        let server = Server::raw(tls, move |mut stream| {
            let request = upgrade(&mut stream);
            act(&mut stream, &request);
            let _ = teller.send(read_out(&mut stream));
        });
        (server, told)
    }

    /// Serves WebSockets with tungstenite; the first protocol that is offered is chosen.
    pub fn start(tls: Tls, serve: impl Fn(&mut Peer) + Send + Sync + 'static) -> Server {
        Server::raw(tls, move |stream| {
            if let Some(mut peer) = accept(stream) {
                serve(&mut peer);
            }
        })
    }

    /// Plain, and one connection after the other on a single thread.
    pub fn one_at_a_time(serve: impl Fn(&mut Peer) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                if let Some(mut peer) = accept(Stream::new(tcp, Tls::No)) {
                    serve(&mut peer);
                }
            }
        });
        Server { address, tls: Tls::No }
    }

    pub fn echo(tls: Tls) -> Server {
        Server::start(tls, echo)
    }

    pub fn uri(&self) -> String {
        self.uri_of("/")
    }

    pub fn uri_of(&self, path: &str) -> String {
        let scheme = if self.tls == Tls::No { "ws" } else { "wss" };
        format!("{scheme}://localhost:{}{path}", self.address.port())
            .replace("localhost", "127.0.0.1")
    }
}

#[allow(clippy::result_large_err)]
pub fn accept(stream: Stream) -> Option<Peer> {
    let choose = |request: &Request, mut response: Response| {
        if let Some(offered) = request.headers().get("Sec-WebSocket-Protocol") {
            let first = offered.to_str().unwrap().split(',').next().unwrap().trim();
            response.headers_mut().insert("Sec-WebSocket-Protocol", first.parse().unwrap());
        }
        Ok(response)
    };
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    tungstenite::accept_hdr_with_config(stream, choose, Some(config)).ok()
}

/// Sends every message back until the client closes.
pub fn echo(peer: &mut Peer) {
    while let Ok(message) = peer.read() {
        if (message.is_text() || message.is_binary()) && peer.send(message).is_err() {
            return;
        }
    }
}

/// The next text or binary message; `None` once the connection has ended.
pub fn next_message(peer: &mut Peer) -> Option<Message> {
    loop {
        match peer.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => return Some(message),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// Reads until the other side ends the connection; `None` if it never did.
pub fn read_to_end(stream: &mut Stream) -> Option<Vec<u8>> {
    let (bytes, ending) = read_out(stream);
    (ending != Ending::Never).then_some(bytes)
}

/// The same, and how it ended.
pub fn read_out(stream: &mut Stream) -> (Vec<u8>, Ending) {
    use io::ErrorKind;
    stream.tcp().set_read_timeout(Some(DEADLINE)).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let ending = match stream.read(&mut buffer) {
            Ok(0) => Ending::Orderly,
            Ok(count) => {
                bytes.extend_from_slice(&buffer[..count]);
                continue;
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ending::Never,
                ErrorKind::UnexpectedEof => Ending::Cut,
                _ => Ending::Reset,
            },
        };
        return (bytes, ending);
    }
}

/// Ends the connection with RST.
pub fn reset(stream: &mut Stream) {
    let socket = socket2::SockRef::from(stream.tcp());
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    // A TLS stream keeps its socket until it is dropped; this takes the place of its own.
    let stand_in = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpStream::connect(stand_in.local_addr().unwrap()).unwrap();
    drop(std::mem::replace(stream, Stream::Plain(other)));
}

/// Ends our side of TCP; the connection stays for reading.
pub fn finish(stream: &mut Stream) {
    stream.flush().unwrap();
    stream.tcp().shutdown(std::net::Shutdown::Write).unwrap();
}

/// The frames of the client up to its close frame, after which our side of TCP ends.
/// RFC 6455 §7.1.1: it is the server that ends TCP first.
pub fn finish_after_close(stream: &mut Stream) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(frame) = read_frame(stream) {
        let is_last = frame.0 == 0x88;
        frames.push(frame);
        if is_last {
            finish(stream);
            break;
        }
    }
    frames
}

/// The next frame of a client, unmasked; `None` once the connection has ended.
pub fn read_frame(stream: &mut Stream) -> Option<(u8, Vec<u8>)> {
    let mut wire = vec![0; 2];
    stream.read_exact(&mut wire).ok()?;
    let extended = match wire[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    wire.resize(2 + extended, 0);
    stream.read_exact(&mut wire[2..]).ok()?;
    let len = match extended {
        0 => usize::from(wire[1] & 0x7f),
        2 => usize::from(u16::from_be_bytes([wire[2], wire[3]])),
        _ => u64::from_be_bytes(wire[2..10].try_into().unwrap()) as usize,
    };
    let at = wire.len();
    wire.resize(at + 4 + len, 0);
    stream.read_exact(&mut wire[at..]).ok()?;
    client_frames(&wire).pop()
}

/// Takes the upgrade request and answers 101, by hand; returns the request.
pub fn upgrade(stream: &mut Stream) -> String {
    upgrade_then(stream, b"")
}

/// The same with `more` in the segment of the answer.
pub fn upgrade_then(stream: &mut Stream, more: &[u8]) -> String {
    let request = read_request(stream);
    answer_upgrade(stream, &request, "", more);
    request
}

/// Answers 101 to a request that was taken, with header lines besides, each with its end.
pub fn answer_upgrade(stream: &mut Stream, request: &str, lines: &str, more: &[u8]) {
    let key =
        request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = tungstenite::handshake::derive_accept_key(key.trim().as_bytes());
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(more);
    stream.write_all(&answer).unwrap();
    stream.flush().unwrap();
}

pub fn read_request(stream: &mut Stream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => request.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8(request).unwrap()
}

/// A frame as a server sends it.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(len as u8),
        len @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// The frames of a client: first byte and unmasked payload. What is cut at the end is left out.
pub fn client_frames(mut wire: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while wire.len() >= 6 {
        assert_ne!(wire[1] & 0x80, 0, "a client masks every frame");
        let (len, at) = match wire[1] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([wire[2], wire[3]])), 4),
            127 => (u64::from_be_bytes(wire[2..10].try_into().unwrap()) as usize, 10),
            short => (usize::from(short), 2),
        };
        let Some(payload) = wire.get(at + 4..at + 4 + len) else { break };
        let key: [u8; 4] = wire[at..at + 4].try_into().unwrap();
        let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        frames.push((wire[0], payload.collect()));
        wire = &wire[at + 4 + len..];
    }
    frames
}

/// A port of this machine where nobody listens, kept from everybody else while it lives.
pub struct Nobody(socket2::Socket);

impl Nobody {
    pub fn new() -> Nobody {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Nobody(socket)
    }

    pub fn uri(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.0.local_addr().unwrap().as_socket().unwrap().port())
    }
}

/// Waits until `done` says so, looking again and again; `false` at the deadline.
pub fn eventually(done: impl FnMut() -> bool) -> bool {
    eventually_within(DEADLINE, done)
}

pub fn eventually_within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = std::time::Instant::now() + limit;
    while std::time::Instant::now() < deadline {
        if done() {
            return true;
        }
        std::thread::yield_now();
    }
    done()
}
