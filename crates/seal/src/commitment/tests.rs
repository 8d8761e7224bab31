use super::*;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn small_multiple_is_scalar_multiplication(factor: u64, seed: u64) {
        let point = blind(&Scalar::from(seed));
        prop_assert_eq!(small_multiple(&point, factor), Scalar::from(factor) * point);
    }

    #[test]
    fn commitments_add_up(a: u32, b: u32, r: u64, s: u64) {
        let sum = commit(&Scalar::from(a), &Scalar::from(r)) + commit(&Scalar::from(b), &Scalar::from(s));
        let blinding = Scalar::from(r) + Scalar::from(s);
        prop_assert_eq!(sum, commit(&Scalar::from(u64::from(a) + u64::from(b)), &blinding));
    }
}

#[test]
fn generators_are_the_librarys() {
    let library = create_pedersen_gens_with_extension_degree(ExtensionDegree::DefaultPedersen);
    assert_eq!(*library.h_base(), RISTRETTO_BASEPOINT_POINT);
    let ours = commit(&Scalar::from(5u64), &Scalar::from(9u64));
    assert_eq!(library.commit(&Scalar::from(5u64), &[Scalar::from(9u64)]).unwrap(), ours);
    assert_ne!(*blinding_generator(), RISTRETTO_BASEPOINT_POINT);
}

/// RFC 9496, appendix A.2: encodings that must be refused (non-canonical field elements, negative ones, non-square x²).
#[test]
fn published_bad_encodings_are_refused() {
    for bytes in [
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert_eq!(PointBytes(bytes.parse().unwrap()).point(), None, "{bytes}");
    }
    let identity = PointBytes(Hash32::default());
    assert!(identity.point().is_some() && identity.commitment().is_none());
}
