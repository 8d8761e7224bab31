//! What this version can judge by: the built-in rulebooks and chip tables of the ledger.

use standstill_ledger::chips::ChipTable;
use standstill_ledger::rulebook::Rulebook;
use standstill_statement::Hash32;

/// Names of the built-in rulebooks.
pub(crate) fn rulebooks() -> [&'static str; 4] {
    Rulebook::builtin_names()
}

/// Ids of the built-in chip tables; none when the shipped file is broken, so that nothing is accepted then.
pub(crate) fn chip_tables() -> Vec<Hash32> {
    ChipTable::builtin().map(|table| table.id()).into_iter().collect()
}
