//! Which lines two lists share, after Myers ("An O(ND) Difference Algorithm and Its Variations", Algorithmica 1986), in linear space: search
//! from both ends until the searches meet, then solve both halves.
//!
//! Where the lists differ a lot, git does not search to the end. To count the same lines as git, this search stops at the same steps and goes on
//! from the same points, by git's constants and its order of preference (as known from its documentation and behaviour; the tests compare
//! with the program). Up to 500 lines on both sides together, the result is a shortest script. The bound also keeps the work small:
//! each box takes at most about the square root of the lines in steps.

/// A search shorter than this is never cut.
const PATIENCE: i32 = 256;
/// So many equal lines in a row are a good sign.
const RUN: i32 = 20;
/// How much further than its cost a path must have come to be taken at once.
const LEAD: i64 = 4;

/// What is added and removed, by line.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) removed: Vec<bool>,
    pub(super) added: Vec<bool>,
}

impl Script {
    /// All lines changed.
    pub(super) fn all(a: &[u32], b: &[u32]) -> Self {
        Self { removed: vec![true; a.len()], added: vec![true; b.len()] }
    }
}

/// About the square root, as a power of two.
pub(super) const fn rough_root(lines: usize) -> u32 {
    let (mut root, mut left) = (1u32, lines);
    while left > 0 {
        (root, left) = (root << 1, left >> 2);
    }
    root
}

/// Parts of both lists that are still to be solved.
struct Part {
    a: (usize, usize),
    b: (usize, usize),
    /// No short cuts: its ends are known to be near each other.
    exact: bool,
}

/// Where a box is split, counted from its start.
struct Split {
    at: (i32, i32),
    exact: (bool, bool),
}

/// The search from one end. Places are counted from that end, diagonals are the difference of both places. Of equally good diagonals the first
/// one counts: the lowest with `UP`, else the highest.
struct Wave<const UP: bool> {
    /// How far in the first list each diagonal came.
    reach: Vec<i32>,
    zero: i32,
    low: i32,
    high: i32,
}

/// Size of a box.
#[derive(Clone, Copy)]
struct Size {
    n: i32,
    m: i32,
}

impl<const UP: bool> Wave<UP> {
    fn new(size: Size) -> Self {
        // Diagonals lie between -m - 1 and n + 1.
        let room = usize::try_from(size.n + size.m + 3).unwrap_or(0);
        Self { reach: vec![0; room], zero: size.m + 1, low: 0, high: 0 }
    }

    const fn place(&self, diagonal: i32) -> usize {
        (self.zero + diagonal) as usize
    }

    fn get(&self, diagonal: i32) -> i32 {
        self.reach[self.place(diagonal)]
    }

    fn set(&mut self, diagonal: i32, reach: i32) {
        let place = self.place(diagonal);
        self.reach[place] = reach;
    }

    fn start(&mut self) {
        (self.low, self.high) = (0, 0);
        self.set(0, 0);
    }

    /// Whether the wave has been on a diagonal in this step.
    const fn covers(&self, diagonal: i32) -> bool {
        self.low <= diagonal && diagonal <= self.high
    }

    /// One diagonal more on both sides, or one less where the box ends.
    fn widen(&mut self, size: Size) {
        if self.low > -size.m {
            self.low -= 1;
            self.set(self.low - 1, -1);
        } else {
            self.low += 1;
        }
        if self.high < size.n {
            self.high += 1;
            self.set(self.high + 1, -1);
        } else {
            self.high -= 1;
        }
    }

    /// The diagonals of this step in order of preference.
    fn diagonals(&self) -> impl Iterator<Item = i32> + use<UP> {
        let (low, high) = (self.low, self.high);
        (0..=(high - low) / 2).map(move |at| if UP { low + 2 * at } else { high - 2 * at })
    }

    /// One step on all diagonals. `run` says how many lines are equal from a point on. Gives the point where this wave meets the other one, whose
    /// diagonals are counted from `delta` down, or whether a long run of equal lines was found.
    fn step<const MEETS: bool, const OTHER: bool>(
        &mut self,
        size: Size,
        run: impl Fn(i32, i32) -> i32,
        other: &Wave<OTHER>,
    ) -> Result<bool, (i32, i32)> {
        self.widen(size);
        let delta = size.n - size.m;
        let mut long_run = false;
        let (low, high) = (self.low, self.high);
        let (first, end) = (self.place(low - 1), self.place(high + 1));
        let reach = &mut self.reach[first..=end];
        for step in 0..=(high - low) / 2 {
            let diagonal = if UP { low + 2 * step } else { high - 2 * step };
            let place = (diagonal - low) as usize;
            let Some([below, here, above]) = reach.get_mut(place..place + 3) else { break };
            let start = if *below >= *above { *below + 1 } else { *above };
            let length = run(start, start - diagonal);
            let x = start + length;
            *here = x;
            long_run |= length > RUN;
            if MEETS && other.covers(delta - diagonal) && x + other.get(delta - diagonal) >= size.n {
                return Err((x, x - diagonal));
            }
        }
        Ok(long_run)
    }

