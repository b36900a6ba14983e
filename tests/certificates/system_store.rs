//! The system's trust store, as the environment names it: in processes of their own.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::site::Site;
use crate::workshop::Identity;

const CHILD: &str = "ANYWS_TEST_TRUST_STORE";

/// Connects in a process whose trust store is `store`; `with_roots` are given besides.
fn child(port: u16, store: &Path, with_roots: &Path) -> String {
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "system_store::the_store_that_the_environment_names_counts"])
        .arg("--nocapture")
        .env("SSL_CERT_FILE", store)
        .env_remove("SSL_CERT_DIR")
        .env(CHILD, format!("{port} {}", with_roots.display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ended.stdout);
    let told = text.lines().find_map(|line| line.split_once("told: "));
    told.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

fn connect_as_told(told: &str) {
    let (port, roots) = told.split_once(' ').unwrap();
    let mut client = Client::new(Mode::Callback);
    set_bytes(&client, WS_CONTROL_TRUSTED_CERTIFICATES, &std::fs::read(roots).unwrap_or_default());
    let result = connect(&mut client, &format!("wss://localhost:{port}/"));
    let text = client.error().text.map(|byte| byte as u8);
    let text = String::from_utf8_lossy(&text);
    println!("told: {:08X} {}", result.cast_unsigned(), text.trim_end_matches('\0'));
}

#[test]
fn the_store_that_the_environment_names_counts() {
    if let Ok(told) = std::env::var(CHILD) {
        return connect_as_told(&told);
    }
    let (root, other) = (Authority::new("the root"), Authority::new("another"));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let of_root = write("store-of-root.pem", &root.pem);
    let of_other = write("store-of-other.pem", &other.pem);
    let empty = write("store-empty.pem", "");
    let missing = directory.join("store-missing.pem");
    let leaf: Identity = root.issue(|_| {});
    let site = Site::of(&leaf);
    let port = site.address.port();
    assert_eq!(child(port, &of_root, &missing), "00000000 ");
    assert!(child(port, &of_other, &missing).starts_with("800B0109 "));
    // The given roots stand beside the store, and do without it.
    for store in [&of_other, &empty, &missing] {
        assert_eq!(child(port, store, &of_root), "00000000 ");
    }
    for store in [&empty, &missing] {
        let told = child(port, store, &missing);
        assert!(told.starts_with("80072F7D ") && told.contains("trust store"), "{told}");
    }
}
