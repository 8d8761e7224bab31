//! Real data sets that are not part of the repository.

use std::path::PathBuf;

/// Bytes of a data file; `None`, with a line that says so, when the set is not there.
pub(crate) fn read(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("STANDSTILL_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let bytes = std::fs::read(root.join(path)).ok();
    if bytes.is_none() {
        println!("skipped: {path} not present");
    }
    bytes
}
