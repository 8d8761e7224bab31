#![allow(clippy::unwrap_used)]

use super::*;
use crate::changes::method::{CommitLines, Unattributed};
use crate::changes::table::tests::{history, row};
use crate::changes::table::{Cell, Mark, Row, Source, Table};
use proptest::prelude::*;

fn made(method: &Method, rows: impl IntoIterator<Item = Row>) -> Inputs {
    let mut table = history(rows);
    table.header.method_hash = hex::encode(method.hash().unwrap());
    Inputs { method: method.clone(), table: table.to_bytes().unwrap(), runs: None }
}

/// Commits 0 to 9, of which 2 have a trailer, 1 an AI author, and 1 a note with half of its lines.
fn sample() -> Vec<Row> {
    (0..10)
        .map(|n| {
            let mut row = row(n, 100);
            match n {
                3 | 4 => row.sources = vec![Source::Trailer],
                5 => (row.author, row.sources) = (2, vec![Source::Author]),
                6 => (row.sources, row.cells[0].ai) = (vec![Source::Note], 50),
                _ => {}
            }
            row
        })
        .collect()
}

#[test]
fn bounds_of_a_small_history() {
    let record = recompute(&made(&Method::default(), sample())).unwrap();
    assert_eq!((record.all.commits, record.all.ai_commits, record.all.unattributed_commits), (10, 4, 6));
    assert_eq!(record.all.by_source, [2, 1, 0, 0, 1, 0]);
    let share = record.share().unwrap();
    assert_eq!((share.low_millionths, share.high_millionths), (350_000, 1_000_000));
    let led = record.all.led_share().unwrap();
    assert_eq!((led.low_millionths, led.high_millionths), (100_000, 1_000_000));
    assert_eq!(record.classes.len(), 1);
    assert_eq!(record.months.iter().map(|month| month.all.commits).sum::<u64>(), 10);
    assert!(record.remarks.iter().any(|remark| remark.kind == "no-runs"));
    let person =
        Method { unattributed: Unattributed::Person, commit_lines: CommitLines::Attested, ..Method::default() };
    let share = recompute(&made(&person, sample())).unwrap().share().unwrap();
    assert_eq!((share.low_millionths, share.high_millionths), (50_000, 350_000));
    let strict = Method { families: 2, share_of: ShareOf::Commits, ..Method::default() };
    assert_eq!(recompute(&made(&strict, sample())).unwrap().share().unwrap().low_millionths, 0);
}

