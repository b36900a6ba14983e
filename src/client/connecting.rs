//! From a URI to an open connection: name, TCP, TLS, validation, upgrade. A plan of stages under
//! one deadline per address, driven by the session's turns; nothing here waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls_pki_types::ServerName;

use crate::base::lock::lock;
use crate::handshake::{Conversation, Step};
use crate::http::uri::Host;
use crate::protocol::deflate::Parameters;
use crate::reactor::Turn;
use crate::transport::stream::{Stream, StreamFault};
use crate::transport::tls::TlsSession;

use super::attempts::{Attempts, Raced};
use super::error::{Cause, Error, Phase};
use super::information::Timed;
use super::link::{Home, Link};
use super::lookup::{self, Lookup};
use super::request::Request;
use super::tunnel::{Tunnel, Tunnelled};

mod upgrading;

#[derive(Debug)]
pub enum Progress {
    /// Come back on readiness, a command, or at the deadline.
    Pending,
    /// Come back soon: there may be more to read.
    Again,
    /// The application is to be asked whether it accepts the server's certificate.
    Validate,
    Failed(Error),
}

/// An open connection.
pub struct Connected {
    pub stream: Stream,
    /// What has been read beyond the 101.
    pub leftover: Vec<u8>,
    /// What was agreed on compression.
    pub compression: Option<Parameters>,
    /// There is no more to be read until readiness comes.
    pub is_drained: bool,
}

pub struct Connecting {
    request: Box<Request>,
    stage: Stage,
    /// Of the lookup, or of the address being tried; while several are, when to look at them.
    deadline: Instant,
    total_deadline: Option<Instant>,
    lookup: Lookup,
    /// While a proxy is asked, also over several connections.
    tunnel: Option<Tunnel>,
    /// When the stage that is timed began.
    begun: Instant,
    /// The peer has ended its side, be it in an earlier turn: there is no further edge for that.
    has_hung_up: bool,
}

enum Stage {
    Lookup,
    Tcp(Box<Attempts>),
    /// TLS to the proxy.
    ProxyTls(Stream),
    Proxy(Stream),
    Tls(Stream),
    /// TLS is up; the application has been asked.
    Validation(Stream),
    Http(Stream, Box<Conversation>, usize),
    /// The upgrade is done.
    Done(Connected),
}

impl Stage {
    /// Readiness has come.
    fn notice_edge(&mut self) {
        match self {
            Stage::ProxyTls(stream)
            | Stage::Proxy(stream)
            | Stage::Tls(stream)
            | Stage::Validation(stream)
            | Stage::Http(stream, ..) => stream.notice_edge(),
            Stage::Lookup | Stage::Tcp(_) | Stage::Done(..) => {}
        }
    }
}

impl Connecting {
    pub fn new(request: Box<Request>, now: Instant) -> Connecting {
        Connecting {
            deadline: now + request.connect_timeout,
            total_deadline: request.total_timeout.map(|timeout| now + timeout),
            request,
            stage: Stage::Lookup,
            lookup: Lookup::default(),
            tunnel: None,
            begun: now,
            has_hung_up: false,
        }
    }

    pub fn deadline(&self) -> Instant {
        self.total_deadline.map_or(self.deadline, |total| total.min(self.deadline))
    }

    /// The connection, once `advance` has answered `None`.
    pub fn take_connection(&mut self) -> Option<Connected> {
        match std::mem::replace(&mut self.stage, Stage::Lookup) {
            Stage::Done(connected) => Some(connected),
            _ => None,
        }
    }

    pub fn looked_up(&mut self, lookup: Result<Lookup, Error>, link: &Link) -> Option<Error> {
        if !matches!(self.stage, Stage::Lookup) {
            return None;
        }
        self.lookup = match lookup {
            Ok(lookup) => lookup,
            Err(error) => return Some(error),
        };
        self.stage_ended(Timed::Name, link);
        let targets = std::mem::take(&mut self.lookup.target);
        let proxy = self.request.progress.proxy.as_ref();
        match proxy.map(|proxy| Tunnel::new(&self.request, proxy, targets)).transpose() {
            Ok(tunnel) => self.tunnel = tunnel,
            Err(error) => return Some(error),
        }
        self.open(self.request.connect_timeout);
        None
    }

