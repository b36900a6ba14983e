//! A whole run: measures all that is wanted, prints it as it comes, and writes the page of results
//! and its pictures.

use std::fmt::Write;
use std::path::Path;

use crate::Failure;
use crate::case::Case;
use crate::curves::{self, Drawn};
use crate::goals::{self, Goal};
use crate::runner::Bench;
use crate::statistics::Measured;
use crate::table::{self, number, quartiles};
use crate::{curve_plot, extras, machine, plot, workloads};

pub fn run(
    directory: &Path,
    repetitions: usize,
    wanted: &str,
    divisor: usize,
) -> Result<(), Failure> {
    let bench = Bench::start(directory, repetitions, divisor)?;
    let machine = machine::description();
    let missing = machine::missing(directory, &bench);
    println!("{}", introduction(repetitions));
    if !missing.is_empty() {
        println!("\nMissing:\n\n- {}", missing.join("\n- "));
    }
    let measure = |cases: Vec<Case>| {
        let wanted = cases.into_iter().filter(|case| case.title.contains(wanted));
        let print = |measured: &Measured| println!("{}", table::markdown(measured).trim_end());
        wanted.map(|case| bench.measure(case)).inspect(print).collect::<Vec<_>>()
    };
    let main = workloads::all(bench.can_pin());
    goals::check(&main)?;
    let main = measure(main);
    let beyond = measure(extras::all());
    let curves = curves::all().into_iter().filter(|curve| curve.title.contains(wanted));
    let curves = curves.map(|curve| curve.measure(&bench));
    let curves = curves.inspect(|drawn| println!("{}", drawn.markdown().trim_end()));
    let page = Page { main, beyond, curves: curves.collect(), machine, missing, repetitions };
    println!("{}", page.goals());
    println!("{}", page.dearer());
    if wanted.is_empty() {
        let versions = machine::lines(directory, "versions");
        std::fs::write(directory.join("results.md"), page.markdown(&versions))?;
        std::fs::write(directory.join("results.svg"), plot::draw(&page.main))?;
        std::fs::write(directory.join("curves.svg"), curve_plot::draw(&page.curves))?;
    }
    Ok(())
}

fn introduction(repetitions: usize) -> String {
    format!(
        "Loopback; CPU time (user and system) of the client's process alone; the median of \
         {repetitions} repetitions (p25..p75 as its spread), in each of which every library has its turn. Ratios are the \
         medians of those within one repetition. Instructions (user space) and system calls are \
         for one message or connection. `floor b` is a client written by hand for this one \
         workload, its TLS is OpenSSL's. With 5,000 connections there are fewer repetitions."
    )
}

struct Page {
    main: Vec<Measured>,
    beyond: Vec<Measured>,
    curves: Vec<Drawn>,
    machine: String,
    missing: Vec<String>,
    repetitions: usize,
}

impl Page {
    fn markdown(&self, versions: &[String]) -> String {
        let mut text = String::from(
            "# anyws beside its peers\n\n\
             Written by `make bench`; not to be edited.\n\n\
             ![Ratios to the floor of each workload, on a log scale](results.svg)\n\n",
        );
        let _ = write!(text, "{}\n\n{}", introduction(self.repetitions), self.machine);
        for version in versions {
            let _ = writeln!(text, "- {version}");
        }
        text.push_str(
            "\nTimes and bytes are those of this machine and this day and mean nothing \
             elsewhere; ratios travel better, instructions and system calls best.\n",
        );
        if !self.missing.is_empty() {
            let _ = write!(text, "\nMissing here:\n\n- {}\n", self.missing.join("\n- "));
        }
        text.push_str(&self.goals());
        text.push_str("\n## Workloads\n");
        self.main.iter().for_each(|measured| text.push_str(&table::markdown(measured)));
        text.push_str("\n## How costs grow\n\n![The same as curves](curves.svg)\n");
        self.curves.iter().for_each(|drawn| text.push_str(&drawn.markdown()));
        text.push_str("\n## Beyond\n");
        self.beyond.iter().for_each(|measured| text.push_str(&table::markdown(measured)));
        text.push_str(&self.dearer());
        text.push_str(&self.noisy());
        text
    }

    /// Each goal beside what was measured.
    fn goals(&self) -> String {
        let goals = goals::all();
        let mut text = String::new();
        let mut met = [0, 0];
        for goal in &goals {
            let Some(measured) = self.case_of(goal) else { continue };
            let reached = goal.reached(measured);
            let verdict = match reached {
                None => "not measured",
                Some(spread) if spread.median <= goal.at_most => "met",
                Some(_) => "**not met**",
            };
            met[0] += usize::from(verdict == "met");
            met[1] += 1;
            let title = match goal.figure {
                "" => goal.title.to_owned(),
                figure => format!("{}: {figure}", goal.title),
            };
            let _ = writeln!(
                text,
                "| {title} | {} | {} | ≤ {} | {} | {} | {verdict} |",
                goal.row,
                goal.measure(),
                goal.at_most,
                number(reached.map(|spread| spread.median)),
                quartiles(reached),
            );
        }
        let [met, all] = met;
        if all == 0 {
            return text;
        }
        format!(
            "\n## Goals\n\n{met} of {all} are met; what stands in the way of the others is in \
             [limits.md](limits.md).\n\n\
             | workload | row | measured as | goal | median | quartiles | |\n\
             |---|---|---|--:|--:|--:|---|\n{text}"
        )
    }

    fn case_of(&self, goal: &Goal) -> Option<&Measured> {
        self.main.iter().find(|measured| measured.case.title == goal.title)
    }

    fn dearer(&self) -> String {
        let all = self.main.iter().chain(&self.beyond);
        list("Dearer than a peer", "Nothing is.", all.flat_map(table::dearer_than_a_peer).collect())
    }

    fn noisy(&self) -> String {
        let all = self.main.iter().chain(&self.beyond);
        let title = format!(
            "Noisy rows (quartiles more than {:.0} % of the median apart)",
            table::NOISY * 100.0
        );
        list(&title, "None.", all.flat_map(table::noisy).collect())
    }
}

fn list(title: &str, nothing: &str, items: Vec<String>) -> String {
    match items.is_empty() {
        true => format!("\n## {title}\n\n{nothing}\n"),
        false => format!("\n## {title}\n\n- {}\n", items.join("\n- ")),
    }
}
