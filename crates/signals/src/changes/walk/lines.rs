//! Added and removed lines of one file.
//!
//! A line is what ends with a line feed, or the rest of the file; with its ending, so that a changed ending is a changed line. A file with a
//! zero byte in its first 8,000 bytes is binary and has no lines, as in git. The counts are those of a shortest edit script, after one
//! rule of git's (and GNU diff's): frequent lines inside a passage that is otherwise new do not count as kept. Git also cuts its search short
//! in very large changes; there it counts some more lines on both sides. Added minus removed is the same for every algorithm.

use super::myers::{self, Script};
use crate::changes::attestation::Lines;
use imara_diff::{Algorithm, Diff, InternedInput};

/// So many bytes decide whether a file is binary (git, `xdiff-interface.c`).
const BINARY_BYTES: usize = 8_000;

/// A line this frequent in the other file is always called frequent.
const MOST_FREQUENT: u32 = 1_024;
/// So many lines on either side decide whether a line stands in a new passage.
const WINDOW: usize = 100;

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

/// The edit script of two parts that begin at `start`, and the new part's lines as tokens.
fn script(old: &[u8], (old_part, new_part): (&[u8], &[u8]), start: usize) -> (Script, Vec<u32>) {
    let mut input = InternedInput::new(old_part, new_part);
    let plain = |list: &[imara_diff::Token]| list.iter().map(|token| token.0).collect::<Vec<u32>>();
    let (a, b) = (plain(&input.before), plain(&input.after));
    let tokens = input.interner.num_tokens();
    let around = [&old[..start], &old[start + old_part.len()..]];
    let marked = passages(&a, &b, tokens, || {
        // Lines outside the parts are in both files.
        let lines = around.iter().flat_map(|bytes| imara_diff::sources::byte_lines(bytes));
        lines.map(|line| input.interner.intern(line).0).collect()
    });
    let script = myers::script(&a, &b, tokens, marked).unwrap_or_else(|_| {
        let diff = Diff::compute(Algorithm::Myers, &input);
        Script {
            removed: (0..).take(a.len()).map(|at| diff.is_removed(at)).collect(),
            added: (0..).take(b.len()).map(|at| diff.is_added(at)).collect(),
        }
    });
    (script, b)
}

/// How often each token stands in a list.
fn occurrences(list: &[u32], tokens: u32) -> Vec<u32> {
    let mut out = vec![0; tokens as usize];
    for token in list {
        if let Some(count) = out.get_mut(*token as usize) {
            *count += 1;
        }
    }
    out
}

/// From how many occurrences in the other file a line is frequent: about the square root of the lines of its own file, as a power of two.
fn frequent(lines: usize) -> u32 {
    let mut limit = 1;
    let mut left = lines;
    while left > 0 {
        (limit, left) = (limit << 1, left >> 2);
    }
    limit.min(MOST_FREQUENT)
}

/// Frequent lines inside passages that are otherwise new, marked as changed on both sides. `around` gives the lines that both files have
/// outside the two parts; it is asked only when the parts have passages at all.
fn passages(a: &[u32], b: &[u32], tokens: u32, around: impl FnOnce() -> Vec<u32>) -> Script {
    let mut out = Script::unmarked(a, b);
    let (mut in_a, mut in_b) = (occurrences(a, tokens), occurrences(b, tokens));
    let lacking = |list: &[u32], other: &[u32]| list.iter().filter(|token| other[**token as usize] == 0).count();
    let (new_a, new_b) = (lacking(a, &in_b), lacking(b, &in_a));
    // A passage has at least seven new lines and one that is not.
    if !(7..a.len()).contains(&new_a) && !(7..b.len()).contains(&new_b) {
        return out;
    }
    let around = around();
    for (sum, more) in occurrences(&around, tokens).into_iter().enumerate() {
        in_a[sum] += more;
        in_b[sum] += more;
    }
    mark(a, &in_b, frequent(a.len() + around.len()), &mut out.removed);
    mark(b, &in_a, frequent(b.len() + around.len()), &mut out.added);
    out
}

/// Marks the frequent lines of one side.
fn mark(list: &[u32], in_other: &[u32], limit: u32, marked: &mut [bool]) {
    let count = |at: usize| in_other[list[at] as usize];
    // New and frequent lines in one direction, up to the first line that is neither.
    let run = |places: &mut dyn Iterator<Item = usize>| {
        let (mut new, mut common) = (0, 1);
        for at in places {
            match count(at) {
                0 => new += 1,
                times if times >= limit => common += 1,
                _ => break,
            }
        }
        (new, common)
    };
    for at in (0..list.len()).filter(|at| count(*at) >= limit) {
        let before = run(&mut (at.saturating_sub(WINDOW)..at).rev());
        let after = run(&mut (at + 1..list.len().min(at + 1 + WINDOW)));
        let (new, common) = (before.0 + after.0, before.1 + after.1);
        marked[at] = before.0 > 0 && after.0 > 0 && common * 4 < common + new;
    }
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
        assert_eq!(
            (frequent(0), frequent(1), frequent(16), frequent(3_000), frequent(10_000_000)),
            (1, 2, 8, 64, 1_024)
        );
    }

    #[test]
    fn blocks_slide_down_as_in_git() {
        assert_eq!(added(b"a\n}\n", b"a\n}\nb\n}\n"), [(3, 4)]);
        assert_eq!(added(b"x\n", b"x\nx\n"), [(2, 2)]);
        assert_eq!(added(b"}\nq\n", b"z\n}\nb\n}\nq\nw\n"), [(1, 1), (3, 4), (6, 6)]);
    }
}
