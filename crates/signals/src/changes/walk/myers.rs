//! The shortest edit script of two sequences, after Myers ("An O(ND) Difference Algorithm and Its Variations", Algorithmica 1986), in linear
//! space: find the middle of a shortest path from both ends, then solve both halves.
//!
//! A shortest script has as few added and removed lines as can be, whatever program computes it. That makes the counts a fact about the
//! two files and not about a tool. Work is bounded; beyond the bound the caller uses another algorithm.

/// Most steps for one file. Random files of 4,000 lines each stay below it.
const MAX_STEPS: u64 = 30_000_000;

/// What is added and removed, by line.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) removed: Vec<bool>,
    pub(super) added: Vec<bool>,
}

impl Script {
    /// Nothing is marked.
    pub(super) fn unmarked(a: &[u32], b: &[u32]) -> Self {
        Self { removed: vec![false; a.len()], added: vec![false; b.len()] }
    }
}

/// The bound on work was reached.
#[derive(Debug)]
pub(super) struct TooMuch;

struct Search<'a> {
    a: &'a [u32],
    b: &'a [u32],
    forward: Vec<i32>,
    backward: Vec<i32>,
    steps: u64,
}

/// Both sequences without what the other one lacks, and where each element stands: what stands on one side only is changed in any script.
///
/// What `changed` marks already is left out too.
fn shared_only(a: &[u32], b: &[u32], tokens: u32, changed: &mut [bool]) -> (Vec<u32>, Vec<usize>) {
    let mut in_b = vec![false; tokens as usize];
    for token in b {
        in_b[*token as usize] = true;
    }
    let mut kept = (Vec::with_capacity(a.len()), Vec::with_capacity(a.len()));
    for (at, token) in a.iter().enumerate() {
        if in_b[*token as usize] && !changed[at] {
            kept.0.push(*token);
            kept.1.push(at);
        } else {
            changed[at] = true;
        }
    }
    kept
}

/// The shortest script from `a` to `b`, whose elements are below `tokens`, among those that change what `out` marks already.
pub(super) fn script(a: &[u32], b: &[u32], tokens: u32, mut out: Script) -> Result<Script, TooMuch> {
    let (short_a, from_a) = shared_only(a, b, tokens, &mut out.removed);
    let (short_b, from_b) = shared_only(b, a, tokens, &mut out.added);
    let size = short_a.len() + short_b.len() + 4;
    let mut search =
        Search { a: &short_a, b: &short_b, forward: vec![0; 2 * size], backward: vec![0; 2 * size], steps: MAX_STEPS };
    let (mut removed, mut added) = (vec![false; short_a.len()], vec![false; short_b.len()]);
    search.solve((0, short_a.len()), (0, short_b.len()), &mut removed, &mut added)?;
    for (at, _) in removed.iter().enumerate().filter(|(_, changed)| **changed) {
        out.removed[from_a[at]] = true;
    }
    for (at, _) in added.iter().enumerate().filter(|(_, changed)| **changed) {
        out.added[from_b[at]] = true;
    }
    Ok(out)
}

