//! Terms of an agreement: from a TOML file for people to exact integers, one id, and what holds in which window.
//!
//! The format is `docs/formats/agreement.md`. No files, no clock: callers pass the text and ask about windows. The sections by which an
//! agreement runs itself (conditions, triggers, votes, clocks) are in [`Coordination`]; a file without them has a schedule of phases only.

mod amount;
mod canonical;
mod check;
pub mod condition;
mod coordination;
mod diff;
mod fraction;
mod implications;
mod judge;
mod known;
mod parse;
mod policy;
mod problem;
mod read;
pub mod runtime;
mod sampling;
mod scenario;
mod show;
mod template;
mod terms;
mod vkey;

pub use condition::{Condition, Formula, PartySet, Shares, greatest_fixed_point};
pub use coordination::{
    Accountancy, Certificate, Clocks, Compare, Conduct, Coordination, Detect, Gate, Inspection, LegalBasis, Lift,
    Pledge, Predicate, Raiser, Reading, ResumptionStep, Signal, Trigger, Unit, Votes,
};
pub use diff::{Affected, Change, Direction};
pub use fraction::Fraction;
pub use implications::{ActivationTerms, Implications, Rate, TriggerTimes};
pub use judge::Reference;
pub use problem::{Rule, TermsError};
pub use scenario::ScenarioError;
pub use template::{QUICKNET_PUBLIC_KEY, Template};
pub use terms::{
    Agreement, Audit, Baseline, Beacon, Bound, Fill, Limit, Measure, Party, Per, Phase, PhaseStep, Role, RoleKind,
    Scope, WindowTerms,
};

use parse::Draft;
use read::{Report, Table};
use toml::de::DeTable;

/// Longest agreement file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

impl Agreement {
    /// Reads and checks an agreement file.
    ///
    /// # Errors
    /// Every problem found, in the order of lines. A file that is not TOML gives its syntax errors only.
    pub fn parse(text: &str) -> Result<Self, Vec<TermsError>> {
        let mut report = Report::new(text);
        if text.len() > MAX_FILE_BYTES {
            let problem = format!("the file has {} bytes, at most {MAX_FILE_BYTES} are read", text.len());
            report.add(0, Rule::Syntax, problem, "remove what does not belong to the terms");
            return Err(report.into_problems());
        }
        let (tree, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors.iter().take(100) {
                let offset = error.span().map_or(0, |span| span.start);
                report.add(
                    offset,
                    Rule::Syntax,
                    format!("not TOML: {}", error.message()),
                    "correct the spelling of this line",
                );
            }
            return Err(report.into_problems());
        }
        let root = Table::new("", 0, tree.get_ref(), &mut report);
        let draft = parse::draft(root, text, &mut report);
        check::check(&draft, text, &mut report);
        let problems = report.into_problems();
        if problems.is_empty() { draft.into_agreement().ok_or(problems) } else { Err(problems) }
    }
}

impl Draft {
    /// The agreement, with its lists in canonical order; `None` when something was not read, which is reported by then.
    fn into_agreement(self) -> Option<Agreement> {
        let coordination = coordination::parse::finish(self.coordination, &self.parties)?;
        let mut parties: Vec<Party> = self.parties.into_iter().map(|party| party.value.0).collect();
        let mut roles: Vec<Role> = self.roles.into_iter().map(|role| role.value.0).collect();
        let mut limits: Vec<Limit> = self.limits.into_iter().map(|limit| limit.value).collect();
        parties.sort_by(|a, b| a.id.cmp(&b.id));
        roles.sort_by(|a, b| a.id.cmp(&b.id));
        limits.sort_by(|a, b| a.id.cmp(&b.id));
        Some(Agreement {
            title: self.title?,
            start_unix_seconds: self.start_unix_seconds?,
            term_windows: self.term_windows?,
            rulebook: self.rulebook?,
            chip_table: self.chip_table?,
            window: self.window?,
            scope: self.scope?,
            parties,
            roles,
            witnesses: self.witnesses?.text,
            limits,
            baseline: self.baseline?,
            phases: self.phases.into_iter().map(|step| step.value).collect(),
            audit: self.audit?,
            coordination,
        })
    }
}

#[cfg(test)]
mod tests;
