//! Anyone's side: one outcome per check, all of them, whatever fails.

use crate::account::fits;
use crate::blob::{OPENED_BYTES, RUN_BYTES, WindowBlob};
use crate::commitment::{PointBytes, canonical_scalar, commit};
use crate::context::WindowContext;
use crate::error::SealError;
use crate::fleet::PublicFleet;
use crate::history::{History, OpenedTotals, PublicWindow};
use crate::parameters::{DERIVED_LANES, MAX_RULES, MAX_RUNS, PUBLISHED_LANES, Total, VERSION};
use crate::range::{BadProof, Deferred, Encoded, LANE, SLACK, Sequence};
use crate::record::{WINDOW_RECORD_BYTES, WindowRecord, records_root};
use crate::rule::Rule;
use crate::schnorr;
use crate::statement::{self, Lanes};
use crate::sums::Sums;
use crate::verdict::{Check, CheckId, Outcome, ReportRef, WindowVerdict};
use curve25519_dalek::{RistrettoPoint, Scalar};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use standstill_statement::body::Mode;
use standstill_statement::{Hash32, Name};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Verifies a report's blob. Never stops at the first failure; the same bytes give the same verdict on any number of threads.
#[must_use]
pub fn verify_window(
    context: &WindowContext,
    fleet: &PublicFleet,
    rules: &[Rule],
    history: &History,
    report: &ReportRef,
    blob: &[u8],
) -> WindowVerdict {
    verify(context, fleet, rules, history, report, blob, None).0
}

/// As [`verify_window`], with the range proofs put off. The verdict holds if and only if [`all_hold`](crate::all_hold) says so of what was
/// put off; if not, verify the report again with [`verify_window`]. Range proofs are nearly all of the cost, and those of one small report
/// do not fill a batch.
#[must_use]
pub fn verify_window_later(
    context: &WindowContext,
    fleet: &PublicFleet,
    rules: &[Rule],
    history: &History,
    report: &ReportRef,
    blob: &[u8],
) -> (WindowVerdict, Deferred) {
    verify(context, fleet, rules, history, report, blob, Some(Deferred::default()))
}

/// Verifies, and puts range proofs off into `later` when it is given.
fn verify(
    context: &WindowContext,
    fleet: &PublicFleet,
    rules: &[Rule],
    history: &History,
    report: &ReportRef,
    blob: &[u8],
    later: Option<Deferred>,
) -> (WindowVerdict, Deferred) {
    let ids = check_ids(context, rules);
    match Read::new(context, fleet, rules, report, blob, later) {
        Ok(read) => {
            let verdict = read.verdict(fleet, rules, history, ids);
            (verdict, read.later.map(RefCell::into_inner).unwrap_or_default())
        }
        Err(reason) => {
            let outcome = |id: &CheckId| match id {
                CheckId::Layout => Outcome::Fail(reason.clone()),
                _ => Outcome::Absent("the blob cannot be used, see layout".to_owned()),
            };
            let checks = ids.into_iter().map(|id| Check { outcome: outcome(&id), id }).collect();
            (WindowVerdict { checks, public: None }, Deferred::default())
        }
    }
}

fn check_ids(context: &WindowContext, rules: &[Rule]) -> Vec<CheckId> {
    let mut ids = vec![CheckId::Layout, CheckId::Range, CheckId::Conservation, CheckId::PhysicalBound, CheckId::Runs];
    if context.mode == Mode::Open {
        ids.push(CheckId::OpenTotals);
    }
    ids.extend(rules.iter().map(|rule| CheckId::Rule(rule.id.clone())));
    ids
}

/// A blob of the right shape, with every commitment decoded.
struct Read<'a> {
    context: &'a WindowContext,
    hash: Hash32,
    names: &'a [Name],
    blob: WindowBlob,
    lanes: Vec<Lanes>,
    encoded: Vec<Encoded>,
    runs: Vec<Encoded>,
    sums: Sums,
    /// Where range proofs go that are put off; none: they are checked at once.
    later: Option<RefCell<Deferred>>,
}

