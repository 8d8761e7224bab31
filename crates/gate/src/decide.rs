//! The decision: facts, then clauses, then one answer with its reasons.

use crate::allowed::{Allowed, Passed};
use crate::clause::{self, Effect};
use crate::error::GateError;
use crate::facts::{Findings, find};
use crate::job::Job;
use crate::phase::{Phase, phase_name};
use crate::situation::Held;
use crate::terms::Terms;
use standstill_statement::{Coverage, GateDecision, GateVerdict, Hash32, Name};

/// A gate's answer on one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub verdict: GateVerdict,
    /// Whether the rules bind the job.
    pub coverage: Coverage,
    /// Clauses that decided, sorted; after a full stop the item that a clause is about.
    pub clauses: Vec<Name>,
    /// Phase that was gone by.
    pub phase: Option<Phase>,
    /// For the person whose job it is: why, in one line.
    pub sentence: String,
    /// When it was made, in seconds since the Unix epoch.
    pub at_unix_seconds: u64,
    /// The job must have started by then; 0 for a refusal.
    pub expires_unix_seconds: u64,
    /// Upper bound of the job's operations, in units of 1e15; `u64::MAX` for no bound.
    pub petaops: u64,
    /// Upper bound of its accelerator time, in seconds; `u64::MAX` for no bound.
    pub chip_seconds: u64,
    /// Exemption that it is under.
    pub exemption: Option<Name>,
}

impl Decision {
    /// Whether the job may start.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.verdict == GateVerdict::Allow
    }
}

/// A gate: what it was told, and what it has let pass since. Deciding changes nothing; [`Gate::passed`] does.
#[derive(Debug)]
pub struct Gate {
    terms: Terms,
    terms_hash: Hash32,
    held: Option<Held>,
    allowed: Allowed,
    engine: Engine,
}

/// Who judges the facts beside the built-in clauses.
#[derive(Debug, Default)]
struct Engine {
    #[cfg(feature = "cedar")]
    cedar: Option<crate::cedar::Policies>,
}

impl Gate {
    /// A gate that knows its terms and no phase yet.
    ///
    /// # Errors
    /// [`GateError::Terms`] when they are refused; [`GateError::Policies`] when the policies of a build with Cedar are.
    pub fn new(terms: Terms) -> Result<Self, GateError> {
        terms.check()?;
        let terms_hash = terms.hash()?;
        let engine = Engine {
            #[cfg(feature = "cedar")]
            cedar: Some(crate::cedar::Policies::built_in()?),
        };
        Ok(Self { terms, terms_hash, held: None, allowed: Allowed::new(), engine })
    }

    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The situation that is gone by.
    #[must_use]
    pub const fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// What was let pass and is not in the situation yet.
    #[must_use]
    pub const fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Takes a newer situation. One of another agreement or party, or older than the one at hand, is refused: an older one could lift a pause.
    ///
    /// # Errors
    /// [`GateError::Situation`] saying what does not fit; the situation at hand stays.
    pub fn learn(&mut self, held: Held) -> Result<(), GateError> {
        let situation = held.situation();
        if situation.agreement != self.terms.agreement || situation.party != self.terms.party {
            let problem = format!(
                "it is about party '{}' of agreement {}, and this gate serves '{}' of {}",
                situation.party,
                situation.agreement.short(),
                self.terms.party,
                self.terms.agreement.short()
            );
            return Err(GateError::Situation(problem));
        }
        if let Some(present) = &self.held {
            let (old, new) = (present.situation().as_of_unix_seconds, situation.as_of_unix_seconds);
            if new < old {
                return Err(GateError::Situation(format!("it is as of {new}, older than the one at hand ({old})")));
            }
            if new == old && present.hash() != held.hash() {
                let problem =
                    "it contradicts the one at hand for the same moment; the node that gives it shows two histories";
                return Err(GateError::Situation(problem.to_owned()));
            }
        }
        let small_since = situation.as_of_unix_seconds.saturating_sub(self.terms.cover.together_seconds);
        self.allowed.settle(situation.as_of_unix_seconds, small_since);
        self.held = Some(held);
        Ok(())
    }

    /// May this job start? Never fails: what cannot be established is a reason to refuse.
    #[must_use]
    pub fn decide(&self, job: &Job, now_unix_seconds: u64) -> Decision {
        self.decide_beside(job, now_unix_seconds, &self.allowed)
    }

    /// As [`Gate::decide`], on a job that was let pass before under `earlier`: what that decision set aside for it is free again.
    #[must_use]
    pub fn decide_again(&self, job: &Job, now_unix_seconds: u64, earlier: &Hash32) -> Decision {
        let mut others = self.allowed.clone();
        others.remove(earlier);
        self.decide_beside(job, now_unix_seconds, &others)
    }

