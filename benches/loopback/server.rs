//! The server's listeners and its identity: one thread for each connection, quick enough never to be
//! what a client waits for. Each port speaks ws and wss, as the first byte says; on one of them TLS
//! sessions can be taken up again, on the other each begins anew.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Failure;
use crate::compressed;
use crate::conversation::converse;

const STACK_BYTES: usize = 256 * 1024;
/// The first byte of a TLS record with a handshake message.
const HANDSHAKE: u8 = 0x16;

/// Prints the two ports, that of sessions first, writes `authority.pem` and `messages.json`, and
/// serves until standard input ends.
pub fn serve(directory: &Path) -> Result<(), Failure> {
    std::fs::write(directory.join("messages.json"), compressed::messages())?;
    let tls = identity(directory)?;
    let mut without_sessions = tls.clone();
    without_sessions.session_storage = Arc::new(NoServerSessionStorage {});
    without_sessions.send_tls13_tickets = 0;
    let kept = TcpListener::bind("127.0.0.1:0")?;
    let fresh = TcpListener::bind("127.0.0.1:0")?;
    println!("{} {}", kept.local_addr()?.port(), fresh.local_addr()?.port());
    accept_all(kept, Arc::new(tls));
    accept_all(fresh, Arc::new(without_sessions));
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn identity(directory: &Path) -> Result<ServerConfig, Failure> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "anyws benchmark authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    std::fs::write(directory.join("authority.pem"), authority.pem())?;
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, "anyws benchmark server");
    let leaf = leaf.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    Ok(config)
}

#[cfg(feature = "ring")]
pub fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(not(feature = "ring"))]
pub fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn accept_all(listener: TcpListener, tls: Arc<ServerConfig>) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = Arc::clone(&tls);
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            // That a client goes away without a word is how it ends here.
            let spawned = thread.spawn(move || {
                let _ = serve_one(stream, tls);
            });
            if let Err(error) = spawned {
                eprintln!("loopback: no thread for a connection: {error}");
            }
        }
    });
}

fn serve_one(stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    if stream.peek(&mut first)? == 1 && first == [HANDSHAKE] {
        let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
        converse(StreamOwned::new(connection, stream))
    } else {
        converse(stream)
    }
}