impl<'a> Read<'a> {
    fn new(
        context: &'a WindowContext,
        fleet: &PublicFleet,
        rules: &[Rule],
        report: &'a ReportRef,
        blob: &[u8],
        later: Option<Deferred>,
    ) -> Result<Self, String> {
        fits(context, fleet)?;
        check_reference(fleet, rules, report)?;
        let blob = WindowBlob::decode(blob, report.groups, report.runs.len(), rules.len())
            .map_err(|error| error.to_string())?;
        check_sizes(context, rules, report, &blob)?;
        let records = WindowRecord::decode_all(report.groups, &blob.records.0)
            .ok_or_else(|| format!("there are not exactly {} group records, numbered from 0", report.groups))?;
        let root = records_root(&blob.records.0, WINDOW_RECORD_BYTES);
        if root != report.root {
            return Err(format!("the root over the group records is {root}, and the statement says {}", report.root));
        }
        let lanes: Vec<Option<Lanes>> = records.par_iter().map(decode_lanes).collect();
        let lanes: Option<Vec<Lanes>> = lanes.into_iter().collect();
        let lanes = lanes.ok_or("a lane commitment is not a point, or is the identity")?;
        let encoded =
            records.iter().zip(&lanes).flat_map(|(record, lanes)| lanes.iter().copied().zip(record.lanes)).collect();
        let runs: Option<Vec<Encoded>> = blob.runs.0.chunks_exact(RUN_BYTES).map(decode_run).collect();
        let runs = runs.ok_or("a run commitment is not a point, or is the identity")?;
        let totals = Sums::add_up(&lanes, fleet.counts(), fleet.constants());
        let by_name = report.runs.iter().cloned().zip(runs.iter().map(|(point, _)| *point)).collect();
        let hash = context.hash(report.groups, report.root, &report.runs).map_err(|error| error.to_string())?;
        Ok(Self {
            context,
            hash,
            names: &report.runs,
            blob,
            lanes,
            encoded,
            runs,
            sums: Sums { totals, runs: by_name },
            later: later.map(RefCell::new),
        })
    }

    const fn sequence<'s>(&self, statement: &'static str, about: &'s [u8]) -> Sequence<'s> {
        Sequence { shape: SLACK, context: self.hash, statement, about }
    }

    /// Checks a sequence of range proofs, or puts it off.
    fn check_range(&self, sequence: &Sequence<'_>, points: &[Encoded], proofs: &[u8]) -> Result<(), BadProof> {
        match &self.later {
            Some(later) => later.borrow_mut().put_off(sequence, points, proofs),
            None => sequence.verify(points, proofs),
        }
    }

    fn verdict(&self, fleet: &PublicFleet, rules: &[Rule], history: &History, ids: Vec<CheckId>) -> WindowVerdict {
        let mut by_id: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        let checks: Vec<Check> = ids
            .into_iter()
            .map(|id| {
                let outcome = match &id {
                    CheckId::Layout => Outcome::Pass,
                    CheckId::Range => self.range(),
                    CheckId::Conservation => self.conservation(fleet),
                    CheckId::PhysicalBound => self.physical_bound(fleet),
                    CheckId::Runs => self.check_runs(),
                    CheckId::OpenTotals => self.open_totals(),
                    CheckId::Rule(rule) => by_id.remove(rule.as_str()).map_or_else(
                        || Outcome::Absent("the rule is listed twice".to_owned()),
                        |rule| self.rule(rule, history),
                    ),
                };
                Check { id, outcome }
            })
            .collect();
        let account = |check: &&Check| !matches!(check.id, CheckId::OpenTotals | CheckId::Rule(_));
        let sound = checks.iter().filter(account).all(|check| check.outcome == Outcome::Pass);
        let opened = checks.iter().any(|check| check.id == CheckId::OpenTotals && check.outcome == Outcome::Pass);
        let public = sound.then(|| self.public(opened));
        WindowVerdict { checks, public }
    }

    fn range(&self) -> Outcome {
        let sequence = Sequence { shape: LANE, ..self.sequence(statement::LANES, &[]) };
        let place = |aggregate: usize| aggregate * LANE.aggregate / PUBLISHED_LANES;
        groups_outcome(
            self.check_range(&sequence, &self.encoded, &self.blob.range.0),
            place,
            "a lane is not shown to lie in [0, 2^32)",
        )
    }

    fn physical_bound(&self, fleet: &PublicFleet) -> Outcome {
        let sequence = Sequence { shape: LANE, ..self.sequence(statement::PHYSICAL_BOUND, &[]) };
        let points = statement::bound_points(&self.lanes, fleet.constants());
        let place = |aggregate: usize| aggregate * LANE.aggregate / DERIVED_LANES;
        let what = "operations are not shown to fit into the seconds at the model's peak";
        groups_outcome(self.check_range(&sequence, &points, &self.blob.bound.0), place, what)
    }

