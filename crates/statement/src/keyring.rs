//! Which keys may sign an issuer's next statement.
//!
//! The terms name the first ones. A `rotation` statement, signed by a key in force, adds or retires one from the next statement on. So
//! the answer for any entry follows from the terms and the entries before it, and everybody who reads the log derives the same.
//!
//! What it cannot do: whoever steals a key in force can rotate as well as its owner, and the chain cannot tell them apart. The remedy is
//! outside it: new terms that name new keys.

use crate::body::{AddedKey, Body, Header};
use crate::envelope::{self, Signed};
use crate::error::StatementError;
use crate::keys::{PublicKey, Signature, SigningKey};
use crate::statement::{Kind, Statement};
use serde::{Deserialize, Serialize};

/// Most keys in force at a time.
pub const MAX_KEYS: usize = 16;
/// Most keys that one chain may retire.
pub const MAX_RETIRED: usize = 1024;
/// Domain of the signature by which a new key shows that its secret half is there.
pub const POSSESSION_DOMAIN: &[u8] = b"standstill/1/key-possession\0";

/// What an added key signs: domain ‖ agreement id ‖ length of the issuer's name in one byte ‖ name ‖ sequence as u64 big-endian ‖ hash of
/// the previous statement (zeros for none) ‖ the key. So it holds for one place in one chain only.
#[must_use]
pub fn possession_message(header: &Header, key: &PublicKey) -> Vec<u8> {
    let name = header.issuer.as_str().as_bytes();
    // Names have at most 64 bytes.
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let previous = header.previous.map_or([0; 32], |hash| hash.0);
    [POSSESSION_DOMAIN, &header.agreement.0, &[length], name, &header.sequence.to_be_bytes(), &previous, &key.0]
        .concat()
}

/// Whether it is worth decoding these bytes to look for a rotation: false for everything else that is a statement, at little cost. The content
/// type is the second field of the envelope.
#[must_use]
pub fn may_be_rotation(bytes: &[u8]) -> bool {
    let kind = Kind::Rotation.name().as_bytes();
    bytes[..bytes.len().min(128)].windows(kind.len()).any(|window| window == kind)
}

/// The key that these bytes would add, if they are a rotation. Nothing is verified: for gathering the keys under which a long log is verified on
/// many threads, before [`Keyring::admit`] takes its statements in order.
#[must_use]
pub fn announced_key(bytes: &[u8]) -> Option<PublicKey> {
    if !may_be_rotation(bytes) {
        return None;
    }
    match envelope::decode_unverified(bytes).ok()?.body {
        Body::Rotation(rotation) => rotation.add.map(|added| added.key),
        _ => None,
    }
}

impl AddedKey {
    /// The key with its proof, for the statement that will have this header.
    #[must_use]
    pub fn prove(key: &SigningKey, header: &Header) -> Self {
        let public = key.public();
        Self { key: public, possession: Signature(key.sign(&possession_message(header, &public))) }
    }
}

/// The keys that may sign the next statement, and those that could once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    active: Vec<PublicKey>,
    retired: Vec<Retired>,
}

/// A key that may not sign any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retired {
    key: PublicKey,
    /// Sequence of the rotation that retired it.
    by: u64,
}

impl Keyring {
    /// The keys that the terms name.
    #[must_use]
    pub fn new(keys: &[PublicKey]) -> Self {
        Self { active: keys.to_vec(), retired: Vec::new() }
    }

    /// Keys that may sign the next statement.
    #[must_use]
    pub fn active(&self) -> &[PublicKey] {
        &self.active
    }

    /// Verifies the issuer's next statement and draws the conclusions from it. A refused statement changes nothing.
    ///
    /// # Errors
    /// As [`envelope::verify`]; [`StatementError::Retired`] for a key that was retired before; [`StatementError::Field`] for a rotation that
    /// does not fit the keys in force.
    pub fn verify_next(&mut self, bytes: &[u8]) -> Result<Signed, StatementError> {
        let signed = match envelope::verify(bytes, &self.active) {
            Err(StatementError::UnknownKey { key_id, known }) => {
                let retired = self.retired.iter().find(|old| hex::encode(old.key.key_id()) == key_id);
                return Err(retired.map_or(StatementError::UnknownKey { key_id, known }, Retired::refusal));
            }
            other => other?,
        };
        self.admit(&signed)?;
        Ok(signed)
    }

    /// Every key that signs or ever signed.
    pub fn ever(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.active.iter().copied().chain(self.retired.iter().map(|old| old.key))
    }

    /// Whether this key may sign the next statement.
    ///
    /// # Errors
    /// [`StatementError::Retired`] or [`StatementError::UnknownKey`].
    pub fn check(&self, key: &PublicKey) -> Result<(), StatementError> {
        if self.active.contains(key) {
            return Ok(());
        }
        let unknown = StatementError::UnknownKey { key_id: hex::encode(key.key_id()), known: self.active.len() };
        Err(self.retired.iter().find(|old| old.key == *key).map_or(unknown, Retired::refusal))
    }

    /// As [`Keyring::verify_next`] for a statement whose signature was verified under some key.
    ///
    /// # Errors
    /// As there.
    pub fn admit(&mut self, signed: &Signed) -> Result<(), StatementError> {
        self.check(&signed.key)?;
        self.apply(&signed.statement)
    }

