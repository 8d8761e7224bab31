//! What can go wrong while answering, each with what to do next.

use crate::MeterError;
use datafusion::error::DataFusionError;

/// A question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The engine could not be started.
    #[error("the query engine cannot start: {0}; check the spill folder and its permissions")]
    Setup(String),
    /// A file cannot be a table.
    #[error("table {table}: {what}; {remedy}")]
    Table {
        /// Table meant.
        table: String,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The question is refused, or failed while it was answered.
    #[error("the question is refused: {0}")]
    Sql(String),
    /// The readings are refused by the meter.
    #[error(transparent)]
    Meter(#[from] MeterError),
    /// The cluster's scheduler cannot be reached.
    #[error("the scheduler does not answer: {0}; check its address, df://host:port, and that it runs Ballista 55")]
    Scheduler(String),
    /// Memory or disk did not suffice.
    #[error(
        "not enough memory: {0}; raise --memory-mb or --spill-mb, ask about fewer rows, or give the aggregate smaller groups (GROUP BY device)"
    )]
    Memory(String),
}

impl QueryError {
    pub(super) fn setup(error: impl std::fmt::Display) -> Self {
        Self::Setup(error.to_string())
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let words = |error: &DataFusionError| error.strip_backtrace().lines().next().unwrap_or_default().to_owned();
        match error.find_root() {
            DataFusionError::ResourcesExhausted(what) => Self::Memory(what.clone()),
            root if words(root).contains("The used disk space") => {
                Self::Memory("what was written to disk reached its limit".to_owned())
            }
            root if words(root).contains("tonic::transport::Error") => Self::Scheduler(words(root)),
            // The meter's own sentences name place and remedy already.
            DataFusionError::External(source) => Self::Sql(source.to_string()),
            root => Self::Sql(words(root)),
        }
    }
}

/// Takes a refusal by the meter through the engine.
pub(super) fn carry(error: MeterError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
