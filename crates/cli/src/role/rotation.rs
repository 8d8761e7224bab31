//! A new statement key for a role. Interrupted anywhere, the next call finishes what was begun.

use super::issuer::{Issuer, PublicHalf};
use crate::exit::{CliError, CliResult};
use crate::secret_file;
use standstill_statement::{AddedKey, Body, Hash32, Name, PublicKey, Rotation, SigningKey};
use std::path::Path;

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    /// Whose key.
    pub id: Name,
    /// The key that signs from now on.
    pub new: PublicKey,
    /// The key that is retired.
    pub old: PublicKey,
    /// The rotation.
    pub statement: Hash32,
}

/// Makes a key, states that it takes the old one's place, then puts it in that place. The old key file is kept beside it under another name.
///
/// # Errors
/// When the role cannot be opened or written; nothing is lost then, call again.
pub fn rotate_key(home: &Path, now_unix_seconds: u64) -> CliResult<Rotated> {
    let keys = home.join("keys");
    let (current, next) = (keys.join("statement.key"), keys.join("statement.key.next"));
    if !next.exists() {
        let key = SigningKey::generate().map_err(CliError::unreadable)?;
        secret_file::create(&next, &key.to_file_text())?;
    }
    let key = read(&next)?;
    let old = read(&current)?.public();
    let mut issuer = Issuer::open(home)?;
    let stated = issuer.entries().iter().find_map(|entry| match &entry.statement.body {
        Body::Rotation(rotation) if rotation.add.as_ref().is_some_and(|added| added.key == key.public()) => {
            Some(entry.hash)
        }
        _ => None,
    });
    let statement = match stated {
        Some(hash) => hash,
        None => issuer.state_with(now_unix_seconds, Vec::new(), |header| {
            Body::Rotation(Rotation { add: Some(AddedKey::prove(&key, header)), retire: Some(old) })
        })?,
    };
    let kept = keys.join(format!("statement.key.retired-{}", hex::encode(old.key_id())));
    if !kept.exists() {
        std::fs::hard_link(&current, &kept).map_err(|error| CliError::file("keep the old key as", &kept, &error))?;
    }
    // Replaced in one step: there is never a moment without a key.
    std::fs::rename(&next, &current).map_err(|error| CliError::file("replace", &current, &error))?;
    standstill_tlog::durable::sync_parent(&current).map_err(CliError::unreadable)?;
    let id = PublicHalf::read(home)?.id;
    Ok(Rotated { id, new: key.public(), old, statement })
}

fn read(path: &Path) -> CliResult<SigningKey> {
    SigningKey::from_file_text(&secret_file::read(path)?).map_err(|error| CliError::about(path.display(), error))
}
