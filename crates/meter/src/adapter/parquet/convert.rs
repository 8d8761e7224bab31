//! Arrow arrays to integer columns. The plain case of each column is one loop without branches; the rest goes value by value.

use super::super::columns::{Columns, Meaning};
use crate::contract::{ActivityUnit, EnergyUnit, PowerUnit};
use crate::sample::{
    MISSING_COUNTER, NO_JOB, activity_from_ratio, counter_from_float, milliwatts_from_watts, nearest, watts_ceiling,
};
use crate::stream::{Meter, equal_prefix};
use crate::wide::widest;
use crate::{Batch, Dictionary, MeterError, SourceContract};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};

/// Turns the record batches of one piece into batches of readings.
pub(super) struct Converter {
    place: String,
    columns: Columns,
    contract: SourceContract,
    /// Position in the projected batch of each column in use.
    used: Vec<usize>,
    devices: Labels,
    jobs: Labels,
    batch: Batch,
}

/// Index of each entry of the dictionary seen last.
#[derive(Default)]
struct Labels {
    values: Option<ArrayRef>,
    indices: Vec<u32>,
}

impl Converter {
    pub(super) fn new(place: String, columns: &Columns, contract: &SourceContract) -> Self {
        let used = columns.used();
        let (columns, contract) = (columns.clone(), contract.clone());
        Self {
            place,
            columns,
            contract,
            used,
            devices: Labels::default(),
            jobs: Labels::default(),
            batch: Batch::default(),
        }
    }

