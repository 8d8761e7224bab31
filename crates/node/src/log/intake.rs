//! Puts verified statements in order: the state machine of the sequencer, without clock, disk or network.
//!
//! A party may send several statements without waiting for answers, so they can arrive out of order: one that is ahead of its turn is
//! held for a moment. What is accepted here has an index but is not acknowledged before it is durable.

use super::Refusal;
use super::chain::Checked;
use standstill_statement::Keyring;
use standstill_tlog::merkle::Hash;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A statement's place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Added {
    /// Index of the entry, from 0; the same as the statement's sequence number.
    pub index: u64,
    /// Whether it was there already: a repeated submission gets the first index.
    pub duplicate: bool,
}

/// Where the answer to a submission goes.
pub(super) type Reply = oneshot::Sender<Result<Added, Refusal>>;

/// A submission on its way to the log.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) checked: Checked,
    pub(super) reply: Reply,
}

/// An entry that has its index and waits to be durable.
#[derive(Debug)]
struct Accepted {
    hash: Hash,
    leaf: Hash,
    reply: Reply,
    /// For those who sent it again meanwhile.
    repeated: Vec<Reply>,
}

/// How much is held or collected.
#[derive(Clone, Copy, Debug)]
pub(super) struct IntakeLimits {
    pub(super) batch_entries: usize,
    pub(super) batch_bytes: usize,
    pub(super) held: usize,
    pub(super) hold: Duration,
}

/// Order of the statements.
#[derive(Debug)]
pub(super) struct Intake {
    limits: IntakeLimits,
    /// Sequence number that comes next.
    next: u64,
    /// Hash of the last accepted statement.
    last: Option<Hash>,
    closed: bool,
    /// Keys that may sign the next statement.
    keyring: Keyring,
    held: BTreeMap<u64, Vec<(Instant, Submission)>>,
    held_count: usize,
    batch: Vec<Accepted>,
    bytes: Vec<Vec<u8>>,
    batch_bytes: usize,
    /// When the log last moved on: nobody waits too long while the disk does.
    progress: Option<Instant>,
    /// `last`, `closed` and `keyring` as they were before the batch; the last only when the batch changes it.
    before: (Option<Hash>, bool, Option<Keyring>),
}

impl Intake {
    /// Goes on behind `next` statements, the last of which has the hash `last`.
    pub(super) fn new(limits: IntakeLimits, next: u64, last: Option<Hash>, closed: bool, keyring: Keyring) -> Self {
        Self {
            limits,
            next,
            last,
            closed,
            keyring,
            held: BTreeMap::new(),
            held_count: 0,
            batch: Vec::new(),
            bytes: Vec::new(),
            batch_bytes: 0,
            progress: None,
            before: (last, closed, None),
        }
    }

    /// Takes a submission; `leaf_at` gives the leaf hashes of durable entries.
    pub(super) fn take(&mut self, submission: Submission, now: Instant, leaf_at: &impl Fn(u64) -> Option<Hash>) {
        let sequence = submission.checked.sequence;
        if sequence < self.next {
            self.answer_known(submission, leaf_at);
        } else if sequence > self.next || self.is_full() {
            self.hold(submission, now);
        } else {
            self.accept(submission);
        }
    }

    /// Accepts held statements whose turn has come.
    pub(super) fn pump(&mut self, now: Instant, leaf_at: &impl Fn(u64) -> Option<Hash>) {
        while !self.is_full() {
            let Some(first) = self.held.first_entry().filter(|first| *first.key() <= self.next) else { break };
            let waiting = first.remove();
            self.held_count -= waiting.len();
            for (_, submission) in waiting {
                self.take(submission, now, leaf_at);
            }
        }
    }

