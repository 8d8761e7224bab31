//! What can be wrong with terms: each with its line and what to do about it.

use std::fmt;

/// One problem in an agreement file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("line {line}: {problem}; {remedy}")]
pub struct TermsError {
    /// Line in the file, counted from 1.
    pub line: usize,
    /// Which rule is broken; stable, for programs.
    pub rule: Rule,
    /// What is wrong, naming the party, limit or field.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

/// The rules of an agreement file. `docs/formats/agreement.md` lists them under the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// The file is not TOML, or too large.
    Syntax,
    /// A field that does not exist.
    UnknownField,
    /// A field or table that must be there is not.
    MissingField,
    /// A value of the wrong type or form.
    BadValue,
    /// A number outside its range.
    OutOfRange,
    /// Two parties, roles or limits with one id.
    DuplicateId,
    /// One key for two holders, or twice in a list.
    SharedKey,
    /// A key that cannot be read or that anybody can sign for.
    BadKey,
    /// A class outside the closed list, twice, or one that this measure cannot count.
    BadClass,
    /// A limit without a bound for a scheduled phase.
    MissingBound,
    /// A bound that this measure or period cannot have.
    BadBound,
    /// A limit on a class that the scope exempts.
    ExemptClass,
    /// Baseline windows missing, or not all in phase `normal`.
    BadBaseline,
    /// Phases out of order, repeated, or after the end.
    BadSchedule,
    /// Windows, slots and deadlines that do not fit together.
    BadWindow,
    /// Agreement without end, or beyond the year 9999.
    BadTerm,
    /// Witness policy that cannot be read.
    BadPolicy,
    /// Witness quorum that two halves of the witnesses could reach separately.
    UnsafeQuorum,
    /// Evidence may be deleted before it can be asked for.
    ShortRetention,
    /// Unknown rulebook.
    UnknownRulebook,
    /// Unknown chip table.
    UnknownChipTable,
    /// Too many entries in a list.
    TooMany,
    /// A condition that could stop holding when more parties join.
    NonMonotone,
    /// A condition that cannot be read: empty, two tests in one, too deep or too large.
    BadCondition,
    /// A condition that names no party of the agreement, or the party itself.
    UnknownParty,
    /// A party would be released in a moment in which it may enter.
    StayStricter,
    /// Nobody is ever bound, or a party never is.
    Unreachable,
    /// A trigger that cannot work: no phase, no signer, a threshold outside its unit.
    BadTrigger,
    /// A trigger that says not, or not usefully, what lifts it.
    MissingLift,
    /// A trigger without an adjudicator.
    MissingAdjudicator,
    /// A role that is not in the agreement, or of another kind.
    UnknownRole,
    /// A decision that only the accused could take, or could take alone.
    AccusedOnly,
    /// A clock of no length.
    ZeroClock,
    /// Something that lapses after the agreement does, or never.
    BadExpiry,
    /// A vote by which two contradicting decisions could pass.
    BadVote,
    /// Steps of resumption out of order, or none.
    BadResumption,
    /// A severer phase that allows more.
    LooserWhenSeverer,
    /// A gate that stands before nothing or asks for nothing.
    BadGate,
    /// Audits that cannot find what they must.
    WeakAudit,
    /// A limit that is counted by another rulebook than the agreement.
    TwoRulebooks,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
