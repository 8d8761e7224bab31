use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature;
use crate::merkle::{Hash, Tree, leaf_hash};
use crate::note::{KeyType, NoteSigner};
use crate::proof::LogProof;
use crate::reader::Limits;
use proptest::prelude::*;

const DEADLINE: u64 = 1_000;

fn log() -> NoteSigner {
    NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn witness(index: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("w{index}"), KeyType::CosignatureV1, &[10 + index; 32]).unwrap()
}

/// Three of four.
fn policy() -> Policy {
    let lines: String = (0..4).map(|index| format!("witness w{index} {}\n", witness(index).verifier())).collect();
    Policy::parse(&format!("{lines}group q 3 w0 w1 w2 w3\nquorum q\n")).unwrap()
}

fn entries(size: u8) -> Vec<Vec<u8>> {
    (0..size).map(|index| vec![index; 3]).collect()
}

fn leaves(size: u8) -> Vec<Hash> {
    entries(size).iter().map(|entry| leaf_hash(entry)).collect()
}

fn cosigned(size: u8, times: &[u64]) -> Note {
    let root = Tree::from_leaves(&leaves(size)).root();
    let mut note = Checkpoint::new("party.example/log", u64::from(size), root).sign(&log()).unwrap().note().clone();
    for (index, time) in (0..).zip(times).filter(|(_, time)| **time > 0) {
        note.add(cosignature::sign(&witness(index), *time, note.text()).unwrap());
    }
    note
}

fn absent(claim: Claim, size: u8, times: &[u64]) -> AbsenceCertificate {
    AbsenceCertificate { deadline_unix_seconds: DEADLINE, claim, checkpoint: cosigned(size, times) }
}

fn claims(size: u8) -> [Claim; 3] {
    [
        Claim::NothingBeyond,
        Claim::NotThisEntry { leaf: leaf_hash(b"other"), leaves: leaves(size) },
        Claim::NothingMatching { question: "kind=report window=3".into(), entries: entries(size) },
    ]
}

fn published(index: u8, size: u8, times: &[u64]) -> PublishedCertificate {
    let path = Tree::from_leaves(&leaves(size)).inclusion_proof(u64::from(index), u64::from(size)).unwrap();
    let proof = LogProof { extra: None, index: u64::from(index), path, checkpoint: cosigned(size, times) };
    PublishedCertificate { deadline_unix_seconds: DEADLINE, entry: vec![index; 3], proof }
}

fn never(_: u64, _: &[u8]) -> bool {
    false
}

#[test]
fn absence_holds_when_a_full_quorum_cosigned_after_the_deadline() {
    for claim in claims(5) {
        let certificate = absent(claim, 5, &[1_001, 1_005, 0, 1_003]);
        let bytes = certificate.to_bytes().unwrap();
        let again = AbsenceCertificate::parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(again, certificate);
        let shown = again.verify(log().verifier(), &policy(), &never).unwrap();
        assert_eq!(shown, Absent { size: 5, since_unix_seconds: 1_001 });
    }
}

#[test]
fn absence_fails_at_the_deadline_below_the_quorum_and_without_witnesses() {
    let check = |times: &[u64], policy: &Policy| {
        absent(Claim::NothingBeyond, 5, times).verify(log().verifier(), policy, &never)
    };
    for times in [&[1_000, 1_005, 0, 1_003][..], &[1_001, 1_005], &[]] {
        assert!(matches!(check(times, &policy()), Err(TlogError::NotProved { .. })), "{times:?}");
    }
    let none = Policy::parse("quorum none\n").unwrap();
    assert!(matches!(check(&[2_000; 4], &none), Err(TlogError::NotProved { .. })));
}

#[test]
fn absence_fails_when_it_is_there_or_when_something_was_left_out() {
    let times = [2_000; 4];
    let verify = |claim, matches: &dyn Fn(u64, &[u8]) -> bool| {
        absent(claim, 5, &times).verify(log().verifier(), &policy(), matches)
    };
    let there = Claim::NotThisEntry { leaf: leaf_hash(&[3; 3]), leaves: leaves(5) };
    assert!(matches!(verify(there, &never), Err(TlogError::NotProved { .. })));
    let matching = |entries| Claim::NothingMatching { question: "q".into(), entries };
    let third = |index: u64, entry: &[u8]| index == 3 && entry == [3; 3];
    assert!(matches!(verify(matching(entries(5)), &third), Err(TlogError::NotProved { .. })));
    assert!(matches!(verify(matching(entries(4)), &never), Err(TlogError::RootMismatch { .. })));
    let mut changed = entries(5);
    changed[3][0] ^= 1;
    assert!(matches!(verify(matching(changed), &third), Err(TlogError::RootMismatch { .. })));
    let short = Claim::NotThisEntry { leaf: leaf_hash(&[4; 3]), leaves: leaves(4) };
    assert!(matches!(verify(short, &never), Err(TlogError::RootMismatch { .. })));
}

