//! The RFC 6962 / RFC 9162 Merkle tree over SHA-256: tree hashes, inclusion proofs and consistency proofs.
//!
//! Everything is iterative: neither the number of leaves nor a proof received from a stranger decides a recursion depth.
//! The tree hash of leaves `D[0..n]` is `MTH` of RFC 9162 section 2.1.1: the empty tree hashes to SHA-256 of nothing, a leaf to
//! `SHA-256(0x00 ‖ data)`, and an inner node to `SHA-256(0x01 ‖ left ‖ right)` with the left part the largest power of two
//! smaller than `n`.

mod subtree;

pub use subtree::{is_subtree, verify_subtree_consistency, verify_subtree_inclusion};

use crate::TlogError;
use sha2::{Digest, Sha256};

/// A SHA-256 value: leaf hash, node hash or root.
pub type Hash = [u8; 32];

/// Root of the tree without leaves: SHA-256 of the empty string (RFC 9162 section 2.1.1).
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Longest inclusion or consistency proof for a tree of fewer than 2^63 leaves, in hashes. Parsers refuse longer ones.
pub const MAX_PROOF_HASHES: usize = 63;

/// Hash of one leaf: `SHA-256(0x00 ‖ data)`.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(data);
    hasher.finalize().into()
}

/// Hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [0_u8; 65];
    input[0] = 1;
    input[1..33].copy_from_slice(left);
    input[33..].copy_from_slice(right);
    Sha256::digest(input).into()
}

/// Every complete node of a tree, level by level: about 64 bytes for each leaf, any historic root in O(log n).
///
/// A node at level `l` and position `i` covers leaves `i·2^l .. (i+1)·2^l`; incomplete nodes on the right edge are never stored.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree over the given leaf hashes, in order.
    #[must_use]
    pub fn from_leaves(leaves: &[Hash]) -> Self {
        let mut tree = Self::new();
        for leaf in leaves {
            tree.push(*leaf);
        }
        tree
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |level| level.len() as u64)
    }

    /// Hash of leaf `index`, if there is one.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<&Hash> {
        self.node(0, index)
    }

    /// Complete node at `level` and position `index`, if it exists.
    #[must_use]
    pub fn node(&self, level: usize, index: u64) -> Option<&Hash> {
        self.levels.get(level)?.get(usize::try_from(index).ok()?)
    }

    /// Appends one leaf hash and every node that it completes.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(carried);
            if nodes.len() % 2 == 1 {
                return;
            }
            carried = node_hash(&nodes[nodes.len() - 2], &carried);
        }
    }

    /// Root of all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root_at(self.size()).unwrap_or(EMPTY_ROOT)
    }

    /// Root that the tree had when it held its first `size` leaves; `None` when it never was that large.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        if size == 0 { Some(EMPTY_ROOT) } else { self.range_hash(0, size) }
    }

    /// Tree hash of leaves `start..end`. `start` must be a multiple of the smallest power of two that is at least `end - start`,
    /// as it is for every sibling that occurs in a proof.
    fn range_hash(&self, start: u64, end: u64) -> Option<Hash> {
        let length = end.checked_sub(start)?;
        let mut hash: Option<Hash> = None;
        for level in 0..64 - length.leading_zeros() as usize {
            if (length >> level) & 1 == 1 {
                let node = self.node(level, (start >> level) + (length >> level) - 1)?;
                hash = Some(hash.map_or(*node, |right| node_hash(node, &right)));
            }
        }
        hash
    }

    /// Audit path of leaf `index` in the tree of the first `size` leaves, leaf end first (RFC 9162 section 2.1.3.1).
    ///
    /// # Errors
    /// [`TlogError::Proof`] when `index >= size` or the tree holds fewer than `size` leaves.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, TlogError> {
        if index >= size || size > self.size() {
            return Err(TlogError::Proof("the leaf or the tree size lies beyond the end of the tree"));
        }
        let mut path = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let split = start + split_point(end - start);
            let (sibling_start, sibling_end) = if index < split { (split, end) } else { (start, split) };
            path.extend(self.range_hash(sibling_start, sibling_end));
            if index < split { end = split } else { start = split }
        }
        path.reverse();
        Ok(path)
    }

    /// Proof that the first `old` leaves are a prefix of the first `size` leaves (RFC 9162 section 2.1.4.1).
    /// Empty when `old` is 0 or equals `size`.
    ///
    /// # Errors
    /// [`TlogError::Proof`] when `old > size` or the tree holds fewer than `size` leaves.
    pub fn consistency_proof(&self, old: u64, size: u64) -> Result<Vec<Hash>, TlogError> {
        if old > size || size > self.size() {
            return Err(TlogError::Proof("the old or the new tree size lies beyond the end of the tree"));
        }
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        let mut path = Vec::new();
        let (mut start, mut end) = (0, size);
        // Walk towards the right edge of the old tree; stop at the subtree that ends exactly there.
        while end != old {
            let split = start + split_point(end - start);
            let (sibling_start, sibling_end) = if old <= split { (split, end) } else { (start, split) };
            path.extend(self.range_hash(sibling_start, sibling_end));
            if old <= split { end = split } else { start = split }
        }
        // The verifier knows the old root itself, so that subtree is left out when it is the whole old tree.
        if start != 0 {
            path.extend(self.range_hash(start, end));
        }
        path.reverse();
        Ok(path)
    }
}

