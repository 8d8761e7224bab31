//! Statements in words.

use crate::statement::Statement;

/// Lays a statement out for people.
#[must_use]
pub fn text(statement: &Statement) -> String {
    format!("{statement:#?}")
}
