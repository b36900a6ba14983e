//! Where and of what a run was: the machine, the versions, who is missing. What only the shell knows
//! `benches/run.sh` has written beside the clients.

use std::fmt::Write;
use std::path::Path;

use crate::runner::Bench;

/// A list in Markdown.
pub fn description() -> String {
    let first = |path: &str, key: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        let value = line.split_once([':', '=']).map_or(line, |(_, value)| value);
        value.trim().trim_matches('"').to_owned()
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "- Machine: {} ({processors} processors), {} of memory",
        first("/proc/cpuinfo", "model name"),
        first("/proc/meminfo", "MemTotal"),
    );
    let _ = writeln!(
        text,
        "- System: {}, Linux {}; load when it began: {}",
        first("/etc/os-release", "PRETTY_NAME"),
        first("/proc/sys/kernel/osrelease", ""),
        first("/proc/loadavg", "").split(' ').take(3).collect::<Vec<_>>().join(" "),
    );
    text
}

/// What `benches/run.sh` has written: a line for each.
pub fn lines(directory: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Who and what is not in the tables, and why.
pub fn missing(directory: &Path, bench: &Bench) -> Vec<String> {
    let mut missing = lines(directory, "without");
    for tool in bench.missing_tools() {
        missing.push(format!("{}: not installed, its column stays empty", tool.program()));
    }
    if !bench.can_pin() {
        missing.push("pinning: compare ping-pong by its ratios only".to_owned());
    }
    missing
}
