//! Rows of earlier walks, on disk: a folder of parts, each written whole under a temporary name and then renamed.
//!
//! A part is a line `magic sha256`, then JSON Lines: the persons, then entries. A part whose hash does not fit is reported, left out and
//! removed with the next write, so that damage costs time and nothing else. Whoever may write to the folder may forge rows: a cache is for its
//! owner, and no verifier reads one. Rows of commits with missing objects are not kept.

use super::history::Entry;
use crate::changes::ChangesError;
use crate::changes::crowd::Crowd;
use crate::changes::table::{Mark, Person, Row};
use gix::ObjectId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &str = "standstill/changes-cache/1";
/// So many parts are joined into one.
const MANY_PARTS: usize = 16;
/// Largest part that is read, in bytes.
const MAX_PART_BYTES: u64 = 4 << 30;

/// Entries by commit id.
pub(super) type Rows = HashMap<String, Entry>;

/// The cache of one method.
pub(super) struct Cache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    tree: String,
    names: [u64; 2],
    fingerprint: String,
    row: Row,
}

fn failed(path: &Path, error: &std::io::Error) -> ChangesError {
    ChangesError::Repository {
        path: path.display().to_string(),
        reason: format!("the cache cannot be written: {error}"),
    }
}

impl Cache {
    pub(super) fn open(folder: &Path, key: &str) -> Self {
        Self { folder: folder.join(key) }
    }

    fn parts(&self) -> Vec<PathBuf> {
        let Ok(listing) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut out: Vec<PathBuf> = listing
            .filter_map(|item| Some(item.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == "part"))
            .collect();
        out.sort();
        out
    }

    /// All rows, and the parts that are damaged.
    pub(super) fn load(&self, crowd: &mut Crowd) -> (Rows, Vec<PathBuf>) {
        let (mut rows, mut damaged) = (Rows::new(), Vec::new());
        for path in self.parts() {
            match read(&path, crowd) {
                Some(entries) => rows.extend(entries.into_iter().map(|entry| (entry.row.id.clone(), entry))),
                None => damaged.push(path),
            }
        }
        (rows, damaged)
    }

    /// Adds what is new; joins the parts when there are many, or one is broken.
    pub(super) fn store(&self, entries: &[Entry], crowd: &Crowd, broken: bool) -> Result<(), ChangesError> {
        let is_final = |entry: &&Entry| {
            !entry.row.has(Mark::Incomplete) && (entry.counted || entry.row.is_merge() || entry.row.has(Mark::Outside))
        };
        let fresh: Vec<&Entry> = entries.iter().filter(|entry| !entry.cached).filter(is_final).collect();
        let parts = self.parts();
        if fresh.is_empty() && !broken {
            return Ok(());
        }
        if parts.len() + 1 < MANY_PARTS && !broken {
            return self.write(&fresh, crowd).map(drop);
        }
        let all: Vec<&Entry> = entries.iter().filter(is_final).collect();
        let written = self.write(&all, crowd)?;
        for path in parts.iter().filter(|path| **path != written) {
            // Another process may have removed it already.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    fn write(&self, entries: &[&Entry], crowd: &Crowd) -> Result<PathBuf, ChangesError> {
        let body = encode(entries, crowd).map_err(|error| failed(&self.folder, &error))?;
        let digest = hex::encode(Sha256::digest(&body));
        let path = self.folder.join(format!("{}.part", &digest[..32]));
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(format!("{MAGIC} {digest}\n").as_bytes())?;
            file.write_all(&body)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| failed(&path, &error))?;
        Ok(path)
    }
}

fn encode(entries: &[&Entry], crowd: &Crowd) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(entries.len() * 450 + 1_024);
    serde_json::to_writer(&mut out, crowd.members())?;
    out.push(b'\n');
    for entry in entries {
        let stored = Stored {
            tree: entry.tree.to_string(),
            names: entry.names,
            fingerprint: entry.fingerprint.clone(),
            row: entry.row.clone(),
        };
        serde_json::to_writer(&mut out, &stored)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// The bytes of a part after its first line, when they have the hash that it names.
fn checked(path: &Path) -> Option<Vec<u8>> {
    if fs::metadata(path).ok()?.len() > MAX_PART_BYTES {
        return None;
    }
    let mut bytes = fs::read(path).ok()?;
    let end = memchr::memchr(b'\n', &bytes)?;
    let digest = std::str::from_utf8(&bytes[..end]).ok()?.strip_prefix(MAGIC)?.strip_prefix(' ')?.to_owned();
    let body = bytes.split_off(end + 1);
    (hex::encode(Sha256::digest(&body)) == digest).then_some(body)
}

fn read(path: &Path, crowd: &mut Crowd) -> Option<Vec<Entry>> {
    let body = checked(path)?;
    let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let members: Vec<Person> = serde_json::from_slice(lines.next()?).ok()?;
    let mut entries = Vec::new();
    for line in lines {
        let stored: Stored = serde_json::from_slice(line).ok()?;
        let tree = ObjectId::from_hex(stored.tree.as_bytes()).ok()?;
        entries.push(Entry {
            row: stored.row,
            tree,
            names: stored.names,
            fingerprint: stored.fingerprint,
            cached: true,
            counted: true,
        });
    }
    // Only a part that is read whole may add to the crowd.
    let to: Vec<u32> = members.into_iter().map(|person| crowd.place(person)).collect();
    for entry in &mut entries {
        super::renumber(&mut entry.row, &to);
    }
    let known = |entry: &mut Entry| {
        let actors = [entry.row.author, entry.row.committer];
        super::lists(&mut entry.row)
            .into_iter()
            .flat_map(|list| list.iter())
            .chain(&actors)
            .all(|place| *place != u32::MAX)
    };
    entries.iter_mut().all(known).then_some(entries)
}
