//! Reading the terms that a configuration names.

use crate::error::NodeError;
use standstill_agreement::Agreement;
use standstill_tlog::durable::read_limited;
use std::path::Path;

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// [`NodeError::Config`] when it is missing or no text, [`NodeError::Tlog`] when it cannot be read.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, NodeError> {
    let bytes =
        read_limited(path, "file bytes", limit)?.ok_or_else(|| NodeError::config(path, "there is no such file"))?;
    String::from_utf8(bytes).map_err(|_| NodeError::config(path, "it is not UTF-8 text"))
}

/// Reads and checks an agreement; gives its exact text too.
///
/// # Errors
/// As [`read_text`], and [`NodeError::Config`] with the first problem when the terms are refused.
pub(crate) fn read_terms(path: &Path) -> Result<(String, Agreement), NodeError> {
    let text = read_text(path, standstill_agreement::MAX_FILE_BYTES as u64)?;
    let agreement = Agreement::parse(&text).map_err(|problems| {
        let first =
            problems.first().map_or_else(String::new, |problem| format!("line {}: {}", problem.line, problem.problem));
        NodeError::config(path, format!("the terms are refused: {first}; run `standstill agreement check`"))
    })?;
    Ok((text, agreement))
}
