//! The public record: every issuer's log, read from the bundle, checked against its signed heads, and asked about times.
//!
//! The only clock is what witnesses cosigned. Two questions can be answered, and a third answer is "unknown":
//! an entry was public by `D` when a quorum had cosigned a head that covers it by `D`; it was *not* public by `D` when a quorum still
//! cosigned, after `D`, a head that does not cover it.

mod entries;
mod heads;

use crate::bundle::Bundle;
use crate::verdict::{EntryRef, ForkProof, LogSummary};
use standstill_agreement::Agreement;
use standstill_statement::{Hash32, LogHead, Name, PublicKey, Signed};
use standstill_tlog::merkle::Tree;
use standstill_tlog::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};

/// A head that bears the log's signature.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) root: [u8; 32],
    /// Earliest time at which a quorum had cosigned it.
    pub(crate) first_unix_seconds: Option<u64>,
    /// Latest time at which a full quorum still cosigned it.
    pub(crate) last_unix_seconds: Option<u64>,
    /// The signed note, for fork proofs.
    pub(crate) note: String,
}

/// One valid statement and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) index: u64,
    pub(crate) signed: Signed,
}

/// Something wrong with the record.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) words: String,
    pub(crate) entries: Vec<EntryRef>,
}

/// One issuer's log.
#[derive(Debug)]
pub(crate) struct IssuerLog {
    pub(crate) issuer: Name,
    pub(crate) origin: String,
    /// Distinct signed heads by size; all of them are roots of `tree`, unless `damage` says otherwise.
    pub(crate) heads: Vec<Head>,
    /// What the heads' times add up to, see [`Timeline`].
    pub(crate) timeline: Timeline,
    /// Place of each statement in `entries`.
    pub(crate) places: BTreeMap<Hash32, usize>,
    /// Tree over all entries under the latest head; empty when the entries could not be read.
    pub(crate) tree: Tree,
    /// Valid statements of this issuer under this agreement.
    pub(crate) entries: Vec<Entry>,
    /// Why the entries cannot be used at all; nothing can be concluded about this issuer then.
    pub(crate) damage: Option<String>,
    /// Entries that prove a breach of the rules for statements.
    pub(crate) breaches: Vec<Fault>,
    /// Entries from which nothing follows (other agreement).
    pub(crate) foreign: Vec<Fault>,
    pub(crate) forks: Vec<ForkProof>,
    /// Heads named in `alarms/` or by others that this bundle cannot place.
    pub(crate) open_questions: Vec<String>,
}

/// When something became public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByDeadline {
    /// A quorum had cosigned it by then.
    Yes,
    /// A quorum still cosigned a head without it after the deadline.
    No,
    /// The bundle does not show either.
    Unknown,
}

/// Running minima and maxima over the heads in order of size, so that a question about time costs one binary search however many
/// heads there are.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    sizes: Vec<u64>,
    /// Earliest quorum time of this head or a larger one, with the place of the head that has it.
    earliest_from: Vec<Option<(u64, usize)>>,
    /// Latest quorum time of this head or a smaller one.
    latest_up_to: Vec<Option<u64>>,
}

impl Timeline {
    fn of(heads: &[Head]) -> Self {
        let mut earliest_from = vec![None; heads.len()];
        let mut best = None;
        for (place, head) in heads.iter().enumerate().rev() {
            let own = head.first_unix_seconds.map(|time| (time, place));
            best = best.into_iter().chain(own).min();
            earliest_from[place] = best;
        }
        let mut latest = None;
        let latest_up_to = heads.iter().map(|head| {
            latest = latest.max(head.last_unix_seconds);
            latest
        });
        Self {
            latest_up_to: latest_up_to.collect(),
            sizes: heads.iter().map(|head| head.size).collect(),
            earliest_from,
        }
    }

    /// Number of heads that do not cover the entry.
    fn without(&self, index: u64) -> usize {
        self.sizes.partition_point(|size| *size <= index)
    }

    fn earliest_covering(&self, index: u64) -> Option<(u64, usize)> {
        self.earliest_from.get(self.without(index)).copied().flatten()
    }

    fn latest_without(&self, index: u64) -> Option<u64> {
        let last = self.without(index).checked_sub(1)?;
        self.latest_up_to.get(last).copied().flatten()
    }
}

impl IssuerLog {
    /// First quorum time of a head that covers the entry.
    pub(crate) fn published(&self, index: u64) -> Option<u64> {
        self.timeline.earliest_covering(index).map(|(time, _)| time)
    }

