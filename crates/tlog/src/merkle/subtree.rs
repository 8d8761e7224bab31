//! Subtrees: the tree hash of leaves `start..end`, and proofs about it (draft-ietf-plants-merkle-tree-certs, sections 4.1 to 4.4).
//!
//! A subtree is *valid* when `start` is a multiple of the smallest power of two that is at least `end - start`: then its nodes are nodes
//! of every tree that holds its leaves, and its inside is shaped like a tree of `end - start` leaves.

use super::{EMPTY_ROOT, Hash, Tree, node_hash, split_point, verify_inclusion};
use crate::TlogError;

/// Whether leaves `start..end` form a subtree. An empty range at any place does.
#[must_use]
pub fn is_subtree(start: u64, end: u64) -> bool {
    let Some(length) = end.checked_sub(start) else { return false };
    if length == 0 {
        return true;
    }
    length.checked_next_power_of_two().is_some_and(|whole| start.is_multiple_of(whole))
}

impl Tree {
    /// Tree hash of leaves `start..end`.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when they are no subtree or the tree does not hold them.
    pub fn subtree_hash(&self, start: u64, end: u64) -> Result<Hash, TlogError> {
        check_range(start, end, self.size())?;
        if start == end {
            return Ok(EMPTY_ROOT);
        }
        self.range_hash(start, end).ok_or(TlogError::Proof("the subtree lies beyond the end of the tree"))
    }

    /// Proof that the subtree of leaves `start..end` is part of the tree of the first `size` leaves. Empty when it is that tree.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when they are no subtree, or the tree holds fewer than `size` leaves.
    pub fn subtree_consistency_proof(&self, start: u64, end: u64, size: u64) -> Result<Vec<Hash>, TlogError> {
        check_range(start, end, size)?;
        if size > self.size() {
            return Err(TlogError::Proof("the tree size lies beyond the end of the tree"));
        }
        let mut path = Vec::new();
        let (mut base, mut limit, mut start, mut known) = (0, size, start, true);
        while start != end && (base, limit) != (start, end) {
            let split = base + split_point(limit - base);
            if end <= split {
                path.extend(self.range_hash(split, limit));
                limit = split;
            } else {
                path.extend(self.range_hash(base, split));
                // The subtree begins here and goes on to the right: its left part has just been given, and the verifier knows the whole.
                known &= start >= split;
                start = start.max(split);
                base = split;
            }
        }
        if !known {
            path.extend(self.range_hash(start, end));
        }
        path.reverse();
        Ok(path)
    }

    /// Audit path of leaf `index` inside the subtree of leaves `start..end`, leaf end first.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when they are no subtree, the leaf is outside, or the tree does not hold them.
    pub fn subtree_inclusion_proof(&self, index: u64, start: u64, end: u64) -> Result<Vec<Hash>, TlogError> {
        check_range(start, end, self.size())?;
        if !(start..end).contains(&index) {
            return Err(TlogError::Proof("the leaf lies outside the subtree"));
        }
        let mut path = Vec::new();
        let (mut base, mut limit) = (start, end);
        while limit - base > 1 {
            let split = base + split_point(limit - base);
            let (from, to) = if index < split { (split, limit) } else { (base, split) };
            path.extend(self.range_hash(from, to));
            if index < split { limit = split } else { base = split }
        }
        path.reverse();
        Ok(path)
    }

    /// Drops the last leaves, so that `size` are left, with every node that they completed.
    pub fn truncate(&mut self, size: u64) {
        for (level, nodes) in self.levels.iter_mut().enumerate() {
            let keep = u32::try_from(level).ok().and_then(|level| size.checked_shr(level)).unwrap_or(0);
            nodes.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
        }
        self.levels.retain(|nodes| !nodes.is_empty());
    }
}

fn check_range(start: u64, end: u64, size: u64) -> Result<(), TlogError> {
    if !is_subtree(start, end) {
        return Err(TlogError::Proof("the leaves are no subtree: the start is not a multiple of its width"));
    }
    if end > size { Err(TlogError::Proof("the subtree lies beyond the end of the tree")) } else { Ok(()) }
}

/// Checks an audit path inside the subtree of leaves `start..end`.
///
/// # Errors
/// [`TlogError::Proof`] when they are no subtree, the leaf is outside, the path has the wrong length, or it leads to another hash.
pub fn verify_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    start: u64,
    end: u64,
    path: &[Hash],
    subtree: &Hash,
) -> Result<(), TlogError> {
    check_range(start, end, end)?;
    let index = index.checked_sub(start).ok_or(TlogError::Proof("the leaf lies outside the subtree"))?;
    verify_inclusion(leaf, index, end - start, path, subtree)
}

