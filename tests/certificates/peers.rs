//! Mutual TLS with servers that others wrote, Python's `websockets` and npm's `ws`, in both
//! versions of TLS. scripts/require-peers.sh installs them; against one that is not there nothing
//! is tested, and a line says so.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::support::client::MODES;

struct Peer {
    name: &'static str,
    /// Of TLS 1.2 and 1.3.
    ports: Vec<u16>,
    /// Ends with its standard input.
    _process: Child,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes what the servers need: their chain, their key, and whose clients they let in.
fn written(servers: &Authority, clients: &Authority) -> [PathBuf; 3] {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let leaf = servers.issue(|_| {});
    [
        ("mutual-certificate.pem", leaf.chain_pem()),
        ("mutual-key.pem", leaf.key().serialize_pem()),
        ("mutual-clients.pem", clients.pem.clone()),
    ]
    .map(|(name, text)| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    })
}

fn peers(files: &[PathBuf; 3]) -> Vec<Peer> {
    let python = root().join("build/peers/venv/bin/python");
    let modules = root().join("build/peers/node_modules");
    let mut websockets = Command::new(&python);
    websockets.arg(root().join("tests/certificates/mutual_server.py")).args(files);
    let mut ws = Command::new("node");
    ws.arg(root().join("tests/certificates/mutual_server.mjs")).args(files).arg(&modules);
    let has_websockets = python.exists();
    let has_ws = modules.join("ws").is_dir();
    [("Python websockets", websockets, has_websockets), ("npm ws", ws, has_ws)]
        .into_iter()
        .filter_map(|(name, command, is_there)| {
            if !is_there {
                let line = format!("\nNOT TESTED against {name}: it is not installed\n");
                std::io::stderr().write_all(line.as_bytes()).unwrap();
                return None;
            }
            Some(start(name, command))
        })
        .collect()
}

fn start(name: &'static str, mut command: Command) -> Peer {
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ports = line.split_whitespace().map(|port| port.parse().unwrap()).collect();
    Peer { name, ports, _process: process }
}

#[test]
fn others_servers_get_our_certificate_or_say_what_is_wrong() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let good = clients.issue(|_| {}).pem();
    let foreign = Authority::new("nobody").issue(|_| {}).pem();
    for peer in peers(&written(&servers, &clients)) {
        for port in &peer.ports {
            let uri = format!("wss://localhost:{port}/");
            for mode in MODES {
                let place = format!("{}, {uri}, {mode:?}", peer.name);
                for (certificate, result) in [
                    (Some(&good), WS_OK),
                    (None, WS_E_CLIENT_AUTH_CERT_NEEDED),
                    (Some(&foreign), WS_E_SECURITY_CHANNEL_ERROR),
                ] {
                    let mut client = client_of(mode, &servers);
                    if let Some(pem) = certificate {
                        set_bytes(&client, WS_CONTROL_CLIENT_CERTIFICATE, pem.as_bytes());
                    }
                    let got = connect(&mut client, &uri);
                    assert_eq!(got, result, "{got:#x}, {place}: {}", sentence(&client));
                    if got == WS_OK {
                        client.begin_pulling();
                        converse(&client);
                    } else {
                        assert_eq!(client.error().phase, WS_ERROR_PHASE_TLS, "{place}");
                    }
                }
            }
        }
    }
}

fn sentence(client: &Client) -> String {
    let text = client.error().text.map(|byte| byte as u8);
    String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned()
}
