use super::*;
use serde::Deserialize;
use std::path::PathBuf;

/// RFC 8032, section 7.1, tests 1 to 3.
#[test]
fn published_signatures() {
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let key = SigningKey::from_seed(hex::decode(seed).unwrap().try_into().unwrap());
        assert_eq!(hex::encode(key.public().0), public);
        let message = hex::decode(message).unwrap();
        assert_eq!(hex::encode(key.sign(&message)), signature);
        assert!(key.public().verifies(&message, &key.sign(&message)));
    }
}

#[derive(Deserialize)]
struct Vector {
    number: u32,
    key: String,
    sig: String,
    msg: String,
    #[serde(default)]
    flags: Option<Vec<String>>,
}

/// Directory of the published data sets, which are not part of the repository.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let default = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let path = std::env::var_os("STANDSTILL_DATA").map_or_else(default, PathBuf::from).join(path);
    path.exists().then_some(path)
}

/// The published edge cases get one answer, and it is the strict one: exactly those are accepted whose points are neither of small
/// order nor written in a non-canonical way and whose small-order components cancel out.
#[test]
fn published_edge_cases_get_the_strict_answer() {
    let Some(path) = data("tlog/cctv/ed25519/ed25519vectors.json") else {
        return println!("skipped: tlog/cctv/ed25519 not present");
    };
    let vectors: Vec<Vector> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(vectors.len(), 914);
    let mut accepted = 0;
    for vector in &vectors {
        let key = PublicKey(hex::decode(&vector.key).unwrap().try_into().unwrap());
        let signature: [u8; 64] = hex::decode(&vector.sig).unwrap().try_into().unwrap();
        let flags = vector.flags.as_deref().unwrap_or_default();
        let strict = flags.iter().all(|flag| flag.starts_with("low_order_component"));
        assert_eq!(key.verifies(vector.msg.as_bytes(), &signature), strict, "vector {}", vector.number);
        accepted += usize::from(strict);
    }
    assert!(accepted > 0 && accepted < vectors.len(), "{accepted}");
}

/// Adding the group order to `S` gives a second signature under lax rules.
#[test]
fn a_malleated_signature_is_refused() {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let key = SigningKey::from_seed([3; 32]);
    let mut signature = key.sign(b"x");
    let mut carry = 0u16;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert!(!key.public().verifies(b"x", &signature));
}

#[test]
fn text_forms() {
    let key = SigningKey::from_seed([9; 32]);
    let text = key.public().to_string();
    assert_eq!(text, "ed25519:/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=");
    assert_eq!(text.parse(), Ok(key.public()));
    let json = serde_json::to_string(&key.public()).unwrap();
    assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key.public());
    let short = text.replace("9hg=", "9h");
    // The last character of 32 bytes carries two unused bits; a second spelling of the same key must not pass.
    let second = text.replace("9hg=", "9hh=");
    for bad in ["", "ed25519:", &text[8..], &short, &second, &format!("{text}="), &text.replace("ed25519", "Ed25519")] {
        assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
    }
}

#[test]
fn key_ids_are_domain_separated() {
    let key = SigningKey::from_seed([9; 32]).public();
    let id = crate::Hash32::of(&[b"standstill/1/key-id\0".as_slice(), &key.0].concat());
    assert_eq!(key.key_id(), id.0[..8]);
}

#[test]
fn key_files_come_back_and_damage_is_named() {
    let key = SigningKey::generate().unwrap();
    let text = key.to_file_text();
    assert!(text.contains(&key.public().to_string()));
    assert_eq!(SigningKey::from_file_text(&text).unwrap().public(), key.public());
    assert_eq!(SigningKey::from_file_text(&text.replace('\n', "\r\n")).unwrap().public(), key.public());
    let secret = text.lines().last().unwrap();
    for (bad, part) in [
        (String::new(), "no key line"),
        (format!("{secret}\n{secret}"), "more than one"),
        (secret[..40].to_owned(), "damaged"),
        (secret.replace("standstill-secret-key-1", "key"), "must start with"),
        ("#".repeat(5000), "longer"),
    ] {
        let error = SigningKey::from_file_text(&bad).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains(&secret[30..40]), "an error must not repeat the secret");
    }
}

#[test]
fn unusable_public_keys() {
    assert!(SigningKey::from_seed([1; 32]).public().is_usable());
    assert!(!PublicKey([0; 32]).is_usable(), "small order");
    let mut identity = [0; 32];
    identity[0] = 1;
    assert!(!PublicKey(identity).is_usable(), "identity");
}

#[test]
fn the_kept_point_is_never_taken_for_another_key() {
    let (a, b) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
    let (by_a, by_b) = (a.sign(b"text"), b.sign(b"text"));
    for _ in 0..3 {
        assert!(a.public().verifies(b"text", &by_a) && !a.public().verifies(b"text", &by_b));
        assert!(b.public().verifies(b"text", &by_b) && !b.public().verifies(b"text", &by_a));
        assert!(!PublicKey([2; 32]).verifies(b"text", &by_b));
    }
}
