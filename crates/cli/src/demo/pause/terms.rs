//! Terms and world of the pause: the scenario `staged-resumption` with clocks of hours, so that ten days tell the whole story.

use super::measured;
use super::script::{DAY, HOUR, WINDOWS};
use crate::demo::cast::PublicCast;
use crate::demo::world::{self, Plot, START_UNIX_SECONDS};
use crate::exit::{CliError, CliResult};
use crate::role::issuer::PublicHalf;
use standstill_agreement::{
    Agreement, Baseline, Bound, Condition, Coordination, Limit, Measure, Per, Phase, PhaseStep, Predicate, Role,
    RoleKind,
};
use standstill_sim::{Cheat, Evasion, LabSpec, Level, WorldSpec};
use standstill_statement::{Class, Hash32, Name};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// How long votes are counted, in hours.
pub(super) const EPOCH_HOURS: u64 = 12;
/// Cosignatures that make a quorum of five witnesses: two quorums share three, so two corrupt witnesses cannot fork a log, and one may be away.
pub(super) const QUORUM: usize = 4;
/// Roles beside the first auditor.
pub(super) const ROLES: [(&str, RoleKind); 5] = [
    ("auditor-2", RoleKind::Auditor),
    ("board", RoleKind::Adjudicator),
    ("evaluator-1", RoleKind::Evaluator),
    ("evaluator-2", RoleKind::Evaluator),
    ("inspector", RoleKind::Inspector),
];

fn name(text: &str) -> CliResult<Name> {
    Name::new(text).map_err(CliError::bug)
}

/// Four small labs that follow the phases; one of them trains on and reports two fifths of it.
pub(super) fn spec(seed_free_start: u64) -> CliResult<WorldSpec> {
    let levels = [(3, 250), (4, 0), (8, 250)].map(|(from_day, per_mille)| Level { from_day, per_mille });
    let lab = |id: &str, model: &str, cheats: bool| {
        Ok::<_, CliError>(LabSpec {
            id: name(id)?,
            model: name(model)?,
            devices: 32,
            areas: 2,
            training: levels.to_vec(),
            evasion: cheats.then_some(Evasion { cheat: Cheat::UnderReport, from_day: 3 }),
        })
    };
    Ok(WorldSpec {
        start_unix_seconds: seed_free_start,
        days: u32::try_from(WINDOWS).map_err(CliError::bug)?,
        period_ms: 60_000,
        labs: vec![
            lab("north", "h100-sxm5", false)?,
            lab("south", "b200", true)?,
            lab("east", "h200-sxm", false)?,
            lab("west", "h100-sxm5", false)?,
        ],
    })
}

/// The terms of the live play.
pub(super) fn live(
    public: &PublicCast,
    roles: &[(PublicHalf, RoleKind)],
    witnesses: &[SocketAddr],
) -> CliResult<Agreement> {
    let plot = Plot { cheat: None, fork: false, days: WINDOWS, seed: 1, groups_per_report: 2 };
    let mut terms = world::agreement(&plot, public)?;
    shape(&mut terms)?;
    for (role, kind) in roles {
        terms.roles.push(Role { kind: *kind, ..world::auditor(role)? });
    }
    terms.witnesses = policy(public, witnesses);
    Ok(terms)
}

/// The terms of the simulated play: the same rules, with the keys of the scenario, which are those of nobody.
pub(super) fn simulated() -> CliResult<Agreement> {
    let mut terms = scenario()?;
    terms.start_unix_seconds = START_UNIX_SECONDS;
    terms.window.report_within_seconds = 6 * HOUR;
    terms.window.grace_seconds = 6 * HOUR;
    shape(&mut terms)?;
    if let Some(auditor) = terms.roles.iter().find(|role| role.kind == RoleKind::Auditor).cloned() {
        terms.roles.push(Role { id: name("auditor-2")?, ..auditor });
    }
    Ok(terms)
}

fn scenario() -> CliResult<Agreement> {
    let found = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption");
    let (_, text) = found.ok_or_else(|| CliError::bug("the scenario is gone"))?;
    Agreement::parse(text).map_err(|_| CliError::bug("the scenario is refused"))
}

