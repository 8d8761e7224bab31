//! The thread that gives out indices, makes batches durable and signs checkpoints.

use super::Refusal;
use super::condition::{count, set};
use super::cosign::Head;
use super::intake::{Intake, IntakeLimits, Submission};
use super::recovery::Restored;
use super::running::Shared;
use super::setup::Tuning;
use super::tiles::{self, Tail};
use crate::store::{StoreError, StoredHead};
use standstill_statement::Keyring;
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::merkle::Hash;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Longest sleep, so that a wait (clock, witnesses) is looked at again.
const NAP: Duration = Duration::from_millis(250);

/// Statements that arrive during one rest of a batch for which it rests again.
const BUSY: usize = 32;
/// Most rests of one batch.
const MOST_RESTS: usize = 4;

/// What the sequencer is asked to do.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "all but one order are additions")]
pub(super) enum Order {
    /// Add a statement.
    Add(Submission),
    /// Write and sign what is there, and end.
    Stop,
}

/// State of the thread.
pub(super) struct Sequencer {
    shared: Arc<Shared>,
    runtime: Handle,
    inbox: Receiver<Order>,
    intake: Intake,
    tail: Tail,
    head: StoredHead,
    head_size: u64,
    linger: Duration,
    interval: Duration,
    last_attempt: Option<Instant>,
}

impl Sequencer {
    /// Takes over a restored log.
    pub(super) fn new(shared: Arc<Shared>, inbox: Receiver<Order>, restored: RestoredTail) -> Self {
        let tuning = &shared.setup.tuning;
        let (linger, interval) =
            (Duration::from_millis(tuning.batch_milliseconds), Duration::from_millis(tuning.checkpoint_milliseconds));
        let intake = Intake::new(limits(tuning), shared.size(), restored.last, restored.closed, restored.keyring);
        let head_size = shared.heads.borrow().size();
        Self {
            runtime: Handle::current(),
            shared,
            inbox,
            intake,
            tail: restored.tail,
            head: restored.stored_head,
            head_size,
            linger,
            interval,
            last_attempt: None,
        }
    }

