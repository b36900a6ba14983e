//! Runs the clients of a case in turns, and gathers what they say.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::Failure;
use crate::answer::Answer;
use crate::case::{Case, Entry, TUNGSTENITE};
use crate::counts::Tool;
use crate::placement::{self, Placement, is_installed};
use crate::process::{Server, run_client};
use crate::statistics::{Measured, Row};
use crate::workloads::MIB;

#[derive(Debug)]
pub struct Bench {
    directory: PathBuf,
    this_program: PathBuf,
    processors: Option<[usize; 2]>,
    repetitions: usize,
    /// Everything is divided by this: more than 1 shows that all works, and measures nothing.
    divisor: usize,
    tools: Vec<Tool>,
    server: Server,
    /// On the first of the processors.
    pinned: Option<Server>,
}

impl Bench {
    pub fn start(directory: &Path, repetitions: usize, divisor: usize) -> Result<Bench, Failure> {
        let this_program = std::env::current_exe()?;
        let processors = placement::two_processors();
        let pinned = match processors {
            Some(_) => Some(Server::start(&this_program, directory, Placement::SameCore)?),
            None => None,
        };
        // Last, so that the authority in the directory is this one's.
        let server = Server::start(&this_program, directory, Placement::Anywhere)?;
        let tools = Tool::ALL.into_iter().filter(|tool| is_installed(tool.program())).collect();
        Ok(Bench {
            directory: directory.to_owned(),
            this_program,
            processors,
            repetitions: repetitions.max(1),
            divisor: divisor.max(1),
            tools,
            server,
            pinned,
        })
    }

    pub fn can_pin(&self) -> bool {
        self.processors.is_some()
    }

    pub fn missing_tools(&self) -> impl Iterator<Item = Tool> {
        Tool::ALL.into_iter().filter(|tool| !self.tools.contains(tool))
    }

    /// One after the other within a repetition, so that load from elsewhere meets all of them.
    pub fn measure(&self, case: Case) -> Measured {
        let begin = Instant::now();
        let entries = case.entries.iter().filter(|entry| self.has(entry)).collect::<Vec<_>>();
        let new_row = |entry: &&Entry| Row { label: entry.label, ..Row::default() };
        let mut rows = entries.iter().map(new_row).collect::<Vec<_>>();
        for _ in 0..self.repetitions.min(case.most_repetitions) {
            for (entry, row) in entries.iter().zip(&mut rows) {
                // Who has failed once need not be waited for again.
                let has_failed = row.answers.contains(&None);
                let count = (case.count / entry.divisor / self.divisor).max(1);
                let answer = (!has_failed).then(|| self.ask(&[], &case, entry, count));
                row.answers.push(answer.and_then(|answer| told(answer, &case, entry)));
            }
        }
        self.count_all(&case, &entries, &mut rows);
        eprintln!("loopback: {}: {:.1} s", case.title, begin.elapsed().as_secs_f64());
        Measured { rows, case }
    }

    /// What `tool` counts for a message of one row.
    pub fn count_of(&self, case: &Case, row: &str, tool: Tool) -> Result<f64, Failure> {
        let entry = case.entries.iter().find(|entry| entry.label == row).ok_or("no such row")?;
        let counted = case.counted.ok_or("it is not for counting")?;
        self.count(case, entry, counted, tool, &self.directory.join("counts"))
    }

    fn has(&self, entry: &Entry) -> bool {
        entry.program == TUNGSTENITE || self.directory.join(entry.program).exists()
    }

    /// Counts are the same on a busy machine: as many at once as there are processors.
    fn count_all(&self, case: &Case, entries: &[&Entry], rows: &mut [Row]) {
        let Some(counted) = case.counted else { return };
        let jobs = entries.iter().zip(rows).flat_map(|(entry, row)| {
            let has_failed = row.answers.contains(&None);
            let Row { instructions, system_calls, .. } = row;
            let places = [(Tool::Callgrind, instructions), (Tool::Strace, system_calls)];
            let is_slow = entry.divisor > 1 && case.bytes >= MIB;
            let tools = places.into_iter().filter(move |(tool, _)| {
                !has_failed && self.tools.contains(tool) && !(tool.is_slow() && is_slow)
            });
            tools.map(|(tool, place)| (*entry, tool, place))
        });
        let jobs = Mutex::new(jobs.enumerate().collect::<Vec<_>>());
        let next = || jobs.lock().ok()?.pop();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some((number, (entry, tool, place))) = next() {
                        let output = self.directory.join(format!("counts-{number}"));
                        let between = self.count(case, entry, counted, tool, &output);
                        let _ = std::fs::remove_file(&output);
                        *place = told(between, case, entry);
                    }
                });
            }
        });
    }

    fn count(
        &self,
        case: &Case,
        entry: &Entry,
        [few, many]: [usize; 2],
        tool: Tool,
        output: &Path,
    ) -> Result<f64, Failure> {
        let total = |count| -> Result<f64, Failure> {
            self.ask(&tool.prefix(output), case, entry, count)?;
            let total = tool.total(&std::fs::read_to_string(output)?);
            Ok(total.ok_or_else(|| format!("{} told no total", tool.program()))?)
        };
        let many = many * tool.times();
        Ok((total(many)? - total(few)?) / (many - few) as f64)
    }

    fn ask(
        &self,
        tool: &[String],
        case: &Case,
        entry: &Entry,
        count: usize,
    ) -> Result<Answer, Failure> {
        let server = match case.placement {
            Placement::Anywhere => &self.server,
            _ => self.pinned.as_ref().unwrap_or(&self.server),
        };
        let path = case.path.replace("{count}", &count.to_string());
        let path = path.replace("{bytes}", &case.bytes.to_string());
        let mut line = placement::prefix(case.placement, self.processors)?;
        line.extend_from_slice(tool);
        if entry.program == TUNGSTENITE {
            line.push(self.this_program.display().to_string());
            line.push(TUNGSTENITE.to_owned());
        } else {
            line.push(self.directory.join(entry.program).display().to_string());
        }
        line.push(entry.workload.to_owned());
        line.push(server.uri(case.is_secure, entry.is_fresh, &path));
        line.extend([count.to_string(), case.bytes.to_string()]);
        if let Some(file) = case.file() {
            line.push(self.directory.join(file).display().to_string());
        }
        Answer::parse(run_client(&line)?.trim())
    }
}

/// Says on standard error what went wrong.
fn told<T>(result: Result<T, Failure>, case: &Case, entry: &Entry) -> Option<T> {
    result.map_err(|failure| eprintln!("{}, {}: {failure}", case.title, entry.label)).ok()
}
