//! What is measured, of whom: a case is a workload with everybody who takes part in it. Knows
//! nothing of how it is run.

use crate::answer::Answer;
use crate::compressed::Context;
use crate::placement::Placement;

/// What clients are asked, and which figures their answers hold.
#[derive(Clone, Debug)]
pub struct Case {
    pub title: &'static str,
    /// The server's path, with `{count}` and `{bytes}` in it.
    pub path: &'static str,
    pub is_secure: bool,
    pub placement: Placement,
    pub count: usize,
    pub bytes: usize,
    pub figures: &'static [Figure],
    /// Few and many, whose difference is worth counting instructions and system calls for: see
    /// `counts`.
    pub counted: Option<[usize; 2]>,
    pub most_repetitions: usize,
    pub entries: Vec<Entry>,
    /// Who cannot take part, and why.
    pub absent: &'static [(&'static str, &'static str)],
}

/// One number of an answer, divided by another one.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Empty where a case has one only.
    pub name: &'static str,
    pub number: &'static str,
    pub per: Option<&'static str>,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Nanoseconds,
    Microseconds,
    MicrosecondsOfTrip,
    MicrosecondsPerConnection,
    MicrosecondsEach,
    NanosecondsPerByte,
    NanosecondsOfWall,
    KibPerConnection,
}

/// One row: a library in one way of use.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub label: &'static str,
    pub program: &'static str,
    pub workload: &'static str,
    /// A slow one gets this much less to do.
    pub divisor: usize,
    /// No TLS session is taken up.
    pub is_fresh: bool,
}

pub const FLOOR: &str = "floor b";
pub const TUNGSTENITE: &str = "tungstenite";
pub const FASTWEBSOCKETS: &str = "fastwebsockets";
pub const TOKIO_WEBSOCKETS: &str = "tokio-websockets";
pub const BEAST: &str = "Boost.Beast";
pub const LIBWEBSOCKETS: &str = "libwebsockets";
pub const PEERS: [&str; 5] = [TUNGSTENITE, FASTWEBSOCKETS, TOKIO_WEBSOCKETS, BEAST, LIBWEBSOCKETS];

impl Case {
    /// What its clients read: whom to trust, or what to send.
    pub fn file(&self) -> Option<&'static str> {
        match self.is_secure {
            true => Some("authority.pem"),
            false => Context::of(self.path).map(|_| "messages.json"),
        }
    }
}

impl Figure {
    pub fn of(&self, answer: &Answer, case: &Case) -> Option<f64> {
        let number = answer.number(self.number)?;
        let value = match self.per {
            Some(per) => number / answer.number(per)?.max(1.0),
            None => number,
        };
        Some(match self.unit {
            Unit::Nanoseconds | Unit::NanosecondsOfWall => value,
            Unit::Microseconds
            | Unit::MicrosecondsOfTrip
            | Unit::MicrosecondsPerConnection
            | Unit::MicrosecondsEach => value / 1e3,
            Unit::NanosecondsPerByte => value / case.bytes as f64,
            Unit::KibPerConnection => value / 1024.0,
        })
    }

    /// The case's title with this figure behind it.
    pub fn title(&self, case: &Case) -> String {
        match self.name {
            "" => case.title.to_owned(),
            name => format!("{}: {name}", case.title),
        }
    }
}

impl Unit {
    pub fn label(self) -> &'static str {
        match self {
            Unit::Nanoseconds => "CPU, ns/message",
            Unit::Microseconds => "CPU, µs/message",
            Unit::MicrosecondsOfTrip => "round trip, µs",
            Unit::MicrosecondsPerConnection => "CPU, µs/connection",
            Unit::MicrosecondsEach => "CPU, µs",
            Unit::NanosecondsPerByte => "CPU, ns/byte",
            Unit::NanosecondsOfWall => "time, ns/message",
            Unit::KibPerConnection => "KiB/connection",
        }
    }
}

pub const fn entry(label: &'static str, program: &'static str, workload: &'static str) -> Entry {
    Entry { label, program, workload, divisor: 1, is_fresh: false }
}

/// The peers at the same workload.
pub fn peers(workload: &'static str) -> Vec<Entry> {
    PEERS.iter().map(|peer| entry(peer, peer, workload)).collect()
}

/// The same with less to do for some.
pub fn peers_slowed(workload: &'static str, divisors: &[(&str, usize)]) -> Vec<Entry> {
    let mut entries = peers(workload);
    for entry in &mut entries {
        let divisor = divisors.iter().find(|(label, _)| *label == entry.label);
        entry.divisor = divisor.map_or(1, |(_, divisor)| *divisor);
    }
    entries
}
