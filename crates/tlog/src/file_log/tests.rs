//! The writer: growth, recovery, and refusals.

use super::*;
use crate::fsck::fsck;
use crate::merkle::{verify_consistency, verify_inclusion};
use crate::note::KeyType;
use crate::reader::{Limits, read_history, read_log};
use crate::witness::FileWitness;
use std::fs;

fn signer() -> NoteSigner {
    NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn key() -> VerifierKey {
    signer().verifier().clone()
}

fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|i| format!("statement {i}").into_bytes()).collect()
}

/// A log of `size` published entries, closed.
fn log_of(directory: &Path, size: u64) {
    let mut log = FileLog::create(directory, &signer()).unwrap();
    log.append(&entries(0..size)).unwrap();
    log.publish().unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

fn assert_sound(directory: &Path, size: u64) {
    let report = fsck(directory, &key(), &Limits::default()).unwrap();
    assert_eq!((report.entries, report.problems), (size, vec![]));
    assert_eq!(read_log(directory, &key(), &Limits::default()).unwrap().entries, entries(0..size));
}

#[test]
fn it_grows_in_steps_over_bundle_borders_and_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(directory.path(), &signer()).unwrap();
    let mut size = 0;
    for step in [1, 3, 251, 1, 1, 300, 0, 212] {
        assert_eq!(log.append(&entries(size..size + step)).unwrap(), size..size + step);
        size += step;
        let signed = log.publish().unwrap();
        assert_eq!(signed.checkpoint().size, size);
        assert_sound(directory.path(), size);
    }
    let proof = log.inclusion_proof(256, size).unwrap();
    verify_inclusion(&leaf_hash(b"statement 256"), 256, size, &proof, &log.head().checkpoint().root).unwrap();
    let history = read_history(directory.path(), &key(), &Limits::default()).unwrap();
    assert_eq!(history.iter().map(|c| c.checkpoint().size).collect::<Vec<_>>(), [0, 1, 4, 255, 256, 257, 557, 769]);
    for old in &history {
        let old = old.checkpoint();
        let proof = log.consistency_proof(old.size, size).unwrap();
        verify_consistency(old.size, size, &proof, &old.root, &log.head().checkpoint().root).unwrap();
    }
    assert!(!directory.path().join("tile/entries/000.p").exists(), "partial bundles vanish when the full one is there");
}

#[test]
fn entries_survive_without_publication_and_are_published_after_opening() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(directory.path(), &signer()).unwrap();
    log.append(&entries(0..5)).unwrap();
    drop(log);
    let mut log = FileLog::open(directory.path(), &signer()).unwrap();
    assert_eq!((log.size(), log.head().checkpoint().size), (5, 0));
    log.append(&entries(5..6)).unwrap();
    log.publish().unwrap();
    assert_sound(directory.path(), 6);
}

#[test]
fn everything_public_is_rebuilt_from_the_entries() {
    let directory = tempfile::tempdir().unwrap();
    log_of(directory.path(), 700);
    fs::remove_dir_all(directory.path().join("tile")).unwrap();
    fs::remove_dir_all(directory.path().join("checkpoints")).unwrap();
    fs::remove_file(directory.path().join("checkpoint")).unwrap();
    FileLog::open(directory.path(), &signer()).unwrap();
    assert_sound(directory.path(), 700);
    fs::write(directory.path().join("tile/0/001"), b"garbage").unwrap();
    assert_eq!(fsck(directory.path(), &key(), &Limits::default()).unwrap().problems.len(), 1);
    FileLog::open(directory.path(), &signer()).unwrap();
    assert_sound(directory.path(), 700);
}

