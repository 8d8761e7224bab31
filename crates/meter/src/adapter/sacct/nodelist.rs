//! Slurm's compressed host lists: `n[1-2,5]`, `gpu[001-010],login1`, `r[1-2]n[1-4]`.

use crate::adapter::fault::{Fault, excerpt};

/// Nodes that one list may expand to.
pub const MOST_NODES: usize = 100_000;

/// Expands a list; zero padding is kept (`gpu[08-10]` is gpu08, gpu09, gpu10). `None assigned` and the empty text are no nodes.
///
/// # Errors
/// When a bracket does not close, a range is no range, or the list is longer than [`MOST_NODES`].
pub fn expand(text: &str, line: u64) -> Result<Vec<String>, Fault> {
    if matches!(text, "" | "None assigned" | "(null)" | "Unknown") {
        return Ok(Vec::new());
    }
    let mut nodes = Vec::new();
    for item in top_level_items(text, line)? {
        let mut names = vec![String::new()];
        let mut rest = item;
        while let Some((plain, tail)) = rest.split_once('[') {
            let Some((ranges, after)) = tail.split_once(']') else { return Err(bad(line, item)) };
            let choices = choices(ranges, line, item)?;
            let size = names.len().saturating_mul(choices.len());
            if size.saturating_add(nodes.len()) > MOST_NODES {
                return Err(too_many(line));
            }
            names = names.iter().flat_map(|n| choices.iter().map(move |c| format!("{n}{plain}{c}"))).collect();
            rest = after;
        }
        if nodes.len() + names.len() > MOST_NODES {
            return Err(too_many(line));
        }
        nodes.extend(names.into_iter().map(|name| name + rest));
    }
    Ok(nodes)
}

fn too_many(line: u64) -> Fault {
    Fault::at(line, 0, format!("a node list of more than {MOST_NODES} nodes"), "export one partition at a time")
}

fn bad(line: u64, item: &str) -> Fault {
    Fault::at(line, 0, format!("`{}` is no node list", excerpt(item)), "export NodeList unchanged")
}

fn top_level_items(text: &str, line: u64) -> Result<Vec<&str>, Fault> {
    let (mut depth, mut from, mut items) = (0_u32, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' if depth == 0 => depth = 1,
            b']' if depth == 1 => depth = 0,
            b'[' | b']' => return Err(bad(line, text)),
            b',' if depth == 0 => {
                items.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[from..]);
    if depth > 0 || items.iter().any(|item| item.is_empty()) {
        return Err(bad(line, text));
    }
    Ok(items)
}

fn choices(ranges: &str, line: u64, item: &str) -> Result<Vec<String>, Fault> {
    let mut out = Vec::new();
    for range in ranges.split(',') {
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let number = |digits: &str| {
            if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad(line, item));
            }
            digits.parse::<usize>().map_err(|_| bad(line, item))
        };
        let (first, last) = (number(low)?, number(high)?);
        if first > last {
            return Err(bad(line, item));
        }
        if out.len() + (last - first) >= MOST_NODES {
            return Err(too_many(line));
        }
        out.extend((first..=last).map(|n| format!("{n:0width$}", width = low.len())));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn expands_what_slurm_compresses() {
        assert_eq!(expand("n[1-2,5]", 1).expect("list"), ["n1", "n2", "n5"]);
        assert_eq!(expand("gpu[08-10],login1", 1).expect("list"), ["gpu08", "gpu09", "gpu10", "login1"]);
        assert_eq!(expand("r[1-2]n[1-2]x", 1).expect("list"), ["r1n1x", "r1n2x", "r2n1x", "r2n2x"]);
        assert!(expand("None assigned", 1).expect("none").is_empty());
    }

    #[test]
    fn refuses_bombs_and_nonsense() {
        for text in ["n[0-999999999]", "n[1-1000]m[1-1000]", "n[", "n]1[", "n[2-1]", "n[a]", "n[]", "a,,b", "n[1[2]]"] {
            assert!(expand(text, 7).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[n0-9\\[\\],-]{0,40}") {
            let _ = expand(&text, 1);
        }
    }
}
