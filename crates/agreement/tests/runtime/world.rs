//! Four parties under the scenario `staged-resumption`, with what the tests need most.

use standstill_agreement::runtime::bench::world::{HOUR, World};
use standstill_agreement::runtime::{Timeline, replay};
use standstill_agreement::{Agreement, Condition};
use standstill_statement::{
    Body, Choice, Decimal, Dispute, Formula, Hash32, InspectionRequest, Matter, Name, Ruling, RulingOutcome,
};

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Four labs; each joins with at least two others and stays with at least two.
pub(crate) fn terms() -> Agreement {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
    let mut terms = Agreement::parse(text).unwrap();
    let end = terms.end_unix_seconds();
    let conduct = terms.coordination.conduct.as_mut().unwrap();
    conduct.valid_until_unix_seconds = end;
    for pledge in conduct.pledges.values_mut() {
        pledge.condition = Condition::AtLeast(2);
        pledge.stay = Condition::AtLeast(2);
    }
    terms
}

pub(crate) fn labs() -> Vec<Name> {
    ["east", "north", "south", "west"].map(name).to_vec()
}

pub(crate) fn join_all(world: &mut World<'_>) -> u64 {
    let offers: Vec<(Name, Option<Formula>)> = labs().into_iter().map(|lab| (lab, None)).collect();
    world.join(0, &offers)
}

/// Four labs bound since day 1, in force since day 4, reporting up to a day.
pub(crate) fn in_force<'t>(terms: &'t Agreement, reports_until: u64) -> World<'t> {
    let mut world = World::new(terms).unwrap();
    join_all(&mut world);
    world.reports(&labs(), 1..reports_until);
    world
}

pub(crate) fn play(terms: &Agreement, world: &World<'_>, as_of: u64) -> Timeline {
    replay(terms, &world.facts(), as_of).unwrap()
}

/// `<day> <hour>h <subject>: <from> -> <to> (<rule>)` for every transition.
pub(crate) fn lines(terms: &Agreement, timeline: &Timeline) -> Vec<String> {
    let line = |t: &standstill_agreement::runtime::Transition| {
        let since = t.at_unix_seconds - terms.start_unix_seconds;
        let subject = t.subject.to_string();
        let subject = subject.split(' ').next().unwrap_or_default();
        let named = if subject == "party" || subject == "trigger" { t.subject.to_string() } else { subject.to_owned() };
        format!("day {} {:02}h {named}: {} -> {} ({:?})", since / 86_400, since % 86_400 / HOUR, t.from, t.to, t.rule)
    };
    timeline.transitions.iter().map(line).collect()
}

/// Lines that contain a text.
#[track_caller]
pub(crate) fn has(lines: &[String], parts: &[&str]) {
    for part in parts {
        assert!(lines.iter().any(|line| line.contains(part)), "'{part}' in\n{}", lines.join("\n"));
    }
}

pub(crate) const METHOD: &str = "76d0e5b264d83b26442561f378f62effcfc1f20f0a0d0865de5b12320b7837d0";

/// A measured horizon in hours: low, best, high.
pub(crate) fn horizon(world: &mut World<'_>, by: &str, at: u64, hours: [u64; 3]) -> Hash32 {
    let values = hours.map(|hours| Decimal::new(hours * HOUR, 0));
    world.signal(&name(by), at, &name("horizon_p50"), METHOD.parse().unwrap(), values)
}

/// Two evaluators measure 200 hours and one raises `rsi`, which pauses. Gives the raise.
pub(crate) fn pause(world: &mut World<'_>, at: u64) -> Hash32 {
    let evidence = ["evaluator-1", "evaluator-2"].map(|by| horizon(world, by, at, [180, 200, 230]));
    world.raise(&name("evaluator-1"), at + HOUR, &name("rsi"), &evidence)
}

pub(crate) fn vote_all(world: &mut World<'_>, voters: &[&str], at: u64, matter: Matter, subject: Hash32, epoch: u32) {
    for (voter, second) in voters.iter().zip(0u64..) {
        world.vote(&name(voter), at + second, matter, subject, epoch, Choice::Yes);
    }
}

pub(crate) fn dispute(world: &mut World<'_>, by: &str, against: &str, at: u64) -> Hash32 {
    let body = Dispute {
        respondent: name(against),
        reason: name("balance-alarm"),
        evidence: vec![Hash32::default()],
        text: "Reported use is below metered power.".to_owned(),
    };
    world.say(&name(by), at, Body::Dispute(body))
}

pub(crate) fn rule(world: &mut World<'_>, case: Hash32, at: u64, outcome: RulingOutcome) -> Hash32 {
    world.say(&name("board"), at, Body::Ruling(Ruling { case, outcome, text: "See the file.".to_owned() }))
}

pub(crate) fn inspect(world: &mut World<'_>, by: &str, party: &str, case: Option<Hash32>, at: u64) -> Hash32 {
    let body = InspectionRequest { party: name(party), case, text: "Power meters".to_owned() };
    world.say(&name(by), at, Body::Inspection(body))
}
