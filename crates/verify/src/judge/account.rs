//! A party's account: which fleet declarations and reports count, and whether their proofs hold.

use super::proofs::{Proofs, Question};
use super::{Phases, limits};
use crate::bundle::Bundle;
use crate::memory::ProofMemory;
use crate::record::{ByDeadline, Entry, IssuerLog};
use crate::verdict::ReportStatus;
use standstill_agreement::Agreement;
use standstill_ledger::Lineage;
use standstill_seal::{
    Check, CheckId, FleetContext, FleetRef, History, Outcome, PublicFleet, ReportRef, Rule, SealError, WindowContext,
    WindowVerdict, fleet_memory_key, memory_key, read_verified_fleet, rules_for, verify_fleet,
};
use standstill_statement::{Body, FleetDeclaration, Name, Report, RunDeclaration, canonical};
use std::collections::{BTreeMap, BTreeSet};

/// A fleet declaration and what came of its proofs.
#[derive(Debug)]
pub(crate) struct FleetFacts<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) declaration: &'a FleetDeclaration,
    pub(crate) proved: Result<PublicFleet, Refusal>,
}

/// Why something was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The issuer's own bytes are wrong.
    Breach(String),
    /// The bundle lacks something.
    Gap(String),
}

/// The report on one window that counts, and how its proofs came out.
#[derive(Debug)]
pub(crate) struct ReportFacts<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) report: &'a Report,
    pub(crate) proofs: Result<WindowVerdict, Refusal>,
    /// What is left of its rules once their proofs were checked: the terms themselves grow with every window and are dropped.
    pub(crate) rules: Vec<RuleFacts>,
    /// False when the bundle does not show the log up to the end of the grace period: a correction that counts may have been left out.
    pub(crate) settled: bool,
}

/// One rule of one report, after its proof was checked.
#[derive(Debug)]
pub(crate) struct RuleFacts {
    pub(crate) id: String,
    pub(crate) limit: Name,
    pub(crate) run: Option<Name>,
    pub(crate) footing: Footing,
    /// Amount and bound, when every quantity in the rule is in clear.
    pub(crate) figures: Option<(u128, u128)>,
}

/// How the earlier windows of a rule stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    /// All are at hand, as they were when the report was made.
    Whole,
    /// Not all are at hand.
    Absent,
    /// The report of this earlier window was corrected after this report was made, so that its proof is about other commitments.
    Corrected(u64),
}

/// The fleet declaration that a window must use.
pub(crate) enum InForce<'b, 'a> {
    /// This one, if any.
    Known(Option<&'b FleetFacts<'a>>),
    /// Nothing shows whether this higher revision was public when the window began.
    Unknown(&'b FleetFacts<'a>),
}

/// Why a report of which a correction may be missing decides nothing.
pub(crate) const PHASE_UNSETTLED: &str = "the bundle does not settle which phase held for this window, so its limits are not known; fetch the latest heads of all logs";
pub(crate) const UNSETTLED: &str = "the bundle does not show the log up to the end of the grace period, so a correction may be missing; fetch the latest head";

/// One window of one party.
#[derive(Debug)]
pub(crate) struct WindowFacts<'a> {
    pub(crate) status: ReportStatus,
    pub(crate) counted: Option<ReportFacts<'a>>,
    /// A report that came too late, when there is one.
    pub(crate) too_late: Option<&'a Entry>,
}

/// Everything about a party's fleets, runs and reports.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) fleets: Vec<FleetFacts<'a>>,
    pub(crate) runs: Vec<(&'a Entry, &'a RunDeclaration)>,
    pub(crate) windows: BTreeMap<u64, WindowFacts<'a>>,
    pub(crate) history: History,
    /// Two reports with one window and revision, by entry.
    pub(crate) doubles: Vec<(&'a Entry, &'a Entry)>,
    /// Run declarations that do not fit those before them.
    pub(crate) lineage_faults: Vec<(&'a Entry, String)>,
    /// Windows with several revisions, and the place in the log of the one that counts.
    corrected: BTreeMap<u64, u64>,
    /// The lineage of the first so many declarations; most reports share it with the report before.
    lineage: (usize, Lineage),
}

