//! The verdict: what was judged, what follows, and the log entries that it rests on. `docs/formats/verdict.md` and
//! `docs/formats/verdict.schema.json` describe its JSON form.

use crate::check::{CheckKind, EvidenceLevel, Outcome, SubGoal};
use serde::{Deserialize, Serialize};
use standstill_statement::{Hash32, Name};

/// Value of [`Verdict::format`].
pub const FORMAT: &str = "standstill-verdict/1";

/// A whole verdict. Equal bundles and options give equal verdicts, byte for byte in every rendering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Always [`FORMAT`].
    pub format: String,
    /// Outcome of the whole: the worst outcome of any party or role.
    pub outcome: Outcome,
    /// Weakest evidence of any party, sub-goal 2B left aside (see [`PartyVerdict::evidence`]).
    pub evidence: EvidenceLevel,
    /// The verdict in one sentence.
    pub sentence: String,
    /// Time as of which it is judged, in seconds since the Unix epoch.
    pub as_of_unix_seconds: u64,
    /// Where that time comes from: the caller, or the latest quorum of cosignatures in the bundle.
    pub as_of_source: String,
    /// The terms.
    pub terms: Terms,
    /// How the agreement ran, when its terms let it run itself; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RunTime>,
    /// One verdict per party, in the order of the terms.
    pub parties: Vec<PartyVerdict>,
    /// One verdict per role that keeps a log, in the order of the terms.
    pub roles: Vec<RoleVerdict>,
    /// What is missing from the bundle or from the record, most important first.
    pub missing: Vec<Missing>,
    /// What this verdict takes for granted.
    pub assumptions: Vec<String>,
    /// What no bundle can show.
    pub cannot_see: Vec<String>,
    /// Proofs that somebody signed two histories.
    pub forks: Vec<ForkProof>,
    /// Files in the bundle that belong to nobody in the terms, or that could not be used; never a reason for an outcome.
    pub ignored: Vec<String>,
}

impl Verdict {
    /// Process exit code: 0 verified, 1 violated, 3 cannot conclude, 6 fork seen (DESIGN.md section 13).
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.outcome.exit_code()
    }

    /// Every check with the issuer that it is about, parties first.
    pub fn checks(&self) -> impl Iterator<Item = (&Name, &Check)> {
        let parties = self.parties.iter().flat_map(|party| party.checks.iter().map(move |check| (&party.party, check)));
        parties.chain(self.roles.iter().flat_map(|role| role.checks.iter().map(move |check| (&role.role, check))))
    }
}

/// What the terms say, as far as a reader of the verdict needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Id of the agreement, recomputed.
    pub agreement: Hash32,
    /// Its title.
    pub title: String,
    /// Start of window 0, in seconds since the Unix epoch.
    pub start_unix_seconds: u64,
    /// Length of a window in seconds.
    pub window_seconds: u64,
    /// Windows in the term.
    pub term_windows: u64,
    /// Windows whose report was due by the as-of time: the windows `0..judged_windows` are judged.
    pub judged_windows: u64,
    /// Phases, in order, each up to the next one's first window.
    pub phases: Vec<PhaseSpan>,
    /// Limits, in the order of the terms.
    pub limits: Vec<LimitTerms>,
}

/// How the agreement ran itself: what follows from statements by `docs/formats/runtime.md`. It is no outcome: a violation that the parties
/// voted is their decision, and the outcomes of this verdict rest on proofs only. The phases bind all the same: limits are judged by them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTime {
    /// Phase of the agreement at the as-of time.
    pub phase: String,
    /// Since when, in seconds since the Unix epoch; 0 when nothing has happened.
    pub phase_since_unix_seconds: u64,
    /// Hash of the timeline; equal for everybody who has the same facts.
    pub timeline: Hash32,
    /// Number of transitions in it.
    pub transitions: u64,
    /// Up to this moment nothing that can still turn up changes it.
    pub settled_until_unix_seconds: u64,
    /// What keeps the rest from being settled.
    pub unsettled: Vec<String>,
    /// Each party's phase.
    pub parties: Vec<PartyPhase>,
    /// Cases that are not over, and those that ended in a violation.
    pub cases: Vec<OpenCase>,
    /// What is missing.
    pub missing: Vec<String>,
    /// Issuers with two histories or with a statement that breaks a rule.
    pub at_fault: Vec<Name>,
}

