//! The terms of an agreement.

use standstill_agreement::Agreement;

/// A terms file; an accepted one has canonical bytes and an id.
pub fn terms(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(agreement) = Agreement::parse(text) else { return false };
    assert_eq!(agreement.id(), agreement.id());
    let _ = agreement.canonical_json();
    for window in [0, 1, u64::MAX] {
        let _ = agreement.phase_at(window);
    }
    true
}