    /// The point that came furthest after a long run of equal lines, when it is far ahead of its cost.
    fn promising(&self, size: Size, cost: i32, run: impl Fn(i32, i32) -> i32) -> Option<(i32, i32)> {
        let (mut best, mut found) = (i64::from(cost) * LEAD, None);
        for diagonal in self.diagonals() {
            let x = self.get(diagonal);
            let y = x - diagonal;
            let value = i64::from(x) + i64::from(y) - i64::from(diagonal.abs());
            let inside = (RUN..size.n).contains(&x) && (RUN..size.m).contains(&y);
            if value > best && inside && run(x - RUN, y - RUN) >= RUN {
                (best, found) = (value, Some((x, y)));
            }
        }
        found
    }

    /// The point that came furthest, and how far.
    fn furthest(&self, size: Size) -> (i64, (i32, i32)) {
        let mut best = (-1, (0, 0));
        for diagonal in self.diagonals() {
            let mut x = self.get(diagonal).min(size.n);
            let mut y = x - diagonal;
            if y > size.m {
                (x, y) = (size.m + diagonal, size.m);
            }
            let sum = i64::from(x) + i64::from(y);
            if sum > best.0 {
                best = (sum, (x, y));
            }
        }
        best
    }
}

struct Search {
    forward: Wave<false>,
    backward: Wave<true>,
    patience: i32,
}

impl Search {
    /// Where to split a box whose lists have elements and differ at both ends.
    fn split(&mut self, a: &[u32], b: &[u32], size: Size, exact: bool) -> Split {
        // Places may lie beyond the box by one; nothing is there.
        let ahead = |x: i32, y: i32| {
            let (mut i, mut j, mut length) = (x as usize, y as usize, 0);
            while let (Some(one), Some(other)) = (a.get(i), b.get(j))
                && one == other
            {
                (i, j, length) = (i + 1, j + 1, length + 1);
            }
            length
        };
        let back = |x: i32, y: i32| {
            let (mut i, mut j, mut length) = ((size.n - 1 - x) as usize, (size.m - 1 - y) as usize, 0);
            while let (Some(one), Some(other)) = (a.get(i), b.get(j))
                && one == other
            {
                (i, j, length) = (i.wrapping_sub(1), j.wrapping_sub(1), length + 1);
            }
            length
        };
        let is_odd = (size.n - size.m) % 2 != 0;
        let (forward, backward) = (&mut self.forward, &mut self.backward);
        forward.start();
        backward.start();
        let from_end = |(x, y): (i32, i32)| (size.n - x, size.m - y);
        // The waves meet at half of all lines at the latest.
        for cost in 1..=size.n + size.m {
            let found = if is_odd {
                forward.step::<true, true>(size, ahead, backward)
            } else {
                forward.step::<false, true>(size, ahead, backward)
            };
            let first_run = match found {
                Ok(run) => run,
                Err(at) => return Split { at, exact: (true, true) },
            };
            let found = if is_odd {
                backward.step::<false, false>(size, back, forward)
            } else {
                backward.step::<true, false>(size, back, forward)
            };
            let second_run = match found {
                Ok(run) => run,
                Err(at) => return Split { at: from_end(at), exact: (true, true) },
            };
            if exact {
                continue;
            }
            if (first_run || second_run) && cost > PATIENCE {
                if let Some(at) = forward.promising(size, cost, ahead) {
                    return Split { at, exact: (true, false) };
                }
                if let Some(at) = backward.promising(size, cost, back) {
                    return Split { at: from_end(at), exact: (false, true) };
                }
            }
            if cost >= self.patience {
                let (ours, theirs) = (forward.furthest(size), backward.furthest(size));
                return if theirs.0 < ours.0 {
                    Split { at: ours.1, exact: (true, false) }
                } else {
                    Split { at: from_end(theirs.1), exact: (false, true) }
                };
            }
        }
        Split { at: (0, 0), exact: (true, true) }
    }
}