    /// Refuses statements that waited too long for those before them.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.is_full() || !self.is_holding() {
            return;
        }
        let (next, hold, progress) = (self.next, self.limits.hold, self.progress);
        self.held.retain(|_, waiting| {
            let (late, waits): (Vec<_>, Vec<_>) = std::mem::take(waiting).into_iter().partition(|(since, _)| {
                now.saturating_duration_since(progress.map_or(*since, |then| then.max(*since))) >= hold
            });
            self.held_count -= late.len();
            for (_, submission) in late {
                refuse_gap(submission, next);
            }
            *waiting = waits;
            !waiting.is_empty()
        });
    }

    /// Whether a batch must be written before more is accepted.
    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= self.limits.batch_entries || self.batch_bytes >= self.limits.batch_bytes
    }

    /// Whether statements wait for their turn.
    pub(super) fn is_holding(&self) -> bool {
        self.held_count > 0
    }

    /// The keys in force, when the batch changes them.
    pub(super) fn rotated(&self) -> Option<&Keyring> {
        self.before.2.as_ref().map(|_| &self.keyring)
    }

    /// Whether the last statement closed the log.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Entries of the batch, to be made durable.
    pub(super) fn batch(&self) -> &[Vec<u8>] {
        &self.bytes
    }

    /// Index of the first entry of the batch.
    pub(super) fn batch_start(&self) -> u64 {
        self.next - self.batch.len() as u64
    }

    /// The batch is durable: gives its entries with their leaf hashes, and what is to be answered.
    pub(super) fn committed(&mut self, now: Instant) -> (Vec<Vec<u8>>, Vec<Hash>, Answers) {
        let start = self.batch_start();
        self.before = (self.last, self.closed, None);
        self.progress = Some(now);
        self.batch_bytes = 0;
        let bytes = std::mem::take(&mut self.bytes);
        let (mut leaves, mut answers) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
        for (index, accepted) in (start..).zip(self.batch.drain(..)) {
            leaves.push(accepted.leaf);
            answers.push((accepted.reply, Added { index, duplicate: false }));
            answers.extend(accepted.repeated.into_iter().map(|reply| (reply, Added { index, duplicate: true })));
        }
        (bytes, leaves, Answers(answers))
    }

    /// The batch could not be written: nothing of it is in the log.
    pub(super) fn failed(&mut self, refusal: &Refusal, now: Instant) {
        self.progress = Some(now);
        self.next = self.batch_start();
        (self.last, self.closed) = (self.before.0, self.before.1);
        if let Some(keyring) = self.before.2.take() {
            self.keyring = keyring;
        }
        self.bytes.clear();
        self.batch_bytes = 0;
        for accepted in self.batch.drain(..) {
            for reply in std::iter::once(accepted.reply).chain(accepted.repeated) {
                let _ = reply.send(Err(refusal.clone()));
            }
        }
    }

    /// Refuses everything that waits.
    pub(super) fn refuse_held(&mut self, refusal: &Refusal) {
        self.held_count = 0;
        for (_, submission) in std::mem::take(&mut self.held).into_values().flatten() {
            let _ = submission.reply.send(Err(refusal.clone()));
        }
    }

    fn accept(&mut self, submission: Submission) {
        let Submission { checked, reply } = submission;
        if self.closed {
            let message = "this log is frozen: its last entry says so and names the successor, if there is one; send the statement there";
            let _ = reply.send(Err(Refusal::new(410, message)));
            return;
        }
        if checked.previous != self.last {
            let message = format!(
                "statement {} names {} as the one before it, but the log holds {}; the issuer's chain must not fork: continue from the log's last entry",
                checked.sequence,
                name(checked.previous),
                name(self.last)
            );
            let _ = reply.send(Err(conflict(message, self.next)));
            return;
        }
        let before = checked.rotation.is_some().then(|| self.keyring.clone());
        if let Err(refusal) = checked.turn(&mut self.keyring) {
            let _ = reply.send(Err(refusal));
            return;
        }
        if let Some(before) = before {
            self.before.2.get_or_insert(before);
        }
        self.batch_bytes += checked.bytes.len();
        self.bytes.push(checked.bytes);
        self.batch.push(Accepted { hash: checked.hash, leaf: checked.leaf, reply, repeated: Vec::new() });
        self.last = Some(checked.hash);
        self.closed = checked.closes;
        self.next += 1;
    }

    fn answer_known(&mut self, submission: Submission, leaf_at: &impl Fn(u64) -> Option<Hash>) {
        let Submission { checked, reply } = submission;
        let index = checked.sequence;
        let in_batch = index.checked_sub(self.batch_start()).and_then(|place| usize::try_from(place).ok());
        if let Some(accepted) = in_batch.and_then(|place| self.batch.get_mut(place)) {
            if accepted.hash == checked.hash {
                accepted.repeated.push(reply);
                return;
            }
        } else if leaf_at(index) == Some(checked.leaf) {
            let _ = reply.send(Ok(Added { index, duplicate: true }));
            return;
        }
        let message = format!(
            "the log holds another statement with sequence {index}; an issuer has one history: the next sequence is {}",
            self.next
        );
        let _ = reply.send(Err(conflict(message, self.next)));
    }

    fn hold(&mut self, submission: Submission, now: Instant) {
        let ahead = submission.checked.sequence - self.next;
        if ahead > (self.limits.held + self.limits.batch_entries) as u64 {
            refuse_gap(submission, self.next);
        } else if self.held_count >= self.limits.held {
            let message = "too many statements wait for their turn; send them in order and try again in a moment";
            let _ = submission.reply.send(Err(Refusal::new(503, message)));
        } else {
            self.held_count += 1;
            self.held.entry(submission.checked.sequence).or_default().push((now, submission));
        }
    }
}

/// Answers that may go out now that the entries are durable.
#[derive(Debug)]
pub(super) struct Answers(Vec<(Reply, Added)>);

impl Answers {
    /// Sends them. A client that no longer listens will ask again and get the same index.
    pub(super) fn send(self) {
        for (reply, added) in self.0 {
            let _ = reply.send(Ok(added));
        }
    }
}

fn name(hash: Option<Hash>) -> String {
    hash.map_or_else(|| "none".to_owned(), |hash| hex::encode(&hash[..8]))
}

fn refuse_gap(submission: Submission, next: u64) {
    let found = submission.checked.sequence;
    let message =
        format!("statement {found} is ahead of its turn: the log expects sequence {next}; send the missing ones first");
    let _ = submission.reply.send(Err(conflict(message, next)));
}

fn conflict(message: String, next: u64) -> Refusal {
    Refusal { status: 409, message, expected_sequence: Some(next) }
}

#[cfg(test)]
mod tests;
