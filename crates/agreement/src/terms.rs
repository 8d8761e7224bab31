//! The terms themselves, after parsing: plain data with exact integers.
//!
//! Lists are in canonical order (parties, roles and limits by id, classes in wire order, keys by bytes), so two files that say the
//! same thing give equal values and the same id.

use crate::coordination::Coordination;
use standstill_statement::{Class, Hash32, Name, PublicKey};
use std::collections::BTreeMap;
use std::fmt;

/// A checked agreement. [`Agreement::parse`] is the only way to get one from a file; it refuses terms that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// One line for people.
    pub title: String,
    /// Start of window 0, in seconds since the Unix epoch.
    pub start_unix_seconds: u64,
    /// Number of windows; the agreement ends with the last one.
    pub term_windows: u64,
    /// Built-in rulebook that turns operation records into FLOP.
    pub rulebook: Name,
    /// Id of the chip table whose peaks and formats count.
    pub chip_table: Hash32,
    /// Reporting interval and deadlines.
    pub window: WindowTerms,
    /// What must be registered and declared.
    pub scope: Scope,
    /// Parties, sorted by id.
    pub parties: Vec<Party>,
    /// Independent roles, sorted by id.
    pub roles: Vec<Role>,
    /// Witness policy (C2SP tlog-policy) without comments and blank lines, one space between words.
    pub witnesses: String,
    /// Limits, sorted by id.
    pub limits: Vec<Limit>,
    /// Windows that `of baseline` refers to.
    pub baseline: Baseline,
    /// Phases in order; the first starts at window 0.
    pub phases: Vec<PhaseStep>,
    /// Checks that are drawn.
    pub audit: Audit,
    /// How the agreement runs itself; nothing when its phases only follow the schedule.
    pub coordination: Coordination,
}

/// Lengths and deadlines of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowTerms {
    /// Length of a window in seconds; a multiple of the slot.
    pub window_seconds: u64,
    /// Length of a slot in seconds.
    pub slot_seconds: u64,
    /// A report is due this many seconds after its window ends.
    pub report_within_seconds: u64,
    /// A report that is later than due by no more than this many seconds is late, not missing.
    pub grace_seconds: u64,
}

/// What the agreement covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Clusters of at least this many H100-equivalents must be registered.
    pub register_h100e: u64,
    /// Runs of at least this many operations must be declared.
    pub monitored_flop: u128,
    /// Runs of at least this many operations fall under the strict rules.
    pub strict_flop: u128,
    /// Classes that no limit may bind, in wire order. Their time is accounted all the same.
    pub exempt: Vec<Class>,
}

/// A lab bound by the agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its name; the issuer of its statements.
    pub id: Name,
    /// Verifier key of its log (C2SP signed-note text form).
    pub log: String,
    /// Keys that may sign its statements, sorted.
    pub statement_keys: Vec<PublicKey>,
}

/// What an independent role does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// Draws checks and watches deadlines.
    Auditor,
    /// Receives openings and signs findings.
    Inspector,
    /// Measures models.
    Evaluator,
    /// Decides disputes.
    Adjudicator,
}

impl RoleKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Auditor, Self::Inspector, Self::Evaluator, Self::Adjudicator];

    /// The lower-case word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Inspector => "inspector",
            Self::Evaluator => "evaluator",
            Self::Adjudicator => "adjudicator",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An independent role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// What it does.
    pub kind: RoleKind,
    /// Its name; the issuer of its statements.
    pub id: Name,
    /// Verifier key of its log.
    pub log: String,
    /// Keys that may sign its statements, sorted.
    pub statement_keys: Vec<PublicKey>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Operations under the rulebook.
    Flop,
    /// Accelerator time in seconds.
    ChipSeconds,
}

impl Measure {
    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flop => "flop",
            Self::ChipSeconds => "chip_seconds",
        }
    }
}

/// Over what a limit adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Per {
    /// One window of one party.
    Window,
    /// A declared run with its ancestors, over the whole term.
    Lineage,
    /// All windows of one party from the first on.
    Term,
}

impl Per {
    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Lineage => "lineage",
            Self::Term => "term",
        }
    }
}

/// State of the agreement that a schedule, a trigger or a step of resumption can name. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// In force, no slowdown.
    Normal,
    /// Slowed down: the mildest level.
    Slowed,
    /// Slowed down further.
    Slowed2,
    /// Slowed down further.
    Slowed3,
    /// Slowed down as far as there are levels.
    Slowed4,
    /// Stopped.
    Paused,
}

impl serde::Serialize for Phase {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Phase {
    /// All phases, the mildest first.
    pub const ALL: [Self; 6] = [Self::Normal, Self::Slowed, Self::Slowed2, Self::Slowed3, Self::Slowed4, Self::Paused];

    /// The phases that `max` of a limit speaks about even when no line of the file names them.
    pub(crate) const BASE: [Self; 3] = [Self::Normal, Self::Slowed, Self::Paused];

    /// Level of the slowdown: 1 for `slowed`, up to 4 for `slowed-4`; `None` for the other phases.
    #[must_use]
    pub const fn level(self) -> Option<u8> {
        match self {
            Self::Slowed => Some(1),
            Self::Slowed2 => Some(2),
            Self::Slowed3 => Some(3),
            Self::Slowed4 => Some(4),
            Self::Normal | Self::Paused => None,
        }
    }

