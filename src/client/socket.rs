//! The application's side of a socket. Every call may come from any thread, judges its arguments
//! and the state, and leaves the rest to the session; only the calls named `…_wait` wait.

use std::sync::Arc;
use std::time::Duration;

use crate::base::lock::lock;
use crate::handshake::Offer;
use crate::http::Uri;
use crate::protocol::{close, utf8};
use crate::reactor::mailbox::on_event_loop;
use crate::transport::proxy;
use crate::transport::tcp::TcpOptions;

use super::controls::{Asker, Control};
use super::error::{Cause, Error, Misuse, Phase};
use super::inbox::{End, OwnedMessage, cost};
use super::link::{Link, SocketKind, Stop};
use super::lookup;
use super::request::{self, Request, Rounds};
use super::runtime::Runtime;
use super::session::Session;
use super::sink::{CONNECT, Completion, READ, Sink, WRITE, Waiter};
use super::state::State;

pub struct Socket {
    pub link: Link,
}

impl Socket {
    pub fn new(kind: SocketKind, runtime: Arc<Runtime>) -> Socket {
        Socket { link: Link::new(kind, runtime) }
    }

    pub fn state(&self) -> State {
        self.link.state.load()
    }

    /// Whether handlers and controls may still be set.
    pub fn may_be_configured(&self) -> bool {
        self.state() == State::Created
    }

    /// Starts to connect. `sink` gets all events from here on.
    pub fn connect(
        &self,
        uri: &str,
        sink: impl Sink + 'static,
        validates: bool,
        completion: Option<Completion>,
    ) -> Result<(), Misuse> {
        let uri = Uri::parse(uri).map_err(|fault| Misuse::Invalid(fault.sentence()))?;
        if !self.link.state.advance(State::Created, State::Connecting) {
            return Err(Misuse::IllegalState("the socket has been connected already"));
        }
        let link = &self.link;
        lock(&link.information).begin(uri.as_str());
        let total = link.controls.duration(Control::TotalConnectTimeoutMs);
        let (proxy, max_redirects) =
            (link.controls.proxy(), link.controls.integer(Control::MaxRedirects) as usize);
        let environment = match max_redirects > 0 || proxy::asks_environment(&proxy, &uri) {
            true => request::environment(),
            false => Vec::new(),
        };
        let mut request = Request {
            options: TcpOptions {
                no_delay: link.controls.integer(Control::NoDelay) == 1,
                send_buffer_bytes: link.controls.integer(Control::OutboundBufferSize) as usize,
            },
            connect_timeout: link.controls.duration(Control::ConnectTimeoutMs),
            max_addresses: link.controls.integer(Control::MaxConnectAddresses) as usize,
            total_timeout: (!total.is_zero()).then_some(total),
            validates,
            trust: link.controls.trust(),
            credential: link.controls.credential(Asker::Server),
            proxy_credential: link.controls.credential(Asker::Proxy),
            max_redirects,
            proxy,
            environment,
            progress: Rounds::default(),
            offer: Offer {
                protocols: link.controls.protocols(),
                headers: link.controls.headers(),
                compression: link.controls.compression(),
                follows_redirects: link.controls.integer(Control::MaxRedirects) > 0,
                uri,
            },
        };
        let Some(attempt) = link.begin_session() else { return Err(Misuse::Closed) };
        link.begin_inbox();
        if let Some(aside) = link.aside.made() {
            aside.incoming.reset();
        }
        match request.plan() {
            Ok(question) => lookup::begin(&sink.home(), attempt, question),
            Err(error) => link.looked_up(attempt, Err(error)),
        }
        link.begin_statistics();
        let session = Session::new(sink, Box::new(request), completion);
        if let Some(remote) = self.link.runtime.reactor.place() {
            remote.spawn(Box::new(session));
        }
        Ok(())
    }

    /// Connects and waits. After `timeout` the connect is cancelled.
    pub fn connect_wait(
        &self,
        uri: &str,
        sink: impl Sink + 'static,
        validates: bool,
        timeout: Option<Duration>,
    ) -> Result<Result<(), Error>, Misuse> {
        refuse_on_event_loop()?;
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        let waiter = Arc::new(Waiter::default());
        self.connect(uri, sink, validates, Some(Completion::Waiter(Arc::clone(&waiter))))?;
        if let Some(outcome) = waiter.wait(deadline) {
            return Ok(outcome.map(drop));
        }
        self.link.stop(Stop::Connect);
        // The session answers as soon as it has a turn; a callback that hogs its thread must not
        // make this call hang.
        let grace = crate::reactor::now().checked_add(CANCEL_GRACE);
        match waiter.wait(grace) {
            Some(Ok(_)) => Ok(Ok(())),
            _ => Err(Misuse::TimedOut),
        }
    }

