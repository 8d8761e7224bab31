//! The log role: authenticated submission, group commit, checkpoints, cosignatures.
