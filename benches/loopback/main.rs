//! Benchmarks over the loopback interface; `benches/run.sh` builds the clients and starts it.
//!
//! ```text
//! loopback DIRECTORY [REPETITIONS [WORKLOAD]]     runs the clients in DIRECTORY, prints the tables
//! loopback serve DIRECTORY                        the server, until its standard input ends
//! loopback tungstenite WORKLOAD URI COUNT BYTES [FILE]        one client, as the C ones
//! ```
//!
//! Every measurement is a process of its own that tells its own CPU time, so that neither the
//! server nor another library is in its numbers. The libraries take turns within a repetition, and
//! the ratios are those of one repetition: load from elsewhere then meets all of them.
#![allow(clippy::indexing_slicing)] // offsets into the server's own buffers

mod cases;
mod compressed;
mod counts;
mod measurement;
mod placement;
mod runner;
mod server;
mod table;
mod tungstenite_client;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    // cargo adds `--bench` to the arguments of every benchmark.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments = arguments.collect::<Vec<_>>();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("loopback: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["serve", directory] => server::serve(Path::new(directory)),
        ["tungstenite", task @ ..] => tungstenite_client::run(task),
        [directory] => runner::run(Path::new(directory), 5, ""),
        [directory, repetitions] => runner::run(Path::new(directory), repetitions.parse()?, ""),
        [directory, repetitions, workload] => {
            runner::run(Path::new(directory), repetitions.parse()?, workload)
        }
        // `cargo bench` without benches/run.sh: there are no clients.
        _ => Err("start it with benches/run.sh".into()),
    }
}
