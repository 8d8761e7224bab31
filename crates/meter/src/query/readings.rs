//! Structs of readings to the meter's integers, by the rules of the Parquet and CSV adapters.

use super::error::carry;
use super::rows::Rows;
use crate::MeterError;
use crate::adapter::columns::Meaning;
use crate::contract::{ActivityUnit, EnergyUnit, PowerUnit, SourceContract};
use crate::sample::{MISSING_COUNTER, NO_JOB, activity_from_ratio, counter_from_float, milliwatts_from_watts};
use datafusion::arrow::array::types::{Float64Type, Int64Type, UInt64Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options, filter};
use datafusion::arrow::datatypes::{DataType, Fields, TimeUnit};
use datafusion::common::{DataFusionError, Result, plan_err};

/// Place named in errors.
pub(super) const PLACE: &str = "metered(reading)";

/// The struct field of a meaning: the word of `--column` with an underscore.
pub(super) fn field_name(meaning: Meaning) -> String {
    meaning.word().replace('-', "_")
}

/// Checks the fields of a struct of readings when a question is planned.
pub(super) fn check(fields: &Fields) -> Result<()> {
    let known: Vec<String> = Meaning::ALL.into_iter().map(field_name).collect();
    for field in fields {
        if !known.contains(field.name()) {
            return plan_err!("a reading has no field '{}'; its fields are {}", field.name(), known.join(", "));
        }
    }
    for needed in [Meaning::Device, Meaning::Time] {
        if fields.find(&field_name(needed)).is_none() {
            return plan_err!("a reading needs the field '{}'", field_name(needed));
        }
    }
    let cycles = [Meaning::CyclesActive, Meaning::CyclesElapsed].map(|meaning| fields.find(&field_name(meaning)));
    if cycles[0].is_some() != cycles[1].is_some() {
        return plan_err!("give both cycles_active and cycles_elapsed, or neither");
    }
    Ok(())
}

/// Adds the readings of an array to `rows`. A reading that is NULL, or has neither device nor time (both come out of outer joins), is none.
pub(super) fn add(rows: &mut Rows, array: &ArrayRef, contract: &SourceContract) -> Result<()> {
    let Some(structs) = array.as_struct_opt() else {
        return plan_err!("{PLACE} takes a struct of readings, not {}", array.data_type());
    };
    let structs = present(structs)?;
    let column = |meaning: Meaning| structs.column_by_name(&field_name(meaning));
    let (Some(device), Some(time)) = (column(Meaning::Device), column(Meaning::Time)) else {
        return plan_err!("a reading needs the fields 'device' and 'time'");
    };
    let first = rows.batch.len();
    names(device, Meaning::Device, |name| {
        let name = name.ok_or_else(|| wrong(Meaning::Device, "readings without a device"))?;
        let index = rows.device(name)?;
        rows.batch.device.push(index);
        Ok(())
    })?;
    times(time, &mut rows.batch.time_ms)?;
    if let Some(job) = column(Meaning::Job) {
        names(job, Meaning::Job, |name| {
            let index = name.map_or(Ok(NO_JOB), |name| rows.job(name))?;
            rows.batch.job.get_or_insert_default().push(index);
            Ok(())
        })?;
    }
    for meaning in [Meaning::TensorActive, Meaning::DramActive, Meaning::Power] {
        if let Some(array) = column(meaning) {
            let mut values = Vec::with_capacity(array.len());
            if let Some((row, value)) = gauges(meaning, array, contract, &mut values)? {
                let device = rows.devices.name(rows.batch.device[first + row]).to_owned();
                return Err(carry(out_of_range(meaning, device, value, contract)));
            }
            let own = match meaning {
                Meaning::TensorActive => &mut rows.batch.tensor_active,
                Meaning::DramActive => &mut rows.batch.dram_active,
                _ => &mut rows.batch.power_milliwatts,
            };
            own.get_or_insert_default().append(&mut values);
        }
    }
    for meaning in [Meaning::Energy, Meaning::CyclesActive, Meaning::CyclesElapsed] {
        if let Some(array) = column(meaning) {
            let own = match meaning {
                Meaning::Energy => &mut rows.batch.energy_millijoules,
                Meaning::CyclesActive => &mut rows.batch.cycles_active,
                _ => &mut rows.batch.cycles_elapsed,
            };
            counters(meaning, array, contract, own.get_or_insert_default())?;
        }
    }
    Ok(())
}

fn present(structs: &StructArray) -> Result<StructArray> {
    let [device, time] = [Meaning::Device, Meaning::Time].map(|meaning| structs.column_by_name(&field_name(meaning)));
    let some_null = |column: Option<&ArrayRef>| column.is_none_or(|column| column.logical_null_count() > 0);
    if structs.null_count() == 0 && !(some_null(device) && some_null(time)) {
        return Ok(structs.clone());
    }
    let null = |column: Option<&ArrayRef>, row: usize| column.is_none_or(|column| column.is_null(row));
    let absent = |row: usize| structs.is_null(row) || (null(device, row) && null(time, row));
    let keep: BooleanArray = (0..structs.len()).map(|row| Some(!absent(row))).collect();
    Ok(filter(structs, &keep)?.as_struct().clone())
}

