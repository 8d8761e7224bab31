//! Everybody on stage, each with a folder of its own: for the demonstration and for rehearsals.

use crate::exit::{CliError, CliResult};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::witnesses::Asked;
use crate::role::{AuditorHome, Lab, Witnesses, witnesses};
use crate::{folder, random};
use rand_chacha::ChaCha20Rng;
use standstill_agreement::Agreement;
use standstill_audit::{DemoBeacon, Round};
use standstill_ledger::Fleet;
use standstill_statement::{Mode, Name, RunDeclaration};
use standstill_tlog::witness::FileWitness;
use std::path::{Path, PathBuf};

/// Labs, an auditor, three witnesses and a beacon, on one machine and with a clock that the play moves.
pub(crate) struct Cast {
    pub(crate) labs: Vec<Lab>,
    pub(crate) auditor: AuditorHome,
    pub(crate) witnesses: Cosigners,
    pub(crate) beacon: DemoBeacon,
    pub(crate) rounds: Vec<Round>,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) out: PathBuf,
}

/// Who cosigns, and how one asks.
pub(crate) enum Cosigners {
    /// Witnesses in folders of this machine, asked directly.
    Here(Witnesses),
    /// Witnesses on the network, asked by the logs.
    Away(Box<dyn CosignAway>),
}

/// Publishes an issuer's statements in its log on the network at a time, and brings the cosignatures back.
pub(crate) trait CosignAway {
    /// Gives when a quorum has cosigned everything.
    fn cosign(&mut self, issuer: &mut Issuer, now_unix_seconds: u64) -> CliResult<()>;
}

impl Cosigners {
    /// Has an issuer's head cosigned.
    pub(crate) fn cosign(&mut self, issuer: &mut Issuer, now_unix_seconds: u64) -> CliResult<Asked> {
        match self {
            Self::Here(witnesses) => witnesses.cosign(issuer, now_unix_seconds),
            Self::Away(away) => away.cosign(issuer, now_unix_seconds).map(|()| Asked::default()),
        }
    }

    /// The witnesses of this machine.
    pub(crate) fn here(&mut self) -> &mut [FileWitness] {
        match self {
            Self::Here(witnesses) => &mut witnesses.0,
            Self::Away(_) => &mut [],
        }
    }
}

/// The public halves that the terms name.
pub(crate) struct PublicCast {
    pub(crate) parties: Vec<PublicHalf>,
    pub(crate) auditor: PublicHalf,
    pub(crate) witnesses: Vec<PublicHalf>,
    pub(crate) beacon: DemoBeacon,
}

impl Cast {
    /// Makes all keys and folders, writes the terms, and binds everybody to them.
    pub(crate) fn assemble(
        parties: &[(Name, Mode)],
        out: &Path,
        terms: &dyn Fn(&PublicCast) -> CliResult<Agreement>,
    ) -> CliResult<Self> {
        let mut cast = Self::assemble_with(parties, &["w1", "w2", "w3"], out, terms)?;
        let open = |id: &&str| witnesses::open(&out.join("roles").join(id));
        let opened = ["w1", "w2", "w3"].iter().map(open).collect::<CliResult<_>>()?;
        cast.witnesses = Cosigners::Here(Witnesses(opened));
        Ok(cast)
    }

    /// As [`Cast::assemble`], with witnesses of these names whose folders are made but not opened.
    pub(crate) fn assemble_with(
        parties: &[(Name, Mode)],
        witness_names: &[&str],
        out: &Path,
        terms: &dyn Fn(&PublicCast) -> CliResult<Agreement>,
    ) -> CliResult<Self> {
        let roles = out.join("roles");
        let name = |text: &str| Name::new(text).map_err(CliError::bug);
        let mut rng = random::generator()?;
        let public = PublicCast {
            parties: parties
                .iter()
                .map(|(id, _)| Lab::create(&roles.join(id.as_str()), id))
                .collect::<CliResult<_>>()?,
            auditor: AuditorHome::create(&roles.join("auditor"), &name("auditor")?, &mut rng)?,
            witnesses: witness_names
                .iter()
                .map(|id| witnesses::create(&roles.join(id), &name(id)?))
                .collect::<CliResult<_>>()?,
            beacon: DemoBeacon::from_seed(&[7; 32]).map_err(CliError::bug)?,
        };
        let terms = terms(&public)?.to_toml();
        folder::write(&out.join("agreement.toml"), terms.as_bytes())?;
        let join = |(id, mode): &(Name, Mode)| {
            Lab::join(&roles.join(id.as_str()), &terms, *mode)?;
            Lab::open(&roles.join(id.as_str()))
        };
        let labs = parties.iter().map(join).collect::<CliResult<_>>()?;
        Issuer::join(&roles.join("auditor"), &terms)?;
        Ok(Self {
            labs,
            auditor: AuditorHome::open(&roles.join("auditor"))?,
            witnesses: Cosigners::Here(Witnesses(Vec::new())),
            beacon: public.beacon,
            rounds: Vec::new(),
            rng,
            out: out.to_owned(),
        })
    }

    /// A lab declares fleet and runs, and has them cosigned, before the agreement starts.
    pub(crate) fn declare(&mut self, lab: usize, fleet: &Fleet, runs: Vec<RunDeclaration>) -> CliResult<()> {
        let lab = &mut self.labs[lab];
        let now = lab.issuer.agreement.start_unix_seconds.saturating_sub(2 * 86_400);
        lab.declare_fleet(fleet, 0, now, &mut self.rng)?;
        for run in runs {
            lab.declare_run(run, now)?;
        }
        self.witnesses.cosign(&mut lab.issuer, now + 60)?;
        Ok(())
    }

    /// After the last deadline everybody's last head is cosigned once more, so that silence shows.
    pub(crate) fn last_word(&mut self) -> CliResult<()> {
        let now = self.auditor.issuer.agreement.end_unix_seconds() + 4 * 86_400;
        for lab in &mut self.labs {
            self.witnesses.cosign(&mut lab.issuer, now)?;
        }
        self.witnesses.cosign(&mut self.auditor.issuer, now)?;
        Ok(())
    }

    pub(crate) fn terms_path(&self) -> PathBuf {
        self.out.join("agreement.toml")
    }

    /// Folders of all roles.
    pub(crate) fn homes(&self) -> Vec<PathBuf> {
        let mut homes: Vec<PathBuf> = self.labs.iter().map(|lab| lab.issuer.home.clone()).collect();
        homes.push(self.auditor.issuer.home.clone());
        if let Cosigners::Here(witnesses) = &self.witnesses {
            homes.extend(witnesses.0.iter().map(|witness| self.out.join("roles").join(witness.verifier().name())));
        }
        homes
    }
}
