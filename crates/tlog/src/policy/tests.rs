//! Policies: grammar, quorum rules against a brute-force reading, and the full check.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature;
use crate::note::{KeyType, NoteSigner};
use proptest::prelude::*;

fn witness(index: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("witness.example/w{index}"), KeyType::CosignatureV1, &[100 + index; 32]).unwrap()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", KeyType::Ed25519, &[1; 32]).unwrap()
}

fn policy_text(count: u8, rest: &str) -> String {
    let mut text = format!("# a comment\n\nlog {} https://log.example/\n", log().verifier());
    for index in 0..count {
        text += &format!("\twitness w{index}  {} \n", witness(index).verifier());
    }
    text + rest
}

fn cosigned(times: &[(u8, u64)]) -> Note {
    let mut note = Checkpoint::new("log.example", 5, [9; 32]).sign(&log()).unwrap().note().clone();
    for (index, time) in times {
        let line = cosignature::sign(&witness(*index), *time, note.text()).unwrap();
        note.add(line);
    }
    note
}

#[test]
fn the_two_level_example_of_the_specification_works() {
    let rest = "group X 2 w0 w1 w2\ngroup Y any w3 w4 w5\ngroup X-and-Y all X Y\nquorum X-and-Y\n";
    let policy = Policy::parse(&policy_text(6, rest)).unwrap();
    assert_eq!(policy.quorum_time(&cosigned(&[(0, 10), (1, 20)])), None);
    assert_eq!(policy.quorum_time(&cosigned(&[(0, 10), (3, 20)])), None);
    assert_eq!(policy.quorum_time(&cosigned(&[(0, 10), (1, 20), (4, 15)])), Some(20));
    assert_eq!(policy.quorum_time(&cosigned(&[(0, 10), (1, 20), (2, 12), (4, 15), (5, 11)])), Some(12));
    assert_eq!(policy.quorum_since(&cosigned(&[(0, 10), (1, 20), (2, 12), (4, 15), (5, 11)])), Some(12));
    assert_eq!(policy.quorum_since(&cosigned(&[(0, 18), (1, 20), (2, 12), (4, 15), (5, 11)])), Some(15));
}

#[test]
fn quorum_none_and_single_witnesses_work() {
    let none = Policy::parse("quorum none").unwrap();
    assert!(none.is_quorum_none());
    assert_eq!(none.quorum_time(&cosigned(&[])), Some(0));
    assert_eq!(none.quorum_since(&cosigned(&[])), None);
    let one = Policy::parse(&policy_text(2, "quorum w1\n")).unwrap();
    assert_eq!(one.quorum_time(&cosigned(&[(0, 3)])), None);
    assert_eq!(one.quorum_time(&cosigned(&[(1, 3)])), Some(3));
    // Two cosignatures by one witness: the first says when it was public, the last how long it stayed the newest.
    let twice = one.evaluate(&cosigned(&[(1, 9), (1, 3)])).unwrap();
    assert_eq!((twice.quorum_time, twice.quorum_since), (Some(3), Some(9)));
    let times = one.cosignature_times(&cosigned(&[(1, 9), (0, 4)])).unwrap();
    assert_eq!(times, [("w1".to_owned(), 9), ("w0".to_owned(), 4)]);
}

#[test]
fn a_forged_cosignature_of_a_known_witness_refuses_the_checkpoint() {
    let policy = Policy::parse(&policy_text(3, "group G any w0 w1 w2\nquorum G\n")).unwrap();
    let mut note = cosigned(&[(0, 5)]);
    note.add(cosignature::sign(&witness(1), 5, "another text\n").unwrap());
    assert!(matches!(policy.evaluate(&note), Err(TlogError::BadSignature { .. })));
    assert_eq!(policy.quorum_time(&note), None);
    // A stranger's line does not matter.
    let mut note = cosigned(&[(0, 5)]);
    note.add(cosignature::sign(&witness(9), 5, "another text\n").unwrap());
    assert_eq!(policy.quorum_time(&note), Some(5));
}

