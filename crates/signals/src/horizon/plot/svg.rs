//! A small writer of SVG. Coordinates have one decimal, so that the text is short and the same everywhere.

use std::fmt::Write as _;

/// Stroke of a line.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub(super) colour: &'static str,
    pub(super) width: f64,
    /// Pattern of dashes; empty for a solid line.
    pub(super) dash: &'static str,
}

impl Stroke {
    pub(super) const AXIS: Self = Self { colour: "#222222", width: 1.0, dash: "" };
    pub(super) const GRID: Self = Self { colour: "#dddddd", width: 1.0, dash: "" };

    pub(super) fn solid(colour: &'static str, width: f64) -> Self {
        Self { colour, width, dash: "" }
    }

    pub(super) fn dashed(colour: &'static str, width: f64) -> Self {
        Self { colour, width, dash: "6 4" }
    }

    pub(super) fn dotted(colour: &'static str, width: f64) -> Self {
        Self { colour, width, dash: "2 4" }
    }
}

/// Shape of a mark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Filled,
    Hollow,
    Diamond,
}

pub(super) struct Svg {
    body: String,
}

/// Text in XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Control characters are not allowed in XML at all.
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

impl Svg {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let body = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\" fill=\"#222222\">\n<title>{}</title>\n<rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#ffffff\"/>\n",
            escaped(title)
        );
        Self { body }
    }

    pub(super) fn finish(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }

    fn push(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(line);
        self.body.push('\n');
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: &str, size: f64, weight: &str, text: &str) {
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size:.0}\" font-weight=\"{weight}\">{}</text>",
            escaped(text)
        ));
    }

    /// Text with a white edge, readable over lines.
    pub(super) fn label(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        let text = escaped(text);
        for attributes in
            ["fill=\"none\" stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" aria-hidden=\"true\"", ""]
        {
            self.push(format_args!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"11\" {attributes}>{text}</text>"
            ));
        }
    }

    /// Text that reads upwards, for the vertical axis.
    pub(super) fn upward(&mut self, x: f64, y: f64, text: &str) {
        self.push(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" font-size=\"12\">{}</text>",
            escaped(text)
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.path(&[from, to], stroke);
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let places: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let dash =
            if stroke.dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", stroke.dash) };
        self.push(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:.1}\"{dash}/>",
            places.join(" "),
            stroke.colour,
            stroke.width
        ));
    }

    pub(super) fn band(&mut self, x: f64, y: f64, width: f64, height: f64, colour: &str) {
        self.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\" fill-opacity=\"0.15\"/>"
        ));
    }

    pub(super) fn mark(&mut self, x: f64, y: f64, mark: Mark, colour: &str) {
        match mark {
            Mark::Diamond => self.push(format_args!(
                "<path d=\"M {x:.1} {:.1} L {:.1} {y:.1} L {x:.1} {:.1} L {:.1} {y:.1} Z\" fill=\"{colour}\"/>",
                y - 6.0,
                x + 6.0,
                y + 6.0,
                x - 6.0
            )),
            Mark::Filled | Mark::Hollow => {
                let fill = if mark == Mark::Filled { colour } else { "#ffffff" };
                self.push(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_text() {
        let mut svg = Svg::new(10.0, 10.0, "<script>");
        svg.text(1.0, 1.0, "start", 10.0, "normal", "\"/><script>alert(1)</script>\u{1b}&");
        let text = svg.finish();
        assert!(!text.contains("<script") && !text.contains('\u{1b}') && text.contains("&lt;script&gt;"));
    }
}
