//! OpenPGP certificates and what a detached signature by one proves.
//!
//! A signature counts when it holds by the primary key or by a subkey for signing, and that key was valid at the signature's own time of creation:
//!
//! - the primary key's newest self-signature (direct, or over a user id) says that it signs, or says nothing about uses; a subkey is bound by the
//!   primary key for signing and has signed back (RFC 9580, sections 5.2.1.8 to 5.2.1.10);
//! - key and primary key existed and had not expired, by those newest signatures;
//! - neither was revoked. A revocation without reason or for compromise holds for all times, one for retirement or replacement from its date.
//!
//! Signatures of binding, too, must be over SHA-256, SHA-384 or SHA-512. A revocation over another hash, which nothing here can check, counts. Not read: designated revokers, revocations of user ids, trust of others.
//! Whoever has the secret key can write any time of creation, so that an expiry proves nothing against its owner.

use super::Refused;
use super::armour::{self, MAX_KEY_BYTES};
use super::key::PublicKey;
use super::packet::{self, Key, Packet, Signature};

/// Labels of certificates.
pub(super) const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const LABEL: &str = "PGP PUBLIC KEY BLOCK";
/// Use of a key for signing data (RFC 9580, section 5.2.3.29).
const SIGNS: u8 = 2;

/// A key that signs, with the time in which it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SigningKey {
    pub(super) id: u64,
    pub(super) key: PublicKey,
    from: i64,
    until: Option<i64>,
    revoked: Option<i64>,
}

/// Bindings and revocations of one key.
#[derive(Default)]
struct Newest {
    /// Newest signature that binds: time, uses, seconds until expiry.
    bound: Option<(i64, Option<u8>, Option<i64>)>,
    /// A subkey signed back in the newest binding.
    back: bool,
    revoked: Option<i64>,
}

impl Newest {
    fn bind(&mut self, signature: &Signature<'_>, back: bool) {
        if self.bound.is_none_or(|(time, ..)| time <= signature.created) {
            let uses = signature.sub(27).map(|value| value.first().copied().unwrap_or(0));
            self.bound = Some((signature.created, uses, signature.seconds(9).filter(|seconds| *seconds > 0)));
            self.back = back;
        }
    }

    fn revoke(&mut self, signature: &Signature<'_>) {
        // 1: superseded, 3: retired, 32: user id; all else, and no reason, may mean that the key is in other hands.
        let soft = signature.sub(29).and_then(|value| value.first()).is_some_and(|code| matches!(code, 1 | 3 | 32));
        let time = if soft { signature.created } else { i64::MIN };
        self.revoked = Some(self.revoked.map_or(time, |known| known.min(time)));
    }
}

fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

/// One certificate while it is read.
struct Reading<'a> {
    primary: Key<'a>,
    primary_key: PublicKey,
    newest: Newest,
    subkeys: Vec<(Key<'a>, Newest)>,
    /// What the next signatures are over.
    at: At,
    /// Why a self-signature did not count, for the message.
    refused: Option<Refused>,
}

enum At {
    Primary,
    User(Vec<u8>),
    Subkey,
    Skipped,
}

/// All keys that sign, of all certificates in an armoured block.
pub(super) fn certificates(text: &str) -> Result<Vec<SigningKey>, Refused> {
    let (bytes, rest) = armour::decode(text, &[LABEL], MAX_KEY_BYTES)?;
    if !rest.trim().is_empty() {
        return Err(Refused::bad("something stands after the armour"));
    }
    let mut out = Vec::new();
    let mut open: Option<Reading<'_>> = None;
    let packets = packet::packets(&bytes)?;
    for packet in &packets {
        if packet.tag == packet::PUBLIC_KEY {
            out.extend(open.take().map(Reading::finish).transpose()?.into_iter().flatten());
            open = Some(Reading::new(packet)?);
        } else {
            open.as_mut().ok_or_else(|| Refused::bad("no public key comes first"))?.packet(packet)?;
        }
    }
    out.extend(open.map(Reading::finish).transpose()?.into_iter().flatten());
    if out.is_empty() { Err(Refused::bad("no key in it")) } else { Ok(out) }
}

impl<'a> Reading<'a> {
    fn new(packet: &Packet<'a>) -> Result<Self, Refused> {
        let primary = Key::parse(packet.body)?;
        let primary_key = primary.key.clone()?;
        primary_key.strong()?;
        let newest = Newest::default();
        Ok(Self { primary, primary_key, newest, subkeys: Vec::new(), at: At::Primary, refused: None })
    }

