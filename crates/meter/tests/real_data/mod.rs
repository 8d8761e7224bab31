//! Where the real third-party data lies, and small fleets for it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;
use std::sync::LazyLock;

use standstill_ledger::{ChipTable, Fleet, WindowLedger, WindowSpec};
use standstill_meter::source::Metered;
use standstill_meter::{FinishOptions, Grid, JobMap, UpperRule};

pub(crate) const HOUR_MS: u64 = 3_600_000;

/// A file or folder of the data, or `None` (with a message) when the data is not here.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("STANDSTILL_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let found = root.join("telemetry").join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: {path} not present");
    None
}

pub(crate) fn table() -> &'static ChipTable {
    static TABLE: LazyLock<ChipTable> = LazyLock::new(|| ChipTable::builtin().expect("chip table"));
    &TABLE
}

/// A window that begins on a whole slot at or before `start_ms` and holds `slots` slots of an hour.
pub(crate) fn window(start_ms: i64, slots: u64) -> (WindowSpec, Grid) {
    let length = i64::try_from(HOUR_MS).expect("hour");
    let start_ms = start_ms.div_euclid(length) * length;
    let grid = Grid { origin_ms: start_ms, slot_ms: HOUR_MS };
    (WindowSpec { index: 0, start_ms, length_ms: slots * HOUR_MS, slot_ms: HOUR_MS }, grid)
}

/// A fleet of one model.
pub(crate) fn fleet<'a>(model: &str, keys: impl IntoIterator<Item = &'a str>) -> Fleet {
    let rows: String = keys.into_iter().map(|key| format!("{key},{model},site,area,domain\n")).collect();
    Fleet::parse_csv(&format!("key,model,site,area,domain\n{rows}")).expect("fleet")
}

/// Finishes a window and lets the ledger check every invariant.
pub(crate) fn finish(
    metered: &Metered,
    fleet: &Fleet,
    spec: &WindowSpec,
    jobs: &JobMap,
    upper: UpperRule,
) -> WindowLedger {
    let options = FinishOptions { upper };
    let ledger = metered.partials.finish(fleet, table(), spec, jobs, options).expect("ledger");
    ledger.check(fleet, table()).expect("invariants");
    let chip_time = fleet.len() as u128 * u128::from(spec.length_ms);
    assert_eq!(ledger.totals().milliseconds(), chip_time, "chip time is conserved");
    ledger
}

/// Middle value of a sorted list.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a statistic for print"
    )]
    let at = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[at]
}
