//! From job records to devices.
//!
//! `sacct` says how many accelerators a job held on which nodes, not which ones. Devices are therefore given out per node in the order of
//! their keys, first free first. Which device of a node a job gets is a convention; how many, and for how long, is the record. A record that
//! needs more devices than a node has is refused: either the accounting or the inventory is wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::Accounting;
use crate::adapter::fault::{Fault, excerpt};
use crate::jobs::{Assignment, Assignments};
use crate::sample::NO_JOB;
use crate::{Batch, Dictionary, MeterError};

/// Registered devices by node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    nodes: BTreeMap<String, Vec<String>>,
}

impl Placement {
    /// From pairs of node and device key.
    pub fn new<N: Into<String>, D: Into<String>>(pairs: impl IntoIterator<Item = (N, D)>) -> Self {
        let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (node, device) in pairs {
            nodes.entry(node.into()).or_default().push(device.into());
        }
        for list in nodes.values_mut() {
            list.sort();
            list.dedup();
        }
        Placement { nodes }
    }

    /// From device keys of the form `node/index`; other keys are left out.
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Placement::new(keys.into_iter().filter_map(|key| Some((key.rsplit_once('/')?.0, key))))
    }

    /// From lines `node,device` (with or without that header).
    ///
    /// # Errors
    /// A [`Fault`] at the first line that is not a pair.
    pub fn parse_csv(text: &str) -> Result<Self, Fault> {
        let mut pairs = Vec::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match line.split_once(',') {
                Some(("node", "device")) if number == 1 => {}
                Some((node, device)) if !node.is_empty() && !device.is_empty() && !device.contains(',') => {
                    pairs.push((node.trim().to_owned(), device.trim().to_owned()));
                }
                _ => return Err(Fault::at(number, 0, "no pair of node and device", "write lines `node,device`")),
            }
        }
        Ok(Placement::new(pairs))
    }

    /// Devices of a node in the order of their keys.
    #[must_use]
    pub fn devices(&self, node: &str) -> &[String] {
        self.nodes.get(node).map_or(&[], Vec::as_slice)
    }

    /// All devices.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.nodes.values().flatten().map(String::as_str)
    }

    /// Nodes by name.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }
}

/// Gives every allocation its devices. Running jobs hold theirs up to `as_of_ms`.
///
/// # Errors
/// A [`Fault`] at the record that needs more devices than are free on its nodes, or names an unregistered node.
pub fn assign(accounting: &Accounting, placement: &Placement, as_of_ms: i64) -> Result<Assignments, Fault> {
    let mut free_from: BTreeMap<&str, i64> = placement.all().map(|device| (device, i64::MIN)).collect();
    let mut assignments = Assignments::new();
    // Jobs come sorted by start, so a device is free when its last holder has ended.
    for job in &accounting.jobs {
        let Some(start_ms) = job.start_ms else { continue };
        let end_ms = job.end_ms.unwrap_or(as_of_ms);
        if job.accelerators.count == 0 || end_ms <= start_ms {
            continue;
        }
        let nodes = job.nodes.len() as u64;
        if nodes == 0 {
            return Err(Fault::at(job.line, 0, format!("job {} names no node", excerpt(&job.id)), "export NodeList"));
        }
        let mut left = job.accelerators.count;
        for (node, index) in job.nodes.iter().zip(0..) {
            let share = left.div_ceil(nodes - index);
            for _ in 0..share {
                let device = take(placement, &mut free_from, node, start_ms, end_ms).ok_or_else(|| full(job, node))?;
                assignments.insert(device, Assignment { start_ms, end_ms, job: job.id.clone() });
            }
            left -= share;
        }
    }
    Ok(assignments)
}

fn take<'p>(
    placement: &'p Placement,
    free_from: &mut BTreeMap<&'p str, i64>,
    node: &str,
    start_ms: i64,
    end_ms: i64,
) -> Option<&'p str> {
    let device = placement.devices(node).iter().find(|d| free_from.get(d.as_str()).is_some_and(|t| *t <= start_ms))?;
    free_from.insert(device.as_str(), end_ms);
    Some(device.as_str())
}

fn full(job: &super::SlurmJob, node: &str) -> Fault {
    let what = format!(
        "job {} holds {} accelerators, more than are registered and free on {}",
        excerpt(&job.id),
        job.accelerators.count,
        excerpt(node)
    );
    Fault::at(job.line, 0, what, "register the node's devices (--placement node,device), or correct the accounting")
}

/// Rows for [`crate::SourceContract::allocation`]: each registered device from `start_ms` to `end_ms`, with its jobs and the idle time
/// between them.
///
/// # Errors
/// [`MeterError::Limit`] when a dictionary overflows.
pub fn allocation_batch(
    assignments: &Assignments,
    placement: &Placement,
    (start_ms, end_ms): (i64, i64),
    devices: &mut Dictionary,
    jobs: &mut Dictionary,
) -> Result<Batch, MeterError> {
    let by_device: BTreeMap<&str, &[Assignment]> = assignments.iter().collect();
    let all: BTreeSet<&str> = placement.all().chain(by_device.keys().copied()).collect();
    let mut batch = Batch { job: Some(Vec::new()), ..Batch::default() };
    for name in all {
        let device = devices.intern(name)?;
        let mut at = start_ms;
        let mut row = |time_ms: i64, job: u32| {
            batch.device.push(device);
            batch.time_ms.push(time_ms);
            batch.job.get_or_insert_default().push(job);
        };
        row(start_ms, NO_JOB);
        for held in by_device.get(name).copied().unwrap_or(&[]) {
            let (from, to) = (held.start_ms.max(at), held.end_ms.min(end_ms));
            if from >= to {
                continue;
            }
            if from > at {
                row(from, NO_JOB);
            }
            row(to, jobs.intern(&held.job)?);
            at = to;
        }
        if at < end_ms {
            row(end_ms, NO_JOB);
        }
    }
    Ok(batch)
}
