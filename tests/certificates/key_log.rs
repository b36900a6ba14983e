//! The key log: in a process of its own, as it depends on the environment.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::site::Site;

const CHILD: &str = "ANYWS_TEST_LOGS_KEYS";

fn child(log: &Path, logs: &str) -> String {
    let _ = std::fs::remove_file(log);
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "key_log::secrets_are_written_only_when_it_is_asked_for", "--nocapture"])
        .env("SSLKEYLOGFILE", log)
        .env(CHILD, logs)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    std::fs::read_to_string(log).unwrap_or_default()
}

#[test]
fn secrets_are_written_only_when_it_is_asked_for() {
    if let Ok(logs) = std::env::var(CHILD) {
        let root = Authority::new("the root");
        let site = Site::of(&root.issue(|_| {}));
        let mut client = client_of(Mode::Callback, &root);
        if logs != "never set" {
            client.set(WS_CONTROL_TLS_KEY_LOG, logs.parse().unwrap());
        }
        assert_eq!(connect(&mut client, &site.uri("localhost")), WS_OK);
        return converse(&client);
    }
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("certificates-key-log.txt");
    assert_eq!(child(&log, "never set"), "");
    assert_eq!(child(&log, "0"), "");
    let written = child(&log, "1");
    for label in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        assert!(written.lines().any(|line| line.starts_with(label)), "{written}");
    }
    let _ = std::fs::remove_file(&log);
}
