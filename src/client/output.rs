//! A socket's output as a data writer sees it: what a store becomes, and an end of its own, after
//! which the socket only receives. It knows no writer, and nothing of who owns the output.

use std::sync::Arc;
use std::time::Duration;

use crate::base::lock::lock;
use crate::protocol::MessageKind;

use super::controls::Control;
use super::error::{Error, Misuse};
use super::link::SocketKind;
use super::sink::{Completion, Cookie};
use super::socket::Socket;

impl Socket {
    /// Whether a store would be accepted, if there is room.
    pub fn check_output(&self) -> Result<(), Misuse> {
        self.check_open()?;
        if lock(&self.link.outgoing).has_ended() { Err(Misuse::Closed) } else { Ok(()) }
    }

    /// From now on nothing but pings and the close frame is accepted. What was accepted before
    /// still leaves, and receiving goes on.
    pub fn close_output(&self) {
        {
            let mut outgoing = lock(&self.link.outgoing);
            outgoing.is_output_closed = true;
            self.link.decide_straight(&mut outgoing);
        }
        self.link.wake_senders();
    }

    pub fn store(&self, bytes: &[u8]) -> Result<(), Misuse> {
        self.send(self.kind_of_store(), bytes)
    }

    /// `under_way` is dropped when the bytes have left or never will.
    pub fn store_async(
        &self,
        bytes: &[u8],
        cookie: Cookie,
        under_way: Arc<()>,
        number_known: impl FnMut(u64),
    ) -> Result<(), Misuse> {
        let completion = Completion::Store(cookie, under_way);
        self.send_async(self.kind_of_store(), bytes, completion, number_known)
    }

    pub fn store_wait(
        &self,
        bytes: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Result<(), Error>, Misuse> {
        self.send_wait(self.kind_of_store(), bytes, timeout)
    }

    /// Here the kind of the socket decides what a store is: of a message socket one message, of
    /// the type that its control names at this moment; of a stream socket more of its bytes.
    fn kind_of_store(&self) -> MessageKind {
        match self.link.controls.integer(Control::MessageType) {
            _ if self.link.kind == SocketKind::Stream => MessageKind::Binary,
            0 => MessageKind::Binary,
            _ => MessageKind::Text,
        }
    }
}
