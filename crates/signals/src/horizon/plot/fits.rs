//! Small multiples: the fitted curve of each agent over its success in ranges of length.

use super::super::fit::Line;
use super::super::record::{AgentFigures, Record};
use super::svg::{Mark, Stroke, Svg};
use super::{BLUE, LENGTH_TICKS, ORANGE, Scale, WIDTH, duration, provenance, titled};

const COLUMNS: usize = 4;
const PANEL: (f64, f64) = (225.0, 176.0);
const TOP: f64 = 84.0;
const SAMPLES: u32 = 48;

pub(super) fn draw(record: &Record) -> Option<Svg> {
    if record.agents.is_empty() {
        return None;
    }
    let rows = record.agents.len().div_ceil(COLUMNS) as f64;
    let percent = record.plan.method.percents.first().copied().unwrap_or(50);
    let mut svg =
        titled(TOP + rows * PANEL.1 + 36.0, "Success by length of task, with the fitted curve", &provenance(record));
    svg.text(
        24.0,
        66.0,
        "start",
        11.0,
        "normal",
        &format!(
            "Dots: weighted success in a range of lengths. Curve: fit. Dashed: {percent} % horizon; band: its interval."
        ),
    );
    let longest = record.agents.iter().fold(1.0f64, |longest, agent| longest.max(agent.longest_minutes.value()));
    let short = record.agents.iter().flat_map(|agent| &agent.bins).any(|bin| bin.to_minutes.value() <= 1.0);
    let ends = (libm::log2(if short { 1.0 / 32.0 } else { 1.0 }), libm::log2(longest.max(960.0)) + 0.5);
    for (at, agent) in record.agents.iter().enumerate() {
        let corner = (24.0 + (at % COLUMNS) as f64 * (PANEL.0 + 4.0), TOP + (at / COLUMNS) as f64 * PANEL.1);
        panel(&mut svg, agent, corner, ends);
    }
    svg.text(
        WIDTH / 2.0,
        TOP + rows * PANEL.1 + 24.0,
        "middle",
        12.0,
        "normal",
        "Length of the task for a skilled human (log scale); success rate in percent",
    );
    Some(svg)
}

fn panel(svg: &mut Svg, agent: &AgentFigures, (left, top): (f64, f64), ends: (f64, f64)) {
    let x = Scale { from: ends, to: (left + 26.0, left + PANEL.0 - 12.0) };
    let y = Scale { from: (0.0, 1.0), to: (top + PANEL.1 - 34.0, top + 38.0) };
    let name: String = agent.agent.chars().take(34).collect();
    svg.text(left, top + 14.0, "start", 12.0, "bold", &name);
    svg.text(left, top + 29.0, "start", 11.0, "normal", &caption(agent));
    for rate in [0.0, 0.5, 1.0] {
        svg.line((x.to.0, y.at(rate)), (x.to.1, y.at(rate)), Stroke::GRID);
        svg.text(x.to.0 - 4.0, y.at(rate) + 3.5, "end", 9.0, "normal", &format!("{:.0}", rate * 100.0));
    }
    for (minutes, label) in
        LENGTH_TICKS.iter().filter(|(_, label)| ["4 s", "1 min", "15 min", "4 h", "40 h"].contains(label))
    {
        let place = libm::log2(*minutes);
        if x.holds(place) {
            svg.line((x.at(place), y.to.0), (x.at(place), y.to.0 + 4.0), Stroke::AXIS);
            svg.text(x.at(place), y.to.0 + 15.0, "middle", 9.0, "normal", label);
        }
    }
    svg.line((x.to.0, y.to.0), (x.to.1, y.to.0), Stroke::AXIS);
    if let (Some(intercept), Some(slope)) = (agent.intercept.some(), agent.slope.some()) {
        horizon(svg, agent, x, y);
        let line = Line { intercept, slope };
        let curve: Vec<(f64, f64)> = (0..=SAMPLES)
            .map(|step| ends.0 + (ends.1 - ends.0) * f64::from(step) / f64::from(SAMPLES))
            .map(|place| (x.at(place), y.at(line.success_rate(place))))
            .collect();
        svg.path(&curve, Stroke::solid(BLUE, 2.0));
    }
    for bin in &agent.bins {
        let from = libm::log2(bin.from_minutes.value().max(libm::exp2(ends.0)));
        let to = libm::log2(bin.to_minutes.value()).min(ends.1);
        svg.mark(x.clamped((from + to) / 2.0), y.at(bin.rate.value()), Mark::Hollow, ORANGE);
    }
}

fn caption(agent: &AgentFigures) -> String {
    let Some(first) = agent.horizons.first() else { return String::new() };
    match (agent.slope.some(), first.low.some()) {
        (None, _) if agent.average.value() > 0.5 => "every run succeeded".to_owned(),
        (None, _) => "every run failed".to_owned(),
        (_, None) => format!("p{} {}", first.percent, duration(first.minutes.value())),
        (_, Some(low)) => format!(
            "p{} {} [{} to {}]",
            first.percent,
            duration(first.minutes.value()),
            duration(low),
            duration(first.high.value())
        ),
    }
}

/// The horizon as a dashed line, with the band of its interval behind.
fn horizon(svg: &mut Svg, agent: &AgentFigures, x: Scale, y: Scale) {
    let Some(first) = agent.horizons.first() else { return };
    let place = |minutes: f64| x.clamped(libm::log2(minutes.max(1e-12)));
    if let (Some(low), Some(high)) = (first.low.some(), first.high.some()) {
        svg.band(place(low), y.to.1, place(high) - place(low), y.to.0 - y.to.1, BLUE);
    }
    let at = libm::log2(first.minutes.value().max(1e-12));
    if x.holds(at) {
        svg.line((x.at(at), y.to.0), (x.at(at), y.to.1), Stroke::dashed(BLUE, 1.0));
    }
}