/// One party in the run-time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyPhase {
    /// The party.
    pub party: Name,
    /// Its phase.
    pub phase: String,
    /// Since when, in seconds since the Unix epoch; 0 when it never was in another.
    pub since_unix_seconds: u64,
    /// Whether it is bound.
    pub bound: bool,
    /// Whether it counts for the stay conditions of the others.
    pub verified: bool,
}

/// One case in the run-time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenCase {
    /// Statement hash of the dispute.
    pub case: Hash32,
    /// Who opened it.
    pub accuser: Name,
    /// Who answers.
    pub respondent: Name,
    /// Its stage.
    pub stage: String,
    /// When the stage ends, in seconds since the Unix epoch.
    pub due_unix_seconds: Option<u64>,
}

/// Windows in one phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseSpan {
    /// Name of the phase.
    pub phase: String,
    /// First window.
    pub from_window: u64,
    /// First window after the phase.
    pub until_window: u64,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitTerms {
    /// Id in the terms.
    pub id: Name,
    /// What it says, in words.
    pub words: String,
    /// Unit of the amounts: `operations` or `chip-seconds`.
    pub unit: String,
}

/// Verdict on one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyVerdict {
    /// The party.
    pub party: Name,
    /// Worst outcome of its checks; 2B is reported but cannot be passed or failed by a bundle, so it does not count here.
    pub outcome: Outcome,
    /// Weakest evidence of its checks, 2B left aside.
    pub evidence: EvidenceLevel,
    /// In one sentence.
    pub sentence: String,
    /// Per sub-goal: `record`, 1A, 1B, 2A, 2B.
    pub sub_goals: Vec<SubGoalVerdict>,
    /// Every check.
    pub checks: Vec<Check>,
    /// One row per window of the term that was reported or judged.
    pub windows: Vec<WindowRow>,
    /// What the audits show.
    pub assurance: Assurance,
    /// Kinds of telemetry that the party says its figures rest on.
    pub sources: Vec<String>,
    /// The log.
    pub log: LogSummary,
}

/// Verdict on one role: an auditor answers for its log and its draws.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleVerdict {
    /// The role's id.
    pub role: Name,
    /// `auditor`, `inspector`, `evaluator` or `adjudicator`.
    pub kind: String,
    /// Worst outcome of its checks.
    pub outcome: Outcome,
    /// In one sentence.
    pub sentence: String,
    /// Every check.
    pub checks: Vec<Check>,
    /// The log.
    pub log: LogSummary,
}

/// Verdict on one sub-goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubGoalVerdict {
    /// Which.
    pub sub_goal: SubGoal,
    /// Worst outcome of its checks.
    pub outcome: Outcome,
    /// Weakest evidence of its checks.
    pub evidence: EvidenceLevel,
    /// The check that decides, as `<id>`.
    pub decided_by: String,
}

/// One check of one issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// `<kind>`, or `limit-<id of the limit>`.
    pub id: String,
    /// Which check of the closed list.
    pub kind: CheckKind,
    /// The question that it helps to answer.
    pub sub_goal: SubGoal,
    /// Result.
    pub outcome: Outcome,
    /// How strong the evidence is.
    pub evidence: EvidenceLevel,
    /// What the evidence is: `in-clear`, `by-proof`, `mixed`, `by-draw`, `public-record` or `none`.
    pub basis: Basis,
    /// Why, in plain words.
    pub reason: String,
    /// Items that were examined (reports, groups, entries).
    pub examined: u64,
    /// Items that failed.
    pub failed: u64,
    /// The log entries that it rests on; for a violation, exactly those that prove it.
    pub entries: Vec<EntryRef>,
}

/// What a check rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Published totals that open the commitments.
    InClear,
    /// Zero-knowledge proofs only; the figures stay sealed.
    ByProof,
    /// Some reports in clear, some sealed.
    Mixed,
    /// A random draw.
    ByDraw,
    /// Logs, signatures and witnesses.
    PublicRecord,
    /// Nothing.
    None,
}

