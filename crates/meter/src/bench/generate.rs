//! Synthetic DCGM-like exports: hourly files, sorted by device then time, zstd level 1, row groups of 512k rows, 32-bit floats, dictionary
//! text. Values have six decimals, as dcgm-exporter prints them, so the float columns do not compress away.

use crate::MeterError;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float32Array, Int32Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// First sample: 2026-06-01 00:00:00 UTC.
pub const START_MS: i64 = 1_780_272_000_000;
const PERIOD_MS: i64 = 10_000;
const SAMPLES_PER_HOUR: u32 = 360;
const ROW_GROUP_ROWS: usize = 512 * 1_024;
const MODELS: [&str; 3] = ["NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB", "NVIDIA H200"];
const FLOATS: [&str; 6] = [
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "DCGM_FI_PROF_DRAM_ACTIVE",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_PROF_SM_ACTIVE",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "DCGM_FI_PROF_NVLINK_TX_BYTES",
];

/// Key of the n-th device.
#[must_use]
pub fn device_key(device: u32) -> String {
    format!("GPU-{device:08x}-5a5a-4000-8000-{device:012x}")
}

/// Chip model of a device key.
#[must_use]
pub fn model_of(key: &str) -> &'static str {
    let device = key.get(4..12).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
    MODELS[(device / 512) as usize % MODELS.len()]
}

/// Writes `hour-00.parquet` and so on, skipping those that a stamp file says are there, and returns their paths.
///
/// # Errors
/// [`MeterError::Io`] or [`MeterError::Malformed`] when a file cannot be written.
pub fn generate(
    folder: &Path,
    devices: u32,
    hours: u32,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<PathBuf>, MeterError> {
    fs::create_dir_all(folder).map_err(io(folder))?;
    let paths: Vec<PathBuf> = (0..hours).map(|hour| folder.join(format!("hour-{hour:02}.parquet"))).collect();
    let stamp = folder.join(format!("complete-{devices}x{hours}"));
    if stamp.exists() {
        return Ok(paths);
    }
    let next = AtomicU32::new(0);
    let worker = || -> Result<(), MeterError> {
        loop {
            let hour = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(hour as usize) else { return Ok(()) };
            write_hour(path, devices, hour)?;
            progress(&format!("wrote {}", path.display()));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let own = worker();
        others.into_iter().fold(own, |all, other| all.and(other.join().unwrap_or(Ok(()))))
    })?;
    File::create(&stamp).map_err(io(&stamp))?;
    Ok(paths)
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> MeterError + '_ {
    move |source| MeterError::Io { path: path.to_owned(), source }
}

fn schema() -> Arc<Schema> {
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = vec![
        Field::new("timestamp", DataType::Timestamp(TimeUnit::Millisecond, None), false),
        Field::new("UUID", text(), false),
        Field::new("modelName", text(), false),
        Field::new("hpc_job", text(), false),
    ];
    fields.extend(FLOATS.iter().map(|name| Field::new(*name, DataType::Float32, false)));
    Arc::new(Schema::new(fields))
}

fn write_hour(path: &Path, devices: u32, hour: u32) -> Result<(), MeterError> {
    let written = |error: &dyn std::fmt::Display| MeterError::Malformed {
        place: path.display().to_string(),
        format: "Parquet",
        what: error.to_string(),
        remedy: "check the free space of the disk".to_owned(),
    };
    let level = ZstdLevel::try_new(1).map_err(|error| written(&error))?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for name in FLOATS {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    let file = File::create(path).map_err(io(path))?;
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties.build())).map_err(|error| written(&error))?;
    let mut first = 0;
    while first < devices {
        let last = (first + 256).min(devices);
        let batch = rows(first, last, hour).map_err(|error| written(&error))?;
        writer.write(&batch).map_err(|error| written(&error))?;
        first = last;
    }
    writer.close().map_err(|error| written(&error))?;
    Ok(())
}

/// Rows of devices `first..last` in one hour.
fn rows(first: u32, last: u32, hour: u32) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let count = (last - first) as usize * SAMPLES_PER_HOUR as usize;
    let mut times = Vec::with_capacity(count);
    let mut keys = Vec::with_capacity(count);
    let mut floats: [Vec<f32>; 6] = std::array::from_fn(|_| Vec::with_capacity(count));
    for device in first..last {
        let mut noise = Noise(u64::from(device) << 20 ^ u64::from(hour) ^ 0x9e37_79b9_7f4a_7c15);
        for sample in 0..SAMPLES_PER_HOUR {
            times.push(START_MS + i64::from(hour) * 3_600_000 + i64::from(sample) * PERIOD_MS);
            keys.push(i32::try_from(device - first).unwrap_or(0));
            let busy = job_of(device, hour).is_empty();
            noise.sample(!busy).into_iter().zip(&mut floats).for_each(|(value, column)| column.push(value));
        }
    }
    let text = |name: &dyn Fn(u32) -> String| -> Result<ArrayRef, arrow_schema::ArrowError> {
        let values: StringArray = (first..last).map(|device| Some(name(device))).collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys.clone()), Arc::new(values))?))
    };
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMillisecondArray::from(times)),
        text(&device_key)?,
        text(&|device| model_of(&device_key(device)).to_owned())?,
        text(&|device| job_of(device, hour))?,
    ];
    columns.extend(floats.into_iter().map(|values| Arc::new(Float32Array::from(values)) as ArrayRef));
    RecordBatch::try_new(schema(), columns)
}

/// Jobs of 8 to 512 devices that change every few hours; about one device in sixteen is idle.
fn job_of(device: u32, hour: u32) -> String {
    let size = 8 << (device / 1_024 % 7);
    let gang = device / size;
    if (gang + hour / 3).is_multiple_of(16) { String::new() } else { format!("{}", 100_000 + gang * 10 + hour / 5) }
}

struct Noise(u64);

impl Noise {
    /// 24 random bits as a fraction (xorshift64*, Vigna 2016).
    #[allow(clippy::cast_precision_loss)]
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f64 / 16_777_216.0
    }

    #[allow(clippy::cast_possible_truncation)]
    fn sample(&mut self, busy: bool) -> [f32; 6] {
        let six = |value: f64| ((value * 1e6).round() / 1e6) as f32;
        if !busy {
            let idle_watts = six(68.0 + self.fraction() * 4.0);
            return [0.0, 0.0, idle_watts, 0.0, 0.0, 0.0];
        }
        let tensor = 0.35 + 0.25 * self.fraction();
        let dram = 0.3 + 0.3 * self.fraction();
        let power = 450.0 + 300.0 * tensor * self.fraction();
        [
            six(tensor),
            six(dram),
            six(power),
            six((tensor + 0.3).min(1.0)),
            six(0.95 + 0.05 * self.fraction()),
            six(2e10 * tensor),
        ]
    }
}
