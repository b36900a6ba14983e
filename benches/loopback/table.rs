//! The tables in Markdown, and the sentence about what is slower than tungstenite.

use crate::cases::{Case, FLOOR, TUNGSTENITE, Unit};

/// What a row has gathered: one value for each repetition (`None`: that run failed), and counts.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub label: &'static str,
    pub values: Vec<Option<f64>>,
    pub instructions: Option<f64>,
    pub system_calls: Option<f64>,
}

pub fn print(case: &Case, rows: &[Row]) {
    let unit = match case.unit {
        Unit::Nanoseconds => "CPU, ns/message",
        Unit::Microseconds => "CPU, µs/message",
        Unit::NanosecondsPerByte => "CPU, ns/byte",
        Unit::KibPerConnection => "KiB/connection",
    };
    // Of one core that does nothing else.
    let has_speed = case.unit == Unit::NanosecondsPerByte;
    let (speed, line) = if has_speed { (" GiB/s |", "--:|") } else { ("", "") };
    println!("\n### {}\n", case.title);
    println!(
        "| library | {unit} |{speed} quartiles | x floor b | x tungstenite | instructions | calls |"
    );
    println!("|---|--:|{line}--:|--:|--:|--:|--:|");
    for row in rows {
        let values = row.values.iter().flatten().map(|value| scaled(*value, case));
        let values = sorted(values.collect());
        let median = quantile(&values, 0.5);
        let speed = median.map(|median| 1e9 / median / f64::from(1 << 30));
        println!(
            "| {} | {} |{} {}..{} | {} | {} | {} | {} |",
            row.label,
            number(median),
            if has_speed { format!(" {} |", number(speed)) } else { String::new() },
            number(quantile(&values, 0.25)),
            number(quantile(&values, 0.75)),
            number(ratio(row, rows, FLOOR)),
            number(ratio(row, rows, TUNGSTENITE)),
            number(row.instructions),
            number(row.system_calls),
        );
    }
}

/// The rows of anyws whose median ratio to tungstenite is above one.
pub fn slower_than_tungstenite(case: &Case, rows: &[Row]) -> Vec<String> {
    let ours = rows.iter().filter(|row| row.label.starts_with("anyws"));
    let slower = ours.filter_map(|row| {
        let ratio = ratio(row, rows, TUNGSTENITE).filter(|ratio| *ratio > 1.0)?;
        Some(format!("{}: {} ({ratio:.2}x)", case.title, row.label))
    });
    slower.collect()
}

fn scaled(value: f64, case: &Case) -> f64 {
    match case.unit {
        Unit::Nanoseconds => value,
        Unit::Microseconds => value / 1e3,
        Unit::NanosecondsPerByte => value / case.bytes as f64,
        Unit::KibPerConnection => value / 1024.0,
    }
}

/// The median over the repetitions of the ratio within one.
fn ratio(row: &Row, rows: &[Row], base: &str) -> Option<f64> {
    let base = rows.iter().find(|row| row.label == base)?;
    let ratios = row.values.iter().zip(&base.values).filter_map(|(value, base)| {
        let (value, base) = ((*value)?, (*base)?);
        (base > 0.0).then_some(value / base)
    });
    quantile(&sorted(ratios.collect()), 0.5)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn quantile(sorted: &[f64], at: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = at * last as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}

/// Three digits.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) if value.abs() >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}
