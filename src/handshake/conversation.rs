//! One upgrade from the request to its end: upgraded, refused, or failed.
//!
//! The driver sends `request`, feeds `receive` and owns the deadline. At the deadline, as at the end
//! of the stream, `receive_eof` tells whether a refusal was known already.

use std::fmt;

use tungstenite::handshake::derive_accept_key;

use crate::http::{BodyProgress, BodyReader, HeadReader, Response};
use crate::protocol::deflate::Parameters;

use super::extensions::DeflateOffer;
use super::fault::Fault;
use super::redirect::is_redirect;
use super::request::{self, Offer};
use super::response::{self, Choice};

/// Responses before the final one that are read and dropped.
pub const MAX_INTERIM: usize = 8;

/// What has come of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The answer is not whole yet.
    More,
    /// The connection speaks WebSocket. `consumed` bytes of this call belonged to the answer; the
    /// rest are the first frames.
    Upgraded { consumed: usize },
    /// The server answered with another status; headers and body are there to read.
    Refused { status: u16 },
}

/// One request and its answer.
pub struct Conversation {
    request: Vec<u8>,
    /// What `Sec-WebSocket-Accept` must be.
    accept: String,
    protocols: Vec<String>,
    compression: Option<DeflateOffer>,
    follows_redirects: bool,
    interim: usize,
    state: State,
    /// The final response, as soon as its head is whole; also one that was found wanting.
    response: Option<Response>,
}

enum State {
    Head(HeadReader),
    Upgraded(Choice),
    Refusal { status: u16, body: BodyReader, ended: bool },
    Failed(Fault),
}

impl Conversation {
    /// `nonce` must be unpredictable and new for each connection (RFC 6455 §4.1, item 7).
    pub fn new(offer: &Offer, nonce: [u8; 16]) -> Self {
        let key = request::key(nonce);
        Self {
            request: request::write(offer, &key),
            accept: derive_accept_key(key.as_bytes()),
            protocols: offer.protocols.clone(),
            compression: offer.compression,
            follows_redirects: offer.follows_redirects,
            interim: 0,
            state: State::Head(HeadReader::new()),
            response: None,
        }
    }

    /// The bytes to send.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes bytes from the server. Once the conversation has ended it takes no more and repeats how
    /// it ended, with nothing consumed.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Step, Fault> {
        let mut rest = bytes;
        loop {
            match &mut self.state {
                State::Head(reader) => match reader.receive(rest) {
                    Ok(None) => return Ok(Step::More),
                    Ok(Some((response, consumed))) => {
                        rest = rest.get(consumed..).unwrap_or_default();
                        let next = self.after_head(response);
                        self.change(next)?;
                        if matches!(self.state, State::Upgraded(_)) {
                            return Ok(Step::Upgraded { consumed: bytes.len() - rest.len() });
                        }
                    }
                    Err(fault) => self.change(Err(fault.into()))?,
                },
                State::Upgraded(_) => return Ok(Step::Upgraded { consumed: 0 }),
                State::Refusal { status, body, ended } => {
                    *ended = *ended || body.receive(rest) == BodyProgress::Done;
                    let refused = Step::Refused { status: *status };
                    return Ok(if *ended { refused } else { Step::More });
                }
                State::Failed(fault) => return Err(*fault),
            }
        }
    }

    /// No more bytes will come. Within the body of a refusal this is its end; before that, a fault.
    pub fn receive_eof(&mut self) -> Result<Step, Fault> {
        match &mut self.state {
            State::Head(_) => self.change(Err(Fault::Eof))?,
            State::Refusal { ended, .. } => *ended = true,
            State::Upgraded(_) | State::Failed(_) => {}
        }
        self.receive(&[])
    }

    /// The final response once its head has arrived, also if it was refused for what it says.
    pub fn response(&self) -> Option<&Response> {
        self.response.as_ref()
    }

    /// What has arrived of the body of a refusal.
    pub fn body(&self) -> &[u8] {
        match &self.state {
            State::Refusal { body, .. } => body.body(),
            State::Head(_) | State::Upgraded(_) | State::Failed(_) => &[],
        }
    }

    /// The subprotocol the server chose.
    pub fn protocol(&self) -> Option<&str> {
        match &self.state {
            State::Upgraded(choice) => choice.protocol.as_deref(),
            _ => None,
        }
    }

    /// What was agreed on compression; `None`: messages go as they are.
    pub fn compression(&self) -> Option<Parameters> {
        match &self.state {
            State::Upgraded(choice) => choice.compression,
            _ => None,
        }
    }

    /// The final response, and as much of its body as has arrived.
    pub fn into_response(self) -> Option<(Response, Vec<u8>)> {
        let body = match self.state {
            State::Refusal { body, .. } => body.into_body(),
            State::Head(_) | State::Upgraded(_) | State::Failed(_) => Vec::new(),
        };
        self.response.map(|response| (response, body))
    }

    fn after_head(&mut self, response: Response) -> Result<State, Fault> {
        let status = response.status;
        // RFC 9110 §15.2: a client must be able to parse interim responses, and may ignore them.
        if status != 101 && (100..200).contains(&status) {
            self.interim += 1;
            if self.interim > MAX_INTERIM {
                return Err(Fault::TooManyInterim);
            }
            return Ok(State::Head(HeadReader::new()));
        }
        let response = self.response.insert(response);
        if status == 101 {
            let compression = self.compression.as_ref();
            let choice = response::check(response, &self.accept, &self.protocols, compression)?;
            return Ok(State::Upgraded(choice));
        }
        // A body without a length would end with the connection, and some servers keep that open.
        let ended = self.follows_redirects && is_redirect(status);
        Ok(State::Refusal { status, body: BodyReader::new(response), ended })
    }

    fn change(&mut self, next: Result<State, Fault>) -> Result<(), Fault> {
        let outcome = next.as_ref().map(|_| ()).map_err(|&fault| fault);
        self.state = next.unwrap_or_else(State::Failed);
        outcome
    }
}

impl fmt::Debug for Conversation {
    /// The request is left out: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Head(_) => "reading a head".to_owned(),
            State::Upgraded(_) => "upgraded".to_owned(),
            State::Refusal { status, ended: false, .. } => {
                format!("reading the body of a {status}")
            }
            State::Refusal { status, ended: true, .. } => format!("refused with {status}"),
            State::Failed(fault) => format!("failed: {fault:?}"),
        };
        f.debug_struct("Conversation")
            .field("state", &state)
            .field("response", &self.response)
            .finish()
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