impl Basis {
    /// The words shown to people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::InClear => "in clear",
            Self::ByProof => "by proof, figures sealed",
            Self::Mixed => "partly in clear, partly by proof",
            Self::ByDraw => "by random draw",
            Self::PublicRecord => "by public record",
            Self::None => "nothing to rest on",
        }
    }
}

/// One entry of one log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRef {
    /// Party or role whose log it is.
    pub issuer: Name,
    /// Index in the log.
    pub index: u64,
    /// SHA-256 of the statement.
    pub statement: Hash32,
}

/// How the report of one window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportStatus {
    /// Cosigned by the deadline.
    OnTime,
    /// Cosigned after the deadline but within the grace period: it counts.
    Late,
    /// Proved absent at the end of the grace period, whether or not one came later.
    Missing,
    /// Nothing in the bundle shows whether it was in time.
    Unknown,
    /// Not yet due.
    NotDue,
}

/// How the audit of one window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditStatus {
    /// The terms ask for none.
    NotAsked,
    /// Not yet due.
    Pending,
    /// Due, and none was made.
    NotMade,
    /// A challenge was made, its answer or finding is still awaited.
    Open,
    /// All drawn groups agree.
    Clean,
    /// A group was flagged as unusual.
    Flagged,
    /// A group did not agree, or was not opened.
    Failed,
}

/// One window of one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRow {
    /// Window index.
    pub window: u64,
    /// Phase in force.
    pub phase: String,
    /// State of the report.
    pub report: ReportStatus,
    /// The report that counts.
    pub entry: Option<EntryRef>,
    /// When it was cosigned by a quorum.
    pub published_unix_seconds: Option<u64>,
    /// Deadline without grace.
    pub deadline_unix_seconds: u64,
    /// True when totals are in clear.
    pub in_clear: bool,
    /// State of the audit.
    pub audit: AuditStatus,
    /// Whether each proof of the report holds; `None` when it could not be checked.
    pub proofs_hold: Option<bool>,
    /// Chip-seconds by class in the order of `Class::ALL`; only in clear.
    pub seconds: Option<Vec<u64>>,
    /// Operations by working class in units of 1e15; only in clear.
    pub petaops: Option<Vec<u64>>,
    /// Energy in kilojoules; only in clear.
    pub energy_kilojoules: Option<u64>,
    /// Each limit in this window.
    pub limits: Vec<WindowLimit>,
}

/// One limit in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowLimit {
    /// Id of the limit.
    pub id: Name,
    /// The bound in petaops or chip-seconds, decimal; `None` when unlimited or when it is a fraction of a sealed amount.
    pub bound: Option<String>,
    /// The bound in words, for example `50 % of baseline`.
    pub words: String,
    /// The amount charged, decimal, same unit; only in clear.
    pub amount: Option<String>,
    /// Whether it holds; `None` when it could not be checked.
    pub holds: Option<bool>,
}

/// What the audits show, with the formula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assurance {
    /// Groups in all audited reports together.
    pub groups: u64,
    /// Groups drawn, opened and found to agree.
    pub opened: u64,
    /// Of those, with an independent power reading.
    pub with_power_reading: u64,
    /// Share of registered capacity, in parts per million, that a steady misreporting could have without being drawn at 95 %
    /// confidence; `None` when nothing was opened or something failed.
    pub undetected_share_ppm: Option<u32>,
    /// What follows, in one sentence.
    pub sentence: String,
    /// The formula.
    pub formula: String,
}

/// The state of one log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSummary {
    /// C2SP origin.
    pub origin: String,
    /// Number of entries under the latest checkpoint; 0 when it cannot be read.
    pub size: u64,
    /// Root of the latest checkpoint, lower-case hexadecimal; empty when it cannot be read.
    pub root: String,
    /// Earliest time at which a quorum had cosigned it.
    pub quorum_unix_seconds: Option<u64>,
    /// Latest time at which a quorum still cosigned it: absence is provable up to here.
    pub last_seen_unix_seconds: Option<u64>,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// Who owes it.
    pub issuer: Name,
    /// What, and what to do.
    pub what: String,
}

/// Two checkpoints under one log key that cannot both be true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkProof {
    /// Whose log.
    pub issuer: Name,
    /// What contradicts what.
    pub sentence: String,
    /// The first signed note, whole.
    pub first: String,
    /// The second signed note, whole.
    pub second: String,
}
