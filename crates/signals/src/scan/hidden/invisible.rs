//! Zero-width characters, fillers, foreign spaces, line separators, terminal controls.

use super::super::finding::Finding;
use super::super::paths::Kind;
use super::super::rules::id;
use super::View;
use super::character::{Flags, class, takes_emoji_selector, uses_joiners};
use super::context::{Place, place};
use super::show;

/// Most findings of one kind on one line.
const MAX_PER_LINE: usize = 3;

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// True where the character is part of ordinary spelling.
fn ordinary(view: &View<'_>, at: usize, c: char, before: Option<char>, after: Option<char>) -> bool {
    match c {
        // A byte order mark.
        '\u{feff}' => view.first && at == 0,
        // Emoji sequences, and scripts that join letters.
        '\u{200d}' | '\u{200c}' => {
            let emoji =
                |c: Option<char>| c.is_some_and(|c| c == '\u{fe0f}' || (!c.is_ascii() && takes_emoji_selector(c)));
            let joined = |c: Option<char>| c.is_some_and(uses_joiners);
            (emoji(before) && emoji(after)) || joined(before) || joined(after)
        }
        // Mongolian free variation selectors after Mongolian letters.
        '\u{180b}'..='\u{180f}' => before.is_some_and(|c| matches!(c, '\u{1800}'..='\u{18af}')),
        // Fillers inside Hangul jamo.
        '\u{115f}' | '\u{1160}' => after.or(before).is_some_and(|c| matches!(c, '\u{1100}'..='\u{11ff}')),
        // Blank among other Braille.
        '\u{2800}' => view.text.chars().any(|c| matches!(c, '\u{2801}'..='\u{28ff}')),
        '\u{fff9}'..='\u{fffb}' => view.kind == Kind::Prose,
        _ => false,
    }
}

fn judge_invisible(view: &View<'_>, at: usize, c: char, before: Option<char>, after: Option<char>) -> &'static str {
    match view.kind {
        Kind::Prose => id::INVISIBLE_PROSE,
        Kind::Data => id::INVISIBLE_TEXT,
        Kind::Agent => id::INVISIBLE_TEXT,
        Kind::Code => {
            let filler = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
            let touches = filler || before.is_some_and(is_word) || after.is_some_and(is_word);
            if touches && place(view.text, at, view.style) == Place::Code {
                id::INVISIBLE_IDENTIFIER
            } else {
                id::INVISIBLE_TEXT
            }
        }
    }
}

pub(super) fn check(view: &View<'_>, flags: Flags, found: &mut Vec<Finding>) {
    let limit = found.len() + MAX_PER_LINE;
    let mut before = None;
    let mut rest = view.text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let after = rest.peek().map(|(_, c)| *c);
        if let Some(rule) = judge(view, flags, at, c, before, after) {
            let name = show::name_of(c);
            found.push(view.finding(
                rule,
                at,
                format!("U+{:04X}{}{name}", c as u32, if name.is_empty() { "" } else { " " }),
            ));
            if found.len() >= limit {
                return;
            }
        }
        before = Some(c);
    }
}

fn judge(
    view: &View<'_>,
    flags: Flags,
    at: usize,
    c: char,
    before: Option<char>,
    after: Option<char>,
) -> Option<&'static str> {
    let class = class(c);
    let strict = matches!(view.kind, Kind::Code | Kind::Agent);
    if class.has(Flags::INVISIBLE) {
        return (!ordinary(view, at, c, before, after)).then(|| judge_invisible(view, at, c, before, after));
    }
    if class.has(Flags::SPACE) && flags.has(Flags::SPACE) {
        let in_code = view.kind == Kind::Code && place(view.text, at, view.style) == Place::Code;
        return in_code.then_some(id::INVISIBLE_SPACE);
    }
    if class.has(Flags::BREAK) {
        return strict.then_some(id::INVISIBLE_LINE_BREAK);
    }
    // The end of a file as DOS wrote it stands alone on the last line.
    let end_of_file = c == '\u{1a}' && view.text.trim_end() == "\u{1a}";
    (class.has(Flags::CONTROL) && strict && !end_of_file).then_some(id::TERMINAL_CONTROL)
}
