//! Signatures that git, ssh-keygen, gpg and openssl make, and what becomes of them in other hands.
#![allow(clippy::unwrap_used, clippy::panic)]

mod changes_fixture;
mod changes_signers;

use changes_fixture::{ADA, BOB, Repo, Walk};
use changes_signers::{Authority, Gpg, SshKeys, edited, has, map_of, quoted, resign};
use standstill_signals::changes::signature::{Checked, Scheme};
use standstill_signals::changes::table::Mark;

/// What the ledger says of each commit.
fn checked(repo: &Repo, map: Option<String>) -> Vec<Option<Checked>> {
    let rows = Walk { map, ..Walk::default() }.run(repo.path()).0.table.rows;
    rows.iter().map(|row| row.signature.map(|signed| signed.checked)).collect()
}

/// Kinds of SSH keys: what is good with the key in the map, and what without.
#[test]
fn ssh_keys_of_each_kind() {
    let Some(keys) = SshKeys::new() else { return };
    for (kind, bits, with, without) in [
        ("ed25519", "256", Checked::Good, Checked::UnknownKey),
        ("ecdsa", "256", Checked::Good, Checked::UnknownKey),
        ("ecdsa", "384", Checked::Good, Checked::UnknownKey),
        ("rsa", "2048", Checked::Good, Checked::UnknownKey),
        ("rsa", "3072", Checked::Good, Checked::UnknownKey),
    ] {
        let (path, public) = keys.make(kind, bits);
        let mut repo = Repo::new();
        repo.git(&["config", "gpg.format", "ssh"]);
        repo.git(&["config", "user.signingkey", &path]);
        repo.commit_by(ADA, ADA, "Signed", &["-S"]);
        assert_eq!(checked(&repo, None), [Some(without)], "{kind} {bits}");
        assert_eq!(checked(&repo, Some(map_of(&quoted(&public)))), [Some(with)], "{kind} {bits}");
    }
    // A short RSA key is refused in the map and in a signature; P-521 is not read.
    for (kind, bits, wanted) in [("rsa", "1024", Checked::Weak), ("ecdsa", "521", Checked::NotVerified)] {
        let (path, public) = keys.make(kind, bits);
        let mut repo = Repo::new();
        repo.git(&["config", "gpg.format", "ssh"]);
        repo.git(&["config", "user.signingkey", &path]);
        repo.commit_by(ADA, ADA, "Signed", &["-S"]);
        assert_eq!(checked(&repo, None), [Some(wanted)], "{kind} {bits}");
        let walk = Walk { map: Some(map_of(&quoted(&public))), ..Walk::default() };
        assert!(walk.try_run(repo.path()).is_err(), "{kind} {bits}");
    }
}

/// An OpenPGP key of each kind, by gpg: good with its certificate, nothing without; a subkey for signing counts.
#[test]
fn gpg_keys_of_each_kind() {
    for (kind, subkey) in
        [("ed25519", None), ("rsa2048", None), ("nistp256", None), ("nistp384", None), ("rsa3072", Some("ed25519"))]
    {
        let Some(gpg) = Gpg::new() else { return };
        let print = gpg.generate(kind, if subkey.is_some() { "cert" } else { "sign" }, "never", None);
        if let Some(subkey) = subkey {
            gpg.run(&["--quick-add-key", &print, subkey, "sign", "never"]);
        }
        let mut repo = Repo::new();
        gpg.configure(&repo, &print);
        repo.commit_by(ADA, ADA, "Signed", &["-S"]);
        repo.commit_by(BOB, BOB, "Signed with Ada's key", &["-S"]);
        assert_eq!(checked(&repo, None), [Some(Checked::NotVerified); 2], "{kind}");
        let rows =
            Walk { map: Some(map_of(&gpg.certificate(&print))), ..Walk::default() }.run(repo.path()).0.table.rows;
        let found: Vec<_> =
            rows.iter().map(|row| (row.signature.unwrap().checked, row.has(Mark::OtherSigner))).collect();
        assert_eq!(found, [(Checked::Good, false), (Checked::Good, true)], "{kind}");
        assert_eq!(rows[0].signature.unwrap().scheme, Scheme::Gpg);
    }
}

