//! The rows that every adapter produces: a struct-of-arrays batch of integer readings.

use crate::MeterError;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// A 32-bit reading that the source did not give. Never a zero: a blank is evidence of a blank.
pub const MISSING: u32 = u32::MAX;

/// A 64-bit counter reading that the source did not give.
pub const MISSING_COUNTER: u64 = u64::MAX;

/// Index of "no job" in every job dictionary; its text is empty.
pub const NO_JOB: u32 = 0;

/// Activity of a fully busy unit, in the integer scale of [`Batch`].
pub const ACTIVITY_ONE: u32 = 1_000_000;

/// Names of devices or jobs in order of first appearance, each with a dense index.
///
/// All texts lie in one buffer: a piece of a large export meets thousands of names, and one allocation each would cost more than summing
/// their rows.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    text: String,
    ends: Vec<usize>,
    /// Index by keyed hash of the name; a name whose hash is taken goes to the next free number.
    index: HashMap<u64, u32, BuildHasherDefault<Keep>>,
    hasher: RandomState,
}

/// A hasher for keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Keep(u64);

impl Hasher for Keep {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl Dictionary {
    /// Most names in one dictionary; over it [`Dictionary::intern`] refuses, so that a label explosion cannot eat the memory.
    pub const MAX_NAMES: usize = 4_000_000;
    /// Longest name, in bytes.
    pub const MAX_NAME_BYTES: usize = 256;

    /// An empty dictionary of devices.
    #[must_use]
    pub fn devices() -> Self {
        Self::default()
    }

    /// A dictionary of jobs: index [`NO_JOB`] is the empty name.
    #[must_use]
    pub fn jobs() -> Self {
        let mut jobs = Self::default();
        jobs.push("", jobs.hasher.hash_one(""));
        jobs
    }

    /// The index of `name`, added if it is new.
    ///
    /// # Errors
    /// [`MeterError::Limit`] past [`Dictionary::MAX_NAMES`] names or [`Dictionary::MAX_NAME_BYTES`] bytes.
    pub fn intern(&mut self, name: &str) -> Result<u32, MeterError> {
        let mut key = self.hasher.hash_one(name);
        while let Some(&index) = self.index.get(&key) {
            if self.name(index) == name {
                return Ok(index);
            }
            key = key.wrapping_add(1);
        }
        if name.len() > Self::MAX_NAME_BYTES {
            return Err(over_limit(name, "its length in bytes", name.len(), Self::MAX_NAME_BYTES));
        }
        if self.len() >= Self::MAX_NAMES {
            return Err(over_limit(name, "the number of different names", self.len(), Self::MAX_NAMES));
        }
        Ok(self.push(name, key))
    }

    /// Makes room for `names` more names.
    pub(crate) fn reserve(&mut self, names: usize) {
        let names = names.min(Self::MAX_NAMES);
        self.index.reserve(names);
        self.ends.reserve(names);
    }

    fn push(&mut self, name: &str, key: u64) -> u32 {
        let next = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(name);
        self.ends.push(self.text.len());
        self.index.insert(key, next);
        next
    }

    /// The name at an index, empty when there is none.
    #[must_use]
    pub fn name(&self, index: u32) -> &str {
        let at = index as usize;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let end = self.ends.get(at).copied();
        start.zip(end).and_then(|(start, end)| self.text.get(start..end)).unwrap_or("")
    }

    /// All names by index.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).map(|index| self.name(index))
    }

    /// Number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn over_limit(name: &str, what: &'static str, found: usize, limit: usize) -> MeterError {
    MeterError::Limit {
        place: format!("name '{}'", name.chars().take(80).collect::<String>()),
        what,
        found: found as u64,
        limit: limit as u64,
        remedy: "choose the column that holds the device UUID or the job id",
    }
}

/// A batch of readings in stream order. Per device the times must not decrease (see `max_disorder_ms` of the contract for small
/// disorder); devices may be interleaved, but runs of one device are fastest.
///
/// Every present column has the length of [`Batch::device`]. An absent column is `None`; an absent reading is [`MISSING`] or
/// [`MISSING_COUNTER`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Device of each row: index into the stream's device dictionary.
    pub device: Vec<u32>,
    /// Time of each row, Unix milliseconds.
    pub time_ms: Vec<i64>,
    /// Job that held the device in the stretch that ends at this row: index into the job dictionary, [`NO_JOB`] for none.
    pub job: Option<Vec<u32>>,
    /// Mean share of time that any tensor pipe was active since the previous reading, 0..=1,000,000.
    pub tensor_active: Option<Vec<u32>>,
    /// Mean share of time that the memory interface was busy, 0..=1,000,000.
    pub dram_active: Option<Vec<u32>>,
    /// Mean power since the previous reading, milliwatts.
    pub power_milliwatts: Option<Vec<u32>>,
    /// Monotonic energy counter, millijoules.
    pub energy_millijoules: Option<Vec<u64>>,
    /// Monotonic count of cycles in which a tensor pipe was active (`*_MMA_CYCLES_ACTIVE_TOTAL`).
    pub cycles_active: Option<Vec<u64>>,
    /// Monotonic count of elapsed cycles (`*_SM_CYCLES_ELAPSED_TOTAL`).
    pub cycles_elapsed: Option<Vec<u64>>,
}

