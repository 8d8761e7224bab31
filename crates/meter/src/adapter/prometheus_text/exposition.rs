//! The line parser. Written here and not taken from a library because every figure that the meter reports rests on it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::adapter::decimal;
use crate::adapter::fault::{Fault, TextLimits, excerpt};

/// Labels on one sample; real series carry at most 20.
const MOST_LABELS: usize = 128;

/// One sample line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSample<'a> {
    /// Line in the body, from 1.
    pub line: u64,
    /// Metric name.
    pub name: &'a str,
    /// Labels in the order of the text, unescaped.
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value as text; checked to be a number, NaN or an infinity.
    pub value: &'a str,
    /// Time of the sample when the line states one, in Unix milliseconds.
    pub timestamp_ms: Option<i64>,
}

/// A parsed body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scrape<'a> {
    /// Samples in the order of the text, exact repeats removed.
    pub samples: Vec<TextSample<'a>>,
    /// `HELP` or `TYPE` lines that repeat an earlier one word for word.
    pub repeated_headers: u64,
    /// Sample lines that repeat an earlier series with the same value.
    pub duplicates: u64,
}

/// Parses one body.
///
/// # Errors
/// A [`Fault`] at the first line that is not exposition text, that repeats a series with a different value, or that follows `# EOF`.
pub fn parse<'a>(bytes: &'a [u8], limits: &TextLimits) -> Result<Scrape<'a>, Fault> {
    let text = limits.text(bytes)?;
    let open_metrics = text.trim_end().ends_with("# EOF");
    let mut reader = Reader { open_metrics, ..Reader::default() };
    for (index, raw) in text.split('\n').enumerate() {
        let line = index as u64 + 1;
        let content = raw.strip_suffix('\r').unwrap_or(raw);
        limits.line(line, content)?;
        limits.row(line, reader.scrape.samples.len())?;
        reader.line(line, content)?;
    }
    Ok(reader.scrape)
}

#[derive(Default)]
struct Reader<'a> {
    scrape: Scrape<'a>,
    open_metrics: bool,
    ended: bool,
    types: BTreeMap<&'a str, (&'a str, u64)>,
    helps: BTreeMap<&'a str, u64>,
    seen: BTreeMap<String, (usize, u64)>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: u64, content: &'a str) -> Result<(), Fault> {
        let trimmed = content.trim();
        if trimmed.is_empty() {
            return Ok(());
        }
        if self.ended {
            return Err(Fault::at(line, 1, "text after `# EOF`", "save one scrape per file"));
        }
        if let Some(comment) = trimmed.strip_prefix('#') {
            return self.comment(line, comment.trim_start());
        }
        let sample = sample(line, content, self.open_metrics)?;
        self.keep(sample)
    }

    fn comment(&mut self, line: u64, comment: &'a str) -> Result<(), Fault> {
        if comment == "EOF" {
            self.ended = true;
            return Ok(());
        }
        let mut words = comment.splitn(3, [' ', '\t']);
        match (words.next(), words.next()) {
            (Some("HELP"), Some(name)) => {
                if self.helps.insert(name, line).is_some() {
                    self.scrape.repeated_headers += 1;
                }
                Ok(())
            }
            (Some("TYPE"), Some(name)) => self.type_line(line, name, words.next().unwrap_or("").trim()),
            _ => Ok(()),
        }
    }

    fn type_line(&mut self, line: u64, name: &'a str, kind: &'a str) -> Result<(), Fault> {
        match self.types.entry(name) {
            Entry::Vacant(slot) => {
                slot.insert((kind, line));
                Ok(())
            }
            Entry::Occupied(slot) if slot.get().0 == kind => {
                self.scrape.repeated_headers += 1;
                Ok(())
            }
            Entry::Occupied(slot) => {
                let (before, first) = *slot.get();
                let what = format!("{} is a {} here and a {before} in line {first}", excerpt(name), excerpt(kind));
                Err(Fault::at(line, 1, what, "scrape one exporter per file"))
            }
        }
    }

    fn keep(&mut self, sample: TextSample<'a>) -> Result<(), Fault> {
        match self.seen.entry(series_key(&sample)) {
            Entry::Vacant(slot) => {
                slot.insert((self.scrape.samples.len(), sample.line));
                self.scrape.samples.push(sample);
                Ok(())
            }
            Entry::Occupied(slot) => {
                let (index, first) = *slot.get();
                if same_value(self.scrape.samples[index].value, sample.value) {
                    self.scrape.duplicates += 1;
                    return Ok(());
                }
                let what = format!("{} repeats the series of line {first} with another value", excerpt(sample.name));
                Err(Fault::at(sample.line, 1, what, "save each scrape in a file of its own, named by its time"))
            }
        }
    }
}

/// Two spellings of one number (`1`, `1.0`) are one value.
fn same_value(a: &str, b: &str) -> bool {
    a == b || decimal::scaled(a, 9) == decimal::scaled(b, 9)
}

fn series_key(sample: &TextSample<'_>) -> String {
    let mut labels: Vec<_> = sample.labels.iter().collect();
    labels.sort();
    format!("{}\0{:?}\0{labels:?}", sample.name, sample.timestamp_ms)
}

