//! Plots of a record as SVG: the same bytes for the same record, no script, no outside reference, never colour alone.
//!
//! Everything that a colour says is also said by a shape, a dash or a word. Axes carry units; uncertain values carry their interval;
//! titles state what is shown, subtitles method and data.

mod doubling;
mod fits;
mod growth;
mod index;
mod svg;

use super::record::Record;
use svg::Svg;

/// A plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// File name, ending in `.svg`.
    pub name: &'static str,
    /// SVG 1.1.
    pub svg: String,
}

/// All plots that the record has figures for.
#[must_use]
pub fn plots(record: &Record) -> Vec<Plot> {
    let made = [
        ("fits.svg", fits::draw(record)),
        ("horizon.svg", growth::draw(record)),
        ("doubling.svg", doubling::draw(record)),
        ("index.svg", index::draw(record)),
    ];
    made.into_iter().filter_map(|(name, svg)| Some(Plot { name, svg: svg?.finish() })).collect()
}

/// Width of every plot, in user units.
const WIDTH: f64 = 960.0;

/// Colours of Okabe and Ito (2008), which colour-blind readers tell apart.
const BLUE: &str = "#0072b2";
const ORANGE: &str = "#b34700";
const GREY: &str = "#555555";

/// Title and subtitle at the top; the plot starts 64 units below.
fn titled(height: f64, title: &str, subtitle: &str) -> Svg {
    let mut svg = Svg::new(WIDTH, height, title);
    svg.text(24.0, 28.0, "start", 17.0, "bold", title);
    svg.text(24.0, 48.0, "start", 12.0, "normal", subtitle);
    svg
}

/// Method and data, for subtitles.
fn provenance(record: &Record) -> String {
    let method = &record.plan.method;
    let names: Vec<&str> = record.inputs.iter().map(|input| input.name.as_str()).collect();
    let mut names = names.join(", ");
    if names.chars().count() > 70 {
        names = names.chars().take(67).collect::<String>() + "...";
    }
    format!("Method {} ({}); data: {names}", method.name, record.method_hash.get(..12).unwrap_or_default())
}

/// A length of work for people: 12 s, 4.5 min, 3.2 h.
#[must_use]
pub fn duration(minutes: f64) -> String {
    let short = |value: f64| if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    if minutes.is_nan() {
        "none".to_owned()
    } else if minutes.is_infinite() {
        "unbounded".to_owned()
    } else if minutes < 1e-3 {
        "under 0.1 s".to_owned()
    } else if minutes < 1.0 {
        format!("{} s", short(minutes * 60.0))
    } else if minutes < 60.0 {
        format!("{} min", short(minutes))
    } else if minutes < 10_000.0 * 60.0 {
        format!("{} h", short(minutes / 60.0))
    } else {
        "over 10,000 h".to_owned()
    }
}

/// Ticks of an axis of lengths: minutes and label.
const LENGTH_TICKS: [(f64, &str); 12] = [
    (0.001, "0.06 s"),
    (0.016_666_666_666_666_666, "1 s"),
    (0.066_666_666_666_666_67, "4 s"),
    (0.25, "15 s"),
    (1.0, "1 min"),
    (4.0, "4 min"),
    (15.0, "15 min"),
    (60.0, "1 h"),
    (240.0, "4 h"),
    (960.0, "16 h"),
    (2_400.0, "40 h"),
    (10_020.0, "167 h"),
];

/// A linear scale from values to user units.
#[derive(Clone, Copy)]
struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    fn at(self, value: f64) -> f64 {
        self.to.0 + (value - self.from.0) / (self.from.1 - self.from.0) * (self.to.1 - self.to.0)
    }

    fn clamped(self, value: f64) -> f64 {
        let (low, high) = (self.to.0.min(self.to.1), self.to.0.max(self.to.1));
        self.at(value).clamp(low, high)
    }

    fn holds(self, value: f64) -> bool {
        (self.from.0..=self.from.1).contains(&value)
    }
}

#[cfg(test)]
mod tests;
