//! One socket on its event loop, from connect to the last event: the only driver in the house.
//!
//! Every turn goes the same way: commands, bytes that have arrived, events, bytes to send, timers.
//! What happens on an open connection is in `open`; how it ends is here.

use std::time::Instant;

use crate::base::lock::lock;
use crate::base::trace::{self, Level};
use crate::reactor::{Next, Task, Turn};

use super::connecting::{Connecting, Progress};
use super::error::{Cause, Error, Phase};
use super::inbox::End;
use super::link::{Commands, Home, Link, SocketKind, Stop};
use super::open::{Open, Outcome};
use super::request::Request;
use super::resting::Resting;
use super::sink::{CONNECT, Closed, Completion, Sink, Verdict};
use super::state::State;

/// There is one for each connection, most of them at rest: what only some stages need is theirs.
pub struct Session<S> {
    sink: S,
    stage: Stage,
}

enum Stage {
    Opening(Box<Opening>),
    Open(Box<Open>),
    /// Open, and nothing is under way.
    Resting(Resting),
    Gone,
}

struct Opening {
    connecting: Connecting,
    /// Who hears of how it ends.
    completion: Option<Completion>,
    /// What the application was asked, for as long as this lasts.
    question: Option<Box<dyn Send>>,
    has_begun: bool,
}

impl<S: Sink> Session<S> {
    pub fn new(sink: S, request: Box<Request>, completion: Option<Completion>) -> Session<S> {
        let connecting = Connecting::new(request, crate::reactor::now());
        let opening = Opening { connecting, completion, question: None, has_begun: false };
        Session { sink, stage: Stage::Opening(Box::new(opening)) }
    }
}

impl<S: Sink> Task for Session<S> {
    fn turn(&mut self, turn: &mut Turn<'_>) -> Next {
        let home = self.sink.home();
        let link: &Link = &home;
        let is_first = match &mut self.stage {
            Stage::Opening(opening) => !std::mem::replace(&mut opening.has_begun, true),
            _ => false,
        };
        if is_first {
            link.set_address(turn.address());
        }
        let in_turn = link.enter_turn();
        if let Stage::Open(open) = &mut self.stage
            && !open.take_back_loan(turn, link)
        {
            return Next::Wait(None);
        }
        let mut commands = match is_first || in_turn.was_kicked {
            true => link.take_commands(),
            false => Commands::default(),
        };
        if commands.free {
            return self.free(turn, link);
        }
        let next = match &mut self.stage {
            Stage::Opening(_) => self.connecting(turn, &mut commands, &home),
            Stage::Open(_) | Stage::Resting(_) => self.open(turn, &commands, link),
            Stage::Gone => Next::Finished,
        };
        if next == Next::Finished && !matches!(self.stage, Stage::Gone) {
            self.retire(link);
        }
        next
    }

    fn panicked(&mut self, _: &mut Turn<'_>) {
        let home = self.sink.home();
        let error = Error::new(Phase::WebSocket, Cause::Unexpected);
        // Wherever it happened, nobody is inside any more.
        self.sink.end_messages(true);
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Opening(opening) => self.connect_failed(error, *opening, &home),
            Stage::Open(_) | Stage::Resting(_) => {
                self.closed(Closed::lost(error), false, &home);
                self.retire(&home);
            }
            Stage::Gone => {}
        }
    }
}

