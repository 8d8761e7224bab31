//! The clauses by which a gate decides: one id each, what it cites, and when it holds. The same clauses stand as Cedar policies in
//! `policies/gate.cedar`; a test compares the two, and a build with the feature `cedar` evaluates both and lets a job pass only when both do.
//!
//! A job passes by a *permit* that holds. Each permit states everything that it needs, so a refusal that fails to fire can never let a job
//! pass; the refusals are there to say why (`research`: all three policy engines in use fail open when rules are written as refusals only).

use crate::facts::Facts;
use crate::phase::Phase;
use standstill_statement::Name;

/// What a clause does when it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The job may start, if no refusal holds.
    Permit,
    /// It may not.
    Forbid,
}

/// One clause.
#[derive(Clone, Copy)]
pub struct Clause {
    /// Its id in decisions, and the policy's id in Cedar.
    pub id: &'static str,
    /// What it does.
    pub effect: Effect,
    /// What in the terms or the design it rests on.
    pub cites: &'static str,
    /// For the person whose job it is.
    pub sentence: &'static str,
    /// When it holds.
    pub holds: fn(&Facts) -> bool,
}

impl std::fmt::Debug for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clause({})", self.id)
    }
}

/// Everything about the job itself is in order.
const fn sound(f: &Facts) -> bool {
    f.known
        && f.fresh
        && f.clock_sound
        && f.readable
        && f.size_known
        && f.time_known
        && f.class_known
        && f.run_sound()
        && f.certificates
        && f.plan_kept
        && f.lineage_kept
        && f.caps_kept
}

const fn bound(f: &Facts) -> bool {
    f.covered && !f.exempt
}

/// The phases in which the terms bind. A suspended party whose terms free it is not bound.
const fn in_force(f: &Facts) -> bool {
    matches!(f.phase, Some(Phase::Active | Phase::Slowed { .. } | Phase::Paused | Phase::Resuming { .. }))
        || (suspended(f) && !f.suspended_may_start)
}

const fn slowed(f: &Facts) -> bool {
    matches!(f.phase, Some(Phase::Slowed { .. } | Phase::Resuming { .. }))
}

const fn paused(f: &Facts) -> bool {
    matches!(f.phase, Some(Phase::Paused))
}

const fn suspended(f: &Facts) -> bool {
    matches!(f.phase, Some(Phase::Suspended))
}

macro_rules! clauses {
    ($($effect:ident $id:literal, $cites:literal, $sentence:literal, $holds:expr;)*) => {
        /// All clauses: permits first, then refusals.
        pub static CLAUSES: &[Clause] = &[$(Clause {
            id: $id,
            effect: Effect::$effect,
            cites: $cites,
            sentence: $sentence,
            holds: $holds,
        }),*];
    };
}

