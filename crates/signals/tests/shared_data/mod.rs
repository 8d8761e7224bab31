//! Third-party data that is not part of this repository: `../shared/data/signals` beside it, or below the folder STANDSTILL_DATA.

use std::path::PathBuf;

/// Bytes of a data file; `None`, with a line that says so, when it is not there.
pub(crate) fn data(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("STANDSTILL_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("signals").join(name);
    if let Ok(bytes) = std::fs::read(&path) {
        return Some(bytes);
    }
    println!("skipped: {} is not there", path.display());
    None
}
