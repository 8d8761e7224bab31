//! Signatures of commits: which kind, and for SSH with Ed25519 whether they hold.
//!
//! SSHSIG (OpenSSH, `PROTOCOL.sshsig`) with an Ed25519 key is verified against the keys of the identity map, namespace `git`. GPG and X.509
//! signatures are seen and **not verified**: that needs a keyring or a certificate chain, and none is part of the record.

use super::ChangesError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

/// How a commit is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// OpenSSH.
    Ssh,
    /// OpenPGP.
    Gpg,
    /// X.509 (S/MIME, gitsign).
    X509,
    /// An armour that is none of these.
    Unknown,
}

/// What is known about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// Present; this program cannot verify its kind.
    NotVerified,
    /// It holds, by a key of the identity map.
    Good,
    /// It holds, by a key that the identity map does not know.
    UnknownKey,
    /// It does not hold, or cannot be read.
    Bad,
}

/// A signature of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signed {
    /// Kind.
    pub scheme: Scheme,
    /// Result.
    pub checked: Checked,
}

/// An Ed25519 key as SSH writes it.
pub type Key = [u8; 32];

/// Longest armour that is read, in bytes.
const MAX_ARMOUR_BYTES: usize = 1 << 16;
const SSH_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const SSH_END: &str = "-----END SSH SIGNATURE-----";

fn wrong(reason: impl std::fmt::Display) -> ChangesError {
    ChangesError::foreign("SSH key or signature", reason)
}

/// One length-prefixed string (RFC 4251, section 5).
fn string<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], ChangesError> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| wrong("cut off"))?;
    let length = usize::try_from(u32::from_be_bytes(*head)).map_err(wrong)?;
    let (value, rest) = rest.split_at_checked(length).ok_or_else(|| wrong("cut off"))?;
    *bytes = rest;
    Ok(value)
}

fn ed25519_key(mut blob: &[u8]) -> Result<Key, ChangesError> {
    if string(&mut blob)? != b"ssh-ed25519" {
        return Err(wrong("only ssh-ed25519 keys are read"));
    }
    let key = string(&mut blob)?;
    key.try_into().ok().filter(|_| blob.is_empty()).ok_or_else(|| wrong("an Ed25519 key has 32 bytes"))
}

/// Reads `ssh-ed25519 BASE64 comment`.
///
/// # Errors
/// Anything that is not one Ed25519 key.
pub fn public_key(line: &str) -> Result<Key, ChangesError> {
    let mut words = line.split_whitespace();
    if words.next() != Some("ssh-ed25519") {
        return Err(wrong("only ssh-ed25519 keys are read; write 'ssh-ed25519 AAAA…'"));
    }
    let blob = STANDARD.decode(words.next().unwrap_or("")).map_err(wrong)?;
    ed25519_key(&blob)
}

/// The kind, from the armour.
#[must_use]
pub fn scheme(armour: &[u8]) -> Scheme {
    if armour.starts_with(b"-----BEGIN SSH SIGNATURE") {
        Scheme::Ssh
    } else if armour.starts_with(b"-----BEGIN PGP ") {
        Scheme::Gpg
    } else if armour.starts_with(b"-----BEGIN SIGNED MESSAGE") || armour.starts_with(b"-----BEGIN CMS") {
        Scheme::X509
    } else {
        Scheme::Unknown
    }
}

/// Looks at a signature over `signed`. Gives the key beside the result when it holds.
#[must_use]
pub fn check(armour: &[u8], signed: &[u8], is_known: impl Fn(&Key) -> bool) -> (Signed, Option<Key>) {
    let scheme = scheme(armour);
    if scheme != Scheme::Ssh {
        return (Signed { scheme, checked: Checked::NotVerified }, None);
    }
    match ssh(armour, signed) {
        Ok(Some(key)) if is_known(&key) => (Signed { scheme, checked: Checked::Good }, Some(key)),
        Ok(Some(key)) => (Signed { scheme, checked: Checked::UnknownKey }, Some(key)),
        Ok(None) => (Signed { scheme, checked: Checked::NotVerified }, None),
        Err(_) => (Signed { scheme, checked: Checked::Bad }, None),
    }
}

/// The key of an Ed25519 SSHSIG that holds; `None` for other algorithms.
fn ssh(armour: &[u8], signed: &[u8]) -> Result<Option<Key>, ChangesError> {
    if armour.len() > MAX_ARMOUR_BYTES {
        return Err(wrong("the armour is too long"));
    }
    let text = std::str::from_utf8(armour).map_err(wrong)?.trim();
    let inner =
        text.strip_prefix(SSH_BEGIN).and_then(|rest| rest.strip_suffix(SSH_END)).ok_or_else(|| wrong("no end"))?;
    let joined: String = inner.split_whitespace().collect();
    let blob = STANDARD.decode(joined).map_err(wrong)?;
    let mut rest = blob.strip_prefix(b"SSHSIG\0\0\0\x01").ok_or_else(|| wrong("not SSHSIG version 1"))?;
    let (key, namespace) = (string(&mut rest)?, string(&mut rest)?);
    let (reserved, hash, mut signature) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    if namespace != b"git" || !rest.is_empty() {
        return Err(wrong("not made for git"));
    }
    if !key.starts_with(b"\0\0\0\x0bssh-ed25519") {
        return Ok(None);
    }
    let key = ed25519_key(key)?;
    let digest = match hash {
        b"sha512" => Sha512::digest(signed).to_vec(),
        b"sha256" => Sha256::digest(signed).to_vec(),
        _ => return Err(wrong("an unknown hash")),
    };
    if string(&mut signature)? != b"ssh-ed25519" {
        return Err(wrong("key and signature differ in kind"));
    }
    let raw: [u8; 64] = string(&mut signature)?.try_into().map_err(|_| wrong("an Ed25519 signature has 64 bytes"))?;
    let mut message = b"SSHSIG".to_vec();
    for part in [namespace, reserved, hash, &digest] {
        message.extend_from_slice(&u32::try_from(part.len()).map_err(wrong)?.to_be_bytes());
        message.extend_from_slice(part);
    }
    let verifying = VerifyingKey::from_bytes(&key).map_err(wrong)?;
    verifying.verify_strict(&message, &Signature::from_bytes(&raw)).map_err(wrong)?;
    Ok(Some(key))
}

#[cfg(test)]
mod tests;
