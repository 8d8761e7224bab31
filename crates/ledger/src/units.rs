//! Whole units of one device in one window, as leaves of the seal commit to them: seconds per class, petaops (1e15
//! operations) per working class and run, kilojoules.

use crate::chips::ChipModel;
use crate::window::{DeviceWindow, WindowSpec};
use standstill_statement::{Class, Name};
use std::collections::BTreeMap;

/// Operations in one petaop.
pub const OPS_PER_PETAOP: u128 = 1_000_000_000_000_000;

/// One device in one window in whole units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceUnits {
    /// Seconds per class in the order of [`Class::ALL`]; they sum exactly to the window.
    pub seconds: [u32; Class::COUNT],
    /// Upper bound of the operations per working class, petaops, rounded up, at most peak times `seconds`.
    pub petaops: [u64; Class::WORKING],
    /// Part of `petaops` that belongs to each run, per class; the rest of a class has no run.
    pub runs: BTreeMap<(Class, Name), u64>,
    /// Energy, kilojoules, rounded up.
    pub kilojoules: u64,
}

/// Splits `total` in proportion to `weights`, exactly: floors first, then one more for the largest remainders, ties to the
/// lower index. All zero when every weight is 0.
#[must_use]
pub fn apportion(total: u64, weights: &[u128]) -> Vec<u64> {
    let sum: u128 = weights.iter().sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    // Scale weights down until the product with `total` fits; 2^64 of resolution is far below one unit.
    let shift = (128 - sum.leading_zeros()).saturating_sub(63);
    let weights: Vec<u128> = weights.iter().map(|weight| weight >> shift).collect();
    let sum = weights.iter().sum::<u128>().max(1);
    let product = |weight: &u128| weight * u128::from(total);
    let mut shares: Vec<u64> = weights.iter().map(|w| u64::try_from(product(w) / sum).unwrap_or(u64::MAX)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(product(&weights[index]) % sum), index));
    let left = total.saturating_sub(shares.iter().sum());
    for &index in order.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        shares[index] += 1;
    }
    shares
}

impl DeviceUnits {
    /// Whole units of a device's row.
    ///
    /// Seconds: largest remainder over the classes' milliseconds. Petaops: the upper bound per class rounded up, but at most
    /// what the chip can do in the class's whole seconds, so that an honest device never fails the physical bound by rounding
    /// (a class gains or loses less than one second per device and window). Runs: largest remainder over the runs' operations.
    #[must_use]
    pub fn of(row: &DeviceWindow, spec: &WindowSpec, chip: &ChipModel) -> Self {
        let mut milliseconds = [0u128; Class::COUNT];
        let mut by_run: [BTreeMap<Option<&Name>, u128>; Class::WORKING] = Default::default();
        let mut energy_millijoules = 0u128;
        for entry in row.slots.iter().flatten() {
            milliseconds[entry.class.index()] += u128::from(entry.milliseconds);
            energy_millijoules += u128::from(entry.energy_millijoules);
            if let Some(runs) = by_run.get_mut(entry.class.index()) {
                *runs.entry(entry.run.as_ref()).or_default() += entry.operations.upper_ops;
            }
        }
        let shares = apportion(spec.seconds(), &milliseconds);
        let seconds = std::array::from_fn(|class| u32::try_from(shares[class]).unwrap_or(u32::MAX));
        let mut units = Self {
            seconds,
            petaops: [0; Class::WORKING],
            runs: BTreeMap::new(),
            kilojoules: u64::try_from(energy_millijoules.div_ceil(1_000_000)).unwrap_or(u64::MAX),
        };
        for (class, runs) in Class::ALL.into_iter().zip(&by_run) {
            units.class(class, runs, chip);
        }
        units
    }

    fn class(&mut self, class: Class, runs: &BTreeMap<Option<&Name>, u128>, chip: &ChipModel) {
        let ops: u128 = runs.values().sum();
        let peak = u128::from(chip.highest_peak_ops_per_second());
        let most = peak * u128::from(self.seconds[class.index()]) / OPS_PER_PETAOP;
        let petaops = u64::try_from(ops.div_ceil(OPS_PER_PETAOP).min(most)).unwrap_or(u64::MAX);
        self.petaops[class.index()] = petaops;
        let weights: Vec<u128> = runs.values().copied().collect();
        for (run, share) in runs.keys().zip(apportion(petaops, &weights)) {
            if let (Some(run), true) = (run, share > 0) {
                self.runs.insert((class, (*run).clone()), share);
            }
        }
    }
}
