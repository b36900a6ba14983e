//! What the local server says over one connection. The path of the request chooses:
//!
//! | path | what happens |
//! |---|---|
//! | `/echo`, any other | every message comes back as it was |
//! | `/greet` | the text `hello`, then echo |
//! | `/request`, `/request/…` | the request as it arrived, a text: target, then `name: value` lines; then echo |
//! | `/protocol` | the first offered subprotocol is selected, then echo |
//! | `/burst/COUNT/SIZE` | COUNT binary messages of SIZE bytes (byte i of message n is n + i modulo 256), then echo |
//! | `/count` | messages are swallowed; the text `stop` is answered with how many there were before it |
//! | `/ping` | a ping `are you there`, then echo |
//! | `/ping/report` | the same, and the pong is reported as the text `pong are you there` |
//! | `/frames` | every frame comes back as it was, final or not |
//! | `/deflate` | the same, and an offer of permessage-deflate is agreed to |
//! | `/fall-silent/COUNT` | COUNT pings are answered, then nothing |
//! | `/store` | eight bytes of length and so many bytes, in messages of any size, are answered with their FNV-1a in eight bytes and then sent back, in messages of other sizes; then echo |
//! | `/close/CODE/REASON` | a close frame at once; code 0 leaves it empty; the reason is percent-decoded |
//! | `/drop` | the first message ends the TCP connection, without a close frame |
//! | `/stall` | nothing is ever read |
//! | `/status/CODE` | the upgrade is refused with that status (not 2xx), `X-Test: yes` and a short body |
//! | `/silent-upgrade` | the request is never answered |

use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket, accept_hdr_with_config};

use crate::frames;
use crate::listeners::{Wire, discard};

/// The longest a `/stall` connection keeps its thread.
const STALL: Duration = Duration::from_secs(300);
const PING: &str = "are you there";
/// What `/store` sends back in one message.
const STORED_MESSAGE_BYTES: usize = 300_000;

/// Upgrades and converses until the connection ends, whoever ends it.
pub fn hold(wire: &mut impl Wire) {
    let Ok(socket) = wire.socket().try_clone() else { return };
    let mut target = String::new();
    let mut request_text = String::new();
    #[expect(clippy::result_large_err, reason = "tungstenite fixes the type of the refusal")]
    let answer = |request: &Request, response: Response| {
        target = request.uri().path().to_owned();
        request_text = describe(request);
        match segments(&target).as_slice() {
            ["silent-upgrade"] => {
                discard(&socket);
                Ok(response)
            }
            ["status", code] => Err(refusal(code)),
            ["protocol"] => Ok(with_first_protocol(request, response)),
            ["deflate"] => Ok(with_compression(request, response)),
            _ => Ok(response),
        }
    };
    let unlimited = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    if let Ok(mut peer) = accept_hdr_with_config(&mut *wire, answer, Some(unlimited)) {
        // Every conversation ends in an error of tungstenite: its word for a closed connection.
        let _ = talk(&mut peer, &target, request_text);
    }
}

type Peer<'a, W> = WebSocket<&'a mut W>;

fn talk<W: Wire>(peer: &mut Peer<'_, W>, target: &str, request: String) -> Result<(), Error> {
    match segments(target).as_slice() {
        ["greet"] => peer.send(Message::text("hello"))?,
        ["request", ..] => peer.send(Message::text(request))?,
        ["burst", count, size] => burst(peer, number(count), number(size))?,
        ["count"] => return count(peer),
        ["ping"] => peer.send(Message::Ping(PING.into()))?,
        ["ping", "report"] => return report_pong(peer),
        ["frames" | "deflate"] => return frames::reflect(peer.get_mut()),
        ["fall-silent", count] => return frames::fall_silent(peer.get_mut(), number(count)),
        ["store"] => store(peer)?,
        ["close", code] => close(peer, number(code), "")?,
        ["close", code, reason] => close(peer, number(code), reason)?,
        ["drop"] => return drop_at_first_message(peer),
        ["stall"] => {
            thread::park_timeout(STALL);
            return Ok(());
        }
        _ => {}
    }
    echo(peer)
}

