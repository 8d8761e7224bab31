//! `standstill signal horizon`.

mod text;

use super::sign;
use crate::args::HorizonArgs;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::progress::Progress;
use standstill_audit::beacon::{Beacon, QUICKNET, Round};
use standstill_signals::claim;
use standstill_signals::horizon::draws::BeaconRound;
use standstill_signals::horizon::plot::plots;
use standstill_signals::horizon::{Input, Inputs, Outcome, Plan, Record, Role, recompute};
use std::path::Path;

/// Largest file that is read.
const MAX_BYTES: u64 = 2 << 30;

pub(super) fn run(args: &HorizonArgs) -> CliResult {
    let plan = plan(args.method.as_deref())?;
    if args.print_method {
        let hash = plan.method.hash().map_err(CliError::bug)?;
        print!("# method hash {}\n{}", hex::encode(hash), plan.to_toml().map_err(CliError::bug)?);
        return Ok(Exit::Ok);
    }
    let (inputs, beacon_round) = inputs(args)?;
    let progress = Progress::start("Resampling", u64::from(plan.method.bootstrap.resamples), "resamples");
    let record =
        recompute(&inputs, &plan, args.threads, &|done| progress.advance(done)).map_err(CliError::unreadable)?;
    drop(progress);
    let bytes = record.to_bytes().map_err(CliError::bug)?;
    if let Some(path) = &args.record {
        folder::write(path, &bytes)?;
    }
    let plots = match &args.plots {
        Some(dir) => write_plots(dir, &record)?,
        None => Vec::new(),
    };
    if args.json {
        print!("{}", String::from_utf8_lossy(&bytes));
    } else {
        print!("{}", text::of(&record));
        for plot in plots {
            println!("Plot:   {plot}");
        }
        if let Some(path) = &args.record {
            println!("Record: {}", path.display());
        }
    }
    if args.sign.sign.is_some() {
        let subject = sign::subject(&args.sign)?;
        let claim =
            claim::horizon(&subject, &args.agent, &inputs, &plan, beacon_round, &record).map_err(CliError::usage)?;
        sign::publish(&args.sign, &claim)?;
    }
    Ok(match record.outcome() {
        Outcome::Fired => Exit::Violated,
        Outcome::Indeterminate => Exit::CannotConclude,
        Outcome::NotFired => Exit::Ok,
    })
}

fn plan(path: Option<&Path>) -> CliResult<Plan> {
    let Some(path) = path else { return Ok(Plan::default()) };
    Plan::parse(&folder::read_text(path)?).map_err(|error| CliError::about(path.display(), error))
}

/// The inputs, and the beacon's round as it was given.
fn inputs(args: &HorizonArgs) -> CliResult<(Inputs, Option<String>)> {
    let groups = [(Role::Runs, &args.runs), (Role::Tasks, &args.tasks), (Role::Published, &args.published)];
    let many = groups.iter().flat_map(|(role, paths)| paths.iter().map(move |path| (*role, path)));
    let single = [(Role::Dates, &args.dates), (Role::Index, &args.index)];
    let single = single.iter().filter_map(|(role, path)| Some((*role, path.as_ref()?)));
    let files = many.chain(single).map(|(role, path)| {
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        Ok(Input { role, name, bytes: folder::read(path, MAX_BYTES)? })
    });
    let beacon = args.beacon_round.as_deref().map(round).transpose()?;
    let (beacon, json) = beacon.unzip();
    Ok((Inputs { files: files.collect::<CliResult<_>>()?, beacon }, json))
}

/// A round of quicknet, with its signature checked against the pinned key.
fn round(path: &Path) -> CliResult<(BeaconRound, String)> {
    let about = |error| CliError::about(path.display(), error);
    let round = Round::parse_json(&folder::read(path, 1 << 16)?).map_err(about)?;
    let randomness = Beacon::quicknet().and_then(|beacon| beacon.verify(&round)).map_err(about)?;
    let known =
        BeaconRound { beacon: QUICKNET.to_owned(), round: randomness.round, randomness: hex::encode(randomness.bytes) };
    Ok((known, round.to_json()))
}

fn write_plots(dir: &Path, record: &Record) -> CliResult<Vec<String>> {
    folder::make(dir)?;
    let write = |plot: standstill_signals::horizon::plot::Plot| {
        let path = dir.join(plot.name);
        folder::write(&path, plot.svg.as_bytes())?;
        Ok(path.display().to_string())
    };
    plots(record).into_iter().map(write).collect()
}
