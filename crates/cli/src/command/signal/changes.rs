//! `standstill signal changes`.

mod text;

use super::sign;
use crate::args::ChangesArgs;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use crate::progress::Progress;
use standstill_signals::changes::record::{InputDigest, Role, of_table};
use standstill_signals::changes::walk::{self, Options, Walked};
use standstill_signals::changes::{ChangesError, ClassTable, Identities, Method, Record, Table, compare, recheck};
use standstill_signals::claim;
use std::path::{Path, PathBuf};

/// Largest input file that is read, in bytes.
const MAX_BYTES: u64 = 4 << 30;

pub(super) fn run(args: &ChangesArgs) -> CliResult {
    let tables = Tables::read(args)?;
    if args.print_method {
        let hash = tables.method.hash().map_err(CliError::bug)?;
        print!("# method hash {}\n{}", hex::encode(hash), tables.method.to_toml().map_err(CliError::bug)?);
        return Ok(Exit::Ok);
    }
    if let Some(record) = &args.recompute {
        return again(args, record);
    }
    let Some(repository) = &args.repository else { return Err(CliError::usage("give the path of a git repository")) };
    let walked = walked(args, repository, &tables)?;
    if let Some(path) = &args.against {
        let earlier =
            Table::parse(&folder::read(path, MAX_BYTES)?).map_err(|error| CliError::about(path.display(), error))?;
        if let Err(ChangesError::Differs(why)) = compare::extends(&earlier, &walked.table) {
            println!("DIFFERS: {why}.\nThe repository is not the one that {} was made from.", path.display());
            return Ok(Exit::Violated);
        }
    }
    let bytes = walked.table.to_bytes().map_err(CliError::bug)?;
    let runs = args.runs.as_ref().map(|path| folder::read(path, MAX_BYTES)).transpose()?;
    let record = of_table(&tables.method, &walked.table, InputDigest::of(Role::Table, &bytes), runs.as_deref())
        .map_err(CliError::unreadable)?;
    if let Some(path) = &args.table {
        folder::write(path, &bytes)?;
    }
    if args.sign.sign.is_some() {
        let subject = sign::subject(&args.sign)?;
        let claim = claim::changes(&subject, &bytes, runs.as_deref(), &record).map_err(CliError::usage)?;
        sign::publish(&args.sign, &claim)?;
    }
    finish(args, &record, Some(&walked), tables.identities.is_salted())
}

/// The tables in force.
struct Tables {
    identities: Identities,
    classes: ClassTable,
    method: Method,
}

impl Tables {
    fn read(args: &ChangesArgs) -> CliResult<Self> {
        let text = |path: &Option<PathBuf>| -> CliResult<Option<(String, String)>> {
            path.as_ref().map(|path| Ok((path.display().to_string(), folder::read_text(path)?))).transpose()
        };
        let (map, marks, own) = (text(&args.identities)?, text(&args.marks)?, text(&args.classes)?);
        let marks = marks.as_ref().map_or(Identities::builtin_text(), |(_, text)| text);
        let map = map.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        // Files of keys stand beside the map.
        let beside = args.identities.as_ref().and_then(|path| path.parent()).unwrap_or_else(|| Path::new(""));
        let read = |name: &str| folder::read_text(&beside.join(name)).map_err(|error| error.to_string());
        let identities = Identities::with_files(marks, map, &read).map_err(CliError::unreadable)?;
        let classes = match &own {
            Some((name, text)) => ClassTable::parse(name, text),
            None => ClassTable::builtin(),
        };
        let classes = classes.map_err(CliError::unreadable)?;
        let mut method = match text(&args.method)? {
            Some((name, text)) => Method::parse(&name, &text).map_err(CliError::unreadable)?,
            None => Method::default(),
        };
        let month = |text: &str| text.parse().map_err(CliError::usage);
        if let Some(text) = &args.since {
            method.since = Some(month(text)?);
        }
        if let Some(text) = &args.until {
            method.until = Some(month(text)?);
        }
        method.check().map_err(CliError::usage)?;
        let method = walk::bind(&method, &classes, &identities);
        Ok(Self { identities, classes, method })
    }
}

fn walked(args: &ChangesArgs, repository: &Path, tables: &Tables) -> CliResult<Walked> {
    let traces = args.traces.as_ref().map(|path| folder::read(path, MAX_BYTES)).transpose()?;
    // The name goes into the published table, so that the folder must not.
    let name = |path: &PathBuf| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let read = |path: &PathBuf| Ok((name(path), folder::read(path, MAX_BYTES)?));
    let envelopes = args.envelopes.iter().map(read).collect::<CliResult<Vec<_>>>()?;
    let progress = Progress::start("Counting lines", 0, "commits");
    let options = Options {
        identities: &tables.identities,
        classes: &tables.classes,
        method: &tables.method,
        head: args.head.as_deref(),
        threads: args.threads,
        cache: args.cache.as_deref(),
        traces: traces.as_deref(),
        envelopes: &envelopes,
        progress: &|done, all| {
            progress.say(&format!("Counting lines of {all} commits:"));
            progress.at(done);
        },
    };
    walk::walk(repository, &options).map_err(CliError::unreadable)
}

/// A published record once more from its inputs.
fn again(args: &ChangesArgs, path: &Path) -> CliResult {
    let Some(table) = &args.table else { return Err(CliError::usage("--recompute needs --table")) };
    let mut inputs = vec![folder::read(table, MAX_BYTES)?];
    if let Some(runs) = &args.runs {
        inputs.push(folder::read(runs, MAX_BYTES)?);
    }
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    match recheck(&folder::read(path, MAX_BYTES)?, &inputs) {
        Ok(record) => finish(args, &record, None, true),
        Err(ChangesError::Differs(why)) => {
            println!("DIFFERS: {why}.\n{} does not follow from its inputs.", path.display());
            Ok(Exit::Violated)
        }
        Err(error) => Err(CliError::about(path.display(), error)),
    }
}

fn finish(args: &ChangesArgs, record: &Record, walked: Option<&Walked>, is_salted: bool) -> CliResult {
    let bytes = record.to_bytes().map_err(CliError::bug)?;
    if let Some(path) = &args.record {
        folder::write(path, &bytes)?;
    }
    if args.json {
        print!("{}", String::from_utf8_lossy(&bytes));
    } else {
        print!("{}", text::of(record));
        for (name, path) in [("Table ", walked.and(args.table.as_ref())), ("Record", args.record.as_ref())] {
            if let Some(path) = path {
                println!("{name}: {}", path.display());
            }
        }
        if let Some(against) = &args.against {
            println!("Every row of {} is in the history, unchanged.", against.display());
        }
    }
    for damaged in walked.iter().flat_map(|walked| &walked.damaged) {
        eprintln!("standstill: {} was damaged; its commits were read again", damaged.display());
    }
    if (args.table.is_some() || args.record.is_some() || args.sign.sign.is_some()) && !is_salted {
        eprintln!(
            "standstill: pseudonyms have no salt, so that whoever knows an address can find its person; put `salt = \"...\"` into the file for --identities before publishing"
        );
    }
    Ok(if record.is_complete() { Exit::Ok } else { Exit::CannotConclude })
}
