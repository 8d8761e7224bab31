//! Signatures of commits: which kind, and whether they hold by a key of the identity map.
//!
//! | module | what it reads |
//! |---|---|
//! | `ssh` | SSHSIG (OpenSSH, `PROTOCOL.sshsig`, `PROTOCOL.u2f`) and SSH public keys |
//! | `openpgp`, `packet` | certificates and detached signatures, version 4 (RFC 4880, RFC 9580) |
//! | `cms`, `x509`, `asn1` | detached CMS SignedData (RFC 5652) and certificates (RFC 5280) |
//! | `key`, `keyring` | public keys and their algorithms; whose key is whose |
//!
//! All but the types here is behind the feature `git`: verification of a published table needs no signature, because the table names results.
//! No module reads a clock: validity is judged at the time that the signature names.

#[cfg(feature = "git")]
mod armour;
#[cfg(feature = "git")]
mod asn1;
#[cfg(feature = "git")]
mod cms;
#[cfg(feature = "git")]
mod key;
#[cfg(feature = "git")]
mod keyring;
#[cfg(feature = "git")]
mod openpgp;
#[cfg(feature = "git")]
mod packet;
#[cfg(feature = "git")]
mod ssh;
#[cfg(feature = "git")]
mod x509;

#[cfg(feature = "git")]
pub use keyring::{Keyring, Signer};

use serde::{Deserialize, Serialize};

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

/// What is known about a signature. The order is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// Present, and nothing can be said: an OpenPGP signature by a key that the map does not give, or an algorithm or version that is not read.
    NotVerified,
    /// It holds, by a key of the identity map that was valid then.
    Good,
    /// It holds, by a key that comes with the signature and that the identity map does not know.
    UnknownKey,
    /// It does not hold, or cannot be read.
    Bad,
    /// Refused, whatever it proves: MD5 or SHA-1, or an RSA key of less than 2,048 bits.
    Weak,
    /// It holds by a key of the identity map that had expired, was revoked or did not exist yet at the time that the signature names.
    KeyNotValid,
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

/// Why a key or a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A kind, a version or an algorithm that is not read, or a key that is not given.
    #[error("not read: {0}")]
    Unread(String),
    /// Malformed, or it does not hold.
    #[error("{0}")]
    Bad(String),
    /// A hash or a key that is too weak.
    #[error("refused as weak: {0}")]
    Weak(String),
    /// The key was not valid at that time.
    #[error("{0}")]
    KeyNotValid(String),
}

impl Refused {
    /// As the table says it.
    #[must_use]
    pub const fn checked(&self) -> Checked {
        match self {
            Self::Unread(_) => Checked::NotVerified,
            Self::Bad(_) => Checked::Bad,
            Self::Weak(_) => Checked::Weak,
            Self::KeyNotValid(_) => Checked::KeyNotValid,
        }
    }

    #[cfg(feature = "git")]
    fn bad(reason: impl std::fmt::Display) -> Self {
        Self::Bad(reason.to_string())
    }

    #[cfg(feature = "git")]
    fn unread(reason: impl std::fmt::Display) -> Self {
        Self::Unread(reason.to_string())
    }
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

#[cfg(all(test, feature = "git"))]
mod tests;
