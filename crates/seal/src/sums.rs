//! Totals of a window, as commitments (anyone) and as openings (the lab): the same linear forms over the same lanes.

use crate::commitment::{PointBytes, small_multiple};
use crate::parameters::{ModelConstants, PUBLISHED_LANES, Total};
use curve25519_dalek::traits::Identity;
use curve25519_dalek::{RistrettoPoint, Scalar};
use standstill_statement::{Class, Name};
use std::collections::BTreeMap;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Totals and run sums of one window as points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) totals: [RistrettoPoint; Total::COUNT],
    pub(crate) runs: BTreeMap<Name, RistrettoPoint>,
}

impl Sums {
    /// Re-adds the group commitments. The weighted totals use the public constants of each group's chip model.
    pub(crate) fn add_up(
        lanes: &[[RistrettoPoint; PUBLISHED_LANES]],
        counts: &[RistrettoPoint],
        constants: &[ModelConstants],
    ) -> [RistrettoPoint; Total::COUNT] {
        let zero = RistrettoPoint::identity();
        let mut totals = [zero; Total::COUNT];
        let mut by_peak: BTreeMap<u64, (RistrettoPoint, RistrettoPoint)> = BTreeMap::new();
        for ((lanes, count), constants) in lanes.iter().zip(counts).zip(constants) {
            for (total, lane) in totals.iter_mut().zip(lanes) {
                *total += lane;
            }
            let (unaccounted, devices) = by_peak.entry(constants.peak_teraops).or_insert((zero, zero));
            *unaccounted += lanes[Class::Unaccounted.index()];
            *devices += count;
        }
        for (peak, (unaccounted, devices)) in by_peak {
            totals[PUBLISHED_LANES] += devices;
            totals[PUBLISHED_LANES + 1] += small_multiple(&unaccounted, peak);
            totals[PUBLISHED_LANES + 2] += small_multiple(&devices, peak);
        }
        totals
    }

    /// Decodes sums that were encoded from a verified window; `None` when they are damaged.
    pub(crate) fn decode(totals: &[PointBytes], runs: &[(Name, PointBytes)]) -> Option<Self> {
        let totals: Vec<RistrettoPoint> = totals.iter().map(PointBytes::point).collect::<Option<_>>()?;
        let runs = runs.iter().map(|(run, bytes)| Some((run.clone(), bytes.point()?))).collect::<Option<_>>()?;
        Some(Self { totals: totals.try_into().ok()?, runs })
    }
}

/// Value and blinding of a commitment. Secret.
#[derive(Clone, Copy, PartialEq, Eq, Zeroize)]
pub(crate) struct Opened {
    pub(crate) value: u128,
    pub(crate) blinding: Scalar,
}

impl Opened {
    pub(crate) const ZERO: Self = Self { value: 0, blinding: Scalar::ZERO };

    pub(crate) fn add(&mut self, other: Self, factor: u64) {
        self.value += other.value * u128::from(factor);
        self.blinding += other.blinding * Scalar::from(factor);
    }
}

/// One group's lanes in clear. Secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct OpenLanes {
    pub(crate) values: [u64; PUBLISHED_LANES],
    pub(crate) blindings: [Scalar; PUBLISHED_LANES],
    pub(crate) count: u64,
    pub(crate) count_blinding: Scalar,
}

/// The openings of [`Sums::add_up`].
pub(crate) fn open_totals(groups: &[OpenLanes], constants: &[ModelConstants]) -> [Opened; Total::COUNT] {
    let mut totals = [Opened::ZERO; Total::COUNT];
    for (group, constants) in groups.iter().zip(constants) {
        for (total, (value, blinding)) in totals.iter_mut().zip(group.values.iter().zip(&group.blindings)) {
            total.add(Opened { value: u128::from(*value), blinding: *blinding }, 1);
        }
        let unaccounted = Class::Unaccounted.index();
        let unaccounted =
            Opened { value: u128::from(group.values[unaccounted]), blinding: group.blindings[unaccounted] };
        let devices = Opened { value: u128::from(group.count), blinding: group.count_blinding };
        totals[PUBLISHED_LANES].add(devices, 1);
        totals[PUBLISHED_LANES + 1].add(unaccounted, constants.peak_teraops);
        totals[PUBLISHED_LANES + 2].add(devices, constants.peak_teraops);
    }
    totals
}
