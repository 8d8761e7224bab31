//! An auditor: draws from published reports, reads the openings, publishes findings.

use crate::exit::{CliError, CliResult};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::power::SiteFacts;
use crate::role::reading::{self, Entry};
use crate::secret_file;
use rand_core::CryptoRng;
use standstill_agreement::Agreement;
use standstill_audit::challenge::{self, Facts};
use standstill_audit::confide::{InspectorKey, Purpose};
use standstill_audit::draw;
use standstill_audit::examine::{Ask, Case, ChipLimits, Examination, GroupAccount, PowerReading, Reason, Tolerances, open};
use standstill_audit::{Beacon, Round, examine};
use standstill_ledger::{ChipModel, ChipTable};
use standstill_seal::{FleetContext, FleetRef, PublicFleet, WindowContext, verify_fleet};
use standstill_statement::{Body, Challenge, Finding, FindingItem, Hash32, Name, Report};
use standstill_tlog::note::VerifierKey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Energy that the auditor's own meter read for a balance area over a window, kilojoules.
pub type Power = BTreeMap<(Name, u64), u64>;

/// An auditor's own side.
pub struct AuditorHome {
    /// Keys, log and blobs.
    pub issuer: Issuer,
    inspector: InspectorKey,
    /// Groups opened before, for continuity and replay checks. Confidential; kept in memory only.
    opened: BTreeMap<(Name, u32), Vec<GroupAccount>>,
}

/// What an auditor reads of a lab: its published log and blobs.
pub struct Published {
    home: PathBuf,
    key: VerifierKey,
    party: Name,
    entries: Vec<Entry>,
}

impl Published {
    /// Reads a lab's published log.
    ///
    /// # Errors
    /// When the log is damaged.
    pub fn read(home: &Path, agreement: &Agreement, party: &Name) -> CliResult<Self> {
        let Some(terms) = agreement.party(party) else {
            return Err(CliError::usage(format!("'{party}' is not a party of this agreement")));
        };
        let key = VerifierKey::parse(&terms.log).map_err(CliError::unreadable)?;
        let entries = reading::entries(&home.join("log"), &key)?;
        Ok(Self { home: home.to_owned(), key, party: party.clone(), entries })
    }

    /// Statements in log order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn report(&self, hash: Hash32) -> CliResult<(&Entry, &Report)> {
        let found = reading::reports(&self.entries).into_iter().find(|(entry, _)| entry.hash == hash);
        found.ok_or_else(|| CliError::unreadable(format!("report {} is not in {}'s log", hash.short(), self.party)))
    }

    fn fleet(&self, agreement: &Agreement, report: &Report, chips: &ChipTable) -> CliResult<PublicFleet> {
        let declared = self.entries.iter().find(|entry| entry.hash == report.fleet);
        let Some(Entry { statement, .. }) = declared else {
            return Err(CliError::unreadable(format!("{}'s report names a fleet declaration that is not in its log", self.party)));
        };
        let Body::Fleet(fleet) = &statement.body else {
            return Err(CliError::unreadable(format!("{}'s report names a statement that is no fleet declaration", self.party)));
        };
        let context = FleetContext {
            agreement: agreement.id(),
            party: self.party.clone(),
            revision: fleet.revision,
            from_window: fleet.from_window,
            window_seconds: agreement.window.window_seconds,
        };
        let blob = reading::blob(&self.home, &fleet.blob)?;
        verify_fleet(&context, FleetRef { root: fleet.root, groups: fleet.groups }, &blob, chips).map_err(CliError::unreadable)
    }

    fn context(&self, agreement: &Agreement, entry: &Entry, report: &Report, fleet: &PublicFleet) -> WindowContext {
        let (start, end) = agreement.window_bounds(report.window);
        WindowContext {
            agreement: agreement.id(),
            party: self.party.clone(),
            window: report.window,
            window_start_unix_seconds: start,
            window_end_unix_seconds: end,
            revision: report.revision,
            mode: report.mode,
            fleet_statement: report.fleet,
            fleet_root: fleet.root(),
            chip_table: agreement.chip_table,
            rulebook: agreement.rulebook.clone(),
            previous_statement: entry.statement.header.previous,
        }
    }
}

/// The agreement's beacon.
///
/// # Errors
/// When its key or times are not usable.
pub fn beacon_of(agreement: &Agreement) -> CliResult<Beacon> {
    let terms = &agreement.audit.beacon;
    let period = u32::try_from(terms.period_seconds).map_err(CliError::unreadable)?;
    Beacon::new(terms.name.as_str(), &terms.public_key, terms.genesis_unix_seconds, period).map_err(CliError::unreadable)
}

impl AuditorHome {
    /// Makes an auditor's folder and keys.
    ///
    /// # Errors
    /// When the folder holds a role already, or cannot be written.
    pub fn create<R: CryptoRng>(home: &Path, id: &Name, rng: &mut R) -> CliResult<PublicHalf> {
        let public = Issuer::create(home, "auditor", id)?;
        secret_file::create(&home.join("keys/inspector.key"), &InspectorKey::generate(rng).to_file_text())?;
        Ok(public)
    }

