//! The workloads W1 to W10, and who takes part in each.

use crate::case::{
    BEAST, Case, Entry, FASTWEBSOCKETS, FLOOR, Figure, LIBWEBSOCKETS, TOKIO_WEBSOCKETS,
    TUNGSTENITE, Unit, entry, peers, peers_slowed,
};
use crate::compressed;
use crate::placement::Placement;

pub const CALLBACK: &str = "anyws, callback";
pub const QUEUE: &str = "anyws, event queue";
pub const APPLICATION: &str = "anyws, application thread";
pub const BATCH: &str = "anyws, application thread, batches of 32";
pub const IO_THREAD: &str = "anyws, I/O thread";
pub const PARTIAL: &str = "anyws, partial messages";
pub const STREAM: &str = "anyws stream socket, partial";
pub const ANYWS: &str = "anyws";
pub const WAITING: &str = "anyws, waited for";
pub const FULL: &str = "anyws, full handshake";
pub const RESUMED: &str = "anyws, resumed";
pub const FLOOR_RESUMED: &str = "floor b, resumed";

const fn cpu(unit: Unit) -> Figure {
    Figure { name: "", number: "cpu", per: Some("messages"), unit }
}

const MICROSECONDS: &[Figure] = &[
    Figure { name: "CPU", ..cpu(Unit::Microseconds) },
    Figure { name: "p50", number: "p50", per: None, unit: Unit::MicrosecondsOfTrip },
];
pub const NANOSECONDS: &[Figure] = &[cpu(Unit::Nanoseconds)];
pub const PER_BYTE: &[Figure] = &[cpu(Unit::NanosecondsPerByte)];
const PER_CONNECTION: &[Figure] = &[cpu(Unit::MicrosecondsPerConnection)];
pub const MEMORY: &[Figure] = &[
    Figure { name: "idle", number: "idle", ..PER_OPEN_CONNECTION },
    Figure { name: "after a message each way", number: "used", ..PER_OPEN_CONNECTION },
];
const PER_OPEN_CONNECTION: Figure =
    Figure { name: "", number: "", per: Some("connections"), unit: Unit::KibPerConnection };

/// What those without an extension are missing from.
pub const NO_DEFLATE: &[(&str, &str)] = &[
    (TUNGSTENITE, "has no permessage-deflate"),
    (FASTWEBSOCKETS, "has no permessage-deflate"),
    (TOKIO_WEBSOCKETS, "has no permessage-deflate"),
];

pub const MIB: usize = 1 << 20;
const TEXT: &str = "/flood/{count}/{bytes}/text";
pub const BINARY: &str = "/flood/{count}/{bytes}/binary";
pub const SINK: &str = "/sink/{count}";

/// What most cases have in common.
pub fn base() -> Case {
    Case {
        title: "",
        path: "/echo",
        is_secure: false,
        placement: Placement::Anywhere,
        count: 10_000,
        bytes: 125,
        figures: NANOSECONDS,
        counted: Some([200, 1_200]),
        most_repetitions: usize::MAX,
        entries: Vec::new(),
        absent: &[],
    }
}

pub fn with(ours: &[Entry], peers: Vec<Entry>) -> Vec<Entry> {
    let mut entries = ours.to_vec();
    entries.extend(peers);
    entries
}

fn ping_pong_entries() -> Vec<Entry> {
    with(
        &[
            entry(FLOOR, "floor", "ping-pong"),
            entry(CALLBACK, "anyws", "ping-pong"),
            entry(APPLICATION, "anyws", "ping-pong-queue"),
        ],
        peers("ping-pong"),
    )
}

fn receive_entries(slow: &[(&str, usize)]) -> Vec<Entry> {
    with(
        &[
            entry(FLOOR, "floor", "receive"),
            entry(CALLBACK, "anyws", "receive"),
            entry(QUEUE, "anyws", "receive-queue"),
        ],
        peers_slowed("receive", slow),
    )
}

fn send_entries(slow: &[(&str, usize)]) -> Vec<Entry> {
    with(
        &[
            entry(FLOOR, "floor", "send"),
            entry(IO_THREAD, "anyws", "send"),
            entry(BATCH, "anyws", "send-batch"),
            entry(APPLICATION, "anyws", "send-thread"),
        ],
        peers_slowed("send", slow),
    )
}

fn large_send_entries(slow: &[(&str, usize)]) -> Vec<Entry> {
    let mut entries = send_entries(slow);
    entries.retain(|entry| entry.label != BATCH);
    entries
}

