//! From single labelled readings to the meter's rows: one row per device and time, nothing counted twice.
//!
//! Three ways in which one physical GPU shows up as several series are joined here:
//! - **time-slicing**: several pods carry the same device-level reading. The stretch is divided equally among them; the device's time,
//!   energy and activity stay what they are.
//! - **instances (MIG)**: each slice reports ratios of itself. They are weighted by compute slices (`3g.40gb` is 3 of 7); when the whole
//!   device reports too, its own reading is used. Energy and power are device-level and repeated per instance: counted once.
//! - **duplicates**: the same series and time with the same value is counted and dropped; with another value it is refused.

pub mod batches;

use std::collections::{BTreeMap, BTreeSet};

use super::dcgm_series::{Identity, Quantity, SLICES_PER_DEVICE};
use super::decimal::{self, NotANumber};
use super::fault::{Fault, excerpt};

/// Most different label sets in one run.
const MOST_SERIES: usize = 1_000_000;

/// What was seen besides the readings themselves. Nothing here is silently dropped: each figure is printed with the metered window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Samples of metrics that the meter does not use.
    pub unused: u64,
    /// Readings that were NaN or infinite: gaps, not zeros.
    pub blanks: u64,
    /// Readings repeated with the same value.
    pub duplicates: u64,
    /// Repeated `HELP` and `TYPE` lines.
    pub repeated_headers: u64,
    /// Rows in which several workloads shared one device (time-slicing).
    pub shared: u64,
    /// Rows that were put together from instances (MIG).
    pub instances: u64,
    /// Rows dropped because every value equals the row before: a server's resampling, not a reading.
    pub stale: u64,
    /// Sentences for people: which step, which metric, what it means.
    pub remarks: BTreeSet<String>,
}

/// One reading of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    device: u32,
    time_ms: i64,
    quantity: Quantity,
    series: u32,
    /// `None` for a blank.
    value: Option<u64>,
}

/// Collects readings of any number of scrapes or answers, in any order, and turns them into rows.
#[derive(Debug, Default)]
pub struct Collector {
    /// What was seen besides readings.
    pub notes: Notes,
    identities: Vec<Identity>,
    known: BTreeMap<Identity, u32>,
    devices: BTreeMap<String, u32>,
    device_of_series: Vec<u32>,
    models: BTreeMap<String, String>,
    points: Vec<Point>,
    most_points: usize,
}

/// Readings that one collector holds at most (about 4 GB); longer spans are metered in pieces and merged.
const MOST_POINTS: usize = 100_000_000;

impl Collector {
    /// An empty collector.
    #[must_use]
    pub fn new() -> Self {
        Collector { most_points: MOST_POINTS, ..Collector::default() }
    }

    /// The index of a series, new or known.
    ///
    /// # Errors
    /// Past a million different label sets.
    pub fn series(&mut self, identity: Identity) -> Result<u32, Fault> {
        if let Some(index) = self.known.get(&identity) {
            return Ok(*index);
        }
        if self.identities.len() >= MOST_SERIES {
            return Err(Fault::whole(
                format!("more than {MOST_SERIES} different label sets"),
                "meter fewer devices at once, or drop the label that changes with every scrape",
            ));
        }
        let next = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        let device = *self.devices.entry(identity.device.clone()).or_insert(next);
        if let Some(model) = &identity.model {
            self.models.entry(identity.device.clone()).or_insert_with(|| model.clone());
        }
        let index = u32::try_from(self.identities.len()).unwrap_or(u32::MAX);
        self.device_of_series.push(device);
        self.known.insert(identity.clone(), index);
        self.identities.push(identity);
        Ok(index)
    }

    /// Adds a reading given as text.
    ///
    /// # Errors
    /// When the text is no number, is negative, or is larger than its unit allows (a percentage where a ratio belongs).
    pub fn push_text(
        &mut self,
        series: u32,
        quantity: Quantity,
        time_ms: i64,
        text: &str,
        line: u64,
    ) -> Result<(), Fault> {
        self.push(series, quantity, time_ms, decimal::scaled(text, quantity.scale()), text, line)
    }

    /// Adds a reading given as a binary double.
    ///
    /// # Errors
    /// As [`Collector::push_text`].
    pub fn push_double(&mut self, series: u32, quantity: Quantity, time_ms: i64, value: f64) -> Result<(), Fault> {
        self.push(series, quantity, time_ms, decimal::scaled_double(value, quantity.scale()), &value.to_string(), 0)
    }

    fn push(
        &mut self,
        series: u32,
        quantity: Quantity,
        time_ms: i64,
        reading: Result<decimal::Reading, NotANumber>,
        text: &str,
        line: u64,
    ) -> Result<(), Fault> {
        if self.points.len() >= self.most_points {
            let what = format!("more than {} readings in one run", self.most_points);
            return Err(Fault::at(
                line,
                0,
                what,
                "meter the span in pieces and join them with `standstill meter merge`",
            ));
        }
        let value = match reading {
            Ok(decimal::Reading::Blank) => None,
            Ok(decimal::Reading::Scaled(value)) if (0..=quantity.largest()).contains(&value) => {
                u64::try_from(value).ok()
            }
            _ => return Err(out_of_unit(quantity, text, line)),
        };
        self.notes.blanks += u64::from(value.is_none());
        let Some(device) = self.device_of_series.get(series as usize).copied() else {
            return Err(Fault::at(
                line,
                0,
                "a reading of an unknown series",
                "this is a fault of the adapter; report it",
            ));
        };
        self.points.push(Point { device, time_ms, quantity, series, value });
        Ok(())
    }