impl<'a> Account<'a> {
    /// Reads and checks a party's account. Windows are taken in order, because limits may rest on earlier ones.
    ///
    /// Range proofs of many reports are checked together first. If one of them fails, everything that is not yet remembered is checked
    /// report by report, so that the verdict is the same as if that had been done at once.
    pub(crate) fn read(
        bundle: &Bundle,
        log: &'a IssuerLog,
        in_force: &Phases,
        as_of: u64,
        memory: &dyn ProofMemory,
    ) -> Self {
        let mut together = Proofs::together(memory);
        let account = Self::read_with(bundle, log, in_force, as_of, &mut together);
        if together.settle() {
            account
        } else {
            Self::read_with(bundle, log, in_force, as_of, &mut Proofs::one_by_one(memory))
        }
    }

    fn read_with(bundle: &Bundle, log: &'a IssuerLog, in_force: &Phases, as_of: u64, proofs: &mut Proofs<'_>) -> Self {
        let mut account = Self {
            fleets: fleets(bundle, log, proofs.memory),
            runs: runs(log),
            windows: BTreeMap::new(),
            history: History::new(),
            doubles: Vec::new(),
            lineage_faults: Vec::new(),
            corrected: BTreeMap::new(),
            lineage: (0, Lineage::default()),
        };
        account.lineage_faults = lineage_faults(&account.runs);
        let mut by_window: BTreeMap<u64, Vec<(&'a Entry, &'a Report)>> = BTreeMap::new();
        for entry in &log.entries {
            if let Body::Report(report) = &entry.signed.statement.body {
                by_window.entry(report.window).or_default().push((entry, report));
            }
        }
        let terms = &bundle.agreement;
        let last_reported = by_window.keys().next_back().map_or(0, |window| window.saturating_add(1));
        for window in 0..judged_windows(terms, as_of).max(last_reported).min(terms.term_windows) {
            if proofs.failed {
                break;
            }
            let candidates = by_window.remove(&window).unwrap_or_default();
            let facts = account.window(bundle, (log, in_force), window, candidates, as_of, proofs);
            account.windows.insert(window, facts);
        }
        account
    }

    fn window(
        &mut self,
        bundle: &Bundle,
        (log, in_force): (&'a IssuerLog, &Phases),
        window: u64,
        mut candidates: Vec<(&'a Entry, &'a Report)>,
        as_of: u64,
        proofs: &mut Proofs<'_>,
    ) -> WindowFacts<'a> {
        // First in the log wins among equal revisions; the second is a breach of its own.
        candidates.sort_by_key(|(entry, report)| (std::cmp::Reverse(report.revision), entry.index));
        for pair in candidates.windows(2).filter(|pair| pair[0].1.revision == pair[1].1.revision) {
            self.doubles.push((pair[0].0, pair[1].0));
        }
        let (mut status, chosen, too_late) = choose(&bundle.agreement, log, window, &candidates, as_of);
        if status == ReportStatus::Missing {
            status = in_force.unreported(window);
        }
        let settled = status != ReportStatus::Unknown;
        let revisions: BTreeSet<u32> = candidates.iter().map(|(_, report)| report.revision).collect();
        if let (Some((entry, _)), true) = (chosen, revisions.len() > 1) {
            self.corrected.insert(window, entry.index);
        }
        let counted = chosen.map(|(entry, report)| self.prove(bundle, in_force, (entry, report), settled, proofs));
        WindowFacts { status, counted, too_late }
    }