    /// Begins with the addresses of the server, or of its proxy; each has as much time.
    fn open(&mut self, timeout: Duration) {
        let Request { max_addresses, options, .. } = *self.request;
        let addresses = self.lookup.addresses.clone();
        let attempts = Attempts::new(addresses, max_addresses, options, timeout);
        self.stage = Stage::Tcp(Box::new(attempts));
    }

    /// Everything anew: another address, or another request to the same.
    fn begin_round(&mut self, link: &Home) -> Result<Option<Progress>, Error> {
        self.stage = Stage::Lookup;
        self.deadline = crate::reactor::now() + self.request.connect_timeout;
        let question = self.request.plan()?;
        let attempt = link.begin_round();
        lookup::begin(link, attempt, question);
        Ok(Some(Progress::Pending))
    }

    /// The application has judged the certificate.
    pub fn validated(&mut self, accepted: bool) -> Option<Error> {
        let stage = std::mem::replace(&mut self.stage, Stage::Lookup);
        match stage {
            Stage::Validation(stream) if accepted => {
                // The application's thinking is no part of the upgrade.
                self.begun = crate::reactor::now();
                self.begin_upgrade(stream);
                None
            }
            Stage::Validation(_) => Some(Error::new(Phase::Tls, Cause::CertificateRejected)),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// Goes as far as possible. `None`: the connection is open.
    pub fn advance(&mut self, turn: &mut Turn<'_>, link: &Home) -> Option<Progress> {
        if turn.now >= self.deadline()
            && let Some(error) = self.timed_out(turn, link)
        {
            return Some(Progress::Failed(error));
        }
        self.has_hung_up |= turn.hung_up;
        if turn.readable {
            self.stage.notice_edge();
        }
        loop {
            let stage = std::mem::replace(&mut self.stage, Stage::Lookup);
            let step = match stage {
                Stage::Lookup => return Some(Progress::Pending),
                Stage::Tcp(attempts) => self.tcp(attempts, turn, link),
                Stage::ProxyTls(stream) => self.proxy_tls(stream, turn),
                Stage::Proxy(stream) => self.proxy(stream, turn, link),
                Stage::Tls(stream) => self.tls(stream, turn, link),
                Stage::Validation(stream) => {
                    self.stage = Stage::Validation(stream);
                    return Some(Progress::Pending);
                }
                Stage::Http(stream, conversation, written) => {
                    self.http(stream, conversation, written, turn, link)
                }
                Stage::Done(..) => {
                    self.stage = stage;
                    return None;
                }
            };
            match step {
                Ok(None) => {}
                Ok(Some(progress)) => return Some(progress),
                Err(error) => return Some(Progress::Failed(error)),
            }
        }
    }

    fn timed_out(&mut self, turn: &mut Turn<'_>, link: &Link) -> Option<Error> {
        let is_over = self.total_deadline.is_some_and(|total| turn.now >= total);
        match &mut self.stage {
            // Each attempt has its own.
            Stage::Tcp(_) if !is_over => None,
            Stage::Http(_, conversation, _) => {
                // The body of a refusal may hang; its status has been had.
                let status = match conversation.receive_eof() {
                    Ok(Step::Refused { status }) => status,
                    _ => return Some(Error::new(Phase::Http, Cause::Timeout)),
                };
                lock(&link.information).note_response(conversation);
                Some(Error::new(Phase::Http, Cause::HttpStatus(status)))
            }
            Stage::Tcp(attempts) => {
                let error = Error { cause: Cause::Timeout, ..attempts.failed() };
                Some(Error { phase: self.first_phase(Phase::Tcp), ..error })
            }
            Stage::Proxy(_) => {
                let outcome = self.tunnel.as_mut()?.timed_out(is_over);
                if outcome.is_ok() {
                    self.open(self.request.connect_timeout);
                }
                self.note_proxy(link);
                outcome.err()
            }
            Stage::Done(..) => None,
            _ => Some(Error::new(self.phase(), Cause::Timeout)),
        }
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        match &self.stage {
            Stage::Lookup => self.first_phase(Phase::Name),
            Stage::Tcp(_) => self.first_phase(Phase::Tcp),
            Stage::ProxyTls(_) | Stage::Proxy(_) => Phase::Proxy,
            Stage::Tls(_) | Stage::Validation(_) => Phase::Tls,
            Stage::Http(..) | Stage::Done(..) => Phase::Http,
        }
    }

    /// The next one begins. A turn has one time, but much can happen in it.
    fn stage_ended(&mut self, stage: Timed, link: &Link) {
        let now = crate::reactor::now();
        let took = now.saturating_duration_since(self.begun);
        lock(&link.information).stage_ended(stage, took);
        self.begun = now;
    }

    fn tcp(
        &mut self,
        mut attempts: Box<Attempts>,
        turn: &mut Turn<'_>,
        link: &Link,
    ) -> Result<Option<Progress>, Error> {
        let (socket, address) = match attempts.advance(turn) {
            Raced::Connected { socket, address, deadline } => {
                self.deadline = deadline;
                (socket, address)
            }
            Raced::Pending(next) => {
                self.deadline = next;
                self.stage = Stage::Tcp(attempts);
                return Ok(Some(Progress::Pending));
            }
            Raced::Failed(error) => {
                return Err(Error { phase: self.first_phase(error.phase), ..error });
            }
        };
        self.has_hung_up = turn.hung_up;
        lock(&link.information).set_addresses(socket.local_addr().ok(), address);
        self.stage_ended(Timed::Tcp, link);
        let mut stream = Stream::plain(Arc::new(socket));
        let proxy = self.request.progress.proxy.as_ref();
        match (proxy, &self.lookup.proxy_tls) {
            (Some(proxy), Some(config)) => {
                let failed = |fault| Error::new(Phase::Proxy, Cause::Tls(fault));
                let session =
                    TlsSession::new(config, server_name(proxy.host())?).map_err(failed)?;
                stream.secure(session, self.is_silent(turn));
                self.stage = Stage::ProxyTls(stream);
                Ok(None)
            }
            (Some(_), None) => {
                self.stage = Stage::Proxy(stream);
                Ok(None)
            }
            (None, _) => {
                let is_silent = self.is_silent(turn);
                self.reach(stream, is_silent)
            }
        }
    }

    /// Whether a connection that is new has brought nothing, so that an edge tells when it does.
    fn is_silent(&self, turn: &Turn<'_>) -> bool {
        self.trusts_short_reads() && !turn.readable
    }

    /// A short read means that the system has no more.
    fn trusts_short_reads(&self) -> bool {
        SILENCE_TELLS && !self.has_hung_up
    }

    fn proxy_tls(
        &mut self,
        mut stream: Stream,
        turn: &mut Turn<'_>,
    ) -> Result<Option<Progress>, Error> {
        let done = stream.handshake(&mut turn.scratch.ciphertext, self.trusts_short_reads());
        let in_proxy = |fault| Error { phase: Phase::Proxy, ..stream_error(Phase::Proxy, fault) };
        match done.map_err(in_proxy)? {
            Some(true) => {
                self.stage = Stage::Proxy(stream);
                Ok(None)
            }
            Some(false) => {
                self.stage = Stage::ProxyTls(stream);
                Ok(Some(Progress::Pending))
            }
            None => Err(Error::new(Phase::Proxy, Cause::ConnectionAborted)),
        }
    }

    fn proxy(
        &mut self,
        mut stream: Stream,
        turn: &mut Turn<'_>,
        link: &Home,
    ) -> Result<Option<Progress>, Error> {
        let Some(tunnel) = &mut self.tunnel else { return self.reach(stream, false) };
        let tunnelled = tunnel.advance(&mut stream, turn);
        match tunnelled {
            Ok(Tunnelled::Pending) => {
                self.stage = Stage::Proxy(stream);
                Ok(Some(Progress::Pending))
            }
            Ok(Tunnelled::Again) => {
                self.stage = Stage::Proxy(stream);
                Ok(Some(Progress::Again))
            }
            Ok(Tunnelled::Open) => {
                self.tunnel = None;
                self.stage_ended(Timed::Proxy, link);
                self.reach(stream, false)
            }
            Ok(Tunnelled::Reconnect { is_afresh }) => {
                drop(stream);
                let left = self.deadline.saturating_duration_since(turn.now);
                self.open(if is_afresh { self.request.connect_timeout } else { left });
                Ok(None)
            }
            Err(error) => {
                self.note_proxy(link);
                Err(error)
            }
        }
    }

    /// A way to the server is open.
    fn reach(&mut self, mut stream: Stream, is_silent: bool) -> Result<Option<Progress>, Error> {
        let Some(config) = &self.lookup.tls else {
            self.begin_upgrade(stream);
            return Ok(None);
        };
        let failed = |fault| Error::new(Phase::Tls, Cause::Tls(fault));
        let name = server_name(self.request.offer.uri.host())?;
        stream.secure(TlsSession::new(config, name).map_err(failed)?, is_silent);
        self.stage = Stage::Tls(stream);
        Ok(None)
    }

    /// What fails before a proxy is reached fails on the way to it.
    fn first_phase(&self, phase: Phase) -> Phase {
        if self.request.progress.proxy.is_some() { Phase::Proxy } else { phase }
    }

    fn note_proxy(&self, link: &Link) {
        let answer = self.tunnel.as_ref().and_then(Tunnel::response);
        if let Some((response, body)) = answer {
            lock(&link.information).set_response(Some(response), body);
        }
    }

    fn tls(
        &mut self,
        mut stream: Stream,
        turn: &mut Turn<'_>,
        link: &Link,
    ) -> Result<Option<Progress>, Error> {
        let done = stream.handshake(&mut turn.scratch.ciphertext, self.trusts_short_reads());
        stream.look_at_tls(|tls| lock(&link.information).note_tls(tls));
        let done = done.map_err(|fault| stream_error(Phase::Tls, fault))?;
        if done == Some(true) {
            self.stage_ended(Timed::Tls, link);
        }
        match done {
            Some(true) if self.request.validates => {
                // The request, with which it would leave, may be a while.
                let _ = stream.flush();
                self.stage = Stage::Validation(stream);
                Ok(Some(Progress::Validate))
            }
            Some(true) => {
                self.begin_upgrade(stream);
                Ok(None)
            }
            Some(false) => {
                self.stage = Stage::Tls(stream);
                Ok(Some(Progress::Pending))
            }
            None => Err(Error::new(Phase::Tls, Cause::ConnectionAborted)),
        }
    }
}

/// epoll makes an edge for every arrival; elsewhere one has to read until the system would block.
const SILENCE_TELLS: bool = cfg!(any(target_os = "linux", target_os = "android"));

fn server_name(host: &Host) -> Result<ServerName<'static>, Error> {
    match host {
        Host::V4(address) => Ok(ServerName::IpAddress(std::net::IpAddr::V4(*address).into())),
        Host::V6 { address, .. } => {
            Ok(ServerName::IpAddress(std::net::IpAddr::V6(*address).into()))
        }
        Host::Name(_) => ServerName::try_from(host.server_name().to_owned()).map_err(|_| {
            Error::new(Phase::Name, Cause::NameNotResolved).with_detail("not a DNS name")
        }),
    }
}

pub fn stream_error(phase: Phase, fault: StreamFault) -> Error {
    match fault {
        StreamFault::System(error) => Error::from_system(phase, &error),
        StreamFault::Tls(fault) => Error::new(Phase::Tls, Cause::Tls(fault)),
    }
}