    fn conservation(&self, fleet: &PublicFleet) -> Outcome {
        let (transcript, weights) = statement::conservation_weights(self.hash, self.lanes.len());
        let seconds = self.context.window_seconds();
        let point = statement::conservation_point(&weights, &self.lanes, fleet.counts(), seconds);
        let holds = schnorr::verify(transcript, &point, &self.blob.conservation.0);
        outcome(holds, "in some group the seconds over all classes are not shown to equal devices times window")
    }

    fn check_runs(&self) -> Outcome {
        for ((name, commitment), bytes) in
            self.names.iter().zip(&self.runs).zip(self.blob.runs.0.chunks_exact(RUN_BYTES))
        {
            let sequence = self.sequence(statement::RUN, name.as_str().as_bytes());
            if self.check_range(&sequence, &[*commitment], &bytes[32..]).is_err() {
                return Outcome::Fail(format!("the operations of run '{name}' are not shown to lie in [0, 2^64)"));
            }
        }
        let sum = self.runs.iter().map(|(point, _)| *point).sum();
        let (excess, rest) = statement::run_rests(&self.sums.totals, sum);
        let (first, second) = self.blob.runs_sum.0.split_at(SLACK.proof_bytes());
        let holds = |statement, point: RistrettoPoint, proof| {
            self.check_range(&self.sequence(statement, &[]), &[(point, PointBytes::of(&point))], proof).is_ok()
        };
        if !holds(statement::RUNS_EXCESS, excess, first) {
            return Outcome::Fail(
                "the runs are not shown to cover all operations of pretraining and posttraining".to_owned(),
            );
        }
        outcome(
            holds(statement::EXPERIMENT_REST, rest, second),
            "the runs are not shown to stay within the operations of their classes",
        )
    }

    fn open_totals(&self) -> Outcome {
        let Some(bytes) = &self.blob.totals else { return Outcome::Fail("the totals in clear are missing".to_owned()) };
        let points = self.sums.totals.iter().chain(self.runs.iter().map(|(point, _)| point));
        for (index, (point, opened)) in points.zip(bytes.0.chunks_exact(OPENED_BYTES)).enumerate() {
            let holds =
                parse_opened(opened).is_some_and(|(value, blinding)| commit(&Scalar::from(value), &blinding) == *point);
            if !holds {
                let what = Total::ALL.get(index).map_or_else(
                    || format!("run '{}'", self.names[index - Total::COUNT]),
                    |total| format!("total {total:?}"),
                );
                return Outcome::Fail(format!("{what} in clear is not the committed one"));
            }
        }
        Outcome::Pass
    }

    fn rule(&self, rule: &Rule, history: &History) -> Outcome {
        let place = (self.context.agreement, &self.context.party, self.context.window);
        let point = match rule.point(place, &self.sums, history) {
            Ok(point) => point,
            Err(reason) => return Outcome::Absent(reason),
        };
        let Some(proof) = self.blob.rules.get(&rule.id) else {
            return Outcome::Absent("the report has no proof that this limit holds".to_owned());
        };
        let Ok(digest) = rule.digest() else { return Outcome::Fail("the limit has no encoding".to_owned()) };
        let sequence = self.sequence(statement::RULE, digest.as_bytes());
        let holds = self.check_range(&sequence, &[(point, PointBytes::of(&point))], &proof.0).is_ok();
        outcome(holds, "the proof that this limit holds does not verify")
    }

    fn public(&self, opened: bool) -> PublicWindow {
        let values = self.blob.totals.iter().flat_map(|bytes| bytes.0.chunks_exact(OPENED_BYTES));
        let values: Vec<u64> = values.filter_map(parse_opened).map(|(value, _)| value).collect();
        let (totals, runs) = values.split_at(Total::COUNT.min(values.len()));
        PublicWindow {
            agreement: self.context.agreement,
            party: self.context.party.clone(),
            window: self.context.window,
            context: self.hash,
            totals: self.sums.totals.iter().map(PointBytes::of).collect(),
            runs: self.names.iter().cloned().zip(self.runs.iter().map(|(_, bytes)| *bytes)).collect(),
            opened: opened.then(|| OpenedTotals { totals: totals.to_vec(), runs: runs.to_vec() }),
        }
    }
}

fn outcome(holds: bool, reason: &str) -> Outcome {
    if holds { Outcome::Pass } else { Outcome::Fail(reason.to_owned()) }
}

