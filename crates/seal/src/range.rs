//! Range proofs: Bulletproofs+ (`tari_bulletproofs_plus`), in sequences of aggregates.
//!
//! A sequence of commitments is cut into aggregates of a fixed size; the last one is filled with the public commitment of value 0
//! and blinding 1, which is `H`. Bits and aggregate size are constants of the format. The wire form leaves out the library's first
//! byte (extension degree), which is always 1 here, so that a proof has no field that could choose a parameter.

use crate::commitment::{PointBytes, blinding_generator};
use crate::error::SealError;
use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::{RistrettoPoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};
use rayon::prelude::*;
use standstill_statement::Hash32;
use std::sync::OnceLock;
use tari_bulletproofs_plus::commitment_opening::CommitmentOpening;
use tari_bulletproofs_plus::generators::pedersen_gens::ExtensionDegree;
use tari_bulletproofs_plus::range_parameters::RangeParameters;
use tari_bulletproofs_plus::range_proof::VerifyAction;
use tari_bulletproofs_plus::range_statement::RangeStatement;
use tari_bulletproofs_plus::range_witness::RangeWitness;
use tari_bulletproofs_plus::ristretto::{RistrettoRangeProof, create_pedersen_gens_with_extension_degree};
use tari_merlin::Transcript;
use zeroize::Zeroizing;

/// First label of every transcript of this crate.
pub const TRANSCRIPT_LABEL: &[u8] = b"standstill/1/seal";
/// Aggregates per batch verification; fixed, so that the result does not depend on the number of threads. Below the library's own
/// limit of 256, beyond which versions before 0.5.3 reused transcripts.
pub const BATCH_PROOFS: usize = 64;

/// Bits per value and values per aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bits per value; a power of two up to 64.
    pub bits: usize,
    /// Values per aggregate; a power of two.
    pub aggregate: usize,
}

/// Lanes: 32 bits, 64 values an aggregate.
pub const LANE: Shape = Shape { bits: 32, aggregate: 64 };
/// Slacks of rules and run totals: 64 bits, one value each, so that each is named.
pub const SLACK: Shape = Shape { bits: 64, aggregate: 1 };
#[cfg(test)]
const TINY: Shape = Shape { bits: 4, aggregate: 1 };

impl Shape {
    /// Bytes of one proof on the wire.
    #[must_use]
    pub const fn proof_bytes(self) -> usize {
        32 * (6 + 2 * (self.bits * self.aggregate).ilog2() as usize)
    }

    fn parameters(self) -> Result<&'static RangeParameters<RistrettoPoint>, SealError> {
        static LANES: OnceLock<Option<RangeParameters<RistrettoPoint>>> = OnceLock::new();
        static SLACKS: OnceLock<Option<RangeParameters<RistrettoPoint>>> = OnceLock::new();
        static OTHERS: OnceLock<Option<RangeParameters<RistrettoPoint>>> = OnceLock::new();
        let cell = if self == LANE {
            &LANES
        } else if self == SLACK {
            &SLACKS
        } else {
            &OTHERS
        };
        let make = || {
            let generators = create_pedersen_gens_with_extension_degree(ExtensionDegree::DefaultPedersen);
            RangeParameters::init(self.bits, self.aggregate, generators).ok()
        };
        cell.get_or_init(make).as_ref().ok_or_else(|| SealError::Range("no generators of this shape".to_owned()))
    }
}

/// Bytes of the proofs of a sequence of `values` commitments.
#[must_use]
pub const fn sequence_bytes(shape: Shape, values: usize) -> usize {
    values.div_ceil(shape.aggregate).saturating_mul(shape.proof_bytes())
}

/// What a sequence of range proofs is about.
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    /// Shape of its aggregates.
    pub shape: Shape,
    /// Context hash.
    pub context: Hash32,
    /// Which statement: `fleet-count`, `lanes`, `physical-bound`, `run` or `rule`.
    pub statement: &'static str,
    /// Further public data of the statement; empty, a run's name, or a rule's digest.
    pub about: &'a [u8],
}

/// A commitment with its encoding.
pub type Encoded = (RistrettoPoint, PointBytes);

/// The start of every transcript: label, context, statement.
#[must_use]
pub fn transcript(context: Hash32, statement: &'static str) -> Transcript {
    let mut transcript = Transcript::new(TRANSCRIPT_LABEL);
    transcript.append_message(b"context", context.as_bytes());
    transcript.append_message(b"statement", statement.as_bytes());
    transcript
}

