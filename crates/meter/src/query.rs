//! SQL over telemetry files, for joins and forensics (feature `query`). Metering does not need it.
//!
//! The engine is DataFusion. It brings its own major of Arrow (59; the meter reads with 60), so no array passes between the two: files go in
//! by path, and the aggregate copies readings into the meter's own integers.
//!
//! What is added to its SQL are two aggregates, [`metered`](aggregate) and `metered_cells`, that run the meter's kernel over the rows of a
//! group. They need no sorted input: each collects the integer readings of its group, partitions join by concatenation, and the rows are
//! sorted by device and time when the group is closed. A group that holds whole devices therefore has the bits of the meter's own result,
//! whatever the number of partitions; a group that cuts a device (`GROUP BY job`) loses the stretches at the cuts.

mod aggregate;
mod answer;
#[cfg(feature = "ballista")]
mod cluster;
mod error;
mod readings;
mod records;
mod rows;
mod shape;
mod state;
mod tables;

pub use answer::{Answer, Column};
#[cfg(feature = "ballista")]
pub use cluster::{Cluster, aggregates};
pub use error::QueryError;
pub use tables::TableFiles;

use crate::adapter::sacct::Accounting;
use crate::engine::Rules;
use aggregate::Metered;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt;
use shape::Shape;
use standstill_ledger::Fleet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Longest question, bytes.
pub const MAX_SQL_BYTES: usize = 64 << 10;

/// How to answer.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Contract and grid that the aggregates meter under.
    pub rules: Rules,
    /// Memory that operators may hold before they write to disk, bytes. What cannot be written to disk and does not fit is an error.
    pub memory_bytes: usize,
    /// Folder for what is written to disk; none for the system's temporary folder. It is emptied afterwards.
    pub spill_folder: Option<PathBuf>,
    /// Most bytes on disk.
    pub spill_bytes: u64,
    /// Partitions that work at the same time; 0 for one per core.
    pub partitions: usize,
    /// Most rows of an answer.
    pub most_rows: usize,
    /// Cluster that answers instead of this process.
    #[cfg(feature = "ballista")]
    pub cluster: Option<Cluster>,
}

impl QueryOptions {
    /// 1 GiB of memory, 16 GiB of disk, one partition per core, 1,000 rows.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            memory_bytes: 1 << 30,
            spill_folder: None,
            spill_bytes: 16 << 30,
            partitions: 0,
            most_rows: 1_000,
            #[cfg(feature = "ballista")]
            cluster: None,
        }
    }
}

/// Tables and the engine that answers over them.
pub struct Session {
    runtime: Runtime,
    context: SessionContext,
    most_rows: usize,
    /// Tables in memory stay in this process.
    is_remote: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("most_rows", &self.most_rows).finish_non_exhaustive()
    }
}

impl Session {
    /// A session without tables.
    ///
    /// # Errors
    /// [`QueryError::Setup`] when the spill folder cannot be used or threads cannot be started.
    pub fn new(options: &QueryOptions) -> Result<Self, QueryError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let partitions = if options.partitions > 0 { options.partitions } else { cores };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(partitions.min(cores).max(1))
            .enable_all()
            .build()
            .map_err(QueryError::setup)?;
        let mode = match &options.spill_folder {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(options.spill_bytes);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(QueryError::setup)?;
        let config = config(partitions, options.memory_bytes);
        #[cfg(feature = "ballista")]
        if let Some(cluster) = &options.cluster {
            let context = runtime.block_on(cluster.connect(config, environment, &options.rules))?;
            return Ok(Self { runtime, context, most_rows: options.most_rows, is_remote: true });
        }
        let context = SessionContext::new_with_config_rt(config, environment);
        for shape in [Shape::Totals, Shape::Cells] {
            context.register_udaf(Metered::new(shape, &options.rules).into());
        }
        Ok(Self { runtime, context, most_rows: options.most_rows, is_remote: false })
    }

    /// Registers telemetry files as tables. A table in which the meter finds device, time and a reading also gets the column `reading`.
    ///
    /// # Errors
    /// [`QueryError::Table`] naming the table, and what to do.
    pub fn add_files(&self, tables: &[TableFiles]) -> Result<(), QueryError> {
        tables.iter().try_for_each(|table| self.runtime.block_on(tables::register(&self.context, table)))
    }

    /// Registers the fleet as table `fleet`: device, model, site, area, domain, and the custody state in a window.
    ///
    /// # Errors
    /// [`QueryError::Table`] when there is such a table already.
    pub fn add_fleet(&self, fleet: &Fleet, window: u64) -> Result<(), QueryError> {
        self.add_records("fleet", records::fleet(fleet, window))
    }

    /// Registers accounting as table `jobs`, one row per allocation and node.
    ///
    /// # Errors
    /// [`QueryError::Table`] when there is such a table already.
    pub fn add_accounting(&self, accounting: &Accounting) -> Result<(), QueryError> {
        self.add_records("jobs", records::jobs(accounting))
    }

    fn add_records(&self, name: &str, table: records::Table) -> Result<(), QueryError> {
        if self.is_remote {
            return Err(QueryError::Table {
                table: name.to_owned(),
                what: "a cluster reads files that all its machines see, not this process's memory".to_owned(),
                remedy: "write it as CSV to the shared folder and give it as a table: NAME=FILE",
            });
        }
        records::register(&self.context, name, table)
    }

    /// Answers one question. Only questions are allowed: nothing that writes, sets or defines.
    ///
    /// # Errors
    /// [`QueryError::Sql`] with the engine's words, [`QueryError::Meter`] from the aggregates, [`QueryError::Memory`].
    pub fn ask(&self, sql: &str) -> Result<Answer, QueryError> {
        if sql.len() > MAX_SQL_BYTES {
            return Err(QueryError::Sql(format!(
                "the question has {} bytes, at most {MAX_SQL_BYTES} are read",
                sql.len()
            )));
        }
        self.runtime.block_on(self.answer(sql))
    }

    async fn answer(&self, sql: &str) -> Result<Answer, QueryError> {
        let only_questions = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = self.context.sql_with_options(sql, only_questions).await?;
        let mut answer = Answer::new(frame.schema().as_arrow());
        let mut stream = frame.execute_stream().await?;
        while let Some(batch) = stream.next().await {
            if !answer.add(&batch?, self.most_rows)? {
                break;
            }
        }
        Ok(answer)
    }
}

/// Rows of a batch. A row between two stages of an aggregate holds all readings of a group, 200 kB for a device and a day, and a batch must
/// fit beside others: 1,024 rows for a GiB.
fn batch_rows(memory_bytes: usize) -> usize {
    (memory_bytes >> 20).clamp(16, 8_192)
}

fn config(partitions: usize, memory_bytes: usize) -> SessionConfig {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_rows(memory_bytes));
    let mut config = config.with_information_schema(true);
    let options = config.options_mut();
    // Names as the files write them: DCGM_FI_DEV_POWER_USAGE needs no quotes.
    options.sql_parser.enable_ident_normalization = false;
    // A state of the aggregates per row would be larger than the row.
    options.execution.skip_partial_aggregation_probe_rows_threshold = usize::MAX;
    // Kept free by every sort, so that it can merge what it wrote to disk: 10 MB unless that is much of the memory.
    options.execution.sort_spill_reservation_bytes = (memory_bytes / 64).min(10 << 20);
    config
}