/// Whether the key was valid is judged at the time of the signature; a revocation without reason holds for all times.
#[test]
fn gpg_keys_expire_and_are_revoked() {
    let Some(gpg) = Gpg::new() else { return };
    let print = gpg.generate("ed25519", "sign", "never", Some("20240101T000000"));
    let mut repo = Repo::new();
    gpg.configure(&repo, &print);
    for time in ["20240110T000000", "20240601T000000"] {
        gpg.at(Some(time));
        repo.commit_by(ADA, ADA, time, &["-S"]);
    }
    let good = Some(Checked::Good);
    assert_eq!(checked(&repo, Some(map_of(&gpg.certificate(&print)))), [good, good]);
    // A new self-signature, by which the key ends before the second signature.
    gpg.at(Some("20240120T000000"));
    gpg.run(&["--quick-set-expire", &print, "2024-03-01"]);
    let expired = Some(Checked::KeyNotValid);
    assert_eq!(checked(&repo, Some(map_of(&gpg.certificate(&print)))), [good, expired]);
    gpg.revoke(&print);
    let certificate = gpg.certificate(&print);
    assert_eq!(checked(&repo, Some(map_of(&certificate))), [expired, expired], "no reason is given");
    // The revocation as if it were over SHA-1: nothing here can check it, and it counts.
    let at = |bytes: &[u8]| bytes.windows(3).position(|window| window == [4, 0x20, 22]).unwrap();
    let weak = edited(&certificate, |bytes| bytes[at(bytes) + 3] = 2);
    assert_eq!(checked(&repo, Some(map_of(&weak))), [expired, expired], "a revocation over SHA-1");
    // One that does not hold is nobody's.
    let damaged = edited(&certificate, |bytes| bytes[at(bytes) + 8] ^= 1);
    assert_eq!(checked(&repo, Some(map_of(&damaged))), [good, expired], "a revocation that does not hold");
}

/// SHA-1 is refused whoever signs.
#[test]
fn sha_1_is_weak() {
    let Some(gpg) = Gpg::new() else { return };
    let print = gpg.generate("rsa2048", "sign", "never", None);
    let mut repo = Repo::new();
    gpg.configure(&repo, &print);
    gpg.extra("--digest-algo SHA1");
    repo.commit_by(ADA, ADA, "Signed", &["-S"]);
    let weak = Some(Checked::Weak);
    assert_eq!(checked(&repo, Some(map_of(&gpg.certificate(&print)))), [weak]);
    assert_eq!(checked(&repo, None), [weak]);
}

/// A signature moved to another commit, and a certificate that was tampered with.
#[test]
fn gpg_signatures_of_other_commits_do_not_hold() {
    let Some(gpg) = Gpg::new() else { return };
    let print = gpg.generate("ed25519", "sign", "never", None);
    let mut repo = Repo::new();
    gpg.configure(&repo, &print);
    repo.commit_by(ADA, ADA, "One", &["-S"]);
    let armour = signature_of(&repo);
    repo.commit_by(ADA, ADA, "Two", &["-S"]);
    let map = map_of(&gpg.certificate(&print));
    assert_eq!(checked(&repo, Some(map.clone())), [Some(Checked::Good); 2]);
    resign(&repo, |_| armour.clone());
    assert_eq!(checked(&repo, Some(map)), [Some(Checked::Good), Some(Checked::Bad)]);
    // Another person's certificate does not help.
    let other = gpg.generate("ed25519", "sign", "never", None);
    assert_eq!(checked(&repo, Some(map_of(&gpg.certificate(&other)))), [Some(Checked::NotVerified); 2]);
}

/// A subkey counts only if it claims the primary key: else anybody could take another's subkey into a certificate.
#[test]
fn a_subkey_must_sign_back() {
    let Some(gpg) = Gpg::new() else { return };
    let print = gpg.generate("ed25519", "cert", "never", None);
    gpg.run(&["--quick-add-key", &print, "ed25519", "sign", "never"]);
    let whole = gpg.certificate(&print);
    let repo = Repo::new();
    std::fs::write(repo.path().join("a"), "1\n").unwrap();
    repo.git(&["add", "-A"]);
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    repo.git(&[who.as_slice(), &["commit", "-q", "-m", "One"]].concat());
    let refused =
        |certificate: String| Walk { map: Some(map_of(&certificate)), ..Walk::default() }.try_run(repo.path()).err();
    assert!(refused(whole.clone()).is_none());
    let error = refused(changes_signers::without_back(&whole)).unwrap().to_string();
    assert!(error.contains("nothing in the certificate"), "{error}");
}