    /// Devices seen, with the model name that the exporter gave for each.
    #[must_use]
    pub fn models(&self) -> &BTreeMap<String, String> {
        &self.models
    }

    /// Number of readings held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// True when nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

fn out_of_unit(quantity: Quantity, text: &str, line: u64) -> Fault {
    let (what, remedy) = match quantity {
        Quantity::TensorActive | Quantity::DramActive => {
            (format!("an activity of {} is outside 0..1", excerpt(text)), "this looks like percent: export the ratio")
        }
        Quantity::Power => (
            format!("a power of {} W is outside 0..100,000", excerpt(text)),
            "this looks like milliwatts: export watts",
        ),
        _ => (format!("a counter of {} is negative or too large", excerpt(text)), "export the raw counter, not a rate"),
    };
    Fault::at(line, 0, what, remedy)
}

/// One device at one time, before workloads are divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Joint {
    values: BTreeMap<Quantity, u64>,
    /// Who holds the device: workload, weight, and the slice's own ratios when the row was put together from instances.
    holders: Vec<Holder>,
    weight_total: u32,
    from_instances: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Holder {
    workload: Option<String>,
    weight: u32,
    tensor: Option<u64>,
    dram: Option<u64>,
}

impl Collector {
    /// Joins all points of one device and time.
    fn joint(&mut self, points: &[Point]) -> Result<Joint, Fault> {
        let mut joint = Joint::default();
        let mut slices: BTreeMap<String, Holder> = BTreeMap::new();
        let mut whole: BTreeMap<Quantity, u64> = BTreeMap::new();
        let mut workloads: BTreeSet<String> = BTreeSet::new();
        let mut previous: Option<&Point> = None;
        for point in points {
            if let Some(twin) = previous.filter(|p| p.series == point.series && p.quantity == point.quantity) {
                self.twin(twin, point)?;
                continue;
            }
            previous = Some(point);
            let identity = &self.identities[point.series as usize];
            match &identity.instance {
                None => {
                    // A blank still says who held the device: without this, blanking a counter would turn a job into idle time.
                    workloads.extend(identity.workload.clone());
                    let Some(value) = point.value else { continue };
                    if whole.insert(point.quantity, value).is_some_and(|other| other != value) {
                        return Err(self.conflict(point));
                    }
                }
                Some(instance) => {
                    let weight = instance.slices.ok_or_else(|| no_profile(identity))?;
                    let slot = slices.entry(instance.id.clone()).or_default();
                    slot.weight = weight;
                    slot.workload = identity.workload.clone().or(slot.workload.take());
                    let Some(value) = point.value else { continue };
                    match point.quantity {
                        Quantity::TensorActive => slot.tensor = Some(value),
                        Quantity::DramActive => slot.dram = Some(value),
                        // Device-level figures are repeated on every slice; the largest is the latest.
                        _ => {
                            let held = joint.values.entry(point.quantity).or_default();
                            *held = value.max(*held);
                        }
                    }
                }
            }
        }
        joint.values.extend(whole);
        self.hold(joint, slices, workloads)
    }

    fn hold(
        &mut self,
        mut joint: Joint,
        slices: BTreeMap<String, Holder>,
        workloads: BTreeSet<String>,
    ) -> Result<Joint, Fault> {
        if slices.is_empty() {
            joint.holders =
                workloads.into_iter().map(|w| Holder { workload: Some(w), weight: 1, ..Holder::default() }).collect();
            joint.weight_total = u32::try_from(joint.holders.len()).unwrap_or(u32::MAX);
            self.notes.shared += u64::from(joint.holders.len() > 1);
            return Ok(joint);
        }
        self.notes.instances += 1;
        let used: u32 = slices.values().map(|slice| slice.weight).sum();
        if used > SLICES_PER_DEVICE {
            let what = format!("the instances of one device claim {used} of {SLICES_PER_DEVICE} slices");
            return Err(Fault::whole(what, "export one scrape per file: instances of two layouts are mixed"));
        }
        joint.from_instances =
            !joint.values.contains_key(&Quantity::TensorActive) && !joint.values.contains_key(&Quantity::DramActive);
        joint.holders = slices.into_values().collect();
        if used < SLICES_PER_DEVICE {
            joint.holders.push(Holder {
                weight: SLICES_PER_DEVICE - used,
                tensor: Some(0),
                dram: Some(0),
                workload: None,
            });
        }
        joint.weight_total = SLICES_PER_DEVICE;
        Ok(joint)
    }

    fn twin(&mut self, first: &Point, second: &Point) -> Result<(), Fault> {
        if first.value == second.value {
            self.notes.duplicates += 1;
            return Ok(());
        }
        Err(self.conflict(second))
    }

    fn conflict(&self, point: &Point) -> Fault {
        let device = &self.identities[point.series as usize].device;
        let what = format!(
            "device {} has two different values of {:?} at {} ms",
            excerpt(device),
            point.quantity,
            point.time_ms
        );
        Fault::whole(what, "give each reading once: two exporters or two scrapes share one time")
    }
}

fn no_profile(identity: &Identity) -> Fault {
    let what = format!("an instance of {} has no readable GPU_I_PROFILE", excerpt(&identity.device));
    Fault::whole(what, "export GPU_I_PROFILE (such as 3g.40gb): without it the slice cannot be weighted")
}

#[cfg(test)]
mod tests;
