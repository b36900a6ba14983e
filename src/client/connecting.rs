//! From a URI to an open connection: name, TCP, TLS, validation, upgrade. A plan of stages under
//! one deadline per address, driven by the session's turns; nothing here waits.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustls_pki_types::ServerName;

use crate::base::lock::lock;
use crate::base::random;
use crate::handshake::{self, Conversation, Offer, Step};
use crate::http::uri::Host;
use crate::protocol::deflate::Parameters;
use crate::reactor::Turn;
use crate::transport::stream::{Read, Stream, StreamFault};
use crate::transport::tcp::TcpOptions;
use crate::transport::tls::TlsSession;
use crate::transport::trust::TrustSettings;

use super::attempts::{Attempts, Raced};
use super::error::{Cause, Error, Phase};
use super::link::Link;
use super::lookup::{Lookup, Question};
use super::runtime::Runtime;
use super::statistics::Timed;

/// What the application asked for, fixed when it called connect.
#[derive(Debug)]
pub struct Request {
    pub offer: Offer,
    pub options: TcpOptions,
    pub connect_timeout: Duration,
    pub max_addresses: usize,
    pub total_timeout: Option<Duration>,
    /// The application wants to judge the certificate itself.
    pub validates: bool,
    pub trust: TrustSettings,
    pub runtime: Weak<Runtime>,
}

impl Request {
    /// What has to be known before it can begin.
    pub fn question(&self) -> Question {
        let uri = &self.offer.uri;
        Question {
            peer: (uri.host().clone(), uri.port()),
            target: None,
            trust: uri.is_secure().then(|| self.trust.clone()),
            proxy_trust: None,
        }
    }
}

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

pub struct Connecting {
    request: Box<Request>,
    stage: Stage,
    /// Of the lookup, or of the address being tried; while several are, when to look at them.
    deadline: Instant,
    total_deadline: Option<Instant>,
    tls: Option<Arc<rustls::ClientConfig>>,
    /// When the stage that is timed began.
    begun: Instant,
}

enum Stage {
    Lookup,
    Tcp(Box<Attempts>),
    Tls(Stream),
    /// TLS is up; the application has been asked.
    Validation(Stream),
    Http(Stream, Box<Conversation>, usize),
    /// The upgrade is done; these bytes came behind it.
    Done(Stream, Vec<u8>, Option<Parameters>),
}

impl Connecting {
    pub fn new(request: Box<Request>, now: Instant) -> Connecting {
        Connecting {
            deadline: now + request.connect_timeout,
            total_deadline: request.total_timeout.map(|timeout| now + timeout),
            request,
            stage: Stage::Lookup,
            tls: None,
            begun: now,
        }
    }

    pub fn deadline(&self) -> Instant {
        self.total_deadline.map_or(self.deadline, |total| total.min(self.deadline))
    }

    /// The connection, once `advance` has answered `None`, what has been read beyond the 101, and
    /// the compression that was agreed there.
    pub fn into_connection(self) -> Option<(Stream, Vec<u8>, Option<Parameters>)> {
        match self.stage {
            Stage::Done(stream, leftover, compression) => Some((stream, leftover, compression)),
            _ => None,
        }
    }

    pub fn looked_up(&mut self, lookup: Result<Lookup, Error>, link: &Link) -> Option<Error> {
        if !matches!(self.stage, Stage::Lookup) {
            return None;
        }
        let lookup = match lookup {
            Ok(lookup) => lookup,
            Err(error) => return Some(error),
        };
        self.tls = lookup.tls;
        self.stage_ended(Timed::Name, link);
        let Request { max_addresses, options, connect_timeout, .. } = *self.request;
        let attempts = Attempts::new(lookup.addresses, max_addresses, options, connect_timeout);
        self.stage = Stage::Tcp(Box::new(attempts));
        None
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
    pub fn advance(&mut self, turn: &mut Turn<'_>, link: &Link) -> Option<Progress> {
        if turn.now >= self.deadline()
            && let Some(error) = self.timed_out(turn, link)
        {
            return Some(Progress::Failed(error));
        }
        loop {
            let stage = std::mem::replace(&mut self.stage, Stage::Lookup);
            let step = match stage {
                Stage::Lookup => return Some(Progress::Pending),
                Stage::Tcp(attempts) => self.tcp(attempts, turn, link),
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
                note_response(link, conversation);
                Some(Error::new(Phase::Http, Cause::HttpStatus(status)))
            }
            Stage::Lookup => Some(Error::new(Phase::Name, Cause::Timeout)),
            Stage::Tcp(attempts) => {
                let cause = Cause::Timeout;
                Some(Error { cause, phase: Phase::Tcp, ..attempts.failed() })
            }
            Stage::Tls(_) | Stage::Validation(_) => Some(Error::new(Phase::Tls, Cause::Timeout)),
            Stage::Done(..) => None,
        }
    }

    /// The next one begins. A turn has one time, but much can happen in it.
    fn stage_ended(&mut self, stage: Timed, link: &Link) {
        let now = crate::reactor::now();
        link.statistics.stage_ended(stage, now.saturating_duration_since(self.begun));
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
            Raced::Failed(error) => return Err(error),
        };
        {
            let mut information = lock(&link.information);
            information.local = socket.local_addr().ok();
            information.remote = Some(address);
        }
        self.stage_ended(Timed::Tcp, link);
        let stream = Stream::plain(socket);
        let Some(config) = self.tls.clone() else {
            self.begin_upgrade(stream);
            return Ok(None);
        };
        let failed = |cause| Error::new(Phase::Tls, cause);
        let session = TlsSession::new(&config, server_name(self.request.offer.uri.host())?)
            .map_err(|fault| failed(Cause::Tls(fault)))?;
        let mut stream = stream;
        stream.secure(session);
        self.stage = Stage::Tls(stream);
        Ok(None)
    }

