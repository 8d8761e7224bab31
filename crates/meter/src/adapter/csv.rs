//! CSV exports: a header line, one row per device and sample.
//!
//! A file is cut into byte ranges, each owning the lines that start in it, so that large files are metered on all cores and resume after an
//! interruption. For that a record must not span lines: a quoted line break is refused by the field count of the halves.

use super::civil_time::{UtcOffset, iso_milliseconds};
use super::columns::{Columns, Meaning, Overrides};
use crate::contract::{ActivityUnit, EnergyUnit, PowerUnit};
use crate::engine::{Input, Rules};
use crate::sample::{MISSING, MISSING_COUNTER, activity_from_ratio, counter_from_float, milliwatts_from_watts};
use crate::{Batch, MeterError, Piece, stream::Meter};
use csv::{ByteRecord, Reader, ReaderBuilder};
use sha2::{Digest, Sha256};
use standstill_statement::Hash32;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of a piece. Part of the result's definition: rows are sorted within a batch, and batches end with their piece.
pub const PIECE_BYTES: u64 = 32 << 20;
/// Rows of a batch.
const BATCH_ROWS: usize = 16_384;
/// Longest header line and longest record, bytes.
const LINE_BYTES: u64 = 1 << 20;

/// A set of CSV files as one input; its pieces are byte ranges.
#[derive(Debug)]
pub struct CsvInput {
    files: Vec<Listed>,
    pieces: Vec<(usize, u64)>,
    piece_bytes: u64,
    overrides: Overrides,
}

#[derive(Debug)]
struct Listed {
    path: PathBuf,
    bytes: u64,
    /// Bytes of the header line.
    header_bytes: u64,
    columns: Columns,
    /// Number of fields of the header, which every record must have.
    fields: usize,
    time_is_ms: bool,
}

impl CsvInput {
    /// Reads the headers. Files are taken in the order given; each device's rows must ascend in time over that order.
    ///
    /// # Errors
    /// [`MeterError::Io`], [`MeterError::Malformed`], [`MeterError::MissingColumn`], [`MeterError::WrongMetric`].
    pub fn open(paths: &[PathBuf], overrides: Overrides) -> Result<Self, MeterError> {
        Self::with_piece_bytes(paths, overrides, PIECE_BYTES)
    }

    pub(crate) fn with_piece_bytes(
        paths: &[PathBuf],
        overrides: Overrides,
        piece_bytes: u64,
    ) -> Result<Self, MeterError> {
        let files = paths.iter().map(|path| Listed::read(path, &overrides)).collect::<Result<Vec<_>, _>>()?;
        let pieces = files.iter().enumerate().flat_map(|(file, listed)| {
            let count = (listed.bytes - listed.header_bytes).div_ceil(piece_bytes);
            (0..count).map(move |piece| (file, listed.header_bytes + piece * piece_bytes))
        });
        Ok(Self { pieces: pieces.collect(), files, piece_bytes, overrides })
    }
}

impl Listed {
    fn read(path: &Path, overrides: &Overrides) -> Result<Self, MeterError> {
        let file = File::open(path).map_err(io(path))?;
        let bytes = file.metadata().map_err(io(path))?.len();
        let mut line = Vec::new();
        BufReader::new(file).take(LINE_BYTES).read_until(b'\n', &mut line).map_err(io(path))?;
        let header_bytes = line.len() as u64;
        let mut record = ByteRecord::new();
        let fields = lines(line.as_slice())
            .read_byte_record(&mut record)
            .map_err(|error| malformed(path, 1, &error.to_string()))?;
        if !fields {
            return Err(malformed(path, 1, "there is no header line"));
        }
        // Spreadsheets put a byte-order mark before the first name.
        let names: Vec<String> =
            record.iter().map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').to_owned()).collect();
        let columns = Columns::find(&path.display().to_string(), &names, overrides)?;
        let time_is_ms = columns.get(Meaning::Time).is_some_and(|at| names[at].to_ascii_lowercase().ends_with("_ms"));
        Ok(Self { path: path.to_owned(), bytes, header_bytes, columns, fields: names.len(), time_is_ms })
    }
}

