//! Benchmarks over the loopback interface; `benches/run.sh` builds the clients and starts it.
//!
//! ```text
//! loopback DIRECTORY [REPETITIONS [WORKLOAD [DIVISOR]]]
//!     runs the clients in DIRECTORY and prints the tables; of all workloads it writes results.md,
//!     results.svg and curves.svg there. All counts are divided by DIVISOR.
//! loopback gates DIRECTORY     holds the library in DIRECTORY to the ceilings in `gates`
//! loopback serve DIRECTORY                                    the server, until its input ends
//! loopback tungstenite WORKLOAD URI COUNT BYTES [FILE]        one client, as the C ones
//! ```
//!
//! Every measurement is a process of its own that tells its own CPU time, so that neither the
//! server nor another library is in its numbers. The libraries take turns within a repetition, and
//! the ratios are those of one repetition: load from elsewhere then meets all of them.
#![allow(clippy::indexing_slicing)] // offsets into the server's own buffers

mod answer;
mod case;
mod compressed;
mod conversation;
mod counts;
mod curve_plot;
mod curves;
mod extras;
mod frames;
mod gates;
mod goals;
mod machine;
mod measurement;
mod placement;
mod plot;
mod process;
mod results;
mod runner;
mod server;
mod statistics;
mod svg;
mod table;
mod tungstenite_client;
mod workloads;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

type Failure = Box<dyn Error + Send + Sync>;

const REPETITIONS: usize = 3;

fn main() -> ExitCode {
    // cargo adds `--bench` to the arguments of every benchmark.
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments = arguments.collect::<Vec<_>>();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("loopback: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode, Failure> {
    let all = |directory: &&str, repetitions, workload, divisor| {
        results::run(Path::new(directory), repetitions, workload, divisor)
    };
    match arguments {
        ["gates", directory] => return gates::run(Path::new(directory)),
        ["serve", directory] => server::serve(Path::new(directory)),
        ["tungstenite", task @ ..] => tungstenite_client::run(task),
        [directory] => all(directory, REPETITIONS, "", 1),
        [directory, repetitions] => all(directory, repetitions.parse()?, "", 1),
        [directory, repetitions, workload] => all(directory, repetitions.parse()?, workload, 1),
        [directory, repetitions, workload, divisor] => {
            all(directory, repetitions.parse()?, workload, divisor.parse()?)
        }
        // `cargo bench` without benches/run.sh: there are no clients.
        _ => Err("start it with benches/run.sh".into()),
    }
    .map(|()| ExitCode::SUCCESS)
}
