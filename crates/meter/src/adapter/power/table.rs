//! Tables of node power: Parquet and CSV with the columns `node, t_ms, watts` and optionally `run_id`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{MOST_MILLIWATTS, is_invalid_marker};
use crate::MeterError;
use crate::adapter::decimal::{self, NotANumber, Reading};
use crate::adapter::fault::{Fault, TextLimits, excerpt};
use crate::adapter::parquet_footer;

/// One row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerRow<'a> {
    /// Run that the row belongs to; empty when the table has no such column.
    pub run: &'a str,
    /// Node.
    pub node: &'a str,
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Power in milliwatts; `None` for a blank.
    pub milliwatts: Option<u64>,
}

/// Reads a CSV table with a header.
///
/// # Errors
/// A [`Fault`] with line and column for a missing column or an unreadable field.
pub fn parse_csv(bytes: &[u8], limits: &TextLimits, mut row: impl FnMut(PowerRow<'_>)) -> Result<(), Fault> {
    const REMEDY: &str = "export the columns node,t_ms,watts (and run_id)";
    let text = limits.text(bytes)?;
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let header: Vec<&str> = lines.next().map(|(_, line)| line.split(',').map(str::trim).collect()).unwrap_or_default();
    let at = |name: &str| header.iter().position(|column| *column == name);
    let need = |name: &str| at(name).ok_or_else(|| Fault::at(1, 0, format!("no column {name}"), REMEDY));
    let (node, time, watts, run) = (need("node")?, need("t_ms")?, need("watts")?, at("run_id"));
    for ((number, line), count) in lines.zip(0..) {
        limits.row(number, count)?;
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != header.len() {
            return Err(Fault::at(
                number,
                0,
                format!("{} fields under a header of {}", fields.len(), header.len()),
                REMEDY,
            ));
        }
        let bad = |at: usize| Fault::at(number, at as u64 + 1, format!("`{}`", excerpt(fields[at])), REMEDY);
        row(PowerRow {
            run: run.map_or("", |at| fields[at]),
            node: fields[node],
            time_ms: fields[time].parse().map_err(|_| bad(time))?,
            milliwatts: in_range(decimal::scaled(fields[watts], 3)).ok_or_else(|| bad(watts))?,
        });
    }
    Ok(())
}

/// `None` when the value is no power at all; `Some(None)` for a blank.
fn in_range(reading: Result<Reading, NotANumber>) -> Option<Option<u64>> {
    match reading {
        Ok(Reading::Blank) => Some(None),
        Ok(Reading::Scaled(value)) if is_invalid_marker(value) => Some(None),
        Ok(Reading::Scaled(value)) if (0..=MOST_MILLIWATTS).contains(&value) => Some(u64::try_from(value).ok()),
        _ => None,
    }
}

/// Reads a Parquet table batch by batch; memory is bounded by one batch.
///
/// # Errors
/// [`MeterError::Io`], [`MeterError::MissingColumn`], [`MeterError::ColumnType`], [`MeterError::PowerUnit`] or [`MeterError::Malformed`], each
/// with the file's name.
pub fn read_parquet(path: &Path, mut row: impl FnMut(PowerRow<'_>)) -> Result<(), MeterError> {
    let place = path.display().to_string();
    let unread = |source| MeterError::Io { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(unread)?;
    let bytes = file.metadata().map_err(unread)?.len();
    let malformed = |what: String| MeterError::Malformed {
        place: place.clone(),
        format: "Parquet",
        what,
        remedy: "write the table again".to_owned(),
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| malformed(e.to_string()))?;
    if let Some(fault) = parquet_footer::fault(builder.metadata(), bytes) {
        return Err(malformed(fault));
    }
    let reader = builder.with_batch_size(65_536).build().map_err(|e| malformed(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| malformed(e.to_string()))?;
        rows(&batch, &place, &mut row)?;
    }
    Ok(())
}

fn rows(batch: &RecordBatch, place: &str, row: &mut impl FnMut(PowerRow<'_>)) -> Result<(), MeterError> {
    let node = strings(batch, "node", place)?;
    let run = batch.column_by_name("run_id").map(|_| strings(batch, "run_id", place)).transpose()?;
    let time = column(batch, "t_ms", place)?;
    let Some(time) = time.as_primitive_opt::<Int64Type>() else {
        return Err(wrong_type(place, "t_ms", time.data_type(), "int64"));
    };
    let watts = column(batch, "watts", place)?;
    let value =
        watts_reader(watts).ok_or_else(|| wrong_type(place, "watts", watts.data_type(), "float32 or float64"))?;
    for index in 0..batch.num_rows() {
        let node = text(&node, index);
        if time.is_null(index) {
            return Err(wrong_type(place, "t_ms", &DataType::Null, "a time in every row"));
        }
        let reading = if watts.is_null(index) { Ok(Reading::Blank) } else { value(index) };
        let milliwatts = in_range(reading).ok_or_else(|| MeterError::PowerUnit {
            place: place.to_owned(),
            device: node.to_owned(),
            value: watts_float(watts, index),
            limit: 1_000_000,
        })?;
        let run = run.as_ref().map_or("", |column| text(column, index));
        row(PowerRow { run, node, time_ms: time.value(index), milliwatts });
    }
    Ok(())
}

fn column<'a>(batch: &'a RecordBatch, name: &'static str, place: &str) -> Result<&'a ArrayRef, MeterError> {
    batch.column_by_name(name).ok_or_else(|| MeterError::MissingColumn {
        place: place.to_owned(),
        wanted: name,
        found: batch.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>().join(", "),
    })
}

fn wrong_type(place: &str, column: &str, found: &DataType, wanted: &'static str) -> MeterError {
    MeterError::ColumnType { place: place.to_owned(), column: column.to_owned(), found: found.to_string(), wanted }
}

/// A text column, dictionary-encoded or plain: values and the index of each row.
struct Strings {
    values: ArrayRef,
    keys: Option<Vec<Option<usize>>>,
}

fn strings(batch: &RecordBatch, name: &'static str, place: &str) -> Result<Strings, MeterError> {
    let array = column(batch, name, place)?;
    let strings = match array.as_any_dictionary_opt() {
        Some(dictionary) => {
            let keys = dictionary.normalized_keys();
            let valid = (0..array.len()).map(|i| (!array.is_null(i)).then(|| keys[i])).collect();
            Strings { values: Arc::clone(dictionary.values()), keys: Some(valid) }
        }
        None => Strings { values: Arc::clone(array), keys: None },
    };
    if !matches!(strings.values.data_type(), DataType::Utf8 | DataType::LargeUtf8) {
        return Err(wrong_type(place, name, array.data_type(), "text"));
    }
    Ok(strings)
}

fn text(column: &Strings, index: usize) -> &str {
    let at = match &column.keys {
        Some(keys) => keys.get(index).copied().flatten(),
        None => Some(index),
    };
    let Some(at) = at.filter(|at| *at < column.values.len() && !column.values.is_null(*at)) else { return "" };
    match column.values.as_string_opt::<i32>() {
        Some(values) => values.value(at),
        None => column.values.as_string_opt::<i64>().map_or("", |values| values.value(at)),
    }
}

type ReadingAt<'a> = Box<dyn Fn(usize) -> Result<Reading, NotANumber> + 'a>;

/// Readings by row. A 32-bit float goes through its own shortest decimal, not through a 64-bit one: 4316.1 stays 4316.1.
fn watts_reader(array: &ArrayRef) -> Option<ReadingAt<'_>> {
    if let Some(values) = array.as_primitive_opt::<Float32Type>() {
        return Some(Box::new(move |i| decimal::scaled(&values.value(i).to_string(), 3)));
    }
    let values = array.as_primitive_opt::<Float64Type>()?;
    Some(Box::new(move |i| decimal::scaled_double(values.value(i), 3)))
}

fn watts_float(array: &ArrayRef, index: usize) -> f64 {
    match array.as_primitive_opt::<Float32Type>() {
        Some(values) => f64::from(values.value(index)),
        None => array.as_primitive_opt::<Float64Type>().map_or(f64::NAN, |values| values.value(index)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_rows() {
        let mut rows = Vec::new();
        let text = "run_id,node,t_ms,watts\nr,n1,1000,4316.5\nr,n1,2000,NaN\nr,n1,3000,-1\n";
        parse_csv(text.as_bytes(), &TextLimits::default(), |row| rows.push((row.time_ms, row.milliwatts)))
            .expect("rows");
        assert_eq!(rows, [(1000, Some(4_316_500)), (2000, None), (3000, None)]);
    }

    #[test]
    fn csv_faults_have_places() {
        let fault = parse_csv(b"node,t_ms,watts\nn,1,x\n", &TextLimits::default(), |_| {}).expect_err("word");
        assert_eq!((fault.line, fault.column), (2, 3));
        assert!(parse_csv(b"node,watts\nn,1\n", &TextLimits::default(), |_| {}).is_err());
        assert!(parse_csv(b"node,t_ms,watts\nn,1\n", &TextLimits::default(), |_| {}).is_err());
    }
}
