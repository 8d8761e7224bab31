//! One task of an array job: `meter_shard <output> <origin ms> <file>…` meters the files to a partial file.
//! `meter_shard --merge <output> <partial>…` joins partial files. What the scheduler runs in `scripts/slurm-one-machine.sh`.

use standstill_meter::adapter::columns::Overrides;
use standstill_meter::adapter::parquet::ParquetInput;
use standstill_meter::engine::{CHECKPOINT_EVERY, Rules, RunOptions, merge_files, run_to_file};
use standstill_meter::{Grid, SourceContract};
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (first, rest) = arguments.split_first().ok_or("give an output and files")?;
    if first == "--merge" {
        let (output, partials) = rest.split_first().ok_or("give an output and partial files")?;
        let paths: Vec<PathBuf> = partials.iter().map(PathBuf::from).collect();
        let merged = merge_files(&paths)?.ok_or("give at least one partial file")?;
        std::fs::write(output, merged.encode())?;
        println!("{}", merged.hash());
        return Ok(());
    }
    let (origin, files) = rest.split_first().ok_or("give the grid's origin in milliseconds")?;
    let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    let grid = Grid { origin_ms: origin.parse()?, slot_ms: 3_600_000 };
    let rules = Rules { contract: SourceContract::dcgm(10_000), grid };
    let input = ParquetInput::open(&paths, Overrides::new())?;
    let options = RunOptions { checkpoint_every: CHECKPOINT_EVERY, ..RunOptions::default() };
    println!("{}", run_to_file(&input, &rules, Path::new(first), &options)?.hash());
    Ok(())
}
