use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// RFC 8949, appendix A, the items that these rules allow.
#[test]
fn published_examples_are_accepted_and_rewritten_alike() {
    for text in [
        "00",
        "01",
        "0a",
        "17",
        "1818",
        "1819",
        "1864",
        "1903e8",
        "1a000f4240",
        "1b000000e8d4a51000",
        "1bffffffffffffffff",
        "3bffffffffffffffff",
        "20",
        "29",
        "3863",
        "3903e7",
        "f4",
        "f5",
        "f6",
        "40",
        "4401020304",
        "60",
        "6161",
        "6449455446",
        "62225c",
        "62c3bc",
        "63e6b0b4",
        "64f0908591",
        "80",
        "83010203",
        "8301820203820405",
        "a0",
        "a201020304",
        "a26161016162820203",
        "826161a161626163",
        "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
    ] {
        let bytes = hex::decode(text).unwrap();
        assert_eq!(check(&bytes, Limits::DEFAULT), Ok(()), "{text}");
        let value: Value = ciborium::from_reader(bytes.as_slice()).unwrap();
        assert_eq!(to_vec(&value).unwrap(), bytes, "{text}");
    }
}

#[track_caller]
fn refuses(text: &str, offset: usize, rule: Rule) {
    let found = check(&hex::decode(text).unwrap(), Limits::DEFAULT);
    assert_eq!(found, Err(CanonicalError::Rule { offset, rule }), "{text}");
}

#[test]
fn numbers_have_one_form() {
    for text in [
        "1817",
        "190018",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3817",
        "5801ff",
        "780161",
        "980101",
        "b8010101",
    ] {
        refuses(text, 0, Rule::ShortestForm);
    }
    refuses("8201980101", 2, Rule::ShortestForm);
}

#[test]
fn lengths_are_definite() {
    for text in ["9fff", "bfff", "5f4101ff", "7f6161ff", "ff"] {
        refuses(text, 0, Rule::DefiniteLength);
    }
}

#[test]
fn reserved_tags_floats_and_simple_values() {
    for text in ["1c", "1d", "1e", "fc"] {
        refuses(text, 0, Rule::Reserved);
    }
    for text in ["c100", "d81800", "c249010000000000000000"] {
        refuses(text, 0, Rule::Tag);
    }
    for text in ["f90000", "fa47c35000", "fb3ff199999999999a", "f97e00"] {
        refuses(text, 0, Rule::Float);
    }
    for text in ["f7", "e0", "f0", "f818", "f8ff"] {
        refuses(text, 0, Rule::Simple);
    }
}

#[test]
fn keys_are_sorted_once_and_simple() {
    refuses("a2616201616102", 4, Rule::KeyOrder);
    // Bytewise order of the encoding: the shorter text comes first, whatever its letters.
    assert_eq!(check(&hex::decode("a2617a0162616102").unwrap(), Limits::DEFAULT), Ok(()));
    refuses("a2626161016 17a02".replace(' ', "").as_str(), 5, Rule::KeyOrder);
    refuses("a2616101616102", 4, Rule::DuplicateKey);
    for text in ["a1416101", "a1800 1".replace(' ', "").as_str(), "a1f501", "a1a001"] {
        refuses(text, 1, Rule::KeyType);
    }
    refuses("61ff", 0, Rule::Utf8);
    refuses("63eda080", 0, Rule::Utf8);
}

#[test]
fn ends_and_limits() {
    let check = |text: &str| check(&hex::decode(text).unwrap(), Limits { max_bytes: 8, max_depth: 2, max_items: 4 });
    assert_eq!(check(""), Err(CanonicalError::Truncated { offset: 0 }));
    for text in ["18", "1b00", "44010203", "8201", "a101", "9bffffffffffffff", "bb7fffffffffffff"] {
        assert!(matches!(check(text), Err(CanonicalError::Truncated { .. })), "{text}");
    }
    assert_eq!(check("0000"), Err(CanonicalError::Trailing { offset: 1 }));
    assert_eq!(check("818100"), Ok(()));
    assert_eq!(check("81818100"), Err(CanonicalError::TooDeep { offset: 2, limit: 2 }));
    assert_eq!(check("83000000"), Ok(()));
    assert_eq!(check("8400000000"), Err(CanonicalError::TooMany { offset: 4, limit: 4 }));
    assert_eq!(check("480102030405060708"), Err(CanonicalError::TooLong { length: 9, limit: 8 }));
}

