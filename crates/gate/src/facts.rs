//! From a job to the yes-and-no facts that clauses are about. All arithmetic is here, in integers that saturate upwards: whatever is too
//! large to count is too large to start.

use crate::allowed::Allowed;
use crate::job::Job;
use crate::phase::Phase;
use crate::situation::{Held, Measure, Run, Situation};
use crate::terms::Terms;
use standstill_statement::{Class, Coverage, Name};

/// What clauses are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact that a clause names")]
pub struct Facts {
    /// The phase, when one is known.
    pub phase: Option<Phase>,
    /// A situation of this agreement and party is known.
    pub known: bool,
    /// It is not older than the terms let the gate go by it.
    pub fresh: bool,
    /// It is not from this machine's future.
    pub clock_sound: bool,
    /// The job's size, class or run makes it covered.
    pub covered: bool,
    /// The job is of a listed exempt kind and within its totals.
    pub exempt: bool,
    /// Every part of the description could be read.
    pub readable: bool,
    /// The number of accelerators is known.
    pub size_known: bool,
    /// A time limit is known, or nothing that applies needs one.
    pub time_known: bool,
    /// The job says what it does, in a class that can do something.
    pub class_known: bool,
    /// That class does not start while paused.
    pub class_stopped: bool,
    /// A suspended party may start covered work.
    pub suspended_may_start: bool,
    /// The class changes weights, so the job must belong to a run.
    pub run_needed: bool,
    /// The job names a run.
    pub run_named: bool,
    /// The party has declared it.
    pub run_declared: bool,
    /// Under the job's class.
    pub run_class: bool,
    /// For this window or an earlier one.
    pub run_begun: bool,
    /// It has not ended.
    pub run_open: bool,
    /// No certificate is missing.
    pub certificates: bool,
    /// The run stays within what was declared.
    pub plan_kept: bool,
    /// The lineage stays within its bound.
    pub lineage_kept: bool,
    /// A cap names the class.
    pub caps_named: bool,
    /// All caps on the class are kept.
    pub caps_kept: bool,
}

impl Facts {
    /// The job's run is in order, or it needs none and names none.
    #[must_use]
    pub const fn run_sound(&self) -> bool {
        if self.run_named {
            self.run_declared && self.run_class && self.run_begun && self.run_open
        } else {
            !self.run_needed && !self.run_declared
        }
    }
}

/// The facts, and the items that decisions name beside a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The facts.
    pub facts: Facts,
    /// Whether the rules bind the job.
    pub coverage: Coverage,
    /// Upper bound of the operations, in units of 1e15; `u64::MAX` for no bound.
    pub petaops: u64,
    /// Upper bound of the accelerator time, in seconds; `u64::MAX` for no bound.
    pub chip_seconds: u64,
    /// Caps that would be exceeded.
    pub caps_exceeded: Vec<Name>,
    /// Certificates that are missing.
    pub certificates_missing: Vec<Name>,
    /// Exemption that the job is under.
    pub exemption: Option<Name>,
}

