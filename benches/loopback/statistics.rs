//! Medians, quartiles and ratios of what was measured. Knows no tables.

use crate::answer::Answer;
use crate::case::{Case, Figure};

/// A case and what its rows have gathered.
pub struct Measured {
    pub case: Case,
    pub rows: Vec<Row>,
}

/// An answer for each repetition (`None`: that run failed), and counts.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub label: &'static str,
    pub answers: Vec<Option<Answer>>,
    pub instructions: Option<f64>,
    pub system_calls: Option<f64>,
}

/// The quartiles.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Measured {
    pub fn row(&self, label: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.label == label)
    }

    pub fn spread(&self, row: &Row, figure: &Figure) -> Option<Spread> {
        Spread::of(self.values(row, figure).flatten().collect())
    }

    /// The row of another client to which one is compared: its only one, else the one that does
    /// the same.
    pub fn counterpart(&self, row: &Row, client: &str) -> Option<&Row> {
        self.row(client).or_else(|| {
            let (_, variant) = row.label.split_once(", ")?;
            let same = Some((client, variant));
            self.rows.iter().find(|other| other.label.split_once(", ") == same)
        })
    }

    /// Of the ratios within one repetition each.
    pub fn ratio(&self, row: &Row, figure: &Figure, client: &str) -> Option<Spread> {
        let base = self.counterpart(row, client)?;
        let pairs = self.values(row, figure).zip(self.values(base, figure));
        let ratios = pairs.filter_map(|(value, base)| {
            let (value, base) = (value?, base?);
            (base > 0.0).then_some(value / base)
        });
        Spread::of(ratios.collect())
    }

    /// The client to which the ratio is the largest: the best of them.
    pub fn best_of(
        &self,
        clients: &[&'static str],
        row: &Row,
        figure: &Figure,
    ) -> Option<(&'static str, Spread)> {
        let ratios =
            clients.iter().filter_map(|client| Some((*client, self.ratio(row, figure, client)?)));
        ratios.max_by(|(_, one), (_, other)| one.median.total_cmp(&other.median))
    }

    fn values<'a>(
        &'a self,
        row: &'a Row,
        figure: &'a Figure,
    ) -> impl Iterator<Item = Option<f64>> + use<'a> {
        row.answers.iter().map(|answer| figure.of(answer.as_ref()?, &self.case))
    }
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let at = |place| quantile(&values, place);
        Some(Spread { low: at(0.25)?, median: at(0.5)?, high: at(0.75)? })
    }

    /// How far apart the quartiles are, as a share of the median.
    pub fn width(self) -> f64 {
        match self.median == 0.0 {
            true => 0.0,
            false => (self.high - self.low) / self.median.abs(),
        }
    }
}

fn quantile(sorted: &[f64], at: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = at * last as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}
