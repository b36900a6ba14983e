//! Asking a proxy for a way to the server, over a connection to the proxy that is there already. What
//! to say and what an answer means is in `transport`; here it is sent, and what came of it is told in
//! this floor's errors.

use crate::base::random;
use crate::http::uri::{Host, Uri};
use crate::reactor::Turn;
use crate::transport::http_proxy::{HttpProxy, ProxyStep};
use crate::transport::proxy::Proxy;
use crate::transport::socks5::{Socks5, SocksStep};
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
    Reconnect,
}

impl Tunnel {
    /// `target` is the server's address where the proxy is not to look it up.
    pub fn new(request: &Request, proxy: &Proxy, target: Option<Host>) -> Result<Tunnel, Error> {
        let uri: &Uri = &request.offer.uri;
        // What the application set comes before what a text said, which may be the environment's.
        let credential = request.proxy_credential.as_ref().or(proxy.credential()).cloned();
        let way = match proxy {
            Proxy::Http(_) | Proxy::Https(_) => {
                let (target, cnonce) = (uri.connect_target(), random::nonce());
                Way::Http(Box::new(HttpProxy::new(&target, &[], credential, cnonce)))
            }
            Proxy::Socks5 { .. } => {
                let host = target.unwrap_or_else(|| uri.host().clone());
                let socks = Socks5::new(&host, uri.port(), credential)
                    .map_err(|fault| Error::new(Phase::Proxy, Cause::Socks(fault)))?;
                Way::Socks(Box::new(socks))
            }
        };
        Ok(Tunnel { way, written: 0 })
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
            if let Some(tunnelled) = self.received(bytes)? {
                return Ok(tunnelled);
            }
        }
        Ok(Tunnelled::Again)
    }

    /// There is no more time: a refusal whose body hangs is a refusal all the same.
    pub fn timed_out(&mut self) -> Error {
        if let Way::Http(http) = &mut self.way
            && let Ok(ProxyStep::Refused { status }) = http.receive_eof()
        {
            return Error::new(Phase::Proxy, Cause::HttpStatus(status));
        }
        Error::new(Phase::Proxy, Cause::Timeout)
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
                        Ok((reconnect || !is_sent).then_some(Tunnelled::Reconnect))
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
