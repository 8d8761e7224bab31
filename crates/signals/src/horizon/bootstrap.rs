//! METR's hierarchical bootstrap: families with replacement, tasks with replacement inside each drawn family, runs with replacement
//! inside each task and agent. All agents share the draws of families and tasks; weights are not scaled anew.
//!
//! Resample `i` depends on the seed or the beacon and on `i` only, and the results are kept by `i`: the number of threads changes
//! nothing.

use super::draws::{BeaconDraws, Draws, NumpyDraws};
use super::fit::{Fit, Line, Observation, descend};
use super::suite::Suite;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where the draws of resample `i` come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `numpy.random.default_rng(seed + i)`.
    Numpy {
        /// Seed of the first resample.
        seed: u64,
    },
    /// Stream `i` of ChaCha12 under this key; see [`super::draws::beacon_key`].
    Beacon {
        /// Key of all streams.
        key: [u8; 32],
    },
}

/// Lines of all agents in all resamples.
#[derive(Clone, Debug, PartialEq)]
pub struct Resamples {
    agents: usize,
    lines: Vec<Option<Line>>,
}

impl Resamples {
    /// Number of resamples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len().checked_div(self.agents).unwrap_or(0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Horizon of an agent in a resample; not a number when the agent was not drawn, or all its drawn runs ended alike.
    #[must_use]
    pub fn horizon_minutes(&self, resample: usize, agent: usize, percent: u32) -> f64 {
        self.lines[resample * self.agents + agent].map_or(f64::NAN, |line| line.horizon_minutes(percent))
    }

    /// Horizons of an agent in all resamples.
    pub fn horizons(&self, agent: usize, percent: u32) -> impl Iterator<Item = f64> {
        (0..self.len()).map(move |resample| self.horizon_minutes(resample, agent, percent))
    }
}

/// Resamples per unit of work that a thread takes.
const BATCH: usize = 16;
/// Last relative Newton step of a resample; the error left is its square.
const TOLERANCE: f64 = 1e-6;

/// Draws and fits `count` resamples. `progress` hears of finished resamples; `threads` 0 means one per core.
#[must_use]
pub fn resample(
    suite: &Suite,
    fits: &[Fit],
    lambda: f64,
    source: Source,
    count: usize,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Resamples {
    let plan = Plan::new(suite, fits, lambda);
    let agents = suite.agents.len();
    let mut lines = vec![None; count * agents];
    if lines.is_empty() {
        return Resamples { agents, lines };
    }
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    let batches: Vec<std::sync::Mutex<&mut [Option<Line>]>> =
        lines.chunks_mut(BATCH * agents).map(std::sync::Mutex::new).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut room = Room::new(&plan);
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = batches.get(batch) else { return };
            // Each batch is taken by one thread only, so that the lock is always free.
            let Ok(mut slot) = slot.lock() else { return };
            for (at, out) in slot.chunks_mut(agents).enumerate() {
                let number = (batch * BATCH + at) as u64;
                match source {
                    Source::Numpy { seed } => room.one(&plan, &mut NumpyDraws::new(seed.wrapping_add(number)), out),
                    Source::Beacon { key } => room.one(&plan, &mut BeaconDraws::new(key, number), out),
                }
            }
            progress(slot.len().div_ceil(agents) as u64);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(batches.len()) {
            scope.spawn(work);
        }
        work();
    });
    drop(batches);
    Resamples { agents, lines }
}

/// A cell as the inner loop wants it.
struct PlanCell {
    task: usize,
    agent: usize,
    runs: u32,
    weight: f64,
    /// Outcomes as bits, repeated as often as 64 bits hold; only when all are 0 or 1 and there are at most 64.
    bits: Option<u64>,
    outcomes: Vec<f64>,
}

struct Plan<'a> {
    suite: &'a Suite,
    cells: Vec<PlanCell>,
    starts: Vec<Line>,
    /// log2 of the p50 of the whole data: the curvature of a logistic curve lies around it.
    centres: Vec<f64>,
    lambda: f64,
}

