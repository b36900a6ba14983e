//! The picture of the curves: small multiples, from nothing to the most, or on log scales.

use crate::curves::{Drawn, Line};
use crate::svg::{Anchor, Svg};
use crate::table::number;

const COLUMNS: usize = 2;
const WIDTH: f64 = 470.0;
const HEIGHT: f64 = 300.0;
/// Within a panel: left, top, right and bottom of the lines.
const INSET: [f64; 4] = [56.0, 34.0, 16.0, 40.0];
const LEGEND_STEP: f64 = 15.0;

pub fn draw(curves: &[Drawn]) -> String {
    let mut svg = Svg::new();
    let mut description = String::new();
    let mut y = [0.0; COLUMNS];
    for (number, drawn) in curves.iter().enumerate() {
        let column = number % COLUMNS;
        let x = column as f64 * WIDTH;
        draw_panel(&mut svg, [x, y[column]], drawn);
        y[column] += HEIGHT + drawn.lines.len() as f64 * LEGEND_STEP;
        description.push_str(&format!(
            "{}, over {}: {}. ",
            drawn.curve.title,
            drawn.curve.what,
            drawn.lines.iter().map(spoken).collect::<Vec<_>>().join("; ")
        ));
    }
    let height = y.into_iter().fold(0.0, f64::max);
    let width = COLUMNS as f64 * WIDTH;
    svg.finish(width, height, "How the costs of anyws grow", description.trim_end())
}

fn spoken(line: &Line) -> String {
    let points = (0..line.spreads.len()).map(|at| number(line.median(at))).collect::<Vec<_>>();
    format!("{} {}", line.title(), points.join(", "))
}

fn draw_panel(svg: &mut Svg, [x, y]: [f64; 2], drawn: &Drawn) {
    let [left, top, right, bottom] = INSET;
    let points = drawn.curve.points;
    let medians = drawn.lines.iter().flat_map(|line| (0..points.len()).map(|at| line.median(at)));
    let positive = medians.flatten().filter(|median| *median > 0.0);
    let (least, most) = positive.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), median| {
        (least.min(median), most.max(median))
    });
    // Whole decades on log scales; else from nothing to a little more than the most.
    let (from, to) = match drawn.has_log_scales() {
        true => (least.min(most).log10().floor(), most.log10().ceil()),
        false => (0.0, 4.0 * round_step(most / 4.0)),
    };
    let (wide, high) = (WIDTH - left - right, HEIGHT - top - bottom);
    let place_x = |at: usize| x + left + wide * at as f64 / (points.len() - 1).max(1) as f64;
    let place_y = |value: f64| {
        let value = if drawn.has_log_scales() { value.log10() } else { value };
        y + top + high * (1.0 - (value - from) / (to - from))
    };
    svg.text([x + 8.0, y + 18.0], Anchor::Start, "head", drawn.curve.title);
    let marks = match drawn.has_log_scales() {
        true => (from as i32..=to as i32).map(|decade| 10_f64.powi(decade)).collect(),
        false => (0..=4).map(|quarter| to * f64::from(quarter) / 4.0).collect::<Vec<_>>(),
    };
    for mark in marks {
        svg.line([x + left, place_y(mark)], [x + left + wide, place_y(mark)], "grid");
        let at = [x + left - 6.0, place_y(mark) + 4.0];
        svg.text(at, Anchor::End, "small faint", &mark_label(mark, drawn));
    }
    let axis = y + top + high;
    for (at, point) in points.iter().enumerate() {
        svg.text([place_x(at), axis + 16.0], Anchor::Middle, "small faint", &short(*point));
    }
    let middle = x + left + wide / 2.0;
    svg.text([middle, axis + 32.0], Anchor::Middle, "small faint", drawn.curve.what);
    for (number, line) in drawn.lines.iter().enumerate() {
        let class = format!("line c{}", number % 6);
        let dots = (0..points.len())
            .filter_map(|at| Some([place_x(at), place_y(line.median(at).filter(|y| *y > 0.0)?)]));
        svg.path(&dots.collect::<Vec<_>>(), &class, &spoken(line));
        let legend = axis + bottom + number as f64 * LEGEND_STEP;
        svg.line([x + left, legend], [x + left + 24.0, legend], &class);
        let text = [x + left + 30.0, legend + 4.0];
        svg.text(text, Anchor::Start, "small", &line.title());
    }
}

/// The least of 1, 2, 2.5 and 5, times a power of ten, that is not less.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0].map(|digit| digit * power);
    steps.into_iter().find(|known| *known >= step).unwrap_or(10.0 * power)
}

/// Powers of ten as such.
fn mark_label(mark: f64, drawn: &Drawn) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    if !drawn.has_log_scales() {
        return format!("{mark}");
    }
    let power = mark.log10().round();
    let digit = DIGITS.get(power.abs() as usize).copied().unwrap_or('?');
    if power < 0.0 { format!("10⁻{digit}") } else { format!("10{digit}") }
}

/// Powers of two in their units.
fn short(point: usize) -> String {
    match point {
        0..1024 => point.to_string(),
        _ if point.is_multiple_of(1 << 20) => format!("{} Mi", point >> 20),
        _ if point.is_multiple_of(1 << 10) => format!("{} Ki", point >> 10),
        _ => point.to_string(),
    }
}
