//! What a gate has let pass and the situation does not count yet. Without it, two jobs that each fit under a cap would both start.

use standstill_statement::{Class, Coverage, Hash32, Name};
use std::collections::BTreeMap;

/// One job that was let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Statement hash of the decision.
    pub decision: Hash32,
    /// When, in seconds since the Unix epoch.
    pub at_unix_seconds: u64,
    /// Whether the rules bound it.
    pub coverage: Coverage,
    /// Account.
    pub account: String,
    /// User.
    pub user: String,
    /// Class.
    pub class: Option<Class>,
    /// Run.
    pub run: Option<Name>,
    /// Exemption.
    pub exempt: Option<Name>,
    /// Accelerators.
    pub accelerators: u64,
    /// Upper bound of its operations, in units of 1e15.
    pub petaops: u64,
    /// Upper bound of its accelerator time, in seconds.
    pub chip_seconds: u64,
}

/// Totals of small jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Small {
    /// Accelerators.
    pub accelerators: u64,
    /// Upper bound of the operations, in units of 1e15.
    pub petaops: u64,
}

/// Everything that was let pass since the situation was established, and small and exempt jobs for a while longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Covered jobs.
    bound: BTreeMap<Hash32, Passed>,
    /// Totals of `bound` by class: operations and accelerator time.
    by_class: BTreeMap<Option<Class>, (u64, u64)>,
    by_run: BTreeMap<Name, u64>,
    /// Small jobs by account and user, in the order of time.
    small: BTreeMap<(String, String), Vec<Passed>>,
    exempt: BTreeMap<Name, Vec<Passed>>,
}

impl Allowed {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a job that was let pass.
    pub fn add(&mut self, passed: Passed) {
        match passed.coverage {
            Coverage::Uncovered if passed.accelerators == 0 => {}
            Coverage::Uncovered => {
                self.small.entry((passed.account.clone(), passed.user.clone())).or_default().push(passed);
            }
            Coverage::Exempt => {
                if let Some(id) = passed.exempt.clone() {
                    self.exempt.entry(id).or_default().push(passed);
                }
            }
            Coverage::Covered => {
                self.total(&passed);
                self.bound.insert(passed.decision, passed);
            }
        }
    }

    fn total(&mut self, passed: &Passed) {
        let (petaops, chip_seconds) = self.by_class.entry(passed.class).or_default();
        *petaops = petaops.saturating_add(passed.petaops);
        *chip_seconds = chip_seconds.saturating_add(passed.chip_seconds);
        if let Some(run) = &passed.run {
            let total = self.by_run.entry(run.clone()).or_default();
            *total = total.saturating_add(passed.petaops);
        }
    }

    /// Forgets a job that another decision takes the place of. Gives what it was.
    pub fn remove(&mut self, decision: &Hash32) -> Option<Passed> {
        let gone = self.bound.remove(decision)?;
        self.recount();
        Some(gone)
    }

    /// Forgets what a newer situation counts, and small and exempt jobs before `small_since`. A job of the very second of the situation may
    /// or may not be counted in it, so it stays until the next one: counting twice for a while refuses too much, not too little.
    pub fn settle(&mut self, as_of_unix_seconds: u64, small_since: u64) {
        self.bound.retain(|_, passed| passed.at_unix_seconds >= as_of_unix_seconds);
        self.recount();
        for list in self.small.values_mut().chain(self.exempt.values_mut()) {
            list.retain(|passed| passed.at_unix_seconds >= small_since);
        }
        self.small.retain(|_, list| !list.is_empty());
        self.exempt.retain(|_, list| !list.is_empty());
    }

    /// Saturated totals cannot be taken back, so they are made anew.
    fn recount(&mut self) {
        (self.by_class, self.by_run) = (BTreeMap::new(), BTreeMap::new());
        let bound = std::mem::take(&mut self.bound);
        bound.values().for_each(|passed| self.total(passed));
        self.bound = bound;
    }

    /// Operations of covered jobs of these classes, in units of 1e15. Jobs without a class count under every one.
    #[must_use]
    pub fn petaops(&self, classes: &[Class]) -> u64 {
        self.sum(classes, |total| total.0)
    }

    /// Accelerator time of covered jobs of these classes, in seconds.
    #[must_use]
    pub fn chip_seconds(&self, classes: &[Class]) -> u64 {
        self.sum(classes, |total| total.1)
    }

    fn sum(&self, classes: &[Class], part: impl Fn(&(u64, u64)) -> u64) -> u64 {
        let counted = |class: &Option<Class>| class.is_none_or(|class| classes.contains(&class));
        let totals = self.by_class.iter().filter(|(class, _)| counted(class)).map(|(_, total)| part(total));
        totals.fold(0, u64::saturating_add)
    }

    /// Operations of covered jobs of a run, in units of 1e15.
    #[must_use]
    pub fn run_petaops(&self, run: &Name) -> u64 {
        self.by_run.get(run).copied().unwrap_or(0)
    }

    /// Small jobs of an account and user since a moment.
    #[must_use]
    pub fn small(&self, account: &str, user: &str, since_unix_seconds: u64) -> Small {
        let list = self.small.get(&(account.to_owned(), user.to_owned())).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter(|passed| passed.at_unix_seconds >= since_unix_seconds).fold(
            Small::default(),
            |sum, passed| Small {
                accelerators: sum.accelerators.saturating_add(passed.accelerators),
                petaops: sum.petaops.saturating_add(passed.petaops),
            },
        )
    }

    /// Accelerators of exempt jobs under an exemption since a moment.
    #[must_use]
    pub fn exempt_accelerators(&self, exemption: &Name, since_unix_seconds: u64) -> u64 {
        let list = self.exempt.get(exemption).map(Vec::as_slice).unwrap_or_default();
        let recent = list.iter().filter(|passed| passed.at_unix_seconds >= since_unix_seconds);
        recent.fold(0, |sum, passed| sum.saturating_add(passed.accelerators))
    }
}
