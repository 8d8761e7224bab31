//! The world of the demonstration and its terms.

use super::cast::PublicCast;
use crate::exit::{CliError, CliResult};
use crate::role::issuer::PublicHalf;
use standstill_agreement::{
    Agreement, Audit, Baseline, Beacon, Bound, Fill, Limit, Measure, Party, Per, Phase, PhaseStep, Role, RoleKind,
    Scope, WindowTerms,
};
use standstill_audit::DemoBeacon;
use standstill_ledger::ChipTable;
use standstill_sim::{Cheat, Evasion, LabSpec, Level, WorldSpec};
use standstill_statement::{Class, Name, PublicKey};
use std::collections::BTreeMap;

/// Start of window 0: 2026-11-01T00:00:00Z.
pub(crate) const START_UNIX_SECONDS: u64 = 1_793_491_200;

/// Windows before the slowdown.
pub const BASELINE_DAYS: u64 = 5;

/// The lab that cheats.
pub const CHEATER: &str = "south";

/// Share of the pretraining pool that keeps running in the slowdown, in thousandths.
const SLOWED_PER_MILLE: u32 = 250;

/// The story.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// How [`CHEATER`] cheats in its telemetry, if it does.
    pub cheat: Option<Cheat>,
    /// Whether it shows two histories of its log.
    pub fork: bool,
    /// Days to play.
    pub days: u64,
    /// Seed of the telemetry.
    pub seed: u64,
    /// Groups drawn from each report.
    pub groups_per_report: u32,
}

/// Labs of three sizes and three chip models.
pub(super) fn spec(plot: &Plot) -> CliResult<WorldSpec> {
    let name = |text: &str| Name::new(text).map_err(CliError::bug);
    let slowed = u32::try_from(BASELINE_DAYS).map_err(CliError::bug)?;
    let lab = |id: &str, model: &str, devices, areas| {
        Ok::<_, CliError>(LabSpec {
            id: name(id)?,
            model: name(model)?,
            devices,
            areas,
            training: vec![Level { from_day: slowed, per_mille: SLOWED_PER_MILLE }],
            evasion: plot.cheat.filter(|_| id == CHEATER).map(|cheat| Evasion { cheat, from_day: slowed }),
        })
    };
    Ok(WorldSpec {
        start_unix_seconds: START_UNIX_SECONDS,
        days: u32::try_from(plot.days).map_err(CliError::bug)?,
        period_ms: 60_000,
        labs: vec![lab("north", "h100-sxm5", 256, 4)?, lab("east", "h200-sxm", 128, 4)?, lab(CHEATER, "b200", 64, 2)?],
    })
}

/// The terms: five days of baseline, then training at no more than half of it.
pub(super) fn agreement(plot: &Plot, public: &PublicCast) -> CliResult<Agreement> {
    let name = |text: &str| Name::new(text).map_err(CliError::bug);
    Ok(Agreement {
        title: "Demonstration: three labs halve their training".to_owned(),
        start_unix_seconds: START_UNIX_SECONDS,
        term_windows: plot.days,
        rulebook: name("miri-treaty-2025")?,
        chip_table: ChipTable::builtin().map_err(CliError::bug)?.id(),
        window: WindowTerms {
            window_seconds: 86_400,
            slot_seconds: 3_600,
            report_within_seconds: 21_600,
            grace_seconds: 21_600,
        },
        scope: Scope {
            register_h100e: 16,
            monitored_flop: 10u128.pow(22),
            strict_flop: 10u128.pow(24),
            exempt: vec![Class::Inference, Class::Evaluation],
        },
        parties: public.parties.iter().map(party).collect::<CliResult<_>>()?,
        roles: vec![auditor(&public.auditor)?],
        witnesses: policy(&public.witnesses),
        limits: limits()?,
        baseline: Baseline { windows: BASELINE_DAYS },
        phases: vec![
            PhaseStep { phase: Phase::Normal, from_window: 0 },
            PhaseStep { phase: Phase::Slowed, from_window: BASELINE_DAYS },
        ],
        audit: audit(&public.beacon, START_UNIX_SECONDS, plot.groups_per_report)?,
        coordination: standstill_agreement::Coordination::default(),
    })
}

/// Draws from each report by the demonstration's own beacon.
pub(crate) fn audit(beacon: &DemoBeacon, start_unix_seconds: u64, groups_per_report: u32) -> CliResult<Audit> {
    Ok(Audit {
        beacon: Beacon {
            name: Name::new(DemoBeacon::NAME).map_err(CliError::bug)?,
            public_key: hex::encode(beacon.public_key_bytes().map_err(CliError::bug)?),
            genesis_unix_seconds: start_unix_seconds.saturating_sub(30 * 86_400),
            period_seconds: 3,
        },
        groups_per_report,
        respond_within_seconds: 86_400,
        retention_days: 90,
        delay_seconds: 600,
        least_devices: Fill { numerator: 9, denominator: 10 },
    })
}

/// The auditor's place in the terms.
pub(crate) fn auditor(public: &PublicHalf) -> CliResult<Role> {
    Ok(Role {
        kind: RoleKind::Auditor,
        id: public.id.clone(),
        log: public.vkey.clone(),
        statement_keys: vec![statement_key(public)?],
    })
}

/// A lab's place in the terms.
pub(crate) fn party(public: &PublicHalf) -> CliResult<Party> {
    Ok(Party { id: public.id.clone(), log: public.vkey.clone(), statement_keys: vec![statement_key(public)?] })
}

fn statement_key(public: &PublicHalf) -> CliResult<PublicKey> {
    let text = public
        .statement_key
        .as_deref()
        .ok_or_else(|| CliError::bug("a role of the demonstration has no statement key"))?;
    text.parse().map_err(CliError::bug)
}

/// More than half of the witnesses.
pub(crate) fn policy(witnesses: &[PublicHalf]) -> String {
    let mut text: String =
        witnesses.iter().map(|witness| format!("witness {} {}\n", witness.id, witness.vkey)).collect();
    let members: Vec<&str> = witnesses.iter().map(|witness| witness.id.as_str()).collect();
    text.push_str(&format!("group witnesses {} {}\nquorum witnesses\n", witnesses.len() / 2 + 1, members.join(" ")));
    text
}

fn limits() -> CliResult<Vec<Limit>> {
    let training = vec![Class::Pretraining, Class::Posttraining];
    let phases = |normal, slowed| BTreeMap::from([(Phase::Normal, normal), (Phase::Slowed, slowed)]);
    let limit = |id: &str, measure, classes: &[Class], per, charge_unaccounted, bounds| {
        Ok::<_, CliError>(Limit {
            id: Name::new(id).map_err(CliError::bug)?,
            measure,
            classes: classes.to_vec(),
            per,
            charge_unaccounted,
            bounds,
        })
    };
    let dark = Bound::OfCapacity { numerator: 1, denominator: 100 };
    let run = Bound::AtMost(10u128.pow(24));
    Ok(vec![
        limit("dark", Measure::ChipSeconds, &[Class::Unaccounted], Per::Window, false, phases(dark, dark))?,
        limit("run", Measure::Flop, &training, Per::Lineage, false, phases(run, run))?,
        limit(
            "train",
            Measure::Flop,
            &training,
            Per::Window,
            true,
            phases(Bound::Unlimited, Bound::OfBaseline { numerator: 1, denominator: 2 }),
        )?,
    ])
}
