//! Runs an input piece by piece on several threads, joins the pieces in their own order, and goes on after an interruption.
//!
//! Pieces are cut by the input alone (row groups, byte ranges), never by the number of threads, and are joined in order: the result has
//! the same bits on any machine. At most `4 × threads` pieces are held at a time, so memory depends on devices × slots, not on rows.

pub mod checkpoint;

use crate::accumulator::{Accumulator, Piece};
use crate::{Grid, MeterError, Partials, SourceContract};
use standstill_statement::Hash32;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rules of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Contract of the source.
    pub contract: SourceContract,
    /// Time grid.
    pub grid: Grid,
}

/// An input that falls into pieces.
pub trait Input: Sync {
    /// Number of pieces.
    fn pieces(&self) -> usize;

    /// Identity of the input: names, sizes, cuts. A checkpoint of another identity is refused.
    fn identity(&self) -> Hash32;

    /// Meters one piece alone.
    ///
    /// # Errors
    /// Whatever is wrong with that piece.
    fn meter(&self, piece: usize, rules: &Rules) -> Result<Piece, MeterError>;
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pieces joined.
    pub done: usize,
    /// Pieces in all.
    pub total: usize,
    /// Rows read so far.
    pub rows: u64,
}

/// How to run.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Threads; 0 for one per core.
    pub threads: usize,
    /// Where to keep the checkpoint; none keeps none.
    pub checkpoint: Option<&'a Path>,
    /// Time between two checkpoints; zero writes one after every piece.
    pub checkpoint_every: Duration,
    /// Called after each piece, from any thread.
    pub progress: Option<&'a (dyn Fn(Progress) + Sync)>,
    /// Set by a signal handler to stop after the pieces in work.
    pub stop: Option<&'a AtomicBool>,
}

/// Time between two checkpoints unless said otherwise.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(15);

/// Meters an input. With a checkpoint path, a run that was interrupted or killed goes on where its last checkpoint stands and ends with
/// the same bits; the file stays until [`run_to_file`] or the caller removes it.
///
/// # Errors
/// The first error in piece order, [`MeterError::Interrupted`] after a stop, [`MeterError::ForeignCheckpoint`] for a checkpoint of other inputs.
pub fn run(input: &dyn Input, rules: &Rules, options: &RunOptions<'_>) -> Result<Partials, MeterError> {
    let start = match options.checkpoint {
        Some(path) => checkpoint::load(path, input, rules)?,
        None => None,
    };
    let (next, before) = start.unwrap_or_else(|| (0, Partials::new(rules.contract.clone(), rules.grid)));
    let rows = before.tally().rows;
    let result = Accumulator::resume(before)?;
    let state =
        State { claimed: next, joined: next, rows, ready: BTreeMap::new(), result, error: None, saved: Instant::now() };
    let shared = Shared { state: Mutex::new(state), wake: Condvar::new(), input, rules, options };
    let threads = threads(options.threads).min(input.pieces().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| shared.work(threads));
        }
        shared.work(threads);
    });
    let state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    finish(state, input.pieces(), rules, options, input)
}

/// [`run`] with the result written to `output` at once and the checkpoint beside it (`<output>.checkpoint`) removed afterwards.
///
/// # Errors
/// As [`run`], and [`MeterError::Io`].
pub fn run_to_file(
    input: &dyn Input,
    rules: &Rules,
    output: &Path,
    options: &RunOptions<'_>,
) -> Result<Partials, MeterError> {
    let beside = checkpoint_path(output);
    let result = run(input, rules, &RunOptions { checkpoint: Some(&beside), ..*options })?;
    checkpoint::write_whole(output, &result.encode())?;
    checkpoint::remove(&beside)?;
    Ok(result)
}

/// The checkpoint's place for an output file.
#[must_use]
pub fn checkpoint_path(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".checkpoint");
    PathBuf::from(name)
}

/// Reads a partial file.
///
/// # Errors
/// [`MeterError::Io`], [`MeterError::Limit`] over [`Partials::MAX_BYTES`], [`MeterError::Partial`].
pub fn read_partials(path: &Path) -> Result<Partials, MeterError> {
    let bytes = checkpoint::read_whole(path, Partials::MAX_BYTES)?;
    Partials::decode(&bytes, &path.display().to_string())
}

