//! What a Parquet footer must keep before its columns are read.
//!
//! A footer is another party's bytes, and the reader asserts where it should refuse (`ColumnChunkMetaData::byte_range` of parquet 60.1
//! panics on a negative offset or length). So the places of all columns are checked first, against the file's own length.

use parquet::file::metadata::ParquetMetaData;

/// What is wrong with the place of a column chunk, if anything. `file_bytes` is the length of the file.
pub(crate) fn fault(metadata: &ParquetMetaData, file_bytes: u64) -> Option<String> {
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return Some(format!("row group {row_group} has {} rows", group.num_rows()));
        }
        for (column, chunk) in group.columns().iter().enumerate() {
            let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let places = [start, chunk.data_page_offset(), chunk.compressed_size()].map(u64::try_from);
            let [Ok(start), Ok(data), Ok(length)] = places else {
                return Some(format!("column {column} of row group {row_group} has a negative offset or length"));
            };
            if data > file_bytes || start.checked_add(length).is_none_or(|end| end > file_bytes) {
                return Some(format!("column {column} of row group {row_group} lies beyond the end of the file"));
            }
        }
    }
    None
}
