#![allow(clippy::unwrap_used)]

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use sha2::{Digest, Sha256, Sha512};

fn field(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn public(key: &SigningKey) -> Vec<u8> {
    [field(b"ssh-ed25519"), field(key.verifying_key().as_bytes())].concat()
}

fn framed(public: &[u8], tail: &[u8], signature: &[u8]) -> Vec<u8> {
    let blob = [b"SSHSIG\0\0\0\x01".as_slice(), &field(public), tail, &field(signature)].concat();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----", STANDARD.encode(blob)).into_bytes()
}

fn tail_of(namespace: &[u8]) -> Vec<u8> {
    [field(namespace), field(b""), field(b"sha512")].concat()
}

fn signed_of(tail: &[u8], message: &[u8]) -> Vec<u8> {
    [b"SSHSIG".as_slice(), tail, &field(&Sha512::digest(message))].concat()
}

/// A signature as `ssh-keygen -Y sign` writes it.
fn armour(key: &SigningKey, namespace: &[u8], message: &[u8]) -> Vec<u8> {
    let tail = tail_of(namespace);
    let signature = [field(b"ssh-ed25519"), field(&key.sign(&signed_of(&tail, message)).to_bytes())].concat();
    framed(&public(key), &tail, &signature)
}

fn ring(lines: &[String]) -> Keyring {
    let mut ring = Keyring::default();
    for (owner, line) in lines.iter().enumerate() {
        assert!(!ring.add(line, owner).unwrap());
    }
    ring
}

#[test]
fn an_ssh_signature_holds_or_not() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let (good, line) = (armour(&key, b"git", b"commit"), format!("ssh-ed25519 {} ada", STANDARD.encode(public(&key))));
    let (known, unknown) = (ring(&[line]), Keyring::default());
    let result = |ring: &Keyring, armour: &[u8], message: &[u8]| ring.check(armour, message, 0).0.checked;
    assert_eq!(known.check(&good, b"commit", 0).1, Some(Signer::Owner(0)));
    assert_eq!(result(&known, &good, b"commit"), Checked::Good);
    assert_eq!(result(&unknown, &good, b"commit"), Checked::UnknownKey);
    assert_eq!(result(&known, &good, b"another commit"), Checked::Bad);
    assert_eq!(
        result(&known, &armour(&key, b"file", b"commit"), b"commit"),
        Checked::Bad,
        "made for something else than git"
    );
    let cut = good.iter().position(|byte| *byte == b'\n').unwrap() + 200;
    assert_eq!(result(&known, &good[..cut], b"commit"), Checked::Bad, "no end");
    assert_eq!(
        known.check(b"-----BEGIN PGP SIGNATURE-----", b"", 0).0,
        Signed { scheme: Scheme::Gpg, checked: Checked::Bad }
    );
    assert_eq!(scheme(b"-----BEGIN SIGNED MESSAGE-----"), Scheme::X509);
    assert_eq!(result(&known, b"x", b""), Checked::NotVerified);
    for bad in ["ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-ed25519", ""] {
        assert!(Keyring::default().add(bad, 0).is_err(), "{bad}");
    }
}

/// `PROTOCOL.u2f`: the key signs hash of the application, flags, counter and hash of the message.
#[test]
fn a_key_in_hardware_says_that_it_was_touched() {
    let key = SigningKey::from_bytes(&[9; 32]);
    let kind = b"sk-ssh-ed25519@openssh.com";
    let public = |application: &[u8]| [field(kind), field(key.verifying_key().as_bytes()), field(application)].concat();
    let armour = |application: &[u8], tail_bytes: &[u8]| {
        let tail = tail_of(b"git");
        let message = Sha256::digest(signed_of(&tail, b"commit"));
        let signed = [Sha256::digest(b"ssh:").as_slice(), tail_bytes, &message].concat();
        let signature = [field(kind), field(&key.sign(&signed).to_bytes()), tail_bytes.to_vec()].concat();
        framed(&public(application), &tail, &signature)
    };
    let ring = ring(&[format!("sk-ssh-ed25519@openssh.com {} ada", STANDARD.encode(public(b"ssh:")))]);
    let result = |armour: &[u8]| ring.check(armour, b"commit", 0).0.checked;
    assert_eq!(result(&armour(b"ssh:", &[1, 0, 0, 0, 9])), Checked::Good);
    assert_eq!(result(&armour(b"ssh:", &[5, 0, 0, 0, 9])), Checked::Good, "a PIN besides");
    assert_eq!(result(&armour(b"ssh:", &[0, 0, 0, 0, 9])), Checked::Bad, "not touched");
    assert_eq!(result(&armour(b"ssh:", &[1, 0, 0, 9])), Checked::Bad, "a short counter");
    assert_eq!(result(&armour(b"web:", &[1, 0, 0, 0, 9])), Checked::Bad, "another application");
    assert_eq!(ring.bare_signer(&key.sign(b"commit").to_bytes(), b"commit"), None, "it signs nothing bare");
}

