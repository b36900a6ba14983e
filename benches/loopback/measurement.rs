//! What one client says of itself: the numbers, and the line in which they travel.

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
    pub fn print_since(&self, messages: usize) -> Result<(), Failure> {
        let end = Reading::now()?;
        let (cpu, wall) = (end.cpu - self.cpu, end.wall - self.wall);
        println!("cpu {} wall {} messages {messages}", cpu.as_nanos(), wall.as_nanos());
        Ok(())
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

/// A client's answer: CPU nanoseconds for a message, or bytes for a connection.
pub fn parse(line: &str) -> Result<f64, Failure> {
    let words = line.split_whitespace().collect::<Vec<_>>();
    match words.as_slice() {
        ["cpu", total, "wall", _, "messages", count] | ["memory", total, "connections", count] => {
            Ok(total.parse::<f64>()? / count.parse::<f64>()?.max(1.0))
        }
        _ => Err(format!("a client said: {line:?}").into()),
    }
}
