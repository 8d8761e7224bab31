//! One day: telemetry, ledger, report, cosignatures, draw, opening, finding.

use super::Played;
use super::cast::Cast;
use super::world::START_UNIX_SECONDS;
use crate::demo::audit_day;
use crate::exit::{CliError, CliResult};
use crate::role::{Lab, power};
use standstill_ledger::{ChipTable, WindowLedger, WindowSpec};
use standstill_meter::source::{self, SourceKind, SourceOptions};
use standstill_meter::{FinishOptions, Grid, UpperRule};
use standstill_sim::{DayFiles, World};
use standstill_statement::Name;

const DAY_SECONDS: u64 = 86_400;
const HOUR_SECONDS: u64 = 3_600;

pub(super) fn play(cast: &mut Cast, world: &World, window: u64, played: &mut Played) -> CliResult<()> {
    play_without(cast, world, window, &[], played)
}

/// As [`play`], while some labs are silent: they meter nothing, report nothing and are not drawn from.
pub(super) fn play_without(
    cast: &mut Cast,
    world: &World,
    window: u64,
    silent: &[&str],
    played: &mut Played,
) -> CliResult<()> {
    let day = u32::try_from(window).map_err(CliError::bug)?;
    let end = START_UNIX_SECONDS + (window + 1) * DAY_SECONDS;
    let names: Vec<Name> = cast.labs.iter().map(|lab| lab.issuer.id.clone()).collect();
    let mut power_files = Vec::new();
    let heard: Vec<Name> = names.iter().filter(|name| !silent.contains(&name.as_str())).cloned().collect();
    for (index, name) in names.iter().enumerate().filter(|(_, name)| heard.contains(name)) {
        let folder = cast.out.join("telemetry").join(name.as_str());
        let files = world.write_day(&folder, index, day).map_err(CliError::unreadable)?;
        let lab = &mut cast.labs[index];
        let (ledger, rows) = meter(lab, &files, window)?;
        let sources = vec!["dcgm-parquet".to_owned(), "sacct-parsable".to_owned()];
        lab.report(&ledger, sources, end + 2 * HOUR_SECONDS, &mut cast.rng)?;
        played.reports += 1;
        played.rows += rows;
        cast.witnesses.cosign(&mut lab.issuer, end + 2 * HOUR_SECONDS + 60)?;
        power_files.push(files);
    }
    let power = power_files
        .iter()
        .map(|files| power::read_csv(&files.power, &cast.auditor.issuer.agreement))
        .collect::<CliResult<Vec<_>>>()?;
    played.opened += audit_day::play_with(cast, &heard, window, end, &power, &audit_day::SITE)?;
    Ok(())
}

/// Telemetry and accounting of one day to the ledger of one window. The rule of the terms here lets activity counters lower the upper
/// bound of operations; whoever lies about activity is the auditor's business.
pub(crate) fn meter(lab: &Lab, files: &DayFiles, window: u64) -> CliResult<(WindowLedger, u64)> {
    let terms = &lab.issuer.agreement;
    let (start, end) = terms.window_bounds(window);
    let start_ms = i64::try_from(start * 1000).map_err(CliError::bug)?;
    let spec = WindowSpec {
        index: window,
        start_ms,
        length_ms: (end - start) * 1000,
        slot_ms: terms.window.slot_seconds * 1000,
    };
    let grid = Grid { origin_ms: start_ms, slot_ms: spec.slot_ms };
    let options = SourceOptions { period_ms: 60_000, ..SourceOptions::new(grid) };
    let metered = source::open(SourceKind::DcgmParquet, std::slice::from_ref(&files.telemetry), &options)
        .map_err(CliError::unreadable)?;
    let accounting = source::accounting(SourceKind::SacctParsable, std::slice::from_ref(&files.accounting), &options)
        .map_err(CliError::unreadable)?;
    let jobs = accounting.job_map().map_err(|fault| CliError::about(files.accounting.display(), fault))?;
    let fleet = lab.fleet_in_force(window)?.fleet;
    let table = ChipTable::builtin().map_err(CliError::bug)?;
    let finish = FinishOptions { upper: UpperRule::ActiveTime };
    let ledger = metered.partials.finish(&fleet, &table, &spec, &jobs, finish).map_err(CliError::unreadable)?;
    Ok((ledger, metered.partials.tally().rows))
}
