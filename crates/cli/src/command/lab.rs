//! `standstill lab`.

use crate::args::LabCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::role::{Lab, reading};
use crate::{clock, folder, random};
use standstill_ledger::WindowLedger;
use standstill_ledger::lineage::{implied_ops, plans_too_little};
use standstill_statement::time::utc;
use standstill_statement::{Body, Class, Mode, Name, RunDeclaration};
use standstill_tlog::note::VerifierKey;
use std::path::Path;

pub(super) fn run(command: LabCommand) -> CliResult {
    match command {
        LabCommand::Init { dir, party } => init(&dir, &party),
        LabCommand::Join { dir, agreement, mode } => join(&dir, &agreement, &mode),
        LabCommand::DeclareFleet { dir, fleet, from_window } => {
            let fleet = super::fleet::read(&fleet)?;
            let mut lab = Lab::open(&dir)?;
            let hash = lab.declare_fleet(&fleet, from_window, clock::now_unix_seconds(), &mut random::generator()?)?;
            println!("Declared {} devices from window {from_window} on (statement {}).", fleet.len(), hash.short());
            next_cosign(&lab);
            Ok(Exit::Ok)
        }
        command @ LabCommand::DeclareRun { .. } => declare_run(command),
        LabCommand::Report { dir, ledger, source, bundle } => report(&dir, &ledger, source, bundle.as_deref()),
        LabCommand::Heartbeat { dir, window } => {
            let mut lab = Lab::open(&dir)?;
            let hash = lab.heartbeat(window, clock::now_unix_seconds())?;
            println!("Published a heartbeat for window {window} (statement {}).", hash.short());
            Ok(Exit::Ok)
        }
        LabCommand::Respond { dir, auditor_log, auditor_vkey } => respond(&dir, &auditor_log, &auditor_vkey),
        LabCommand::Status { dir, json } => status(&dir, json),
    }
}

fn init(dir: &Path, party: &str) -> CliResult {
    let public = Lab::create(dir, &Name::new(party).map_err(CliError::usage)?)?;
    println!(
        "Lab '{}' is set up in {}. Its secrets are in {}/keys: back them up, show them to nobody.",
        public.id,
        dir.display(),
        dir.display()
    );
    println!(
        "Give the others {}/public.toml. When the terms are agreed: standstill lab join {} --agreement FILE",
        dir.display(),
        dir.display()
    );
    Ok(Exit::Ok)
}

fn join(dir: &Path, agreement: &Path, mode: &str) -> CliResult {
    let mode = match mode {
        "open" => Mode::Open,
        "sealed" => Mode::Sealed,
        other => return Err(CliError::usage(format!("--mode {other}: write 'open' or 'sealed'"))),
    };
    let terms = folder::read_text(agreement)?;
    Lab::join(dir, &terms, mode)?;
    let id = reading::parse_agreement(&agreement.display().to_string(), &terms)?.id();
    println!(
        "Bound to agreement {id}. Next: standstill lab declare-fleet {} FLEET, before the agreement starts.",
        dir.display()
    );
    Ok(Exit::Ok)
}

fn declare_run(command: LabCommand) -> CliResult {
    let LabCommand::DeclareRun {
        dir,
        run,
        parent,
        class,
        planned_flop,
        parameters,
        active_parameters,
        tokens,
        from_window,
    } = command
    else {
        return Err(CliError::bug("declare_run was given another command"));
    };
    let name = |text: &str| Name::new(text).map_err(CliError::usage);
    let class = Class::from_name(&class)
        .ok_or_else(|| CliError::usage(format!("--class {class}: write one of {}", class_words())))?;
    let declaration = RunDeclaration {
        run: name(&run)?,
        parents: parent.iter().map(|text| name(text)).collect::<CliResult<_>>()?,
        class,
        planned_petaops: petaops(&planned_flop)?,
        parameters,
        active_parameters: active_parameters.unwrap_or(parameters),
        dataset_tokens: tokens,
        from_window,
    };
    let mut lab = Lab::open(&dir)?;
    if plans_too_little(&declaration) {
        eprintln!(
            "note: 6 x active parameters x tokens is {} petaops, more than --planned-flop says; every verdict will ask about it",
            implied_ops(&declaration).div_ceil(1_000_000_000_000_000)
        );
    }
    let hash = lab.declare_run(declaration, clock::now_unix_seconds())?;
    println!("Declared run '{run}' (statement {}).", hash.short());
    next_cosign(&lab);
    Ok(Exit::Ok)
}

/// Operations such as `3e23` or `1000000000000000`, in units of 1e15, rounded up; exact, without floating point.
fn petaops(text: &str) -> CliResult<u64> {
    let refuse = || CliError::usage(format!("--planned-flop {text}: write a number of operations, for example 3e23"));
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<u32>().map_err(|_| refuse())?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = u32::try_from(fraction.len()).map_err(|_| refuse())?;
    let value: u128 = format!("{whole}{fraction}").parse().map_err(|_| refuse())?;
    let scale = |power: u32| 10u128.checked_pow(power).ok_or_else(refuse);
    let operations = if exponent >= decimals {
        value.checked_mul(scale(exponent - decimals)?).ok_or_else(refuse)?
    } else {
        value.div_ceil(scale(decimals - exponent)?)
    };
    u64::try_from(operations.div_ceil(1_000_000_000_000_000)).map_err(|_| refuse())
}

fn class_words() -> String {
    Class::ALL.map(Class::name).join(", ")
}