#[test]
fn a_new_write_ahead_file_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { wal_reset_bytes: 1000, ..Options::default() };
    let mut size = 0;
    for step in [100, 156, 10, 246, 600, 1] {
        let opened = if size == 0 { FileLog::create_with } else { FileLog::open_with };
        let mut log = opened(directory.path(), &signer(), &options).unwrap();
        log.append(&entries(size..size + step)).unwrap();
        size += step;
        log.publish().unwrap();
        drop(log);
        assert_sound(directory.path(), size);
    }
    assert!(fs::metadata(directory.path().join(".state/wal")).unwrap().len() < 1000);
    // Hash tiles can still be rebuilt, from the bundles; entries cannot, and the log then refuses to go on.
    fs::remove_dir_all(directory.path().join("tile/0")).unwrap();
    drop(FileLog::open(directory.path(), &signer()).unwrap());
    assert_sound(directory.path(), size);
    fs::remove_file(directory.path().join("tile/entries/001")).unwrap();
    let error = FileLog::open(directory.path(), &signer()).unwrap_err();
    assert!(matches!(error, TlogError::Missing { .. }) && error.to_string().contains("mirror"), "{error}");
}

#[test]
fn a_changed_entry_is_never_signed_over() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { wal_reset_bytes: 0, ..Options::default() };
    let mut log = FileLog::create_with(directory.path(), &signer(), &options).unwrap();
    log.append(&entries(0..300)).unwrap();
    log.publish().unwrap();
    drop(log);
    let path = directory.path().join("tile/entries/000");
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(FileLog::open(directory.path(), &signer()), Err(TlogError::RolledBack { .. })));
    assert!(matches!(read_log(directory.path(), &key(), &Limits::default()), Err(TlogError::RootMismatch { .. })));
}

#[test]
fn one_writer_at_a_time_and_only_with_the_right_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(directory.path(), &signer()).unwrap();
    assert!(matches!(FileLog::open(directory.path(), &signer()), Err(TlogError::Locked { .. })));
    let same_name = NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[2; 32]).unwrap();
    log.append(&entries(0..1)).unwrap();
    drop(log);
    assert!(matches!(FileLog::open(directory.path(), &same_name), Err(TlogError::WrongKey { .. })));
    let other_name = NoteSigner::from_seed("other", KeyType::Ed25519, &[2; 32]).unwrap();
    assert!(matches!(FileLog::open(directory.path(), &other_name), Err(TlogError::Missing { .. })));
    for signer in [signer(), other_name] {
        assert!(matches!(FileLog::create(directory.path(), &signer), Err(TlogError::AlreadyExists { .. })));
    }
    assert!(matches!(FileLog::open(&directory.path().join("none"), &signer()), Err(TlogError::Missing { .. })));
}

#[test]
fn restored_older_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (log_directory, backup) = (directory.path().join("log"), directory.path().join("backup"));
    log_of(&log_directory, 3);
    copy(&log_directory, &backup);
    let mut log = FileLog::open(&log_directory, &signer()).unwrap();
    log.append(&entries(3..5)).unwrap();
    log.publish().unwrap();
    drop(log);
    // The head cell alone comes back: all entries are there, but the log has signed more than the cell says.
    let cells = |root: &Path| fs::read_dir(root.join(".state")).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    let cell = cells(&log_directory).into_iter().find(|path| path.to_string_lossy().contains("head-")).unwrap();
    let newest = fs::read(&cell).unwrap();
    fs::copy(backup.join(".state").join(cell.file_name().unwrap()), &cell).unwrap();
    assert!(matches!(FileLog::open(&log_directory, &signer()), Err(TlogError::RolledBack { signed_size: 5, .. })));
    fs::write(&cell, newest).unwrap();
    // The write-ahead file alone comes back: fewer entries than signed.
    fs::copy(backup.join(".state/wal"), log_directory.join(".state/wal")).unwrap();
    let error = FileLog::open(&log_directory, &signer()).unwrap_err();
    assert!(matches!(error, TlogError::RolledBack { signed_size: 5, .. }), "{error}");
    assert!(error.to_string().contains("Nothing was signed"));
    // State comes back, public files do not: the public checkpoint is newer than the head cell.
    copy(&backup.join(".state"), &log_directory.join(".state"));
    assert!(matches!(FileLog::open(&log_directory, &signer()), Err(TlogError::RolledBack { signed_size: 5, .. })));
    fs::remove_file(log_directory.join("checkpoint")).unwrap();
    assert!(matches!(FileLog::open(&log_directory, &signer()), Err(TlogError::RolledBack { signed_size: 5, .. })));
}

