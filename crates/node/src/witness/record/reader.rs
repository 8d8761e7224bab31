//! Looking into a record beside the thread that writes it.

use super::super::error::WitnessError;
use super::store::{signed, unsigned};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A connection that only reads.
#[derive(Debug)]
pub struct RecordReader {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl RecordReader {
    /// Opens the record's file for reading.
    ///
    /// # Errors
    /// [`WitnessError::Database`].
    pub fn open(path: &Path) -> Result<Self, WitnessError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(WitnessError::database("open the record for reading", path))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned() })
    }

    fn row<T>(
        &self,
        sql: &str,
        origin: &str,
        size: u64,
        read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, WitnessError> {
        // A thread that panicked while it read has left nothing half done.
        let connection = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let row = connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params![origin, signed(size)], read).optional());
        row.map_err(WitnessError::database("read the record", &self.path))
    }

    /// The accepted checkpoint of exactly this size: its note with the log's lines.
    ///
    /// # Errors
    /// [`WitnessError::Database`].
    pub fn accepted(&self, origin: &str, size: u64) -> Result<Option<Vec<u8>>, WitnessError> {
        self.row("SELECT note FROM cosigned WHERE origin = ?1 AND size = ?2", origin, size, |row| row.get(0))
    }

    /// When the smallest accepted checkpoint above this size was first accepted, Unix seconds.
    ///
    /// # Errors
    /// [`WitnessError::Database`].
    pub fn outgrown_at(&self, origin: &str, size: u64) -> Result<Option<u64>, WitnessError> {
        let sql = "SELECT first_time FROM cosigned WHERE origin = ?1 AND size > ?2 ORDER BY size LIMIT 1";
        self.row(sql, origin, size, |row| unsigned(row, 0))
    }
}