    /// Starts the closing handshake. While connecting it cancels the connect.
    pub fn close(&self, code: u16, reason: &[u8]) -> Result<(), Misuse> {
        if code != 0 && !close::may_be_sent(code) {
            return Err(Misuse::Invalid(
                "code is none of 0, 1000 to 1003, 1007 to 1014, 3000 to 4999",
            ));
        }
        if reason.len() > close::MAX_REASON_BYTES || !utf8::is_valid(reason) {
            return Err(Misuse::Invalid("reason is longer than 123 bytes or not UTF-8"));
        }
        if code == 0 && !reason.is_empty() {
            return Err(Misuse::Invalid("a reason needs a code"));
        }
        match self.state() {
            State::Created => Err(NOT_CONNECTED),
            State::Connecting => {
                self.link.stop(Stop::Connect);
                Ok(())
            }
            State::Closing | State::Closed => Ok(()),
            State::Open => {
                if self.link.state.advance(State::Open, State::Closing) {
                    lock(&self.link.outgoing).close(&close::payload(code, reason));
                    let aborted = Error::new(Phase::Closing, Cause::Aborted);
                    self.link.withdraw_buffers(End::Lost(aborted));
                    self.link.wake_senders();
                    self.link.kick();
                }
                Ok(())
            }
        }
    }

    /// Closes and waits until the connection has ended.
    pub fn close_wait(
        &self,
        code: u16,
        reason: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Result<(), Error>, Misuse> {
        refuse_on_event_loop()?;
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        let waiter = Arc::new(Waiter::default());
        lock(&self.link.aside.close_waiters).push(Arc::clone(&waiter));
        // Looked at behind the push: a connection that ends from now on answers the waiter.
        let is_over = matches!(self.state(), State::Closed | State::Connecting);
        let begun = self.close(code, reason);
        if begun.is_err() || is_over {
            lock(&self.link.aside.close_waiters).retain(|other| !Arc::ptr_eq(other, &waiter));
        }
        begun?;
        if is_over {
            return Ok(Ok(()));
        }
        match waiter.wait(deadline) {
            Some(outcome) => Ok(outcome.map(drop)),
            None => {
                lock(&self.link.aside.close_waiters).retain(|other| !Arc::ptr_eq(other, &waiter));
                Err(Misuse::TimedOut)
            }
        }
    }

    /// Drops the connection now.
    pub fn abort(&self) -> Result<(), Misuse> {
        if self.state() == State::Created {
            return Err(NOT_CONNECTED);
        }
        self.link.stop(Stop::Connection);
        Ok(())
    }

    /// Cancels a connect, or a message that has not begun to leave. What cannot be cancelled any
    /// more, or never was, is left alone.
    pub fn cancel(&self, operation: u64) -> Result<(), Misuse> {
        if operation == CONNECT {
            if self.state() == State::Connecting {
                self.link.stop(Stop::Connect);
            }
            return Ok(());
        }
        if operation == READ {
            if self.link.incoming().cancel() {
                self.link.kick();
            }
            return Ok(());
        }
        let mut outgoing = lock(&self.link.outgoing);
        if let Some(cancelled) = outgoing.cancel(operation) {
            outgoing.is_writing &= operation != WRITE;
            match cancelled.completion {
                Completion::Event(cookie) | Completion::Store(cookie, _) => {
                    outgoing.cancelled.push((operation, cookie));
                }
                Completion::Waiter(waiter) => {
                    waiter.finish(Err(Error::new(Phase::WebSocket, Cause::Aborted)));
                }
            }
            drop(outgoing);
            self.link.wake_senders();
            self.link.kick();
        }
        Ok(())
    }

    /// Pull mode: the next message, `Ok(None)` when none came in time.
    pub fn receive(
        &self,
        timeout: Option<Duration>,
    ) -> Result<Result<Option<OwnedMessage>, End>, Misuse> {
        if self.state() == State::Created {
            return Err(NOT_CONNECTED);
        }
        if timeout != Some(Duration::ZERO) {
            refuse_on_event_loop()?;
        }
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        let taken = self.link.take_message(deadline);
        if let Ok(Some(message)) = &taken {
            self.link.messages_taken(cost(message.len()));
        }
        Ok(taken)
    }

    /// The application's answer to `Verdict::Later`. `false`: the connect has ended.
    pub fn validated(&self, accepted: bool) -> bool {
        self.link.command(|commands| commands.verdict = Some(accepted))
    }

    /// Ends everything. `sink` is told *released* from the event loop, once nothing else can come.
    pub fn free(&self, mut sink: Box<dyn Sink>) {
        self.link.end_inbox(End::Freed);
        self.link.withdraw_buffers(End::Freed);
        if self.link.free() {
            return;
        }
        // There is no session, or no longer: its thread says the last word all the same, behind
        // whatever callback may be running there.
        let remote = self.link.remote().or_else(|| self.link.runtime.reactor.place());
        if let Some(remote) = remote {
            remote.run(Box::new(move || sink.released()));
        }
    }

    #[inline]
    pub(super) fn check_open(&self) -> Result<(), Misuse> {
        match self.state() {
            State::Open => Ok(()),
            State::Created | State::Connecting => Err(NOT_OPEN),
            State::Closing | State::Closed => Err(Misuse::Closed),
        }
    }
}

pub(super) const NOT_CONNECTED: Misuse = Misuse::IllegalState("the socket has not been connected");
const NOT_OPEN: Misuse = Misuse::IllegalState("the socket is not open yet");
/// How long a timed-out connect waits for its cancellation to be noticed.
const CANCEL_GRACE: Duration = Duration::from_millis(50);

pub(super) fn refuse_on_event_loop() -> Result<(), Misuse> {
    if on_event_loop() { Err(Misuse::Reentrant) } else { Ok(()) }
}
