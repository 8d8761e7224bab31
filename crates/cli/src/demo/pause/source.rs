//! What everybody could fetch at this moment, as a bundle that is read where it lies.

use standstill_verify::VerifyError;
use standstill_verify::source::{BundleSource, FolderSource};
use std::path::Path;

/// Public files of all roles under one folder.
pub(super) struct Public {
    files: FolderSource,
    homes: Vec<String>,
}

impl Public {
    /// The play's folder, and the names of the roles.
    pub(super) fn new(out: &Path, homes: Vec<String>) -> Self {
        Self { files: FolderSource::new(out), homes }
    }
}

/// `logs/<id>/<rest>` taken apart.
fn in_log(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("logs/")?.split_once('/')
}

impl BundleSource for Public {
    fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, VerifyError> {
        if let Some((id, rest)) = in_log(path) {
            return self.files.read(&format!("roles/{id}/log/{rest}"), max_bytes);
        }
        if path.starts_with("blobs/") {
            for home in &self.homes {
                let found = self.files.read(&format!("roles/{home}/{path}"), max_bytes)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            return Ok(None);
        }
        match path {
            "agreement.toml" => self.files.read(path, max_bytes),
            beacon if beacon.starts_with("beacon/") => self.files.read(beacon, max_bytes),
            _ => Ok(None),
        }
    }

    fn names(&self, folder: &str, max_names: usize) -> Result<Vec<String>, VerifyError> {
        let Some((id, "checkpoints")) = in_log(folder) else { return Ok(Vec::new()) };
        self.files.names(&format!("roles/{id}/log/checkpoints"), max_names)
    }
}
