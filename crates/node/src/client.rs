//! Reading logs over HTTP: tile cache, consistency over every step, proofs and certificates for offline use.
