//! Starts the servers, runs the clients in turns, and prints what they said.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::cases::{self, Case, Entry};
use crate::counts::Tool;
use crate::measurement;
use crate::placement::{self, Placement, is_installed};
use crate::table::{self, Row};

/// A client that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn run(directory: &Path, repetitions: usize, wanted: &str) -> Result<(), Failure> {
    let bench = Bench::start(directory)?;
    println!("# anyws beside its peers\n");
    println!(
        "Loopback, CPU (user and system) of the client's process alone, median of {repetitions} \
         interleaved repetitions. Ratios are medians of the ratios within a repetition. \
         Instructions (user space) and system calls are for one message."
    );
    for tool in Tool::ALL.into_iter().filter(|tool| !is_installed(tool.program())) {
        println!("\n{} is not installed: its column stays empty.", tool.program());
    }
    if bench.processors.is_none() {
        println!("\nNothing can be pinned here: compare ping-pong by its ratios only.");
    }
    let mut slower = Vec::new();
    let all = cases::all(bench.processors.is_some());
    for case in all.iter().filter(|case| case.title.contains(wanted)) {
        let rows = bench.rows(case, repetitions);
        table::print(case, &rows);
        slower.extend(table::slower_than_tungstenite(case, &rows));
    }
    match slower.is_empty() {
        true => println!("\nNothing above is slower than tungstenite."),
        false => println!("\nSlower than tungstenite:\n\n- {}", slower.join("\n- ")),
    }
    Ok(())
}

struct Bench {
    directory: PathBuf,
    this_program: PathBuf,
    processors: Option<[usize; 2]>,
    server: Server,
    /// On the first of the processors.
    pinned: Option<Server>,
}

impl Bench {
    fn start(directory: &Path) -> Result<Bench, Failure> {
        let this_program = std::env::current_exe()?;
        let processors = placement::two_processors();
        let pinned = match processors {
            Some(_) => Some(Server::start(&this_program, directory, Placement::SameCore)?),
            None => None,
        };
        // Last, so that the authority in the directory is this one's.
        let server = Server::start(&this_program, directory, Placement::Anywhere)?;
        Ok(Bench { directory: directory.to_owned(), this_program, processors, server, pinned })
    }

    fn rows(&self, case: &Case, repetitions: usize) -> Vec<Row> {
        let entries = case.entries.iter().filter(|entry| self.has(entry)).collect::<Vec<_>>();
        let new_row = |entry: &&Entry| Row { label: entry.label, ..Row::default() };
        let mut rows = entries.iter().map(new_row).collect::<Vec<_>>();
        for _ in 0..repetitions {
            for (entry, row) in entries.iter().zip(&mut rows) {
                let count = (case.count / entry.divisor).max(1);
                row.values.push(self.measure(case, entry, count).unwrap_or_else(|failure| {
                    eprintln!("{}, {}: {failure}", case.title, entry.label);
                    None
                }));
            }
        }
        for (entry, row) in entries.iter().zip(&mut rows) {
            row.instructions = self.count(Tool::Callgrind, case, entry);
            row.system_calls = self.count(Tool::Strace, case, entry);
        }
        rows
    }

    fn has(&self, entry: &Entry) -> bool {
        entry.program == cases::TUNGSTENITE || self.directory.join(entry.program).exists()
    }

    fn measure(&self, case: &Case, entry: &Entry, count: usize) -> Result<Option<f64>, Failure> {
        let said = self.run_client(&[], case, entry, count)?;
        measurement::parse(said.trim()).map(Some)
    }

    /// `None`: the tool is not there, or the case is not for counting.
    fn count(&self, tool: Tool, case: &Case, entry: &Entry) -> Option<f64> {
        let [few, many] = case.counts()?;
        if !is_installed(tool.program()) {
            return None;
        }
        let output = self.directory.join("counts");
        let total = |count| {
            let run = self.run_client(&tool.prefix(&output), case, entry, count);
            if let Err(failure) = run {
                eprintln!("{}, {}, {}: {failure}", tool.program(), case.title, entry.label);
                return None;
            }
            tool.total(&std::fs::read_to_string(&output).ok()?)
        };
        let between = total(many)? - total(few)?;
        Some(between / (many - few) as f64)
    }

    fn run_client(
        &self,
        tool: &[String],
        case: &Case,
        entry: &Entry,
        count: usize,
    ) -> Result<String, Failure> {
        let server = match case.placement {
            Placement::Anywhere => &self.server,
            _ => self.pinned.as_ref().unwrap_or(&self.server),
        };
        let path = case.path.replace("{count}", &count.to_string());
        let uri = match case.secure {
            true => format!("wss://127.0.0.1:{}{path}", server.secure_port),
            false => format!("ws://127.0.0.1:{}{path}", server.plain_port),
        };
        let mut line = placement::prefix(case.placement, self.processors)?;
        line.extend_from_slice(tool);
        if entry.program == cases::TUNGSTENITE {
            line.push(self.this_program.display().to_string());
            line.push(cases::TUNGSTENITE.to_owned());
        } else {
            line.push(self.directory.join(entry.program).display().to_string());
        }
        line.extend([entry.workload.to_owned(), uri, count.to_string(), case.bytes.to_string()]);
        if let Some(file) = case.file() {
            line.push(self.directory.join(file).display().to_string());
        }
        let (program, arguments) = line.split_first().ok_or("nothing to run")?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        finish(child)
    }
}

/// What a client printed. It prints little: no pipe fills up while this waits.
fn finish(mut child: Child) -> Result<String, Failure> {
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

/// The server in a process of its own, which ends with this one.
struct Server {
    process: Child,
    plain_port: u16,
    secure_port: u16,
}

impl Server {
    fn start(program: &Path, directory: &Path, placement: Placement) -> Result<Server, Failure> {
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
        let (plain, secure) = ports.trim().split_once(' ').ok_or("the server did not start")?;
        Ok(Server { process, plain_port: plain.parse()?, secure_port: secure.parse()? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