/// The rules of the pause.
fn shape(terms: &mut Agreement) -> CliResult<()> {
    "Demonstration: four labs pause their training".clone_into(&mut terms.title);
    terms.term_windows = WINDOWS + 2;
    terms.baseline = Baseline { windows: 2 };
    terms.phases = vec![PhaseStep { phase: Phase::Normal, from_window: 0 }];
    terms.limits = limits()?;
    terms.coordination = coordination(terms.start_unix_seconds)?;
    Ok(())
}

fn coordination(start: u64) -> CliResult<Coordination> {
    let mut rules = scenario()?.coordination;
    (rules.detect, rules.accountancy, rules.corrupt_witnesses) = (None, None, Some(2));
    let conduct = rules.conduct.as_mut().ok_or_else(|| CliError::bug("the scenario does not run itself"))?;
    conduct.valid_until_unix_seconds = start + 3 * DAY;
    for pledge in conduct.pledges.values_mut() {
        pledge.stay = Condition::AtLeast(1);
        (pledge.grace_seconds, pledge.withdraw_seconds) = (2 * DAY, 3 * DAY);
    }
    let clocks = &mut conduct.clocks;
    (clocks.notice_seconds, clocks.winding_down_seconds) = (12 * HOUR, 6 * HOUR);
    (clocks.clarification_seconds, clocks.finding_seconds) = (12 * HOUR, 12 * HOUR);
    (clocks.adjudication_seconds, clocks.freeze_on_outage_seconds) = (12 * HOUR, 2 * DAY);
    conduct.votes.within_seconds = EPOCH_HOURS * HOUR;
    (conduct.inspection.block_within_seconds, conduct.inspection.access_seconds) = (6 * HOUR, 12 * HOUR);
    for step in &mut conduct.resumption {
        step.hold_seconds = DAY;
    }
    for trigger in &mut conduct.triggers {
        (trigger.lift.after_seconds, trigger.expires_seconds) = (DAY, 10 * DAY);
        let method = measured::method()?;
        bind(&mut trigger.raise, method);
        trigger.lift.when.iter_mut().for_each(|when| bind(when, method));
    }
    Ok(rules)
}

/// The scenario's triggers name a method that nobody can run here; these name the one by which the evaluators measure.
fn bind(predicate: &mut Predicate, method: Hash32) {
    match predicate {
        Predicate::Reading(reading) => {
            if let Some(hash) = &mut reading.method {
                *hash = method;
            }
        }
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter_mut().for_each(|part| bind(part, method)),
    }
}

/// Pretraining: none in a pause, a quarter and a half of the baseline on the way there and back.
fn limits() -> CliResult<Vec<Limit>> {
    let half = Bound::OfBaseline { numerator: 1, denominator: 2 };
    let quarter = Bound::OfBaseline { numerator: 1, denominator: 4 };
    let train = [
        (Phase::Normal, Bound::Unlimited),
        (Phase::Slowed, half),
        (Phase::Slowed2, quarter),
        (Phase::Paused, Bound::AtMost(0)),
    ];
    let dark = Bound::OfCapacity { numerator: 1, denominator: 100 };
    let everywhere = |bound| BTreeMap::from(train.map(|(phase, _)| (phase, bound)));
    Ok(vec![
        Limit {
            id: name("dark")?,
            measure: Measure::ChipSeconds,
            classes: vec![Class::Unaccounted],
            per: Per::Window,
            charge_unaccounted: false,
            bounds: everywhere(dark),
        },
        Limit {
            id: name("train")?,
            measure: Measure::Flop,
            classes: vec![Class::Pretraining],
            per: Per::Window,
            charge_unaccounted: false,
            bounds: BTreeMap::from(train),
        },
    ])
}

fn policy(public: &PublicCast, addresses: &[SocketAddr]) -> String {
    let mut text = String::new();
    for (witness, address) in public.witnesses.iter().zip(addresses) {
        let _ = writeln!(text, "witness {} {} http://{address}", witness.id, witness.vkey);
    }
    let members: Vec<&str> = public.witnesses.iter().map(|witness| witness.id.as_str()).collect();
    let _ = writeln!(text, "group witnesses {QUORUM} {}\nquorum witnesses", members.join(" "));
    text
}
