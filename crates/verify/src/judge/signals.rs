//! Signals computed again: every `horizon`, `changes` and `scan` statement of a log, from the blobs that it names.

use super::tally::Tally;
use crate::bundle::Bundle;
use crate::check::{CheckKind, EvidenceLevel};
use crate::memory::ProofMemory;
use crate::record::{Entry, IssuerLog};
use crate::render::words;
use crate::verdict::{Basis, Check};
use sha2::{Digest, Sha256};
use standstill_audit::beacon::{Beacon, QUICKNET, Round};
use standstill_signals::claim::{self, Fault};
use standstill_signals::horizon::draws::BeaconRound;
use standstill_statement::{Body, Hash32, Signal, SignalKind, canonical};

/// Most bytes of blobs of one signal that are read.
const MAX_SIGNAL_BYTES: u64 = 512 << 20;
/// Most signals of one log that are computed again.
const MAX_SIGNALS: usize = 256;
/// What is remembered of a signal that holds.
const HOLDS: &[u8] = b"holds";

/// The check of one log; `None` when it holds no signal of these kinds, so that nothing was claimed.
pub(super) fn check(bundle: &Bundle, log: &IssuerLog, memory: &dyn ProofMemory) -> Option<Check> {
    let signals: Vec<(&Entry, &Signal)> = log
        .entries
        .iter()
        .filter_map(|entry| match &entry.signed.statement.body {
            Body::Signal(signal)
                if matches!(signal.kind, SignalKind::Horizon | SignalKind::Changes | SignalKind::Scan) =>
            {
                Some((entry, signal))
            }
            _ => None,
        })
        .collect();
    if signals.is_empty() {
        return None;
    }
    let mut tally = Tally::new(CheckKind::SignalsRecomputed);
    for (place, (entry, signal)) in signals.iter().enumerate() {
        let here = log.reference(entry);
        let named = format!("'{}' in entry {}", signal.metric, entry.index);
        if place >= MAX_SIGNALS {
            tally.gap(format!("{named}: one verification computes at most {MAX_SIGNALS} signals of a log"), vec![here]);
            continue;
        }
        match one(bundle, signal, memory) {
            Ok(()) => tally.holds(Some(here)),
            Err(Fault::Differs(part, why)) => {
                tally.breach(format!("{named}: {} differs: {why}", part.name()), vec![here])
            }
            Err(Fault::Unknown(why)) => tally.gap(format!("{named} cannot be computed again: {why}"), vec![here]),
        }
    }
    let mut holds = format!(
        "{} computed again from the named blobs: same method, same result, same reading",
        words::counted(tally.examined(), "signal")
    );
    let is_signal = |entry: &&Entry| matches!(entry.signed.statement.body, Body::Signal(_));
    let others = log.entries.iter().filter(is_signal).count().saturating_sub(signals.len());
    if others > 0 {
        holds.push_str(&format!("; {} of other kinds not computed again", words::counted(others as u64, "signal")));
    }
    Some(tally.check(EvidenceLevel::Verified, Basis::PublicRecord, holds))
}

fn one(bundle: &Bundle, signal: &Signal, memory: &dyn ProofMemory) -> Result<(), Fault> {
    let total =
        signal.inputs.iter().chain([&signal.result]).fold(0u64, |sum, blob| sum.saturating_add(blob.length_bytes));
    if total > MAX_SIGNAL_BYTES {
        return Err(Fault::Unknown(format!(
            "its blobs have {total} bytes; this program reads at most {MAX_SIGNAL_BYTES}"
        )));
    }
    // The blobs are read even when the answer is remembered: the verdict is about this bundle, not about what the memory holds.
    let read = |blob| bundle.blob(blob).map_err(|fault| Fault::Unknown(fault.0));
    let inputs = signal.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let result = read(&signal.result)?;
    let key = key(signal);
    if key.as_ref().is_some_and(|key| memory.recall(key).as_deref() == Some(HOLDS)) {
        return Ok(());
    }
    claim::check(signal, &inputs, &result, &beacon, rayon::current_num_threads())?;
    if let Some(key) = key {
        memory.remember(&key, HOLDS);
    }
    Ok(())
}

/// The statement's body names all that the answer depends on by hash; the version stands for the program.
fn key(signal: &Signal) -> Option<Hash32> {
    let body = canonical::to_vec(signal).ok()?;
    let mut hash = Sha256::new();
    hash.update(b"standstill/verify-signal/1\0");
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    hash.update([0]);
    hash.update(body);
    Some(Hash32(hash.finalize().into()))
}

/// A round of drand's quicknet, with its signature checked against the pinned key.
fn beacon(json: &str) -> Result<BeaconRound, String> {
    let round = Round::parse_json(json.as_bytes()).map_err(|error| error.to_string())?;
    let randomness = Beacon::quicknet().and_then(|beacon| beacon.verify(&round)).map_err(|error| error.to_string())?;
    Ok(BeaconRound { beacon: QUICKNET.to_owned(), round: randomness.round, randomness: hex::encode(randomness.bytes) })
}
