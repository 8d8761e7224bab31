//! Where the lines of a change come from: new text, or text that an earlier change was the first to have.
//!
//! The origin of a line is the first change, in the order in which they are read, after which some file has a line with this text. White space
//! does not count, nor does the kind of quotes, nor a comma before a closing bracket or at the end, because tools that lay out code change those.
//! Text that stood in a file before the first change that is read has no origin, and so has a line that says too little ([`is_telling`]).
//!
//! Conditions under which it is wrong: two authors who write the same line on their own count as one, the earlier; a reworded line is new.

use crate::changes::walk::{is_binary, line_marks};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};

/// Fewest bytes of a telling line, white space left out.
const TELLING_BYTES: usize = 8;
/// Fewest letters and digits of a telling line.
const TELLING_LETTERS: usize = 4;

/// Number of a change in the order of reading.
pub type Change = u32;

/// What a change made of lines that AI changes had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// Added telling lines.
    pub telling: u64,
    /// Of these, lines of AI changes that stand for lines of the same place.
    pub laid_out: u64,
    /// Of these, other lines of AI changes.
    pub moved: u64,
    /// How many of both come from which AI change.
    pub from: BTreeMap<Change, u64>,
}

/// The change that first had a line; none for a person's and for what stood there before.
#[derive(Debug, Default)]
pub struct Origins {
    first: HashMap<u64, Option<Change>>,
}

/// Appends a line's text as it is compared: no white space, one kind of quotes, no comma before a closing bracket.
fn push_plain(out: &mut Vec<u8>, line: &[u8]) {
    for byte in line.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        if matches!(byte, b')' | b']' | b'}') && out.last() == Some(&b',') {
            out.pop();
        }
        out.push(if *byte == b'\'' { b'"' } else { *byte });
    }
}

/// A line as it is compared.
fn plain(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    push_plain(&mut out, line);
    if out.len() > 1 && out.last() == Some(&b',') {
        out.pop();
    }
    out
}

/// Whether a line, as it is compared, says so much that its text has an origin: eight bytes or more, four of them letters or digits.
#[must_use]
pub fn is_telling(plain: &[u8]) -> bool {
    let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80;
    plain.len() >= TELLING_BYTES && plain.iter().filter(letter).count() >= TELLING_LETTERS
}

fn key(plain: &[u8]) -> u64 {
    // Without random keys, so that every run finds the same. Who wants equal keys can just as well reword a line.
    let mut hash = DefaultHasher::new();
    hash.write(plain);
    hash.finish()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.is_empty() { Vec::new() } else { bytes.split_inclusive(|byte| *byte == b'\n').collect() }
}

/// One version of a file, by lines.
struct Version {
    /// Lines as they are compared.
    plain: Vec<Vec<u8>>,
    /// The same with a line end each.
    text: Vec<u8>,
}

impl Version {
    fn new(bytes: &[u8]) -> Self {
        let plain: Vec<Vec<u8>> = lines(bytes).into_iter().map(plain).collect();
        let mut text = Vec::with_capacity(bytes.len());
        for line in &plain {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        Self { plain, text }
    }
}

impl Origins {
    /// Enters the lines of a version that nobody had before, with the AI change that brought them, or none.
    pub fn enter(&mut self, version: &[u8], change: Option<Change>) {
        if is_binary(version) {
            return;
        }
        let mut text = Vec::new();
        for line in lines(version) {
            text.clear();
            push_plain(&mut text, line);
            if text.len() > 1 && text.last() == Some(&b',') {
                text.pop();
            }
            if is_telling(&text) {
                self.first.entry(key(&text)).or_insert(change);
            }
        }
    }

    fn origin(&self, plain: &[u8]) -> Option<Change> {
        self.first.get(&key(plain)).copied().flatten().filter(|_| is_telling(plain))
    }

    /// What a person's change of one file makes of AI's lines. The old version has been entered; what is new in the new one is entered here, and a
    /// line that was only laid out keeps its origin.
    pub fn judge(&mut self, old: &[u8], new: &[u8], again: &mut Again) {
        if is_binary(old) || is_binary(new) {
            return;
        }
        let (removed, added) = line_marks(old, new);
        let changed = |bytes, marks: &[bool]| {
            let lines = lines(bytes).into_iter().zip(marks).enumerate();
            lines.filter(|(_, (_, changed))| **changed).map(|(at, (line, _))| (at, plain(line))).collect::<Vec<_>>()
        };
        // Only where lines of AI's are gone can others stand for them.
        let laid_out = if changed(old, &removed).iter().any(|(_, line)| self.origin(line).is_some()) {
            self.laid_out(&Version::new(old), &Version::new(new))
        } else {
            BTreeMap::new()
        };
        for (at, line) in changed(new, &added).into_iter().filter(|(_, line)| is_telling(line)) {
            again.telling += 1;
            let from = match laid_out.get(&at) {
                Some(origin) => origin.inspect(|_| again.laid_out += 1),
                None => self.origin(&line).inspect(|_| again.moved += 1),
            };
            if let Some(from) = from {
                *again.from.entry(from).or_default() += 1;
            }
            self.first.entry(key(&line)).or_insert(from);
        }
    }

    /// New lines that stand for old lines of the same place, with the old lines' origin: by line, or where a whole passage has the same text.
    fn laid_out(&self, before: &Version, after: &Version) -> BTreeMap<usize, Option<Change>> {
        let (removed, added) = line_marks(&before.text, &after.text);
        let mut out = BTreeMap::new();
        let (mut i, mut j) = (0, 0);
        while i < removed.len() || j < added.len() {
            let (from_i, from_j) = (i, j);
            while removed.get(i) == Some(&true) {
                i += 1;
            }
            while added.get(j) == Some(&true) {
                j += 1;
            }
            if from_i < i && from_j < j {
                self.passage(&before.plain[from_i..i], &after.plain[from_j..j], from_j, &mut out);
            }
            if i < removed.len() && j < added.len() {
                out.insert(j, self.origin(&before.plain[i]));
            }
            (i, j) = (i + 1, j + 1);
        }
        out
    }

    /// A passage whose text is the same with other line ends. A new line has the origin of the old line in which its text begins.
    fn passage(&self, old: &[Vec<u8>], new: &[Vec<u8>], first: usize, out: &mut BTreeMap<usize, Option<Change>>) {
        let join = |lines: &[Vec<u8>]| {
            let (mut text, mut starts) = (Vec::new(), Vec::with_capacity(lines.len()));
            for line in lines {
                starts.push(text.len());
                push_plain(&mut text, line);
            }
            (text, starts)
        };
        // Commas at line ends were left out of both sides above; here they are part of the text on neither.
        let without = |(text, starts): (Vec<u8>, Vec<usize>)| {
            let mut kept = Vec::with_capacity(text.len());
            let mut places = vec![0; text.len() + 1];
            for (at, byte) in text.iter().enumerate() {
                places[at] = kept.len();
                if *byte != b',' {
                    kept.push(*byte);
                }
            }
            places[text.len()] = kept.len();
            (kept, starts.into_iter().map(|at| places[at.min(text.len())]).collect::<Vec<usize>>())
        };
        let ((a, a_starts), (b, b_starts)) = (without(join(old)), without(join(new)));
        if a != b || a.is_empty() {
            return;
        }
        for (at, start) in b_starts.into_iter().enumerate() {
            // The last old line that begins at or before the place.
            let line = a_starts.partition_point(|from| *from <= start).saturating_sub(1);
            out.insert(first + at, old.get(line).and_then(|line| self.origin(line)));
        }
    }
}

#[cfg(test)]
mod tests;
