//! Ceilings that every change is held to, of what no load from elsewhere disturbs: instructions and
//! system calls for a message. Times are for `results`.

use std::path::Path;
use std::process::ExitCode;

use crate::Failure;
use crate::case::Case;
use crate::counts::Tool;
use crate::runner::Bench;
use crate::workloads::{
    self, ANYWS, APPLICATION, BATCH, CALLBACK, FULL, IO_THREAD, QUEUE, RESUMED,
};

/// How bytes fall into reads, and threads into turns, is up to the system: what is too much must be
/// so every time. A batch from an application's thread costs 0.0009 or 0.0028 system calls a message,
/// as the I/O thread meets it or not, and for several attempts in a row.
const ATTEMPTS: usize = 15;

/// At most 10 % above what was measured, or, of next to nothing, next to nothing.
struct Gate {
    title: &'static str,
    is_secure: bool,
    row: &'static str,
    tool: Tool,
    ceiling: f64,
}

const fn instructions(title: &'static str, row: &'static str, ceiling: f64) -> Gate {
    Gate { title, is_secure: false, row, tool: Tool::Callgrind, ceiling }
}

const fn system_calls(title: &'static str, row: &'static str, ceiling: f64) -> Gate {
    Gate { title, is_secure: false, row, tool: Tool::Strace, ceiling }
}

const fn over_tls(gate: Gate) -> Gate {
    Gate { is_secure: true, ..gate }
}

const PING_PONG: &str = "W1 ping-pong 125 B, not pinned";
const ECHO: &str = "W2 echo 125 B, 64 in flight";
const RECEIVE: &str = "W3 receive 64 B";
const SEND: &str = "W4 send 64 B";
const LARGE_RECEIVE: &str = "W5 receive 1 MiB";
const LARGE_SEND: &str = "W5 send 1 MiB";
const LARGE_ECHO: &str = "W5 echo 1 MiB";
const CONNECT: &str = "W9 connect";
const TLS_CONNECT: &str = "W9 TLS connect";

const GATES: &[Gate] = &[
    instructions(ECHO, CALLBACK, 420.0),
    instructions(RECEIVE, CALLBACK, 108.0),
    instructions(RECEIVE, QUEUE, 159.0),
    instructions(SEND, IO_THREAD, 212.0),
    instructions(SEND, BATCH, 238.0),
    instructions(SEND, APPLICATION, 415.0),
    over_tls(instructions(ECHO, CALLBACK, 1455.0)),
    over_tls(instructions(RECEIVE, CALLBACK, 372.0)),
    over_tls(instructions(RECEIVE, QUEUE, 525.0)),
    over_tls(instructions(SEND, IO_THREAD, 550.0)),
    over_tls(instructions(SEND, BATCH, 530.0)),
    over_tls(instructions(SEND, APPLICATION, 715.0)),
    over_tls(instructions(LARGE_RECEIVE, CALLBACK, 4_000_000.0)),
    system_calls(PING_PONG, CALLBACK, 3.3),
    system_calls(PING_PONG, APPLICATION, 5.5),
    system_calls(ECHO, CALLBACK, 0.052),
    system_calls(RECEIVE, CALLBACK, 0.001),
    system_calls(RECEIVE, QUEUE, 0.001),
    system_calls(SEND, IO_THREAD, 0.002),
    system_calls(SEND, BATCH, 0.002),
    system_calls(SEND, APPLICATION, 0.003),
    system_calls(LARGE_RECEIVE, CALLBACK, 2.8),
    system_calls(LARGE_SEND, IO_THREAD, 17.6),
    system_calls(LARGE_SEND, APPLICATION, 18.7),
    system_calls(LARGE_ECHO, CALLBACK, 28.6),
    instructions(CONNECT, ANYWS, 39_900.0),
    over_tls(instructions(TLS_CONNECT, FULL, 2_050_000.0)),
    over_tls(instructions(TLS_CONNECT, RESUMED, 1_280_000.0)),
    system_calls(CONNECT, ANYWS, 14.3),
    over_tls(system_calls(TLS_CONNECT, FULL, 23.1)),
    over_tls(system_calls(TLS_CONNECT, RESUMED, 23.1)),
];

pub fn run(directory: &Path) -> Result<ExitCode, Failure> {
    let bench = Bench::start(directory, 1, 1)?;
    if let Some(tool) = bench.missing_tools().next() {
        return Err(format!("{} is not installed", tool.program()).into());
    }
    let cases = workloads::all(false);
    let mut exceeded = 0;
    for gate in GATES {
        let case = cases.iter().find(|case| case.title == gate.title).ok_or(gate.title)?;
        let case = Case { is_secure: gate.is_secure, ..case.clone() };
        let least = gate.least(&bench, &case)?;
        let is_held = least <= gate.ceiling;
        println!("{}", gate.line(least, is_held));
        exceeded += u32::from(!is_held);
    }
    println!("gates: {} ceilings, {exceeded} exceeded", GATES.len());
    Ok(if exceeded == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Gate {
    fn least(&self, bench: &Bench, case: &Case) -> Result<f64, Failure> {
        let mut least = f64::INFINITY;
        for _ in 0..ATTEMPTS {
            least = least.min(bench.count_of(case, self.row, self.tool)?);
            if least <= self.ceiling {
                break;
            }
        }
        Ok(least)
    }

    fn line(&self, least: f64, is_held: bool) -> String {
        let what = match self.tool {
            Tool::Callgrind => "instructions",
            Tool::Strace => "system calls",
        };
        let over = if self.is_secure { " over TLS" } else { "" };
        let verdict = if is_held { "ok" } else { "TOO MANY" };
        format!(
            "{verdict:8} {}{over}, {}: {least:.4} {what}, at most {}",
            self.title, self.row, self.ceiling
        )
    }
}