#[test]
fn the_full_check_needs_log_and_quorum() {
    let policy = Policy::parse(&policy_text(3, "group G 2 w0 w1 w2\nquorum G\n")).unwrap();
    let (signed, time) = policy.check(&cosigned(&[(0, 5), (2, 7)]).to_bytes()).unwrap();
    assert_eq!((signed.checkpoint().size, time), (5, 7));
    assert!(matches!(policy.check(&cosigned(&[(0, 5)]).to_bytes()), Err(TlogError::NoQuorum { .. })));
    let other = NoteSigner::from_seed("log.example", KeyType::Ed25519, &[2; 32]).unwrap();
    let stranger = Checkpoint::new("log.example", 5, [9; 32]).sign(&other).unwrap();
    assert!(matches!(policy.check(&stranger.to_bytes()), Err(TlogError::NoKnownSignature { .. })));
}

#[test]
fn malformed_policies_name_the_line() {
    let key = witness(0).verifier().to_string();
    let same_key = NoteSigner::from_seed("other.name", KeyType::CosignatureV1, &[100; 32]).unwrap();
    let rests = [
        ("", "no quorum"),
        ("quorum\n", "write `quorum"),
        ("quorum w9\n", "not defined"),
        ("quorum w0\nquorum w1\n", "second quorum"),
        ("group none any w0\nquorum none\n", "reserved"),
        ("group G any none\nquorum G\n", "not defined"),
        ("group G any G\nquorum G\n", "not defined"),
        ("group G any\nquorum G\n", "of 0 members"),
        ("group G 0 w0\nquorum G\n", "of 1 members"),
        ("group G 2 w0\nquorum G\n", "of 1 members"),
        ("group G 01 w0\nquorum G\n", "of 1 members"),
        ("group G +1 w0\nquorum G\n", "of 1 members"),
        ("group G any w0 w0\nquorum G\n", "counts once"),
        ("group G any w0\ngroup H any w0\nquorum G\n", "counts once"),
        ("group G any w0\ngroup G any w1\nquorum G\n", "defined already"),
        ("group w0 any w1\nquorum w0\n", "defined already"),
        ("quorum w0 # why\n", "write `quorum"),
        ("Quorum w0\n", "unknown keyword"),
        ("quorum w0\r\n", "control character"),
        ("log\nquorum w0\n", "write `log"),
        (&format!("log {key}\nquorum w0\n"), "a log key"),
        (&format!("witness x {}\nquorum w0\n", log().verifier()), "a witness key"),
        (&format!("log {}\nquorum w0\n", log().verifier()), "listed already"),
        (&format!("witness x {}\nquorum w0\n", same_key.verifier()), "listed already"),
        (&format!("witness w0 {}\nquorum w0\n", witness(7).verifier()), "defined already"),
        ("witness x y z u v\nquorum w0\n", "write `witness"),
        ("witness x nokey\nquorum w0\n", "name+hex+base64"),
    ];
    for (rest, wanted) in rests {
        let error = Policy::parse(&policy_text(2, rest)).unwrap_err();
        assert!(matches!(error, TlogError::Policy { line, .. } if line >= 5), "{rest:?}: {error}");
        assert!(error.to_string().contains(wanted), "{rest:?}: {error}");
    }
    assert!(matches!(Policy::parse(&"\n".repeat(MAX_POLICY_BYTES + 1)), Err(TlogError::TooLarge { .. })));
}

#[test]
fn names_are_octets() {
    let text = policy_text(1, "").replace("w0", "\u{212a}").replace("/\u{212a}", "/w0");
    let good = format!("{text}quorum \u{212a}\n");
    assert!(Policy::parse(&good).is_ok());
    assert!(Policy::parse(&format!("{text}quorum K\n")).is_err());
    let mut raw = text.into_bytes();
    raw.extend(b"# \xff\xfe\ngroup \xff any \xe2\x84\xaa\nquorum \xff\n");
    assert_eq!(Policy::parse_bytes(&raw).unwrap().quorum_time(&cosigned(&[(0, 3)])), Some(3));
}

