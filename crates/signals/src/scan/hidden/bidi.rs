//! Bidirectional controls (Unicode Standard Annex 9): each must be closed on its line, because a line end closes it in display only.

use super::super::finding::Finding;
use super::super::paths::Kind;
use super::super::rules::id;
use super::View;
use super::character::{Flags, class};
use super::show;

/// Longest line for which the display order is computed, in bytes.
const MAX_REORDER_BYTES: usize = 16 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Embedding,
    Isolate,
}

/// Opened and not closed controls, as byte offsets; a PDI also closes what was opened inside its isolate (UAX 9, rule X6a).
fn unterminated(text: &str) -> Option<usize> {
    let mut stack: Vec<(Open, usize)> = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' => stack.push((Open::Embedding, at)),
            '\u{2066}'..='\u{2068}' => stack.push((Open::Isolate, at)),
            '\u{202c}' if stack.last().is_some_and(|top| top.0 == Open::Embedding) => {
                stack.pop();
            }
            '\u{2069}' => {
                if let Some(opened) = stack.iter().rposition(|entry| entry.0 == Open::Isolate) {
                    stack.truncate(opened);
                }
            }
            _ => {}
        }
    }
    stack.first().map(|entry| entry.1)
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !class(*c).has(Flags::BIDI | Flags::MARK)).collect()
}

/// True for letters that are written from right to left.
fn right_to_left(c: char) -> bool {
    use unicode_bidi::BidiClass::{AL, R};
    matches!(unicode_bidi::bidi_class(c), R | AL) && !class(c).has(Flags::MARK)
}

/// The line as a reader sees it, when that differs from the stored order of its visible characters.
fn seen_differently(text: &str) -> Option<String> {
    if text.len() > MAX_REORDER_BYTES {
        return None;
    }
    let left = Some(unicode_bidi::Level::ltr());
    let order = |text: &str| {
        let info = unicode_bidi::BidiInfo::new(text, left);
        info.paragraphs.first().map(|paragraph| info.reorder_line(paragraph, paragraph.range.clone()).into_owned())
    };
    let plain = without_controls(text);
    let seen = without_controls(&order(text)?);
    (seen != order(&plain)?).then_some(seen)
}

pub(super) fn check(view: &View<'_>, found: &mut Vec<Finding>) {
    let Some((first, _)) = view.text.char_indices().find(|(_, c)| class(*c).has(Flags::BIDI)) else {
        return mark(view, found);
    };
    let prose_in_that_script = view.kind == Kind::Prose && view.text.chars().any(right_to_left);
    if let Some(at) = unterminated(view.text) {
        if !prose_in_that_script {
            let rule = if view.kind == Kind::Prose { id::BIDI_PROSE } else { id::BIDI_UNTERMINATED };
            found.push(view.finding(rule, at, "opened and not closed before the line ends"));
            return;
        }
    } else if !prose_in_that_script && let Some(seen) = seen_differently(view.text) {
        let shown = format!("stored: {}; seen: {}", show::around(view.text, first), show::escape(&seen));
        found.push(view.finding(id::BIDI_REORDER, first, "what is seen is not what is stored").showing(shown));
        return;
    }
    if view.kind != Kind::Prose {
        found.push(view.finding(id::BIDI_CLOSED, first, "controls are closed and change nothing visible"));
    }
}

/// Directional marks alone.
fn mark(view: &View<'_>, found: &mut Vec<Finding>) {
    if matches!(view.kind, Kind::Prose | Kind::Data) {
        return;
    }
    if let Some((at, _)) = view.text.char_indices().find(|(_, c)| class(*c).has(Flags::MARK)) {
        found.push(view.finding(id::DIRECTION_MARK, at, "directional mark"));
    }
}
