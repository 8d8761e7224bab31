//! The lab's side: from leaves to a sealed report.

use crate::account::{Account, account};
use crate::blob::{Bytes, WindowBlob};
use crate::commitment::{PointBytes, commit};
use crate::context::WindowContext;
use crate::error::SealError;
use crate::fleet::PublicFleet;
use crate::history::{PrivateHistory, PrivateWindow};
use crate::keys::MasterSecret;
use crate::leaf::GroupInput;
use crate::parameters::{DERIVED_LANES, ModelConstants, PETAOPS_LANE, VERSION};
use crate::range::{Encoded, LANE, SLACK, Sequence};
use crate::record::{WINDOW_RECORD_BYTES, WindowRecord, records_root};
use crate::rule::Rule;
use crate::schnorr;
use crate::statement::{self, Lanes};
use crate::sums::{OpenLanes, Opened};
use curve25519_dalek::{RistrettoPoint, Scalar};
use rand_core::CryptoRng;
use rayon::prelude::*;
use standstill_statement::body::Mode;
use standstill_statement::{Class, Hash32, Name, canonical};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A rule that the account does not satisfy, or that cannot be decided or proved; the report then carries no proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// Id of the rule.
    pub rule: String,
    /// Why, for the lab only.
    pub reason: String,
}

/// A sealed report.
pub struct SealedWindow {
    /// Bytes of the blob.
    pub blob: Vec<u8>,
    /// Root over the group records.
    pub root: Hash32,
    /// Number of group records.
    pub groups: u32,
    /// Rules without a proof; empty for an account within its limits.
    pub over: Vec<OverLimit>,
    /// Openings of the totals: secret; later windows need it.
    pub private: PrivateWindow,
}

/// Seals a window. `groups` holds every group of the fleet in order; `runs` are the names in the report, sorted; `rules` are those
/// of [`crate::rules_for`]. `rng` must be a cryptographic generator seeded from the system.
///
/// An account over a limit is still sealed: that rule's proof is absent and listed in [`SealedWindow::over`].
///
/// # Errors
/// [`SealError::Input`] or [`SealError::BeyondPeak`] when the account contradicts itself.
#[expect(clippy::too_many_arguments, reason = "each is a public parameter of the statement or a secret of the prover")]
pub fn seal_window<R: CryptoRng>(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    groups: &[GroupInput],
    runs: &[Name],
    rules: &[Rule],
    history: &PrivateHistory,
    rng: &mut R,
) -> Result<SealedWindow, SealError> {
    let account = account(master, context, fleet, groups, runs)?;
    seal_account(context, fleet, account, runs, rules, history, rng)
}

/// Proves an account as it is, without looking at it again.
fn seal_account<R: CryptoRng>(
    context: &WindowContext,
    fleet: &PublicFleet,
    account: Account,
    runs: &[Name],
    rules: &[Rule],
    history: &PrivateHistory,
    rng: &mut R,
) -> Result<SealedWindow, SealError> {
    let committed = Committed::new(context, fleet, &account, runs)?;
    let (range, bound) = committed.prove_lanes(fleet.constants(), &account, rng)?;
    let conservation = committed.prove_conservation(context, fleet, &account, rng);
    let (run_proofs, runs_sum) = committed.prove_runs(&account.private, rng)?;
    let (rules, over) = committed.prove_rules(rules, &account.private, history, rng)?;
    let totals = (context.mode == Mode::Open).then(|| open(&account.private)).transpose()?;
    let blob = WindowBlob {
        version: VERSION,
        records: Bytes(committed.records),
        range: Bytes(range),
        bound: Bytes(bound),
        conservation: Bytes(conservation.to_vec()),
        runs: Bytes(run_proofs),
        runs_sum: Bytes(runs_sum),
        rules,
        totals,
    };
    let (root, groups) = (committed.root, committed.groups);
    Ok(SealedWindow { blob: canonical::to_vec(&blob)?, root, groups, over, private: account.private })
}

/// The secret openings of a window's totals, made again from the ledger: for a lab that lost the file.
///
/// # Errors
/// As [`seal_window`].
pub fn private_window(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    groups: &[GroupInput],
    runs: &[Name],
) -> Result<PrivateWindow, SealError> {
    account(master, context, fleet, groups, runs).map(|account| account.private)
}

/// For the benchmark: everything up to the records.
pub(crate) fn commit_only(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    groups: &[GroupInput],
    runs: &[Name],
) -> Result<(), SealError> {
    let account = account(master, context, fleet, groups, runs)?;
    Committed::new(context, fleet, &account, runs).map(|_| ())
}

/// For the benchmark: everything up to the records, then the range proofs of all lanes and nothing else.
pub(crate) fn prove_lanes_only<R: CryptoRng>(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    groups: &[GroupInput],
    runs: &[Name],
    rng: &mut R,
) -> Result<(), SealError> {
    let account = account(master, context, fleet, groups, runs)?;
    let committed = Committed::new(context, fleet, &account, runs)?;
    committed.prove_lanes(fleet.constants(), &account, rng).map(|_| ())
}

