//! The lab's account of a window: input checked, lanes summed, blindings derived.

use crate::context::WindowContext;
use crate::error::SealError;
use crate::fleet::PublicFleet;
use crate::history::PrivateWindow;
use crate::keys::{MasterSecret, PeriodKey};
use crate::leaf::{GroupInput, LeafValues, devices_root, lane_sums, leaf_root};
use crate::parameters::{COUNT_LANE, DERIVED_LANES, MAX_RUNS, MAX_WINDOW_SECONDS, ModelConstants, PETAOPS_LANE};
use crate::sums::{OpenLanes, Opened, open_totals};
use standstill_statement::{Class, Hash32, Name};
use std::collections::BTreeMap;

/// A checked account, ready to be proved. Secret.
pub(crate) struct Account {
    pub(crate) groups: Vec<OpenLanes>,
    pub(crate) leaf_roots: Vec<Hash32>,
    pub(crate) private: PrivateWindow,
}

fn refuse<T>(place: impl Into<String>, problem: impl Into<String>) -> Result<T, SealError> {
    Err(SealError::Input { place: place.into(), problem: problem.into() })
}

/// What makes a context and a fleet belong together; the reason when they do not.
pub(crate) fn fits(context: &WindowContext, fleet: &PublicFleet) -> Result<(), &'static str> {
    let declared = fleet.context();
    let rules = [
        (context.agreement == declared.agreement, "the fleet was declared under another agreement"),
        (context.party == declared.party, "the fleet is another party's"),
        (context.fleet_root == fleet.root(), "the fleet has another root than the one referred to"),
        (context.chip_table == fleet.chip_table(), "the fleet was read with another chip table than the agreement's"),
        (context.window >= declared.from_window, "the fleet declaration does not hold for this window yet"),
        (context.window_seconds() == declared.window_seconds, "the window has another length than the agreement's"),
        ((1..=MAX_WINDOW_SECONDS).contains(&context.window_seconds()), "the window has no length, or too great a one"),
    ];
    rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, problem)| Err(problem))
}

/// Checks and sums up an account.
pub(crate) fn account(
    master: &MasterSecret,
    context: &WindowContext,
    fleet: &PublicFleet,
    groups: &[GroupInput],
    runs: &[Name],
) -> Result<Account, SealError> {
    fits(context, fleet).or_else(|problem| refuse("context", problem))?;
    if runs.len() > MAX_RUNS || !runs.windows(2).all(|pair| pair[0] < pair[1]) {
        return refuse("runs", "at most 256 run names, sorted, each once");
    }
    if groups.len() != fleet.groups().len() {
        return refuse(
            "groups",
            format!("{} groups are accounted for and {} are declared", groups.len(), fleet.groups().len()),
        );
    }
    let period_key = master.period(context.agreement, &context.party, context.period());
    let declared = fleet.context();
    let fleet_key = master.period(declared.agreement, &declared.party, declared.period());
    let mut account =
        Sheet { context, fleet, period_key, fleet_key, run_petaops: runs.iter().map(|run| (run, 0)).collect() };
    let mut open = Vec::with_capacity(groups.len());
    let mut leaf_roots = Vec::with_capacity(groups.len());
    for (index, input) in groups.iter().enumerate() {
        account.check(index, input)?;
        leaf_roots.push(account.leaf_root(index, input));
        open.push(account.open(index, input)?);
    }
    let private = account.private(&open, fleet.constants());
    Ok(Account { groups: open, leaf_roots, private })
}

struct Sheet<'a> {
    context: &'a WindowContext,
    fleet: &'a PublicFleet,
    period_key: PeriodKey,
    fleet_key: PeriodKey,
    run_petaops: BTreeMap<&'a Name, u64>,
}

