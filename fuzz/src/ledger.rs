//! Ledger files, fleet files, rulebooks, chip tables.

use standstill_ledger::{ChipTable, DeviceWindow, Fleet, Rulebook, WindowLedger};

/// A window's ledger, and one row of it; what decodes has one encoding.
pub fn window(bytes: &[u8]) -> bool {
    if let Ok(row) = DeviceWindow::decode(bytes) {
        assert_eq!(row.encode().ok().as_deref(), Some(bytes));
    }
    let Ok(ledger) = WindowLedger::decode(bytes) else { return false };
    assert_eq!(ledger.encode().ok().as_deref(), Some(bytes));
    true
}

/// Fleet files, TOML and CSV.
pub fn fleet(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let parsed = Fleet::parse_csv(text).or_else(|_| Fleet::parse_toml(text));
    let Ok(fleet) = parsed else { return false };
    assert_eq!(Fleet::parse_csv(&fleet.to_csv()).ok(), Some(fleet));
    true
}

/// Rulebooks and chip tables.
pub fn rulebook(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    Rulebook::parse(text).is_ok() | ChipTable::parse(text).is_ok()
}
