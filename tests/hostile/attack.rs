//! A server's script, what the client was set to, and what is delivered before the end: one row of a
//! table. It knows nothing of how it is run, nor what the end is.

use std::io::Write;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyws::ffi::result::*;
use anyws::ffi::status::*;
use anyws::ffi::types::*;

use crate::support::client::{Closed, Told};
use crate::support::server::{Stream, finish, frame, read_frame, reset};

/// What a connection comes to that the server has broken.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    pub result: ws_result,
    pub status: ws_web_error_status,
    /// The code of the close frame that the client sends; `None`: it sends nothing more.
    pub wire: Option<u16>,
}

const INVALID_RESPONSE: ws_web_error_status =
    WS_WEB_ERROR_STATUS_ERROR_HTTP_INVALID_SERVER_RESPONSE;
pub const FORMAT: Verdict =
    Verdict { result: WS_E_INVALID_PROTOCOL_FORMAT, status: INVALID_RESPONSE, wire: Some(1002) };
pub const OPERATION: Verdict =
    Verdict { result: WS_E_INVALID_PROTOCOL_OPERATION, status: INVALID_RESPONSE, wire: Some(1002) };
pub const TOO_BIG: Verdict =
    Verdict { result: WS_E_MESSAGE_TOO_BIG, status: WS_WEB_ERROR_STATUS_UNKNOWN, wire: Some(1009) };
pub const NOT_UTF8: Verdict = Verdict {
    result: WS_E_NO_UNICODE_TRANSLATION,
    status: WS_WEB_ERROR_STATUS_UNKNOWN,
    wire: Some(1007),
};
pub const ABORTED: Verdict = Verdict {
    result: WS_E_CONNECTION_ABORTED,
    status: WS_WEB_ERROR_STATUS_CONNECTION_ABORTED,
    wire: None,
};
pub const RESET: Verdict = Verdict {
    result: WS_E_CONNECTION_RESET,
    status: WS_WEB_ERROR_STATUS_CONNECTION_RESET,
    wire: None,
};
pub const TIMEOUT: Verdict =
    Verdict { result: WS_E_TIMEOUT, status: WS_WEB_ERROR_STATUS_TIMEOUT, wire: None };

/// Far more than any run needs that is not said to need more.
pub const LITTLE: usize = 256 * 1024;
/// What is set aside at most for a message ahead of what has arrived of it. It is address space,
/// which becomes memory only where something is written.
pub const GROWTH_STEP: usize = 1 << 20;
pub fn lost(result: ws_result) -> Closed {
    Closed { result, code: 1006, reason: Vec::new(), was_clean: false, by_peer: false }
}

pub fn text(text: &str) -> Told {
    Told::Message(WS_MESSAGE_TYPE_UTF8, text.into())
}

pub fn binary(bytes: impl Into<Vec<u8>>) -> Told {
    Told::Message(WS_MESSAGE_TYPE_BINARY, bytes.into())
}

#[derive(Clone)]
enum Step {
    Send(Vec<u8>),
    /// Until the client has said that the first message came: a reset overtakes what was not read.
    AwaitWord,
    /// So many pings, each as soon as the one before was answered and the pause is over.
    Pings(usize, Duration),
    Finish,
    Reset,
}

#[derive(Clone)]
pub struct Attack {
    pub name: String,
    steps: Vec<Step>,
    /// Header lines of the answer to the upgrade, besides those that it must have.
    pub lines: String,
    pub controls: Vec<(ws_control, u64)>,
    /// What comes between "before" and the end.
    pub delivered: Vec<Told>,
    pub memory: usize,
    pub after: Duration,
}

/// A server that sends nothing but "before", and stays.
pub fn attack(name: impl Into<String>) -> Attack {
    Attack {
        name: name.into(),
        steps: Vec::new(),
        lines: String::new(),
        controls: Vec::new(),
        delivered: Vec::new(),
        memory: LITTLE,
        after: Duration::ZERO,
    }
}

/// What a server sends, to the very byte that breaks the rule.
pub fn row(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Attack {
    attack(name).sends(bytes)
}

impl Attack {
    pub fn sends(self, bytes: impl Into<Vec<u8>>) -> Attack {
        self.then(Step::Send(bytes.into()))
    }

    pub fn pings(self, count: usize, pause: Duration) -> Attack {
        self.then(Step::Pings(count, pause))
    }

    /// Ends its side of TCP, without close_notify under TLS.
    pub fn finishes(self) -> Attack {
        self.then(Step::AwaitWord).then(Step::Finish)
    }

    pub fn resets(self) -> Attack {
        self.then(Step::AwaitWord).then(Step::Reset)
    }

    /// Answers the upgrade with a header besides.
    pub fn answers_with(mut self, name: &str, value: &str) -> Attack {
        self.lines += &format!("{name}: {value}\r\n");
        self
    }

    pub fn set(mut self, control: ws_control, value: u64) -> Attack {
        self.controls.push((control, value));
        self
    }

    /// A message that is delivered before the end.
    pub fn delivers(mut self, message: Told) -> Attack {
        self.delivered.push(message);
        self
    }

    /// How much memory the client may hold.
    pub fn holds(mut self, bytes: usize) -> Attack {
        self.memory = bytes;
        self
    }

    /// The end comes so long after the last byte, and no sooner.
    pub fn ends_after(mut self, after: Duration) -> Attack {
        self.after = after;
        self
    }

    fn then(mut self, step: Step) -> Attack {
        self.steps.push(step);
        self
    }

    /// Whether the server goes on only once the client has said that it is there.
    pub fn awaits_word(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::AwaitWord))
    }

    /// The server's side; returns when the last step was taken.
    pub fn perform(&self, stream: &mut Stream, is_late: bool) -> Instant {
        let mut bytes = frame(0x81, b"before");
        let mut decided = Instant::now();
        let mut steps = self.steps.iter().peekable();
        while let Some(step) = steps.next() {
            if let Step::Send(more) = step {
                bytes.extend_from_slice(more);
            }
            if is_late && steps.peek().is_none() {
                bytes.extend(frame(0x81, b"late"));
                bytes.extend(frame(0x88, &[3, 232]));
            }
            decided = Instant::now();
            // The client may have ended it already.
            let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
            bytes.clear();
            match step {
                Step::Send(_) => {}
                Step::AwaitWord => while !matches!(read_frame(stream), None | Some((0x81, _))) {},
                Step::Pings(count, pause) => {
                    // Nobody ever sends here: it is the clock.
                    let (_silence, clock) = channel::<()>();
                    for _ in 0..*count {
                        let _ = clock.recv_timeout(*pause);
                        decided = Instant::now();
                        stream.write_all(&frame(0x89, b"still here")).unwrap();
                        let answer = Some((0x8a, b"still here".to_vec()));
                        assert_eq!(read_frame(stream), answer, "{}", self.name);
                    }
                }
                Step::Finish => finish(stream),
                Step::Reset => reset(stream),
            }
        }
        decided
    }
}

/// A header with a 64-bit length.
pub fn long_header(first: u8, len: u64) -> Vec<u8> {
    [vec![first, 127], len.to_be_bytes().to_vec()].concat()
}
