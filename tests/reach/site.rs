//! A web site: what it answers is decided for each request, and every request is told.

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};

use tungstenite::WebSocket;
use tungstenite::protocol::{Role, WebSocketConfig};

use crate::support::server::{
    Server, Stream, Tls, answer_upgrade, echo, finish, read_out, read_request,
};

pub enum Reply {
    /// Upgraded, and every message comes back.
    Echo,
    /// These bytes, and our end of the connection.
    Text(String),
    /// These bytes, and nothing more: the connection stays open.
    Open(String),
}

/// The requests in the order they arrived; `answer` is given each.
pub fn site(
    tls: Tls,
    answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> (Server, Receiver<String>) {
    let (teller, told) = channel();
    let server = Server::raw(tls, move |mut stream| {
        let request = read_request(&mut stream);
        if request.is_empty() {
            return;
        }
        let _ = teller.send(request.clone());
        match answer(&request) {
            Reply::Echo => converse(stream, &request),
            Reply::Open(text) => {
                let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
                read_out(&mut stream);
            }
            Reply::Text(text) => {
                let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
                finish(&mut stream);
                read_out(&mut stream);
            }
        }
    });
    (server, told)
}

fn converse(mut stream: Stream, request: &str) {
    answer_upgrade(&mut stream, request, "", b"");
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    echo(&mut WebSocket::from_raw_socket(stream, Role::Server, Some(config)));
}

pub fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

/// The value of a header of a request; names as they are written.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

pub fn redirect(status: u32, location: &str) -> Reply {
    Reply::Text(format!(
        "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 5\r\n\r\nthere"
    ))
}

/// 401 with these challenges, one line each.
pub fn challenge(challenges: &[&str]) -> Reply {
    let lines: String =
        challenges.iter().map(|value| format!("WWW-Authenticate: {value}\r\n")).collect();
    Reply::Text(format!("HTTP/1.1 401 Who Are You\r\n{lines}Content-Length: 0\r\n\r\n"))
}

/// Everything that has been told by now.
pub fn all(told: &Receiver<String>) -> Vec<String> {
    told.try_iter().collect()
}
