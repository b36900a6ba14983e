//! A server with the certificate, the TLS version and the demands that a test needs. It echoes.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rustls::server::{ServerSessionMemoryCache, WantsServerCert, WebPkiClientVerifier};
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
        Site::changing(Arc::new(Mutex::new(Arc::new(config))))
    }

    /// Each connection meets what is there then.
    pub fn changing(config: Arc<Mutex<Arc<ServerConfig>>>) -> Site {
        Site::with(config, |stream| {
            if let Some(mut peer) = accept(stream) {
                echo(&mut peer);
            }
        })
    }

    /// Does something else once TLS is up.
    pub fn acting(config: ServerConfig, act: impl Fn(Stream) + Send + Sync + 'static) -> Site {
        Site::with(Arc::new(Mutex::new(Arc::new(config))), act)
    }

    fn with(
        config: Arc<Mutex<Arc<ServerConfig>>>,
        act: impl Fn(Stream) + Send + Sync + 'static,
    ) -> Site {
        let (teller, clients): (Sender<Vec<Vec<u8>>>, _) = channel();
        let server = Server::accepting(crate::support::server::Tls::Good, move |tcp| {
            let config = Arc::clone(&config.lock().unwrap());
            if let Some(stream) = shake_hands(tcp, config, &teller) {
                act(stream);
            }
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
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let config = match demanded {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    with_key(config, identity)
}

/// It asks for a certificate of `authority`, and lets in who shows none.
pub fn asking(identity: &Identity, version: Version, authority: &Authority) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(authority), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap());
    with_key(config, identity)
}

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    Arc::new(roots)
}

fn with_key(
    config: rustls::ConfigBuilder<ServerConfig, WantsServerCert>,
    identity: &Identity,
) -> ServerConfig {
    let keys = rustls::crypto::ring::default_provider().key_provider;
    let key = keys.load_private_key(identity.private_key()).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(identity.chain.clone(), key));
    let mut config = config.with_cert_resolver(Arc::new(shown));
    config.session_storage = ServerSessionMemoryCache::new(256);
    config
}

fn shake_hands(
    tcp: TcpStream,
    config: Arc<ServerConfig>,
    teller: &Sender<Vec<Vec<u8>>>,
) -> Option<Stream> {
    tcp.set_nodelay(true).unwrap();
    let connection = rustls::ServerConnection::new(config).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).ok()?;
    }
    let chain = stream.conn.peer_certificates().unwrap_or_default();
    let _ = teller.send(chain.iter().map(|certificate| certificate.to_vec()).collect());
    Some(Stream::Secure(Box::new(stream)))
}