/// Checks that the subtree of leaves `start..end` with hash `subtree` is part of the tree of `size` leaves with root `root`.
/// The empty subtree is part of every tree; its proof is empty and its hash [`EMPTY_ROOT`].
///
/// # Errors
/// [`TlogError::Proof`] when they are no subtree, the proof has the wrong length, or either hash comes out different.
pub fn verify_subtree_consistency(
    start: u64,
    end: u64,
    size: u64,
    proof: &[Hash],
    subtree: &Hash,
    root: &Hash,
) -> Result<(), TlogError> {
    check_range(start, end, size)?;
    if start == end {
        let fits = proof.is_empty() && *subtree == EMPTY_ROOT;
        return if fits {
            Ok(())
        } else {
            Err(TlogError::Proof("an empty subtree has the empty hash and an empty proof"))
        };
    }
    let (mut first, mut last, mut end_of_tree) = (start, end - 1, size - 1);
    // Levels that need no hash: up to the subtree's top when it ends with the tree, else while its right edge is a right child.
    while first != last && (last == end_of_tree || last & 1 == 1) {
        (first, last, end_of_tree) = (first >> 1, last >> 1, end_of_tree >> 1);
    }
    let (seed, rest) = match (first == last, proof.split_first()) {
        (true, _) => (*subtree, proof),
        (false, Some((seed, rest))) => (*seed, rest),
        (false, None) => return Err(TlogError::Proof("the subtree consistency proof is empty")),
    };
    let (mut subtree_hash, mut root_hash) = (seed, seed);
    for sibling in rest {
        if end_of_tree == 0 {
            return Err(TlogError::Proof("the subtree consistency proof is too long"));
        }
        if last & 1 == 1 || last == end_of_tree {
            if first < last {
                subtree_hash = node_hash(sibling, &subtree_hash);
            }
            root_hash = node_hash(sibling, &root_hash);
            while last & 1 == 0 {
                (first, last, end_of_tree) = (first >> 1, last >> 1, end_of_tree >> 1);
                if end_of_tree == 0 {
                    break;
                }
            }
        } else {
            root_hash = node_hash(&root_hash, sibling);
        }
        (first, last, end_of_tree) = (first >> 1, last >> 1, end_of_tree >> 1);
    }
    if end_of_tree != 0 {
        return Err(TlogError::Proof("the subtree consistency proof is too short"));
    }
    if subtree_hash != *subtree {
        return Err(TlogError::Proof("the subtree consistency proof leads to another subtree"));
    }
    if root_hash == *root {
        Ok(())
    } else {
        Err(TlogError::Proof("the subtree consistency proof leads to another root"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;
    use proptest::prelude::*;

    fn tree(size: u64) -> Tree {
        Tree::from_leaves(&(0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect::<Vec<_>>())
    }

    #[test]
    fn every_subtree_of_every_small_tree_proves_itself_and_nothing_else() {
        let tree = tree(40);
        for size in 1..=40 {
            let root = tree.root_at(size).unwrap();
            for (start, end) in (0..=size).flat_map(|start| (start..=size).map(move |end| (start, end))) {
                if !is_subtree(start, end) {
                    assert!(tree.subtree_consistency_proof(start, end, size).is_err());
                    continue;
                }
                let hash = tree.subtree_hash(start, end).unwrap();
                let proof = tree.subtree_consistency_proof(start, end, size).unwrap();
                verify_subtree_consistency(start, end, size, &proof, &hash, &root).unwrap();
                if start == 0 && end > 0 {
                    assert_eq!(proof, tree.consistency_proof(end, size).unwrap());
                }
                if start == end {
                    continue;
                }
                assert!(verify_subtree_consistency(start, end, size, &proof, &[0; 32], &root).is_err());
                assert!(verify_subtree_consistency(start, end, size, &proof, &hash, &[0; 32]).is_err());
                let mut longer = proof.clone();
                longer.push([7; 32]);
                assert!(verify_subtree_consistency(start, end, size, &longer, &hash, &root).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify_subtree_consistency(start, end, size, shorter, &hash, &root).is_err());
                }
                for index in start..end {
                    let path = tree.subtree_inclusion_proof(index, start, end).unwrap();
                    verify_subtree_inclusion(tree.leaf(index).unwrap(), index, start, end, &path, &hash).unwrap();
                    assert!(verify_subtree_inclusion(&[1; 32], index, start, end, &path, &hash).is_err());
                }
            }
        }
    }

    #[test]
    fn a_truncated_tree_is_the_tree_that_it_was() {
        for size in 0..70 {
            let mut cut = tree(70);
            cut.truncate(size);
            let mut grown = tree(size);
            assert_eq!((cut.size(), cut.root()), (size, grown.root()));
            cut.push([5; 32]);
            grown.push([5; 32]);
            assert_eq!(cut.root(), grown.root());
        }
    }

    proptest! {
        #[test]
        fn any_numbers_are_answered(start: u64, end: u64, size: u64, hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let _ = verify_subtree_consistency(start, end, size, &hashes, &[1; 32], &[2; 32]);
            let _ = verify_subtree_inclusion(&[0; 32], end, start, size, &hashes, &[1; 32]);
        }
    }
}
