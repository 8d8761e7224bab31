//! A dishonest prover with full knowledge of the secrets, written from `docs/formats/seal.md` alone. It commits to any integers it
//! likes and proves as much as can be proved: where a value is out of range it proves the nearest value that is not.
//! With honest values it is a second implementation of the prover, and its reports verify.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use super::*;
use curve25519_dalek::{RistrettoPoint, Scalar};
use standstill_seal::blob::{Bytes, WindowBlob};
use standstill_seal::commitment::{PointBytes, commit};
use standstill_seal::leaf::{lane_sums, leaf_root};
use standstill_seal::range::{LANE, SLACK, Sequence, Shape, transcript};
use standstill_seal::record::{WINDOW_RECORD_BYTES, WindowRecord, records_root};
use standstill_seal::schnorr;
use std::collections::BTreeMap;

#[derive(Clone)]
pub struct Forger {
    pub context: WindowContext,
    /// Committed integers, per group and lane.
    pub values: Vec<[i128; 16]>,
    pub blindings: Vec<[Scalar; 16]>,
    pub leaf_roots: Vec<Hash32>,
    /// Replaces a lane's point by one whose opening is not known.
    pub points: BTreeMap<(usize, usize), RistrettoPoint>,
    pub runs: Vec<(Name, i128)>,
}

