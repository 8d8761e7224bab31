//! Accounting against decisions: every covered allocation rests on exactly one signed decision that let it pass, and every such decision on
//! at most one submission. Whoever goes around the gate leaves an allocation without a decision.
//!
//! What this cannot see: allocations that accounting does not have (`slurmdbd` can be edited by its administrator; the conserved ledger and
//! power are the check on that), and accelerators used without being allocated.

use crate::journal::{Recorded, decision_id};
use crate::slurm::Accounted;
use crate::terms::Terms;
use serde::Serialize;
use standstill_statement::{GateVerdict, Hash32};
use std::collections::{BTreeMap, BTreeSet};

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An allocation with accelerators and no decision: somebody went around the gate.
    Bypass,
    /// Without a decision too, but by those whom the terms list as exempt, and within the size listed: what a hook lets pass when no gate
    /// answers.
    OpenWithoutGate,
    /// It names a decision that the journal does not hold.
    UnknownDecision,
    /// It rests on a refusal.
    Refused,
    /// One decision serves several submissions.
    DecisionReused,
    /// It started after its decision had expired, and none took its place.
    Expired,
    /// It started before it was decided on.
    StartedBefore,
    /// It held more accelerators than were decided on.
    Larger,
    /// It ran longer than was decided on.
    Longer,
    /// It ran under another account, or for another user, than was decided on.
    OtherOwner,
    /// The accelerators in its record cannot be read.
    Unreadable,
    /// The job behind its decision is not in the openings, so size and owner cannot be compared.
    Unopened,
    /// A decision that let a job pass, and no allocation rests on it. It may be waiting, or it was withdrawn.
    Unused,
}

impl Kind {
    /// Whether this shows that the gate was not obeyed. The other kinds say that something cannot be compared, or is not there yet.
    #[must_use]
    pub const fn is_violation(self) -> bool {
        !matches!(self, Self::Unopened | Self::Unused | Self::OpenWithoutGate)
    }
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// Job id; empty when it is about a decision only.
    pub job: String,
    /// Short id of the decision; empty when there is none.
    pub decision: String,
    /// In words.
    pub sentence: String,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Allocations with accelerators.
    pub covered: u64,
    /// Of these, allocations whose decision fits.
    pub matched: u64,
    /// Allocations without accelerators.
    pub uncovered: u64,
    /// Jobs that never started.
    pub never_started: u64,
    /// Decisions in the journal.
    pub decisions: u64,
    /// What does not fit, sorted.
    pub findings: Vec<Finding>,
}

impl Reconciliation {
    /// Whether something shows that the gate was not obeyed.
    #[must_use]
    pub fn violated(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind.is_violation())
    }
}

/// How far figures of accounting may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Seconds by which the clocks of gate and scheduler may differ.
    pub clock_seconds: u64,
    /// Seconds that a job may take to end after its time limit (`KillWait`, `OverTimeLimit`, epilogues).
    pub end_seconds: u64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { clock_seconds: 5, end_seconds: 120 }
    }
}

/// Joins an accounting export with the decisions of all gates of the party.
#[must_use]
pub fn reconcile(
    terms: &Terms,
    accounted: &[Accounted],
    decisions: &[Recorded],
    tolerance: Tolerance,
) -> Reconciliation {
    let book = Book::new(decisions);
    let mut result = Reconciliation { decisions: decisions.len() as u64, ..Reconciliation::default() };
    let mut submissions: BTreeMap<Hash32, BTreeSet<&str>> = BTreeMap::new();
    for record in accounted {
        let Some(start) = record.start_unix_seconds else {
            result.never_started += 1;
            continue;
        };
        if is_uncovered(terms, record, decisions, &book) {
            result.uncovered += 1;
            continue;
        }
        result.covered += 1;
        let before = result.findings.len();
        if let Some(root) = examine(terms, record, start, &book, tolerance, &mut result.findings) {
            submissions.entry(root).or_default().insert(record.submission());
        }
        result.matched += u64::from(result.findings.len() == before);
    }
    for (root, jobs) in &submissions {
        if jobs.len() > 1 {
            let names = jobs.iter().copied().collect::<Vec<_>>().join(", ");
            let sentence = format!("one decision serves {} submissions: {names}", jobs.len());
            let job = (*jobs.iter().next().unwrap_or(&"")).to_owned();
            result.findings.push(Finding { kind: Kind::DecisionReused, job, decision: decision_id(root), sentence });
        }
    }
    result.findings.extend(book.unused(&submissions));
    result.findings.sort();
    result
}

/// No accelerators, and nothing that says otherwise: a job in an unconstrained partition reaches what it was not given.
fn is_uncovered(terms: &Terms, record: &Accounted, decisions: &[Recorded], book: &Book<'_>) -> bool {
    let reaches = terms.place(&record.place).is_some_and(|place| !place.constrained && place.accelerators_per_node > 0);
    if record.accelerators != Some(0) || reaches {
        // A small job that the gate has let pass as uncovered carries its decision all the same.
        return false;
    }
    record.decision.as_ref().is_none_or(|id| book.find(id).and_then(|index| decisions.get(index)).is_none())
}

/// Whether the terms list the record's account and user, for as many accelerators as it held.
fn is_listed(terms: &Terms, record: &Accounted) -> bool {
    let listed = |list: &[String], value: &str| list.is_empty() || list.iter().any(|item| item == value);
    terms.exemptions.iter().filter(|exemption| !exemption.system).any(|exemption| {
        listed(&exemption.accounts, &record.account)
            && listed(&exemption.users, &record.user)
            && listed(&exemption.places, &record.place)
            && record.accelerators.is_some_and(|held| held <= exemption.accelerators)
    })
}