    /// Latest time at which a quorum still cosigned a head without the entry; 0 when none is known.
    pub(crate) fn not_before(&self, index: u64) -> u64 {
        self.timeline.latest_without(index).unwrap_or(0)
    }

    /// Everything that was public by then is at hand. One second before the last quorum: in the same second a larger head may have been
    /// cosigned too.
    pub(crate) fn shown_until(&self) -> Option<u64> {
        let witnessed = self.timeline.latest_up_to.last().copied().flatten();
        witnessed.filter(|_| self.damage.is_none()).map(|time| time.saturating_sub(1))
    }

    /// Whether an entry was public by a deadline.
    pub(crate) fn public_by(&self, index: u64, deadline_unix_seconds: u64) -> ByDeadline {
        if self.published(index).is_some_and(|time| time <= deadline_unix_seconds) {
            return ByDeadline::Yes;
        }
        if self.timeline.latest_without(index).is_some_and(|time| time > deadline_unix_seconds) {
            ByDeadline::No
        } else {
            ByDeadline::Unknown
        }
    }

    /// Whether the bundle shows that nothing beyond the entries at hand was public by a deadline. Silence is held only against an
    /// issuer whose log holds a statement under these terms: anybody can write a party's name into terms of their own.
    pub(crate) fn silent_at(&self, deadline_unix_seconds: u64) -> bool {
        !self.entries.is_empty() && self.shown_after(deadline_unix_seconds)
    }

    /// Whether a quorum cosigned a head of this log after a time, so that all that was public by then is at hand.
    pub(crate) fn shown_after(&self, unix_seconds: u64) -> bool {
        let witnessed = self.timeline.latest_up_to.last().copied().flatten();
        self.damage.is_none() && witnessed.is_some_and(|time| time > unix_seconds)
    }

    /// Whether a head that somebody names is a root of this log; `None` when the log at hand is too short to say.
    pub(crate) fn has_root(&self, head: &LogHead) -> Option<bool> {
        if self.damage.is_some() {
            return None;
        }
        self.tree.root_at(head.size).map(|root| head.origin == self.origin && root == head.root.0)
    }

    /// Reference to one entry.
    pub(crate) fn reference(&self, entry: &Entry) -> EntryRef {
        EntryRef { issuer: self.issuer.clone(), index: entry.index, statement: entry.signed.hash }
    }

    /// The entry with this statement hash.
    pub(crate) fn by_hash(&self, hash: &Hash32) -> Option<&Entry> {
        self.entries.get(*self.places.get(hash)?)
    }

    /// The latest signed head, its size, root and times.
    pub(crate) fn summary(&self) -> LogSummary {
        let last = self.heads.last();
        LogSummary {
            origin: self.origin.clone(),
            size: last.map_or(0, |head| head.size),
            root: last.map(|head| hex::encode(head.root)).unwrap_or_default(),
            quorum_unix_seconds: last.and_then(|head| head.first_unix_seconds),
            last_seen_unix_seconds: self.heads.iter().filter_map(|head| head.last_unix_seconds).max(),
        }
    }
}

/// All logs of an agreement.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) logs: Vec<IssuerLog>,
    pub(crate) ignored: Vec<String>,
}

impl Record {
    /// Reads every party's and role's log.
    pub(crate) fn read(bundle: &Bundle) -> Self {
        let terms = &bundle.agreement;
        let mut ignored = Vec::new();
        let issuers = issuers(terms);
        let logs = issuers.iter().map(|issuer| read_log(bundle, issuer, &mut ignored)).collect();
        let mut record = Self { logs, ignored };
        heads::read_alarms(bundle, &mut record);
        record.compare_heads();
        record
    }

    /// The log of an issuer.
    pub(crate) fn log(&self, issuer: &Name) -> Option<&IssuerLog> {
        self.logs.iter().find(|log| log.issuer == *issuer)
    }

    /// The latest time at which a quorum had cosigned anything.
    pub(crate) fn latest_quorum_time(&self) -> Option<u64> {
        let heads = self.logs.iter().flat_map(|log| &log.heads);
        heads.filter_map(|head| head.first_unix_seconds.max(head.last_unix_seconds)).max()
    }

