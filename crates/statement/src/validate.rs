//! Rules for the fields of each kind, beyond what the types say.

use crate::body::{
    Alarm, Body, Challenge, Finding, FleetDeclaration, Freeze, Header, LogHead, Outcome, Report, Response, Rotation,
    RunDeclaration, Succession,
};
use crate::error::StatementError;
use crate::gate;
use crate::ids::Name;
use crate::keyring;
use crate::statement::Statement;
use crate::time;
use crate::vocabulary::Class;
use std::collections::BTreeSet;

mod coordination;
pub use coordination::{MAX_EVIDENCE, MAX_FORMULA_DEPTH, MAX_FORMULA_NODES, MAX_INPUTS, MAX_TEXT_BYTES};

/// Most heads of other logs in a header.
pub const MAX_HEADS: usize = 64;
/// Most groups in a fleet: a million groups of up to 128 devices.
pub const MAX_GROUPS: u32 = 1 << 20;
/// Most declared runs in a report.
pub const MAX_RUNS: usize = 256;
/// Most telemetry sources in a report.
pub const MAX_SOURCES: usize = 32;
/// Most parents of a run.
pub const MAX_PARENTS: usize = 256;
/// Most drawn groups in a challenge, and items in its response and finding.
pub const MAX_ITEMS: usize = 400;

/// Field and problem; the caller adds kind and issuer.
type Problem = (&'static str, String);

impl Statement {
    /// Checks the fields of header and body: lists sorted, unique and of limited length, numbers in range.
    ///
    /// # Errors
    /// [`StatementError::Field`] for the first field that is not allowed.
    pub fn validate(&self) -> Result<(), StatementError> {
        let result = self.check_header().and_then(|()| match &self.body {
            Body::Fleet(fleet) => fleet_fields(fleet),
            Body::Report(report) => report_fields(report),
            Body::Run(run) => run_fields(run),
            Body::Challenge(challenge) => challenge_fields(challenge, &self.header.issuer),
            Body::Response(response) => response_fields(response),
            Body::Finding(finding) => finding_fields(finding, &self.header.issuer),
            Body::Heartbeat(_) => Ok(()),
            Body::Alarm(alarm) => alarm_fields(alarm),
            Body::Freeze(freeze) => freeze_fields(freeze),
            Body::Rotation(rotation) => rotation_fields(rotation, &self.header),
            Body::Succession(succession) => succession_fields(succession, &self.header),
            Body::Decision(decision) => gate::check(decision, self.header.issued_unix_seconds),
            other => coordination::fields(other, &self.header.issuer),
        });
        result.map_err(|(field, problem)| StatementError::Field {
            kind: self.kind().name(),
            issuer: self.header.issuer.clone(),
            field,
            problem,
        })
    }

    fn check_header(&self) -> Result<(), Problem> {
        let header = &self.header;
        if (header.sequence == 0) != header.previous.is_none() {
            return Err(("header.previous", "must be null for sequence 0 and a hash for every other".to_owned()));
        }
        if header.issued_unix_seconds > time::MAX_UNIX_SECONDS {
            return Err(("header.issued_unix_seconds", "is after the year 9999".to_owned()));
        }
        at_most("header.heads", header.heads.len(), MAX_HEADS)?;
        header.heads.iter().try_for_each(|head| log_head("header.heads", head))?;
        ascending("header.heads", "sorted by origin, each origin once", header.heads.iter().map(|head| &head.origin))
    }
}

fn refuse(field: &'static str, problem: impl Into<String>) -> Result<(), Problem> {
    Err((field, problem.into()))
}

fn at_most(field: &'static str, length: usize, limit: usize) -> Result<(), Problem> {
    if length <= limit { Ok(()) } else { refuse(field, format!("has {length} entries, at most {limit} are allowed")) }
}

/// Strictly ascending, so that a set has one spelling.
fn ascending<T: Ord>(field: &'static str, wanted: &str, items: impl Iterator<Item = T>) -> Result<(), Problem> {
    let items: Vec<T> = items.collect();
    if items.windows(2).all(|pair| pair[0] < pair[1]) { Ok(()) } else { refuse(field, format!("must be {wanted}")) }
}

const ORIGIN_RULE: &str = "an origin must have 1 to 255 printable ASCII characters without space and '+'";

fn is_origin(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'+')
}

fn alarm_fields(alarm: &Alarm) -> Result<(), Problem> {
    if !is_origin(&alarm.origin) {
        return refuse("body.alarm.origin", ORIGIN_RULE);
    }
    if alarm.first == alarm.second {
        return refuse("body.alarm.second", "must differ from the first root; equal roots prove nothing");
    }
    Ok(())
}

fn freeze_fields(freeze: &Freeze) -> Result<(), Problem> {
    if !(1..=500).contains(&freeze.reason.len()) || freeze.reason.chars().any(char::is_control) {
        return refuse("body.freeze.reason", "must have 1 to 500 bytes without control characters");
    }
    if freeze.successor.as_ref().is_some_and(|key| !is_verifier_key(key)) {
        return refuse("body.freeze.successor", VERIFIER_KEY_RULE);
    }
    Ok(())
}

const VERIFIER_KEY_RULE: &str = "a verifier key has 1 to 400 printable ASCII characters without space";

