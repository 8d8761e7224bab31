//! Horizon over release date, with intervals, trend, targets of triggers, and the end of what the suite can measure.

use super::super::date::Day;
use super::super::method::TriggerKind;
use super::super::record::{GrowthFigures, PointFigure, Record};
use super::svg::{Mark, Stroke, Svg};
use super::{BLUE, GREY, LENGTH_TICKS, ORANGE, Scale, WIDTH, duration, provenance, titled};

const HEIGHT: f64 = 620.0;
const LABEL_GAP: f64 = 13.0;

pub(super) fn draw(record: &Record) -> Option<Svg> {
    let growth =
        record.growth.as_ref().filter(|growth| growth.points.iter().any(|point| point.minutes.value() > 0.0))?;
    let percent = record.plan.method.percents.first().copied().unwrap_or(50);
    let mut svg = titled(HEIGHT, &title(growth, percent), &provenance(record));
    let x = days(growth)?;
    let y = lengths(record, growth);
    axes(&mut svg, x, y, percent);
    if let Some(suite) = &record.suite {
        let longest = suite.longest_minutes.value();
        level(
            &mut svg,
            x,
            y,
            longest,
            Stroke::dotted(GREY, 1.5),
            &format!("longest task of the suite: {}", duration(longest)),
        );
    }
    for (minutes, name) in targets(record) {
        level(
            &mut svg,
            x,
            y,
            minutes,
            Stroke::dashed(ORANGE, 1.5),
            &format!("trigger '{name}': {}", duration(minutes)),
        );
    }
    trend(&mut svg, growth, x, y);
    marks(&mut svg, record, growth, x, y);
    legend(&mut svg, x, y);
    Some(svg)
}

fn title(growth: &GrowthFigures, percent: u32) -> String {
    let doubling = &growth.doubling;
    match (doubling.days.some(), doubling.low.some()) {
        (None, _) => format!("The {percent} % horizon of the frontier does not rise"),
        (Some(days), None) => format!("The {percent} % horizon of the frontier doubles every {days:.0} days"),
        (Some(days), Some(low)) => {
            format!(
                "The {percent} % horizon of the frontier doubles every {days:.0} days [{low:.0} to {:.0}]",
                doubling.high.value()
            )
        }
    }
}

fn ordinal(day: Day) -> f64 {
    f64::from(day.ordinal())
}

fn days(growth: &GrowthFigures) -> Option<Scale> {
    let first = growth.points.first()?.released;
    let last = growth.points.last()?.released;
    let margin = ((ordinal(last) - ordinal(first)) * 0.04).max(30.0);
    Some(Scale { from: (ordinal(first) - margin, ordinal(last) + margin), to: (84.0, WIDTH - 150.0) })
}

/// From half the shortest point to twice the highest end, within what the ticks cover.
fn lengths(record: &Record, growth: &GrowthFigures) -> Scale {
    let (mut low, mut high) = (1.0f64, 60.0f64);
    let mut see = |value: f64| {
        if value.is_finite() && value > 0.0 {
            low = low.min(value);
            high = high.max(value);
        }
    };
    growth.points.iter().for_each(|point| see(point.minutes.value()));
    targets(record).iter().for_each(|(minutes, _)| see(*minutes));
    record.suite.iter().for_each(|suite| see(suite.longest_minutes.value()));
    let top = high * 64.0;
    for (_, upper) in growth.points.iter().filter_map(|point| interval(record, point)) {
        high = high.max(upper.min(top));
    }
    let ends = (libm::log2(low.max(1e-3) / 2.0), libm::log2(high * 2.0));
    Scale { from: ends, to: (HEIGHT - 84.0, 76.0) }
}

fn targets(record: &Record) -> Vec<(f64, String)> {
    let month = record.plan.method.month.minutes();
    record
        .plan
        .triggers
        .iter()
        .filter_map(|trigger| match trigger.kind {
            TriggerKind::HorizonAtLeast { months, minutes, .. } => {
                Some((minutes.or(months.map(|months| months * month))?, trigger.name.clone()))
            }
            _ => None,
        })
        .collect()
}

fn interval(record: &Record, point: &PointFigure) -> Option<(f64, f64)> {
    let agent = record.agents.iter().find(|agent| agent.agent == point.agent)?;
    let first = agent.horizons.first()?;
    Some((first.low.some()?, first.high.some()?))
}