    /// Opens an auditor that has joined an agreement.
    ///
    /// # Errors
    /// When something is missing or damaged.
    pub fn open(home: &Path) -> CliResult<Self> {
        let inspector = InspectorKey::from_file_text(&secret_file::read(&home.join("keys/inspector.key"))?);
        let inspector = inspector.map_err(|error| CliError::about("keys/inspector.key", error))?;
        Ok(Self { issuer: Issuer::open(home)?, inspector, opened: BTreeMap::new() })
    }

    /// The latest report of a window, and the beacon round that may draw from it.
    ///
    /// # Errors
    /// When there is no report, or no quorum has cosigned it yet.
    pub fn required_round(&self, lab: &Published, window: u64) -> CliResult<u64> {
        let (entry, _) = latest_report(lab, window)?;
        let (_, time) = self.witnessed(lab, entry)?;
        let agreement = &self.issuer.agreement;
        let round = beacon_of(agreement)?.first_round_after(time, agreement.audit.delay_seconds);
        round.ok_or_else(|| CliError::unreadable("the beacon's times are out of range"))
    }

    /// Draws groups of a window's report and publishes the challenge.
    ///
    /// # Errors
    /// When the round is not the one that may draw, or is not genuine.
    pub fn challenge(&mut self, lab: &Published, window: u64, round: &Round, now_unix_seconds: u64) -> CliResult<Hash32> {
        let agreement = self.issuer.agreement.clone();
        let (entry, report) = latest_report(lab, window)?;
        let (head, head_unix_seconds) = self.witnessed(lab, entry)?;
        let chips = ChipTable::builtin().map_err(CliError::bug)?;
        let fleet = lab.fleet(&agreement, report, &chips)?;
        let weights = draw::fleet_weights(&fleet, &chips).map_err(CliError::unreadable)?;
        let facts = Facts {
            agreement: agreement.id(),
            party: &lab.party,
            report: entry.hash,
            report_index: entry.index,
            head: &head,
            head_unix_seconds,
            beacon: &beacon_of(&agreement)?,
            delay_seconds: agreement.audit.delay_seconds,
            weights: &weights,
            groups_per_report: agreement.audit.groups_per_report,
            respond_within_seconds: agreement.audit.respond_within_seconds,
        };
        let determined = challenge::determine(&facts, round).map_err(CliError::unreadable)?;
        let respond_by = determined.earliest_respond_by_unix_seconds.max(now_unix_seconds.saturating_add(agreement.audit.respond_within_seconds));
        let challenge = Challenge {
            party: lab.party.clone(),
            report: entry.hash,
            head,
            round: round.round,
            groups: determined.groups,
            inspector_key: self.inspector.public().map_err(CliError::unreadable)?,
            respond_by_unix_seconds: respond_by,
        };
        self.issuer.state(Body::Challenge(challenge), now_unix_seconds, Vec::new())
    }

    /// Reads a lab's answer to a challenge, examines every drawn group, and publishes the finding. Gives the details, which are for
    /// the auditor and the lab only; `None` while the lab may still answer.
    ///
    /// # Errors
    /// When published files cannot be read.
    pub fn examine(&mut self, lab: &Published, challenge_hash: Hash32, power: &Power, site: &SiteFacts, now_unix_seconds: u64) -> CliResult<Option<Vec<Examination>>> {
        let Some(entry) = self.issuer.entries().iter().find(|entry| entry.hash == challenge_hash).cloned() else {
            return Err(CliError::usage(format!("challenge {} is not in this auditor's log", challenge_hash.short())));
        };
        let Body::Challenge(asked) = &entry.statement.body else {
            return Err(CliError::usage(format!("entry {} is not a challenge", entry.index)));
        };
        let agreement = self.issuer.agreement.clone();
        let response = lab.entries.iter().find_map(|entry| match &entry.statement.body {
            Body::Response(response) if response.challenge == challenge_hash => Some((entry.index, response)),
            _ => None,
        });
        let answered = match response {
            Some((index, response)) => {
                reading::first_witnessed_head(&lab.home.join("log"), &lab.key, &agreement, index)?.map(|(_, time)| (response, time))
            }
            None => None,
        };
        let chips = ChipTable::builtin().map_err(CliError::bug)?;
        let (report_entry, report) = lab.report(asked.report)?;
        let fleet = lab.fleet(&agreement, report, &chips)?;
        let context = lab.context(&agreement, report_entry, report, &fleet);
        let report_blob = reading::blob(&lab.home, &report.seal)?;
        let mut examinations = Vec::new();
        for group in &asked.groups {
            let answer = challenge::answer(*group, answered, asked.respond_by_unix_seconds, now_unix_seconds);
            let item = answered.and_then(|(response, _)| response.items.iter().find(|item| item.group == *group));
            let ciphertext = item.map(|item| reading::blob(&lab.home, &item.opening)).transpose().unwrap_or(None);
            let purpose = Purpose { agreement: agreement.id(), challenge: challenge_hash, group: *group };
            let ask = Ask { key: &self.inspector, purpose, context: &context, fleet: &fleet, report_blob: &report_blob };
            match open(&ask, answer, ciphertext.as_deref()) {
                Ok(None) => return Ok(None),
                Ok(Some(account)) => examinations.push(self.judge(account, &fleet, &chips, &context, &Elsewhere { power, site, whole_node: whole_node(report) })?),
                Err(item) => examinations.push(Examination { item, details: Vec::new() }),
            }
        }
        let items: Vec<FindingItem> = examinations.iter().map(|examination| examination.item.clone()).collect();
        let finding = Finding { party: lab.party.clone(), challenge: challenge_hash, items };
        self.issuer.state(Body::Finding(finding), now_unix_seconds, Vec::new())?;
        Ok(Some(examinations))
    }

