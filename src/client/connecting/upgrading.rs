//! The last stage of connecting: the request that asks for the upgrade leaves, and the server's answer
//! decides how it goes on. What an answer means is the handshake's.

use crate::base::lock::lock;
use crate::base::random;
use crate::handshake::{self, Conversation, Step};
use crate::reactor::Turn;
use crate::transport::stream::{Read, Stream};

use super::super::error::{Cause, Error, Phase};
use super::super::information::Timed;
use super::super::link::Home;
use super::{Connected, Connecting, Progress, SILENCE_TELLS, Stage, stream_error};

const READS_PER_TURN: usize = 16;
/// Enough for any legal response; an endless one is met in small bites.
const RESPONSE_READ_BYTES: usize = 16 * 1024;

impl Connecting {
    pub(super) fn begin_upgrade(&mut self, stream: Stream) {
        let conversation = Conversation::new(&self.request.offer, random::nonce());
        self.stage = Stage::Http(stream, Box::new(conversation), 0);
    }

    pub(super) fn http(
        &mut self,
        mut stream: Stream,
        mut conversation: Box<Conversation>,
        mut written: usize,
        turn: &mut Turn<'_>,
        link: &Home,
    ) -> Result<Option<Progress>, Error> {
        let written_before = written;
        loop {
            let rest = conversation.request().get(written..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            // The answer may be there already: a refusal is worth more than a broken pipe.
            match stream.write_some(rest) {
                Ok(count) if count > 0 => written += count,
                _ => break,
            }
        }
        let _ = stream.flush();
        // The request has just left, and nothing has come before it: an edge will tell of the answer.
        let has_asked = written > written_before;
        if SILENCE_TELLS && has_asked && !(turn.readable || stream.is_secure()) {
            self.stage = Stage::Http(stream, conversation, written);
            return Ok(Some(Progress::Pending));
        }
        for _ in 0..READS_PER_TURN {
            let input = turn.scratch.input.get_mut(..RESPONSE_READ_BYTES).unwrap_or_default();
            let read = stream
                .read(input, &mut turn.scratch.ciphertext, self.trusts_short_reads())
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
                    lock(&link.information).note_response(&conversation);
                    self.stage_ended(Timed::Http, link);
                    let is_last = count < RESPONSE_READ_BYTES && stream.is_drained();
                    self.stage = Stage::Done(Connected {
                        is_drained: is_last && self.trusts_short_reads(),
                        compression: conversation.compression(),
                        leftover,
                        stream,
                    });
                    return Ok(None);
                }
                Ok((Step::Refused { status }, _)) => {
                    lock(&link.information).note_response(&conversation);
                    self.stage_ended(Timed::Http, link);
                    let goes_on = match conversation.response() {
                        Some(response) => self.request.goes_on_after(response)?,
                        None => false,
                    };
                    if goes_on {
                        drop(stream);
                        let uri = self.request.offer.uri.as_str();
                        lock(&link.information).set_request_uri(uri);
                        return self.begin_round(link);
                    }
                    return Err(Error::new(Phase::Http, Cause::HttpStatus(status)));
                }
                Err(handshake::Fault::Eof) => {
                    return Err(Error::new(Phase::Http, Cause::ConnectionAborted));
                }
                Err(fault) => {
                    lock(&link.information).note_response(&conversation);
                    return Err(Error::new(Phase::Http, Cause::Handshake(fault)));
                }
            }
        }
        // There may be more: the deadline is looked at in between.
        self.stage = Stage::Http(stream, conversation, written);
        Ok(Some(Progress::Again))
    }
}
