//! Unicode tag characters (U+E0000 to U+E007F): invisible ASCII.

use super::super::finding::Finding;
use super::super::rules::id;
use super::View;
use super::show;

/// Flags that exist (RGI emoji tag sequences, UTS 51): England, Scotland, Wales.
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// So many tags on one line are text, not dirt.
const TEXT: usize = 3;

const fn ascii(c: char) -> Option<char> {
    match c {
        // Tags repeat ASCII at a fixed distance; the language tag U+E0001 and the end tag have no letter.
        '\u{e0020}'..='\u{e007e}' => char::from_u32(c as u32 - 0xe0000),
        _ => None,
    }
}

const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Tags of the line that belong to no flag: byte offset of the first, their number, the hidden text.
fn hidden(text: &str) -> Option<(usize, usize, String)> {
    let mut first = None;
    let (mut count, mut hidden) = (0, String::new());
    let mut flag_base = false;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if !is_tag(c) {
            flag_base = c == '\u{1f3f4}';
            continue;
        }
        let (mut run, mut length, mut closed) = (String::new(), 1, c == '\u{e007f}');
        run.extend(ascii(c));
        while let Some((_, next)) = rest.next_if(|(_, next)| is_tag(*next) && !closed) {
            length += 1;
            closed = next == '\u{e007f}';
            run.extend(ascii(next));
        }
        if !(flag_base && closed && FLAGS.contains(&run.as_str())) {
            first.get_or_insert(at);
            count += length;
            hidden.push_str(&run);
        }
        flag_base = false;
    }
    first.map(|at| (at, count, hidden))
}

pub(super) fn check(view: &View<'_>, found: &mut Vec<Finding>) {
    let Some((at, count, hidden)) = hidden(view.text) else { return };
    // Dirt in a file of random bytes has broken characters beside it.
    let noise = view.text.contains(char::REPLACEMENT_CHARACTER) && hidden.len() < 8;
    // One symbol again and again says nothing: tables of encodings hold such lines.
    let first = hidden.chars().next();
    let message = hidden.chars().any(|c| Some(c) != first);
    if count < TEXT || noise || !message {
        found.push(view.finding(id::TAG_STRAY, at, format!("{count} tag characters")));
        return;
    }
    let message = format!("{count} tag characters spell a hidden text");
    found.push(
        view.finding(id::TAG_SMUGGLING, at, message).showing(format!("hidden: {}", show::payload(hidden.as_bytes()))),
    );
}
