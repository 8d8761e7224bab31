//! PostgreSQL: a row for the turn, one statement and one commit per batch.
//!
//! A writer takes the log's advisory lock and a new writer number when it opens. Every change names that number, so a writer that lost
//! its connection, and with it the lock, cannot change anything once another has opened the log.

mod schema;

use super::{Later, Recovered, Store, StoreError, StoredHead};
use schema::{SCHEMA, sql};
use standstill_statement::Hash32;
use standstill_tlog::TlogError;
use standstill_tlog::tile::encode_bundle;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Mutex;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Row};

/// Bytes of a blob in one row.
const PART_BYTES: usize = 1 << 20;

/// A log in PostgreSQL. The connection is not encrypted: use a local socket, or a tunnel.
#[derive(Debug)]
pub struct PostgresStore {
    connection: String,
    origin: String,
    place: String,
    writer: i64,
    client: Mutex<Arc<Client>>,
}

/// Key of the advisory lock of a log.
fn lock_key(origin: &str) -> i64 {
    let hash = standstill_tlog::witness::origin_hash(origin);
    i64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl PostgresStore {
    /// Connects, creates the tables when they are missing, and becomes the log's only writer. `connection` is in libpq's form.
    ///
    /// # Errors
    /// [`TlogError::Locked`] while another process writes, [`StoreError::Unchanged`] when the server cannot be reached.
    pub async fn open(connection: &str, origin: &str) -> Result<Self, StoreError> {
        let place = format!("log {origin} in PostgreSQL");
        let failed =
            |error: Error| StoreError::Unchanged { action: "open", place: place.clone(), problem: cause(&error) };
        let client = connect(connection).await.map_err(failed)?;
        client.batch_execute(SCHEMA).await.map_err(failed)?;
        take_lock(&client, origin, &place).await?;
        client.execute(sql::FIRST_TURN, &[&origin]).await.map_err(failed)?;
        let writer = client.query_one(sql::NEXT_WRITER, &[&origin]).await.map_err(failed)?.get(0);
        let client = Mutex::new(Arc::new(client));
        Ok(Self { connection: connection.to_owned(), origin: origin.to_owned(), place, writer, client })
    }

    /// The connection; a broken one is replaced, if nobody else has become the writer meanwhile.
    async fn client(&self) -> Result<Arc<Client>, StoreError> {
        let mut client = self.client.lock().await;
        if client.is_closed() {
            let failed = |error: Error| StoreError::Unchanged {
                action: "connect again",
                place: self.place.clone(),
                problem: cause(&error),
            };
            let fresh = connect(&self.connection).await.map_err(failed)?;
            take_lock(&fresh, &self.origin, &self.place).await?;
            *client = Arc::new(fresh);
        }
        Ok(Arc::clone(&client))
    }

    async fn rows(&self, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        self.client().await?.query(text, values).await.map_err(|error| self.unchanged("read", &error))
    }

    fn unchanged(&self, action: &'static str, error: &Error) -> StoreError {
        StoreError::Unchanged { action, place: self.place.clone(), problem: cause(error) }
    }

    /// Runs a statement that changes one row or none, once. `Ok(None)`: nobody knows whether it was committed.
    async fn change(&self, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Result<bool, Error>, StoreError> {
        Ok(self.client().await?.execute(text, values).await.map(|changed| changed == 1))
    }

    async fn stage_now(&self, first: u64, entries: &[Vec<u8>]) -> Result<(), StoreError> {
        let (count, body) = (signed(entries.len() as u64), encode_bundle(entries)?);
        let staged = self.change(sql::STAGE, &[&self.origin, &signed(first), &count, &self.writer, &body]).await?;
        let error = match staged {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(StoreError::SecondWriter { place: self.place.clone() }),
            Err(error) => error,
        };
        // The answer was lost, or the statement failed: the rows say which.
        let unknown = |_| StoreError::Unknown { action: "stage", place: self.place.clone(), problem: cause(&error) };
        let found = self.rows(sql::STAGED_AT, &[&self.origin, &signed(first)]).await.map_err(unknown)?;
        match found.first().map(|row| row.get::<_, Vec<u8>>(0)) {
            Some(present) if present == body => Ok(()),
            Some(_) => Err(StoreError::SecondWriter { place: self.place.clone() }),
            None => Err(self.unchanged("stage", &error)),
        }
    }

    async fn swap_now(&self, expected: Option<&StoredHead>, next: &StoredHead) -> Result<(), StoreError> {
        let size = signed(super::size_of(next)?);
        let time = signed(next.signed_unix_seconds);
        let swapped = match expected {
            None => {
                let values: [&(dyn ToSql + Sync); 5] = [&self.origin, &size, &next.checkpoint, &time, &self.writer];
                self.change(sql::FIRST_HEAD, &values).await?
            }
            Some(old) => {
                let values: [&(dyn ToSql + Sync); 6] =
                    [&self.origin, &size, &next.checkpoint, &time, &self.writer, &old.checkpoint];
                self.change(sql::SWAP_HEAD, &values).await?
            }
        };
        let error = match swapped {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(StoreError::SecondWriter { place: self.place.clone() }),
            Err(error) => error,
        };
        let action = "replace the last signed checkpoint";
        let unknown = |_| StoreError::Unknown { action, place: self.place.clone(), problem: cause(&error) };
        let now = self.head().await.map_err(unknown)?;
        if now.as_ref() == Some(next) {
            Ok(())
        } else if now.as_ref() == expected {
            Err(self.unchanged(action, &error))
        } else {
            Err(StoreError::SecondWriter { place: self.place.clone() })
        }
    }

    async fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        let rows = self.rows(sql::HEAD, &[&self.origin]).await?;
        let head = |row: &Row| StoredHead { checkpoint: row.get(0), signed_unix_seconds: unsigned(row.get(1)) };
        Ok(rows.first().map(head))
    }

    async fn read_back(&self) -> Result<Recovered, StoreError> {
        let head = self.head().await?;
        let rows = self.rows(sql::STAGED, &[&self.origin]).await?;
        let mut base: Option<u64> = None;
        let mut staged = Vec::new();
        for row in &rows {
            let (first, count): (i64, i64) = (row.get(0), row.get(1));
            let entries = super::split_entries(row.get(2), unsigned(count));
            let next = *base.get_or_insert(unsigned(first)) + staged.len() as u64;
            let entries = entries.filter(|_| next == unsigned(first)).ok_or_else(|| StoreError::Damaged {
                place: format!("the batch at {first} of {}", self.place),
                problem: "it is not what this program writes, or one before it is missing; restore the database from its newest backup and compare with a mirror".to_owned(),
            })?;
            staged.extend(entries);
        }
        let turn = self.rows(sql::TURN, &[&self.origin]).await?;
        let turn = turn.first().map_or(0, |row| unsigned(row.get(0)));
        Ok(Recovered { head, base: base.unwrap_or(turn), staged })
    }

    async fn keep_blob(&self, sha256: Hash32, upload: PathBuf) -> Result<(), StoreError> {
        let failed =
            |problem: String| StoreError::Unchanged { action: "keep the blob", place: self.place.clone(), problem };
        let mut file = tokio::fs::File::open(&upload).await.map_err(|error| failed(error.to_string()))?;
        let client = self.client().await?;
        let (hash, mut part, mut length) = (sha256.0.to_vec(), 0_i32, 0_i64);
        loop {
            let mut bytes = Vec::with_capacity(PART_BYTES);
            let read = (&mut file).take(PART_BYTES as u64).read_to_end(&mut bytes).await;
            read.map_err(|error| failed(error.to_string()))?;
            if bytes.is_empty() {
                break;
            }
            length += signed(bytes.len() as u64);
            client.execute(sql::BLOB_PART, &[&hash, &part, &bytes]).await.map_err(|error| failed(cause(&error)))?;
            part += 1;
        }
        // The length comes last: until it is there, the blob is not.
        client.execute(sql::BLOB_DONE, &[&hash, &length]).await.map(drop).map_err(|error| failed(cause(&error)))
    }
}

impl Store for PostgresStore {
    fn describe(&self) -> String {
        self.place.clone()
    }

    fn recover(&self) -> Later<'_, Recovered> {
        Box::pin(self.read_back())
    }

    fn stage<'a>(&'a self, first: u64, entries: &'a [Vec<u8>]) -> Later<'a, ()> {
        Box::pin(self.stage_now(first, entries))
    }

    fn swap_head<'a>(&'a self, expected: Option<&'a StoredHead>, next: &'a StoredHead) -> Later<'a, ()> {
        Box::pin(self.swap_now(expected, next))
    }

    fn write_tiles(&self, tiles: Vec<(String, Vec<u8>)>) -> Later<'_, ()> {
        Box::pin(async move {
            let (names, bytes): (Vec<String>, Vec<Vec<u8>>) = tiles.into_iter().unzip();
            let count = names.len() as u64;
            let client = self.client().await?;
            let written = client.execute(sql::TILES, &[&self.origin, &names, &bytes, &self.writer]).await;
            match written.map_err(|error| self.unchanged("write tiles", &error))? {
                changed if changed == count => Ok(()),
                _ => Err(StoreError::SecondWriter { place: self.place.clone() }),
            }
        })
    }

    fn trim(&self, size: u64) -> Later<'_, ()> {
        Box::pin(async move {
            let trimmed = self.client().await?.execute(sql::TRIM, &[&self.origin, &signed(size), &self.writer]).await;
            trimmed.map(drop).map_err(|error| self.unchanged("remove staged batches", &error))
        })
    }

    fn publish<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Later<'a, ()> {
        let tiles = vec![(name.to_owned(), bytes.to_vec())];
        self.write_tiles(tiles)
    }

    fn read<'a>(&'a self, name: &'a str) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let rows = self.rows(sql::READ, &[&self.origin, &name]).await?;
            Ok(rows.first().map(|row| row.get(0)))
        })
    }

    fn blob_length(&self, sha256: Hash32) -> Later<'_, Option<u64>> {
        Box::pin(async move {
            let rows = self.rows(sql::BLOB_LENGTH, &[&sha256.0.to_vec()]).await?;
            Ok(rows.first().map(|row| unsigned(row.get(0))))
        })
    }

    fn put_blob<'a>(&'a self, sha256: Hash32, upload: &'a Path) -> Later<'a, ()> {
        Box::pin(self.keep_blob(sha256, upload.to_owned()))
    }

    fn read_blob(&self, sha256: Hash32, offset: u64, length: u64) -> Later<'_, Vec<u8>> {
        Box::pin(async move {
            let size = PART_BYTES as u64;
            let part = |at: u64| i32::try_from(at / size).unwrap_or(i32::MAX);
            let (from, to) = (part(offset), part((offset + length).saturating_sub(1)));
            let rows = self.rows(sql::BLOB_READ, &[&sha256.0.to_vec(), &from, &to]).await?;
            let bytes: Vec<u8> = rows.iter().flat_map(|row| row.get::<_, Vec<u8>>(0)).collect();
            let (skip, length) = (usize::try_from(offset % size).unwrap_or(0), usize::try_from(length).unwrap_or(0));
            Ok(bytes.into_iter().skip(skip).take(length).collect())
        })
    }
}

async fn connect(connection: &str) -> Result<Client, Error> {
    let (client, io) = tokio_postgres::connect(connection, NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = io.await {
            tracing::warn!(error = cause(&error), "the connection to PostgreSQL ended");
        }
    });
    // An acknowledgement rests on the commit being on the disk, whatever the server's default is.
    client.batch_execute("SET synchronous_commit = on").await?;
    Ok(client)
}

async fn take_lock(client: &Client, origin: &str, place: &str) -> Result<(), StoreError> {
    let taken = client.query_one("SELECT pg_try_advisory_lock($1)", &[&lock_key(origin)]).await;
    let taken = taken.map_err(|error| StoreError::Unchanged {
        action: "lock",
        place: place.to_owned(),
        problem: cause(&error),
    })?;
    if taken.get(0) { Ok(()) } else { Err(TlogError::Locked { path: PathBuf::from(place) }.into()) }
}

/// The server's own words, which the library keeps in the error's source.
fn cause(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |server| server.to_string())
}
