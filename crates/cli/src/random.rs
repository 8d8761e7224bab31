//! The generator that keys and proofs draw from: `ChaCha20`, seeded from the operating system.

use crate::exit::{CliError, CliResult};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

/// A generator seeded from the operating system.
///
/// # Errors
/// When the system gives no randomness; nothing secret may be made then.
pub(crate) fn generator() -> CliResult<ChaCha20Rng> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice())
        .map_err(|error| CliError::unreadable(format!("the system gives no randomness: {error}")))?;
    Ok(ChaCha20Rng::from_seed(*seed))
}
