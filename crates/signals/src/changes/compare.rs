//! A published table against the repository, or against a later table: what a table alone cannot show.

use super::ChangesError;
use super::table::{Row, Table};
use std::collections::HashMap;

/// What of a row differs, as a word.
fn part(a: &Row, b: &Row) -> &'static str {
    match () {
        () if a.parents != b.parents => "parents",
        () if a.committed != b.committed || a.authored != b.authored => "dates",
        () if a.author != b.author || a.committer != b.committer => "author or committer",
        () if a.with != b.with || a.sources != b.sources => "attribution",
        () if [&a.reviewers, &a.approvers, &a.signed_approvers, &a.mergers]
            != [&b.reviewers, &b.approvers, &b.signed_approvers, &b.mergers] =>
        {
            "review"
        }
        () if a.cells != b.cells => "lines",
        () if a.rejected != b.rejected => "rejected attestations",
        () => "signature or marks",
    }
}

/// A row with persons in words, so that tables with different lists can be compared.
fn unnumbered(row: &Row, table: &Table, to: &HashMap<&str, u32>) -> Row {
    let name = |place: u32| {
        let id = table.header.persons.get(place as usize).map_or("", |person| person.id.as_str());
        to.get(id).copied().unwrap_or(u32::MAX)
    };
    let list = |places: &[u32]| {
        let mut out: Vec<u32> = places.iter().map(|place| name(*place)).collect();
        out.sort_unstable();
        out
    };
    Row {
        author: name(row.author),
        committer: name(row.committer),
        with: list(&row.with),
        reviewers: list(&row.reviewers),
        approvers: list(&row.approvers),
        signed_approvers: list(&row.signed_approvers),
        mergers: list(&row.mergers),
        ..row.clone()
    }
}

/// Every row of `published` must stand unchanged in `now`, which was walked from the repository under the same method.
///
/// # Errors
/// [`ChangesError::Differs`] with the first commit that differs or is gone, and how.
pub fn extends(published: &Table, now: &Table) -> Result<(), ChangesError> {
    if published.header.method_hash != now.header.method_hash {
        return Err(ChangesError::Differs(format!(
            "the tables were made under different methods, {} and {}",
            published.header.method_hash, now.header.method_hash
        )));
    }
    let places: HashMap<&str, u32> =
        now.header.persons.iter().zip(0u32..).map(|(person, place)| (person.id.as_str(), place)).collect();
    let rows: HashMap<&str, &Row> = now.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    for row in &published.rows {
        let Some(found) = rows.get(row.id.as_str()) else {
            return Err(ChangesError::Differs(format!(
                "commit {} was published and is not in the history any more: the history was rewritten",
                row.id
            )));
        };
        let (was, is) = (unnumbered(row, published, &places), unnumbered(found, now, &places));
        if was != is {
            return Err(ChangesError::Differs(format!(
                "commit {}: {} differ from the repository",
                row.id,
                part(&was, &is)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::table::Source;
    use super::super::table::tests::{history, row};
    use super::*;

    #[test]
    fn a_longer_history_extends_a_shorter_one() {
        let (short, long) = (history((0..3).map(|n| row(n, 5))), history((0..5).map(|n| row(n, 5))));
        extends(&short, &long).unwrap();
        assert!(extends(&long, &short).unwrap_err().to_string().contains("rewritten"));
    }

    #[test]
    fn each_relabelling_is_named() {
        let real = history((0..3).map(|n| row(n, 5)));
        for (change, word) in [
            ((|row: &mut Row| row.author = 1) as fn(&mut Row), "author"),
            (|row| row.sources = vec![Source::Trailer], "attribution"),
            (|row| row.authored += 1, "dates"),
            (|row| row.cells[0].added += 1, "lines"),
            (|row| row.reviewers = vec![1], "review"),
            (|row| row.signed_approvers = vec![1], "review"),
            (|row| row.level = 3, "signature or marks"),
        ] {
            let mut forged = real.clone();
            change(&mut forged.rows[1]);
            let error = extends(&forged, &real).unwrap_err().to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
