//! Whose key is whose: the keys of an identity map, and what a signature over some bytes proves with them. Owners are places in the caller's list.

use super::armour::{self, MAX_KEY_BYTES};
use super::cms::{self, Holds, Pins};
use super::key::PublicKey;
use super::openpgp::{self, SigningKey};
use super::ssh::{self, SshKey};
use super::x509::{self, Certificate};
use super::{Checked, Refused, Scheme, Signed, scheme};
use std::collections::HashMap;

/// Most keys without a frame that are tried for one DSSE signature.
const MAX_TRIED: usize = 10_000;

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The owner of a key, as the caller numbered them.
    Owner(usize),
    /// The holder of these addresses, for whom a pinned issuer vouches.
    Addresses(Vec<String>),
}

/// The keys.
#[derive(Debug, Default)]
pub struct Keyring {
    ssh: HashMap<SshKey, usize>,
    bare: Vec<(PublicKey, usize)>,
    openpgp: HashMap<u64, Vec<(SigningKey, usize)>>,
    pins: HashMap<[u8; 32], usize>,
    issuers: HashMap<[u8; 32], ()>,
    issuer_certificates: Vec<Vec<u8>>,
}

impl Pins<usize> for Keyring {
    fn owner(&self, pin: &[u8; 32]) -> Option<usize> {
        self.pins.get(pin).copied()
    }

    fn issues(&self, pin: &[u8; 32]) -> bool {
        self.issuers.contains_key(pin)
    }

    fn issuers(&self) -> &[Vec<u8>] {
        &self.issuer_certificates
    }
}

fn pin(text: &str) -> Option<Result<[u8; 32], Refused>> {
    let hex = text.trim().strip_prefix("spki-sha256:")?;
    let mut out = [0; 32];
    Some(hex::decode_to_slice(hex.trim(), &mut out).map(|()| out).map_err(Refused::bad))
}

fn certificate(text: &str) -> Result<Vec<u8>, Refused> {
    let (bytes, rest) = armour::decode(text, &["CERTIFICATE"], MAX_KEY_BYTES)?;
    if !rest.trim().is_empty() {
        return Err(Refused::bad("give one certificate, not a chain"));
    }
    Certificate::parse(&bytes)?.key()?;
    Ok(bytes)
}

impl Keyring {
    /// Adds a key of an owner: an SSH line, an OpenPGP certificate, a certificate or public key in PEM, or `spki-sha256:` and 64 digits. True when
    /// the key has another owner already.
    ///
    /// # Errors
    /// [`Refused`] when it is none of these, of a kind that is not read, or weak.
    pub fn add(&mut self, text: &str, owner: usize) -> Result<bool, Refused> {
        let text = text.trim();
        if let Some(pin) = pin(text) {
            return Ok(self.pin(pin?, owner));
        }
        if text.starts_with(openpgp::BEGIN) {
            let mut taken = false;
            for key in openpgp::certificates(text)? {
                let list = self.openpgp.entry(key.id).or_default();
                taken |= list.iter().any(|(known, other)| known.key == key.key && *other != owner);
                list.push((key, owner));
            }
            return Ok(taken);
        }
        if text.starts_with("-----BEGIN CERTIFICATE-----") {
            let bytes = certificate(text)?;
            let parsed = Certificate::parse(&bytes)?;
            parsed.key()?.strong()?;
            return Ok(self.pin(parsed.pin(), owner));
        }
        if text.starts_with("-----BEGIN PUBLIC KEY-----") {
            let (bytes, _) = armour::decode(text, &["PUBLIC KEY"], MAX_KEY_BYTES)?;
            return self.bare(x509::key_info(&bytes)?, owner);
        }
        let key = ssh::line_key(text)?;
        key.key.strong()?;
        let mut taken = self.ssh.insert(key.clone(), owner).is_some_and(|other| other != owner);
        if key.application.is_none() {
            taken |= self.bare(key.key, owner)?;
        }
        Ok(taken)
    }

    fn pin(&mut self, pin: [u8; 32], owner: usize) -> bool {
        self.pins.insert(pin, owner).is_some_and(|other| other != owner)
    }

