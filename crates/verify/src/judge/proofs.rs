//! Checking the proofs of reports: many together, or one by one.

use crate::memory::ProofMemory;
use standstill_seal::{
    Deferred, History, PublicFleet, ReportRef, Rule, WindowContext, WindowVerdict, all_hold, verify_window,
    verify_window_later,
};
use standstill_statement::{Hash32, canonical};

/// Aggregates put off before they are checked: sixteen full batches, about 13 MB.
const MOST_PUT_OFF: usize = 1_024;

/// What the proofs of one report are checked against.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) context: &'a WindowContext,
    pub(crate) fleet: &'a PublicFleet,
    pub(crate) rules: &'a [Rule],
    pub(crate) history: &'a History,
    pub(crate) report: &'a ReportRef,
    pub(crate) blob: &'a [u8],
}

/// A checker of reports with a memory.
pub(crate) struct Proofs<'m> {
    pub(crate) memory: &'m dyn ProofMemory,
    /// Some proof put off did not hold: nothing that was concluded since the last full check counts.
    pub(crate) failed: bool,
    together: bool,
    put_off: Vec<Deferred>,
    to_remember: Vec<(Hash32, Vec<u8>)>,
}

impl<'m> Proofs<'m> {
    /// Checks the range proofs of many reports in common batches. What it answers counts only once [`Self::settle`] said so.
    pub(crate) const fn together(memory: &'m dyn ProofMemory) -> Self {
        Self { memory, failed: false, together: true, put_off: Vec::new(), to_remember: Vec::new() }
    }

    /// Checks each report for itself.
    pub(crate) const fn one_by_one(memory: &'m dyn ProofMemory) -> Self {
        Self { memory, failed: false, together: false, put_off: Vec::new(), to_remember: Vec::new() }
    }

    /// The verdict on one report; remembered under `key` once it is certain.
    pub(crate) fn check(&mut self, key: Option<Hash32>, question: &Question<'_>) -> WindowVerdict {
        let Question { context, fleet, rules, history, report, blob } = *question;
        if !self.together {
            let verdict = verify_window(context, fleet, rules, history, report, blob);
            if let (Some(key), Ok(bytes)) = (key, canonical::to_vec(&verdict)) {
                self.memory.remember(&key, &bytes);
            }
            return verdict;
        }
        let (verdict, deferred) = verify_window_later(context, fleet, rules, history, report, blob);
        self.put_off.push(deferred);
        if let (Some(key), Ok(bytes)) = (key, canonical::to_vec(&verdict)) {
            self.to_remember.push((key, bytes));
        }
        if self.put_off.iter().map(Deferred::len).sum::<usize>() >= MOST_PUT_OFF {
            self.settle();
        }
        verdict
    }

    /// Checks what was put off. False when any of it, now or before, does not hold.
    pub(crate) fn settle(&mut self) -> bool {
        self.failed |= !all_hold(&self.put_off);
        self.put_off.clear();
        for (key, bytes) in self.to_remember.drain(..) {
            if !self.failed {
                self.memory.remember(&key, &bytes);
            }
        }
        !self.failed
    }
}
