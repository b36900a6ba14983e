//! A server with the certificate, the TLS version and the demands that a test needs. It echoes.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::support::server::{Server, Stream, accept, echo};
use crate::workshop::{Authority, Identity};

pub type Version = &'static SupportedProtocolVersion;

pub const VERSIONS: [Version; 2] = [&TLS12, &TLS13];

pub struct Site {
    pub address: SocketAddr,
    _server: Server,
    /// Of every connection that came to the end of its TLS handshake: the client's chain.
    pub clients: Receiver<Vec<Vec<u8>>>,
}

impl Site {
    pub fn of(identity: &Identity) -> Site {
        Site::serving(config(identity, rustls::ALL_VERSIONS, None))
    }

    pub fn with_version(identity: &Identity, version: Version) -> Site {
        Site::serving(config(identity, &[version], None))
    }

    /// Whoever connects has to show a certificate of `authority`.
    pub fn demanding(identity: &Identity, version: Version, authority: &Authority) -> Site {
        Site::serving(config(identity, &[version], Some(authority)))
    }

    pub fn serving(config: ServerConfig) -> Site {
        let (teller, clients): (Sender<Vec<Vec<u8>>>, _) = channel();
        let config = Arc::new(config);
        let server = Server::accepting(crate::support::server::Tls::Good, move |tcp| {
            serve(tcp, &config, &teller);
        });
        Site { address: server.address, _server: server, clients }
    }

    pub fn uri(&self, host: &str) -> String {
        format!("wss://{host}:{}/", self.address.port())
    }
}

pub fn config(
    identity: &Identity,
    versions: &[Version],
    demanded: Option<&Authority>,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = provider.key_provider.load_private_key(identity.private_key()).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(identity.chain.clone(), key));
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let config = match demanded {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = config.with_cert_resolver(Arc::new(shown));
    config.session_storage = ServerSessionMemoryCache::new(256);
    config
}

fn serve(tcp: TcpStream, config: &Arc<ServerConfig>, teller: &Sender<Vec<Vec<u8>>>) {
    tcp.set_nodelay(true).unwrap();
    let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, tcp);
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            return;
        }
    }
    let chain = stream.conn.peer_certificates().unwrap_or_default();
    let _ = teller.send(chain.iter().map(|certificate| certificate.to_vec()).collect());
    if let Some(mut peer) = accept(Stream::Secure(Box::new(stream))) {
        echo(&mut peer);
    }
}
