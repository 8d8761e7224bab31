//! `standstill log submit|tail|fetch|absence|published|certificate|freeze|rotate|succeed|bench`.

mod look;
mod prove;
mod succession;

use crate::args::{LogNetworkCommand, NetworkLog};
use crate::exit::{CliError, CliResult, Exit};
use crate::network::{self, Publisher, client_error};
use crate::progress::Progress;
use crate::role::issuer::PublicHalf;
use crate::role::reading;
use crate::{folder, role};
use standstill_agreement::Agreement;
use standstill_node::client::http::join;
use standstill_node::client::question::Speaker;
use standstill_node::client::{ClientError, Follower, Http, HttpLimits, LogCopy};
use standstill_node::log::bench::{self, BenchOptions, Peer};
use standstill_statement::time::{days_from_civil, utc};
use standstill_statement::{Body, Freeze, Name};
use standstill_tlog::TlogError;
use standstill_tlog::checkpoint::SignedCheckpoint;
use standstill_tlog::file_log;
use standstill_tlog::fsck::{self, FsckReport};
use standstill_tlog::note::VerifierKey;
use standstill_tlog::policy::Policy;
use standstill_tlog::reader::Limits;
use std::path::Path;
use std::time::Duration;

pub(super) fn run(command: &LogNetworkCommand) -> CliResult {
    match command {
        LogNetworkCommand::Submit { home, url, wait, json } => submit(home, url, *wait, *json),
        LogNetworkCommand::Tail { log, from, every, once, json } => look::tail(log, *from, *every, *once, *json),
        LogNetworkCommand::Fetch { log, json } => look::fetch(log, *json),
        LogNetworkCommand::Absence { log, by, question, out } => {
            prove::absence(log, moment(by)?, question.as_deref(), out)
        }
        LogNetworkCommand::Published { log, by, index, out } => prove::published(log, moment(by)?, *index, out),
        LogNetworkCommand::Certificate { file, agreement, party, json } => {
            prove::certificate(file, agreement, party, *json)
        }
        LogNetworkCommand::Freeze { home, reason, successor, for_ever } => {
            freeze(home, reason, successor.as_deref(), *for_ever)
        }
        LogNetworkCommand::Rotate { home } => rotate(home),
        LogNetworkCommand::Succeed { home, predecessor, check } => succession::run(home, predecessor, *check),
        LogNetworkCommand::Bench { dir, statements, connections, peer, peer_process, json } => {
            let peer = peer.zip(*peer_process).map(|(address, process)| Peer { address, process });
            let options =
                BenchOptions { statements: *statements, connections: *connections, peer, ..BenchOptions::default() };
            measure(dir, &options, *json)
        }
    }
}

fn submit(home: &Path, url: &str, wait: u64, json: bool) -> CliResult {
    let publisher = Publisher::open(home, url)?;
    let progress = Progress::start("Publishing", 0, "");
    let submitted = network::runtime()?.block_on(publisher.publish(Duration::from_secs(wait)))?;
    drop(progress);
    keep_cosignatures(home, &submitted)?;
    if json {
        let value = serde_json::json!({ "new": submitted.new, "size": submitted.size, "quorum_time_unix_seconds": submitted.quorum_time });
        println!("{value}");
        return Ok(Exit::Ok);
    }
    let public =
        submitted.quorum_time.map_or_else(|| "not waited for".to_owned(), |time| format!("public since {}", utc(time)));
    println!("{} new statements, {} in all; {public}.", submitted.new, submitted.size);
    Ok(Exit::Ok)
}

/// Adds what the witnesses said to the folder's own log.
pub(super) fn keep_cosignatures(home: &Path, submitted: &network::Submitted) -> CliResult<()> {
    if submitted.lines.is_empty() {
        return Ok(());
    }
    let public = PublicHalf::read(home)?;
    let key: VerifierKey = public.vkey.parse().map_err(|error| CliError::about("public.toml", error))?;
    let agreement = reading::agreement_file(&home.join("agreement.toml"))?;
    let policy = Policy::parse(&agreement.witnesses).map_err(CliError::unreadable)?;
    file_log::add_cosignatures(&home.join("log"), &key, submitted.size, &submitted.lines, policy.witness_keys())
        .map_err(|error| CliError::about(home.display(), error))
}

