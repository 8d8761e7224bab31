//! From a table to a record.

use super::{
    AttestationFigures, FORMAT, HistoryFigures, InputDigest, Inputs, Metric, MonthFigures, PersonFigures, Record,
    Remark, Role,
};
use crate::changes::ChangesError;
use crate::changes::chain::{self, Chain, CodeOfRuns};
use crate::changes::engineer::Engineers;
use crate::changes::method::{DateOf, Method, ShareOf};
use crate::changes::month::{DAY_SECONDS, Month};
use crate::changes::nature::Nature;
use crate::changes::review::Reviews;
use crate::changes::signature::{Checked, Signed};
use crate::changes::table::{Mark, ReferenceLog, Row, Table};
use crate::changes::tally::{Share, Tally};
use crate::changes::weigh::Weight;
use crate::scan::PathClass;
use std::collections::{BTreeMap, HashMap};

/// Clocks may differ by that many seconds.
const CLOCK_SECONDS: i64 = 86_400;
/// Most ids in a remark.
const SHOWN: usize = 5;

/// Marks that a reader should know of, each with the kind of its remark and the words after the number.
const SUSPICIOUS: [(Mark, &str, &str); 4] = [
    (Mark::AiSignedOff, "ai-signed-off", "commits are signed off by an AI system"),
    (Mark::PersonUnderAgent, "person-under-agent", "commits have an attestation that gives a person's key to an agent"),
    (Mark::OtherSigner, "other-signer", "commits are signed by another person than author and committer"),
    (Mark::Unreadable, "unreadable-attestation", "commits have an attestation that cannot be read"),
];

/// Computes the record.
///
/// # Errors
/// A table that is refused, a method that is not the one under which the table was made, or runs that cannot be followed.
pub fn recompute(inputs: &Inputs) -> Result<Record, ChangesError> {
    let table = Table::parse(&inputs.table)?;
    of_table(&inputs.method, &table, InputDigest::of(Role::Table, &inputs.table), inputs.runs.as_deref())
}

/// Computes the record of a table that has been checked already; `digest` names its bytes.
///
/// # Errors
/// As for [`recompute`].
pub fn of_table(
    method: &Method,
    table: &Table,
    digest: InputDigest,
    runs: Option<&[u8]>,
) -> Result<Record, ChangesError> {
    method.check().map_err(|reason| ChangesError::table("method", reason))?;
    let method_hash = hex::encode(method.hash()?);
    if table.header.method_hash != method_hash {
        return Err(ChangesError::Differs(format!(
            "the table was made under method {}, not under {method_hash}",
            table.header.method_hash
        )));
    }
    let mut sums = Sums::new(table, method);
    for row in &table.rows {
        sums.add(row);
    }
    let chains = runs.map(|bytes| sums.chains(bytes)).transpose()?;
    let inputs = std::iter::once(digest).chain(runs.map(|bytes| InputDigest::of(Role::Runs, bytes))).collect();
    Ok(sums.finish(method_hash, inputs, chains))
}

/// Sums by class, in the order of the classes.
#[derive(Clone, Copy, Default)]
struct ByClass([Tally; 6]);

impl ByClass {
    fn add(&mut self, row: &Row, weight: Weight, method: &Method, led: bool) {
        let mut last = None;
        for cell in &row.cells {
            let tally = &mut self.0[cell.class.index()];
            // Cells are sorted by class, so that generated and other files of one class stand together.
            if last.replace(cell.class) != Some(cell.class) {
                tally.add_commit(row, weight, led);
            }
            tally.add_cell(cell, weight, method);
        }
    }

    fn list(&self) -> Vec<(PathClass, Tally)> {
        PathClass::ALL.into_iter().zip(self.0).filter(|(_, tally)| tally.commits > 0).collect()
    }
}

/// Everything while it grows.
struct Sums<'a> {
    table: &'a Table,
    method: &'a Method,
    weights: Vec<Weight>,
    all: Tally,
    classes: ByClass,
    months: BTreeMap<Month, (Tally, ByClass)>,
    persons: Vec<PersonFigures>,
    reviews: Reviews<'a>,
    engineers: Engineers,
    attestations: AttestationFigures,
    signatures: BTreeMap<Signed, u64>,
    history: HistoryFigures,
    backwards: Vec<&'a str>,
    dates: HashMap<&'a str, i64>,
    marks: BTreeMap<Mark, u64>,
}

impl<'a> Sums<'a> {
    fn new(table: &'a Table, method: &'a Method) -> Self {
        let person = |person: &crate::changes::table::Person| PersonFigures {
            person: person.clone(),
            authored: Tally::default(),
            committed_for_others: 0,
            merged: 0,
            reviewed: 0,
            reviewed_lines: 0,
        };
        let header = &table.header;
        Self {
            table,
            method,
            weights: Vec::with_capacity(table.rows.len()),
            all: Tally::default(),
            classes: ByClass::default(),
            months: BTreeMap::new(),
            persons: header.persons.iter().map(person).collect(),
            reviews: Reviews::new(&header.persons, method),
            engineers: Engineers::default(),
            attestations: AttestationFigures { stray: header.stray_attestations, ..AttestationFigures::default() },
            signatures: BTreeMap::new(),
            history: HistoryFigures {
                head: header.head.clone(),
                commits: table.rows.len() as u64,
                merges: 0,
                outside: 0,
                incomplete: 0,
                shallow: header.shallow.clone(),
                missing: header.missing.clone(),
                stores: header.stores.clone(),
                reference_log: header.reference_log.clone(),
            },
            backwards: Vec::new(),
            dates: table.rows.iter().map(|row| (row.id.as_str(), row.committed)).collect(),
            marks: BTreeMap::new(),
        }
    }