impl Input for CsvInput {
    fn pieces(&self) -> usize {
        self.pieces.len()
    }

    fn identity(&self) -> Hash32 {
        let mut hasher = Sha256::new();
        for listed in &self.files {
            hasher.update(format!("{}\0{}\0{}\0", listed.path.display(), listed.bytes, self.piece_bytes));
        }
        hasher.update(format!("{:?}", self.overrides));
        Hash32(hasher.finalize().into())
    }

    fn meter(&self, piece: usize, rules: &Rules) -> Result<Piece, MeterError> {
        let Some(&(file, start)) = self.pieces.get(piece) else {
            return Err(MeterError::Batch {
                place: "CSV input".to_owned(),
                what: format!("there is no piece {piece}"),
            });
        };
        let listed = &self.files[file];
        let mut input = BufReader::with_capacity(1 << 18, File::open(&listed.path).map_err(io(&listed.path))?);
        let start = first_line(&mut input, start, listed).map_err(io(&listed.path))?;
        let end = self.pieces[piece].1.saturating_add(self.piece_bytes);
        let mut rows = Rows {
            listed,
            rules,
            meter: Meter::new(listed.path.display().to_string(), rules.contract.clone(), rules.grid),
            batch: Batch::default(),
        };
        let mut reader = lines(input);
        let mut record = ByteRecord::new();
        loop {
            let at = start + reader.position().byte();
            if at >= end {
                break;
            }
            let more = reader
                .read_byte_record(&mut record)
                .map_err(|error| malformed(&listed.path, at, &error.to_string()))?;
            if !more {
                break;
            }
            rows.add(&record, at)?;
        }
        rows.flush()?;
        Ok(rows.meter.into_piece())
    }
}

/// Puts the input at the first line that starts at or after `start`, and returns where that is.
fn first_line(input: &mut (impl BufRead + Seek), start: u64, listed: &Listed) -> std::io::Result<u64> {
    if start <= listed.header_bytes {
        input.seek(SeekFrom::Start(listed.header_bytes))?;
        return Ok(listed.header_bytes);
    }
    // One byte back: a line that starts exactly here is ours.
    input.seek(SeekFrom::Start(start - 1))?;
    let mut skipped = Vec::new();
    let length = input.take(LINE_BYTES).read_until(b'\n', &mut skipped)? as u64;
    Ok(start - 1 + length)
}

fn lines<R: Read>(input: R) -> Reader<R> {
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input)
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> MeterError + '_ {
    move |source| MeterError::Io { path: path.to_owned(), source }
}

fn malformed(path: &Path, at_byte: u64, what: &str) -> MeterError {
    MeterError::Malformed {
        place: format!("{} at byte {at_byte}", path.display()),
        format: "CSV",
        what: what.chars().take(200).collect(),
        remedy: "write one row per line with the header's number of fields".to_owned(),
    }
}

/// Rows of one piece on their way into batches.
struct Rows<'a> {
    listed: &'a Listed,
    rules: &'a Rules,
    meter: Meter,
    batch: Batch,
}

