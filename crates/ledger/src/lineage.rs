//! The causal graph of declared runs: the unit in which a run's compute adds up, however its jobs are named or split.

mod crosscheck;

pub use crosscheck::{
    CrossCheck, HIGH_UTILISATION_MILLIONTHS, LOW_UTILISATION_MILLIONTHS, OPS_PER_PARAMETER_TOKEN, Plausibility,
};

use crate::interval::OpsInterval;
use standstill_statement::{Class, Name, RunDeclaration};
use std::collections::{BTreeMap, BTreeSet};

/// Most declared runs of one party.
pub const MAX_RUNS: usize = 100_000;

/// Declared runs are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineageError {
    /// Two declarations of one name.
    #[error("run '{0}' is declared twice; a resumed or extended run is a new run with the old one as parent")]
    Repeated(Name),
    /// A parent that nobody declared.
    #[error(
        "run '{run}' builds on '{parent}', which is not declared; declare imported models and generators as runs too"
    )]
    UnknownParent {
        /// The run.
        run: Name,
        /// Its parent.
        parent: Name,
    },
    /// A parent declared after its child.
    #[error("run '{run}' builds on '{parent}', which was declared later; parents come first")]
    DeclaredLate {
        /// The run.
        run: Name,
        /// Its parent.
        parent: Name,
    },
    /// Runs that build on each other in a circle.
    #[error("run '{0}' builds on itself; a run cannot descend from its own result")]
    Cycle(Name),
    /// A class that no run can have.
    #[error("run '{run}' is declared as '{class}'; use pretraining, posttraining or experiment")]
    ClassNotAllowed {
        /// The run.
        run: Name,
        /// The declared class.
        class: Class,
    },
    /// Active parameters exceed all parameters.
    #[error("run '{0}' declares more active parameters than parameters")]
    ActiveParameters(Name),
    /// Too many.
    #[error("more than {MAX_RUNS} runs are declared")]
    TooMany,
}

/// Declared runs as a directed acyclic graph. Order of declaration is kept.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    runs: Vec<RunDeclaration>,
    index: BTreeMap<Name, usize>,
}

impl Lineage {
    /// Checks declarations in the order in which they were logged.
    ///
    /// # Errors
    /// The first [`LineageError`].
    pub fn new(runs: &[RunDeclaration]) -> Result<Self, LineageError> {
        if runs.len() > MAX_RUNS {
            return Err(LineageError::TooMany);
        }
        let mut index = BTreeMap::new();
        for (position, run) in runs.iter().enumerate() {
            if index.insert(run.run.clone(), position).is_some() {
                return Err(LineageError::Repeated(run.run.clone()));
            }
            if !run.class.changes_weights() && run.class != Class::Experiment {
                return Err(LineageError::ClassNotAllowed { run: run.run.clone(), class: run.class });
            }
            if run.parameters > 0 && run.active_parameters > run.parameters {
                return Err(LineageError::ActiveParameters(run.run.clone()));
            }
        }
        let lineage = Self { runs: runs.to_vec(), index };
        lineage.check_parents()?;
        Ok(lineage)
    }

    fn check_parents(&self) -> Result<(), LineageError> {
        for run in &self.runs {
            for parent in &run.parents {
                if !self.index.contains_key(parent) {
                    return Err(LineageError::UnknownParent { run: run.run.clone(), parent: parent.clone() });
                }
            }
        }
        if let Some(name) = self.cycle() {
            return Err(LineageError::Cycle(name));
        }
        for (position, run) in self.runs.iter().enumerate() {
            if let Some(parent) = run.parents.iter().find(|parent| self.index[*parent] >= position) {
                return Err(LineageError::DeclaredLate { run: run.run.clone(), parent: parent.clone() });
            }
        }
        Ok(())
    }

