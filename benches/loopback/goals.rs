//! What anyws wants to reach, and whether it has.

use crate::Failure;
use crate::case::{BEAST, Case, FLOOR, LIBWEBSOCKETS, PEERS, TUNGSTENITE};
use crate::statistics::{Measured, Spread};
use crate::workloads::{
    ANYWS, APPLICATION, BATCH, CALLBACK, FULL, IO_THREAD, PARTIAL, QUEUE, RESUMED, STREAM,
};

/// A row of a case, and what it is measured by.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub title: &'static str,
    /// The figure's name.
    pub figure: &'static str,
    pub row: &'static str,
    pub measure: Measure,
    pub at_most: f64,
}

#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// The ratio to another row.
    Ratio(&'static str),
    /// The ratio to the best of the peers.
    RatioToBest,
    Instructions,
    SystemCalls,
    /// The figure itself.
    Value,
}

impl Goal {
    /// `None`: nothing was measured of it.
    pub fn reached(&self, measured: &Measured) -> Option<Spread> {
        let figure = measured.case.figures.iter().find(|figure| figure.name == self.figure)?;
        let row = measured.row(self.row)?;
        let exact = |value: Option<f64>| Spread::of(vec![value?]);
        match self.measure {
            Measure::Ratio(base) => measured.ratio(row, figure, base),
            Measure::RatioToBest => Some(measured.best_of(&PEERS, row, figure)?.1),
            Measure::Instructions => exact(row.instructions),
            Measure::SystemCalls => exact(row.system_calls),
            Measure::Value => measured.spread(row, figure),
        }
    }

    /// What is measured, in words.
    pub fn measure(&self) -> String {
        match self.measure {
            Measure::Ratio(base) => format!("x {base}"),
            Measure::RatioToBest => "x the best peer".to_owned(),
            Measure::Instructions => "instructions".to_owned(),
            Measure::SystemCalls => "system calls".to_owned(),
            Measure::Value => "KiB".to_owned(),
        }
    }
}

const FLOOR_B: Measure = Measure::Ratio(FLOOR);
const W1: &str = "W1 ping-pong 125 B, on the server's core";
const W1_OTHER: &str = "W1 ping-pong 125 B, on another core";
const W2: &str = "W2 echo 125 B, 64 in flight";
const W3: &str = "W3 receive 64 B";
const W4: &str = "W4 send 64 B";
const W5_RECEIVE: &str = "W5 receive 1 MiB";
const W5_SEND: &str = "W5 send 1 MiB";
const W5_ECHO: &str = "W5 echo 1 MiB";
const W6: &str = "W6 receive 16 MiB";
const W7_RECEIVE: &str = "W7 TLS receive 64 B";
const W7_RECEIVE_LARGE: &str = "W7 TLS receive 1 MiB";
const W7_SEND_LARGE: &str = "W7 TLS send 1 MiB";
const W9: &str = "W9 connect";
const W9_AMONG: &str = "W9 connect, with 5,000 open";
const W9_TLS: &str = "W9 TLS connect";
const W9_TLS_AMONG: &str = "W9 TLS connect, with 5,000 open";
const W10: &str = "W10 inflate JSON of 1 KiB";

