//! The same questions to another implementation of the same specifications (`tlog_tiles`, `signed_note`): tree hashes, proofs, tile
//! names, notes and checkpoints, in both directions.
#![allow(clippy::unwrap_used, reason = "test code outside #[test] functions")]

use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use standstill_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use standstill_tlog::merkle::{Hash, Tree, leaf_hash, verify_consistency, verify_inclusion};
use standstill_tlog::note::{KeyType, Note, NoteSigner, VerifierKey};
use standstill_tlog::tile::{self, Kind, TileId};
use tlog_tiles::{HashReader, tlog};

/// Their stored hashes, in memory.
struct Stored(Vec<tlog::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

fn ours(proof: &[tlog::Hash]) -> Vec<Hash> {
    proof.iter().map(|hash| hash.0).collect()
}

fn theirs(proof: &[Hash]) -> Vec<tlog::Hash> {
    proof.iter().map(|hash| tlog::Hash(*hash)).collect()
}

#[test]
fn trees_and_proofs_agree_in_both_directions() {
    let (mut stored, mut tree) = (Stored(Vec::new()), Tree::new());
    for n in 0..130_u64 {
        let data = n.to_be_bytes();
        let new = tlog::stored_hashes(n, &data, &stored).unwrap();
        stored.0.extend(new);
        tree.push(leaf_hash(&data));
    }
    for size in 1..=130_u64 {
        let root = tree.root_at(size).unwrap();
        assert_eq!(tlog::tree_hash(size, &stored).unwrap().0, root);
        for index in 0..size {
            let their_proof = tlog::prove_record(size, index, &stored).unwrap();
            let our_proof = tree.inclusion_proof(index, size).unwrap();
            assert_eq!(ours(&their_proof), our_proof);
            verify_inclusion(tree.leaf(index).unwrap(), index, size, &ours(&their_proof), &root).unwrap();
            tlog::check_record(
                &theirs(&our_proof),
                size,
                tlog::Hash(root),
                index,
                tlog::Hash(*tree.leaf(index).unwrap()),
            )
            .unwrap();
            let (old, old_root) = (index + 1, tree.root_at(index + 1).unwrap());
            let their_proof = tlog::prove_tree(size, old, &stored).unwrap();
            let our_proof = tree.consistency_proof(old, size).unwrap();
            assert_eq!(ours(&their_proof), our_proof);
            verify_consistency(old, size, &ours(&their_proof), &old_root, &root).unwrap();
            tlog::check_tree(&theirs(&our_proof), size, tlog::Hash(root), old, tlog::Hash(old_root)).unwrap();
        }
    }
}

/// Their path without the tile height, which sumdb has and C2SP has not.
fn c2sp_path(tile: &tlog_tiles::Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

#[test]
fn tile_names_and_new_tiles_agree() {
    for (old, new) in
        [(0, 1), (0, 256), (0, 70_000), (255, 257), (70_000, 70_001), (65_535, 65_537), (1_234_567, 1_300_000)]
    {
        let their_tiles: Vec<String> = tlog_tiles::Tile::new_tiles(8, old, new).iter().map(c2sp_path).collect();
        let our_tiles: Vec<String> =
            tile::new_tiles(old, new).filter(|id| id.kind != Kind::Entries).map(|id| id.to_string()).collect();
        assert_eq!(our_tiles, their_tiles, "{old} to {new}");
    }
    for index in [0, 999, 1000, 1_234_067, u64::from(u32::MAX)] {
        let their_tile = tlog_tiles::Tile::new(8, 3, index, 17, false);
        let our_tile = TileId { kind: Kind::Hashes(3), index, width: 17 };
        assert_eq!(c2sp_path(&their_tile), our_tile.to_string());
    }
}

fn known(key: &str) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(key).unwrap())])
}

#[test]
fn notes_keys_and_checkpoints_agree_in_both_directions() {
    let signer = NoteSigner::from_seed("example.com/log", KeyType::Ed25519, &[7; 32]).unwrap();
    let checkpoint = Checkpoint::new("example.com/log", 123, [9; 32]);
    let bytes = checkpoint.sign(&signer).unwrap().to_bytes();
    let note = signed_note::Note::from_bytes(&bytes).unwrap();
    note.verify(&known(&signer.verifier().to_string())).unwrap();
    assert_eq!(tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap().size(), 123);
    // Their signature from our key file, checked by us.
    let their_signer = StandardSigner::new(signer.to_file_text().trim_end()).unwrap();
    let mut note = signed_note::Note::new(checkpoint.to_string().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&their_signer]).unwrap();
    assert_eq!(note.to_bytes(), bytes, "Ed25519 is deterministic");
    let key = VerifierKey::parse(&signer.verifier().to_string()).unwrap();
    assert_eq!(SignedCheckpoint::parse(&note.to_bytes(), &key).unwrap().checkpoint(), &checkpoint);
}

#[test]
fn malformed_notes_and_checkpoints_are_refused_by_both() {
    let signer = NoteSigner::from_seed("a", KeyType::Ed25519, &[7; 32]).unwrap();
    let good = Note::sign("a\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", &signer).unwrap().to_string();
    let mut disagreements = Vec::new();
    for at in 0..good.len() {
        for byte in [b'\n', b' ', b'+', b'0', b'=', 0x80] {
            let mut changed = good.clone().into_bytes();
            changed[at] = byte;
            let our_answer = Note::parse(&changed).and_then(|note| {
                note.verify(&[signer.verifier().clone()])?;
                Checkpoint::parse(note.text())
            });
            let their_answer = signed_note::Note::from_bytes(&changed).ok().and_then(|note| {
                note.verify(&known(&signer.verifier().to_string())).ok()?;
                tlog_tiles::Checkpoint::from_bytes(note.text()).ok()
            });
            if our_answer.is_ok() != their_answer.is_some() {
                disagreements.push((at, byte));
            }
        }
    }
    assert_eq!(disagreements, []);
}
