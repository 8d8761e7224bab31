//! What the aggregates give back: totals of the group, or its cells by device, slot and job.

use crate::seam::{Folded, SlotCells, fold};
use crate::unit::{GAP_JOB, Sums, Unit};
use crate::{MeterError, Partials};
use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, StringArray, StructArray, TimestampMillisecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;
use std::ops::Range;
use std::sync::Arc;

/// Slots between the first and the last reading of a group; more of them only a broken clock makes.
const MAX_SLOTS: u64 = 100_000;

/// Form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// One struct of sums.
    Totals,
    /// A list of structs.
    Cells,
}

const COUNT: DataType = DataType::UInt64;
/// Integrals pass 64 bits over a fleet and a month; 38 digits hold any sum that can be metered.
const WIDE: DataType = DataType::Decimal128(38, 0);
const TIME: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// Times of a cell or a group, milliseconds, in the order of [`times`].
const TIMES: [&str; 8] =
    ["covered_ms", "active_ms", "tensor_ms", "dram_ms", "power_ms", "energy_ms", "cycles_ms", "reset_ms"];
/// Integrals in the order of [`integrals`].
const INTEGRALS: [&str; 6] =
    ["tensor_micro_ms", "dram_micro_ms", "power_microjoules", "energy_millijoules", "cycles_active", "cycles_elapsed"];
/// Counts of a group.
const COUNTS: [&str; 8] =
    ["devices", "rows", "duplicates", "conflicts", "blanks", "energy_resets", "cycle_resets", "span_ms"];

const fn times(sums: &Sums) -> [u32; 8] {
    [
        sums.covered_ms,
        sums.active_ms,
        sums.tensor_ms,
        sums.dram_ms,
        sums.power_ms,
        sums.energy_ms,
        sums.cycles_ms,
        sums.reset_ms,
    ]
}

const fn integrals(sums: &Sums) -> [u64; 6] {
    [
        sums.tensor_micro_ms,
        sums.dram_micro_ms,
        sums.power_microjoules,
        sums.energy_millijoules,
        sums.cycles_active,
        sums.cycles_elapsed,
    ]
}

fn all(names: &'static [&'static str], data_type: &DataType) -> impl Iterator<Item = Field> {
    let data_type = data_type.clone();
    names.iter().map(move |name| Field::new(*name, data_type.clone(), true))
}

impl Shape {
    /// Name of the aggregate.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Totals => "metered",
            Self::Cells => "metered_cells",
        }
    }

    pub(super) fn data_type(self) -> DataType {
        let fields = DataType::Struct(self.fields());
        match self {
            Self::Totals => fields,
            Self::Cells => DataType::List(Arc::new(Field::new_list_field(fields, true))),
        }
    }

    fn fields(self) -> Fields {
        let text = |name| Field::new(name, DataType::Utf8, true);
        let time = |name| Field::new(name, TIME, true);
        let (head, tail) = match self {
            Self::Totals => {
                let mut head: Vec<Field> = all(&COUNTS, &COUNT).collect();
                head.extend([time("first_reading"), time("last_reading")]);
                (head, vec![text("evidence")])
            }
            Self::Cells => (vec![text("device"), time("slot"), text("job")], Vec::new()),
        };
        head.into_iter().chain(all(&TIMES, &COUNT)).chain(all(&INTEGRALS, &WIDE)).chain(tail).collect()
    }

    /// The result of a group.
    pub(super) fn of(self, partials: &Partials) -> Result<ScalarValue, MeterError> {
        let range = partials.slot_range();
        let span = range.end.saturating_sub(range.start).unsigned_abs();
        if span > MAX_SLOTS {
            return Err(MeterError::Limit {
                place: super::readings::PLACE.to_owned(),
                what: "the number of slots between first and last reading",
                found: span,
                limit: MAX_SLOTS,
                remedy: "check the clock of the exporter and the unit of the time column",
            });
        }
        match self {
            Self::Totals => Ok(ScalarValue::Struct(Arc::new(totals(partials, &range)?))),
            Self::Cells => Ok(SingleRowListArrayBuilder::new(Arc::new(cells(partials, &range)?)).build_list_scalar()),
        }
    }
}

fn folded(partials: &Partials, units: &[(i64, Unit)], range: &Range<i64>) -> Folded {
    fold(units, partials.contract(), &partials.grid(), range.clone())
}

fn made(shape: Shape, columns: Vec<ArrayRef>) -> Result<StructArray, MeterError> {
    let fault = |error: &dyn std::fmt::Display| MeterError::Batch {
        place: super::readings::PLACE.to_owned(),
        what: error.to_string(),
    };
    StructArray::try_new(shape.fields(), columns, None).map_err(|error| fault(&error))
}