    fn prove(
        &mut self,
        bundle: &Bundle,
        in_force: &Phases,
        (entry, report): (&'a Entry, &'a Report),
        settled: bool,
        checker: &mut Proofs<'_>,
    ) -> ReportFacts<'a> {
        if !settled {
            let proofs = Err(Refusal::Gap(UNSETTLED.to_owned()));
            return ReportFacts { entry, report, proofs, rules: Vec::new(), settled };
        }
        if !in_force.is_settled(report.window) {
            let proofs = Err(Refusal::Gap(PHASE_UNSETTLED.to_owned()));
            return ReportFacts { entry, report, proofs, rules: Vec::new(), settled };
        }
        let (rules, problem) =
            match rules_for(&in_force.terms, report.window, self.lineage_before(entry.index), &report.runs) {
                Ok(rules) => (rules, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
        let mut proofs = match problem {
            Some(why) => Err(Refusal::Gap(why)),
            None => self.check_proofs(bundle, entry, report, &rules, checker),
        };
        let footings: Vec<Footing> = rules.iter().map(|rule| self.footing(rule, report.window, entry.index)).collect();
        // The account moves on into the history; keeping a second copy would double the memory.
        if let Some(public) = proofs.as_mut().ok().and_then(|verdict| verdict.public.take()) {
            self.history.insert(public);
        }
        let facts = |(rule, footing): (Rule, Footing)| RuleFacts {
            figures: limits::figures(&rule, report.window, &self.history),
            footing,
            id: rule.id,
            limit: rule.limit,
            run: rule.run,
        };
        let rules = rules.into_iter().zip(footings).map(facts).collect();
        ReportFacts { entry, report, proofs, rules, settled }
    }

    /// How the earlier windows of a rule stood for a report in entry `index`.
    fn footing(&self, rule: &Rule, window: u64, index: u64) -> Footing {
        let earlier = || rule.terms.iter().map(|term| term.window).filter(|named| *named != window);
        if earlier().any(|named| self.history.get(named).is_none()) {
            return Footing::Absent;
        }
        let later = |named: &u64| self.corrected.get(named).is_some_and(|correction| *correction > index);
        earlier().find(later).map_or(Footing::Whole, Footing::Corrected)
    }

    /// Declarations that were in the log before the report; a declaration that does not fit is left out and named elsewhere.
    fn lineage_before(&mut self, index: u64) -> &Lineage {
        let count = self.runs.partition_point(|(entry, _)| entry.index < index);
        if count != self.lineage.0 {
            let faulty: BTreeSet<u64> = self.lineage_faults.iter().map(|(entry, _)| entry.index).collect();
            let earlier = self.runs[..count].iter().filter(|(entry, _)| !faulty.contains(&entry.index));
            let declarations: Vec<RunDeclaration> = earlier.map(|(_, run)| (*run).clone()).collect();
            self.lineage = (count, Lineage::new(&declarations).unwrap_or_default());
        }
        &self.lineage.1
    }

    fn check_proofs(
        &self,
        bundle: &Bundle,
        entry: &Entry,
        report: &Report,
        rules: &[Rule],
        checker: &mut Proofs<'_>,
    ) -> Result<WindowVerdict, Refusal> {
        let short = report.fleet.short();
        let Some(fleet) = self.fleets.iter().find(|fleet| fleet.entry.signed.hash == report.fleet) else {
            return Err(Refusal::Breach(format!("it names fleet declaration {short}…, which is not in the log")));
        };
        let proved = match &fleet.proved {
            Ok(proved) => proved,
            Err(_) => {
                return Err(Refusal::Gap(format!(
                    "its fleet declaration (entry {}) could not be accepted",
                    fleet.entry.index
                )));
            }
        };
        let context = window_context(bundle, entry, report, fleet.declaration);
        let wanted = ReportRef { root: report.root, groups: report.groups, runs: report.runs.clone() };
        // The blob is read and hashed even when its proofs are remembered: a verdict speaks about the bytes at hand.
        let blob = bundle.blob(&report.seal).map_err(|fault| Refusal::Gap(fault.0))?;
        let key = memory_key(&context, proved, rules, &self.history, &wanted, report.seal.sha256).ok();
        let known = key.and_then(|key| checker.memory.recall(&key));
        if let Some(known) = known.and_then(|bytes| canonical::from_slice::<WindowVerdict>(&bytes).ok()) {
            return Ok(known);
        }
        Ok(checker.check(
            key,
            &Question { context: &context, fleet: proved, rules, history: &self.history, report: &wanted, blob: &blob },
        ))
    }

    /// The declaration in force for a window: the highest revision from that window or earlier that a quorum had cosigned before it.
    /// A higher revision of which that is unknown may be the one in force.
    pub(crate) fn fleet_in_force(&self, log: &IssuerLog, window: u64, start_unix_seconds: u64) -> InForce<'_, 'a> {
        let mut candidates: Vec<&FleetFacts<'a>> =
            self.fleets.iter().filter(|fleet| fleet.declaration.from_window <= window).collect();
        candidates.sort_by_key(|fleet| (std::cmp::Reverse(fleet.declaration.revision), fleet.entry.index));
        for fleet in candidates {
            match log.public_by(fleet.entry.index, start_unix_seconds) {
                ByDeadline::Yes => return InForce::Known(Some(fleet)),
                ByDeadline::Unknown => return InForce::Unknown(fleet),
                ByDeadline::No => {}
            }
        }
        InForce::Known(None)
    }
}

impl ReportFacts<'_> {
    /// The outcome of one proof check; `None` when the proofs were not checked or have no such check.
    pub(crate) fn outcome(&self, id: &CheckId) -> Option<&Outcome> {
        let found = self.proofs.as_ref().ok()?.checks.iter().find(|check: &&Check| check.id == *id);
        found.map(|check| &check.outcome)
    }

