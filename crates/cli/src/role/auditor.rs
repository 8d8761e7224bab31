//! An auditor: draws from published reports, reads the openings, publishes findings.

use crate::exit::{CliError, CliResult};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::power::SiteFacts;
use crate::role::reading::{self, Entry};
use crate::secret_file;
use rand_core::CryptoRng;
use standstill_agreement::Agreement;
use standstill_audit::challenge::{self, Answer, Facts};
use standstill_audit::confide::{InspectorKey, Purpose};
use standstill_audit::draw;
use standstill_audit::examine::{
    Ask, Case, ChipLimits, Examination, GroupAccount, PowerReading, Reason, Tolerances, open,
};
use standstill_audit::{Beacon, Round, examine};
use standstill_ledger::{ChipModel, ChipTable};
use standstill_seal::{FleetContext, FleetRef, PublicFleet, WindowContext, verify_fleet};
use standstill_statement::{Body, Challenge, Finding, FindingItem, Hash32, Name, Report, Response};
use standstill_tlog::note::VerifierKey;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Energy that the auditor's own meter read for a balance area over a window, kilojoules.
pub type Power = BTreeMap<(Name, u64), u64>;

/// An auditor's own side.
pub struct AuditorHome {
    /// Keys, log and blobs.
    pub issuer: Issuer,
    inspector: InspectorKey,
    /// Groups opened before, by party, for continuity and replay checks. Confidential; kept in memory only.
    opened: BTreeMap<Name, Vec<GroupAccount>>,
    /// Challenges whose openings are in `opened`.
    recalled: BTreeSet<Hash32>,
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

    /// Responses to a challenge that a quorum has cosigned, with their times.
    fn answers(&self, agreement: &Agreement, challenge: Hash32) -> CliResult<Vec<(Response, u64)>> {
        let mut answers = Vec::new();
        for entry in &self.entries {
            let Body::Response(response) = &entry.statement.body else { continue };
            if response.challenge == challenge {
                let head = reading::first_witnessed_head(&self.home.join("log"), &self.key, agreement, entry.index)?;
                answers.extend(head.map(|(_, time)| (response.clone(), time)));
            }
        }
        Ok(answers)
    }

    fn fleet(&self, agreement: &Agreement, report: &Report, chips: &ChipTable) -> CliResult<PublicFleet> {
        let declared = self.entries.iter().find(|entry| entry.hash == report.fleet);
        let Some(Entry { statement, .. }) = declared else {
            return Err(CliError::unreadable(format!(
                "{}'s report names a fleet declaration that is not in its log",
                self.party
            )));
        };
        let Body::Fleet(fleet) = &statement.body else {
            return Err(CliError::unreadable(format!(
                "{}'s report names a statement that is no fleet declaration",
                self.party
            )));
        };
        let context = FleetContext {
            agreement: agreement.id(),
            party: self.party.clone(),
            revision: fleet.revision,
            from_window: fleet.from_window,
            window_seconds: agreement.window.window_seconds,
            least_devices: agreement.audit.least_devices,
        };
        let blob = reading::blob(&self.home, &fleet.blob)?;
        verify_fleet(&context, FleetRef { root: fleet.root, groups: fleet.groups }, &blob, chips)
            .map_err(CliError::unreadable)
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
    Beacon::new(terms.name.as_str(), &terms.public_key, terms.genesis_unix_seconds, period)
        .map_err(CliError::unreadable)
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
        Ok(Self { issuer: Issuer::open(home)?, inspector, opened: BTreeMap::new(), recalled: BTreeSet::new() })
    }

    /// The latest report of a window, and the beacon round that may draw from it.
    ///
    /// # Errors
    /// When there is no report, or no quorum has cosigned it yet.
    pub fn required_round(&self, lab: &Published, window: u64) -> CliResult<u64> {
        self.counted_report(lab, window)?;
        let agreement = &self.issuer.agreement;
        // Fixed by the terms alone: nothing that the lab can choose decides which round draws.
        let round =
            beacon_of(agreement)?.first_round_after(agreement.grace_deadline(window), agreement.audit.delay_seconds);
        round.ok_or_else(|| CliError::unreadable("the beacon's times are out of range"))
    }

