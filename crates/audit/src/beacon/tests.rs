use super::*;
use proptest::prelude::*;

const ROUNDS: &[(u64, &str)] = &[
    (123, "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92"),
    (1000, "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"),
    (1001, "b33bf3667cbd5a82de3a24b4e0e9fe5513cc1a0e840368c6e31f5fcfa79bea03f73896b25883abf2853d10337fb8fa41"),
];

fn real(index: usize) -> Round {
    let (round, signature) = ROUNDS[index];
    Round { round, signature: hex::decode(signature).unwrap().try_into().unwrap() }
}

fn why(result: Result<Randomness, AuditError>) -> &'static str {
    match result.unwrap_err() {
        AuditError::Round { why, .. } => why,
        other => panic!("{other}"),
    }
}

#[test]
fn real_rounds_verify_and_no_round_verifies_as_another() {
    let beacon = Beacon::quicknet().unwrap();
    assert!(beacon.is_public());
    let randomness = beacon.verify(&real(1)).unwrap();
    assert_eq!(randomness.hash().to_string(), "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd");
    for (signed, _) in ROUNDS.iter().enumerate() {
        for (claimed, _) in ROUNDS.iter().enumerate() {
            let round = Round { round: real(claimed).round, signature: real(signed).signature };
            assert_eq!(beacon.verify(&round).is_ok(), signed == claimed);
        }
    }
}

#[test]
fn any_flipped_bit_is_refused() {
    let beacon = Beacon::quicknet().unwrap();
    for bit in 0..SIGNATURE_BYTES * 8 {
        let mut round = real(1);
        round.signature[bit / 8] ^= 1 << (bit % 8);
        assert!(beacon.verify(&round).is_err(), "bit {bit}");
    }
}

#[test]
fn the_identity_and_points_outside_the_subgroup_are_refused() {
    let beacon = Beacon::quicknet().unwrap();
    let mut identity = [0u8; SIGNATURE_BYTES];
    identity[0] = 0xc0;
    assert!(why(beacon.verify(&Round { round: 1, signature: identity })).contains("identity"));
    // x = 4 is the smallest x on the curve; that point has not prime order.
    let mut small = [0u8; SIGNATURE_BYTES];
    (small[0], small[47]) = (0x80, 4);
    assert!(why(beacon.verify(&Round { round: 1, signature: small })).contains("subgroup"));
    // x + p is the same field element in a second encoding.
    let mut beyond = [0xffu8; SIGNATURE_BYTES];
    beyond[0] = 0x9f;
    assert!(why(beacon.verify(&Round { round: 1, signature: beyond })).contains("no point"));
    // Compression bit cleared: an uncompressed point in 48 bytes.
    let mut plain = real(1);
    plain.signature[0] &= 0x7f;
    assert!(beacon.verify(&plain).is_err());
    assert!(why(beacon.verify(&Round { round: 0, ..real(1) })).contains("start at 1"));
}

#[test]
fn keys_outside_the_subgroup_are_refused() {
    let refuse = |key: &str| Beacon::new("x", key, 0, 1).unwrap_err().to_string();
    let identity = format!("c0{}", "00".repeat(95));
    assert!(refuse(&identity).contains("identity"));
    assert!(refuse("83cf").contains("192"));
    assert!(refuse(&"ff".repeat(96)).contains("no point"));
    let mut outside = None;
    for x in 1..50u8 {
        let key = format!("80{}{x:02x}", "00".repeat(94));
        let text = refuse(&key);
        if text.contains("subgroup") {
            outside = Some(x);
        }
    }
    assert!(outside.is_some(), "no small x gave a point of G2 outside the subgroup");
    assert!(Beacon::new("x", QUICKNET_PUBLIC_KEY, 0, 0).unwrap_err().to_string().contains("period"));
    assert!(Beacon::new("a\nb", QUICKNET_PUBLIC_KEY, 0, 1).is_err());
}

#[test]
fn another_key_refuses_real_rounds_and_quicknet_refuses_demo_rounds() {
    let demo = DemoBeacon::from_seed(&[7; 32]).unwrap();
    let beacon = demo.beacon(1_000, 30).unwrap();
    assert_eq!(beacon.name(), "demo-beacon");
    assert!(!beacon.is_public());
    let round = demo.sign(5).unwrap();
    assert!(beacon.verify(&round).is_ok());
    assert!(beacon.verify(&real(1)).is_err());
    assert!(Beacon::quicknet().unwrap().verify(&round).is_err());
    assert!(DemoBeacon::from_seed(&[8; 32]).unwrap().beacon(1_000, 30).unwrap().verify(&round).is_err());
}

