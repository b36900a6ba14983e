//! tungstenite as the client of each workload: blocking, writes buffered and flushed at the end or
//! after half a window, its default buffers, no limits, rustls below it for wss.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use crate::Failure;
use crate::measurement::{Reading, Trips, print_memory, resident_bytes};
use crate::server::provider;

/// See `clients/client.h`.
const ECHO_WINDOW: usize = 64;

struct Task<'a> {
    workload: &'a str,
    uri: &'a str,
    count: usize,
    bytes: usize,
    message: Message,
}

pub fn run(arguments: &[&str]) -> Result<(), Failure> {
    let &[workload, uri, count, bytes, ref authority @ ..] = arguments else {
        return Err("tungstenite WORKLOAD URI COUNT BYTES [AUTHORITY.pem]".into());
    };
    let bytes: usize = bytes.parse()?;
    let message = match bytes {
        0..=1024 => Message::text("a".repeat(bytes)),
        _ => Message::binary(vec![b'a'; bytes]),
    };
    let task = Task { workload, uri, count: count.parse()?, bytes, message };
    match authority.first() {
        Some(path) => {
            let tls = trusting(path)?;
            run_over(&task, |address| {
                let name = ServerName::try_from("127.0.0.1")?;
                let connection = ClientConnection::new(Arc::clone(&tls), name)?;
                Ok(StreamOwned::new(connection, connected(address)?))
            })
        }
        None => run_over(&task, connected),
    }
}

fn connected(address: &str) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn trusting(path: &str) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn shaken<S: Read + Write>(uri: &str, stream: S) -> Result<WebSocket<S>, Failure> {
    let config = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
    let shaken = tungstenite::client::client_with_config(uri, stream, Some(config));
    Ok(shaken.map_err(|failure| failure.to_string())?.0)
}

fn run_over<S: Read + Write>(
    task: &Task<'_>,
    connect: impl Fn(&str) -> Result<S, Failure>,
) -> Result<(), Failure> {
    let authority = task.uri.split('/').nth(2).unwrap_or_default();
    let open = || shaken(task.uri, connect(authority)?);
    match task.workload {
        "idle" => return measure_memory(task, open),
        "connect" => return connect_all(task, authority, open),
        _ => {}
    }
    let mut socket = open()?;
    let begin = Reading::now()?;
    let mut trips = None;
    match task.workload {
        "send" => {
            for _ in 0..task.count {
                socket.write(task.message.clone())?;
            }
            socket.flush()?;
            socket.read()?;
        }
        "receive" => {
            socket.send(Message::text("a"))?;
            for _ in 0..task.count {
                if std::hint::black_box(socket.read()?).len() != task.bytes {
                    return Err("a message of the wrong size".into());
                }
            }
        }
        "echo" => talk(task, &mut socket)?,
        "ping-pong" => {
            let trips = trips.insert(Trips::begin(task.count));
            for _ in 0..task.count {
                socket.send(task.message.clone())?;
                std::hint::black_box(socket.read()?);
                trips.one_ends();
            }
        }
        unknown => return Err(format!("tungstenite knows no {unknown}").into()),
    }
    begin.print_since(task.count, trips)
}

fn talk<S: Read + Write>(task: &Task<'_>, socket: &mut WebSocket<S>) -> Result<(), Failure> {
    let mut unsent = task.count;
    for _ in 0..ECHO_WINDOW.min(task.count) {
        socket.write(task.message.clone())?;
        unsent -= 1;
    }
    socket.flush()?;
    for received in 1..=task.count {
        std::hint::black_box(socket.read()?);
        if unsent > 0 {
            socket.write(task.message.clone())?;
            unsent -= 1;
        }
        if received % (ECHO_WINDOW / 2) == 0 {
            socket.flush()?;
        }
    }
    Ok(())
}

fn measure_memory<S: Read + Write>(
    task: &Task<'_>,
    open: impl Fn() -> Result<WebSocket<S>, Failure>,
) -> Result<(), Failure> {
    let use_connection = |socket: &mut WebSocket<S>| -> Result<(), Failure> {
        socket.send(Message::text("hello"))?;
        socket.read()?;
        Ok(())
    };
    let mut first = open()?;
    use_connection(&mut first)?;
    let before = resident_bytes()?;
    let mut sockets = Vec::with_capacity(task.count);
    for _ in 0..task.count {
        sockets.push(open()?);
    }
    let idle = resident_bytes()?;
    sockets.iter_mut().try_for_each(use_connection)?;
    print_memory(before, idle, task.count)
}

fn connect_all<S: Read + Write>(
    task: &Task<'_>,
    authority: &str,
    open: impl Fn() -> Result<WebSocket<S>, Failure>,
) -> Result<(), Failure> {
    let plain = format!("ws://{authority}/echo");
    let mut others = Vec::with_capacity(task.bytes);
    for _ in 0..task.bytes {
        others.push(shaken(&plain, connected(authority)?)?);
    }
    drop(open()?); // has no session to take up
    let begin = Reading::now()?;
    for _ in 0..task.count {
        drop(open()?);
    }
    begin.print_since(task.count, None)
}
