//! A lab's reports and its answers to challenges.

use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::role::lab::{FleetInForce, Lab};
use crate::role::reading::{self, Entry};
use rand_core::CryptoRng;
use standstill_audit::confide::{Purpose, encrypt};
use standstill_ledger::{Lineage, WindowLedger};
use standstill_seal::{
    GroupInput, LeafValues, OverLimit, PrivateHistory, WindowContext, open_group, private_window, rules_for,
    seal_window,
};
use standstill_statement::{Body, Challenge, Hash32, Name, Report, Response, ResponseItem};
use std::collections::{BTreeMap, BTreeSet};

/// A published report.
pub struct Published {
    /// Statement hash.
    pub statement: Hash32,
    /// Limits that the account does not keep; the report carries no proof of them.
    pub over: Vec<OverLimit>,
    /// Size of the seal, bytes.
    pub seal_bytes: usize,
}

impl Lab {
    /// Seals a window's ledger and publishes the report.
    ///
    /// # Errors
    /// When the ledger breaks an invariant, names an undeclared run, or the statement cannot be published.
    pub fn report<R: CryptoRng>(
        &mut self,
        ledger: &WindowLedger,
        sources: Vec<String>,
        now_unix_seconds: u64,
        rng: &mut R,
    ) -> CliResult<Published> {
        let window = ledger.spec.index;
        self.check_ledger(ledger)?;
        let force = self.fleet_in_force(window)?;
        self.check_against(ledger, &force)?;
        let groups = self.group_inputs(ledger, &force)?;
        let runs = runs_of(&groups);
        let lineage = self.lineage()?;
        let terms = self.in_force.as_ref().unwrap_or(&self.issuer.agreement);
        let rules = rules_for(terms, window, &lineage, &runs).map_err(CliError::unreadable)?;
        let history = self.history(window)?;
        let revision = self.reports_of(window).len();
        let context = self.window_context(
            window,
            u32::try_from(revision).map_err(CliError::bug)?,
            self.mode,
            &force,
            self.issuer.previous(),
        );
        let sealed = seal_window(&self.master, &context, &force.public, &groups, &runs, &rules, &history, rng)
            .map_err(CliError::unreadable)?;
        let seal = self.issuer.put_blob(&sealed.blob)?;
        // Kept before it is published: a report whose ledger is lost could not be opened to an inspector.
        let bytes = ledger.encode().map_err(CliError::unreadable)?;
        folder::write(&self.ledger_path(window, context.revision), &bytes)?;
        let report = Report {
            window,
            revision: context.revision,
            mode: self.mode,
            fleet: force.statement,
            groups: sealed.groups,
            root: sealed.root,
            seal,
            runs,
            sources,
        };
        let statement = self.issuer.state(Body::Report(report), now_unix_seconds, Vec::new())?;
        Ok(Published { statement, over: sealed.over, seal_bytes: sealed.blob.len() })
    }

    /// Answers a challenge by opening the drawn groups to the inspector's key, and to nobody else. Groups in `withheld` are left out
    /// (only demonstrations do that).
    ///
    /// # Errors
    /// When the challenge is not about a report of this lab, or the statement cannot be published.
    pub fn respond<R: CryptoRng>(
        &mut self,
        challenge: &Entry,
        withheld: &[u32],
        now_unix_seconds: u64,
        rng: &mut R,
    ) -> CliResult<Hash32> {
        let Body::Challenge(asked) = &challenge.statement.body else {
            return Err(CliError::usage(format!("entry {} is not a challenge", challenge.index)));
        };
        let (window, context, force, groups) = self.reported(asked)?;
        let mut items = Vec::new();
        for group in asked.groups.iter().filter(|group| !withheld.contains(group)) {
            let Some(input) = groups.iter().find(|input| input.group == *group) else {
                return Err(CliError::unreadable(format!(
                    "the challenge on window {window} names group {group}, which this fleet does not have"
                )));
            };
            let opening = open_group(&self.master, &context, &force.public, input).map_err(CliError::unreadable)?;
            let purpose = Purpose { agreement: self.issuer.agreement_id, challenge: challenge.hash, group: *group };
            let bytes = opening.to_bytes().map_err(CliError::unreadable)?;
            let sealed = encrypt(&asked.inspector_key, &purpose, &bytes, rng).map_err(CliError::unreadable)?;
            items.push(ResponseItem { group: *group, opening: self.issuer.put_blob(&sealed)? });
        }
        items.sort_by_key(|item| item.group);
        self.issuer.state(Body::Response(Response { challenge: challenge.hash, items }), now_unix_seconds, Vec::new())
    }