    /// Draws groups of a window's report and publishes the challenge.
    ///
    /// # Errors
    /// When the round is not the one that may draw, or is not genuine.
    pub fn challenge(
        &mut self,
        lab: &Published,
        window: u64,
        round: &Round,
        now_unix_seconds: u64,
    ) -> CliResult<Hash32> {
        let agreement = self.issuer.agreement.clone();
        let (entry, report) = self.counted_report(lab, window)?;
        let (head, _) = self.witnessed(lab, entry)?;
        let chips = ChipTable::builtin().map_err(CliError::bug)?;
        let fleet = lab.fleet(&agreement, report, &chips)?;
        let weights = draw::fleet_weights(&fleet, &chips).map_err(CliError::unreadable)?;
        let facts = Facts {
            agreement: agreement.id(),
            party: &lab.party,
            report: entry.hash,
            report_index: entry.index,
            draw_after_unix_seconds: agreement.grace_deadline(window),
            beacon: &beacon_of(&agreement)?,
            delay_seconds: agreement.audit.delay_seconds,
            weights: &weights,
            groups_per_report: agreement.audit.groups_per_report,
            respond_within_seconds: agreement.audit.respond_within_seconds,
        };
        let determined = challenge::determine(&facts, round).map_err(CliError::unreadable)?;
        let respond_by = determined
            .earliest_respond_by_unix_seconds
            .max(now_unix_seconds.saturating_add(agreement.audit.respond_within_seconds));
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
    pub fn examine(
        &mut self,
        lab: &Published,
        challenge_hash: Hash32,
        power: &Power,
        site: &SiteFacts,
        now_unix_seconds: u64,
    ) -> CliResult<Option<Vec<Examination>>> {
        self.recall(lab, challenge_hash)?;
        let Some(opened) = self.read_answer(lab, challenge_hash, Some(now_unix_seconds))? else { return Ok(None) };
        let Read { asked, window, window_seconds, fleet, accounts } = opened;
        let chips = ChipTable::builtin().map_err(CliError::bug)?;
        let mut examinations = Vec::new();
        for account in accounts {
            examinations.push(match account {
                Ok(account) => {
                    self.judge(account, &fleet, &chips, (window, window_seconds), &lab.party, power, site)?
                }
                Err(item) => Examination { item, details: Vec::new() },
            });
        }
        self.recalled.insert(challenge_hash);
        let items: Vec<FindingItem> = examinations.iter().map(|examination| examination.item.clone()).collect();
        let finding = Finding { party: asked.party, challenge: challenge_hash, items };
        self.issuer.state(Body::Finding(finding), now_unix_seconds, Vec::new())?;
        Ok(Some(examinations))
    }

    /// Reads what a lab opened for a challenge. With a time, a missing answer is a result once its deadline is past (`None` before);
    /// without, only what was opened counts.
    fn read_answer(
        &self,
        lab: &Published,
        challenge_hash: Hash32,
        now_unix_seconds: Option<u64>,
    ) -> CliResult<Option<Read>> {
        let Some(entry) = self.issuer.entries().iter().find(|entry| entry.hash == challenge_hash) else {
            return Err(CliError::usage(format!("challenge {} is not in this auditor's log", challenge_hash.short())));
        };
        let Body::Challenge(asked) = &entry.statement.body else {
            return Err(CliError::usage(format!("entry {} is not a challenge", entry.index)));
        };
        let agreement = &self.issuer.agreement;
        let chips = ChipTable::builtin().map_err(CliError::bug)?;
        let (report_entry, report) = lab.report(asked.report)?;
        let fleet = lab.fleet(agreement, report, &chips)?;
        let context = lab.context(agreement, report_entry, report, &fleet);
        let report_blob = reading::blob(&lab.home, &report.seal)?;
        // The lab's time runs from the challenge's publication, never from the auditor's own word.
        let own_log = self.issuer.home.join("log");
        let published = reading::first_witnessed_head(&own_log, self.issuer.log_key(), agreement, entry.index)?
            .map(|(_, time)| time);
        let now = now_unix_seconds.unwrap_or(u64::MAX);
        let deadline = challenge::deadline(asked, published.unwrap_or(now), agreement.audit.respond_within_seconds);
        let answers = lab.answers(agreement, challenge_hash)?;
        let mut accounts = Vec::new();
        for group in &asked.groups {
            let holds = |(response, _): &&(Response, u64)| response.items.iter().any(|item| item.group == *group);
            // The earliest answer that opens the group counts.
            let answered = answers.iter().filter(holds).min_by_key(|(_, time)| *time).or_else(|| answers.first());
            let answer = match now_unix_seconds {
                Some(now) => {
                    challenge::answer(*group, answered.map(|(response, time)| (response, *time)), deadline, now)
                }
                None => Answer::InTime,
            };
            let item = answered.and_then(|(response, _)| response.items.iter().find(|item| item.group == *group));
            let ciphertext = item.and_then(|item| reading::blob(&lab.home, &item.opening).ok());
            let purpose = Purpose { agreement: agreement.id(), challenge: challenge_hash, group: *group };
            let ask =
                Ask { key: &self.inspector, purpose, context: &context, fleet: &fleet, report_blob: &report_blob };
            match open(&ask, answer, ciphertext.as_deref()) {
                Ok(None) => return Ok(None),
                Ok(Some(account)) => accounts.push(Ok(account)),
                Err(item) => accounts.push(Err(item)),
            }
        }
        let window_seconds = context.window_end_unix_seconds.saturating_sub(context.window_start_unix_seconds);
        Ok(Some(Read { asked: asked.clone(), window: context.window, window_seconds, fleet, accounts }))
    }

    /// Opens again what this lab opened before, so that counters and evidence are compared over all of it and not only over what this
    /// process has seen. Only the inspector's key and published files are needed; nothing confidential is kept on disk.
    fn recall(&mut self, lab: &Published, present: Hash32) -> CliResult<()> {
        let asked = |entry: &Entry| match &entry.statement.body {
            Body::Challenge(challenge) if challenge.party == lab.party && entry.hash != present => Some(entry.hash),
            _ => None,
        };
        let earlier: Vec<Hash32> =
            self.issuer.entries().iter().filter_map(asked).filter(|hash| !self.recalled.contains(hash)).collect();
        for challenge in earlier {
            let read = self.read_answer(lab, challenge, None)?;
            let accounts = read.into_iter().flat_map(|read| read.accounts).flatten();
            self.opened.entry(lab.party.clone()).or_default().extend(accounts);
            self.recalled.insert(challenge);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "everything that the inspector knows besides the opening")]
    fn judge(
        &mut self,
        account: GroupAccount,
        fleet: &PublicFleet,
        chips: &ChipTable,
        (window, seconds): (u64, u64),
        party: &Name,
        power: &Power,
        site: &SiteFacts,
    ) -> CliResult<Examination> {
        let registered = fleet.groups().get(account.group as usize);
        let registered =
            registered.ok_or_else(|| CliError::bug(format!("group {} was drawn but does not exist", account.group)))?;
        let model = chips
            .get(&registered.model)
            .ok_or_else(|| CliError::bug("a verified fleet names an unknown chip model"))?;
        // A feed's reading can be compared with a group only when the group is all that hangs on the feed.
        let alone = fleet.groups().iter().filter(|group| group.area == registered.area).count() == 1;
        let reading = power.get(&(registered.area.clone(), window)).filter(|_| alone);
        let base = if site.whole_node {
            0
        } else {
            u64::from(site.base_watts_per_device) * u64::from(registered.capacity_devices) * seconds / 1000
        };
        let others = self.opened.entry(party.clone()).or_default();
        let case = Case {
            window_seconds: u32::try_from(seconds).map_err(CliError::unreadable)?,
            registered: None,
            chip: limits(model, site),
            others,
            power: reading.map(|energy_kilojoules| PowerReading {
                energy_kilojoules: *energy_kilojoules,
                base_kilojoules: base,
                overhead_per_mille: site.overhead_per_mille,
                tolerance_per_mille: site.tolerance_per_mille,
            }),
            tolerances: Tolerances::default(),
        };
        let examination = examine(&account, &case);
        others.push(account);
        Ok(examination)
    }

    /// Challenges without a finding, oldest first.
    #[must_use]
    pub fn open_challenges(&self, party: &Name) -> Vec<Hash32> {
        let found: Vec<Hash32> = self
            .issuer
            .entries()
            .iter()
            .filter_map(|entry| match &entry.statement.body {
                Body::Finding(finding) => Some(finding.challenge),
                _ => None,
            })
            .collect();
        let open =
            |entry: &&Entry| matches!(&entry.statement.body, Body::Challenge(challenge) if challenge.party == *party);
        self.issuer.entries().iter().filter(open).map(|entry| entry.hash).filter(|hash| !found.contains(hash)).collect()
    }

    /// The report that counts: the highest revision that a quorum had cosigned by the window's last deadline.
    fn counted_report<'a>(&self, lab: &'a Published, window: u64) -> CliResult<(&'a Entry, &'a Report)> {
        let agreement = &self.issuer.agreement;
        let mut counted: Option<(&Entry, &Report)> = None;
        for (entry, report) in reading::reports(&lab.entries).into_iter().filter(|(_, report)| report.window == window)
        {
            let head = reading::first_witnessed_head(&lab.home.join("log"), &lab.key, agreement, entry.index)?;
            let in_time = head.is_some_and(|(_, time)| time <= agreement.grace_deadline(window));
            if in_time && counted.is_none_or(|(_, best)| report.revision > best.revision) {
                counted = Some((entry, report));
            }
        }
        counted.ok_or_else(|| {
            CliError::usage(format!(
                "{} has no report on window {window} that a quorum cosigned by the last deadline",
                lab.party
            ))
        })
    }

