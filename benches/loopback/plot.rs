//! The picture for the README: how each library stands to the floor, as bars on a log scale.

use crate::case::PEERS;
use crate::statistics::Measured;
use crate::svg::{Anchor, Svg};
use crate::table::number;
use crate::workloads::{ANYWS, QUEUE};
use crate::workloads::{CALLBACK, IO_THREAD};

/// A group of bars.
struct Group {
    head: &'static str,
    title: &'static str,
    /// The figure's name.
    figure: &'static str,
    /// Of anyws.
    row: &'static str,
}

const fn group(head: &'static str, title: &'static str, row: &'static str) -> Group {
    Group { head, title, figure: "", row }
}

const GROUPS: [Group; 10] = [
    group("Receive 64 B", "W3 receive 64 B", CALLBACK),
    group("Receive 64 B, event queue", "W3 receive 64 B", QUEUE),
    group("Send 64 B", "W4 send 64 B", IO_THREAD),
    group("Echo 125 B, 64 in flight", "W2 echo 125 B, 64 in flight", CALLBACK),
    Group {
        figure: "CPU",
        ..group("Ping-pong 125 B", "W1 ping-pong 125 B, on the server's core", CALLBACK)
    },
    group("Receive 1 MiB", "W5 receive 1 MiB", CALLBACK),
    group("Send 1 MiB", "W5 send 1 MiB", IO_THREAD),
    group("TLS: receive 64 B", "W7 TLS receive 64 B", CALLBACK),
    group("TLS: send 1 MiB", "W7 TLS send 1 MiB", IO_THREAD),
    Group {
        figure: "after a message each way",
        ..group("TLS: memory of a connection", "W8 TLS memory of 1,000 connections", ANYWS)
    },
];

const COLUMNS: usize = 2;
const COLUMN: f64 = 470.0;
const NAMES: f64 = 118.0;
/// For the figure at the end of a bar.
const FIGURES: f64 = 40.0;
const BAR: f64 = 12.0;
const STEP: f64 = 15.0;
const HEAD: f64 = 26.0;
const TOP: f64 = 44.0;
const GROUP_STEP: f64 = HEAD + 6.0 * STEP + 12.0;

pub fn draw(measured: &[Measured]) -> String {
    let groups = GROUPS.iter().map(|group| bars(group, measured)).collect::<Vec<_>>();
    let all = groups.iter().flatten().map(|(_, ratio)| *ratio);
    let (least, most) =
        all.fold((0.5_f64, 10.0_f64), |(least, most), ratio| (least.min(ratio), most.max(ratio)));
    let scale = Scale { least: least.max(1e-3).log10() - 0.05, most: most.log10() };
    let mut svg = Svg::new();
    svg.text([8.0, 18.0], Anchor::Start, "head", "Cost as a multiple of the floor");
    svg.text(
        [8.0, 34.0],
        Anchor::Start,
        "small faint",
        "CPU or memory; a client written by hand for the one workload is 1; log scale, shorter is better",
    );
    let mut description = String::new();
    let rows = GROUPS.len().div_ceil(COLUMNS);
    for (number, (group, bars)) in GROUPS.iter().zip(&groups).enumerate() {
        let x = (number / rows) as f64 * COLUMN;
        let y = TOP + (number % rows) as f64 * GROUP_STEP;
        draw_group(&mut svg, [x, y], group, bars, &scale, &mut description);
    }
    let size = [COLUMNS as f64 * COLUMN, TOP + rows as f64 * GROUP_STEP];
    svg.finish(size[0], size[1], "anyws beside other WebSocket clients", description.trim_end())
}

/// Labels and ratios, anyws first.
fn bars(group: &Group, measured: &[Measured]) -> Vec<(&'static str, f64)> {
    let Some(measured) = measured.iter().find(|known| known.case.title == group.title) else {
        return Vec::new();
    };
    let figures = measured.case.figures;
    let Some(figure) = figures.iter().find(|figure| figure.name == group.figure) else {
        return Vec::new();
    };
    let rows = [(ANYWS, group.row)].into_iter().chain(PEERS.map(|peer| (peer, peer)));
    let bars = rows.filter_map(|(label, row)| {
        let ratio = measured.ratio(measured.row(row)?, figure, crate::case::FLOOR)?;
        Some((label, ratio.median.max(1e-3)))
    });
    bars.collect()
}

fn draw_group(
    svg: &mut Svg,
    [x, y]: [f64; 2],
    group: &Group,
    bars: &[(&'static str, f64)],
    scale: &Scale,
    description: &mut String,
) {
    svg.text([x + 8.0, y + 18.0], Anchor::Start, "head", group.head);
    let top = y + HEAD;
    let bottom = top + bars.len() as f64 * STEP;
    for decade in -3..=4 {
        let ratio = 10_f64.powi(decade);
        if let Some(at) = scale.place(ratio) {
            let class = if decade == 0 { "base" } else { "grid" };
            svg.line([x + at, top - 4.0], [x + at, bottom], class);
        }
    }
    description.push_str(group.head);
    for (at, (label, ratio)) in bars.iter().enumerate() {
        let y = top + at as f64 * STEP;
        let figure = number(Some(*ratio));
        let text = format!("{label}: {figure} times the floor");
        let (one, end) = (scale.at(1.0), scale.at(*ratio));
        let class = if at == 0 { "anyws" } else { "peer" };
        let width = (end - one).abs().max(1.0);
        svg.bar([x + one.min(end), y], [width, BAR], class, &text);
        let base_y = y + BAR - 2.0;
        let weight = if at == 0 { "small head" } else { "small" };
        svg.text([x + NAMES - 6.0, base_y], Anchor::End, weight, label);
        svg.text([x + end.max(one) + 4.0, base_y], Anchor::Start, weight, &figure);
        let separator = if at == 0 { ": " } else { ", " };
        description.push_str(&format!("{separator}{label} {figure}"));
    }
    description.push_str(". ");
}

/// Powers of ten that stand at the ends.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn at(&self, ratio: f64) -> f64 {
        let share = (ratio.log10() - self.least) / (self.most - self.least);
        NAMES + share.clamp(0.0, 1.0) * (COLUMN - NAMES - FIGURES)
    }

    /// `None`: beyond the ends.
    fn place(&self, ratio: f64) -> Option<f64> {
        let is_inside = (self.least..=self.most).contains(&ratio.log10());
        is_inside.then(|| self.at(ratio))
    }
}