    /// Rules of one limit.
    pub(crate) fn rules_of<'b>(&'b self, limit: &'b Name) -> impl Iterator<Item = &'b RuleFacts> {
        self.rules.iter().filter(move |rule| rule.limit == *limit)
    }
}

/// Windows whose grace period is over.
pub(crate) fn judged_windows(terms: &Agreement, as_of: u64) -> u64 {
    let after_start = as_of.saturating_sub(terms.grace_deadline(0));
    if as_of <= terms.grace_deadline(0) {
        return 0;
    }
    // Window k is judged when as_of > grace_deadline(0) + k·length.
    let whole = after_start.saturating_sub(1) / terms.window.window_seconds.max(1);
    whole.saturating_add(1).min(terms.term_windows)
}

type Chosen<'a> = (ReportStatus, Option<(&'a Entry, &'a Report)>, Option<&'a Entry>);

/// The report that counts: the highest revision that was public by the end of the grace period. A higher revision of which that is
/// unknown leaves the window open, because it may be the one that counts. So does a log that is not shown up to the end of the grace
/// period: then the status is unknown although there is a report.
fn choose<'a>(
    terms: &Agreement,
    log: &IssuerLog,
    window: u64,
    candidates: &[(&'a Entry, &'a Report)],
    as_of: u64,
) -> Chosen<'a> {
    let (deadline, grace) = (terms.report_deadline(window), terms.grace_deadline(window));
    let mut too_late = None;
    for (entry, report) in candidates {
        match log.public_by(entry.index, grace) {
            ByDeadline::Yes => {
                if as_of > grace && !log.shown_after(grace) {
                    return (ReportStatus::Unknown, Some((entry, report)), too_late);
                }
                let on_time = log.public_by(entry.index, deadline) == ByDeadline::Yes;
                let status = if on_time { ReportStatus::OnTime } else { ReportStatus::Late };
                return (status, Some((entry, report)), too_late);
            }
            ByDeadline::No => too_late = too_late.or(Some(*entry)),
            ByDeadline::Unknown if as_of <= grace => return (ReportStatus::NotDue, None, None),
            ByDeadline::Unknown => return (ReportStatus::Unknown, None, None),
        }
    }
    let status = if as_of <= grace {
        ReportStatus::NotDue
    } else if log.silent_at(grace) {
        ReportStatus::Missing
    } else {
        ReportStatus::Unknown
    };
    (status, None, too_late)
}