    fn decide_beside(&self, job: &Job, now_unix_seconds: u64, allowed: &Allowed) -> Decision {
        let found = find(&self.terms, self.held.as_ref(), allowed, job, now_unix_seconds);
        let (mut allows, mut ids) = clause::judge(&found.facts);
        if let Some(refusal) = self.engine.refuses(&found, allows, &ids) {
            (allows, ids) = (false, vec![refusal]);
        }
        if ids.is_empty() {
            ids.push(NO_PERMIT);
        }
        let verdict = if allows { GateVerdict::Allow } else { GateVerdict::Deny };
        Decision {
            verdict,
            coverage: found.coverage,
            clauses: cited(&ids, &found),
            phase: found.facts.phase,
            sentence: sentence(allows, &ids, &found),
            at_unix_seconds: now_unix_seconds,
            expires_unix_seconds: if allows { now_unix_seconds.saturating_add(self.terms.decision_seconds) } else { 0 },
            petaops: found.petaops,
            chip_seconds: found.chip_seconds,
            exemption: found.exemption,
        }
    }

    /// The decision as it is stated.
    #[must_use]
    pub fn statement(
        &self,
        gate: Name,
        job: &Job,
        decision: &Decision,
        commitment: Hash32,
        earlier: Option<Hash32>,
    ) -> GateDecision {
        let held = self.held.as_ref();
        GateDecision {
            gate,
            party: self.terms.party.clone(),
            point: job.point,
            verdict: decision.verdict,
            coverage: decision.coverage,
            clauses: decision.clauses.clone(),
            phase: phase_name(decision.phase),
            terms: self.terms_hash,
            situation: held.map(Held::hash),
            as_of_unix_seconds: held.map_or(0, |held| held.situation().as_of_unix_seconds),
            job: commitment,
            earlier,
            expires_unix_seconds: decision.expires_unix_seconds,
        }
    }

    /// Counts a job that was let pass under a stated decision, in place of an earlier one.
    pub fn passed(&mut self, job: &Job, decision: &Decision, statement: Hash32, earlier: Option<&Hash32>) {
        if let Some(earlier) = earlier {
            self.allowed.remove(earlier);
        }
        if decision.allows() {
            self.allowed.add(Passed {
                decision: statement,
                at_unix_seconds: decision.at_unix_seconds,
                coverage: decision.coverage,
                account: job.account.clone(),
                user: job.user.clone(),
                class: job.class,
                run: job.run.clone(),
                exempt: decision.exemption.clone(),
                accelerators: job.accelerators.unwrap_or(if decision.coverage == Coverage::Exempt {
                    0
                } else {
                    u64::MAX
                }),
                petaops: decision.petaops,
                chip_seconds: decision.chip_seconds,
            });
        }
    }
}

/// No clause let the job pass and none refused it: refused all the same.
pub const NO_PERMIT: &str = "no-permit";
/// The built-in clauses and the Cedar policies differ, or a policy could not be evaluated: refused.
pub const ENGINES_DISAGREE: &str = "engines-disagree";

impl Engine {
    /// A reason to refuse beyond the built-in clauses.
    #[cfg(feature = "cedar")]
    fn refuses(&self, found: &Findings, allows: bool, ids: &[&'static str]) -> Option<&'static str> {
        let same =
            self.cedar.as_ref().and_then(|policies| policies.judge(&found.facts)).is_some_and(|(allowed, cited)| {
                let mut ids = ids.to_vec();
                ids.sort_unstable();
                allowed == allows && cited == ids
            });
        (!same).then_some(ENGINES_DISAGREE)
    }

    /// Without Cedar the built-in clauses are alone.
    #[cfg(not(feature = "cedar"))]
    #[allow(clippy::unused_self, reason = "the same call in both builds")]
    const fn refuses(&self, _: &Findings, _: bool, _: &[&'static str]) -> Option<&'static str> {
        None
    }
}

/// Clause ids with the items they are about, sorted, each once.
fn cited(ids: &[&'static str], found: &Findings) -> Vec<Name> {
    let mut names = Vec::new();
    for id in ids {
        let items: Vec<&Name> = match *id {
            "cap-exceeded" => found.caps_exceeded.iter().take(8).collect(),
            "certificate-missing" => found.certificates_missing.iter().take(8).collect(),
            "exempt" => found.exemption.iter().collect(),
            _ => Vec::new(),
        };
        if items.is_empty() {
            names.push(clause::name(id));
        }
        names.extend(items.into_iter().map(|item| clause::name(&format!("{id}.{item}"))));
    }
    names.sort();
    names.dedup();
    names.truncate(standstill_statement::gate::MAX_CLAUSES);
    names
}

fn sentence(allows: bool, ids: &[&'static str], found: &Findings) -> String {
    let words: Vec<&str> = ids
        .iter()
        .map(|id| match (*id, clause::clause(id)) {
            (_, Some(clause)) => clause.sentence,
            (ENGINES_DISAGREE, None) => {
                "the gate's two judgements differ, so nothing starts; tell the operator of the gate"
            }
            _ => "no clause allows it",
        })
        .collect();
    let words = words.join("; ");
    let phase = found.facts.phase.map_or_else(|| "unknown".to_owned(), |phase| phase.to_string());
    if allows { words } else { format!("refused (phase {phase}): {words}") }
}

/// Ids of all clauses with that effect, for documents and tests.
#[must_use]
pub fn ids(effect: Effect) -> Vec<&'static str> {
    clause::CLAUSES.iter().filter(|clause| clause.effect == effect).map(|clause| clause.id).collect()
}
