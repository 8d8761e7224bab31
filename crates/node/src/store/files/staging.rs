//! Staged batches in write-ahead files, one after the other, so that what tiles cover can be removed without stopping the writer.

use super::super::StoreError;
use standstill_tlog::TlogError;
use standstill_tlog::file_log::wal::Wal;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the file whose first entry has index `base`.
pub(super) fn segment_path(state: &Path, base: u64) -> PathBuf {
    state.join(format!("wal-{base:020}"))
}

/// The write-ahead files of a log.
#[derive(Debug)]
pub(super) struct Staging {
    state: PathBuf,
    wal_bytes: u64,
    /// The file that is appended to, with the index of its next entry; none before [`Staging::recover`] and after a failure.
    active: Option<(Wal, u64)>,
    /// Finished files that are not removed yet.
    closed: Vec<PathBuf>,
    /// The file of `active`.
    active_path: PathBuf,
}

impl Staging {
    pub(super) fn new(state: &Path, wal_bytes: u64) -> Self {
        Self { state: state.to_owned(), wal_bytes, active: None, closed: Vec::new(), active_path: PathBuf::new() }
    }

    /// Reads all files back: the first index and the entries. Starts the first file when there is none.
    pub(super) fn recover(&mut self) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
        self.active = None;
        self.closed.clear();
        let bases = self.bases()?;
        let Some((last, earlier)) = bases.split_last() else {
            self.active_path = segment_path(&self.state, 0);
            self.active = Some((Wal::create(&self.active_path, 0)?, 0));
            return Ok((0, Vec::new()));
        };
        let first = *bases.first().unwrap_or(last);
        let mut entries = Vec::new();
        for (position, base) in earlier.iter().enumerate() {
            let path = segment_path(&self.state, *base);
            entries.extend(read_segment(&path, *base)?.1);
            let next = earlier.get(position + 1).unwrap_or(last);
            if first + entries.len() as u64 != *next {
                return Err(TlogError::DamagedWal { path, offset: fs_length(&segment_path(&self.state, *base)) }.into());
            }
            self.closed.push(path);
        }
        self.active_path = segment_path(&self.state, *last);
        let (wal, logged) = read_segment(&self.active_path, *last)?;
        entries.extend(logged);
        self.active = Some((wal, first + entries.len() as u64));
        Ok((first, entries))
    }

    /// Writes one batch and waits until it is on the disk. After a failure the file is cut back to what was acknowledged.
    pub(super) fn append(&mut self, first: u64, entries: &[Vec<u8>]) -> Result<(), StoreError> {
        let place = self.active_path.display().to_string();
        let action = "write ahead";
        let Some((wal, next)) = self.active.as_mut() else {
            let problem = "an earlier write failed and could not be undone".to_owned();
            return Err(StoreError::Unknown { action, place, problem });
        };
        if *next != first {
            return Err(StoreError::SecondWriter { place });
        }
        let Err(error) = wal.append(first, entries) else {
            *next += entries.len() as u64;
            return Ok(());
        };
        let problem = error.to_string();
        match wal.cut_off_failed() {
            Ok(()) => Err(StoreError::Unchanged { action, place, problem }),
            Err(_) => {
                self.active = None;
                Err(StoreError::Unknown { action, place, problem })
            }
        }
    }

    /// When the active file is large and everything in it is below `size`, begins the next one. Gives all files that may be removed
    /// once the tiles are durable.
    pub(super) fn close_if_large(&mut self, size: u64) -> Result<Vec<PathBuf>, StoreError> {
        let Some((wal, _)) = self.active.as_ref().filter(|(_, next)| *next == size) else { return Ok(Vec::new()) };
        if wal.length_bytes() >= self.wal_bytes {
            let path = segment_path(&self.state, size);
            let wal = Wal::create(&path, size)?;
            self.closed.push(std::mem::replace(&mut self.active_path, path));
            self.active = Some((wal, size));
        }
        Ok(std::mem::take(&mut self.closed))
    }

    fn bases(&self) -> Result<Vec<u64>, StoreError> {
        let names = fs::read_dir(&self.state).map_err(|error| super::unchanged("list", &self.state, &error))?;
        let mut bases: Vec<u64> =
            names.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("wal-")?.parse().ok()).collect();
        bases.sort_unstable();
        Ok(bases)
    }
}

fn fs_length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |data| data.len())
}

fn read_segment(path: &Path, expected_base: u64) -> Result<(Wal, Vec<Vec<u8>>), StoreError> {
    let (wal, base, entries) = Wal::open(path)?;
    if base != expected_base {
        return Err(TlogError::DamagedWal { path: path.to_owned(), offset: 0 }.into());
    }
    Ok((wal, entries))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn entry(index: u64) -> Vec<u8> {
        format!("entry {index}").into_bytes()
    }

    #[test]
    fn files_follow_each_other_and_are_read_back_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let mut staging = Staging::new(directory.path(), 60);
        assert_eq!(staging.recover().unwrap(), (0, vec![]));
        for index in 0..5 {
            staging.append(index, &[entry(index)]).unwrap();
            // The caller removes nothing here, so all of them are read back.
            staging.close_if_large(index + 1).unwrap();
        }
        assert!(matches!(staging.append(4, &[entry(4)]), Err(StoreError::SecondWriter { .. })));
        let mut again = Staging::new(directory.path(), 60);
        assert_eq!(again.recover().unwrap(), (0, (0..5).map(entry).collect()));
        assert!(again.closed.len() >= 2);
        // What tiles cover may go; the rest still starts at its own index.
        for path in again.close_if_large(5).unwrap() {
            std::fs::remove_file(path).unwrap();
        }
        let (base, left) = Staging::new(directory.path(), 60).recover().unwrap();
        assert_eq!((base + left.len() as u64, left.is_empty()), (5, base == 5));
    }

    #[test]
    fn a_missing_file_in_the_middle_is_damage() {
        let directory = tempfile::tempdir().unwrap();
        let mut staging = Staging::new(directory.path(), 1);
        staging.recover().unwrap();
        for index in 0..3 {
            staging.append(index, &[entry(index)]).unwrap();
            staging.close_if_large(index + 1).unwrap();
        }
        std::fs::remove_file(segment_path(directory.path(), 1)).unwrap();
        assert!(Staging::new(directory.path(), 1).recover().is_err());
    }
}
