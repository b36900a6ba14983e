//! Servers that stop in the middle: a part of a TLS flight, of an answer, of a greeting.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::support::client::Client;
use crate::support::server::{Server, Stream, Tls, read_out};
use anyws::ffi::controls::ws_set_control_bytes;
use anyws::ffi::result::WS_OK;
use anyws::ffi::types::WS_CONTROL_TRUSTED_CERTIFICATES;

/// A server that does as `act` says, tells so, and is silent until the client has gone.
pub fn silent_after(
    tls: Tls,
    act: impl Fn(&mut Stream) + Send + Sync + 'static,
) -> (Server, Receiver<()>) {
    let (teller, reached) = channel();
    let teller = Mutex::new(teller);
    let server = Server::raw(tls, move |mut stream| {
        act(&mut stream);
        let _ = teller.lock().unwrap().send(());
        // Whether or not there is TLS, the bytes below it end with the connection.
        read_out(&mut Stream::new(stream.tcp().try_clone().unwrap(), Tls::No));
    });
    (server, reached)
}

/// A link that lets `limit` bytes of the server through, and then no more.
pub fn cut_off(server: &Server, limit: usize) -> (Server, Receiver<()>) {
    let to = server.address;
    let (teller, reached) = channel();
    let teller = Mutex::new(teller);
    let link = Server::accepting(server.tls, move |client| {
        pass(client, to, limit, &teller.lock().unwrap().clone());
    });
    (link, reached)
}

fn pass(mut client: TcpStream, to: SocketAddr, limit: usize, teller: &Sender<()>) {
    let mut server = TcpStream::connect(to).unwrap();
    let (mut from, mut onwards) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let forth = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut onwards);
        let _ = onwards.shutdown(std::net::Shutdown::Both);
    });
    // The byte behind the limit tells that the client has all that it will get.
    let mut passed = 0;
    let mut buffer = [0; 4096];
    while passed <= limit {
        let Ok(count @ 1..) = server.read(&mut buffer) else { break };
        let allowed = count.min(limit - passed);
        client.write_all(&buffer[..allowed]).unwrap();
        passed += count;
    }
    let _ = teller.send(());
    let _ = forth.join();
}

/// A server of TLS 1.2, whose second flight comes after the client has accepted its certificate.
pub struct Older {
    config: Arc<rustls::ServerConfig>,
    authority: String,
}

impl Older {
    pub fn new() -> Older {
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(params, key);
        let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Older { config: Arc::new(config), authority }
    }

    /// Stops before its last flight.
    pub fn without_its_last_word(&self) -> (Server, Receiver<()>) {
        let (teller, reached) = channel();
        let teller = Mutex::new(teller);
        let config = Arc::clone(&self.config);
        let server = Server::accepting(Tls::Good, move |mut tcp| {
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut flights = 0;
            while flights < 2 {
                if tls.read_tls(&mut tcp).unwrap_or(0) == 0 {
                    return;
                }
                tls.process_new_packets().unwrap();
                if !tls.wants_write() {
                    continue;
                }
                flights += 1;
                while flights == 1 && tls.wants_write() {
                    tls.write_tls(&mut tcp).unwrap();
                }
            }
            let _ = teller.lock().unwrap().send(());
            read_out(&mut Stream::new(tcp, Tls::No));
        });
        (server, reached)
    }

    pub fn trust(&self, client: &Client) {
        let pem = self.authority.as_bytes();
        let control = WS_CONTROL_TRUSTED_CERTIFICATES;
        let set = ws_set_control_bytes(client.socket, control, pem.as_ptr().cast(), pem.len());
        assert_eq!(set, WS_OK);
    }
}
