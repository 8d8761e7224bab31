//! A bundle: the terms, and access to logs, blobs and beacon rounds. Opening reads the small, necessary files only.

use crate::VerifyError;
use crate::record;
use crate::source::{BundleSource, FolderSource, Limits};
use serde::Deserialize;
use standstill_agreement::Agreement;
use standstill_ledger::chips::ChipTable;
use standstill_statement::{BlobRef, Hash32};
use standstill_tlog::policy::Policy;
use std::path::Path;

/// Value of `format` in `bundle.json`.
pub const FORMAT: &str = "standstill-bundle/1";

/// An opened bundle: terms that can be read, and access to the rest.
pub struct Bundle {
    pub(crate) source: Box<dyn BundleSource>,
    pub(crate) limits: Limits,
    pub(crate) agreement: Agreement,
    pub(crate) agreement_id: Hash32,
    pub(crate) policy: Policy,
    pub(crate) chips: ChipTable,
}

/// `bundle.json`. Only the format counts; everything else is derived again.
#[derive(Deserialize)]
struct Card {
    format: String,
}

/// Why a blob cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlobFault(pub(crate) String);

impl Bundle {
    /// Opens the bundle in a folder.
    ///
    /// # Errors
    /// [`VerifyError`] when the terms are missing, too large or unreadable, or the bundle is of another format.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, VerifyError> {
        Self::from_source(Box::new(FolderSource::new(folder)), limits)
    }

    /// Opens a bundle from any source, for example [`crate::MemorySource`].
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub fn from_source(source: Box<dyn BundleSource>, limits: Limits) -> Result<Self, VerifyError> {
        check_card(source.as_ref(), &limits)?;
        let path = "agreement.toml";
        let bytes = source.read(path, limits.agreement_bytes)?;
        let bytes = bytes.ok_or_else(|| VerifyError::Missing { path: path.to_owned() })?;
        let refuse = |why: String| VerifyError::Agreement { why };
        let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text in UTF-8".to_owned()))?;
        let agreement = Agreement::parse(&text)
            .map_err(|errors| refuse(errors.first().map_or_else(|| "unreadable".to_owned(), ToString::to_string)))?;
        let policy = record::policy(&agreement).map_err(refuse)?;
        let wanted = || agreement.chip_table.to_string();
        let chips = ChipTable::builtin().map_err(|error| VerifyError::ChipTable {
            wanted: wanted(),
            have: format!("a table that is refused ({error})"),
        })?;
        if chips.id() != agreement.chip_table {
            return Err(VerifyError::ChipTable { wanted: wanted(), have: chips.id().to_string() });
        }
        Ok(Self { source, limits, agreement_id: agreement.id(), agreement, policy, chips })
    }

    /// The terms.
    #[must_use]
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Reads a blob and checks its length and hash.
    pub(crate) fn blob(&self, wanted: &BlobRef) -> Result<Vec<u8>, BlobFault> {
        let path = format!("blobs/{}", wanted.sha256);
        if wanted.length_bytes > self.limits.blob_bytes {
            let limit = self.limits.blob_bytes;
            return Err(BlobFault(format!(
                "blob {}… has {} bytes; this program reads at most {limit}",
                wanted.sha256.short(),
                wanted.length_bytes
            )));
        }
        let found = self.source.read(&path, wanted.length_bytes).map_err(|error| BlobFault(error.to_string()))?;
        let bytes = found.ok_or_else(|| BlobFault(format!("blob {}… is not in the bundle", wanted.sha256.short())))?;
        if wanted.matches(&bytes) {
            Ok(bytes)
        } else {
            Err(BlobFault(format!(
                "blob {}… in the bundle holds other bytes than its name says",
                wanted.sha256.short()
            )))
        }
    }
}

fn check_card(source: &dyn BundleSource, limits: &Limits) -> Result<(), VerifyError> {
    // The card is informative: a bundle without one is read, a bundle of a later format is not.
    let Some(bytes) = source.read("bundle.json", limits.note_bytes)? else { return Ok(()) };
    let found = match serde_json::from_slice::<Card>(&bytes) {
        Ok(card) if card.format == FORMAT => return Ok(()),
        Ok(card) => card.format.chars().take(80).collect(),
        Err(_) => "something that is not JSON with a format".to_owned(),
    };
    Err(VerifyError::Format { found })
}