struct Book<'a> {
    all: &'a [Recorded],
    by_id: BTreeMap<String, usize>,
    by_hash: BTreeMap<Hash32, usize>,
    /// The decision that took the place of each.
    next: BTreeMap<Hash32, Vec<usize>>,
}

impl<'a> Book<'a> {
    fn new(all: &'a [Recorded]) -> Self {
        let mut book = Self { all, by_id: BTreeMap::new(), by_hash: BTreeMap::new(), next: BTreeMap::new() };
        for (index, item) in all.iter().enumerate() {
            book.by_id.insert(decision_id(&item.statement), index);
            book.by_hash.insert(item.statement, index);
            if let Some(earlier) = item.decision.earlier {
                book.next.entry(earlier).or_default().push(index);
            }
        }
        book
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The first decision of the chain that a decision belongs to. Hashes cannot form a circle.
    fn root(&self, mut index: usize) -> usize {
        while let Some(earlier) = self.all[index].decision.earlier.and_then(|hash| self.by_hash.get(&hash)) {
            index = *earlier;
        }
        index
    }

    /// All decisions of a chain, from the first on.
    fn chain(&self, root: usize) -> Vec<&'a Recorded> {
        let (mut chain, mut waiting) = (Vec::new(), vec![root]);
        while let Some(index) = waiting.pop() {
            let item = &self.all[index];
            chain.push(item);
            waiting.extend(self.next.get(&item.statement).into_iter().flatten());
        }
        chain
    }

    fn unused(&self, used: &BTreeMap<Hash32, BTreeSet<&str>>) -> Vec<Finding> {
        let roots = self.all.iter().filter(|item| {
            item.decision.earlier.is_none()
                && item.decision.verdict == GateVerdict::Allow
                && !used.contains_key(&item.statement)
        });
        roots
            .map(|item| Finding {
                kind: Kind::Unused,
                job: String::new(),
                decision: decision_id(&item.statement),
                sentence: "let a job pass, and no allocation rests on it".to_owned(),
            })
            .collect()
    }
}

/// Checks one allocation; gives the first decision of its chain when there is one.
fn examine(
    terms: &Terms,
    record: &Accounted,
    start: u64,
    book: &Book<'_>,
    tolerance: Tolerance,
    findings: &mut Vec<Finding>,
) -> Option<Hash32> {
    let id = record.decision.clone().unwrap_or_default();
    let mut add = |kind, sentence: String| {
        findings.push(Finding { kind, job: record.id.clone(), decision: id.clone(), sentence });
    };
    let size = record.accelerators.map_or_else(|| "an unknown number of".to_owned(), |count| count.to_string());
    if record.accelerators.is_none() {
        add(Kind::Unreadable, "its allocation names resources that cannot be read".to_owned());
    }
    let Some(decision) = &record.decision else {
        let held = format!("held {size} accelerators for {} s", record.elapsed_seconds);
        let kind = if is_listed(terms, record) { Kind::OpenWithoutGate } else { Kind::Bypass };
        add(kind, format!("{held} in account '{}' without any decision of a gate", record.account));
        return None;
    };
    let Some(index) = book.find(decision) else {
        add(
            Kind::UnknownDecision,
            "names a decision that is not in the journal; is a gate's journal missing?".to_owned(),
        );
        return None;
    };
    let root = book.root(index);
    let chain = book.chain(root);
    let passing: Vec<&&Recorded> = chain.iter().filter(|item| item.decision.verdict == GateVerdict::Allow).collect();
    if passing.is_empty() {
        add(Kind::Refused, format!("held {size} accelerators although the gate had refused it"));
        return Some(book.all[root].statement);
    }
    let latest_start = start.saturating_add(tolerance.clock_seconds);
    let begun: Vec<&&&Recorded> = passing.iter().filter(|item| item.at_unix_seconds <= latest_start).collect();
    if begun.is_empty() {
        add(Kind::StartedBefore, "started before it was decided on".to_owned());
    } else if !begun
        .iter()
        .any(|item| start <= item.decision.expires_unix_seconds.saturating_add(tolerance.clock_seconds))
    {
        add(Kind::Expired, "started after its decision had expired".to_owned());
    }
    let jobs: Vec<_> = passing.iter().filter_map(|item| item.job.as_ref()).collect();
    if jobs.is_empty() {
        add(Kind::Unopened, "its job is not in the openings; size and owner were not compared".to_owned());
        return Some(book.all[root].statement);
    }
    let most = jobs.iter().map(|job| job.accelerators.unwrap_or(0)).max().unwrap_or(0);
    if record.accelerators.is_some_and(|held| held > most) {
        add(Kind::Larger, format!("held {size} accelerators, and {most} were decided on"));
    }
    // The time limit of the allocation that started is the one that counts, so the longest of the chain is the widest reading.
    let longest = jobs.iter().map(|job| job.seconds.unwrap_or(u64::MAX)).max().unwrap_or(0);
    if record.elapsed_seconds > longest.saturating_add(tolerance.end_seconds) {
        add(Kind::Longer, format!("ran {} s, and {longest} s were decided on", record.elapsed_seconds));
    }
    let owned =
        |job: &&crate::job::Job| job.user == record.user && (job.account.is_empty() || job.account == record.account);
    if !jobs.iter().any(owned) {
        add(
            Kind::OtherOwner,
            format!("ran for user {} in account '{}', and others were decided on", record.user, record.account),
        );
    }
    Some(book.all[root].statement)
}