impl<S: Sink> Session<S> {
    fn connecting(&mut self, turn: &mut Turn<'_>, commands: &mut Commands, link: &Home) -> Next {
        let Stage::Opening(opening) = &mut self.stage else { return Next::Finished };
        if commands.stop != Stop::Nothing {
            let error = Error::new(opening.connecting.phase(), Cause::Aborted);
            return self.end_connecting(error, link);
        }
        if let Some(lookup) = commands.lookup.take()
            && let Some(error) = opening.connecting.looked_up(*lookup, link)
        {
            return self.end_connecting(error, link);
        }
        let mut verdict = commands.verdict.take();
        loop {
            let Stage::Opening(opening) = &mut self.stage else { return Next::Finished };
            let connecting = &mut opening.connecting;
            if let Some(accepted) = verdict.take()
                && let Some(error) = connecting.validated(accepted)
            {
                return self.end_connecting(error, link);
            }
            match connecting.advance(turn, link) {
                Some(Progress::Pending) => return Next::Wait(Some(connecting.deadline())),
                Some(Progress::Again) => return Next::Again,
                Some(Progress::Failed(error)) => return self.end_connecting(error, link),
                Some(Progress::Validate) => {
                    let (judged, question) = self.sink.validate();
                    opening.question = question;
                    verdict = match judged {
                        Verdict::Accept => Some(true),
                        Verdict::Reject => Some(false),
                        Verdict::Later => None,
                    };
                }
                None => return self.connected(turn, link),
            }
        }
    }

    fn end_connecting(&mut self, error: Error, link: &Link) -> Next {
        if let Stage::Opening(opening) = std::mem::replace(&mut self.stage, Stage::Gone) {
            self.connect_failed(error, *opening, link);
        }
        Next::Finished
    }

    fn connect_failed(&mut self, error: Error, opening: Opening, link: &Link) {
        let Opening { connecting, completion: connect, question, .. } = opening;
        // Its sockets are closed, and the question is over, before anybody hears of it.
        drop((connecting, question));
        trace::line(Level::Information, format_args!("connect failed: {error}"));
        *lock(&link.aside.error) = Some(error.clone());
        link.end_inbox(End::Lost(error.clone()));
        let freed = link.retire_session();
        // From here on the application may connect again: nothing of the link is ours any more.
        link.state.advance(State::Connecting, State::Created);
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

    fn connected(&mut self, turn: &mut Turn<'_>, link: &Link) -> Next {
        let stage = std::mem::replace(&mut self.stage, Stage::Gone);
        let Stage::Opening(mut opening) = stage else { return Next::Finished };
        let Some(connected) = opening.connecting.take_connection() else {
            self.connect_failed(Error::new(Phase::Http, Cause::Unexpected), *opening, link);
            return Next::Finished;
        };
        let connect = opening.completion.take();
        // With what the application was asked.
        drop(opening);
        trace::line(Level::Information, format_args!("connected"));
        if let Some(aside) = link.aside.made() {
            *lock(&aside.error) = None;
        }
        // What came with the 101, and what may have come since, where no further edge tells of it.
        turn.readable = !connected.is_drained;
        let open = Open::new(connected, link, turn.now);
        self.stage = Stage::Open(Box::new(open));
        link.state.advance(State::Connecting, State::Open);
        match connect {
            Some(Completion::Waiter(waiter)) => waiter.finish(Ok(0)),
            Some(Completion::Event(cookie)) => self.sink.completed(CONNECT, cookie, None, 0),
            Some(Completion::Store(..)) | None => {}
        }
        let commands = link.take_commands();
        if commands.free {
            return self.free(turn, link);
        }
        self.open(turn, &commands, link)
    }

    fn open(&mut self, turn: &mut Turn<'_>, commands: &Commands, link: &Link) -> Next {
        self.wake(turn.now, link);
        let Stage::Open(open) = &mut self.stage else { return Next::Finished };
        let outcome = open.turn(turn, link, &mut self.sink, commands);
        if !matches!(outcome, Outcome::Wait(_) | Outcome::Again) {
            self.sink.end_reading(); // in the midst of it
        }
        link.store_received(&open.receiver.traffic, open.bytes_received);
        match outcome {
            Outcome::Wait(deadline) => {
                let looks_at = open.lend(turn, link);
                let rests_at = self.rest(turn.now, link);
                Next::Wait(deadline.into_iter().chain(looks_at).chain(rests_at).min())
            }
            Outcome::Again => {
                open.lend(turn, link);
                Next::Again
            }
            Outcome::Closed { closed, lingers: true } => {
                self.closed(closed, true, link);
                Next::Again
            }
            Outcome::Closed { closed, lingers: false } => {
                lock(&link.outgoing).socket = None;
                // The descriptor is gone before the application hears of it.
                self.stage = Stage::Gone;
                self.closed(closed, false, link);
                self.retire(link);
                Next::Finished
            }
            Outcome::Finished => Next::Finished,
        }
    }

    fn wake(&mut self, now: Instant, link: &Link) {
        if let Stage::Resting(resting) = &self.stage
            && let Some(open) = resting.wake(link, now)
        {
            self.stage = Stage::Open(Box::new(open));
        }
    }

    /// Most connections have nothing to do most of the time. When to look again whether this one has.
    fn rest(&mut self, now: Instant, link: &Link) -> Option<Instant> {
        let Stage::Open(open) = &mut self.stage else { return None };
        if !open.may_rest() {
            return None;
        }
        let stays_until = open.stays_until(now);
        if stays_until.is_none()
            && let Stage::Open(open) = std::mem::replace(&mut self.stage, Stage::Gone)
        {
            self.stage = Stage::Resting(open.rest());
            lock(&link.outgoing).rest();
        }
        stays_until
    }

    /// The one *closed* of this connection, after everything that was still pending.
    fn closed(&mut self, closed: Closed, lingers: bool, link: &Link) {
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
            *lock(&link.aside.error) = Some(error.clone());
        }
        link.state.advance(State::Open, State::Closing);
        link.state.advance(State::Closing, State::Closed);
        self.give_up_operations(&error, Some(lingers), link);
        link.end_inbox(end.clone());
        if link.kind == SocketKind::Stream {
            link.incoming().end(end);
            link.tell_reads(&mut self.sink);
        }
        self.sink.closed(&closed);
        finish_close_waiters(link, &closed.error.clone().map_or(Ok(0), Err));
    }