#[test]
fn a_published_record_is_computed_again() {
    let inputs = made(&Method::default(), sample());
    let record = recompute(&inputs).unwrap();
    let bytes = record.to_bytes().unwrap();
    assert_eq!(recheck(&bytes, &[&inputs.table]).unwrap(), record);
    let Reading::Value(measured) = record.reading("ai_authored_share").unwrap() else { unreachable!() };
    assert_eq!(
        (measured.estimate, measured.interval.unwrap().high),
        (Decimal::millionths(350_000), Decimal::millionths(1_000_000))
    );
    assert!(record.reading("rd_speedup").is_none());

    for (from, to, part) in [
        ("\"low-millionths\": 350000", "\"low-millionths\": 100000", "metrics"),
        ("\"ai-commits\": 4", "\"ai-commits\": 1", "totals"),
        ("\"unattributed\": \"ai\"", "\"unattributed\": \"person\"", "method"),
    ] {
        let forged = String::from_utf8(bytes.clone()).unwrap().replacen(from, to, 1);
        let error = recheck(forged.as_bytes(), &[&inputs.table]).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    let other = made(&Method::default(), sample().into_iter().take(9));
    assert!(recheck(&bytes, &[&other.table]).unwrap_err().to_string().contains("not the one"));
    assert!(recheck(&bytes, &[]).unwrap_err().to_string().contains("names 1 inputs"));
}

#[test]
fn generated_lines_count_only_when_the_method_says_so() {
    let rows = || {
        let mut row = row(0, 100);
        row.cells.push(Cell { generated: true, added: 900, ..row.cells[0] });
        [row]
    };
    let lean = recompute(&made(&Method::default(), rows())).unwrap();
    assert_eq!((lean.all.added, lean.all.counted_lines, lean.all.commits), (1_000, 100, 1));
    assert_eq!(lean.classes[0].1.commits, 1, "one commit with two cells of a class counts once");
    let all = Method { count_generated: true, ..Method::default() };
    assert_eq!(recompute(&made(&all, rows())).unwrap().all.counted_lines, 1_000);
}

#[test]
fn a_missing_object_leaves_the_metric_open() {
    let method = Method::default();
    let mut rows = sample();
    rows[2].cells.clear();
    rows[2].marks = vec![Mark::Incomplete];
    let mut table = history(rows);
    table.header.method_hash = hex::encode(method.hash().unwrap());
    let needed_by = table.rows[2].id.clone();
    table.header.missing = vec![Missing { id: "00".repeat(20), kind: crate::changes::table::Kind::Blob, needed_by }];
    let record = recompute(&Inputs { method, table: table.to_bytes().unwrap(), runs: None }).unwrap();
    assert!(!record.is_complete());
    assert_eq!(
        record.reading("ai_authored_share"),
        Some(Reading::Indeterminate(Name::new("incomplete-history").unwrap()))
    );
}

#[test]
fn shifted_dates_are_remarked() {
    let mut rows = sample();
    rows[3].authored += 86_400 * 30;
    let record = recompute(&made(&Method::default(), rows)).unwrap();
    assert!(record.remarks.iter().any(|remark| remark.kind == "dates" && remark.text.starts_with("1 commits")));
    // A child that is a month older than its parent stands before it in the table.
    let mut rows = sample();
    rows[9].committed -= 86_400 * 30;
    rows.rotate_right(1);
    let mut table = history(rows);
    table.header.head.clone_from(&table.rows[0].id);
    table.header.method_hash = hex::encode(Method::default().hash().unwrap());
    let inputs = Inputs { method: Method::default(), table: table.to_bytes().unwrap(), runs: None };
    assert!(recompute(&inputs).unwrap().remarks.iter().any(|remark| remark.kind == "dates"));
}

#[test]
fn only_months_that_count_are_summed() {
    let method = Method { since: Some("2030-01".parse().unwrap()), ..Method::default() };
    let record = recompute(&made(&method, sample())).unwrap();
    assert_eq!((record.all.commits, record.history.outside), (0, 10));
    assert_eq!(record.reading("ai_led_share"), Some(Reading::Indeterminate(Name::new("no-changes").unwrap())));
}

#[test]
fn a_table_of_another_method_is_refused() {
    let mut inputs = made(&Method::default(), sample());
    inputs.method.families = 2;
    assert!(recompute(&inputs).unwrap_err().to_string().contains("not under"));
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec((0u64..60, 0u64..60, 0u32..3, proptest::bool::ANY, proptest::bool::ANY), 1..12).prop_map(
        |list| {
            let number = |(n, (added, ai, author, trailer, reviewed)): (usize, (u64, u64, u32, bool, bool))| {
                let mut row = row(n, added);
                row.author = author;
                row.cells[0].ai = ai.min(added);
                if trailer {
                    row.sources.push(Source::Trailer);
                }
                if author == 2 {
                    row.sources.push(Source::Author);
                }
                if row.cells[0].ai > 0 {
                    row.sources.push(Source::Note);
                }
                if reviewed {
                    row.reviewers.push(1);
                }
                row
            };
            list.into_iter().enumerate().map(number).collect()
        },
    )
}

proptest! {
    #[test]
    fn parts_add_up_and_bounds_hold(rows in rows()) {
        let record = recompute(&made(&Method::default(), rows)).unwrap();
        let all = &record.all;
        prop_assert!(all.low_commits <= all.high_commits && all.high_commits <= all.commits);
        prop_assert!(all.low_lines <= all.high_lines && all.high_lines <= all.counted_lines);
        prop_assert_eq!(record.months.iter().map(|month| month.all.added).sum::<u64>(), all.added);
        prop_assert_eq!(record.persons.iter().map(|person| person.authored.low_lines).sum::<u64>(), all.low_lines);
        let review = &record.review.all;
        prop_assert_eq!(review.by_person + review.by_machine + review.by_author + review.trace_only + review.unseen, review.changes);
        if let Some(share) = record.share() {
            prop_assert!(share.low_millionths <= share.high_millionths && share.high_millionths <= 1_000_000);
        }
        let bytes = record.to_bytes().unwrap();
        prop_assert_eq!(Record::parse(&bytes).unwrap().to_bytes().unwrap(), bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Record::parse(&bytes).is_err());
        prop_assert!(Table::parse(&bytes).is_err());
    }
}