fn freeze(home: &Path, reason: &str, successor: Option<&str>, for_ever: bool) -> CliResult {
    if let Some(vkey) = successor {
        VerifierKey::parse(vkey).map_err(|error| CliError::usage(format!("--successor: {error}")))?;
    }
    if !for_ever {
        return Err(CliError::usage("a frozen log takes nothing more, ever; add --for-ever when that is meant"));
    }
    let mut issuer = role::Issuer::open(home)?;
    let body = Freeze { reason: reason.to_owned(), successor: successor.map(str::to_owned) };
    let hash = issuer.state(Body::Freeze(body), crate::clock::now_unix_seconds(), Vec::new())?;
    println!(
        "The log of '{}' ends with statement {}. Publish it: standstill log submit {} --url URL",
        issuer.id,
        hash.short(),
        home.display()
    );
    Ok(Exit::Ok)
}

fn rotate(home: &Path) -> CliResult {
    let rotated = role::rotate_key(home, crate::clock::now_unix_seconds())?;
    println!(
        "'{}' signs with {} from now on; {} is retired by statement {}. Publish it: standstill log submit {} --url URL",
        rotated.id,
        rotated.new,
        rotated.old,
        rotated.statement.short(),
        home.display()
    );
    Ok(Exit::Ok)
}

fn measure(dir: &Path, options: &BenchOptions, json: bool) -> CliResult {
    folder::make(dir)?;
    let place = tempfile::tempdir_in(dir).map_err(|error| CliError::file("make folder in", dir, &error))?;
    let progress = Progress::start("Measuring", 0, "");
    let report = bench::run(place.path(), options).map_err(CliError::unreadable)?;
    drop(progress);
    if json {
        let rows: Vec<_> = report
            .rows
            .iter()
            .map(|row| serde_json::json!({ "what": row.what, "value": row.value, "unit": row.unit, "bar": row.bar }))
            .collect();
        println!("{:#}", serde_json::json!({ "conditions": report.conditions, "rows": rows }));
    } else {
        print!("{report}");
    }
    Ok(Exit::Ok)
}

/// Everything about a log that the terms say, and its copy.
struct Reached {
    name: Name,
    key: VerifierKey,
    speaker: Speaker,
    policy: Policy,
    http: Http,
    copy: LogCopy,
}

impl Reached {
    fn open(log: &NetworkLog) -> CliResult<Self> {
        let (name, key, speaker, policy, _) = named(&log.agreement, &log.party)?;
        let directory = match &log.copy {
            Some(copy) => copy.clone(),
            None => network::copy_folder(&key)?,
        };
        let copy = LogCopy::open(&directory, &key, Limits::default()).map_err(client_error)?;
        let http = Http::new(HttpLimits::default()).map_err(client_error)?;
        Ok(Self { name, key, speaker, policy, http, copy })
    }

    /// Brings the copy up to date when there is an address. A log that does not answer is reported and the copy is used as it is, when
    /// it holds anything; a log that misbehaves is an error.
    fn updated(self, url: Option<&str>) -> CliResult<Self> {
        let Some(url) = url else { return Ok(self) };
        let Self { name, key, speaker, policy, http, copy } = self;
        let mut follower = Follower::new(http.clone(), url, copy, policy.clone());
        let progress = Progress::start("Fetching", 0, "");
        let step = network::runtime()?.block_on(follower.step());
        drop(progress);
        match step {
            Ok(_) => {}
            Err(error @ ClientError::Unreachable { .. }) if follower.copy().head().is_some() => {
                eprintln!("standstill: {error}. The copy of {} statements is used.", follower.copy().size());
            }
            Err(error) => return Err(client_error(error)),
        }
        Ok(Self { name, key, speaker, policy, http, copy: follower.into_copy() })
    }
}

