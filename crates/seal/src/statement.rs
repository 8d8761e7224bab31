//! What both sides derive from published commitments: the slack of the physical bound, the conservation sum, the rests of runs.

use crate::commitment::{PointBytes, small_multiple};
use crate::parameters::{DERIVED_LANES, ModelConstants, PETAOPS_LANE, PUBLISHED_LANES, Total};
use crate::range::{Encoded, transcript};
use curve25519_dalek::traits::VartimeMultiscalarMul;
use curve25519_dalek::{RistrettoPoint, Scalar};
use rayon::prelude::*;
use standstill_statement::{Class, Hash32};
use tari_merlin::Transcript;

/// Commitments of one group in lane order.
pub(crate) type Lanes = [RistrettoPoint; PUBLISHED_LANES];

/// Statement label of the published lanes.
pub(crate) const LANES: &str = "lanes";
/// Statement label of the physical bound.
pub(crate) const PHYSICAL_BOUND: &str = "physical-bound";
/// Statement label of a run's range.
pub(crate) const RUN: &str = "run";
/// Statement label of the runs' operations beyond the training classes.
pub(crate) const RUNS_EXCESS: &str = "runs-excess";
/// Statement label of `experiment` operations that belong to no run.
pub(crate) const EXPERIMENT_REST: &str = "experiment-rest";
/// Statement label of a rule.
pub(crate) const RULE: &str = "rule";
/// Statement label of conservation.
pub(crate) const CONSERVATION: &str = "conservation";

/// `p·seconds − q·petaops` per group and working class, in the order (group, class).
pub(crate) fn bound_points(lanes: &[Lanes], constants: &[ModelConstants]) -> Vec<Encoded> {
    let slack = |(lanes, constants): (&Lanes, &ModelConstants)| -> Vec<Encoded> {
        (0..DERIVED_LANES)
            .map(|class| {
                let time = small_multiple(&lanes[class], u64::from(constants.p));
                let point = time - small_multiple(&lanes[PETAOPS_LANE + class], u64::from(constants.q));
                (point, PointBytes::of(&point))
            })
            .collect()
    };
    lanes.par_iter().zip(constants).flat_map_iter(slack).collect()
}

/// The transcript of the conservation proof and one 128-bit weight per group. The context binds every commitment, so the weights
/// cannot be known before all commitments are fixed.
pub(crate) fn conservation_weights(context: Hash32, groups: usize) -> (Transcript, Vec<Scalar>) {
    let mut transcript = transcript(context, CONSERVATION);
    transcript.append_u64(b"groups", groups as u64);
    let weights = (0..groups).map(|_| {
        let mut weight = [0; 16];
        transcript.challenge_bytes(b"weight", &mut weight);
        Scalar::from(u128::from_le_bytes(weight))
    });
    let weights = weights.collect();
    (transcript, weights)
}

/// `Σ_g w_g · (Σ_c seconds_{g,c} − window · devices_g)`: a commitment to 0 when every group conserves its time.
pub(crate) fn conservation_point(
    weights: &[Scalar],
    lanes: &[Lanes],
    counts: &[RistrettoPoint],
    window_seconds: u64,
) -> RistrettoPoint {
    let seconds: Vec<RistrettoPoint> = lanes.iter().map(|lanes| lanes[..Class::COUNT].iter().sum()).collect();
    let window = -Scalar::from(window_seconds);
    let negative = weights.iter().map(|weight| weight * window);
    RistrettoPoint::vartime_multiscalar_mul(
        weights.iter().copied().chain(negative),
        seconds.iter().copied().chain(counts.iter().copied()),
    )
}

/// What runs have beyond the training classes, and the `experiment` operations that no run has. Both must be at least 0.
pub(crate) fn run_rests<T>(totals: &[T; Total::COUNT], runs: T) -> (T, T)
where
    T: Copy + std::ops::Sub<Output = T>,
{
    let petaops = |class: Class| totals[PETAOPS_LANE + class.index()];
    let excess = runs - petaops(Class::Pretraining) - petaops(Class::Posttraining);
    (excess, petaops(Class::Experiment) - excess)
}
