//! The decision of a C2SP tlog-witness, without files, sockets or a clock.

use crate::TlogError;
use crate::checkpoint::Checkpoint;
use crate::merkle::{EMPTY_ROOT, Hash, verify_consistency};

/// What a witness must remember of a log: the head that it cosigned last, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Tree size.
    pub size: u64,
    /// Root at that size.
    pub root: Hash,
    /// Time of the last cosignature, Unix seconds.
    pub time_unix_seconds: u64,
}

/// Decides on a checkpoint whose log signature has been verified, and gives what must be on disk before the cosignature is given out.
///
/// The order is that of tlog-witness: the old size against the checkpoint's, the old size against the record, the proof. The clock comes
/// last: a time before the last cosignature of this log is refused, because proofs of silence rest on times that never decrease.
///
/// # Errors
/// [`TlogError::Request`] (400) when the old size exceeds the checkpoint's; [`TlogError::Conflict`] (409); [`TlogError::Proof`] (422);
/// [`TlogError::ClockWentBack`].
pub fn decide(
    recorded: Option<&Recorded>,
    old_size: u64,
    proof: &[Hash],
    next: &Checkpoint,
    now_unix_seconds: u64,
) -> Result<Recorded, TlogError> {
    if old_size > next.size {
        return Err(TlogError::Request("the old size is larger than the checkpoint"));
    }
    let (known_size, known_root, last) =
        recorded.map_or((0, EMPTY_ROOT, 0), |known| (known.size, known.root, known.time_unix_seconds));
    if old_size != known_size {
        return Err(TlogError::Conflict { known_size });
    }
    verify_consistency(known_size, next.size, proof, &known_root, &next.root)?;
    if now_unix_seconds < last {
        return Err(TlogError::ClockWentBack { origin: next.origin.clone(), last, now: now_unix_seconds });
    }
    Ok(Recorded { size: next.size, root: next.root, time_unix_seconds: now_unix_seconds })
}
