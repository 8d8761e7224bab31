//! Hidden text: bidirectional controls, look-alike letters, invisible characters, tags, variation selectors.

mod bidi;
mod character;
mod context;
mod homoglyph;
mod invisible;
mod show;
mod tag;
mod variation;

pub use show::{escape, name_of};

use super::finding::Finding;
use super::paths::Kind;
use super::rules::id;
use super::text::Lines;
use character::Flags;

/// Most findings of hidden text in one file; what follows is counted in one finding more.
const MAX_FINDINGS: usize = 500;

/// Looks through one file. `slashes`: the language comments with `//`, not with `#`.
#[must_use]
pub fn scan(path: &str, bytes: &[u8], kind: Kind) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut letters = homoglyph::Letters::default();
    let mut style = None;
    for line in Lines::new(bytes) {
        let flags = character::flags(&line.text);
        if flags.is_empty() {
            continue;
        }
        if found.len() >= MAX_FINDINGS {
            found.push(Finding::new(
                id::INVISIBLE_TEXT,
                line.number,
                0,
                format!("more than {MAX_FINDINGS} findings of hidden text; the rest of the file is not listed"),
            ));
            break;
        }
        let style = *style.get_or_insert_with(|| context::Style::of(path));
        let view = View { text: &line.text, number: line.number, first: line.first, kind, style };
        if flags.has(Flags::BIDI | Flags::MARK) {
            bidi::check(&view, &mut found);
        }
        if flags.has(Flags::TAG) {
            tag::check(&view, &mut found);
        }
        if flags.has(Flags::SELECTOR) {
            variation::check(&view, &mut found);
        }
        if flags.has(Flags::INVISIBLE | Flags::SPACE | Flags::BREAK | Flags::CONTROL) {
            invisible::check(&view, flags, &mut found);
        }
        if flags.has(Flags::LETTER) {
            letters.line(&view, bytes, &mut found);
        }
    }
    letters.finish(&mut found);
    found
}

/// One line under examination.
struct View<'a> {
    text: &'a str,
    number: u32,
    first: bool,
    kind: Kind,
    style: context::Style,
}

impl View<'_> {
    /// Column of a byte offset, in characters from 1.
    fn column(&self, byte: usize) -> u32 {
        u32::try_from(self.text[..byte].chars().count() + 1).unwrap_or(u32::MAX)
    }

    /// A finding at a byte offset, with the line's readable form around it.
    fn finding(&self, rule: &'static str, byte: usize, message: impl Into<String>) -> Finding {
        Finding::new(rule, self.number, self.column(byte), message).showing(show::around(self.text, byte))
    }
}

#[cfg(test)]
mod tests;
