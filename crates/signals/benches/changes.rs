//! The walk beside `git log --numstat` on the same repository, in one run: processor time and wall time, first walk and warm update.
//!
//! `cargo bench -p standstill-signals --bench changes`. `STANDSTILL_BENCH_REPO=PATH` measures a repository of yours; otherwise one is made by
//! `git fast-import` from a fixed generator (`STANDSTILL_BENCH_COMMITS`, 6,000 by default). Processor time is the kernel's account of this process and
//! of its children (`/proc/self/stat`, the same account as getrusage, in hundredths of a second), so that other load on the machine
//! moves the wall times more than the processor times. The load is printed.
#![allow(clippy::unwrap_used, missing_docs)]

use standstill_signals::changes::walk::{self, Options, Walked};
use standstill_signals::changes::{ClassTable, Identities, Inputs, Method, recompute};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs of each; the best counts.
const ROUNDS: usize = 5;

/// Processor seconds of this process and of its ended children.
fn cpu() -> (f64, f64) {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> =
        text[text.rfind(')').unwrap() + 2..].split(' ').map(|word| word.trim().parse().unwrap_or(0.0)).collect();
    ((fields[11] + fields[12]) / 100.0, (fields[13] + fields[14]) / 100.0)
}

#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu: f64,
    wall: f64,
}

impl Cost {
    const NONE: Self = Self { cpu: f64::INFINITY, wall: f64::INFINITY };

    fn best(self, other: Self) -> Self {
        Self { cpu: self.cpu.min(other.cpu), wall: self.wall.min(other.wall) }
    }
}

fn measured<T>(of_children: bool, work: impl FnOnce() -> T) -> (Cost, T) {
    let (before, start) = (cpu(), Instant::now());
    let out = work();
    let (wall, after) = (start.elapsed().as_secs_f64(), cpu());
    let spent = if of_children { after.1 - before.1 } else { after.0 - before.0 };
    (Cost { cpu: spent, wall }, out)
}

fn git(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("HOME", dir);
    command
}

/// Added and removed lines of the whole history.
fn numstat(dir: &Path) -> (u64, u64) {
    let out = git(dir, &["log", "--numstat", "--no-renames", "--format="]).output().unwrap();
    assert!(out.status.success());
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().fold((0, 0), |(added, deleted), line| {
        let mut words = line.split('\t').map(|word| word.parse::<u64>().unwrap_or(0));
        (added + words.next().unwrap_or(0), deleted + words.next().unwrap_or(0))
    })
}

struct Tables {
    identities: Identities,
    classes: ClassTable,
    method: Method,
}

fn walk_it(dir: &Path, tables: &Tables, threads: usize, cache: Option<&Path>) -> Walked {
    let options = Options {
        identities: &tables.identities,
        classes: &tables.classes,
        method: &tables.method,
        head: None,
        threads,
        cache,
        traces: None,
        envelopes: &[],
        progress: &|_, _| {},
    };
    walk::walk(dir, &options).unwrap()
}

/// A linear congruential generator (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn line(&mut self) -> String {
        const WORDS: [&str; 16] = [
            "let", "value", "return", "self", "if", "else", "for", "match", "result", "index", "length", "buffer",
            "error", "state", "node", "}",
        ];
        let mut out = "    ".repeat(self.below(4));
        for _ in 0..1 + self.below(7) {
            out.push_str(WORDS[self.below(WORDS.len())]);
            out.push_str(&format!("{} ", self.below(90)));
        }
        out.push('\n');
        out
    }
}

/// Edits of a file: a few lines here and there, at times a large part.
fn edit(random: &mut Random, file: &mut Vec<String>) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(file.len() + 1);
        let large = random.below(40) == 0;
        let gone = random.below(if large { 200 } else { 5 }).min(file.len() - at);
        let new: Vec<String> = (0..random.below(if large { 220 } else { 7 })).map(|_| random.line()).collect();
        file.splice(at..at + gone, new);
    }
}