/// Largest power of two smaller than `length`; `length` is at least 2.
fn split_point(length: u64) -> u64 {
    1 << (63 - (length - 1).leading_zeros())
}

/// Tree hash of all leaf hashes; [`EMPTY_ROOT`] for none.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut pending: Vec<(u32, Hash)> = Vec::new();
    for leaf in leaves {
        let mut node = (0_u32, *leaf);
        while let Some((level, left)) = pending.last().copied().filter(|(level, _)| *level == node.0) {
            node = (level + 1, node_hash(&left, &node.1));
            pending.pop();
        }
        pending.push(node);
    }
    let mut nodes = pending.into_iter().rev().map(|(_, hash)| hash);
    nodes.next().map_or(EMPTY_ROOT, |last| nodes.fold(last, |right, left| node_hash(&left, &right)))
}

/// Tree hash of the first `size` leaf hashes; `None` when there are fewer. Use [`Tree`] when many sizes are wanted.
#[must_use]
pub fn root_at(leaves: &[Hash], size: usize) -> Option<Hash> {
    leaves.get(..size).map(root)
}

/// Audit path of leaf `index` among `leaves`. An index beyond the end gives an empty path, which verifies for no tree of more than
/// one leaf. Use [`Tree::inclusion_proof`] when many paths of one tree are wanted: this function costs O(n).
#[must_use]
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Vec<Hash> {
    Tree::from_leaves(leaves).inclusion_proof(index as u64, leaves.len() as u64).unwrap_or_default()
}

/// Proof that the first `old` of `leaves` are its prefix. An `old` beyond the end gives an empty proof, which does not verify.
#[must_use]
pub fn consistency_proof(leaves: &[Hash], old: usize) -> Vec<Hash> {
    Tree::from_leaves(leaves).consistency_proof(old as u64, leaves.len() as u64).unwrap_or_default()
}

/// Checks an audit path by the algorithm of RFC 9162 section 2.1.3.2.
///
/// # Errors
/// [`TlogError::Proof`] when the index lies outside the tree, the path has the wrong length, or it leads to another root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), TlogError> {
    let found = inclusion_root(leaf, index, size, path)?;
    if found == *root { Ok(()) } else { Err(TlogError::Proof("the inclusion proof leads to another root")) }
}

/// The root that an audit path leads to, for those who learn the root from a signature over it.
///
/// # Errors
/// [`TlogError::Proof`] when the index lies outside the tree or the path has the wrong length.
pub fn inclusion_root(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, TlogError> {
    if index >= size {
        return Err(TlogError::Proof("the leaf index lies outside the tree"));
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(TlogError::Proof("the inclusion proof is too long for this tree size"));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(TlogError::Proof("the inclusion proof is too short for this tree size"));
    }
    Ok(hash)
}

/// Checks by RFC 9162 section 2.1.4.2 that the tree of size `old` is a prefix of the tree of size `new`.
///
/// For equal sizes the roots must be equal and the proof empty; for `old == 0` the proof must be empty and the old root must be
/// [`EMPTY_ROOT`].
///
/// # Errors
/// [`TlogError::Proof`] when sizes shrink, the proof has the wrong length, or either root comes out different.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), TlogError> {
    if old > new {
        return Err(TlogError::Proof("the new tree is smaller than the old tree"));
    }
    if old == new || old == 0 {
        return verify_trivial_consistency(old, new, proof, old_root, new_root);
    }
    let found = consistency_root(old, new, proof, old_root)?;
    if found == *new_root { Ok(()) } else { Err(TlogError::Proof("the consistency proof leads to another new root")) }
}

/// The new root that a consistency proof leads to from an old one, for those who learn the root from a signature over it. `old` is at
/// least 1: growth from the empty tree proves nothing about the new root.
///
/// # Errors
/// [`TlogError::Proof`] when `old` is 0 or above `new`, the proof has the wrong length, or the old root comes out different.
pub fn consistency_root(old: u64, new: u64, proof: &[Hash], old_root: &Hash) -> Result<Hash, TlogError> {
    if old == 0 || old > new {
        return Err(TlogError::Proof("the old tree is empty or larger than the new one"));
    }
    if old == new {
        let same = proof.is_empty().then_some(*old_root);
        return same.ok_or(TlogError::Proof("the consistency proof must be empty for these tree sizes"));
    }
    let (mut node, mut last) = (old - 1, new - 1);
    let complete = node.trailing_ones();
    node >>= complete;
    last >>= complete;
    // When the old size is a power of two its root itself is the first node of the path.
    let (first, rest) = match (old.is_power_of_two(), proof.split_first()) {
        (true, _) => (*old_root, proof),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return Err(TlogError::Proof("the consistency proof is empty")),
    };
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(TlogError::Proof("the consistency proof is too long for these tree sizes"));
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(TlogError::Proof("the consistency proof is too short for these tree sizes"));
    }
    if old_hash != *old_root {
        return Err(TlogError::Proof("the consistency proof leads to another old root"));
    }
    Ok(new_hash)
}

/// The two cases that need no hashing: equal sizes, and growth from the empty tree.
fn verify_trivial_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), TlogError> {
    if !proof.is_empty() {
        return Err(TlogError::Proof("the consistency proof must be empty for these tree sizes"));
    }
    if old == 0 && *old_root != EMPTY_ROOT {
        return Err(TlogError::Proof("the root given for the empty tree is not the empty root"));
    }
    if old == new && old_root != new_root {
        return Err(TlogError::Proof("two trees of the same size have different roots"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
