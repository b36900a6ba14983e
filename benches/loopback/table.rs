//! The tables in Markdown.

use std::fmt::Write;

use crate::case::{FLOOR, Figure, PEERS, TUNGSTENITE, Unit};
use crate::statistics::{Measured, Spread};
use crate::workloads::ANYWS;

/// Quartiles further apart than this share of the median say that a row is not to be trusted to a
/// digit.
pub const NOISY: f64 = 0.2;

/// One for each figure of a case.
pub fn markdown(measured: &Measured) -> String {
    let mut text = String::new();
    for (number, figure) in measured.case.figures.iter().enumerate() {
        // Instructions and calls stand beside the first figure.
        push_table(&mut text, measured, figure, number == 0);
    }
    for (label, reason) in measured.case.absent {
        let _ = writeln!(text, "\n{label} {reason}.");
    }
    text
}

fn push_table(text: &mut String, measured: &Measured, figure: &Figure, has_counts: bool) {
    let case = &measured.case;
    // Of one core that does nothing else.
    let has_speed = figure.unit == Unit::NanosecondsPerByte;
    let has_counts = has_counts && case.counted.is_some();
    let mut heads = vec![figure.unit.label(), "quartiles", "x floor b", "x tungstenite"];
    if has_speed {
        heads.insert(1, "GiB/s");
    }
    if has_counts {
        heads.extend(["instructions", "calls"]);
    }
    let _ = writeln!(text, "\n### {}\n", figure.title(case));
    let _ = writeln!(text, "| library | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(heads.len()));
    for row in &measured.rows {
        let spread = measured.spread(row, figure);
        let mut cells = vec![number(spread.map(|spread| spread.median))];
        if has_speed {
            let speed = spread.map(|spread| 1e9 / spread.median / f64::from(1 << 30));
            cells.push(number(speed));
        }
        cells.push(quartiles(spread));
        for base in [FLOOR, TUNGSTENITE] {
            cells.push(number(measured.ratio(row, figure, base).map(|ratio| ratio.median)));
        }
        if has_counts {
            cells.extend([number(row.instructions), number(row.system_calls)]);
        }
        let _ = writeln!(text, "| {} | {} |", row.label, cells.join(" | "));
    }
}

/// The rows of anyws that cost more than a peer's, with the cheapest of those.
pub fn dearer_than_a_peer(measured: &Measured) -> Vec<String> {
    let mut dearer = Vec::new();
    for figure in measured.case.figures {
        for row in measured.rows.iter().filter(|row| row.label.starts_with(ANYWS)) {
            let best = measured.best_of(&PEERS, row, figure);
            if let Some((peer, ratio)) = best.filter(|(_, ratio)| ratio.median > 1.0) {
                let title = figure.title(&measured.case);
                dearer.push(format!("{title}: {} ({:.2} x {peer})", row.label, ratio.median));
            }
        }
    }
    dearer
}

/// The rows whose quartiles are far apart.
pub fn noisy(measured: &Measured) -> Vec<String> {
    let mut noisy = Vec::new();
    for figure in measured.case.figures {
        let rows = measured.rows.iter().filter_map(|row| {
            let width = measured.spread(row, figure)?.width();
            (width > NOISY).then(|| format!("{} ({:.0} %)", row.label, width * 100.0))
        });
        let rows = rows.collect::<Vec<_>>();
        if !rows.is_empty() {
            noisy.push(format!("{}: {}", figure.title(&measured.case), rows.join(", ")));
        }
    }
    noisy
}

pub fn quartiles(spread: Option<Spread>) -> String {
    match spread {
        Some(Spread { low, high, .. }) => format!("{}..{}", number(Some(low)), number(Some(high))),
        None => "-".to_owned(),
    }
}

/// Three digits.
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) if value.abs() >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}
