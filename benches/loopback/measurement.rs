//! What one client written in Rust measures of itself, and the line that says so; `clients/client.h`
//! has the same for those in C.

use std::time::{Duration, Instant};

use crate::Failure;

/// Where the clocks stood.
pub struct Reading {
    cpu: Duration,
    wall: Instant,
}

impl Reading {
    #[allow(unsafe_code)]
    pub fn now() -> Result<Reading, Failure> {
        // SAFETY: all zeroes are a valid rusage.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a rusage of ours.
        if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
        Ok(Reading { cpu, wall: Instant::now() })
    }

    /// The same line as `print_since` of `clients/client.h`.
    pub fn print_since(&self, messages: usize, trips: Option<Trips>) -> Result<(), Failure> {
        let end = Reading::now()?;
        let (cpu, wall) = (end.cpu - self.cpu, end.wall - self.wall);
        print!("cpu {} wall {} messages {messages}", cpu.as_nanos(), wall.as_nanos());
        if let Some(median) = trips.and_then(Trips::median) {
            print!(" p50 {}", median.as_nanos());
        }
        println!();
        Ok(())
    }
}

/// How long each round trip of a ping-pong took.
pub struct Trips {
    took: Vec<Duration>,
    last: Instant,
}

impl Trips {
    pub fn begin(count: usize) -> Trips {
        Trips { took: Vec::with_capacity(count), last: Instant::now() }
    }

    pub fn one_ends(&mut self) {
        let now = Instant::now();
        self.took.push(now - self.last);
        self.last = now;
    }

    fn median(mut self) -> Option<Duration> {
        self.took.sort_unstable();
        self.took.get(self.took.len() / 2).copied()
    }
}

#[allow(clippy::unnecessary_cast)] // the fields' types differ between systems
fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}

/// Bytes of this process that are in memory.
pub fn resident_bytes() -> Result<i64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    Ok(number.parse::<i64>()? * 1024)
}

/// The same line as `print_memory` of `clients/client.h`.
pub fn print_memory(before: i64, idle: i64, connections: usize) -> Result<(), Failure> {
    let used = resident_bytes()? - before;
    println!("idle {} used {used} connections {connections}", idle - before);
    Ok(())
}
