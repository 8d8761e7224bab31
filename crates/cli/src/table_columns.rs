//! Names and units of a table's columns, from the command line.

use crate::args::TableArgs;
use crate::exit::{CliError, CliResult};
use standstill_meter::adapter::columns::Meaning;
use standstill_meter::contract::{ActivityUnit, EnergyUnit, PowerUnit};
use standstill_meter::source::{SourceKind, SourceOptions};

/// Takes over what the command line says about columns.
///
/// # Errors
/// A usage error for an unknown meaning, and for a source whose columns and units are fixed.
pub(crate) fn apply(args: &TableArgs, kind: SourceKind, options: &mut SourceOptions) -> CliResult<()> {
    let units = [&args.activity_unit, &args.power_unit, &args.energy_unit];
    if args.columns.is_empty() && units.iter().all(|unit| unit.is_none()) {
        return Ok(());
    }
    if !matches!(kind, SourceKind::DcgmParquet | SourceKind::DcgmCsv) {
        return Err(CliError::usage(format!(
            "--column and the unit options are for tables (dcgm-parquet, dcgm-csv); names and units of {} are fixed",
            kind.name()
        )));
    }
    for text in &args.columns {
        let refuse = || {
            let meanings = Meaning::ALL.map(Meaning::word).join(", ");
            CliError::usage(format!("--column {text}: write MEANING=COLUMN, with one of the meanings {meanings}"))
        };
        let (word, column) = text.split_once('=').filter(|(_, column)| !column.is_empty()).ok_or_else(refuse)?;
        options.columns.insert(Meaning::from_word(word).ok_or_else(refuse)?, column.to_owned());
    }
    let mut contract = options.contract_of(kind);
    let says = |unit: &Option<String>, word: &str| unit.as_deref() == Some(word);
    if says(&args.activity_unit, "percent") {
        contract.activity_unit = ActivityUnit::Percent;
    }
    if says(&args.power_unit, "milliwatt") {
        contract.power_unit = PowerUnit::Milliwatt;
    }
    if says(&args.energy_unit, "joule") {
        contract.energy_unit = EnergyUnit::Joule;
    }
    options.contract = Some(contract);
    Ok(())
}
