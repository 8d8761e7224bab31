#![allow(clippy::unwrap_used)]

use super::*;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;

fn field(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn public(key: &SigningKey) -> Vec<u8> {
    [field(b"ssh-ed25519"), field(key.verifying_key().as_bytes())].concat()
}

/// A signature as `ssh-keygen -Y sign` writes it.
fn armour(key: &SigningKey, namespace: &[u8], message: &[u8]) -> Vec<u8> {
    let tail = [field(namespace), field(b""), field(b"sha512")].concat();
    let signed = [b"SSHSIG".as_slice(), &tail, &field(&Sha512::digest(message))].concat();
    let signature = [field(b"ssh-ed25519"), field(&key.sign(&signed).to_bytes())].concat();
    let blob = [b"SSHSIG\0\0\0\x01".as_slice(), &field(&public(key)), &tail, &field(&signature)].concat();
    format!("{SSH_BEGIN}\n{}\n{SSH_END}", STANDARD.encode(blob)).into_bytes()
}

#[test]
fn an_ssh_signature_holds_or_not() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let (good, line) = (armour(&key, b"git", b"commit"), format!("ssh-ed25519 {} ada", STANDARD.encode(public(&key))));
    let known = public_key(&line).unwrap();
    let result =
        |armour: &[u8], message: &[u8], knows: bool| check(armour, message, |key| knows && *key == known).0.checked;
    assert_eq!(result(&good, b"commit", true), Checked::Good);
    assert_eq!(result(&good, b"commit", false), Checked::UnknownKey);
    assert_eq!(result(&good, b"another commit", true), Checked::Bad);
    assert_eq!(
        result(&armour(&key, b"file", b"commit"), b"commit", true),
        Checked::Bad,
        "made for something else than git"
    );
    assert_eq!(
        check(b"-----BEGIN PGP SIGNATURE-----", b"", |_| true).0,
        Signed { scheme: Scheme::Gpg, checked: Checked::NotVerified }
    );
    assert_eq!(scheme(b"-----BEGIN SIGNED MESSAGE-----"), Scheme::X509);
    assert_eq!(scheme(b"x"), Scheme::Unknown);
    for bad in ["ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-ed25519", ""] {
        assert!(public_key(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = check(&bytes, b"", |_| true);
        let armoured = format!("{SSH_BEGIN}\n{}\n{SSH_END}", STANDARD.encode(&bytes));
        let _ = check(armoured.as_bytes(), b"", |_| true);
        let inner = format!("{SSH_BEGIN}\n{}\n{SSH_END}", STANDARD.encode([b"SSHSIG\0\0\0\x01".as_slice(), &bytes].concat()));
        let _ = check(inner.as_bytes(), b"", |_| true);
    }
}