#[test]
fn a_restored_whole_directory_is_caught_by_a_head_elsewhere_or_by_what_others_saw() {
    let directory = tempfile::tempdir().unwrap();
    let (log_directory, backup) = (directory.path().join("log"), directory.path().join("backup"));
    let options = Options { head_directory: Some(directory.path().join("heads")), ..Options::default() };
    let mut log = FileLog::create_with(&log_directory, &signer(), &options).unwrap();
    log.append(&entries(0..3)).unwrap();
    log.publish().unwrap();
    copy(&log_directory, &backup);
    log.append(&entries(3..5)).unwrap();
    let newest = log.publish().unwrap();
    // A copy under another path cannot run beside it, because the head directory is locked.
    assert!(matches!(FileLog::open_with(&backup, &signer(), &options), Err(TlogError::Locked { .. })));
    drop(log);
    assert!(matches!(
        FileLog::open_with(&backup, &signer(), &options),
        Err(TlogError::RolledBack { signed_size: 5, .. })
    ));
    let empty = directory.path().join("empty");
    assert!(matches!(FileLog::create_with(&empty, &signer(), &options), Err(TlogError::AlreadyExists { .. })));
    // The default keeps the head inside the directory; then what witnesses saw decides.
    let (inside, old) = (directory.path().join("inside"), directory.path().join("old"));
    log_of(&inside, 3);
    copy(&inside, &old);
    let seen = Options { seen: vec![newest.to_bytes()], ..Options::default() };
    let error = FileLog::open_with(&old, &signer(), &seen).unwrap_err();
    assert!(matches!(error, TlogError::RolledBack { signed_size: 5, .. }), "{error}");
}

#[test]
fn a_head_that_another_writer_moved_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(directory.path(), &signer()).unwrap();
    log.append(&entries(0..2)).unwrap();
    let cell = fs::read_dir(directory.path().join(".state")).unwrap().map(|e| e.unwrap().path());
    let cell = cell.into_iter().find(|path| path.to_string_lossy().contains("head-")).unwrap();
    let foreign = Checkpoint::new("party.example/log", 9, [7; 32]).sign(&signer()).unwrap();
    fs::write(&cell, foreign.to_bytes()).unwrap();
    assert!(matches!(log.publish(), Err(TlogError::HeadMoved { .. })));
    assert!(matches!(log.publish(), Err(TlogError::Poisoned { .. })));
    assert!(matches!(log.append(&entries(2..3)), Err(TlogError::Poisoned { .. })));
    assert_eq!(fs::read(&cell).unwrap(), foreign.to_bytes());
}

#[test]
fn oversize_entries_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(directory.path(), &signer()).unwrap();
    let batch = [b"good".to_vec(), vec![0; MAX_ENTRY_BYTES + 1]];
    assert!(matches!(log.append(&batch), Err(TlogError::TooLarge { .. })));
    assert_eq!(log.append(&[vec![0; MAX_ENTRY_BYTES]]).unwrap(), 0..1);
    log.publish().unwrap();
    assert_eq!(read_log(directory.path(), &key(), &Limits::default()).unwrap().entries.len(), 1);
}

