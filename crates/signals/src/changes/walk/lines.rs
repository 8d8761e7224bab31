//! Added and removed lines of one file.
//!
//! A line is what ends with a line feed, or the rest of the file; with its ending, so that a changed ending is a changed line. A file with a
//! zero byte in its first 8,000 bytes is binary and has no lines, as in git. The counts are git's: those of a shortest edit script, but for
//! frequent lines in new passages ([`super::frequent`]) and very large changes ([`super::search`]). Added minus removed is the same for
//! every algorithm.

use super::frequent::{kept, may_matter, occurrences};
use super::search::{self, Script};
use crate::changes::attestation::Lines;
use imara_diff::InternedInput;

/// So many bytes decide whether a file is binary (git, `xdiff-interface.c`).
const BINARY_BYTES: usize = 8_000;

/// Names the rule by which lines are counted; rows in caches depend on it.
pub(super) const RULE: &str = "git-2";

/// Up to so many lines on both sides together a search is never cut short.
const NEVER_CUT: usize = 500;

/// Whether git would call the content binary.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(BINARY_BYTES)]).is_some()
}

/// Number of lines.
pub(super) fn count(bytes: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', bytes).count() as u64;
    ends + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"))
}

/// Length of the common start, in bytes.
fn common_start(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 64;
    let blocks = a.chunks_exact(STEP).zip(b.chunks_exact(STEP)).take_while(|(a, b)| a == b).count() * STEP;
    blocks + a[blocks..].iter().zip(&b[blocks..]).take_while(|(a, b)| a == b).count()
}

/// Length of the common end, in bytes.
fn common_end(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 64;
    let blocks = a.rchunks_exact(STEP).zip(b.rchunks_exact(STEP)).take_while(|(a, b)| a == b).count() * STEP;
    let (a, b) = (&a[..a.len() - blocks], &b[..b.len() - blocks]);
    blocks + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// Both files without the whole lines that they share at start and end, and how many bytes they share at the start.
fn trim<'a>(old: &'a [u8], new: &'a [u8]) -> (&'a [u8], &'a [u8], usize) {
    let start = common_start(old, new);
    let start = memchr::memrchr(b'\n', &old[..start]).map_or(0, |at| at + 1);
    let (old, new) = (&old[start..], &new[start..]);
    let end = common_end(old, new);
    let (old_at, new_at) = (old.len() - end, new.len() - end);
    let at_line = |bytes: &[u8], at: usize| at == 0 || bytes[at - 1] == b'\n';
    let end = if at_line(old, old_at) && at_line(new, new_at) {
        end
    } else {
        memchr::memchr(b'\n', &old[old_at..]).map_or(0, |line| end - line - 1)
    };
    (&old[..old.len() - end], &new[..new.len() - end], start)
}

/// Added and removed lines.
pub(super) fn changed(old: &[u8], new: &[u8]) -> (u64, u64) {
    let (old_part, new_part, start) = trim(old, new);
    if old_part.is_empty() || new_part.is_empty() {
        return (count(new_part), count(old_part));
    }
    let (script, _) = script(old, (old_part, new_part), start);
    let number = |list: &[bool]| list.iter().filter(|changed| **changed).count() as u64;
    (number(&script.added), number(&script.removed))
}

/// Which lines of the old and of the new version changed, by the script that the counts follow. The lines that did not change pair up in order.
pub(crate) fn marks(old: &[u8], new: &[u8]) -> (Vec<bool>, Vec<bool>) {
    let (old_part, new_part, start) = trim(old, new);
    let places = |lines: u64| usize::try_from(lines).unwrap_or(usize::MAX);
    let before = places(count(&old[..start]));
    let after = places(count(&old[start + old_part.len()..]));
    let (removed, added) = if old_part.is_empty() || new_part.is_empty() {
        (vec![true; places(count(old_part))], vec![true; places(count(new_part))])
    } else {
        let (script, _) = script(old, (old_part, new_part), start);
        (script.removed, script.added)
    };
    let whole = |part: Vec<bool>| {
        let mut out = vec![false; before];
        out.extend(part);
        out.extend(std::iter::repeat_n(false, after));
        out
    };
    (whole(removed), whole(added))
}

/// The edit script of two parts that begin at `start`, and the new part's lines as tokens.
fn script(old: &[u8], (old_part, new_part): (&[u8], &[u8]), start: usize) -> (Script, Vec<u32>) {
    let mut input = InternedInput::new(old_part, new_part);
    let plain = |list: &[imara_diff::Token]| list.iter().map(|token| token.0).collect::<Vec<u32>>();
    let (a, b) = (plain(&input.before), plain(&input.after));
    let tokens = input.interner.num_tokens();
    let (mut in_a, mut in_b) = (occurrences(&a, tokens), occurrences(&b, tokens));
    let (mut a_lines, mut b_lines) = (0, 0);
    // How often a line stands in the whole file matters for frequent lines, and for the search where it may be cut short.
    if a.len() + b.len() > NEVER_CUT || may_matter(&a, &in_b) || may_matter(&b, &in_a) {
        // Lines outside the parts are in both files.
        let around = [&old[..start], &old[start + old_part.len()..]];
        let mut lines = 0;
        for line in around.iter().flat_map(|bytes| imara_diff::sources::byte_lines(bytes)) {
            lines += 1;
            let token = input.interner.intern(line).0 as usize;
            // A token beyond these is of a line that no part has.
            if let (Some(x), Some(y)) = (in_a.get_mut(token), in_b.get_mut(token)) {
                (*x, *y) = (*x + 1, *y + 1);
            }
        }
        (a_lines, b_lines) = (a.len() + lines, b.len() + lines);
    }
    let ((short_a, from_a), (short_b, from_b)) = (kept(&a, &in_b, a_lines), kept(&b, &in_a, b_lines));
    let found = search::script(&short_a, &short_b);
    let mut out = Script::all(&a, &b);
    for (at, changed) in from_a.into_iter().zip(found.removed) {
        out.removed[at] = changed;
    }
    for (at, changed) in from_b.into_iter().zip(found.added) {
        out.added[at] = changed;
    }
    (out, b)
}

