//! The workloads, and who takes part in each. Knows nothing of how they are run.

use crate::compressed::{self, Context};
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
    /// Few and many: see `counts`.
    pub counted: [usize; 2],
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
/// The same bytes, which nobody looks at.
const RAW: &str = "floor raw";
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
const FRAGMENTS: &[Entry] = &[
    entry(FLOOR, "floor", "receive-fragments"),
    entry("anyws, callback", "anyws", "receive"),
    entry("anyws, callback, partial messages", "anyws", "receive-partial"),
    entry("anyws, event queue", "anyws", "receive-queue"),
    entry(TUNGSTENITE, "tungstenite", "receive"),
    entry("Boost.Beast", "Boost.Beast", "receive"),
    slow("libwebsockets", "receive", 10),
];
const INFLATE: &[Entry] = &[
    entry(FLOOR, "floor", "receive"),
    entry("anyws, callback", "anyws", "receive"),
    entry("anyws, event queue", "anyws", "receive-queue"),
    entry("Boost.Beast", "Boost.Beast", "receive"),
];
const DEFLATE: &[Entry] = &[
    entry(FLOOR, "floor", "send"),
    entry("anyws, I/O thread", "anyws", "send"),
    entry("anyws, application thread", "anyws", "send-thread"),
    entry("Boost.Beast", "Boost.Beast", "send"),
];
const IDLE_DEFLATE: &[Entry] = &[
    entry(FLOOR, "floor", "idle"),
    entry("anyws", "anyws", "idle"),
    entry("Boost.Beast", "Boost.Beast", "idle"),
];
const IDLE_DEFLATE_USED: &[Entry] = &[
    entry(FLOOR, "floor", "idle-used"),
    entry("anyws", "anyws", "idle-used"),
    entry("Boost.Beast", "Boost.Beast", "idle-used"),
];
const STREAM: &[Entry] = &[
    entry(FLOOR, "floor", "receive"),
    entry(RAW, "floor", "receive-raw"),
    entry("anyws, whole messages", "anyws", "receive"),
    entry("anyws stream, filled", "anyws-stream", "read"),
    entry("anyws stream, partial", "anyws-stream", "read-partial"),
    entry("anyws stream, application thread", "anyws-stream", "read-wait"),
    entry(TUNGSTENITE, "tungstenite", "receive"),
];
const FILE_DOWN: &[Entry] = &[
    entry(RAW, "floor", "receive-raw"),
    entry("anyws stream, filled", "anyws-stream", "read"),
    entry("anyws stream, application thread", "anyws-stream", "read-wait"),
];
const FILE_UP: &[Entry] = &[
    entry(FLOOR, "floor", "send"),
    entry("anyws stream, I/O thread", "anyws-stream", "write"),
    entry("anyws stream, application thread", "anyws-stream", "write-wait"),
    entry(TUNGSTENITE, "tungstenite", "send"),
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
        counted: [200, 1_200],
        entries: PING_PONG,
    };
    let small = Case {
        count: 2_000_000,
        bytes: 64,
        unit: Unit::Nanoseconds,
        counted: [10_000, 60_000],
        ..base.clone()
    };
    let large = Case {
        count: 400,
        bytes: MIB,
        unit: Unit::NanosecondsPerByte,
        counted: [10, 50],
        ..base.clone()
    };
    let json = Case {
        count: 100_000,
        bytes: compressed::MESSAGE_BYTES,
        counted: [200, 1_200],
        ..small.clone()
    };
    let file = Case { count: 1024, counted: [4, 20], ..large.clone() };
    let idle = Case { count: 1000, unit: Unit::KibPerConnection, ..base.clone() };
    let (text, binary) = ("/flood/{count}/64/text", "/flood/{count}/1048576/binary");
    let (sink, down) = ("/sink/{count}", "/file/{count}/1048576");
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
        Case {
            title: "receive 1 MiB in fragments of 16 KiB",
            path: "/flood/{count}/1048576/binary/16384",
            entries: FRAGMENTS,
            ..large.clone()
        },
        Case { title: "stream of 1 MiB messages", path: binary, entries: STREAM, ..large.clone() },
        Case {
            title: "stream of 16 MiB messages",
            path: "/flood/{count}/16777216/binary",
            count: 25,
            bytes: 16 * MIB,
            counted: [4, 12],
            entries: STREAM,
            ..large.clone()
        },
        Case { title: "file of 1 GiB, down", path: down, entries: FILE_DOWN, ..file.clone() },
        Case { title: "file of 1 GiB, up", path: sink, entries: FILE_UP, ..file.clone() },
        Case {
            title: "inflate JSON of 1 KiB",
            path: "/json/{count}/deflate",
            entries: INFLATE,
            ..json.clone()
        },
        Case {
            title: "inflate JSON of 1 KiB, no context takeover",
            path: "/json/{count}/deflate-anew",
            entries: INFLATE,
            ..json.clone()
        },
    ]);
    let json = Case { count: 10_000, entries: DEFLATE, ..json };
    cases.extend([
        Case { title: "deflate JSON of 1 KiB", path: "/sink/{count}/deflate", ..json.clone() },
        Case {
            title: "deflate JSON of 1 KiB, no context takeover",
            path: "/sink/{count}/deflate-anew",
            ..json.clone()
        },
    ]);
    let (small, large) = (Case { secure: true, ..small }, Case { secure: true, ..large });
    let file = Case { secure: true, ..file };
    cases.extend([
        Case { title: "TLS receive 64 B", path: text, entries: TLS_RECEIVE, ..small.clone() },
        Case { title: "TLS send 64 B", path: sink, entries: TLS_SEND, ..small },
        Case { title: "TLS receive 1 MiB", path: binary, entries: TLS_RECEIVE, ..large.clone() },
        Case { title: "TLS send 1 MiB", path: sink, entries: TLS_SEND, ..large },
        Case { title: "TLS file of 1 GiB, down", path: down, entries: FILE_DOWN, ..file.clone() },
        Case { title: "TLS file of 1 GiB, up", path: sink, entries: FILE_UP, ..file },
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
            ..idle.clone()
        },
    ]);
    let idle = Case { bytes: compressed::MESSAGE_BYTES, path: "/echo/deflate", ..idle };
    cases.extend([
        Case {
            title: "deflate memory of 1,000 idle connections",
            entries: IDLE_DEFLATE,
            ..idle.clone()
        },
        Case {
            title: "deflate memory of 1,000 after a message each way",
            entries: IDLE_DEFLATE_USED,
            ..idle.clone()
        },
        Case {
            title: "deflate memory of 1,000 after a message each way, no context takeover",
            path: "/echo/deflate-anew",
            entries: IDLE_DEFLATE_USED,
            ..idle
        },
    ]);
    cases
}

impl Case {
    /// Two counts whose difference is worth counting instructions and system calls for.
    pub fn counts(&self) -> Option<[usize; 2]> {
        // The same on either core.
        let is_second = self.placement == Placement::OtherCore;
        (self.unit != Unit::KibPerConnection && !is_second).then_some(self.counted)
    }

    /// What its clients read: whom to trust, or what to send.
    pub fn file(&self) -> Option<&'static str> {
        match self.secure {
            true => Some("authority.pem"),
            false => Context::of(self.path).map(|_| "messages.json"),
        }
    }
}
