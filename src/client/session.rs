//! One socket on its event loop, from connect to the last event: the only driver in the house.
//!
//! Every turn goes the same way: commands, bytes that have arrived, events, bytes to send, timers.
//! What happens on an open connection is in `open`; how it ends is here.

use std::sync::Arc;
use std::time::Instant;

use crate::base::lock::lock;
use crate::base::trace::{self, Level};
use crate::reactor::{Next, Task, Turn};

use super::connecting::{Connecting, Progress};
use super::error::{Cause, Error, Phase};
use super::inbox::End;
use super::link::{Commands, Link, SocketKind};
use super::open::{Open, Outcome};
use super::request::Request;
use super::resting::Resting;
use super::sink::{CONNECT, Closed, Completion, Sink, Verdict};
use super::state::State;

pub struct Session<S> {
    link: Arc<Link>,
    sink: S,
    stage: Stage,
    has_begun: bool,
}

enum Stage {
    /// And who hears of how it ends.
    Connecting(Box<Connecting>, Option<Completion>),
    Open(Box<Open>),
    /// Open, and nothing is under way.
    Resting(Resting),
    Gone,
}

impl<S: Sink> Session<S> {
    pub fn new(
        link: Arc<Link>,
        sink: S,
        request: Box<Request>,
        connect: Option<Completion>,
    ) -> Session<S> {
        link.statistics.begin();
        let connecting = Connecting::new(request, crate::reactor::now());
        let stage = Stage::Connecting(Box::new(connecting), connect);
        Session { link, sink, stage, has_begun: false }
    }
}

impl<S: Sink> Task for Session<S> {
    fn turn(&mut self, turn: &mut Turn<'_>) -> Next {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first {
            self.link.set_remote(turn.remote());
        }
        let in_turn = self.link.enter_turn();
        if let Stage::Open(open) = &mut self.stage
            && !open.take_back_loan(turn, &self.link)
        {
            return Next::Wait(None);
        }
        let mut commands = match is_first || in_turn.was_kicked {
            true => self.link.take_commands(),
            false => Commands::default(),
        };
        if commands.free {
            return self.free(turn);
        }
        let next = match &mut self.stage {
            Stage::Connecting(..) => self.connecting(turn, &mut commands),
            Stage::Open(_) | Stage::Resting(_) => self.open(turn, &commands),
            Stage::Gone => Next::Finished,
        };
        if next == Next::Finished && !matches!(self.stage, Stage::Gone) {
            self.retire();
        }
        next
    }

    fn panicked(&mut self, _: &mut Turn<'_>) {
        let error = Error::new(Phase::WebSocket, Cause::Unexpected);
        // Wherever it happened, nobody is inside any more.
        self.sink.end_messages(true);
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Connecting(_, connect) => self.connect_failed(error, connect),
            Stage::Open(_) | Stage::Resting(_) => {
                self.closed(Closed::lost(error), false);
                self.retire();
            }
            Stage::Gone => {}
        }
    }
}

impl<S: Sink> Session<S> {
    fn connecting(&mut self, turn: &mut Turn<'_>, commands: &mut Commands) -> Next {
        let Stage::Connecting(connecting, _) = &mut self.stage else { return Next::Finished };
        if commands.abort || commands.cancel_connect {
            let error = Error::new(connecting.phase(), Cause::Aborted);
            return self.end_connecting(error);
        }
        if let Some(lookup) = commands.lookup.take()
            && let Some(error) = connecting.looked_up(*lookup, &self.link)
        {
            return self.end_connecting(error);
        }
        let mut verdict = commands.verdict.take();
        loop {
            let Stage::Connecting(connecting, _) = &mut self.stage else { return Next::Finished };
            if let Some(accepted) = verdict.take()
                && let Some(error) = connecting.validated(accepted)
            {
                return self.end_connecting(error);
            }
            match connecting.advance(turn, &self.link) {
                Some(Progress::Pending) => return Next::Wait(Some(connecting.deadline())),
                Some(Progress::Again) => return Next::Again,
                Some(Progress::Failed(error)) => return self.end_connecting(error),
                Some(Progress::Validate) => match self.sink.validate() {
                    Verdict::Accept => verdict = Some(true),
                    Verdict::Reject => verdict = Some(false),
                    Verdict::Later => {}
                },
                None => return self.connected(turn),
            }
        }
    }