    /// Compares the heads that issuers say they saw with the logs at hand. What an issuer says about another proves nothing by itself.
    fn compare_heads(&mut self) {
        let mut questions = Vec::new();
        let mut seen = BTreeSet::new();
        for log in &self.logs {
            for entry in &log.entries {
                for head in &entry.signed.statement.header.heads {
                    if !seen.insert((&head.origin, head.size, head.root)) {
                        continue;
                    }
                    let Some(other) = self.logs.iter().position(|other| other.origin == head.origin) else { continue };
                    if self.logs[other].has_root(head) == Some(false) {
                        let words = format!(
                            "{} says in entry {} that it saw a head of size {} of this log with root {}…, which is not a root of the log \
                             in this bundle; ask {} for the signed checkpoint: two signed heads would prove a fork",
                            log.issuer,
                            entry.index,
                            head.size,
                            head.root.short(),
                            log.issuer
                        );
                        questions.push((other, words));
                    }
                }
            }
        }
        for (log, words) in questions {
            self.logs[log].open_questions.push(words);
        }
    }
}

/// Who may write: parties first, then roles.
pub(crate) struct Issuer<'a> {
    pub(crate) id: &'a Name,
    pub(crate) vkey: &'a str,
    pub(crate) keys: &'a [PublicKey],
}

fn issuers(terms: &Agreement) -> Vec<Issuer<'_>> {
    let parties =
        terms.parties.iter().map(|party| Issuer { id: &party.id, vkey: &party.log, keys: &party.statement_keys });
    let roles = terms.roles.iter().map(|role| Issuer { id: &role.id, vkey: &role.log, keys: &role.statement_keys });
    parties.chain(roles).collect()
}

fn read_log(bundle: &Bundle, issuer: &Issuer<'_>, ignored: &mut Vec<String>) -> IssuerLog {
    let mut log = IssuerLog {
        issuer: issuer.id.clone(),
        origin: String::new(),
        heads: Vec::new(),
        timeline: Timeline::default(),
        places: BTreeMap::new(),
        tree: Tree::new(),
        entries: Vec::new(),
        damage: None,
        breaches: Vec::new(),
        foreign: Vec::new(),
        forks: Vec::new(),
        open_questions: Vec::new(),
    };
    if let Err(damage) =
        heads::read(bundle, issuer, &mut log, ignored).and_then(|()| entries::read(bundle, issuer, &mut log))
    {
        log.damage = Some(damage);
    }
    log.timeline = Timeline::of(&log.heads);
    log.places = log.entries.iter().enumerate().map(|(place, entry)| (entry.signed.hash, place)).collect();
    log
}

/// The witness policy, parsed; bundles with an unreadable policy cannot be opened.
pub(crate) fn policy(terms: &Agreement) -> Result<Policy, String> {
    Policy::parse(&terms.witnesses).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(heads: &[(u64, Option<u64>, Option<u64>)]) -> IssuerLog {
        let head = |&(size, first_unix_seconds, last_unix_seconds): &(u64, Option<u64>, Option<u64>)| Head {
            size,
            root: [0; 32],
            first_unix_seconds,
            last_unix_seconds,
            note: String::new(),
        };
        let heads: Vec<Head> = heads.iter().map(head).collect();
        IssuerLog {
            issuer: Name::new("north").unwrap(),
            origin: String::new(),
            timeline: Timeline::of(&heads),
            heads,
            places: BTreeMap::new(),
            tree: Tree::new(),
            entries: Vec::new(),
            damage: None,
            breaches: Vec::new(),
            foreign: Vec::new(),
            forks: Vec::new(),
            open_questions: Vec::new(),
        }
    }

    #[test]
    fn running_times_say_the_same_as_looking_at_every_head() {
        // Every assignment of "no quorum, early, late" to three heads, against the definition.
        let times = [(None, None), (Some(10), Some(10)), (Some(10), Some(40)), (Some(30), Some(30))];
        for a in times {
            for b in times {
                for c in times {
                    let log = log(&[(1, a.0, a.1), (3, b.0, b.1), (4, c.0, c.1)]);
                    for index in 0..5 {
                        let covering = log.heads.iter().filter(|head| head.size > index);
                        let expected = covering.filter_map(|head| head.first_unix_seconds).min();
                        assert_eq!(log.published(index), expected);
                        let without = log.heads.iter().filter(|head| head.size <= index);
                        let later = without.filter_map(|head| head.last_unix_seconds).any(|time| time > 20);
                        let answer = match (expected.is_some_and(|time| time <= 20), later) {
                            (true, _) => ByDeadline::Yes,
                            (false, true) => ByDeadline::No,
                            (false, false) => ByDeadline::Unknown,
                        };
                        assert_eq!(log.public_by(index, 20), answer);
                    }
                }
            }
        }
    }

    #[test]
    fn an_issuer_that_never_spoke_under_the_terms_is_never_silent() {
        assert!(!log(&[(1, Some(10), Some(99))]).silent_at(50));
    }
}
