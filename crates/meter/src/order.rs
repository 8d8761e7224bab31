//! Bounded sorting: rows that come a little late are put in place, rows that come much later are refused, both counted.

use crate::Batch;
use std::ops::Range;

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

/// True when devices alternate so often (time-major exports) that grouping by device pays; judged by the first rows, as a wrong guess
/// costs time only.
pub(crate) fn alternates(devices: &[u32]) -> bool {
    let devices = &devices[..devices.len().min(1_024)];
    let changes: usize = devices.windows(2).map(|pair| usize::from(pair[0] != pair[1])).sum();
    changes > devices.len() / 4
}

/// The rows grouped by device, stream order kept within each.
pub(crate) fn group(batch: &Batch) -> Batch {
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_by_key(|&at| batch.device[at]);
    gather(batch, &order)
}

/// Order in which the rows of one device are metered, each with what happened to it: rows late by at most `max_disorder_ms` go to their
/// place in time; refused rows follow the row that made them too late. `last_ms` is the time of the device's last row before these.
pub(crate) fn sort(
    times: &[i64],
    rows: Range<usize>,
    max_disorder_ms: u64,
    last_ms: Option<i64>,
) -> Vec<(usize, Flag)> {
    let disorder = i64::try_from(max_disorder_ms).unwrap_or(i64::MAX);
    let mut newest = last_ms.unwrap_or(i64::MIN);
    let mut keys: Vec<(i64, bool, usize, Flag)> = Vec::with_capacity(rows.len());
    for at in rows {
        let time_ms = times[at];
        let flag = match time_ms {
            time if time >= newest => Flag::InOrder,
            time if time >= newest.saturating_sub(disorder) => Flag::Late,
            _ => Flag::Refused,
        };
        newest = newest.max(time_ms);
        let refused = flag == Flag::Refused;
        keys.push((if refused { newest } else { time_ms }, refused, at, flag));
    }
    keys.sort_by_key(|key| (key.0, key.1, key.2));
    keys.into_iter().map(|key| (key.2, key.3)).collect()
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
