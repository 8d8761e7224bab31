//! `standstill fleet`.

use crate::args::FleetCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use standstill_ledger::fleet::MAX_GROUP_DEVICES;
use standstill_ledger::{ChipTable, Fleet};
use std::path::Path;

pub(super) fn run(command: &FleetCommand) -> CliResult {
    let FleetCommand::Check { file, json } = command;
    let fleet = read(file)?;
    let chips = ChipTable::builtin().map_err(CliError::bug)?;
    let (h100e_16, h100e_8) =
        fleet.h100e_millionths(&chips, 0).map_err(|error| CliError::about(file.display(), error))?;
    let groups = fleet.groups(MAX_GROUP_DEVICES);
    if *json {
        let groups: Vec<_> = groups
            .iter()
            .map(|group| {
                serde_json::json!({ "group": group.index, "site": group.site, "area": group.area, "model": group.model, "devices": group.device_indices.len() })
            })
            .collect();
        let value = serde_json::json!({
            "devices": fleet.len(), "h100e_16bit_millionths": h100e_16.to_string(), "h100e_8bit_millionths": h100e_8.to_string(), "groups": groups
        });
        println!("{value:#}");
        return Ok(Exit::Ok);
    }
    println!(
        "{} devices in {} groups; {} H100-equivalents at 16 bit, {} at 8 bit.",
        fleet.len(),
        groups.len(),
        tenths(h100e_16),
        tenths(h100e_8)
    );
    for group in &groups {
        println!(
            "  group {:4}  {} / {}  {} x {}",
            group.index,
            group.site,
            group.area,
            group.device_indices.len(),
            group.model
        );
    }
    Ok(Exit::Ok)
}

/// Reads a fleet file; `.csv` by its name, TOML otherwise.
pub(crate) fn read(file: &Path) -> CliResult<Fleet> {
    let text = folder::read_text(file)?;
    let csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let fleet = if csv { Fleet::parse_csv(&text) } else { Fleet::parse_toml(&text) };
    fleet.map_err(|error| CliError::about(file.display(), error))
}

fn tenths(millionths: u128) -> String {
    format!("{}.{}", millionths / 1_000_000, millionths % 1_000_000 / 100_000)
}
