//! Instructions and system calls for a message, which no load from elsewhere disturbs: the
//! difference between a run with few and a run with many messages, divided by the messages between
//! them. Time-dependent choices of a client may fall differently under these slow tools.

use std::path::Path;

/// Which tool counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Instructions in user space.
    Callgrind,
    /// System calls of all threads.
    Strace,
}

impl Tool {
    pub const ALL: [Tool; 2] = [Tool::Callgrind, Tool::Strace];

    pub fn program(self) -> &'static str {
        match self {
            Tool::Callgrind => "valgrind",
            Tool::Strace => "strace",
        }
    }

    /// Minutes are not worth the instructions of those who look at every byte.
    pub fn is_slow(self) -> bool {
        self == Tool::Callgrind
    }

    /// More messages by this: what a tool that is quick can count, and one call more or less for a
    /// read that came a moment sooner should not be seen.
    pub fn times(self) -> usize {
        match self {
            Tool::Callgrind => 1,
            Tool::Strace => 4,
        }
    }

    /// The command line before that of the client; the tool writes to `output`.
    pub fn prefix(self, output: &Path) -> Vec<String> {
        let output = output.display();
        match self {
            Tool::Callgrind => vec![
                "valgrind".to_owned(),
                "--tool=callgrind".to_owned(),
                format!("--callgrind-out-file={output}"),
            ],
            Tool::Strace => {
                vec!["strace".to_owned(), "-fc".to_owned(), "-o".to_owned(), output.to_string()]
            }
        }
    }

    /// The total in what the tool has written.
    pub fn total(self, output: &str) -> Option<f64> {
        match self {
            Tool::Callgrind => {
                let total = |line: &str| {
                    let rest =
                        line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: "));
                    rest?.trim().parse::<f64>().ok()
                };
                output.lines().find_map(total)
            }
            // % time, seconds, usecs/call, calls, [errors,] "total"
            Tool::Strace => {
                let line = output.lines().rfind(|line| line.trim_end().ends_with(" total"))?;
                line.split_whitespace().nth(3)?.parse().ok()
            }
        }
    }
}