impl Sequence<'_> {
    fn transcript(&self, values: usize, chunk: usize) -> Transcript {
        let mut transcript = transcript(self.context, self.statement);
        transcript.append_message(b"about", self.about);
        transcript.append_u64(b"values", values as u64);
        transcript.append_u64(b"chunk", chunk as u64);
        transcript
    }

    fn statement(&self, chunk: &[Encoded]) -> Result<RangeStatement<RistrettoPoint>, SealError> {
        let filler = || {
            let point = *blinding_generator();
            (point, PointBytes::of(&point))
        };
        let all: Vec<Encoded> =
            chunk.iter().copied().chain(std::iter::repeat_with(filler)).take(self.shape.aggregate).collect();
        Ok(RangeStatement {
            generators: self.shape.parameters()?.clone(),
            commitments: all.iter().map(|(point, _)| *point).collect(),
            commitments_compressed: all.iter().map(|(_, bytes)| CompressedRistretto(*bytes.as_bytes())).collect(),
            minimum_value_promises: vec![None; self.shape.aggregate],
            seed_nonce: None,
        })
    }

    /// Proves every commitment of the sequence, in parallel. Each aggregate has its own generator, seeded in order from `rng`, so
    /// the bytes do not depend on the number of threads.
    ///
    /// # Errors
    /// [`SealError::Range`] when a value is too large or does not open its commitment.
    pub fn prove<R: CryptoRng>(
        &self,
        commitments: &[Encoded],
        openings: &[(u64, Scalar)],
        rng: &mut R,
    ) -> Result<Vec<u8>, SealError> {
        let seeds = self.seeds(commitments.len(), rng);
        self.prove_seeded(commitments, openings, &seeds)
    }

    /// One seed for each aggregate of so many commitments.
    pub(crate) fn seeds<R: CryptoRng>(&self, commitments: usize, rng: &mut R) -> Vec<Zeroizing<[u8; 32]>> {
        (0..commitments.div_ceil(self.shape.aggregate)).map(|_| seed(rng)).collect()
    }

    /// As [`Self::prove`], with the seeds drawn before, so that several sequences can be proved at once.
    pub(crate) fn prove_seeded(
        &self,
        commitments: &[Encoded],
        openings: &[(u64, Scalar)],
        seeds: &[Zeroizing<[u8; 32]>],
    ) -> Result<Vec<u8>, SealError> {
        let chunks = commitments.chunks(self.shape.aggregate).zip(openings.chunks(self.shape.aggregate));
        let jobs: Vec<_> = chunks.zip(seeds).enumerate().map(|(index, (job, seed))| (index, job, seed)).collect();
        let proofs: Result<Vec<Vec<u8>>, SealError> = jobs
            .into_par_iter()
            .map(|(index, (points, openings), seed)| self.prove_chunk(commitments.len(), index, points, openings, seed))
            .collect();
        Ok(proofs?.concat())
    }

    fn prove_chunk(
        &self,
        values: usize,
        index: usize,
        points: &[Encoded],
        openings: &[(u64, Scalar)],
        seed: &[u8; 32],
    ) -> Result<Vec<u8>, SealError> {
        let refuse =
            |error: &dyn std::fmt::Display| SealError::Range(format!("{}, aggregate {index}: {error}", self.statement));
        let filler = std::iter::repeat((0, Scalar::ONE));
        let all = openings.iter().copied().chain(filler).take(self.shape.aggregate);
        let witness =
            RangeWitness::init(all.map(|(value, blinding)| CommitmentOpening::new(value, vec![blinding])).collect())
                .map_err(|error| refuse(&error))?;
        let statement = self.statement(points)?;
        let mut transcript = self.transcript(values, index);
        let mut rng = ChaCha20Rng::from_seed(*seed);
        let proof = RistrettoRangeProof::prove_with_rng(&mut transcript, &statement, &witness, &mut rng)
            .map_err(|error| refuse(&error))?;
        // The first byte is the extension degree, a constant of the format.
        Ok(proof.to_bytes().split_off(1))
    }

    /// Verifies the whole sequence.
    ///
    /// # Errors
    /// [`BadProof`]: the exact length is wrong, or the first aggregate that does not verify.
    pub fn verify(&self, commitments: &[Encoded], proofs: &[u8]) -> Result<(), BadProof> {
        if proofs.len() != sequence_bytes(self.shape, commitments.len()) {
            return Err(BadProof::Length);
        }
        let jobs: Vec<Job<'_>> = commitments
            .chunks(self.shape.aggregate)
            .zip(proofs.chunks_exact(self.shape.proof_bytes()))
            .enumerate()
            .map(|(index, (points, proof))| Job { index, points, proof })
            .collect();
        let failures: Vec<Option<usize>> =
            jobs.par_chunks(BATCH_PROOFS).map(|batch| self.first_failure(commitments.len(), batch)).collect();
        failures.into_iter().flatten().min().map_or(Ok(()), |index| Err(BadProof::Aggregate(index)))
    }

    /// The first aggregate of a batch that fails, by bisection.
    fn first_failure(&self, values: usize, batch: &[Job<'_>]) -> Option<usize> {
        if verify_batch(batch.iter().map(|job| (*self, values, *job))).is_some() {
            return None;
        }
        if let [only] = batch {
            return Some(only.index);
        }
        let (left, right) = batch.split_at(batch.len() / 2);
        // A batch that fails as a whole always names an aggregate, even if both halves should pass by themselves.
        self.first_failure(values, left)
            .or_else(|| self.first_failure(values, right))
            .or_else(|| batch.first().map(|job| job.index))
    }
}