    /// The lower-case word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Slowed => "slowed",
            Self::Slowed2 => "slowed-2",
            Self::Slowed3 => "slowed-3",
            Self::Slowed4 => "slowed-4",
            Self::Paused => "paused",
        }
    }

    /// The phase of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much a limit allows. Fractions are exact and in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// No bound in this phase.
    Unlimited,
    /// At most so many operations (a multiple of 1e15) or chip-seconds.
    AtMost(u128),
    /// At most this fraction of the party's mean per baseline window: `T·windows·denominator ≤ numerator·Σ baseline`.
    OfBaseline {
        /// Upper part of the fraction.
        numerator: u64,
        /// Lower part, at least 1.
        denominator: u64,
    },
    /// At most this fraction of the registered chip-seconds of the window.
    OfCapacity {
        /// Upper part of the fraction.
        numerator: u64,
        /// Lower part, at least 1.
        denominator: u64,
    },
}

/// One limit on one total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name in verdicts.
    pub id: Name,
    /// What it counts.
    pub measure: Measure,
    /// Classes that are added up, in wire order, at least one.
    pub classes: Vec<Class>,
    /// Over what.
    pub per: Per,
    /// Unaccounted chip-seconds are added, for operations at the chip model's peak, so that a gap never helps.
    pub charge_unaccounted: bool,
    /// The bound for each phase that the limit names; every scheduled phase is among them.
    pub bounds: BTreeMap<Phase, Bound>,
}

impl Limit {
    /// What the limit allows in a phase.
    #[must_use]
    pub fn bound_in(&self, phase: Phase) -> &Bound {
        // Parsing refuses a limit without a bound for a phase that can occur; should one be built by hand, nothing is allowed.
        static NOTHING: Bound = Bound::AtMost(0);
        self.bounds.get(&phase).unwrap_or(&NOTHING)
    }
}

/// The reference period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The first so many windows, all of them in phase `normal`; 0 when no limit refers to a baseline.
    pub windows: u64,
}

/// From when on a phase holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseStep {
    /// Which phase.
    pub phase: Phase,
    /// First window of the phase.
    pub from_window: u64,
}

/// How checks are drawn and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Source of public randomness.
    pub beacon: Beacon,
    /// Groups that are drawn from each report.
    pub groups_per_report: u32,
    /// Time to answer a challenge, in seconds.
    pub respond_within_seconds: u64,
    /// Days for which a party keeps what it needs to open any group.
    pub retention_days: u64,
    /// Least time between the quorum's cosignature on a report and the beacon round that draws from it, in seconds.
    pub delay_seconds: u64,
    /// Least share of the registered capacity that must be devices, proved by every fleet declaration, so that empty groups cannot draw
    /// the checks onto themselves.
    pub least_devices: Fill,
}

/// A share of registered capacity in lowest terms, at most 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Upper part of the fraction.
    pub numerator: u64,
    /// Lower part, at least 1.
    pub denominator: u64,
}

impl Fill {
    /// No lower bound on devices.
    pub const NONE: Self = Self { numerator: 0, denominator: 1 };
}

/// A drand chain of the scheme `bls-unchained-g1-rfc9380` (signatures on G1, public key on G2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Name for people, for example `quicknet`.
    pub name: Name,
    /// The chain's public key: 96 bytes (a compressed G2 point) in lower-case hexadecimal.
    pub public_key: String,
    /// Time of round 1, in seconds since the Unix epoch.
    pub genesis_unix_seconds: u64,
    /// Seconds between rounds.
    pub period_seconds: u64,
}

impl Agreement {
    /// The phase that the schedule gives for a window. Windows after the end stay in the last phase.
    #[must_use]
    pub fn phase(&self, window: u64) -> Phase {
        let step = self.phases.iter().rev().find(|step| step.from_window <= window);
        step.map_or(Phase::Normal, |step| step.phase)
    }

    /// The name of [`Agreement::phase`].
    #[must_use]
    pub fn phase_at(&self, window: u64) -> &'static str {
        self.phase(window).name()
    }

    /// What a limit allows in a window.
    #[must_use]
    pub fn bound_at<'a>(&self, limit: &'a Limit, window: u64) -> &'a Bound {
        limit.bound_in(self.phase(window))
    }

    /// First second of a window and first second after it, since the Unix epoch.
    #[must_use]
    pub fn window_bounds(&self, window: u64) -> (u64, u64) {
        let start = self.start_unix_seconds.saturating_add(window.saturating_mul(self.window.window_seconds));
        (start, start.saturating_add(self.window.window_seconds))
    }

    /// The window that holds a moment; `None` before the start and after the end.
    #[must_use]
    pub fn window_of(&self, unix_seconds: u64) -> Option<u64> {
        let window = unix_seconds.checked_sub(self.start_unix_seconds)? / self.window.window_seconds;
        (window < self.term_windows).then_some(window)
    }

    /// When the report on a window is due: a full witness quorum must have cosigned it by then. Seconds since the Unix epoch.
    #[must_use]
    pub fn report_deadline(&self, window: u64) -> u64 {
        self.window_bounds(window).1.saturating_add(self.window.report_within_seconds)
    }

    /// Until when a report counts as late; after it, the report is missing. Seconds since the Unix epoch.
    #[must_use]
    pub fn grace_deadline(&self, window: u64) -> u64 {
        self.report_deadline(window).saturating_add(self.window.grace_seconds)
    }

    /// First second after the last window, since the Unix epoch.
    #[must_use]
    pub fn end_unix_seconds(&self) -> u64 {
        self.window_bounds(self.term_windows).0
    }

    /// The party of that name.
    #[must_use]
    pub fn party(&self, id: &Name) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == *id)
    }

    /// The role of that name.
    #[must_use]
    pub fn role(&self, id: &Name) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == *id)
    }

    /// The log verifier key and the statement keys of a party or role.
    #[must_use]
    pub fn issuer(&self, id: &Name) -> Option<(&str, &[PublicKey])> {
        let party = self.party(id).map(|party| (party.log.as_str(), party.statement_keys.as_slice()));
        party.or_else(|| self.role(id).map(|role| (role.log.as_str(), role.statement_keys.as_slice())))
    }
}