/// The armour in the head's header.
fn signature_of(repo: &Repo) -> String {
    let object = repo.git(&["cat-file", "commit", "HEAD"]);
    let (_, rest) = object.split_once("gpgsig ").unwrap();
    let lines: Vec<&str> = rest.lines().take_while(|line| line.starts_with('-') || line.starts_with(' ')).collect();
    lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// CMS by openssl, RSA and P-256: pinned leaf, pinned issuer with the address, nobody's.
#[test]
fn x509_signatures_by_openssl() {
    for kind in ["rsa", "p256", "p384"] {
        let Some(authority) = Authority::new(kind) else { return };
        let leaf = authority.leaf("ada", "email:ada@example.org", "codeSigning", "30");
        let mut repo = Repo::new();
        repo.commit(ADA, "Signed");
        resign(&repo, |signed| authority.sign(&leaf, signed, &[]));
        assert_eq!(checked(&repo, None), [Some(Checked::UnknownKey)], "{kind}");
        let good = Some(Checked::Good);
        for map in [
            map_of(&quoted(&authority.pin(&leaf))),
            map_of(&authority.pem(&leaf)),
            format!("issuers = [{}]\n{}", quoted(&authority.pin("ca")), map_of("")),
            format!("issuers = [{}]\n{}", authority.pem("ca"), map_of("")),
        ] {
            assert_eq!(
                checked(&repo, Some(format!("version = 1\n{}", map.replace("version = 1\n", "")))),
                [good],
                "{kind} {map}"
            );
        }
        let stranger = map_of("").replace("ada@example.org", "eve@example.org");
        let map =
            format!("version = 1\nissuers = [{}]\n{}", authority.pem("ca"), stranger.replace("version = 1\n", ""));
        assert_eq!(checked(&repo, Some(map)), [Some(Checked::UnknownKey)], "the address is nobody's");
    }
}

/// What CMS must not let pass, and what it says nothing about.
#[test]
fn x509_attacks() {
    let Some(authority) = Authority::new("p256") else { return };
    let leaf = authority.leaf("ada", "email:ada@example.org", "serverAuth", "30");
    let map = || {
        Some(format!("version = 1\nissuers = [{}]\n{}", authority.pem("ca"), map_of("").replace("version = 1\n", "")))
    };
    let one = |change: &dyn Fn(&[u8]) -> String| {
        let mut repo = Repo::new();
        repo.commit(ADA, "Signed");
        resign(&repo, change);
        checked(&repo, map())[0].unwrap()
    };
    assert_eq!(one(&|signed| authority.sign(&leaf, signed, &[])), Checked::Good, "uses of the key are not looked at");
    assert_eq!(one(&|_| authority.sign(&leaf, b"another commit", &[])), Checked::Bad);
    assert_eq!(one(&|signed| authority.sign(&leaf, signed, &["-md", "sha1"])), Checked::Weak);
    assert_eq!(one(&|signed| authority.sign(&leaf, signed, &["-noattr"])), Checked::Bad, "no signed attributes");
    assert_eq!(one(&|signed| authority.sign(&leaf, signed, &["-nodetach"])), Checked::Bad, "content inside");
    // Another digest and another signing time in the attributes, under the same signature.
    let of_another =
        |signed: &[u8], from: &[u8], to: &[u8]| changes_signers::patched(&authority.sign(&leaf, signed, &[]), from, to);
    let digest = |bytes: &[u8]| -> Vec<u8> { <sha2::Sha256 as sha2::Digest>::digest(bytes).to_vec() };
    assert_eq!(
        one(&|signed| changes_signers::patched(
            &authority.sign(&leaf, b"another", &[]),
            &digest(b"another"),
            &digest(signed)
        )),
        Checked::Bad
    );
    assert_eq!(one(&|signed| of_another(signed, b"\x17\x0d2", b"\x17\x0d3")), Checked::Bad, "a later signing time");
    // A leaf cannot issue, even when it is pinned as an issuer, and an authority of the same name with another key is another.
    let below = authority.leaf_by(&leaf, "below", "email:ada@example.org", "codeSigning", "30");
    let mut repo = Repo::new();
    repo.commit(ADA, "Signed");
    resign(&repo, |signed| authority.sign(&below, signed, &[]));
    let pinned =
        format!("version = 1\nissuers = [{}]\n{}", authority.pem(&leaf), map_of("").replace("version = 1\n", ""));
    assert_eq!(checked(&repo, Some(pinned)), [Some(Checked::UnknownKey)]);
    let other = Authority::new("p256").unwrap();
    let foreign = other.leaf("ada", "email:ada@example.org", "codeSigning", "30");
    assert_eq!(one(&|signed| other.sign(&foreign, signed, &[])), Checked::UnknownKey);
    let short = authority.leaf("old", "email:ada@example.org", "codeSigning", "-1");
    assert_eq!(one(&|signed| authority.sign(&short, signed, &[])), Checked::KeyNotValid, "expired when it signed");
}

/// The program that git calls for X.509 unless it is told another.
#[test]
fn x509_signatures_by_gpgsm() {
    let Some(authority) = Authority::new("rsa").filter(|_| has("gpgsm")) else { return };
    let leaf = authority.leaf("ada", "email:ada@example.org", "emailProtection", "30");
    let mut repo = Repo::new();
    repo.commit(ADA, "Signed");
    resign(&repo, |signed| authority.sign_with_gpgsm(&leaf, signed));
    assert_eq!(checked(&repo, Some(map_of(&quoted(&authority.pin(&leaf))))), [Some(Checked::Good)]);
    resign(&repo, |_| authority.sign_with_gpgsm(&leaf, b"another commit"));
    assert_eq!(checked(&repo, Some(map_of(&quoted(&authority.pin(&leaf))))), [Some(Checked::Bad)]);
}

/// What the first walk pays for each signature.
#[test]
#[ignore = "a measurement: cargo test -p standstill-signals --test changes_signed -- --ignored --nocapture"]
fn what_a_signature_costs() {
    const TIMES: u32 = 50;
    let message = vec![b'x'; 600];
    let measure = |name: &str, map: &str, armour: &[u8]| {
        let identities = standstill_signals::changes::Identities::with_map("map", map).unwrap();
        assert_eq!(identities.check(armour, &message, 0).0.checked, Checked::Good, "{name}");
        // The best of many short rounds, so that other load on the machine counts less.
        let round = |_| {
            let start = std::time::Instant::now();
            for _ in 0..TIMES {
                let _ = std::hint::black_box(identities.check(armour, &message, 0));
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
        };
        println!("{name}: {:.0} microseconds", (0..40).map(round).fold(f64::INFINITY, f64::min));
    };
    if let Some(keys) = SshKeys::new() {
        for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("rsa", "3072")] {
            let (path, public) = keys.make(kind, bits);
            measure(&format!("SSH {kind} {bits}"), &map_of(&quoted(&public)), &SshKeys::sign(&path, &message));
        }
    }
    if let Some(gpg) = Gpg::new() {
        for kind in ["ed25519", "rsa3072", "nistp256"] {
            let print = gpg.generate(kind, "sign", "never", None);
            measure(&format!("OpenPGP {kind}"), &map_of(&gpg.certificate(&print)), &gpg.detached(&print, &message));
        }
    }
    for kind in ["rsa", "p256"] {
        let Some(authority) = Authority::new(kind) else { return };
        let leaf = authority.leaf("ada", "email:ada@example.org", "codeSigning", "30");
        let armour = authority.sign(&leaf, &message, &[]);
        measure(&format!("X.509 {kind}, pinned"), &map_of(&quoted(&authority.pin(&leaf))), armour.as_bytes());
        let issued =
            format!("version = 1\nissuers = [{}]\n{}", authority.pem("ca"), map_of("").replace("version = 1\n", ""));
        measure(&format!("X.509 {kind}, issued"), &issued, armour.as_bytes());
    }
}
