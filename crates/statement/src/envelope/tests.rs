use super::*;
use crate::body::Body;
use crate::canonical::{CanonicalError, Rule};
use crate::keys;
use crate::samples;
use proptest::prelude::*;

fn public() -> PublicKey {
    samples::key().public()
}

/// Envelope with any header and payload, signed by a listed key.
fn forged(header: Header, payload: Vec<u8>) -> Result<Signed, StatementError> {
    verify(&seal(header, payload, &samples::key()).unwrap(), &[public()])
}

fn sample() -> Statement {
    samples::statements().remove(1)
}

#[test]
fn every_kind_comes_back() {
    for statement in samples::statements() {
        let bytes = statement.sign(&samples::key()).unwrap();
        let signed = verify(&bytes, &[SigningKey::from_seed([2; 32]).public(), public()]).unwrap();
        assert_eq!(signed.statement, statement);
        assert_eq!((signed.hash, signed.key, signed.bytes_len), (Hash32::of(&bytes), public(), bytes.len()));
        assert_eq!(decode_unverified(&bytes).unwrap(), statement);
        assert!(signed.expect_kind(statement.kind()).is_ok());
        let json = serde_json::to_string(&statement).unwrap();
        assert_eq!(serde_json::from_str::<Statement>(&json).unwrap(), statement);
    }
}

#[test]
fn the_first_bytes_are_those_of_the_profile() {
    let bytes = sample().sign(&samples::key()).unwrap();
    // Tag 18, array of 4, protected header alg EdDSA first.
    assert!(hex::encode(&bytes).starts_with("d28458"), "{}", hex::encode(&bytes[..8]));
    assert!(
        hex::encode(&bytes)
            .contains("a401270378266170706c69636174696f6e2f766e642e7374616e647374696c6c2e7265706f72742b63626f7204")
    );
}

#[test]
fn a_statement_does_not_move_to_another_place() {
    let signed = verify(&sample().sign(&samples::key()).unwrap(), &[public()]).unwrap();
    let (agreement, issuer) = (signed.statement.header.agreement, signed.statement.header.issuer.clone());
    assert_eq!(signed.expect(&agreement, &issuer), Ok(()));
    let error = signed.expect(&Hash32::of(b"other"), &issuer).unwrap_err();
    assert!(matches!(error, StatementError::Unexpected { what: "the agreement", .. }));
    let error = signed.expect(&agreement, &samples::name("south")).unwrap_err();
    assert!(matches!(error, StatementError::Unexpected { what: "the issuer", .. }));
    assert!(matches!(signed.expect_kind(Kind::Run), Err(StatementError::Unexpected { what: "the kind", .. })));
}

#[test]
fn headers_that_disagree_with_the_payload() {
    let statement = sample();
    let payload = statement.payload().unwrap();
    let mut other = statement.clone();
    other.header.issuer = samples::name("south");
    assert!(matches!(forged(protected_header(&other, &public()), payload.clone()), Err(StatementError::Issuer { .. })));
    let mut other = statement.clone();
    other.header.agreement = Hash32::of(b"other");
    assert!(matches!(
        forged(protected_header(&other, &public()), payload.clone()),
        Err(StatementError::Subject { .. })
    ));
    let other = samples::statements().remove(6);
    assert!(matches!(forged(protected_header(&other, &public()), payload), Err(StatementError::Kind { .. })));
}

#[test]
fn headers_outside_the_profile() {
    let statement = sample();
    let payload = statement.payload().unwrap();
    let good = || protected_header(&statement, &public());
    let mut header = good();
    header.alg = Some(coset::RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256));
    assert!(matches!(forged(header, payload.clone()), Err(StatementError::Profile(text)) if text.contains("EdDSA")));
    let mut header = good();
    header.alg = None;
    assert!(matches!(forged(header, payload.clone()), Err(StatementError::Profile(_))));
    let mut header = good();
    header.key_id = vec![0; 7];
    assert!(matches!(forged(header, payload.clone()), Err(StatementError::Profile(text)) if text.contains("kid")));
    let mut header = good();
    header.content_type = None;
    assert!(matches!(forged(header, payload.clone()), Err(StatementError::Profile(_))));
    for (label, value) in [(16, Value::from(1)), (-70_000, Value::from("x")), (395, Value::from(1))] {
        let mut header = good();
        header.rest.push((Label::Int(label), value));
        assert!(forged(header, payload.clone()).is_err(), "label {label}");
    }
    let mut header = good();
    header.rest.clear();
    assert!(matches!(forged(header, payload.clone()), Err(StatementError::Profile(text)) if text.contains("CWT")));
    let mut header = good();
    if let Some((_, Value::Map(claims))) = header.rest.first_mut() {
        claims.push((Value::from(6), Value::from(1)));
    }
    assert!(matches!(forged(header, payload.clone()), Err(StatementError::Profile(text)) if text.contains("CWT")));
    assert!(forged(good(), payload).is_ok());
}