fn is_verifier_key(text: &str) -> bool {
    (1..=400).contains(&text.len()) && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

fn rotation_fields(rotation: &Rotation, header: &Header) -> Result<(), Problem> {
    if rotation.add.is_none() && rotation.retire.is_none() {
        return refuse("body.rotation.add", "a rotation adds a key, retires one, or both");
    }
    let Some(added) = &rotation.add else { return Ok(()) };
    if rotation.retire == Some(added.key) {
        return refuse("body.rotation.retire", "must not be the key that is added");
    }
    if !added.key.verifies(&keyring::possession_message(header, &added.key), &added.possession.0) {
        let problem =
            "must be a signature by the added key over this agreement, issuer, sequence, previous statement and key";
        return refuse("body.rotation.add.possession", problem);
    }
    Ok(())
}

fn succession_fields(succession: &Succession, header: &Header) -> Result<(), Problem> {
    if header.sequence != 0 {
        return refuse("header.sequence", "must be 0: a log names its predecessor in its first entry");
    }
    if !is_verifier_key(&succession.predecessor) {
        return refuse("body.succession.predecessor", VERIFIER_KEY_RULE);
    }
    if succession.size == 0 {
        return refuse("body.succession.size", "must count the freeze, so it is at least 1");
    }
    Ok(())
}

fn log_head(field: &'static str, head: &LogHead) -> Result<(), Problem> {
    let legal = is_origin(&head.origin);
    if !legal {
        return refuse(field, ORIGIN_RULE);
    }
    if head.size == 0 { refuse(field, "a head must cover at least one entry") } else { Ok(()) }
}

fn group_count(field: &'static str, groups: u32) -> Result<(), Problem> {
    if (1..=MAX_GROUPS).contains(&groups) {
        Ok(())
    } else {
        refuse(field, format!("must be 1 to {MAX_GROUPS}, is {groups}"))
    }
}

/// Lower-case words joined by hyphens, as in reason codes and source names.
fn word(field: &'static str, text: &str) -> Result<(), Problem> {
    if Name::new(text).is_ok() {
        return Ok(());
    }
    refuse(field, "must have 1 to 64 characters of a-z, 0-9, '-', '.' or '_', starting with a letter or digit")
}

fn fleet_fields(fleet: &FleetDeclaration) -> Result<(), Problem> {
    group_count("body.fleet.groups", fleet.groups)
}

fn report_fields(report: &Report) -> Result<(), Problem> {
    group_count("body.report.groups", report.groups)?;
    at_most("body.report.runs", report.runs.len(), MAX_RUNS)?;
    ascending("body.report.runs", "sorted, each run once", report.runs.iter())?;
    at_most("body.report.sources", report.sources.len(), MAX_SOURCES)?;
    report.sources.iter().try_for_each(|source| word("body.report.sources", source))?;
    ascending("body.report.sources", "sorted, each source once", report.sources.iter())
}

fn run_fields(run: &RunDeclaration) -> Result<(), Problem> {
    at_most("body.run.parents", run.parents.len(), MAX_PARENTS)?;
    ascending("body.run.parents", "sorted, each parent once", run.parents.iter())?;
    if run.parents.contains(&run.run) {
        return refuse("body.run.parents", "a run cannot be its own parent");
    }
    if !run.class.changes_weights() && run.class != Class::Experiment {
        return refuse("body.run.class", "must be pretraining, posttraining or experiment");
    }
    if run.active_parameters > run.parameters {
        return refuse("body.run.active_parameters", "exceeds parameters");
    }
    Ok(())
}

fn unique_groups(field: &'static str, groups: &[u32]) -> Result<(), Problem> {
    at_most(field, groups.len(), MAX_ITEMS)?;
    if let Some(group) = groups.iter().find(|group| **group >= MAX_GROUPS) {
        return refuse(field, format!("group {group} is out of range"));
    }
    let distinct: BTreeSet<u32> = groups.iter().copied().collect();
    if distinct.len() == groups.len() { Ok(()) } else { refuse(field, "must name each group once") }
}

fn other_party(field: &'static str, party: &Name, issuer: &Name) -> Result<(), Problem> {
    if party == issuer { refuse(field, "a party does not check itself") } else { Ok(()) }
}

fn challenge_fields(challenge: &Challenge, issuer: &Name) -> Result<(), Problem> {
    other_party("body.challenge.party", &challenge.party, issuer)?;
    log_head("body.challenge.head", &challenge.head)?;
    if challenge.round == 0 {
        return refuse("body.challenge.round", "beacon rounds count from 1");
    }
    if challenge.groups.is_empty() {
        return refuse("body.challenge.groups", "must not be empty");
    }
    unique_groups("body.challenge.groups", &challenge.groups)?;
    if challenge.respond_by_unix_seconds > time::MAX_UNIX_SECONDS {
        return refuse("body.challenge.respond_by_unix_seconds", "is after the year 9999");
    }
    Ok(())
}

/// An empty response is allowed: it says on record that nothing is opened.
fn response_fields(response: &Response) -> Result<(), Problem> {
    unique_groups("body.response.items", &response.items.iter().map(|item| item.group).collect::<Vec<_>>())
}

fn finding_fields(finding: &Finding, issuer: &Name) -> Result<(), Problem> {
    other_party("body.finding.party", &finding.party, issuer)?;
    if finding.items.is_empty() {
        return refuse("body.finding.items", "must not be empty");
    }
    unique_groups("body.finding.items", &finding.items.iter().map(|item| item.group).collect::<Vec<_>>())?;
    for item in &finding.items {
        if item.outcome == Outcome::Match {
            if !item.reason.is_empty() {
                return refuse("body.finding.items.reason", "must be empty for a match");
            }
        } else {
            word("body.finding.items.reason", &item.reason)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
