//! The write-ahead file: entries that were acknowledged, in order, each batch with a checksum.
//!
//! ```text
//! header  "standstill/1/wal\n"  id: 16 random bytes  base: u64     index of the first entry in this file
//! batch   "WAL1"  first: u64  count: u32  length: u32  check: 8 bytes  body: `length` bytes
//! body    `count` times: u16 length, entry                          as in an entry bundle
//! check   SHA-256("standstill/1/wal-batch\0" ‖ id ‖ first ‖ count ‖ length ‖ body)[..8]
//! ```
//! All integers are big-endian. A batch is written by one write and synced before it is acknowledged, so after a crash only the last
//! batch can be incomplete: it is cut off. A bad batch with a good one behind it is damage, not a torn write, and is never cut off. The
//! random id keeps an entry that imitates a batch from being taken for one.

use crate::TlogError;
use crate::durable::{read_limited, write_atomic};
use crate::tile::{encode_bundle_into, split_entry};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 17] = b"standstill/1/wal\n";
const HEADER_BYTES: usize = 17 + 16 + 8;
const BATCH_MAGIC: &[u8; 4] = b"WAL1";
const BATCH_HEADER_BYTES: usize = 4 + 8 + 4 + 4 + 8;

/// Largest write-ahead file, in bytes; a log publishes, and so starts a new file, long before.
const MAX_WAL_BYTES: u64 = 1 << 30;

/// The open file, positioned at its end.
#[derive(Debug)]
pub struct Wal {
    file: File,
    path: PathBuf,
    id: [u8; 16],
    length_bytes: u64,
    /// The last batch, kept for its room: fresh memory of this size costs more than what is written into it.
    batch: Vec<u8>,
}

impl Wal {
    /// Starts a new file whose first entry will have index `base`, in place of any other.
    ///
    /// # Errors
    /// [`TlogError::Io`], [`TlogError::Randomness`].
    pub fn create(path: &Path, base: u64) -> Result<Self, TlogError> {
        let mut id = [0_u8; 16];
        getrandom::fill(&mut id).map_err(|_| TlogError::Randomness)?;
        let mut header = MAGIC.to_vec();
        header.extend(id);
        header.extend(base.to_be_bytes());
        write_atomic(path, &header)?;
        Self::at_end(path, id, header.len() as u64)
    }

    /// Reads the file back: the writer, the base index, and all entries.
    ///
    /// # Errors
    /// [`TlogError::DamagedWal`] for damage before the last batch or in the header, [`TlogError::Io`].
    pub fn open(path: &Path) -> Result<(Self, u64, Vec<Vec<u8>>), TlogError> {
        let bytes = read_limited(path, "write-ahead file bytes", MAX_WAL_BYTES)?.unwrap_or_default();
        let (id, base) =
            parse_header(&bytes).ok_or_else(|| TlogError::DamagedWal { path: path.to_owned(), offset: 0 })?;
        let mut entries = Vec::new();
        let mut offset = HEADER_BYTES;
        while offset < bytes.len() {
            let next = base + entries.len() as u64;
            match parse_batch(&bytes[offset..], &id) {
                Some(batch) if batch.first == next => {
                    entries.extend(batch.entries);
                    offset += batch.length_bytes;
                }
                None if !has_later_batch(&bytes[offset..], &id) => break,
                _ => return Err(TlogError::DamagedWal { path: path.to_owned(), offset: offset as u64 }),
            }
        }
        let wal = Self::at_end(path, id, offset as u64)?;
        Ok((wal, base, entries))
    }

    /// Opens for appending at `length_bytes`, cutting off what lies behind. Synced, because what was read back may until now have
    /// been in the page cache only, and tiles are about to be made from it.
    fn at_end(path: &Path, id: [u8; 16], length_bytes: u64) -> Result<Self, TlogError> {
        let opened = OpenOptions::new().write(true).open(path).and_then(|mut file| {
            file.set_len(length_bytes)?;
            file.sync_all()?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        });
        let file = opened.map_err(TlogError::io("open", path))?;
        Ok(Self { file, path: path.to_owned(), id, length_bytes, batch: Vec::new() })
    }

