//! The workloads, and who takes part in each. Knows nothing of how they are run.

use crate::placement::Placement;

/// What a client is asked, and how its answer is printed.
#[derive(Clone, Debug)]
pub struct Case {
    pub title: &'static str,
    /// The server's path, with `{count}` in it.
    pub path: &'static str,
    pub secure: bool,
    pub placement: Placement,
    pub count: usize,
    pub bytes: usize,
    pub unit: Unit,
    pub entries: &'static [Entry],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Nanoseconds,
    Microseconds,
    NanosecondsPerByte,
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
}

const fn entry(label: &'static str, program: &'static str, workload: &'static str) -> Entry {
    Entry { label, program, workload, divisor: 1 }
}

const fn slow(program: &'static str, workload: &'static str, divisor: usize) -> Entry {
    Entry { label: program, program, workload, divisor }
}

pub const FLOOR: &str = "floor b";
pub const TUNGSTENITE: &str = "tungstenite";

const PING_PONG: &[Entry] = &[
    entry(FLOOR, "floor", "ping-pong"),
    entry("anyws, callback replies", "anyws", "ping-pong"),
    entry("anyws, application thread replies", "anyws", "ping-pong-queue"),
    entry(TUNGSTENITE, "tungstenite", "ping-pong"),
    entry("Boost.Beast", "Boost.Beast", "ping-pong"),
    entry("libwebsockets", "libwebsockets", "ping-pong"),
];
const RECEIVE: &[Entry] = &[
    entry(FLOOR, "floor", "receive"),
    entry("anyws, callback", "anyws", "receive"),
    entry("anyws, event queue", "anyws", "receive-queue"),
    entry(TUNGSTENITE, "tungstenite", "receive"),
    slow("Boost.Beast", "receive", 2),
    slow("libwebsockets", "receive", 10),
];
const SEND: &[Entry] = &[
    entry(FLOOR, "floor", "send"),
    entry("anyws, I/O thread", "anyws", "send"),
    entry("anyws, application thread", "anyws", "send-thread"),
    entry(TUNGSTENITE, "tungstenite", "send"),
    slow("Boost.Beast", "send", 20),
    slow("libwebsockets", "send", 40),
];
const LARGE_RECEIVE: &[Entry] = &[
    entry(FLOOR, "floor", "receive"),
    entry("anyws, callback", "anyws", "receive"),
    entry("anyws, event queue", "anyws", "receive-queue"),
    entry(TUNGSTENITE, "tungstenite", "receive"),
    entry("Boost.Beast", "Boost.Beast", "receive"),
    slow("libwebsockets", "receive", 10),
];
const LARGE_SEND: &[Entry] = &[
    entry(FLOOR, "floor", "send"),
    entry("anyws, I/O thread", "anyws", "send"),
    entry("anyws, application thread", "anyws", "send-thread"),
    entry(TUNGSTENITE, "tungstenite", "send"),
    entry("Boost.Beast", "Boost.Beast", "send"),
    slow("libwebsockets", "send", 10),
];
const TLS_RECEIVE: &[Entry] = &[
    entry(FLOOR, "floor", "receive"),
    entry("anyws, callback", "anyws", "receive"),
    entry(TUNGSTENITE, "tungstenite", "receive"),
];
const TLS_SEND: &[Entry] = &[
    entry(FLOOR, "floor", "send"),
    entry("anyws, I/O thread", "anyws", "send"),
    entry("anyws, application thread", "anyws", "send-thread"),
    entry(TUNGSTENITE, "tungstenite", "send"),
];
const IDLE: &[Entry] = &[
    entry(FLOOR, "floor", "idle"),
    entry("anyws", "anyws", "idle"),
    entry(TUNGSTENITE, "tungstenite", "idle"),
    entry("Boost.Beast", "Boost.Beast", "idle"),
    entry("libwebsockets", "libwebsockets", "idle"),
];
const IDLE_USED: &[Entry] = &[
    entry(FLOOR, "floor", "idle-used"),
    entry("anyws", "anyws", "idle-used"),
    entry(TUNGSTENITE, "tungstenite", "idle-used"),
    entry("Boost.Beast", "Boost.Beast", "idle-used"),
];
const IDLE_TLS: &[Entry] = &[
    entry(FLOOR, "floor", "idle-used"),
    entry("anyws", "anyws", "idle-used"),
    entry(TUNGSTENITE, "tungstenite", "idle-used"),
];

const MIB: usize = 1 << 20;

/// All of them. `can_pin`: ping-pong in both placements instead of in none.
pub fn all(can_pin: bool) -> Vec<Case> {
    let base = Case {
        title: "",
        path: "/echo",
        secure: false,
        placement: Placement::Anywhere,
        count: 10_000,
        bytes: 125,
        unit: Unit::Microseconds,
        entries: PING_PONG,
    };
    let small = Case { count: 2_000_000, bytes: 64, unit: Unit::Nanoseconds, ..base.clone() };
    let large = Case { count: 400, bytes: MIB, unit: Unit::NanosecondsPerByte, ..base.clone() };
    let idle = Case { count: 1000, unit: Unit::KibPerConnection, ..base.clone() };
    let (text, binary) = ("/flood/{count}/64/text", "/flood/{count}/1048576/binary");
    let sink = "/sink/{count}";
    let mut cases = match can_pin {
        true => vec![
            Case {
                title: "ping-pong 125 B, on the server's core",
                placement: Placement::SameCore,
                ..base.clone()
            },
            Case {
                title: "ping-pong 125 B, on another core",
                placement: Placement::OtherCore,
                ..base
            },
        ],
        false => vec![Case { title: "ping-pong 125 B, not pinned", ..base }],
    };
    cases.extend([
        Case { title: "receive 64 B", path: text, entries: RECEIVE, ..small.clone() },
        Case { title: "send 64 B", path: sink, entries: SEND, ..small.clone() },
        Case { title: "receive 1 MiB", path: binary, entries: LARGE_RECEIVE, ..large.clone() },
        Case { title: "send 1 MiB", path: sink, entries: LARGE_SEND, ..large.clone() },
    ]);
    let (small, large) = (Case { secure: true, ..small }, Case { secure: true, ..large });
    cases.extend([
        Case { title: "TLS receive 64 B", path: text, entries: TLS_RECEIVE, ..small.clone() },
        Case { title: "TLS send 64 B", path: sink, entries: TLS_SEND, ..small },
        Case { title: "TLS receive 1 MiB", path: binary, entries: TLS_RECEIVE, ..large.clone() },
        Case { title: "TLS send 1 MiB", path: sink, entries: TLS_SEND, ..large },
        Case { title: "memory of 1,000 idle connections", entries: IDLE, ..idle.clone() },
        Case {
            title: "memory of 1,000 after a message each way",
            entries: IDLE_USED,
            ..idle.clone()
        },
        Case {
            title: "TLS memory of 1,000 after a message each way",
            entries: IDLE_TLS,
            secure: true,
            ..idle
        },
    ]);
    cases
}

impl Case {
    /// Two counts whose difference is worth counting instructions and system calls for.
    pub fn counted(&self) -> Option<[usize; 2]> {
        match self.unit {
            Unit::KibPerConnection => None,
            // The same on either core.
            Unit::Microseconds if self.placement == Placement::OtherCore => None,
            Unit::Microseconds => Some([200, 1_200]),
            Unit::Nanoseconds => Some([10_000, 60_000]),
            Unit::NanosecondsPerByte => Some([10, 50]),
        }
    }
}
