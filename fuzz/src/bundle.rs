//! Whole bundles: an honest world of two labs with one file replaced. The verdict may lose what it can no longer see, but it must
//! never accuse: nobody holds the keys to make a signed violation.
//!
//! Input: two bytes that pick a file (in sorted order), then its new content. Empty content removes the file.

use standstill_statement::Mode;
use standstill_verify::bench::world::{Plan, World};
use standstill_verify::{Bundle, InMemory, Limits, MemorySource, Options, Outcome, explain, judge, render};
use std::sync::OnceLock;

/// The honest bundle that everything starts from.
pub fn honest() -> &'static MemorySource {
    static WORLD: OnceLock<MemorySource> = OnceLock::new();
    WORLD.get_or_init(|| {
        let plan =
            Plan { parties: 2, windows: 3, baseline_windows: 1, groups: 1, devices: 2, drawn: 1, mode: Mode::Sealed };
        World::honest(plan).and_then(|world| world.bundle()).expect("an honest world")
    })
}

/// Proofs that were checked once are remembered, as a verifier does.
fn memory() -> &'static InMemory {
    static MEMORY: OnceLock<InMemory> = OnceLock::new();
    MEMORY.get_or_init(InMemory::default)
}

/// Judges the changed bundle.
pub fn verify(input: &[u8]) -> bool {
    let Some((pick, content)) = input.split_first_chunk::<2>() else { return false };
    let mut files = honest().clone();
    let index = usize::from(u16::from_be_bytes(*pick)) % files.files.len();
    let path = files.files.keys().nth(index).cloned().unwrap_or_default();
    if content.is_empty() {
        files.files.remove(&path);
    } else {
        files.files.insert(path.clone(), content.to_vec());
    }
    let Ok(bundle) = Bundle::from_source(Box::new(files), Limits::default()) else { return false };
    let verdict = judge(&bundle, &Options::default(), memory());
    let accused = matches!(verdict.outcome, Outcome::Violated | Outcome::ForkSeen);
    assert!(!accused || path == "agreement.toml", "a changed {path} accuses: {}", verdict.sentence);
    let _ = render::text(&verdict);
    let _ = explain(&verdict, "1A");
    verdict.outcome == Outcome::Verified
}

/// Every file of the honest bundle, picked and unchanged.
pub fn seeds() -> Vec<Vec<u8>> {
    let with_pick =
        |(index, content): (usize, &Vec<u8>)| [&u16::try_from(index).unwrap_or(0).to_be_bytes()[..], content].concat();
    honest().files.values().enumerate().map(with_pick).collect()
}
