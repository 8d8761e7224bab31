//! Look-alike letters (Unicode TS 39): words that mix scripts, words that equal another identifier to the eye, lone foreign letters.

use super::super::finding::Finding;
use super::super::paths::Kind;
use super::super::rules::id;
use super::View;
use super::context::{Place, place};
use std::collections::BTreeSet;
use unicode_script::{Script, UnicodeScript};

/// Most words of one file that wait for the end of the file.
const MAX_PENDING: usize = 50;
/// Longest word that is compared, in characters.
const MAX_WORD: usize = 256;

/// Scripts with letters that look like Latin ones. Greek is judged apart: formulas mix it with Latin.
const LOOKALIKE: [Script; 7] = [
    Script::Cyrillic,
    Script::Armenian,
    Script::Cherokee,
    Script::Coptic,
    Script::Lisu,
    Script::Glagolitic,
    Script::Deseret,
];

/// What is known of the letters of a file.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// Scripts with a letter that has no Latin look-alike: the file is really written in them.
    native: Vec<Script>,
    /// Words of look-alikes only, which are odd in a file without that script.
    lone: Vec<(Script, Finding)>,
    /// ASCII identifiers of the file by skeleton, made when first needed.
    identifiers: Option<BTreeSet<String>>,
}

fn skeleton(word: &str) -> String {
    unicode_security::skeleton(word).collect()
}

/// Words of a line with a letter outside ASCII: byte offset and text.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let mut out = Vec::new();
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        if c.is_alphanumeric() || c == '_' {
            continue;
        }
        if start < at && !text[start..at].is_ascii() {
            out.push((start, &text[start..at]));
        }
        start = at + c.len_utf8();
    }
    out.into_iter()
}

