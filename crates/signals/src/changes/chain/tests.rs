#![allow(clippy::unwrap_used)]

use super::super::method::Method;
use super::super::table::Source;
use super::super::table::tests::{history, id, row};
use super::*;
use proptest::prelude::*;

fn file(runs: &str) -> String {
    format!("{{\"format\":\"{FORMAT}\",\"runs\":[{runs}]}}")
}

fn run(name: &str, commit: usize, more: &str) -> String {
    format!("{{\"run\":\"{name}\",\"commit\":\"{}\"{more}}}", id(commit))
}

fn followed(text: &str) -> Result<Vec<Chain>, ChangesError> {
    // Commit 2 is AI's alone, commit 4 is AI's with a person who reviewed it.
    let table = history((0..6).map(|n| {
        let mut row = row(n, 10);
        if n == 2 || n == 4 {
            (row.author, row.committer, row.sources) = (2, 3, vec![Source::Author]);
        }
        if n == 4 {
            row.reviewers = vec![1];
        }
        row
    }));
    let method = Method::default();
    let weights: Vec<Weight> = table.rows.iter().map(|row| Weight::of(row, &method)).collect();
    chains(&CodeOfRuns::parse(text.as_bytes())?, &table, &weights, &Reviews::new(&table.header.persons, &method))
}

#[test]
fn a_run_owns_the_changes_that_it_ran_first() {
    let text = file(&[
        run("a", 1, ",\"serves-as\":\"claude\",\"started-by\":\"person\",\"build\":\"00\",\"checkpoint\":\"c\",\"declaration\":\"00\""),
        run("b", 3, ",\"started-by\":\"ai\""),
        run("c", 5, ",\"started-by\":\"ai\""),
    ].join(","));
    let found = followed(&text).unwrap();
    assert_eq!(found.iter().map(|chain| chain.changes).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(found.iter().map(|chain| chain.ai_training).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(found.iter().map(|chain| chain.closed).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(found[0].feeds, ["b", "c"]);
    assert!(found[0].unknown_links.is_empty());
    assert_eq!(found[1].unknown_links, ["declaration", "build", "checkpoint"]);
    assert_eq!((found[1].ai_training_unreviewed, found[2].ai_training_unreviewed), (1, 0));
}

#[test]
fn a_run_without_its_commit_is_refused() {
    assert!(followed(&file(&run("a", 99, ""))).unwrap_err().to_string().contains("not in the history"));
    assert!(followed(&file(&[run("a", 1, ""), run("a", 2, "")].join(","))).unwrap_err().to_string().contains("twice"));
    assert!(followed(&file(&run("", 1, ""))).is_err() && followed("{}").is_err());
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = CodeOfRuns::parse(&bytes);
    }
}
