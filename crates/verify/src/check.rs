//! The closed list of checks, what each one asks, and the order of outcomes and evidence.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Question that a check helps to answer (Baker et al. 2025; DESIGN.md section 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SubGoal {
    /// Whether the public record itself holds: log, witnesses, signatures, chain. Everything else rests on it.
    #[serde(rename = "record")]
    Record,
    /// Are declared uses what they are said to be?
    #[serde(rename = "1A")]
    DeclaredUses,
    /// Do they have the required properties?
    #[serde(rename = "1B")]
    Properties,
    /// Is anything undeclared running on declared chips?
    #[serde(rename = "2A")]
    UndeclaredUse,
    /// Are there undeclared chips?
    #[serde(rename = "2B")]
    UndeclaredChips,
}

impl SubGoal {
    /// All sub-goals in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Record, Self::DeclaredUses, Self::Properties, Self::UndeclaredUse, Self::UndeclaredChips];

    /// `record`, `1A`, `1B`, `2A` or `2B`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::DeclaredUses => "1A",
            Self::Properties => "1B",
            Self::UndeclaredUse => "2A",
            Self::UndeclaredChips => "2B",
        }
    }

    /// The question in words.
    #[must_use]
    pub const fn question(self) -> &'static str {
        match self {
            Self::Record => "Is the public record whole and unforked?",
            Self::DeclaredUses => "Are declared uses what they are said to be?",
            Self::Properties => "Do they stay under the limits?",
            Self::UndeclaredUse => "Is anything undeclared running on declared chips?",
            Self::UndeclaredChips => "Are there undeclared chips?",
        }
    }
}

/// How strong the evidence is. Ordered from weakest to strongest, [`EvidenceLevel::Violated`] first, so that the level of a whole
/// is the minimum of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceLevel {
    /// The evidence shows the contrary.
    Violated,
    /// Nothing in the bundle bears on it.
    NoEvidence,
    /// Taken from the party's own word.
    Assumed,
    /// A departure would probably have been seen, but is not excluded.
    DetectedOnly,
    /// Proved, or recomputed from public bytes.
    Verified,
}

impl EvidenceLevel {
    /// The words shown to people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::NoEvidence => "no evidence",
            Self::Assumed => "assumed",
            Self::DetectedOnly => "detected only",
            Self::Verified => "verified",
        }
    }
}

/// Result of a check, of a party and of the whole. Ordered from worst to best; the outcome of a whole is the minimum of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A log has shown two histories.
    ForkSeen,
    /// The agreement was violated, and the entries named prove it.
    Violated,
    /// Something is missing or damaged; nothing follows in either direction.
    CannotConclude,
    /// Holds.
    Verified,
}

impl Outcome {
    /// The words shown to people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ForkSeen => "fork seen",
            Self::Violated => "violated",
            Self::CannotConclude => "cannot conclude",
            Self::Verified => "verified",
        }
    }

    /// Process exit code (DESIGN.md section 13): 0, 1, 3 or 6.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Violated => 1,
            Self::CannotConclude => 3,
            Self::ForkSeen => 6,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident, $id:literal, $goal:ident, $title:literal, $method:literal;)*) => {
        /// The closed list of checks (`docs/formats/verdict.md`). A new kind is a new version of the verdict format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum CheckKind { $($(#[$doc])* $variant,)* }

        impl CheckKind {
            /// All kinds in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable id, kebab-case.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// Sub-goal to which the check belongs; a limit on `unaccounted` alone is moved from 1B to 2A.
            #[must_use]
            pub const fn sub_goal(self) -> SubGoal {
                match self { $(Self::$variant => SubGoal::$goal,)* }
            }

            /// What holds when the check passes, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// How it is checked, in one sentence.
            #[must_use]
            pub const fn method(self) -> &'static str {
                match self { $(Self::$variant => $method,)* }
            }
        }
    };
}