    fn column<'a>(&self, from: &'a RecordBatch, meaning: Meaning) -> Option<&'a ArrayRef> {
        let at = self.columns.get(meaning)?;
        self.used.iter().position(|&used| used == at).map(|position| from.column(position))
    }

    /// Converts one record batch and meters it.
    pub(super) fn convert(&mut self, from: RecordBatch, meter: &mut Meter) -> Result<(), MeterError> {
        let mut batch = std::mem::take(&mut self.batch);
        let taken = from;
        let from = &taken;
        let (Some(device), Some(time)) = (self.column(from, Meaning::Device), self.column(from, Meaning::Time)) else {
            return Err(MeterError::Batch {
                place: self.place.clone(),
                what: "device and time were not projected".to_owned(),
            });
        };
        self.devices
            .map(device, &mut meter.devices, &mut batch.device)
            .map_err(|found| self.wrong(Meaning::Device, &found))?;
        if device.null_count() > 0 {
            return Err(self.wrong(Meaning::Device, "rows without a device"));
        }
        if time.null_count() > 0 {
            return Err(self.wrong(Meaning::Time, "rows without a time"));
        }
        if let Some(job) = self.column(from, Meaning::Job) {
            let column = batch.job.get_or_insert_default();
            self.jobs.map(job, &mut meter.jobs, column).map_err(|found| self.wrong(Meaning::Job, &found))?;
        }
        for meaning in [Meaning::TensorActive, Meaning::DramActive, Meaning::Power] {
            if let Some(array) = self.column(from, meaning) {
                let column = match meaning {
                    Meaning::TensorActive => &mut batch.tensor_active,
                    Meaning::DramActive => &mut batch.dram_active,
                    _ => &mut batch.power_milliwatts,
                };
                let bad = self.gauge(meaning, array, column.get_or_insert_default())?;
                if let Some((row, value)) = bad {
                    return Err(self.out_of_range(meaning, meter.devices.name(batch.device[row]), value));
                }
            }
        }
        for meaning in [Meaning::Energy, Meaning::CyclesActive, Meaning::CyclesElapsed] {
            if let Some(array) = self.column(from, meaning) {
                let column = match meaning {
                    Meaning::Energy => &mut batch.energy_millijoules,
                    Meaning::CyclesActive => &mut batch.cycles_active,
                    _ => &mut batch.cycles_elapsed,
                };
                self.counter(meaning, array, column.get_or_insert_default())?;
            }
        }
        batch.time_ms = self.times(taken)?;
        meter.push_checked(&batch);
        self.batch = batch;
        Ok(())
    }

    fn wrong(&self, meaning: Meaning, found: &str) -> MeterError {
        MeterError::ColumnType {
            place: self.place.clone(),
            column: meaning.word().to_owned(),
            found: found.to_owned(),
            wanted: match meaning {
                Meaning::Device | Meaning::Job => "text or an integer",
                Meaning::Time => "a timestamp, or integer milliseconds since 1970",
                _ => "a number",
            },
        }
    }

    fn out_of_range(&self, meaning: Meaning, device: &str, value: f64) -> MeterError {
        let (place, device) = (self.place.clone(), device.to_owned());
        if meaning == Meaning::Power {
            MeterError::PowerUnit { place, device, value, limit: self.contract.max_watts }
        } else {
            MeterError::ActivityUnit { place, device, value }
        }
    }

    /// Takes the times out of a batch, without copying where the column holds milliseconds in a buffer of its own.
    fn times(&self, mut from: RecordBatch) -> Result<Vec<i64>, MeterError> {
        let at =
            self.columns.get(Meaning::Time).and_then(|at| self.used.iter().position(|&used| used == at)).unwrap_or(0);
        let array = from.remove_column(at);
        let numbers = match array.data_type() {
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                array.as_primitive::<TimestampMillisecondType>().values().clone()
            }
            DataType::Timestamp(TimeUnit::Second, _) => array.as_primitive::<TimestampSecondType>().values().clone(),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                array.as_primitive::<TimestampMicrosecondType>().values().clone()
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                array.as_primitive::<TimestampNanosecondType>().values().clone()
            }
            DataType::Int64 => array.as_primitive::<Int64Type>().values().clone(),
            DataType::Int32 => {
                return Ok(array.as_primitive::<Int32Type>().values().iter().map(|&ms| i64::from(ms)).collect());
            }
            other => return Err(self.wrong(Meaning::Time, &other.to_string())),
        };
        let unit = array.data_type().clone();
        drop(array);
        let mut times = numbers.into_inner().into_vec::<i64>().unwrap_or_else(|shared| shared.typed_data().to_vec());
        match unit {
            DataType::Timestamp(TimeUnit::Second, _) => {
                times.iter_mut().for_each(|time| *time = time.saturating_mul(1_000))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                times.iter_mut().for_each(|time| *time = time.div_euclid(1_000))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                times.iter_mut().for_each(|time| *time = time.div_euclid(1_000_000))
            }
            _ => {}
        }
        Ok(times)
    }

    /// Converts a gauge; returns the first value out of range, with its row.
    fn gauge(
        &self,
        meaning: Meaning,
        array: &ArrayRef,
        out: &mut Vec<u32>,
    ) -> Result<Option<(usize, f64)>, MeterError> {
        let is_power = meaning == Meaning::Power;
        let unit = match (meaning, self.contract.activity_unit, self.contract.power_unit) {
            (Meaning::Power, _, PowerUnit::Milliwatt) => 1_000.0,
            (Meaning::Power, ..) | (_, ActivityUnit::Ratio, _) => 1.0,
            (_, ActivityUnit::Percent, _) => 100.0,
        };
        out.clear();
        if let (DataType::Float32, 0) = (array.data_type(), array.null_count()) {
            let values = array.as_primitive::<Float32Type>().values();
            // f32 times 1e6 is exact in f64, so dividing by the unit first would only lose bits: scale by the quotient for unit 1 only.
            let (ceiling, scale) = if is_power { (watts_ceiling(self.contract.max_watts), 1e3) } else { (1.0, 1e6) };
            if unit == 1.0 && plain_floats(values, ceiling, scale, out) {
                return Ok(None);
            }
            out.clear();
        }
        for row in 0..array.len() {
            let value = self.number(meaning, array, row)?.map_or(f64::NAN, |value| value / unit);
            let integer = if is_power {
                milliwatts_from_watts(value, self.contract.max_watts)
            } else {
                activity_from_ratio(value)
            };
            match integer {
                Some(integer) => out.push(integer),
                None => return Ok(Some((row, value))),
            }
        }
        Ok(None)
    }

    #[allow(clippy::cast_precision_loss)]
    fn number(&self, meaning: Meaning, array: &ArrayRef, row: usize) -> Result<Option<f64>, MeterError> {
        if array.is_null(row) {
            return Ok(None);
        }
        let value = match array.data_type() {
            DataType::Float32 => array.as_primitive::<Float32Type>().value(row).into(),
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row) as f64,
            DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row) as f64,
            DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
            DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
            other => return Err(self.wrong(meaning, &other.to_string())),
        };
        Ok(Some(value))
    }

    /// Copies integers that all fit as they are, scaled; false when one does not or the column is of another type.
    fn plain_counter(&self, array: &ArrayRef, scale: u64, out: &mut Vec<u64>) -> bool {
        let most = u64::MAX / scale;
        match array.data_type() {
            DataType::UInt64 => {
                let values = &array.as_primitive::<UInt64Type>().values()[..];
                let fits = widest(|| values.iter().fold(true, |fits, &value| fits & (value <= most)));
                out.extend(values.iter().map(|&value| value.wrapping_mul(scale)));
                fits
            }
            DataType::Int64 => {
                let values = &array.as_primitive::<Int64Type>().values()[..];
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let fits = widest(|| values.iter().fold(true, |fits, &value| fits & (value >= 0) & (value <= most)));
                out.extend(values.iter().map(|&value| value.unsigned_abs().wrapping_mul(scale)));
                fits
            }
            _ => false,
        }
    }

    fn counter(&self, meaning: Meaning, array: &ArrayRef, out: &mut Vec<u64>) -> Result<(), MeterError> {
        let is_joule = meaning == Meaning::Energy && self.contract.energy_unit == EnergyUnit::Joule;
        let scale = if is_joule { 1_000 } else { 1u64 };
        out.clear();
        if array.null_count() == 0 && self.plain_counter(array, scale, out) {
            return Ok(());
        }
        out.clear();
        for row in 0..array.len() {
            let integer = match array.data_type() {
                _ if array.is_null(row) => Some(MISSING_COUNTER),
                DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).checked_mul(scale),
                DataType::Int64 => {
                    u64::try_from(array.as_primitive::<Int64Type>().value(row)).ok().and_then(|v| v.checked_mul(scale))
                }
                #[allow(clippy::cast_precision_loss)]
                _ => self.number(meaning, array, row)?.and_then(|value| counter_from_float(value, scale as f64)),
            };
            out.push(integer.ok_or_else(|| self.wrong(meaning, "a negative or too large counter"))?);
        }
        Ok(())
    }
}