/// Writes the four parts as given, without looking at them.
fn raw(protected: &[u8], unprotected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let bytes = |part: &[u8]| canonical::to_vec(&Value::Bytes(part.to_vec())).unwrap();
    [&[0xd2, 0x84], bytes(protected).as_slice(), unprotected, payload, bytes(signature).as_slice()].concat()
}

fn parts(statement: &Statement) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let envelope = CoseSign1::from_tagged_slice(&statement.sign(&samples::key()).unwrap()).unwrap();
    (envelope.protected.original_data.unwrap(), envelope.payload.unwrap(), envelope.signature)
}

#[test]
fn envelopes_outside_the_profile() {
    let (protected, payload, signature) = parts(&sample());
    let embedded = canonical::to_vec(&Value::Bytes(payload)).unwrap();
    let good = raw(&protected, &[0xa0], &embedded, &signature);
    assert!(verify(&good, &[public()]).is_ok());
    let cases: [(&str, Vec<u8>); 5] = [
        ("detached payload", raw(&protected, &[0xa0], &[0xf6], &signature)),
        ("unprotected header", raw(&protected, &[0xa1, 0x04, 0x41, 0x01], &embedded, &signature)),
        ("short signature", raw(&protected, &[0xa0], &embedded, &signature[..63])),
        ("no tag", good[1..].to_vec()),
        ("trailing byte", [good.as_slice(), &[0]].concat()),
    ];
    for (what, bytes) in cases {
        let error = verify(&bytes, &[public()]).unwrap_err();
        assert!(matches!(error, StatementError::Profile(_) | StatementError::Envelope(_)), "{what}: {error}");
    }
    let long = vec![0; MAX_STATEMENT_BYTES + 1];
    assert!(matches!(verify(&long, &[public()]), Err(StatementError::TooLong { .. })));
}

/// Even a validly signed envelope is refused when it is not the one encoding.
#[test]
fn other_encodings_of_the_same_thing() {
    let (protected, payload, _) = parts(&sample());
    let sign = |protected: &[u8], payload: &[u8]| {
        let protected = coset::ProtectedHeader { original_data: Some(protected.to_vec()), header: Header::default() };
        let to_be_signed = coset::sig_structure_data(coset::SignatureContext::CoseSign1, protected, None, b"", payload);
        samples::key().sign(&to_be_signed)
    };
    let embed = |payload: &[u8]| canonical::to_vec(&Value::Bytes(payload.to_vec())).unwrap();
    assert!(verify(&raw(&protected, &[0xa0], &embed(&payload), &sign(&protected, &payload)), &[public()]).is_ok());
    // alg and content type swapped: same map, other order.
    let swapped = [&[0xa4], &protected[3..3 + 41], &protected[1..3], &protected[3 + 41..]].concat();
    let error = verify(&raw(&swapped, &[0xa0], &embed(&payload), &sign(&swapped, &payload)), &[public()]).unwrap_err();
    assert!(matches!(error, StatementError::Envelope(CanonicalError::Rule { rule: Rule::KeyOrder, .. })), "{error}");
    // The payload's map head written in two bytes.
    let stretched = [&[0xb8, payload[0] & 0x1f], &payload[1..]].concat();
    let error =
        verify(&raw(&protected, &[0xa0], &embed(&stretched), &sign(&protected, &stretched)), &[public()]).unwrap_err();
    assert!(
        matches!(error, StatementError::Payload(CanonicalError::Rule { offset: 0, rule: Rule::ShortestForm })),
        "{error}"
    );
}

#[test]
fn unknown_fields_and_kinds_are_refused() {
    let statement = sample();
    let Value::Map(mut fields) = Value::serialized(&statement).unwrap() else { panic!() };
    fields.push((Value::from("extra"), Value::from(1)));
    let header = || protected_header(&statement, &public());
    let error = forged(header(), canonical::to_vec(&Value::Map(fields)).unwrap()).unwrap_err();
    assert!(
        matches!(&error, StatementError::Payload(CanonicalError::Shape(text)) if text.contains("extra")),
        "{error}"
    );
    let text = serde_json::to_string(&statement).unwrap().replace("\"report\":{\"window\"", "\"vote\":{\"window\"");
    assert!(serde_json::from_str::<Statement>(&text).is_err());
}