#[test]
fn thirty_two_of_everything_fits() {
    let mut rest = String::new();
    for index in 0..32 {
        rest += &format!("group g{index} any w{index}\n");
    }
    let members = (0..32).map(|index| format!("g{index}")).collect::<Vec<_>>().join(" ");
    rest += &format!("group all-of-them 22 {members}\nquorum all-of-them\n");
    let policy = Policy::parse(&policy_text(32, &rest)).unwrap();
    let times: Vec<(u8, u64)> = (0..32).map(|index| (index, 1000 + u64::from(index))).collect();
    assert_eq!(policy.quorum_time(&cosigned(&times)), Some(1021));
    assert_eq!(policy.quorum_since(&cosigned(&times)), Some(1010));
}

/// The rule read literally: does the set of witnesses satisfy the member?
fn satisfied(policy: &Policy, member: Member, present: &[bool]) -> bool {
    match member {
        Member::Witness(index) => present[index],
        Member::Group(index) => {
            let group = &policy.groups[index];
            group.members.iter().filter(|m| satisfied(policy, **m, present)).count() >= group.threshold
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn quorum_times_agree_with_trying_every_time(
        a in 1_usize..=3, b in 1_usize..=3, top in 1_usize..=2,
        times in proptest::collection::vec(proptest::option::of(1_u64..6), 6),
    ) {
        let rest = format!("group A {a} w0 w1 w2\ngroup B {b} w3 w4 w5\ngroup T {top} A B\nquorum T\n");
        let policy = Policy::parse(&policy_text(6, &rest)).unwrap();
        let lines: Vec<(u8, u64)> = (0..6).filter_map(|i| Some((i, times[usize::from(i)]?))).collect();
        let found = policy.evaluate(&cosigned(&lines)).unwrap();
        let quorum = policy.quorum.unwrap();
        let by = |t: u64| times.iter().map(|time| time.is_some_and(|time| time <= t)).collect::<Vec<_>>();
        let since = |t: u64| times.iter().map(|time| time.is_some_and(|time| time >= t)).collect::<Vec<_>>();
        prop_assert_eq!(found.quorum_time, (1..6).find(|t| satisfied(&policy, quorum, &by(*t))));
        prop_assert_eq!(found.quorum_since, (1..6).rev().find(|t| satisfied(&policy, quorum, &since(*t))));
    }

    #[test]
    fn any_octets_parse_or_fail_without_panic(bytes: Vec<u8>) {
        let _ = Policy::parse_bytes(&bytes);
    }
}

#[test]
fn post_quantum_witnesses_count_like_others_and_lines_without_a_time_do_not() {
    let signer = NoteSigner::from_seed("witness.example/pq", KeyType::MlDsa44, &[7; 32]).unwrap();
    let rest = format!("witness pq {}\ngroup both all w0 pq\nquorum both\n", signer.verifier());
    let policy = Policy::parse(&policy_text(1, &rest)).unwrap();
    let mut note = cosigned(&[(0, 10)]);
    assert_eq!(policy.quorum_time(&note), None);
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    note.add(cosignature::sign_subtree(&signer, &cosignature::Subtree::of(&checkpoint)).unwrap());
    assert_eq!(policy.quorum_time(&note), None, "time 0 says no time");
    note.add(cosignature::sign(&signer, 25, note.text()).unwrap());
    assert_eq!((policy.quorum_time(&note), policy.quorum_since(&note)), (Some(25), Some(10)));
    let twice = format!("{rest}witness pq2 {}\n", signer.verifier());
    assert!(Policy::parse(&policy_text(1, &twice)).is_err(), "one key counts once");
    let log_key = format!("witness bad {}\nquorum bad\n", log().verifier());
    assert!(Policy::parse(&policy_text(0, &log_key)).is_err());
}
