//! A tunnel through an HTTP proxy: one CONNECT (RFC 9110 §9.3.6), its answer, and if the proxy wants
//! to know who asks, one CONNECT more.
//!
//! The driver sends `request`, feeds `receive` and owns connection and deadline. The only place that
//! says `Proxy-Authorization`; what is meant for the server never comes here.

use std::fmt;

use zeroize::Zeroizing;

use crate::http::auth::{self, Credential};
use crate::http::body::{MAX_BODY_BYTES, announced_length};
use crate::http::{BodyProgress, BodyReader, HeadFault, HeadReader, Response, Version};

/// Responses before the final one that are read and dropped.
const MAX_INTERIM: usize = 8;

/// What has come of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyStep {
    /// The answer is not whole yet.
    More,
    /// The tunnel is up; the next byte is the server's.
    Connected,
    /// `request` has changed and is to be sent from its beginning: on this connection, or where
    /// `reconnect` says so on a new one to the same proxy.
    Authenticate { reconnect: bool },
    /// The proxy answered with this status; headers and body are there to read.
    Refused { status: u16 },
}

/// One tunnel's requests and their answers.
pub struct HttpProxy {
    /// Host and port.
    target: String,
    credential: Option<Credential>,
    cnonce: [u8; 16],
    headers: Vec<(String, String)>,
    request: Zeroizing<Vec<u8>>,
    /// Challenges that have been answered.
    answers: usize,
    interim: usize,
    state: State,
    /// The final response, as soon as its head is whole.
    response: Option<Response>,
}

enum State {
    Head(HeadReader),
    /// The rest of a challenge's body, after which the connection can be used again.
    Challenge {
        left: u64,
    },
    Connected,
    Refusal {
        status: u16,
        body: BodyReader,
        ended: bool,
    },
    Failed(ProxyFault),
}

impl HttpProxy {
    /// `target` is host and port as `Uri::connect_target` writes them; `headers` are for the proxy
    /// and hold no line ends; `cnonce` must be unpredictable and new for each tunnel.
    pub fn new(
        target: &str,
        headers: &[(&str, &str)],
        credential: Option<Credential>,
        cnonce: [u8; 16],
    ) -> Self {
        let mut proxy = Self {
            target: target.to_owned(),
            credential,
            cnonce,
            headers: headers.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect(),
            request: Zeroizing::default(),
            answers: 0,
            interim: 0,
            state: State::Head(HeadReader::new()),
            response: None,
        };
        proxy.request = proxy.write(None);
        proxy
    }

