//! Servers written by others, as processes: started once, on ports of their own choice, and ended
//! with this process, because they watch their standard input. Knows where
//! scripts/require-peers.sh puts them; nothing about what is said.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Somebody else's implementation, at work.
pub struct Peer {
    pub name: &'static str,
    /// Without and with TLS, for each way of compressing.
    ports: Vec<[u16; 2]>,
    /// Its standard input is closed when this process ends, however it ends.
    _process: Child,
}

/// How a server compresses, if it is asked; in the order in which the servers print their ports.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Never,
    /// As that library does by itself.
    Default,
    /// With windows of 9 bits.
    Small,
    /// Nothing is kept between messages.
    Fresh,
    /// All messages, with a whole window.
    Always,
}

impl Peer {
    /// What to connect to for `path`, without and with TLS.
    pub fn uris(&self, path: &str) -> [String; 2] {
        self.compressing_uris(Way::Never, path)
    }

    /// The same where messages may be compressed.
    pub fn compressing_uris(&self, way: Way, path: &str) -> [String; 2] {
        let [plain, tls] = self.ports[way as usize];
        [format!("ws://127.0.0.1:{plain}{path}"), format!("wss://localhost:{tls}{path}")]
    }

    fn start(name: &'static str, command: &mut Command) -> Peer {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = spawned.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut line = String::new();
        let printed = process.stdout.take().unwrap();
        BufReader::new(printed).read_line(&mut line).unwrap();
        let ports: Vec<u16> = line.split_whitespace().map(|port| port.parse().unwrap()).collect();
        assert_eq!(ports.len(), 2 * (Way::Always as usize + 1), "{name} printed {line:?}");
        let ports = ports.chunks(2).map(|pair| [pair[0], pair[1]]).collect();
        Peer { name, ports, _process: process }
    }
}

/// Every server that could be had on this machine. What is missing is said aloud, once.
pub fn peers() -> &'static [Peer] {
    static PEERS: OnceLock<Vec<Peer>> = OnceLock::new();
    PEERS.get_or_init(|| {
        let pem = Pem::written();
        [python_websockets(&pem), npm_ws(&pem)].into_iter().flatten().collect()
    })
}

/// The authority that signed the servers' certificate.
pub fn authority_pem() -> &'static str {
    &authority().1
}

fn python_websockets(pem: &Pem) -> Option<Peer> {
    let python = root().join("build/peers/venv/bin/python");
    let usable = Command::new(&python).args(["-c", "import websockets"]).output();
    if !usable.is_ok_and(|output| output.status.success()) {
        return missing("Python websockets", &python);
    }
    let script = root().join("tests/interop/websockets_server.py");
    let arguments = [&script, &pem.certificate, &pem.key];
    Some(Peer::start("Python websockets", Command::new(python).args(arguments)))
}

fn npm_ws(pem: &Pem) -> Option<Peer> {
    let modules = root().join("build/peers/node_modules");
    let node = Command::new("node").arg("--version").output();
    if !modules.join("ws").is_dir() || !node.is_ok_and(|output| output.status.success()) {
        return missing("npm ws", &modules.join("ws"));
    }
    let script = root().join("tests/interop/ws_server.mjs");
    let arguments = [&script, &pem.certificate, &pem.key, &modules];
    Some(Peer::start("npm ws", Command::new("node").args(arguments)))
}

/// One loud line, past the capturing of a test's output.
fn missing(name: &str, place: &Path) -> Option<Peer> {
    let place = place.strip_prefix(root()).unwrap_or(place).display();
    let line = format!(
        "\nNOT TESTED against {name}: it does not run from {place}; scripts/require-peers.sh installs it\n"
    );
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The servers' certificate and its key, as files.
struct Pem {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pem {
    fn written() -> Pem {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let pem = Pem {
            certificate: directory.join("interop-certificate.pem"),
            key: directory.join("interop-key.pem"),
        };
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let leaf = rcgen::CertificateParams::new(names).unwrap();
        let certificate = leaf.signed_by(&key, &authority().0).unwrap();
        fs::write(&pem.certificate, certificate.pem()).unwrap();
        fs::write(&pem.key, key.serialize_pem()).unwrap();
        pem
    }
}

fn authority() -> &'static (rcgen::Issuer<'static, rcgen::KeyPair>, String) {
    static AUTHORITY: OnceLock<(rcgen::Issuer<'static, rcgen::KeyPair>, String)> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "anyws interop authority");
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        (rcgen::Issuer::new(params, key), pem)
    })
}
