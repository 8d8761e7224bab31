//! `standstill log succeed`: from a frozen log to the one that goes on for it.

use crate::exit::{CliError, CliResult, Exit};
use crate::role::issuer::PublicHalf;
use crate::role::{Issuer, reading};
use standstill_statement::{Body, Hash32, Succession};
use standstill_tlog::note::VerifierKey;
use standstill_tlog::reader::{self, Limits};
use std::path::Path;

pub(super) fn run(home: &Path, predecessor: &Path, check: bool) -> CliResult {
    let public = PublicHalf::read(home)?;
    let end = read_end(predecessor, &public.vkey)?;
    if check {
        return compare(home, &public, &end);
    }
    let mut issuer = Issuer::open(home)?;
    if !issuer.entries().is_empty() {
        let message = format!(
            "{} has {} statements already; a log names its predecessor in its first entry only",
            home.display(),
            issuer.entries().len()
        );
        return Err(CliError::usage(message));
    }
    let (size, id) = (end.size, issuer.id.clone());
    let hash = issuer.state(Body::Succession(end), crate::clock::now_unix_seconds(), Vec::new())?;
    println!(
        "The log of '{id}' goes on for {}, which ended at {size} entries (statement {}). Publish it: standstill log submit {} --url URL",
        predecessor.display(),
        hash.short(),
        home.display()
    );
    Ok(Exit::Ok)
}

/// Where the frozen log ended; it must name the new one.
fn read_end(predecessor: &Path, new_vkey: &str) -> CliResult<Succession> {
    let old = PublicHalf::read(predecessor)?;
    let key: VerifierKey = old.vkey.parse().map_err(|error| CliError::about(predecessor.display(), error))?;
    let log = predecessor.join("log");
    let contents =
        reader::read_log(&log, &key, &Limits::default()).map_err(|error| CliError::about(log.display(), error))?;
    let last = reading::entries(&log, &key)?.pop();
    let frozen = last.as_ref().and_then(|entry| match &entry.statement.body {
        Body::Freeze(freeze) => Some((freeze, entry)),
        _ => None,
    });
    let Some((freeze, entry)) = frozen else {
        let message = format!(
            "{} is not frozen: its last entry is no freeze. End it first: standstill log freeze {} --reason TEXT --successor '{new_vkey}' --for-ever",
            log.display(),
            predecessor.display()
        );
        return Err(CliError::usage(message));
    };
    if freeze.successor.as_deref() != Some(new_vkey) {
        let named = freeze.successor.as_deref().unwrap_or("no successor");
        return Err(CliError::unreadable(format!(
            "{} ended and names {named}, not {new_vkey}: another log was to go on for it",
            log.display()
        )));
    }
    Ok(Succession {
        predecessor: old.vkey,
        agreement: entry.statement.header.agreement,
        size: contents.checkpoint.checkpoint().size,
        root: Hash32(contents.checkpoint.checkpoint().root),
        last: entry.hash,
    })
}

fn compare(home: &Path, public: &PublicHalf, end: &Succession) -> CliResult {
    let key: VerifierKey = public.vkey.parse().map_err(|error| CliError::about("public.toml", error))?;
    let first = reading::entries(&home.join("log"), &key)?.into_iter().next();
    match first.map(|entry| entry.statement.body) {
        Some(Body::Succession(said)) if said == *end => {
            println!(
                "The log of '{}' goes on exactly where its predecessor ended, at {} entries.",
                public.id, end.size
            );
            Ok(Exit::Ok)
        }
        Some(Body::Succession(said)) => {
            let message = format!(
                "the first entry of '{}' says that its predecessor ended at {} entries with root {}, but it ended at {} with {}",
                public.id, said.size, said.root, end.size, end.root
            );
            Err(CliError { message, exit: Exit::Violated })
        }
        _ => Err(CliError::unreadable(format!("the log of '{}' names no predecessor in its first entry", public.id))),
    }
}