/// All of them. `can_pin`: W1 in both placements instead of in none.
pub fn all(can_pin: bool) -> Vec<Case> {
    let mut cases = ping_pong(can_pin);
    cases.extend(small());
    cases.extend(large());
    cases.extend(secure());
    cases.extend(memories());
    cases.extend(connects());
    cases.push(inflate());
    cases
}

fn ping_pong(can_pin: bool) -> Vec<Case> {
    let base =
        Case { figures: MICROSECONDS, count: 16_000, entries: ping_pong_entries(), ..base() };
    if !can_pin {
        return vec![Case { title: "W1 ping-pong 125 B, not pinned", ..base }];
    }
    vec![
        Case {
            title: "W1 ping-pong 125 B, on the server's core",
            placement: Placement::SameCore,
            ..base.clone()
        },
        // Counts are the same on either core.
        Case {
            title: "W1 ping-pong 125 B, on another core",
            placement: Placement::OtherCore,
            count: 8_000,
            counted: None,
            ..base
        },
    ]
}

fn small() -> [Case; 3] {
    let base = Case { count: 4_000_000, bytes: 64, counted: Some([10_000, 40_000]), ..base() };
    let slow = [(BEAST, 4), (LIBWEBSOCKETS, 10)];
    let slow_to_send =
        [(FASTWEBSOCKETS, 20), (TOKIO_WEBSOCKETS, 2), (BEAST, 20), (LIBWEBSOCKETS, 40)];
    let slow_to_echo = [(FASTWEBSOCKETS, 5), (BEAST, 5), (LIBWEBSOCKETS, 10)];
    let echo = [entry(FLOOR, "floor", "echo"), entry(CALLBACK, "anyws", "echo")];
    [
        Case {
            title: "W2 echo 125 B, 64 in flight",
            count: 800_000,
            bytes: 125,
            counted: Some([2_000, 12_000]),
            entries: with(&echo, peers_slowed("echo", &slow_to_echo)),
            ..base.clone()
        },
        Case {
            title: "W3 receive 64 B",
            path: TEXT,
            count: 6_000_000,
            entries: receive_entries(&slow),
            ..base.clone()
        },
        Case { title: "W4 send 64 B", path: SINK, entries: send_entries(&slow_to_send), ..base },
    ]
}

fn large() -> [Case; 4] {
    let base = Case {
        path: BINARY,
        count: 500,
        bytes: MIB,
        figures: PER_BYTE,
        counted: Some([4, 12]),
        ..base()
    };
    let slow = [(LIBWEBSOCKETS, 10)];
    let echo = [entry(FLOOR, "floor", "ping-pong"), entry(CALLBACK, "anyws", "ping-pong")];
    let whole = [
        entry(FLOOR, "floor", "receive"),
        entry(CALLBACK, "anyws", "receive"),
        entry(PARTIAL, "anyws", "receive-partial"),
        entry(STREAM, "anyws-stream", "read-partial"),
    ];
    [
        Case { title: "W5 receive 1 MiB", entries: receive_entries(&slow), ..base.clone() },
        Case {
            title: "W5 send 1 MiB",
            path: SINK,
            entries: large_send_entries(&[(BEAST, 2), (LIBWEBSOCKETS, 10)]),
            ..base.clone()
        },
        Case {
            title: "W5 echo 1 MiB",
            path: "/echo",
            count: 250,
            entries: with(&echo, peers_slowed("ping-pong", &slow)),
            ..base.clone()
        },
        Case {
            title: "W6 receive 16 MiB",
            count: 30,
            bytes: 16 * MIB,
            counted: Some([2, 4]),
            entries: with(&whole, peers_slowed("receive", &slow)),
            ..base
        },
    ]
}

