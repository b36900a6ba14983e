//! The workloads of `clients/client.h` over whatever a peer has. Knows nothing of the peers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::measurement::{Reading, Trips, print_memory, resident_bytes};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// See `clients/client.h`.
const ECHO_WINDOW: usize = 64;
/// Small messages are text, large ones binary.
const LARGEST_TEXT: usize = 1024;

/// An open connection of a peer.
pub trait Peer: Sized {
    type Message: Clone;

    fn message(bytes: usize, is_text: bool) -> Self::Message;

    async fn open(uri: &str, stream: Stream) -> Result<Self, Failure>;

    /// Leaves it to be written with others, if the peer can.
    async fn feed(&mut self, message: Self::Message) -> Result<(), Failure>;

    async fn flush(&mut self) -> Result<(), Failure>;

    /// The length of the next message.
    async fn receive(&mut self) -> Result<usize, Failure>;
}

/// What every bin's `main` does.
pub fn run<P: Peer>() -> Result<(), Failure> {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let [workload, uri, count, bytes, rest @ ..] = arguments.as_slice() else {
        return Err("usage: PROGRAM WORKLOAD URI COUNT BYTES [AUTHORITY.pem]".into());
    };
    let task = Task {
        uri,
        authority: uri.split('/').nth(2).unwrap_or_default(),
        tls: rest.first().map(|path| trusting(path)).transpose()?,
        count: count.parse()?,
        bytes: bytes.parse()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(work::<P>(&task, workload))
}

struct Task<'a> {
    uri: &'a str,
    authority: &'a str,
    tls: Option<TlsConnector>,
    count: usize,
    bytes: usize,
}

impl Task<'_> {
    async fn open<P: Peer>(&self) -> Result<P, Failure> {
        let stream = self.connected().await?;
        let stream = match &self.tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let name = ServerName::try_from("127.0.0.1")?;
                Stream::Secure(Box::new(tls.connect(name, stream).await?))
            }
        };
        P::open(self.uri, stream).await
    }

    async fn open_plain<P: Peer>(&self) -> Result<P, Failure> {
        let stream = Stream::Plain(self.connected().await?);
        P::open(&format!("ws://{}/echo", self.authority), stream).await
    }

    async fn connected(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect(self.authority).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn trusting(path: &str) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path)?)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn work<P: Peer>(task: &Task<'_>, workload: &str) -> Result<(), Failure> {
    match workload {
        "idle" => return measure_memory::<P>(task).await,
        "connect" => return connect_all::<P>(task).await,
        _ => {}
    }
    let message = P::message(task.bytes, task.bytes <= LARGEST_TEXT);
    let mut peer = task.open::<P>().await?;
    let begin = Reading::now()?;
    let mut trips = None;
    match workload {
        "send" => {
            for _ in 0..task.count {
                peer.feed(message.clone()).await?;
            }
            peer.flush().await?;
            peer.receive().await?;
        }
        "receive" => {
            peer.feed(P::message(1, true)).await?;
            peer.flush().await?;
            for _ in 0..task.count {
                if peer.receive().await? != task.bytes {
                    return Err("a message of the wrong size".into());
                }
            }
        }
        "echo" => talk(task, &mut peer, &message).await?,
        "ping-pong" => {
            let trips = trips.insert(Trips::begin(task.count));
            for _ in 0..task.count {
                peer.feed(message.clone()).await?;
                peer.flush().await?;
                peer.receive().await?;
                trips.one_ends();
            }
        }
        unknown => return Err(format!("no workload {unknown}").into()),
    }
    begin.print_since(task.count, trips)
}

/// Written after half a window at the latest.
async fn talk<P: Peer>(task: &Task<'_>, peer: &mut P, message: &P::Message) -> Result<(), Failure> {
    let mut unsent = task.count;
    for _ in 0..ECHO_WINDOW.min(task.count) {
        peer.feed(message.clone()).await?;
        unsent -= 1;
    }
    peer.flush().await?;
    for received in 1..=task.count {
        peer.receive().await?;
        if unsent > 0 {
            peer.feed(message.clone()).await?;
            unsent -= 1;
        }
        if received % (ECHO_WINDOW / 2) == 0 {
            peer.flush().await?;
        }
    }
    Ok(())
}

async fn measure_memory<P: Peer>(task: &Task<'_>) -> Result<(), Failure> {
    async fn use_connection<P: Peer>(peer: &mut P) -> Result<(), Failure> {
        peer.feed(P::message(5, true)).await?;
        peer.flush().await?;
        peer.receive().await?;
        Ok(())
    }
    let mut first = task.open::<P>().await?;
    use_connection(&mut first).await?;
    let before = resident_bytes()?;
    let mut peers = Vec::with_capacity(task.count);
    for _ in 0..task.count {
        peers.push(task.open::<P>().await?);
    }
    let idle = resident_bytes()?;
    for peer in &mut peers {
        use_connection(peer).await?;
    }
    print_memory(before, idle, task.count)
}

async fn connect_all<P: Peer>(task: &Task<'_>) -> Result<(), Failure> {
    let mut others = Vec::with_capacity(task.bytes);
    for _ in 0..task.bytes {
        others.push(task.open_plain::<P>().await?);
    }
    drop(task.open::<P>().await?); // has no session to take up
    let begin = Reading::now()?;
    for _ in 0..task.count {
        drop(task.open::<P>().await?);
    }
    begin.print_since(task.count, None)
}

/// With TLS or without.
pub enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, buffer),
            Stream::Secure(stream) => Pin::new(stream).poll_write(context, buffer),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Stream::Secure(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Secure(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Secure(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
