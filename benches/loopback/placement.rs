//! Which processor a process runs on. With one message in flight the numbers jump between two
//! values, that of a server on the same core and that of one on another, so these workloads are
//! pinned where `taskset` is to be had.

use std::process::{Command, Stdio};

use crate::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    Anywhere,
    /// On the processor of the pinned server.
    SameCore,
    OtherCore,
}

/// Two processors that this process may use; `None` where it cannot pin or has only one.
pub fn two_processors() -> Option<[usize; 2]> {
    if !is_installed("taskset") {
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut allowed = list.trim().split(',').flat_map(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        from.parse::<usize>()
            .ok()
            .zip(to.parse::<usize>().ok())
            .map_or(0..0, |(from, to)| from..to + 1)
    });
    Some([allowed.next()?, allowed.next()?])
}

pub fn is_installed(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\"", tool])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

/// A command line that pins what follows it.
pub fn prefix(
    placement: Placement,
    processors: Option<[usize; 2]>,
) -> Result<Vec<String>, Failure> {
    let processor = match (placement, processors) {
        (Placement::Anywhere, _) => return Ok(Vec::new()),
        (_, None) => return Err("nothing can be pinned here".into()),
        (Placement::SameCore, Some([first, _])) => first,
        (Placement::OtherCore, Some([_, second])) => second,
    };
    Ok(vec!["taskset".to_owned(), "-c".to_owned(), processor.to_string()])
}
