//! The application's side of a stream socket: bytes in and out, one read and one write at a time.
//! Its buffers are borrowed until an operation has ended, and are read and filled in place.

use std::sync::Arc;
use std::time::Duration;

use crate::base::lock::lock;
use crate::protocol::MessageKind;
use crate::protocol::frame::Opcode;

use super::error::{Cause, Error, Misuse, Phase};
use super::inbox::End;
use super::incoming::{Reading, Target};
use super::link::{Link, SocketKind};
use super::sink::{Completion, READ, Sink, WRITE, Waiter, Woken};
use super::socket::{NOT_CONNECTED, Socket, refuse_on_event_loop};
use super::staging::{Item, Lent};
use super::state::State;

/// How a waiting call ended, and how many bytes it moved all the same.
pub type Moved = (Result<(), Error>, u64);

impl Socket {
    pub fn check_kind(&self, kind: SocketKind) -> Result<(), Misuse> {
        match (kind, self.link.kind == kind) {
            (_, true) => Ok(()),
            (SocketKind::Message, _) => Err(Misuse::IllegalState(
                "socket is a stream socket, which reads and writes bytes, not messages",
            )),
            (SocketKind::Stream, _) => Err(Misuse::IllegalState(
                "socket is a message socket, which sends and receives messages, not bytes",
            )),
        }
    }

    /// Begins to fill `target`, or to put at least a byte into it. `true`: the connection is over and
    /// with it the session, so that the caller has to hand a sink to `tell_reads`.
    pub fn read(
        &self,
        target: Box<dyn Target>,
        is_partial: bool,
        completion: Completion,
    ) -> Result<bool, Misuse> {
        self.check_kind(SocketKind::Stream)?;
        match self.state() {
            State::Created => return Err(NOT_CONNECTED),
            State::Connecting => return Err(Misuse::IllegalState("the socket is not open yet")),
            State::Open | State::Closing | State::Closed => {}
        }
        if !self.link.incoming().begin(Reading::new(target, is_partial, completion))? {
            return Ok(false);
        }
        // The session looks once more after it has made the state this one.
        if self.state() == State::Closed {
            return Ok(true);
        }
        if !self.link.is_in_turn() {
            self.link.kick();
        }
        Ok(false)
    }

    /// Tells of reads that have ended, on the I/O thread.
    pub fn tell_reads(&self, mut sink: Box<dyn Sink>) {
        let home = sink.home();
        if let Some(remote) = self.link.remote() {
            remote.run(Box::new(move || home.tell_reads(&mut *sink)));
        }
    }

    pub fn read_wait(
        &self,
        target: Box<dyn Target>,
        is_partial: bool,
        timeout: Option<Duration>,
    ) -> Result<Moved, (Misuse, u64)> {
        refuse_on_event_loop().map_err(|misuse| (misuse, 0))?;
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        let waiter = Arc::new(Waiter::default());
        self.read(target, is_partial, Completion::Waiter(Arc::clone(&waiter)))
            .map_err(|misuse| (misuse, 0))?;
        loop {
            self.link.read_on_loan(deadline);
            match waiter.wait_for_call(deadline) {
                Woken::Ended(outcome) => return Ok(moved(outcome, &waiter)),
                Woken::Called => {}
                Woken::TimedOut => break,
            }
        }
        match self.link.incoming().take_back() {
            Some(bytes) => Err((Misuse::TimedOut, bytes)),
            // It ended at the last moment.
            None => match waiter.wait(None) {
                Some(outcome) => Ok(moved(outcome, &waiter)),
                None => Err((Misuse::TimedOut, 0)),
            },
        }
    }

    /// Begins to write `lent` as one binary message.
    pub fn write(&self, lent: Box<dyn Lent>, completion: Completion) -> Result<(), Misuse> {
        self.check_kind(SocketKind::Stream)?;
        self.check_open()?;
        let mut outgoing = lock(&self.link.outgoing);
        if outgoing.has_ended() {
            return Err(Misuse::Closed);
        }
        if outgoing.is_writing {
            return Err(Misuse::Busy("a write of this socket is under way"));
        }
        let Some(staging) = &outgoing.staging else { return Err(Misuse::Closed) };
        let deflates = staging.can_deflate() && self.link.deflates(lent.bytes().len());
        outgoing.is_writing = true;
        let opcode = Opcode::Message(MessageKind::Binary);
        let item = Item::new(opcode, true, deflates, Some((WRITE, completion)));
        self.link.stage_lent(outgoing, item, lent);
        Ok(())
    }

    pub fn write_wait(
        &self,
        lent: Box<dyn Lent>,
        timeout: Option<Duration>,
    ) -> Result<Moved, Misuse> {
        refuse_on_event_loop()?;
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        let waiter = Arc::new(Waiter::default());
        self.write(lent, Completion::Waiter(Arc::clone(&waiter)))?;
        if let Some(outcome) = waiter.wait(deadline) {
            return Ok(moved(outcome, &waiter));
        }
        let mut outgoing = lock(&self.link.outgoing);
        if outgoing.cancel(WRITE).is_some() {
            outgoing.is_writing = false;
            return Err(Misuse::TimedOut);
        }
        if outgoing.is_writing {
            // Half a message cannot be taken back, and its other half is the caller's again.
            outgoing.withdraw_lent();
            outgoing.outbox.end();
            outgoing.error = Some(std::io::ErrorKind::TimedOut.into());
            drop(outgoing);
            self.link.kick();
            return Err(Misuse::TimedOut);
        }
        drop(outgoing);
        match waiter.wait(Some(crate::reactor::now())) {
            Some(outcome) => Ok(moved(outcome, &waiter)),
            None => Err(Misuse::TimedOut),
        }
    }
}

fn moved(outcome: Result<u64, Error>, waiter: &Waiter) -> Moved {
    match outcome {
        Ok(bytes) => (Ok(()), bytes),
        Err(error) => (Err(error), waiter.done()),
    }
}

impl Link {
    /// Tells of the reads that have ended; one that a callback begins may have ended, too.
    pub fn tell_reads(&self, sink: &mut dyn Sink) {
        for one in self.incoming().take_finished() {
            if let Completion::Event(cookie) = one.completion {
                sink.completed(READ, cookie, one.error.as_ref(), one.bytes);
            }
        }
    }

    /// The application ended the connection, or let go of the socket: nobody reads any more, and
    /// afterwards its buffers are not touched. Writes that have not left will not.
    pub fn withdraw_buffers(&self, end: End) {
        if self.kind != SocketKind::Stream {
            return;
        }
        if matches!(end, End::Freed) {
            let withdrawn = lock(&self.outgoing).withdraw_lent();
            for one in withdrawn {
                if let Completion::Waiter(waiter) = one.completion {
                    waiter.finish(Err(Error::new(Phase::Closing, Cause::Aborted)));
                }
            }
        }
        if self.incoming().end(end) && !self.is_in_turn() {
            self.kick();
        }
    }
}
