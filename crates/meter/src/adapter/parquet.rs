//! Parquet exports: one row per device and sample, sorted by device and time inside each file or row group.
//!
//! Only the columns in use are decoded, dictionaries stay dictionaries (one name look-up per dictionary entry, none per row), and a row
//! group is read in batches, so a piece needs a few megabytes however large the file is.

mod convert;

use super::columns::{Columns, Overrides};
use super::parquet_footer;
use crate::engine::{Input, Rules};
use crate::{MeterError, Piece, stream::Meter};
use arrow_schema::{DataType, Field, Schema};
use convert::Converter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use sha2::{Digest, Sha256};
use standstill_statement::Hash32;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows decoded at a time. Part of the result's definition: rows are sorted within a batch.
pub const BATCH_ROWS: usize = 8_192;

/// A set of Parquet files as one input; its pieces are row groups.
#[derive(Debug)]
pub struct ParquetInput {
    files: Vec<Listed>,
    pieces: Vec<(usize, usize)>,
    overrides: Overrides,
}

#[derive(Debug)]
struct Listed {
    path: PathBuf,
    bytes: u64,
    rows: u64,
    /// Smallest time in the file's statistics, in the file's own unit.
    earliest: Option<i64>,
}

impl ParquetInput {
    /// Reads the footers of the files. Files are taken in order of their earliest time where all of them state one, else as given.
    ///
    /// # Errors
    /// [`MeterError::Io`], [`MeterError::Malformed`], [`MeterError::MissingColumn`], [`MeterError::WrongMetric`].
    pub fn open(paths: &[PathBuf], overrides: Overrides) -> Result<Self, MeterError> {
        let mut files = Vec::new();
        for path in paths {
            let (listed, groups) = Listed::read(path, &overrides)?;
            files.push((listed, groups));
        }
        if files.iter().all(|(listed, _)| listed.earliest.is_some()) {
            files.sort_by_key(|(listed, _)| listed.earliest);
        }
        let pieces = files
            .iter()
            .enumerate()
            .flat_map(|(file, (_, groups))| (0..*groups).map(move |group| (file, group)))
            .collect();
        Ok(Self { files: files.into_iter().map(|(listed, _)| listed).collect(), pieces, overrides })
    }

    /// Rows of all files, as their footers state them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|listed| listed.rows).sum()
    }

    /// Decodes the used columns of one piece and does nothing with them: the floor for a benchmark. Returns the rows.
    ///
    /// # Errors
    /// As [`Input::meter`].
    pub fn decode_only(&self, piece: usize) -> Result<u64, MeterError> {
        let (path, reader, _) = self.reader(piece)?;
        let mut rows = 0;
        for batch in reader {
            rows += batch.map_err(|error| malformed(path, &error))?.num_rows() as u64;
        }
        Ok(rows)
    }

    fn reader(&self, piece: usize) -> Result<(&Path, ParquetRecordBatchReader, Columns), MeterError> {
        let Some(&(file, group)) = self.pieces.get(piece) else {
            return Err(MeterError::Batch {
                place: "Parquet input".to_owned(),
                what: format!("there is no piece {piece}"),
            });
        };
        let path = self.files[file].path.as_path();
        let (handle, metadata) = footer(path)?;
        let columns = Columns::find(&path.display().to_string(), &names(metadata.schema()), &self.overrides)?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.used());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata);
        let builder = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(BATCH_ROWS);
        Ok((path, builder.build().map_err(|error| malformed(path, &error))?, columns))
    }
}

impl Input for ParquetInput {
    fn pieces(&self) -> usize {
        self.pieces.len()
    }

    fn identity(&self) -> Hash32 {
        let mut hasher = Sha256::new();
        for listed in &self.files {
            hasher.update(format!("{}\0{}\0{}\0", listed.path.display(), listed.bytes, listed.rows));
        }
        hasher.update(format!("{:?}", self.overrides));
        Hash32(hasher.finalize().into())
    }

    fn meter(&self, piece: usize, rules: &Rules) -> Result<Piece, MeterError> {
        let (path, reader, columns) = self.reader(piece)?;
        let place = path.display().to_string();
        let mut meter = Meter::new(place.clone(), rules.contract.clone(), rules.grid);
        let mut converter = Converter::new(place, &columns, &rules.contract);
        for batch in reader {
            let batch = batch.map_err(|error| malformed(path, &error))?;
            converter.convert(batch, &mut meter)?;
        }
        Ok(meter.into_piece())
    }
}

impl Listed {
    fn read(path: &Path, overrides: &Overrides) -> Result<(Self, usize), MeterError> {
        let (handle, metadata) = footer(path)?;
        let bytes = handle.metadata().map_err(|source| MeterError::Io { path: path.to_owned(), source })?.len();
        let columns = Columns::find(&path.display().to_string(), &names(metadata.schema()), overrides)?;
        let groups = metadata.metadata().row_groups();
        let time = columns.get(super::columns::Meaning::Time);
        let earliest = groups.iter().map(|group| time.and_then(|time| earliest(group, time))).min().flatten();
        let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        Ok((Self { path: path.to_owned(), bytes, rows, earliest }, groups.len()))
    }
}

fn earliest(group: &RowGroupMetaData, column: usize) -> Option<i64> {
    match group.columns().get(column)?.statistics()? {
        Statistics::Int64(values) => values.min_opt().copied(),
        _ => None,
    }
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// Opens a file and asks for every text column as a dictionary, whatever the writer noted.
fn footer(path: &Path) -> Result<(File, ArrowReaderMetadata), MeterError> {
    let handle = File::open(path).map_err(|source| MeterError::Io { path: path.to_owned(), source })?;
    let plain =
        ArrowReaderMetadata::load(&handle, ArrowReaderOptions::new()).map_err(|error| malformed(path, &error))?;
    let bytes = handle.metadata().map_err(|source| MeterError::Io { path: path.to_owned(), source })?.len();
    if let Some(fault) = parquet_footer::fault(plain.metadata(), bytes) {
        return Err(malformed(path, &fault));
    }
    let fields: Vec<Field> = plain.schema().fields().iter().map(|field| as_dictionary(field)).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let wanted = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options).unwrap_or(plain);
    Ok((handle, wanted))
}

fn as_dictionary(field: &Field) -> Field {
    let is_text = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => {
            matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        _ => false,
    };
    let wanted = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    if is_text { field.clone().with_data_type(wanted()) } else { field.clone() }
}

fn malformed(path: &Path, error: &dyn std::fmt::Display) -> MeterError {
    MeterError::Malformed {
        place: path.display().to_string(),
        format: "Parquet",
        what: error.to_string(),
        remedy: "check that the file is complete and not still being written".to_owned(),
    }
}