impl Search<'_> {
    fn solve(
        &mut self,
        (mut a0, mut a1): (usize, usize),
        (mut b0, mut b1): (usize, usize),
        removed: &mut [bool],
        added: &mut [bool],
    ) -> Result<(), TooMuch> {
        while a0 < a1 && b0 < b1 && self.a[a0] == self.b[b0] {
            (a0, b0) = (a0 + 1, b0 + 1);
        }
        while a0 < a1 && b0 < b1 && self.a[a1 - 1] == self.b[b1 - 1] {
            (a1, b1) = (a1 - 1, b1 - 1);
        }
        if a0 == a1 || b0 == b1 {
            removed[a0..a1].fill(true);
            added[b0..b1].fill(true);
            return Ok(());
        }
        let (x, y) = self.middle(&self.a[a0..a1], &self.b[b0..b1])?;
        // A path of at least one step has its middle away from one corner; without progress there would be no end.
        if (x, y) == (0, 0) || (x, y) == (a1 - a0, b1 - b0) {
            return Err(TooMuch);
        }
        self.solve((a0, a0 + x), (b0, b0 + y), removed, added)?;
        self.solve((a0 + x, a1), (b0 + y, b1), removed, added)
    }

    /// A point in the middle of a shortest path. Both sequences have elements, and their first and last ones differ.
    fn middle(&mut self, a: &[u32], b: &[u32]) -> Result<(usize, usize), TooMuch> {
        let signed = |length: usize| i32::try_from(length).map_err(|_| TooMuch);
        let (n, m) = (signed(a.len())?, signed(b.len())?);
        let (delta, zero) = (n - m, signed(self.forward.len() / 2)?);
        // Diagonals lie between -m - 1 and n + 1, and the lists have room for both on either side of `zero`.
        let at = |diagonal: i32| (zero + diagonal) as usize;
        let (forward, backward) = (&mut self.forward, &mut self.backward);
        (forward[at(1)], backward[at(1)]) = (0, 0);
        for d in 0..=(n + m + 1) / 2 {
            // Diagonals outside the box hold no point.
            let (low, high) = (-(d - 2 * (d - m).max(0)), d - 2 * (d - n).max(0));
            let width = u64::try_from(high - low + 2).unwrap_or(0);
            self.steps = self.steps.checked_sub(width).ok_or(TooMuch)?;
            for k in (low..=high).step_by(2) {
                let (x0, x) = reach(forward, &at, k, d, (n, m), |x, y| a[x] == b[y]);
                let other = delta - k;
                if delta % 2 != 0 && other.abs() < d && x + backward[at(other)] >= n {
                    return Ok(point(x0, x0 - k));
                }
            }
            for k in (low..=high).step_by(2) {
                let last = (a.len() - 1, b.len() - 1);
                let (x0, x) = reach(backward, &at, k, d, (n, m), |x, y| a[last.0 - x] == b[last.1 - y]);
                let other = delta - k;
                if delta % 2 == 0 && other.abs() <= d && x + forward[at(other)] >= n {
                    return Ok(point(n - x0, m - (x0 - k)));
                }
            }
        }
        Err(TooMuch)
    }
}

/// Coordinates inside the box are never negative.
const fn point(x: i32, y: i32) -> (usize, usize) {
    (x as usize, y as usize)
}

/// The furthest point on diagonal `k` with `d` steps: where the step ends, and where the equal elements after it end.
fn reach(
    best: &mut [i32],
    at: &impl Fn(i32) -> usize,
    k: i32,
    d: i32,
    (n, m): (i32, i32),
    same: impl Fn(usize, usize) -> bool,
) -> (i32, i32) {
    let down = k == -d || (k != d && best[at(k - 1)] < best[at(k + 1)]);
    let start = if down { best[at(k + 1)] } else { best[at(k - 1)] + 1 };
    let mut x = start;
    while x < n && x - k < m {
        let (i, j) = point(x, x - k);
        if !same(i, j) {
            break;
        }
        x += 1;
    }
    best[at(k)] = x;
    (start, x)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Longest common subsequence, by the textbook.
    fn shared(a: &[u32], b: &[u32]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut corner = 0;
            for (at, y) in b.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if x == y { corner + 1 } else { std::cmp::max(above, row[at]) };
                corner = above;
            }
        }
        row[b.len()]
    }

    fn kept(list: &[u32], changed: &[bool]) -> Vec<u32> {
        list.iter().zip(changed).filter(|(_, changed)| !**changed).map(|(token, _)| *token).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_script_is_right_and_shortest(
            a in proptest::collection::vec(0u32..6, 0..40),
            b in proptest::collection::vec(0u32..6, 0..40),
        ) {
            let script = script(&a, &b, 6, Script::unmarked(&a, &b)).unwrap();
            let left = kept(&a, &script.removed);
            prop_assert_eq!(&left, &kept(&b, &script.added));
            prop_assert_eq!(left.len(), shared(&a, &b));
        }
    }

    #[test]
    fn work_is_bounded() {
        let list = |seed: u64| {
            let mut state = seed;
            let next = move |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                u32::try_from(state >> 40).unwrap() % 500
            };
            (0..40_000).map(next).collect::<Vec<u32>>()
        };
        let (a, b) = (list(1), list(2));
        assert!(script(&a, &b, 500, Script::unmarked(&a, &b)).is_err());
    }
}
