//! Measuring the run-time on a record of its own making. Nothing here takes part in a verdict.

pub mod world;

use crate::coordination::Pledge;
use crate::runtime::{RunPhase, Timeline, replay_with};
use crate::terms::{Agreement, Party, Phase};
use standstill_statement::{Choice, Decimal, Matter, Name};
use std::time::{Duration, Instant};
use world::{DAY, HOUR, World};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchPlan {
    /// Labs.
    pub parties: usize,
    /// Windows of one day.
    pub days: u64,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchResult {
    /// What was measured.
    pub plan: BenchPlan,
    /// Statements.
    pub statements: usize,
    /// Transitions in the timeline.
    pub transitions: usize,
    /// Best of three replays on one core.
    pub replay: Duration,
}

/// Terms for many parties, from a scenario.
#[must_use]
pub fn terms(plan: BenchPlan) -> Option<Agreement> {
    let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption")?;
    let mut terms = Agreement::parse(text).ok()?;
    let sample = terms.parties.first()?.clone();
    let ids: Vec<Name> = (0..plan.parties).filter_map(|index| Name::new(&format!("lab-{index:02}")).ok()).collect();
    terms.parties = ids.iter().map(|id| Party { id: id.clone(), ..sample.clone() }).collect();
    terms.term_windows = plan.days;
    let end = terms.end_unix_seconds();
    let conduct = terms.coordination.conduct.as_mut()?;
    let sample: Pledge = conduct.pledges.values().next()?.clone();
    let condition = crate::Condition::AtLeast(u32::try_from(plan.parties / 2).ok()?);
    let stay = crate::Condition::AtLeast(u32::try_from(plan.parties / 3).ok()?);
    let pledge = Pledge { condition, stay, ..sample };
    conduct.pledges = ids.iter().map(|id| (id.clone(), pledge.clone())).collect();
    conduct.valid_until_unix_seconds = end;
    Some(terms)
}

/// A year of statements: all join; each day each party reports and gives a sign of life; each month the evaluators measure, each quarter a
/// pause is raised, voted on and lifted.
#[must_use]
pub fn year(terms: &Agreement) -> Option<World<'_>> {
    let mut world = World::new(terms)?;
    let parties = terms.party_names();
    let offers: Vec<(Name, Option<_>)> = parties.iter().map(|party| (party.clone(), None)).collect();
    world.join(0, &offers);
    for window in 1..terms.term_windows {
        world.reports(&parties, window..window + 1);
        for (party, second) in parties.iter().zip(0u64..) {
            let at = world.at(window, 18) + second;
            world.heartbeat(party, at);
        }
        if window % 90 == 20 {
            pause(&mut world, terms, &parties, window)?;
        }
    }
    world.shown(terms.end_unix_seconds());
    Some(world)
}

/// Two evaluators measure, one raises, all vote after the waiting time.
fn pause(world: &mut World<'_>, terms: &Agreement, parties: &[Name], day: u64) -> Option<()> {
    let trigger = terms.conduct()?.triggers.iter().find(|trigger| trigger.phase == Phase::Paused)?;
    let reading = trigger.raise.readings().into_iter().find(|reading| reading.confidence.is_some())?;
    let metric = Name::new(&reading.signal.to_string()).ok()?;
    let at = world.at(day, 6);
    let values = [700_000, 800_000, 900_000].map(|seconds| Decimal::new(seconds, 0));
    let evaluators: Vec<&Name> =
        terms.roles.iter().filter(|role| role.kind == crate::RoleKind::Evaluator).map(|role| &role.id).collect();
    let evidence: Vec<_> = evaluators
        .iter()
        .take(2)
        .map(|by| world.signal(by, at, &metric, reading.method.unwrap_or_default(), values))
        .collect();
    let raise = world.raise(parties.first()?, at + HOUR, &trigger.id, &evidence);
    let voting = at + HOUR + trigger.hold_seconds + trigger.lift.after_seconds + HOUR;
    if voting + 30 * DAY < terms.end_unix_seconds() {
        for (party, second) in parties.iter().zip(0u64..) {
            world.vote(party, voting + second, Matter::Lift, raise, 0, Choice::Yes);
        }
    }
    Some(())
}

/// Builds a year and replays it. `None` when the plan gives no terms, or when the year does not go as it should.
#[must_use]
pub fn run(plan: BenchPlan) -> Option<BenchResult> {
    let terms = terms(plan)?;
    let world = year(&terms)?;
    let facts = world.facts();
    let mut best: Option<(Duration, Timeline)> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let timeline = replay_with(world.machine(), &facts, terms.end_unix_seconds());
        let took = start.elapsed();
        if best.as_ref().is_none_or(|(before, _)| took < *before) {
            best = Some((took, timeline));
        }
    }
    let (replay, timeline) = best?;
    // Votes that come after the lift was carried have no effect; everything else has.
    let late_votes = timeline.ignored.iter().all(|ignored| ignored.kind == "vote" && !ignored.fault);
    let went_well = timeline.state.phase() == RunPhase::Ended && late_votes;
    let paused = timeline.transitions.iter().any(|transition| transition.to == "paused");
    (went_well && paused).then_some(BenchResult {
        plan,
        statements: facts.statements.len(),
        transitions: timeline.transitions.len(),
        replay,
    })
}