/// Those of the small and large messages; with those of memory, all of them.
const GOALS: &[Goal] = &[
    Goal { figure: "CPU", ..goal(W1, CALLBACK, FLOOR_B, 1.10) },
    Goal { figure: "p50", ..goal(W1, CALLBACK, FLOOR_B, 1.05) },
    // One read, one write, at most one poll; and one more for nothing now and then.
    Goal { figure: "CPU", ..goal(W1, CALLBACK, Measure::SystemCalls, 3.05) },
    Goal { figure: "CPU", ..goal(W1, CALLBACK, Measure::Ratio(LIBWEBSOCKETS), 0.95) },
    Goal { figure: "CPU", ..goal(W1, APPLICATION, FLOOR_B, 2.7) },
    Goal { figure: "CPU", ..goal(W1_OTHER, APPLICATION, FLOOR_B, 1.2) },
    goal(W2, CALLBACK, FLOOR_B, 1.3),
    goal(W2, CALLBACK, Measure::SystemCalls, 0.1),
    goal(W2, CALLBACK, Measure::Ratio(TUNGSTENITE), 0.8),
    goal(W2, CALLBACK, Measure::Ratio(LIBWEBSOCKETS), 0.15),
    goal(W2, CALLBACK, Measure::Ratio(BEAST), 0.15),
    goal(W3, CALLBACK, FLOOR_B, 1.2),
    goal(W3, CALLBACK, Measure::Instructions, 160.0),
    goal(W3, QUEUE, FLOOR_B, 1.7),
    goal(W3, CALLBACK, Measure::Ratio(TUNGSTENITE), 0.55),
    goal(W3, CALLBACK, Measure::Ratio(LIBWEBSOCKETS), 0.1),
    goal(W4, IO_THREAD, FLOOR_B, 1.5),
    goal(W4, IO_THREAD, Measure::Instructions, 200.0),
    goal(W4, BATCH, FLOOR_B, 2.7),
    goal(W4, APPLICATION, FLOOR_B, 5.0),
    goal(W4, IO_THREAD, Measure::Ratio(TUNGSTENITE), 0.4),
    goal(W4, BATCH, Measure::Ratio(TUNGSTENITE), 0.7),
    goal(W4, APPLICATION, Measure::Ratio(TUNGSTENITE), 1.1),
    goal(W4, APPLICATION, Measure::Ratio(BEAST), 0.07),
    goal(W4, APPLICATION, Measure::Ratio(LIBWEBSOCKETS), 0.07),
    goal(W5_RECEIVE, CALLBACK, FLOOR_B, 1.1),
    goal(W5_RECEIVE, CALLBACK, Measure::Ratio(BEAST), 1.05),
    goal(W5_SEND, IO_THREAD, FLOOR_B, 1.1),
    goal(W5_SEND, IO_THREAD, Measure::Ratio(BEAST), 0.6),
    goal(W5_ECHO, CALLBACK, FLOOR_B, 1.2),
    goal(W6, CALLBACK, FLOOR_B, 1.1),
    goal(W6, PARTIAL, FLOOR_B, 0.9),
    goal(W6, STREAM, FLOOR_B, 0.9),
    goal(W6, CALLBACK, Measure::Ratio(TUNGSTENITE), 0.8),
    goal(W7_RECEIVE, CALLBACK, FLOOR_B, 0.7),
    goal(W7_RECEIVE, CALLBACK, Measure::Ratio(TUNGSTENITE), 0.45),
    goal(W7_RECEIVE_LARGE, CALLBACK, FLOOR_B, 0.75),
    goal(W7_RECEIVE_LARGE, CALLBACK, Measure::Ratio(TUNGSTENITE), 0.8),
    goal(W7_SEND_LARGE, IO_THREAD, FLOOR_B, 0.6),
    goal(W7_SEND_LARGE, IO_THREAD, Measure::Ratio(TUNGSTENITE), 0.6),
];

const CONNECTS: &[Goal] = &[
    goal(W9, ANYWS, FLOOR_B, 1.2),
    goal(W9, ANYWS, Measure::Ratio(LIBWEBSOCKETS), 0.7),
    goal(W9_TLS, FULL, FLOOR_B, 0.45),
    goal(W9_TLS, RESUMED, FLOOR_B, 0.28),
    goal(W9_TLS, FULL, Measure::Ratio(BEAST), 0.5),
    goal(W9_AMONG, ANYWS, FLOOR_B, 1.2),
    goal(W9_AMONG, ANYWS, Measure::Ratio(LIBWEBSOCKETS), 0.7),
    goal(W9_TLS_AMONG, FULL, FLOOR_B, 0.45),
    goal(W9_TLS_AMONG, RESUMED, FLOOR_B, 0.28),
    goal(W9_TLS_AMONG, FULL, Measure::Ratio(BEAST), 0.5),
    goal(W10, CALLBACK, FLOOR_B, 0.95),
];

/// Each with how much of memory a connection may take, in KiB, and of what the best peer takes.
const MEMORIES: [(&str, f64, f64); 4] = [
    ("W8 memory of 1,000 connections", 0.5, 0.12),
    ("W8 memory of 5,000 connections", 0.5, 0.12),
    ("W8 TLS memory of 1,000 connections", 6.0, 0.5),
    ("W8 TLS memory of 5,000 connections", 6.0, 0.5),
];

const fn goal(title: &'static str, row: &'static str, measure: Measure, at_most: f64) -> Goal {
    Goal { title, figure: "", row, measure, at_most }
}

pub fn all() -> Vec<Goal> {
    let mut goals = GOALS.to_vec();
    for (title, kib, share) in MEMORIES {
        for figure in ["idle", "after a message each way"] {
            let value = goal(title, ANYWS, Measure::Value, kib);
            let ratio = goal(title, ANYWS, Measure::RatioToBest, share);
            goals.extend([value, ratio].map(|goal| Goal { figure, ..goal }));
        }
    }
    goals.extend(CONNECTS);
    goals
}

/// A goal whose row has another name would never be looked at.
pub fn check(cases: &[Case]) -> Result<(), Failure> {
    for goal in all() {
        let Some(case) = cases.iter().find(|case| case.title == goal.title) else {
            if [W1, W1_OTHER].contains(&goal.title) {
                continue; // nothing can be pinned
            }
            return Err(format!("there is no {}", goal.title).into());
        };
        let has_row = case.entries.iter().any(|entry| entry.label == goal.row);
        let has_figure = case.figures.iter().any(|figure| figure.name == goal.figure);
        if !has_row || !has_figure {
            return Err(format!("{} has no {:?} of {}", goal.title, goal.figure, goal.row).into());
        }
    }
    Ok(())
}
