//! What the terms alone refuse, whatever has happened so far: the wrong role, somebody or something that the terms do not have.
//!
//! The machine asks this before any other rule, and `standstill act` asks it before anything is signed, so the two cannot differ.

use super::machine::Machine;
use crate::coordination::{Predicate, Raiser};
use crate::terms::RoleKind;
use standstill_statement::{Body, Matter, Name};

impl Machine<'_> {
    /// Why a statement of this issuer can have no effect in any state; `None` when it depends on the state, or has one.
    #[must_use]
    pub fn barred(&self, issuer: &Name, body: &Body) -> Option<&'static str> {
        if self.terms.issuer(issuer).is_none() {
            return Some("its issuer is neither a party nor a role of the agreement");
        }
        let barred = |holds: bool, reason| (!holds).then_some(reason);
        let party = self.names.contains(issuer);
        match body {
            Body::Ratification(body) => barred(party, "only parties ratify")
                .or_else(|| barred(body.witnesses == self.policy, "it names another witness policy than the terms")),
            Body::Commitment(body) => barred(party, "only parties commit themselves").or_else(|| {
                let exists = self.entry_round(body.entry_round).is_some();
                barred(exists, "its entry round is after the end of the agreement")
            }),
            Body::Opening(_) => barred(party, "only parties commit themselves"),
            Body::Signal(_) => barred(self.measures(issuer), "the terms count no measurement of its issuer"),
            Body::Raise(body) => self.barred_raise(issuer, &body.trigger),
            Body::Lift(body) => barred(self.conduct.trigger(&body.trigger).is_some(), "the terms have no such trigger"),
            Body::Vote(body) => barred(party, NO_VOTER).or_else(|| {
                barred(body.matter != Matter::Renewal || body.subject == self.id, "it renews another agreement")
            }),
            Body::Objection(_) => barred(party, NO_OBJECTOR),
            Body::Acknowledgement(_) => barred(party, "only parties acknowledge"),
            Body::Answer(_) => barred(party, "only parties answer"),
            Body::Withdrawal(_) => barred(party, "only parties withdraw"),
            Body::Suspension(_) => barred(party, "only parties suspend themselves"),
            Body::Report(_) => barred(party, "only parties report"),
            Body::Question(body) => barred(self.names.contains(&body.party), "it asks somebody who is not a party"),
            Body::Dispute(body) => self.barred_accusation(issuer, &body.respondent),
            Body::Inspection(body) => self.barred_accusation(issuer, &body.party),
            Body::Ruling(_) => barred(self.role_kind(issuer) == Some(RoleKind::Adjudicator), "only adjudicators rule"),
            Body::Conclusion(_) => {
                barred(self.role_kind(issuer) == Some(RoleKind::Inspector), "only inspectors conclude inspections")
            }
            _ => None,
        }
    }

    fn barred_raise(&self, issuer: &Name, trigger: &Name) -> Option<&'static str> {
        let Some(trigger) = self.conduct.trigger(trigger) else { return Some("the terms have no such trigger") };
        let may = trigger.who_may_raise.iter().any(|raiser| match raiser {
            Raiser::Parties => self.names.contains(issuer),
            Raiser::Role(kind) => self.role_kind(issuer) == Some(*kind),
            Raiser::Named(name) => name == issuer,
        });
        (!may).then_some("the terms do not let its issuer raise this trigger")
    }

    fn barred_accusation(&self, issuer: &Name, accused: &Name) -> Option<&'static str> {
        if self.role_kind(issuer) == Some(RoleKind::Evaluator) {
            return Some("evaluators measure; they do not accuse");
        }
        (!self.names.contains(accused)).then_some("it is against somebody who is not a party")
    }

    /// Whether any trigger, lift or gate of the terms takes measurements or certificates of somebody of this kind.
    fn measures(&self, issuer: &Name) -> bool {
        let kind = self.role_kind(issuer);
        let takes = |predicate: &Predicate| predicate.readings().iter().any(|reading| reading.signers == kind);
        let triggers = &self.conduct.triggers;
        let gates = &self.terms.coordination.gates;
        triggers.iter().any(|trigger| takes(&trigger.raise) || trigger.lift.when.as_ref().is_some_and(takes))
            || gates.iter().any(|gate| {
                gate.when.as_ref().is_some_and(takes)
                    || gate.certificates.iter().any(|certificate| Some(certificate.by) == kind)
            })
    }
}

/// Why somebody may not vote.
pub(crate) const NO_VOTER: &str = "its issuer may not vote on it: only bound parties do, and never the accused";
/// Why somebody may not object.
pub(crate) const NO_OBJECTOR: &str =
    "its issuer may not object: neither the asking nor the accused party does, and only bound ones";
