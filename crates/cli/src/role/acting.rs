//! Statements by which an agreement runs, as a role makes them: ratify, seal, open.
//!
//! The salt of a sealed offer is a secret until the seals of its entry round are closed: whoever knows it could try out offers against the
//! seal. It is in `private/offers/round-<N>.offer` (mode 0600), durable before the seal is published, so that a crash in between costs
//! nothing: the same command goes on with the same salt. A party that loses the file cannot open and is not bound.

use crate::exit::{CliError, CliResult};
use crate::role::Issuer;
use crate::role::auditor::beacon_of;
use crate::secret_file;
use standstill_agreement::runtime::Machine;
use standstill_audit::Round;
use standstill_statement::{Body, Commitment, CommitmentOpening, CommitmentSeal, Hash32, Ratification};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What is kept of a sealed offer. Wiped from memory where it is held as text.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    agreement: Hash32,
    entry_round: u32,
    offer: Commitment,
    salt: Hash32,
}

impl Drop for Kept {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.salt.0);
    }
}

impl Issuer {
    /// States that these are the terms that the party means.
    ///
    /// # Errors
    /// When it has done so already, or the statement cannot be published.
    pub fn ratify(&mut self, now_unix_seconds: u64) -> CliResult<Hash32> {
        if let Some(entry) = self.entries().iter().find(|entry| matches!(entry.statement.body, Body::Ratification(_))) {
            let message = format!("{} has ratified these terms already (entry {} of its log)", self.id, entry.index);
            return Err(CliError::usage(message));
        }
        let witnesses = Hash32::of(self.agreement.witnesses.as_bytes());
        self.state(Body::Ratification(Ratification { witnesses }), now_unix_seconds, Vec::new())
    }

    /// Seals an offer for an entry round. Called again after a crash, it goes on with the salt that was kept.
    ///
    /// # Errors
    /// When another offer is kept or sealed for this round, or something cannot be written.
    pub fn seal_offer(&mut self, entry_round: u32, offer: &Commitment, now_unix_seconds: u64) -> CliResult<Hash32> {
        if let Some(index) = self.sealed(entry_round).map(|(index, _)| index) {
            let message = format!(
                "{} has sealed an offer for entry round {entry_round} already (entry {index}); a second seal for one round would be a fault",
                self.id
            );
            return Err(CliError::usage(message));
        }
        let path = self.offer_path(entry_round);
        if !path.exists() {
            let mut salt = Zeroizing::new([0u8; 32]);
            getrandom::fill(salt.as_mut_slice()).map_err(CliError::unreadable)?;
            let kept = Kept { agreement: self.agreement_id, entry_round, offer: offer.clone(), salt: Hash32(*salt) };
            secret_file::create_whole(&path, &Zeroizing::new(serde_json::to_string(&kept).map_err(CliError::bug)?))?;
        }
        let kept = self.kept_offer(entry_round)?;
        if kept.offer != *offer {
            return Err(CliError::usage(format!(
                "{} keeps another offer for this round, which was never sealed. Seal that one, or move the file away first",
                path.display()
            )));
        }
        let seal = kept.offer.seal(&self.agreement_id, &self.id, &kept.salt).map_err(CliError::bug)?;
        self.state(Body::Commitment(CommitmentSeal { entry_round, seal }), now_unix_seconds, Vec::new())
    }

    /// Opens the offer of an entry round with the beacon round that closed its seals.
    ///
    /// # Errors
    /// When the round is not the one of the terms or its signature is wrong, nothing was sealed, or the kept salt is lost.
    pub fn open_offer(&mut self, entry_round: u32, beacon: &Round, now_unix_seconds: u64) -> CliResult<Hash32> {
        let Some((_, commitment)) = self.sealed(entry_round) else {
            let message = format!("{} has sealed nothing for entry round {entry_round}", self.id);
            return Err(CliError::usage(message));
        };
        let wanted = entry_round_of(&self.agreement, entry_round)?.beacon_round;
        if beacon.round != wanted {
            return Err(CliError::usage(format!(
                "entry round {entry_round} is closed by beacon round {wanted}, and this is round {}; fetch that one",
                beacon.round
            )));
        }
        let randomness = Hash32(beacon_of(&self.agreement)?.verify(beacon).map_err(CliError::unreadable)?.bytes);
        let kept = self.kept_offer(entry_round)?;
        let body = CommitmentOpening {
            commitment,
            offer: kept.offer.clone(),
            salt: kept.salt,
            beacon_round: beacon.round,
            randomness,
        };
        self.state(Body::Opening(body), now_unix_seconds, Vec::new())
    }

    fn sealed(&self, round: u32) -> Option<(u64, Hash32)> {
        self.entries().iter().find_map(|entry| match &entry.statement.body {
            Body::Commitment(seal) if seal.entry_round == round => Some((entry.index, entry.hash)),
            _ => None,
        })
    }

    /// Where the salt of a sealed offer is kept.
    #[must_use]
    pub fn offer_path(&self, entry_round: u32) -> PathBuf {
        self.home.join(format!("private/offers/round-{entry_round}.offer"))
    }

    fn kept_offer(&self, entry_round: u32) -> CliResult<Kept> {
        let path = self.offer_path(entry_round);
        if !path.exists() {
            return Err(CliError::unreadable(format!(
                "{} is lost, and without its salt nobody can open the seal. Restore it from a copy, or seal anew in a later round",
                path.display()
            )));
        }
        let kept: Kept = serde_json::from_str(&secret_file::read(&path)?)
            .map_err(|_| CliError::unreadable(format!("{} is damaged; restore it from a copy", path.display())))?;
        if kept.agreement != self.agreement_id || kept.entry_round != entry_round {
            return Err(CliError::unreadable(format!("{} is of another agreement or round", path.display())));
        }
        Ok(kept)
    }
}

/// An entry round of an agreement that runs itself.
///
/// # Errors
/// When the terms only follow a schedule, or the round is after the end.
pub fn entry_round_of(
    terms: &standstill_agreement::Agreement,
    entry_round: u32,
) -> CliResult<standstill_agreement::runtime::EntryRound> {
    let none = || CliError::usage("these terms only follow a schedule: nobody commits itself to them by statements");
    let machine = Machine::new(terms).ok_or_else(none)?;
    let late = || CliError::usage(format!("entry round {entry_round} is after the end of the agreement"));
    machine.entry_round(entry_round).ok_or_else(late)
}