/// The records and everything that they fix.
struct Committed {
    records: Vec<u8>,
    root: Hash32,
    groups: u32,
    context: Hash32,
    points: Vec<Lanes>,
    encoded: Vec<Encoded>,
}

/// Lane commitments of one group, with their encodings.
fn commit_group(group: &OpenLanes) -> (Lanes, WindowRecord) {
    let points: Lanes = std::array::from_fn(|lane| commit(&Scalar::from(group.values[lane]), &group.blindings[lane]));
    let lanes = std::array::from_fn(|lane| PointBytes::of(&points[lane]));
    (points, WindowRecord { leaf_root: Hash32::default(), lanes })
}

impl Committed {
    fn new(context: &WindowContext, fleet: &PublicFleet, account: &Account, runs: &[Name]) -> Result<Self, SealError> {
        let groups = u32::try_from(fleet.groups().len()).unwrap_or(u32::MAX);
        let committed: Vec<(Lanes, WindowRecord)> = account.groups.par_iter().map(commit_group).collect();
        let mut records = Vec::with_capacity(committed.len() * WINDOW_RECORD_BYTES);
        let (mut points, mut encoded) = (Vec::with_capacity(committed.len()), Vec::new());
        for (group, ((lanes, mut record), leaf_root)) in (0..groups).zip(committed.into_iter().zip(&account.leaf_roots))
        {
            record.leaf_root = *leaf_root;
            record.encode(group, &mut records);
            encoded.extend(lanes.into_iter().zip(record.lanes));
            points.push(lanes);
        }
        let root = records_root(&records, WINDOW_RECORD_BYTES);
        let context = context.hash(groups, root, runs)?;
        Ok(Self { records, root, groups, context, points, encoded })
    }

    const fn sequence<'a>(&self, statement: &'static str, about: &'a [u8]) -> Sequence<'a> {
        Sequence { shape: SLACK, context: self.context, statement, about }
    }

    fn prove_lanes<R: CryptoRng>(
        &self,
        constants: &[ModelConstants],
        account: &Account,
        rng: &mut R,
    ) -> Result<(Vec<u8>, Vec<u8>), SealError> {
        let openings = account.groups.iter().flat_map(|group| group.values.into_iter().zip(group.blindings));
        let openings = Zeroizing::new(openings.collect::<Vec<_>>());
        let slacks =
            account.groups.iter().zip(constants).flat_map(|(group, constants)| bound_openings(group, *constants));
        let slacks = Zeroizing::new(slacks.collect::<Vec<_>>());
        let lanes = Sequence { shape: LANE, ..self.sequence(statement::LANES, &[]) };
        let bound = Sequence { shape: LANE, ..self.sequence(statement::PHYSICAL_BOUND, &[]) };
        let points = statement::bound_points(&self.points, constants);
        // Seeds first, in order: the bytes do not depend on what runs beside what.
        let (first, second) = (lanes.seeds(self.encoded.len(), rng), bound.seeds(points.len(), rng));
        let (range, bound) = rayon::join(
            || lanes.prove_seeded(&self.encoded, &openings, &first),
            || bound.prove_seeded(&points, &slacks, &second),
        );
        Ok((range?, bound?))
    }

    fn prove_conservation<R: CryptoRng>(
        &self,
        context: &WindowContext,
        fleet: &PublicFleet,
        account: &Account,
        rng: &mut R,
    ) -> [u8; schnorr::PROOF_BYTES] {
        let (transcript, weights) = statement::conservation_weights(self.context, self.points.len());
        let seconds = context.window_seconds();
        let point = statement::conservation_point(&weights, &self.points, fleet.counts(), seconds);
        let rest = |group: &OpenLanes| {
            group.blindings[..Class::COUNT].iter().sum::<Scalar>() - Scalar::from(seconds) * group.count_blinding
        };
        let secret =
            Zeroizing::new(weights.iter().zip(&account.groups).map(|(weight, group)| weight * rest(group)).sum());
        schnorr::prove(transcript, &point, &secret, rng)
    }