/// An absurd count must be refused before any loop or allocation.
#[test]
fn absurd_counts_end_at_once() {
    for text in
        ["9bffffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff", "7bffffffffffffffff", "9a7fffffff0000"]
    {
        assert_eq!(check(&hex::decode(text).unwrap(), Limits::DEFAULT), Err(CanonicalError::Truncated { offset: 0 }));
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    name: String,
    count: Option<u64>,
    #[serde(with = "wide")]
    total: u128,
    tree: BTreeMap<String, Vec<i64>>,
}

#[test]
fn an_optional_field_is_null_and_never_left_out() {
    let sample = Sample { name: "a".into(), count: None, total: 0, tree: BTreeMap::new() };
    let bytes = to_vec(&sample).unwrap();
    assert_eq!(hex::encode(&bytes), "a4646e616d656161647472656 5a065636f756e74f665746f74616c40".replace(' ', ""));
    assert_eq!(from_slice::<Sample>(&bytes).unwrap(), sample);
    let left_out = hex::decode("a3646e616d6561616474726565a065746f74616c40").unwrap();
    assert_eq!(check(&left_out, Limits::DEFAULT), Ok(()));
    assert!(matches!(from_slice::<Sample>(&left_out), Err(CanonicalError::SecondEncoding { offset: 0 })));
}

#[test]
fn shape_errors_are_short_and_name_the_field() {
    let mut map: BTreeMap<&str, u8> = BTreeMap::new();
    map.insert("color", 1);
    let Err(CanonicalError::Shape(text)) = from_slice::<Sample>(&to_vec(&map).unwrap()) else { panic!() };
    assert!(text.contains("color"), "{text}");
    let long = "x".repeat(100_000);
    let Err(CanonicalError::Shape(text)) = from_slice::<u64>(&to_vec(&long).unwrap()) else { panic!() };
    assert!(text.len() <= 200, "{text}");
}

#[test]
fn what_cannot_be_written() {
    for error in [to_vec(&1.5f64), to_vec(&u128::MAX), to_vec(&Value::Tag(1, Box::new(Value::Null)))] {
        assert!(matches!(error, Err(CanonicalError::Unwritable(_))));
    }
    let twice = Value::Map(vec![(Value::from(1), Value::Null), (Value::from(1), Value::Null)]);
    assert!(to_vec(&twice).is_err());
    assert!(to_vec(&Value::Map(vec![(Value::Bytes(vec![1]), Value::Null)])).is_err());
}

#[test]
fn wide_integers_have_one_form() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wide(#[serde(with = "wide")] u128);
    for (value, text) in [(0, "40"), (1, "4101"), (256, "420100"), (u128::MAX, "50ffffffffffffffffffffffffffffffff")] {
        assert_eq!(hex::encode(to_vec(&Wide(value)).unwrap()), text);
        assert_eq!(from_slice::<Wide>(&hex::decode(text).unwrap()), Ok(Wide(value)));
        let json = serde_json::to_string(&Wide(value)).unwrap();
        assert_eq!(json, format!("\"{value}\""));
        assert_eq!(serde_json::from_str::<Wide>(&json).unwrap(), Wide(value));
    }
    for text in ["4100", "420001", "510100000000000000000000000000000000", "00", "6130"] {
        assert!(from_slice::<Wide>(&hex::decode(text).unwrap()).is_err(), "{text}");
    }
    for json in ["\"01\"", "\"+1\"", "\"\"", "1", "\"340282366920938463463374607431768211456\""] {
        assert!(serde_json::from_str::<Wide>(json).is_err(), "{json}");
    }
}

fn samples() -> impl Strategy<Value = Sample> {
    let tree = proptest::collection::btree_map("[a-z]{0,30}", proptest::collection::vec(any::<i64>(), 0..4), 0..6);
    (".*", any::<Option<u64>>(), any::<u128>(), tree).prop_map(|(name, count, total, tree)| Sample {
        name,
        count,
        total,
        tree,
    })
}

proptest! {
    #[test]
    fn values_come_back(sample in samples()) {
        let bytes = to_vec(&sample).unwrap();
        prop_assert_eq!(from_slice::<Sample>(&bytes).unwrap(), sample);
    }

    /// Whatever the walk accepts has no second spelling: an independent decoder and our encoder give the same bytes.
    #[test]
    fn accepted_bytes_are_the_only_ones(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        if check(&bytes, Limits::DEFAULT).is_ok() {
            let value: Value = ciborium::from_reader(bytes.as_slice()).unwrap();
            prop_assert_eq!(to_vec(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn truncated_bytes_are_refused(sample in samples(), cut in any::<prop::sample::Index>()) {
        let bytes = to_vec(&sample).unwrap();
        prop_assert!(check(&bytes[..cut.index(bytes.len())], Limits::DEFAULT).is_err());
    }
}
