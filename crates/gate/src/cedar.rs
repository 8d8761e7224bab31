//! The clauses as Cedar policies (`policies/gate.cedar`), for builds with the feature `cedar`.
//!
//! Cedar skips a policy that fails to evaluate and decides by the rest, and it lets a request without a schema carry anything. So: the
//! policies are validated strictly when they are loaded, every request is validated against the schema, and a single evaluation error makes the
//! answer "no answer", which the gate takes as a refusal.

use crate::error::GateError;
use crate::facts::Facts;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression, Schema,
    ValidationMode, Validator,
};
use std::str::FromStr;

const POLICIES: &str = include_str!("../policies/gate.cedar");
const SCHEMA: &str = include_str!("../policies/gate.cedarschema");

/// Loaded policies.
#[derive(Debug)]
pub struct Policies {
    policies: PolicySet,
    schema: Schema,
    authorizer: Authorizer,
    entities: Entities,
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
}

impl Policies {
    /// The policies of this program.
    ///
    /// # Errors
    /// [`GateError::Policies`] when they do not validate.
    pub fn built_in() -> Result<Self, GateError> {
        Self::new(POLICIES, SCHEMA)
    }

    /// Policies and schema in Cedar's own text. Each policy needs an annotation `id`.
    ///
    /// # Errors
    /// [`GateError::Policies`] when they do not parse, or do not validate strictly and without warnings.
    pub fn new(policies: &str, schema: &str) -> Result<Self, GateError> {
        let refuse = |problem: String| GateError::Policies(problem);
        let (schema, warnings) = Schema::from_cedarschema_str(schema).map_err(|error| refuse(error.to_string()))?;
        if let Some(warning) = warnings.into_iter().next() {
            return Err(refuse(warning.to_string()));
        }
        let parsed = PolicySet::from_str(policies).map_err(|error| refuse(error.to_string()))?;
        let mut named = PolicySet::new();
        for policy in parsed.policies() {
            let id = policy.annotation("id").ok_or_else(|| refuse("a policy has no annotation 'id'".to_owned()))?;
            named.add(policy.new_id(PolicyId::new(id))).map_err(|error| refuse(error.to_string()))?;
        }
        let result = Validator::new(schema.clone()).validate(&named, ValidationMode::Strict);
        if !result.validation_passed_without_warnings() {
            return Err(refuse(result.to_string()));
        }
        let uid = |text: &str| EntityUid::from_str(text).map_err(|error| refuse(error.to_string()));
        Ok(Self {
            policies: named,
            schema,
            authorizer: Authorizer::new(),
            entities: Entities::empty(),
            principal: uid("Standstill::Party::\"party\"")?,
            action: uid("Standstill::Action::\"start\"")?,
            resource: uid("Standstill::Job::\"job\"")?,
        })
    }

    /// Whether the policies allow, and the ids that decided, sorted. `None` when the input does not fit the schema or any policy could not be
    /// evaluated.
    #[must_use]
    pub fn judge(&self, facts: &Facts) -> Option<(bool, Vec<String>)> {
        let pairs = pairs(facts).into_iter().map(|(key, value)| (key.to_owned(), value));
        self.judge_context(Context::from_pairs(pairs).ok()?)
    }

    /// As [`Policies::judge`], on any context.
    fn judge_context(&self, context: Context) -> Option<(bool, Vec<String>)> {
        let request = Request::new(
            self.principal.clone(),
            self.action.clone(),
            self.resource.clone(),
            context,
            Some(&self.schema),
        );
        let response = self.authorizer.is_authorized(&request.ok()?, &self.policies, &self.entities);
        if response.diagnostics().errors().next().is_some() {
            return None;
        }
        let mut cited: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        cited.sort();
        Some((response.decision() == Decision::Allow, cited))
    }
}

fn pairs(facts: &Facts) -> Vec<(&'static str, RestrictedExpression)> {
    let phase = facts.phase.map_or("unknown", crate::Phase::word);
    let yes = RestrictedExpression::new_bool;
    vec![
        ("phase", RestrictedExpression::new_string(phase.to_owned())),
        ("known", yes(facts.known)),
        ("fresh", yes(facts.fresh)),
        ("clock_sound", yes(facts.clock_sound)),
        ("covered", yes(facts.covered)),
        ("exempt", yes(facts.exempt)),
        ("readable", yes(facts.readable)),
        ("size_known", yes(facts.size_known)),
        ("time_known", yes(facts.time_known)),
        ("class_known", yes(facts.class_known)),
        ("class_stopped", yes(facts.class_stopped)),
        ("suspended_may_start", yes(facts.suspended_may_start)),
        ("run_needed", yes(facts.run_needed)),
        ("run_named", yes(facts.run_named)),
        ("run_declared", yes(facts.run_declared)),
        ("run_class", yes(facts.run_class)),
        ("run_begun", yes(facts.run_begun)),
        ("run_open", yes(facts.run_open)),
        ("certificates", yes(facts.certificates)),
        ("plan_kept", yes(facts.plan_kept)),
        ("lineage_kept", yes(facts.lineage_kept)),
        ("caps_named", yes(facts.caps_named)),
        ("caps_kept", yes(facts.caps_kept)),
    ]
}

#[cfg(test)]
mod tests;
