//! tungstenite as the client of each workload: blocking, writes buffered and flushed at the end,
//! its default buffers, rustls below it for wss.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::{Message, WebSocket};

use crate::Failure;
use crate::measurement::{Reading, resident_bytes};
use crate::server::provider;

struct Task<'a> {
    workload: &'a str,
    uri: &'a str,
    count: usize,
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
    let task = Task { workload, uri, count: count.parse()?, message };
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

fn run_over<S: Read + Write>(
    task: &Task<'_>,
    connect: impl Fn(&str) -> Result<S, Failure>,
) -> Result<(), Failure> {
    let authority = task.uri.split('/').nth(2).unwrap_or_default();
    let open = || -> Result<WebSocket<S>, Failure> {
        let shaken = tungstenite::client(task.uri, connect(authority)?);
        Ok(shaken.map_err(|failure| failure.to_string())?.0)
    };
    if task.workload.starts_with("idle") {
        return measure_memory(task, open);
    }
    let mut socket = open()?;
    let begin = Reading::now()?;
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
                if std::hint::black_box(socket.read()?).len() != task.message.len() {
                    return Err("a message of the wrong size".into());
                }
            }
        }
        _ => {
            for _ in 0..task.count {
                socket.send(task.message.clone())?;
                std::hint::black_box(socket.read()?);
            }
        }
    }
    begin.print_since(task.count)
}

fn measure_memory<S: Read + Write>(
    task: &Task<'_>,
    open: impl Fn() -> Result<WebSocket<S>, Failure>,
) -> Result<(), Failure> {
    let mut sockets = Vec::with_capacity(task.count + 1);
    let mut before = 0;
    for number in 0..=task.count {
        let mut socket = open()?;
        if task.workload == "idle-used" {
            socket.send(Message::text("hello"))?;
            socket.read()?;
        }
        sockets.push(socket);
        if number == 0 {
            before = resident_bytes()?;
        }
    }
    println!("memory {} connections {}", resident_bytes()? - before, task.count);
    Ok(())
}
