//! A process that has used up its descriptors: in one of its own, as the limit is the process's.

use std::process::Command;

use anyws::ffi::result::*;
use anyws::ffi::socket::ws_get_state;
use anyws::ffi::types::*;

use crate::support::client::{Client, Mode};
use crate::support::server::{Server, Tls};

const CHILD: &str = "ANYWS_TEST_DESCRIPTORS";

#[test]
fn without_descriptors_a_connect_fails_and_with_some_it_works_again() {
    let Ok(uri) = std::env::var(CHILD) else {
        let server = Server::echo(Tls::No);
        let name = "descriptors::without_descriptors_a_connect_fails_and_with_some_it_works_again";
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, server.uri())
            .output()
            .unwrap();
        return assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    };
    // The library's own are made with the first.
    drop(Client::connected(Mode::Callback, &uri));
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur = 64;
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    for host in ["127.0.0.1", "localhost"] {
        let mut client = Client::trusting(Mode::Callback);
        client.connect(&uri.replace("127.0.0.1", host));
        let result = client.connect_result();
        assert_eq!(result, WS_E_OUTOFMEMORY, "{result:#x}, {host}");
        let error = client.error();
        assert_eq!((error.result, error.web_error_status), (result, 0));
        assert_ne!(error.text[0], 0);
        assert_eq!(ws_get_state(client.socket), WS_STATE_CREATED);
    }
    drop(taken);
    let client = Client::connected(Mode::Callback, &uri);
    assert_eq!(client.send_text("room again"), WS_OK);
    assert_eq!(client.next_text(), "room again");
}