/// Signatures made by `ssh-keygen` over `testing` in the namespace `example`, the last by a key in hardware: the examples of the crate `ssh-key`
/// (RustCrypto, Apache-2.0 or MIT).
const PUBLISHED: [&str; 5] = [
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgsz6u836i33yqAQ3v3qNOJB9l8bUppPQ+0UMn9cVKq2IAAAAHZXhhbXBsZQAAAAAAAAAGc2hhNTEyAAAAUwAA\
     AAtzc2gtZWQyNTUxOQAAAEBPEav+tMGNnox4MuzM7rlHyVBajCn8B0kAyiOWwPKprNsG3i6X+voz/WCSik/FowYwqhgCABUJSvRX3AERVBUP",
    "U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAEEEfB/YcwzlNFe+jZJAmOw2SIMPkqqKI2OsZW/dRSH6YxPlEfGJG06eWq+O\
     FC0GrRWmakJX8/BR2E6KDi+RuoBwRwAAAAdleGFtcGxlAAAAAAAAAAZzaGE1MTIAAABjAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAABIAAAAID884rM9MmiHWlfwoX+J\
     Y6rrivMILmCEganDbXs6ShABAAAAIEYXgcOegKAJkfP1P7kw2AnlEIY0hRwtUm7moeouFySh",
    "U1NIU0lHAAAAAQAAAIgAAAATZWNkc2Etc2hhMi1uaXN0cDM4NAAAAAhuaXN0cDM4NAAAAGEELm6C3FQH8QShERfHwFsZk8POs9sl+uaLoWlQKk/5OV2a02tUPoAU/xXX\
     COIfCfWFqm361XW3m5Q0GLhhmNm82bB//5OZsV1D00766y5Wt7M8/4gLJCs+C1ivlsdYQexBAAAAB2V4YW1wbGUAAAAAAAAABnNoYTUxMgAAAIQAAAATZWNkc2Etc2hh\
     Mi1uaXN0cDM4NAAAAGkAAAAwWRSBydn20NFbMvdQGNRgO+e/AFdDm9eaT/AqQk3rFKKyuyC71gaiGXke3BWByW57AAAAMQDshCxIODastNeRULgAtklWgLC/6i1JQeel\
     DPMFVD/T4tvQKBy2tnpUf1+9FKpoB34=",
    "U1NIU0lHAAAAAQAAAZcAAAAHc3NoLXJzYQAAAAMBAAEAAAGBAKaOR4ybyTcmQ2t/Xp5vmkbhtzvsHoy3dU3ixqW2xFXy8BKnJZr8+UGB1p6V05o0nk0rSCpTcrKJQ3Md\
     t1xzznvZ7shQEMlL+uVpYBGJIvhqizZVs1fSTnpnnNin2b9urmb3+aVv49CQ0GMiGKaClg2KrZPAGJh4Dq0tvv1w+0cDRxfkEuT9rmhSkuyJHiQj9/5D3y9UMpqwpddW\
     HlguQuhuuu4MHp6vYD185whQXQ7gkJEuH8NzXrWATd9CthMxB6dumlnN/Gtl9DxjAs+8qOeqb5dFf6ltO1om6PQSBNLNQr4RnGhLDwI3CJmnGuPB5xMxVDzD+ytCaHgA\
     Ea5OqTTA/wdwjuGD5+kG/uSJ6OHlf856HG34+67zm70ZVdvVrRq/++Em9QIFy4hK8ID/PXBUnTF0uFvX9mJMN1PPI1tlDQ5CKPMr57VKWQ2Gn7d4ZVm7ek1m+dOmnAhe\
     /fCDqRXUeh2RYaCHVrJjsG5znZnyiQNiq8lq3kLM6Pk5pA2v+QAAAAdleGFtcGxlAAAAAAAAAAZzaGE1MTIAAAGUAAAADHJzYS1zaGEyLTUxMgAAAYBgAr3zDww5X0fR\
     n4fSzHi0okXxU8N4R0qJp2GJ/z9MlwIbxJ+NuWV9MbCRc27lBxklvos69kJ0zD0yXfpBHB+ABPO+7GPOm/8cj1ldy7AvjfGYb+UOwppAwGueaRGoeYXdiM5d9obpDLpX\
     0uUOoPkvLoXT/RHC8H+imHvDDfWTAvTe2a4Dukf78VA0ZGOI0BDO7ZIkcNL9t380cggEEzgjDj5215DG1Bk9cSw2P2WozuOeaTBuJttY+8/yhO7B9LVVJIPkxDewmbhQ\
     s5ycWWuUSUzGZCYyHPTVbEu0zJSStQBUELR7qneFfHPpFO43L05yKmHOf+wtpo5Cp2JXV3+lpOtjdsP1Odu6/Gu7MX2qXgNEeTa9tFlybWxzTGKGMb0jrAHO4ivVlfYl\
     +gjpd5URxf8pllnOaHQutPBTZXUR1izJqucaJyQdyuI4Q2B7jl20zQlpwEqM6GiCbct7BJ3i38DgBXdcrz735+Tmuf+6LPMVS9OHR3RCWZBFnFyt7dA=",
    "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAg1KgSUWV4f6c3zcWguqp6kmM37LsazmWufupeMGpBnK4AAAAEc3NoOgAAAAdleGFt\
     cGxlAAAAAAAAAAZzaGE1MTIAAABnAAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAQC9WcLb5NGXRdCOHinQIS/MxdnAx7SQMYnyOt5q4+huTWh/Zk/UvWhP+\
     wXl/ikNPlDpgliRq6o3VyKqSLLo9lQYBAAAACQ==",
];