    fn bare(&mut self, key: PublicKey, owner: usize) -> Result<bool, Refused> {
        key.strong()?;
        let taken = self.bare.iter().any(|(known, other)| *known == key && *other != owner);
        if self.bare.len() >= MAX_TRIED {
            return Err(Refused::bad(format!("more than {MAX_TRIED} keys")));
        }
        self.bare.push((key, owner));
        Ok(taken)
    }

    /// Adds an issuer of certificates: a certificate in PEM, or `spki-sha256:` and 64 digits of one that comes with signatures.
    ///
    /// # Errors
    /// [`Refused`] when it is neither, or of a kind that is not read.
    pub fn add_issuer(&mut self, text: &str) -> Result<(), Refused> {
        let pin = match pin(text) {
            Some(pin) => pin?,
            None => {
                let bytes = certificate(text)?;
                let pin = Certificate::parse(&bytes)?.pin();
                self.issuer_certificates.push(bytes);
                pin
            }
        };
        self.issuers.insert(pin, ());
        Ok(())
    }

    /// What an armoured signature over a message proves, and by whom. `time` (seconds since the Unix epoch) is that of the commit, for
    /// signatures that name none.
    #[must_use]
    pub fn check(&self, armoured: &[u8], message: &[u8], time: i64) -> (Signed, Option<Signer>) {
        let scheme = scheme(armoured);
        let unread = || Err(Refused::unread("an unknown armour"));
        let found = match scheme {
            Scheme::Ssh => self.ssh(armoured, message),
            Scheme::Gpg => self.openpgp(armoured, message),
            Scheme::X509 => self.x509(armoured, message, time),
            Scheme::Unknown => unread(),
        };
        match found {
            Ok(Some(signer)) => (Signed { scheme, checked: Checked::Good }, Some(signer)),
            Ok(None) => (Signed { scheme, checked: Checked::UnknownKey }, None),
            Err(refused) => (Signed { scheme, checked: refused.checked() }, None),
        }
    }

    fn ssh(&self, armoured: &[u8], message: &[u8]) -> Result<Option<Signer>, Refused> {
        let key = ssh::verify(armoured, message)?;
        Ok(self.ssh.get(&key).copied().map(Signer::Owner))
    }

    fn openpgp(&self, armoured: &[u8], message: &[u8]) -> Result<Option<Signer>, Refused> {
        let find = |id: u64| self.openpgp.get(&id).map_or(&[][..], Vec::as_slice);
        openpgp::verify(armoured, message, find).map(|owner| Some(Signer::Owner(owner)))
    }

    fn x509(&self, armoured: &[u8], message: &[u8], time: i64) -> Result<Option<Signer>, Refused> {
        Ok(match cms::verify(armoured, message, time, self)? {
            Holds::Pinned(owner) => Some(Signer::Owner(owner)),
            Holds::Issued(addresses) => Some(Signer::Addresses(addresses)),
            Holds::Unknown => None,
        })
    }

    /// The owner by whose key a DSSE signature over a message holds: an SSH or OpenPGP armour, as gittuf writes it, or the bare bytes.
    #[must_use]
    pub fn bare_signer(&self, signature: &[u8], message: &[u8]) -> Option<usize> {
        match scheme(signature) {
            Scheme::Ssh | Scheme::Gpg => match self.check(signature, message, 0) {
                (_, Some(Signer::Owner(owner))) => Some(owner),
                _ => None,
            },
            Scheme::X509 => None,
            Scheme::Unknown => {
                let tried = self.bare.iter().filter(|(key, _)| key.may_have_made(signature));
                tried.into_iter().find(|(key, _)| key.verify_bare(message, signature).is_ok()).map(|(_, owner)| *owner)
            }
        }
    }

    /// The owner of an SSH key in the form of the wire.
    #[must_use]
    pub fn wire_owner(&self, blob: &[u8]) -> Option<usize> {
        self.ssh.get(&ssh::wire_key(blob).ok()?).copied()
    }
}