/// A history made by `git fast-import`, then packed as a server would.
fn synthetic(dir: &Path, commits: usize) {
    assert!(git(dir, &["init", "-q", "-b", "main"]).status().unwrap().success());
    let mut import = git(dir, &["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufWriter::new(import.stdin.take().unwrap());
    let mut random = Random(7);
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for number in 0..commits {
        let author = if random.below(3) == 0 { "Claude <noreply@anthropic.com>" } else { "Ada <ada@example.org>" };
        let date = 1_600_000_000 + number * 9_000;
        let message = format!("Change {number}\n");
        write!(
            out,
            "commit refs/heads/main\nauthor {author} {date} +0000\ncommitter {author} {date} +0000\ndata {}\n{message}",
            message.len()
        )
        .unwrap();
        let grow = files.len() < 40 || random.below(12) == 0;
        if grow {
            let path = format!("src/part{}/m{}/f{}.rs", files.len() % 9, files.len() % 31, files.len());
            let lines = (0..20 + random.below(700)).map(|_| random.line()).collect();
            files.push((path, lines));
        }
        let mut touched: Vec<usize> = (0..1 + random.below(4)).map(|_| random.below(files.len())).collect();
        touched.extend(grow.then(|| files.len() - 1));
        touched.sort_unstable();
        touched.dedup();
        for at in touched {
            let (path, file) = &mut files[at];
            edit(&mut random, file);
            let text = file.concat();
            write!(out, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
        }
    }
    drop(out);
    assert!(import.wait().unwrap().success());
    // An import's own differences run across files in the order of the stream, and `git gc` would keep them. STANDSTILL_BENCH_PACK=import does.
    let pack: &[&str] = match std::env::var("STANDSTILL_BENCH_PACK").as_deref() {
        Ok("import") => &["gc", "-q"],
        _ => &["repack", "-a", "-d", "-f", "-q"],
    };
    assert!(git(dir, pack).status().unwrap().success());
    assert!(git(dir, &["reset", "-q", "--hard"]).status().unwrap().success());
}

fn row(name: &str, cost: Cost, base: Cost) {
    println!(
        "{name:<46} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
        cost.cpu,
        cost.wall,
        cost.cpu / base.cpu,
        base.wall / cost.wall
    );
}

fn main() {
    if !Path::new("/proc/self/stat").exists() {
        println!("skipped: processor time is read from /proc, which this system does not have");
        return;
    }
    let made = tempfile::tempdir().unwrap();
    let repo: PathBuf = match std::env::var_os("STANDSTILL_BENCH_REPO") {
        Some(path) => path.into(),
        None => {
            let commits =
                std::env::var("STANDSTILL_BENCH_COMMITS").ok().and_then(|text| text.parse().ok()).unwrap_or(6_000);
            synthetic(made.path(), commits);
            made.path().to_owned()
        }
    };
    let (identities, classes) = (Identities::builtin().unwrap(), ClassTable::builtin().unwrap());
    let method = walk::bind(&Method::default(), &classes, &identities);
    let tables = Tables { identities, classes, method };
    let mut costs = [Cost::NONE; 3];
    let (mut sums, mut walked) = ((0, 0), None);
    for _ in 0..ROUNDS {
        let (cost, found) = measured(true, || numstat(&repo));
        (costs[0], sums) = (costs[0].best(cost), found);
        for (at, threads) in [(1, 1), (2, 2)] {
            let (cost, found) = measured(false, || walk_it(&repo, &tables, threads, None));
            costs[at] = costs[at].best(cost);
            walked = Some(found);
        }
    }
    let walked = walked.unwrap();
    println!("load: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    let lines = walked.table.rows.iter().map(standstill_signals::changes::table::Row::lines);
    let own = lines.fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    println!(
        "{} commits, {} lines added, {} removed (git: {}, {})",
        walked.table.rows.len(),
        own.0,
        own.1,
        sums.0,
        sums.1
    );
    println!("difference of added lines {:.4} %", (own.0 as f64 - sums.0 as f64).abs() * 100.0 / sums.0.max(1) as f64);
    println!(
        "best of {ROUNDS}; processor and wall seconds, processor time as a multiple of git's, times as fast in wall time"
    );
    row("git log --numstat --no-renames", costs[0], costs[0]);
    row("standstill, first walk, 1 thread", costs[1], costs[0]);
    row("standstill, first walk, 2 threads", costs[2], costs[0]);
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("not known").trim();
    println!("peak memory of the first walks: {peak}");
    let cache = tempfile::tempdir().unwrap();
    walk_it(&repo, &tables, 2, Some(cache.path()));
    let mut warm = Cost::NONE;
    let mut record = Cost::NONE;
    for _ in 0..ROUNDS {
        let (cost, walked) = measured(false, || walk_it(&repo, &tables, 2, Some(cache.path())));
        assert_eq!(walked.counted, 0);
        warm = warm.best(cost);
        let table = walked.table.to_bytes().unwrap();
        let inputs = Inputs { method: tables.method.clone(), table, runs: None };
        record = record.best(measured(false, || recompute(&inputs).unwrap()).0);
    }
    row("warm update, nothing new", warm, costs[0]);
    row("record computed again from the table", record, costs[0]);
}
