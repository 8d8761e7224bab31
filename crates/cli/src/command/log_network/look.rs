//! Looking at a log over the network: `tail` and `fetch`.

use super::{Reached, client_error};
use crate::args::NetworkLog;
use crate::exit::{CliError, CliResult, Exit};
use crate::network;
use standstill_node::client::{ClientError, Follower, Step};
use standstill_statement::time::utc;
use standstill_statement::{Hash32, decode_unverified};
use std::time::Duration;

pub(super) fn fetch(log: &NetworkLog, json: bool) -> CliResult {
    let url = address(log)?;
    let reached = Reached::open(log)?;
    let (name, before) = (reached.name.clone(), reached.copy.size());
    let mut follower = Follower::new(reached.http, url, reached.copy, reached.policy);
    let progress = crate::progress::Progress::start("Fetching", 0, "");
    let step = network::runtime()?.block_on(follower.step()).map_err(client_error)?;
    drop(progress);
    let directory = follower.copy().directory().display().to_string();
    if json {
        let value = serde_json::json!({
            "party": name, "from": before, "size": step.size, "quorum_time_unix_seconds": step.quorum_time,
            "quorum_since_unix_seconds": step.quorum_since, "missing_witnesses": step.missing, "copy": directory,
        });
        println!("{value}");
        return Ok(Exit::Ok);
    }
    println!("{name}: {} statements, {} of them new; the copy is in {directory}.", step.size, step.size - before);
    println!("{}", witnessed(&step));
    Ok(Exit::Ok)
}

fn witnessed(step: &Step) -> String {
    let missing =
        if step.missing.is_empty() { String::new() } else { format!(" Not cosigned by {}.", step.missing.join(", ")) };
    match (step.quorum_time, step.quorum_since) {
        (Some(first), Some(last)) => {
            format!(
                "A full quorum had cosigned the last checkpoint by {}, and still at {}.{missing}",
                utc(first),
                utc(last)
            )
        }
        _ => format!("The last checkpoint has no quorum of witnesses yet.{missing}"),
    }
}

fn address(log: &NetworkLog) -> CliResult<&str> {
    log.url.as_deref().ok_or_else(|| CliError::usage("say where the log is: --url http://..."))
}

pub(super) fn tail(log: &NetworkLog, from: u64, every: u64, once: bool, json: bool) -> CliResult {
    let url = address(log)?;
    let reached = Reached::open(log)?;
    let mut follower = Follower::new(reached.http, url, reached.copy, reached.policy);
    let mut next = from;
    let runtime = network::runtime()?;
    loop {
        match runtime.block_on(follower.step()) {
            Ok(_) => {}
            // A log may be away for a moment; one that misbehaves ends the tail.
            Err(error @ ClientError::Unreachable { .. }) if !once => eprintln!("standstill: {error}"),
            Err(error) => return Err(client_error(error)),
        }
        if follower.copy().size() > next {
            for entry in follower.copy().entries(next).map_err(client_error)? {
                print(next, &entry, json);
                next += 1;
            }
        }
        if once {
            return Ok(Exit::Ok);
        }
        let interrupted = runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(every)) => false,
                _ = tokio::signal::ctrl_c() => true,
            }
        });
        if interrupted {
            return Ok(Exit::Ok);
        }
    }
}

fn print(index: u64, entry: &[u8], json: bool) {
    let (hash, statement) = (Hash32::of(entry), decode_unverified(entry));
    match statement {
        Ok(statement) if json => {
            println!(
                "{}",
                serde_json::json!({ "index": index, "statement": hash, "header": statement.header, "body": statement.body })
            );
        }
        Ok(statement) => {
            let issued = utc(statement.header.issued_unix_seconds);
            println!("#{index:<5} {issued}  {:10} {}", statement.kind(), hash.short());
        }
        Err(_) if json => {
            println!("{}", serde_json::json!({ "index": index, "statement": hash, "header": null, "body": null }))
        }
        Err(error) => println!("#{index:<5} not a statement ({error}) {}", hash.short()),
    }
}
