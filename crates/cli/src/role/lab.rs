//! A lab: an issuer with a fleet, a sealing secret and private ledgers.

use crate::exit::{CliError, CliResult};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::reading;
use crate::{folder, secret_file};
use rand_core::CryptoRng;
use standstill_ledger::{ChipTable, Fleet, Group};
use standstill_seal::{FleetContext, FleetRef, GroupRegistration, MasterSecret, PublicFleet, seal_fleet, verify_fleet};
use standstill_statement::{Body, FleetDeclaration, Hash32, Heartbeat, Mode, Name, RunDeclaration};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A lab's own side.
pub struct Lab {
    /// Keys, log and blobs.
    pub issuer: Issuer,
    /// Whether totals are published in clear.
    pub mode: Mode,
    /// Chip table of the agreement.
    pub chips: ChipTable,
    /// The terms with the phases that hold for this lab, when the agreement runs itself (`Timeline::terms_for`); else those of the schedule.
    pub in_force: Option<standstill_agreement::Agreement>,
    pub(crate) master: MasterSecret,
}

/// The fleet that a report is drawn up against: the public side and the lab's own list.
pub struct FleetInForce {
    /// Statement hash of the declaration.
    pub statement: Hash32,
    /// Verified public side.
    pub public: PublicFleet,
    /// The lab's own list.
    pub fleet: Fleet,
    /// Groups in the order of the declaration.
    pub groups: Vec<Group>,
}

