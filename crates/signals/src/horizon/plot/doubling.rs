//! Doubling times: the method's, other windows, what published files state, and the range without one family.

use super::super::method::TriggerKind;
use super::super::record::{DoublingFigure, Record};
use super::svg::{Mark, Stroke, Svg};
use super::{BLUE, GREY, ORANGE, Scale, WIDTH, provenance, titled};

const ROW: f64 = 34.0;
const TOP: f64 = 84.0;

struct Row {
    name: String,
    days: Option<f64>,
    ends: Option<(f64, f64)>,
    mark: Mark,
    colour: &'static str,
    note: String,
}

pub(super) fn draw(record: &Record) -> Option<Svg> {
    let rows = rows(record)?;
    let targets = targets(record);
    let height = TOP + ROW * rows.len() as f64 + 74.0;
    let mut svg =
        titled(height, "Doubling time of the frontier's horizon: the choice of window moves it", &provenance(record));
    let most = rows
        .iter()
        .flat_map(|row| [row.days, row.ends.map(|ends| ends.1)])
        .flatten()
        .filter(|days| days.is_finite())
        .fold(100.0, f64::max);
    let x = Scale { from: (0.0, (most.min(1_500.0) / 50.0).ceil() * 50.0), to: (270.0, WIDTH - 190.0) };
    let bottom = TOP + ROW * rows.len() as f64;
    axis(&mut svg, x, bottom);
    for (days, name) in &targets {
        if x.holds(*days) {
            svg.line((x.at(*days), TOP - 8.0), (x.at(*days), bottom), Stroke::dashed(ORANGE, 1.5));
            svg.label(x.at(*days) + 4.0, TOP - 2.0, "start", &format!("trigger '{name}': {days:.1} days"));
        }
    }
    for (at, row) in rows.iter().enumerate() {
        draw_row(&mut svg, row, x, TOP + ROW * (at as f64 + 0.5));
    }
    Some(svg)
}

fn rows(record: &Record) -> Option<Vec<Row>> {
    let growth = record.growth.as_ref()?;
    let mut rows = vec![window("Window of the method".to_owned(), &growth.doubling, Mark::Diamond, BLUE)];
    rows[0].name = format!("Method's window ({})", span(&growth.doubling));
    if let Some(range) = &growth.without_one_family {
        rows.push(Row {
            name: "Same, any one family left out".to_owned(),
            days: None,
            ends: Some((range.low.value(), range.high.value())),
            mark: Mark::Filled,
            colour: GREY,
            note: format!("{:.1} to {:.1}", range.low.value(), range.high.value()),
        });
    }
    rows.extend(
        growth
            .other_windows
            .iter()
            .map(|other| window(format!("Other window: {}", other.window), other, Mark::Filled, GREY)),
    );
    rows.extend(growth.stated.iter().map(|(file, name, days)| {
        let file: String = file.chars().take(24).collect();
        Row {
            name: format!("Stated: {name}"),
            days: days.some(),
            ends: None,
            mark: Mark::Hollow,
            colour: GREY,
            note: format!("{:.1} ({file})", days.value()),
        }
    }));
    Some(rows)
}

fn span(doubling: &DoublingFigure) -> String {
    match (doubling.after, doubling.before) {
        (None, None) => "all".to_owned(),
        (Some(after), None) => format!("from {after}"),
        (None, Some(before)) => format!("before {before}"),
        (Some(after), Some(before)) => format!("{after} to {before}"),
    }
}

fn window(name: String, doubling: &DoublingFigure, mark: Mark, colour: &'static str) -> Row {
    let ends = doubling.low.some().zip(doubling.high.some());
    let note = match (doubling.days.some(), ends) {
        (None, _) => "does not rise".to_owned(),
        (Some(days), None) => format!("{days:.1} ({} agents)", doubling.agents),
        (Some(days), Some((low, high))) => format!("{days:.1} [{low:.0} to {high:.0}] ({} agents)", doubling.agents),
    };
    Row { name, days: doubling.days.some(), ends, mark, colour, note }
}

fn targets(record: &Record) -> Vec<(f64, String)> {
    let days = record.plan.triggers.iter().filter_map(|trigger| match trigger.kind {
        TriggerKind::DoublingAtMost { days, .. } => Some((days, trigger.name.clone())),
        _ => None,
    });
    days.collect()
}

fn axis(svg: &mut Svg, x: Scale, bottom: f64) {
    let step = if x.from.1 > 800.0 {
        200.0
    } else if x.from.1 > 300.0 {
        100.0
    } else {
        50.0
    };
    let mut days = 0.0;
    while days <= x.from.1 {
        svg.line((x.at(days), TOP), (x.at(days), bottom), Stroke::GRID);
        svg.text(x.at(days), bottom + 18.0, "middle", 11.0, "normal", &format!("{days:.0}"));
        days += step;
    }
    svg.line((x.to.0, bottom), (x.to.1, bottom), Stroke::AXIS);
    svg.text(
        (x.to.0 + x.to.1) / 2.0,
        bottom + 38.0,
        "middle",
        12.0,
        "normal",
        "Days in which the horizon doubles (shorter is faster)",
    );
    svg.text(24.0, bottom + 60.0, "start", 11.0, "normal", "Diamond: what triggers rest on. Filled: other choices on the same data. Hollow: as the publisher states it. Bars: interval, or range.");
}

fn draw_row(svg: &mut Svg, row: &Row, x: Scale, y: f64) {
    svg.text(x.to.0 - 10.0, y + 4.0, "end", 12.0, "normal", &row.name);
    if let Some((low, high)) = row.ends {
        svg.line((x.clamped(low), y), (x.clamped(high), y), Stroke::solid(row.colour, 2.0));
        for end in [low, high].into_iter().filter(|end| x.holds(*end)) {
            svg.line((x.at(end), y - 5.0), (x.at(end), y + 5.0), Stroke::solid(row.colour, 2.0));
        }
    }
    if let Some(days) = row.days {
        svg.mark(x.clamped(days), y, row.mark, row.colour);
    }
    svg.text(x.to.1 + 10.0, y + 4.0, "start", 11.0, "normal", &row.note);
}
