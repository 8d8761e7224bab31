//! Answers: cells as text, exact, and three ways to print them.

use super::QueryError;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// How its cells are written in JSON.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Float,
    Boolean,
    Text,
}

/// Rows that answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Columns in the order of the question.
    pub columns: Vec<Column>,
    /// Cells by row; none for NULL. Integers and decimals have all their digits.
    pub rows: Vec<Vec<Option<String>>>,
    /// True when there are more rows than were asked for.
    pub more: bool,
}

impl Answer {
    pub(super) fn new(schema: &Schema) -> Self {
        let column = |name: &str, kind| Column { name: heading(name).to_owned(), kind };
        let columns = schema.fields().iter().map(|field| column(field.name(), kind(field.data_type()))).collect();
        Self { columns, rows: Vec::new(), more: false }
    }

    /// Adds a batch; false when `most_rows` are there and more would come.
    pub(super) fn add(&mut self, batch: &RecordBatch, most_rows: usize) -> Result<bool, QueryError> {
        let options = FormatOptions::new().with_display_error(true);
        let refused = |error: ArrowError| QueryError::Sql(error.to_string());
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|array| Ok((array, ArrayFormatter::try_new(array.as_ref(), &options).map_err(refused)?)))
            .collect::<Result<_, QueryError>>()?;
        for row in 0..batch.num_rows() {
            if self.rows.len() >= most_rows {
                self.more = true;
                return Ok(false);
            }
            let cell = |(array, text): &(&ArrayRef, ArrayFormatter<'_>)| {
                (!array.is_null(row)).then(|| text.value(row).to_string())
            };
            self.rows.push(columns.iter().map(cell).collect());
        }
        Ok(true)
    }

    /// Cells of a column by its heading.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Vec<Option<&str>>> {
        let at = self.columns.iter().position(|column| column.name == name)?;
        Some(self.rows.iter().map(|row| row[at].as_deref()).collect())
    }

    /// An aligned table for people; NULL is shown as such.
    #[must_use]
    pub fn to_table(&self) -> String {
        let shown = |cell: &Option<String>| cell.as_deref().unwrap_or("NULL").replace(['\n', '\r', '\t'], " ");
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        let width = |at: usize| {
            let cells = rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
            cells.max(self.columns[at].name.chars().count())
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded = cells.zip(&widths).zip(&self.columns).map(|((cell, width), column)| match column.kind {
                Kind::Integer | Kind::Float => format!("{cell:>width$}"),
                Kind::Boolean | Kind::Text => format!("{cell:width$}"),
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let mut text = line(&mut self.columns.iter().map(|column| column.name.as_str()));
        text +=
            &line(&mut widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>().iter().map(String::as_str));
        rows.iter().for_each(|row| text += &line(&mut row.iter().map(String::as_str)));
        text
    }

    /// Comma-separated values with a header line; NULL is an empty field.
    ///
    /// # Errors
    /// [`QueryError::Sql`] when a row cannot be written, which memory alone can cause.
    pub fn to_csv(&self) -> Result<String, QueryError> {
        let refused = |error: &dyn std::fmt::Display| QueryError::Sql(error.to_string());
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| column.name.as_str())).map_err(|error| refused(&error))?;
        for row in &self.rows {
            writer
                .write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default()))
                .map_err(|error| refused(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| refused(&error))?;
        String::from_utf8(bytes).map_err(|error| refused(&error))
    }

    /// `{"columns": [...], "rows": [{...}], "more": bool}`. Integers are numbers; decimals, times and nested values are text.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let row = |row: &Vec<Option<String>>| -> Value {
            let cells = self.columns.iter().zip(row);
            cells.map(|(column, cell)| (column.name.clone(), value(column.kind, cell.as_deref()))).collect()
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        serde_json::json!({ "columns": columns, "rows": rows, "more": self.more })
    }
}

fn value(kind: Kind, cell: Option<&str>) -> Value {
    let Some(text) = cell else { return Value::Null };
    let number = match kind {
        Kind::Text => None,
        Kind::Boolean => text.parse().ok().map(Value::Bool),
        Kind::Integer => text.parse::<u64>().map(Value::from).or_else(|_| text.parse::<i64>().map(Value::from)).ok(),
        // A float that JSON cannot hold (NaN, infinity) stays text.
        Kind::Float => text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number),
    };
    number.unwrap_or_else(|| Value::from(text))
}

const fn kind(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Kind::Integer,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Kind::Integer,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Kind::Float,
        DataType::Boolean => Kind::Boolean,
        _ => Kind::Text,
    }
}

/// The engine names the columns of `unnest(x)` `__unnest_placeholder(x).field`; people want the field.
fn heading(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((before, field)) if before.contains("unnest") => field,
        _ => name,
    }
}