    /// Writes one batch and waits until it is on the disk.
    ///
    /// # Errors
    /// [`TlogError::TooLarge`] (nothing was written); [`TlogError::Io`]: the end of the file is unknown then, see [`Wal::cut_off_failed`].
    pub fn append<E: AsRef<[u8]>>(&mut self, first: u64, entries: &[E]) -> Result<(), TlogError> {
        let batch = &mut self.batch;
        batch.clear();
        batch.resize(BATCH_HEADER_BYTES, 0);
        encode_bundle_into(entries, batch)?;
        let body_bytes = batch.len() - BATCH_HEADER_BYTES;
        let too_large =
            |_| TlogError::TooLarge { what: "batch bytes", found: body_bytes as u64, limit: u64::from(u32::MAX) };
        let length_after = self.length_bytes + batch.len() as u64;
        if length_after > MAX_WAL_BYTES {
            let what = "write-ahead file bytes (publish first)";
            return Err(TlogError::TooLarge { what, found: length_after, limit: MAX_WAL_BYTES });
        }
        let count = u32::try_from(entries.len()).map_err(too_large)?;
        let length = u32::try_from(body_bytes).map_err(too_large)?;
        let (header, body) = batch.split_at_mut(BATCH_HEADER_BYTES);
        header[..4].copy_from_slice(BATCH_MAGIC);
        header[4..12].copy_from_slice(&first.to_be_bytes());
        header[12..16].copy_from_slice(&count.to_be_bytes());
        header[16..20].copy_from_slice(&length.to_be_bytes());
        let check = check(&self.id, &header[4..20], body);
        header[20..].copy_from_slice(&check);
        self.file.write_all(batch).map_err(TlogError::io("append to", &self.path))?;
        self.file.sync_data().map_err(TlogError::io("sync", &self.path))?;
        self.length_bytes = length_after;
        Ok(())
    }

    /// After a failed [`Wal::append`]: cuts off whatever reached the file, so that it ends again behind the last acknowledged batch.
    ///
    /// # Errors
    /// [`TlogError::Io`] when that fails too; the file must then be opened again before anything is appended.
    pub fn cut_off_failed(&mut self) -> Result<(), TlogError> {
        let cut = self.file.set_len(self.length_bytes).and_then(|()| {
            self.file.seek(SeekFrom::Start(self.length_bytes))?;
            self.file.sync_all()
        });
        cut.map_err(TlogError::io("cut off a failed write in", &self.path))
    }

    /// Length of the file, in bytes.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }
}

fn parse_header(bytes: &[u8]) -> Option<([u8; 16], u64)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (base, _) = rest.split_first_chunk::<8>()?;
    Some((*id, u64::from_be_bytes(*base)))
}

struct Batch {
    first: u64,
    entries: Vec<Vec<u8>>,
    length_bytes: usize,
}

/// Reads a whole, intact batch at the start of `bytes`.
fn parse_batch(bytes: &[u8], id: &[u8; 16]) -> Option<Batch> {
    let rest = bytes.strip_prefix(BATCH_MAGIC)?;
    let (fields, rest) = rest.split_first_chunk::<16>()?;
    let (stored_check, rest) = rest.split_first_chunk::<8>()?;
    let first = u64::from_be_bytes(fields[..8].try_into().ok()?);
    let count = u32::from_be_bytes(fields[8..12].try_into().ok()?);
    let length = usize::try_from(u32::from_be_bytes(fields[12..].try_into().ok()?)).ok()?;
    let body = rest.get(..length)?;
    if check(id, fields, body) != *stored_check {
        return None;
    }
    let mut entries = Vec::new();
    let mut left = body;
    for _ in 0..count {
        let (entry, after) = split_entry(left)?;
        entries.push(entry.to_vec());
        left = after;
    }
    left.is_empty().then_some(Batch { first, entries, length_bytes: BATCH_HEADER_BYTES + length })
}