fn wrong(meaning: Meaning, found: &str) -> MeterError {
    MeterError::ColumnType {
        place: PLACE.to_owned(),
        column: meaning.word().to_owned(),
        found: found.to_owned(),
        wanted: match meaning {
            Meaning::Device | Meaning::Job => "text or an integer",
            Meaning::Time => "a timestamp, milliseconds since 1970, or seconds with a fraction",
            _ => "a number",
        },
    }
}

fn out_of_range(meaning: Meaning, device: String, value: f64, contract: &SourceContract) -> MeterError {
    let place = PLACE.to_owned();
    if meaning == Meaning::Power {
        MeterError::PowerUnit { place, device, value, limit: contract.max_watts }
    } else {
        MeterError::ActivityUnit { place, device, value }
    }
}

fn strictly(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, wanted, &options).map_err(DataFusionError::from)
}

/// Calls `take` with each name; integers are written as decimals.
fn names(
    array: &ArrayRef,
    meaning: Meaning,
    mut take: impl FnMut(Option<&str>) -> Result<(), MeterError>,
) -> Result<()> {
    let is_text = |data_type: &DataType| {
        matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null)
    };
    let fits = match array.data_type() {
        DataType::Dictionary(_, values) => is_text(values),
        other => is_text(other) || other.is_integer(),
    };
    if !fits {
        return Err(carry(wrong(meaning, &array.data_type().to_string())));
    }
    let text = strictly(array, &DataType::Utf8)?;
    text.as_string::<i32>().iter().try_for_each(&mut take).map_err(carry)
}

/// Times as Unix milliseconds. Small integers would be 1973 in milliseconds: seconds by mistake, so they are not guessed.
#[allow(clippy::cast_possible_truncation)]
fn times(array: &ArrayRef, out: &mut Vec<i64>) -> Result<()> {
    let refuse = |found: &str| carry(wrong(Meaning::Time, found));
    if array.null_count() > 0 {
        return Err(refuse("readings without a time"));
    }
    let data_type = array.data_type();
    if data_type.is_floating() {
        let seconds = strictly(array, &DataType::Float64)?;
        for &second in seconds.as_primitive::<Float64Type>().values() {
            if second.is_nan() || second.abs() >= 1e11 {
                return Err(refuse(&format!("{second} s")));
            }
            out.push((second * 1e3).round() as i64);
        }
        return Ok(());
    }
    let unit = match data_type {
        DataType::Timestamp(unit, _) => Some(*unit),
        other if other.is_integer() => None,
        other => return Err(refuse(&other.to_string())),
    };
    let whole = strictly(array, &DataType::Int64)?;
    for &time in whole.as_primitive::<Int64Type>().values() {
        out.push(match unit {
            Some(TimeUnit::Second) => time.saturating_mul(1_000),
            Some(TimeUnit::Millisecond) => time,
            Some(TimeUnit::Microsecond) => time.div_euclid(1_000),
            Some(TimeUnit::Nanosecond) => time.div_euclid(1_000_000),
            None if time.saturating_abs() >= 100_000_000_000 => time,
            None => {
                return Err(refuse(&format!(
                    "{time}, which is 1970 to 1973 in milliseconds (to_timestamp_millis(…) says that it is meant)"
                )));
            }
        });
    }
    Ok(())
}

/// Converts gauges; gives the first value out of range with its row.
fn gauges(
    meaning: Meaning,
    array: &ArrayRef,
    contract: &SourceContract,
    out: &mut Vec<u32>,
) -> Result<Option<(usize, f64)>> {
    let is_power = meaning == Meaning::Power;
    let unit = match (is_power, contract.activity_unit, contract.power_unit) {
        (true, _, PowerUnit::Milliwatt) => 1e3,
        (false, ActivityUnit::Percent, _) => 1e2,
        _ => 1.0,
    };
    for (row, value) in floats(meaning, array)?.as_primitive::<Float64Type>().iter().enumerate() {
        let value = value.map_or(f64::NAN, |value| value / unit);
        let integer =
            if is_power { milliwatts_from_watts(value, contract.max_watts) } else { activity_from_ratio(value) };
        match integer {
            Some(integer) => out.push(integer),
            None => return Ok(Some((row, value))),
        }
    }
    Ok(None)
}

fn floats(meaning: Meaning, array: &ArrayRef) -> Result<ArrayRef> {
    let data_type = array.data_type();
    if data_type.is_numeric() || *data_type == DataType::Null {
        return strictly(array, &DataType::Float64);
    }
    Err(carry(wrong(meaning, &data_type.to_string())))
}

fn counters(meaning: Meaning, array: &ArrayRef, contract: &SourceContract, out: &mut Vec<u64>) -> Result<()> {
    let is_joule = meaning == Meaning::Energy && contract.energy_unit == EnergyUnit::Joule;
    let refuse = || carry(wrong(meaning, "a negative or too large counter"));
    if array.data_type().is_integer() {
        let whole = strictly(array, &DataType::UInt64).map_err(|_| refuse())?;
        for value in whole.as_primitive::<UInt64Type>() {
            let scaled =
                value.map_or(Some(MISSING_COUNTER), |value| value.checked_mul(if is_joule { 1_000 } else { 1 }));
            out.push(scaled.ok_or_else(refuse)?);
        }
        return Ok(());
    }
    let scale = if is_joule { 1e3 } else { 1.0 };
    for value in floats(meaning, array)?.as_primitive::<Float64Type>() {
        out.push(value.map_or(Some(MISSING_COUNTER), |value| counter_from_float(value, scale)).ok_or_else(refuse)?);
    }
    Ok(())
}
