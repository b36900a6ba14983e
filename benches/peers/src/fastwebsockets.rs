//! fastwebsockets over hyper, as its documentation has it: every message is written at once, no
//! limits.

mod client;
#[path = "../../loopback/measurement.rs"]
mod measurement;

use client::{Failure, Peer, Stream};
use fastwebsockets::{Frame, Payload, WebSocket, handshake};
use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

struct Connection(WebSocket<TokioIo<Upgraded>>);

/// Frames borrow what they carry.
#[derive(Clone, Copy)]
struct Message {
    payload: &'static [u8],
    is_text: bool,
}

impl Peer for Connection {
    type Message = Message;

    fn message(bytes: usize, is_text: bool) -> Message {
        Message { payload: vec![b'a'; bytes].leak(), is_text }
    }

    async fn open(uri: &str, stream: Stream) -> Result<Connection, Failure> {
        let uri = uri.parse::<hyper::Uri>()?;
        let host = uri.authority().ok_or("a URI without a host")?;
        let request = Request::builder()
            .uri(uri.path())
            .header(HOST, host.as_str())
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade")
            .header("Sec-WebSocket-Key", handshake::generate_key())
            .header("Sec-WebSocket-Version", "13")
            .body(Empty::<Bytes>::new())?;
        let (mut socket, _) = handshake::client(&Spawned, request, stream).await?;
        socket.set_max_message_size(usize::MAX);
        Ok(Connection(socket))
    }

    async fn feed(&mut self, message: Message) -> Result<(), Failure> {
        let payload = Payload::Borrowed(message.payload);
        let frame = match message.is_text {
            true => Frame::text(payload),
            false => Frame::binary(payload),
        };
        Ok(self.0.write_frame(frame).await?)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush().await?)
    }

    async fn receive(&mut self) -> Result<usize, Failure> {
        Ok(self.0.read_frame().await?.payload.len())
    }
}

/// Runs what hyper wants run beside the handshake.
struct Spawned;

impl<F> hyper::rt::Executor<F> for Spawned
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn(future);
    }
}

fn main() -> Result<(), Failure> {
    client::run::<Connection>()
}