/// A cursor over one line; columns count bytes from 1.
struct Cursor<'a> {
    line: u64,
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault(&self, what: impl Into<String>, remedy: &'static str) -> Fault {
        Fault::at(self.line, self.at as u64 + 1, what, remedy)
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self, colons: bool) -> Result<&'a str, Fault> {
        let rest = self.rest();
        let accepted = |(i, b): &(usize, u8)| {
            b.is_ascii_alphabetic() || *b == b'_' || (colons && *b == b':') || (*i > 0 && b.is_ascii_digit())
        };
        let length = rest.bytes().enumerate().take_while(accepted).count();
        if length > 0 {
            self.at += length;
            return Ok(&rest[..length]);
        }
        if rest.starts_with("...") || rest.starts_with('…') {
            let remedy = "save the exporter's unedited output: without its labels a reading has no device";
            return Err(self.fault("labels were shortened by hand to `...`", remedy));
        }
        Err(self.fault(format!("expected a name, found `{}`", excerpt(rest)), "save the exporter's unedited output"))
    }

    fn labels(&mut self) -> Result<Vec<(&'a str, Cow<'a, str>)>, Fault> {
        let mut labels: Vec<(&'a str, Cow<'a, str>)> = Vec::new();
        loop {
            self.skip_blanks();
            if self.eat('}') {
                return Ok(labels);
            }
            if labels.len() >= MOST_LABELS {
                return Err(self.fault(format!("more than {MOST_LABELS} labels"), "look at the file: no exporter does"));
            }
            let name = self.name(false)?;
            self.skip_blanks();
            if !self.eat('=') {
                return Err(self.fault("expected `=` after a label name", "save the exporter's unedited output"));
            }
            self.skip_blanks();
            let value = self.quoted()?;
            if labels.iter().any(|(seen, _)| *seen == name) {
                return Err(self.fault(format!("label {} stands twice", excerpt(name)), "fix the relabelling rule"));
            }
            labels.push((name, value));
            self.skip_blanks();
            if !self.eat(',') && !self.rest().starts_with('}') {
                return Err(self.fault("expected `,` or `}` after a label", "save the exporter's unedited output"));
            }
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        if !self.eat('"') {
            return Err(self.fault("expected a quoted label value", "save the exporter's unedited output"));
        }
        let rest = self.rest();
        let mut owned: Option<String> = None;
        let mut characters = rest.char_indices();
        while let Some((i, c)) = characters.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Ok(owned.map_or(Cow::Borrowed(&rest[..i]), Cow::Owned));
                }
                '\\' => {
                    let text = owned.get_or_insert_with(|| rest[..i].to_owned());
                    match characters.next() {
                        Some((_, 'n')) => text.push('\n'),
                        Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                        _ => {
                            return Err(
                                self.fault("an unknown escape in a label value", "only \\\\, \\\" and \\n exist")
                            );
                        }
                    }
                }
                other => {
                    if let Some(text) = owned.as_mut() {
                        text.push(other);
                    }
                }
            }
        }
        Err(self.fault("a label value without a closing quote", "save the exporter's unedited output"))
    }

    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.rest();
        let length = rest.find([' ', '\t']).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

fn sample<'a>(line: u64, content: &'a str, open_metrics: bool) -> Result<TextSample<'a>, Fault> {
    let mut cursor = Cursor { line, text: content, at: 0 };
    cursor.skip_blanks();
    let name = cursor.name(true)?;
    cursor.skip_blanks();
    let labels = if cursor.eat('{') { cursor.labels()? } else { Vec::new() };
    cursor.skip_blanks();
    let before = cursor.at;
    let value = cursor.word();
    if decimal::scaled(value, 0).is_err() {
        cursor.at = before;
        return Err(
            cursor.fault(format!("`{}` is not a number", excerpt(value)), "save the exporter's unedited output")
        );
    }
    cursor.skip_blanks();
    let timestamp_ms = timestamp(&mut cursor, open_metrics)?;
    Ok(TextSample { line, name, labels, value, timestamp_ms })
}

/// Milliseconds as an integer in the text format, seconds with a fraction in OpenMetrics; an exemplar may follow there.
fn timestamp(cursor: &mut Cursor<'_>, open_metrics: bool) -> Result<Option<i64>, Fault> {
    if cursor.rest().is_empty() || (open_metrics && cursor.rest().starts_with('#')) {
        return Ok(None);
    }
    let before = cursor.at;
    let word = cursor.word();
    let time = match decimal::scaled(word, if open_metrics { 3 } else { 0 }) {
        Ok(decimal::Reading::Scaled(time)) if open_metrics || !word.contains(['.', 'e', 'E']) => {
            i64::try_from(time).ok()
        }
        _ => None,
    };
    cursor.skip_blanks();
    let done = cursor.rest().is_empty() || (open_metrics && cursor.rest().starts_with('#'));
    match time {
        Some(time) if done => Ok(Some(time)),
        _ => {
            cursor.at = before;
            Err(cursor.fault("text after the value is no timestamp", "save the exporter's unedited output"))
        }
    }
}

#[cfg(test)]
mod tests;
