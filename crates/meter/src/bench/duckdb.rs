//! DuckDB as the second engine, through its Python package. Never installed from here.

use super::{START_MS, process::Cost};
use std::path::Path;
use std::process::{Command, Output};

const HOW: &str = "DuckDB was not measured: python3 has no module 'duckdb'; install it with 'pip install duckdb'";

/// Why DuckDB cannot be measured, none when it can.
pub(super) fn absent() -> Option<String> {
    let found =
        Command::new("python3").args(["-c", "import duckdb"]).output().is_ok_and(|output| output.status.success());
    (!found).then(|| HOW.to_owned())
}

/// The rollup as one would write it in SQL when every sample stands for 10 s: the form that is kindest to DuckDB, as the exact integral
/// needs a window function and costs it 10 to 30 times more.
const TIMED: &str = "
import duckdb, resource, sys, time
folder, threads = sys.argv[1], int(sys.argv[2])
con = duckdb.connect()
con.execute(f'SET threads={threads}; SET enable_progress_bar=false')
start, usage = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
rows = con.execute(f\"\"\"SELECT hpc_job, date_trunc('hour', timestamp) AS hour, \\\"modelName\\\",
  sum(DCGM_FI_PROF_PIPE_TENSOR_ACTIVE) * 10, sum(DCGM_FI_PROF_DRAM_ACTIVE) * 10, sum(DCGM_FI_DEV_POWER_USAGE) * 10, count(*)
  FROM read_parquet('{folder}/hour-*.parquet') GROUP BY ALL\"\"\").fetchall()
wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
print(wall, cpu, after.ru_maxrss * 1024, len(rows))
";

/// The same rollup in integers, each sample speaking for the 10 s before it, so that every group can be compared bit for bit.
const EXACT: &str = "
import duckdb, sys
folder, threads, start = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
con = duckdb.connect()
con.execute(f'SET threads={threads}; SET enable_progress_bar=false')
def whole(column, scale):
    return f'sum(CAST(round_even(CAST({column} AS DOUBLE) * {scale}, 0) AS BIGINT)) * 10000'
rows = con.execute(f\"\"\"SELECT hpc_job, (epoch_ms(timestamp) - 1 - {start}) // 3600000 AS slot, \\\"modelName\\\",
  {whole('DCGM_FI_PROF_PIPE_TENSOR_ACTIVE', '1e6')}, {whole('DCGM_FI_PROF_DRAM_ACTIVE', '1e6')}, {whole('DCGM_FI_DEV_POWER_USAGE', '1e3')}
  FROM read_parquet('{folder}/hour-*.parquet') WHERE epoch_ms(timestamp) > {start} GROUP BY ALL\"\"\").fetchall()
for row in rows:
    print(','.join(str(value) for value in row))
";

fn python(script: &str, folder: &Path, threads: usize) -> Result<Output, String> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(script).arg(folder).arg(threads.to_string()).arg(START_MS.to_string());
    let output = command.output().map_err(|error| format!("DuckDB was not measured: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("DuckDB was not measured: {}", text.lines().last().unwrap_or("python3 failed")))
}

/// Times the rollup once.
pub(super) fn time(folder: &Path, threads: usize) -> Result<Cost, String> {
    let output = python(TIMED, folder, threads)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next().and_then(Result::ok).ok_or_else(|| format!("DuckDB printed '{}'", text.trim()));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(Cost { wall_seconds: next()?, cpu_seconds: next()?, peak_bytes: next()? as u64 })
}

/// Lines `job,slot,model,tensor,dram,power` of the exact rollup, sorted.
pub(super) fn exact_lines(folder: &Path, threads: usize) -> Result<Vec<String>, String> {
    let output = python(EXACT, folder, threads)?;
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    Ok(lines)
}
