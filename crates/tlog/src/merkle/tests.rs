//! Tests of the tree against a literal, recursive reading of RFC 9162 and against mutations of proofs.

use super::*;
use proptest::prelude::*;

/// MTH exactly as RFC 9162 section 2.1.1 writes it.
fn reference_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => EMPTY_ROOT,
        1 => leaves[0],
        n => {
            let k = n.next_power_of_two() / 2;
            node_hash(&reference_root(&leaves[..k]), &reference_root(&leaves[k..]))
        }
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

#[test]
fn the_empty_root_is_sha256_of_nothing() {
    assert_eq!(EMPTY_ROOT, <[u8; 32]>::from(Sha256::digest([])));
    assert_eq!(root(&[]), EMPTY_ROOT);
    assert_eq!(Tree::new().root(), EMPTY_ROOT);
}

#[test]
fn roots_agree_with_the_recursive_definition_for_every_size_up_to_300() {
    let all = leaves(300);
    let tree = Tree::from_leaves(&all);
    for size in 0..=300 {
        let expected = reference_root(&all[..size]);
        assert_eq!(root(&all[..size]), expected, "size {size}");
        assert_eq!(tree.root_at(size as u64), Some(expected), "size {size}");
        assert_eq!(root_at(&all, size), Some(expected));
    }
    assert_eq!(tree.root_at(301), None);
    assert_eq!(root_at(&all, 301), None);
}

#[test]
fn every_inclusion_proof_up_to_300_verifies_and_only_at_its_place() {
    let all = leaves(300);
    let tree = Tree::from_leaves(&all);
    for size in 1..=300_u64 {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let path = tree.inclusion_proof(index, size).unwrap();
            assert!(path.len() <= MAX_PROOF_HASHES);
            verify_inclusion(tree.leaf(index).unwrap(), index, size, &path, &root).unwrap();
            assert!(verify_inclusion(tree.leaf(index).unwrap(), index ^ 1, size, &path, &root).is_err() || size == 1);
        }
    }
}

#[test]
fn every_consistency_proof_up_to_300_verifies() {
    let tree = Tree::from_leaves(&leaves(300));
    for new in 0..=300_u64 {
        let new_root = tree.root_at(new).unwrap();
        for old in 0..=new {
            let proof = tree.consistency_proof(old, new).unwrap();
            let old_root = tree.root_at(old).unwrap();
            verify_consistency(old, new, &proof, &old_root, &new_root).unwrap();
            if old != new {
                assert!(verify_consistency(new, old, &proof, &new_root, &old_root).is_err());
            }
        }
    }
}

#[test]
fn requests_beyond_the_end_are_refused() {
    let tree = Tree::from_leaves(&leaves(5));
    assert!(tree.inclusion_proof(5, 5).is_err());
    assert!(tree.inclusion_proof(0, 6).is_err());
    assert!(tree.consistency_proof(6, 5).is_err());
    assert!(tree.consistency_proof(1, 6).is_err());
    assert!(verify_inclusion(&EMPTY_ROOT, 0, 0, &[], &EMPTY_ROOT).is_err());
    assert!(inclusion_proof(&leaves(5), 5).is_empty());
}

#[test]
fn sizes_near_the_top_of_u64_do_not_overflow() {
    let path = [EMPTY_ROOT; 64];
    for index in [0, 1, u64::MAX - 1, u64::MAX / 2] {
        assert!(verify_inclusion(&EMPTY_ROOT, index, u64::MAX, &path, &EMPTY_ROOT).is_err());
    }
    assert!(verify_consistency(1 << 63, u64::MAX, &path, &EMPTY_ROOT, &EMPTY_ROOT).is_err());
    assert!(verify_consistency(u64::MAX - 1, u64::MAX, &path, &EMPTY_ROOT, &EMPTY_ROOT).is_err());
}

/// Changes a proof in one way that must make it fail.
fn mutate(proof: &[Hash], way: u8, at: usize, bit: usize) -> Vec<Hash> {
    let mut changed = proof.to_vec();
    match way % 4 {
        0 if !changed.is_empty() => {
            let at = at % changed.len();
            changed[at][bit / 8 % 32] ^= 1 << (bit % 8);
        }
        1 if !changed.is_empty() => {
            changed.remove(at % changed.len());
        }
        2 if changed.len() > 1 => {
            let by = 1 + at % (changed.len() - 1);
            changed.rotate_left(by);
        }
        _ => changed.insert(at % (changed.len() + 1), leaf_hash(b"extra")),
    }
    changed
}

proptest! {
    #[test]
    fn mutated_inclusion_proofs_are_refused(size in 1_usize..300, at in 0_usize..300, way: u8, place: usize, bit: usize) {
        let all = leaves(size);
        let index = at % size;
        let good = inclusion_proof(&all, index);
        let bad = mutate(&good, way, place, bit);
        prop_assume!(bad != good);
        prop_assert!(verify_inclusion(&all[index], index as u64, size as u64, &bad, &root(&all)).is_err());
    }

    #[test]
    fn mutated_consistency_proofs_are_refused(new in 1_usize..300, at in 1_usize..300, way: u8, place: usize, bit: usize) {
        let all = leaves(new);
        let old = 1 + at % new;
        let good = consistency_proof(&all, old);
        let bad = mutate(&good, way, place, bit);
        prop_assume!(bad != good);
        let old_root = root(&all[..old]);
        prop_assert!(verify_consistency(old as u64, new as u64, &bad, &old_root, &root(&all)).is_err());
    }

    #[test]
    fn a_changed_history_has_no_consistency_proof(new in 2_usize..200, at in 0_usize..200, changed in 0_usize..200) {
        let all = leaves(new);
        let old = 1 + at % (new - 1);
        let mut forked = all.clone();
        forked[changed % old] = leaf_hash(b"rewritten");
        let proof = consistency_proof(&forked, old);
        prop_assert!(verify_consistency(old as u64, new as u64, &proof, &root(&all[..old]), &root(&forked)).is_err());
    }
}
