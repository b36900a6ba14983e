//! How costs grow with the work: each curve is a case at several points.

use std::fmt::Write;

use crate::case::{Case, Entry, FLOOR, Figure, TUNGSTENITE, Unit, entry};
use crate::runner::Bench;
use crate::statistics::{Measured, Spread};
use crate::table::number;
use crate::workloads::{BINARY, CALLBACK, IO_THREAD, MIB, NANOSECONDS, SINK, base};

#[derive(Clone, Debug)]
pub struct Curve {
    pub title: &'static str,
    /// What the points count.
    pub what: &'static str,
    pub points: &'static [usize],
    pub remark: &'static str,
    case: Case,
    /// Bytes that a point may move; the count follows from it.
    most_bytes: Option<usize>,
}

/// A curve and what its points gave.
pub struct Drawn {
    pub curve: Curve,
    pub lines: Vec<Line>,
}

/// One figure of one entry.
pub struct Line {
    label: String,
    unit: Unit,
    pub spreads: Vec<Option<Spread>>,
}

const GROWTH: &[Figure] = &[
    Figure { name: "connect", number: "connect", ..EACH },
    Figure { name: "message and echo", number: "message", ..EACH },
    Figure { name: "free", number: "free", ..EACH },
];
const EACH: Figure = Figure { name: "", number: "", per: None, unit: Unit::MicrosecondsEach };
const CPU_AND_TIME: &[Figure] = &[
    Figure { name: "", number: "cpu", per: Some("messages"), unit: Unit::Nanoseconds },
    Figure { name: "", number: "wall", per: Some("messages"), unit: Unit::NanosecondsOfWall },
];
const SIZES: &[usize] = &[1, 16, 125, 1024, 16 << 10, 128 << 10, MIB, 8 * MIB, 64 * MIB];

pub fn all() -> Vec<Curve> {
    let base = Case { counted: None, ..base() };
    let growth = [
        entry("", "anyws-growth", "growth"),
        entry("with heartbeat timers", "anyws-growth", "growth-timers"),
    ];
    let sizes = Curve {
        title: "",
        what: "bytes",
        points: SIZES,
        remark: "Log scales.",
        case: Case { figures: NANOSECONDS, ..base.clone() },
        most_bytes: Some(128 * MIB),
    };
    let receive = [
        entry(FLOOR, "floor", "receive"),
        entry(CALLBACK, "anyws", "receive"),
        entry(TUNGSTENITE, TUNGSTENITE, "receive"),
    ];
    let send = [
        entry(FLOOR, "floor", "send"),
        entry(IO_THREAD, "anyws", "send"),
        entry(TUNGSTENITE, TUNGSTENITE, "send"),
    ];
    let threads = Case { figures: CPU_AND_TIME, count: 200_000, ..base.clone() };
    vec![
        Curve {
            title: "Open connections on one I/O thread",
            what: "connections",
            points: &[1, 10, 100, 1_000, 5_000],
            remark: "Of one further connection: to connect it, to send a message and get its echo, \
                     to free it. The goal is that the last is within 20 % of the first.",
            case: Case { count: 5_000, figures: GROWTH, entries: growth.to_vec(), ..base.clone() },
            most_bytes: None,
        },
        Curve {
            title: "I/O threads that receive 64 B on 8 sockets",
            what: "I/O threads",
            points: &[1, 2, 3, 4],
            remark: "The server needs the same processors.",
            case: Case {
                path: "/flood/{count}/64/text",
                entries: vec![entry("", "anyws-growth", "io-threads")],
                ..threads.clone()
            },
            most_bytes: None,
        },
        Curve {
            title: "Threads that send 64 B",
            what: "threads",
            points: &[1, 2, 4, 8],
            remark: "All on one socket, or each on its own.",
            case: Case {
                path: SINK,
                entries: vec![
                    entry("one socket", "anyws-growth", "senders-shared"),
                    entry("a socket each", "anyws-growth", "senders"),
                ],
                ..threads
            },
            most_bytes: None,
        },
        Curve {
            title: "Message size, receiving",
            case: Case { path: BINARY, entries: receive.to_vec(), ..sizes.case.clone() },
            ..sizes.clone()
        },
        Curve {
            title: "Message size, sending",
            case: Case { path: SINK, entries: send.to_vec(), ..sizes.case.clone() },
            ..sizes
        },
    ]
}

impl Curve {
    pub fn measure(self, bench: &Bench) -> Drawn {
        let measured = self.points.iter().map(|&point| bench.measure(self.at(point)));
        let measured = measured.collect::<Vec<_>>();
        let mut lines = Vec::new();
        for entry in &self.case.entries {
            for figure in self.case.figures {
                lines.push(line(entry, figure, &measured));
            }
        }
        Drawn { curve: self, lines }
    }

    fn at(&self, point: usize) -> Case {
        let mut case = Case { title: self.title, bytes: point, ..self.case.clone() };
        if let Some(most) = self.most_bytes {
            // Small messages are text.
            if case.path == BINARY && point <= 1024 {
                case.path = "/flood/{count}/{bytes}/text";
            }
            case.count = (most / point).clamp(2, 500_000);
        }
        case
    }
}

fn line(entry: &Entry, figure: &Figure, measured: &[Measured]) -> Line {
    let label = match (figure.name, entry.label) {
        (figure, "") => figure.to_owned(),
        ("", entry) => entry.to_owned(),
        (figure, entry) => format!("{figure}, {entry}"),
    };
    let spread = |measured: &Measured| measured.spread(measured.row(entry.label)?, figure);
    Line { label, unit: figure.unit, spreads: measured.iter().map(spread).collect() }
}

impl Drawn {
    pub fn markdown(&self) -> String {
        let Curve { title, what, points, remark, .. } = &self.curve;
        let mut text = format!("\n### {title}\n\n{remark}\n\n| {what} |");
        for line in &self.lines {
            let _ = write!(text, " {} |", line.title());
        }
        let _ = write!(text, "\n|--:|{}", "--:|".repeat(self.lines.len()));
        for (at, point) in points.iter().enumerate() {
            let _ = write!(text, "\n| {point} |");
            for line in &self.lines {
                let median = line.median(at);
                let _ = write!(text, " {} |", number(median));
            }
        }
        if self.curve.most_bytes.is_none() {
            let _ = write!(text, "\n| last : first |");
            for line in &self.lines {
                let growth = line.median(points.len() - 1).zip(line.median(0));
                let _ = write!(text, " {} |", number(growth.map(|(last, first)| last / first)));
            }
        }
        text.push('\n');
        text
    }

    pub fn has_log_scales(&self) -> bool {
        self.curve.most_bytes.is_some()
    }
}

impl Line {
    /// What it is, and in which unit.
    pub fn title(&self) -> String {
        match self.label.as_str() {
            "" => self.unit.label().to_owned(),
            label => format!("{label}: {}", self.unit.label()),
        }
    }

    pub fn median(&self, at: usize) -> Option<f64> {
        self.spreads.get(at)?.map(|spread| spread.median)
    }
}
