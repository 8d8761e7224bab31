//! The head cell in SQLite: one row per log, replaced only by compare-and-swap.

use super::{StoreError, StoredHead};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};

/// Milliseconds to wait for another process that holds the database.
const BUSY_MILLISECONDS: u64 = 2000;

/// An open database with the cell of one log.
#[derive(Debug)]
pub(super) struct HeadCell {
    connection: Connection,
    path: PathBuf,
    origin: String,
}

impl HeadCell {
    /// Opens or creates the database. Several logs may share one.
    pub(super) fn open(path: &Path, origin: &str) -> Result<Self, StoreError> {
        let opened = Connection::open(path).and_then(|connection| {
            connection.busy_timeout(std::time::Duration::from_millis(BUSY_MILLISECONDS))?;
            // The rollback journal with full syncs: when a commit returns, it survives power loss.
            connection.pragma_update(None, "journal_mode", "TRUNCATE")?;
            connection.pragma_update(None, "synchronous", "EXTRA")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS head (
                    origin TEXT PRIMARY KEY,
                    size INTEGER NOT NULL,
                    checkpoint BLOB NOT NULL,
                    signed_unix_seconds INTEGER NOT NULL
                ) STRICT;
                -- Whatever program writes here: the cell never goes back.
                CREATE TRIGGER IF NOT EXISTS head_never_goes_back BEFORE UPDATE ON head
                WHEN NEW.size <= OLD.size OR NEW.origin <> OLD.origin
                BEGIN SELECT RAISE(ABORT, 'the last signed checkpoint never goes back'); END;
                CREATE TRIGGER IF NOT EXISTS head_is_never_deleted BEFORE DELETE ON head
                BEGIN SELECT RAISE(ABORT, 'the last signed checkpoint is never deleted'); END;",
            )?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| StoreError::Damaged {
            place: path.display().to_string(),
            problem: format!("{error}; if the file is not a database, restore it from where the head is kept, never from an old backup"),
        })?;
        Ok(Self { connection, path: path.to_owned(), origin: origin.to_owned() })
    }

    /// Reads the cell.
    pub(super) fn read(&self) -> Result<Option<StoredHead>, StoreError> {
        let row = self.connection.query_row(
            "SELECT checkpoint, signed_unix_seconds FROM head WHERE origin = ?1",
            params![self.origin],
            |row| {
                let seconds: i64 = row.get(1)?;
                Ok(StoredHead { checkpoint: row.get(0)?, signed_unix_seconds: seconds.unsigned_abs() })
            },
        );
        row.optional().map_err(|error| self.damaged(&error))
    }

    /// Replaces the cell if it holds `expected`.
    pub(super) fn swap(
        &self,
        expected: Option<&StoredHead>,
        next: &StoredHead,
        next_size: u64,
    ) -> Result<(), StoreError> {
        let seconds = i64::try_from(next.signed_unix_seconds).unwrap_or(i64::MAX);
        let size = i64::try_from(next_size).unwrap_or(i64::MAX);
        let changed = match expected {
            None => self.connection.execute(
                "INSERT OR IGNORE INTO head (origin, size, checkpoint, signed_unix_seconds) VALUES (?1, ?2, ?3, ?4)",
                params![self.origin, size, next.checkpoint, seconds],
            ),
            Some(old) => self.connection.execute(
                "UPDATE head SET size = ?2, checkpoint = ?3, signed_unix_seconds = ?4 WHERE origin = ?1 AND checkpoint = ?5",
                params![self.origin, size, next.checkpoint, seconds, old.checkpoint],
            ),
        };
        match changed {
            Ok(1) => Ok(()),
            Ok(_) => Err(StoreError::SecondWriter { place: self.place() }),
            Err(error) => self.after_failure(expected, next, &error),
        }
    }

    /// A failed commit is rolled back, but only the cell itself can say so.
    fn after_failure(
        &self,
        expected: Option<&StoredHead>,
        next: &StoredHead,
        error: &rusqlite::Error,
    ) -> Result<(), StoreError> {
        let (action, place, problem) = ("replace the last signed checkpoint", self.place(), error.to_string());
        match self.read() {
            Ok(now) if now.as_ref() == Some(next) => Ok(()),
            Ok(now) if now.as_ref() == expected => Err(StoreError::Unchanged { action, place, problem }),
            Ok(_) => Err(StoreError::SecondWriter { place }),
            Err(_) => Err(StoreError::Unknown { action, place, problem }),
        }
    }

    fn damaged(&self, error: &rusqlite::Error) -> StoreError {
        let problem =
            format!("{error}; without the last signed checkpoint nothing may be signed: put the file back as it was");
        StoreError::Damaged { place: self.place(), problem }
    }

    fn place(&self) -> String {
        format!("the head cell of {} in {}", self.origin, self.path.display())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn head(text: &str) -> StoredHead {
        StoredHead { checkpoint: text.as_bytes().to_vec(), signed_unix_seconds: 7 }
    }

    #[test]
    fn it_swaps_only_from_what_it_holds_and_never_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("head.sqlite");
        let cell = HeadCell::open(&path, "a.example/log").unwrap();
        assert_eq!(cell.read().unwrap(), None);
        cell.swap(None, &head("zero"), 0).unwrap();
        assert!(matches!(cell.swap(None, &head("other"), 0), Err(StoreError::SecondWriter { .. })));
        cell.swap(Some(&head("zero")), &head("five"), 5).unwrap();
        assert!(matches!(cell.swap(Some(&head("zero")), &head("six"), 6), Err(StoreError::SecondWriter { .. })));
        // The database itself refuses to go back, so no program can do it by mistake.
        assert!(matches!(cell.swap(Some(&head("five")), &head("four"), 4), Err(StoreError::Unchanged { .. })));
        assert!(cell.connection.execute("DELETE FROM head", []).is_err());
        let other = HeadCell::open(&path, "b.example/log").unwrap();
        assert_eq!(other.read().unwrap(), None);
        assert_eq!(HeadCell::open(&path, "a.example/log").unwrap().read().unwrap(), Some(head("five")));
    }
}