fn secure() -> [Case; 5] {
    let small = Case {
        is_secure: true,
        count: 2_500_000,
        bytes: 64,
        counted: Some([5_000, 25_000]),
        ..base()
    };
    let large = Case {
        path: BINARY,
        count: 250,
        bytes: MIB,
        figures: PER_BYTE,
        counted: Some([2, 6]),
        ..small.clone()
    };
    let slow = [(BEAST, 4), (LIBWEBSOCKETS, 10)];
    let slow_to_send =
        [(FASTWEBSOCKETS, 20), (TOKIO_WEBSOCKETS, 2), (BEAST, 20), (LIBWEBSOCKETS, 40)];
    let slow_large = [(BEAST, 2), (LIBWEBSOCKETS, 10)];
    [
        Case {
            title: "W7 TLS receive 64 B",
            path: TEXT,
            entries: receive_entries(&slow),
            ..small.clone()
        },
        Case {
            title: "W7 TLS receive 1 MiB",
            entries: receive_entries(&slow_large),
            ..large.clone()
        },
        Case {
            title: "W7 TLS send 1 MiB",
            path: SINK,
            entries: large_send_entries(&slow_large),
            ..large
        },
        Case {
            title: "W7 TLS send 64 B",
            path: SINK,
            entries: send_entries(&slow_to_send),
            ..small.clone()
        },
        Case {
            title: "W7 TLS ping-pong 125 B",
            count: 8_000,
            bytes: 125,
            figures: MICROSECONDS,
            counted: Some([100, 600]),
            entries: ping_pong_entries(),
            ..small
        },
    ]
}

fn memories() -> [Case; 4] {
    let ours = [entry(FLOOR, "floor", "idle"), entry(ANYWS, "anyws-connections", "idle")];
    let base = Case {
        count: 1_000,
        figures: MEMORY,
        counted: None,
        entries: with(&ours, peers("idle")),
        ..base()
    };
    // They hardly vary, and take long.
    let many = Case { count: 5_000, most_repetitions: 1, ..base.clone() };
    [
        Case { title: "W8 memory of 1,000 connections", ..base.clone() },
        Case { title: "W8 memory of 5,000 connections", ..many.clone() },
        Case { title: "W8 TLS memory of 1,000 connections", is_secure: true, ..base },
        Case { title: "W8 TLS memory of 5,000 connections", is_secure: true, ..many },
    ]
}

fn connects() -> [Case; 4] {
    let plain = [
        entry(FLOOR, "floor", "connect"),
        entry(ANYWS, "anyws-connections", "connect"),
        entry(WAITING, "anyws-connections", "connect-wait"),
    ];
    let full = Entry { is_fresh: true, ..entry("", "", "connect") };
    let secure = [
        Entry { label: FLOOR, program: "floor", ..full },
        entry(FLOOR_RESUMED, "floor", "connect"),
        Entry { label: FULL, program: "anyws-connections", ..full },
        entry(RESUMED, "anyws-connections", "connect"),
        Entry { label: "tungstenite, full handshake", program: TUNGSTENITE, ..full },
        entry("tungstenite, resumed", TUNGSTENITE, "connect"),
        Entry { label: "fastwebsockets, full handshake", program: FASTWEBSOCKETS, ..full },
        entry("fastwebsockets, resumed", FASTWEBSOCKETS, "connect"),
        Entry { label: "tokio-websockets, full handshake", program: TOKIO_WEBSOCKETS, ..full },
        entry("tokio-websockets, resumed", TOKIO_WEBSOCKETS, "connect"),
        Entry { label: BEAST, program: BEAST, ..full },
        Entry { label: LIBWEBSOCKETS, program: LIBWEBSOCKETS, ..full },
    ];
    let plain = Case {
        title: "W9 connect",
        count: 1_000,
        bytes: 0,
        figures: PER_CONNECTION,
        counted: Some([50, 250]),
        entries: with(&plain, peers("connect")),
        ..base()
    };
    let secure = Case {
        title: "W9 TLS connect",
        is_secure: true,
        count: 300,
        counted: Some([20, 60]),
        entries: secure.to_vec(),
        ..plain.clone()
    };
    let among = |case: &Case, title| Case {
        title,
        count: 300,
        bytes: 5_000,
        counted: None,
        most_repetitions: 2,
        ..case.clone()
    };
    [
        plain.clone(),
        secure.clone(),
        among(&plain, "W9 connect, with 5,000 open"),
        among(&secure, "W9 TLS connect, with 5,000 open"),
    ]
}

fn inflate() -> Case {
    let mut entries = receive_entries(&[(LIBWEBSOCKETS, 2)]);
    entries.retain(|entry| NO_DEFLATE.iter().all(|(label, _)| *label != entry.label));
    Case {
        title: "W10 inflate JSON of 1 KiB",
        path: "/json/{count}/deflate",
        count: 100_000,
        bytes: compressed::MESSAGE_BYTES,
        counted: Some([200, 1_200]),
        entries,
        absent: NO_DEFLATE,
        ..base()
    }
}
