//! `standstill meter query`.

use crate::args::MeterQueryArgs;
use crate::exit::CliResult;

/// Answers a question over telemetry files.
#[cfg(not(feature = "query"))]
pub(super) fn run(_: &MeterQueryArgs) -> CliResult {
    Err(crate::exit::CliError::usage("this build has no query engine; build with --features query"))
}

#[cfg(feature = "query")]
pub(super) use engine::run;

#[cfg(feature = "query")]
mod engine {
    use super::{CliResult, MeterQueryArgs};
    use crate::exit::{CliError, Exit};
    use standstill_meter::engine::Rules;
    use standstill_meter::query::{MAX_SQL_BYTES, QueryError, QueryOptions, Session, TableFiles};
    use standstill_meter::{Grid, SourceContract};
    use std::io::Read;

    /// Answers a question over telemetry files.
    pub(in super::super) fn run(args: &MeterQueryArgs) -> CliResult {
        let sql = question(&args.sql)?;
        let options = options(args)?;
        let session = Session::new(&options).map_err(refused)?;
        session.add_files(&TableFiles::of_words(&args.tables).map_err(refused)?).map_err(refused)?;
        if let Some(path) = &args.fleet {
            session.add_fleet(&super::super::fleet::read(path)?, args.window).map_err(refused)?;
        }
        if let Some(path) = &args.jobs {
            let accounting = super::super::meter::accounting(path, options.rules.grid)?;
            session.add_accounting(&accounting).map_err(refused)?;
        }
        let answer = session.ask(&sql).map_err(refused)?;
        if args.json {
            println!("{:#}", answer.to_json());
        } else if args.csv {
            print!("{}", answer.to_csv().map_err(refused)?);
        } else {
            print!("{}", answer.to_table());
        }
        if answer.more {
            eprintln!("note: only the first {} rows are shown; raise --rows or ask for less.", args.rows);
        }
        Ok(Exit::Ok)
    }

    fn question(word: &str) -> CliResult<String> {
        if word != "-" {
            return Ok(word.to_owned());
        }
        let mut sql = String::new();
        let read = std::io::stdin().take(MAX_SQL_BYTES as u64 + 1).read_to_string(&mut sql);
        read.map_err(|error| CliError::usage(format!("cannot read the question from standard input: {error}")))?;
        Ok(sql)
    }

    fn options(args: &MeterQueryArgs) -> CliResult<QueryOptions> {
        let refuse = |flag: &str| CliError::usage(format!("{flag} is out of range"));
        let slot_ms = args.slot_seconds.saturating_mul(1_000);
        if !(1..=Grid::MAX_SLOT_MS).contains(&slot_ms) {
            return Err(refuse("--slot-seconds"));
        }
        let start_ms = args.start.checked_mul(1_000).and_then(|start| i64::try_from(start).ok());
        let grid = Grid { origin_ms: start_ms.ok_or_else(|| refuse("--start"))?, slot_ms };
        let period_ms = args.period_seconds.saturating_mul(1_000);
        let contract = if args.node_power { SourceContract::power(period_ms) } else { SourceContract::dcgm(period_ms) };
        let bytes = |megabytes: u64| megabytes.checked_mul(1_000_000);
        let memory = bytes(args.memory_mb).and_then(|bytes| usize::try_from(bytes).ok());
        #[cfg(not(feature = "ballista"))]
        if args.scheduler.is_some() {
            return Err(CliError::usage("this build has no Ballista client; build with --features ballista"));
        }
        Ok(QueryOptions {
            #[cfg(feature = "ballista")]
            cluster: args.scheduler.clone().map(standstill_meter::query::Cluster::Scheduler),
            memory_bytes: memory.ok_or_else(|| refuse("--memory-mb"))?,
            spill_folder: args.spill_dir.clone(),
            spill_bytes: bytes(args.spill_mb).ok_or_else(|| refuse("--spill-mb"))?,
            partitions: args.partitions,
            most_rows: args.rows,
            ..QueryOptions::new(Rules { contract, grid })
        })
    }

    /// A question that is refused is a usage error; a file that cannot be read is not.
    fn refused(error: QueryError) -> CliError {
        match error {
            QueryError::Sql(_) => CliError::usage(error),
            QueryError::Scheduler(_) => CliError { message: error.to_string(), exit: Exit::Network },
            _ => CliError::unreadable(error),
        }
    }
}