/// Scales and rounds floats that all lie in `0..=ceiling`; false when one does not. Judged and converted block by block, so that the second
/// look finds the block in the nearest cache.
fn plain_floats(values: &[f32], ceiling: f64, scale: f64, out: &mut Vec<u32>) -> bool {
    #[allow(clippy::cast_possible_truncation)]
    let ceiling = ceiling as f32;
    widest(|| {
        values.chunks(1_024).all(|block| {
            let inside = block.iter().fold(true, |inside, &value| inside & (value >= 0.0) & (value <= ceiling));
            if inside {
                out.extend(block.iter().map(|&value| nearest(f64::from(value) * scale)));
            }
            inside
        })
    })
}

impl Labels {
    /// Writes the stream's index of each row's name. The error names the column's type.
    fn map(&mut self, array: &ArrayRef, names: &mut Dictionary, out: &mut Vec<u32>) -> Result<(), String> {
        out.clear();
        match array.data_type() {
            DataType::Dictionary(key, _) if **key == DataType::Int32 => {
                let dictionary = array.as_dictionary::<Int32Type>();
                self.learn(dictionary.values(), names)?;
                let index = |key: i32| {
                    usize::try_from(key).ok().and_then(|key| self.indices.get(key)).copied().unwrap_or(NO_JOB)
                };
                let keys = dictionary.keys();
                if keys.null_count() == 0 {
                    // Keys come in runs: one look-up and one fill per run.
                    let mut rest = &keys.values()[..];
                    while let Some(&key) = rest.first() {
                        let length = equal_prefix(rest);
                        out.resize(out.len() + length, index(key));
                        rest = &rest[length..];
                    }
                } else {
                    out.extend(keys.iter().map(|key| key.map_or(NO_JOB, index)));
                }
            }
            DataType::Int64 => map_numbers(array.as_primitive::<Int64Type>().iter(), names, out)?,
            DataType::Int32 => {
                map_numbers(array.as_primitive::<Int32Type>().iter().map(|v| v.map(i64::from)), names, out)?
            }
            other => return Err(other.to_string()),
        }
        Ok(())
    }

    fn learn(&mut self, values: &ArrayRef, names: &mut Dictionary) -> Result<(), String> {
        if self.values.as_ref().is_some_and(|known| known.to_data().ptr_eq(&values.to_data())) {
            return Ok(());
        }
        let strings = values.as_string_opt::<i32>().ok_or_else(|| values.data_type().to_string())?;
        self.indices.clear();
        names.reserve(strings.len());
        for name in strings {
            self.indices.push(names.intern(name.unwrap_or("")).map_err(|error| error.to_string())?);
        }
        self.values = Some(values.clone());
        Ok(())
    }
}

/// Integer labels are written as decimals.
fn map_numbers(
    values: impl Iterator<Item = Option<i64>>,
    names: &mut Dictionary,
    out: &mut Vec<u32>,
) -> Result<(), String> {
    let mut last = (None, NO_JOB);
    for value in values {
        if value != last.0 || out.is_empty() {
            let text = value.map_or_else(String::new, |number| number.to_string());
            last = (value, names.intern(&text).map_err(|error| error.to_string())?);
        }
        out.push(last.1);
    }
    Ok(())
}
