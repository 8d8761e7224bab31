//! `standstill act`: statements by which an agreement runs.

mod body;
mod trial;

use crate::args::{ActArgs, ActVerb, RoleOf};
use crate::exit::{CliError, CliResult, Exit};
use crate::role::Issuer;
use crate::role::acting::entry_round_of;
use crate::{clock, folder, network};
use serde_json::json;
use standstill_node::client::{Http, HttpLimits};
use standstill_statement::time::utc;
use standstill_statement::{self as statement, Body, Hash32};
use std::path::Path;
use std::time::Duration;
use trial::Trial;

/// Longest wait for the witnesses with `--url`.
const WAIT: Duration = Duration::from_secs(60);

pub(super) fn run(args: &ActArgs) -> CliResult {
    let now = args.issued.unwrap_or_else(clock::now_unix_seconds);
    let trial = Trial { bundle: args.bundle.as_deref(), now };
    match &args.verb {
        ActVerb::Init { dir, id, kind } => init(dir, id, *kind),
        ActVerb::Join { dir, agreement } => {
            Issuer::join(dir, &folder::read_text(agreement)?)?;
            println!("{} is bound to {}.", dir.display(), agreement.display());
            Ok(Exit::Ok)
        }
        ActVerb::Ratify { dir } => act(args, dir, |issuer| {
            trial.let_through(issuer, &issuer.ratification(), None)?;
            issuer.ratify(now)
        }),
        ActVerb::Seal { dir, entry_round, valid_until, condition } => {
            let condition = condition.as_deref().map(body::formula).transpose()?;
            let valid_until_unix_seconds = super::log_network::moment(valid_until)?;
            let offer = statement::Commitment { condition, valid_until_unix_seconds };
            act(args, dir, |issuer| {
                // The seal itself plays no part in whether it counts, and making it would leave a salt in the folder.
                let seal = statement::CommitmentSeal { entry_round: *entry_round, seal: Hash32::default() };
                trial.let_through(issuer, &Body::Commitment(seal), None)?;
                issuer.seal_offer(*entry_round, &offer, now)
            })
        }
        ActVerb::Open { dir, entry_round, beacon: None } => wanted_round(dir, *entry_round),
        ActVerb::Open { dir, entry_round, beacon: Some(path) } => {
            let round = super::bundle::read_round(path)?;
            act(args, dir, |issuer| {
                trial::refuse_opening(issuer)?;
                let opening = issuer.opening(*entry_round, &round)?;
                let known = (opening.beacon_round, opening.randomness);
                let opening = Body::Opening(opening);
                trial.let_through(issuer, &opening, Some(known))?;
                issuer.state(opening, now, Vec::new())
            })
        }
        verb => {
            let draft = body::draft(verb)?;
            act(args, folder_of(verb), |issuer| {
                trial.let_through(issuer, &draft.body, None)?;
                for file in &draft.files {
                    issuer.put_blob(file)?;
                }
                issuer.state(draft.body, now, Vec::new())
            })
        }
    }
}

fn init(dir: &Path, id: &str, kind: RoleOf) -> CliResult {
    let word = match kind {
        RoleOf::Inspector => "inspector",
        RoleOf::Evaluator => "evaluator",
        RoleOf::Adjudicator => "adjudicator",
    };
    let public = Issuer::create(dir, word, &body::name(id)?)?;
    println!(
        "The {word} '{}' is set up in {}. Back up {}/keys, and show them to nobody.",
        public.id,
        dir.display(),
        dir.display()
    );
    println!(
        "Give the others {}/public.toml. When the terms are agreed: standstill act join {} --agreement FILE",
        dir.display(),
        dir.display()
    );
    Ok(Exit::Ok)
}

fn wanted_round(dir: &Path, entry_round: u32) -> CliResult {
    let issuer = Issuer::open(dir)?;
    trial::refuse_opening(&issuer)?;
    let round = entry_round_of(&issuer.agreement, entry_round)?;
    println!(
        "Entry round {entry_round} is closed by round {} of beacon '{}', out at {}. Openings count until {}.",
        round.beacon_round,
        issuer.agreement.audit.beacon.name,
        utc(round.beacon_unix_seconds),
        utc(round.opened_by_unix_seconds)
    );
    println!("Fetch it, then: standstill act open {} --entry-round {entry_round} --beacon FILE", dir.display());
    Ok(Exit::Ok)
}

/// Makes a statement, publishes it when asked, and says what is next.
fn act(args: &ActArgs, dir: &Path, make: impl FnOnce(&mut Issuer) -> CliResult<Hash32>) -> CliResult {
    let mut issuer = Issuer::open(dir)?;
    if args.url.is_some() {
        // Shows that the statement was not public before, so that its place among others' statements is settled.
        let http = Http::new(HttpLimits::default()).map_err(network::client_error)?;
        network::runtime()?.block_on(network::refresh(&mut issuer, &http))?;
    }
    let hash = make(&mut issuer)?;
    let made = issuer.entries().last().map(|entry| (entry.index, entry.statement.body.kind().name()));
    let (index, kind) = made.ok_or_else(|| CliError::bug("a statement was made and is not there"))?;
    let (id, vkey) = (issuer.id.clone(), issuer.log_key().to_string());
    drop(issuer);
    let public = args.url.as_deref().map(|url| publish(dir, url)).transpose()?.flatten();
    if args.json {
        println!(
            "{:#}",
            json!({ "issuer": id, "index": index, "kind": kind, "statement": hash, "public_unix_seconds": public })
        );
        return Ok(Exit::Ok);
    }
    println!("{id}: {kind} (entry {index})\nstatement {hash}");
    match public {
        Some(time) => println!("A quorum of witnesses had cosigned it by {}.", utc(time)),
        None => println!(
            "It counts from the moment that a quorum has cosigned it. Next: standstill log submit {} --url URL, or each witness: standstill witness cosign DIR --log {}/log --vkey '{vkey}'",
            dir.display(),
            dir.display()
        ),
    }
    Ok(Exit::Ok)
}

fn publish(dir: &Path, url: &str) -> CliResult<Option<u64>> {
    let publisher = network::Publisher::open(dir, url)?;
    let submitted = network::runtime()?.block_on(publisher.publish(WAIT))?;
    super::log_network::keep_cosignatures(dir, &submitted)?;
    Ok(submitted.quorum_time)
}

fn folder_of(verb: &ActVerb) -> &Path {
    match verb {
        ActVerb::Init { dir, .. }
        | ActVerb::Join { dir, .. }
        | ActVerb::Ratify { dir }
        | ActVerb::Seal { dir, .. }
        | ActVerb::Open { dir, .. }
        | ActVerb::Measure { dir, .. }
        | ActVerb::Raise { dir, .. }
        | ActVerb::Lift { dir, .. }
        | ActVerb::Vote { dir, .. }
        | ActVerb::Acknowledge { dir, .. }
        | ActVerb::Question { dir, .. }
        | ActVerb::Answer { dir, .. }
        | ActVerb::Clarify { dir, .. }
        | ActVerb::Dispute { dir, .. }
        | ActVerb::Rule { dir, .. }
        | ActVerb::Inspect { dir, .. }
        | ActVerb::Object { dir, .. }
        | ActVerb::Conclude { dir, .. }
        | ActVerb::Withdraw { dir, .. }
        | ActVerb::Suspend { dir, .. }
        | ActVerb::Resume { dir, .. } => dir,
    }
}