fn report(dir: &Path, path: &Path, sources: Vec<String>, bundle: Option<&Path>) -> CliResult {
    let bytes = folder::read(path, standstill_ledger::window::MAX_LEDGER_BYTES as u64)?;
    let ledger = WindowLedger::decode(&bytes).map_err(|error| CliError::about(path.display(), error))?;
    let mut lab = Lab::open(dir)?;
    lab.in_force = phases(&lab, ledger.spec.index, bundle)?;
    let progress = crate::progress::Progress::start("Sealing", 0, "");
    let published = lab.report(&ledger, sources, clock::now_unix_seconds(), &mut random::generator()?)?;
    drop(progress);
    let window = ledger.spec.index;
    println!(
        "Published the report on window {window} (statement {}, seal {} bytes).",
        published.statement.short(),
        published.seal_bytes
    );
    println!("It is due, cosigned by a quorum, by {}.", utc(lab.issuer.agreement.report_deadline(window)));
    for over in &published.over {
        println!("No proof of '{}': {}. Everyone will see that the proof is missing.", over.rule, over.reason);
    }
    next_cosign(&lab);
    Ok(Exit::Ok)
}

/// The terms with the phases that the agreement's run-time gave; `None` when its phases follow a schedule.
fn phases(lab: &Lab, window: u64, bundle: Option<&Path>) -> CliResult<Option<standstill_agreement::Agreement>> {
    let terms = &lab.issuer.agreement;
    if terms.conduct().is_none() {
        return Ok(None);
    }
    let Some(path) = bundle else {
        let message = "the phases of this agreement follow from statements: say with --bundle DIR where they are (standstill bundle, or a monitor's)";
        return Err(CliError::usage(message));
    };
    let bundle = standstill_verify::Bundle::open(path, standstill_verify::Limits::default());
    let bundle = bundle.map_err(|error| CliError::about(path.display(), error))?;
    if bundle.agreement().id() != lab.issuer.agreement_id {
        return Err(CliError::usage(format!("{} is of another agreement", path.display())));
    }
    let replayed = standstill_verify::runtime::replay(&bundle, None);
    let replayed = replayed.ok_or_else(|| CliError::bug("terms that run themselves cannot be replayed"))?;
    let (until, end) = (replayed.timeline.settled_until_unix_seconds, terms.window_bounds(window).1);
    if until < end {
        return Err(CliError::usage(format!(
            "{} settles phases only until {}, and window {window} ends at {}; collect it again later",
            path.display(),
            utc(until),
            utc(end)
        )));
    }
    Ok(Some(replayed.timeline.terms_for(terms, &lab.issuer.id)))
}

fn respond(dir: &Path, auditor_log: &Path, auditor_vkey: &str) -> CliResult {
    let key = VerifierKey::parse(auditor_vkey).map_err(|error| CliError::usage(format!("--auditor-vkey: {error}")))?;
    let entries = reading::entries(auditor_log, &key)?;
    let mut lab = Lab::open(dir)?;
    let open: Vec<reading::Entry> = lab.open_challenges(&entries).into_iter().cloned().collect();
    for challenge in &open {
        let hash = lab.respond(challenge, &[], clock::now_unix_seconds(), &mut random::generator()?)?;
        println!(
            "Answered challenge {} (statement {}); only the inspector can read it.",
            challenge.hash.short(),
            hash.short()
        );
    }
    if open.is_empty() {
        println!("No challenge is open.");
    } else {
        next_cosign(&lab);
    }
    Ok(Exit::Ok)
}

fn status(dir: &Path, json: bool) -> CliResult {
    let lab = Lab::open(dir)?;
    let agreement = &lab.issuer.agreement;
    let entries = lab.issuer.entries();
    let reported: std::collections::BTreeSet<u64> =
        reading::reports(entries).iter().map(|(_, report)| report.window).collect();
    let now = clock::now_unix_seconds();
    let due: Vec<u64> = (0..agreement.term_windows)
        .take_while(|window| agreement.window_bounds(*window).1 <= now)
        .filter(|window| !reported.contains(window))
        .collect();
    let fleets = entries.iter().filter(|entry| matches!(entry.statement.body, Body::Fleet(_))).count();
    let runs = reading::runs(entries);
    if json {
        let value = serde_json::json!({
            "party": lab.issuer.id, "agreement": lab.issuer.agreement_id, "statements": entries.len(), "fleet_declarations": fleets,
            "runs": runs.iter().map(|run| run.run.as_str()).collect::<Vec<_>>(), "windows_reported": reported, "windows_due": due,
        });
        println!("{value:#}");
        return Ok(Exit::Ok);
    }
    println!("{}: {} statements under agreement {}.", lab.issuer.id, entries.len(), lab.issuer.agreement_id.short());
    println!("Fleet declarations: {fleets}. Runs declared: {}. Windows reported: {}.", runs.len(), reported.len());
    if due.is_empty() {
        println!("No report is due.");
    }
    for window in due {
        println!("Due: report on window {window}, by {}.", utc(agreement.report_deadline(window)));
    }
    Ok(Exit::Ok)
}

/// A statement counts from the moment that a quorum of witnesses has cosigned it.
fn next_cosign(lab: &Lab) {
    println!(
        "Next: have it cosigned. Each witness runs: standstill witness cosign DIR --log {}/log --vkey '{}'",
        lab.issuer.home.display(),
        lab.issuer.log_key()
    );
}

#[cfg(test)]
mod tests {
    use super::petaops;

    #[test]
    fn operations_are_read_exactly() {
        assert_eq!(petaops("3e23").unwrap(), 300_000_000);
        assert_eq!(petaops("1.5e15").unwrap(), 2);
        assert_eq!(petaops("1").unwrap(), 1);
        assert_eq!(petaops("0").unwrap(), 0);
        for bad in ["", "e", "-1", "1e99", "three", "1e40"] {
            assert!(petaops(bad).is_err(), "{bad}");
        }
    }
}
