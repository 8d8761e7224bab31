//! Batches around the library's limit of 256, and the shape rules of sequences.

use super::*;
use crate::commitment::commit;

fn sequence(values: usize) -> (Sequence<'static>, Vec<Encoded>, Vec<u8>) {
    let sequence = Sequence { shape: TINY, context: Hash32::of(b"context"), statement: "test", about: &[] };
    let openings: Vec<(u64, Scalar)> =
        (0..values).map(|index| (index as u64 % 16, Scalar::from(index as u64 + 1))).collect();
    let points: Vec<Encoded> = openings
        .iter()
        .map(|(value, blinding)| {
            let point = commit(&Scalar::from(*value), blinding);
            (point, PointBytes::of(&point))
        })
        .collect();
    let proofs = sequence.prove(&points, &openings, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    (sequence, points, proofs)
}

fn jobs<'a>(points: &'a [Encoded], proofs: &'a [u8]) -> Vec<Job<'a>> {
    let proofs = proofs.chunks_exact(TINY.proof_bytes());
    points.chunks(1).zip(proofs).enumerate().map(|(index, (points, proof))| Job { index, points, proof }).collect()
}

#[test]
fn batch_of_more_than_256_with_one_bad_proof() {
    let (sequence, points, proofs) = sequence(258);
    assert!(together(&sequence, &jobs(&points, &proofs)).is_some());
    assert_eq!(sequence.verify(&points, &proofs), Ok(()));
    for bad in [0, 63, 64, 255, 256, 257] {
        let mut wrong = points.clone();
        let point = wrong[bad].0 + RistrettoPoint::mul_base(&Scalar::ONE);
        wrong[bad] = (point, PointBytes::of(&point));
        // One call into the library across its own chunk boundary, and the sequence in batches of 64.
        assert!(together(&sequence, &jobs(&wrong, &proofs)).is_none(), "position {bad}");
        assert_eq!(sequence.verify(&wrong, &proofs), Err(BadProof::Aggregate(bad)));
        let mut broken = proofs.clone();
        broken[bad * TINY.proof_bytes()] ^= 1;
        assert!(together(&sequence, &jobs(&points, &broken)).is_none(), "position {bad}");
    }
}

#[test]
fn proofs_exchanged_between_positions() {
    // Equal values with exchanged commitments and proofs: the position is in the transcript.
    let (sequence, mut points, proofs) = sequence(2);
    points.swap(0, 1);
    let (first, second) = proofs.split_at(TINY.proof_bytes());
    assert!(sequence.verify(&points, &[second, first].concat()).is_err());
}

#[test]
fn exact_length_and_number_of_values() {
    let (sequence, points, proofs) = sequence(3);
    assert_eq!(sequence.verify(&points, &proofs[..proofs.len() - 1]), Err(BadProof::Length));
    assert_eq!(sequence.verify(&points[..2], &proofs), Err(BadProof::Length));
    // The number of values is in the transcript, so a prefix does not verify as a shorter sequence.
    assert_eq!(sequence.verify(&points[..2], &proofs[..2 * TINY.proof_bytes()]), Err(BadProof::Aggregate(0)));
}

#[test]
fn the_prover_refuses_what_is_not_true() {
    let (sequence, points, _) = sequence(1);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    assert!(sequence.prove(&points, &[(16, Scalar::ONE)], &mut rng).is_err());
    assert!(sequence.prove(&points, &[(1, Scalar::ONE)], &mut rng).is_err());
}

#[test]
fn sizes_on_the_wire() {
    assert_eq!(LANE.proof_bytes(), 896);
    assert_eq!(SLACK.proof_bytes(), 576);
    assert_eq!(sequence_bytes(LANE, 65), 2 * 896);
    assert_eq!(sequence_bytes(LANE, 0), 0);
}

/// The other implementation of the curve's range proofs is not proof-compatible, so what is compared is the decision: for every
/// value, "a proof exists" must agree with plain arithmetic.
#[test]
fn decision_agrees_with_arithmetic() {
    let sequence = Sequence { shape: TINY, context: Hash32::of(b"context"), statement: "test", about: &[] };
    for value in 0u64..40 {
        let point = commit(&Scalar::from(value), &Scalar::from(7u64));
        let encoded = [(point, PointBytes::of(&point))];
        let proof = sequence.prove(&encoded, &[(value, Scalar::from(7u64))], &mut ChaCha20Rng::seed_from_u64(value));
        assert_eq!(proof.is_ok(), value < 16);
        if let Ok(proof) = proof {
            assert_eq!(sequence.verify(&encoded, &proof), Ok(()));
        }
    }
}

/// One batch over everything.
fn together(sequence: &Sequence<'_>, jobs: &[Job<'_>]) -> Option<()> {
    verify_batch(jobs.iter().map(|job| (*sequence, 258, *job)))
}