#[test]
fn published_ssh_signatures_hold() {
    for body in PUBLISHED {
        let armour = format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n");
        assert!(ssh::verify_in(b"example", armour.as_bytes(), b"testing").is_ok(), "{body}");
        assert!(ssh::verify_in(b"example", armour.as_bytes(), b"testinG").is_err());
        assert!(ssh::verify(armour.as_bytes(), b"testing").is_err(), "not made for git");
    }
}

/// Key, payload and signature of the test vector in the DSSE specification (protocol.md).
#[test]
fn the_vector_of_dsse_holds() {
    let point = hex::decode(
        "0467cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d2380c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74",
    );
    let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    let info = STANDARD.encode([head, point.unwrap()].concat());
    let ring = ring(&[format!("-----BEGIN PUBLIC KEY-----\n{info}\n-----END PUBLIC KEY-----\n")]);
    let signature = STANDARD
        .decode("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
        .unwrap();
    let signed = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
    assert_eq!(ring.bare_signer(&signature, signed), Some(0));
    assert_eq!(ring.bare_signer(&signature, &signed[1..]), None);
}

#[test]
fn weak_rsa_is_refused() {
    let key = |bits: usize| {
        let modulus = [vec![0, 0x80], vec![1; bits / 8 - 1]].concat();
        let blob = [field(b"ssh-rsa"), field(&[1, 0, 1]), field(&modulus)].concat();
        Keyring::default().add(&format!("ssh-rsa {}", STANDARD.encode(blob)), 0)
    };
    assert!(matches!(key(2_040), Err(Refused::Weak(_))));
    assert!(key(2_048).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let ring = Keyring::default();
        let encoded = STANDARD.encode(&bytes);
        let _ = ring.check(&bytes, b"", 0);
        for label in ["SSH SIGNATURE", "PGP SIGNATURE", "SIGNED MESSAGE"] {
            let _ = ring.check(format!("-----BEGIN {label}-----\n{encoded}\n-----END {label}-----").as_bytes(), b"", 0);
        }
        let inner = STANDARD.encode([b"SSHSIG\0\0\0\x01".as_slice(), &bytes].concat());
        let _ = ring.check(format!("-----BEGIN SSH SIGNATURE-----\n{inner}\n-----END SSH SIGNATURE-----").as_bytes(), b"", 0);
        for label in ["PGP PUBLIC KEY BLOCK", "CERTIFICATE", "PUBLIC KEY"] {
            let text = format!("-----BEGIN {label}-----\n{encoded}\n-----END {label}-----");
            let _ = (Keyring::default().add(&text, 0), Keyring::default().add_issuer(&text));
        }
        let _ = ring.wire_owner(&bytes);
    }

    /// Mutations of packets and elements that begin well.
    #[test]
    fn packets_and_elements_never_panic(tag in 0u8..64, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let packet = [&[0xc0 | tag, u8::try_from(body.len()).unwrap().min(191)], body.as_slice()].concat();
        if let Ok(packets) = packet::packets(&packet) {
            for packet in packets {
                let _ = packet::Key::parse(packet.body);
                if let Ok(signature) = packet::Signature::parse(packet.body) {
                    let _ = signature.acceptable();
                }
            }
        }
        let key = [&[4u8, 0, 0, 0, 1, 22], body.as_slice()].concat();
        let _ = packet::Key::parse(&key);
        let _ = packet::Signature::parse(&[&[4u8, 0, 22, 8], body.as_slice()].concat());
        let mut reader = asn1::Reader::new(&body);
        while let Ok(element) = reader.next() {
            let _ = (element.time(), element.bits());
        }
        let _ = x509::Certificate::parse(&body);
    }
}
