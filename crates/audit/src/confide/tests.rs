use super::*;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn purpose() -> Purpose {
    Purpose { agreement: Hash32([1; 32]), challenge: Hash32([2; 32]), group: 7 }
}

fn inspector() -> InspectorKey {
    InspectorKey::from_seed(&[9; 32])
}

fn sealed(opening: &[u8]) -> Vec<u8> {
    encrypt(&inspector().public().unwrap(), &purpose(), opening, &mut ChaCha20Rng::seed_from_u64(1)).unwrap()
}

fn why(purpose: &Purpose, key: &InspectorKey, bytes: &[u8]) -> &'static str {
    match decrypt(key, purpose, bytes).unwrap_err() {
        AuditError::Confide { why, .. } => why,
        other => panic!("{other}"),
    }
}

/// RFC 9180, appendix A.2.1 (base mode), sequence number 0.
#[test]
fn rfc_9180_a_2_1() {
    let key = hex::decode("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb").unwrap();
    let key = InspectorKey::from_seed(&key.try_into().unwrap());
    let public = key.public().unwrap().to_string();
    assert_eq!(public, "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
    let encapsulated = hex::decode("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a").unwrap();
    let ciphertext = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";
    let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Base,
        &key.private().unwrap(),
        &<Suite as Kem>::EncappedKey::from_bytes(&encapsulated).unwrap(),
        &hex::decode("4f6465206f6e2061204772656369616e2055726e").unwrap(),
        &hex::decode(ciphertext).unwrap(),
        b"Count-0",
    );
    assert_eq!(plaintext.unwrap(), b"Beauty is truth, truth beauty");
}

#[test]
fn an_opening_reaches_its_inspector() {
    let bytes = sealed(b"an opening");
    assert_eq!(bytes.len(), OVERHEAD_BYTES + MIN_PADDED_BYTES);
    assert_eq!(decrypt(&inspector(), &purpose(), &bytes).unwrap().as_slice(), b"an opening");
}

#[test]
fn attack_another_key_group_challenge_or_agreement() {
    let bytes = sealed(b"an opening");
    assert!(why(&purpose(), &InspectorKey::from_seed(&[8; 32]), &bytes).contains("another key"));
    for other in [
        Purpose { group: 8, ..purpose() },
        Purpose { challenge: Hash32([3; 32]), ..purpose() },
        Purpose { agreement: Hash32([3; 32]), ..purpose() },
    ] {
        assert!(why(&other, &inspector(), &bytes).contains("another challenge or group"));
    }
}

#[test]
fn attack_cut_changed_and_oversized_bytes() {
    let bytes = sealed(b"an opening");
    for length in [0, 31, 32, 47, 48, bytes.len() - 1] {
        assert!(why(&purpose(), &inspector(), &bytes[..length]).contains("cut short"), "{length}");
    }
    for place in [0, 31, 32, 5_000, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(why(&purpose(), &inspector(), &changed).contains("does not decrypt"), "{place}");
    }
    let huge = vec![0; OVERHEAD_BYTES + MAX_OPENING_BYTES + 1];
    assert!(why(&purpose(), &inspector(), &huge).contains("larger"));
    let key = inspector().public().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    assert!(encrypt(&key, &purpose(), &vec![0; MAX_OPENING_BYTES - 3], &mut rng).is_err());
    assert!(encrypt(&key, &purpose(), &vec![0; MAX_OPENING_BYTES - 4], &mut rng).is_ok());
}

/// A low-order key makes the shared secret a constant that anybody knows (RFC 9180, section 7.1.4).
#[test]
fn attack_low_order_inspector_key() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for first in [0u8, 1] {
        let mut key = [0; 32];
        key[0] = first;
        assert!(encrypt(&Hash32(key), &purpose(), b"x", &mut rng).is_err());
    }
}

/// Groups of different size must look alike; padding must have one form, or it would carry hidden bits.
#[test]
fn lengths_are_hidden_and_padding_is_unique() {
    assert_eq!(sealed(&[]).len(), sealed(&[1; MIN_PADDED_BYTES - 4]).len());
    assert_eq!(sealed(&[1; MIN_PADDED_BYTES - 3]).len(), OVERHEAD_BYTES + 2 * MIN_PADDED_BYTES);
    let good = pad(&purpose(), b"abc").unwrap();
    assert_eq!(unpad(&purpose(), &good).unwrap().as_slice(), b"abc");
    let mut channel = good.to_vec();
    channel[100] = 1;
    assert!(unpad(&purpose(), &channel).is_err());
    let mut longer = good.to_vec();
    longer.resize(2 * MIN_PADDED_BYTES, 0);
    assert!(unpad(&purpose(), &longer).is_err());
    let mut beyond = good.to_vec();
    beyond[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(unpad(&purpose(), &beyond).is_err());
    assert!(unpad(&purpose(), &[0; 3]).is_err());
}

#[test]
fn key_files() {
    let text = inspector().to_file_text();
    let read = InspectorKey::from_file_text(&text).unwrap();
    assert_eq!(read.public().unwrap(), inspector().public().unwrap());
    let refused = |text: &str| InspectorKey::from_file_text(text).err().unwrap().to_string();
    assert!(refused("").contains("first line"));
    assert!(refused("standstill-inspector-key-1\n").contains("missing"));
    assert!(refused("standstill-inspector-key-1\n!!\n").contains("base64"));
    assert!(refused("standstill-inspector-key-1\nAAAA\n").contains("32 bytes"));
    assert!(refused(&format!("{}x", text.as_str())).contains("after the key"));
    assert!(refused(&"x".repeat(2_000)).contains("too large"));
    let (first, second) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
    assert_ne!(InspectorKey::generate(first).public().unwrap(), InspectorKey::generate(second).public().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_goes_in_comes_out(opening in proptest::collection::vec(any::<u8>(), 0..40_000)) {
        let read = decrypt(&inspector(), &purpose(), &sealed(&opening)).unwrap();
        prop_assert_eq!(read.as_slice(), opening.as_slice());
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), key in ".{0,80}") {
        let _ = decrypt(&inspector(), &purpose(), &bytes);
        let _ = unpad(&purpose(), &bytes);
        let _ = InspectorKey::from_file_text(&key);
    }
}