clauses! {
    Permit "uncovered", "scope: thresholds", "the job is not covered",
        |f| !f.covered && f.size_known;
    Permit "exempt", "scope.exempt", "listed exempt work goes on in every phase", |f| f.covered && f.exempt;
    Permit "not-bound", "phases: draft, open, armed, ended", "the agreement does not bind now",
        |f| bound(f) && f.known && f.fresh && f.clock_sound
            && matches!(f.phase, Some(Phase::Draft | Phase::Open | Phase::Armed | Phase::Ended));
    Permit "in-force", "phases: active", "the job keeps the terms",
        |f| bound(f) && sound(f) && matches!(f.phase, Some(Phase::Active));
    Permit "slowed-within-caps", "phases: slowed, resuming; limit", "the job keeps the bounds of the slowdown",
        |f| bound(f) && sound(f) && f.caps_named && slowed(f);
    Permit "paused-other-class", "phases: paused; limit", "the pause does not stop this class, and the run is declared",
        |f| bound(f) && sound(f) && f.caps_named && paused(f) && !f.class_stopped && f.run_named;
    Permit "suspended-free", "phases: suspended", "the terms free a suspended party",
        |f| bound(f) && f.known && f.fresh && f.clock_sound && suspended(f) && f.suspended_may_start;

    Forbid "phase-unknown", "gate: fail closed", "the gate knows no phase of the agreement, so covered work does not start",
        |f| bound(f) && !f.known;
    Forbid "phase-stale", "gate: hold_seconds", "the gate has lost its node for longer than it may go by the last known phase",
        |f| bound(f) && f.known && !f.fresh;
    Forbid "clock-behind", "gate: clock_tolerance_seconds", "this machine's clock is behind the agreement's; set it",
        |f| bound(f) && f.known && !f.clock_sound;
    Forbid "paused", "phases: paused", "the agreement is PAUSED, and new covered work does not start",
        |f| bound(f) && paused(f) && (f.class_stopped || !f.class_known);
    Forbid "paused-undeclared", "phases: paused; run", "while the agreement is PAUSED only declared runs of the classes that go on may start",
        |f| bound(f) && paused(f) && !f.class_stopped && !f.run_named;
    Forbid "suspended", "phases: suspended", "the party is SUSPENDED, and new covered work does not start",
        |f| bound(f) && suspended(f) && !f.suspended_may_start;
    Forbid "unreadable", "gate: fail closed", "a part of the job's description cannot be read",
        |f| bound(f) && in_force(f) && !f.readable;
    Forbid "size-unknown", "gate: fail closed", "it cannot be told how many accelerators the job asks for; say it outright",
        |f| bound(f) && in_force(f) && !f.size_known;
    Forbid "time-unlimited", "limit", "the job has no time limit, and a bound applies to it; give it one",
        |f| bound(f) && in_force(f) && !f.time_known;
    Forbid "class-missing", "scope: class", "the job does not say what it does; write class=<class>",
        |f| bound(f) && in_force(f) && !f.class_known;
    Forbid "run-missing", "run declaration", "work that changes weights belongs to a declared run; write run=<name>",
        |f| bound(f) && in_force(f) && f.run_needed && !f.run_named;
    Forbid "run-undeclared", "run declaration", "the party has not declared this run; declare it first",
        |f| bound(f) && in_force(f) && f.run_named && !f.run_declared;
    Forbid "run-class", "run declaration", "the run was declared under another class",
        |f| bound(f) && in_force(f) && f.run_declared && !f.run_class;
    Forbid "run-early", "run declaration", "the run was declared for a later window",
        |f| bound(f) && in_force(f) && f.run_declared && !f.run_begun;
    Forbid "run-ended", "run declaration", "the party has stated that this run has ended",
        |f| bound(f) && in_force(f) && f.run_declared && !f.run_open;
    Forbid "certificate-missing", "capability gate", "the run needs a certificate that is not in the logs",
        |f| bound(f) && in_force(f) && !f.certificates;
    Forbid "plan-exceeded", "run declaration: planned operations", "the run would exceed what was declared for it",
        |f| bound(f) && in_force(f) && !f.plan_kept;
    Forbid "lineage-exceeded", "limit per lineage", "the run with its ancestors would exceed the limit",
        |f| bound(f) && in_force(f) && !f.lineage_kept;
    Forbid "cap-missing", "limit", "no bound of this phase names the job's class, so nothing allows it",
        |f| bound(f) && (slowed(f) || (paused(f) && !f.class_stopped)) && !f.caps_named;
    Forbid "cap-exceeded", "limit", "the party would exceed a limit of this window",
        |f| bound(f) && in_force(f) && !f.caps_kept;
}

/// The clause of that id.
#[must_use]
pub fn clause(id: &str) -> Option<&'static Clause> {
    CLAUSES.iter().find(|clause| clause.id == id)
}

/// What the built-in clauses say: the ids that hold, permits only when nothing refuses.
#[must_use]
pub fn judge(facts: &Facts) -> (bool, Vec<&'static str>) {
    let holding = |effect: Effect| {
        let chosen = CLAUSES.iter().filter(move |clause| clause.effect == effect);
        chosen.filter(|clause| (clause.holds)(facts)).map(|clause| clause.id).collect::<Vec<_>>()
    };
    let (permits, refusals) = (holding(Effect::Permit), holding(Effect::Forbid));
    let allowed = !permits.is_empty() && refusals.is_empty();
    (allowed, if allowed { permits } else { refusals })
}

/// A clause id as a name. Ids and phases are legal names by construction; a defect here must not stop a refusal.
pub(crate) fn name(text: &str) -> Name {
    let legal: String = text
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_') { c } else { '-' })
        .take(Name::MAX_BYTES)
        .collect();
    Name::new(&legal).or_else(|_| Name::new("unnamed")).unwrap_or_else(|_| unreachable!("a fixed legal name"))
}