kinds! {
    /// One history.
    LogConsistent, "log-consistent", Record, "one history",
        "Every entry is hashed into an RFC 6962 tree, and every checkpoint in the bundle that bears the log's signature must be a root of that tree at its size.";
    /// Witnessed.
    LogWitnessed, "log-witnessed", Record, "cosigned by a quorum of witnesses",
        "The latest checkpoint carries valid cosignatures that satisfy the agreement's witness policy; their times are the only clock.";
    /// Statements.
    Statements, "statements", Record, "every entry signed, in one chain, under these terms",
        "Each entry is a COSE statement with a strict Ed25519 signature by a key that the agreement lists for this issuer, with consecutive sequence numbers, the hash of the statement before, and this agreement's id.";
    /// Seal proofs of values.
    Ranges, "ranges", DeclaredUses, "no negative or wrapped figure",
        "Range proofs (Bulletproofs+) for every lane of every group of every report: 0 up to 2^32 - 1.";
    /// Seal proofs of the physical bound.
    PhysicalBound, "physical-bound", DeclaredUses, "operations within the chips' peak",
        "For each group and working class, peak x seconds - operations is proved to be at least zero, with the peak of the agreement's chip table.";
    /// Runs sum.
    RunTotals, "run-totals", DeclaredUses, "training is the sum of declared runs",
        "Proofs that the per-run commitments add up to at least the operations of the classes that change weights, and to no more than those and experiments together.";
    /// Open totals.
    OpenTotals, "open-totals", DeclaredUses, "totals in clear match the commitments",
        "In open mode each published total must open the sum of the group commitments.";
    /// Responses.
    AuditsAnswered, "audits-answered", DeclaredUses, "every drawn group was opened in time",
        "For each valid challenge, a response with one opening per drawn group is in the party's log and cosigned by the deadline.";
    /// Findings.
    AuditFindings, "audit-findings", DeclaredUses, "every opened group agrees with its record",
        "The auditor's signed findings: each drawn group matches commitment, fleet, capacity and counters.";
    /// Power.
    IndependentReading, "independent-reading", DeclaredUses, "telemetry confirmed from outside",
        "Findings say whether an independent power reading was at hand; without one the telemetry itself is the party's word.";
    /// Tripwires.
    Tripwire, "tripwire", DeclaredUses, "no unusual profile is open",
        "Findings may flag a profile that is unusual for its declared class; that is a question, never a violation.";
    /// Runs declared.
    RunsDeclared, "runs-declared", Properties, "runs declared before they start",
        "Each run named in a report was declared in the log, under a quorum of cosignatures, before the window in which it first appears.";
    /// One limit of the agreement.
    Limit, "limit", Properties, "stays under the limit",
        "A 64-bit range proof of limit - amount, where the amount is re-added from commitments and every parameter comes from the agreement.";
    /// Fleet proofs and timing.
    Fleet, "fleet", UndeclaredUse, "capacity registered beforehand",
        "The fleet declaration in force is proved group by group and was cosigned before the window that it is used for.";
    /// Reports.
    ReportsInTime, "reports-in-time", UndeclaredUse, "a report for every window",
        "Windows tile the term; each has a report that a quorum cosigned by its deadline, or a head cosigned after the deadline shows that there is none.";
    /// Conservation.
    Conservation, "conservation", UndeclaredUse, "uses add up to the capacity",
        "For each group, seconds summed over all nine classes equal window length x registered devices; all groups in one proof of equality.";
    /// Audits made.
    AuditsMade, "audits-made", UndeclaredUse, "every report was audited by lot",
        "For each report that counts an auditor published a challenge whose beacon round is valid, is the first after the window's grace deadline and the delay, and draws exactly the groups named.";
    /// Auditor's own conduct.
    DrawsHonest, "draws-honest", Record, "draws follow from the beacon",
        "Each challenge of this auditor is recomputed from the report that counts, the beacon round and the agreement.";
    /// Signals computed again.
    SignalsRecomputed, "signals-recomputed", Record, "signals follow from their inputs",
        "Each horizon, changes and scan statement is computed again from the blobs that it names: the method hash, every byte of the result, and the reading must be the same.";
    /// 2B.
    OutsideEvidence, "outside-evidence", UndeclaredChips, "no undeclared chips",
        "Nothing in a bundle can show this: it takes purchase, power, customs and inspection records from outside.";
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