/// Letters of mathematics or of full width that NFKC folds to ASCII.
const fn is_styled(c: char) -> bool {
    matches!(c, '\u{1d400}'..='\u{1d6a5}' | '\u{1d7ce}'..='\u{1d7ff}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
}

impl Letters {
    pub(super) fn line(&mut self, view: &View<'_>, file: &[u8], found: &mut Vec<Finding>) {
        for (at, word) in words(view.text) {
            if word.chars().nth(MAX_WORD).is_none() {
                self.word(view, file, at, word, found);
            }
        }
    }

    fn word(&mut self, view: &View<'_>, file: &[u8], at: usize, word: &str, found: &mut Vec<Finding>) {
        if word.chars().filter(|c| is_styled(*c)).count() >= 2 {
            if view.kind == Kind::Code && place(view.text, at, view.style) == Place::Code {
                found.push(view.finding(
                    id::HOMOGLYPH_COMPATIBILITY,
                    at,
                    format!("'{word}' reads as '{}'", fold(word)),
                ));
            }
            return;
        }
        let latin = word.chars().any(|c| c.script() == Script::Latin);
        let foreign = word.chars().map(|c| c.script()).find(|script| LOOKALIKE.contains(script));
        let greek = word.chars().any(|c| c.script() == Script::Greek);
        match foreign {
            Some(script) if latin => self.mixed(view, file, at, word, script, found),
            Some(script) => self.single(view, file, at, word, script, found),
            None if greek && latin => self.greek(view, file, at, word, found),
            // Latin letters outside ASCII that equal ASCII ones to the eye, such as U+0251.
            None if latin && view.kind == Kind::Code => self.in_scope(view, file, at, word, found),
            None => {}
        }
    }

    fn mixed(&mut self, view: &View<'_>, file: &[u8], at: usize, word: &str, script: Script, found: &mut Vec<Finding>) {
        let alike = skeleton(word);
        if !alike.is_ascii() {
            self.note_native(word, script);
            return;
        }
        if view.kind == Kind::Prose {
            found.push(view.finding(
                id::HOMOGLYPH_MATHEMATICAL,
                at,
                format!("'{word}' mixes Latin and {} and looks like '{alike}'", script.full_name()),
            ));
        } else if self.scope(file).contains(&alike) {
            found.push(view.finding(
                id::HOMOGLYPH_SCOPE,
                at,
                format!(
                    "'{word}' holds {} letters and looks like '{alike}', which the file uses too",
                    script.full_name()
                ),
            ));
        } else {
            found.push(view.finding(
                id::HOMOGLYPH_MIXED,
                at,
                format!("'{word}' mixes Latin and {} and looks like '{alike}'", script.full_name()),
            ));
        }
    }

    /// A word in one foreign script.
    fn single(
        &mut self,
        view: &View<'_>,
        file: &[u8],
        at: usize,
        word: &str,
        script: Script,
        found: &mut Vec<Finding>,
    ) {
        let alike = skeleton(word);
        if !alike.is_ascii() {
            return self.note_native(word, script);
        }
        if view.kind == Kind::Prose || self.lone.len() >= MAX_PENDING || self.native.contains(&script) {
            return;
        }
        let in_code = view.kind == Kind::Code && place(view.text, at, view.style) == Place::Code;
        if in_code && word.chars().nth(1).is_some() && self.scope(file).contains(&alike) {
            found.push(view.finding(
                id::HOMOGLYPH_SCOPE,
                at,
                format!("'{word}' is {} and looks like '{alike}', which the file uses too", script.full_name()),
            ));
            return;
        }
        let finding = view.finding(
            id::HOMOGLYPH_LONE,
            at,
            format!("'{word}' is {} and looks like '{alike}'", script.full_name()),
        );
        self.lone.push((script, finding));
    }

    fn greek(&mut self, view: &View<'_>, file: &[u8], at: usize, word: &str, found: &mut Vec<Finding>) {
        let alike = skeleton(word);
        if view.kind != Kind::Code || !alike.is_ascii() {
            return;
        }
        // Greek small letters beside Latin ones are a formula; a capital or omicron inside a word is a disguise.
        let disguise = word
            .chars()
            .any(|c| matches!(c, '\u{391}'..='\u{3a1}' | '\u{3a3}'..='\u{3a9}' | '\u{3bf}' | '\u{37f}' | '\u{3f9}'));
        let rule = if self.scope(file).contains(&alike) {
            id::HOMOGLYPH_SCOPE
        } else if disguise {
            id::HOMOGLYPH_MIXED
        } else {
            id::HOMOGLYPH_MATHEMATICAL
        };
        found.push(view.finding(rule, at, format!("'{word}' mixes Latin and Greek and looks like '{alike}'")));
    }

    fn in_scope(&mut self, view: &View<'_>, file: &[u8], at: usize, word: &str, found: &mut Vec<Finding>) {
        let alike = skeleton(word);
        if alike.is_ascii() && place(view.text, at, view.style) == Place::Code && self.scope(file).contains(&alike) {
            found.push(view.finding(
                id::HOMOGLYPH_SCOPE,
                at,
                format!("'{word}' looks like '{alike}', which the file uses too"),
            ));
        }
    }

    /// Remembers scripts in which the file is really written.
    fn note_native(&mut self, word: &str, script: Script) {
        let native = word.chars().any(|c| c.script() == script && !skeleton(c.encode_utf8(&mut [0; 4])).is_ascii());
        if native && !self.native.contains(&script) {
            self.native.push(script);
        }
    }

    /// Skeletons of the file's ASCII identifiers.
    fn scope(&mut self, file: &[u8]) -> &BTreeSet<String> {
        self.identifiers.get_or_insert_with(|| {
            file.split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80))
                .filter(|word| word.is_ascii() && word.len() > 1 && word.len() <= MAX_WORD)
                .filter_map(|word| std::str::from_utf8(word).ok())
                .map(skeleton)
                .collect()
        })
    }

    pub(super) fn finish(self, found: &mut Vec<Finding>) {
        found.extend(
            self.lone.into_iter().filter(|(script, _)| !self.native.contains(script)).map(|(_, finding)| finding),
        );
    }
}

/// ASCII form of styled letters; other characters stay.
fn fold(word: &str) -> String {
    let letter = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        _ => unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).next(),
    };
    word.chars().map(|c| letter(c).unwrap_or(c)).collect()
}
