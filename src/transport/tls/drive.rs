//! Takes rustls from state to state: what it wants to say is sealed, what it has read is handed out.
//!
//! Owns the loop over its unbuffered interface. Refuses to know what a failure means.

use rustls::client::ClientConnectionData;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};

use super::in_place::look_for_plaintext;
use super::sealed::Sealed;
use super::{Room, TlsFault, TlsSession};

/// RFC 8446 §5: an alert record takes less.
const ALERT_BYTES: usize = 512;

/// Why rustls went no further.
pub(super) enum Stop {
    Engine(rustls::Error),
    /// The session that was resumed is not to be trusted any more.
    Resumed(TlsFault),
}

impl TlsSession {
    /// Lets rustls take what it can of `ciphertext`, from its front: how much that was. Then it may
    /// `write`, where the handshake has come so far.
    pub(super) fn run<T>(
        &mut self,
        ciphertext: &mut [u8],
        room: &mut Room<'_>,
        write: impl FnOnce(WriteTraffic<'_, ClientConnectionData>, &mut Sealed) -> T,
    ) -> Result<(usize, Option<T>), Stop> {
        let mut taken = 0;
        let mut refused = None;
        loop {
            if !self.has_opened && !self.connection.is_handshaking() {
                self.has_opened = true;
                refused = self.judge_resumed().err();
            }
            let rest = ciphertext.get_mut(taken..).unwrap_or_default();
            let (connection, from) = (&mut self.connection, taken);
            let (UnbufferedStatus { discard, state }, found) = match self.has_opened {
                true => look_for_plaintext(rest, |rest| connection.process_tls_records(rest)),
                false => (connection.process_tls_records(rest), None),
            };
            taken += discard;
            match state.map_err(Stop::Engine)? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    self.has_answered = true;
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(Stop::Engine)?;
                        taken += record.discard;
                        if refused.is_none() && found.is_none() {
                            put(record.payload, &mut self.plain, room);
                        }
                    }
                    // Of the one record that there was then, rustls has a byte, the rest is here.
                    drop(traffic);
                    if let Some(found) = found.filter(|_| refused.is_none()) {
                        let found = found.start + from..found.end + from;
                        let payload = ciphertext.get(found).unwrap_or_default();
                        put(payload, &mut self.plain, room);
                    }
                }
                ConnectionState::EncodeTlsData(data) => encode(data, &mut self.sealed),
                ConnectionState::TransmitTlsData(sent) => sent.done(),
                ConnectionState::PeerClosed => self.close_notify_received = true,
                ConnectionState::WriteTraffic(traffic) => {
                    let Some(fault) = refused else {
                        return Ok((taken, Some(write(traffic, &mut self.sealed))));
                    };
                    close(traffic, &mut self.sealed);
                    return Err(Stop::Resumed(fault));
                }
                // It waits for more. A client gets no early data.
                _ => return refused.map_or(Ok((taken, None)), |fault| Err(Stop::Resumed(fault))),
            }
        }
    }

    /// The same, with nothing new to take.
    pub(super) fn run_held<T>(
        &mut self,
        write: impl FnOnce(WriteTraffic<'_, ClientConnectionData>, &mut Sealed) -> T,
    ) -> Option<T> {
        let mut held = std::mem::take(&mut self.held);
        let ran = self.run(&mut held, &mut Room::slice(&mut []), write);
        match ran {
            Ok((taken, wrote)) => {
                held.drain(..taken.min(held.len()));
                self.held = held;
                wrote
            }
            Err(Stop::Engine(error)) => {
                let fault = self.fault_of(error);
                self.fail(fault);
                None
            }
            Err(Stop::Resumed(fault)) => {
                self.fail(fault);
                None
            }
        }
    }

    /// Takes what rustls has to say before it looks at any ciphertext.
    pub(super) fn encode_waiting(&mut self) {
        while self.connection.wants_write() {
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut []);
            match state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.sealed),
                _ => return,
            }
        }
    }
}

/// What waits already comes first.
fn put(payload: &[u8], waiting: &mut Vec<u8>, room: &mut Room<'_>) {
    let fits = if waiting.is_empty() { room.put(payload) } else { 0 };
    waiting.extend_from_slice(payload.get(fits..).unwrap_or_default());
}

fn encode(mut data: EncodeTlsData<'_, ClientConnectionData>, sealed: &mut Sealed) {
    // It says how much it is when there is no room at all.
    if let Err(EncodeError::InsufficientSize(size)) = data.encode(&mut []) {
        let written = data.encode(sealed.room(size.required_size));
        sealed.fill(written.unwrap_or(0));
    }
}

pub(super) fn close(mut traffic: WriteTraffic<'_, ClientConnectionData>, sealed: &mut Sealed) {
    let written = match traffic.queue_close_notify(sealed.room(ALERT_BYTES)) {
        Err(EncryptError::InsufficientSize(size)) => {
            traffic.queue_close_notify(sealed.room(size.required_size))
        }
        written => written,
    };
    sealed.fill(written.unwrap_or(0));
}