fn groups_outcome(result: Result<(), BadProof>, first_group: impl Fn(usize) -> usize, what: &str) -> Outcome {
    match result {
        Ok(()) => Outcome::Pass,
        Err(BadProof::Length) => Outcome::Fail("there are more or fewer range proofs than the lanes need".to_owned()),
        Err(BadProof::Aggregate(index)) => {
            let (first, last) = (first_group(index), first_group(index + 1));
            Outcome::Fail(format!("{what} (aggregate {index}, among groups {first} to {last})"))
        }
    }
}

fn decode_lanes(record: &WindowRecord) -> Option<Lanes> {
    let points: Vec<RistrettoPoint> = record.lanes.iter().map(PointBytes::commitment).collect::<Option<_>>()?;
    points.try_into().ok()
}

fn decode_run(bytes: &[u8]) -> Option<Encoded> {
    let bytes = PointBytes(Hash32(bytes.get(..32)?.try_into().ok()?));
    Some((bytes.commitment()?, bytes))
}

fn parse_opened(bytes: &[u8]) -> Option<(u64, Scalar)> {
    let (value, blinding) = bytes.split_at_checked(8)?;
    Some((u64::from_be_bytes(value.try_into().ok()?), canonical_scalar(blinding.try_into().ok()?)?))
}

fn check_reference(fleet: &PublicFleet, rules: &[Rule], report: &ReportRef) -> Result<(), String> {
    if usize::try_from(report.groups) != Ok(fleet.groups().len()) {
        return Err(format!("the report has {} groups and the fleet {}", report.groups, fleet.groups().len()));
    }
    if report.runs.len() > MAX_RUNS || !report.runs.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(format!("run names must be sorted, each once, at most {MAX_RUNS}"));
    }
    if rules.len() > MAX_RULES { Err(format!("more than {MAX_RULES} rules")) } else { Ok(()) }
}

/// Every length that public parameters fix, before any proof is looked at.
fn check_sizes(context: &WindowContext, rules: &[Rule], report: &ReportRef, blob: &WindowBlob) -> Result<(), String> {
    if blob.version != VERSION {
        return Err(format!("version {} is not known here; version {VERSION} is", blob.version));
    }
    let runs = report.runs.len();
    let totals = blob.totals.as_ref().map_or(0, |totals| totals.0.len());
    let exact = [
        ("conservation", blob.conservation.0.len(), schnorr::PROOF_BYTES),
        ("runs", blob.runs.0.len(), runs * RUN_BYTES),
        ("runs_sum", blob.runs_sum.0.len(), 2 * SLACK.proof_bytes()),
        ("totals", totals, if blob.totals.is_some() { (Total::COUNT + runs) * OPENED_BYTES } else { 0 }),
    ];
    if let Some((field, found, wanted)) = exact.iter().find(|(_, found, wanted)| found != wanted) {
        return Err(format!("field '{field}' has {found} bytes, and {wanted} are right"));
    }
    if blob.totals.is_some() && context.mode == Mode::Sealed {
        return Err("a sealed report has totals in clear".to_owned());
    }
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let unknown = blob.rules.keys().find(|id| !known.contains(id.as_str()));
    unknown.map_or(Ok(()), |id| {
        Err(format!(
            "it has a proof for '{}', which is no limit of this window",
            id.chars().take(140).collect::<String>()
        ))
    })
}

/// A key for remembering a [`WindowVerdict`]: a hash over everything that the verdict depends on. `blob_sha256` is the hash of the
/// exact blob bytes.
///
/// # Errors
/// [`SealError::Encoding`], never for values of these types.
pub fn memory_key(
    context: &WindowContext,
    fleet: &PublicFleet,
    rules: &[Rule],
    history: &History,
    report: &ReportRef,
    blob_sha256: Hash32,
) -> Result<Hash32, SealError> {
    let groups = u32::try_from(fleet.groups().len()).unwrap_or(u32::MAX);
    let mut digest = Sha256::new().chain_update(b"standstill/1/seal-memory\0");
    digest.update(blob_sha256.as_bytes());
    digest.update(context.hash(report.groups, report.root, &report.runs)?.as_bytes());
    digest.update(fleet.context().hash(fleet.chip_table(), groups, fleet.root())?.as_bytes());
    let mut windows = BTreeSet::new();
    for rule in rules {
        digest.update(rule.digest()?.as_bytes());
        windows.extend(rule.terms.iter().map(|term| term.window));
    }
    for window in windows.into_iter().filter(|window| *window != context.window) {
        let found = history.sums(context.agreement, &context.party, window).map(|(_, digest)| digest);
        digest.update(window.to_be_bytes());
        digest.update(found.unwrap_or_default().as_bytes());
    }
    Ok(Hash32(digest.finalize().into()))
}