/// Added lines as ranges, from 1. A block that could stand higher or lower stands as low as it can, as in git without its indent heuristic.
pub(super) fn added(old: &[u8], new: &[u8]) -> Vec<Lines> {
    // The same script as for the counts, so that no more lines are attested than added.
    let (old_part, new_part, start) = trim(old, new);
    let before = count(&new[..start]);
    let (mut added, tokens) = if new_part.is_empty() {
        (Vec::new(), Vec::new())
    } else if old_part.is_empty() {
        let lines = usize::try_from(count(new_part)).unwrap_or(0);
        (vec![true; lines], Vec::new())
    } else {
        let (script, tokens) = script(old, (old_part, new_part), start);
        (script.added, tokens)
    };
    slide_down(&mut added, &tokens);
    let mut out: Vec<Lines> = Vec::new();
    for (line, _) in (before + 1..).zip(&added).filter(|(_, added)| **added) {
        let Ok(line) = u32::try_from(line) else { break };
        match out.last_mut() {
            Some(last) if last.1 + 1 == line => last.1 = line,
            _ => out.push((line, line)),
        }
    }
    out
}

/// Moves each added block down while the line after it equals its first one.
fn slide_down(added: &mut [bool], tokens: &[u32]) {
    let mut end = tokens.len();
    while let Some(last) = added[..end.min(added.len())].iter().rposition(|added| *added) {
        let first = added[..last].iter().rposition(|added| !*added).map_or(0, |at| at + 1);
        let (mut from, mut to) = (first, last + 1);
        while to < tokens.len() && !added[to] && tokens[from] == tokens[to] {
            (added[from], added[to]) = (false, true);
            (from, to) = (from + 1, to + 1);
        }
        end = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::attestation;
    use proptest::prelude::*;

    #[test]
    fn lines_are_counted_with_their_endings() {
        for (old, new, wanted) in [
            ("", "a\nb", (2, 0)),
            ("a\nb\n", "a\nb", (1, 1)),
            ("a\r\nb\r\n", "a\nb\n", (2, 2)),
            ("a\nb\nc\n", "a\nx\nc\n", (1, 1)),
            ("a\na\na\n", "a\na\n", (0, 1)),
            ("xa\n", "ya\n", (1, 1)),
            ("a\nb", "a\nb\nc", (2, 1)),
            ("same\n", "same\n", (0, 0)),
            ("\n\n\n", "\n\n", (0, 1)),
        ] {
            assert_eq!(changed(old.as_bytes(), new.as_bytes()), wanted, "{old:?} {new:?}");
        }
        assert_eq!(added(b"a\nb\n", b"x\na\nb\ny\n"), [(1, 1), (4, 4)]);
        assert!(is_binary(b"a\0") && !is_binary(b"a"));
    }

    proptest! {
        #[test]
        fn counts_fit_each_other(old in "[ab\n]{0,40}", new in "[ab\n]{0,40}") {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            let (more, less) = changed(old, new);
            prop_assert_eq!(attestation::count(&added(old, new)), more);
            let (removed_marks, added_marks) = marks(old, new);
            let number = |list: &[bool]| list.iter().filter(|changed| **changed).count() as u64;
            prop_assert_eq!((number(&added_marks), number(&removed_marks)), (more, less));
            prop_assert_eq!((removed_marks.len() as u64, added_marks.len() as u64), (count(old), count(new)));
            let kept = |bytes: &[u8], marks: &[bool]| -> Vec<Vec<u8>> {
                let lines = bytes.split_inclusive(|byte| *byte == b'\n');
                lines.zip(marks).filter(|(_, changed)| !**changed).map(|(line, _)| line.to_vec()).collect()
            };
            prop_assert_eq!(kept(old, &removed_marks), kept(new, &added_marks));
            prop_assert_eq!(count(old) + more, count(new) + less);
        }
    }

    #[test]
    fn frequent_lines_in_new_passages_do_not_count_as_kept() {
        // Sixteen separators are frequent; between lines that are all new, two of them are no sign that something was kept.
        let old = "=\n".repeat(16) + &"-\n".repeat(16);
        let new = format!(
            "=\n{}=\n{}=\n",
            (0..9).map(|n| format!("a{n}\n")).collect::<String>(),
            (0..9).map(|n| format!("b{n}\n")).collect::<String>()
        );
        let (more, less) = changed(old.as_bytes(), new.as_bytes());
        assert_eq!((more, less), (19, 30));
    }

    #[test]
    fn blocks_slide_down_as_in_git() {
        assert_eq!(added(b"a\n}\n", b"a\n}\nb\n}\n"), [(3, 4)]);
        assert_eq!(added(b"x\n", b"x\nx\n"), [(2, 2)]);
        assert_eq!(added(b"}\nq\n", b"z\n}\nb\n}\nq\nw\n"), [(1, 1), (3, 4), (6, 6)]);
    }
}
