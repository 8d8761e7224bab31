//! A linear index: its records and the line through them.

use super::super::date::Day;
use super::super::record::{IndexFigures, Record};
use super::svg::{Mark, Stroke, Svg};
use super::{BLUE, ORANGE, Scale, WIDTH, provenance, titled};

const HEIGHT: f64 = 480.0;

pub(super) fn draw(record: &Record) -> Option<Svg> {
    let index = record.index.as_ref().filter(|index| index.records.len() > 1)?;
    let mut svg = titled(HEIGHT, &title(index), &provenance(record));
    let day = |day: Day| f64::from(day.ordinal());
    let (first, last) = (day(index.records.first()?.1), day(index.records.last()?.1));
    let scores = || index.records.iter().map(|record| record.2.value());
    let (low, high) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::NEG_INFINITY, f64::max));
    let margin = ((high - low) * 0.08).max(0.5);
    let x = Scale { from: (first - 40.0, last + 40.0), to: (80.0, WIDTH - 170.0) };
    let y = Scale { from: (low - margin, high + margin), to: (HEIGHT - 70.0, 76.0) };
    axes(&mut svg, x, y, &record.plan.method.index.score_column);
    if let Some(found) = &index.slope_break {
        let place = x.clamped(day(found.day));
        svg.line((place, y.to.0), (place, y.to.1), Stroke::dotted(ORANGE, 1.5));
        svg.label(
            place + 5.0,
            y.to.0 - 8.0,
            "start",
            &format!("{} at {}: p = {:.3}", found.test, found.day, found.p_value.value()),
        );
    }
    trend(&mut svg, index, x, y);
    let mut above = f64::INFINITY;
    for (name, released, score) in &index.records {
        let (px, py) = (x.at(day(*released)), y.at(score.value()));
        svg.mark(px, py, Mark::Filled, BLUE);
        // Records rise, so that a label that is kept under the one before never meets it again.
        let at = (py + 4.0).min(above - 12.0);
        above = at;
        svg.label(px + 8.0, at, "start", &name.chars().take(28).collect::<String>());
    }
    Some(svg)
}

fn title(index: &IndexFigures) -> String {
    format!(
        "The index's frontier gains {:.1} points a year (standard error {:.1})",
        index.points_per_year.value(),
        index.standard_error.value()
    )
}

fn axes(svg: &mut Svg, x: Scale, y: Scale, column: &str) {
    let step = if y.from.1 - y.from.0 > 40.0 { 10.0 } else { 5.0 };
    let mut score = (y.from.0 / step).ceil() * step;
    while score <= y.from.1 {
        svg.line((x.to.0, y.at(score)), (x.to.1, y.at(score)), Stroke::GRID);
        svg.text(x.to.0 - 8.0, y.at(score) + 4.0, "end", 11.0, "normal", &format!("{score:.0}"));
        score += step;
    }
    for year in 2015..2100 {
        let Some(day) = Day::new(year, 1, 1).map(|day| f64::from(day.ordinal())).filter(|day| x.holds(*day)) else {
            continue;
        };
        svg.line((x.at(day), y.to.0), (x.at(day), y.to.0 + 5.0), Stroke::AXIS);
        svg.text(x.at(day), y.to.0 + 19.0, "middle", 11.0, "normal", &year.to_string());
    }
    svg.line((x.to.0, y.to.0), (x.to.1, y.to.0), Stroke::AXIS);
    svg.line((x.to.0, y.to.0), (x.to.0, y.to.1), Stroke::AXIS);
    svg.text((x.to.0 + x.to.1) / 2.0, y.to.0 + 40.0, "middle", 12.0, "normal", "Release date");
    svg.upward(26.0, (y.to.0 + y.to.1) / 2.0, &format!("{column} (points)"));
}

/// The least-squares line passes through the means of days and scores.
fn trend(svg: &mut Svg, index: &IndexFigures, x: Scale, y: Scale) {
    let n = index.records.len() as f64;
    let mean_day = index.records.iter().map(|record| f64::from(record.1.ordinal())).sum::<f64>() / n;
    let mean = index.records.iter().map(|record| record.2.value()).sum::<f64>() / n;
    let slope = index.points_per_year.value() / super::super::index::DAYS_PER_YEAR;
    let at = |day: f64| (x.at(day), y.clamped(mean + slope * (day - mean_day)));
    let ends = [index.records.first(), index.records.last()]
        .map(|record| record.map_or(mean_day, |record| f64::from(record.1.ordinal())));
    svg.line(at(ends[0]), at(ends[1]), Stroke::dashed(BLUE, 1.5));
}
