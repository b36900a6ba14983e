//! Asking a proxy for a way to the server, over a connection to the proxy that is there already. What
//! to say and what an answer means is in `transport`; here it is sent, and what came of it is told in
//! this floor's errors. A proxy that is told addresses instead of a name is asked for one after the
//! other.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::base::random;
use crate::http::uri::Uri;
use crate::reactor::Turn;
use crate::transport::http_proxy::{HttpProxy, ProxyStep};
use crate::transport::proxy::Proxy;
use crate::transport::race;
use crate::transport::socks5::{Socks5, SocksFault, SocksStep};
use crate::transport::stream::{Read, Stream};

use super::connecting::stream_error;
use super::error::{Cause, Error, Phase};
use super::request::Request;

/// Enough for any legal answer; an endless one is met in small bites.
const READ_BYTES: usize = 16 * 1024;
const READS_PER_TURN: usize = 16;

pub(super) struct Tunnel {
    way: Way,
    written: usize,
    /// The server's addresses, where the proxy is not to look them up: those that it has been asked
    /// for, and those that it may yet be.
    asked: Vec<SocketAddr>,
    left: VecDeque<SocketAddr>,
    /// What came of those before the last.
    failure: Option<Error>,
}

enum Way {
    Http(Box<HttpProxy>),
    Socks(Box<Socks5>),
}

/// What has come of it so far.
pub(super) enum Tunnelled {
    Pending,
    /// There may be more to read.
    Again,
    /// The next byte is the server's.
    Open,
    /// It goes on over a new connection to the same proxy.
    Reconnect {
        /// About another address of the server, with a time of its own.
        is_afresh: bool,
    },
}

impl Tunnel {
    /// `targets` are the server's addresses where the proxy is not to look them up.
    pub fn new(
        request: &Request,
        proxy: &Proxy,
        targets: Vec<SocketAddr>,
    ) -> Result<Tunnel, Error> {
        let uri: &Uri = &request.offer.uri;
        // What the application set comes before what a text said, which may be the environment's.
        let credential = request.proxy_credential.as_ref().or(proxy.credential()).cloned();
        let mut left = race::ordered(targets, request.max_addresses);
        let first = left.pop_front();
        let way = match proxy {
            Proxy::Http(_) | Proxy::Https(_) => {
                let (target, cnonce) = (uri.connect_target(), random::nonce());
                Way::Http(Box::new(HttpProxy::new(&target, &[], credential, cnonce)))
            }
            Proxy::Socks5 { .. } => {
                let host = first.map_or_else(|| uri.host().clone(), |first| first.ip().into());
                let socks = Socks5::new(&host, uri.port(), credential)
                    .map_err(|fault| Error::new(Phase::Proxy, Cause::Socks(fault)))?;
                Way::Socks(Box::new(socks))
            }
        };
        Ok(Tunnel { way, written: 0, asked: first.into_iter().collect(), left, failure: None })
    }

    pub fn advance(
        &mut self,
        stream: &mut Stream,
        turn: &mut Turn<'_>,
    ) -> Result<Tunnelled, Error> {
        for _ in 0..READS_PER_TURN {
            self.send(stream);
            let input = turn.scratch.input.get_mut(..READ_BYTES).unwrap_or_default();
            let read =
                stream.read(input, &mut turn.scratch.ciphertext, false).map_err(|fault| Error {
                    phase: Phase::Proxy,
                    ..stream_error(Phase::Proxy, fault)
                })?;
            let bytes = match read {
                Read::Blocked => return Ok(Tunnelled::Pending),
                Read::End => None,
                Read::Bytes(count) => Some(input.get(..count).unwrap_or_default()),
            };
            match self.received(bytes) {
                Ok(None) => {}
                Ok(Some(tunnelled)) => return Ok(tunnelled),
                Err(error) => return self.refused(error),
            }
        }
        Ok(Tunnelled::Again)
    }