#[test]
fn cosignatures_keep_the_first_for_deadlines_and_the_last_for_absence() {
    let directory = tempfile::tempdir().unwrap();
    let witness_signer = || NoteSigner::from_seed("w", KeyType::CosignatureV1, &[3; 32]).unwrap();
    let keys = [witness_signer().verifier().clone()];
    let mut witness = FileWitness::create(&directory.path().join("witness"), &witness_signer()).unwrap();
    let path = directory.path().join("log");
    let mut log = FileLog::create(&path, &signer()).unwrap();
    log.append(&entries(0..4)).unwrap();
    let signed = log.publish().unwrap().to_bytes();
    let first = witness.cosign(100, 0, &[], &signed, &key()).unwrap();
    let again = witness.cosign(200, 4, &[], &signed, &key()).unwrap();
    let time_in = |name: &str| {
        let stored = SignedCheckpoint::parse(&fs::read(path.join(name)).unwrap(), &key()).unwrap();
        stored.cosignatures(&keys).unwrap().iter().map(|v| v.time_unix_seconds).collect::<Vec<_>>()
    };
    log.add_cosignatures(4, &first, &keys).unwrap();
    log.add_cosignatures(4, &again, &keys).unwrap();
    log.add_cosignatures(4, &first, &keys).unwrap();
    assert_eq!((time_in("checkpoints/4"), time_in("checkpoint")), (vec![100], vec![200]));
    assert!(matches!(log.add_cosignatures(3, &first, &keys), Err(TlogError::Missing { .. })));
    assert!(matches!(log.add_cosignatures(4, &first, &[]), Err(TlogError::NoKnownSignature { .. })));
    // Opening and publishing again keep the cosignatures; without the log key they are added under the log's lock.
    assert!(matches!(add_cosignatures(&path, &key(), 4, &first, &keys), Err(TlogError::Locked { .. })));
    drop(log);
    let third = witness.cosign(300, 4, &[], &signed, &key()).unwrap();
    add_cosignatures(&path, &key(), 4, &third, &keys).unwrap();
    assert_eq!((time_in("checkpoints/4"), time_in("checkpoint")), (vec![100], vec![300]));
    let mut log = FileLog::open(&path, &signer()).unwrap();
    log.publish().unwrap();
    assert_eq!((time_in("checkpoints/4"), time_in("checkpoint")), (vec![100], vec![300]));
    // A newer checkpoint is not replaced by a cosigned older one.
    log.append(&entries(4..5)).unwrap();
    log.publish().unwrap();
    log.add_cosignatures(4, &third, &keys).unwrap();
    assert_eq!((time_in("checkpoints/4"), time_in("checkpoint")), (vec![100], vec![]));
}

#[test]
fn a_reader_refuses_more_than_its_limits_and_two_histories() {
    let directory = tempfile::tempdir().unwrap();
    log_of(directory.path(), 20);
    let few = Limits { max_entries: 19, ..Limits::default() };
    assert!(matches!(read_log(directory.path(), &key(), &few), Err(TlogError::TooLarge { .. })));
    let small = Limits { max_bytes: 100, ..Limits::default() };
    assert!(matches!(read_log(directory.path(), &key(), &small), Err(TlogError::TooLarge { .. })));
    let huge = Checkpoint::new("party.example/log", 1 << 60, [0; 32]).sign(&signer()).unwrap();
    let present = fs::read(directory.path().join("checkpoint")).unwrap();
    fs::write(directory.path().join("checkpoint"), huge.to_bytes()).unwrap();
    assert!(matches!(read_log(directory.path(), &key(), &Limits::default()), Err(TlogError::TooLarge { .. })));
    fs::write(directory.path().join("checkpoint"), present).unwrap();
    let contents = read_log(directory.path(), &key(), &Limits::default()).unwrap();
    assert!(matches!(contents.check_history(&huge), Err(TlogError::HistoryAhead { newest: 20, .. })));
    let other = Checkpoint::new("party.example/log", 7, [0; 32]).sign(&signer()).unwrap();
    assert!(matches!(contents.check_history(&other), Err(TlogError::HistoryMismatch { size: 7, .. })));
    fs::write(directory.path().join("checkpoints/7"), other.to_bytes()).unwrap();
    assert_eq!(fsck(directory.path(), &key(), &Limits::default()).unwrap().problems.len(), 1);
    fs::rename(directory.path().join("checkpoints/7"), directory.path().join("checkpoints/8")).unwrap();
    assert!(read_history(directory.path(), &key(), &Limits::default()).is_err());
}