/// Joins partial files of shards that are disjoint in (device, slot), in any order, and judges the energy unit once over all of them.
///
/// # Errors
/// As [`read_partials`] and [`Partials::merge`].
pub fn merge_files(paths: &[PathBuf]) -> Result<Option<Partials>, MeterError> {
    let mut merged: Option<Partials> = None;
    for path in paths {
        let next = read_partials(path)?;
        match &mut merged {
            None => merged = Some(next),
            Some(all) => all.merge(next)?,
        }
    }
    if let Some(all) = &merged {
        all.check_energy_unit("the merged result")?;
    }
    Ok(merged)
}

fn threads(wanted: usize) -> usize {
    if wanted > 0 { wanted } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

struct State {
    claimed: usize,
    joined: usize,
    rows: u64,
    ready: BTreeMap<usize, Piece>,
    result: Accumulator,
    /// Error of the lowest piece that failed.
    error: Option<(usize, MeterError)>,
    saved: Instant,
}

struct Shared<'a> {
    state: Mutex<State>,
    wake: Condvar,
    input: &'a dyn Input,
    rules: &'a Rules,
    options: &'a RunOptions<'a>,
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    fn work(&self, threads: usize) {
        while let Some(piece) = self.claim(threads * 4) {
            let outcome = self.input.meter(piece, self.rules);
            let mut state = self.lock();
            match outcome {
                Ok(partials) => {
                    state.ready.insert(piece, partials);
                    self.join_ready(&mut state);
                }
                Err(error) => state.fail(piece, error),
            }
            drop(state);
            self.wake.notify_all();
        }
    }

    /// The next piece to work on, none when all are claimed, one failed, or the run was stopped. Waits while too many are held.
    fn claim(&self, most_held: usize) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.claimed >= self.input.pieces() || state.error.is_some() || self.stopped() {
                return None;
            }
            if state.claimed < state.joined + most_held {
                state.claimed += 1;
                return Some(state.claimed - 1);
            }
            state = self
                .wake
                .wait_timeout(state, Duration::from_millis(200))
                .map_or_else(|broken| broken.into_inner().0, |woken| woken.0);
        }
    }

    fn join_ready(&self, state: &mut State) {
        let next = state.joined;
        let mut at = next;
        while let Some(piece) = state.ready.remove(&at) {
            state.rows += piece.rows();
            if let Err(error) = state.result.add(piece) {
                return state.fail(at, error);
            }
            at += 1;
            state.joined = at;
        }
        if at > next && state.saved.elapsed() >= self.options.checkpoint_every {
            self.save(state);
        }
        if let Some(progress) = self.options.progress {
            progress(Progress { done: state.joined, total: self.input.pieces(), rows: state.rows });
        }
    }

    fn save(&self, state: &mut State) {
        let Some(path) = self.options.checkpoint else { return };
        state.saved = Instant::now();
        // Encoding wants devices in order: the sums change their shape and back, which moves names and no unit.
        let so_far =
            std::mem::replace(&mut state.result, Accumulator::new(self.rules.contract.clone(), self.rules.grid))
                .into_partials();
        let saved = checkpoint::save(path, state.joined, &so_far, self.input, self.rules);
        match saved.and_then(|()| Accumulator::resume(so_far)) {
            Ok(result) => state.result = result,
            Err(error) => state.fail(state.joined, error),
        }
    }
}

impl State {
    fn fail(&mut self, piece: usize, error: MeterError) {
        if self.error.as_ref().is_none_or(|(known, _)| piece < *known) {
            self.error = Some((piece, error));
        }
    }
}

fn finish(
    state: State,
    total: usize,
    rules: &Rules,
    options: &RunOptions<'_>,
    input: &dyn Input,
) -> Result<Partials, MeterError> {
    if let Some((_, error)) = state.error {
        return Err(error);
    }
    if state.joined < total {
        if let Some(path) = options.checkpoint {
            checkpoint::save(path, state.joined, &state.result.into_partials(), input, rules)?;
        }
        return Err(MeterError::Interrupted { done: state.joined, total });
    }
    let result = state.result.into_partials();
    result.check_energy_unit(&rules.contract.name)?;
    Ok(result)
}
