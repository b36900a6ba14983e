//! The application's side of a socket. Every call may come from any thread, judges its arguments
//! and the state, and leaves the rest to the session; only the calls named `…_wait` wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::lock::lock;
use crate::handshake::Offer;
use crate::http::Uri;
use crate::http::uri::Host;
use crate::protocol::frame::{MAX_CONTROL_BYTES, framed_len};
use crate::protocol::{MessageKind, close, utf8};
use crate::reactor::mailbox::on_event_loop;
use crate::transport::tcp::TcpOptions;
use crate::transport::{resolve, trust};

use super::connecting::Request;
use super::controls::Control;
use super::error::{Cause, Error, Misuse, Phase};
use super::inbox::{End, OwnedMessage, cost};
use super::link::{Link, Lookup};
use super::runtime::Runtime;
use super::session::Session;
use super::sink::{CONNECT, Completion, Sink, Waiter};
use super::state::State;
use super::writer::{Fragmented, Outgoing};

pub struct Socket {
    pub link: Arc<Link>,
    runtime: Arc<Runtime>,
}

impl Socket {
    pub fn new(runtime: Arc<Runtime>) -> Socket {
        let link = Arc::new(Link::new(Arc::clone(&runtime.pool), Arc::clone(&runtime.spares)));
        Socket { link, runtime }
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
        sink: Box<dyn Sink>,
        validates: bool,
        completion: Option<Completion>,
    ) -> Result<(), Misuse> {
        let uri = Uri::parse(uri).map_err(|fault| Misuse::Invalid(fault.sentence()))?;
        if !self.link.state.advance(State::Created, State::Connecting) {
            return Err(Misuse::IllegalState("the socket has been connected already"));
        }
        let link = &self.link;
        {
            let mut information = lock(&link.information);
            *information = super::information::Information::default();
            uri.as_str().clone_into(&mut information.request_uri);
        }
        let total = link.controls.duration(Control::TotalConnectTimeoutMs);
        let request = Request {
            options: TcpOptions {
                no_delay: link.controls.integer(Control::NoDelay) == 1,
                send_buffer_bytes: link.controls.integer(Control::OutboundBufferSize) as usize,
            },
            connect_timeout: link.controls.duration(Control::ConnectTimeoutMs),
            max_addresses: link.controls.integer(Control::MaxConnectAddresses) as usize,
            total_timeout: (!total.is_zero()).then_some(total),
            validates: validates && uri.is_secure(),
            offer: Offer {
                protocols: link.controls.protocols(),
                headers: link.controls.headers(),
                compression: link.controls.compression(),
                uri,
            },
        };
        let Some(attempt) = link.begin_session() else { return Err(Misuse::Closed) };
        link.inbox.begin();
        self.look_up(&request.offer.uri, attempt);
        let session = Session::new(Arc::clone(link), sink, Box::new(request), completion);
        if let Some(remote) = self.runtime.reactor.place() {
            remote.spawn(Box::new(session));
        }
        Ok(())
    }

    /// Finds addresses and trust: at once where nothing can block, else on a worker.
    fn look_up(&self, uri: &Uri, attempt: u64) {
        let settings = uri.is_secure().then(|| self.link.controls.trust());
        let literal = resolve::literal(uri);
        if settings.is_none()
            && let Some(address) = literal
        {
            let lookup = found(address.map(|address| vec![address]), None);
            return self.link.looked_up(attempt, lookup);
        }
        let link = Arc::downgrade(&self.link);
        let (host, port) = (uri.host().clone(), uri.port());
        let job = move || {
            let addresses = match (literal, host) {
                (Some(address), _) => address.map(|address| vec![address]),
                (None, Host::Name(name)) => resolve::blocking(&name, port),
                (None, _) => Ok(Vec::new()),
            };
            let tls = match settings.as_ref().map(trust::client_config).transpose() {
                Ok(tls) => found(addresses, tls),
                Err(fault) => Err(Error::new(Phase::Tls, Cause::Tls(fault))),
            };
            if let Some(link) = link.upgrade() {
                link.looked_up(attempt, tls);
            }
        };
        if let Err(error) = self.runtime.reactor.run_blocking(Box::new(job)) {
            let mut failure = Error::from_system(Phase::Name, &error);
            failure.cause = Cause::NoResources;
            self.link.looked_up(attempt, Err(failure));
        }
    }