impl Rows<'_> {
    fn add(&mut self, record: &ByteRecord, at: u64) -> Result<(), MeterError> {
        let Listed { path, columns, fields, .. } = self.listed;
        if record.len() != *fields {
            return Err(malformed(path, at, &format!("a record has {} fields, the header has {fields}", record.len())));
        }
        let text = |meaning| -> Option<Result<&str, MeterError>> {
            let field = record.get(columns.get(meaning)?)?;
            Some(std::str::from_utf8(field).map(str::trim).map_err(|_| malformed(path, at, "a field is not UTF-8")))
        };
        let needed =
            |meaning: Meaning| text(meaning).unwrap_or_else(|| Err(malformed(path, at, "the record is too short")));
        let device = needed(Meaning::Device)?;
        let time = needed(Meaning::Time)?;
        let time_ms = self.time(time).ok_or_else(|| self.bad_time(time, at))?;
        for meaning in [Meaning::TensorActive, Meaning::DramActive, Meaning::Power] {
            if let Some(field) = text(meaning) {
                let value = self.gauge(meaning, field?, device, at)?;
                narrow(&mut self.batch, meaning).get_or_insert_default().push(value);
            }
        }
        for meaning in [Meaning::Energy, Meaning::CyclesActive, Meaning::CyclesElapsed] {
            if let Some(field) = text(meaning) {
                let value =
                    self.counter(meaning, field?).ok_or_else(|| malformed(path, at, "a counter is not a number"))?;
                wide(&mut self.batch, meaning).get_or_insert_default().push(value);
            }
        }
        if let Some(job) = text(Meaning::Job) {
            let index = self.meter.jobs.intern(job?)?;
            self.batch.job.get_or_insert_default().push(index);
        }
        self.batch.device.push(self.meter.devices.intern(device)?);
        self.batch.time_ms.push(time_ms);
        if self.batch.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), MeterError> {
        self.meter.push(&std::mem::take(&mut self.batch))
    }

    fn bad_time(&self, text: &str, at: u64) -> MeterError {
        MeterError::Malformed {
            place: format!("{} at byte {at}", self.listed.path.display()),
            format: "CSV",
            what: format!("'{}' is not a time", text.chars().take(40).collect::<String>()),
            remedy: "write milliseconds since 1970, seconds with a decimal point, or 2026-06-01T00:00:00Z; \
                     small integers are read as milliseconds only in a column named *_ms"
                .to_owned(),
        }
    }

    /// Milliseconds since 1970. A plain integer below 10^11 would be 1973 in milliseconds: seconds by mistake, so it is not guessed.
    #[allow(clippy::cast_possible_truncation)]
    fn time(&self, text: &str) -> Option<i64> {
        if let Ok(whole) = text.parse::<i64>() {
            return (self.listed.time_is_ms || whole.abs() >= 100_000_000_000).then_some(whole);
        }
        match text.parse::<f64>() {
            Ok(seconds) if seconds.abs() < 1e11 => Some((seconds * 1e3).round() as i64),
            Ok(_) => None,
            Err(_) => iso_milliseconds(text, UtcOffset::default()),
        }
    }

    fn gauge(&self, meaning: Meaning, text: &str, device: &str, at: u64) -> Result<u32, MeterError> {
        if text.is_empty() {
            return Ok(MISSING);
        }
        let place = || format!("{} at byte {at}", self.listed.path.display());
        let raw: f64 =
            text.parse().map_err(|_| malformed(&self.listed.path, at, &format!("'{text}' is not a number")))?;
        let contract = &self.rules.contract;
        if meaning == Meaning::Power {
            let value = if contract.power_unit == PowerUnit::Milliwatt { raw / 1e3 } else { raw };
            let limit = contract.max_watts;
            let error = || MeterError::PowerUnit { place: place(), device: device.to_owned(), value, limit };
            return milliwatts_from_watts(value, limit).ok_or_else(error);
        }
        let value = if contract.activity_unit == ActivityUnit::Percent { raw / 1e2 } else { raw };
        let error = || MeterError::ActivityUnit { place: place(), device: device.to_owned(), value };
        activity_from_ratio(value).ok_or_else(error)
    }

    fn counter(&self, meaning: Meaning, text: &str) -> Option<u64> {
        if text.is_empty() {
            return Some(MISSING_COUNTER);
        }
        let is_joule = meaning == Meaning::Energy && self.rules.contract.energy_unit == EnergyUnit::Joule;
        match text.parse::<u64>() {
            Ok(value) => value.checked_mul(if is_joule { 1_000 } else { 1 }),
            Err(_) => counter_from_float(text.parse().ok()?, if is_joule { 1e3 } else { 1.0 }),
        }
    }
}

const fn narrow(batch: &mut Batch, meaning: Meaning) -> &mut Option<Vec<u32>> {
    match meaning {
        Meaning::TensorActive => &mut batch.tensor_active,
        Meaning::DramActive => &mut batch.dram_active,
        _ => &mut batch.power_milliwatts,
    }
}

const fn wide(batch: &mut Batch, meaning: Meaning) -> &mut Option<Vec<u64>> {
    match meaning {
        Meaning::Energy => &mut batch.energy_millijoules,
        Meaning::CyclesActive => &mut batch.cycles_active,
        _ => &mut batch.cycles_elapsed,
    }
}
