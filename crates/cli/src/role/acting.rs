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
            let message = format!(
                "{} has ratified these terms already (entry {} of its log). Next: standstill act seal {} --entry-round N --valid-until TIME",
                self.id,
                entry.index,
                self.home.display()
            );
            return Err(CliError::usage(message));
        }
        self.state(self.ratification(), now_unix_seconds, Vec::new())
    }

    /// The statement that these are the terms that the party means.
    #[must_use]
    pub fn ratification(&self) -> Body {
        Body::Ratification(Ratification { witnesses: Hash32::of(self.agreement.witnesses.as_bytes()) })
    }

    /// Seals an offer for an entry round. Called again after a crash, it goes on with the salt that was kept.
    ///
    /// # Errors
    /// When another offer is kept or sealed for this round, or something cannot be written.
    pub fn seal_offer(&mut self, entry_round: u32, offer: &Commitment, now_unix_seconds: u64) -> CliResult<Hash32> {
        if let Some(index) = self.sealed(entry_round).map(|(index, _)| index) {
            let message = format!(
                "{} has sealed an offer for entry round {entry_round} already (entry {index}); a second seal for one round would be a fault. Open it once the seals are closed: standstill act open {} --entry-round {entry_round}",
                self.id,
                self.home.display()
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
        let body = self.opening(entry_round, beacon)?;
        self.state(Body::Opening(body), now_unix_seconds, Vec::new())
    }

    /// What opens the offer of an entry round. Says nothing yet.
    ///
    /// # Errors
    /// As [`Issuer::open_offer`].
    pub fn opening(&self, entry_round: u32, beacon: &Round) -> CliResult<CommitmentOpening> {
        let Some((_, commitment)) = self.sealed(entry_round) else {
            let message = format!(
                "{} has sealed nothing for entry round {entry_round}. Seal in a round that is still open: standstill act seal {} --entry-round N --valid-until TIME",
                self.id,
                self.home.display()
            );
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
        Ok(CommitmentOpening {
            commitment,
            offer: kept.offer.clone(),
            salt: kept.salt,
            beacon_round: beacon.round,
            randomness,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use standstill_agreement::{Agreement, Beacon};
    use standstill_audit::DemoBeacon;
    use standstill_statement::Name;
    use std::path::Path;

    /// A party of the scenario `staged-resumption`, with keys of its own and the demonstration's beacon.
    fn party(home: &Path) -> (Issuer, DemoBeacon) {
        let public = Issuer::create(home, "party", &Name::new("north").unwrap()).unwrap();
        let (_, text) = Agreement::scenarios().iter().find(|(name, _)| *name == "staged-resumption").unwrap();
        let mut terms = Agreement::parse(text).unwrap();
        let north = terms.parties.iter_mut().find(|party| party.id.as_str() == "north").unwrap();
        north.log = public.vkey;
        north.statement_keys = vec![public.statement_key.unwrap().parse().unwrap()];
        let beacon = DemoBeacon::from_seed(&[7; 32]).unwrap();
        terms.audit.beacon = Beacon {
            name: Name::new(DemoBeacon::NAME).unwrap(),
            public_key: hex::encode(beacon.public_key_bytes().unwrap()),
            genesis_unix_seconds: terms.start_unix_seconds,
            period_seconds: 3,
        };
        Issuer::join(home, &terms.to_toml()).unwrap();
        (Issuer::open(home).unwrap(), beacon)
    }

    fn offer() -> Commitment {
        Commitment { condition: None, valid_until_unix_seconds: 2_000_000_000 }
    }

    #[test]
    fn a_sealed_offer_is_opened_with_the_salt_that_was_kept() {
        let home = tempfile::tempdir().unwrap();
        let (mut issuer, beacon) = party(home.path());
        issuer.ratify(1).unwrap();
        assert!(issuer.ratify(2).is_err(), "once is enough");
        let seal = issuer.seal_offer(3, &offer(), 2).unwrap();
        assert!(issuer.seal_offer(3, &offer(), 3).is_err(), "a second seal for one round is a fault");
        let wanted = entry_round_of(&issuer.agreement, 3).unwrap().beacon_round;
        assert!(issuer.open_offer(3, &beacon.sign(wanted + 1).unwrap(), 4).is_err(), "another round");
        let mut forged = beacon.sign(wanted).unwrap();
        forged.signature = beacon.sign(wanted + 1).unwrap().signature;
        assert!(issuer.open_offer(3, &forged, 4).is_err(), "another signature");
        issuer.open_offer(3, &beacon.sign(wanted).unwrap(), 4).unwrap();
        let Some(Body::Opening(opened)) = issuer.entries().last().map(|entry| entry.statement.body.clone()) else {
            panic!("nothing was opened");
        };
        assert_eq!(opened.commitment, seal);
        let Body::Commitment(sealed) = &issuer.entries()[1].statement.body else { panic!("no seal") };
        assert_eq!(opened.offer.seal(&issuer.agreement_id, &issuer.id, &opened.salt).unwrap(), sealed.seal);
    }

    #[test]
    fn after_a_crash_the_same_salt_is_used() {
        let home = tempfile::tempdir().unwrap();
        let (mut issuer, _) = party(home.path());
        let path = issuer.offer_path(0);
        issuer.seal_offer(0, &offer(), 1).unwrap();
        let kept = std::fs::read(&path).unwrap();
        // As if the machine had stopped between keeping the salt and publishing the seal of another round.
        let text = String::from_utf8(kept.clone()).unwrap().replace("\"entry_round\":0", "\"entry_round\":1");
        secret_file::create_whole(&issuer.offer_path(1), &text).unwrap();
        issuer.seal_offer(1, &offer(), 2).unwrap();
        assert_eq!(std::fs::read(issuer.offer_path(1)).unwrap(), text.as_bytes(), "the kept salt was not replaced");
        let other = Commitment { valid_until_unix_seconds: 1, ..offer() };
        std::fs::rename(issuer.offer_path(1), issuer.offer_path(2)).unwrap();
        assert!(issuer.seal_offer(2, &other, 3).is_err(), "another offer than the one that is kept");
        assert_eq!(std::fs::read(&path).unwrap(), kept);
    }

    #[cfg(unix)]
    #[test]
    fn the_salt_is_for_its_owner_only_and_its_loss_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let (mut issuer, beacon) = party(home.path());
        issuer.seal_offer(0, &offer(), 1).unwrap();
        let path = issuer.offer_path(0);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&path).unwrap();
        let round = beacon.sign(entry_round_of(&issuer.agreement, 0).unwrap().beacon_round).unwrap();
        let message = issuer.open_offer(0, &round, 2).unwrap_err().message;
        assert!(message.contains("is lost"), "{message}");
    }
}