#[test]
fn wrong_keys_and_signatures() {
    let bytes = sample().sign(&samples::key()).unwrap();
    assert!(matches!(verify(&bytes, &[]), Err(StatementError::UnknownKey { known: 0, .. })));
    let other = SigningKey::from_seed([2; 32]);
    assert!(matches!(verify(&bytes, &[other.public()]), Err(StatementError::UnknownKey { known: 1, .. })));
    // The listed key's id with another key's signature.
    let header = protected_header(&sample(), &public());
    let bytes = seal(header, sample().payload().unwrap(), &other).unwrap();
    assert!(matches!(verify(&bytes, &[public(), other.public()]), Err(StatementError::Signature { .. })));
    assert!(decode_unverified(&bytes).is_ok());
}

#[test]
fn a_statement_that_is_too_long_is_not_signed() {
    let mut statement = sample();
    let names =
        |prefix: &str, count: usize| (0..count).map(|i| samples::name(&format!("{prefix}{i:060}"))).collect::<Vec<_>>();
    if let Body::Report(report) = &mut statement.body {
        report.runs = names("r", crate::MAX_RUNS);
    }
    let origin = |index: usize| format!("{index:03}{}", "x".repeat(240));
    let head = |index| crate::LogHead { origin: origin(index), size: 1, root: Hash32::default() };
    statement.header.heads = (0..crate::MAX_HEADS).map(head).collect();
    // The longest report still fits, which is what the limits on lists are for.
    assert!(statement.sign(&samples::key()).unwrap().len() < MAX_STATEMENT_BYTES);
}

/// SCITT receipts published with the working group's drafts: well-formed `COSE_Sign1`, and none is a statement.
#[test]
fn published_cose_messages_are_read_and_refused() {
    let Some(directory) = keys::tests::data("tlog/cose/examples") else {
        return println!("skipped: tlog/cose not present");
    };
    for file in ["inclusion-receipt.cbor", "consistency-receipt.cbor"] {
        let bytes = std::fs::read(directory.join(file)).unwrap();
        let message = CoseSign1::from_tagged_slice(&bytes).unwrap();
        assert_eq!(message.signature.len(), 64, "{file}");
        let error = verify(&bytes, &[public()]).unwrap_err();
        assert!(matches!(error, StatementError::Profile(_)), "{file}: {error}");
    }
}

proptest! {
    #[test]
    fn flipped_bits_never_verify(index in any::<prop::sample::Index>(), bit in 0u8..8, kind in 0usize..7) {
        let statement = samples::statements().remove(kind);
        let mut bytes = statement.sign(&samples::key()).unwrap();
        let place = index.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(verify(&bytes, &[public()]).is_err());
    }

    #[test]
    fn truncated_bytes_never_verify(index in any::<prop::sample::Index>(), kind in 0usize..7) {
        let bytes = samples::statements().remove(kind).sign(&samples::key()).unwrap();
        prop_assert!(verify(&bytes[..index.index(bytes.len())], &[public()]).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(&bytes, &[public()]).is_err());
        let tagged = [&[0xd2, 0x84], bytes.as_slice()].concat();
        prop_assert!(verify(&tagged, &[public()]).is_err());
    }
}

/// The quick way accepts exactly what the general one accepts, and reads the same from it.
#[track_caller]
fn both_ways_agree(bytes: &[u8]) {
    assert_eq!(open_profile(bytes), open_any(bytes).ok(), "{}", hex::encode(bytes));
}

#[test]
fn both_ways_of_reading_agree_on_good_envelopes() {
    for statement in samples::statements() {
        let bytes = statement.sign(&samples::key()).unwrap();
        assert!(open_profile(&bytes).is_some());
        both_ways_agree(&bytes);
    }
    // Lengths around every boundary of the shortest form.
    for entries in [0, 1, 2, 3, 4, 5, 6, 7, 8, 60] {
        let mut statement = samples::statements().remove(1);
        statement.header.heads = (0..entries)
            .map(|index| crate::LogHead { origin: format!("log{index:02}"), size: 1, root: Hash32::default() })
            .collect();
        let bytes = statement.sign(&samples::key()).unwrap();
        assert!(open_profile(&bytes).is_some());
        both_ways_agree(&bytes);
    }
}

proptest! {
    #[test]
    fn both_ways_of_reading_agree_on_damaged_envelopes(
        kind in 0usize..9,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut bytes = samples::statements().remove(kind).sign(&samples::key()).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        both_ways_agree(&bytes);
    }
}