#[test]
fn another_logs_checkpoint_is_no_proof() {
    let other = NoteSigner::from_seed("party.example/log", KeyType::Ed25519, &[2; 32]).unwrap();
    let certificate = absent(Claim::NothingBeyond, 5, &[2_000; 4]);
    assert!(certificate.verify(other.verifier(), &policy(), &never).is_err());
    assert!(published(1, 5, &[10; 4]).verify(other.verifier(), &policy()).is_err());
}

#[test]
fn published_holds_by_the_time_of_the_full_quorum() {
    let certificate = published(2, 5, &[900, 1_000, 700, 2_000]);
    let again = PublishedCertificate::parse(&certificate.to_bytes()).unwrap();
    assert_eq!(again, certificate);
    let shown = again.verify(log().verifier(), &policy()).unwrap();
    assert_eq!(shown, Published { index: 2, size: 5, by_unix_seconds: 1_000 });
    // Any tlog-proof reader can check it too.
    let plain = LogProof::parse(&certificate.to_bytes()).unwrap();
    plain
        .verify_inclusion(&[2; 3], crate::checkpoint::Checkpoint::parse(plain.checkpoint.text()).as_ref().unwrap())
        .unwrap();
}

#[test]
fn published_fails_late_below_the_quorum_without_witnesses_and_for_another_entry() {
    for times in [&[900, 1_001, 700, 2_000][..], &[900, 900], &[]] {
        let verified = published(2, 5, times).verify(log().verifier(), &policy());
        assert!(matches!(verified, Err(TlogError::NotProved { .. })), "{times:?}");
    }
    let none = Policy::parse("quorum none\n").unwrap();
    assert!(matches!(published(2, 5, &[10; 4]).verify(log().verifier(), &none), Err(TlogError::NotProved { .. })));
    let other = PublishedCertificate { entry: vec![9], ..published(2, 5, &[10; 4]) };
    assert!(matches!(other.verify(log().verifier(), &policy()), Err(TlogError::Proof(_))));
}

#[test]
fn existence_needs_one_witness_more_than_lie() {
    let certificate = published(2, 5, &[900, 1_200, 700]);
    let existed = |faulty| certificate.existed_by(log().verifier(), &policy(), faulty);
    assert_eq!([existed(0).unwrap(), existed(1).unwrap(), existed(2).unwrap()], [700, 900, 1_200]);
    assert!(matches!(existed(3), Err(TlogError::NotProved { .. })));
}

#[test]
fn malformed_files_are_refused() {
    let good = absent(claims(3)[2].clone(), 3, &[2_000; 4]).to_bytes().unwrap();
    let text = String::from_utf8_lossy(&good).into_owned();
    let edit = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let bad = [
        Vec::new(),
        edit("standstill/1/absence", "standstill/2/absence"),
        edit("deadline 1000", "deadline 01000"),
        edit("deadline 1000", "deadline -1"),
        edit("deadline 1000\n", ""),
        edit("claim nothing-matching", "claim nothing"),
        edit("kind=report window=3", "kind=report window=3 "),
        edit("kind=report window=3", "kind=r\u{e9}port"),
        edit("kind=report window=3", &"x".repeat(MAX_QUESTION_BYTES + 1)),
        edit("checkpoint ", "checkpoint 1"),
        edit("body 15", "body 14"),
        edit("body 15", "body 15\nmore"),
        good[..good.len() - 1].to_vec(),
        [good.as_slice(), b"x"].concat(),
    ];
    for bytes in bad {
        assert!(AbsenceCertificate::parse(&bytes, &Limits::default()).is_err(), "{}", String::from_utf8_lossy(&bytes));
    }
    let few = Limits { max_entries: 2, ..Limits::default() };
    assert!(matches!(AbsenceCertificate::parse(&good, &few), Err(TlogError::TooLarge { .. })));
    let hashes = absent(claims(3)[1].clone(), 3, &[2_000; 4]).to_bytes().unwrap();
    assert!(matches!(AbsenceCertificate::parse(&hashes, &few), Err(TlogError::TooLarge { .. })));
    let plain = published(0, 1, &[10; 4]);
    assert!(PublishedCertificate::parse(plain.proof.to_string().as_bytes()).is_err());
    let short = LogProof { extra: Some(b"standstill/1/published\n1234567".to_vec()), ..plain.proof };
    assert!(PublishedCertificate::parse(short.to_string().as_bytes()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_parse_or_fail_without_panic(bytes: Vec<u8>) {
        let _ = AbsenceCertificate::parse(&bytes, &Limits::default());
        let _ = PublishedCertificate::parse(&bytes);
    }

    /// Heads that are nearly right, where most of the parser is.
    #[test]
    fn damaged_certificates_parse_or_fail_without_panic(kind in 0_usize..3, at: prop::sample::Index, byte: u8) {
        let mut bytes = absent(claims(4)[kind].clone(), 4, &[2_000; 4]).to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = AbsenceCertificate::parse(&bytes, &Limits::default()) {
            prop_assert_eq!(read.to_bytes().unwrap(), bytes);
        }
    }
}
