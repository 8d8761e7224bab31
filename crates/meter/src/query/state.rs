//! The state of an aggregate between partitions: the readings as typed lists, so that any engine process, and a spill file, can hold them.

use super::rows::Rows;
use crate::sample::Batch;
use datafusion::arrow::array::types::{Int64Type, UInt32Type, UInt64Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, UInt32Array, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, internal_err};
use std::sync::Arc;

/// Lists of a state in their order. An absent column is an empty list.
const LISTS: [(&str, DataType); 11] = [
    ("devices", DataType::Utf8),
    ("jobs", DataType::Utf8),
    ("device", DataType::UInt32),
    ("time", DataType::Int64),
    ("job", DataType::UInt32),
    ("tensor_active", DataType::UInt32),
    ("dram_active", DataType::UInt32),
    ("power", DataType::UInt32),
    ("energy", DataType::UInt64),
    ("cycles_active", DataType::UInt64),
    ("cycles_elapsed", DataType::UInt64),
];

/// Fields of a state of the aggregate `name`.
pub(super) fn fields(name: &str) -> Vec<FieldRef> {
    let list = |(part, data_type): &(&str, DataType)| {
        let item = Arc::new(Field::new_list_field(data_type.clone(), true));
        Arc::new(Field::new(format!("{name}[{part}]"), DataType::LargeList(item), true))
    };
    LISTS.iter().map(list).collect()
}

/// Moves rows into a state.
pub(super) fn write(rows: Rows) -> Vec<ScalarValue> {
    let names = |names: &crate::Dictionary| -> ArrayRef { Arc::new(names.names().map(Some).collect::<StringArray>()) };
    let (devices, jobs) = (names(&rows.devices), names(&rows.jobs));
    let narrow = |values: Vec<u32>| -> ArrayRef { Arc::new(UInt32Array::from(values)) };
    let wide = |values: Vec<u64>| -> ArrayRef { Arc::new(UInt64Array::from(values)) };
    let Batch { device, time_ms, job, tensor_active, dram_active, power_milliwatts, .. } = rows.batch;
    let Batch { energy_millijoules, cycles_active, cycles_elapsed, .. } = rows.batch;
    let lists = [
        devices,
        jobs,
        narrow(device),
        Arc::new(Int64Array::from(time_ms)),
        narrow(job.unwrap_or_default()),
        narrow(tensor_active.unwrap_or_default()),
        narrow(dram_active.unwrap_or_default()),
        narrow(power_milliwatts.unwrap_or_default()),
        wide(energy_millijoules.unwrap_or_default()),
        wide(cycles_active.unwrap_or_default()),
        wide(cycles_elapsed.unwrap_or_default()),
    ];
    lists.into_iter().map(|list| SingleRowListArrayBuilder::new(list).build_large_list_scalar()).collect()
}

/// Adds states, one per row, to rows.
pub(super) fn read(rows: &mut Rows, states: &[ArrayRef]) -> Result<()> {
    let Some(first) = states.first().filter(|_| states.len() == LISTS.len()) else {
        return internal_err!("a state of {} lists instead of {}", states.len(), LISTS.len());
    };
    for at in 0..first.len() {
        let list = |index: usize| states[index].as_list::<i64>().value(at);
        let count = list(2).len();
        if count == 0 {
            continue;
        }
        let mut labels = Vec::new();
        for name in list(0).as_string::<i32>().iter().flatten() {
            labels.push(rows.device(name).map_err(super::error::carry)?);
        }
        let mut jobs = Vec::new();
        for name in list(1).as_string::<i32>().iter().flatten() {
            jobs.push(rows.job(name).map_err(super::error::carry)?);
        }
        let narrow = |index: usize| list(index).as_primitive::<UInt32Type>().values().to_vec();
        let wide = |index: usize| list(index).as_primitive::<UInt64Type>().values().to_vec();
        let before = rows.batch.len();
        let own = &mut rows.batch;
        relabelled(&mut own.device, &narrow(2), &labels)?;
        own.time_ms.extend_from_slice(list(3).as_primitive::<Int64Type>().values());
        let mut job = Vec::new();
        relabelled(&mut job, &narrow(4), &jobs)?;
        let even = own.time_ms.len() == before + count
            && join(&mut own.job, job, before, count)
            && join(&mut own.tensor_active, narrow(5), before, count)
            && join(&mut own.dram_active, narrow(6), before, count)
            && join(&mut own.power_milliwatts, narrow(7), before, count)
            && join(&mut own.energy_millijoules, wide(8), before, count)
            && join(&mut own.cycles_active, wide(9), before, count)
            && join(&mut own.cycles_elapsed, wide(10), before, count);
        if !even {
            return internal_err!("states of one aggregate with different columns");
        }
    }
    Ok(())
}

fn relabelled(out: &mut Vec<u32>, indices: &[u32], labels: &[u32]) -> Result<()> {
    out.reserve(indices.len());
    for &index in indices {
        match labels.get(index as usize) {
            Some(&label) => out.push(label),
            None => return internal_err!("a state with a name index outside its names"),
        }
    }
    Ok(())
}

/// Adds a column; false when it is present here and absent there.
fn join<T: Copy>(own: &mut Option<Vec<T>>, values: Vec<T>, before: usize, count: usize) -> bool {
    match own {
        _ if !values.is_empty() && values.len() != count => false,
        None if values.is_empty() => true,
        None if before == 0 => {
            *own = Some(values);
            true
        }
        Some(own) if !values.is_empty() => {
            own.extend_from_slice(&values);
            true
        }
        _ => false,
    }
}