    /// Draws the conclusions from the issuer's next statement, whose signature is somebody else's business.
    ///
    /// # Errors
    /// [`StatementError::Field`] for a rotation that does not fit the keys in force.
    pub fn apply(&mut self, statement: &Statement) -> Result<(), StatementError> {
        let Body::Rotation(rotation) = &statement.body else { return Ok(()) };
        let refuse = |field, problem: &str| {
            let (kind, issuer) = (statement.kind().name(), statement.header.issuer.clone());
            Err(StatementError::Field { kind, issuer, field, problem: problem.to_owned() })
        };
        let mut active = self.active.clone();
        if let Some(retire) = rotation.retire {
            let Some(place) = active.iter().position(|key| *key == retire) else {
                return refuse("body.rotation.retire", "is not a key in force");
            };
            active.remove(place);
        }
        if let Some(added) = &rotation.add {
            if active.contains(&added.key) {
                return refuse("body.rotation.add", "is in force already");
            }
            if self.retired.iter().any(|old| old.key == added.key) {
                return refuse("body.rotation.add", "was retired once; a retired key stays retired, make a new one");
            }
            active.push(added.key);
        }
        if self.retired.len() >= MAX_RETIRED {
            return refuse("body.rotation.retire", "is beyond the number of keys that one chain may retire (1024)");
        }
        if active.is_empty() {
            return refuse("body.rotation.retire", "is the last key in force; add another one in the same statement");
        }
        if active.len() > MAX_KEYS {
            return refuse(
                "body.rotation.add",
                "is one key more than may be in force; retire one in the same statement",
            );
        }
        let by = statement.header.sequence;
        self.retired.extend(rotation.retire.map(|key| Retired { key, by }));
        self.active = active;
        Ok(())
    }
}

impl Retired {
    fn refusal(&self) -> StatementError {
        StatementError::Retired { key_id: hex::encode(self.key.key_id()), by: self.by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{key, rotation, statement};
    use crate::{Heartbeat, Rotation, verify};

    fn other(seed: u8) -> SigningKey {
        SigningKey::from_seed([seed; 32])
    }

    fn beat(sequence: u64, key: &SigningKey) -> Vec<u8> {
        statement(Body::Heartbeat(Heartbeat { window: 1 }), sequence).sign(key).unwrap()
    }

    fn rotate(sequence: u64, by: &SigningKey, add: &SigningKey, retire: Option<PublicKey>) -> Vec<u8> {
        statement(rotation(sequence, add, retire), sequence).sign(by).unwrap()
    }

    #[test]
    fn a_rotation_holds_from_the_next_statement_on() {
        let (old, new) = (key(), other(2));
        let mut keyring = Keyring::new(&[old.public()]);
        let refused = keyring.verify_next(&beat(0, &new)).unwrap_err();
        assert!(matches!(refused, StatementError::UnknownKey { .. }), "{refused}");
        keyring.verify_next(&beat(0, &old)).unwrap();
        keyring.verify_next(&rotate(1, &old, &new, Some(old.public()))).unwrap();
        assert_eq!(keyring.active(), [new.public()]);
        let refused = keyring.verify_next(&beat(2, &old)).unwrap_err();
        assert!(matches!(refused, StatementError::Retired { by: 1, .. }), "{refused}");
        keyring.verify_next(&beat(2, &new)).unwrap();
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let (old, new, third) = (key(), other(2), other(3));
        let mut keyring = Keyring::new(&[old.public()]);
        keyring.verify_next(&rotate(1, &old, &new, Some(old.public()))).unwrap();
        let before = keyring.clone();
        let last = Body::Rotation(Rotation { add: None, retire: Some(new.public()) });
        for (bytes, what) in [
            (rotate(2, &new, &old, None), "retired key comes back"),
            (rotate(2, &new, &new, None), "key in force twice"),
            (rotate(2, &new, &third, Some(old.public())), "retires a retired key"),
            (rotate(2, &third, &third, None), "a stranger adds itself"),
            (rotate(2, &old, &third, None), "a retired key adds another"),
            (statement(last, 2).sign(&new).unwrap(), "no key left"),
        ] {
            assert!(keyring.verify_next(&bytes).is_err(), "{what}");
            assert_eq!(keyring, before, "{what}");
        }
    }

    #[test]
    fn announced_keys_are_found() {
        let (old, new) = (key(), other(2));
        assert_eq!(announced_key(&rotate(1, &old, &new, None)), Some(new.public()));
        assert_eq!(announced_key(&beat(1, &old)), None);
        assert_eq!(announced_key(b""), None);
        assert_eq!(announced_key(b"application/vnd.standstill.rotation+cbor"), None);
    }

    #[test]
    fn keys_in_force_are_limited() {
        let mut keyring = Keyring::new(&[key().public()]);
        for seed in 2..=MAX_KEYS {
            keyring.verify_next(&rotate(1, &key(), &other(u8::try_from(seed).unwrap()), None)).unwrap();
        }
        assert!(keyring.verify_next(&rotate(1, &key(), &other(200), None)).is_err());
        keyring.verify_next(&rotate(1, &key(), &other(200), Some(other(2).public()))).unwrap();
    }

    /// A rival's public key cannot be claimed, and a proof for one place does not hold for another.
    #[test]
    fn possession_is_proved_for_one_place_only() {
        let (old, new) = (key(), other(2));
        let Body::Rotation(good) = rotation(1, &new, None) else { unreachable!() };
        let sign = |body: Rotation, sequence| {
            Statement { body: Body::Rotation(body), ..statement(rotation(1, &new, None), sequence) }.sign(&old)
        };
        assert!(verify(&sign(good.clone(), 1).unwrap(), &[old.public()]).is_ok());
        assert!(sign(good.clone(), 2).is_err(), "replayed at another place");
        let mut claimed = good;
        claimed.add.as_mut().unwrap().key = other(3).public();
        assert!(sign(claimed, 1).is_err(), "another's key");
    }
}
