//! A bundle: the terms, and access to logs, blobs and beacon rounds. Opening reads the small, necessary files only.

use crate::VerifyError;
use crate::source::{BundleSource, FolderSource, Limits};
use std::path::Path;

/// An opened bundle.
pub struct Bundle {
    pub(crate) source: Box<dyn BundleSource>,
    pub(crate) limits: Limits,
}

impl Bundle {
    /// Opens the bundle in a folder.
    ///
    /// # Errors
    /// [`VerifyError`] when the terms are missing, too large or unreadable.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, VerifyError> {
        Self::from_source(Box::new(FolderSource::new(folder)), limits)
    }

    /// Opens a bundle from any source, for example [`crate::MemorySource`].
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub fn from_source(source: Box<dyn BundleSource>, limits: Limits) -> Result<Self, VerifyError> {
        Ok(Self { source, limits })
    }
}