fn fleets<'a>(bundle: &Bundle, log: &'a IssuerLog, memory: &dyn ProofMemory) -> Vec<FleetFacts<'a>> {
    let mut found = Vec::new();
    for entry in &log.entries {
        if let Body::Fleet(declaration) = &entry.signed.statement.body {
            let proved = prove_fleet(bundle, log, declaration, memory);
            found.push(FleetFacts { entry, declaration, proved });
        }
    }
    found
}

fn prove_fleet(
    bundle: &Bundle,
    log: &IssuerLog,
    declaration: &FleetDeclaration,
    memory: &dyn ProofMemory,
) -> Result<PublicFleet, Refusal> {
    let blob = bundle.blob(&declaration.blob).map_err(|fault| Refusal::Gap(fault.0))?;
    let context = FleetContext {
        agreement: bundle.agreement_id,
        party: log.issuer.clone(),
        revision: declaration.revision,
        from_window: declaration.from_window,
        window_seconds: bundle.agreement.window.window_seconds,
        least_devices: bundle.agreement.audit.least_devices,
    };
    let declared = FleetRef { root: declaration.root, groups: declaration.groups };
    let breach = |error: SealError| Refusal::Breach(error.to_string());
    let key = fleet_memory_key(&context, declared, bundle.chips.id(), declaration.blob.sha256).ok();
    if key.is_some_and(|key| memory.recall(&key).is_some()) {
        return read_verified_fleet(&context, declared, &blob, &bundle.chips).map_err(breach);
    }
    let fleet = verify_fleet(&context, declared, &blob, &bundle.chips).map_err(breach)?;
    if let Some(key) = key {
        memory.remember(&key, &[]);
    }
    Ok(fleet)
}

fn window_context(bundle: &Bundle, entry: &Entry, report: &Report, fleet: &FleetDeclaration) -> WindowContext {
    let (start, end) = bundle.agreement.window_bounds(report.window);
    let header = &entry.signed.statement.header;
    WindowContext {
        agreement: bundle.agreement_id,
        party: header.issuer.clone(),
        window: report.window,
        window_start_unix_seconds: start,
        window_end_unix_seconds: end,
        revision: report.revision,
        mode: report.mode,
        fleet_statement: report.fleet,
        fleet_root: fleet.root,
        chip_table: bundle.agreement.chip_table,
        rulebook: bundle.agreement.rulebook.clone(),
        previous_statement: header.previous,
    }
}

fn runs(log: &IssuerLog) -> Vec<(&Entry, &RunDeclaration)> {
    let mut declared = Vec::new();
    for entry in &log.entries {
        if let Body::Run(run) = &entry.signed.statement.body {
            declared.push((entry, run));
        }
    }
    declared
}

/// Most run declarations of which each is tried by itself when the whole does not fit.
const MAX_TRIED_RUNS: usize = 512;

/// Declarations that contradict those before them (unknown parent, name used twice, class without weights).
fn lineage_faults<'a>(runs: &[(&'a Entry, &'a RunDeclaration)]) -> Vec<(&'a Entry, String)> {
    let all: Vec<RunDeclaration> = runs.iter().map(|(_, run)| (*run).clone()).collect();
    let Err(error) = Lineage::new(&all) else { return Vec::new() };
    let mut faults = Vec::new();
    let mut accepted: Vec<RunDeclaration> = Vec::new();
    for (place, (entry, run)) in runs.iter().enumerate() {
        accepted.push((*run).clone());
        if place >= MAX_TRIED_RUNS {
            faults.push((*entry, error.to_string()));
            accepted.pop();
        } else if let Err(error) = Lineage::new(&accepted) {
            faults.push((*entry, error.to_string()));
            accepted.pop();
        }
    }
    faults
}
