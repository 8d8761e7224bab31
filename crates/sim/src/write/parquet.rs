//! The telemetry export: wide Parquet as a DCGM exporter's store would give it, one row per device and reading.

use crate::day::{DeviceDay, Sample};
use crate::error::SimError;
use crate::world::Lab;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float32Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows per row group: bounds the writer's memory.
const ROW_GROUP_ROWS: usize = 131_072;
/// Columns without dictionary: readings hardly repeat.
const PLAIN: [&str; 5] = [
    "timestamp_ms",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "DCGM_FI_PROF_DRAM_ACTIVE",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
];

pub(super) struct Export<'a> {
    path: PathBuf,
    lab: &'a Lab,
    schema: Arc<Schema>,
    writer: ArrowWriter<File>,
    model: String,
}

fn schema() -> Arc<Schema> {
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("UUID", text(), false),
        Field::new("timestamp_ms", DataType::Int64, false),
        Field::new("modelName", text(), false),
        Field::new("hpc_job", text(), true),
        Field::new("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", DataType::Float32, false),
        Field::new("DCGM_FI_PROF_DRAM_ACTIVE", DataType::Float32, false),
        Field::new("DCGM_FI_DEV_POWER_USAGE", DataType::Float32, false),
        Field::new("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", DataType::Int64, false),
    ]))
}

impl<'a> Export<'a> {
    pub(super) fn create(path: &Path, lab: &'a Lab) -> Result<Self, SimError> {
        let file = File::create(path).map_err(|source| SimError::Write { path: path.to_owned(), source })?;
        let level = ZstdLevel::try_new(1).map_err(|error| refuse(path, &error))?;
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_created_by("standstill-sim".to_owned())
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
        for column in PLAIN {
            properties = properties.set_column_dictionary_enabled(column.into(), false);
        }
        let schema = schema();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties.build()));
        let writer = writer.map_err(|error| refuse(path, &error))?;
        // The first alias of the built-in table is DCGM's own name for NVIDIA models.
        let model = lab.chip.aliases.first().cloned().unwrap_or_else(|| lab.chip.id.to_string());
        Ok(Self { path: path.to_owned(), lab, schema, writer, model })
    }

    /// Adds the exported rows of a device. Devices come in order of their keys.
    pub(super) fn device(&mut self, device: usize, day: &DeviceDay) -> Result<(), SimError> {
        let rows: Vec<&Sample> = day.samples.iter().filter(|sample| sample.exported).collect();
        let ratio = |micro: u32| micro as f32 / 1_000_000.0;
        let columns: Vec<ArrayRef> = vec![
            constant(&self.lab.devices[device].key, rows.len()),
            Arc::new(rows.iter().map(|row| row.time_ms).collect::<Int64Array>()),
            constant(&self.model, rows.len()),
            self.jobs(&rows),
            Arc::new(rows.iter().map(|row| ratio(row.tensor_micro)).collect::<Float32Array>()),
            Arc::new(rows.iter().map(|row| ratio(row.dram_micro)).collect::<Float32Array>()),
            Arc::new(rows.iter().map(|row| row.reported_milliwatts as f32 / 1000.0).collect::<Float32Array>()),
            Arc::new(rows.iter().map(|row| row.counter_millijoules.cast_signed()).collect::<Int64Array>()),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns);
        let batch = batch.map_err(|error| SimError::Parquet { path: self.path.clone(), what: error.to_string() })?;
        self.writer.write(&batch).map_err(|error| refuse(&self.path, &error))
    }

    /// Slurm job ids; null while no job holds the device.
    fn jobs(&self, rows: &[&Sample]) -> ArrayRef {
        let mut names: BTreeMap<usize, i32> = BTreeMap::new();
        let mut values = Vec::new();
        let mut key = |job: usize| {
            *names.entry(job).or_insert_with(|| {
                values.push(self.lab.jobs[job].id.to_string());
                i32::try_from(values.len() - 1).unwrap_or(i32::MAX)
            })
        };
        let keys: Int32Array = rows.iter().map(|row| row.job.map(&mut key)).collect();
        dictionary(keys, StringArray::from(values))
    }

    pub(super) fn finish(self) -> Result<(), SimError> {
        self.writer.close().map(|_| ()).map_err(|error| refuse(&self.path, &error))
    }
}

fn constant(value: &str, rows: usize) -> ArrayRef {
    dictionary(Int32Array::from(vec![0; rows]), StringArray::from(vec![value]))
}

fn dictionary(keys: Int32Array, values: StringArray) -> ArrayRef {
    match DictionaryArray::<Int32Type>::try_new(keys.clone(), Arc::new(values)) {
        Ok(array) => Arc::new(array),
        // Keys are made from the values above; an index out of range cannot occur, and a plain array would be refused by the schema.
        Err(_) => Arc::new(keys),
    }
}

fn refuse(path: &Path, error: &parquet::errors::ParquetError) -> SimError {
    SimError::Parquet { path: path.to_owned(), what: error.to_string() }
}