    /// There is no more time: a refusal whose body hangs is a refusal all the same, and an address
    /// that the proxy does not reach is not the last one perhaps, unless all is over.
    pub fn timed_out(&mut self, is_over: bool) -> Result<Tunnelled, Error> {
        if is_over {
            self.left.clear();
        }
        let timeout = Error::new(Phase::Proxy, Cause::Timeout);
        match &mut self.way {
            Way::Http(http) => match http.receive_eof() {
                Ok(ProxyStep::Refused { status }) => {
                    Err(Error::new(Phase::Proxy, Cause::HttpStatus(status)))
                }
                _ => Err(timeout),
            },
            Way::Socks(socks) if socks.is_asked() => self.next_address(timeout),
            Way::Socks(_) => Err(self.told(timeout)),
        }
    }

    fn refused(&mut self, error: Error) -> Result<Tunnelled, Error> {
        match error.cause {
            Cause::Socks(SocksFault::Refused(refusal)) if refusal.is_of_the_address() => {
                self.next_address(error)
            }
            _ => Err(self.told(error)),
        }
    }

    fn next_address(&mut self, error: Error) -> Result<Tunnelled, Error> {
        let says_less = match error.cause {
            Cause::Socks(SocksFault::Refused(refusal)) => refusal.is_of_the_family(),
            _ => false,
        };
        let error = self.failure.take().filter(|_| says_less).unwrap_or(error);
        let Way::Socks(socks) = &mut self.way else { return Err(error) };
        let Some(next) = self.left.pop_front() else { return Err(self.told(error)) };
        self.failure = Some(error);
        let anew = socks.anew(&next.ip().into(), next.port());
        **socks = anew.map_err(|fault| Error::new(Phase::Proxy, Cause::Socks(fault)))?;
        self.written = 0;
        self.asked.push(next);
        Ok(Tunnelled::Reconnect { is_afresh: true })
    }

    /// With the addresses that the proxy has been asked for.
    fn told(&self, error: Error) -> Error {
        let mut asked = String::new();
        for address in &self.asked {
            let _ = write!(asked, "{}{address}", if asked.is_empty() { "" } else { ", " });
        }
        error.with_detail(asked)
    }

    /// The answer of an HTTP proxy, and as much of its body as has arrived.
    pub fn response(&self) -> Option<(&crate::http::Response, &[u8])> {
        match &self.way {
            Way::Http(http) => http.response().map(|response| (response, http.body())),
            Way::Socks(_) => None,
        }
    }

    fn send(&mut self, stream: &mut Stream) {
        let request = match &self.way {
            Way::Http(http) => http.request(),
            Way::Socks(socks) => socks.request(),
        };
        while let Some(rest) = request.get(self.written..).filter(|rest| !rest.is_empty()) {
            // The answer may be there already: a refusal is worth more than a broken pipe.
            match stream.write_some(rest) {
                Ok(count) if count > 0 => self.written += count,
                _ => break,
            }
        }
        let _ = stream.flush();
    }

    /// `None` for the end of the connection.
    fn received(&mut self, bytes: Option<&[u8]>) -> Result<Option<Tunnelled>, Error> {
        let failed = |cause| Error::new(Phase::Proxy, cause);
        match &mut self.way {
            Way::Http(http) => {
                // An answer to half a request: what follows it would be read as the other half.
                let is_sent = self.written >= http.request().len();
                let step = match bytes {
                    Some(bytes) => http.receive(bytes),
                    None => http.receive_eof(),
                };
                match step.map_err(|fault| failed(Cause::Proxy(fault)))? {
                    ProxyStep::More => Ok(None),
                    ProxyStep::Connected => Ok(Some(Tunnelled::Open)),
                    ProxyStep::Authenticate { reconnect } => {
                        self.written = 0;
                        Ok((reconnect || !is_sent)
                            .then_some(Tunnelled::Reconnect { is_afresh: false }))
                    }
                    ProxyStep::Refused { status } => Err(failed(Cause::HttpStatus(status))),
                }
            }
            Way::Socks(socks) => {
                let step = match bytes {
                    Some(bytes) => socks.receive(bytes),
                    None => socks.receive_eof(),
                };
                match step.map_err(|fault| failed(Cause::Socks(fault)))? {
                    SocksStep::More => Ok(None),
                    SocksStep::Send => {
                        self.written = 0;
                        Ok(None)
                    }
                    SocksStep::Connected => Ok(Some(Tunnelled::Open)),
                }
            }
        }
    }
}