#[test]
fn nobody_borrows_quicknets_name() {
    let demo = hex::encode(DemoBeacon::from_seed(&[7; 32]).unwrap().public_key_bytes().unwrap());
    for name in ["quicknet", "drand:quicknet", "DRAND", "Quicknet-2"] {
        let error = Beacon::new(name, &demo, QUICKNET_GENESIS_UNIX_SECONDS, QUICKNET_PERIOD_SECONDS).unwrap_err();
        assert!(matches!(error, AuditError::BeaconName { .. }), "{name}");
    }
    // The right key with shifted times would let the auditor pick an old round.
    let shifted = Beacon::new("drand:quicknet", QUICKNET_PUBLIC_KEY, QUICKNET_GENESIS_UNIX_SECONDS + 600, 3);
    assert!(matches!(shifted.unwrap_err(), AuditError::BeaconName { .. }));
    assert!(Beacon::new("drand:quicknet", QUICKNET_PUBLIC_KEY, QUICKNET_GENESIS_UNIX_SECONDS, 3).is_ok());
}

/// drand computes the chain hash over period, genesis time, key, group hash and beacon id; the pinned values belong together.
#[test]
fn the_pinned_values_hash_to_the_chain_hash() {
    let mut hash = Sha256::new();
    hash.update(QUICKNET_PERIOD_SECONDS.to_be_bytes());
    hash.update(QUICKNET_GENESIS_UNIX_SECONDS.to_be_bytes());
    hash.update(hex::decode(QUICKNET_PUBLIC_KEY).unwrap());
    hash.update(hex::decode("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e").unwrap());
    hash.update(QUICKNET);
    assert_eq!(hex::encode(hash.finalize()), QUICKNET_CHAIN_HASH);
}

#[test]
fn round_times() {
    let beacon = Beacon::quicknet().unwrap();
    let genesis = QUICKNET_GENESIS_UNIX_SECONDS;
    assert_eq!(beacon.time_of_round(1), Some(genesis));
    assert_eq!(beacon.time_of_round(1000), Some(1_692_806_364));
    assert_eq!(beacon.time_of_round(0), None);
    assert_eq!(beacon.time_of_round(u64::MAX), None);
    assert_eq!(beacon.first_round_after(0, 0), Some(1));
    assert_eq!(beacon.first_round_after(genesis - 1, 0), Some(1));
    // Strictly after: a round at the very second does not count.
    assert_eq!(beacon.first_round_after(genesis, 0), Some(2));
    assert_eq!(beacon.first_round_after(genesis + 2, 0), Some(2));
    assert_eq!(beacon.first_round_after(genesis + 2, 1), Some(3));
    assert_eq!(beacon.first_round_after(u64::MAX, 1), None);
}

#[test]
fn round_files() {
    let text = real(1).to_json();
    assert_eq!(Round::parse_json(text.as_bytes()), Ok(real(1)));
    let full =
        text.replace("}\n", ",\"randomness\":\"fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd\"}");
    assert_eq!(Round::parse_json(full.as_bytes()), Ok(real(1)));
    let refused = |text: &str| Round::parse_json(text.as_bytes()).unwrap_err().to_string();
    assert!(refused(&full.replace("fe29", "fe28")).contains("not the SHA-256"));
    assert!(refused(&text.replace("}", ",\"previous_signature\":\"\"}")).contains("unknown field"));
    assert!(refused(&text.replace("5e39\"", "5e\"")).contains("96 hexadecimal"));
    assert!(refused(&text.replace("1000", "-1")).contains("round file"));
    assert!(refused(&text.replace("1000", "1e3")).contains("round file"));
    assert!(refused(&" ".repeat(5000)).contains("4096"));
    assert!(refused("{\"round\":1,\"round\":1,\"signature\":\"\"}").contains("duplicate"));
}

proptest! {
    #[test]
    fn round_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Round::parse_json(&bytes);
    }

    #[test]
    fn the_first_round_after_is_after_and_the_one_before_is_not(
        genesis in 0u64..1 << 40, period in 1u32..100_000, time in 0u64..1 << 41, delay in 0u64..1 << 20,
    ) {
        let beacon = DemoBeacon::from_seed(&[1; 32]).unwrap().beacon(genesis, period).unwrap();
        let round = beacon.first_round_after(time, delay).unwrap();
        prop_assert!(beacon.time_of_round(round).unwrap() > time + delay);
        if let Some(earlier) = beacon.time_of_round(round - 1) {
            prop_assert!(earlier <= time + delay);
        }
    }
}
