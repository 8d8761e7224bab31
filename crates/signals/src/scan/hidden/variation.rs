//! Variation selectors: 256 invisible characters that can carry any bytes after any character.

use super::super::finding::Finding;
use super::super::paths::Kind;
use super::super::rules::id;
use super::View;
use super::character::{has_variants, takes_emoji_selector};
use super::show;

/// So many selectors in a row carry data.
const RUN: usize = 4;

/// Magic of a C2PA text manifest (C2PA 2.4, appendix A.7).
const C2PA_MAGIC: &[u8] = b"C2PATXT\0";

/// The byte that a selector stands for.
fn byte(c: char) -> Option<u8> {
    match c {
        '\u{fe00}'..='\u{fe0f}' => u8::try_from(c as u32 - 0xfe00).ok(),
        '\u{e0100}'..='\u{e01ef}' => u8::try_from(c as u32 - 0xe0100 + 16).ok(),
        _ => None,
    }
}

/// True for the wrapper of a C2PA manifest: magic, version 1, a length that fits exactly, and a JUMBF superbox inside. The signature is not checked.
fn is_c2pa(before: Option<char>, payload: &[u8]) -> bool {
    let Some(rest) = payload.strip_prefix(C2PA_MAGIC) else { return false };
    let [1, a, b, c, d, manifest @ ..] = rest else { return false };
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    before == Some('\u{feff}') && length == manifest.len() && manifest.get(4..8) == Some(b"jumb".as_slice())
}

/// Both ends of "all selectors" in a class of a regular expression. They are always the same two characters, so that they carry nothing.
fn is_class_of_all(text: &str, at: usize) -> bool {
    [('\u{fe00}', '\u{fe0f}'), ('\u{e0100}', '\u{e01ef}')].iter().any(|(first, last)| {
        let (before, rest) = text.split_at(at);
        let follows = rest.strip_prefix(*first).and_then(|rest| rest.strip_prefix('-'));
        let leads = before.strip_suffix('-').is_some_and(|before| before.ends_with(*first));
        follows.is_some_and(|rest| rest.starts_with(*last)) || (leads && rest.starts_with(*last))
    })
}

/// Runs of selectors: byte offset, the character before, the decoded bytes.
fn runs(text: &str) -> Vec<(usize, Option<char>, Vec<u8>)> {
    let mut out: Vec<(usize, Option<char>, Vec<u8>)> = Vec::new();
    let mut before = None;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        match byte(c) {
            Some(_) if is_class_of_all(text, at) => inside = false,
            Some(value) if inside => out.last_mut().map_or((), |run| run.2.push(value)),
            Some(value) => {
                out.push((at, before, vec![value]));
                inside = true;
            }
            None => {
                before = Some(c);
                inside = false;
            }
        }
    }
    out
}

/// Selectors that only ask for the emoji or the text form, one or several times: repeating one symbol carries no bytes.
fn presentation(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 14) || bytes.iter().all(|byte| *byte == 15)
}

/// A short run: what is wrong with it, if anything.
fn judge(view: &View<'_>, before: Option<char>, bytes: &[u8]) -> Option<&'static str> {
    let base = before.unwrap_or('\n');
    if presentation(bytes) {
        if takes_emoji_selector(base) {
            return (bytes.len() > 1).then_some(id::VARIATION_STRAY);
        }
        let code = matches!(view.kind, Kind::Code | Kind::Agent);
        return Some(if code && base.is_ascii() { id::VARIATION_BASE } else { id::VARIATION_STRAY });
    }
    if has_variants(base) && bytes.len() == 1 {
        return None;
    }
    // One selector carries one byte at most: it makes two names look the same, as other invisible characters do.
    Some(if view.kind != Kind::Prose && bytes.len() > 1 { id::VARIATION_PAYLOAD } else { id::VARIATION_BASE })
}

pub(super) fn check(view: &View<'_>, found: &mut Vec<Finding>) {
    let runs = runs(view.text);
    // One hidden byte after each of many characters is the same trick with gaps.
    let scattered: Vec<u8> = runs
        .iter()
        .filter(|(_, before, bytes)| {
            (bytes.len() < RUN || presentation(bytes))
                && judge(view, *before, bytes).is_some_and(|rule| rule != id::VARIATION_STRAY)
        })
        .flat_map(|run| run.2.iter().copied())
        .collect();
    let scattered = if presentation(&scattered) { Vec::new() } else { scattered };
    let mut scattered_done = false;
    for (at, before, bytes) in &runs {
        let decoded = format!("decoded: {}", show::payload(bytes));
        if bytes.len() >= RUN && !presentation(bytes) {
            let c2pa = is_c2pa(*before, bytes);
            let rule = if c2pa { id::VARIATION_C2PA } else { id::VARIATION_PAYLOAD };
            let message = if c2pa { "C2PA text manifest" } else { "a run of variation selectors carries bytes" };
            found.push(view.finding(rule, *at, format!("{message} ({} bytes)", bytes.len())).showing(decoded));
        } else if let Some(rule) = judge(view, *before, bytes) {
            if rule != id::VARIATION_STRAY && scattered.len() >= RUN {
                if !scattered_done {
                    let shown = format!("decoded: {}", show::payload(&scattered));
                    found.push(
                        view.finding(
                            id::VARIATION_PAYLOAD,
                            *at,
                            format!("{} scattered selectors carry bytes", scattered.len()),
                        )
                        .showing(shown),
                    );
                    scattered_done = true;
                }
                continue;
            }
            found.push(view.finding(rule, *at, "variation selector without a base that has variants"));
        }
    }
}