pub fn signed(value: i128) -> Scalar {
    let magnitude = Scalar::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

fn clamp(value: i128, bits: u32) -> u64 {
    value.clamp(0, (1 << bits) - 1) as u64
}

type Encoded = (RistrettoPoint, PointBytes);

fn encoded(point: RistrettoPoint) -> Encoded {
    (point, PointBytes::of(&point))
}

impl Forger {
    /// Honest figures.
    pub fn new(context: &WindowContext, inputs: &[GroupInput]) -> Self {
        let key = master().period(context.agreement, &context.party, context.period());
        let mut forger = Self {
            context: context.clone(),
            values: Vec::new(),
            blindings: Vec::new(),
            leaf_roots: Vec::new(),
            points: BTreeMap::new(),
            runs: runs().into_iter().map(|run| (run, 0)).collect(),
        };
        for input in inputs {
            let sums = lane_sums(&input.leaves);
            let key = key.group(input.group);
            forger.values.push(sums.map(i128::from));
            forger.blindings.push(std::array::from_fn(|lane| key.blinding(lane as u8, sums[lane])));
            forger.leaf_roots.push(leaf_root(&key, context.period(), input.group, 8, &input.leaves));
            for (run, petaops) in input.leaves.iter().flat_map(|leaf| &leaf.run_petaops) {
                forger.runs.iter_mut().find(|(name, _)| name == run).unwrap().1 += i128::from(*petaops);
            }
        }
        forger
    }

    pub fn point(&self, group: usize, lane: usize) -> RistrettoPoint {
        let honest = || commit(&signed(self.values[group][lane]), &self.blindings[group][lane]);
        self.points.get(&(group, lane)).copied().unwrap_or_else(honest)
    }

    /// Proves the nearest values that lie in range, for commitments to exactly those.
    fn prove(
        &self,
        shape: Shape,
        hash: Hash32,
        statement: &'static str,
        about: &[u8],
        openings: &[(i128, Scalar)],
    ) -> Vec<u8> {
        let openings: Vec<(u64, Scalar)> =
            openings.iter().map(|(value, blinding)| (clamp(*value, shape.bits as u32), *blinding)).collect();
        let points: Vec<Encoded> =
            openings.iter().map(|(value, blinding)| encoded(commit(&Scalar::from(*value), blinding))).collect();
        Sequence { shape, context: hash, statement, about }.prove(&points, &openings, &mut rng(5)).unwrap()
    }

    fn conservation(&self, hash: Hash32) -> Vec<u8> {
        let mut transcript = transcript(hash, "conservation");
        transcript.append_u64(b"groups", self.values.len() as u64);
        let (mut point, mut secret) = (RistrettoPoint::default(), Scalar::ZERO);
        let declared = fleet().context();
        let fleet_key = master().period(declared.agreement, &declared.party, declared.period());
        for (index, group) in registrations().iter().enumerate() {
            let mut weight = [0; 16];
            transcript.challenge_bytes(b"weight", &mut weight);
            let weight = Scalar::from(u128::from_le_bytes(weight));
            let count = group.devices.len() as u64;
            let count_blinding = fleet_key.group(group.group).blinding(255, count);
            let seconds: RistrettoPoint = (0..9).map(|lane| self.point(index, lane)).sum();
            point += weight * (seconds - Scalar::from(DAY) * fleet().groups()[index].count.point().unwrap());
            let blinding: Scalar = self.blindings[index][..9].iter().sum();
            secret += weight * (blinding - Scalar::from(DAY) * count_blinding);
        }
        schnorr::prove(transcript, &point, &secret, &mut rng(6)).to_vec()
    }

    pub fn forge(&self) -> (WindowBlob, ReportRef) {
        let mut records = Vec::new();
        for (group, leaf_root) in self.leaf_roots.iter().enumerate() {
            let lanes = std::array::from_fn(|lane| PointBytes::of(&self.point(group, lane)));
            WindowRecord { leaf_root: *leaf_root, lanes }.encode(group as u32, &mut records);
        }
        let names: Vec<Name> = self.runs.iter().map(|(run, _)| run.clone()).collect();
        let report = ReportRef {
            root: records_root(&records, WINDOW_RECORD_BYTES),
            groups: self.values.len() as u32,
            runs: names.clone(),
        };
        let hash = self.context.hash(report.groups, report.root, &names).unwrap();
        let all = |group: usize, lane: usize| (self.values[group][lane], self.blindings[group][lane]);
        let groups = 0..self.values.len();
        let lanes: Vec<_> = groups.clone().flat_map(|group| (0..16).map(move |lane| all(group, lane))).collect();
        let slack = |group: usize, class: usize| {
            let (p, q) = (i128::from(fleet().constants()[group].p), i128::from(fleet().constants()[group].q));
            let ((seconds, first), (petaops, second)) = (all(group, class), all(group, 9 + class));
            (p * seconds - q * petaops, signed(p) * first - signed(q) * second)
        };
        let bound: Vec<_> = groups.flat_map(|group| (0..6).map(move |class| slack(group, class))).collect();
        let (runs, runs_sum) = self.runs(hash);
        let blob = WindowBlob {
            version: 1,
            records: Bytes(records),
            range: Bytes(self.prove(LANE, hash, "lanes", &[], &lanes)),
            bound: Bytes(self.prove(LANE, hash, "physical-bound", &[], &bound)),
            conservation: Bytes(self.conservation(hash)),
            runs: Bytes(runs),
            runs_sum: Bytes(runs_sum),
            rules: BTreeMap::new(),
            totals: None,
        };
        (blob, report)
    }

    fn runs(&self, hash: Hash32) -> (Vec<u8>, Vec<u8>) {
        let key = master().period(self.context.agreement, &self.context.party, self.context.period());
        let (mut proofs, mut value, mut blinding) = (Vec::new(), 0, Scalar::ZERO);
        for (run, petaops) in &self.runs {
            let own = key.run_blinding(run, clamp(*petaops, 64));
            proofs.extend_from_slice(PointBytes::of(&commit(&signed(*petaops), &own)).as_bytes());
            proofs.extend(self.prove(SLACK, hash, "run", run.as_str().as_bytes(), &[(*petaops, own)]));
            value += petaops;
            blinding += own;
        }
        let total = |lane: usize| self.values.iter().map(|values| values[lane]).sum::<i128>();
        let total_blinding = |lane: usize| self.blindings.iter().map(|blindings| blindings[lane]).sum::<Scalar>();
        let excess = (value - total(9) - total(10), blinding - total_blinding(9) - total_blinding(10));
        let rest = (total(11) - excess.0, total_blinding(11) - excess.1);
        let mut sum = self.prove(SLACK, hash, "runs-excess", &[], &[excess]);
        sum.extend(self.prove(SLACK, hash, "experiment-rest", &[], &[rest]));
        (proofs, sum)
    }

    /// Which checks fail for what is forged.
    pub fn failing(&self) -> Vec<String> {
        let (blob, report) = self.forge();
        failing(&self.context, &report, &encode(&blob))
    }
}

pub fn encode(blob: &WindowBlob) -> Vec<u8> {
    standstill_statement::canonical::to_vec(blob).unwrap()
}

pub fn decode(sealed: &SealedWindow) -> WindowBlob {
    WindowBlob::decode(&sealed.blob, sealed.groups, runs().len(), 16).unwrap()
}

/// The ids of the checks that fail or are not shown.
pub fn failing(context: &WindowContext, report: &ReportRef, blob: &[u8]) -> Vec<String> {
    let verdict = verify(context, report, blob);
    assert_eq!(verdict.public.is_some(), all_pass(&verdict), "an account that fails must not enter the history");
    verdict.checks.iter().filter(|check| check.outcome != Outcome::Pass).map(|check| check.id.to_string()).collect()
}