    fn add(&mut self, row: &'a Row) {
        let weight = Weight::of(row, self.method);
        self.weights.push(weight);
        self.clock(row);
        let date = if self.method.date == DateOf::Author { row.authored } else { row.committed };
        let month = Month::of(date);
        if !self.method.counts(month) {
            self.history.outside += 1;
            return;
        }
        for mark in &row.marks {
            *self.marks.entry(*mark).or_default() += 1;
        }
        if let Some(signed) = row.signature {
            *self.signatures.entry(signed).or_default() += 1;
        }
        if row.is_merge() {
            self.history.merges += 1;
            self.persons[row.author as usize].merged += 1;
            return;
        }
        self.history.incomplete += u64::from(row.has(Mark::Incomplete));
        let nature = self.table.header.persons[row.author as usize].nature;
        let led = nature == Nature::Ai;
        self.all.add(row, weight, self.method, led);
        self.classes.add(row, weight, self.method, led);
        let (tally, classes) = self.months.entry(month).or_default();
        tally.add(row, weight, self.method, led);
        classes.add(row, weight, self.method, led);
        self.people(row, weight, led);
        self.reviews.add(row, weight);
        self.attested(row);
        let lines =
            row.cells.iter().filter(|cell| !cell.generated || self.method.count_generated).map(|cell| cell.added).sum();
        self.engineers.add(month.quarter(), lines, (nature == Nature::Person).then_some(row.author));
    }

    /// A commit that is a day older than its parent, or was authored a day after it was committed.
    fn clock(&mut self, row: &'a Row) {
        let latest = row.committed.saturating_add(CLOCK_SECONDS);
        let older = row.parents.iter().any(|id| self.dates.get(id.as_str()).is_some_and(|parent| *parent > latest));
        if older || row.authored > latest {
            self.backwards.push(&row.id);
        }
    }

    fn people(&mut self, row: &Row, weight: Weight, led: bool) {
        let (added, deleted) = row.lines();
        self.persons[row.author as usize].authored.add(row, weight, self.method, led);
        if row.committer != row.author {
            self.persons[row.committer as usize].committed_for_others += 1;
        }
        for place in &row.mergers {
            self.persons[*place as usize].merged += 1;
        }
        let mut looked: Vec<u32> = row.reviewers.iter().chain(&row.signed_approvers).copied().collect();
        looked.sort_unstable();
        looked.dedup();
        for place in looked.iter().filter(|place| **place != row.author) {
            let person = &mut self.persons[*place as usize];
            person.reviewed += 1;
            person.reviewed_lines += added + deleted;
        }
    }

    fn attested(&mut self, row: &Row) {
        let inside: u64 = row.cells.iter().map(|cell| cell.ai).sum();
        let rejected: u64 = row.rejected.iter().map(|(_, lines)| lines).sum();
        let figures = &mut self.attestations;
        figures.inside_lines += inside;
        figures.claimed_lines += inside + rejected;
        figures.rejected_commits += u64::from(rejected > 0);
        figures.unreadable_commits += u64::from(row.has(Mark::Unreadable));
        for (reason, lines) in &row.rejected {
            match figures.rejected_lines.iter_mut().find(|(known, _)| known == reason) {
                Some((_, sum)) => *sum += lines,
                None => figures.rejected_lines.push((*reason, *lines)),
            }
        }
        figures.rejected_lines.sort_unstable();
    }

    fn chains(&self, bytes: &[u8]) -> Result<Vec<Chain>, ChangesError> {
        chain::chains(&CodeOfRuns::parse(bytes)?, self.table, &self.weights, &self.reviews)
    }

