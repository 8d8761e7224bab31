//! What makes a bundle unreadable. Everything that can be read is judged instead: see [`crate::Verdict`].

/// A bundle could not be read at all (exit code 4). Damage that touches one log or one blob is no error: it moves the checks that
/// need it to "cannot conclude".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A file that every bundle has is not there.
    #[error(
        "the bundle has no {path}; point at the folder that holds agreement.toml and logs/, or fetch the bundle again"
    )]
    Missing {
        /// Path inside the bundle.
        path: String,
    },
    /// A file could not be read from disk.
    #[error("cannot read {path} in the bundle: {why}; check the folder's permissions, or fetch the bundle again")]
    File {
        /// Path inside the bundle.
        path: String,
        /// What the file system said.
        why: String,
    },
    /// A file, or the number of files, is over its limit.
    #[error(
        "{path} is larger than a bundle may have: {found} against a limit of {limit} {unit}; fetch the bundle again from another source"
    )]
    TooLarge {
        /// Path inside the bundle.
        path: String,
        /// What was found; at least this much.
        found: u64,
        /// The limit.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// A link, socket or device stands where a plain file belongs.
    #[error(
        "{path} is no plain file; a bundle holds plain files and folders only, so that reading it never leaves it: fetch the bundle again"
    )]
    NotPlain {
        /// Path inside the bundle.
        path: String,
    },
    /// The terms cannot be read.
    #[error(
        "agreement.toml: {why}; nothing can be judged without the terms: fetch the bundle again, or run 'standstill agreement check' on the file"
    )]
    Agreement {
        /// The first thing that is wrong, with its line.
        why: String,
    },
    /// The bundle is of another format.
    #[error(
        "bundle.json says '{found}', but this program reads 'standstill-bundle/1'; use the version of Standstill that wrote it"
    )]
    Format {
        /// What the file says, shortened.
        found: String,
    },
    /// The chip table that the terms name is not the one built in.
    #[error(
        "the terms name chip table {wanted}, this program carries {have}; use the version of Standstill that the parties agreed on"
    )]
    ChipTable {
        /// Id in the terms.
        wanted: String,
        /// Id of the built-in table.
        have: String,
    },
}
