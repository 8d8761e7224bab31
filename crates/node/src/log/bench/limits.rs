//! What this machine can do at most: hashes, signature checks, syncs. No log that checks and keeps statements can be faster.

use super::BenchOptions;
use super::cpu;
use super::load::Load;
use super::report::BenchReport;
use crate::error::NodeError;
use standstill_statement::verify;
use standstill_tlog::merkle::{leaf_hash, node_hash};
use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long each limit is measured.
const TIME: Duration = Duration::from_millis(700);

/// Measures all limits.
pub(super) fn measure(
    directory: &Path,
    load: &Load,
    options: &BenchOptions,
    report: &mut BenchReport,
) -> Result<(), NodeError> {
    let statements = load.sample(1000);
    let keys = [load.key];
    let mut next = statements.iter().cycle();
    let hashed = rate(&mut || {
        black_box(next.next().map(|bytes| leaf_hash(bytes)));
    });
    report.limit("leaf hashes (one core)", hashed);
    let (left, right) = ([1; 32], [2; 32]);
    report.limit(
        "node hashes (one core)",
        rate(&mut || {
            black_box(node_hash(&left, black_box(&right)));
        }),
    );
    let mut next = statements.iter().cycle();
    let mut check = || {
        black_box(next.next().map(|bytes| verify(bytes, &keys).is_ok()));
    };
    // In processor time too: unlike the time on the clock, it is not longer when other programs run.
    let (before, mut done) = (cpu::of_this_thread(), 0_u32);
    let per_second = rate(&mut || {
        check();
        done += 1;
    });
    let used = cpu::of_this_thread().saturating_sub(before);
    report.checks(per_second, used.as_secs_f64() * 1e6 / f64::from(done.max(1)));
    report.limit("bare strict Ed25519 checks (one core)", rate(&mut bare_checks(load)?));
    report.limit(
        &format!("bare strict Ed25519 checks ({} cores)", options.threads),
        on_all_cores(load, options.threads)?,
    );
    report.limit("syncs of 4 KiB appended (fdatasync)", syncs(directory)?);
    Ok(())
}

/// A check of one signature, nothing else.
fn bare_checks(load: &Load) -> Result<impl FnMut() + use<>, NodeError> {
    let seed = load.key.0;
    let key = standstill_statement::SigningKey::from_seed(seed);
    let (public, message) = (key.public(), [7_u8; 200]);
    let signature = key.sign(&message);
    if !public.verifies(&message, &signature) {
        return Err(NodeError::Broken("a fresh signature does not verify".to_owned()));
    }
    Ok(move || {
        black_box(public.verifies(black_box(&message), &signature));
    })
}

fn on_all_cores(load: &Load, threads: usize) -> Result<f64, NodeError> {
    let checks: Vec<_> = (0..threads).map(|_| bare_checks(load)).collect::<Result<_, _>>()?;
    let total = std::thread::scope(|scope| {
        let running: Vec<_> = checks.into_iter().map(|mut check| scope.spawn(move || rate(&mut check))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    Ok(total)
}

fn syncs(directory: &Path) -> Result<f64, NodeError> {
    let path = directory.join("syncs");
    let mut file = File::create(&path).map_err(NodeError::io("write", path.display()))?;
    let mut failed = None;
    let per_second = rate(&mut || {
        let written = file.write_all(&[0; 4096]).and_then(|()| file.sync_data());
        failed = failed.take().or(written.err());
    });
    let _ = std::fs::remove_file(&path);
    failed.map_or(Ok(per_second), |error| Err(NodeError::io("sync", path.display())(error)))
}

/// How often per second something can be done.
fn rate(work: &mut dyn FnMut()) -> f64 {
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < TIME {
        for _ in 0..16 {
            work();
        }
        done = done.saturating_add(16);
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}