    fn finish(self, method_hash: String, inputs: Vec<InputDigest>, chains: Option<Vec<Chain>>) -> Record {
        let remarks = self.remarks(chains.is_some());
        let metrics = self.metrics();
        let (review, capacity) = self.reviews.finish();
        let mut remarks = remarks;
        if capacity.implausible_days > 0 {
            remarks.push(Remark {
                kind: "review-capacity".to_owned(),
                text: format!(
                    "on {} of {} days one person reviewed more than {} lines; {} lines are beyond what the days allow",
                    capacity.implausible_days, capacity.reviewer_days, capacity.lines_per_day, capacity.lines_beyond
                ),
            });
        }
        Record {
            format: FORMAT.to_owned(),
            computed_by: format!("standstill {}", env!("CARGO_PKG_VERSION")),
            method_hash,
            method: self.method.clone(),
            inputs,
            history: self.history,
            metrics,
            all: self.all,
            classes: self.classes.list(),
            months: self
                .months
                .iter()
                .map(|(month, (all, classes))| MonthFigures { month: *month, all: *all, classes: classes.list() })
                .collect(),
            persons: self.persons.into_iter().filter(PersonFigures::acted).collect(),
            review,
            capacity,
            quarters: self.engineers.finish(self.method),
            attestations: self.attestations,
            signatures: self.signatures.into_iter().collect(),
            chains,
            remarks,
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let complete =
            self.history.shallow.is_empty() && self.history.missing.is_empty() && self.history.incomplete == 0;
        let authored = match self.method.share_of {
            ShareOf::Commits => self.all.commit_share(),
            ShareOf::Lines => self.all.line_share(),
        };
        let metric = |name: &str, share: Option<Share>| {
            let reason = match share {
                _ if !complete => Some("incomplete-history".to_owned()),
                None => Some("no-changes".to_owned()),
                Some(_) => None,
            };
            Metric { metric: name.to_owned(), share, reason }
        };
        vec![metric("ai_authored_share", authored), metric("ai_led_share", self.all.led_share())]
    }

    /// Squashed commits that name a tool without attribution.
    fn laundered(&self) -> u64 {
        let laundered = |row: &&Row| row.has(Mark::Squash) && row.has(Mark::Mentions) && row.sources.is_empty();
        self.table.rows.iter().filter(laundered).count() as u64
    }

    fn remarks(&self, has_runs: bool) -> Vec<Remark> {
        let mut out = Vec::new();
        let mut say = |kind: &str, count: u64, text: String| {
            if count > 0 {
                out.push(Remark { kind: kind.to_owned(), text });
            }
        };
        let history = &self.history;
        let missing = history.missing.len() as u64;
        say(
            "incomplete",
            missing + history.shallow.len() as u64,
            format!(
                "{missing} objects are missing and the history is cut at {} commits; lines of {} commits are not counted",
                history.shallow.len(),
                history.incomplete
            ),
        );
        let clock = self.backwards.len() as u64;
        let ids: Vec<&str> = self.backwards.iter().take(SHOWN).copied().collect();
        say(
            "dates",
            clock,
            format!(
                "{clock} commits are older than a parent, or authored after they were committed: {}",
                ids.join(", ")
            ),
        );
        let namesakes = self.table.header.namesakes.len() as u64;
        say(
            "namesakes",
            namesakes,
            format!("{namesakes} display names are used under several identities; aliases may be split"),
        );
        let unattributed = self.all.unattributed_commits;
        say(
            "unattributed",
            unattributed,
            format!("nothing says who made {unattributed} of {} changes", self.all.commits),
        );
        say(
            "stray",
            self.attestations.stray,
            format!("{} attestations are about commits outside the history", self.attestations.stray),
        );
        for (mark, kind, words) in SUSPICIOUS {
            let marked = self.marks.get(&mark).copied().unwrap_or(0);
            say(kind, marked, format!("{marked} {words}"));
        }
        let laundered = self.laundered();
        say("squashed", laundered, format!("{laundered} squashed commits name an AI tool and carry no attribution"));
        if let Some(log) = &history.reference_log {
            for (kind, text) in log_remarks(log, &history.head) {
                say(kind, 1, text);
            }
        }
        if !has_runs {
            say(
                "no-runs",
                1,
                "no file says which code the runs ran; no chain from change to checkpoint can be followed".to_owned(),
            );
        }
        out
    }
}

impl PersonFigures {
    fn acted(&self) -> bool {
        self.authored.commits + self.committed_for_others + self.merged + self.reviewed > 0
    }
}

/// What the log of references says about the head, and what is wrong with it.
fn log_remarks(log: &ReferenceLog, head: &str) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let good = |signed: Option<Signed>| signed.is_some_and(|signed| signed.checked == Checked::Good);
    let branch = log.branch.as_deref().unwrap_or("the head");
    match (&log.newest, &log.target) {
        (Some(newest), Some(target)) if target != head => out.push((
            "log-names-another-head",
            format!("the newest entry of gittuf's log for {branch}, {newest}, names {target}, not the head {head}"),
        )),
        (Some(newest), Some(_)) if !good(log.signature) => out.push((
            "log-entry-unverified",
            format!("the entry of gittuf's log that names the head, {newest}, has no signature that was verified"),
        )),
        (None, _) => out.push(("log-without-entry", format!("gittuf's log has no entry for {branch}"))),
        _ => {}
    }
    let doubtful: u64 = log.signatures.iter().filter(|(signed, _)| !good(*signed)).map(|(_, count)| count).sum();
    if doubtful > 0 {
        out.push((
            "log-unverified",
            format!("{doubtful} of {} entries of gittuf's log have no signature that was verified", log.entries),
        ));
    }
    if log.broken > 0 {
        out.push(("log-broken", format!("{} entries of gittuf's log are out of order or cannot be read", log.broken)));
    }
    out
}

/// Days are those of commit dates; a test pins the constant that capacity and clock share.
const _: () = assert!(CLOCK_SECONDS == DAY_SECONDS);