impl Batch {
    /// Most rows in one batch.
    pub const MAX_ROWS: usize = 1 << 20;

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.device.len()
    }

    /// True when there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.device.is_empty()
    }

    /// Checks that every column has the same length, that the indices lie inside the dictionaries and that activities are at most 1.
    ///
    /// # Errors
    /// [`MeterError::Batch`] naming the first column at fault.
    pub fn check(&self, place: &str, devices: usize, jobs: usize) -> Result<(), MeterError> {
        let rows = self.device.len();
        let fail = |what: String| Err(MeterError::Batch { place: place.to_owned(), what });
        let narrow = [&self.job, &self.tensor_active, &self.dram_active, &self.power_milliwatts];
        let wide = [&self.energy_millijoules, &self.cycles_active, &self.cycles_elapsed];
        if rows > Self::MAX_ROWS {
            return fail(format!("{rows} rows, at most {} are allowed", Self::MAX_ROWS));
        }
        let uneven = self.time_ms.len() != rows
            || narrow.iter().any(|column| column.as_ref().is_some_and(|values| values.len() != rows))
            || wide.iter().any(|column| column.as_ref().is_some_and(|values| values.len() != rows));
        if uneven {
            return fail("its columns differ in length".to_owned());
        }
        let above = |values: &[u32], limit: usize| values.iter().any(|&index| index as usize >= limit);
        if above(&self.device, devices) {
            return fail("a device index lies outside the dictionary".to_owned());
        }
        if self.job.as_ref().is_some_and(|values| above(values, jobs)) {
            return fail("a job index lies outside the dictionary".to_owned());
        }
        let impossible = |values: &Vec<u32>| values.iter().any(|&value| value > ACTIVITY_ONE && value != MISSING);
        if self.tensor_active.as_ref().is_some_and(impossible) || self.dram_active.as_ref().is_some_and(impossible) {
            return fail("an activity is over 1,000,000 millionths".to_owned());
        }
        Ok(())
    }
}

/// The nearest integer to `value`, ties to even, for `0 <= value < 2^32`; other values give an unspecified integer.
///
/// Adding 2^52 leaves no fraction bits, so the hardware's own rounding (IEEE 754 roundTiesToEven) does the work, without a branch and in
/// a form that the compiler vectorises.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
#[inline(always)]
pub(crate) fn nearest(value: f64) -> u32 {
    (value + 4_503_599_627_370_496.0).to_bits() as u32
}

/// Largest ratio taken as 1: one millionth of slack for exporters that print 1.0000001.
pub(crate) const RATIO_CEILING: f64 = 1.000_001;

/// An activity as an integer number of millionths, rounded to nearest, ties to even; [`MISSING`] for NaN; `None` outside 0..1.
///
/// `f32 * 1e6` is exact in `f64` (24 + 14 bits), so every platform gets the same integer.
#[must_use]
pub fn activity_from_ratio(value: f64) -> Option<u32> {
    if value.is_nan() {
        return Some(MISSING);
    }
    (0.0..=RATIO_CEILING).contains(&value).then(|| nearest(value * 1e6).min(ACTIVITY_ONE))
}

/// Watts as integer milliwatts, rounded to nearest, ties to even; [`MISSING`] for NaN; `None` when negative or over `max_watts` (at most
/// 4 MW: meter power by node or rack, not by site).
#[must_use]
pub fn milliwatts_from_watts(value: f64, max_watts: u64) -> Option<u32> {
    if value.is_nan() {
        return Some(MISSING);
    }
    (0.0..=watts_ceiling(max_watts)).contains(&value).then(|| nearest(value * 1e3))
}

/// A contract's power limit as a float.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn watts_ceiling(max_watts: u64) -> f64 {
    max_watts.min(4_000_000) as f64
}

/// A counter that a source writes as a float (Prometheus does), rounded down after scaling; [`MISSING_COUNTER`] for NaN; `None` when
/// negative or past 2^63. Prometheus floats are exact up to 2^53.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn counter_from_float(value: f64, scale: f64) -> Option<u64> {
    if value.is_nan() {
        return Some(MISSING_COUNTER);
    }
    let scaled = value * scale;
    (0.0..9.2e18).contains(&scaled).then_some(scaled as u64)
}