    fn witnessed(&self, lab: &Published, entry: &Entry) -> CliResult<(standstill_statement::LogHead, u64)> {
        let head = reading::first_witnessed_head(&lab.home.join("log"), &lab.key, &self.issuer.agreement, entry.index)?;
        head.ok_or_else(|| {
            let message = format!("no quorum of witnesses has cosigned {}'s report yet; have it cosigned first (standstill witness cosign)", lab.party);
            CliError { message, exit: crate::exit::Exit::CannotConclude }
        })
    }
}

/// An answer that was read: the challenge, its window, and each drawn group's account or the finding why there is none.
struct Read {
    asked: Challenge,
    window: u64,
    window_seconds: u64,
    fleet: PublicFleet,
    accounts: Vec<Result<GroupAccount, FindingItem>>,
}

/// Limits of a chip model; where the site meters energy by node (the auditor's own knowledge, never the lab's word), the host's share
/// counts as well, or every honest node would seem to draw more than its chips can.
fn limits(model: &ChipModel, site: &SiteFacts) -> ChipLimits {
    let board = ChipLimits::of(model);
    if !site.whole_node {
        return board;
    }
    let host = site.base_watts_per_device;
    ChipLimits {
        design_watts: board.design_watts.saturating_add(host),
        idle_most_watts: board.idle_most_watts.saturating_add(host),
        ..board
    }
}

/// What a reason code means, in a few words for the screen.
#[must_use]
pub fn reason_text(code: &str) -> String {
    Reason::from_code(code).map_or_else(|| code.to_owned(), |reason| reason.to_string())
}
