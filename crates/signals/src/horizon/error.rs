//! What can be wrong with results, dates and methods.

/// Where in an input something is wrong: the file as the caller names it, and the row or place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the file.
    pub file: String,
    /// Row (counted from 1) or path of keys.
    pub at: String,
}

impl Place {
    /// A row of a file, counted from 1.
    #[must_use]
    pub fn row(file: &str, row: usize) -> Self {
        Self { file: file.to_owned(), at: format!("row {row}") }
    }

    /// A place in a tree of keys.
    #[must_use]
    pub fn path(file: &str, path: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: path.into() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.file, self.at)
    }
}

/// A horizon could not be computed, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HorizonError {
    /// The bytes are not in the format.
    #[error("{place}: {why}")]
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A limit of this reader is exceeded.
    #[error("{place}: {what} exceeds the limit of {limit}; split the file or ask for a higher limit")]
    TooLarge {
        /// Where.
        place: Place,
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// One run appears twice.
    #[error("{place}: run '{run}' is already in {first}; every run counts once, remove one of them")]
    DuplicateRun {
        /// The second appearance.
        place: Place,
        /// Run id, or what shows that the run is the same.
        run: String,
        /// The first appearance. Boxed, so that an error stays small on the way up.
        first: Box<Place>,
    },
    /// One task carries two lengths or two families.
    #[error(
        "{place}: task '{task}' has {field} {found}, but {first} says {before}; a task has one {field} in one suite"
    )]
    Relabelled {
        /// The second appearance.
        place: Box<Place>,
        /// Task id.
        task: String,
        /// What differs.
        field: &'static str,
        /// Value here.
        found: String,
        /// Value there.
        before: String,
        /// The first appearance.
        first: Box<Place>,
    },
    /// The tasks are not the ones that the method pins.
    #[error(
        "the task list of the results has hash {found}, but the method pins {pinned}; a task was dropped, added or relabelled"
    )]
    TaskList {
        /// Hash of the list found, hexadecimal.
        found: String,
        /// Hash that the method pins, hexadecimal.
        pinned: String,
    },
    /// A pinned input has another hash.
    #[error("{file} has SHA-256 {found}, but the method pins {pinned}; use the pinned file or another method")]
    PinnedInput {
        /// Name of the file.
        file: String,
        /// SHA-256 found, hexadecimal.
        found: String,
        /// SHA-256 pinned, hexadecimal.
        pinned: String,
    },
    /// There is nothing to compute from.
    #[error("{0}")]
    Missing(String),
    /// The method is not usable.
    #[error("method: {0}")]
    Method(String),
}

impl HorizonError {
    pub(crate) fn malformed(place: Place, why: impl Into<String>) -> Self {
        Self::Malformed { place, why: why.into() }
    }
}
