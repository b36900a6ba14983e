//! The environment's proxies. Variables belong to a whole process, so each case has one of its own,
//! which is this test's program again; servers and proxies stay in the first one.

use std::ffi::CString;
use std::process::Command;

use anyws::ffi::controls::ws_set_control_string;
use anyws::ffi::socket::{ws_connect_wait, ws_message_socket_new};

use super::*;
use crate::proxy::{OPEN, Proxy};
use crate::site::header;
use crate::support::client::last_error_message;
use crate::support::server::{Server, Tls};

const NAME: &str = "environment::the_environment_names_a_proxy_and_exceptions_from_it";
/// For the process of its own: where to, and what the control says.
const TARGET: &str = "ANYWS_TEST_TARGET";
const CONTROL: &str = "ANYWS_TEST_CONTROL";

const VARIABLES: [&str; 9] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUEST_METHOD",
];

/// Connects in a process of its own with these variables and no other of their kind.
fn connect(target: &str, variables: &[(&str, &str)]) -> (ws_result, ws_error_phase) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", NAME, "--nocapture", "--test-threads=1"]).env(TARGET, target);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{variables:?}: {text}{complaints}");
    let (_, answer) = text.split_once("came to ").expect(&text);
    let mut words = answer.split_whitespace();
    (words.next().unwrap().parse().unwrap(), words.next().unwrap().parse().unwrap())
}

/// What the process of its own does.
fn connect_alone(target: &str) {
    let socket = ws_message_socket_new();
    assert!(!socket.is_null(), "{}", last_error_message());
    if let Ok(proxy) = std::env::var(CONTROL) {
        let proxy = CString::new(proxy).unwrap();
        assert_eq!(ws_set_control_string(socket, WS_CONTROL_PROXY, proxy.as_ptr()), WS_OK);
    }
    let target = CString::new(target).unwrap();
    let result = ws_connect_wait(socket, target.as_ptr(), 30_000);
    let mut error: ws_error = unsafe { std::mem::zeroed() };
    error.struct_size = size_of::<ws_error>() as u32;
    assert_eq!(anyws::ffi::information::ws_get_error(socket, &raw mut error), WS_OK);
    println!("\ncame to {result} {}", error.phase);
}

#[test]
fn the_environment_names_a_proxy_and_exceptions_from_it() {
    if let Ok(target) = std::env::var(TARGET) {
        return connect_alone(&target);
    }
    let origin = Server::echo(Tls::No);
    let proxy = Proxy::open(Tls::No, origin.address);
    let login = format!("Basic {}", data_encoding::BASE64.encode(b"user:p@ss"));
    let guarded = Proxy::answering(
        Tls::No,
        move |request| match header(request, "Proxy-Authorization") {
            Some(answer) if answer == login => OPEN.to_owned(),
            _ => "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\r\n".to_owned(),
        },
        origin.address,
    );
    let (uri, place) = (proxy.uri(), proxy.address().to_string());
    let (uri, place) = (uri.as_str(), place.as_str());
    let with_login = guarded.uri().replace("//", "//user:p%40ss@");
    let target = "ws://game.origin.invalid:8080/";
    let direct = (WS_E_NAME_NOT_RESOLVED, WS_ERROR_PHASE_NAME);
    let through = (WS_OK, WS_ERROR_PHASE_NONE);
    let unusable = (WS_E_PROXY_SERVER_UNREACHABLE, WS_ERROR_PHASE_PROXY);
    let socks = "socks5h://127.0.0.1:1";
    for (variables, expected) in [
        (&[][..], direct),
        (&[("http_proxy", uri)], through),
        (&[("HTTP_PROXY", uri)], through),
        (&[("all_proxy", uri)], through),
        (&[("ALL_PROXY", uri)], through),
        (&[("http_proxy", place)], through),
        (&[("http_proxy", &with_login)], through),
        (&[("https_proxy", uri)], direct),
        // The lower case wins, and the scheme's own variable.
        (&[("http_proxy", uri), ("HTTP_PROXY", socks)], through),
        (&[("http_proxy", uri), ("all_proxy", socks)], through),
        (&[("http_proxy", ""), ("all_proxy", uri)], direct),
        // A program behind a web server gets the visitor's header there.
        (&[("HTTP_PROXY", uri), ("REQUEST_METHOD", "GET")], direct),
        (&[("http_proxy", uri), ("no_proxy", "origin.invalid")], direct),
        (&[("http_proxy", uri), ("NO_PROXY", "a.b, .origin.invalid")], direct),
        (&[("http_proxy", uri), ("no_proxy", "origin.invalid:8080")], direct),
        (&[("http_proxy", uri), ("no_proxy", "*")], direct),
        (&[("http_proxy", uri), ("no_proxy", "origin.invalid:80,gin.invalid")], through),
        (&[("http_proxy", uri), ("no_proxy", ""), ("NO_PROXY", "*")], through),
        (&[("http_proxy", uri), (CONTROL, "direct:")], direct),
        (&[("http_proxy", socks), (CONTROL, uri)], through),
        (&[("http_proxy", uri), ("no_proxy", "*"), (CONTROL, uri)], through),
        (&[("http_proxy", "gopher://x")], unusable),
        (&[("http_proxy", socks)], unusable),
    ] {
        let came_to = connect(target, variables);
        assert_eq!(came_to, expected, "{:#x} for {variables:?}", came_to.0);
        let asked = proxy.requests().len() + guarded.requests().len();
        assert_eq!(asked > 0, expected == through, "{variables:?}");
    }
    // This machine is reached without a proxy, unless the application itself says otherwise.
    let port = origin.address.port();
    for host in ["127.0.0.1", "localhost", "game.localhost"] {
        let target = format!("ws://{host}:{port}/");
        assert_eq!(connect(&target, &[("http_proxy", uri), ("all_proxy", uri)]), through);
        assert_eq!(proxy.requests().len(), 0, "{host}");
        assert_eq!(connect(&target, &[(CONTROL, uri)]), through);
        assert_eq!(proxy.requests().len(), 1, "{host}");
    }
}