    /// Connects and waits. After `timeout` the connect is cancelled.
    pub fn connect_wait(
        &self,
        uri: &str,
        sink: Box<dyn Sink>,
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
        self.link.command(|commands| commands.cancel_connect = true);
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
                self.link.command(|commands| commands.cancel_connect = true);
                Ok(())
            }
            State::Closing | State::Closed => Ok(()),
            State::Open => {
                if self.link.state.advance(State::Open, State::Closing) {
                    lock(&self.link.outgoing).close(&close::payload(code, reason));
                    self.link.room.notify_all();
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
        lock(&self.link.close_waiters).push(Arc::clone(&waiter));
        // Looked at behind the push: a connection that ends from now on answers the waiter.
        let is_over = matches!(self.state(), State::Closed | State::Connecting);
        let begun = self.close(code, reason);
        if begun.is_err() || is_over {
            lock(&self.link.close_waiters).retain(|other| !Arc::ptr_eq(other, &waiter));
        }
        begun?;
        if is_over {
            return Ok(Ok(()));
        }
        match waiter.wait(deadline) {
            Some(outcome) => Ok(outcome.map(drop)),
            None => {
                lock(&self.link.close_waiters).retain(|other| !Arc::ptr_eq(other, &waiter));
                Err(Misuse::TimedOut)
            }
        }
    }

    /// Drops the connection now.
    pub fn abort(&self) -> Result<(), Misuse> {
        if self.state() == State::Created {
            return Err(NOT_CONNECTED);
        }
        self.link.command(|commands| commands.abort = true);
        Ok(())
    }

    /// One whole message.
    #[inline]
    pub fn send(&self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        self.check_message(kind, payload)?;
        let mut outgoing = lock(&self.link.outgoing);
        self.check_room_for_message(&mut outgoing, payload.len(), true)?;
        self.link.queue_message(outgoing, kind, payload, None);
        Ok(())
    }

    /// One whole message whose leaving is reported. Returns its number.
    pub fn send_async(
        &self,
        kind: MessageKind,
        payload: &[u8],
        completion: Completion,
        mut number_known: impl FnMut(u64),
    ) -> Result<(), Misuse> {
        self.check_message(kind, payload)?;
        let mut outgoing = lock(&self.link.outgoing);
        self.check_room_for_message(&mut outgoing, payload.len(), true)?;
        let number = outgoing.take_operation_number();
        // Told before anything can be reported about it.
        number_known(number);
        self.link.queue_message(outgoing, kind, payload, Some((number, completion)));
        Ok(())
    }

    /// Waits for room, and until the message has been handed to the system.
    pub fn send_wait(
        &self,
        kind: MessageKind,
        payload: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Result<(), Error>, Misuse> {
        refuse_on_event_loop()?;
        let deadline = timeout.and_then(|timeout| crate::reactor::now().checked_add(timeout));
        self.check_message(kind, payload)?;
        let waiter = Arc::new(Waiter::default());
        let mut outgoing = lock(&self.link.outgoing);
        let mut has_waited = false;
        let number = loop {
            match self.check_room_for_message(&mut outgoing, payload.len(), false) {
                Ok(()) => break outgoing.take_operation_number(),
                Err(Misuse::WouldBlock) => has_waited = true,
                // It ended while this call waited: say how, as for a message that was queued.
                Err(Misuse::Closed) if has_waited => {
                    drop(outgoing);
                    return self.link.ended_by().map(Err).ok_or(Misuse::Closed);
                }
                Err(misuse) => return Err(misuse),
            }
            outgoing.waiters += 1;
            let left = deadline.map_or(LONG, |deadline: Instant| {
                deadline.saturating_duration_since(crate::reactor::now())
            });
            let is_late = left.is_zero();
            if !is_late {
                outgoing = self
                    .link
                    .room
                    .wait_timeout(outgoing, left)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0;
            }
            outgoing.waiters -= 1;
            if is_late {
                return Err(Misuse::TimedOut);
            }
        };
        let completion = Completion::Waiter(Arc::clone(&waiter));
        self.link.queue_message(outgoing, kind, payload, Some((number, completion)));
        match waiter.wait(deadline) {
            Some(outcome) => Ok(outcome.map(drop)),
            None => {
                // Not begun: it never leaves. Begun: it goes on, and the caller knows no more.
                let cancelled = lock(&self.link.outgoing).cancel(number);
                if cancelled.is_none()
                    && let Some(outcome) = waiter.wait(Some(crate::reactor::now()))
                {
                    return Ok(outcome.map(drop));
                }
                Err(Misuse::TimedOut)
            }
        }
    }

    /// A frame of a message that is sent frame by frame; the first decides its kind.
    pub fn send_frame(
        &self,
        kind: MessageKind,
        payload: &[u8],
        is_final: bool,
    ) -> Result<(), Misuse> {
        self.check_open()?;
        let mut outgoing = lock(&self.link.outgoing);
        self.check_room(&mut outgoing, payload.len(), true)?;
        let mut fragmented = outgoing.fragmented.clone().unwrap_or_else(|| Fragmented {
            kind,
            text: utf8::Validator::default(),
            deflates: outgoing.staging.as_ref().is_some_and(|staging| staging.can_deflate())
                && self.link.deflates(payload.len()),
        });
        if fragmented.kind == MessageKind::Text
            && !(fragmented.text.check(payload) && (!is_final || fragmented.text.is_complete()))
        {
            return Err(Misuse::TextNotUtf8);
        }
        self.link.queue_fragment(outgoing, fragmented, is_final, payload);
        Ok(())
    }

    pub fn ping(&self, payload: &[u8]) -> Result<(), Misuse> {
        if payload.len() > MAX_CONTROL_BYTES {
            return Err(Misuse::Invalid("len is larger than 125, the most that a ping carries"));
        }
        self.check_open()?;
        let now = crate::reactor::now();
        let mut outgoing = lock(&self.link.outgoing);
        if outgoing.outbox.has_ended() {
            return Err(Misuse::Closed);
        }
        if !outgoing.outbox.ping(payload) {
            return Err(Misuse::WouldBlock);
        }
        outgoing.heartbeat.sent(payload, now);
        drop(outgoing);
        // The session also has to watch for the answer.
        self.link.kick();
        Ok(())
    }

    /// Cancels a connect, or a message that has not begun to leave. What cannot be cancelled any
    /// more, or never was, is left alone.
    pub fn cancel(&self, operation: u64) -> Result<(), Misuse> {
        if operation == CONNECT {
            if self.state() == State::Connecting {
                self.link.command(|commands| commands.cancel_connect = true);
            }
            return Ok(());
        }
        let mut outgoing = lock(&self.link.outgoing);
        if let Some(cancelled) = outgoing.cancel(operation) {
            match cancelled.completion {
                Completion::Event(cookie) => outgoing.cancelled.push((operation, cookie)),
                Completion::Waiter(waiter) => {
                    waiter.finish(Err(Error::new(Phase::WebSocket, Cause::Aborted)));
                }
            }
            drop(outgoing);
            self.link.room.notify_all();
            self.link.kick();
        }
        Ok(())
    }

    pub fn buffered_amount(&self) -> u64 {
        lock(&self.link.outgoing).waiting()
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
        let taken = self.link.inbox.take(deadline);
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
        self.link.inbox.end(End::Freed);
        if self.link.free() {
            return;
        }
        // There is no session, or no longer: its thread says the last word all the same, behind
        // whatever callback may be running there.
        let remote = self.link.remote().or_else(|| self.runtime.reactor.place().cloned());
        if let Some(remote) = remote {
            remote.run(Box::new(move || sink.released()));
        }
    }

    #[inline]
    fn check_message(&self, kind: MessageKind, payload: &[u8]) -> Result<(), Misuse> {
        self.check_open()?;
        if kind == MessageKind::Text && !utf8::is_valid(payload) {
            return Err(Misuse::TextNotUtf8);
        }
        Ok(())
    }

    #[inline]
    fn check_open(&self) -> Result<(), Misuse> {
        match self.state() {
            State::Open => Ok(()),
            State::Created | State::Connecting => Err(NOT_OPEN),
            State::Closing | State::Closed => Err(Misuse::Closed),
        }
    }

    /// A whole message must not come between the frames of another. RFC 6455 §5.4.
    #[inline]
    fn check_room_for_message(
        &self,
        outgoing: &mut Outgoing,
        len: usize,
        owe: bool,
    ) -> Result<(), Misuse> {
        if outgoing.fragmented.is_some() && !outgoing.outbox.has_ended() {
            return Err(Misuse::IllegalState(
                "a message that was begun with ws_send_nonfinal_frame has not ended",
            ));
        }
        self.check_room(outgoing, len, owe)
    }

    /// An empty queue takes one message of any size.
    #[inline]
    fn check_room(&self, outgoing: &mut Outgoing, len: usize, owe: bool) -> Result<(), Misuse> {
        if outgoing.outbox.has_ended() {
            return Err(Misuse::Closed);
        }
        let waiting = outgoing.waiting();
        let limit = self.link.controls.integer(Control::SendQueueLimit);
        if waiting > 0 && waiting.saturating_add(framed_len(len)) > limit {
            outgoing.owes_send_ready |= owe;
            return Err(Misuse::WouldBlock);
        }
        Ok(())
    }
}

const NOT_CONNECTED: Misuse = Misuse::IllegalState("the socket has not been connected");
const NOT_OPEN: Misuse = Misuse::IllegalState("the socket is not open yet");
/// How long a timed-out connect waits for its cancellation to be noticed.
const CANCEL_GRACE: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(3600);

fn found(
    addresses: std::io::Result<Vec<std::net::SocketAddr>>,
    tls: Option<Arc<rustls::ClientConfig>>,
) -> Result<Lookup, Error> {
    match addresses {
        Ok(addresses) if !addresses.is_empty() => Ok(Lookup { addresses, tls }),
        Ok(_) => Err(Error::new(Phase::Name, Cause::NameNotResolved)),
        Err(error) => Err(Error {
            system_error: error.raw_os_error().unwrap_or(0),
            ..Error::new(Phase::Name, Cause::NameNotResolved)
        }
        .with_detail(error.to_string())),
    }
}

fn refuse_on_event_loop() -> Result<(), Misuse> {
    if on_event_loop() { Err(Misuse::Reentrant) } else { Ok(()) }
}