    /// Works until told to stop, or until nobody can send any more.
    pub(super) fn run(mut self) {
        loop {
            let first = self.inbox.recv_timeout(self.nap());
            let going_on = match first {
                Ok(order) => self.collect(order),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            self.work_off();
            if !going_on {
                self.publish();
                return;
            }
            if self.last_attempt.is_none_or(|then| then.elapsed() >= self.interval) {
                self.publish();
            }
        }
    }

    fn nap(&self) -> Duration {
        let due = self.last_attempt.map_or(Duration::ZERO, |then| self.interval.saturating_sub(then.elapsed()));
        let pending = self.shared.size() > self.head_size;
        match (pending, self.intake.is_holding()) {
            (true, _) => due.clamp(Duration::from_millis(1), NAP),
            (false, true) => Duration::from_millis(20),
            (false, false) => NAP,
        }
    }

    /// Collects statements for one batch; false when told to stop.
    fn collect(&mut self, first: Order) -> bool {
        let mut order = first;
        let (mut rests, mut since_rest) = (0, BUSY);
        loop {
            match order {
                Order::Stop => return false,
                Order::Add(submission) => self.take(submission),
            }
            since_rest += 1;
            if self.intake.is_full() {
                return true;
            }
            order = match self.inbox.try_recv() {
                Ok(next) => next,
                // One sleep instead of being woken for each statement, which costs more than the statement. A batch for which many
                // arrive goes on collecting for a few more: a sync costs as much for few as for many.
                Err(_) if rests < MOST_RESTS && since_rest >= BUSY => {
                    std::thread::sleep(self.linger);
                    (rests, since_rest) = (rests + 1, 0);
                    match self.inbox.try_recv() {
                        Ok(next) => next,
                        Err(_) => return true,
                    }
                }
                Err(_) => return true,
            };
        }
    }

    fn take(&mut self, submission: Submission) {
        if let Some(reason) = self.shared.condition.refusal() {
            let _ = submission.reply.send(Err(Refusal::new(503, reason)));
            return;
        }
        let (shared, now) = (&self.shared, Instant::now());
        let leaf_at = |index: u64| -> Option<Hash> { shared.tree().leaf(index).copied() };
        self.intake.take(submission, now, &leaf_at);
        self.intake.pump(now, &leaf_at);
    }

    /// Makes everything accepted durable, and what it allows to be accepted next.
    fn work_off(&mut self) {
        loop {
            let shared = Arc::clone(&self.shared);
            self.intake.pump(Instant::now(), &|index| shared.tree().leaf(index).copied());
            if self.intake.batch().is_empty() {
                self.intake.expire(Instant::now());
                return;
            }
            self.commit();
        }
    }

    fn commit(&mut self) {
        let (first, begun) = (self.intake.batch_start(), Instant::now());
        let staged = self.runtime.block_on(self.shared.setup.store.stage(first, self.intake.batch()));
        let metrics = &self.shared.condition.metrics;
        if let Err(error) = staged {
            let refusal = Refusal::new(503, error.to_string());
            self.intake.failed(&refusal, Instant::now());
            self.storage_failed(&error);
            if !error.is_unchanged() {
                self.intake.refuse_held(&refusal);
            }
            return;
        }
        self.shared.condition.facts().storage = None;
        if let Some(keyring) = self.intake.rotated() {
            tracing::info!(keys = keyring.active().len(), "statement keys were rotated");
            self.shared.set_keyring(keyring.clone());
        }
        let (entries, leaves, answers) = self.intake.committed(Instant::now());
        {
            let mut tree = self.shared.tree_mut();
            leaves.iter().for_each(|leaf| tree.push(*leaf));
        }
        count(&metrics.batches, 1);
        count(&metrics.appended, leaves.len() as u64);
        count(&metrics.stage_microseconds, u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        set(&metrics.size, self.shared.size());
        // Sent from the runtime's own threads: waking a task from outside costs a system call for most of them.
        self.runtime.spawn(async move { answers.send() });
        self.tail.extend(entries);
        if self.intake.is_closed() {
            self.shared.condition.facts().frozen = true;
        }
    }

    /// Notes a failure that clears by itself, or stops signing for good.
    fn storage_failed(&self, error: &StoreError) {
        if error.is_unchanged() {
            tracing::warn!(%error, "the storage failed");
            self.shared.condition.facts().storage = Some(error.to_string());
        } else {
            self.shared.condition.refuse(error.to_string());
            set(&self.shared.condition.metrics.refusing, 1);
        }
    }

    /// Signs a checkpoint of everything that is durable, unless something forbids it.
    fn publish(&mut self) {
        if self.shared.size() == self.head_size || self.shared.condition.refusal().is_some() {
            return;
        }
        self.last_attempt = Some(Instant::now());
        if !self.may_sign() {
            return;
        }
        if let Err(error) = self.sign() {
            self.storage_failed(&error);
        }
    }

    /// Whether the clock and the witnesses' answers allow a signature.
    fn may_sign(&self) -> bool {
        let (now, last) = (self.shared.setup.clock.unix_seconds(), self.head.signed_unix_seconds);
        let waiting = if self.shared.is_cleared() {
            (now + self.shared.setup.tuning.clock_tolerance_seconds < last).then(|| {
                format!(
                    "the clock says {now}, but the last checkpoint was signed at {last} (Unix seconds): nothing is signed until the clock is \
                     right again; if it was wrong before, set clock_tolerance_seconds above the difference for one start"
                )
            })
        } else {
            Some(
                "nothing is signed until enough witnesses have said what they last cosigned: this log might be a restored older copy; start \
                 the witnesses or mend the way to them"
                    .to_owned(),
            )
        };
        let mut facts = self.shared.condition.facts();
        facts.waiting = waiting;
        facts.waiting.is_none()
    }

    fn sign(&mut self) -> Result<(), StoreError> {
        let setup = &self.shared.setup;
        let (old, new) = (self.head_size, self.shared.size());
        let (files, root) = {
            let tree = self.shared.tree();
            (tiles::grown(&tree, &self.tail, old, new)?, tree.root())
        };
        self.runtime.block_on(setup.store.write_tiles(files))?;
        let signed_unix_seconds = setup.clock.unix_seconds().max(self.head.signed_unix_seconds);
        let signed = setup.sign(&Checkpoint::new(setup.origin(), new, root), signed_unix_seconds)?;
        let next = StoredHead { checkpoint: signed.to_bytes(), signed_unix_seconds };
        self.runtime.block_on(setup.store.swap_head(Some(&self.head), &next))?;
        self.head = next;
        self.head_size = new;
        self.tail.drop_before(new);
        let metrics = &self.shared.condition.metrics;
        count(&metrics.signed, 1);
        set(&metrics.signed_size, new);
        self.shared.announce(Head::new(signed));
        // From here on nothing can be inconsistent: what fails is done again.
        let published = self.runtime.block_on(setup.store.publish("uncosigned-checkpoint", &self.head.checkpoint));
        let trimmed = self.runtime.block_on(setup.store.trim(new));
        if let Err(error) = published.and(trimmed) {
            tracing::warn!(%error, "a checkpoint was signed, but a file beside it could not be written");
        }
        Ok(())
    }
}

/// What the thread needs of a restored log.
#[derive(Debug)]
pub(super) struct RestoredTail {
    tail: Tail,
    last: Option<Hash>,
    closed: bool,
    keyring: Keyring,
    stored_head: StoredHead,
}

impl From<Restored> for RestoredTail {
    fn from(restored: Restored) -> Self {
        let Restored { tail, last, closed, keyring, stored_head, .. } = restored;
        Self { tail, last, closed, keyring, stored_head }
    }
}

fn limits(tuning: &Tuning) -> IntakeLimits {
    IntakeLimits {
        batch_entries: tuning.batch_entries.max(1),
        batch_bytes: tuning.batch_bytes,
        held: tuning.in_flight,
        hold: Duration::from_millis(tuning.hold_milliseconds),
    }
}
