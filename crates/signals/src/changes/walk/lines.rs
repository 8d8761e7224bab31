//! Added and removed lines of one file.
//!
//! A line is what ends with a line feed, or the rest of the file; with its ending, so that a changed ending is a changed line. A file with a
//! zero byte in its first 8,000 bytes is binary and has no lines, as in git. The algorithm is Myers' (imara-diff); git's own is the
//! same with other heuristics, so that very large changes may differ by a few lines on both sides, and added minus removed never.

use crate::changes::attestation::Lines;
use imara_diff::{Algorithm, Diff, InternedInput};

/// So many bytes decide whether a file is binary (git, `xdiff-interface.c`).
const BINARY_BYTES: usize = 8_000;

/// Whether git would call the content binary.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
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

/// Both files without the whole lines that they share at start and end.
fn trim<'a>(old: &'a [u8], new: &'a [u8]) -> (&'a [u8], &'a [u8]) {
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
    (&old[..old.len() - end], &new[..new.len() - end])
}

/// Added and removed lines.
pub(super) fn changed(old: &[u8], new: &[u8]) -> (u64, u64) {
    let (old, new) = trim(old, new);
    if old.is_empty() || new.is_empty() {
        return (count(new), count(old));
    }
    let input = InternedInput::new(old, new);
    let diff = Diff::compute(Algorithm::Myers, &input);
    (u64::from(diff.count_additions()), u64::from(diff.count_removals()))
}

/// Added lines as ranges, from 1, placed as git places them (indent heuristic).
pub(super) fn added(old: &[u8], new: &[u8]) -> Vec<Lines> {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    let hunks = diff.hunks().filter(|hunk| !hunk.after.is_empty());
    hunks.map(|hunk| (hunk.after.start + 1, hunk.after.end)).collect()
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

    /// Longest common subsequence of lines, by the textbook.
    fn shared(a: &[&[u8]], b: &[&[u8]]) -> u64 {
        let mut row = vec![0u64; b.len() + 1];
        for line in a {
            let mut corner = 0;
            for (at, other) in b.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if line == other { corner + 1 } else { above.max(row[at]) };
                corner = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn small_changes_are_minimal(old in "[ab\n]{0,40}", new in "[ab\n]{0,40}") {
            let split = |text: &'static str| text.as_bytes().split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>();
            let (old, new): (&'static str, &'static str) = (old.leak(), new.leak());
            let (a, b) = (split(old), split(new));
            let common = shared(&a, &b);
            let (added_lines, removed) = changed(old.as_bytes(), new.as_bytes());
            prop_assert_eq!((added_lines, removed), (b.len() as u64 - common, a.len() as u64 - common));
            prop_assert_eq!(attestation::count(&added(old.as_bytes(), new.as_bytes())), added_lines);
        }
    }
}
