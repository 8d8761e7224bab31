//! SSH public keys (RFC 4253, RFC 5656, RFC 8709, `PROTOCOL.u2f`) and SSHSIG (`PROTOCOL.sshsig`) in the namespace `git`.
//!
//! Not read: certificates, P-521, DSA. `ssh-rsa` with SHA-1 is refused as weak. Keys in hardware (`sk-`) must say that somebody touched them.

use super::Refused;
use super::armour;
use super::key::{Hash, PublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Flag of `PROTOCOL.u2f`: somebody touched the key.
const PRESENT: u8 = 1;

/// A key as SSH tells keys apart: a key in hardware signs for one application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SshKey {
    pub(super) key: PublicKey,
    pub(super) application: Option<Vec<u8>>,
}

/// One length-prefixed string (RFC 4251, section 5).
fn string<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Refused> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| Refused::bad("cut off"))?;
    let length = usize::try_from(u32::from_be_bytes(*head)).map_err(Refused::bad)?;
    let (value, rest) = rest.split_at_checked(length).ok_or_else(|| Refused::bad("cut off"))?;
    *bytes = rest;
    Ok(value)
}

fn curve(blob: &mut &[u8], name: &[u8]) -> Result<Vec<u8>, Refused> {
    if string(blob)? != name {
        return Err(Refused::bad("the curve is not the one of the key's kind"));
    }
    Ok(string(blob)?.to_vec())
}

/// A key in the form of the wire.
pub(super) fn wire_key(mut blob: &[u8]) -> Result<SshKey, Refused> {
    let rest = &mut blob;
    let (kind, mut application) = (string(rest)?, None);
    let key = match kind {
        b"ssh-ed25519" => PublicKey::ed25519(string(rest)?)?,
        b"ecdsa-sha2-nistp256" => PublicKey::p256(&curve(rest, b"nistp256")?)?,
        b"ecdsa-sha2-nistp384" => PublicKey::p384(&curve(rest, b"nistp384")?)?,
        b"ssh-rsa" => {
            let exponent = string(rest)?;
            PublicKey::rsa(string(rest)?, exponent)
        }
        b"sk-ssh-ed25519@openssh.com" => {
            let key = PublicKey::ed25519(string(rest)?)?;
            application = Some(string(rest)?.to_vec());
            key
        }
        b"sk-ecdsa-sha2-nistp256@openssh.com" => {
            let key = PublicKey::p256(&curve(rest, b"nistp256")?)?;
            application = Some(string(rest)?.to_vec());
            key
        }
        _ => return Err(Refused::unread(format!("SSH keys of the kind {}", String::from_utf8_lossy(kind)))),
    };
    if !rest.is_empty() {
        return Err(Refused::bad("something stands after the SSH key"));
    }
    Ok(SshKey { key, application })
}

/// Reads `ssh-ed25519 BASE64 comment`.
pub(super) fn line_key(line: &str) -> Result<SshKey, Refused> {
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap_or("");
    let blob = STANDARD.decode(words.next().unwrap_or("")).map_err(Refused::bad)?;
    if string(&mut blob.as_slice())? != kind.as_bytes() {
        return Err(Refused::bad("the kind of the SSH key is not the one that stands before it"));
    }
    wire_key(&blob)
}

/// The key by which an armoured signature over a message holds, made for git.
pub(super) fn verify(armoured: &[u8], message: &[u8]) -> Result<SshKey, Refused> {
    verify_in(b"git", armoured, message)
}

/// As [`verify`], for signatures of another purpose.
pub(super) fn verify_in(purpose: &[u8], armoured: &[u8], message: &[u8]) -> Result<SshKey, Refused> {
    let blob = armour::only(armoured, &["SSH SIGNATURE"])?;
    let mut rest = blob.strip_prefix(b"SSHSIG\0\0\0\x01").ok_or_else(|| Refused::bad("not SSHSIG version 1"))?;
    let (key, namespace) = (string(&mut rest)?, string(&mut rest)?);
    let (reserved, name, signature) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    if namespace != purpose || !rest.is_empty() {
        return Err(Refused::bad("made for another purpose"));
    }
    let key = wire_key(key)?;
    let hash = match name {
        b"sha256" => Hash::Sha256,
        b"sha512" => Hash::Sha512,
        _ => return Err(Refused::bad("an unknown hash")),
    };
    let mut signed = b"SSHSIG".to_vec();
    for part in [namespace, reserved, name, &hash.of(message)] {
        signed.extend_from_slice(&u32::try_from(part.len()).map_err(Refused::bad)?.to_be_bytes());
        signed.extend_from_slice(part);
    }
    holds(&key, &signed, signature)?;
    Ok(key)
}

/// A signature in the form of the wire: its kind, then what the kind carries.
fn holds(key: &SshKey, signed: &[u8], mut signature: &[u8]) -> Result<(), Refused> {
    let kind = string(&mut signature)?;
    let mut value = string(&mut signature)?;
    let (plain, mixed) = (key.application.is_none(), Refused::bad("key and signature differ in kind"));
    match (&key.key, kind) {
        (PublicKey::Ed25519(_), b"ssh-ed25519") if plain => {
            end(signature).and_then(|()| key.key.verify_ed25519(signed, value))
        }
        (PublicKey::P256(_), b"ecdsa-sha2-nistp256") if plain => {
            end(signature)?;
            key.key.verify_ecdsa(Hash::Sha256, signed, numbers(&mut value)?)
        }
        (PublicKey::P384(_), b"ecdsa-sha2-nistp384") if plain => {
            end(signature)?;
            key.key.verify_ecdsa(Hash::Sha384, signed, numbers(&mut value)?)
        }
        (PublicKey::Rsa(..), b"rsa-sha2-256") => {
            end(signature).and_then(|()| key.key.verify_rsa(Hash::Sha256, signed, value))
        }
        (PublicKey::Rsa(..), b"rsa-sha2-512") => {
            end(signature).and_then(|()| key.key.verify_rsa(Hash::Sha512, signed, value))
        }
        (PublicKey::Rsa(..), b"ssh-rsa") => Err(Refused::Weak("RSA with SHA-1".to_owned())),
        (PublicKey::Ed25519(_), b"sk-ssh-ed25519@openssh.com") if !plain => {
            key.key.verify_ed25519(&touched(key, signed, signature)?, value)
        }
        (PublicKey::P256(_), b"sk-ecdsa-sha2-nistp256@openssh.com") if !plain => {
            key.key.verify_ecdsa(Hash::Sha256, &touched(key, signed, signature)?, numbers(&mut value)?)
        }
        _ => Err(mixed),
    }
}

fn end(rest: &[u8]) -> Result<(), Refused> {
    if rest.is_empty() { Ok(()) } else { Err(Refused::bad("something stands after the signature")) }
}

/// The two numbers of ECDSA.
fn numbers<'a>(value: &mut &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Refused> {
    let pair = (string(value)?, string(value)?);
    end(value)?;
    Ok(pair)
}

/// What a key in hardware signs: hash of the application, flags, counter, hash of the message.
fn touched(key: &SshKey, signed: &[u8], tail: &[u8]) -> Result<Vec<u8>, Refused> {
    let [flags, counter @ ..] = tail else { return Err(Refused::bad("no flags")) };
    if counter.len() != 4 {
        return Err(Refused::bad("no counter of four bytes"));
    }
    if flags & PRESENT == 0 {
        return Err(Refused::bad("nobody touched the key"));
    }
    let application = key.application.as_deref().unwrap_or_default();
    Ok([Hash::Sha256.of(application).as_slice(), tail, &Hash::Sha256.of(signed)].concat())
}
