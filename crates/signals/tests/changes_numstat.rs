//! Line counts per commit beside `git log --numstat`, on generated histories of the files on which diff programs differ: lock files, tables of
//! few different lines, files rewritten in large parts.
//!
//! `STANDSTILL_NUMSTAT_REPO=PATH` compares a repository of yours as well.
#![cfg(feature = "git")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod changes_fixture;

use changes_fixture::{Counts, Walk, counted, git_in, numstat};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn has_git() -> bool {
    let found =
        Command::new("git").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        println!("skipped: there is no git program to compare with");
    }
    found
}

fn walked(path: &Path) -> Counts {
    counted(&Walk { threads: 2, ..Walk::default() }.run(path).0.table)
}

/// Commits that differ, worst first, and the totals: (ours, git's), added and removed.
fn compare(path: &Path) -> (Vec<String>, [(u64, u64); 2]) {
    let (ours, theirs) = (walked(path), numstat(path, &[], &["--no-renames"]));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let mut different = Vec::new();
    let mut totals = [(0, 0); 2];
    for (id, own) in &ours {
        let git = theirs[id];
        assert_eq!(i128::from(own.0) - i128::from(own.1), i128::from(git.0) - i128::from(git.1), "{id}");
        totals[0] = (totals[0].0 + own.0, totals[0].1 + git.0);
        totals[1] = (totals[1].0 + own.1, totals[1].1 + git.1);
        if *own != git {
            different.push((own.0.abs_diff(git.0), format!("{id}: {own:?} here, {git:?} in git")));
        }
    }
    different.sort_by(|a, b| b.cmp(a));
    (different.into_iter().map(|(_, text)| text).collect(), totals)
}

/// A linear congruential generator (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// A package of a lock file: equal lines everywhere, and some that are new with each version.
fn package(random: &mut Random, name: usize) -> Vec<String> {
    let version = random.below(30);
    let mut out = vec![
        "[[package]]\n".to_owned(),
        format!("name = \"crate-{name}\"\n"),
        format!("version = \"1.{version}.{}\"\n", random.below(4)),
        "source = \"registry+https://example.org/index\"\n".to_owned(),
        format!("checksum = \"{:016x}{:016x}\"\n", random.0, random.0.rotate_left(17)),
    ];
    let dependencies = random.below(9);
    if dependencies > 0 {
        out.push("dependencies = [\n".to_owned());
        let mut names: Vec<usize> = (0..dependencies).map(|_| random.below(400)).collect();
        names.sort_unstable();
        out.extend(names.into_iter().map(|name| format!(" \"crate-{name}\",\n")));
        out.push("]\n".to_owned());
    }
    out.push("\n".to_owned());
    out
}

/// A file as blocks of lines.
type File = Vec<Vec<String>>;

fn block(random: &mut Random, kind: usize) -> Vec<String> {
    match kind {
        0 => {
            let name = random.below(400);
            package(random, name)
        }
        // Functions: braces and empty lines between lines that are new.
        1 => {
            let mut out = vec![format!("fn f{}() {{\n", random.below(2_000))];
            out.extend((0..1 + random.below(14)).map(|_| format!("    call({});\n", random.below(3_000))));
            out.extend(["}\n".to_owned(), "\n".to_owned()]);
            out
        }
        // Few different lines.
        2 => (0..1 + random.below(20)).map(|_| format!("{}\n", random.below(7))).collect(),
        // Separators between lines that are new: long passages at the edge of the rule for frequent lines.
        3 => {
            let share = 2 + random.below(4);
            let mut line = |_| match random.below(share) {
                0 => "---\n".to_owned(),
                _ => format!("{}\n", random.below(1 << 30)),
            };
            (0..1 + share * 50).map(&mut line).collect()
        }
        // A large table: here searches stop at promising points before they stop for their length.
        4 => (0..1 + random.below(60)).map(|_| format!("{}\n", random.below(4_000))).collect(),
        // All lines different, with line ends of both kinds.
        _ => (0..1 + random.below(30)).map(|_| format!("{}\r\n", random.below(1 << 30))).collect(),
    }
}

