//! Which lines take part in the search for what two files share.
//!
//! A line that the other file does not have is changed in any case. A line that the other file has very often says little: where it stands
//! between new lines only, as an empty line in a new function does, git and GNU diff take it for new as well. So does this, by git's numbers.

use super::search::rough_root;

/// A line this frequent in the other file is always called frequent.
const MOST_FREQUENT: u32 = 1_024;
/// So many lines on either side decide whether a line stands in a new passage.
const WINDOW: usize = 100;
/// Fewest new lines around a frequent one that make it new: four for each of the two that the rule counts for the line itself.
const FEWEST_NEW: usize = 7;

/// What a line is, seen from the other file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Not there.
    New,
    /// There.
    Known,
    /// There very often.
    Frequent,
}

/// How often each token stands in a list.
pub(super) fn occurrences(list: &[u32], tokens: u32) -> Vec<u32> {
    let mut out = vec![0; tokens as usize];
    for token in list {
        if let Some(count) = out.get_mut(*token as usize) {
            *count += 1;
        }
    }
    out
}

/// Whether frequent lines could be taken for new. Lines that only stand outside the two lists can only make fewer lines new.
pub(super) fn may_matter(list: &[u32], in_other: &[u32]) -> bool {
    let new = list.iter().filter(|token| in_other[**token as usize] == 0).count();
    (FEWEST_NEW..list.len()).contains(&new)
}

/// The tokens of one file that take part, and where each stands. `file_lines` is the length of the whole file; 0 when no line is frequent.
pub(super) fn kept(list: &[u32], in_other: &[u32], file_lines: usize) -> (Vec<u32>, Vec<usize>) {
    let limit = if file_lines == 0 { u32::MAX } else { rough_root(file_lines).min(MOST_FREQUENT) };
    let kind = |token: &u32| match in_other[*token as usize] {
        0 => Line::New,
        times if times >= limit => Line::Frequent,
        _ => Line::Known,
    };
    let kinds: Vec<Line> = list.iter().map(kind).collect();
    let mut out = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
    for (at, token) in list.iter().enumerate() {
        let stays = match kinds[at] {
            Line::New => false,
            Line::Known => true,
            Line::Frequent => !in_new_passage(&kinds, at),
        };
        if stays {
            out.0.push(*token);
            out.1.push(at);
        }
    }
    out
}

/// Whether a frequent line stands between new lines, with few other frequent ones among them.
fn in_new_passage(kinds: &[Line], at: usize) -> bool {
    // New and frequent lines in one direction, up to the first line that is neither.
    let run = |lines: &mut dyn Iterator<Item = &Line>| {
        let (mut new, mut frequent) = (0, 1);
        for line in lines {
            match line {
                Line::New => new += 1,
                Line::Frequent => frequent += 1,
                Line::Known => break,
            }
        }
        (new, frequent)
    };
    let before = run(&mut kinds[at.saturating_sub(WINDOW)..at].iter().rev());
    if before.0 == 0 {
        return false;
    }
    let after = run(&mut kinds[at + 1..kinds.len().min(at + 1 + WINDOW)].iter());
    let (new, frequent) = (before.0 + after.0, before.1 + after.1);
    after.0 > 0 && frequent * 4 < frequent + new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frequent_line_needs_seven_new_ones_around_it() {
        // Token 0 stands four times in the other file, and the files have four lines each: frequent. The others are new.
        for (before, after, stays) in [(3, 3, true), (3, 4, false), (0, 9, true), (9, 0, true)] {
            let mut list: Vec<u32> = vec![1; before];
            list.push(0);
            list.extend(vec![1; after]);
            let (tokens, places) = kept(&list, &[4, 0], 4);
            assert_eq!((tokens.len(), places.first().copied()), if stays { (1, Some(before)) } else { (0, None) });
            assert_eq!(may_matter(&list, &[4, 0]), before + after >= 7);
        }
        // A known line ends the passage; so does a length of the files by which no line is frequent.
        assert_eq!(kept(&[1, 1, 1, 1, 2, 0, 1, 1, 1, 1], &[4, 0, 1], 4).1, [4, 5]);
        assert_eq!(kept(&[1, 1, 1, 1, 0, 1, 1, 1, 1], &[4, 0], 100).1, [4]);
        assert_eq!(kept(&[1, 1, 1, 1, 0, 1, 1, 1, 1], &[4, 0], 0).1, [4]);
    }
}