    /// Operations that have not left any more will not. With `None` the sink does not hear of it.
    fn give_up_operations(&mut self, error: &Error, lingers: Option<bool>, link: &Link) {
        let tell_sink = lingers.is_some();
        let is_awaited;
        let (finished, cancelled, pending) = {
            let mut outgoing = lock(&link.outgoing);
            is_awaited = outgoing.waiters > 0;
            outgoing.owes_send_ready = false;
            // A close frame that tells of a failure may still wait behind other bytes.
            let pending = outgoing.give_up(lingers == Some(true));
            outgoing.is_writing = false;
            let cancelled = std::mem::take(&mut outgoing.cancelled);
            (std::mem::take(&mut outgoing.finished), cancelled, pending)
        };
        if is_awaited {
            link.room.notify_all();
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
    fn free(&mut self, turn: &mut Turn<'_>, link: &Link) -> Next {
        let error = Error::new(Phase::Closing, Cause::Aborted);
        self.wake(turn.now, link);
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Opening(opening) => {
                if let Some(Completion::Waiter(waiter)) = &opening.completion {
                    waiter.finish(Err(error.clone()));
                }
                link.state.advance(State::Connecting, State::Created);
            }
            Stage::Open(mut open) => {
                open.dispose(turn, link);
                link.state.advance(State::Open, State::Closing);
                link.state.advance(State::Closing, State::Closed);
            }
            Stage::Resting(_) | Stage::Gone => {}
        }
        self.give_up_operations(&error, None, link);
        lock(&link.outgoing).socket = None;
        link.end_inbox(End::Freed);
        finish_close_waiters(link, &Err(error));
        link.retire_session();
        self.sink.released();
        Next::Finished
    }

    fn retire(&mut self, link: &Link) {
        self.stage = Stage::Gone;
        lock(&link.outgoing).socket = None;
        if link.retire_session() {
            link.end_inbox(End::Freed);
            self.sink.released();
        }
    }
}

fn finish_close_waiters(link: &Link, outcome: &Result<u64, Error>) {
    let Some(aside) = link.aside.made() else { return };
    for waiter in std::mem::take(&mut *lock(&aside.close_waiters)) {
        waiter.finish(outcome.clone());
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