    /// The first run (in order of declaration) that is its own ancestor: what Kahn's algorithm leaves over, less what only
    /// descends from it.
    fn cycle(&self) -> Option<Name> {
        let mut waiting: Vec<usize> = self.runs.iter().map(|run| run.parents.len()).collect();
        let children = self.children();
        let mut ready: Vec<usize> = (0..self.runs.len()).filter(|&run| waiting[run] == 0).collect();
        let mut done = 0;
        while let Some(run) = ready.pop() {
            done += 1;
            for &child in &children[run] {
                waiting[child] -= 1;
                if waiting[child] == 0 {
                    ready.push(child);
                }
            }
        }
        if done == self.runs.len() {
            return None;
        }
        self.runs.iter().find(|run| self.ancestors(&run.run).contains(&run.run)).map(|run| run.run.clone())
    }

    fn children(&self) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.runs.len()];
        for (position, run) in self.runs.iter().enumerate() {
            for parent in &run.parents {
                children[self.index[parent]].push(position);
            }
        }
        children
    }

    /// Declarations in the order in which they were logged.
    #[must_use]
    pub fn runs(&self) -> &[RunDeclaration] {
        &self.runs
    }

    /// The declaration of a run.
    #[must_use]
    pub fn get(&self, run: &Name) -> Option<&RunDeclaration> {
        self.index.get(run).map(|&position| &self.runs[position])
    }

    /// Everything that a run builds on, without the run itself; empty for an unknown run.
    #[must_use]
    pub fn ancestors(&self, run: &Name) -> BTreeSet<Name> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Name> = self.get(run).map(|run| run.parents.iter().collect()).unwrap_or_default();
        while let Some(name) = open.pop() {
            if found.insert(name.clone()) {
                open.extend(self.get(name).into_iter().flat_map(|run| &run.parents));
            }
        }
        found
    }

    /// The run and everything that it builds on: what its cumulative compute is summed over. Each ancestor counts once,
    /// however many paths lead to it.
    #[must_use]
    pub fn closure(&self, run: &Name) -> BTreeSet<Name> {
        let mut closure = self.ancestors(run);
        if self.index.contains_key(run) {
            closure.insert(run.clone());
        }
        closure
    }

    /// Runs with more than one parent: where lines meet (merges, distillation from several models, distributed parts).
    #[must_use]
    pub fn joins(&self) -> Vec<&RunDeclaration> {
        self.runs.iter().filter(|run| run.parents.iter().collect::<BTreeSet<_>>().len() > 1).collect()
    }

    /// Runs that no other run builds on: whose closures are the totals that limits look at.
    #[must_use]
    pub fn tips(&self) -> Vec<&RunDeclaration> {
        let children = self.children();
        self.runs.iter().zip(children).filter(|(_, children)| children.is_empty()).map(|(run, _)| run).collect()
    }

    /// Families: runs connected by any chain of parents and children, each sorted, in order of their first name. A line that was
    /// interrupted, resumed or split over several names is one family.
    #[must_use]
    pub fn families(&self) -> Vec<BTreeSet<Name>> {
        let mut families: Vec<BTreeSet<Name>> = Vec::new();
        let mut member = vec![usize::MAX; self.runs.len()];
        let children = self.children();
        for start in 0..self.runs.len() {
            if member[start] != usize::MAX {
                continue;
            }
            let mut open = vec![start];
            let mut family = BTreeSet::new();
            while let Some(run) = open.pop() {
                if member[run] == usize::MAX {
                    member[run] = families.len();
                    family.insert(self.runs[run].run.clone());
                    open.extend(&children[run]);
                    open.extend(self.runs[run].parents.iter().map(|parent| self.index[parent]));
                }
            }
            families.push(family);
        }
        families.sort();
        families
    }

    /// Cumulative operations of a run: its own and those of all its ancestors.
    #[must_use]
    pub fn cumulative(&self, run: &Name, own: &BTreeMap<Name, OpsInterval>) -> OpsInterval {
        self.closure(run).iter().filter_map(|name| own.get(name)).copied().sum()
    }
}
