//! The processes of a run: the server, which ends with this one, and clients, which may hang.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::placement::{self, Placement};

/// A client that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(100);

/// Runs a client, and hands on what it printed. It prints little: no pipe fills up meanwhile.
pub fn run_client(line: &[String]) -> Result<String, Failure> {
    let (program, arguments) = line.split_first().ok_or("nothing to run")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err("it did not end".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let (mut said, mut complaint) = (String::new(), String::new());
    if let Some(output) = &mut child.stdout {
        output.read_to_string(&mut said)?;
    }
    if let Some(output) = &mut child.stderr {
        output.read_to_string(&mut complaint)?;
    }
    match status.success() {
        true => Ok(said),
        false => Err(format!("{status}: {}", complaint.trim()).into()),
    }
}

#[derive(Debug)]
pub struct Server {
    process: Child,
    /// TLS sessions can be taken up again here,
    kept_port: u16,
    /// and not here.
    fresh_port: u16,
}

impl Server {
    pub fn start(
        program: &Path,
        directory: &Path,
        placement: Placement,
    ) -> Result<Server, Failure> {
        let mut line = placement::prefix(placement, placement::two_processors())?;
        line.push(program.display().to_string());
        let (first, rest) = line.split_first().ok_or("nothing to run")?;
        let mut process = Command::new(first)
            .args(rest)
            .arg("serve")
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ports = String::new();
        let output = process.stdout.take().ok_or("the server has no output")?;
        BufReader::new(output).read_line(&mut ports)?;
        let (kept, fresh) = ports.trim().split_once(' ').ok_or("the server did not start")?;
        Ok(Server { process, kept_port: kept.parse()?, fresh_port: fresh.parse()? })
    }

    pub fn uri(&self, is_secure: bool, is_fresh: bool, path: &str) -> String {
        let scheme = if is_secure { "wss" } else { "ws" };
        let port = if is_fresh { self.fresh_port } else { self.kept_port };
        format!("{scheme}://127.0.0.1:{port}{path}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
