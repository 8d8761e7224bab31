//! `standstill show`.

use crate::args::ShowArgs;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::role::reading;
use standstill_ledger::{Alarm, AlarmKind, WindowLedger};
use standstill_statement::{Class, decode_unverified, show};
use standstill_tlog::reader;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn run(args: &ShowArgs) -> CliResult {
    if let Some((log, index)) = args.what.rsplit_once('#') {
        let index =
            index.parse().map_err(|_| CliError::usage(format!("'{index}' is not an index: write LOG#NUMBER")))?;
        return statement(&log_entry(Path::new(log), index)?, args.json);
    }
    let path = Path::new(&args.what);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => {
            let agreement = reading::agreement_file(path)?;
            if args.json {
                println!("{}", agreement.canonical_json())
            } else {
                print!("{}", agreement.show())
            }
            Ok(Exit::Ok)
        }
        Some("ledger") => ledger(path, args.json),
        _ => statement(&folder::read(path, 1 << 20)?, args.json),
    }
}

/// One entry of a log folder, without its key: for looking only, so signatures are not checked here.
fn log_entry(log: &Path, index: u64) -> CliResult<Vec<u8>> {
    let size = folder::read_text(&log.join("checkpoint"))?.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
    let size = size.ok_or_else(|| {
        CliError::unreadable(format!("{} is not a log folder: its checkpoint has no size", log.display()))
    })?;
    if index >= size {
        return Err(CliError::usage(format!(
            "{} has {size} entries; the last index is {}",
            log.display(),
            size.saturating_sub(1)
        )));
    }
    let mut fetch = |path: &str, limit: u64| Ok(folder::read(&log.join(path), limit).ok());
    let entries = reader::read_entries(size, &mut fetch, &reader::Limits::default())
        .map_err(|error| CliError::about(log.display(), error))?;
    let position = usize::try_from(index).map_err(CliError::bug)?;
    entries
        .into_iter()
        .nth(position)
        .ok_or_else(|| CliError::unreadable(format!("{} has no entry {index}", log.display())))
}

fn statement(bytes: &[u8], json: bool) -> CliResult {
    let statement = decode_unverified(bytes).map_err(CliError::unreadable)?;
    if json {
        let value = serde_json::json!({ "header": statement.header, "body": statement.body });
        println!("{value:#}");
    } else {
        print!("{}", show::text(&statement));
        eprintln!("Signatures are not checked by 'show'; 'standstill verify' does.");
    }
    Ok(Exit::Ok)
}

fn ledger(path: &Path, json: bool) -> CliResult {
    let bytes = folder::read(path, standstill_ledger::window::MAX_LEDGER_BYTES as u64)?;
    let ledger = WindowLedger::decode(&bytes).map_err(|error| CliError::about(path.display(), error))?;
    print!("{}", ledger_text(&ledger, json));
    Ok(Exit::Ok)
}

/// Totals of a ledger, as a table or JSON.
pub(crate) fn ledger_text(ledger: &WindowLedger, json: bool) -> String {
    use std::fmt::Write as _;
    let totals = ledger.totals();
    if json {
        let classes: serde_json::Map<String, serde_json::Value> = Class::ALL
            .into_iter()
            .map(|class| {
                let total = totals.class(class);
                let value = serde_json::json!({
                    "milliseconds": total.milliseconds.to_string(),
                    "lower_ops": total.operations.lower_ops.to_string(),
                    "best_ops": total.operations.best_ops.to_string(),
                    "upper_ops": total.operations.upper_ops.to_string(),
                    "evidence": format!("{:?}", total.operations.evidence),
                    "energy_millijoules": total.energy_millijoules.to_string(),
                });
                (class.name().to_owned(), value)
            })
            .collect();
        let value = serde_json::json!({ "window": ledger.spec.index, "devices": ledger.devices.len(), "classes": classes, "alarms": ledger.alarms });
        return format!("{value:#}\n");
    }
    let mut text = format!(
        "Window {}: {} devices, {} slots each.\n",
        ledger.spec.index,
        ledger.devices.len(),
        ledger.spec.slots()
    );
    text.push_str("  class           chip-hours   operations: lower .. best .. upper             energy kWh\n");
    for class in Class::ALL {
        let total = totals.class(class);
        let hours = total.milliseconds / 3_600;
        let kilowatt_hours = total.energy_millijoules / 3_600_000;
        let ops = &total.operations;
        let _ = writeln!(
            text,
            "  {:12} {:>9}.{:03}   {:>9} .. {:>9} .. {:>9}   {:>14}.{:03}",
            class.name(),
            hours / 1000,
            hours % 1000,
            scientific(ops.lower_ops),
            scientific(ops.best_ops),
            scientific(ops.upper_ops),
            kilowatt_hours / 1000,
            kilowatt_hours % 1000
        );
    }
    let mut by_kind: BTreeMap<AlarmKind, (usize, u64, u64)> = BTreeMap::new();
    for alarm in &ledger.alarms {
        let (devices, count, lost) = by_kind.entry(alarm.kind).or_default();
        *devices += 1;
        *count += alarm.count;
        *lost += alarm.lost_milliseconds;
    }
    for (kind, (devices, count, lost)) in by_kind {
        let _ =
            writeln!(text, "  alarm: {kind}: {count} times on {devices} devices, {} device-seconds lost", lost / 1000);
    }
    for alarm in ledger.alarms.iter().take(3) {
        let Alarm { kind, device, count, lost_milliseconds, detail, .. } = alarm;
        let _ = writeln!(
            text,
            "    for example {kind} on {device}, {count} times, {} s lost {detail}",
            lost_milliseconds / 1000
        );
    }
    if ledger.alarms.len() > 3 {
        let _ = writeln!(text, "    and {} more; --json lists all", ledger.alarms.len() - 3);
    }
    text
}

/// Three significant digits, for people: `1.23e21`.
fn scientific(ops: u128) -> String {
    if ops == 0 {
        return "0".to_owned();
    }
    let digits = ops.to_string();
    let mantissa: String = digits.chars().chain("00".chars()).take(3).collect();
    format!("{}.{}e{}", &mantissa[..1], &mantissa[1..], digits.len() - 1)
}
