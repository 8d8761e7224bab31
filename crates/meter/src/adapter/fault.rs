//! Where and why foreign bytes were refused.
//!
//! Every parser in this folder is a plain `fn(&[u8], ..) -> Result<_, Fault>`: no file names, no input or output, so that each can be
//! fuzzed alone. The caller adds the file or URL when it turns a fault into the crate's error.

use std::fmt;

use crate::MeterError;

/// A refusal of foreign bytes: the place, what was found there, and what the lab can do about it.
///
/// `line` and `column` count from 1; 0 means that the format has no lines (a binary body) or that the fault concerns the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1; 0 when the format has none.
    pub line: u64,
    /// Byte (text) or field (tables) in the line, from 1; the byte offset for binary bodies.
    pub column: u64,
    /// What was found, in one clause.
    pub what: String,
    /// What to do next, in one clause.
    pub remedy: &'static str,
}

impl Fault {
    /// A fault at a line and column of a text.
    pub fn at(line: u64, column: u64, what: impl Into<String>, remedy: &'static str) -> Self {
        Fault { line, column, what: what.into(), remedy }
    }

    /// A fault that concerns the whole input.
    pub fn whole(what: impl Into<String>, remedy: &'static str) -> Self {
        Fault::at(0, 0, what, remedy)
    }

    /// The crate's error for this fault in a named file or address.
    #[must_use]
    pub fn in_file(self, place: &str, format: &'static str) -> MeterError {
        let place = match (self.line, self.column) {
            (0, 0) => place.to_owned(),
            (0, column) => format!("{place}, byte {column}"),
            (line, 0) => format!("{place}, line {line}"),
            (line, column) => format!("{place}, line {line}, column {column}"),
        };
        MeterError::Malformed { place, format, what: self.what, remedy: self.remedy.to_owned() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, 0) => write!(f, "{}: {}", self.what, self.remedy),
            (0, column) => write!(f, "at byte {column}: {}: {}", self.what, self.remedy),
            (line, 0) => write!(f, "line {line}: {}: {}", self.what, self.remedy),
            (line, column) => write!(f, "line {line}, column {column}: {}: {}", self.what, self.remedy),
        }
    }
}

impl std::error::Error for Fault {}

/// Shortens foreign text for a message, so that a hostile file cannot fill a terminal.
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let clean: String = text.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > LONGEST { format!("{clean}…") } else { clean }
}

/// Bounds that every text parser keeps; the defaults fit the largest exports seen with a wide margin.
#[derive(Debug, Clone, Copy)]
pub struct TextLimits {
    /// Bytes in one file.
    pub file_bytes: usize,
    /// Bytes in one line.
    pub line_bytes: usize,
    /// Rows, samples or jobs in one file.
    pub rows: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        TextLimits { file_bytes: 256 << 20, line_bytes: 1 << 20, rows: 4_000_000 }
    }
}

impl TextLimits {
    /// Checks the size and the encoding of a text file.
    ///
    /// # Errors
    /// When the file is longer than the limit or is not UTF-8.
    pub fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, Fault> {
        if bytes.len() > self.file_bytes {
            let what = format!("{} bytes exceed the limit of {} for one file", bytes.len(), self.file_bytes);
            return Err(Fault::whole(what, "split the export by hour or raise the limit"));
        }
        std::str::from_utf8(bytes).map_err(|e| {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64;
            Fault::at(line, 0, "not UTF-8 text", "export as UTF-8; a compressed file must be unpacked first")
        })
    }

    /// Checks one line's length.
    ///
    /// # Errors
    /// When the line is longer than the limit.
    pub fn line(&self, number: u64, line: &str) -> Result<(), Fault> {
        if line.len() > self.line_bytes {
            let what = format!("a line of {} bytes exceeds the limit of {}", line.len(), self.line_bytes);
            return Err(Fault::at(number, 0, what, "look at the file: no known source writes such lines"));
        }
        Ok(())
    }

    /// Checks the number of rows read so far.
    ///
    /// # Errors
    /// When there are more rows than the limit.
    pub fn row(&self, number: u64, rows: usize) -> Result<(), Fault> {
        if rows >= self.rows {
            let what = format!("more than {} rows", self.rows);
            return Err(Fault::at(number, 0, what, "split the export by hour or raise the limit"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_place_and_remedy() {
        let text = Fault::at(3, 7, "no closing brace", "write the labels out").to_string();
        assert_eq!(text, "line 3, column 7: no closing brace: write the labels out");
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt("a\u{7}b"), "a?b");
        assert!(excerpt(&"x".repeat(1000)).chars().count() <= 61);
    }

    #[test]
    fn limits_refuse_size_and_encoding() {
        let limits = TextLimits { file_bytes: 4, ..TextLimits::default() };
        assert!(limits.text(b"12345").is_err());
        let fault = TextLimits::default().text(b"a\n\xff").expect_err("not UTF-8");
        assert_eq!(fault.line, 2);
    }
}