    fn end_connecting(&mut self, error: Error) -> Next {
        if let Stage::Connecting(_, connect) = std::mem::replace(&mut self.stage, Stage::Gone) {
            self.connect_failed(error, connect);
        }
        Next::Finished
    }

    fn connect_failed(&mut self, error: Error, connect: Option<Completion>) {
        trace::line(Level::Information, format_args!("connect failed: {error}"));
        *lock(&self.link.aside.error) = Some(error.clone());
        self.link.inbox.end(End::Lost(error.clone()));
        let freed = self.link.retire_session();
        // From here on the application may connect again: nothing of the link is ours any more.
        self.link.state.advance(State::Connecting, State::Created);
        match connect {
            Some(Completion::Waiter(waiter)) if freed => {
                waiter.finish(Err(Error::new(Phase::Tcp, Cause::Aborted)));
            }
            Some(Completion::Waiter(waiter)) => waiter.finish(Err(error)),
            Some(Completion::Event(cookie)) if !freed => {
                self.sink.completed(CONNECT, cookie, Some(&error), 0);
            }
            _ => {}
        }
        if freed {
            self.sink.released();
        }
    }

    fn connected(&mut self, turn: &mut Turn<'_>) -> Next {
        let stage = std::mem::replace(&mut self.stage, Stage::Gone);
        let Stage::Connecting(connecting, connect) = stage else { return Next::Finished };
        let Some(connected) = connecting.into_connection() else {
            self.connect_failed(Error::new(Phase::Http, Cause::Unexpected), connect);
            return Next::Finished;
        };
        trace::line(Level::Information, format_args!("connected"));
        if let Some(aside) = self.link.aside.made() {
            *lock(&aside.error) = None;
        }
        // What came with the 101, and what may have come since, where no further edge tells of it.
        turn.readable = !connected.is_drained;
        let open = Open::new(connected, &self.link, turn.now);
        self.stage = Stage::Open(Box::new(open));
        self.link.state.advance(State::Connecting, State::Open);
        match connect {
            Some(Completion::Waiter(waiter)) => waiter.finish(Ok(0)),
            Some(Completion::Event(cookie)) => self.sink.completed(CONNECT, cookie, None, 0),
            Some(Completion::Store(..)) | None => {}
        }
        let commands = self.link.take_commands();
        if commands.free {
            return self.free(turn);
        }
        self.open(turn, &commands)
    }

    fn open(&mut self, turn: &mut Turn<'_>, commands: &Commands) -> Next {
        self.wake(turn.now);
        let Stage::Open(open) = &mut self.stage else { return Next::Finished };
        let outcome = open.turn(turn, &self.link, &mut self.sink, commands);
        if !matches!(outcome, Outcome::Wait(_) | Outcome::Again) {
            self.sink.end_reading(); // in the midst of it
        }
        self.link.statistics.store_received(&open.receiver.traffic, open.bytes_received);
        match outcome {
            Outcome::Wait(deadline) => {
                let looks_at = open.lend(turn, &self.link);
                let rests_at = self.rest(turn.now);
                Next::Wait(deadline.into_iter().chain(looks_at).chain(rests_at).min())
            }
            Outcome::Again => {
                open.lend(turn, &self.link);
                Next::Again
            }
            Outcome::Closed { closed, lingers: true } => {
                self.closed(closed, true);
                Next::Again
            }
            Outcome::Closed { closed, lingers: false } => {
                lock(&self.link.outgoing).socket = None;
                // The descriptor is gone before the application hears of it.
                self.stage = Stage::Gone;
                self.closed(closed, false);
                self.retire();
                Next::Finished
            }
            Outcome::Finished => Next::Finished,
        }
    }

