//! A verdict as text, JSON and a self-contained HTML page.

mod checks;
mod compute;
mod conservation;
mod page;
mod party;
mod runtime;
mod strip;
mod terminal;
pub(crate) mod words;

use crate::Verdict;

/// The verdict for a terminal: each check, one sentence per party, one for the whole. No colour codes.
#[must_use]
pub fn text(verdict: &Verdict) -> String {
    terminal::text(verdict)
}

/// The verdict as JSON after `docs/formats/verdict.schema.json`, indented, with a newline at the end.
#[must_use]
pub fn json(verdict: &Verdict) -> String {
    // Every map in a verdict has text keys and no value can fail to serialise; an empty text would be the sign of a defect.
    serde_json::to_string_pretty(verdict).map(|text| text + "\n").unwrap_or_default()
}

/// The verdict as one HTML page: no script, no outside resource, readable in print and without colour.
#[must_use]
pub fn html(verdict: &Verdict) -> String {
    page::page(verdict).into_string()
}
