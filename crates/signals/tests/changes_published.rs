//! Published month tables of AI changes, against local clones.
//!
//! `STANDSTILL_CLONES` names a folder with clones called `owner+name`, as the tables are; each must have the commit of `pins.txt`. Without it, and for
//! each clone that is absent, a line `skipped:` is printed.
#![cfg(feature = "git")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod changes_fixture;
mod shared_data;

use changes_fixture::Walk;
use standstill_signals::changes::identity::Identities;
use standstill_signals::changes::{Method, Record};
use std::path::PathBuf;

/// Line totals may differ by so many parts in 100,000.
const TOLERANCE: u64 = 150;

fn clones() -> Option<PathBuf> {
    let found = std::env::var_os("STANDSTILL_CLONES").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: STANDSTILL_CLONES names no folder with clones");
    }
    found
}

fn pins(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().unwrap().replace('/', "+"), words.next().unwrap())
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(pair).collect()
}

/// The classifier of the tables: trailer, author and marker; its authors leave out aider's mark, and committers do not count.
fn marks() -> String {
    let text = Identities::builtin_text();
    let (before, after) = text.split_once("id = \"aider\"").unwrap();
    let (_, rest) = after.split_once("\n\n").unwrap();
    format!("{before}id = \"aider\"\nnames = [\"aider\", \"aider (*\"]\nemails = [\"*@aider.chat\"]\n\n{rest}")
}

fn near(name: &str, found: u64, wanted: u64) {
    let most = wanted * TOLERANCE / 100_000 + 1;
    assert!(found.abs_diff(wanted) <= most, "{name}: {found} lines, the table has {wanted}");
}

/// Differences to a table, as words; months and commits must fit exactly, lines nearly.
fn compare(record: &Record, csv: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut sums = [[0u64; 2]; 4];
    let mut rows = 0;
    for line in csv.lines().skip(1) {
        let words: Vec<&str> = line.split(',').collect();
        let wanted: Vec<u64> = words[1..].iter().map(|word| word.parse().unwrap()).collect();
        let Some(month) = record.months.iter().find(|month| month.month.to_string() == words[0]) else {
            out.push(format!("{}: no such month", words[0]));
            continue;
        };
        rows += 1;
        let all = &month.all;
        let counts = [all.commits, all.ai_commits, all.by_source[0], all.by_source[1], all.by_source[3]];
        if counts != wanted[..5] {
            out.push(format!("{}: {counts:?}, the table has {:?}", words[0], &wanted[..5]));
        }
        for (sum, (found, wanted)) in sums
            .iter_mut()
            .zip([all.added, all.ai_added, all.deleted, all.ai_deleted].into_iter().zip(wanted[5..].iter().copied()))
        {
            sum[0] += found;
            sum[1] += wanted;
        }
    }
    if rows != record.months.iter().filter(|month| month.all.commits > 0).count() {
        out.push("the history has months that the table lacks".to_owned());
    }
    for (name, [found, wanted]) in ["added", "AI added", "deleted", "AI deleted"].into_iter().zip(sums) {
        near(name, found, wanted);
    }
    out
}

#[test]
fn month_tables_of_pinned_repositories() {
    let text =
        |name: &str| shared_data::data(&format!("changes/{name}")).map(|bytes| String::from_utf8(bytes).unwrap());
    let (Some(list), Some(clones)) = (text("pins.txt"), clones()) else { return };
    for (name, pin) in pins(&list) {
        let clone = clones.join(&name);
        if !clone.exists() {
            println!("skipped: no clone {name}");
            continue;
        }
        let walk =
            Walk { method: Method::default(), marks: Some(marks()), threads: 0, head: Some(pin), ..Walk::default() };
        let record = walk.record(&clone);
        let attested = &record.attestations;
        println!("{name}: {} attested lines, {} inside the diff", attested.claimed_lines, attested.inside_lines);
        let Some(csv) = text(&format!("{name}.csv")) else { continue };
        let differences = compare(&record, &csv);
        assert!(differences.is_empty(), "{name}: {differences:#?}");
    }
}

/// The comparison itself, on a history made here: it accepts the right table and names each wrong figure.
#[test]
fn the_comparison_can_fail() {
    let mut repo = changes_fixture::Repo::new();
    repo.write("a", "1\n2\n");
    repo.commit(changes_fixture::ADA, "Add\n\nCo-authored-by: Claude <noreply@anthropic.com>");
    repo.write("a", "1\n");
    repo.commit(("Ada (aider)", "ada@example.org"), "Remove");
    let record = Walk { marks: Some(marks()), ..Walk::default() }.record(repo.path());
    let head = "month,commits,ai_commits,trailer,author,marker,added,ai_added,deleted,ai_deleted\n";
    assert_eq!(compare(&record, &format!("{head}2025-01,2,1,1,0,0,2,2,1,0\n")), Vec::<String>::new());
    assert_eq!(compare(&record, &format!("{head}2025-01,2,1,0,1,0,2,2,1,0\n")).len(), 1);
    assert_eq!(compare(&record, head), ["the history has months that the table lacks"]);
}