impl Sheet<'_> {
    /// The group is the declared one, and every device accounts for the whole window.
    fn check(&mut self, index: usize, input: &GroupInput) -> Result<(), SealError> {
        if u32::try_from(index) != Ok(input.group) {
            return refuse(format!("group {}", input.group), format!("stands where group {index} belongs"));
        }
        let declared = &self.fleet.groups()[index];
        let devices: Vec<Hash32> = input.leaves.iter().map(|leaf| leaf.device).collect();
        let key = self.fleet_key.group(input.group);
        let period = self.fleet.context().period();
        let fits = devices.len() <= usize::from(declared.capacity_devices)
            && devices_root(&key, period, input.group, declared.capacity_devices, &devices) == declared.devices_root;
        if !fits {
            return refuse(
                format!("group {}", input.group),
                "its devices are not those of the fleet declaration, in that order",
            );
        }
        for (position, leaf) in input.leaves.iter().enumerate() {
            self.check_leaf(leaf)
                .or_else(|problem| refuse(format!("group {}, device {position}", input.group), problem))?;
        }
        Ok(())
    }

    fn check_leaf(&mut self, leaf: &LeafValues) -> Result<(), String> {
        let seconds: u64 = leaf.class_seconds.iter().map(|seconds| u64::from(*seconds)).sum();
        let window = self.context.window_seconds();
        if seconds != window {
            return Err(format!("its classes add up to {seconds} s and the window has {window} s"));
        }
        if !leaf.run_petaops.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Err("its runs are not sorted, each once".to_owned());
        }
        let training = leaf.training_petaops();
        let experiment = u64::from(leaf.petaops[Class::Experiment.index()]);
        let runs: u64 = leaf.run_petaops.iter().map(|(_, petaops)| u64::from(*petaops)).sum();
        if runs < training || runs > training + experiment {
            return Err(format!(
                "its runs add up to {runs} petaops, and {training} to {} is possible",
                training + experiment
            ));
        }
        for (run, petaops) in &leaf.run_petaops {
            let sum =
                self.run_petaops.get_mut(run).ok_or_else(|| format!("run '{run}' is not among the report's runs"))?;
            *sum += u64::from(*petaops);
        }
        Ok(())
    }

    fn leaf_root(&self, index: usize, input: &GroupInput) -> Hash32 {
        let key = self.period_key.group(input.group);
        leaf_root(&key, self.context.period(), input.group, self.fleet.groups()[index].capacity_devices, &input.leaves)
    }

    fn open(&self, index: usize, input: &GroupInput) -> Result<OpenLanes, SealError> {
        let group = input.group;
        let values = lane_sums(&input.leaves);
        let constants = self.fleet.constants()[index];
        for class in Class::ALL.into_iter().take(DERIVED_LANES) {
            let time = u64::from(constants.p) * values[class.index()];
            if time < u64::from(constants.q).saturating_mul(values[PETAOPS_LANE + class.index()]) {
                return Err(SealError::BeyondPeak { group, class });
            }
        }
        if values.iter().any(|value| *value > u64::from(u32::MAX)) {
            return refuse(format!("group {group}"), "a sum does not fit 32 bits");
        }
        let key = self.period_key.group(group);
        let blinding =
            |lane: usize| u8::try_from(lane).map(|number| key.blinding(number, values[lane])).unwrap_or_default();
        let count = input.leaves.len() as u64;
        let count_blinding = self.fleet_key.group(group).blinding(COUNT_LANE, count);
        Ok(OpenLanes { values, blindings: std::array::from_fn(blinding), count, count_blinding })
    }

    fn private(&self, open: &[OpenLanes], constants: &[ModelConstants]) -> PrivateWindow {
        let run = |(run, petaops): (&&Name, &u64)| {
            let blinding = self.period_key.run_blinding(run, *petaops);
            ((*run).clone(), Opened { value: u128::from(*petaops), blinding })
        };
        PrivateWindow {
            window: self.context.window,
            totals: open_totals(open, constants),
            runs: self.run_petaops.iter().map(run).collect(),
        }
    }
}