/// Changes from a word to nearly everything.
fn edit(random: &mut Random, file: &mut File, kind: usize) {
    let size = match if kind == 4 { random.below(3) } else { random.below(8) } {
        0 => file.len() / 2,
        1 => file.len() / 6,
        _ => 1 + random.below(4),
    };
    for _ in 0..size {
        let at = random.below(file.len());
        match random.below(5) {
            0 if !file.is_empty() => drop(file.remove(at)),
            1 | 2 => file.insert(at, block(random, kind)),
            3 if !file.is_empty() => {
                let to = random.below(file.len());
                file.swap(at, to);
            }
            _ if !file.is_empty() => {
                let line = random.below(file[at].len());
                if let Some(line) = file[at].get_mut(line) {
                    *line = format!("changed {}\n", random.below(50));
                }
            }
            _ => {}
        }
    }
}

fn import(dir: &Path, seed: u64, commits: usize) {
    git_in(dir, &["init", "-q", "-b", "main"], &[]);
    let mut import = Command::new("git");
    import.args(["fast-import", "--quiet"]).current_dir(dir).env("GIT_CONFIG_NOSYSTEM", "1");
    let mut import =
        import.env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", dir).stdin(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufWriter::new(import.stdin.take().unwrap());
    let mut random = Random(seed);
    let names = ["Cargo.lock", "src/lib.rs", "table.txt", "data/passages.txt", "data/large.txt", "data/numbers.txt"];
    let sizes = [160, 300, 400, 20, 1_500, 120];
    let mut files: Vec<File> =
        sizes.iter().enumerate().map(|(kind, size)| (0..*size).map(|_| block(&mut random, kind)).collect()).collect();
    for number in 0..commits {
        let date = 1_600_000_000 + number * 9_000;
        let who = format!("Ada <ada@example.org> {date} +0000");
        write!(out, "commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata 2\nx\n").unwrap();
        for (kind, name) in names.iter().enumerate() {
            let rarely = if kind == 4 { 8 } else { 2 };
            if number > 0 && random.below(rarely) > 0 {
                continue;
            }
            if number > 0 {
                edit(&mut random, &mut files[kind], kind);
            }
            let mut text = files[kind].concat().concat();
            if random.below(10) == 0 {
                text.pop();
            }
            write!(out, "M 100644 inline {name}\ndata {}\n{text}\n", text.len()).unwrap();
        }
    }
    drop(out);
    assert!(import.wait().unwrap().success());
}

#[test]
fn lines_of_generated_histories_are_those_of_git() {
    if !has_git() {
        return;
    }
    let mut large = 0;
    for seed in 1..=5 {
        let dir = tempfile::tempdir().unwrap();
        import(dir.path(), seed, 40);
        let (different, totals) = compare(dir.path());
        assert!(different.is_empty(), "seed {seed}: {different:#?}");
        large += u64::from(totals[0].1 > 50_000);
    }
    // The histories are large enough that git cuts its searches short; see `search.rs`.
    assert_eq!(large, 5);
}

#[test]
fn lines_of_a_given_repository_are_those_of_git() {
    let Some(path) = std::env::var_os("STANDSTILL_NUMSTAT_REPO") else {
        println!("skipped: STANDSTILL_NUMSTAT_REPO names no repository");
        return;
    };
    let (different, [added, removed]) = compare(Path::new(&path));
    println!("added {} here, {} in git; removed {}, {}", added.0, added.1, removed.0, removed.1);
    println!("{} commits differ: {:#?}", different.len(), &different[..different.len().min(10)]);
    // Attributes in the working tree change what git counts, and are not read here.
    assert!(added.0.abs_diff(added.1) * 10_000 <= added.1 * 15);
    assert!(removed.0.abs_diff(removed.1) * 10_000 <= removed.1 * 15);
}