impl<'a> Plan<'a> {
    fn new(suite: &'a Suite, fits: &[Fit], lambda: f64) -> Self {
        let cells = suite.cells.iter().map(PlanCell::new).collect();
        let zero = Line { intercept: 0.0, slope: 0.0 };
        let starts: Vec<Line> = fits.iter().map(|fit| fit.line().unwrap_or(zero)).collect();
        let centre =
            |line: &Line| if line.slope == 0.0 { 0.0 } else { (-line.intercept / line.slope).clamp(-20.0, 20.0) };
        let centres = starts.iter().map(centre).collect();
        Self { suite, cells, starts, centres, lambda }
    }
}

impl PlanCell {
    fn new(cell: &super::suite::Cell) -> Self {
        let runs = cell.outcomes.len();
        let plain = runs <= 64 && cell.outcomes.iter().all(|outcome| *outcome == 0.0 || *outcome == 1.0);
        let bits = plain.then(|| {
            (0..64 / runs * runs).filter(|at| cell.outcomes[at % runs] == 1.0).fold(0u64, |bits, at| bits | 1 << at)
        });
        Self {
            task: cell.task,
            agent: cell.agent,
            runs: u32::try_from(runs).unwrap_or(u32::MAX),
            weight: cell.weight,
            bits,
            outcomes: cell.outcomes.clone(),
        }
    }

    /// Sum of the outcomes of `count` draws from `count` rows, and whether all were alike.
    fn draw(&self, count: u32, draws: &mut impl Draws) -> Drawn {
        match self.bits {
            Some(bits) if count <= 64 => {
                let successes = (0..count).map(|_| (bits >> draws.position(count)) & 1).sum::<u64>();
                let successes = successes as f64;
                Drawn { sum: successes, failure: successes < f64::from(count), success: successes > 0.0 }
            }
            _ => {
                let mut drawn = Drawn { sum: 0.0, failure: false, success: false };
                for _ in 0..count {
                    let outcome = self.outcomes[(draws.position(count) % self.runs) as usize];
                    drawn.sum += outcome;
                    drawn.failure |= outcome < 1.0;
                    drawn.success |= outcome > 0.0;
                }
                drawn
            }
        }
    }
}

struct Drawn {
    sum: f64,
    failure: bool,
    success: bool,
}

/// Working memory of a thread.
struct Room {
    times: Vec<u32>,
    families: Vec<u32>,
    data: Vec<Vec<Observation>>,
    classes: Vec<(bool, bool)>,
}

impl Room {
    fn new(plan: &Plan<'_>) -> Self {
        let agents = plan.suite.agents.len();
        Self {
            times: vec![0; plan.suite.tasks.len()],
            families: Vec::with_capacity(plan.suite.families.len()),
            data: vec![Vec::with_capacity(plan.suite.tasks.len()); agents],
            classes: vec![(false, false); agents],
        }
    }

    /// One resample.
    fn one(&mut self, plan: &Plan<'_>, draws: &mut impl Draws, out: &mut [Option<Line>]) {
        self.draw_tasks(plan.suite, draws);
        self.data.iter_mut().for_each(Vec::clear);
        self.classes.fill((false, false));
        for cell in &plan.cells {
            let times = self.times[cell.task];
            if times == 0 {
                continue;
            }
            let count = times.saturating_mul(cell.runs);
            let drawn = cell.draw(count, draws);
            let class = &mut self.classes[cell.agent];
            *class = (class.0 | drawn.failure, class.1 | drawn.success);
            self.data[cell.agent].push(Observation {
                x: plan.suite.tasks[cell.task].log2_minutes,
                weight: cell.weight * f64::from(count),
                success: cell.weight * drawn.sum,
            });
        }
        for (agent, slot) in out.iter_mut().enumerate() {
            *slot = (self.classes[agent] == (true, true))
                .then(|| descend(&self.data[agent], plan.lambda, plan.centres[agent], plan.starts[agent], TOLERANCE));
        }
    }

    /// How often each task is drawn: families first, then, in the order of the drawn families, the tasks of each.
    fn draw_tasks(&mut self, suite: &Suite, draws: &mut impl Draws) {
        self.times.fill(0);
        self.families.clear();
        let count = u32::try_from(suite.families.len()).unwrap_or(u32::MAX);
        for _ in 0..count {
            self.families.push(draws.choice(count));
        }
        for &family in &self.families {
            let tasks = &suite.families[family as usize].tasks;
            let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
            for _ in 0..count {
                self.times[tasks[draws.choice(count) as usize]] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
