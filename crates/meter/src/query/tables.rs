//! Telemetry files as tables.

use super::QueryError;
use super::readings::field_name;
use crate::adapter::columns::{Columns, Meaning, Overrides};
use crate::source::list;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::prelude::{CsvReadOptions, DataFrame, ParquetReadOptions, SessionContext, ident, lit};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Rows of a CSV file that its column types are told from.
const CSV_PROBE_ROWS: usize = 20_000;

/// Files that make one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFiles {
    /// Name of the table.
    pub name: String,
    /// Files, or folders of files, of one format: `.parquet`, `.csv` or `.tsv`.
    pub paths: Vec<PathBuf>,
}

impl TableFiles {
    /// Reads words `NAME=PATH` or `PATH`. Equal names make one table; a path alone is named after itself (`hour-00.parquet` is `hour_00`).
    ///
    /// # Errors
    /// [`QueryError::Table`] when two paths alone would have the same name.
    pub fn of_words(words: &[String]) -> Result<Vec<Self>, QueryError> {
        let mut tables: BTreeMap<String, (bool, Vec<PathBuf>)> = BTreeMap::new();
        for word in words {
            let (named, name, path) = match word.split_once('=').filter(|(name, _)| is_name(name)) {
                Some((name, path)) => (true, name.to_owned(), PathBuf::from(path)),
                None => (false, name_of(Path::new(word)), PathBuf::from(word)),
            };
            let table = tables.entry(name.clone()).or_insert((named, Vec::new()));
            let joins = named && table.0;
            if !joins && !table.1.is_empty() {
                let what = format!("{} would have the name of another file", path.display());
                return Err(QueryError::Table { table: name, what, remedy: "name both: NAME=FILE" });
            }
            table.1.push(path);
        }
        Ok(tables.into_iter().map(|(name, (_, paths))| Self { name, paths }).collect())
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn name_of(path: &Path) -> String {
    let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if is_name(&plain) { plain } else { format!("t_{plain}") }
}

/// Registers a table.
pub(super) async fn register(context: &SessionContext, table: &TableFiles) -> Result<(), QueryError> {
    let fail = |what: String, remedy| QueryError::Table { table: table.name.clone(), what, remedy };
    if context.table_exist(table.name.as_str()).unwrap_or(false) {
        return Err(fail("there is one of that name already".to_owned(), "give the file another name: NAME=FILE"));
    }
    let files = list(&table.paths)?;
    let extension =
        |path: &PathBuf| path.extension().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(first) = files.first().map(extension) else {
        return Err(fail("the folder holds no file".to_owned(), "name the folder that holds the export"));
    };
    if let Some(other) = files.iter().find(|path| extension(path) != first) {
        let what = format!("{} is not .{first} as the others are", other.display());
        return Err(fail(what, "make one table of each format"));
    }
    let urls = files.iter().map(|path| url(path)).collect::<std::io::Result<Vec<_>>>();
    let urls = urls.map_err(|error| fail(error.to_string(), "check the path and its permissions"))?;
    let ending = format!(".{first}");
    let frame = match first.to_ascii_lowercase().as_str() {
        "parquet" => context.read_parquet(urls, ParquetReadOptions::default().file_extension(&ending)).await,
        "csv" => csv(context, urls, &ending, b',').await,
        "tsv" => csv(context, urls, &ending, b'\t').await,
        _ => {
            let what = format!("{} is neither .parquet, .csv nor .tsv", files[0].display());
            return Err(fail(what, "export to Parquet; accounting goes to --jobs, the fleet file to --fleet"));
        }
    };
    let unreadable = |error: datafusion::error::DataFusionError| {
        let what = error.strip_backtrace().lines().next().unwrap_or_default().to_owned();
        fail(what, "check that the files are complete and have the same columns")
    };
    let frame = with_reading(frame.map_err(&unreadable)?, &table.name).map_err(&unreadable)?;
    context.register_table(table.name.as_str(), frame.into_view()).map(|_| ()).map_err(&unreadable)
}

/// The column `reading`: what the meter would read of each row. Left out where the meter would find no telemetry.
fn with_reading(frame: DataFrame, table: &str) -> datafusion::common::Result<DataFrame> {
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let Ok(columns) = Columns::find(table, &names, &Overrides::new()) else { return Ok(frame) };
    if names.iter().any(|name| name == "reading") {
        return Ok(frame);
    }
    let mut parts = Vec::new();
    for meaning in Meaning::ALL {
        if let Some(at) = columns.get(meaning) {
            parts.extend([lit(field_name(meaning)), ident(names[at].clone())]);
        }
    }
    frame.with_column("reading", named_struct(parts))
}

/// Reads CSV with labels as text: a job 007 is not 7.
async fn csv(
    context: &SessionContext,
    urls: Vec<String>,
    ending: &str,
    delimiter: u8,
) -> datafusion::common::Result<DataFrame> {
    let options = CsvReadOptions::new()
        .has_header(true)
        .delimiter(delimiter)
        .file_extension(ending)
        .schema_infer_max_records(CSV_PROBE_ROWS);
    let guessed = context.read_csv(urls.clone(), options.clone()).await?;
    let schema = guessed.schema().as_arrow();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let Ok(columns) = Columns::find("", &names, &Overrides::new()) else { return Ok(guessed) };
    let labels = [Meaning::Device, Meaning::Job].map(|meaning| columns.get(meaning));
    let field = |(at, field): (usize, &std::sync::Arc<Field>)| {
        let field = field.as_ref().clone();
        if labels.contains(&Some(at)) { field.with_data_type(DataType::Utf8) } else { field }
    };
    let schema = Schema::new(schema.fields().iter().enumerate().map(field).collect::<Vec<_>>());
    context.read_csv(urls, options.schema(&schema)).await
}

/// A path as an address in which no character is a pattern.
fn url(path: &Path) -> std::io::Result<String> {
    let whole = std::fs::canonicalize(path)?;
    let mut text = "file://".to_owned();
    for &byte in whole.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => text.push(char::from(byte)),
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(words: &[&str]) -> Result<Vec<TableFiles>, QueryError> {
        TableFiles::of_words(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_come_from_the_word_or_from_the_path() {
        let found = tables(&["day=a.parquet", "day=b.parquet", "x/hour-00.parquet", "./a=b.csv", "7.csv"]).unwrap();
        let named: Vec<(&str, usize)> = found.iter().map(|table| (table.name.as_str(), table.paths.len())).collect();
        assert_eq!(named, [("a_b", 1), ("day", 2), ("hour_00", 1), ("t_7", 1)]);
        let error = tables(&["x/a.csv", "y/a.csv"]).unwrap_err().to_string();
        assert!(error.contains("table a: y/a.csv would have the name of another file; name both"), "{error}");
    }

    #[test]
    fn no_character_of_a_path_is_a_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b[1]*?.csv");
        std::fs::write(&path, "x\n1\n").unwrap();
        assert!(url(&path).unwrap().ends_with("/a%20b%5B1%5D%2A%3F.csv"));
    }
}