    /// Per run its commitment and range proof; then the two proofs that the runs add up.
    fn prove_runs<R: CryptoRng>(&self, private: &PrivateWindow, rng: &mut R) -> Result<(Vec<u8>, Vec<u8>), SealError> {
        let mut proofs = Vec::new();
        let (mut value, mut blinding) = (0, Scalar::ZERO);
        for (run, opened) in &private.runs {
            let (point, proof) =
                self.prove_one(statement::RUN, run.as_str().as_bytes(), narrow(opened.value)?, opened.blinding, rng)?;
            proofs.extend_from_slice(point.as_bytes());
            proofs.extend_from_slice(&proof);
            value += opened.value;
            blinding += opened.blinding;
        }
        let mut values = [0i128; crate::parameters::Total::COUNT];
        for (slot, opened) in values.iter_mut().zip(&private.totals) {
            *slot = i128::from(narrow(opened.value)?);
        }
        let (excess, rest) = statement::run_rests(&values, i128::from(narrow(value)?));
        let blindings = private.totals.map(|opened| opened.blinding);
        let (excess_blinding, rest_blinding) = statement::run_rests(&blindings, blinding);
        let (_, mut sum) = self.prove_one(statement::RUNS_EXCESS, &[], slack(excess)?, excess_blinding, rng)?;
        sum.extend(self.prove_one(statement::EXPERIMENT_REST, &[], slack(rest)?, rest_blinding, rng)?.1);
        Ok((proofs, sum))
    }

    fn prove_one<R: CryptoRng>(
        &self,
        statement: &'static str,
        about: &[u8],
        value: u64,
        blinding: Scalar,
        rng: &mut R,
    ) -> Result<(PointBytes, Vec<u8>), SealError> {
        let point: RistrettoPoint = commit(&Scalar::from(value), &blinding);
        let bytes = PointBytes::of(&point);
        Ok((bytes, self.sequence(statement, about).prove(&[(point, bytes)], &[(value, blinding)], rng)?))
    }

    fn prove_rules<R: CryptoRng>(
        &self,
        rules: &[Rule],
        private: &PrivateWindow,
        history: &PrivateHistory,
        rng: &mut R,
    ) -> Result<(BTreeMap<String, Bytes>, Vec<OverLimit>), SealError> {
        let (mut proofs, mut over) = (BTreeMap::new(), Vec::new());
        for rule in rules {
            let decided = rule.opening(private, history).and_then(|(slack, blinding)| match u64::try_from(slack) {
                Ok(slack) => Ok((slack, blinding)),
                Err(_) if slack < 0 => Err(format!("over the limit by {} (units of the rule)", slack.unsigned_abs())),
                Err(_) => Err(kept_beyond_range(slack)),
            });
            match decided {
                Ok((slack, blinding)) => {
                    let about = rule.digest()?;
                    let (_, proof) = self.prove_one(statement::RULE, about.as_bytes(), slack, blinding, rng)?;
                    proofs.insert(rule.id.clone(), Bytes(proof));
                }
                Err(reason) => over.push(OverLimit { rule: rule.id.clone(), reason }),
            }
        }
        Ok((proofs, over))
    }
}

/// Openings of the physical bound's slack; checked to be at least 0 when the account was made.
fn bound_openings(group: &OpenLanes, constants: ModelConstants) -> [(u64, Scalar); DERIVED_LANES] {
    let (p, q) = (u64::from(constants.p), u64::from(constants.q));
    std::array::from_fn(|class| {
        let operations = PETAOPS_LANE + class;
        let value = (p * group.values[class]).wrapping_sub(q * group.values[operations]);
        let blinding = Scalar::from(p) * group.blindings[class] - Scalar::from(q) * group.blindings[operations];
        (value, blinding)
    })
}

/// What a lab is told that keeps a limit by more than this format can prove: to everybody else it looks like one that does not.
fn kept_beyond_range(slack: i128) -> String {
    let bits = i128::BITS - slack.leading_zeros();
    format!(
        "this account KEEPS the limit, but by {slack} units of the rule, which is {bits} bits, and a proof holds 64 (formats/seal.md, \"Numeric \
         range\"); nobody else can tell this from a violation, so tell the other parties, and agree on a fraction with fewer digits, fewer \
         baseline windows, or an amount"
    )
}

fn narrow(value: u128) -> Result<u64, SealError> {
    let problem =
        || SealError::Input { place: "totals".to_owned(), problem: "a total does not fit 64 bits".to_owned() };
    u64::try_from(value).map_err(|_| problem())
}

fn slack(value: i128) -> Result<u64, SealError> {
    let problem =
        || SealError::Input { place: "runs".to_owned(), problem: "the runs do not add up to the classes".to_owned() };
    u64::try_from(value).map_err(|_| problem())
}

/// Totals and runs in clear: value (8 bytes, big-endian), blinding (32 bytes).
fn open(private: &PrivateWindow) -> Result<Bytes, SealError> {
    let mut out = Vec::new();
    for Opened { value, blinding } in private.totals.iter().chain(private.runs.values()) {
        out.extend_from_slice(&narrow(*value)?.to_be_bytes());
        out.extend_from_slice(blinding.as_bytes());
    }
    Ok(Bytes(out))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slack_beyond_64_bits_is_told_apart_from_a_violation() {
        let told = super::kept_beyond_range(1 << 64);
        assert!(told.contains("KEEPS the limit") && told.contains("is 65 bits"), "{told}");
        assert!(!told.contains("over the limit"));
    }
}
