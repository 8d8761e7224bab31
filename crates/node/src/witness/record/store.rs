//! The SQLite file: heads, cosigned checkpoints, refused ones, alarms. WAL mode with `synchronous = FULL`, so a commit is on the disk.

use super::super::alarm::{Alarm, Chain};
use super::super::config::{AlarmIssuer, WatchedLog};
use super::super::error::WitnessError;
use super::Head;
use rusqlite::{Connection, OptionalExtension, Row, params};
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::witness::rules::Recorded;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE head (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE cosigned (origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
    note BLOB NOT NULL, PRIMARY KEY (origin, size)) WITHOUT ROWID;
CREATE TABLE refused (origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL,
    PRIMARY KEY (origin, size, root)) WITHOUT ROWID;
CREATE TABLE alarm (name TEXT PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, first BLOB NOT NULL, second BLOB NOT NULL,
    time INTEGER NOT NULL, evidence BLOB NOT NULL,
    statement BLOB) WITHOUT ROWID;
";

/// Layout of the tables; another number is refused.
const VERSION: &str = "1";

/// How many rows are dropped at once when the bound is reached, so that the bound is not looked at for every checkpoint.
const DROP_AT_ONCE: u64 = 64;

/// A checkpoint on record.
pub(super) struct Known {
    pub(super) signed: SignedCheckpoint,
    /// Whether it was cosigned, not refused.
    pub(super) cosigned: bool,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    path: PathBuf,
    /// Rows in `cosigned`, and refused ones, by origin.
    counts: HashMap<String, (u64, u64)>,
    logs: HashMap<String, WatchedLog>,
}

impl Store {
    pub(super) fn create(path: &Path, keys: &[String]) -> Result<Self, WitnessError> {
        let store = Self::connect(path)?;
        let made = store.connection.execute_batch(SCHEMA).and_then(|()| {
            let mut insert = store.connection.prepare("INSERT INTO meta (key, value) VALUES (?1, ?2)")?;
            insert.execute(["version", VERSION])?;
            for key in keys {
                insert.execute([format!("vkey {key}").as_str(), ""])?;
            }
            Ok(())
        });
        made.map_err(WitnessError::database("create the tables", path))?;
        Ok(store)
    }

    pub(super) fn open(path: &Path, keys: &[String]) -> Result<Self, WitnessError> {
        let mut store = Self::connect(path)?;
        let version = store.meta("version")?;
        if version.as_deref() != Some(VERSION) {
            let what = format!(
                "the record has layout {}, this program knows {VERSION}",
                version.unwrap_or_else(|| "none".to_owned())
            );
            return Err(WitnessError::Config { path: path.to_owned(), what });
        }
        if let Some(what) = store.meta("rolled-back")? {
            return Err(WitnessError::RolledBack { path: path.to_owned(), what });
        }
        store.check_keys(keys)?;
        store.count()?;
        Ok(store)
    }

    fn connect(path: &Path) -> Result<Self, WitnessError> {
        let connection = Connection::open(path).and_then(|connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.set_prepared_statement_cache_capacity(32);
            Ok(connection)
        });
        let connection = connection.map_err(WitnessError::database("open the record", path))?;
        Ok(Self { connection, path: path.to_owned(), counts: HashMap::new(), logs: HashMap::new() })
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(rusqlite::Error) -> WitnessError + use<'_> {
        WitnessError::database(action, &self.path)
    }

    fn meta(&self, key: &str) -> Result<Option<String>, WitnessError> {
        let value =
            self.connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional();
        value.map_err(self.failed("read the record"))
    }

    fn set_meta(&self, key: &str, value: &str) -> Result<(), WitnessError> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        self.connection.execute(sql, [key, value]).map(|_| ()).map_err(self.failed("write the record"))
    }

    /// The keys must be those of the record. A further key may join: the record already binds it to everything that came before.
    fn check_keys(&mut self, keys: &[String]) -> Result<(), WitnessError> {
        let sql = "SELECT substr(key, 6) FROM meta WHERE key LIKE 'vkey %'";
        let known = self.connection.prepare(sql).and_then(|mut statement| {
            statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()
        });
        let known = known.map_err(self.failed("read the keys"))?;
        if known.iter().any(|key| !keys.contains(key)) {
            return Err(WitnessError::OtherKeys { path: self.path.clone(), found: known.join(", ") });
        }
        for key in keys.iter().filter(|key| !known.contains(key)) {
            self.set_meta(&format!("vkey {key}"), "")?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), WitnessError> {
        for (table, second) in [("cosigned", false), ("refused", true)] {
            let rows = self
                .connection
                .prepare(&format!("SELECT origin, COUNT(*) FROM {table} GROUP BY origin"))
                .and_then(|mut statement| {
                    statement
                        .query_map([], |row| Ok((row.get::<_, String>(0)?, unsigned(row, 1)?)))?
                        .collect::<Result<Vec<_>, _>>()
                });
            for (origin, count) in rows.map_err(self.failed("count the record"))? {
                let entry = self.counts.entry(origin).or_default();
                if second { entry.1 = count } else { entry.0 = count }
            }
        }
        Ok(())
    }

    /// The state of one log, and its keys for reading further checkpoints.
    pub(super) fn head(&mut self, log: &WatchedLog) -> Result<Option<Head>, WitnessError> {
        self.logs.insert(log.origin.clone(), log.clone());
        let sql = "SELECT size, root, time, note FROM head WHERE origin = ?1";
        let row = self
            .connection
            .query_row(sql, [&log.origin], |row| {
                let recorded =
                    Recorded { size: unsigned(row, 0)?, root: row.get(1)?, time_unix_seconds: unsigned(row, 2)? };
                Ok((recorded, row.get::<_, Vec<u8>>(3)?))
            })
            .optional()
            .map_err(self.failed("read a head"))?;
        let Some((recorded, note)) = row else { return Ok(None) };
        let signed = SignedCheckpoint::parse_for_keys(&note, &log.origin, &log.keys)?;
        Ok(Some(Head { recorded, signed: Arc::new(signed) }))
    }

    pub(super) fn begin(&self) -> Result<(), WitnessError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(self.failed("begin a group"))
    }

    pub(super) fn commit(&self) -> Result<(), WitnessError> {
        self.connection.execute_batch("COMMIT").map_err(self.failed("commit a group"))
    }

    /// Records a cosignature that is about to be given.
    pub(super) fn accept(&mut self, head: &Head, retained: u64) -> Result<(), WitnessError> {
        let Recorded { size, root, time_unix_seconds } = head.recorded;
        let (origin, note) = (&head.signed.checkpoint().origin, head.signed.to_bytes());
        let (size, time) = (signed(size), signed(time_unix_seconds));
        let write = || -> rusqlite::Result<bool> {
            let sql = "INSERT INTO head (origin, size, root, time, note) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (origin) DO UPDATE SET size = ?2, root = ?3, time = ?4, note = ?5";
            self.connection.prepare_cached(sql)?.execute(params![origin, size, root, time, note])?;
            let sql = "UPDATE cosigned SET last_time = ?3 WHERE origin = ?1 AND size = ?2";
            if self.connection.prepare_cached(sql)?.execute(params![origin, size, time])? > 0 {
                return Ok(false);
            }
            let sql = "INSERT INTO cosigned (origin, size, root, first_time, last_time, note) VALUES (?1, ?2, ?3, ?4, ?4, ?5)";
            self.connection.prepare_cached(sql)?.execute(params![origin, size, root, time, note])?;
            Ok(true)
        };
        let new = write().map_err(self.failed("record a cosignature"))?;
        let count = &mut self.counts.entry(origin.clone()).or_default().0;
        *count += u64::from(new);
        if *count >= retained.saturating_add(DROP_AT_ONCE) {
            let excess = *count - retained;
            *count = retained;
            let sql = "DELETE FROM cosigned WHERE origin = ?1 AND size IN (SELECT size FROM cosigned WHERE origin = ?1 ORDER BY size LIMIT ?2)";
            self.connection
                .execute(sql, params![origin, signed(excess)])
                .map_err(self.failed("drop old checkpoints"))?;
        }
        Ok(())
    }

    /// Keeps a checkpoint that the log signed and that was refused.
    pub(super) fn keep_refused(
        &mut self,
        refused: &SignedCheckpoint,
        time: u64,
        bound: u64,
    ) -> Result<(), WitnessError> {
        let checkpoint = refused.checkpoint();
        let count = self.counts.entry(checkpoint.origin.clone()).or_default();
        if count.1 >= bound {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO refused (origin, size, root, time, note) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row =
            params![checkpoint.origin, signed(checkpoint.size), checkpoint.root, signed(time), refused.to_bytes()];
        let added = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(row));
        count.1 += added.map_err(WitnessError::database("keep a refused checkpoint", &self.path))? as u64;
        Ok(())
    }

    /// Checkpoints of the same origin and size with another root that are on record, the cosigned one first.
    pub(super) fn of_size(&self, wanted: &SignedCheckpoint) -> Result<Vec<Known>, WitnessError> {
        let checkpoint = wanted.checkpoint();
        let Some(log) = self.logs.get(&checkpoint.origin) else { return Ok(Vec::new()) };
        let sql = "SELECT note, 1 AS cosigned FROM cosigned WHERE origin = ?1 AND size = ?2 AND root <> ?3
            UNION ALL SELECT note, 0 FROM refused WHERE origin = ?1 AND size = ?2 AND root <> ?3 ORDER BY cosigned DESC LIMIT 2";
        let rows = self.connection.prepare_cached(sql).and_then(|mut statement| {
            let row = params![checkpoint.origin, signed(checkpoint.size), checkpoint.root];
            let read = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, bool>(1)?));
            statement.query_map(row, read)?.collect::<Result<Vec<_>, _>>()
        });
        let rows = rows.map_err(self.failed("look for a contradiction"))?;
        let read = |(note, cosigned): (Vec<u8>, bool)| -> Result<Known, WitnessError> {
            Ok(Known { signed: SignedCheckpoint::parse_for_keys(&note, &log.origin, &log.keys)?, cosigned })
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) fn keep_alarm(&self, alarm: &Alarm) -> Result<(), WitnessError> {
        let sql = "INSERT OR IGNORE INTO alarm (name, origin, size, first, second, time, evidence, statement)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let row = params![
            alarm.name,
            alarm.origin,
            signed(alarm.size),
            alarm.roots[0],
            alarm.roots[1],
            signed(alarm.found_unix_seconds),
            alarm.evidence,
            alarm.statement
        ];
        self.connection.execute(sql, row).map(|_| ()).map_err(self.failed("keep an alarm"))
    }

    pub(super) fn alarms(&self) -> Result<Vec<Alarm>, WitnessError> {
        let sql = "SELECT name, origin, size, first, second, time, evidence, statement FROM alarm ORDER BY time, name";
        let alarms = self.connection.prepare(sql).and_then(|mut statement| {
            let read = |row: &Row<'_>| {
                Ok(Alarm {
                    name: row.get(0)?,
                    origin: row.get(1)?,
                    size: unsigned(row, 2)?,
                    roots: [row.get(3)?, row.get(4)?],
                    found_unix_seconds: unsigned(row, 5)?,
                    evidence: row.get(6)?,
                    statement: row.get(7)?,
                })
            };
            statement.query_map([], read)?.collect::<Result<Vec<_>, _>>()
        });
        alarms.map_err(self.failed("read the alarms"))
    }

    /// Signs an alarm as the next statement of the issuer's chain, whose place is part of the record.
    pub(super) fn state_alarm(&self, issuer: &AlarmIssuer, alarm: &Alarm) -> Result<Vec<u8>, WitnessError> {
        let chain = self.meta("alarm-chain")?.map_or_else(|| Ok(Chain::default()), |text| Chain::parse(&text))?;
        let (bytes, next) = alarm.state(issuer, &chain)?;
        self.set_meta("alarm-chain", &next.to_string())?;
        Ok(bytes)
    }

    pub(super) fn mark_rolled_back(&self, what: &str) -> Result<(), WitnessError> {
        self.set_meta("rolled-back", what)
    }
}

/// SQLite's integers are signed; sizes and times of C2SP are below 2^63.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
