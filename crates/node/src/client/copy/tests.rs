use super::*;
use proptest::prelude::*;
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::note::{KeyType, NoteSigner};

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|index| format!("entry {index}").into_bytes()).collect()
}

fn head(size: u64) -> SignedCheckpoint {
    let leaves: Vec<Hash> = entries(0..size).iter().map(|entry| leaf_hash(entry)).collect();
    Checkpoint::new("log.example", size, merkle::root(&leaves)).sign(&log()).unwrap()
}

fn open(directory: &Path) -> LogCopy {
    LogCopy::open(directory, log().verifier(), Limits::default()).unwrap()
}

#[test]
fn it_grows_in_steps_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut copy = open(folder.path());
    let sizes = [0, 3, 3, 255, 256, 257, 600];
    let mut from = 0;
    for size in sizes {
        copy.extend(&head(size), entries(from..size)).unwrap();
        from = size;
    }
    drop(copy);
    let copy = open(folder.path());
    assert_eq!(copy.size(), 600);
    assert_eq!(copy.entries(254).unwrap(), entries(254..600));
    assert_eq!(copy.seen_sizes(), [0, 3, 255, 256, 257, 600]);
    // Any reader of log folders takes it, and narrower bundles are gone.
    let read = reader::read_log(folder.path(), log().verifier(), &Limits::default()).unwrap();
    assert_eq!(read.entries, entries(0..600));
    assert!(!folder.path().join("tile/entries/000.p/255").exists());
    assert!(matches!(
        LogCopy::open(folder.path(), log().verifier(), Limits::default()),
        Err(ClientError::Tlog(TlogError::Locked { .. }))
    ));
}

#[test]
fn entries_that_lead_elsewhere_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut copy = open(folder.path());
    copy.extend(&head(300), entries(0..300)).unwrap();
    let mut wrong = entries(300..310);
    wrong[4][0] ^= 1;
    assert!(matches!(copy.extend(&head(310), wrong), Err(ClientError::Tlog(TlogError::RootMismatch { .. }))));
    assert!(matches!(
        copy.extend(&head(310), entries(300..309)),
        Err(ClientError::Tlog(TlogError::RootMismatch { .. }))
    ));
    copy.extend(&head(310), entries(300..310)).unwrap();
    assert_eq!(copy.entries(299).unwrap(), entries(299..310));
    assert!(matches!(
        copy.remember(&Checkpoint::new("log.example", 5, [9; 32]).sign(&log()).unwrap()),
        Err(ClientError::Tlog(_))
    ));
}

/// A reader that finds a kept head beyond the newest says that the log withholds entries, so a crash must never leave that.
#[test]
fn a_crash_between_the_two_files_of_a_head_accuses_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut copy = open(folder.path());
    copy.extend(&head(3), entries(0..3)).unwrap();
    let kept = folder.path().join("checkpoints/5");
    std::fs::create_dir_all(kept.join("in the way")).unwrap();
    assert!(copy.extend(&head(5), entries(3..5)).is_err(), "the lasting copy cannot be written");
    drop(copy);
    std::fs::remove_dir_all(&kept).unwrap();
    let contents = reader::read_log(folder.path(), log().verifier(), &Limits::default()).unwrap();
    assert_eq!(contents.checkpoint.checkpoint().size, 5, "the newest head came first");
    // Opening writes what the crash left out.
    assert_eq!(open(folder.path()).seen_sizes(), [3, 5]);
    assert!(kept.is_file());
}

#[test]
fn a_damaged_copy_and_the_copy_of_another_log_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).extend(&head(3), entries(0..3)).unwrap();
    let other = NoteSigner::from_seed("other.example", KeyType::Ed25519, &[2; 32]).unwrap();
    assert!(matches!(LogCopy::open(folder.path(), other.verifier(), Limits::default()), Err(ClientError::Copy { .. })));
    let bundle = folder.path().join("tile/entries/000.p/3");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[4] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    assert!(matches!(LogCopy::open(folder.path(), log().verifier(), Limits::default()), Err(ClientError::Copy { .. })));
}

proptest! {
    #[test]
    fn the_edge_gives_the_roots_of_the_tree(size in 0_u64..700, more in 0_u64..300) {
        let leaves = |range| entries(range).iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>();
        let mut edge = Edge::of(&Tree::from_leaves(&leaves(0..size)));
        leaves(size..size + more).into_iter().for_each(|leaf| edge.push(leaf));
        prop_assert_eq!(edge.root(), merkle::root(&leaves(0..size + more)));
    }
}