fn echo<W: Wire>(peer: &mut Peer<'_, W>) -> Result<(), Error> {
    loop {
        let message = peer.read()?;
        if message.is_text() || message.is_binary() {
            peer.send(message)?;
        }
    }
}

fn burst<W: Wire>(peer: &mut Peer<'_, W>, count: usize, size: usize) -> Result<(), Error> {
    for index in 0..count {
        let bytes = (0..size).map(|position| ((index + position) % 256) as u8).collect::<Vec<_>>();
        peer.write(Message::binary(bytes))?;
    }
    peer.flush()
}

fn count<W: Wire>(peer: &mut Peer<'_, W>) -> Result<(), Error> {
    let mut count = 0_u64;
    loop {
        match peer.read()? {
            Message::Text(text) if text.as_str() == "stop" => {
                peer.send(Message::text(count.to_string()))?;
                count = 0;
            }
            Message::Text(_) | Message::Binary(_) => count += 1,
            _ => {}
        }
    }
}

fn report_pong<W: Wire>(peer: &mut Peer<'_, W>) -> Result<(), Error> {
    peer.send(Message::Ping(PING.into()))?;
    loop {
        match peer.read()? {
            Message::Pong(payload) => {
                let payload = String::from_utf8_lossy(&payload).into_owned();
                peer.send(Message::text(format!("pong {payload}")))?;
            }
            message if message.is_text() || message.is_binary() => peer.send(message)?,
            _ => {}
        }
    }
}

fn store<W: Wire>(peer: &mut Peer<'_, W>) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while bytes.first_chunk().is_none_or(|len| bytes.len() as u64 - 8 < u64::from_be_bytes(*len)) {
        bytes.extend_from_slice(&peer.read()?.into_data());
    }
    let content = bytes.get(8..).unwrap_or_default();
    let sum = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    peer.send(Message::binary(sum.to_be_bytes().to_vec()))?;
    for piece in content.chunks(STORED_MESSAGE_BYTES) {
        peer.send(Message::binary(piece.to_vec()))?;
    }
    Ok(())
}

fn close<W: Wire>(peer: &mut Peer<'_, W>, code: usize, reason: &str) -> Result<(), Error> {
    let code = u16::try_from(code).unwrap_or_default();
    let frame = CloseFrame { code: CloseCode::from(code), reason: decoded(reason).into() };
    peer.close((code != 0).then_some(frame))
}

fn drop_at_first_message<W: Wire>(peer: &mut Peer<'_, W>) -> Result<(), Error> {
    loop {
        let message = peer.read()?;
        if message.is_text() || message.is_binary() {
            return Ok(peer.get_ref().socket().shutdown(Shutdown::Both)?);
        }
    }
}

fn refusal(code: &str) -> ErrorResponse {
    let body = format!("refused with status {code}\n");
    let mut response = ErrorResponse::new(None);
    *response.status_mut() =
        StatusCode::from_bytes(code.as_bytes()).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert("X-Test", HeaderValue::from_static("yes"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    *response.body_mut() = Some(body);
    response
}

fn with_first_protocol(request: &Request, mut response: Response) -> Response {
    let offered = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
    let first = offered
        .and_then(|list| list.to_str().ok())
        .and_then(|list| list.split(',').next())
        .and_then(|token| HeaderValue::from_str(token.trim()).ok());
    if let Some(first) = first {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, first);
    }
    response
}

fn with_compression(request: &Request, mut response: Response) -> Response {
    let offered = request.headers().get(header::SEC_WEBSOCKET_EXTENSIONS);
    let is_offered = offered
        .and_then(|list| list.to_str().ok())
        .is_some_and(|list| list.starts_with("permessage-deflate"));
    if is_offered {
        let agreed = HeaderValue::from_static("permessage-deflate");
        response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, agreed);
    }
    response
}

fn describe(request: &Request) -> String {
    let mut text = format!("{}\n", request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// Nonsense in a path counts as nothing, and the test that sent it sees that.
fn number(text: &str) -> usize {
    text.parse().unwrap_or_default()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let byte = escape.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        rest = if byte.is_some() { escape.get(2..).unwrap_or_default() } else { escape };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
