//! Kinds of sources and how to read them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::adapter::civil_time::UtcOffset;
use crate::adapter::columns::Overrides;
use crate::adapter::fault::TextLimits;
use crate::adapter::power::PowerRule;
use crate::adapter::sacct::{ParsableOptions, Placement};
use crate::jobs::Assignments;
use crate::{Grid, SourceContract};

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// Parquet export of GPU metrics, one row per device and time.
    DcgmParquet,
    /// The same as CSV.
    DcgmCsv,
    /// Saved `/metrics` bodies, one file per scrape, named by their time.
    PrometheusText,
    /// Saved answers of the HTTP API.
    PrometheusRange,
    /// Saved remote-write 1.0 bodies and remote-read responses (files whose name holds `remote_read`).
    PrometheusRemoteWrite,
    /// A running Prometheus server.
    PrometheusLive,
    /// `sacct -P`.
    SacctParsable,
    /// `sacct --json`.
    SacctJson,
    /// Published job lists with requested accelerators.
    SacctCsv,
    /// MLPerf power logs, one per node, with or without the result log.
    PowerMllog,
    /// The power analyser's `spl.txt`.
    PowerSpl,
    /// Parquet with `node, t_ms, watts`.
    PowerParquet,
    /// The same as CSV.
    PowerCsv,
    /// Azure's request traces.
    RequestsAzure,
    /// Mooncake's request traces.
    RequestsMooncake,
}

impl SourceKind {
    /// All kinds.
    pub const ALL: [SourceKind; 15] = [
        SourceKind::DcgmParquet,
        SourceKind::DcgmCsv,
        SourceKind::PrometheusText,
        SourceKind::PrometheusRange,
        SourceKind::PrometheusRemoteWrite,
        SourceKind::PrometheusLive,
        SourceKind::SacctParsable,
        SourceKind::SacctJson,
        SourceKind::SacctCsv,
        SourceKind::PowerMllog,
        SourceKind::PowerSpl,
        SourceKind::PowerParquet,
        SourceKind::PowerCsv,
        SourceKind::RequestsAzure,
        SourceKind::RequestsMooncake,
    ];

    /// The word for `--source`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SourceKind::DcgmParquet => "dcgm-parquet",
            SourceKind::DcgmCsv => "dcgm-csv",
            SourceKind::PrometheusText => "prometheus-text",
            SourceKind::PrometheusRange => "prometheus-range",
            SourceKind::PrometheusRemoteWrite => "prometheus-remote-write",
            SourceKind::PrometheusLive => "prometheus-live",
            SourceKind::SacctParsable => "sacct-parsable",
            SourceKind::SacctJson => "sacct-json",
            SourceKind::SacctCsv => "sacct-csv",
            SourceKind::PowerMllog => "power-mllog",
            SourceKind::PowerSpl => "power-spl",
            SourceKind::PowerParquet => "power-parquet",
            SourceKind::PowerCsv => "power-csv",
            SourceKind::RequestsAzure => "requests-azure",
            SourceKind::RequestsMooncake => "requests-mooncake",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn from_name(word: &str) -> Option<SourceKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// The format, for messages.
    #[must_use]
    pub const fn format(self) -> &'static str {
        match self {
            SourceKind::DcgmParquet | SourceKind::PowerParquet => "Parquet",
            SourceKind::DcgmCsv | SourceKind::PowerCsv | SourceKind::SacctCsv => "CSV",
            SourceKind::PrometheusText => "Prometheus text",
            SourceKind::PrometheusRange | SourceKind::PrometheusLive => "an answer of the Prometheus API",
            SourceKind::PrometheusRemoteWrite => "a remote-write body",
            SourceKind::SacctParsable => "sacct -P output",
            SourceKind::SacctJson => "sacct --json output",
            SourceKind::PowerMllog => "an MLPerf log",
            SourceKind::PowerSpl => "a PTDaemon log",
            SourceKind::RequestsAzure | SourceKind::RequestsMooncake => "a request trace",
        }
    }
}

/// Called with the number of rows read so far, from any thread.
#[derive(Clone)]
pub struct ProgressHook(pub Arc<dyn Fn(u64) + Send + Sync>);

impl std::fmt::Debug for ProgressHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProgressHook")
    }
}

/// How to read a source.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// Time grid of the agreement.
    pub grid: Grid,
    /// Usual distance of two readings, milliseconds: three missed ones make a gap.
    pub period_ms: u64,
    /// The source's contract in place of the kind's own.
    pub contract: Option<SourceContract>,
    /// Time of scrapes whose file name does not say it.
    pub at_ms: Option<i64>,
    /// Offset of calendar times without a zone.
    pub utc_offset: UtcOffset,
    /// Column separator of `sacct -P --delimiter`.
    pub delimiter: char,
    /// Devices of each node: for accounting and power, which name nodes only.
    pub placement: Placement,
    /// The job that held every device of a power source, if one did: within [`SourceOptions::range_ms`], or within the marks of a result log.
    pub job: Option<String>,
    /// The one run to read of a table that holds several.
    pub run: Option<String>,
    /// What a power reading says about the stretch before it.
    pub power_rule: PowerRule,
    /// Span wanted, Unix milliseconds: for a live server, for accounting, and for `job`.
    pub range_ms: Option<(i64, i64)>,
    /// Which job held which device when: for telemetry without job labels.
    pub assignments: Assignments,
    /// Address of a live server.
    pub address: String,
    /// Label matchers for a live server.
    pub matchers: String,
    /// Start of a trace whose times count from 0.
    pub trace_start_ms: i64,
    /// Column names for tables.
    pub columns: Overrides,
    /// Threads for tables; 0 for one per core.
    pub threads: usize,
    /// Where a run over tables keeps its checkpoint.
    pub checkpoint: Option<PathBuf>,
    /// Told how far a run over tables is.
    pub progress: Option<ProgressHook>,
    /// Limits on text files.
    pub limits: TextLimits,
}

impl SourceOptions {
    /// Defaults on a grid: readings every 30 s (dcgm-exporter's own default), UTC, everything else empty.
    #[must_use]
    pub fn new(grid: Grid) -> Self {
        SourceOptions {
            grid,
            period_ms: 30_000,
            contract: None,
            at_ms: None,
            utc_offset: UtcOffset::UTC,
            delimiter: '|',
            placement: Placement::default(),
            job: None,
            run: None,
            power_rule: PowerRule::Trapezoid,
            range_ms: None,
            assignments: Assignments::new(),
            address: String::new(),
            matchers: String::new(),
            trace_start_ms: 0,
            columns: Overrides::default(),
            threads: 0,
            checkpoint: None,
            progress: None,
            limits: TextLimits::default(),
        }
    }

    /// The contract that a kind is metered under.
    #[must_use]
    pub fn contract_of(&self, kind: SourceKind) -> SourceContract {
        if let Some(contract) = &self.contract {
            return contract.clone();
        }
        match kind {
            SourceKind::SacctParsable | SourceKind::SacctJson | SourceKind::SacctCsv => SourceContract::allocation(),
            SourceKind::PowerMllog | SourceKind::PowerSpl | SourceKind::PowerParquet | SourceKind::PowerCsv => {
                SourceContract::power(self.period_ms)
            }
            _ => SourceContract::dcgm(self.period_ms),
        }
    }

    pub(super) fn parsable(&self) -> ParsableOptions {
        ParsableOptions { offset: self.utc_offset, delimiter: self.delimiter, limits: self.limits }
    }
}
