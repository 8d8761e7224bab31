//! Whether a statement would count, before it is signed. A log forgets nothing, so a statement out of place would stay there for ever.
//!
//! What the terms alone refuse is refused always. With a bundle the agreement is replayed with the statement added, together with what the
//! role has said itself and has not published yet.

use crate::exit::{CliError, CliResult};
use crate::role::Issuer;
use standstill_agreement::runtime::{Fact, Facts, Machine, replay_with};
use standstill_statement::{Body, Commitment, CommitmentOpening, Hash32, Header, Statement};
use standstill_verify::{Bundle, Limits, runtime};
use std::path::Path;

/// What a statement is tried against.
pub(super) struct Trial<'a> {
    pub(super) bundle: Option<&'a Path>,
    pub(super) now: u64,
}

impl Trial<'_> {
    /// Refuses a statement that would have no effect. `beacon` is a round that the statement brings with it, checked by the caller.
    pub(super) fn let_through(&self, issuer: &Issuer, body: &Body, beacon: Option<(u64, Hash32)>) -> CliResult<()> {
        self.well_formed(issuer, body)?;
        let Some(machine) = Machine::new(&issuer.agreement) else {
            return match self.bundle {
                None => Ok(()),
                Some(_) => Err(CliError::usage(
                    "these terms only follow a schedule, so no statement has an effect by itself. Say it again without --bundle",
                )),
            };
        };
        refuse_barred(&machine, issuer, body)?;
        let Some(path) = self.bundle else { return Ok(()) };
        let bundle = Bundle::open(path, Limits::default()).map_err(|error| CliError::about(path.display(), error))?;
        if bundle.agreement().id() != issuer.agreement_id {
            return Err(CliError::usage(format!(
                "{} is of another agreement than {}. Give a bundle of that one, or act from the folder that joined this one",
                path.display(),
                issuer.home.display()
            )));
        }
        let mut facts = runtime::facts(&bundle);
        facts.beacon.extend(beacon);
        self.replayed(&machine, issuer, body, facts, path)
    }

    /// The rules of the statement's own fields, before anything is written.
    fn well_formed(&self, issuer: &Issuer, body: &Body) -> CliResult<()> {
        let header = Header {
            agreement: issuer.agreement_id,
            issuer: issuer.id.clone(),
            sequence: issuer.entries().len() as u64,
            previous: issuer.previous(),
            issued_unix_seconds: self.now,
            heads: Vec::new(),
        };
        let checked = Statement { header, body: body.clone() }.validate();
        checked.map_err(|error| CliError::usage(format!("{error}. Nothing is said; put it right and say it again")))
    }

    fn replayed(
        &self,
        machine: &Machine<'_>,
        issuer: &Issuer,
        body: &Body,
        mut facts: Facts,
        path: &Path,
    ) -> CliResult<()> {
        let last = facts.statements.iter().map(|fact| fact.published_unix_seconds).max().unwrap_or(0);
        // After all that is public: within one second the names of issuers would decide.
        let at = self.now.max(last.saturating_add(1));
        let fact = |index, statement, body: &Body| Fact {
            agreement: issuer.agreement_id,
            issuer: issuer.id.clone(),
            index,
            statement,
            published_unix_seconds: at,
            not_before_unix_seconds: at,
            body: body.clone(),
        };
        let known = facts.statements.iter().filter(|fact| fact.issuer == issuer.id).map(|fact| fact.index + 1).max();
        let own = issuer.entries().iter().filter(|entry| Some(entry.index) >= known || known.is_none());
        facts.statements.extend(own.map(|entry| fact(entry.index, entry.hash, &entry.statement.body)));
        let here = Hash32::of(b"the statement that is tried");
        let named = |hash: &Hash32| facts.statements.iter().any(|fact| fact.statement == *hash);
        let unknown = match body {
            Body::Clarification(body) => Some(body.subject).filter(|hash| !named(hash)),
            Body::Acknowledgement(body) => Some(body.cause).filter(|hash| !named(hash)),
            _ => None,
        };
        if let Some(hash) = unknown {
            let next = format!("The hashes of all that is public: standstill agreement timeline {}", path.display());
            return Err(refusal(&format!("{} has no statement {hash}", path.display()), &next));
        }
        facts.statements.push(fact(issuer.entries().len() as u64, here, body));
        let timeline = replay_with(machine, &facts, at);
        if let Some(ignored) = timeline.ignored.iter().find(|ignored| ignored.statement.statement == here) {
            return Err(refusal(&ignored.reason, &next_step(body, path)));
        }
        match body {
            Body::Acknowledgement(body) => {
                let phase = timeline.state.party_phase(&issuer.id).unwrap_or_default().word();
                if phase == body.phase.as_str() {
                    return Ok(());
                }
                let words = format!("{} is {phase} now, and not {}", issuer.id, body.phase);
                Err(refusal(&words, &next_step(&Body::Acknowledgement(body.clone()), path)))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses what the terms alone refuse.
pub(super) fn refuse_barred(machine: &Machine<'_>, issuer: &Issuer, body: &Body) -> CliResult<()> {
    let Some(reason) = machine.barred(&issuer.id, body) else { return Ok(()) };
    let terms = issuer.home.join("agreement.toml");
    let next = format!("Who may do what is in the terms: standstill agreement show {}", terms.display());
    Err(refusal(reason, &next))
}

/// Refuses an opening by somebody who is not a party, before anything is asked about seals and rounds.
pub(super) fn refuse_opening(issuer: &Issuer) -> CliResult<()> {
    let Some(machine) = Machine::new(&issuer.agreement) else { return Ok(()) };
    let nothing = CommitmentOpening {
        commitment: Hash32::default(),
        offer: Commitment { condition: None, valid_until_unix_seconds: 0 },
        salt: Hash32::default(),
        beacon_round: 0,
        randomness: Hash32::default(),
    };
    refuse_barred(&machine, issuer, &Body::Opening(nothing))
}

fn refusal(reason: &str, next: &str) -> CliError {
    CliError::usage(format!("nothing is said, because it would have no effect: {reason}. {next}"))
}

/// Where to look for what the statement should have named.
fn next_step(body: &Body, bundle: &Path) -> String {
    let bundle = bundle.display();
    let status = |what: &str| format!("{what}: standstill agreement status {bundle}");
    match body {
        Body::Ratification(_) | Body::Commitment(_) | Body::Opening(_) => {
            status("Who has ratified, sealed and opened so far")
        }
        Body::Raise(_) | Body::Lift(_) => status("Triggers, and the raise that put each into force"),
        Body::Vote(_) => status("Votes that are open, with subject and epoch"),
        Body::Acknowledgement(_) => status("The phase of every party"),
        Body::Answer(_) => status("Questions and cases that wait for an answer"),
        Body::Dispute(_) | Body::Ruling(_) | Body::Question(_) | Body::Clarification(_) => {
            status("Who is bound, and which cases are open")
        }
        Body::Inspection(_) | Body::Objection(_) | Body::Conclusion(_) => status("Inspections that are open"),
        _ => status("What holds now"),
    }
}
