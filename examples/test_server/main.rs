//! The repository's local server: ws and wss on the loopback interface, for the tests, the C
//! examples and `make demo`.
//!
//! ```text
//! test_server --directory DIR [--seconds N] [-- PROGRAM ARGUMENT...]
//! ```
//!
//! Writes `ca.pem`, `client.pem`, `pin` and then `ports` into DIR, prints `READY`, and ends when
//! its standard input does, or after N seconds. With a program after `--` it runs that program
//! instead of waiting, with `{ws}`, `{wss}`, `{expired}`, `{ca}`, `{client}`, `{pin}` … in the
//! arguments replaced, and ends as the program does: nothing is left behind, on any platform. What a
//! connection does, its path says (`conversation`).

mod conversation;
mod frames;
mod listeners;
mod pki;
mod proxy;

use std::error::Error;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use listeners::Listeners;
use pki::Pki;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("test_server: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let invocation = Invocation::parse(env::args().skip(1))?;
    fs::create_dir_all(&invocation.directory)?;
    let pki = Pki::new()?;
    let authority_file = invocation.directory.join("ca.pem");
    fs::write(&authority_file, pki.authority_pem())?;
    let client_file = invocation.directory.join("client.pem");
    fs::write(&client_file, pki.client_pem()?)?;
    let pin = pki.pin()?;
    fs::write(invocation.directory.join("pin"), &pin)?;

    let listeners = Listeners::open(&pki)?;
    write_at_once(&invocation.directory.join("ports"), &listeners.ports_file())?;

    if invocation.program.is_empty() {
        println!("READY");
        io::stdout().flush()?;
        wait_for_the_end(invocation.lifetime);
        Ok(ExitCode::SUCCESS)
    } else {
        let arguments = invocation
            .program
            .iter()
            .map(|argument| listeners.fill_in(argument))
            .map(|argument| argument.replace("{ca}", &authority_file.to_string_lossy()))
            .map(|argument| argument.replace("{client}", &client_file.to_string_lossy()))
            .map(|argument| argument.replace("{pin}", &pin))
            .collect::<Vec<_>>();
        run_program(&arguments, invocation.lifetime)
    }
}

/// What the command line asks for.
struct Invocation {
    directory: PathBuf,
    lifetime: Option<Duration>,
    program: Vec<String>,
}

impl Invocation {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut directory = None;
        let mut lifetime = None;
        let mut program = Vec::new();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--directory" => directory = arguments.next().map(PathBuf::from),
                "--seconds" => {
                    let seconds = arguments.next().ok_or("--seconds needs a number")?;
                    lifetime = Some(Duration::from_secs(seconds.parse()?));
                }
                "--" => program.extend(arguments.by_ref()),
                other => return Err(format!("unknown argument {other}").into()),
            }
        }
        let directory = directory.ok_or("--directory DIR is required")?;
        Ok(Self { directory, lifetime, program })
    }
}

/// A reader polling for the file sees all of it or nothing.
fn write_at_once(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, path)
}

/// A killed parent closes our standard input: that, not a signal, is how this process ends.
fn wait_for_the_end(lifetime: Option<Duration>) {
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let mut sink = [0; 512];
        while matches!(io::stdin().read(&mut sink), Ok(count) if count > 0) {}
        let _ = ended.send(());
    });
    let _ = match lifetime {
        Some(lifetime) => end.recv_timeout(lifetime).ok(),
        None => end.recv().ok(),
    };
}

fn run_program(arguments: &[String], lifetime: Option<Duration>) -> Result<ExitCode, Failure> {
    let (program, arguments) = arguments.split_first().ok_or("no program after --")?;
    let mut child = Command::new(program)
        .args(arguments)
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    let deadline = lifetime.map(|lifetime| Instant::now() + lifetime);
    loop {
        if let Some(status) = child.try_wait()? {
            let code = status.code().ok_or_else(|| format!("{program}: {status}"))?;
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            child.kill()?;
            child.wait()?;
            return Err(format!("{program} did not end in time and was stopped").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
}