/// One batch verification over aggregates of one shape.
fn verify_batch<'a>(batch: impl Iterator<Item = (Sequence<'a>, usize, Job<'a>)> + Clone) -> Option<()> {
    let statements =
        batch.clone().map(|(sequence, _, job)| sequence.statement(job.points)).collect::<Result<Vec<_>, _>>().ok()?;
    let proofs = batch.clone().map(|(_, _, job)| parse(job.proof)).collect::<Option<Vec<_>>>()?;
    let mut transcripts: Vec<Transcript> =
        batch.map(|(sequence, values, job)| sequence.transcript(values, job.index)).collect();
    RistrettoRangeProof::verify_batch(&mut transcripts, &statements, &proofs, VerifyAction::VerifyOnly).ok().map(|_| ())
}

#[derive(Clone, Copy)]
struct Job<'a> {
    index: usize,
    points: &'a [Encoded],
    proof: &'a [u8],
}

/// Range-proof checks that are put off, so that those of many small reports fill one batch.
#[derive(Clone, Debug, Default)]
pub struct Deferred {
    aggregates: Vec<Aggregate>,
}

/// One aggregate with all that its check needs.
#[derive(Clone, Debug)]
struct Aggregate {
    shape: Shape,
    context: Hash32,
    statement: &'static str,
    about: Vec<u8>,
    values: usize,
    index: usize,
    points: Vec<Encoded>,
    proof: Vec<u8>,
}

impl Aggregate {
    fn job(&self) -> (Sequence<'_>, usize, Job<'_>) {
        let Self { shape, context, statement, ref about, .. } = *self;
        let job = Job { index: self.index, points: &self.points, proof: &self.proof };
        (Sequence { shape, context, statement, about }, self.values, job)
    }
}

impl Deferred {
    /// Number of aggregates put off.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.aggregates.len()
    }

    /// True when nothing was put off.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.aggregates.is_empty()
    }

    /// Puts a sequence off. Only its length is judged now.
    pub(crate) fn put_off(
        &mut self,
        sequence: &Sequence<'_>,
        commitments: &[Encoded],
        proofs: &[u8],
    ) -> Result<(), BadProof> {
        if proofs.len() != sequence_bytes(sequence.shape, commitments.len()) {
            return Err(BadProof::Length);
        }
        let chunks =
            commitments.chunks(sequence.shape.aggregate).zip(proofs.chunks_exact(sequence.shape.proof_bytes()));
        self.aggregates.extend(chunks.enumerate().map(|(index, (points, proof))| Aggregate {
            shape: sequence.shape,
            context: sequence.context,
            statement: sequence.statement,
            about: sequence.about.to_vec(),
            values: commitments.len(),
            index,
            points: points.to_vec(),
            proof: proof.to_vec(),
        }));
        Ok(())
    }
}

/// True when every aggregate that was put off verifies. The answer is the same on any number of threads; it does not say which one fails:
/// verify the reports one by one to learn that.
#[must_use]
pub fn all_hold(deferred: &[Deferred]) -> bool {
    let all = || deferred.iter().flat_map(|deferred| &deferred.aggregates);
    [LANE, SLACK].into_iter().all(|shape| {
        let same: Vec<&Aggregate> = all().filter(|aggregate| aggregate.shape == shape).collect();
        same.par_chunks(BATCH_PROOFS).all(|batch| verify_batch(batch.iter().map(|aggregate| aggregate.job())).is_some())
    }) && all().all(|aggregate| [LANE, SLACK].contains(&aggregate.shape))
}

/// Why a sequence does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadProof {
    /// The proofs do not have the exact length that the number of commitments asks for.
    Length,
    /// The first aggregate that does not verify.
    Aggregate(usize),
}

/// Restores the library's form. Scalars must be canonical (checked here), points are decoded during verification.
fn parse(proof: &[u8]) -> Option<RistrettoRangeProof> {
    let mut bytes = Vec::with_capacity(proof.len() + 1);
    bytes.push(ExtensionDegree::DefaultPedersen as u8);
    bytes.extend_from_slice(proof);
    RistrettoRangeProof::from_bytes(&bytes).ok()
}

fn seed<R: CryptoRng>(rng: &mut R) -> Zeroizing<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(seed.as_mut_slice());
    seed
}

#[cfg(test)]
mod tests;
