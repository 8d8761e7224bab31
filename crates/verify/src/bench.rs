//! Measuring the verifier on a world of its own making. Nothing here takes part in a verdict.

pub mod world;

use crate::{Bundle, Forgetful, InMemory, Limits, MemorySource, Options, Verdict, judge};
use serde::Serialize;
use standstill_statement::Mode;
use std::time::{Duration, Instant};
use world::{Built, Plan, World};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchPlan {
    /// Labs.
    pub parties: u8,
    /// Windows of one day.
    pub days: u64,
    /// Groups of each fleet; proving time grows with it.
    pub groups: u32,
}

impl Default for BenchPlan {
    /// Ten parties, ninety days, two groups each: 900 reports.
    fn default() -> Self {
        Self { parties: 10, days: 90, groups: 2 }
    }
}

/// What came out. Times are wall-clock milliseconds on all cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BenchResult {
    /// Reports in the bundle.
    pub reports: u64,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// Proving the world, for scale; not part of verification.
    pub build_milliseconds: u64,
    /// Every proof checked.
    pub cold_milliseconds: u64,
    /// Every proof remembered: the pure verdict logic over all reports, reading and hashing included.
    pub warm_milliseconds: u64,
    /// All but the last day remembered: what a new day costs.
    pub new_day_milliseconds: u64,
    /// Rendering the page.
    pub page_milliseconds: u64,
    /// Bytes of the page.
    pub page_bytes: u64,
    /// Largest resident size of this process so far in KiB, 0 where the system does not tell.
    pub peak_rss_kib: u64,
}

/// Builds a world and measures. `progress` hears one line per step.
///
/// # Errors
/// When the world cannot be built, or its honest verdict is not "verified".
pub fn run(plan: &BenchPlan, progress: &mut dyn FnMut(&str)) -> Built<BenchResult> {
    let shape = Plan {
        parties: plan.parties,
        windows: plan.days,
        baseline_windows: (plan.days / 3).max(1),
        groups: plan.groups,
        devices: 8,
        drawn: 1,
        mode: Mode::Sealed,
    };
    progress(&format!("proving {} reports", u64::from(plan.parties) * plan.days));
    let (world, build) = timed(|| World::honest(shape));
    let files = world?.bundle()?;
    let bundle_bytes = files.files.values().map(|bytes| bytes.len() as u64).sum();
    progress("verifying cold");
    let bundle = Bundle::from_source(Box::new(files.clone()), Limits::default())?;
    let (verdict, cold) = timed(|| judge(&bundle, &Options::default(), &Forgetful));
    if verdict.exit_code() != 0 {
        return Err(format!("the honest world is not verified: {}", verdict.sentence).into());
    }
    progress("verifying with all but the last day remembered");
    let memory = InMemory::default();
    let yesterday = Bundle::from_source(Box::new(without_last_day(&bundle, &verdict, files)), Limits::default())?;
    let _ = judge(&yesterday, &Options::default(), &memory);
    let (_, new_day) = timed(|| judge(&bundle, &Options::default(), &memory));
    progress("verifying with everything remembered");
    let (_, warm) = timed(|| judge(&bundle, &Options::default(), &memory));
    let (page, drawn) = timed(|| crate::render::html(&verdict));
    Ok(BenchResult {
        reports: u64::from(plan.parties) * plan.days,
        bundle_bytes,
        build_milliseconds: milliseconds(build),
        cold_milliseconds: milliseconds(cold),
        warm_milliseconds: milliseconds(warm),
        new_day_milliseconds: milliseconds(new_day),
        page_milliseconds: milliseconds(drawn),
        page_bytes: page.len() as u64,
        peak_rss_kib: peak_rss_kib(),
    })
}

/// The bundle without the seals of the last window: its reports cannot be checked, all others can, and are remembered.
fn without_last_day(bundle: &Bundle, verdict: &Verdict, mut files: MemorySource) -> MemorySource {
    let record = crate::record::Record::read(bundle);
    for party in &verdict.parties {
        let last = party.windows.last().and_then(|row| row.entry.as_ref());
        let entry = last.and_then(|last| record.log(&party.party)?.by_hash(&last.statement));
        if let Some(standstill_statement::Body::Report(report)) = entry.map(|entry| &entry.signed.statement.body) {
            files.files.remove(&format!("blobs/{}", report.seal.sha256));
        }
    }
    files
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `VmHWM` of `/proc/self/status`.
fn peak_rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok()).unwrap_or(0)
}
