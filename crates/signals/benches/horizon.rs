//! Speed of the bootstrap at the size of TH1.1, beside a Python reference.
//!
//! `cargo bench -p standstill-signals --bench horizon [-- RESAMPLES]`
//!
//! Prints the machine, the sizes, CPU seconds per 1,000 resamples on one thread, and wall time on all cores. When `python3` (or the
//! interpreter named by STANDSTILL_PYTHON) has NumPy and scikit-learn, `horizon_reference.py` draws and fits the first resamples of
//! the same file with the same seeds, so that time and results stand side by side. Linux only: CPU time comes from /proc.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot run says where")]

use standstill_signals::horizon::bootstrap::{Resamples, Source, resample};
use standstill_signals::horizon::fit::{Fit, fit, observations};
use standstill_signals::horizon::method::{Method, Treatment};
use standstill_signals::horizon::results::Results;
use standstill_signals::horizon::suite::Suite;
use std::io::Write as _;
use std::time::Instant;

const AGENTS: u32 = 20;
const TASKS: u32 = 228;
const FAMILIES: u32 = 79;
const RUNS: u32 = 5;
const LAMBDA: f64 = 1e-5;
/// Resamples of the reference; it needs minutes for 1,000.
const REFERENCE_RESAMPLES: u32 = 20;

/// A mixing step of SplitMix64: noise that is the same everywhere.
fn noise(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
}

/// Run-level rows: lengths from 2 seconds to 30 hours, horizons of the agents from seconds to a day.
fn rows() -> String {
    let mut text = String::new();
    for task in 0..TASKS {
        let log2_minutes = -5.0 + 15.8 * noise(u64::from(task) + 1);
        let family = task % FAMILIES;
        for agent in 0..AGENTS {
            let edge = -3.0 + 12.0 * f64::from(agent) / f64::from(AGENTS - 1);
            let rate = 1.0 / (1.0 + (0.5 * (log2_minutes - edge)).exp());
            for run in 0..RUNS {
                let seed = u64::from(task * AGENTS * RUNS + agent * RUNS + run) + 1_000;
                let success = u8::from(noise(seed) < rate);
                text += &format!(
                    "{{\"run_id\":\"{seed}\",\"task_id\":\"f{family:02}/t{task:03}\",\"task_family\":\"f{family:02}\",\"alias\":\"agent {agent:02}\",\"human_minutes\":{:.6},\"score_binarized\":{success}}}\n",
                    log2_minutes.exp2()
                );
            }
        }
    }
    text
}

/// CPU seconds of this thread so far.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse::<f64>().ok()).map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown CPU", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "standstill {}, {cores} cores, {model}, load {}",
        env!("CARGO_PKG_VERSION"),
        load.split(' ').next().unwrap_or("?")
    )
}

fn main() {
    let count = std::env::args().skip(1).find_map(|word| word.parse::<usize>().ok()).unwrap_or(2_000);
    println!("{}", machine());
    let text = rows();
    let mut results = Results::default();
    let start = Instant::now();
    results.read_runs("synthetic", text.as_bytes()).unwrap();
    let suite = Suite::build(&results, &Method::default(), Treatment::AsScored).unwrap();
    println!(
        "{} runs, {} agents, {} tasks, {} families; read and weighed in {:.3} s ({:.1} MB)",
        suite.runs(),
        suite.agents.len(),
        suite.tasks.len(),
        suite.families.len(),
        start.elapsed().as_secs_f64(),
        text.len() as f64 / 1e6
    );
    let fits: Vec<Fit> = (0..suite.agents.len()).map(|agent| fit(&observations(&suite, agent), LAMBDA)).collect();
    let mut mine = None;
    for (name, source) in
        [("NumPy's generator", Source::Numpy { seed: 42 }), ("ChaCha12 from a beacon", Source::Beacon { key: [7; 32] })]
    {
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let before = cpu_seconds();
            let resamples = resample(&suite, &fits, LAMBDA, source, count, 1, &|_| {});
            best = best.min((cpu_seconds() - before) * 1_000.0 / count as f64);
            mine.get_or_insert(resamples);
        }
        let start = Instant::now();
        let _ = resample(&suite, &fits, LAMBDA, source, count, 0, &|_| {});
        println!(
            "{name}: {best:.3} CPU s per 1,000 resamples on one thread (best of 3 x {count}; bar 1.000), {:.3} s wall on all cores",
            start.elapsed().as_secs_f64() * 1_000.0 / count as f64
        );
        if best > 1.0 {
            println!("  OVER THE BAR");
        }
    }
    if let Some(mine) = mine {
        reference(&text, &suite, &mine);
    }
}

/// Runs the reference on the same rows and seeds, and compares every horizon.
fn reference(text: &str, suite: &Suite, mine: &Resamples) {
    let python = std::env::var("STANDSTILL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/horizon_reference.py");
    let path = std::env::temp_dir().join(format!("standstill-bench-horizon-{}.jsonl", std::process::id()));
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        println!("skipped: the reference, cannot write {}: {error}", path.display());
        return;
    }
    let output = std::process::Command::new(&python)
        .arg(script)
        .arg(&path)
        .arg(REFERENCE_RESAMPLES.to_string())
        .env("OMP_NUM_THREADS", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .output();
    let _ = std::fs::remove_file(&path);
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            println!("skipped: the reference, {python} says: {}", why.lines().last().unwrap_or("nothing"));
            return;
        }
        Err(error) => {
            println!("skipped: the reference, cannot start {python}: {error}");
            return;
        }
    };
    let (mut distances, mut missing) = (Vec::new(), 0);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[resample, alias, p50] = fields.as_slice() else {
            println!("{line}");
            continue;
        };
        let agent = suite.agents.iter().position(|known| known == alias).unwrap();
        let (theirs, mine) = (p50.parse::<f64>().unwrap(), mine.horizon_minutes(resample.parse().unwrap(), agent, 50));
        if theirs.is_nan() != mine.is_nan() {
            missing += 1;
        } else if !mine.is_nan() {
            distances.push((mine / theirs).ln().abs());
        }
    }
    distances.sort_by(f64::total_cmp);
    println!(
        "  same resamples: {} horizons, |dlog p50| median {:.1e}, largest {:.1e}; missing values differ {missing} times",
        distances.len(),
        distances.get(distances.len() / 2).unwrap_or(&f64::NAN),
        distances.last().unwrap_or(&f64::NAN)
    );
}