    fn packet(&mut self, packet: &Packet<'a>) -> Result<(), Refused> {
        let user = |prefix: u8| {
            let length = u32::try_from(packet.body.len()).unwrap_or(u32::MAX).to_be_bytes();
            At::User([&[prefix], length.as_slice(), packet.body].concat())
        };
        match packet.tag {
            packet::USER_ID => self.at = user(0xb4),
            packet::USER_ATTRIBUTE => self.at = user(0xd1),
            packet::PUBLIC_SUBKEY => match Key::parse(packet.body) {
                Ok(key) => {
                    self.subkeys.push((key, Newest::default()));
                    self.at = At::Subkey;
                }
                Err(_) => self.at = At::Skipped,
            },
            packet::SIGNATURE => {
                // Signatures of others, or of versions that are not read, say nothing here.
                if let Ok(signature) = Signature::parse(packet.body) {
                    self.signature(&signature);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn signature(&mut self, signature: &Signature<'_>) {
        if !signature.issuers.is_empty() && !signature.issuers.contains(&self.primary.id) {
            return;
        }
        let data = self.primary.hashed();
        let holds = |data: &[u8]| signature.holds(&self.primary_key, data);
        match (&self.at, signature.kind) {
            (At::Primary, 0x20) if revokes(&holds(&data)) => self.newest.revoke(signature),
            (At::Primary, 0x1f) => match holds(&data) {
                Ok(()) => self.newest.bind(signature, false),
                Err(error) => self.refused = Some(error),
            },
            (At::User(user), 0x10..=0x13) => match holds(&[data.as_slice(), user].concat()) {
                Ok(()) => self.newest.bind(signature, false),
                Err(error) => self.refused = Some(error),
            },
            (At::Subkey, kind @ (0x18 | 0x28)) => {
                let Some((key, newest)) = self.subkeys.last_mut() else { return };
                let data = [data, key.hashed()].concat();
                match (kind, signature.holds(&self.primary_key, &data)) {
                    (0x28, held) if revokes(&held) => newest.revoke(signature),
                    (0x18, Ok(())) => newest.bind(signature, signed_back(signature, key, &data)),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn finish(self) -> Result<Vec<SigningKey>, Refused> {
        let Some((_, uses, expiry)) = self.newest.bound else {
            let why = self.refused.map_or_else(|| "there is none".to_owned(), |error| error.to_string());
            return Err(Refused::bad(format!(
                "key {:016X} has no self-signature that counts ({why}); renew it with 'gpg --edit-key', for SHA-256 or better",
                self.primary.id
            )));
        };
        let (from, until) = (self.primary.created, expiry.map(|seconds| self.primary.created + seconds));
        let mut out = Vec::new();
        if uses.is_none_or(|uses| uses & SIGNS != 0) {
            let revoked = self.newest.revoked;
            out.push(SigningKey { id: self.primary.id, key: self.primary_key, from, until, revoked });
        }
        for (subkey, newest) in self.subkeys {
            let (Ok(key), Some((_, Some(uses), expiry))) = (subkey.key, newest.bound) else { continue };
            if uses & SIGNS == 0 || !newest.back || key.strong().is_err() {
                continue;
            }
            out.push(SigningKey {
                id: subkey.id,
                key,
                from: from.max(subkey.created),
                until: least(until, expiry.map(|seconds| subkey.created + seconds)),
                revoked: least(self.newest.revoked, newest.revoked),
            });
        }
        if out.is_empty() {
            return Err(Refused::bad(format!("nothing in the certificate of key {:016X} signs", self.primary.id)));
        }
        Ok(out)
    }
}

/// Whether a revocation counts: when it holds, and when nothing can say that it does not, as over SHA-1. The map's owner gives the certificate, so
/// that nobody else gains by a revocation that is not genuine, while an old one that is overlooked would let a lost key sign.
fn revokes(held: &Result<(), Refused>) -> bool {
    matches!(held, Ok(()) | Err(Refused::Weak(_) | Refused::Unread(_)))
}

/// Whether a subkey claims its primary key, in the signature that is embedded in the binding.
fn signed_back(binding: &Signature<'_>, key: &Key<'_>, data: &[u8]) -> bool {
    let (Some(embedded), Ok(public)) = (binding.embedded, &key.key) else { return false };
    Signature::parse(embedded).is_ok_and(|back| back.kind == 0x19 && back.holds(public, data).is_ok())
}

impl SigningKey {
    /// Whether the key was valid at a time.
    fn valid(&self, time: i64) -> Result<(), Refused> {
        let refuse = |why: String| Err(Refused::KeyNotValid(format!("key {:016X} {why}", self.id)));
        match self {
            _ if time < self.from => refuse(format!("was made at {}, after the signature", self.from)),
            Self { until: Some(until), .. } if time >= *until => refuse(format!("expired at {until}")),
            Self { revoked: Some(revoked), .. } if time >= *revoked => refuse("was revoked".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The place of the key by which a detached signature over a message holds, among those that `find` gives for a key id.
pub(super) fn verify<'k, T: Copy + 'k>(
    armoured: &[u8],
    message: &[u8],
    find: impl Fn(u64) -> &'k [(SigningKey, T)],
) -> Result<T, Refused> {
    let bytes = armour::only(armoured, &["PGP SIGNATURE", "PGP MESSAGE"])?;
    let packets = packet::packets(&bytes)?;
    let [Packet { tag: packet::SIGNATURE, body }] = packets.as_slice() else {
        return Err(Refused::unread("not one OpenPGP signature"));
    };
    let signature = Signature::parse(body)?;
    if signature.kind != 0 {
        return Err(Refused::bad("the OpenPGP signature is not over a document's bytes"));
    }
    signature.acceptable()?;
    let mut last = Refused::unread("the map gives no certificate with that OpenPGP key");
    for (key, whose) in signature.issuers.iter().flat_map(|id| find(*id)) {
        match signature.holds(&key.key, message) {
            Ok(()) => return key.valid(signature.created).map(|()| *whose),
            Err(error) => last = error,
        }
    }
    Err(last)
}