    fn judge(&mut self, account: GroupAccount, fleet: &PublicFleet, chips: &ChipTable, context: &WindowContext, elsewhere: &Elsewhere<'_>) -> CliResult<Examination> {
        let Elsewhere { power, site, whole_node } = *elsewhere;
        let registered = fleet.groups().get(account.group as usize);
        let registered = registered.ok_or_else(|| CliError::bug(format!("group {} was drawn but does not exist", account.group)))?;
        let model = chips.get(&registered.model).ok_or_else(|| CliError::bug("a verified fleet names an unknown chip model"))?;
        let seconds = context.window_end_unix_seconds.saturating_sub(context.window_start_unix_seconds);
        let earlier = self.opened.entry((context.party.clone(), account.group)).or_default();
        let case = Case {
            window_seconds: u32::try_from(seconds).map_err(CliError::unreadable)?,
            registered: None,
            chip: limits(model, whole_node, site),
            others: earlier,
            power: power.get(&(registered.area.clone(), context.window)).map(|energy_kilojoules| PowerReading {
                energy_kilojoules: *energy_kilojoules,
                base_kilojoules: u64::from(site.base_watts_per_device) * u64::from(registered.capacity_devices) * seconds / 1000,
                overhead_per_mille: site.overhead_per_mille,
                tolerance_per_mille: site.tolerance_per_mille,
            }),
            tolerances: Tolerances::default(),
        };
        let examination = examine(&account, &case);
        earlier.push(account);
        Ok(examination)
    }

    /// Challenges without a finding, oldest first.
    #[must_use]
    pub fn open_challenges(&self, party: &Name) -> Vec<Hash32> {
        let found: Vec<Hash32> = self.issuer.entries().iter().filter_map(|entry| match &entry.statement.body {
            Body::Finding(finding) => Some(finding.challenge),
            _ => None,
        }).collect();
        let open = |entry: &&Entry| matches!(&entry.statement.body, Body::Challenge(challenge) if challenge.party == *party);
        self.issuer.entries().iter().filter(open).map(|entry| entry.hash).filter(|hash| !found.contains(hash)).collect()
    }

    fn witnessed(&self, lab: &Published, entry: &Entry) -> CliResult<(standstill_statement::LogHead, u64)> {
        let head = reading::first_witnessed_head(&lab.home.join("log"), &lab.key, &self.issuer.agreement, entry.index)?;
        head.ok_or_else(|| {
            let message = format!("no quorum of witnesses has cosigned {}'s report yet; have it cosigned first (standstill witness cosign)", lab.party);
            CliError { message, exit: crate::exit::Exit::CannotConclude }
        })
    }
}

/// What the auditor knows besides the opening.
struct Elsewhere<'a> {
    power: &'a Power,
    site: &'a SiteFacts,
    whole_node: bool,
}

/// True when the report's energy is that of whole nodes: power-only sources meter hosts, fans and switches too.
fn whole_node(report: &Report) -> bool {
    report.sources.iter().any(|source| source.starts_with("power-"))
}

/// Limits of a chip model; where energy is metered by node, the host's share counts as well, or every honest node would seem to draw
/// more than its chips can.
fn limits(model: &ChipModel, whole_node: bool, site: &SiteFacts) -> ChipLimits {
    let board = ChipLimits::of(model);
    if !whole_node {
        return board;
    }
    let host = site.base_watts_per_device;
    ChipLimits { design_watts: board.design_watts.saturating_add(host), idle_most_watts: board.idle_most_watts.saturating_add(host), ..board }
}

fn latest_report(lab: &Published, window: u64) -> CliResult<(&Entry, &Report)> {
    let reports = reading::reports(&lab.entries);
    let latest = reports.into_iter().filter(|(_, report)| report.window == window).max_by_key(|(_, report)| report.revision);
    latest.ok_or_else(|| CliError::usage(format!("{} has published no report on window {window}", lab.party)))
}

/// What a reason code means, in a few words for the screen.
#[must_use]
pub fn reason_text(code: &str) -> String {
    Reason::from_code(code).map_or_else(|| code.to_owned(), |reason| reason.to_string())
}