/// The script from `a` to `b`.
pub(super) fn script(a: &[u32], b: &[u32]) -> Script {
    let mut out = Script::all(a, b);
    // Objects are bounded, so that lists of this length are two files of nothing but line ends.
    let (Ok(n), Ok(m)) = (i32::try_from(a.len()), i32::try_from(b.len())) else { return out };
    if n.checked_add(m).and_then(|sum| sum.checked_add(8)).is_none() {
        return out;
    }
    let size = Size { n, m };
    let patience = i32::try_from(rough_root(a.len() + b.len() + 3)).unwrap_or(i32::MAX).max(PATIENCE);
    let mut search = Search { forward: Wave::new(size), backward: Wave::new(size), patience };
    // A list of boxes and not recursion: a hostile file may make the halves very unequal.
    let mut open = vec![Part { a: (0, a.len()), b: (0, b.len()), exact: false }];
    while let Some(Part { a: (mut a0, mut a1), b: (mut b0, mut b1), exact }) = open.pop() {
        while a0 < a1 && b0 < b1 && a[a0] == b[b0] {
            (out.removed[a0], out.added[b0]) = (false, false);
            (a0, b0) = (a0 + 1, b0 + 1);
        }
        while a0 < a1 && b0 < b1 && a[a1 - 1] == b[b1 - 1] {
            (a1, b1) = (a1 - 1, b1 - 1);
            (out.removed[a1], out.added[b1]) = (false, false);
        }
        if a0 == a1 || b0 == b1 {
            continue;
        }
        let (Ok(n), Ok(m)) = (i32::try_from(a1 - a0), i32::try_from(b1 - b0)) else { continue };
        let split = search.split(&a[a0..a1], &b[b0..b1], Size { n, m }, exact);
        let (x, y) = (split.at.0 as usize, split.at.1 as usize);
        // A path of at least one step has its middle away from the corners; without progress there would be no end.
        if (x, y) == (0, 0) || (x, y) == (a1 - a0, b1 - b0) || x > a1 - a0 || y > b1 - b0 {
            continue;
        }
        open.push(Part { a: (a0, a0 + x), b: (b0, b0 + y), exact: split.exact.0 });
        open.push(Part { a: (a0 + x, a1), b: (b0 + y, b1), exact: split.exact.1 });
    }
    out
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

    fn list(seed: u64, length: usize, tokens: u32) -> Vec<u32> {
        let mut state = seed;
        let next = move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(state >> 40).unwrap() % tokens
        };
        (0..length).map(next).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_script_of_few_lines_is_right_and_shortest(
            a in proptest::collection::vec(0u32..6, 0..40),
            b in proptest::collection::vec(0u32..6, 0..40),
        ) {
            let script = script(&a, &b);
            let left = kept(&a, &script.removed);
            prop_assert_eq!(&left, &kept(&b, &script.added));
            prop_assert_eq!(left.len(), shared(&a, &b));
        }
    }

    #[test]
    fn up_to_five_hundred_lines_the_script_is_shortest() {
        for seed in 1..20 {
            let (a, b) = (list(seed, 250, 20), list(seed + 100, 250, 20));
            let script = script(&a, &b);
            assert_eq!(kept(&a, &script.removed).len(), shared(&a, &b));
        }
    }

    #[test]
    fn large_scripts_are_right_and_their_work_is_bounded() {
        for (length, tokens) in [(3_000, 3), (3_000, 800), (60_000, 500)] {
            let (a, mut b) = (list(1, length, tokens), list(2, length, tokens));
            b.splice(length / 3..length / 2, a[length / 4..length / 3].iter().copied());
            let script = script(&a, &b);
            let left = kept(&a, &script.removed);
            assert_eq!(left, kept(&b, &script.added));
            assert!(!left.is_empty());
        }
    }

    /// A list of few different lines and an edited version of it, in which stretches from nearby stand once more.
    fn edited(seed: u64, length: usize, tokens: usize, every: usize, decoy: usize) -> (Vec<u32>, Vec<u32>) {
        let mut state = seed;
        let mut below = move |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % bound
        };
        let a: Vec<u32> = (0..length).map(|_| u32::try_from(below(tokens)).unwrap()).collect();
        let (mut b, mut at) = (Vec::new(), 0);
        while at < length {
            match below(every) {
                0 => b.push(u32::try_from(below(tokens)).unwrap()),
                1 => at += 1,
                2 if below(decoy) == 0 => {
                    let run = 18 + below(6);
                    let from = (at + below(200)).min(length - run - 1);
                    b.extend_from_slice(&a[from..from + run]);
                }
                _ => {
                    b.push(a[at]);
                    at += 1;
                }
            }
        }
        (a, b)
    }

    #[test]
    fn constants_and_flags_are_those_of_git() {
        // Added and removed lines as git 2.47 counts them in files with one number to a line (`git diff --no-index --numstat`). The first is
        // counted otherwise with runs of 19 or 21 lines; the others, of more than 262,144 lines, when a box next to a promising point is cut as well.
        for (seed, length, tokens, every, decoy, counts) in [
            (1, 34_000, 4, 6, 40, (9_459, 5_663)),
            (1, 140_000, 4, 6, 40, (38_202, 24_398)),
            (2, 140_000, 1_000, 8, 10, (63_619, 20_499)),
        ] {
            let (a, b) = edited(seed, length, tokens, every, decoy);
            let script = script(&a, &b);
            let number = |list: &[bool]| list.iter().filter(|changed| **changed).count();
            assert_eq!((number(&script.added), number(&script.removed)), counts);
        }
    }

    #[test]
    fn roots_are_rough() {
        assert_eq!([0, 1, 3, 4, 16, 3_000, 10_000_000].map(rough_root), [1, 2, 2, 4, 8, 64, 4_096]);
    }
}
