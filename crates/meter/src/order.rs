//! Bounded sorting: rows that come a little late are put in place, rows that come much later are refused, both counted.

use crate::Batch;
use std::collections::HashMap;

/// What happened to a row while sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// It came in order.
    InOrder,
    /// It came late, within the contract's disorder.
    Late,
    /// It came too late: a clock step, or an export in no order.
    Refused,
}

/// A batch grouped by device with times in order.
pub(crate) struct Sorted {
    /// The rows.
    pub(crate) batch: Batch,
    /// One flag per row; empty when every row came in order.
    pub(crate) flags: Vec<Flag>,
}

/// True when a device's time falls between neighbouring rows, or when devices alternate so often that grouping pays.
pub(crate) fn needs_sorting(batch: &Batch) -> bool {
    let devices = batch.device.windows(2);
    let times = batch.time_ms.windows(2);
    let (changes, falls) = devices.zip(times).fold((0usize, 0usize), |(changes, falls), (device, time)| {
        let same = device[0] == device[1];
        (changes + usize::from(!same), falls + usize::from(same & (time[1] < time[0])))
    });
    falls > 0 || changes > batch.len() / 4
}

/// Groups rows by device, keeping stream order, and sorts those that are late by at most `max_disorder_ms`.
///
/// `last_ms` gives the time of the last row of a device before this batch.
pub(crate) fn sort(batch: &Batch, max_disorder_ms: u64, last_ms: impl Fn(u32) -> Option<i64>) -> Sorted {
    let disorder = i64::try_from(max_disorder_ms).unwrap_or(i64::MAX);
    let mut latest: HashMap<u32, i64> = HashMap::new();
    let mut late = false;
    // Key of a row: device, place in time, refused rows after the row that made them late.
    let mut keys: Vec<(u32, i64, bool, usize, Flag)> = Vec::with_capacity(batch.len());
    for (at, (&device, &time_ms)) in batch.device.iter().zip(&batch.time_ms).enumerate() {
        let newest = latest.entry(device).or_insert_with(|| last_ms(device).unwrap_or(i64::MIN));
        let flag = match time_ms {
            time if time >= *newest => Flag::InOrder,
            time if time >= newest.saturating_sub(disorder) => Flag::Late,
            _ => Flag::Refused,
        };
        *newest = time_ms.max(*newest);
        late |= flag != Flag::InOrder;
        let refused = flag == Flag::Refused;
        keys.push((device, if refused { *newest } else { time_ms }, refused, at, flag));
    }
    keys.sort_by_key(|key| (key.0, key.1, key.2, key.3));
    let order: Vec<usize> = keys.iter().map(|key| key.3).collect();
    let flags = if late { keys.iter().map(|key| key.4).collect() } else { Vec::new() };
    Sorted { batch: gather(batch, &order), flags }
}

/// The rows of `batch` in the given order.
fn gather(batch: &Batch, order: &[usize]) -> Batch {
    fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
        order.iter().map(|&at| values[at]).collect()
    }
    let narrow = |column: &Option<Vec<u32>>| column.as_ref().map(|values| pick(values, order));
    let wide = |column: &Option<Vec<u64>>| column.as_ref().map(|values| pick(values, order));
    Batch {
        device: pick(&batch.device, order),
        time_ms: pick(&batch.time_ms, order),
        job: narrow(&batch.job),
        tensor_active: narrow(&batch.tensor_active),
        dram_active: narrow(&batch.dram_active),
        power_milliwatts: narrow(&batch.power_milliwatts),
        energy_millijoules: wide(&batch.energy_millijoules),
        cycles_active: wide(&batch.cycles_active),
        cycles_elapsed: wide(&batch.cycles_elapsed),
    }
}