fn axes(svg: &mut Svg, x: Scale, y: Scale, percent: u32) {
    for (minutes, label) in LENGTH_TICKS {
        let place = libm::log2(minutes);
        if y.holds(place) {
            svg.line((x.to.0, y.at(place)), (x.to.1, y.at(place)), Stroke::GRID);
            svg.text(x.to.0 - 8.0, y.at(place) + 4.0, "end", 11.0, "normal", label);
        }
    }
    let quarterly = x.from.1 - x.from.0 < 1_500.0;
    // The first mark names its year whatever its month, so that no reader has to count back from the next January.
    let mut is_first = true;
    for year in 2015..2100 {
        for month in if quarterly { [1, 4, 7, 10].as_slice() } else { [1].as_slice() } {
            let Some(day) = Day::new(year, *month, 1).map(ordinal).filter(|day| x.holds(*day)) else { continue };
            svg.line((x.at(day), y.to.0), (x.at(day), y.to.0 + 5.0), Stroke::AXIS);
            let label = match month {
                1 => year.to_string(),
                _ if is_first => format!("{year}-{month:02}"),
                _ => format!("{month:02}"),
            };
            is_first = false;
            svg.text(x.at(day), y.to.0 + 19.0, "middle", 11.0, if *month == 1 { "bold" } else { "normal" }, &label);
        }
    }
    svg.line((x.to.0, y.to.0), (x.to.1, y.to.0), Stroke::AXIS);
    svg.line((x.to.0, y.to.0), (x.to.0, y.to.1), Stroke::AXIS);
    svg.text((x.to.0 + x.to.1) / 2.0, y.to.0 + 38.0, "middle", 12.0, "normal", "Release date");
    svg.upward(22.0, (y.to.0 + y.to.1) / 2.0, &format!("Length of tasks completed at {percent} % (log scale)"));
}

fn level(svg: &mut Svg, x: Scale, y: Scale, minutes: f64, stroke: Stroke, text: &str) {
    let place = libm::log2(minutes);
    if y.holds(place) {
        svg.line((x.to.0, y.at(place)), (x.to.1, y.at(place)), stroke);
        svg.label(x.to.0 + 6.0, y.at(place) - 5.0, "start", text);
    }
}

fn trend(svg: &mut Svg, growth: &GrowthFigures, x: Scale, y: Scale) {
    let frontier: Vec<f64> =
        growth.points.iter().filter(|point| point.frontier).map(|point| ordinal(point.released)).collect();
    let (Some(first), Some(last)) = (frontier.first(), frontier.last()) else { return };
    let (Some(start), Some(days)) = (growth.trend_log2_at_first.some(), growth.doubling.days.some()) else { return };
    let end = start + (last - first) / days;
    svg.line((x.at(*first), y.clamped(start)), (x.at(*last), y.clamped(end)), Stroke::dashed(BLUE, 1.5));
}

fn marks(svg: &mut Svg, record: &Record, growth: &GrowthFigures, x: Scale, y: Scale) {
    let visible: Vec<&PointFigure> = growth.points.iter().filter(|point| point.minutes.value() > 0.0).collect();
    for point in &visible {
        let place = x.at(ordinal(point.released));
        if let Some((low, high)) = interval(record, point) {
            let ends = [low, high].map(|minutes| y.clamped(libm::log2(minutes.max(1e-12))));
            svg.line((place, ends[0]), (place, ends[1]), Stroke::solid(if point.frontier { BLUE } else { GREY }, 1.5));
            // An end without a bar means that the interval goes on.
            for (end, minutes) in ends.into_iter().zip([low, high]) {
                if y.holds(libm::log2(minutes.max(1e-12))) {
                    svg.line(
                        (place - 4.0, end),
                        (place + 4.0, end),
                        Stroke::solid(if point.frontier { BLUE } else { GREY }, 1.5),
                    );
                }
            }
        }
    }
    for point in &visible {
        let (mark, colour) = if point.frontier { (Mark::Filled, BLUE) } else { (Mark::Hollow, GREY) };
        svg.mark(x.at(ordinal(point.released)), y.clamped(libm::log2(point.minutes.value())), mark, colour);
    }
    labels(svg, &visible, x, y);
}

/// Names at the right of the points of the frontier, moved apart where they would overlap.
fn labels(svg: &mut Svg, points: &[&PointFigure], x: Scale, y: Scale) {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for point in points.iter().filter(|point| point.frontier) {
        let left = x.at(ordinal(point.released)) + 8.0;
        let name: String = point.agent.chars().take(40).collect();
        let right = left + name.chars().count() as f64 * 6.0;
        let wanted = y.clamped(libm::log2(point.minutes.value())) + 4.0;
        let free = |at: f64| taken.iter().all(|(l, r, t)| right < *l || left > *r || (at - t).abs() >= LABEL_GAP);
        let steps = (0..24).flat_map(|step| [wanted + f64::from(step) * 4.0, wanted - f64::from(step) * 4.0]);
        let at = steps.into_iter().find(|at| free(*at)).unwrap_or(wanted);
        taken.push((left, right, at));
        svg.label(left, at, "start", &name);
    }
}

fn legend(svg: &mut Svg, x: Scale, y: Scale) {
    let row = y.to.0 + 62.0;
    svg.mark(x.to.0 + 6.0, row - 4.0, Mark::Filled, BLUE);
    svg.text(x.to.0 + 16.0, row, "start", 11.0, "normal", "on the frontier in the method's window");
    svg.mark(x.to.0 + 246.0, row - 4.0, Mark::Hollow, GREY);
    svg.text(x.to.0 + 256.0, row, "start", 11.0, "normal", "not on it");
    svg.line((x.to.0 + 336.0, row - 4.0), (x.to.0 + 366.0, row - 4.0), Stroke::dashed(BLUE, 1.5));
    svg.text(x.to.0 + 372.0, row, "start", 11.0, "normal", "trend through the frontier");
    svg.text(x.to.0 + 546.0, row, "start", 11.0, "normal", "bars: interval from resampling");
}