    /// Challenges in an auditor's log that are about this lab and have no answer yet.
    #[must_use]
    pub fn open_challenges<'a>(&self, auditor: &'a [Entry]) -> Vec<&'a Entry> {
        let answered: BTreeSet<Hash32> = self
            .issuer
            .entries()
            .iter()
            .filter_map(|entry| match &entry.statement.body {
                Body::Response(response) => Some(response.challenge),
                _ => None,
            })
            .collect();
        let mine = |entry: &&Entry| matches!(&entry.statement.body, Body::Challenge(challenge) if challenge.party == self.issuer.id);
        auditor.iter().filter(mine).filter(|entry| !answered.contains(&entry.hash)).collect()
    }

    fn reported(&self, asked: &Challenge) -> CliResult<(u64, WindowContext, FleetInForce, Vec<GroupInput>)> {
        let reports = reading::reports(self.issuer.entries());
        let Some((entry, report)) = reports.into_iter().find(|(entry, _)| entry.hash == asked.report) else {
            return Err(CliError::usage(format!(
                "the challenge is about report {}, which is not in this lab's log",
                asked.report.short()
            )));
        };
        let ledger = self.kept_ledger(report.window, report.revision)?;
        let force = self.fleet_in_force(report.window)?;
        let context =
            self.window_context(report.window, report.revision, report.mode, &force, entry.statement.header.previous);
        let groups = self.group_inputs(&ledger, &force)?;
        Ok((report.window, context, force, groups))
    }

    /// Openings of the earlier windows' totals, recomputed from the kept ledgers.
    fn history(&self, before: u64) -> CliResult<PrivateHistory> {
        let mut latest: BTreeMap<u64, (&Entry, &Report)> = BTreeMap::new();
        for (entry, report) in reading::reports(self.issuer.entries()) {
            latest.insert(report.window, (entry, report));
        }
        let mut history = PrivateHistory::new();
        for (window, (entry, report)) in latest.range(..before) {
            let ledger = self.kept_ledger(*window, report.revision)?;
            let force = self.fleet_in_force(*window)?;
            let context =
                self.window_context(*window, report.revision, report.mode, &force, entry.statement.header.previous);
            let groups = self.group_inputs(&ledger, &force)?;
            let private = private_window(&self.master, &context, &force.public, &groups, &report.runs)
                .map_err(CliError::unreadable)?;
            history.insert(private);
        }
        Ok(history)
    }

    fn kept_ledger(&self, window: u64, revision: u32) -> CliResult<WindowLedger> {
        let path = self.ledger_path(window, revision);
        let bytes = folder::read(&path, standstill_ledger::window::MAX_LEDGER_BYTES as u64)?;
        WindowLedger::decode(&bytes).map_err(|error| CliError::about(path.display(), error))
    }

    fn reports_of(&self, window: u64) -> Vec<&Report> {
        reading::reports(self.issuer.entries())
            .into_iter()
            .map(|(_, report)| report)
            .filter(|report| report.window == window)
            .collect()
    }

    fn lineage(&self) -> CliResult<Lineage> {
        Lineage::new(&reading::runs(self.issuer.entries())).map_err(CliError::unreadable)
    }

    fn window_context(
        &self,
        window: u64,
        revision: u32,
        mode: standstill_statement::Mode,
        force: &FleetInForce,
        previous: Option<Hash32>,
    ) -> WindowContext {
        let (start, end) = self.issuer.agreement.window_bounds(window);
        WindowContext {
            agreement: self.issuer.agreement_id,
            party: self.issuer.id.clone(),
            window,
            window_start_unix_seconds: start,
            window_end_unix_seconds: end,
            revision,
            mode,
            fleet_statement: force.statement,
            fleet_root: force.public.root(),
            chip_table: self.chips.id(),
            rulebook: self.issuer.agreement.rulebook.clone(),
            previous_statement: previous,
        }
    }

    fn check_ledger(&self, ledger: &WindowLedger) -> CliResult<()> {
        let (start, end) = self.issuer.agreement.window_bounds(ledger.spec.index);
        let (start_ms, end_ms) = (i128::from(start) * 1000, i128::from(end) * 1000);
        if i128::from(ledger.spec.start_ms) == start_ms && i128::from(ledger.spec.end_ms()) == end_ms {
            return Ok(());
        }
        Err(CliError::usage(format!(
            "the ledger covers {}..{} ms, window {} of the agreement is {start_ms}..{end_ms} ms. Meter it again with --start {start} --window {}",
            ledger.spec.start_ms,
            ledger.spec.end_ms(),
            ledger.spec.index,
            ledger.spec.index
        )))
    }

    fn check_against(&self, ledger: &WindowLedger, force: &FleetInForce) -> CliResult<()> {
        let list = |errors: Vec<standstill_ledger::LedgerError>| {
            let shown: Vec<String> = errors.iter().take(20).map(|error| format!("  {error}")).collect();
            CliError::unreadable(format!(
                "the ledger of window {} is refused:\n{}",
                ledger.spec.index,
                shown.join("\n")
            ))
        };
        ledger.check(&force.fleet, &self.chips).map_err(list)?;
        ledger.check_runs(&self.lineage()?).map_err(list)
    }

    fn group_inputs(&self, ledger: &WindowLedger, force: &FleetInForce) -> CliResult<Vec<GroupInput>> {
        let rows: BTreeMap<&str, &standstill_ledger::DeviceWindow> =
            ledger.devices.iter().map(|row| (row.device.as_str(), row)).collect();
        let mut inputs = Vec::with_capacity(force.groups.len());
        for group in &force.groups {
            let model = self
                .chips
                .get(&group.model)
                .ok_or_else(|| CliError::bug(format!("chip model {} vanished", group.model)))?;
            let mut leaves = Vec::with_capacity(group.device_indices.len());
            for index in &group.device_indices {
                let key = &force.fleet.devices()[*index as usize].key;
                let row = rows
                    .get(key.as_str())
                    .ok_or_else(|| CliError::unreadable(format!("the ledger has no row for {key}; meter it again")))?;
                leaves.push(LeafValues::of(row, &ledger.spec, model));
            }
            inputs.push(GroupInput { group: group.index, leaves });
        }
        Ok(inputs)
    }
}

/// Runs named by any leaf, sorted.
fn runs_of(groups: &[GroupInput]) -> Vec<Name> {
    let runs: BTreeSet<&Name> = groups
        .iter()
        .flat_map(|group| &group.leaves)
        .flat_map(|leaf| leaf.run_petaops.iter().map(|(run, _)| run))
        .collect();
    runs.into_iter().cloned().collect()
}
