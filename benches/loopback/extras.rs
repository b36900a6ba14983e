//! Workloads beyond W1 to W10: fragments, files through stream sockets, compression in every form.

use crate::case::{
    BEAST, Case, FASTWEBSOCKETS, FLOOR, LIBWEBSOCKETS, TUNGSTENITE, entry, peers_slowed,
};
use crate::compressed;
use crate::workloads::{
    ANYWS, APPLICATION, BINARY, CALLBACK, IO_THREAD, MEMORY, MIB, NANOSECONDS, NO_DEFLATE, PARTIAL,
    PER_BYTE, QUEUE, SINK, base, with,
};

/// The same bytes, which nobody looks at.
const RAW: &str = "floor raw";

pub fn all() -> Vec<Case> {
    let mut cases = large();
    cases.extend(compression());
    cases
}

fn large() -> Vec<Case> {
    let base = Case {
        path: BINARY,
        count: 200,
        bytes: MIB,
        figures: PER_BYTE,
        counted: Some([2, 6]),
        ..base()
    };
    let fragments = [
        entry(FLOOR, "floor", "receive-fragments"),
        entry(CALLBACK, "anyws", "receive"),
        entry(PARTIAL, "anyws", "receive-partial"),
        entry(QUEUE, "anyws", "receive-queue"),
    ];
    let stream = [
        entry(FLOOR, "floor", "receive"),
        entry(RAW, "floor", "receive-raw"),
        entry("anyws, whole messages", "anyws", "receive"),
        entry("anyws stream, filled", "anyws-stream", "read"),
        entry("anyws stream, partial", "anyws-stream", "read-partial"),
        entry("anyws stream, application thread", "anyws-stream", "read-wait"),
        entry(TUNGSTENITE, TUNGSTENITE, "receive"),
    ];
    let down = [
        entry(RAW, "floor", "receive-raw"),
        entry("anyws stream, filled", "anyws-stream", "read"),
        entry("anyws stream, application thread", "anyws-stream", "read-wait"),
    ];
    let up = [
        entry(FLOOR, "floor", "send"),
        entry("anyws stream, I/O thread", "anyws-stream", "write"),
        entry("anyws stream, application thread", "anyws-stream", "write-wait"),
        entry(TUNGSTENITE, TUNGSTENITE, "send"),
    ];
    let mut collecting = peers_slowed("receive", &[(LIBWEBSOCKETS, 10)]);
    collecting.retain(|peer| peer.label != FASTWEBSOCKETS);
    let path_down = "/file/{count}/{bytes}";
    vec![
        Case {
            title: "receive 1 MiB in fragments of 16 KiB",
            path: "/flood/{count}/{bytes}/binary/16384",
            entries: with(&fragments, collecting),
            absent: &[(FASTWEBSOCKETS, "hands out frames")],
            ..base.clone()
        },
        Case { title: "stream of 1 MiB messages", entries: stream.to_vec(), ..base.clone() },
        Case {
            title: "file of 256 MiB, down",
            path: path_down,
            count: 256,
            entries: down.to_vec(),
            ..base.clone()
        },
        Case {
            title: "file of 256 MiB, up",
            path: SINK,
            count: 256,
            entries: up.to_vec(),
            ..base.clone()
        },
        Case {
            title: "TLS file of 128 MiB, down",
            path: path_down,
            is_secure: true,
            count: 128,
            entries: down.to_vec(),
            ..base.clone()
        },
        Case {
            title: "TLS file of 128 MiB, up",
            path: SINK,
            is_secure: true,
            count: 128,
            entries: up.to_vec(),
            ..base
        },
    ]
}

fn compression() -> Vec<Case> {
    let base = Case {
        count: 30_000,
        bytes: compressed::MESSAGE_BYTES,
        figures: NANOSECONDS,
        absent: NO_DEFLATE,
        ..base()
    };
    let inflate = [
        entry(FLOOR, "floor", "receive"),
        entry(CALLBACK, "anyws", "receive"),
        entry(QUEUE, "anyws", "receive-queue"),
        entry(BEAST, BEAST, "receive"),
    ];
    let deflate = [
        entry(FLOOR, "floor", "send"),
        entry(IO_THREAD, "anyws", "send"),
        entry(APPLICATION, "anyws", "send-thread"),
        entry(BEAST, BEAST, "send"),
    ];
    let idle = [
        entry(FLOOR, "floor", "idle"),
        entry(ANYWS, "anyws-connections", "idle"),
        entry(BEAST, BEAST, "idle"),
    ];
    let send = Case { count: 6_000, entries: deflate.to_vec(), ..base.clone() };
    let memory = Case {
        count: 1_000,
        figures: MEMORY,
        counted: None,
        most_repetitions: 1,
        entries: idle.to_vec(),
        ..base.clone()
    };
    vec![
        Case {
            title: "inflate JSON of 1 KiB, no context takeover",
            path: "/json/{count}/deflate-anew",
            entries: inflate.to_vec(),
            ..base
        },
        Case { title: "deflate JSON of 1 KiB", path: "/sink/{count}/deflate", ..send.clone() },
        Case {
            title: "deflate JSON of 1 KiB, no context takeover",
            path: "/sink/{count}/deflate-anew",
            ..send
        },
        Case {
            title: "memory of 1,000 connections with permessage-deflate",
            path: "/echo/deflate",
            ..memory.clone()
        },
        Case {
            title: "memory of 1,000 connections with permessage-deflate, no context takeover",
            path: "/echo/deflate-anew",
            ..memory
        },
    ]
}
