//! Where cosignatures come together: which lines a checkpoint has, when the quorum is there, and what is public.

use super::Head;
use crate::log::condition::{count, set};
use crate::log::running::Shared;
use crate::store::StoreError;
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::note::{Note, NoteSignature, VerifierKey};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

/// Checkpoints for which late cosignatures are still taken.
const KEPT: usize = 16;

/// Most signature lines on a public checkpoint: readers of signed notes must accept 16, and need not accept more.
const MAX_LINES: usize = 16;

/// Lines of one checkpoint.
#[derive(Debug)]
struct Gathered {
    /// With the earliest cosignature of each witness.
    first: Note,
    /// With the latest.
    latest: Note,
    quorum: bool,
}

/// All that was collected.
#[derive(Debug, Default)]
pub(in crate::log) struct Gatherer {
    sizes: Mutex<BTreeMap<u64, Gathered>>,
    /// What was public before the start: with the earliest cosignatures, and with the latest.
    before: RwLock<Option<(Note, Note)>>,
    public: RwLock<Option<Arc<Public>>>,
}

/// The newest checkpoint with a quorum.
#[derive(Debug)]
pub(in crate::log) struct Public {
    /// Number of entries.
    pub(in crate::log) size: u64,
    /// The note with its cosignatures.
    pub(in crate::log) bytes: Vec<u8>,
}

impl Gatherer {
    /// Begins with what was public before the start.
    pub(in crate::log) fn restore(&self, signed: &SignedCheckpoint, earliest: Option<&SignedCheckpoint>) {
        let notes = (earliest.unwrap_or(signed).note().clone(), signed.note().clone());
        *self.before.write().unwrap_or_else(PoisonError::into_inner) = Some(notes);
        self.show(Public { size: signed.checkpoint().size, bytes: signed.to_bytes() });
    }

    /// What is public now.
    pub(in crate::log) fn public(&self) -> Option<Arc<Public>> {
        self.public.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, public: Public) {
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(public));
    }

    /// A head without cosignatures, or with those that it had before the start: their times bound when it was public.
    fn begin(&self, head: &Head, keys: &[VerifierKey]) -> Result<Gathered, StoreError> {
        let plain = head.signed.note();
        let mut gathered = Gathered { first: plain.clone(), latest: plain.clone(), quorum: false };
        let before = self.before.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((first, latest)) = before.filter(|(first, _)| first.text() == plain.text()) {
            for (from, to) in [(first, &mut gathered.first), (latest, &mut gathered.latest)] {
                for line in from.signatures().iter().filter(|line| keys.iter().any(|key| key.matches(line))) {
                    *to = with_line(to, line.clone(), false)?;
                }
            }
        }
        Ok(gathered)
    }

    /// Makes a checkpoint public that needs no cosignature.
    pub(in crate::log) async fn add_without_witnesses(&self, shared: &Shared, head: &Head) -> Result<(), StoreError> {
        self.add(shared, head, "").await
    }

    /// Verifies and adds a witness's lines; makes the checkpoint public when the quorum is there.
    pub(in crate::log) async fn add(&self, shared: &Shared, head: &Head, lines: &str) -> Result<(), StoreError> {
        let (quorum, keys) = (shared.setup.quorum(), &shared.witness_keys);
        let text = head.signed.note().text();
        let mut new = Vec::new();
        for line in lines.lines() {
            let line = NoteSignature::parse(line)?;
            // A witness may sign with further keys that this policy does not know.
            if keys.iter().any(|key| key.matches(&line)) {
                Note::new(text, vec![line.clone()])?.verify(keys)?;
                new.push(line);
            }
        }
        if new.is_empty() && !quorum.is_none() {
            return Err(TlogError::Cosignature("no line of the answer is by a key of the policy").into());
        }
        count(&shared.condition.metrics.cosignatures, new.len() as u64);
        let mut sizes = self.sizes.lock().await;
        let gathered = match sizes.entry(head.size()) {
            Entry::Occupied(gathered) => gathered.into_mut(),
            Entry::Vacant(place) => place.insert(self.begin(head, keys)?),
        };
        let before = gathered.first.clone();
        for line in new {
            gathered.first = with_line(&gathered.first, line.clone(), false)?;
            gathered.latest = with_line(&gathered.latest, line, true)?;
        }
        if !gathered.quorum && quorum.is_reached(&gathered.first)? {
            gathered.quorum = true;
            reached(shared, head);
        }
        if gathered.quorum {
            let size = head.size();
            // The newest first: a store with a larger lasting checkpoint than its newest reads as one whose entries are withheld.
            if self.public().is_none_or(|public| public.size <= size) {
                let bytes = gathered.latest.to_bytes();
                shared.setup.store.publish("checkpoint", &bytes).await?;
                self.show(Public { size, bytes });
                shared.published(size);
            }
            if gathered.first != before || quorum.is_none() {
                shared.setup.store.publish(&format!("checkpoints/{size}"), &gathered.first.to_bytes()).await?;
            }
        }
        while sizes.len() > KEPT {
            sizes.pop_first();
        }
        Ok(())
    }
}

fn reached(shared: &Shared, head: &Head) {
    let metrics = &shared.condition.metrics;
    count(&metrics.cosigned, 1);
    set(&metrics.cosign_microseconds, u64::try_from(head.since.elapsed().as_micros()).unwrap_or(u64::MAX));
}

/// The note with one more line; of one key, the newer line replaces the older or is dropped.
fn with_line(note: &Note, line: NoteSignature, replace: bool) -> Result<Note, TlogError> {
    let mut lines = note.signatures().to_vec();
    match lines.iter().position(|other| other.name == line.name && other.key_id == line.key_id) {
        Some(place) if replace => lines[place] = line,
        None if lines.len() < MAX_LINES => lines.push(line),
        Some(_) | None => {}
    }
    Note::new(note.text(), lines)
}