/// Whether an intact batch starts anywhere behind the bad one.
fn has_later_batch(bytes: &[u8], id: &[u8; 16]) -> bool {
    let starts = bytes.windows(BATCH_MAGIC.len()).enumerate().skip(1).filter(|(_, window)| window == BATCH_MAGIC);
    starts.map(|(start, _)| start).any(|start| parse_batch(&bytes[start..], id).is_some())
}

fn check(id: &[u8; 16], fields: &[u8], body: &[u8]) -> [u8; 8] {
    let mut hasher = Sha256::new();
    hasher.update(b"standstill/1/wal-batch\0");
    hasher.update(id);
    hasher.update(fields);
    hasher.update(body);
    let hash: [u8; 32] = hasher.finalize().into();
    [hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (tempfile::TempDir, PathBuf, Vec<u64>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wal");
        let mut wal = Wal::create(&path, 10).unwrap();
        let mut ends = vec![wal.length_bytes()];
        for (first, batch) in [(10, vec!["a", "bb"]), (12, vec!["ccc"]), (13, vec!["", "e"])] {
            wal.append(first, &batch).unwrap();
            ends.push(wal.length_bytes());
        }
        (directory, path, ends)
    }

    #[test]
    fn what_was_written_is_read_back() {
        let (_directory, path, ends) = written();
        let (wal, base, entries) = Wal::open(&path).unwrap();
        assert_eq!((base, entries), (10, vec![b"a".to_vec(), b"bb".to_vec(), b"ccc".to_vec(), vec![], b"e".to_vec()]));
        assert_eq!(wal.length_bytes(), ends[3]);
    }

    #[test]
    fn every_truncation_keeps_exactly_the_whole_batches() {
        let (_directory, path, ends) = written();
        let whole = std::fs::read(&path).unwrap();
        for length in HEADER_BYTES..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (mut wal, _, entries) = Wal::open(&path).unwrap();
            let kept = ends.iter().filter(|end| **end <= length as u64).count() - 1;
            assert_eq!(entries.len(), [0, 2, 3, 5][kept], "cut at {length}");
            // The log goes on behind the cut.
            wal.append(10 + entries.len() as u64, &["next"]).unwrap();
            assert_eq!(Wal::open(&path).unwrap().2.len(), entries.len() + 1);
        }
    }

    #[test]
    fn a_torn_last_batch_is_dropped_but_damage_before_it_is_not() {
        let (_directory, path, ends) = written();
        let whole = std::fs::read(&path).unwrap();
        for at in HEADER_BYTES..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x40;
            std::fs::write(&path, &damaged).unwrap();
            match Wal::open(&path) {
                Ok((_, _, entries)) => {
                    assert!(at as u64 >= ends[2] && entries.len() == 3, "damage at {at} went unnoticed")
                }
                Err(TlogError::DamagedWal { .. }) => assert!((at as u64) < ends[2], "a torn tail at {at} was refused"),
                Err(other) => panic!("{other}"),
            }
        }
        std::fs::write(&path, &whole[..HEADER_BYTES - 1]).unwrap();
        assert!(matches!(Wal::open(&path), Err(TlogError::DamagedWal { offset: 0, .. })));
    }

    #[test]
    fn an_entry_that_imitates_a_batch_does_not_count_as_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wal");
        Wal::create(&path, 0).unwrap().append(0, &["x"]).unwrap();
        let imitation = std::fs::read(&path).unwrap()[HEADER_BYTES..].to_vec();
        let mut wal = Wal::create(&path, 0).unwrap();
        // Padding behind it, so that the tear leaves the imitation itself whole.
        wal.append(0, &[[&imitation[..], b"padding"].concat()]).unwrap();
        let torn = std::fs::read(&path).unwrap();
        std::fs::write(&path, &torn[..torn.len() - 1]).unwrap();
        assert!(Wal::open(&path).unwrap().2.is_empty());
    }
}