fn wide(values: Vec<u128>) -> Result<ArrayRef, MeterError> {
    let over = |value: u128| MeterError::Limit {
        place: super::readings::PLACE.to_owned(),
        what: "a sum",
        found: u64::try_from(value).unwrap_or(u64::MAX),
        limit: u64::MAX,
        remedy: "group by device",
    };
    let most = 10u128.pow(38) - 1;
    let narrow =
        |value: u128| i128::try_from(value.min(most + 1)).ok().filter(|_| value <= most).ok_or_else(|| over(value));
    let values = values.into_iter().map(narrow).collect::<Result<Vec<i128>, _>>()?;
    let array = Decimal128Array::from(values).with_precision_and_scale(38, 0);
    array
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|error| MeterError::Batch { place: super::readings::PLACE.to_owned(), what: error.to_string() })
}

fn totals(partials: &Partials, range: &Range<i64>) -> Result<StructArray, MeterError> {
    let (mut time_sums, mut integral_sums) = ([0u64; 8], [0u128; 6]);
    let (mut devices, mut span_ms, mut energy_resets, mut cycle_resets) = (0u64, 0u64, 0u64, 0u64);
    let mut ends: Option<(i64, i64)> = None;
    for (_, units) in partials.devices() {
        let (Some((_, first)), Some((_, last))) = (units.first(), units.last()) else { continue };
        let (from_ms, to_ms) = (first.first.time_ms, last.last.time_ms);
        ends = Some(ends.map_or((from_ms, to_ms), |(from, to)| (from.min(from_ms), to.max(to_ms))));
        devices += 1;
        span_ms = span_ms.saturating_add(crate::unit::milliseconds_between(from_ms, to_ms));
        let folded = folded(partials, units, range);
        energy_resets += folded.energy_resets;
        cycle_resets += folded.cycle_resets;
        for (_, sums) in folded.slots.iter().flat_map(|(_, cells)| cells) {
            time_sums.iter_mut().zip(times(sums)).for_each(|(sum, ms)| *sum = sum.saturating_add(ms.into()));
            integral_sums.iter_mut().zip(integrals(sums)).for_each(|(sum, value)| *sum += u128::from(value));
        }
    }
    let tally = partials.tally();
    let counts = [
        devices,
        tally.rows,
        tally.duplicates,
        tally.conflicts,
        tally.blanks,
        tally.energy_resets + energy_resets,
        tally.cycle_resets + cycle_resets,
        span_ms,
    ];
    let count = |value: u64| Arc::new(UInt64Array::from(vec![value])) as ArrayRef;
    let time = |time: Option<i64>| Arc::new(TimestampMillisecondArray::from(vec![time])) as ArrayRef;
    let mut columns: Vec<ArrayRef> = counts.into_iter().map(count).collect();
    columns.extend([time(ends.map(|ends| ends.0)), time(ends.map(|ends| ends.1))]);
    columns.extend(time_sums.into_iter().map(count));
    for sum in integral_sums {
        columns.push(wide(vec![sum])?);
    }
    columns.push(Arc::new(StringArray::from(vec![partials.hash().to_string()])));
    made(Shape::Totals, columns)
}

fn cells(partials: &Partials, range: &Range<i64>) -> Result<StructArray, MeterError> {
    let (mut devices, mut slots, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut time_columns, mut integral_columns): ([Vec<u64>; 8], [Vec<u128>; 6]) = Default::default();
    for (device, units) in partials.devices() {
        let folded = folded(partials, units, range);
        let of_slot = |(slot, cells): &(i64, SlotCells)| cells.iter().map(|cell| (*slot, *cell)).collect::<Vec<_>>();
        let mut rows: Vec<(i64, (u32, Sums))> = folded.slots.iter().flat_map(of_slot).collect();
        // Job numbers follow the order in which jobs were met; names do not.
        rows.sort_by_key(|(slot, (job, _))| (*slot, *job == GAP_JOB, partials.jobs().name(*job)));
        for (slot, (job, sums)) in rows {
            devices.push(device);
            slots.push(partials.grid().start_of(slot));
            // Counted over a gap: whose it was is not known.
            jobs.push((job != GAP_JOB).then(|| partials.jobs().name(job)));
            time_columns.iter_mut().zip(times(&sums)).for_each(|(column, ms)| column.push(ms.into()));
            integral_columns.iter_mut().zip(integrals(&sums)).for_each(|(column, value)| column.push(value.into()));
        }
    }
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(devices)),
        Arc::new(TimestampMillisecondArray::from(slots)),
        Arc::new(StringArray::from(jobs)),
    ];
    columns.extend(time_columns.into_iter().map(|column| Arc::new(UInt64Array::from(column)) as ArrayRef));
    for column in integral_columns {
        columns.push(wide(column)?);
    }
    made(Shape::Cells, columns)
}
