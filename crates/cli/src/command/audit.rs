//! `standstill audit`.

use crate::args::AuditCommand;
use crate::exit::{CliError, CliResult, Exit};
use crate::role::auditor::{AuditorHome, Power, Published};
use crate::role::issuer::{Issuer, PublicHalf};
use crate::role::power::SiteFacts;
use crate::{clock, folder, random};
use standstill_audit::bound::{CleanAudit, PartsPerMillion};
use standstill_audit::{Beacon, bound};
use standstill_statement::Name;
use standstill_statement::time::utc;
use std::path::Path;

pub(super) fn run(command: AuditCommand) -> CliResult {
    match command {
        AuditCommand::Init { dir, name } => {
            let public =
                AuditorHome::create(&dir, &Name::new(&name).map_err(CliError::usage)?, &mut random::generator()?)?;
            println!(
                "Auditor '{}' is set up in {}. Give the others {}/public.toml.",
                public.id,
                dir.display(),
                dir.display()
            );
            Ok(Exit::Ok)
        }
        AuditCommand::Join { dir, agreement } => {
            Issuer::join(&dir, &folder::read_text(&agreement)?)?;
            println!("Bound to {}.", agreement.display());
            Ok(Exit::Ok)
        }
        AuditCommand::Challenge { dir, lab, window, round } => challenge(&dir, &lab, window, round.as_deref()),
        AuditCommand::Examine {
            dir,
            lab,
            power,
            base_watts_per_device,
            whole_node,
            overhead_per_mille,
            tolerance_per_mille,
        } => examine(
            &dir,
            &lab,
            power.as_deref(),
            &SiteFacts { base_watts_per_device, whole_node, overhead_per_mille, tolerance_per_mille },
        ),
        AuditCommand::Bound { groups, opened, json } => show_bound(groups, opened, json),
        AuditCommand::Beacon { round } => beacon(&round),
    }
}

fn published(auditor: &AuditorHome, home: &Path) -> CliResult<Published> {
    let party = PublicHalf::read(home)?.id;
    Published::read(home, &auditor.issuer.agreement, &party)
}

fn challenge(dir: &Path, lab: &Path, window: u64, round: Option<&Path>) -> CliResult {
    let mut auditor = AuditorHome::open(dir)?;
    let published = published(&auditor, lab)?;
    let required = auditor.required_round(&published, window)?;
    let Some(path) = round else {
        println!(
            "Only round {required} of the agreement's beacon may draw from this report. Fetch it, then add: --round FILE"
        );
        return Ok(Exit::Ok);
    };
    let round = super::bundle::read_round(path)?;
    let hash = auditor.challenge(&published, window, &round, clock::now_unix_seconds())?;
    println!(
        "Published challenge {hash}. Print it with: standstill show '{}/log#{}'",
        dir.display(),
        auditor.issuer.entries().len() - 1
    );
    Ok(Exit::Ok)
}

fn examine(dir: &Path, lab: &Path, power: Option<&Path>, site: &SiteFacts) -> CliResult {
    let mut auditor = AuditorHome::open(dir)?;
    let published = published(&auditor, lab)?;
    let party = PublicHalf::read(lab)?.id;
    let power = power
        .map(|path| crate::role::power::read_csv(path, &auditor.issuer.agreement))
        .transpose()?
        .unwrap_or_else(Power::new);
    let mut waiting = 0;
    for challenge in auditor.open_challenges(&party) {
        let Some(examinations) = auditor.examine(&published, challenge, &power, site, clock::now_unix_seconds())?
        else {
            waiting += 1;
            continue;
        };
        for examination in examinations {
            let item = &examination.item;
            println!("challenge {}: group {}: {:?} {}", challenge.short(), item.group, item.outcome, item.reason);
            // Details name devices and figures: they stay on this screen and are not published.
            for detail in &examination.details {
                println!("    {}", detail.text);
            }
        }
    }
    if waiting > 0 {
        println!("{waiting} challenges may still be answered.");
    }
    Ok(Exit::Ok)
}

fn show_bound(groups: u64, opened: u64, json: bool) -> CliResult {
    let narrow = |value: u64, what: &str| {
        u32::try_from(value).map_err(|_| CliError::usage(format!("--{what} {value}: at most {}", u32::MAX)))
    };
    let (groups, drawn) = (narrow(groups, "groups")?, narrow(opened, "opened")?);
    let confidence = PartsPerMillion::CONFIDENCE_95;
    if json {
        let undetected = bound::undetected_groups(groups, drawn, confidence).map_err(CliError::usage)?;
        println!(
            "{:#}",
            serde_json::json!({ "groups": groups, "opened": drawn, "confidence": "0.95", "bad_groups_at_most": undetected })
        );
    } else {
        let text = CleanAudit { groups, drawn, confidence }.text().map_err(CliError::usage)?;
        println!("{}", text.trim_end());
    }
    Ok(Exit::Ok)
}

fn beacon(path: &Path) -> CliResult {
    let round = super::bundle::read_round(path)?;
    let quicknet = Beacon::quicknet().map_err(CliError::bug)?;
    let randomness = quicknet.verify(&round).map_err(|error| CliError::about(path.display(), error))?;
    let time = quicknet.time_of_round(round.round).unwrap_or(0);
    println!(
        "Round {} of drand quicknet is genuine. Time {}. Randomness {}.",
        round.round,
        utc(time),
        standstill_statement::Hash32(randomness.bytes)
    );
    Ok(Exit::Ok)
}