/// What the terms say of a party's or role's log.
fn named(agreement: &Path, party: &str) -> CliResult<(Name, VerifierKey, Speaker, Policy, Agreement)> {
    let terms = reading::agreement_file(agreement)?;
    let name = Name::new(party).map_err(CliError::usage)?;
    let Some((vkey, keys)) = terms.issuer(&name) else {
        return Err(CliError::usage(format!("{} does not name '{name}'", agreement.display())));
    };
    let key: VerifierKey = vkey.parse().map_err(|error| CliError::about(agreement.display(), error))?;
    let speaker = Speaker { agreement: terms.id(), issuer: name.clone(), keys: keys.to_vec() };
    let policy = Policy::parse(&terms.witnesses).map_err(CliError::unreadable)?;
    Ok((name, key, speaker, policy, terms))
}

/// Checks every cosignature on checkpoints; gives one sentence for each problem, and the number of them with a full quorum.
pub(super) fn check_cosignatures(history: &[SignedCheckpoint], agreement: &Path) -> CliResult<(Vec<String>, usize)> {
    let terms = role::reading::agreement_file(agreement)?;
    let policy = Policy::parse(&terms.witnesses).map_err(CliError::unreadable)?;
    let (mut problems, mut quorums) = (Vec::new(), 0);
    for signed in history {
        let size = signed.checkpoint().size;
        match policy.evaluate(signed.note()) {
            Ok(found) => quorums += usize::from(found.quorum_time.is_some()),
            Err(error) => problems.push(format!("checkpoint {size}: {error}")),
        }
    }
    Ok((problems, quorums))
}

/// Checks a log that somebody serves; gives the report and the newest public checkpoint.
pub(super) fn fsck_served(url: &str, key: &VerifierKey) -> CliResult<(FsckReport, Vec<SignedCheckpoint>)> {
    let (http, runtime) = (Http::new(HttpLimits::default()).map_err(client_error)?, network::runtime()?);
    let mut trouble = None;
    let mut fetch = |path: &str, limit: u64| {
        runtime.block_on(http.get(&join(url, path), limit)).map_err(|error| {
            let told = std::io::Error::other(error.to_string());
            trouble = Some(error);
            TlogError::Io { action: "fetch", path: path.into(), source: told }
        })
    };
    let progress = Progress::start("Checking", 0, "");
    let mut newest = None;
    let report = fsck::fsck_served(
        &mut |path: &str, limit: u64| {
            let bytes = fetch(path, limit)?;
            if path == "checkpoint" {
                newest.clone_from(&bytes);
            }
            Ok(bytes)
        },
        key,
        &Limits::default(),
    );
    drop(progress);
    let report = report.map_err(|error| match trouble {
        Some(trouble) => client_error(trouble),
        None => CliError::about(url, error),
    })?;
    let signed = newest.map(|bytes| SignedCheckpoint::parse(&bytes, key)).transpose();
    Ok((report, signed.map_err(|error| CliError::about(url, error))?.into_iter().collect()))
}

/// Unix seconds, or UTC as `2026-11-05T18:00:00Z`.
/// Reads a time: Unix seconds, or UTC.
pub(super) fn moment(text: &str) -> CliResult<u64> {
    let refused =
        || CliError::usage(format!("'{text}' is not a time; write Unix seconds, or UTC as 2026-11-05T18:00:00Z"));
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let (date, time) = text.strip_suffix('Z').and_then(|text| text.split_once('T')).ok_or_else(refused)?;
    let numbers = |text: &str, separator| text.split(separator).map(str::parse::<u64>).collect::<Result<Vec<_>, _>>();
    let (Ok(date), Ok(time)) = (numbers(date, '-'), numbers(time, ':')) else { return Err(refused()) };
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), time.as_slice()) else {
        return Err(refused());
    };
    let days = days_from_civil(*year, *month, *day).filter(|_| *hour < 24 && *minute < 60 && *second < 60);
    Ok(days.ok_or_else(refused)? * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_two_spellings() {
        assert_eq!(moment("1793491200").unwrap(), 1_793_491_200);
        assert_eq!(moment("2026-11-01T00:00:00Z").unwrap(), 1_793_491_200);
        assert_eq!(moment("2026-11-05T18:30:01Z").unwrap(), 1_793_491_200 + 4 * 86_400 + 18 * 3600 + 1801);
        for text in ["", "now", "2026-11-01", "2026-02-30T00:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01T00:00Z"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
