//! Bytes of a window ledger (`docs/formats/ledger.md`): a magic line, then length-prefixed canonical CBOR records.

use super::WindowLedger;
use crate::error::LedgerError;
use standstill_statement::Hash32;

/// Largest encoded ledger that is read: 2 GiB.
pub const MAX_LEDGER_BYTES: usize = 2 << 30;

impl WindowLedger {
    /// Canonical bytes.
    ///
    /// # Errors
    /// [`LedgerError::Encoding`] when a record is too large.
    pub fn encode(&self) -> Result<Vec<u8>, LedgerError> {
        Err(LedgerError::Encoding { offset: 0, what: "not yet".to_owned() })
    }

    /// Reads [`WindowLedger::encode`]'s bytes.
    ///
    /// # Errors
    /// [`LedgerError::Encoding`] with the offset.
    pub fn decode(_bytes: &[u8]) -> Result<Self, LedgerError> {
        Err(LedgerError::Encoding { offset: 0, what: "not yet".to_owned() })
    }

    /// SHA-256("standstill/1/ledger\0" ‖ canonical bytes).
    ///
    /// # Errors
    /// As [`WindowLedger::encode`].
    pub fn hash(&self) -> Result<Hash32, LedgerError> {
        Ok(Hash32::of(&[b"standstill/1/ledger\0", self.encode()?.as_slice()].concat()))
    }
}