    fn wake(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Resting(_))
            && let Stage::Resting(resting) = std::mem::replace(&mut self.stage, Stage::Gone)
        {
            self.stage = Stage::Open(Box::new(resting.wake(&self.link, now)));
        }
    }

    /// Most connections have nothing to do most of the time. When to look again whether this one has.
    fn rest(&mut self, now: Instant) -> Option<Instant> {
        let Stage::Open(open) = &mut self.stage else { return None };
        if !open.may_rest() {
            return None;
        }
        let stays_until = open.stays_until(now);
        if stays_until.is_none()
            && let Stage::Open(open) = std::mem::replace(&mut self.stage, Stage::Gone)
        {
            self.stage = Stage::Resting(open.rest());
            lock(&self.link.outgoing).rest();
        }
        stays_until
    }

    /// The one *closed* of this connection, after everything that was still pending.
    fn closed(&mut self, closed: Closed, lingers: bool) {
        match &closed.error {
            Some(error) => trace::line(Level::Information, format_args!("closed: {error}")),
            None => trace::line(Level::Information, format_args!("closed with {}", closed.code)),
        }
        let error = closed.error.clone().unwrap_or(Error::new(Phase::Closing, Cause::Closed));
        let end = match &closed.error {
            Some(error) => End::Lost(error.clone()),
            None => End::Clean,
        };
        if closed.error.is_some() {
            *lock(&self.link.aside.error) = Some(error.clone());
        }
        self.link.state.advance(State::Open, State::Closing);
        self.link.state.advance(State::Closing, State::Closed);
        self.give_up_operations(&error, true, lingers);
        self.link.inbox.end(end.clone());
        if self.link.kind == SocketKind::Stream {
            self.link.incoming.end(end);
            self.link.tell_reads(&mut self.sink);
        }
        self.sink.closed(&closed);
        self.finish_close_waiters(&closed.error.clone().map_or(Ok(0), Err));
    }

    /// Operations that have not left any more will not.
    fn give_up_operations(&mut self, error: &Error, tell_sink: bool, lingers: bool) {
        let is_awaited;
        let (finished, cancelled, pending) = {
            let mut outgoing = lock(&self.link.outgoing);
            is_awaited = outgoing.waiters > 0;
            outgoing.owes_send_ready = false;
            // A close frame that tells of a failure may still wait behind other bytes.
            let pending = outgoing.give_up(lingers);
            outgoing.is_writing = false;
            let cancelled = std::mem::take(&mut outgoing.cancelled);
            (std::mem::take(&mut outgoing.finished), cancelled, pending)
        };
        if is_awaited {
            self.link.room.notify_all();
        }
        if tell_sink {
            for (number, cookie, bytes) in finished {
                self.sink.completed(number, cookie, None, bytes);
            }
            let aborted = Error::new(Phase::WebSocket, Cause::Aborted);
            for (number, cookie) in cancelled {
                self.sink.completed(number, cookie, Some(&aborted), 0);
            }
        }
        for operation in pending {
            match operation.completion {
                Completion::Waiter(waiter) => waiter.finish(Err(error.clone())),
                Completion::Event(cookie) | Completion::Store(cookie, _) if tell_sink => {
                    self.sink.completed(operation.number, cookie, Some(error), 0);
                }
                Completion::Event(_) | Completion::Store(..) => {}
            }
        }
    }

    /// The application freed the socket: what can leave at once leaves, nothing completes any
    /// more except for threads that wait, and *released* is the last word.
    fn free(&mut self, turn: &mut Turn<'_>) -> Next {
        let error = Error::new(Phase::Closing, Cause::Aborted);
        self.wake(turn.now);
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Connecting(_, connect) => {
                if let Some(Completion::Waiter(waiter)) = connect {
                    waiter.finish(Err(error.clone()));
                }
                self.link.state.advance(State::Connecting, State::Created);
            }
            Stage::Open(mut open) => {
                open.dispose(turn, &self.link);
                self.link.state.advance(State::Open, State::Closing);
                self.link.state.advance(State::Closing, State::Closed);
            }
            Stage::Resting(_) | Stage::Gone => {}
        }
        self.give_up_operations(&error, false, false);
        lock(&self.link.outgoing).socket = None;
        self.link.inbox.end(End::Freed);
        self.finish_close_waiters(&Err(error));
        self.link.retire_session();
        self.sink.released();
        Next::Finished
    }

    fn finish_close_waiters(&self, outcome: &Result<u64, Error>) {
        let Some(aside) = self.link.aside.made() else { return };
        for waiter in std::mem::take(&mut *lock(&aside.close_waiters)) {
            waiter.finish(outcome.clone());
        }
    }

    fn retire(&mut self) {
        self.stage = Stage::Gone;
        lock(&self.link.outgoing).socket = None;
        if self.link.retire_session() {
            self.link.inbox.end(End::Freed);
            self.sink.released();
        }
    }
}

impl Closed {
    /// No closing handshake took place.
    pub fn lost(error: Error) -> Closed {
        Closed {
            error: Some(error),
            code: crate::protocol::close::ABNORMAL,
            reason: Vec::new(),
            by_peer: false,
        }
    }
}