    fn tls(
        &mut self,
        mut stream: Stream,
        turn: &mut Turn<'_>,
        link: &Link,
    ) -> Result<Option<Progress>, Error> {
        let done = stream.handshake(&mut turn.scratch.ciphertext);
        note_tls(link, &stream);
        let done = done.map_err(|fault| stream_error(Phase::Tls, fault))?;
        if done == Some(true) {
            self.stage_ended(Timed::Tls, link);
        }
        match done {
            Some(true) if self.request.validates => {
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

    fn begin_upgrade(&mut self, stream: Stream) {
        let conversation = Conversation::new(&self.request.offer, random::nonce());
        self.stage = Stage::Http(stream, Box::new(conversation), 0);
    }

    fn http(
        &mut self,
        mut stream: Stream,
        mut conversation: Box<Conversation>,
        mut written: usize,
        turn: &mut Turn<'_>,
        link: &Link,
    ) -> Result<Option<Progress>, Error> {
        loop {
            let rest = conversation.request().get(written..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            match stream.write_some(rest) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                // The answer may be there already: a refusal is worth more than a broken pipe.
                Err(_) => break,
            }
        }
        let _ = stream.flush();
        for _ in 0..READS_PER_TURN {
            let input = turn.scratch.input.get_mut(..RESPONSE_READ_BYTES).unwrap_or_default();
            let read = stream
                .read(input, &mut turn.scratch.ciphertext, false)
                .map_err(|fault| stream_error(Phase::Http, fault))?;
            let step = match read {
                Read::Blocked => {
                    self.stage = Stage::Http(stream, conversation, written);
                    return Ok(Some(Progress::Pending));
                }
                Read::End => conversation.receive_eof().map(|step| (step, 0)),
                Read::Bytes(count) => {
                    let bytes = input.get(..count).unwrap_or_default();
                    conversation.receive(bytes).map(|step| (step, count))
                }
            };
            match step {
                Ok((Step::More, _)) => {}
                Ok((Step::Upgraded { consumed }, count)) => {
                    let leftover = input.get(consumed..count).unwrap_or_default().to_vec();
                    note_response(link, &mut conversation);
                    self.stage_ended(Timed::Http, link);
                    self.stage = Stage::Done(stream, leftover, conversation.compression());
                    return Ok(None);
                }
                Ok((Step::Refused { status }, _)) => {
                    note_response(link, &mut conversation);
                    self.stage_ended(Timed::Http, link);
                    return Err(Error::new(Phase::Http, Cause::HttpStatus(status)));
                }
                Err(handshake::Fault::Eof) => {
                    return Err(Error::new(Phase::Http, Cause::ConnectionAborted));
                }
                Err(fault) => {
                    note_response(link, &mut conversation);
                    return Err(Error::new(Phase::Http, Cause::Handshake(fault)));
                }
            }
        }
        // There may be more: the deadline is looked at in between.
        self.stage = Stage::Http(stream, conversation, written);
        Ok(Some(Progress::Again))
    }
}

const READS_PER_TURN: usize = 16;
/// Enough for any legal response; an endless one is met in small bites.
const RESPONSE_READ_BYTES: usize = 16 * 1024;

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

fn note_tls(link: &Link, stream: &Stream) {
    let Some(tls) = stream.tls() else { return };
    let mut information = lock(&link.information);
    information.tls_version = tls.version();
    information.tls_cipher_suite = tls.cipher_suite();
    information.tls_resumed = tls.is_resumed();
    information.certificates = tls.peer_certificates();
}

fn note_response(link: &Link, conversation: &mut Conversation) {
    let mut information = lock(&link.information);
    information.protocol = conversation.protocol().unwrap_or_default().to_owned();
    information.response_body = conversation.body().to_vec();
    information.response = conversation.response().cloned();
}
