#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

/// Id of the commit with a number.
pub(crate) fn id(number: usize) -> String {
    format!("{number:040x}")
}

/// A linear history: two persons, an AI system, a service.
pub(crate) fn history(rows: impl IntoIterator<Item = Row>) -> Table {
    let rows: Vec<Row> = rows.into_iter().collect();
    let person = |id: &str, nature| Person { id: id.to_owned(), nature };
    Table {
        header: Header {
            format: FORMAT.to_owned(),
            method_hash: "00".repeat(32),
            head: rows.last().map_or_else(|| id(0), |row| row.id.clone()),
            shallow: vec![],
            missing: vec![],
            stores: vec![],
            reference_log: None,
            stray_attestations: 0,
            namesakes: vec![],
            persons: vec![
                person("aaaaaaaaaaaaaaaa", Nature::Person),
                person("bbbbbbbbbbbbbbbb", Nature::Person),
                person("claude", Nature::Ai),
                person("forge", Nature::Service),
            ],
            rows: rows.len() as u64,
        },
        rows,
    }
}

/// Commit `number` of a linear history, one day after the one before, with lines in the class training.
pub(crate) fn row(number: usize, added: u64) -> Row {
    Row {
        id: id(number),
        parents: if number == 0 { vec![] } else { vec![id(number - 1)] },
        authored: 1_700_000_000 + 86_400 * i64::try_from(number).unwrap(),
        committed: 1_700_000_000 + 86_400 * i64::try_from(number).unwrap(),
        author: 0,
        committer: 0,
        with: vec![],
        reviewers: vec![],
        approvers: vec![],
        signed_approvers: vec![],
        mergers: vec![],
        sources: vec![],
        cells: vec![Cell {
            class: PathClass::Training,
            generated: false,
            files: 1,
            added,
            deleted: 1,
            ai: 0,
            person: 0,
        }],
        rejected: vec![],
        signature: None,
        level: 0,
        signed_level: 0,
        marks: vec![],
    }
}

#[test]
fn bytes_are_read_back() {
    let table = history((0..5).map(|n| row(n, 10)));
    let bytes = table.to_bytes().unwrap();
    assert_eq!(Table::parse(&bytes).unwrap(), table);
    let loose = String::from_utf8(bytes).unwrap().replacen("\"added\":10", "\"added\": 10", 1);
    assert!(Table::parse(loose.as_bytes()).unwrap_err().to_string().contains("one encoding"));
}

/// Changes a good table and expects words in the refusal.
fn refused(change: impl Fn(&mut Table), words: &str) {
    let mut table = history((0..5).map(|n| row(n, 10)));
    change(&mut table);
    let error = Table::parse(&table.to_bytes().unwrap()).unwrap_err().to_string();
    assert!(error.contains(words), "{words}: {error}");
}

#[test]
fn a_dropped_commit_breaks_the_table() {
    refused(
        |table| {
            table.rows.remove(2);
            table.header.rows = 4;
        },
        "a commit was dropped",
    );
    refused(
        |table| {
            table.rows.pop();
            table.header.rows = 4;
        },
        "the head is no row",
    );
    refused(|table| drop(table.rows.pop()), "promises 5 rows");
}

#[test]
fn an_added_or_doubled_commit_breaks_the_table() {
    refused(
        |table| {
            let mut more = row(9, 1);
            more.parents = vec![id(0)];
            table.rows.push(more);
            table.header.rows = 6;
        },
        "not reached from the head",
    );
    refused(
        |table| {
            table.rows.insert(1, table.rows[0].clone());
            table.header.rows = 6;
        },
        "stands twice",
    );
}

#[test]
fn shifted_dates_out_of_order_and_impossible_counts_are_refused() {
    refused(|table| table.rows[1].committed += 86_400 * 10, "out of order");
    refused(|table| table.rows[1].cells[0].person = 11, "more lines");
    refused(|table| table.rows[1].cells[0].ai = 1, "do not fit");
    refused(|table| table.rows[1].sources = vec![Source::Note], "do not fit");
    refused(|table| table.rows[1].sources = vec![Source::Marker, Source::Trailer], "not sorted");
    refused(|table| table.rows[1].author = 4, "header's list");
    refused(|table| table.rows[1].cells[0].added = 1 << 41, "too large");
    refused(|table| table.rows[1].marks = vec![Mark::Incomplete], "not counted");
    refused(|table| table.rows[1].id = "X".repeat(40), "not of the kind");
    refused(
        |table| {
            table.rows[1].marks = vec![Mark::Incomplete];
            table.rows[1].cells.clear();
        },
        "names no missing object",
    );
    refused(|table| table.rows[3].parents.push(id(1)), "a merge has no lines");
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..1500) {
        let _ = Table::parse(&bytes);
        let mut mixed = history((0..3).map(|n| row(n, 10))).to_bytes().unwrap();
        let at = at.min(mixed.len());
        mixed.splice(at..at, bytes);
        let _ = Table::parse(&mixed);
    }
}
