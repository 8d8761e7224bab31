//! The causal graph of declared runs: the unit in which a run's compute adds up, however its jobs are named or split.

mod crosscheck;

pub use crosscheck::{
    CrossCheck, HIGH_UTILISATION_MILLIONTHS, LOW_UTILISATION_MILLIONTHS, OPS_PER_PARAMETER_TOKEN, Plausibility,
    implied_ops, plans_too_little,
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
    /// Positions of each run's parents: walks over the graph compare and copy numbers, never names.
    parents: Vec<Vec<usize>>,
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
        let mut lineage = Self { runs: runs.to_vec(), index, parents: Vec::new() };
        lineage.parents = lineage.link()?;
        lineage.check_parents()?;
        Ok(lineage)
    }

    fn link(&self) -> Result<Vec<Vec<usize>>, LineageError> {
        let find = |run: &RunDeclaration, parent: &Name| {
            let unknown = || LineageError::UnknownParent { run: run.run.clone(), parent: parent.clone() };
            self.index.get(parent).copied().ok_or_else(unknown)
        };
        self.runs.iter().map(|run| run.parents.iter().map(|parent| find(run, parent)).collect()).collect()
    }

    fn check_parents(&self) -> Result<(), LineageError> {
        if let Some(name) = self.cycle() {
            return Err(LineageError::Cycle(name));
        }
        for (position, (run, parents)) in self.runs.iter().zip(&self.parents).enumerate() {
            if let Some(&parent) = parents.iter().find(|&&parent| parent >= position) {
                let parent = self.runs[parent].run.clone();
                return Err(LineageError::DeclaredLate { run: run.run.clone(), parent });
            }
        }
        Ok(())
    }

    /// A run that is its own ancestor: of one circle, the run that was declared first. Time is linear in runs and parents.
    fn cycle(&self) -> Option<Name> {
        let mut waiting: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let children = self.children();
        let mut ready: Vec<usize> = (0..self.runs.len()).filter(|&run| waiting[run] == 0).collect();
        while let Some(run) = ready.pop() {
            for &child in &children[run] {
                waiting[child] -= 1;
                if waiting[child] == 0 {
                    ready.push(child);
                }
            }
        }
        // What Kahn's algorithm leaves over waits for a parent that is left over too, so going up from any of them ends in a circle.
        let start = waiting.iter().position(|&count| count > 0)?;
        let up = |run: usize| self.parents[run].iter().copied().find(|&parent| waiting[parent] > 0);
        let mut seen = vec![false; self.runs.len()];
        let mut run = start;
        while !std::mem::replace(&mut seen[run], true) {
            run = up(run)?;
        }
        let circle = std::iter::successors(up(run), |&next| (next != run).then(|| up(next)).flatten());
        circle.min().map(|first| self.runs[first].run.clone())
    }

    fn children(&self) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.runs.len()];
        for (position, parents) in self.parents.iter().enumerate() {
            for &parent in parents {
                children[parent].push(position);
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

    /// Positions of everything that a run builds on, without the run itself, in order of declaration.
    fn above(&self, run: usize) -> Vec<usize> {
        let mut found = vec![false; self.runs.len()];
        let mut open = self.parents[run].clone();
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut found[next], true) {
                open.extend(&self.parents[next]);
            }
        }
        (0..self.runs.len()).filter(|&position| found[position]).collect()
    }

    /// Declarations of the run and of everything that it builds on, in order of declaration, each once; empty for an unknown run.
    /// Copies no name: for callers that must know how large a closure is before they use it.
    #[must_use]
    pub fn members(&self, run: &Name) -> Vec<&RunDeclaration> {
        let Some(&position) = self.index.get(run) else { return Vec::new() };
        // Parents come first, so the run itself stands last.
        self.above(position).into_iter().chain([position]).map(|member| &self.runs[member]).collect()
    }

    /// Everything that a run builds on, without the run itself; empty for an unknown run.
    #[must_use]
    pub fn ancestors(&self, run: &Name) -> BTreeSet<Name> {
        let above = self.index.get(run).map(|&position| self.above(position)).unwrap_or_default();
        above.into_iter().map(|member| self.runs[member].run.clone()).collect()
    }

    /// The run and everything that it builds on: what its cumulative compute is summed over. Each ancestor counts once,
    /// however many paths lead to it.
    #[must_use]
    pub fn closure(&self, run: &Name) -> BTreeSet<Name> {
        self.members(run).into_iter().map(|member| member.run.clone()).collect()
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
                    open.extend(&self.parents[run]);
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
        self.members(run).into_iter().filter_map(|member| own.get(&member.run)).copied().sum()
    }
}