    /// The bytes to send.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes bytes from the proxy. Once it has ended it takes no more and repeats how.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<ProxyStep, ProxyFault> {
        let mut rest = bytes;
        loop {
            match &mut self.state {
                State::Head(reader) => match reader.receive(rest) {
                    Ok(None) => return Ok(ProxyStep::More),
                    Ok(Some((response, consumed))) => {
                        rest = rest.get(consumed..).unwrap_or_default();
                        if let Some(step) = self.after_head(response, rest)? {
                            return Ok(step);
                        }
                    }
                    Err(fault) => return self.fail(ProxyFault::Head(fault)),
                },
                State::Challenge { left } => {
                    let arrived = rest.len() as u64;
                    if arrived > *left {
                        return self.fail(ProxyFault::EarlyBytes);
                    }
                    *left -= arrived;
                    if *left > 0 {
                        return Ok(ProxyStep::More);
                    }
                    self.state = State::Head(HeadReader::new());
                    return Ok(ProxyStep::Authenticate { reconnect: false });
                }
                State::Connected => return Ok(ProxyStep::Connected),
                State::Refusal { status, body, ended } => {
                    *ended = *ended || body.receive(rest) == BodyProgress::Done;
                    let refused = ProxyStep::Refused { status: *status };
                    return Ok(if *ended { refused } else { ProxyStep::More });
                }
                State::Failed(fault) => return Err(*fault),
            }
        }
    }

    /// No more bytes will come on this connection, or none in time.
    pub fn receive_eof(&mut self) -> Result<ProxyStep, ProxyFault> {
        match &mut self.state {
            State::Head(reader) if reader.has_begun() => self.fail(ProxyFault::Truncated),
            State::Head(_) => self.fail(ProxyFault::Eof),
            State::Challenge { .. } => {
                self.state = State::Head(HeadReader::new());
                Ok(ProxyStep::Authenticate { reconnect: true })
            }
            State::Refusal { ended, .. } => {
                *ended = true;
                self.receive(&[])
            }
            State::Connected | State::Failed(_) => self.receive(&[]),
        }
    }

    /// The final response once its head has arrived.
    pub fn response(&self) -> Option<&Response> {
        self.response.as_ref()
    }

    /// What has arrived of the body of a refusal.
    pub fn body(&self) -> &[u8] {
        match &self.state {
            State::Refusal { body, .. } => body.body(),
            _ => &[],
        }
    }

    /// `None`: there is more to read, of this response or the next.
    fn after_head(
        &mut self,
        response: Response,
        rest: &[u8],
    ) -> Result<Option<ProxyStep>, ProxyFault> {
        match response.status {
            // RFC 9110 §7.8: nobody asked for another protocol.
            101 => self.fail(ProxyFault::SwitchedProtocols),
            100..=199 => {
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return self.fail(ProxyFault::TooManyInterim);
                }
                self.state = State::Head(HeadReader::new());
                Ok(None)
            }
            // RFC 9110 §9.3.6: any 2xx is the tunnel; Content-Length and Transfer-Encoding there
            // mean nothing. What comes now would be the server's, and it does not speak first.
            200..=299 if !rest.is_empty() => self.fail(ProxyFault::EarlyBytes),
            200..=299 => {
                self.response = Some(response);
                self.state = State::Connected;
                Ok(Some(ProxyStep::Connected))
            }
            status => {
                if status == 407
                    && let Some(answer) = self.answer(&response)
                {
                    return Ok(self.ask_again(&response, &answer));
                }
                let body = BodyReader::new(&response);
                self.response = Some(response);
                self.state = State::Refusal { status, body, ended: false };
                Ok(None)
            }
        }
    }

    /// RFC 9110 §11.7.1. A credential that was refused once is not tried again, unless the proxy
    /// says that it was only late.
    fn answer(&self, response: &Response) -> Option<Zeroizing<String>> {
        let challenges = || response.headers.values("Proxy-Authenticate");
        let may_answer = self.answers == 0 || self.answers == 1 && auth::is_stale(challenges());
        let credential = self.credential.as_ref().filter(|_| may_answer)?;
        auth::answer(challenges(), credential, "CONNECT", &self.target, self.cnonce)
            .map(Zeroizing::new)
    }

    fn ask_again(&mut self, response: &Response, answer: &str) -> Option<ProxyStep> {
        self.answers += 1;
        self.interim = 0;
        self.request = self.write(Some(answer));
        let length = announced_length(response).filter(|&left| left <= MAX_BODY_BYTES as u64);
        match length.filter(|_| stays_open(response)) {
            Some(left) => {
                self.state = State::Challenge { left };
                None
            }
            None => {
                self.state = State::Head(HeadReader::new());
                Some(ProxyStep::Authenticate { reconnect: true })
            }
        }
    }

    fn write(&self, authorization: Option<&str>) -> Zeroizing<Vec<u8>> {
        // RFC 9110 §9.3.6: host and port, both always. §7.2: Host is the same.
        let mut parts = vec!["CONNECT ", &self.target, " HTTP/1.1\r\nHost: ", &self.target, "\r\n"];
        for (name, value) in &self.headers {
            parts.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(value) = authorization {
            parts.extend(["Proxy-Authorization: ", value, "\r\n"]);
        }
        parts.push("\r\n");
        // In one piece, so that no half of it stays behind in memory.
        let mut request = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            request.extend_from_slice(part.as_bytes());
        }
        Zeroizing::new(request)
    }

    fn fail<T>(&mut self, fault: ProxyFault) -> Result<T, ProxyFault> {
        self.state = State::Failed(fault);
        Err(fault)
    }
}

impl fmt::Debug for HttpProxy {
    /// The request is left out: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Head(_) => "reading a head".to_owned(),
            State::Challenge { left } => format!("skipping {left} bytes of a challenge"),
            State::Connected => "connected".to_owned(),
            State::Refusal { status, .. } => format!("refused with {status}"),
            State::Failed(fault) => format!("failed: {fault:?}"),
        };
        f.debug_struct("HttpProxy")
            .field("target", &self.target)
            .field("answers", &self.answers)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// RFC 9112 §9.3. `Proxy-Connection` never was a standard, and many proxies send nothing else.
fn stays_open(response: &Response) -> bool {
    let says = |token: &str| {
        ["Connection", "Proxy-Connection"].into_iter().any(|name| {
            response.headers.elements(name).any(|said| said.eq_ignore_ascii_case(token.as_bytes()))
        })
    };
    match response.version {
        Version::Http11 => !says("close"),
        Version::Http10 => says("keep-alive") && !says("close"),
    }
}

/// Why what answered is no proxy that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    Head(HeadFault),
    /// The connection ended without an answer.
    Eof,
    /// It ended in the middle of one.
    Truncated,
    TooManyInterim,
    /// 101 in answer to CONNECT.
    SwitchedProtocols,
    /// Bytes behind the answer, before we said anything to the server.
    EarlyBytes,
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head(fault) => return write!(f, "At the proxy: {fault}"),
            Self::Eof => "The proxy ended the connection without an answer.",
            Self::Truncated => "The proxy ended the connection in the middle of its answer.",
            Self::TooManyInterim => "The proxy sent more than 8 interim responses.",
            Self::SwitchedProtocols => "The proxy switched protocols instead of connecting.",
            Self::EarlyBytes => "The proxy sent bytes that nobody had asked for.",
        })
    }
}

impl std::error::Error for ProxyFault {}

#[cfg(test)]
#[path = "http_proxy_tests.rs"]
mod tests;
