//! tokio-websockets: messages are fed and flushed together, no limits.

mod client;
#[path = "../../loopback/measurement.rs"]
mod measurement;

use client::{Failure, Peer, Stream};
use futures_util::{SinkExt, StreamExt};
use tokio_websockets::{ClientBuilder, Limits, Message, WebSocketStream};

struct Connection(WebSocketStream<Stream>);

impl Peer for Connection {
    type Message = Message;

    fn message(bytes: usize, is_text: bool) -> Message {
        match is_text {
            true => Message::text("a".repeat(bytes)),
            false => Message::binary(vec![b'a'; bytes]),
        }
    }

    async fn open(uri: &str, stream: Stream) -> Result<Connection, Failure> {
        let builder = ClientBuilder::new().uri(uri)?.limits(Limits::unlimited());
        Ok(Connection(builder.connect_on(stream).await?.0))
    }

    async fn feed(&mut self, message: Message) -> Result<(), Failure> {
        Ok(self.0.feed(message).await?)
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(SinkExt::<Message>::flush(&mut self.0).await?)
    }

    async fn receive(&mut self) -> Result<usize, Failure> {
        let message = self.0.next().await.ok_or("the connection ended")??;
        Ok(message.as_payload().len())
    }
}

fn main() -> Result<(), Failure> {
    client::run::<Connection>()
}