impl Lab {
    /// Makes a lab's folder, keys, sealing secret and empty log.
    ///
    /// # Errors
    /// When the folder holds a role already, or cannot be written.
    pub fn create(home: &Path, id: &Name) -> CliResult<PublicHalf> {
        let public = Issuer::create(home, "party", id)?;
        let mut secret = Zeroizing::new([0u8; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(CliError::unreadable)?;
        let master = MasterSecret::from_bytes(*secret);
        secret_file::create(&home.join("keys/seal.key"), &master.to_file_text())?;
        Ok(public)
    }

    /// Binds the lab to an agreement and says how much its reports show.
    ///
    /// # Errors
    /// When the agreement is refused or names other keys.
    pub fn join(home: &Path, terms: &str, mode: Mode) -> CliResult<()> {
        Issuer::join(home, terms)?;
        let word = if mode == Mode::Open { "open\n" } else { "sealed\n" };
        folder::write(&home.join("private/mode"), word.as_bytes())
    }

    /// Opens a lab that has joined an agreement.
    ///
    /// # Errors
    /// When something is missing or damaged.
    pub fn open(home: &Path) -> CliResult<Self> {
        let issuer = Issuer::open(home)?;
        let mode = match folder::read_text(&home.join("private/mode"))?.trim() {
            "open" => Mode::Open,
            "sealed" => Mode::Sealed,
            other => {
                return Err(CliError::unreadable(format!("private/mode says '{other}'; write 'open' or 'sealed'")));
            }
        };
        let chips = ChipTable::builtin().map_err(CliError::bug)?;
        if chips.id() != issuer.agreement.chip_table {
            let message = format!(
                "the agreement pins chip table {}, this program has {}; use the version of standstill that the agreement was made with",
                issuer.agreement.chip_table.short(),
                chips.id().short()
            );
            return Err(CliError::unreadable(message));
        }
        let master = MasterSecret::from_file_text(&secret_file::read(&home.join("keys/seal.key"))?);
        let master = master.map_err(|error| CliError::about("keys/seal.key", error))?;
        Ok(Self { issuer, mode, chips, in_force: None, master })
    }

    /// Declares the registered accelerators from a window on, in groups of at most 128 of one model and one balance area.
    ///
    /// # Errors
    /// When the fleet names an unknown chip model, or the statement cannot be published.
    pub fn declare_fleet<R: CryptoRng>(
        &mut self,
        fleet: &Fleet,
        from_window: u64,
        now_unix_seconds: u64,
        rng: &mut R,
    ) -> CliResult<Hash32> {
        let revision =
            self.issuer.entries().iter().filter(|entry| matches!(entry.statement.body, Body::Fleet(_))).count();
        let revision = u32::try_from(revision).map_err(CliError::bug)?;
        let groups = fleet.groups(standstill_ledger::fleet::MAX_GROUP_DEVICES);
        let registrations: Vec<GroupRegistration> = groups.iter().map(|group| registration(group, fleet)).collect();
        let context = self.fleet_context(revision, from_window);
        let sealed =
            seal_fleet(&self.master, &context, &registrations, &self.chips, rng).map_err(CliError::unreadable)?;
        let blob = self.issuer.put_blob(&sealed.blob)?;
        // The list is kept before the statement is made: a declared fleet without its list could not be reported on.
        folder::write(&self.fleet_path(revision), fleet.to_csv().as_bytes())?;
        let body = FleetDeclaration { revision, from_window, groups: sealed.groups, root: sealed.root, blob };
        self.issuer.state(Body::Fleet(body), now_unix_seconds, Vec::new())
    }

    /// Declares a training run.
    ///
    /// # Errors
    /// When the run is declared already, a parent is not, or the statement cannot be published.
    pub fn declare_run(&mut self, run: RunDeclaration, now_unix_seconds: u64) -> CliResult<Hash32> {
        let mut runs = reading::runs(self.issuer.entries());
        runs.push(run.clone());
        standstill_ledger::Lineage::new(&runs).map_err(CliError::usage)?;
        self.issuer.state(Body::Run(run), now_unix_seconds, Vec::new())
    }

    /// Publishes a sign of life.
    ///
    /// # Errors
    /// When the statement cannot be published.
    pub fn heartbeat(&mut self, window: u64, now_unix_seconds: u64) -> CliResult<Hash32> {
        self.issuer.state(Body::Heartbeat(Heartbeat { window }), now_unix_seconds, Vec::new())
    }

    /// The fleet in force in a window, with the lab's own list.
    ///
    /// # Errors
    /// When none is declared, or the kept files do not agree with the declaration.
    pub fn fleet_in_force(&self, window: u64) -> CliResult<FleetInForce> {
        let Some((entry, declared)) = reading::fleet_in_force(self.issuer.entries(), window) else {
            let message =
                format!("no fleet is declared for window {window}. Run: standstill lab declare-fleet DIR FLEET");
            return Err(CliError::usage(message));
        };
        let blob = self.issuer.blob(&declared.blob)?;
        let context = self.fleet_context(declared.revision, declared.from_window);
        let reference = FleetRef { root: declared.root, groups: declared.groups };
        let public = verify_fleet(&context, reference, &blob, &self.chips).map_err(CliError::unreadable)?;
        let path = self.fleet_path(declared.revision);
        let fleet =
            Fleet::parse_csv(&folder::read_text(&path)?).map_err(|error| CliError::about(path.display(), error))?;
        let groups = fleet.groups(standstill_ledger::fleet::MAX_GROUP_DEVICES);
        Ok(FleetInForce { statement: entry.hash, public, fleet, groups })
    }

    fn fleet_context(&self, revision: u32, from_window: u64) -> FleetContext {
        FleetContext {
            agreement: self.issuer.agreement_id,
            party: self.issuer.id.clone(),
            revision,
            from_window,
            window_seconds: self.issuer.agreement.window.window_seconds,
            least_devices: self.issuer.agreement.audit.least_devices,
        }
    }

    fn fleet_path(&self, revision: u32) -> PathBuf {
        self.issuer.home.join(format!("private/fleet-{revision}.csv"))
    }

    /// Where the ledger behind a report is kept, so that any group can be opened later.
    #[must_use]
    pub fn ledger_path(&self, window: u64, revision: u32) -> PathBuf {
        self.issuer.home.join(format!("private/window-{window}-{revision}.ledger"))
    }
}

/// A group as it is registered. Capacity is the number of devices: a lab that wants to hide it declares more with its own fleet file.
fn registration(group: &Group, fleet: &Fleet) -> GroupRegistration {
    let device = |index: &u32| standstill_ledger::fleet::key_hash(&fleet.devices()[*index as usize].key);
    GroupRegistration {
        group: group.index,
        site: group.site.clone(),
        area: group.area.clone(),
        model: group.model.clone(),
        capacity_devices: u16::try_from(group.device_indices.len()).unwrap_or(u16::MAX),
        devices: group.device_indices.iter().map(device).collect(),
    }
}
