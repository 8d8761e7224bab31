//! A lab that shows two histories: one to two witnesses, another to the third.

use super::cast::Cast;
use super::world::CHEATER;
use crate::exit::{CliError, CliResult};
use standstill_tlog::checkpoint::Checkpoint;

/// The cheater signs a second checkpoint of its log at the present size, with another root, and shows it to one witness. That witness
/// holds the first one already: both signatures together prove the fork.
pub(super) fn show_two_histories(cast: &mut Cast) -> CliResult<Vec<Vec<u8>>> {
    let lab = cast.labs.iter_mut().find(|lab| lab.issuer.id.as_str() == CHEATER);
    let lab = lab.ok_or_else(|| CliError::bug("the demonstration has no cheater"))?;
    let key = lab.issuer.log_key().clone();
    let head = lab.issuer.log().head().checkpoint().clone();
    // The other history: what the tree would be had its last report never been published and another one taken its place.
    let other_root = standstill_tlog::merkle::leaf_hash(b"another history of the same length");
    let other =
        Checkpoint::new(&head.origin, head.size, other_root).sign(lab.issuer.log_signer()).map_err(CliError::bug)?;
    let last = cast.witnesses.here().last_mut().ok_or_else(|| CliError::bug("the demonstration has no witness"))?;
    let now = lab.issuer.agreement.end_unix_seconds() + 86_400;
    let size = last.known_size(&key).map_err(CliError::unreadable)?;
    match last.cosign(now, size, &[], &other.to_bytes(), &key) {
        Err(standstill_tlog::TlogError::Fork(evidence)) => Ok(vec![evidence.to_bytes()]),
        Err(error) => Err(CliError::bug(format!("the witness refused the second history for another reason: {error}"))),
        Ok(_) => Err(CliError::bug("the witness cosigned a second history")),
    }
}