/// Upper bound of a job's operations in units of 1e15: every accelerator at its peak until the time limit, rounded up.
#[must_use]
pub fn petaops(terms: &Terms, job: &Job) -> u64 {
    let (Some(count), Some(seconds)) = (job.accelerators, job.seconds) else { return u64::MAX };
    let rate = u128::from(terms.peak_gigaops_per_second(&job.models));
    let gigaops = u128::from(count).saturating_mul(u128::from(seconds)).saturating_mul(rate);
    u64::try_from(gigaops.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Upper bound of a job's accelerator time, in seconds.
#[must_use]
pub fn chip_seconds(job: &Job) -> u64 {
    match (job.accelerators, job.seconds) {
        (Some(count), Some(seconds)) => count.saturating_mul(seconds),
        _ => u64::MAX,
    }
}

/// Works out the facts.
#[must_use]
pub fn find(terms: &Terms, held: Option<&Held>, allowed: &Allowed, job: &Job, now_unix_seconds: u64) -> Findings {
    let held =
        held.filter(|held| held.situation().agreement == terms.agreement && held.situation().party == terms.party);
    let situation = held.map(Held::situation);
    let (petaops, chip_seconds) = (petaops(terms, job), chip_seconds(job));
    let class = job.class.filter(|class| class.can_operate());
    let run = job.run.as_ref().and_then(|run| held.and_then(|held| held.run(run)));
    let exemption = exemption(terms, allowed, job, now_unix_seconds);
    let exempt = exemption.is_some();
    let covered = is_covered(terms, allowed, job, petaops, now_unix_seconds);
    let caps = caps(situation, allowed, class, petaops, chip_seconds);
    let run_totals = run.map(|run| run_totals(run, allowed, petaops));
    let bounded = caps.finite || run_totals.is_some();
    let facts = Facts {
        phase: situation.map(|situation| situation.phase),
        known: held.is_some(),
        fresh: situation.is_some_and(|s| now_unix_seconds.saturating_sub(s.as_of_unix_seconds) <= terms.hold_seconds),
        clock_sound: situation
            .is_some_and(|s| s.as_of_unix_seconds.saturating_sub(now_unix_seconds) <= terms.clock_tolerance_seconds),
        covered,
        exempt,
        readable: job.unreadable.is_empty(),
        size_known: job.accelerators.is_some(),
        time_known: job.seconds.is_some() || !bounded,
        class_known: class.is_some(),
        class_stopped: class.is_none_or(|class| terms.stop_when_paused.contains(&class)),
        suspended_may_start: terms.suspended_may_start,
        run_needed: class.is_some_and(Class::changes_weights),
        run_named: job.run.is_some(),
        run_declared: run.is_some(),
        run_class: run.is_some_and(|run| Some(run.class) == class),
        run_begun: run.zip(situation).is_some_and(|(run, s)| run.from_window <= s.window),
        run_open: run.is_some_and(|run| !run.ended),
        certificates: run.is_none_or(|run| run.certificates_missing.is_empty()),
        plan_kept: run_totals.is_none_or(|totals| totals.plan_kept),
        lineage_kept: run_totals.is_none_or(|totals| totals.lineage_kept),
        caps_named: caps.named,
        caps_kept: caps.exceeded.is_empty(),
    };
    let coverage = match (covered, exempt) {
        (false, _) => Coverage::Uncovered,
        (true, true) => Coverage::Exempt,
        (true, false) => Coverage::Covered,
    };
    let certificates_missing = run.map(|run| run.certificates_missing.clone()).unwrap_or_default();
    Findings { facts, coverage, petaops, chip_seconds, caps_exceeded: caps.exceeded, certificates_missing, exemption }
}

fn exemption(terms: &Terms, allowed: &Allowed, job: &Job, now_unix_seconds: u64) -> Option<Name> {
    let exemption = terms.exemptions.iter().find(|exemption| exemption.fits(job))?;
    let since = now_unix_seconds.saturating_sub(terms.cover.together_seconds);
    let already = allowed.exempt_accelerators(&exemption.id, since);
    // A system service whose size cannot be told counts as none: it holds devices open, it does not compute on them.
    (already.saturating_add(job.accelerators.unwrap_or(0)) <= exemption.accelerators_together)
        .then(|| exemption.id.clone())
}

fn is_covered(terms: &Terms, allowed: &Allowed, job: &Job, petaops: u64, now_unix_seconds: u64) -> bool {
    if job.run.is_some() || job.class.is_some_and(Class::changes_weights) {
        return true;
    }
    match job.accelerators {
        None => true,
        Some(0) => false,
        // A job with accelerators whose description cannot be read whole may be anything.
        Some(_) if !job.unreadable.is_empty() => true,
        Some(count) => {
            let since = now_unix_seconds.saturating_sub(terms.cover.together_seconds);
            let small = allowed.small(&job.account, &job.user, since);
            let petaops = petaops.saturating_add(small.petaops);
            count.saturating_add(small.accelerators) >= terms.cover.accelerators
                || terms.cover.petaops.is_some_and(|threshold| petaops >= threshold)
        }
    }
}

struct Caps {
    named: bool,
    finite: bool,
    exceeded: Vec<Name>,
}

fn caps(
    situation: Option<&Situation>,
    allowed: &Allowed,
    class: Option<Class>,
    petaops: u64,
    chip_seconds: u64,
) -> Caps {
    let mut found = Caps { named: false, finite: false, exceeded: Vec::new() };
    let Some(class) = class else { return found };
    let all = situation.map(|situation| situation.caps.as_slice()).unwrap_or_default();
    for cap in all.iter().filter(|cap| cap.classes.contains(&class)) {
        found.named = true;
        let Some(bound) = cap.allowed else { continue };
        found.finite = true;
        let (wanted, reserved) = match cap.measure {
            Measure::Petaops => (petaops, allowed.petaops(&cap.classes)),
            Measure::ChipSeconds => (chip_seconds, allowed.chip_seconds(&cap.classes)),
        };
        if cap.used.saturating_add(reserved).saturating_add(wanted) > bound {
            found.exceeded.push(cap.id.clone());
        }
    }
    found
}

#[derive(Clone, Copy)]
struct RunTotals {
    plan_kept: bool,
    lineage_kept: bool,
}

fn run_totals(run: &Run, allowed: &Allowed, petaops: u64) -> RunTotals {
    let more = allowed.run_petaops(&run.run).saturating_add(petaops);
    RunTotals {
        plan_kept: run.used_petaops.saturating_add(more) <= run.planned_petaops,
        lineage_kept: run.lineage_allowed_petaops.is_none_or(|bound| run.lineage_petaops.saturating_add(more) <= bound),
    }
}
