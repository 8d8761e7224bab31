//! Hidden text in readable form.

use super::character::{Flags, class, is_invisible};
use std::fmt::Write as _;

/// Longest readable text, in characters.
const MAX_SHOWN: usize = 240;

/// Name of a character that does not show, as in the Unicode character database; empty for others.
#[must_use]
pub const fn name_of(c: char) -> &'static str {
    match c {
        '\u{8}' => "BACKSPACE",
        '\u{1a}' => "SUBSTITUTE",
        '\u{1b}' => "ESCAPE",
        '\u{85}' => "NEXT LINE",
        '\u{a0}' => "NO-BREAK SPACE",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{34f}' => "COMBINING GRAPHEME JOINER",
        '\u{61c}' => "ARABIC LETTER MARK",
        '\u{115f}' => "HANGUL CHOSEONG FILLER",
        '\u{1160}' => "HANGUL JUNGSEONG FILLER",
        '\u{1680}' => "OGHAM SPACE MARK",
        '\u{180e}' => "MONGOLIAN VOWEL SEPARATOR",
        '\u{2000}'..='\u{200a}' => "TYPOGRAPHIC SPACE",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{200e}' => "LEFT-TO-RIGHT MARK",
        '\u{200f}' => "RIGHT-TO-LEFT MARK",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{2029}' => "PARAGRAPH SEPARATOR",
        '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202c}' => "POP DIRECTIONAL FORMATTING",
        '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{202f}' => "NARROW NO-BREAK SPACE",
        '\u{205f}' => "MEDIUM MATHEMATICAL SPACE",
        '\u{2060}' => "WORD JOINER",
        '\u{2061}'..='\u{2064}' => "INVISIBLE OPERATOR",
        '\u{2066}' => "LEFT-TO-RIGHT ISOLATE",
        '\u{2067}' => "RIGHT-TO-LEFT ISOLATE",
        '\u{2068}' => "FIRST STRONG ISOLATE",
        '\u{2069}' => "POP DIRECTIONAL ISOLATE",
        '\u{2800}' => "BRAILLE PATTERN BLANK",
        '\u{3000}' => "IDEOGRAPHIC SPACE",
        '\u{3164}' => "HANGUL FILLER",
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE",
        '\u{ffa0}' => "HALFWIDTH HANGUL FILLER",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "VARIATION SELECTOR",
        '\u{e0000}'..='\u{e007f}' => "TAG",
        _ => "",
    }
}

fn push(out: &mut String, c: char) {
    let hidden =
        Flags::BIDI | Flags::MARK | Flags::SPACE | Flags::BREAK | Flags::TAG | Flags::SELECTOR | Flags::CONTROL;
    if class(c).has(hidden) || is_invisible(c) {
        let name = name_of(c);
        let gap = if name.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(out, "<U+{:04X}{gap}{name}>", c as u32);
    } else if c.is_control() {
        let _ = write!(out, "<U+{:04X}>", c as u32);
    } else {
        out.push(c);
    }
}

/// Text with every hidden character written as `<U+XXXX NAME>`, cut to a readable length.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count >= MAX_SHOWN {
            out.push('…');
            break;
        }
        push(&mut out, c);
    }
    out
}

/// The neighbourhood of a byte offset in readable form.
pub(super) fn around(text: &str, byte: usize) -> String {
    let before = text[..byte].char_indices().rev().nth(MAX_SHOWN / 3).map_or(0, |(at, _)| at);
    escape(&text[before..])
}

/// Bytes as text when they are text, else in hexadecimal.
pub(super) fn payload(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let readable = text.chars().filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER).count();
    if readable * 10 >= text.chars().count() * 9 && !bytes.is_empty() {
        format!("\"{}\"", escape(&text))
    } else {
        let cut = bytes.len().min(64);
        format!("{} bytes, hex {}{}", bytes.len(), hex::encode(&bytes[..cut]), if cut < bytes.len() { "…" } else { "" })
    }
}
